/* calendar.h: instants as text.
 *
 * docmill counts time in milliseconds: `_ms` names are either durations, wall-clock instants (since
 * 1970-01-01T00:00:00Z) or monotonic ones; ports/runtime.h is the only source of instants. Text is RFC 3339 in UTC. */
#ifndef DM_BASE_CALENDAR_H
#define DM_BASE_CALENDAR_H

#include "base/str.h"

enum {
    DM_SECOND_MS = 1000,
    DM_MINUTE_MS = 60 * DM_SECOND_MS,
    DM_HOUR_MS = 60 * DM_MINUTE_MS,
    DM_DAY_MS = 24 * DM_HOUR_MS
};

/* "2026-11-24T02:32:33.123Z" with its NUL. */
enum { DM_TIME_TEXT = 25 };
/* Years 0 to 9999; anything outside is clipped. */
struct dm_str dm_time_text(int64_t wall_ms, char text[DM_TIME_TEXT]);
/* RFC 3339 with 'T', seconds, an optional fraction and 'Z' or an offset; or a date alone, which is its midnight UTC. */
bool dm_time_parse(struct dm_str text, int64_t *ret_wall_ms);

#endif
