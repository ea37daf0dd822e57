/* anthropic.c: Anthropic's Messages. https://docs.anthropic.com/en/api/messages
 *
 * Version 2026-10-21 of the protocol takes no temperature. Cached input tokens are counted beside the others here, so they
 * are added up to what the other providers call input. */
#include "wire.h"

#include "base/calendar.h"
#include "base/encode.h"

/* ---- the request ---- */

static void add_picture(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    if (ask->picture.len == 0)
        return;
    const char *type = ask->picture_media == DM_MEDIA_PDF ? "document" : "image";
    dm_buf_addf(body, "{\"type\":\"%s\",\"source\":{\"type\":\"base64\",\"media_type\":\"%s\",\"data\":\"", type,
                dm_media_type(ask->picture_media));
    dm_buf_add_base64(body, ask->picture);
    dm_buf_add_z(body, "\"}},");
}

/* The headers that every request has, and its end. */
static enum dm_code add_access(struct dm_provider_call *ret, const struct dm_provider_access *access,
                               struct dm_err *err)
{
    enum dm_code rc = dm_wire_add_header(ret, DM_STR("anthropic-version"), DM_STR("2026-10-21"), err);
    if (rc == DM_OK)
        rc = dm_wire_add_key(ret, DM_STR("x-api-key"), DM_STR(""), access->key, err);
    return rc == DM_OK ? dm_wire_finish(ret, err) : rc;
}

static enum dm_code write_request(const struct dm_provider_ask *ask, const struct dm_provider_access *access,
                                  struct dm_provider_call *ret, struct dm_err *err)
{
    dm_wire_add_url(ret, access, dm_provider_anthropic.base_url);
    dm_buf_add_z(&ret->url, "/messages");
    dm_buf_add_char(&ret->body, '{');
    dm_wire_add_text(&ret->body, "model", ask->model);
    dm_buf_addf(&ret->body, ",\"max_tokens\":%u,", ask->output_tokens);
    dm_wire_add_text(&ret->body, "system", ask->system);
    dm_wire_add_messages(&ret->body, ask, "{\"type\":\"text\",", add_picture);
    if (ask->schema.len > 0)
        dm_buf_addf(&ret->body, ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":%.*s}}",
                    DM_STR_ARG(ask->schema));
    dm_buf_add_char(&ret->body, '}');
    enum dm_code rc = dm_wire_add_header(ret, DM_STR("content-type"), DM_STR("application/json"), err);
    return rc == DM_OK ? add_access(ret, access, err) : rc;
}

static enum dm_code look_for(struct dm_str model, const struct dm_provider_access *access, struct dm_provider_call *ret,
                             struct dm_err *err)
{
    dm_wire_add_url(ret, access, dm_provider_anthropic.base_url);
    dm_buf_add_z(&ret->url, "/models/");
    dm_buf_add_percent(&ret->url, model, false);
    return add_access(ret, access, err);
}

/* ---- the answer ---- */

static const struct dm_wire_word stops[] = {
    { "end_turn", DM_REASON_NONE },
    { "stop_sequence", DM_REASON_NONE },
    { "tool_use", DM_REASON_NONE },
    { "max_tokens", DM_REASON_TRUNCATED },
    { "model_context_window_exceeded", DM_REASON_TRUNCATED },
    { "refusal", DM_REASON_BLOCKED },
    { "pause_turn", DM_REASON_EMPTY_ANSWER },
};

static const struct dm_wire_word errors[] = {
    { "invalid_request_error", DM_REASON_BAD_REQUEST },
    { "not_found_error", DM_REASON_BAD_REQUEST },
    { "request_too_large", DM_REASON_BAD_REQUEST },
    { "authentication_error", DM_REASON_AUTH_FAILED },
    { "permission_error", DM_REASON_AUTH_FAILED },
    { "billing_error", DM_REASON_QUOTA_EXHAUSTED },
    { "rate_limit_error", DM_REASON_RATE_LIMITED },
    { "timeout_error", DM_REASON_MODEL_TIMEOUT },
    { "api_error", DM_REASON_OVERLOADED },
    { "overloaded_error", DM_REASON_OVERLOADED },
};

static void read_usage(const json_t *usage, struct dm_tokens *ret)
{
    ret->cached = dm_wire_count(usage, "cache_read_input_tokens");
    ret->input =
        dm_wire_count(usage, "input_tokens") + dm_wire_count(usage, "cache_creation_input_tokens") + ret->cached;
    ret->output = dm_wire_count(usage, "output_tokens");
}

