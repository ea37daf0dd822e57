/* ledger_claims.c: who owns which pages, and what becomes of a claim that ends without all of them. */
#include "domain/ledger_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "domain/limits.h"

enum { LOSSES_BEFORE_HALVING = 2 };

/* ---- WORK's index key ---- */

bool dm_ledger_claimable(const struct dm_work *work, int64_t now_ms)
{
    if (work->split_needed || dm_ranges_next(work->chosen, work->cursor) != 0)
        return true;
    for (uint32_t i = 0; i < work->returned_count; i++)
        if (work->returned[i].due_ms <= now_ms)
            return true;
    return false;
}

void dm_work_index(struct dm_work *work, int64_t now_ms, int64_t lease_end_ms)
{
    if (dm_ledger_claimable(work, now_ms)) {
        work->key = DM_WORK_READY;
        work->due_ms = 0;
        return;
    }
    int64_t due_ms = lease_end_ms;
    for (uint32_t i = 0; i < work->returned_count; i++)
        if (due_ms == 0 || work->returned[i].due_ms < due_ms)
            due_ms = work->returned[i].due_ms;
    work->key = due_ms ? DM_WORK_DUE : DM_WORK_IDLE;
    work->due_ms = due_ms;
}

bool dm_ledger_reindex(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret)
{
    *ret = (struct dm_change){ 0 };
    int64_t lease_end_ms = 0;
    for (uint32_t i = 0; i < snapshot->claim_count; i++)
        if (lease_end_ms == 0 || snapshot->claims[i].lease_until_ms < lease_end_ms)
            lease_end_ms = snapshot->claims[i].lease_until_ms;
    dm_change_work(ret, &snapshot->work);
    if (dm_status_is_final(snapshot->state.status))
        dm_change_unlist(ret);
    else
        dm_work_index(&ret->work, context->now_ms, lease_end_ms);
    return ret->work.key != snapshot->work.key || ret->work.due_ms != snapshot->work.due_ms;
}

/* ---- claims ---- */

static struct dm_claim new_claim(dm_ledger_context context, struct dm_work *work, struct dm_str owner)
{
    struct dm_claim claim = { .counter = work->next_claim++,
                              .epoch = work->epoch,
                              .lease_until_ms = context->now_ms + DM_CLAIM_LEASE_MS };
    DM_CHECK(owner.len > 0 && owner.len < sizeof(claim.owner));
    memcpy(claim.owner, owner.at, owner.len);
    return claim;
}

enum dm_code dm_ledger_claim_split(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_str owner,
                                   struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err)
{
    if (!snapshot->work.split_needed)
        return dm_fail(err, DM_REFUSED, "somebody else has the split");
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, &snapshot->state, context->now_ms);
    enum dm_code rc = dm_change_move(ret, DM_MOVE_SPLIT_BEGUN, "split", err);
    if (rc != DM_OK)
        return rc;
    dm_change_work(ret, &snapshot->work);
    ret->work.split_needed = false;
    struct dm_claim claim = new_claim(context, &ret->work, owner);
    claim.losses = snapshot->work.split_losses;
    dm_work_index(&ret->work, context->now_ms, claim.lease_until_ms);
    dm_change_claim(ret, DM_CLAIM_INSERT, &claim);
    *ret_claim = claim;
    return DM_OK;
}

/* Takes the first `max` pages that can be claimed out of WORK: first what came back, then from the cursor. */
static bool take_range(dm_ledger_context context, struct dm_work *work, uint32_t max, struct dm_claim *claim)
{
    for (uint32_t i = 0; i < work->returned_count; i++) {
        const struct dm_returned *entry = &work->returned[i];
        if (entry->due_ms > context->now_ms)
            continue;
        claim->first = entry->first;
        claim->last = entry->last - entry->first >= max ? entry->first + max - 1 : entry->last;
        claim->losses = entry->losses;
        struct dm_returned *left = dm_arena_array(context->arena, work->returned_count, sizeof(*left));
        if (!left)
            return false;
        memcpy(left, work->returned, work->returned_count * sizeof(*left));
        if (claim->last < entry->last) {
            left[i].first = claim->last + 1;
        } else {
            memmove(&left[i], &left[i + 1], (work->returned_count - i - 1) * sizeof(*left));
            work->returned_count--;
        }
        work->returned = left;
        return true;
    }
    uint32_t first = dm_ranges_next(work->chosen, work->cursor);
    if (first == 0)
        return false;
    claim->first = claim->last = first;
    while (claim->last - first + 1 < max && dm_ranges_have(work->chosen, claim->last + 1))
        claim->last++;
    work->cursor = claim->last + 1;
    return true;
}

bool dm_change_take_pages(dm_ledger_context context, struct dm_change *change, struct dm_str owner, uint32_t max,
                          struct dm_claim *ret_claim)
{
    DM_CHECK(max >= 1);
    struct dm_claim claim = new_claim(context, &change->work, owner);
    if (max > DM_CLAIM_PAGES_MAX)
        max = DM_CLAIM_PAGES_MAX;
    if (!take_range(context, &change->work, max, &claim))
        return false;
    dm_work_index(&change->work, context->now_ms, claim.lease_until_ms);
    dm_change_claim(change, DM_CLAIM_INSERT, &claim);
    *ret_claim = claim;
    return true;
}

