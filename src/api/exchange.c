/* exchange.c: the course of one request: judged by its head, fed with its body, handled, answered, ended.
 *
 * Order of judgement: framing, target, Host and Origin, route, method, parameters, size. A refusal before the body is
 * the answer at once; one in the middle of it waits until the body has been read on (and thrown away), because
 * a client that is still sending does not listen. */
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "answer.h"

struct dm_exchange *dm_exchange_make(struct dm_api *api)
{
    struct dm_exchange *x = dm_alloc_zero(1, sizeof(*x));
    if (!x)
        return NULL;
    x->api = api;
    x->arena = dm_arena_make(DM_REQUEST_BYTES_MAX);
    x->scratch = dm_arena_make(DM_REQUEST_BYTES_MAX);
    x->out = dm_buf_make(DM_ANSWER_BYTES_MAX);
    x->unknown = dm_buf_make(DM_UNKNOWN_MAX);
    x->link_covered = dm_buf_make(DM_LINK_BYTES_MAX);
    x->link_token = dm_buf_make(DM_LINK_BYTES_MAX);
    x->response.fd = -1;
    dm_random(api->pipeline->ports.runtime, x->seed, sizeof(x->seed));
    return x;
}

void dm_exchange_free(struct dm_exchange *x)
{
    if (!x)
        return;
    dm_exchange_end(x);
    dm_arena_free(&x->arena);
    dm_arena_free(&x->scratch);
    dm_buf_free(&x->out);
    dm_buf_free(&x->unknown);
    dm_buf_free(&x->link_covered);
    dm_buf_free(&x->link_token);
    dm_free(x);
}

void dm_exchange_end(struct dm_exchange *x)
{
    enum { KEPT_BYTES = 4096 };
    dm_upload_free(x);
    dm_answer_begin(x); /* closes the file that nobody took */
    dm_buf_free(&x->body);
    dm_buf_clear(&x->unknown);
    if (x->out.capacity > KEPT_BYTES)
        dm_buf_free(&x->out);
    dm_arena_reset(&x->arena);
    dm_arena_reset(&x->scratch);
    x->route = NULL;
    x->head = (struct dm_head){ 0 };
}

/* A fresh id for each request: random in its first bytes, counting in its last, so that only making the exchange
 * asks the system for chance. */
static void name_request(struct dm_exchange *x)
{
    struct dm_str given = dm_head_get(&x->head, DM_STR("x-request-id"));
    struct dm_str trace = dm_head_get(&x->head, DM_STR("traceparent"));
    for (size_t i = sizeof(x->seed); i > 4 && ++x->seed[i - 1] == 0; i--)
        continue;
    if (dm_request_id_sane(given)) {
        memcpy(x->request_id, given.at, given.len);
        x->request_id[given.len] = '\0';
    } else {
        dm_id_text(x->wall_ms, x->seed, x->request_id);
    }
    x->trace[0] = '\0';
    if (trace.len && dm_traceparent_valid(trace))
        dm_traceparent_child(trace, x->seed + 2, x->trace);
}

static void reset(struct dm_exchange *x, const struct dm_head *head)
{
    dm_answer_begin(x);
    x->wall_ms = dm_wall_ms(dm_runtime_of(x));
    x->head = *head;
    x->path = x->query = x->host = x->host_name = DM_STR("");
    x->segments.count = 0;
    x->segments.at_root = false;
    x->method = dm_method_parse(head->method);
    x->route = NULL;
    x->etag[0] = '\0';
    memset(x->params, 0, sizeof(x->params));
    x->from_query = 0;
    x->wrong_count = 0;
    x->tenant = (struct dm_tenant){ .id = "" };
    x->owner_sought = false;
    x->file = (struct dm_file){ .id = "" };
    x->page = 0;
    x->body = dm_buf_make(0);
    x->upload = NULL;
    x->received = 0;
    x->refused = x->waited = x->next_inline = false;
    x->wait_version = 0;
}

/* ---- the target -------------------------------------------------------------------------------------------- */

