/* aggregate.c: when every page has ended, one result: the steps of one document.
 *
 * Whoever takes a document holds its lease; the lease's counter goes with every later write, so an aggregator that
 * overslept writes nothing. */
#include "aggregate.h"

#include "base/log.h"
#include "adopt.h"
#include "result.h"

enum { REDUCTION_MAX = 4 * 1024 * 1024, PUT_OFF_MS = 2000, AGAIN_MS = 1000 };

struct aggregating {
    struct dm_aggregator *aggregator;
    struct dm_str owner;
    const struct dm_found *found;
    struct dm_lease lease; /* as taken; counter 0: not yet */
    int64_t renewed_mono_ms;
    bool waiting; /* for the model */
    bool stored;  /* the reduction: what it cost stands beside it */
    uint64_t bytes;
    struct dm_usage usage;
    enum dm_reason reason;
};

/* Of a lease that was put off nobody is the owner: it only waits for its time. */
static bool owner_is_gone(const struct aggregating *aggregating, const struct dm_state *state)
{
    struct dm_aggregator *aggregator = aggregating->aggregator;
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    if (state->status != DM_STATUS_AGGREGATING || state->lease.owner[0] == '\0')
        return true;
    dm_lock(runtime, aggregator->monitor);
    bool over = dm_watch_over(&aggregator->watch, &aggregating->found->tenant, &aggregating->found->file,
                              state->lease.counter, state->lease.until_ms, DM_AGGREGATE_LEASE_MS, dm_mono_ms(runtime));
    dm_unlock(runtime, aggregator->monitor);
    return over;
}

static enum dm_code decide_take(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                struct dm_change *ret, struct dm_err *err)
{
    struct aggregating *aggregating = argument;
    if (!owner_is_gone(aggregating, &snapshot->state))
        return dm_fail(err, DM_REFUSED, "somebody else writes the result");
    enum dm_code rc = dm_ledger_take_result(context, &snapshot->state, aggregating->owner, ret, err);
    if (rc == DM_OK)
        aggregating->lease = ret->state.lease;
    return rc;
}

static enum dm_code decide_put_off(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                   struct dm_change *ret, struct dm_err *err)
{
    const struct aggregating *aggregating = argument;
    enum dm_code rc = dm_ledger_put_off_result(context, &snapshot->state, &aggregating->lease, PUT_OFF_MS, ret, err);
    /* A reduction that could not be kept is made again, and was paid for all the same. */
    if (rc == DM_OK && !aggregating->stored)
        dm_usage_add(&ret->state.usage, &aggregating->usage);
    return rc;
}

static enum dm_code decide_renew(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 struct dm_change *ret, struct dm_err *err)
{
    const struct aggregating *aggregating = argument;
    return dm_ledger_renew_result(context, &snapshot->state, &aggregating->lease, ret, err);
}

static bool is_closing(struct dm_aggregator *aggregator)
{
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    dm_lock(runtime, aggregator->monitor);
    bool closing = aggregator->closing;
    dm_unlock(runtime, aggregator->monitor);
    return closing;
}

/* A long document, or a slow model: the lease is renewed meanwhile. Whatever keeps it from being renewed may pass, until
 * somebody else has it. */
static enum dm_code keep_lease(void *context, struct dm_err *err)
{
    struct aggregating *aggregating = context;
    const struct dm_pipeline *pipeline = &aggregating->aggregator->pipeline;
    int64_t now_ms = dm_mono_ms(pipeline->ports.runtime);
    if (aggregating->waiting && is_closing(aggregating->aggregator))
        return dm_fail(err, DM_UNAVAILABLE, "docmill is stopping");
    if (now_ms - aggregating->renewed_mono_ms < DM_AGGREGATE_RENEW_MS)
        return DM_OK;
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .parts = 0, .decide = decide_renew, .argument = aggregating };
    enum dm_code rc =
        dm_step_run(pipeline, &aggregating->found->tenant, &aggregating->found->file, &step, &arena, NULL, err);
    if (rc == DM_OK)
        aggregating->renewed_mono_ms = now_ms;
    return rc == DM_REFUSED || rc == DM_NOT_FOUND ? rc : DM_OK;
}

static void wait_begins(void *context)
{
    struct aggregating *aggregating = context;
    aggregating->waiting = true;
    dm_aggregator_waits(aggregating->aggregator, true);
}

