/* multi.c: requests in flight over one multi handle, driven by one task.
 *
 * A sender makes its request ready on its own thread and puts it into a list, which the monitor guards; the client's task
 * takes the list, lets libcurl work, and calls back what is over. The sender wakes the task while it still holds the lock:
 * once it has given that up it touches nothing of the client any more, so that whoever is called back may take the client apart.
 *
 * What a request costs is kept small, because thousands wait at once: libcurl's buffers are made as large as answers are and not
 * as large as downloads, and the authorities that a server's certificate leads to are looked up one by one. By itself libcurl
 * reads all of them for each connection: 200 connections then took 190 MB instead of 27, and so long that most timed out. A
 * handle of libcurl's serves one request: making one takes a microsecond, and one that is kept would keep its buffers. */
#include "net/multi.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/sockets.h"
#include "net/transfer.h"

enum {
    REQUESTS_MAX = 4096,
    CONNECTIONS_MAX = 256,
    RECEIVE_BYTES = 4096,
    SEND_BYTES = 16384,    /* libcurl's least */
    LARGE_BYTES = 4 << 20, /* what may be larger is moved in larger pieces */
    PIECE_BYTES = 128 * 1024,
    LOOK_MS = 250,        /* at deadlines, while something is under way */
    UNACKNOWLEDGED_S = 30 /* a server that confirms nothing for so long is gone, whatever was sent to it */
};

/* Certificates of authorities by the hash of their names, as Debian, Ubuntu and others keep them. */
#define AUTHORITIES_FOLDER "/etc/ssl/certs"

struct call {
    struct dm_transfer transfer;
    dm_multi_done *done;
    void *context;
    int64_t deadline_ms;
    struct call *before, *after; /* in one of the lists below */
};

struct list {
    struct call *first, *last;
};

struct dm_multi {
    struct dm_runtime runtime;
    char *user_agent;
    char *certificates_file;
    bool authorities_hashed;
    uint32_t requests_max;
    uint32_t connections_max;
    struct dm_monitor *monitor; /* guards what follows */
    const struct dm_curl_library
        *lib; /* with the next three: there once the first request was sent; do not change then */
    CURLM *handle;
    struct dm_sockets sockets; /* used by the task alone, but for waking it */
    struct dm_task *task;
    struct list sent; /* not yet taken by the task */
    uint32_t under_way;
    bool ending;
    bool interrupted;    /* nothing goes on and nothing begins */
    struct list running; /* the task's own, with the next */
    int64_t look_ms;     /* at deadlines, next */
};

static void append(struct list *list, struct call *call)
{
    call->before = list->last;
    call->after = NULL;
    *(list->last ? &list->last->after : &list->first) = call;
    list->last = call;
}

static void take_out(struct list *list, struct call *call)
{
    *(call->before ? &call->before->after : &list->first) = call->after;
    *(call->after ? &call->after->before : &list->last) = call->before;
    call->before = call->after = NULL;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static void call_free(struct call *call)
{
    dm_transfer_free(&call->transfer);
    dm_free(call);
}

/* One more may be sent. */
static void leave(struct dm_multi *multi)
{
    dm_lock(multi->runtime, multi->monitor);
    multi->under_way--;
    dm_unlock(multi->runtime, multi->monitor);
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

/* Does the folder hold a name such as "4a6481c9.0"? */
static bool holds_hashed_certificates(const char *folder)
{
    DIR *open = opendir(folder);
    if (!open)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(open));)
        found = strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
                strcmp(entry->d_name + 8, ".0") == 0;
    (void)closedir(open);
    return found;
}

/* Bytes that nobody confirms end a connection. Without it one that died silently (a router forgot it) would be tried for 15
 * minutes by the system, and by each request that is put onto it. */
static int on_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
    unsigned unacknowledged_ms = UNACKNOWLEDGED_S * 1000;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
    return CURL_SOCKOPT_OK;
}

