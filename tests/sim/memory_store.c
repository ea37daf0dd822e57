/* memory_store.c: the store port in memory: transactions, removal, and what the judge may see.
 *
 * A transaction is looked at first, part by part in the order of enum dm_conflict, each as if those before it were
 * written already; the first condition that does not hold names the conflict. Only then is anything written, so there is
 * nothing to undo. What comes in is copied: the store holds nothing of a caller's arena. */
#include "memory_records.h"

#include <string.h>

#include "base/check.h"
#include "memory_block.h"

enum { DEAD_KEYS_AT_ONCE = 4 };

void memory_lock(struct memory_store *store)
{
    DM_CHECK(pthread_mutex_lock(&store->mutex) == 0);
}

void memory_unlock(struct memory_store *store)
{
    DM_CHECK(pthread_mutex_unlock(&store->mutex) == 0);
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

/* Where it is or would be; *ret_found says which. */
static uint32_t place_of(const struct memory_store *store, const struct dm_tenant *tenant, const struct dm_file *file,
                         bool *ret_found)
{
    uint32_t at = 0;
    for (; at < store->entry_count; at++) {
        const struct memory_document *document = &store->entries[at]->at;
        int order = strcmp(document->tenant.id, tenant->id);
        if (order == 0)
            order = strcmp(document->file.id, file->id);
        *ret_found = order == 0;
        if (order >= 0)
            return at;
    }
    *ret_found = false;
    return at;
}

struct memory_entry *memory_entry_find(const struct memory_store *store, const struct dm_tenant *tenant,
                                       const struct dm_file *file)
{
    bool found;
    uint32_t at = place_of(store, tenant, file, &found);
    return found ? store->entries[at] : NULL;
}

static struct memory_entry *find_or_make(struct memory_store *store, const struct dm_tenant *tenant,
                                         const struct dm_file *file)
{
    bool found;
    uint32_t at = place_of(store, tenant, file, &found);
    if (found)
        return store->entries[at];
    struct memory_entry *entry = memory_block(sizeof(*entry));
    entry->at.tenant = *tenant;
    entry->at.file = *file;
    store->entries =
        memory_array_open(store->entries, store->entry_count, &store->entry_capacity, sizeof(*store->entries), at);
    store->entries[at] = entry;
    store->entry_count++;
    return entry;
}

/* The first element whose number is not below `number`; claims, pages and events lie in order. */
#define PLACE_IN(array, count, member, number)                                                                         \
    uint32_t at = 0;                                                                                                   \
    while (at < (count) && (array)[at].member < (number))                                                              \
        at++;                                                                                                          \
    return at

static uint32_t claim_place(const struct memory_document *document, uint64_t counter)
{
    PLACE_IN(document->claims, document->claim_count, counter, counter);
}

uint32_t memory_page_place(const struct memory_document *document, uint32_t number)
{
    PLACE_IN(document->pages, document->page_count, number, number);
}

uint32_t memory_event_place(const struct memory_document *document, uint64_t seq)
{
    PLACE_IN(document->events, document->event_count, seq, seq);
}

static bool has_claim(const struct memory_document *document, uint64_t counter)
{
    uint32_t at = claim_place(document, counter);
    return at < document->claim_count && document->claims[at].counter == counter;
}

static const struct dm_page *find_page(const struct memory_document *document, uint32_t number)
{
    uint32_t at = memory_page_place(document, number);
    return at < document->page_count && document->pages[at].number == number ? &document->pages[at] : NULL;
}

static bool has_event(const struct memory_document *document, uint64_t seq)
{
    uint32_t at = memory_event_place(document, seq);
    return at < document->event_count && document->events[at].seq == seq;
}

uint32_t memory_key_place(const struct memory_store *store, const struct dm_tenant *tenant, struct dm_str key,
                          bool *ret_found)
{
    uint32_t at = 0;
    for (; at < store->key_count; at++) {
        int order = strcmp(store->keys[at].tenant.id, tenant->id);
        if (order == 0)
            order = dm_str_compare(store->keys[at].idem.key, key);
        *ret_found = order == 0;
        if (order >= 0)
            return at;
    }
    *ret_found = false;
    return at;
}

/* ---- what a transaction may do ------------------------------------------------------------------------------- */

static bool may_put_claim(const struct memory_document *before, const struct dm_transaction *transaction, uint32_t n)
{
    const struct dm_claim_write *write = &transaction->claims[n];
    bool there = has_claim(before, write->claim.counter);
    if (there && write->kind == DM_CLAIM_TAKE)
        return before->claims[claim_place(before, write->claim.counter)].lease_until_ms == write->claim.lease_until_ms;
    for (uint32_t i = 0; i < n; i++)
        if (transaction->claims[i].claim.counter == write->claim.counter)
            there = transaction->claims[i].kind != DM_CLAIM_DELETE;
    return there == (write->kind != DM_CLAIM_INSERT);
}

static bool may_put_page(const struct memory_document *before, const struct dm_transaction *transaction, uint32_t n)
{
    const struct dm_page *page = &transaction->pages[n];
    const struct dm_page *there = find_page(before, page->number);
    for (uint32_t i = 0; i < n; i++)
        if (transaction->pages[i].number == page->number)
            there = &transaction->pages[i];
    return !there || there->epoch < page->epoch;
}

static bool may_put_event(const struct memory_document *before, const struct dm_transaction *transaction, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (transaction->events[i].seq == transaction->events[n].seq)
            return false;
    return !has_event(before, transaction->events[n].seq);
}

static bool may_put_idem(const struct memory_store *store, const struct dm_tenant *tenant,
                         const struct dm_transaction *transaction)
{
    bool found;
    uint32_t at = memory_key_place(store, tenant, transaction->idem->key, &found);
    return !found || store->keys[at].idem.expires_ms <= transaction->now_ms;
}

static enum dm_conflict conflict_of(const struct memory_store *store, const struct dm_tenant *tenant,
                                    const struct memory_entry *entry, const struct dm_transaction *transaction)
{
    static const struct memory_entry none;
    const struct memory_document *before = entry ? &entry->at : &none.at;
    bool fresh = transaction->state_before == 0;
    if (transaction->document && (entry && entry->has_document) == fresh)
        return DM_CONFLICT_DOCUMENT;
    if (transaction->state && before->state.version != transaction->state_before)
        return DM_CONFLICT_STATE;
    if (transaction->work && before->work.version != transaction->work_before)
        return DM_CONFLICT_WORK;
    for (uint32_t i = 0; i < transaction->claim_count; i++)
        if (!may_put_claim(before, transaction, i))
            return DM_CONFLICT_CLAIM;
    for (uint32_t i = 0; i < transaction->page_count; i++)
        if (!may_put_page(before, transaction, i))
            return DM_CONFLICT_PAGE;
    for (uint32_t i = 0; i < transaction->event_count; i++)
        if (!may_put_event(before, transaction, i))
            return DM_CONFLICT_EVENT;
    if (transaction->idem && !may_put_idem(store, tenant, transaction))
        return DM_CONFLICT_IDEM;
    return DM_CONFLICT_NONE;
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static void free_document(struct dm_document *document)
{
    memory_text_free(&document->name);
    memory_text_free(&document->metadata);
    memory_text_free(&document->pages);
    memory_text_free(&document->password);
    memory_text_free(&document->model);
}

static void free_work(struct dm_work *work)
{
    memory_block_free(work->chosen.at);
    memory_block_free(work->returned);
}

static void free_page(struct dm_page *page)
{
    memory_text_free(&page->detail);
    memory_text_free(&page->segment);
    memory_text_free(&page->attempts);
}

static void put_document(struct memory_entry *entry, const struct dm_document *document)
{
    struct dm_document copy = *document;
    copy.name = memory_text(document->name);
    copy.metadata = memory_text(document->metadata);
    copy.pages = memory_text(document->pages);
    copy.password = memory_text(document->password);
    copy.model = memory_text(document->model);
    free_document(&entry->at.document);
    entry->at.document = copy;
    entry->has_document = true;
}

static const void *copy_array(const void *array, uint32_t count, size_t size)
{
    if (count == 0)
        return NULL;
    return memcpy(memory_block(count * size), array, count * size);
}

static void put_work(struct memory_entry *entry, const struct dm_work *work)
{
    struct dm_work copy = *work;
    copy.chosen.at = copy_array(work->chosen.at, work->chosen.count, sizeof(*work->chosen.at));
    copy.returned = copy_array(work->returned, work->returned_count, sizeof(*work->returned));
    free_work(&entry->at.work);
    entry->at.work = copy;
}

static void put_claim(struct memory_entry *entry, const struct dm_claim_write *write)
{
    struct memory_document *document = &entry->at;
    uint32_t at = claim_place(document, write->claim.counter);
    switch (write->kind) {
    case DM_CLAIM_INSERT:
        document->claims = memory_array_open(document->claims, document->claim_count, &entry->claim_capacity,
                                             sizeof(*document->claims), at);
        document->claims[at] = write->claim;
        document->claim_count++;
        break;
    case DM_CLAIM_RENEW:
        document->claims[at].lease_until_ms = write->claim.lease_until_ms;
        break;
    case DM_CLAIM_KEEP:
        break;
    case DM_CLAIM_DELETE:
    case DM_CLAIM_TAKE:
        memory_array_close(document->claims, document->claim_count, sizeof(*document->claims), at);
        document->claim_count--;
        break;
    }
}

static void put_page(struct memory_entry *entry, const struct dm_page *page)
{
    struct memory_document *document = &entry->at;
    uint32_t at = memory_page_place(document, page->number);
    if (find_page(document, page->number)) {
        free_page(&document->pages[at]);
    } else {
        document->pages = memory_array_open(document->pages, document->page_count, &entry->page_capacity,
                                            sizeof(*document->pages), at);
        document->page_count++;
    }
    document->pages[at] = *page;
    document->pages[at].detail = memory_text(page->detail);
    document->pages[at].segment = memory_text(page->segment);
    document->pages[at].attempts = memory_text(page->attempts);
}

static void put_event(struct memory_entry *entry, const struct dm_event *event)
{
    struct memory_document *document = &entry->at;
    uint32_t at = memory_event_place(document, event->seq);
    document->events = memory_array_open(document->events, document->event_count, &entry->event_capacity,
                                         sizeof(*document->events), at);
    document->events[at] = *event;
    document->events[at].data = memory_text(event->data);
    document->event_count++;
}

static void drop_key(struct memory_store *store, uint32_t at)
{
    memory_text_free(&store->keys[at].idem.key);
    memory_array_close(store->keys, store->key_count, sizeof(*store->keys), at);
    store->key_count--;
}

/* Each new key takes a few dead ones with it, those that died first. */
static void drop_dead_keys(struct memory_store *store, int64_t now_ms)
{
    for (int i = 0; i < DEAD_KEYS_AT_ONCE; i++) {
        uint32_t first = store->key_count;
        for (uint32_t at = 0; at < store->key_count; at++) {
            int64_t expires_ms = store->keys[at].idem.expires_ms;
            if (expires_ms <= now_ms && (first == store->key_count || expires_ms < store->keys[first].idem.expires_ms))
                first = at;
        }
        if (first == store->key_count)
            return;
        drop_key(store, first);
    }
}

static void put_idem(struct memory_store *store, const struct dm_tenant *tenant, const struct dm_idem *idem)
{
    bool found;
    uint32_t at = memory_key_place(store, tenant, idem->key, &found);
    if (found)
        drop_key(store, at);
    store->keys = memory_array_open(store->keys, store->key_count, &store->key_capacity, sizeof(*store->keys), at);
    store->keys[at] = (struct memory_key){ *tenant, *idem };
    store->keys[at].idem.key = memory_text(idem->key);
    store->key_count++;
}

/* Answers the document, or NULL where there is none and none was written. */
static struct memory_entry *apply(struct memory_store *store, const struct dm_tenant *tenant,
                                  const struct dm_file *file, const struct dm_transaction *transaction)
{
    bool writes = transaction->document || transaction->state || transaction->work || transaction->claim_count ||
                  transaction->page_count || transaction->event_count;
    struct memory_entry *entry = writes ? find_or_make(store, tenant, file) : memory_entry_find(store, tenant, file);
    if (transaction->document)
        put_document(entry, transaction->document);
    if (transaction->state)
        entry->at.state = *transaction->state;
    if (transaction->work)
        put_work(entry, transaction->work);
    for (uint32_t i = 0; i < transaction->claim_count; i++)
        put_claim(entry, &transaction->claims[i]);
    for (uint32_t i = 0; i < transaction->page_count; i++)
        put_page(entry, &transaction->pages[i]);
    for (uint32_t i = 0; i < transaction->event_count; i++)
        put_event(entry, &transaction->events[i]);
    if (transaction->idem) {
        put_idem(store, tenant, transaction->idem);
        drop_dead_keys(store, transaction->now_ms);
    }
    return entry;
}

static enum dm_code memory_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                  struct dm_transaction *transaction, struct dm_err *err)
{
    static const char *const parts[] = {
        [DM_CONFLICT_NONE] = "",           [DM_CONFLICT_DOCUMENT] = "its record",
        [DM_CONFLICT_STATE] = "its state", [DM_CONFLICT_WORK] = "what is left to do",
        [DM_CONFLICT_CLAIM] = "a claim",   [DM_CONFLICT_PAGE] = "a page",
        [DM_CONFLICT_EVENT] = "an event",  [DM_CONFLICT_IDEM] = "the document of an Idempotency-Key",
    };
    struct memory_store *store = self;
    struct memory_entry *entry = NULL;
    memory_lock(store);
    enum dm_conflict conflict = conflict_of(store, tenant, memory_entry_find(store, tenant, file), transaction);
    if (conflict == DM_CONFLICT_NONE)
        entry = apply(store, tenant, file, transaction);
    memory_unlock(store);
    if (conflict != DM_CONFLICT_NONE) {
        transaction->ret_conflict = conflict;
        return dm_fail(err, DM_CONFLICT, "document %s: somebody else changed %s first", file->id, parts[conflict]);
    }
    if (store->committed)
        store->committed(store->committed_context, entry ? &entry->at : NULL, transaction);
    return DM_OK;
}

static void free_entry(struct memory_entry *entry)
{
    struct memory_document *document = &entry->at;
    free_document(&document->document);
    free_work(&document->work);
    for (uint32_t i = 0; i < document->page_count; i++)
        free_page(&document->pages[i]);
    for (uint32_t i = 0; i < document->event_count; i++)
        memory_text_free(&document->events[i].data);
    memory_block_free(document->claims);
    memory_block_free(document->pages);
    memory_block_free(document->events);
    memory_block_free(entry);
}

static enum dm_code memory_erase(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                 struct dm_err *err)
{
    struct memory_store *store = self;
    struct memory_entry *entry = NULL;
    bool found;
    memory_lock(store);
    uint32_t at = place_of(store, tenant, file, &found);
    if (found) {
        entry = store->entries[at];
        memory_array_close(store->entries, store->entry_count, sizeof(*store->entries), at);
        store->entry_count--;
    }
    memory_unlock(store);
    if (!entry)
        return DM_OK;
    entry->at.erased = true;
    if (store->committed)
        store->committed(store->committed_context, &entry->at, NULL);
    free_entry(entry);
    return DM_OK;
}

static enum dm_code memory_check(void *self, struct dm_err *err)
{
    return DM_OK;
}

/* ---- the store ----------------------------------------------------------------------------------------------- */

struct memory_store *memory_store_make(void)
{
    struct memory_store *store = memory_block(sizeof(*store));
    pthread_mutex_init(&store->mutex, NULL);
    return store;
}

void memory_store_free(struct memory_store *store)
{
    if (!store)
        return;
    for (uint32_t i = 0; i < store->entry_count; i++)
        free_entry(store->entries[i]);
    for (uint32_t i = 0; i < store->key_count; i++)
        memory_text_free(&store->keys[i].idem.key);
    memory_block_free(store->entries);
    memory_block_free(store->keys);
    memory_block_free(store->pauses);
    for (uint32_t i = 0; i < store->secret_count; i++)
        memory_text_free(&store->secrets[i].sealed);
    memory_block_free(store->secrets);
    pthread_mutex_destroy(&store->mutex);
    memory_block_free(store);
}

struct dm_store memory_store_port(struct memory_store *store)
{
    static const struct dm_store_ops ops = {
        .name = "memory",
        .read = memory_read,
        .pages = memory_pages,
        .events = memory_events,
        .list = memory_list,
        .idem = memory_idem,
        .commit = memory_commit,
        .erase = memory_erase,
        .check = memory_check,
        .secret_put = memory_secret_put,
        .secret_get = memory_secret_get,
        .secret_remove = memory_secret_remove,
    };
    return (struct dm_store){ &ops, store };
}

struct dm_operator memory_operator_port(struct memory_store *store)
{
    static const struct dm_operator_ops ops = {
        .ready_tenants = memory_ready_tenants,
        .ready = memory_ready,
        .due = memory_due,
        .owner = memory_owner,
        .stalled = memory_stalled,
        .ended = memory_ended,
        .pause = memory_pause,
        .resume = memory_resume,
        .paused = memory_paused,
        .pauses = memory_pauses,
        .secrets = memory_secrets,
    };
    return (struct dm_operator){ &ops, store };
}

/* ---- the judge ----------------------------------------------------------------------------------------------- */

void memory_store_observe(struct memory_store *store, memory_committed *committed, void *context)
{
    store->committed = committed;
    store->committed_context = context;
}

void memory_store_each(struct memory_store *store, void (*visit)(void *context, struct memory_document *document),
                       void *context)
{
    for (uint32_t i = 0; i < store->entry_count; i++)
        visit(context, &store->entries[i]->at);
}

struct memory_document *memory_store_find(struct memory_store *store, const struct dm_tenant *tenant,
                                          const struct dm_file *file)
{
    memory_lock(store);
    struct memory_entry *entry = memory_entry_find(store, tenant, file);
    memory_unlock(store);
    return entry ? &entry->at : NULL;
}

uint32_t memory_store_keys(struct memory_store *store, const struct dm_tenant *tenant, const struct dm_file *file,
                           int64_t now_ms)
{
    uint32_t count = 0;
    memory_lock(store);
    for (uint32_t i = 0; i < store->key_count; i++) {
        const struct memory_key *key = &store->keys[i];
        count +=
            dm_tenant_eq(&key->tenant, tenant) && dm_file_eq(&key->idem.file, file) && key->idem.expires_ms > now_ms;
    }
    memory_unlock(store);
    return count;
}
