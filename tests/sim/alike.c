/* alike.c: see alike.h. */
#include "alike.h"

#include <stdio.h>

#include "memory_store.h"
#include "records.h"
#include "testing.h"

enum { TENANTS = 2, FILES = 4, MAX = 20, ARENA_MAX = 4 << 20 };

static struct dm_store stores[2]; /* the real one, the simulator's */
static struct dm_operator ops[2];
static struct memory_store *memory; /* behind the second */
static struct dm_arena arena;
static struct dm_err err;
static struct dm_tenant tenants[TENANTS];
static struct dm_file files[FILES];
static uint64_t chance;
static uint32_t steps;
static enum alike_history history;
static int64_t clock_ms; /* of a history whose time does not go back */

/* xorshift64*: the same on every machine. */
static uint32_t below(uint32_t limit)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return (uint32_t)((chance * 2685821657736338717U) >> 33) % limit;
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

/* ---- the store: transactions --------------------------------------------------------------------------------- */

struct draft {
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_range chosen[2];
    struct dm_returned returned[2];
    struct dm_claim_write claims[3];
    struct dm_page pages[3];
    struct dm_event events[3];
    struct dm_idem idem;
    struct dm_transaction transaction;
};

static struct dm_str some_text(void)
{
    static const char *const texts[] = { "", "a", "two words", "{\"k\":[1,2]}" };
    return dm_str_z(texts[below(DM_COUNT(texts))]);
}

static void draft_document(struct draft *draft)
{
    draft->document = full_document();
    draft->document.name = some_text();
    draft->document.metadata = some_text();
    draft->document.password = some_text();
    draft->document.created_ms = below(4);
    draft->document.deleted_ms = one_in(8) ? 1 : 0;
    draft->transaction.document = &draft->document;
}

static void draft_state(struct draft *draft, const struct memory_document *now)
{
    draft->state = full_state();
    draft->state.status = (enum dm_status)(1 + below(DM_STATUS_COUNT - 1));
    draft->state.due_ms = below(5);
    draft->state.progress_ms = below(4);
    draft->transaction.state_before = one_in(8) ? below(4) : now ? now->state.version : 0;
    draft->state.version = draft->transaction.state_before + 1;
    draft->transaction.event_count = below(4);
    /* Mostly the next ones. */
    draft->state.seq = (now && now->event_count && !one_in(8) ? now->events[now->event_count - 1].seq : below(6)) +
                       draft->transaction.event_count;
    for (uint32_t i = 0; i < draft->transaction.event_count; i++) {
        draft->events[i] = full_event(draft->state.seq - (draft->transaction.event_count - 1 - i));
        draft->events[i].data = some_text();
    }
    draft->transaction.events = draft->events;
    draft->transaction.state = &draft->state;
}

static void draft_work(struct draft *draft, const struct memory_document *now)
{
    draft->work = full_work();
    draft->chosen[0] = (struct dm_range){ 1, 1 + below(5) };
    draft->chosen[1] = (struct dm_range){ 9, 9 + below(5) };
    draft->returned[0] = (struct dm_returned){ 1, 1, below(3), below(3) };
    draft->returned[1] = (struct dm_returned){ 3, 4, below(3), below(3) };
    draft->work.chosen = (struct dm_ranges){ draft->chosen, below(3) };
    draft->work.returned = draft->returned;
    draft->work.returned_count = below(3);
    draft->work.key = (enum dm_work_key)below(3);
    draft->work.due_ms = below(5);
    draft->work.priority = below(2);
    draft->work.created_ms = below(3);
    draft->transaction.work_before = one_in(8) ? below(4) : now ? now->work.version : 0;
    draft->work.version = draft->transaction.work_before + 1;
    draft->transaction.work = &draft->work;
}

