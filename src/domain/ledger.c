/* ledger.c: the rules of a document's life.
 *
 * Everything that may be written of a document is decided here, once, for every backend. The shape is always the same:
 * copy what was read, change the copy, raise its version, point the transaction at it. */
#include "domain/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "domain/limits.h"

enum { EVENT_DATA_MAX = 256 * 1024, LOSSES_BEFORE_HALVING = 2 };

/* ---- parts of a change ---- */

static void change_state(struct dm_change *change, const struct dm_state *from, int64_t now_ms)
{
    change->state = *from;
    change->state.version++;
    if (now_ms)
        change->state.progress_ms = now_ms;
    change->transaction.state = &change->state;
    change->transaction.state_before = from->version;
}

static void change_work(struct dm_change *change, const struct dm_work *from)
{
    change->work = *from;
    change->work.version++;
    change->transaction.work = &change->work;
    change->transaction.work_before = from->version;
}

static void write_claim(struct dm_change *change, enum dm_claim_write_kind kind, const struct dm_claim *claim)
{
    DM_CHECK(change->transaction.claim_count < DM_COUNT(change->claims));
    change->claims[change->transaction.claim_count++] = (struct dm_claim_write){ kind, *claim };
    change->transaction.claims = change->claims;
}

/* Numbers the event by STATE, which must be in the change already. */
static enum dm_code add_event(dm_ledger_context context, struct dm_change *change, enum dm_event_type type,
                              const struct dm_buf *data, struct dm_err *err)
{
    DM_CHECK(change->transaction.state && change->transaction.event_count < DM_COUNT(change->events));
    enum dm_code rc = dm_buf_check(data, "an event", err);
    if (rc != DM_OK)
        return rc;
    struct dm_str kept = dm_arena_str(context->arena, dm_buf_str(data));
    if (!kept.at)
        return dm_fail_memory(err);
    change->events[change->transaction.event_count++] = (struct dm_event){
        .format = DM_FORMAT, .seq = ++change->state.seq, .type = type, .at_ms = context->now_ms, .data = kept
    };
    change->transaction.events = change->events;
    return DM_OK;
}

static enum dm_code move(struct dm_change *change, enum dm_move what, const char *verb, struct dm_err *err)
{
    enum dm_status after = dm_status_after(change->state.status, what);
    if (after == DM_STATUS_NONE)
        return dm_fail(err, DM_REFUSED, "a document that is %s cannot be %s", dm_status_text(change->state.status),
                       verb);
    change->state.status = after;
    return DM_OK;
}

/* A document that has ended waits for nothing but retention. */
static void rest(dm_ledger_context context, struct dm_change *change)
{
    change->state.completed_ms = context->now_ms;
    change->state.lease.until_ms = 0;
    change->state.due_ms = context->keep_ms ? context->now_ms + context->keep_ms : 0;
}

static void unlist_work(struct dm_change *change)
{
    change->work.key = DM_WORK_IDLE;
    change->work.due_ms = 0;
    change->work.split_needed = false;
}

/* ---- WORK's index key ---- */

bool dm_ledger_claimable(const struct dm_work *work, int64_t now_ms)
{
    if (work->split_needed || dm_ranges_next(work->chosen, work->cursor) != 0)
        return true;
    for (uint32_t i = 0; i < work->returned_count; i++)
        if (work->returned[i].due_ms <= now_ms)
            return true;
    return false;
}

/* READY while something can be claimed, else DUE at the earliest lease end (0: no claim is out) or due page, else in no
 * index. */
static void index_work(struct dm_work *work, int64_t now_ms, int64_t lease_end_ms)
{
    if (dm_ledger_claimable(work, now_ms)) {
        work->key = DM_WORK_READY;
        work->due_ms = 0;
        return;
    }
    int64_t due_ms = lease_end_ms;
    for (uint32_t i = 0; i < work->returned_count; i++)
        if (due_ms == 0 || work->returned[i].due_ms < due_ms)
            due_ms = work->returned[i].due_ms;
    work->key = due_ms ? DM_WORK_DUE : DM_WORK_IDLE;
    work->due_ms = due_ms;
}

