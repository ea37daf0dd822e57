/* files_path.c: where a key lies.
 *
 * Every folder on the way is opened by its name in the one before and never through a symbolic link, so that
 * neither a key nor anything in the tree can lead out of the tenant's folder. */
#include "embedded/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum { FOLDER_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

void dm_place_free(struct dm_place *place)
{
    for (uint32_t i = 1; i < place->count; i++)
        close(place->folders[i]);
    place->count = 0;
}

static bool is_key(struct dm_str key)
{
    char before = '/';
    uint32_t folders = 2; /* tenant and bucket; the first slash makes none */
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!plain && !((c == '.' || c == '/') && before != '/'))
            return false;
        folders += c == '/';
        before = c;
    }
    return key.len > 0 && key.len < DM_BLOB_KEY_MAX && before != '/' && folders <= DM_PLACE_DEPTH;
}

/* FNV-1a: any spread will do, but it must stay the same for ever. */
static uint32_t bucket_of(struct dm_str part)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < part.len; i++)
        hash = (hash ^ (unsigned char)part.at[i]) * 16777619U;
    return (hash ^ hash >> 16) % DM_BUCKETS;
}

static enum dm_code enter(struct dm_place *place, const char *name, bool make, struct dm_err *err)
{
    DM_CHECK(place->count < DM_PLACE_DEPTH);
    int parent = dm_place_folder(place);
    int fd = openat(parent, name, FOLDER_FLAGS);
    if (fd < 0 && errno == ENOENT && make) {
        if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
            return dm_fail_errno(err, errno, "the folder %s for blobs cannot be made", name);
        fd = openat(parent, name, FOLDER_FLAGS);
    }
    if (fd < 0 && (errno == ENOENT || (errno == ENOTDIR && !make)))
        return dm_fail(err, DM_NOT_FOUND, "no such folder");
    if (fd < 0)
        return dm_fail_errno(err, errno, "the folder %s of blobs cannot be opened", name);
    place->folders[place->count++] = fd;
    return DM_OK;
}

static enum dm_code walk(struct dm_place *place, const struct dm_tenant *tenant, struct dm_str key, bool make,
                         struct dm_err *err)
{
    struct dm_str first = dm_str_cut(key, 0, dm_str_find_char(key, '/'));
    struct dm_str rest = dm_str_from(key, first.len + 1);
    char bucket[4];
    snprintf(bucket, sizeof(bucket), "%02x", (unsigned)bucket_of(first));
    enum dm_code rc = enter(place, tenant->id, make, err);
    if (rc == DM_OK)
        rc = enter(place, bucket, make, err);
    /* What has been read of the key and is no folder yet: the name, if nothing follows. */
    size_t len = (size_t)snprintf(place->name, sizeof(place->name), "%.*s", DM_STR_ARG(first));
    for (bool joined = false; rc == DM_OK && rest.len > 0; joined = true) {
        struct dm_str part = dm_str_cut(rest, 0, dm_str_find_char(rest, '/'));
        rest = dm_str_from(rest, part.len + 1);
        if (joined)
            rc = enter(place, place->name, make, err);
        else
            place->name[len++] = ',';
        snprintf(place->name + (joined ? 0 : len), sizeof(place->name) - (joined ? 0 : len), "%.*s", DM_STR_ARG(part));
    }
    return rc;
}

enum dm_code dm_place_open(int root_fd, const struct dm_tenant *tenant, struct dm_str key, bool make,
                           struct dm_place *ret, struct dm_err *err)
{
    struct dm_tenant checked;
    enum dm_code rc = dm_tenant_parse(dm_str_z(tenant->id), &checked, err);
    if (rc != DM_OK)
        return rc;
    if (!is_key(key))
        return dm_fail(err, DM_INVALID, "this is no key of a blob");
    struct dm_place place = { .folders = { root_fd }, .count = 1 };
    rc = walk(&place, &checked, key, make, err);
    if (rc != DM_OK) {
        dm_place_free(&place);
        return rc;
    }
    *ret = place;
    return DM_OK;
}

enum dm_code dm_bucket_open(int root_fd, const struct dm_tenant *tenant, uint32_t n, int *ret_fd, struct dm_err *err)
{
    struct dm_place place = { .folders = { root_fd }, .count = 1 };
    char bucket[12];
    snprintf(bucket, sizeof(bucket), "%02x", (unsigned)n);
    enum dm_code rc = enter(&place, tenant->id, false, err);
    if (rc == DM_OK)
        rc = enter(&place, bucket, false, err);
    if (rc == DM_OK)
        *ret_fd = place.folders[--place.count];
    dm_place_free(&place);
    return rc;
}
