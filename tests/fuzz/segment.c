/* segment.c: a segment's lines: any line, and one that docmill writes itself.
 *
 * Line 1: a segment's line. Line 2: an analysis. Line 3: attempts. Then numbers and the page's text. */
#include "pipeline/segment.h"

#include "fuzz.h"

enum { MEMORY = 4 << 20, ROOM = 4 << 20 };

static void check_any(struct dm_str line, struct dm_arena *arena)
{
    struct dm_page page;
    struct dm_str analysis;
    struct dm_err err;
    json_auto_t *object = NULL;
    enum dm_code rc = dm_segment_parse(line, arena, &object, &page, &err);
    EXPECT(rc == DM_OK || (rc == DM_CORRUPT && object == NULL));
    if (rc == DM_OK) {
        EXPECT(page.number >= 1 && page.status == DM_PAGE_DONE);
        EXPECT(fuzz_is_plain_utf8(page.attempts) && page.attempts.at[0] == '[');
        EXPECT(page.usage.cost_micros <= (uint64_t)INT64_MAX && page.usage.input_tokens <= (uint64_t)INT64_MAX);
    }
    rc = dm_segment_analysis(line, &analysis, &err);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT);
    if (rc == DM_OK) {
        EXPECT(analysis.len >= 2 && analysis.at[0] == '{' && analysis.at[analysis.len - 1] == '}');
        EXPECT(analysis.at >= line.at && analysis.at + analysis.len <= line.at + line.len);
        size_t before = (size_t)(analysis.at - line.at);
        EXPECT(dm_str_ends(dm_str_cut(line, 0, before), DM_STR(",\"analysis\":")));
    }
}

static bool is_json(struct dm_str text, bool array)
{
    json_auto_t *value = NULL;
    if (dm_json_parse(text, "it", &value, NULL) != DM_OK)
        return false;
    return dm_str_trim(text).len == text.len && (array ? json_is_array(value) : json_is_object(value));
}

static void check_own(struct dm_str analysis, struct dm_page *page, struct dm_str text, struct dm_arena *arena)
{
    DM_AUTO(dm_buf) segment = dm_buf_make(ROOM);
    struct dm_page again;
    struct dm_str found;
    struct dm_err err;
    json_auto_t *object = NULL;
    dm_segment_add(&segment, page, analysis, text);
    struct dm_str line = dm_buf_str(&segment);
    EXPECT(!segment.failed && dm_str_ends(line, DM_STR("}\n")));
    EXPECT(dm_segment_analysis(line, &found, &err) == DM_OK && dm_str_eq(found, analysis));
    EXPECT(dm_segment_parse(line, arena, &object, &again, &err) == DM_OK);
    EXPECT(again.number == page->number && again.usage.model_calls == page->usage.model_calls);
    EXPECT(again.usage.input_tokens == page->usage.input_tokens && again.usage.cost_micros == page->usage.cost_micros);
    if (dm_str_is_utf8(text))
        EXPECT(dm_str_eq(dm_json_str(object, "text"), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    check_any(input_line(&input), &arena);
    struct dm_str analysis = input_line(&input);
    struct dm_page page = { .attempts = input_line(&input) };
    page.number = 1 + input_u32(&input) % DM_PAGE_NUMBER_MAX;
    page.usage.model_calls = input_u32(&input);
    page.usage.input_tokens = input_u64(&input) >> 1;
    page.usage.cost_micros = input_u64(&input) >> 20; /* up to 17 million dollars */
    struct dm_str text = input_rest(&input);
    /* Lines end at newlines, and NUL is in no page's text (reader/conversation.c). */
    if (dm_str_find_char(text, '\0') == text.len && is_json(analysis, false) && is_json(page.attempts, true))
        check_own(analysis, &page, text, &arena);
    input_free(&input);
    return 0;
}
