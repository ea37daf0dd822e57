/* operate.c: what an operator asks: which documents do not get on and why, to put them back at once, to pause.
 *
 * Nothing here knows more than any other stage: it reads a document's records, lets the ledger decide, and writes in one
 * transaction. So an operator may be wrong about what is stuck and costs time at worst. */
#include "operate.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "worker.h"

enum { STUCK_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, PAUSES_A_READ = 64 };

/* ---- what does not get on ---- */

/* Which of the documents found still has not got on; false: it has, or it is gone. */
static enum dm_code look_at(const struct dm_pipeline *pipeline, const struct dm_found *found, int64_t before_ms,
                            struct dm_arena *arena, struct dm_stuck *ret, bool *ret_stuck, struct dm_err *err)
{
    struct dm_snapshot snapshot;
    enum dm_code rc =
        dm_store_read(pipeline->ports.store, &found->tenant, &found->file, STUCK_PARTS, arena, &snapshot, err);
    *ret_stuck = false;
    if (rc != DM_OK)
        return rc == DM_NOT_FOUND ? DM_OK : rc;
    if (dm_status_is_final(snapshot.state.status) || snapshot.state.progress_ms >= before_ms)
        return DM_OK;
    *ret = (struct dm_stuck){ .found = *found,
                              .document = snapshot.document,
                              .state = snapshot.state,
                              .waiting = dm_ledger_waiting(&snapshot, dm_wall_ms(pipeline->ports.runtime)),
                              .claims = snapshot.claim_count };
    rc = dm_operator_paused(pipeline->ports.op, &found->tenant, &ret->paused, err);
    *ret_stuck = rc == DM_OK;
    return rc;
}

enum dm_code dm_stuck_list(const struct dm_pipeline *pipeline, int64_t older_than_ms, struct dm_stalled_cursor *cursor,
                           uint32_t max, struct dm_arena *arena, struct dm_stuck_documents *ret, struct dm_err *err)
{
    int64_t before_ms = dm_wall_ms(pipeline->ports.runtime) - older_than_ms;
    struct dm_found *found = dm_arena_array(arena, max, sizeof(*found));
    struct dm_stuck *stuck = dm_arena_array(arena, max, sizeof(*stuck));
    if (!found || !stuck)
        return dm_fail_memory(err);
    struct dm_stalled_cursor at = *cursor;
    uint32_t count = 0;
    uint32_t kept = 0;
    enum dm_code rc = dm_operator_stalled(pipeline->ports.op, before_ms, &at, max, found, &count, err);
    for (uint32_t i = 0; rc == DM_OK && i < count; i++) {
        bool is_stuck = false;
        rc = look_at(pipeline, &found[i], before_ms, arena, &stuck[kept], &is_stuck, err);
        kept += is_stuck;
    }
    if (rc != DM_OK)
        return rc;
    *cursor = at;
    *ret = (struct dm_stuck_documents){ stuck, kept, count == max };
    return DM_OK;
}

/* ---- put back at once ---- */

struct redriving {
    struct dm_let_go let_go;
};

static enum dm_code decide_redrive(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                   struct dm_change *ret, struct dm_err *err)
{
    struct redriving *redriving = argument;
    return dm_ledger_redrive(context, snapshot, ret, &redriving->let_go, err);
}

/* Its claims one by one, then whatever else it waits for. A claim whose owner is alive is given back as well: it is known by
 * now that the owner does not get on. */
static enum dm_code let_go(const struct dm_pipeline *pipeline, const struct dm_found *found,
                           const struct dm_snapshot *snapshot, struct dm_redriven *ret, struct dm_err *err)
{
    for (uint32_t i = 0; i < snapshot->claim_count; i++) {
        enum dm_code rc =
            dm_claim_return(pipeline, &found->tenant, &found->file, &snapshot->claims[i], DM_HANDED_BACK, 0, err);
        if (rc != DM_OK)
            return rc;
        ret->claims++;
    }
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct redriving redriving = { 0 };
    const struct dm_step step = { .parts = DM_PART_WORK | DM_PART_CLAIMS,
                                  .decide = decide_redrive,
                                  .argument = &redriving };
    enum dm_code rc = dm_step_run(pipeline, &found->tenant, &found->file, &step, &arena, NULL, err);
    if (rc != DM_OK && rc != DM_NOT_FOUND)
        return rc;
    if (rc == DM_OK) {
        ret->pages = redriving.let_go.pages;
        ret->lease = redriving.let_go.lease;
        ret->mended = redriving.let_go.mended;
    }
    ret->what = ret->claims || rc == DM_OK ? DM_REDRIVEN_LET_GO : DM_REDRIVEN_WAITS;
    return DM_OK;
}

static enum dm_code retry(const struct dm_pipeline *pipeline, const struct dm_found *found, struct dm_redriven *ret,
                          struct dm_err *err)
{
    enum dm_code rc = dm_document_retry(pipeline, &found->tenant, &found->file, (struct dm_ranges){ .count = 0 }, err);
    if (rc == DM_OK)
        ret->what = DM_REDRIVEN_RETRIED;
    return rc;
}

