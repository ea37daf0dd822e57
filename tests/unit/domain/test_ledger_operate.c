/* test_ledger_operate.c: what a document waits for, index keys put right, and a document let go of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain/ledger.h"
#include "domain/limits.h"

enum { NOW = 1000000 };

static struct dm_arena arena;
static struct dm_ledger_context context;
static struct dm_change change;
static struct dm_err err;

static const struct dm_range five = { 1, 5 };
static const struct dm_returned later[] = { { 1, 2, 1, NOW + 5000 }, { 4, 4, 2, NOW + 9000 } };
static const struct dm_claim claims[] = {
    { .counter = 1, .epoch = 1, .first = 1, .last = 2, .losses = 1, .owner = "w-a", .lease_until_ms = NOW + 9000 },
    { .counter = 2, .epoch = 1, .first = 3, .last = 5, .owner = "w-b", .lease_until_ms = NOW + 100 },
};

static int before(void **state)
{
    arena = dm_arena_make(1 << 20);
    context = (struct dm_ledger_context){ .now_ms = NOW, .arena = &arena };
    return 0;
}

static int after(void **state)
{
    dm_arena_free(&arena);
    return 0;
}

/* Five pages to be read, all of them claimed once. */
static struct dm_snapshot reading(enum dm_work_key key, int64_t due_ms)
{
    return (struct dm_snapshot){
        .state = { .status = DM_STATUS_PROCESSING, .epoch = 1, .version = 4, .total = 5, .remaining = 5 },
        .work = { .version = 3, .epoch = 1, .chosen = { &five, 1 }, .cursor = 6, .key = key, .due_ms = due_ms },
    };
}

static struct dm_snapshot result_due(enum dm_status status, int64_t until_ms, int64_t due_ms)
{
    struct dm_snapshot snapshot = reading(DM_WORK_IDLE, 0);
    snapshot.state.status = status;
    snapshot.state.processed = 5;
    snapshot.state.remaining = 0;
    snapshot.state.due_ms = due_ms;
    if (until_ms)
        snapshot.state.lease = (struct dm_lease){ .owner = "a-1", .counter = 3, .until_ms = until_ms };
    return snapshot;
}

static void with_claims(struct dm_snapshot *snapshot)
{
    snapshot->claims = claims;
    snapshot->claim_count = DM_COUNT(claims);
}

static void with_later(struct dm_snapshot *snapshot)
{
    snapshot->work.returned = later;
    snapshot->work.returned_count = DM_COUNT(later);
}

/* ---- what it waits for ---- */

static void given_an_ended_document_then_it_waits_for_nothing(void **state)
{
    static const enum dm_status ends[] = { DM_STATUS_COMPLETED, DM_STATUS_FAILED, DM_STATUS_CANCELLED };
    for (size_t i = 0; i < DM_COUNT(ends); i++) {
        struct dm_snapshot snapshot = result_due(ends[i], 0, 0);
        assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_NOTHING);
    }
}

static void given_a_document_without_its_bytes_then_it_waits_for_them_until_it_is_due(void **state)
{
    const struct dm_snapshot snapshot = { .state = { .status = DM_STATUS_AWAITING_UPLOAD, .due_ms = NOW + 7 } };
    struct dm_waiting waiting = dm_ledger_waiting(&snapshot, NOW);
    assert_int_equal(waiting.what, DM_WAITS_UPLOAD);
    assert_int_equal(waiting.until_ms, NOW + 7);
}

static void given_a_split_to_be_claimed_then_it_waits_for_its_turn(void **state)
{
    struct dm_snapshot snapshot = { .state = { .status = DM_STATUS_PENDING },
                                    .work = { .split_needed = true, .split_losses = 2, .key = DM_WORK_READY } };
    struct dm_waiting waiting = dm_ledger_waiting(&snapshot, NOW);
    assert_int_equal(waiting.what, DM_WAITS_TURN);
    assert_int_equal(waiting.losses, 2);
    snapshot.work.key = DM_WORK_IDLE;
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_NOBODY);
}

