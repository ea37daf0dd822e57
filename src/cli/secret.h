/* secret.h: private to cli: where the secrets lie that docmill secret keeps. The verb (secret.c) knows no place, and a place knows
 * nothing of terminals, names or tables. */
#ifndef DM_CLI_SECRET_H
#define DM_CLI_SECRET_H

#include "base/json.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "domain/tenant.h"

/* Each says what went wrong where it does not answer DM_EXIT_DONE. */
struct dm_secret_place {
    enum dm_exit (*set)(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name,
                        const struct dm_secret *value);
    enum dm_exit (*remove)(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name);
    /* {"secrets":[{"tenantId","name","created","changed"}],"failing":[{"tenantId","reason","detail","since"}]}, of all tenants where
     * `tenant` is NULL; the caller owns *ret. */
    enum dm_exit (*list)(const struct dm_call *call, const struct dm_tenant *tenant, json_t **ret);
};

extern const struct dm_secret_place dm_secret_server; /* the server's folder, through the server */
/* Everybody's: SSM's Parameter Store, where SSM_PARAMETER_PATH says so. Tenants are NULL there, and `list` is docmill settings. */
extern const struct dm_secret_place dm_secret_parameters;
extern const struct dm_secret_place dm_secret_folder; /* the folder of --data, which no server uses */

#endif
