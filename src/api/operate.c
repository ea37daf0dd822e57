/* operate.c: what an operator asks across tenants: what is stuck, redrive, pause, resume, drain.
 *
 * All of it is for whoever runs the server. As long as there are no credentials that is everybody who reaches it, so these
 * routes are served on loopback alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/encode.h"
#include "base/json.h"
#include "answer.h"
#include "handlers.h"
#include "views.h"

enum { CURSOR_MAX = 256, PAUSES_MAX = 1000 };

/* NULL: the request names none. */
static const struct dm_tenant *named_tenant(const struct dm_exchange *x)
{
    return x->params[DM_PARAM_TENANT_ID].given ? &x->tenant : NULL;
}

/* ---- the place in a walk through stalled documents ----------------------------------------------------------- */

static void add_cursor(struct dm_buf *out, const struct dm_stalled_cursor *cursor)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    dm_buf_addf(&plain, "%" PRId64 ",%s,%s", cursor->progress_ms, cursor->found.file.id, cursor->found.tenant.id);
    dm_buf_add_base64url(out, dm_buf_str(&plain));
}

/* False: answered. */
static bool read_cursor(struct dm_exchange *x, struct dm_stalled_cursor *ret)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    *ret = (struct dm_stalled_cursor){ 0 };
    if (!x->params[DM_PARAM_CURSOR].given)
        return true;
    bool valid = dm_buf_add_base64url_decoded(&plain, x->params[DM_PARAM_CURSOR].text);
    struct dm_str rest = dm_buf_str(&plain);
    struct dm_str instant, file;
    valid = valid && dm_str_next(&rest, ',', &instant) && dm_str_next(&rest, ',', &file) && rest.at &&
            dm_str_to_i64(instant, &ret->progress_ms) && dm_file_parse(file, &ret->found.file, NULL) == DM_OK &&
            dm_tenant_parse(rest, &ret->found.tenant, NULL) == DM_OK;
    if (valid)
        return true;
    dm_wrong(x, DM_STR("cursor"), "is none that this route made");
    dm_refuse_wrong(x);
    return false;
}

static void add_next(struct dm_exchange *x, const struct dm_stalled_cursor *cursor, bool more)
{
    DM_LIT(&x->out, ",\"nextCursor\":");
    if (!more) {
        DM_LIT(&x->out, "null");
        return;
    }
    DM_LIT(&x->out, "\"");
    add_cursor(&x->out, cursor);
    DM_LIT(&x->out, "\"");
}

/* ---- pauses --------------------------------------------------------------------------------------------------- */

/* False: answered. */
static bool add_pauses(struct dm_exchange *x)
{
    struct dm_pauses pauses;
    struct dm_err err;
    if (dm_work_pauses(x->api->pipeline, PAUSES_MAX, &x->scratch, &pauses, &err) != DM_OK) {
        dm_answer_begin(x);
        dm_refuse_code(x, &err);
        return false;
    }
    uint32_t first = pauses.count > 0 && !pauses.at[0].tenant.id[0];
    DM_LIT(&x->out, "{\"all\":");
    if (first) {
        DM_LIT(&x->out, "{\"since\":");
        dm_add_instant(&x->out, pauses.at[0].since_ms);
        DM_LIT(&x->out, "}");
    } else {
        DM_LIT(&x->out, "null");
    }
    DM_LIT(&x->out, ",\"tenants\":[");
    for (uint32_t i = first; i < pauses.count; i++) {
        dm_buf_addf(&x->out, "%s{\"tenantId\":\"%s\",\"since\":", i > first ? "," : "", pauses.at[i].tenant.id);
        dm_add_instant(&x->out, pauses.at[i].since_ms);
        DM_LIT(&x->out, "}");
    }
    DM_LIT(&x->out, "]}");
    return true;
}

