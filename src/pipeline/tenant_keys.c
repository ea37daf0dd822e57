/* tenant_keys.c: tenants' own keys as they are used: read from the store, opened, and kept for some seconds.
 *
 * A call of the model needs the key, and there may be a hundred a second; a key that is changed must be used soon, in every process.
 * So each is read again when it is old. Those that were asked for last lie in front, and the last one goes where there are too
 * many. */
#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "tenant_key.h"

enum { KEPT_MAX = 1024, AWAY_MS = 1000 };

struct kept {
    struct kept *next;
    struct dm_tenant tenant;
    struct dm_secret key; /* empty: it has none */
    bool unreadable;
    int64_t until_ms; /* monotonic */
};

struct dm_tenant_keys {
    struct dm_ports ports;
    const char *name;
    struct dm_monitor *monitor; /* guards what follows */
    struct kept *first;
    uint32_t count;
};

enum dm_code dm_tenant_keys_make(const struct dm_ports *ports, const char *name, struct dm_tenant_keys **ret,
                                 struct dm_err *err)
{
    struct dm_tenant_keys *keys = dm_alloc_zero(1, sizeof(*keys));
    if (!keys)
        return dm_fail_memory(err);
    keys->ports = *ports;
    keys->name = name;
    enum dm_code rc = dm_monitor_make(ports->runtime, &keys->monitor, err);
    if (rc != DM_OK)
        dm_free(keys);
    else
        *ret = keys;
    return rc;
}

static void free_kept(struct kept *kept)
{
    dm_secret_free(&kept->key);
    dm_free(kept);
}

void dm_tenant_keys_free(struct dm_tenant_keys *keys)
{
    if (!keys)
        return;
    while (keys->first) {
        struct kept *kept = keys->first;
        keys->first = kept->next;
        free_kept(kept);
    }
    dm_monitor_free(keys->ports.runtime, keys->monitor);
    dm_free(keys);
}

/* ---- what is kept (with the lock held) ---- */

/* Taken to the front; NULL: it is not there. */
static struct kept *find(struct dm_tenant_keys *keys, const struct dm_tenant *tenant)
{
    for (struct kept **at = &keys->first; *at; at = &(*at)->next) {
        struct kept *kept = *at;
        if (!dm_tenant_eq(&kept->tenant, tenant))
            continue;
        *at = kept->next;
        kept->next = keys->first;
        keys->first = kept;
        return kept;
    }
    return NULL;
}

static void drop_last(struct dm_tenant_keys *keys)
{
    struct kept **at = &keys->first;
    DM_CHECK(*at);
    while ((*at)->next)
        at = &(*at)->next;
    free_kept(*at);
    *at = NULL;
    keys->count--;
}

static struct kept *find_or_make(struct dm_tenant_keys *keys, const struct dm_tenant *tenant)
{
    struct kept *kept = find(keys, tenant);
    if (kept)
        return kept;
    kept = dm_alloc_zero(1, sizeof(*kept));
    if (!kept)
        return NULL;
    if (keys->count == KEPT_MAX)
        drop_last(keys);
    *kept = (struct kept){ .next = keys->first, .tenant = *tenant };
    keys->first = kept;
    keys->count++;
    return kept;
}

static enum dm_code give(const struct dm_tenant_keys *keys, const struct kept *kept, struct dm_secret *ret,
                         struct dm_err *err)
{
    if (kept->unreadable)
        return dm_fail(err, DM_DENIED, "the %s of the tenant %s cannot be opened: set it again with docmill secret set",
                       keys->name, kept->tenant.id);
    struct dm_secret copy = { 0 };
    enum dm_code rc =
        dm_secret_is_set(&kept->key) ? dm_secret_make(dm_secret_reveal(&kept->key), keys->name, &copy, err) : DM_OK;
    if (rc == DM_OK)
        *ret = copy;
    return rc;
}

/* ---- reading ---- */

/* DM_OK without a key where the tenant has none. DM_CORRUPT: it cannot be opened. */
static enum dm_code read_key(const struct dm_tenant_keys *keys, const struct dm_tenant *tenant, struct dm_secret *ret,
                             struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(2 * DM_SECRET_SEALED_MAX);
    struct dm_tenant_secret secret;
    enum dm_code rc = dm_store_secret_get(keys->ports.store, tenant, dm_str_z(keys->name), &arena, &secret, err);
    if (rc == DM_NOT_FOUND)
        return DM_OK;
    if (rc != DM_OK)
        return rc;
    struct dm_buf plain = dm_buf_make(DM_SECRET_SEALED_MAX);
    rc = dm_buf_reserve(&plain, DM_SECRET_SEALED_MAX) ? DM_OK : dm_fail_memory(err);
    if (rc == DM_OK)
        rc = dm_secrets_open(keys->ports.secrets, tenant, DM_TENANT_KEY_PURPOSE, secret.sealed, &plain, err);
    if (rc == DM_OK)
        rc = dm_secret_make(dm_buf_str(&plain), keys->name, ret, err);
    dm_buf_wipe(&plain);
    return rc;
}

/* Reads it outside the lock. What was kept before counts on where the store does not answer. */
static enum dm_code renew(struct dm_tenant_keys *keys, const struct dm_tenant *tenant, struct dm_secret *ret,
                          struct dm_err *err)
{
    struct dm_secret fresh = { 0 };
    struct dm_err why = { 0 };
    enum dm_code rc = read_key(keys, tenant, &fresh, &why);
    bool known = rc == DM_OK || rc == DM_CORRUPT;
    dm_lock(keys->ports.runtime, keys->monitor);
    struct kept *kept = known ? find_or_make(keys, tenant) : find(keys, tenant);
    if (!kept) {
        rc = known ? dm_fail_memory(err) : dm_fail(err, rc, "the key of the tenant %s: %s", tenant->id, why.text);
    } else {
        if (known) {
            dm_secret_free(&kept->key);
            kept->key = dm_secret_move(&fresh);
            kept->unreadable = rc == DM_CORRUPT;
        }
        kept->until_ms = dm_mono_ms(keys->ports.runtime) + (known ? DM_TENANT_KEY_MS : AWAY_MS);
        rc = give(keys, kept, ret, err);
    }
    dm_unlock(keys->ports.runtime, keys->monitor);
    dm_secret_free(&fresh);
    if (!known)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "key"), dm_f_z("tenant", tenant->id),
               dm_f_z("error", why.text));
    return rc;
}

enum dm_code dm_tenant_keys_get(void *self, const struct dm_tenant *tenant, struct dm_secret *ret, struct dm_err *err)
{
    struct dm_tenant_keys *keys = self;
    dm_lock(keys->ports.runtime, keys->monitor);
    const struct kept *kept = find(keys, tenant);
    bool fresh = kept && dm_mono_ms(keys->ports.runtime) < kept->until_ms;
    enum dm_code rc = fresh ? give(keys, kept, ret, err) : DM_OK;
    dm_unlock(keys->ports.runtime, keys->monitor);
    return fresh ? rc : renew(keys, tenant, ret, err);
}
