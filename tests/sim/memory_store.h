/* memory_store.h: the store and operator ports in memory, for the simulator, and what its judge may see of them.
 *
 * It is the durable world of a run: all nodes share it and it survives them. It does what the SQLite store does,
 * conflict for conflict and order for order, and nothing in it depends on addresses, clocks or chance. No call waits,
 * fails or gives way to another task: faults and delays come from wrappers around the ports. */
#ifndef DM_SIM_MEMORY_STORE_H
#define DM_SIM_MEMORY_STORE_H

#include "ports/store.h"

struct memory_store;

struct memory_store *memory_store_make(void);
void memory_store_free(struct memory_store *store); /* accepts NULL */
struct dm_store memory_store_port(struct memory_store *store);
struct dm_operator memory_operator_port(struct memory_store *store);

/* ---- for the judge: not for several threads at once ---------------------------------------------------------- */

/* A document as the store holds it; its parts are good until the next commit, the struct itself as long as the document.
 * STATE and WORK of version 0 and DOC of format 0 are not there. */
struct memory_document {
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_claim *claims; /* ascending by counter */
    uint32_t claim_count;
    struct dm_page *pages; /* ascending by number */
    uint32_t page_count;
    struct dm_event *events; /* ascending by seq */
    uint32_t event_count;
    bool erased;
    void *judge; /* the judge's own; NULL at first */
};

/* Called after every transaction that happened, outside of any lock, so it may call anything here. `after` is NULL where
 * there is no such document, and the transaction wrote none (an Idempotency-Key alone). After an erase `after` is what
 * was there, with `erased` set and for the last time, and `transaction` is NULL; one that found nothing is not told. */
typedef void memory_committed(void *context, struct memory_document *after, const struct dm_transaction *transaction);
void memory_store_observe(struct memory_store *store, memory_committed *committed, void *context);

/* All documents that are there, also those marked as deleted, ascending by tenant and id. `visit` must not commit. */
void memory_store_each(struct memory_store *store, void (*visit)(void *context, struct memory_document *document),
                       void *context);
/* NULL: there is none. */
struct memory_document *memory_store_find(struct memory_store *store, const struct dm_tenant *tenant,
                                          const struct dm_file *file);
/* How many Idempotency-Keys lead to the document at `now_ms`. */
uint32_t memory_store_keys(struct memory_store *store, const struct dm_tenant *tenant, const struct dm_file *file,
                           int64_t now_ms);

#endif
