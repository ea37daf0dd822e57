/* test_openai.c: chat completions, of OpenAI and of servers that speak like it. */
#include "wires.h"

#include <stdio.h>

#define PROVIDER (&dm_provider_openai)
#define ANSWER(content, finish)                                                                                        \
    "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\"," content                    \
    "},\"finish_reason\":" finish "}]}"
#define ERROR(type, code) "{\"error\":{\"message\":\"m\",\"type\":\"" type "\",\"param\":null,\"code\":" code "}}"

static void given_openai_itself_then_the_body_is_what_its_own_client_writes(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("gpt-4.1-mini");
    ask.picture = DM_STR("\0\0\0");
    ask.picture_media = DM_MEDIA_PNG;
    wires_expect(PROVIDER, &ask, NULL, "https://api.openai.com/v1/chat/completions",
                 "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"You read one page.\"},"
                 "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Return the \\\"analysis\\\".\"},"
                 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}],"
                 "\"max_completion_tokens\":4096,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                 "{\"name\":\"page\",\"strict\":true,\"schema\":{\"type\":\"object\"}}}}",
                 "authorization", "sk-1");
}

static void given_another_server_then_it_gets_the_old_name_of_the_limit_and_needs_no_key(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("llama3.2");
    ask.schema = DM_STR("");
    ask.rejected = DM_STR("{");
    ask.complaint = DM_STR("no");
    wires_expect(PROVIDER, &ask, "http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions",
                 "{\"model\":\"llama3.2\",\"messages\":[{\"role\":\"system\",\"content\":\"You read one page.\"},"
                 "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Return the \\\"analysis\\\".\"}]},"
                 "{\"role\":\"assistant\",\"content\":\"{\"},{\"role\":\"user\",\"content\":\"no\"}],"
                 "\"max_tokens\":4096,\"temperature\":0}",
                 "authorization", NULL);
}

static void given_an_answer_then_its_text_and_tokens_are_read(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 200, "X-Request-Id: req_1\n",
        "{\"id\":\"c\",\"choices\":[{\"message\":{\"content\":\"{}\",\"refusal\":null,\"reasoning\":\"hm\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":812,\"completion_tokens\":140,"
        "\"prompt_tokens_details\":{\"cached_tokens\":9},\"completion_tokens_details\":{\"reasoning_tokens\":3}}}");
    assert_int_equal(heard.reason, DM_REASON_NONE);
    assert_text(dm_buf_str(&heard.text), DM_STR("{}"));
    assert_int_equal(heard.tokens.input, 812);
    assert_int_equal(heard.tokens.cached, 9);
    assert_int_equal(heard.tokens.output, 140);
    assert_string_equal(heard.request_id, "req_1");
    DM_AUTO(dm_provider_heard) ollama = wires_read(PROVIDER, 200, "", ANSWER("\"content\":\"{}\"", "null"));
    assert_int_equal(ollama.reason, DM_REASON_NONE);
    assert_false(ollama.doubtful);
    assert_string_equal(ollama.request_id, "chatcmpl-1");
}

static void given_each_end_of_an_answer_then_its_reason_is_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 200, "", ANSWER("\"content\":\"{\"", "\"length\""), DM_REASON_TRUNCATED, 0 },
        { 200, "", ANSWER("\"content\":\"{}\"", "\"content_filter\""), DM_REASON_BLOCKED, 0 },
        { 200, "", ANSWER("\"content\":null,\"refusal\":\"no\"", "\"stop\""), DM_REASON_BLOCKED, 0 },
        { 200, "", ANSWER("\"content\":null", "\"tool_calls\""), DM_REASON_INVALID_JSON, 0 },
        { 200, "", ANSWER("\"content\":null", "\"stop\""), DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", ANSWER("\"content\":\"{}\"", "\"abort\""), DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "{\"choices\":[]}", DM_REASON_EMPTY_ANSWER, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
}

static void given_each_error_then_its_reason_and_its_wait_are_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 429, "", ERROR("insufficient_quota", "\"insufficient_quota\""), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, "", ERROR("billing_hard_limit_reached", "null"), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, "retry-after: 2\nretry-after-ms: 1500\n", ERROR("requests", "\"rate_limit_exceeded\""),
          DM_REASON_RATE_LIMITED, 1500 },
        { 401, "", ERROR("invalid_request_error", "\"invalid_api_key\""), DM_REASON_AUTH_FAILED, 0 },
        { 403, "", ERROR("x", "null"), DM_REASON_AUTH_FAILED, 0 },
        { 400, "", ERROR("invalid_request_error", "\"context_length_exceeded\""), DM_REASON_BAD_REQUEST, 0 },
        { 400, "", ERROR("invalid_request_error", "\"content_policy_violation\""), DM_REASON_BLOCKED, 0 },
        { 400, "", ERROR("x", "\"content_filter\""), DM_REASON_BLOCKED, 0 },
        { 404, "", ERROR("x", "\"model_not_found\""), DM_REASON_BAD_REQUEST, 0 },
        { 422, "", ERROR("x", "null"), DM_REASON_BAD_REQUEST, 0 },
        { 422, "x-should-retry: true\n", ERROR("x", "null"), DM_REASON_OVERLOADED, 0 },
        { 409, "", ERROR("x", "null"), DM_REASON_OVERLOADED, 0 },
        { 503, "", "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
          DM_REASON_OVERLOADED, 0 },
        { 400, "", "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\",\"n_ctx\":4096}}",
          DM_REASON_BAD_REQUEST, 0 },
        { 400, "", "{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}",
          DM_REASON_BAD_REQUEST, 0 },
        { 404, "", "{\"error\":\"model 'x' not found\"}", DM_REASON_BAD_REQUEST, 0 },
        { 200, "", "{\"error\":{\"code\":429,\"message\":\"m\"}}", DM_REASON_RATE_LIMITED, 0 },
        { 200, "", "{\"error\":{\"code\":\"odd\",\"message\":\"m\"}}", DM_REASON_OVERLOADED, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
    wires_expect_garbage(PROVIDER);
}

