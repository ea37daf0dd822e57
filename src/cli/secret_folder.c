/* secret_folder.c: tenants' secrets in a data folder that no server uses. */
#include "base/calendar.h"
#include "cli/secret.h"
#include "embedded/embedded.h"
#include "pipeline/pipeline.h"

enum { PART = 500, ROWS_BYTES = 1024 * 1024 };

struct folder {
    struct dm_embedded_set set;
    struct dm_ports ports;
};

static enum dm_exit open_folder(const struct dm_call *call, struct folder *ret)
{
    const struct dm_embedded_options options = { .folder = call->options.data };
    struct folder folder = { .ports = { .op = { 0 } } };
    struct dm_err err;
    enum dm_code rc = dm_embedded_open(&options, &folder.set, &err);
    if (rc != DM_OK)
        return dm_say_error(call, DM_EXIT_FAILED, call->options.data, &err,
                            rc == DM_BUSY ? "Without --data the server that uses it is asked."
                                          : "docmill doctor --data looks at the folder.");
    folder.ports.runtime = folder.set.runtime;
    folder.ports.store = folder.set.store;
    folder.ports.op = folder.set.op;
    folder.ports.secrets = folder.set.secrets;
    *ret = folder;
    return DM_EXIT_DONE;
}

static enum dm_exit set(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name,
                        const struct dm_secret *value)
{
    struct folder folder;
    struct dm_err err;
    enum dm_exit exit = open_folder(call, &folder);
    if (exit != DM_EXIT_DONE)
        return exit;
    enum dm_code rc = dm_tenant_key_set(&folder.ports, tenant, name, dm_secret_reveal(value), &err);
    dm_embedded_close(&folder.set);
    return rc == DM_OK ? exit
                       : dm_say_error(call, rc == DM_INVALID ? DM_EXIT_USAGE : DM_EXIT_FAILED, "the key cannot be kept",
                                      &err, "");
}

static enum dm_exit take_away(const struct dm_call *call, const struct dm_tenant *tenant, struct dm_str name)
{
    struct folder folder;
    struct dm_err err;
    enum dm_exit exit = open_folder(call, &folder);
    if (exit != DM_EXIT_DONE)
        return exit;
    enum dm_code rc = dm_tenant_key_remove(&folder.ports, tenant, name, &err);
    dm_embedded_close(&folder.set);
    return rc == DM_OK ? exit
                       : dm_say_error(call, rc == DM_NOT_FOUND ? DM_EXIT_NOT_KNOWN : DM_EXIT_FAILED,
                                      "nothing was removed", &err, "docmill secret list shows what there is.");
}

static json_t *instant(int64_t wall_ms)
{
    char text[DM_TIME_TEXT];
    struct dm_str words = dm_time_text(wall_ms, text);
    return json_stringn(words.at, words.len);
}

static enum dm_code list_rows(const struct dm_ports *ports, const struct dm_tenant *tenant, json_t *secrets,
                              struct dm_err *err)
{
    struct dm_secret_row after = { 0 };
    struct dm_tenant_key_list rows = { .more = true };
    while (rows.more) {
        DM_AUTO(dm_arena) arena = dm_arena_make(ROWS_BYTES);
        enum dm_code rc = dm_tenant_key_list(ports, tenant, &after, PART, &arena, &rows, err);
        if (rc != DM_OK)
            return rc;
        for (uint32_t i = 0; i < rows.count; i++) {
            after = rows.at[i];
            (void)json_array_append_new(secrets, json_pack("{s:s, s:s, s:o, s:o}", "tenantId", after.tenant.id, "name",
                                                           after.name, "created", instant(after.created_ms), "changed",
                                                           instant(after.changed_ms)));
        }
    }
    return DM_OK;
}

static enum dm_exit list(const struct dm_call *call, const struct dm_tenant *tenant, json_t **ret)
{
    struct folder folder;
    struct dm_err err;
    enum dm_exit exit = open_folder(call, &folder);
    if (exit != DM_EXIT_DONE)
        return exit;
    json_auto_t *secrets = json_array();
    enum dm_code rc = list_rows(&folder.ports, tenant, secrets, &err);
    dm_embedded_close(&folder.set);
    if (rc != DM_OK)
        return dm_say_error(call, DM_EXIT_FAILED, call->options.data, &err, "");
    *ret = json_pack("{s:O, s:[]}", "secrets", secrets, "failing");
    return DM_EXIT_DONE;
}

const struct dm_secret_place dm_secret_folder = { set, take_away, list };
