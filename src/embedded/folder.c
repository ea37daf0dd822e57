/* folder.c: making, opening and locking folders.
 *
 * The lock is flock's, not the pid's: it ends with the process, however that ends, and no stale file has to be judged.
 * The pid in the file is only for the sentence that refuses the next one. */
#include "embedded/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096, DEPTH_MAX = 40 };

void dm_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int dm_move_fd(int *fd)
{
    int moved = *fd;
    *fd = -1;
    return moved;
}

/* The path of what holds `path`: "a/b" of "a/b/c", "." of "c", "/" of "/c". */
static void parent_of(const char *path, struct dm_buf *ret)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    dm_buf_add(ret, len ? dm_str_of(path, len) : DM_STR("."));
}

static enum dm_code make(const char *path, int depth, struct dm_err *err)
{
    DM_AUTO(dm_buf) parent = dm_buf_make(PATH_MAX_BYTES);
    parent_of(path, &parent);
    enum dm_code rc = dm_buf_check(&parent, "a folder's path", err);
    if (rc != DM_OK)
        return rc;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        if (errno != ENOENT || depth == 0)
            return dm_fail_errno(err, errno, "the folder %s cannot be made", path);
        rc = make(parent.at, depth - 1, err);
        if (rc != DM_OK)
            return rc;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return dm_fail_errno(err, errno, "the folder %s cannot be made", path);
    }
    DM_CLEANUP(dm_close_fd) int fd = open(parent.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A parent that we may pass through but not read cannot be synced; what matters lies below it. */
    if (fd < 0 && errno == EACCES)
        return DM_OK;
    if (fd < 0 || fsync(fd) < 0)
        return dm_fail_errno(err, errno, "the folder %s cannot be synced", parent.at);
    return DM_OK;
}

enum dm_code dm_folder_open(const char *path, int *ret_fd, struct dm_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        enum dm_code rc = make(path, DEPTH_MAX, err);
        if (rc != DM_OK)
            return rc;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return dm_fail_errno(err, errno, "the folder %s cannot be opened", path);
    *ret_fd = fd;
    return DM_OK;
}

enum dm_code dm_folder_lock(int folder_fd, const char *name, const char *path, int *ret_fd, struct dm_err *err)
{
    DM_CLEANUP(dm_close_fd) int fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return dm_fail_errno(err, errno, "the lock file %s/%s cannot be opened", path, name);
    char pid[24] = "";
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return dm_fail_errno(err, errno, "the lock file %s/%s cannot be locked", path, name);
        ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
        pid[got > 0 ? strspn(pid, "0123456789") : 0] = '\0';
        return dm_fail(err, DM_BUSY, "process %s already uses %s", *pid ? pid : "(unknown)", path);
    }
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
        return dm_fail_errno(err, errno, "the lock file %s/%s cannot be written", path, name);
    *ret_fd = dm_move_fd(&fd);
    return DM_OK;
}

static enum dm_code empty(int fd, int depth, const char *what, struct dm_err *err)
{
    int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = own_fd >= 0 ? fdopendir(own_fd) : NULL;
    if (!folder) {
        enum dm_code rc = dm_fail_errno(err, errno, "%s cannot be listed", what);
        dm_close_fd(&own_fd);
        return rc;
    }
    enum dm_code rc = DM_OK;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        int failure = errno;
        DM_CLEANUP(dm_close_fd)
        int child = depth > 0 ? openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (child >= 0) {
            enum dm_code child_rc = empty(child, depth - 1, what, rc == DM_OK ? err : NULL);
            if (rc == DM_OK)
                rc = child_rc;
            if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
                continue;
            failure = errno;
        }
        if (rc == DM_OK)
            rc = dm_fail_errno(err, failure, "%s: %s cannot be removed", what, entry->d_name);
    }
    closedir(folder);
    return rc;
}

enum dm_code dm_folder_empty(int fd, const char *what, struct dm_err *err)
{
    return empty(fd, DEPTH_MAX, what, err);
}
