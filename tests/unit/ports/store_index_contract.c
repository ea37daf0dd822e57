/* store_index_contract.c: what every ledger must do over many documents: lists, what is ready, what is due. */
#include "contracts.h"

#include <stdio.h>

#include "records.h"
#include "testing.h"

enum { ARENA_MAX = 64 << 20, FOUND_MAX = 500 };
static const int64_t CREATED_MS = 1764000000000;

static struct dm_store store;
static struct dm_operator op;
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

/* ---- a tenant's documents ------------------------------------------------------------------------------------ */

static struct dm_file add_listed(int64_t created_ms, enum dm_status status)
{
    const struct dm_file file = fresh_file(runtime);
    struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    document.created_ms = created_ms;
    its_state.status = status;
    put_records(store, &tenant, &file, &document, &its_state, NULL);
    return file;
}

static struct dm_list list_of(const struct dm_tenant *of, struct dm_list_query query)
{
    struct dm_list list = { 0 };
    assert_ok(dm_store_list(store, of, &query, &arena, &list, &err), &err);
    return list;
}

static void a_list_has_the_newest_first_with_all_that_is_known_of_them(void **state)
{
    const struct dm_file middle = add_listed(CREATED_MS + 20, DM_STATUS_PROCESSING);
    const struct dm_file newest = add_listed(CREATED_MS + 30, DM_STATUS_PENDING);
    const struct dm_file oldest = add_listed(CREATED_MS + 10, DM_STATUS_FAILED);
    const struct dm_list list = list_of(&tenant, (struct dm_list_query){ .limit = 10 });
    assert_int_equal(list.count, 3);
    assert_int_equal(list.next.len, 0);
    assert_string_equal(list.rows[0].file.id, newest.id);
    assert_string_equal(list.rows[1].file.id, middle.id);
    assert_string_equal(list.rows[2].file.id, oldest.id);
    struct dm_document document = full_document();
    document.created_ms = CREATED_MS + 20;
    const struct dm_state its_state = full_state();
    assert_same_document(&list.rows[1].document, &document);
    assert_same_state(&list.rows[1].state, &its_state);
}

static void a_list_holds_one_tenants_documents_only(void **state)
{
    const struct dm_tenant other = fresh_tenant(runtime);
    (void)put_document(store, runtime, &other);
    assert_int_equal(list_of(&tenant, (struct dm_list_query){ .limit = 10 }).count, 0);
    (void)put_document(store, runtime, &tenant);
    assert_int_equal(list_of(&tenant, (struct dm_list_query){ .limit = 10 }).count, 1);
    assert_int_equal(list_of(&other, (struct dm_list_query){ .limit = 10 }).count, 1);
}

static void a_list_can_be_cut_by_status_and_time(void **state)
{
    for (int i = 0; i < 20; i++)
        (void)add_listed(CREATED_MS + i, i % 4 == 0 ? DM_STATUS_FAILED : DM_STATUS_COMPLETED);
    struct dm_list list = list_of(&tenant, (struct dm_list_query){ .status = DM_STATUS_FAILED, .limit = 100 });
    assert_int_equal(list.count, 5);
    for (uint32_t i = 0; i < list.count; i++)
        assert_int_equal(list.rows[i].state.status, DM_STATUS_FAILED);
    list = list_of(&tenant, (struct dm_list_query){ .from_ms = CREATED_MS + 5, .to_ms = CREATED_MS + 8, .limit = 100 });
    assert_int_equal(list.count, 3);
    assert_int_equal(list.rows[0].document.created_ms, CREATED_MS + 7);
    assert_int_equal(list.rows[2].document.created_ms, CREATED_MS + 5);
    list = list_of(&tenant, (struct dm_list_query){ .status = DM_STATUS_CANCELLED, .limit = 100 });
    assert_int_equal(list.count, 0);
    assert_int_equal(list.next.len, 0);
}

