/* dynamo_ranges.c: the records that are more than their members: WORK with its ranges, and the pages that share an item.
 *
 * Ranges are text: "1-5,9-9" and, with losses and instant, "3-3:1:0,7-9:0:1764000000000". */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/keys.h"

/* ---- WORK ---- */

static void print_chosen(const struct dm_work *work, struct dm_buf *buf)
{
    for (uint32_t i = 0; i < work->chosen.count; i++)
        dm_buf_addf(buf, "%s%" PRIu32 "-%" PRIu32, i ? "," : "", work->chosen.at[i].first, work->chosen.at[i].last);
}

static void print_returned(const struct dm_work *work, struct dm_buf *buf)
{
    for (uint32_t i = 0; i < work->returned_count; i++) {
        const struct dm_returned *range = &work->returned[i];
        dm_buf_addf(buf, "%s%" PRIu32 "-%" PRIu32 ":%" PRIu32 ":%" PRId64, i ? "," : "", range->first, range->last,
                    range->losses, range->due_ms);
    }
}

void dm_record_add_work(struct dm_item *item, const struct dm_work *work)
{
    DM_AUTO(dm_buf) chosen = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_buf) returned = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    print_chosen(work, &chosen);
    print_returned(work, &returned);
    dm_record_add(item, DM_RECORD_WORK, work);
    dm_item_add_text(item, "chosen", dm_buf_str(&chosen));
    dm_item_add_text(item, "returned", dm_buf_str(&returned));
    if (chosen.failed || returned.failed) {
        item->values.failed = true;
        item->values.starved = chosen.starved || returned.starved;
    }
}

/* The number before `end`, or before the end of the text. */
static bool take(struct dm_str *text, char end, int64_t least, int64_t most, int64_t *ret)
{
    size_t length = dm_str_find_char(*text, end);
    bool valid = dm_str_to_i64(dm_str_cut(*text, 0, length), ret) && *ret >= least && *ret <= most;
    *text = dm_str_from(*text, length + 1);
    return valid;
}

static uint32_t count_parts(struct dm_str text)
{
    uint32_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == ',';
    return count;
}

/* Ascending and disjoint, or it is none of ours. */
static bool parse_range(struct dm_str *part, char end, uint32_t before, uint32_t *ret_first, uint32_t *ret_last)
{
    int64_t first, last;
    if (!take(part, '-', (int64_t)before + 1, UINT32_MAX, &first) || !take(part, end, first, UINT32_MAX, &last))
        return false;
    *ret_first = (uint32_t)first;
    *ret_last = (uint32_t)last;
    return true;
}

static enum dm_code parse_chosen(struct dm_str text, struct dm_arena *arena, struct dm_work *work, struct dm_err *err)
{
    uint32_t count = count_parts(text), n = 0;
    struct dm_range *ranges = dm_arena_array(arena, count, sizeof(*ranges));
    if (!ranges)
        return dm_arena_fail(arena, "a list of ranges", err);
    struct dm_str part;
    for (uint32_t before = 0; n < count && dm_str_next(&text, ',', &part); before = ranges[n++].last)
        if (!parse_range(&part, '\0', before, &ranges[n].first, &ranges[n].last))
            return dm_fail(err, DM_CORRUPT, "the table holds a work whose \"chosen\" is unreadable");
    work->chosen = (struct dm_ranges){ ranges, n };
    return DM_OK;
}

