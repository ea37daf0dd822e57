/* test_answers.c: what an answer comes to, when it is worth another try, and where services are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aws/retry.h"

static const struct dm_aws_operation put_item = { .service = DM_AWS_DYNAMODB, .name = "PutItem" };
static const struct dm_aws_operation get_object = { .service = DM_AWS_S3, .name = "GetObject", .method = "GET" };
static const struct dm_aws_operation complete = { .service = DM_AWS_S3, .name = "CompleteMultipartUpload" };

/* An answer, and what must come of it. */
struct row {
    const struct dm_aws_operation *operation;
    uint32_t status;
    const char *headers;
    const char *body;
    enum dm_aws_outcome outcome;
    enum dm_code code; /* of what is told */
    const char *named; /* in the sentence */
};

#define FAULT(code) "{\"__type\":\"com.amazonaws.dynamodb.v20120810#" code "\",\"message\":\"why not\"}"
#define ERROR(code) "<?xml version=\"1.0\"?>\n<Error><Code>" code "</Code><Message>why not</Message></Error>"

static const struct row rows[] = {
    { &put_item, 200, "", "{}", DM_AWS_DONE, DM_OK, NULL },
    { &put_item, 200, "x-amz-crc32: 2745614147\r\n", "{}", DM_AWS_DONE, DM_OK, NULL },
    { &put_item, 200, "x-amz-crc32: 2745614148\r\n", "{}", DM_AWS_TRANSIENT, DM_UNAVAILABLE, "checksum" },
    { &put_item, 400, "x-amzn-RequestId: ID7\r\n", FAULT("ConditionalCheckFailedException"), DM_AWS_FAILED, DM_CONFLICT,
      "DynamoDB PutItem: ConditionalCheckFailedException, HTTP 400, request ID7: why not" },
    { &put_item, 400, "", FAULT("TransactionCanceledException"), DM_AWS_FAILED, DM_CONFLICT, "why not" },
    { &put_item, 400, "", FAULT("TransactionConflictException"), DM_AWS_TRANSIENT, DM_CONFLICT, "why not" },
    { &put_item, 400, "", FAULT("ProvisionedThroughputExceededException"), DM_AWS_THROTTLED, DM_THROTTLED, "why not" },
    { &put_item, 400, "", FAULT("ResourceNotFoundException"), DM_AWS_FAILED, DM_NOT_FOUND, "why not" },
    { &put_item, 400, "", FAULT("ValidationException"), DM_AWS_FAILED, DM_INTERNAL, "why not" },
    { &put_item, 400, "", FAULT("AccessDeniedException"), DM_AWS_FAILED, DM_DENIED,
      "the permission dynamodb:PutItem is missing" },
    { &put_item, 400, "", FAULT("UnrecognizedClientException"), DM_AWS_EXPIRED, DM_DENIED, "access key" },
    { &put_item, 400, "", FAULT("ExpiredTokenException"), DM_AWS_EXPIRED, DM_DENIED, "have expired" },
    { &put_item, 400, "x-amzn-ErrorType: ThrottlingException:http://internal/\r\n", "", DM_AWS_THROTTLED, DM_THROTTLED,
      "ThrottlingException" },
    { &put_item, 500, "", "<html>", DM_AWS_TRANSIENT, DM_UNAVAILABLE, "HTTP 500" },
    { &put_item, 429, "", "", DM_AWS_THROTTLED, DM_THROTTLED, "HTTP 429" },
    { &get_object, 206, "", "<Error><Code>SlowDown</Code></Error>", DM_AWS_DONE, DM_OK, NULL },
    { &get_object, 404, "", ERROR("NoSuchKey"), DM_AWS_FAILED, DM_NOT_FOUND, "NoSuchKey" },
    { &get_object, 404, "x-amz-request-id: R1\r\n", "", DM_AWS_FAILED, DM_NOT_FOUND, "NotFound, HTTP 404, request R1" },
    { &get_object, 403, "", ERROR("AccessDenied"), DM_AWS_FAILED, DM_DENIED, "s3:GetObject" },
    { &get_object, 403, "", "", DM_AWS_FAILED, DM_DENIED, "s3:GetObject" },
    { &get_object, 403, "", ERROR("InvalidObjectState"), DM_AWS_FAILED, DM_REFUSED, "InvalidObjectState" },
    { &get_object, 412, "", ERROR("PreconditionFailed"), DM_AWS_FAILED, DM_CONFLICT, "PreconditionFailed" },
    { &get_object, 503, "", ERROR("SlowDown"), DM_AWS_THROTTLED, DM_THROTTLED, "SlowDown" },
    { &get_object, 503, "", "", DM_AWS_TRANSIENT, DM_UNAVAILABLE, "ServiceUnavailable" },
    { &get_object, 400, "", ERROR("RequestTimeout"), DM_AWS_TRANSIENT, DM_UNAVAILABLE, "RequestTimeout" },
    { &get_object, 307, "location: http://elsewhere/\r\n", "", DM_AWS_FAILED, DM_REFUSED, "redirect" },
    { &get_object, 301, "x-amz-bucket-region: us-west-2\r\n", ERROR("PermanentRedirect"), DM_AWS_FAILED, DM_REFUSED,
      "us-west-2" },
    { &complete, 200, "", "<CompleteMultipartUploadResult/>", DM_AWS_DONE, DM_OK, NULL },
    { &complete, 200, "", "\n\n" ERROR("InternalError"), DM_AWS_TRANSIENT, DM_UNAVAILABLE, "InternalError" },
    { &complete, 200, "", "<CompleteMultipartUploadRes", DM_AWS_TRANSIENT, DM_UNAVAILABLE, "no XML" },
    { &complete, 501, "", "", DM_AWS_FAILED, DM_UNAVAILABLE, "HTTP 501" },
};

