/* dynamo_ranges.c: the records that are more than their members: WORK with its ranges, and the pages that share an item. */
#include "aws/dynamo_store.h"

#include <stdio.h>

#include "domain/keys.h"
#include "domain/work_text.h"

/* ---- WORK ---- */

void dm_record_add_work(struct dm_item *item, const struct dm_work *work)
{
    DM_AUTO(dm_buf) chosen = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_buf) returned = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_work_add_chosen(work, &chosen);
    dm_work_add_returned(work, &returned);
    dm_record_add(item, DM_RECORD_WORK, work);
    dm_item_add_text(item, "chosen", dm_buf_str(&chosen));
    dm_item_add_text(item, "returned", dm_buf_str(&returned));
    if (chosen.failed || returned.failed) {
        item->values.failed = true;
        item->values.starved = chosen.starved || returned.starved;
    }
}

enum dm_code dm_record_read_work(const json_t *item, struct dm_arena *arena, struct dm_work *ret, struct dm_err *err)
{
    struct dm_work work = { 0 };
    struct dm_str chosen, returned;
    if (!dm_item_plain(item, "chosen", &chosen) || !dm_item_plain(item, "returned", &returned))
        return dm_fail(err, DM_CORRUPT, "the table holds a work whose ranges are unreadable");
    enum dm_code rc = dm_record_read(item, DM_RECORD_WORK, arena, &work, err);
    if (rc == DM_OK)
        rc = dm_work_read_chosen(chosen, "the table", arena, &work, err);
    if (rc == DM_OK)
        rc = dm_work_read_returned(returned, "the table", arena, &work, err);
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
