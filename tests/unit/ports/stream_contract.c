/* stream_contract.c: what every stream of hints must do: give on what it can, wait no longer than it was told,
 * promise nothing else. */
#include "contracts.h"

#include "records.h"
#include "testing.h"

enum { PULL_MAX = 100, PATIENCE_MS = 10000 };

static struct dm_stream stream;
static struct dm_runtime runtime;
static struct dm_tenant tenant; /* a new one for every test */
static struct dm_err err;

/* Takes what is there and forgets it. */
static void drain(void)
{
    struct dm_stream_message messages[PULL_MAX];
    uint32_t count;
    do {
        assert_ok(dm_stream_pull(stream, PULL_MAX, dm_mono_ms(runtime), messages, &count, &err), &err);
        for (uint32_t i = 0; i < count; i++)
            assert_ok(dm_stream_ack(stream, messages[i].token, &err), &err);
    } while (count > 0);
}

static int before(void **state)
{
    tenant = fresh_tenant(runtime);
    memset(&err, 0, sizeof(err));
    drain();
    return 0;
}

static struct dm_hint fresh_hint(void)
{
    return (struct dm_hint){ tenant, fresh_file(runtime) };
}

static bool same(const struct dm_hint *a, const struct dm_hint *b)
{
    return dm_tenant_eq(&a->tenant, &b->tenant) && dm_file_eq(&a->file, &b->file);
}

/* Pulls and acknowledges until the deadline or until `hint` has come as often as `times`; answers how often it came. */
static uint32_t pull_hint(const struct dm_hint *hint, uint32_t times, int64_t deadline_ms)
{
    uint32_t came = 0;
    do {
        struct dm_stream_message messages[PULL_MAX];
        uint32_t count;
        assert_ok(dm_stream_pull(stream, PULL_MAX, deadline_ms, messages, &count, &err), &err);
        for (uint32_t i = 0; i < count; i++) {
            came += same(&messages[i].hint, hint);
            assert_ok(dm_stream_ack(stream, messages[i].token, &err), &err);
        }
    } while (came < times && dm_mono_ms(runtime) < deadline_ms);
    return came;
}

static void a_published_hint_arrives(void **state)
{
    const struct dm_hint hint = fresh_hint();
    assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    assert_int_equal(pull_hint(&hint, 1, dm_mono_ms(runtime) + PATIENCE_MS), 1);
}

static void each_of_some_hints_arrives(void **state)
{
    enum { HINTS = 200 };
    struct dm_hint hints[HINTS];
    bool came[HINTS] = { false };
    for (int i = 0; i < HINTS; i++) {
        hints[i] = fresh_hint();
        assert_ok(dm_stream_publish(stream, &hints[i], &err), &err);
    }
    int left = HINTS;
    const int64_t deadline_ms = dm_mono_ms(runtime) + PATIENCE_MS;
    while (left > 0 && dm_mono_ms(runtime) < deadline_ms) {
        struct dm_stream_message messages[7];
        uint32_t count;
        assert_ok(dm_stream_pull(stream, DM_COUNT(messages), deadline_ms, messages, &count, &err), &err);
        for (uint32_t i = 0; i < count; i++) {
            for (int k = 0; k < HINTS; k++) {
                if (came[k] || !same(&messages[i].hint, &hints[k]))
                    continue;
                came[k] = true;
                left--;
            }
            assert_ok(dm_stream_ack(stream, messages[i].token, &err), &err);
        }
    }
    assert_int_equal(left, 0);
}

static void one_id_of_two_tenants_is_two_hints(void **state)
{
    const struct dm_hint hint = fresh_hint();
    struct dm_hint other = hint;
    other.tenant = fresh_tenant(runtime);
    assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    assert_ok(dm_stream_publish(stream, &other, &err), &err);
    struct dm_stream_message messages[PULL_MAX];
    uint32_t count = 0, seen = 0;
    bool first = false, second = false;
    const int64_t deadline_ms = dm_mono_ms(runtime) + PATIENCE_MS;
    while (!(first && second) && dm_mono_ms(runtime) < deadline_ms) {
        assert_ok(dm_stream_pull(stream, PULL_MAX, deadline_ms, messages, &count, &err), &err);
        for (uint32_t i = 0; i < count; i++, seen++) {
            first = first || same(&messages[i].hint, &hint);
            second = second || same(&messages[i].hint, &other);
            assert_ok(dm_stream_ack(stream, messages[i].token, &err), &err);
        }
    }
    assert_true(first && second);
}

static void a_pull_gives_up_at_its_deadline(void **state)
{
    struct dm_stream_message messages[PULL_MAX];
    uint32_t count = 77;
    const int64_t begun_ms = dm_mono_ms(runtime);
    assert_ok(dm_stream_pull(stream, PULL_MAX, begun_ms + 30, messages, &count, &err), &err);
    assert_int_equal(count, 0);
    assert_true(dm_mono_ms(runtime) >= begun_ms + 30);
    assert_ok(dm_stream_pull(stream, PULL_MAX, begun_ms, messages, &count, &err), &err);
    assert_int_equal(count, 0);
}

