/* store_rig.h: what the files of the store's contract share. */
#ifndef DM_TESTS_STORE_RIG_H
#define DM_TESTS_STORE_RIG_H

#include "ports/runtime.h"
#include "ports/store.h"

enum { CONTRACT_ALL_PARTS = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS };

extern struct contract_world {
    struct dm_store store;
    struct dm_runtime runtime;
    struct dm_tenant tenant; /* a new one for every test */
    struct dm_arena arena;
    struct dm_err err;
} contract;

int contract_before(void **state);
int contract_after(void **state);

struct dm_snapshot contract_read(const struct dm_tenant *of, const struct dm_file *file);
uint32_t contract_pages(const struct dm_tenant *of, const struct dm_file *file);
uint32_t contract_events(const struct dm_tenant *of, const struct dm_file *file);
struct dm_state contract_next_state(const struct dm_snapshot *snapshot, uint32_t events);
struct dm_work contract_next_work(const struct dm_snapshot *snapshot);
enum dm_code contract_commit(const struct dm_file *file, struct dm_transaction *transaction);
void contract_assert_conflict(const struct dm_file *file, struct dm_transaction *transaction, enum dm_conflict where);
enum dm_code contract_write_page(const struct dm_file *file, const struct dm_page *page);

/* The second half, in store_sharing_contract.c. */
int store_sharing_contract(void);

#endif
