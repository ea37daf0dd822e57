/* secret_server.c: tenants' secrets, kept by the server that has the folder. */
#include "base/encode.h"
#include "cli/client.h"
#include "cli/secret.h"

enum { TEXT_MAX = 64 * 1024, JSON_MAX = 64 * 1024 * 1024, PART = 1000 };

/* `body` empty: a question. */
static enum dm_exit ask(const struct dm_call *call, const char *path, struct dm_str body, json_t **ret)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    const struct dm_ask asked = { .method = body.len ? "POST" : NULL,
                                  .path = dm_str_z(path),
                                  .body = body,
                                  .answer_max = JSON_MAX,
                                  .across_tenants = true };
    exit = dm_client_ask_json(&client, &asked, DM_STR(""), ret);
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
    json_auto_t *answer = NULL;
    struct dm_buf body = dm_buf_make(TEXT_MAX);
    (void)dm_buf_reserve(&body, TEXT_MAX); /* it does not move, and leaves nothing behind */
    add_names(&body, tenant, name);
    dm_buf_add_z(&body, ",\"value\":");
    dm_buf_add_json_string(&body, dm_secret_reveal(value));
    dm_buf_add_char(&body, '}');
    enum dm_exit exit = dm_buf_check(&body, "the request", &err) == DM_OK
                            ? ask(call, "/admin/secrets", dm_buf_str(&body), &answer)
                            : dm_say_error(call, DM_EXIT_FAILED, "", &err, "");
    dm_buf_wipe(&body);
    return exit;
}

static enum dm_exit take_away(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name)
{
    json_auto_t *answer = NULL;
    DM_AUTO(dm_buf) body = dm_buf_make(TEXT_MAX);
    add_names(&body, tenant, name);
    dm_buf_add_char(&body, '}');
    return ask(call, "/admin/secrets/remove", dm_buf_str(&body), &answer);
}

static enum dm_exit list_all(const struct dm_call *call, const struct dm_tenant *tenant, json_t **ret)
{
    DM_AUTO(dm_buf) cursor = dm_buf_make(TEXT_MAX);
    json_t *all = NULL;
    do {
        DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
        json_auto_t *part = NULL;
        dm_buf_addf(&path, "/admin/secrets?limit=%d", PART);
        if (tenant) {
            dm_buf_add_z(&path, "&tenantId=");
            dm_buf_add_percent(&path, dm_str_z(tenant->id), false);
        }
        if (cursor.len > 0)
            dm_buf_addf(&path, "&cursor=%s", dm_buf_z(&cursor));
        enum dm_exit exit = ask(call, dm_buf_z(&path), DM_STR(""), &part);
        if (exit != DM_EXIT_DONE) {
            json_decref(all);
            return exit;
        }
        dm_buf_clear(&cursor);
        dm_buf_add_percent(&cursor, dm_json_str(part, "nextCursor"), false);
        if (all)
            (void)json_array_extend(json_object_get(all, "secrets"), json_object_get(part, "secrets"));
        else
            all = json_incref(part);
    } while (cursor.len > 0);
    (void)json_object_del(all, "nextCursor");
    *ret = all;
    return DM_EXIT_DONE;
}

const struct dm_secret_place dm_secret_server = { set, take_away, list_all };
