/* model.c: the model that the settings name, opened. */
#include <string.h>

#include "base/alloc.h"
#include "cli/works.h"

enum {
    CALLS = 8,       /* at once, where nobody said how many */
    LOOK_MS = 3000,  /* whether there is such a model; a provider that is not there now is no reason not to start */
    CALLS_TIMES = 4, /* so many times as many at most, where it goes well */
    CREDENTIALS_MS = 10000
};

/* ---- settings ---- */

/* The text of a setting; empty where it is not set, or where there is none of that name. */
static struct dm_str text_of(const struct dm_settings *settings, const char *name)
{
    const struct dm_setting *setting = name ? dm_setting_find(dm_str_z(name)) : NULL;
    struct dm_str text = DM_STR("");
    if (setting && setting->kind == DM_SETTING_TEXT)
        memcpy(&text, (const char *)settings + setting->offset, sizeof(text));
    return text;
}

static bool is_built_in(const struct dm_settings *settings)
{
    return dm_str_starts(settings->model, DM_STR("extractive"));
}

static uint32_t calls_of(const struct dm_settings *settings)
{
    return settings->model_concurrency ? settings->model_concurrency : CALLS;
}

uint32_t dm_model_calls_max(const struct dm_settings *settings)
{
    return is_built_in(settings) ? 2 * dm_or_processors(settings->model_concurrency) : CALLS_TIMES * calls_of(settings);
}

/* ---- AWS ---- */

/* A region and credentials for requests that are signed; with a key only the region. */
static enum dm_code find_aws(const struct dm_settings *settings, bool has_key, struct dm_runtime runtime,
                             struct dm_opened_model *model, struct dm_buf *region, struct dm_err *err)
{
    const struct dm_aws_environment environment = dm_cloud_environment(settings);
    enum dm_code rc = dm_aws_region_find(&environment, region, err);
    if (rc == DM_NOT_FOUND && settings->bedrock_url.len)
        rc = DM_OK;
    if (rc != DM_OK || has_key)
        return rc;
    const struct dm_aws_options options = { .runtime = runtime,
                                            .environment = environment,
                                            .region = region->len ? dm_buf_str(region) : DM_STR("us-east-1") };
    DM_AUTO(dm_aws_credentials) first = { .key = { NULL } };
    rc = dm_aws_open(&options, &model->aws, err);
    return rc == DM_OK ? dm_aws_credentials_get(model->aws, dm_mono_ms(runtime) + CREDENTIALS_MS, &first, err) : rc;
}

static enum dm_code credentials_of(void *context, struct dm_aws_credentials *ret, struct dm_err *err)
{
    return dm_aws_credentials_get(context, 0, ret, err);
}

static bool credentials_expired(void *context, const struct dm_aws_credentials *used)
{
    return dm_aws_credentials_expired(context, used);
}

/* ---- a key that changes ---- */

struct dm_model_key {
    struct dm_parameter_watch *watch;
    const char *parameter; /* in the settings */
};

static enum dm_code key_of_now(void *context, struct dm_secret *ret, struct dm_err *err)
{
    const struct dm_model_key *key = context;
    DM_AUTO(dm_secret) whole = { 0 };
    enum dm_code rc = dm_parameter_watch_get(key->watch, key->parameter, &whole, err);
    return rc == DM_OK ? dm_secret_make(dm_str_trim(dm_secret_reveal(&whole)), key->parameter, ret, err) : rc;
}

static void key_was_refused(void *context)
{
    const struct dm_model_key *key = context;
    dm_parameter_watch_hurry(key->watch);
}

/* Only where the value in force came from a parameter: a flag or a variable goes before it. */
static enum dm_code follow_key(const struct dm_settings *settings, struct dm_parameter_watch *watch,
                               struct dm_opened_model *model, struct dm_err *err)
{
    const char *parameter = dm_cloud_model_key(settings);
    if (!watch || !parameter)
        return DM_OK;
    model->key = dm_alloc(sizeof(*model->key));
    if (!model->key)
        return dm_fail_memory(err);
    *model->key = (struct dm_model_key){ watch, parameter };
    return DM_OK;
}

/* ---- opening ---- */

static enum dm_code open_built_in(const struct dm_settings *settings, struct dm_runtime runtime, uint32_t queue_max,
                                  struct dm_opened_model *ret, struct dm_err *err)
{
    const struct dm_models_extractive_options options = { .runtime = runtime,
                                                          .threads = dm_or_processors(settings->model_concurrency),
                                                          .queue_max = queue_max };
    /* Calls that it has taken and not begun keep it from waiting for the next. */
    uint32_t calls = dm_model_calls_max(settings);
    ret->limits = (struct dm_limit_options){ .concurrency = calls, .concurrency_max = calls };
    return dm_model_extractive_start(&options, &ret->port, err);
}

