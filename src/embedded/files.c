/* files.c: the blob port over files.
 *
 * What is put is first written under a meaningless name in the spool, then renamed: a blob is there whole or not
 * at all. The bytes are synced before the rename (of an upload right after it), and for a kept blob the folder then. The spool lies in the
 * same folder as the blobs, so that a rename never becomes a copy; each process has its own part of it, and
 * whoever opens the folder removes what dead ones left. */
#include "embedded/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "embedded/embedded.h"
#include "embedded/folder.h"

enum { PUBLISH_TRIES = 3, GET_STEP = 1 << 20 };

static const char SPOOL[] = ".spool"; /* no tenant's name begins with a dot */

enum dm_code dm_files_check_space(const struct dm_files *files, struct dm_err *err)
{
    struct statvfs space;
    if (files->floor_bytes == 0)
        return DM_OK;
    if (fstatvfs(files->root_fd, &space) < 0)
        return dm_fail_errno(err, errno, "the free space at %s cannot be read", files->path);
    uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
    if (free_bytes < files->floor_bytes)
        return dm_fail(err, DM_NO_SPACE, "%s has %" PRIu64 " MB left, less than the %" PRIu64 " MB that stay free",
                       files->path, free_bytes >> 20, files->floor_bytes >> 20);
    return DM_OK;
}

/* ---- putting ------------------------------------------------------------------------------------------------- */

enum dm_code dm_files_spool(struct dm_files *files, char name[24], int *ret_fd, struct dm_err *err)
{
    snprintf(name, 24, "%" PRIu64, (uint64_t)atomic_fetch_add(&files->spooled, 1));
    int fd = openat(files->spool_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return dm_fail_errno(err, errno, "a file in %s cannot be made", files->path);
    *ret_fd = fd;
    return DM_OK;
}

enum dm_code dm_write_all(int fd, struct dm_str first, struct dm_str second, struct dm_err *err)
{
    while (first.len + second.len > 0) {
        struct iovec parts[] = { { (void *)(uintptr_t)first.at, first.len },
                                 { (void *)(uintptr_t)second.at, second.len } };
        ssize_t written = writev(fd, first.len ? parts : parts + 1, first.len ? 2 : 1);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return dm_fail_errno(err, errno, "a blob cannot be written");
        size_t count = (size_t)written;
        size_t of_first = count < first.len ? count : first.len;
        first = dm_str_from(first, of_first);
        second = dm_str_from(second, count - of_first);
    }
    return DM_OK;
}

static int rename_fresh(int from_fd, const char *from, int to_fd, const char *to)
{
    int rc = renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE);
    if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
        return rc;
    /* Some network file systems do not know that flag; a second link fails likewise where the name is taken. */
    rc = linkat(from_fd, from, to_fd, to, 0);
    if (rc == 0)
        unlinkat(from_fd, from, 0);
    return rc;
}

static enum dm_code sync_bytes(int fd, struct dm_err *err)
{
    return fdatasync(fd) < 0 ? dm_fail_errno(err, errno, "a blob cannot be synced") : DM_OK;
}

/* `unsynced_fd`: of bytes that are synced under their name; -1: they are synced already. */
static enum dm_code move_into_place(struct dm_files *files, const char *spooled, int unsynced_fd,
                                    const struct dm_place *place, enum dm_durability durability, bool fresh,
                                    struct dm_err *err)
{
    int folder = dm_place_folder(place);
    int rc = fresh ? rename_fresh(files->spool_fd, spooled, folder, place->name)
                   : renameat(files->spool_fd, spooled, folder, place->name);
    if (rc < 0 && errno == EEXIST)
        return dm_fail(err, DM_EXISTS, "there is a blob of this name already");
    if (rc < 0 && errno == ENOENT)
        return dm_fail(err, DM_CONFLICT, "the folder %s was removed meanwhile", place->name);
    if (rc < 0)
        return dm_fail_errno(err, errno, "a blob cannot be given its name");
    if (durability == DM_DERIVED)
        return DM_OK;
    enum dm_code code = unsynced_fd >= 0 ? sync_bytes(unsynced_fd, err) : DM_OK;
    if (code == DM_OK)
        code = dm_syncer_sync_path(&files->syncer, place->folders, place->count, err);
    /* Nobody will use a new blob whose putting failed, and its name must be free for the next try. */
    if (code != DM_OK && fresh)
        unlinkat(folder, place->name, 0);
    return code;
}

enum dm_code dm_files_publish(struct dm_files *files, const char *spooled, int fd, const struct dm_tenant *tenant,
                              struct dm_str key, enum dm_durability durability, enum dm_publishing how,
                              struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    bool fresh = how == DM_PUBLISH_NEW;
    bool unnamed = how == DM_PUBLISH_UNNAMED && durability == DM_KEPT;
    /* Of a derived one, too: its name may outlive a power cut, and its bytes must then be behind it. */
    if (!unnamed)
        rc = sync_bytes(fd, err);
    for (int i = 0; rc == DM_OK && i < PUBLISH_TRIES; i++) {
        struct dm_place place;
        rc = dm_place_open(files->root_fd, tenant, key, true, &place, err);
        if (rc != DM_OK)
            break;
        rc = move_into_place(files, spooled, unnamed ? fd : -1, &place, durability, fresh, err);
        dm_place_free(&place);
        if (rc != DM_CONFLICT)
            break;
        /* Somebody removes the document: its folder has gone between opening and renaming. Once more, from the top. */
        if (i + 1 < PUBLISH_TRIES)
            rc = DM_OK;
    }
    if (rc != DM_OK)
        unlinkat(files->spool_fd, spooled, 0);
    return rc;
}

