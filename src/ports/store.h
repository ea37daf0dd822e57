/* store.h: a port: the ledger.
 *
 * A store keeps the records of domain/records.h. It knows no rules: the pipeline reads a document's records, decides
 * (domain/ledger.h, where transaction and snapshot are declared), and writes them back in one transaction under what it
 * read. So every rule stands once, whatever the backend, and the simulator judges the very code that runs.
 *
 * Guarantees asked of every backend:
 * - `commit` is atomic and durable when it answers DM_OK; on DM_CONFLICT nothing of it happened. On DM_UNAVAILABLE,
 * DM_TIMEOUT or DM_IO it may or may not have happened: read again.
 * - After DM_OK every later consistent read, of any task, sees it. Lists (`list`, and what the operator's handle finds) may lag a
 * moment behind where many processes share the store, and so may what is only shown (DM_PART_SHOWN), but then not behind
 * what this process has written or read of the document.
 * - The tenant is part of every key: no call can return another tenant's record.
 * Calls are thread-safe and bounded in time. Texts in results live in the arena given. */
#ifndef DM_PORTS_STORE_H
#define DM_PORTS_STORE_H

#include "domain/ledger.h"

struct dm_list_query {
    enum dm_status status; /* DM_STATUS_NONE: any */
    int64_t from_ms;       /* created at or after; 0: any */
    int64_t to_ms;         /* created before; 0: any */
    struct dm_str after;   /* the former page's `next`, or empty */
    uint32_t limit;        /* 1 to 1000 */
};

struct dm_list_row {
    struct dm_file file;
    struct dm_document document;
    struct dm_state state;
};

struct dm_list {
    const struct dm_list_row *rows; /* newest first, without deleted ones */
    uint32_t count;
    /* Opaque cursor; empty: that was all. A page may end early, even without a row, and still have one: looking for a rare
     * status among many documents is done in bounded steps. */
    struct dm_str next;
};

struct dm_page_list {
    const struct dm_page *at; /* ascending by number */
    uint32_t count;
};

struct dm_event_list {
    const struct dm_event *at; /* ascending by seq */
    uint32_t count;
};

/* A secret of a tenant's own, such as the key of a model's provider. The store holds it sealed (ports/secrets.h), and never opens
 * it. */
enum { DM_SECRET_NAME_MAX = 64, DM_SECRET_SEALED_MAX = 16 * 1024 };

struct dm_tenant_secret {
    struct dm_str sealed;
    int64_t created_ms;
    int64_t changed_ms;
};

struct dm_store_ops {
    const char *name; /* "sqlite" */
    /* DM_NOT_FOUND where the tenant has no such document. Deleted documents are found: callers look at deleted_ms. */
    enum dm_code (*read)(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                         struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err);
    /* Page records with first <= number <= last, at most `max`; a document without any gives an empty list. */
    enum dm_code (*pages)(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                          uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                          struct dm_err *err);
    /* Events with seq > after, at most `max`. */
    enum dm_code (*events)(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                           uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err);
    enum dm_code (*list)(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                         struct dm_arena *arena, struct dm_list *ret, struct dm_err *err);
    /* DM_NOT_FOUND where the key is unused or expired at `now_ms`. */
    enum dm_code (*idem)(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                         struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err);
    enum dm_code (*commit)(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                           struct dm_transaction *transaction, struct dm_err *err);
    /* Removes every record of the document, in bounded steps; done when it answers DM_OK. Absent is fine. */
    enum dm_code (*erase)(void *self, const struct dm_tenant *tenant, const struct dm_file *file, struct dm_err *err);
    /* Whether it can be read and written; bounded to a second or so. */
    enum dm_code (*check)(void *self, struct dm_err *err);
    /* Keeps the sealed text under the name, in place of the one before; `created_ms` stays the first one's. */
    enum dm_code (*secret_put)(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                               int64_t now_ms, struct dm_err *err);
    /* DM_NOT_FOUND where the tenant has none of this name. */
    enum dm_code (*secret_get)(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_arena *arena,
                               struct dm_tenant_secret *ret, struct dm_err *err);
    /* Likewise. */
    enum dm_code (*secret_remove)(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err);
};

