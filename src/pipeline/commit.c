/* commit.c: the tasks that end pages.
 *
 * Fates of pages wait for company, and a batch of one claim's pages goes out together: first
 * its segment, then one transaction. One commit of a document at a time: the version of STATE that the last one wrote
 * is the one that the next replaces, so no read is needed between them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "segment.h"
#include "worker.h"

enum { AGAIN_MS = 1000 };

/* ---- batches ---- */

struct batch {
    struct dm_worker *worker;
    struct dm_active *document;
    struct dm_holding *holding;
    struct dm_claim claim; /* the holding's, as it was: renewals go on meanwhile */
    struct dm_page_task *tasks[DM_CLAIM_PAGES_MAX];
    struct dm_page pages[DM_CLAIM_PAGES_MAX];
    uint32_t count;
    bool last; /* the claim's last pages */
    struct dm_blob_key segment;
};

static uint32_t ended_pages(const struct dm_active *document)
{
    uint32_t ended = 0;
    for (const struct dm_holding *holding = document->holdings; holding; holding = holding->next)
        ended += holding->ended_count;
    return ended;
}

static bool ripe(const struct dm_holding *holding, int64_t now_ms, int64_t *until_ms)
{
    const struct dm_active *document = holding->document;
    if (holding->ended_count == 0 || document->committing)
        return false;
    int64_t at_ms = holding->ended_since_ms + DM_COMMIT_WAIT_MS;
    if (holding->ended->worker->stopping || holding->lost || document->over || holding->ended_count == holding->left ||
        holding->ended_count >= DM_CLAIM_PAGES_MAX || ended_pages(document) == document->in_flight)
        at_ms = now_ms;
    if (at_ms < document->commit_not_before_ms)
        at_ms = document->commit_not_before_ms;
    if (at_ms > now_ms && at_ms < *until_ms)
        *until_ms = at_ms;
    return at_ms <= now_ms;
}

static struct dm_holding *find_ripe(struct dm_worker *worker, int64_t *until_ms)
{
    int64_t now_ms = worker_now(worker);
    for (struct dm_active *document = worker->documents; document; document = document->next)
        for (struct dm_holding *holding = document->holdings; holding; holding = holding->next)
            if (ripe(holding, now_ms, until_ms))
                return holding;
    return NULL;
}

static void take_batch(struct dm_holding *holding, struct batch *batch)
{
    *batch = (struct batch){
        .worker = holding->ended->worker, .document = holding->document, .holding = holding, .claim = holding->claim
    };
    while (holding->ended && batch->count < DM_CLAIM_PAGES_MAX) {
        struct dm_page_task *task = holding->ended;
        holding->ended = task->next;
        task->next = NULL;
        holding->ended_count--;
        batch->tasks[batch->count++] = task;
    }
    if (!holding->ended)
        holding->ended_end = &holding->ended;
    batch->last = batch->count == holding->left;
    batch->document->committing = true;
}

static void put_back(struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        dm_page_task_ended(batch->tasks[i]);
}

/* The segment is there: whenever the pages are committed, they name this one. However often a commit must be tried, its
 * answers are written once. Lock held. */
static void note_segment(struct batch *batch)
{
    struct dm_str segment = { 0 };
    for (uint32_t i = 0; i < batch->count; i++) {
        struct dm_page_task *task = batch->tasks[i];
        if (task->kept_segment.len || batch->pages[i].length == 0)
            continue;
        if (!segment.at)
            segment = dm_arena_str(&batch->document->arena, dm_str_z(batch->segment.text));
        if (!segment.at)
            return; /* no memory to note it: it will be written again */
        task->kept_segment = segment;
        task->kept_offset = batch->pages[i].offset;
        task->kept_length = batch->pages[i].length;
    }
}

/* ---- writing (without the lock) ---- */

