/* providers.c: the table. */
#include "provider.h"

static const struct dm_provider *const providers[] = {
    &dm_provider_gemini,
    &dm_provider_bedrock,
    &dm_provider_openai,
    &dm_provider_anthropic,
};

const struct dm_provider *dm_provider_at(size_t i)
{
    return i < DM_COUNT(providers) ? providers[i] : NULL;
}

const struct dm_provider *dm_provider_named(struct dm_str name)
{
    for (size_t i = 0; i < DM_COUNT(providers); i++)
        if (dm_str_eq(name, dm_str_z(providers[i]->name)))
            return providers[i];
    return NULL;
}
