/* test_remote.c: calls of the model port, over a client that keeps them until the test answers. */
#include "testing.h"

#include <stdio.h>

#include "aws/aws.h"
#include "embedded/embedded.h"
#include "models/models.h"
#include "net/multi.h"

#define ANALYSIS                                                                                                       \
    "{\\\"summary\\\":\\\"S\\\",\\\"entities\\\":[],\\\"keyPoints\\\":[],\\\"sentiment\\\":\\\"neutral\\\"}"
#define SPOKEN(text)                                                                                                   \
    "{\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"stop\"}],\"usage\":"                    \
    "{\"prompt_tokens\":1000,\"completion_tokens\":100},\"id\":\"c-1\"}"

/* What was handed to the client; its answer is given by answer(). */
static struct {
    enum dm_code refuse;
    struct dm_buf url, headers, body;
    dm_multi_done *done;
    void *context;
    int sent;
} client;

void dm_multi_interrupt(struct dm_multi *multi)
{
    (void)multi;
}

enum dm_code dm_multi_send(struct dm_multi *multi, const struct dm_http_request *request, dm_multi_done *done,
                           void *context, struct dm_err *err)
{
    (void)multi;
    if (client.refuse != DM_OK)
        return dm_fail(err, client.refuse, "refused");
    assert_true(request->total_ms > 0 && request->total_ms <= 120000 && request->answer_max > 0);
    dm_buf_clear(&client.url);
    dm_buf_clear(&client.headers);
    dm_buf_clear(&client.body);
    dm_buf_add(&client.url, request->url);
    dm_buf_add(&client.body, request->body);
    for (uint32_t i = 0; i < request->header_count; i++)
        dm_buf_addf(&client.headers, "%.*s: %.*s\n", DM_STR_ARG(request->headers[i].name),
                    DM_STR_ARG(request->headers[i].value));
    client.done = done;
    client.context = context;
    client.sent++;
    return DM_OK;
}

static void answer(enum dm_code code, uint32_t status, const char *body)
{
    struct dm_http_answer http = { .status = status, .headers = dm_buf_make(100), .body = dm_buf_make(100000) };
    struct dm_err err = { .code = code, .text = "what the client says" };
    dm_buf_add_z(&http.body, body);
    client.done(client.context, code, &http, &err);
    dm_http_answer_free(&http);
}

static const struct dm_tenant tenant = { "acme" };
static const struct dm_model_request page = { .task = DM_MODEL_PAGE, .page = 1, .text = DM_STR_INIT("text of it") };
static struct dm_model_answer got;
static int answered;

static void done(void *context, struct dm_model_answer *from)
{
    (void)context;
    dm_model_answer_free(&got);
    got = *from;
    answered++;
}

