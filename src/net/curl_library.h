/* curl_library.h: private to net: libcurl's functions, looked up when they are first wanted. See net.h for why. */
#ifndef DM_NET_CURL_LIBRARY_H
#define DM_NET_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/err.h"

#define DM_CURL_FUNCTIONS(X) /* result, name, arguments */                                                             \
    X(CURLcode, global_init, (long flags))                                                                             \
    X(CURL *, easy_init, (void))                                                                                       \
    X(void, easy_cleanup, (CURL * curl))                                                                               \
    X(void, easy_reset, (CURL * curl))                                                                                 \
    X(CURLcode, easy_setopt, (CURL * curl, CURLoption option, ...))                                                    \
    X(CURLcode, easy_perform, (CURL * curl))                                                                           \
    X(CURLcode, easy_getinfo, (CURL * curl, CURLINFO info, ...))                                                       \
    X(const char *, easy_strerror, (CURLcode code))                                                                    \
    X(struct curl_slist *, slist_append, (struct curl_slist * list, const char *text))                                 \
    X(void, slist_free_all, (struct curl_slist * list))                                                                \
    X(curl_mime *, mime_init, (CURL * curl))                                                                           \
    X(void, mime_free, (curl_mime * mime))                                                                             \
    X(curl_mimepart *, mime_addpart, (curl_mime * mime))                                                               \
    X(CURLcode, mime_name, (curl_mimepart * part, const char *name))                                                   \
    X(CURLcode, mime_data, (curl_mimepart * part, const char *data, size_t size))                                      \
    X(CURLcode, mime_filename, (curl_mimepart * part, const char *name))                                               \
    X(CURLcode, mime_type, (curl_mimepart * part, const char *type))                                                   \
    X(CURLcode, mime_data_cb,                                                                                          \
      (curl_mimepart * part, curl_off_t size, curl_read_callback read, curl_seek_callback seek,                        \
       curl_free_callback release, void *context))                                                                     \
    X(CURLM *, multi_init, (void))                                                                                     \
    X(CURLMcode, multi_cleanup, (CURLM * multi))                                                                       \
    X(CURLMcode, multi_setopt, (CURLM * multi, CURLMoption option, ...))                                               \
    X(CURLMcode, multi_add_handle, (CURLM * multi, CURL * curl))                                                       \
    X(CURLMcode, multi_remove_handle, (CURLM * multi, CURL * curl))                                                    \
    X(CURLMcode, multi_socket_action, (CURLM * multi, curl_socket_t socket, int what, int *running))                   \
    X(CURLMsg *, multi_info_read, (CURLM * multi, int *left))

/* libcurl's own macros check the arguments of curl_easy_setopt by its name; through a pointer nobody does. So numbers are passed
 * as long or curl_off_t by hand. */
#define DM_CURL_POINTER(result, name, arguments) result(*name) arguments;
struct dm_curl_library {
    DM_CURL_FUNCTIONS(DM_CURL_POINTER)
};
#undef DM_CURL_POINTER

/* Loads libcurl on the first call. Thread-safe. */
DM_MUST_USE enum dm_code dm_curl_library(const struct dm_curl_library **ret, struct dm_err *err);

#endif
