/* memory_records.h: what the store in memory is made of. Private to memory_store.c, memory_read.c, memory_index.c. */
#ifndef DM_SIM_MEMORY_RECORDS_H
#define DM_SIM_MEMORY_RECORDS_H

#include <pthread.h>

#include "memory_store.h"

/* All records under one tenant and id. */
struct memory_entry {
    struct memory_document at;
    bool has_document;
    uint32_t claim_capacity;
    uint32_t page_capacity;
    uint32_t event_capacity;
};

struct memory_key {
    struct dm_tenant tenant;
    struct dm_idem idem;
};

struct memory_secret {
    struct dm_secret_row row;
    struct dm_str sealed;
};

struct memory_store {
    /* Guards what follows. Nothing that is done under it can give way to another task. */
    pthread_mutex_t mutex;
    struct memory_entry **entries; /* ascending by tenant, then id */
    uint32_t entry_count;
    uint32_t entry_capacity;
    struct memory_key *keys; /* ascending by tenant, then key */
    uint32_t key_count;
    uint32_t key_capacity;
    struct dm_pause *pauses; /* ascending by tenant */
    uint32_t pause_count;
    uint32_t pause_capacity;
    struct memory_secret *secrets; /* ascending by tenant, then name */
    uint32_t secret_count;
    uint32_t secret_capacity;
    memory_committed *committed;
    void *committed_context;
};

void memory_lock(struct memory_store *store);
void memory_unlock(struct memory_store *store);

struct memory_entry *memory_entry_find(const struct memory_store *store, const struct dm_tenant *tenant,
                                       const struct dm_file *file); /* NULL */
/* Where the first is whose number is not below this one. */
uint32_t memory_page_place(const struct memory_document *document, uint32_t number);
uint32_t memory_event_place(const struct memory_document *document, uint64_t seq);
/* Where the key is or would be; *ret_found says which. */
uint32_t memory_key_place(const struct memory_store *store, const struct dm_tenant *tenant, struct dm_str key,
                          bool *ret_found);

/* ---- memory_read.c ------------------------------------------------------------------------------------------- */

/* A copy with its texts in the arena; DM_TOO_LARGE. */
enum dm_code memory_give_document(const struct dm_document *document, struct dm_arena *arena, struct dm_document *ret,
                                  struct dm_err *err);
enum dm_code memory_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                         struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err);
enum dm_code memory_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                          uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                          struct dm_err *err);
enum dm_code memory_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                           uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err);
enum dm_code memory_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                         struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err);

/* ---- memory_index.c ------------------------------------------------------------------------------------------ */

enum dm_code memory_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                         struct dm_arena *arena, struct dm_list *ret, struct dm_err *err);
enum dm_code memory_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                  uint32_t *ret_count, struct dm_err *err);
enum dm_code memory_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                          uint32_t *ret_count, struct dm_err *err);
enum dm_code memory_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                        uint32_t *ret_count, struct dm_err *err);
enum dm_code memory_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err);

/* ---- memory_operate.c ---------------------------------------------------------------------------------------- */

enum dm_code memory_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                            struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
enum dm_code memory_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret, uint32_t *ret_count,
                          struct dm_err *err);
enum dm_code memory_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err);
enum dm_code memory_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err);
enum dm_code memory_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err);
enum dm_code memory_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                           uint32_t *ret_count, struct dm_err *err);

enum dm_code memory_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                               int64_t now_ms, struct dm_err *err);
enum dm_code memory_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_arena *arena,
                               struct dm_tenant_secret *ret, struct dm_err *err);
enum dm_code memory_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err);
enum dm_code memory_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                            uint32_t *ret_count, struct dm_err *err);

#endif