static void deleted_documents_are_in_no_list(void **state)
{
    const struct dm_file file = add_listed(CREATED_MS, DM_STATUS_COMPLETED);
    (void)add_listed(CREATED_MS + 1, DM_STATUS_COMPLETED);
    struct dm_document document = full_document();
    document.created_ms = CREATED_MS;
    document.deleted_ms = CREATED_MS + 100;
    struct dm_state its_state = full_state();
    its_state.version = 2;
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .state_before = 1 };
    assert_ok(dm_store_commit(store, &tenant, &file, &transaction, &err), &err);
    const struct dm_list list = list_of(&tenant, (struct dm_list_query){ .limit = 10 });
    assert_int_equal(list.count, 1);
    assert_string_not_equal(list.rows[0].file.id, file.id);
    /* But it is still there for those who remove it. */
    struct dm_snapshot snapshot;
    assert_ok(dm_store_read(store, &tenant, &file, DM_PART_DOCUMENT, &arena, &snapshot, &err), &err);
    assert_int_equal(snapshot.document.deleted_ms, CREATED_MS + 100);
}

/* Follows `next` to the end, calling `between` before each further page; answers how many rows came. */
static uint32_t follow(struct dm_list_query query, void (*between)(void), struct dm_file *files, uint32_t max)
{
    uint32_t count = 0;
    for (int pages = 0;; pages++) {
        assert_true(pages < 1000);
        const struct dm_list list = list_of(&tenant, query);
        assert_true(list.count <= query.limit);
        for (uint32_t i = 0; i < list.count; i++) {
            assert_true(count < max);
            files[count++] = list.rows[i].file;
        }
        if (list.next.len == 0)
            return count;
        query.after = list.next;
        if (between)
            between();
    }
}

static void add_newer(void)
{
    (void)add_listed(CREATED_MS + 1000, DM_STATUS_PENDING);
}

static void paging_gives_every_document_once_while_new_ones_come(void **state)
{
    struct dm_file expected[25], got[100];
    /* Several of the same instant, so that a page ends among them. */
    for (int i = 0; i < 25; i++)
        expected[i] = add_listed(CREATED_MS + i / 7, DM_STATUS_COMPLETED);
    uint32_t count = follow((struct dm_list_query){ .limit = 3 }, add_newer, got, DM_COUNT(got));
    assert_int_equal(count, 25);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t times = 0;
        for (uint32_t k = 0; k < count; k++)
            times += dm_file_eq(&expected[i], &got[k]);
        assert_int_equal(times, 1);
    }
}

static void paging_keeps_to_status_and_time(void **state)
{
    struct dm_file got[100];
    for (int i = 0; i < 40; i++)
        (void)add_listed(CREATED_MS + i, i % 2 ? DM_STATUS_FAILED : DM_STATUS_COMPLETED);
    assert_int_equal(follow((struct dm_list_query){ .limit = 3, .status = DM_STATUS_FAILED }, NULL, got, DM_COUNT(got)),
                     20);
    assert_int_equal(follow((struct dm_list_query){ .limit = 7, .to_ms = CREATED_MS + 30, .from_ms = CREATED_MS + 9 },
                            NULL, got, DM_COUNT(got)),
                     21);
}

static void the_last_full_page_has_no_next(void **state)
{
    for (int i = 0; i < 6; i++)
        (void)add_listed(CREATED_MS + i, DM_STATUS_COMPLETED);
    struct dm_list list = list_of(&tenant, (struct dm_list_query){ .limit = 3 });
    assert_true(list.next.len > 0);
    list = list_of(&tenant, (struct dm_list_query){ .limit = 3, .after = list.next });
    assert_int_equal(list.count, 3);
    assert_int_equal(list.next.len, 0);
}

static void what_is_no_cursor_is_refused(void **state)
{
    static const char *const cursors[] = { "x", "!!!!", "AAAA", "MTc2NDAwMDAwMDAwMA", "' OR 1=1 --" };
    for (size_t i = 0; i < DM_COUNT(cursors); i++) {
        struct dm_list list = { 0 };
        struct dm_list_query query = { .limit = 3, .after = dm_str_z(cursors[i]) };
        assert_code(dm_store_list(store, &tenant, &query, &arena, &list, &err), DM_INVALID, &err);
    }
}

/* ---- what is ready ------------------------------------------------------------------------------------------- */

static struct dm_file add_work(const struct dm_tenant *of, enum dm_work_key key, int64_t due_ms, uint32_t priority,
                               int64_t created_ms, int64_t state_due_ms)
{
    const struct dm_file file = fresh_file(runtime);
    const struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    struct dm_work work = full_work();
    its_state.due_ms = state_due_ms;
    work.key = key;
    work.due_ms = due_ms;
    work.priority = priority;
    work.created_ms = created_ms;
    put_records(store, of, &file, &document, &its_state, &work);
    return file;
}

