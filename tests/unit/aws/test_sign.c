/* test_sign.c: signatures that botocore made of the same requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aws/aws.h"

static const int64_t now_ms = 1767323045000; /* 2026-01-02T03:04:05Z */

struct rig {
    struct dm_aws_credentials credentials;
    struct dm_aws_request request;
    struct dm_aws_signature signature;
    struct dm_err err;
};

static void rig_make(struct rig *rig, const char *session)
{
    *rig = (struct rig){ .request = { .region = DM_STR("us-east-1") } };
    struct dm_aws_credentials *made = &rig->credentials;
    assert_int_equal(dm_secret_make(DM_STR("AKIAIOSFODNN7EXAMPLE"), "", &made->key_id, NULL), DM_OK);
    assert_int_equal(dm_secret_make(DM_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "", &made->key, NULL), DM_OK);
    assert_int_equal(dm_secret_make(dm_str_z(session), "", &made->session, NULL), DM_OK);
}

static void rig_free(struct rig *rig)
{
    dm_aws_credentials_free(&rig->credentials);
    dm_aws_signature_free(&rig->signature);
}

static const char *const token = "FwoGZXIvYXdzEXAMPLE/token+with==chars";

static struct dm_str brought(const struct rig *rig, const char *name)
{
    for (uint32_t i = 0; i < rig->signature.header_count; i++) {
        if (dm_str_eq(rig->signature.headers[i].name, dm_str_z(name)))
            return rig->signature.headers[i].value;
    }
    return DM_STR("");
}

static void assert_text(struct dm_str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.at, expected, text.len);
}

/* Signs and compares all of the Authorization header. */
static void assert_signed(struct rig *rig, const char *names, const char *signature)
{
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-east-1/%.*s/aws4_request, "
                   "SignedHeaders=%s, Signature=%s",
                   DM_STR_ARG(rig->request.service), names, signature);
    assert_int_equal(dm_aws_sign(&rig->request, &rig->credentials, now_ms, &rig->signature, &rig->err), DM_OK);
    assert_text(brought(rig, "Authorization"), expected);
    assert_text(brought(rig, "X-Amz-Date"), "20260102T030405Z");
}

static void bucket_request(struct rig *rig, struct dm_str method, struct dm_str path)
{
    rig->request.service = DM_STR("s3");
    rig->request.host = DM_STR("docmill-blobs.s3.us-east-1.amazonaws.com");
    rig->request.method = method;
    rig->request.path = path;
}