enum dm_code dm_ledger_claim_pages(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_str owner,
                                   uint32_t max, struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err)
{
    if (snapshot->state.status != DM_STATUS_PROCESSING)
        return dm_fail(err, DM_REFUSED, "the document is %s", dm_status_text(snapshot->state.status));
    *ret = (struct dm_change){ 0 };
    dm_change_work(ret, &snapshot->work);
    if (!dm_change_take_pages(context, ret, owner, max, ret_claim))
        return dm_fail(err, DM_NOT_FOUND, "nothing of this document can be claimed now");
    return DM_OK;
}

/* ---- claims come back ---- */

void dm_ledger_as_taken(struct dm_change *change)
{
    for (uint32_t i = 0; i < change->transaction.claim_count; i++)
        if (change->claims[i].kind == DM_CLAIM_DELETE)
            change->claims[i].kind = DM_CLAIM_TAKE;
}

struct returning {
    struct dm_returned *at;
    uint32_t count;
    uint32_t max;
    struct dm_range *crashed;
    uint32_t crashed_count;
};

static void add_returned(struct returning *to, uint32_t first, uint32_t last, uint32_t losses, int64_t due_ms)
{
    DM_CHECK(to->count < to->max);
    to->at[to->count++] = (struct dm_returned){ first, last, losses, due_ms };
}

/* The rule for a range that was lost without one of its pages ending: after the second loss in a row it is halved at
 * each further one, so that the page that kills its worker is found; that page, lost three times alone, may not be
 * tried again. */
static void return_lost(struct returning *to, struct dm_range range, uint32_t losses)
{
    if (range.first == range.last) {
        if (losses >= DM_PAGE_LOSSES_MAX)
            to->crashed[to->crashed_count++] = range;
        else
            add_returned(to, range.first, range.last, losses, 0);
    } else if (losses < LOSSES_BEFORE_HALVING) {
        add_returned(to, range.first, range.last, losses, 0);
    } else {
        uint32_t middle = range.first + (range.last - range.first) / 2;
        /* One short of the next halving; a single page starts to be counted alone. */
        add_returned(to, range.first, middle, range.first == middle ? 0 : LOSSES_BEFORE_HALVING - 1, 0);
        add_returned(to, middle + 1, range.last, middle + 1 == range.last ? 0 : LOSSES_BEFORE_HALVING - 1, 0);
    }
}

static void sort_returned(struct dm_returned *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct dm_returned entry = at[i];
        uint32_t k = i;
        for (; k > 0 && at[k - 1].first > entry.first; k--)
            at[k] = at[k - 1];
        at[k] = entry;
    }
}

static enum dm_code give_back_split(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                    const struct dm_claim *claim, enum dm_give_back how, struct dm_change *ret,
                                    struct dm_err *err)
{
    uint32_t losses = claim->losses + (how == DM_LOST);
    if (losses >= DM_PAGE_LOSSES_MAX)
        return dm_fail(err, DM_REFUSED, "counting its pages ended the process %d times", DM_PAGE_LOSSES_MAX);
    dm_change_state(ret, &snapshot->state, 0);
    enum dm_code rc = dm_change_move(ret, DM_MOVE_SPLIT_LOST, "given back", err);
    if (rc != DM_OK)
        return rc;
    dm_change_work(ret, &snapshot->work);
    ret->work.split_needed = true;
    ret->work.split_losses = losses;
    dm_work_index(&ret->work, context->now_ms, 0);
    dm_change_claim(ret, DM_CLAIM_DELETE, claim);
    return DM_OK;
}

enum dm_code dm_ledger_give_back(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 const struct dm_claim *claim, struct dm_ranges left, enum dm_give_back how,
                                 int64_t due_ms, struct dm_change *ret, struct dm_ranges *ret_crashed,
                                 struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    *ret_crashed = (struct dm_ranges){ 0 };
    if (dm_status_is_final(snapshot->state.status)) {
        /* Cancelled, say: nothing of it may be claimed again, and so it must not be listed. */
        dm_change_claim(ret, DM_CLAIM_DELETE, claim);
        return DM_OK;
    }
    if (claim->first == 0)
        return give_back_split(context, snapshot, claim, how, ret, err);
    const struct dm_work *work = &snapshot->work;
    struct returning to = { .max = work->returned_count + 2 * left.count };
    if (to.max > DM_RETURNED_MAX)
        return dm_fail(err, DM_BUSY, "over %d ranges of this document wait to be claimed again", DM_RETURNED_MAX);
    to.at = dm_arena_array(context->arena, to.max + 1, sizeof(*to.at));
    to.crashed = dm_arena_array(context->arena, left.count + 1, sizeof(*to.crashed));
    if (!to.at || !to.crashed)
        return dm_fail_memory(err);
    if (work->returned_count)
        memcpy(to.at, work->returned, work->returned_count * sizeof(*to.at));
    to.count = work->returned_count;
    bool progress = dm_ranges_pages(left) < claim->last - claim->first + 1;
    for (uint32_t i = 0; i < left.count; i++) {
        if (how == DM_HANDED_BACK)
            add_returned(&to, left.at[i].first, left.at[i].last, progress ? 0 : claim->losses, due_ms);
        else
            return_lost(&to, left.at[i], progress ? 0 : claim->losses + 1);
    }
    sort_returned(to.at, to.count);
    *ret_crashed = (struct dm_ranges){ to.crashed, to.crashed_count };
    dm_change_work(ret, work);
    ret->work.returned = to.at;
    ret->work.returned_count = to.count;
    /* Other claims may be out: looking again at a full lease from now is soon enough for them. */
    dm_work_index(&ret->work, context->now_ms, context->now_ms + DM_CLAIM_LEASE_MS);
    dm_change_claim(ret, DM_CLAIM_DELETE, claim);
    return DM_OK;
}
