/* items.c: the ledger's records as items of DynamoDB, in both directions. The first byte chooses the record, or the key of an
 * index; the rest is the item as an answer holds it.
 *
 * What is read out of it is written into a second item, and that one must give the same record, and the same item again. */
#include "aws/dynamo_store.h"

#include <string.h>

#include "base/json.h"
#include "fuzz.h"

enum { MEMORY = 8 << 20, ROOM = 8 << 20, PAGE_NUMBER = 5, KEYS = DM_RECORD_COUNT, KINDS };

union record {
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_claim claim;
    struct dm_page page;
    struct dm_event event;
    struct dm_idem idem;
};

static const struct dm_file file = { .id = "01940000-0000-7000-8000-000000000001" };

/* False: it is no such record. */
static bool read_record(const json_t *item, int kind, struct dm_arena *arena, union record *ret)
{
    struct dm_err err = { .code = DM_OK };
    bool found = true;
    enum dm_code rc;
    memset(ret, 0, sizeof(*ret));
    if (kind == DM_RECORD_WORK)
        rc = dm_record_read_work(item, arena, &ret->work, &err);
    else if (kind == DM_RECORD_PAGE)
        rc = dm_record_read_page(item, &file, PAGE_NUMBER, arena, &ret->page, &found, &err);
    else
        rc = dm_record_read(item, (enum dm_record)kind, arena, ret, &err);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT || rc == DM_TOO_LARGE);
    EXPECT(rc == DM_OK || fuzz_is_plain_ascii(dm_str_z(err.text)));
    return rc == DM_OK && found;
}

static void write_record(struct dm_buf *buf, int kind, const union record *record)
{
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    if (kind == DM_RECORD_WORK)
        dm_record_add_work(&item, &record->work);
    else if (kind == DM_RECORD_PAGE)
        dm_record_add_page(&item, &file, &record->page);
    else
        dm_record_add(&item, (enum dm_record)kind, record);
    EXPECT(!item.values.failed);
    dm_buf_add_char(buf, '{');
    dm_buf_add(buf, dm_buf_str(&item.values));
    dm_buf_add_char(buf, '}');
}

/* Ranges that the ledger's rules can work with. */
static void check_work(const struct dm_work *work)
{
    for (uint32_t i = 0; i < work->chosen.count; i++) {
        EXPECT(work->chosen.at[i].first >= 1 && work->chosen.at[i].first <= work->chosen.at[i].last);
        EXPECT(i == 0 || work->chosen.at[i].first > work->chosen.at[i - 1].last);
    }
    for (uint32_t i = 0; i < work->returned_count; i++) {
        EXPECT(work->returned[i].first >= 1 && work->returned[i].first <= work->returned[i].last);
        EXPECT(i == 0 || work->returned[i].first > work->returned[i - 1].last);
    }
}

static void check_item(const json_t *item, int kind, struct dm_arena *arena)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) again = dm_buf_make(ROOM);
    json_auto_t *back = NULL;
    union record record;
    if (!read_record(item, kind, arena, &record))
        return;
    if (kind == DM_RECORD_WORK)
        check_work(&record.work);
    write_record(&text, kind, &record);
    EXPECT(!text.failed && fuzz_is_plain_utf8(dm_buf_str(&text)));
    EXPECT(dm_json_parse(dm_buf_str(&text), "an item", &back, NULL) == DM_OK);
    EXPECT(read_record(back, kind, arena, &record));
    write_record(&again, kind, &record);
    EXPECT(dm_str_eq(dm_buf_str(&text), dm_buf_str(&again)));
}

static void check_key(struct dm_str text)
{
    struct dm_found found;
    int64_t number;
    if (dm_dynamo_parse_found(text, &found)) {
        const struct dm_dynamo_place place = dm_dynamo_place_ended(&found.tenant, &found.file);
        EXPECT(dm_str_eq(dm_str_z(place.sk), text));
    }
    if (dm_dynamo_parse_numbered(text, &number, &found) && number >= 0 &&
        dm_str_find_char(text, '#') == DM_DYNAMO_NUMBER - 1) {
        const struct dm_dynamo_place place = dm_dynamo_place_due(&found.tenant, &found.file, number);
        EXPECT(dm_str_eq(dm_str_z(place.sk), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_arena arena = dm_arena_make(MEMORY);
    json_auto_t *item = NULL;
    const int kind = (input_u8(&input) - '0') & 0x7f;
    const struct dm_str text = input_rest(&input);
    if (kind % KINDS == KEYS)
        check_key(text);
    else if (dm_json_parse(text, "an item", &item, NULL) == DM_OK)
        check_item(item, kind % KINDS, &arena);
    dm_arena_free(&arena);
    input_free(&input);
    return 0;
}
