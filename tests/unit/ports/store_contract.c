/* store_contract.c: what every ledger must do for one document: reading, conditions, atomicity, tenants. */
#include "contracts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "records.h"
#include "testing.h"

enum { ALL_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, ARENA_MAX = 64 << 20 };

static struct dm_store store;
static struct dm_runtime runtime;
static struct dm_tenant tenant; /* a new one for every test */
static struct dm_arena arena;
static struct dm_err err;

static int before(void **state)
{
    tenant = fresh_tenant(runtime);
    arena = dm_arena_make(ARENA_MAX);
    memset(&err, 0, sizeof(err));
    return 0;
}

static int after(void **state)
{
    dm_arena_free(&arena);
    return 0;
}

static struct dm_snapshot read_all(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(store, of, file, ALL_PARTS, &arena, &snapshot, &err), &err);
    return snapshot;
}

static uint32_t count_pages(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_page_list pages = { 0 };
    assert_ok(dm_store_pages(store, of, file, 1, UINT32_MAX, 100000, &arena, &pages, &err), &err);
    return pages.count;
}

static uint32_t count_events(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_event_list events = { 0 };
    assert_ok(dm_store_events(store, of, file, 0, 100000, &arena, &events, &err), &err);
    return events.count;
}

/* STATE and WORK as they would be written next. */
static struct dm_state next_state(const struct dm_snapshot *snapshot, uint32_t events)
{
    struct dm_state state = snapshot->state;
    state.version++;
    state.seq += events;
    return state;
}

static struct dm_work next_work(const struct dm_snapshot *snapshot)
{
    struct dm_work work = snapshot->work;
    work.version++;
    return work;
}

static enum dm_code commit(const struct dm_file *file, struct dm_transaction *transaction)
{
    return dm_store_commit(store, &tenant, file, transaction, &err);
}

static void assert_conflict(const struct dm_file *file, struct dm_transaction *transaction, enum dm_conflict where)
{
    assert_code(commit(file, transaction), DM_CONFLICT, &err);
    assert_int_equal(transaction->ret_conflict, where);
    assert_true(strlen(err.text) > 0);
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void what_is_not_there_is_not_found_whatever_is_asked_of_it(void **state)
{
    static const unsigned parts[] = { DM_PART_DOCUMENT, DM_PART_STATE, DM_PART_WORK, DM_PART_CLAIMS, ALL_PARTS };
    const struct dm_file file = fresh_file(runtime);
    struct dm_snapshot snapshot;
    memset(&snapshot, 7, sizeof(snapshot));
    const struct dm_snapshot untouched = snapshot;
    for (size_t i = 0; i < DM_COUNT(parts); i++)
        assert_code(dm_store_read(store, &tenant, &file, parts[i], &arena, &snapshot, &err), DM_NOT_FOUND, &err);
    assert_memory_equal(&snapshot, &untouched, sizeof(snapshot));
    assert_int_equal(count_pages(&tenant, &file), 0);
    assert_int_equal(count_events(&tenant, &file), 0);
}

static void a_new_document_is_read_back_as_it_was_written(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work work = full_work();
    const struct dm_claim claim = full_claim(1);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
    assert_same_work(&snapshot.work, &work);
    assert_int_equal(snapshot.claim_count, 1);
    assert_same_claim(&snapshot.claims[0], &claim);
}

static void each_part_can_be_read_by_itself(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work work = full_work();
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_DOCUMENT, &arena, &snapshot, &err), &err);
    assert_same_document(&snapshot.document, &document);
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_STATE, &arena, &snapshot, &err), &err);
    assert_same_state(&snapshot.state, &its_state);
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_WORK, &arena, &snapshot, &err), &err);
    assert_same_work(&snapshot.work, &work);
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_CLAIMS, &arena, &snapshot, &err), &err);
    assert_int_equal(snapshot.claim_count, 1);
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_DOCUMENT | DM_PART_STATE, &arena, &snapshot, &err), &err);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
}

