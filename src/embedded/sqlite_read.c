/* sqlite_read.c: the reads of one document.
 *
 * All parts of a read come from one snapshot. Polling for a document's state is what a server does most, so DOC
 * and STATE together are one statement. */
#include "embedded/sqlite_store.h"

#include <string.h>

static enum dm_code not_found(const struct dm_file *file, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
}

static enum dm_code take(struct dm_reader_db *reader, enum dm_sql which, const struct dm_tenant *tenant,
                         const struct dm_file *file, sqlite3_stmt **ret, struct dm_err *err)
{
    enum dm_code rc = dm_db_take(&reader->db, which, ret, err);
    if (rc == DM_OK)
        dm_db_bind_names(*ret, file, tenant);
    return rc;
}

/* DOC and STATE, or either. */
static enum dm_code read_rows(struct dm_reader_db *reader, const struct dm_tenant *tenant, const struct dm_file *file,
                              unsigned parts, struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    unsigned both = parts & (DM_PART_DOCUMENT | DM_PART_STATE);
    bool shown = (parts & DM_PART_SHOWN) && both == (DM_PART_DOCUMENT | DM_PART_STATE);
    enum dm_sql which = shown                      ? DM_SQL_READ_SHOWN
                        : both == DM_PART_DOCUMENT ? DM_SQL_READ_DOCUMENT
                        : both == DM_PART_STATE    ? DM_SQL_READ_STATE
                                                   : DM_SQL_READ_BOTH;
    sqlite3_stmt *row;
    bool found = false;
    enum dm_code rc = take(reader, which, tenant, file, &row, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_db_step(&reader->db, row, &found, file->id, err);
    if (rc == DM_OK && !found)
        rc = not_found(file, err);
    int at = 0;
    if (rc == DM_OK && shown) {
        rc = dm_row_read_shown(row, arena, &ret->document, &ret->state, err);
        dm_db_give(row);
        return rc;
    }
    if (rc == DM_OK && (parts & DM_PART_DOCUMENT)) {
        rc = dm_row_read_document(row, at, arena, &ret->document, err);
        at += DM_ROW_DOCUMENT_COLUMNS;
    }
    if (rc == DM_OK && (parts & DM_PART_STATE))
        rc = dm_row_read_state(row, at, &ret->state, err);
    dm_db_give(row);
    return rc;
}

/* *ret_found: there is a WORK; without one it stays zeroed. */
static enum dm_code read_work(struct dm_reader_db *reader, const struct dm_tenant *tenant, const struct dm_file *file,
                              struct dm_arena *arena, struct dm_work *ret, bool *ret_found, struct dm_err *err)
{
    sqlite3_stmt *row;
    enum dm_code rc = take(reader, DM_SQL_READ_WORK, tenant, file, &row, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_db_step(&reader->db, row, ret_found, file->id, err);
    if (rc == DM_OK && *ret_found)
        rc = dm_row_read_work(row, 0, arena, ret, err);
    dm_db_give(row);
    return rc;
}

static enum dm_code read_claims(struct dm_reader_db *reader, const struct dm_tenant *tenant, const struct dm_file *file,
                                struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    DM_AUTO(dm_rows) claims = { .size = sizeof(struct dm_claim) };
    sqlite3_stmt *row;
    enum dm_code rc = take(reader, DM_SQL_READ_CLAIMS, tenant, file, &row, err);
    if (rc != DM_OK)
        return rc;
    bool more;
    while ((rc = dm_db_step(&reader->db, row, &more, file->id, err)) == DM_OK && more) {
        struct dm_claim *claim = dm_rows_add(&claims);
        rc = claim ? dm_row_read_claim(row, 0, claim, err) : dm_fail_memory(err);
        if (rc != DM_OK)
            break;
    }
    dm_db_give(row);
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&claims, arena, &all, err);
    if (rc != DM_OK)
        return rc;
    ret->claims = all;
    ret->claim_count = claims.count;
    return DM_OK;
}

static enum dm_code read_parts(struct dm_reader_db *reader, const struct dm_tenant *tenant, const struct dm_file *file,
                               unsigned parts, struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    bool found = false;
    if (parts & (DM_PART_DOCUMENT | DM_PART_STATE)) {
        rc = read_rows(reader, tenant, file, parts, arena, ret, err);
        found = true;
    }
    if (rc == DM_OK && (parts & DM_PART_WORK)) {
        bool found_work = false;
        rc = read_work(reader, tenant, file, arena, &ret->work, &found_work, err);
        found = found || found_work;
    }
    if (rc == DM_OK && !found) {
        /* Neither of these parts says whether the document is there at all. */
        struct dm_snapshot ignored = { 0 };
        rc = read_rows(reader, tenant, file, DM_PART_STATE, arena, &ignored, err);
    }
    if (rc == DM_OK && (parts & DM_PART_CLAIMS))
        rc = read_claims(reader, tenant, file, arena, ret, err);
    return rc;
}

enum dm_code dm_sqlite_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                            struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    struct dm_sqlite *sqlite = self;
    struct dm_reader_db *reader;
    enum dm_code rc = dm_readers_take(&sqlite->readers, &reader, err);
    if (rc != DM_OK)
        return rc;
    rc = read_parts(reader, tenant, file, parts, arena, ret, err);
    dm_readers_give(&sqlite->readers, reader, rc);
    return rc;
}

