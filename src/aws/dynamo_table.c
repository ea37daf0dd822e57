/* dynamo_table.c: making the table, and whether one that is there is what is needed.
 *
 * What a table must have is said once, as rows; the request that makes it and the check that looks at it walk the same ones. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 1000, WAITS_MAX = 300 };

static const char stream_view[] = "NEW_AND_OLD_IMAGES";
static const char expiry[] = "ttl";

/* The table's own key first (no name), then the indexes. */
static const struct schema_key {
    const char *index;
    const char *pk;
    const char *sk;
} schema_keys[] = {
    { NULL, "PK", "SK" },
    { "GSI1", "GSI1PK", "GSI1SK" },
    { "GSI2", "GSI2PK", "GSI2SK" },
    { "GSI3", "GSI3PK", "GSI3SK" },
};

/* ---- one request ---- */

/* {"TableName":"…"<rest>} */
static enum dm_code ask(struct dm_dynamo *dynamo, const char *operation, const struct dm_buf *rest,
                        struct dm_dynamo_answer *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_buf_addf(&request, "{\"TableName\":\"%s\"", dynamo->table);
    if (rest)
        dm_buf_add(&request, dm_buf_str(rest));
    dm_buf_add_char(&request, '}');
    dm_dynamo_answer_free(ret);
    return dm_dynamo_call(dynamo, operation, &request, ret, err);
}

static bool failed_as(const struct dm_dynamo_answer *answer, const char *error)
{
    return strcmp(answer->error, error) == 0;
}

/* A failure by its own name, for those who look at the deployment itself. */
static enum dm_code by_name(const struct dm_dynamo_answer *answer, enum dm_code rc, struct dm_err *err)
{
    enum dm_code name = failed_as(answer, "ResourceNotFoundException") ? DM_NOT_FOUND : answer->said;
    if (rc != DM_UNAVAILABLE || (name != DM_NOT_FOUND && name != DM_DENIED && name != DM_REFUSED))
        return rc;
    if (err)
        err->code = name;
    return name;
}

static enum dm_code describe(struct dm_dynamo *dynamo, struct dm_dynamo_answer *ret, const json_t **ret_table,
                             struct dm_err *err)
{
    enum dm_code rc = ask(dynamo, "DescribeTable", NULL, ret, err);
    if (rc == DM_OK)
        *ret_table = json_object_get(ret->body, "Table");
    return by_name(ret, rc, err);
}

/* ---- the check ---- */

static struct dm_str text_of(const json_t *object, const char *name)
{
    return dm_str_z(json_string_value(json_object_get(object, name)));
}

static bool is_key(const json_t *schema, const struct schema_key *wanted)
{
    const json_t *part;
    size_t i;
    bool pk = false, sk = false;
    json_array_foreach (schema, i, part) {
        struct dm_str name = text_of(part, "AttributeName"), type = text_of(part, "KeyType");
        pk = pk || (dm_str_eq(type, DM_STR("HASH")) && dm_str_eq(name, dm_str_z(wanted->pk)));
        sk = sk || (dm_str_eq(type, DM_STR("RANGE")) && dm_str_eq(name, dm_str_z(wanted->sk)));
    }
    return pk && sk && json_array_size(schema) == 2;
}

static const json_t *find_index(const json_t *table, const char *name)
{
    const json_t *index;
    size_t i;
    json_array_foreach (json_object_get(table, "GlobalSecondaryIndexes"), i, index)
        if (dm_str_eq(text_of(index, "IndexName"), dm_str_z(name)))
            return index;
    return NULL;
}

static enum dm_code check_keys(const struct dm_dynamo *dynamo, const json_t *table, struct dm_err *err)
{
    for (size_t i = 0; i < DM_COUNT(schema_keys); i++) {
        const struct schema_key *wanted = &schema_keys[i];
        const json_t *index = wanted->index ? find_index(table, wanted->index) : table;
        if (!index)
            return dm_fail(err, DM_REFUSED,
                           "table %s has no index %s (keys %s and %s, KEYS_ONLY): it is none of docmill's",
                           dynamo->table, wanted->index, wanted->pk, wanted->sk);
        if (!is_key(json_object_get(index, "KeySchema"), wanted))
            return dm_fail(err, DM_REFUSED, "the keys of %s%s are not %s and %s: it is no table of docmill's",
                           wanted->index ? wanted->index : "table ", wanted->index ? "" : dynamo->table, wanted->pk,
                           wanted->sk);
    }
    return DM_OK;
}