/* Leaves out what the transaction has already: not every store takes one record twice. */
static void drop_repeated(struct draft *draft)
{
    struct dm_transaction *transaction = &draft->transaction;
    uint32_t claims = 0, pages = 0;
    for (uint32_t i = 0; i < transaction->claim_count; i++) {
        bool repeated = false;
        for (uint32_t k = 0; k < claims; k++)
            repeated = repeated || draft->claims[k].claim.counter == draft->claims[i].claim.counter;
        if (!repeated)
            draft->claims[claims++] = draft->claims[i];
    }
    for (uint32_t i = 0; i < transaction->page_count; i++) {
        bool repeated = false;
        for (uint32_t k = 0; k < pages; k++)
            repeated = repeated || draft->pages[k].number == draft->pages[i].number;
        if (!repeated)
            draft->pages[pages++] = draft->pages[i];
    }
    transaction->claim_count = claims;
    transaction->page_count = pages;
}

static void draft_claims(struct draft *draft, const struct memory_document *now)
{
    draft->transaction.claim_count = 1 + below(3);
    for (uint32_t i = 0; i < draft->transaction.claim_count; i++) {
        struct dm_claim_write *write = &draft->claims[i];
        write->kind = (enum dm_claim_write_kind)below(4);
        write->claim = full_claim(1 + below(4));
        write->claim.lease_until_ms = below(5);
        if (now && now->claim_count && write->kind != DM_CLAIM_INSERT && !one_in(4))
            write->claim.counter = now->claims[below(now->claim_count)].counter;
    }
    draft->transaction.claims = draft->claims;
}

static void draft_pages(struct draft *draft)
{
    draft->transaction.page_count = 1 + below(3);
    for (uint32_t i = 0; i < draft->transaction.page_count; i++) {
        draft->pages[i] = full_page(1 + below(6), 1 + below(20));
        draft->pages[i].detail = some_text();
        draft->pages[i].segment = some_text();
        draft->pages[i].attempts = some_text();
    }
    draft->transaction.pages = draft->pages;
}

static void draft_idem(struct draft *draft, const struct dm_file *file)
{
    static const char *const keys[] = { "k", "kk", "l", "m", "n", "o", "p", "q" };
    draft->idem = (struct dm_idem){ .key = dm_str_z(keys[below(DM_COUNT(keys))]), .file = *file };
    snprintf(draft->idem.request, sizeof(draft->idem.request), "%064u", (unsigned)below(100));
    draft->idem.expires_ms = clock_ms + below(6);
    draft->transaction.idem = &draft->idem;
}

static void draft_all(struct draft *draft, const struct memory_document *now, const struct dm_file *file)
{
    memset(draft, 0, sizeof(*draft));
    draft->transaction.now_ms = history == ALIKE_ANY ? below(6) : clock_ms;
    if (!now ? !one_in(8) : one_in(2))
        draft_state(draft, now);
    if (draft->transaction.state && (!now || now->state.version == 0 ? !one_in(8) : one_in(4)))
        draft_document(draft);
    if (one_in(3))
        draft_work(draft, now);
    if (one_in(3))
        draft_claims(draft, now);
    if (one_in(3))
        draft_pages(draft);
    if (one_in(4))
        draft_idem(draft, file);
    if (history == ALIKE_AS_ASKED_FOR)
        drop_repeated(draft);
}

/* ---- the store: reads ---------------------------------------------------------------------------------------- */

static void compare_document(const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct dm_snapshot got[2] = { 0 };
    enum dm_code codes[2];
    const unsigned parts = 1 + below(15);
    for (int i = 0; i < 2; i++)
        codes[i] = dm_store_read(stores[i], tenant, file, parts, &arena, &got[i], &err);
    assert_int_equal(codes[0], codes[1]);
    assert_same_document(&got[0].document, &got[1].document);
    assert_same_state(&got[0].state, &got[1].state);
    assert_same_work(&got[0].work, &got[1].work);
    assert_int_equal(got[0].claim_count, got[1].claim_count);
    for (uint32_t i = 0; i < got[0].claim_count; i++)
        assert_same_claim(&got[0].claims[i], &got[1].claims[i]);
}

