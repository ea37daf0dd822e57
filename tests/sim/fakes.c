/* fakes.c: a document reader and a model that do as the document's script says, and as the run's faults have it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "sim.h"

enum { PAGE_DEADLINE_US = 30 * 1000 * 1000, QUEUE_MAX = 24, CONCURRENCY = 8, MODEL_DEADLINE_US = 60 * 1000 * 1000 };

/* ---- scripts ---- */

void script_text(const struct script *script, char *ret, size_t size)
{
    snprintf(ret, size,
             "%%PDF-1.7 sim number=%u tenant=%u pages=%u damaged=%u hanging=%u crashing=%u blocked=%u empty=%u "
             "killing=%u killsplit=%u encrypted=%u nothing=%u keyed=%u choice=%s;",
             script->number, script->tenant, script->pages, script->damaged, script->hanging, script->crashing,
             script->blocked, script->empty, script->killing, script->kills_split, script->encrypted, script->nothing,
             script->keyed, script->choice);
}

static uint32_t number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

bool script_parse(const char *text, struct script *ret)
{
    if (!strstr(text, "number="))
        return false;
    *ret = (struct script){ .number = number_of(text, "number="),
                            .tenant = number_of(text, "tenant="),
                            .pages = number_of(text, "pages="),
                            .damaged = number_of(text, "damaged="),
                            .hanging = number_of(text, "hanging="),
                            .crashing = number_of(text, "crashing="),
                            .blocked = number_of(text, "blocked="),
                            .empty = number_of(text, "empty="),
                            .killing = number_of(text, "killing="),
                            .kills_split = number_of(text, "killsplit=") != 0,
                            .encrypted = number_of(text, "encrypted=") != 0,
                            .nothing = number_of(text, "nothing=") != 0,
                            .keyed = number_of(text, "keyed=") != 0 };
    const char *choice = strstr(text, "choice=");
    if (choice)
        snprintf(ret->choice, sizeof(ret->choice), "%.*s", (int)strcspn(choice + 7, ";"), choice + 7);
    return true;
}

void script_page(const struct script *script, uint32_t page, char *ret, size_t size)
{
    snprintf(ret, size, "tenant-%u document-%u page-%u", script->tenant, script->number, page);
}

/* ---- reader ---- */

struct dm_reader_handle {
    struct script script;
};

/* In small steps, for a drain may interrupt it. */
static enum dm_code hang(struct node *node, int64_t us, struct dm_err *err)
{
    for (int64_t end_us = node->sim->now_us + us; node->sim->now_us < end_us;) {
        if (node->interrupted)
            return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
        sim_sleep_us(node->sim, 500000);
    }
    return dm_fail(err, DM_TIMEOUT, "it took the helper too long");
}

/* Trouble of the helper's that says nothing of the document, and verdicts that it did not deserve. */
static enum dm_code reader_fault(struct node *node, struct dm_err *err)
{
    struct sim *sim = node->sim;
    if (!sim_fault(sim, FAULT_READER))
        return DM_OK;
    switch (sim_below(sim, 6)) {
    case 0:
        return dm_fail(err, DM_BUSY, "no helper is free");
    case 1:
        return dm_fail(err, DM_IO, "a helper could not be started");
    case 2:
        return dm_fail(err, DM_INTERNAL, "the helper gave an answer that nobody asked for");
    case 3:
        return dm_fail(err, DM_CRASHED, "the helper died");
    case 4:
        return hang(node, PAGE_DEADLINE_US, err);
    default:
        sim_sleep_us(sim, sim_below(sim, 20000000)); /* slow, but in time */
        return DM_OK;
    }
}

static enum dm_code reader_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                                struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    (void)tenant;
    char text[512] = { 0 };
    if (node->interrupted)
        return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
    sim_sleep_us(sim, 1000 + sim_below(sim, 20000));
    enum dm_code rc = reader_fault(node, err);
    if (rc != DM_OK)
        return rc;
    struct script script;
    if (pread(source->fd, text, sizeof(text) - 1, 0) <= 0 || !script_parse(text, &script))
        return dm_fail(err, DM_DAMAGED, "no script");
    if (script.kills_split) {
        sim_tell(sim, "document %u kills its worker at the split", script.number);
        sim_crash(sim, node);
    }
    if (script.encrypted && !dm_str_eq(source->password, DM_STR("sesame")))
        return dm_fail(err, DM_ENCRYPTED, "it needs a password");
    if (script.nothing)
        return dm_fail(err, DM_NOT_FOUND, "it has no pages");
    struct dm_reader_handle *handle = dm_alloc_zero(1, sizeof(*handle));
    if (!handle)
        return dm_fail_memory(err);
    handle->script = script;
    *ret = handle;
    *ret_pages = script.pages;
    return DM_OK;
}

