/* connection.h: private to server: a connection, the server, and who calls whom.
 *
 *   loop thread   HTTP library: on_connection, on_uri, on_request, on_completed (connection.c); handlers that are short
 *   pool task     handlers that may block (pool.c)
 *   watchdog      deadlines of everything, slow clients, parked requests (watchdog.c, park.c)
 *   hub's caller  wakes parked requests (park.c)
 *
 * While a connection is suspended the library does not touch it, and it belongs to whoever holds it: a pool task or
 * the list of parked ones. Handing over to the loop is `busy = false` and then MHD_resume_connection, after which
 * nothing of it may be touched. */
#ifndef DM_SERVER_CONNECTION_H
#define DM_SERVER_CONNECTION_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server.h"

enum dm_phase {
    DM_PHASE_NEW,  /* accepted, nothing of a request seen */
    DM_PHASE_IDLE, /* between requests */
    DM_PHASE_HEAD, /* the request line is there, the head is not complete */
    DM_PHASE_BODY,
    DM_PHASE_HANDLING, /* handler, queue or parked: bounded by us, not by the client */
    DM_PHASE_WRITING
};

/* What a request needs and an idle connection does not: handed from one to the next. */
struct dm_carrier {
    struct dm_exchange *exchange;
    struct dm_buf target;
    struct dm_header *headers;
    uint32_t header_room;
    struct dm_carrier *next;
};

struct dm_connection {
    struct dm_server *server;
    struct MHD_Connection *mhd;
    int fd;
    struct dm_connection *previous, *next; /* in server->connections, under its lock */

    /* For the watchdog; written by whoever owns the connection. */
    _Atomic enum dm_phase phase;
    _Atomic int64_t since_ms;  /* monotonic: the phase began */
    _Atomic uint64_t received; /* bytes of the body */
    /* The watchdog's own: the window in which a body or an answer must move on. */
    int64_t watched_ms; /* since_ms of the phase that the window belongs to */
    int64_t window_ms;
    uint64_t window_bytes;
    uint32_t gone_ticks; /* so often in a row the client was seen to have closed */

    struct dm_carrier *carrier; /* of the present request, from its request line on; NULL: none */
    bool begun;                 /* the exchange */
    enum dm_next step;
    _Atomic bool busy; /* suspended: a call of the handler meanwhile is to do nothing */
    int64_t began_ms;
    uint64_t moves; /* of the park, read before the handler ran */

    struct dm_connection *queued; /* next in the pool's queue */
    struct dm_wait wait;          /* while parked */
    bool wait_inline;
    int64_t recheck_ms;
    struct dm_connection *parked_previous, *parked_next;
};

struct dm_pool;
struct dm_park;

struct dm_server {
    struct dm_server_options options;
    struct dm_runtime runtime;
    struct MHD_Daemon *daemon;
    int listen_fd; /* ours to close once no more connections are taken; -1 */
    struct dm_address address;
    struct dm_pool *pool;
    struct dm_park *park;
    _Atomic bool draining;
    _Atomic bool cutting; /* the drain is over: answer nothing more */
    bool hears_hub;
    bool checks_layout; /* the library is one whose headers lie as they came (framing.c) */

    struct dm_monitor *lock; /* guards all below */
    struct dm_connection *connections;
    uint32_t connection_count;
    struct dm_task *watchdog;
    bool watchdog_stops;

    struct dm_monitor *spare_lock; /* guards the two below */
    struct dm_carrier *spare;
    uint32_t spare_count;
};

/* carrier.c */
struct dm_carrier *dm_carrier_take(struct dm_server *server);               /* NULL: memory is out */
void dm_carrier_give(struct dm_server *server, struct dm_carrier *carrier); /* accepts NULL; its exchange has ended */
void dm_carriers_free(struct dm_server *server);

/* connection.c */
void dm_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                      enum MHD_ConnectionNotificationCode code);
void *dm_on_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result dm_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_size, void **context);
void dm_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);
/* A pool task's work on a suspended connection. */
void dm_connection_handle(struct dm_connection *connection);
/* Hands a suspended connection back to its loop, which goes on with `step`. */
void dm_connection_resume(struct dm_connection *connection, enum dm_next step);
void dm_connection_phase(struct dm_connection *connection, enum dm_phase phase);
/* The same at a time read before. */
void dm_connection_phase_at(struct dm_connection *connection, enum dm_phase phase, int64_t now_ms);

/* reply.c: queues the exchange's response. */
enum MHD_Result dm_reply(struct dm_connection *connection);

/* framing.c: what must not be taken for a request, because a proxy in front might read it differently. NULL: fine;
 * else a sentence. `layout` says where the head lies in the library's buffer; NULL: not looked at. */
struct dm_layout {
    const char *method;
    const char *url; /* may be NULL */
    const char *version;
    size_t head_size; /* of the whole head; 0: not known */
};
const char *dm_framing_fault(const struct dm_head *head, struct dm_str version, const struct dm_layout *layout);
/* Of a head without fault: bytes of the body that follows, or DM_BODY_UNKNOWN. */
int64_t dm_framing_body(const struct dm_head *head);

/* pool.c: tasks that run handlers; started on demand, leave when there is nothing to do for a while. */
DM_MUST_USE enum dm_code dm_pool_make(struct dm_server *server, struct dm_pool **ret, struct dm_err *err);
/* Takes a place in the queue, to be used by dm_pool_submit; false: it is full. */
bool dm_pool_reserve(struct dm_pool *pool);
void dm_pool_submit(struct dm_pool *pool, struct dm_connection *connection);
/* Finishes what is queued, ends the tasks. What was reserved before and comes later is handled by who submits it. */
void dm_pool_close(struct dm_pool *pool);
void dm_pool_free(struct dm_pool *pool); /* accepts NULL; nobody submits any more */

/* park.c: requests that wait for a document. */
DM_MUST_USE enum dm_code dm_park_make(struct dm_server *server, struct dm_park **ret, struct dm_err *err);
void dm_park_free(struct dm_park *park); /* accepts NULL; empty */
/* How many changes it has heard of; read it before the handler reads the document. */
uint64_t dm_park_moves(struct dm_park *park);
/* Parks a suspended connection; false: the document moved since `moves`, or nothing is parked any more. */
bool dm_park_add(struct dm_park *park, struct dm_connection *connection, uint64_t moves);
/* Wakes those whose deadline has passed or that should be looked at again. */
void dm_park_tick(struct dm_park *park, int64_t now_ms);
/* Wakes all, and parks no more. */
void dm_park_close(struct dm_park *park);
void dm_park_moved(void *context, const struct dm_tenant *tenant, const struct dm_file *file,
                   const struct dm_state *state);

/* watchdog.c */
DM_MUST_USE enum dm_code dm_watchdog_start(struct dm_server *server, struct dm_err *err);
void dm_watchdog_stop(struct dm_server *server);
/* Shuts down the connections that are in no request, or all of them. */
void dm_watchdog_cut(struct dm_server *server, bool all);

/* address.c: a socket that listens there; *ret_bound has the port. */
DM_MUST_USE enum dm_code dm_address_listen(const struct dm_address *address, int *ret_fd, struct dm_err *err);
DM_MUST_USE enum dm_code dm_address_of_socket(int fd, struct dm_address *ret, struct dm_err *err);

#endif