static void given_claims_then_the_one_that_runs_out_first_is_told(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_DUE, NOW + 100);
    with_claims(&snapshot);
    struct dm_waiting waiting = dm_ledger_waiting(&snapshot, NOW);
    assert_int_equal(waiting.what, DM_WAITS_CLAIM);
    assert_string_equal(waiting.owner, "w-b");
    assert_int_equal(waiting.until_ms, NOW + 100);
    assert_int_equal(waiting.first, 3);
    assert_int_equal(waiting.last, 5);
    assert_int_equal(waiting.losses, 1);
    /* Once it has run out somebody must look, or nobody ever will. */
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW + 200).what, DM_WAITS_CLAIM);
    snapshot.work.key = DM_WORK_IDLE;
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_CLAIM);
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW + 200).what, DM_WAITS_NOBODY);
}

static void given_pages_that_wait_for_their_time_then_the_first_of_them_is_told(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_DUE, NOW + 5000);
    with_later(&snapshot);
    struct dm_waiting waiting = dm_ledger_waiting(&snapshot, NOW);
    assert_int_equal(waiting.what, DM_WAITS_DUE);
    assert_int_equal(waiting.until_ms, NOW + 5000);
    assert_int_equal(waiting.losses, 2);
    snapshot.work.key = DM_WORK_IDLE;
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_NOBODY);
}

static void given_a_result_to_be_written_then_its_aggregator_is_told_or_that_there_is_none(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_PROCESSING, 0, NOW);
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_AGGREGATOR);
    snapshot.state.due_ms = 0;
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW).what, DM_WAITS_NOBODY);
    snapshot = result_due(DM_STATUS_AGGREGATING, NOW + 50, NOW + 50);
    snapshot.state.aggregations = 3;
    struct dm_waiting waiting = dm_ledger_waiting(&snapshot, NOW);
    assert_int_equal(waiting.what, DM_WAITS_LEASE);
    assert_string_equal(waiting.owner, "a-1");
    assert_int_equal(waiting.until_ms, NOW + 50);
    assert_int_equal(waiting.losses, 2);
    assert_int_equal(dm_ledger_waiting(&snapshot, NOW + 50).what, DM_WAITS_AGGREGATOR);
}

/* ---- index keys ---- */

static void given_a_document_in_no_index_then_its_keys_are_mended_and_those_that_stand_right_are_left(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_IDLE, 0);
    with_claims(&snapshot);
    assert_true(dm_ledger_mend(&context, &snapshot, &change));
    assert_int_equal(change.work.key, DM_WORK_DUE);
    assert_int_equal(change.work.due_ms, NOW + 100);
    assert_null(change.transaction.state);
    snapshot.work.key = DM_WORK_DUE;
    snapshot.work.due_ms = NOW + 30000; /* another instant is no fault */
    assert_false(dm_ledger_mend(&context, &snapshot, &change));
    /* READY without anything to claim: the sweeper would never see its claims run out. */
    snapshot.work.key = DM_WORK_READY;
    assert_true(dm_ledger_mend(&context, &snapshot, &change));
    assert_int_equal(change.work.key, DM_WORK_DUE);
    snapshot = reading(DM_WORK_IDLE, 0);
    snapshot.work.cursor = 3;
    assert_true(dm_ledger_mend(&context, &snapshot, &change));
    assert_int_equal(change.work.key, DM_WORK_READY);
}

static void given_a_result_that_is_due_nowhere_then_it_is_due_now_or_when_its_lease_ends(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_PROCESSING, 0, 0);
    assert_true(dm_ledger_mend(&context, &snapshot, &change));
    assert_int_equal(change.state.due_ms, NOW);
    assert_int_equal(change.state.progress_ms, 0);
    assert_null(change.transaction.work);
    snapshot = result_due(DM_STATUS_AGGREGATING, NOW + 70, 0);
    assert_true(dm_ledger_mend(&context, &snapshot, &change));
    assert_int_equal(change.state.due_ms, NOW + 70);
    snapshot.state.due_ms = NOW + 70;
    assert_false(dm_ledger_mend(&context, &snapshot, &change));
}

