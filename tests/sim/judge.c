/* judge.c: what must always hold (docs/guarantees.md), looked at after every transaction; judge.h lists the other parts. */
#include "judge.h"

#include <inttypes.h>
#include <stdlib.h>

void *judge_grow(void *at, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room ? *room * 2 : 32;
    return realloc(at, *room * size);
}

struct verdict *judge_verdict(struct sim *sim, struct memory_document *document)
{
    if (document->judge)
        return document->judge;
    struct verdict *verdict = calloc(1, sizeof(*verdict));
    char text[512];
    snprintf(text, sizeof(text), "%.*s", DM_STR_ARG(document->document.metadata));
    if (!script_parse(text, &verdict->script))
        sim_fail(sim, "document %s has lost its metadata", document->file.id);
    verdict->next = sim->judge->verdicts;
    sim->judge->verdicts = verdict;
    document->judge = verdict;
    return verdict;
}

const struct script *judge_script(struct sim *sim, const struct memory_document *document)
{
    return &judge_verdict(sim, (struct memory_document *)(uintptr_t)document)->script;
}

struct memory_document *judge_find(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    return memory_store_find(sim->store, tenant, file);
}

uint32_t judge_open(const struct judge *judge)
{
    return judge->open;
}

uint32_t judge_open_of_others(const struct sim *sim)
{
    uint32_t open = 0;
    for (const struct verdict *verdict = sim->judge->verdicts; verdict; verdict = verdict->next)
        open += !provider_strikes(sim, verdict->script.tenant) && verdict->status != DM_STATUS_NONE &&
                !dm_status_is_final(verdict->status);
    return open;
}

/* Nothing in this run makes work be lost or done twice. */
bool judge_undisturbed(const struct sim *sim)
{
    const uint32_t disturbing = 1U << FAULT_CRASH | 1U << FAULT_STORE_FAILS | 1U << FAULT_STORE_FORGETS |
                                1U << FAULT_STORE_LATE | 1U << FAULT_STORE_SLOW | 1U << FAULT_BLOB_FAILS |
                                1U << FAULT_BLOB_AWAY | 1U << FAULT_BLOB_FULL | 1U << FAULT_FREEZE |
                                1U << FAULT_MEMORY | 1U << FAULT_DRAINS | 1U << FAULT_CLOCKS;
    return (sim->kinds & disturbing) == 0 && sim->crashes == 0;
}

/* ---- transactions ---- */

static void judge_numbers(struct sim *sim, const struct memory_document *document, const struct verdict *verdict)
{
    const struct dm_state *state = &document->state;
    uint32_t count[4] = { 0 };
    for (uint32_t page = 1; page <= state->total; page++)
        count[verdict->fates[page]]++;
    if (state->processed + state->failed + state->skipped + state->remaining != state->total)
        sim_fail(sim, "invariant 2: %u + %u + %u + %u is not %u in document %u", state->processed, state->failed,
                 state->skipped, state->remaining, state->total, verdict->script.number);
    else if (count[DONE] != state->processed || count[FAILED] != state->failed || count[SKIPPED] != state->skipped)
        sim_fail(sim, "invariant 2: document %u counts %u done, %u failed, %u skipped; there are %u, %u, %u of them",
                 verdict->script.number, state->processed, state->failed, state->skipped, count[DONE], count[FAILED],
                 count[SKIPPED]);
}

static void judge_events(struct sim *sim, const struct memory_document *document, const struct verdict *verdict)
{
    for (uint32_t i = 0; i < document->event_count; i++)
        if (document->events[i].seq != i + 1U)
            sim_fail(sim, "invariant 8: event %u of document %u has the number %" PRIu64, i + 1, verdict->script.number,
                     document->events[i].seq);
    if (document->state.seq != document->event_count)
        sim_fail(sim, "invariant 8: document %u has %u events and says %" PRIu64, verdict->script.number,
                 document->event_count, document->state.seq);
}

