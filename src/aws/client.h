/* client.h: private to aws: one call to a service, from its signature to the meaning of its answer.
 *
 * A call is made by a task and blocks it; the bytes go over one pool of connections (net/multi.h). It is signed anew for each
 * attempt and tried again as AWS's own "standard" mode does: what is transient or throttled, with growing random pauses, as
 * long as the service's bucket of 500 tokens has some left, so that a service in trouble is not asked three times as often.
 * A clock that is wrong is noticed by the service's Date and corrected for signatures. Redirects are never followed. */
#ifndef DM_AWS_CLIENT_H
#define DM_AWS_CLIENT_H

#include "aws/services.h"

/* What is asked for. All is borrowed until the call returns. */
struct dm_aws_operation {
    enum dm_aws_service service;
    const char *name;       /* "PutItem": in sentences, and in X-Amz-Target where the service has that */
    const char *permission; /* the IAM action that it needs ("s3:PutObject"); NULL: the service's, by the name */
    const char *method;     /* NULL: POST */
    struct dm_str bucket;   /* S3's alone */
    struct dm_str path;     /* percent-encoded, begins with '/'; empty: "/" */
    struct dm_str query;    /* percent-encoded, without '?' */
    /* Beside those of the signature, and the Content-Type and X-Amz-Target that the service's row brings. */
    const struct dm_http_pair *headers;
    uint32_t header_count;
    struct dm_str body;
    struct dm_str body_sha256; /* hexadecimal, where it is known already; empty: worked out for each attempt */
    size_t answer_max;         /* 0: 1 MiB */
    int64_t attempt_ms;        /* how long one attempt may last; 0: 10 s */
    uint32_t attempts_max;     /* 0: AWS_MAX_ATTEMPTS, or 3 (DynamoDB: 4) */
};

enum { DM_AWS_OPERATION_HEADERS_MAX = 24, DM_AWS_CODE_MAX = 64, DM_AWS_REQUEST_ID_MAX = 96, DM_AWS_MESSAGE_MAX = 512 };

/* What came back last. Starts as { 0 }; to be freed whatever the call returned. */
struct dm_aws_answer {
    uint32_t status;                  /* 0: nothing came */
    uint32_t attempts;                /* how many were sent: after more than one a conflict may be with oneself */
    char code[DM_AWS_CODE_MAX];       /* of an error, without a namespace: "ConditionalCheckFailedException" */
    char message[DM_AWS_MESSAGE_MAX]; /* what the service says of it: ASCII, cut; empty where it may hold a secret */
    char request_id[DM_AWS_REQUEST_ID_MAX]; /* empty: none */
    struct dm_http_answer http;             /* headers and body: also an error's (`CancellationReasons`) */
};

void dm_aws_answer_free(struct dm_aws_answer *answer);

/* DM_OK for 2xx alone. Otherwise the sentence names service, operation, code and request id, and for want of a permission that:
 *
 *   DM_NOT_FOUND     404 (NoSuchKey, ResourceNotFoundException, NoSuchBucket: `ret->code` says which)
 *   DM_CONFLICT      a condition did not hold: 304, 409, 412, ConditionalCheckFailedException, TransactionCanceledException …
 *   DM_DENIED        no permission, or credentials that are wrong, expired or revoked
 *   DM_REFUSED       another region's bucket, a redirect, an archived object, a table or stream that is not ready
 *   DM_THROTTLED     still, after all attempts (the error's retry_after_ms is what the service asked for)
 *   DM_UNAVAILABLE   no connection, it broke, 5xx, an answer that is none: whether it was done is not known
 *   DM_TIMEOUT       the deadline (monotonic) or the last attempt's time passed: likewise
 *   DM_TOO_LARGE     past `answer_max`, or 413 and its like
 *   DM_CANCELLED     dm_aws_interrupt
 *   DM_INTERNAL      the service calls the request wrong
 *   and what dm_aws_credentials_get and dm_aws_sign say.
 *
 * A port's caller knows nothing of permissions or regions, so a port decides itself which of these mean "later". */
DM_MUST_USE enum dm_code dm_aws_call(struct dm_aws *aws, const struct dm_aws_operation *operation,
                                     int64_t deadline_mono_ms, struct dm_aws_answer *ret, struct dm_err *err);

struct dm_runtime dm_aws_runtime(const struct dm_aws *aws);
/* The wall clock as the services see it: corrected once one of them complained. */
int64_t dm_aws_wall_ms(struct dm_aws *aws);
const struct dm_aws_endpoint *dm_aws_endpoint_of(const struct dm_aws *aws, enum dm_aws_service service);

#endif
