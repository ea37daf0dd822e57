/* judge_calls.c: a page's calls to the model. They belong to a claim that is there and to a document that goes on, a page is asked
 * about once at a time, and again only where, as often and as late as the table in domain/reason.h says. */
#include "judge.h"

#include <inttypes.h>

enum { SECOND_US = 1000 * 1000, BACKOFF_LEAST_US = SECOND_US * 3 / 4, BACKOFF_MOST_US = 60 * BACKOFF_LEAST_US };

/* The claim under which this node reads the page: its newest one. */
static const struct seen_claim *claim_for(const struct verdict *verdict, const struct node *node, uint32_t page)
{
    for (uint32_t i = verdict->claim_count; i-- > 0;) {
        const struct seen_claim *claim = &verdict->claims[i];
        if (claim->node == node->number && claim->incarnation == node->incarnation && page >= claim->first &&
            page <= claim->last)
            return claim;
    }
    return NULL;
}

static void judge_stop(struct sim *sim, const struct memory_document *document, const struct verdict *verdict,
                       const struct seen_claim *claim, uint32_t page)
{
    if (verdict->stopped_us && sim->now_us > verdict->stopped_us + SECOND_US)
        sim_fail(sim, "invariant 7: a model call for page %u of document %u begins %.3f s after its cancel", page,
                 verdict->script.number, (double)(sim->now_us - verdict->stopped_us) / 1e6);
    bool current = document->state.status == DM_STATUS_PROCESSING && document->state.epoch == claim->epoch;
    if (!current && sim->now_us > verdict->left_us + SECOND_US)
        sim_fail(sim, "invariant 7: a model call for page %u of document %u begins although it is %s in epoch %u", page,
                 verdict->script.number, dm_status_text(document->state.status), document->state.epoch);
    if (!current)
        return;
    if (claim->gone)
        sim_fail(sim, "invariant 3: page %u of document %u is read under claim %" PRIu64 ", which is no longer there",
                 page, verdict->script.number, claim->counter);
    if (verdict->fates[page] != PENDING)
        sim_fail(sim, "invariant 3: page %u of document %u has ended and is read again", page, verdict->script.number);
}

/* The page's earlier calls of this epoch. */
static void judge_repeat(struct sim *sim, struct verdict *verdict, const struct seen_claim *claim, uint32_t page)
{
    bool before = false;
    const struct seen_call *calls = sim->judge->calls;
    for (uint32_t i = verdict->calls[page]; i > 0; i = calls[i - 1].previous) {
        const struct seen_call *call = &calls[i - 1];
        if (call->epoch != claim->epoch || call->state == CALL_AGAIN)
            continue;
        before = true;
        const struct seen_claim *other = judge_claim(verdict, call->claim);
        if (call->claim == claim->counter || !other || !other->gone)
            sim_fail(sim,
                     "invariant 3: page %u of document %u is read again although its answer was good or is awaited",
                     page, verdict->script.number);
    }
    for (uint32_t i = 0; before && i < verdict->segment_count; i++)
        if (verdict->segments[i].page == page && verdict->segments[i].epoch == claim->epoch &&
            verdict->segments[i].put_us < claim->made_us)
            sim_fail(sim, "invariant 3: page %u of document %u is read again although a segment holds its answer", page,
                     verdict->script.number);
}

/* ---- the table of reasons ---- */

static uint32_t bit_of(enum dm_reason reason)
{
    return 1U << dm_reason_again(reason);
}

