/* transfer.c: a request's options, and the callbacks of libcurl that fill its answer. */
#include "net/transfer.h"

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

enum dm_code dm_transfer_make(const struct dm_curl_library *lib, struct dm_transfer *ret, struct dm_err *err)
{
    CURL *curl = lib->easy_init();
    if (!curl)
        return dm_fail_memory(err);
    *ret = (struct dm_transfer){ .lib = lib, .curl = curl };
    return DM_OK;
}

void dm_transfer_free(struct dm_transfer *transfer)
{
    if (transfer->curl)
        transfer->lib->easy_cleanup(transfer->curl);
    transfer->curl = NULL;
}

void dm_transfer_stop(struct dm_transfer *transfer, enum dm_code code, const char *sentence)
{
    if (transfer->stopped == DM_OK)
        transfer->stopped = dm_fail(&transfer->why, code, "%s", sentence);
}

/* ---- what libcurl calls ----------------------------------------------------------------------------------------- */

/* The bytes go to what is kept of the answer; 0, which ends the request, where that is full. */
static size_t keep(struct dm_transfer *transfer, struct dm_buf *buf, struct dm_str bytes, const char *what)
{
    dm_buf_add(buf, bytes);
    if (!buf->failed)
        return bytes.len;
    if (transfer->stopped == DM_OK)
        transfer->stopped = dm_buf_check(buf, what, &transfer->why);
    return 0;
}

static size_t on_header(char *at, size_t size, size_t count, void *context)
{
    struct dm_transfer *transfer = context;
    struct dm_str line = dm_str_of(at, size * count);
    /* A new status line begins the headers anew: what stood before belonged to "100 Continue". */
    if (dm_str_starts(line, DM_STR("HTTP/")))
        dm_buf_clear(&transfer->answer.headers);
    return keep(transfer, &transfer->answer.headers, line, "the headers of the answer");
}

static size_t on_body(char *at, size_t size, size_t count, void *context)
{
    struct dm_transfer *transfer = context;
    struct dm_str bytes = dm_str_of(at, size * count);
    long status = 0;
    (void)transfer->lib->easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->request.sink && status >= 200 && status < 300) {
        enum dm_code rc = transfer->request.sink(transfer->request.sink_context, bytes, &transfer->why);
        if (rc == DM_OK)
            return bytes.len;
        if (transfer->stopped == DM_OK)
            transfer->stopped = rc;
        return 0;
    }
    return keep(transfer, &transfer->answer.body, bytes, "the body of the answer");
}

static int on_progress(void *context, curl_off_t to_receive, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
    struct dm_transfer *transfer = context;
    const struct dm_http_request *request = &transfer->request;
    if (request->progress(request->progress_context, (uint64_t)sent, (uint64_t)to_send, (uint64_t)received))
        return 0;
    dm_transfer_stop(transfer, DM_CANCELLED, "stopped on request");
    return 1;
}

static size_t on_file_read(char *at, size_t size, size_t count, void *context)
{
    struct dm_transfer *transfer = context;
    const struct dm_http_form *form = transfer->request.form;
    ssize_t got;
    do {
        got = form->file_bytes < 0 ? read(form->file_fd, at, size * count)
                                   : pread(form->file_fd, at, size * count, (off_t)transfer->file_at);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (transfer->stopped == DM_OK)
            transfer->stopped = dm_fail_errno(&transfer->why, errno, "cannot read the file");
        return CURL_READFUNC_ABORT;
    }
    transfer->file_at += got;
    return (size_t)got;
}

