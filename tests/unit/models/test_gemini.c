/* test_gemini.c: Gemini's requests and answers. */
#include "wires.h"

#define PROVIDER (&dm_provider_gemini)
#define URL "https://generativelanguage.googleapis.com/v1beta/models/"
#define QUOTA(id, value) "{\"violations\":[{\"quotaId\":\"" id "\",\"quotaValue\":\"" value "\"}]}"
#define EXHAUSTED(message, details)                                                                                    \
    "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"" message "\",\"details\":[" details "]" \
    "}"                                                                                                                \
    "}"
#define ERROR(status, details) "{\"error\":{\"status\":\"" status "\",\"message\":\"m\",\"details\":[" details "]}}"
#define STOPPED(reason)                                                                                                \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{}\"}]},\"finishReason\":\"" reason "\"}]}"

static void given_a_page_as_pdf_then_the_body_is_what_the_vendors_own_client_writes(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("gemini-2.5-flash");
    ask.picture = DM_STR("%PDF-");
    ask.picture_media = DM_MEDIA_PDF;
    wires_expect(
        PROVIDER, &ask, NULL, URL "gemini-2.5-flash:generateContent",
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"You read one page.\"}]},"
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":"
        "\"JVBERi0=\"}},{\"text\":\"Return the \\\"analysis\\\".\"}]}],"
        "\"generationConfig\":{\"temperature\":0,\"maxOutputTokens\":4096,\"responseMimeType\":\"application/json\","
        "\"responseJsonSchema\":{\"type\":\"object\"},\"thinkingConfig\":{\"thinkingBudget\":0}}}",
        "x-goog-api-key", "k-1");
}

static void given_an_answer_that_would_not_do_then_it_and_the_complaint_are_turns(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("models/gemma:x/y");
    ask.rejected = DM_STR("{");
    ask.complaint = DM_STR("no");
    ask.schema = DM_STR("");
    wires_expect(PROVIDER, &ask, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/models/gemma%3Ax%2Fy:generateContent",
                 "{\"systemInstruction\":{\"parts\":[{\"text\":\"You read one page.\"}]},"
                 "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Return the \\\"analysis\\\".\"}]},"
                 "{\"role\":\"model\",\"parts\":[{\"text\":\"{\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"no\"}]}],"
                 "\"generationConfig\":{\"temperature\":0,\"maxOutputTokens\":4096,"
                 "\"responseMimeType\":\"application/json\"}}",
                 "x-goog-api-key", NULL);
}

static void given_a_model_then_it_thinks_as_little_as_it_can(void **state)
{
    (void)state;
    static const char *const models[][2] = {
        { "gemini-2.5-flash-lite", "{\"thinkingBudget\":0}" },
        { "gemini-2.5-pro", "{\"thinkingBudget\":128}" },
        { "gemini-3.8-flash", "{\"thinkingLevel\":\"MINIMAL\"}" },
        { "gemini-3.1-pro-preview", "{\"thinkingLevel\":\"LOW\"}" },
        { "gemini-2.0-flash", NULL },
        { "gemini-flash-latest", NULL },
        { "gemini-", NULL },
    };
    for (size_t i = 0; i < DM_COUNT(models); i++) {
        struct dm_err err;
        struct dm_provider_ask ask = wires_ask(models[i][0]);
        struct dm_provider_access access = { 0 };
        DM_AUTO(dm_provider_call) call = { .url = dm_buf_make(1000), .body = dm_buf_make(10000) };
        assert_ok(PROVIDER->write(&ask, &access, &call, &err), &err);
        struct dm_str body = dm_buf_str(&call.body);
        struct dm_str wanted = dm_str_z(models[i][1] ? models[i][1] : "thinking");
        assert_int_equal(dm_str_find(body, wanted) < body.len, models[i][1] != NULL);
    }
}

static void given_an_answer_then_its_texts_are_joined_without_thoughts_and_its_tokens_are_billed(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard =
        wires_read(PROVIDER, 200, "",
                   "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},{"
                   "\"text\":\"{\"},"
                   "{\"inlineData\":{}},{\"text\":\"}\"}]},\"finishReason\":\"STOP\",\"new\":[1]}],\"usageMetadata\":"
                   "{\"promptTokenCount\":812,\"cachedContentTokenCount\":12,\"candidatesTokenCount\":140,"
                   "\"thoughtsTokenCount\":60},"
                   "\"responseId\":\"abc\"}");
    assert_int_equal(heard.reason, DM_REASON_NONE);
    assert_false(heard.doubtful);
    assert_text(dm_buf_str(&heard.text), DM_STR("{}"));
    assert_int_equal(heard.tokens.input, 812);
    assert_int_equal(heard.tokens.cached, 12);
    assert_int_equal(heard.tokens.output, 200);
    assert_string_equal(heard.request_id, "abc");
}