static enum dm_code write_segment(struct batch *batch, struct dm_arena *arena, struct dm_err *err)
{
    const struct dm_claim *claim = &batch->claim;
    batch->segment =
        dm_key_segment(&batch->document->file, claim->epoch, claim->first, claim->counter, batch->holding->segments++);
    DM_AUTO(dm_buf) segment = dm_buf_make((size_t)DM_SEGMENT_LINE_MAX * DM_CLAIM_PAGES_MAX);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct dm_page_task *task = batch->tasks[i];
        struct dm_page *page = &batch->pages[i];
        struct dm_str attempts = task->attempt_log.len
                                     ? dm_arena_fmt(arena, "%.*s]", DM_STR_ARG(dm_buf_str(&task->attempt_log)))
                                     : DM_STR("[]");
        if (!attempts.at)
            return dm_fail_memory(err);
        *page = (struct dm_page){ .number = task->number,
                                  .status = task->status,
                                  .reason = task->reason,
                                  .detail = dm_str_z(task->detail),
                                  .attempts = attempts,
                                  .attempt_count = task->attempts,
                                  .usage = task->usage };
        if (task->kept_segment.len) {
            page->segment = task->kept_segment;
            page->offset = task->kept_offset;
            page->length = task->kept_length;
        } else if (task->status == DM_PAGE_DONE) {
            page->segment = dm_str_z(batch->segment.text);
            page->offset = segment.len;
            dm_segment_add(&segment, page, dm_buf_str(&task->answer.analysis), dm_buf_str(&task->text));
            page->length = (uint32_t)(segment.len - page->offset - 1);
        }
    }
    enum dm_code rc = dm_buf_check(&segment, "a segment", err);
    if (rc != DM_OK || segment.len == 0)
        return rc;
    return dm_blob_put_new(batch->worker->pipeline.ports.blob, &batch->document->tenant, dm_str_z(batch->segment.text),
                           dm_buf_str(&segment), DM_KEPT, err);
}

/* What a conflict means: the state as it stands now, whether the claim is still ours, and which pages have ended. */
static enum dm_code look_again(struct batch *batch, struct dm_arena *arena, struct dm_state *ret_state, bool *ret_ours,
                               struct dm_page_list *ret_ended, struct dm_err *err)
{
    struct dm_store store = batch->worker->pipeline.ports.store;
    struct dm_snapshot snapshot;
    const struct dm_claim *claim = &batch->claim;
    enum dm_code rc = dm_store_read(store, &batch->document->tenant, &batch->document->file,
                                    DM_PART_STATE | DM_PART_CLAIMS, arena, &snapshot, err);
    if (rc == DM_OK)
        rc = dm_store_pages(store, &batch->document->tenant, &batch->document->file, claim->first, claim->last,
                            DM_CLAIM_PAGES_MAX, arena, ret_ended, err);
    if (rc != DM_OK)
        return rc;
    *ret_ours = false;
    for (uint32_t i = 0; i < snapshot.claim_count; i++)
        *ret_ours = *ret_ours || snapshot.claims[i].counter == claim->counter;
    *ret_state = snapshot.state;
    return DM_OK;
}

/* The record of the page, if it has ended in this epoch; else NULL. */
static const struct dm_page *find_ended(const struct dm_page_list *ended, uint32_t number, uint32_t epoch)
{
    for (uint32_t i = 0; i < ended->count; i++)
        if (ended->at[i].number == number && ended->at[i].epoch == epoch)
            return &ended->at[i];
    return NULL;
}

/* Whether it is this batch's own record, and not of another worker that read the page, too: no two claims share a
 * segment. */
static bool is_mine(const struct dm_page *ended, const struct dm_page *mine)
{
    return ended->status == mine->status && dm_str_eq(ended->segment, mine->segment) &&
           dm_str_eq(ended->attempts, mine->attempts);
}

/* After a conflict or a lost answer. Lock held on entry and return. */
static void sort_out(struct batch *batch)
{
    struct dm_worker *worker = batch->worker;
    struct dm_active *document = batch->document;
    const uint32_t epoch = batch->claim.epoch;
    worker_unlock(worker);
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_state state;
    struct dm_page_list ended = { 0 };
    bool ours = true;
    struct dm_err err;
    enum dm_code rc = look_again(batch, &arena, &state, &ours, &ended, &err);
    dm_step_backoff(&worker->pipeline, 0);
    worker_lock(worker);
    if (rc == DM_NOT_FOUND) {
        document->over = true;
    } else if (rc != DM_OK) {
        document->commit_not_before_ms = worker_now(worker) + AGAIN_MS;
        put_back(batch);
        return;
    } else {
        document->state = state;
        document->over = document->over || state.status != DM_STATUS_PROCESSING || state.epoch != epoch;
        batch->holding->lost = batch->holding->lost || !ours;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        struct dm_page_task *task = batch->tasks[i];
        const struct dm_page *page = find_ended(&ended, task->number, epoch);
        if (!page && !dm_page_task_void(task)) {
            dm_page_task_ended(task);
            continue;
        }
        if (page && is_mine(page, &batch->pages[i]))
            task->usage = (struct dm_usage){ 0 }; /* its commit had happened: it is counted already */
        dm_page_task_leave(task);
    }
}

