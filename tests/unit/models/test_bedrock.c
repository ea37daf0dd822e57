/* test_bedrock.c: Converse's requests and answers. */
#include "wires.h"

#define PROVIDER (&dm_provider_bedrock)
#define ANSWER(content, stop)                                                                                          \
    "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[" content "]}},\"stopReason\":\"" stop "\"}"
#define TYPE(name) "x-amzn-ErrorType: " name ":http://internal/\n"

static void given_a_page_as_pdf_then_the_model_must_answer_through_a_tool(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("amazon.nova-lite-v1:0");
    ask.picture = DM_STR("%PDF-");
    ask.picture_media = DM_MEDIA_PDF;
    wires_expect(PROVIDER, &ask, NULL,
                 "https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse",
                 "{\"system\":[{\"text\":\"You read one page.\"}],\"messages\":[{\"role\":\"user\",\"content\":["
                 "{\"document\":{\"format\":\"pdf\",\"name\":\"page\",\"source\":{\"bytes\":\"JVBERi0=\"}}},"
                 "{\"text\":\"Return the \\\"analysis\\\".\"}]}],\"inferenceConfig\":{\"maxTokens\":4096,"
                 "\"temperature\":0},\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"page\",\"inputSchema\":"
                 "{\"json\":{\"type\":\"object\"}}}}],\"toolChoice\":{\"tool\":{\"name\":\"page\"}}}}",
                 "authorization", "bedrock-1");
}

static void given_an_inference_profile_then_it_is_one_segment_of_the_path(void **state)
{
    (void)state;
    struct dm_provider_ask ask = wires_ask("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude");
    ask.picture = DM_STR("abc");
    ask.picture_media = DM_MEDIA_JPEG;
    ask.schema = DM_STR("");
    ask.rejected = DM_STR("{");
    ask.complaint = DM_STR("no");
    wires_expect(
        PROVIDER, &ask, "http://127.0.0.1:1",
        "http://127.0.0.1:1/model/"
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude/converse",
        "{\"system\":[{\"text\":\"You read one page.\"}],\"messages\":[{\"role\":\"user\",\"content\":["
        "{\"image\":{\"format\":\"jpeg\",\"source\":{\"bytes\":\"YWJj\"}}},"
        "{\"text\":\"Return the \\\"analysis\\\".\"}]},{\"role\":\"assistant\",\"content\":[{\"text\":\"{\"}]},"
        "{\"role\":\"user\",\"content\":[{\"text\":\"no\"}]}],\"inferenceConfig\":{\"maxTokens\":4096}}",
        "authorization", NULL);
}

static void given_an_answer_then_the_tools_input_is_the_text(void **state)
{
    (void)state;
    DM_AUTO(dm_provider_heard)
    heard = wires_read(
        PROVIDER, 200, "x-amzn-RequestId: r-1\n",
        "{\"output\":{\"message\":{\"content\":[{\"reasoningContent\":{}},{\"text\":\"I shall\"},{\"toolUse\":"
        "{\"toolUseId\":\"t\",\"name\":\"page\",\"input\":{\"b\":1,\"a\":[]}}}]}},\"stopReason\":\"tool_use\","
        "\"usage\":"
        "{\"inputTokens\":802,\"outputTokens\":140,\"cacheReadInputTokens\":10,\"cacheWriteInputTokens\":0}}");
    assert_int_equal(heard.reason, DM_REASON_NONE);
    assert_text(dm_buf_str(&heard.text), DM_STR("{\"b\":1,\"a\":[]}"));
    assert_int_equal(heard.tokens.input, 812);
    assert_int_equal(heard.tokens.cached, 10);
    assert_int_equal(heard.tokens.output, 140);
    assert_string_equal(heard.request_id, "r-1");
    DM_AUTO(dm_provider_heard)
    plain = wires_read(PROVIDER, 200, "", ANSWER("{\"text\":\"{\"},{\"text\":\"}\"}", "end_turn"));
    assert_text(dm_buf_str(&plain.text), DM_STR("{}"));
}

static void given_credentials_and_no_key_then_the_request_is_signed(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_aws_credentials credentials = { 0 };
    struct dm_provider_ask ask = wires_ask("amazon.nova-lite-v1:0");
    assert_ok(dm_secret_make(DM_STR("AKIA1"), "id", &credentials.key_id, &err), &err);
    assert_ok(dm_secret_make(DM_STR("hush"), "key", &credentials.key, &err), &err);
    const struct dm_provider_access access = { .region = DM_STR("eu-west-1"),
                                               .credentials = &credentials,
                                               .wall_ms = WIRES_NOW_MS };
    DM_AUTO(dm_provider_call) call = { .url = dm_buf_make(1000), .body = dm_buf_make(10000) };
    assert_ok(PROVIDER->write(&ask, &access, &call, &err), &err);
    struct dm_str authorization = DM_STR(""), date = DM_STR("");
    for (uint32_t i = 0; i < call.header_count; i++) {
        struct dm_str value = dm_secret_reveal(&call.headers[i].value);
        assert_true(dm_str_find(value, DM_STR("hush")) == value.len);
        if (dm_str_eq_nocase(call.headers[i].name, DM_STR("authorization")))
            authorization = value;
        if (dm_str_eq_nocase(call.headers[i].name, DM_STR("x-amz-date")))
            date = value;
    }
    assert_true(dm_str_starts(authorization, DM_STR("AWS4-HMAC-SHA256 Credential=AKIA1/20261127/eu-west-1/bedrock/")));
    assert_text(date, DM_STR("20261127T120000Z"));
    dm_aws_credentials_free(&credentials);
}

