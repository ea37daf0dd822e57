/* wires.c: asking, answering, comparing. */
#include "wires.h"

#include <stdio.h>

struct dm_provider_ask wires_ask(const char *model)
{
    return (struct dm_provider_ask){
        .model = dm_str_z(model),
        .system = DM_STR("You read one page."),
        .prompt = DM_STR("Return the \"analysis\"."),
        .schema_name = DM_STR("page"),
        .schema = DM_STR("{\"type\":\"object\"}"),
        .output_tokens = 4096,
    };
}

static json_t *parsed(struct dm_str text)
{
    json_t *value = NULL;
    struct dm_err err;
    assert_ok(dm_json_parse(text, "the body", &value, &err), &err);
    return value;
}

static void expect_header(const struct dm_provider_call *call, const char *name, const char *value)
{
    bool found = false;
    for (uint32_t i = 0; i < call->header_count; i++)
        if (dm_str_eq(call->headers[i].name, dm_str_z(name))) {
            assert_text(dm_secret_reveal(&call->headers[i].value), dm_str_z(value));
            found = true;
        }
    assert_int_equal(found, value != NULL);
}

void wires_expect(const struct dm_provider *provider, const struct dm_provider_ask *ask, const char *base_url,
                  const char *url, const char *body, const char *key_header, const char *key)
{
    struct dm_err err;
    DM_AUTO(dm_secret) secret = { 0 };
    DM_AUTO(dm_provider_call) call = { .url = dm_buf_make(DM_PROVIDER_URL_MAX), .body = dm_buf_make(1 << 20) };
    char value[128];
    snprintf(value, sizeof(value), "%s%s", dm_str_eq(dm_str_z(key_header), DM_STR("authorization")) ? "Bearer " : "",
             key ? key : "");
    if (key)
        assert_ok(dm_secret_make(dm_str_z(key), "the key", &secret, &err), &err);
    const struct dm_provider_access access = { .base_url = dm_str_z(base_url),
                                               .region = DM_STR("eu-west-1"),
                                               .key = &secret };
    assert_ok(provider->write(ask, &access, &call, &err), &err);
    assert_text(dm_buf_str(&call.url), dm_str_z(url));
    json_auto_t *written = parsed(dm_buf_str(&call.body));
    json_auto_t *expected = parsed(dm_str_z(body));
    if (!json_equal(written, expected))
        fail_msg("the body is\n%s\nnot\n%s", dm_buf_z(&call.body), body);
    expect_header(&call, "content-type", "application/json");
    expect_header(&call, key_header, key ? value : NULL);
    if (key)
        assert_true(dm_str_find(dm_buf_str(&call.url), dm_str_z(key)) == call.url.len);
    /* The same without room for the body: refused, not cut. */
    DM_AUTO(dm_provider_call) small = { .url = dm_buf_make(DM_PROVIDER_URL_MAX), .body = dm_buf_make(100) };
    assert_code(provider->write(ask, &access, &small, &err), DM_TOO_LARGE, &err);
}

struct dm_provider_heard wires_read(const struct dm_provider *provider, uint32_t status, const char *headers,
                                    const char *body)
{
    struct dm_http_answer answer = { .status = status, .headers = dm_buf_make(4096), .body = dm_buf_make(1 << 20) };
    struct dm_provider_heard heard = { .text = dm_buf_make(1 << 20) };
    dm_buf_add_z(&answer.headers, headers);
    dm_buf_add_z(&answer.body, body);
    provider->read(&answer, WIRES_NOW_MS, &heard);
    dm_http_answer_free(&answer);
    return heard;
}

void wires_expect_failures(const struct dm_provider *provider, const struct wires_failure *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        DM_AUTO(dm_provider_heard) heard = wires_read(provider, rows[i].status, rows[i].headers, rows[i].body);
        if (heard.reason != rows[i].reason || heard.retry_after_ms != rows[i].retry_after_ms)
            fail_msg("row %zu: %u %s is read as %s after %lld ms (%s), not %s after %lld ms", i, rows[i].status,
                     rows[i].body, dm_reason_text(heard.reason), (long long)heard.retry_after_ms, heard.detail,
                     dm_reason_text(rows[i].reason), (long long)rows[i].retry_after_ms);
        assert_true(strlen(heard.detail) > 0);
    }
}

void wires_expect_garbage(const struct dm_provider *provider)
{
    static const struct wires_failure rows[] = {
        { 200, "", "", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", " \n", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "<html><body>It works!</body></html>", DM_REASON_INVALID_JSON, 0 },
        { 200, "", "[1,2,3]", DM_REASON_INVALID_JSON, 0 },
        { 200, "", "\"text\"", DM_REASON_INVALID_JSON, 0 },
        { 200, "", "{\"cand", DM_REASON_NETWORK, 0 },
        { 200, "", "{}", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "{\"candidates\":{},\"choices\":7,\"content\":\"x\",\"output\":[]}", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "",
          "{\"candidates\":[null],\"choices\":[[]],\"content\":[{}],\"output\":{\"message\":{\"content\":[7]}}}",
          DM_REASON_EMPTY_ANSWER, 0 },
        { 301, "", "", DM_REASON_BAD_REQUEST, 0 },
        { 404, "", "<html>", DM_REASON_BAD_REQUEST, 0 },
        { 413, "", "[]", DM_REASON_BAD_REQUEST, 0 },
        { 401, "", "", DM_REASON_AUTH_FAILED, 0 },
        { 402, "", "", DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 408, "", "", DM_REASON_MODEL_TIMEOUT, 0 },
        { 429, "", "slow down", DM_REASON_RATE_LIMITED, 0 },
        { 429, "retry-after: 7\n", "[[]]", DM_REASON_RATE_LIMITED, 7000 },
        { 429, "Retry-After: Fri, 27 Nov 2026 12:00:05 GMT\n", "", DM_REASON_RATE_LIMITED, 5000 },
        { 429, "Retry-After: Fri, 27 Nov 2020 12:00:05 GMT\n", "", DM_REASON_RATE_LIMITED, 0 },
        { 429, "Retry-After: 99999999999999999999\n", "", DM_REASON_RATE_LIMITED, 86400000 },
        { 429, "Retry-After: -5\n", "", DM_REASON_RATE_LIMITED, 0 },
        { 429, "Retry-After: soon\n", "", DM_REASON_RATE_LIMITED, 0 },
        { 500, "", "oops", DM_REASON_OVERLOADED, 0 },
        { 501, "", "", DM_REASON_BAD_REQUEST, 0 },
        { 502, "", "<html>", DM_REASON_OVERLOADED, 0 },
        { 503, "retry-after-ms: 250\nretry-after: 9\n", "{\"error\":{}}", DM_REASON_OVERLOADED, 250 },
        { 504, "", "{}", DM_REASON_MODEL_TIMEOUT, 0 },
        { 529, "", "{\"error\":\"x\"}", DM_REASON_OVERLOADED, 0 },
        { 599, "", "{\"error\":{\"code\":{},\"status\":7,\"message\":[],\"details\":{}}}", DM_REASON_OVERLOADED, 0 },
    };
    wires_expect_failures(provider, rows, DM_COUNT(rows));
}
