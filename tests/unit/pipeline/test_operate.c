/* test_operate.c: documents that do not get on are told, put back, mended; work is paused. */
#include <stdatomic.h>
#include <string.h>

#include "domain/limits.h"
#include "rig.h"

enum { HOUR_MS = 3600 * 1000, PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS };

static const char *const tenant_name = "t";

/* ---- records as a process leaves them that is gone ----------------------------------------------------------- */

static struct dm_snapshot read_all(struct rig *rig, const struct dm_file *file, struct dm_arena *arena)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    struct dm_snapshot snapshot;
    assert_int_equal(dm_store_read(rig->set.store, &tenant, file, PARTS, arena, &snapshot, &rig->err), DM_OK);
    return snapshot;
}

static void commit(struct rig *rig, const struct dm_file *file, struct dm_transaction *transaction)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, file, transaction, &rig->err), DM_OK);
}

static struct dm_ledger_context context_of(struct rig *rig, struct dm_arena *arena)
{
    return (struct dm_ledger_context){ .now_ms = dm_wall_ms(rig->set.runtime), .arena = arena };
}

/* The split claimed by an owner of whom nothing is ever heard again; with `total`, its pages known and the first `pages` of
 * them claimed. */
static struct dm_claim claimed_and_gone(struct rig *rig, const struct dm_file *file, uint32_t total, uint32_t pages)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    const struct dm_ledger_context context = context_of(rig, &arena);
    struct dm_snapshot snapshot = read_all(rig, file, &arena);
    struct dm_change change;
    struct dm_claim split, first;
    assert_int_equal(dm_ledger_claim_split(&context, &snapshot, DM_STR("w-gone"), &change, &split, &rig->err), DM_OK);
    commit(rig, file, &change.transaction);
    if (total == 0)
        return split;
    snapshot = read_all(rig, file, &arena);
    assert_int_equal(dm_ledger_split_done(&context, &snapshot, &split, total, pages, &change, &first, &rig->err),
                     DM_OK);
    commit(rig, file, &change.transaction);
    return first;
}

static void end_pages(struct rig *rig, const struct dm_file *file, const struct dm_claim *claim, uint32_t count,
                      bool last, enum dm_page_status status)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    const struct dm_ledger_context context = context_of(rig, &arena);
    struct dm_snapshot snapshot = read_all(rig, file, &arena);
    struct dm_page pages[DM_CLAIM_PAGES_MAX] = { 0 };
    struct dm_change change;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = (struct dm_page){ .number = claim->first + i, .status = status, .reason = DM_REASON_INTERNAL };
    assert_int_equal(dm_ledger_end_pages(&context, &snapshot.state, claim, pages, count, last, &change, &rig->err),
                     DM_OK);
    commit(rig, file, &change.transaction);
}

/* STATE and WORK as no rule of the ledger would leave them. */
static void spoil(struct rig *rig, const struct dm_file *file, int64_t age_ms, bool unlist)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot = read_all(rig, file, &arena);
    struct dm_transaction transaction = { .state = &snapshot.state,
                                          .state_before = snapshot.state.version++,
                                          .work = &snapshot.work,
                                          .work_before = snapshot.work.version++ };
    snapshot.state.progress_ms -= age_ms;
    if (unlist) {
        snapshot.state.due_ms = 0;
        snapshot.work.key = DM_WORK_IDLE;
        snapshot.work.due_ms = 0;
    }
    commit(rig, file, &transaction);
}

static struct dm_redriven redrive(struct rig *rig, const struct dm_file *file, int64_t older_than_ms)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    struct dm_redriven redriven;
    assert_int_equal(dm_document_redrive(&rig->pipeline, &tenant, file, older_than_ms, &redriven, &rig->err), DM_OK);
    return redriven;
}