static void a_record_of_nothing_but_zeros_and_empty_texts_is_read_back(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = { .format = 1 };
    const struct dm_state its_state = { .status = DM_STATUS_PENDING, .epoch = 1, .version = 1, .seq = 1 };
    const struct dm_work work = { .version = 1 };
    put_records(store, &tenant, &file, &document, &its_state, &work);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_document(&snapshot.document, &document);
    assert_same_state(&snapshot.state, &its_state);
    assert_same_work(&snapshot.work, &work);
    assert_int_equal(snapshot.claim_count, 0);
}

static void texts_may_hold_any_bytes(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    document.name = DM_STR("'; DROP TABLE document; -- \xff\xfe \x01 \0 after a NUL");
    document.metadata = DM_STR("{\"quote\":\"\\\"\",\"\xe2\x82\xac\":[1,2]}");
    put_records(store, &tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_document(&snapshot.document, &document);
}

static void numbers_keep_their_largest_values(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    its_state.usage.cost_micros = INT64_MAX;
    its_state.total = UINT32_MAX;
    its_state.skipped = UINT32_MAX - its_state.processed - its_state.failed - its_state.remaining;
    its_state.due_ms = INT64_MAX;
    memset(its_state.detail, 'x', sizeof(its_state.detail) - 1);
    memset(its_state.lease.owner, 'o', sizeof(its_state.lease.owner) - 1);
    put_records(store, &tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_state(&snapshot.state, &its_state);
}

static void a_document_without_work_has_empty_work(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    const struct dm_work none = { 0 };
    put_records(store, &tenant, &file, &document, &its_state, NULL);
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_WORK, &arena, &snapshot, &err), &err);
    assert_same_work(&snapshot.work, &none);
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_CLAIMS, &arena, &snapshot, &err), &err);
    assert_int_equal(snapshot.claim_count, 0);
}

static void work_keeps_thousands_of_ranges(void **state)
{
    enum { RANGES = DM_RETURNED_MAX };
    const struct dm_file file = fresh_file(runtime);
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
    put_records(store, &tenant, &file, &document, &its_state, &work);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_work(&snapshot.work, &work);
    free(chosen);
    free(returned);
}

static void pages_are_read_by_range_and_at_most_as_many_as_asked(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    struct dm_page pages[30];
    for (uint32_t i = 0; i < DM_COUNT(pages); i++)
        pages[i] = full_page(2 * (DM_COUNT(pages) - i), 1); /* even numbers, from the last to the first */
    struct dm_transaction transaction = { .pages = pages, .page_count = DM_COUNT(pages) };
    assert_ok(commit(&file, &transaction), &err);
    struct dm_page_list list = { 0 };
    assert_ok(dm_store_pages(store, &tenant, &file, 3, 9, 100, &arena, &list, &err), &err);
    assert_int_equal(list.count, 3);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct dm_page expected = full_page(4 + 2 * i, 1);
        assert_same_page(&list.at[i], &expected);
    }
    assert_ok(dm_store_pages(store, &tenant, &file, 1, UINT32_MAX, 7, &arena, &list, &err), &err);
    assert_int_equal(list.count, 7);
    assert_int_equal(list.at[6].number, 14);
    assert_ok(dm_store_pages(store, &tenant, &file, 61, UINT32_MAX, 7, &arena, &list, &err), &err);
    assert_int_equal(list.count, 0);
}

static void events_are_read_after_a_number_in_order(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    for (uint64_t seq = 2; seq <= 12; seq += 2) {
        const struct dm_snapshot snapshot = read_all(&tenant, &file);
        const struct dm_state next = next_state(&snapshot, 2);
        const struct dm_event events[] = { full_event(seq), full_event(seq + 1) };
        struct dm_transaction transaction = {
            .state = &next, .state_before = snapshot.state.version, .events = events, .event_count = 2
        };
        assert_ok(commit(&file, &transaction), &err);
    }
    struct dm_event_list list = { 0 };
    assert_ok(dm_store_events(store, &tenant, &file, 3, 5, &arena, &list, &err), &err);
    assert_int_equal(list.count, 5);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct dm_event expected = full_event(4 + i);
        assert_same_event(&list.at[i], &expected);
    }
    assert_ok(dm_store_events(store, &tenant, &file, 0, 100, &arena, &list, &err), &err);
    assert_int_equal(list.count, 13);
    assert_ok(dm_store_events(store, &tenant, &file, 13, 100, &arena, &list, &err), &err);
    assert_int_equal(list.count, 0);
    assert_ok(dm_store_events(store, &tenant, &file, UINT64_MAX, 100, &arena, &list, &err), &err);
    assert_int_equal(list.count, 0);
}

