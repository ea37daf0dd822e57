/* dynamo_read.c: the reads of one document.
 *
 * What a read answers is what stood in the table at one instant. DynamoDB promises that for one item, and for a transaction of
 * reads, at twice the price; a Query may see half of a transaction. So:
 *
 *   one part                  GetItem
 *   DOC with STATE            BatchGetItem. DOC changes only together with STATE, which notes its own version in both then; where the
 *                             two notes differ, half a transaction was seen.
 *   others without claims     TransactGetItems
 *   with claims               one Query over STATE, the claims and WORK, which lie side by side; again, until two in a row see the
 *                             same. Between those nothing moved. DOC is read between them, and compared by the notes.
 *
 * What is only shown is the eventual kind of BatchGetItem: half the price. It is not older than what this process has seen or
 * written of the document before (`seen`), or it is read again, consistently. */
#include "aws/dynamo_store.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/json.h"

enum { SEEN = 4096, ATTEMPTS = 12, BATCH_ATTEMPTS = 10 };

/* ---- what was seen ---- */

struct dm_dynamo_seen {
    pthread_mutex_t mutex; /* guards what follows */
    /* By a hash; a document that meets another in its place pushes it out, and nothing is lost but a little freshness. */
    struct {
        uint64_t name;
        uint64_t version;
    } at[SEEN];
};

struct dm_dynamo_seen *dm_dynamo_seen_make(void)
{
    struct dm_dynamo_seen *seen = dm_alloc_zero(1, sizeof(*seen));
    if (seen)
        pthread_mutex_init(&seen->mutex, NULL);
    return seen;
}

void dm_dynamo_seen_free(struct dm_dynamo_seen *seen)
{
    if (!seen)
        return;
    pthread_mutex_destroy(&seen->mutex);
    dm_free(seen);
}