static int set_up(void **state)
{
    (void)state;
    client.refuse = DM_OK;
    client.sent = answered = 0;
    client.url = dm_buf_make(10000);
    client.headers = dm_buf_make(10000);
    client.body = dm_buf_make(1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dm_buf_free(&client.url);
    dm_buf_free(&client.headers);
    dm_buf_free(&client.body);
    dm_model_answer_free(&got);
    return 0;
}

static enum dm_code make(struct dm_model_remote_options options, const char *key, struct dm_model *ret,
                         struct dm_err *err)
{
    DM_AUTO(dm_secret) secret = { 0 };
    options.runtime = dm_threads_runtime();
    assert_ok(dm_secret_make(dm_str_z(key), "key", &secret, err), err);
    options.key = &secret;
    return dm_model_remote_start(&options, ret, err);
}

static struct dm_model model_of(const char *name, const char *key)
{
    struct dm_err err;
    struct dm_model model;
    assert_ok(make((struct dm_model_remote_options){ .name = name, .region = "eu-west-1" }, key, &model, &err), &err);
    return model;
}

static void start(struct dm_model model)
{
    struct dm_err err;
    assert_ok(dm_model_start(model, &tenant, &page, done, NULL, &err), &err);
}

static bool has(const struct dm_buf *buf, const char *part)
{
    return dm_str_find(dm_buf_str(buf), dm_str_z(part)) < buf->len;
}

static void given_a_good_answer_then_the_analysis_its_tokens_and_its_cost_are_told(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_model model = model_of("openai:gpt-4.1-mini", "sk-1");
    assert_string_equal(model.name, "openai:gpt-4.1-mini");
    start(model);
    assert_text(dm_buf_str(&client.url), DM_STR("https://api.openai.com/v1/chat/completions"));
    assert_true(has(&client.headers, "authorization: Bearer sk-1\n") && has(&client.body, "text of it"));
    answer(DM_OK, 200, SPOKEN(ANALYSIS));
    assert_int_equal(answered, 1);
    assert_int_equal(got.reason, DM_REASON_NONE);
    assert_text(dm_buf_str(&got.analysis),
                DM_STR("{\"summary\":\"S\",\"entities\":[],\"keyPoints\":[],\"sentiment\":\"neutral\"}"));
    assert_int_equal(got.status, 200);
    assert_int_equal(got.usage.model_calls, 1);
    assert_int_equal(got.usage.input_tokens, 1000);
    assert_int_equal(got.usage.cost_micros, 400 + 160);
    assert_string_equal(got.request_id, "c-1");
    assert_ok(dm_model_check(model, &err), &err);
    dm_model_remote_stop(&model);
}

static void given_an_answer_of_another_shape_then_it_comes_back_with_what_is_wrong(void **state)
{
    (void)state;
    struct dm_model model = model_of("openai:gpt-4.1-mini", "sk-1");
    start(model);
    answer(DM_OK, 200, SPOKEN("{\\\"summary\\\":7}"));
    assert_int_equal(got.reason, DM_REASON_SCHEMA_MISMATCH);
    assert_string_equal(got.detail, "\"summary\" must be a string; it is a number");
    assert_text(dm_buf_str(&got.rejected), DM_STR("{\"summary\":7}"));
    assert_int_equal(got.usage.output_tokens, 100);
    start(model);
    answer(DM_OK, 200, SPOKEN("Sorry"));
    assert_int_equal(got.reason, DM_REASON_INVALID_JSON);
    assert_text(dm_buf_str(&got.rejected), DM_STR("Sorry"));
    dm_model_remote_stop(&model);
}

static void given_an_end_not_known_here_then_the_text_counts_only_if_it_is_what_was_asked_for(void **state)
{
    (void)state;
    struct dm_model model = model_of("gemini:gemini-2.5-flash", "k");
    start(model);
    answer(DM_OK, 200,
           "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" ANALYSIS "\"}]},\"finishReason\":\"NEW\"}]}");
    assert_int_equal(got.reason, DM_REASON_NONE);
    start(model);
    answer(DM_OK, 200, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{\"}]},\"finishReason\":\"NEW\"}]}");
    assert_int_equal(got.reason, DM_REASON_EMPTY_ANSWER);
    assert_int_equal(got.rejected.len, 0);
    dm_model_remote_stop(&model);
}

static void given_failures_of_the_way_there_then_each_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        enum dm_code code;
        enum dm_reason reason;
    } rows[] = {
        { DM_UNAVAILABLE, DM_REASON_NETWORK },
        { DM_TIMEOUT, DM_REASON_MODEL_TIMEOUT },
        { DM_TOO_LARGE, DM_REASON_INVALID_JSON },
        { DM_CANCELLED, DM_REASON_CANCELLED },
        { DM_NO_MEMORY, DM_REASON_OVERLOADED },
        { DM_INVALID, DM_REASON_BAD_REQUEST },
        { DM_IO, DM_REASON_NETWORK },
    };
    struct dm_model model = model_of("gemini:gemini-2.5-flash", "k");
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        start(model);
        answer(rows[i].code, 0, "");
        assert_int_equal(got.reason, rows[i].reason);
        assert_string_equal(got.detail, "what the client says");
        assert_int_equal(got.status, 0);
    }
    dm_model_remote_stop(&model);
}

static void given_a_server_that_takes_no_schema_then_it_is_asked_without_and_never_with_one_again(void **state)
{
    (void)state;
    struct dm_model model = model_of("openai:local", NULL);
    start(model);
    assert_true(has(&client.body, "response_format"));
    answer(DM_OK, 400, "{\"error\":{\"message\":\"unknown field response_format\"}}");
    assert_int_equal(got.reason, DM_REASON_BAD_REQUEST);
    assert_true(got.adapted);
    assert_int_equal(got.usage.model_calls, 1);
    assert_int_equal(client.sent, 1); /* a call is one request */
    start(model);
    assert_false(has(&client.body, "response_format"));
    assert_true(has(&client.body, "JSON Schema"));
    answer(DM_OK, 200, SPOKEN(ANALYSIS));
    assert_int_equal(got.reason, DM_REASON_NONE);
    start(model);
    assert_false(has(&client.body, "response_format"));
    answer(DM_OK, 400, "{\"error\":{\"message\":\"unknown field response_format\"}}");
    assert_int_equal(got.reason, DM_REASON_BAD_REQUEST);
    assert_false(got.adapted);
    assert_int_equal(client.sent, 3);
    dm_model_remote_stop(&model);
}

