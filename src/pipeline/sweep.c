/* sweep.c: what nobody else looks after.
 *
 * Claims whose owner is gone go back into WORK or end; documents that must be removed are removed; what retention takes
 * is taken. Any number of sweepers may run: each step is a transaction under what was read, so the second one finds
 * nothing to do. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "operate.h"
#include "watch.h"
#include "worker.h"

enum { SWEEP_EVERY_MS = 5000, SWEEP_AT_ONCE = 100 };

/* ---- claims ---- */

struct returning {
    const struct dm_pipeline *pipeline;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    struct dm_claim claim;
    enum dm_give_back how;
    int64_t wait_ms;
    struct dm_page crashed; /* the page that may not be tried again */
    bool ended_document;
};

static enum dm_code unended(const struct returning *returning, struct dm_arena *arena, struct dm_ranges *ret,
                            struct dm_err *err)
{
    const struct dm_claim *claim = &returning->claim;
    struct dm_page_list records;
    enum dm_code rc = dm_store_pages(returning->pipeline->ports.store, returning->tenant, returning->file, claim->first,
                                     claim->last, DM_CLAIM_PAGES_MAX, arena, &records, err);
    if (rc != DM_OK)
        return rc;
    uint32_t left[DM_CLAIM_PAGES_MAX];
    uint32_t count = 0;
    uint32_t next = 0;
    for (uint32_t number = claim->first; number <= claim->last; number++) {
        while (next < records.count && records.at[next].number < number)
            next++;
        bool ended =
            next < records.count && records.at[next].number == number && records.at[next].epoch == claim->epoch;
        if (!ended)
            left[count++] = number;
    }
    return dm_ranges_of(arena, left, count, ret, err);
}

static bool still_there(const struct dm_snapshot *snapshot, const struct returning *returning)
{
    for (uint32_t i = 0; i < snapshot->claim_count; i++)
        if (snapshot->claims[i].counter == returning->claim.counter &&
            strcmp(snapshot->claims[i].owner, returning->claim.owner) == 0)
            return returning->how == DM_HANDED_BACK ||
                   snapshot->claims[i].lease_until_ms == returning->claim.lease_until_ms;
    return false;
}

static enum dm_code decide_its_end(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                   struct dm_change *ret, struct dm_err *err)
{
    struct returning *returning = argument;
    const struct dm_claim *claim = &returning->claim;
    if (!still_there(snapshot, returning))
        return dm_fail(err, DM_REFUSED, "claim %" PRIu64 " has ended already, or its owner lives", claim->counter);
    struct dm_ranges left = { 0 };
    struct dm_ranges crashed = { 0 };
    int64_t due_ms = returning->wait_ms ? context->now_ms + returning->wait_ms : 0;
    enum dm_code rc = claim->first ? unended(returning, context->arena, &left, err) : DM_OK;
    if (rc == DM_OK)
        rc = dm_ledger_give_back(context, snapshot, claim, left, returning->how, due_ms, ret, &crashed, err);
    if (rc == DM_REFUSED && claim->first == 0 && snapshot->state.status == DM_STATUS_CHUNKING) {
        returning->ended_document = true;
        return dm_ledger_fail(context, snapshot, claim, DM_REASON_CRASHED,
                              DM_STR("counting the document's pages ended the process again and again"), ret, err);
    }
    if (rc == DM_OK && crashed.count > 0 && snapshot->state.status == DM_STATUS_PROCESSING) {
        /* Only a claim of a single page can be there: longer ranges are halved first. */
        returning->crashed =
            (struct dm_page){ .number = crashed.at[0].first,
                              .status = DM_PAGE_FAILED,
                              .reason = DM_REASON_CRASHED,
                              .detail = DM_STR("reading this page ended the process again and again") };
        return dm_ledger_end_pages(context, &snapshot->state, claim, &returning->crashed, 1, true, ret, err);
    }
    return rc;
}

/* What was watched is what is taken: an owner that renewed its claim a moment ago keeps it. */
static enum dm_code decide_return(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                  struct dm_change *ret, struct dm_err *err)
{
    const struct returning *returning = argument;
    enum dm_code rc = decide_its_end(argument, context, snapshot, ret, err);
    if (rc == DM_OK && returning->how == DM_LOST)
        dm_ledger_as_taken(ret);
    return rc;
}