static struct dm_aws_answer answer_of(uint32_t status, const char *headers, const char *body)
{
    struct dm_aws_answer answer = { .status = status, .http = { status, dm_buf_make(4096), dm_buf_make(4096) } };
    dm_buf_add_z(&answer.http.headers, headers);
    dm_buf_add_z(&answer.http.body, body);
    return answer;
}

static void answers_come_to_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        DM_AUTO(dm_aws_answer) answer = answer_of(row->status, row->headers, row->body);
        struct dm_err err = { .code = DM_OK };
        enum dm_aws_outcome outcome = dm_aws_answer_judge(row->operation, &answer);
        if (outcome != row->outcome)
            fail_msg("row %zu comes to %d, not %d", i, (int)outcome, (int)row->outcome);
        if (outcome == DM_AWS_DONE)
            continue;
        enum dm_code code = dm_aws_answer_fail(row->operation, &answer, outcome, &err);
        if (code != row->code || err.code != code || !strstr(err.text, row->named))
            fail_msg("row %zu: %s, %s", i, dm_code_name(code), err.text);
    }
}

/* Services repeat what was signed, and the session token is a part of it. */
static void what_was_signed_is_not_repeated(void **state)
{
    (void)state;
    DM_AUTO(dm_aws_answer)
    answer = answer_of(403, "",
                       "{\"__type\":\"InvalidSignatureException\",\"message\":\"The Canonical String should have been "
                       "x-amz-security-token:hush\"}");
    struct dm_err err;
    assert_int_equal(dm_aws_answer_judge(&put_item, &answer), DM_AWS_CLOCK);
    assert_int_equal(dm_aws_answer_fail(&put_item, &answer, DM_AWS_CLOCK, &err), DM_DENIED);
    assert_null(strstr(err.text, "hush"));
}

