/* sqlite_row.c: records as rows.
 *
 * The column lists of sqlite_sql.h become tables of kind and place, and one loop binds or reads any record. A row is
 * believed only as far as its words and numbers make sense: what does not is DM_CORRUPT, never a broken invariant. */
#include "embedded/sqlite_store.h"

#include <string.h>

#include "domain/words.h"
#include "domain/work_text.h"

enum kind {
    KIND_U32,
    KIND_U64,
    KIND_I64,
    KIND_FLAG,
    KIND_CHARS, /* a fixed array that ends with NUL */
    KIND_TEXT,  /* a slice */
    KIND_WORDS, /* and from here on one for each closed list of domain/words.h */
    KIND_STATUS = KIND_WORDS + DM_WORDS_STATUS,
    KIND_PAGE_STATUS = KIND_WORDS + DM_WORDS_PAGE_STATUS,
    KIND_OUTCOME = KIND_WORDS + DM_WORDS_OUTCOME,
    KIND_REASON = KIND_WORDS + DM_WORDS_REASON,
    KIND_MEDIA = KIND_WORDS + DM_WORDS_MEDIA,
    KIND_EVENT_TYPE = KIND_WORDS + DM_WORDS_EVENT_TYPE,
    KIND_WORK_KEY = KIND_WORDS + DM_WORDS_WORK_KEY
};

static enum dm_word_list list_of(enum kind kind)
{
    return (enum dm_word_list)(kind - KIND_WORDS);
}

_Static_assert(sizeof(enum dm_status) == sizeof(int) && sizeof(enum dm_media) == sizeof(int), "enums are ints here");

/* ---- records as tables --------------------------------------------------------------------------------------- */

struct column {
    const char *name;
    enum kind kind;
    size_t place;
    size_t size;
};