/* Tenants' own keys. Where there is no common one and no tenant has any, the model refuses to start without. */
static enum dm_code open_tenant_keys(const struct dm_ports *ports, struct dm_str provider, bool has_common,
                                     struct dm_opened_model *ret, struct dm_err *err)
{
    const char *name = dm_model_key_setting(provider);
    bool any = has_common || dm_model_key_optional(provider);
    enum dm_code rc = DM_OK;
    if (!ports || !name)
        return DM_OK;
    if (!any)
        rc = dm_tenant_key_any(ports, dm_str_z(name), &any, err);
    return rc == DM_OK && any ? dm_tenant_keys_make(ports, name, &ret->tenant_keys, err) : rc;
}

static enum dm_code open_remote(const struct dm_settings *settings, struct dm_runtime runtime,
                                const struct dm_ports *ports, struct dm_parameter_watch *watch,
                                struct dm_opened_model *ret, struct dm_err *err)
{
    struct dm_model_name name;
    enum dm_code rc = dm_model_name_parse(settings->model, &name, err);
    if (rc != DM_OK)
        return rc;
    struct dm_str key_text = text_of(settings, dm_model_key_setting(name.provider));
    struct dm_str url = text_of(settings, dm_model_url_setting(name.provider));
    DM_AUTO(dm_buf) region = dm_buf_make(256);
    if (dm_model_signs(name.provider))
        rc = find_aws(settings, key_text.len > 0, runtime, ret, &region, err);
    struct dm_secret key = { 0 };
    if (rc == DM_OK && key_text.len)
        rc = dm_secret_make(key_text, "the key of the model's provider", &key, err);
    if (rc == DM_OK)
        rc = open_tenant_keys(ports, name.provider, key_text.len > 0, ret, err);
    if (rc == DM_OK)
        rc = follow_key(settings, watch, ret, err);
    const struct dm_multi_options multi = { .runtime = runtime,
                                            .user_agent = "docmill",
                                            .requests_max = 2 * dm_model_calls_max(settings),
                                            .connections_max = dm_model_calls_max(settings) };
    if (rc == DM_OK)
        rc = dm_multi_make(&multi, &ret->multi, err);
    const struct dm_model_remote_options options = { .runtime = runtime,
                                                     .multi = ret->multi,
                                                     .name = settings->model.at,
                                                     .base_url = url.len ? url.at : NULL,
                                                     .key = key_text.len ? &key : NULL,
                                                     .key_of = ret->tenant_keys ? dm_tenant_keys_get : NULL,
                                                     .key_of_context = ret->tenant_keys,
                                                     .key_of_now = ret->key ? key_of_now : NULL,
                                                     .key_was_refused = ret->key ? key_was_refused : NULL,
                                                     .key_of_now_context = ret->key,
                                                     .region = region.len ? dm_buf_z(&region) : NULL,
                                                     .credentials_of = ret->aws ? credentials_of : NULL,
                                                     .credentials_expired = credentials_expired,
                                                     .credentials_context = ret->aws,
                                                     .deadline_ms = settings->model_timeout_ms,
                                                     .concurrency = calls_of(settings) };
    if (rc == DM_OK)
        rc = dm_model_remote_start(&options, &ret->port, err);
    if (rc == DM_OK)
        rc = dm_model_remote_look(&options, LOOK_MS, err);
    dm_secret_free(&key);
    if (rc == DM_OK)
        ret->limits = (struct dm_limit_options){ .concurrency = dm_model_concurrency(ret->port),
                                                 .concurrency_max = dm_model_calls_max(settings),
                                                 .requests_per_minute = settings->model_rpm,
                                                 .tokens_per_minute = settings->model_tpm };
    return rc;
}

enum dm_code dm_model_open(const struct dm_settings *settings, struct dm_runtime runtime, const struct dm_ports *ports,
                           struct dm_parameter_watch *watch, uint32_t queue_max, struct dm_opened_model *ret,
                           struct dm_err *err)
{
    struct dm_opened_model model = { .multi = NULL };
    enum dm_code rc = is_built_in(settings) ? open_built_in(settings, runtime, queue_max, &model, err)
                                            : open_remote(settings, runtime, ports, watch, &model, err);
    if (rc == DM_OK)
        *ret = model;
    else
        dm_model_close(&model);
    return rc;
}

void dm_model_close(struct dm_opened_model *model)
{
    if (model->port.ops && !model->multi)
        dm_model_extractive_stop(&model->port);
    else if (model->port.ops)
        dm_model_remote_stop(&model->port);
    dm_multi_free(model->multi);
    dm_tenant_keys_free(model->tenant_keys);
    dm_aws_close(model->aws);
    dm_free(model->key);
    *model = (struct dm_opened_model){ .multi = NULL };
}
