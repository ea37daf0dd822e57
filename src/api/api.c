/* api.c: the interface as a whole: what all exchanges share. */
#include "base/alloc.h"
#include "exchange.h"

/* Without a slash at its end, and its host for the guard. */
static enum dm_code take_public_url(struct dm_api *api, struct dm_str url, struct dm_err *err)
{
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    api->public_url = dm_str_dup_z(url);
    if (!api->public_url)
        return dm_fail_memory(err);
    if (url.len == 0)
        return DM_OK;
    struct dm_str own = dm_str_of(api->public_url, url.len);
    size_t at = dm_str_find(own, DM_STR("://"));
    struct dm_str host = dm_str_from(own, at + 3);
    struct dm_str name, port;
    host = dm_str_cut(host, 0, dm_str_find_char(host, '/'));
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= 0x20 || (unsigned char)url.at[i] >= 0x7f || url.at[i] == '"' ||
            url.at[i] == '<' || url.at[i] == '>')
            at = own.len;
    if (at == own.len || !dm_host_split(host, &name, &port))
        return dm_fail(err, DM_INVALID, "PUBLIC_URL must be a URL like https://docs.example.com");
    api->public_host = host;
    return DM_OK;
}

enum dm_code dm_api_make(const struct dm_api_options *options, struct dm_api **ret, struct dm_err *err)
{
    struct dm_api *api = dm_alloc_zero(1, sizeof(*api));
    if (!api)
        return dm_fail_memory(err);
    api->options = *options;
    api->options.public_url = DM_STR("");
    api->pipeline = options->pipeline;
    enum dm_code rc = take_public_url(api, options->public_url, err);
    if (rc == DM_OK)
        rc = dm_health_make(api, &api->health, err);
    if (rc != DM_OK) {
        dm_api_free(api);
        return rc;
    }
    *ret = api;
    return DM_OK;
}

void dm_api_free(struct dm_api *api)
{
    if (!api)
        return;
    dm_health_free(api->health);
    dm_free(api->public_url);
    dm_free(api);
}

void dm_api_drain(struct dm_api *api)
{
    atomic_store(&api->draining, true);
}

void dm_api_check_health(struct dm_api *api)
{
    dm_health_check(api->health);
}
