/* s3_list.c: what lies in S3, and removing it.
 *
 * Two buckets may hold what belongs together, and a list of a document is of both, in order. A key that comes back and does not
 * begin as it must is never believed: what follows a list may be a removal. */
#include "aws/s3.h"
#include "aws/xml.h"
#include "base/calendar.h"
#include "base/encode.h"

enum {
    PAGE_KEYS = 1000, /* S3's most, of a list and of a removal */
    LIST_ANSWER_MAX = 4 << 20,
    QUERY_MAX = 8192,
    DELETE_MAX = 4 << 20,
    ARENA_MAX = 4 << 20,
    CHECK_MS = 5 * DM_SECOND_MS
};

/* ---- one page of one bucket ------------------------------------------------------------------------------------- */

struct page {
    struct dm_arena *arena;
    struct dm_str begin; /* of every key: "{prefix}{tenantId}/" */
    struct dm_str *keys; /* without that */
    uint32_t count, max;
    bool truncated;
};

static enum dm_code take_element(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct page *page = context;
    if (dm_str_eq(path, DM_STR("ListBucketResult/IsTruncated")))
        page->truncated = dm_str_eq(text, DM_STR("true"));
    if (!dm_str_eq(path, DM_STR("ListBucketResult/Contents/Key")))
        return DM_OK;
    if (page->count == page->max || !dm_str_starts(text, page->begin))
        return dm_fail(err, DM_CORRUPT, "a key that was not asked for");
    struct dm_str key = dm_arena_str(page->arena, dm_str_from(text, page->begin.len));
    if (!key.at)
        return dm_arena_fail(page->arena, "a list of objects", err);
    page->keys[page->count++] = key;
    return DM_OK;
}

static void write_query(const struct dm_s3 *s3, const struct dm_tenant *tenant, struct dm_str prefix,
                        struct dm_str after, uint32_t max, struct dm_buf *ret)
{
    DM_AUTO(dm_buf) key = dm_buf_make(QUERY_MAX);
    dm_buf_addf(ret, "list-type=2&max-keys=%u&prefix=", max);
    dm_s3_add_key(s3, tenant, prefix, &key);
    dm_buf_add_percent(ret, dm_buf_str(&key), false);
    if (after.len > 0) {
        dm_buf_clear(&key);
        dm_s3_add_key(s3, tenant, after, &key);
        dm_buf_add_z(ret, "&start-after=");
        dm_buf_add_percent(ret, dm_buf_str(&key), false);
    }
}

/* Up to `max` keys of one bucket after `after`. */
static enum dm_code list_page(const struct dm_s3 *s3, const char *bucket, const struct dm_tenant *tenant,
                              struct dm_str prefix, struct dm_str after, uint32_t max, struct dm_arena *arena,
                              struct page *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) query = dm_buf_make(QUERY_MAX);
    DM_AUTO(dm_buf) begin = dm_buf_make(QUERY_MAX);
    write_query(s3, tenant, prefix, after, max, &query);
    dm_s3_add_key(s3, tenant, DM_STR(""), &begin);
    struct page page = { .arena = arena, .begin = dm_buf_str(&begin), .max = max };
    page.keys = dm_arena_array(arena, max, sizeof(*page.keys));
    if (!page.keys)
        return dm_arena_fail(arena, "a list of objects", err);
    enum dm_code rc = dm_buf_check(&query, "the query of a list", err);
    const struct dm_aws_operation operation = { .name = "ListObjectsV2",
                                                .permission = "s3:ListBucket",
                                                .method = "GET",
                                                .bucket = dm_str_z(bucket),
                                                .query = dm_buf_str(&query),
                                                .answer_max = LIST_ANSWER_MAX };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    if (rc == DM_OK)
        rc = dm_s3_call(s3, &operation, &answer, err);
    if (rc != DM_OK)
        return rc;
    struct dm_err why = { .code = DM_OK };
    rc = dm_aws_xml_read(dm_buf_str(&answer.http.body), "the list", take_element, &page, &why);
    if (rc == DM_OK && page.truncated && page.count == 0)
        rc = dm_fail(&why, DM_CORRUPT, "the list goes on with nothing");
    page.begin = DM_STR("");
    if (rc == DM_OK)
        *ret = page;
    return rc == DM_OK ? DM_OK : dm_fail(err, rc == DM_CORRUPT ? DM_UNAVAILABLE : rc, "S3 ListObjectsV2: %s", why.text);
}

