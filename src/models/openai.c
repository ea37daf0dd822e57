/* openai.c: chat completions, as OpenAI and everyone compatible speaks them: vLLM, Ollama, llama.cpp, OpenRouter.
 *
 * Two things depend on who listens. OpenAI's newer models refuse `max_tokens` and `temperature`, Ollama knows no
 * other name for the limit, and local servers are too lively without a temperature of 0: so OpenAI's own hosts get
 * `max_completion_tokens` and no temperature, all others `max_tokens` and 0. And only OpenAI reads PDF parts, so none are sent.
 * Error bodies differ in where the fields stand and in the type of `code`; whatever is missing counts as not said. */
#include "wire.h"

#include <stdio.h>

#include "base/encode.h"

/* ---- the request ---- */

static void add_content(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    dm_buf_add_z(body, "[{\"type\":\"text\",");
    dm_wire_add_text(body, "text", ask->prompt);
    dm_buf_add_char(body, '}');
    if (ask->picture.len > 0) {
        dm_buf_addf(body, ",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:%s;base64,",
                    dm_media_type(ask->picture_media));
        dm_buf_add_base64(body, ask->picture);
        dm_buf_add_z(body, "\"}}");
    }
    dm_buf_add_char(body, ']');
}

static void add_turn(struct dm_buf *body, const char *role, struct dm_str text)
{
    dm_buf_addf(body, ",{\"role\":\"%s\",", role);
    dm_wire_add_text(body, "content", text);
    dm_buf_add_char(body, '}');
}

static void add_messages(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    dm_buf_add_z(body, ",\"messages\":[{\"role\":\"system\",");
    dm_wire_add_text(body, "content", ask->system);
    dm_buf_add_z(body, "},{\"role\":\"user\",\"content\":");
    add_content(body, ask);
    dm_buf_add_char(body, '}');
    if (ask->rejected.len > 0) {
        add_turn(body, "assistant", ask->rejected);
        add_turn(body, "user", ask->complaint);
    }
    dm_buf_add_char(body, ']');
}

/* The host of an URL without port, path or user. */
static struct dm_str host_of(struct dm_str url)
{
    struct dm_str host = dm_str_from(url, dm_str_find(url, DM_STR("://")) + 3);
    host = dm_str_cut(host, 0, dm_str_find_char(host, '/'));
    return dm_str_cut(host, 0, dm_str_find_char(host, ':'));
}

static bool is_openai(const struct dm_provider_access *access)
{
    struct dm_str host = host_of(access->base_url);
    return access->base_url.len == 0 || dm_str_eq(host, DM_STR("api.openai.com")) ||
           dm_str_ends(host, DM_STR(".api.openai.com")) || dm_str_ends(host, DM_STR(".openai.azure.com"));
}

