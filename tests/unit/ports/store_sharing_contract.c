/* store_sharing_contract.c: what every ledger must do for those who share it: keys used twice, tenants, removals, many at
 * once. */
#include "contracts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "records.h"
#include "store_rig.h"
#include "testing.h"

enum { ARENA_MAX = 64 << 20 };

/* ---- idempotency --------------------------------------------------------------------------------------------- */

static struct dm_idem idem_for(const struct dm_file *file, int64_t expires_ms)
{
    struct dm_idem idem = { .key = DM_STR("POST /api/upload client-key \xc3\xa9 17"), .file = *file };
    snprintf(idem.request, sizeof(idem.request), "%064d", 42);
    idem.expires_ms = expires_ms;
    return idem;
}

static enum dm_code put_idem(const struct dm_tenant *of, const struct dm_idem *idem, int64_t now_ms)
{
    struct dm_transaction transaction = { .idem = idem, .now_ms = now_ms };
    enum dm_code rc = dm_store_commit(contract.store, of, &idem->file, &transaction, &contract.err);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_IDEM);
    return rc;
}

static void a_key_belongs_to_one_document_until_it_expires(void **state)
{
    const struct dm_file first = fresh_file(contract.runtime);
    const struct dm_file second = fresh_file(contract.runtime);
    struct dm_idem idem = idem_for(&first, 2000);
    struct dm_idem found;
    assert_code(dm_store_idem(contract.store, &contract.tenant, idem.key, 1000, &contract.arena, &found, &contract.err),
                DM_NOT_FOUND, &contract.err);
    assert_ok(put_idem(&contract.tenant, &idem, 1000), &contract.err);
    assert_ok(dm_store_idem(contract.store, &contract.tenant, idem.key, 1999, &contract.arena, &found, &contract.err),
              &contract.err);
    assert_text(found.key, idem.key);
    assert_string_equal(found.request, idem.request);
    assert_string_equal(found.file.id, first.id);
    assert_int_equal(found.expires_ms, 2000);
    idem = idem_for(&second, 9000);
    assert_code(put_idem(&contract.tenant, &idem, 1999), DM_CONFLICT, &contract.err);
    assert_ok(dm_store_idem(contract.store, &contract.tenant, idem.key, 1999, &contract.arena, &found, &contract.err),
              &contract.err);
    assert_string_equal(found.file.id, first.id);
    assert_code(dm_store_idem(contract.store, &contract.tenant, idem.key, 2000, &contract.arena, &found, &contract.err),
                DM_NOT_FOUND, &contract.err);
    assert_ok(put_idem(&contract.tenant, &idem, 2000), &contract.err);
    assert_ok(dm_store_idem(contract.store, &contract.tenant, idem.key, 2000, &contract.arena, &found, &contract.err),
              &contract.err);
    assert_string_equal(found.file.id, second.id);
}

static void a_used_key_keeps_the_document_out(void **state)
{
    const struct dm_file first = fresh_file(contract.runtime);
    const struct dm_file second = fresh_file(contract.runtime);
    struct dm_idem idem = idem_for(&first, INT64_MAX);
    assert_ok(put_idem(&contract.tenant, &idem, 1000), &contract.err);
    idem.file = second;
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .idem = &idem, .now_ms = 1000 };
    contract_assert_conflict(&second, &transaction, DM_CONFLICT_IDEM);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(contract.store, &contract.tenant, &second, DM_PART_STATE, &contract.arena, &snapshot,
                              &contract.err),
                DM_NOT_FOUND, &contract.err);
}

static void a_key_is_free_for_another_tenant(void **state)
{
    const struct dm_tenant other = fresh_tenant(contract.runtime);
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_idem idem = idem_for(&file, INT64_MAX);
    struct dm_idem found;
    assert_ok(put_idem(&contract.tenant, &idem, 1000), &contract.err);
    assert_code(dm_store_idem(contract.store, &other, idem.key, 1000, &contract.arena, &found, &contract.err),
                DM_NOT_FOUND, &contract.err);
    assert_ok(put_idem(&other, &idem, 1000), &contract.err);
}

static void dead_keys_do_not_hide_living_ones(void **state)
{
    char text[32];
    const struct dm_file file = fresh_file(contract.runtime);
    for (int i = 0; i < 50; i++) {
        struct dm_idem idem = idem_for(&file, i % 2 ? 100 + i : 1000000);
        snprintf(text, sizeof(text), "key %d", i);
        idem.key = dm_str_z(text);
        assert_ok(put_idem(&contract.tenant, &idem, 100 + i), &contract.err);
    }
    for (int i = 0; i < 50; i++) {
        struct dm_idem found;
        snprintf(text, sizeof(text), "key %d", i);
        assert_code(dm_store_idem(contract.store, &contract.tenant, dm_str_z(text), 200, &contract.arena, &found,
                                  &contract.err),
                    i % 2 ? DM_NOT_FOUND : DM_OK, &contract.err);
    }
}

