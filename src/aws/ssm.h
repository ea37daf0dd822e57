/* ssm.h: private to aws: what SSM's answers say of parameters. */
#ifndef DM_AWS_SSM_H
#define DM_AWS_SSM_H

#include "aws/client.h"

enum { DM_SSM_TOKEN_MAX = 4096, DM_SSM_ANSWER_MAX = 256 * 1024 };

/* Adds what a page of GetParametersByPath holds to `parameters`, and where the next begins to `ret_token` (cleared first; empty: there is
 * none). On failure some may have been added. DM_CORRUPT, DM_TOO_LARGE: see dm_parameters_read. */
DM_MUST_USE enum dm_code dm_ssm_page_read(struct dm_str answer, struct dm_str path, struct dm_parameters *parameters,
                                          struct dm_buf *ret_token, struct dm_err *err);
/* An answer of GetParameter for that name. */
DM_MUST_USE enum dm_code dm_ssm_parameter_read(struct dm_str answer, struct dm_str path, struct dm_str name,
                                               struct dm_parameter *ret, struct dm_err *err);

/* Appends "path/name"; a slash at the path's end counts for nothing. */
void dm_ssm_add_name(struct dm_buf *buf, struct dm_str path, struct dm_str name);
struct dm_parameter *dm_parameters_find(const struct dm_parameters *parameters, struct dm_str name);
/* Takes `parameter` over, on success alone. There must be none of that name. DM_TOO_LARGE, DM_NO_MEMORY. */
DM_MUST_USE enum dm_code dm_parameters_add(struct dm_parameters *parameters, struct dm_parameter *parameter,
                                           struct dm_err *err);

#endif