/* libcurl rewinds where a kept connection turned out to be closed and the request goes out once more. */
static int on_file_seek(void *context, curl_off_t offset, int origin)
{
    struct dm_transfer *transfer = context;
    if (origin != SEEK_SET || transfer->request.form->file_bytes < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    transfer->file_at = (int64_t)offset;
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

static enum dm_code add_headers(struct dm_transfer *transfer, struct dm_buf *line, struct dm_err *err)
{
    const struct dm_http_request *request = &transfer->request;
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
        struct curl_slist *longer = transfer->lib->slist_append(transfer->headers, dm_buf_z(line));
        if (!longer)
            return dm_fail_memory(err);
        transfer->headers = longer;
    }
    return DM_OK;
}

static enum dm_code add_form(struct dm_transfer *transfer, struct dm_buf *line, struct dm_err *err)
{
    const struct dm_curl_library *lib = transfer->lib;
    const struct dm_http_form *form = transfer->request.form;
    transfer->mime = lib->mime_init(transfer->curl);
    if (!transfer->mime)
        return dm_fail_memory(err);
    bool ok = true;
    for (uint32_t i = 0; i < form->field_count && ok; i++) {
        curl_mimepart *part = lib->mime_addpart(transfer->mime);
        const char *name = line_z(line, form->fields[i].name);
        ok = part && name && lib->mime_name(part, name) == CURLE_OK &&
             lib->mime_data(part, form->fields[i].value.at ? form->fields[i].value.at : "",
                            form->fields[i].value.len) == CURLE_OK;
    }
    curl_mimepart *part = ok ? lib->mime_addpart(transfer->mime) : NULL;
    ok = part && lib->mime_name(part, "file") == CURLE_OK &&
         lib->mime_data_cb(part, (curl_off_t)form->file_bytes, on_file_read, on_file_seek, NULL, transfer) == CURLE_OK;
    const char *type = "application/octet-stream";
    if (ok && form->file_type.len > 0)
        ok = (type = line_z(line, form->file_type)) != NULL;
    ok = ok && lib->mime_type(part, type) == CURLE_OK;
    const char *file_name = ok ? line_z(line, form->file_name) : NULL;
    ok = file_name && lib->mime_filename(part, file_name) == CURLE_OK;
    return ok ? DM_OK : dm_fail(err, DM_INVALID, "this form cannot be sent: a field is too long or memory is out");
}

static enum dm_code set_url(struct dm_transfer *transfer, struct dm_buf *line, struct dm_err *err)
{
    struct dm_str url = transfer->request.url;
    if (!dm_str_starts(url, DM_STR("http://")) && !dm_str_starts(url, DM_STR("https://")))
        return dm_fail(err, DM_INVALID, "\"%.*s\" is no URL that begins with http:// or https://", DM_STR_ARG(url));
    const char *text = line_z(line, url);
    if (!text || url.len > URL_MAX)
        return dm_fail(err, DM_INVALID, "a URL may have at most %d bytes", URL_MAX);
    if (transfer->lib->easy_setopt(transfer->curl, CURLOPT_URL, text) != CURLE_OK)
        return dm_fail_memory(err);
    return DM_OK;
}

/* How the body goes out, and the method. libcurl deduces POST from a body and GET from none; other methods are said last, except
 * that a HEAD has to be known as one: its answer tells the length of a body that never comes. */
static bool set_body(struct dm_transfer *transfer)
{
    const struct dm_http_request *request = &transfer->request;
    CURLcode (*set)(CURL *, CURLoption, ...) = transfer->lib->easy_setopt;
    struct dm_str method = dm_str_z(request->method);
    bool ok = true;
    if (request->form)
        ok = set(transfer->curl, CURLOPT_MIMEPOST, transfer->mime) == CURLE_OK;
    else if (request->body.len > 0 || dm_str_eq(method, DM_STR("POST")) || dm_str_eq(method, DM_STR("PUT")))
        /* These two say how long the body is even where that is nothing: some servers answer 411 otherwise. */
        ok = set(transfer->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             set(transfer->curl, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "") == CURLE_OK;
    else if (dm_str_eq(method, DM_STR("HEAD")))
        return set(transfer->curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (ok && request->method)
        ok = set(transfer->curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
    return ok;
}

static bool set_options(struct dm_transfer *transfer, const char *user_agent)
{
    const struct dm_http_request *request = &transfer->request;
    CURL *curl = transfer->curl;
    CURLcode (*set)(CURL *, CURLoption, ...) = transfer->lib->easy_setopt;
    long stall_s = (long)(((request->stall_ms ? request->stall_ms : STALL_MS) + 999) / 1000);
    return set(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && set(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           /* What was signed, or meant, is what is asked for. */
           set(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           /* The empty text also keeps libcurl from asking the environment. */
           set(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           set(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           set(curl, CURLOPT_USERAGENT, user_agent) == CURLE_OK &&
           set(curl, CURLOPT_ERRORBUFFER, transfer->detail) == CURLE_OK &&
           set(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_ms ? request->connect_ms : CONNECT_MS)) ==
               CURLE_OK &&
           set(curl, CURLOPT_TIMEOUT_MS, (long)request->total_ms) == CURLE_OK &&
           set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           set(curl, CURLOPT_LOW_SPEED_TIME, stall_s) == CURLE_OK &&
           set(curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
           set(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           set(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           set(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           set(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           set(curl, CURLOPT_NOPROGRESS, request->progress ? 0L : 1L) == CURLE_OK &&
           set(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           set(curl, CURLOPT_XFERINFODATA, transfer) == CURLE_OK && set_body(transfer);
}

/* Forgets options and callbacks, keeps connections. */
static void forget(struct dm_transfer *transfer)
{
    transfer->lib->easy_reset(transfer->curl); /* before the form and the headers, which it knows of */
    transfer->lib->mime_free(transfer->mime);
    transfer->lib->slist_free_all(transfer->headers);
    transfer->mime = NULL;
    transfer->headers = NULL;
    dm_http_answer_free(&transfer->answer);
}

enum dm_code dm_transfer_begin(struct dm_transfer *transfer, const struct dm_http_request *request,
                               const char *user_agent, struct dm_err *err)
{
    *transfer = (struct dm_transfer){
        .lib = transfer->lib,
        .curl = transfer->curl,
        .request = *request,
        .answer = { .headers = dm_buf_make(HEADERS_MAX),
                    .body = dm_buf_make(request->answer_max ? request->answer_max : ANSWER_MAX) },
    };
    DM_AUTO(dm_buf) line = dm_buf_make(HEADER_LINE_MAX); /* one header or field as a C string, for libcurl to copy */
    enum dm_code rc = set_url(transfer, &line, err);
    if (rc == DM_OK)
        rc = add_headers(transfer, &line, err);
    if (rc == DM_OK && request->form)
        rc = add_form(transfer, &line, err);
    if (rc == DM_OK && !set_options(transfer, user_agent))
        rc = dm_fail(err, DM_INTERNAL, "libcurl refused an option of the request");
    if (rc != DM_OK)
        forget(transfer);
    return rc;
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static enum dm_code code_of(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
        return DM_INVALID; /* not CURLE_UNSUPPORTED_PROTOCOL: the URL has a good one, so it is what came back that is no HTTP */
    case CURLE_OPERATION_TIMEDOUT:
        return DM_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return DM_NO_MEMORY;
    default:
        return DM_UNAVAILABLE;
    }
}

static enum dm_code outcome(struct dm_transfer *transfer, CURLcode code, struct dm_err *err)
{
    long status = 0;
    (void)transfer->lib->easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer.status = (uint32_t)status;
    if (transfer->stopped != DM_OK)
        return dm_fail(err, transfer->stopped, "%s", transfer->why.text);
    /* A server that refuses a body need not read it; its answer counts, not that it then hung up. */
    bool refused = status >= 400 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
    if (code == CURLE_OK || refused)
        return DM_OK;
    return dm_fail(err, code_of(code), "%s",
                   transfer->detail[0] ? transfer->detail : transfer->lib->easy_strerror(code));
}

enum dm_code dm_transfer_end(struct dm_transfer *transfer, CURLcode code, struct dm_http_answer *ret,
                             struct dm_err *err)
{
    enum dm_code rc = outcome(transfer, code, err);
    if (rc == DM_OK) {
        *ret = (struct dm_http_answer){ .status = transfer->answer.status,
                                        .headers = dm_buf_move(&transfer->answer.headers),
                                        .body = dm_buf_move(&transfer->answer.body) };
    }
    forget(transfer);
    return rc;
}
