/* request.c: parameters out of query, JSON body, headers and path, by the rows of params.h. Every wrong field
 * is noted, so that one answer tells them all; only what cannot be taken apart at all is refused at once. */
#include "base/encode.h"
#include "base/json.h"
#include "answer.h"

struct dm_str dm_head_get(const struct dm_head *head, struct dm_str name)
{
    for (uint32_t i = 0; i < head->header_count; i++)
        if (dm_str_eq_nocase(head->headers[i].name, name))
            return dm_str_trim(head->headers[i].value);
    return DM_STR("");
}

struct dm_str dm_head_list(struct dm_exchange *x, struct dm_str name)
{
    struct dm_str list = DM_STR("");
    for (uint32_t i = 0; i < x->head.header_count; i++) {
        const struct dm_header *header = &x->head.headers[i];
        if (!dm_str_eq_nocase(header->name, name))
            continue;
        struct dm_str value = dm_str_trim(header->value);
        if (list.len && value.len) {
            struct dm_str joined = dm_arena_fmt(&x->arena, "%.*s, %.*s", DM_STR_ARG(list), DM_STR_ARG(value));
            list = joined.at ? joined : list;
        } else if (value.len) {
            list = value;
        }
    }
    return list;
}

/* ---- one parameter ------------------------------------------------------------------------------------- */

static void set_again(struct dm_exchange *x, enum dm_param param, struct dm_str text)
{
    const struct dm_param_row *row = dm_param_row(param);
    if (row->kind == DM_KIND_TENANT && dm_str_eq(text, x->params[param].text))
        return;
    if (row->kind == DM_KIND_TENANT)
        dm_wrong(x, dm_str_z(row->name), "the request names two tenants; name one");
    else
        dm_wrong(x, dm_str_z(row->name), "is given more than once");
}

void dm_params_set(struct dm_exchange *x, enum dm_param param, struct dm_str text, enum dm_place source)
{
    const struct dm_param_row *row = dm_param_row(param);
    struct dm_param_value *value = &x->params[param];
    struct dm_err err;
    if (row->kind == DM_KIND_SECRET && source == DM_FROM_QUERY) {
        dm_wrong(x, dm_str_z(row->name),
                 "must not stand in a URL, which ends up in logs: send it as a form field or in the header "
                 "X-Document-Password");
        return;
    }
    /* A form sends its empty fields, too. A tenant is never empty: somebody meant to name one. */
    if (text.len == 0 && row->kind != DM_KIND_TENANT)
        return;
    if (value->given) {
        set_again(x, param, text);
        return;
    }
    struct dm_str kept = dm_arena_str(&x->arena, text);
    enum dm_code rc = kept.at ? dm_param_parse(param, kept, &x->arena, value, &err) : dm_fail_memory(&err);
    if (rc != DM_OK)
        dm_wrong(x, dm_str_z(row->name), "%s", err.text);
    else if (source == DM_FROM_QUERY)
        x->from_query |= 1U << param;
}

int64_t dm_params_number(const struct dm_exchange *x, enum dm_param param)
{
    if (x->params[param].given)
        return x->params[param].number;
    const struct dm_param_row *row = dm_param_row(param);
    int64_t number = 0;
    if (row->fallback && !dm_str_to_i64(dm_str_z(row->fallback), &number))
        number = dm_str_eq(dm_str_z(row->fallback), DM_STR("true"));
    return number;
}

/* Names come from outside and go into a header: whatever is not plain becomes '?'. */
static void note_unknown(struct dm_exchange *x, struct dm_str name)
{
    if (x->unknown.len > DM_UNKNOWN_MAX - 100)
        return;
    if (x->unknown.len)
        DM_LIT(&x->unknown, ", ");
    for (size_t i = 0; i < name.len && i < 64; i++) {
        struct dm_str c = dm_str_cut(name, i, 1);
        dm_buf_add(&x->unknown, dm_request_id_sane(c) ? c : DM_STR("?"));
    }
}

void dm_params_unknown(struct dm_exchange *x, struct dm_str name, uint32_t allowed, enum dm_place source)
{
    if (x->route->traits & DM_TRAIT_OLD_CLIENTS) {
        note_unknown(x, name);
        return;
    }
    DM_AUTO(dm_buf) known = dm_buf_make(400);
    for (int i = 0; i < DM_PARAM_COUNT; i++)
        if (allowed & 1U << i)
            dm_buf_addf(&known, "%s%s", known.len ? ", " : "", dm_param_row((enum dm_param)i)->name);
    const char *what = source == DM_FROM_QUERY ? "query parameter" : "member";
    if (known.len)
        dm_wrong(x, name, "is no %s of this route; it has: %s", what, dm_buf_z(&known));
    else
        dm_wrong(x, name, "is no %s of this route; it has none", what);
}

