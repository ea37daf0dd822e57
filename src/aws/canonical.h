/* canonical.h: private to aws: a request in the one form that both sides of a signature hash. */
#ifndef DM_AWS_CANONICAL_H
#define DM_AWS_CANONICAL_H

#include "aws/aws.h"

/* Appends the canonical request: `added` are the headers that the signature brings, Host among them. `signed_names` gets the
 * names of the signed headers, parted by ';'. */
DM_MUST_USE enum dm_code dm_aws_canonical(const struct dm_aws_request *request, const struct dm_http_pair *added,
                                          uint32_t added_count, struct dm_str body_sha256, struct dm_buf *ret,
                                          struct dm_buf *ret_signed_names, struct dm_err *err);

#endif
