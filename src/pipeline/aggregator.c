/* aggregator.c: the tasks that write results, and how they find what is to be done.
 *
 * The hub says at once which documents are ready; the due index says it again whenever that was missed. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "aggregate.h"

enum { DUE_EVERY_MS = 1000, DUE_AT_ONCE = DM_AGGREGATE_READY_MAX / 2, IDLE_MOST_MS = 30000 };

/* ---- tasks ---- */

static void run(void *argument);

/* In a free place, of which there must be one. With the lock held. */
static enum dm_code start_task(struct dm_aggregator *aggregator, struct dm_err *err)
{
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    struct dm_aggregate_task *task = aggregator->tasks;
    while (task->task && !task->over)
        task++;
    if (task->task)
        dm_join(runtime, task->task); /* all that it had left to do was to give up the lock */
    char id[DM_ID_TEXT];
    dm_fresh_id(runtime, id);
    snprintf(task->owner, sizeof(task->owner), "a-%s", id);
    task->aggregator = aggregator;
    task->over = false;
    task->task = NULL;
    enum dm_code rc = dm_spawn(runtime, "aggregate", run, task, &task->task, err);
    aggregator->running += rc == DM_OK;
    return rc;
}

/* Whether one more is wanted: for what is ready, or to look for what is due while all others wait. With the lock held. */
static bool wants_task(const struct dm_aggregator *aggregator)
{
    if (aggregator->closing || aggregator->running == DM_AGGREGATE_TASKS_MAX)
        return false;
    uint32_t free_hands = aggregator->running - aggregator->waiting;
    return free_hands == 0 || (aggregator->ready_count > 0 && aggregator->idle == 0 && free_hands < DM_AGGREGATE_TASKS);
}

/* Where none can be started, what is ready waits for one of those that there are. */
static void start_wanted(struct dm_aggregator *aggregator)
{
    struct dm_err err;
    if (wants_task(aggregator) && start_task(aggregator, &err) != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "aggregate"), dm_f_z("error", err.text));
}

void dm_aggregator_waits(struct dm_aggregator *aggregator, bool begins)
{
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    dm_lock(runtime, aggregator->monitor);
    if (begins) {
        aggregator->waiting++;
        start_wanted(aggregator);
    } else {
        aggregator->waiting--;
    }
    dm_unlock(runtime, aggregator->monitor);
}

/* ---- finding documents ---- */

/* With the lock held and room in the ring. */
static void add_ready(struct dm_aggregator *aggregator, const struct dm_tenant *tenant, const struct dm_file *file)
{
    uint32_t at = (aggregator->ready_at + aggregator->ready_count++) % DM_AGGREGATE_READY_MAX;
    aggregator->ready[at] = (struct dm_found){ *tenant, *file };
    dm_wake_one(aggregator->pipeline.ports.runtime, aggregator->monitor);
    start_wanted(aggregator);
}

static void document_moved(void *context, const struct dm_tenant *tenant, const struct dm_file *file,
                           const struct dm_state *state)
{
    struct dm_aggregator *aggregator = context;
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    if (state->status != DM_STATUS_PROCESSING || state->remaining > 0)
        return;
    dm_lock(runtime, aggregator->monitor);
    if (aggregator->ready_count < DM_AGGREGATE_READY_MAX)
        add_ready(aggregator, tenant, file);
    dm_unlock(runtime, aggregator->monitor);
}

/* Only documents whose result is due: what else is due is the sweeper's. Each look goes on where the last one ended, so
 * that nothing at the head of the list keeps what is behind it from being seen. Lock held on entry and return; the ring
 * is empty, and half of it stays free for those that the hub tells of meanwhile. */