static struct dm_stuck_documents stuck(struct rig *rig, int64_t older_than_ms, struct dm_arena *arena)
{
    struct dm_stalled_cursor cursor = { 0 };
    struct dm_stuck_documents found;
    assert_int_equal(dm_stuck_list(&rig->pipeline, older_than_ms, &cursor, 100, arena, &found, &rig->err), DM_OK);
    return found;
}

/* ---- what does not get on ------------------------------------------------------------------------------------ */

static void given_documents_without_progress_then_they_are_told_with_what_they_wait_for(void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_arena) arena = dm_arena_make(8 << 20);
    struct dm_file waiting = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file claimed = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file fresh = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_claim claim = claimed_and_gone(rig, &claimed, 3, 2);
    spoil(rig, &waiting, 3 * HOUR_MS, false);
    spoil(rig, &claimed, 2 * HOUR_MS, false);
    struct dm_stuck_documents found = stuck(rig, HOUR_MS, &arena);
    assert_int_equal(found.count, 2);
    assert_false(found.more);
    assert_string_equal(found.at[0].found.file.id, waiting.id);
    assert_int_equal(found.at[0].waiting.what, DM_WAITS_TURN);
    assert_string_equal(found.at[1].found.file.id, claimed.id);
    assert_string_equal(found.at[1].found.tenant.id, tenant_name);
    assert_int_equal(found.at[1].state.status, DM_STATUS_PROCESSING);
    assert_int_equal(found.at[1].claims, 1);
    assert_int_equal(found.at[1].waiting.what, DM_WAITS_TURN); /* page 3 can be claimed */
    assert_int_equal(stuck(rig, 4 * HOUR_MS, &arena).count, 0);
    /* A deleted one waits for nothing. */
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    assert_int_equal(dm_document_delete(&rig->pipeline, &tenant, &waiting, &rig->err), DM_OK);
    assert_int_equal(stuck(rig, HOUR_MS, &arena).count, 1);
    (void)fresh;
    (void)claim;
}

/* ---- put back at once ---------------------------------------------------------------------------------------- */

static void given_a_split_whose_owner_is_gone_when_it_is_redriven_then_it_is_read_without_a_loss(void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    (void)claimed_and_gone(rig, &file, 0, 0);
    struct dm_redriven redriven = redrive(rig, &file, 0);
    assert_int_equal(redriven.what, DM_REDRIVEN_LET_GO);
    assert_int_equal(redriven.claims, 1);
    assert_int_equal(redriven.status, DM_STATUS_PENDING);
    assert_int_equal(read_all(rig, &file, &arena).work.split_losses, 0);
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, tenant_name, &file).outcome, DM_OUTCOME_FULL);
}

static void given_pages_whose_owner_is_gone_when_they_are_redriven_then_only_those_without_an_end_come_back(
    void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=5", "");
    struct dm_claim claim = claimed_and_gone(rig, &file, 5, 5);
    end_pages(rig, &file, &claim, 2, false, DM_PAGE_FAILED);
    struct dm_redriven redriven = redrive(rig, &file, 0);
    assert_int_equal(redriven.what, DM_REDRIVEN_LET_GO);
    assert_int_equal(redriven.claims, 1);
    struct dm_snapshot snapshot = read_all(rig, &file, &arena);
    assert_int_equal(snapshot.claim_count, 0);
    assert_int_equal(snapshot.work.key, DM_WORK_READY);
    assert_int_equal(snapshot.work.returned_count, 1);
    assert_int_equal(snapshot.work.returned[0].first, 3);
    assert_int_equal(snapshot.work.returned[0].losses, 0);
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, tenant_name, &file);
    assert_int_equal(ended.processed, 3);
    assert_int_equal(rig_calls(rig, 1), 0);
    assert_int_equal(rig_calls(rig, 3), 1);
}

static void given_a_document_that_moves_when_it_is_redriven_then_it_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=5", "");
    (void)claimed_and_gone(rig, &file, 5, 5);
    struct dm_state before = rig_state(rig, tenant_name, &file);
    assert_int_equal(redrive(rig, &file, HOUR_MS).what, DM_REDRIVEN_MOVES);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot after = read_all(rig, &file, &arena);
    assert_int_equal(after.state.version, before.version);
    assert_int_equal(after.claim_count, 1);
}