static enum dm_code files_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                                  enum dm_durability durability, struct dm_err *err)
{
    struct dm_files *files = self;
    char spooled[24];
    DM_CLEANUP(dm_close_fd) int fd = -1;
    enum dm_code rc = dm_files_spool(files, spooled, &fd, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_write_all(fd, bytes, DM_STR(""), err);
    if (rc != DM_OK) {
        unlinkat(files->spool_fd, spooled, 0);
        return rc;
    }
    return dm_files_publish(files, spooled, fd, tenant, key, durability, DM_PUBLISH_NEW, err);
}

/* ---- getting ------------------------------------------------------------------------------------------------- */

static enum dm_code not_found(struct dm_str key, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "there is no blob %.*s", DM_STR_ARG(key));
}

static enum dm_code open_blob(struct dm_files *files, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                              uint64_t *ret_size, struct dm_err *err)
{
    struct dm_place place;
    enum dm_code rc = dm_place_open(files->root_fd, tenant, key, false, &place, err);
    if (rc == DM_NOT_FOUND)
        return not_found(key, err);
    if (rc != DM_OK)
        return rc;
    DM_CLEANUP(dm_close_fd)
    int fd = openat(dm_place_folder(&place), place.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int failure = errno;
    dm_place_free(&place);
    if (fd < 0 && failure == ENOENT)
        return not_found(key, err);
    struct stat about;
    if (fd >= 0 && fstat(fd, &about) < 0)
        return dm_fail_errno(err, errno, "the blob %.*s cannot be opened", DM_STR_ARG(key));
    if (fd < 0)
        return dm_fail_errno(err, failure, "the blob %.*s cannot be opened", DM_STR_ARG(key));
    if (!S_ISREG(about.st_mode))
        return not_found(key, err);
    *ret_size = (uint64_t)about.st_size;
    *ret_fd = dm_move_fd(&fd);
    return DM_OK;
}

static enum dm_code files_open(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                               struct dm_blob_info *ret, struct dm_err *err)
{
    uint64_t size;
    enum dm_code rc = open_blob(self, tenant, key, ret_fd, &size, err);
    if (rc == DM_OK && ret)
        *ret = (struct dm_blob_info){ .size_bytes = size };
    return rc;
}

static enum dm_code files_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset,
                              uint64_t size, struct dm_buf *buf, struct dm_err *err)
{
    DM_CLEANUP(dm_close_fd) int fd = -1;
    uint64_t there = 0;
    enum dm_code rc = open_blob(self, tenant, key, &fd, &there, err);
    if (rc != DM_OK)
        return rc;
    if (size == DM_BLOB_WHOLE && offset <= there)
        size = there - offset;
    if (offset > there || size > there - offset)
        return dm_fail(err, DM_CORRUPT,
                       "the blob %.*s has %" PRIu64 " bytes; %" PRIu64 " from %" PRIu64 " were asked for",
                       DM_STR_ARG(key), there, size, offset);
    size_t before = buf->len;
    while (size > 0) {
        size_t step = size < GET_STEP ? (size_t)size : GET_STEP;
        char *room = dm_buf_reserve(buf, step);
        if (!room)
            return dm_buf_check(buf, "what was asked of a blob", err);
        ssize_t got = pread(fd, room, step, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            dm_buf_cut(buf, before);
            return got < 0 ? dm_fail_errno(err, errno, "the blob %.*s cannot be read", DM_STR_ARG(key))
                           : dm_fail(err, DM_CORRUPT, "the blob %.*s became shorter", DM_STR_ARG(key));
        }
        dm_buf_grown(buf, (size_t)got);
        offset += (uint64_t)got;
        size -= (uint64_t)got;
    }
    return DM_OK;
}

static enum dm_code files_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    struct dm_files *files = self;
    struct dm_place place;
    enum dm_code rc = dm_place_open(files->root_fd, tenant, key, false, &place, err);
    if (rc != DM_OK)
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    if (unlinkat(dm_place_folder(&place), place.name, 0) < 0 && errno != ENOENT && errno != EISDIR)
        rc = dm_fail_errno(err, errno, "the blob %.*s cannot be removed", DM_STR_ARG(key));
    dm_place_free(&place);
    return rc;
}

