/* ports.c: the ports of a node over the one world, with the faults of the run.
 *
 * Each call is: maybe the node dies; some time passes; maybe it fails; it happens; maybe its answer is lost; some time
 * passes; maybe the node dies. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/encode.h"
#include "sim.h"

/* ---- a point of the run ---- */

static void point(struct node *node)
{
    struct sim *sim = node->sim;
    sim->port_calls++;
    if (sim_fault(sim, FAULT_CRASH) && sim_one_in(sim, 12)) {
        sim_tell(sim, "dies");
        sim_crash(sim, node);
    }
    /* Those that decide by time are frozen more often than others, between a read and the write that follows from it. */
    const char *task = sim->running->name;
    bool by_time = strcmp(task, "sweep") == 0 || strcmp(task, "read") == 0 || strcmp(task, "keep") == 0;
    if (sim_fault(sim, FAULT_FREEZE) && sim_one_in(sim, by_time ? 3 : 20)) {
        node->frozen_until_us = sim->now_us + (int64_t)(1 + sim_below(sim, sim_one_in(sim, 2) ? 160 : 40)) * 1000000;
        sim_tell(sim, "stands still until %.3f", (double)node->frozen_until_us / 1e6);
    }
}

static void enter_store(struct node *node)
{
    struct sim *sim = node->sim;
    point(node);
    sim_sleep_us(sim,
                 sim_fault(sim, FAULT_STORE_SLOW) ? 1000000 + sim_below(sim, 50000000) : 100 + sim_below(sim, 2000));
}

static void leave_store(struct node *node)
{
    /* Slow after the fact, too: what was read is old by the time that it arrives. */
    bool slow = sim_fault(node->sim, FAULT_STORE_SLOW);
    sim_sleep_us(node->sim, sim_below(node->sim, slow ? 20000000 : 1500));
    point(node);
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

/* ---- blobs ---- */

/* A sink of a node: it vanishes with it. */
struct sink_note {
    struct sink_note *next;
    struct dm_sink *inner;
};

static struct dm_blob inner_blob(const struct node *node)
{
    return memory_blob_port(node->sim->blob);
}

static enum dm_code enter_blob(struct node *node, struct dm_err *err)
{
    struct sim *sim = node->sim;
    point(node);
    if (sim->blob_away) {
        sim_sleep_us(sim, 200000 + sim_below(sim, 10000000));
        if (!sim_one_in(sim, 4))
            return dm_fail(err, DM_UNAVAILABLE, "the blob store does not answer");
    } else {
        sim_sleep_us(sim, 100 + sim_below(sim, 3000));
    }
    if (sim_fault(sim, FAULT_BLOB_FAILS))
        return dm_fail(err, sim_one_in(sim, 2) ? DM_UNAVAILABLE : DM_IO, "the blob store failed");
    return DM_OK;
}

/* The call has happened; whether its answer arrives is another matter. */
static enum dm_code leave_blob(struct node *node, enum dm_code rc, struct dm_err *err)
{
    struct sim *sim = node->sim;
    if (rc == DM_OK && sim_fault(sim, FAULT_BLOB_FAILS))
        rc = dm_fail(err, DM_TIMEOUT, "the blob store did not answer in time");
    sim_sleep_us(sim, sim_below(sim, 1500));
    point(node);
    return rc;
}

static enum dm_code blob_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    struct node *node = self;
    enum dm_code rc = enter_blob(node, err);
    struct dm_sink *inner;
    if (rc == DM_OK)
        rc = dm_sink_create(inner_blob(node), use, &inner, err);
    if (rc != DM_OK)
        return rc;
    struct sink_note *note = calloc(1, sizeof(*note));
    note->inner = inner;
    note->next = node->sinks;
    node->sinks = note;
    *ret = inner;
    return DM_OK;
}

static void forget_sink(struct node *node, const struct dm_sink *inner)
{
    for (struct sink_note **at = &node->sinks; *at; at = &(*at)->next) {
        if ((*at)->inner != inner)
            continue;
        struct sink_note *note = *at;
        *at = note->next;
        free(note);
        return;
    }
}

static enum dm_code blob_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    struct node *node = self;
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_sink_write(inner_blob(node), sink, bytes, err) : rc;
}

