/* judge.c: what must always hold (docs/guarantees.md), looked at after every transaction, blob and model call.
 *
 * The judge keeps its own account of every page's fate and does not believe the counters that it checks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "domain/limits.h"
#include "sim.h"

enum { SECOND_US = 1000 * 1000 };

enum fate { PENDING, DONE, FAILED, SKIPPED };

/* A claim as the judge saw it made. */
struct seen_claim {
    uint64_t counter;
    uint32_t epoch, first, last, losses;
    uint32_t node, incarnation;
    int64_t made_us;
    int64_t renewed_us;
    bool gone;
};

struct seen_segment {
    uint32_t page, epoch;
    int64_t put_us;
};

/* What the judge knows of a document. */
struct verdict {
    struct script script;
    bool accepted;      /* its upload was acknowledged */
    int64_t stopped_us; /* a cancel or delete was acknowledged; 0: no */
    int64_t left_us;    /* when it last left `processing` or changed its epoch */
    enum dm_status status;
    uint32_t epoch;
    uint64_t version, seq;
    bool split; /* its pages are known */
    enum fate fates[PAGES_MAX + 2];
    uint32_t losses[PAGES_MAX + 2]; /* how often a claim of the page was given back */
    uint32_t taken;                 /* how often its result was taken up */
    struct seen_claim *claims;
    uint32_t claim_count, claim_room;
    struct seen_segment *segments;
    uint32_t segment_count, segment_room;
    uint64_t answers;                   /* delivered by the model */
    uint32_t reductions, reduced_epoch; /* made in that epoch; one that failed may be asked for again */
    uint32_t reduction_put_epoch;       /* the newest that is stored, and since when */
    int64_t reduction_put_us;
    uint64_t lease;   /* the newest aggregator's */
    int64_t lease_us; /* when it was taken */
    struct verdict *next;
};

enum call_state { CALL_OUT, CALL_DONE, CALL_AGAIN, CALL_FINAL };

struct seen_call {
    struct verdict *verdict;
    uint32_t page, epoch;
    uint64_t claim;
    enum call_state state;
};

struct judge {
    struct verdict *verdicts;
    struct seen_call *calls;
    uint32_t call_count, call_room;
    uint32_t open;
};

static void *grow(void *at, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room ? *room * 2 : 32;
    return realloc(at, *room * size);
}

static struct verdict *verdict_of(struct sim *sim, struct memory_document *document)
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
    return &verdict_of(sim, (struct memory_document *)(uintptr_t)document)->script;
}

static struct memory_document *find(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    return memory_store_find(sim->store, tenant, file);
}

uint32_t judge_open(const struct judge *judge)
{
    return judge->open;
}

/* Nothing in this run makes work be lost or done twice. */
static bool undisturbed(const struct sim *sim)
{
    const uint32_t disturbing = 1U << FAULT_CRASH | 1U << FAULT_STORE_FAILS | 1U << FAULT_STORE_FORGETS |
                                1U << FAULT_STORE_LATE | 1U << FAULT_STORE_SLOW | 1U << FAULT_BLOB_FAILS |
                                1U << FAULT_BLOB_AWAY | 1U << FAULT_BLOB_FULL | 1U << FAULT_FREEZE |
                                1U << FAULT_MEMORY | 1U << FAULT_DRAINS | 1U << FAULT_CLOCKS;
    return (sim->kinds & disturbing) == 0 && sim->crashes == 0;
}

/* ---- what a page and a document may end as ---- */

static bool is_one_of(enum dm_reason reason, const enum dm_reason *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == reason)
            return true;
    return false;
}

