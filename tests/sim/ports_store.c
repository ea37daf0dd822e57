/* ports_store.c: a node's store over the one world, with the faults of the run. */
#include "ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"

static void enter_store(struct node *node)
{
    struct sim *sim = node->sim;
    port_point(node);
    sim_sleep_us(sim,
                 sim_fault(sim, FAULT_STORE_SLOW) ? 1000000 + sim_below(sim, 50000000) : 100 + sim_below(sim, 2000));
}

static void leave_store(struct node *node)
{
    /* Slow after the fact, too: what was read is old by the time that it arrives. */
    bool slow = sim_fault(node->sim, FAULT_STORE_SLOW);
    sim_sleep_us(node->sim, sim_below(node->sim, slow ? 20000000 : 1500));
    port_point(node);
}

/* ---- store ---- */

static enum dm_code fail_store(struct node *node, struct dm_err *err)
{
    if (sim_fault(node->sim, FAULT_STORE_FAILS))
        return dm_fail(err, sim_one_in(node->sim, 2) ? DM_UNAVAILABLE : DM_TIMEOUT, "the store does not answer");
    return DM_OK;
}

static struct dm_store inner_store(const struct node *node)
{
    return memory_store_port(node->sim->store);
}

static enum dm_code store_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                               struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    struct dm_snapshot snapshot = { 0 };
    if (rc == DM_OK)
        rc = dm_store_read(inner_store(node), tenant, file, parts, arena, &snapshot, err);
    leave_store(node);
    if (rc == DM_OK)
        *ret = snapshot;
    return rc;
}

static enum dm_code store_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                                uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                                struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK)
        rc = dm_store_pages(inner_store(node), tenant, file, first, last, max, arena, ret, err);
    leave_store(node);
    return rc;
}

static enum dm_code store_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                                 uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK)
        rc = dm_store_events(inner_store(node), tenant, file, after, max, arena, ret, err);
    leave_store(node);
    return rc;
}

static enum dm_code store_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                               struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK)
        rc = dm_store_list(inner_store(node), tenant, query, arena, ret, err);
    leave_store(node);
    return rc;
}

static enum dm_code store_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                               struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK)
        rc = dm_store_idem(inner_store(node), tenant, key, now_ms, arena, ret, err);
    leave_store(node);
    return rc;
}

/* A transaction that is under way while its owner believes that it failed. */
struct late {
    struct sim *sim;
    struct node *origin;
    uint32_t incarnation;
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_arena arena;
    struct dm_transaction transaction;
    struct dm_document document;
    struct dm_state state;
    struct dm_work work;
    struct dm_idem idem;
};

static const void *keep(struct late *late, const void *from, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    void *copy = dm_arena_array(&late->arena, count, size);
    DM_CHECK(copy);
    return memcpy(copy, from, count * size);
}

static void keep_text(struct late *late, struct dm_str *text)
{
    if (text->len)
        *text = dm_arena_str(&late->arena, *text);
    else
        *text = DM_STR("");
}

static void keep_records(struct late *late)
{
    struct dm_transaction *transaction = &late->transaction;
    transaction->claims = keep(late, transaction->claims, transaction->claim_count, sizeof(*transaction->claims));
    struct dm_page *pages = (struct dm_page *)(uintptr_t)keep(late, transaction->pages, transaction->page_count,
                                                              sizeof(*transaction->pages));
    for (uint32_t i = 0; i < transaction->page_count; i++) {
        keep_text(late, &pages[i].detail);
        keep_text(late, &pages[i].segment);
        keep_text(late, &pages[i].attempts);
    }
    transaction->pages = pages;
    struct dm_event *events = (struct dm_event *)(uintptr_t)keep(late, transaction->events, transaction->event_count,
                                                                 sizeof(*transaction->events));
    for (uint32_t i = 0; i < transaction->event_count; i++)
        keep_text(late, &events[i].data);
    transaction->events = events;
}

static struct late *keep_transaction(struct node *node, const struct dm_tenant *tenant, const struct dm_file *file,
                                     const struct dm_transaction *transaction)
{
    const struct dm_allocator *before = dm_allocator_use(NULL);
    struct late *late = calloc(1, sizeof(*late));
    late->sim = node->sim;
    late->origin = node;
    late->incarnation = node->incarnation;
    late->tenant = *tenant;
    late->file = *file;
    late->arena = dm_arena_make(16 << 20);
    late->transaction = *transaction;
    if (transaction->document) {
        late->document = *transaction->document;
        keep_text(late, &late->document.name);
        keep_text(late, &late->document.metadata);
        keep_text(late, &late->document.pages);
        keep_text(late, &late->document.password);
        keep_text(late, &late->document.model);
        late->transaction.document = &late->document;
    }
    if (transaction->state) {
        late->state = *transaction->state;
        late->transaction.state = &late->state;
    }
    if (transaction->work) {
        late->work = *transaction->work;
        late->work.chosen.at = keep(late, late->work.chosen.at, late->work.chosen.count, sizeof(struct dm_range));
        late->work.returned = keep(late, late->work.returned, late->work.returned_count, sizeof(*late->work.returned));
        late->transaction.work = &late->work;
    }
    if (transaction->idem) {
        late->idem = *transaction->idem;
        keep_text(late, &late->idem.key);
        late->transaction.idem = &late->idem;
    }
    keep_records(late);
    dm_allocator_use(before);
    return late;
}

