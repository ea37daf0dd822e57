/* bedrock.c: Amazon Bedrock's Converse. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 *
 * The schema goes in as a tool that the model must use: that works with every model that knows tools, where `outputConfig`
 * works with few. The answer is then the tool's input, a JSON value in the envelope, which becomes text again here. */
#include "wire.h"

#include "base/encode.h"

/* ---- the request ---- */

static void add_picture(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    if (ask->picture.len == 0)
        return;
    if (ask->picture_media == DM_MEDIA_PDF)
        dm_buf_add_z(body, "{\"document\":{\"format\":\"pdf\",\"name\":\"page\"");
    else
        dm_buf_addf(body, "{\"image\":{\"format\":\"%s\"", ask->picture_media == DM_MEDIA_PNG ? "png" : "jpeg");
    dm_buf_add_z(body, ",\"source\":{\"bytes\":\"");
    dm_buf_add_base64(body, ask->picture);
    dm_buf_add_z(body, "\"}}},");
}

static void add_tool(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    dm_buf_add_z(body, ",\"toolConfig\":{\"tools\":[{\"toolSpec\":{");
    dm_wire_add_text(body, "name", ask->schema_name);
    dm_buf_addf(body, ",\"inputSchema\":{\"json\":%.*s}}}],\"toolChoice\":{\"tool\":{", DM_STR_ARG(ask->schema));
    dm_wire_add_text(body, "name", ask->schema_name);
    dm_buf_add_z(body, "}}}");
}

static void add_url(struct dm_provider_call *ret, const struct dm_provider_ask *ask,
                    const struct dm_provider_access *access)
{
    if (access->base_url.len > 0)
        dm_buf_add(&ret->url, access->base_url);
    else
        dm_buf_addf(&ret->url, "https://bedrock-runtime.%.*s.amazonaws.com", DM_STR_ARG(access->region));
    dm_buf_add_z(&ret->url, "/model/");
    dm_buf_add_percent(&ret->url, ask->model, false);
    dm_buf_add_z(&ret->url, "/converse");
}

static void add_body(struct dm_buf *body, const struct dm_provider_ask *ask)
{
    dm_buf_add_z(body, "{\"system\":[{");
    dm_wire_add_text(body, "text", ask->system);
    dm_buf_add_z(body, "}]");
    dm_wire_add_messages(body, ask, "{", add_picture);
    dm_buf_addf(body, ",\"inferenceConfig\":{\"maxTokens\":%u", ask->output_tokens);
    /* Anthropic's newer models refuse it, here as at home. */
    if (dm_str_find(ask->model, DM_STR("anthropic.")) == ask->model.len)
        dm_buf_add_z(body, ",\"temperature\":0");
    dm_buf_add_char(body, '}');
    if (ask->schema.len > 0)
        add_tool(body, ask);
    dm_buf_add_char(body, '}');
}

static enum dm_code sign(struct dm_provider_call *ret, const struct dm_provider_access *access, struct dm_err *err)
{
    static const struct dm_http_pair signed_too = { DM_STR_INIT("content-type"), DM_STR_INIT("application/json") };
    struct dm_str url = dm_buf_str(&ret->url);
    struct dm_str rest = dm_str_from(url, dm_str_find(url, DM_STR("://")) + 3);
    size_t slash = dm_str_find_char(rest, '/');
    const struct dm_aws_request request = {
        .method = DM_STR("POST"),
        .host = dm_str_cut(rest, 0, slash),
        .path = dm_str_from(rest, slash),
        .headers = &signed_too,
        .header_count = 1,
        .body = dm_buf_str(&ret->body),
        .region = access->region,
        .service = DM_STR("bedrock"),
    };
    struct dm_aws_signature signature;
    enum dm_code rc = dm_aws_sign(&request, access->credentials, access->wall_ms, &signature, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t i = 0; i < signature.header_count && rc == DM_OK; i++)
        rc = dm_wire_add_header(ret, signature.headers[i].name, signature.headers[i].value, err);
    dm_aws_signature_free(&signature);
    return rc;
}

