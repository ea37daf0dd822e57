/* dynamo_parts.c: what there is many of: a document's pages and events; and the documents of Idempotency-Keys. */
#include "aws/dynamo_store.h"

#include <string.h>

#include "base/check.h"
#include "base/rows.h"

enum { ITEMS_MAX = 1000 };

/* ---- pages ---- */

struct wanted {
    const struct dm_file *file;
    uint32_t first, last, max;
    struct dm_arena *arena;
};

/* The item's number: that of the first page which it may hold. */
static bool item_number(const json_t *item, uint32_t *ret)
{
    struct dm_str sk;
    uint64_t number;
    if (!dm_item_plain(item, "SK", &sk) || !dm_str_starts(sk, DM_STR("PAGE#")) ||
        !dm_str_to_u64(dm_str_from(sk, strlen("PAGE#")), &number) || number > UINT32_MAX ||
        number % DM_DYNAMO_PAGES_AN_ITEM != 0)
        return false;
    *ret = (uint32_t)number;
    return true;
}

static enum dm_code take_pages(const json_t *item, const struct wanted *wanted, struct dm_rows *pages,
                               struct dm_err *err)
{
    uint32_t start;
    if (!item_number(item, &start))
        return dm_fail(err, DM_CORRUPT, "the table holds pages whose number is unreadable");
    for (uint32_t i = 0; i < DM_DYNAMO_PAGES_AN_ITEM && pages->count < wanted->max; i++) {
        struct dm_page page;
        bool found = false;
        enum dm_code rc = DM_OK;
        if (start + i >= wanted->first && start + i <= wanted->last)
            rc = dm_record_read_page(item, wanted->file, start + i, wanted->arena, &page, &found, err);
        struct dm_page *kept = rc == DM_OK && found ? dm_rows_add(pages) : NULL;
        if (kept)
            *kept = page;
        else if (rc == DM_OK && found)
            rc = dm_fail_memory(err);
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}

enum dm_code dm_dynamo_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                             uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                             struct dm_err *err)
{
    const struct wanted wanted = { file, first, last, max, arena };
    const struct dm_dynamo_key from = dm_dynamo_page_key(tenant, file, first);
    const struct dm_dynamo_key to = dm_dynamo_page_key(tenant, file, last);
    const uint32_t items = max / DM_DYNAMO_PAGES_AN_ITEM + 2;
    DM_AUTO(dm_dynamo_query)
    query = { .pk = from.pk, .from = from.sk, .to = to.sk, .limit = items < ITEMS_MAX ? items : ITEMS_MAX };
    DM_AUTO(dm_rows) pages = { .size = sizeof(struct dm_page) };
    const json_t *item;
    enum dm_code rc = DM_OK;
    while (rc == DM_OK && pages.count < max && (rc = dm_dynamo_next(self, &query, &item, err)) == DM_OK && item)
        rc = take_pages(item, &wanted, &pages, err);
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&pages, arena, &all, err);
    if (rc == DM_OK)
        *ret = (struct dm_page_list){ all, pages.count };
    return rc;
}

/* ---- events ---- */

enum dm_code dm_dynamo_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                              uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    const struct dm_dynamo_key from = dm_dynamo_event_key(tenant, file, after + (after < UINT64_MAX));
    const struct dm_dynamo_key to = dm_dynamo_event_key(tenant, file, UINT64_MAX);
    DM_AUTO(dm_dynamo_query)
    query = { .pk = from.pk, .from = from.sk, .to = to.sk, .limit = max < ITEMS_MAX ? max : ITEMS_MAX };
    DM_AUTO(dm_rows) events = { .size = sizeof(struct dm_event) };
    const json_t *item;
    enum dm_code rc = DM_OK;
    while (rc == DM_OK && events.count < max && (rc = dm_dynamo_next(self, &query, &item, err)) == DM_OK && item) {
        struct dm_event event = { 0 };
        rc = dm_record_read(item, DM_RECORD_EVENT, arena, &event, err);
        if (rc != DM_OK || event.seq <= after)
            continue;
        struct dm_event *kept = dm_rows_add(&events);
        if (kept)
            *kept = event;
        else
            rc = dm_fail_memory(err);
    }
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&events, arena, &all, err);
    if (rc == DM_OK)
        *ret = (struct dm_event_list){ all, events.count };
    return rc;
}

/* ---- Idempotency-Keys ---- */

/* The table removes what has expired when it comes round to it: until then it is passed over here. */
enum dm_code dm_dynamo_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                            struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    struct dm_dynamo_key name;
    struct dm_idem idem = { 0 };
    const json_t *item = NULL;
    enum dm_code rc = dm_dynamo_idem_key(tenant, key, &name, err);
    if (rc == DM_OK)
        rc = dm_dynamo_get(self, &name, DM_DYNAMO_CALL_MS, &answer, &item, err);
    if (rc == DM_OK && item)
        rc = dm_record_read(item, DM_RECORD_IDEM, NULL, &idem, err);
    if (rc == DM_OK && (!item || idem.expires_ms <= now_ms))
        rc = dm_fail(err, DM_NOT_FOUND, "this Idempotency-Key has not been used");
    if (rc != DM_OK)
        return rc;
    idem.key = dm_arena_str(arena, key);
    if (!idem.key.at)
        return dm_arena_fail(arena, "an Idempotency-Key", err);
    *ret = idem;
    return DM_OK;
}
