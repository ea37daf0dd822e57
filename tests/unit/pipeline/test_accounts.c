/* test_accounts.c: tenants with keys of their own. What a provider says to one key brakes nobody who has another; and what a model
 * refuses before it asks anybody. */
#include "domain/limits.h"
#include "trouble.h"

static int setup(void **state)
{
    rig_setup(state);
    trouble_wrap(*state);
    return 0;
}

/* The tenant "own" has a key of this number. */
static void give_key(struct rig *rig, uint64_t key, enum dm_reason reason)
{
    struct fake_model *model = &rig->model;
    dm_lock(model->runtime, model->monitor);
    model->keyed = rig_tenant("own");
    model->key = key;
    model->key_reason = reason;
    dm_unlock(model->runtime, model->monitor);
}

static void assert_read(struct rig *rig, const char *tenant, const struct dm_file *file, uint32_t pages)
{
    struct dm_state state = rig_state(rig, tenant, file);
    assert_int_equal(state.status, DM_STATUS_COMPLETED);
    assert_int_equal(state.processed, pages);
}

static struct dm_page page_of(struct rig *rig, const char *id, const struct dm_file *file, uint32_t number,
                              struct dm_arena *arena)
{
    const struct dm_tenant tenant = rig_tenant(id);
    struct dm_page_list pages;
    assert_int_equal(dm_store_pages(trouble.store, &tenant, file, number, number, 1, arena, &pages, &rig->err), DM_OK);
    assert_int_equal(pages.count, 1);
    return pages.at[0];
}

/* More pages than the worker takes in hand for one tenant, and than it keeps read for one account. */
enum { MANY = 5 };

static void given_a_tenant_whose_key_is_refused_then_others_are_read_as_if_it_were_not_there(void **state)
{
    struct rig *rig = *state;
    struct dm_file braked[MANY];
    trouble_limit(rig, 4);
    give_key(rig, 7, DM_REASON_AUTH_FAILED);
    for (int i = 0; i < MANY; i++)
        braked[i] = rig_accept(rig, "own", "%PDF- pages=80", "");
    rig_start(rig, 2);
    trouble_pass(3000, 500);
    struct dm_file others[MANY];
    for (int i = 0; i < MANY; i++) {
        others[i] = rig_accept(rig, i % 2 ? "a" : "b", "%PDF- pages=80", "");
        assert_true(trouble_until_ended(i % 2 ? "a" : "b", &others[i], 10000));
        assert_read(rig, i % 2 ? "a" : "b", &others[i], 80);
    }
    assert_false(dm_status_is_final(rig_state(rig, "own", &braked[0]).status));
    assert_int_equal(dm_limiter_look(rig->limiter).breaker, DM_BREAKER_CLOSED);
    struct dm_shut_account shut;
    assert_int_equal(dm_limiter_look_shut(rig->limiter, 1, &shut), 1);
    assert_string_equal(shut.tenant.id, "own");
    assert_int_equal(shut.view.reason, DM_REASON_AUTH_FAILED);
    assert_true(rig->model.key_calls < 10); /* single calls find out whether it still is */
    /* A new key is used without waiting for the old one's next try. */
    give_key(rig, 8, DM_REASON_NONE);
    for (int i = 0; i < MANY; i++) {
        assert_true(trouble_until_ended("own", &braked[i], 10000));
        assert_read(rig, "own", &braked[i], 80);
    }
    assert_int_equal(dm_limiter_look_shut(rig->limiter, 0, NULL), 0); /* what the old one was told is over */
}

static void given_a_common_key_that_is_refused_then_a_tenant_with_its_own_is_read(void **state)
{
    struct rig *rig = *state;
    enum { PAGES = 200 };
    trouble_limit(rig, 4);
    give_key(rig, 7, DM_REASON_NONE);
    rig->model.reason = DM_REASON_AUTH_FAILED;
    for (uint32_t page = 41; page <= PAGES; page++)
        rig->model.fail_times[page] = 100000;
    struct dm_file refused[MANY];
    for (int i = 0; i < MANY; i++)
        refused[i] = rig_accept(rig, i % 2 ? "a" : "b", "%PDF- pages=200", "41-200");
    rig_start(rig, 2);
    trouble_pass(3000, 500);
    struct dm_file own = rig_accept(rig, "own", "%PDF- pages=40", "");
    assert_true(trouble_until_ended("own", &own, 10000));
    assert_read(rig, "own", &own, 40);
    for (int i = 0; i < MANY; i++)
        assert_false(dm_status_is_final(rig_state(rig, i % 2 ? "a" : "b", &refused[i]).status));
    assert_int_equal(dm_limiter_look(rig->limiter).reason, DM_REASON_AUTH_FAILED);
    assert_int_equal(dm_limiter_look_shut(rig->limiter, 0, NULL), 0);
}