static bool has_stream(const json_t *table)
{
    const json_t *stream = json_object_get(table, "StreamSpecification");
    return json_is_true(json_object_get(stream, "StreamEnabled")) &&
           dm_str_eq(text_of(stream, "StreamViewType"), dm_str_z(stream_view));
}

static bool is_active(const json_t *table)
{
    const json_t *index;
    size_t i;
    if (!dm_str_eq(text_of(table, "TableStatus"), DM_STR("ACTIVE")))
        return false;
    json_array_foreach (json_object_get(table, "GlobalSecondaryIndexes"), i, index)
        if (!dm_str_eq(text_of(index, "IndexStatus"), DM_STR("ACTIVE")))
            return false;
    return true;
}

static enum dm_code has_expiry(struct dm_dynamo *dynamo, bool *ret, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    enum dm_code rc = ask(dynamo, "DescribeTimeToLive", NULL, &answer, err);
    if (rc != DM_OK)
        return rc;
    const json_t *described = json_object_get(answer.body, "TimeToLiveDescription");
    struct dm_str status = text_of(described, "TimeToLiveStatus");
    *ret = (dm_str_eq(status, DM_STR("ENABLED")) || dm_str_eq(status, DM_STR("ENABLING"))) &&
           dm_str_eq(text_of(described, "AttributeName"), dm_str_z(expiry));
    return DM_OK;
}

enum dm_code dm_dynamo_check_schema(struct dm_dynamo *dynamo, int64_t wait_ms, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_schema_key();
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    const json_t *item = NULL;
    uint64_t version = 0;
    enum dm_code rc = dm_dynamo_get(dynamo, &key, wait_ms, &answer, &item, err);
    if (rc != DM_OK)
        return by_name(&answer, rc, err);
    if (!item || !dm_item_number(item, "version", &version) || version == 0)
        return dm_fail(err, DM_REFUSED, "table %s has not been set up by docmill; run `docmill init`", dynamo->table);
    if (version > DM_DYNAMO_SCHEMA)
        return dm_fail(err, DM_REFUSED,
                       "table %s is of version %" PRIu64 ", written by a newer docmill; this one knows version %d",
                       dynamo->table, version, (int)DM_DYNAMO_SCHEMA);
    return DM_OK;
}

enum dm_code dm_dynamo_verify_schema(struct dm_dynamo *dynamo, struct dm_err *err)
{
    return dm_dynamo_check_schema(dynamo, DM_DYNAMO_CALL_MS, err);
}

enum dm_code dm_dynamo_verify(struct dm_dynamo *dynamo, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    const json_t *table = NULL;
    bool expires = false;
    enum dm_code rc = describe(dynamo, &answer, &table, err);
    if (rc == DM_OK)
        rc = check_keys(dynamo, table, err);
    if (rc == DM_OK && !is_active(table))
        rc = dm_fail(err, DM_UNAVAILABLE, "table %s or one of its indexes is not ready yet", dynamo->table);
    if (rc == DM_OK && !has_stream(table))
        rc = dm_fail(err, DM_REFUSED, "table %s has no stream of kind %s; run `docmill init`", dynamo->table,
                     stream_view);
    if (rc == DM_OK)
        rc = has_expiry(dynamo, &expires, err);
    if (rc == DM_OK && !expires)
        rc = dm_fail(err, DM_REFUSED, "items of table %s do not expire by their attribute %s; run `docmill init`",
                     dynamo->table, expiry);
    return rc == DM_OK ? dm_dynamo_verify_schema(dynamo, err) : rc;
}

/* ---- making it ---- */

static void print_key(struct dm_buf *buf, const struct schema_key *key)
{
    dm_buf_addf(buf,
                "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
                "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
                key->pk, key->sk);
}

