/* exchange.c: a request's options, and the callbacks of libcurl that fill its answer. */
#include "net/exchange.h"

#include <errno.h>
#include <unistd.h>

enum {
    CONNECT_MS = 5000,
    STALL_MS = 60000,
    ANSWER_MAX = 1024 * 1024,
    HEADERS_MAX = 64 * 1024,
    URL_MAX = 16 * 1024,
    HEADER_LINE_MAX = 16 * 1024
};

enum dm_code dm_exchange_make(const struct dm_curl_library *lib, struct dm_exchange *ret, struct dm_err *err)
{
    CURL *curl = lib->easy_init();
    if (!curl)
        return dm_fail_memory(err);
    *ret = (struct dm_exchange){ .lib = lib, .curl = curl };
    return DM_OK;
}

void dm_exchange_free(struct dm_exchange *exchange)
{
    if (exchange->curl)
        exchange->lib->easy_cleanup(exchange->curl);
    exchange->curl = NULL;
}

void dm_exchange_stop(struct dm_exchange *exchange, enum dm_code code, const char *sentence)
{
    if (exchange->stopped == DM_OK)
        exchange->stopped = dm_fail(&exchange->why, code, "%s", sentence);
}

/* ---- what libcurl calls ----------------------------------------------------------------------------------------- */

/* The bytes go to what is kept of the answer; 0, which ends the request, where that is full. */
static size_t keep(struct dm_exchange *exchange, struct dm_buf *buf, struct dm_str bytes, const char *what)
{
    dm_buf_add(buf, bytes);
    if (!buf->failed)
        return bytes.len;
    if (exchange->stopped == DM_OK)
        exchange->stopped = dm_buf_check(buf, what, &exchange->why);
    return 0;
}

static size_t on_header(char *at, size_t size, size_t count, void *context)
{
    struct dm_exchange *exchange = context;
    struct dm_str line = dm_str_of(at, size * count);
    /* A new status line begins the headers anew: what stood before belonged to "100 Continue". */
    if (dm_str_starts(line, DM_STR("HTTP/")))
        dm_buf_clear(&exchange->answer.headers);
    return keep(exchange, &exchange->answer.headers, line, "the headers of the answer");
}

static size_t on_body(char *at, size_t size, size_t count, void *context)
{
    struct dm_exchange *exchange = context;
    struct dm_str bytes = dm_str_of(at, size * count);
    long status = 0;
    (void)exchange->lib->easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->request.sink && status >= 200 && status < 300) {
        enum dm_code rc = exchange->request.sink(exchange->request.sink_context, bytes, &exchange->why);
        if (rc == DM_OK)
            return bytes.len;
        if (exchange->stopped == DM_OK)
            exchange->stopped = rc;
        return 0;
    }
    return keep(exchange, &exchange->answer.body, bytes, "the body of the answer");
}

static int on_progress(void *context, curl_off_t to_receive, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
    struct dm_exchange *exchange = context;
    const struct dm_http_request *request = &exchange->request;
    if (request->progress(request->progress_context, (uint64_t)sent, (uint64_t)to_send, (uint64_t)received))
        return 0;
    dm_exchange_stop(exchange, DM_CANCELLED, "stopped on request");
    return 1;
}

static size_t on_file_read(char *at, size_t size, size_t count, void *context)
{
    struct dm_exchange *exchange = context;
    const struct dm_http_form *form = exchange->request.form;
    ssize_t got;
    do {
        got = form->file_bytes < 0 ? read(form->file_fd, at, size * count)
                                   : pread(form->file_fd, at, size * count, (off_t)exchange->file_at);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (exchange->stopped == DM_OK)
            exchange->stopped = dm_fail_errno(&exchange->why, errno, "cannot read the file");
        return CURL_READFUNC_ABORT;
    }
    exchange->file_at += got;
    return (size_t)got;
}