static void compare_pages_and_events(const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct dm_page_list pages[2] = { 0 };
    struct dm_event_list events[2] = { 0 };
    const uint32_t first = 1 + below(4), last = below(8), max = 1 + below(6), after = below(10);
    for (int i = 0; i < 2; i++) {
        assert_ok(dm_store_pages(stores[i], tenant, file, first, last, max, &arena, &pages[i], &err), &err);
        assert_ok(dm_store_events(stores[i], tenant, file, after, max, &arena, &events[i], &err), &err);
    }
    assert_int_equal(pages[0].count, pages[1].count);
    for (uint32_t i = 0; i < pages[0].count; i++)
        assert_same_page(&pages[0].at[i], &pages[1].at[i]);
    assert_int_equal(events[0].count, events[1].count);
    for (uint32_t i = 0; i < events[0].count; i++)
        assert_same_event(&events[0].at[i], &events[1].at[i]);
}

/* Page by page, each with its own cursors. */
static void compare_lists(const struct dm_tenant *tenant)
{
    struct dm_list_query queries[2] = { { .limit = 1 + below(4) } };
    if (one_in(2))
        queries[0].status = (enum dm_status)(1 + below(DM_STATUS_COUNT - 1));
    if (one_in(2))
        queries[0].from_ms = below(4);
    if (one_in(2))
        queries[0].to_ms = 1 + below(4);
    queries[1] = queries[0];
    for (;;) {
        struct dm_list lists[2] = { 0 };
        for (int i = 0; i < 2; i++) {
            assert_ok(dm_store_list(stores[i], tenant, &queries[i], &arena, &lists[i], &err), &err);
            queries[i].after = lists[i].next;
        }
        assert_int_equal(lists[0].count, lists[1].count);
        for (uint32_t i = 0; i < lists[0].count; i++) {
            assert_string_equal(lists[0].rows[i].file.id, lists[1].rows[i].file.id);
            assert_same_document(&lists[0].rows[i].document, &lists[1].rows[i].document);
            assert_same_state(&lists[0].rows[i].state, &lists[1].rows[i].state);
        }
        assert_int_equal(lists[0].next.len == 0, lists[1].next.len == 0);
        if (lists[0].next.len == 0)
            return;
    }
}

static void compare_keys(const struct dm_tenant *tenant, struct dm_str key)
{
    const int64_t at_ms = history == ALIKE_ANY ? below(6) : clock_ms + below(3);
    struct dm_idem got[2] = { 0 };
    enum dm_code codes[2];
    for (int i = 0; i < 2; i++)
        codes[i] = dm_store_idem(stores[i], tenant, key, at_ms, &arena, &got[i], &err);
    assert_int_equal(codes[0], codes[1]);
    assert_text(got[0].key, got[1].key);
    assert_string_equal(got[0].request, got[1].request);
    assert_string_equal(got[0].file.id, got[1].file.id);
    assert_int_equal(got[0].expires_ms, got[1].expires_ms);
}

static void compare_found(const struct dm_found *real, const struct dm_found *simulated, const uint32_t counts[2])
{
    assert_int_equal(counts[0], counts[1]);
    for (uint32_t i = 0; i < counts[0]; i++) {
        assert_string_equal(real[i].file.id, simulated[i].file.id);
        assert_string_equal(real[i].tenant.id, simulated[i].tenant.id);
    }
}

static void compare_operators(const struct dm_tenant *tenant, const struct dm_file *file)
{
    const uint32_t max = 1 + below(MAX);
    const int64_t now_ms = below(6);
    const struct dm_tenant *after = one_in(2) ? tenant : NULL;
    struct dm_found due[2][MAX], ready[2][MAX];
    struct dm_tenant ready_tenants[2][MAX], owners[2] = { 0 };
    uint32_t due_counts[2], ready_counts[2], tenant_counts[2];
    enum dm_code codes[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(dm_operator_due(ops[i], now_ms, NULL, max, due[i], &due_counts[i], &err), &err);
        assert_ok(dm_operator_ready(ops[i], tenant, max, ready[i], &ready_counts[i], &err), &err);
        assert_ok(dm_operator_ready_tenants(ops[i], after, max, ready_tenants[i], &tenant_counts[i], &err), &err);
        codes[i] = dm_operator_owner(ops[i], file, &owners[i], &err);
    }
    compare_found(due[0], due[1], due_counts);
    compare_found(ready[0], ready[1], ready_counts);
    assert_int_equal(tenant_counts[0], tenant_counts[1]);
    for (uint32_t i = 0; i < tenant_counts[0]; i++)
        assert_string_equal(ready_tenants[0][i].id, ready_tenants[1][i].id);
    assert_int_equal(codes[0], codes[1]);
    assert_string_equal(owners[0].id, owners[1].id);
}

