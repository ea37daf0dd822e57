/* sqlite_apply.c: one transaction of the store port.
 *
 * The parts are written in the order of enum dm_conflict, each under its own condition in SQL; the first one
 * that changes no row names the conflict. Nothing is undone here: the writer has set a savepoint. */
#include "embedded/sqlite_store.h"

#include <stdio.h>

enum { ERASE_STEP = 500 };

struct target {
    struct dm_db *db;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    char what[16 + DM_ID_TEXT];
};

static enum dm_code conflict(struct dm_transaction *transaction, enum dm_conflict where, const struct target *target,
                             struct dm_err *err)
{
    static const char *const parts[] = {
        [DM_CONFLICT_NONE] = "",           [DM_CONFLICT_DOCUMENT] = "its record",
        [DM_CONFLICT_STATE] = "its state", [DM_CONFLICT_WORK] = "what is left to do",
        [DM_CONFLICT_CLAIM] = "a claim",   [DM_CONFLICT_PAGE] = "a page",
        [DM_CONFLICT_EVENT] = "an event",  [DM_CONFLICT_IDEM] = "the document of an Idempotency-Key",
    };
    transaction->ret_conflict = where;
    return dm_fail(err, DM_CONFLICT, "%s: somebody else changed %s first", target->what, parts[where]);
}

/* Binds file and tenant as the first two parameters. */
static enum dm_code take(const struct target *target, enum dm_sql which, sqlite3_stmt **ret, struct dm_err *err)
{
    enum dm_code rc = dm_db_take(target->db, which, ret, err);
    if (rc == DM_OK)
        dm_db_bind_names(*ret, target->file, target->tenant);
    return rc;
}

/* file, tenant and, where the statement has it, the version: the parameters at the end of an UPDATE. */
static void bind_condition(sqlite3_stmt *statement, int at, const struct target *target)
{
    dm_db_bind_str(statement, at, dm_str_z(target->file->id));
    dm_db_bind_str(statement, at + 1, dm_str_z(target->tenant->id));
}

static enum dm_code finish(const struct target *target, sqlite3_stmt *statement, struct dm_transaction *transaction,
                           enum dm_conflict where, struct dm_err *err)
{
    int64_t changes = 0;
    enum dm_code rc = dm_db_write(target->db, statement, &changes, target->what, err);
    if (rc == DM_OK && changes != 1)
        rc = conflict(transaction, where, target, err);
    return rc;
}

static enum dm_code put_document(const struct target *target, struct dm_transaction *transaction, struct dm_err *err)
{
    bool fresh = transaction->state_before == 0;
    sqlite3_stmt *statement;
    enum dm_code rc = fresh ? take(target, DM_SQL_INSERT_DOCUMENT, &statement, err)
                            : dm_db_take(target->db, DM_SQL_UPDATE_DOCUMENT, &statement, err);
    if (rc != DM_OK)
        return rc;
    int next = dm_row_bind_document(statement, fresh ? 3 : 1, transaction->document);
    if (!fresh)
        bind_condition(statement, next, target);
    return finish(target, statement, transaction, DM_CONFLICT_DOCUMENT, err);
}

static enum dm_code put_state(const struct target *target, struct dm_transaction *transaction, struct dm_err *err)
{
    bool fresh = transaction->state_before == 0;
    sqlite3_stmt *statement;
    enum dm_code rc = fresh ? take(target, DM_SQL_INSERT_STATE, &statement, err)
                            : dm_db_take(target->db, DM_SQL_UPDATE_STATE, &statement, err);
    if (rc != DM_OK)
        return rc;
    int next = dm_row_bind_state(statement, fresh ? 3 : 1, transaction->state);
    if (!fresh) {
        bind_condition(statement, next, target);
        sqlite3_bind_int64(statement, next + 2, (int64_t)transaction->state_before);
    }
    return finish(target, statement, transaction, DM_CONFLICT_STATE, err);
}

static enum dm_code put_work(const struct target *target, struct dm_transaction *transaction, struct dm_err *err)
{
    bool fresh = transaction->work_before == 0;
    DM_AUTO(dm_buf) chosen = dm_buf_make(DM_ROW_WORK_TEXT_MAX);
    DM_AUTO(dm_buf) returned = dm_buf_make(DM_ROW_WORK_TEXT_MAX);
    sqlite3_stmt *statement;
    enum dm_code rc = fresh ? take(target, DM_SQL_INSERT_WORK, &statement, err)
                            : dm_db_take(target->db, DM_SQL_UPDATE_WORK, &statement, err);
    int next = fresh ? 3 : 1;
    if (rc == DM_OK)
        rc = dm_row_bind_work(statement, &next, transaction->work, &chosen, &returned, err);
    if (rc != DM_OK)
        return rc;
    if (!fresh) {
        bind_condition(statement, next, target);
        sqlite3_bind_int64(statement, next + 2, (int64_t)transaction->work_before);
    }
    return finish(target, statement, transaction, DM_CONFLICT_WORK, err);
}

