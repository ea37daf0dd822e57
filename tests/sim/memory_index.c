/* memory_index.c: the store in memory, across documents: a tenant's lists, and for the operator what is ready and due.
 *
 * There is no index. Each list is a walk: of the documents that belong into it, the first one behind the one before, again
 * and again. So a place to go on from is the same thing as the row given last. */
#include "memory_records.h"

#include <inttypes.h>
#include <string.h>

/* ---- a tenant's documents ------------------------------------------------------------------------------------ */

/* Newest first, and of one instant the largest id. */
struct list_place {
    int64_t created_ms;
    struct dm_file file;
};

static bool comes_before(const struct list_place *a, const struct list_place *b)
{
    return a->created_ms != b->created_ms ? a->created_ms > b->created_ms : strcmp(a->file.id, b->file.id) > 0;
}

/* No '+', '/' or ',': it goes through URLs as it is. */
static enum dm_code read_cursor(struct dm_str cursor, struct list_place *ret, struct dm_err *err)
{
    size_t dot = dm_str_find_char(cursor, '.');
    if (!dm_str_to_i64(dm_str_cut(cursor, 0, dot), &ret->created_ms) ||
        dm_file_parse(dm_str_from(cursor, dot + 1), &ret->file, NULL) != DM_OK)
        return dm_fail(err, DM_INVALID, "the cursor is none that a list has given; leave it out to begin anew");
    return DM_OK;
}

/* Where the list begins: behind this. No id is below the empty one, so that one says "created before" alone. */
static enum dm_code first_place(const struct dm_list_query *query, struct list_place *ret, struct dm_err *err)
{
    struct list_place place = { .created_ms = query->to_ms ? query->to_ms : INT64_MAX };
    struct list_place after;
    if (query->after.len) {
        enum dm_code rc = read_cursor(query->after, &after, err);
        if (rc != DM_OK)
            return rc;
        if (after.created_ms < place.created_ms)
            place = after;
    }
    *ret = place;
    return DM_OK;
}

static const struct memory_document *next_listed(const struct memory_store *store, const struct dm_tenant *tenant,
                                                 int64_t from_ms, struct list_place *place)
{
    const struct memory_document *next = NULL;
    struct list_place next_place = { 0 };
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_entry *entry = store->entries[i];
        const struct dm_document *document = &entry->at.document;
        const struct list_place here = { document->created_ms, entry->at.file };
        if (!dm_tenant_eq(&entry->at.tenant, tenant) || !entry->has_document || entry->at.state.version == 0 ||
            document->deleted_ms != 0 || document->created_ms < from_ms || !comes_before(place, &here))
            continue;
        if (next && !comes_before(&here, &next_place))
            continue;
        next = &entry->at;
        next_place = here;
    }
    if (next)
        *place = next_place;
    return next;
}

static enum dm_code walk_list(const struct memory_store *store, const struct dm_tenant *tenant,
                              const struct dm_list_query *query, struct dm_arena *arena, struct dm_list *ret,
                              struct dm_err *err)
{
    struct dm_list list = { .next = DM_STR("") };
    struct list_place place;
    enum dm_code rc = first_place(query, &place, err);
    if (rc != DM_OK)
        return rc;
    uint32_t room = query->limit < store->entry_count ? query->limit : store->entry_count;
    struct dm_list_row *rows = dm_arena_array(arena, room, sizeof(*rows));
    if (!rows)
        return dm_fail(err, DM_TOO_LARGE, "a list does not fit into the memory of this request");
    for (;;) {
        const struct list_place last = place;
        const struct memory_document *document = next_listed(store, tenant, query->from_ms, &place);
        if (!document)
            break;
        if (list.count == query->limit) {
            list.next = dm_arena_fmt(arena, "%" PRId64 ".%s", last.created_ms, last.file.id);
            if (!list.next.at)
                return dm_fail(err, DM_TOO_LARGE, "a list does not fit into the memory of this request");
            break;
        }
        if (query->status != DM_STATUS_NONE && document->state.status != query->status)
            continue;
        struct dm_list_row *row = &rows[list.count];
        *row = (struct dm_list_row){ .file = document->file, .state = document->state };
        rc = memory_give_document(&document->document, arena, &row->document, err);
        if (rc != DM_OK)
            return rc;
        list.count++;
    }
    list.rows = rows;
    *ret = list;
    return DM_OK;
}

enum dm_code memory_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                         struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    memory_lock(store);
    enum dm_code rc = walk_list(store, tenant, query, arena, ret, err);
    memory_unlock(store);
    return rc;
}

