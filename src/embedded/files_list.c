/* files_list.c: everything below a prefix.
 *
 * Folders give their names in no order, so a listing goes through all of them and keeps the smallest `max`:
 * memory depends on what is asked for, not on what there is. */
#include "embedded/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "embedded/folder.h"

enum { LIST_MAX = 1000, REMOVE_TRIES = 5, FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* ---- the smallest keys --------------------------------------------------------------------------------------- */

struct listing {
    struct dm_str prefix;
    struct dm_str after;
    struct dm_arena *arena;
    struct dm_str *keys; /* ascending, at most max */
    uint32_t count;
    uint32_t max;
    bool more;
};

/* Where the key is or would be. */
static uint32_t place_of(const struct listing *listing, struct dm_str key)
{
    uint32_t low = 0;
    uint32_t high = listing->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (dm_str_compare(listing->keys[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum dm_code add_key(struct listing *listing, struct dm_str key, struct dm_err *err)
{
    if (!dm_str_starts(key, listing->prefix) || dm_str_compare(key, listing->after) <= 0)
        return DM_OK;
    uint32_t at = place_of(listing, key);
    if (listing->count == listing->max) {
        listing->more = true;
        if (at == listing->count)
            return DM_OK;
        /* The largest gives way, and its room to this one. */
        listing->count--;
    }
    struct dm_str *last = &listing->keys[listing->count];
    if (!last->at)
        last->at = dm_arena_alloc(listing->arena, DM_BLOB_KEY_MAX);
    if (!last->at)
        return dm_arena_fail(listing->arena, "a list of blobs", err);
    struct dm_str copy = { last->at, key.len };
    memcpy((char *)(uintptr_t)copy.at, key.at, key.len);
    memmove(&listing->keys[at + 1], &listing->keys[at], (listing->count - at) * sizeof(copy));
    listing->keys[at] = copy;
    listing->count++;
    return DM_OK;
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static DIR *open_listing(int folder_fd, struct dm_err *err, enum dm_code *ret_code)
{
    int own_fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = own_fd >= 0 ? fdopendir(own_fd) : NULL;
    if (folder)
        return folder;
    *ret_code = dm_fail_errno(err, errno, "a folder of blobs cannot be listed");
    dm_close_fd(&own_fd);
    return NULL;
}

/* Whether keys that begin with `key` can begin with the prefix. */
static bool may_match(const struct listing *listing, struct dm_str key)
{
    return dm_str_starts(key, listing->prefix) || dm_str_starts(listing->prefix, key);
}

/* `key` is what the keys in this folder begin with; `in_bucket`: the comma in a name stands for a slash. */
static enum dm_code walk(struct listing *listing, int folder_fd, struct dm_buf *key, bool in_bucket, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    DIR *folder = open_listing(folder_fd, err, &rc);
    if (!folder)
        return rc;
    const size_t own_len = key->len;
    const struct dirent *entry;
    while (rc == DM_OK && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        dm_buf_cut(key, own_len);
        dm_buf_add_z(key, entry->d_name);
        if (key->failed) {
            key->failed = false; /* longer than any key: not ours */
            continue;
        }
        char *comma = in_bucket ? strchr(key->at + own_len, ',') : NULL;
        if (comma)
            *comma = '/';
        struct stat about;
        if (!may_match(listing, dm_buf_str(key)) || fstatat(folder_fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISREG(about.st_mode)) {
            rc = add_key(listing, dm_buf_str(key), err);
        } else if (S_ISDIR(about.st_mode)) {
            DM_CLEANUP(dm_close_fd) int fd = openat(folder_fd, entry->d_name, FOLDER_FLAGS);
            dm_buf_add_char(key, '/');
            if (fd >= 0 && !key->failed)
                rc = walk(listing, fd, key, false, err);
            key->failed = false;
        }
    }
    closedir(folder);
    dm_buf_cut(key, own_len);
    return rc;
}

/* Bytes of the prefix that name a folder of its own: up to its last slash, if that is not its first. */
static size_t folder_part(struct dm_str prefix)
{
    size_t first = dm_str_find_char(prefix, '/');
    size_t last = prefix.len;
    while (last > 0 && prefix.at[last - 1] != '/')
        last--;
    return last > first + 1 ? last : 0;
}

/* The buckets that can hold keys with the prefix: one where its first part is whole, else all of the tenant's. */
static enum dm_code walk_buckets(struct dm_files *files, const struct dm_tenant *tenant, struct listing *listing,
                                 struct dm_buf *key, struct dm_err *err)
{
    size_t first = dm_str_find_char(listing->prefix, '/');
    if (first < listing->prefix.len) {
        struct dm_place place;
        enum dm_code rc =
            dm_place_open(files->root_fd, tenant, dm_str_cut(listing->prefix, 0, first), false, &place, err);
        if (rc == DM_OK) {
            rc = walk(listing, dm_place_folder(&place), key, true, err);
            dm_place_free(&place);
        }
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    }
    enum dm_code rc = DM_OK;
    for (uint32_t n = 0; n < DM_BUCKETS && (rc == DM_OK || rc == DM_NOT_FOUND); n++) {
        DM_CLEANUP(dm_close_fd) int fd = -1;
        rc = dm_bucket_open(files->root_fd, tenant, n, &fd, err);
        if (rc == DM_OK)
            rc = walk(listing, fd, key, true, err);
    }
    return rc == DM_NOT_FOUND ? DM_OK : rc;
}

enum dm_code dm_files_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                           uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err)
{
    struct dm_files *files = self;
    struct listing listing = { .prefix = prefix, .after = after, .arena = arena };
    listing.max = max < LIST_MAX ? max : LIST_MAX;
    listing.keys = dm_arena_array(arena, listing.max + 1, sizeof(*listing.keys));
    if (!listing.keys)
        return dm_arena_fail(arena, "a list of blobs", err);
    DM_AUTO(dm_buf) key = dm_buf_make(DM_BLOB_KEY_MAX - 1);
    size_t folder = folder_part(prefix);
    enum dm_code rc;
    if (folder == 0) {
        rc = walk_buckets(files, tenant, &listing, &key, err);
    } else {
        /* The folder of any key in it. */
        DM_AUTO(dm_buf) inside = dm_buf_make(DM_BLOB_KEY_MAX);
        dm_buf_add(&inside, dm_str_cut(prefix, 0, folder));
        dm_buf_add(&key, dm_buf_str(&inside));
        dm_buf_add_char(&inside, 'x');
        struct dm_place place;
        rc = dm_place_open(files->root_fd, tenant, dm_buf_str(&inside), false, &place, err);
        if (rc == DM_OK) {
            rc = walk(&listing, dm_place_folder(&place), &key, false, err);
            dm_place_free(&place);
        } else if (rc == DM_NOT_FOUND) {
            rc = DM_OK;
        }
    }
    if (rc == DM_OK)
        *ret = (struct dm_blob_list){ listing.keys, listing.count, listing.more };
    return rc;
}

/* ---- removing ------------------------------------------------------------------------------------------------ */

/* A folder with all that is in it; absent is fine. */
static enum dm_code remove_folder(struct dm_files *files, int parent_fd, const char *name, struct dm_err *err)
{
    for (int i = 0; i < REMOVE_TRIES; i++) {
        DM_CLEANUP(dm_close_fd) int fd = openat(parent_fd, name, FOLDER_FLAGS);
        if (fd < 0)
            return errno == ENOENT || errno == ENOTDIR
                       ? DM_OK
                       : dm_fail_errno(err, errno, "the blobs in %s cannot be removed", name);
        enum dm_code rc = dm_folder_empty(fd, name, err);
        if (rc != DM_OK)
            return rc;
        dm_syncer_forget(&files->syncer, fd);
        if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return DM_OK;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return dm_fail_errno(err, errno, "the folder %s cannot be removed", name);
    }
    return dm_fail(err, DM_BUSY, "blobs are still being put into %s", name);
}

/* Of a bucket, what belongs to {first}/. */
static enum dm_code remove_from_bucket(struct dm_files *files, int bucket_fd, struct dm_str first, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    DIR *folder = open_listing(bucket_fd, err, &rc);
    if (!folder)
        return rc;
    const struct dirent *entry;
    while (rc == DM_OK && (entry = readdir(folder))) {
        struct dm_str name = dm_str_z(entry->d_name);
        if (!dm_str_starts(name, first) || name.len == first.len || name.at[first.len] != ',')
            continue;
        if (unlinkat(bucket_fd, entry->d_name, 0) < 0 && errno != ENOENT)
            rc = errno == EISDIR ? remove_folder(files, bucket_fd, entry->d_name, err)
                                 : dm_fail_errno(err, errno, "the blob %s cannot be removed", entry->d_name);
    }
    closedir(folder);
    return rc;
}

enum dm_code dm_files_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_err *err)
{
    struct dm_files *files = self;
    struct dm_str name = dm_str_cut(prefix, 0, prefix.len - 1);
    struct dm_place place;
    enum dm_code rc = dm_place_open(files->root_fd, tenant, name, false, &place, err);
    if (rc != DM_OK)
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    rc = dm_str_find_char(name, '/') == name.len ? remove_from_bucket(files, dm_place_folder(&place), name, err)
                                                 : remove_folder(files, dm_place_folder(&place), place.name, err);
    dm_place_free(&place);
    return rc;
}
