/* secret_server.c: tenants' secrets, kept by the server that has the folder. */
#include "base/encode.h"
#include "cli/client.h"
#include "cli/secret.h"

enum { TEXT_MAX = 64 * 1024 };

static enum dm_exit tell(const struct dm_call *call, const char *path, struct dm_str body)
{
    struct dm_client client;
    json_auto_t *answer = NULL;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    const struct dm_ask asked = {
        .method = "POST", .path = dm_str_z(path), .body = body, .answer_max = TEXT_MAX, .across_tenants = true
    };
    exit = dm_client_ask_json(&client, &asked, DM_STR(""), &answer);
    dm_client_close(&client);
    return exit;
}

static void add_names(struct dm_buf *body, const struct dm_tenant *tenant, struct dm_str name)
{
    dm_buf_add_z(body, "{\"tenantId\":");
    dm_buf_add_json_string(body, dm_str_z(tenant->id));
    dm_buf_add_z(body, ",\"name\":");
    dm_buf_add_json_string(body, name);
}

static enum dm_exit set(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name,
                        const struct dm_secret *value)
{
    struct dm_err err;
    struct dm_buf body = dm_buf_make(TEXT_MAX);
    (void)dm_buf_reserve(&body, TEXT_MAX); /* it does not move, and leaves nothing behind */
    add_names(&body, tenant, name);
    dm_buf_add_z(&body, ",\"value\":");
    dm_buf_add_json_string(&body, dm_secret_reveal(value));
    dm_buf_add_char(&body, '}');
    enum dm_exit exit = dm_buf_check(&body, "the request", &err) == DM_OK
                            ? tell(call, "/admin/secrets", dm_buf_str(&body))
                            : dm_say_error(call, DM_EXIT_FAILED, "", &err, "");
    dm_buf_wipe(&body);
    return exit;
}

static enum dm_exit take_away(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name)
{
    DM_AUTO(dm_buf) body = dm_buf_make(TEXT_MAX);
    add_names(&body, tenant, name);
    dm_buf_add_char(&body, '}');
    return tell(call, "/admin/secrets/remove", dm_buf_str(&body));
}

static enum dm_exit list_all(const struct dm_call *call, const struct dm_tenant *tenant, json_t **ret)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    exit = dm_client_ask_list(&client, DM_STR("/admin/secrets?limit=1000"), tenant ? tenant->id : NULL, "secrets",
                              SIZE_MAX, ret);
    dm_client_close(&client);
    return exit;
}

const struct dm_secret_place dm_secret_server = { set, take_away, list_all };
