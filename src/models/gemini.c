/* gemini.c: Google's Gemini API. https://ai.google.dev/api/generate-content
 *
 * Thinking is switched off or kept short: its tokens count against the limit of the answer, and a page's analysis gains
 * little by it. The key goes in a header, never in the URL, which ends in logs. */
#include "wire.h"

#include "base/encode.h"

/* ---- the request ---- */

static void add_picture(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    if (ask->picture.len == 0)
        return;
    dm_buf_addf(body, "{\"inlineData\":{\"mimeType\":\"%s\",\"data\":\"", dm_media_type(ask->picture_media));
    dm_buf_add_base64(body, ask->picture);
    dm_buf_add_z(body, "\"}},");
}

static void add_turn(struct dm_buf *body, const char *role, struct dm_str text)
{
    dm_buf_addf(body, ",{\"role\":\"%s\",\"parts\":[{", role);
    dm_wire_add_text(body, "text", text);
    dm_buf_add_z(body, "}]}");
}

static void add_contents(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    dm_buf_add_z(body, ",\"contents\":[{\"role\":\"user\",\"parts\":[");
    add_picture(body, ask);
    dm_buf_add_char(body, '{');
    dm_wire_add_text(body, "text", ask->prompt);
    dm_buf_add_z(body, "}]}");
    if (ask->rejected.len > 0) {
        add_turn(body, "model", ask->rejected);
        add_turn(body, "user", ask->complaint);
    }
    dm_buf_add_char(body, ']');
}

/* Budgets for 2.5 (Flash can do without thinking, Pro cannot), levels from 3 on. What is not known is left at its default. */
static const char *thinking(struct dm_str model)
{
    if (dm_str_starts(model, DM_STR("gemini-2.5-flash")))
        return "{\"thinkingBudget\":0}";
    if (dm_str_starts(model, DM_STR("gemini-2.5-pro")))
        return "{\"thinkingBudget\":128}";
    if (!dm_str_starts(model, DM_STR("gemini-")) || model.len < 8 || model.at[7] < '3' || model.at[7] > '9')
        return NULL;
    bool pro = dm_str_find(model, DM_STR("-pro")) < model.len;
    return pro ? "{\"thinkingLevel\":\"LOW\"}" : "{\"thinkingLevel\":\"MINIMAL\"}";
}

static void add_config(struct dm_buf *body, const struct dm_provider_ask *ask, struct dm_str model)
{
    dm_buf_addf(body,
                ",\"generationConfig\":{\"temperature\":0,\"maxOutputTokens\":%u"
                ",\"responseMimeType\":\"application/json\"",
                ask->output_tokens);
    if (ask->schema.len > 0)
        dm_buf_addf(body, ",\"responseJsonSchema\":%.*s", DM_STR_ARG(ask->schema));
    if (thinking(model))
        dm_buf_addf(body, ",\"thinkingConfig\":%s", thinking(model));
    dm_buf_add_char(body, '}');
}

static struct dm_str plain_name(struct dm_str model)
{
    const struct dm_str prefix = DM_STR("models/");
    return dm_str_starts(model, prefix) ? dm_str_from(model, prefix.len) : model;
}

static void add_url(struct dm_provider_call *ret, const struct dm_provider_access *access, struct dm_str model)
{
    dm_wire_add_url(ret, access, dm_provider_gemini.base_url);
    dm_buf_add_z(&ret->url, "/models/");
    dm_buf_add_percent(&ret->url, model, false);
}

static enum dm_code write_request(const struct dm_provider_ask *ask, const struct dm_provider_access *access,
                                  struct dm_provider_call *ret, struct dm_err *err)
{
    struct dm_str model = plain_name(ask->model);
    add_url(ret, access, model);
    dm_buf_add_z(&ret->url, ":generateContent");
    dm_buf_add_z(&ret->body, "{\"systemInstruction\":{\"parts\":[{");
    dm_wire_add_text(&ret->body, "text", ask->system);
    dm_buf_add_z(&ret->body, "}]}");
    add_contents(&ret->body, ask);
    add_config(&ret->body, ask, model);
    dm_buf_add_char(&ret->body, '}');
    enum dm_code rc = dm_wire_add_header(ret, DM_STR("content-type"), DM_STR("application/json"), err);
    if (rc == DM_OK)
        rc = dm_wire_add_key(ret, DM_STR("x-goog-api-key"), DM_STR(""), access->key, err);
    return rc == DM_OK ? dm_wire_finish(ret, err) : rc;
}