bool dm_ledger_reindex(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret)
{
    *ret = (struct dm_change){ 0 };
    int64_t lease_end_ms = 0;
    for (uint32_t i = 0; i < snapshot->claim_count; i++)
        if (lease_end_ms == 0 || snapshot->claims[i].lease_until_ms < lease_end_ms)
            lease_end_ms = snapshot->claims[i].lease_until_ms;
    change_work(ret, &snapshot->work);
    if (dm_status_is_final(snapshot->state.status))
        unlist_work(ret);
    else
        index_work(&ret->work, context->now_ms, lease_end_ms);
    return ret->work.key != snapshot->work.key || ret->work.due_ms != snapshot->work.due_ms;
}

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
    change_state(ret, &none, context->now_ms);
    ret->state.status = DM_STATUS_PENDING;
    const struct dm_work no_work = { .format = DM_FORMAT,
                                     .epoch = 1,
                                     .split_needed = true,
                                     .next_claim = 1,
                                     .key = DM_WORK_READY,
                                     .priority = document->priority,
                                     .created_ms = context->now_ms };
    change_work(ret, &no_work);
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
    dm_buf_add_z(&data, "{\"fileName\":");
    dm_buf_add_json_string(&data, document->name);
    dm_buf_addf(&data, ",\"size\":%" PRIu64 ",\"contentType\":\"%s\"}", document->size_bytes,
                dm_media_type(document->media));
    return add_event(context, ret, DM_EVENT_DOCUMENT_UPLOADED, &data, err);
}

/* ---- claims ---- */

static struct dm_claim new_claim(dm_ledger_context context, struct dm_work *work, struct dm_str owner)
{
    struct dm_claim claim = { .counter = work->next_claim++,
                              .epoch = work->epoch,
                              .lease_until_ms = context->now_ms + DM_CLAIM_LEASE_MS };
    DM_CHECK(owner.len > 0 && owner.len < sizeof(claim.owner));
    memcpy(claim.owner, owner.at, owner.len);
    return claim;
}

enum dm_code dm_ledger_claim_split(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_str owner,
                                   struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err)
{
    if (!snapshot->work.split_needed)
        return dm_fail(err, DM_REFUSED, "somebody else has the split");
    *ret = (struct dm_change){ 0 };
    change_state(ret, &snapshot->state, context->now_ms);
    enum dm_code rc = move(ret, DM_MOVE_SPLIT_BEGUN, "split", err);
    if (rc != DM_OK)
        return rc;
    change_work(ret, &snapshot->work);
    ret->work.split_needed = false;
    struct dm_claim claim = new_claim(context, &ret->work, owner);
    claim.losses = snapshot->work.split_losses;
    index_work(&ret->work, context->now_ms, claim.lease_until_ms);
    write_claim(ret, DM_CLAIM_INSERT, &claim);
    *ret_claim = claim;
    return DM_OK;
}

/* Takes the first `max` pages that can be claimed out of WORK: first what came back, then from the cursor. */
static bool take_range(dm_ledger_context context, struct dm_work *work, uint32_t max, struct dm_claim *claim)
{
    for (uint32_t i = 0; i < work->returned_count; i++) {
        const struct dm_returned *entry = &work->returned[i];
        if (entry->due_ms > context->now_ms)
            continue;
        claim->first = entry->first;
        claim->last = entry->last - entry->first >= max ? entry->first + max - 1 : entry->last;
        claim->losses = entry->losses;
        struct dm_returned *left = dm_arena_array(context->arena, work->returned_count, sizeof(*left));
        if (!left)
            return false;
        memcpy(left, work->returned, work->returned_count * sizeof(*left));
        if (claim->last < entry->last) {
            left[i].first = claim->last + 1;
        } else {
            memmove(&left[i], &left[i + 1], (work->returned_count - i - 1) * sizeof(*left));
            work->returned_count--;
        }
        work->returned = left;
        return true;
    }
    uint32_t first = dm_ranges_next(work->chosen, work->cursor);
    if (first == 0)
        return false;
    claim->first = claim->last = first;
    while (claim->last - first + 1 < max && dm_ranges_have(work->chosen, claim->last + 1))
        claim->last++;
    work->cursor = claim->last + 1;
    return true;
}

