/* memory_blob.c: bytes under keys, in one array in the order of tenant and key.
 *
 * A blob's bytes are never changed in place: putting over it exchanges them as a whole, so that each is seen whole or
 * not at all. */
#include "memory_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "memory_block.h"

enum { LIST_MAX = 1000, SHA256_BYTES = 32 };

struct blob {
    struct dm_tenant tenant;
    struct dm_str key;
    enum dm_durability durability;
    struct dm_str bytes;
};

struct dm_sink {
    struct dm_sink *next;  /* of those that are open */
    struct dm_sink **link; /* what points to this one */
    enum dm_sink_use use;
    bool broken; /* a write failed: what is here is not what was sent */
    char *at;
    size_t len;
    size_t capacity;
};

struct memory_blob {
    /* Guards what follows. Nothing that is done under it can give way to another task. */
    pthread_mutex_t mutex;
    struct blob *blobs;
    uint32_t count;
    uint32_t capacity;
    struct dm_sink *sinks;
    bool full;
};

static void lock(struct memory_blob *memory)
{
    DM_CHECK(pthread_mutex_lock(&memory->mutex) == 0);
}

static void unlock(struct memory_blob *memory)
{
    DM_CHECK(pthread_mutex_unlock(&memory->mutex) == 0);
}

static enum dm_code no_space(struct dm_err *err)
{
    return dm_fail(err, DM_NO_SPACE, "the simulated disk is full");
}

static enum dm_code not_found(struct dm_str key, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "there is no blob %.*s", DM_STR_ARG(key));
}

/* ---- the array ----------------------------------------------------------------------------------------------- */

static int compare(const struct blob *blob, const struct dm_tenant *tenant, struct dm_str key)
{
    int order = strcmp(blob->tenant.id, tenant->id);
    return order ? order : dm_str_compare(blob->key, key);
}

/* Where it is or would be. */
static uint32_t place_of(const struct memory_blob *memory, const struct dm_tenant *tenant, struct dm_str key)
{
    uint32_t at = 0;
    while (at < memory->count && compare(&memory->blobs[at], tenant, key) < 0)
        at++;
    return at;
}

static struct blob *find(const struct memory_blob *memory, const struct dm_tenant *tenant, struct dm_str key)
{
    uint32_t at = place_of(memory, tenant, key);
    return at < memory->count && compare(&memory->blobs[at], tenant, key) == 0 ? &memory->blobs[at] : NULL;
}

static void put(struct memory_blob *memory, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                enum dm_durability durability)
{
    struct blob *blob = find(memory, tenant, key);
    if (blob) {
        memory_text_free(&blob->bytes);
    } else {
        uint32_t at = place_of(memory, tenant, key);
        memory->blobs = memory_array_open(memory->blobs, memory->count, &memory->capacity, sizeof(*memory->blobs), at);
        memory->count++;
        blob = &memory->blobs[at];
        *blob = (struct blob){ .tenant = *tenant, .key = memory_text(key) };
    }
    blob->bytes = memory_text(bytes);
    blob->durability = durability;
}

static void drop(struct memory_blob *memory, uint32_t at)
{
    memory_text_free(&memory->blobs[at].key);
    memory_text_free(&memory->blobs[at].bytes);
    memory_array_close(memory->blobs, memory->count, sizeof(*memory->blobs), at);
    memory->count--;
}

/* ---- sinks --------------------------------------------------------------------------------------------------- */

static enum dm_code memory_sink_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    struct memory_blob *memory = self;
    struct dm_sink *sink = NULL;
    lock(memory);
    if (!memory->full || use != DM_SINK_INTAKE) {
        sink = memory_block(sizeof(*sink));
        *sink = (struct dm_sink){ .next = memory->sinks, .link = &memory->sinks, .use = use };
        if (sink->next)
            sink->next->link = &sink->next;
        memory->sinks = sink;
    }
    unlock(memory);
    if (!sink)
        return no_space(err);
    *ret = sink;
    return DM_OK;
}

/* With the lock held. */
static void end_sink(struct dm_sink *sink)
{
    *sink->link = sink->next;
    if (sink->next)
        sink->next->link = sink->link;
    memory_block_free(sink->at);
    memory_block_free(sink);
}

static void append(struct dm_sink *sink, struct dm_str bytes)
{
    size_t wanted = sink->len + bytes.len;
    if (wanted > sink->capacity) {
        sink->capacity = wanted > 2 * sink->capacity ? wanted : 2 * sink->capacity;
        sink->at = realloc(sink->at, sink->capacity);
        DM_CHECK(sink->at != NULL);
    }
    memcpy(sink->at + sink->len, bytes.at, bytes.len);
    sink->len = wanted;
}

