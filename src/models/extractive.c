/* extractive.c: the built-in reader behind the model port: a bounded queue and tasks that serve it.
 *
 * A task is started when a call finds none idle, up to the number asked for, so an idle program
 * has none. Each owns its tools and opens them at its first call; the word lists are made once
 * and shared. `done` is called without the lock and by a task only. A task cannot take a call
 * before the caller of `start` has given the lock up, and `start` touches nothing of the request
 * after that: for the caller, `done` comes after `start`. */
#include "models/models.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "extractive/page.h"

enum { QUEUE_DEFAULT = 64, THREADS_MAX = 256 };

struct job {
    const struct dm_model_request *request;
    dm_model_done *done;
    void *context;
};

struct reader {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    struct job *queue;          /* a ring */
    uint32_t queue_max;
    uint32_t first;
    uint32_t waiting;
    struct dm_task **tasks;
    uint32_t tasks_max;
    uint32_t task_count;
    uint32_t idle;
    bool stopping;
    bool making_lexicon;
    struct dm_ex_lexicon *lexicon; /* made by the first call; does not change afterwards */
};

/* The word lists, made by whichever task needs them first; the others wait for it. NULL when
 * memory is out. */
static const struct dm_ex_lexicon *shared_lexicon(struct reader *reader)
{
    dm_lock(reader->runtime, reader->monitor);
    while (reader->making_lexicon)
        (void)dm_wait_until(reader->runtime, reader->monitor, DM_FOREVER);
    if (!reader->lexicon) {
        reader->making_lexicon = true;
        dm_unlock(reader->runtime, reader->monitor);
        struct dm_ex_lexicon *made = NULL;
        enum dm_code rc = dm_ex_lexicon_make(&made, NULL);
        dm_lock(reader->runtime, reader->monitor);
        reader->lexicon = rc == DM_OK ? made : NULL;
        reader->making_lexicon = false;
        dm_wake_all(reader->runtime, reader->monitor);
    }
    const struct dm_ex_lexicon *lexicon = reader->lexicon;
    dm_unlock(reader->runtime, reader->monitor);
    return lexicon;
}

static enum dm_code read_request(struct reader *reader, struct dm_extractive **tools,
                                 const struct dm_model_request *request, struct dm_model_answer *answer,
                                 struct dm_err *err)
{
    if (!*tools) {
        const struct dm_ex_lexicon *lexicon = shared_lexicon(reader);
        if (!lexicon)
            return dm_fail_memory(err);
        enum dm_code rc = dm_ex_tools_make(lexicon, tools, err);
        if (rc != DM_OK)
            return rc;
    }
    if (request->task == DM_MODEL_PAGE)
        return dm_extractive_page(*tools, request->text, &answer->analysis, &answer->usage, err);
    return dm_extractive_reduction(*tools, request->digests, request->digest_count, &answer->analysis, &answer->usage,
                                   err);
}

static void answer_job(struct reader *reader, struct dm_extractive **tools, const struct job *job, bool cancelled)
{
    struct dm_model_answer answer = { .reason = DM_REASON_NONE };
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc;
    if (cancelled)
        rc = dm_fail(&err, DM_CANCELLED, "docmill is stopping");
    else
        rc = read_request(reader, tools, job->request, &answer, &err);
    if (rc == DM_CANCELLED)
        answer.reason = DM_REASON_CANCELLED;
    else if (rc == DM_NO_MEMORY)
        answer.reason = DM_REASON_OVERLOADED; /* the one failure of ours that a later try can mend */
    else if (rc != DM_OK)
        answer.reason = DM_REASON_INTERNAL;
    if (rc != DM_OK)
        snprintf(answer.detail, sizeof(answer.detail), "%.*s", (int)sizeof(answer.detail) - 1, err.text);
    job->done(job->context, &answer);
}

static void serve(void *argument)
{
    struct reader *reader = argument;
    struct dm_extractive *tools = NULL;
    dm_lock(reader->runtime, reader->monitor);
    for (;;) {
        if (reader->waiting == 0) {
            if (reader->stopping)
                break;
            reader->idle++;
            (void)dm_wait_until(reader->runtime, reader->monitor, DM_FOREVER);
            reader->idle--;
            continue;
        }
        struct job job = reader->queue[reader->first];
        reader->first = (reader->first + 1) % reader->queue_max;
        reader->waiting--;
        bool cancelled = reader->stopping;
        dm_unlock(reader->runtime, reader->monitor);
        answer_job(reader, &tools, &job, cancelled);
        dm_lock(reader->runtime, reader->monitor);
    }
    dm_unlock(reader->runtime, reader->monitor);
    dm_ex_tools_free(tools);
}