enum dm_code dm_sqlite_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                             uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                             struct dm_err *err)
{
    DM_AUTO(dm_rows) pages = { .size = sizeof(struct dm_page) };
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_READ_PAGES, &lookup, err);
    if (rc != DM_OK)
        return rc;
    dm_db_bind_names(lookup.row, file, tenant);
    sqlite3_bind_int64(lookup.row, 3, first);
    sqlite3_bind_int64(lookup.row, 4, last);
    sqlite3_bind_int64(lookup.row, 5, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, file->id, err)) == DM_OK && more) {
        struct dm_page *page = dm_rows_add(&pages);
        rc = page ? dm_row_read_page(lookup.row, 0, arena, page, err) : dm_fail_memory(err);
        if (rc != DM_OK)
            break;
    }
    dm_lookup_end(&lookup, rc);
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&pages, arena, &all, err);
    if (rc == DM_OK)
        *ret = (struct dm_page_list){ all, pages.count };
    return rc;
}

enum dm_code dm_sqlite_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                              uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    DM_AUTO(dm_rows) events = { .size = sizeof(struct dm_event) };
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_READ_EVENTS, &lookup, err);
    if (rc != DM_OK)
        return rc;
    dm_db_bind_names(lookup.row, file, tenant);
    sqlite3_bind_int64(lookup.row, 3, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    sqlite3_bind_int64(lookup.row, 4, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, file->id, err)) == DM_OK && more) {
        struct dm_event *event = dm_rows_add(&events);
        rc = event ? dm_row_read_event(lookup.row, 0, arena, event, err) : dm_fail_memory(err);
        if (rc != DM_OK)
            break;
    }
    dm_lookup_end(&lookup, rc);
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&events, arena, &all, err);
    if (rc == DM_OK)
        *ret = (struct dm_event_list){ all, events.count };
    return rc;
}

enum dm_code dm_sqlite_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                            struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_READ_IDEM, &lookup, err);
    if (rc != DM_OK)
        return rc;
    struct dm_idem idem = { 0 };
    bool found = false;
    dm_db_bind_str(lookup.row, 1, dm_str_z(tenant->id));
    dm_db_bind_str(lookup.row, 2, key);
    sqlite3_bind_int64(lookup.row, 3, now_ms);
    rc = dm_lookup_next(&lookup, &found, "an Idempotency-Key", err);
    if (rc == DM_OK)
        rc = found ? dm_row_read_idem(lookup.row, 0, &idem, err)
                   : dm_fail(err, DM_NOT_FOUND, "this Idempotency-Key has not been used");
    dm_lookup_end(&lookup, rc);
    if (rc != DM_OK)
        return rc;
    idem.key = dm_arena_str(arena, key);
    if (!idem.key.at)
        return dm_fail_memory(err);
    *ret = idem;
    return DM_OK;
}