static bool reason_possible(const struct sim *sim, const struct verdict *verdict, uint32_t page, enum dm_reason reason)
{
    static const enum dm_reason of_model[] = { DM_REASON_OVERLOADED,   DM_REASON_NETWORK,
                                               DM_REASON_EMPTY_ANSWER, DM_REASON_TRUNCATED,
                                               DM_REASON_INVALID_JSON, DM_REASON_SCHEMA_MISMATCH,
                                               DM_REASON_MODEL_TIMEOUT };
    static const enum dm_reason of_reader[] = { DM_REASON_TIMEOUT, DM_REASON_CRASHED, DM_REASON_INTERNAL };
    const struct script *script = &verdict->script;
    if ((page == script->damaged && reason == DM_REASON_DAMAGED) ||
        (page == script->hanging && reason == DM_REASON_TIMEOUT) ||
        (page == script->crashing && reason == DM_REASON_CRASHED) ||
        (page == script->blocked && reason == DM_REASON_BLOCKED))
        return true;
    if (reason == DM_REASON_CRASHED && verdict->losses[page] >= DM_PAGE_LOSSES_MAX)
        return true;
    return (sim_has(sim, FAULT_MODEL) && is_one_of(reason, of_model, sizeof(of_model) / sizeof(of_model[0]))) ||
           (sim_has(sim, FAULT_MEMORY) && reason == DM_REASON_NETWORK) ||
           (sim_has(sim, FAULT_READER) && is_one_of(reason, of_reader, sizeof(of_reader) / sizeof(of_reader[0])));
}

static bool must_fail(const struct script *script, uint32_t page)
{
    /* What the model would refuse it is not asked about where there is nothing on the page. */
    return page == script->damaged || page == script->hanging || page == script->crashing || page == script->killing ||
           (page == script->blocked && page != script->empty);
}

static void judge_page(struct sim *sim, const struct verdict *verdict, const struct dm_page *page)
{
    const struct script *script = &verdict->script;
    if (page->status == DM_PAGE_DONE && must_fail(script, page->number))
        sim_fail(sim, "invariant 4: page %u of document %u cannot be read and was read", page->number, script->number);
    if (page->status == DM_PAGE_FAILED && !reason_possible(sim, verdict, page->number, page->reason))
        sim_fail(sim, "invariant 10: page %u of document %u ended `%s` (%.*s), and nothing in this run makes it so",
                 page->number, script->number, dm_reason_text(page->reason), DM_STR_ARG(page->detail));
    if (page->status == DM_PAGE_DONE && page->length == 0)
        sim_fail(sim, "invariant 4: page %u of document %u is done without an analysis", page->number, script->number);
}

static void judge_failure(struct sim *sim, const struct verdict *verdict, const struct dm_state *state)
{
    const struct script *script = &verdict->script;
    enum dm_reason reason = state->reason;
    bool fits = (script->encrypted && reason == DM_REASON_ENCRYPTED) ||
                (script->nothing && reason == DM_REASON_NO_PAGES) ||
                (script->choice[0] && reason == DM_REASON_NO_PAGES) ||
                (script->pages > PAGES_MAX - 10 && reason == DM_REASON_TOO_LARGE) ||
                (reason == DM_REASON_CRASHED && verdict->losses[0] >= DM_PAGE_LOSSES_MAX) ||
                (reason == DM_REASON_INTERNAL && verdict->taken > DM_AGGREGATIONS_MAX) ||
                (state->total == 0 && sim_has(sim, FAULT_READER) &&
                 (reason == DM_REASON_TIMEOUT || reason == DM_REASON_CRASHED || reason == DM_REASON_INTERNAL));
    for (uint32_t page = 1; page <= state->total && !fits; page++)
        fits = verdict->fates[page] == FAILED && reason_possible(sim, verdict, page, reason);
    if (!fits)
        sim_fail(sim, "document %u ended `%s` (%s), and nothing in this run makes it so", script->number,
                 dm_reason_text(reason), state->detail);
    if (state->processed > 0 && verdict->taken <= DM_AGGREGATIONS_MAX)
        sim_fail(sim, "document %u failed although %u of its pages are done", script->number, state->processed);
}

/* ---- results ---- */