/* Another call of the page under the same claim. */
static void judge_again(struct sim *sim, const struct verdict *verdict, struct asked *asked,
                        const struct dm_model_request *request)
{
    const uint32_t page = request->page, number = verdict->script.number;
    const char *reason = dm_reason_text(asked->reason);
    bool once = asked->reason && dm_reason_retry(asked->reason) == DM_RETRY_ONCE;
    if (asked->attempts >= ATTEMPTS_MAX || asked->broken >= BROKEN_MAX)
        sim_fail(sim, "invariant 5: page %u of document %u is asked about after %u attempts and %u broken connections",
                 page, number, asked->attempts, asked->broken);
    if (sim->now_us < asked->not_before_us)
        sim_fail(sim, "invariant 5: page %u of document %u is asked about %.3f s too soon after `%s`", page, number,
                 (double)(asked->not_before_us - sim->now_us) / 1e6, reason);
    if (once && (asked->ways & bit_of(asked->reason)))
        sim_fail(sim, "invariant 5: page %u of document %u is asked about in the same way a third time, after `%s`",
                 page, number, reason);
    if (once) {
        asked->ways |= bit_of(asked->reason);
        asked->way = dm_reason_again(asked->reason);
    }
    if (request->again != asked->way)
        sim_fail(sim, "invariant 5: page %u of document %u is asked about in way %d instead of %d after `%s`", page,
                 number, (int)request->again, (int)asked->way, reason);
}

/* What fails while the provider is out of reach for everybody is no attempt of the page's. */
static void note_answer(const struct sim *sim, struct asked *asked, const struct line *line,
                        const struct dm_model_answer *answer)
{
    enum dm_retry retry = dm_reason_retry(answer->reason);
    int64_t wait_us = answer->retry_after_ms * 1000;
    bool broken = answer->reason == DM_REASON_NETWORK;
    asked->reason = answer->reason;
    if (answer->reason == DM_REASON_NONE)
        return;
    if (retry == DM_RETRY_LATER && judge_line_is_open(line)) {
        asked->unsure += judge_line_is_gone(sim, line);
        asked->outage_us = asked->outage_us ? asked->outage_us : sim->now_us;
    } else if (retry != DM_RETRY_PATIENTLY) {
        asked->outage_us = 0;
        *(broken ? &asked->broken : &asked->attempts) += 1;
    }
    if (retry == DM_RETRY_LATER || answer->reason == DM_REASON_OVERLOADED) {
        uint32_t before = broken ? asked->broken : asked->attempts;
        int64_t backoff_us = (int64_t)BACKOFF_LEAST_US << (before > 1 ? before - 1 : 0);
        backoff_us = backoff_us < BACKOFF_MOST_US ? backoff_us : BACKOFF_MOST_US;
        wait_us = wait_us > backoff_us ? wait_us : backoff_us;
    }
    asked->not_before_us = sim->now_us / 1000 * 1000 + wait_us;
}

static bool is_enough(const struct sim *sim, const struct asked *asked, enum dm_reason reason)
{
    uint32_t attempts = asked->attempts + asked->unsure, broken = asked->broken + asked->unsure;
    bool outage = asked->outage_us && sim->now_us - asked->outage_us >= (int64_t)DM_OUTAGE_PATIENCE_MS * 1000;
    if (asked->reason != reason)
        return false;
    switch (dm_reason_retry(reason)) {
    case DM_RETRY_ONCE:
        return attempts >= ATTEMPTS_MAX || (asked->ways & bit_of(reason));
    case DM_RETRY_LATER:
        return outage || (reason == DM_REASON_NETWORK ? broken >= BROKEN_MAX : attempts >= ATTEMPTS_MAX);
    default:
        return false; /* no run takes as long as a patient page waits */
    }
}

void judge_asked_enough(struct sim *sim, const struct verdict *verdict, const struct dm_page *page)
{
    const struct asked *asked = &verdict->asked[page->number];
    if (dm_reason_retry(page->reason) != DM_RETRY_NEVER && !is_enough(sim, asked, page->reason))
        sim_fail(sim, "invariant 5: page %u of document %u ends `%s` after %u attempts, the newest `%s`", page->number,
                 verdict->script.number, dm_reason_text(page->reason), asked->attempts + asked->broken,
                 dm_reason_text(asked->reason));
}

/* ---- calls ---- */

static uint32_t add_call(struct judge *judge, const struct seen_call *call)
{
    judge->calls = judge_grow(judge->calls, judge->call_count, &judge->call_room, sizeof(*judge->calls));
    judge->calls[judge->call_count] = *call;
    return judge->call_count++;
}