static void an_event_may_be_large(void **state)
{
    enum { BYTES = 200 * 1024 };
    const struct dm_file file = put_document(store, runtime, &tenant);
    char *text = malloc(BYTES);
    memset(text, 'e', BYTES);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    const struct dm_state next = next_state(&snapshot, 1);
    struct dm_event event = full_event(2);
    event.data = dm_str_of(text, BYTES);
    struct dm_transaction transaction = {
        .state = &next, .state_before = snapshot.state.version, .events = &event, .event_count = 1
    };
    assert_ok(commit(&file, &transaction), &err);
    struct dm_event_list list = { 0 };
    assert_ok(dm_store_events(store, &tenant, &file, 1, 10, &arena, &list, &err), &err);
    assert_int_equal(list.count, 1);
    assert_true(dm_str_eq(list.at[0].data, event.data));
    free(text);
}

/* ---- conditions ---------------------------------------------------------------------------------------------- */

static void a_document_that_is_there_is_not_made_again(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    struct dm_document document = full_document();
    document.name = DM_STR("another");
    const struct dm_state its_state = full_state();
    struct dm_transaction transaction = { .document = &document, .state = &its_state };
    assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    const struct dm_document before_it = full_document();
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_same_document(&snapshot.document, &before_it);
}

static void a_document_that_is_not_there_is_not_replaced(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    its_state.version = 6;
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .state_before = 5 };
    assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(store, &tenant, &file, DM_PART_STATE, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
}

static void a_document_is_replaced_with_its_state(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    struct dm_document document = snapshot.document;
    document.deleted_ms = 1764000099999;
    const struct dm_state next = next_state(&snapshot, 0);
    struct dm_transaction transaction = { .document = &document, .state = &next, .state_before = 1 };
    assert_ok(commit(&file, &transaction), &err);
    const struct dm_snapshot now = read_all(&tenant, &file);
    assert_same_document(&now.document, &document);
    assert_same_state(&now.state, &next);
}

static void a_state_is_replaced_only_where_its_version_is_the_one_read(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    struct dm_state next = next_state(&snapshot, 0);
    next.status = DM_STATUS_CANCELLED;
    struct dm_transaction transaction = { .state = &next, .state_before = 1 };
    assert_ok(commit(&file, &transaction), &err);
    const struct dm_snapshot now = read_all(&tenant, &file);
    assert_same_state(&now.state, &next);
    assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    next.version = 4;
    transaction.state_before = 3;
    assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    /* And 0 means that there must be none. */
    next.version = 1;
    transaction.state_before = 0;
    assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    assert_int_equal(read_all(&tenant, &file).state.version, 2);
}

static void work_is_replaced_only_where_its_version_is_the_one_read(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    struct dm_work next = next_work(&snapshot);
    next.cursor = 77;
    next.returned = NULL;
    next.returned_count = 0;
    next.chosen = (struct dm_ranges){ 0 };
    struct dm_transaction transaction = { .work = &next, .work_before = 1 };
    assert_ok(commit(&file, &transaction), &err);
    const struct dm_snapshot now = read_all(&tenant, &file);
    assert_same_work(&now.work, &next);
    assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    next.version = 1;
    transaction.work_before = 0;
    assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    assert_int_equal(read_all(&tenant, &file).work.version, 2);
}

static enum dm_code write_claim(const struct dm_file *file, enum dm_claim_write_kind kind, uint64_t counter,
                                int64_t until_ms)
{
    struct dm_claim_write write = { kind, full_claim(counter) };
    write.claim.lease_until_ms = until_ms;
    struct dm_transaction transaction = { .claims = &write, .claim_count = 1 };
    enum dm_code rc = commit(file, &transaction);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_CLAIM);
    return rc;
}

