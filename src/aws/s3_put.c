/* s3_put.c: what goes to S3: sinks, and objects that must be new.
 *
 * Every request carries the SHA-256 of its bytes twice: in the signature, and as the checksum that S3 keeps. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "aws/s3.h"
#include "aws/xml.h"
#include "base/alloc.h"
#include "base/encode.h"

enum {
    PARTS_MAX = 10000, /* S3's */
    UPLOAD_ID_MAX = 2048,
    QUERY_MAX = 3 * UPLOAD_ID_MAX + 64,
    XML_MAX = PARTS_MAX * 320,
    TRIES = 5,
    PAUSE_MS = 50
};

struct dm_sink {
    int fd;
    EVP_MD_CTX *hash;
    uint64_t size;
    enum dm_code broken; /* a write failed: what is in the file is not what was sent */
};

static void free_sink(struct dm_sink *sink)
{
    dm_blob_close(sink->fd);
    EVP_MD_CTX_free(sink->hash);
    dm_free(sink);
}

enum dm_code dm_s3_sink_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    struct dm_sink *sink = dm_alloc_zero(1, sizeof(*sink));
    if (!sink)
        return dm_fail_memory(err);
    sink->fd = -1;
    sink->hash = EVP_MD_CTX_new();
    enum dm_code rc = DM_OK;
    if (!sink->hash || EVP_DigestInit_ex2(sink->hash, EVP_sha256(), NULL) != 1)
        rc = dm_fail(err, DM_NO_MEMORY, "OpenSSL gives no SHA-256");
    if (rc == DM_OK)
        rc = dm_s3_temporary(self, &sink->fd, err);
    if (rc == DM_OK)
        *ret = sink;
    else
        free_sink(sink);
    return rc;
}

enum dm_code dm_s3_sink_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    if (sink->broken != DM_OK)
        return dm_fail(err, sink->broken, "an earlier part of this upload could not be written");
    if (EVP_DigestUpdate(sink->hash, bytes.at, bytes.len) != 1)
        return sink->broken = dm_fail(err, DM_INTERNAL, "OpenSSL refuses to hash");
    while (bytes.len > 0) {
        ssize_t wrote = write(sink->fd, bytes.at, bytes.len);
        if (wrote < 0 && errno != EINTR)
            return sink->broken = dm_fail_errno(err, errno, "a temporary file cannot be written");
        if (wrote > 0) {
            sink->size += (uint64_t)wrote;
            bytes = dm_str_from(bytes, (size_t)wrote);
        }
    }
    return DM_OK;
}

void dm_s3_sink_abandon(void *self, struct dm_sink *sink)
{
    if (sink)
        free_sink(sink);
}

/* Appends `size` bytes of the file from `offset` on. */
static enum dm_code read_piece(int fd, uint64_t offset, size_t size, struct dm_buf *ret, struct dm_err *err)
{
    char *room = dm_buf_reserve(ret, size + 1);
    if (!room)
        return dm_buf_check(ret, "a part of an upload", err);
    for (size_t got = 0; got < size;) {
        ssize_t some = pread(fd, room + got, size - got, (off_t)(offset + got));
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0)
            return dm_fail_errno(err, some < 0 ? errno : EIO, "a temporary file cannot be read");
        got += (size_t)some;
    }
    dm_buf_grown(ret, size);
    return DM_OK;
}

/* ---- one request ------------------------------------------------------------------------------------------------ */

static enum dm_code put(const struct dm_s3 *s3, const struct dm_s3_object *object, struct dm_str bytes,
                        const struct dm_s3_checksum *checksum, struct dm_str token, bool only_new, struct dm_err *err)
{
    struct dm_s3_headers headers = { .count = 0 };
    dm_s3_add_creation(s3, token, &headers);
    dm_s3_add_header(&headers, "Content-Type", DM_STR("application/octet-stream"));
    dm_s3_add_header(&headers, "x-amz-checksum-sha256", dm_str_z(checksum->base64));
    dm_s3_add_header(&headers, "If-None-Match", only_new ? DM_STR("*") : DM_STR(""));
    const struct dm_aws_operation operation = { .name = "PutObject",
                                                .method = "PUT",
                                                .bucket = object->bucket,
                                                .path = dm_buf_str(&object->path),
                                                .headers = headers.pairs,
                                                .header_count = headers.count,
                                                .body = bytes,
                                                .body_sha256 = dm_str_z(checksum->hex) };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    enum dm_code rc = dm_s3_call(s3, &operation, &answer, err);
    /* A precondition that failed is final; the other conflict is with somebody who writes just now. */
    return rc == DM_CONFLICT && answer.status == 412 ? DM_EXISTS : rc;
}

