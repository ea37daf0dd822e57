/* sign.c: Signature Version 4, in headers and in URLs. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "aws/canonical.h"
#include "base/calendar.h"
#include "base/encode.h"

enum { HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1, CANONICAL_MAX = 256 * 1024, NAMES_MAX = 4096, DATE_CHARS = 8 };

static bool hash_text(struct dm_str bytes, char text[HASH_TEXT])
{
    unsigned char hash[HASH_BYTES];
    if (EVP_Digest(bytes.len ? bytes.at : "", bytes.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    dm_hex_text(hash, sizeof(hash), text);
    return true;
}

/* `key` may be where the result goes. */
static bool keyed_hash(const void *key, size_t key_size, struct dm_str bytes, unsigned char ret[HASH_BYTES])
{
    return HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)bytes.at, bytes.len, ret, NULL) != NULL;
}

/* "2026-01-02T03:04:05.678Z" without what stands between the digits, and without the fraction. */
static void compact_time(int64_t wall_ms, char ret[17])
{
    char text[DM_TIME_TEXT];
    struct dm_str time = dm_time_text(wall_ms, text);
    size_t len = 0;
    for (size_t i = 0; i < time.len && time.at[i] != '.'; i++) {
        if (time.at[i] != '-' && time.at[i] != ':' && time.at[i] != 'Z')
            ret[len++] = time.at[i];
    }
    ret[len++] = 'Z';
    ret[len] = '\0';
}

/* The key of a day, a region and a service; whoever has it cannot sign for another. */
static enum dm_code derive_key(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                               struct dm_str date, unsigned char ret[HASH_BYTES], struct dm_err *err)
{
    DM_AUTO(dm_secret) first = { NULL };
    enum dm_code rc = dm_secret_prefixed(DM_STR("AWS4"), &credentials->key, &first, err);
    if (rc != DM_OK)
        return rc;
    struct dm_str key = dm_secret_reveal(&first);
    bool ok = keyed_hash(key.at, key.len, date, ret) && keyed_hash(ret, HASH_BYTES, request->region, ret) &&
              keyed_hash(ret, HASH_BYTES, request->service, ret) &&
              keyed_hash(ret, HASH_BYTES, DM_STR("aws4_request"), ret);
    return ok ? DM_OK : dm_fail(err, DM_INTERNAL, "OpenSSL does not hash");
}

/* The headers that the signature brings; Host comes last, because libcurl sends that one itself. */
static uint32_t bring_headers(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                              const struct dm_aws_signature *signature, struct dm_http_pair *ret)
{
    uint32_t count = 0;
    ret[count++] = (struct dm_http_pair){ DM_STR("X-Amz-Date"), dm_str_z(signature->time) };
    if (dm_secret_is_set(&credentials->session))
        ret[count++] = (struct dm_http_pair){ DM_STR("X-Amz-Security-Token"), dm_secret_reveal(&credentials->session) };
    if (dm_str_eq(request->service, DM_STR("s3")))
        ret[count++] = (struct dm_http_pair){ DM_STR("X-Amz-Content-Sha256"), dm_str_z(signature->body_sha256) };
    ret[count++] = (struct dm_http_pair){ DM_STR("Host"), request->host };
    return count;
}

/* "20260102/eu-central-1/s3/aws4_request": what a key is for. */
static void add_scope(const struct dm_aws_request *request, const char *time, struct dm_buf *ret)
{
    dm_buf_addf(ret, "%.*s/%.*s/%.*s/aws4_request", DATE_CHARS, time, DM_STR_ARG(request->region),
                DM_STR_ARG(request->service));
}