static enum dm_code memory_sink_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    sink->broken = sink->broken || memory->full;
    bool broken = sink->broken;
    if (!broken)
        append(sink, bytes);
    unlock(memory);
    return broken ? no_space(err) : DM_OK;
}

static enum dm_code hash(struct dm_str bytes, char ret[DM_SHA256_HEX], struct dm_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes.at, bytes.len, digest, &size, EVP_sha256(), NULL) != 1 || size != SHA256_BYTES)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to hash");
    dm_hex_text(digest, SHA256_BYTES, ret);
    return DM_OK;
}

static enum dm_code memory_sink_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant,
                                       struct dm_str key, enum dm_durability durability, struct dm_blob_info *ret,
                                       struct dm_err *err)
{
    struct memory_blob *memory = self;
    const struct dm_str bytes = dm_str_of(sink->at ? sink->at : "", sink->len);
    struct dm_blob_info info = { .size_bytes = sink->len };
    enum dm_code rc = sink->broken ? no_space(err) : hash(bytes, info.sha256, err);
    lock(memory);
    if (rc == DM_OK)
        put(memory, tenant, key, bytes, durability);
    end_sink(sink);
    unlock(memory);
    if (rc == DM_OK && ret)
        *ret = info;
    return rc;
}

static void memory_sink_abandon(void *self, struct dm_sink *sink)
{
    struct memory_blob *memory = self;
    if (!sink)
        return;
    lock(memory);
    end_sink(sink);
    unlock(memory);
}

/* ---- blobs --------------------------------------------------------------------------------------------------- */

static enum dm_code memory_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                                   enum dm_durability durability, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    bool full = memory->full;
    bool there = !full && find(memory, tenant, key);
    if (!full && !there)
        put(memory, tenant, key, bytes, durability);
    unlock(memory);
    if (full)
        return no_space(err);
    return there ? dm_fail(err, DM_EXISTS, "there is a blob of this name already") : DM_OK;
}

static enum dm_code get_part(struct dm_str bytes, struct dm_str key, uint64_t offset, uint64_t size, struct dm_buf *buf,
                             struct dm_err *err)
{
    if (size == DM_BLOB_WHOLE && offset <= bytes.len)
        size = bytes.len - offset;
    if (offset > bytes.len || size > bytes.len - offset)
        return dm_fail(err, DM_CORRUPT, "the blob %.*s has %zu bytes; %" PRIu64 " from %" PRIu64 " were asked for",
                       DM_STR_ARG(key), bytes.len, size, offset);
    if (size == 0)
        return DM_OK;
    dm_buf_add(buf, dm_str_cut(bytes, (size_t)offset, (size_t)size));
    return dm_buf_check(buf, "what was asked of a blob", err);
}

static enum dm_code memory_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset,
                               uint64_t size, struct dm_buf *buf, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    const struct blob *blob = find(memory, tenant, key);
    enum dm_code rc = blob ? get_part(blob->bytes, key, offset, size, buf, err) : not_found(key, err);
    unlock(memory);
    return rc;
}

/* Sealed: whoever has it reads what was put, like a file that is open for reading alone. */
static enum dm_code make_copy(struct dm_str bytes, int *ret_fd, struct dm_err *err)
{
    enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };
    int fd = memfd_create("blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return dm_fail_errno(err, errno, "a blob cannot be opened");
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            break;
        bytes = dm_str_from(bytes, (size_t)written);
    }
    if (bytes.len > 0 || lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        enum dm_code rc = dm_fail_errno(err, errno, "a blob cannot be opened");
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return DM_OK;
}

static enum dm_code memory_open(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                                struct dm_blob_info *ret, struct dm_err *err)
{
    struct memory_blob *memory = self;
    struct dm_blob_info info = { 0 };
    lock(memory);
    const struct blob *blob = find(memory, tenant, key);
    info.size_bytes = blob ? blob->bytes.len : 0;
    enum dm_code rc = blob ? make_copy(blob->bytes, ret_fd, err) : not_found(key, err);
    unlock(memory);
    if (rc == DM_OK && ret)
        *ret = info;
    return rc;
}

static enum dm_code memory_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    if (find(memory, tenant, key))
        drop(memory, place_of(memory, tenant, key));
    unlock(memory);
    return DM_OK;
}

static enum dm_code memory_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix,
                                      struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    for (uint32_t at = memory->count; at-- > 0;)
        if (dm_tenant_eq(&memory->blobs[at].tenant, tenant) && dm_str_starts(memory->blobs[at].key, prefix))
            drop(memory, at);
    unlock(memory);
    return DM_OK;
}