static void a_claim_is_made_renewed_kept_and_deleted_under_its_counter(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant); /* has claim 1 */
    assert_code(write_claim(&file, DM_CLAIM_INSERT, 1, 5), DM_CONFLICT, &err);
    assert_ok(write_claim(&file, DM_CLAIM_INSERT, 2, 5), &err);
    assert_ok(write_claim(&file, DM_CLAIM_KEEP, 2, 99), &err);
    struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_int_equal(snapshot.claim_count, 2);
    assert_int_equal(snapshot.claims[1].lease_until_ms, 5);
    assert_ok(write_claim(&file, DM_CLAIM_RENEW, 2, 1764000090000), &err);
    snapshot = read_all(&tenant, &file);
    assert_int_equal(snapshot.claims[0].counter, 1);
    assert_int_equal(snapshot.claims[0].lease_until_ms, full_claim(1).lease_until_ms);
    struct dm_claim expected = full_claim(2);
    expected.lease_until_ms = 1764000090000;
    assert_same_claim(&snapshot.claims[1], &expected);
    assert_ok(write_claim(&file, DM_CLAIM_DELETE, 2, 0), &err);
    assert_int_equal(read_all(&tenant, &file).claim_count, 1);
    assert_code(write_claim(&file, DM_CLAIM_RENEW, 2, 5), DM_CONFLICT, &err);
    assert_code(write_claim(&file, DM_CLAIM_KEEP, 2, 5), DM_CONFLICT, &err);
    assert_code(write_claim(&file, DM_CLAIM_DELETE, 2, 5), DM_CONFLICT, &err);
    assert_ok(write_claim(&file, DM_CLAIM_KEEP, 1, 0), &err);
}

static void claims_are_read_in_the_order_of_their_counters(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    static const uint64_t counters[] = { 300, 2, 1000000000000, 17, 9 };
    for (size_t i = 0; i < DM_COUNT(counters); i++)
        assert_ok(write_claim(&file, DM_CLAIM_INSERT, counters[i], 5), &err);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_int_equal(snapshot.claim_count, 1 + DM_COUNT(counters));
    for (uint32_t i = 1; i < snapshot.claim_count; i++)
        assert_true(snapshot.claims[i - 1].counter < snapshot.claims[i].counter);
}

static enum dm_code write_page(const struct dm_file *file, const struct dm_page *page)
{
    struct dm_transaction transaction = { .pages = page, .page_count = 1 };
    enum dm_code rc = commit(file, &transaction);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_PAGE);
    return rc;
}

static void a_page_ends_once_in_an_epoch(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    struct dm_page page = full_page(1, 2);
    assert_ok(write_page(&file, &page), &err);
    page.detail = DM_STR("again");
    assert_code(write_page(&file, &page), DM_CONFLICT, &err);
    page.epoch = 1;
    assert_code(write_page(&file, &page), DM_CONFLICT, &err);
    const struct dm_page first = full_page(1, 2);
    struct dm_page_list list = { 0 };
    assert_ok(dm_store_pages(store, &tenant, &file, 1, 1, 1, &arena, &list, &err), &err);
    assert_same_page(&list.at[0], &first);
    page = (struct dm_page){ .format = 1, .number = 1, .epoch = 3, .status = DM_PAGE_DONE };
    assert_ok(write_page(&file, &page), &err);
    assert_ok(dm_store_pages(store, &tenant, &file, 1, 1, 1, &arena, &list, &err), &err);
    assert_int_equal(list.count, 1);
    assert_same_page(&list.at[0], &page);
}

static void an_event_keeps_its_number_to_itself(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant); /* has event 1 */
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    const struct dm_state next = next_state(&snapshot, 0);
    struct dm_event event = full_event(1);
    event.data = DM_STR("{}");
    struct dm_transaction transaction = { .state = &next, .state_before = 1, .events = &event, .event_count = 1 };
    assert_conflict(&file, &transaction, DM_CONFLICT_EVENT);
    assert_int_equal(read_all(&tenant, &file).state.version, 1);
}