static void change_work(const struct dm_tenant *of, const struct dm_file *file, enum dm_work_key key, int64_t due_ms)
{
    struct dm_snapshot snapshot;
    assert_ok(dm_store_read(store, of, file, DM_PART_WORK, &arena, &snapshot, &err), &err);
    struct dm_transaction transaction = { .work = &snapshot.work, .work_before = snapshot.work.version };
    snapshot.work.version++;
    snapshot.work.key = key;
    snapshot.work.due_ms = due_ms;
    assert_ok(dm_store_commit(store, of, file, &transaction, &err), &err);
}

static uint32_t ready_of(const struct dm_tenant *of, uint32_t max, struct dm_found *found)
{
    uint32_t count = 0;
    assert_ok(dm_operator_ready(op, of, max, found, &count, &err), &err);
    assert_true(count <= max);
    for (uint32_t i = 0; i < count; i++)
        assert_true(dm_tenant_eq(&found[i].tenant, of));
    return count;
}

static void ready_documents_come_by_priority_then_age(void **state)
{
    struct dm_found found[FOUND_MAX];
    const struct dm_file late = add_work(&tenant, DM_WORK_READY, 0, 5, CREATED_MS + 3, 0);
    const struct dm_file early = add_work(&tenant, DM_WORK_READY, 0, 5, CREATED_MS + 1, 0);
    const struct dm_file urgent = add_work(&tenant, DM_WORK_READY, 0, 0, CREATED_MS + 9, 0);
    const struct dm_file last = add_work(&tenant, DM_WORK_READY, 0, 9, CREATED_MS, 0);
    (void)add_work(&tenant, DM_WORK_DUE, 1, 0, CREATED_MS, 0);
    (void)add_work(&tenant, DM_WORK_IDLE, 0, 0, CREATED_MS, 0);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 4);
    assert_string_equal(found[0].file.id, urgent.id);
    assert_string_equal(found[1].file.id, early.id);
    assert_string_equal(found[2].file.id, late.id);
    assert_string_equal(found[3].file.id, last.id);
    assert_int_equal(ready_of(&tenant, 2, found), 2);
    assert_string_equal(found[1].file.id, early.id);
}

static void a_document_is_ready_as_long_as_its_key_says_so(void **state)
{
    struct dm_found found[FOUND_MAX];
    const struct dm_file file = add_work(&tenant, DM_WORK_READY, 0, 5, CREATED_MS, 0);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 1);
    change_work(&tenant, &file, DM_WORK_DUE, CREATED_MS);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 0);
    change_work(&tenant, &file, DM_WORK_READY, 0);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 1);
    change_work(&tenant, &file, DM_WORK_IDLE, 0);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 0);
    change_work(&tenant, &file, DM_WORK_READY, 0);
    assert_ok(dm_store_erase(store, &tenant, &file, &err), &err);
    assert_int_equal(ready_of(&tenant, FOUND_MAX, found), 0);
}

static bool has_tenant(const struct dm_tenant *tenants, uint32_t count, const struct dm_tenant *wanted)
{
    for (uint32_t i = 0; i < count; i++)
        if (dm_tenant_eq(&tenants[i], wanted))
            return true;
    return false;
}

static void tenants_with_something_ready_come_in_order_and_from_any_place(void **state)
{
    struct dm_tenant tenants[5], found[FOUND_MAX];
    for (size_t i = 0; i < DM_COUNT(tenants); i++) {
        tenants[i] = fresh_tenant(runtime);
        for (int k = 0; k < 20; k++)
            (void)add_work(&tenants[i], i == 2 ? DM_WORK_DUE : DM_WORK_READY, 1, 5, CREATED_MS + k, 0);
    }
    uint32_t count = 0;
    assert_ok(dm_operator_ready_tenants(op, NULL, FOUND_MAX, found, &count, &err), &err);
    assert_true(count < FOUND_MAX);
    for (uint32_t i = 1; i < count; i++)
        assert_true(strcmp(found[i - 1].id, found[i].id) < 0);
    for (size_t i = 0; i < DM_COUNT(tenants); i++)
        assert_int_equal(has_tenant(found, count, &tenants[i]), i != 2);
    /* Page by page it is the same list. */
    struct dm_tenant after = { .id = "" }, pages[2];
    uint32_t seen = 0, got = 0;
    do {
        assert_ok(dm_operator_ready_tenants(op, seen ? &after : NULL, DM_COUNT(pages), pages, &got, &err), &err);
        for (uint32_t i = 0; i < got; i++)
            assert_true(dm_tenant_eq(&pages[i], &found[seen++]));
        if (got > 0)
            after = pages[got - 1];
    } while (got > 0);
    assert_int_equal(seen, count);
}

