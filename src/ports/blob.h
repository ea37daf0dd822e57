/* blob.h: a port: bytes under keys (domain/keys.h), apart for each tenant.
 *
 * Durability classes: a *kept* blob (source, segment, result) is durable when finish or put answers DM_OK: written,
 * synced, renamed, folder synced. A *derived* one (images, caches) may vanish, for its name is not synced; who wants it
 * makes it again. Either is seen whole or not at all, also after a power cut (what came through an
 * intake sink: once finish has answered DM_OK). Calls are thread-safe; a sink belongs to one thread at a time. */
#ifndef DM_PORTS_BLOB_H
#define DM_PORTS_BLOB_H

#include "base/arena.h"
#include "base/buf.h"
#include "domain/keys.h"
#include "domain/records.h"

enum dm_durability { DM_KEPT, DM_DERIVED };

struct dm_blob_info {
    uint64_t size_bytes;
    char sha256[DM_SHA256_HEX]; /* hex, of what went through a sink; empty from `open` */
};

struct dm_blob_list {
    const struct dm_str *keys; /* ascending */
    uint32_t count;
    bool more;
};

struct dm_sink;

/* What comes in is refused while the disk is nearly full; what work in hand has to write may use the rest. */
enum dm_sink_use { DM_SINK_INTAKE, DM_SINK_WORK };

/* As the size of a get: all from the offset on. */
#define DM_BLOB_WHOLE UINT64_MAX

struct dm_blob_ops {
    const char *name; /* "file" */
    /* A sink takes bytes of unknown length and keeps none in memory. Until finish they belong to no tenant and vanish
     * with the process. Of DM_SINK_INTAKE, here and in write: DM_NO_SPACE below the free-space floor, so that an upload
     * is refused before its body. */
    enum dm_code (*create)(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err);
    enum dm_code (*write)(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err);
    /* The sink's bytes appear under the key, over whatever was there; it is gone whatever the answer. */
    enum dm_code (*finish)(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                           enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err);
    void (*abandon)(void *self, struct dm_sink *sink); /* accepts NULL; leaves nothing behind */
    /* Puts only where the key is absent; DM_EXISTS otherwise. */
    enum dm_code (*put_new)(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                            enum dm_durability durability, struct dm_err *err);
    /* Appends bytes [offset, offset + size) to `buf`; DM_NOT_FOUND; DM_CORRUPT where it is shorter. */
    enum dm_code (*get)(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset, uint64_t size,
                        struct dm_buf *buf, struct dm_err *err);
    /* A descriptor of a local copy, to be closed with dm_blob_close; good even if the blob is removed meanwhile. */
    enum dm_code (*open)(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                         struct dm_blob_info *ret, struct dm_err *err);
    enum dm_code (*remove)(void *self, const struct dm_tenant *tenant, struct dm_str key,
                           struct dm_err *err); /* absent is fine */
    /* Everything whose key begins with `prefix`, which ends with '/'. */
    enum dm_code (*remove_all)(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_err *err);
    enum dm_code (*list)(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                         uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err);
    enum dm_code (*check)(void *self, struct dm_err *err); /* DM_NO_SPACE below the floor */
};

struct dm_blob {
    const struct dm_blob_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_sink_create(struct dm_blob blob, enum dm_sink_use use, struct dm_sink **ret,
                                        struct dm_err *err);
DM_MUST_USE enum dm_code dm_sink_write(struct dm_blob blob, struct dm_sink *sink, struct dm_str bytes,
                                       struct dm_err *err);
DM_MUST_USE enum dm_code dm_sink_finish(struct dm_blob blob, struct dm_sink *sink, const struct dm_tenant *tenant,
                                        struct dm_str key, enum dm_durability durability, struct dm_blob_info *ret,
                                        struct dm_err *err);
void dm_sink_abandon(struct dm_blob blob, struct dm_sink *sink);
DM_MUST_USE enum dm_code dm_blob_put_new(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key,
                                         struct dm_str bytes, enum dm_durability durability, struct dm_err *err);
DM_MUST_USE enum dm_code dm_blob_get(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key,
                                     uint64_t offset, uint64_t size, struct dm_buf *buf, struct dm_err *err);
DM_MUST_USE enum dm_code dm_blob_open(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key,
                                      int *ret_fd, struct dm_blob_info *ret, struct dm_err *err);
void dm_blob_close(int fd); /* accepts -1 */
DM_MUST_USE enum dm_code dm_blob_remove(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str key,
                                        struct dm_err *err);
DM_MUST_USE enum dm_code dm_blob_remove_all(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str prefix,
                                            struct dm_err *err);
DM_MUST_USE enum dm_code dm_blob_list(struct dm_blob blob, const struct dm_tenant *tenant, struct dm_str prefix,
                                      struct dm_str after, uint32_t max, struct dm_arena *arena,
                                      struct dm_blob_list *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_blob_check(struct dm_blob blob, struct dm_err *err);

#endif
