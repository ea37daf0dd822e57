/* net.h: the door of net: requests to other servers, bounded in every direction.
 *
 * A client is one handle that keeps its connections open between requests. It blocks, belongs to one thread at a time, and
 * speaks http and https only. What an answer may weigh, how long connecting may take, how long a request may last and how long
 * it may stand still are all said by the caller. It follows no redirect (a 3xx is an answer like any other), takes no proxy from
 * the environment, keeps no cookies, and verifies certificates.
 *
 * libcurl is loaded when the first client is made, not when docmill starts: it brings twenty libraries of its own, which
 * would cost an idle server 3 MB of memory and every start 3 ms (measured). */
#ifndef DM_NET_H
#define DM_NET_H

#include "base/buf.h"

struct dm_http_client;

/* `user_agent` is copied. DM_UNAVAILABLE where libcurl is not installed. */
DM_MUST_USE enum dm_code dm_http_client_make(const char *user_agent, struct dm_http_client **ret, struct dm_err *err);
void dm_http_client_free(struct dm_http_client *client); /* accepts NULL */

struct dm_http_pair {
    struct dm_str name;
    struct dm_str value;
};

/* multipart/form-data: the fields in their order, then one file part called "file", read from the descriptor while it is sent. */
struct dm_http_form {
    const struct dm_http_pair *fields;
    uint32_t field_count;
    struct dm_str file_name;
    struct dm_str file_type; /* empty: application/octet-stream */
    int file_fd;             /* a file is read from its start; stays the caller's */
    int64_t file_bytes;      /* -1: not known (a pipe); it is then read from where it stands and sent in chunks */
};

/* Called often while bytes move and about once a second while none do; false stops the request with DM_CANCELLED. */
typedef bool dm_http_progress(void *context, uint64_t sent, uint64_t to_send, uint64_t received);
/* Takes the body of a 2xx answer piece by piece; what it returns ends the request unless it is DM_OK. */
typedef enum dm_code dm_http_sink(void *context, struct dm_str bytes, struct dm_err *err);

struct dm_http_request {
    const char *method; /* NULL: GET, or POST where there is a form */
    struct dm_str url;
    const struct dm_http_pair *headers;
    uint32_t header_count;
    struct dm_str body; /* sent with the Content-Type among `headers`; not together with `form` */
    const struct dm_http_form *form;
    int64_t connect_ms; /* 0: 5 s */
    int64_t total_ms;   /* the whole request; 0: as long as bytes move */
    int64_t stall_ms;   /* without a byte in either direction, rounded up to seconds; 0: 60 s */
    size_t answer_max;  /* bytes of a body that is kept in memory; 0: 1 MiB */
    dm_http_sink *sink; /* NULL: the body is kept in the answer */
    void *sink_context;
    dm_http_progress *progress;
    void *progress_context;
};

struct dm_http_answer {
    uint32_t status;
    struct dm_buf headers; /* lines as they came; use dm_http_answer_header */
    struct dm_buf body;    /* not what went into a sink */
};

void dm_http_answer_free(struct dm_http_answer *answer); /* leaves it empty */
/* The header's value, without regard to case; empty where there is none. Borrowed from the answer. */
struct dm_str dm_http_answer_header(const struct dm_http_answer *answer, struct dm_str name);

/* DM_OK for every answer, whatever its status. DM_INVALID: the URL. DM_UNAVAILABLE: no connection, it broke, or no HTTP came back.
 * DM_TIMEOUT: one of the limits above. DM_TOO_LARGE: past `answer_max`. DM_CANCELLED: `progress` said so. DM_IO: the file of the form
 * cannot be read. Codes of the sink are passed on. */
DM_MUST_USE enum dm_code dm_http_send(struct dm_http_client *client, const struct dm_http_request *request,
                                      struct dm_http_answer *ret, struct dm_err *err);

#endif