/* In steps, each with its own cursor. */
static void compare_stalled(void)
{
    const uint32_t max = 1 + below(3);
    const int64_t before_ms = below(6);
    struct dm_stalled_cursor cursors[2] = { 0 };
    struct dm_found found[2][MAX];
    uint32_t counts[2];
    do {
        for (int i = 0; i < 2; i++)
            assert_ok(dm_operator_stalled(ops[i], before_ms, &cursors[i], max, found[i], &counts[i], &err), &err);
        compare_found(found[0], found[1], counts);
    } while (counts[0] > 0);
}

static void compare_ended(void)
{
    const uint32_t max = 1 + below(3);
    struct dm_found cursors[2] = { 0 };
    struct dm_found found[2][MAX];
    uint32_t counts[2];
    do {
        for (int i = 0; i < 2; i++)
            assert_ok(dm_operator_ended(ops[i], &cursors[i], max, found[i], &counts[i], &err), &err);
        compare_found(found[0], found[1], counts);
    } while (counts[0] > 0);
}

static void change_and_compare_pauses(const struct dm_tenant *tenant)
{
    const uint32_t what = below(12);
    const uint32_t max = 1 + below(3);
    const struct dm_tenant *whose = one_in(3) ? NULL : tenant;
    const struct dm_tenant *after = one_in(2) ? &tenants[below(TENANTS)] : NULL;
    const int64_t now_ms = 1 + below(100);
    struct dm_pause pauses[2][MAX];
    uint32_t counts[2];
    bool paused[2];
    for (int i = 0; i < 2; i++) {
        if (what == 0)
            assert_ok(dm_operator_pause(ops[i], whose, now_ms, &err), &err);
        else if (what == 1)
            assert_ok(dm_operator_resume(ops[i], whose, &err), &err);
        assert_ok(dm_operator_paused(ops[i], tenant, &paused[i], &err), &err);
        assert_ok(dm_operator_pauses(ops[i], after, max, pauses[i], &counts[i], &err), &err);
    }
    assert_int_equal(paused[0], paused[1]);
    assert_int_equal(counts[0], counts[1]);
    for (uint32_t i = 0; i < counts[0]; i++) {
        assert_string_equal(pauses[0][i].tenant.id, pauses[1][i].tenant.id);
        assert_int_equal(pauses[0][i].since_ms, pauses[1][i].since_ms);
    }
}

