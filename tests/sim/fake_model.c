/* fake_model.c: a node's model: calls under way, each answered at its time, as the provider (provider.c) and the run's faults have
 * it. */
#include "provider.h"

#include "base/json.h"

enum { QUEUE_MAX = 24, CONCURRENCY = 8, MODEL_DEADLINE_US = 60 * 1000 * 1000, INPUT_TOKENS = 10 };

struct call {
    const struct dm_model_request *request;
    dm_model_done *done;
    void *context;
    int64_t due_us;
    struct reply reply;
    uint32_t judged;
};

struct model {
    struct node *node;
    struct fiber *fiber;
    bool stopping;
    struct call calls[QUEUE_MAX];
    uint32_t count;
};

static void analyse(const struct dm_model_request *request, struct dm_model_answer *answer)
{
    bool page = request->task == DM_MODEL_PAGE;
    answer->analysis = dm_buf_make(16 * 1024);
    dm_buf_add_z(&answer->analysis, "{\"summary\":");
    dm_buf_add_json_string(&answer->analysis, page ? request->text : DM_STR("the whole"));
    if (page)
        dm_buf_add_z(&answer->analysis,
                     ",\"entities\":[{\"text\":\"Ada\",\"type\":\"person\",\"count\":1}],\"keyPoints\":[\"a\"],"
                     "\"sentiment\":\"neutral\"}");
    else
        dm_buf_addf(&answer->analysis, ",\"keyPoints\":[{\"text\":\"of %u\",\"pages\":[1]}]}", request->digest_count);
    if (answer->analysis.failed) { /* no memory for it: the model says so */
        dm_buf_free(&answer->analysis);
        answer->reason = DM_REASON_NETWORK;
    }
}

static void answer(struct model *model, struct call call)
{
    const struct reply *reply = &call.reply;
    struct dm_model_answer answer = {
        .reason = reply->reason,
        .retry_after_ms = reply->retry_after_ms,
        .limits = reply->limits,
        .usage = { .model_calls = 1, .input_tokens = INPUT_TOKENS, .output_tokens = reply->tokens - INPUT_TOKENS }
    };
    if (answer.reason == DM_REASON_NONE)
        analyse(call.request, &answer);
    else
        snprintf(answer.detail, sizeof(answer.detail), "as the run has it");
    judge_answer(model->node->sim, call.judged, &answer);
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
                                           DM_REASON_RECITATION,   DM_REASON_MODEL_TIMEOUT };

static const enum dm_reason wrong[] = { DM_REASON_EMPTY_ANSWER, DM_REASON_TRUNCATED, DM_REASON_INVALID_JSON,
                                        DM_REASON_SCHEMA_MISMATCH, DM_REASON_RECITATION };

static const struct script *script_of(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct memory_document *document = memory_store_find(sim->store, tenant, file);
    return document ? judge_script(sim, document) : NULL;
}

/* What will become of it. */
static void decide(struct sim *sim, struct call *call, const struct dm_tenant *tenant, const struct script *script)
{
    struct reply *reply = &call->reply;
    call->due_us = sim->now_us + 2000 + sim_below(sim, sim_one_in(sim, 10) ? 4000000 : 100000);
    reply->tokens = INPUT_TOKENS;
    uint32_t page = call->request->task == DM_MODEL_PAGE && script ? call->request->page : 0;
    if (page && page == script->blocked) {
        reply->reason = DM_REASON_BLOCKED;
        return;
    }
    provider_answers(sim, tenant, reply);
    if (reply->reason == DM_REASON_NONE && page && page == script->mute)
        reply->reason = DM_REASON_MODEL_TIMEOUT;
    if (reply->reason == DM_REASON_NONE && page && page == script->wrong)
        reply->reason = wrong[sim_below(sim, sizeof(wrong) / sizeof(wrong[0]))];
    if (reply->reason == DM_REASON_NONE && sim_fault(sim, FAULT_MODEL)) {
        reply->reason = may_pass[sim_below(sim, sizeof(may_pass) / sizeof(may_pass[0]))];
        if (reply->reason == DM_REASON_RATE_LIMITED && sim_one_in(sim, 2))
            reply->retry_after_ms = 100 + sim_below(sim, sim_one_in(sim, 6) ? 90000 : 8000);
    }
    if (reply->reason == DM_REASON_MODEL_TIMEOUT || (reply->reason == DM_REASON_NETWORK && sim_one_in(sim, 2)))
        call->due_us = sim->now_us + MODEL_DEADLINE_US / 4 * (1 + sim_below(sim, 4));
    if (reply->reason == DM_REASON_NONE)
        reply->tokens += sim_below(sim, MODEL_TOKENS_MAX - INPUT_TOKENS);
}

