/* powercut.c: preloaded into a program, keeps a journal of what its file system may forget when the power fails.
 *
 * kill -9 alone proves little about durability: the kernel keeps every byte that was written, synced or not. So each
 * change of a file or a name below a folder is noted in a journal first, with what would undo it, and each sync with
 * what it covered. After the kill tests/integration/powercut.py takes back changes that no sync covered: some of
 * them, torn and out of order, as a disk may.
 *
 *   POWERCUT_FOLDER   what is watched
 *   POWERCUT_JOURNAL  a folder outside of it, on the same file system: `journal`, and links to removed files
 *   POWERCUT_DEAF     "files" or "folders": syncs of these are not noted, as if the program had forgotten them
 *
 * Each change is noted and made under one lock, so the journal's order is that of the changes; only the last of them
 * can have been noted and not made. A sync covers what was noted before it began. Changes made in ways that are not
 * known here end the program, for a change that is not noted would be taken for a durable one. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
/* The function of this name that would run if this library were not there. */
#define REAL(name) (__extension__(__typeof__(&name)) real(#name))

enum { FD_MAX = 65536, MAGIC = 0x43575031 };

enum kind { MAKE = 1, LINK, UNLINK, RENAME, MKDIR, RMDIR, WRITE, TRUNCATE, SYNC_FILE, SYNC_FOLDER, FAILED };
enum watching { NOT_WATCHED, FILE_WATCHED, FOLDER_WATCHED };