/* ---- tenants ------------------------------------------------------------------------------------------------- */

static void one_id_under_two_tenants_is_two_documents(void **state)
{
    const struct dm_tenant other = fresh_tenant(contract.runtime);
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_page page = full_page(1, 2);
    assert_ok(contract_write_page(&file, &page), &contract.err);
    struct dm_snapshot snapshot;
    assert_code(
        dm_store_read(contract.store, &other, &file, CONTRACT_ALL_PARTS, &contract.arena, &snapshot, &contract.err),
        DM_NOT_FOUND, &contract.err);
    assert_int_equal(contract_pages(&other, &file), 0);
    assert_int_equal(contract_events(&other, &file), 0);
    /* Writing under the wrong tenant finds nothing to write. */
    snapshot = contract_read(&contract.tenant, &file);
    const struct dm_state next = contract_next_state(&snapshot, 0);
    struct dm_transaction transaction = { .state = &next, .state_before = 1 };
    assert_code(dm_store_commit(contract.store, &other, &file, &transaction, &contract.err), DM_CONFLICT,
                &contract.err);
    assert_int_equal(transaction.ret_conflict, DM_CONFLICT_STATE);
    /* The other's own document of that id lives and dies by itself. */
    struct dm_document document = full_document();
    document.name = DM_STR("the other's");
    const struct dm_state its_state = full_state();
    put_records(contract.store, &other, &file, &document, &its_state, NULL);
    assert_text(contract_read(&other, &file).document.name, DM_STR("the other's"));
    assert_text(contract_read(&contract.tenant, &file).document.name, full_document().name);
    assert_ok(dm_store_erase(contract.store, &other, &file, &contract.err), &contract.err);
    assert_code(
        dm_store_read(contract.store, &other, &file, CONTRACT_ALL_PARTS, &contract.arena, &snapshot, &contract.err),
        DM_NOT_FOUND, &contract.err);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 1);
    assert_int_equal(contract_pages(&contract.tenant, &file), 1);
}

static void tenants_that_differ_in_case_alone_are_different(void **state)
{
    struct dm_tenant upper = contract.tenant;
    upper.id[0] = 'T';
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(contract.store, &upper, &file, DM_PART_STATE, &contract.arena, &snapshot, &contract.err),
                DM_NOT_FOUND, &contract.err);
}

/* ---- removing ------------------------------------------------------------------------------------------------ */

static void erasing_leaves_nothing_and_may_be_repeated(void **state)
{
    enum { PAGES = 1300 };
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_file neighbour = put_document(contract.store, contract.runtime, &contract.tenant);
    for (uint32_t first = 1; first <= PAGES; first += 100) {
        struct dm_page pages[100];
        for (uint32_t i = 0; i < DM_COUNT(pages); i++)
            pages[i] = full_page(first + i, 2);
        struct dm_transaction transaction = { .pages = pages, .page_count = DM_COUNT(pages) };
        assert_ok(contract_commit(&file, &transaction), &contract.err);
    }
    assert_int_equal(contract_pages(&contract.tenant, &file), PAGES);
    assert_ok(dm_store_erase(contract.store, &contract.tenant, &file, &contract.err), &contract.err);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(contract.store, &contract.tenant, &file, CONTRACT_ALL_PARTS, &contract.arena, &snapshot,
                              &contract.err),
                DM_NOT_FOUND, &contract.err);
    assert_int_equal(contract_pages(&contract.tenant, &file), 0);
    assert_int_equal(contract_events(&contract.tenant, &file), 0);
    assert_ok(dm_store_erase(contract.store, &contract.tenant, &file, &contract.err), &contract.err);
    assert_int_equal(contract_read(&contract.tenant, &neighbour).claim_count, 1);
    /* Nothing of the former one is met by one that takes its id. */
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, NULL);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 0);
}

/* ---- many at once -------------------------------------------------------------------------------------------- */

enum { TASKS = 16, ROUNDS = 25, STEPS = TASKS * ROUNDS };

struct counting {
    struct dm_file file;
    uint32_t conflicts;
    enum dm_code failure;
};