enum dm_code dm_document_redrive(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                 const struct dm_file *file, int64_t older_than_ms, struct dm_redriven *ret,
                                 struct dm_err *err)
{
    const struct dm_found found = { *tenant, *file };
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_snapshot snapshot;
    enum dm_code rc = dm_document_read(pipeline, tenant, file, STUCK_PARTS, &arena, &snapshot, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_state *state = &snapshot.state;
    struct dm_redriven redriven = { .what = DM_REDRIVEN_ENDED,
                                    .reason = state->reason,
                                    .still_ms = dm_wall_ms(pipeline->ports.runtime) - state->progress_ms };
    if (state->status == DM_STATUS_FAILED && dm_reason_is_ours(state->reason))
        rc = retry(pipeline, &found, &redriven, err);
    else if (!dm_status_is_final(state->status) && redriven.still_ms < older_than_ms)
        redriven.what = DM_REDRIVEN_MOVES;
    else if (!dm_status_is_final(state->status))
        rc = let_go(pipeline, &found, &snapshot, &redriven, err);
    /* It may have ended while it was looked at. */
    if (rc == DM_REFUSED)
        rc = DM_OK;
    DM_AUTO(dm_arena) after = dm_arena_make(DM_STEP_ARENA_MAX);
    if (rc == DM_OK)
        rc = dm_document_read(pipeline, tenant, file, DM_PART_STATE, &after, &snapshot, err);
    if (rc != DM_OK)
        return rc;
    redriven.status = snapshot.state.status;
    if (redriven.what == DM_REDRIVEN_LET_GO || redriven.what == DM_REDRIVEN_RETRIED)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_REDRIVEN, dm_f_z("tenant", tenant->id), dm_f_z("file", file->id),
               dm_f_z("what", dm_redriven_text(redriven.what)), dm_f_int("claims", redriven.claims),
               dm_f_int("pages", redriven.pages));
    dm_hint(pipeline, tenant, file);
    *ret = redriven;
    return DM_OK;
}

/* ---- pause ---- */

enum dm_code dm_work_pause(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, struct dm_err *err)
{
    enum dm_code rc = dm_operator_pause(pipeline->ports.op, tenant, dm_wall_ms(pipeline->ports.runtime), err);
    if (rc == DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_WORK_PAUSED, dm_f_z("tenant", tenant ? tenant->id : "*"));
    return rc;
}

/* Workers look again now instead of within a second. Where that fails they do so by themselves. */
static void hint_ready(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant)
{
    struct dm_tenant first;
    struct dm_found found;
    uint32_t count = 1;
    struct dm_err ignored;
    if (!tenant &&
        (dm_operator_ready_tenants(pipeline->ports.op, NULL, 1, &first, &count, &ignored) != DM_OK || count == 0))
        return;
    if (dm_operator_ready(pipeline->ports.op, tenant ? tenant : &first, 1, &found, &count, &ignored) == DM_OK && count)
        dm_hint(pipeline, &found.tenant, &found.file);
}

enum dm_code dm_work_resume(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, struct dm_err *err)
{
    enum dm_code rc = dm_operator_resume(pipeline->ports.op, tenant, err);
    if (rc == DM_OK)
        dm_log(DM_LOG_INFO, DM_EV_WORK_RESUMED, dm_f_z("tenant", tenant ? tenant->id : "*"));
    if (rc == DM_OK)
        hint_ready(pipeline, tenant);
    return rc;
}

enum dm_code dm_work_pauses(const struct dm_pipeline *pipeline, uint32_t max, struct dm_arena *arena,
                            struct dm_pauses *ret, struct dm_err *err)
{
    struct dm_pause *at = dm_arena_array(arena, max, sizeof(*at));
    uint32_t count = 0;
    if (!at)
        return dm_fail_memory(err);
    enum dm_code rc = dm_operator_pauses(pipeline->ports.op, NULL, max, at, &count, err);
    if (rc == DM_OK)
        *ret = (struct dm_pauses){ at, count };
    return rc;
}

bool dm_work_is_paused(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant)
{
    bool paused = false;
    struct dm_err err;
    if (dm_operator_paused(pipeline->ports.op, tenant, &paused, &err) == DM_OK)
        return paused;
    dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "pause"), dm_f_z("error", err.text));
    return true;
}

/* ---- documents that no index has ---- */

static enum dm_code decide_mend(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                struct dm_change *ret, struct dm_err *err)
{
    (void)argument;
    if (dm_ledger_mend(context, snapshot, ret))
        return DM_OK;
    return dm_fail(err, DM_REFUSED, "the document stands where it must");
}

enum dm_code dm_mend_stalled(const struct dm_pipeline *pipeline, struct dm_stalled_cursor *cursor, struct dm_err *err)
{
    struct dm_found found[DM_MEND_AT_ONCE];
    uint32_t count = 0;
    int64_t before_ms = dm_wall_ms(pipeline->ports.runtime) - DM_STALLED_MS;
    enum dm_code rc = dm_operator_stalled(pipeline->ports.op, before_ms, cursor, DM_COUNT(found), found, &count, err);
    if (rc != DM_OK)
        return rc;
    if (count < DM_COUNT(found))
        *cursor = (struct dm_stalled_cursor){ 0 };
    for (uint32_t i = 0; i < count; i++) {
        DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
        const struct dm_step step = { .parts = DM_PART_WORK | DM_PART_CLAIMS, .decide = decide_mend };
        rc = dm_step_run(pipeline, &found[i].tenant, &found[i].file, &step, &arena, NULL, err);
        if (rc == DM_OK) {
            dm_log(DM_LOG_WARN, DM_EV_DOCUMENT_REDRIVEN, dm_f_z("tenant", found[i].tenant.id),
                   dm_f_z("file", found[i].file.id), dm_f_z("what", "mended"));
            dm_hint(pipeline, &found[i].tenant, &found[i].file);
        } else if (rc != DM_REFUSED && rc != DM_NOT_FOUND && rc != DM_CONFLICT) {
            return rc;
        }
    }
    return DM_OK;
}