static void log_failed_pages(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->pages[i].status == DM_PAGE_FAILED)
            dm_log(DM_LOG_WARN, DM_EV_PAGE_FAILED, dm_f_z("tenant", batch->document->tenant.id),
                   dm_f_z("file", batch->document->file.id), dm_f_int("page", batch->pages[i].number),
                   dm_f_z("reason", dm_reason_text(batch->pages[i].reason)));
}

/* One commit. Lock held on entry and return. */
static void commit_batch(struct dm_holding *holding)
{
    struct batch batch;
    take_batch(holding, &batch);
    struct dm_worker *worker = batch.worker;
    struct dm_active *document = batch.document;
    struct dm_state state = document->state;
    bool wanted = !holding->lost && !document->over;
    worker_unlock(worker);
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    struct dm_change change;
    struct dm_err err;
    enum dm_code rc = wanted ? write_segment(&batch, &arena, &err) : DM_OK;
    bool committing = wanted && rc == DM_OK;
    if (committing) {
        const struct dm_ledger_context context = dm_step_context(&worker->pipeline, &arena);
        rc = dm_ledger_end_pages(&context, &state, &batch.claim, batch.pages, batch.count, batch.last, &change, &err);
        if (rc == DM_OK)
            rc = dm_step_commit(&worker->pipeline, &document->tenant, &document->file, &change, &err);
    }
    if (wanted && rc == DM_OK)
        log_failed_pages(&batch);
    worker_lock(worker);
    if (committing && rc != DM_OK)
        note_segment(&batch);
    if (!wanted || rc == DM_OK) {
        if (wanted)
            document->state = change.state;
        for (uint32_t i = 0; i < batch.count; i++) {
            if (wanted) /* counted with its page, even if the claim is found to be gone by now */
                batch.tasks[i]->usage = (struct dm_usage){ 0 };
            dm_page_task_leave(batch.tasks[i]);
        }
    } else if (committing && (rc == DM_CONFLICT || rc == DM_REFUSED)) {
        sort_out(&batch);
    } else {
        /* The disk is full, or the store away: the answers wait; the claim is renewed meanwhile. */
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "commit"), dm_f_z("file", document->file.id),
               dm_f_z("error", err.text));
        document->commit_not_before_ms = worker_now(worker) + AGAIN_MS;
        put_back(&batch);
    }
    document->committing = false;
    dm_active_leave_if_done(worker, document);
    worker_wake(worker);
}

/* ---- the cost of late answers ---- */

static enum dm_code decide_usage(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 struct dm_change *ret, struct dm_err *err)
{
    (void)context;
    (void)err;
    dm_ledger_add_usage(&snapshot->state, argument, ret);
    return DM_OK;
}

static struct dm_active *find_late(struct dm_worker *worker)
{
    for (struct dm_active *document = worker->documents; document; document = document->next)
        if (!document->holdings && !document->committing && document->late.model_calls > 0)
            return document;
    return NULL;
}

void dm_active_account_late(struct dm_worker *worker, struct dm_active *document)
{
    struct dm_usage usage = document->late;
    document->late = (struct dm_usage){ 0 };
    document->committing = true;
    worker_unlock(worker);
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .deleted_too = true, .decide = decide_usage, .argument = &usage };
    struct dm_err err;
    enum dm_code rc = usage.model_calls == 0 ? DM_OK
                                             : dm_step_run(&worker->pipeline, &document->tenant, &document->file, &step,
                                                           &arena, NULL, &err);
    if (rc != DM_OK && rc != DM_NOT_FOUND)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "usage"), dm_f_z("file", document->file.id),
               dm_f_z("error", err.text));
    worker_lock(worker);
    document->committing = false;
    dm_active_leave_if_done(worker, document);
}

void dm_worker_commit(void *argument)
{
    struct dm_worker *worker = argument;
    worker_lock(worker);
    for (;;) {
        int64_t until_ms = DM_FOREVER;
        struct dm_holding *holding = find_ripe(worker, &until_ms);
        struct dm_active *late = holding ? NULL : find_late(worker);
        if (holding)
            commit_batch(holding);
        else if (late)
            dm_active_account_late(worker, late);
        else if (worker->closing)
            break;
        else
            worker_wait(worker, until_ms);
    }
    worker_unlock(worker);
}