static void given_nothing_that_holds_it_back_when_it_is_redriven_then_that_is_told(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=5", "");
    assert_int_equal(redrive(rig, &file, 0).what, DM_REDRIVEN_WAITS);
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    const struct dm_tenant other = rig_tenant("other");
    struct dm_redriven redriven;
    assert_int_equal(dm_document_redrive(&rig->pipeline, &other, &file, 0, &redriven, &rig->err), DM_NOT_FOUND);
    assert_int_equal(dm_document_cancel(&rig->pipeline, &tenant, &file, &rig->err), DM_OK);
    assert_int_equal(redrive(rig, &file, 0).what, DM_REDRIVEN_ENDED);
    assert_int_equal(redrive(rig, &file, 0).status, DM_STATUS_CANCELLED);
}

static void given_an_aggregator_that_is_gone_when_it_is_redriven_then_another_writes_the_result(void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=2", "");
    struct dm_claim claim = claimed_and_gone(rig, &file, 2, 2);
    end_pages(rig, &file, &claim, 2, true, DM_PAGE_FAILED);
    const struct dm_ledger_context context = context_of(rig, &arena);
    struct dm_snapshot snapshot = read_all(rig, &file, &arena);
    struct dm_change change;
    assert_int_equal(dm_ledger_take_result(&context, &snapshot.state, DM_STR("a-gone"), &change, &rig->err), DM_OK);
    commit(rig, &file, &change.transaction);
    struct dm_redriven redriven = redrive(rig, &file, 0);
    assert_int_equal(redriven.what, DM_REDRIVEN_LET_GO);
    assert_true(redriven.lease);
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, tenant_name, &file).status, DM_STATUS_FAILED);
}

static void given_a_failure_of_our_own_when_it_is_redriven_then_it_is_read_again_and_others_are_not(void **state)
{
    struct rig *rig = *state;
    struct dm_file ours = rig_accept(rig, tenant_name, "%PDF- pages=2", "");
    struct dm_claim claim = claimed_and_gone(rig, &ours, 2, 2);
    end_pages(rig, &ours, &claim, 2, true, DM_PAGE_FAILED);
    struct dm_file its_own = rig_accept(rig, tenant_name, "%PDF- pages=1 damaged=1", "");
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, tenant_name, &ours).reason, DM_REASON_INTERNAL);
    assert_int_equal(rig_ended(rig, tenant_name, &its_own).reason, DM_REASON_DAMAGED);
    struct dm_redriven redriven = redrive(rig, &ours, HOUR_MS);
    assert_int_equal(redriven.what, DM_REDRIVEN_RETRIED);
    assert_int_equal(redriven.reason, DM_REASON_INTERNAL);
    assert_int_equal(redrive(rig, &its_own, HOUR_MS).what, DM_REDRIVEN_ENDED);
    assert_int_equal(rig_ended(rig, tenant_name, &ours).outcome, DM_OUTCOME_FULL);
}

static bool calls_wait(struct rig *rig, const void *argument)
{
    const uint32_t *wanted = argument;
    dm_lock(rig->model.runtime, rig->model.monitor);
    bool enough = rig->model.waiting >= *wanted;
    dm_unlock(rig->model.runtime, rig->model.monitor);
    return enough;
}

static void given_a_worker_that_hangs_when_its_document_is_redriven_then_each_page_still_ends_once(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=4", "");
    rig_hold_model(rig, true);
    rig_start(rig, 1);
    const uint32_t four = 4;
    rig_until(rig, calls_wait, &four);
    assert_int_equal(redrive(rig, &file, 0).claims, 1);
    rig_hold_model(rig, false);
    struct dm_state ended = rig_ended(rig, tenant_name, &file);
    assert_int_equal(ended.outcome, DM_OUTCOME_FULL);
    assert_int_equal(ended.processed, 4);
    for (uint32_t page = 1; page <= 4; page++)
        assert_true(rig_calls(rig, page) <= 2);
}

