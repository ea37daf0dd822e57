/* model_heard.h: what the harnesses of the providers' readers share. */
#ifndef DM_TESTS_FUZZ_MODEL_HEARD_H
#define DM_TESTS_FUZZ_MODEL_HEARD_H

#include "models/provider.h"

/* Line 1: the status. Lines up to an empty one: headers. The rest is the body. */
void fuzz_model_heard(const struct dm_provider *provider, const uint8_t *data, size_t size);

#endif
