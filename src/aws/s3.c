/* s3.c: S3 as blob port: where objects are, and what all of its calls share. */
#include "aws/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/encode.h"

enum {
    ATTEMPT_MS = 10 * DM_SECOND_MS, /* and what the bytes take over a slow line */
    SLOW_BYTES_PER_MS = 64,
    ATTEMPTS = 3,
    PREFIX_MAX = 512,
    PATH_BYTES_MAX = 4096
};

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static enum dm_code check_options(const struct dm_s3_options *options, struct dm_err *err)
{
    struct dm_str encryption = options->encryption, prefix = options->prefix;
    const struct dm_str buckets[] = { options->bucket, options->results_bucket };
    for (size_t i = 0; i < DM_COUNT(buckets); i++) {
        if ((i == 0 || buckets[i].len > 0) && !dm_s3_bucket_valid(buckets[i]))
            return dm_fail(err, DM_INVALID, "\"%.*s\" is no name of a bucket: 3 to 63 small letters, digits, - and .",
                           DM_STR_ARG(dm_str_cut(buckets[i], 0, 80)));
    }
    if (prefix.len > PREFIX_MAX || (prefix.len > 0 && !dm_str_ends(prefix, DM_STR("/"))) ||
        dm_str_starts(prefix, DM_STR("/")) || dm_str_find(prefix, DM_STR("//")) < prefix.len || !dm_str_is_utf8(prefix))
        return dm_fail(err, DM_INVALID, "the prefix of S3's keys must be like \"docmill/\", of at most %d bytes",
                       PREFIX_MAX);
    if (encryption.len > 0 && !dm_str_eq(encryption, DM_STR("AES256")) && !dm_str_eq(encryption, DM_STR("aws:kms")))
        return dm_fail(err, DM_INVALID, "the encryption of S3's objects is AES256 or aws:kms, or left to the bucket");
    if (options->kms_key.len > 0 && !dm_str_eq(encryption, DM_STR("aws:kms")))
        return dm_fail(err, DM_INVALID, "a KMS key encrypts S3's objects where the encryption is aws:kms alone");
    return DM_OK;
}

enum dm_code dm_s3_open(const struct dm_s3_options *options, struct dm_s3 **ret, struct dm_err *err)
{
    enum dm_code rc = check_options(options, err);
    if (rc != DM_OK)
        return rc;
    struct dm_s3 *s3 = dm_alloc_zero(1, sizeof(*s3));
    if (!s3)
        return dm_fail_memory(err);
    struct dm_str folder = dm_str_z(options->temporary_folder ? options->temporary_folder : "/tmp");
    *s3 = (struct dm_s3){ .aws = options->aws,
                          .runtime = dm_aws_runtime(options->aws),
                          .bucket = dm_str_dup_z(options->bucket),
                          .results_bucket =
                              dm_str_dup_z(options->results_bucket.len > 0 ? options->results_bucket : options->bucket),
                          .prefix = dm_str_dup_z(options->prefix),
                          .encryption = dm_str_dup_z(options->encryption),
                          .kms_key = dm_str_dup_z(options->kms_key),
                          .folder = dm_str_dup_z(folder) };
    if (!s3->bucket || !s3->results_bucket || !s3->prefix || !s3->encryption || !s3->kms_key || !s3->folder) {
        dm_s3_close(s3);
        return dm_fail_memory(err);
    }
    int fd = -1;
    rc = dm_s3_temporary(s3, &fd, err);
    dm_blob_close(fd);
    if (rc == DM_OK)
        *ret = s3;
    else
        dm_s3_close(s3);
    return rc;
}

void dm_s3_close(struct dm_s3 *s3)
{
    if (!s3)
        return;
    char *texts[] = { s3->bucket, s3->results_bucket, s3->prefix, s3->encryption, s3->kms_key, s3->folder };
    for (size_t i = 0; i < DM_COUNT(texts); i++)
        dm_free(texts[i]);
    dm_free(s3);
}

