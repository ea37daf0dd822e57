/* exchange.h: private to net: one request over one handle of libcurl, whoever drives the handle (dm_http_client or dm_multi).
 *
 * libcurl calls back while a request runs; an exchange is what those callbacks know. The first of them that has to stop the
 * request leaves its reason there, because libcurl would only report "a callback said no". The handle outlives the
 * exchange: after its end it is as good as new. */
#ifndef DM_NET_EXCHANGE_H
#define DM_NET_EXCHANGE_H

#include "net/curl_library.h"
#include "net/net.h"

struct dm_exchange {
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

/* Makes a handle. An exchange does not move once it has begun: libcurl knows where it is. */
DM_MUST_USE enum dm_code dm_exchange_make(const struct dm_curl_library *lib, struct dm_exchange *ret,
                                          struct dm_err *err);
void dm_exchange_free(struct dm_exchange *exchange);

/* Sets all options that do not depend on who drives the handle. The URL, method and headers are copied, body and form are not.
 * After a failure there is nothing to end. */
DM_MUST_USE enum dm_code dm_exchange_begin(struct dm_exchange *exchange, const struct dm_http_request *request,
                                           const char *user_agent, struct dm_err *err);
/* It is to end with this code; the first to say so wins. */
void dm_exchange_stop(struct dm_exchange *exchange, enum dm_code code, const char *sentence);
/* What became of it, by libcurl's `code`, as dm_http_send says it; the handle belongs to no multi handle any more. */
DM_MUST_USE enum dm_code dm_exchange_end(struct dm_exchange *exchange, CURLcode code, struct dm_http_answer *ret,
                                         struct dm_err *err);

#endif