static void what_breaks_first_is_named_and_nothing_of_the_rest_happens(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    struct dm_page page = full_page(1, 5);
    assert_ok(write_page(&file, &page), &err);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    const struct dm_document document = full_document();
    struct dm_state state_now = next_state(&snapshot, 1);
    struct dm_work work = next_work(&snapshot);
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
    assert_conflict(&file, &transaction, DM_CONFLICT_PAGE);
    claims[1].claim.counter = 60;
    assert_conflict(&file, &transaction, DM_CONFLICT_CLAIM);
    work.version = 10;
    transaction.work_before = 9;
    assert_conflict(&file, &transaction, DM_CONFLICT_WORK);
    state_now.version = 10;
    transaction.state_before = 9;
    assert_conflict(&file, &transaction, DM_CONFLICT_STATE);
    state_now.version = 1;
    transaction.state_before = 0;
    assert_conflict(&file, &transaction, DM_CONFLICT_DOCUMENT);
    const struct dm_snapshot now = read_all(&tenant, &file);
    assert_same_state(&now.state, &snapshot.state);
    assert_same_work(&now.work, &snapshot.work);
    assert_int_equal(now.claim_count, 1);
    assert_int_equal(count_pages(&tenant, &file), 1);
    assert_int_equal(count_events(&tenant, &file), 1);
}

static void a_transaction_may_hold_a_hundred_records(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    const struct dm_state next = next_state(&snapshot, 2);
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
    assert_ok(commit(&file, &transaction), &err);
    assert_int_equal(count_pages(&tenant, &file), DM_COUNT(pages));
    assert_int_equal(count_events(&tenant, &file), 3);
    assert_int_equal(read_all(&tenant, &file).claim_count, 0);
}

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
    enum dm_code rc = dm_store_commit(store, of, &idem->file, &transaction, &err);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_IDEM);
    return rc;
}

static void a_key_belongs_to_one_document_until_it_expires(void **state)
{
    const struct dm_file first = fresh_file(runtime);
    const struct dm_file second = fresh_file(runtime);
    struct dm_idem idem = idem_for(&first, 2000);
    struct dm_idem found;
    assert_code(dm_store_idem(store, &tenant, idem.key, 1000, &arena, &found, &err), DM_NOT_FOUND, &err);
    assert_ok(put_idem(&tenant, &idem, 1000), &err);
    assert_ok(dm_store_idem(store, &tenant, idem.key, 1999, &arena, &found, &err), &err);
    assert_text(found.key, idem.key);
    assert_string_equal(found.request, idem.request);
    assert_string_equal(found.file.id, first.id);
    assert_int_equal(found.expires_ms, 2000);
    idem = idem_for(&second, 9000);
    assert_code(put_idem(&tenant, &idem, 1999), DM_CONFLICT, &err);
    assert_ok(dm_store_idem(store, &tenant, idem.key, 1999, &arena, &found, &err), &err);
    assert_string_equal(found.file.id, first.id);
    assert_code(dm_store_idem(store, &tenant, idem.key, 2000, &arena, &found, &err), DM_NOT_FOUND, &err);
    assert_ok(put_idem(&tenant, &idem, 2000), &err);
    assert_ok(dm_store_idem(store, &tenant, idem.key, 2000, &arena, &found, &err), &err);
    assert_string_equal(found.file.id, second.id);
}

static void a_used_key_keeps_the_document_out(void **state)
{
    const struct dm_file first = fresh_file(runtime);
    const struct dm_file second = fresh_file(runtime);
    struct dm_idem idem = idem_for(&first, INT64_MAX);
    assert_ok(put_idem(&tenant, &idem, 1000), &err);
    idem.file = second;
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .idem = &idem, .now_ms = 1000 };
    assert_conflict(&second, &transaction, DM_CONFLICT_IDEM);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(store, &tenant, &second, DM_PART_STATE, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
}