static void change_and_compare_secrets(const struct dm_tenant *tenant)
{
    static const char *const names[] = { "A_KEY", "B_KEY" }, *const texts[] = { "one", "two", "three" };
    const uint32_t what = below(8);
    const uint32_t max = 1 + below(3);
    const struct dm_str name = dm_str_z(names[below(DM_COUNT(names))]), text = dm_str_z(texts[below(DM_COUNT(texts))]);
    const struct dm_secret_row after = { .tenant = tenants[below(TENANTS)], .name = "A_KEY" };
    const int64_t now_ms = 1 + below(100);
    struct dm_secret_row rows[2][MAX];
    struct dm_tenant_secret secrets[2] = { 0 };
    uint32_t counts[2];
    enum dm_code changed[2] = { DM_OK, DM_OK }, got[2];
    for (int i = 0; i < 2; i++) {
        if (what == 0)
            changed[i] = dm_store_secret_put(stores[i], tenant, name, text, now_ms, &err);
        else if (what == 1)
            changed[i] = dm_store_secret_remove(stores[i], tenant, name, &err);
        got[i] = dm_store_secret_get(stores[i], tenant, name, &arena, &secrets[i], &err);
        assert_ok(dm_operator_secrets(ops[i], &after, max, rows[i], &counts[i], &err), &err);
    }
    assert_int_equal(changed[0], changed[1]);
    assert_int_equal(got[0], got[1]);
    assert_text(secrets[0].sealed, secrets[1].sealed);
    assert_int_equal(secrets[0].created_ms, secrets[1].created_ms);
    assert_int_equal(secrets[0].changed_ms, secrets[1].changed_ms);
    assert_int_equal(counts[0], counts[1]);
    for (uint32_t i = 0; i < counts[0]; i++) {
        assert_string_equal(rows[0][i].tenant.id, rows[1][i].tenant.id);
        assert_string_equal(rows[0][i].name, rows[1][i].name);
        assert_int_equal(rows[0][i].changed_ms, rows[1][i].changed_ms);
    }
}

static void one_history_leaves_the_same_records_in_both_stores(void **state)
{
    uint32_t happened = 0;
    uint32_t conflicts[DM_CONFLICT_IDEM + 1] = { 0 };
    for (uint32_t step = 0; step < steps; step++) {
        const struct dm_tenant *tenant = &tenants[below(TENANTS)];
        const struct dm_file *file = &files[below(FILES)];
        struct draft draft;
        enum dm_code codes[2];
        enum dm_conflict where[2];
        clock_ms += history != ALIKE_ANY && one_in(4);
        draft_all(&draft, memory_store_find(memory, tenant, file), file);
        for (int i = 0; i < 2; i++) {
            codes[i] = dm_store_commit(stores[i], tenant, file, &draft.transaction, &err);
            where[i] = draft.transaction.ret_conflict;
        }
        assert_int_equal(codes[0], codes[1]);
        assert_int_equal(where[0], where[1]);
        happened += codes[0] == DM_OK;
        conflicts[where[0]]++;
        if (one_in(20))
            for (int i = 0; i < 2; i++)
                assert_ok(dm_store_erase(stores[i], tenant, file, &err), &err);
        compare_document(tenant, file);
        compare_pages_and_events(tenant, file);
        compare_lists(tenant);
        compare_operators(tenant, file);
        compare_stalled();
        compare_ended();
        change_and_compare_pauses(tenant);
        change_and_compare_secrets(tenant);
        compare_keys(tenant, draft.transaction.idem ? draft.idem.key : DM_STR("k"));
        dm_arena_reset(&arena);
    }
    /* A history in which nothing went right, or nothing wrong, would say nothing. */
    assert_true(happened > steps / 4);
    for (size_t i = DM_CONFLICT_DOCUMENT; i < DM_COUNT(conflicts); i++)
        assert_true(conflicts[i] > 0);
}

int stores_alike(struct dm_store real, struct dm_operator real_op, uint32_t steps_given,
                 enum alike_history history_given)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_history_leaves_the_same_records_in_both_stores),
    };
    memory = memory_store_make();
    stores[0] = real;
    stores[1] = memory_store_port(memory);
    ops[0] = real_op;
    ops[1] = memory_operator_port(memory);
    steps = steps_given;
    history = history_given;
    clock_ms = 0;
    arena = dm_arena_make(ARENA_MAX);
    chance = 20260117;
    for (int i = 0; i < TENANTS; i++)
        snprintf(tenants[i].id, sizeof(tenants[i].id), "tenant-%d", i);
    for (int i = 0; i < FILES; i++)
        snprintf(files[i].id, sizeof(files[i].id), "01940000-0000-7000-8000-%012d", (i * 7 + 3) % 10);
    int failed = run_group("the simulator's store against a real one", tests, NULL, NULL);
    dm_arena_free(&arena);
    memory_store_free(memory);
    return failed;
}
