/* watch.h: whether a lease is over, by this process's own monotonic clock. Private to the room.
 *
 * Wall clocks of nodes differ and jump. So `lease_until_ms` of a record only says when it is time to look; that its owner
 * is gone is known by seeing the very same lease for as long as a lease lives. Safety never rests on this: every write
 * of an owner carries its counter. (The rule of DynamoDB's lock client and of Kinesis' lease coordinators.)
 *
 * Bounded: where more is watched than fits, what was looked at longest ago is forgotten and begins anew. Not
 * thread-safe. */
#ifndef DM_PIPELINE_WATCH_H
#define DM_PIPELINE_WATCH_H

#include "domain/tenant.h"

enum { DM_WATCHED_MAX = 1024 };

struct dm_watched {
    uint64_t name; /* of tenant, file and counter, hashed: a collision could only cost work done twice */
    int64_t until_ms;
    int64_t since_mono_ms; /* seen with this end since then */
    int64_t seen_mono_ms;
};

struct dm_watch {
    struct dm_watched at[DM_WATCHED_MAX];
    uint32_t count;
};

/* True where the lease with this counter has had this end for `lease_ms` of watching. Owners that are known to be gone
 * leave DM_LEASE_GONE as its end: that is over at once. Of more than DM_WATCHED_MAX the others wait until there is room. */
bool dm_watch_over(struct dm_watch *watch, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t counter,
                   int64_t until_ms, int64_t lease_ms, int64_t now_mono_ms);

#endif