static void a_key_is_free_for_another_tenant(void **state)
{
    const struct dm_tenant other = fresh_tenant(runtime);
    const struct dm_file file = fresh_file(runtime);
    const struct dm_idem idem = idem_for(&file, INT64_MAX);
    struct dm_idem found;
    assert_ok(put_idem(&tenant, &idem, 1000), &err);
    assert_code(dm_store_idem(store, &other, idem.key, 1000, &arena, &found, &err), DM_NOT_FOUND, &err);
    assert_ok(put_idem(&other, &idem, 1000), &err);
}

static void dead_keys_do_not_hide_living_ones(void **state)
{
    char text[32];
    const struct dm_file file = fresh_file(runtime);
    for (int i = 0; i < 50; i++) {
        struct dm_idem idem = idem_for(&file, i % 2 ? 100 + i : 1000000);
        snprintf(text, sizeof(text), "key %d", i);
        idem.key = dm_str_z(text);
        assert_ok(put_idem(&tenant, &idem, 100 + i), &err);
    }
    for (int i = 0; i < 50; i++) {
        struct dm_idem found;
        snprintf(text, sizeof(text), "key %d", i);
        assert_code(dm_store_idem(store, &tenant, dm_str_z(text), 200, &arena, &found, &err),
                    i % 2 ? DM_NOT_FOUND : DM_OK, &err);
    }
}

/* ---- tenants ------------------------------------------------------------------------------------------------- */