static enum dm_code list_keys(const struct memory_blob *memory, const struct dm_tenant *tenant, struct dm_str prefix,
                              struct dm_str after, uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret,
                              struct dm_err *err)
{
    struct dm_blob_list list = { 0 };
    if (max > LIST_MAX)
        max = LIST_MAX;
    struct dm_str *keys = dm_arena_array(arena, max, sizeof(*keys));
    if (!keys)
        return dm_fail(err, DM_TOO_LARGE, "a list of blobs does not fit into the memory of this request");
    for (uint32_t at = 0; at < memory->count && !list.more; at++) {
        const struct blob *blob = &memory->blobs[at];
        if (!dm_tenant_eq(&blob->tenant, tenant) || !dm_str_starts(blob->key, prefix) ||
            dm_str_compare(blob->key, after) <= 0)
            continue;
        list.more = list.count == max;
        if (list.more)
            break;
        keys[list.count] = dm_arena_str(arena, blob->key);
        if (!keys[list.count++].at)
            return dm_fail(err, DM_TOO_LARGE, "a list of blobs does not fit into the memory of this request");
    }
    list.keys = keys;
    *ret = list;
    return DM_OK;
}

static enum dm_code memory_list_keys(void *self, const struct dm_tenant *tenant, struct dm_str prefix,
                                     struct dm_str after, uint32_t max, struct dm_arena *arena,
                                     struct dm_blob_list *ret, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    enum dm_code rc = list_keys(memory, tenant, prefix, after, max, arena, ret, err);
    unlock(memory);
    return rc;
}

static enum dm_code memory_check(void *self, struct dm_err *err)
{
    struct memory_blob *memory = self;
    lock(memory);
    bool full = memory->full;
    unlock(memory);
    return full ? no_space(err) : DM_OK;
}

/* ---- as a whole ---------------------------------------------------------------------------------------------- */

struct memory_blob *memory_blob_make(void)
{
    struct memory_blob *memory = memory_block(sizeof(*memory));
    pthread_mutex_init(&memory->mutex, NULL);
    return memory;
}

void memory_blob_free(struct memory_blob *memory)
{
    if (!memory)
        return;
    while (memory->sinks)
        end_sink(memory->sinks);
    while (memory->count > 0)
        drop(memory, memory->count - 1);
    memory_block_free(memory->blobs);
    pthread_mutex_destroy(&memory->mutex);
    memory_block_free(memory);
}

struct dm_blob memory_blob_port(struct memory_blob *memory)
{
    static const struct dm_blob_ops ops = {
        .name = "memory",
        .create = memory_sink_create,
        .write = memory_sink_write,
        .finish = memory_sink_finish,
        .abandon = memory_sink_abandon,
        .put_new = memory_put_new,
        .get = memory_get,
        .open = memory_open,
        .remove = memory_remove,
        .remove_all = memory_remove_all,
        .list = memory_list_keys,
        .check = memory_check,
    };
    return (struct dm_blob){ &ops, memory };
}

void memory_blob_set_full(struct memory_blob *memory, bool full)
{
    lock(memory);
    memory->full = full;
    unlock(memory);
}

void memory_blob_forget_derived(struct memory_blob *memory, uint64_t (*random)(void *context), void *context)
{
    lock(memory);
    for (uint32_t at = 0; at < memory->count;) {
        if (memory->blobs[at].durability == DM_DERIVED && random(context) % 2 == 0)
            drop(memory, at);
        else
            at++;
    }
    unlock(memory);
}

void memory_blob_each(struct memory_blob *memory,
                      void (*visit)(void *context, const struct dm_tenant *tenant, struct dm_str key,
                                    struct dm_str bytes),
                      void *context)
{
    for (uint32_t at = 0; at < memory->count; at++)
        visit(context, &memory->blobs[at].tenant, memory->blobs[at].key, memory->blobs[at].bytes);
}

bool memory_blob_find(struct memory_blob *memory, const struct dm_tenant *tenant, struct dm_str key,
                      struct dm_str *ret_bytes)
{
    lock(memory);
    const struct blob *blob = find(memory, tenant, key);
    if (blob)
        *ret_bytes = blob->bytes;
    unlock(memory);
    return blob != NULL;
}

uint32_t memory_blob_sinks(const struct memory_blob *memory)
{
    uint32_t count = 0;
    for (const struct dm_sink *sink = memory->sinks; sink; sink = sink->next)
        count++;
    return count;
}
