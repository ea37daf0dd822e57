/* provider.h: the model's provider, as the models of all nodes meet it. */
#ifndef DM_SIM_PROVIDER_H
#define DM_SIM_PROVIDER_H

#include "sim.h"

/* What will come of a call. */
struct reply {
    enum dm_reason reason;
    int64_t retry_after_ms;
    struct dm_model_limits limits;
    uint32_t tokens; /* that it uses */
};

uint64_t provider_account(const struct sim *sim, const struct dm_tenant *tenant);
bool provider_knows_no_key(const struct sim *sim, const struct dm_tenant *tenant);
/* A call reaches it now. */
void provider_answers(struct sim *sim, const struct dm_tenant *tenant, struct reply *ret);

#endif
