/* memory_read.c: the store in memory: reads of one document.
 *
 * What goes out is a copy in the caller's arena: nobody holds a piece of the store. */
#include "memory_records.h"

#include <string.h>

static enum dm_code no_room(struct dm_err *err)
{
    return dm_fail(err, DM_TOO_LARGE, "a record does not fit into the memory of this request");
}

static bool give_text(struct dm_str text, struct dm_arena *arena, struct dm_str *ret)
{
    *ret = text.len ? dm_arena_str(arena, text) : DM_STR("");
    return ret->at != NULL;
}

/* Even of nothing: an array that is read is never NULL. */
static bool give_array(const void *array, uint32_t count, size_t size, struct dm_arena *arena, void **ret)
{
    *ret = dm_arena_array(arena, count, size);
    if (*ret && count)
        memcpy(*ret, array, count * size);
    return *ret != NULL;
}

enum dm_code memory_give_document(const struct dm_document *document, struct dm_arena *arena, struct dm_document *ret,
                                  struct dm_err *err)
{
    struct dm_document copy = *document;
    bool fits = give_text(document->name, arena, &copy.name) && give_text(document->metadata, arena, &copy.metadata) &&
                give_text(document->pages, arena, &copy.pages) &&
                give_text(document->password, arena, &copy.password) && give_text(document->model, arena, &copy.model);
    if (!fits)
        return no_room(err);
    *ret = copy;
    return DM_OK;
}

static enum dm_code give_work(const struct dm_work *work, struct dm_arena *arena, struct dm_work *ret,
                              struct dm_err *err)
{
    void *chosen, *returned;
    if (!give_array(work->chosen.at, work->chosen.count, sizeof(*work->chosen.at), arena, &chosen) ||
        !give_array(work->returned, work->returned_count, sizeof(*work->returned), arena, &returned))
        return no_room(err);
    *ret = *work;
    ret->chosen.at = chosen;
    ret->returned = returned;
    return DM_OK;
}

/* Whether there is what these parts say of a document: claims alone say nothing, and WORK may be missing. */
static bool is_there(const struct memory_entry *entry, unsigned parts)
{
    if (!entry || ((parts & DM_PART_DOCUMENT) && !entry->has_document))
        return false;
    bool has_state = entry->at.state.version > 0;
    if (parts & DM_PART_STATE)
        return has_state;
    return (parts & DM_PART_DOCUMENT) || ((parts & DM_PART_WORK) && entry->at.work.version > 0) || has_state;
}

static enum dm_code read_parts(const struct memory_entry *entry, unsigned parts, struct dm_arena *arena,
                               struct dm_snapshot *ret, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    void *claims;
    if (parts & DM_PART_DOCUMENT)
        rc = memory_give_document(&entry->at.document, arena, &ret->document, err);
    if (rc == DM_OK && (parts & DM_PART_STATE))
        ret->state = entry->at.state;
    if (rc == DM_OK && (parts & DM_PART_WORK) && entry->at.work.version > 0)
        rc = give_work(&entry->at.work, arena, &ret->work, err);
    if (rc == DM_OK && (parts & DM_PART_CLAIMS)) {
        if (!give_array(entry->at.claims, entry->at.claim_count, sizeof(*entry->at.claims), arena, &claims))
            return no_room(err);
        ret->claims = claims;
        ret->claim_count = entry->at.claim_count;
    }
    return rc;
}

enum dm_code memory_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                         struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    memory_lock(store);
    const struct memory_entry *entry = memory_entry_find(store, tenant, file);
    enum dm_code rc = is_there(entry, parts) ? read_parts(entry, parts, arena, ret, err)
                                             : dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    memory_unlock(store);
    return rc;
}

static enum dm_code give_pages(const struct memory_document *document, uint32_t first, uint32_t last, uint32_t max,
                               struct dm_arena *arena, struct dm_page_list *ret, struct dm_err *err)
{
    uint32_t begin = memory_page_place(document, first);
    uint32_t count = 0;
    while (count < max && begin + count < document->page_count && document->pages[begin + count].number <= last)
        count++;
    struct dm_page *pages = dm_arena_array(arena, count, sizeof(*pages));
    bool fits = pages != NULL;
    for (uint32_t i = 0; fits && i < count; i++) {
        const struct dm_page *page = &document->pages[begin + i];
        pages[i] = *page;
        fits = give_text(page->detail, arena, &pages[i].detail) && give_text(page->segment, arena, &pages[i].segment) &&
               give_text(page->attempts, arena, &pages[i].attempts);
    }
    if (!fits)
        return no_room(err);
    *ret = (struct dm_page_list){ pages, count };
    return DM_OK;
}

enum dm_code memory_pages(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint32_t first,
                          uint32_t last, uint32_t max, struct dm_arena *arena, struct dm_page_list *ret,
                          struct dm_err *err)
{
    static const struct memory_document none;
    struct memory_store *store = self;
    memory_lock(store);
    const struct memory_entry *entry = memory_entry_find(store, tenant, file);
    enum dm_code rc = give_pages(entry ? &entry->at : &none, first, last, max, arena, ret, err);
    memory_unlock(store);
    return rc;
}

static enum dm_code give_events(const struct memory_document *document, uint64_t after, uint32_t max,
                                struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    uint32_t begin = after < UINT64_MAX ? memory_event_place(document, after + 1) : document->event_count;
    uint32_t count = document->event_count - begin;
    if (count > max)
        count = max;
    struct dm_event *events = dm_arena_array(arena, count, sizeof(*events));
    bool fits = events != NULL;
    for (uint32_t i = 0; fits && i < count; i++) {
        events[i] = document->events[begin + i];
        fits = give_text(document->events[begin + i].data, arena, &events[i].data);
    }
    if (!fits)
        return no_room(err);
    *ret = (struct dm_event_list){ events, count };
    return DM_OK;
}

enum dm_code memory_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                           uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    static const struct memory_document none;
    struct memory_store *store = self;
    memory_lock(store);
    const struct memory_entry *entry = memory_entry_find(store, tenant, file);
    enum dm_code rc = give_events(entry ? &entry->at : &none, after, max, arena, ret, err);
    memory_unlock(store);
    return rc;
}

enum dm_code memory_idem(void *self, const struct dm_tenant *tenant, struct dm_str key, int64_t now_ms,
                         struct dm_arena *arena, struct dm_idem *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_idem idem = { 0 };
    bool found;
    memory_lock(store);
    uint32_t at = memory_key_place(store, tenant, key, &found);
    found = found && store->keys[at].idem.expires_ms > now_ms;
    if (found)
        idem = store->keys[at].idem;
    memory_unlock(store);
    if (!found)
        return dm_fail(err, DM_NOT_FOUND, "this Idempotency-Key has not been used");
    if (!give_text(key, arena, &idem.key))
        return no_room(err);
    *ret = idem;
    return DM_OK;
}