#define COLUMN(column_name, column_kind, member)                                                                       \
    { #column_name, KIND_##column_kind, offsetof(struct RECORD, member), sizeof(((struct RECORD *)0)->member) },

#define RECORD dm_document
static const struct column document_columns[] = { DM_DOCUMENT_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_state
static const struct column state_columns[] = { DM_STATE_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_work
static const struct column work_columns[] = { DM_WORK_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_claim
static const struct column claim_columns[] = { DM_CLAIM_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_page
static const struct column page_columns[] = { DM_PAGE_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_event
static const struct column event_columns[] = { DM_EVENT_COLUMNS(COLUMN, COLUMN) };
#undef RECORD
#define RECORD dm_idem
static const struct column idem_columns[] = { DM_IDEM_COLUMNS(COLUMN, COLUMN) };
#undef RECORD

static void bind_one(sqlite3_stmt *statement, int at, const struct column *column, const char *member)
{
    switch (column->kind) {
    case KIND_U32:
        sqlite3_bind_int64(statement, at, *(const uint32_t *)(const void *)member);
        break;
    case KIND_U64:
        sqlite3_bind_int64(statement, at, (int64_t) * (const uint64_t *)(const void *)member);
        break;
    case KIND_I64:
        sqlite3_bind_int64(statement, at, *(const int64_t *)(const void *)member);
        break;
    case KIND_FLAG:
        sqlite3_bind_int(statement, at, *(const bool *)member);
        break;
    case KIND_CHARS:
        dm_db_bind_str(statement, at, dm_str_of(member, strnlen(member, column->size)));
        break;
    case KIND_TEXT:
        dm_db_bind_str(statement, at, *(const struct dm_str *)(const void *)member);
        break;
    default:
        dm_db_bind_str(statement, at,
                       dm_str_z(dm_word_text(list_of(column->kind), *(const int *)(const void *)member)));
    }
}

static int bind(sqlite3_stmt *statement, int at, const struct column *columns, size_t count, const void *record)
{
    for (size_t i = 0; i < count; i++)
        bind_one(statement, at++, &columns[i], (const char *)record + columns[i].place);
    return at;
}

/* As a blob: asking for text would make SQLite look for a NUL and move it. Looking into a value is fine where, as here, a
 * connection belongs to one task. */
struct dm_str dm_row_text(sqlite3_stmt *row, int at)
{
    sqlite3_value *value = sqlite3_column_value(row, at);
    const void *bytes = sqlite3_value_blob(value);
    int size = sqlite3_value_bytes(value);
    return dm_str_of(bytes ? bytes : "", size > 0 ? (size_t)size : 0);
}

static bool read_text(struct dm_str text, struct dm_arena *arena, struct dm_str *ret)
{
    *ret = text.len ? dm_arena_str(arena, text) : DM_STR("");
    return ret->at != NULL;
}

/* False: the row holds something else, or (KIND_TEXT) the arena has no room for it. */
static inline bool read_one(sqlite3_stmt *row, int at, const struct column *column, char *member,
                            struct dm_arena *arena)
{
    struct dm_str text;
    int64_t number;
    switch (column->kind) {
    case KIND_U32:
        number = sqlite3_column_int64(row, at);
        *(uint32_t *)(void *)member = (uint32_t)number;
        return number >= 0 && number <= UINT32_MAX;
    case KIND_U64:
    case KIND_I64:
        *(int64_t *)(void *)member = sqlite3_column_int64(row, at);
        return true;
    case KIND_FLAG:
        *(bool *)member = sqlite3_column_int64(row, at) != 0;
        return true;
    case KIND_CHARS:
        text = dm_row_text(row, at);
        if (text.len >= column->size)
            return false;
        memcpy(member, text.at, text.len);
        return true;
    case KIND_TEXT:
        return read_text(dm_row_text(row, at), arena, (struct dm_str *)(void *)member);
    default:
        return dm_word_find(list_of(column->kind), dm_row_text(row, at), (int *)(void *)member);
    }
}

/* `record` comes zeroed. */
static enum dm_code read(sqlite3_stmt *row, int at, const struct column *columns, size_t count, struct dm_arena *arena,
                         void *record, struct dm_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (read_one(row, at++, &columns[i], (char *)record + columns[i].place, arena))
            continue;
        if (columns[i].kind == KIND_TEXT)
            return dm_arena_fail(arena, "a record", err);
        return dm_fail(err, DM_CORRUPT, "the database holds a record whose \"%s\" is unreadable", columns[i].name);
    }
    return DM_OK;
}

#define BIND(record) bind(statement, at, record##_columns, DM_COUNT(record##_columns), record)

int dm_row_bind_document(sqlite3_stmt *statement, int at, const struct dm_document *document)
{
    return BIND(document);
}

int dm_row_bind_state(sqlite3_stmt *statement, int at, const struct dm_state *state)
{
    return BIND(state);
}

int dm_row_bind_claim(sqlite3_stmt *statement, int at, const struct dm_claim *claim)
{
    return BIND(claim);
}

int dm_row_bind_page(sqlite3_stmt *statement, int at, const struct dm_page *page)
{
    return BIND(page);
}

int dm_row_bind_event(sqlite3_stmt *statement, int at, const struct dm_event *event)
{
    return BIND(event);
}

int dm_row_bind_idem(sqlite3_stmt *statement, int at, const struct dm_idem *idem)
{
    return BIND(idem);
}

/* Reads into a fresh record, so that *ret stays as it was on failure. */
#define READ(record, arena)                                                                                            \
    struct dm_##record record = { 0 };                                                                                 \
    enum dm_code rc = read(row, at, record##_columns, DM_COUNT(record##_columns), (arena), &record, err);              \
    if (rc == DM_OK)                                                                                                   \
        *ret = record;                                                                                                 \
    return rc

enum dm_code dm_row_read_document(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_document *ret,
                                  struct dm_err *err)
{
    READ(document, arena);
}

enum dm_code dm_row_read_state(sqlite3_stmt *row, int at, struct dm_state *ret, struct dm_err *err)
{
    READ(state, NULL);
}

/* The columns shown stand first in the lists of all columns. */
enum dm_code dm_row_read_shown(sqlite3_stmt *row, struct dm_arena *arena, struct dm_document *ret_document,
                               struct dm_state *ret_state, struct dm_err *err)
{
    struct dm_document document = { 0 };
    struct dm_state state = { 0 };
    enum dm_code rc = read(row, 0, document_columns, DM_ROW_DOCUMENT_SHOWN_COLUMNS, arena, &document, err);
    if (rc == DM_OK)
        rc = read(row, DM_ROW_DOCUMENT_SHOWN_COLUMNS, state_columns, DM_ROW_STATE_SHOWN_COLUMNS, NULL, &state, err);
    if (rc != DM_OK)
        return rc;
    *ret_document = document;
    *ret_state = state;
    return DM_OK;
}

enum dm_code dm_row_read_claim(sqlite3_stmt *row, int at, struct dm_claim *ret, struct dm_err *err)
{
    READ(claim, NULL);
}

enum dm_code dm_row_read_page(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_page *ret,
                              struct dm_err *err)
{
    READ(page, arena);
}

enum dm_code dm_row_read_event(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_event *ret,
                               struct dm_err *err)
{
    READ(event, arena);
}

enum dm_code dm_row_read_idem(sqlite3_stmt *row, int at, struct dm_idem *ret, struct dm_err *err)
{
    READ(idem, NULL);
}

/* ---- WORK, whose ranges are text (domain/work_text.h) -------------------------------------------------------------- */

enum dm_code dm_row_bind_work(sqlite3_stmt *statement, int *at, const struct dm_work *work, struct dm_buf *chosen,
                              struct dm_buf *returned, struct dm_err *err)
{
    dm_work_add_chosen(work, chosen);
    dm_work_add_returned(work, returned);
    enum dm_code rc = dm_buf_check(chosen, "the list of chosen pages", err);
    if (rc == DM_OK)
        rc = dm_buf_check(returned, "the list of returned pages", err);
    if (rc != DM_OK)
        return rc;
    int next = bind(statement, *at, work_columns, DM_COUNT(work_columns), work);
    dm_db_bind_str(statement, next++, dm_buf_str(chosen));
    dm_db_bind_str(statement, next++, dm_buf_str(returned));
    *at = next;
    return DM_OK;
}

enum dm_code dm_row_read_work(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_work *ret,
                              struct dm_err *err)
{
    struct dm_work work = { 0 };
    enum dm_code rc = read(row, at, work_columns, DM_COUNT(work_columns), arena, &work, err);
    if (rc == DM_OK)
        rc = dm_work_read_chosen(dm_row_text(row, at + DM_ROW_WORK_COLUMNS), "the database", arena, &work, err);
    if (rc == DM_OK)
        rc = dm_work_read_returned(dm_row_text(row, at + DM_ROW_WORK_COLUMNS + 1), "the database", arena, &work, err);
    if (rc == DM_OK)
        *ret = work;
    return rc;
}
