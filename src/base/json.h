/* json.h: small helpers around jansson, docmill's one JSON library.
 *
 * Text from outside is parsed only by dm_json_parse: strict UTF-8, duplicate keys refused, nesting limited by jansson
 * (2,048) and size by the caller's buffer. `json_auto_t` (jansson's own) frees a local at the end of its scope. */
#ifndef DM_BASE_JSON_H
#define DM_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* Once per process, before any other use of jansson: routes its memory through base/alloc.h and fixes the hash seed, so
 * that the simulator repeats exactly. */
void dm_json_setup(void);

/* DM_INVALID with the position and the reason, without quoting the text; `what` names it in the sentence. The caller
 * owns *ret. */
DM_MUST_USE enum dm_code dm_json_parse(struct dm_str text, const char *what, json_t **ret, struct dm_err *err);
/* Compact, in the order of insertion: the same value gives the same bytes. Sets buf->failed on failure. */
void dm_json_add(struct dm_buf *buf, const json_t *value);
/* `text` as a JSON string with its quotation marks; invalid UTF-8 becomes U+FFFD. */
void dm_buf_add_json_string(struct dm_buf *buf, struct dm_str text);

/* A new string value; invalid UTF-8 becomes U+FFFD. NULL when memory is out. */
json_t *dm_json_string(struct dm_str text);
/* The member's text, or the empty slice where it is absent or no string; borrowed from `object`. */
struct dm_str dm_json_str(const json_t *object, const char *name);
/* The member's number, or `fallback`. */
int64_t dm_json_int(const json_t *object, const char *name, int64_t fallback);

#endif
