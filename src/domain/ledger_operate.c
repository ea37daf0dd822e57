/* ledger_operate.c: what an operator and the sweeper may ask of a document that does not get on: what it waits for, its
 * index keys put right, and everything that holds it back let go at once. */
#include "domain/ledger_change.h"

#include <string.h>

#include "base/check.h"
#include "domain/limits.h"

static const char *const waits[DM_WAITS_COUNT] = {
#define DM_WAITS_ROW(name, wire, meaning) [DM_WAITS_##name] = wire,
    DM_WAITS(DM_WAITS_ROW)
#undef DM_WAITS_ROW
};

const char *dm_waits_text(enum dm_waits what)
{
    DM_CHECK(what >= DM_WAITS_NOTHING && what < DM_WAITS_COUNT);
    return waits[what];
}

/* ---- what it waits for ---- */

/* The claim that runs out first, or NULL. */
static const struct dm_claim *first_claim(const struct dm_snapshot *snapshot)
{
    const struct dm_claim *first = NULL;
    for (uint32_t i = 0; i < snapshot->claim_count; i++)
        if (!first || snapshot->claims[i].lease_until_ms < first->lease_until_ms)
            first = &snapshot->claims[i];
    return first;
}

static int64_t first_due(const struct dm_work *work)
{
    int64_t due_ms = 0;
    for (uint32_t i = 0; i < work->returned_count; i++)
        if (due_ms == 0 || work->returned[i].due_ms < due_ms)
            due_ms = work->returned[i].due_ms;
    return due_ms;
}

static uint32_t most_losses(const struct dm_snapshot *snapshot)
{
    uint32_t losses = snapshot->work.split_losses;
    for (uint32_t i = 0; i < snapshot->claim_count; i++)
        losses = snapshot->claims[i].losses > losses ? snapshot->claims[i].losses : losses;
    for (uint32_t i = 0; i < snapshot->work.returned_count; i++)
        losses = snapshot->work.returned[i].losses > losses ? snapshot->work.returned[i].losses : losses;
    return losses;
}

static void name_owner(struct dm_waiting *waiting, const char owner[DM_OWNER_MAX], int64_t until_ms)
{
    memcpy(waiting->owner, owner, sizeof(waiting->owner));
    waiting->until_ms = until_ms;
}

static void wait_for_result(const struct dm_state *state, int64_t now_ms, struct dm_waiting *waiting)
{
    waiting->losses = state->aggregations > 0 ? state->aggregations - 1 : 0;
    if (state->status == DM_STATUS_AGGREGATING && state->lease.until_ms > now_ms) {
        waiting->what = DM_WAITS_LEASE;
        name_owner(waiting, state->lease.owner, state->lease.until_ms);
    } else {
        waiting->what = state->due_ms ? DM_WAITS_AGGREGATOR : DM_WAITS_NOBODY;
        waiting->until_ms = state->due_ms > now_ms ? state->due_ms : 0;
    }
}

static void wait_for_pages(const struct dm_snapshot *snapshot, int64_t now_ms, struct dm_waiting *waiting)
{
    const struct dm_work *work = &snapshot->work;
    const struct dm_claim *claim = first_claim(snapshot);
    waiting->losses = most_losses(snapshot);
    if (work->key == DM_WORK_READY && dm_ledger_claimable(work, now_ms)) {
        waiting->what = DM_WAITS_TURN;
    } else if (claim && (claim->lease_until_ms > now_ms || work->key == DM_WORK_DUE)) {
        waiting->what = DM_WAITS_CLAIM;
        waiting->first = claim->first;
        waiting->last = claim->last;
        name_owner(waiting, claim->owner, claim->lease_until_ms);
    } else if (work->key == DM_WORK_DUE) {
        waiting->what = DM_WAITS_DUE;
        waiting->until_ms = first_due(work) ? first_due(work) : work->due_ms;
    } else {
        waiting->what = DM_WAITS_NOBODY;
    }
}

struct dm_waiting dm_ledger_waiting(const struct dm_snapshot *snapshot, int64_t now_ms)
{
    const struct dm_state *state = &snapshot->state;
    struct dm_waiting waiting = { .what = DM_WAITS_NOTHING };
    if (dm_status_is_final(state->status))
        return waiting;
    if (state->status == DM_STATUS_AWAITING_UPLOAD) {
        waiting.what = DM_WAITS_UPLOAD;
        waiting.until_ms = state->due_ms;
    } else if (state->status == DM_STATUS_AGGREGATING ||
               (state->status == DM_STATUS_PROCESSING && state->remaining == 0)) {
        wait_for_result(state, now_ms, &waiting);
    } else {
        wait_for_pages(snapshot, now_ms, &waiting);
    }
    return waiting;
}

