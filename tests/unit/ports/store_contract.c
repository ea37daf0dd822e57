/* store_contract.c: what every ledger must do for one document: reading, conditions, atomicity. */
#include "contracts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "records.h"
#include "store_rig.h"
#include "testing.h"

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void what_is_not_there_is_not_found_whatever_is_asked_of_it(void **state)
{
    static const unsigned parts[] = { DM_PART_DOCUMENT, DM_PART_STATE, DM_PART_WORK, DM_PART_CLAIMS,
                                      CONTRACT_ALL_PARTS };
    const struct dm_file file = fresh_file(contract.runtime);
    struct dm_snapshot snapshot;
    memset(&snapshot, 7, sizeof(snapshot));
    const struct dm_snapshot untouched = snapshot;
    for (size_t i = 0; i < DM_COUNT(parts); i++)
        assert_code(
            dm_store_read(contract.store, &contract.tenant, &file, parts[i], &contract.arena, &snapshot, &contract.err),
            DM_NOT_FOUND, &contract.err);
    assert_memory_equal(&snapshot, &untouched, sizeof(snapshot));
    assert_int_equal(contract_pages(&contract.tenant, &file), 0);
    assert_int_equal(contract_events(&contract.tenant, &file), 0);
}

static void a_new_document_is_read_back_as_it_was_written(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work work = full_work();
    const struct dm_claim claim = full_claim(1);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
    assert_same_work(&snapshot.work, &work);
    assert_int_equal(snapshot.claim_count, 1);
    assert_same_claim(&snapshot.claims[0], &claim);
}

static void each_part_can_be_read_by_itself(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work work = full_work();
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_DOCUMENT, &contract.arena, &snapshot,
                            &contract.err),
              &contract.err);
    assert_same_document(&snapshot.document, &document);
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_STATE, &contract.arena, &snapshot,
                            &contract.err),
              &contract.err);
    assert_same_state(&snapshot.state, &its_state);
    assert_ok(
        dm_store_read(contract.store, &contract.tenant, &file, DM_PART_WORK, &contract.arena, &snapshot, &contract.err),
        &contract.err);
    assert_same_work(&snapshot.work, &work);
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_CLAIMS, &contract.arena, &snapshot,
                            &contract.err),
              &contract.err);
    assert_int_equal(snapshot.claim_count, 1);
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_DOCUMENT | DM_PART_STATE, &contract.arena,
                            &snapshot, &contract.err),
              &contract.err);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
}

static void what_is_shown_of_a_document_reads_the_same_without_the_rest(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    struct dm_snapshot snapshot = { 0 };
    (void)state;
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_SHOWN,
                            &contract.arena, &snapshot, &contract.err),
              &contract.err);
    /* Whatever a store says of the rest, it says it of the rest alone. */
    document.format = snapshot.document.format;
    document.pages = snapshot.document.pages;
    document.password = snapshot.document.password;
    document.created_ms = snapshot.document.created_ms;
    its_state.format = snapshot.state.format;
    its_state.progress_ms = snapshot.state.progress_ms;
    its_state.lease = snapshot.state.lease;
    its_state.aggregations = snapshot.state.aggregations;
    its_state.result_bytes = snapshot.state.result_bytes;
    its_state.due_ms = snapshot.state.due_ms;
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
}

static void a_record_of_nothing_but_zeros_and_empty_texts_is_read_back(void **state)
{
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_document document = { .format = 1 };
    const struct dm_state its_state = { .status = DM_STATUS_PENDING, .epoch = 1, .version = 1, .seq = 1 };
    const struct dm_work work = { .version = 1 };
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, &work);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
    assert_same_work(&snapshot.work, &work);
    assert_int_equal(snapshot.claim_count, 0);
}

static void texts_may_hold_any_bytes(void **state)
{
    const struct dm_file file = fresh_file(contract.runtime);
    struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    document.name = DM_STR("'; DROP TABLE document; -- \xff\xfe \x01 \0 after a NUL");
    document.metadata = DM_STR("{\"quote\":\"\\\"\",\"\xe2\x82\xac\":[1,2]}");
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_document(&snapshot.document, &document);
}