static void given_a_refused_key_then_check_says_so_until_a_call_succeeds_and_nobody_shows_it(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_model model = model_of("gemini:gemini-2.5-flash", "k-secret-1");
    start(model);
    answer(DM_OK, 403, "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"message\":\"key k-secret-1 is off\"}}");
    assert_int_equal(got.reason, DM_REASON_AUTH_FAILED);
    assert_string_equal(got.detail, "gemini refused the key in GEMINI_API_KEY (HTTP 403)");
    assert_code(dm_model_check(model, &err), DM_DENIED, &err);
    assert_string_equal(err.text, "auth_failed: gemini refused the key in GEMINI_API_KEY (HTTP 403)");
    start(model);
    answer(DM_OK, 503, "");
    assert_ok(dm_model_check(model, &err), &err);
    for (int i = 0; i < 2; i++) {
        start(model);
        answer(DM_UNAVAILABLE, 0, "");
    }
    assert_code(dm_model_check(model, &err), DM_UNAVAILABLE, &err);
    dm_model_remote_stop(&model);
}

struct own {
    const char *key; /* of acme; NULL: it cannot be opened */
};

static enum dm_code key_of(void *context, const struct dm_tenant *of, struct dm_secret *ret, struct dm_err *err)
{
    const struct own *own = context;
    if (!dm_str_eq(dm_str_z(of->id), DM_STR("acme")))
        return DM_OK;
    return own->key ? dm_secret_make(dm_str_z(own->key), "key", ret, err)
                    : dm_fail(err, DM_DENIED, "sealed by another");
}

static uint64_t account_of(struct dm_model model, const struct dm_tenant *of)
{
    struct dm_err err;
    uint64_t account;
    assert_ok(dm_model_account(model, of, &account, &err), &err);
    return account;
}

static void given_a_tenant_with_a_key_of_its_own_then_it_is_used_and_its_failure_is_no_one_elses(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_model model;
    struct own own = { "own-key" };
    const struct dm_model_remote_options options = { .name = "gemini:g", .key_of = key_of, .key_of_context = &own };
    assert_ok(make(options, NULL, &model, &err), &err);
    struct dm_model_request owned = page;
    owned.account = account_of(model, &tenant);
    assert_ok(dm_model_start(model, &tenant, &owned, done, NULL, &err), &err);
    assert_true(has(&client.headers, "x-goog-api-key: own-key\n"));
    answer(DM_OK, 401, "");
    assert_string_equal(got.detail, "gemini refused the key in the tenant's settings (HTTP 401)");
    assert_ok(dm_model_check(model, &err), &err);
    static const struct dm_tenant other = { "other" };
    assert_code(dm_model_start(model, &other, &page, done, NULL, &err), DM_DENIED, &err);
    assert_string_equal(err.text, "there is no key for gemini: set GEMINI_API_KEY");
    dm_model_remote_stop(&model);
}

