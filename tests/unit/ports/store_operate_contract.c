/* store_operate_contract.c: what every ledger must do for an operator: find what does not get on, keep pauses. */
#include "contracts.h"

#include <string.h>

#include "records.h"
#include "store_rig.h"
#include "testing.h"

enum { FOUND_MAX = 500 };

static struct dm_operator op;

/* ---- what does not get on ------------------------------------------------------------------------------------ */

static struct dm_file add(const struct dm_tenant *tenant, enum dm_status status, int64_t progress_ms)
{
    const struct dm_file file = fresh_file(contract.runtime);
    struct dm_document document = full_document();
    struct dm_state state = full_state();
    struct dm_work work = full_work();
    state.status = status;
    state.progress_ms = progress_ms;
    work.version = 1;
    put_records(contract.store, tenant, &file, &document, &state, &work);
    return file;
}

/* All of them, read in pieces; answers how many there are. */
static uint32_t stalled(int64_t before_ms, uint32_t piece, struct dm_found *ret)
{
    struct dm_stalled_cursor cursor = { 0 };
    uint32_t count = 0;
    for (;;) {
        struct dm_found found[FOUND_MAX];
        uint32_t got = 0;
        assert_ok(dm_operator_stalled(op, before_ms, &cursor, piece, found, &got, &contract.err), &contract.err);
        assert_true(got <= piece && count + got < FOUND_MAX);
        memcpy(ret + count, found, got * sizeof(*found));
        count += got;
        if (got < piece)
            return count;
    }
}

static int place_of(const struct dm_found *found, uint32_t count, const struct dm_file *file)
{
    int place = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (!dm_file_eq(&found[i].file, file))
            continue;
        assert_int_equal(place, -1); /* each once */
        assert_true(dm_tenant_eq(&found[i].tenant, &contract.tenant));
        place = (int)i;
    }
    return place;
}

static void what_made_no_progress_comes_the_longest_first_and_never_what_has_ended(void **state)
{
    static const enum dm_status statuses[] = { DM_STATUS_AWAITING_UPLOAD, DM_STATUS_PENDING,     DM_STATUS_CHUNKING,
                                               DM_STATUS_PROCESSING,      DM_STATUS_AGGREGATING, DM_STATUS_COMPLETED,
                                               DM_STATUS_FAILED,          DM_STATUS_CANCELLED };
    struct dm_file files[DM_COUNT(statuses)];
    struct dm_found found[FOUND_MAX];
    for (size_t i = 0; i < DM_COUNT(statuses); i++)
        files[i] = add(&contract.tenant, statuses[i], 100 - (int64_t)i);
    uint32_t count = stalled(101, FOUND_MAX - 1, found);
    for (size_t i = 0; i < DM_COUNT(statuses); i++)
        assert_int_equal(place_of(found, count, &files[i]) >= 0, !dm_status_is_final(statuses[i]));
    for (size_t i = 1; i < 5; i++)
        assert_true(place_of(found, count, &files[i]) < place_of(found, count, &files[i - 1]));
    /* At that very instant it had still made progress. */
    count = stalled(100, FOUND_MAX - 1, found);
    assert_int_equal(place_of(found, count, &files[0]), -1);
    assert_true(place_of(found, count, &files[1]) >= 0);
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_ok(dm_store_erase(contract.store, &contract.tenant, &files[i], &contract.err), &contract.err);
    count = stalled(101, FOUND_MAX - 1, found);
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_int_equal(place_of(found, count, &files[i]), -1);
}

static void a_walk_in_pieces_finds_each_once_also_those_of_one_instant(void **state)
{
    struct dm_file files[13];
    struct dm_found found[FOUND_MAX];
    for (size_t i = 0; i < DM_COUNT(files); i++)
        files[i] = add(&contract.tenant, DM_STATUS_PROCESSING, 50 + (int64_t)i / 5);
    for (uint32_t piece = 1; piece <= 4; piece += 3) {
        uint32_t count = stalled(60, piece, found);
        for (size_t i = 0; i < DM_COUNT(files); i++)
            assert_true(place_of(found, count, &files[i]) >= 0);
    }
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_ok(dm_store_erase(contract.store, &contract.tenant, &files[i], &contract.err), &contract.err);
}

static void progress_takes_it_from_among_them(void **state)
{
    struct dm_found found[FOUND_MAX];
    const struct dm_file file = add(&contract.tenant, DM_STATUS_PROCESSING, 70);
    const struct dm_snapshot before = contract_read(&contract.tenant, &file);
    struct dm_state next = contract_next_state(&before, 0);
    next.progress_ms = 90;
    struct dm_transaction transaction = { .state = &next, .state_before = before.state.version };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    uint32_t count = stalled(80, FOUND_MAX - 1, found);
    assert_int_equal(place_of(found, count, &file), -1);
    count = stalled(91, FOUND_MAX - 1, found);
    assert_true(place_of(found, count, &file) >= 0);
    assert_ok(dm_store_erase(contract.store, &contract.tenant, &file, &contract.err), &contract.err);
}

/* ---- what has ended -------------------------------------------------------------------------------------------- */

