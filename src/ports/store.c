/* store.c: the checking callers of the store port: every backend is held to the same contract here. */
#include "ports/store.h"

#include "base/check.h"

enum { TRANSACTION_RECORDS_MAX = 100 };

enum dm_code dm_store_read(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                           unsigned parts, struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    DM_CHECK(parts != 0);
    struct dm_snapshot snapshot = { 0 };
    enum dm_code rc = store.ops->read(store.self, tenant, file, parts, arena, &snapshot, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_state *state = &snapshot.state;
    if ((parts & DM_PART_STATE) &&
        (uint64_t)state->processed + state->failed + state->skipped + state->remaining != state->total)
        return dm_fail(err, DM_CORRUPT, "the counters of document %s do not add up", file->id);
    *ret = snapshot;
    return DM_OK;
}

enum dm_code dm_store_pages(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                            uint32_t first, uint32_t last, uint32_t max, struct dm_arena *arena,
                            struct dm_page_list *ret, struct dm_err *err)
{
    DM_CHECK(first >= 1 && max >= 1);
    return store.ops->pages(store.self, tenant, file, first, last, max, arena, ret, err);
}

enum dm_code dm_store_events(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                             uint64_t after, uint32_t max, struct dm_arena *arena, struct dm_event_list *ret,
                             struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return store.ops->events(store.self, tenant, file, after, max, arena, ret, err);
}

enum dm_code dm_store_list(struct dm_store store, const struct dm_tenant *tenant, const struct dm_list_query *query,
                           struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    DM_CHECK(query->limit >= 1 && query->limit <= 1000);
    return store.ops->list(store.self, tenant, query, arena, ret, err);
}

enum dm_code dm_store_idem(struct dm_store store, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                           struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err)
{
    DM_CHECK(key.len > 0);
    return store.ops->idem(store.self, tenant, key, now_ms, arena, ret, err);
}

/* What no caller may ever ask for: a write that would break the ledger's arithmetic or skip a version. */
static void check_transaction(const struct dm_transaction *transaction)
{
    const struct dm_state *state = transaction->state;
    if (state) {
        DM_CHECK(state->version == transaction->state_before + 1);
        DM_CHECK(state->status != DM_STATUS_NONE && state->epoch >= 1);
        DM_CHECK((uint64_t)state->processed + state->failed + state->skipped + state->remaining == state->total);
    }
    if (transaction->work)
        DM_CHECK(transaction->work->version == transaction->work_before + 1);
    for (uint32_t i = 0; i < transaction->page_count; i++)
        DM_CHECK(transaction->pages[i].status == DM_PAGE_DONE || transaction->pages[i].status == DM_PAGE_FAILED);
    /* An event is numbered by the STATE that is written with it. */
    for (uint32_t i = 0; i < transaction->event_count; i++)
        DM_CHECK(state && transaction->events[i].seq == state->seq - (transaction->event_count - 1 - i));
    DM_CHECK(!transaction->document || transaction->state);
    DM_CHECK((transaction->document != NULL) + (state != NULL) + (transaction->work != NULL) +
                 (uint64_t)transaction->claim_count + transaction->page_count + transaction->event_count +
                 (transaction->idem != NULL) <=
             TRANSACTION_RECORDS_MAX);
}

enum dm_code dm_store_commit(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                             struct dm_transaction *transaction, struct dm_err *err)
{
    check_transaction(transaction);
    transaction->ret_conflict = DM_CONFLICT_NONE;
    enum dm_code rc = store.ops->commit(store.self, tenant, file, transaction, err);
    DM_CHECK((rc == DM_CONFLICT) == (transaction->ret_conflict != DM_CONFLICT_NONE));
    return rc;
}

enum dm_code dm_store_erase(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                            struct dm_err *err)
{
    return store.ops->erase(store.self, tenant, file, err);
}

enum dm_code dm_store_check(struct dm_store store, struct dm_err *err)
{
    return store.ops->check(store.self, err);
}

enum dm_code dm_operator_ready_tenants(struct dm_operator op, const struct dm_tenant *after, uint32_t max,
                                       struct dm_tenant *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->ready_tenants(op.self, after, max, ret, ret_count, err);
}

enum dm_code dm_operator_ready(struct dm_operator op, const struct dm_tenant *tenant, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->ready(op.self, tenant, max, ret, ret_count, err);
}

enum dm_code dm_operator_owner(struct dm_operator op, const struct dm_file *file, struct dm_tenant *ret,
                               struct dm_err *err)
{
    return op.ops->owner(op.self, file, ret, err);
}

enum dm_code dm_operator_due(struct dm_operator op, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max,
                             struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->due(op.self, now_ms, cursor, max, ret, ret_count, err);
}

enum dm_code dm_operator_stalled(struct dm_operator op, int64_t before_ms, struct dm_stalled_cursor *cursor,
                                 uint32_t max, struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->stalled(op.self, before_ms, cursor, max, ret, ret_count, err);
}

enum dm_code dm_operator_ended(struct dm_operator op, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                               uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->ended(op.self, cursor, max, ret, ret_count, err);
}

enum dm_code dm_operator_pause(struct dm_operator op, const struct dm_tenant *tenant, int64_t now_ms,
                               struct dm_err *err)
{
    DM_CHECK(now_ms > 0 && (!tenant || tenant->id[0]));
    return op.ops->pause(op.self, tenant, now_ms, err);
}

enum dm_code dm_operator_resume(struct dm_operator op, const struct dm_tenant *tenant, struct dm_err *err)
{
    DM_CHECK(!tenant || tenant->id[0]);
    return op.ops->resume(op.self, tenant, err);
}

enum dm_code dm_operator_paused(struct dm_operator op, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    return op.ops->paused(op.self, tenant, ret, err);
}

enum dm_code dm_operator_pauses(struct dm_operator op, const struct dm_tenant *after, uint32_t max,
                                struct dm_pause *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->pauses(op.self, after, max, ret, ret_count, err);
}

enum dm_code dm_operator_secrets(struct dm_operator op, const struct dm_secret_row *after, uint32_t max,
                                 struct dm_secret_row *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    return op.ops->secrets(op.self, after, max, ret, ret_count, err);
}

/* ---- secrets ---- */

static void check_secret_name(struct dm_str name)
{
    DM_CHECK(name.len > 0 && name.len < DM_SECRET_NAME_MAX);
}

enum dm_code dm_store_secret_put(struct dm_store store, const struct dm_tenant *tenant, struct dm_str name,
                                 struct dm_str sealed, int64_t now_ms, struct dm_err *err)
{
    check_secret_name(name);
    DM_CHECK(sealed.len > 0 && sealed.len <= DM_SECRET_SEALED_MAX && now_ms > 0);
    return store.ops->secret_put(store.self, tenant, name, sealed, now_ms, err);
}

enum dm_code dm_store_secret_get(struct dm_store store, const struct dm_tenant *tenant, struct dm_str name,
                                 struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err)
{
    check_secret_name(name);
    return store.ops->secret_get(store.self, tenant, name, arena, ret, err);
}

enum dm_code dm_store_secret_remove(struct dm_store store, const struct dm_tenant *tenant, struct dm_str name,
                                    struct dm_err *err)
{
    check_secret_name(name);
    return store.ops->secret_remove(store.self, tenant, name, err);
}
