/* model_heard.c: any answer at all, read by a provider's reader, then held to the shape that was asked for. */
#include "model_heard.h"

#include "base/calendar.h"
#include "base/json.h"
#include "fuzz.h"
#include "models/answer.h"

enum { ROOM = 4 << 20 };

static bool may_be(enum dm_reason reason)
{
    switch (reason) {
    case DM_REASON_NONE:
    case DM_REASON_MODEL_TIMEOUT:
    case DM_REASON_EMPTY_ANSWER:
    case DM_REASON_TRUNCATED:
    case DM_REASON_INVALID_JSON:
    case DM_REASON_BLOCKED:
    case DM_REASON_RECITATION:
    case DM_REASON_RATE_LIMITED:
    case DM_REASON_OVERLOADED:
    case DM_REASON_NETWORK:
    case DM_REASON_AUTH_FAILED:
    case DM_REASON_BAD_REQUEST:
    case DM_REASON_QUOTA_EXHAUSTED:
        return true;
    default:
        return false;
    }
}

/* What is let through is one line of JSON that reads as the same again. */
static void check_text(enum dm_model_task task, struct dm_str text)
{
    static const uint32_t numbers[] = { 1, 2, 9 };
    const struct dm_answer_pages pages = { numbers, DM_COUNT(numbers) };
    struct dm_err err = { 0 };
    DM_AUTO(dm_buf) once = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) twice = dm_buf_make(ROOM);
    enum dm_reason reason = dm_answer_read(task, text, pages, &once, &err);
    EXPECT(reason == DM_REASON_NONE || reason == DM_REASON_INVALID_JSON || reason == DM_REASON_SCHEMA_MISMATCH);
    EXPECT((reason == DM_REASON_NONE) == (once.len > 0) && (once.len > 0 || err.text[0] != '\0'));
    if (reason != DM_REASON_NONE)
        return;
    EXPECT(fuzz_is_plain_utf8(dm_buf_str(&once)));
    EXPECT(dm_answer_read(task, dm_buf_str(&once), pages, &twice, &err) == DM_REASON_NONE);
    EXPECT(dm_str_eq(dm_buf_str(&once), dm_buf_str(&twice)));
}

void fuzz_model_heard(const struct dm_provider *provider, const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_http_answer answer = { .headers = dm_buf_make(ROOM), .body = dm_buf_make(ROOM) };
    struct dm_provider_heard heard = { .text = dm_buf_make(DM_ANSWER_BYTES_MAX) };
    uint64_t status = 0;
    (void)dm_str_to_u64(input_line(&input), &status);
    answer.status = status >= 200 && status < 600 ? (uint32_t)status : 200;
    for (struct dm_str line; input.left > 0 && (line = input_line(&input)).len > 0;) {
        dm_buf_add(&answer.headers, line);
        dm_buf_add_z(&answer.headers, "\r\n");
    }
    dm_buf_add(&answer.body, input_rest(&input));
    provider->read(&answer, INT64_C(1795780800000), &heard);
    EXPECT(may_be(heard.reason));
    EXPECT(heard.reason != DM_REASON_NONE || (heard.text.len > 0 && answer.status < 300));
    EXPECT((heard.reason == DM_REASON_NONE && !heard.doubtful) || heard.detail[0] != '\0');
    EXPECT(fuzz_is_plain_ascii(dm_str_z(heard.detail)) && fuzz_is_plain_ascii(dm_str_z(heard.request_id)));
    EXPECT(heard.retry_after_ms >= 0 && heard.retry_after_ms <= DM_DAY_MS);
    EXPECT(heard.limits.pause_ms >= 0 && heard.limits.pause_ms <= DM_DAY_MS);
    check_text(DM_MODEL_PAGE, dm_buf_str(&heard.text));
    check_text(DM_MODEL_REDUCTION, dm_buf_str(&heard.text));
    check_text(DM_MODEL_PAGE, dm_buf_str(&answer.body));
    check_text(DM_MODEL_REDUCTION, dm_buf_str(&answer.body));
    dm_provider_heard_free(&heard);
    dm_http_answer_free(&answer);
    input_free(&input);
}
