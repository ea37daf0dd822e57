/* call.c: asking the model about pages that have been read.
 *
 * Pages wait in their documents' lists and hold no thread. A few tasks wait until the limiter gives leave; whose page is asked about
 * is decided only then, among those whose account gives it (lane.c): the tenant with the fewest calls under way comes first, and of
 * its documents the one that has the fewest for its weight. A page that is ready while nobody waits for the same account is asked
 * about at once by whoever read it. */
#include <stdio.h>

#include "base/log.h"
#include "limiter.h"
#include "worker.h"

enum { LEAVE_WAIT_MS = 1000, MODEL_FULL_WAIT_MS = 20 };

/* ---- whose turn it is (with the lock held) ---- */

static uint32_t weight(const struct dm_active *document)
{
    return DM_PRIORITY_MAX + 1 - document->document.priority;
}

static bool comes_before(const struct dm_active *a, const struct dm_active *b)
{
    if (a->share != b->share) {
        if (a->share->calls != b->share->calls)
            return a->share->calls < b->share->calls;
        return a->share->turn < b->share->turn;
    }
    uint64_t left = (uint64_t)(a->calls + 1) * weight(b);
    uint64_t right = (uint64_t)(b->calls + 1) * weight(a);
    return left != right ? left < right : a->call_turn < b->call_turn;
}

/* Whether a page of it may be asked about now, or counts no more. */
static bool has_ready(const struct dm_active *document, int64_t now_ms, int64_t *until_ms)
{
    for (const struct dm_page_task *task = document->ready; task; task = task->next) {
        if (task->not_before_ms <= now_ms || dm_page_task_void(task))
            return true;
        if (task->not_before_ms < *until_ms)
            *until_ms = task->not_before_ms;
    }
    return false;
}

struct turn {
    struct dm_active *document; /* NULL: none may be asked about now */
    bool waits;                 /* a page of some other only waits for leave */
    int64_t until_ms;           /* when there may be one by time alone */
};

/* Of the documents whose account gives leave now the one whose turn it is: an account that gives none keeps only its own waiting. */
static struct turn next_turn(struct dm_worker *worker)
{
    struct turn turn = { .until_ms = DM_FOREVER };
    int64_t now_ms = worker_now(worker);
    for (struct dm_active *document = worker->documents; document; document = document->next) {
        if (!document->ready || !has_ready(document, now_ms, &turn.until_ms))
            continue;
        int64_t leave_ms = document->share->lane->leave.at_ms;
        if (leave_ms > now_ms) {
            turn.waits = true;
            turn.until_ms = leave_ms < turn.until_ms ? leave_ms : turn.until_ms;
        } else if (!turn.document || comes_before(document, turn.document)) {
            turn.document = document;
        }
    }
    return turn;
}

/* ---- one call ---- */

static bool lease_over(const struct dm_page_task *task)
{
    return worker_now(task->worker) >= task->holding->lease_until_mono_ms;
}

/* Whether a model call may start: STATE was read less than DM_STATE_READ_MS ago and still says so, the read did not take so
 * long that a cancel since then must be heeded, and the claim is alive. Lock held on entry and return. */
static bool may_call(struct dm_page_task *task, bool *ret_unreadable)
{
    struct dm_worker *worker = task->worker;
    struct dm_active *document = task->holding->document;
    int64_t read_ms = document->state_read_ms;
    *ret_unreadable = false;
    if (worker_now(worker) - document->state_read_ms >= DM_STATE_READ_MS) {
        int64_t began_ms = worker_now(worker);
        worker_unlock(worker);
        DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
        struct dm_snapshot snapshot;
        struct dm_err err;
        enum dm_code rc = dm_store_read(worker->pipeline.ports.store, &document->tenant, &document->file, DM_PART_STATE,
                                        &arena, &snapshot, &err);
        worker_lock(worker);
        *ret_unreadable = rc != DM_OK && rc != DM_NOT_FOUND;
        if (*ret_unreadable)
            return false;
        read_ms = began_ms;
        if (rc == DM_NOT_FOUND || snapshot.state.status != DM_STATUS_PROCESSING ||
            snapshot.state.epoch != task->holding->claim.epoch)
            document->over = true;
        if (rc == DM_OK && snapshot.state.version >= document->state.version) {
            document->state = snapshot.state;
            document->state_read_ms = began_ms;
        }
    }
    return !dm_page_task_void(task) && !lease_over(task) && worker_now(worker) - read_ms < 2 * DM_STATE_READ_MS;
}

