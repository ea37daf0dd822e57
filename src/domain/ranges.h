/* ranges.h: sets of pages as ascending, disjoint ranges: "1-5,9". Pages count from 1. */
#ifndef DM_DOMAIN_RANGES_H
#define DM_DOMAIN_RANGES_H

#include "base/arena.h"
#include "base/buf.h"

struct dm_range {
    uint32_t first;
    uint32_t last; /* inclusive */
};

/* Borrowed: the ranges live in somebody's arena. Ascending, no two touch or overlap. */
struct dm_ranges {
    const struct dm_range *at;
    uint32_t count;
};

/* What one request may name. */
enum { DM_RANGES_MAX = 1000, DM_PAGE_NUMBER_MAX = 1000000 };

/* "1-5,9, 12-" (an open end is the last page). Sorts and joins. An empty text is the empty set. DM_INVALID with the
 * part that is wrong. */
DM_MUST_USE enum dm_code dm_ranges_parse(struct dm_arena *arena, struct dm_str text, struct dm_ranges *ret,
                                         struct dm_err *err);
/* The pages of `set` that are at most `last`, copied into `arena`. */
DM_MUST_USE enum dm_code dm_ranges_clip(struct dm_arena *arena, struct dm_ranges set, uint32_t last,
                                        struct dm_ranges *ret, struct dm_err *err);
/* From numbers in ascending order. */
DM_MUST_USE enum dm_code dm_ranges_of(struct dm_arena *arena, const uint32_t *pages, uint32_t count,
                                      struct dm_ranges *ret, struct dm_err *err);
bool dm_ranges_have(struct dm_ranges set, uint32_t page);
uint32_t dm_ranges_pages(struct dm_ranges set); /* how many pages */
/* The first page of the set that is `at_least` or later; 0: none. */
uint32_t dm_ranges_next(struct dm_ranges set, uint32_t at_least);
void dm_ranges_text(struct dm_ranges set, struct dm_buf *buf);

#endif
