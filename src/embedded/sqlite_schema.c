/* sqlite_schema.c: the tables, and how older databases become newer ones.
 *
 * `application_id` says that a database is docmill's, `user_version` how many migrations it has seen. A
 * migration is a transaction of its own, so a crash leaves the version before or the one after. A released
 * migration never changes: what comes later is added at the end, and must leave what older versions of docmill
 * read in place until `docmill init --finish-upgrade`.
 *
 * Closed lists (status, reason, media, …) are stored as their words, not as numbers: a number would change its
 * meaning when a list grows in its middle, and the words can be read with any SQLite tool. */
#include "embedded/sqlite_store.h"

#include <inttypes.h>
#include <stdio.h>

enum { APPLICATION_ID = 0x646f636d }; /* "docm" */

const char *const dm_sqlite_migrations[] = {
    "CREATE TABLE document("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, format INTEGER NOT NULL, name TEXT NOT NULL, media TEXT NOT NULL,"
    " size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, metadata TEXT NOT NULL, pages TEXT NOT NULL,"
    " password TEXT NOT NULL, model TEXT NOT NULL, priority INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " deleted_ms INTEGER NOT NULL, PRIMARY KEY(file, tenant)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX document_list ON document(tenant, created_ms, file) WHERE deleted_ms=0;"

    "CREATE TABLE state("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, format INTEGER NOT NULL, status TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " version INTEGER NOT NULL, seq INTEGER NOT NULL, total INTEGER NOT NULL, processed INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, skipped INTEGER NOT NULL, remaining INTEGER NOT NULL, outcome TEXT NOT NULL,"
    " reason TEXT NOT NULL, detail TEXT NOT NULL, uploaded_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " completed_ms INTEGER NOT NULL, progress_ms INTEGER NOT NULL, model_calls INTEGER NOT NULL,"
    " input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, model_ms INTEGER NOT NULL,"
    " cost_micros INTEGER NOT NULL, lease_owner TEXT NOT NULL, lease_counter INTEGER NOT NULL,"
    " lease_until_ms INTEGER NOT NULL, aggregations INTEGER NOT NULL, result_epoch INTEGER NOT NULL,"
    " result_bytes INTEGER NOT NULL, gone INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " PRIMARY KEY(file, tenant)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX state_due ON state(due_ms, file, tenant) WHERE due_ms>0;"

    "CREATE TABLE work("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, format INTEGER NOT NULL, version INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, split_needed INTEGER NOT NULL, split_losses INTEGER NOT NULL, cursor INTEGER NOT NULL,"
    " next_claim INTEGER NOT NULL, key TEXT NOT NULL, due_ms INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, chosen TEXT NOT NULL, returned TEXT NOT NULL,"
    " PRIMARY KEY(file, tenant)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX work_ready ON work(tenant, priority, created_ms, file) WHERE key='ready';"
    "CREATE INDEX work_due ON work(due_ms, file, tenant) WHERE key='due';"

    "CREATE TABLE claim("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, counter INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, losses INTEGER NOT NULL, owner TEXT NOT NULL,"
    " lease_until_ms INTEGER NOT NULL, PRIMARY KEY(file, tenant, counter)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE page("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, number INTEGER NOT NULL, format INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, segment TEXT NOT NULL,"
    " offset INTEGER NOT NULL, length INTEGER NOT NULL, attempts TEXT NOT NULL, attempt_count INTEGER NOT NULL,"
    " model_calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,"
    " model_ms INTEGER NOT NULL, cost_micros INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " PRIMARY KEY(file, tenant, number)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE event("
    " file TEXT NOT NULL, tenant TEXT NOT NULL, seq INTEGER NOT NULL, format INTEGER NOT NULL, type TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY(file, tenant, seq)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE idem("
    " tenant TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, file TEXT NOT NULL,"
    " expires_ms INTEGER NOT NULL, PRIMARY KEY(tenant, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idem_expires ON idem(expires_ms);"

    /* Something to write for those who ask whether writing works. */
    "CREATE TABLE probe(count INTEGER NOT NULL) STRICT;"
    "INSERT INTO probe VALUES(0);",

    /* What does not get on, and whose work is paused. */
    "CREATE INDEX state_progress ON state(progress_ms,file,tenant)"
    " WHERE status IN('awaiting_upload','pending','chunking','processing','aggregating');"
    "CREATE TABLE pause(tenant TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;",

    /* Tenants' own keys and the like, sealed. */
    "CREATE TABLE secret("
    " tenant TEXT NOT NULL, name TEXT NOT NULL, sealed TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " changed_ms INTEGER NOT NULL, PRIMARY KEY(tenant, name)) STRICT, WITHOUT ROWID;",
};
const uint32_t dm_sqlite_migration_count = DM_COUNT(dm_sqlite_migrations);

