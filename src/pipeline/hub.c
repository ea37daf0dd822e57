/* hub.c: who in this process wants to hear that a document moved.
 *
 * The hub makes things quick and keeps nothing: whoever misses a call reads the store. */
#include "base/alloc.h"
#include "step.h"

enum { LISTENERS_MAX = 8 };

struct dm_hub {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards all below; held during calls, so a forgotten listener is called no more */
    struct {
        dm_moved *listener;
        void *context;
    } listeners[LISTENERS_MAX];
};

enum dm_code dm_hub_make(struct dm_runtime runtime, struct dm_hub **ret, struct dm_err *err)
{
    struct dm_hub *hub = dm_alloc_zero(1, sizeof(*hub));
    if (!hub)
        return dm_fail_memory(err);
    hub->runtime = runtime;
    enum dm_code rc = dm_monitor_make(runtime, &hub->monitor, err);
    if (rc != DM_OK)
        dm_free(hub);
    else
        *ret = hub;
    return rc;
}

void dm_hub_free(struct dm_hub *hub)
{
    if (!hub)
        return;
    dm_monitor_free(hub->runtime, hub->monitor);
    dm_free(hub);
}

enum dm_code dm_hub_listen(struct dm_hub *hub, dm_moved *listener, void *context, struct dm_err *err)
{
    enum dm_code rc = DM_BUSY;
    dm_lock(hub->runtime, hub->monitor);
    for (size_t i = 0; i < LISTENERS_MAX && rc != DM_OK; i++) {
        if (hub->listeners[i].listener)
            continue;
        hub->listeners[i].listener = listener;
        hub->listeners[i].context = context;
        rc = DM_OK;
    }
    dm_unlock(hub->runtime, hub->monitor);
    return rc == DM_OK ? DM_OK : dm_fail(err, rc, "over %d listeners to moving documents", LISTENERS_MAX);
}

void dm_hub_forget(struct dm_hub *hub, dm_moved *listener, void *context)
{
    dm_lock(hub->runtime, hub->monitor);
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        if (hub->listeners[i].listener == listener && hub->listeners[i].context == context)
            hub->listeners[i].listener = NULL;
    dm_unlock(hub->runtime, hub->monitor);
}

void dm_hub_tell(struct dm_hub *hub, const struct dm_tenant *tenant, const struct dm_file *file,
                 const struct dm_state *state)
{
    dm_lock(hub->runtime, hub->monitor);
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        if (hub->listeners[i].listener)
            hub->listeners[i].listener(hub->listeners[i].context, tenant, file, state);
    dm_unlock(hub->runtime, hub->monitor);
}