static void judge_reduction_begins(struct sim *sim, const struct verdict *verdict)
{
    if (verdict->reduction_put_epoch == verdict->epoch && verdict->reduction_put_us < verdict->lease_us)
        sim_fail(sim, "invariant 3: document %u is reduced again although its reduction is stored",
                 verdict->script.number);
}

static void judge_page_begins(struct sim *sim, struct node *node, const struct memory_document *document,
                              const struct dm_model_request *request, struct seen_call *call)
{
    struct verdict *verdict = call->verdict;
    const uint32_t page = request->page;
    char expected[128] = "";
    if (page != verdict->script.empty)
        script_page(&verdict->script, page, expected, sizeof(expected));
    if (!dm_str_eq(request->text, dm_str_z(expected)))
        sim_fail(sim, "invariant 6: page %u of document %u is sent to the model with the text \"%.*s\"", page,
                 verdict->script.number, DM_STR_ARG(request->text));
    const struct seen_claim *claim = claim_for(verdict, node, page);
    if (!claim) {
        sim_fail(sim, "invariant 3: page %u of document %u is read without a claim", page, verdict->script.number);
        return;
    }
    judge_stop(sim, document, verdict, claim, page);
    judge_repeat(sim, verdict, claim, page);
    struct asked *asked = &verdict->asked[page];
    if (claim->counter > asked->claim)
        *asked = (struct asked){ .claim = claim->counter };
    if (claim->counter == asked->claim)
        judge_again(sim, verdict, asked, request);
    call->page = page;
    call->epoch = claim->epoch;
    call->claim = claim->counter;
    call->previous = verdict->calls[page];
}

uint32_t judge_call(struct sim *sim, struct node *node, const struct dm_tenant *tenant,
                    const struct dm_model_request *request, uint32_t tokens)
{
    sim->model_calls++;
    struct memory_document *document = judge_find(sim, tenant, &request->file);
    struct seen_call call = { .verdict = document ? judge_verdict(sim, document) : NULL };
    if (document && request->task == DM_MODEL_PAGE)
        judge_page_begins(sim, node, document, request, &call);
    else if (document)
        judge_reduction_begins(sim, call.verdict);
    else if (request->task == DM_MODEL_PAGE)
        sim_fail(sim, "invariant 7: a model call for %s, which was removed long ago", request->file.id);
    judge_line_begins(sim, node, request->account, tokens, &call);
    uint32_t number = add_call(sim->judge, &call);
    if (call.page)
        call.verdict->calls[call.page] = number + 1;
    return number;
}

static void note_reduction(struct sim *sim, struct verdict *verdict)
{
    verdict->reductions = verdict->reduced_epoch == verdict->epoch ? verdict->reductions + 1 : 1;
    verdict->reduced_epoch = verdict->epoch;
    if (verdict->reductions > 1 && judge_undisturbed(sim))
        sim_fail(sim, "invariant 3: document %u is reduced %u times in epoch %u", verdict->script.number,
                 verdict->reductions, verdict->reduced_epoch);
}

void judge_answer(struct sim *sim, uint32_t number, const struct dm_model_answer *answer)
{
    struct seen_call *call = &sim->judge->calls[number];
    struct verdict *verdict = call->verdict;
    judge_line_answers(sim, call, answer);
    if (answer->reason == DM_REASON_NONE)
        call->state = CALL_DONE;
    else
        call->state = dm_reason_retry(answer->reason) == DM_RETRY_NEVER ? CALL_FINAL : CALL_AGAIN;
    if (!verdict)
        return;
    verdict->answers += answer->usage.model_calls;
    if (call->page == 0 && answer->reason == DM_REASON_NONE)
        note_reduction(sim, verdict);
    if (call->page && verdict->asked[call->page].claim == call->claim)
        note_answer(sim, &verdict->asked[call->page], call->line, answer);
}