static void numbers_keep_their_largest_values(void **state)
{
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    its_state.usage.cost_micros = INT64_MAX;
    its_state.total = UINT32_MAX;
    its_state.skipped = UINT32_MAX - its_state.processed - its_state.failed - its_state.remaining;
    its_state.due_ms = INT64_MAX;
    memset(its_state.detail, 'x', sizeof(its_state.detail) - 1);
    memset(its_state.lease.owner, 'o', sizeof(its_state.lease.owner) - 1);
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_state(&snapshot.state, &its_state);
}

static void a_document_without_work_has_empty_work(void **state)
{
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work none = { 0 };
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = { 0 };
    assert_ok(
        dm_store_read(contract.store, &contract.tenant, &file, DM_PART_WORK, &contract.arena, &snapshot, &contract.err),
        &contract.err);
    assert_same_work(&snapshot.work, &none);
    assert_ok(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_CLAIMS, &contract.arena, &snapshot,
                            &contract.err),
              &contract.err);
    assert_int_equal(snapshot.claim_count, 0);
}

static void work_keeps_thousands_of_ranges(void **state)
{
    enum { RANGES = DM_RETURNED_MAX };
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    struct dm_work work = full_work();
    struct dm_range *chosen = calloc(RANGES, sizeof(*chosen));
    struct dm_returned *returned = calloc(RANGES, sizeof(*returned));
    for (uint32_t i = 0; i < RANGES; i++) {
        chosen[i] = (struct dm_range){ 3 * i + 1, 3 * i + 2 };
        returned[i] = (struct dm_returned){ 3 * i + 1, 3 * i + 1, i % 3, 1764000000000 + i };
    }
    work.chosen = (struct dm_ranges){ chosen, RANGES };
    work.returned = returned;
    work.returned_count = RANGES;
    put_records(contract.store, &contract.tenant, &file, &document, &its_state, &work);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_work(&snapshot.work, &work);
    free(chosen);
    free(returned);
}

static void pages_are_read_by_range_and_at_most_as_many_as_asked(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_page pages[30];
    for (uint32_t i = 0; i < DM_COUNT(pages); i++)
        pages[i] = full_page(2 * (DM_COUNT(pages) - i), 1); /* even numbers, from the last to the first */
    struct dm_transaction transaction = { .pages = pages, .page_count = DM_COUNT(pages) };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    struct dm_page_list list = { 0 };
    assert_ok(dm_store_pages(contract.store, &contract.tenant, &file, 3, 9, 100, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 3);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct dm_page expected = full_page(4 + 2 * i, 1);
        assert_same_page(&list.at[i], &expected);
    }
    assert_ok(dm_store_pages(contract.store, &contract.tenant, &file, 1, UINT32_MAX, 7, &contract.arena, &list,
                             &contract.err),
              &contract.err);
    assert_int_equal(list.count, 7);
    assert_int_equal(list.at[6].number, 14);
    assert_ok(dm_store_pages(contract.store, &contract.tenant, &file, 61, UINT32_MAX, 7, &contract.arena, &list,
                             &contract.err),
              &contract.err);
    assert_int_equal(list.count, 0);
}

