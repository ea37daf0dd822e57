/* retry.c: see retry.h. */
#include "aws/retry.h"

enum {
    COST_THROTTLED = 5,
    COST_TRANSIENT = 14,
    PAUSE_MAX_MS = 20000,
    PAUSE_THROTTLED_MS = 1000,
    PAUSE_TRANSIENT_MS = 50,
    PAUSE_DYNAMODB_MS = 25,
    ASKED_MORE_MS = 5000,
    ATTEMPTS = 3,
    ATTEMPTS_DYNAMODB = 4
};

static bool is_dynamodb(enum dm_aws_service service)
{
    return service == DM_AWS_DYNAMODB || service == DM_AWS_STREAMS;
}

uint32_t dm_aws_bucket_take(struct dm_aws_bucket *bucket, enum dm_aws_outcome outcome)
{
    uint32_t cost = outcome == DM_AWS_THROTTLED ? COST_THROTTLED : COST_TRANSIENT;
    if (bucket->spent + cost > DM_AWS_BUCKET_TOKENS)
        return 0;
    bucket->spent += cost;
    return cost;
}

void dm_aws_bucket_give(struct dm_aws_bucket *bucket, uint32_t cost)
{
    uint32_t back = cost ? cost : 1;
    bucket->spent -= back < bucket->spent ? back : bucket->spent;
}

uint32_t dm_aws_attempts_of(enum dm_aws_service service)
{
    return is_dynamodb(service) ? ATTEMPTS_DYNAMODB : ATTEMPTS;
}

int64_t dm_aws_pause_ms(enum dm_aws_service service, enum dm_aws_outcome outcome, uint32_t attempt, int64_t asked_ms,
                        uint32_t chance)
{
    int64_t most = outcome == DM_AWS_THROTTLED ? PAUSE_THROTTLED_MS
                   : is_dynamodb(service)      ? PAUSE_DYNAMODB_MS
                                               : PAUSE_TRANSIENT_MS;
    for (uint32_t i = 1; i < attempt && most < PAUSE_MAX_MS; i++)
        most *= 2;
    if (most > PAUSE_MAX_MS)
        most = PAUSE_MAX_MS;
    int64_t pause_ms = (int64_t)((uint64_t)most * chance / UINT32_MAX);
    if (asked_ms > pause_ms)
        pause_ms = asked_ms < pause_ms + ASKED_MORE_MS ? asked_ms : pause_ms + ASKED_MORE_MS;
    return pause_ms;
}