/* One call more, or one less. */
static void count_call(struct dm_page_task *task, int by)
{
    struct dm_active *document = task->holding->document;
    task->worker->calls += (uint32_t)by;
    document->calls += (uint32_t)by;
    document->share->calls += (uint32_t)by;
}

/* The model's completion: notes what it means, and leaves every write to the commit tasks. */
static void answered(void *context, struct dm_model_answer *answer)
{
    struct dm_page_task *task = context;
    struct dm_worker *worker = task->worker;
    dm_limiter_answered(worker->pipeline.limiter, task->account, task->began_ms, task->tokens, answer);
    worker_lock(worker);
    task->answer = *answer;
    *answer = (struct dm_model_answer){ 0 };
    count_call(task, -1);
    bool stopping = worker->stopping;
    dm_page_task_settle(task); /* the task may be gone by now */
    if (stopping)
        worker_wake(worker);
    worker_unlock(worker);
}

static void begin(struct dm_page_task *task)
{
    struct dm_worker *worker = task->worker;
    struct dm_active *document = task->holding->document;
    task->request = (struct dm_model_request){ .task = DM_MODEL_PAGE,
                                               .account = task->account,
                                               .file = document->file,
                                               .page = task->number,
                                               .text = dm_buf_str(&task->text),
                                               .picture = dm_buf_str(&task->picture),
                                               .picture_media = task->picture_media };
    dm_otherwise_fill(&task->otherwise, &task->request);
    task->began_ms = worker_now(worker);
    count_call(task, 1);
    document->call_turn = document->share->turn = ++worker->turns;
}

/* As if the provider had refused the key: the page is patient, the breaker opens, and health says so. */
static void denied(struct dm_page_task *task, const struct dm_err *err)
{
    task->answer = (struct dm_model_answer){ .reason = DM_REASON_AUTH_FAILED };
    snprintf(task->answer.detail, sizeof(task->answer.detail), "%.150s", err->text);
    dm_limiter_answered(task->worker->pipeline.limiter, task->account, task->began_ms, task->tokens, &task->answer);
    dm_page_task_settle(task);
}

/* What will never do is the page's end; the rest passes. */
static void not_begun(struct dm_page_task *task, enum dm_code rc, const struct dm_err *err)
{
    struct dm_worker *worker = task->worker;
    count_call(task, -1);
    if (rc == DM_DENIED) {
        denied(task, err);
        return;
    }
    dm_limiter_give_back(worker->pipeline.limiter, task->account, task->tokens);
    if (dm_page_task_void(task)) {
        dm_page_task_leave(task);
    } else if (rc == DM_TOO_LARGE || rc == DM_UNSUPPORTED) {
        dm_page_task_fail(task, rc == DM_TOO_LARGE ? DM_REASON_TOO_LARGE : DM_REASON_UNSUPPORTED, err->text);
    } else if (rc == DM_BUSY || rc == DM_CONFLICT) {
        if (rc == DM_CONFLICT)
            task->holding->document->share->lane_until_ms = 0; /* another account's by now: which? */
        task->not_before_ms = worker_now(worker) + MODEL_FULL_WAIT_MS;
        dm_page_task_ready(task);
    } else {
        dm_page_task_try_later(task, err);
    }
}

/* Leave is taken last, with nothing left to wait for: what the provider says while STATE is read is heeded. Lock held on entry and
 * return. */
static bool take_leave(struct dm_page_task *task)
{
    const struct dm_active *document = task->holding->document;
    task->account = document->share->lane->account;
    return dm_limiter_try(task->worker->pipeline.limiter, task->account, &document->tenant);
}

