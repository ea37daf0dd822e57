/* kms_keys.c: the data keys that are kept for a while.
 *
 * What is kept is bounded three ways: by places, by time (so that a role that loses its permission loses it here, too), and by how
 * many texts one key seals. Nonces are random, which is safe for 2^32 texts of a key and far from any doubt for this many. */
#include "aws/kms.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/secret.h"

enum { PLACES = 1024, KEPT_MS = 5 * DM_MINUTE_MS, SEALS_MAX = 10000 };

struct place {
    struct dm_kms_data_key data; /* wrapped empty: nothing is here */
    struct dm_tenant tenant;
    char purpose[64];
    int64_t born_mono_ms;
    uint32_t seals_left; /* 0: it only opens */
};

struct dm_kms_keys {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards the places */
    struct place places[PLACES];
};

static const char *tenant_of(const struct dm_kms_context *context)
{
    return context->tenant ? context->tenant->id : "";
}

static void leave(struct place *place)
{
    dm_kms_data_key_free(&place->data);
    *place = (struct place){ .born_mono_ms = 0 };
}

/* The place's key is for this, and not too old. What is too old goes. */
static bool is_for(struct dm_kms_keys *keys, struct place *place, const struct dm_kms_context *context)
{
    if (place->data.wrapped.len > 0 && dm_mono_ms(keys->runtime) - place->born_mono_ms >= KEPT_MS)
        leave(place);
    return place->data.wrapped.len > 0 && strcmp(place->tenant.id, tenant_of(context)) == 0 &&
           strcmp(place->purpose, context->purpose) == 0;
}

bool dm_kms_keys_find_to_seal(struct dm_kms_keys *keys, const struct dm_kms_context *context,
                              struct dm_kms_data_key *ret)
{
    bool found = false;
    dm_lock(keys->runtime, keys->monitor);
    for (size_t i = 0; i < PLACES && !found; i++) {
        struct place *place = &keys->places[i];
        if (!is_for(keys, place, context) || place->seals_left == 0)
            continue;
        ret->wrapped = dm_buf_make(DM_KMS_WRAPPED_MAX);
        dm_buf_add(&ret->wrapped, dm_buf_str(&place->data.wrapped));
        found = !ret->wrapped.failed;
        if (found) {
            ret->key = place->data.key;
            place->seals_left--;
        }
    }
    dm_unlock(keys->runtime, keys->monitor);
    return found;
}

bool dm_kms_keys_find_to_open(struct dm_kms_keys *keys, const struct dm_kms_context *context, struct dm_str wrapped,
                              struct dm_sealing_key *ret)
{
    bool found = false;
    dm_lock(keys->runtime, keys->monitor);
    for (size_t i = 0; i < PLACES && !found; i++) {
        struct place *place = &keys->places[i];
        found = is_for(keys, place, context) && dm_str_eq(dm_buf_str(&place->data.wrapped), wrapped);
        if (found)
            *ret = place->data.key;
    }
    dm_unlock(keys->runtime, keys->monitor);
    return found;
}

void dm_kms_keys_keep(struct dm_kms_keys *keys, const struct dm_kms_context *context, const struct dm_sealing_key *key,
                      struct dm_str wrapped, bool seals)
{
    struct dm_str tenant = dm_str_z(tenant_of(context)), purpose = dm_str_z(context->purpose);
    dm_lock(keys->runtime, keys->monitor);
    struct place *place = &keys->places[0];
    for (size_t i = 1; i < PLACES && place->data.wrapped.len > 0; i++) {
        if (keys->places[i].data.wrapped.len == 0 || keys->places[i].born_mono_ms < place->born_mono_ms)
            place = &keys->places[i];
    }
    leave(place);
    if (tenant.len < sizeof(place->tenant.id) && purpose.len < sizeof(place->purpose)) {
        *place = (struct place){ .data = { *key, dm_buf_make(DM_KMS_WRAPPED_MAX) },
                                 .born_mono_ms = dm_mono_ms(keys->runtime),
                                 .seals_left = seals ? SEALS_MAX : 0 };
        (void)snprintf(place->tenant.id, sizeof(place->tenant.id), "%s", tenant_of(context));
        (void)snprintf(place->purpose, sizeof(place->purpose), "%s", context->purpose);
        dm_buf_add(&place->data.wrapped, wrapped);
    }
    if (place->data.wrapped.failed)
        leave(place);
    dm_unlock(keys->runtime, keys->monitor);
}

enum dm_code dm_kms_keys_make(struct dm_runtime runtime, struct dm_kms_keys **ret, struct dm_err *err)
{
    struct dm_kms_keys *keys = dm_alloc_zero(1, sizeof(*keys));
    if (!keys)
        return dm_fail_memory(err);
    keys->runtime = runtime;
    enum dm_code rc = dm_monitor_make(runtime, &keys->monitor, err);
    if (rc == DM_OK)
        *ret = keys;
    else
        dm_free(keys);
    return rc;
}

void dm_kms_keys_free(struct dm_kms_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < PLACES; i++)
        leave(&keys->places[i]);
    dm_monitor_free(keys->runtime, keys->monitor);
    dm_free(keys);
}
