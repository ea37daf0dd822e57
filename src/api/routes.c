/* routes.c: the table of routes. A literal segment stands before a placeholder in the same place, so the first
 * row that fits is the right one; a test walks the table for rows that could never be reached. */
#include "routes.h"

#include "handlers.h"

enum { JSON_BODY_MAX = 64 * 1024 };

#define BIT(name) DM_PARAM_BIT(name)
#define TENANT BIT(TENANT_ID)
/* What may be said of an upload, in the query beside a raw body or in a form. Those not served yet are known
 * here, so that they are refused and not ignored. */
#define OPTIONS                                                                                                        \
    (TENANT | BIT(METADATA) | BIT(PRIORITY) | BIT(PASSWORD) | BIT(PAGES) | BIT(PROFILE) | BIT(SCHEMA) | BIT(PROMPT) |  \
     BIT(WEBHOOK_URL))

static const struct dm_route routes[] = {
    { .name = "uploadDocument",
      .method = DM_METHOD_POST,
      .path = "/upload",
      .scope = DM_SCOPE_WRITE,
      .traits = DM_TRAIT_OLD_CLIENTS,
      .body = DM_BODY_UPLOAD,
      .query = OPTIONS | BIT(FILE_NAME),
      .fields = OPTIONS | BIT(FILE),
      .handle = dm_on_upload,
      .summary = "Hands in a document. A small one is waited for." },
    { .name = "listDocuments",
      .method = DM_METHOD_GET,
      .path = "/jobs",
      .scope = DM_SCOPE_READ,
      .query = TENANT | BIT(STATUS) | BIT(FROM) | BIT(TO) | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_list,
      .summary = "The tenant's documents, newest first." },
    { .name = "listDocumentsOfTenant",
      .method = DM_METHOD_GET,
      .path = "/jobs/tenant/{tenantId}",
      .scope = DM_SCOPE_READ,
      .traits = DM_TRAIT_OLD_CLIENTS,
      .query = TENANT | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_list_of_tenant,
      .summary = "The tenant's documents as a bare array, newest first." },
    { .name = "getDocument",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}",
      .scope = DM_SCOPE_READ,
      .traits = DM_TRAIT_INLINE | DM_TRAIT_OLD_CLIENTS,
      .query = TENANT | BIT(WAIT),
      .handle = dm_on_job,
      .summary = "State of one document; can wait for a change." },
    { .name = "deleteDocument",
      .method = DM_METHOD_DELETE,
      .path = "/jobs/{fileId}",
      .scope = DM_SCOPE_WRITE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_delete,
      .summary = "Removes the document and all that was made of it." },
    { .name = "getResult",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/results",
      .scope = DM_SCOPE_READ,
      .traits = DM_TRAIT_OLD_CLIENTS,
      .query = TENANT | BIT(PARTIAL),
      .handle = dm_on_results,
      .summary = "The result as JSON, Markdown or JSON lines." },
    { .name = "getResultLink",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/download",
      .scope = DM_SCOPE_READ,
      .traits = DM_TRAIT_OLD_CLIENTS,
      .query = TENANT,
      .handle = dm_on_download,
      .summary = "A signed link to the result, good for an hour at most." },
    { .name = "listPages",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/pages",
      .scope = DM_SCOPE_READ,
      .query = TENANT | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_pages,
      .summary = "How each page ended, or that it has not." },
    { .name = "getPage",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/pages/{page}",
      .scope = DM_SCOPE_READ,
      .query = TENANT,
      .handle = dm_on_page,
      .summary = "One page with its analysis, text and attempts." },
    { .name = "getPageImage",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/pages/{page}/image",
      .scope = DM_SCOPE_READ,
      .query = TENANT | BIT(SIZE),
      .handle = dm_on_page_image,
      .summary = "A picture of the page, PNG or JPEG." },
    { .name = "retryPage",
      .method = DM_METHOD_POST,
      .path = "/jobs/{fileId}/pages/{page}/retry",
      .scope = DM_SCOPE_WRITE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_page_retry,
      .summary = "Reads one page again." },
    { .name = "listEvents",
      .method = DM_METHOD_GET,
      .path = "/jobs/{fileId}/events",
      .scope = DM_SCOPE_READ,
      .query = TENANT | BIT(AFTER) | BIT(LIMIT),
      .handle = dm_on_events,
      .summary = "The document's events as an array, oldest first." },
    { .name = "cancelDocument",
      .method = DM_METHOD_POST,
      .path = "/jobs/{fileId}/cancel",
      .scope = DM_SCOPE_WRITE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_cancel,
      .summary = "Stops the document; no model is called for it any more." },
    { .name = "retryDocument",
      .method = DM_METHOD_POST,
      .path = "/jobs/{fileId}/retry",
      .scope = DM_SCOPE_WRITE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT | BIT(PAGES),
      .handle = dm_on_retry,
      .summary = "Reads the failed pages again, or those named." },
    { .name = "getBlob",
      .method = DM_METHOD_GET,
      .path = "/blobs/{token}",
      .scope = DM_SCOPE_ANYBODY,
      .handle = dm_on_blob,
      .summary = "Where signed links point; takes ranges." },
    { .name = "listStuck",
      .method = DM_METHOD_GET,
      .path = "/admin/stuck",
      .scope = DM_SCOPE_OPERATE,
      .query = TENANT | BIT(OLDER_THAN) | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_stuck,
      .summary = "Documents that do not get on, what each waits for, and what is paused." },
    { .name = "redrive",
      .method = DM_METHOD_POST,
      .path = "/admin/redrive",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT | BIT(FILE_IDS) | BIT(ALL_STUCK) | BIT(OLDER_THAN) | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_redrive,
      .summary = "Puts documents back that do not get on." },
    { .name = "pause",
      .method = DM_METHOD_POST,
      .path = "/admin/pause",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_pause,
      .summary = "Claims no more work, of one tenant or of all." },
    { .name = "resume",
      .method = DM_METHOD_POST,
      .path = "/admin/resume",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_resume,
      .summary = "Ends a tenant's pause, or all of them." },
    { .name = "listSecrets",
      .method = DM_METHOD_GET,
      .path = "/admin/secrets",
      .scope = DM_SCOPE_OPERATE,
      .query = TENANT | BIT(LIMIT) | BIT(CURSOR),
      .handle = dm_on_secrets,
      .summary = "Which keys of the model's provider tenants have of their own, and whose are refused; never a key." },
    { .name = "setSecret",
      .method = DM_METHOD_POST,
      .path = "/admin/secrets",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT | BIT(NAME) | BIT(VALUE),
      .handle = dm_on_secret_set,
      .summary = "Seals and keeps a key of a tenant's own." },
    { .name = "removeSecret",
      .method = DM_METHOD_POST,
      .path = "/admin/secrets/remove",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT | BIT(NAME),
      .handle = dm_on_secret_remove,
      .summary = "Removes a key of a tenant's own; the common one is used from then on." },
    { .name = "drain",
      .method = DM_METHOD_POST,
      .path = "/admin/drain",
      .scope = DM_SCOPE_OPERATE,
      .body = DM_BODY_JSON,
      .body_max = JSON_BODY_MAX,
      .query = TENANT,
      .fields = TENANT,
      .handle = dm_on_drain,
      .summary = "Finishes what is at work and ends the server, as SIGTERM does." },
    { .name = "getHealth",
      .method = DM_METHOD_GET,
      .path = "/health",
      .scope = DM_SCOPE_ANYBODY,
      .traits = DM_TRAIT_INLINE | DM_TRAIT_AT_ROOT,
      .handle = dm_on_health,
      .summary = "Whether the server works, backend by backend." },
    { .name = "getHealthLive",
      .method = DM_METHOD_GET,
      .path = "/health/live",
      .scope = DM_SCOPE_ANYBODY,
      .traits = DM_TRAIT_INLINE | DM_TRAIT_AT_ROOT,
      .handle = dm_on_live,
      .summary = "Whether the process answers at all." },
    { .name = "getHealthReady",
      .method = DM_METHOD_GET,
      .path = "/health/ready",
      .scope = DM_SCOPE_ANYBODY,
      .traits = DM_TRAIT_INLINE | DM_TRAIT_AT_ROOT,
      .handle = dm_on_health,
      .summary = "Whether requests should be sent here; says which backend fails." },
};

