/* test_extractive_model.c: the built-in model behind the port, with real threads. */
#include "rig.h"

#include <stdlib.h>

#include "embedded/embedded.h"

enum { CALLS_MAX = 400 };

/* The threads' runtime, counting the tasks that were started. */
struct counting {
    struct dm_runtime_ops ops;
    struct dm_runtime inner;
    int spawned; /* changed by whoever calls the model, one at a time in these tests */
    bool refuse;
};

/* What the calls of one test came to. The monitor guards the answers. */
struct calls {
    struct counting counting;
    struct dm_runtime runtime;
    struct dm_model model;
    struct dm_monitor *monitor;
    struct call {
        struct calls *all;
        struct dm_model_request request;
        struct dm_model_answer answer;
        int answered;
    } call[CALLS_MAX];
    int answered;
    bool held; /* `done` waits while it is set: the task is kept busy */
    bool holding;
};

static enum dm_code spawn_counted(void *self, const char *name, dm_task_function *function, void *argument,
                                  struct dm_task **ret, struct dm_err *err)
{
    struct counting *counting = self;
    if (counting->refuse)
        return dm_fail(err, DM_BUSY, "no task to be had");
    counting->spawned++;
    return dm_spawn(counting->inner, name, function, argument, ret, err);
}

static void join_inner(void *self, struct dm_task *task)
{
    dm_join(((struct counting *)self)->inner, task);
}

static enum dm_code monitor_make_inner(void *self, struct dm_monitor **ret, struct dm_err *err)
{
    return dm_monitor_make(((struct counting *)self)->inner, ret, err);
}

static void monitor_free_inner(void *self, struct dm_monitor *monitor)
{
    dm_monitor_free(((struct counting *)self)->inner, monitor);
}

static void lock_inner(void *self, struct dm_monitor *monitor)
{
    dm_lock(((struct counting *)self)->inner, monitor);
}

static void unlock_inner(void *self, struct dm_monitor *monitor)
{
    dm_unlock(((struct counting *)self)->inner, monitor);
}

static bool wait_inner(void *self, struct dm_monitor *monitor, int64_t mono_ms)
{
    return dm_wait_until(((struct counting *)self)->inner, monitor, mono_ms);
}

static void wake_all_inner(void *self, struct dm_monitor *monitor)
{
    dm_wake_all(((struct counting *)self)->inner, monitor);
}

static void wake_one_inner(void *self, struct dm_monitor *monitor)
{
    dm_wake_one(((struct counting *)self)->inner, monitor);
}

/* Clock and chance are left out: a model that asked for them would end the test. */
static const struct dm_runtime_ops counting_ops = {
    .name = "counting",
    .spawn = spawn_counted,
    .join = join_inner,
    .monitor_make = monitor_make_inner,
    .monitor_free = monitor_free_inner,
    .lock = lock_inner,
    .unlock = unlock_inner,
    .wait_until = wait_inner,
    .wake_all = wake_all_inner,
    .wake_one = wake_one_inner,
};

static struct calls *calls_with(uint32_t threads, uint32_t queue_max)
{
    struct dm_err err;
    struct calls *calls = calloc(1, sizeof(*calls));
    assert_non_null(calls);
    calls->runtime = dm_threads_runtime();
    calls->counting.inner = calls->runtime;
    assert_ok(dm_monitor_make(calls->runtime, &calls->monitor, &err), &err);
    const struct dm_models_extractive_options options = {
        .runtime = { .ops = &counting_ops, .self = &calls->counting },
        .threads = threads,
        .queue_max = queue_max,
    };
    assert_ok(dm_model_extractive_start(&options, &calls->model, &err), &err);
    return calls;
}

static void done(void *context, struct dm_model_answer *answer)
{
    struct call *call = context;
    struct calls *all = call->all;
    dm_lock(all->runtime, all->monitor);
    all->holding = true;
    dm_wake_all(all->runtime, all->monitor);
    while (all->held)
        (void)dm_wait_until(all->runtime, all->monitor, DM_FOREVER);
    call->answer = *answer;
    call->answered++;
    all->answered++;
    dm_wake_all(all->runtime, all->monitor);
    dm_unlock(all->runtime, all->monitor);
}

static enum dm_code call_page(struct calls *calls, int i, const char *text)
{
    static const struct dm_tenant tenant = { "tenant" };
    struct dm_err err;
    struct call *call = &calls->call[i];
    call->all = calls;
    call->request = (struct dm_model_request){ .task = DM_MODEL_PAGE, .page = 1, .text = dm_str_z(text) };
    return dm_model_start(calls->model, &tenant, &call->request, done, call, &err);
}

