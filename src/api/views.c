/* views.c: JSON of documents, pages and events. The order of members is part of the goldens, not of the contract. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "answer.h"
#include "views.h"

/* A document whose pages are being read, and all but the last sliver, is at 99: 100 means the result is there. */
static uint64_t percent(const struct dm_state *state)
{
    if (state->status == DM_STATUS_COMPLETED)
        return 100;
    if (state->total == 0)
        return 0;
    uint64_t part = 100ULL * (state->total - state->remaining) / state->total;
    return part > 99 ? 99 : part;
}

int64_t dm_eta_seconds(const struct dm_state *state, int64_t now_ms)
{
    uint64_t ended = (uint64_t)state->processed + state->failed;
    if (state->status == DM_STATUS_AGGREGATING)
        return 1;
    /* In a later epoch the pages ended before it say nothing about its pace. */
    if (state->status != DM_STATUS_PROCESSING || ended == 0 || state->epoch != 1 || now_ms <= state->started_ms)
        return -1;
    double seconds = (double)(now_ms - state->started_ms) / 1000.0 / (double)ended * state->remaining;
    return seconds > 1e9 ? -1 : (int64_t)seconds + 1;
}

void dm_add_usage(struct dm_buf *out, const struct dm_usage *usage)
{
    char cost[32];
    DM_LIT(out, "{\"modelCalls\":");
    dm_add_number(out, usage->model_calls);
    DM_LIT(out, ",\"inputTokens\":");
    dm_add_number(out, usage->input_tokens);
    DM_LIT(out, ",\"outputTokens\":");
    dm_add_number(out, usage->output_tokens);
    DM_LIT(out, ",\"modelMs\":");
    dm_add_number(out, usage->model_ms);
    DM_LIT(out, ",\"costUsd\":");
    if (usage->cost_micros == 0) {
        DM_LIT(out, "0}");
        return;
    }
    snprintf(cost, sizeof(cost), "%llu.%06llu}", (unsigned long long)(usage->cost_micros / 1000000),
             (unsigned long long)(usage->cost_micros % 1000000));
    dm_buf_add_z(out, cost);
}

static void add_error(struct dm_buf *out, enum dm_reason reason, struct dm_str detail)
{
    if (reason == DM_REASON_NONE) {
        DM_LIT(out, ",\"error\":null");
        return;
    }
    DM_LIT(out, ",\"error\":{\"reason\":\"");
    dm_buf_add_z(out, dm_reason_text(reason));
    DM_LIT(out, "\",\"detail\":");
    dm_buf_add_json_string(out, detail.len ? detail : dm_str_z(dm_reason_meaning(reason)));
    DM_LIT(out, "}");
}

static void add_counters(struct dm_buf *out, const struct dm_state *state)
{
    DM_LIT(out, ",\"progress\":{\"processed\":");
    dm_add_number(out, state->processed);
    DM_LIT(out, ",\"total\":");
    dm_add_number(out, state->total);
    DM_LIT(out, ",\"failed\":");
    dm_add_number(out, state->failed);
    DM_LIT(out, "},\"percent\":");
    dm_add_number(out, percent(state));
}

static void add_timestamps(struct dm_buf *out, const struct dm_state *state)
{
    DM_LIT(out, ",\"timestamps\":{\"uploaded\":");
    dm_add_instant(out, state->uploaded_ms);
    DM_LIT(out, ",\"started\":");
    dm_add_instant(out, state->started_ms);
    DM_LIT(out, ",\"completed\":");
    dm_add_instant(out, state->completed_ms);
    DM_LIT(out, "}");
}

static void add_outcome(struct dm_buf *out, const struct dm_state *state)
{
    static const char *const outcomes[] = {
        [DM_OUTCOME_NONE] = ",\"outcome\":null",
        [DM_OUTCOME_FULL] = ",\"outcome\":\"full\"",
        [DM_OUTCOME_PARTIAL] = ",\"outcome\":\"partial\"",
    };
    dm_buf_add_z(out, outcomes[state->outcome]);
}

static bool has_result(const struct dm_state *state)
{
    return state->result_epoch > 0 && !(state->gone & DM_GONE_RESULTS);
}