static void given_each_end_of_an_answer_then_its_reason_is_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 200, "", STOPPED("MAX_TOKENS"), DM_REASON_TRUNCATED, 0 },
        { 200, "", STOPPED("CONTINUATION"), DM_REASON_TRUNCATED, 0 },
        { 200, "", STOPPED("SAFETY"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("BLOCKLIST"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("PROHIBITED_CONTENT"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("SPII"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("IMAGE_SAFETY"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("MODEL_ARMOR"), DM_REASON_BLOCKED, 0 },
        { 200, "", STOPPED("RECITATION"), DM_REASON_RECITATION, 0 },
        { 200, "", STOPPED("IMAGE_RECITATION"), DM_REASON_RECITATION, 0 },
        { 200, "", STOPPED("LANGUAGE"), DM_REASON_BAD_REQUEST, 0 },
        { 200, "", STOPPED("MALFORMED_RESPONSE"), DM_REASON_INVALID_JSON, 0 },
        { 200, "", STOPPED("UNEXPECTED_TOOL_CALL"), DM_REASON_INVALID_JSON, 0 },
        { 200, "", STOPPED("OTHER"), DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "{\"candidates\":[{\"finishReason\":\"STOP\"}]}", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "{\"candidates\":[{\"content\":{},\"finishReason\":\"NEW_END\"}]}", DM_REASON_EMPTY_ANSWER, 0 },
        { 200, "", "{\"promptFeedback\":{\"blockReason\":\"JAILBREAK\"}}", DM_REASON_BLOCKED, 0 },
        { 200, "", "{\"promptFeedback\":{\"blockReason\":\"NEW\"},\"candidates\":[]}", DM_REASON_BLOCKED, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
    DM_AUTO(dm_provider_heard) heard = wires_read(PROVIDER, 200, "", STOPPED("NEW_END"));
    assert_int_equal(heard.reason, DM_REASON_NONE);
    assert_true(heard.doubtful);
}

static void given_each_error_then_its_reason_and_its_wait_are_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 429, "",
          EXHAUSTED("q", QUOTA("GenerateRequestsPerMinutePerProjectPerModel", "15") ",{\"retryDelay\":\"47s\"}"),
          DM_REASON_RATE_LIMITED, 47000 },
        { 429, "", "[" EXHAUSTED("q", "{\"retryDelay\":\"38.8s\"}") "]", DM_REASON_RATE_LIMITED, 38800 },
        { 429, "", EXHAUSTED("You exceeded your current quota, please check your plan and billing details.", ""),
          DM_REASON_RATE_LIMITED, 0 },
        { 429, "", EXHAUSTED("q", "{\"reason\":\"RATE_LIMIT_EXCEEDED\",\"metadata\":{\"quota_limit\":\"PerMinute\"}}"),
          DM_REASON_RATE_LIMITED, 0 },
        { 429, "", EXHAUSTED("q", QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "250")),
          DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, "", EXHAUSTED("q", QUOTA("GenerateRequestsPerMinute", "0")), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, "", EXHAUSTED("q", "{\"metadata\":{\"quota_limit\":\"RequestsPerDay\"}}"), DM_REASON_QUOTA_EXHAUSTED,
          0 },
        { 429, "", EXHAUSTED("Your project has exceeded its monthly Spending Cap.", ""), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 503, "", ERROR("UNAVAILABLE", ""), DM_REASON_OVERLOADED, 0 },
        { 500, "", ERROR("INTERNAL", ""), DM_REASON_OVERLOADED, 0 },
        { 504, "", ERROR("DEADLINE_EXCEEDED", ""), DM_REASON_MODEL_TIMEOUT, 0 },
        { 400, "", ERROR("INVALID_ARGUMENT", ""), DM_REASON_BAD_REQUEST, 0 },
        { 400, "", ERROR("INVALID_ARGUMENT", "{\"reason\":\"API_KEY_INVALID\"}"), DM_REASON_AUTH_FAILED, 0 },
        { 400, "", ERROR("FAILED_PRECONDITION", ""), DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 401, "", ERROR("UNAUTHENTICATED", ""), DM_REASON_AUTH_FAILED, 0 },
        { 403, "", ERROR("PERMISSION_DENIED", ""), DM_REASON_AUTH_FAILED, 0 },
        { 404, "", ERROR("NOT_FOUND", ""), DM_REASON_BAD_REQUEST, 0 },
        { 200, "", ERROR("UNAVAILABLE", ""), DM_REASON_OVERLOADED, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
    wires_expect_garbage(PROVIDER);
}

static void given_a_quota_of_the_minute_then_it_is_told_as_a_limit(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(PROVIDER, 429, "",
                       EXHAUSTED("q", QUOTA("GenerateRequestsPerMinutePerProject", "15") "," QUOTA(
                                          "GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000")));
    assert_int_equal(heard.limits.requests_per_minute, 15);
    assert_int_equal(heard.limits.tokens_per_minute, 250000);
}

static void given_an_error_then_the_sentence_says_it_without_what_is_quoted_at_length(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 400, "",
        "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"Can't decode \\\"The quick brown fox jumps over the "
        "lazy dog of the page\\\" in\\n'parts'\"}}");
    assert_string_equal(heard.detail, "HTTP 400 INVALID_ARGUMENT: Can't decode [...] in 'parts'");
    DM_AUTO(dm_provider_heard)
    refused = wires_read(PROVIDER, 400, "",
                         "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"Key k-1 not valid\",\"details\":"
                         "[{\"reason\":\"API_KEY_INVALID\"}]}}");
    assert_string_equal(refused.detail, "HTTP 400 INVALID_ARGUMENT");
    DM_AUTO(dm_provider_heard)
    schema =
        wires_read(PROVIDER, 400, "",
                   "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"JSON mode is not enabled for it\"}}");
    assert_true(schema.schema_refused);
    assert_false(heard.schema_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_page_as_pdf_then_the_body_is_what_the_vendors_own_client_writes),
        cmocka_unit_test(given_an_answer_that_would_not_do_then_it_and_the_complaint_are_turns),
        cmocka_unit_test(given_a_model_then_it_thinks_as_little_as_it_can),
        cmocka_unit_test(given_an_answer_then_its_texts_are_joined_without_thoughts_and_its_tokens_are_billed),
        cmocka_unit_test(given_each_end_of_an_answer_then_its_reason_is_known),
        cmocka_unit_test(given_each_error_then_its_reason_and_its_wait_are_known),
        cmocka_unit_test(given_a_quota_of_the_minute_then_it_is_told_as_a_limit),
        cmocka_unit_test(given_an_error_then_the_sentence_says_it_without_what_is_quoted_at_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