static void read_message(const json_t *message, struct dm_provider_heard *ret)
{
    size_t i;
    json_t *block;
    json_array_foreach (json_object_get(message, "content"), i, block)
        if (dm_str_eq(dm_json_str(block, "type"), DM_STR("text")))
            dm_buf_add(&ret->text, dm_json_str(block, "text"));
    read_usage(json_object_get(message, "usage"), &ret->tokens);
    struct dm_str stop = dm_json_str(message, "stop_reason");
    dm_wire_stopped(ret, dm_wire_reason(stops, DM_COUNT(stops), stop), stop);
}

static void read_error(const json_t *body, uint32_t status, struct dm_provider_heard *ret)
{
    static const char *const no_schema[] = { "output_config", "output_format", "json_schema" };
    const json_t *error = json_object_get(body, "error");
    struct dm_str type = dm_json_str(error, "type");
    struct dm_str message = dm_json_str(error, "message");
    enum dm_reason reason = dm_wire_reason(errors, DM_COUNT(errors), type);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_status_reason(status);
    dm_wire_failed(ret, reason, status, type, message);
    ret->schema_refused = status == 400 && dm_wire_says(message, no_schema, DM_COUNT(no_schema));
}

static struct dm_str limit_header(const struct dm_http_answer *answer, const char *kind, const char *what)
{
    DM_AUTO(dm_buf) name = dm_buf_make(64);
    dm_buf_addf(&name, "anthropic-ratelimit-%s-%s", kind, what);
    return dm_http_answer_header(answer, dm_buf_str(&name));
}

/* A limit that was told before stays. */
static void read_limit(const struct dm_http_answer *answer, const char *kind, int64_t answered_ms, uint64_t *ret_limit,
                       int64_t *pause_ms)
{
    struct dm_wire_limit told = { .remaining = UINT64_MAX };
    int64_t reset_ms;
    (void)dm_str_to_u64(limit_header(answer, kind, "limit"), &told.limit);
    (void)dm_str_to_u64(limit_header(answer, kind, "remaining"), &told.remaining);
    if (dm_time_parse(limit_header(answer, kind, "reset"), &reset_ms))
        told.reset_ms = reset_ms - answered_ms;
    if (*ret_limit == 0)
        *ret_limit = dm_wire_per_minute(&told);
    int64_t wait_ms = dm_wire_pause_ms(&told);
    *pause_ms = wait_ms > *pause_ms ? wait_ms : *pause_ms;
}

static void read_limits(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_model_limits *ret)
{
    uint64_t output_tokens = 1; /* not wanted: output is not what limits the reading of pages */
    int64_t answered_ms = dm_wire_answered_ms(answer, wall_ms);
    read_limit(answer, "requests", answered_ms, &ret->requests_per_minute, &ret->pause_ms);
    read_limit(answer, "tokens", answered_ms, &ret->tokens_per_minute, &ret->pause_ms);
    read_limit(answer, "input-tokens", answered_ms, &ret->tokens_per_minute, &ret->pause_ms);
    read_limit(answer, "output-tokens", answered_ms, &output_tokens, &ret->pause_ms);
}

static void read_answer(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_provider_heard *ret)
{
    bool good = answer->status >= 200 && answer->status < 300;
    json_auto_t *body = good ? dm_wire_body(answer, ret) : dm_wire_error_body(answer);
    dm_wire_request_id(ret, dm_http_answer_header(answer, DM_STR("request-id")));
    if (ret->request_id[0] == '\0')
        dm_wire_request_id(ret, dm_json_str(body, good ? "id" : "request_id"));
    read_limits(answer, wall_ms, &ret->limits);
    if (!good)
        ret->retry_after_ms = dm_wire_retry_after(answer, wall_ms);
    if (!good || json_is_object(json_object_get(body, "error")))
        read_error(body, answer->status, ret);
    else if (body)
        read_message(body, ret);
}

const struct dm_provider dm_provider_anthropic = {
    .name = "anthropic",
    .base_url = "https://api.anthropic.com/v1",
    .name_setting = "ANTHROPIC_MODEL",
    .key_setting = "ANTHROPIC_API_KEY",
    .url_setting = "ANTHROPIC_BASE_URL",
    .example = "anthropic:claude-haiku-4-5",
    .takes = DM_MODEL_TAKES_TEXT | DM_MODEL_TAKES_IMAGE | DM_MODEL_TAKES_PDF,
    .write = write_request,
    .look = look_for,
    .read = read_answer,
};