static enum dm_code write_request(const struct dm_provider_ask *ask, const struct dm_provider_access *access,
                                  struct dm_provider_call *ret, struct dm_err *err)
{
    add_url(ret, ask, access);
    add_body(&ret->body, ask);
    enum dm_code rc = dm_wire_add_header(ret, DM_STR("content-type"), DM_STR("application/json"), err);
    if (rc == DM_OK)
        rc = dm_wire_add_key(ret, DM_STR("authorization"), DM_STR("Bearer "), access->key, err);
    if (rc == DM_OK)
        rc = dm_wire_finish(ret, err);
    bool keyed = access->key && dm_secret_is_set(access->key);
    return rc == DM_OK && !keyed && access->credentials ? sign(ret, access, err) : rc;
}

/* ---- the answer ---- */

static const struct dm_wire_word stops[] = {
    { "end_turn", DM_REASON_NONE },
    { "stop_sequence", DM_REASON_NONE },
    { "tool_use", DM_REASON_NONE },
    { "max_tokens", DM_REASON_TRUNCATED },
    { "model_context_window_exceeded", DM_REASON_TRUNCATED },
    { "guardrail_intervened", DM_REASON_BLOCKED },
    { "content_filtered", DM_REASON_BLOCKED },
    { "malformed_model_output", DM_REASON_INVALID_JSON },
    { "malformed_tool_use", DM_REASON_INVALID_JSON },
};

static const struct dm_wire_word errors[] = {
    { "ThrottlingException", DM_REASON_RATE_LIMITED },
    { "TooManyRequestsException", DM_REASON_RATE_LIMITED },
    { "ModelNotReadyException", DM_REASON_OVERLOADED },
    { "ServiceUnavailableException", DM_REASON_OVERLOADED },
    { "InternalServerException", DM_REASON_OVERLOADED },
    { "ModelTimeoutException", DM_REASON_MODEL_TIMEOUT },
    { "ModelErrorException", DM_REASON_OVERLOADED }, /* unless the model's own status is below 500 */
    { "ServiceQuotaExceededException", DM_REASON_QUOTA_EXHAUSTED },
    { "ValidationException", DM_REASON_BAD_REQUEST },
    { "ResourceNotFoundException", DM_REASON_BAD_REQUEST },
    { "AccessDeniedException", DM_REASON_AUTH_FAILED },
    { "InvalidSignatureException", DM_REASON_AUTH_FAILED },
    { "IncompleteSignatureException", DM_REASON_AUTH_FAILED },
    { "MissingAuthenticationTokenException", DM_REASON_AUTH_FAILED },
};

/* Others that other credentials mend. */
static const struct dm_wire_word unknown[] = {
    { "UnrecognizedClientException", DM_REASON_AUTH_FAILED },
    { "ExpiredTokenException", DM_REASON_AUTH_FAILED },
    { "ExpiredToken", DM_REASON_AUTH_FAILED },
    { "InvalidClientTokenId", DM_REASON_AUTH_FAILED },
};

static void read_usage(const json_t *usage, struct dm_tokens *ret)
{
    ret->cached = dm_wire_count(usage, "cacheReadInputTokens");
    ret->input = dm_wire_count(usage, "inputTokens") + dm_wire_count(usage, "cacheWriteInputTokens") + ret->cached;
    ret->output = dm_wire_count(usage, "outputTokens");
}

/* The tool's input where there is one; else the texts. */
static void read_content(const json_t *content, struct dm_buf *ret)
{
    size_t i;
    json_t *block;
    json_array_foreach (content, i, block) {
        const json_t *input = json_object_get(json_object_get(block, "toolUse"), "input");
        if (!input)
            continue;
        dm_buf_clear(ret);
        dm_json_add(ret, input);
        return;
    }
    json_array_foreach (content, i, block)
        dm_buf_add(ret, dm_json_str(block, "text"));
}

