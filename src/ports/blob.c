/* blob.c: the checking callers of the blob port. */
#include "ports/blob.h"

#include <unistd.h>

#include "base/check.h"

/* Keys are made by domain/keys.h alone; a key that could leave its tenant's folder is a bug. */
static void check_key(struct dm_str key)
{
    DM_CHECK(key.len > 0 && key.len < DM_BLOB_KEY_MAX && key.at[0] != '/' && key.at[0] != '.');
    DM_CHECK(dm_str_find(key, DM_STR("..")) == key.len && dm_str_find(key, DM_STR("//")) == key.len);
}

enum dm_code dm_sink_create(struct dm_blob blob, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    return blob.ops->create(blob.self, use, ret, err);
}

enum dm_code dm_sink_write(struct dm_blob blob, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    return bytes.len ? blob.ops->write(blob.self, sink, bytes, err) : DM_OK;
}

enum dm_code dm_sink_finish(struct dm_blob blob, struct dm_sink *sink, const struct dm_tenant *tenant,
                            struct dm_str key, enum dm_durability durability, struct dm_blob_info *ret,
                            struct dm_err *err)
{
    check_key(key);
    return blob.ops->finish(blob.self, sink, tenant, key, durability, ret, err);
}

void dm_sink_abandon(struct dm_blob blob, struct dm_sink *sink)
{
    if (sink)
        blob.ops->abandon(blob.self, sink);
}

enum dm_code dm_blob_put_new(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key,
                             struct dm_str bytes, enum dm_durability durability, struct dm_err *err)
{
    check_key(key);
    return blob.ops->put_new(blob.self, tenant, key, bytes, durability, err);
}

enum dm_code dm_blob_get(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset,
                         uint64_t size, struct dm_buf *buf, struct dm_err *err)
{
    check_key(key);
    return blob.ops->get(blob.self, tenant, key, offset, size, buf, err);
}

enum dm_code dm_blob_open(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                          struct dm_blob_info *ret, struct dm_err *err)
{
    check_key(key);
    return blob.ops->open(blob.self, tenant, key, ret_fd, ret, err);
}

void dm_blob_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum dm_code dm_blob_remove(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    check_key(key);
    return blob.ops->remove(blob.self, tenant, key, err);
}

enum dm_code dm_blob_remove_all(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str prefix,
                                struct dm_err *err)
{
    check_key(prefix);
    DM_CHECK(dm_str_ends(prefix, DM_STR("/")));
    return blob.ops->remove_all(blob.self, tenant, prefix, err);
}

enum dm_code dm_blob_list(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str prefix,
                          struct dm_str after, uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret,
                          struct dm_err *err)
{
    check_key(prefix);
    DM_CHECK(max >= 1);
    return blob.ops->list(blob.self, tenant, prefix, after, max, arena, ret, err);
}

enum dm_code dm_blob_check(struct dm_blob blob, struct dm_err *err)
{
    return blob.ops->check(blob.self, err);
}
