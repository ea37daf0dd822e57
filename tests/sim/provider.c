/* provider.c: whose key is whose, how many calls of a key the provider bears, and what it is in the mood for.
 *
 * Its limit is no fault that heals: what it bears stays as it is to the end of the run. */
#include "provider.h"

#include <math.h>
#include <stdlib.h>

enum { BURST_S = 1, ACCOUNTS_A_TENANT = 1000 };

/* A tenant with a key of its own is counted by itself; 0: all others. */
static uint32_t slot_of(const struct sim *sim, const struct dm_tenant *tenant)
{
    uint32_t number = (uint32_t)strtoul(tenant->id + sizeof("tenant-") - 1, NULL, 10);
    return sim->provider.keys[number] ? number : 0;
}

uint64_t provider_account(const struct sim *sim, const struct dm_tenant *tenant)
{
    uint32_t slot = slot_of(sim, tenant);
    return slot ? (uint64_t)slot * ACCOUNTS_A_TENANT + sim->provider.keys[slot] : 0;
}

bool provider_has_account(const struct sim *sim, uint64_t account)
{
    return account > 0 && sim->provider.keys[account / ACCOUNTS_A_TENANT] == account % ACCOUNTS_A_TENANT;
}

bool provider_strikes(const struct sim *sim, uint32_t tenant)
{
    return sim->provider.struck >> (sim->provider.keys[tenant] ? tenant : 0) & 1;
}

static enum mood mood_towards(const struct sim *sim, const struct dm_tenant *tenant)
{
    return (sim->provider.struck >> slot_of(sim, tenant) & 1) ? sim->provider.mood : MOOD_FINE;
}

bool provider_knows_no_key(const struct sim *sim, const struct dm_tenant *tenant)
{
    return mood_towards(sim, tenant) == MOOD_NO_KEY;
}

/* False: it is one too many. */
static bool bears(struct sim *sim, const struct dm_tenant *tenant, struct reply *ret)
{
    struct provider *provider = &sim->provider;
    if (provider->per_second == 0)
        return true;
    uint32_t slot = slot_of(sim, tenant);
    double *level = &provider->level[slot];
    double flown = (double)(sim->now_us - provider->at_us[slot]) / 1e6 * provider->per_second;
    *level = fmin((double)provider->per_second * BURST_S, *level + flown);
    provider->at_us[slot] = sim->now_us;
    if (provider->says_limits)
        ret->limits.requests_per_minute = (uint64_t)provider->per_second * 60;
    bool borne = *level >= 1;
    *level -= borne;
    int64_t wait_ms = *level < 1 ? (int64_t)((1 - *level) * 1000 / provider->per_second) + 1 : 0;
    if (borne && provider->says_limits)
        ret->limits.pause_ms = wait_ms;
    if (!borne && provider->says_when)
        ret->retry_after_ms = wait_ms + sim_below(sim, 500);
    return borne;
}

static void be_away(struct sim *sim, struct reply *ret)
{
    static const enum dm_reason reasons[] = { DM_REASON_OVERLOADED, DM_REASON_OVERLOADED, DM_REASON_OVERLOADED,
                                              DM_REASON_NETWORK,    DM_REASON_NETWORK,    DM_REASON_MODEL_TIMEOUT };
    ret->reason = reasons[sim_below(sim, sizeof(reasons) / sizeof(reasons[0]))];
    if (ret->reason == DM_REASON_OVERLOADED && sim_one_in(sim, 2))
        ret->retry_after_ms = 500 + sim_below(sim, sim_one_in(sim, 6) ? 60000 : 6000);
}

void provider_answers(struct sim *sim, const struct dm_tenant *tenant, struct reply *ret)
{
    switch (mood_towards(sim, tenant)) {
    case MOOD_STORM:
        if (sim_one_in(sim, 10))
            break;
        ret->reason = DM_REASON_RATE_LIMITED;
        if (sim_one_in(sim, 2))
            ret->retry_after_ms = 100 + sim_below(sim, sim_one_in(sim, 6) ? 90000 : 8000);
        return;
    case MOOD_AWAY:
        be_away(sim, ret);
        return;
    case MOOD_KEY_REFUSED:
        ret->reason = DM_REASON_AUTH_FAILED;
        return;
    case MOOD_QUOTA:
        ret->reason = DM_REASON_QUOTA_EXHAUSTED;
        return;
    default:
        break;
    }
    if (!bears(sim, tenant, ret))
        ret->reason = DM_REASON_RATE_LIMITED;
}

/* ---- the run ---- */

void provider_choose(struct sim *sim)
{
    struct provider *provider = &sim->provider;
    for (uint32_t tenant = 1; tenant <= sim->tenant_count; tenant++)
        provider->keys[tenant] = sim_one_in(sim, 3);
    if (!sim_has(sim, FAULT_LIMITS))
        return;
    provider->per_second = 1 + sim_below(sim, sim_one_in(sim, 2) ? 5 : 30);
    provider->says_when = sim_one_in(sim, 2);
    provider->says_limits = sim_one_in(sim, 2);
}

void provider_turn(struct sim *sim, enum mood mood)
{
    static const char *const names[] = { "in a good mood",   "throttling most calls", "away",
                                         "refusing the key", "out of quota",          "one without a key" };
    sim->provider.mood = mood;
    sim->provider.struck = sim_one_in(sim, 2) ? UINT32_MAX : 1U << sim_below(sim, TENANTS_MAX + 1);
    sim_tell(sim, "the provider is %s, for keys %x", names[mood], sim->provider.struck);
}

void provider_change_key(struct sim *sim)
{
    uint32_t tenant = 1 + sim_below(sim, sim->tenant_count);
    sim->provider.keys[tenant]++;
    sim_tell(sim, "tenant %u has another key", tenant);
}
