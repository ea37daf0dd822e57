/* api.h: the HTTP interface as plain requests and responses. Nothing of sockets: `server/` and `lambda/`
 * carry bytes in and out, this room decides what they mean.
 *
 * One exchange is one request and its answer. It belongs to one thread at a time:
 *
 *   begin(head)                     judged by its head alone: target, parameters, tenant, size
 *     DM_NEXT_BODY    -> body(bytes)…, then body_end()
 *     DM_NEXT_HANDLE  -> handle()   may block for bounded calls of store, blob and stream
 *     DM_NEXT_HANDLE_INLINE         -> handle(), short enough for an event loop
 *   handle()
 *     DM_NEXT_WAIT    -> park it as `dm_exchange_wait` says, then handle() again
 *     DM_NEXT_RESPOND -> send `dm_exchange_response`
 *   end()                           nothing is left behind, whatever had been done by then
 *
 * An exchange keeps some memory for the next request: use it again. */
#ifndef DM_API_H
#define DM_API_H

#include "pipeline/pipeline.h"

/* ---- the interface as a whole ---------------------------------------------------------------------- */

struct dm_api;

struct dm_api_options {
    const struct dm_pipeline *pipeline; /* outlives the api */
    /* Requests carry no credential: the tenant is the one a request names, and what a web page of another
     * site could make a browser send is refused (guard.c says how). The only mode there is by now. */
    bool local_only;
    struct dm_str public_url; /* what links begin with; empty: scheme and Host of the request */
    uint64_t sync_bytes_max;  /* a file up to this size is waited for; 0: none is */
    int64_t sync_wait_ms;     /* that long */
    uint64_t file_bytes_max;
    bool (*is_secret_name)(struct dm_str name); /* whether tenants may have a secret of it; NULL: of none */
    uint32_t uploads_max;                       /* bodies on their way at once; 0: 256 */
    int64_t health_interval_ms;                 /* how often the backends are asked; 0: only by dm_api_check_health */
    /* Whether settings that lie elsewhere can be read again, for /health: it changes no status, since those at hand are good. Must not
     * wait. NULL: none lie elsewhere. */
    enum dm_code (*parameters_check)(void *context, struct dm_err *err);
    void *parameters_context;
    /* Begins to end the process in good order, and returns at once; NULL: it does not end on request. Who wants to see the
     * end is told the process and when it began (field 22 of /proc/[pid]/stat). */
    void (*drain)(void *context);
    void *drain_context;
    int64_t process_id;
    uint64_t process_began;
    int64_t drain_ms; /* what draining may take */
};

/* Starts one task where health_interval_ms says so. */
DM_MUST_USE enum dm_code dm_api_make(const struct dm_api_options *options, struct dm_api **ret, struct dm_err *err);
/* Accepts NULL. No exchange is left; waits for the task. */
void dm_api_free(struct dm_api *api);
/* From now on: no new upload, waits are answered at once, /health/ready says no. */
void dm_api_drain(struct dm_api *api);
/* Asks each backend once, and keeps the answers for /health. May block for seconds. */
void dm_api_check_health(struct dm_api *api);

/* The body of a 408, for whoever cuts off a client that is too slow; ends with NUL. */
struct dm_str dm_api_slow_problem(void);

/* ---- one request ----------------------------------------------------------------------------------- */

struct dm_header {
    struct dm_str name;
    struct dm_str value;
};

enum { DM_BODY_UNKNOWN = -1 };

/* Texts are borrowed and stay until dm_exchange_end. */
struct dm_head {
    struct dm_str method; /* "GET" */
    struct dm_str target; /* as sent: path and query, still escaped */
    const struct dm_header *headers;
    uint32_t header_count;
    int64_t body_bytes;    /* 0: it has none; DM_BODY_UNKNOWN: of unknown length */
    bool secure;           /* came over TLS */
    const char *malformed; /* set where the framing is not acceptable: a sentence; the answer will be 400 */
};

/* A header of an answer; both end with NUL and are fit to be sent. */
struct dm_field {
    const char *name;
    const char *value;
};

enum { DM_RESPONSE_FIELDS_MAX = 20 };

struct dm_response {
    unsigned status;
    bool close; /* the connection is of no use afterwards */
    uint32_t field_count;
    struct dm_field fields[DM_RESPONSE_FIELDS_MAX];
    struct dm_str body; /* lives until dm_exchange_end */
    /* Or, where fd >= 0, that part of a file. Who sends it takes the descriptor with dm_exchange_take_file
     * and closes it. */
    int fd;
    uint64_t offset;
    uint64_t length;
};

/* What a parked exchange waits for. Call handle() again when the document's version is past `after_version`
 * (with `until_ended`, and its status is an end), when the deadline has passed, or at any other time: a call too
 * many costs a read. */
struct dm_wait {
    struct dm_tenant tenant;
    struct dm_file file;
    uint64_t after_version;
    bool until_ended;
    int64_t deadline_mono_ms;
};

enum dm_next {
    DM_NEXT_BODY,
    DM_NEXT_HANDLE,
    DM_NEXT_HANDLE_INLINE,
    DM_NEXT_WAIT,
    DM_NEXT_RESPOND,
    DM_NEXT_CUT /* far too much body after a refusal: close without an answer */
};

struct dm_exchange;

DM_MUST_USE struct dm_exchange *dm_exchange_make(struct dm_api *api); /* NULL: memory is out */
void dm_exchange_free(struct dm_exchange *exchange);                  /* accepts NULL */

enum dm_next dm_exchange_begin(struct dm_exchange *exchange, const struct dm_head *head);
enum dm_next dm_exchange_body(struct dm_exchange *exchange, struct dm_str bytes);
enum dm_next dm_exchange_body_end(struct dm_exchange *exchange);
enum dm_next dm_exchange_handle(struct dm_exchange *exchange);
/* After DM_NEXT_WAIT; `*ret_inline`: whether the next handle() is short enough for an event loop. */
const struct dm_wait *dm_exchange_wait(const struct dm_exchange *exchange, bool *ret_inline);
/* Answers 503 in place of the next step: whoever should have handled it has no room. */
enum dm_next dm_exchange_refuse_busy(struct dm_exchange *exchange);
const struct dm_response *dm_exchange_response(const struct dm_exchange *exchange);
int dm_exchange_take_file(struct dm_exchange *exchange);
void dm_exchange_end(struct dm_exchange *exchange); /* ready for the next begin */

/* For the log: no secret, nothing of the query. */
struct dm_exchange_facts {
    struct dm_str method;
    struct dm_str route; /* the pattern, like "/jobs/{fileId}"; "-" where there was none */
    struct dm_str request_id;
    struct dm_str trace_id; /* of the caller's traceparent; may be empty */
    struct dm_str tenant;   /* may be empty */
    unsigned status;        /* 0: not answered */
};
struct dm_exchange_facts dm_exchange_facts(const struct dm_exchange *exchange);

#endif
