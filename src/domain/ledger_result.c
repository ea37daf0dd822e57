/* ledger_result.c: who may write a document's result, and its end. */
#include "domain/ledger_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "domain/limits.h"

/* ---- aggregate ---- */

bool dm_ledger_result_due(const struct dm_state *state, int64_t now_ms)
{
    if (state->status == DM_STATUS_PROCESSING)
        return state->remaining == 0;
    return state->status == DM_STATUS_AGGREGATING && state->lease.until_ms <= now_ms;
}

enum dm_code dm_ledger_take_result(dm_ledger_context context, const struct dm_state *state, struct dm_str owner,
                                   struct dm_change *ret, struct dm_err *err)
{
    if (!dm_ledger_result_due(state, context->now_ms))
        return dm_fail(err, DM_REFUSED, "the document is %s with %" PRIu32 " pages to go",
                       dm_status_text(state->status), state->remaining);
    *ret = (struct dm_change){ 0 };
    /* Trying once more gets it no further: who looks for documents that are stuck must find it. */
    dm_change_state(ret, state, state->status == DM_STATUS_PROCESSING ? context->now_ms : 0);
    ret->state.status = dm_status_after(state->status, DM_MOVE_AGGREGATE);
    struct dm_lease *lease = &ret->state.lease;
    DM_CHECK(owner.len > 0 && owner.len < sizeof(lease->owner));
    memset(lease->owner, 0, sizeof(lease->owner));
    memcpy(lease->owner, owner.at, owner.len);
    lease->counter++;
    lease->until_ms = context->now_ms + DM_AGGREGATE_LEASE_MS;
    ret->state.due_ms = lease->until_ms;
    ret->state.aggregations++;
    return DM_OK;
}

bool dm_ledger_result_held(const struct dm_state *state, const struct dm_lease *lease)
{
    return state->status == DM_STATUS_AGGREGATING && state->lease.counter == lease->counter &&
           strcmp(state->lease.owner, lease->owner) == 0;
}

static enum dm_code check_lease(const struct dm_state *state, const struct dm_lease *lease, struct dm_err *err)
{
    if (dm_ledger_result_held(state, lease))
        return DM_OK;
    return dm_fail(err, DM_REFUSED, "the result is no longer this process's to write");
}

enum dm_code dm_ledger_renew_result(dm_ledger_context context, const struct dm_state *state,
                                    const struct dm_lease *lease, struct dm_change *ret, struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, 0);
    ret->state.lease.until_ms = context->now_ms + DM_AGGREGATE_LEASE_MS;
    ret->state.due_ms = ret->state.lease.until_ms;
    return DM_OK;
}

enum dm_code dm_ledger_put_off_result(dm_ledger_context context, const struct dm_state *state,
                                      const struct dm_lease *lease, int64_t wait_ms, struct dm_change *ret,
                                      struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, 0);
    memset(ret->state.lease.owner, 0, sizeof(ret->state.lease.owner));
    ret->state.lease.counter++; /* whoever held it holds it no more */
    ret->state.lease.until_ms = context->now_ms + wait_ms;
    ret->state.due_ms = ret->state.lease.until_ms;
    ret->state.aggregations--;
    return DM_OK;
}

enum dm_code dm_ledger_result_kept(dm_ledger_context context, const struct dm_state *state,
                                   const struct dm_lease *lease, uint64_t bytes, const struct dm_usage *usage,
                                   struct dm_change *ret, struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, context->now_ms);
    ret->state.status = dm_status_after(state->status, DM_MOVE_RESULT_KEPT);
    ret->state.outcome = state->failed > 0 ? DM_OUTCOME_PARTIAL : DM_OUTCOME_FULL;
    ret->state.result_epoch = state->epoch;
    ret->state.result_bytes = bytes;
    dm_usage_add(&ret->state.usage, usage);
    dm_change_rest(context, ret);
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    dm_buf_addf(&data,
                "{\"outcome\":\"%s\",\"processed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"skipped\":%" PRIu32
                ",\"total\":%" PRIu32 "}",
                ret->state.outcome == DM_OUTCOME_FULL ? "full" : "partial", state->processed, state->failed,
                state->skipped, state->total);
    return dm_change_event(context, ret, DM_EVENT_DOCUMENT_COMPLETED, &data, err);
}