/* ---- index keys ---- */

/* Whether STATE must stand in the index of what is due and does not. */
static bool lacks_due(const struct dm_state *state)
{
    bool result =
        state->status == DM_STATUS_AGGREGATING || (state->status == DM_STATUS_PROCESSING && state->remaining == 0);
    return result && state->due_ms == 0;
}

bool dm_ledger_mend(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret)
{
    const struct dm_state *state = &snapshot->state;
    /* A key of the right kind with another instant was put there on purpose, and is looked at when it comes. */
    bool mended = dm_ledger_reindex(context, snapshot, ret) && ret->work.key != snapshot->work.key;
    if (dm_status_is_final(state->status) || state->status == DM_STATUS_AWAITING_UPLOAD)
        return false;
    if (!mended)
        *ret = (struct dm_change){ 0 };
    if (lacks_due(state)) {
        dm_change_state(ret, state, 0);
        ret->state.due_ms = state->lease.until_ms ? state->lease.until_ms : context->now_ms;
        mended = true;
    }
    return mended;
}

/* ---- everything let go ---- */

/* Pages that wait for their time need not any more. NULL: there are none, or no memory. */
static struct dm_returned *due_at_once(dm_ledger_context context, const struct dm_work *work, uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t i = 0; i < work->returned_count; i++)
        *ret_count +=
            work->returned[i].due_ms > context->now_ms ? work->returned[i].last - work->returned[i].first + 1 : 0;
    struct dm_returned *at = *ret_count ? dm_arena_array(context->arena, work->returned_count, sizeof(*at)) : NULL;
    for (uint32_t i = 0; at && i < work->returned_count; i++) {
        at[i] = work->returned[i];
        at[i].due_ms = 0;
    }
    return at;
}

enum dm_code dm_ledger_redrive(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret,
                               struct dm_let_go *ret_let_go, struct dm_err *err)
{
    const struct dm_state *state = &snapshot->state;
    if (dm_status_is_final(state->status))
        return dm_fail(err, DM_REFUSED, "the document is %s", dm_status_text(state->status));
    if (state->status == DM_STATUS_AWAITING_UPLOAD)
        return dm_fail(err, DM_NOT_FOUND, "its bytes have not arrived: that is up to its client");
    struct dm_snapshot hurried = *snapshot;
    struct dm_let_go let_go = { 0 };
    struct dm_returned *returned = due_at_once(context, &snapshot->work, &let_go.pages);
    if (let_go.pages > 0 && !returned)
        return dm_fail_memory(err);
    if (returned)
        hurried.work.returned = returned;
    let_go.mended = dm_ledger_reindex(context, &hurried, ret) && ret->work.key != snapshot->work.key;
    if (!let_go.mended && let_go.pages == 0)
        *ret = (struct dm_change){ 0 };
    let_go.lease = state->status == DM_STATUS_AGGREGATING && state->lease.until_ms > context->now_ms;
    if (let_go.lease || lacks_due(state)) {
        let_go.mended = let_go.mended || lacks_due(state);
        dm_change_state(ret, state, 0);
        /* The counter stays: until somebody takes the lease, its holder may still end the document. */
        ret->state.lease.until_ms = state->lease.until_ms ? DM_LEASE_GONE : 0;
        ret->state.due_ms = context->now_ms;
    }
    if (!ret->transaction.state && !ret->transaction.work)
        return dm_fail(err, DM_NOT_FOUND, "nothing holds the document back");
    *ret_let_go = let_go;
    return DM_OK;
}

static const char *const redriven[DM_REDRIVEN_COUNT] = {
#define DM_REDRIVEN_ROW(name, wire, meaning) [DM_REDRIVEN_##name] = wire,
    DM_REDRIVEN(DM_REDRIVEN_ROW)
#undef DM_REDRIVEN_ROW
};

const char *dm_redriven_text(enum dm_redriven_what what)
{
    DM_CHECK(what < DM_REDRIVEN_COUNT);
    return redriven[what];
}