static void given_each_failure_then_its_reason_and_its_wait_are_known(void **state)
{
    (void)state;
    static const struct wires_failure rows[] = {
        { 200, "", ANSWER("{\"text\":\"{\"}", "max_tokens"), DM_REASON_TRUNCATED, 0 },
        { 200, "", ANSWER("", "model_context_window_exceeded"), DM_REASON_TRUNCATED, 0 },
        { 200, "", ANSWER("{\"text\":\"no\"}", "guardrail_intervened"), DM_REASON_BLOCKED, 0 },
        { 200, "", ANSWER("", "content_filtered"), DM_REASON_BLOCKED, 0 },
        { 200, "", ANSWER("", "malformed_model_output"), DM_REASON_INVALID_JSON, 0 },
        { 200, "", ANSWER("", "malformed_tool_use"), DM_REASON_INVALID_JSON, 0 },
        { 200, "", ANSWER("", "end_turn"), DM_REASON_EMPTY_ANSWER, 0 },
        { 429, TYPE("ThrottlingException") "retry-after: 3\n", "{\"message\":\"m\"}", DM_REASON_RATE_LIMITED, 3000 },
        { 429, TYPE("ThrottlingException"), "{\"message\":\"Too many tokens per day, please wait\"}",
          DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 429, TYPE("ModelNotReadyException"), "{}", DM_REASON_OVERLOADED, 0 },
        { 503, TYPE("ServiceUnavailableException"), "{}", DM_REASON_OVERLOADED, 0 },
        { 500, TYPE("InternalServerException"), "{}", DM_REASON_OVERLOADED, 0 },
        { 408, TYPE("ModelTimeoutException"), "{}", DM_REASON_MODEL_TIMEOUT, 0 },
        { 424, TYPE("ModelErrorException"), "{\"originalStatusCode\":500}", DM_REASON_OVERLOADED, 0 },
        { 424, TYPE("ModelErrorException"), "{\"originalStatusCode\":400}", DM_REASON_BAD_REQUEST, 0 },
        { 400, TYPE("ServiceQuotaExceededException"), "{}", DM_REASON_QUOTA_EXHAUSTED, 0 },
        { 400, TYPE("ValidationException"), "{}", DM_REASON_BAD_REQUEST, 0 },
        { 404, TYPE("ResourceNotFoundException"), "{}", DM_REASON_BAD_REQUEST, 0 },
        { 403, TYPE("AccessDeniedException"), "{\"Message\":\"m\"}", DM_REASON_AUTH_FAILED, 0 },
        { 403, TYPE("UnrecognizedClientException"), "{}", DM_REASON_AUTH_FAILED, 0 },
        { 403, TYPE("InvalidClientTokenId"), "{}", DM_REASON_AUTH_FAILED, 0 },
        { 400, "", "{\"__type\":\"com.amazon.coral#ExpiredTokenException\"}", DM_REASON_AUTH_FAILED, 0 },
    };
    wires_expect_failures(PROVIDER, rows, DM_COUNT(rows));
    wires_expect_garbage(PROVIDER);
    DM_AUTO(dm_provider_heard)
    heard = wires_read(PROVIDER, 400, TYPE("ValidationException"),
                       "{\"message\":\"This model doesn't support the toolConfig.toolChoice.tool field.\"}");
    assert_true(heard.schema_refused);
    assert_false(heard.credentials_unknown);
    DM_AUTO(dm_provider_heard) expired = wires_read(PROVIDER, 403, TYPE("ExpiredTokenException"), "{}");
    assert_true(expired.credentials_unknown);
    DM_AUTO(dm_provider_heard) forbidden = wires_read(PROVIDER, 403, TYPE("AccessDeniedException"), "{}");
    assert_false(forbidden.credentials_unknown); /* others of the same account may do no more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_page_as_pdf_then_the_model_must_answer_through_a_tool),
        cmocka_unit_test(given_an_inference_profile_then_it_is_one_segment_of_the_path),
        cmocka_unit_test(given_an_answer_then_the_tools_input_is_the_text),
        cmocka_unit_test(given_credentials_and_no_key_then_the_request_is_signed),
        cmocka_unit_test(given_each_failure_then_its_reason_and_its_wait_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
