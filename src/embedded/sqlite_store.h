/* sqlite_store.h: the ledger in SQLite, as its own files see it. Private to this room.
 *
 *   sqlite_sql.h      the columns of every record and the closed list of statements
 *   sqlite_schema.c   opening the database, and the list of migrations
 *   sqlite_db.c       connections, kept statements, errors
 *   sqlite_row.c      records as rows
 *   sqlite_apply.c    one transaction of the port, inside a transaction of SQLite
 *   sqlite_write.c    the writer task, which groups commits
 *   sqlite_pool.c     the readers and their snapshots
 *   sqlite_read.c     the port's reads of one document
 *   sqlite_index.c    lists: a tenant's documents, what is ready, what is due
 *   sqlite_store.c    the port
 *
 * There is one writing connection, owned by the writer task, and a few reading ones. `commits` counts what
 * became durable; a reader keeps its snapshot for as long as that number stands still. */
#ifndef DM_EMBEDDED_SQLITE_STORE_H
#define DM_EMBEDDED_SQLITE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include <sqlite3.h>

#include "base/rows.h"
#include "embedded/sqlite_sql.h"
#include "ports/runtime.h"
#include "ports/store.h"

/* ---- connections (sqlite_db.c): each is used by one task at a time ------------------------------------------- */

struct dm_db {
    sqlite3 *handle;
    sqlite3_stmt *statements[DM_SQL_COUNT]; /* made when first used, kept until the connection is closed */
};

enum dm_db_use { DM_DB_WRITE, DM_DB_READ };

DM_MUST_USE enum dm_code dm_db_open(struct dm_db *ret, const char *path, enum dm_db_use use, struct dm_err *err);
void dm_db_close(struct dm_db *db); /* accepts an empty one */
/* A statement ready to be bound; after its last step dm_db_give. */
DM_MUST_USE enum dm_code dm_db_take(struct dm_db *db, enum dm_sql which, sqlite3_stmt **ret, struct dm_err *err);
void dm_db_give(sqlite3_stmt *statement);
/* ?1 and ?2 of most statements. */
void dm_db_bind_names(sqlite3_stmt *statement, const struct dm_file *file, const struct dm_tenant *tenant);
void dm_db_bind_str(sqlite3_stmt *statement, int at, struct dm_str text);
/* Steps once. *ret_row: there is a row. `what` is for the sentence: "document …". */
DM_MUST_USE enum dm_code dm_db_step(struct dm_db *db, sqlite3_stmt *statement, bool *ret_row, const char *what,
                                    struct dm_err *err);
/* A statement that returns no rows, bound already: step and give. *ret_changes may be NULL. */
DM_MUST_USE enum dm_code dm_db_write(struct dm_db *db, sqlite3_stmt *statement, int64_t *ret_changes, const char *what,
                                     struct dm_err *err);
/* One without parameters. */
DM_MUST_USE enum dm_code dm_db_run(struct dm_db *db, enum dm_sql which, struct dm_err *err);
/* The connection's last error. */
DM_MUST_USE enum dm_code dm_db_fail(struct dm_db *db, const char *what, struct dm_err *err);

/* ---- schema (sqlite_schema.c) -------------------------------------------------------------------------------- */

/* What takes a database from version i to i + 1 of `user_version`. Never changed once released, only added to. */
extern const char *const dm_sqlite_migrations[];
extern const uint32_t dm_sqlite_migration_count;

/* Brings the database to version `count`, one transaction per step. DM_REFUSED: it is newer, or not docmill's. */
DM_MUST_USE enum dm_code dm_sqlite_migrate(struct dm_db *db, const char *path, const char *const *migrations,
                                           uint32_t count, uint32_t *ret_before, struct dm_err *err);
/* What the process before held is anybody's again: see embedded.h. */
DM_MUST_USE enum dm_code dm_sqlite_give_back(struct dm_db *db, uint64_t *ret_count, struct dm_err *err);

/* ---- rows (sqlite_row.c) ------------------------------------------------------------------------------------- */

/* Binding starts at parameter `at` and answers the next one; reading starts at column `at`. Texts are copied into the
 * arena. DM_CORRUPT where a row holds what no docmill wrote. */
int dm_row_bind_document(sqlite3_stmt *statement, int at, const struct dm_document *document);
int dm_row_bind_state(sqlite3_stmt *statement, int at, const struct dm_state *state);
int dm_row_bind_claim(sqlite3_stmt *statement, int at, const struct dm_claim *claim);
int dm_row_bind_page(sqlite3_stmt *statement, int at, const struct dm_page *page);
int dm_row_bind_event(sqlite3_stmt *statement, int at, const struct dm_event *event);
int dm_row_bind_idem(sqlite3_stmt *statement, int at, const struct dm_idem *idem);
/* The buffers hold what was bound until the statement has been stepped. */
DM_MUST_USE enum dm_code dm_row_bind_work(sqlite3_stmt *statement, int *at, const struct dm_work *work,
                                          struct dm_buf *chosen, struct dm_buf *returned, struct dm_err *err);