static uint64_t hash(const struct dm_tenant *tenant, const struct dm_file *file)
{
    uint64_t hash = 14695981039346656037U;
    for (const char *c = tenant->id; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211U;
    hash = (hash ^ '#') * 1099511628211U;
    for (const char *c = file->id; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211U;
    return hash ^ hash >> 29;
}

void dm_dynamo_saw(struct dm_dynamo *dynamo, const struct dm_tenant *tenant, const struct dm_file *file,
                   uint64_t version)
{
    struct dm_dynamo_seen *seen = dynamo->seen;
    uint64_t name = hash(tenant, file);
    pthread_mutex_lock(&seen->mutex);
    if (seen->at[name % SEEN].name != name || seen->at[name % SEEN].version < version) {
        seen->at[name % SEEN].name = name;
        seen->at[name % SEEN].version = version;
    }
    pthread_mutex_unlock(&seen->mutex);
}

static uint64_t version_seen(struct dm_dynamo *dynamo, const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct dm_dynamo_seen *seen = dynamo->seen;
    uint64_t name = hash(tenant, file);
    pthread_mutex_lock(&seen->mutex);
    uint64_t version = seen->at[name % SEEN].name == name ? seen->at[name % SEEN].version : 0;
    pthread_mutex_unlock(&seen->mutex);
    return version;
}

/* ---- items ---- */

enum dm_code dm_dynamo_get(struct dm_dynamo *dynamo, const struct dm_dynamo_key *key, int64_t wait_ms,
                           struct dm_dynamo_answer *answer, const json_t **ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_buf_addf(&request,
                "{\"TableName\":\"%s\",\"ReturnConsumedCapacity\":\"TOTAL\",\"ConsistentRead\":true,\"Key\":{",
                dynamo->table);
    dm_dynamo_add_key(&request, key);
    dm_buf_add(&request, DM_STR("}}"));
    dm_dynamo_answer_free(answer);
    enum dm_code rc = dm_dynamo_call_within(dynamo, "GetItem", &request, wait_ms, answer, err);
    if (rc == DM_OK)
        *ret = json_object_get(answer->body, "Item");
    return rc;
}

static bool has_key(const json_t *item, const struct dm_dynamo_key *key)
{
    struct dm_str pk, sk;
    return dm_item_plain(item, "PK", &pk) && dm_item_plain(item, "SK", &sk) && dm_str_eq(pk, dm_str_z(key->pk)) &&
           dm_str_eq(sk, dm_str_z(key->sk));
}

static void take_items(const struct dm_dynamo *dynamo, const json_t *body, const struct dm_dynamo_key *keys,
                       uint32_t count, json_t **ret)
{
    const json_t *items = json_object_get(json_object_get(body, "Responses"), dynamo->table);
    json_t *item;
    size_t n;
    json_array_foreach (items, n, item)
        for (uint32_t i = 0; i < count; i++)
            if (!ret[i] && has_key(item, &keys[i])) {
                ret[i] = json_incref(item);
                break;
            }
}

static void print_batch(const struct dm_dynamo *dynamo, const struct dm_dynamo_key *keys, uint32_t count,
                        bool consistent, struct dm_buf *buf)
{
    dm_buf_addf(buf, "{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":{\"%s\":{%s\"Keys\":[", dynamo->table,
                consistent ? "\"ConsistentRead\":true," : "");
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_add(buf, i ? DM_STR(",{") : DM_STR("{"));
        dm_dynamo_add_key(buf, &keys[i]);
        dm_buf_add_char(buf, '}');
    }
    dm_buf_add(buf, DM_STR("]}}}"));
}

static bool left_over(const struct dm_dynamo *dynamo, const json_t *unprocessed, struct dm_buf *buf)
{
    if (!json_object_get(unprocessed, dynamo->table))
        return false;
    dm_buf_clear(buf);
    dm_buf_add(buf, DM_STR("{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":"));
    dm_json_add(buf, unprocessed);
    dm_buf_add_char(buf, '}');
    return true;
}

static void forget_items(json_t **items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        json_decref(items[i]);
        items[i] = NULL;
    }
}

enum dm_code dm_dynamo_get_all(struct dm_dynamo *dynamo, const struct dm_dynamo_key *keys, uint32_t count,
                               bool consistent, json_t **ret, struct dm_err *err)
{
    DM_CHECK(count <= DM_DYNAMO_BATCH_GET);
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    print_batch(dynamo, keys, count, consistent, &request);
    for (uint32_t i = 0; i < count; i++)
        ret[i] = NULL;
    for (uint32_t attempt = 0; count > 0; attempt++) {
        DM_AUTO(dm_dynamo_answer) answer = { 0 };
        enum dm_code rc = dm_dynamo_call(dynamo, "BatchGetItem", &request, &answer, err);
        if (rc == DM_OK && !json_is_object(json_object_get(answer.body, "Responses")))
            rc = dm_dynamo_is_none("BatchGetItem", err);
        if (rc == DM_OK && attempt == BATCH_ATTEMPTS)
            rc = dm_fail(err, DM_THROTTLED, "table %s gives only parts of what is read, time and again", dynamo->table);
        if (rc != DM_OK) {
            forget_items(ret, count);
            return rc;
        }
        take_items(dynamo, answer.body, keys, count, ret);
        if (!left_over(dynamo, json_object_get(answer.body, "UnprocessedKeys"), &request))
            break;
        dm_dynamo_pause_before(dynamo, attempt);
    }
    return DM_OK;
}

/* All at one instant; likewise. */
static enum dm_code get_together(struct dm_dynamo *dynamo, const struct dm_dynamo_key *keys, uint32_t count,
                                 json_t **ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_buf_add(&request, DM_STR("{\"ReturnConsumedCapacity\":\"TOTAL\",\"TransactItems\":["));
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_addf(&request, "%s{\"Get\":{\"TableName\":\"%s\",\"Key\":{", i ? "," : "", dynamo->table);
        dm_dynamo_add_key(&request, &keys[i]);
        dm_buf_add(&request, DM_STR("}}}"));
    }
    dm_buf_add(&request, DM_STR("]}"));
    for (uint32_t attempt = 0;; attempt++) {
        DM_AUTO(dm_dynamo_answer) answer = { 0 };
        enum dm_code rc = dm_dynamo_call(dynamo, "TransactGetItems", &request, &answer, err);
        /* A transaction of reads has no conditions: it is cancelled for somebody who writes at that moment. */
        if ((rc == DM_CONFLICT || rc == DM_BUSY) && attempt < ATTEMPTS) {
            dm_dynamo_pause_before(dynamo, attempt);
            continue;
        }
        if (rc == DM_CONFLICT)
            rc = dm_fail(err, DM_BUSY, "a document changes faster than it can be read");
        const json_t *responses = json_object_get(answer.body, "Responses");
        if (rc == DM_OK && json_array_size(responses) != count)
            rc = dm_dynamo_is_none("TransactGetItems", err);
        if (rc != DM_OK)
            return rc;
        for (uint32_t i = 0; i < count; i++)
            ret[i] = json_incref(json_object_get(json_array_get(responses, i), "Item"));
        return DM_OK;
    }
}

/* ---- a document ---- */

enum { DOCUMENT, STATE, WORK, SINGLES };

struct reading {
    struct dm_dynamo *dynamo;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    struct dm_dynamo_key keys[SINGLES];
    json_t *items[SINGLES];
    json_t *claims; /* an array */
};

static void reading_free(struct reading *reading)
{
    forget_items(reading->items, SINGLES);
    json_decref(reading->claims);
    reading->claims = NULL;
}

static uint64_t note_of(const json_t *item)
{
    uint64_t note;
    return dm_item_number(item, "written_with", &note) ? note : UINT64_MAX;
}

/* Whether DOC and STATE, if both are there, stood beside each other. */
static bool belong_together(const struct reading *reading)
{
    const json_t *document = reading->items[DOCUMENT], *state = reading->items[STATE];
    return !document || !state || note_of(document) == note_of(state);
}

static enum dm_code changes_too_fast(const struct reading *reading, struct dm_err *err)
{
    return dm_fail(err, DM_BUSY, "document %s changes faster than it can be read", reading->file->id);
}

static bool is_old(struct reading *reading)
{
    uint64_t version;
    return !reading->items[DOCUMENT] || !reading->items[STATE] ||
           !dm_item_number(reading->items[STATE], "version", &version) ||
           version < version_seen(reading->dynamo, reading->tenant, reading->file);
}

static enum dm_code read_pair(struct reading *reading, bool shown, struct dm_err *err)
{
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        forget_items(reading->items, SINGLES);
        enum dm_code rc =
            dm_dynamo_get_all(reading->dynamo, reading->keys, 2, !shown || attempt > 0, reading->items, err);
        if (rc != DM_OK)
            return rc;
        if (belong_together(reading) && (!shown || attempt > 0 || !is_old(reading)))
            return DM_OK;
    }
    return changes_too_fast(reading, err);
}

/* STATE, the claims and WORK, as an array. */
static enum dm_code query_middle(struct reading *reading, json_t **ret, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_query) query = { .pk = reading->keys[STATE].pk, .from = "STATE", .to = "WORK" };
    json_t *all = json_array();
    const json_t *item = NULL;
    enum dm_code rc = all ? DM_OK : dm_fail_memory(err);
    while (rc == DM_OK && (rc = dm_dynamo_next(reading->dynamo, &query, &item, err)) == DM_OK && item)
        if (json_array_append(all, (json_t *)item) != 0)
            rc = dm_fail_memory(err);
    if (rc != DM_OK) {
        json_decref(all);
        return rc;
    }
    *ret = all;
    return DM_OK;
}