#undef BIT
#undef TENANT
#undef OPTIONS

const struct dm_route *dm_routes(size_t *ret_count)
{
    *ret_count = DM_COUNT(routes);
    return routes;
}

/* ---- matching ---------------------------------------------------------------------------------------- */

/* Takes "/segment" off the pattern; false at its end. */
static bool next_segment(const char **pattern, struct dm_str *ret)
{
    if (**pattern != '/')
        return false;
    const char *start = *pattern + 1;
    const char *end = start;
    while (*end && *end != '/')
        end++;
    *ret = dm_str_of(start, (size_t)(end - start));
    *pattern = end;
    return true;
}

static bool fits(const struct dm_route *route, const struct dm_path *path)
{
    const char *pattern = route->path;
    struct dm_str wanted;
    for (uint32_t i = 0; i < path->count; i++) {
        if (!next_segment(&pattern, &wanted))
            return false;
        if (wanted.at[0] != '{' && !dm_str_eq(wanted, path->segments[i]))
            return false;
        /* An empty segment stands for nothing. */
        if (wanted.at[0] == '{' && path->segments[i].len == 0)
            return false;
    }
    return *pattern == '\0' && (!path->at_root || (route->traits & DM_TRAIT_AT_ROOT));
}

const struct dm_route *dm_route_find(const struct dm_path *path, enum dm_method method, unsigned *ret_methods)
{
    enum dm_method wanted = method == DM_METHOD_HEAD ? DM_METHOD_GET : method;
    const struct dm_route *first = NULL;
    *ret_methods = 0;
    for (size_t i = 0; i < DM_COUNT(routes); i++) {
        const struct dm_route *route = &routes[i];
        if (!fits(route, path))
            continue;
        /* "/jobs/tenant" is no document: what a literal row has, a row with a placeholder does not get. */
        if (first && first->path != route->path && !dm_str_eq(dm_str_z(first->path), dm_str_z(route->path)))
            continue;
        first = first ? first : route;
        *ret_methods |= 1U << route->method;
        if (route->method == wanted)
            return route;
    }
    return NULL;
}

bool dm_route_segment(const struct dm_route *route, const struct dm_path *path, struct dm_str name, struct dm_str *ret)
{
    const char *pattern = route->path;
    struct dm_str wanted;
    for (uint32_t i = 0; next_segment(&pattern, &wanted); i++) {
        if (wanted.at[0] != '{' || !dm_str_eq(wanted, name))
            continue;
        *ret = path->segments[i];
        return true;
    }
    return false;
}

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

enum dm_method dm_method_parse(struct dm_str text)
{
    for (size_t i = 0; i < DM_COUNT(methods); i++)
        if (dm_str_eq(text, dm_str_z(methods[i])))
            return (enum dm_method)i;
    return DM_METHOD_OTHER;
}

const char *dm_method_text(enum dm_method method)
{
    return method < DM_COUNT(methods) ? methods[method] : "OTHER";
}
