/* server.h: sockets in: carries requests from HTTP/1.1 connections to `api` and answers back. No decisions.
 *
 * A few event loops own the connections. Bodies go to the api as they arrive; handlers that are short run on the
 * loop, others in a pool that grows on demand; what waits for a document is parked without a thread until the hub
 * tells of a change or its deadline comes. Slow and silent clients are cut off by a watchdog, and everything has a
 * limit. */
#ifndef DM_SERVER_H
#define DM_SERVER_H

#include <sys/socket.h>

#include "api/api.h"
#include "base/log.h"

/* ---- where to listen ----------------------------------------------------------------------------------- */

struct dm_address {
    struct sockaddr_storage storage;
    socklen_t size; /* 0: none */
};

/* "127.0.0.1:3005", "[::1]:3005", "localhost:3005", ":3005" (every interface); port 0 takes any free one. A name is
 * resolved here, once. DM_INVALID says what it should look like. */
DM_MUST_USE enum dm_code dm_server_address_parse(struct dm_str text, struct dm_address *ret, struct dm_err *err);
/* Whether only this machine can reach it: 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, compared as numbers. */
bool dm_server_address_is_loopback(const struct dm_address *address);

enum { DM_ADDRESS_TEXT = 64 };
/* As dm_server_address_parse reads it. */
struct dm_str dm_server_address_text(const struct dm_address *address, char text[DM_ADDRESS_TEXT]);

/* ---- the server ------------------------------------------------------------------------------------------ */

struct dm_server;

/* 0 anywhere stands for the value in brackets. */
struct dm_server_options {
    struct dm_api *api;
    struct dm_hub *hub; /* NULL: parked requests are only looked at every recheck_ms */
    struct dm_runtime runtime;
    struct dm_address address;
    int listen_fd;                    /* an inherited socket, already listening, in place of the address; the server
                                 * closes it. -1: none */
    uint32_t loops;                   /* [1] event loops */
    uint32_t handlers_max;            /* [64] handlers off the loops at once */
    uint32_t handlers_queue;          /* [1024] requests that wait for one; past it 503 */
    uint32_t connections_max;         /* [8192] and no more than descriptors allow */
    uint32_t connections_per_address; /* [three quarters of those; on loopback no limit of its own] */
    uint32_t connection_bytes;        /* [32 KB] memory of each for head and pieces of body */
    int64_t idle_ms;                  /* [75 s] between requests, longer than a load balancer's 60 s */
    int64_t head_ms;                  /* [15 s] for a request's head */
    int64_t window_ms;                /* [10 s] in each of which a body or an answer must move on by so much: */
    uint32_t rate_min;                /* [256] bytes a second */
    int64_t recheck_ms;               /* [5 s] how often a parked request is looked at without a cause */
    enum dm_log_level access_level;   /* [debug] of the line that each request leaves in the log */
};

/* The listening socket is bound when this answers DM_OK. SIGPIPE is ignored from then on, in the whole process. */
DM_MUST_USE enum dm_code dm_server_start(const struct dm_server_options *options, struct dm_server **ret,
                                         struct dm_err *err);
/* Where it listens, with the port that port 0 became. */
struct dm_address dm_server_address(const struct dm_server *server);
/* Drains the api, accepts no more, finishes the requests at work until the deadline, answers with `Connection:
 * close`, closes the idle ones; then cuts what is left and frees the server. Accepts NULL. */
void dm_server_stop(struct dm_server *server, int64_t deadline_mono_ms);

#endif