static enum dm_code parse_returned(struct dm_str text, struct dm_arena *arena, struct dm_work *work, struct dm_err *err)
{
    uint32_t count = count_parts(text), n = 0;
    struct dm_returned *ranges = dm_arena_array(arena, count, sizeof(*ranges));
    if (!ranges)
        return dm_arena_fail(arena, "a list of ranges", err);
    struct dm_str part;
    for (uint32_t before = 0; n < count && dm_str_next(&text, ',', &part); before = ranges[n++].last) {
        int64_t losses = 0;
        if (!parse_range(&part, ':', before, &ranges[n].first, &ranges[n].last) ||
            !take(&part, ':', 0, UINT32_MAX, &losses) || !take(&part, '\0', INT64_MIN, INT64_MAX, &ranges[n].due_ms))
            return dm_fail(err, DM_CORRUPT, "the table holds a work whose \"returned\" is unreadable");
        ranges[n].losses = (uint32_t)losses;
    }
    work->returned = ranges;
    work->returned_count = n;
    return DM_OK;
}

enum dm_code dm_record_read_work(const json_t *item, struct dm_arena *arena, struct dm_work *ret, struct dm_err *err)
{
    struct dm_work work = { 0 };
    struct dm_str chosen, returned;
    if (!dm_item_plain(item, "chosen", &chosen) || !dm_item_plain(item, "returned", &returned))
        return dm_fail(err, DM_CORRUPT, "the table holds a work whose ranges are unreadable");
    enum dm_code rc = dm_record_read(item, DM_RECORD_WORK, arena, &work, err);
    if (rc == DM_OK)
        rc = parse_chosen(chosen, arena, &work, err);
    if (rc == DM_OK)
        rc = parse_returned(returned, arena, &work, err);
    if (rc == DM_OK)
        *ret = work;
    return rc;
}

/* ---- pages ---- */

void dm_record_page_name(uint32_t number, char name[4])
{
    snprintf(name, 4, "p%u", (unsigned)(number % DM_DYNAMO_PAGES_AN_ITEM));
}

void dm_record_add_page(struct dm_item *item, const struct dm_file *file, const struct dm_page *page)
{
    const struct dm_blob_key prefix = dm_key_segments(file);
    struct dm_stored_page stored = { *page, DM_STR("") };
    if (page->segment.len > strlen(prefix.text) && dm_str_starts(page->segment, dm_str_z(prefix.text))) {
        stored.tail = dm_str_from(page->segment, strlen(prefix.text));
        stored.page.segment = DM_STR("");
    }
    char name[4];
    DM_AUTO(dm_item) members = dm_item_make(DM_ITEM_PUT);
    DM_AUTO(dm_buf) value = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_record_add(&members, DM_RECORD_PAGE, &stored);
    dm_buf_add(&value, DM_STR("{\"M\":{"));
    dm_buf_add(&value, dm_buf_str(&members.values));
    dm_buf_add(&value, DM_STR("}}"));
    dm_record_page_name(page->number, name);
    dm_item_add_value(item, name, dm_buf_str(&value));
    if (value.failed || members.values.failed) {
        item->values.failed = true;
        item->values.starved = value.starved || members.values.starved;
    }
}

enum dm_code dm_record_read_page(const json_t *item, const struct dm_file *file, uint32_t number,
                                 struct dm_arena *arena, struct dm_page *ret, bool *ret_found, struct dm_err *err)
{
    char name[4];
    struct dm_stored_page stored = { 0 };
    dm_record_page_name(number, name);
    const json_t *attribute = json_object_get(item, name);
    *ret_found = attribute != NULL;
    if (!attribute)
        return DM_OK;
    const json_t *members = json_object_get(attribute, "M");
    if (!json_is_object(members))
        return dm_fail(err, DM_CORRUPT, "the table holds a page that is none");
    enum dm_code rc = dm_record_read(members, DM_RECORD_PAGE, arena, &stored, err);
    if (rc != DM_OK)
        return rc;
    stored.page.number = number;
    if (stored.tail.len) {
        const struct dm_blob_key prefix = dm_key_segments(file);
        stored.page.segment = dm_arena_fmt(arena, "%s%.*s", prefix.text, DM_STR_ARG(stored.tail));
        if (!stored.page.segment.at)
            return dm_arena_fail(arena, "a page", err);
    }
    *ret = stored.page;
    return DM_OK;
}
