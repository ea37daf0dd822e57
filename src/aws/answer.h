/* answer.h: private to aws: what an answer says of a call, in the words of four protocols, and whether it is worth another try. */
#ifndef DM_AWS_ANSWER_H
#define DM_AWS_ANSWER_H

#include "aws/client.h"

enum dm_aws_outcome {
    DM_AWS_DONE,
    DM_AWS_FAILED,    /* and would again */
    DM_AWS_TRANSIENT, /* nobody knows what became of it, or the service has a fault */
    DM_AWS_THROTTLED,
    DM_AWS_EXPIRED, /* other credentials are needed */
    DM_AWS_CLOCK    /* perhaps: where the service's clock says otherwise than ours */
};

/* Fills in code, message and request id from status, headers and body, and says what it comes to. */
enum dm_aws_outcome dm_aws_answer_judge(const struct dm_aws_operation *operation, struct dm_aws_answer *answer);
/* The error that the answer is: code and sentence. */
enum dm_code dm_aws_answer_fail(const struct dm_aws_operation *operation, const struct dm_aws_answer *answer,
                                enum dm_aws_outcome outcome, struct dm_err *err);

/* "Fri, 02 Jan 2026 03:04:05 GMT"; false on anything else. */
bool dm_aws_http_date(struct dm_str text, int64_t *ret_wall_ms);

#endif
