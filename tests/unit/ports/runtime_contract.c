/* runtime_contract.c: what every runtime must do: tasks, monitors, time, chance. */
#include "contracts.h"

#include "testing.h"

enum { TASKS = 16, ROUNDS = 200, PATIENCE_MS = 10000 };

static struct dm_runtime runtime;
static struct dm_err err;

/* ---- time and chance ----------------------------------------------------------------------------------------- */

static void the_monotonic_clock_never_goes_back(void **state)
{
    int64_t last_ms = dm_mono_ms(runtime);
    for (int i = 0; i < 1000; i++) {
        int64_t now_ms = dm_mono_ms(runtime);
        assert_true(now_ms >= last_ms);
        last_ms = now_ms;
    }
}

static void the_wall_clock_is_after_this_was_written(void **state)
{
    assert_true(dm_wall_ms(runtime) > 1700000000000);
}

static void sleeping_takes_as_long_as_was_asked(void **state)
{
    const int64_t until_ms = dm_mono_ms(runtime) + 20;
    dm_sleep_until(runtime, until_ms);
    assert_true(dm_mono_ms(runtime) >= until_ms);
    dm_sleep_until(runtime, until_ms); /* over already */
    dm_sleep_until(runtime, INT64_MIN);
}

static void random_bytes_differ(void **state)
{
    unsigned char first[32] = { 0 }, second[32] = { 0 };
    dm_random(runtime, first, sizeof(first));
    dm_random(runtime, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    dm_random(runtime, first, 0);
}

static void random_bytes_fill_any_size_and_no_more(void **state)
{
    static unsigned char bytes[100000 + 1];
    memset(bytes, 0, sizeof(bytes));
    dm_random(runtime, bytes, sizeof(bytes) - 1);
    assert_int_equal(bytes[sizeof(bytes) - 1], 0);
    size_t zeros = 0;
    for (size_t i = 0; i + 1 < sizeof(bytes); i++)
        zeros += bytes[i] == 0;
    assert_in_range(zeros, 200, 600); /* 391 on average */
}

static void fresh_ids_are_ids_and_differ(void **state)
{
    char ids[100][DM_ID_TEXT];
    for (size_t i = 0; i < DM_COUNT(ids); i++) {
        struct dm_str id = dm_fresh_id(runtime, ids[i]);
        assert_true(dm_id_valid(id));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

/* ---- tasks and monitors -------------------------------------------------------------------------------------- */

struct shared {
    struct dm_monitor *monitor;
    int64_t deadline_ms;
    uint32_t count;
    uint32_t waiting;
    uint32_t timeouts;
    bool open;
};

static struct shared make_shared(void)
{
    struct shared shared = { .deadline_ms = dm_mono_ms(runtime) + PATIENCE_MS };
    assert_ok(dm_monitor_make(runtime, &shared.monitor, &err), &err);
    return shared;
}

static void spawn_all(struct dm_task **tasks, uint32_t count, dm_task_function *function, struct shared *shared)
{
    for (uint32_t i = 0; i < count; i++)
        assert_ok(dm_spawn(runtime, "contract", function, shared, &tasks[i], &err), &err);
}

static void join_all(struct dm_task **tasks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        dm_join(runtime, tasks[i]);
}

static void count_under_lock(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < ROUNDS; i++) {
        dm_lock(runtime, shared->monitor);
        uint32_t seen = shared->count;
        if (i % 50 == 0) {
            dm_unlock(runtime, shared->monitor);
            dm_sleep_until(runtime, dm_mono_ms(runtime) + 1);
            dm_lock(runtime, shared->monitor);
            seen = shared->count;
        }
        shared->count = seen + 1;
        dm_unlock(runtime, shared->monitor);
    }
}

static void a_monitor_lets_one_in_at_a_time(void **state)
{
    struct shared shared = make_shared();
    struct dm_task *tasks[TASKS];
    spawn_all(tasks, TASKS, count_under_lock, &shared);
    join_all(tasks, TASKS);
    assert_int_equal(shared.count, TASKS * ROUNDS);
    dm_monitor_free(runtime, shared.monitor);
    dm_monitor_free(runtime, NULL);
}

static void what_a_task_did_is_seen_after_joining_it(void **state)
{
    struct shared shared = make_shared();
    struct dm_task *task;
    spawn_all(&task, 1, count_under_lock, &shared);
    join_all(&task, 1);
    assert_int_equal(shared.count, ROUNDS);
    dm_monitor_free(runtime, shared.monitor);
}

static void a_wait_ends_at_its_deadline_with_the_lock_held(void **state)
{
    struct shared shared = make_shared();
    dm_lock(runtime, shared.monitor);
    const int64_t until_ms = dm_mono_ms(runtime) + 20;
    while (dm_wait_until(runtime, shared.monitor, until_ms))
        assert_true(dm_mono_ms(runtime) < until_ms + PATIENCE_MS);
    assert_true(dm_mono_ms(runtime) >= until_ms);
    assert_false(dm_wait_until(runtime, shared.monitor, until_ms)); /* over already */
    assert_false(dm_wait_until(runtime, shared.monitor, INT64_MIN));
    dm_unlock(runtime, shared.monitor);
    dm_monitor_free(runtime, shared.monitor);
}

static void wait_for_the_gate(void *argument)
{
    struct shared *shared = argument;
    dm_lock(runtime, shared->monitor);
    shared->waiting++;
    dm_wake_all(runtime, shared->monitor);
    while (!shared->open) {
        if (!dm_wait_until(runtime, shared->monitor, shared->deadline_ms)) {
            shared->timeouts++;
            break;
        }
    }
    shared->count++;
    dm_unlock(runtime, shared->monitor);
}

static void waking_all_ends_every_wait(void **state)
{
    struct shared shared = make_shared();
    struct dm_task *tasks[TASKS];
    spawn_all(tasks, TASKS, wait_for_the_gate, &shared);
    dm_lock(runtime, shared.monitor);
    while (shared.waiting < TASKS)
        assert_true(dm_wait_until(runtime, shared.monitor, DM_FOREVER));
    assert_int_equal(shared.count, 0);
    shared.open = true;
    dm_wake_all(runtime, shared.monitor);
    dm_unlock(runtime, shared.monitor);
    join_all(tasks, TASKS);
    assert_int_equal(shared.count, TASKS);
    assert_int_equal(shared.timeouts, 0);
    dm_monitor_free(runtime, shared.monitor);
}

/* Takes one thing at a time as they come, until all are taken. */
static void take_things(void *argument)
{
    struct shared *shared = argument;
    for (;;) {
        dm_lock(runtime, shared->monitor);
        while (shared->waiting == 0 && !shared->open) {
            if (!dm_wait_until(runtime, shared->monitor, shared->deadline_ms)) {
                shared->timeouts++;
                break;
            }
        }
        bool took = shared->waiting > 0;
        if (took) {
            shared->waiting--;
            shared->count++;
        }
        dm_unlock(runtime, shared->monitor);
        if (!took)
            return;
    }
}

static void waking_one_is_enough_for_one_thing(void **state)
{
    struct shared shared = make_shared();
    struct dm_task *tasks[TASKS];
    spawn_all(tasks, TASKS, take_things, &shared);
    for (int i = 0; i < ROUNDS; i++) {
        dm_lock(runtime, shared.monitor);
        shared.waiting++;
        dm_wake_one(runtime, shared.monitor);
        dm_unlock(runtime, shared.monitor);
    }
    dm_lock(runtime, shared.monitor);
    shared.open = true;
    dm_wake_all(runtime, shared.monitor);
    dm_unlock(runtime, shared.monitor);
    join_all(tasks, TASKS);
    assert_int_equal(shared.count, ROUNDS);
    assert_int_equal(shared.timeouts, 0);
    dm_monitor_free(runtime, shared.monitor);
}

static void many_tasks_can_wait_at_once(void **state)
{
    enum { MANY = 150 };
    struct shared shared = make_shared();
    struct dm_task *tasks[MANY];
    spawn_all(tasks, MANY, wait_for_the_gate, &shared);
    dm_lock(runtime, shared.monitor);
    shared.open = true;
    dm_wake_all(runtime, shared.monitor);
    dm_unlock(runtime, shared.monitor);
    join_all(tasks, MANY);
    assert_int_equal(shared.count, MANY);
    dm_monitor_free(runtime, shared.monitor);
}

int runtime_contract(struct dm_runtime given)
{
    runtime = given;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_is_after_this_was_written),
        cmocka_unit_test(sleeping_takes_as_long_as_was_asked),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(random_bytes_fill_any_size_and_no_more),
        cmocka_unit_test(fresh_ids_are_ids_and_differ),
        cmocka_unit_test(a_monitor_lets_one_in_at_a_time),
        cmocka_unit_test(what_a_task_did_is_seen_after_joining_it),
        cmocka_unit_test(a_wait_ends_at_its_deadline_with_the_lock_held),
        cmocka_unit_test(waking_all_ends_every_wait),
        cmocka_unit_test(waking_one_is_enough_for_one_thing),
        cmocka_unit_test(many_tasks_can_wait_at_once),
    };
    return run_group("the runtime's contract", tests, NULL, NULL);
}
