/* results.c: the result, a link to it, and what such a link leads to. */
#include <unistd.h>

#include "answer.h"
#include "handlers.h"
#include "views.h"

enum { RESULT_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK, DISPOSITION_MAX = 8 * DM_NAME_MAX };

static const struct dm_str forms[] = {
    [DM_RESULT_JSON] = DM_STR_INIT("application/json"),
    [DM_RESULT_MARKDOWN] = DM_STR_INIT("text/markdown"),
    [DM_RESULT_JSON_LINES] = DM_STR_INIT("application/jsonl"),
};
static const char *const form_types[] = {
    [DM_RESULT_JSON] = "application/json",
    [DM_RESULT_MARKDOWN] = "text/markdown; charset=utf-8",
    [DM_RESULT_JSON_LINES] = "application/jsonl",
};

/* There is none: not yet, never, or not any more. */
static enum dm_next refuse_without_result(struct dm_exchange *x, const struct dm_state *state)
{
    int64_t eta = dm_eta_seconds(state, x->wall_ms);
    if (state->gone & DM_GONE_RESULTS)
        return dm_refuse(x, DM_PROBLEM_GONE, "Retention removed the result; upload the document again.");
    if (state->status == DM_STATUS_FAILED)
        return dm_refuse(x, DM_PROBLEM_NO_RESULT, "The document failed (%s) and has no result.%s",
                         dm_reason_text(state->reason),
                         state->processed ? " ?partial=true gives the pages that were read." : "");
    if (dm_status_is_final(state->status))
        return dm_refuse(x, DM_PROBLEM_NO_RESULT, "The document was %s and has no result.%s",
                         dm_status_text(state->status),
                         state->processed ? " ?partial=true gives the pages that were read." : "");
    return dm_refuse_with(
        x, DM_PROBLEM_RESULT_NOT_READY,
        eta < 0    ? 0
        : eta > 60 ? 60
                   : eta,
        DM_STR(""), "The document is %s: %u of %u pages are done. Wait for it with GET /api/jobs/{fileId}?wait=20%s.",
        dm_status_text(state->status), state->processed + state->failed, state->total,
        state->total ? ", or take what there is with ?partial=true" : "");
}

/* Reads the document; false: answered. */
static bool read_document(struct dm_exchange *x, struct dm_snapshot *ret)
{
    struct dm_err err;
    if (dm_document_read(x->api->pipeline, &x->tenant, &x->file, RESULT_PARTS, &x->scratch, ret, &err) == DM_OK)
        return true;
    dm_refuse_code(x, &err);
    return false;
}

enum dm_next dm_on_results(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    const struct dm_state *state = &snapshot.state;
    int form = dm_accept_best(dm_head_list(x, DM_STR("accept")), forms, DM_COUNT(forms));
    bool partial = dm_params_number(x, DM_PARAM_PARTIAL) != 0;
    if (form < 0)
        return dm_refuse(x, DM_PROBLEM_NOT_ACCEPTABLE,
                         "Results are served as application/json, text/markdown and application/jsonl.");
    if (!read_document(x, &snapshot))
        return DM_NEXT_RESPOND;
    bool whole = state->result_epoch > 0 && !(state->gone & DM_GONE_RESULTS);
    if (!whole && (!partial || (state->gone & DM_GONE_RESULTS)))
        return refuse_without_result(x, state);
    if (whole && (!partial || state->result_epoch == state->epoch)) {
        struct dm_str tag = dm_arena_fmt(&x->arena, "W/\"r%x-%d\"", state->result_epoch, form);
        struct dm_str known = dm_head_list(x, DM_STR("if-none-match"));
        dm_answer_field(x, "ETag", tag.at);
        x->cache_control = "private, no-cache";
        if (known.len && tag.at && dm_etag_listed(known, tag))
            return dm_answer(x, 304, NULL);
    }
    int fd = -1;
    uint64_t size = 0;
    struct dm_err err;
    enum dm_code rc = dm_result_open(x->api->pipeline, &x->tenant, &x->file, &snapshot, (enum dm_result_form)form,
                                     partial, &fd, &size, &err);
    if (rc == DM_NOT_FOUND)
        return whole ? dm_refuse(x, DM_PROBLEM_RESULT_NOT_READY, "%s", err.text) : refuse_without_result(x, state);
    if (rc != DM_OK)
        return dm_refuse_code(x, &err);
    dm_answer_field(x, "Vary", "Accept");
    return dm_answer_file(x, 200, form_types[form], fd, 0, size);
}