enum dm_code dm_claim_return(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                             const struct dm_file *file, const struct dm_claim *claim, enum dm_give_back how,
                             int64_t wait_ms, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct returning returning = { pipeline, tenant, file, *claim, how, wait_ms, { 0 }, false };
    const struct dm_step step = {
        .parts = DM_PART_WORK | DM_PART_CLAIMS, .deleted_too = true, .decide = decide_return, .argument = &returning
    };
    enum dm_code rc = dm_step_run(pipeline, tenant, file, &step, &arena, NULL, err);
    if (rc == DM_REFUSED || rc == DM_NOT_FOUND)
        return DM_OK; /* it has ended or the document has */
    if (rc != DM_OK)
        return rc;
    dm_log(how == DM_LOST ? DM_LOG_WARN : DM_LOG_DEBUG, DM_EV_CLAIM_RETURNED, dm_f_z("tenant", tenant->id),
           dm_f_z("file", file->id), dm_f_int("first", claim->first), dm_f_int("last", claim->last),
           dm_f_int("losses", claim->losses + (how == DM_LOST)));
    if (returning.ended_document)
        dm_log(DM_LOG_WARN, DM_EV_DOCUMENT_FAILED, dm_f_z("tenant", tenant->id), dm_f_z("file", file->id),
               dm_f_z("reason", dm_reason_text(DM_REASON_CRASHED)));
    dm_hint(pipeline, tenant, file);
    return DM_OK;
}

/* ---- what is over ---- */

static enum dm_code remove_document(const struct dm_pipeline *pipeline, const struct dm_found *found,
                                    struct dm_err *err)
{
    const struct dm_blob_key prefix = dm_key_document(&found->file);
    enum dm_code rc = dm_blob_remove_all(pipeline->ports.blob, &found->tenant, dm_str_z(prefix.text), err);
    return rc == DM_OK ? dm_store_erase(pipeline->ports.store, &found->tenant, &found->file, err) : rc;
}

struct expiring {
    uint32_t gone;
    int64_t next_ms;
};

/* What retention takes by `now_ms` of a document that ended at `completed_ms`, and when it must look again. */
static struct expiring expiry(const struct dm_pipeline *pipeline, const struct dm_state *state, int64_t now_ms)
{
    const struct {
        enum dm_gone gone;
        int64_t keep_ms;
    } rules[] = { { DM_GONE_SOURCE, pipeline->retention_source_ms },
                  { DM_GONE_PAGES, pipeline->retention_pages_ms },
                  { DM_GONE_RESULTS, pipeline->retention_results_ms } };
    struct expiring ret = { 0 };
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        int64_t at_ms = state->completed_ms + rules[i].keep_ms;
        if (rules[i].keep_ms == 0 || (state->gone & rules[i].gone))
            continue;
        if (at_ms <= now_ms)
            ret.gone |= rules[i].gone;
        else if (ret.next_ms == 0 || at_ms < ret.next_ms)
            ret.next_ms = at_ms;
    }
    return ret;
}

/* The record first: a retry from then on is refused, so none finds its document without bytes. It stays due. */
static enum dm_code decide_gone(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                struct dm_change *ret, struct dm_err *err)
{
    const struct dm_state *state = &snapshot->state;
    uint32_t gone = expiry(argument, state, context->now_ms).gone;
    if (!dm_status_is_final(state->status) || gone == 0)
        return dm_fail(err, DM_REFUSED, "the document is read again, or kept for longer");
    dm_ledger_expire(context, state, gone, state->due_ms, ret);
    return DM_OK;
}

/* When it is looked at again. */
static enum dm_code decide_due(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                               struct dm_change *ret, struct dm_err *err)
{
    const struct dm_state *state = &snapshot->state;
    const struct expiring expiring = expiry(argument, state, context->now_ms);
    if (!dm_status_is_final(state->status))
        return dm_fail(err, DM_REFUSED, "the document is read again");
    dm_ledger_expire(context, state, 0, expiring.gone ? context->now_ms : expiring.next_ms, ret);
    return DM_OK;
}