static bool claim_into(dm_ledger_context context, struct dm_change *change, struct dm_str owner, uint32_t max,
                       struct dm_claim *ret_claim)
{
    DM_CHECK(max >= 1);
    struct dm_claim claim = new_claim(context, &change->work, owner);
    if (max > DM_CLAIM_PAGES_MAX)
        max = DM_CLAIM_PAGES_MAX;
    if (!take_range(context, &change->work, max, &claim))
        return false;
    index_work(&change->work, context->now_ms, claim.lease_until_ms);
    write_claim(change, DM_CLAIM_INSERT, &claim);
    *ret_claim = claim;
    return true;
}

enum dm_code dm_ledger_claim_pages(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_str owner,
                                   uint32_t max, struct dm_change *ret, struct dm_claim *ret_claim, struct dm_err *err)
{
    if (snapshot->state.status != DM_STATUS_PROCESSING)
        return dm_fail(err, DM_REFUSED, "the document is %s", dm_status_text(snapshot->state.status));
    *ret = (struct dm_change){ 0 };
    change_work(ret, &snapshot->work);
    if (!claim_into(context, ret, owner, max, ret_claim))
        return dm_fail(err, DM_NOT_FOUND, "nothing of this document can be claimed now");
    return DM_OK;
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

static enum dm_code add_started(dm_ledger_context context, struct dm_change *change, struct dm_err *err)
{
    const struct dm_state *state = &change->state;
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
    dm_buf_addf(&data,
                "{\"epoch\":%" PRIu32 ",\"total\":%" PRIu32 ",\"remaining\":%" PRIu32 ",\"skipped\":%" PRIu32 "}",
                state->epoch, state->total, state->remaining, state->skipped);
    return add_event(context, change, DM_EVENT_DOCUMENT_STARTED, &data, err);
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
    change_state(ret, &snapshot->state, context->now_ms);
    rc = move(ret, DM_MOVE_SPLIT_DONE, "split", err);
    if (rc != DM_OK)
        return rc;
    struct dm_state *state = &ret->state;
    state->total = total;
    state->remaining = dm_ranges_pages(chosen);
    state->skipped = total - state->remaining;
    state->processed = state->failed = 0;
    if (state->started_ms == 0)
        state->started_ms = context->now_ms;
    change_work(ret, &snapshot->work);
    ret->work.chosen = chosen;
    ret->work.cursor = chosen.at[0].first;
    ret->work.split_losses = 0;
    write_claim(ret, DM_CLAIM_DELETE, split);
    if (first_claim_max > 0)
        DM_CHECK(claim_into(context, ret, dm_str_z(split->owner), first_claim_max, ret_claim));
    else
        index_work(&ret->work, context->now_ms, 0);
    return add_started(context, ret, err);
}

static void set_detail(struct dm_state *state, struct dm_str detail)
{
    while (!dm_str_is_utf8(detail))
        detail.len--;
    size_t len = detail.len < sizeof(state->detail) - 1 ? detail.len : sizeof(state->detail) - 1;
    while (len > 0 && len < detail.len && ((unsigned char)detail.at[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    memset(state->detail, 0, sizeof(state->detail));
    memcpy(state->detail, detail.at, len);
}

static enum dm_code add_failed(dm_ledger_context context, struct dm_change *change, enum dm_reason reason,
                               struct dm_str detail, struct dm_err *err)
{
    change->state.reason = reason;
    change->state.outcome = DM_OUTCOME_NONE;
    set_detail(&change->state, detail.len ? detail : dm_str_z(dm_reason_meaning(reason)));
    rest(context, change);
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
    dm_buf_addf(&data, "{\"reason\":\"%s\",\"detail\":", dm_reason_text(reason));
    dm_buf_add_json_string(&data, dm_str_z(change->state.detail));
    dm_buf_add_char(&data, '}');
    return add_event(context, change, DM_EVENT_DOCUMENT_FAILED, &data, err);
}

enum dm_code dm_ledger_fail(dm_ledger_context context, const struct dm_snapshot *snapshot, const struct dm_claim *claim,
                            enum dm_reason reason, struct dm_str detail, struct dm_change *ret, struct dm_err *err)
{
    DM_CHECK(reason != DM_REASON_NONE);
    *ret = (struct dm_change){ 0 };
    change_state(ret, &snapshot->state, context->now_ms);
    enum dm_code rc = move(ret, DM_MOVE_FAIL, "failed", err);
    if (rc != DM_OK)
        return rc;
    change_work(ret, &snapshot->work);
    unlist_work(ret);
    if (claim)
        write_claim(ret, DM_CLAIM_DELETE, claim);
    return add_failed(context, ret, reason, detail, err);
}

/* ---- pages end ---- */

static enum dm_code add_page_event(dm_ledger_context context, struct dm_change *change, const struct dm_page *pages,
                                   uint32_t count, enum dm_page_status status, struct dm_err *err)
{
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
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
    return add_event(context, change, status == DM_PAGE_DONE ? DM_EVENT_PAGE_DONE : DM_EVENT_PAGE_FAILED, &data, err);
}

enum dm_code dm_ledger_end_pages(dm_ledger_context context, const struct dm_state *state, const struct dm_claim *claim,
                                 struct dm_page *pages, uint32_t count, bool last, struct dm_change *ret,
                                 struct dm_err *err)
{
    DM_CHECK(count >= 1 && count <= DM_CLAIM_PAGES_MAX);
    if (state->status != DM_STATUS_PROCESSING || state->epoch != claim->epoch)
        return dm_fail(err, DM_REFUSED, "the document is %s in epoch %" PRIu32, dm_status_text(state->status),
                       state->epoch);
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, context->now_ms);
    DM_CHECK(count <= state->remaining);
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
    write_claim(ret, last ? DM_CLAIM_DELETE : DM_CLAIM_KEEP, claim);
    enum dm_code rc = add_page_event(context, ret, pages, count, DM_PAGE_DONE, err);
    if (rc == DM_OK)
        rc = add_page_event(context, ret, pages, count, DM_PAGE_FAILED, err);
    return rc;
}

void dm_ledger_add_usage(const struct dm_state *state, const struct dm_usage *usage, struct dm_change *ret)
{
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, 0);
    dm_usage_add(&ret->state.usage, usage);
}

/* ---- claims come back ---- */

struct returning {
    struct dm_returned *at;
    uint32_t count;
    uint32_t max;
    struct dm_range *crashed;
    uint32_t crashed_count;
};

static void add_returned(struct returning *to, uint32_t first, uint32_t last, uint32_t losses, int64_t due_ms)
{
    DM_CHECK(to->count < to->max);
    to->at[to->count++] = (struct dm_returned){ first, last, losses, due_ms };
}

/* The rule for a range that was lost without one of its pages ending: after the second loss in a row it is halved at
 * each further one, so that the page that kills its worker is found; that page, lost three times alone, may not be
 * tried again. */
static void return_lost(struct returning *to, struct dm_range range, uint32_t losses)
{
    if (range.first == range.last) {
        if (losses >= DM_PAGE_LOSSES_MAX)
            to->crashed[to->crashed_count++] = range;
        else
            add_returned(to, range.first, range.last, losses, 0);
    } else if (losses < LOSSES_BEFORE_HALVING) {
        add_returned(to, range.first, range.last, losses, 0);
    } else {
        uint32_t middle = range.first + (range.last - range.first) / 2;
        /* One short of the next halving; a single page starts to be counted alone. */
        add_returned(to, range.first, middle, range.first == middle ? 0 : LOSSES_BEFORE_HALVING - 1, 0);
        add_returned(to, middle + 1, range.last, middle + 1 == range.last ? 0 : LOSSES_BEFORE_HALVING - 1, 0);
    }
}

static void sort_returned(struct dm_returned *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct dm_returned entry = at[i];
        uint32_t k = i;
        for (; k > 0 && at[k - 1].first > entry.first; k--)
            at[k] = at[k - 1];
        at[k] = entry;
    }
}

static enum dm_code give_back_split(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                    const struct dm_claim *claim, enum dm_give_back how, struct dm_change *ret,
                                    struct dm_err *err)
{
    uint32_t losses = claim->losses + (how == DM_LOST);
    if (losses >= DM_PAGE_LOSSES_MAX)
        return dm_fail(err, DM_REFUSED, "counting its pages ended the process %d times", DM_PAGE_LOSSES_MAX);
    change_state(ret, &snapshot->state, context->now_ms);
    enum dm_code rc = move(ret, DM_MOVE_SPLIT_LOST, "given back", err);
    if (rc != DM_OK)
        return rc;
    change_work(ret, &snapshot->work);
    ret->work.split_needed = true;
    ret->work.split_losses = losses;
    index_work(&ret->work, context->now_ms, 0);
    write_claim(ret, DM_CLAIM_DELETE, claim);
    return DM_OK;
}

enum dm_code dm_ledger_give_back(dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 const struct dm_claim *claim, struct dm_ranges left, enum dm_give_back how,
                                 int64_t due_ms, struct dm_change *ret, struct dm_ranges *ret_crashed,
                                 struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    *ret_crashed = (struct dm_ranges){ 0 };
    if (claim->first == 0)
        return give_back_split(context, snapshot, claim, how, ret, err);
    const struct dm_work *work = &snapshot->work;
    struct returning to = { .max = work->returned_count + 2 * left.count };
    if (to.max > DM_RETURNED_MAX)
        return dm_fail(err, DM_BUSY, "over %d ranges of this document wait to be claimed again", DM_RETURNED_MAX);
    to.at = dm_arena_array(context->arena, to.max + 1, sizeof(*to.at));
    to.crashed = dm_arena_array(context->arena, left.count + 1, sizeof(*to.crashed));
    if (!to.at || !to.crashed)
        return dm_fail_memory(err);
    if (work->returned_count)
        memcpy(to.at, work->returned, work->returned_count * sizeof(*to.at));
    to.count = work->returned_count;
    bool progress = dm_ranges_pages(left) < claim->last - claim->first + 1;
    for (uint32_t i = 0; i < left.count; i++) {
        if (how == DM_HANDED_BACK)
            add_returned(&to, left.at[i].first, left.at[i].last, progress ? 0 : claim->losses, due_ms);
        else
            return_lost(&to, left.at[i], progress ? 0 : claim->losses + 1);
    }
    sort_returned(to.at, to.count);
    *ret_crashed = (struct dm_ranges){ to.crashed, to.crashed_count };
    change_work(ret, work);
    ret->work.returned = to.at;
    ret->work.returned_count = to.count;
    /* Other claims may be out: looking again at a full lease from now is soon enough for them. */
    index_work(&ret->work, context->now_ms, context->now_ms + DM_CLAIM_LEASE_MS);
    write_claim(ret, DM_CLAIM_DELETE, claim);
    return DM_OK;
}

/* ---- aggregate ---- */

bool dm_ledger_result_due(const struct dm_state *state, int64_t now_ms)
{
    if (state->status == DM_STATUS_PROCESSING)
        return state->remaining == 0;
    return state->status == DM_STATUS_AGGREGATING && state->lease.until_ms <= now_ms;
}

enum dm_code dm_ledger_take_result(dm_ledger_context context, const struct dm_state *state, struct dm_str owner,
                                   struct dm_change *ret, struct dm_err *err)
{
    if (!dm_ledger_result_due(state, context->now_ms))
        return dm_fail(err, DM_REFUSED, "the document is %s with %" PRIu32 " pages to go",
                       dm_status_text(state->status), state->remaining);
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, context->now_ms);
    ret->state.status = dm_status_after(state->status, DM_MOVE_AGGREGATE);
    struct dm_lease *lease = &ret->state.lease;
    DM_CHECK(owner.len > 0 && owner.len < sizeof(lease->owner));
    memset(lease->owner, 0, sizeof(lease->owner));
    memcpy(lease->owner, owner.at, owner.len);
    lease->counter++;
    lease->until_ms = context->now_ms + DM_AGGREGATE_LEASE_MS;
    ret->state.due_ms = lease->until_ms;
    ret->state.aggregations++;
    return DM_OK;
}

