/* segment.c: lines of a segment. */
#include "segment.h"

#include <inttypes.h>

#include "domain/limits.h"

void dm_usage_json(struct dm_buf *buf, const struct dm_usage *usage)
{
    dm_buf_addf(buf,
                "{\"modelCalls\":%" PRIu64 ",\"inputTokens\":%" PRIu64 ",\"outputTokens\":%" PRIu64
                ",\"modelMs\":%" PRIu64 ",\"costUsd\":%" PRIu64 ".%06" PRIu64 "}",
                usage->model_calls, usage->input_tokens, usage->output_tokens, usage->model_ms,
                usage->cost_micros / 1000000, usage->cost_micros % 1000000);
}

bool dm_usage_parse(const json_t *object, struct dm_usage *ret)
{
    static const double dollars_max = 1e9;
    int64_t calls = dm_json_int(object, "modelCalls", 0);
    int64_t input = dm_json_int(object, "inputTokens", 0);
    int64_t output = dm_json_int(object, "outputTokens", 0);
    int64_t ms = dm_json_int(object, "modelMs", 0);
    double dollars = json_number_value(json_object_get(object, "costUsd"));
    if (calls < 0 || input < 0 || output < 0 || ms < 0 || dollars < 0 || dollars > dollars_max)
        return false;
    *ret = (struct dm_usage){ .model_calls = (uint64_t)calls,
                              .input_tokens = (uint64_t)input,
                              .output_tokens = (uint64_t)output,
                              .model_ms = (uint64_t)ms,
                              .cost_micros = (uint64_t)(dollars * 1e6 + 0.5) };
    return true;
}

void dm_segment_add(struct dm_buf *segment, const struct dm_page *page, struct dm_str analysis, struct dm_str text)
{
    dm_buf_addf(segment, "{\"pageNumber\":%" PRIu32 ",\"analysisBytes\":%zu,\"analysis\":", page->number, analysis.len);
    dm_buf_add(segment, analysis);
    dm_buf_add_z(segment, ",\"attempts\":");
    dm_buf_add(segment, page->attempts.len ? page->attempts : DM_STR("[]"));
    dm_buf_add_z(segment, ",\"usage\":");
    dm_usage_json(segment, &page->usage);
    dm_buf_add_z(segment, ",\"text\":");
    dm_buf_add_json_string(segment, text);
    dm_buf_add_z(segment, "}\n");
}

enum dm_code dm_segment_analysis(struct dm_str line, struct dm_str *ret, struct dm_err *err)
{
    const struct dm_str size_mark = DM_STR(",\"analysisBytes\":");
    const struct dm_str mark = DM_STR(",\"analysis\":");
    struct dm_str head = dm_str_cut(line, 0, 128);
    struct dm_str size_text = dm_str_from(head, dm_str_find(head, size_mark) + size_mark.len);
    uint64_t size;
    size_t at = dm_str_find(head, mark) + mark.len;
    if (at > head.len || !dm_str_to_u64(dm_str_cut(size_text, 0, dm_str_find_char(size_text, ',')), &size) ||
        size > line.len - at || size < 2 || line.at[at] != '{' || line.at[at + size - 1] != '}')
        return dm_fail(err, DM_CORRUPT, "a segment's line does not begin with its analysis");
    *ret = dm_str_cut(line, at, (size_t)size);
    return DM_OK;
}

enum dm_code dm_segment_parse(struct dm_str line, struct dm_arena *arena, json_t **ret_line, struct dm_page *ret_page,
                              struct dm_err *err)
{
    json_auto_t *object = NULL;
    enum dm_code rc = dm_json_parse(line, "a segment's line", &object, err);
    if (rc != DM_OK)
        return rc == DM_NO_MEMORY ? rc : dm_fail(err, DM_CORRUPT, "a segment's line cannot be read");
    const json_t *attempts = json_object_get(object, "attempts");
    struct dm_usage usage;
    int64_t number = dm_json_int(object, "pageNumber", 0);
    if (number < 1 || number > DM_PAGE_NUMBER_MAX || !json_is_object(json_object_get(object, "analysis")) ||
        !json_is_array(attempts) || !dm_usage_parse(json_object_get(object, "usage"), &usage))
        return dm_fail(err, DM_CORRUPT, "a segment's line has no page number, analysis, attempts or usage");
    DM_AUTO(dm_buf) text = dm_buf_make(DM_SEGMENT_LINE_MAX);
    dm_json_add(&text, attempts);
    struct dm_str kept = dm_arena_str(arena, dm_buf_str(&text));
    if (text.failed || !kept.at)
        return dm_fail_memory(err);
    *ret_page = (struct dm_page){ .number = (uint32_t)number,
                                  .status = DM_PAGE_DONE,
                                  .attempts = kept,
                                  .attempt_count = (uint32_t)json_array_size(attempts),
                                  .usage = usage };
    *ret_line = json_incref(object);
    return DM_OK;
}