/* ---- what is due --------------------------------------------------------------------------------------------- */

/* Positions of this test's documents in the list of all that is due; -1: not in it. */
static void find_due(int64_t now_ms, const struct dm_file *files, int *ret_places, uint32_t count)
{
    struct dm_found found[FOUND_MAX];
    uint32_t got = 0;
    assert_ok(dm_operator_due(op, now_ms, NULL, FOUND_MAX, found, &got, &err), &err);
    assert_true(got < FOUND_MAX);
    for (uint32_t i = 0; i < count; i++) {
        ret_places[i] = -1;
        for (uint32_t k = 0; k < got; k++) {
            if (!dm_file_eq(&found[k].file, &files[i]))
                continue;
            assert_int_equal(ret_places[i], -1); /* each once */
            assert_true(dm_tenant_eq(&found[k].tenant, &tenant));
            ret_places[i] = (int)k;
        }
    }
}

static void what_is_due_comes_once_the_longest_due_first(void **state)
{
    int places[7];
    const struct dm_file files[] = {
        add_work(&tenant, DM_WORK_DUE, 3000, 5, 1, 0),    /* by WORK */
        add_work(&tenant, DM_WORK_IDLE, 0, 5, 1, 2000),   /* by STATE */
        add_work(&tenant, DM_WORK_DUE, 5000, 5, 1, 1000), /* by both, earlier by STATE */
        add_work(&tenant, DM_WORK_DUE, 1500, 5, 1, 4000), /* by both, earlier by WORK */
        add_work(&tenant, DM_WORK_READY, 1, 5, 1, 0),     /* ready is not due */
        add_work(&tenant, DM_WORK_IDLE, 1, 5, 1, 0),      /* nor is idle */
        add_work(&tenant, DM_WORK_DUE, 9000, 5, 1, 8000), /* not yet */
    };
    find_due(6000, files, places, DM_COUNT(files));
    assert_true(places[2] >= 0 && places[2] < places[3]);
    assert_true(places[3] < places[1]);
    assert_true(places[1] < places[0]);
    for (size_t i = 4; i < DM_COUNT(files); i++)
        assert_int_equal(places[i], -1);
    find_due(1000, files, places, DM_COUNT(files));
    assert_true(places[2] >= 0); /* due at its very instant */
    assert_int_equal(places[3], -1);
    find_due(999, files, places, DM_COUNT(files));
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_int_equal(places[i], -1);
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_ok(dm_store_erase(store, &tenant, &files[i], &err), &err);
    find_due(INT64_MAX, files, places, DM_COUNT(files));
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_int_equal(places[i], -1);
}

static void due_documents_come_at_most_as_many_as_asked(void **state)
{
    struct dm_file files[12];
    for (size_t i = 0; i < DM_COUNT(files); i++)
        files[i] = add_work(&tenant, DM_WORK_DUE, 100 + (int64_t)i, 5, 1, 100 + (int64_t)i);
    struct dm_found found[5];
    uint32_t count = 0;
    assert_ok(dm_operator_due(op, 50000, NULL, DM_COUNT(found), found, &count, &err), &err);
    assert_int_equal(count, DM_COUNT(found));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_false(dm_file_eq(&found[i].file, &found[k].file) &&
                         dm_tenant_eq(&found[i].tenant, &found[k].tenant));
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_ok(dm_store_erase(store, &tenant, &files[i], &err), &err);
}