static void what_is_no_text_for_a_log_becomes_one(void **state)
{
    (void)state;
    DM_AUTO(dm_aws_answer)
    answer = answer_of(400, "x-amz-request-id: a\x1b[31mb\r\n",
                       "<Error><Code>No\nSuch</Code><Message>\xc3\xa9</Message></Error>");
    (void)dm_aws_answer_judge(&get_object, &answer);
    assert_string_equal(answer.code, "No?Such");
    assert_string_equal(answer.message, "??");
    assert_string_equal(answer.request_id, "a?[31mb");
}

static void dates_are_those_of_http(void **state)
{
    (void)state;
    int64_t wall_ms = 0;
    assert_true(dm_aws_http_date(DM_STR("Fri, 02 Jan 2026 03:04:05 GMT"), &wall_ms));
    assert_int_equal(wall_ms, 1767323045000);
    assert_true(dm_aws_http_date(DM_STR("Thu, 31 Dec 1970 23:59:59 GMT"), &wall_ms));
    assert_int_equal(wall_ms, 31535999000);
    static const char *const others[] = { "",
                                          "Fri, 02 Jan 2026 03:04:05 CET",
                                          "Fri, 02 anF 2026 03:04:05 GMT",
                                          "Fri, 99 Jan 2026 03:04:05 GMT",
                                          "Fri, 02 Jan 2026 3:04:05 GMT",
                                          "Friday, 02-Jan-26 03:04:05 GMT" };
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_false(dm_aws_http_date(dm_str_z(others[i]), &wall_ms));
}

/* ---- trying again ---- */

static void a_bucket_gives_back_what_was_not_in_vain(void **state)
{
    (void)state;
    struct dm_aws_bucket bucket = { 0 };
    uint32_t taken = 0;
    while (dm_aws_bucket_take(&bucket, DM_AWS_TRANSIENT) > 0)
        taken++;
    assert_int_equal(taken, 500 / 14);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 5);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 5);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 0);
    dm_aws_bucket_give(&bucket, 5);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 5);
    for (int i = 0; i < 4; i++)
        dm_aws_bucket_give(&bucket, 0);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 0);
    dm_aws_bucket_give(&bucket, 0);
    assert_int_equal(dm_aws_bucket_take(&bucket, DM_AWS_THROTTLED), 5);
    for (int i = 0; i < 1000; i++)
        dm_aws_bucket_give(&bucket, 14);
    assert_int_equal(bucket.spent, 0);
}

static void pauses_grow_by_chance_up_to_a_bound(void **state)
{
    (void)state;
    const uint32_t most = UINT32_MAX;
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_TRANSIENT, 1, -1, most), 50);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_TRANSIENT, 3, -1, most), 200);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_DYNAMODB, DM_AWS_TRANSIENT, 1, -1, most), 25);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_DYNAMODB, DM_AWS_THROTTLED, 2, -1, most), 2000);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_THROTTLED, 1000, -1, most), 20000);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_THROTTLED, 1, -1, most / 2), 499);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_THROTTLED, 1, -1, 0), 0);
    /* What the service asks for counts, up to five seconds more. */
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_TRANSIENT, 1, 1500, 0), 1500);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_TRANSIENT, 1, 90000, 0), 5000);
    assert_int_equal(dm_aws_pause_ms(DM_AWS_S3, DM_AWS_TRANSIENT, 1, 10, most), 50);
}

/* ---- places ---- */

/* As "NAME=value", separated by blanks. */
static struct dm_str variable(void *context, const char *name)
{
    struct dm_str rest = dm_str_z(context), one;
    while (dm_str_next(&rest, ' ', &one)) {
        size_t equals = dm_str_find_char(one, '=');
        if (dm_str_eq(dm_str_cut(one, 0, equals), dm_str_z(name)))
            return dm_str_from(one, equals + 1);
    }
    return DM_STR("");
}

