/* sqlite_index.c: lists over documents: a tenant's own, and for the operator what is ready and what is due.
 *
 * Each walks a partial index that holds only what it looks for, so an idle server with many old documents does
 * next to nothing. */
#include "embedded/sqlite_store.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"

/* Rows looked at for one page of a list that asks for a rare status: then the page ends early and says where to
 * go on. */
enum { LIST_ROWS_MAX = 10000, CURSOR_MAX = 64, CODED_MAX = 2 * CURSOR_MAX };

/* ---- a tenant's documents ------------------------------------------------------------------------------------ */

/* The place after a document: its instant and id, encoded so that nobody builds on what is in it. */
static enum dm_code make_cursor(int64_t created_ms, struct dm_str id, struct dm_arena *arena, struct dm_str *ret,
                                struct dm_err *err)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    DM_AUTO(dm_buf) coded = dm_buf_make(CODED_MAX);
    dm_buf_addf(&plain, "%" PRId64 ",%.*s", created_ms, DM_STR_ARG(id));
    dm_buf_add_base64url(&coded, dm_buf_str(&plain));
    struct dm_str cursor =
        plain.failed || coded.failed ? (struct dm_str){ 0 } : dm_arena_str(arena, dm_buf_str(&coded));
    if (!cursor.at)
        return dm_fail_memory(err);
    *ret = cursor;
    return DM_OK;
}

static enum dm_code read_cursor(struct dm_str cursor, int64_t *ret_created_ms, struct dm_file *ret_file,
                                struct dm_err *err)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    bool valid = dm_buf_add_base64url_decoded(&plain, cursor);
    struct dm_str text = dm_buf_str(&plain);
    size_t comma = dm_str_find_char(text, ',');
    if (!valid || !dm_str_to_i64(dm_str_cut(text, 0, comma), ret_created_ms) ||
        dm_file_parse(dm_str_from(text, comma + 1), ret_file, NULL) != DM_OK)
        return dm_fail(err, DM_INVALID, "the cursor is none that a list has given; leave it out to begin anew");
    return DM_OK;
}

static enum dm_code bind_query(sqlite3_stmt *statement, const struct dm_tenant *tenant,
                               const struct dm_list_query *query, struct dm_file *after, struct dm_err *err)
{
    /* (instant, id) of each row must be below this. No id is below the empty text: "created before" alone. */
    int64_t before_ms = query->to_ms ? query->to_ms : INT64_MAX;
    if (query->after.len) {
        int64_t after_ms = 0;
        enum dm_code rc = read_cursor(query->after, &after_ms, after, err);
        if (rc != DM_OK)
            return rc;
        if (after_ms < before_ms)
            before_ms = after_ms;
        else
            after->id[0] = '\0';
    }
    dm_db_bind_str(statement, 1, dm_str_z(tenant->id));
    sqlite3_bind_int64(statement, 2, query->from_ms);
    sqlite3_bind_int64(statement, 3, before_ms);
    dm_db_bind_str(statement, 4, dm_str_z(after->id));
    return DM_OK;
}

static enum dm_code add_list_row(sqlite3_stmt *statement, const struct dm_list_query *query, struct dm_str id,
                                 struct dm_arena *arena, struct dm_rows *rows, struct dm_err *err)
{
    struct dm_list_row row = { 0 };
    enum dm_code rc = dm_row_read_state(statement, DM_ROW_DOCUMENT_COLUMNS, &row.state, err);
    if (rc != DM_OK || (query->status != DM_STATUS_NONE && row.state.status != query->status))
        return rc;
    rc = dm_row_read_document(statement, 0, arena, &row.document, err);
    if (rc == DM_OK)
        rc = dm_file_parse(id, &row.file, err);
    if (rc != DM_OK)
        return rc;
    struct dm_list_row *kept = dm_rows_add(rows);
    if (!kept)
        return dm_fail_memory(err);
    *kept = row;
    return DM_OK;
}

static enum dm_code walk_list(struct dm_lookup *lookup, const struct dm_list_query *query, struct dm_arena *arena,
                              struct dm_rows *rows, struct dm_str *ret_next, struct dm_err *err)
{
    struct dm_file last = { .id = "" };
    int64_t last_ms = 0;
    uint32_t seen = 0;
    enum dm_code rc;
    bool more;
    while ((rc = dm_lookup_next(lookup, &more, "a list of documents", err)) == DM_OK && more) {
        if (rows->count == query->limit || seen++ == LIST_ROWS_MAX)
            return make_cursor(last_ms, dm_str_z(last.id), arena, ret_next, err);
        struct dm_str id = dm_row_text(lookup->row, DM_ROW_DOCUMENT_COLUMNS + DM_ROW_STATE_COLUMNS);
        last_ms = sqlite3_column_int64(lookup->row, DM_ROW_DOCUMENT_COLUMNS + DM_ROW_STATE_COLUMNS + 1);
        rc = dm_file_parse(id, &last, err);
        if (rc == DM_OK)
            rc = add_list_row(lookup->row, query, id, arena, rows, err);
        if (rc != DM_OK)
            return rc;
    }
    return rc;
}

enum dm_code dm_sqlite_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                            struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    DM_AUTO(dm_rows) rows = { .size = sizeof(struct dm_list_row) };
    struct dm_list list = { .next = DM_STR("") };
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_LIST, &lookup, err);
    if (rc != DM_OK)
        return rc;
    struct dm_file after = { .id = "" };
    rc = bind_query(lookup.row, tenant, query, &after, err);
    if (rc == DM_OK)
        rc = walk_list(&lookup, query, arena, &rows, &list.next, err);
    dm_lookup_end(&lookup, rc);
    const void *all = NULL;
    if (rc == DM_OK)
        rc = dm_rows_move(&rows, arena, &all, err);
    if (rc != DM_OK)
        return rc;
    list.rows = all;
    list.count = rows.count;
    *ret = list;
    return DM_OK;
}

