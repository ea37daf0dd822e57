/* sqlite_db.c: connections to the database.
 *
 * SQLite is used without its own locks (NOMUTEX): a connection belongs to one task at a time by construction.
 * Caches are small, because the kernel's holds the same pages for nothing, and mapping the file would count as
 * our memory. */
#include "embedded/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_WAIT_MS = 2000 };

static const char *const sql_texts[DM_SQL_COUNT] = {
#define DM_SQL_TEXT(name, text) [DM_SQL_##name] = text,
    DM_SQL_STATEMENTS(DM_SQL_TEXT)
#undef DM_SQL_TEXT
};

/* Nobody asks SQLite how much memory it uses, and counting it takes a lock around every allocation. */
static void set_up_once(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static enum dm_code code_of(int rc, bool lacks_space)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return DM_NO_SPACE;
    case SQLITE_NOMEM:
        return DM_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DM_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return DM_CORRUPT;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return DM_NO_MEMORY;
        return lacks_space ? DM_NO_SPACE : DM_IO;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return DM_IO;
    default:
        return DM_INTERNAL;
    }
}

static bool no_room(int system_errno)
{
    /* EFBIG: the process may not write larger files, which ends the same way as a full disk. */
    return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

/* Whether it was for want of space that the database or its log could not be written. sqlite3_system_errno says
 * only what the last system call of all said; each file keeps its own. */
static bool lacks_space(sqlite3 *handle)
{
    int of_file = 0, of_log = 0;
    sqlite3_file *log = NULL;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &of_file);
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    if (log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
    return no_room(of_file) || no_room(of_log) || no_room(sqlite3_system_errno(handle));
}

enum dm_code dm_db_fail(struct dm_db *db, const char *what, struct dm_err *err)
{
    int rc = sqlite3_extended_errcode(db->handle);
    /* Looked at while the message still stands: asking the files may replace it. */
    char message[160];
    snprintf(message, sizeof(message), "%s", sqlite3_errmsg(db->handle));
    return dm_fail(err, code_of(rc, (rc & 0xff) == SQLITE_IOERR && lacks_space(db->handle)),
                   "the database, %s: %s (%d)", what, message, rc);
}

enum dm_code dm_db_open(struct dm_db *ret, const char *path, enum dm_db_use use, struct dm_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_once);
    struct dm_db db = { 0 };
    /* The cache of the writer holds what a group of transactions touches, a reader's the upper levels of the tables. */
    const char *settings =
        use == DM_DB_WRITE ? "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=16777216;"
                             "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY"
                           : "PRAGMA query_only=1; PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY";
    int rc =
        sqlite3_open_v2(path, &db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db.handle, BUSY_WAIT_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db.handle, settings, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        enum dm_code code = db.handle ? dm_db_fail(&db, path, err) : dm_fail_memory(err);
        dm_db_close(&db);
        return code;
    }
    *ret = db;
    return DM_OK;
}

void dm_db_close(struct dm_db *db)
{
    for (size_t i = 0; i < DM_COUNT(db->statements); i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    memset(db, 0, sizeof(*db));
}

enum dm_code dm_db_take(struct dm_db *db, enum dm_sql which, sqlite3_stmt **ret, struct dm_err *err)
{
    sqlite3_stmt *statement = db->statements[which];
    if (!statement) {
        if (sqlite3_prepare_v3(db->handle, sql_texts[which], -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK)
            return dm_db_fail(db, "preparing a statement", err);
        db->statements[which] = statement;
    }
    *ret = statement;
    return DM_OK;
}

void dm_db_give(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    /* They point into the caller's memory; and a parameter that the next one leaves out must be NULL. */
    sqlite3_clear_bindings(statement);
}

void dm_db_bind_str(sqlite3_stmt *statement, int at, struct dm_str text)
{
    sqlite3_bind_text64(statement, at, text.at ? text.at : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void dm_db_bind_names(sqlite3_stmt *statement, const struct dm_file *file, const struct dm_tenant *tenant)
{
    dm_db_bind_str(statement, 1, dm_str_z(file->id));
    dm_db_bind_str(statement, 2, dm_str_z(tenant->id));
}

enum dm_code dm_db_step(struct dm_db *db, sqlite3_stmt *statement, bool *ret_row, const char *what, struct dm_err *err)
{
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return dm_db_fail(db, what, err);
    *ret_row = rc == SQLITE_ROW;
    return DM_OK;
}

enum dm_code dm_db_write(struct dm_db *db, sqlite3_stmt *statement, int64_t *ret_changes, const char *what,
                         struct dm_err *err)
{
    bool row;
    enum dm_code rc = dm_db_step(db, statement, &row, what, err);
    dm_db_give(statement);
    if (rc == DM_OK && ret_changes)
        *ret_changes = sqlite3_changes64(db->handle);
    return rc;
}

enum dm_code dm_db_run(struct dm_db *db, enum dm_sql which, struct dm_err *err)
{
    sqlite3_stmt *statement = NULL;
    enum dm_code rc = dm_db_take(db, which, &statement, err);
    return rc == DM_OK ? dm_db_write(db, statement, NULL, sql_texts[which], err) : rc;
}