/* ---- left by owners that are gone --------------------------------------------------------------------------- */

/* What only the records say: how often something was lost so far. */
static void lose_so_far(struct rig *rig, const struct dm_file *file, uint32_t split_losses, uint32_t aggregations)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot = read_all(rig, file, &arena);
    struct dm_transaction transaction = { .state = &snapshot.state,
                                          .state_before = snapshot.state.version++,
                                          .work = &snapshot.work,
                                          .work_before = snapshot.work.version++ };
    snapshot.work.split_losses = split_losses;
    snapshot.state.aggregations = aggregations;
    commit(rig, file, &transaction);
}

static void aggregated_and_gone(struct rig *rig, const struct dm_file *file, uint32_t aggregations)
{
    struct dm_claim claim = claimed_and_gone(rig, file, 2, 2);
    end_pages(rig, file, &claim, 2, true, DM_PAGE_FAILED);
    lose_so_far(rig, file, 0, aggregations);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    const struct dm_ledger_context context = context_of(rig, &arena);
    struct dm_snapshot snapshot = read_all(rig, file, &arena);
    struct dm_change change;
    assert_int_equal(dm_ledger_take_result(&context, &snapshot.state, DM_STR("a-gone"), &change, &rig->err), DM_OK);
    commit(rig, file, &change.transaction);
}

static void given_owners_that_died_with_their_process_then_the_next_one_ends_every_document(void **state)
{
    struct rig *rig = *state;
    struct dm_file chunking = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file processing = rig_accept(rig, tenant_name, "%PDF- pages=5", "");
    struct dm_file aggregating = rig_accept(rig, tenant_name, "%PDF- pages=2", "");
    (void)claimed_and_gone(rig, &chunking, 0, 0);
    struct dm_claim claim = claimed_and_gone(rig, &processing, 5, 4);
    end_pages(rig, &processing, &claim, 1, false, DM_PAGE_FAILED);
    aggregated_and_gone(rig, &aggregating, 0);
    rig_reopen(rig);
    rig_start(rig, 2);
    assert_int_equal(rig_ended(rig, tenant_name, &chunking).processed, 3);
    struct dm_state ended = rig_ended(rig, tenant_name, &processing);
    assert_int_equal(ended.processed, 4);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(rig_ended(rig, tenant_name, &aggregating).reason, DM_REASON_INTERNAL); /* of its pages */
}

static void given_what_was_lost_as_often_as_it_may_then_it_ends_with_its_reason(void **state)
{
    struct rig *rig = *state;
    struct dm_file split = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file page = rig_accept(rig, tenant_name, "%PDF- pages=1", "");
    lose_so_far(rig, &split, DM_PAGE_LOSSES_MAX - 1, 0);
    (void)claimed_and_gone(rig, &split, 0, 0);
    (void)claimed_and_gone(rig, &page, 1, 1);
    for (uint32_t losses = 1; losses < DM_PAGE_LOSSES_MAX; losses++) {
        rig_reopen(rig);
        /* The sweeper takes it back, and the next owner is gone as well: a worker without a reader to read with. */
        DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
        struct dm_snapshot snapshot = read_all(rig, &page, &arena);
        const struct dm_ledger_context context = context_of(rig, &arena);
        const struct dm_range left = { 1, 1 };
        struct dm_change change;
        struct dm_ranges crashed;
        struct dm_claim next;
        assert_int_equal(dm_ledger_give_back(&context, &snapshot, &snapshot.claims[0], (struct dm_ranges){ &left, 1 },
                                             DM_LOST, 0, &change, &crashed, &rig->err),
                         DM_OK);
        commit(rig, &page, &change.transaction);
        snapshot = read_all(rig, &page, &arena);
        assert_int_equal(dm_ledger_claim_pages(&context, &snapshot, DM_STR("w-gone"), 1, &change, &next, &rig->err),
                         DM_OK);
        commit(rig, &page, &change.transaction);
        assert_int_equal(next.losses, losses);
    }
    rig_reopen(rig);
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, tenant_name, &split);
    assert_int_equal(ended.status, DM_STATUS_FAILED);
    assert_int_equal(ended.reason, DM_REASON_CRASHED);
    ended = rig_ended(rig, tenant_name, &page);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(ended.reason, DM_REASON_CRASHED);
    assert_int_equal(rig_calls(rig, 1), 0);
}