/* Printable ASCII alone: what else a client has to say it escapes. */
static bool is_plain(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= 0x20 || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return true;
}

/* Path and query; of the absolute form, as sent to proxies, also the host, which then counts instead of Host. */
static bool split_target(struct dm_exchange *x)
{
    struct dm_str target = x->head.target;
    x->host = dm_head_get(&x->head, DM_STR("host"));
    if (target.len > 0 && target.at[0] != '/') {
        size_t at = dm_str_find(target, DM_STR("://"));
        if (at == target.len)
            return dm_str_eq(target, DM_STR("*")) && x->method == DM_METHOD_OPTIONS;
        struct dm_str rest = dm_str_from(target, at + 3);
        x->host = dm_str_cut(rest, 0, dm_str_find_char(rest, '/'));
        target = dm_str_from(rest, x->host.len);
    }
    size_t mark = dm_str_find_char(target, '?');
    x->path = dm_str_cut(target, 0, mark);
    x->query = dm_str_from(target, mark + 1);
    return target.len > 0;
}

static bool add_segment(struct dm_exchange *x, struct dm_str raw)
{
    struct dm_str *segment = &x->segments.segments[x->segments.count++];
    *segment = raw;
    if (dm_str_find_char(raw, '%') == raw.len)
        return true;
    DM_AUTO(dm_buf) decoded = dm_buf_make(DM_TARGET_MAX);
    if (!dm_buf_add_percent_decoded(&decoded, raw, false) || dm_str_find_char(dm_buf_str(&decoded), '\0') < decoded.len)
        return false;
    *segment = dm_arena_str(&x->arena, dm_buf_str(&decoded));
    return segment->at != NULL;
}

/* False: malformed. A path of more segments than any route has leaves count at its maximum, and fits none. */
static bool split_path(struct dm_exchange *x)
{
    struct dm_str rest = dm_str_from(x->path, 1);
    struct dm_str raw;
    bool first = true;
    x->segments.at_root = true;
    while (dm_str_next(&rest, '/', &raw)) {
        if (first && dm_str_eq(raw, DM_STR("api")) && rest.at) {
            x->segments.at_root = false;
        } else if (x->segments.count == DM_SEGMENTS_MAX) {
            return true;
        } else if (!add_segment(x, raw)) {
            return false;
        }
        first = false;
    }
    return true;
}

/* ---- memory that is out ---------------------------------------------------------------------------------------- */

/* What could not be kept would look as if it had not been said, or been said wrongly: a key that is forgotten, a form that
 * is broken. So nothing that was taken apart while memory was out is believed, neither good nor bad. */
static bool starved_since(struct dm_exchange *x, uint64_t failures)
{
    if (dm_alloc_failures() == failures)
        return false;
    bool close = x->response.close;
    dm_refuse(x, DM_PROBLEM_OVERLOADED, "The server is out of memory for now; try again shortly.");
    x->response.close = close;
    return true;
}

/* ---- the head ------------------------------------------------------------------------------------------------ */

static bool judge_sizes(struct dm_exchange *x)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < x->head.header_count; i++)
        bytes += x->head.headers[i].name.len + x->head.headers[i].value.len + 4;
    if (x->head.target.len > DM_TARGET_MAX) {
        dm_refuse(x, DM_PROBLEM_TARGET_TOO_LONG, "Path and query have %zu bytes; %d are allowed.", x->head.target.len,
                  DM_TARGET_MAX);
        return false;
    }
    if (bytes > DM_HEAD_MAX || x->head.header_count > DM_HEADERS_MAX) {
        dm_refuse(x, DM_PROBLEM_HEAD_TOO_LARGE, "The header fields have %zu bytes in %u fields; %d in %d are allowed.",
                  bytes, x->head.header_count, DM_HEAD_MAX, DM_HEADERS_MAX);
        return false;
    }
    return true;
}