/* Whatever time a limit counts for, it is told as one for a minute; and nothing is asked while nothing is left. */
static void given_headers_about_a_limit_then_its_time_and_its_pause_are_worked_out(void **state)
{
    (void)state;
    static const struct {
        const char *limit, *remaining, *reset;
        uint64_t per_minute;
        int64_t pause_ms;
    } rows[] = {
        { "500", "499", "120ms", 500, 0 },                      /* a minute's, which fills evenly */
        { "10000", "9999", "6ms", 10000, 0 },                   /* likewise */
        { "500", "499", "59s", 500, 0 },                        /* a minute's, which begins anew */
        { "500", "0", "1m0s", 500, 121 },                       /* used up: the next one is there soon, … */
        { "500", "0", "20s", 500, 20000 },                      /* … or not before it begins anew */
        { "100", "99", "10ms", 6000, 0 },                       /* a second's */
        { "100", "0", "1s", 6000, 11 },                         /* likewise, used up */
        { "1200", "900", "15m", 20, 0 },                        /* an hour's */
        { "14400", "14390", "1m0s", 14400, 0 },                 /* a day's: not told apart yet, … */
        { "14400", "13680", "1h12m0s", 10, 0 },                 /* … but now */
        { "200", "0", "24h0m0s", 1, 24 * 3600000LL / 200 + 1 }, /* never less than one a minute */
        { "200", "0", "6h", 1, 6 * 3600000LL },                 /* from midnight on */
        { "0", "0", "1s", 0, 1000 },                            /* nothing at all */
        { "500", "", "", 500, 0 },                              /* nothing but the limit */
        { "", "0", "3s", 0, 3000 },                             /* all but the limit */
        { "500", "600", "1s", 500, 0 },                         /* more than there is */
        { "500", "-1", "soon", 500, 0 },                        /* nonsense */
        { "18446744073709551615", "0", "1m0s", UINT64_C(1000000000000000), 1 },
        { "18446744073709551616", "0", "999999h", 0, 24 * 3600000 }, /* too much */
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        char headers[400];
        (void)snprintf(headers, sizeof(headers),
                       "x-ratelimit-limit-requests: %s\nx-ratelimit-remaining-requests: %s\n"
                       "x-ratelimit-reset-requests: %s\n",
                       rows[i].limit, rows[i].remaining, rows[i].reset);
        DM_AUTO(dm_provider_heard) heard = wires_read(PROVIDER, 200, headers, ANSWER("\"content\":\"{}\"", "\"stop\""));
        if (heard.limits.requests_per_minute != rows[i].per_minute || heard.limits.pause_ms != rows[i].pause_ms)
            fail_msg("%s of %s, reset %s: read as %llu a minute, pause %lld ms", rows[i].remaining, rows[i].limit,
                     rows[i].reset, (unsigned long long)heard.limits.requests_per_minute,
                     (long long)heard.limits.pause_ms);
    }
}

static void given_several_limits_then_each_is_told_with_the_longest_pause(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 200,
        "x-ratelimit-limit-requests: 500\nx-ratelimit-limit-tokens: 200000\nx-ratelimit-remaining-requests: 0\n"
        "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-requests: 30.5s\nx-ratelimit-reset-tokens: 40s\n",
        ANSWER("\"content\":\"{}\"", "\"stop\""));
    assert_int_equal(heard.limits.requests_per_minute, 500);
    assert_int_equal(heard.limits.tokens_per_minute, 200000);
    assert_int_equal(heard.limits.pause_ms, 40000);
}

static void given_a_server_that_knows_no_schema_then_that_is_told_apart(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard =
        wires_read(PROVIDER, 400, "", "{\"error\":{\"message\":\"Unknown field: response_format\",\"type\":\"x\"}}");
    assert_int_equal(heard.reason, DM_REASON_BAD_REQUEST);
    assert_true(heard.schema_refused);
    DM_AUTO(dm_provider_heard) other = wires_read(PROVIDER, 400, "", ERROR("x", "null"));
    assert_false(other.schema_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_openai_itself_then_the_body_is_what_its_own_client_writes),
        cmocka_unit_test(given_another_server_then_it_gets_the_old_name_of_the_limit_and_needs_no_key),
        cmocka_unit_test(given_an_answer_then_its_text_and_tokens_are_read),
        cmocka_unit_test(given_each_end_of_an_answer_then_its_reason_is_known),
        cmocka_unit_test(given_each_error_then_its_reason_and_its_wait_are_known),
        cmocka_unit_test(given_headers_about_a_limit_then_its_time_and_its_pause_are_worked_out),
        cmocka_unit_test(given_several_limits_then_each_is_told_with_the_longest_pause),
        cmocka_unit_test(given_a_server_that_knows_no_schema_then_that_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