/* ---- documents in no index ----------------------------------------------------------------------------------- */

static void given_documents_in_no_index_then_the_sweeper_finds_them_and_they_end(void **state)
{
    struct rig *rig = *state;
    struct dm_file pending = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file reading = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file ready = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    (void)claimed_and_gone(rig, &reading, 3, 2);
    struct dm_claim claim = claimed_and_gone(rig, &ready, 3, 3);
    end_pages(rig, &ready, &claim, 3, true, DM_PAGE_FAILED);
    spoil(rig, &pending, HOUR_MS, true);
    spoil(rig, &reading, HOUR_MS, true);
    spoil(rig, &ready, HOUR_MS, true);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_stuck_documents found = stuck(rig, HOUR_MS / 2, &arena);
    assert_int_equal(found.count, 3);
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, tenant_name, &pending).outcome, DM_OUTCOME_FULL);
    assert_int_equal(rig_ended(rig, tenant_name, &ready).status, DM_STATUS_FAILED);
    /* Of the third, page 3 at once, and what its owner had when the lease is over: it is in the index again. */
    struct dm_snapshot snapshot = read_all(rig, &reading, &arena);
    assert_int_not_equal(snapshot.work.key, DM_WORK_IDLE);
}

/* ---- pauses -------------------------------------------------------------------------------------------------- */

static void given_a_paused_tenant_then_only_others_are_read_also_after_a_restart_until_it_is_resumed(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    assert_int_equal(dm_work_pause(&rig->pipeline, &tenant, &rig->err), DM_OK);
    rig_reopen(rig);
    struct dm_pauses pauses;
    assert_int_equal(dm_work_pauses(&rig->pipeline, 10, &arena, &pauses, &rig->err), DM_OK);
    assert_int_equal(pauses.count, 1);
    assert_string_equal(pauses.at[0].tenant.id, tenant_name);
    struct dm_file paused = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    struct dm_file other = rig_accept(rig, "u", "%PDF- pages=3", "");
    rig_start(rig, 2);
    assert_int_equal(rig_ended(rig, "u", &other).outcome, DM_OUTCOME_FULL);
    assert_int_equal(rig_state(rig, tenant_name, &paused).status, DM_STATUS_PENDING);
    struct dm_stuck_documents found = stuck(rig, -1000, &arena);
    assert_int_equal(found.count, 1);
    assert_true(found.at[0].paused);
    assert_int_equal(dm_work_resume(&rig->pipeline, &tenant, &rig->err), DM_OK);
    assert_int_equal(rig_ended(rig, tenant_name, &paused).outcome, DM_OUTCOME_FULL);
}

struct progress {
    const struct dm_file *file;
    uint32_t processed;
};

static bool has_processed(struct rig *rig, const void *argument)
{
    const struct progress *wanted = argument;
    return rig_state(rig, tenant_name, wanted->file).processed >= wanted->processed;
}

static bool has_no_claims(struct rig *rig, const void *argument)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    return read_all(rig, argument, &arena).claim_count == 0;
}

