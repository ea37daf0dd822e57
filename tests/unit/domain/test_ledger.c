/* test_ledger.c: the rules of a document's life, by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/ledger.h"
#include "domain/limits.h"

enum { NOW = 1000000 };

/* A document in memory: applies changes as a store would, checking what every store checks. */
struct rig {
    struct dm_arena arena;
    struct dm_ledger_context context;
    struct dm_snapshot snapshot;
    struct dm_claim claims[64];
    uint64_t last_seq;
    struct dm_change change;
    struct dm_err err;
};

static void apply(struct rig *rig)
{
    const struct dm_transaction *write = &rig->change.transaction;
    struct dm_snapshot *now_is = &rig->snapshot;
    if (write->document)
        now_is->document = *write->document;
    if (write->state) {
        assert_int_equal(write->state_before, now_is->state.version);
        now_is->state = *write->state;
        assert_int_equal(now_is->state.version, write->state_before + 1);
    }
    if (write->work) {
        assert_int_equal(write->work_before, now_is->work.version);
        now_is->work = *write->work;
    }
    for (uint32_t i = 0; i < write->event_count; i++)
        assert_int_equal(write->events[i].seq, ++rig->last_seq);
    for (uint32_t i = 0; i < write->claim_count; i++) {
        const struct dm_claim_write *claim = &write->claims[i];
        if (claim->kind == DM_CLAIM_INSERT)
            rig->claims[now_is->claim_count++] = claim->claim;
        for (uint32_t k = 0; claim->kind == DM_CLAIM_DELETE && k < now_is->claim_count; k++)
            if (rig->claims[k].counter == claim->claim.counter)
                rig->claims[k] = rig->claims[--now_is->claim_count];
    }
    now_is->claims = rig->claims;
    const struct dm_state *state = &now_is->state;
    assert_int_equal(state->total, state->processed + state->failed + state->skipped + state->remaining);
    rig->change = (struct dm_change){ 0 };
}

static void rig_make(struct rig *rig, const char *pages)
{
    *rig = (struct rig){ .arena = dm_arena_make(1 << 20) };
    rig->context = (struct dm_ledger_context){ .now_ms = NOW, .arena = &rig->arena };
    const struct dm_document document = {
        .name = DM_STR("a.pdf"), .media = DM_MEDIA_PDF, .pages = dm_str_z(pages), .priority = DM_PRIORITY_DEFAULT
    };
    assert_int_equal(dm_ledger_accept(&rig->context, &document, &rig->change, &rig->err), DM_OK);
    apply(rig);
}

static struct dm_claim rig_split(struct rig *rig, uint32_t total, uint32_t first_claim_max)
{
    struct dm_claim split, first = { 0 };
    assert_int_equal(dm_ledger_claim_split(&rig->context, &rig->snapshot, DM_STR("w"), &rig->change, &split, &rig->err),
                     DM_OK);
    apply(rig);
    assert_int_equal(dm_ledger_split_done(&rig->context, &rig->snapshot, &split, total, first_claim_max, &rig->change,
                                          &first, &rig->err),
                     DM_OK);
    apply(rig);
    return first;
}

static enum dm_code rig_claim(struct rig *rig, uint32_t max, struct dm_claim *ret)
{
    enum dm_code rc =
        dm_ledger_claim_pages(&rig->context, &rig->snapshot, DM_STR("w"), max, &rig->change, ret, &rig->err);
    if (rc == DM_OK)
        apply(rig);
    return rc;
}

static void rig_end(struct rig *rig, const struct dm_claim *claim, enum dm_page_status status)
{
    struct dm_page pages[DM_CLAIM_PAGES_MAX] = { 0 };
    uint32_t count = claim->last - claim->first + 1;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = (struct dm_page){ .number = claim->first + i, .status = status };
    assert_int_equal(
        dm_ledger_end_pages(&rig->context, &rig->snapshot.state, claim, pages, count, true, &rig->change, &rig->err),
        DM_OK);
    apply(rig);
}

static void rig_lose(struct rig *rig, const struct dm_claim *claim, struct dm_ranges *ret_crashed)
{
    struct dm_range all = { claim->first, claim->last };
    assert_int_equal(dm_ledger_give_back(&rig->context, &rig->snapshot, claim, (struct dm_ranges){ &all, 1 }, DM_LOST,
                                         0, &rig->change, ret_crashed, &rig->err),
                     DM_OK);
    apply(rig);
}

static void given_an_accepted_document_then_it_is_pending_ready_and_has_event_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    assert_int_equal(rig.snapshot.state.status, DM_STATUS_PENDING);
    assert_int_equal(rig.snapshot.work.key, DM_WORK_READY);
    assert_int_equal(rig.last_seq, 1);
    dm_arena_free(&rig.arena);
}

