/* answer.c: responses: the common fields, problems, links. A response that cannot be built (memory is out)
 * becomes one that needs none. */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"

void dm_add_number(struct dm_buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    if (number < 10) { /* as most are */
        dm_buf_add_char(buf, (char)('0' + number));
        return;
    }
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    dm_buf_add(buf, dm_str_of(digits + at, sizeof(digits) - at));
}

void dm_add_instant(struct dm_buf *buf, int64_t wall_ms)
{
    if (wall_ms == 0) {
        DM_LIT(buf, "null");
        return;
    }
    char text[DM_TIME_TEXT + 2] = "\"";
    dm_time_text(wall_ms, text + 1);
    text[DM_TIME_TEXT] = '"';
    dm_buf_add(buf, dm_str_of(text, DM_TIME_TEXT + 1));
}

/* ---- the response -------------------------------------------------------------------------------------- */

void dm_answer_begin(struct dm_exchange *x)
{
    if (x->response.fd >= 0)
        close(x->response.fd);
    x->response.fd = -1;
    x->response.status = 0;
    x->response.field_count = 0;
    x->response.close = false;
    x->response.body = DM_STR("");
    x->response.offset = x->response.length = 0;
    x->cache_control = NULL;
    dm_buf_clear(&x->out);
}

void dm_answer_field(struct dm_exchange *x, const char *name, const char *value)
{
    if (value && *value && x->response.field_count < DM_RESPONSE_FIELDS_MAX)
        x->response.fields[x->response.field_count++] = (struct dm_field){ name, value };
}

void dm_answer_fieldf(struct dm_exchange *x, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[256];
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < sizeof(text))
        dm_answer_field(x, name, dm_arena_str(&x->arena, dm_str_z(text)).at);
}

static void add_warning(struct dm_exchange *x)
{
    if (!x->unknown.len)
        return;
    struct dm_str text =
        dm_arena_fmt(&x->arena, "299 docmill \"ignored, because not known here: %s\"", dm_buf_z(&x->unknown));
    dm_answer_field(x, "Warning", text.at);
}

/* What every answer has. Nothing that docmill answers here is a page: no script, frame or guess at its type. JSON cannot be
 * embedded by another site as long as nobody guesses; pictures and results could. */