static void wait_ends(void *context)
{
    struct aggregating *aggregating = context;
    aggregating->waiting = false;
    dm_aggregator_waits(aggregating->aggregator, false);
}

/* A cancel came between: what the reduction cost is the document's all the same. */
static enum dm_code decide_late_usage(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                      struct dm_change *ret, struct dm_err *err)
{
    const struct aggregating *aggregating = argument;
    (void)context;
    if (snapshot->state.status != DM_STATUS_CANCELLED)
        return dm_fail(err, DM_REFUSED, "whoever writes the result accounts for it");
    dm_ledger_add_usage(&snapshot->state, &aggregating->usage, ret);
    return DM_OK;
}

static enum dm_code decide_kept(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                struct dm_change *ret, struct dm_err *err)
{
    const struct aggregating *aggregating = argument;
    return dm_ledger_result_kept(context, &snapshot->state, &aggregating->lease, aggregating->bytes,
                                 &aggregating->usage, ret, err);
}

static enum dm_code decide_no_result(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                     struct dm_change *ret, struct dm_err *err)
{
    const struct aggregating *aggregating = argument;
    if (!dm_ledger_result_held(&snapshot->state, &aggregating->lease))
        return dm_fail(err, DM_REFUSED, "the result is no longer this process's to write");
    DM_AUTO(dm_buf) detail = dm_buf_make(DM_DETAIL_MAX);
    if (aggregating->reason == DM_REASON_INTERNAL)
        dm_buf_add_z(&detail, "the result could not be written");
    else
        dm_buf_addf(&detail, "none of its pages could be read: %s", dm_reason_meaning(aggregating->reason));
    return dm_ledger_fail(context, snapshot, NULL, aggregating->reason, dm_buf_str(&detail), ret, err);
}

/* The reason of the first failed page stands for a document of which no page is done. */
static enum dm_code first_reason(const struct dm_pipeline *pipeline, const struct dm_found *found,
                                 const struct dm_snapshot *snapshot, enum dm_reason *ret, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_page_list pages;
    enum dm_code rc = dm_store_pages(pipeline->ports.store, &found->tenant, &found->file, 1, snapshot->state.total, 1,
                                     &arena, &pages, err);
    if (rc == DM_OK)
        *ret = pages.count ? pages.at[0].reason : DM_REASON_INTERNAL;
    return rc;
}

static enum dm_code write_result(const struct dm_found *found, const struct dm_snapshot *snapshot,
                                 struct aggregating *aggregating, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = &aggregating->aggregator->pipeline;
    const struct dm_keep keep = { keep_lease, wait_begins, wait_ends, aggregating };
    struct dm_result_source source = {
        .pipeline = pipeline, .tenant = &found->tenant, .file = &found->file, .snapshot = snapshot, .keep = &keep
    };
    DM_AUTO(dm_buf) reduction = dm_buf_make(REDUCTION_MAX);
    enum dm_code rc = dm_result_reduce(&source, &reduction, &aggregating->usage, err);
    if (rc != DM_OK)
        return rc;
    aggregating->stored = true;
    source.reduction = dm_buf_str(&reduction);
    const struct dm_blob_key key = dm_key_results(&found->file, snapshot->state.epoch, ".json");
    return dm_result_write(&source, DM_RESULT_JSON, dm_str_z(key.text), DM_KEPT, &aggregating->bytes, err);
}

