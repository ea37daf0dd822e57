/* cloud.c: see cloud.h. */
#include "cli/cloud.h"

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/log.h"
#include "embedded/embedded.h"
#include "models/models.h"

enum { START_MS = 20 * DM_SECOND_MS };

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

static enum dm_code open_aws(const struct dm_settings *settings, struct dm_runtime runtime, struct dm_aws **ret,
                             struct dm_err *err)
{
    const struct dm_aws_options options = { .runtime = runtime, .environment = dm_cloud_environment(settings) };
    return dm_aws_open(&options, ret, err);
}

bool dm_cloud_has_ledger(const struct dm_settings *settings)
{
    return dm_str_starts(settings->store, DM_STR("dynamodb:"));
}

struct dm_str dm_cloud_table(const struct dm_settings *settings)
{
    return dm_str_from(settings->store, DM_STR("dynamodb:").len);
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

/* ---- parameters and keys ---------------------------------------------------------------------------------------- */

bool dm_cloud_has_secrets(const struct dm_settings *settings)
{
    return settings->ssm_path.len > 0 || settings->kms_keys.len > 0;
}

static enum dm_code read_parameters(const struct dm_settings *settings, struct dm_aws *aws, struct dm_parameters *ret,
                                    struct dm_err *err)
{
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc =
        dm_parameters_read(aws, settings->ssm_path, dm_mono_ms(dm_threads_runtime()) + START_MS, ret, &why);
    return rc == DM_OK ? rc
                       : dm_fail(err, rc, "SSM_PARAMETER_PATH=%.*s: %s",
                                 DM_STR_ARG(dm_str_cut(settings->ssm_path, 0, 100)), why.text);
}

enum dm_code dm_cloud_parameters(const struct dm_settings *settings, struct dm_parameters *ret, struct dm_err *err)
{
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(),
                                            .environment = dm_cloud_environment(settings),
                                            .connections_max = 2 };
    struct dm_aws *aws = NULL;
    if (settings->ssm_path.len == 0)
        return DM_OK;
    enum dm_code rc = dm_aws_open(&options, &aws, err);
    if (rc == DM_OK)
        rc = read_parameters(settings, aws, ret, err);
    dm_aws_close(aws);
    return rc;
}

const char *dm_cloud_model_key(const struct dm_settings *settings)
{
    uint32_t count;
    struct dm_model_name name;
    const char *key =
        dm_model_name_parse(settings->model, &name, NULL) == DM_OK ? dm_model_key_setting(name.provider) : NULL;
    const struct dm_setting *setting = key ? dm_setting_find(dm_str_z(key)) : NULL;
    return setting ? settings->parameters[setting - dm_settings_table(&count)] : NULL;
}

static void told(void *context, enum dm_parameter_news news, const char *name, const struct dm_err *why)
{
    const char *key = dm_cloud_model_key(context);
    switch (news) {
    case DM_PARAMETER_CHANGED:
        dm_log(DM_LOG_INFO, DM_EV_PARAMETER_CHANGED, dm_f_z("parameter", name),
               dm_f_z("used", key && strcmp(key, name) == 0 ? "now" : "from the next start"));
        return;
    case DM_PARAMETER_GONE:
        dm_log(DM_LOG_WARN, DM_EV_PARAMETER_GONE, dm_f_z("parameter", name));
        return;
    case DM_PARAMETERS_FAILING:
        dm_log(DM_LOG_ERROR, DM_EV_BACKEND_DOWN, dm_f_z("backend", "parameters"),
               dm_f_z("code", dm_code_name(why->code)), dm_f_z("error", why->text));
        return;
    case DM_PARAMETERS_BACK:
        dm_log(DM_LOG_INFO, DM_EV_BACKEND_UP, dm_f_z("backend", "parameters"));
        return;
    }
}

static enum dm_code open_watch(const struct dm_settings *settings, struct dm_cloud *cloud, struct dm_err *err)
{
    DM_AUTO(dm_parameters) first = { .at = NULL };
    enum dm_code rc = read_parameters(settings, cloud->aws, &first, err);
    const struct dm_parameter_watch_options options = { .aws = cloud->aws,
                                                        .path = settings->ssm_path,
                                                        .every_ms = settings->ssm_every_ms,
                                                        .told = told,
                                                        .told_context = (void *)(uintptr_t)settings };
    return rc == DM_OK ? dm_parameter_watch_start(&options, &first, &cloud->watch, err) : rc;
}

static enum dm_code open_kms(const struct dm_settings *settings, struct dm_aws *aws, struct dm_kms **ret,
                             struct dm_err *err)
{
    struct dm_err why = { .code = DM_OK };
    if (settings->ssm_path.len == 0)
        return dm_fail(err, DM_INVALID,
                       "KMS_KEY_ID needs SSM_PARAMETER_PATH, below which the key of signatures is kept; for example "
                       "SSM_PARAMETER_PATH=/docmill/prod");
    const struct dm_kms_options options = { .aws = aws, .keys = settings->kms_keys, .path = settings->ssm_path };
    enum dm_code rc = dm_kms_open(&options, dm_mono_ms(dm_threads_runtime()) + START_MS, ret, &why);
    return rc == DM_OK ? rc : dm_fail(err, rc, "KMS_KEY_ID: %s", why.text);
}