static void one_id_under_two_tenants_is_two_documents(void **state)
{
    const struct dm_tenant other = fresh_tenant(runtime);
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_page page = full_page(1, 2);
    assert_ok(write_page(&file, &page), &err);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(store, &other, &file, ALL_PARTS, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
    assert_int_equal(count_pages(&other, &file), 0);
    assert_int_equal(count_events(&other, &file), 0);
    /* Writing under the wrong tenant finds nothing to write. */
    snapshot = read_all(&tenant, &file);
    const struct dm_state next = next_state(&snapshot, 0);
    struct dm_transaction transaction = { .state = &next, .state_before = 1 };
    assert_code(dm_store_commit(store, &other, &file, &transaction, &err), DM_CONFLICT, &err);
    assert_int_equal(transaction.ret_conflict, DM_CONFLICT_STATE);
    /* The other's own document of that id lives and dies by itself. */
    struct dm_document document = full_document();
    document.name = DM_STR("the other's");
    const struct dm_state its_state = full_state();
    put_records(store, &other, &file, &document, &its_state, NULL);
    assert_text(read_all(&other, &file).document.name, DM_STR("the other's"));
    assert_text(read_all(&tenant, &file).document.name, full_document().name);
    assert_ok(dm_store_erase(store, &other, &file, &err), &err);
    assert_code(dm_store_read(store, &other, &file, ALL_PARTS, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
    assert_int_equal(read_all(&tenant, &file).claim_count, 1);
    assert_int_equal(count_pages(&tenant, &file), 1);
}

static void tenants_that_differ_in_case_alone_are_different(void **state)
{
    struct dm_tenant upper = tenant;
    upper.id[0] = 'T';
    const struct dm_file file = put_document(store, runtime, &tenant);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(store, &upper, &file, DM_PART_STATE, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
}

/* ---- removing ------------------------------------------------------------------------------------------------ */

static void erasing_leaves_nothing_and_may_be_repeated(void **state)
{
    enum { PAGES = 1300 };
    const struct dm_file file = put_document(store, runtime, &tenant);
    const struct dm_file neighbour = put_document(store, runtime, &tenant);
    for (uint32_t first = 1; first <= PAGES; first += 100) {
        struct dm_page pages[100];
        for (uint32_t i = 0; i < DM_COUNT(pages); i++)
            pages[i] = full_page(first + i, 2);
        struct dm_transaction transaction = { .pages = pages, .page_count = DM_COUNT(pages) };
        assert_ok(commit(&file, &transaction), &err);
    }
    assert_int_equal(count_pages(&tenant, &file), PAGES);
    assert_ok(dm_store_erase(store, &tenant, &file, &err), &err);
    struct dm_snapshot snapshot;
    assert_code(dm_store_read(store, &tenant, &file, ALL_PARTS, &arena, &snapshot, &err), DM_NOT_FOUND, &err);
    assert_int_equal(count_pages(&tenant, &file), 0);
    assert_int_equal(count_events(&tenant, &file), 0);
    assert_ok(dm_store_erase(store, &tenant, &file, &err), &err);
    assert_int_equal(read_all(&tenant, &neighbour).claim_count, 1);
    /* Nothing of the former one is met by one that takes its id. */
    const struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    put_records(store, &tenant, &file, &document, &its_state, NULL);
    assert_int_equal(read_all(&tenant, &file).claim_count, 0);
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
        enum dm_code rc = dm_store_read(store, &tenant, &counting->file, DM_PART_STATE, &own, &snapshot, NULL);
        if (rc == DM_OK) {
            struct dm_state next = next_state(&snapshot, 1);
            next.usage.model_calls++;
            const struct dm_event event = full_event(next.seq);
            struct dm_transaction transaction = {
                .state = &next, .state_before = snapshot.state.version, .events = &event, .event_count = 1
            };
            rc = dm_store_commit(store, &tenant, &counting->file, &transaction, NULL);
            if (rc == DM_CONFLICT && transaction.ret_conflict != DM_CONFLICT_STATE)
                rc = DM_INTERNAL;
            if (rc == DM_OK) {
                won++;
                /* Whoever was told "done" finds it. */
                rc = dm_store_read(store, &tenant, &counting->file, DM_PART_STATE, &own, &snapshot, NULL);
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
    const struct dm_file file = put_document(store, runtime, &tenant);
    const uint64_t calls_before = read_all(&tenant, &file).state.usage.model_calls;
    struct counting counting[TASKS];
    struct dm_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++) {
        counting[i] = (struct counting){ .file = file };
        assert_ok(dm_spawn(runtime, "counting", count_up, &counting[i], &tasks[i], &err), &err);
    }
    for (int i = 0; i < TASKS; i++)
        dm_join(runtime, tasks[i]);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(counting[i].failure, DM_OK);
    const struct dm_snapshot snapshot = read_all(&tenant, &file);
    assert_int_equal(snapshot.state.version, 1 + STEPS);
    assert_int_equal(snapshot.state.usage.model_calls, calls_before + STEPS);
    struct dm_event_list events = { 0 };
    assert_ok(dm_store_events(store, &tenant, &file, 0, 100000, &arena, &events, &err), &err);
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
    enum dm_code rc = dm_store_commit(store, &tenant, &racing->file, &transaction, NULL);
    if (rc == DM_OK)
        racing->won++;
    else if (rc != DM_CONFLICT || transaction.ret_conflict != DM_CONFLICT_PAGE)
        racing->failure = rc;
}

static void of_tasks_that_end_the_same_page_one_wins(void **state)
{
    const struct dm_file file = put_document(store, runtime, &tenant);
    for (uint32_t epoch = 2; epoch < 12; epoch++) {
        struct racing racing[TASKS];
        struct dm_task *tasks[TASKS];
        uint32_t won = 0;
        for (int i = 0; i < TASKS; i++) {
            racing[i] = (struct racing){ .file = file, .epoch = epoch };
            assert_ok(dm_spawn(runtime, "racing", end_page_one, &racing[i], &tasks[i], &err), &err);
        }
        for (int i = 0; i < TASKS; i++)
            dm_join(runtime, tasks[i]);
        for (int i = 0; i < TASKS; i++) {
            assert_int_equal(racing[i].failure, DM_OK);
            won += racing[i].won;
        }
        assert_int_equal(won, 1);
    }
}

static void a_store_that_works_says_so(void **state)
{
    assert_ok(dm_store_check(store, &err), &err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before, after)

int store_contract(struct dm_store given, struct dm_runtime given_runtime)
{
    store = given;
    runtime = given_runtime;
    static const struct CMUnitTest tests[] = {
        CASE(what_is_not_there_is_not_found_whatever_is_asked_of_it),
        CASE(a_new_document_is_read_back_as_it_was_written),
        CASE(each_part_can_be_read_by_itself),
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
    return run_group("the store's contract", tests, NULL, NULL);
}