static enum dm_code reader_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                                const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    const struct script *script = &handle->script;
    (void)want;
    if (node->interrupted)
        return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
    sim_sleep_us(sim, 500 + sim_below(sim, 30000));
    if (page == script->killing) {
        sim_tell(sim, "page %u of document %u kills its worker", page, script->number);
        sim_crash(sim, node);
    }
    if (page == script->damaged)
        return dm_fail(err, DM_DAMAGED, "page %u is damaged", page);
    if (page == script->crashing)
        return dm_fail(err, DM_CRASHED, "page %u ends the helper", page);
    if (page == script->hanging)
        return hang(node, PAGE_DEADLINE_US, err);
    enum dm_code rc = reader_fault(node, err);
    if (rc != DM_OK)
        return rc;
    char text[128] = "";
    if (page != script->empty)
        script_page(script, page, text, sizeof(text));
    ret->text = dm_buf_make(4096);
    dm_buf_add_z(&ret->text, text);
    rc = dm_buf_check(&ret->text, "a page's text", err);
    if (rc != DM_OK)
        dm_buf_free(&ret->text);
    return rc;
}

static void reader_close(void *self, struct dm_reader_handle *handle)
{
    (void)self;
    dm_free(handle);
}

static void reader_interrupt(void *self)
{
    struct node *node = self;
    node->interrupted = true;
}

static enum dm_code fine(void *self, struct dm_err *err)
{
    (void)self;
    (void)err;
    return DM_OK;
}

static const struct dm_reader_ops reader_ops = {
    "sim", reader_open, reader_page, reader_close, reader_interrupt, fine
};

struct dm_reader reader_port(struct node *node)
{
    return (struct dm_reader){ &reader_ops, node };
}

/* ---- model ---- */

struct call {
    const struct dm_model_request *request;
    dm_model_done *done;
    void *context;
    int64_t due_us;
    enum dm_reason reason;
    int64_t retry_after_ms;
    uint32_t judged;
};

struct model {
    struct node *node;
    struct fiber *fiber;
    bool stopping;
    struct call calls[QUEUE_MAX];
    uint32_t count;
};

static void answer(struct model *model, struct call call)
{
    struct sim *sim = model->node->sim;
    struct dm_model_answer answer = { .reason = call.reason,
                                      .retry_after_ms = call.retry_after_ms,
                                      .usage = { .model_calls = 1, .input_tokens = 10, .output_tokens = 3 } };
    const struct dm_file file = call.request->file;
    bool page = call.request->task == DM_MODEL_PAGE;
    if (call.reason != DM_REASON_NONE) {
        snprintf(answer.detail, sizeof(answer.detail), "as the run has it");
    } else {
        answer.analysis = dm_buf_make(16 * 1024);
        dm_buf_add_z(&answer.analysis, "{\"summary\":");
        dm_buf_add_json_string(&answer.analysis, page ? call.request->text : DM_STR("the whole"));
        if (page)
            dm_buf_add_z(&answer.analysis,
                         ",\"entities\":[{\"text\":\"Ada\",\"type\":\"person\",\"count\":1}],\"keyPoints\":[\"a\"],"
                         "\"sentiment\":\"neutral\"}");
        else
            dm_buf_addf(&answer.analysis, ",\"keyPoints\":[{\"text\":\"of %u\",\"pages\":[1]}]}",
                        call.request->digest_count);
        if (answer.analysis.failed) { /* no memory for it: the model says so */
            dm_buf_free(&answer.analysis);
            answer.reason = DM_REASON_NETWORK;
        }
    }
    if (page)
        judge_answer(sim, call.judged, answer.reason);
    else
        judge_reduction(sim, &file, answer.reason);
    call.done(call.context, &answer);
}

