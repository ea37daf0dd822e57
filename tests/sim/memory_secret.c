/* memory_secret.c: tenants' secrets in the store in memory. */
#include <stdio.h>
#include <string.h>

#include "memory_block.h"
#include "memory_records.h"

static int compare(const struct memory_secret *secret, const char *tenant, struct dm_str name)
{
    int order = strcmp(secret->row.tenant.id, tenant);
    return order ? order : dm_str_compare(dm_str_z(secret->row.name), name);
}

/* Where it is or would be; NULL: it is not there. */
static struct memory_secret *find(const struct memory_store *store, const struct dm_tenant *tenant, struct dm_str name,
                                  uint32_t *ret_at)
{
    uint32_t at = 0;
    while (at < store->secret_count && compare(&store->secrets[at], tenant->id, name) < 0)
        at++;
    *ret_at = at;
    bool found = at < store->secret_count && compare(&store->secrets[at], tenant->id, name) == 0;
    return found ? &store->secrets[at] : NULL;
}

static enum dm_code not_found(struct dm_str name, const struct dm_tenant *tenant, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "the tenant %s has no %.*s", tenant->id, DM_STR_ARG(name));
}

enum dm_code memory_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                               int64_t now_ms, struct dm_err *err)
{
    struct memory_store *store = self;
    uint32_t at;
    memory_lock(store);
    struct memory_secret *secret = find(store, tenant, name, &at);
    if (!secret) {
        store->secrets =
            memory_array_open(store->secrets, store->secret_count++, &store->secret_capacity, sizeof(*secret), at);
        secret = &store->secrets[at];
        *secret = (struct memory_secret){ .row = { .tenant = *tenant, .created_ms = now_ms } };
        snprintf(secret->row.name, sizeof(secret->row.name), "%.*s", DM_STR_ARG(name));
    }
    memory_text_free(&secret->sealed);
    secret->sealed = memory_text(sealed);
    secret->row.changed_ms = now_ms;
    memory_unlock(store);
    return DM_OK;
}

enum dm_code memory_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_arena *arena,
                               struct dm_tenant_secret *ret, struct dm_err *err)
{
    struct memory_store *store = self;
    struct dm_tenant_secret read = { 0 };
    uint32_t at;
    memory_lock(store);
    const struct memory_secret *secret = find(store, tenant, name, &at);
    if (secret)
        read = (struct dm_tenant_secret){ dm_arena_str(arena, secret->sealed), secret->row.created_ms,
                                          secret->row.changed_ms };
    memory_unlock(store);
    if (!secret)
        return not_found(name, tenant, err);
    if (!read.sealed.at)
        return dm_fail(err, DM_TOO_LARGE, "a secret does not fit into memory");
    *ret = read;
    return DM_OK;
}

enum dm_code memory_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err)
{
    struct memory_store *store = self;
    uint32_t at;
    memory_lock(store);
    struct memory_secret *secret = find(store, tenant, name, &at);
    if (secret) {
        memory_text_free(&secret->sealed);
        memory_array_close(store->secrets, store->secret_count--, sizeof(*secret), at);
    }
    memory_unlock(store);
    return secret ? DM_OK : not_found(name, tenant, err);
}

enum dm_code memory_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                            uint32_t *ret_count, struct dm_err *err)
{
    struct memory_store *store = self;
    uint32_t count = 0;
    memory_lock(store);
    for (uint32_t i = 0; i < store->secret_count && count < max; i++)
        if (compare(&store->secrets[i], after->tenant.id, dm_str_z(after->name)) > 0)
            ret[count++] = store->secrets[i].row;
    memory_unlock(store);
    *ret_count = count;
    return DM_OK;
}