static enum dm_code end_document(const struct dm_found *found, const struct dm_snapshot *snapshot,
                                 struct aggregating *aggregating, struct dm_arena *arena, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = &aggregating->aggregator->pipeline;
    struct dm_step step = { .parts = DM_PART_WORK, .argument = aggregating };
    enum dm_code rc = DM_OK;
    if (snapshot->state.processed == 0)
        rc = first_reason(pipeline, found, snapshot, &aggregating->reason, err);
    else if (snapshot->state.aggregations > DM_AGGREGATIONS_MAX)
        aggregating->reason = DM_REASON_INTERNAL;
    else
        rc = write_result(found, snapshot, aggregating, err);
    /* No page can be claimed any more: a segment that no record names by now never will be. */
    if (rc == DM_OK && aggregating->reason == DM_REASON_NONE)
        rc = dm_remove_orphans(pipeline, &found->tenant, &found->file, &snapshot->state, err);
    if (rc != DM_OK)
        return rc;
    step.decide = aggregating->reason == DM_REASON_NONE ? decide_kept : decide_no_result;
    struct dm_state state;
    rc = dm_step_run(pipeline, &found->tenant, &found->file, &step, arena, &state, err);
    if (rc != DM_OK)
        return rc;
    if (state.status == DM_STATUS_COMPLETED)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_COMPLETED, dm_f_z("tenant", found->tenant.id),
               dm_f_z("file", found->file.id), dm_f_int("processed", state.processed), dm_f_int("failed", state.failed),
               dm_f_int("ms", state.completed_ms - state.uploaded_ms));
    else
        dm_log(DM_LOG_WARN, DM_EV_DOCUMENT_FAILED, dm_f_z("tenant", found->tenant.id), dm_f_z("file", found->file.id),
               dm_f_z("reason", dm_reason_text(state.reason)));
    return DM_OK;
}

/* What may pass by itself does not use up the attempts. Where not even that can be written down, as on a full disk, it is
 * tried for as long as the lease lives: it would keep everybody waiting, and at its end it would count as an attempt. */
static void put_off(struct dm_aggregator *aggregator, const struct dm_found *found, struct aggregating *aggregating)
{
    const struct dm_pipeline *pipeline = &aggregator->pipeline;
    struct dm_runtime runtime = pipeline->ports.runtime;
    const struct dm_step step = { .parts = 0, .decide = decide_put_off, .argument = aggregating };
    int64_t end_ms = dm_mono_ms(runtime) + DM_AGGREGATE_LEASE_MS;
    for (;;) {
        DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
        struct dm_err err;
        enum dm_code rc = dm_step_run(pipeline, &found->tenant, &found->file, &step, &arena, NULL, &err);
        if (rc == DM_OK || dm_code_retry(rc) != DM_RETRY_LATER)
            return;
        dm_sleep_until(runtime, dm_mono_ms(runtime) + AGAIN_MS);
        if (is_closing(aggregator) || dm_mono_ms(runtime) >= end_ms)
            return;
    }
}

static void account_late(struct aggregating *aggregating)
{
    const struct dm_found *found = aggregating->found;
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .deleted_too = true, .decide = decide_late_usage, .argument = aggregating };
    struct dm_err err;
    enum dm_code rc =
        dm_step_run(&aggregating->aggregator->pipeline, &found->tenant, &found->file, &step, &arena, NULL, &err);
    if (rc != DM_OK && rc != DM_REFUSED && rc != DM_NOT_FOUND)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "usage"), dm_f_z("file", found->file.id),
               dm_f_z("error", err.text));
}

void dm_aggregate(struct dm_aggregate_task *task, const struct dm_found *found)
{
    struct dm_aggregator *aggregator = task->aggregator;
    const struct dm_pipeline *pipeline = &aggregator->pipeline;
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct aggregating aggregating = { .aggregator = aggregator,
                                       .owner = dm_str_z(task->owner),
                                       .found = found,
                                       .renewed_mono_ms = dm_mono_ms(pipeline->ports.runtime) };
    const struct dm_step take = { .parts = DM_PART_WORK, .decide = decide_take, .argument = &aggregating };
    struct dm_snapshot snapshot;
    struct dm_state state;
    struct dm_err err;
    enum dm_code rc = dm_step_run(pipeline, &found->tenant, &found->file, &take, &arena, &state, &err);
    if (rc == DM_OK)
        rc = dm_document_read(pipeline, &found->tenant, &found->file, DM_PART_STATE | DM_PART_WORK, &arena, &snapshot,
                              &err);
    if (rc == DM_OK)
        rc = end_document(found, &snapshot, &aggregating, &arena, &err);
    /* Somebody else has it, or it was cancelled: nothing to say.  */
    if (rc == DM_OK || rc == DM_REFUSED || rc == DM_NOT_FOUND) {
        if (rc != DM_OK && aggregating.usage.model_calls > 0)
            account_late(&aggregating);
        return;
    }
    dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "aggregate"), dm_f_z("file", found->file.id),
           dm_f_z("error", err.text));
    if (aggregating.lease.counter && dm_code_retry(rc) == DM_RETRY_LATER)
        put_off(aggregator, found, &aggregating);
}
