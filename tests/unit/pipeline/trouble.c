/* trouble.c: the wrapped ports. */
#include "trouble.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { LOOK_MS = 1, STEP_MS = 100, PASS_MS = 5000 };

struct trouble trouble;

/* ---- the pushed clock ---- */

static int64_t ahead(void)
{
    return atomic_load(&trouble.ahead_ms);
}

static int64_t pushed_wall(void *self)
{
    return dm_wall_ms(trouble.runtime) + ahead();
}

static int64_t pushed_mono(void *self)
{
    return dm_mono_ms(trouble.runtime) + ahead();
}

static void pushed_random(void *self, void *bytes, size_t size)
{
    dm_random(trouble.runtime, bytes, size);
}

/* Waiting looks at the clock again and again: it may be pushed meanwhile. */
static void pushed_sleep(void *self, int64_t mono_ms)
{
    while (pushed_mono(NULL) < mono_ms)
        dm_sleep_until(trouble.runtime, dm_mono_ms(trouble.runtime) + LOOK_MS);
}

static bool pushed_wait(void *self, struct dm_monitor *monitor, int64_t mono_ms)
{
    if (mono_ms == DM_FOREVER)
        return dm_wait_until(trouble.runtime, monitor, DM_FOREVER);
    if (pushed_mono(NULL) >= mono_ms)
        return false;
    (void)dm_wait_until(trouble.runtime, monitor, dm_mono_ms(trouble.runtime) + LOOK_MS);
    return pushed_mono(NULL) < mono_ms;
}

/* ---- memory of tasks ---- */

static bool fails_now(void)
{
    if (atomic_fetch_add(&trouble.allocations, 1) + 1 != atomic_load(&trouble.fail_at))
        return false;
    atomic_fetch_add(&trouble.failed, 1);
    return true;
}

static void *scarce_allocate(void *self, size_t size)
{
    return fails_now() ? NULL : malloc(size);
}

static void *scarce_reallocate(void *self, void *block, size_t size)
{
    return fails_now() ? NULL : realloc(block, size);
}

static void scarce_release(void *self, void *block)
{
    free(block);
}

static const struct dm_allocator scarce = { scarce_allocate, scarce_reallocate, scarce_release, NULL };

struct beginning {
    dm_task_function *function;
    void *argument;
};

static void begin_task(void *argument)
{
    struct beginning beginning = *(struct beginning *)argument;
    free(argument);
    (void)dm_allocator_use(&scarce);
    beginning.function(beginning.argument);
    (void)dm_allocator_use(NULL);
}

static enum dm_code scarce_spawn(void *self, const char *name, dm_task_function *function, void *argument,
                                 struct dm_task **ret, struct dm_err *err)
{
    struct beginning *beginning = malloc(sizeof(*beginning));
    *beginning = (struct beginning){ function, argument };
    enum dm_code rc = dm_spawn(trouble.runtime, name, begin_task, beginning, ret, err);
    if (rc != DM_OK)
        free(beginning);
    return rc;
}

/* ---- what is full ---- */

static enum dm_code refuse(struct dm_err *err)
{
    atomic_fetch_add(&trouble.refused, 1);
    return dm_fail(err, DM_NO_SPACE, "the test's disk is full");
}

static enum dm_code full_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                struct dm_transaction *transaction, struct dm_err *err)
{
    if (atomic_load(&trouble.full))
        return refuse(err);
    return dm_store_commit(trouble.store, tenant, file, transaction, err);
}

static enum dm_code full_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    return atomic_load(&trouble.full) ? refuse(err) : dm_sink_create(trouble.blob, use, ret, err);
}

static enum dm_code full_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                                enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err)
{
    if (atomic_load(&trouble.full_at_result) && dm_str_find(key, DM_STR("results-")) < key.len)
        atomic_store(&trouble.full, true);
    if (!atomic_load(&trouble.full))
        return dm_sink_finish(trouble.blob, sink, tenant, key, durability, ret, err);
    dm_sink_abandon(trouble.blob, sink);
    return refuse(err);
}

static enum dm_code full_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                                 enum dm_durability durability, struct dm_err *err)
{
    return atomic_load(&trouble.full) ? refuse(err)
                                      : dm_blob_put_new(trouble.blob, tenant, key, bytes, durability, err);
}

/* ---- wrapping ---- */

static struct dm_runtime_ops runtime_ops;
static struct dm_store_ops store_ops;
static struct dm_blob_ops blob_ops;

void trouble_wrap(struct rig *rig)
{
    struct dm_ports *ports = &rig->pipeline.ports;
    memset(&trouble, 0, sizeof(trouble));
    trouble.rig = rig;
    trouble.store = ports->store;
    trouble.blob = ports->blob;
    trouble.runtime = ports->runtime;
    /* What is not replaced goes to the real one with its own self. */
    runtime_ops = *ports->runtime.ops;
    runtime_ops.wall_ms = pushed_wall;
    runtime_ops.mono_ms = pushed_mono;
    runtime_ops.random = pushed_random;
    runtime_ops.sleep_until = pushed_sleep;
    runtime_ops.wait_until = pushed_wait;
    runtime_ops.spawn = scarce_spawn;
    store_ops = *ports->store.ops;
    store_ops.commit = full_commit;
    blob_ops = *ports->blob.ops;
    blob_ops.create = full_create;
    blob_ops.finish = full_finish;
    blob_ops.put_new = full_put_new;
    ports->runtime.ops = &runtime_ops;
    ports->store.ops = &store_ops;
    ports->blob.ops = &blob_ops;
}

static void step(int64_t ms)
{
    atomic_fetch_add(&trouble.ahead_ms, ms);
    dm_sleep_until(trouble.runtime, dm_mono_ms(trouble.runtime) + 2);
}

void trouble_pass(int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= PASS_MS)
        step(left < PASS_MS ? left : PASS_MS);
}

bool trouble_until_ended(const char *tenant, const struct dm_file *file, int64_t most_ms)
{
    int64_t until_ms = pushed_mono(NULL) + most_ms;
    while (!dm_status_is_final(rig_state(trouble.rig, tenant, file).status)) {
        if (pushed_mono(NULL) >= until_ms)
            return false;
        step(STEP_MS);
    }
    return true;
}
