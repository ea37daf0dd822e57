/* active.c: which documents, claims and pages a worker has in its hands. Everything here runs with the worker's lock
 * held. */
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "worker.h"

enum { DOCUMENT_ARENA_MAX = 256 * 1024, ATTEMPT_LOG_MAX = 16 * 1024 };

struct dm_active *dm_active_find(struct dm_worker *worker, const struct dm_tenant *tenant, const struct dm_file *file)
{
    for (struct dm_active *document = worker->documents; document; document = document->next)
        if (dm_file_eq(&document->file, file) && dm_tenant_eq(&document->tenant, tenant))
            return document;
    return NULL;
}

static struct dm_share *enter_share(struct dm_worker *worker, const struct dm_tenant *tenant, uint64_t account)
{
    struct dm_share *share = worker->shares;
    while (share && !dm_tenant_eq(&share->tenant, tenant))
        share = share->next;
    if (!share) {
        share = dm_alloc_zero(1, sizeof(*share));
        if (!share)
            return NULL;
        share->tenant = *tenant;
        if (!dm_share_use_account(worker, share, account)) {
            dm_free(share);
            return NULL;
        }
        share->next = worker->shares;
        worker->shares = share;
    }
    share->documents++;
    return share;
}

static void leave_share(struct dm_worker *worker, struct dm_share *share)
{
    if (--share->documents > 0)
        return;
    struct dm_share **at = &worker->shares;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    dm_share_leave_lane(worker, share);
    dm_free(share);
}

struct dm_active *dm_active_enter(struct dm_worker *worker, const struct dm_tenant *tenant, uint64_t account,
                                  const struct dm_file *file, const struct dm_snapshot *snapshot)
{
    struct dm_active *document = dm_active_find(worker, tenant, file);
    if (document)
        return document;
    document = dm_alloc_zero(1, sizeof(*document));
    if (!document)
        return NULL;
    document->tenant = *tenant;
    document->file = *file;
    document->fd = -1;
    document->arena = dm_arena_make(DOCUMENT_ARENA_MAX);
    document->document = snapshot->document;
    document->document.name = document->document.metadata = document->document.pages = DM_STR("");
    document->document.model = DM_STR("");
    document->document.pages = dm_arena_str(&document->arena, snapshot->document.pages);
    document->document.password = dm_arena_str(&document->arena, snapshot->document.password);
    if (!document->document.pages.at || !document->document.password.at) {
        dm_arena_free(&document->arena);
        dm_free(document);
        return NULL;
    }
    document->share = enter_share(worker, tenant, account);
    if (!document->share) {
        dm_arena_free(&document->arena);
        dm_free(document);
        return NULL;
    }
    document->state = snapshot->state;
    struct dm_active **end = &worker->documents;
    while (*end)
        end = &(*end)->next;
    *end = document;
    worker->document_count++;
    return document;
}

static void insert(struct dm_page_task **at, struct dm_page_task *task)
{
    while (*at && (*at)->number < task->number)
        at = &(*at)->next;
    task->next = *at;
    *at = task;
}

void dm_page_task_queue(struct dm_page_task *task)
{
    struct dm_active *document = task->holding->document;
    insert(&document->queue, task);
    document->queued++;
}

void dm_page_task_ready(struct dm_page_task *task)
{
    struct dm_active *document = task->holding->document;
    insert(&document->ready, task);
    document->ready_count++;
    dm_share_count_ready(document->share, 1);
    worker_wake(task->worker);
    if (task->worker->leave_waiters > 0)
        dm_limiter_poke(task->worker->pipeline.limiter);
}

static struct dm_page_task *pop(struct dm_page_task **at, int64_t now_ms, int64_t *until_ms)
{
    for (; *at; at = &(*at)->next) {
        struct dm_page_task *task = *at;
        if (task->not_before_ms > now_ms && !dm_page_task_void(task)) {
            if (task->not_before_ms < *until_ms)
                *until_ms = task->not_before_ms;
            continue;
        }
        *at = task->next;
        task->next = NULL;
        return task;
    }
    return NULL;
}

struct dm_page_task *dm_active_pop_queued(struct dm_active *document, int64_t now_ms, int64_t *until_ms)
{
    struct dm_page_task *task = pop(&document->queue, now_ms, until_ms);
    document->queued -= task != NULL;
    return task;
}

struct dm_page_task *dm_active_pop_ready(struct dm_active *document, int64_t now_ms, int64_t *until_ms)
{
    struct dm_page_task *task = pop(&document->ready, now_ms, until_ms);
    document->ready_count -= task != NULL;
    if (task)
        dm_share_count_ready(document->share, -1);
    return task;
}

void dm_page_task_forget(struct dm_page_task *task)
{
    task->worker->held_bytes -= task->text.len + task->picture.len;
    dm_buf_free(&task->text);
    dm_buf_free(&task->picture);
}