static void events_are_read_after_a_number_in_order(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    for (uint64_t seq = 2; seq <= 12; seq += 2) {
        const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
        const struct dm_state next = contract_next_state(&snapshot, 2);
        const struct dm_event events[] = { full_event(seq), full_event(seq + 1) };
        struct dm_transaction transaction = {
            .state = &next, .state_before = snapshot.state.version, .events = events, .event_count = 2
        };
        assert_ok(contract_commit(&file, &transaction), &contract.err);
    }
    struct dm_event_list list = { 0 };
    assert_ok(dm_store_events(contract.store, &contract.tenant, &file, 3, 5, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 5);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct dm_event expected = full_event(4 + i);
        assert_same_event(&list.at[i], &expected);
    }
    assert_ok(dm_store_events(contract.store, &contract.tenant, &file, 0, 100, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 13);
    assert_ok(dm_store_events(contract.store, &contract.tenant, &file, 13, 100, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 0);
    assert_ok(dm_store_events(contract.store, &contract.tenant, &file, UINT64_MAX, 100, &contract.arena, &list,
                              &contract.err),
              &contract.err);
    assert_int_equal(list.count, 0);
}

static void an_event_may_be_large(void **state)
{
    enum { BYTES = 200 * 1024 };
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    char *text = malloc(BYTES);
    memset(text, 'e', BYTES);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    const struct dm_state next = contract_next_state(&snapshot, 1);
    struct dm_event event = full_event(2);
    event.data = dm_str_of(text, BYTES);
    struct dm_transaction transaction = {
        .state = &next, .state_before = snapshot.state.version, .events = &event, .event_count = 1
    };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    struct dm_event_list list = { 0 };
    assert_ok(dm_store_events(contract.store, &contract.tenant, &file, 1, 10, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 1);
    assert_true(dm_str_eq(list.at[0].data, event.data));
    free(text);
}

/* ---- conditions ---------------------------------------------------------------------------------------------- */

static void a_document_that_is_there_is_not_made_again(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_document document = full_document();
    document.name = DM_STR("another");
    const struct dm_state its_state = full_state();
    struct dm_transaction transaction = { .document = &document, .state = &its_state };
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    const struct dm_document before_it = full_document();
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_same_document(&snapshot.document, &before_it);
}

static void a_document_that_is_not_there_is_not_replaced(void **state)
{
    const struct dm_file file = fresh_file(contract.runtime);
    const struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    its_state.version = 6;
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .state_before = 5 };
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(contract.store, &contract.tenant, &file, DM_PART_STATE, &contract.arena, &snapshot,
                              &contract.err),
                DM_NOT_FOUND, &contract.err);
}

static void a_document_is_replaced_with_its_state(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    struct dm_document document = snapshot.document;
    document.deleted_ms = 1764000099999;
    const struct dm_state next = contract_next_state(&snapshot, 0);
    struct dm_transaction transaction = { .document = &document, .state = &next, .state_before = 1 };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    const struct dm_snapshot now = contract_read(&contract.tenant, &file);
    assert_same_document(&now.document, &document);
    assert_same_state(&now.state, &next);
}

static void a_state_is_replaced_only_where_its_version_is_the_one_read(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    struct dm_state next = contract_next_state(&snapshot, 0);
    next.status = DM_STATUS_CANCELLED;
    struct dm_transaction transaction = { .state = &next, .state_before = 1 };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    const struct dm_snapshot now = contract_read(&contract.tenant, &file);
    assert_same_state(&now.state, &next);
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    next.version = 4;
    transaction.state_before = 3;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    /* And 0 means that there must be none. */
    next.version = 1;
    transaction.state_before = 0;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    assert_int_equal(contract_read(&contract.tenant, &file).state.version, 2);
}

static void work_is_replaced_only_where_its_version_is_the_one_read(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    struct dm_work next = contract_next_work(&snapshot);
    next.cursor = 77;
    next.returned = NULL;
    next.returned_count = 0;
    next.chosen = (struct dm_ranges){ 0 };
    struct dm_transaction transaction = { .work = &next, .work_before = 1 };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    const struct dm_snapshot now = contract_read(&contract.tenant, &file);
    assert_same_work(&now.work, &next);
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    next.version = 1;
    transaction.work_before = 0;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    assert_int_equal(contract_read(&contract.tenant, &file).work.version, 2);
}

static enum dm_code write_claim(const struct dm_file *file, enum dm_claim_write_kind kind, uint64_t counter,
                                int64_t until_ms)
{
    struct dm_claim_write write = { kind, full_claim(counter) };
    write.claim.lease_until_ms = until_ms;
    struct dm_transaction transaction = { .claims = &write, .claim_count = 1 };
    enum dm_code rc = contract_commit(file, &transaction);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_CLAIM);
    return rc;
}

