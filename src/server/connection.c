/* connection.c: the HTTP library's callbacks, and the course of a request over them.
 *
 * The library calls dm_on_request first with the head, then with each piece of the body, then once more, and again
 * after every resume until an answer is queued. Two of its habits shape this file: an answer queued in the first call
 * closes the connection (right for a refused body, wrong for everything else), and a suspended connection may still
 * be called for pieces already read (hence `busy`). */
#include <string.h>

#include "base/alloc.h"
#include "connection.h"

enum { HEADERS_KEPT = 101, HEADERS_FIRST = 16 };

void dm_connection_phase_at(struct dm_connection *connection, enum dm_phase phase, int64_t now_ms)
{
    atomic_store_explicit(&connection->since_ms, now_ms, memory_order_relaxed);
    atomic_store_explicit(&connection->phase, phase, memory_order_release);
}

void dm_connection_phase(struct dm_connection *connection, enum dm_phase phase)
{
    dm_connection_phase_at(connection, phase, dm_mono_ms(connection->server->runtime));
}

static struct dm_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- connections come and go --------------------------------------------------------------------------- */

static void start_connection(struct dm_server *server, struct MHD_Connection *mhd, void **socket_context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct dm_connection *connection = dm_alloc_zero(1, sizeof(*connection));
    *socket_context = connection;
    if (!connection)
        return; /* its first request is cut */
    connection->server = server;
    connection->mhd = mhd;
    connection->fd = info ? info->connect_fd : -1;
    dm_connection_phase(connection, DM_PHASE_NEW);
    dm_lock(server->runtime, server->lock);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
    dm_unlock(server->runtime, server->lock);
}

/* Called before the descriptor is closed: whoever finds the connection in the list may still use it. */
static void end_connection(struct dm_server *server, struct dm_connection *connection)
{
    dm_lock(server->runtime, server->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->connection_count--;
    dm_unlock(server->runtime, server->lock);
    if (connection->begun)
        dm_exchange_end(connection->carrier->exchange);
    dm_carrier_give(server, connection->carrier);
    dm_free(connection);
}

void dm_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        start_connection(cls, mhd, socket_context);
    else if (*socket_context)
        end_connection(cls, *socket_context);
}

/* The library would keep a record of each parameter, for nobody, and falls silent before a client who sends more of them
 * than its memory holds. So it finds a single one. */
static void join_parameters(char *uri)
{
    for (char *mark = uri; (mark = strchr(mark, '&')); mark++)
        *mark = '_';
}

/* The request line is there. The library is about to take the target apart in place, so it is copied first. */
void *dm_on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct dm_connection *connection = connection_of(mhd);
    if (!connection)
        return NULL;
    dm_connection_phase(connection, DM_PHASE_HEAD);
    connection->began_ms = atomic_load_explicit(&connection->since_ms, memory_order_relaxed);
    if (!connection->carrier)
        connection->carrier = dm_carrier_take(cls);
    if (!connection->carrier)
        return NULL;
    dm_buf_add_z(&connection->carrier->target, uri);
    join_parameters((char *)(uintptr_t)uri);
    return connection;
}

static void log_request(const struct dm_connection *connection, int64_t now_ms)
{
    enum dm_log_level level = connection->server->options.access_level;
    if (!dm_log_wanted(level))
        return;
    const struct dm_exchange_facts facts = dm_exchange_facts(connection->carrier->exchange);
    dm_log(level, DM_EV_REQUEST, dm_f_str("method", facts.method), dm_f_str("route", facts.route),
           dm_f_int("status", facts.status), dm_f_int("ms", now_ms - connection->began_ms),
           dm_f_int("received", (int64_t)atomic_load(&connection->received)), dm_f_str("tenant", facts.tenant),
           dm_f_str("requestId", facts.request_id), dm_f_str("trace", facts.trace_id));
}

void dm_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    struct dm_connection *connection = *context;
    (void)mhd;
    (void)code;
    *context = NULL;
    if (!connection)
        return;
    int64_t now_ms = dm_mono_ms(connection->server->runtime);
    if (connection->begun) {
        log_request(connection, now_ms);
        dm_exchange_end(connection->carrier->exchange);
    }
    connection->begun = false;
    dm_carrier_give(cls, connection->carrier);
    connection->carrier = NULL;
    atomic_store_explicit(&connection->received, 0, memory_order_relaxed);
    dm_connection_phase_at(connection, DM_PHASE_IDLE, now_ms);
}

/* ---- the head ------------------------------------------------------------------------------------------------ */

struct gathering {
    struct dm_carrier *carrier;
    uint32_t count;
    bool failed;
};

/* One header more than are allowed is kept, so that the api sees that there are too many. */
static enum MHD_Result gather(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
                              size_t value_size)
{
    struct gathering *gathering = cls;
    struct dm_carrier *carrier = gathering->carrier;
    (void)kind;
    if (gathering->count == HEADERS_KEPT)
        return MHD_NO;
    if (gathering->count == carrier->header_room) {
        uint32_t room = carrier->header_room ? HEADERS_KEPT : HEADERS_FIRST;
        struct dm_header *headers = dm_realloc(carrier->headers, room * sizeof(*headers));
        if (!headers) {
            gathering->failed = true;
            return MHD_NO;
        }
        carrier->headers = headers;
        carrier->header_room = room;
    }
    carrier->headers[gathering->count++] =
        (struct dm_header){ dm_str_of(name, name_size), dm_str_of(value ? value : "", value_size) };
    return MHD_YES;
}