static void judge_result(struct sim *sim, const struct memory_document *document, const struct verdict *verdict)
{
    static const char *const words[] = { "pending", "done", "failed", "skipped" };
    const struct dm_state *state = &document->state;
    const struct dm_blob_key key = dm_key_results(&document->file, state->epoch, ".json");
    struct dm_str bytes;
    if (!memory_blob_find(sim->blob, &document->tenant, dm_str_z(key.text), &bytes)) {
        sim_fail(sim, "invariant 4: document %u is completed and has no result", verdict->script.number);
        return;
    }
    if (state->result_epoch != state->epoch || state->result_bytes != bytes.len)
        sim_fail(sim,
                 "invariant 4: document %u names the result of epoch %u with %" PRIu64 " bytes; it is of %u with %zu",
                 verdict->script.number, state->result_epoch, state->result_bytes, state->epoch, bytes.len);
    json_auto_t *result = NULL;
    struct dm_err err;
    if (dm_json_parse(bytes, "a result", &result, &err) != DM_OK) {
        sim_fail(sim, "invariant 4: the result of document %u: %s", verdict->script.number, err.text);
        return;
    }
    const json_t *chunks = json_object_get(result, "chunks");
    if (json_array_size(chunks) != state->total || dm_json_int(result, "totalPages", -1) != state->total ||
        dm_json_int(result, "successCount", -1) != state->processed ||
        dm_json_int(result, "failedCount", -1) != state->failed)
        sim_fail(sim, "invariant 4: the result of document %u does not count as the ledger does",
                 verdict->script.number);
    for (uint32_t page = 1; page <= state->total && !sim->failed; page++) {
        const json_t *chunk = json_array_get(chunks, page - 1);
        char text[128] = "";
        if (page != verdict->script.empty)
            script_page(&verdict->script, page, text, sizeof(text));
        enum fate fate = verdict->fates[page];
        if (dm_json_int(chunk, "pageNumber", 0) != page ||
            !dm_str_eq(dm_json_str(chunk, "status"), dm_str_z(words[fate])))
            sim_fail(sim, "invariant 4: page %u of document %u is %s in the ledger and not in the result", page,
                     verdict->script.number, words[fate]);
        else if (fate == DONE && !dm_str_eq(dm_json_str(json_object_get(chunk, "analysis"), "summary"), dm_str_z(text)))
            sim_fail(sim, "invariant 6: page %u of document %u has another page's analysis", page,
                     verdict->script.number);
    }
}

