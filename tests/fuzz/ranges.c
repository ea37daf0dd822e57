/* ranges.c: sets of pages. Line 1: the text. Then 4 bytes of a page. */
#include "domain/ranges.h"

#include "fuzz.h"

enum { MEMORY = 1 << 20, ROOM = 64 << 10, LISTED_MAX = 3000 };

static void check_form(struct dm_ranges set)
{
    for (uint32_t i = 0; i < set.count; i++) {
        EXPECT(set.at[i].first >= 1 && set.at[i].first <= set.at[i].last && set.at[i].last <= DM_PAGE_NUMBER_MAX);
        if (i > 0)
            EXPECT(set.at[i].first > set.at[i - 1].last + 1);
    }
}

static void expect_same(struct dm_ranges a, struct dm_ranges b)
{
    EXPECT(a.count == b.count);
    for (uint32_t i = 0; i < a.count; i++)
        EXPECT(a.at[i].first == b.at[i].first && a.at[i].last == b.at[i].last);
}

/* Walks the pages one by one, and makes the set from them again. */
static void check_pages(struct dm_arena *arena, struct dm_ranges set)
{
    uint32_t pages = dm_ranges_pages(set), count = 0;
    struct dm_ranges again;
    struct dm_err err;
    if (pages > LISTED_MAX)
        return;
    uint32_t *list = dm_arena_array(arena, pages + 1U, sizeof(*list));
    EXPECT(list != NULL);
    for (uint32_t page = dm_ranges_next(set, 0); page != 0; page = dm_ranges_next(set, page + 1)) {
        EXPECT(count < pages && dm_ranges_have(set, page));
        list[count++] = page;
    }
    EXPECT(count == pages);
    EXPECT(dm_ranges_of(arena, list, count, &again, &err) == DM_OK);
    expect_same(set, again);
}

static void check_clip(struct dm_arena *arena, struct dm_ranges set, uint32_t last)
{
    struct dm_ranges clipped;
    struct dm_err err;
    EXPECT(dm_ranges_clip(arena, set, last, &clipped, &err) == DM_OK);
    check_form(clipped);
    EXPECT(dm_ranges_next(clipped, last + 1) == 0);
    EXPECT(dm_ranges_have(clipped, last) == dm_ranges_have(set, last));
    check_pages(arena, clipped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str text = input_line(&input);
    uint32_t page = input_u32(&input);
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    DM_AUTO(dm_buf) written = dm_buf_make(ROOM);
    struct dm_ranges set = { NULL, 0 }, again;
    struct dm_err err;
    enum dm_code rc = dm_ranges_parse(&arena, text, &set, &err);
    EXPECT(rc == DM_OK || (rc == DM_INVALID && set.at == NULL));
    if (rc == DM_OK) {
        check_form(set);
        dm_ranges_text(set, &written);
        EXPECT(dm_ranges_parse(&arena, dm_buf_str(&written), &again, &err) == DM_OK);
        expect_same(set, again);
        check_pages(&arena, set);
        check_clip(&arena, set, page % DM_PAGE_NUMBER_MAX);
        check_clip(&arena, set, page % 1000);
    }
    input_free(&input);
    return 0;
}
