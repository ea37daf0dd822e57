/* params.c: one parser a kind. What a parser lets through is fit to be stored, logged where it is no secret,
 * and put into JSON. */
#include "params.h"

#include "base/calendar.h"
#include "base/check.h"
#include "base/json.h"
#include "domain/ranges.h"
#include "domain/status.h"

static const struct dm_param_row rows[DM_PARAM_COUNT] = {
#define DM_PARAM_ROW(name, wire, kind, least, most, fallback, help)                                                    \
    [DM_PARAM_##name] = { wire, DM_KIND_##kind, least, most, fallback, help },
    DM_PARAMS(DM_PARAM_ROW)
#undef DM_PARAM_ROW
};

const struct dm_param_row *dm_param_row(enum dm_param param)
{
    DM_CHECK(param < DM_PARAM_COUNT);
    return &rows[param];
}

bool dm_param_find(struct dm_str name, uint32_t allowed, enum dm_param *ret)
{
    for (int i = 0; i < DM_PARAM_COUNT; i++) {
        if (!(allowed & 1U << i) || !dm_str_eq(name, dm_str_z(rows[i].name)))
            continue;
        *ret = (enum dm_param)i;
        return true;
    }
    return false;
}

static enum dm_code parse_text(const struct dm_param_row *row, struct dm_str text, struct dm_err *err)
{
    if (!dm_str_is_utf8(text))
        return dm_fail(err, DM_INVALID, "is not UTF-8");
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return dm_fail(err, DM_INVALID, "holds control characters");
    if (text.len < (size_t)row->least || text.len > (size_t)row->most)
        return dm_fail(err, DM_INVALID, "has %zu bytes; %lld to %lld are allowed", text.len, (long long)row->least,
                       (long long)row->most);
    return DM_OK;
}

static enum dm_code parse_number(const struct dm_param_row *row, struct dm_str text, int64_t *ret, struct dm_err *err)
{
    if (dm_str_to_i64(text, ret) && *ret >= row->least && *ret <= row->most)
        return DM_OK;
    if (row->most == INT64_MAX)
        return dm_fail(err, DM_INVALID, "must be a whole number from %lld on", (long long)row->least);
    return dm_fail(err, DM_INVALID, "must be a whole number from %lld to %lld", (long long)row->least,
                   (long long)row->most);
}

static enum dm_code parse_boolean(struct dm_str text, int64_t *ret, struct dm_err *err)
{
    bool yes = dm_str_eq(text, DM_STR("true")) || dm_str_eq(text, DM_STR("1"));
    if (!yes && !dm_str_eq(text, DM_STR("false")) && !dm_str_eq(text, DM_STR("0")))
        return dm_fail(err, DM_INVALID, "must be true or false");
    *ret = yes;
    return DM_OK;
}

static enum dm_code parse_status(struct dm_str text, int64_t *ret, struct dm_err *err)
{
    enum dm_status status;
    if (!dm_status_parse(text, &status))
        return dm_fail(err, DM_INVALID,
                       "must be one of awaiting_upload, pending, chunking, processing, aggregating, completed, failed, "
                       "cancelled");
    *ret = status;
    return DM_OK;
}

/* JSON known to be valid, without the white space between its tokens: it must fit on one line of an event
 * stream, and otherwise stay as the client wrote it (a printer would change the digits of numbers). */
static struct dm_str minified(struct dm_str json, struct dm_arena *arena)
{
    char *at = dm_arena_alloc(arena, json.len + 1);
    if (!at)
        return (struct dm_str){ NULL, 0 };
    size_t len = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (!in_string && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue;
        at[len++] = c;
        if (c == '"')
            in_string = !in_string;
        else if (c == '\\' && in_string)
            at[len++] = json.at[++i];
    }
    return dm_str_of(at, len);
}

static enum dm_code parse_object(const struct dm_param_row *row, struct dm_str text, struct dm_arena *arena,
                                 struct dm_str *ret, struct dm_err *err)
{
    if (text.len > (size_t)row->most)
        return dm_fail(err, DM_INVALID, "has %zu bytes; %lld are allowed", text.len, (long long)row->most);
    json_auto_t *value = NULL;
    struct dm_err why;
    if (dm_json_parse(text, "it", &value, &why) != DM_OK)
        return dm_fail(err, DM_INVALID, "must be a JSON object; %s", why.text);
    if (!json_is_object(value))
        return dm_fail(err, DM_INVALID, "must be a JSON object, like {\"case\":\"4711\"}");
    *ret = minified(text, arena);
    return ret->at ? DM_OK : dm_fail_memory(err);
}

static enum dm_code parse_pages(const struct dm_param_row *row, struct dm_str text, struct dm_arena *arena,
                                struct dm_err *err)
{
    struct dm_ranges ranges;
    if (text.len > (size_t)row->most)
        return dm_fail(err, DM_INVALID, "has %zu bytes; %lld are allowed", text.len, (long long)row->most);
    enum dm_code rc = dm_ranges_parse(arena, text, &ranges, err);
    if (rc == DM_OK && ranges.count == 0)
        return dm_fail(err, DM_INVALID, "names no page; write pages from 1 on like 1-5,9 or 12-");
    return rc;
}

static enum dm_code parse_files(const struct dm_param_row *row, struct dm_str text, struct dm_err *err)
{
    struct dm_str rest = text;
    struct dm_str one;
    struct dm_file file;
    int64_t count = 0;
    for (; dm_str_next(&rest, ',', &one); count++)
        if (dm_file_parse(one, &file, NULL) != DM_OK)
            return dm_fail(err, DM_INVALID, "names a document by what is no id: %.*s",
                           (int)(one.len < 60 ? one.len : 60), one.at);
    if (count < row->least || count > row->most)
        return dm_fail(err, DM_INVALID, "must name %lld to %lld documents", (long long)row->least,
                       (long long)row->most);
    return DM_OK;
}

enum dm_code dm_param_parse(enum dm_param param, struct dm_str text, struct dm_arena *arena, struct dm_param_value *ret,
                            struct dm_err *err)
{
    const struct dm_param_row *row = dm_param_row(param);
    struct dm_param_value value = { .given = true, .text = text };
    struct dm_tenant tenant;
    enum dm_code rc = DM_OK;
    switch (row->kind) {
    case DM_KIND_TENANT:
        rc = dm_tenant_parse(text, &tenant, err);
        break;
    case DM_KIND_FILE:
        rc = dm_fail(err, DM_INVALID, "must be a part of a multipart/form-data body");
        break;
    case DM_KIND_TEXT:
    case DM_KIND_SECRET:
        rc = parse_text(row, text, err);
        break;
    case DM_KIND_OBJECT:
        rc = parse_object(row, text, arena, &value.text, err);
        break;
    case DM_KIND_NUMBER:
        rc = parse_number(row, text, &value.number, err);
        break;
    case DM_KIND_BOOLEAN:
        rc = parse_boolean(text, &value.number, err);
        break;
    case DM_KIND_INSTANT:
        if (!dm_time_parse(text, &value.number))
            rc = dm_fail(err, DM_INVALID, "must be an instant like 2026-11-24T08:00:00Z, or a date");
        break;
    case DM_KIND_STATUS:
        rc = parse_status(text, &value.number, err);
        break;
    case DM_KIND_PAGES:
        rc = parse_pages(row, text, arena, err);
        break;
    case DM_KIND_FILES:
        rc = parse_files(row, text, err);
        break;
    case DM_KIND_PROFILE:
        if (!dm_str_eq(text, DM_STR("default")))
            rc = dm_fail(err, DM_INVALID, "only \"default\" is there yet; leave `profile` out");
        break;
    case DM_KIND_LATER:
        rc = dm_fail(err, DM_INVALID, "%s", row->help);
        break;
    }
    if (rc == DM_OK)
        *ret = value;
    return rc;
}