/* ---- both buckets as one list ----------------------------------------------------------------------------------- */

/* The smaller of the two next keys; empty at the end of what is known for certain. */
static struct dm_str next_key(const struct page *a, const struct page *b, uint32_t *at_a, uint32_t *at_b)
{
    bool some_a = *at_a < a->count, some_b = *at_b < b->count;
    /* Behind the last key of a list that goes on others may come. */
    if ((!some_a && a->truncated) || (!some_b && b->truncated) || (!some_a && !some_b))
        return DM_STR("");
    bool take_a = some_a && (!some_b || dm_str_compare(a->keys[*at_a], b->keys[*at_b]) < 0);
    return take_a ? a->keys[(*at_a)++] : b->keys[(*at_b)++];
}

static enum dm_code merge(const struct page *a, const struct page *b, uint32_t max, struct dm_arena *arena,
                          struct dm_blob_list *ret, struct dm_err *err)
{
    struct dm_str *keys = dm_arena_array(arena, max, sizeof(*keys));
    if (!keys)
        return dm_arena_fail(arena, "a list of objects", err);
    uint32_t count = 0, at_a = 0, at_b = 0;
    while (count < max) {
        struct dm_str key = next_key(a, b, &at_a, &at_b);
        if (key.len == 0)
            break;
        keys[count++] = key;
    }
    *ret = (struct dm_blob_list){ .keys = keys,
                                  .count = count,
                                  .more = at_a < a->count || at_b < b->count || a->truncated || b->truncated };
    return DM_OK;
}

enum dm_code dm_s3_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                        uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    struct page blobs = { .count = 0 }, results = { .count = 0 };
    if (max > PAGE_KEYS)
        max = PAGE_KEYS;
    enum dm_code rc = list_page(s3, s3->bucket, tenant, prefix, after, max, arena, &blobs, err);
    if (rc == DM_OK && strcmp(s3->bucket, s3->results_bucket) != 0)
        rc = list_page(s3, s3->results_bucket, tenant, prefix, after, max, arena, &results, err);
    return rc == DM_OK ? merge(&blobs, &results, max, arena, ret, err) : rc;
}

/* ---- removing --------------------------------------------------------------------------------------------------- */

enum dm_code dm_s3_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    DM_AUTO(dm_s3_object) object = { .path = dm_buf_make(0) };
    enum dm_code rc = dm_s3_object_find(s3, tenant, key, &object, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_aws_operation operation = {
        .name = "DeleteObject", .method = "DELETE", .bucket = object.bucket, .path = dm_buf_str(&object.path)
    };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    struct dm_err why = { .code = DM_OK };
    rc = dm_s3_call(s3, &operation, &answer, &why);
    return rc == DM_OK || rc == DM_NOT_FOUND ? DM_OK : dm_fail(err, rc, "%s", why.text);
}

/* The first key that could not be removed, and why. */
static enum dm_code take_failure(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct dm_buf *failure = context;
    if (failure->len == 0 && dm_str_eq(path, DM_STR("DeleteResult/Error/Code")))
        dm_buf_add(failure, text.len > 0 ? dm_str_cut(text, 0, DM_AWS_CODE_MAX) : DM_STR("an error"));
    return DM_OK;
}

