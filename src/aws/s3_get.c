/* s3_get.c: what comes from S3: pieces of objects, and copies of them.
 *
 * An object comes in pieces of 8 MB, each of which can be tried again by itself. The first one says how large the object is and which
 * version it is; the others are asked for of that version alone, so that what is put together was one object at one time. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "aws/s3.h"

enum { RANGE_MAX = 64 };

static const uint64_t far_bytes = (uint64_t)1 << 50; /* past the end of every object there can be */

struct piece {
    struct dm_aws_answer answer; /* its body is the bytes */
    uint64_t total;              /* of the object */
    bool past_end;               /* nothing lies there */
};

static void piece_free(struct piece *piece)
{
    dm_aws_answer_free(&piece->answer);
}

/* "bytes 0-1023/4096": what came is what was asked for, as far as there is so much. */
static bool take_range(struct piece *piece, uint64_t offset, uint64_t size)
{
    struct dm_str range = dm_http_answer_header(&piece->answer.http, DM_STR("content-range"));
    size_t hyphen = dm_str_find_char(range, '-'), slash = dm_str_find_char(range, '/');
    struct dm_str unit = DM_STR("bytes ");
    uint64_t first, last;
    if (!dm_str_starts(range, unit) || hyphen >= slash ||
        !dm_str_to_u64(dm_str_cut(range, unit.len, hyphen - unit.len), &first) ||
        !dm_str_to_u64(dm_str_cut(range, hyphen + 1, slash - hyphen - 1), &last) ||
        !dm_str_to_u64(dm_str_from(range, slash + 1), &piece->total))
        return false;
    uint64_t there = piece->total > offset ? piece->total - offset : 0;
    return first == offset && last >= first && last < piece->total && last - first + 1 == piece->answer.http.body.len &&
           piece->answer.http.body.len == (there < size ? there : size);
}

/* Bytes [offset, offset + size), size at least 1, of the version `etag` (empty: of any). */
static enum dm_code fetch(const struct dm_s3 *s3, const struct dm_s3_object *object, uint64_t offset, uint64_t size,
                          struct dm_str etag, struct piece *ret, struct dm_err *err)
{
    char range[RANGE_MAX];
    struct dm_s3_headers headers = { .count = 0 };
    (void)snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)offset,
                   (unsigned long long)(offset + size - 1));
    dm_s3_add_header(&headers, "Range", dm_str_z(range));
    dm_s3_add_header(&headers, "If-Match", etag);
    const struct dm_aws_operation operation = { .name = "GetObject",
                                                .method = "GET",
                                                .bucket = object->bucket,
                                                .path = dm_buf_str(&object->path),
                                                .headers = headers.pairs,
                                                .header_count = headers.count,
                                                .answer_max = (size_t)size + 4096 };
    struct piece piece = { .total = 0 };
    enum dm_code rc = dm_s3_call(s3, &operation, &piece.answer, err);
    piece.past_end = piece.answer.status == 416;
    if (rc == DM_CONFLICT)
        rc = dm_fail(err, DM_UNAVAILABLE, "the object in S3 was changed while it was read");
    else if (rc == DM_OK && (piece.answer.status != 206 || !take_range(&piece, offset, size)))
        rc = dm_fail(err, DM_UNAVAILABLE, "S3 GetObject: what came is not the range that was asked for");
    if (rc == DM_OK || piece.past_end)
        *ret = piece;
    else
        piece_free(&piece);
    return piece.past_end ? DM_OK : rc;
}

/* The first piece of a reading, and with it the size of the object. */
static enum dm_code fetch_first(const struct dm_s3 *s3, const struct dm_s3_object *object, uint64_t offset,
                                uint64_t size, struct piece *ret, struct dm_err *err)
{
    enum dm_code rc = fetch(s3, object, offset < far_bytes ? offset : far_bytes, size, DM_STR(""), ret, err);
    if (rc != DM_OK || !ret->past_end || offset == 0)
        return rc;
    /* Where the offset is the end, or past it; the error says not which. */
    struct piece first = { .total = 0 };
    rc = fetch(s3, object, 0, 1, DM_STR(""), &first, err);
    if (rc == DM_OK)
        ret->total = first.total;
    else
        piece_free(ret);
    piece_free(&first);
    return rc;
}

/* ---- into memory ------------------------------------------------------------------------------------------------ */

static enum dm_code check_bounds(const struct piece *piece, uint64_t offset, uint64_t size, const struct dm_buf *buf,
                                 uint64_t *ret_end, struct dm_err *err)
{
    uint64_t end = size == DM_BLOB_WHOLE ? piece->total : offset + size;
    if (offset > piece->total || end < offset || end > piece->total)
        return dm_fail(err, DM_CORRUPT, "the object in S3 has %llu bytes, fewer than it must",
                       (unsigned long long)piece->total);
    if (end - offset > buf->max - buf->len)
        return dm_fail(err, DM_TOO_LARGE, "%llu bytes of an object are more than there is room for",
                       (unsigned long long)(end - offset));
    *ret_end = end;
    return DM_OK;
}