static enum dm_code check_lease(const struct dm_state *state, uint64_t lease_counter, struct dm_err *err)
{
    if (state->status == DM_STATUS_AGGREGATING && state->lease.counter == lease_counter)
        return DM_OK;
    return dm_fail(err, DM_REFUSED, "the result is no longer this process's to write");
}

enum dm_code dm_ledger_renew_result(dm_ledger_context context, const struct dm_state *state, uint64_t lease_counter,
                                    struct dm_change *ret, struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease_counter, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, 0);
    ret->state.lease.until_ms = context->now_ms + DM_AGGREGATE_LEASE_MS;
    ret->state.due_ms = ret->state.lease.until_ms;
    return DM_OK;
}

enum dm_code dm_ledger_put_off_result(dm_ledger_context context, const struct dm_state *state, uint64_t lease_counter,
                                      int64_t wait_ms, struct dm_change *ret, struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease_counter, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, 0);
    ret->state.lease.until_ms = context->now_ms + wait_ms;
    ret->state.due_ms = ret->state.lease.until_ms;
    ret->state.aggregations--;
    return DM_OK;
}

enum dm_code dm_ledger_result_kept(dm_ledger_context context, const struct dm_state *state, uint64_t lease_counter,
                                   uint64_t bytes, const struct dm_usage *usage, struct dm_change *ret,
                                   struct dm_err *err)
{
    enum dm_code rc = check_lease(state, lease_counter, err);
    if (rc != DM_OK)
        return rc;
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, context->now_ms);
    ret->state.status = dm_status_after(state->status, DM_MOVE_RESULT_KEPT);
    ret->state.outcome = state->failed > 0 ? DM_OUTCOME_PARTIAL : DM_OUTCOME_FULL;
    ret->state.result_epoch = state->epoch;
    ret->state.result_bytes = bytes;
    dm_usage_add(&ret->state.usage, usage);
    rest(context, ret);
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
    dm_buf_addf(&data,
                "{\"outcome\":\"%s\",\"processed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"skipped\":%" PRIu32
                ",\"total\":%" PRIu32 "}",
                ret->state.outcome == DM_OUTCOME_FULL ? "full" : "partial", state->processed, state->failed,
                state->skipped, state->total);
    return add_event(context, ret, DM_EVENT_DOCUMENT_COMPLETED, &data, err);
}