static void a_claim_is_made_renewed_kept_and_deleted_under_its_counter(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant); /* has claim 1 */
    assert_code(write_claim(&file, DM_CLAIM_INSERT, 1, 5), DM_CONFLICT, &contract.err);
    assert_ok(write_claim(&file, DM_CLAIM_INSERT, 2, 5), &contract.err);
    assert_ok(write_claim(&file, DM_CLAIM_KEEP, 2, 99), &contract.err);
    struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_int_equal(snapshot.claim_count, 2);
    assert_int_equal(snapshot.claims[1].lease_until_ms, 5);
    assert_ok(write_claim(&file, DM_CLAIM_RENEW, 2, 1764000090000), &contract.err);
    snapshot = contract_read(&contract.tenant, &file);
    assert_int_equal(snapshot.claims[0].counter, 1);
    assert_int_equal(snapshot.claims[0].lease_until_ms, full_claim(1).lease_until_ms);
    struct dm_claim expected = full_claim(2);
    expected.lease_until_ms = 1764000090000;
    assert_same_claim(&snapshot.claims[1], &expected);
    assert_ok(write_claim(&file, DM_CLAIM_DELETE, 2, 0), &contract.err);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 1);
    assert_code(write_claim(&file, DM_CLAIM_RENEW, 2, 5), DM_CONFLICT, &contract.err);
    assert_code(write_claim(&file, DM_CLAIM_KEEP, 2, 5), DM_CONFLICT, &contract.err);
    assert_code(write_claim(&file, DM_CLAIM_DELETE, 2, 5), DM_CONFLICT, &contract.err);
    assert_ok(write_claim(&file, DM_CLAIM_KEEP, 1, 0), &contract.err);
    /* Taken only as it was read: somebody has renewed it since. */
    assert_ok(write_claim(&file, DM_CLAIM_RENEW, 1, 1764000091000), &contract.err);
    assert_code(write_claim(&file, DM_CLAIM_TAKE, 1, 1764000090000), DM_CONFLICT, &contract.err);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 1);
    assert_ok(write_claim(&file, DM_CLAIM_TAKE, 1, 1764000091000), &contract.err);
    assert_code(write_claim(&file, DM_CLAIM_TAKE, 1, 1764000091000), DM_CONFLICT, &contract.err);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 0);
}

static void claims_are_read_in_the_order_of_their_counters(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    static const uint64_t counters[] = { 300, 2, 1000000000000, 17, 9 };
    for (size_t i = 0; i < DM_COUNT(counters); i++)
        assert_ok(write_claim(&file, DM_CLAIM_INSERT, counters[i], 5), &contract.err);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    assert_int_equal(snapshot.claim_count, 1 + DM_COUNT(counters));
    for (uint32_t i = 1; i < snapshot.claim_count; i++)
        assert_true(snapshot.claims[i - 1].counter < snapshot.claims[i].counter);
}

static void a_page_ends_once_in_an_epoch(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_page page = full_page(1, 2);
    assert_ok(contract_write_page(&file, &page), &contract.err);
    page.detail = DM_STR("again");
    assert_code(contract_write_page(&file, &page), DM_CONFLICT, &contract.err);
    page.epoch = 1;
    assert_code(contract_write_page(&file, &page), DM_CONFLICT, &contract.err);
    const struct dm_page first = full_page(1, 2);
    struct dm_page_list list = { 0 };
    assert_ok(dm_store_pages(contract.store, &contract.tenant, &file, 1, 1, 1, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_same_page(&list.at[0], &first);
    page = (struct dm_page){ .format = 1, .number = 1, .epoch = 3, .status = DM_PAGE_DONE };
    assert_ok(contract_write_page(&file, &page), &contract.err);
    assert_ok(dm_store_pages(contract.store, &contract.tenant, &file, 1, 1, 1, &contract.arena, &list, &contract.err),
              &contract.err);
    assert_int_equal(list.count, 1);
    assert_same_page(&list.at[0], &page);
}

static void an_event_keeps_its_number_to_itself(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant); /* has event 1 */
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    const struct dm_state next = contract_next_state(&snapshot, 0);
    struct dm_event event = full_event(1);
    event.data = DM_STR("{}");
    struct dm_transaction transaction = { .state = &next, .state_before = 1, .events = &event, .event_count = 1 };
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_EVENT);
    assert_int_equal(contract_read(&contract.tenant, &file).state.version, 1);
}

