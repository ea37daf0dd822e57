/* dynamo_operate.c: whose work is paused; and the removal of all that the table holds of a document. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"

enum { ATTEMPTS = 10, PAUSES_AT_ONCE = 256 };

/* ---- deleting ---- */

struct doomed {
    struct dm_dynamo_key keys[DM_DYNAMO_BATCH_WRITE];
    uint32_t count;
};

static void print_deletes(const struct dm_dynamo *dynamo, const struct doomed *doomed, struct dm_buf *buf)
{
    dm_buf_addf(buf, "{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":{\"%s\":[", dynamo->table);
    for (uint32_t i = 0; i < doomed->count; i++) {
        dm_buf_add(buf, i ? DM_STR(",{\"DeleteRequest\":{\"Key\":{") : DM_STR("{\"DeleteRequest\":{\"Key\":{"));
        dm_dynamo_add_key(buf, &doomed->keys[i]);
        dm_buf_add(buf, DM_STR("}}}"));
    }
    dm_buf_add(buf, DM_STR("]}}"));
}

/* Empties it. Of a batch the table may leave some undone, which are asked for again. */
static enum dm_code delete_all(struct dm_dynamo *dynamo, struct doomed *doomed, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    if (doomed->count == 0)
        return DM_OK;
    print_deletes(dynamo, doomed, &request);
    doomed->count = 0;
    for (uint32_t attempt = 0;; attempt++) {
        DM_AUTO(dm_dynamo_answer) answer = { 0 };
        enum dm_code rc = dm_dynamo_call(dynamo, "BatchWriteItem", &request, &answer, err);
        if (rc != DM_OK && rc != DM_BUSY)
            return rc;
        if (rc == DM_OK) {
            const json_t *left = json_object_get(answer.body, "UnprocessedItems");
            if (!json_object_get(left, dynamo->table))
                return DM_OK;
            rc = dm_fail(err, DM_THROTTLED, "table %s does only parts of what is deleted, time and again",
                         dynamo->table);
            dm_buf_clear(&request);
            dm_buf_add(&request, DM_STR("{\"ReturnConsumedCapacity\":\"TOTAL\",\"RequestItems\":"));
            dm_json_add(&request, left);
            dm_buf_add_char(&request, '}');
        }
        if (attempt == ATTEMPTS)
            return rc;
        dm_dynamo_pause_before(dynamo, attempt);
    }
}

/* What stands between two sort keys of an item collection, both included, but not `kept`. */
static enum dm_code delete_between(struct dm_dynamo *dynamo, const char *pk, const char *from, const char *to,
                                   const char *kept, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_query) query = { .pk = pk, .from = from, .to = to, .keys_only = true };
    struct doomed doomed = { .count = 0 };
    const json_t *item = NULL;
    enum dm_code rc = DM_OK;
    while (rc == DM_OK && (rc = dm_dynamo_next(dynamo, &query, &item, err)) == DM_OK && item) {
        struct dm_str sk;
        if (!dm_item_plain(item, "SK", &sk) || sk.len >= DM_DYNAMO_SK_MAX)
            return dm_fail(err, DM_CORRUPT, "the table holds a key that is none of docmill's");
        if (kept && dm_str_eq(sk, dm_str_z(kept)))
            continue;
        struct dm_dynamo_key *key = &doomed.keys[doomed.count++];
        snprintf(key->pk, sizeof(key->pk), "%s", pk);
        snprintf(key->sk, sizeof(key->sk), "%.*s", DM_STR_ARG(sk));
        if (doomed.count == DM_DYNAMO_BATCH_WRITE)
            rc = delete_all(dynamo, &doomed, err);
    }
    return rc == DM_OK ? delete_all(dynamo, &doomed, err) : rc;
}

/* STATE last: as long as it is there the document is due, and an interrupted removal is found again. */
enum dm_code dm_dynamo_erase(void *self, const struct dm_tenant *tenant, const struct dm_file *file, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_key(tenant, file, "STATE");
    enum dm_code rc = delete_between(self, key.pk, " ", "~", key.sk, err);
    return rc == DM_OK ? delete_between(self, key.pk, key.sk, key.sk, NULL, err) : rc;
}

/* ---- pauses ---- */

enum dm_code dm_dynamo_pause(void *self, const struct dm_tenant *tenant, int64_t now_ms, struct dm_err *err)
{
    struct dm_dynamo *dynamo = self;
    const struct dm_dynamo_key key = dm_dynamo_pause_key(tenant);
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    dm_item_add_signed(&item, "since_ms", now_ms);
    dm_item_print(&item, &request, dynamo->table, &key, "attribute_not_exists(PK)", false);
    enum dm_code rc = dm_dynamo_call(dynamo, "PutItem", &request, &answer, err);
    return rc == DM_CONFLICT ? DM_OK : rc; /* paused already */
}

enum dm_code dm_dynamo_resume(void *self, const struct dm_tenant *tenant, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_pause_key(tenant);
    if (!tenant)
        return delete_between(self, key.pk, "#", "~", NULL, err);
    struct doomed doomed = { .keys = { key }, .count = 1 };
    return delete_all(self, &doomed, err);
}

enum dm_code dm_dynamo_paused(void *self, const struct dm_tenant *tenant, bool *ret, struct dm_err *err)
{
    const struct dm_dynamo_key keys[] = { dm_dynamo_pause_key(NULL), dm_dynamo_pause_key(tenant) };
    json_t *items[DM_COUNT(keys)];
    enum dm_code rc = dm_dynamo_get_all(self, keys, DM_COUNT(keys), true, items, err);
    if (rc != DM_OK)
        return rc;
    *ret = items[0] || items[1];
    json_decref(items[0]);
    json_decref(items[1]);
    return DM_OK;
}

static enum dm_code read_pause(const json_t *item, struct dm_pause *ret, struct dm_err *err)
{
    struct dm_str sk;
    *ret = (struct dm_pause){ 0 };
    if (dm_item_plain(item, "SK", &sk) && dm_item_signed(item, "since_ms", &ret->since_ms) &&
        (sk.len == 1 || dm_tenant_parse(dm_str_from(sk, 1), &ret->tenant, NULL) == DM_OK))
        return DM_OK;
    return dm_fail(err, DM_CORRUPT, "the table holds a pause that is unreadable");
}

enum dm_code dm_dynamo_pauses(void *self, const struct dm_tenant *after, uint32_t max, struct dm_pause *ret,
                              uint32_t *ret_count, struct dm_err *err)
{
    char from[DM_DYNAMO_SK_MAX] = "#";
    if (after)
        snprintf(from, sizeof(from), "#%s ", after->id);
    DM_AUTO(dm_dynamo_query)
    query = { .pk = "PAUSE", .from = from, .to = "~", .limit = max < PAUSES_AT_ONCE ? max : PAUSES_AT_ONCE };
    const json_t *item = NULL;
    uint32_t count = 0;
    enum dm_code rc = DM_OK;
    while (rc == DM_OK && count < max && (rc = dm_dynamo_next(self, &query, &item, err)) == DM_OK && item)
        rc = read_pause(item, &ret[count++], err);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}
