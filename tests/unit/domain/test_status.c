/* test_status.c: the table of moves, walked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/status.h"

/* Which statuses can be reached from `status`, itself included, without (or with) a retry. */
static void reach(enum dm_status status, bool with_retry, bool reached[DM_STATUS_COUNT])
{
    if (reached[status])
        return;
    reached[status] = true;
    int moves = with_retry ? DM_MOVE_COUNT : DM_MOVE_RETRY_PAGES;
    for (int move = 0; move < moves; move++) {
        enum dm_status next = dm_status_after(status, (enum dm_move)move);
        if (next != DM_STATUS_NONE)
            reach(next, with_retry, reached);
    }
}

static void given_an_awaited_upload_then_every_status_can_be_reached_without_a_retry(void **state)
{
    (void)state;
    bool reached[DM_STATUS_COUNT] = { false };
    reach(DM_STATUS_AWAITING_UPLOAD, false, reached);
    for (int status = DM_STATUS_NONE + 1; status < DM_STATUS_COUNT; status++)
        assert_true(reached[status]);
    assert_false(reached[DM_STATUS_NONE]);
}

static void given_any_status_that_is_no_end_then_it_can_fail_be_cancelled_and_complete(void **state)
{
    (void)state;
    for (int i = DM_STATUS_NONE + 1; i < DM_STATUS_COUNT; i++) {
        enum dm_status status = (enum dm_status)i;
        if (dm_status_is_final(status))
            continue;
        assert_int_equal(dm_status_after(status, DM_MOVE_FAIL), DM_STATUS_FAILED);
        assert_int_equal(dm_status_after(status, DM_MOVE_CANCEL), DM_STATUS_CANCELLED);
        bool reached[DM_STATUS_COUNT] = { false };
        reach(status, false, reached);
        assert_true(reached[DM_STATUS_COMPLETED]);
    }
}

static void given_an_end_then_only_a_retry_leaves_it_and_only_from_completed_and_failed(void **state)
{
    (void)state;
    for (int i = DM_STATUS_NONE; i < DM_STATUS_COUNT; i++)
        for (int move = 0; move < DM_MOVE_COUNT; move++) {
            enum dm_status status = (enum dm_status)i;
            enum dm_status next = dm_status_after(status, (enum dm_move)move);
            bool retry = move == DM_MOVE_RETRY_PAGES || move == DM_MOVE_RETRY_SPLIT;
            if (next == DM_STATUS_NONE)
                continue;
            assert_int_equal(retry, dm_status_is_final(status));
            if (retry)
                assert_false(dm_status_is_final(next));
        }
    assert_int_equal(dm_status_after(DM_STATUS_COMPLETED, DM_MOVE_RETRY_PAGES), DM_STATUS_PROCESSING);
    assert_int_equal(dm_status_after(DM_STATUS_COMPLETED, DM_MOVE_RETRY_SPLIT), DM_STATUS_NONE);
    assert_int_equal(dm_status_after(DM_STATUS_FAILED, DM_MOVE_RETRY_PAGES), DM_STATUS_PROCESSING);
    assert_int_equal(dm_status_after(DM_STATUS_FAILED, DM_MOVE_RETRY_SPLIT), DM_STATUS_PENDING);
    bool reached[DM_STATUS_COUNT] = { false };
    reach(DM_STATUS_CANCELLED, true, reached);
    for (int status = 0; status < DM_STATUS_COUNT; status++)
        assert_int_equal(reached[status], status == DM_STATUS_CANCELLED);
}

static void given_no_status_then_no_move_is_allowed(void **state)
{
    (void)state;
    for (int move = 0; move < DM_MOVE_COUNT; move++)
        assert_int_equal(dm_status_after(DM_STATUS_NONE, (enum dm_move)move), DM_STATUS_NONE);
    assert_false(dm_status_is_final(DM_STATUS_NONE));
}

static void given_the_way_of_a_document_then_each_step_is_allowed_in_its_place_alone(void **state)
{
    (void)state;
    static const struct {
        enum dm_move move;
        enum dm_status from;
        enum dm_status to;
    } steps[] = {
        { DM_MOVE_UPLOADED, DM_STATUS_AWAITING_UPLOAD, DM_STATUS_PENDING },
        { DM_MOVE_SPLIT_BEGUN, DM_STATUS_PENDING, DM_STATUS_CHUNKING },
        { DM_MOVE_SPLIT_LOST, DM_STATUS_CHUNKING, DM_STATUS_PENDING },
        { DM_MOVE_SPLIT_DONE, DM_STATUS_CHUNKING, DM_STATUS_PROCESSING },
        { DM_MOVE_RESULT_KEPT, DM_STATUS_AGGREGATING, DM_STATUS_COMPLETED },
    };
    for (size_t i = 0; i < DM_COUNT(steps); i++)
        for (int from = DM_STATUS_NONE; from < DM_STATUS_COUNT; from++)
            assert_int_equal(dm_status_after((enum dm_status)from, steps[i].move),
                             from == (int)steps[i].from ? steps[i].to : DM_STATUS_NONE);
    for (int from = DM_STATUS_NONE; from < DM_STATUS_COUNT; from++) /* a lease that ran out is taken over */
        assert_int_equal(dm_status_after((enum dm_status)from, DM_MOVE_AGGREGATE),
                         from == DM_STATUS_PROCESSING || from == DM_STATUS_AGGREGATING ? DM_STATUS_AGGREGATING
                                                                                       : DM_STATUS_NONE);
}

static void given_the_words_on_the_wire_then_each_is_its_own_and_comes_back(void **state)
{
    (void)state;
    enum dm_status parsed;
    for (int i = DM_STATUS_NONE + 1; i < DM_STATUS_COUNT; i++) {
        parsed = DM_STATUS_NONE;
        assert_true(dm_status_parse(dm_str_z(dm_status_text((enum dm_status)i)), &parsed));
        assert_int_equal(parsed, i);
    }
    parsed = DM_STATUS_PENDING;
    static const char *const others[] = { "", "PENDING", "pending ", "pend", "done" };
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_false(dm_status_parse(dm_str_z(others[i]), &parsed));
    assert_int_equal(parsed, DM_STATUS_PENDING);
    assert_string_equal(dm_status_text(DM_STATUS_NONE), "");
    assert_string_equal(dm_page_status_text(DM_PAGE_NONE), "");
    for (int i = DM_PAGE_NONE; i < DM_PAGE_STATUS_COUNT; i++)
        for (int other = DM_PAGE_NONE; other < i; other++)
            assert_string_not_equal(dm_page_status_text((enum dm_page_status)i),
                                    dm_page_status_text((enum dm_page_status)other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_an_awaited_upload_then_every_status_can_be_reached_without_a_retry),
        cmocka_unit_test(given_any_status_that_is_no_end_then_it_can_fail_be_cancelled_and_complete),
        cmocka_unit_test(given_an_end_then_only_a_retry_leaves_it_and_only_from_completed_and_failed),
        cmocka_unit_test(given_no_status_then_no_move_is_allowed),
        cmocka_unit_test(given_the_way_of_a_document_then_each_step_is_allowed_in_its_place_alone),
        cmocka_unit_test(given_the_words_on_the_wire_then_each_is_its_own_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
