/* exchange.h: private to api: one request on its way, and the interface as a whole. */
#ifndef DM_API_EXCHANGE_H
#define DM_API_EXCHANGE_H

#include <stdatomic.h>

#include "api.h"
#include "fields.h"
#include "params.h"
#include "problem.h"
#include "routes.h"

enum {
    DM_REQUEST_BYTES_MAX = 8 * 1024 * 1024, /* memory that one request may take beside its answer */
    DM_ANSWER_BYTES_MAX = 64 * 1024 * 1024, /* a page's line twice over, escaped at worst */
    DM_TARGET_MAX = 8000,                   /* bytes of path and query; RFC 9110 asks for 8,000 */
    DM_HEAD_MAX = 16 * 1024,                /* bytes of all header fields */
    DM_HEADERS_MAX = 100,
    DM_QUERY_MAX = 100, /* parameters */
    DM_WRONG_MAX = 16,  /* wrong fields told in one answer */
    DM_LINK_BYTES_MAX = 512,
    DM_UNKNOWN_MAX = 400,            /* bytes of ignored parameters' names */
    DM_FORM_OVERHEAD = 1024 * 1024,  /* what a form may be longer than its file */
    DM_SWALLOW_MAX = 4 * 1024 * 1024 /* read on this far past a limit, so that the answer is seen */
};

struct dm_health;

struct dm_api {
    struct dm_api_options options;
    const struct dm_pipeline *pipeline;
    char *public_url; /* without a slash at its end; "" where there is none */
    struct dm_str public_host;
    _Atomic bool draining;
    _Atomic uint32_t uploads;
    _Atomic bool pausing; /* as last seen, something is paused: only then it is asked for what */
    struct dm_health *health;
};

struct dm_wrong {
    struct dm_str field;
    struct dm_str detail;
};

struct dm_upload;

struct dm_exchange {
    struct dm_api *api;
    struct dm_arena arena;   /* lives as long as the request */
    struct dm_arena scratch; /* lives as long as one call of the handler: a parked request may make many */
    struct dm_buf out;
    struct dm_response response;
    struct dm_buf link_covered; /* the signed link made last (links.c), kept from request to request */
    struct dm_buf link_token;
    int64_t link_expires_ms;
    const char *cache_control; /* of the response; NULL: no-store */

    struct dm_head head;
    struct dm_str path; /* as sent, without the query */
    struct dm_str query;
    struct dm_str host;      /* empty: it named none */
    struct dm_str host_name; /* of it, without the port */
    struct dm_path segments;
    const struct dm_route *route;
    struct dm_param_value params[DM_PARAM_COUNT];
    struct dm_wrong wrong[DM_WRONG_MAX];
    struct dm_buf unknown;    /* names ignored, for the Warning */
    struct dm_buf body;       /* of DM_BODY_JSON */
    struct dm_upload *upload; /* of DM_BODY_UPLOAD */
    uint64_t received;        /* bytes of body */
    int64_t wall_ms;          /* now, as this request or this call of its handler sees it */
    uint64_t wait_version;    /* of the document when the wait began */
    struct dm_wait wait;

    enum dm_method method;
    uint32_t from_query; /* bits of the parameters that came in the query */
    uint32_t wrong_count;
    uint32_t page; /* of routes with {page} */

    unsigned char seed[DM_ID_RANDOM]; /* request ids count on from here */
    char request_id[129];
    char trace[DM_TRACE_TEXT]; /* empty: the request had none */
    char etag[64];
    struct dm_tenant tenant;
    struct dm_file file; /* of routes with {fileId} */
    bool owner_sought;   /* the document's own tenant was looked for (see exchange.c) */
    bool refused;        /* the answer is decided; the rest of the body is only read */
    bool waited;
    bool next_inline;
};

static inline struct dm_runtime dm_runtime_of(const struct dm_exchange *x)
{
    return x->api->pipeline->ports.runtime;
}

/* The first header of that name, or the empty slice. */
struct dm_str dm_head_get(const struct dm_head *head, struct dm_str name);
/* All headers of that name as one list. */
struct dm_str dm_head_list(struct dm_exchange *x, struct dm_str name);

/* Where a parameter stands. */
enum dm_place { DM_FROM_QUERY, DM_FROM_FORM, DM_FROM_JSON, DM_FROM_HEADER, DM_FROM_PATH };

/* Notes a wrong field; all are told in one answer. `field` is cut and copied. */
void dm_wrong(struct dm_exchange *x, struct dm_str field, const char *format, ...) DM_PRINTF(3, 4);
void dm_params_set(struct dm_exchange *x, enum dm_param param, struct dm_str text, enum dm_place source);
/* A name that the route does not have: refused, or ignored with a Warning where old clients call it. */
void dm_params_unknown(struct dm_exchange *x, struct dm_str name, uint32_t allowed, enum dm_place source);
/* False: the query is malformed, and the problem is answered already. */
bool dm_params_query(struct dm_exchange *x);
/* The finished JSON body; likewise. */
bool dm_params_json(struct dm_exchange *x);
/* The number given, or the table's default. */
int64_t dm_params_number(const struct dm_exchange *x, enum dm_param param);

/* Whether a browser on this machine may have been made to send this by a foreign page; the problem is answered then. */
bool dm_guard_refuses(struct dm_exchange *x);

/* upload.c: the body of an upload on its way. `admit` answers the problem itself and returns false. */
bool dm_upload_admit(struct dm_exchange *x);
void dm_upload_body(struct dm_exchange *x, struct dm_str bytes);
/* False: refused, answered. */
bool dm_upload_end(struct dm_exchange *x);
void dm_upload_free(struct dm_exchange *x); /* abandons what was not accepted */

enum dm_code dm_health_make(struct dm_api *api, struct dm_health **ret, struct dm_err *err);
void dm_health_free(struct dm_health *health);
void dm_health_check(struct dm_health *health);
/* Reads again what is paused. */
void dm_health_read_pauses(struct dm_health *health);
/* Whether the tenant's work is paused, as far as is known; costs nothing as long as nothing is paused. */
bool dm_is_paused(const struct dm_exchange *x, const struct dm_tenant *tenant);

#endif