static enum dm_next finish(struct dm_exchange *x, unsigned status, const char *type)
{
    if (type)
        dm_answer_field(x, "Content-Type", type);
    dm_answer_field(x, "Cache-Control", x->cache_control ? x->cache_control : "no-store");
    dm_answer_field(x, "X-Request-Id", x->request_id);
    dm_answer_field(x, "X-Content-Type-Options", "nosniff");
    dm_answer_field(x, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (x->response.fd >= 0)
        dm_answer_field(x, "Cross-Origin-Resource-Policy", "same-origin");
    dm_answer_field(x, "traceparent", x->trace);
    add_warning(x);
    x->response.status = status;
    return DM_NEXT_RESPOND;
}

enum dm_next dm_answer(struct dm_exchange *x, unsigned status, const char *type)
{
    if (x->out.failed) {
        static const struct dm_str body =
            DM_STR_INIT("{\"type\":\"" DM_PROBLEM_BASE "overloaded\",\"title\":\"Overloaded\",\"status\":503,"
                        "\"detail\":\"The answer needs more memory than the server has for it; try again.\"}");
        dm_answer_begin(x);
        x->response.body = body;
        dm_answer_field(x, "Retry-After", "1");
        return finish(x, 503, "application/problem+json");
    }
    if (type)
        x->response.body = dm_buf_str(&x->out);
    return finish(x, status, type);
}

enum dm_next dm_answer_json(struct dm_exchange *x, unsigned status)
{
    return dm_answer(x, status, "application/json");
}

enum dm_next dm_answer_file(struct dm_exchange *x, unsigned status, const char *type, int fd, uint64_t offset,
                            uint64_t length)
{
    x->response.fd = fd;
    x->response.offset = offset;
    x->response.length = length;
    return finish(x, status, type);
}

/* ---- problems -------------------------------------------------------------------------------------------- */

static void add_wrong_fields(struct dm_exchange *x)
{
    DM_LIT(&x->out, ",\"errors\":[");
    for (uint32_t i = 0; i < x->wrong_count; i++) {
        dm_buf_add_z(&x->out, i ? ",{\"field\":" : "{\"field\":");
        dm_buf_add_json_string(&x->out, x->wrong[i].field);
        DM_LIT(&x->out, ",\"detail\":");
        dm_buf_add_json_string(&x->out, x->wrong[i].detail);
        DM_LIT(&x->out, "}");
    }
    DM_LIT(&x->out, "]");
}

static enum dm_next refuse(struct dm_exchange *x, enum dm_problem problem, int64_t retry_after_s, struct dm_str members,
                           struct dm_str detail)
{
    const struct dm_problem_row *row = dm_problem_row(problem);
    dm_answer_begin(x);
    DM_LIT(&x->out, "{\"type\":\"");
    dm_buf_add_z(&x->out, row->type);
    DM_LIT(&x->out, "\",\"title\":\"");
    dm_buf_add_z(&x->out, row->title);
    DM_LIT(&x->out, "\",\"status\":");
    dm_add_number(&x->out, row->status);
    DM_LIT(&x->out, ",\"detail\":");
    dm_buf_add_json_string(&x->out, detail);
    DM_LIT(&x->out, ",\"instance\":");
    dm_buf_add_json_string(&x->out, dm_str_cut(x->path, 0, 1000));
    DM_LIT(&x->out, ",\"requestId\":");
    dm_buf_add_json_string(&x->out, dm_str_z(x->request_id));
    if (problem == DM_PROBLEM_VALIDATION)
        add_wrong_fields(x);
    dm_buf_add(&x->out, members);
    DM_LIT(&x->out, "}");
    if (retry_after_s == 0)
        retry_after_s = row->retry_after_s;
    if (retry_after_s > 0)
        dm_answer_fieldf(x, "Retry-After", "%lld", (long long)retry_after_s);
    x->refused = true;
    return dm_answer(x, row->status, "application/problem+json");
}

static enum dm_next refuse_v(struct dm_exchange *x, enum dm_problem problem, int64_t retry_after_s,
                             struct dm_str members, const char *format, va_list arguments)
{
    char text[600];
    int size = vsnprintf(text, sizeof(text), format, arguments);
    size_t len = size < 0 ? 0 : (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1;
    return refuse(x, problem, retry_after_s, members, dm_str_of(text, len));
}

enum dm_next dm_refuse(struct dm_exchange *x, enum dm_problem problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum dm_next next = refuse_v(x, problem, 0, DM_STR(""), format, arguments);
    va_end(arguments);
    return next;
}

enum dm_next dm_refuse_with(struct dm_exchange *x, enum dm_problem problem, int64_t retry_after_s,
                            struct dm_str members, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum dm_next next = refuse_v(x, problem, retry_after_s, members, format, arguments);
    va_end(arguments);
    return next;
}

enum dm_next dm_refuse_code(struct dm_exchange *x, const struct dm_err *err)
{
    const struct dm_code_row *row = dm_problem_of_code(err->code);
    unsigned status = dm_problem_row(row->problem)->status;
    if (status >= 500)
        dm_log(DM_LOG_ERROR, DM_EV_REQUEST_FAILED, dm_f_z("requestId", x->request_id),
               dm_f_z("code", dm_code_name(err->code)), dm_f_z("error", err->text));
    int64_t retry_after_s = (err->retry_after_ms + DM_SECOND_MS - 1) / DM_SECOND_MS;
    struct dm_str text = dm_str_z(err->text);
    size_t colon = dm_str_find(text, DM_STR(": "));
    if (row->problem == DM_PROBLEM_VALIDATION && x->wrong_count == 0 && colon < text.len) {
        /* "priority: 0 (first) to 9 (last)": such sentences begin with the field. */
        dm_wrong(x, dm_str_cut(text, 0, colon), "%s", err->text + colon + 2);
        return dm_refuse_wrong(x);
    }
    return refuse(x, row->problem, retry_after_s, DM_STR(""), dm_str_z(row->tell ? err->text : row->sentence));
}

enum dm_next dm_refuse_wrong(struct dm_exchange *x)
{
    return x->wrong_count == 1
               ? dm_refuse(x, DM_PROBLEM_VALIDATION, "%.*s %.*s", DM_STR_ARG(x->wrong[0].field),
                           DM_STR_ARG(x->wrong[0].detail))
               : dm_refuse(x, DM_PROBLEM_VALIDATION, "%u fields are wrong; `errors` says what is wrong with each.",
                           x->wrong_count);
}

void dm_wrong(struct dm_exchange *x, struct dm_str field, const char *format, ...)
{
    if (x->wrong_count == DM_WRONG_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    char text[512];
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct dm_wrong *wrong = &x->wrong[x->wrong_count++];
    wrong->field = dm_arena_str(&x->arena, dm_str_cut(field, 0, 100));
    wrong->detail = dm_arena_str(&x->arena, dm_str_z(text));
}

/* ---- links ------------------------------------------------------------------------------------------------- */

void dm_add_base_url(struct dm_exchange *x, struct dm_buf *buf)
{
    if (x->api->public_url[0]) {
        dm_buf_add_z(buf, x->api->public_url);
    } else if (x->host.len) {
        dm_buf_add_z(buf, x->head.secure ? "https://" : "http://");
        dm_buf_add(buf, x->host);
    }
}

void dm_answer_next_link(struct dm_exchange *x, enum dm_param param, struct dm_str value)
{
    DM_AUTO(dm_buf) link = dm_buf_make(DM_HEAD_MAX);
    DM_LIT(&link, "<");
    dm_add_base_url(x, &link);
    dm_buf_add(&link, x->path);
    char mark = '?';
    for (int i = 0; i < DM_PARAM_COUNT; i++) {
        struct dm_str text = i == (int)param ? value : x->params[i].text;
        if (i != (int)param && !(x->from_query & 1U << i))
            continue;
        dm_buf_add_char(&link, mark);
        dm_buf_add_z(&link, dm_param_row((enum dm_param)i)->name);
        DM_LIT(&link, "=");
        dm_buf_add_percent(&link, text, false);
        mark = '&';
    }
    DM_LIT(&link, ">; rel=\"next\"");
    if (!link.failed)
        dm_answer_field(x, "Link", dm_arena_str(&x->arena, dm_buf_str(&link)).at);
}
