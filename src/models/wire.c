/* wire.c: what the providers' protocols have in common. */
#include "wire.h"

#include <stdio.h>

#include "base/calendar.h"

/* ---- writing ---- */

void dm_provider_call_free(struct dm_provider_call *call)
{
    dm_buf_free(&call->url);
    dm_buf_free(&call->body);
    for (uint32_t i = 0; i < call->header_count; i++)
        dm_secret_free(&call->headers[i].value);
    call->header_count = 0;
}

void dm_wire_add_text(struct dm_buf *buf, const char *name, struct dm_str text)
{
    dm_buf_addf(buf, "\"%s\":", name);
    dm_buf_add_json_string(buf, text);
}

/* To the end of the turn, which has begun. */
static void add_text_block(struct dm_buf *body, const char *text_block, struct dm_str text)
{
    dm_buf_add_z(body, text_block);
    dm_wire_add_text(body, "text", text);
    dm_buf_add_z(body, "}]}");
}

void dm_wire_add_messages(struct dm_buf *body, const struct dm_provider_ask *ask, const char *text_block,
                          void (*add_picture)(struct dm_buf *body, const struct dm_provider_ask *ask))
{
    dm_buf_add_z(body, ",\"messages\":[{\"role\":\"user\",\"content\":[");
    add_picture(body, ask);
    add_text_block(body, text_block, ask->prompt);
    if (ask->rejected.len > 0) {
        dm_buf_add_z(body, ",{\"role\":\"assistant\",\"content\":[");
        add_text_block(body, text_block, ask->rejected);
        dm_buf_add_z(body, ",{\"role\":\"user\",\"content\":[");
        add_text_block(body, text_block, ask->complaint);
    }
    dm_buf_add_char(body, ']');
}

void dm_wire_add_url(struct dm_provider_call *call, const struct dm_provider_access *access, const char *fallback)
{
    dm_buf_add(&call->url, access->base_url.len > 0 ? access->base_url : dm_str_z(fallback));
}

static enum dm_code add_header(struct dm_provider_call *call, struct dm_str name, struct dm_secret value,
                               struct dm_err *err)
{
    if (call->header_count == DM_PROVIDER_HEADERS_MAX) {
        dm_secret_free(&value);
        return dm_fail(err, DM_TOO_LARGE, "a request has more than %d headers", DM_PROVIDER_HEADERS_MAX);
    }
    call->headers[call->header_count].name = name;
    call->headers[call->header_count].value = value;
    call->header_count++;
    return DM_OK;
}

enum dm_code dm_wire_add_header(struct dm_provider_call *call, struct dm_str name, struct dm_str value,
                                struct dm_err *err)
{
    struct dm_secret made = { 0 };
    enum dm_code rc = dm_secret_make(value, "a header", &made, err);
    return rc == DM_OK ? add_header(call, name, made, err) : rc;
}

enum dm_code dm_wire_add_key(struct dm_provider_call *call, struct dm_str name, struct dm_str prefix,
                             const struct dm_secret *key, struct dm_err *err)
{
    struct dm_secret made = { 0 };
    if (!key || !dm_secret_is_set(key))
        return DM_OK;
    enum dm_code rc = dm_secret_prefixed(prefix, key, &made, err);
    return rc == DM_OK ? add_header(call, name, made, err) : rc;
}

enum dm_code dm_wire_finish(const struct dm_provider_call *call, struct dm_err *err)
{
    enum dm_code rc = dm_buf_check(&call->url, "the URL of the model's provider", err);
    return rc == DM_OK ? dm_buf_check(&call->body, "the request to the model's provider", err) : rc;
}

/* ---- reasons ---- */

enum dm_reason dm_wire_reason(const struct dm_wire_word *words, size_t count, struct dm_str word)
{
    for (size_t i = 0; i < count; i++)
        if (dm_str_eq(word, dm_str_z(words[i].word)))
            return words[i].reason;
    return DM_REASON_COUNT;
}

enum dm_reason dm_wire_status_reason(uint32_t status)
{
    switch (status) {
    case 401:
    case 403:
        return DM_REASON_AUTH_FAILED;
    case 402:
        return DM_REASON_QUOTA_EXHAUSTED;
    case 408:
    case 504:
        return DM_REASON_MODEL_TIMEOUT;
    case 409:
    case 425:
        return DM_REASON_OVERLOADED; /* someone else's turn, or too early: both pass */
    case 429:
        return DM_REASON_RATE_LIMITED;
    case 501:
    case 505:
        return DM_REASON_BAD_REQUEST; /* will not be there tomorrow either */
    default:
        return status >= 500 ? DM_REASON_OVERLOADED : DM_REASON_BAD_REQUEST;
    }
}

