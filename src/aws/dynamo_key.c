/* dynamo_key.c: names of items, and their places in the indexes (dynamo_store.h lists them). */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"

void dm_dynamo_number(uint64_t number, char text[DM_DYNAMO_NUMBER])
{
    snprintf(text, DM_DYNAMO_NUMBER, "%020" PRIu64, number);
}

struct dm_dynamo_key dm_dynamo_key(const struct dm_tenant *tenant, const struct dm_file *file, const char *sk)
{
    struct dm_dynamo_key key;
    snprintf(key.pk, sizeof(key.pk), "TENANT#%s#DOC#%s", tenant->id, file->id);
    snprintf(key.sk, sizeof(key.sk), "%s", sk);
    return key;
}

static struct dm_dynamo_key numbered_key(const struct dm_tenant *tenant, const struct dm_file *file, const char *kind,
                                         uint64_t number)
{
    struct dm_dynamo_key key = dm_dynamo_key(tenant, file, "");
    snprintf(key.sk, sizeof(key.sk), "%s#%020" PRIu64, kind, number);
    return key;
}

struct dm_dynamo_key dm_dynamo_claim_key(const struct dm_tenant *tenant, const struct dm_file *file, uint64_t counter)
{
    return numbered_key(tenant, file, "STATE#CLAIM", counter);
}

struct dm_dynamo_key dm_dynamo_page_key(const struct dm_tenant *tenant, const struct dm_file *file, uint32_t number)
{
    struct dm_dynamo_key key = dm_dynamo_key(tenant, file, "");
    snprintf(key.sk, sizeof(key.sk), "PAGE#%010" PRIu32, number - number % DM_DYNAMO_PAGES_AN_ITEM);
    return key;
}

struct dm_dynamo_key dm_dynamo_event_key(const struct dm_tenant *tenant, const struct dm_file *file, uint64_t seq)
{
    return numbered_key(tenant, file, "EVENT", seq);
}

/* A client's key may be any bytes, so it is encoded. */
enum dm_code dm_dynamo_idem_key(const struct dm_tenant *tenant, struct dm_str key, struct dm_dynamo_key *ret,
                                struct dm_err *err)
{
    DM_AUTO(dm_buf) pk = dm_buf_make(sizeof(ret->pk) - 1);
    dm_buf_addf(&pk, "TENANT#%s#IDEM#", tenant->id);
    dm_buf_add_base64url(&pk, key);
    enum dm_code rc = dm_buf_check(&pk, "an Idempotency-Key", err);
    if (rc != DM_OK)
        return rc;
    snprintf(ret->pk, sizeof(ret->pk), "%s", dm_buf_z(&pk));
    snprintf(ret->sk, sizeof(ret->sk), "IDEM");
    return DM_OK;
}

struct dm_dynamo_key dm_dynamo_pause_key(const struct dm_tenant *tenant)
{
    struct dm_dynamo_key key = { .pk = "PAUSE" };
    snprintf(key.sk, sizeof(key.sk), "#%s", tenant ? tenant->id : "");
    return key;
}

struct dm_dynamo_key dm_dynamo_secret_key(const struct dm_tenant *tenant, struct dm_str name)
{
    struct dm_dynamo_key key;
    snprintf(key.pk, sizeof(key.pk), "TENANT#%s", tenant->id);
    snprintf(key.sk, sizeof(key.sk), "SECRET#%.*s", DM_STR_ARG(name));
    return key;
}

struct dm_dynamo_key dm_dynamo_schema_key(void)
{
    return (struct dm_dynamo_key){ "SCHEMA", "SCHEMA" };
}

/* ---- places ---- */

/* FNV-1a. */
uint32_t dm_dynamo_shard(struct dm_str name)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 16777619U;
    return (hash ^ hash >> 16) % DM_DYNAMO_SHARDS;
}

static uint64_t instant(int64_t ms)
{
    return ms > 0 ? (uint64_t)ms : 0;
}

