/* ssm_answer.c: parameters, as SSM's answers tell of them.
 *
 * What is read here decides which keys are sent where, so nothing is taken that was not asked for. Values are overwritten in the JSON
 * before it is freed; what its parser left elsewhere on its way is not reached. */
#include "aws/ssm.h"
#include "base/alloc.h"
#include "base/json.h"

/* ---- lists of parameters ---------------------------------------------------------------------------------------- */

void dm_parameter_free(struct dm_parameter *parameter)
{
    dm_free(parameter->name);
    dm_secret_free(&parameter->value);
    *parameter = (struct dm_parameter){ .name = NULL };
}

void dm_parameters_free(struct dm_parameters *parameters)
{
    for (uint32_t i = 0; i < parameters->count; i++)
        dm_parameter_free(&parameters->at[i]);
    dm_free(parameters->at);
    *parameters = (struct dm_parameters){ .at = NULL };
}

struct dm_parameter *dm_parameters_find(const struct dm_parameters *parameters, struct dm_str name)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (dm_str_eq(dm_str_z(parameters->at[i].name), name))
            return &parameters->at[i];
    }
    return NULL;
}

enum dm_code dm_parameters_add(struct dm_parameters *parameters, struct dm_parameter *parameter, struct dm_err *err)
{
    if (parameters->count == DM_PARAMETERS_MAX)
        return dm_fail(err, DM_TOO_LARGE, "SSM has more than %d parameters below the path", DM_PARAMETERS_MAX);
    struct dm_parameter *grown = dm_realloc(parameters->at, (parameters->count + 1) * sizeof(*grown));
    if (!grown)
        return dm_fail_memory(err);
    parameters->at = grown;
    grown[parameters->count++] = *parameter;
    *parameter = (struct dm_parameter){ .name = NULL };
    return DM_OK;
}

void dm_ssm_add_name(struct dm_buf *buf, struct dm_str path, struct dm_str name)
{
    dm_buf_add(buf, dm_str_ends(path, DM_STR("/")) ? dm_str_cut(path, 0, path.len - 1) : path);
    dm_buf_add_char(buf, '/');
    dm_buf_add(buf, name);
}

bool dm_parameter_path_valid(struct dm_str path)
{
    bool slash = false;
    if (path.len < 2 || path.len > DM_PARAMETER_NAME_MAX - 100 || path.at[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '_' || c == '-';
        if (!(letter || (c == '/' && !slash)))
            return false;
        slash = c == '/';
    }
    return true;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* Overwrites a parameter's value inside the JSON, which is about to be freed. */
static void forget_value(json_t *parameter)
{
    json_t *value = json_object_get(parameter, "Value");
    if (json_is_string(value))
        dm_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
}

static enum dm_code no_answer(const char *what, struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT, "SSM's answer %s", what);
}

/* The name behind the path, or the empty text. */
static struct dm_str name_below(struct dm_str whole, struct dm_str path)
{
    if (dm_str_ends(path, DM_STR("/")))
        path.len--;
    if (whole.len > DM_PARAMETER_NAME_MAX || !dm_str_starts(whole, path) || !dm_parameter_path_valid(path))
        return DM_STR("");
    struct dm_str rest = dm_str_from(whole, path.len);
    return rest.len > 1 && dm_parameter_path_valid(rest) && !dm_str_ends(rest, DM_STR("/")) ? dm_str_from(rest, 1)
                                                                                            : DM_STR("");
}

static enum dm_code take_parameter(const json_t *from, struct dm_str path, struct dm_parameter *ret, struct dm_err *err)
{
    struct dm_str name = name_below(dm_json_str(from, "Name"), path);
    struct dm_str value = dm_json_str(from, "Value"), type = dm_json_str(from, "Type");
    double changed_s = json_number_value(json_object_get(from, "LastModifiedDate"));
    int64_t version = dm_json_int(from, "Version", 0);
    bool encrypted = dm_str_eq(type, DM_STR("SecureString"));
    if (name.len == 0)
        return no_answer("names a parameter that was not asked for", err);
    if (value.len == 0 || value.len > DM_PARAMETER_VALUE_MAX || version < 1 ||
        !(encrypted || dm_str_eq(type, DM_STR("String")) || dm_str_eq(type, DM_STR("StringList"))))
        return no_answer("holds a parameter without value, type or version", err);
    struct dm_parameter parameter = { .name = dm_alloc(name.len + 1), .version = version, .encrypted = encrypted };
    if (!parameter.name)
        return dm_fail_memory(err);
    memcpy(parameter.name, name.at, name.len);
    parameter.name[name.len] = '\0';
    if (changed_s > 0 && changed_s < 1e11)
        parameter.changed_wall_ms = (int64_t)(changed_s * 1000);
    enum dm_code rc = dm_secret_make(value, "a parameter of SSM", &parameter.value, err);
    if (rc == DM_OK)
        *ret = parameter;
    else
        dm_parameter_free(&parameter);
    return rc;
}

static enum dm_code take_page(json_t *list, struct dm_str path, struct dm_parameters *parameters, struct dm_err *err)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one) {
        struct dm_parameter parameter = { .name = NULL };
        enum dm_code rc = take_parameter(one, path, &parameter, err);
        if (rc == DM_OK && dm_parameters_find(parameters, dm_str_z(parameter.name)))
            rc = no_answer("names a parameter twice", err);
        if (rc == DM_OK)
            rc = dm_parameters_add(parameters, &parameter, err);
        dm_parameter_free(&parameter);
        if (rc != DM_OK)
            return rc;
    }
    return DM_OK;
}

enum dm_code dm_ssm_page_read(struct dm_str answer, struct dm_str path, struct dm_parameters *parameters,
                              struct dm_buf *ret_token, struct dm_err *err)
{
    json_auto_t *root = NULL;
    enum dm_code rc = dm_json_parse(answer, "SSM's answer", &root, err);
    if (rc != DM_OK)
        return rc == DM_INVALID ? no_answer("is no JSON", err) : rc;
    json_t *list = json_object_get(root, "Parameters"), *next = json_object_get(root, "NextToken");
    struct dm_str token = dm_json_str(root, "NextToken");
    if (!json_is_array(list))
        rc = no_answer("has no parameters", err);
    else if ((next && !json_is_string(next) && !json_is_null(next)) || token.len > DM_SSM_TOKEN_MAX)
        rc = no_answer("names no next page", err);
    else
        rc = take_page(list, path, parameters, err);
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        forget_value(one);
    dm_buf_clear(ret_token);
    dm_buf_add(ret_token, token);
    return rc == DM_OK ? dm_buf_check(ret_token, "SSM's token", err) : rc;
}

enum dm_code dm_ssm_parameter_read(struct dm_str answer, struct dm_str path, struct dm_str name,
                                   struct dm_parameter *ret, struct dm_err *err)
{
    json_auto_t *root = NULL;
    enum dm_code rc = dm_json_parse(answer, "SSM's answer", &root, err);
    if (rc != DM_OK)
        return rc == DM_INVALID ? no_answer("is no JSON", err) : rc;
    json_t *one = json_object_get(root, "Parameter");
    struct dm_parameter parameter = { .name = NULL };
    rc = take_parameter(one, path, &parameter, err);
    forget_value(one);
    if (rc == DM_OK && !dm_str_eq(dm_str_z(parameter.name), name))
        rc = no_answer("names a parameter that was not asked for", err);
    if (rc != DM_OK) {
        dm_parameter_free(&parameter);
        return rc;
    }
    *ret = parameter;
    return DM_OK;
}