static void what_has_ended_is_walked_in_pieces_each_once(void **state)
{
    static const enum dm_status statuses[] = { DM_STATUS_COMPLETED, DM_STATUS_PROCESSING, DM_STATUS_FAILED,
                                               DM_STATUS_CANCELLED, DM_STATUS_PENDING,    DM_STATUS_COMPLETED };
    struct dm_file files[DM_COUNT(statuses)];
    for (size_t i = 0; i < DM_COUNT(statuses); i++)
        files[i] = add(&contract.tenant, statuses[i], 100);
    for (uint32_t piece = 1; piece <= FOUND_MAX - 1; piece += FOUND_MAX - 2) {
        struct dm_found found[FOUND_MAX], cursor = { 0 };
        uint32_t times[DM_COUNT(statuses)] = { 0 };
        for (uint32_t got = piece; got == piece;) {
            assert_ok(dm_operator_ended(op, &cursor, piece, found, &got, &contract.err), &contract.err);
            assert_true(got <= piece);
            for (size_t i = 0; i < DM_COUNT(files); i++)
                times[i] += place_of(found, got, &files[i]) >= 0;
        }
        for (size_t i = 0; i < DM_COUNT(files); i++)
            assert_int_equal(times[i], dm_status_is_final(statuses[i]));
    }
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_ok(dm_store_erase(contract.store, &contract.tenant, &files[i], &contract.err), &contract.err);
}

/* ---- pauses -------------------------------------------------------------------------------------------------- */

static bool is_paused(const struct dm_tenant *tenant)
{
    bool paused = false;
    assert_ok(dm_operator_paused(op, tenant, &paused, &contract.err), &contract.err);
    return paused;
}

static uint32_t pauses(struct dm_pause *ret)
{
    uint32_t count = 0;
    assert_ok(dm_operator_pauses(op, NULL, FOUND_MAX, ret, &count, &contract.err), &contract.err);
    return count;
}

static void a_pause_is_of_its_tenant_alone_until_it_is_resumed(void **state)
{
    const struct dm_tenant other = fresh_tenant(contract.runtime);
    struct dm_pause all[FOUND_MAX];
    assert_false(is_paused(&contract.tenant));
    assert_ok(dm_operator_pause(op, &contract.tenant, 1000, &contract.err), &contract.err);
    assert_ok(dm_operator_pause(op, &contract.tenant, 2000, &contract.err), &contract.err);
    assert_true(is_paused(&contract.tenant));
    assert_false(is_paused(&other));
    assert_int_equal(pauses(all), 1);
    assert_true(dm_tenant_eq(&all[0].tenant, &contract.tenant));
    assert_int_equal(all[0].since_ms, 1000);
    assert_ok(dm_operator_resume(op, &other, &contract.err), &contract.err);
    assert_true(is_paused(&contract.tenant));
    assert_ok(dm_operator_resume(op, &contract.tenant, &contract.err), &contract.err);
    assert_false(is_paused(&contract.tenant));
    assert_int_equal(pauses(all), 0);
}

static void pauses_can_be_read_from_the_first_on_after_a_read_from_elsewhere(void **state)
{
    struct dm_pause all[FOUND_MAX];
    uint32_t count = 77;
    assert_ok(dm_operator_pause(op, &contract.tenant, 1000, &contract.err), &contract.err);
    assert_int_equal(pauses(all), 1);
    assert_ok(dm_operator_pauses(op, &contract.tenant, FOUND_MAX, all, &count, &contract.err), &contract.err);
    assert_int_equal(count, 0);
    assert_int_equal(pauses(all), 1);
    assert_ok(dm_operator_resume(op, &contract.tenant, &contract.err), &contract.err);
}

static void everybodys_pause_comes_first_and_is_everybodys(void **state)
{
    const struct dm_tenant other = fresh_tenant(contract.runtime);
    struct dm_pause all[FOUND_MAX];
    assert_ok(dm_operator_pause(op, &contract.tenant, 5, &contract.err), &contract.err);
    assert_ok(dm_operator_pause(op, NULL, 7, &contract.err), &contract.err);
    assert_true(is_paused(&other));
    assert_int_equal(pauses(all), 2);
    assert_string_equal(all[0].tenant.id, "");
    assert_int_equal(all[0].since_ms, 7);
    uint32_t count = 0;
    assert_ok(dm_operator_pauses(op, &all[0].tenant, 1, &all[1], &count, &contract.err), &contract.err);
    assert_int_equal(count, 1);
    assert_true(dm_tenant_eq(&all[1].tenant, &contract.tenant));
    /* A tenant's own end does not end everybody's. */
    assert_ok(dm_operator_resume(op, &contract.tenant, &contract.err), &contract.err);
    assert_true(is_paused(&contract.tenant));
    assert_ok(dm_operator_pause(op, &contract.tenant, 9, &contract.err), &contract.err);
    assert_ok(dm_operator_resume(op, NULL, &contract.err), &contract.err);
    assert_false(is_paused(&contract.tenant));
    assert_false(is_paused(&other));
    assert_int_equal(pauses(all), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, contract_before, contract_after)

int operate_contract(struct dm_store store, struct dm_operator given_op, struct dm_runtime runtime)
{
    contract.store = store;
    contract.runtime = runtime;
    op = given_op;
    static const struct CMUnitTest tests[] = {
        CASE(what_made_no_progress_comes_the_longest_first_and_never_what_has_ended),
        CASE(a_walk_in_pieces_finds_each_once_also_those_of_one_instant),
        CASE(progress_takes_it_from_among_them),
        CASE(what_has_ended_is_walked_in_pieces_each_once),
        CASE(a_pause_is_of_its_tenant_alone_until_it_is_resumed),
        CASE(pauses_can_be_read_from_the_first_on_after_a_read_from_elsewhere),
        CASE(everybodys_pause_comes_first_and_is_everybodys),
    };
    return run_group("the operator's contract: what does not get on", tests, NULL, NULL);
}
