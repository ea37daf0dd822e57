/* credentials.h: private to cli: AWS's credentials, looked up again where a service does not know them any more: they run out, and
 * whoever renews them writes new ones into the same file. */
#ifndef DM_CLI_CREDENTIALS_H
#define DM_CLI_CREDENTIALS_H

#include "aws/aws.h"
#include "ports/runtime.h"

struct dm_credentials;

/* Looks them up; fails as dm_aws_credentials_find. What the environment points to must outlive it. */
DM_MUST_USE enum dm_code dm_credentials_make(struct dm_runtime runtime, const struct dm_aws_environment *environment,
                                             struct dm_credentials **ret, struct dm_err *err);
void dm_credentials_free(struct dm_credentials *credentials); /* accepts NULL */

/* Both are thread-safe, and fit the options of dm_model_remote_start with the credentials as their context. */

/* A copy of those of now, to be freed by the caller. May read files; where that fails, those of before go on being used. */
DM_MUST_USE enum dm_code dm_credentials_get(void *credentials, struct dm_aws_credentials *ret, struct dm_err *err);
/* A service does not know these any more. True: `get` has others or will look for some, which it does every five seconds at
 * most. */
bool dm_credentials_expired(void *credentials, const struct dm_aws_credentials *used);

#endif
