/* transfer.h: private to net: one request over one handle of libcurl, whoever drives the handle (dm_http_client or dm_multi).
 *
 * libcurl calls back while a request runs; a transfer is what those callbacks know. The first of them that has to stop the
 * request leaves its reason there, because libcurl would only report "a callback said no". The handle outlives the
 * transfer: after its end it is as good as new. */
#ifndef DM_NET_TRANSFER_H
#define DM_NET_TRANSFER_H

#include "net/curl_library.h"
#include "net/net.h"

struct dm_transfer {
    const struct dm_curl_library *lib;
    CURL *curl;
    struct dm_http_request request; /* a copy; what it points to is the caller's */
    struct dm_http_answer answer;
    struct curl_slist *headers;
    curl_mime *mime;
    int64_t file_at;
    enum dm_code stopped; /* why a callback, or who drives it, ended the request */
    struct dm_err why;
    char detail[CURL_ERROR_SIZE];
};

/* Makes a handle. A transfer does not move once it has begun: libcurl knows where it is. */
DM_MUST_USE enum dm_code dm_transfer_make(const struct dm_curl_library *lib, struct dm_transfer *ret,
                                          struct dm_err *err);
void dm_transfer_free(struct dm_transfer *transfer);

/* Sets all options that do not depend on who drives the handle. The URL, method and headers are copied, body and form are not.
 * After a failure there is nothing to end. */
DM_MUST_USE enum dm_code dm_transfer_begin(struct dm_transfer *transfer, const struct dm_http_request *request,
                                           const char *user_agent, struct dm_err *err);
/* It is to end with this code; the first to say so wins. */
void dm_transfer_stop(struct dm_transfer *transfer, enum dm_code code, const char *sentence);
/* What became of it, by libcurl's `code`, as dm_http_send says it; the handle belongs to no multi handle any more. */
DM_MUST_USE enum dm_code dm_transfer_end(struct dm_transfer *transfer, CURLcode code, struct dm_http_answer *ret,
                                         struct dm_err *err);

#endif
