/* cloud.h: private to cli: the backends on Amazon's services that the settings name, over one client. */
#ifndef DM_CLI_CLOUD_H
#define DM_CLI_CLOUD_H

#include "aws/aws.h"
#include "cli/settings.h"

struct dm_cloud {
    struct dm_aws *aws;               /* NULL: nothing lies there */
    struct dm_s3 *s3;                 /* NULL: blobs do not */
    struct dm_dynamo *dynamo;         /* NULL: the ledger does not */
    struct dm_kms *kms;               /* NULL: secrets are sealed by the key file */
    struct dm_parameter_watch *watch; /* NULL: no settings lie there */
};

/* What lies below SSM_PARAMETER_PATH; nothing where that is not set. Within seconds. */
DM_MUST_USE enum dm_code dm_cloud_parameters(const struct dm_settings *settings, struct dm_parameters *ret,
                                             struct dm_err *err);

/* Secrets are settings among the parameters, too. */
enum dm_cloud_part { DM_CLOUD_LEDGER = 1, DM_CLOUD_BLOBS = 2, DM_CLOUD_SECRETS = 4 };

bool dm_cloud_has_ledger(const struct dm_settings *settings);
/* Its name, where it does. */
struct dm_str dm_cloud_table(const struct dm_settings *settings);
bool dm_cloud_has_blobs(const struct dm_settings *settings);
/* The parameter that the key of the settings' model came from; NULL: from none. Its value is that of now for each call; of all other
 * settings it is that of the start. */
const char *dm_cloud_model_key(const struct dm_settings *settings);
/* Whether settings or keys lie there. */
bool dm_cloud_has_secrets(const struct dm_settings *settings);
/* Tries what they need, and appends what was found. */
DM_MUST_USE enum dm_code dm_cloud_try_secrets(const struct dm_settings *settings, struct dm_runtime runtime,
                                              struct dm_buf *saw, struct dm_err *err);
/* Makes the table that STORE names, or adds what can be added to it; dm_dynamo_init. May take minutes. */
DM_MUST_USE enum dm_code dm_cloud_make_table(const struct dm_settings *settings, struct dm_runtime runtime,
                                             bool *ret_made, struct dm_err *err);
/* Of `parts` (bits of enum dm_cloud_part) opens what the settings name, perhaps nothing, and tries it: what is wrong shows now, and by
 * its name. The settings must live as long. What is on its way waits in DOCMILL_DATA. */
DM_MUST_USE enum dm_code dm_cloud_open(const struct dm_settings *settings, unsigned parts, struct dm_runtime runtime,
                                       struct dm_cloud *ret, struct dm_err *err);
void dm_cloud_close(struct dm_cloud *cloud); /* also where it was never opened */

/* What AWS's part of docmill asks for its variables; the settings must live as long. */
struct dm_aws_environment dm_cloud_environment(const struct dm_settings *settings);

#endif