struct dm_store {
    const struct dm_store_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_store_read(struct dm_store store, const struct dm_tenant *tenant,
                                       const struct dm_file *file, unsigned parts, struct dm_arena *arena,
                                       struct dm_snapshot *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_pages(struct dm_store store, const struct dm_tenant *tenant,
                                        const struct dm_file *file, uint32_t first, uint32_t last, uint32_t max,
                                        struct dm_arena *arena, struct dm_page_list *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_events(struct dm_store store, const struct dm_tenant *tenant,
                                         const struct dm_file *file, uint64_t after, uint32_t max,
                                         struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_list(struct dm_store store, const struct dm_tenant *tenant,
                                       const struct dm_list_query *query, struct dm_arena *arena, struct dm_list *ret,
                                       struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_idem(struct dm_store store, const struct dm_tenant *tenant, struct dm_str key,
                                       int64_t now_ms, struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_commit(struct dm_store store, const struct dm_tenant *tenant,
                                         const struct dm_file *file, struct dm_transaction *transaction,
                                         struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_erase(struct dm_store store, const struct dm_tenant *tenant,
                                        const struct dm_file *file, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_check(struct dm_store store, struct dm_err *err);
/* Names have 1 to DM_SECRET_NAME_MAX - 1 bytes, sealed texts at most DM_SECRET_SEALED_MAX. */
DM_MUST_USE enum dm_code dm_store_secret_put(struct dm_store store, const struct dm_tenant *tenant, struct dm_str name,
                                             struct dm_str sealed, int64_t now_ms, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_secret_get(struct dm_store store, const struct dm_tenant *tenant, struct dm_str name,
                                             struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_store_secret_remove(struct dm_store store, const struct dm_tenant *tenant,
                                                struct dm_str name, struct dm_err *err);

/* The operator's handle: the only reads across tenants. main gives it to claim and sweep. It yields names, never data.
 */
struct dm_found {
    struct dm_tenant tenant;
    struct dm_file file;
};

/* How far a walk through due documents has come; zeroed: at its beginning. */
struct dm_due_cursor {
    int64_t due_ms;
    struct dm_found found;
};

/* How far a walk through stalled documents has come; zeroed: at its beginning. */
struct dm_stalled_cursor {
    int64_t progress_ms;
    struct dm_found found;
};

struct dm_pause {
    struct dm_tenant tenant; /* empty: everybody */
    int64_t since_ms;
};

/* That a tenant has a secret, and never what it is. */
struct dm_secret_row {
    struct dm_tenant tenant;
    char name[DM_SECRET_NAME_MAX];
    int64_t created_ms;
    int64_t changed_ms;
};

struct dm_operator_ops {
    /* Tenants after `after` (NULL: from the first) that have a document in the READY index, ascending; at most `max`.
     */
    enum dm_code (*ready_tenants)(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                  uint32_t *ret_count, struct dm_err *err);
    /* A tenant's READY documents by priority, then age; at most `max`. */
    enum dm_code (*ready)(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                          uint32_t *ret_count, struct dm_err *err);
    /* Documents whose STATE or WORK is due at `now_ms`, past the cursor (NULL: from the first), the longest due first;
     * at most `max`. The cursor moves behind the last of them. Each comes once in a call; one that is due by both may come
     * again behind the cursor. */
    enum dm_code (*due)(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                        uint32_t *ret_count, struct dm_err *err);
    /* Whose document has this id; DM_NOT_FOUND where none has, it was deleted, or two tenants have one. */
    enum dm_code (*owner)(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err);
    /* Documents that have not ended and made no progress since `before_ms` (STATE's progress_ms is less), past the cursor,
     * the longest first; at most `max`. The cursor moves behind the last of them. */
    enum dm_code (*stalled)(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                            struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
    /* Documents that have ended, past the cursor, in an order of the backend's own; at most `max`. The cursor (zeroed: at the
     * beginning) moves behind the last of them. Those that end during a walk may come in it or not. */
    enum dm_code (*ended)(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret, uint32_t *ret_count,
                          struct dm_err *err);
    /* Notes durably that nobody claims this tenant's work (NULL: anybody's) until it is resumed; what is paused already
     * stays so since then. It is for those who claim to ask: no record of a document changes. */
    enum dm_code (*pause)(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err);
    /* The tenant's own pause is over (NULL: every pause is). Fine where there is none. */
    enum dm_code (*resume)(void *self, const struct dm_tenant *tenant, struct dm_err *err);
    /* Whether the tenant's work is paused, by its own pause or everybody's. */
    enum dm_code (*paused)(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err);
    /* Pauses after that of `after` (NULL: from everybody's on, which is the first), ascending by tenant; at most `max`. */
    enum dm_code (*pauses)(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                           uint32_t *ret_count, struct dm_err *err);
    /* Secrets past that of `after` (its tenant and name count; zeroed: from the first), ascending by tenant, then name; at most
     * `max`. */
    enum dm_code (*secrets)(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                            uint32_t *ret_count, struct dm_err *err);
};

struct dm_operator {
    const struct dm_operator_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_operator_ready_tenants(struct dm_operator op, const struct dm_tenant *after, uint32_t max,
                                                   struct dm_tenant *ret, uint32_t *ret_count, struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_ready(struct dm_operator op, const struct dm_tenant *tenant, uint32_t max,
                                           struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_owner(struct dm_operator op, const struct dm_file *file, struct dm_tenant *ret,
                                           struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_due(struct dm_operator op, int64_t now_ms, struct dm_due_cursor *cursor,
                                         uint32_t max, struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_stalled(struct dm_operator op, int64_t before_ms, struct dm_stalled_cursor *cursor,
                                             uint32_t max, struct dm_found *ret, uint32_t *ret_count,
                                             struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_ended(struct dm_operator op, struct dm_found *cursor, uint32_t max,
                                           struct dm_found *ret, uint32_t *ret_count, struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_pause(struct dm_operator op, const struct dm_tenant *tenant, int64_t now_ms,
                                           struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_resume(struct dm_operator op, const struct dm_tenant *tenant, struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_paused(struct dm_operator op, const struct dm_tenant *tenant, bool *ret,
                                            struct dm_err *err);
DM_MUST_USE enum dm_code dm_operator_pauses(struct dm_operator op, const struct dm_tenant *after, uint32_t max,
                                            struct dm_pause *ret, uint32_t *ret_count, struct dm_err *err);

DM_MUST_USE enum dm_code dm_operator_secrets(struct dm_operator op, const struct dm_secret_row *after, uint32_t max,
                                             struct dm_secret_row *ret, uint32_t *ret_count, struct dm_err *err);

#endif
