/* test_threads.c: what the thread runtime and the ring of hints do beyond their contracts. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "embedded/embedded.h"
#include "embedded/stream_ring.h"
#include "testing.h"

static struct dm_err err;

/* ---- threads ------------------------------------------------------------------------------------------------- */

struct seen {
    char name[16];
    sigset_t blocked;
    pthread_t thread;
};

static void look_around(void *argument)
{
    struct seen *seen = argument;
    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    seen->thread = pthread_self();
}

static void a_task_has_its_name_and_leaves_signals_to_the_main_thread(void **state)
{
    struct dm_runtime runtime = dm_threads_runtime();
    struct dm_task *task;
    struct seen seen;
    assert_ok(dm_spawn(runtime, "a-name-that-is-too-long", look_around, &seen, &task, &err), &err);
    dm_join(runtime, task);
    assert_string_equal(seen.name, "a-name-that-is-");
    assert_true(sigismember(&seen.blocked, SIGTERM));
    assert_true(sigismember(&seen.blocked, SIGINT));
    assert_true(sigismember(&seen.blocked, SIGCHLD));
    assert_false(sigismember(&seen.blocked, SIGSEGV));
    assert_false(sigismember(&seen.blocked, SIGABRT));
    sigset_t own;
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    assert_false(sigismember(&own, SIGTERM));
}

static void use_much_stack(void *argument)
{
    volatile char room[150 * 1024];
    for (size_t i = 0; i < sizeof(room); i += 1024)
        room[i] = (char)i;
    *(int *)argument = room[1024] + 1;
}

static void a_task_has_room_for_what_libraries_put_on_the_stack(void **state)
{
    struct dm_runtime runtime = dm_threads_runtime();
    struct dm_task *task;
    int done = 0;
    assert_ok(dm_spawn(runtime, NULL, use_much_stack, &done, &task, &err), &err);
    dm_join(runtime, task);
    assert_int_equal(done, 1);
}

/* ---- hints --------------------------------------------------------------------------------------------------- */

static struct dm_hint hint_of(unsigned n)
{
    struct dm_hint hint = { .tenant = { "acme" } };
    snprintf(hint.file.id, sizeof(hint.file.id), "0192f3c4-5d6e-7f80-9a1b-%012x", n);
    return hint;
}

static uint32_t pull_all(struct dm_stream stream, struct dm_stream_message *ret, uint32_t max)
{
    uint32_t count = 0;
    assert_ok(dm_stream_pull(stream, max, 0, ret, &count, &err), &err);
    return count;
}

static void a_document_is_hinted_at_once_until_somebody_took_it(void **state)
{
    struct dm_ring *ring;
    struct dm_stream_message messages[10];
    assert_ok(dm_ring_make(dm_threads_runtime(), &ring, &err), &err);
    struct dm_stream stream = dm_ring_stream(ring);
    for (int i = 0; i < 9; i++) {
        struct dm_hint hint = hint_of((unsigned)i % 3);
        assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    }
    assert_int_equal(pull_all(stream, messages, 10), 3);
    for (unsigned i = 0; i < 3; i++) {
        struct dm_hint hint = hint_of(i);
        assert_string_equal(messages[i].hint.file.id, hint.file.id);
    }
    struct dm_hint hint = hint_of(1);
    assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    assert_int_equal(pull_all(stream, messages, 10), 1);
    dm_ring_free(ring);
    dm_ring_free(NULL);
}

static void a_full_ring_forgets_the_oldest(void **state)
{
    static struct dm_stream_message messages[DM_RING_HINTS + 10];
    struct dm_ring *ring;
    assert_ok(dm_ring_make(dm_threads_runtime(), &ring, &err), &err);
    struct dm_stream stream = dm_ring_stream(ring);
    /* More than once around, so that the oldest has stood everywhere. */
    for (unsigned i = 0; i < 3 * DM_RING_HINTS + 7; i++) {
        struct dm_hint hint = hint_of(i);
        assert_ok(dm_stream_publish(stream, &hint, &err), &err);
    }
    assert_int_equal(pull_all(stream, messages, DM_COUNT(messages)), DM_RING_HINTS);
    for (unsigned i = 0; i < DM_RING_HINTS; i++) {
        struct dm_hint hint = hint_of(2 * DM_RING_HINTS + 7 + i);
        assert_string_equal(messages[i].hint.file.id, hint.file.id);
    }
    dm_ring_free(ring);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_has_its_name_and_leaves_signals_to_the_main_thread),
        cmocka_unit_test(a_task_has_room_for_what_libraries_put_on_the_stack),
        cmocka_unit_test(a_document_is_hinted_at_once_until_somebody_took_it),
        cmocka_unit_test(a_full_ring_forgets_the_oldest),
    };
    return run_group("threads and hints", tests, NULL, NULL);
}