enum dm_next dm_on_download(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_err err;
    if (!read_document(x, &snapshot))
        return DM_NEXT_RESPOND;
    if (snapshot.state.result_epoch == 0 || (snapshot.state.gone & DM_GONE_RESULTS))
        return refuse_without_result(x, &snapshot.state);
    const struct dm_blob_key key = dm_key_results(&x->file, snapshot.state.result_epoch, ".json");
    int64_t expires_ms = dm_link_expiry(x->wall_ms);
    DM_LIT(&x->out, "{\"fileId\":\"");
    dm_buf_add_z(&x->out, x->file.id);
    DM_LIT(&x->out, "\",\"downloadUrl\":\"");
    if (dm_link_add(x, &x->tenant, dm_str_z(key.text), expires_ms, &x->out, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    DM_LIT(&x->out, "\",\"expiresAt\":");
    dm_add_instant(&x->out, expires_ms);
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

/* ---- GET /blobs/{token} -------------------------------------------------------------------------------- */

/* A name to save the result under: the document's, with what it is. */
static void add_file_name(struct dm_exchange *x, struct dm_str name)
{
    DM_AUTO(dm_buf) whole = dm_buf_make(DM_NAME_MAX + 64);
    DM_AUTO(dm_buf) field = dm_buf_make(DISPOSITION_MAX);
    dm_buf_add(&whole, name);
    DM_LIT(&whole, ".json");
    dm_add_disposition(&field, dm_buf_str(&whole));
    if (!whole.failed && !field.failed)
        dm_answer_field(x, "Content-Disposition", dm_arena_str(&x->arena, dm_buf_str(&field)).at);
}

static enum dm_next answer_blob(struct dm_exchange *x, int fd, uint64_t size, struct dm_str etag)
{
    struct dm_str if_range = dm_head_get(&x->head, DM_STR("if-range"));
    uint64_t first = 0;
    uint64_t length = size;
    enum dm_range_kind kind = DM_RANGE_NONE;
    if (x->method == DM_METHOD_GET && (!if_range.len || dm_etag_same(if_range, etag)))
        kind = dm_range_parse(dm_head_get(&x->head, DM_STR("range")), size, &first, &length);
    if (kind == DM_RANGE_UNSATISFIABLE) {
        close(fd);
        dm_refuse(x, DM_PROBLEM_RANGE, "The file has %llu bytes.", (unsigned long long)size);
        dm_answer_fieldf(x, "Content-Range", "bytes */%llu", (unsigned long long)size);
        return DM_NEXT_RESPOND;
    }
    dm_answer_field(x, "Accept-Ranges", "bytes");
    if (kind == DM_RANGE_PART)
        dm_answer_fieldf(x, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)first,
                         (unsigned long long)(first + length - 1), (unsigned long long)size);
    return dm_answer_file(x, kind == DM_RANGE_PART ? 206 : 200, "application/json", fd, first, length);
}

enum dm_next dm_on_blob(struct dm_exchange *x)
{
    struct dm_str token = DM_STR("");
    struct dm_str key;
    struct dm_snapshot snapshot;
    struct dm_blob_info info;
    struct dm_err err;
    int fd = -1;
    (void)dm_route_segment(x->route, &x->segments, DM_STR("{token}"), &token);
    if (dm_link_open(x, token, &x->tenant, &x->file, &key, &err) != DM_OK)
        return err.code == DM_DENIED ? dm_refuse(x, DM_PROBLEM_LINK_INVALID, "%s", err.text) : dm_refuse_code(x, &err);
    if (!read_document(x, &snapshot))
        return DM_NEXT_RESPOND;
    struct dm_str etag = dm_arena_fmt(&x->arena, "\"%.*s\"", DM_STR_ARG(key));
    struct dm_str known = dm_head_list(x, DM_STR("if-none-match"));
    if (!etag.at) {
        dm_fail_memory(&err);
        return dm_refuse_code(x, &err);
    }
    enum dm_code rc = dm_blob_open(x->api->pipeline->ports.blob, &x->tenant, key, &fd, &info, &err);
    if (rc == DM_NOT_FOUND)
        return dm_refuse(x, snapshot.state.gone & DM_GONE_RESULTS ? DM_PROBLEM_GONE : DM_PROBLEM_NOT_FOUND,
                         "What the link leads to is not there any more; ask for a new link.");
    if (rc != DM_OK)
        return dm_refuse_code(x, &err);
    x->cache_control = "private, no-cache";
    dm_answer_field(x, "ETag", etag.at);
    if (known.len && dm_etag_listed(known, etag)) {
        close(fd);
        return dm_answer(x, 304, NULL);
    }
    add_file_name(x, snapshot.document.name);
    return answer_blob(x, fd, info.size_bytes, etag);
}
