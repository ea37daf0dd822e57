/* watch.c: leases that this process has seen, and since when. */
#include "watch.h"

#include "domain/limits.h"

/* FNV-1a (public domain, IETF draft-eastlake-fnv). */
static uint64_t hash(uint64_t value, const char *text)
{
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 1099511628211ULL;
    return (value ^ 0xff) * 1099511628211ULL;
}

/* NULL: no room. What is watched keeps its place until it is over or nobody looks at it any more: were it to make room for
 * whatever comes, nothing would be watched for long enough where there is more than fits. */
static struct dm_watched *find(struct dm_watch *watch, uint64_t name, int64_t lease_ms, int64_t now_mono_ms)
{
    struct dm_watched *stalest = &watch->at[0];
    for (uint32_t i = 0; i < watch->count; i++) {
        if (watch->at[i].name == name)
            return &watch->at[i];
        if (watch->at[i].seen_mono_ms < stalest->seen_mono_ms)
            stalest = &watch->at[i];
    }
    if (watch->count < DM_WATCHED_MAX)
        stalest = &watch->at[watch->count++];
    else if (now_mono_ms - stalest->seen_mono_ms < lease_ms)
        return NULL;
    *stalest = (struct dm_watched){ .name = name, .until_ms = -1 };
    return stalest;
}

bool dm_watch_over(struct dm_watch *watch, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t counter,
                   int64_t until_ms, int64_t lease_ms, int64_t now_mono_ms)
{
    if (until_ms <= DM_LEASE_GONE)
        return true;
    uint64_t name = (hash(hash(14695981039346656037ULL, tenant->id), file->id) ^ counter) * 1099511628211ULL;
    struct dm_watched *entry = find(watch, name, lease_ms, now_mono_ms);
    if (!entry)
        return false;
    if (entry->until_ms != until_ms) {
        entry->until_ms = until_ms;
        entry->since_mono_ms = now_mono_ms;
    }
    bool over = now_mono_ms - entry->since_mono_ms >= lease_ms;
    entry->seen_mono_ms = over ? now_mono_ms - lease_ms : now_mono_ms; /* and over: others may have its place */
    return over;
}