static void add_result(struct dm_exchange *x, const struct dm_file *file, const struct dm_state *state, int64_t now_ms)
{
    struct dm_buf *out = &x->out;
    struct dm_err err;
    if (!has_result(state)) {
        DM_LIT(out, ",\"result\":null,\"downloadUrl\":null");
        return;
    }
    const struct dm_blob_key key = dm_key_results(file, state->result_epoch, ".json");
    DM_LIT(out, ",\"result\":{\"s3Key\":\"");
    dm_buf_add_z(out, x->tenant.id);
    DM_LIT(out, "/");
    dm_buf_add_z(out, key.text);
    DM_LIT(out, "\"},\"downloadUrl\":");
    size_t before = out->len;
    DM_LIT(out, "\"");
    if (dm_link_add(x, &x->tenant, dm_str_z(key.text), dm_link_expiry(now_ms), out, &err) == DM_OK) {
        DM_LIT(out, "\"");
    } else {
        /* The state is worth telling without its link; /download says what is the matter. */
        dm_buf_cut(out, before);
        DM_LIT(out, "null");
    }
}

static void add_pages_summary(struct dm_buf *out, const struct dm_state *state)
{
    DM_LIT(out, ",\"pages\":{\"total\":");
    dm_add_number(out, state->total);
    DM_LIT(out, ",\"done\":");
    dm_add_number(out, state->processed);
    DM_LIT(out, ",\"failed\":");
    dm_add_number(out, state->failed);
    DM_LIT(out, ",\"skipped\":");
    dm_add_number(out, state->skipped);
    DM_LIT(out, ",\"pending\":");
    dm_add_number(out, state->remaining);
    DM_LIT(out, "}");
}

static void add_document(struct dm_buf *out, const struct dm_document *document)
{
    DM_LIT(out, ",\"contentType\":\"");
    dm_buf_add_z(out, dm_media_type(document->media));
    DM_LIT(out, "\",\"sizeBytes\":");
    dm_add_number(out, document->size_bytes);
    DM_LIT(out, ",\"sha256\":\"");
    dm_buf_add_z(out, document->sha256);
    DM_LIT(out, "\",\"model\":");
    dm_buf_add_json_string(out, document->model);
    DM_LIT(out, ",\"priority\":");
    dm_add_number(out, document->priority);
    DM_LIT(out, ",\"metadata\":");
    dm_buf_add(out, document->metadata.len ? document->metadata : DM_STR("null"));
}

void dm_add_job(struct dm_exchange *x, const struct dm_file *file, const struct dm_snapshot *snapshot)
{
    const struct dm_state *state = &snapshot->state;
    struct dm_buf *out = &x->out;
    int64_t now_ms = x->wall_ms;
    int64_t eta = dm_eta_seconds(state, now_ms);
    DM_LIT(out, "{\"fileId\":\"");
    dm_buf_add_z(out, file->id);
    DM_LIT(out, "\",\"tenantId\":\"");
    dm_buf_add_z(out, x->tenant.id);
    DM_LIT(out, "\",\"fileName\":");
    dm_buf_add_json_string(out, snapshot->document.name);
    DM_LIT(out, ",\"status\":\"");
    dm_buf_add_z(out, dm_status_text(state->status));
    DM_LIT(out, "\"");
    add_counters(out, state);
    DM_LIT(out, ",\"etaSeconds\":");
    if (eta < 0)
        DM_LIT(out, "null");
    else
        dm_add_number(out, (uint64_t)eta);
    add_timestamps(out, state);
    add_result(x, file, state, now_ms);
    add_outcome(out, state);
    add_error(out, state->status == DM_STATUS_FAILED ? state->reason : DM_REASON_NONE, dm_str_z(state->detail));
    add_pages_summary(out, state);
    DM_LIT(out, ",\"usage\":");
    dm_add_usage(out, &state->usage);
    add_document(out, &snapshot->document);
    if (!dm_status_is_final(state->status) && dm_is_paused(x, &x->tenant))
        DM_LIT(out, ",\"paused\":true");
    else
        DM_LIT(out, ",\"paused\":false");
    DM_LIT(out, ",\"epoch\":");
    dm_add_number(out, state->epoch);
    DM_LIT(out, ",\"seq\":");
    dm_add_number(out, state->seq);
    DM_LIT(out, "}");
}