/* ---- the query ------------------------------------------------------------------------------------------- */

static bool decode(struct dm_exchange *x, struct dm_str text, struct dm_str *ret)
{
    if (dm_str_find_char(text, '%') == text.len && dm_str_find_char(text, '+') == text.len) {
        *ret = text;
        return true;
    }
    DM_AUTO(dm_buf) decoded = dm_buf_make(DM_TARGET_MAX);
    if (!dm_buf_add_percent_decoded(&decoded, text, true) || dm_str_find_char(dm_buf_str(&decoded), '\0') < decoded.len)
        return false;
    *ret = dm_arena_str(&x->arena, dm_buf_str(&decoded));
    return ret->at != NULL;
}

bool dm_params_query(struct dm_exchange *x)
{
    struct dm_str rest = x->query;
    struct dm_str item;
    uint32_t count = 0;
    if (!rest.len)
        return true;
    while (dm_str_next(&rest, '&', &item)) {
        if (!item.len)
            continue;
        size_t equals = dm_str_find_char(item, '=');
        struct dm_str name, text;
        if (++count > DM_QUERY_MAX) {
            dm_refuse(x, DM_PROBLEM_MALFORMED, "The query has more than %d parameters.", DM_QUERY_MAX);
            return false;
        }
        if (!decode(x, dm_str_cut(item, 0, equals), &name) || !decode(x, dm_str_from(item, equals + 1), &text)) {
            dm_refuse(x, DM_PROBLEM_MALFORMED,
                      "The query has a broken escape: after %% stand two hexadecimal digits, and never 00.");
            return false;
        }
        enum dm_param param;
        if (dm_param_find(name, x->route->query, &param))
            dm_params_set(x, param, text, DM_FROM_QUERY);
        else
            dm_params_unknown(x, name, x->route->query, DM_FROM_QUERY);
    }
    return true;
}

/* ---- a JSON body ------------------------------------------------------------------------------------------- */

/* "a,b"; what is no string becomes what no list may hold. */
static void join(struct dm_buf *text, const json_t *array)
{
    size_t i;
    json_t *one;
    json_array_foreach (array, i, one) {
        dm_buf_add_z(text, i ? "," : "");
        if (json_is_string(one))
            dm_buf_add(text, dm_str_of(json_string_value(one), json_string_length(one)));
        else
            dm_buf_add_char(text, '?');
    }
}

static void set_member(struct dm_exchange *x, const char *key, const json_t *member)
{
    struct dm_str name = dm_str_z(key);
    enum dm_param param;
    if (!dm_param_find(name, x->route->fields, &param)) {
        dm_params_unknown(x, name, x->route->fields, DM_FROM_JSON);
        return;
    }
    if (json_is_null(member))
        return;
    if ((json_is_array(member) && dm_param_row(param)->kind != DM_KIND_FILES) ||
        (json_is_object(member) && dm_param_row(param)->kind != DM_KIND_OBJECT)) {
        dm_wrong(x, name, "must be a string or a number");
        return;
    }
    DM_AUTO(dm_buf) text = dm_buf_make(DM_REQUEST_BYTES_MAX);
    if (json_is_array(member))
        join(&text, member);
    else if (json_is_string(member))
        dm_buf_add(&text, dm_str_of(json_string_value(member), json_string_length(member)));
    else
        dm_json_add(&text, member);
    if (!text.failed)
        dm_params_set(x, param, dm_buf_str(&text), DM_FROM_JSON);
}

bool dm_params_json(struct dm_exchange *x)
{
    if (dm_str_trim(dm_buf_str(&x->body)).len == 0)
        return true;
    json_auto_t *body = NULL;
    struct dm_err err;
    if (dm_json_parse(dm_buf_str(&x->body), "the body", &body, &err) != DM_OK) {
        dm_refuse(x, DM_PROBLEM_MALFORMED, "%s", err.text);
        return false;
    }
    if (!json_is_object(body)) {
        dm_refuse(x, DM_PROBLEM_MALFORMED, "the body must be a JSON object");
        return false;
    }
    const char *key;
    json_t *member;
    json_object_foreach (body, key, member)
        set_member(x, key, member);
    return true;
}