static enum dm_code put_claim(const struct target *target, const struct dm_claim_write *write,
                              struct dm_transaction *transaction, struct dm_err *err)
{
    static const enum dm_sql statements[] = { [DM_CLAIM_INSERT] = DM_SQL_INSERT_CLAIM,
                                              [DM_CLAIM_RENEW] = DM_SQL_RENEW_CLAIM,
                                              [DM_CLAIM_KEEP] = DM_SQL_KEEP_CLAIM,
                                              [DM_CLAIM_DELETE] = DM_SQL_DELETE_CLAIM,
                                              [DM_CLAIM_TAKE] = DM_SQL_TAKE_CLAIM };
    sqlite3_stmt *statement;
    enum dm_code rc = take(target, statements[write->kind], &statement, err);
    if (rc != DM_OK)
        return rc;
    if (write->kind == DM_CLAIM_INSERT)
        dm_row_bind_claim(statement, 3, &write->claim);
    else
        sqlite3_bind_int64(statement, 3, (int64_t)write->claim.counter);
    if (write->kind == DM_CLAIM_RENEW || write->kind == DM_CLAIM_TAKE)
        sqlite3_bind_int64(statement, 4, write->claim.lease_until_ms);
    if (write->kind != DM_CLAIM_KEEP)
        return finish(target, statement, transaction, DM_CONFLICT_CLAIM, err);
    bool there = false;
    rc = dm_db_step(target->db, statement, &there, target->what, err);
    dm_db_give(statement);
    if (rc == DM_OK && !there)
        rc = conflict(transaction, DM_CONFLICT_CLAIM, target, err);
    return rc;
}

static enum dm_code put_page(const struct target *target, const struct dm_page *page,
                             struct dm_transaction *transaction, struct dm_err *err)
{
    sqlite3_stmt *statement;
    enum dm_code rc = take(target, DM_SQL_PUT_PAGE, &statement, err);
    if (rc != DM_OK)
        return rc;
    dm_row_bind_page(statement, 3, page);
    return finish(target, statement, transaction, DM_CONFLICT_PAGE, err);
}

static enum dm_code put_event(const struct target *target, const struct dm_event *event,
                              struct dm_transaction *transaction, struct dm_err *err)
{
    sqlite3_stmt *statement;
    enum dm_code rc = take(target, DM_SQL_INSERT_EVENT, &statement, err);
    if (rc != DM_OK)
        return rc;
    dm_row_bind_event(statement, 3, event);
    return finish(target, statement, transaction, DM_CONFLICT_EVENT, err);
}

static enum dm_code put_idem(const struct target *target, struct dm_transaction *transaction, struct dm_err *err)
{
    const struct dm_idem *idem = transaction->idem;
    sqlite3_stmt *statement;
    enum dm_code rc = dm_db_take(target->db, DM_SQL_PUT_IDEM, &statement, err);
    if (rc != DM_OK)
        return rc;
    dm_db_bind_str(statement, 1, dm_str_z(target->tenant->id));
    dm_db_bind_str(statement, 2, idem->key);
    sqlite3_bind_int64(statement, dm_row_bind_idem(statement, 3, idem), transaction->now_ms);
    rc = finish(target, statement, transaction, DM_CONFLICT_IDEM, err);
    if (rc != DM_OK)
        return rc;
    /* Each new key takes a few dead ones with it, so the table stays as large as what is alive. */
    rc = dm_db_take(target->db, DM_SQL_DROP_IDEM, &statement, err);
    if (rc != DM_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, transaction->now_ms);
    return dm_db_write(target->db, statement, NULL, target->what, err);
}

static struct target target_of(struct dm_db *db, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct target target = { .db = db, .tenant = tenant, .file = file };
    snprintf(target.what, sizeof(target.what), "document %s", file->id);
    return target;
}

enum dm_code dm_sqlite_apply(struct dm_db *db, const struct dm_tenant *tenant, const struct dm_file *file,
                             struct dm_transaction *transaction, struct dm_err *err)
{
    const struct target target = target_of(db, tenant, file);
    enum dm_code rc = DM_OK;
    if (transaction->document)
        rc = put_document(&target, transaction, err);
    if (rc == DM_OK && transaction->state)
        rc = put_state(&target, transaction, err);
    if (rc == DM_OK && transaction->work)
        rc = put_work(&target, transaction, err);
    for (uint32_t i = 0; rc == DM_OK && i < transaction->claim_count; i++)
        rc = put_claim(&target, &transaction->claims[i], transaction, err);
    for (uint32_t i = 0; rc == DM_OK && i < transaction->page_count; i++)
        rc = put_page(&target, &transaction->pages[i], transaction, err);
    for (uint32_t i = 0; rc == DM_OK && i < transaction->event_count; i++)
        rc = put_event(&target, &transaction->events[i], transaction, err);
    if (rc == DM_OK && transaction->idem)
        rc = put_idem(&target, transaction, err);
    return rc;
}

enum dm_code dm_sqlite_erase_some(struct dm_db *db, const struct dm_tenant *tenant, const struct dm_file *file,
                                  bool *ret_more, struct dm_err *err)
{
    /* STATE last: as long as it is there the document is due, and an interrupted removal is found again. */
    static const enum dm_sql many[] = { DM_SQL_ERASE_PAGES, DM_SQL_ERASE_EVENTS, DM_SQL_ERASE_CLAIMS };
    static const enum dm_sql single[] = { DM_SQL_ERASE_WORK, DM_SQL_ERASE_DOCUMENT, DM_SQL_ERASE_STATE };
    const struct target target = target_of(db, tenant, file);
    sqlite3_stmt *statement;
    enum dm_code rc = DM_OK;
    int64_t changes = 0;
    for (size_t i = 0; i < DM_COUNT(many); i++) {
        rc = take(&target, many[i], &statement, err);
        if (rc != DM_OK)
            return rc;
        sqlite3_bind_int64(statement, 3, ERASE_STEP);
        rc = dm_db_write(db, statement, &changes, target.what, err);
        if (rc != DM_OK)
            return rc;
        if (changes == ERASE_STEP) {
            *ret_more = true;
            return DM_OK;
        }
    }
    for (size_t i = 0; rc == DM_OK && i < DM_COUNT(single); i++) {
        rc = take(&target, single[i], &statement, err);
        if (rc == DM_OK)
            rc = dm_db_write(db, statement, NULL, target.what, err);
    }
    if (rc == DM_OK)
        *ret_more = false;
    return rc;
}