static void look_for_due(struct dm_aggregator *aggregator)
{
    const struct dm_ports *ports = &aggregator->pipeline.ports;
    struct dm_found found[DUE_AT_ONCE];
    uint32_t count = 0;
    struct dm_err err;
    aggregator->looking = true;
    dm_unlock(ports->runtime, aggregator->monitor);
    enum dm_code rc =
        dm_operator_due(ports->op, dm_wall_ms(ports->runtime), &aggregator->due, DUE_AT_ONCE, found, &count, &err);
    if (rc != DM_OK)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "aggregate"), dm_f_z("error", err.text));
    dm_lock(ports->runtime, aggregator->monitor);
    if (rc == DM_OK && count < DUE_AT_ONCE)
        aggregator->due = (struct dm_due_cursor){ 0 };
    for (uint32_t i = 0; rc == DM_OK && i < count && aggregator->ready_count < DM_AGGREGATE_READY_MAX; i++)
        add_ready(aggregator, &found[i].tenant, &found[i].file);
    aggregator->looking = false;
    aggregator->look_at_ms = dm_mono_ms(ports->runtime) + DUE_EVERY_MS;
}

/* ---- what each task does ---- */

/* Lock held on entry and return. */
static void end_next(struct dm_aggregate_task *task)
{
    struct dm_aggregator *aggregator = task->aggregator;
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    struct dm_found found = aggregator->ready[aggregator->ready_at];
    aggregator->ready_at = (aggregator->ready_at + 1) % DM_AGGREGATE_READY_MAX;
    aggregator->ready_count--;
    dm_unlock(runtime, aggregator->monitor);
    dm_aggregate(task, &found);
    dm_lock(runtime, aggregator->monitor);
}

static void run(void *argument)
{
    struct dm_aggregate_task *task = argument;
    struct dm_aggregator *aggregator = task->aggregator;
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    dm_lock(runtime, aggregator->monitor);
    int64_t busy_ms = dm_mono_ms(runtime); /* when it was last */
    while (!aggregator->closing) {
        int64_t now_ms = dm_mono_ms(runtime);
        if (aggregator->ready_count > 0) {
            end_next(task);
            busy_ms = dm_mono_ms(runtime);
        } else if (!aggregator->looking && now_ms >= aggregator->look_at_ms) {
            look_for_due(aggregator);
        } else if (now_ms - busy_ms >= IDLE_MOST_MS && aggregator->running - aggregator->waiting > DM_AGGREGATE_TASKS) {
            break;
        } else {
            /* Not for longer, where another one looks: it may be busy by then. */
            int64_t until_ms = aggregator->looking ? now_ms + DUE_EVERY_MS : aggregator->look_at_ms;
            aggregator->idle++;
            dm_wait_until(runtime, aggregator->monitor, until_ms);
            aggregator->idle--;
        }
    }
    task->over = true;
    aggregator->running--;
    dm_unlock(runtime, aggregator->monitor);
}

/* ---- the role ---- */

enum dm_code dm_aggregator_start(const struct dm_pipeline *pipeline, struct dm_aggregator **ret, struct dm_err *err)
{
    struct dm_aggregator *aggregator = dm_alloc_zero(1, sizeof(*aggregator));
    if (!aggregator)
        return dm_fail_memory(err);
    aggregator->pipeline = *pipeline;
    enum dm_code rc = dm_monitor_make(pipeline->ports.runtime, &aggregator->monitor, err);
    if (rc != DM_OK) {
        dm_free(aggregator);
        return rc;
    }
    rc = dm_hub_listen(pipeline->hub, document_moved, aggregator, err);
    dm_lock(pipeline->ports.runtime, aggregator->monitor);
    while (rc == DM_OK && aggregator->running < DM_AGGREGATE_TASKS)
        rc = start_task(aggregator, err);
    dm_unlock(pipeline->ports.runtime, aggregator->monitor);
    if (rc != DM_OK) {
        dm_aggregator_stop(aggregator);
        return rc;
    }
    *ret = aggregator;
    return DM_OK;
}

void dm_aggregator_stop(struct dm_aggregator *aggregator)
{
    if (!aggregator)
        return;
    struct dm_runtime runtime = aggregator->pipeline.ports.runtime;
    dm_hub_forget(aggregator->pipeline.hub, document_moved, aggregator);
    dm_lock(runtime, aggregator->monitor);
    aggregator->closing = true;
    dm_wake_all(runtime, aggregator->monitor);
    dm_unlock(runtime, aggregator->monitor);
    for (uint32_t i = 0; i < DM_AGGREGATE_TASKS_MAX; i++)
        if (aggregator->tasks[i].task)
            dm_join(runtime, aggregator->tasks[i].task);
    dm_monitor_free(runtime, aggregator->monitor);
    dm_free(aggregator);
}