/* ---- sentences ---- */

struct text {
    char *at;
    size_t room;
    size_t len;
};

static void put(struct text *text, char c)
{
    if (text->len + 1 < text->room)
        text->at[text->len++] = c;
    text->at[text->len] = '\0';
}

static void put_z(struct text *text, const char *z)
{
    for (; *z; z++)
        put(text, *z);
}

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

static void put_word(struct text *text, struct dm_str word)
{
    enum { WORD_MAX = 48 };
    for (size_t i = 0; i < word.len && i < WORD_MAX; i++)
        if (is_word(word.at[i]))
            put(text, word.at[i]);
}

/* Bytes up to behind the mark that ends a quotation beginning at `start`; to the end where none does. */
static size_t quoted_bytes(struct dm_str message, size_t start)
{
    struct dm_str rest = dm_str_from(message, start + 1);
    size_t inside = dm_str_find_char(rest, message.at[start]);
    return inside < rest.len ? inside + 2 : message.len - start;
}

/* An apostrophe stands after a letter, an opening mark does not. */
static bool opens(struct dm_str message, size_t i)
{
    char c = message.at[i];
    return (c == '"' || c == '\'' || c == '`') && (i == 0 || !is_word(message.at[i - 1]));
}

static void put_message(struct text *text, struct dm_str message)
{
    enum { MESSAGE_MAX = 100, QUOTED_MAX = 48 };
    size_t end = text->len + MESSAGE_MAX;
    for (size_t i = 0; i < message.len && text->len < end; i++) {
        unsigned char c = (unsigned char)message.at[i];
        size_t quoted = opens(message, i) ? quoted_bytes(message, i) : 0;
        if (quoted > QUOTED_MAX + 2) {
            put_z(text, "[...]");
            i += quoted - 1;
        } else {
            put(text, c < ' ' || c == 0x7f ? ' ' : c > 0x7f ? '?' : (char)c);
        }
    }
}

/* A 404 without a word of the protocol comes from something else that listens there. */
static bool is_model_unknown(uint32_t status, struct dm_str code, struct dm_str message)
{
    static const char *const phrases[] = { "model identifier is invalid", "model not found", "no such model" };
    return (status == 404 && code.len + message.len > 0) || dm_wire_says(message, phrases, DM_COUNT(phrases));
}

static bool is_too_long(struct dm_str code, struct dm_str message)
{
    static const char *const phrases[] = { "context length",        "context size",       "context window",
                                           "maximum context",       "prompt is too long", "input is too long",
                                           "too many input tokens", "input token count" };
    static const char *const codes[] = { "context_length_exceeded", "exceed_context_size_error" };
    return dm_wire_says(code, codes, DM_COUNT(codes)) || dm_wire_says(message, phrases, DM_COUNT(phrases));
}

void dm_wire_failed(struct dm_provider_heard *heard, enum dm_reason reason, uint32_t status, struct dm_str code,
                    struct dm_str message)
{
    struct text text = { .at = heard->detail, .room = sizeof(heard->detail) };
    char number[24];
    heard->reason = reason;
    heard->model_unknown = reason == DM_REASON_BAD_REQUEST && is_model_unknown(status, code, message);
    heard->too_long = reason == DM_REASON_BAD_REQUEST && is_too_long(code, message);
    snprintf(number, sizeof(number), "HTTP %u", status);
    put_z(&text, number);
    if (code.len > 0)
        put(&text, ' ');
    put_word(&text, code);
    if (message.len == 0 || (reason == DM_REASON_AUTH_FAILED && status != 403))
        return;
    put_z(&text, ": ");
    put_message(&text, message);
}

void dm_wire_unusable(struct dm_provider_heard *heard, enum dm_reason reason, const char *sentence, struct dm_str word)
{
    struct text text = { .at = heard->detail, .room = sizeof(heard->detail) };
    heard->reason = reason;
    put_z(&text, sentence);
    if (word.len == 0)
        return;
    put_z(&text, " (");
    put_word(&text, word);
    put(&text, ')');
}

static const char *stopped_sentence(enum dm_reason reason)
{
    switch (reason) {
    case DM_REASON_TRUNCATED:
        return "the answer reached the limit of tokens";
    case DM_REASON_BLOCKED:
        return "the provider's policy refused the page or the answer";
    case DM_REASON_RECITATION:
        return "the answer was too close to a known text";
    case DM_REASON_INVALID_JSON:
        return "the model answered with something else than text";
    case DM_REASON_BAD_REQUEST:
        return "the provider does not read this page with this model";
    default:
        return "the answer holds no text";
    }
}

