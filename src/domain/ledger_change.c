/* ledger_change.c: the parts that a change is made of. */
#include "domain/ledger_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "domain/limits.h"

void dm_change_state(struct dm_change *change, const struct dm_state *from, int64_t now_ms)
{
    change->state = *from;
    change->state.version++;
    if (now_ms)
        change->state.progress_ms = now_ms;
    change->transaction.state = &change->state;
    change->transaction.state_before = from->version;
}

void dm_change_work(struct dm_change *change, const struct dm_work *from)
{
    change->work = *from;
    change->work.version++;
    change->transaction.work = &change->work;
    change->transaction.work_before = from->version;
}

void dm_change_claim(struct dm_change *change, enum dm_claim_write_kind kind, const struct dm_claim *claim)
{
    DM_CHECK(change->transaction.claim_count < DM_COUNT(change->claims));
    change->claims[change->transaction.claim_count++] = (struct dm_claim_write){ kind, *claim };
    change->transaction.claims = change->claims;
}

enum dm_code dm_change_event(dm_ledger_context context, struct dm_change *change, enum dm_event_type type,
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

enum dm_code dm_change_move(struct dm_change *change, enum dm_move what, const char *verb, struct dm_err *err)
{
    enum dm_status after = dm_status_after(change->state.status, what);
    if (after == DM_STATUS_NONE)
        return dm_fail(err, DM_REFUSED, "a document that is %s cannot be %s", dm_status_text(change->state.status),
                       verb);
    change->state.status = after;
    return DM_OK;
}

void dm_change_rest(dm_ledger_context context, struct dm_change *change)
{
    change->state.completed_ms = context->now_ms;
    change->state.lease.until_ms = 0;
    int64_t due_ms = context->keep_ms ? context->now_ms + context->keep_ms : 0;
    /* Who writes a result has tidied up before; of all others the sweeper does it. */
    if (change->state.status != DM_STATUS_COMPLETED && (due_ms == 0 || due_ms > context->now_ms + DM_TIDY_MS))
        due_ms = context->now_ms + DM_TIDY_MS;
    change->state.due_ms = due_ms;
}

void dm_change_unlist(struct dm_change *change)
{
    change->work.key = DM_WORK_IDLE;
    change->work.due_ms = 0;
    change->work.split_needed = false;
}

enum dm_code dm_change_started(dm_ledger_context context, struct dm_change *change, struct dm_err *err)
{
    const struct dm_state *state = &change->state;
    DM_AUTO(dm_buf) data = dm_buf_make(DM_EVENT_DATA_MAX);
    dm_buf_addf(&data,
                "{\"epoch\":%" PRIu32 ",\"total\":%" PRIu32 ",\"remaining\":%" PRIu32 ",\"skipped\":%" PRIu32 "}",
                state->epoch, state->total, state->remaining, state->skipped);
    return dm_change_event(context, change, DM_EVENT_DOCUMENT_STARTED, &data, err);
}

void dm_state_set_detail(struct dm_state *state, struct dm_str detail)
{
    while (!dm_str_is_utf8(detail))
        detail.len--;
    size_t len = detail.len < sizeof(state->detail) - 1 ? detail.len : sizeof(state->detail) - 1;
    while (len > 0 && len < detail.len && ((unsigned char)detail.at[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    memset(state->detail, 0, sizeof(state->detail));
    memcpy(state->detail, detail.at, len);
}