static bool is_result(struct dm_str key)
{
    return dm_str_find(key, DM_STR("/results-")) < key.len && dm_str_ends(key, DM_STR(".json"));
}

static enum dm_code finish_and_compare(struct node *node, struct dm_sink *sink, const struct dm_tenant *tenant,
                                       struct dm_str key, enum dm_durability durability, struct dm_blob_info *ret,
                                       struct dm_err *err)
{
    struct sim *sim = node->sim;
    struct dm_str before = { 0 };
    char *copy = NULL;
    if (is_result(key) && memory_blob_find(sim->blob, tenant, key, &before)) {
        copy = malloc(before.len + 1);
        memcpy(copy, before.at, before.len);
        before.at = copy;
    }
    enum dm_code rc = dm_sink_finish(inner_blob(node), sink, tenant, key, durability, ret, err);
    struct dm_str after;
    if (rc == DM_OK && is_result(key) && memory_blob_find(sim->blob, tenant, key, &after))
        judge_result_written(sim, key, before, after);
    free(copy);
    return rc;
}

static enum dm_code blob_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                                enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    forget_sink(node, sink);
    if (rc != DM_OK) {
        dm_sink_abandon(inner_blob(node), sink);
        return rc;
    }
    struct dm_blob_info info;
    rc = finish_and_compare(node, sink, tenant, key, durability, &info, err);
    if (rc == DM_OK)
        *ret = info;
    return leave_blob(node, rc, err);
}

static void blob_abandon(void *self, struct dm_sink *sink)
{
    struct node *node = self;
    if (!sink)
        return;
    forget_sink(node, sink);
    dm_sink_abandon(inner_blob(node), sink);
}

static enum dm_code blob_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                                 enum dm_durability durability, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_put_new(inner_blob(node), tenant, key, bytes, durability, err);
    if (rc == DM_OK)
        judge_segment(node->sim, tenant, key, bytes);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset,
                             uint64_t size, struct dm_buf *buf, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_blob_get(inner_blob(node), tenant, key, offset, size, buf, err) : rc;
}

/* A number may be another file's by now. */
static bool still_open(const struct fd_note *note)
{
    struct stat info;
    return fstat(note->fd, &info) == 0 && info.st_ino == note->inode;
}

static void note_descriptor(struct node *node, int fd)
{
    const uint32_t room = sizeof(node->fds) / sizeof(node->fds[0]);
    if (node->fd_count == room) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < room; i++)
            if (still_open(&node->fds[i]))
                node->fds[kept++] = node->fds[i];
        node->fd_count = kept;
    }
    struct stat info;
    DM_CHECK(node->fd_count < room && fstat(fd, &info) == 0);
    node->fds[node->fd_count++] = (struct fd_note){ fd, info.st_ino };
}

static enum dm_code blob_open(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                              struct dm_blob_info *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    int fd = -1;
    if (rc == DM_OK)
        rc = dm_blob_open(inner_blob(node), tenant, key, &fd, ret, err);
    if (rc != DM_OK)
        return rc;
    note_descriptor(node, fd);
    *ret_fd = fd;
    return DM_OK;
}

static enum dm_code blob_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_remove(inner_blob(node), tenant, key, err);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix,
                                    struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, prefix);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_remove_all(inner_blob(node), tenant, prefix, err);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                              uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, prefix);
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_blob_list(inner_blob(node), tenant, prefix, after, max, arena, ret, err) : rc;
}

static const struct dm_blob_ops blob_ops = { "sim",        blob_create,     blob_write, blob_finish,
                                             blob_abandon, blob_put_new,    blob_get,   blob_open,
                                             blob_remove,  blob_remove_all, blob_list,  fine };

/* ---- hints ---- */

struct carried {
    struct sim *sim;
    uint32_t to;
    struct dm_hint hint;
    int64_t delay_us;
};

static void carry(void *argument)
{
    struct carried *carried = argument;
    struct sim *sim = carried->sim;
    sim_sleep_us(sim, carried->delay_us);
    struct node *node = sim->nodes[carried->to];
    if (node->up && node->stream) {
        const struct dm_allocator *before = dm_allocator_use(&node->allocator);
        memory_stream_deliver(node->stream, &carried->hint);
        dm_allocator_use(before);
    }
    free(carried);
}

