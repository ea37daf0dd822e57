/* work_text.c: see work_text.h. */
#include "domain/work_text.h"

#include <inttypes.h>

void dm_work_add_chosen(const struct dm_work *work, struct dm_buf *buf)
{
    for (uint32_t i = 0; i < work->chosen.count; i++)
        dm_buf_addf(buf, "%s%" PRIu32 "-%" PRIu32, i ? "," : "", work->chosen.at[i].first, work->chosen.at[i].last);
}

void dm_work_add_returned(const struct dm_work *work, struct dm_buf *buf)
{
    for (uint32_t i = 0; i < work->returned_count; i++) {
        const struct dm_returned *range = &work->returned[i];
        dm_buf_addf(buf, "%s%" PRIu32 "-%" PRIu32 ":%" PRIu32 ":%" PRId64, i ? "," : "", range->first, range->last,
                    range->losses, range->due_ms);
    }
}

/* A number, then `end` or the end of the text. */
static bool take_number(struct dm_str *text, char end, int64_t *ret)
{
    size_t length = dm_str_find_char(*text, end);
    bool valid = dm_str_to_i64(dm_str_cut(*text, 0, length), ret);
    *text = dm_str_from(*text, length + 1);
    return valid;
}

static uint32_t parts_of(struct dm_str text)
{
    uint32_t parts = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        parts += text.at[i] == ',';
    return parts;
}

static bool take_range(struct dm_str *text, char end, uint32_t *ret_first, uint32_t *ret_last)
{
    int64_t first, last;
    if (!take_number(text, '-', &first) || !take_number(text, end, &last) || first < 1 || first > last ||
        last > UINT32_MAX)
        return false;
    *ret_first = (uint32_t)first;
    *ret_last = (uint32_t)last;
    return true;
}

enum dm_code dm_work_read_chosen(struct dm_str text, const char *holder, struct dm_arena *arena, struct dm_work *ret,
                                 struct dm_err *err)
{
    uint32_t count = parts_of(text);
    struct dm_range *at = dm_arena_array(arena, count, sizeof(*at));
    if (!at)
        return dm_arena_fail(arena, "a list of ranges", err);
    for (uint32_t i = 0; i < count; i++)
        if (!take_range(&text, ',', &at[i].first, &at[i].last) || (i > 0 && at[i].first <= at[i - 1].last))
            return dm_fail(err, DM_CORRUPT, "%s holds a record whose \"chosen\" is unreadable", holder);
    ret->chosen = (struct dm_ranges){ at, count };
    return DM_OK;
}

enum dm_code dm_work_read_returned(struct dm_str text, const char *holder, struct dm_arena *arena, struct dm_work *ret,
                                   struct dm_err *err)
{
    uint32_t count = parts_of(text);
    struct dm_returned *at = dm_arena_array(arena, count, sizeof(*at));
    if (!at)
        return dm_arena_fail(arena, "a list of ranges", err);
    for (uint32_t i = 0; i < count; i++) {
        int64_t losses;
        if (!take_range(&text, ':', &at[i].first, &at[i].last) || (i > 0 && at[i].first <= at[i - 1].last) ||
            !take_number(&text, ':', &losses) || losses < 0 || losses > UINT32_MAX ||
            !take_number(&text, ',', &at[i].due_ms))
            return dm_fail(err, DM_CORRUPT, "%s holds a record whose \"returned\" is unreadable", holder);
        at[i].losses = (uint32_t)losses;
    }
    ret->returned = at;
    ret->returned_count = count;
    return DM_OK;
}
