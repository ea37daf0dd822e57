/* test_trouble.c: nothing can be written for a while, or memory is out for an instant. What was accepted waits, is read to
 * its end afterwards, and pays for nothing twice. */
#include "domain/limits.h"
#include "pipeline/worker.h"
#include "trouble.h"

static int setup(void **state)
{
    rig_setup(state);
    trouble_wrap(*state);
    return 0;
}

/* Twice what it reads at once is asked of it. */
static bool model_is_full(struct rig *rig, const void *argument)
{
    dm_lock(rig->model.runtime, rig->model.monitor);
    bool full = rig->model.waiting >= 128;
    dm_unlock(rig->model.runtime, rig->model.monitor);
    return full;
}

static void until_refused(uint32_t count)
{
    for (int tries = 0; atomic_load(&trouble.refused) < count; tries++) {
        assert_true(tries < 2000);
        trouble_pass(100, 100);
    }
}

static void assert_completed(struct rig *rig, const struct dm_file *file, uint32_t pages)
{
    struct dm_state state = rig_state(rig, "t", file);
    assert_int_equal(state.status, DM_STATUS_COMPLETED);
    assert_int_equal(state.processed, pages);
    assert_int_equal(state.failed, 0);
    struct dm_buf text = rig_result(rig, "t", file, DM_RESULT_JSON, false);
    assert_true(text.len > 0);
    dm_buf_free(&text);
}

static void given_a_disk_that_fills_up_as_a_result_is_written_when_it_has_room_then_the_result_is_there_at_once(
    void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=5", "");
    atomic_store(&trouble.full_at_result, true);
    rig_start(rig, 1);
    /* More often than attempts at a result are counted. */
    for (int i = 0; i < DM_AGGREGATIONS_MAX + 2; i++) {
        uint32_t before = atomic_load(&trouble.refused);
        until_refused(before + 2); /* the result, and that it is put off */
        atomic_store(&trouble.full, false);
    }
    atomic_store(&trouble.full_at_result, false);
    atomic_store(&trouble.full, false);
    assert_true(trouble_until_ended("t", &file, DM_AGGREGATE_LEASE_MS / 3));
    assert_completed(rig, &file, 5);
}

static void given_pages_under_way_when_the_disk_is_full_for_ten_minutes_then_all_of_them_are_read_afterwards(
    void **state)
{
    struct rig *rig = *state;
    enum { DOCUMENTS = 6, PAGES = 40 }; /* more pages in hand than the model is asked about at once */
    struct dm_file files[DOCUMENTS];
    rig_hold_model(rig, true);
    for (int i = 0; i < DOCUMENTS; i++)
        files[i] = rig_accept(rig, "t", "%PDF- pages=40", "");
    rig_start(rig, 2);
    rig_until(rig, model_is_full, NULL);
    atomic_store(&trouble.full, true);
    trouble_pass(DM_CLAIM_LEASE_MS + 5000, 1000); /* no claim can be renewed */
    rig_hold_model(rig, false);
    until_refused(1);
    trouble_pass(600 * 1000, 5000);
    atomic_store(&trouble.full, false);
    for (int i = 0; i < DOCUMENTS; i++) {
        assert_true(trouble_until_ended("t", &files[i], 120000));
        assert_completed(rig, &files[i], PAGES);
    }
}

/* Each would be a loss of its pages, and a single page ends `crashed` after three. */
static void given_claims_that_get_no_answer_then_no_page_pays_for_it(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=1", "");
    atomic_store(&trouble.lost_claims, 2 * DM_PAGE_LOSSES_MAX);
    rig_start(rig, 1);
    assert_true(trouble_until_ended("t", &file, DM_CLAIM_LEASE_MS / 2));
    assert_int_equal(atomic_load(&trouble.lost_claims), 0);
    assert_completed(rig, &file, 1);
    assert_int_equal(rig_calls(rig, 1), 1);
}

/* The claim of the later pages goes back behind the worker's back, as after a lease that ran out. */
static void take_last_claim_away(struct rig *rig, const struct dm_file *file)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    const struct dm_tenant tenant = rig_tenant("t");
    struct dm_snapshot snapshot;
    assert_int_equal(dm_store_read(trouble.store, &tenant, file, DM_PART_CLAIMS, &arena, &snapshot, &rig->err), DM_OK);
    assert_int_equal(snapshot.claim_count, 2);
    const struct dm_claim *last = &snapshot.claims[snapshot.claims[1].first > snapshot.claims[0].first];
    assert_int_equal(dm_claim_return(&rig->pipeline, &tenant, file, last, DM_HANDED_BACK, 0, &rig->err), DM_OK);
}

static void given_pages_that_wait_for_the_model_when_one_of_two_claims_is_lost_then_the_others_pages_go_on(void **state)
{
    enum { PAGES = 80, CALLS = 30 }; /* asked about are pages of the first claim; of both some wait */
    struct rig *rig = *state;
    rig_hold_model(rig, true);
    trouble_limit(rig, CALLS);
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=80", "");
    rig_start(rig, 2);
    trouble_pass(1000, 100);
    take_last_claim_away(rig, &file);
    trouble_pass(DM_CLAIM_RENEW_MS + 2000, 1000); /* the worker learns of it */
    rig_hold_model(rig, false);
    assert_true(trouble_until_ended("t", &file, DM_CLAIM_LEASE_MS));
    assert_completed(rig, &file, PAGES);
}

/* Of all allocations of the pipeline's tasks the n-th fails, and the 50th, 100th, 150th … after it, for every n. */
static void given_allocations_that_fail_in_any_task_then_the_document_is_read_to_its_end_all_the_same(void **state)
{
    enum { PAGES = 3, EVERY = 50, MOST = 300 }; /* of about 200 that a document takes */
    struct rig *rig = *state;
    rig_start(rig, 1);
    atomic_store(&trouble.fail_most, MOST);
    atomic_store(&trouble.fail_every, EVERY);
    for (uint32_t n = 0; n < EVERY; n++) {
        atomic_store(&trouble.failed, 0);
        atomic_store(&trouble.allocations, n);
        struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
        if (!trouble_until_ended("t", &file, 300000))
            fail_msg("with each allocation failing whose number is %u or %d more the document does not end", n, EVERY);
        assert_true(atomic_load(&trouble.failed) > 2);
        assert_completed(rig, &file, PAGES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            given_a_disk_that_fills_up_as_a_result_is_written_when_it_has_room_then_the_result_is_there_at_once, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_pages_under_way_when_the_disk_is_full_for_ten_minutes_then_all_of_them_are_read_afterwards, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(given_claims_that_get_no_answer_then_no_page_pays_for_it, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_pages_that_wait_for_the_model_when_one_of_two_claims_is_lost_then_the_others_pages_go_on, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_allocations_that_fail_in_any_task_then_the_document_is_read_to_its_end_all_the_same, setup,
            rig_teardown),
    };
    return cmocka_run_group_tests_name("a pipeline in trouble", tests, NULL, NULL);
}
