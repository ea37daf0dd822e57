/* records.h: documents for the contract tests, with something in every member. */
#ifndef DM_TESTS_RECORDS_H
#define DM_TESTS_RECORDS_H

#include "ports/runtime.h"
#include "ports/store.h"

/* A tenant that no other test has. */
struct dm_tenant fresh_tenant(struct dm_runtime runtime);
struct dm_file fresh_file(struct dm_runtime runtime);

/* Every member is set, none to its zero; texts are static. */
struct dm_document full_document(void);
struct dm_state full_state(void);
struct dm_work full_work(void);
struct dm_claim full_claim(uint64_t counter);
struct dm_page full_page(uint32_t number, uint32_t epoch);
struct dm_event full_event(uint64_t seq);

void assert_same_document(const struct dm_document *a, const struct dm_document *b);
void assert_same_state(const struct dm_state *a, const struct dm_state *b);
void assert_same_work(const struct dm_work *a, const struct dm_work *b);
void assert_same_claim(const struct dm_claim *a, const struct dm_claim *b);
void assert_same_page(const struct dm_page *a, const struct dm_page *b);
void assert_same_event(const struct dm_event *a, const struct dm_event *b);

/* A document of `tenant` in the store, new, with DOC, STATE (version 1, seq 1), WORK (version 1, claim counter
 * 1) and event 1. */
struct dm_file put_document(struct dm_store store, struct dm_runtime runtime, const struct dm_tenant *tenant);
/* The same with what it is given; `work` may be NULL. */
void put_records(struct dm_store store, const struct dm_tenant *tenant, const struct dm_file *file,
                 const struct dm_document *document, const struct dm_state *state, const struct dm_work *work);

#endif
