/* ledger.c: the rules of a document's life: how it comes in, is split, and how its pages end.
 *
 * Everything that may be written of a document is decided in these files, once, for every backend: claims in
 * ledger_claims.c, the result in ledger_result.c, what a client asks in ledger_requests.c. The shape is always the same:
 * copy what was read, change the copy, raise its version, point the transaction at it. */
#include "domain/ledger_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "domain/limits.h"

/* ---- intake ---- */

enum dm_code dm_ledger_accept(dm_ledger_context context, const struct dm_document *document, struct dm_change *ret,
                              struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    ret->document = *document;
    ret->document.format = DM_FORMAT;
    ret->document.created_ms = context->now_ms;
    ret->transaction.document = &ret->document;
    const struct dm_state none = { .format = DM_FORMAT, .epoch = 1, .uploaded_ms = context->now_ms };
    dm_change_state(ret, &none, context->now_ms);
    ret->state.status = DM_STATUS_PENDING;
    const struct dm_work no_work = { .format = DM_FORMAT,
                                     .epoch = 1,
                                     .split_needed = true,
                                     .next_claim = 1,
                                     .key = DM_WORK_READY,
                                     .priority = document->priority,
                                     .created_ms = context->now_ms };
    dm_change_work(ret, &no_work);
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    dm_buf_add_z(&data, "{\"fileName\":");
    dm_buf_add_json_string(&data, document->name);
    dm_buf_addf(&data, ",\"size\":%" PRIu64 ",\"contentType\":\"%s\"}", document->size_bytes,
                dm_media_type(document->media));
    return dm_change_event(context, ret, DM_EVENT_DOCUMENT_UPLOADED, &data, err);
}

/* ---- split ---- */

static enum dm_code choose_pages(dm_ledger_context context, struct dm_str option, uint32_t total, struct dm_ranges *ret,
                                 struct dm_err *err)
{
    struct dm_ranges asked;
    enum dm_code rc = dm_ranges_parse(context->arena, option.len ? option : DM_STR("1-"), &asked, err);
    if (rc == DM_OK)
        rc = dm_ranges_clip(context->arena, asked, total, ret, err);
    if (rc == DM_OK && ret->count == 0)
        return dm_fail(err, DM_NOT_FOUND, "`pages` is %.*s but the document has %" PRIu32 " page%s", DM_STR_ARG(option),
                       total, total == 1 ? "" : "s");
    return rc;
}

enum dm_code dm_ledger_split_done(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                  const struct dm_claim *split, uint32_t total, uint32_t first_claim_max,
                                  struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err)
{
    DM_CHECK(total >= 1);
    struct dm_ranges chosen;
    enum dm_code rc = choose_pages(context, snapshot->document.pages, total, &chosen, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, &snapshot->state, context->now_ms);
    rc = dm_change_move(ret, DM_MOVE_SPLIT_DONE, "split", err);
    if (rc != DM_OK)
        return rc;
    struct dm_state *state = &ret->state;
    state->total = total;
    state->remaining = dm_ranges_pages(chosen);
    state->skipped = total - state->remaining;
    state->processed = state->failed = 0;
    if (state->started_ms == 0)
        state->started_ms = context->now_ms;
    dm_change_work(ret, &snapshot->work);
    ret->work.chosen = chosen;
    ret->work.cursor = chosen.at[0].first;
    ret->work.split_losses = 0;
    dm_change_claim(ret, DM_CLAIM_DELETE, split);
    if (first_claim_max > 0)
        DM_CHECK(dm_change_take_pages(context, ret, dm_str_z(split->owner), first_claim_max, ret_claim));
    else
        dm_work_index(&ret->work, context->now_ms, 0);
    return dm_change_started(context, ret, err);
}

static enum dm_code add_failed(dm_ledger_context context, struct dm_change *change, enum dm_reason reason,
                               struct dm_str detail, struct dm_err *err)
{
    change->state.reason = reason;
    change->state.outcome = DM_OUTCOME_NONE;
    dm_state_set_detail(&change->state, detail.len ? detail : dm_str_z(dm_reason_meaning(reason)));
    dm_change_rest(context, change);
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    dm_buf_addf(&data, "{\"reason\":\"%s\",\"detail\":", dm_reason_text(reason));
    dm_buf_add_json_string(&data, dm_str_z(change->state.detail));
    dm_buf_add_char(&data, '}');
    return dm_change_event(context, change, DM_EVENT_DOCUMENT_FAILED, &data, err);
}