static enum dm_code write_request(const struct dm_provider_ask *ask, const struct dm_provider_access *access,
                                  struct dm_provider_call *ret, struct dm_err *err)
{
    dm_wire_add_url(ret, access, dm_provider_openai.base_url);
    dm_buf_add_z(&ret->url, "/chat/completions");
    dm_buf_add_char(&ret->body, '{');
    dm_wire_add_text(&ret->body, "model", ask->model);
    add_messages(&ret->body, ask);
    if (is_openai(access))
        dm_buf_addf(&ret->body, ",\"max_completion_tokens\":%u", ask->output_tokens);
    else
        dm_buf_addf(&ret->body, ",\"max_tokens\":%u,\"temperature\":0", ask->output_tokens);
    if (ask->schema.len > 0) {
        dm_buf_add_z(&ret->body, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{");
        dm_wire_add_text(&ret->body, "name", ask->schema_name);
        dm_buf_addf(&ret->body, ",\"strict\":true,\"schema\":%.*s}}", DM_STR_ARG(ask->schema));
    }
    dm_buf_add_char(&ret->body, '}');
    enum dm_code rc = dm_wire_add_header(ret, DM_STR("content-type"), DM_STR("application/json"), err);
    if (rc == DM_OK)
        rc = dm_wire_add_key(ret, DM_STR("authorization"), DM_STR("Bearer "), access->key, err);
    return rc == DM_OK ? dm_wire_finish(ret, err) : rc;
}

/* Compatible servers list other names than they answer to, or have no such path. */
static enum dm_code look_for(struct dm_str model, const struct dm_provider_access *access, struct dm_provider_call *ret,
                             struct dm_err *err)
{
    if (!is_openai(access))
        return dm_fail(err, DM_UNSUPPORTED, "only OpenAI tells which models there are");
    dm_wire_add_url(ret, access, dm_provider_openai.base_url);
    dm_buf_add_z(&ret->url, "/models/");
    dm_buf_add_percent(&ret->url, model, false);
    enum dm_code rc = dm_wire_add_key(ret, DM_STR("authorization"), DM_STR("Bearer "), access->key, err);
    return rc == DM_OK ? dm_wire_finish(ret, err) : rc;
}

/* ---- the answer ---- */

static const struct dm_wire_word stops[] = {
    { "stop", DM_REASON_NONE },
    { "", DM_REASON_NONE }, /* null, or left out */
    { "length", DM_REASON_TRUNCATED },
    { "content_filter", DM_REASON_BLOCKED },
    { "tool_calls", DM_REASON_INVALID_JSON },
    { "function_call", DM_REASON_INVALID_JSON },
    { "abort", DM_REASON_EMPTY_ANSWER },
    { "error", DM_REASON_EMPTY_ANSWER },
};

static const struct dm_wire_word errors[] = {
    { "insufficient_quota", DM_REASON_QUOTA_EXHAUSTED },
    { "billing_hard_limit_reached", DM_REASON_QUOTA_EXHAUSTED },
    { "rate_limit_exceeded", DM_REASON_RATE_LIMITED },
    { "content_policy_violation", DM_REASON_BLOCKED },
    { "content_filter", DM_REASON_BLOCKED },
    { "context_length_exceeded", DM_REASON_BAD_REQUEST },
    { "exceed_context_size_error", DM_REASON_BAD_REQUEST },
    { "invalid_api_key", DM_REASON_AUTH_FAILED },
};

static void read_usage(const json_t *usage, struct dm_tokens *ret)
{
    ret->input = dm_wire_count(usage, "prompt_tokens");
    ret->cached = dm_wire_count(json_object_get(usage, "prompt_tokens_details"), "cached_tokens");
    ret->output = dm_wire_count(usage, "completion_tokens");
}

static void read_choice(const json_t *body, struct dm_provider_heard *ret)
{
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const json_t *content = json_object_get(message, "content");
    struct dm_str stop = dm_json_str(choice, "finish_reason");
    size_t i;
    json_t *part;
    read_usage(json_object_get(body, "usage"), &ret->tokens);
    dm_buf_add(&ret->text, dm_json_str(message, "content"));
    json_array_foreach (content, i, part)
        dm_buf_add(&ret->text, dm_json_str(part, "text"));
    enum dm_reason reason = dm_wire_reason(stops, DM_COUNT(stops), stop);
    if (dm_json_str(message, "refusal").len > 0)
        reason = DM_REASON_BLOCKED;
    dm_wire_stopped(ret, reason, stop);
}

/* Where an error's fields stand: under "error", or, in older servers, beside each other at the top. */
static const json_t *error_of(const json_t *body)
{
    const json_t *error = json_object_get(body, "error");
    return json_is_object(error) ? error : body;
}

static void read_error(const struct dm_http_answer *answer, const json_t *body, uint32_t status,
                       struct dm_provider_heard *ret)
{
    static const char *const no_schema[] = { "response_format", "json_schema", "structured output", "guided" };
    const json_t *error = error_of(body);
    struct dm_str code = dm_json_str(error, "code");
    struct dm_str type = dm_json_str(error, "type");
    struct dm_str message = dm_json_str(error, "message");
    if (message.len == 0)
        message = dm_json_str(body, "error"); /* {"error":"text"} */
    enum dm_reason reason = dm_wire_reason(errors, DM_COUNT(errors), code);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_reason(errors, DM_COUNT(errors), type);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_status_reason(status);
    /* The server's own word on whether another try makes sense, where the status leaves it open. */
    bool again = dm_str_eq(dm_http_answer_header(answer, DM_STR("x-should-retry")), DM_STR("true"));
    if (reason == DM_REASON_BAD_REQUEST && again && code.len == 0)
        reason = DM_REASON_OVERLOADED;
    dm_wire_failed(ret, reason, status, code.len > 0 ? code : type, message);
    ret->schema_refused =
        reason == DM_REASON_BAD_REQUEST && (dm_wire_says(message, no_schema, DM_COUNT(no_schema)) ||
                                            dm_str_starts(dm_json_str(error, "param"), DM_STR("response_format")));
}

static void read_limit(const struct dm_http_answer *answer, const char *kind, uint64_t *ret_limit, int64_t *pause_ms)
{
    char name[48];
    struct dm_wire_limit told = { .remaining = UINT64_MAX };
    snprintf(name, sizeof(name), "x-ratelimit-limit-%s", kind);
    (void)dm_wire_header_number(answer, dm_str_z(name), &told.limit);
    snprintf(name, sizeof(name), "x-ratelimit-remaining-%s", kind);
    (void)dm_wire_header_number(answer, dm_str_z(name), &told.remaining);
    snprintf(name, sizeof(name), "x-ratelimit-reset-%s", kind);
    (void)dm_wire_duration(dm_http_answer_header(answer, dm_str_z(name)), &told.reset_ms);
    *ret_limit = dm_wire_per_minute(&told);
    int64_t wait_ms = dm_wire_pause_ms(&told);
    *pause_ms = wait_ms > *pause_ms ? wait_ms : *pause_ms;
}

/* Some gateways say 200 and mean the status in the error. */
static uint32_t status_in(const json_t *error, uint32_t status)
{
    int64_t code = dm_json_int(error, "code", 0);
    if (status >= 200 && status < 300)
        return code >= 400 && code < 600 ? (uint32_t)code : 502;
    return status;
}

static void read_answer(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_provider_heard *ret)
{
    bool good = answer->status >= 200 && answer->status < 300;
    json_auto_t *body = good ? dm_wire_body(answer, ret) : dm_wire_error_body(answer);
    dm_wire_request_id(ret, dm_http_answer_header(answer, DM_STR("x-request-id")));
    if (ret->request_id[0] == '\0')
        dm_wire_request_id(ret, dm_json_str(body, "id"));
    read_limit(answer, "requests", &ret->limits.requests_per_minute, &ret->limits.pause_ms);
    read_limit(answer, "tokens", &ret->limits.tokens_per_minute, &ret->limits.pause_ms);
    if (!good)
        ret->retry_after_ms = dm_wire_retry_after(answer, wall_ms);
    const json_t *error = json_object_get(body, "error");
    bool told = error && !json_is_null(error) && !json_object_get(body, "choices");
    if (!good || told)
        read_error(answer, body, status_in(error, answer->status), ret);
    else if (body)
        read_choice(body, ret);
}

const struct dm_provider dm_provider_openai = {
    .name = "openai",
    .base_url = "https://api.openai.com/v1",
    .name_setting = "OPENAI_MODEL",
    .key_setting = "OPENAI_API_KEY",
    .url_setting = "OPENAI_BASE_URL",
    .example = "openai:gpt-4.1-mini",
    .key_optional = true,
    .takes = DM_MODEL_TAKES_TEXT | DM_MODEL_TAKES_IMAGE,
    .write = write_request,
    .look = look_for,
    .read = read_answer,
};