static bool may_follow(enum dm_status before, enum dm_status after)
{
    if (before == after)
        return before != DM_STATUS_CANCELLED;
    switch (after) {
    case DM_STATUS_PENDING:
        return before == DM_STATUS_NONE || before == DM_STATUS_CHUNKING || before == DM_STATUS_FAILED;
    case DM_STATUS_CHUNKING:
        return before == DM_STATUS_PENDING;
    case DM_STATUS_PROCESSING:
        return before == DM_STATUS_CHUNKING || before == DM_STATUS_COMPLETED || before == DM_STATUS_FAILED;
    case DM_STATUS_AGGREGATING:
        return before == DM_STATUS_PROCESSING;
    case DM_STATUS_COMPLETED:
        return before == DM_STATUS_AGGREGATING;
    case DM_STATUS_FAILED:
    case DM_STATUS_CANCELLED:
        return before != DM_STATUS_NONE && !dm_status_is_final(before);
    default:
        return false;
    }
}

/* Which pages are to be read again or for the first time, by WORK: an epoch begins. */
static void begin_epoch(struct verdict *verdict, const struct memory_document *document)
{
    for (uint32_t page = 1; page <= document->state.total && page <= PAGES_MAX; page++) {
        bool chosen = dm_ranges_have(document->work.chosen, page);
        if (chosen)
            verdict->fates[page] = PENDING;
        else if (!verdict->split)
            verdict->fates[page] = SKIPPED;
        if (chosen)
            verdict->losses[page] = 0;
    }
    verdict->split = true;
}

static void judge_state(struct sim *sim, const struct memory_document *document, struct verdict *verdict)
{
    const struct dm_state *state = &document->state;
    const uint32_t number = verdict->script.number;
    if (state->version != verdict->version + 1)
        sim_fail(sim, "document %u went from version %" PRIu64 " to %" PRIu64, number, verdict->version,
                 state->version);
    if (state->seq < verdict->seq)
        sim_fail(sim, "invariant 8: the seq of document %u goes back", number);
    if (!may_follow(verdict->status, state->status) &&
        !(verdict->status == state->status && verdict->seq == state->seq))
        sim_fail(sim, "document %u went from %s to %s", number, dm_status_text(verdict->status),
                 dm_status_text(state->status));
    bool was_open = verdict->status != DM_STATUS_NONE && !dm_status_is_final(verdict->status);
    sim->judge->open += !dm_status_is_final(state->status) - was_open;
    if (state->epoch != verdict->epoch || (verdict->status == DM_STATUS_PROCESSING && state->status != verdict->status))
        verdict->left_us = sim->now_us;
    if (state->status == DM_STATUS_PROCESSING &&
        (verdict->status != DM_STATUS_PROCESSING || state->epoch != verdict->epoch))
        begin_epoch(verdict, document);
    if (state->status == DM_STATUS_AGGREGATING && state->lease.counter && state->aggregations > 0 &&
        verdict->status == DM_STATUS_PROCESSING)
        verdict->taken = 0;
    verdict->taken = state->status == DM_STATUS_AGGREGATING ? state->aggregations : verdict->taken;
    if (state->status != verdict->status)
        sim_tell(sim, "document %u is %s%s%s", number, dm_status_text(state->status), state->reason ? ": " : "",
                 dm_reason_text(state->reason));
    if (state->lease.counter != verdict->lease)
        verdict->lease_us = sim->now_us;
    verdict->lease = state->lease.counter;
    verdict->version = state->version;
    verdict->seq = state->seq;
    verdict->epoch = state->epoch;
    enum dm_status before = verdict->status;
    verdict->status = state->status;
    if (state->status == DM_STATUS_PROCESSING && state->remaining == 0 && state->due_ms == 0)
        sim_fail(sim, "invariant 5: nobody will write the result of document %u", number);
    if (state->status == DM_STATUS_AGGREGATING && state->due_ms == 0)
        sim_fail(sim, "invariant 5: nobody will take over the result of document %u", number);
    if (state->status != before && state->status == DM_STATUS_COMPLETED)
        judge_document_completed(sim, document, verdict);
    if (state->status != before && state->status == DM_STATUS_FAILED)
        judge_document_failed(sim, verdict, state);
}

static const struct node *actor(const struct sim *sim)
{
    return sim->acting ? sim->acting : sim->running ? sim->running->node : NULL;
}

/* A late write is of the process that sent it, also where the node has been started anew since. */
static uint32_t actor_incarnation(const struct sim *sim)
{
    const struct node *node = actor(sim);
    return sim->acting ? sim->acting_incarnation : node ? node->incarnation : 0;
}

struct seen_claim *judge_claim(struct verdict *verdict, uint64_t counter)
{
    for (uint32_t i = 0; i < verdict->claim_count; i++)
        if (verdict->claims[i].counter == counter)
            return &verdict->claims[i];
    return NULL;
}