/* ---- what is ready ------------------------------------------------------------------------------------------- */

static bool is_ready(const struct memory_document *document)
{
    return document->work.version > 0 && document->work.key == DM_WORK_READY;
}

enum dm_code memory_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                  uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    uint32_t count = 0;
    memory_lock(store);
    /* The entries lie in the order of their tenants. */
    for (uint32_t i = 0; i < store->entry_count && count < max; i++) {
        const struct memory_document *document = &store->entries[i]->at;
        if (!is_ready(document) || (after && strcmp(document->tenant.id, after->id) <= 0))
            continue;
        ret[count] = document->tenant;
        after = &ret[count++];
    }
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}

/* By priority, then age, then id. */
static bool is_more_urgent(const struct memory_document *a, const struct memory_document *b)
{
    if (a->work.priority != b->work.priority)
        return a->work.priority < b->work.priority;
    if (a->work.created_ms != b->work.created_ms)
        return a->work.created_ms < b->work.created_ms;
    return strcmp(a->file.id, b->file.id) < 0;
}

static const struct memory_document *next_ready(const struct memory_store *store, const struct dm_tenant *tenant,
                                                const struct memory_document *after)
{
    const struct memory_document *next = NULL;
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_document *here = &store->entries[i]->at;
        if (dm_tenant_eq(&here->tenant, tenant) && is_ready(here) && (!after || is_more_urgent(after, here)) &&
            (!next || is_more_urgent(here, next)))
            next = here;
    }
    return next;
}

enum dm_code memory_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                          uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    const struct memory_document *document = NULL;
    uint32_t count = 0;
    memory_lock(store);
    while (count < max && (document = next_ready(store, tenant, document)))
        ret[count++] = (struct dm_found){ document->tenant, document->file };
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}

/* ---- what is due --------------------------------------------------------------------------------------------- */

/* The longest due first, then by id and tenant. */
static int compare_due(const struct dm_due_cursor *a, const struct dm_due_cursor *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    int order = strcmp(a->found.file.id, b->found.file.id);
    return order ? order : strcmp(a->found.tenant.id, b->found.tenant.id);
}

static bool take_earlier(const struct memory_document *document, int64_t due_ms, const struct dm_due_cursor *after,
                         bool found, struct dm_due_cursor *next)
{
    const struct dm_due_cursor here = { due_ms, { document->tenant, document->file } };
    if (compare_due(&here, after) <= 0 || (found && compare_due(&here, next) >= 0))
        return found;
    *next = here;
    return true;
}

/* The first that is due behind `after`, by STATE or by WORK. */
static bool next_due(const struct memory_store *store, int64_t now_ms, const struct dm_due_cursor *after,
                     struct dm_due_cursor *ret)
{
    struct dm_due_cursor next;
    bool found = false;
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_document *document = &store->entries[i]->at;
        const struct dm_state *state = &document->state;
        const struct dm_work *work = &document->work;
        bool by_state = state->version > 0 && state->due_ms > 0 && state->due_ms <= now_ms;
        bool by_work = work->version > 0 && work->key == DM_WORK_DUE && work->due_ms <= now_ms;
        if (by_state)
            found = take_earlier(document, state->due_ms, after, found, &next);
        if (by_work)
            found = take_earlier(document, work->due_ms, after, found, &next);
    }
    if (found)
        *ret = next;
    return found;
}

enum dm_code memory_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                        uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_due_cursor at = { 0 };
    if (cursor)
        at = *cursor;
    uint32_t count = 0;
    memory_lock(store);
    while (count < max && next_due(store, now_ms, &at, &at)) {
        bool again = false; /* by its other record, later */
        for (uint32_t i = 0; i < count; i++)
            again =
                again || (dm_file_eq(&ret[i].file, &at.found.file) && dm_tenant_eq(&ret[i].tenant, &at.found.tenant));
        if (!again)
            ret[count++] = at.found;
    }
    memory_unlock(store);
    if (cursor)
        *cursor = at;
    *ret_count = count;
    return DM_OK;
}

/* ---- whose it is --------------------------------------------------------------------------------------------- */

enum dm_code memory_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_tenant owner = { .id = "" };
    uint32_t count = 0;
    memory_lock(store);
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct memory_entry *entry = store->entries[i];
        if (!dm_file_eq(&entry->at.file, file) || !entry->has_document || entry->at.document.deleted_ms != 0)
            continue;
        owner = entry->at.tenant;
        count++;
    }
    memory_unlock(store);
    if (count != 1)
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    *ret = owner;
    return DM_OK;
}