/* With the lock held: one more task if there is more to do than idle ones can take. Only the
 * first is indispensable. */
static enum dm_code start_task(struct reader *reader, struct dm_err *err)
{
    if (reader->waiting < reader->idle || reader->task_count == reader->tasks_max)
        return DM_OK;
    enum dm_code rc = dm_spawn(reader->runtime, "extractive", serve, reader, &reader->tasks[reader->task_count],
                               reader->task_count == 0 ? err : NULL);
    if (rc == DM_OK)
        reader->task_count++;
    return reader->task_count > 0 ? DM_OK : rc;
}

static enum dm_code model_start(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                                dm_model_done *done, void *context, struct dm_err *err)
{
    struct reader *reader = self;
    enum dm_code rc = DM_OK;
    dm_lock(reader->runtime, reader->monitor);
    if (reader->stopping)
        rc = dm_fail(err, DM_CANCELLED, "the extractive model is stopping");
    else if (reader->waiting == reader->queue_max)
        rc = dm_fail(err, DM_BUSY, "%u pages wait for the extractive model", reader->waiting);
    else
        rc = start_task(reader, err);
    if (rc == DM_OK) {
        uint32_t last = (reader->first + reader->waiting) % reader->queue_max;
        reader->queue[last] = (struct job){ .request = request, .done = done, .context = context };
        reader->waiting++;
        /* While the word lists are being made, others than idle tasks wait here, too. */
        if (reader->making_lexicon)
            dm_wake_all(reader->runtime, reader->monitor);
        else
            dm_wake_one(reader->runtime, reader->monitor);
    }
    dm_unlock(reader->runtime, reader->monitor);
    return rc;
}

static uint32_t model_concurrency(void *self)
{
    const struct reader *reader = self;
    return reader->tasks_max;
}

static enum dm_code model_check(void *self, struct dm_err *err)
{
    struct reader *reader = self;
    dm_lock(reader->runtime, reader->monitor);
    bool stopping = reader->stopping;
    dm_unlock(reader->runtime, reader->monitor);
    return stopping ? dm_fail(err, DM_CANCELLED, "the extractive model is stopping") : DM_OK;
}

static const struct dm_model_ops ops = {
    .start = model_start,
    .concurrency = model_concurrency,
    .check = model_check,
};

static void reader_free(struct reader *reader)
{
    dm_monitor_free(reader->runtime, reader->monitor);
    dm_ex_lexicon_free(reader->lexicon);
    dm_free(reader->queue);
    dm_free(reader->tasks);
    dm_free(reader);
}

enum dm_code dm_model_extractive_start(const struct dm_models_extractive_options *options, struct dm_model *ret,
                                       struct dm_err *err)
{
    struct reader *reader = dm_alloc_zero(1, sizeof(*reader));
    if (!reader)
        return dm_fail_memory(err);
    reader->runtime = options->runtime;
    reader->tasks_max = options->threads == 0 ? 1 : options->threads < THREADS_MAX ? options->threads : THREADS_MAX;
    reader->queue_max = options->queue_max == 0 ? QUEUE_DEFAULT : options->queue_max;
    reader->queue = dm_alloc_zero(reader->queue_max, sizeof(*reader->queue));
    reader->tasks = dm_alloc_zero(reader->tasks_max, sizeof(struct dm_task *));
    enum dm_code rc =
        reader->queue && reader->tasks ? dm_monitor_make(reader->runtime, &reader->monitor, err) : dm_fail_memory(err);
    if (rc != DM_OK) {
        reader_free(reader);
        return rc;
    }
    *ret = (struct dm_model){ .ops = &ops, .self = reader, .name = "extractive:1", .takes = DM_MODEL_TAKES_TEXT };
    return DM_OK;
}

void dm_model_extractive_stop(struct dm_model *model)
{
    DM_CHECK(model->ops == &ops);
    struct reader *reader = model->self;
    dm_lock(reader->runtime, reader->monitor);
    reader->stopping = true;
    dm_wake_all(reader->runtime, reader->monitor);
    dm_unlock(reader->runtime, reader->monitor);
    /* No task is started any more, so the list stands still. */
    for (uint32_t i = 0; i < reader->task_count; i++)
        dm_join(reader->runtime, reader->tasks[i]);
    reader_free(reader);
    *model = (struct dm_model){ 0 };
}