static void given_a_key_that_changes_while_pages_wait_then_no_call_is_made_with_the_leave_of_another(void **state)
{
    struct rig *rig = *state;
    trouble_limit(rig, 2);
    struct dm_file file = rig_accept(rig, "own", "%PDF- pages=60", "");
    rig_hold_model(rig, true);
    rig_start(rig, 1);
    trouble_pass(500, 100);
    give_key(rig, 9, DM_REASON_NONE); /* until now it used the common one */
    rig_hold_model(rig, false);
    assert_true(trouble_until_ended("own", &file, 10000));
    assert_read(rig, "own", &file, 60);
    assert_true(rig->model.strays > 0); /* they were refused and made once more with the right one */
    assert_int_equal(dm_limiter_look(rig->limiter).in_flight, 0);
}

static void given_pages_that_the_model_can_never_be_asked_about_then_they_end_at_once_with_the_reason(void **state)
{
    struct rig *rig = *state;
    rig->model.refusals[1] = DM_TOO_LARGE;
    rig->model.refusals[2] = DM_UNSUPPORTED;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_start(rig, 1);
    assert_true(trouble_until_ended("t", &file, 3000));
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    assert_int_equal(page_of(rig, "t", &file, 1, &arena).reason, DM_REASON_TOO_LARGE);
    assert_int_equal(page_of(rig, "t", &file, 2, &arena).reason, DM_REASON_UNSUPPORTED);
    assert_int_equal(page_of(rig, "t", &file, 3, &arena).status, DM_PAGE_DONE);
    assert_int_equal(rig->model.refused, 2);
}

static void given_no_key_at_all_then_pages_wait_as_for_one_that_was_refused_and_go_on_when_there_is_one(void **state)
{
    struct rig *rig = *state;
    enum { PAGES = 10 };
    for (uint32_t page = 1; page <= PAGES; page++)
        rig->model.refusals[page] = DM_DENIED;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=10", "");
    rig_start(rig, 1);
    trouble_pass(20 * 60 * 1000, 5000);
    assert_false(dm_status_is_final(rig_state(rig, "t", &file).status));
    assert_int_equal(dm_limiter_look(rig->limiter).reason, DM_REASON_AUTH_FAILED);
    assert_true(rig->model.refused < 40);
    dm_lock(rig->model.runtime, rig->model.monitor);
    for (uint32_t page = 1; page <= PAGES; page++)
        rig->model.refusals[page] = DM_OK;
    dm_unlock(rig->model.runtime, rig->model.monitor);
    trouble_pass(5 * 60 * 1000, 5000); /* the next single call */
    assert_true(trouble_until_ended("t", &file, 10000));
    assert_read(rig, "t", &file, PAGES);
}

static void given_no_key_for_an_hour_then_the_pages_end_with_the_reason(void **state)
{
    struct rig *rig = *state;
    rig->model.refusals[1] = DM_DENIED;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=1", "");
    rig_start(rig, 1);
    trouble_pass(dm_reason_patience_ms(DM_REASON_AUTH_FAILED) + 600 * 1000, 10000);
    assert_true(trouble_until_ended("t", &file, 10000));
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    assert_int_equal(page_of(rig, "t", &file, 1, &arena).reason, DM_REASON_AUTH_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            given_a_tenant_whose_key_is_refused_then_others_are_read_as_if_it_were_not_there, setup, rig_teardown),
        cmocka_unit_test_setup_teardown(given_a_common_key_that_is_refused_then_a_tenant_with_its_own_is_read, setup,
                                        rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_a_key_that_changes_while_pages_wait_then_no_call_is_made_with_the_leave_of_another, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_pages_that_the_model_can_never_be_asked_about_then_they_end_at_once_with_the_reason, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(
            given_no_key_at_all_then_pages_wait_as_for_one_that_was_refused_and_go_on_when_there_is_one, setup,
            rig_teardown),
        cmocka_unit_test_setup_teardown(given_no_key_for_an_hour_then_the_pages_end_with_the_reason, setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests_name("tenants' own keys", tests, NULL, NULL);
}
