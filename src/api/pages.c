/* pages.c: the ledger of a document's pages, one page with what was read on it, its picture. */
#include <inttypes.h>

#include "base/json.h"
#include "answer.h"
#include "handlers.h"
#include "views.h"

enum { PAGE_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK };

/* False: answered. */
static bool read_document(struct dm_exchange *x, struct dm_snapshot *ret)
{
    struct dm_err err;
    if (dm_document_read(x->api->pipeline, &x->tenant, &x->file, PAGE_PARTS, &x->scratch, ret, &err) == DM_OK)
        return true;
    dm_refuse_code(x, &err);
    return false;
}

enum dm_next dm_on_pages(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_page_views views;
    struct dm_err err;
    uint64_t first = 1;
    uint32_t limit = (uint32_t)dm_params_number(x, DM_PARAM_LIMIT);
    const struct dm_param_value *cursor = &x->params[DM_PARAM_CURSOR];
    if (cursor->given && (!dm_str_to_u64(cursor->text, &first) || first < 1 || first > UINT32_MAX)) {
        dm_wrong(x, DM_STR("cursor"), "is none that this route made");
        return dm_refuse_wrong(x);
    }
    if (!read_document(x, &snapshot))
        return DM_NEXT_RESPOND;
    if (dm_document_pages(x->api->pipeline, &x->tenant, &x->file, &snapshot, (uint32_t)first, limit, &x->scratch,
                          &views, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    DM_LIT(&x->out, "{\"fileId\":\"");
    dm_buf_add_z(&x->out, x->file.id);
    DM_LIT(&x->out, "\",\"total\":");
    dm_add_number(&x->out, snapshot.state.total);
    DM_LIT(&x->out, ",\"pages\":[");
    for (uint32_t i = 0; i < views.count; i++) {
        if (i)
            DM_LIT(&x->out, ",");
        dm_add_page_open(&x->out, &views.at[i]);
        DM_LIT(&x->out, "}");
    }
    DM_LIT(&x->out, "],\"nextCursor\":");
    if (first + views.count <= snapshot.state.total && views.count > 0) {
        struct dm_str next = dm_arena_fmt(&x->arena, "%" PRIu64, first + views.count);
        dm_buf_add_json_string(&x->out, next);
        dm_answer_next_link(x, DM_PARAM_CURSOR, next);
    } else {
        DM_LIT(&x->out, "null");
    }
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

/* Whether the document has the page; answered where it does not, or does not know yet. */
static bool has_page(struct dm_exchange *x, const struct dm_state *state)
{
    if (state->total == 0 && !dm_status_is_final(state->status)) {
        dm_refuse_with(x, DM_PROBLEM_RESULT_NOT_READY, 0, DM_STR(""),
                       "The document is %s: its pages are not known yet.", dm_status_text(state->status));
        return false;
    }
    if (state->total == 0) {
        dm_refuse(x, DM_PROBLEM_NOT_FOUND, "The document is %s, and its pages were never counted.",
                  dm_status_text(state->status));
        return false;
    }
    if (x->page > state->total) {
        dm_refuse(x, DM_PROBLEM_NOT_FOUND, "the document has %u page%s", state->total, state->total == 1 ? "" : "s");
        return false;
    }
    return true;
}

static void add_member(struct dm_buf *out, const char *name, const json_t *line)
{
    const json_t *value = line ? json_object_get(line, name) : NULL;
    dm_buf_addf(out, ",\"%s\":", name);
    if (value)
        dm_json_add(out, value);
    else
        DM_LIT(out, "null");
}

/* What the model said and what was read on the page stand in its line of a segment. */
static enum dm_code add_content(struct dm_exchange *x, const struct dm_state *state, const struct dm_page *record,
                                struct dm_err *err)
{
    json_auto_t *line = NULL;
    if (record && record->length > 0) {
        DM_AUTO(dm_buf) text = dm_buf_make(DM_SEGMENT_LINE_MAX);
        enum dm_code rc = dm_page_line(x->api->pipeline, &x->tenant, state, record, &text, err);
        if (rc == DM_OK)
            rc = dm_json_parse(dm_buf_str(&text), "the page's line", &line, err);
        if (rc != DM_OK)
            return rc == DM_INVALID ? dm_fail(err, DM_CORRUPT, "%s", err->text) : rc;
    }
    add_member(&x->out, "analysis", line);
    add_member(&x->out, "text", line);
    return DM_OK;
}

enum dm_next dm_on_page(struct dm_exchange *x)
{
    struct dm_snapshot snapshot;
    struct dm_page_views views;
    struct dm_err err;
    if (!read_document(x, &snapshot) || !has_page(x, &snapshot.state))
        return DM_NEXT_RESPOND;
    if (dm_document_pages(x->api->pipeline, &x->tenant, &x->file, &snapshot, x->page, 1, &x->scratch, &views, &err) !=
        DM_OK)
        return dm_refuse_code(x, &err);
    if (views.count == 0)
        return dm_refuse(x, DM_PROBLEM_NOT_FOUND, "The document has no page %u.", x->page);
    dm_add_page_open(&x->out, &views.at[0]);
    if (add_content(x, &snapshot.state, views.at[0].record, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

enum dm_next dm_on_page_image(struct dm_exchange *x)
{
    static const struct dm_str types[] = { DM_STR_INIT("image/png"), DM_STR_INIT("image/jpeg") };
    static const enum dm_media media[] = { DM_MEDIA_PNG, DM_MEDIA_JPEG };
    struct dm_snapshot snapshot;
    struct dm_err err;
    int fd = -1;
    uint64_t size = 0;
    int type = dm_accept_best(dm_head_list(x, DM_STR("accept")), types, DM_COUNT(types));
    if (type < 0)
        return dm_refuse(x, DM_PROBLEM_NOT_ACCEPTABLE, "Pictures are served as image/png and image/jpeg.");
    if (!read_document(x, &snapshot) || !has_page(x, &snapshot.state))
        return DM_NEXT_RESPOND;
    if (dm_page_image(x->api->pipeline, &x->tenant, &x->file, &snapshot, x->page,
                      (uint32_t)dm_params_number(x, DM_PARAM_SIZE), media[type], &fd, &size, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    x->cache_control = "private, max-age=600";
    dm_answer_field(x, "Vary", "Accept");
    return dm_answer_file(x, 200, types[type].at, fd, 0, size);
}
