/* canonical.c: the canonical request of Signature Version 4.
 *
 * The service builds the same text from what reaches it, so every rule here is about what may differ between what was meant and what
 * arrives: the order of headers and parameters, blanks, and in how many ways a path can be written. */
#include "aws/canonical.h"

#include "base/encode.h"

enum { HEADERS_MAX = 64, PARAMETERS_MAX = 64, SEGMENTS_MAX = 128, QUERY_MAX = 64 * 1024 };

static bool is_s3(const struct dm_aws_request *request)
{
    return dm_str_eq(request->service, DM_STR("s3"));
}

/* ---- the path --------------------------------------------------------------------------------------------------- */

/* Dots and double slashes are resolved, and what was encoded for the wire is encoded once more: all services but S3 sign a
 * path as a program would see it that decoded it once. */
static enum dm_code add_resolved_path(struct dm_buf *buf, struct dm_str path, struct dm_err *err)
{
    struct dm_str segments[SEGMENTS_MAX], rest = path, segment;
    size_t count = 0;
    while (dm_str_next(&rest, '/', &segment)) {
        if (segment.len == 0 || dm_str_eq(segment, DM_STR(".")))
            continue;
        if (dm_str_eq(segment, DM_STR(".."))) {
            count -= count > 0;
            continue;
        }
        if (count == SEGMENTS_MAX)
            return dm_fail(err, DM_TOO_LARGE, "the path of the request has more than %d parts", SEGMENTS_MAX);
        segments[count++] = segment;
    }
    for (size_t i = 0; i < count; i++) {
        dm_buf_add_char(buf, '/');
        dm_buf_add_percent(buf, segments[i], false);
    }
    if (count == 0 || dm_str_ends(path, DM_STR("/")))
        dm_buf_add_char(buf, '/');
    return DM_OK;
}

static enum dm_code add_path(struct dm_buf *buf, const struct dm_aws_request *request, struct dm_err *err)
{
    if (!is_s3(request))
        return add_resolved_path(buf, request->path, err);
    dm_buf_add(buf, request->path.len > 0 ? request->path : DM_STR("/"));
    return DM_OK;
}

/* ---- the query -------------------------------------------------------------------------------------------------- */

/* Both are places in one buffer, which may move while it grows. */
struct parameter {
    size_t name_at, name_len;
    size_t value_at, value_len;
};

/* Encodes as signatures want it, whatever the wire's encoding left as it was. */
static bool add_encoded_anew(struct dm_buf *encoded, struct dm_str text)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(QUERY_MAX);
    if (!dm_buf_add_percent_decoded(&plain, text, false))
        return false;
    dm_buf_add_percent(encoded, dm_buf_str(&plain), false);
    encoded->failed = encoded->failed || plain.failed;
    encoded->starved = encoded->starved || plain.starved;
    return true;
}

static int compare_parameters(struct dm_str text, const struct parameter *a, const struct parameter *b)
{
    int names = dm_str_compare(dm_str_cut(text, a->name_at, a->name_len), dm_str_cut(text, b->name_at, b->name_len));
    return names ? names
                 : dm_str_compare(dm_str_cut(text, a->value_at, a->value_len),
                                  dm_str_cut(text, b->value_at, b->value_len));
}

static void put_parameter_in_order(struct dm_str text, struct parameter *parameters, size_t count,
                                   const struct parameter *parameter)
{
    size_t at = count;
    for (; at > 0 && compare_parameters(text, parameter, &parameters[at - 1]) < 0; at--)
        parameters[at] = parameters[at - 1];
    parameters[at] = *parameter;
}

static enum dm_code add_query(struct dm_buf *buf, struct dm_str query, struct dm_err *err)
{
    struct parameter parameters[PARAMETERS_MAX];
    size_t count = 0;
    DM_AUTO(dm_buf) encoded = dm_buf_make(QUERY_MAX);
    for (struct dm_str part; dm_str_next(&query, '&', &part);) {
        if (part.len == 0)
            continue;
        if (count == PARAMETERS_MAX)
            return dm_fail(err, DM_TOO_LARGE, "the request has more than %d parameters", PARAMETERS_MAX);
        size_t equals = dm_str_find_char(part, '=');
        struct parameter parameter = { .name_at = encoded.len };
        bool ok = add_encoded_anew(&encoded, dm_str_cut(part, 0, equals));
        parameter.name_len = encoded.len - parameter.name_at;
        parameter.value_at = encoded.len;
        ok = ok && add_encoded_anew(&encoded, dm_str_from(part, equals + 1));
        parameter.value_len = encoded.len - parameter.value_at;
        enum dm_code rc = dm_buf_check(&encoded, "the query of the request", err);
        if (rc != DM_OK)
            return rc;
        if (!ok)
            return dm_fail(err, DM_INVALID, "the query of the request has a broken escape");
        put_parameter_in_order(dm_buf_str(&encoded), parameters, count++, &parameter);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            dm_buf_add_char(buf, '&');
        dm_buf_add(buf, dm_str_cut(dm_buf_str(&encoded), parameters[i].name_at, parameters[i].name_len));
        dm_buf_add_char(buf, '=');
        dm_buf_add(buf, dm_str_cut(dm_buf_str(&encoded), parameters[i].value_at, parameters[i].value_len));
    }
    return DM_OK;
}