static void wait_for_answers(struct calls *calls, int count)
{
    dm_lock(calls->runtime, calls->monitor);
    while (calls->answered < count)
        (void)dm_wait_until(calls->runtime, calls->monitor, DM_FOREVER);
    dm_unlock(calls->runtime, calls->monitor);
}

/* A call whose `done` keeps its task until `release`. */
static void hold(struct calls *calls, int i)
{
    calls->held = true;
    assert_int_equal(call_page(calls, i, "One is held."), DM_OK);
    dm_lock(calls->runtime, calls->monitor);
    while (!calls->holding)
        (void)dm_wait_until(calls->runtime, calls->monitor, DM_FOREVER);
    dm_unlock(calls->runtime, calls->monitor);
}

static void release(struct calls *calls)
{
    dm_lock(calls->runtime, calls->monitor);
    calls->held = false;
    dm_wake_all(calls->runtime, calls->monitor);
    dm_unlock(calls->runtime, calls->monitor);
}

static void calls_free(struct calls *calls)
{
    if (calls->model.ops)
        dm_model_extractive_stop(&calls->model);
    for (int i = 0; i < CALLS_MAX; i++)
        dm_model_answer_free(&calls->call[i].answer);
    dm_monitor_free(calls->runtime, calls->monitor);
    free(calls);
}

static void a_page_is_answered_later_with_its_analysis_and_usage(void **state)
{
    struct calls *calls = calls_with(1, 4);
    assert_string_equal(calls->model.name, "extractive:1");
    assert_int_equal(call_page(calls, 0, "The ship left the harbour in the morning."), DM_OK);
    wait_for_answers(calls, 1);
    const struct dm_model_answer *answer = &calls->call[0].answer;
    assert_int_equal(answer->reason, DM_REASON_NONE);
    DM_AUTO(dm_buf) same = rig_bytes(state, DM_STR("The ship left the harbour in the morning."));
    assert_text(dm_buf_str(&answer->analysis), dm_buf_str(&same));
    assert_int_equal(answer->usage.model_calls, 1);
    assert_int_equal(answer->usage.input_tokens, 8);
    calls_free(calls);
}

static void a_reduction_is_answered_too(void **state)
{
    static const struct dm_tenant tenant = { "tenant" };
    struct calls *calls = calls_with(1, 4);
    struct dm_err err;
    struct dm_page_digest digest = { .page = 4, .summary = DM_STR("The ship left the harbour in the morning.") };
    struct call *call = &calls->call[0];
    call->all = calls;
    call->request = (struct dm_model_request){ .task = DM_MODEL_REDUCTION, .digests = &digest, .digest_count = 1 };
    assert_ok(dm_model_start(calls->model, &tenant, &call->request, done, call, &err), &err);
    wait_for_answers(calls, 1);
    assert_text(dm_buf_str(&call->answer.analysis),
                DM_STR("{\"summary\":\"The ship left the harbour in the morning.\",\"keyPoints\":[]}"));
    calls_free(calls);
}

static void the_answer_never_comes_from_inside_start(void **state)
{
    struct calls *calls = calls_with(2, 8);
    for (int i = 0; i < 8; i++) {
        /* `done` needs this lock: called from start, it would wait for ever. */
        dm_lock(calls->runtime, calls->monitor);
        assert_int_equal(call_page(calls, i, "The ship left."), DM_OK);
        assert_int_equal(calls->call[i].answered, 0);
        dm_unlock(calls->runtime, calls->monitor);
    }
    wait_for_answers(calls, 8);
    calls_free(calls);
}

static void an_idle_model_has_no_tasks_and_a_busy_one_no_more_than_asked_for(void **state)
{
    struct calls *calls = calls_with(3, 64);
    assert_int_equal(dm_model_concurrency(calls->model), 3);
    assert_int_equal(calls->counting.spawned, 0);
    assert_int_equal(call_page(calls, 0, "The ship left."), DM_OK);
    assert_int_equal(calls->counting.spawned, 1);
    for (int i = 1; i < 40; i++)
        assert_int_equal(call_page(calls, i, "The ship left."), DM_OK);
    assert_true(calls->counting.spawned <= 3);
    wait_for_answers(calls, 40);
    calls_free(calls);
}

static void a_full_queue_is_busy_and_takes_calls_again_later(void **state)
{
    struct calls *calls = calls_with(1, 2);
    hold(calls, 0);
    assert_int_equal(call_page(calls, 1, "The ship left."), DM_OK);
    assert_int_equal(call_page(calls, 2, "The ship left."), DM_OK);
    assert_int_equal(call_page(calls, 3, "The ship left."), DM_BUSY);
    release(calls);
    wait_for_answers(calls, 3);
    assert_int_equal(calls->call[3].answered, 0);
    assert_int_equal(call_page(calls, 3, "The ship left."), DM_OK);
    wait_for_answers(calls, 4);
    calls_free(calls);
}

