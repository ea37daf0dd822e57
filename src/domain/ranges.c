/* ranges.c: sets of pages. */
#include "domain/ranges.h"

#include <stdlib.h>

static bool parse_number(struct dm_str text, uint32_t *ret)
{
    uint64_t value;
    if (!dm_str_to_u64(dm_str_trim(text), &value) || value < 1 || value > DM_PAGE_NUMBER_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool parse_range(struct dm_str part, struct dm_range *ret)
{
    size_t hyphen = dm_str_find_char(part, '-');
    struct dm_range range;
    if (!parse_number(dm_str_cut(part, 0, hyphen), &range.first))
        return false;
    struct dm_str end = dm_str_trim(dm_str_from(part, hyphen + 1));
    range.last = range.first;
    if (hyphen < part.len && end.len == 0)
        range.last = DM_PAGE_NUMBER_MAX;
    else if (hyphen < part.len && !parse_number(end, &range.last))
        return false;
    *ret = range;
    return range.first <= range.last;
}

static int by_first(const void *a, const void *b)
{
    const struct dm_range *left = a;
    const struct dm_range *right = b;
    return left->first < right->first ? -1 : left->first > right->first;
}

/* In place; returns how many are left. */
static uint32_t sort_and_join(struct dm_range *at, uint32_t count)
{
    if (count == 0)
        return 0;
    qsort(at, count, sizeof(*at), by_first);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (at[i].first <= at[kept].last || at[i].first == at[kept].last + 1) {
            if (at[i].last > at[kept].last)
                at[kept].last = at[i].last;
        } else {
            at[++kept] = at[i];
        }
    }
    return kept + 1;
}

enum dm_code dm_ranges_parse(struct dm_arena *arena, struct dm_str text, struct dm_ranges *ret, struct dm_err *err)
{
    uint32_t parts = 1;
    for (size_t i = 0; i < text.len; i++)
        parts += text.at[i] == ',';
    if (parts > DM_RANGES_MAX)
        return dm_fail(err, DM_INVALID, "pages names more than %d ranges", DM_RANGES_MAX);
    struct dm_range *at = dm_arena_array(arena, parts, sizeof(*at));
    if (!at)
        return dm_fail_memory(err);
    uint32_t count = 0;
    if (dm_str_trim(text).len > 0) {
        struct dm_str rest = text;
        struct dm_str part;
        while (dm_str_next(&rest, ',', &part))
            if (!parse_range(dm_str_trim(part), &at[count++]))
                return dm_fail(err, DM_INVALID,
                               "pages: \"%.*s\" is no page or range; write pages from 1 on like 1-5,9 or 12-",
                               (int)(part.len < 40 ? part.len : 40), part.at);
    }
    *ret = (struct dm_ranges){ at, sort_and_join(at, count) };
    return DM_OK;
}

enum dm_code dm_ranges_clip(struct dm_arena *arena, struct dm_ranges set, uint32_t last, struct dm_ranges *ret,
                            struct dm_err *err)
{
    struct dm_range *at = dm_arena_array(arena, set.count + 1, sizeof(*at));
    if (!at)
        return dm_fail_memory(err);
    uint32_t count = 0;
    for (uint32_t i = 0; i < set.count && set.at[i].first <= last; i++) {
        at[count] = set.at[i];
        if (at[count].last > last)
            at[count].last = last;
        count++;
    }
    *ret = (struct dm_ranges){ at, count };
    return DM_OK;
}

enum dm_code dm_ranges_of(struct dm_arena *arena, const uint32_t *pages, uint32_t count, struct dm_ranges *ret,
                          struct dm_err *err)
{
    struct dm_range *at = dm_arena_array(arena, count + 1U, sizeof(*at));
    if (!at)
        return dm_fail_memory(err);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && at[kept - 1].last + 1 == pages[i])
            at[kept - 1].last = pages[i];
        else
            at[kept++] = (struct dm_range){ pages[i], pages[i] };
    }
    *ret = (struct dm_ranges){ at, kept };
    return DM_OK;
}

/* Index of the first range that ends at `page` or later; set.count: none. */
static uint32_t search(struct dm_ranges set, uint32_t page)
{
    uint32_t low = 0;
    uint32_t high = set.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (set.at[middle].last < page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool dm_ranges_have(struct dm_ranges set, uint32_t page)
{
    uint32_t i = search(set, page);
    return i < set.count && set.at[i].first <= page;
}

uint32_t dm_ranges_pages(struct dm_ranges set)
{
    uint32_t pages = 0;
    for (uint32_t i = 0; i < set.count; i++)
        pages += set.at[i].last - set.at[i].first + 1;
    return pages;
}

uint32_t dm_ranges_next(struct dm_ranges set, uint32_t at_least)
{
    uint32_t i = search(set, at_least);
    if (i == set.count)
        return 0;
    return set.at[i].first > at_least ? set.at[i].first : at_least;
}

void dm_ranges_text(struct dm_ranges set, struct dm_buf *buf)
{
    for (uint32_t i = 0; i < set.count; i++) {
        dm_buf_addf(buf, "%s%u", i ? "," : "", set.at[i].first);
        if (set.at[i].last == DM_PAGE_NUMBER_MAX)
            dm_buf_add_char(buf, '-');
        else if (set.at[i].last != set.at[i].first)
            dm_buf_addf(buf, "-%u", set.at[i].last);
    }
}