/* ---- requests ---- */

static enum dm_code cancel_into(dm_ledger_context context, struct dm_change *change, struct dm_err *err)
{
    enum dm_code rc = move(change, DM_MOVE_CANCEL, "cancelled", err);
    if (rc != DM_OK)
        return rc;
    unlist_work(change);
    change->state.reason = DM_REASON_CANCELLED;
    set_detail(&change->state, dm_str_z(dm_reason_meaning(DM_REASON_CANCELLED)));
    rest(context, change);
    DM_AUTO(dm_buf) data = dm_buf_make(EVENT_DATA_MAX);
    dm_buf_addf(&data, "{\"processed\":%" PRIu32 ",\"failed\":%" PRIu32 ",\"total\":%" PRIu32 "}",
                change->state.processed, change->state.failed, change->state.total);
    return add_event(context, change, DM_EVENT_DOCUMENT_CANCELLED, &data, err);
}

enum dm_code dm_ledger_cancel(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret,
                              struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    change_state(ret, &snapshot->state, context->now_ms);
    change_work(ret, &snapshot->work);
    return cancel_into(context, ret, err);
}

enum dm_code dm_ledger_retry(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_ranges pages,
                             uint32_t failed, struct dm_change *ret, struct dm_err *err)
{
    const struct dm_state *before = &snapshot->state;
    bool again_from_split = before->total == 0;
    uint32_t count = dm_ranges_pages(pages);
    DM_CHECK(again_from_split ? count == 0 : count > 0 && failed <= count);
    *ret = (struct dm_change){ 0 };
    change_state(ret, before, context->now_ms);
    enum dm_code rc = move(ret, again_from_split ? DM_MOVE_RETRY_SPLIT : DM_MOVE_RETRY_PAGES, "retried", err);
    if (rc != DM_OK)
        return rc;
    struct dm_state *state = &ret->state;
    DM_CHECK(failed <= before->failed && count - failed <= before->processed);
    state->epoch++;
    state->failed -= failed;
    state->processed -= count - failed;
    state->remaining += count;
    state->outcome = DM_OUTCOME_NONE;
    state->reason = DM_REASON_NONE;
    memset(state->detail, 0, sizeof(state->detail));
    state->completed_ms = 0;
    state->aggregations = 0;
    state->due_ms = 0;
    change_work(ret, &snapshot->work);
    struct dm_work *work = &ret->work;
    work->epoch = state->epoch;
    work->split_needed = again_from_split;
    work->split_losses = 0;
    work->chosen = pages;
    work->cursor = again_from_split ? 0 : pages.at[0].first;
    work->returned = NULL;
    work->returned_count = 0;
    index_work(work, context->now_ms, 0);
    return add_started(context, ret, err);
}

