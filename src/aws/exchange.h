/* exchange.h: private to aws: one HTTP request over the asynchronous client, made by a task that waits for it. */
#ifndef DM_AWS_EXCHANGE_H
#define DM_AWS_EXCHANGE_H

#include "net/multi.h"

/* As dm_multi_send followed by its `done`. The request must have a `total_ms`. */
DM_MUST_USE enum dm_code dm_aws_exchange(struct dm_runtime runtime, struct dm_multi *multi,
                                         const struct dm_http_request *request, struct dm_http_answer *ret,
                                         struct dm_err *err);

#endif