static void given_an_ended_or_an_expected_document_then_nothing_is_mended(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_COMPLETED, 0, 0);
    snapshot.work.key = DM_WORK_READY;
    assert_false(dm_ledger_mend(&context, &snapshot, &change));
    snapshot = (struct dm_snapshot){ .state = { .status = DM_STATUS_AWAITING_UPLOAD } };
    assert_false(dm_ledger_mend(&context, &snapshot, &change));
}

/* ---- everything let go ---- */

static void given_pages_that_wait_when_it_is_redriven_then_they_can_be_claimed_at_once_with_their_losses(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_DUE, NOW + 5000);
    struct dm_let_go let_go;
    with_later(&snapshot);
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_OK);
    assert_int_equal(let_go.pages, 3);
    assert_false(let_go.lease);
    assert_int_equal(change.work.key, DM_WORK_READY);
    assert_int_equal(change.work.returned_count, 2);
    assert_int_equal(change.work.returned[1].due_ms, 0);
    assert_int_equal(change.work.returned[1].losses, 2);
    assert_int_equal(later[1].due_ms, NOW + 9000); /* what was read stays as it was */
    assert_null(change.transaction.state);
}

static void given_an_aggregators_lease_when_it_is_redriven_then_another_may_take_it_at_once(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_AGGREGATING, NOW + 50, NOW + 50);
    struct dm_let_go let_go;
    snapshot.state.progress_ms = 77;
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_OK);
    assert_true(let_go.lease);
    assert_true(dm_ledger_result_due(&change.state, NOW));
    assert_int_equal(change.state.due_ms, NOW);
    assert_int_equal(change.state.lease.counter, 3);
    assert_int_equal(change.state.progress_ms, 77);
    /* The next one to take it is still counted. */
    struct dm_change taken;
    assert_int_equal(dm_ledger_take_result(&context, &change.state, DM_STR("a-2"), &taken, &err), DM_OK);
    assert_int_equal(taken.state.aggregations, snapshot.state.aggregations + 1);
}

static void given_a_document_in_no_index_when_it_is_redriven_then_it_is_mended(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_IDLE, 0);
    struct dm_let_go let_go;
    snapshot.work.cursor = 1;
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_OK);
    assert_true(let_go.mended);
    assert_int_equal(change.work.key, DM_WORK_READY);
}

static void given_nothing_that_holds_it_back_when_it_is_redriven_then_nothing_is_written(void **state)
{
    struct dm_snapshot snapshot = reading(DM_WORK_READY, 0);
    struct dm_let_go let_go;
    snapshot.work.cursor = 2;
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_NOT_FOUND);
    snapshot = result_due(DM_STATUS_FAILED, 0, 0);
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_REFUSED);
    assert_non_null(strstr(err.text, "failed"));
}

/* ---- what counts as progress ---- */

static void a_result_taken_once_more_is_no_progress(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_PROCESSING, 0, NOW - 10);
    snapshot.state.progress_ms = NOW - 10;
    assert_int_equal(dm_ledger_take_result(&context, &snapshot.state, DM_STR("a-1"), &change, &err), DM_OK);
    assert_int_equal(change.state.progress_ms, NOW);
    struct dm_state taken = change.state;
    context.now_ms = taken.lease.until_ms;
    assert_int_equal(dm_ledger_take_result(&context, &taken, DM_STR("a-2"), &change, &err), DM_OK);
    assert_int_equal(change.state.progress_ms, NOW);
}

/* ---- a document whose bytes have not arrived ---- */

