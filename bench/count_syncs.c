/* count_syncs.c: counts a server's syncs by what is synced; loaded into it with LD_PRELOAD.
 *
 * The counts lie in a file that is mapped shared (COUNT_SYNCS names it): whoever measures reads them at any time, and
 * they outlast a kill. Children of the server are not counted: the helpers may not call what this calls.
 *
 * The file holds 64-bit numbers in the machine's byte order: syncs of the database's files (its log included), of other
 * files, of folders, of whole file systems. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum kind { DATABASE, BLOB, FOLDER, FILE_SYSTEM, KINDS };

/* Counts that nobody asked for go here. */
static _Atomic uint64_t unread[KINDS];
static _Atomic uint64_t *counts = unread;

__attribute__((constructor)) static void begin(void)
{
    unsetenv("LD_PRELOAD");
    const char *path = getenv("COUNT_SYNCS");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof(unread)) == 0) {
        void *mapped = mmap(NULL, sizeof(unread), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED)
            counts = mapped;
    }
    close(fd);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static enum kind kind_of(int fd)
{
    struct stat facts;
    char link[48], path[4096];
    if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        return FOLDER;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    path[length < 0 ? 0 : length] = '\0';
    bool database = ends_with(path, ".db") || ends_with(path, "-wal") || ends_with(path, "-journal");
    return database ? DATABASE : BLOB;
}

static int count(const char *name, enum kind kind, int fd)
{
    atomic_fetch_add(&counts[kind], 1);
    int (*real)(int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real ? real(fd) : -1;
}

EXPORTED int fsync(int fd)
{
    return count("fsync", kind_of(fd), fd);
}

EXPORTED int fdatasync(int fd)
{
    return count("fdatasync", kind_of(fd), fd);
}

EXPORTED int syncfs(int fd)
{
    return count("syncfs", FILE_SYSTEM, fd);
}