static void without_a_task_start_fails_and_done_is_not_called(void **state)
{
    struct calls *calls = calls_with(2, 4);
    calls->counting.refuse = true;
    assert_int_equal(call_page(calls, 0, "The ship left."), DM_BUSY);
    calls->counting.refuse = false;
    assert_int_equal(call_page(calls, 1, "The ship left."), DM_OK);
    wait_for_answers(calls, 1);
    assert_int_equal(calls->call[0].answered, 0);
    calls_free(calls);
}

static void one_task_is_enough_when_no_more_are_to_be_had(void **state)
{
    struct calls *calls = calls_with(4, 64);
    assert_int_equal(call_page(calls, 0, "The ship left."), DM_OK);
    calls->counting.refuse = true;
    for (int i = 1; i < 30; i++)
        assert_int_equal(call_page(calls, i, "The ship left."), DM_OK);
    wait_for_answers(calls, 30);
    calls_free(calls);
}

static void stop_model(void *argument)
{
    struct calls *calls = argument;
    struct dm_model model = calls->model;
    dm_model_extractive_stop(&model);
}

static void stopping_answers_what_waits_as_cancelled(void **state)
{
    struct dm_err err;
    struct calls *calls = calls_with(1, 8);
    hold(calls, 0);
    for (int i = 1; i < 6; i++)
        assert_int_equal(call_page(calls, i, "The ship left."), DM_OK);
    struct dm_task *task;
    assert_ok(dm_spawn(calls->runtime, "stop", stop_model, calls, &task, &err), &err);
    /* The stop waits for the call that is held; from its beginning on new ones are refused. */
    while (dm_model_check(calls->model, &err) == DM_OK)
        dm_sleep_until(calls->runtime, dm_mono_ms(calls->runtime) + 1);
    assert_int_equal(call_page(calls, 6, "The ship left."), DM_CANCELLED);
    release(calls);
    dm_join(calls->runtime, task);
    calls->model = (struct dm_model){ 0 };
    assert_int_equal(calls->answered, 6);
    assert_int_equal(calls->call[0].answer.reason, DM_REASON_NONE); /* it had been read before the stop */
    for (int i = 1; i < 6; i++) {
        assert_int_equal(calls->call[i].answered, 1);
        assert_int_equal(calls->call[i].answer.reason, DM_REASON_CANCELLED);
        assert_true(strlen(calls->call[i].answer.detail) > 0);
    }
    assert_int_equal(calls->call[6].answered, 0);
    calls_free(calls);
}

static void a_model_that_was_never_called_can_be_stopped(void **state)
{
    struct calls *calls = calls_with(4, 4);
    calls_free(calls);
}

static void many_calls_at_once_are_each_answered_once_and_alike(void **state)
{
    static const char *const pages[] = {
        "The ship left the harbour in the morning and came back before it was dark. It was loved by all.",
        "Das Schiff hat den Hafen am 3. März 2024 verlassen und ist vor der Nacht nicht zurückgekommen.",
        "東京国立博物館は、上野公園内にある博物館である。日本と東洋の文化財を展示している。",
        "",
    };
    struct dm_buf expected[4];
    for (int i = 0; i < 4; i++)
        expected[i] = rig_bytes(state, dm_str_z(pages[i]));
    struct calls *calls = calls_with(4, CALLS_MAX);
    for (int i = 0; i < CALLS_MAX; i++)
        assert_int_equal(call_page(calls, i, pages[i % 4]), DM_OK);
    wait_for_answers(calls, CALLS_MAX);
    for (int i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(calls->call[i].answered, 1);
        assert_text(dm_buf_str(&calls->call[i].answer.analysis), dm_buf_str(&expected[i % 4]));
    }
    calls_free(calls);
    for (int i = 0; i < 4; i++)
        dm_buf_free(&expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_answered_later_with_its_analysis_and_usage),
        cmocka_unit_test(a_reduction_is_answered_too),
        cmocka_unit_test(the_answer_never_comes_from_inside_start),
        cmocka_unit_test(an_idle_model_has_no_tasks_and_a_busy_one_no_more_than_asked_for),
        cmocka_unit_test(a_full_queue_is_busy_and_takes_calls_again_later),
        cmocka_unit_test(without_a_task_start_fails_and_done_is_not_called),
        cmocka_unit_test(one_task_is_enough_when_no_more_are_to_be_had),
        cmocka_unit_test(stopping_answers_what_waits_as_cancelled),
        cmocka_unit_test(a_model_that_was_never_called_can_be_stopped),
        cmocka_unit_test(many_calls_at_once_are_each_answered_once_and_alike),
    };
    return run_group("extractive: behind the port", tests, rig_open, rig_close);
}
