/* nearest.h: private to cli: what somebody who mistyped a name probably meant. */
#ifndef DM_CLI_NEAREST_H
#define DM_CLI_NEAREST_H

#include "base/str.h"

/* Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`, without regard to ASCII case and
 * with '-' like '_'. At most 64 bytes of each are looked at. */
uint32_t dm_distance(struct dm_str a, struct dm_str b);

/* Keeps the best candidate offered so far. Start with the word alone: { .word = … }. */
struct dm_nearest {
    struct dm_str word;
    const char *best; /* NULL: nothing near enough */
    uint32_t distance;
};

/* Near enough is a third of the word's length and at least one step; a candidate that the word begins is one step away. */
void dm_nearest_offer(struct dm_nearest *nearest, const char *candidate);

#endif
