/* judge_rest.c: what must be there, and what must not, after everything has ended and every node has stopped. */
#include "judge.h"

#include <inttypes.h>

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
    if (judge_undisturbed(sim) && document->state.usage.model_calls != verdict->answers)
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
    const struct memory_document *document = judge_find(sim, tenant, &file);
    if (!document || document->erased) {
        if (judge_undisturbed(sim))
            sim_fail(sim, "%.*s is left behind: its document is not there", DM_STR_ARG(key));
        return;
    }
    if (judge_undisturbed(sim) && (sim->rested || document->state.status == DM_STATUS_COMPLETED) &&
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