/* ---- the operator's ------------------------------------------------------------------------------------------ */

static enum dm_code read_tenant(sqlite3_stmt *row, int at, struct dm_tenant *ret, struct dm_err *err)
{
    if (dm_tenant_parse(dm_row_text(row, at), ret, NULL) == DM_OK)
        return DM_OK;
    return dm_fail(err, DM_CORRUPT, "the database holds a record whose \"tenant\" is unreadable");
}

static enum dm_code read_file(sqlite3_stmt *row, int at, struct dm_file *ret, struct dm_err *err)
{
    if (dm_file_parse(dm_row_text(row, at), ret, NULL) == DM_OK)
        return DM_OK;
    return dm_fail(err, DM_CORRUPT, "the database holds a record whose \"file\" is unreadable");
}

/* Columns 0 and 1: file, tenant. */
static enum dm_code read_found(sqlite3_stmt *row, struct dm_found *ret, struct dm_err *err)
{
    enum dm_code rc = read_file(row, 0, &ret->file, err);
    return rc == DM_OK ? read_tenant(row, 1, &ret->tenant, err) : rc;
}

enum dm_code dm_sqlite_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                     uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_READY_TENANTS, &lookup, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    /* Jumps from tenant to tenant through the index: what one of them has waiting costs nothing here. */
    for (bool found = true; rc == DM_OK && count < max; count += found) {
        dm_db_bind_str(lookup.row, 1, dm_str_z(after ? after->id : ""));
        rc = dm_lookup_next(&lookup, &found, "what is ready", err);
        if (rc == DM_OK && found)
            rc = read_tenant(lookup.row, 0, &ret[count], err);
        dm_db_give(lookup.row);
        if (!found)
            break;
        after = &ret[count];
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}

enum dm_code dm_sqlite_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_READY, &lookup, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    dm_db_bind_str(lookup.row, 1, dm_str_z(tenant->id));
    sqlite3_bind_int64(lookup.row, 2, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "what is ready", err)) == DM_OK && more) {
        ret[count].tenant = *tenant;
        rc = read_file(lookup.row, 0, &ret[count].file, err);
        if (rc != DM_OK)
            break;
        count++;
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}

enum dm_code dm_sqlite_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                           uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_DUE, &lookup, err);
    if (rc != DM_OK)
        return rc;
    struct dm_due_cursor at = { 0 };
    if (cursor)
        at = *cursor;
    uint32_t count = 0;
    sqlite3_bind_int64(lookup.row, 1, now_ms);
    sqlite3_bind_int64(lookup.row, 2, max);
    sqlite3_bind_int64(lookup.row, 3, at.due_ms);
    const struct dm_found after = at.found; /* bound by place: it stays while the walk goes on */
    dm_db_bind_str(lookup.row, 4, dm_str_z(after.file.id));
    dm_db_bind_str(lookup.row, 5, dm_str_z(after.tenant.id));
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "what is due", err)) == DM_OK && more) {
        rc = read_found(lookup.row, &at.found, err);
        if (rc != DM_OK)
            break;
        at.due_ms = sqlite3_column_int64(lookup.row, 2);
        ret[count++] = at.found;
    }
    dm_lookup_end(&lookup, rc);
    if (rc != DM_OK)
        return rc;
    if (cursor)
        *cursor = at;
    *ret_count = count;
    return DM_OK;
}

enum dm_code dm_sqlite_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_OWNER, &lookup, err);
    if (rc != DM_OK)
        return rc;
    struct dm_tenant owner;
    uint32_t count = 0;
    dm_db_bind_str(lookup.row, 1, dm_str_z(file->id));
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "whose document it is", err)) == DM_OK && more) {
        count++;
        rc = read_tenant(lookup.row, 0, &owner, err);
        if (rc != DM_OK)
            break;
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK && count != 1)
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    if (rc == DM_OK)
        *ret = owner;
    return rc;
}

enum dm_code dm_sqlite_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_STALLED, &lookup, err);
    if (rc != DM_OK)
        return rc;
    struct dm_stalled_cursor at = *cursor;
    uint32_t count = 0;
    sqlite3_bind_int64(lookup.row, 1, before_ms);
    sqlite3_bind_int64(lookup.row, 2, at.progress_ms);
    dm_db_bind_str(lookup.row, 3, dm_str_z(cursor->found.file.id));
    dm_db_bind_str(lookup.row, 4, dm_str_z(cursor->found.tenant.id));
    sqlite3_bind_int64(lookup.row, 5, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "what does not get on", err)) == DM_OK && more) {
        rc = read_found(lookup.row, &at.found, err);
        if (rc != DM_OK)
            break;
        at.progress_ms = sqlite3_column_int64(lookup.row, 2);
        ret[count++] = at.found;
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK) {
        *cursor = at;
        *ret_count = count;
    }
    return rc;
}

/* Walks the table itself: it is asked for once in a process's life, and an index would cost every document. */
enum dm_code dm_sqlite_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_ENDED, &lookup, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    dm_db_bind_str(lookup.row, 1, dm_str_z(cursor->file.id));
    dm_db_bind_str(lookup.row, 2, dm_str_z(cursor->tenant.id));
    sqlite3_bind_int64(lookup.row, 3, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "what has ended", err)) == DM_OK && more) {
        rc = read_found(lookup.row, &ret[count], err);
        if (rc != DM_OK)
            break;
        count++;
    }
    dm_lookup_end(&lookup, rc);
    if (rc != DM_OK)
        return rc;
    if (count > 0)
        *cursor = ret[count - 1];
    *ret_count = count;
    return DM_OK;
}