static void given_a_choice_of_pages_when_split_then_the_others_are_skipped(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "2-3,9-");
    rig_split(&rig, 10, 0);
    assert_int_equal(rig.snapshot.state.total, 10);
    assert_int_equal(rig.snapshot.state.remaining, 4);
    assert_int_equal(rig.snapshot.state.skipped, 6);
    struct dm_claim claim;
    assert_int_equal(rig_claim(&rig, 40, &claim), DM_OK);
    assert_int_equal(claim.first, 2);
    assert_int_equal(claim.last, 3);
    assert_int_equal(dm_ledger_page_status(&rig.snapshot.state, &rig.snapshot.work, 1, NULL), DM_PAGE_SKIPPED);
    assert_int_equal(dm_ledger_page_status(&rig.snapshot.state, &rig.snapshot.work, 2, NULL), DM_PAGE_PENDING);
    dm_arena_free(&rig.arena);
}

static void given_a_choice_past_the_last_page_then_the_split_finds_no_page(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "11-");
    struct dm_claim split, first;
    assert_int_equal(dm_ledger_claim_split(&rig.context, &rig.snapshot, DM_STR("w"), &rig.change, &split, &rig.err),
                     DM_OK);
    apply(&rig);
    assert_int_equal(dm_ledger_split_done(&rig.context, &rig.snapshot, &split, 10, 0, &rig.change, &first, &rig.err),
                     DM_NOT_FOUND);
    dm_arena_free(&rig.arena);
}

static void given_claims_in_turn_then_every_page_is_claimed_once_and_work_waits_for_leases(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 100, 40);
    uint32_t next = 1;
    do {
        assert_int_equal(claim.first, next);
        next = claim.last + 1;
        assert_int_equal(rig.snapshot.work.key, next <= 100 ? DM_WORK_READY : DM_WORK_DUE);
    } while (rig_claim(&rig, 40, &claim) == DM_OK);
    assert_int_equal(next, 101);
    assert_int_equal(rig.snapshot.work.due_ms, NOW + DM_CLAIM_LEASE_MS);
    dm_arena_free(&rig.arena);
}

static void given_the_last_page_ended_then_the_result_is_due_and_one_owner_takes_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 3, 40);
    assert_false(dm_ledger_result_due(&rig.snapshot.state, NOW));
    rig_end(&rig, &claim, DM_PAGE_DONE);
    assert_true(dm_ledger_result_due(&rig.snapshot.state, NOW));
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("a"), &rig.change, &rig.err),
                     DM_OK);
    apply(&rig);
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("b"), &rig.change, &rig.err),
                     DM_REFUSED);
    const struct dm_usage usage = { 0 };
    const struct dm_lease lease = rig.snapshot.state.lease;
    assert_int_equal(
        dm_ledger_result_kept(&rig.context, &rig.snapshot.state, &lease, 10, &usage, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.status, DM_STATUS_COMPLETED);
    assert_int_equal(rig.snapshot.state.outcome, DM_OUTCOME_FULL);
    dm_arena_free(&rig.arena);
}

static void given_an_aggregator_whose_lease_ran_out_when_another_takes_it_then_the_first_writes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 1, 40);
    rig_end(&rig, &claim, DM_PAGE_DONE);
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("a"), &rig.change, &rig.err),
                     DM_OK);
    apply(&rig);
    const struct dm_lease lease = rig.snapshot.state.lease;
    rig.context.now_ms += DM_AGGREGATE_LEASE_MS;
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("b"), &rig.change, &rig.err),
                     DM_OK);
    apply(&rig);
    const struct dm_usage usage = { 0 };
    assert_int_equal(
        dm_ledger_result_kept(&rig.context, &rig.snapshot.state, &lease, 10, &usage, &rig.change, &rig.err),
        DM_REFUSED);
    dm_arena_free(&rig.arena);
}

static void given_a_take_that_got_no_answer_when_another_took_it_under_the_same_number_then_the_first_holds_nothing(
    void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 1, 40);
    rig_end(&rig, &claim, DM_PAGE_DONE);
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("a"), &rig.change, &rig.err),
                     DM_OK);
    const struct dm_lease lost = rig.change.state.lease; /* never written */
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("b"), &rig.change, &rig.err),
                     DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.lease.counter, lost.counter);
    assert_false(dm_ledger_result_held(&rig.snapshot.state, &lost));
    assert_int_equal(dm_ledger_put_off_result(&rig.context, &rig.snapshot.state, &lost, 1000, &rig.change, &rig.err),
                     DM_REFUSED);
    assert_int_equal(dm_ledger_renew_result(&rig.context, &rig.snapshot.state, &lost, &rig.change, &rig.err),
                     DM_REFUSED);
    dm_arena_free(&rig.arena);
}