/* Asks about a page that is in no list, if the limiter still lets it. Lock held on entry and return. */
static void call_model(struct dm_page_task *task)
{
    struct dm_worker *worker = task->worker;
    bool unreadable = false;
    if (!may_call(task, &unreadable) || worker->silent) {
        const struct dm_err why = { .code = DM_UNAVAILABLE, .text = "the document's state cannot be read now" };
        if (dm_page_task_void(task))
            dm_page_task_leave(task);
        else if (unreadable && !worker->silent)
            dm_page_task_try_later(task, &why);
        else /* no trouble of the page's, however long the store takes; a renewal says whether the claim is still ours */
            dm_page_task_queue_later(task);
        return;
    }
    if (!take_leave(task)) {
        dm_page_task_ready(task);
        return;
    }
    begin(task);
    const struct dm_tenant tenant = task->holding->document->tenant;
    worker_unlock(worker);
    struct dm_err err;
    task->tokens = dm_limiter_spend(worker->pipeline.limiter, &task->request);
    enum dm_code rc = dm_model_start(worker->pipeline.ports.model, &tenant, &task->request, answered, task, &err);
    worker_lock(worker);
    if (rc != DM_OK) /* else the task may be gone by now */
        not_begun(task, rc, &err);
}

void dm_page_task_call_or_wait(struct dm_page_task *task)
{
    struct dm_worker *worker = task->worker;
    const struct dm_lane *lane = task->holding->document->share->lane;
    /* Those that waited when a drain began are handed back; what was being read then is finished, if there is time. */
    bool at_once = lane->ready == 0 || worker->stopping;
    if (at_once && dm_limiter_ask(worker->pipeline.limiter, lane->account).at_ms <= worker_now(worker))
        call_model(task);
    else
        dm_page_task_ready(task);
}

/* ---- the task ---- */

/* Whether waiting is over for the page; `*ret_reason` where it is. */
static bool is_over(const struct dm_page_task *task, enum dm_reason *ret_reason)
{
    const struct dm_leave *leave = &task->holding->document->share->lane->leave;
    *ret_reason = leave->reason;
    return dm_page_task_void(task) || leave->given_up;
}

/* Pages that count no more need no leave; where the model is given up, none will come. True where there was one. */
static bool end_one(struct dm_worker *worker)
{
    for (struct dm_active *document = worker->documents; document; document = document->next) {
        enum dm_reason reason = DM_REASON_NONE;
        struct dm_page_task *task = document->ready;
        while (task && !is_over(task, &reason))
            task = task->next;
        if (!task)
            continue;
        int64_t until_ms = DM_FOREVER;
        /* Before all time only what counts no more may go. */
        bool given_up = document->share->lane->leave.given_up;
        task = dm_active_pop_ready(document, given_up ? DM_FOREVER : INT64_MIN, &until_ms);
        if (dm_page_task_void(task))
            dm_page_task_leave(task);
        else
            dm_page_task_fail(task, reason, dm_reason_meaning(reason));
        return true;
    }
    return false;
}

/* Asks about the page whose turn it is. Readers went ahead as far as they may; now there is room again. */
static void call_next(struct dm_worker *worker, struct dm_active *document)
{
    int64_t until_ms = DM_FOREVER;
    struct dm_page_task *task = dm_active_pop_ready(document, worker_now(worker), &until_ms);
    DM_CHECK(task);
    worker_wake(worker);
    call_model(task);
}

static void wait_for_leave(struct dm_worker *worker, uint64_t seen, int64_t until_ms)
{
    int64_t most_ms = worker_now(worker) + LEAVE_WAIT_MS;
    worker->leave_waiters++;
    worker_unlock(worker);
    dm_limiter_wait(worker->pipeline.limiter, seen, until_ms < most_ms ? until_ms : most_ms);
    worker_lock(worker);
    worker->leave_waiters--;
}

void dm_worker_call(void *argument)
{
    struct dm_worker *worker = argument;
    worker_lock(worker);
    while (!worker->closing) {
        uint64_t seen = dm_limiter_news(worker->pipeline.limiter);
        dm_lanes_look(worker);
        if (end_one(worker) || (!worker->stopping && dm_lanes_refresh(worker)))
            continue;
        struct turn turn = { .until_ms = DM_FOREVER };
        if (!worker->stopping)
            turn = next_turn(worker);
        if (turn.document)
            call_next(worker, turn.document);
        else if (turn.waits)
            wait_for_leave(worker, seen, turn.until_ms);
        else
            worker_wait(worker, turn.until_ms);
    }
    worker_unlock(worker);
}
