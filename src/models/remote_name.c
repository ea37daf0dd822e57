/* remote_name.c: what a model may be called. */
#include "models/remote.h"

#include "provider.h"

static const struct dm_str built_in = DM_STR_INIT("extractive");

static void add_known(struct dm_buf *buf)
{
    dm_buf_add(buf, built_in);
    const struct dm_provider *provider;
    for (size_t i = 0; (provider = dm_provider_at(i)); i++)
        dm_buf_addf(buf, "%s%s", dm_provider_at(i + 1) ? ", " : " and ", provider->name);
}

/* The name is part of URLs and results: letters, digits and what models' names have between them. */
static bool is_name(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && !(c && strchr("-._:/@+", c)))
            return false;
    }
    return text.len > 0;
}

enum dm_code dm_model_name_parse(struct dm_str text, struct dm_model_name *ret, struct dm_err *err)
{
    size_t colon = dm_str_find_char(text, ':');
    struct dm_model_name name = { dm_str_cut(text, 0, colon), dm_str_from(text, colon + 1) };
    const struct dm_provider *provider = dm_provider_named(name.provider);
    if (text.len > DM_MODEL_NAME_MAX)
        return dm_fail(err, DM_INVALID, "must have at most %d characters", DM_MODEL_NAME_MAX);
    if (dm_str_eq(name.provider, built_in)) {
        if (name.model.len > 0)
            return dm_fail(err, DM_INVALID,
                           "must be extractive: alone: the built-in model has no others to choose from");
    } else if (!provider) {
        DM_AUTO(dm_buf) known = dm_buf_make(256);
        add_known(&known);
        return dm_fail(err, DM_INVALID, "must begin with a provider and a colon, as in %s; there are %s",
                       dm_provider_at(0)->example, dm_buf_z(&known));
    } else if (!is_name(name.model)) {
        return dm_fail(err, DM_INVALID, "must name a model of %s after the colon, as in %s", provider->name,
                       provider->example);
    }
    *ret = name;
    return DM_OK;
}

enum dm_code dm_model_provider_check(struct dm_str provider, struct dm_err *err)
{
    if (dm_str_eq(provider, built_in) || dm_provider_named(provider))
        return DM_OK;
    DM_AUTO(dm_buf) known = dm_buf_make(256);
    add_known(&known);
    return dm_fail(err, DM_INVALID, "must be the name of a provider; there are %s", dm_buf_z(&known));
}

const char *dm_model_name_setting(struct dm_str provider)
{
    const struct dm_provider *row = dm_provider_named(provider);
    return row ? row->name_setting : NULL;
}

const char *dm_model_key_setting(struct dm_str provider)
{
    const struct dm_provider *row = dm_provider_named(provider);
    return row ? row->key_setting : NULL;
}

const char *dm_model_url_setting(struct dm_str provider)
{
    const struct dm_provider *row = dm_provider_named(provider);
    return row ? row->url_setting : NULL;
}

bool dm_model_key_optional(struct dm_str provider)
{
    const struct dm_provider *row = dm_provider_named(provider);
    return row && (row->key_optional || row->signs);
}

bool dm_model_is_key_setting(struct dm_str name)
{
    const struct dm_provider *provider;
    for (size_t i = 0; (provider = dm_provider_at(i)); i++)
        if (dm_str_eq(name, dm_str_z(provider->key_setting)))
            return true;
    return false;
}

bool dm_model_signs(struct dm_str provider)
{
    const struct dm_provider *row = dm_provider_named(provider);
    return row && row->signs;
}