static void write_removal(const struct dm_s3 *s3, const struct dm_tenant *tenant, const struct page *page,
                          struct dm_buf *body)
{
    DM_AUTO(dm_buf) key = dm_buf_make(DM_S3_PATH_MAX);
    dm_buf_add_z(body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (uint32_t i = 0; i < page->count; i++) {
        dm_buf_clear(&key);
        dm_s3_add_key(s3, tenant, page->keys[i], &key);
        dm_buf_add_z(body, "<Object><Key>");
        dm_aws_xml_add_text(body, dm_buf_str(&key));
        dm_buf_add_z(body, "</Key></Object>");
    }
    dm_buf_add_z(body, "<Quiet>true</Quiet></Delete>");
}

static enum dm_code remove_page(const struct dm_s3 *s3, const char *bucket, const struct dm_tenant *tenant,
                                const struct page *page, struct dm_err *err)
{
    struct dm_s3_checksum checksum;
    DM_AUTO(dm_buf) body = dm_buf_make(DELETE_MAX);
    DM_AUTO(dm_buf) failure = dm_buf_make(DM_AWS_CODE_MAX + 1);
    write_removal(s3, tenant, page, &body);
    enum dm_code rc = dm_buf_check(&body, "a removal of objects", err);
    if (rc == DM_OK)
        rc = dm_s3_checksum_of(dm_buf_str(&body), &checksum, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_http_pair headers[] = { { DM_STR("Content-Type"), DM_STR("application/xml") },
                                            { DM_STR("x-amz-checksum-sha256"), dm_str_z(checksum.base64) } };
    const struct dm_aws_operation operation = { .name = "DeleteObjects",
                                                .permission = "s3:DeleteObject",
                                                .bucket = dm_str_z(bucket),
                                                .query = DM_STR("delete="),
                                                .headers = headers,
                                                .header_count = DM_COUNT(headers),
                                                .body = dm_buf_str(&body),
                                                .body_sha256 = dm_str_z(checksum.hex) };
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    rc = dm_s3_call(s3, &operation, &answer, err);
    struct dm_err why = { .code = DM_OK };
    if (rc == DM_OK && dm_aws_xml_read(dm_buf_str(&answer.http.body), "the answer", take_failure, &failure, &why))
        rc = dm_fail(err, DM_UNAVAILABLE, "S3 DeleteObjects: %s", why.text);
    if (rc == DM_OK && failure.len > 0)
        rc = dm_fail(err, DM_UNAVAILABLE, "S3 DeleteObjects: %s for some of %u objects (it needs s3:DeleteObject)",
                     dm_buf_z(&failure), page->count);
    return rc;
}

static enum dm_code remove_all_of(const struct dm_s3 *s3, const char *bucket, const struct dm_tenant *tenant,
                                  struct dm_str prefix, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    for (bool more = true; more && rc == DM_OK;) {
        struct page page = { .count = 0 };
        struct dm_arena arena = dm_arena_make(ARENA_MAX);
        rc = list_page(s3, bucket, tenant, prefix, DM_STR(""), PAGE_KEYS, &arena, &page, err);
        more = page.truncated;
        if (rc == DM_OK && page.count > 0)
            rc = remove_page(s3, bucket, tenant, &page, err);
        dm_arena_free(&arena);
    }
    return rc;
}

enum dm_code dm_s3_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    enum dm_code rc = remove_all_of(s3, s3->bucket, tenant, prefix, err);
    if (rc == DM_OK && strcmp(s3->bucket, s3->results_bucket) != 0)
        rc = remove_all_of(s3, s3->results_bucket, tenant, prefix, err);
    return rc;
}

/* ---- is all well? ----------------------------------------------------------------------------------------------- */

/* Listing needs the bucket, its region, credentials and a permission, and costs next to nothing. */
enum dm_code dm_s3_check(void *self, struct dm_err *err)
{
    const struct dm_s3 *s3 = self;
    const char *const buckets[] = { s3->bucket, s3->results_bucket };
    enum dm_code rc = DM_OK;
    for (size_t i = 0; i < DM_COUNT(buckets) && rc == DM_OK; i++) {
        if (i > 0 && strcmp(buckets[0], buckets[1]) == 0)
            break;
        const struct dm_aws_operation operation = { .service = DM_AWS_S3,
                                                    .name = "ListObjectsV2",
                                                    .permission = "s3:ListBucket",
                                                    .method = "GET",
                                                    .bucket = dm_str_z(buckets[i]),
                                                    .query = DM_STR("list-type=2&max-keys=1&prefix=.check%2F") };
        DM_AUTO(dm_aws_answer) answer = { .status = 0 };
        rc = dm_aws_call(s3->aws, &operation, dm_mono_ms(s3->runtime) + CHECK_MS, &answer, err);
    }
    return rc;
}
