/* server.c: starting, and stopping in the right order. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "connection.h"

enum {
    HANDLERS = 64,
    HANDLERS_QUEUE = 1024,
    CONNECTIONS = 8192,
    DESCRIPTORS_LEAST = 512,
    DESCRIPTORS_KEPT = 256, /* for files, database and helpers */
    CONNECTION_BYTES = 32 * 1024,
    IDLE_MS = 75 * 1000,
    HEAD_MS = 15 * 1000,
    WINDOW_MS = 10 * 1000,
    RATE_MIN = 256,
    RECHECK_MS = 5000,
    GRACE_MS = 250, /* of a drain: requests that were on their way when it began still get an answer */
    DRAIN_LOOK_MS = 20
};

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static int64_t or_else_ms(int64_t value, int64_t otherwise)
{
    return value ? value : otherwise;
}

static void fill_in(struct dm_server_options *options)
{
    struct rlimit descriptors;
    options->loops = or_else(options->loops, 1);
    options->handlers_max = or_else(options->handlers_max, HANDLERS);
    options->handlers_queue = or_else(options->handlers_queue, HANDLERS_QUEUE);
    options->connections_max = or_else(options->connections_max, CONNECTIONS);
    options->connection_bytes = or_else(options->connection_bytes, CONNECTION_BYTES);
    options->idle_ms = or_else_ms(options->idle_ms, IDLE_MS);
    options->head_ms = or_else_ms(options->head_ms, HEAD_MS);
    options->window_ms = or_else_ms(options->window_ms, WINDOW_MS);
    options->rate_min = or_else(options->rate_min, RATE_MIN);
    options->recheck_ms = or_else_ms(options->recheck_ms, RECHECK_MS);
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur != RLIM_INFINITY &&
        options->connections_max + DESCRIPTORS_KEPT > descriptors.rlim_cur)
        options->connections_max = descriptors.rlim_cur > DESCRIPTORS_LEAST
                                       ? (uint32_t)descriptors.rlim_cur - DESCRIPTORS_KEPT
                                       : (uint32_t)descriptors.rlim_cur / 2;
}

/* The library speaks of clients that went away; nobody needs that above debug. */
static void on_log(void *cls, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void on_log(void *cls, const char *format, va_list arguments)
{
    char text[256];
    (void)cls;
    int size = vsnprintf(text, sizeof(text), format, arguments);
    if (size > 0)
        dm_log(DM_LOG_DEBUG, DM_EV_SERVER_ERROR, dm_f_str("error", dm_str_trim(dm_str_z(text))));
}

/* Targets are decoded by the api, which refuses what is broken; the library would pass it through. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* The loops' threads are born with the signals blocked that belong to the main thread. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static enum dm_code start_daemon(struct dm_server *server, struct dm_err *err)
{
    const struct dm_server_options *options = &server->options;
    uint32_t per_address = options->connections_per_address;
    if (!per_address && !dm_server_address_is_loopback(&server->address))
        per_address = options->connections_max - options->connections_max / 4;
    struct MHD_OptionItem optional[] = {
        { MHD_OPTION_END, 0, NULL },
        { MHD_OPTION_END, 0, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    size_t count = 0;
    if (options->loops > 1)
        optional[count++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->loops, NULL };
    if (per_address)
        optional[count++] = (struct MHD_OptionItem){ MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)per_address, NULL };
    sigset_t before;
    block_signals(&before);
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, dm_on_request, server,
        /* The logger comes first, so that it also hears of the other options. */
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)server->listen_fd,
        MHD_OPTION_NOTIFY_CONNECTION, dm_on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, dm_on_completed, server,
        MHD_OPTION_URI_LOG_CALLBACK, dm_on_uri, server, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)options->connection_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)((options->idle_ms + 999) / 1000), MHD_OPTION_ARRAY, optional, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server->daemon ? DM_OK : dm_fail(err, DM_IO, "the HTTP library did not start");
}

static enum dm_code listen_somewhere(struct dm_server *server, struct dm_err *err)
{
    server->listen_fd = server->options.listen_fd;
    enum dm_code rc = DM_OK;
    if (server->listen_fd < 0)
        rc = dm_address_listen(&server->options.address, &server->listen_fd, err);
    if (rc == DM_OK)
        rc = dm_address_of_socket(server->listen_fd, &server->address, err);
    return rc;
}