static bool begin(struct dm_connection *connection, const char *url, const char *method, const char *version)
{
    struct dm_server *server = connection->server;
    struct dm_carrier *carrier = connection->carrier;
    struct gathering gathering = { .carrier = carrier };
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, gather, &gathering);
    if (gathering.failed || carrier->target.failed)
        return false;
    struct dm_head head = { .method = dm_str_z(method),
                            .target = dm_buf_str(&carrier->target),
                            .headers = carrier->headers,
                            .header_count = gathering.count };
    const struct dm_layout layout = { method, carrier->target.len ? url : NULL, version, size ? size->header_size : 0 };
    bool look = server->checks_layout && gathering.count < HEADERS_KEPT;
    head.malformed = dm_framing_fault(&head, dm_str_z(version), look ? &layout : NULL);
    head.body_bytes = head.malformed ? DM_BODY_UNKNOWN : dm_framing_body(&head);
    connection->begun = true;
    if (head.body_bytes)
        dm_connection_phase(connection, DM_PHASE_BODY);
    else
        dm_connection_phase_at(connection, DM_PHASE_HANDLING, connection->began_ms);
    connection->step = dm_exchange_begin(carrier->exchange, &head);
    return true;
}

/* ---- handling ------------------------------------------------------------------------------------------------ */

void dm_connection_resume(struct dm_connection *connection, enum dm_next step)
{
    connection->step = step;
    atomic_store_explicit(&connection->busy, false, memory_order_release);
    MHD_resume_connection(connection->mhd);
}

static void suspend(struct dm_connection *connection)
{
    atomic_store_explicit(&connection->busy, true, memory_order_release);
    MHD_suspend_connection(connection->mhd);
}

static enum dm_next handle(struct dm_connection *connection)
{
    connection->moves = dm_park_moves(connection->server->park);
    return dm_exchange_handle(connection->carrier->exchange);
}

/* Of a suspended connection; false: the document moved already, handle it once more. */
static bool park(struct dm_connection *connection)
{
    connection->wait = *dm_exchange_wait(connection->carrier->exchange, &connection->wait_inline);
    return dm_park_add(connection->server->park, connection, connection->moves);
}

void dm_connection_handle(struct dm_connection *connection)
{
    enum dm_next step = handle(connection);
    if (step == DM_NEXT_WAIT) {
        if (park(connection))
            return;
        step = connection->wait_inline ? DM_NEXT_HANDLE_INLINE : DM_NEXT_HANDLE;
    }
    dm_connection_resume(connection, step);
}

/* On the loop, with the body complete. */
static enum MHD_Result advance(struct dm_connection *connection)
{
    struct dm_server *server = connection->server;
    if (atomic_load(&server->cutting))
        return MHD_NO;
    for (;;) {
        switch (connection->step) {
        case DM_NEXT_RESPOND:
            return dm_reply(connection);
        case DM_NEXT_HANDLE_INLINE:
            connection->step = handle(connection);
            break;
        case DM_NEXT_HANDLE:
            if (!dm_pool_reserve(server->pool)) {
                connection->step = dm_exchange_refuse_busy(connection->carrier->exchange);
                break;
            }
            suspend(connection);
            dm_pool_submit(server->pool, connection);
            return MHD_YES;
        case DM_NEXT_WAIT:
            suspend(connection);
            if (!park(connection))
                dm_connection_resume(connection, DM_NEXT_HANDLE_INLINE);
            return MHD_YES;
        case DM_NEXT_BODY:
        case DM_NEXT_CUT:
            return MHD_NO;
        }
    }
}

enum MHD_Result dm_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_size, void **context)
{
    struct dm_connection *connection = *context;
    (void)cls;
    (void)mhd;
    if (!connection)
        return MHD_NO;
    if (atomic_load_explicit(&connection->busy, memory_order_acquire))
        return MHD_YES;
    if (!connection->begun) {
        if (!begin(connection, url, method, version))
            return MHD_NO;
        /* Refused before its body: answered now, and the library closes the connection. */
        bool refused =
            connection->step == DM_NEXT_RESPOND && dm_exchange_response(connection->carrier->exchange)->close;
        return refused ? dm_reply(connection) : MHD_YES;
    }
    if (*data_size > 0) {
        atomic_fetch_add_explicit(&connection->received, *data_size, memory_order_relaxed);
        if (connection->step == DM_NEXT_BODY)
            connection->step = dm_exchange_body(connection->carrier->exchange, dm_str_of(data, *data_size));
        *data_size = 0;
        return connection->step == DM_NEXT_CUT ? MHD_NO : MHD_YES;
    }
    if (connection->step == DM_NEXT_BODY) {
        dm_connection_phase(connection, DM_PHASE_HANDLING);
        connection->step = dm_exchange_body_end(connection->carrier->exchange);
    }
    return advance(connection);
}
