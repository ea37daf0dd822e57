/* answer.c: what the model's answer means for its page: the end, or another try. All with the worker's lock held.
 *
 * Which reasons are tried again, how often and in which way is the table in domain/reason.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker.h"

enum {
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 60000,
    BROKEN_TIMES = 3, /* a connection that breaks says less of the page than an answer: so many times MAX_ATTEMPTS */
    KEEP_MS = 10000,  /* a page that waits for longer is read again afterwards instead of being kept in memory */
    ATTEMPT_TEXT_MAX = 320 /* one attempt in the log; what no longer fits is counted, not listed */
};

/* All of it or, where memory is out, nothing: half an attempt would spoil the page's line. */
static void log_attempt(struct dm_page_task *task, int64_t now_ms)
{
    const struct dm_model_answer *answer = &task->answer;
    bool done = answer->reason == DM_REASON_NONE;
    char status[32] = "";
    char text[ATTEMPT_TEXT_MAX];
    if (answer->status)
        snprintf(status, sizeof(status), ",\"httpStatus\":%" PRIu32, answer->status);
    int len = snprintf(text, sizeof(text),
                       "%s{\"status\":\"%s\"%s%s%s,\"ms\":%" PRId64 ",\"inputTokens\":%" PRIu64
                       ",\"outputTokens\":%" PRIu64 "%s}",
                       task->attempt_log.len ? "," : "[", done ? "done" : "failed", done ? "" : ",\"reason\":\"",
                       done ? "" : dm_reason_text(answer->reason), done ? "" : "\"", now_ms - task->began_ms,
                       answer->usage.input_tokens, answer->usage.output_tokens, status);
    if (len > 0 && (size_t)len < sizeof(text))
        dm_buf_add(&task->attempt_log, dm_str_of(text, (size_t)len));
}

/* Attempts that count against MAX_ATTEMPTS. */
static uint32_t counted_attempts(const struct dm_page_task *task)
{
    return task->attempts - task->throttled - task->broken;
}

/* Twice as long each time; up to a quarter by chance: what was refused together must not come back together. */
static int64_t backoff_ms(struct dm_worker *worker, const struct dm_page_task *task)
{
    uint32_t counted = task->answer.reason == DM_REASON_NETWORK ? task->broken : counted_attempts(task);
    uint32_t doublings = counted < 2 ? 0 : counted < 10 ? counted - 1 : 9;
    int64_t wait_ms = (int64_t)BACKOFF_FIRST_MS << doublings;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    uint16_t chance;
    dm_random(worker->pipeline.ports.runtime, &chance, sizeof(chance));
    return wait_ms * 3 / 4 + wait_ms * chance / (4 * UINT16_MAX);
}

/* Counts the attempt where it belongs. True where there may be another one. While the provider is out of reach for everybody, it is
 * not the page's doing; not for ever, though: a page that the model never answers may be all that is left to find out with. */
static bool has_tries_left(struct dm_worker *worker, struct dm_page_task *task, int64_t now_ms)
{
    bool broken = task->answer.reason == DM_REASON_NETWORK;
    if (dm_reason_retry(task->answer.reason) == DM_RETRY_LATER &&
        dm_limiter_ask(worker->pipeline.limiter, task->account).breaker != DM_BREAKER_CLOSED) {
        task->throttled++;
        if (task->outage_until_ms == 0)
            task->outage_until_ms = now_ms + DM_OUTAGE_PATIENCE_MS;
        return now_ms < task->outage_until_ms;
    }
    task->outage_until_ms = 0;
    task->broken += broken;
    return broken ? task->broken < BROKEN_TIMES * worker->pipeline.attempts_max
                  : counted_attempts(task) < worker->pipeline.attempts_max;
}

/* When the page may be tried again; 0: never. Never before the provider's own word. What only has to wait is held back by the
 * limiter, not by a time of its own; only an overloaded provider is spared by each page, too. */