static void publishing_never_waits_for_a_reader(void **state)
{
    /* More than anything keeps; each answer may be DM_BUSY, but there is one. */
    for (int i = 0; i < 5000; i++) {
        const struct dm_hint hint = fresh_hint();
        enum dm_code rc = dm_stream_publish(stream, &hint, &err);
        assert_true(rc == DM_OK || rc == DM_BUSY || rc == DM_UNAVAILABLE);
    }
    drain();
    const struct dm_hint hint = fresh_hint();
    assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    assert_int_equal(pull_hint(&hint, 1, dm_mono_ms(runtime) + PATIENCE_MS), 1);
}

struct puller {
    int64_t deadline_ms;
    uint32_t count;
    enum dm_code rc;
    struct dm_monitor *monitor;
    bool ended;
};

static void pull_once(void *argument)
{
    struct puller *puller = argument;
    struct dm_stream_message messages[PULL_MAX];
    puller->rc = dm_stream_pull(stream, PULL_MAX, puller->deadline_ms, messages, &puller->count, NULL);
    dm_lock(runtime, puller->monitor);
    puller->ended = true;
    dm_wake_all(runtime, puller->monitor);
    dm_unlock(runtime, puller->monitor);
}

static void a_hint_ends_the_wait_of_a_pull(void **state)
{
    struct puller puller = { .deadline_ms = dm_mono_ms(runtime) + PATIENCE_MS };
    struct dm_task *task;
    assert_ok(dm_monitor_make(runtime, &puller.monitor, &err), &err);
    assert_ok(dm_spawn(runtime, "pulling", pull_once, &puller, &task, &err), &err);
    const struct dm_hint hint = fresh_hint();
    assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    dm_join(runtime, task);
    dm_monitor_free(runtime, puller.monitor);
    assert_int_equal(puller.rc, DM_OK);
    assert_int_equal(puller.count, 1);
    assert_true(dm_mono_ms(runtime) < puller.deadline_ms);
}

static void waking_ends_every_pull_and_the_next_one_waits_again(void **state)
{
    enum { PULLERS = 3 };
    struct puller pullers[PULLERS];
    struct dm_task *tasks[PULLERS];
    struct dm_monitor *monitor;
    const int64_t deadline_ms = dm_mono_ms(runtime) + PATIENCE_MS;
    assert_ok(dm_monitor_make(runtime, &monitor, &err), &err);
    for (int i = 0; i < PULLERS; i++) {
        pullers[i] = (struct puller){ .deadline_ms = deadline_ms, .monitor = monitor };
        assert_ok(dm_spawn(runtime, "pulling", pull_once, &pullers[i], &tasks[i], &err), &err);
    }
    /* Whoever stops pullers does not know which of them wait already: it wakes until all have ended. */
    dm_lock(runtime, monitor);
    for (;;) {
        int ended = 0;
        for (int i = 0; i < PULLERS; i++)
            ended += pullers[i].ended;
        if (ended == PULLERS)
            break;
        dm_unlock(runtime, monitor);
        dm_stream_wake(stream);
        dm_lock(runtime, monitor);
        (void)dm_wait_until(runtime, monitor, dm_mono_ms(runtime) + 5);
    }
    dm_unlock(runtime, monitor);
    for (int i = 0; i < PULLERS; i++) {
        dm_join(runtime, tasks[i]);
        assert_int_equal(pullers[i].rc, DM_OK);
        assert_int_equal(pullers[i].count, 0);
    }
    assert_true(dm_mono_ms(runtime) < deadline_ms);
    dm_monitor_free(runtime, monitor);
    /* A wake that met nobody is for the next pull alone. */
    struct dm_stream_message messages[PULL_MAX];
    uint32_t count;
    dm_stream_wake(stream);
    assert_ok(dm_stream_pull(stream, PULL_MAX, dm_mono_ms(runtime) + PATIENCE_MS, messages, &count, &err), &err);
    assert_true(dm_mono_ms(runtime) < deadline_ms);
    const int64_t begun_ms = dm_mono_ms(runtime);
    assert_ok(dm_stream_pull(stream, PULL_MAX, begun_ms + 20, messages, &count, &err), &err);
    assert_true(dm_mono_ms(runtime) >= begun_ms + 20);
}

static void a_stream_that_works_says_so(void **state)
{
    assert_ok(dm_stream_check(stream, &err), &err);
}

#define CASE(name) cmocka_unit_test_setup(name, before)

int stream_contract(struct dm_stream given, struct dm_runtime given_runtime)
{
    stream = given;
    runtime = given_runtime;
    static const struct CMUnitTest tests[] = {
        CASE(a_published_hint_arrives),
        CASE(each_of_some_hints_arrives),
        CASE(one_id_of_two_tenants_is_two_hints),
        CASE(a_pull_gives_up_at_its_deadline),
        CASE(publishing_never_waits_for_a_reader),
        CASE(a_hint_ends_the_wait_of_a_pull),
        CASE(waking_ends_every_pull_and_the_next_one_waits_again),
        CASE(a_stream_that_works_says_so),
    };
    return run_group("the stream's contract", tests, NULL, NULL);
}
