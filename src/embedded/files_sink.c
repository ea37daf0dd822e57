/* files_sink.c: uploads of unknown length.
 *
 * A sink passes bytes on to its file as they come. Only small pieces are gathered, in a buffer that exists from
 * the first of them, so that a server's chunks cost one system call each and an upload costs memory only where
 * it trickles. */
#include "embedded/files.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "embedded/folder.h"

enum {
    GATHERED_BYTES = 32 * 1024,
    SPACE_STEP = 8 << 20, /* the free space is looked at again after as many bytes */
};

struct dm_sink {
    int fd;
    char name[24]; /* in the spool */
    EVP_MD_CTX *hash;
    uint64_t size;
    enum dm_sink_use use;
    uint64_t checked; /* the size up to which the free space was looked at */
    char *gathered;
    size_t gathered_len;
    enum dm_code broken; /* a write failed: what is in the file is not what was sent */
};

static enum dm_code begin_hash(struct dm_files *files, struct dm_sink *sink, struct dm_err *err)
{
    pthread_mutex_lock(&files->mutex);
    if (!files->sha256)
        files->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    const EVP_MD *sha256 = files->sha256;
    pthread_mutex_unlock(&files->mutex);
    sink->hash = sha256 ? EVP_MD_CTX_new() : NULL;
    if (!sink->hash || EVP_DigestInit_ex2(sink->hash, sha256, NULL) != 1)
        return dm_fail(err, DM_NO_MEMORY, "OpenSSL gives no SHA-256");
    return DM_OK;
}

static void free_sink(struct dm_sink *sink)
{
    dm_close_fd(&sink->fd);
    EVP_MD_CTX_free(sink->hash);
    dm_free(sink->gathered);
    dm_free(sink);
}

enum dm_code dm_files_sink_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    struct dm_files *files = self;
    enum dm_code rc = use == DM_SINK_INTAKE ? dm_files_check_space(files, err) : DM_OK;
    if (rc != DM_OK)
        return rc;
    struct dm_sink *sink = dm_alloc_zero(1, sizeof(*sink));
    if (!sink)
        return dm_fail_memory(err);
    sink->fd = -1;
    sink->use = use;
    rc = begin_hash(files, sink, err);
    if (rc == DM_OK)
        rc = dm_files_spool(files, sink->name, &sink->fd, err);
    if (rc != DM_OK) {
        free_sink(sink);
        return rc;
    }
    *ret = sink;
    return DM_OK;
}

static enum dm_code pass_on(struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    enum dm_code rc = dm_write_all(sink->fd, dm_str_of(sink->gathered, sink->gathered_len), bytes, err);
    sink->gathered_len = 0;
    sink->broken = rc;
    return rc;
}

enum dm_code dm_files_sink_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    struct dm_files *files = self;
    if (sink->broken != DM_OK)
        return dm_fail(err, sink->broken, "an earlier part of this upload could not be written");
    if (EVP_DigestUpdate(sink->hash, bytes.at, bytes.len) != 1)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to hash");
    sink->size += bytes.len;
    if (sink->use == DM_SINK_INTAKE && sink->size - sink->checked >= SPACE_STEP) {
        sink->checked = sink->size;
        sink->broken = dm_files_check_space(files, err);
        if (sink->broken != DM_OK)
            return sink->broken;
    }
    if (sink->gathered_len + bytes.len >= GATHERED_BYTES)
        return pass_on(sink, bytes, err);
    if (!sink->gathered)
        sink->gathered = dm_alloc(GATHERED_BYTES);
    if (!sink->gathered)
        return pass_on(sink, bytes, err);
    memcpy(sink->gathered + sink->gathered_len, bytes.at, bytes.len);
    sink->gathered_len += bytes.len;
    return DM_OK;
}

static enum dm_code end_hash(struct dm_sink *sink, char text[DM_SHA256_HEX], struct dm_err *err)
{
    unsigned char bytes[32];
    unsigned size = 0;
    if (EVP_DigestFinal_ex(sink->hash, bytes, &size) != 1 || size != sizeof(bytes))
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to hash");
    dm_hex_text(bytes, sizeof(bytes), text);
    return DM_OK;
}

enum dm_code dm_files_sink_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                                  enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err)
{
    struct dm_files *files = self;
    struct dm_blob_info info = { .size_bytes = sink->size };
    enum dm_code rc = sink->broken == DM_OK
                          ? pass_on(sink, DM_STR(""), err)
                          : dm_fail(err, sink->broken, "an earlier part of this upload could not be written");
    if (rc == DM_OK)
        rc = end_hash(sink, info.sha256, err);
    if (rc == DM_OK && sink->use == DM_SINK_INTAKE && files->arrivals)
        dm_arrivals_add(files->arrivals, tenant, key);
    if (rc == DM_OK)
        rc = dm_files_publish(files, sink->name, sink->fd, tenant, key, durability,
                              sink->use == DM_SINK_INTAKE ? DM_PUBLISH_UNNAMED : DM_PUBLISH_OVER, err);
    else
        unlinkat(files->spool_fd, sink->name, 0);
    free_sink(sink);
    if (rc == DM_OK && ret)
        *ret = info;
    return rc;
}

void dm_files_sink_abandon(void *self, struct dm_sink *sink)
{
    struct dm_files *files = self;
    if (!sink)
        return;
    unlinkat(files->spool_fd, sink->name, 0);
    free_sink(sink);
}