/* What was made of the source goes with it: a picture shows the page as well as the page itself. */
static enum dm_code remove_source(struct dm_blob blob, const struct dm_found *found, struct dm_err *err)
{
    const struct dm_blob_key source = dm_key_source(&found->file);
    const struct dm_blob_key images = dm_key_images(&found->file);
    enum dm_code rc = dm_blob_remove(blob, &found->tenant, dm_str_z(source.text), err);
    return rc == DM_OK ? dm_blob_remove_all(blob, &found->tenant, dm_str_z(images.text), err) : rc;
}

/* The results of every epoch, in every form, and what each was made of. */
static enum dm_code remove_results(struct dm_blob blob, const struct dm_found *found, uint32_t epochs,
                                   struct dm_err *err)
{
    static const char *const endings[] = { ".json", ".md", ".jsonl" };
    enum dm_code rc = DM_OK;
    for (uint32_t epoch = 1; rc == DM_OK && epoch <= epochs; epoch++) {
        for (size_t i = 0; rc == DM_OK && i < DM_COUNT(endings); i++) {
            const struct dm_blob_key result = dm_key_results(&found->file, epoch, endings[i]);
            rc = dm_blob_remove(blob, &found->tenant, dm_str_z(result.text), err);
        }
        const struct dm_blob_key reduction = dm_key_reduction(&found->file, epoch);
        if (rc == DM_OK)
            rc = dm_blob_remove(blob, &found->tenant, dm_str_z(reduction.text), err);
    }
    return rc;
}

static enum dm_code remove_gone(struct dm_blob blob, const struct dm_found *found, const struct dm_state *state,
                                struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    if (state->gone & DM_GONE_SOURCE)
        rc = remove_source(blob, found, err);
    if (rc == DM_OK && (state->gone & DM_GONE_PAGES)) {
        const struct dm_blob_key key = dm_key_segments(&found->file);
        rc = dm_blob_remove_all(blob, &found->tenant, dm_str_z(key.text), err);
    }
    if (rc == DM_OK && (state->gone & DM_GONE_RESULTS))
        rc = remove_results(blob, found, state->epoch, err);
    return rc;
}

/* The record, then the bytes, then the next due time. A crash between leaves the document due, and whatever its record says
 * is gone is removed again: absent is fine. */
static enum dm_code expire(const struct dm_pipeline *pipeline, const struct dm_found *found,
                           const struct dm_state *before, struct dm_arena *arena, struct dm_err *err)
{
    const uint32_t all = DM_GONE_SOURCE | DM_GONE_PAGES | DM_GONE_RESULTS;
    const struct dm_step take = { .decide = decide_gone, .argument = (void *)(uintptr_t)pipeline };
    const struct dm_step look_again = { .decide = decide_due, .argument = (void *)(uintptr_t)pipeline };
    struct dm_state state = *before;
    enum dm_code rc = DM_OK;
    if (expiry(pipeline, before, dm_wall_ms(pipeline->ports.runtime)).gone)
        rc = dm_step_run(pipeline, &found->tenant, &found->file, &take, arena, &state, err);
    if (rc == DM_OK && state.gone == all)
        return remove_document(pipeline, found, err);
    if (rc == DM_OK)
        rc = remove_gone(pipeline->ports.blob, found, &state, err);
    if (rc == DM_OK)
        rc = dm_step_run(pipeline, &found->tenant, &found->file, &look_again, arena, NULL, err);
    if (rc == DM_OK && state.gone != before->gone)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_EXPIRED, dm_f_z("tenant", found->tenant.id), dm_f_z("file", found->file.id),
               dm_f_int("parts", state.gone & ~before->gone));
    return rc == DM_REFUSED || rc == DM_NOT_FOUND ? DM_OK : rc;
}

/* Whether retention takes something of the document earlier than its due time says: it ended under settings that
 * kept more. A due time too early corrects itself. */