static void send_hint(struct sim *sim, const struct dm_hint *hint, int64_t delay_us)
{
    struct carried *carried = calloc(1, sizeof(*carried));
    *carried = (struct carried){ sim, sim_below(sim, sim->node_count), *hint, delay_us };
    struct fiber *fiber = sim_spawn(sim, NULL, "hint", carry, carried, true);
    if (fiber)
        fiber->abandon = free;
    else
        free(carried);
}

void hints_publish(void *context, const struct dm_hint *hint)
{
    struct node *node = context;
    struct sim *sim = node->sim;
    if (sim_fault(sim, FAULT_HINTS))
        return;
    send_hint(sim, hint, sim_fault(sim, FAULT_HINTS) ? sim_below(sim, 60000000) : 500 + sim_below(sim, 20000));
    if (sim_fault(sim, FAULT_HINTS))
        send_hint(sim, hint, sim_below(sim, 20000000));
}

/* ---- secrets: it is enough that they differ by tenant and purpose ---- */

static enum dm_code secrets_seal(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                                 struct dm_buf *ret, struct dm_err *err)
{
    (void)self;
    dm_buf_addf(ret, "%s|%s|%.*s", tenant->id, purpose, DM_STR_ARG(plain));
    return dm_buf_check(ret, "a sealed text", err);
}

static enum dm_code secrets_open(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                                 struct dm_buf *ret, struct dm_err *err)
{
    (void)self;
    char head[160];
    int len = snprintf(head, sizeof(head), "%s|%s|", tenant->id, purpose);
    if (!dm_str_starts(sealed, dm_str_of(head, (size_t)len)))
        return dm_fail(err, DM_CORRUPT, "sealed for somebody else");
    dm_buf_add(ret, dm_str_from(sealed, (size_t)len));
    return dm_buf_check(ret, "an opened text", err);
}

static enum dm_code secrets_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                                struct dm_err *err)
{
    (void)self;
    (void)err;
    uint64_t value = 14695981039346656037ULL;
    for (const char *at = purpose; *at; at++)
        value = (value ^ (unsigned char)*at) * 1099511628211ULL;
    for (size_t i = 0; i < text.len; i++)
        value = (value ^ (unsigned char)text.at[i]) * 1099511628211ULL;
    for (size_t i = 0; i < DM_MAC_BYTES; i++)
        ret[i] = (unsigned char)(value >> (i % 8 * 8));
    return DM_OK;
}

static const struct dm_secrets_ops secrets_ops = { "sim", secrets_seal, secrets_open, secrets_mac };

/* ---- all of them ---- */

void node_ports(struct node *node, struct dm_ports *ret)
{
    struct dm_err err;
    struct dm_runtime runtime = node_runtime(node);
    node->interrupted = false;
    node->model = model_make(node);
    node->stream = NULL;
    if (node->model && memory_stream_make(runtime, hints_publish, node, &node->stream, &err) != DM_OK)
        node->stream = NULL;
    *ret = (struct dm_ports){ .runtime = runtime,
                              .store = { &store_ops, node },
                              .op = { &operator_ops, node },
                              .blob = { &blob_ops, node },
                              .stream = node->stream ? memory_stream_port(node->stream) : (struct dm_stream){ 0 },
                              .model = node->model ? model_port(node->model) : (struct dm_model){ 0 },
                              .reader = reader_port(node),
                              .secrets = { &secrets_ops, node } };
}

static uint32_t close_descriptors(struct node *node)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < node->fd_count; i++) {
        if (!still_open(&node->fds[i]))
            continue;
        close(node->fds[i].fd);
        open++;
    }
    node->fd_count = 0;
    return open;
}

void node_ports_stop(struct node *node)
{
    model_stop(node->model);
    node->model = NULL;
    memory_stream_free(node->stream);
    node->stream = NULL;
    if (node->sinks)
        sim_fail(node->sim, "node %u stopped and left a sink open", node->number);
    uint32_t open = close_descriptors(node);
    if (open > 0)
        sim_fail(node->sim, "node %u stopped and left %u descriptors open", node->number, open);
}

void node_ports_bury(struct node *node)
{
    while (node->sinks) {
        struct sink_note *note = node->sinks;
        node->sinks = note->next;
        dm_sink_abandon(inner_blob(node), note->inner);
        free(note);
    }
    close_descriptors(node);
    node->model = NULL;
    node->stream = NULL;
}
