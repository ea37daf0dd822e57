/* net.c: one request over one libcurl handle.
 *
 * libcurl calls back while a request runs; `struct exchange` is what those callbacks know. The first of them that has to
 * stop the request leaves its reason there, because libcurl would only report "a callback said no". */
#include "net/net.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/curl_library.h"

enum {
    CONNECT_MS = 5000,
    STALL_MS = 60000,
    ANSWER_MAX = 1024 * 1024,
    HEADERS_MAX = 64 * 1024,
    URL_MAX = 16 * 1024,
    HEADER_LINE_MAX = 16 * 1024
};

struct dm_http_client {
    const struct dm_curl_library *lib;
    CURL *curl;
    char *user_agent;
    char detail[CURL_ERROR_SIZE];
};

struct exchange {
    struct dm_http_client *client;
    const struct dm_http_request *request;
    struct dm_http_answer answer;
    struct dm_buf line; /* one header or field as a C string, for libcurl to copy */
    struct curl_slist *headers;
    curl_mime *mime;
    int64_t file_at;
    enum dm_code stopped; /* why a callback ended the request */
    struct dm_err why;
};

enum dm_code dm_http_client_make(const char *user_agent, struct dm_http_client **ret, struct dm_err *err)
{
    const struct dm_curl_library *lib;
    enum dm_code rc = dm_curl_library(&lib, err);
    if (rc != DM_OK)
        return rc;
    struct dm_http_client *client = dm_alloc_zero(1, sizeof(*client));
    if (!client)
        return dm_fail_memory(err);
    client->lib = lib;
    client->curl = lib->easy_init();
    client->user_agent = dm_str_dup_z(dm_str_z(user_agent));
    if (!client->curl || !client->user_agent) {
        dm_http_client_free(client);
        return dm_fail_memory(err);
    }
    *ret = client;
    return DM_OK;
}

void dm_http_client_free(struct dm_http_client *client)
{
    if (!client)
        return;
    if (client->curl)
        client->lib->easy_cleanup(client->curl);
    dm_free(client->user_agent);
    dm_free(client);
}

void dm_http_answer_free(struct dm_http_answer *answer)
{
    dm_buf_free(&answer->headers);
    dm_buf_free(&answer->body);
    answer->status = 0;
}

struct dm_str dm_http_answer_header(const struct dm_http_answer *answer, struct dm_str name)
{
    struct dm_str rest = dm_buf_str(&answer->headers), line;
    while (dm_str_next(&rest, '\n', &line)) {
        size_t colon = dm_str_find_char(line, ':');
        if (colon < line.len && dm_str_eq_nocase(dm_str_cut(line, 0, colon), name))
            return dm_str_trim(dm_str_from(line, colon + 1));
    }
    return DM_STR("");
}

/* ---- what libcurl calls ----------------------------------------------------------------------------------------- */

static void stop(struct exchange *exchange, enum dm_code code, const char *sentence)
{
    if (exchange->stopped == DM_OK)
        exchange->stopped = dm_fail(&exchange->why, code, "%s", sentence);
}

static size_t on_header(char *at, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct dm_str line = dm_str_of(at, size * count);
    /* A new status line begins the headers anew: what stood before belonged to "100 Continue". */
    if (dm_str_starts(line, DM_STR("HTTP/")))
        dm_buf_clear(&exchange->answer.headers);
    dm_buf_add(&exchange->answer.headers, line);
    if (!exchange->answer.headers.failed)
        return line.len;
    stop(exchange, DM_TOO_LARGE, "the answer's headers are larger than 64 KiB");
    return 0;
}

static size_t on_body(char *at, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct dm_str bytes = dm_str_of(at, size * count);
    long status = 0;
    (void)exchange->client->lib->easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->request->sink && status >= 200 && status < 300) {
        enum dm_code rc = exchange->request->sink(exchange->request->sink_context, bytes, &exchange->why);
        if (rc == DM_OK)
            return bytes.len;
        if (exchange->stopped == DM_OK)
            exchange->stopped = rc;
        return 0;
    }
    dm_buf_add(&exchange->answer.body, bytes);
    if (!exchange->answer.body.failed)
        return bytes.len;
    stop(exchange, DM_TOO_LARGE, "the answer is larger than this request allows");
    return 0;
}