static bool is_due_earlier(const struct dm_pipeline *pipeline, const struct dm_state *state)
{
    int64_t now_ms = dm_wall_ms(pipeline->ports.runtime);
    const struct expiring expiring = expiry(pipeline, state, now_ms);
    int64_t at_ms = expiring.gone ? now_ms : expiring.next_ms;
    return at_ms != 0 && (state->due_ms == 0 || state->due_ms > at_ms);
}

static enum dm_code reschedule(const struct dm_pipeline *pipeline, const struct dm_found *found, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_snapshot snapshot;
    enum dm_code rc = dm_store_read(pipeline->ports.store, &found->tenant, &found->file,
                                    DM_PART_DOCUMENT | DM_PART_STATE, &arena, &snapshot, err);
    if (rc != DM_OK || snapshot.document.deleted_ms || !dm_status_is_final(snapshot.state.status) ||
        !is_due_earlier(pipeline, &snapshot.state))
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    const struct dm_step step = { .decide = decide_due, .argument = (void *)(uintptr_t)pipeline };
    rc = dm_step_run(pipeline, &found->tenant, &found->file, &step, &arena, NULL, err);
    return rc == DM_REFUSED || rc == DM_NOT_FOUND ? DM_OK : rc;
}

/* ---- one document ---- */

static enum dm_code decide_reindex(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                   struct dm_change *ret, struct dm_err *err)
{
    (void)argument;
    if (dm_ledger_reindex(context, snapshot, ret))
        return DM_OK;
    return dm_fail(err, DM_REFUSED, "the index is right already");
}

/* What a sweeper remembers from one round to the next. */
struct sweeper {
    const struct dm_pipeline *pipeline;
    struct dm_watch watch;
    struct dm_due_cursor due;
    struct dm_stalled_cursor stalled;
    int64_t mend_at_ms;
    struct dm_found ended; /* how far the documents of former settings have been looked at */
    bool rescheduled;      /* all of them */
};

static enum dm_code return_expired(struct sweeper *sweeper, const struct dm_found *found,
                                   const struct dm_snapshot *snapshot, int64_t now_ms, struct dm_err *err)
{
    int64_t mono_ms = dm_mono_ms(sweeper->pipeline->ports.runtime);
    for (uint32_t i = 0; i < snapshot->claim_count; i++) {
        const struct dm_claim *claim = &snapshot->claims[i];
        if (claim->lease_until_ms > now_ms ||
            !dm_watch_over(&sweeper->watch, &found->tenant, &found->file, claim->counter, claim->lease_until_ms,
                           DM_CLAIM_LEASE_MS, mono_ms))
            continue;
        enum dm_code rc = dm_claim_return(sweeper->pipeline, &found->tenant, &found->file, claim, DM_LOST, 0, err);
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}

/* Claims that were out when it was cancelled. Whoever still holds one learns at its next renewal that it is over, also where
 * all its pages wait for a provider that asked for patience. */
static enum dm_code drop_claims(const struct dm_pipeline *pipeline, const struct dm_found *found,
                                const struct dm_snapshot *snapshot, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    for (uint32_t i = 0; rc == DM_OK && i < snapshot->claim_count; i++)
        rc = dm_claim_return(pipeline, &found->tenant, &found->file, &snapshot->claims[i], DM_HANDED_BACK, 0, err);
    return rc;
}

/* What of it is the sweeper's; what else is due is an aggregator's. */
static enum dm_code sweep_document(struct sweeper *sweeper, const struct dm_found *found, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = sweeper->pipeline;
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_snapshot snapshot;
    enum dm_code rc =
        dm_store_read(pipeline->ports.store, &found->tenant, &found->file,
                      DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, &arena, &snapshot, err);
    if (rc != DM_OK)
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    int64_t now_ms = dm_wall_ms(pipeline->ports.runtime);
    const struct dm_state *state = &snapshot.state;
    bool due = state->due_ms && state->due_ms <= now_ms;
    bool work_due = snapshot.work.key == DM_WORK_DUE && snapshot.work.due_ms <= now_ms;
    if (snapshot.document.deleted_ms && due)
        return remove_document(pipeline, found, err);
    if (dm_status_is_final(state->status) && due) {
        rc = drop_claims(pipeline, found, &snapshot, err);
        if (rc == DM_OK)
            rc = dm_remove_orphans(pipeline, &found->tenant, &found->file, state, err);
        return rc == DM_OK ? expire(pipeline, found, state, &arena, err) : rc;
    }
    if (!work_due)
        return DM_OK;
    if (!dm_status_is_final(state->status)) {
        rc = return_expired(sweeper, found, &snapshot, now_ms, err);
        if (rc != DM_OK)
            return rc;
    }
    const struct dm_step step = { .parts = DM_PART_WORK | DM_PART_CLAIMS,
                                  .deleted_too = true,
                                  .decide = decide_reindex };
    rc = dm_step_run(pipeline, &found->tenant, &found->file, &step, &arena, NULL, err);
    return rc == DM_REFUSED ? DM_OK : rc;
}

/* True where there may be more that is due. Each look goes on where the last one ended, so that what cannot be mended now
 * keeps nothing behind it waiting. */
static bool sweep_some(struct sweeper *sweeper)
{
    struct dm_found found[SWEEP_AT_ONCE];
    uint32_t count = 0;
    struct dm_err err;
    const struct dm_ports *ports = &sweeper->pipeline->ports;
    enum dm_code rc =
        dm_operator_due(ports->op, dm_wall_ms(ports->runtime), &sweeper->due, SWEEP_AT_ONCE, found, &count, &err);
    if (rc != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "sweep"), dm_f_z("error", err.text));
    for (uint32_t i = 0; rc == DM_OK && i < count; i++)
        if (sweep_document(sweeper, &found[i], &err) != DM_OK)
            dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "sweep"), dm_f_z("file", found[i].file.id),
                   dm_f_z("error", err.text));
    bool more = rc == DM_OK && count == SWEEP_AT_ONCE;
    if (!more)
        sweeper->due = (struct dm_due_cursor){ 0 };
    return more;
}