static void what_breaks_first_is_named_and_nothing_of_the_rest_happens(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    struct dm_page page = full_page(1, 5);
    assert_ok(contract_write_page(&file, &page), &contract.err);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    const struct dm_document document = full_document();
    struct dm_state state_now = contract_next_state(&snapshot, 1);
    struct dm_work work = contract_next_work(&snapshot);
    struct dm_claim_write claims[] = { { DM_CLAIM_INSERT, full_claim(50) }, { DM_CLAIM_KEEP, full_claim(60) } };
    struct dm_page pages[] = { full_page(2, 5), full_page(1, 5) };
    struct dm_event event = full_event(2);
    struct dm_transaction transaction = { .document = &document,
                                          .state = &state_now,
                                          .state_before = 1,
                                          .work = &work,
                                          .work_before = 1,
                                          .claims = claims,
                                          .claim_count = 2,
                                          .pages = pages,
                                          .page_count = 2,
                                          .events = &event,
                                          .event_count = 1 };
    /* From the last part that is broken to the first: each time an earlier one is named. */
    claims[1].claim.counter = 1;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_PAGE);
    claims[1].claim.counter = 60;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_CLAIM);
    work.version = 10;
    transaction.work_before = 9;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    state_now.version = 10;
    transaction.state_before = 9;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    state_now.version = 1;
    transaction.state_before = 0;
    contract_assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    const struct dm_snapshot now = contract_read(&contract.tenant, &file);
    assert_same_state(&now.state, &snapshot.state);
    assert_same_work(&now.work, &snapshot.work);
    assert_int_equal(now.claim_count, 1);
    assert_int_equal(contract_pages(&contract.tenant, &file), 1);
    assert_int_equal(contract_events(&contract.tenant, &file), 1);
}

static void a_transaction_may_hold_a_hundred_records(void **state)
{
    const struct dm_file file = put_document(contract.store, contract.runtime, &contract.tenant);
    const struct dm_snapshot snapshot = contract_read(&contract.tenant, &file);
    const struct dm_state next = contract_next_state(&snapshot, 2);
    const struct dm_claim_write claim = { DM_CLAIM_DELETE, full_claim(1) };
    const struct dm_event events[] = { full_event(2), full_event(3) };
    struct dm_page pages[96];
    for (uint32_t i = 0; i < DM_COUNT(pages); i++)
        pages[i] = full_page(i + 1, 2);
    struct dm_transaction transaction = { .state = &next,
                                          .state_before = 1,
                                          .claims = &claim,
                                          .claim_count = 1,
                                          .pages = pages,
                                          .page_count = DM_COUNT(pages),
                                          .events = events,
                                          .event_count = 2 };
    assert_ok(contract_commit(&file, &transaction), &contract.err);
    assert_int_equal(contract_pages(&contract.tenant, &file), DM_COUNT(pages));
    assert_int_equal(contract_events(&contract.tenant, &file), 3);
    assert_int_equal(contract_read(&contract.tenant, &file).claim_count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, contract_before, contract_after)

int store_contract(struct dm_store store, struct dm_runtime runtime)
{
    contract.store = store;
    contract.runtime = runtime;
    static const struct CMUnitTest tests[] = {
        CASE(what_is_not_there_is_not_found_whatever_is_asked_of_it),
        CASE(a_new_document_is_read_back_as_it_was_written),
        CASE(each_part_can_be_read_by_itself),
        CASE(what_is_shown_of_a_document_reads_the_same_without_the_rest),
        CASE(a_record_of_nothing_but_zeros_and_empty_texts_is_read_back),
        CASE(texts_may_hold_any_bytes),
        CASE(numbers_keep_their_largest_values),
        CASE(a_document_without_work_has_empty_work),
        CASE(work_keeps_thousands_of_ranges),
        CASE(pages_are_read_by_range_and_at_most_as_many_as_asked),
        CASE(events_are_read_after_a_number_in_order),
        CASE(an_event_may_be_large),
        CASE(a_document_that_is_there_is_not_made_again),
        CASE(a_document_that_is_not_there_is_not_replaced),
        CASE(a_document_is_replaced_with_its_state),
        CASE(a_state_is_replaced_only_where_its_version_is_the_one_read),
        CASE(work_is_replaced_only_where_its_version_is_the_one_read),
        CASE(a_claim_is_made_renewed_kept_and_deleted_under_its_counter),
        CASE(claims_are_read_in_the_order_of_their_counters),
        CASE(a_page_ends_once_in_an_epoch),
        CASE(an_event_keeps_its_number_to_itself),
        CASE(what_breaks_first_is_named_and_nothing_of_the_rest_happens),
        CASE(a_transaction_may_hold_a_hundred_records),
    };
    return run_group("the store's contract", tests, NULL, NULL) + store_sharing_contract();
}