static int64_t again_at_ms(struct dm_worker *worker, struct dm_page_task *task, int64_t now_ms)
{
    enum dm_reason reason = task->answer.reason;
    enum dm_retry retry = dm_reason_retry(reason);
    if (dm_otherwise_adapted(&task->otherwise, &task->answer)) {
        task->throttled++;
        return now_ms + task->answer.retry_after_ms;
    }
    bool tries_left = retry != DM_RETRY_PATIENTLY && has_tries_left(worker, task, now_ms);
    int64_t wait_ms = retry == DM_RETRY_LATER || reason == DM_REASON_OVERLOADED ? backoff_ms(worker, task) : 0;
    if (wait_ms < task->answer.retry_after_ms)
        wait_ms = task->answer.retry_after_ms;
    switch (retry) {
    case DM_RETRY_ONCE:
        return tries_left && dm_otherwise_take(&task->otherwise, &task->answer) ? now_ms + wait_ms : 0;
    case DM_RETRY_LATER:
        return tries_left ? now_ms + wait_ms : 0;
    case DM_RETRY_PATIENTLY:
        task->throttled++;
        if (task->patience_until_ms == 0)
            task->patience_until_ms = now_ms + dm_reason_patience_ms(reason);
        return now_ms + wait_ms <= task->patience_until_ms ? now_ms + wait_ms : 0;
    default:
        return 0;
    }
}

bool dm_page_task_is_blank(const struct dm_page_task *task)
{
    return task->picture.len == 0 && dm_str_trim(dm_buf_str(&task->text)).len == 0;
}

void dm_page_task_end_blank(struct dm_page_task *task)
{
    const struct dm_str analysis = DM_STR(DM_MODEL_EMPTY_PAGE);
    task->answer.analysis = dm_buf_make(analysis.len + 1);
    dm_buf_add(&task->answer.analysis, analysis);
    if (task->answer.analysis.failed) {
        const struct dm_err why = { .code = DM_NO_MEMORY, .text = "memory is out" };
        dm_buf_free(&task->answer.analysis);
        dm_page_task_try_later(task, &why);
        return;
    }
    task->status = DM_PAGE_DONE;
    dm_page_task_ended(task);
}

void dm_page_task_fail(struct dm_page_task *task, enum dm_reason reason, const char *detail)
{
    task->status = DM_PAGE_FAILED;
    task->reason = reason;
    snprintf(task->detail, sizeof(task->detail), "%s", detail[0] ? detail : dm_reason_meaning(reason));
    dm_page_task_ended(task);
}

static void ask_again(struct dm_page_task *task, int64_t at_ms, int64_t now_ms)
{
    task->not_before_ms = at_ms;
    dm_model_answer_free(&task->answer);
    if (at_ms - now_ms <= KEEP_MS) {
        dm_page_task_ready(task);
        return;
    }
    dm_page_task_forget(task);
    dm_page_task_queue(task);
    worker_wake(task->worker);
}

void dm_page_task_settle(struct dm_page_task *task)
{
    struct dm_worker *worker = task->worker;
    int64_t now_ms = worker_now(worker);
    struct dm_model_answer *answer = &task->answer;
    answer->usage.model_ms = answer->usage.model_ms ? answer->usage.model_ms : (uint64_t)(now_ms - task->began_ms);
    dm_usage_add(&task->usage, &answer->usage);
    task->attempts++;
    log_attempt(task, now_ms);
    bool done = answer->reason == DM_REASON_NONE;
    int64_t again_ms = done ? 0 : again_at_ms(worker, task, now_ms);
    if (dm_page_task_void(task)) {
        dm_page_task_leave(task);
    } else if (done) {
        worker->held_bytes -= task->picture.len;
        dm_buf_free(&task->picture);
        task->status = DM_PAGE_DONE;
        dm_page_task_ended(task);
    } else if (again_ms) {
        ask_again(task, again_ms, now_ms);
    } else {
        dm_page_task_fail(task, answer->reason, answer->detail);
    }
}