static int on_progress(void *context, curl_off_t to_receive, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
    struct exchange *exchange = context;
    const struct dm_http_request *request = exchange->request;
    if (!request->progress ||
        request->progress(request->progress_context, (uint64_t)sent, (uint64_t)to_send, (uint64_t)received))
        return 0;
    stop(exchange, DM_CANCELLED, "stopped on request");
    return 1;
}

static size_t on_file_read(char *at, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const struct dm_http_form *form = exchange->request->form;
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
    struct exchange *exchange = context;
    if (origin != SEEK_SET || exchange->request->form->file_bytes < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    exchange->file_at = (int64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting up ------------------------------------------------------------------------------------------------- */

/* `text` as a C string until the next call; NULL where it is too long or holds what would end it early. */
static const char *line_z(struct exchange *exchange, struct dm_str text)
{
    if (dm_str_find_char(text, '\0') < text.len)
        return NULL;
    dm_buf_clear(&exchange->line);
    dm_buf_add(&exchange->line, text);
    return exchange->line.failed ? NULL : dm_buf_z(&exchange->line);
}

static enum dm_code add_headers(struct exchange *exchange, struct dm_err *err)
{
    const struct dm_http_request *request = exchange->request;
    for (uint32_t i = 0; i < request->header_count; i++) {
        struct dm_str value = request->headers[i].value;
        if (dm_str_find_char(value, '\r') < value.len || dm_str_find_char(value, '\n') < value.len ||
            dm_str_find_char(value, '\0') < value.len)
            return dm_fail(err, DM_INVALID, "the header %.*s has a line break in its value",
                           DM_STR_ARG(request->headers[i].name));
        dm_buf_clear(&exchange->line);
        dm_buf_addf(&exchange->line, "%.*s: %.*s", DM_STR_ARG(request->headers[i].name), DM_STR_ARG(value));
        enum dm_code rc = dm_buf_check(&exchange->line, "a header", err);
        if (rc != DM_OK)
            return rc;
        struct curl_slist *longer = exchange->client->lib->slist_append(exchange->headers, dm_buf_z(&exchange->line));
        if (!longer)
            return dm_fail_memory(err);
        exchange->headers = longer;
    }
    return DM_OK;
}

static enum dm_code add_form(struct exchange *exchange, struct dm_err *err)
{
    const struct dm_curl_library *lib = exchange->client->lib;
    const struct dm_http_form *form = exchange->request->form;
    exchange->mime = lib->mime_init(exchange->client->curl);
    if (!exchange->mime)
        return dm_fail_memory(err);
    bool ok = true;
    for (uint32_t i = 0; i < form->field_count && ok; i++) {
        curl_mimepart *part = lib->mime_addpart(exchange->mime);
        const char *name = line_z(exchange, form->fields[i].name);
        ok = part && name && lib->mime_name(part, name) == CURLE_OK &&
             lib->mime_data(part, form->fields[i].value.at ? form->fields[i].value.at : "",
                            form->fields[i].value.len) == CURLE_OK;
    }
    curl_mimepart *part = ok ? lib->mime_addpart(exchange->mime) : NULL;
    ok = part && lib->mime_name(part, "file") == CURLE_OK &&
         lib->mime_data_cb(part, (curl_off_t)form->file_bytes, on_file_read, on_file_seek, NULL, exchange) == CURLE_OK;
    const char *type = "application/octet-stream";
    if (ok && form->file_type.len > 0)
        ok = (type = line_z(exchange, form->file_type)) != NULL;
    ok = ok && lib->mime_type(part, type) == CURLE_OK;
    const char *file_name = ok ? line_z(exchange, form->file_name) : NULL;
    ok = file_name && lib->mime_filename(part, file_name) == CURLE_OK;
    return ok ? DM_OK : dm_fail(err, DM_INVALID, "this form cannot be sent: a field is too long or memory is out");
}

static enum dm_code set_url(struct exchange *exchange, struct dm_err *err)
{
    struct dm_str url = exchange->request->url;
    if (!dm_str_starts(url, DM_STR("http://")) && !dm_str_starts(url, DM_STR("https://")))
        return dm_fail(err, DM_INVALID, "\"%.*s\" is no URL that begins with http:// or https://", DM_STR_ARG(url));
    const char *text = line_z(exchange, url);
    if (!text || url.len > URL_MAX)
        return dm_fail(err, DM_INVALID, "a URL may have at most %d bytes", URL_MAX);
    if (exchange->client->lib->easy_setopt(exchange->client->curl, CURLOPT_URL, text) != CURLE_OK)
        return dm_fail_memory(err);
    return DM_OK;
}

static enum dm_code set_up(struct exchange *exchange, struct dm_err *err)
{
    const struct dm_http_request *request = exchange->request;
    CURL *curl = exchange->client->curl;
    CURLcode (*set)(CURL *, CURLoption, ...) = exchange->client->lib->easy_setopt;
    enum dm_code rc = set_url(exchange, err);
    if (rc == DM_OK)
        rc = add_headers(exchange, err);
    if (rc == DM_OK && request->form)
        rc = add_form(exchange, err);
    if (rc != DM_OK)
        return rc;

    long stall_s = (long)(((request->stall_ms ? request->stall_ms : STALL_MS) + 999) / 1000);
    bool ok =
        set(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && set(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        /* The empty text also keeps libcurl from asking the environment. */
        set(curl, CURLOPT_PROXY, "") == CURLE_OK &&
        set(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        set(curl, CURLOPT_USERAGENT, exchange->client->user_agent) == CURLE_OK &&
        set(curl, CURLOPT_ERRORBUFFER, exchange->client->detail) == CURLE_OK &&
        set(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_ms ? request->connect_ms : CONNECT_MS)) ==
            CURLE_OK &&
        set(curl, CURLOPT_TIMEOUT_MS, (long)request->total_ms) == CURLE_OK &&
        set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK && set(curl, CURLOPT_LOW_SPEED_TIME, stall_s) == CURLE_OK &&
        set(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK &&
        set(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
        set(curl, CURLOPT_HEADERDATA, exchange) == CURLE_OK && set(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
        set(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK && set(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
        set(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
        set(curl, CURLOPT_XFERINFODATA, exchange) == CURLE_OK;
    if (ok && request->form)
        ok = set(curl, CURLOPT_MIMEPOST, exchange->mime) == CURLE_OK;
    else if (ok && (request->body.len > 0 || (request->method && dm_str_eq(dm_str_z(request->method), DM_STR("POST")))))
        /* A POST says how long it is even where that is nothing: some servers answer 411 otherwise. */
        ok = set(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             set(curl, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "") == CURLE_OK;
    if (ok && request->method)
        ok = set(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
    return ok ? DM_OK : dm_fail(err, DM_INTERNAL, "libcurl refused an option of the request");
}

/* ---- the request ------------------------------------------------------------------------------------------------ */

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

static enum dm_code perform(struct exchange *exchange, struct dm_err *err)
{
    struct dm_http_client *client = exchange->client;
    client->detail[0] = '\0';
    CURLcode code = client->lib->easy_perform(client->curl);
    long status = 0;
    (void)client->lib->easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    exchange->answer.status = (uint32_t)status;
    if (exchange->stopped != DM_OK)
        return dm_fail(err, exchange->stopped, "%s", exchange->why.text);
    /* A server that refuses a body need not read it; its answer counts, not that it then hung up. */
    bool refused = status >= 400 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
    if (code == CURLE_OK || refused)
        return DM_OK;
    return dm_fail(err, code_of(code), "%s", client->detail[0] ? client->detail : client->lib->easy_strerror(code));
}

enum dm_code dm_http_send(struct dm_http_client *client, const struct dm_http_request *request,
                          struct dm_http_answer *ret, struct dm_err *err)
{
    struct exchange exchange = {
        .client = client,
        .request = request,
        .answer = { .headers = dm_buf_make(HEADERS_MAX),
                    .body = dm_buf_make(request->answer_max ? request->answer_max : ANSWER_MAX) },
        .line = dm_buf_make(HEADER_LINE_MAX),
    };
    enum dm_code rc = set_up(&exchange, err);
    if (rc == DM_OK)
        rc = perform(&exchange, err);
    /* Forgets options and callbacks, keeps connections. The form must outlive that. */
    client->lib->easy_reset(client->curl);
    client->lib->mime_free(exchange.mime);
    client->lib->slist_free_all(exchange.headers);
    dm_buf_free(&exchange.line);
    if (rc != DM_OK) {
        dm_http_answer_free(&exchange.answer);
        return rc;
    }
    *ret = exchange.answer;
    return DM_OK;
}