static void pause_a_little(const struct dm_s3 *s3)
{
    uint32_t chance;
    dm_random(s3->runtime, &chance, sizeof(chance));
    dm_sleep_until(s3->runtime, dm_mono_ms(s3->runtime) + PAUSE_MS / 2 + chance % PAUSE_MS);
}

static enum dm_code put_object(const struct dm_s3 *s3, const struct dm_s3_object *object, struct dm_str bytes,
                               const struct dm_s3_checksum *checksum, bool only_new, struct dm_err *err)
{
    char token[DM_S3_TOKEN_MAX];
    dm_fresh_id(s3->runtime, token);
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = DM_CONFLICT;
    for (int i = 0; i < TRIES && rc == DM_CONFLICT; i++) {
        if (i > 0)
            pause_a_little(s3);
        rc = put(s3, object, bytes, checksum, dm_str_z(token), only_new, &why);
        bool own = false;
        if (rc == DM_EXISTS) /* perhaps an attempt of ours, whose answer was lost */
            rc = dm_s3_is_marked(s3, object, dm_str_z(token), &own, &why);
        else
            continue;
        if (rc == DM_NOT_FOUND)
            rc = DM_CONFLICT; /* removed meanwhile */
        else if (rc == DM_OK && !own)
            rc = dm_fail(&why, DM_EXISTS, "the object is there already");
    }
    return rc == DM_OK ? DM_OK : dm_fail(err, rc == DM_CONFLICT ? DM_UNAVAILABLE : rc, "%s", why.text);
}

enum dm_code dm_s3_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                           enum dm_durability durability, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    struct dm_s3_checksum checksum;
    DM_AUTO(dm_s3_object) object = { .path = dm_buf_make(0) };
    enum dm_code rc = dm_s3_object_find(s3, tenant, key, &object, err);
    if (rc == DM_OK)
        rc = dm_s3_checksum_of(bytes, &checksum, err);
    return rc == DM_OK ? put_object(s3, &object, bytes, &checksum, true, err) : rc;
}

/* ---- in parts --------------------------------------------------------------------------------------------------- */

struct part {
    char etag[DM_S3_ETAG_MAX];
    struct dm_s3_checksum checksum;
};

struct upload {
    const struct dm_s3 *s3;
    const struct dm_s3_object *object;
    const struct dm_sink *sink;
    char token[DM_S3_TOKEN_MAX];
    struct dm_buf id; /* percent-encoded */
    uint64_t part_bytes;
    uint32_t part_count;
    struct part *parts;
};

static enum dm_code take_upload_id(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    if (dm_str_eq(path, DM_STR("InitiateMultipartUploadResult/UploadId")))
        dm_buf_add_percent(context, text, false);
    return DM_OK;
}

static enum dm_code begin(struct upload *upload, struct dm_err *err)
{
    struct dm_s3_headers headers = { .count = 0 };
    dm_s3_add_creation(upload->s3, dm_str_z(upload->token), &headers);
    dm_s3_add_header(&headers, "Content-Type", DM_STR("application/octet-stream"));
    dm_s3_add_header(&headers, "x-amz-checksum-algorithm", DM_STR("SHA256"));
    const struct dm_aws_operation operation = { .name = "CreateMultipartUpload",
                                                .permission = "s3:PutObject",
                                                .bucket = upload->object->bucket,
                                                .path = dm_buf_str(&upload->object->path),
                                                .query = DM_STR("uploads="),
                                                .headers = headers.pairs,
                                                .header_count = headers.count };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    enum dm_code rc = dm_s3_call(upload->s3, &operation, &answer, err);
    struct dm_err why = { .code = DM_OK };
    if (rc == DM_OK &&
        dm_aws_xml_read(dm_buf_str(&answer.http.body), "the answer", take_upload_id, &upload->id, &why) != DM_OK)
        rc = dm_fail(err, DM_UNAVAILABLE, "S3 CreateMultipartUpload: %s", why.text);
    if (rc == DM_OK && (upload->id.len == 0 || upload->id.failed))
        rc = dm_fail(err, DM_UNAVAILABLE, "S3 CreateMultipartUpload: the answer has no UploadId");
    return rc;
}