enum dm_code dm_ledger_delete(dm_ledger_context context, const struct dm_snapshot *snapshot, struct dm_change *ret,
                              struct dm_err *err)
{
    *ret = (struct dm_change){ 0 };
    ret->document = snapshot->document;
    ret->document.deleted_ms = context->now_ms;
    ret->transaction.document = &ret->document;
    change_state(ret, &snapshot->state, context->now_ms);
    change_work(ret, &snapshot->work);
    unlist_work(ret);
    if (!dm_status_is_final(snapshot->state.status)) {
        enum dm_code rc = cancel_into(context, ret, err);
        if (rc != DM_OK)
            return rc;
    }
    ret->state.due_ms = context->now_ms + DM_DELETE_GRACE_MS;
    return DM_OK;
}

void dm_ledger_expire(dm_ledger_context context, const struct dm_state *state, uint32_t gone, int64_t next_due_ms,
                      struct dm_change *ret)
{
    (void)context;
    *ret = (struct dm_change){ 0 };
    change_state(ret, state, 0);
    ret->state.gone |= gone;
    ret->state.due_ms = next_due_ms;
}

enum dm_page_status dm_ledger_page_status(const struct dm_state *state, const struct dm_work *work, uint32_t number,
                                          const struct dm_page *record)
{
    bool chosen_now = dm_ranges_have(work->chosen, number);
    if (record && (record->epoch == state->epoch || !chosen_now))
        return record->status;
    return chosen_now ? DM_PAGE_PENDING : DM_PAGE_SKIPPED;
}
