/* ledger_requests.c: what a client asks of a document: cancel, retry, delete; and what retention takes. */
#include "domain/ledger_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "domain/limits.h"

/* ---- requests ---- */

static enum dm_code cancel_into(dm_ledger_context context, struct dm_change *change, struct dm_err *err)
{
    enum dm_code rc = dm_change_move(change, DM_MOVE_CANCEL, "cancelled", err);
    if (rc != DM_OK)
        return rc;
    dm_change_unlist(change);
    change->state.reason = DM_REASON_CANCELLED;
    dm_state_set_detail(&change->state, dm_str_z(dm_reason_meaning(DM_REASON_CANCELLED)));
    dm_change_rest(context, change);
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    dm_buf_addf(&data, "{\"processed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"total\":%" PRIu32 "}",
                change->state.processed, change->state.failed, change->state.total);
    return dm_change_event(context, change, DM_EVENT_DOCUMENT_CANCELLED, &data, err);
}

enum dm_code dm_ledger_cancel(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret,
                              struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    if (dm_status_after(snapshot->state.status, DM_MOVE_CANCEL) == DM_STATUS_NONE)
        return dm_fail(err, DM_REFUSED,
                       "the document is %s already, so there is nothing to cancel; delete it to be rid of it",
                       dm_status_text(snapshot->state.status));
    dm_change_state(ret, &snapshot->state, context->now_ms);
    dm_change_work(ret, &snapshot->work);
    return cancel_into(context, ret, err);
}

enum dm_code dm_ledger_retry(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_ranges pages,
                             uint32_t failed, struct dm_change *ret, struct dm_err *err)
{
    const struct dm_state *before = &snapshot->state;
    bool again_from_split = before->total == 0;
    uint32_t count = dm_ranges_pages(pages);
    DM_CHECK(again_from_split ? count == 0 : count > 0 && failed <= count);
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, before, context->now_ms);
    enum dm_code rc = dm_change_move(ret, again_from_split ? DM_MOVE_RETRY_SPLIT : DM_MOVE_RETRY_PAGES, "retried", err);
    if (rc != DM_OK)
        return rc;
    struct dm_state *state = &ret->state;
    DM_CHECK(failed <= before->failed && count - failed <= before->processed);
    state->epoch++;
    state->failed -= failed;
    state->processed -= count - failed;
    state->remaining += count;
    state->outcome = DM_OUTCOME_NONE;
    state->reason = DM_REASON_NONE;
    memset(state->detail, 0, sizeof(state->detail));
    state->completed_ms = 0;
    state->aggregations = 0;
    state->due_ms = 0;
    if (state->gone & DM_GONE_RESULTS) {
        /* Retention took the former result. The next one is as new as any. */
        state->gone &= ~(uint32_t)DM_GONE_RESULTS;
        state->result_epoch = 0;
        state->result_bytes = 0;
    }
    dm_change_work(ret, &snapshot->work);
    struct dm_work *work = &ret->work;
    work->epoch = state->epoch;
    work->split_needed = again_from_split;
    work->split_losses = 0;
    work->chosen = pages;
    work->cursor = again_from_split ? 0 : pages.at[0].first;
    work->returned = NULL;
    work->returned_count = 0;
    dm_work_index(work, context->now_ms, 0);
    return dm_change_started(context, ret, err);
}

enum dm_code dm_ledger_delete(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret,
                              struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    ret->document = snapshot->document;
    ret->document.deleted_ms = context->now_ms;
    ret->transaction.document = &ret->document;
    dm_change_state(ret, &snapshot->state, context->now_ms);
    dm_change_work(ret, &snapshot->work);
    dm_change_unlist(ret);
    if (!dm_status_is_final(snapshot->state.status)) {
        enum dm_code rc = cancel_into(context, ret, err);
        if (rc != DM_OK)
            return rc;
    }
    /* What is deleted is not kept longer than what is not. */
    int64_t grace_ms = context->now_ms + DM_DELETE_GRACE_MS;
    int64_t retention_ms = ret->state.completed_ms + context->keep_ms;
    ret->state.due_ms = context->keep_ms > 0 && retention_ms < grace_ms ? retention_ms : grace_ms;
    return DM_OK;
}

void dm_ledger_expire(dm_ledger_context context, const struct dm_state *state, uint32_t gone, int64_t next_due_ms,
                      struct dm_change *ret)
{
    (void)context;
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, 0);
    ret->state.gone |= gone;
    ret->state.due_ms = next_due_ms;
}

enum dm_page_status dm_ledger_page_status(const struct dm_state *state, const struct dm_work *work, uint32_t number,
                                          const struct dm_page *record)
{
    bool chosen_now = dm_ranges_have(work->chosen, number);
    if (record && (record->epoch == state->epoch || !chosen_now))
        return record->status;
    return chosen_now ? DM_PAGE_PENDING : DM_PAGE_SKIPPED;
}
