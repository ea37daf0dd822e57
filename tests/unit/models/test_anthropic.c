/* test_anthropic.c: Anthropic's requests and answers. */
#include "wires.h"

#define PROVIDER (&dm_provider_anthropic)
#define ANSWER(content, stop) "{\"id\":\"msg_1\",\"content\":[" content "],\"stop_reason\":\"" stop "\"}"
#define ERROR(type) "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\"},\"request_id\":\"req_9\"}"

static void given_a_page_as_pdf_then_the_body_is_what_the_vendors_own_client_writes(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("claude-haiku-4-5");
    ask.picture = DM_STR("%PDF");
    ask.picture_media = DM_MEDIA_PDF;
    wires_expect(
        PROVIDER, &ask, NULL, "https://api.anthropic.com/v1/messages",
        "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":4096,\"system\":\"You read one page.\",\"messages\":"
        "[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
        "\"application/pdf\",\"data\":\"JVBERg==\"}},{\"type\":\"text\",\"text\":\"Return the "
        "\\\"analysis\\\".\"}]}],\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":"
        "{\"type\":\"object\"}}}}",
        "x-api-key", "sk-ant");
}

static void given_an_image_and_an_answer_that_would_not_do_then_both_are_sent(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("m");
    ask.picture = DM_STR("abc");
    ask.picture_media = DM_MEDIA_JPEG;
    ask.schema = DM_STR("");
    ask.rejected = DM_STR("{");
    ask.complaint = DM_STR("no");
    wires_expect(PROVIDER, &ask, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/messages",
                 "{\"model\":\"m\",\"max_tokens\":4096,\"system\":\"You read one page.\",\"messages\":["
                 "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                 "\"image/jpeg\",\"data\":\"YWJj\"}},{\"type\":\"text\",\"text\":\"Return the \\\"analysis\\\".\"}]},"
                 "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"{\"}]},"
                 "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"no\"}]}]}",
                 "x-api-key", NULL);
}

static void given_an_answer_then_cached_tokens_count_as_input(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 200, "request-id: req_1\n",
        "{\"id\":\"m\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"{\"},"
        "{\"type\":\"text\",\"text\":\"}\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":800,"
        "\"output_tokens\":140,\"cache_read_input_tokens\":10,\"cache_creation_input_tokens\":2}}");
    assert_int_equal(heard.reason, DM_REASON_NONE);
    assert_text(dm_buf_str(&heard.text), DM_STR("{}"));
    assert_int_equal(heard.tokens.input, 812);
    assert_int_equal(heard.tokens.cached, 10);
    assert_int_equal(heard.tokens.output, 140);
    assert_string_equal(heard.request_id, "req_1");
}

static void given_each_failure_then_its_reason_and_its_wait_are_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 200, "", ANSWER("{\"type\":\"text\",\"text\":\"{\"}", "max_tokens"), DM_REASON_TRUNCATED, 0 },
        { 200, "", ANSWER("", "model_context_window_exceeded"), DM_REASON_TRUNCATED, 0 },
        { 200, "", ANSWER("", "refusal"), DM_REASON_BLOCKED, 0 },
        { 200, "", ANSWER("", "pause_turn"), DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", ANSWER("", "end_turn"), DM_REASON_EMPTY_ANSWER, 0 },
        { 400, "", ERROR("invalid_request_error"), DM_REASON_BAD_REQUEST, 0 },
        { 404, "", ERROR("not_found_error"), DM_REASON_BAD_REQUEST, 0 },
        { 413, "", ERROR("request_too_large"), DM_REASON_BAD_REQUEST, 0 },
        { 401, "", ERROR("authentication_error"), DM_REASON_AUTH_FAILED, 0 },
        { 403, "", ERROR("permission_error"), DM_REASON_AUTH_FAILED, 0 },
        { 402, "", ERROR("billing_error"), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, "retry-after: 12\n", ERROR("rate_limit_error"), DM_REASON_RATE_LIMITED, 12000 },
        { 504, "", ERROR("timeout_error"), DM_REASON_MODEL_TIMEOUT, 0 },
        { 500, "", ERROR("api_error"), DM_REASON_OVERLOADED, 0 },
        { 529, "", ERROR("overloaded_error"), DM_REASON_OVERLOADED, 0 },
        { 529, "", ERROR("newer_error"), DM_REASON_OVERLOADED, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
    wires_expect_garbage(PROVIDER);
}

static void given_headers_about_limits_then_they_are_told_with_the_longest_pause(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 429,
        "anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 0\n"
        "anthropic-ratelimit-requests-reset: 2026-11-27T12:00:03Z\nanthropic-ratelimit-input-tokens-limit: 40000\n"
        "anthropic-ratelimit-output-tokens-remaining: 0\nanthropic-ratelimit-output-tokens-limit: 8000\n"
        "anthropic-ratelimit-output-tokens-reset: 2026-11-27T12:00:09Z\nanthropic-ratelimit-input-tokens-remaining: 1\n"
        "anthropic-ratelimit-input-tokens-reset: 2026-11-27T12:00:59Z\n",
        ERROR("rate_limit_error"));
    assert_int_equal(heard.limits.requests_per_minute, 50);
    assert_int_equal(heard.limits.tokens_per_minute, 40000);
    assert_int_equal(heard.limits.pause_ms, 9000);
    assert_string_equal(heard.request_id, "req_9");
}

/* Its resets are times of day; by a clock of ours that is wrong they would be hours away. */
static void given_a_clock_that_differs_then_resets_count_from_the_providers_own(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(PROVIDER, 429,
                       "date: Fri, 27 Nov 2026 17:30:00 GMT\nanthropic-ratelimit-requests-limit: 50\n"
                       "anthropic-ratelimit-requests-remaining: 0\n"
                       "anthropic-ratelimit-requests-reset: 2026-11-27T17:30:20Z\n",
                       ERROR("rate_limit_error"));
    assert_int_equal(heard.limits.requests_per_minute, 50);
    assert_int_equal(heard.limits.pause_ms, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_page_as_pdf_then_the_body_is_what_the_vendors_own_client_writes),
        cmocka_unit_test(given_an_image_and_an_answer_that_would_not_do_then_both_are_sent),
        cmocka_unit_test(given_an_answer_then_cached_tokens_count_as_input),
        cmocka_unit_test(given_each_failure_then_its_reason_and_its_wait_are_known),
        cmocka_unit_test(given_headers_about_limits_then_they_are_told_with_the_longest_pause),
        cmocka_unit_test(given_a_clock_that_differs_then_resets_count_from_the_providers_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
