/* guard.c: what protects a server without authentication from the browsers on its own machine.
 *
 * Whoever reaches such a server may do everything, and it listens on loopback only. But a page of any site,
 * open in a browser on that machine, can make the browser send requests to loopback as well: by a name of its
 * own that suddenly resolves to 127.0.0.1 (DNS rebinding; the page then even reads the answers), or plainly by a
 * form or script (the answer stays hidden, the upload or deletion would have happened). So:
 *
 *   1. Host must be a loopback address in digits, "localhost" or a name below it, or the host of PUBLIC_URL. A
 *      rebound name always stands in Host, and browsers do not let scripts change it. No Host at all (HTTP/1.0) is
 *      fine: no browser sends that.
 *   2. Origin, where there is one, must be the very host and port that the request went to, or that of PUBLIC_URL.
 *      Browsers send it with every request across sites that is not a plain GET; "null" is foreign, too.
 *   3. Sec-Fetch-Site, where there is one, must be "same-origin" or "none" unless the method is safe: for the
 *      browsers and kinds of request that leave Origin out.
 *
 * Safe methods (GET, HEAD, OPTIONS) change nothing, and without CORS headers another site cannot read their answers. */
#include "answer.h"

/* "http://host:port" without what stands before the host; empty where it is no such origin. */
static struct dm_str origin_host(struct dm_str origin)
{
    size_t at = dm_str_find(origin, DM_STR("://"));
    return at == origin.len ? DM_STR("") : dm_str_from(origin, at + 3);
}

static bool is_own_host(const struct dm_exchange *x, struct dm_str host, struct dm_str name)
{
    return dm_host_is_loopback(name) || (x->api->public_host.len && dm_str_eq_nocase(host, x->api->public_host));
}

static bool is_own_origin(const struct dm_exchange *x, struct dm_str origin)
{
    struct dm_str host = origin_host(origin);
    struct dm_str name, port;
    if (!dm_host_split(host, &name, &port) || !is_own_host(x, host, name))
        return false;
    return dm_str_eq_nocase(host, x->host) || (x->api->public_host.len && dm_str_eq_nocase(host, x->api->public_host));
}

bool dm_guard_refuses(struct dm_exchange *x)
{
    if (!x->api->options.local_only)
        return false;
    if (x->host.len && !is_own_host(x, x->host, x->host_name)) {
        dm_refuse(x, DM_PROBLEM_FOREIGN_SITE,
                  "This server needs no credentials, so it answers only to names that mean this machine: use "
                  "127.0.0.1, [::1] or localhost, or set PUBLIC_URL to the name it is reached by.");
        return true;
    }
    struct dm_str origin = dm_head_get(&x->head, DM_STR("origin"));
    if (origin.len && !is_own_origin(x, origin)) {
        dm_refuse(x, DM_PROBLEM_FOREIGN_SITE,
                  "The request comes from a web page of another origin; without authentication only pages of this "
                  "server itself may send requests.");
        return true;
    }
    struct dm_str site = dm_head_get(&x->head, DM_STR("sec-fetch-site"));
    bool safe = x->method == DM_METHOD_GET || x->method == DM_METHOD_HEAD || x->method == DM_METHOD_OPTIONS;
    if (!safe && site.len && !dm_str_eq(site, DM_STR("same-origin")) && !dm_str_eq(site, DM_STR("none"))) {
        dm_refuse(x, DM_PROBLEM_FOREIGN_SITE,
                  "A browser says that a page of another site sent this; without authentication only pages of this "
                  "server itself may change something.");
        return true;
    }
    return false;
}