static void free_late(void *argument)
{
    struct late *late = argument;
    dm_arena_free(&late->arena);
    free(late);
}

static void commit_late(void *argument)
{
    struct late *late = argument;
    struct sim *sim = late->sim;
    sim_sleep_us(sim, 1000 + sim_below(sim, 40000000));
    struct dm_err err;
    sim->commits++;
    sim->acting = late->origin;
    sim->acting_incarnation = late->incarnation;
    enum dm_code rc =
        dm_store_commit(memory_store_port(sim->store), &late->tenant, &late->file, &late->transaction, &err);
    sim->acting = NULL;
    sim_tell(sim, "a late commit of node %u for %s: %s", late->origin->number, late->file.id, dm_code_name(rc));
    free_late(late);
}

static enum dm_code store_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                 struct dm_transaction *transaction, struct dm_err *err)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK && sim_fault(sim, FAULT_STORE_CONFLICTS)) {
        if (transaction->state || transaction->work) {
            transaction->ret_conflict = transaction->state ? DM_CONFLICT_STATE : DM_CONFLICT_WORK;
            rc = dm_fail(err, DM_CONFLICT, "somebody was first");
        } else {
            rc = dm_fail(err, DM_UNAVAILABLE, "the store was too busy");
        }
        sim_tell(sim, "commit of %s loses a race that nobody ran", file->id);
    }
    if (rc == DM_OK && sim_fault(sim, FAULT_STORE_LATE)) {
        struct late *late = keep_transaction(node, tenant, file, transaction);
        struct fiber *fiber = sim_spawn(sim, NULL, "late", commit_late, late, true);
        if (fiber)
            fiber->abandon = free_late;
        else
            free_late(late);
        sim_tell(sim, "commit of %s will be late", file->id);
        rc = dm_fail(err, DM_TIMEOUT, "the store did not answer in time");
    }
    if (rc == DM_OK) {
        rc = dm_store_commit(inner_store(node), tenant, file, transaction, err);
        sim->commits++;
        sim->conflicts += rc == DM_CONFLICT;
        if (rc != DM_OK)
            sim_tell(sim, "commit of %s: %s, conflict %d", file->id, dm_code_name(rc), (int)transaction->ret_conflict);
        if (rc == DM_OK && sim_fault(sim, FAULT_STORE_FORGETS)) {
            rc = dm_fail(err, DM_TIMEOUT, "the store did not answer in time");
            sim_tell(sim, "the answer to a commit of %s is lost", file->id);
        }
    }
    leave_store(node);
    return rc;
}

static enum dm_code store_erase(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    if (rc == DM_OK)
        rc = dm_store_erase(inner_store(node), tenant, file, err);
    leave_store(node);
    return rc;
}

static enum dm_code fine(void *self, struct dm_err *err)
{
    (void)self;
    (void)err;
    return DM_OK;
}

static enum dm_code secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                               int64_t now_ms, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_store_secret_put(inner_store(node), tenant, name, sealed, now_ms, err) : rc;
}

static enum dm_code secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_arena *arena,
                               struct dm_tenant_secret *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_store_secret_get(inner_store(node), tenant, name, arena, ret, err) : rc;
}

static enum dm_code secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_store_secret_remove(inner_store(node), tenant, name, err) : rc;
}

static const struct dm_store_ops store_ops = { "sim",      store_read, store_pages,  store_events,
                                               store_list, store_idem, store_commit, store_erase,
                                               fine,       secret_put, secret_get,   secret_remove };

/* ---- the operator's handle ---- */

static struct dm_operator inner_operator(const struct node *node)
{
    return memory_operator_port(node->sim->store);
}

static enum dm_code op_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                     uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_ready_tenants(inner_operator(node), after, max, ret, ret_count, err) : rc;
}

static enum dm_code op_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_ready(inner_operator(node), tenant, max, ret, ret_count, err) : rc;
}

static enum dm_code op_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                           uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_due(inner_operator(node), now_ms, cursor, max, ret, ret_count, err) : rc;
}

static enum dm_code op_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_owner(inner_operator(node), file, ret, err) : rc;
}

static enum dm_code op_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_stalled(inner_operator(node), before_ms, cursor, max, ret, ret_count, err) : rc;
}

static enum dm_code op_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_ended(inner_operator(node), cursor, max, ret, ret_count, err) : rc;
}

static enum dm_code op_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_pause(inner_operator(node), tenant, now_ms, err) : rc;
}

static enum dm_code op_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_resume(inner_operator(node), tenant, err) : rc;
}

static enum dm_code op_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_paused(inner_operator(node), tenant, ret, err) : rc;
}

static enum dm_code op_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                              uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_pauses(inner_operator(node), after, max, ret, ret_count, err) : rc;
}

static enum dm_code op_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                               uint32_t *ret_count, struct dm_err *err)
{
    struct node *node = self;
    enter_store(node);
    enum dm_code rc = fail_store(node, err);
    return rc == DM_OK ? dm_operator_secrets(inner_operator(node), after, max, ret, ret_count, err) : rc;
}

static const struct dm_operator_ops operator_ops = { op_ready_tenants, op_ready,  op_due,    op_owner,
                                                     op_stalled,       op_ended,  op_pause,  op_resume,
                                                     op_paused,        op_pauses, op_secrets };

struct dm_store node_store(struct node *node)
{
    return (struct dm_store){ &store_ops, node };
}

struct dm_operator node_operator(struct node *node)
{
    return (struct dm_operator){ &operator_ops, node };
}