static void given_a_page_that_kills_its_worker_then_it_alone_ends_crashed_in_bounded_losses(void **state)
{
    (void)state;
    enum { KILLER = 17 };
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 40, 40);
    unsigned losses = 0;
    uint32_t crashed_page = 0;
    uint32_t read = 0;
    do {
        if (KILLER < claim.first || KILLER > claim.last || crashed_page) {
            rig_end(&rig, &claim, DM_PAGE_DONE);
            read += claim.last - claim.first + 1;
            continue;
        }
        struct dm_ranges crashed;
        assert_true(++losses < 20);
        rig_lose(&rig, &claim, &crashed);
        if (crashed.count) {
            assert_int_equal(crashed.count, 1);
            assert_int_equal(crashed.at[0].first, crashed.at[0].last);
            crashed_page = crashed.at[0].first;
        }
    } while (rig_claim(&rig, 40, &claim) == DM_OK);
    assert_int_equal(crashed_page, KILLER);
    assert_int_equal(read, 39);
    dm_arena_free(&rig.arena);
}

static void given_a_claim_handed_back_by_a_drain_then_it_counts_as_no_loss(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 1, 40);
    for (int i = 0; i < 10; i++) {
        struct dm_range all = { 1, 1 };
        struct dm_ranges crashed;
        assert_int_equal(dm_ledger_give_back(&rig.context, &rig.snapshot, &claim, (struct dm_ranges){ &all, 1 },
                                             DM_HANDED_BACK, 0, &rig.change, &crashed, &rig.err),
                         DM_OK);
        assert_int_equal(crashed.count, 0);
        apply(&rig);
        assert_int_equal(rig_claim(&rig, 40, &claim), DM_OK);
    }
    dm_arena_free(&rig.arena);
}

static void given_a_split_lost_three_times_then_it_may_not_be_tried_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    for (int i = 0; i < DM_PAGE_LOSSES_MAX; i++) {
        struct dm_claim split;
        struct dm_ranges crashed;
        assert_int_equal(dm_ledger_claim_split(&rig.context, &rig.snapshot, DM_STR("w"), &rig.change, &split, &rig.err),
                         DM_OK);
        apply(&rig);
        enum dm_code rc = dm_ledger_give_back(&rig.context, &rig.snapshot, &split, (struct dm_ranges){ 0 }, DM_LOST, 0,
                                              &rig.change, &crashed, &rig.err);
        assert_int_equal(rc, i + 1 < DM_PAGE_LOSSES_MAX ? DM_OK : DM_REFUSED);
        if (rc == DM_OK)
            apply(&rig);
    }
    dm_arena_free(&rig.arena);
}

static void given_failed_pages_when_retried_then_only_they_are_claimed_and_the_others_stay(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 80, 40);
    rig_end(&rig, &claim, DM_PAGE_DONE);
    assert_int_equal(rig_claim(&rig, 40, &claim), DM_OK);
    rig_end(&rig, &claim, DM_PAGE_FAILED);
    assert_int_equal(dm_ledger_take_result(&rig.context, &rig.snapshot.state, DM_STR("a"), &rig.change, &rig.err),
                     DM_OK);
    apply(&rig);
    const struct dm_usage usage = { 0 };
    const struct dm_lease lease = rig.snapshot.state.lease;
    assert_int_equal(
        dm_ledger_result_kept(&rig.context, &rig.snapshot.state, &lease, 10, &usage, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.outcome, DM_OUTCOME_PARTIAL);
    const struct dm_range failed[] = { { 41, 80 } };
    assert_int_equal(
        dm_ledger_retry(&rig.context, &rig.snapshot, (struct dm_ranges){ failed, 1 }, 40, &rig.change, &rig.err),
        DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.epoch, 2);
    assert_int_equal(rig.snapshot.state.processed, 40);
    assert_int_equal(rig.snapshot.state.remaining, 40);
    assert_int_equal(rig_claim(&rig, 40, &claim), DM_OK);
    assert_int_equal(claim.first, 41);
    assert_int_equal(claim.epoch, 2);
    const struct dm_page kept = { .number = 1, .epoch = 1, .status = DM_PAGE_DONE };
    const struct dm_page again = { .number = 50, .epoch = 1, .status = DM_PAGE_FAILED };
    assert_int_equal(dm_ledger_page_status(&rig.snapshot.state, &rig.snapshot.work, 1, &kept), DM_PAGE_DONE);
    assert_int_equal(dm_ledger_page_status(&rig.snapshot.state, &rig.snapshot.work, 50, &again), DM_PAGE_PENDING);
    dm_arena_free(&rig.arena);
}

