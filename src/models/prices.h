/* prices.h: private to models: what calls cost, by a dated table.
 *
 * The table is of November 2026, from the providers' public price lists (standard tier, US dollars). It is there so that results
 * can say roughly what they cost; a bill is the provider's. Tokens are kept beside the cost, so it can be computed anew. */
#ifndef DM_MODELS_PRICES_H
#define DM_MODELS_PRICES_H

#include "provider.h"

/* Millionths of a dollar, rounded to the nearest; 0 for a model that the table does not know. `provider` as in
 * "gemini:…", `model` as the provider calls it: a version behind the name ("-001", "-20260101", "-v1:0", "-preview", "-latest") and,
 * at Bedrock, a region and a maker before it do not matter. */
uint64_t dm_price_micros(struct dm_str provider, struct dm_str model, const struct dm_tokens *tokens, int64_t wall_ms);

#endif
