/* dynamo_call.c: one request to DynamoDB: sending it, what it cost, and what an error of its means to the ports. */
#include "aws/dynamo_store.h"

#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "base/json.h"

enum { ATTEMPT_MS = 5000, PAUSE_FIRST_MS = 10, PAUSE_MAX_MS = 1000 };

void dm_dynamo_answer_free(struct dm_dynamo_answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
}

static uint64_t thousandths(const json_t *consumed)
{
    double units = json_number_value(json_object_get(consumed, "CapacityUnits"));
    return units > 0 && units < 1e12 ? (uint64_t)(units * 1000 + 0.5) : 0;
}

/* Of one table, or of several in a batch or transaction. */
static void count_units(struct dm_dynamo *dynamo, const char *operation, const json_t *body)
{
    const json_t *consumed = json_object_get(body, "ConsumedCapacity");
    const json_t *one;
    size_t i;
    uint64_t sum = json_is_object(consumed) ? thousandths(consumed) : 0;
    json_array_foreach (consumed, i, one)
        sum += thousandths(one);
    bool reads = strstr(operation, "Get") || strcmp(operation, "Query") == 0;
    atomic_fetch_add_explicit(reads ? &dynamo->read_thousandths : &dynamo->write_thousandths, sum,
                              memory_order_relaxed);
}

/* What failed although nothing is wrong with it: others were at the same items. */
static bool is_contention(const char *code)
{
    return strcmp(code, "TransactionConflictException") == 0 || strcmp(code, "TransactionInProgressException") == 0 ||
           strcmp(code, "ReplicatedWriteConflictException") == 0;
}

/* Those two that say something of records. */
static bool is_condition(const char *code)
{
    return strcmp(code, "ConditionalCheckFailedException") == 0 || strcmp(code, "TransactionCanceledException") == 0;
}

/* What is wrong with the deployment, or with what stands in between, says nothing of a document, and can be mended while work waits: to
 * the ports it is an outage. */
static enum dm_code explain(struct dm_dynamo *dynamo, const struct dm_aws_answer *answer, enum dm_code rc,
                            struct dm_err *err)
{
    if (is_contention(answer->code))
        return dm_fail(err, DM_BUSY, "others write the same records of table %s just now", dynamo->table);
    if (strcmp(answer->code, "ResourceNotFoundException") == 0)
        return dm_fail(err, DM_UNAVAILABLE,
                       "there is no table %s in region %.*s; name it in STORE, or make it with `docmill init`",
                       dynamo->table, DM_STR_ARG(dm_aws_region(dynamo->aws)));
    if (strcmp(answer->code, "ItemCollectionSizeLimitExceededException") == 0)
        return dm_fail(err, DM_TOO_LARGE, "a document's records are over what table %s takes", dynamo->table);
    if (rc == DM_THROTTLED || rc == DM_TIMEOUT || rc == DM_NO_MEMORY || rc == DM_INTERNAL)
        return rc;
    if (err)
        err->code = DM_UNAVAILABLE;
    return DM_UNAVAILABLE;
}

enum dm_code dm_dynamo_call(struct dm_dynamo *dynamo, const char *operation, const struct dm_buf *request,
                            struct dm_dynamo_answer *ret, struct dm_err *err)
{
    return dm_dynamo_call_within(dynamo, operation, request, DM_DYNAMO_CALL_MS, ret, err);
}

enum dm_code dm_dynamo_call_within(struct dm_dynamo *dynamo, const char *operation, const struct dm_buf *request,
                                   int64_t wait_ms, struct dm_dynamo_answer *ret, struct dm_err *err)
{
    enum dm_code rc = dm_buf_check(request, "a request to DynamoDB", err);
    if (rc != DM_OK)
        return rc;
    const struct dm_aws_operation call = {
        .service = DM_AWS_DYNAMODB,
        .name = operation,
        .body = dm_buf_str(request),
        .answer_max = DM_DYNAMO_ANSWER_MAX,
        .attempt_ms = ATTEMPT_MS,
    };
    DM_AUTO(dm_aws_answer) answer = { 0 };
    json_t *body = NULL;
    rc = dm_aws_call(dynamo->aws, &call, dm_mono_ms(dynamo->runtime) + wait_ms, &answer, err);
    atomic_fetch_add_explicit(&dynamo->requests, 1, memory_order_relaxed);
    snprintf(ret->error, sizeof(ret->error), "%s", rc == DM_OK ? "" : answer.code);
    ret->attempts = answer.attempts;
    ret->said = rc;
    if (rc != DM_OK && !(rc == DM_CONFLICT && is_condition(answer.code)))
        return explain(dynamo, &answer, rc, err);
    enum dm_code parsed = dm_json_parse(dm_buf_str(&answer.http.body), "DynamoDB's answer", &body, err);
    if (parsed == DM_OK && !json_is_object(body)) {
        json_decref(body);
        parsed = DM_INVALID;
    }
    /* It may have been done: so it is not called by what was wrong here. */
    if (parsed != DM_OK)
        return dm_fail(err, DM_UNAVAILABLE,
                       parsed == DM_NO_MEMORY ? "no memory for DynamoDB's answer to %s"
                                              : "DynamoDB answered %s with what is no JSON object",
                       operation);
    count_units(dynamo, operation, body);
    ret->body = body;
    return rc;
}

enum dm_code dm_dynamo_is_none(const char *operation, struct dm_err *err)
{
    return dm_fail(err, DM_UNAVAILABLE, "DynamoDB answered %s with what is no answer to it", operation);
}

void dm_dynamo_pause_before(struct dm_dynamo *dynamo, uint32_t attempt)
{
    uint32_t most = PAUSE_FIRST_MS << (attempt < 8 ? attempt : 8), chance;
    dm_random(dynamo->runtime, &chance, sizeof(chance));
    if (most > PAUSE_MAX_MS)
        most = PAUSE_MAX_MS;
    dm_sleep_until(dynamo->runtime, dm_mono_ms(dynamo->runtime) + 1 + chance % most);
}
