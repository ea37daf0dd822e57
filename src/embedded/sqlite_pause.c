/* sqlite_pause.c: whose work is paused. A row for each tenant; the empty name stands for everybody. */
#include "embedded/sqlite_store.h"

#include <string.h>

enum dm_code dm_sqlite_apply_pause(struct dm_db *db, const struct dm_pausing *pausing, struct dm_err *err)
{
    sqlite3_stmt *statement;
    const char *name = pausing->tenant ? pausing->tenant->id : "";
    enum dm_sql which = pausing->since_ms ? DM_SQL_PUT_PAUSE : pausing->tenant ? DM_SQL_DROP_PAUSE : DM_SQL_DROP_PAUSES;
    enum dm_code rc = dm_db_take(db, which, &statement, err);
    if (rc != DM_OK)
        return rc;
    if (which != DM_SQL_DROP_PAUSES)
        dm_db_bind_str(statement, 1, dm_str_z(name));
    if (which == DM_SQL_PUT_PAUSE)
        sqlite3_bind_int64(statement, 2, pausing->since_ms);
    int64_t ignored;
    return dm_db_write(db, statement, &ignored, "a pause", err);
}

enum dm_code dm_sqlite_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err)
{
    const struct dm_pausing pausing = { tenant, now_ms };
    return dm_writer_pause(((struct dm_sqlite *)self)->writer, &pausing, err);
}

enum dm_code dm_sqlite_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err)
{
    const struct dm_pausing resuming = { tenant, 0 };
    return dm_writer_pause(((struct dm_sqlite *)self)->writer, &resuming, err);
}

enum dm_code dm_sqlite_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_PAUSED, &lookup, err);
    if (rc != DM_OK)
        return rc;
    bool found = false;
    dm_db_bind_str(lookup.row, 1, dm_str_z(tenant->id));
    rc = dm_lookup_next(&lookup, &found, "what is paused", err);
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret = found;
    return rc;
}

static enum dm_code read_pause(sqlite3_stmt *row, struct dm_pause *ret, struct dm_err *err)
{
    struct dm_str name = dm_row_text(row, 0);
    *ret = (struct dm_pause){ .since_ms = sqlite3_column_int64(row, 1) };
    if (name.len == 0 || dm_tenant_parse(name, &ret->tenant, NULL) == DM_OK)
        return DM_OK;
    return dm_fail(err, DM_CORRUPT, "the database holds a record whose \"tenant\" is unreadable");
}

enum dm_code dm_sqlite_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                              uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_PAUSES, &lookup, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    if (after)
        dm_db_bind_str(lookup.row, 1, dm_str_z(after->id));
    sqlite3_bind_int64(lookup.row, 2, max);
    bool more;
    while ((rc = dm_lookup_next(&lookup, &more, "what is paused", err)) == DM_OK && more) {
        rc = read_pause(lookup.row, &ret[count], err);
        if (rc != DM_OK)
            break;
        count++;
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}