static enum dm_code look_for(struct dm_str model, const struct dm_provider_access *access, struct dm_provider_call *ret,
                             struct dm_err *err)
{
    add_url(ret, access, plain_name(model));
    enum dm_code rc = dm_wire_add_key(ret, DM_STR("x-goog-api-key"), DM_STR(""), access->key, err);
    return rc == DM_OK ? dm_wire_finish(ret, err) : rc;
}

/* ---- the answer ---- */

static const struct dm_wire_word stops[] = {
    { "STOP", DM_REASON_NONE },
    { "MAX_TOKENS", DM_REASON_TRUNCATED },
    { "CONTINUATION", DM_REASON_TRUNCATED },
    { "SAFETY", DM_REASON_BLOCKED },
    { "BLOCKLIST", DM_REASON_BLOCKED },
    { "PROHIBITED_CONTENT", DM_REASON_BLOCKED },
    { "SPII", DM_REASON_BLOCKED },
    { "IMAGE_SAFETY", DM_REASON_BLOCKED },
    { "IMAGE_PROHIBITED_CONTENT", DM_REASON_BLOCKED },
    { "MODEL_ARMOR", DM_REASON_BLOCKED },
    { "ESCALATION", DM_REASON_BLOCKED },
    { "PUP_LIMITED_DISABLED", DM_REASON_BLOCKED },
    { "RECITATION", DM_REASON_RECITATION },
    { "IMAGE_RECITATION", DM_REASON_RECITATION },
    { "LANGUAGE", DM_REASON_BAD_REQUEST },
    { "MALFORMED_RESPONSE", DM_REASON_INVALID_JSON },
    { "MALFORMED_FUNCTION_CALL", DM_REASON_INVALID_JSON },
    { "UNEXPECTED_TOOL_CALL", DM_REASON_INVALID_JSON },
    { "TOO_MANY_TOOL_CALLS", DM_REASON_INVALID_JSON },
    { "MISSING_THOUGHT_SIGNATURE", DM_REASON_INVALID_JSON },
    { "OTHER", DM_REASON_EMPTY_ANSWER },
    { "FINISH_REASON_UNSPECIFIED", DM_REASON_EMPTY_ANSWER },
    { "NO_IMAGE", DM_REASON_EMPTY_ANSWER },
    { "IMAGE_OTHER", DM_REASON_EMPTY_ANSWER },
};

static const struct dm_wire_word errors[] = {
    { "RESOURCE_EXHAUSTED", DM_REASON_RATE_LIMITED },
    { "UNAVAILABLE", DM_REASON_OVERLOADED },
    { "INTERNAL", DM_REASON_OVERLOADED },
    { "DEADLINE_EXCEEDED", DM_REASON_MODEL_TIMEOUT },
    { "INVALID_ARGUMENT", DM_REASON_BAD_REQUEST },
    { "FAILED_PRECONDITION", DM_REASON_QUOTA_EXHAUSTED }, /* billing is off, or not in this country */
    { "UNAUTHENTICATED", DM_REASON_AUTH_FAILED },
    { "PERMISSION_DENIED", DM_REASON_AUTH_FAILED },
    { "NOT_FOUND", DM_REASON_BAD_REQUEST },
};

static void read_usage(const json_t *usage, struct dm_tokens *ret)
{
    ret->input = dm_wire_count(usage, "promptTokenCount");
    ret->cached = dm_wire_count(usage, "cachedContentTokenCount");
    ret->output = dm_wire_count(usage, "candidatesTokenCount") + dm_wire_count(usage, "thoughtsTokenCount");
}

static void read_candidate(const json_t *body, struct dm_provider_heard *ret)
{
    const json_t *candidate = json_array_get(json_object_get(body, "candidates"), 0);
    const json_t *parts = json_object_get(json_object_get(candidate, "content"), "parts");
    struct dm_str blocked = dm_json_str(json_object_get(body, "promptFeedback"), "blockReason");
    size_t i;
    json_t *part;
    read_usage(json_object_get(body, "usageMetadata"), &ret->tokens);
    if (!candidate && blocked.len > 0) {
        dm_wire_stopped(ret, DM_REASON_BLOCKED, blocked);
        return;
    }
    json_array_foreach (parts, i, part)
        if (!json_is_true(json_object_get(part, "thought")))
            dm_buf_add(&ret->text, dm_json_str(part, "text"));
    struct dm_str stop = dm_json_str(candidate, "finishReason");
    dm_wire_stopped(ret, dm_wire_reason(stops, DM_COUNT(stops), stop), stop);
}