enum {
#define DM_ROW_ONE(name, kind, member) +1
    DM_ROW_DOCUMENT_COLUMNS = DM_DOCUMENT_COLUMNS(DM_ROW_ONE, DM_ROW_ONE),
    DM_ROW_STATE_COLUMNS = DM_STATE_COLUMNS(DM_ROW_ONE, DM_ROW_ONE),
    DM_ROW_DOCUMENT_SHOWN_COLUMNS = DM_DOCUMENT_SHOWN_COLUMNS(DM_ROW_ONE, DM_ROW_ONE),
    DM_ROW_STATE_SHOWN_COLUMNS = DM_STATE_SHOWN_COLUMNS(DM_ROW_ONE, DM_ROW_ONE),
    DM_ROW_WORK_COLUMNS = DM_WORK_COLUMNS(DM_ROW_ONE, DM_ROW_ONE),
#undef DM_ROW_ONE
    DM_ROW_WORK_TEXT_MAX = 16 << 20,
};

DM_MUST_USE enum dm_code dm_row_read_document(sqlite3_stmt *row, int at, struct dm_arena *arena,
                                              struct dm_document *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_state(sqlite3_stmt *row, int at, struct dm_state *ret, struct dm_err *err);
/* Both, of DM_SQL_READ_SHOWN. */
DM_MUST_USE enum dm_code dm_row_read_shown(sqlite3_stmt *row, struct dm_arena *arena, struct dm_document *ret_document,
                                           struct dm_state *ret_state, struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_work(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_work *ret,
                                          struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_claim(sqlite3_stmt *row, int at, struct dm_claim *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_page(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_page *ret,
                                          struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_event(sqlite3_stmt *row, int at, struct dm_arena *arena, struct dm_event *ret,
                                           struct dm_err *err);
DM_MUST_USE enum dm_code dm_row_read_idem(sqlite3_stmt *row, int at, struct dm_idem *ret, struct dm_err *err);
struct dm_str dm_row_text(sqlite3_stmt *row, int at); /* valid until the next step */

/* ---- one transaction (sqlite_apply.c) ------------------------------------------------------------------------ */

/* Writes all of it or answers DM_CONFLICT with transaction->ret_conflict set; the caller undoes what was written
 * by then. */
DM_MUST_USE enum dm_code dm_sqlite_apply(struct dm_db *db, const struct dm_tenant *tenant, const struct dm_file *file,
                                         struct dm_transaction *transaction, struct dm_err *err);
/* Removes a bounded part of the document; *ret_more: call again. */
DM_MUST_USE enum dm_code dm_sqlite_erase_some(struct dm_db *db, const struct dm_tenant *tenant,
                                              const struct dm_file *file, bool *ret_more, struct dm_err *err);

/* A pause, or with `since_ms` 0 its end; without a tenant everybody's, or the end of all (sqlite_pause.c). */
struct dm_pausing {
    const struct dm_tenant *tenant;
    int64_t since_ms;
};
DM_MUST_USE enum dm_code dm_sqlite_apply_pause(struct dm_db *db, const struct dm_pausing *pausing, struct dm_err *err);

/* A tenant's secret, or with an empty text its end (sqlite_secret.c). DM_NOT_FOUND where there was none to end. */
struct dm_secret_write {
    const struct dm_tenant *tenant;
    struct dm_str name;
    struct dm_str sealed;
    int64_t now_ms;
};
DM_MUST_USE enum dm_code dm_sqlite_apply_secret(struct dm_db *db, const struct dm_secret_write *write,
                                                struct dm_err *err);

/* ---- readers (sqlite_pool.c) --------------------------------------------------------------------------------- */

struct dm_reader_db {
    struct dm_db db;
    bool in_snapshot;
    uint64_t seen; /* `commits` before the snapshot was taken */
    struct dm_reader_db *next;
};

struct dm_readers {
    const char *path;
    atomic_uint_fast64_t *commits;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t returned;
    struct dm_reader_db *idle; /* the one used last is first: it has the warmest cache */
    uint32_t made;
    uint32_t busy;
    uint32_t max;
    uint32_t waiting;
    bool paused;
};

void dm_readers_make(struct dm_readers *readers, const char *path, uint32_t max, atomic_uint_fast64_t *commits);
void dm_readers_free(struct dm_readers *readers); /* nobody reads any more */
/* A reader with a snapshot that holds every commit acknowledged before this call. */
DM_MUST_USE enum dm_code dm_readers_take(struct dm_readers *readers, struct dm_reader_db **ret, struct dm_err *err);
/* `rc` is how its use ended: after anything but DM_OK and DM_NOT_FOUND the snapshot is given up. */
void dm_readers_give(struct dm_readers *readers, struct dm_reader_db *reader, enum dm_code rc);
/* Ends the snapshots of readers that nobody uses, so that the log can be emptied into the database. */
void dm_readers_let_go(struct dm_readers *readers);
/* The same for all readers: nobody gets one until dm_readers_resume, and those in use are waited for, so long at
 * most. */
void dm_readers_pause(struct dm_readers *readers, int64_t wait_ms);
void dm_readers_resume(struct dm_readers *readers);

/* One statement with a reader of its own for as long as it is stepped through. */
struct dm_lookup {
    struct dm_readers *readers;
    struct dm_reader_db *reader;
    sqlite3_stmt *row;
};

struct dm_sqlite;

/* Ready to be bound. What has begun is ended, however it goes. */
DM_MUST_USE enum dm_code dm_lookup_begin(struct dm_sqlite *sqlite, enum dm_sql which, struct dm_lookup *ret,
                                         struct dm_err *err);
/* *ret_found: row is the next one. `what` is for the sentence. */
DM_MUST_USE enum dm_code dm_lookup_next(struct dm_lookup *lookup, bool *ret_found, const char *what,
                                        struct dm_err *err);
void dm_lookup_end(struct dm_lookup *lookup, enum dm_code rc); /* as dm_readers_give */

/* ---- the writer (sqlite_write.c) ----------------------------------------------------------------------------- */

struct dm_writer;

/* Takes the connection over, whatever the answer. */
DM_MUST_USE enum dm_code dm_writer_start(struct dm_db *db, struct dm_readers *readers, atomic_uint_fast64_t *commits,
                                         struct dm_writer **ret, struct dm_err *err);
void dm_writer_stop(struct dm_writer *writer); /* writes what waits and ends the task */
/* Closes the connection: the last one of all, so that it empties the log. Accepts NULL. */
void dm_writer_free(struct dm_writer *writer);
DM_MUST_USE enum dm_code dm_writer_commit(struct dm_writer *writer, const struct dm_tenant *tenant,
                                          const struct dm_file *file, struct dm_transaction *transaction,
                                          struct dm_err *err);
DM_MUST_USE enum dm_code dm_writer_erase(struct dm_writer *writer, const struct dm_tenant *tenant,
                                         const struct dm_file *file, struct dm_err *err);
DM_MUST_USE enum dm_code dm_writer_pause(struct dm_writer *writer, const struct dm_pausing *pausing,
                                         struct dm_err *err);
DM_MUST_USE enum dm_code dm_writer_secret(struct dm_writer *writer, const struct dm_secret_write *write,
                                          struct dm_err *err);
/* Whether it takes writes; waits a second at most. */
DM_MUST_USE enum dm_code dm_writer_check(struct dm_writer *writer, struct dm_err *err);

/* ---- reads and the port (sqlite_read.c, sqlite_index.c, sqlite_store.c) -------------------------------------- */

struct dm_sqlite {
    char *path;
    atomic_uint_fast64_t commits;
    struct dm_readers readers;
    struct dm_writer *writer;
};

enum dm_code dm_sqlite_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                            struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err);
enum dm_code dm_sqlite_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                             uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                             struct dm_err *err);
enum dm_code dm_sqlite_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                              uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err);
enum dm_code dm_sqlite_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                            struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err);
enum dm_code dm_sqlite_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                            struct dm_arena *arena, struct dm_list *ret, struct dm_err *err);
enum dm_code dm_sqlite_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                     uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_sqlite_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_sqlite_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                           uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_sqlite_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err);
enum dm_code dm_sqlite_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
enum dm_code dm_sqlite_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err);

/* sqlite_pause.c */
enum dm_code dm_sqlite_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err);
enum dm_code dm_sqlite_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err);
enum dm_code dm_sqlite_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err);
enum dm_code dm_sqlite_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                              uint32_t *ret_count, struct dm_err *err);

/* sqlite_secret.c */
enum dm_code dm_sqlite_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                                  int64_t now_ms, struct dm_err *err);
enum dm_code dm_sqlite_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err);
enum dm_code dm_sqlite_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                     struct dm_err *err);
enum dm_code dm_sqlite_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                               uint32_t *ret_count, struct dm_err *err);

struct dm_sqlite_found {
    uint32_t schema_before;
    uint64_t given_back;
};

/* The caller has made sure that no other process uses the file. */
DM_MUST_USE enum dm_code dm_sqlite_open(const char *path, uint32_t read_connections, struct dm_sqlite **ret,
                                        struct dm_sqlite_found *ret_found, struct dm_err *err);
void dm_sqlite_close(struct dm_sqlite *sqlite); /* accepts NULL */
struct dm_store dm_sqlite_store(struct dm_sqlite *sqlite);
struct dm_operator dm_sqlite_operator(struct dm_sqlite *sqlite);

#endif
