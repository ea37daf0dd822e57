/* multi.h: thousands of requests at once, over one thread.
 *
 * One libcurl multi handle, one thread, connections kept open and shared, HTTP/2 where the server offers it (ALPN). A request is
 * what net.h says, with the same bounds; forms, sinks and progress are not for here. Waiting for a connection counts among
 * `total_ms` alone, which a request should therefore have. URL, method and headers are copied; the body stays the caller's and
 * must stay valid until `done` has been called. */
#ifndef DM_NET_MULTI_H
#define DM_NET_MULTI_H

#include "net/net.h"
#include "ports/runtime.h"

struct dm_multi;

struct dm_multi_options {
    struct dm_runtime runtime;
    const char *user_agent;        /* copied */
    uint32_t requests_max;         /* under way and waiting for a connection; one more is DM_BUSY. 0: 4096 */
    uint32_t connections_max;      /* 0: 256; HTTP/2 carries many requests on one */
    const char *certificates_file; /* PEM: authorities to trust beside the system's; NULL: none. Copied */
};

/* Starts no thread yet and loads nothing: that comes with the first request. */
DM_MUST_USE enum dm_code dm_multi_make(const struct dm_multi_options *options, struct dm_multi **ret,
                                       struct dm_err *err);
/* Whatever is under way is called back with DM_CANCELLED soon, and later requests are refused with it: a drain whose time is up
 * waits for nobody. Thread-safe. */
void dm_multi_interrupt(struct dm_multi *multi);
/* Whatever is under way is called back with DM_CANCELLED, then the thread ends. No request may be sent from the beginning
 * of this on. Accepts NULL. */
void dm_multi_free(struct dm_multi *multi);

/* Called once, from the client's thread, when dm_multi_send touches neither request nor client any more; quick, never
 * blocking. It may send the next request, but not while the client is being freed (DM_CANCELLED). `answer` is taken over (moved
 * from) or freed by dm_multi itself afterwards; it is empty unless `code`, which is what dm_http_send returns, is DM_OK. */
typedef void dm_multi_done(void *context, enum dm_code code, struct dm_http_answer *answer, const struct dm_err *err);

/* Thread-safe; returns at once. DM_BUSY, DM_INVALID (the URL), DM_UNAVAILABLE (libcurl is not installed). After a failure
 * `done` is not called. */
DM_MUST_USE enum dm_code dm_multi_send(struct dm_multi *multi, const struct dm_http_request *request,
                                       dm_multi_done *done, void *context, struct dm_err *err);

#endif