static void given_a_cancelled_document_then_nothing_can_be_claimed_or_ended(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    struct dm_claim claim = rig_split(&rig, 80, 40);
    assert_int_equal(dm_ledger_cancel(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.work.key, DM_WORK_IDLE);
    struct dm_page page = { .number = 1, .status = DM_PAGE_DONE };
    assert_int_equal(
        dm_ledger_end_pages(&rig.context, &rig.snapshot.state, &claim, &page, 1, false, &rig.change, &rig.err),
        DM_REFUSED);
    assert_int_equal(rig_claim(&rig, 40, &claim), DM_REFUSED);
    assert_int_equal(dm_ledger_cancel(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_REFUSED);
    dm_arena_free(&rig.arena);
}

static void given_a_deleted_document_then_it_is_marked_and_due_for_removal(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    rig_split(&rig, 2, 0);
    assert_int_equal(dm_ledger_delete(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.document.deleted_ms, NOW);
    assert_int_equal(rig.snapshot.state.status, DM_STATUS_CANCELLED);
    assert_int_equal(rig.snapshot.state.due_ms, NOW + DM_DELETE_GRACE_MS);
    dm_arena_free(&rig.arena);
}

static void given_a_document_that_retention_takes_sooner_when_it_is_deleted_then_it_is_removed_no_later(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    rig.context.keep_ms = DM_DELETE_GRACE_MS / 60;
    rig_split(&rig, 2, 0);
    assert_int_equal(dm_ledger_cancel(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    rig.context.now_ms += 1000;
    assert_int_equal(dm_ledger_delete(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.due_ms, NOW + DM_DELETE_GRACE_MS / 60);
    dm_arena_free(&rig.arena);
}

static void given_a_document_that_retention_keeps_for_long_when_it_is_deleted_then_it_goes_after_the_grace(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    rig.context.keep_ms = DM_DELETE_GRACE_MS * (int64_t)24;
    rig_split(&rig, 2, 0);
    assert_int_equal(dm_ledger_delete(&rig.context, &rig.snapshot, &rig.change, &rig.err), DM_OK);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.due_ms, NOW + DM_DELETE_GRACE_MS);
    dm_arena_free(&rig.arena);
}

static void given_a_late_answer_then_its_cost_is_added_and_nothing_else_changes(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, "");
    const struct dm_usage usage = { .model_calls = 2, .input_tokens = 30 };
    dm_ledger_add_usage(&rig.snapshot.state, &usage, &rig.change);
    apply(&rig);
    assert_int_equal(rig.snapshot.state.usage.model_calls, 2);
    assert_int_equal(rig.snapshot.state.status, DM_STATUS_PENDING);
    dm_arena_free(&rig.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_an_accepted_document_then_it_is_pending_ready_and_has_event_one),
        cmocka_unit_test(given_a_choice_of_pages_when_split_then_the_others_are_skipped),
        cmocka_unit_test(given_a_choice_past_the_last_page_then_the_split_finds_no_page),
        cmocka_unit_test(given_claims_in_turn_then_every_page_is_claimed_once_and_work_waits_for_leases),
        cmocka_unit_test(given_the_last_page_ended_then_the_result_is_due_and_one_owner_takes_it),
        cmocka_unit_test(given_an_aggregator_whose_lease_ran_out_when_another_takes_it_then_the_first_writes_nothing),
        cmocka_unit_test(
            given_a_take_that_got_no_answer_when_another_took_it_under_the_same_number_then_the_first_holds_nothing),
        cmocka_unit_test(given_a_page_that_kills_its_worker_then_it_alone_ends_crashed_in_bounded_losses),
        cmocka_unit_test(given_a_claim_handed_back_by_a_drain_then_it_counts_as_no_loss),
        cmocka_unit_test(given_a_split_lost_three_times_then_it_may_not_be_tried_again),
        cmocka_unit_test(given_failed_pages_when_retried_then_only_they_are_claimed_and_the_others_stay),
        cmocka_unit_test(given_a_cancelled_document_then_nothing_can_be_claimed_or_ended),
        cmocka_unit_test(given_a_deleted_document_then_it_is_marked_and_due_for_removal),
        cmocka_unit_test(given_a_document_that_retention_takes_sooner_when_it_is_deleted_then_it_is_removed_no_later),
        cmocka_unit_test(
            given_a_document_that_retention_keeps_for_long_when_it_is_deleted_then_it_goes_after_the_grace),
        cmocka_unit_test(given_a_late_answer_then_its_cost_is_added_and_nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