static void given_a_pause_of_all_then_what_was_claimed_is_finished_and_nothing_else(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=200", "");
    rig_hold_model(rig, true);
    rig_start(rig, 2);
    const uint32_t all = 80; /* the cap of one document */
    rig_until(rig, calls_wait, &all);
    assert_int_equal(dm_work_pause(&rig->pipeline, NULL, &rig->err), DM_OK);
    rig_hold_model(rig, false);
    const struct progress claimed = { &file, 80 };
    rig_until(rig, has_processed, &claimed);
    rig_until(rig, has_no_claims, &file);
    struct dm_state paused = rig_state(rig, tenant_name, &file);
    assert_int_equal(paused.processed, 80);
    assert_int_equal(paused.status, DM_STATUS_PROCESSING);
    assert_int_equal(dm_work_resume(&rig->pipeline, NULL, &rig->err), DM_OK);
    assert_int_equal(rig_ended(rig, tenant_name, &file).processed, 200);
}

static struct dm_reader plain_reader;
static _Atomic bool hold_open, opening;

static enum dm_code held_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                              struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct dm_runtime runtime = dm_threads_runtime();
    opening = true;
    while (hold_open)
        dm_sleep_until(runtime, dm_mono_ms(runtime) + 1);
    return plain_reader.ops->open(plain_reader.self, tenant, source, ret, ret_pages, err);
}

static bool is_opening(struct rig *rig, const void *argument)
{
    return opening;
}

static bool pages_are_known(struct rig *rig, const void *argument)
{
    return rig_state(rig, tenant_name, argument).status == DM_STATUS_PROCESSING;
}

static void given_a_pause_while_pages_are_counted_then_none_of_them_is_claimed(void **state)
{
    struct rig *rig = *state;
    plain_reader = rig->pipeline.ports.reader;
    static struct dm_reader_ops held;
    held = *plain_reader.ops;
    held.open = held_open;
    rig->pipeline.ports.reader.ops = &held;
    hold_open = true;
    opening = false;
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=5", "");
    rig_start(rig, 1);
    rig_until(rig, is_opening, NULL);
    assert_int_equal(dm_work_pause(&rig->pipeline, NULL, &rig->err), DM_OK);
    hold_open = false;
    rig_until(rig, pages_are_known, &file);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot = read_all(rig, &file, &arena);
    assert_int_equal(snapshot.claim_count, 0);
    assert_int_equal(snapshot.work.key, DM_WORK_READY);
    assert_int_equal(dm_work_resume(&rig->pipeline, NULL, &rig->err), DM_OK);
    assert_int_equal(rig_ended(rig, tenant_name, &file).processed, 5);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(given_documents_without_progress_then_they_are_told_with_what_they_wait_for),
        CASE(given_a_split_whose_owner_is_gone_when_it_is_redriven_then_it_is_read_without_a_loss),
        CASE(given_pages_whose_owner_is_gone_when_they_are_redriven_then_only_those_without_an_end_come_back),
        CASE(given_a_document_that_moves_when_it_is_redriven_then_it_is_left_alone),
        CASE(given_nothing_that_holds_it_back_when_it_is_redriven_then_that_is_told),
        CASE(given_an_aggregator_that_is_gone_when_it_is_redriven_then_another_writes_the_result),
        CASE(given_a_failure_of_our_own_when_it_is_redriven_then_it_is_read_again_and_others_are_not),
        CASE(given_a_worker_that_hangs_when_its_document_is_redriven_then_each_page_still_ends_once),
        CASE(given_owners_that_died_with_their_process_then_the_next_one_ends_every_document),
        CASE(given_what_was_lost_as_often_as_it_may_then_it_ends_with_its_reason),
        CASE(given_documents_in_no_index_then_the_sweeper_finds_them_and_they_end),
        CASE(given_a_paused_tenant_then_only_others_are_read_also_after_a_restart_until_it_is_resumed),
        CASE(given_a_pause_of_all_then_what_was_claimed_is_finished_and_nothing_else),
        CASE(given_a_pause_while_pages_are_counted_then_none_of_them_is_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
