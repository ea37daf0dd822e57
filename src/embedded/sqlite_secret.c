/* sqlite_secret.c: tenants' secrets, sealed. What they are is not known here. */
#include "embedded/sqlite_store.h"

#include <stdio.h>

static void bind_name(sqlite3_stmt *statement, const struct dm_tenant *tenant, struct dm_str name)
{
    dm_db_bind_str(statement, 1, dm_str_z(tenant->id));
    dm_db_bind_str(statement, 2, name);
}

static enum dm_code not_found(struct dm_str name, const struct dm_tenant *tenant, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "the tenant %s has no %.*s", tenant->id, DM_STR_ARG(name));
}

enum dm_code dm_sqlite_apply_secret(struct dm_db *db, const struct dm_secret_write *write, struct dm_err *err)
{
    sqlite3_stmt *statement;
    bool put = write->sealed.len > 0;
    enum dm_code rc = dm_db_take(db, put ? DM_SQL_PUT_SECRET : DM_SQL_DROP_SECRET, &statement, err);
    if (rc != DM_OK)
        return rc;
    bind_name(statement, write->tenant, write->name);
    if (put) {
        dm_db_bind_str(statement, 3, write->sealed);
        sqlite3_bind_int64(statement, 4, write->now_ms);
    }
    int64_t changes = 0;
    rc = dm_db_write(db, statement, &changes, "a secret", err);
    return rc == DM_OK && !put && changes == 0 ? not_found(write->name, write->tenant, err) : rc;
}

enum dm_code dm_sqlite_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                                  int64_t now_ms, struct dm_err *err)
{
    const struct dm_secret_write write = { tenant, name, sealed, now_ms };
    return dm_writer_secret(((struct dm_sqlite *)self)->writer, &write, err);
}

enum dm_code dm_sqlite_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err)
{
    const struct dm_secret_write write = { .tenant = tenant, .name = name };
    return dm_writer_secret(((struct dm_sqlite *)self)->writer, &write, err);
}

enum dm_code dm_sqlite_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_SECRET, &lookup, err);
    if (rc != DM_OK)
        return rc;
    bool found = false;
    struct dm_tenant_secret secret = { 0 };
    bind_name(lookup.row, tenant, name);
    rc = dm_lookup_next(&lookup, &found, "a secret", err);
    if (rc == DM_OK && !found)
        rc = not_found(name, tenant, err);
    if (rc == DM_OK) {
        secret = (struct dm_tenant_secret){ .sealed = dm_arena_str(arena, dm_row_text(lookup.row, 0)),
                                            .created_ms = sqlite3_column_int64(lookup.row, 1),
                                            .changed_ms = sqlite3_column_int64(lookup.row, 2) };
        if (!secret.sealed.at)
            rc = dm_fail(err, DM_TOO_LARGE, "a secret does not fit into memory");
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret = secret;
    return rc;
}

static enum dm_code read_row(sqlite3_stmt *row, struct dm_secret_row *ret, struct dm_err *err)
{
    struct dm_str name = dm_row_text(row, 1);
    *ret = (struct dm_secret_row){ .created_ms = sqlite3_column_int64(row, 2),
                                   .changed_ms = sqlite3_column_int64(row, 3) };
    if (name.len == 0 || name.len >= sizeof(ret->name) ||
        dm_tenant_parse(dm_row_text(row, 0), &ret->tenant, NULL) != DM_OK)
        return dm_fail(err, DM_CORRUPT, "the database holds a secret whose name or tenant is unreadable");
    snprintf(ret->name, sizeof(ret->name), "%.*s", DM_STR_ARG(name));
    return DM_OK;
}

enum dm_code dm_sqlite_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                               uint32_t *ret_count, struct dm_err *err)
{
    struct dm_lookup lookup;
    enum dm_code rc = dm_lookup_begin(self, DM_SQL_SECRETS, &lookup, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    bool more;
    bind_name(lookup.row, &after->tenant, dm_str_z(after->name));
    sqlite3_bind_int64(lookup.row, 3, max);
    while ((rc = dm_lookup_next(&lookup, &more, "secrets", err)) == DM_OK && more) {
        rc = read_row(lookup.row, &ret[count], err);
        if (rc != DM_OK)
            break;
        count++;
    }
    dm_lookup_end(&lookup, rc);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}
