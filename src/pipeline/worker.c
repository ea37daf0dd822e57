/* worker.c: starting and stopping a worker's tasks. */
#include "worker.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"

static void start_task(struct dm_worker *worker, const char *name, dm_task_function *function, struct dm_task **ret,
                       enum dm_code *rc, struct dm_err *err)
{
    if (*rc == DM_OK)
        *rc = dm_spawn(worker->pipeline.ports.runtime, name, function, worker, ret, err);
}

static void end_tasks(struct dm_worker *worker)
{
    struct dm_runtime runtime = worker->pipeline.ports.runtime;
    worker_lock(worker);
    worker->stopping = true;
    worker->closing = true;
    worker_wake(worker);
    worker_unlock(worker);
    dm_limiter_poke(worker->pipeline.limiter);
    dm_stream_wake(worker->pipeline.ports.stream);
    struct dm_task *const single[] = { worker->dispatch, worker->keep, worker->sweep };
    for (size_t i = 0; i < DM_COUNT(single); i++)
        if (single[i])
            dm_join(runtime, single[i]);
    for (uint32_t i = 0; i < worker->reader_count; i++)
        dm_join(runtime, worker->readers[i]);
    for (uint32_t i = 0; i < worker->caller_count; i++)
        dm_join(runtime, worker->callers[i]);
    for (uint32_t i = 0; i < worker->committer_count; i++)
        dm_join(runtime, worker->committers[i]);
}

enum dm_code dm_worker_start(const struct dm_pipeline *pipeline, const struct dm_worker_options *options,
                             struct dm_worker **ret, struct dm_err *err)
{
    DM_CHECK(options->readers >= 1 && options->readers <= DM_READERS_MAX && options->pages_in_flight >= 1 &&
             options->document_pages >= 1 && options->tenant_pages >= 1 && pipeline->limiter);
    struct dm_worker *worker = dm_alloc_zero(1, sizeof(*worker));
    if (!worker)
        return dm_fail_memory(err);
    worker->pipeline = *pipeline;
    worker->options = *options;
    worker->look = true; /* what the process before left is found at once */
    char id[DM_ID_TEXT];
    dm_fresh_id(pipeline->ports.runtime, id);
    snprintf(worker->owner, sizeof(worker->owner), "w-%s", id);
    enum dm_code rc = dm_monitor_make(pipeline->ports.runtime, &worker->monitor, err);
    if (rc != DM_OK) {
        dm_free(worker);
        return rc;
    }
    start_task(worker, "dispatch", dm_worker_dispatch, &worker->dispatch, &rc, err);
    start_task(worker, "keep", dm_worker_keep, &worker->keep, &rc, err);
    start_task(worker, "sweep", dm_worker_sweep, &worker->sweep, &rc, err);
    for (uint32_t i = 0; rc == DM_OK && i < options->readers; i++) {
        start_task(worker, "read", dm_worker_read, &worker->readers[i], &rc, err);
        worker->reader_count += rc == DM_OK;
    }
    for (uint32_t i = 0; rc == DM_OK && i < DM_CALLERS; i++) {
        start_task(worker, "call", dm_worker_call, &worker->callers[i], &rc, err);
        worker->caller_count += rc == DM_OK;
    }
    for (uint32_t i = 0; rc == DM_OK && i < DM_COMMITTERS; i++) {
        start_task(worker, "commit", dm_worker_commit, &worker->committers[i], &rc, err);
        worker->committer_count += rc == DM_OK;
    }
    if (rc != DM_OK) {
        end_tasks(worker);
        dm_monitor_free(pipeline->ports.runtime, worker->monitor);
        dm_free(worker);
        return rc;
    }
    *ret = worker;
    return DM_OK;
}

/* Pages that only wait: nobody is reading them, is asked about them or has answered them. */
static uint32_t waiting_pages(const struct dm_worker *worker)
{
    uint32_t waiting = 0;
    for (const struct dm_active *document = worker->documents; document; document = document->next)
        waiting += document->queued + document->ready_count;
    return waiting;
}

/* Gives back what is still held, after every task has ended. */
static void hand_back(struct dm_worker *worker)
{
    for (struct dm_active *document = worker->documents; document; document = document->next) {
        for (struct dm_holding *holding = document->holdings; holding; holding = holding->next) {
            struct dm_err err;
            if (holding->lost || document->over)
                continue;
            /* What fails here runs out by itself and is counted as lost. */
            if (dm_claim_return(&worker->pipeline, &document->tenant, &document->file, &holding->claim, DM_HANDED_BACK,
                                0, &err) != DM_OK)
                dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "drain"), dm_f_z("file", document->file.id),
                       dm_f_z("error", err.text));
        }
    }
}

/* Drops everything that is still in hand. */
static void drop_all(struct dm_worker *worker)
{
    worker_lock(worker);
    while (worker->documents) {
        struct dm_active *document = worker->documents;
        document->over = true;
        int64_t until_ms = DM_FOREVER;
        struct dm_page_task *task = dm_active_pop_queued(document, DM_FOREVER, &until_ms);
        if (!task)
            task = dm_active_pop_ready(document, DM_FOREVER, &until_ms);
        if (!task) {
            struct dm_holding *holding = document->holdings;
            while (holding && !holding->ended)
                holding = holding->next;
            if (!holding) {
                DM_CHECK(!document->holdings);
                dm_active_account_late(worker, document);
                continue;
            }
            task = holding->ended;
            holding->ended = task->next;
            if (!holding->ended)
                holding->ended_end = &holding->ended;
            holding->ended_count--;
        }
        dm_page_task_leave(task);
    }
    worker_unlock(worker);
}

void dm_worker_stop(struct dm_worker *worker, int64_t deadline_mono_ms)
{
    if (!worker)
        return;
    worker_lock(worker);
    worker->stopping = true;
    worker_wake(worker);
    while (worker->in_flight > waiting_pages(worker) && worker_now(worker) < deadline_mono_ms)
        worker_wait(worker, deadline_mono_ms);
    bool late = worker->in_flight > waiting_pages(worker);
    worker->silent = true; /* a page that comes now is handed back */
    worker_unlock(worker);
    if (late) { /* a page that hangs its helper would hold us, and so would a call that hangs */
        dm_reader_interrupt(worker->pipeline.ports.reader);
        dm_model_interrupt(worker->pipeline.ports.model);
    }
    worker_lock(worker);
    /* A call under way holds its page. */
    while (worker->calls > 0)
        worker_wait(worker, DM_FOREVER);
    worker_unlock(worker);
    end_tasks(worker);
    hand_back(worker);
    drop_all(worker);
    dm_monitor_free(worker->pipeline.ports.runtime, worker->monitor);
    dm_free(worker);
}