static void free_task(struct dm_page_task *task)
{
    dm_buf_free(&task->attempt_log);
    dm_page_task_forget(task);
    dm_otherwise_free(&task->otherwise);
    dm_model_answer_free(&task->answer);
    dm_free(task);
}

/* Where the answer is there already the page only waits for its commit. False when memory is out. */
static bool adopt_answer(struct dm_page_task *task, const struct dm_adopted *adopted)
{
    for (size_t i = 0; adopted && i < DM_CLAIM_PAGES_MAX && adopted->pages[i].number; i++) {
        const struct dm_page *page = &adopted->pages[i];
        if (page->number != task->number)
            continue;
        struct dm_arena *arena = &task->holding->document->arena;
        task->kept_segment = dm_arena_str(arena, page->segment);
        task->kept_offset = page->offset;
        task->kept_length = page->length;
        task->attempts = page->attempt_count;
        dm_buf_add(&task->attempt_log, dm_str_cut(page->attempts, 0, page->attempts.len - 1));
        task->usage = page->usage;
        task->status = DM_PAGE_DONE;
        return task->kept_segment.at && !task->attempt_log.failed;
    }
    return true;
}

bool dm_active_hold(struct dm_worker *worker, struct dm_active *document, const struct dm_claim *claim,
                    int64_t began_mono_ms, const struct dm_adopted *adopted)
{
    struct dm_holding *holding = dm_alloc_zero(1, sizeof(*holding));
    if (!holding)
        return false;
    holding->document = document;
    holding->claim = *claim;
    holding->lease_until_mono_ms = began_mono_ms + DM_CLAIM_LEASE_MS;
    holding->ended_end = &holding->ended;
    struct dm_page_task *tasks = NULL;
    struct dm_page_task **end = &tasks;
    for (uint32_t number = claim->first; number <= claim->last; number++) {
        struct dm_page_task *task = dm_alloc_zero(1, sizeof(*task));
        if (task) {
            task->worker = worker;
            task->holding = holding;
            task->number = number;
            task->attempt_log = dm_buf_make(ATTEMPT_LOG_MAX);
            *end = task;
            end = &task->next;
            holding->left++;
        }
        if (!task || !adopt_answer(task, adopted)) {
            while (tasks) {
                task = tasks->next;
                free_task(tasks);
                tasks = task;
            }
            dm_free(holding);
            return false;
        }
    }
    while (tasks) {
        struct dm_page_task *task = tasks;
        tasks = task->next;
        if (task->status == DM_PAGE_DONE)
            dm_page_task_ended(task);
        else
            dm_page_task_queue(task);
    }
    holding->next = document->holdings;
    document->holdings = holding;
    document->in_flight += holding->left;
    worker->in_flight += holding->left;
    worker->splits += claim->first == 0;
    worker_wake(worker);
    return true;
}

void dm_active_leave_if_done(struct dm_worker *worker, struct dm_active *document)
{
    if (document->holdings || document->readers || document->opening || document->committing ||
        document->late.model_calls > 0) {
        worker_wake(worker); /* whoever has the rest of it in hand looks again */
        return;
    }
    struct dm_active **at = &worker->documents;
    while (*at != document)
        at = &(*at)->next;
    *at = document->next;
    worker->document_count--;
    leave_share(worker, document->share);
    dm_blob_close(document->fd);
    dm_arena_free(&document->arena);
    dm_free(document);
    worker_wake(worker);
}

void dm_page_task_leave(struct dm_page_task *task)
{
    struct dm_worker *worker = task->worker;
    struct dm_holding *holding = task->holding;
    struct dm_active *document = holding->document;
    if (dm_page_task_void(task))
        dm_usage_add(&document->late, &task->usage);
    free_task(task);
    document->in_flight--;
    worker->in_flight--;
    if (--holding->left == 0) {
        DM_CHECK(!holding->ended);
        struct dm_holding **at = &document->holdings;
        while (*at != holding)
            at = &(*at)->next;
        *at = holding->next;
        if (holding->claim.first == 0) {
            worker->splits--;
            worker->look = worker->look || worker->splits_wait;
            worker->splits_wait = false;
        }
        dm_free(holding);
        dm_active_leave_if_done(worker, document);
    }
    if (worker->in_flight <= worker->eased_at || worker->stopping)
        worker_wake(worker);
}

void dm_page_task_ended(struct dm_page_task *task)
{
    struct dm_holding *holding = task->holding;
    if (holding->ended_count++ == 0)
        holding->ended_since_ms = worker_now(task->worker);
    task->next = NULL;
    *holding->ended_end = task;
    holding->ended_end = &task->next;
    /* The first sets the clock of its commit; of the others only one that may make the batch ripe is news. */
    if (holding->ended_count == 1 || holding->ended_count == holding->left ||
        holding->ended_count >= DM_CLAIM_PAGES_MAX || holding->document->queued == 0 || task->worker->stopping)
        worker_wake(task->worker);
}