static enum dm_code execute(struct dm_db *db, const char *sql, const char *what, struct dm_err *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return DM_OK;
    enum dm_code rc = dm_db_fail(db, what, err);
    /* Not all errors end a transaction; an open one would swallow everything that comes after. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static enum dm_code number(struct dm_db *db, const char *sql, int64_t *ret, struct dm_err *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum dm_code rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) == SQLITE_OK
                          ? dm_db_step(db, statement, &row, sql, err)
                          : dm_db_fail(db, sql, err);
    if (rc == DM_OK)
        *ret = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return rc;
}

/* Only after it is known that the file is ours: this writes into it. */
static enum dm_code use_log(struct dm_db *db, const char *path, struct dm_err *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum dm_code rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode=WAL", -1, &statement, NULL) == SQLITE_OK
                          ? dm_db_step(db, statement, &row, path, err)
                          : dm_db_fail(db, path, err);
    if (rc == DM_OK && !(row && dm_str_eq(dm_row_text(statement, 0), DM_STR("wal"))))
        rc = dm_fail(err, DM_IO, "%s lies on a file system without shared memory, which SQLite needs; use a local disk",
                     path);
    sqlite3_finalize(statement);
    return rc;
}

enum dm_code dm_sqlite_migrate(struct dm_db *db, const char *path, const char *const *migrations, uint32_t count,
                               uint32_t *ret_before, struct dm_err *err)
{
    int64_t application, version, tables;
    enum dm_code rc = number(db, "PRAGMA application_id", &application, err);
    if (rc == DM_OK)
        rc = number(db, "PRAGMA user_version", &version, err);
    if (rc == DM_OK)
        rc = number(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (rc != DM_OK)
        return rc;
    if (application != APPLICATION_ID && (application != 0 || tables > 0))
        return dm_fail(err, DM_REFUSED, "%s is a database of another program; name another file", path);
    if (version < 0 || version > count)
        return dm_fail(err, DM_REFUSED,
                       "%s was written by a newer docmill (schema %" PRId64 ", this one knows %" PRIu32
                       "); start that one",
                       path, version, count);
    rc = use_log(db, path, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t step = (uint32_t)version; step < count; step++) {
        char mark[96];
        snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%" PRIu32 "; COMMIT",
                 (int)APPLICATION_ID, step + 1);
        rc = execute(db, "BEGIN IMMEDIATE", "a migration", err);
        if (rc == DM_OK)
            rc = execute(db, migrations[step], "a migration", err);
        if (rc == DM_OK)
            rc = execute(db, mark, "a migration", err);
        if (rc != DM_OK)
            return rc;
    }
    *ret_before = (uint32_t)version;
    return DM_OK;
}

enum dm_code dm_sqlite_give_back(struct dm_db *db, uint64_t *ret_count, struct dm_err *err)
{
    /* The instant 1 is long past whatever the clock says, and not 0, which would mean "none". Every document
     * with a claim is made due, also one with more to claim: the sweeper gives its claims back first and then
     * makes it READY again. Records that change get a new version, as always. */
    static const char sql[] =
        "BEGIN IMMEDIATE;"
        "UPDATE claim SET lease_until_ms=1;"
        "UPDATE work SET key='due',due_ms=1,version=version+1 WHERE"
        " EXISTS(SELECT 1 FROM claim c WHERE c.file=work.file AND c.tenant=work.tenant);"
        "UPDATE state SET lease_until_ms=1,due_ms=1,version=version+1 WHERE due_ms>0 AND status='aggregating';"
        "COMMIT";
    int64_t claims, leases;
    enum dm_code rc = number(db, "SELECT count(*) FROM claim", &claims, err);
    if (rc == DM_OK)
        rc = number(db, "SELECT count(*) FROM state WHERE due_ms>0 AND status='aggregating'", &leases, err);
    if (rc == DM_OK && claims + leases > 0)
        rc = execute(db, sql, "giving back the claims of the process before", err);
    if (rc == DM_OK)
        *ret_count = (uint64_t)(claims + leases);
    return rc;
}
