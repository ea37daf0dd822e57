/* fields.h: private to api: what stands in header fields, as pure functions over text. */
#ifndef DM_API_FIELDS_H
#define DM_API_FIELDS_H

#include "base/buf.h"

/* 1 to 128 of A-Z a-z 0-9 . _ - : safe to echo and to log. */
bool dm_request_id_sane(struct dm_str text);

enum { DM_TRACE_TEXT = 56 };
/* A traceparent of W3C Trace Context that may be passed on. Of a higher version only the first four fields count. */
bool dm_traceparent_valid(struct dm_str text);
/* The same trace and flags under a new parent id: 55 characters and NUL. `text` is valid. */
void dm_traceparent_child(struct dm_str text, const unsigned char parent[8], char ret[DM_TRACE_TEXT]);

/* Index of the offered media type that an Accept header likes best, the first among equals; -1: none. An
 * empty header likes all. */
int dm_accept_best(struct dm_str accept, const struct dm_str *offered, int count);

/* Whether a list of entity tags (If-None-Match) has this one, by weak comparison; "*" has all. */
bool dm_etag_listed(struct dm_str list, struct dm_str etag);
/* Strong comparison of one tag, for If-Range: a weak tag or a date never matches. */
bool dm_etag_same(struct dm_str one, struct dm_str etag);

enum dm_range_kind { DM_RANGE_NONE, DM_RANGE_PART, DM_RANGE_UNSATISFIABLE };
/* A Range header over `size` bytes. Malformed ones, other units and several ranges at once are none: the
 * whole is a right answer to them (RFC 9110, 14.2). */
enum dm_range_kind dm_range_parse(struct dm_str value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length);

/* What stands before the first ';', trimmed. */
struct dm_str dm_media_bare(struct dm_str value);
/* The parameter's value, without quotes and escapes, appended to `ret`; false where it is absent or malformed. */
bool dm_media_parameter(struct dm_str value, struct dm_str name, struct dm_buf *ret);

/* Splits "host", "host:port", "[::1]:port"; false where it is not shaped so. An IPv6 address keeps no brackets. */
bool dm_host_split(struct dm_str text, struct dm_str *ret_name, struct dm_str *ret_port);
/* 127.0.0.0/8, ::1, or a name that means this machine everywhere: "localhost" and what ends in ".localhost". */
bool dm_host_is_loopback(struct dm_str name);

/* A file name as the value of Content-Disposition: both forms of RFC 6266, so that nothing of the name can end
 * the field or be taken for a path. */
void dm_add_disposition(struct dm_buf *buf, struct dm_str name);

#endif