/* Nobody takes a claim from its owner before a whole lease without a renewal has gone by, whatever the clocks say. */
static void judge_taking(struct sim *sim, const struct dm_claim_write *write, const struct seen_claim *seen,
                         const struct verdict *verdict)
{
    const struct node *node = actor(sim);
    bool by_owner = node && node->number == seen->node && actor_incarnation(sim) == seen->incarnation;
    int64_t unrenewed_us = sim->now_us - seen->renewed_us;
    if ((!by_owner || write->kind == DM_CLAIM_TAKE) && unrenewed_us < (int64_t)DM_CLAIM_LEASE_MS * 1000)
        sim_fail(sim, "invariant 3: claim %" PRIu64 " of document %u is taken %.3f s after its owner renewed it",
                 seen->counter, verdict->script.number, (double)unrenewed_us / 1e6);
}

static void judge_claims(struct sim *sim, const struct dm_transaction *transaction, struct verdict *verdict)
{
    for (uint32_t i = 0; i < transaction->claim_count; i++) {
        const struct dm_claim_write *write = &transaction->claims[i];
        struct seen_claim *seen = judge_claim(verdict, write->claim.counter);
        if (write->kind == DM_CLAIM_INSERT) {
            if (seen) {
                sim_fail(sim, "document %u: claim %" PRIu64 " is made a second time", verdict->script.number,
                         write->claim.counter);
                return;
            }
            verdict->claims =
                judge_grow(verdict->claims, verdict->claim_count, &verdict->claim_room, sizeof(*verdict->claims));
            const struct node *node = actor(sim);
            verdict->claims[verdict->claim_count++] = (struct seen_claim){ .counter = write->claim.counter,
                                                                           .epoch = write->claim.epoch,
                                                                           .first = write->claim.first,
                                                                           .last = write->claim.last,
                                                                           .losses = write->claim.losses,
                                                                           .node = node ? node->number : 99,
                                                                           .incarnation = actor_incarnation(sim),
                                                                           .made_us = sim->now_us,
                                                                           .renewed_us = sim->now_us };
            sim_tell(sim, "document %u: claim %" PRIu64 " of pages %u-%u", verdict->script.number, write->claim.counter,
                     write->claim.first, write->claim.last);
        } else if (write->kind == DM_CLAIM_RENEW && seen) {
            seen->renewed_us = sim->now_us;
        } else if ((write->kind == DM_CLAIM_DELETE || write->kind == DM_CLAIM_TAKE) && seen) {
            seen->gone = true;
            bool given_back =
                transaction->page_count == 0 && transaction->work &&
                (seen->first > 0 || (transaction->state && transaction->state->status != DM_STATUS_PROCESSING &&
                                     !(transaction->state->status == DM_STATUS_FAILED &&
                                       transaction->state->reason != DM_REASON_CRASHED)));
            if (given_back)
                judge_taking(sim, write, seen, verdict);
            bool crashed = transaction->page_count == 1 && transaction->pages[0].reason == DM_REASON_CRASHED;
            for (uint32_t page = seen->first; (given_back || crashed) && page <= seen->last; page++)
                verdict->losses[page]++;
        }
    }
}

/* Whoever ends a page owns it: its claim is there, or goes in this very transaction. */
static bool is_owned(const struct memory_document *document, const struct dm_transaction *transaction,
                     const struct dm_page *page)
{
    for (uint32_t i = 0; i < transaction->claim_count; i++)
        if (page->number >= transaction->claims[i].claim.first && page->number <= transaction->claims[i].claim.last &&
            page->epoch == transaction->claims[i].claim.epoch)
            return true;
    for (uint32_t i = 0; i < document->claim_count; i++)
        if (page->number >= document->claims[i].first && page->number <= document->claims[i].last &&
            page->epoch == document->claims[i].epoch)
            return true;
    return false;
}