static bool set_options(const struct dm_multi *multi, struct call *call, const struct dm_http_request *request)
{
    CURL *curl = call->transfer.curl;
    struct dm_str url = request->url;
    long receive = request->answer_max > LARGE_BYTES ? PIECE_BYTES : RECEIVE_BYTES;
    long send = request->body.len > LARGE_BYTES ? PIECE_BYTES : SEND_BYTES;
    CURLcode (*set)(CURL *, CURLoption, ...) = multi->lib->easy_setopt;
    bool ok =
        set(curl, CURLOPT_PRIVATE, call) == CURLE_OK &&
        set(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
        /* A request waits to see whether a connection under way will carry it, too, before it opens its own. Only the
         * handshake of TLS says so; in clear it would wait for an answer. */
        set(curl, CURLOPT_PIPEWAIT, (long)dm_str_starts(url, DM_STR("https:"))) == CURLE_OK &&
        set(curl, CURLOPT_BUFFERSIZE, receive) == CURLE_OK && set(curl, CURLOPT_UPLOAD_BUFFERSIZE, send) == CURLE_OK &&
        set(curl, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK && set(curl, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
        set(curl, CURLOPT_TCP_KEEPIDLE, 30L) == CURLE_OK && set(curl, CURLOPT_TCP_KEEPINTVL, 10L) == CURLE_OK;
    if (ok && multi->authorities_hashed)
        ok = set(curl, CURLOPT_CAINFO, NULL) == CURLE_OK && set(curl, CURLOPT_CAPATH, AUTHORITIES_FOLDER) == CURLE_OK;
    if (ok && multi->certificates_file)
        ok = set(curl, CURLOPT_CAINFO, multi->certificates_file) == CURLE_OK;
    return ok;
}

/* NULL: `err` says why. */
static struct call *call_make(const struct dm_multi *multi, const struct dm_http_request *request, struct dm_err *err)
{
    struct call *call = dm_alloc_zero(1, sizeof(*call));
    if (!call) {
        (void)dm_fail_memory(err);
        return NULL;
    }
    enum dm_code rc = dm_transfer_make(multi->lib, &call->transfer, err);
    if (rc == DM_OK)
        rc = dm_transfer_begin(&call->transfer, request, multi->user_agent, err);
    if (rc == DM_OK && !set_options(multi, call, request)) {
        dm_transfer_stop(&call->transfer, DM_INTERNAL, "libcurl refused an option of the request");
        rc = dm_transfer_end(&call->transfer, CURLE_OK, NULL, err);
    }
    if (rc == DM_OK)
        return call;
    call_free(call);
    return NULL;
}

/* ---- the client's task ------------------------------------------------------------------------------------------ */

/* The call is over, by libcurl's `code` or by what stopped it. Its place is free before anybody is called back, who may send
 * the next request at once. */
static void finish(struct dm_multi *multi, struct call *call, CURLcode code)
{
    take_out(&multi->running, call);
    (void)multi->lib->multi_remove_handle(multi->handle, call->transfer.curl);
    struct dm_http_answer answer = { .status = 0 };
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_transfer_end(&call->transfer, code, &answer, &err);
    dm_multi_done *done = call->done;
    void *context = call->context;
    call_free(call);
    leave(multi);
    done(context, rc, &answer, &err);
    dm_http_answer_free(&answer);
}

static void stop(struct dm_multi *multi, struct call *call, enum dm_code code, const char *sentence)
{
    dm_transfer_stop(&call->transfer, code, sentence);
    finish(multi, call, CURLE_ABORTED_BY_CALLBACK);
}

/* Hands what was sent to libcurl. False: the client is to end. `*ret_interrupted`: nothing of it may go on. */
static bool take_sent(struct dm_multi *multi, bool *ret_interrupted)
{
    dm_lock(multi->runtime, multi->monitor);
    bool going_on = !multi->ending;
    *ret_interrupted = multi->interrupted;
    struct list taken = multi->sent;
    multi->sent = (struct list){ NULL, NULL };
    dm_unlock(multi->runtime, multi->monitor);
    for (struct call *call; (call = taken.first);) {
        take_out(&taken, call);
        append(&multi->running, call);
        if (multi->lib->multi_add_handle(multi->handle, call->transfer.curl) != CURLM_OK)
            stop(multi, call, DM_NO_MEMORY, "memory is out");
    }
    return going_on;
}

static void finish_those_over(struct dm_multi *multi)
{
    int left;
    for (CURLMsg *message; (message = multi->lib->multi_info_read(multi->handle, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct call *call = NULL;
        CURLcode code = message->data.result; /* the message is gone with its handle */
        (void)multi->lib->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(multi, call, code);
    }
}

/* libcurl keeps the time of requests that have a connection; those that wait for one it only looks at when there is one. */
static void stop_those_late(struct dm_multi *multi)
{
    int64_t now_ms = dm_mono_ms(multi->runtime);
    if (now_ms < multi->look_ms)
        return;
    multi->look_ms = now_ms + LOOK_MS;
    for (struct call *call = multi->running.first, *next; call; call = next) {
        next = call->after;
        if (now_ms > call->deadline_ms + LOOK_MS)
            stop(multi, call, DM_TIMEOUT, "no connection became free in the time of the request");
    }
}

static void stop_all(struct dm_multi *multi)
{
    while (multi->running.first)
        stop(multi, multi->running.first, DM_CANCELLED, "docmill is stopping");
}

static void run(void *argument)
{
    struct dm_multi *multi = argument;
    bool interrupted;
    while (take_sent(multi, &interrupted)) {
        if (interrupted)
            stop_all(multi);
        dm_sockets_work(&multi->sockets, multi->running.first ? multi->look_ms : DM_FOREVER);
        finish_those_over(multi);
        stop_those_late(multi);
    }
    stop_all(multi);
}

/* ---- from outside ----------------------------------------------------------------------------------------------- */

enum dm_code dm_multi_make(const struct dm_multi_options *options, struct dm_multi **ret, struct dm_err *err)
{
    struct dm_multi *multi = dm_alloc_zero(1, sizeof(*multi));
    if (!multi)
        return dm_fail_memory(err);
    multi->runtime = options->runtime;
    multi->requests_max = options->requests_max ? options->requests_max : REQUESTS_MAX;
    multi->connections_max = options->connections_max ? options->connections_max : CONNECTIONS_MAX;
    multi->user_agent = dm_str_dup_z(dm_str_z(options->user_agent));
    if (options->certificates_file)
        multi->certificates_file = dm_str_dup_z(dm_str_z(options->certificates_file));
    enum dm_code rc = DM_OK;
    if (!multi->user_agent || (options->certificates_file && !multi->certificates_file))
        rc = dm_fail_memory(err);
    if (rc == DM_OK)
        rc = dm_monitor_make(multi->runtime, &multi->monitor, err);
    if (rc != DM_OK) {
        dm_multi_free(multi);
        return rc;
    }
    *ret = multi;
    return DM_OK;
}

static CURLM *handle_make(struct dm_multi *multi, struct dm_err *err)
{
    CURLM *handle = multi->lib->multi_init();
    if (!handle) {
        (void)dm_fail_memory(err);
        return NULL;
    }
    CURLMcode (*set)(CURLM *, CURLMoption, ...) = multi->lib->multi_setopt;
    if (set(handle, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK &&
        set(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)multi->connections_max) == CURLM_OK &&
        set(handle, CURLMOPT_MAXCONNECTS, (long)multi->connections_max) == CURLM_OK) {
        if (dm_sockets_open(multi->lib, multi->runtime, handle, &multi->sockets, err) == DM_OK)
            return handle;
        dm_sockets_close(&multi->sockets);
    } else {
        (void)dm_fail(err, DM_INTERNAL, "libcurl refused an option of the client");
    }
    (void)multi->lib->multi_cleanup(handle);
    return NULL;
}

/* With the lock held, by the first request: libcurl, its handle, the task. */
static enum dm_code start(struct dm_multi *multi, struct dm_err *err)
{
    if (multi->task)
        return DM_OK;
    struct dm_err why = { .code = DM_OK };
    if (dm_curl_library(&multi->lib, &why) == DM_OK && !multi->handle) {
        multi->authorities_hashed = holds_hashed_certificates(AUTHORITIES_FOLDER);
        multi->handle = handle_make(multi, &why);
    }
    if (!multi->handle)
        return dm_fail(err, why.code, "%s", why.text);
    return dm_spawn(multi->runtime, "http", run, multi, &multi->task, err);
}

/* Takes a place among the requests under way. */
static enum dm_code enter(struct dm_multi *multi, struct dm_err *err)
{
    enum dm_code rc;
    dm_lock(multi->runtime, multi->monitor);
    if (multi->interrupted)
        rc = dm_fail(err, DM_CANCELLED, "docmill is stopping");
    else if (multi->under_way == multi->requests_max)
        rc = dm_fail(err, DM_BUSY, "%u requests are under way already", multi->under_way);
    else
        rc = start(multi, err);
    multi->under_way += rc == DM_OK;
    dm_unlock(multi->runtime, multi->monitor);
    return rc;
}

static void hand_over(struct dm_multi *multi, struct call *call)
{
    dm_lock(multi->runtime, multi->monitor);
    bool first = !multi->sent.first; /* otherwise the task was woken already */
    append(&multi->sent, call);
    if (first)
        dm_sockets_wake(&multi->sockets);
    dm_unlock(multi->runtime, multi->monitor);
}

void dm_multi_interrupt(struct dm_multi *multi)
{
    dm_lock(multi->runtime, multi->monitor);
    multi->interrupted = true;
    if (multi->task)
        dm_sockets_wake(&multi->sockets);
    dm_unlock(multi->runtime, multi->monitor);
}

enum dm_code dm_multi_send(struct dm_multi *multi, const struct dm_http_request *request, dm_multi_done *done,
                           void *context, struct dm_err *err)
{
    enum dm_code rc = enter(multi, err);
    if (rc != DM_OK)
        return rc;
    struct dm_err why = { .code = DM_OK };
    struct call *call = call_make(multi, request, &why);
    if (!call) {
        leave(multi);
        return dm_fail(err, why.code, "%s", why.text);
    }
    call->done = done;
    call->context = context;
    call->deadline_ms = request->total_ms ? dm_mono_ms(multi->runtime) + request->total_ms : DM_FOREVER - LOOK_MS;
    hand_over(multi, call);
    return DM_OK;
}

void dm_multi_free(struct dm_multi *multi)
{
    if (!multi)
        return;
    if (multi->task) {
        dm_lock(multi->runtime, multi->monitor);
        multi->ending = true;
        dm_sockets_wake(&multi->sockets);
        dm_unlock(multi->runtime, multi->monitor);
        dm_join(multi->runtime, multi->task);
    }
    if (multi->handle) {
        (void)multi->lib->multi_cleanup(multi->handle);
        dm_sockets_close(&multi->sockets);
    }
    dm_monitor_free(multi->runtime, multi->monitor);
    dm_free(multi->certificates_file);
    dm_free(multi->user_agent);
    dm_free(multi);
}
