/* dynamo_store.c: the store and operator ports over DynamoDB. */
#include "aws/dynamo_store.h"

#include <string.h>

#include "aws/client.h"
#include "base/alloc.h"

enum { CHECK_MS = 1000, TABLE_NAME_MIN = 3, TABLE_NAME_MAX = 255 };

static const struct dm_store_ops store_ops = {
    .name = "dynamodb",
    .read = dm_dynamo_read,
    .pages = dm_dynamo_pages,
    .events = dm_dynamo_events,
    .list = dm_dynamo_list,
    .idem = dm_dynamo_idem,
    .commit = dm_dynamo_commit,
    .erase = dm_dynamo_erase,
    .check = dm_dynamo_check,
    .secret_put = dm_dynamo_secret_put,
    .secret_get = dm_dynamo_secret_get,
    .secret_remove = dm_dynamo_secret_remove,
};

static const struct dm_operator_ops operator_ops = {
    .ready_tenants = dm_dynamo_ready_tenants,
    .ready = dm_dynamo_ready,
    .due = dm_dynamo_due,
    .owner = dm_dynamo_owner,
    .stalled = dm_dynamo_stalled,
    .ended = dm_dynamo_ended,
    .pause = dm_dynamo_pause,
    .resume = dm_dynamo_resume,
    .paused = dm_dynamo_paused,
    .pauses = dm_dynamo_pauses,
    .secrets = dm_dynamo_secrets,
};

struct dm_store dm_dynamo_store(struct dm_dynamo *dynamo)
{
    return (struct dm_store){ &store_ops, dynamo };
}

struct dm_operator dm_dynamo_operator(struct dm_dynamo *dynamo)
{
    return (struct dm_operator){ &operator_ops, dynamo };
}

/* Reads always, and writes where the last write failed: asking must cost next to nothing, and must find out when it is over. */
enum dm_code dm_dynamo_check(void *self, struct dm_err *err)
{
    struct dm_dynamo *dynamo = self;
    enum dm_code rc = dm_dynamo_check_schema(dynamo, CHECK_MS, err);
    if (rc != DM_OK || !atomic_load_explicit(&dynamo->write_failed, memory_order_relaxed))
        return rc;
    const struct dm_dynamo_key key = { "SCHEMA", "PROBE" };
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_PUT);
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    dm_item_print(&item, &request, dynamo->table, &key, NULL, false);
    rc = dm_dynamo_call_within(dynamo, "PutItem", &request, CHECK_MS, &answer, err);
    if (rc == DM_OK)
        atomic_store_explicit(&dynamo->write_failed, false, memory_order_relaxed);
    return rc;
}

/* Nothing among them would have to be escaped in a request. */
bool dm_dynamo_is_name(struct dm_str table)
{
    for (size_t i = 0; i < table.len; i++) {
        char c = table.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !strchr("._-", c))
            return false;
    }
    return table.len >= TABLE_NAME_MIN && table.len <= TABLE_NAME_MAX && !memchr(table.at, '\0', table.len);
}

enum dm_code dm_dynamo_open(struct dm_aws *aws, struct dm_str table, struct dm_dynamo **ret, struct dm_err *err)
{
    if (!dm_dynamo_is_name(table))
        return dm_fail(err, DM_INVALID,
                       "a table's name is 3 to 255 letters, digits, '.', '-' and '_'; \"%.*s\" is no name of a table",
                       DM_STR_ARG(dm_str_cut(table, 0, 80)));
    struct dm_dynamo *dynamo = dm_alloc_zero(1, sizeof(*dynamo));
    if (!dynamo)
        return dm_fail_memory(err);
    dynamo->runtime = dm_aws_runtime(aws);
    dynamo->aws = aws;
    dynamo->table = dm_str_dup_z(table);
    dynamo->seen = dm_dynamo_seen_make();
    if (!dynamo->table || !dynamo->seen) {
        dm_dynamo_close(dynamo);
        return dm_fail_memory(err);
    }
    *ret = dynamo;
    return DM_OK;
}

void dm_dynamo_close(struct dm_dynamo *dynamo)
{
    if (!dynamo)
        return;
    dm_dynamo_seen_free(dynamo->seen);
    dm_free(dynamo->table);
    dm_free(dynamo);
}

struct dm_dynamo_spent dm_dynamo_spent(const struct dm_dynamo *dynamo)
{
    return (struct dm_dynamo_spent){
        .requests = atomic_load_explicit(&dynamo->requests, memory_order_relaxed),
        .read_thousandths = atomic_load_explicit(&dynamo->read_thousandths, memory_order_relaxed),
        .write_thousandths = atomic_load_explicit(&dynamo->write_thousandths, memory_order_relaxed),
    };
}