static void judge_pages(struct sim *sim, const struct memory_document *document,
                        const struct dm_transaction *transaction, struct verdict *verdict)
{
    for (uint32_t i = 0; i < transaction->page_count; i++) {
        const struct dm_page *page = &transaction->pages[i];
        if (page->number < 1 || page->number > document->state.total || page->epoch != document->state.epoch ||
            verdict->fates[page->number] != PENDING) {
            sim_fail(sim, "invariant 2: page %u of document %u ends twice in epoch %u, or was not to be read",
                     page->number, verdict->script.number, page->epoch);
            return;
        }
        if (!is_owned(document, transaction, page))
            sim_fail(sim, "invariant 3: page %u of document %u is ended by somebody who has no claim on it",
                     page->number, verdict->script.number);
        verdict->fates[page->number] = page->status == DM_PAGE_DONE ? DONE : FAILED;
        judge_page_ended(sim, verdict, page);
        if (page->status == DM_PAGE_FAILED)
            judge_asked_enough(sim, verdict, page);
        if (page->length == 0)
            continue;
        struct dm_str bytes;
        if (!memory_blob_find(sim->blob, &document->tenant, page->segment, &bytes) ||
            page->offset + page->length > bytes.len)
            sim_fail(sim, "invariant 1: page %u of document %u is done and its segment is not there", page->number,
                     verdict->script.number);
    }
}

/* Every page that is to be read is in exactly one place where somebody will find it. */
static void judge_work(struct sim *sim, const struct memory_document *document, const struct verdict *verdict)
{
    const struct dm_work *work = &document->work;
    const struct dm_state *state = &document->state;
    const uint32_t number = verdict->script.number;
    bool waiting = work->split_needed || dm_ranges_next(work->chosen, work->cursor) != 0;
    /* Documents that nothing can be claimed of would stand before those that wait, for ever. */
    if (dm_status_is_final(state->status) && work->key == DM_WORK_READY)
        sim_fail(sim, "invariant 5: document %u is %s and is listed as ready", number, dm_status_text(state->status));
    if (dm_status_is_final(state->status) || document->document.deleted_ms)
        return;
    for (uint32_t i = 0; i < work->returned_count; i++)
        waiting = waiting || work->returned[i].due_ms == 0;
    if (waiting && work->key != DM_WORK_READY)
        sim_fail(sim, "invariant 5: document %u has something to claim and is not listed as ready", number);
    if (!waiting && (document->claim_count || work->returned_count) && work->key == DM_WORK_IDLE)
        sim_fail(sim, "invariant 5: document %u has claims out and nobody will look after them", number);
    if (state->status == DM_STATUS_PENDING && !work->split_needed)
        sim_fail(sim, "invariant 5: document %u is pending and its split cannot be claimed", number);
    for (uint32_t page = 1; state->status == DM_STATUS_PROCESSING && page <= state->total && !sim->failed; page++) {
        uint32_t places = page >= work->cursor && dm_ranges_have(work->chosen, page);
        if (verdict->fates[page] != PENDING && places)
            sim_fail(sim, "page %u of document %u has ended and can be claimed", page, number);
        for (uint32_t i = 0; i < work->returned_count; i++)
            places += page >= work->returned[i].first && page <= work->returned[i].last;
        for (uint32_t i = 0; i < document->claim_count; i++)
            places += document->claims[i].epoch == state->epoch && page >= document->claims[i].first &&
                      page <= document->claims[i].last;
        if (verdict->fates[page] == PENDING && places != 1)
            sim_fail(sim, "invariant 5: page %u of document %u is to be read and is in %u places", page, number,
                     places);
    }
}

static void committed(void *context, struct memory_document *document, const struct dm_transaction *transaction)
{
    struct sim *sim = context;
    if (document->erased || sim->failed)
        return;
    const struct dm_allocator *before = dm_allocator_use(NULL);
    struct verdict *verdict = judge_verdict(sim, document);
    judge_claims(sim, transaction, verdict);
    if (transaction->state)
        judge_state(sim, document, verdict);
    judge_pages(sim, document, transaction, verdict);
    judge_numbers(sim, document, verdict);
    judge_events(sim, document, verdict);
    judge_work(sim, document, verdict);
    dm_allocator_use(before);
}

struct judge *judge_make(struct sim *sim)
{
    struct judge *judge = calloc(1, sizeof(*judge));
    memory_store_observe(sim->store, committed, sim);
    return judge;
}

void judge_free(struct judge *judge)
{
    while (judge->verdicts) {
        struct verdict *verdict = judge->verdicts;
        judge->verdicts = verdict->next;
        free(verdict->claims);
        free(verdict->segments);
        free(verdict);
    }
    judge_lines_free(judge);
    free(judge->calls);
    free(judge);
}