static void a_path_of_s3_is_signed_as_it_is_on_the_wire(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    bucket_request(&rig, DM_STR("GET"), DM_STR("/acme/f1/a%20b%2Bc%281%29~%C3%A9%3D.pdf"));
    struct dm_http_pair range = { DM_STR("Range"), DM_STR("bytes=0-1023") };
    rig.request.headers = &range;
    rig.request.header_count = 1;
    assert_signed(&rig, "host;range;x-amz-content-sha256;x-amz-date",
                  "3d74e19f2156119607c366e87ad2a4aaa1eb1c4585b9489485f69ea41be6c493");
    assert_text(brought(&rig, "X-Amz-Content-Sha256"),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(brought(&rig, "X-Amz-Security-Token").len, 0);
    assert_int_equal(brought(&rig, "Host").len, 0); /* that one the client sends */
    rig_free(&rig);
}

static void a_query_is_signed_in_order_and_encoded_anew(void **state)
{
    (void)state;
    static const struct dm_str queries[] = {
        DM_STR_INIT("delimiter=%2F&list-type=2&max-keys=2&prefix=acme%2Ff1%2F"),
        DM_STR_INIT("prefix=acme/f1/&max-keys=2&list-type=2&delimiter=/"),
        DM_STR_INIT("&list%2dtype=2&prefix=acme%2ff1%2f&delimiter=%2f&&max-keys=%32"),
    };
    for (size_t i = 0; i < DM_COUNT(queries); i++) {
        struct rig rig;
        rig_make(&rig, "");
        bucket_request(&rig, DM_STR("GET"), DM_STR(""));
        rig.request.query = queries[i];
        assert_signed(&rig, "host;x-amz-content-sha256;x-amz-date",
                      "8b57b86caebc7339ad9cb287a2b4a6be2bb1c3aa3ccf916c61f3f3551f582c69");
        rig_free(&rig);
    }
}

static void a_session_token_is_sent_and_signed(void **state)
{
    (void)state;
    static const struct dm_http_pair headers[] = { { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/json") },
                                                   { DM_STR_INIT("If-None-Match"), DM_STR_INIT("*") } };
    static const struct {
        struct dm_str body_sha256;
        const char *signature;
    } cases[] = {
        { DM_STR_INIT(""), "99ab5dca375f7462fe11e586457238cb1431be068506fc78059de3ab4b600447" },
        { DM_STR_INIT("a8b61168a4fa940d0ada12329766eb8cc3edf448b2b9dd1926dd2e6a52c16a5e"),
          "99ab5dca375f7462fe11e586457238cb1431be068506fc78059de3ab4b600447" },
        { DM_STR_INIT("UNSIGNED-PAYLOAD"), "8a26fdd0535306723d9fc6c55bbc0367011ca962a432ec4b54dd8a53830ecf87" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct rig rig;
        rig_make(&rig, token);
        bucket_request(&rig, DM_STR("PUT"), DM_STR("/acme/f1/status.json"));
        rig.request.headers = headers;
        rig.request.header_count = DM_COUNT(headers);
        rig.request.body = DM_STR("{\"status\":\"uploaded\"}");
        rig.request.body_sha256 = cases[i].body_sha256;
        assert_signed(&rig, "content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token",
                      cases[i].signature);
        assert_text(brought(&rig, "X-Amz-Security-Token"), token);
        rig_free(&rig);
    }
}

static void other_services_than_s3_get_no_hash_of_the_body(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, token);
    static const struct dm_http_pair headers[] = {
        { DM_STR_INIT("X-Amz-Target"), DM_STR_INIT("DynamoDB_20120810.GetItem") },
        { DM_STR_INIT("Content-Type"), DM_STR_INIT("  application/x-amz-json-1.0 ") },
        { DM_STR_INIT("User-Agent"), DM_STR_INIT("not signed") },
    };
    rig.request = (struct dm_aws_request){
        .method = DM_STR("POST"),
        .host = DM_STR("dynamodb.us-east-1.amazonaws.com"),
        .headers = headers,
        .header_count = DM_COUNT(headers),
        .body = DM_STR("{\"TableName\":\"docmill\",\"Key\":{\"PK\":{\"S\":\"FILE#f1\"},\"SK\":{\"S\":\"METADATA\"}},"
                       "\"ConsistentRead\":true}"),
        .region = DM_STR("us-east-1"),
        .service = DM_STR("dynamodb"),
    };
    assert_signed(&rig, "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
                  "fa72839488babc45315463dd8841de455a1f5481f08633504bae343249f5f744");
    assert_int_equal(brought(&rig, "X-Amz-Content-Sha256").len, 0);
    rig_free(&rig);
}

static void other_paths_than_those_of_s3_are_resolved_and_encoded_twice(void **state)
{
    (void)state;
    static const struct dm_str paths[] = {
        DM_STR_INIT("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"),
        DM_STR_INIT("//model/./x/../us.anthropic.claude-sonnet-4-5-20250929-v1%3A0//converse"),
    };
    static const struct dm_http_pair type = { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/json") };
    for (size_t i = 0; i < DM_COUNT(paths); i++) {
        struct rig rig;
        rig_make(&rig, "");
        rig.request = (struct dm_aws_request){
            .method = DM_STR("POST"),
            .host = DM_STR("bedrock-runtime.us-east-1.amazonaws.com"),
            .path = paths[i],
            .headers = &type,
            .header_count = 1,
            .body = DM_STR("{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}"),
            .region = DM_STR("us-east-1"),
            .service = DM_STR("bedrock"),
        };
        assert_signed(&rig, "content-type;host;x-amz-date",
                      "faeaa33bbea36cba585813df376ee5bfff00a8733da5d2b2f9b02ac79bfdd134");
        rig_free(&rig);
    }
}

static void what_cannot_be_signed_is_an_error(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    bucket_request(&rig, DM_STR("GET"), DM_STR("/"));
    rig.request.query = DM_STR("a=%4");
    assert_int_equal(dm_aws_sign(&rig.request, &rig.credentials, now_ms, &rig.signature, &rig.err), DM_INVALID);
    rig.request.query = DM_STR("");
    static struct dm_http_pair many[100];
    rig.request.headers = many;
    rig.request.header_count = DM_COUNT(many);
    assert_int_equal(dm_aws_sign(&rig.request, &rig.credentials, now_ms, &rig.signature, &rig.err), DM_TOO_LARGE);
    rig.request.header_count = 0;
    char slashes[2048];
    for (size_t i = 0; i < sizeof(slashes); i++)
        slashes[i] = i % 2 ? 'a' : '/';
    rig.request.service = DM_STR("bedrock");
    rig.request.path = dm_str_of(slashes, sizeof(slashes));
    assert_int_equal(dm_aws_sign(&rig.request, &rig.credentials, now_ms, &rig.signature, &rig.err), DM_TOO_LARGE);
    rig_free(&rig);
}

static void assert_url(struct rig *rig, uint32_t seconds, const char *signature)
{
    DM_AUTO(dm_buf) query = dm_buf_make(8192);
    int64_t expires_ms = 0;
    assert_int_equal(dm_aws_presign(&rig->request, &rig->credentials, now_ms, seconds, &query, &expires_ms, &rig->err),
                     DM_OK);
    assert_int_equal(expires_ms, now_ms + (int64_t)seconds * 1000);
    struct dm_str end = dm_str_from(dm_buf_str(&query), query.len - strlen(signature));
    assert_text(end, signature);
}

static void a_url_to_get_a_result_by(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, token);
    rig.request.method = DM_STR("GET");
    rig.request.service = DM_STR("s3");
    rig.request.host = DM_STR("docmill-results.s3.us-east-1.amazonaws.com");
    rig.request.path = DM_STR("/acme/f1/result.json");
    rig.request.query = DM_STR("response-content-disposition=attachment%3B%20filename%3D%22r%201.json%22");
    assert_url(&rig, 3600, "X-Amz-Signature=b85d5a0a0207e8e75c951fcdeb6922964c556e6a4b93b830ff2b2f7728b03dae");
    rig_free(&rig);
}

static void a_url_to_put_one_file_by(void **state)
{
    (void)state;
    static const struct dm_http_pair headers[] = { { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/pdf") },
                                                   { DM_STR_INIT("Content-Length"), DM_STR_INIT("1048576") },
                                                   { DM_STR_INIT("If-None-Match"), DM_STR_INIT("*") } };
    struct rig rig;
    rig_make(&rig, "");
    rig.request.method = DM_STR("PUT");
    rig.request.service = DM_STR("s3");
    rig.request.host = DM_STR("docmill-blobs.s3.us-east-1.amazonaws.com");
    rig.request.path = DM_STR("/acme/f1/source.pdf");
    rig.request.headers = headers;
    rig.request.header_count = DM_COUNT(headers);
    assert_url(&rig, 900, "X-Amz-Signature=eb48435aac7218d53ebf70d46d44a3b0c594a75f0637a6113c14ea7713fa7f1e");
    rig_free(&rig);
}

static void a_url_that_would_not_hold_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    DM_AUTO(dm_buf) query = dm_buf_make(8192);
    int64_t expires_ms = 7;
    rig_make(&rig, "");
    rig.request.service = DM_STR("s3");
    static const uint32_t wrong[] = { 0, DM_AWS_PRESIGNED_SECONDS_MAX + 1 };
    for (size_t i = 0; i < DM_COUNT(wrong); i++)
        assert_int_equal(
            dm_aws_presign(&rig.request, &rig.credentials, now_ms, wrong[i], &query, &expires_ms, &rig.err),
            DM_INVALID);
    rig.credentials.expires_wall_ms = now_ms + 999;
    assert_int_equal(dm_aws_presign(&rig.request, &rig.credentials, now_ms, 60, &query, &expires_ms, &rig.err),
                     DM_DENIED);
    assert_int_equal(query.len, 0);
    assert_int_equal(expires_ms, 7);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_of_s3_is_signed_as_it_is_on_the_wire),
        cmocka_unit_test(a_query_is_signed_in_order_and_encoded_anew),
        cmocka_unit_test(a_session_token_is_sent_and_signed),
        cmocka_unit_test(other_services_than_s3_get_no_hash_of_the_body),
        cmocka_unit_test(other_paths_than_those_of_s3_are_resolved_and_encoded_twice),
        cmocka_unit_test(what_cannot_be_signed_is_an_error),
        cmocka_unit_test(a_url_to_get_a_result_by),
        cmocka_unit_test(a_url_to_put_one_file_by),
        cmocka_unit_test(a_url_that_would_not_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
