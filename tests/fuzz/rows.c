/* rows.c: the ledger's records as rows of SQLite, in both directions. The first byte chooses the record.
 *
 * A row of anything: each column is what the input says, as a number, a text or nothing. What is read out of it is bound
 * to a second row, and that one must give the same record. */
#include "embedded/sqlite_store.h"

#include <string.h>

#include "fuzz.h"

enum { MEMORY = 8 << 20, ROOM = 1 << 20, COLUMNS_MAX = 40 };

union record {
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_claim claim;
    struct dm_page page;
    struct dm_event event;
    struct dm_idem idem;
};

enum kind { DOCUMENT, STATE, WORK, CLAIM, PAGE, EVENT, IDEM, KINDS };

#define ONE(name, kind, member) +1
static const int columns_of[KINDS] = {
    [DOCUMENT] = DM_DOCUMENT_COLUMNS(ONE, ONE), [STATE] = DM_STATE_COLUMNS(ONE, ONE),
    [WORK] = DM_WORK_COLUMNS(ONE, ONE) + 2,     [CLAIM] = DM_CLAIM_COLUMNS(ONE, ONE),
    [PAGE] = DM_PAGE_COLUMNS(ONE, ONE),         [EVENT] = DM_EVENT_COLUMNS(ONE, ONE),
    [IDEM] = DM_IDEM_COLUMNS(ONE, ONE),
};
#undef ONE

/* "SELECT ?,?,…": a statement that gives back what is bound to it. */
static sqlite3_stmt *echo(enum kind kind)
{
    static sqlite3 *handle;
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    sqlite3_stmt *statement = NULL;
    if (!handle)
        EXPECT(sqlite3_open(":memory:", &handle) == SQLITE_OK);
    dm_buf_add_z(&text, "SELECT ?");
    for (int i = 1; i < columns_of[kind]; i++)
        dm_buf_add_z(&text, ",?");
    EXPECT(sqlite3_prepare_v2(handle, dm_buf_z(&text), -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static enum dm_code read_record(enum kind kind, sqlite3_stmt *row, struct dm_arena *arena, union record *ret)
{
    struct dm_err err;
    memset(ret, 0, sizeof(*ret));
    switch (kind) {
    case DOCUMENT:
        return dm_row_read_document(row, 0, arena, &ret->document, &err);
    case STATE:
        return dm_row_read_state(row, 0, &ret->state, &err);
    case WORK:
        return dm_row_read_work(row, 0, arena, &ret->work, &err);
    case CLAIM:
        return dm_row_read_claim(row, 0, &ret->claim, &err);
    case PAGE:
        return dm_row_read_page(row, 0, arena, &ret->page, &err);
    case EVENT:
        return dm_row_read_event(row, 0, arena, &ret->event, &err);
    default:
        return dm_row_read_idem(row, 0, &ret->idem, &err);
    }
}

static int bind_record(enum kind kind, sqlite3_stmt *row, const union record *record, struct dm_buf *chosen,
                       struct dm_buf *returned)
{
    struct dm_err err;
    int at = 1;
    switch (kind) {
    case DOCUMENT:
        return dm_row_bind_document(row, 1, &record->document);
    case STATE:
        return dm_row_bind_state(row, 1, &record->state);
    case WORK:
        EXPECT(dm_row_bind_work(row, &at, &record->work, chosen, returned, &err) == DM_OK);
        return at;
    case CLAIM:
        return dm_row_bind_claim(row, 1, &record->claim);
    case PAGE:
        return dm_row_bind_page(row, 1, &record->page);
    case EVENT:
        return dm_row_bind_event(row, 1, &record->event);
    default:
        return dm_row_bind_idem(row, 1, &record->idem);
    }
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
    EXPECT(work->returned_count <= DM_RETURNED_MAX);
}

/* Both rows' columns as text; SQLite converts numbers the same way for both. */
static void expect_same_row(enum kind kind, sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (int i = 0; i < columns_of[kind]; i++)
        EXPECT(dm_str_eq(dm_row_text(a, i), dm_row_text(b, i)));
}

/* The record is bound, read, and bound again: the second row is the first one. */
static void check_again(enum kind kind, const union record *record, struct dm_arena *arena)
{
    DM_AUTO(dm_buf) chosen = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) returned = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) chosen_again = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) returned_again = dm_buf_make(ROOM);
    union record again;
    sqlite3_stmt *first = echo(kind), *second = echo(kind);
    EXPECT(bind_record(kind, first, record, &chosen, &returned) == columns_of[kind] + 1);
    EXPECT(sqlite3_step(first) == SQLITE_ROW && read_record(kind, first, arena, &again) == DM_OK);
    EXPECT(bind_record(kind, second, &again, &chosen_again, &returned_again) == columns_of[kind] + 1);
    EXPECT(sqlite3_step(second) == SQLITE_ROW);
    expect_same_row(kind, first, second);
    sqlite3_finalize(first);
    sqlite3_finalize(second);
}

static void bind_anything(sqlite3_stmt *row, int at, struct input *input)
{
    uint8_t what = input_u8(input);
    if (what == 'n') {
        sqlite3_bind_int64(row, at, (int64_t)input_u64(input));
    } else if (what == 's') {
        sqlite3_bind_int64(row, at, input_u8(input));
    } else if (what == 't') {
        struct dm_str text = input_line(input);
        sqlite3_bind_text(row, at, text.at, (int)text.len, SQLITE_TRANSIENT);
    } else if (what == 'r') {
        sqlite3_bind_double(row, at, (double)(int64_t)input_u64(input) / 3);
    } else if (what == 'b') {
        struct dm_str bytes = input_text(input, input_u8(input));
        sqlite3_bind_blob(row, at, bytes.at, (int)bytes.len, SQLITE_TRANSIENT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    enum kind kind = (enum kind)(input_u8(&input) % KINDS);
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    union record record;
    sqlite3_stmt *row = echo(kind);
    for (int i = 1; i <= columns_of[kind]; i++)
        bind_anything(row, i, &input);
    EXPECT(sqlite3_step(row) == SQLITE_ROW);
    enum dm_code rc = read_record(kind, row, &arena, &record);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT);
    if (rc == DM_OK && kind == WORK)
        check_work(&record.work);
    if (rc == DM_OK)
        check_again(kind, &record, &arena);
    sqlite3_finalize(row);
    input_free(&input);
    return 0;
}
