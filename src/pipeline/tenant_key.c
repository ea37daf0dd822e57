/* tenant_key.c: tenants' own keys as they are set, listed and removed. In clear a key is only in the hands of whoever sets it, and of
 * tenant_keys.c. */
#include "tenant_key.h"

enum { LOOK_ROWS = 64 };

static bool is_plain(struct dm_str key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] <= ' ' || key.at[i] >= 0x7f)
            return false;
    return true;
}

enum dm_code dm_tenant_key_set(const struct dm_ports *ports, const struct dm_tenant *tenant, struct dm_str name,
                               struct dm_str key, struct dm_err *err)
{
    if (key.len == 0 || key.len > DM_TENANT_KEY_MAX)
        return dm_fail(err, DM_INVALID, "a key has 1 to %d bytes, and this one %zu", DM_TENANT_KEY_MAX, key.len);
    if (!is_plain(key))
        return dm_fail(err, DM_INVALID, "a key has no spaces, line breaks or letters beyond ASCII");
    DM_AUTO(dm_buf) sealed = dm_buf_make(DM_SECRET_SEALED_MAX);
    enum dm_code rc = dm_secrets_seal(ports->secrets, tenant, DM_TENANT_KEY_PURPOSE, key, &sealed, err);
    if (rc != DM_OK)
        return rc;
    return dm_store_secret_put(ports->store, tenant, name, dm_buf_str(&sealed), dm_wall_ms(ports->runtime), err);
}

enum dm_code dm_tenant_key_remove(const struct dm_ports *ports, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_err *err)
{
    return dm_store_secret_remove(ports->store, tenant, name, err);
}

enum dm_code dm_tenant_key_list(const struct dm_ports *ports, const struct dm_tenant *tenant,
                                const struct dm_secret_row *after, uint32_t max, struct dm_arena *arena,
                                struct dm_tenant_key_list *ret, struct dm_err *err)
{
    struct dm_secret_row from = *after;
    if (tenant && !from.tenant.id[0])
        from.tenant = *tenant; /* its names come after the empty one */
    struct dm_secret_row *rows = dm_arena_array(arena, max, sizeof(*rows));
    if (!rows)
        return dm_fail_memory(err);
    uint32_t count = 0;
    enum dm_code rc = dm_operator_secrets(ports->op, &from, max, rows, &count, err);
    if (rc != DM_OK)
        return rc;
    bool more = count == max;
    for (uint32_t i = 0; tenant && i < count; i++) {
        if (dm_tenant_eq(&rows[i].tenant, tenant))
            continue;
        count = i;
        more = false;
    }
    *ret = (struct dm_tenant_key_list){ rows, count, more };
    return DM_OK;
}

enum dm_code dm_tenant_key_any(const struct dm_ports *ports, struct dm_str name, bool *ret, struct dm_err *err)
{
    struct dm_secret_row rows[LOOK_ROWS], after = { 0 };
    uint32_t count;
    do {
        enum dm_code rc = dm_operator_secrets(ports->op, &after, LOOK_ROWS, rows, &count, err);
        if (rc != DM_OK)
            return rc;
        for (uint32_t i = 0; i < count; i++) {
            after = rows[i];
            if (dm_str_eq(dm_str_z(rows[i].name), name)) {
                *ret = true;
                return DM_OK;
            }
        }
    } while (count == LOOK_ROWS);
    *ret = false;
    return DM_OK;
}
