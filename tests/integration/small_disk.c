/* small_disk.c: a disk that fills up, for a server of the tests; loaded into it with LD_PRELOAD.
 *
 * What is full is the folder that SMALL_DISK_FOLDER names; all else goes on. The file that SMALL_DISK names is mapped
 * shared, so that the test turns the switch at any time (`struct disk`, written by small_disk.py) and reads what was
 * refused. As on a real disk, what is overwritten needs no room, a write that fits in part is written in part, reading
 * and removing always work. Which writes are refused can be narrowed down to paths that contain a word, so that the disk
 * is full at exactly the step that a test is about.
 *
 * What goes into mapped memory (SQLite's index of its log) is not seen; a mounted disk shows that (test_full_disk.py).
 * Children are left alone: the helpers write nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum { PATH_BYTES = 4096, WORD_BYTES = 64 };

enum { REFUSE_BYTES = 1, REFUSE_NAMES = 2, REFUSE_SYNCS = 4 };

struct disk {
    _Atomic uint32_t refuse; /* 0: there is room */
    _Atomic uint32_t refused;
    _Atomic int64_t room;  /* bytes that still fit; only then is anything refused */
    char word[WORD_BYTES]; /* only paths that contain it; empty: all. Changed only while `refuse` is 0. */
};

static struct disk none;
static struct disk *disk = &none;
static char folder[PATH_BYTES];

__attribute__((constructor)) static void begin(void)
{
    unsetenv("LD_PRELOAD");
    const char *path = getenv("SMALL_DISK");
    const char *where = getenv("SMALL_DISK_FOLDER");
    int fd = path && where ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    snprintf(folder, sizeof(folder), "%s", where);
    void *mapped = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        disk = mapped;
    close(fd);
}

static void *next(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

/* ---- what is refused -------------------------------------------------------------------------------------------- */

static bool concerns(const char *path)
{
    return strncmp(path, folder, strlen(folder)) == 0 && (!disk->word[0] || strstr(path, disk->word));
}

/* The path behind a descriptor, and `name` below it. */
static bool path_of(int fd, const char *name, char path[PATH_BYTES])
{
    char link[48];
    if (name && name[0] == '/')
        return snprintf(path, PATH_BYTES, "%s", name) < PATH_BYTES;
    if (fd == AT_FDCWD)
        snprintf(link, sizeof(link), "/proc/self/cwd");
    else
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_BYTES - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return !name || snprintf(path + length, PATH_BYTES - (size_t)length, "/%s", name) < PATH_BYTES - length;
}

static bool refuses(uint32_t what, int fd, const char *name)
{
    char path[PATH_BYTES];
    if (!(atomic_load(&disk->refuse) & what) || (what != REFUSE_BYTES && atomic_load(&disk->room) > 0))
        return false;
    int before = errno;
    bool found = path_of(fd, name, path) && concerns(path);
    errno = before;
    return found;
}

static int refuse(void)
{
    atomic_fetch_add(&disk->refused, 1);
    errno = ENOSPC;
    return -1;
}

/* How much of a write at `offset` (-1: where the file stands) may go through; -1 with errno: nothing of it. */
static int64_t fits(int fd, int64_t offset, size_t size)
{
    struct stat facts;
    if (size == 0 || !refuses(REFUSE_BYTES, fd, NULL) || fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode))
        return (int64_t)size;
    int64_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    int64_t free = facts.st_size > at ? facts.st_size - at : 0; /* overwritten */
    if ((int64_t)size <= free)
        return (int64_t)size;
    int64_t wanted = (int64_t)size - free;
    int64_t room = atomic_load(&disk->room);
    int64_t taken;
    do {
        taken = room < wanted ? room : wanted;
    } while (taken > 0 && !atomic_compare_exchange_weak(&disk->room, &room, room - taken));
    if (free + taken == 0)
        return refuse();
    return free + taken;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

EXPORTED ssize_t write(int fd, const void *bytes, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (!real)
        *(void **)&real = next("write");
    int64_t fitting = fits(fd, -1, size);
    return fitting < 0 ? -1 : real(fd, bytes, (size_t)fitting);
}

EXPORTED ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        *(void **)&real = next("pwrite64");
    int64_t fitting = fits(fd, offset, size);
    return fitting < 0 ? -1 : real(fd, bytes, (size_t)fitting, offset);
}

/* A part that fits is written from the first piece alone: callers must expect that of any writev. */
EXPORTED ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real)
        *(void **)&real = next("writev");
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    int64_t fitting = fits(fd, -1, size);
    if (fitting < 0)
        return -1;
    if ((size_t)fitting == size)
        return real(fd, pieces, count);
    struct iovec first = pieces[0];
    if (first.iov_len > (size_t)fitting)
        first.iov_len = (size_t)fitting;
    return real(fd, &first, 1);
}

/* ---- syncs: where blocks are found only when they are written back ---------------------------------------------- */

EXPORTED int fsync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = next("fsync");
    return refuses(REFUSE_SYNCS, fd, NULL) ? refuse() : real(fd);
}

EXPORTED int fdatasync(int fd)
{
    static int (*real)(int);
    if (!real)
        *(void **)&real = next("fdatasync");
    return refuses(REFUSE_SYNCS, fd, NULL) ? refuse() : real(fd);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

EXPORTED int openat64(int fd, const char *name, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    mode_t mode = 0;
    if (!real)
        *(void **)&real = next("openat64");
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if ((flags & O_CREAT) && faccessat(fd, name, F_OK, 0) != 0 && refuses(REFUSE_NAMES, fd, name))
        return refuse();
    return real(fd, name, flags, mode);
}

EXPORTED int mkdirat(int fd, const char *name, mode_t mode)
{
    static int (*real)(int, const char *, mode_t);
    if (!real)
        *(void **)&real = next("mkdirat");
    return refuses(REFUSE_NAMES, fd, name) ? refuse() : real(fd, name, mode);
}

EXPORTED int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    static int (*real)(int, const char *, int, const char *);
    if (!real)
        *(void **)&real = next("renameat");
    return refuses(REFUSE_NAMES, to_fd, to) ? refuse() : real(from_fd, from, to_fd, to);
}

EXPORTED int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    static int (*real)(int, const char *, int, const char *, unsigned);
    if (!real)
        *(void **)&real = next("renameat2");
    return refuses(REFUSE_NAMES, to_fd, to) ? refuse() : real(from_fd, from, to_fd, to, flags);
}
