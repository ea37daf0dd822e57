/* document.c: what a client asks of a document: read, cancel, retry, delete. One transaction each. */
#include "base/log.h"
#include "domain/limits.h"
#include "step.h"

enum { PAGES_A_READ = 500 };

enum dm_code dm_document_read(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                              const struct dm_file *file, unsigned parts, struct dm_arena *arena,
                              struct dm_snapshot *ret, struct dm_err *err)
{
    struct dm_snapshot snapshot;
    enum dm_code rc =
        dm_store_read(pipeline->ports.store, tenant, file, parts | DM_PART_DOCUMENT, arena, &snapshot, err);
    if (rc == DM_OK && snapshot.document.deleted_ms)
        rc = dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    if (rc == DM_OK)
        *ret = snapshot;
    return rc;
}

enum dm_code dm_document_owner(const struct dm_pipeline *pipeline, const struct dm_file *file, struct dm_tenant *ret,
                               struct dm_err *err)
{
    return dm_operator_owner(pipeline->ports.op, file, ret, err);
}

static enum dm_code decide_cancel(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                  struct dm_change *ret, struct dm_err *err)
{
    (void)argument;
    return dm_ledger_cancel(context, snapshot, ret, err);
}

enum dm_code dm_document_cancel(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .parts = DM_PART_WORK, .decide = decide_cancel };
    enum dm_code rc = dm_step_run(pipeline, tenant, file, &step, &arena, NULL, err);
    if (rc == DM_OK)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_CANCELLED, dm_f_z("tenant", tenant->id), dm_f_z("file", file->id));
    return rc;
}

static enum dm_code decide_delete(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                  struct dm_change *ret, struct dm_err *err)
{
    (void)argument;
    return dm_ledger_delete(context, snapshot, ret, err);
}

enum dm_code dm_document_delete(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .parts = DM_PART_WORK, .decide = decide_delete };
    enum dm_code rc = dm_step_run(pipeline, tenant, file, &step, &arena, NULL, err);
    if (rc == DM_OK)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_DELETED, dm_f_z("tenant", tenant->id), dm_f_z("file", file->id));
    return rc;
}

/* ---- retry ---- */

struct retry {
    const struct dm_pipeline *pipeline;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    struct dm_ranges asked; /* empty: all that failed */
};

struct chosen {
    uint32_t *at;
    uint32_t count;
    uint32_t failed;
};

/* Adds the pages of one batch of records that are to be read again. */
static void choose(const struct retry *retry, const struct dm_page_list *pages, struct chosen *chosen)
{
    for (uint32_t i = 0; i < pages->count; i++) {
        const struct dm_page *page = &pages->at[i];
        bool wanted = retry->asked.count ? dm_ranges_have(retry->asked, page->number) : page->status == DM_PAGE_FAILED;
        if (!wanted)
            continue;
        chosen->at[chosen->count++] = page->number;
        chosen->failed += page->status == DM_PAGE_FAILED;
    }
}

static enum dm_code choose_pages(const struct retry *retry, const struct dm_state *state, struct dm_arena *arena,
                                 struct dm_ranges *ret, uint32_t *ret_failed, struct dm_err *err)
{
    struct chosen chosen = { .at = dm_arena_array(arena, state->total, sizeof(*chosen.at)) };
    if (!chosen.at)
        return dm_fail_memory(err);
    for (uint32_t next = 1; next != 0 && next <= state->total;) {
        DM_AUTO(dm_arena) batch = dm_arena_make(DM_STEP_ARENA_MAX);
        struct dm_page_list pages;
        enum dm_code rc = dm_store_pages(retry->pipeline->ports.store, retry->tenant, retry->file, next, state->total,
                                         PAGES_A_READ, &batch, &pages, err);
        if (rc != DM_OK)
            return rc;
        choose(retry, &pages, &chosen);
        next = pages.count == PAGES_A_READ ? pages.at[pages.count - 1].number + 1 : 0;
    }
    struct dm_ranges asked = retry->asked;
    /* An open end is the last page there is; pages past it that were named themselves are told. */
    bool open_end = asked.count && asked.at[asked.count - 1].last == DM_PAGE_NUMBER_MAX;
    enum dm_code clipped = open_end ? dm_ranges_clip(arena, asked, state->total, &asked, err) : DM_OK;
    if (clipped != DM_OK)
        return clipped;
    if (retry->asked.count && (chosen.count == 0 || chosen.count < dm_ranges_pages(asked)))
        return dm_fail(
            err, DM_REFUSED,
            "pages: only pages that were read can be read again; of those named, %u cannot: skipped, or not there",
            asked.count ? dm_ranges_pages(asked) - chosen.count : 1);
    if (chosen.count == 0)
        return dm_fail(err, DM_REFUSED,
                       "the document is %s and no page of it failed; name the pages to read again in `pages`",
                       dm_status_text(state->status));
    *ret_failed = chosen.failed;
    return dm_ranges_of(arena, chosen.at, chosen.count, ret, err);
}

static enum dm_code decide_retry(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 struct dm_change *ret, struct dm_err *err)
{
    const struct retry *retry = argument;
    const struct dm_state *state = &snapshot->state;
    if (state->status == DM_STATUS_CANCELLED)
        return dm_fail(err, DM_REFUSED, "the document is cancelled and stays so; upload it again to have it read");
    if (dm_status_after(state->status, DM_MOVE_RETRY_PAGES) == DM_STATUS_NONE)
        return dm_fail(err, DM_REFUSED, "the document is %s; wait for its end: only what has ended can be retried",
                       dm_status_text(state->status));
    if (state->gone & (DM_GONE_SOURCE | DM_GONE_PAGES))
        return dm_fail(err, DM_GONE, "retention took the document's bytes or pages; upload it again");
    struct dm_ranges pages = { 0 };
    uint32_t failed = 0;
    if (state->total > 0) {
        enum dm_code rc = choose_pages(retry, state, context->arena, &pages, &failed, err);
        if (rc != DM_OK)
            return rc;
    } else if (retry->asked.count) {
        return dm_fail(err, DM_REFUSED,
                       "pages: the document failed before its pages were known; retry it without `pages`");
    }
    return dm_ledger_retry(context, snapshot, pages, failed, ret, err);
}

enum dm_code dm_document_retry(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                               const struct dm_file *file, struct dm_ranges pages, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(64 * 1024 * 1024);
    struct retry retry = { pipeline, tenant, file, pages };
    const struct dm_step step = { .parts = DM_PART_WORK, .decide = decide_retry, .argument = &retry };
    struct dm_state state;
    enum dm_code rc = dm_step_run(pipeline, tenant, file, &step, &arena, &state, err);
    if (rc != DM_OK)
        return rc;
    dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_RETRIED, dm_f_z("tenant", tenant->id), dm_f_z("file", file->id),
           dm_f_int("epoch", state.epoch), dm_f_int("pages", state.remaining));
    dm_hint(pipeline, tenant, file);
    return DM_OK;
}