/* libcurl rewinds where a kept connection turned out to be closed and the request goes out once more. */
static int on_file_seek(void *context, curl_off_t offset, int origin)
{
    struct dm_exchange *exchange = context;
    if (origin != SEEK_SET || exchange->request.form->file_bytes < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    exchange->file_at = (int64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting up ------------------------------------------------------------------------------------------------- */

/* `text` as a C string until the next call; NULL where it is too long or holds what would end it early. */
static const char *line_z(struct dm_buf *line, struct dm_str text)
{
    if (dm_str_find_char(text, '\0') < text.len)
        return NULL;
    dm_buf_clear(line);
    dm_buf_add(line, text);
    return line->failed ? NULL : dm_buf_z(line);
}

static enum dm_code add_headers(struct dm_exchange *exchange, struct dm_buf *line, struct dm_err *err)
{
    const struct dm_http_request *request = &exchange->request;
    for (uint32_t i = 0; i < request->header_count; i++) {
        struct dm_str value = request->headers[i].value;
        if (dm_str_find_char(value, '\r') < value.len || dm_str_find_char(value, '\n') < value.len ||
            dm_str_find_char(value, '\0') < value.len)
            return dm_fail(err, DM_INVALID, "the header %.*s has a line break in its value",
                           DM_STR_ARG(request->headers[i].name));
        dm_buf_clear(line);
        dm_buf_addf(line, "%.*s: %.*s", DM_STR_ARG(request->headers[i].name), DM_STR_ARG(value));
        enum dm_code rc = dm_buf_check(line, "a header", err);
        if (rc != DM_OK)
            return rc;
        struct curl_slist *longer = exchange->lib->slist_append(exchange->headers, dm_buf_z(line));
        if (!longer)
            return dm_fail_memory(err);
        exchange->headers = longer;
    }
    return DM_OK;
}

static enum dm_code add_form(struct dm_exchange *exchange, struct dm_buf *line, struct dm_err *err)
{
    const struct dm_curl_library *lib = exchange->lib;
    const struct dm_http_form *form = exchange->request.form;
    exchange->mime = lib->mime_init(exchange->curl);
    if (!exchange->mime)
        return dm_fail_memory(err);
    bool ok = true;
    for (uint32_t i = 0; i < form->field_count && ok; i++) {
        curl_mimepart *part = lib->mime_addpart(exchange->mime);
        const char *name = line_z(line, form->fields[i].name);
        ok = part && name && lib->mime_name(part, name) == CURLE_OK &&
             lib->mime_data(part, form->fields[i].value.at ? form->fields[i].value.at : "",
                            form->fields[i].value.len) == CURLE_OK;
    }
    curl_mimepart *part = ok ? lib->mime_addpart(exchange->mime) : NULL;
    ok = part && lib->mime_name(part, "file") == CURLE_OK &&
         lib->mime_data_cb(part, (curl_off_t)form->file_bytes, on_file_read, on_file_seek, NULL, exchange) == CURLE_OK;
    const char *type = "application/octet-stream";
    if (ok && form->file_type.len > 0)
        ok = (type = line_z(line, form->file_type)) != NULL;
    ok = ok && lib->mime_type(part, type) == CURLE_OK;
    const char *file_name = ok ? line_z(line, form->file_name) : NULL;
    ok = file_name && lib->mime_filename(part, file_name) == CURLE_OK;
    return ok ? DM_OK : dm_fail(err, DM_INVALID, "this form cannot be sent: a field is too long or memory is out");
}

static enum dm_code set_url(struct dm_exchange *exchange, struct dm_buf *line, struct dm_err *err)
{
    struct dm_str url = exchange->request.url;
    if (!dm_str_starts(url, DM_STR("http://")) && !dm_str_starts(url, DM_STR("https://")))
        return dm_fail(err, DM_INVALID, "\"%.*s\" is no URL that begins with http:// or https://", DM_STR_ARG(url));
    const char *text = line_z(line, url);
    if (!text || url.len > URL_MAX)
        return dm_fail(err, DM_INVALID, "a URL may have at most %d bytes", URL_MAX);
    if (exchange->lib->easy_setopt(exchange->curl, CURLOPT_URL, text) != CURLE_OK)
        return dm_fail_memory(err);
    return DM_OK;
}

/* How the body goes out, and the method. libcurl deduces POST from a body and GET from none; other methods are said last, except
 * that a HEAD has to be known as one: its answer tells the length of a body that never comes. */
static bool set_body(struct dm_exchange *exchange)
{
    const struct dm_http_request *request = &exchange->request;
    CURLcode (*set)(CURL *, CURLoption, ...) = exchange->lib->easy_setopt;
    struct dm_str method = dm_str_z(request->method);
    bool ok = true;
    if (request->form)
        ok = set(exchange->curl, CURLOPT_MIMEPOST, exchange->mime) == CURLE_OK;
    else if (request->body.len > 0 || dm_str_eq(method, DM_STR("POST")) || dm_str_eq(method, DM_STR("PUT")))
        /* These two say how long the body is even where that is nothing: some servers answer 411 otherwise. */
        ok = set(exchange->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             set(exchange->curl, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "") == CURLE_OK;
    else if (dm_str_eq(method, DM_STR("HEAD")))
        return set(exchange->curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (ok && request->method)
        ok = set(exchange->curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
    return ok;
}

static bool set_options(struct dm_exchange *exchange, const char *user_agent)
{
    const struct dm_http_request *request = &exchange->request;
    CURL *curl = exchange->curl;
    CURLcode (*set)(CURL *, CURLoption, ...) = exchange->lib->easy_setopt;
    long stall_s = (long)(((request->stall_ms ? request->stall_ms : STALL_MS) + 999) / 1000);
    return set(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && set(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           /* What was signed, or meant, is what is asked for. */
           set(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           /* The empty text also keeps libcurl from asking the environment. */
           set(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           set(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           set(curl, CURLOPT_USERAGENT, user_agent) == CURLE_OK &&
           set(curl, CURLOPT_ERRORBUFFER, exchange->detail) == CURLE_OK &&
           set(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_ms ? request->connect_ms : CONNECT_MS)) ==
               CURLE_OK &&
           set(curl, CURLOPT_TIMEOUT_MS, (long)request->total_ms) == CURLE_OK &&
           set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           set(curl, CURLOPT_LOW_SPEED_TIME, stall_s) == CURLE_OK &&
           set(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK &&
           set(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           set(curl, CURLOPT_HEADERDATA, exchange) == CURLE_OK &&
           set(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           set(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
           set(curl, CURLOPT_NOPROGRESS, request->progress ? 0L : 1L) == CURLE_OK &&
           set(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           set(curl, CURLOPT_XFERINFODATA, exchange) == CURLE_OK && set_body(exchange);
}

/* Forgets options and callbacks, keeps connections. */
static void forget(struct dm_exchange *exchange)
{
    exchange->lib->easy_reset(exchange->curl); /* before the form and the headers, which it knows of */
    exchange->lib->mime_free(exchange->mime);
    exchange->lib->slist_free_all(exchange->headers);
    exchange->mime = NULL;
    exchange->headers = NULL;
    dm_http_answer_free(&exchange->answer);
}

enum dm_code dm_exchange_begin(struct dm_exchange *exchange, const struct dm_http_request *request,
                               const char *user_agent, struct dm_err *err)
{
    *exchange = (struct dm_exchange){
        .lib = exchange->lib,
        .curl = exchange->curl,
        .request = *request,
        .answer = { .headers = dm_buf_make(HEADERS_MAX),
                    .body = dm_buf_make(request->answer_max ? request->answer_max : ANSWER_MAX) },
    };
    DM_AUTO(dm_buf) line = dm_buf_make(HEADER_LINE_MAX); /* one header or field as a C string, for libcurl to copy */
    enum dm_code rc = set_url(exchange, &line, err);
    if (rc == DM_OK)
        rc = add_headers(exchange, &line, err);
    if (rc == DM_OK && request->form)
        rc = add_form(exchange, &line, err);
    if (rc == DM_OK && !set_options(exchange, user_agent))
        rc = dm_fail(err, DM_INTERNAL, "libcurl refused an option of the request");
    if (rc != DM_OK)
        forget(exchange);
    return rc;
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static enum dm_code code_of(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return DM_INVALID;
    case CURLE_OPERATION_TIMEDOUT:
        return DM_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return DM_NO_MEMORY;
    default:
        return DM_UNAVAILABLE;
    }
}

static enum dm_code outcome(struct dm_exchange *exchange, CURLcode code, struct dm_err *err)
{
    long status = 0;
    (void)exchange->lib->easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    exchange->answer.status = (uint32_t)status;
    if (exchange->stopped != DM_OK)
        return dm_fail(err, exchange->stopped, "%s", exchange->why.text);
    /* A server that refuses a body need not read it; its answer counts, not that it then hung up. */
    bool refused = status >= 400 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
    if (code == CURLE_OK || refused)
        return DM_OK;
    return dm_fail(err, code_of(code), "%s",
                   exchange->detail[0] ? exchange->detail : exchange->lib->easy_strerror(code));
}

enum dm_code dm_exchange_end(struct dm_exchange *exchange, CURLcode code, struct dm_http_answer *ret,
                             struct dm_err *err)
{
    enum dm_code rc = outcome(exchange, code, err);
    if (rc == DM_OK) {
        *ret = (struct dm_http_answer){ .status = exchange->answer.status,
                                        .headers = dm_buf_move(&exchange->answer.headers),
                                        .body = dm_buf_move(&exchange->answer.body) };
    }
    forget(exchange);
    return rc;
}
