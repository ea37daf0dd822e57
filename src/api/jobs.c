/* jobs.c: a document's state, the lists, and what a client may do to a document. */
#include "base/json.h"
#include "domain/ranges.h"
#include "answer.h"
#include "handlers.h"
#include "views.h"

enum { JOB_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_SHOWN };

/* ---- GET /jobs/{fileId} ------------------------------------------------------------------------------------ */

/* Whether the answer should wait for a change: since the version that the client knows (If-None-Match), or else since the
 * request came in. */
static bool should_wait(struct dm_exchange *x, const struct dm_state *state, bool tag_given, bool tag_matches)
{
    int64_t wait_ms = dm_params_number(x, DM_PARAM_WAIT) * 1000;
    int64_t now_ms = wait_ms > 0 ? dm_mono_ms(dm_runtime_of(x)) : 0;
    if (wait_ms == 0 || dm_status_is_final(state->status) || atomic_load(&x->api->draining))
        return false;
    if (!x->waited) {
        x->wait = (struct dm_wait){ .tenant = x->tenant, .file = x->file, .deadline_mono_ms = now_ms + wait_ms };
        x->wait_version = state->version;
    }
    x->wait.after_version = state->version;
    bool changed = tag_given ? !tag_matches : state->version != x->wait_version;
    return !changed && now_ms < x->wait.deadline_mono_ms;
}

enum dm_next dm_on_job(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_err err;
    if (dm_document_read(x->api->pipeline, &x->tenant, &x->file, JOB_PARTS, &x->scratch, &snapshot, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    dm_job_etag(x, &snapshot.state);
    struct dm_str known = dm_head_list(x, DM_STR("if-none-match"));
    bool matches = known.len && dm_etag_listed(known, dm_str_z(x->etag));
    if (should_wait(x, &snapshot.state, known.len > 0, matches))
        return DM_NEXT_WAIT;
    dm_answer_field(x, "ETag", x->etag);
    x->cache_control = "private, no-cache";
    if (matches)
        return dm_answer(x, 304, NULL);
    dm_add_job(x, &x->file, &snapshot);
    return dm_answer_json(x, 200);
}

/* ---- the lists --------------------------------------------------------------------------------------------- */

static enum dm_code read_list(struct dm_exchange *x, struct dm_list *ret, struct dm_err *err)
{
    const struct dm_list_query query = {
        .status = (enum dm_status)dm_params_number(x, DM_PARAM_STATUS),
        .from_ms = dm_params_number(x, DM_PARAM_FROM),
        .to_ms = dm_params_number(x, DM_PARAM_TO),
        .after = x->params[DM_PARAM_CURSOR].text,
        .limit = (uint32_t)dm_params_number(x, DM_PARAM_LIMIT),
    };
    return dm_store_list(x->api->pipeline->ports.store, &x->tenant, &query, &x->scratch, ret, err);
}

static enum dm_next answer_list(struct dm_exchange *x, bool bare)
{
    struct dm_list list;
    struct dm_err err;
    if (read_list(x, &list, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    dm_buf_add_z(&x->out, bare ? "[" : "{\"jobs\":[");
    for (uint32_t i = 0; i < list.count; i++) {
        if (i)
            DM_LIT(&x->out, ",");
        dm_add_job_row(&x->out, &list.rows[i], bare);
    }
    DM_LIT(&x->out, "]");
    if (!bare) {
        DM_LIT(&x->out, ",\"nextCursor\":");
        if (list.next.len)
            dm_buf_add_json_string(&x->out, list.next);
        else
            DM_LIT(&x->out, "null");
        DM_LIT(&x->out, "}");
    }
    if (list.next.len)
        dm_answer_next_link(x, DM_PARAM_CURSOR, list.next);
    return dm_answer_json(x, 200);
}

enum dm_next dm_on_list(struct dm_exchange *x)
{
    return answer_list(x, false);
}

enum dm_next dm_on_list_of_tenant(struct dm_exchange *x)
{
    return answer_list(x, true);
}

/* ---- cancel, retry, delete ------------------------------------------------------------------------------- */

/* 202 with the document as it is now. */
static enum dm_next answer_changed(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_err err;
    if (dm_document_read(x->api->pipeline, &x->tenant, &x->file, JOB_PARTS, &x->scratch, &snapshot, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    dm_job_etag(x, &snapshot.state);
    dm_answer_field(x, "ETag", x->etag);
    dm_add_job(x, &x->file, &snapshot);
    return dm_answer_json(x, 202);
}

enum dm_next dm_on_cancel(struct dm_exchange *x)
{
    struct dm_err err;
    if (dm_document_cancel(x->api->pipeline, &x->tenant, &x->file, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    return answer_changed(x);
}

enum dm_next dm_on_retry(struct dm_exchange *x)
{
    struct dm_ranges pages;
    struct dm_err err;
    if (dm_ranges_parse(&x->scratch, x->params[DM_PARAM_PAGES].text, &pages, &err) != DM_OK ||
        dm_document_retry(x->api->pipeline, &x->tenant, &x->file, pages, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    return answer_changed(x);
}

enum dm_next dm_on_page_retry(struct dm_exchange *x)
{
    const struct dm_range page = { x->page, x->page };
    struct dm_err err;
    if (dm_document_retry(x->api->pipeline, &x->tenant, &x->file, (struct dm_ranges){ &page, 1 }, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    return answer_changed(x);
}

enum dm_next dm_on_delete(struct dm_exchange *x)
{
    struct dm_err err;
    if (dm_document_delete(x->api->pipeline, &x->tenant, &x->file, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    return dm_answer(x, 204, NULL);
}

/* ---- events ------------------------------------------------------------------------------------------------ */

enum dm_next dm_on_events(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_event_list events;
    struct dm_err err;
    uint32_t limit = (uint32_t)dm_params_number(x, DM_PARAM_LIMIT);
    static const struct dm_str offered = DM_STR_INIT("application/json");
    if (dm_accept_best(dm_head_list(x, DM_STR("accept")), &offered, 1) < 0)
        return dm_refuse(x, DM_PROBLEM_NOT_ACCEPTABLE,
                         "Events are served as application/json only; a live stream is not served yet. Ask again with "
                         "?after= and the last seq, or wait for changes with GET /api/jobs/{fileId}?wait=20.");
    if (dm_document_read(x->api->pipeline, &x->tenant, &x->file, JOB_PARTS, &x->scratch, &snapshot, &err) != DM_OK ||
        dm_store_events(x->api->pipeline->ports.store, &x->tenant, &x->file,
                        (uint64_t)dm_params_number(x, DM_PARAM_AFTER), limit, &x->scratch, &events, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    DM_LIT(&x->out, "[");
    for (uint32_t i = 0; i < events.count; i++) {
        if (i)
            DM_LIT(&x->out, ",");
        dm_add_event(&x->out, &x->tenant, &x->file, &snapshot.document, &events.at[i]);
    }
    DM_LIT(&x->out, "]");
    if (events.count == limit) {
        struct dm_str last = dm_arena_fmt(&x->arena, "%llu", (unsigned long long)events.at[events.count - 1].seq);
        dm_answer_next_link(x, DM_PARAM_AFTER, last);
    }
    return dm_answer_json(x, 200);
}