static void a_walk_through_what_is_due_finds_each_in_its_order(void **state)
{
    struct dm_file files[12];
    for (size_t i = 0; i < DM_COUNT(files); i++) /* three of each instant */
        files[i] = add_work(&tenant, DM_WORK_DUE, 100 + (int64_t)(i / 3), 5, 1, i % 2 ? 100 + (int64_t)(i / 3) : 0);
    struct dm_due_cursor cursor = { 0 };
    bool seen[12] = { false };
    int64_t last_ms = 0;
    for (uint32_t count = 1; count > 0;) {
        struct dm_found found[2];
        assert_ok(dm_operator_due(op, 50000, &cursor, DM_COUNT(found), found, &count, &err), &err);
        assert_true(count <= DM_COUNT(found) && (count == 0 || cursor.due_ms >= last_ms));
        last_ms = cursor.due_ms;
        for (uint32_t i = 0; i < count; i++)
            for (size_t k = 0; k < DM_COUNT(files); k++)
                if (dm_file_eq(&found[i].file, &files[k]) && dm_tenant_eq(&found[i].tenant, &tenant)) {
                    assert_false(seen[k]);
                    seen[k] = true;
                }
    }
    for (size_t i = 0; i < DM_COUNT(files); i++) {
        assert_true(seen[i]);
        assert_ok(dm_store_erase(store, &tenant, &files[i], &err), &err);
    }
}

/* ---- whose it is --------------------------------------------------------------------------------------------- */

static void a_documents_owner_is_found_unless_it_is_deleted_or_not_alone(void **state)
{
    const struct dm_file file = add_listed(CREATED_MS, DM_STATUS_COMPLETED);
    const struct dm_file unknown = fresh_file(runtime);
    struct dm_tenant owner = { .id = "unchanged" };
    assert_code(dm_operator_owner(op, &unknown, &owner, &err), DM_NOT_FOUND, &err);
    assert_string_equal(owner.id, "unchanged");
    assert_ok(dm_operator_owner(op, &file, &owner, &err), &err);
    assert_true(dm_tenant_eq(&owner, &tenant));
    /* Of two tenants' documents nobody can say which is meant. */
    const struct dm_tenant other = fresh_tenant(runtime);
    struct dm_document document = full_document();
    struct dm_state its_state = full_state();
    put_records(store, &other, &file, &document, &its_state, NULL);
    assert_code(dm_operator_owner(op, &file, &owner, &err), DM_NOT_FOUND, &err);
    /* A deleted one no longer counts. */
    document.deleted_ms = CREATED_MS + 1;
    its_state.version = 2;
    struct dm_transaction transaction = { .document = &document, .state = &its_state, .state_before = 1 };
    assert_ok(dm_store_commit(store, &other, &file, &transaction, &err), &err);
    assert_ok(dm_operator_owner(op, &file, &owner, &err), &err);
    assert_true(dm_tenant_eq(&owner, &tenant));
    assert_ok(dm_store_commit(store, &tenant, &file, &transaction, &err), &err);
    assert_code(dm_operator_owner(op, &file, &owner, &err), DM_NOT_FOUND, &err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before, after)

int operator_contract(struct dm_store given, struct dm_operator given_op, struct dm_runtime given_runtime)
{
    store = given;
    op = given_op;
    runtime = given_runtime;
    static const struct CMUnitTest tests[] = {
        CASE(a_list_has_the_newest_first_with_all_that_is_known_of_them),
        CASE(a_list_holds_one_tenants_documents_only),
        CASE(a_list_can_be_cut_by_status_and_time),
        CASE(deleted_documents_are_in_no_list),
        CASE(paging_gives_every_document_once_while_new_ones_come),
        CASE(paging_keeps_to_status_and_time),
        CASE(the_last_full_page_has_no_next),
        CASE(what_is_no_cursor_is_refused),
        CASE(ready_documents_come_by_priority_then_age),
        CASE(a_document_is_ready_as_long_as_its_key_says_so),
        CASE(tenants_with_something_ready_come_in_order_and_from_any_place),
        CASE(what_is_due_comes_once_the_longest_due_first),
        CASE(due_documents_come_at_most_as_many_as_asked),
        CASE(a_walk_through_what_is_due_finds_each_in_its_order),
        CASE(a_documents_owner_is_found_unless_it_is_deleted_or_not_alone),
    };
    return run_group("the operator's contract", tests, NULL, NULL);
}
