/* chain.h: private to aws: credentials that stay valid.
 *
 * Keys of the environment or of a profile are read once. Those of a role are fetched by one task of the chain's own, when they are
 * first wanted and then well before they run out, so that nobody waits for them: calls take a copy of what is valid. Where
 * fetching fails, what is still valid goes on being used, and it is tried again. */
#ifndef DM_AWS_CHAIN_H
#define DM_AWS_CHAIN_H

#include "aws/sources.h"

struct dm_aws_chain;

/* The source is chosen here and for good. Copies `*how`; what it points to must live as long as the chain. */
DM_MUST_USE enum dm_code dm_aws_chain_make(const struct dm_aws_sourcing *how, struct dm_aws_chain **ret,
                                           struct dm_err *err);
/* As dm_aws_credentials_get of the door. */
DM_MUST_USE enum dm_code dm_aws_chain_get(struct dm_aws_chain *chain, int64_t deadline_mono_ms,
                                          struct dm_aws_credentials *ret, struct dm_err *err);
/* A service says that these have run out. True: others will come, and `get` waits for them. */
bool dm_aws_chain_expired(struct dm_aws_chain *chain, const struct dm_aws_credentials *credentials);
void dm_aws_chain_interrupt(struct dm_aws_chain *chain);
void dm_aws_chain_free(struct dm_aws_chain *chain); /* accepts NULL */

#endif
