/* watchdog.c: what the library's own timeout does not see. That one counts silence only, so a client that sends or
 * takes a byte now and then would keep its connection for ever. Here every phase of a request has a deadline or a least
 * pace; past it the socket is shut down, and the library does the rest.
 *
 * A connection stands in the list until just before its descriptor is closed, and is looked at under the list's lock
 * only, so a shutdown never meets a descriptor that is somebody else's by now. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "connection.h"

enum {
    TICK_MS = 100,
    EARLY_MS = 1000,
    GONE_EVERY_TICKS = 50,
    CLOSE_WAIT = 8 /* TCP_CLOSE_WAIT of netinet/tcp.h, which does not go together with linux/tcp.h */
};

static void cut(const struct dm_connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
}

/* A client that was too slow with its request is told so, best effort: nothing of an answer has been written then. */
static void cut_slow(const struct dm_connection *connection)
{
    struct dm_str body = dm_api_slow_problem();
    char text[600];
    int size =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
                 "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %zu\r\n\r\n%s",
                 body.len, body.at);
    if (size > 0 && (size_t)size < sizeof(text))
        (void)!send(connection->fd, text, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    cut(connection);
}

/* False: nothing is known of the connection, and nothing is held against it. */
static bool ask_kernel(const struct dm_connection *connection, struct tcp_info *ret)
{
    socklen_t size = sizeof(*ret);
    *ret = (struct tcp_info){ 0 };
    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, ret, &size) == 0;
}

/* Whether the client has closed its side and the library will not notice: it waits for the next edge after a short
 * read, and there is none where the end came together with the last bytes. Looked at in the first ticks of a phase, when
 * that must have happened, and now and then; believed when it is so three times in a row with nothing left to read. */
static bool is_gone(struct dm_connection *connection, int64_t passed_ms, uint32_t tick)
{
    struct tcp_info info;
    int unread = 0;
    bool early = passed_ms < EARLY_MS;
    if (!early && connection->gone_ticks == 0 && (tick + (uint32_t)connection->fd) % GONE_EVERY_TICKS != 0)
        return false;
    bool gone = ask_kernel(connection, &info) && info.tcpi_state == CLOSE_WAIT &&
                ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0;
    connection->gone_ticks = gone ? connection->gone_ticks + 1 : 0;
    return connection->gone_ticks >= 3;
}

/* Whether the phase moved on by too little in a full window. The first look at a phase begins its first window. */
static bool too_little(struct dm_connection *connection, uint64_t bytes, int64_t since_ms, int64_t now_ms)
{
    const struct dm_server_options *options = &connection->server->options;
    bool new_phase = connection->watched_ms != since_ms;
    int64_t passed_ms = now_ms - connection->window_ms;
    if (!new_phase && passed_ms < options->window_ms)
        return false;
    bool little = !new_phase && bytes - connection->window_bytes < (uint64_t)passed_ms * options->rate_min / 1000;
    connection->watched_ms = since_ms;
    connection->window_ms = now_ms;
    connection->window_bytes = bytes;
    return little;
}

static void look_at(struct dm_connection *connection, int64_t now_ms, uint32_t tick)
{
    const struct dm_server_options *options = &connection->server->options;
    enum dm_phase phase = atomic_load_explicit(&connection->phase, memory_order_acquire);
    int64_t since_ms = atomic_load_explicit(&connection->since_ms, memory_order_relaxed);
    int64_t passed_ms = now_ms - since_ms;
    struct tcp_info info;
    switch (phase) {
    case DM_PHASE_NEW:
        if (passed_ms > options->head_ms || is_gone(connection, passed_ms, tick))
            cut(connection);
        break;
    case DM_PHASE_IDLE:
        /* Silence is the library's to time out; this is for a request line that drips. */
        if (passed_ms > options->idle_ms + options->head_ms || is_gone(connection, passed_ms, tick))
            cut(connection);
        break;
    case DM_PHASE_HEAD:
        if (passed_ms > options->head_ms)
            cut_slow(connection);
        else if (is_gone(connection, passed_ms, tick))
            cut(connection);
        break;
    case DM_PHASE_BODY:
        if (too_little(connection, atomic_load_explicit(&connection->received, memory_order_relaxed), since_ms, now_ms))
            cut_slow(connection);
        else if (is_gone(connection, 0, tick))
            cut(connection);
        break;
    case DM_PHASE_HANDLING:
        break;
    case DM_PHASE_WRITING:
        if (passed_ms >= TICK_MS && ask_kernel(connection, &info) &&
            too_little(connection, info.tcpi_bytes_acked, since_ms, now_ms))
            cut(connection);
        break;
    }
}

static void watch(void *argument)
{
    struct dm_server *server = argument;
    uint32_t tick = 0;
    dm_lock(server->runtime, server->lock);
    while (!server->watchdog_stops) {
        int64_t now_ms = dm_mono_ms(server->runtime);
        tick++;
        for (struct dm_connection *connection = server->connections; connection; connection = connection->next)
            look_at(connection, now_ms, tick);
        dm_unlock(server->runtime, server->lock);
        dm_park_tick(server->park, now_ms);
        dm_lock(server->runtime, server->lock);
        if (!server->watchdog_stops)
            (void)dm_wait_until(server->runtime, server->lock, now_ms + TICK_MS);
    }
    dm_unlock(server->runtime, server->lock);
}

enum dm_code dm_watchdog_start(struct dm_server *server, struct dm_err *err)
{
    return dm_spawn(server->runtime, "watchdog", watch, server, &server->watchdog, err);
}

void dm_watchdog_stop(struct dm_server *server)
{
    if (!server->watchdog)
        return;
    dm_lock(server->runtime, server->lock);
    server->watchdog_stops = true;
    dm_wake_all(server->runtime, server->lock);
    dm_unlock(server->runtime, server->lock);
    dm_join(server->runtime, server->watchdog);
    server->watchdog = NULL;
}

void dm_watchdog_cut(struct dm_server *server, bool all)
{
    dm_lock(server->runtime, server->lock);
    for (struct dm_connection *connection = server->connections; connection; connection = connection->next) {
        enum dm_phase phase = atomic_load_explicit(&connection->phase, memory_order_acquire);
        if (all || phase == DM_PHASE_IDLE || phase == DM_PHASE_NEW)
            cut(connection);
    }
    dm_unlock(server->runtime, server->lock);
}