/* The header is a quoted text, and becomes a part of a document of ours. */
static enum dm_code take_etag(const struct dm_aws_answer *answer, struct part *part, struct dm_err *err)
{
    struct dm_str etag = dm_http_answer_header(&answer->http, DM_STR("etag"));
    if (etag.len == 0 || etag.len >= sizeof(part->etag))
        return dm_fail(err, DM_UNAVAILABLE, "S3 UploadPart: the answer has no ETag");
    (void)snprintf(part->etag, sizeof(part->etag), "%.*s", DM_STR_ARG(etag));
    return DM_OK;
}

static enum dm_code send_part(void *context, uint32_t number, struct dm_err *err)
{
    struct upload *upload = context;
    struct part *part = &upload->parts[number];
    uint64_t offset = number * upload->part_bytes, left = upload->sink->size - offset;
    size_t size = (size_t)(left < upload->part_bytes ? left : upload->part_bytes);
    DM_AUTO(dm_buf) bytes = dm_buf_make(size + 1);
    DM_AUTO(dm_buf) query = dm_buf_make(QUERY_MAX);
    enum dm_code rc = read_piece(upload->sink->fd, offset, size, &bytes, err);
    if (rc == DM_OK)
        rc = dm_s3_checksum_of(dm_buf_str(&bytes), &part->checksum, err);
    dm_buf_addf(&query, "partNumber=%u&uploadId=%s", number + 1, dm_buf_z(&upload->id));
    if (rc == DM_OK)
        rc = dm_buf_check(&query, "the query of an upload", err);
    if (rc != DM_OK)
        return rc;
    const struct dm_http_pair checksum = { DM_STR("x-amz-checksum-sha256"), dm_str_z(part->checksum.base64) };
    const struct dm_aws_operation operation = { .name = "UploadPart",
                                                .permission = "s3:PutObject",
                                                .method = "PUT",
                                                .bucket = upload->object->bucket,
                                                .path = dm_buf_str(&upload->object->path),
                                                .query = dm_buf_str(&query),
                                                .headers = &checksum,
                                                .header_count = 1,
                                                .body = dm_buf_str(&bytes),
                                                .body_sha256 = dm_str_z(part->checksum.hex) };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    rc = dm_s3_call(upload->s3, &operation, &answer, err);
    return rc == DM_OK ? take_etag(&answer, part, err) : rc;
}

