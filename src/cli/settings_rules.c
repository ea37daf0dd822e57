/* settings_rules.c: the rules of single values: why one is refused, in words that follow the setting's name. */
#include "cli/settings.h"

#include "aws/aws.h"
#include "domain/tenant.h"
#include "models/models.h"

const char *dm_refuse_model(struct dm_str value)
{
    static _Thread_local struct dm_err err;
    struct dm_model_name name;
    return dm_model_name_parse(value, &name, &err) == DM_OK ? NULL : err.text;
}

const char *dm_refuse_provider(struct dm_str value)
{
    static _Thread_local struct dm_err err;
    return dm_model_provider_check(value, &err) == DM_OK ? NULL : err.text;
}

const char *dm_refuse_table(struct dm_str value)
{
    return dm_dynamo_is_name(value) ? NULL : "needs the name of a table: 3 to 255 letters, digits, '.', '-' and '_'";
}

const char *dm_refuse_store(struct dm_str value)
{
    if (dm_str_starts(value, DM_STR("dynamodb:")))
        return dm_refuse_table(dm_str_from(value, DM_STR("dynamodb:").len));
    if (dm_str_starts(value, DM_STR("sqlite:")) && value.len > DM_STR("sqlite:").len)
        return NULL;
    if (dm_str_eq(value, DM_STR("sqlite:")))
        return "needs a path behind sqlite:";
    return "is neither sqlite:PATH nor dynamodb:TABLE";
}

const char *dm_refuse_stream(struct dm_str value)
{
    return dm_str_eq(value, DM_STR("sqlite:")) ? NULL : "only sqlite: is in this version";
}

const char *dm_refuse_blobs(struct dm_str value)
{
    if (dm_str_starts(value, DM_STR("file:")) && value.len > DM_STR("file:").len)
        return NULL;
    if (dm_str_eq(value, DM_STR("file:")))
        return "needs a folder behind file:";
    if (!dm_str_starts(value, DM_STR("s3:")))
        return "must be file:DIR, s3:BUCKET or s3:BUCKET/PREFIX";
    struct dm_str place = dm_str_from(value, DM_STR("s3:").len);
    return dm_refuse_bucket(dm_str_cut(place, 0, dm_str_find_char(place, '/')));
}

const char *dm_refuse_bucket(struct dm_str value)
{
    return dm_s3_bucket_valid(value) ? NULL : "needs the name of a bucket: 3 to 63 small letters, digits, - and .";
}

const char *dm_refuse_encryption(struct dm_str value)
{
    return dm_str_eq(value, DM_STR("AES256")) || dm_str_eq(value, DM_STR("aws:kms")) ? NULL
                                                                                     : "must be AES256 or aws:kms";
}

const char *dm_refuse_parameter_path(struct dm_str value)
{
    return dm_parameter_path_valid(value) ? NULL : "must be a path like /docmill/prod: letters, digits, . _ - and /";
}

const char *dm_refuse_kms_keys(struct dm_str value)
{
    return dm_kms_keys_valid(value) ? NULL : "must be the id, the ARN or the alias of a key, or up to four with commas";
}

const char *dm_refuse_url(struct dm_str value)
{
    struct dm_str rest = { 0 };
    if (dm_str_starts(value, DM_STR("http://")))
        rest = dm_str_from(value, DM_STR("http://").len);
    else if (dm_str_starts(value, DM_STR("https://")))
        rest = dm_str_from(value, DM_STR("https://").len);
    else
        return "must begin with http:// or https://";
    if (rest.len == 0 || rest.at[0] == '/' || rest.at[0] == ':')
        return "has no host";
    /* What RFC 3986 has no place for must not get into links, which stand in JSON and in headers. */
    static const struct dm_str foreign = DM_STR_INIT("?#\"\\<>^`{|}");
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] <= ' ' || (unsigned char)value.at[i] >= 0x7f ||
            dm_str_find_char(foreign, value.at[i]) < foreign.len)
            return "must be a plain URL without spaces, quotes, ? and #";
    return NULL;
}

const char *dm_refuse_auth(struct dm_str value)
{
    if (dm_str_eq(value, DM_STR("on")))
        return "on is not in this version: there are no keys yet. With off the server listens on loopback only";
    return NULL;
}

const char *dm_refuse_tenant(struct dm_str value)
{
    struct dm_tenant tenant;
    if (dm_tenant_parse(value, &tenant, NULL) == DM_OK)
        return NULL;
    return "must be 1 to 64 letters, digits or . _ : @ - and begin with a letter or digit";
}