static bool contains(struct dm_str text, const char *part)
{
    return dm_str_find(text, dm_str_z(part)) < text.len;
}

/* What the details of an error say. */
struct details {
    bool key_invalid;
    bool any_quota; /* a quota is named */
    bool for_today; /* one that a wait of minutes does not bring back */
    int64_t retry_ms;
    struct dm_model_limits limits;
};

static void note_quota(struct details *details, struct dm_str id, struct dm_str value)
{
    uint64_t limit = 0;
    bool known = dm_str_to_u64(value, &limit);
    details->any_quota = true;
    details->for_today |= contains(id, "PerDay") || (known && limit == 0);
    if (!contains(id, "PerMinute"))
        return;
    if (contains(id, "Token"))
        details->limits.tokens_per_minute = limit;
    else if (contains(id, "Request"))
        details->limits.requests_per_minute = limit;
}

static struct details read_details(const json_t *error)
{
    struct details details = { 0 };
    size_t i, k;
    json_t *detail, *violation;
    json_array_foreach (json_object_get(error, "details"), i, detail) {
        json_array_foreach (json_object_get(detail, "violations"), k, violation)
            note_quota(&details, dm_json_str(violation, "quotaId"), dm_json_str(violation, "quotaValue"));
        details.key_invalid |= dm_str_eq(dm_json_str(detail, "reason"), DM_STR("API_KEY_INVALID"));
        details.for_today |= contains(dm_json_str(json_object_get(detail, "metadata"), "quota_limit"), "PerDay");
        (void)dm_wire_duration(dm_json_str(detail, "retryDelay"), &details.retry_ms);
    }
    return details;
}

static void read_error(const struct dm_http_answer *answer, const json_t *body, int64_t wall_ms,
                       struct dm_provider_heard *ret)
{
    /* Not "billing" alone: every 429 says "check your plan and billing details". */
    static const char *const spent[] = { "spending cap",         "spend cap",      "spending limit", "spend limit",
                                         "credits are depleted", "billing account" };
    static const char *const no_schema[] = { "responseJsonSchema", "response_json_schema", "responseMimeType",
                                             "response_mime_type", "JSON mode" };
    const json_t *error = json_object_get(body, "error");
    struct dm_str word = dm_json_str(error, "status");
    struct dm_str message = dm_json_str(error, "message");
    struct details details = read_details(error);
    enum dm_reason reason = dm_wire_reason(errors, DM_COUNT(errors), word);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_status_reason(answer->status);
    bool spend = !details.any_quota && details.retry_ms == 0 && dm_wire_says(message, spent, DM_COUNT(spent));
    if (reason == DM_REASON_RATE_LIMITED && (details.for_today || spend))
        reason = DM_REASON_QUOTA_EXHAUSTED;
    else if (reason == DM_REASON_BAD_REQUEST && details.key_invalid)
        reason = DM_REASON_AUTH_FAILED;
    dm_wire_failed(ret, reason, answer->status, word, message);
    ret->schema_refused = reason == DM_REASON_BAD_REQUEST && dm_wire_says(message, no_schema, DM_COUNT(no_schema));
    ret->limits = details.limits;
    ret->retry_after_ms = details.retry_ms ? details.retry_ms : dm_wire_retry_after(answer, wall_ms);
}

static void read_answer(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_provider_heard *ret)
{
    bool good = answer->status >= 200 && answer->status < 300;
    json_auto_t *body = good ? dm_wire_body(answer, ret) : dm_wire_error_body(answer);
    dm_wire_request_id(ret, dm_json_str(body, "responseId"));
    if (!good || json_is_object(json_object_get(body, "error")))
        read_error(answer, body, wall_ms, ret);
    else if (body)
        read_candidate(body, ret);
}

const struct dm_provider dm_provider_gemini = {
    .name = "gemini",
    .base_url = "https://generativelanguage.googleapis.com/v1beta",
    .name_setting = "GEMINI_MODEL",
    .key_setting = "GEMINI_API_KEY",
    .url_setting = "GEMINI_BASE_URL",
    .example = "gemini:gemini-2.5-flash",
    .takes = DM_MODEL_TAKES_TEXT | DM_MODEL_TAKES_IMAGE | DM_MODEL_TAKES_PDF,
    .write = write_request,
    .look = look_for,
    .read = read_answer,
};