/* ---- the headers ------------------------------------------------------------------------------------------------ */

/* What proxies, tracers and libcurl itself add, change or leave out on the way. */
static bool is_signed(struct dm_str name)
{
    static const struct dm_str unsigned_names[] = {
        DM_STR_INIT("user-agent"), DM_STR_INIT("connection"),  DM_STR_INIT("expect"),
        DM_STR_INIT("te"),         DM_STR_INIT("trailer"),     DM_STR_INIT("transfer-encoding"),
        DM_STR_INIT("upgrade"),    DM_STR_INIT("keep-alive"),  DM_STR_INIT("x-amzn-trace-id"),
        DM_STR_INIT("baggage"),    DM_STR_INIT("traceparent"), DM_STR_INIT("tracestate"),
    };
    for (size_t i = 0; i < DM_COUNT(unsigned_names); i++) {
        if (dm_str_eq_nocase(name, unsigned_names[i]))
            return false;
    }
    return !dm_str_eq_nocase(dm_str_cut(name, 0, 6), DM_STR("proxy-"));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int compare_names(struct dm_str a, struct dm_str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        unsigned char left = (unsigned char)lower(a.at[i]), right = (unsigned char)lower(b.at[i]);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static void add_lower(struct dm_buf *buf, struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        dm_buf_add_char(buf, lower(text.at[i]));
}

/* Without blanks at its ends, and with one for each run of them. */
static void add_value(struct dm_buf *buf, struct dm_str value)
{
    value = dm_str_trim(value);
    bool blank = false;
    for (size_t i = 0; i < value.len; i++) {
        bool is_blank = value.at[i] == ' ' || value.at[i] == '\t';
        if (!is_blank || !blank)
            dm_buf_add_char(buf, is_blank ? ' ' : value.at[i]);
        blank = is_blank;
    }
}

/* Headers of one name stay in their order. */
static void put_header_in_order(const struct dm_http_pair **headers, size_t count, const struct dm_http_pair *header)
{
    size_t at = count;
    for (; at > 0 && compare_names(header->name, headers[at - 1]->name) < 0; at--)
        headers[at] = headers[at - 1];
    headers[at] = header;
}

static enum dm_code add_headers(struct dm_buf *buf, struct dm_buf *names, const struct dm_aws_request *request,
                                const struct dm_http_pair *added, uint32_t added_count, struct dm_err *err)
{
    const struct dm_http_pair *headers[HEADERS_MAX];
    size_t count = 0;
    if (request->header_count > HEADERS_MAX - added_count)
        return dm_fail(err, DM_TOO_LARGE, "the request has more than %u headers", HEADERS_MAX - added_count);
    for (uint32_t i = 0; i < added_count; i++)
        put_header_in_order(headers, count++, &added[i]);
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (is_signed(request->headers[i].name))
            put_header_in_order(headers, count++, &request->headers[i]);
    }
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && compare_names(headers[i]->name, headers[i - 1]->name) == 0;
        if (same) {
            dm_buf_add_char(buf, ',');
        } else {
            dm_buf_add(buf, i > 0 ? DM_STR("\n") : DM_STR(""));
            add_lower(buf, headers[i]->name);
            dm_buf_add_char(buf, ':');
            dm_buf_add(names, i > 0 ? DM_STR(";") : DM_STR(""));
            add_lower(names, headers[i]->name);
        }
        add_value(buf, headers[i]->value);
    }
    dm_buf_add_char(buf, '\n');
    return DM_OK;
}

enum dm_code dm_aws_canonical(const struct dm_aws_request *request, const struct dm_http_pair *added,
                              uint32_t added_count, struct dm_str body_sha256, struct dm_buf *ret,
                              struct dm_buf *ret_signed_names, struct dm_err *err)
{
    dm_buf_add(ret, request->method);
    dm_buf_add_char(ret, '\n');
    enum dm_code rc = add_path(ret, request, err);
    dm_buf_add_char(ret, '\n');
    if (rc == DM_OK)
        rc = add_query(ret, request->query, err);
    dm_buf_add_char(ret, '\n');
    if (rc == DM_OK)
        rc = add_headers(ret, ret_signed_names, request, added, added_count, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add_char(ret, '\n');
    dm_buf_add(ret, dm_buf_str(ret_signed_names));
    dm_buf_add_char(ret, '\n');
    dm_buf_add(ret, body_sha256);
    rc = dm_buf_check(ret_signed_names, "what is to be signed of the request", err);
    return rc == DM_OK ? dm_buf_check(ret, "what is to be signed of the request", err) : rc;
}
