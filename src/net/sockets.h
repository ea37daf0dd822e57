/* sockets.h: private to net: the sockets and the timer of a multi handle of libcurl.
 *
 * libcurl says which of its sockets it waits for and when it wants to be called next; here one task waits for all of them and
 * tells libcurl about those that something happened on. A round then costs what happened in it. curl_multi_perform, which needs
 * none of this, looks at every request in every round: with 2,000 of them under way that was most of a processor. */
#ifndef DM_NET_SOCKETS_H
#define DM_NET_SOCKETS_H

#include "net/curl_library.h"
#include "ports/runtime.h"

struct dm_sockets {
    const struct dm_curl_library *lib;
    struct dm_runtime runtime;
    CURLM *handle;
    int set;              /* of epoll; -1: not open */
    int wake;             /* an eventfd in it */
    int64_t next_mono_ms; /* when libcurl wants to be called; DM_FOREVER: only when something happens */
};

/* Does not move afterwards: libcurl knows where it is. DM_IO where the process has no descriptors left. Close what was opened,
 * also after a failure, once the handle is gone. */
DM_MUST_USE enum dm_code dm_sockets_open(const struct dm_curl_library *lib, struct dm_runtime runtime, CURLM *handle,
                                         struct dm_sockets *ret, struct dm_err *err);
void dm_sockets_close(struct dm_sockets *sockets);

/* Waits until something happens, libcurl's time has come, dm_sockets_wake was called, or `until_mono_ms`; lets libcurl work. */
void dm_sockets_work(struct dm_sockets *sockets, int64_t until_mono_ms);
/* Thread-safe: the wait under way, or the next one, ends. */
void dm_sockets_wake(const struct dm_sockets *sockets);

#endif
