/* runtime.c: the callers of the runtime port. */
#include "ports/runtime.h"

#include "base/check.h"

int64_t dm_wall_ms(struct dm_runtime runtime)
{
    return runtime.ops->wall_ms(runtime.self);
}

int64_t dm_mono_ms(struct dm_runtime runtime)
{
    return runtime.ops->mono_ms(runtime.self);
}

void dm_random(struct dm_runtime runtime, void *bytes, size_t size)
{
    runtime.ops->random(runtime.self, bytes, size);
}

void dm_sleep_until(struct dm_runtime runtime, int64_t mono_ms)
{
    runtime.ops->sleep_until(runtime.self, mono_ms);
}

enum dm_code dm_spawn(struct dm_runtime runtime, const char *name, dm_task_function *function, void *argument,
                      struct dm_task **ret, struct dm_err *err)
{
    DM_CHECK(function);
    return runtime.ops->spawn(runtime.self, name, function, argument, ret, err);
}

void dm_join(struct dm_runtime runtime, struct dm_task *task)
{
    runtime.ops->join(runtime.self, task);
}

enum dm_code dm_monitor_make(struct dm_runtime runtime, struct dm_monitor **ret, struct dm_err *err)
{
    return runtime.ops->monitor_make(runtime.self, ret, err);
}

void dm_monitor_free(struct dm_runtime runtime, struct dm_monitor *monitor)
{
    if (monitor)
        runtime.ops->monitor_free(runtime.self, monitor);
}

void dm_lock(struct dm_runtime runtime, struct dm_monitor *monitor)
{
    runtime.ops->lock(runtime.self, monitor);
}

void dm_unlock(struct dm_runtime runtime, struct dm_monitor *monitor)
{
    runtime.ops->unlock(runtime.self, monitor);
}

bool dm_wait_until(struct dm_runtime runtime, struct dm_monitor *monitor, int64_t mono_ms)
{
    return runtime.ops->wait_until(runtime.self, monitor, mono_ms);
}

void dm_wake_all(struct dm_runtime runtime, struct dm_monitor *monitor)
{
    runtime.ops->wake_all(runtime.self, monitor);
}

void dm_wake_one(struct dm_runtime runtime, struct dm_monitor *monitor)
{
    runtime.ops->wake_one(runtime.self, monitor);
}

struct dm_str dm_fresh_id(struct dm_runtime runtime, char text[DM_ID_TEXT])
{
    unsigned char random[DM_ID_RANDOM];
    dm_random(runtime, random, sizeof(random));
    return dm_id_text(dm_wall_ms(runtime), random, text);
}
