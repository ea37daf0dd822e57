/* judge_ends.c: what a page and a document may end as, and that results say so. */
#include "judge.h"

#include <inttypes.h>

#include "base/json.h"

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
    static const enum dm_reason of_model[] = { DM_REASON_EMPTY_ANSWER,    DM_REASON_TRUNCATED,  DM_REASON_INVALID_JSON,
                                               DM_REASON_SCHEMA_MISMATCH, DM_REASON_RECITATION, DM_REASON_NETWORK,
                                               DM_REASON_MODEL_TIMEOUT };
    static const enum dm_reason of_reader[] = { DM_REASON_TIMEOUT, DM_REASON_CRASHED, DM_REASON_INTERNAL };
    const struct script *script = &verdict->script;
    if ((page == script->damaged && reason == DM_REASON_DAMAGED) ||
        (page == script->hanging && reason == DM_REASON_TIMEOUT) ||
        (page == script->crashing && reason == DM_REASON_CRASHED) ||
        (page == script->oversized && reason == DM_REASON_TOO_LARGE) ||
        (page == script->mute && reason == DM_REASON_MODEL_TIMEOUT) ||
        (page == script->wrong && dm_reason_retry(reason) == DM_RETRY_ONCE) ||
        (page == script->blocked && reason == DM_REASON_BLOCKED))
        return true;
    if (reason == DM_REASON_CRASHED && verdict->losses[page] >= DM_PAGE_LOSSES_MAX)
        return true;
    return (sim_has(sim, FAULT_MODEL) && is_one_of(reason, of_model, sizeof(of_model) / sizeof(of_model[0]))) ||
           (sim_has(sim, FAULT_MEMORY) && reason == DM_REASON_NETWORK) ||
           (sim_has(sim, FAULT_PROVIDER) && (reason == DM_REASON_NETWORK || reason == DM_REASON_MODEL_TIMEOUT)) ||
           (sim_has(sim, FAULT_READER) && is_one_of(reason, of_reader, sizeof(of_reader) / sizeof(of_reader[0])));
}

static bool must_fail(const struct script *script, uint32_t page)
{
    /* What the model would refuse it is not asked about where there is nothing on the page. */
    bool refused =
        page == script->blocked || page == script->oversized || page == script->mute || page == script->wrong;
    return page == script->damaged || page == script->hanging || page == script->crashing || page == script->killing ||
           (refused && page != script->empty);
}

void judge_page_ended(struct sim *sim, const struct verdict *verdict, const struct dm_page *page)
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

void judge_document_failed(struct sim *sim, const struct verdict *verdict, const struct dm_state *state)
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

void judge_document_completed(struct sim *sim, const struct memory_document *document, const struct verdict *verdict)
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