static void write_parts(const struct upload *upload, struct dm_buf *body)
{
    dm_buf_add_z(body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (uint32_t i = 0; i < upload->part_count; i++) {
        dm_buf_add_z(body, "<Part><ETag>");
        dm_aws_xml_add_text(body, dm_str_z(upload->parts[i].etag));
        dm_buf_addf(body, "</ETag><ChecksumSHA256>%s</ChecksumSHA256><PartNumber>%u</PartNumber></Part>",
                    upload->parts[i].checksum.base64, i + 1);
    }
    dm_buf_add_z(body, "</CompleteMultipartUpload>");
}

static enum dm_code complete(const struct upload *upload, struct dm_err *err)
{
    static const struct dm_http_pair type = { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/xml") };
    DM_AUTO(dm_buf) body = dm_buf_make(XML_MAX);
    DM_AUTO(dm_buf) query = dm_buf_make(QUERY_MAX);
    dm_buf_addf(&query, "uploadId=%s", dm_buf_z(&upload->id));
    write_parts(upload, &body);
    enum dm_code rc = dm_buf_check(body.failed ? &body : &query, "the parts of an upload", err);
    if (rc != DM_OK)
        return rc;
    const struct dm_aws_operation operation = { .name = "CompleteMultipartUpload",
                                                .permission = "s3:PutObject",
                                                .bucket = upload->object->bucket,
                                                .path = dm_buf_str(&upload->object->path),
                                                .query = dm_buf_str(&query),
                                                .headers = &type,
                                                .header_count = 1,
                                                .body = dm_buf_str(&body) };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    rc = dm_s3_call(upload->s3, &operation, &answer, err);
    /* An answer that was lost may have been a good one; then the upload is there no more, and the object is. */
    bool own = false;
    if (rc != DM_OK && strcmp(answer.code, "NoSuchUpload") == 0 &&
        dm_s3_is_marked(upload->s3, upload->object, dm_str_z(upload->token), &own, NULL) == DM_OK && own)
        rc = DM_OK;
    return rc;
}

/* Its parts cost money as long as they lie there; what this cannot reach, a rule of the bucket's removes. */
static void give_up(const struct upload *upload)
{
    DM_AUTO(dm_buf) query = dm_buf_make(QUERY_MAX);
    dm_buf_addf(&query, "uploadId=%s", dm_buf_z(&upload->id));
    const struct dm_aws_operation operation = { .name = "AbortMultipartUpload",
                                                .method = "DELETE",
                                                .bucket = upload->object->bucket,
                                                .path = dm_buf_str(&upload->object->path),
                                                .query = dm_buf_str(&query) };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    enum dm_code rc = dm_s3_call(upload->s3, &operation, &answer, NULL);
    (void)rc; /* why it was given up is what is told */
}

static enum dm_code put_in_parts(const struct dm_s3 *s3, const struct dm_s3_object *object, const struct dm_sink *sink,
                                 struct dm_err *err)
{
    struct upload upload = { .s3 = s3, .object = object, .sink = sink, .id = dm_buf_make(3 * UPLOAD_ID_MAX) };
    dm_fresh_id(s3->runtime, upload.token);
    upload.part_bytes = DM_S3_PART_BYTES;
    if (sink->size / PARTS_MAX >= DM_S3_PART_BYTES)
        return dm_fail(err, DM_TOO_LARGE, "an object may have at most %d parts of %d bytes", PARTS_MAX,
                       DM_S3_PART_BYTES);
    upload.part_count = (uint32_t)((sink->size + upload.part_bytes - 1) / upload.part_bytes);
    upload.parts = dm_alloc_zero(upload.part_count, sizeof(*upload.parts));
    if (!upload.parts)
        return dm_fail_memory(err);
    enum dm_code rc = begin(&upload, err);
    if (rc == DM_OK) {
        rc = dm_s3_in_parallel(s3, upload.part_count, send_part, &upload, err);
        if (rc == DM_OK)
            rc = complete(&upload, err);
        if (rc != DM_OK)
            give_up(&upload);
        if (rc == DM_CONFLICT) /* with another upload to the same key: this one has to begin anew */
            rc = DM_UNAVAILABLE;
    }
    dm_free(upload.parts);
    dm_buf_free(&upload.id);
    return rc;
}

/* ---- the end of a sink ------------------------------------------------------------------------------------------ */

static enum dm_code put_at_once(const struct dm_s3 *s3, const struct dm_s3_object *object, const struct dm_sink *sink,
                                const struct dm_s3_checksum *checksum, struct dm_err *err)
{
    DM_AUTO(dm_buf) bytes = dm_buf_make(DM_S3_PART_BYTES + 1);
    enum dm_code rc = read_piece(sink->fd, 0, (size_t)sink->size, &bytes, err);
    return rc == DM_OK ? put_object(s3, object, dm_buf_str(&bytes), checksum, false, err) : rc;
}

static enum dm_code finish(const struct dm_s3 *s3, struct dm_sink *sink, const struct dm_tenant *tenant,
                           struct dm_str key, struct dm_blob_info *ret, struct dm_err *err)
{
    unsigned char hash[32];
    unsigned size = 0;
    struct dm_s3_checksum checksum;
    DM_AUTO(dm_s3_object) object = { .path = dm_buf_make(0) };
    if (sink->broken != DM_OK)
        return dm_fail(err, sink->broken, "an earlier part of this upload could not be written");
    if (EVP_DigestFinal_ex(sink->hash, hash, &size) != 1 || size != sizeof(hash))
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to hash");
    dm_s3_checksum_from(hash, &checksum);
    enum dm_code rc = dm_s3_object_find(s3, tenant, key, &object, err);
    if (rc == DM_OK && sink->size <= DM_S3_PART_BYTES)
        rc = put_at_once(s3, &object, sink, &checksum, err);
    else if (rc == DM_OK)
        rc = put_in_parts(s3, &object, sink, err);
    if (rc == DM_OK && ret) {
        *ret = (struct dm_blob_info){ .size_bytes = sink->size };
        memcpy(ret->sha256, checksum.hex, sizeof(ret->sha256));
    }
    return rc;
}

enum dm_code dm_s3_sink_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                               enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err)
{
    enum dm_code rc = finish(self, sink, tenant, key, ret, err);
    free_sink(sink);
    return rc;
}