/* Reads, adds one, writes under what it read, until it has won ROUNDS times. */
static void count_up(void *argument)
{
    struct counting *counting = argument;
    struct dm_arena own = dm_arena_make(ARENA_MAX);
    for (int won = 0; won < ROUNDS && counting->failure == DM_OK;) {
        struct dm_snapshot snapshot;
        enum dm_code rc =
            dm_store_read(contract.store, &contract.tenant, &counting->file, DM_PART_STATE, &own, &snapshot, NULL);
        if (rc == DM_OK) {
            struct dm_state next = contract_next_state(&snapshot, 1);
            next.usage.model_calls++;
            const struct dm_event event = full_event(next.seq);
            struct dm_transaction transaction = {
                .state = &next, .state_before = snapshot.state.version, .events = &event, .event_count = 1
            };
            rc = dm_store_commit(contract.store, &contract.tenant, &counting->file, &transaction, NULL);
            if (rc == DM_CONFLICT && transaction.ret_conflict != DM_CONFLICT_STATE)
                rc = DM_INTERNAL;
            if (rc == DM_OK) {
                won++;
                /* Whoever was told "done" finds it. */
                rc = dm_store_read(contract.store, &contract.tenant, &counting->file, DM_PART_STATE, &own, &snapshot,
                                   NULL);
                if (rc == DM_OK && snapshot.state.version < next.version)
                    rc = DM_CORRUPT;
            }
        }
        if (rc == DM_CONFLICT)
            counting->conflicts++;
        else if (rc != DM_OK)
            counting->failure = rc;
        dm_arena_reset(&own);
    }
    dm_arena_free(&own);
}

static void of_tasks_that_count_together_none_loses_a_step(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const uint64_t calls_before = contract_read(&contract.tenant, &file).state.usage.model_calls;
    struct counting counting[TASKS];
    struct dm_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++) {
        counting[i] = (struct counting){ .file = file };
        assert_ok(dm_spawn(contract.runtime, "counting", count_up, &counting[i], &tasks[i], &contract.err),
                  &contract.err);
    }
    for (int i = 0; i < TASKS; i++)
        dm_join(contract.runtime, tasks[i]);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(counting[i].failure, DM_OK);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_int_equal(snapshot.state.version, 1 + STEPS);
    assert_int_equal(snapshot.state.usage.model_calls, calls_before + STEPS);
    struct dm_event_list events = { 0 };
    assert_ok(
        dm_store_events(contract.store, &contract.tenant, &file, 0, 100000, &contract.arena, &events, &contract.err),
        &contract.err);
    assert_int_equal(events.count, 1 + STEPS);
    for (uint32_t i = 0; i < events.count; i++)
        assert_int_equal(events.at[i].seq, i + 1);
}

struct racing {
    struct dm_file file;
    uint32_t epoch;
    uint32_t won;
    enum dm_code failure;
};

static void end_page_one(void *argument)
{
    struct racing *racing = argument;
    const struct dm_page page = full_page(1, racing->epoch);
    struct dm_transaction transaction = { .pages = &page, .page_count = 1 };
    enum dm_code rc = dm_store_commit(contract.store, &contract.tenant, &racing->file, &transaction, NULL);
    if (rc == DM_OK)
        racing->won++;
    else if (rc != DM_CONFLICT || transaction.ret_conflict != DM_CONFLICT_PAGE)
        racing->failure = rc;
}

static void of_tasks_that_end_the_same_page_one_wins(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    for (uint32_t epoch = 2; epoch < 12; epoch++) {
        struct racing racing[TASKS];
        struct dm_task *tasks[TASKS];
        uint32_t won = 0;
        for (int i = 0; i < TASKS; i++) {
            racing[i] = (struct racing){ .file = file, .epoch = epoch };
            assert_ok(dm_spawn(contract.runtime, "racing", end_page_one, &racing[i], &tasks[i], &contract.err),
                      &contract.err);
        }
        for (int i = 0; i < TASKS; i++)
            dm_join(contract.runtime, tasks[i]);
        for (int i = 0; i < TASKS; i++) {
            assert_int_equal(racing[i].failure, DM_OK);
            won += racing[i].won;
        }
        assert_int_equal(won, 1);
    }
}

static void a_store_that_works_says_so(void **state)
{
    assert_ok(dm_store_check(contract.store, &contract.err), &contract.err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, contract_before, contract_after)

int store_sharing_contract(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_key_belongs_to_one_document_until_it_expires),
        CASE(a_used_key_keeps_the_document_out),
        CASE(a_key_is_free_for_another_tenant),
        CASE(dead_keys_do_not_hide_living_ones),
        CASE(one_id_under_two_tenants_is_two_documents),
        CASE(tenants_that_differ_in_case_alone_are_different),
        CASE(erasing_leaves_nothing_and_may_be_repeated),
        CASE(of_tasks_that_count_together_none_loses_a_step),
        CASE(of_tasks_that_end_the_same_page_one_wins),
        CASE(a_store_that_works_says_so),
    };
    return run_group("the store's contract, shared", tests, NULL, NULL);
}