static enum dm_code sort_out(struct reading *reading, struct dm_err *err)
{
    json_t *claims = json_array(), *item;
    size_t i;
    bool full = claims != NULL;
    json_array_foreach (reading->claims, i, item) {
        if (has_key(item, &reading->keys[STATE]))
            reading->items[STATE] = json_incref(item);
        else if (has_key(item, &reading->keys[WORK]))
            reading->items[WORK] = json_incref(item);
        else
            full = full && json_array_append(claims, item) == 0;
    }
    json_decref(reading->claims);
    reading->claims = claims;
    return full ? DM_OK : dm_fail_memory(err);
}

static enum dm_code read_with_claims(struct reading *reading, bool document, struct dm_err *err)
{
    enum dm_code rc = query_middle(reading, &reading->claims, err);
    for (uint32_t attempt = 0; rc == DM_OK && attempt < ATTEMPTS; attempt++) {
        json_t *again = NULL;
        forget_items(reading->items, 1);
        if (document)
            rc = dm_dynamo_get_all(reading->dynamo, reading->keys, 1, true, reading->items, err);
        if (rc == DM_OK)
            rc = query_middle(reading, &again, err);
        if (rc != DM_OK)
            return rc;
        bool still = json_equal(reading->claims, again);
        json_decref(reading->claims);
        reading->claims = again;
        if (still)
            return sort_out(reading, err);
    }
    return rc == DM_OK ? changes_too_fast(reading, err) : rc;
}