/* Trouble of the model's own, before anything is sent. */
static enum dm_code refuse(const struct model *model, const struct dm_model_request *request,
                           const struct script *script, struct dm_err *err)
{
    struct sim *sim = model->node->sim;
    bool page = request->task == DM_MODEL_PAGE;
    if (page && script && request->page == script->oversized)
        return dm_fail(err, DM_TOO_LARGE, "page %u is more than the model takes", request->page);
    if (model->count == QUEUE_MAX || (sim_fault(sim, FAULT_MODEL) && sim_one_in(sim, 4)))
        return dm_fail(err, DM_BUSY, "the model's queue is full");
    if (!sim_fault(sim, FAULT_STARTS))
        return DM_OK;
    if (!page && sim_one_in(sim, 4))
        return dm_fail(err, DM_TOO_LARGE, "the document is more than the model takes");
    switch (sim_below(sim, 4)) {
    case 0:
        return dm_fail(err, DM_DENIED, "no key");
    case 1:
        return dm_fail(err, DM_UNAVAILABLE, "the key cannot be read");
    default:
        return dm_fail(err, DM_BUSY, "the model's queue is full");
    }
}

static enum dm_code model_begin(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                                dm_model_done *done, void *context, struct dm_err *err)
{
    struct model *model = self;
    struct sim *sim = model->node->sim;
    if (request->account != provider_account(sim, tenant))
        return dm_fail(err, DM_CONFLICT, "another key by now");
    const struct script *script = script_of(sim, tenant, &request->file);
    enum dm_code rc = refuse(model, request, script, err);
    if (rc == DM_OK && provider_knows_no_key(sim, tenant))
        rc = dm_fail(err, DM_DENIED, "no key");
    if (rc != DM_OK && rc != DM_DENIED)
        return rc;
    struct call call = { .request = request, .done = done, .context = context };
    if (rc == DM_OK)
        decide(sim, &call, tenant, script);
    call.judged = judge_call(sim, model->node, tenant, request, call.reply.tokens);
    if (rc == DM_DENIED) { /* as if the provider had refused the key */
        const struct dm_model_answer answer = { .reason = DM_REASON_AUTH_FAILED };
        judge_answer(sim, call.judged, &answer);
        return rc;
    }
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

static enum dm_code model_account(void *self, const struct dm_tenant *tenant, uint64_t *ret, struct dm_err *err)
{
    const struct model *model = self;
    struct sim *sim = model->node->sim;
    if (sim_fault(sim, FAULT_STARTS) && sim_one_in(sim, 4))
        return dm_fail(err, DM_UNAVAILABLE, "the key cannot be read");
    *ret = provider_account(sim, tenant);
    return DM_OK;
}

static enum dm_code fine(void *self, struct dm_err *err)
{
    (void)self;
    (void)err;
    return DM_OK;
}

static const struct dm_model_ops model_ops = { model_begin, model_concurrency, fine, NULL, model_account };

struct dm_model model_port(struct model *model)
{
    return (struct dm_model){ .ops = &model_ops, .self = model, .name = "sim:1", .takes = DM_MODEL_TAKES_TEXT };
}