static void print_table(struct dm_buf *buf)
{
    dm_buf_add(buf, DM_STR(",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":["));
    for (size_t i = 0; i < DM_COUNT(schema_keys); i++)
        dm_buf_addf(buf,
                    "%s{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"},"
                    "{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}",
                    i ? "," : "", schema_keys[i].pk, schema_keys[i].sk);
    dm_buf_add(buf, DM_STR("],"));
    print_key(buf, &schema_keys[0]);
    dm_buf_add(buf, DM_STR(",\"GlobalSecondaryIndexes\":["));
    for (size_t i = 1; i < DM_COUNT(schema_keys); i++) {
        dm_buf_addf(buf, "%s{\"IndexName\":\"%s\",\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"},", i > 1 ? "," : "",
                    schema_keys[i].index);
        print_key(buf, &schema_keys[i]);
        dm_buf_add_char(buf, '}');
    }
    dm_buf_addf(buf, "],\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"%s\"}", stream_view);
}

/* One that is being made by somebody else meanwhile is as good. */
static enum dm_code make(struct dm_dynamo *dynamo, struct dm_err *err)
{
    DM_AUTO(dm_buf) rest = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    print_table(&rest);
    enum dm_code rc = ask(dynamo, "CreateTable", &rest, &answer, err);
    return failed_as(&answer, "ResourceInUseException") ? DM_OK : rc;
}

static enum dm_code wait_until_active(struct dm_dynamo *dynamo, struct dm_dynamo_answer *answer, const json_t **table,
                                      struct dm_err *err)
{
    for (uint32_t waits = 0; waits < WAITS_MAX; waits++) {
        enum dm_code rc = describe(dynamo, answer, table, err);
        if (rc == DM_OK && is_active(*table))
            return DM_OK;
        if (rc != DM_OK && rc != DM_NOT_FOUND)
            return rc;
        dm_sleep_until(dynamo->runtime, dm_mono_ms(dynamo->runtime) + WAIT_MS);
    }
    return dm_fail(err, DM_TIMEOUT, "table %s is not ready after %d s", dynamo->table, WAITS_MAX * WAIT_MS / 1000);
}

static enum dm_code add_stream(struct dm_dynamo *dynamo, struct dm_err *err)
{
    DM_AUTO(dm_buf) rest = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    dm_buf_addf(&rest, ",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"%s\"}", stream_view);
    return ask(dynamo, "UpdateTable", &rest, &answer, err);
}

static enum dm_code add_expiry(struct dm_dynamo *dynamo, struct dm_err *err)
{
    DM_AUTO(dm_buf) rest = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    bool there = false;
    enum dm_code rc = has_expiry(dynamo, &there, err);
    if (rc != DM_OK || there)
        return rc;
    dm_buf_addf(&rest, ",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"%s\"}", expiry);
    return ask(dynamo, "UpdateTimeToLive", &rest, &answer, err);
}

static enum dm_code add_schema(struct dm_dynamo *dynamo, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_schema_key();
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    dm_item_add_number(&item, "version", DM_DYNAMO_SCHEMA);
    dm_item_print(&item, &request, dynamo->table, &key, "attribute_not_exists(PK)", false);
    enum dm_code rc = dm_dynamo_call(dynamo, "PutItem", &request, &answer, err);
    return rc == DM_CONFLICT ? DM_OK : rc;
}

enum dm_code dm_dynamo_init(struct dm_dynamo *dynamo, bool *ret_made, struct dm_err *err)
{
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    const json_t *table = NULL;
    bool made = false;
    enum dm_code rc = describe(dynamo, &answer, &table, err);
    if (rc == DM_NOT_FOUND) {
        made = true;
        rc = make(dynamo, err);
    }
    if (rc == DM_OK)
        rc = wait_until_active(dynamo, &answer, &table, err);
    if (rc == DM_OK)
        rc = check_keys(dynamo, table, err);
    if (rc == DM_OK && !has_stream(table)) {
        rc = add_stream(dynamo, err);
        if (rc == DM_OK)
            rc = wait_until_active(dynamo, &answer, &table, err);
    }
    if (rc == DM_OK)
        rc = add_expiry(dynamo, err);
    if (rc == DM_OK)
        rc = add_schema(dynamo, err);
    if (rc == DM_OK)
        rc = dm_dynamo_verify(dynamo, err);
    if (rc == DM_OK)
        *ret_made = made;
    return rc;
}