static void given_an_expected_document_then_it_can_be_cancelled_and_deleted_and_neither_claimed_nor_retried(
    void **state)
{
    const struct dm_snapshot snapshot = {
        .state = { .status = DM_STATUS_AWAITING_UPLOAD, .epoch = 1, .version = 1 },
        .work = { .version = 1, .epoch = 1, .split_needed = true },
    };
    struct dm_claim claim;
    struct dm_ranges none = { 0 };
    assert_int_equal(dm_ledger_claim_split(&context, &snapshot, DM_STR("w"), &change, &claim, &err), DM_REFUSED);
    assert_int_equal(dm_ledger_claim_pages(&context, &snapshot, DM_STR("w"), 1, &change, &claim, &err), DM_REFUSED);
    assert_int_equal(dm_ledger_take_result(&context, &snapshot.state, DM_STR("a"), &change, &err), DM_REFUSED);
    assert_int_equal(dm_ledger_retry(&context, &snapshot, none, 0, &change, &err), DM_REFUSED);
    assert_non_null(strstr(err.text, "awaiting_upload"));
    struct dm_let_go let_go;
    assert_int_equal(dm_ledger_redrive(&context, &snapshot, &change, &let_go, &err), DM_NOT_FOUND);
    assert_int_equal(dm_ledger_fail(&context, &snapshot, NULL, DM_REASON_EXPIRED, DM_STR(""), &change, &err), DM_OK);
    assert_int_equal(change.state.status, DM_STATUS_FAILED);
    assert_int_equal(dm_ledger_cancel(&context, &snapshot, &change, &err), DM_OK);
    assert_int_equal(change.state.status, DM_STATUS_CANCELLED);
    assert_int_equal(dm_ledger_delete(&context, &snapshot, &change, &err), DM_OK);
    assert_int_equal(change.document.deleted_ms, NOW);
    assert_int_equal(change.state.status, DM_STATUS_CANCELLED);
}

static void given_a_result_that_retention_took_when_it_is_retried_then_the_next_one_is_there_again(void **state)
{
    struct dm_snapshot snapshot = result_due(DM_STATUS_COMPLETED, 0, 0);
    snapshot.state.gone = DM_GONE_RESULTS;
    snapshot.state.result_epoch = 1;
    snapshot.state.result_bytes = 99;
    const struct dm_range three = { 3, 3 };
    assert_int_equal(dm_ledger_retry(&context, &snapshot, (struct dm_ranges){ &three, 1 }, 0, &change, &err), DM_OK);
    assert_int_equal(change.state.gone, 0);
    assert_int_equal(change.state.result_epoch, 0);
    assert_int_equal(change.state.result_bytes, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(given_an_ended_document_then_it_waits_for_nothing),
        CASE(given_a_document_without_its_bytes_then_it_waits_for_them_until_it_is_due),
        CASE(given_a_split_to_be_claimed_then_it_waits_for_its_turn),
        CASE(given_claims_then_the_one_that_runs_out_first_is_told),
        CASE(given_pages_that_wait_for_their_time_then_the_first_of_them_is_told),
        CASE(given_a_result_to_be_written_then_its_aggregator_is_told_or_that_there_is_none),
        CASE(given_a_document_in_no_index_then_its_keys_are_mended_and_those_that_stand_right_are_left),
        CASE(given_a_result_that_is_due_nowhere_then_it_is_due_now_or_when_its_lease_ends),
        CASE(given_an_ended_or_an_expected_document_then_nothing_is_mended),
        CASE(given_pages_that_wait_when_it_is_redriven_then_they_can_be_claimed_at_once_with_their_losses),
        CASE(given_an_aggregators_lease_when_it_is_redriven_then_another_may_take_it_at_once),
        CASE(given_a_document_in_no_index_when_it_is_redriven_then_it_is_mended),
        CASE(given_nothing_that_holds_it_back_when_it_is_redriven_then_nothing_is_written),
        CASE(a_result_taken_once_more_is_no_progress),
        CASE(given_an_expected_document_then_it_can_be_cancelled_and_deleted_and_neither_claimed_nor_retried),
        CASE(given_a_result_that_retention_took_when_it_is_retried_then_the_next_one_is_there_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
