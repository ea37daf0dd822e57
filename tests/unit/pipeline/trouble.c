/* trouble.c: the wrapped ports. */
#include "trouble.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { LOOK_MS = 1, STEP_MS = 500, SETTLE_MS = 60000, BEGIN_MS = 1000000 };

struct trouble trouble;

/* ---- the pushed clock ---- */

static int64_t pushed_mono(void *self)
{
    return BEGIN_MS + atomic_load(&trouble.now_ms);
}

static int64_t pushed_wall(void *self)
{
    return 1800000000000 + pushed_mono(NULL);
}

static void pushed_random(void *self, void *bytes, size_t size)
{
    dm_random(trouble.runtime, bytes, size);
}

static int64_t soon(void)
{
    return dm_mono_ms(trouble.runtime) + LOOK_MS;
}

static void count(uint32_t *counter, int by)
{
    pthread_mutex_lock(&trouble.lock);
    *counter += (uint32_t)by;
    pthread_mutex_unlock(&trouble.lock);
}

/* Says once in each round that it waits and saw the clock. */
static void settle(uint32_t *seen)
{
    pthread_mutex_lock(&trouble.lock);
    trouble.settled += *seen != trouble.round;
    *seen = trouble.round;
    pthread_mutex_unlock(&trouble.lock);
}

static void unsettle(uint32_t seen)
{
    pthread_mutex_lock(&trouble.lock);
    trouble.settled -= seen == trouble.round;
    pthread_mutex_unlock(&trouble.lock);
}

static uint32_t wakes_so_far(void)
{
    pthread_mutex_lock(&trouble.lock);
    uint32_t wakes = trouble.wakes;
    pthread_mutex_unlock(&trouble.lock);
    return wakes;
}

static void pushed_sleep(void *self, int64_t mono_ms)
{
    uint32_t seen = 0;
    while (pushed_mono(NULL) < mono_ms) {
        settle(&seen);
        dm_sleep_until(trouble.runtime, soon());
    }
    unsettle(seen);
}

static bool pushed_wait(void *self, struct dm_monitor *monitor, int64_t mono_ms)
{
    uint32_t seen = 0;
    uint32_t wakes = wakes_so_far();
    bool in_time;
    while ((in_time = pushed_mono(NULL) < mono_ms)) {
        settle(&seen);
        /* One may come just as a short wait has ended, while the lock is being taken again. */
        if (dm_wait_until(trouble.runtime, monitor, soon()) || wakes_so_far() != wakes)
            break;
    }
    unsettle(seen);
    return in_time;
}

static void counted_wake_all(void *self, struct dm_monitor *monitor)
{
    count(&trouble.wakes, 1);
    dm_wake_all(trouble.runtime, monitor);
}

static void counted_wake_one(void *self, struct dm_monitor *monitor)
{
    count(&trouble.wakes, 1);
    dm_wake_one(trouble.runtime, monitor);
}

/* Hints wait by the real clock, so they are asked for a little at a time. */
static enum dm_code pushed_pull(void *self, uint32_t max, int64_t deadline_ms, struct dm_stream_message *ret,
                                uint32_t *ret_count, struct dm_err *err)
{
    uint32_t seen = 0;
    enum dm_code rc = DM_OK;
    *ret_count = 0;
    while (rc == DM_OK && *ret_count == 0 && !atomic_load(&trouble.woken) && pushed_mono(NULL) < deadline_ms) {
        settle(&seen);
        rc = dm_stream_pull(trouble.stream, max, soon(), ret, ret_count, err);
    }
    unsettle(seen);
    return rc;
}

static void pushed_stream_wake(void *self)
{
    atomic_store(&trouble.woken, true);
    dm_stream_wake(trouble.stream);
}

/* ---- memory of tasks ---- */

static bool fails_now(void)
{
    uint32_t number = atomic_fetch_add(&trouble.allocations, 1) + 1;
    uint32_t every = atomic_load(&trouble.fail_every);
    if (every == 0 || number % every != 0 || number > atomic_load(&trouble.fail_most))
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
    count(&trouble.tasks, -1);
}