struct dm_dynamo_place dm_dynamo_place_listed(const struct dm_tenant *tenant, const struct dm_file *file,
                                              int64_t created_ms)
{
    struct dm_dynamo_place place;
    snprintf(place.pk, sizeof(place.pk), "TENANT#%s", tenant->id);
    snprintf(place.sk, sizeof(place.sk), "%020" PRIu64 "#%s", instant(created_ms), file->id);
    return place;
}

struct dm_dynamo_place dm_dynamo_place_file(const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct dm_dynamo_place place;
    snprintf(place.pk, sizeof(place.pk), "FILE#%s", file->id);
    snprintf(place.sk, sizeof(place.sk), "%s", tenant->id);
    return place;
}

struct dm_dynamo_place dm_dynamo_place_ready(const struct dm_tenant *tenant, const struct dm_file *file,
                                             const struct dm_work *work)
{
    struct dm_dynamo_place place;
    snprintf(place.pk, sizeof(place.pk), "READY#%" PRIu32, dm_dynamo_shard(dm_str_z(tenant->id)));
    snprintf(place.sk, sizeof(place.sk), "%s#%010" PRIu32 "#%020" PRIu64 "#%s", tenant->id, work->priority,
             instant(work->created_ms), file->id);
    return place;
}

static struct dm_dynamo_place numbered_place(const char *kind, const struct dm_tenant *tenant,
                                             const struct dm_file *file, int64_t ms)
{
    struct dm_dynamo_place place;
    snprintf(place.pk, sizeof(place.pk), "%s#%" PRIu32, kind, dm_dynamo_shard(dm_str_z(file->id)));
    snprintf(place.sk, sizeof(place.sk), "%020" PRIu64 "#%s#%s", instant(ms), file->id, tenant->id);
    return place;
}

struct dm_dynamo_place dm_dynamo_place_due(const struct dm_tenant *tenant, const struct dm_file *file, int64_t due_ms)
{
    return numbered_place("DUE", tenant, file, due_ms);
}

struct dm_dynamo_place dm_dynamo_place_open(const struct dm_tenant *tenant, const struct dm_file *file,
                                            int64_t progress_ms)
{
    return numbered_place("OPEN", tenant, file, progress_ms);
}

struct dm_dynamo_place dm_dynamo_place_ended(const struct dm_tenant *tenant, const struct dm_file *file)
{
    struct dm_dynamo_place place;
    snprintf(place.pk, sizeof(place.pk), "ENDED#%" PRIu32, dm_dynamo_shard(dm_str_z(file->id)));
    snprintf(place.sk, sizeof(place.sk), "%s#%s", file->id, tenant->id);
    return place;
}

struct dm_dynamo_place dm_dynamo_place_secret(const struct dm_tenant *tenant, struct dm_str name)
{
    struct dm_dynamo_place place = { .pk = "SECRET" };
    snprintf(place.sk, sizeof(place.sk), "%s#%.*s", tenant->id, DM_STR_ARG(name));
    return place;
}

bool dm_dynamo_parse_secret(struct dm_str text, struct dm_secret_row *ret)
{
    size_t end = dm_str_find_char(text, '#');
    struct dm_str name = dm_str_from(text, end + 1);
    if (dm_tenant_parse(dm_str_cut(text, 0, end), &ret->tenant, NULL) != DM_OK || name.len == 0 ||
        name.len >= sizeof(ret->name))
        return false;
    snprintf(ret->name, sizeof(ret->name), "%.*s", DM_STR_ARG(name));
    return true;
}

bool dm_dynamo_parse_found(struct dm_str text, struct dm_found *ret)
{
    struct dm_found found;
    size_t end = dm_str_find_char(text, '#');
    if (dm_file_parse(dm_str_cut(text, 0, end), &found.file, NULL) != DM_OK ||
        dm_tenant_parse(dm_str_from(text, end + 1), &found.tenant, NULL) != DM_OK)
        return false;
    *ret = found;
    return true;
}

bool dm_dynamo_parse_numbered(struct dm_str text, int64_t *ret_number, struct dm_found *ret)
{
    size_t end = dm_str_find_char(text, '#');
    return dm_str_to_i64(dm_str_cut(text, 0, end), ret_number) &&
           dm_dynamo_parse_found(dm_str_from(text, end + 1), ret);
}