enum dm_code dm_ledger_fail(dm_ledger_context context, const struct dm_snapshot *snapshot, const struct dm_claim *claim,
                            enum dm_reason reason, struct dm_str detail, struct dm_change *ret, struct dm_err *err)
{
    DM_CHECK(reason != DM_REASON_NONE);
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, &snapshot->state, context->now_ms);
    enum dm_code rc = dm_change_move(ret, DM_MOVE_FAIL, "failed", err);
    if (rc != DM_OK)
        return rc;
    dm_change_work(ret, &snapshot->work);
    dm_change_unlist(ret);
    if (claim)
        dm_change_claim(ret, DM_CLAIM_DELETE, claim);
    return add_failed(context, ret, reason, detail, err);
}

/* ---- pages end ---- */

static enum dm_code add_page_event(dm_ledger_context context, struct dm_change *change, const struct dm_page *pages,
                                   uint32_t count, enum dm_page_status status, struct dm_err *err)
{
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    uint32_t listed = 0;
    dm_buf_add_z(&data, "{\"pages\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (pages[i].status != status)
            continue;
        dm_buf_addf(&data, "%s{\"pageNumber\":%" PRIu32, listed++ ? "," : "", pages[i].number);
        if (status == DM_PAGE_FAILED)
            dm_buf_addf(&data, ",\"reason\":\"%s\"", dm_reason_text(pages[i].reason));
        dm_buf_add_char(&data, '}');
    }
    const struct dm_state *state = &change->state;
    dm_buf_addf(&data,
                "],\"progress\":{\"processed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"skipped\":%" PRIu32
                ",\"total\":%" PRIu32 "}}",
                state->processed, state->failed, state->skipped, state->total);
    if (listed == 0)
        return DM_OK;
    return dm_change_event(context, change, status == DM_PAGE_DONE ? DM_EVENT_PAGE_DONE : DM_EVENT_PAGE_FAILED, &data,
                           err);
}

enum dm_code dm_ledger_end_pages(dm_ledger_context context, const struct dm_state *state, const struct dm_claim *claim,
                                 struct dm_page *pages, uint32_t count, bool last, struct dm_change *ret,
                                 struct dm_err *err)
{
    DM_CHECK(count >= 1 && count <= DM_CLAIM_PAGES_MAX);
    if (state->status != DM_STATUS_PROCESSING || state->epoch != claim->epoch)
        return dm_fail(err, DM_REFUSED, "the document is %s in epoch %" PRIu32, dm_status_text(state->status),
                       state->epoch);
    /* A commit whose answer was lost did happen: this STATE counts some of these pages already. */
    if (count > state->remaining)
        return dm_fail(err, DM_CONFLICT, "only %" PRIu32 " pages of the document are left", state->remaining);
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, context->now_ms);
    for (uint32_t i = 0; i < count; i++) {
        struct dm_page *page = &pages[i];
        DM_CHECK(page->number >= claim->first && page->number <= claim->last);
        page->format = DM_FORMAT;
        page->epoch = state->epoch;
        page->ended_ms = context->now_ms;
        if (page->status == DM_PAGE_DONE)
            ret->state.processed++;
        else
            ret->state.failed++;
        dm_usage_add(&ret->state.usage, &page->usage);
    }
    ret->state.remaining -= count;
    if (ret->state.remaining == 0)
        ret->state.due_ms = context->now_ms;
    ret->transaction.pages = pages;
    ret->transaction.page_count = count;
    dm_change_claim(ret, last ? DM_CLAIM_DELETE : DM_CLAIM_KEEP, claim);
    enum dm_code rc = add_page_event(context, ret, pages, count, DM_PAGE_DONE, err);
    if (rc == DM_OK)
        rc = add_page_event(context, ret, pages, count, DM_PAGE_FAILED, err);
    return rc;
}

void dm_ledger_add_usage(const struct dm_state *state, const struct dm_usage *usage, struct dm_change *ret)
{
    *ret = (struct dm_change){ 0 };
    dm_change_state(ret, state, 0);
    dm_usage_add(&ret->state.usage, usage);
}