static enum dm_code add_pieces(const struct dm_s3 *s3, const struct dm_s3_object *object, const struct piece *first,
                               uint64_t offset, uint64_t end, struct dm_buf *buf, struct dm_err *err)
{
    struct dm_str etag = dm_http_answer_header(&first->answer.http, DM_STR("etag"));
    struct dm_str bytes = first->past_end ? DM_STR("") : dm_buf_str(&first->answer.http.body);
    bytes = dm_str_cut(bytes, 0, (size_t)(end - offset));
    size_t before = buf->len;
    if (end > offset && dm_buf_reserve(buf, (size_t)(end - offset)))
        dm_buf_add(buf, bytes);
    enum dm_code rc = dm_buf_check(buf, "what is read of an object", err);
    for (uint64_t at = offset + bytes.len; at < end && rc == DM_OK;) {
        uint64_t size = end - at < DM_S3_PART_BYTES ? end - at : DM_S3_PART_BYTES;
        struct piece piece = { .total = 0 };
        rc = fetch(s3, object, at, size, etag, &piece, err);
        if (rc == DM_OK && (piece.past_end || piece.answer.http.body.len != size))
            rc = dm_fail(err, DM_UNAVAILABLE, "the object in S3 was changed while it was read");
        if (rc == DM_OK)
            dm_buf_add(buf, dm_buf_str(&piece.answer.http.body));
        piece_free(&piece);
        at += size;
    }
    if (rc != DM_OK && buf->len > before)
        dm_buf_cut(buf, before);
    return rc;
}

enum dm_code dm_s3_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset, uint64_t size,
                       struct dm_buf *buf, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    DM_AUTO(dm_s3_object) object = { .path = dm_buf_make(0) };
    enum dm_code rc = dm_s3_object_find(s3, tenant, key, &object, err);
    uint64_t wanted = size < 1 ? 1 : size < DM_S3_PART_BYTES ? size : DM_S3_PART_BYTES, end = 0;
    struct piece first = { .total = 0 };
    if (rc == DM_OK)
        rc = fetch_first(s3, &object, offset, wanted, &first, err);
    if (rc != DM_OK)
        return rc;
    rc = check_bounds(&first, offset, size, buf, &end, err);
    if (rc == DM_OK)
        rc = add_pieces(s3, &object, &first, offset, end, buf, err);
    piece_free(&first);
    return rc;
}

/* ---- into a file ------------------------------------------------------------------------------------------------ */

struct copying {
    const struct dm_s3 *s3;
    const struct dm_s3_object *object;
    struct dm_str etag;
    uint64_t total;
    int fd;
};

static enum dm_code write_at(int fd, uint64_t offset, struct dm_str bytes, struct dm_err *err)
{
    while (bytes.len > 0) {
        ssize_t wrote = pwrite(fd, bytes.at, bytes.len, (off_t)offset);
        if (wrote < 0 && errno != EINTR)
            return dm_fail_errno(err, errno, "a temporary file cannot be written");
        if (wrote > 0) {
            bytes = dm_str_from(bytes, (size_t)wrote);
            offset += (uint64_t)wrote;
        }
    }
    return DM_OK;
}

/* Number 0 is the second piece. */
static enum dm_code copy_piece(void *context, uint32_t number, struct dm_err *err)
{
    struct copying *copying = context;
    uint64_t offset = (uint64_t)(number + 1) * DM_S3_PART_BYTES, left = copying->total - offset;
    uint64_t size = left < DM_S3_PART_BYTES ? left : DM_S3_PART_BYTES;
    struct piece piece = { .total = 0 };
    enum dm_code rc = fetch(copying->s3, copying->object, offset, size, copying->etag, &piece, err);
    if (rc != DM_OK)
        return rc;
    if (piece.past_end || piece.answer.http.body.len != size)
        rc = dm_fail(err, DM_UNAVAILABLE, "the object in S3 was changed while it was read");
    else
        rc = write_at(copying->fd, offset, dm_buf_str(&piece.answer.http.body), err);
    piece_free(&piece);
    return rc;
}

static enum dm_code copy_all(const struct dm_s3 *s3, const struct dm_s3_object *object, int fd, uint64_t *ret_total,
                             struct dm_err *err)
{
    struct piece first = { .total = 0 };
    enum dm_code rc = fetch_first(s3, object, 0, DM_S3_PART_BYTES, &first, err);
    if (rc != DM_OK)
        return rc;
    struct copying copying = { .s3 = s3,
                               .object = object,
                               .etag = dm_http_answer_header(&first.answer.http, DM_STR("etag")),
                               .total = first.past_end ? 0 : first.total,
                               .fd = fd };
    uint64_t pieces = (copying.total + DM_S3_PART_BYTES - 1) / DM_S3_PART_BYTES;
    if (copying.total > 0)
        rc = write_at(fd, 0, dm_buf_str(&first.answer.http.body), err);
    dm_buf_free(&first.answer.http.body);
    if (rc == DM_OK && pieces > UINT32_MAX)
        rc = dm_fail(err, DM_TOO_LARGE, "an object in S3 is too large to be copied");
    if (rc == DM_OK && pieces > 1)
        rc = dm_s3_in_parallel(s3, (uint32_t)pieces - 1, copy_piece, &copying, err);
    if (rc == DM_OK)
        *ret_total = copying.total;
    piece_free(&first);
    return rc;
}

enum dm_code dm_s3_open_copy(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                             struct dm_blob_info *ret, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    DM_AUTO(dm_s3_object) object = { .path = dm_buf_make(0) };
    struct dm_blob_info info = { .size_bytes = 0 };
    int fd = -1;
    enum dm_code rc = dm_s3_object_find(s3, tenant, key, &object, err);
    if (rc == DM_OK)
        rc = dm_s3_temporary(s3, &fd, err);
    if (rc == DM_OK)
        rc = copy_all(s3, &object, fd, &info.size_bytes, err);
    if (rc != DM_OK) {
        dm_blob_close(fd);
        return rc;
    }
    *ret_fd = fd;
    *ret = info;
    return DM_OK;
}