/* Seals and opens, as a tenant that there is not. */
static enum dm_code try_kms(struct dm_secrets secrets, struct dm_err *err)
{
    struct dm_tenant tenant;
    DM_AUTO(dm_buf) sealed = dm_buf_make(64 * 1024);
    DM_AUTO(dm_buf) opened = dm_buf_make(1024);
    enum dm_code rc = dm_tenant_parse(DM_STR("docmill:doctor"), &tenant, err);
    if (rc == DM_OK)
        rc = dm_secrets_seal(secrets, &tenant, "doctor", DM_STR("tried"), &sealed, err);
    return rc == DM_OK ? dm_secrets_open(secrets, &tenant, "doctor", dm_buf_str(&sealed), &opened, err) : rc;
}

enum dm_code dm_cloud_try_secrets(const struct dm_settings *settings, struct dm_runtime runtime, struct dm_buf *saw,
                                  struct dm_err *err)
{
    struct dm_cloud cloud = { .aws = NULL };
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    enum dm_code rc = open_aws(settings, runtime, &cloud.aws, err);
    bool has_path = settings->ssm_path.len > 0;
    if (rc == DM_OK && has_path)
        rc = read_parameters(settings, cloud.aws, &parameters, err);
    if (rc == DM_OK && has_path)
        dm_buf_addf(saw, "parameters below %s: %u", settings->ssm_path.at, parameters.count);
    if (rc == DM_OK && settings->kms_keys.len > 0) {
        rc = open_kms(settings, cloud.aws, &cloud.kms, err);
        if (rc == DM_OK)
            rc = try_kms(dm_kms_secrets(cloud.kms), err);
        if (rc == DM_OK)
            dm_buf_add_z(saw, "; KMS seals and opens");
    }
    dm_cloud_close(&cloud);
    return rc;
}

/* ---- all together ----------------------------------------------------------------------------------------------- */

/* The table must be there, and of this version; whether it has all that it needs is for the doctor. */
static enum dm_code open_dynamo(const struct dm_settings *settings, struct dm_cloud *cloud, struct dm_err *err)
{
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = dm_dynamo_open(cloud->aws, dm_cloud_table(settings), &cloud->dynamo, &why);
    if (rc == DM_OK)
        rc = dm_dynamo_verify_schema(cloud->dynamo, &why);
    return rc == DM_OK ? DM_OK : dm_fail(err, rc, "STORE: %s", why.text);
}

enum dm_code dm_cloud_make_table(const struct dm_settings *settings, struct dm_runtime runtime, bool *ret_made,
                                 struct dm_err *err)
{
    struct dm_cloud cloud = { .aws = NULL };
    enum dm_code rc = open_aws(settings, runtime, &cloud.aws, err);
    if (rc == DM_OK)
        rc = dm_dynamo_open(cloud.aws, dm_cloud_table(settings), &cloud.dynamo, err);
    if (rc == DM_OK)
        rc = dm_dynamo_init(cloud.dynamo, ret_made, err);
    dm_cloud_close(&cloud);
    return rc;
}

enum dm_code dm_cloud_open(const struct dm_settings *settings, unsigned parts, struct dm_runtime runtime,
                           struct dm_cloud *ret, struct dm_err *err)
{
    struct dm_cloud cloud = { .aws = NULL };
    bool ledger = (parts & DM_CLOUD_LEDGER) && dm_cloud_has_ledger(settings);
    bool blobs = (parts & DM_CLOUD_BLOBS) && dm_cloud_has_blobs(settings);
    bool secrets = (parts & DM_CLOUD_SECRETS) && dm_cloud_has_secrets(settings);
    if (!ledger && !blobs && !secrets)
        return DM_OK;
    enum dm_code rc = open_aws(settings, runtime, &cloud.aws, err);
    if (rc == DM_OK && secrets && settings->ssm_path.len > 0)
        rc = open_watch(settings, &cloud, err);
    if (rc == DM_OK && secrets && settings->kms_keys.len > 0)
        rc = open_kms(settings, cloud.aws, &cloud.kms, err);
    if (rc == DM_OK && ledger)
        rc = open_dynamo(settings, &cloud, err);
    if (rc == DM_OK && blobs)
        rc = open_s3(settings, &cloud, err);
    if (rc == DM_OK)
        *ret = cloud;
    else
        dm_cloud_close(&cloud);
    return rc;
}

void dm_cloud_close(struct dm_cloud *cloud)
{
    if (cloud->aws)
        dm_aws_interrupt(cloud->aws); /* nobody waits for the parameters that are being read */
    dm_parameter_watch_stop(cloud->watch);
    dm_kms_close(cloud->kms);
    dm_dynamo_close(cloud->dynamo);
    dm_s3_close(cloud->s3);
    dm_aws_close(cloud->aws);
    *cloud = (struct dm_cloud){ .aws = NULL };
}