static void assert_place(const char *variables, const char *region, enum dm_aws_service service, const char *bucket,
                         const char *expected)
{
    const struct dm_aws_environment environment = { variable, (void *)(uintptr_t)variables };
    struct dm_aws_endpoint endpoint = { .host = NULL };
    struct dm_err err = { .code = DM_OK };
    DM_AUTO(dm_buf) host = dm_buf_make(400);
    DM_AUTO(dm_buf) path = dm_buf_make(400);
    DM_AUTO(dm_buf) all = dm_buf_make(800);
    assert_int_equal(dm_aws_endpoint_find(&environment, service, dm_str_z(region), &endpoint, &err), DM_OK);
    dm_aws_endpoint_place(&endpoint, dm_str_z(bucket), DM_STR("/k"), &host, &path);
    dm_buf_addf(&all, "%s://%s%s", endpoint.https ? "https" : "http", dm_buf_z(&host), dm_buf_z(&path));
    assert_string_equal(dm_buf_z(&all), expected);
    dm_aws_endpoint_free(&endpoint);
}

static void services_are_where_the_region_or_a_variable_says(void **state)
{
    (void)state;
    assert_place("", "eu-central-1", DM_AWS_S3, "docs", "https://docs.s3.eu-central-1.amazonaws.com/k");
    assert_place("", "eu-central-1", DM_AWS_S3, "my.docs", "https://s3.eu-central-1.amazonaws.com/my.docs/k");
    assert_place("", "cn-north-1", DM_AWS_DYNAMODB, "", "https://dynamodb.cn-north-1.amazonaws.com.cn/k");
    assert_place("", "us-gov-west-1", DM_AWS_STREAMS, "", "https://streams.dynamodb.us-gov-west-1.amazonaws.com/k");
    assert_place("", "us-isob-east-1", DM_AWS_KMS, "", "https://kms.us-isob-east-1.sc2s.sgov.gov/k");
    assert_place("AWS_ENDPOINT_URL=http://H:80/base/", "eu-central-1", DM_AWS_S3, "docs", "http://h/base/docs/k");
    assert_place("AWS_ENDPOINT_URL_S3=https://[::1]:9 AWS_ENDPOINT_URL=http://h", "eu-central-1", DM_AWS_S3, "docs",
                 "https://[::1]:9/docs/k");
    assert_place("AWS_ENDPOINT_URL_S3=http://s AWS_ENDPOINT_URL=http://h:443", "eu-central-1", DM_AWS_SSM, "",
                 "http://h:443/k");
    assert_place("AWS_ENDPOINT_URL=http://h AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "eu-west-1", DM_AWS_STS, "",
                 "https://sts.eu-west-1.amazonaws.com/k");
}

static void addresses_that_are_none_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const urls[] = { "",           "h",          "ftp://h",     "http://",
                                        "http:///p",  "http://h:",  "http://h:0",  "http://h:1x",
                                        "http://u@h", "http://h?q", "http://h#f",  "http://[::1",
                                        "http://[]x", "http://h\n", "http://h/\"", "http://h:1:2",
                                        "https://h h" };
    for (size_t i = 0; i < DM_COUNT(urls); i++) {
        struct dm_aws_endpoint endpoint = { .host = NULL };
        struct dm_err err = { .code = DM_OK };
        if (dm_aws_endpoint_parse(dm_str_z(urls[i]), "THE_NAME", &endpoint, &err) != DM_INVALID ||
            !strstr(err.text, "THE_NAME"))
            fail_msg("\"%s\" is taken", urls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_to_what_the_table_says),
        cmocka_unit_test(what_was_signed_is_not_repeated),
        cmocka_unit_test(what_is_no_text_for_a_log_becomes_one),
        cmocka_unit_test(dates_are_those_of_http),
        cmocka_unit_test(a_bucket_gives_back_what_was_not_in_vain),
        cmocka_unit_test(pauses_grow_by_chance_up_to_a_bound),
        cmocka_unit_test(services_are_where_the_region_or_a_variable_says),
        cmocka_unit_test(addresses_that_are_none_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
