/* retry.h: private to aws: the "standard" mode of AWS's own programs, as arithmetic without clock or chance of its own. */
#ifndef DM_AWS_RETRY_H
#define DM_AWS_RETRY_H

#include "aws/answer.h"

/* What tries of one service may still cost together. Starts as { 0 }, which is full. */
struct dm_aws_bucket {
    uint32_t spent;
};

enum { DM_AWS_BUCKET_TOKENS = 500 };

/* Takes what a further try costs; 0: there is not enough. */
uint32_t dm_aws_bucket_take(struct dm_aws_bucket *bucket, enum dm_aws_outcome outcome);
/* A call went well: what its last try had cost comes back, or a token where it was the first. */
void dm_aws_bucket_give(struct dm_aws_bucket *bucket, uint32_t cost);

uint32_t dm_aws_attempts_of(enum dm_aws_service service);
/* The pause before the try that follows the `attempt`th (from 1 on). `asked_ms` is the service's own wish, or -1. */
int64_t dm_aws_pause_ms(enum dm_aws_service service, enum dm_aws_outcome outcome, uint32_t attempt, int64_t asked_ms,
                        uint32_t chance);

#endif
