/* look.c: whether there is such a model, asked before the first page is. */
#include "models/remote.h"

#include "net/multi.h"
#include "provider.h"

struct looking {
    const struct dm_provider *provider;
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    bool done;
    bool unknown;
};

static void on_done(void *context, enum dm_code code, struct dm_http_answer *http, const struct dm_err *err)
{
    struct looking *looking = context;
    DM_AUTO(dm_provider_heard) heard = { .text = dm_buf_make(0) };
    if (code == DM_OK && http->status == 404)
        looking->provider->read(http, dm_wall_ms(looking->runtime), &heard);
    dm_lock(looking->runtime, looking->monitor);
    looking->unknown = heard.model_unknown;
    looking->done = true;
    dm_wake_all(looking->runtime, looking->monitor);
    dm_unlock(looking->runtime, looking->monitor);
}

static enum dm_code send(const struct dm_model_remote_options *options, const struct dm_provider *provider,
                         struct dm_str model, int64_t wait_ms, struct looking *looking, struct dm_err *err)
{
    struct dm_str base_url = dm_str_z(options->base_url);
    while (dm_str_ends(base_url, DM_STR("/")))
        base_url.len--;
    const struct dm_provider_access access = { .base_url = base_url, .key = options->key };
    DM_AUTO(dm_provider_call)
    out = { .url = dm_buf_make(DM_PROVIDER_URL_MAX), .body = dm_buf_make(0) };
    struct dm_http_pair headers[DM_PROVIDER_HEADERS_MAX];
    enum dm_code rc = provider->look(model, &access, &out, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t i = 0; i < out.header_count; i++)
        headers[i] = (struct dm_http_pair){ out.headers[i].name, dm_secret_reveal(&out.headers[i].value) };
    const struct dm_http_request request = { .url = dm_buf_str(&out.url),
                                             .headers = headers,
                                             .header_count = out.header_count,
                                             .connect_ms = wait_ms,
                                             .total_ms = wait_ms };
    return dm_multi_send(options->multi, &request, on_done, looking, err);
}

enum dm_code dm_model_remote_look(const struct dm_model_remote_options *options, int64_t wait_ms, struct dm_err *err)
{
    struct dm_model_name name;
    enum dm_code rc = dm_model_name_parse(dm_str_z(options->name), &name, err);
    const struct dm_provider *provider = rc == DM_OK ? dm_provider_named(name.provider) : NULL;
    if (rc != DM_OK || !provider || !provider->look || !options->key || !dm_secret_is_set(options->key))
        return rc;
    struct looking looking = { .provider = provider, .runtime = options->runtime };
    rc = dm_monitor_make(looking.runtime, &looking.monitor, err);
    if (rc != DM_OK)
        return rc;
    if (send(options, provider, name.model, wait_ms, &looking, NULL) == DM_OK) {
        dm_lock(looking.runtime, looking.monitor);
        while (!looking.done)
            (void)dm_wait_until(looking.runtime, looking.monitor, DM_FOREVER); /* it has `wait_ms` */
        dm_unlock(looking.runtime, looking.monitor);
    }
    if (looking.unknown)
        rc = dm_fail(err, DM_NOT_FOUND, "MODEL=%.100s: %s knows no such model; correct the name, as in %s",
                     options->name, provider->name, provider->example);
    dm_monitor_free(looking.runtime, looking.monitor);
    return rc;
}