static enum dm_next answer_pauses(struct dm_exchange *x, enum dm_code rc, const struct dm_err *err)
{
    if (rc != DM_OK)
        return dm_refuse_code(x, err);
    dm_health_read_pauses(x->api->health);
    DM_LIT(&x->out, "{\"paused\":");
    if (!add_pauses(x))
        return DM_NEXT_RESPOND;
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

enum dm_next dm_on_pause(struct dm_exchange *x)
{
    struct dm_err err;
    enum dm_code rc = dm_work_pause(x->api->pipeline, named_tenant(x), &err);
    return answer_pauses(x, rc, &err);
}

enum dm_next dm_on_resume(struct dm_exchange *x)
{
    struct dm_err err;
    enum dm_code rc = dm_work_resume(x->api->pipeline, named_tenant(x), &err);
    return answer_pauses(x, rc, &err);
}

/* ---- what is stuck -------------------------------------------------------------------------------------------- */

static void add_waiting(struct dm_buf *out, const struct dm_waiting *waiting)
{
    dm_buf_addf(out, ",\"waitsFor\":{\"what\":\"%s\",\"until\":", dm_waits_text(waiting->what));
    dm_add_instant(out, waiting->until_ms);
    DM_LIT(out, ",\"owner\":");
    if (waiting->owner[0])
        dm_buf_addf(out, "\"%s\"", waiting->owner);
    else
        DM_LIT(out, "null");
    DM_LIT(out, ",\"pages\":");
    if (waiting->first)
        dm_buf_addf(out, "\"%u-%u\"}", waiting->first, waiting->last);
    else
        DM_LIT(out, "null}");
}

static void add_stuck(struct dm_buf *out, const struct dm_stuck *stuck)
{
    dm_buf_addf(out, "{\"tenantId\":\"%s\",\"fileId\":\"%s\",\"fileName\":", stuck->found.tenant.id,
                stuck->found.file.id);
    dm_buf_add_json_string(out, stuck->document.name);
    dm_buf_addf(out, ",\"status\":\"%s\",\"since\":", dm_status_text(stuck->state.status));
    dm_add_instant(out, stuck->state.progress_ms);
    add_waiting(out, &stuck->waiting);
    dm_buf_addf(
        out, ",\"claims\":%u,\"losses\":%u,\"paused\":%s,\"progress\":{\"processed\":%u,\"failed\":%u,\"total\":%u}}",
        stuck->claims, stuck->waiting.losses, stuck->paused ? "true" : "false", stuck->state.processed,
        stuck->state.failed, stuck->state.total);
}

/* False: it is of another tenant than the one that was asked for. */
static bool begin_stuck(struct dm_exchange *x, const struct dm_stuck *stuck, bool *any)
{
    const struct dm_tenant *wanted = named_tenant(x);
    if (wanted && !dm_tenant_eq(wanted, &stuck->found.tenant))
        return false;
    if (*any)
        DM_LIT(&x->out, ",");
    *any = true;
    return true;
}

enum dm_next dm_on_stuck(struct dm_exchange *x)
{
    struct dm_stalled_cursor cursor;
    struct dm_stuck_documents stuck;
    struct dm_err err;
    int64_t older_s = dm_params_number(x, DM_PARAM_OLDER_THAN);
    uint32_t limit = (uint32_t)dm_params_number(x, DM_PARAM_LIMIT);
    if (!read_cursor(x, &cursor))
        return DM_NEXT_RESPOND;
    if (dm_stuck_list(x->api->pipeline, older_s * DM_SECOND_MS, &cursor, limit, &x->scratch, &stuck, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    dm_buf_addf(&x->out, "{\"olderThanSeconds\":%" PRId64 ",\"paused\":", older_s);
    if (!add_pauses(x))
        return DM_NEXT_RESPOND;
    DM_LIT(&x->out, ",\"documents\":[");
    bool any = false;
    for (uint32_t i = 0; i < stuck.count; i++) {
        if (begin_stuck(x, &stuck.at[i], &any))
            add_stuck(&x->out, &stuck.at[i]);
    }
    DM_LIT(&x->out, "]");
    add_next(x, &cursor, stuck.more);
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

/* ---- redrive -------------------------------------------------------------------------------------------------- */

static void add_plural(struct dm_buf *out, uint32_t count, const char *one, const char *many, bool *any)
{
    if (count == 0)
        return;
    dm_buf_addf(out, "%s%u %s", *any ? ", " : "", count, count == 1 ? one : many);
    *any = true;
}

/* A sentence of what was done. */
static void add_detail(struct dm_buf *out, const struct dm_redriven *redriven)
{
    bool any = false;
    switch (redriven->what) {
    case DM_REDRIVEN_LET_GO:
        add_plural(out, redriven->claims, "claim given back", "claims given back", &any);
        add_plural(out, redriven->pages, "page due at once", "pages due at once", &any);
        add_plural(out, redriven->lease, "aggregator's lease released", "", &any);
        add_plural(out, redriven->mended, "wrong index key mended", "", &any);
        break;
    case DM_REDRIVEN_WAITS:
        DM_LIT(out, "nothing holds it back; it waits for a worker or an aggregator");
        break;
    case DM_REDRIVEN_MOVES:
        dm_buf_addf(out,
                    "made progress %" PRId64 " s ago and was left alone; a smaller olderThan redrives it all the same",
                    redriven->still_ms / DM_SECOND_MS);
        break;
    case DM_REDRIVEN_RETRIED:
        dm_buf_addf(out, "had failed (%s) and is read again", dm_reason_text(redriven->reason));
        break;
    case DM_REDRIVEN_ENDED:
        dm_buf_addf(out, "is %s", dm_status_text(redriven->status));
        if (redriven->status == DM_STATUS_FAILED)
            dm_buf_addf(out, " (%s): that is the document's own, so only a retry reads it again",
                        dm_reason_text(redriven->reason));
        break;
    case DM_REDRIVEN_COUNT:
        break;
    }
}

static void add_redriven(struct dm_exchange *x, const struct dm_found *found, const struct dm_redriven *redriven)
{
    DM_AUTO(dm_buf) detail = dm_buf_make(CURSOR_MAX);
    add_detail(&detail, redriven);
    dm_buf_addf(&x->out,
                "{\"fileId\":\"%s\",\"tenantId\":\"%s\",\"what\":\"%s\",\"status\":\"%s\",\"claims\":%u,\"pages\":%u,"
                "\"lease\":%s,\"mended\":%s,\"detail\":",
                found->file.id, found->tenant.id, dm_redriven_text(redriven->what), dm_status_text(redriven->status),
                redriven->claims, redriven->pages, redriven->lease ? "true" : "false",
                redriven->mended ? "true" : "false");
    dm_buf_add_json_string(&x->out, dm_buf_str(&detail));
    DM_LIT(&x->out, "}");
}

/* One document that could not be redriven does not keep the others from it. */
static void add_refused(struct dm_exchange *x, const struct dm_file *file, const struct dm_err *err)
{
    const struct dm_code_row *row = dm_problem_of_code(err->code);
    dm_buf_addf(&x->out, "{\"fileId\":\"%s\",\"tenantId\":null,\"what\":\"%s\",\"status\":null,\"detail\":", file->id,
                dm_problem_row(row->problem)->slug);
    dm_buf_add_json_string(&x->out, dm_str_z(row->tell ? err->text : row->sentence));
    DM_LIT(&x->out, "}");
}

static void redrive(struct dm_exchange *x, const struct dm_found *found)
{
    struct dm_redriven redriven;
    struct dm_err err;
    int64_t older_ms = dm_params_number(x, DM_PARAM_OLDER_THAN) * DM_SECOND_MS;
    if (dm_document_redrive(x->api->pipeline, &found->tenant, &found->file, older_ms, &redriven, &err) == DM_OK)
        add_redriven(x, found, &redriven);
    else
        add_refused(x, &found->file, &err);
}

static void redrive_named(struct dm_exchange *x)
{
    struct dm_str rest = x->params[DM_PARAM_FILE_IDS].text;
    struct dm_str one;
    for (bool any = false; dm_str_next(&rest, ',', &one); any = true) {
        struct dm_found found;
        struct dm_err err;
        if (any)
            DM_LIT(&x->out, ",");
        enum dm_code rc = dm_file_parse(one, &found.file, &err);
        if (named_tenant(x))
            found.tenant = x->tenant;
        else if (rc == DM_OK)
            rc = dm_document_owner(x->api->pipeline, &found.file, &found.tenant, &err);
        if (rc == DM_OK)
            redrive(x, &found);
        else
            add_refused(x, &found.file, &err);
    }
}

/* False: answered. */
static bool redrive_stuck(struct dm_exchange *x, struct dm_stalled_cursor *cursor, bool *ret_more)
{
    struct dm_stuck_documents stuck;
    struct dm_err err;
    int64_t older_ms = dm_params_number(x, DM_PARAM_OLDER_THAN) * DM_SECOND_MS;
    uint32_t limit = (uint32_t)dm_params_number(x, DM_PARAM_LIMIT);
    if (limit > DM_REDRIVES_MAX)
        limit = DM_REDRIVES_MAX;
    if (dm_stuck_list(x->api->pipeline, older_ms, cursor, limit, &x->scratch, &stuck, &err) != DM_OK) {
        dm_answer_begin(x);
        dm_refuse_code(x, &err);
        return false;
    }
    bool any = false;
    for (uint32_t i = 0; i < stuck.count; i++) {
        if (begin_stuck(x, &stuck.at[i], &any))
            redrive(x, &stuck.at[i].found);
    }
    *ret_more = stuck.more;
    return true;
}

enum dm_next dm_on_redrive(struct dm_exchange *x)
{
    struct dm_stalled_cursor cursor;
    bool all = dm_params_number(x, DM_PARAM_ALL_STUCK) != 0;
    bool more = false;
    if (all == x->params[DM_PARAM_FILE_IDS].given) {
        dm_wrong(x, DM_STR("fileIds"), "or `allStuck` must be given, and not both");
        return dm_refuse_wrong(x);
    }
    if (!read_cursor(x, &cursor))
        return DM_NEXT_RESPOND;
    DM_LIT(&x->out, "{\"results\":[");
    if (!all)
        redrive_named(x);
    else if (!redrive_stuck(x, &cursor, &more))
        return DM_NEXT_RESPOND;
    DM_LIT(&x->out, "]");
    add_next(x, &cursor, more);
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}

/* ---- drain ---------------------------------------------------------------------------------------------------- */

enum dm_next dm_on_drain(struct dm_exchange *x)
{
    const struct dm_api_options *options = &x->api->options;
    if (!options->drain)
        return dm_refuse(x, DM_PROBLEM_WRONG_STATE,
                         "This process is not ended by request: whoever started it ends it.");
    /* From this answer on, not from when the process gets to it. */
    dm_api_drain(x->api);
    options->drain(options->drain_context);
    dm_buf_addf(&x->out,
                "{\"status\":\"draining\",\"process\":{\"pid\":%" PRId64 ",\"began\":%" PRIu64
                "},\"drainSeconds\":%" PRId64 "}",
                options->process_id, options->process_began, options->drain_ms / DM_SECOND_MS);
    return dm_answer_json(x, 202);
}