static bool judge_target(struct dm_exchange *x)
{
    struct dm_str port;
    if (!is_plain(x->head.target) || !split_target(x) || (x->path.len && !split_path(x))) {
        dm_refuse(x, DM_PROBLEM_MALFORMED,
                  "The target of the request must be an absolute path of printable ASCII; anything else is escaped as "
                  "%% and two hexadecimal digits, and never 00.");
        return false;
    }
    if (x->host.len && !dm_host_split(x->host, &x->host_name, &port)) {
        x->host = DM_STR("");
        dm_refuse(x, DM_PROBLEM_MALFORMED, "Host must be a name or an address, with or without a port.");
        return false;
    }
    return true;
}

static void add_allow(struct dm_exchange *x, unsigned methods)
{
    DM_AUTO(dm_buf) allow = dm_buf_make(100);
    if (methods & 1U << DM_METHOD_GET)
        methods |= 1U << DM_METHOD_HEAD;
    methods |= 1U << DM_METHOD_OPTIONS;
    for (int i = 0; i < DM_METHOD_OTHER; i++)
        if (methods & 1U << i)
            dm_buf_addf(&allow, "%s%s", allow.len ? ", " : "", dm_method_text((enum dm_method)i));
    dm_answer_field(x, "Allow", dm_arena_str(&x->arena, dm_buf_str(&allow)).at);
}

static bool find_route(struct dm_exchange *x)
{
    unsigned methods;
    x->route = dm_route_find(&x->segments, x->method, &methods);
    if (x->method == DM_METHOD_OPTIONS && (methods || !x->path.len)) {
        dm_answer_begin(x);
        add_allow(x, methods ? methods : ~(~0U << DM_METHOD_OTHER));
        x->refused = true;
        dm_answer(x, 204, NULL);
        return false;
    }
    if (x->route)
        return true;
    if (!methods) {
        dm_refuse(x, DM_PROBLEM_UNKNOWN_ROUTE,
                  "Nothing is served at this path; routes begin with /api, like /api/jobs.");
        return false;
    }
    dm_refuse(x, DM_PROBLEM_METHOD_NOT_ALLOWED, "%.*s is not served at this path; the field Allow says what is.",
              (int)(x->head.method.len < 20 ? x->head.method.len : 20), x->head.method.at);
    add_allow(x, methods);
    return false;
}

static bool judge_path(struct dm_exchange *x)
{
    struct dm_str text;
    struct dm_err err;
    uint64_t page;
    if (dm_route_segment(x->route, &x->segments, DM_STR("{fileId}"), &text) &&
        dm_file_parse(text, &x->file, &err) != DM_OK) {
        dm_refuse_code(x, &err);
        return false;
    }
    if (dm_route_segment(x->route, &x->segments, DM_STR("{page}"), &text)) {
        if (!dm_str_to_u64(text, &page) || page < 1 || page > 1000000) {
            dm_refuse(x, DM_PROBLEM_NOT_FOUND, "Pages are numbered from 1.");
            return false;
        }
        x->page = (uint32_t)page;
    }
    if (dm_route_segment(x->route, &x->segments, DM_STR("{tenantId}"), &text))
        dm_params_set(x, DM_PARAM_TENANT_ID, text, DM_FROM_PATH);
    return true;
}

static void take_headers(struct dm_exchange *x)
{
    for (uint32_t i = 0; i < x->head.header_count; i++)
        if (dm_str_eq_nocase(x->head.headers[i].name, DM_STR("x-tenant-id")))
            dm_params_set(x, DM_PARAM_TENANT_ID, dm_str_trim(x->head.headers[i].value), DM_FROM_HEADER);
}

/* Bodies are taken as they are. What somebody packed would be stored packed, and nothing here unpacks. */
static bool judge_encoding(struct dm_exchange *x)
{
    struct dm_str encoding = dm_head_list(x, DM_STR("content-encoding"));
    if (x->head.body_bytes == 0 || !encoding.len || dm_str_eq_nocase(encoding, DM_STR("identity")))
        return true;
    dm_refuse(x, DM_PROBLEM_UNSUPPORTED_BODY, "Content-Encoding is not taken: send the bytes as they are.");
    return false;
}