static void given_what_somebody_must_mend_then_the_setting_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        uint32_t status;
        const char *body, *says;
    } rows[] = {
        { "openai:gpt-5.1-min", 404, "{\"error\":{\"message\":\"m\",\"code\":\"model_not_found\"}}",
          "openai knows no such model: correct MODEL (HTTP 404 model_not_found: m)" },
        { "gemini:gemini-0", 404, "{\"error\":{\"code\":404,\"message\":\"m\",\"status\":\"NOT_FOUND\"}}",
          "gemini knows no such model: correct MODEL (HTTP 404 NOT_FOUND: m)" },
        { "anthropic:claude", 404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"m\"}}",
          "anthropic knows no such model: correct MODEL (HTTP 404 not_found_error: m)" },
        { "bedrock:nova", 400,
          "{\"__type\":\"ValidationException\",\"message\":\"The provided model identifier is invalid.\"}",
          "bedrock knows no such model: correct MODEL (HTTP 400 ValidationException: The provided model identifier is "
          "invalid.)" },
        { "openai:local", 404, "<html>", "openai is not at this address: correct OPENAI_BASE_URL (HTTP 404)" },
        { "gemini:g", 302, "", "gemini is not at this address: correct GEMINI_BASE_URL (HTTP 302)" },
        { "openai:local", 400, "{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}",
          "longer than the model takes: name one in MODEL that takes more (HTTP 400 context_length_exceeded: m)" },
        { "anthropic:claude", 400,
          "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 9 > 8\"}}",
          "longer than the model takes: name one in MODEL that takes more (HTTP 400 invalid_request_error: prompt is "
          "too "
          "long: 9 > 8)" },
        { "gemini:g", 400, "{\"error\":{\"message\":\"The input token count exceeds the maximum\"}}",
          "longer than the model takes: name one in MODEL that takes more (HTTP 400: The input token count exceeds the "
          "maximum)" },
        { "bedrock:nova", 400,
          "{\"__type\":\"ValidationException\",\"message\":\"Input is too long for requested model.\"}",
          "longer than the model takes: name one in MODEL that takes more (HTTP 400 ValidationException: Input is too "
          "long "
          "for requested model.)" },
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_model model = model_of(rows[i].model, "k-1");
        start(model);
        answer(DM_OK, rows[i].status, rows[i].body);
        assert_int_equal(got.reason, DM_REASON_BAD_REQUEST);
        assert_string_equal(got.detail, rows[i].says);
        dm_model_remote_stop(&model);
    }
}

/* Credentials that are renewed once. */
struct renewed {
    const char *key_id;
    const char *next; /* NULL: there are no others */
};

static enum dm_code credentials_of(void *context, struct dm_aws_credentials *ret, struct dm_err *err)
{
    const struct renewed *renewed = context;
    *ret = (struct dm_aws_credentials){ .session = { NULL } };
    assert_ok(dm_secret_make(dm_str_z(renewed->key_id), "id", &ret->key_id, err), err);
    return dm_secret_make(DM_STR("hush"), "key", &ret->key, err);
}

static bool expired(void *context, const struct dm_aws_credentials *used)
{
    struct renewed *renewed = context;
    assert_text(dm_secret_reveal(&used->key_id), dm_str_z(renewed->key_id));
    bool others = renewed->next != NULL;
    renewed->key_id = others ? renewed->next : renewed->key_id;
    renewed->next = NULL;
    return others;
}

static void given_credentials_that_expire_then_the_next_call_has_others_where_there_are_any(void **state)
{
    (void)state;
    static const char refusal[] = "{\"__type\":\"ExpiredTokenException\",\"message\":\"m\"}";
    struct dm_err err;
    struct dm_model model;
    struct renewed renewed = { "AKIA1", "AKIA2" };
    const struct dm_model_remote_options options = { .name = "bedrock:n",
                                                     .region = "eu-west-1",
                                                     .credentials_of = credentials_of,
                                                     .credentials_expired = expired,
                                                     .credentials_context = &renewed };
    assert_ok(make(options, NULL, &model, &err), &err);
    start(model);
    assert_true(has(&client.headers, "Credential=AKIA1/"));
    answer(DM_OK, 403, refusal);
    assert_int_equal(got.reason, DM_REASON_AUTH_FAILED);
    assert_true(got.adapted);
    assert_ok(dm_model_check(model, &err), &err);
    start(model);
    assert_true(has(&client.headers, "Credential=AKIA2/"));
    answer(DM_OK, 403, refusal);
    assert_false(got.adapted);
    assert_string_equal(got.detail, "bedrock refused the credentials of AWS (HTTP 403 ExpiredTokenException: m)");
    assert_code(dm_model_check(model, &err), DM_DENIED, &err);
    dm_model_remote_stop(&model);
}