/* Returns what follows the digits. */
static char *put_hex(char *at, uint64_t number)
{
    int bits = 64 - __builtin_clzll(number | 1);
    for (int shift = (bits - 1) / 4 * 4; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[number >> shift & 15];
    return at;
}

/* Weak: the estimate of the time left may differ under one tag. A view with a link changes when the link does. */
void dm_job_etag(struct dm_exchange *x, const struct dm_state *state)
{
    int64_t step = has_result(state) ? x->wall_ms / DM_LINK_STEP_MS : 0;
    memcpy(x->etag, "W/\"", 3);
    char *at = put_hex(x->etag + 3, state->version);
    *at = '-';
    at = put_hex(at + 1, (uint64_t)step);
    if (!dm_status_is_final(state->status) && dm_is_paused(x, &x->tenant))
        *at++ = 'p';
    memcpy(at, "\"", 2);
}

void dm_add_job_row(struct dm_buf *out, const struct dm_list_row *row, bool bare)
{
    DM_LIT(out, "{\"fileId\":\"");
    dm_buf_add_z(out, row->file.id);
    DM_LIT(out, "\",\"fileName\":");
    dm_buf_add_json_string(out, row->document.name);
    DM_LIT(out, ",\"status\":\"");
    dm_buf_add_z(out, dm_status_text(row->state.status));
    DM_LIT(out, "\",\"uploadedAt\":");
    dm_add_instant(out, row->document.created_ms);
    if (!bare) {
        add_counters(out, &row->state);
        add_pages_summary(out, &row->state);
        add_timestamps(out, &row->state);
        add_outcome(out, &row->state);
        add_error(out, row->state.status == DM_STATUS_FAILED ? row->state.reason : DM_REASON_NONE,
                  dm_str_z(row->state.detail));
        DM_LIT(out, ",\"sizeBytes\":");
        dm_add_number(out, row->document.size_bytes);
        DM_LIT(out, ",\"usage\":");
        dm_add_usage(out, &row->state.usage);
    }
    DM_LIT(out, "}");
}

void dm_add_page_open(struct dm_buf *out, const struct dm_page_view *view)
{
    static const struct dm_usage nothing;
    const struct dm_page *record = view->record;
    DM_LIT(out, "{\"pageNumber\":");
    dm_add_number(out, view->number);
    DM_LIT(out, ",\"status\":\"");
    dm_buf_add_z(out, dm_page_status_text(view->status));
    DM_LIT(out, "\"");
    add_error(out, record ? record->reason : DM_REASON_NONE, record ? record->detail : DM_STR(""));
    DM_LIT(out, ",\"endedAt\":");
    dm_add_instant(out, record ? record->ended_ms : 0);
    DM_LIT(out, ",\"attempts\":");
    dm_buf_add(out, record && record->attempts.len ? record->attempts : DM_STR("[]"));
    DM_LIT(out, ",\"usage\":");
    dm_add_usage(out, record ? &record->usage : &nothing);
}

void dm_add_event(struct dm_buf *out, const struct dm_tenant *tenant, const struct dm_file *file,
                  const struct dm_document *document, const struct dm_event *event)
{
    DM_LIT(out, "{\"id\":\"");
    dm_buf_add_z(out, file->id);
    DM_LIT(out, "-");
    dm_add_number(out, event->seq);
    DM_LIT(out, "\",\"seq\":");
    dm_add_number(out, event->seq);
    DM_LIT(out, ",\"eventType\":\"");
    dm_buf_add_z(out, dm_event_type_text(event->type));
    DM_LIT(out, "\",\"timestamp\":");
    dm_add_instant(out, event->at_ms);
    DM_LIT(out, ",\"tenantId\":\"");
    dm_buf_add_z(out, tenant->id);
    DM_LIT(out, "\",\"fileId\":\"");
    dm_buf_add_z(out, file->id);
    DM_LIT(out, "\",\"data\":");
    dm_buf_add(out, event->data.len ? event->data : DM_STR("{}"));
    DM_LIT(out, ",\"metadata\":");
    dm_buf_add(out, document->metadata.len ? document->metadata : DM_STR("null"));
    DM_LIT(out, "}");
}