static bool judge_json_head(struct dm_exchange *x)
{
    struct dm_str type = dm_media_bare(dm_head_get(&x->head, DM_STR("content-type")));
    if (x->head.body_bytes > (int64_t)x->route->body_max) {
        dm_refuse(x, DM_PROBLEM_TOO_LARGE, "The body has %lld bytes; this route takes %u.",
                  (long long)x->head.body_bytes, x->route->body_max);
        return false;
    }
    if (type.len && !dm_str_eq_nocase(type, DM_STR("application/json"))) {
        dm_refuse(x, DM_PROBLEM_UNSUPPORTED_BODY, "This route takes application/json.");
        return false;
    }
    x->body = dm_buf_make(x->route->body_max);
    return true;
}

/* Sets the tenant, or answers what is wrong; no parameter comes after this. */
static bool judge_params(struct dm_exchange *x)
{
    struct dm_err err;
    const struct dm_param_value *named = &x->params[DM_PARAM_TENANT_ID];
    struct dm_str tenant = named->given ? named->text : dm_str_z(dm_param_row(DM_PARAM_TENANT_ID)->fallback);
    if (x->wrong_count == 0 && dm_tenant_parse(tenant, &x->tenant, &err) == DM_OK)
        return true;
    dm_refuse_wrong(x);
    return false;
}

static enum dm_next handle_next(const struct dm_exchange *x)
{
    return x->route->traits & DM_TRAIT_INLINE ? DM_NEXT_HANDLE_INLINE : DM_NEXT_HANDLE;
}

static enum dm_next begin(struct dm_exchange *x)
{
    if (x->head.malformed)
        return dm_refuse(x, DM_PROBLEM_MALFORMED, "%s", x->head.malformed);
    if (!judge_sizes(x) || !judge_target(x) || dm_guard_refuses(x) || !find_route(x) || !judge_path(x))
        return DM_NEXT_RESPOND;
    if (x->route->scope == DM_SCOPE_OPERATE && !x->api->options.local_only)
        return dm_refuse(x, DM_PROBLEM_FORBIDDEN,
                         "Operation is served only by a server that listens on loopback without authentication.");
    take_headers(x);
    if (!dm_params_query(x) || !judge_encoding(x))
        return DM_NEXT_RESPOND;
    if (x->route->body == DM_BODY_UPLOAD)
        return dm_upload_admit(x) ? DM_NEXT_BODY : DM_NEXT_RESPOND;
    if (x->head.body_bytes != 0 && x->route->body == DM_BODY_NONE)
        return dm_refuse(x, DM_PROBLEM_MALFORMED, "This route takes no body.");
    if (x->head.body_bytes != 0)
        return judge_json_head(x) ? DM_NEXT_BODY : DM_NEXT_RESPOND;
    return judge_params(x) ? handle_next(x) : DM_NEXT_RESPOND;
}

enum dm_next dm_exchange_begin(struct dm_exchange *x, const struct dm_head *head)
{
    uint64_t failures = dm_alloc_failures();
    reset(x, head);
    name_request(x);
    enum dm_next next = begin(x);
    if (starved_since(x, failures))
        next = DM_NEXT_RESPOND;
    /* What is left of a body that nobody wants must not be read as the next request. */
    if (next == DM_NEXT_RESPOND && (x->head.body_bytes != 0 || x->head.malformed))
        x->response.close = true;
    return next;
}

/* ---- the body ------------------------------------------------------------------------------------------------ */

enum dm_next dm_exchange_body(struct dm_exchange *x, struct dm_str bytes)
{
    bool upload = x->route->body == DM_BODY_UPLOAD;
    uint64_t most = upload ? x->api->options.file_bytes_max + DM_FORM_OVERHEAD : x->route->body_max;
    x->received += bytes.len;
    if (x->received > most + DM_SWALLOW_MAX)
        return DM_NEXT_CUT;
    if (x->refused)
        return DM_NEXT_BODY;
    uint64_t failures = dm_alloc_failures();
    if (x->received > most)
        dm_refuse(x, DM_PROBLEM_TOO_LARGE, "The body is over %llu bytes, which is what this route takes.",
                  (unsigned long long)most);
    else if (upload)
        dm_upload_body(x, bytes);
    else
        dm_buf_add(&x->body, bytes);
    if (starved_since(x, failures) || x->refused)
        dm_upload_free(x); /* a refused upload keeps neither disk nor place while its rest comes in */
    return DM_NEXT_BODY;
}