static void run_model(void *argument)
{
    struct model *model = argument;
    struct sim *sim = model->node->sim;
    while (!model->stopping || model->count > 0) {
        int64_t next_us = SIM_NEVER;
        uint32_t next = 0;
        for (uint32_t i = 0; i < model->count; i++) {
            if (model->calls[i].due_us >= next_us)
                continue;
            next_us = model->calls[i].due_us;
            next = i;
        }
        if (next_us > sim->now_us) {
            sim_block(sim, model, FIBER_BLOCKED, next_us);
            continue;
        }
        struct call call = model->calls[next];
        model->calls[next] = model->calls[--model->count];
        answer(model, call);
    }
}

struct model *model_make(struct node *node)
{
    struct model *model = dm_alloc_zero(1, sizeof(*model));
    if (!model)
        return NULL;
    model->node = node;
    model->fiber = sim_spawn(node->sim, node, "model", run_model, model, false);
    if (!model->fiber) {
        dm_free(model);
        return NULL;
    }
    return model;
}

void model_stop(struct model *model)
{
    if (!model)
        return;
    struct dm_runtime runtime = node_runtime(model->node);
    model->stopping = true;
    if (model->fiber->wait == FIBER_BLOCKED)
        sim_wake(model->node->sim, model->fiber);
    dm_join(runtime, (struct dm_task *)model->fiber);
    dm_free(model);
}

static const enum dm_reason may_pass[] = { DM_REASON_RATE_LIMITED, DM_REASON_RATE_LIMITED, DM_REASON_RATE_LIMITED,
                                           DM_REASON_OVERLOADED,   DM_REASON_NETWORK,      DM_REASON_EMPTY_ANSWER,
                                           DM_REASON_TRUNCATED,    DM_REASON_INVALID_JSON, DM_REASON_SCHEMA_MISMATCH,
                                           DM_REASON_MODEL_TIMEOUT };

static void decide(struct sim *sim, struct call *call, const struct script *script)
{
    call->due_us = sim->now_us + 2000 + sim_below(sim, sim_one_in(sim, 10) ? 4000000 : 100000);
    if (call->request->task == DM_MODEL_PAGE && script && call->request->page == script->blocked) {
        call->reason = DM_REASON_BLOCKED;
        return;
    }
    bool storm = sim->storm && !sim_one_in(sim, 10);
    if (!storm && !sim_fault(sim, FAULT_MODEL))
        return;
    call->reason = storm ? DM_REASON_RATE_LIMITED : may_pass[sim_below(sim, sizeof(may_pass) / sizeof(may_pass[0]))];
    if (call->reason == DM_REASON_RATE_LIMITED && sim_one_in(sim, 2))
        call->retry_after_ms = 100 + sim_below(sim, sim_one_in(sim, 6) ? 90000 : 8000);
    if (call->reason == DM_REASON_MODEL_TIMEOUT)
        call->due_us = sim->now_us + MODEL_DEADLINE_US;
}

static const struct script *script_of(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct memory_document *document = memory_store_find(sim->store, tenant, file);
    return document ? judge_script(sim, document) : NULL;
}

static enum dm_code model_begin(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                                dm_model_done *done, void *context, struct dm_err *err)
{
    struct model *model = self;
    struct sim *sim = model->node->sim;
    if (model->count == QUEUE_MAX)
        return dm_fail(err, DM_BUSY, "the model's queue is full");
    if (sim_fault(sim, FAULT_MODEL) && sim_one_in(sim, 4))
        return dm_fail(err, DM_BUSY, "the model's queue is full");
    struct call call = { .request = request, .done = done, .context = context };
    if (request->task == DM_MODEL_PAGE)
        call.judged = judge_call(sim, model->node, tenant, &request->file, request->page, request->text);
    else
        judge_reduction_begins(sim, tenant, &request->file);
    decide(sim, &call, script_of(sim, tenant, &request->file));
    model->calls[model->count++] = call;
    if (model->fiber->wait == FIBER_BLOCKED)
        sim_wake(sim, model->fiber);
    return DM_OK;
}

static uint32_t model_concurrency(void *self)
{
    (void)self;
    return CONCURRENCY;
}

static const struct dm_model_ops model_ops = { model_begin, model_concurrency, fine, NULL, NULL };

struct dm_model model_port(struct model *model)
{
    return (struct dm_model){ .ops = &model_ops, .self = model, .name = "sim:1", .takes = DM_MODEL_TAKES_TEXT };
}
