/* routes.h: private to api: the routes, one row each. Matching, methods, parameters, limits and the OpenAPI
 * document come from these rows; a handler never looks at a path. */
#ifndef DM_API_ROUTES_H
#define DM_API_ROUTES_H

#include "api.h"
#include "params.h"

enum dm_method {
    DM_METHOD_GET,
    DM_METHOD_HEAD,
    DM_METHOD_POST,
    DM_METHOD_PUT,
    DM_METHOD_PATCH,
    DM_METHOD_DELETE,
    DM_METHOD_OPTIONS,
    DM_METHOD_OTHER
};

/* What a credential must allow. Until there are credentials everybody on this machine may everything. */
enum dm_scope {
    DM_SCOPE_ANYBODY,
    DM_SCOPE_READ,
    DM_SCOPE_WRITE,
    DM_SCOPE_OPERATE /* the operator's, across tenants */
};

enum dm_body_kind {
    DM_BODY_NONE,  /* a body is refused */
    DM_BODY_JSON,  /* a JSON object with `fields`, or nothing */
    DM_BODY_UPLOAD /* a form with `fields`, or the document itself with its options in the query */
};

enum dm_trait {
    DM_TRAIT_INLINE = 1, /* its handler is quick enough for an event loop: two indexed reads at most */
    DM_TRAIT_OLD_CLIENTS =
        2,               /* clients of an earlier system call it: what it does not know is ignored with a Warning */
    DM_TRAIT_AT_ROOT = 4 /* served without /api, too */
};

struct dm_route {
    const char *name; /* the OpenAPI operationId */
    enum dm_method method;
    const char *path; /* below /api; {fileId}, {tenantId}, {page} and {token} stand for one segment */
    enum dm_scope scope;
    unsigned traits;
    enum dm_body_kind body;
    uint32_t body_max; /* bytes; of DM_BODY_UPLOAD it is a setting */
    uint32_t query;    /* bits of enum dm_param */
    uint32_t fields;   /* likewise, of the body */
    enum dm_next (*handle)(struct dm_exchange *exchange);
    const char *summary;
};

const struct dm_route *dm_routes(size_t *ret_count);

enum { DM_SEGMENTS_MAX = 8 };

struct dm_path {
    struct dm_str segments[DM_SEGMENTS_MAX]; /* decoded, without the base path */
    uint32_t count;
    bool at_root; /* there was no /api */
};

/* The first row that has the path and the method (HEAD counts as GET); NULL: none. `*ret_methods`: bits of the
 * methods that rows with this path have, 0 where there is no such path. */
const struct dm_route *dm_route_find(const struct dm_path *path, enum dm_method method, unsigned *ret_methods);
/* The segment that stands for `name`, like "{fileId}"; false where the route has none. */
bool dm_route_segment(const struct dm_route *route, const struct dm_path *path, struct dm_str name, struct dm_str *ret);

enum dm_method dm_method_parse(struct dm_str text);
const char *dm_method_text(enum dm_method method);

#endif