static enum dm_next body_end(struct dm_exchange *x)
{
    if (x->route->body == DM_BODY_UPLOAD ? !dm_upload_end(x) : !dm_params_json(x))
        return DM_NEXT_RESPOND;
    return judge_params(x) ? handle_next(x) : DM_NEXT_RESPOND;
}

enum dm_next dm_exchange_body_end(struct dm_exchange *x)
{
    if (x->refused)
        return DM_NEXT_RESPOND;
    uint64_t failures = dm_alloc_failures();
    enum dm_next next = body_end(x);
    return starved_since(x, failures) ? DM_NEXT_RESPOND : next;
}

/* ---- handling ------------------------------------------------------------------------------------------------ */

/* Clients of an earlier system name the tenant when they upload and never again. Without authentication an id is all
 * that it takes to reach a document anyhow, so where no tenant was named and the default one has no such document, it is
 * looked for under the tenant that has. Nothing was done by then: a document that is not there cannot be changed. */
static bool other_owner(struct dm_exchange *x)
{
    struct dm_tenant owner;
    struct dm_err err;
    if (x->owner_sought || !x->api->options.local_only || x->params[DM_PARAM_TENANT_ID].given || !x->file.id[0] ||
        x->route->scope == DM_SCOPE_ANYBODY || x->response.status != dm_problem_row(DM_PROBLEM_NOT_FOUND)->status)
        return false;
    x->owner_sought = true;
    if (dm_document_owner(x->api->pipeline, &x->file, &owner, &err) != DM_OK || dm_tenant_eq(&owner, &x->tenant))
        return false;
    x->tenant = owner;
    return true;
}

enum dm_next dm_exchange_handle(struct dm_exchange *x)
{
    enum dm_next next;
    if (x->waited || x->route->body != DM_BODY_NONE)
        x->wall_ms = dm_wall_ms(dm_runtime_of(x));
    uint64_t failures = dm_alloc_failures();
    do {
        dm_arena_reset(&x->scratch);
        dm_answer_begin(x);
        x->refused = false;
        next = x->route->handle(x);
    } while (next == DM_NEXT_RESPOND && other_owner(x));
    /* What was changed is changed, and is answered so. */
    bool reads = x->method == DM_METHOD_GET || x->method == DM_METHOD_HEAD;
    if (next == DM_NEXT_RESPOND && (reads || x->response.status / 100 == 4))
        (void)starved_since(x, failures);
    if (next == DM_NEXT_WAIT)
        x->waited = true;
    return next;
}

const struct dm_wait *dm_exchange_wait(const struct dm_exchange *x, bool *ret_inline)
{
    *ret_inline = x->next_inline || (x->route->traits & DM_TRAIT_INLINE);
    return &x->wait;
}

enum dm_next dm_exchange_refuse_busy(struct dm_exchange *x)
{
    return dm_refuse(x, DM_PROBLEM_OVERLOADED, "Too many requests are at work already; try again shortly.");
}

const struct dm_response *dm_exchange_response(const struct dm_exchange *x)
{
    return &x->response;
}

int dm_exchange_take_file(struct dm_exchange *x)
{
    int fd = x->response.fd;
    x->response.fd = -1;
    return fd;
}

struct dm_exchange_facts dm_exchange_facts(const struct dm_exchange *x)
{
    return (struct dm_exchange_facts){
        .method = dm_str_z(dm_method_text(x->method)),
        .route = x->route ? dm_str_z(x->route->path) : DM_STR("-"),
        .request_id = dm_str_z(x->request_id),
        .trace_id = x->trace[0] ? dm_str_of(x->trace + 3, 32) : DM_STR(""),
        .tenant = dm_str_z(x->tenant.id),
        .status = x->response.status,
    };
}