static enum dm_code files_check(void *self, struct dm_err *err)
{
    struct dm_files *files = self;
    char name[24];
    DM_CLEANUP(dm_close_fd) int fd = -1;
    enum dm_code rc = dm_files_check_space(files, err);
    if (rc == DM_OK)
        rc = dm_files_spool(files, name, &fd, err);
    if (rc == DM_OK && unlinkat(files->spool_fd, name, 0) < 0)
        rc = dm_fail_errno(err, errno, "a file in %s cannot be removed", files->path);
    return rc;
}

static const struct dm_blob_ops ops = {
    .name = "file",
    .create = dm_files_sink_create,
    .write = dm_files_sink_write,
    .finish = dm_files_sink_finish,
    .abandon = dm_files_sink_abandon,
    .put_new = files_put_new,
    .get = files_get,
    .open = files_open,
    .remove = files_remove,
    .remove_all = dm_files_remove_all,
    .list = dm_files_list,
    .check = files_check,
};

struct dm_blob dm_files_blob(struct dm_files *files)
{
    return (struct dm_blob){ &ops, files };
}

/* ---- opening and closing ------------------------------------------------------------------------------------- */

/* Removes the parts of the spool whose process is gone: their lock is free. */
static enum dm_code remove_dead_spools(int spools_fd, struct dm_err *err)
{
    int own_fd = openat(spools_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *spools = own_fd >= 0 ? fdopendir(own_fd) : NULL;
    if (!spools) {
        enum dm_code rc = dm_fail_errno(err, errno, "the spool cannot be listed");
        dm_close_fd(&own_fd);
        return rc;
    }
    enum dm_code rc = DM_OK;
    const struct dirent *entry;
    while (rc == DM_OK && (entry = readdir(spools))) {
        if (entry->d_name[0] == '.')
            continue;
        DM_CLEANUP(dm_close_fd)
        int fd = openat(spools_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
            continue;
        rc = dm_folder_empty(fd, "the spool of a dead process", err);
        if (rc == DM_OK)
            unlinkat(spools_fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(spools);
    return rc;
}

static enum dm_code open_spool(struct dm_files *files, struct dm_err *err)
{
    if (mkdirat(files->root_fd, SPOOL, 0700) < 0 && errno != EEXIST)
        return dm_fail_errno(err, errno, "the folder %s/%s cannot be made", files->path, SPOOL);
    DM_CLEANUP(dm_close_fd)
    int spools_fd = openat(files->root_fd, SPOOL, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* The lock over all of them keeps others from taking the new one for a dead one before it has its own. */
    if (spools_fd < 0 || flock(spools_fd, LOCK_EX) < 0)
        return dm_fail_errno(err, errno, "the folder %s/%s cannot be opened", files->path, SPOOL);
    enum dm_code rc = remove_dead_spools(spools_fd, err);
    if (rc != DM_OK)
        return rc;
    unsigned char random[8];
    dm_random(dm_threads_runtime(), random, sizeof(random));
    dm_hex_text(random, sizeof(random), files->spool_name);
    if (mkdirat(spools_fd, files->spool_name, 0700) < 0)
        return dm_fail_errno(err, errno, "the folder %s/%s/%s cannot be made", files->path, SPOOL, files->spool_name);
    files->spool_fd = openat(spools_fd, files->spool_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (files->spool_fd < 0 || flock(files->spool_fd, LOCK_EX | LOCK_NB) < 0)
        return dm_fail_errno(err, errno, "the folder %s/%s/%s cannot be opened", files->path, SPOOL, files->spool_name);
    return DM_OK;
}

enum dm_code dm_files_open(const char *folder, uint64_t free_space_floor_bytes, struct dm_files **ret,
                           struct dm_err *err)
{
    struct dm_files *files = dm_alloc_zero(1, sizeof(*files));
    if (!files)
        return dm_fail_memory(err);
    files->root_fd = files->spool_fd = -1;
    files->floor_bytes = free_space_floor_bytes;
    atomic_init(&files->spooled, 1);
    dm_syncer_make(&files->syncer);
    pthread_mutex_init(&files->mutex, NULL);
    files->path = dm_str_dup_z(dm_str_z(folder));
    enum dm_code rc = files->path ? dm_folder_open(folder, &files->root_fd, err) : dm_fail_memory(err);
    if (rc == DM_OK)
        rc = open_spool(files, err);
    if (rc != DM_OK) {
        dm_files_close(files);
        return rc;
    }
    *ret = files;
    return DM_OK;
}

void dm_files_close(struct dm_files *files)
{
    if (!files)
        return;
    if (files->spool_fd >= 0) {
        char name[48];
        snprintf(name, sizeof(name), "%s/%s", SPOOL, files->spool_name);
        /* What is left is of uploads that nobody finished; what cannot be removed now is removed by the next to
         * open it. */
        if (dm_folder_empty(files->spool_fd, "the spool", NULL) == DM_OK)
            unlinkat(files->root_fd, name, AT_REMOVEDIR);
    }
    dm_close_fd(&files->spool_fd);
    dm_close_fd(&files->root_fd);
    EVP_MD_free(files->sha256);
    pthread_mutex_destroy(&files->mutex);
    dm_syncer_free(&files->syncer);
    dm_free(files->path);
    dm_free(files);
}