static void read_message(const json_t *body, struct dm_provider_heard *ret)
{
    const json_t *message = json_object_get(json_object_get(body, "output"), "message");
    struct dm_str stop = dm_json_str(body, "stopReason");
    read_usage(json_object_get(body, "usage"), &ret->tokens);
    read_content(json_object_get(message, "content"), &ret->text);
    dm_wire_stopped(ret, dm_wire_reason(stops, DM_COUNT(stops), stop), stop);
}

/* "com.amazon.coral.service#ThrottlingException:http://…" is ThrottlingException. */
static struct dm_str error_name(const struct dm_http_answer *answer, const json_t *body)
{
    struct dm_str name = dm_http_answer_header(answer, DM_STR("x-amzn-errortype"));
    if (name.len == 0)
        name = dm_json_str(body, "__type");
    size_t hash = dm_str_find_char(name, '#');
    if (hash < name.len)
        name = dm_str_from(name, hash + 1);
    return dm_str_cut(name, 0, dm_str_find_char(name, ':'));
}

static enum dm_reason error_reason(struct dm_str name, const json_t *body, struct dm_str message, uint32_t status)
{
    static const char *const daily[] = { "tokens per day", "requests per day" };
    enum dm_reason reason = dm_wire_reason(errors, DM_COUNT(errors), name);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_reason(unknown, DM_COUNT(unknown), name);
    if (reason == DM_REASON_COUNT)
        reason = dm_wire_status_reason(status);
    if (reason == DM_REASON_RATE_LIMITED && dm_wire_says(message, daily, DM_COUNT(daily)))
        return DM_REASON_QUOTA_EXHAUSTED;
    bool theirs = dm_str_eq(name, DM_STR("ModelErrorException"));
    return theirs && dm_json_int(body, "originalStatusCode", 500) < 500 ? DM_REASON_BAD_REQUEST : reason;
}

static void read_error(const struct dm_http_answer *answer, const json_t *body, struct dm_provider_heard *ret)
{
    static const char *const no_tools[] = { "toolConfig", "toolChoice", "tool use", "tool_choice" };
    struct dm_str name = error_name(answer, body);
    struct dm_str message = dm_json_str(body, "message");
    if (message.len == 0)
        message = dm_json_str(body, "Message"); /* as the gate before the service spells it */
    enum dm_reason reason = error_reason(name, body, message, answer->status);
    dm_wire_failed(ret, reason, answer->status, name, message);
    ret->schema_refused = reason == DM_REASON_BAD_REQUEST && dm_wire_says(message, no_tools, DM_COUNT(no_tools));
    ret->credentials_unknown = dm_wire_reason(unknown, DM_COUNT(unknown), name) != DM_REASON_COUNT;
}

static void read_answer(const struct dm_http_answer *answer, int64_t wall_ms, struct dm_provider_heard *ret)
{
    bool good = answer->status >= 200 && answer->status < 300;
    json_auto_t *body = good ? dm_wire_body(answer, ret) : dm_wire_error_body(answer);
    dm_wire_request_id(ret, dm_http_answer_header(answer, DM_STR("x-amzn-requestid")));
    if (good && body)
        read_message(body, ret);
    if (good)
        return;
    ret->retry_after_ms = dm_wire_retry_after(answer, wall_ms);
    read_error(answer, body, ret);
}

const struct dm_provider dm_provider_bedrock = {
    .name = "bedrock",
    .base_url = NULL,
    .name_setting = "BEDROCK_MODEL_ID",
    .key_setting = "AWS_BEARER_TOKEN_BEDROCK",
    .url_setting = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    .example = "bedrock:amazon.nova-lite-v1:0",
    .signs = true,
    .takes = DM_MODEL_TAKES_TEXT | DM_MODEL_TAKES_IMAGE | DM_MODEL_TAKES_PDF,
    .write = write_request,
    .read = read_answer,
};