void judge_result_written(struct sim *sim, struct dm_str key, struct dm_str before, struct dm_str after)
{
    if (before.at && !dm_str_eq(before, after))
        sim_fail(sim, "invariant 4: %.*s was written again with other bytes", DM_STR_ARG(key));
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
        judge_result(sim, document, verdict);
    if (state->status != before && state->status == DM_STATUS_FAILED)
        judge_failure(sim, verdict, state);
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

static struct seen_claim *seen_claim(struct verdict *verdict, uint64_t counter)
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
        struct seen_claim *seen = seen_claim(verdict, write->claim.counter);
        if (write->kind == DM_CLAIM_INSERT) {
            if (seen) {
                sim_fail(sim, "document %u: claim %" PRIu64 " is made a second time", verdict->script.number,
                         write->claim.counter);
                return;
            }
            verdict->claims =
                grow(verdict->claims, verdict->claim_count, &verdict->claim_room, sizeof(*verdict->claims));
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
        judge_page(sim, verdict, page);
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
    struct verdict *verdict = verdict_of(sim, document);
    judge_claims(sim, transaction, verdict);
    if (transaction->state)
        judge_state(sim, document, verdict);
    judge_pages(sim, document, transaction, verdict);
    judge_numbers(sim, document, verdict);
    judge_events(sim, document, verdict);
    judge_work(sim, document, verdict);
    dm_allocator_use(before);
}

/* ---- model calls ---- */

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

static void judge_repeat(struct sim *sim, struct verdict *verdict, const struct seen_claim *claim, uint32_t page)
{
    bool before = false;
    for (uint32_t i = 0; i < sim->judge->call_count; i++) {
        const struct seen_call *call = &sim->judge->calls[i];
        if (call->verdict != verdict || call->page != page || call->epoch != claim->epoch || call->state == CALL_AGAIN)
            continue;
        before = true;
        const struct seen_claim *other = seen_claim(verdict, call->claim);
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

uint32_t judge_call(struct sim *sim, struct node *node, const struct dm_tenant *tenant, const struct dm_file *file,
                    uint32_t page, struct dm_str text)
{
    struct judge *judge = sim->judge;
    sim->model_calls++;
    struct memory_document *document = find(sim, tenant, file);
    if (!document) {
        sim_fail(sim, "invariant 7: a model call for %s, which was removed long ago", file->id);
        return UINT32_MAX;
    }
    struct verdict *verdict = verdict_of(sim, document);
    char expected[128] = "";
    if (page != verdict->script.empty)
        script_page(&verdict->script, page, expected, sizeof(expected));
    if (!dm_str_eq(text, dm_str_z(expected)))
        sim_fail(sim, "invariant 6: page %u of document %u is sent to the model with the text \"%.*s\"", page,
                 verdict->script.number, DM_STR_ARG(text));
    const struct seen_claim *claim = claim_for(verdict, node, page);
    if (!claim) {
        sim_fail(sim, "invariant 3: page %u of document %u is read without a claim", page, verdict->script.number);
        return UINT32_MAX;
    }
    judge_stop(sim, document, verdict, claim, page);
    judge_repeat(sim, verdict, claim, page);
    judge->calls = grow(judge->calls, judge->call_count, &judge->call_room, sizeof(*judge->calls));
    judge->calls[judge->call_count] = (struct seen_call){ verdict, page, claim->epoch, claim->counter, CALL_OUT };
    return judge->call_count++;
}

void judge_answer(struct sim *sim, uint32_t number, enum dm_reason reason)
{
    if (number >= sim->judge->call_count)
        return;
    struct seen_call *call = &sim->judge->calls[number];
    call->verdict->answers++;
    if (reason == DM_REASON_NONE)
        call->state = CALL_DONE;
    else
        call->state = dm_reason_retry(reason) == DM_RETRY_NEVER ? CALL_FINAL : CALL_AGAIN;
}

void judge_reduction_begins(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct memory_document *document = find(sim, tenant, file);
    if (!document)
        return;
    const struct verdict *verdict = verdict_of(sim, document);
    if (verdict->reduction_put_epoch == verdict->epoch && verdict->reduction_put_us < verdict->lease_us)
        sim_fail(sim, "invariant 3: document %u is reduced again although its reduction is stored",
                 verdict->script.number);
}

struct reduced {
    struct dm_file file;
    enum dm_reason reason;
};

static void note_reduction(void *context, struct memory_document *document)
{
    const struct reduced *reduced = context;
    struct verdict *verdict = document->judge;
    if (!verdict || !dm_file_eq(&document->file, &reduced->file))
        return;
    verdict->answers++;
    if (reduced->reason != DM_REASON_NONE)
        return;
    verdict->reductions = verdict->reduced_epoch == verdict->epoch ? verdict->reductions + 1 : 1;
    verdict->reduced_epoch = verdict->epoch;
}

static void reduced_once(void *context, struct memory_document *document)
{
    const struct verdict *verdict = document->judge;
    if (verdict && verdict->reductions > 1)
        sim_fail(context, "invariant 3: document %u is reduced %u times in epoch %u", verdict->script.number,
                 verdict->reductions, verdict->reduced_epoch);
}

void judge_reduction(struct sim *sim, const struct dm_file *file, enum dm_reason reason)
{
    struct reduced reduced = { *file, reason };
    memory_store_each(sim->store, note_reduction, &reduced);
    if (undisturbed(sim))
        memory_store_each(sim->store, reduced_once, sim);
}

/* ---- blobs ---- */

/* What is kept of a page can be read again. */
static void judge_line(struct sim *sim, const struct verdict *verdict, struct dm_str line)
{
    const struct dm_allocator *before = dm_allocator_use(NULL);
    json_t *object = NULL;
    struct dm_err err;
    if (dm_json_parse(line, "a line", &object, &err) != DM_OK)
        sim_fail(sim, "invariant 4: a segment of document %u has a line that is no JSON: %.*s", verdict->script.number,
                 DM_STR_ARG(line));
    json_decref(object);
    dm_allocator_use(before);
}

void judge_segment(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes)
{
    uint32_t epoch = dm_key_segment_epoch(key);
    struct dm_file file;
    bool reduction = dm_str_find(key, DM_STR("/reduction-")) < key.len;
    if ((epoch == 0 && !reduction) ||
        dm_file_parse(dm_str_cut(key, 0, dm_str_find_char(key, '/')), &file, NULL) != DM_OK)
        return;
    struct memory_document *document = find(sim, tenant, &file);
    if (!document)
        return;
    struct verdict *verdict = verdict_of(sim, document);
    if (reduction) {
        verdict->reduction_put_epoch = verdict->epoch;
        verdict->reduction_put_us = sim->now_us;
        return;
    }
    struct dm_str line;
    while (dm_str_next(&bytes, '\n', &line)) {
        const struct dm_str mark = DM_STR("{\"pageNumber\":");
        if (!dm_str_starts(line, mark))
            continue;
        judge_line(sim, verdict, line);
        verdict->segments =
            grow(verdict->segments, verdict->segment_count, &verdict->segment_room, sizeof(*verdict->segments));
        verdict->segments[verdict->segment_count++] =
            (struct seen_segment){ (uint32_t)strtoul(line.at + mark.len, NULL, 10), epoch, sim->now_us };
    }
}

struct owner_check {
    struct dm_file file;
    const struct dm_tenant *tenant;
    bool foreign;
};

static void check_owner(void *context, struct memory_document *document)
{
    struct owner_check *check = context;
    if (dm_file_eq(&document->file, &check->file) && !dm_tenant_eq(&document->tenant, check->tenant))
        check->foreign = true;
}

void judge_blob(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key)
{
    struct owner_check check = { .tenant = tenant };
    if (dm_file_parse(dm_str_cut(key, 0, dm_str_find_char(key, '/')), &check.file, NULL) != DM_OK) {
        sim_fail(sim, "a blob is called %.*s", DM_STR_ARG(key));
        return;
    }
    memory_store_each(sim->store, check_owner, &check);
    if (check.foreign)
        sim_fail(sim, "invariant 6: %s asks for %.*s, which is another tenant's", tenant->id, DM_STR_ARG(key));
}

/* ---- acknowledgements ---- */

void judge_upload_accepted(struct sim *sim, const struct script *script, const struct dm_tenant *tenant,
                           const struct dm_file *file)
{
    struct memory_document *document = find(sim, tenant, file);
    const struct dm_blob_key key = dm_key_source(file);
    struct dm_str bytes;
    char text[512];
    script_text(script, text, sizeof(text));
    if (!document) {
        sim_fail(sim, "invariant 1: document %u was accepted and is not in the ledger", script->number);
        return;
    }
    struct verdict *verdict = verdict_of(sim, document);
    verdict->accepted = true;
    if (verdict->script.number != script->number)
        sim_fail(sim, "invariant 1: the upload of document %u is answered with document %u", script->number,
                 verdict->script.number);
    if (!document->state.gone && !document->document.deleted_ms &&
        (!memory_blob_find(sim->blob, tenant, dm_str_z(key.text), &bytes) || !dm_str_eq(bytes, dm_str_z(text))))
        sim_fail(sim, "invariant 1: document %u was accepted and its bytes are not there", script->number);
}

void judge_stopped(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct memory_document *document = find(sim, tenant, file);
    if (!document)
        return;
    struct verdict *verdict = verdict_of(sim, document);
    if (!verdict->stopped_us)
        verdict->stopped_us = sim->now_us;
    if (!dm_status_is_final(document->state.status))
        sim_fail(sim, "invariant 7: document %u was stopped and is %s", verdict->script.number,
                 dm_status_text(document->state.status));
}

/* ---- at rest ---- */

static void same_document(struct sim *sim, const struct verdict *verdict)
{
    for (const struct verdict *other = verdict->next; other; other = other->next)
        if (verdict->script.keyed && other->script.number == verdict->script.number)
            sim_fail(sim, "invariant 1: document %u was uploaded under a key and is there twice",
                     verdict->script.number);
}

/* What the ledger names is there as long as retention has not taken it. */
static void look_at_segments(struct sim *sim, const struct memory_document *document)
{
    for (uint32_t i = 0; i < document->page_count; i++) {
        const struct dm_page *page = &document->pages[i];
        struct dm_str bytes;
        if (page->length && (!memory_blob_find(sim->blob, &document->tenant, page->segment, &bytes) ||
                             page->offset + page->length > bytes.len))
            sim_fail(sim, "invariant 1: page %u of a document is done and its segment is gone", page->number);
    }
}

static void look_at_rest(void *context, struct memory_document *document)
{
    struct sim *sim = context;
    const struct verdict *verdict = document->judge;
    const uint32_t number = verdict->script.number;
    if (!dm_status_is_final(document->state.status))
        sim_fail(sim, "invariant 5: document %u is %s for ever", number, dm_status_text(document->state.status));
    if (undisturbed(sim) && document->state.usage.model_calls != verdict->answers)
        sim_fail(sim, "invariant 7: document %u was answered %" PRIu64 " times and accounts for %" PRIu64, number,
                 verdict->answers, document->state.usage.model_calls);
    if (!document->document.deleted_ms && !(document->state.gone & DM_GONE_PAGES) && !sim->retention_ms)
        look_at_segments(sim, document);
    if (sim->rested && document->document.deleted_ms)
        sim_fail(sim, "document %u was deleted hours ago and is still there", number);
    if (sim->rested && document->claim_count > 0)
        sim_fail(sim, "document %u ended hours ago and %u claims on it are still there", number, document->claim_count);
    if (sim->rested && sim->retention_ms)
        sim_fail(sim, "document %u should have gone with retention; status %s, gone %u", number,
                 dm_status_text(document->state.status), document->state.gone);
}

static bool named(const struct memory_document *document, struct dm_str key)
{
    for (uint32_t i = 0; i < document->page_count; i++)
        if (dm_str_eq(document->pages[i].segment, key))
            return true;
    return false;
}

static void look_at_blob(void *context, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes)
{
    struct sim *sim = context;
    (void)bytes;
    struct dm_file file;
    if (dm_file_parse(dm_str_cut(key, 0, dm_str_find_char(key, '/')), &file, NULL) != DM_OK)
        return;
    const struct memory_document *document = find(sim, tenant, &file);
    if (!document || document->erased) {
        if (undisturbed(sim))
            sim_fail(sim, "%.*s is left behind: its document is not there", DM_STR_ARG(key));
        return;
    }
    if (undisturbed(sim) && (sim->rested || document->state.status == DM_STATUS_COMPLETED) &&
        dm_key_segment_epoch(key) && !named(document, key))
        sim_fail(sim, "%.*s is left behind: no page names it", DM_STR_ARG(key));
}

void judge_at_rest(struct sim *sim)
{
    for (const struct verdict *verdict = sim->judge->verdicts; verdict; verdict = verdict->next)
        same_document(sim, verdict);
    memory_store_each(sim->store, look_at_rest, sim);
    memory_blob_each(sim->blob, look_at_blob, sim);
    if (memory_blob_sinks(sim->blob) != 0)
        sim_fail(sim, "%u sinks were never finished or abandoned", memory_blob_sinks(sim->blob));
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
    free(judge->calls);
    free(judge);
}
