/* memory_operate.c: what the operator's verbs ask of the store in memory: documents that do not get on, and pauses. */
#include <string.h>

#include "memory_block.h"
#include "memory_records.h"

static int compare_place(int64_t progress_ms, const struct dm_found *found, const struct dm_stalled_cursor *other)
{
    if (progress_ms != other->progress_ms)
        return progress_ms < other->progress_ms ? -1 : 1;
    int order = strcmp(found->file.id, other->found.file.id);
    return order ? order : strcmp(found->tenant.id, other->found.tenant.id);
}

static bool next_stalled(const struct memory_store *store, int64_t before_ms, const struct dm_stalled_cursor *after,
                         struct dm_stalled_cursor *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_document *here = &store->entries[i]->at;
        const struct dm_found name = { here->tenant, here->file };
        if (here->state.version == 0 || dm_status_is_final(here->state.status) ||
            here->state.progress_ms >= before_ms || compare_place(here->state.progress_ms, &name, after) <= 0 ||
            (found && compare_place(here->state.progress_ms, &name, ret) >= 0))
            continue;
        *ret = (struct dm_stalled_cursor){ here->state.progress_ms, name };
        found = true;
    }
    return found;
}

enum dm_code memory_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                            struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_stalled_cursor next;
    uint32_t count = 0;
    memory_lock(store);
    while (count < max && next_stalled(store, before_ms, cursor, &next)) {
        ret[count++] = next.found;
        *cursor = next;
    }
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}

static int compare_found(const struct dm_found *a, const struct dm_found *b)
{
    int order = strcmp(a->file.id, b->file.id);
    return order ? order : strcmp(a->tenant.id, b->tenant.id);
}

static bool next_ended(const struct memory_store *store, const struct dm_found *after, struct dm_found *ret)
{
    bool found = false;
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_document *here = &store->entries[i]->at;
        const struct dm_found name = { here->tenant, here->file };
        if (here->state.version == 0 || !dm_status_is_final(here->state.status) || compare_found(&name, after) <= 0 ||
            (found && compare_found(&name, ret) >= 0))
            continue;
        *ret = name;
        found = true;
    }
    return found;
}

enum dm_code memory_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret, uint32_t *ret_count,
                          struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_found next;
    uint32_t count = 0;
    memory_lock(store);
    while (count < max && next_ended(store, cursor, &next))
        ret[count++] = *cursor = next;
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}

/* Where the tenant's pause is or would be; everybody's has the empty name and is the first. */
static uint32_t pause_place(const struct memory_store *store, const char *name, bool *ret_found)
{
    uint32_t at = 0;
    while (at < store->pause_count && strcmp(store->pauses[at].tenant.id, name) < 0)
        at++;
    *ret_found = at < store->pause_count && strcmp(store->pauses[at].tenant.id, name) == 0;
    return at;
}

enum dm_code memory_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_pause pause = { .since_ms = now_ms };
    if (tenant)
        pause.tenant = *tenant;
    bool found;
    memory_lock(store);
    uint32_t at = pause_place(store, pause.tenant.id, &found);
    if (!found) {
        store->pauses =
            memory_array_open(store->pauses, store->pause_count++, &store->pause_capacity, sizeof(pause), at);
        store->pauses[at] = pause;
    }
    memory_unlock(store);
    return DM_OK;
}

enum dm_code memory_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err)
{
    struct memory_store *store = self;
    bool found;
    memory_lock(store);
    uint32_t at = pause_place(store, tenant ? tenant->id : "", &found);
    if (!tenant)
        store->pause_count = 0;
    else if (found)
        memory_array_close(store->pauses, store->pause_count--, sizeof(struct dm_pause), at);
    memory_unlock(store);
    return DM_OK;
}

enum dm_code memory_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    bool everybody, own;
    memory_lock(store);
    pause_place(store, "", &everybody);
    pause_place(store, tenant->id, &own);
    memory_unlock(store);
    *ret = everybody || own;
    return DM_OK;
}

enum dm_code memory_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                           uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    uint32_t count = 0;
    memory_lock(store);
    for (uint32_t i = 0; i < store->pause_count && count < max; i++)
        if (!after || strcmp(store->pauses[i].tenant.id, after->id) > 0)
            ret[count++] = store->pauses[i];
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}