static enum dm_code scarce_spawn(void *self, const char *name, dm_task_function *function, void *argument,
                                 struct dm_task **ret, struct dm_err *err)
{
    struct beginning *beginning = malloc(sizeof(*beginning));
    *beginning = (struct beginning){ function, argument };
    count(&trouble.tasks, 1);
    enum dm_code rc = dm_spawn(trouble.runtime, name, begin_task, beginning, ret, err);
    if (rc != DM_OK) {
        count(&trouble.tasks, -1);
        free(beginning);
    }
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
    enum dm_code rc = dm_store_commit(trouble.store, tenant, file, transaction, err);
    bool claims = false;
    for (uint32_t i = 0; i < transaction->claim_count; i++)
        claims = claims || transaction->claims[i].kind == DM_CLAIM_INSERT;
    if (rc != DM_OK || !claims || atomic_load(&trouble.lost_claims) == 0)
        return rc;
    atomic_fetch_sub(&trouble.lost_claims, 1);
    return dm_fail(err, DM_UNAVAILABLE, "the test's store gives no answer");
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
static struct dm_stream_ops stream_ops;

void trouble_limit(struct rig *rig, uint32_t concurrency)
{
    const struct dm_limit_options limits = { .concurrency = concurrency, .concurrency_max = concurrency };
    dm_limiter_free(rig->limiter);
    assert_int_equal(dm_limiter_make(rig->pipeline.ports.runtime, &limits, &rig->limiter, &rig->err), DM_OK);
    rig->pipeline.limiter = rig->limiter;
}

void trouble_wrap(struct rig *rig)
{
    struct dm_ports *ports = &rig->pipeline.ports;
    memset(&trouble, 0, sizeof(trouble));
    trouble.rig = rig;
    trouble.store = ports->store;
    trouble.blob = ports->blob;
    trouble.runtime = ports->runtime;
    trouble.stream = ports->stream;
    trouble.round = 1;
    pthread_mutex_init(&trouble.lock, NULL);
    /* What is not replaced goes to the real one with its own self. */
    runtime_ops = *ports->runtime.ops;
    runtime_ops.wall_ms = pushed_wall;
    runtime_ops.mono_ms = pushed_mono;
    runtime_ops.random = pushed_random;
    runtime_ops.sleep_until = pushed_sleep;
    runtime_ops.wait_until = pushed_wait;
    runtime_ops.wake_all = counted_wake_all;
    runtime_ops.wake_one = counted_wake_one;
    runtime_ops.spawn = scarce_spawn;
    store_ops = *ports->store.ops;
    store_ops.commit = full_commit;
    blob_ops = *ports->blob.ops;
    blob_ops.create = full_create;
    blob_ops.finish = full_finish;
    blob_ops.put_new = full_put_new;
    stream_ops = *ports->stream.ops;
    stream_ops.pull = pushed_pull;
    stream_ops.wake = pushed_stream_wake;
    ports->stream.ops = &stream_ops;
    ports->runtime.ops = &runtime_ops;
    ports->store.ops = &store_ops;
    ports->blob.ops = &blob_ops;
    trouble_limit(rig, 128);
}

static bool model_rests(void)
{
    struct fake_model *model = &trouble.rig->model;
    dm_lock(model->runtime, model->monitor);
    bool rests = model->waiting == 0 || model->hold;
    dm_unlock(model->runtime, model->monitor);
    return rests;
}

static bool all_settled(void)
{
    pthread_mutex_lock(&trouble.lock);
    bool settled = trouble.settled == trouble.tasks;
    pthread_mutex_unlock(&trouble.lock);
    return settled && model_rests();
}

static uint32_t begin_round(void)
{
    pthread_mutex_lock(&trouble.lock);
    trouble.settled = 0;
    trouble.round++;
    uint32_t wakes = trouble.wakes;
    pthread_mutex_unlock(&trouble.lock);
    return wakes;
}

/* Until nothing can happen any more unless time passes: all tasks have waited through a whole round in which nobody was
 * woken. */
static void settle_all(void)
{
    int64_t deadline_ms = dm_mono_ms(trouble.runtime) + SETTLE_MS;
    uint32_t wakes;
    do {
        wakes = begin_round();
        while (!all_settled()) {
            assert_true(dm_mono_ms(trouble.runtime) < deadline_ms);
            dm_sleep_until(trouble.runtime, soon());
        }
    } while (wakes_so_far() != wakes);
}

void trouble_pass(int64_t ms, int64_t step_ms)
{
    for (int64_t left = ms; left > 0; left -= step_ms) {
        settle_all();
        atomic_fetch_add(&trouble.now_ms, left < step_ms ? left : step_ms);
    }
    settle_all();
}

bool trouble_until_ended(const char *tenant, const struct dm_file *file, int64_t most_ms)
{
    for (int64_t passed_ms = 0;; passed_ms += STEP_MS) {
        settle_all();
        if (dm_status_is_final(rig_state(trouble.rig, tenant, file).status))
            return true;
        if (passed_ms >= most_ms)
            return false;
        atomic_fetch_add(&trouble.now_ms, STEP_MS);
    }
}
