/* stream_ring.c: hints within one process.
 *
 * There is no table for them. The ledger is the queue: a worker that starts, or idles for a second, looks into
 * the store, so after a restart a stored hint would say nothing that is not known already, and each would cost a
 * write. What stays is a ring of fixed size. A document that is in it is not put in again, and where the ring is
 * full the oldest hint makes room: whoever takes the newer ones will look into the store anyway. */
#include "embedded/stream_ring.h"

#include <string.h>

#include "base/alloc.h"

struct dm_ring {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    uint64_t first;             /* number of the oldest hint; numbers are the tokens */
    uint32_t count;
    uint32_t waiting;
    bool woken;
    uint64_t hashes[DM_RING_HINTS]; /* beside the hints, so that looking for one reads 8 KB and not 100 */
    struct dm_hint hints[DM_RING_HINTS];
};

static uint64_t hash_of(const struct dm_hint *hint)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (const char *at = hint->file.id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    for (const char *at = hint->tenant.id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    return hash;
}

static bool has(const struct dm_ring *ring, const struct dm_hint *hint, uint64_t hash)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        uint64_t at = (ring->first + i) % DM_RING_HINTS;
        if (ring->hashes[at] == hash && dm_file_eq(&ring->hints[at].file, &hint->file) &&
            dm_tenant_eq(&ring->hints[at].tenant, &hint->tenant))
            return true;
    }
    return false;
}

static enum dm_code ring_publish(void *self, const struct dm_hint *hint, struct dm_err *err)
{
    struct dm_ring *ring = self;
    uint64_t hash = hash_of(hint);
    dm_lock(ring->runtime, ring->monitor);
    if (!has(ring, hint, hash)) {
        if (ring->count == DM_RING_HINTS) {
            ring->first++;
            ring->count--;
        }
        uint64_t at = (ring->first + ring->count++) % DM_RING_HINTS;
        ring->hashes[at] = hash;
        ring->hints[at] = *hint;
        dm_wake_one(ring->runtime, ring->monitor);
    }
    dm_unlock(ring->runtime, ring->monitor);
    return DM_OK;
}

static enum dm_code ring_pull(void *self, uint32_t max, int64_t deadline_mono_ms, struct dm_stream_message *ret,
                              uint32_t *ret_count, struct dm_err *err)
{
    struct dm_ring *ring = self;
    dm_lock(ring->runtime, ring->monitor);
    if (ring->woken && ring->waiting == 0) {
        /* Everybody who waited has been told, and so is this one. */
        ring->woken = false;
        deadline_mono_ms = INT64_MIN;
    }
    ring->waiting++;
    while (ring->count == 0 && !ring->woken && dm_mono_ms(ring->runtime) < deadline_mono_ms)
        if (!dm_wait_until(ring->runtime, ring->monitor, deadline_mono_ms))
            break;
    ring->waiting--;
    uint32_t count = 0;
    for (; count < max && ring->count > 0; count++) {
        ret[count] = (struct dm_stream_message){ ring->hints[ring->first % DM_RING_HINTS], ring->first };
        ring->first++;
        ring->count--;
    }
    /* publish wakes one only; if that one left something, another may take it. */
    if (ring->count > 0 && ring->waiting > 0)
        dm_wake_one(ring->runtime, ring->monitor);
    dm_unlock(ring->runtime, ring->monitor);
    *ret_count = count;
    return DM_OK;
}

/* A hint is forgotten when it is pulled: there is nobody it could be given to again. */
static enum dm_code ring_ack(void *self, uint64_t token, struct dm_err *err)
{
    return DM_OK;
}

static void ring_wake(void *self)
{
    struct dm_ring *ring = self;
    dm_lock(ring->runtime, ring->monitor);
    ring->woken = true;
    dm_wake_all(ring->runtime, ring->monitor);
    dm_unlock(ring->runtime, ring->monitor);
}

static enum dm_code ring_check(void *self, struct dm_err *err)
{
    return DM_OK;
}

static const struct dm_stream_ops ops = {
    .name = "memory",
    .publish = ring_publish,
    .pull = ring_pull,
    .ack = ring_ack,
    .wake = ring_wake,
    .check = ring_check,
};

enum dm_code dm_ring_make(struct dm_runtime runtime, struct dm_ring **ret, struct dm_err *err)
{
    /* Not zeroed by hand: the pages of a ring that never fills are never touched. */
    struct dm_ring *ring = dm_alloc_zero(1, sizeof(*ring));
    if (!ring)
        return dm_fail_memory(err);
    ring->runtime = runtime;
    enum dm_code rc = dm_monitor_make(runtime, &ring->monitor, err);
    if (rc != DM_OK) {
        dm_free(ring);
        return rc;
    }
    *ret = ring;
    return DM_OK;
}

void dm_ring_free(struct dm_ring *ring)
{
    if (!ring)
        return;
    dm_monitor_free(ring->runtime, ring->monitor);
    dm_free(ring);
}

struct dm_stream dm_ring_stream(struct dm_ring *ring)
{
    return (struct dm_stream){ &ops, ring };
}