void dm_wire_stopped(struct dm_provider_heard *heard, enum dm_reason reason, struct dm_str word)
{
    if (reason == DM_REASON_COUNT) {
        heard->doubtful = true;
        reason = DM_REASON_NONE;
    }
    if (reason == DM_REASON_NONE && dm_str_trim(dm_buf_str(&heard->text)).len == 0)
        reason = DM_REASON_EMPTY_ANSWER;
    if (heard->text.failed && !heard->text.starved)
        reason = DM_REASON_INVALID_JSON;
    if (reason != DM_REASON_NONE || heard->doubtful)
        dm_wire_unusable(heard, reason, stopped_sentence(reason), word);
}

/* ---- bodies ---- */

/* Takes the value over: itself where it is an object, its first element where that is one, or NULL. */
static json_t *object_in(json_t *value)
{
    if (json_is_array(value)) {
        json_t *first = json_incref(json_array_get(value, 0));
        json_decref(value);
        value = first;
    }
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

json_t *dm_wire_body(const struct dm_http_answer *answer, struct dm_provider_heard *heard)
{
    struct dm_str body = dm_str_trim(dm_buf_str(&answer->body));
    json_t *value = NULL;
    enum dm_code rc = dm_json_parse(body, "the answer", &value, NULL);
    json_t *object = object_in(value);
    if (object)
        return object;
    bool begins = body.len > 0 && (body.at[0] == '{' || body.at[0] == '[');
    if (rc == DM_NO_MEMORY)
        dm_wire_unusable(heard, DM_REASON_OVERLOADED, "memory is out", DM_STR(""));
    else if (body.len == 0)
        dm_wire_unusable(heard, DM_REASON_EMPTY_ANSWER, "the provider answered with an empty body", DM_STR(""));
    else if (rc != DM_OK && begins)
        dm_wire_unusable(heard, DM_REASON_NETWORK, "the provider's answer is damaged or ends early", DM_STR(""));
    else
        dm_wire_unusable(heard, DM_REASON_INVALID_JSON, "what answers there does not speak the provider's protocol",
                         DM_STR(""));
    return NULL;
}

json_t *dm_wire_error_body(const struct dm_http_answer *answer)
{
    json_t *value = NULL;
    return dm_json_parse(dm_buf_str(&answer->body), "the answer", &value, NULL) == DM_OK ? object_in(value) : NULL;
}

/* ---- headers and numbers ---- */

bool dm_wire_duration(struct dm_str text, int64_t *ret_ms)
{
    double total = 0;
    bool any = false;
    while (text.len > 0) {
        double value = 0, scale = 1;
        bool digits = false, fraction = false;
        size_t i = 0;
        for (; i < text.len && ((text.at[i] >= '0' && text.at[i] <= '9') || (text.at[i] == '.' && !fraction)); i++) {
            if (text.at[i] == '.') {
                fraction = true;
                continue;
            }
            digits = true;
            value = value * 10 + (text.at[i] - '0');
            scale *= fraction ? 10 : 1;
            if (value > 1e15)
                value = 1e15;
        }
        struct dm_str unit = dm_str_from(text, i);
        double unit_ms = dm_str_starts(unit, DM_STR("ms"))  ? 1
                         : dm_str_starts(unit, DM_STR("s")) ? DM_SECOND_MS
                         : dm_str_starts(unit, DM_STR("m")) ? DM_MINUTE_MS
                         : dm_str_starts(unit, DM_STR("h")) ? DM_HOUR_MS
                                                            : 0;
        if (!digits || unit_ms == 0)
            return false;
        total += value / scale * unit_ms;
        text = dm_str_from(unit, unit_ms == 1 ? 2 : 1);
        any = true;
    }
    if (!any)
        return false;
    *ret_ms = total < DM_DAY_MS ? (int64_t)(total + 0.999) : DM_DAY_MS;
    return true;
}

/* "Wed, 21 Oct 2026 07:28:00 GMT" */
static bool http_date(struct dm_str text, int64_t *ret_ms)
{
    const struct dm_str months = DM_STR("JanFebMarAprMayJunJulAugSepOctNovDec");
    char rfc3339[24];
    if (text.len != 29 || !dm_str_ends(text, DM_STR(" GMT")))
        return false;
    size_t month = dm_str_find(months, dm_str_cut(text, 8, 3));
    if (month >= months.len || month % 3 != 0)
        return false;
    snprintf(rfc3339, sizeof(rfc3339), "%.4s-%02u-%.2sT%.8sZ", text.at + 12, (unsigned)(month / 3 + 1), text.at + 5,
             text.at + 17);
    return dm_time_parse(dm_str_z(rfc3339), ret_ms);
}

static int64_t at_most_a_day(int64_t ms)
{
    return ms < 0 ? 0 : ms < DM_DAY_MS ? ms : DM_DAY_MS;
}

static bool header_ms(struct dm_str value, const char *unit, int64_t *ret_ms)
{
    char text[40];
    if (value.len == 0 || value.len + 2 >= sizeof(text) || value.at[value.len - 1] < '0' ||
        value.at[value.len - 1] > '9')
        return false;
    int len = snprintf(text, sizeof(text), "%.*s%s", DM_STR_ARG(value), unit);
    return dm_wire_duration(dm_str_of(text, (size_t)len), ret_ms);
}

int64_t dm_wire_retry_after(const struct dm_http_answer *answer, int64_t wall_ms)
{
    struct dm_str seconds = dm_http_answer_header(answer, DM_STR("retry-after"));
    int64_t ms;
    if (header_ms(dm_http_answer_header(answer, DM_STR("retry-after-ms")), "ms", &ms) || header_ms(seconds, "s", &ms))
        return ms;
    if (http_date(seconds, &ms) && ms > wall_ms)
        return at_most_a_day(ms - wall_ms);
    return 0;
}

int64_t dm_wire_answered_ms(const struct dm_http_answer *answer, int64_t wall_ms)
{
    int64_t there_ms;
    return http_date(dm_http_answer_header(answer, DM_STR("date")), &there_ms) ? there_ms : wall_ms;
}

/* The time over which it counts. */
static int64_t window_ms(const struct dm_wire_limit *told)
{
    enum { SLACK_MS = 5000 }; /* clocks, and resets that are told in whole seconds */
    uint64_t used = told->limit > told->remaining ? told->limit - told->remaining : 0;
    /* As long as it takes to be full, if it fills evenly. */
    double even_ms = used > 0 ? (double)told->reset_ms * (double)told->limit / (double)used : 0;
    if (even_ms > 0 && even_ms <= 1.5 * DM_SECOND_MS)
        return DM_SECOND_MS;
    return told->reset_ms <= DM_MINUTE_MS + SLACK_MS ? DM_MINUTE_MS
           : told->reset_ms <= DM_HOUR_MS + SLACK_MS ? DM_HOUR_MS
                                                     : DM_DAY_MS;
}

uint64_t dm_wire_per_minute(const struct dm_wire_limit *told)
{
    if (told->limit == 0)
        return 0;
    double per_minute = (double)told->limit * DM_MINUTE_MS / (double)window_ms(told);
    return per_minute < 1 ? 1 : per_minute < 1e15 ? (uint64_t)per_minute : (uint64_t)1e15;
}

int64_t dm_wire_pause_ms(const struct dm_wire_limit *told)
{
    if (told->remaining > 0 || told->reset_ms <= 0)
        return 0;
    bool even = told->limit > 0 && told->reset_ms >= window_ms(told) / 10 * 9;
    int64_t pause_ms = even ? (int64_t)((double)told->reset_ms / (double)told->limit) + 1 : told->reset_ms;
    return at_most_a_day(pause_ms);
}

bool dm_wire_header_number(const struct dm_http_answer *answer, struct dm_str name, uint64_t *ret)
{
    return dm_str_to_u64(dm_http_answer_header(answer, name), ret);
}

void dm_wire_request_id(struct dm_provider_heard *heard, struct dm_str id)
{
    size_t len = 0;
    for (size_t i = 0; i < id.len && len + 1 < sizeof(heard->request_id); i++)
        if (id.at[i] > ' ' && id.at[i] < 0x7f)
            heard->request_id[len++] = id.at[i];
    heard->request_id[len] = '\0';
}

uint64_t dm_wire_count(const json_t *object, const char *name)
{
    const int64_t absurd = 1000000000;
    int64_t count = dm_json_int(object, name, 0);
    return count > 0 && count < absurd ? (uint64_t)count : 0;
}

static bool says_at(struct dm_str message, struct dm_str phrase, size_t i)
{
    return dm_str_eq_nocase(dm_str_cut(message, i, phrase.len), phrase);
}

bool dm_wire_says(struct dm_str message, const char *const *phrases, size_t count)
{
    enum { READ_MAX = 4096 };
    message = dm_str_cut(message, 0, READ_MAX);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < message.len; i++)
            if (says_at(message, dm_str_z(phrases[k]), i))
                return true;
    return false;
}

void dm_provider_heard_free(struct dm_provider_heard *heard)
{
    dm_buf_free(&heard->text);
}
