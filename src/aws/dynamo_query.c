/* dynamo_query.c: Query, item by item.
 *
 * An answer ends at its limit or at a megabyte and says from where to go on; only one that does not was the last, also where
 * it held no item. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"

/* No document has as many megabytes: so a service that never comes to an end is not followed for ever. */
enum { ANSWERS_MAX = 4096 };

static void add_operand(struct dm_buf *buf, const char *name, const char *text)
{
    dm_buf_addf(buf, "%s\":%s\":{\"S\":", *name == 'p' ? "" : ",", name);
    dm_buf_add_json_string(buf, dm_str_z(text));
    dm_buf_add_char(buf, '}');
}

static void print(const struct dm_dynamo *dynamo, const struct dm_dynamo_query *query, struct dm_buf *buf)
{
    char prefix[16] = "";
    dm_buf_addf(buf, "{\"TableName\":\"%s\",\"ReturnConsumedCapacity\":\"TOTAL\"", dynamo->table);
    if (query->index) {
        snprintf(prefix, sizeof(prefix), "%s", query->index);
        dm_buf_addf(buf, ",\"IndexName\":\"%s\"", query->index);
    } else {
        dm_buf_add(buf, DM_STR(",\"ConsistentRead\":true"));
    }
    dm_buf_addf(buf, ",\"KeyConditionExpression\":\"%sPK=:p AND %sSK BETWEEN :f AND :t\"", prefix, prefix);
    dm_buf_add(buf, DM_STR(",\"ExpressionAttributeValues\":{"));
    add_operand(buf, "p", query->pk);
    add_operand(buf, "f", query->from);
    add_operand(buf, "t", query->to);
    dm_buf_add_char(buf, '}');
    if (query->keys_only)
        dm_buf_add(buf, DM_STR(",\"ProjectionExpression\":\"PK,SK\""));
    if (query->backwards)
        dm_buf_add(buf, DM_STR(",\"ScanIndexForward\":false"));
    if (query->limit)
        dm_buf_addf(buf, ",\"Limit\":%" PRIu32, query->limit);
    if (query->go_on) {
        dm_buf_add(buf, DM_STR(",\"ExclusiveStartKey\":"));
        dm_json_add(buf, query->go_on);
    }
    dm_buf_add_char(buf, '}');
}

static enum dm_code ask(struct dm_dynamo *dynamo, struct dm_dynamo_query *query, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    print(dynamo, query, &request);
    dm_dynamo_query_free(query);
    enum dm_code rc = dm_dynamo_call(dynamo, "Query", &request, &query->answer, err);
    if (rc != DM_OK)
        return rc;
    query->next = 0;
    query->items = json_object_get(query->answer.body, "Items");
    if (!json_is_array(query->items) || ++query->answers > ANSWERS_MAX)
        return dm_dynamo_is_none("Query", err);
    query->go_on = json_incref(json_object_get(query->answer.body, "LastEvaluatedKey"));
    return DM_OK;
}

enum dm_code dm_dynamo_next(struct dm_dynamo *dynamo, struct dm_dynamo_query *query, const json_t **ret,
                            struct dm_err *err)
{
    if (strcmp(query->from, query->to) > 0) {
        *ret = NULL;
        return DM_OK;
    }
    while (query->answers == 0 || (query->next >= json_array_size(query->items) && query->go_on)) {
        enum dm_code rc = ask(dynamo, query, err);
        if (rc != DM_OK)
            return rc;
    }
    *ret = json_array_get(query->items, query->next++);
    return DM_OK;
}

void dm_dynamo_query_free(struct dm_dynamo_query *query)
{
    dm_dynamo_answer_free(&query->answer);
    json_decref(query->go_on);
    query->go_on = NULL;
    query->items = NULL;
}
