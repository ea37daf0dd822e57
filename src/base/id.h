/* id.h: identifiers that sort by the time they were made.
 *
 * UUID version 7 (RFC 9562, section 5.7) in lower case. Document ids are such; so are request ids. */
#ifndef DM_BASE_ID_H
#define DM_BASE_ID_H

#include "base/str.h"

enum { DM_ID_TEXT = 37, DM_ID_RANDOM = 10 };

/* Wall-clock milliseconds and ten random bytes give the text with its NUL. */
struct dm_str dm_id_text(int64_t wall_ms, const unsigned char random[DM_ID_RANDOM], char text[DM_ID_TEXT]);
/* The shape alone: 8-4-4-4-12 lower-case hex digits. */
bool dm_id_valid(struct dm_str text);

#endif