/* The net below: whoever stands in no index is not found by the sweep. */
static void mend_some(struct sweeper *sweeper)
{
    struct dm_err err;
    if (dm_mend_stalled(sweeper->pipeline, &sweeper->stalled, &err) != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "mend"), dm_f_z("error", err.text));
    sweeper->mend_at_ms = dm_mono_ms(sweeper->pipeline->ports.runtime) + DM_MEND_EVERY_MS;
}

/* Settings change between one start and the next, and nobody else looks at what has ended and is not due. True where there is
 * more. */
static bool reschedule_some(struct sweeper *sweeper)
{
    const struct dm_pipeline *pipeline = sweeper->pipeline;
    struct dm_found found[SWEEP_AT_ONCE];
    uint32_t count = 0;
    struct dm_err err;
    bool keeps_all = !pipeline->retention_source_ms && !pipeline->retention_pages_ms && !pipeline->retention_results_ms;
    if (keeps_all || sweeper->rescheduled)
        return false;
    struct dm_found cursor = sweeper->ended;
    enum dm_code rc = dm_operator_ended(pipeline->ports.op, &cursor, SWEEP_AT_ONCE, found, &count, &err);
    for (uint32_t i = 0; rc == DM_OK && i < count; i++)
        rc = reschedule(pipeline, &found[i], &err);
    if (rc != DM_OK) { /* these once more, in the next round */
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "retention"), dm_f_z("error", err.text));
        return false;
    }
    sweeper->ended = cursor;
    sweeper->rescheduled = count < SWEEP_AT_ONCE;
    return true; /* some may be due at once */
}

void dm_worker_sweep(void *argument)
{
    struct dm_worker *worker = argument;
    struct sweeper sweeper = { .pipeline = &worker->pipeline };
    worker_lock(worker);
    while (!worker->closing) {
        worker_unlock(worker);
        bool more = sweep_some(&sweeper);
        if (worker_now(worker) >= sweeper.mend_at_ms)
            mend_some(&sweeper);
        more = reschedule_some(&sweeper) || more;
        worker_lock(worker);
        int64_t next_ms = worker_now(worker) + (more ? 0 : SWEEP_EVERY_MS);
        while (!worker->closing && worker_now(worker) < next_ms)
            worker_wait(worker, next_ms);
    }
    worker_unlock(worker);
}