struct dm_blob dm_s3_blob(struct dm_s3 *s3)
{
    static const struct dm_blob_ops ops = { .name = "s3",
                                            .create = dm_s3_sink_create,
                                            .write = dm_s3_sink_write,
                                            .finish = dm_s3_sink_finish,
                                            .abandon = dm_s3_sink_abandon,
                                            .put_new = dm_s3_put_new,
                                            .get = dm_s3_get,
                                            .open = dm_s3_open_copy,
                                            .remove = dm_s3_remove,
                                            .remove_all = dm_s3_remove_all,
                                            .list = dm_s3_list,
                                            .check = dm_s3_check };
    return (struct dm_blob){ .ops = &ops, .self = s3 };
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

void dm_s3_object_free(struct dm_s3_object *object)
{
    dm_buf_free(&object->path);
}

void dm_s3_add_key(const struct dm_s3 *s3, const struct dm_tenant *tenant, struct dm_str key, struct dm_buf *ret)
{
    dm_buf_add_z(ret, s3->prefix);
    dm_buf_add_z(ret, tenant->id);
    dm_buf_add_char(ret, '/');
    dm_buf_add(ret, key);
}

/* "{fileId}/results-…": results have a bucket of their own, for those who may read them and nothing else. */
static bool is_result(struct dm_str key)
{
    return dm_str_starts(dm_str_from(key, dm_str_find_char(key, '/')), DM_STR("/results-"));
}

enum dm_code dm_s3_object_find(const struct dm_s3 *s3, const struct dm_tenant *tenant, struct dm_str key,
                               struct dm_s3_object *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(DM_S3_PATH_MAX);
    struct dm_s3_object object = { .bucket = dm_str_z(is_result(key) ? s3->results_bucket : s3->bucket),
                                   .path = dm_buf_make(DM_S3_PATH_MAX) };
    dm_s3_add_key(s3, tenant, key, &plain);
    dm_buf_add_char(&object.path, '/');
    dm_buf_add_percent(&object.path, dm_buf_str(&plain), true);
    enum dm_code rc = dm_buf_check(plain.failed ? &plain : &object.path, "the key of an object", err);
    if (rc == DM_OK)
        *ret = object;
    else
        dm_s3_object_free(&object);
    return rc;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

enum dm_code dm_s3_port_code(const struct dm_aws_answer *answer, enum dm_code code)
{
    if (strcmp(answer->code, "InvalidObjectState") == 0)
        return DM_ARCHIVED;
    if (code == DM_NOT_FOUND)
        return strcmp(answer->code, "NoSuchKey") == 0 ? DM_NOT_FOUND : DM_UNAVAILABLE;
    switch (code) {
    case DM_OK:
    case DM_NO_MEMORY:
    case DM_THROTTLED:
    case DM_TIMEOUT:
    case DM_CANCELLED:
    case DM_TOO_LARGE:
    case DM_CONFLICT:
        return code;
    default:
        return DM_UNAVAILABLE;
    }
}

enum dm_code dm_s3_call(const struct dm_s3 *s3, const struct dm_aws_operation *operation, struct dm_aws_answer *ret,
                        struct dm_err *err)
{
    struct dm_aws_operation timed = *operation;
    timed.service = DM_AWS_S3;
    size_t bytes = timed.body.len > timed.answer_max ? timed.body.len : timed.answer_max;
    timed.attempt_ms = ATTEMPT_MS + (int64_t)(bytes / SLOW_BYTES_PER_MS);
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = dm_aws_call(s3->aws, &timed, dm_mono_ms(s3->runtime) + ATTEMPTS * timed.attempt_ms, ret, &why);
    if (rc == DM_OK)
        return DM_OK;
    rc = dm_fail(err, dm_s3_port_code(ret, rc), "%s", why.text);
    if (err)
        err->retry_after_ms = why.retry_after_ms;
    return rc;
}

void dm_s3_add_header(struct dm_s3_headers *headers, const char *name, struct dm_str value)
{
    if (value.len > 0 && headers->count < DM_S3_HEADERS_MAX)
        headers->pairs[headers->count++] = (struct dm_http_pair){ dm_str_z(name), value };
}

void dm_s3_add_creation(const struct dm_s3 *s3, struct dm_str token, struct dm_s3_headers *headers)
{
    bool by_kms = strcmp(s3->encryption, "aws:kms") == 0;
    dm_s3_add_header(headers, "x-amz-meta-docmill-write", token);
    dm_s3_add_header(headers, "x-amz-server-side-encryption", dm_str_z(s3->encryption));
    dm_s3_add_header(headers, "x-amz-server-side-encryption-aws-kms-key-id", dm_str_z(s3->kms_key));
    /* One data key for many objects: KMS is asked, and paid, once for them. */
    dm_s3_add_header(headers, "x-amz-server-side-encryption-bucket-key-enabled", by_kms ? DM_STR("true") : DM_STR(""));
}

static enum dm_code look_at(const struct dm_s3 *s3, const struct dm_s3_object *object, const char *method,
                            struct dm_aws_answer *ret, struct dm_err *err)
{
    static const struct dm_http_pair range = { DM_STR_INIT("Range"), DM_STR_INIT("bytes=0-0") };
    const struct dm_aws_operation operation = { .name = "GetObject",
                                                .method = method,
                                                .bucket = object->bucket,
                                                .path = dm_buf_str(&object->path),
                                                .headers = &range,
                                                .header_count = strcmp(method, "GET") == 0 };
    return dm_s3_call(s3, &operation, ret, err);
}

/* By a GET of one byte: the error to a HEAD has no body, which would say whether the bucket or the key is missing. Only an empty object,
 * which has no such byte, is looked at by a HEAD. */
enum dm_code dm_s3_is_marked(const struct dm_s3 *s3, const struct dm_s3_object *object, struct dm_str token, bool *ret,
                             struct dm_err *err)
{
    DM_AUTO(dm_aws_answer) answer = { .status = 0 };
    enum dm_code rc = look_at(s3, object, "GET", &answer, err);
    if (rc != DM_OK && answer.status == 416) {
        dm_aws_answer_free(&answer);
        rc = look_at(s3, object, "HEAD", &answer, err);
    }
    if (rc == DM_OK)
        *ret = dm_str_eq(dm_http_answer_header(&answer.http, DM_STR("x-amz-meta-docmill-write")), token);
    return rc;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

void dm_s3_checksum_from(const unsigned char hash[32], struct dm_s3_checksum *ret)
{
    DM_AUTO(dm_buf) text = dm_buf_make(sizeof(ret->base64) - 1);
    dm_buf_add_base64(&text, dm_str_of(hash, 32));
    dm_hex_text(hash, 32, ret->hex);
    (void)snprintf(ret->base64, sizeof(ret->base64), "%s", dm_buf_z(&text));
}

enum dm_code dm_s3_checksum_of(struct dm_str bytes, struct dm_s3_checksum *ret, struct dm_err *err)
{
    unsigned char hash[32];
    if (EVP_Digest(bytes.len ? bytes.at : "", bytes.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return dm_fail(err, DM_INTERNAL, "OpenSSL does not hash");
    dm_s3_checksum_from(hash, ret);
    return ret->base64[0] ? DM_OK : dm_fail_memory(err);
}

enum dm_code dm_s3_temporary(const struct dm_s3 *s3, int *ret_fd, struct dm_err *err)
{
    int fd = open(s3->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        DM_AUTO(dm_buf) path = dm_buf_make(PATH_BYTES_MAX);
        dm_buf_addf(&path, "%s/docmill-XXXXXX", s3->folder);
        if (!path.at || path.failed)
            return dm_buf_check(&path, "the path of a temporary file", err);
        fd = mkostemp(path.at, O_CLOEXEC);
        if (fd >= 0)
            (void)unlink(path.at);
    }
    if (fd < 0)
        return dm_fail_errno(err, errno, "no temporary file can be made in %.150s", s3->folder);
    *ret_fd = fd;
    return DM_OK;
}

/* ---- several at once -------------------------------------------------------------------------------------------- */

struct parallel {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    uint32_t count, next;
    dm_s3_part *part;
    void *context;
    enum dm_code failed;
    struct dm_err why;
};

static bool take_number(struct parallel *parallel, uint32_t *ret)
{
    dm_lock(parallel->runtime, parallel->monitor);
    bool some = parallel->failed == DM_OK && parallel->next < parallel->count;
    if (some)
        *ret = parallel->next++;
    dm_unlock(parallel->runtime, parallel->monitor);
    return some;
}

static void run_parts(void *argument)
{
    struct parallel *parallel = argument;
    for (uint32_t number; take_number(parallel, &number);) {
        struct dm_err why = { .code = DM_OK };
        enum dm_code rc = parallel->part(parallel->context, number, &why);
        dm_lock(parallel->runtime, parallel->monitor);
        if (rc != DM_OK && parallel->failed == DM_OK) {
            parallel->failed = rc;
            parallel->why = why;
        }
        dm_unlock(parallel->runtime, parallel->monitor);
    }
}

enum dm_code dm_s3_in_parallel(const struct dm_s3 *s3, uint32_t count, dm_s3_part *part, void *context,
                               struct dm_err *err)
{
    struct parallel parallel = { .runtime = s3->runtime, .count = count, .part = part, .context = context };
    struct dm_task *tasks[DM_S3_PARTS_AT_ONCE - 1];
    uint32_t started = 0;
    enum dm_code rc = dm_monitor_make(s3->runtime, &parallel.monitor, err);
    if (rc != DM_OK)
        return rc;
    /* This task is one of them, so that it goes on, if slower, where no other can be had. */
    while (started < DM_COUNT(tasks) && started + 1 < count &&
           dm_spawn(s3->runtime, "s3-part", run_parts, &parallel, &tasks[started], NULL) == DM_OK)
        started++;
    run_parts(&parallel);
    while (started > 0)
        dm_join(s3->runtime, tasks[--started]);
    dm_monitor_free(s3->runtime, parallel.monitor);
    return parallel.failed == DM_OK ? DM_OK : dm_fail(err, parallel.failed, "%s", parallel.why.text);
}