/* Undoes whatever of start was done. No connection is left. */
static void release(struct dm_server *server)
{
    dm_watchdog_stop(server);
    if (server->hears_hub)
        dm_hub_forget(server->options.hub, dm_park_moved, server->park);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    dm_pool_free(server->pool);
    dm_park_free(server->park);
    dm_carriers_free(server);
    dm_monitor_free(server->runtime, server->spare_lock);
    dm_monitor_free(server->runtime, server->lock);
    dm_free(server);
}

enum dm_code dm_server_start(const struct dm_server_options *options, struct dm_server **ret, struct dm_err *err)
{
    struct dm_server *server = dm_alloc_zero(1, sizeof(*server));
    if (!server)
        return dm_fail_memory(err);
    server->options = *options;
    fill_in(&server->options);
    server->runtime = options->runtime;
    server->listen_fd = -1;
    server->checks_layout = MHD_get_version()[0] == '0'; /* 1.0 refuses such requests itself */
    signal(SIGPIPE, SIG_IGN);
    enum dm_code rc = dm_monitor_make(server->runtime, &server->lock, err);
    if (rc == DM_OK)
        rc = dm_monitor_make(server->runtime, &server->spare_lock, err);
    if (rc == DM_OK)
        rc = dm_pool_make(server, &server->pool, err);
    if (rc == DM_OK)
        rc = dm_park_make(server, &server->park, err);
    if (rc == DM_OK && options->hub) {
        rc = dm_hub_listen(options->hub, dm_park_moved, server->park, err);
        server->hears_hub = rc == DM_OK;
    }
    if (rc == DM_OK)
        rc = listen_somewhere(server, err);
    if (rc == DM_OK)
        rc = dm_watchdog_start(server, err);
    if (rc == DM_OK)
        rc = start_daemon(server, err);
    if (rc != DM_OK) {
        release(server);
        return rc;
    }
    char text[DM_ADDRESS_TEXT];
    dm_log(DM_LOG_DEBUG, DM_EV_SERVER_LISTENING, dm_f_str("address", dm_server_address_text(&server->address, text)));
    *ret = server;
    return DM_OK;
}

struct dm_address dm_server_address(const struct dm_server *server)
{
    return server->address;
}

static uint32_t connections_left(struct dm_server *server)
{
    dm_lock(server->runtime, server->lock);
    uint32_t count = server->connection_count;
    dm_unlock(server->runtime, server->lock);
    return count;
}

void dm_server_stop(struct dm_server *server, int64_t deadline_mono_ms)
{
    if (!server)
        return;
    dm_log(DM_LOG_DEBUG, DM_EV_SERVER_DRAINING, dm_f_int("connections", connections_left(server)));
    int64_t quiet_ms = dm_mono_ms(server->runtime) + GRACE_MS;
    dm_api_drain(server->options.api);
    atomic_store(&server->draining, true);
    /* New clients are refused once the socket listens no more; until then they would wait in its backlog for nobody. It is closed
     * only after the library has stopped: its thread may be taking it out of its set just now, and the number must not be
     * another file's by then. */
    MHD_quiesce_daemon(server->daemon);
    shutdown(server->listen_fd, SHUT_RDWR);
    dm_park_close(server->park);
    for (;;) {
        int64_t now_ms = dm_mono_ms(server->runtime);
        if (connections_left(server) == 0 || now_ms >= deadline_mono_ms)
            break;
        if (now_ms >= quiet_ms)
            dm_watchdog_cut(server, false);
        dm_sleep_until(server->runtime, now_ms + DRAIN_LOOK_MS);
    }
    /* The library aborts the process if a connection is still suspended when it stops: what the pool has is finished
     * first (bounded by the handlers), and nothing new is handed to it. */
    uint32_t cut = connections_left(server);
    atomic_store(&server->cutting, true);
    dm_pool_close(server->pool);
    dm_watchdog_cut(server, true);
    MHD_stop_daemon(server->daemon);
    dm_log(DM_LOG_DEBUG, DM_EV_SERVER_STOPPED, dm_f_int("cut", cut));
    release(server);
}