/* As it stands in the journal; first path, second path and bytes follow. */
struct record {
    uint32_t magic;
    uint32_t kind;
    uint64_t number;
    uint64_t inode;
    uint64_t offset;
    uint64_t size; /* of the write; after truncating */
    uint64_t old_size;
    uint64_t upto; /* of a sync: the last change that it covered; of FAILED: the one that failed */
    uint32_t first, second, bytes;
    uint32_t zero;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[FD_MAX];
static char folder[PATH_MAX];
static char journal_folder[PATH_MAX / 2];
static int journal = -1;
static uint64_t changes;
static bool deaf_to_files, deaf_to_folders;

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

__attribute__((noreturn)) static void die(const char *what)
{
    static const char by[] = "powercut: ";
    (void)!REAL(write)(STDERR_FILENO, by, sizeof(by) - 1);
    (void)!REAL(write)(STDERR_FILENO, what, strlen(what));
    (void)!REAL(write)(STDERR_FILENO, "\n", 1);
    abort();
}

__attribute__((constructor(101))) static void begin(void)
{
    const char *named = getenv("POWERCUT_FOLDER");
    const char *at = getenv("POWERCUT_JOURNAL");
    const char *deaf = getenv("POWERCUT_DEAF");
    /* What the program starts is not watched: helpers have no files. */
    unsetenv("LD_PRELOAD");
    if (!named || !at)
        return;
    char path[PATH_MAX];
    if (!realpath(named, folder) || snprintf(journal_folder, sizeof(journal_folder), "%s", at) >= PATH_MAX / 2)
        die("POWERCUT_FOLDER or POWERCUT_JOURNAL is no folder");
    snprintf(path, sizeof(path), "%s/journal", at);
    journal = REAL(open)(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0)
        die("the journal cannot be made, or is one that was not played back");
    deaf_to_files = deaf && strcmp(deaf, "files") == 0;
    deaf_to_folders = deaf && strcmp(deaf, "folders") == 0;
}

/* ---- the journal ------------------------------------------------------------------------------------------------ */

/* In one write, so that a kill leaves it whole or cut short at the end. */
static uint64_t note(struct record record, const char *first, const char *second, const void *bytes)
{
    record.magic = MAGIC;
    record.first = first ? (uint32_t)strlen(first) : 0;
    record.second = second ? (uint32_t)strlen(second) : 0;
    bool is_change = record.kind < SYNC_FILE;
    record.number = is_change ? ++changes : changes;
    struct iovec parts[] = { { &record, sizeof(record) },
                             { (void *)(uintptr_t)first, record.first },
                             { (void *)(uintptr_t)second, record.second },
                             { (void *)(uintptr_t)bytes, record.bytes } };
    ssize_t all = (ssize_t)(sizeof(record) + record.first + record.second + record.bytes);
    if (REAL(writev)(journal, parts, 4) != all)
        die("the journal cannot be written");
    return record.number;
}

/* Whether the change worked, for the caller to pass on; errno stays. */
static int made(int rc, uint64_t number)
{
    int failure = errno;
    if (rc < 0)
        note((struct record){ .kind = FAILED, .upto = number }, NULL, NULL, NULL);
    errno = failure;
    return rc;
}

static bool is_below(const char *path)
{
    size_t len = strlen(folder);
    return journal >= 0 && strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool path_of_fd(int fd, char ret[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, ret, PATH_MAX - 1);
    ret[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

/* The path without links and dots, of a name that need not exist; false where it is not below the folder. */
static bool resolve(int at_fd, const char *name, char ret[PATH_MAX])
{
    char path[2 * PATH_MAX], parent[PATH_MAX];
    if (journal < 0)
        return false;
    if (*name == '/' || at_fd == AT_FDCWD)
        snprintf(path, sizeof(path), "%s%s", *name == '/' ? "" : "./", name);
    else if (path_of_fd(at_fd, parent))
        snprintf(path, sizeof(path), "%s/%s", parent, name);
    else
        return false;
    char *last = strrchr(path, '/');
    *last = '\0';
    if (!realpath(*path ? path : "/", parent))
        return false;
    return snprintf(ret, PATH_MAX, "%s/%s", parent, last + 1) < PATH_MAX && is_below(ret);
}

static bool about(const char *path, struct stat *ret)
{
    return fstatat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A removed file gets another name among the journal's, so that it can come back and its inode is not used again. */
static bool bury(const char *path, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/%llu", journal_folder, (unsigned long long)changes + 1);
    return REAL(linkat)(AT_FDCWD, path, AT_FDCWD, ret, 0) == 0;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static bool is_watched(int fd, enum watching as)
{
    return journal >= 0 && fd >= 0 && fd < FD_MAX && __atomic_load_n(&watched[fd], __ATOMIC_RELAXED) == as;
}

static int watch(int fd)
{
    int failure = errno;
    char path[PATH_MAX];
    struct stat found;
    enum watching as = NOT_WATCHED;
    if (journal >= 0 && fd >= 0 && path_of_fd(fd, path) && is_below(path) && fstat(fd, &found) == 0) {
        if (fd >= FD_MAX)
            die("too many descriptors");
        size_t len = strlen(path);
        /* SQLite makes its shared memory anew after a crash, whatever is in it. */
        bool shared = len > 4 && strcmp(path + len - 4, "-shm") == 0;
        as = S_ISDIR(found.st_mode) ? FOLDER_WATCHED : S_ISREG(found.st_mode) && !shared ? FILE_WATCHED : NOT_WATCHED;
    }
    if (fd >= 0 && fd < FD_MAX)
        __atomic_store_n(&watched[fd], as, __ATOMIC_RELAXED);
    errno = failure;
    return fd;
}

static void unknown(int fd, const char *what)
{
    if (is_watched(fd, FILE_WATCHED))
        die(what);
}

EXPORTED int close(int fd)
{
    if (fd >= 0 && fd < FD_MAX)
        __atomic_store_n(&watched[fd], NOT_WATCHED, __ATOMIC_RELAXED);
    return REAL(close)(fd);
}

static int open_noted(int at_fd, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat found;
    if (!(flags & (O_CREAT | O_TRUNC)) || !resolve(at_fd, name, path))
        return watch(REAL(openat)(at_fd, name, flags, mode));
    if ((flags & O_TMPFILE) == O_TMPFILE)
        die("files without a name are not known");
    pthread_mutex_lock(&mutex);
    bool there = about(path, &found);
    if (there && (flags & O_TRUNC) && found.st_size > 0)
        die("emptying a file by opening it is not known");
    int fd;
    if (there || !(flags & O_CREAT)) {
        fd = REAL(openat)(at_fd, name, flags, mode);
    } else {
        uint64_t number = note((struct record){ .kind = MAKE }, path, NULL, NULL);
        fd = made(REAL(openat)(at_fd, name, flags, mode), number);
    }
    watch(fd);
    pthread_mutex_unlock(&mutex);
    return fd;
}

#define OPEN_MODE(flags, after)                                                                                        \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, after);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

EXPORTED int open(const char *name, int flags, ...)
{
    OPEN_MODE(flags, flags)
    return open_noted(AT_FDCWD, name, flags, mode);
}

EXPORTED int open64(const char *name, int flags, ...)
{
    OPEN_MODE(flags, flags)
    return open_noted(AT_FDCWD, name, flags, mode);
}

EXPORTED int openat(int at_fd, const char *name, int flags, ...)
{
    OPEN_MODE(flags, flags)
    return open_noted(at_fd, name, flags, mode);
}

EXPORTED int openat64(int at_fd, const char *name, int flags, ...)
{
    OPEN_MODE(flags, flags)
    return open_noted(at_fd, name, flags, mode);
}

/* What the compiler's checks make of the two above. */
EXPORTED int __open64_2(const char *name, int flags);
EXPORTED int __openat64_2(int at_fd, const char *name, int flags);

int __open64_2(const char *name, int flags)
{
    return open_noted(AT_FDCWD, name, flags, 0);
}

int __openat64_2(int at_fd, const char *name, int flags)
{
    return open_noted(at_fd, name, flags, 0);
}

/* ---- contents --------------------------------------------------------------------------------------------------- */

/* What lies there now, for a descriptor that may be for writing only. The caller frees it. */
static char *read_old(int fd, uint64_t offset, uint64_t size)
{
    if (size == 0)
        return NULL;
    char link[40];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int reading = REAL(open)(link, O_RDONLY | O_CLOEXEC);
    char *bytes = malloc(size);
    if (reading < 0 || !bytes || pread(reading, bytes, size, (off_t)offset) != (ssize_t)size)
        die("what a write replaces cannot be read");
    REAL(close)(reading);
    return bytes;
}

static void note_write(int fd, uint64_t offset, uint64_t size)
{
    struct stat found;
    if (fstat(fd, &found) < 0)
        die("a file cannot be looked at");
    uint64_t old_size = (uint64_t)found.st_size;
    uint64_t until = offset + size < old_size ? offset + size : old_size;
    uint64_t replaced = until > offset ? until - offset : 0;
    char *old = read_old(fd, offset, replaced);
    note((struct record){ .kind = WRITE,
                          .inode = found.st_ino,
                          .offset = offset,
                          .size = size,
                          .old_size = old_size,
                          .bytes = (uint32_t)replaced },
         NULL, NULL, old);
    free(old);
}

static uint64_t position(int fd)
{
    bool appends = fcntl(fd, F_GETFL) & O_APPEND;
    off_t at = lseek(fd, 0, appends ? SEEK_END : SEEK_CUR);
    return at < 0 ? 0 : (uint64_t)at;
}

EXPORTED ssize_t write(int fd, const void *bytes, size_t size)
{
    if (!is_watched(fd, FILE_WATCHED))
        return REAL(write)(fd, bytes, size);
    pthread_mutex_lock(&mutex);
    note_write(fd, position(fd), size);
    ssize_t rc = REAL(write)(fd, bytes, size);
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!is_watched(fd, FILE_WATCHED))
        return REAL(writev)(fd, parts, count);
    uint64_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    pthread_mutex_lock(&mutex);
    note_write(fd, position(fd), size);
    ssize_t rc = REAL(writev)(fd, parts, count);
    pthread_mutex_unlock(&mutex);
    return rc;
}

static ssize_t pwrite_noted(int fd, const void *bytes, size_t size, off64_t offset)
{
    if (!is_watched(fd, FILE_WATCHED))
        return REAL(pwrite64)(fd, bytes, size, offset);
    pthread_mutex_lock(&mutex);
    note_write(fd, (uint64_t)offset, size);
    ssize_t rc = REAL(pwrite64)(fd, bytes, size, offset);
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite_noted(fd, bytes, size, offset);
}

EXPORTED ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    return pwrite_noted(fd, bytes, size, offset);
}

static int truncate_noted(int fd, off64_t size)
{
    if (!is_watched(fd, FILE_WATCHED))
        return REAL(ftruncate64)(fd, size);
    pthread_mutex_lock(&mutex);
    struct stat found;
    if (fstat(fd, &found) < 0)
        die("a file cannot be looked at");
    uint64_t cut = found.st_size > size ? (uint64_t)(found.st_size - size) : 0;
    char *old = read_old(fd, (uint64_t)size, cut);
    uint64_t number = note((struct record){ .kind = TRUNCATE,
                                            .inode = found.st_ino,
                                            .size = (uint64_t)size,
                                            .old_size = (uint64_t)found.st_size,
                                            .bytes = (uint32_t)cut },
                           NULL, NULL, old);
    free(old);
    int rc = made(REAL(ftruncate64)(fd, size), number);
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED int ftruncate(int fd, off_t size)
{
    return truncate_noted(fd, size);
}

EXPORTED int ftruncate64(int fd, off64_t size)
{
    return truncate_noted(fd, size);
}

/* ---- syncs ------------------------------------------------------------------------------------------------------ */

/* The lock is not held while the disk works: changes made meanwhile are not covered. */
static int sync_noted(int fd, int (*sync)(int fd))
{
    bool is_folder = is_watched(fd, FOLDER_WATCHED);
    if (!is_folder && !is_watched(fd, FILE_WATCHED))
        return sync(fd);
    char path[PATH_MAX];
    struct stat found;
    pthread_mutex_lock(&mutex);
    uint64_t upto = changes;
    bool known = path_of_fd(fd, path) && fstat(fd, &found) == 0;
    pthread_mutex_unlock(&mutex);
    int rc = sync(fd);
    if (rc < 0 || !known || (is_folder ? deaf_to_folders : deaf_to_files))
        return rc;
    pthread_mutex_lock(&mutex);
    note((struct record){ .kind = is_folder ? SYNC_FOLDER : SYNC_FILE, .inode = found.st_ino, .upto = upto },
         is_folder ? path : NULL, NULL, NULL);
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED int fsync(int fd)
{
    return sync_noted(fd, REAL(fsync));
}

EXPORTED int fdatasync(int fd)
{
    return sync_noted(fd, REAL(fdatasync));
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static int rename_noted(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    char source[PATH_MAX], target[PATH_MAX], grave[PATH_MAX] = "";
    struct stat moved, replaced;
    bool from_here = resolve(from_fd, from, source), to_here = resolve(to_fd, to, target);
    if (!from_here && !to_here)
        return REAL(renameat2)(from_fd, from, to_fd, to, flags);
    if (!from_here || !to_here || (flags & ~(unsigned)RENAME_NOREPLACE))
        die("moving a file in or out, or exchanging two, is not known");
    pthread_mutex_lock(&mutex);
    int rc;
    if (!about(source, &moved)) {
        rc = REAL(renameat2)(from_fd, from, to_fd, to, flags);
    } else {
        if (S_ISDIR(moved.st_mode))
            die("renaming a folder is not known");
        if (about(target, &replaced) && !(flags & RENAME_NOREPLACE) && !bury(target, grave))
            die("a file that is replaced cannot be kept");
        uint64_t number =
            note((struct record){ .kind = RENAME, .inode = moved.st_ino, .bytes = (uint32_t)strlen(grave) }, source,
                 target, grave);
        rc = made(REAL(renameat2)(from_fd, from, to_fd, to, flags), number);
    }
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED int rename(const char *from, const char *to)
{
    return rename_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return rename_noted(from_fd, from, to_fd, to, 0);
}

EXPORTED int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return rename_noted(from_fd, from, to_fd, to, flags);
}

EXPORTED int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    char path[PATH_MAX];
    if (!resolve(to_fd, to, path))
        return REAL(linkat)(from_fd, from, to_fd, to, flags);
    pthread_mutex_lock(&mutex);
    uint64_t number = note((struct record){ .kind = LINK }, path, NULL, NULL);
    int rc = made(REAL(linkat)(from_fd, from, to_fd, to, flags), number);
    pthread_mutex_unlock(&mutex);
    return rc;
}

static int unlink_noted(int at_fd, const char *name, int flags)
{
    char path[PATH_MAX], grave[PATH_MAX];
    struct stat found;
    if (!resolve(at_fd, name, path))
        return REAL(unlinkat)(at_fd, name, flags);
    pthread_mutex_lock(&mutex);
    int rc;
    if (flags & AT_REMOVEDIR) {
        rc = made(REAL(unlinkat)(at_fd, name, flags), note((struct record){ .kind = RMDIR }, path, NULL, NULL));
    } else if (!about(path, &found) || S_ISDIR(found.st_mode)) {
        rc = REAL(unlinkat)(at_fd, name, flags);
    } else {
        if (!bury(path, grave))
            die("a file that is removed cannot be kept");
        uint64_t number = note((struct record){ .kind = UNLINK, .inode = found.st_ino }, path, grave, NULL);
        rc = made(REAL(unlinkat)(at_fd, name, flags), number);
    }
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED int unlink(const char *name)
{
    return unlink_noted(AT_FDCWD, name, 0);
}

EXPORTED int unlinkat(int at_fd, const char *name, int flags)
{
    return unlink_noted(at_fd, name, flags);
}

EXPORTED int rmdir(const char *name)
{
    return unlink_noted(AT_FDCWD, name, AT_REMOVEDIR);
}

static int mkdir_noted(int at_fd, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!resolve(at_fd, name, path))
        return REAL(mkdirat)(at_fd, name, mode);
    pthread_mutex_lock(&mutex);
    int rc = made(REAL(mkdirat)(at_fd, name, mode), note((struct record){ .kind = MKDIR }, path, NULL, NULL));
    pthread_mutex_unlock(&mutex);
    return rc;
}

EXPORTED int mkdir(const char *name, mode_t mode)
{
    return mkdir_noted(AT_FDCWD, name, mode);
}

EXPORTED int mkdirat(int at_fd, const char *name, mode_t mode)
{
    return mkdir_noted(at_fd, name, mode);
}

/* ---- what is not known ------------------------------------------------------------------------------------------ */

EXPORTED void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
    if ((flags & MAP_SHARED) && (protection & PROT_WRITE))
        unknown(fd, "writing through a mapping is not known");
    return REAL(mmap64)(address, size, protection, flags, fd, offset);
}

EXPORTED ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    unknown(fd, "pwritev is not known");
    return REAL(pwritev)(fd, parts, count, offset);
}

EXPORTED int fallocate64(int fd, int how, off64_t offset, off64_t size)
{
    unknown(fd, "fallocate is not known");
    return REAL(fallocate64)(fd, how, offset, size);
}

EXPORTED ssize_t sendfile64(int to_fd, int from_fd, off64_t *offset, size_t size)
{
    unknown(to_fd, "sendfile is not known");
    return REAL(sendfile64)(to_fd, from_fd, offset, size);
}

EXPORTED ssize_t copy_file_range(int from_fd, off64_t *from, int to_fd, off64_t *to, size_t size, unsigned flags)
{
    unknown(to_fd, "copy_file_range is not known");
    return REAL(copy_file_range)(from_fd, from, to_fd, to, size, flags);
}

EXPORTED FILE *fopen64(const char *name, const char *mode)
{
    char path[PATH_MAX];
    if (strpbrk(mode, "wa+") && resolve(AT_FDCWD, name, path))
        die("writing through fopen is not known");
    return REAL(fopen64)(name, mode);
}