static enum dm_code read_items(struct reading *reading, unsigned parts, struct dm_err *err)
{
    const unsigned singles = parts & (DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK);
    if (parts & DM_PART_CLAIMS)
        return read_with_claims(reading, (parts & DM_PART_DOCUMENT) != 0, err);
    switch (singles) {
    case DM_PART_DOCUMENT:
        return dm_dynamo_get_all(reading->dynamo, &reading->keys[DOCUMENT], 1, true, &reading->items[DOCUMENT], err);
    case DM_PART_STATE:
        return dm_dynamo_get_all(reading->dynamo, &reading->keys[STATE], 1, true, &reading->items[STATE], err);
    case DM_PART_DOCUMENT | DM_PART_STATE:
        return read_pair(reading, (parts & DM_PART_SHOWN) != 0, err);
    case DM_PART_WORK:
    case DM_PART_WORK | DM_PART_STATE:
        return get_together(reading->dynamo, &reading->keys[STATE], 2, &reading->items[STATE], err);
    default:
        return get_together(reading->dynamo, reading->keys, SINGLES, reading->items, err);
    }
}

static enum dm_code fill_claims(const struct reading *reading, struct dm_arena *arena, struct dm_snapshot *ret,
                                struct dm_err *err)
{
    uint32_t count = (uint32_t)json_array_size(reading->claims);
    struct dm_claim *claims = dm_arena_array(arena, count, sizeof(*claims));
    if (!claims)
        return dm_arena_fail(arena, "a document's claims", err);
    for (uint32_t i = 0; i < count; i++) {
        enum dm_code rc = dm_record_read(json_array_get(reading->claims, i), DM_RECORD_CLAIM, NULL, &claims[i], err);
        if (rc != DM_OK)
            return rc;
    }
    ret->claims = claims;
    ret->claim_count = count;
    return DM_OK;
}

static enum dm_code fill(const struct reading *reading, unsigned parts, struct dm_arena *arena, struct dm_snapshot *ret,
                         struct dm_err *err)
{
    json_t *const *items = reading->items;
    /* Where none of the three is asked for, or only a WORK that may be missing, STATE says whether the document is there. */
    bool found = items[STATE] || ((parts & DM_PART_WORK) && items[WORK]);
    if (parts & (DM_PART_DOCUMENT | DM_PART_STATE))
        found = (!(parts & DM_PART_DOCUMENT) || items[DOCUMENT]) && (!(parts & DM_PART_STATE) || items[STATE]);
    if (!found)
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", reading->file->id);
    enum dm_code rc = DM_OK;
    if (parts & DM_PART_DOCUMENT)
        rc = dm_record_read(items[DOCUMENT], DM_RECORD_DOCUMENT, arena, &ret->document, err);
    if (rc == DM_OK && (parts & DM_PART_STATE))
        rc = dm_record_read(items[STATE], DM_RECORD_STATE, NULL, &ret->state, err);
    if (rc == DM_OK && (parts & DM_PART_WORK) && items[WORK])
        rc = dm_record_read_work(items[WORK], arena, &ret->work, err);
    if (rc == DM_OK && (parts & DM_PART_CLAIMS))
        rc = fill_claims(reading, arena, ret, err);
    if (rc == DM_OK && (parts & DM_PART_STATE))
        dm_dynamo_saw(reading->dynamo, reading->tenant, reading->file, ret->state.version);
    return rc;
}

enum dm_code dm_dynamo_read(void *self, const struct dm_tenant *tenant, const struct dm_file *file, unsigned parts,
                            struct dm_arena *arena, struct dm_snapshot *ret, struct dm_err *err)
{
    DM_CLEANUP(reading_free)
    struct reading reading = {
        .dynamo = self,
        .tenant = tenant,
        .file = file,
        .keys = { dm_dynamo_key(tenant, file, "DOC"), dm_dynamo_key(tenant, file, "STATE"),
                  dm_dynamo_key(tenant, file, "WORK") },
    };
    enum dm_code rc = read_items(&reading, parts, err);
    return rc == DM_OK ? fill(&reading, parts, arena, ret, err) : rc;
}