/* The signature itself, over a canonical request. */
static enum dm_code sign_canonical(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                                   const char *time, struct dm_str canonical, char ret[HASH_TEXT], struct dm_err *err)
{
    char hash[HASH_TEXT];
    unsigned char key[HASH_BYTES], signed_bytes[HASH_BYTES];
    DM_AUTO(dm_buf) to_sign = dm_buf_make(NAMES_MAX);
    if (!hash_text(canonical, hash))
        return dm_fail(err, DM_INTERNAL, "OpenSSL does not hash");
    dm_buf_addf(&to_sign, "AWS4-HMAC-SHA256\n%s\n", time);
    add_scope(request, time, &to_sign);
    dm_buf_addf(&to_sign, "\n%s", hash);
    enum dm_code rc = dm_buf_check(&to_sign, "what is said of region and service", err);
    if (rc == DM_OK)
        rc = derive_key(request, credentials, dm_str_of(time, DATE_CHARS), key, err);
    if (rc == DM_OK && !keyed_hash(key, sizeof(key), dm_buf_str(&to_sign), signed_bytes))
        rc = dm_fail(err, DM_INTERNAL, "OpenSSL does not hash");
    dm_wipe(key, sizeof(key));
    if (rc == DM_OK)
        dm_hex_text(signed_bytes, sizeof(signed_bytes), ret);
    return rc;
}

