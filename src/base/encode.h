/* encode.h: bytes as text (RFC 4648): hexadecimal in lower case, base64 with padding, and base64url without. */
#ifndef DM_BASE_ENCODE_H
#define DM_BASE_ENCODE_H

#include "base/buf.h"

/* `text` has room for 2 * size + 1 characters. */
void dm_hex_text(const void *bytes, size_t size, char *text);
void dm_buf_add_base64(struct dm_buf *buf, struct dm_str bytes);
void dm_buf_add_base64url(struct dm_buf *buf, struct dm_str bytes);
/* Appends what `text` stands for; false (and nothing useful added) where it is not canonical base64url. */
DM_MUST_USE bool dm_buf_add_base64url_decoded(struct dm_buf *buf, struct dm_str text);
/* The same for canonical base64 with its padding. */
DM_MUST_USE bool dm_buf_add_base64_decoded(struct dm_buf *buf, struct dm_str text);
/* Percent-encodes all but RFC 3986's unreserved characters; with `keep_slash` also '/' stands. */
void dm_buf_add_percent(struct dm_buf *buf, struct dm_str text, bool keep_slash);
/* Appends `text` with %XX decoded, and with `plus_is_space` '+' as blank; false on a broken escape. */
DM_MUST_USE bool dm_buf_add_percent_decoded(struct dm_buf *buf, struct dm_str text, bool plus_is_space);

#endif