static void given_a_key_that_changes_then_so_does_the_account_and_leave_of_the_one_before_is_worth_nothing(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_model model;
    static const struct dm_tenant other = { "other" };
    struct own own = { "own-key" };
    const struct dm_model_remote_options options = { .name = "gemini:g", .key_of = key_of, .key_of_context = &own };
    assert_ok(make(options, "common", &model, &err), &err);
    assert_int_equal(account_of(model, &other), 0);
    uint64_t first = account_of(model, &tenant);
    assert_true(first != 0);
    assert_true(account_of(model, &tenant) == first);
    assert_code(dm_model_start(model, &tenant, &page, done, NULL, &err), DM_CONFLICT, &err);
    struct dm_model_request owned = page;
    owned.account = first;
    assert_code(dm_model_start(model, &other, &owned, done, NULL, &err), DM_CONFLICT, &err);
    own.key = "another";
    uint64_t second = account_of(model, &tenant);
    assert_true(second != first && second != 0);
    assert_code(dm_model_start(model, &tenant, &owned, done, NULL, &err), DM_CONFLICT, &err);
    own.key = NULL;
    uint64_t none = account_of(model, &tenant);
    assert_true(none != 0 && none != second);
    owned.account = 0; /* nobody else's trouble */
    assert_code(dm_model_start(model, &tenant, &owned, done, NULL, &err), DM_CONFLICT, &err);
    owned.account = none;
    assert_code(dm_model_start(model, &tenant, &owned, done, NULL, &err), DM_DENIED, &err);
    assert_int_equal(client.sent, 0);
    dm_model_remote_stop(&model);
}

static void given_what_cannot_be_sent_then_start_fails_and_nothing_is_called_back(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_model model = model_of("openai:m", NULL);
    client.refuse = DM_BUSY;
    assert_code(dm_model_start(model, &tenant, &page, done, NULL, &err), DM_BUSY, &err);
    client.refuse = DM_OK;
    struct dm_model_request pdf = page;
    pdf.picture = DM_STR("%PDF");
    pdf.picture_media = DM_MEDIA_PDF;
    assert_code(dm_model_start(model, &tenant, &pdf, done, NULL, &err), DM_UNSUPPORTED, &err);
    dm_model_remote_stop(&model);
    assert_ok(make((struct dm_model_remote_options){ .name = "openai:m", .request_max = 300 }, NULL, &model, &err),
              &err);
    assert_code(dm_model_start(model, &tenant, &page, done, NULL, &err), DM_TOO_LARGE, &err);
    assert_int_equal(answered + client.sent, 0);
    dm_model_remote_stop(&model); /* waits for nobody */
}

static void given_options_that_cannot_be_right_then_the_setting_is_named(void **state)
{
    (void)state;
    static const struct {
        struct dm_model_remote_options options;
        const char *key;
        const char *says;
    } rows[] = {
        { { .name = "gemini:g" }, NULL, "GEMINI_API_KEY must be set" },
        { { .name = "anthropic:c" }, NULL, "ANTHROPIC_API_KEY must be set" },
        { { .name = "gemini:g" }, "two words", "GEMINI_API_KEY must have no spaces" },
        { { .name = "bedrock:n" }, "k", "AWS_REGION must be set" },
        { { .name = "openai:m", .base_url = "ftp://x" }, NULL, "must begin with http" },
        { { .name = "openai:m", .base_url = "http://x/?key=1" }, NULL, "have no query" },
        { { .name = "extractive:" }, NULL, "is no provider's" },
        { { .name = "gpt" }, NULL, "MODEL must begin with a provider" },
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        struct dm_err err;
        struct dm_model model;
        assert_code(make(rows[i].options, rows[i].key, &model, &err), DM_INVALID, &err);
        if (!strstr(err.text, rows[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].says);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(given_a_good_answer_then_the_analysis_its_tokens_and_its_cost_are_told),
        TEST(given_an_answer_of_another_shape_then_it_comes_back_with_what_is_wrong),
        TEST(given_an_end_not_known_here_then_the_text_counts_only_if_it_is_what_was_asked_for),
        TEST(given_failures_of_the_way_there_then_each_has_its_reason),
        TEST(given_a_server_that_takes_no_schema_then_it_is_asked_without_and_never_with_one_again),
        TEST(given_a_refused_key_then_check_says_so_until_a_call_succeeds_and_nobody_shows_it),
        TEST(given_a_tenant_with_a_key_of_its_own_then_it_is_used_and_its_failure_is_no_one_elses),
        TEST(given_what_somebody_must_mend_then_the_setting_is_named),
        TEST(given_credentials_that_expire_then_the_next_call_has_others_where_there_are_any),
        TEST(given_a_key_that_changes_then_so_does_the_account_and_leave_of_the_one_before_is_worth_nothing),
        TEST(given_what_cannot_be_sent_then_start_fails_and_nothing_is_called_back),
        TEST(given_options_that_cannot_be_right_then_the_setting_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