static enum dm_code write_authorization(const struct dm_aws_request *request,
                                        const struct dm_aws_credentials *credentials, struct dm_str canonical,
                                        struct dm_str names, struct dm_aws_signature *signature, struct dm_err *err)
{
    char hash[HASH_TEXT];
    struct dm_buf *header = &signature->authorization;
    enum dm_code rc = sign_canonical(request, credentials, signature->time, canonical, hash, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_addf(header, "AWS4-HMAC-SHA256 Credential=%.*s/", DM_STR_ARG(dm_secret_reveal(&credentials->key_id)));
    add_scope(request, signature->time, header);
    dm_buf_addf(header, ", SignedHeaders=%.*s, Signature=%s", DM_STR_ARG(names), hash);
    return dm_buf_check(header, "the signature of the request", err);
}

/* Fills all of `*signature` but its list of headers. */
static enum dm_code sign(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                         struct dm_aws_signature *signature, struct dm_buf *canonical, struct dm_err *err)
{
    if (!request->body_sha256.len && !hash_text(request->body, signature->body_sha256))
        return dm_fail(err, DM_INTERNAL, "OpenSSL does not hash");
    if (request->body_sha256.len >= sizeof(signature->body_sha256))
        return dm_fail(err, DM_INVALID, "the hash of a body has 64 hexadecimal digits");
    if (request->body_sha256.len)
        (void)snprintf(signature->body_sha256, sizeof(signature->body_sha256), "%.*s",
                       DM_STR_ARG(request->body_sha256));
    struct dm_http_pair brought[DM_AWS_HEADERS_MAX];
    uint32_t count = bring_headers(request, credentials, signature, brought);
    DM_AUTO(dm_buf) names = dm_buf_make(NAMES_MAX);
    enum dm_code rc =
        dm_aws_canonical(request, brought, count, dm_str_z(signature->body_sha256), canonical, &names, err);
    return rc == DM_OK
               ? write_authorization(request, credentials, dm_buf_str(canonical), dm_buf_str(&names), signature, err)
               : rc;
}

enum dm_code dm_aws_sign(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                         int64_t wall_ms, struct dm_aws_signature *ret, struct dm_err *err)
{
    struct dm_aws_signature signature = { .authorization = dm_buf_make(2 * NAMES_MAX) };
    compact_time(wall_ms, signature.time);
    struct dm_buf canonical = dm_buf_make(CANONICAL_MAX);
    enum dm_code rc = sign(request, credentials, &signature, &canonical, err);
    dm_buf_wipe(&canonical); /* the session token stands in it */
    if (rc != DM_OK) {
        dm_aws_signature_free(&signature);
        return rc;
    }
    *ret = signature;
    ret->header_count = bring_headers(request, credentials, ret, ret->headers);
    ret->headers[ret->header_count - 1] =
        (struct dm_http_pair){ DM_STR("Authorization"), dm_buf_str(&ret->authorization) };
    return DM_OK;
}

void dm_aws_signature_free(struct dm_aws_signature *signature)
{
    dm_buf_free(&signature->authorization);
    signature->header_count = 0;
}

/* ---- in URLs ---------------------------------------------------------------------------------------------------- */

/* How long the URL holds; 0: it would not. */
static uint32_t seconds_of(const struct dm_aws_credentials *credentials, int64_t wall_ms, uint32_t seconds)
{
    int64_t left = (credentials->expires_wall_ms - wall_ms) / DM_SECOND_MS;
    if (credentials->expires_wall_ms == 0 || left >= seconds)
        return seconds;
    return left > 0 ? (uint32_t)left : 0;
}

static void add_parameter(struct dm_buf *query, const char *name, struct dm_str value)
{
    if (query->len > 0)
        dm_buf_add_char(query, '&');
    dm_buf_add_z(query, name);
    dm_buf_add_char(query, '=');
    dm_buf_add_percent(query, value, false);
}

/* All that is signed in the query: everything but the signature. */
static enum dm_code write_query(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                                const char *time, uint32_t seconds, struct dm_str names, struct dm_buf *ret,
                                struct dm_err *err)
{
    char number[16];
    DM_AUTO(dm_buf) credential = dm_buf_make(NAMES_MAX);
    dm_buf_addf(&credential, "%.*s/", DM_STR_ARG(dm_secret_reveal(&credentials->key_id)));
    add_scope(request, time, &credential);
    (void)snprintf(number, sizeof(number), "%u", seconds);
    dm_buf_add(ret, request->query);
    add_parameter(ret, "X-Amz-Algorithm", DM_STR("AWS4-HMAC-SHA256"));
    add_parameter(ret, "X-Amz-Credential", dm_buf_str(&credential));
    add_parameter(ret, "X-Amz-Date", dm_str_z(time));
    add_parameter(ret, "X-Amz-Expires", dm_str_z(number));
    if (dm_secret_is_set(&credentials->session))
        add_parameter(ret, "X-Amz-Security-Token", dm_secret_reveal(&credentials->session));
    add_parameter(ret, "X-Amz-SignedHeaders", names);
    return dm_buf_check(credential.failed ? &credential : ret, "the query of a signed URL", err);
}

enum dm_code dm_aws_presign(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                            int64_t wall_ms, uint32_t seconds, struct dm_buf *ret, int64_t *ret_expires_wall_ms,
                            struct dm_err *err)
{
    if (!dm_str_eq(request->service, DM_STR("s3")) || seconds == 0 || seconds > DM_AWS_PRESIGNED_SECONDS_MAX)
        return dm_fail(err, DM_INVALID, "a signed URL is for S3, and holds for 1 to %d seconds",
                       DM_AWS_PRESIGNED_SECONDS_MAX);
    seconds = seconds_of(credentials, wall_ms, seconds);
    if (seconds == 0)
        return dm_fail(err, DM_DENIED, "the AWS credentials have run out");
    static const struct dm_str unsigned_body = DM_STR_INIT("UNSIGNED-PAYLOAD");
    const struct dm_http_pair host = { DM_STR("Host"), request->host };
    char time[17], hash[HASH_TEXT];
    compact_time(wall_ms, time);
    DM_AUTO(dm_buf) names = dm_buf_make(NAMES_MAX);
    DM_AUTO(dm_buf) again = dm_buf_make(NAMES_MAX);
    struct dm_buf query = dm_buf_make(CANONICAL_MAX), canonical = dm_buf_make(CANONICAL_MAX);
    /* Which headers are signed is itself a part of what is signed, so the request is written twice. */
    enum dm_code rc = dm_aws_canonical(request, &host, 1, unsigned_body, &canonical, &names, err);
    if (rc == DM_OK)
        rc = write_query(request, credentials, time, seconds, dm_buf_str(&names), &query, err);
    struct dm_aws_request whole = *request;
    whole.query = dm_buf_str(&query);
    dm_buf_clear(&canonical);
    if (rc == DM_OK)
        rc = dm_aws_canonical(&whole, &host, 1, unsigned_body, &canonical, &again, err);
    if (rc == DM_OK)
        rc = sign_canonical(request, credentials, time, dm_buf_str(&canonical), hash, err);
    if (rc == DM_OK) {
        dm_buf_add(ret, dm_buf_str(&query));
        dm_buf_addf(ret, "&X-Amz-Signature=%s", hash);
        rc = dm_buf_check(ret, "the query of a signed URL", err);
    }
    if (rc == DM_OK)
        *ret_expires_wall_ms = wall_ms + (int64_t)seconds * DM_SECOND_MS;
    dm_buf_wipe(&query);
    dm_buf_wipe(&canonical);
    return rc;
}
