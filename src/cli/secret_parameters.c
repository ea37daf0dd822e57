/* secret_parameters.c: secrets of all tenants together: settings that lie as parameters below SSM_PARAMETER_PATH. Servers see a new one
 * within their SSM_REFRESH_SECONDS. */
#include "base/calendar.h"
#include "cli/cloud.h"
#include "cli/secret.h"
#include "embedded/embedded.h"

enum { NAME_MAX_BYTES = DM_PARAMETER_NAME_MAX, CALL_MS = 20 * DM_SECOND_MS };

static int64_t deadline(void)
{
    return dm_mono_ms(dm_threads_runtime()) + CALL_MS;
}

/* The one that is there in either spelling, so that none is there twice; else as most write it: "gemini-api-key". */
static enum dm_code find_name(struct dm_aws *aws, struct dm_str path, struct dm_str name, struct dm_buf *ret,
                              bool *ret_there, struct dm_err *err)
{
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    enum dm_code rc = dm_parameters_read(aws, path, deadline(), &parameters, err);
    if (rc != DM_OK)
        return rc;
    *ret_there = false;
    for (uint32_t i = 0; i < parameters.count && !*ret_there; i++) {
        const struct dm_setting *setting = dm_setting_of_parameter(dm_str_z(parameters.at[i].name));
        *ret_there = setting && dm_str_eq(dm_str_z(setting->name), name);
        if (*ret_there)
            dm_buf_add_z(ret, parameters.at[i].name);
    }
    for (size_t i = 0; i < name.len && !*ret_there; i++) {
        char c = name.at[i];
        dm_buf_add_char(ret, (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    return dm_buf_check(ret, "the name of a parameter", err);
}

/* `value` NULL: it is removed. */
static enum dm_code change(const struct dm_settings *settings, struct dm_str name, const struct dm_secret *value,
                           struct dm_err *err)
{
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(),
                                            .environment = dm_cloud_environment(settings),
                                            .connections_max = 2 };
    DM_AUTO(dm_buf) parameter = dm_buf_make(NAME_MAX_BYTES);
    struct dm_aws *aws = NULL;
    bool there = false;
    struct dm_str keys = settings->kms_keys;
    enum dm_code rc = dm_aws_open(&options, &aws, err);
    if (rc == DM_OK)
        rc = find_name(aws, settings->ssm_path, name, &parameter, &there, err);
    const struct dm_parameter_write write = { .path = settings->ssm_path,
                                              .name = dm_buf_str(&parameter),
                                              .value = value,
                                              .kms_key = dm_str_cut(keys, 0, dm_str_find_char(keys, ',')) };
    if (rc == DM_OK && value)
        rc = dm_parameter_put(aws, &write, deadline(), err);
    else if (rc == DM_OK && there)
        rc = dm_parameter_remove(aws, settings->ssm_path, dm_buf_str(&parameter), deadline(), err);
    else if (rc == DM_OK)
        rc = dm_fail(err, DM_NOT_FOUND, "there is no parameter for %.*s below %s", DM_STR_ARG(name),
                     settings->ssm_path.at);
    dm_aws_close(aws);
    return rc;
}

static enum dm_exit set(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name,
                        const struct dm_secret *value)
{
    struct dm_err err;
    (void)tenant; /* it is everybody's */
    return change(&call->settings, name, value, &err) == DM_OK
               ? DM_EXIT_DONE
               : dm_say_error(call, DM_EXIT_FAILED, "the parameter cannot be written", &err, "");
}

static enum dm_exit take_away(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name)
{
    struct dm_err err;
    (void)tenant;
    enum dm_code rc = change(&call->settings, name, NULL, &err);
    return rc == DM_OK
               ? DM_EXIT_DONE
               : dm_say_error(call, rc == DM_NOT_FOUND ? DM_EXIT_NOT_KNOWN : DM_EXIT_FAILED, "nothing was removed",
                              &err, "docmill settings shows which parameters there are.");
}

const struct dm_secret_place dm_secret_parameters = { set, take_away, NULL };
