/* store_rig.c: a tenant of its own for every test of the store's contract, and the steps that they share. */
#include "store_rig.h"

#include "records.h"
#include "testing.h"

struct contract_world contract;

int contract_before(void **state)
{
    contract.tenant = fresh_tenant(contract.runtime);
    contract.arena = dm_arena_make(64 << 20);
    memset(&contract.err, 0, sizeof(contract.err));
    return 0;
}

int contract_after(void **state)
{
    dm_arena_free(&contract.arena);
    return 0;
}

struct dm_snapshot contract_read(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(contract.store, of, file, CONTRACT_ALL_PARTS, &contract.arena, &snapshot, &contract.err),
              &contract.err);
    return snapshot;
}

uint32_t contract_pages(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_page_list pages = { 0 };
    assert_ok(dm_store_pages(contract.store, of, file, 1, UINT32_MAX, 100000, &contract.arena, &pages, &contract.err),
              &contract.err);
    return pages.count;
}

uint32_t contract_events(const struct dm_tenant *of, const struct dm_file *file)
{
    struct dm_event_list events = { 0 };
    assert_ok(dm_store_events(contract.store, of, file, 0, 100000, &contract.arena, &events, &contract.err),
              &contract.err);
    return events.count;
}

/* STATE and WORK as they would be written next. */
struct dm_state contract_next_state(const struct dm_snapshot *snapshot, uint32_t events)
{
    struct dm_state state = snapshot->state;
    state.version++;
    state.seq += events;
    return state;
}

struct dm_work contract_next_work(const struct dm_snapshot *snapshot)
{
    struct dm_work work = snapshot->work;
    work.version++;
    return work;
}

enum dm_code contract_commit(const struct dm_file *file, struct dm_transaction *transaction)
{
    return dm_store_commit(contract.store, &contract.tenant, file, transaction, &contract.err);
}

void contract_assert_conflict(const struct dm_file *file, struct dm_transaction *transaction, enum dm_conflict where)
{
    assert_code(contract_commit(file, transaction), DM_CONFLICT, &contract.err);
    assert_int_equal(transaction->ret_conflict, where);
    assert_true(strlen(contract.err.text) > 0);
}

enum dm_code contract_write_page(const struct dm_file *file, const struct dm_page *page)
{
    struct dm_transaction transaction = { .pages = page, .page_count = 1 };
    enum dm_code rc = contract_commit(file, &transaction);
    if (rc != DM_OK)
        assert_int_equal(transaction.ret_conflict, DM_CONFLICT_PAGE);
    return rc;
}
