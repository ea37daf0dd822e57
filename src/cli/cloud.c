/* cloud.c: see cloud.h. */
#include "cli/cloud.h"

#include <stdlib.h>
#include <string.h>

/* The environment as the settings have it; of what is no setting, because a platform of Amazon's says it to all its programs, as it
 * is. */
static struct dm_str variable(void *context, const char *name)
{
    const struct dm_setting *setting = dm_setting_find(dm_str_z(name));
    struct dm_str text = DM_STR("");
    if (!setting)
        return dm_str_z(getenv(name));
    if (setting->kind == DM_SETTING_TEXT)
        memcpy(&text, (const char *)context + setting->offset, sizeof(text));
    return text;
}

struct dm_aws_environment dm_cloud_environment(const struct dm_settings *settings)
{
    return (struct dm_aws_environment){ variable, (void *)(uintptr_t)settings };
}

bool dm_cloud_has_blobs(const struct dm_settings *settings)
{
    return dm_str_starts(settings->blobs, DM_STR("s3:"));
}

/* "s3:BUCKET" or "s3:BUCKET/PREFIX". */
static enum dm_code open_s3(const struct dm_settings *settings, struct dm_cloud *cloud, struct dm_err *err)
{
    struct dm_str place = dm_str_from(settings->blobs, DM_STR("s3:").len);
    size_t slash = dm_str_find_char(place, '/');
    DM_AUTO(dm_buf) prefix = dm_buf_make(settings->blobs.len + 2);
    dm_buf_add(&prefix, dm_str_from(place, slash + 1));
    if (prefix.len > 0 && !dm_str_ends(dm_buf_str(&prefix), DM_STR("/")))
        dm_buf_add_char(&prefix, '/');
    enum dm_code rc = dm_buf_check(&prefix, "BLOBS", err);
    const struct dm_s3_options options = { .aws = cloud->aws,
                                           .bucket = dm_str_cut(place, 0, slash),
                                           .results_bucket = settings->s3_results_bucket,
                                           .prefix = dm_buf_str(&prefix),
                                           .encryption = settings->s3_encryption,
                                           .kms_key = settings->s3_kms_key,
                                           .temporary_folder = settings->data.at };
    struct dm_err why = { .code = DM_OK };
    if (rc == DM_OK && (rc = dm_s3_open(&options, &cloud->s3, &why)) != DM_OK)
        return dm_fail(err, rc, "BLOBS: %s", why.text);
    if (rc == DM_OK && (rc = dm_blob_check(dm_s3_blob(cloud->s3), &why)) != DM_OK)
        return dm_fail(err, rc, "BLOBS=%.*s: %s", DM_STR_ARG(dm_str_cut(settings->blobs, 0, 100)), why.text);
    return rc;
}

enum dm_code dm_cloud_open(const struct dm_settings *settings, struct dm_runtime runtime, struct dm_cloud *ret,
                           struct dm_err *err)
{
    struct dm_cloud cloud = { .aws = NULL };
    if (!dm_cloud_has_blobs(settings))
        return DM_OK;
    const struct dm_aws_options options = { .runtime = runtime, .environment = dm_cloud_environment(settings) };
    enum dm_code rc = dm_aws_open(&options, &cloud.aws, err);
    if (rc == DM_OK)
        rc = open_s3(settings, &cloud, err);
    if (rc == DM_OK)
        *ret = cloud;
    else
        dm_cloud_close(&cloud);
    return rc;
}

void dm_cloud_close(struct dm_cloud *cloud)
{
    dm_s3_close(cloud->s3);
    dm_aws_close(cloud->aws);
    *cloud = (struct dm_cloud){ .aws = NULL };
}
