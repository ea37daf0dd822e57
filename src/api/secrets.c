/* secrets.c: tenants' own keys, for whoever runs the server: set, removed, and listed without what they are.
 *
 * A key comes in once, is sealed, and never leaves: no answer, problem or log line has it, and what held it is overwritten. */
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "answer.h"
#include "handlers.h"
#include "views.h"

enum { CURSOR_MAX = 512, FAILING_MAX = 100 };

/* False: answered. */
static bool read_names(struct dm_exchange *x)
{
    const struct dm_api_options *options = &x->api->options;
    const struct dm_param_value *name = &x->params[DM_PARAM_NAME];
    if (!x->params[DM_PARAM_TENANT_ID].given)
        dm_wrong(x, DM_STR("tenantId"), "must say whose it is");
    if (!name->given || !options->is_secret_name || !options->is_secret_name(name->text))
        dm_wrong(x, DM_STR("name"), "must be the setting of a model provider's key, like GEMINI_API_KEY");
    if (x->wrong_count == 0)
        return true;
    dm_refuse_wrong(x);
    return false;
}

/* What the provider said to the key of before is over. */
static enum dm_next answer_names(struct dm_exchange *x, const char *done)
{
    if (x->api->pipeline->limiter)
        dm_limiter_forget_tenant(x->api->pipeline->limiter, &x->tenant);
    dm_buf_addf(&x->out, "{\"tenantId\":\"%s\",\"name\":", x->tenant.id);
    dm_buf_add_json_string(&x->out, x->params[DM_PARAM_NAME].text);
    dm_buf_addf(&x->out, ",\"status\":\"%s\"}", done);
    return dm_answer_json(x, 200);
}

static enum dm_next set(struct dm_exchange *x)
{
    struct dm_err err;
    struct dm_str key = x->params[DM_PARAM_VALUE].text;
    if (key.len == 0)
        dm_wrong(x, DM_STR("value"), "must be given");
    if (!read_names(x))
        return DM_NEXT_RESPOND;
    enum dm_code rc = dm_tenant_key_set(&x->api->pipeline->ports, &x->tenant, x->params[DM_PARAM_NAME].text, key, &err);
    if (rc == DM_INVALID) {
        dm_wrong(x, DM_STR("value"), "is refused: %s", err.text);
        return dm_refuse_wrong(x);
    }
    return rc == DM_OK ? answer_names(x, "set") : dm_refuse_code(x, &err);
}

enum dm_next dm_on_secret_set(struct dm_exchange *x)
{
    enum dm_next next = set(x);
    struct dm_param_value *value = &x->params[DM_PARAM_VALUE];
    if (value->text.len)
        dm_wipe((void *)(uintptr_t)value->text.at, value->text.len); /* in the exchange's own arena */
    *value = (struct dm_param_value){ 0 };
    if (x->body.len)
        dm_wipe(x->body.at, x->body.len);
    return next;
}

enum dm_next dm_on_secret_remove(struct dm_exchange *x)
{
    struct dm_err err;
    if (!read_names(x))
        return DM_NEXT_RESPOND;
    enum dm_code rc = dm_tenant_key_remove(&x->api->pipeline->ports, &x->tenant, x->params[DM_PARAM_NAME].text, &err);
    return rc == DM_OK ? answer_names(x, "removed") : dm_refuse_code(x, &err);
}

/* ---- the list ---- */

static void add_cursor(struct dm_buf *out, const struct dm_secret_row *row)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    dm_buf_addf(&plain, "%s,%s", row->name, row->tenant.id);
    DM_LIT(out, "\"");
    dm_buf_add_base64url(out, dm_buf_str(&plain));
    DM_LIT(out, "\"");
}

/* False: answered. */
static bool read_cursor(struct dm_exchange *x, struct dm_secret_row *ret)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    *ret = (struct dm_secret_row){ 0 };
    if (!x->params[DM_PARAM_CURSOR].given)
        return true;
    bool valid = dm_buf_add_base64url_decoded(&plain, x->params[DM_PARAM_CURSOR].text);
    struct dm_str rest = dm_buf_str(&plain);
    struct dm_str name;
    valid = valid && dm_str_next(&rest, ',', &name) && rest.at && name.len < sizeof(ret->name) &&
            dm_tenant_parse(rest, &ret->tenant, NULL) == DM_OK;
    if (valid) {
        memcpy(ret->name, name.at, name.len);
        return true;
    }
    dm_wrong(x, DM_STR("cursor"), "is none that this route made");
    dm_refuse_wrong(x);
    return false;
}

/* Whose own keys the provider does not take now: calls with them wait. */
static void add_failing(struct dm_exchange *x, const struct dm_tenant *wanted)
{
    struct dm_shut_account shut[FAILING_MAX];
    struct dm_limiter *limiter = x->api->pipeline->limiter;
    uint32_t count = limiter ? dm_limiter_look_shut(limiter, FAILING_MAX, shut) : 0;
    bool any = false;
    DM_LIT(&x->out, "],\"failing\":[");
    for (uint32_t i = 0; i < count && i < FAILING_MAX; i++) {
        const struct dm_limiter_view *view = &shut[i].view;
        if (wanted && !dm_tenant_eq(wanted, &shut[i].tenant))
            continue;
        dm_buf_addf(&x->out, "%s{\"tenantId\":\"%s\",\"reason\":\"%s\",\"detail\":\"%s\",\"since\":", any ? "," : "",
                    shut[i].tenant.id, dm_reason_text(view->reason), dm_reason_meaning(view->reason));
        dm_add_instant(&x->out, x->wall_ms - view->shut_ms);
        DM_LIT(&x->out, "}");
        any = true;
    }
    DM_LIT(&x->out, "]");
}

enum dm_next dm_on_secrets(struct dm_exchange *x)
{
    struct dm_secret_row after;
    struct dm_tenant_key_list list;
    struct dm_err err;
    const struct dm_tenant *wanted = x->params[DM_PARAM_TENANT_ID].given ? &x->tenant : NULL;
    if (!read_cursor(x, &after))
        return DM_NEXT_RESPOND;
    if (dm_tenant_key_list(&x->api->pipeline->ports, wanted, &after, (uint32_t)dm_params_number(x, DM_PARAM_LIMIT),
                           &x->scratch, &list, &err) != DM_OK)
        return dm_refuse_code(x, &err);
    DM_LIT(&x->out, "{\"secrets\":[");
    for (uint32_t i = 0; i < list.count; i++) {
        const struct dm_secret_row *row = &list.at[i];
        dm_buf_addf(&x->out, "%s{\"tenantId\":\"%s\",\"name\":", i ? "," : "", row->tenant.id);
        dm_buf_add_json_string(&x->out, dm_str_z(row->name));
        DM_LIT(&x->out, ",\"created\":");
        dm_add_instant(&x->out, row->created_ms);
        DM_LIT(&x->out, ",\"changed\":");
        dm_add_instant(&x->out, row->changed_ms);
        DM_LIT(&x->out, "}");
    }
    add_failing(x, wanted);
    DM_LIT(&x->out, ",\"nextCursor\":");
    if (list.more)
        add_cursor(&x->out, &list.at[list.count - 1]);
    else
        DM_LIT(&x->out, "null");
    DM_LIT(&x->out, "}");
    return dm_answer_json(x, 200);
}
