/* dynamo_secret.c: tenants' secrets, sealed. What they are is not known here.
 *
 * An index holds no more than keys, so the operator's list reads the instants out of the table; a secret that was removed in
 * between is left out. */
#include "aws/dynamo_store.h"

#include <stdio.h>

#include "base/encode.h"

enum { ROWS_AT_ONCE = 32 };

static enum dm_code not_found(struct dm_str name, const struct dm_tenant *tenant, struct dm_err *err)
{
    return dm_fail(err, DM_NOT_FOUND, "the tenant %s has no %.*s", tenant->id, DM_STR_ARG(name));
}

static enum dm_code unreadable(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT, "the table holds a secret that is unreadable");
}

/* ---- one of them ---- */

/* Always as bytes, whatever they look like. */
static enum dm_code add_sealed(struct dm_item *item, struct dm_str sealed, struct dm_err *err)
{
    DM_AUTO(dm_buf) value = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    dm_buf_add(&value, DM_STR("{\"B\":\""));
    dm_buf_add_base64(&value, sealed);
    dm_buf_add(&value, DM_STR("\"}"));
    enum dm_code rc = dm_buf_check(&value, "a secret", err);
    if (rc == DM_OK)
        dm_item_add_value(item, "sealed", dm_buf_str(&value));
    return rc;
}

enum dm_code dm_dynamo_secret_put(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_str sealed,
                                  int64_t now_ms, struct dm_err *err)
{
    struct dm_dynamo *dynamo = self;
    const struct dm_dynamo_key key = dm_dynamo_secret_key(tenant, name);
    const struct dm_dynamo_place place = dm_dynamo_place_secret(tenant, name);
    DM_AUTO(dm_item) item = dm_item_make(DM_ITEM_UPDATE);
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    enum dm_code rc = add_sealed(&item, sealed, err);
    if (rc != DM_OK)
        return rc;
    dm_item_add_signed_once(&item, "created_ms", now_ms);
    dm_item_add_signed(&item, "changed_ms", now_ms);
    dm_item_add_place(&item, 2, &place);
    dm_item_print(&item, &request, dynamo->table, &key, NULL, false);
    return dm_dynamo_call(dynamo, "UpdateItem", &request, &answer, err);
}

enum dm_code dm_dynamo_secret_get(void *self, const struct dm_tenant *tenant, struct dm_str name,
                                  struct dm_arena *arena, struct dm_tenant_secret *ret, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_secret_key(tenant, name);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    struct dm_tenant_secret secret = { 0 };
    const json_t *item = NULL;
    enum dm_code rc = dm_dynamo_get(self, &key, DM_DYNAMO_CALL_MS, &answer, &item, err);
    if (rc == DM_OK && !item)
        rc = not_found(name, tenant, err);
    if (rc == DM_OK)
        rc = dm_item_text(item, "sealed", arena, &secret.sealed, err);
    if (rc != DM_OK)
        return rc;
    if (secret.sealed.len == 0 || !dm_item_signed(item, "created_ms", &secret.created_ms) ||
        !dm_item_signed(item, "changed_ms", &secret.changed_ms))
        return unreadable(err);
    *ret = secret;
    return DM_OK;
}

static enum dm_code remove_item(struct dm_dynamo *dynamo, const struct dm_dynamo_key *key, struct dm_err *err)
{
    DM_AUTO(dm_buf) request = dm_buf_make(DM_DYNAMO_REQUEST_MAX);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    dm_buf_addf(&request, "{\"TableName\":\"%s\",\"Key\":{", dynamo->table);
    dm_dynamo_add_key(&request, key);
    dm_buf_add(&request, DM_STR("}}"));
    return dm_dynamo_call(dynamo, "DeleteItem", &request, &answer, err);
}

/* Whether it is there is looked at before, and is no condition: where an answer was lost, on a connection that had been idle even
 * unnoticed, another attempt would find nothing, as if there had never been anything. Of two that remove it at once both did. */
enum dm_code dm_dynamo_secret_remove(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_err *err)
{
    const struct dm_dynamo_key key = dm_dynamo_secret_key(tenant, name);
    DM_AUTO(dm_dynamo_answer) answer = { 0 };
    const json_t *item = NULL;
    enum dm_code rc = dm_dynamo_get(self, &key, DM_DYNAMO_CALL_MS, &answer, &item, err);
    if (rc == DM_OK && !item)
        return not_found(name, tenant, err);
    return rc == DM_OK ? remove_item(self, &key, err) : rc;
}

/* ---- all of them ---- */

struct piece {
    struct dm_secret_row rows[ROWS_AT_ONCE];
    struct dm_dynamo_key keys[ROWS_AT_ONCE];
    uint32_t count;
};

static enum dm_code add_row(struct piece *piece, const json_t *item, struct dm_err *err)
{
    struct dm_secret_row row = { 0 };
    struct dm_str place;
    if (!dm_item_plain(item, "GSI2SK", &place) || !dm_dynamo_parse_secret(place, &row))
        return unreadable(err);
    piece->keys[piece->count] = dm_dynamo_secret_key(&row.tenant, dm_str_z(row.name));
    piece->rows[piece->count++] = row;
    return DM_OK;
}

/* Those of the piece that are there, behind the *count that `ret` has. */
static enum dm_code read_rows(struct dm_dynamo *dynamo, const struct piece *piece, struct dm_secret_row *ret,
                              uint32_t *count, struct dm_err *err)
{
    json_t *items[ROWS_AT_ONCE];
    enum dm_code rc = dm_dynamo_get_all(dynamo, piece->keys, piece->count, true, items, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t i = 0; i < piece->count; i++) {
        struct dm_secret_row row = piece->rows[i];
        if (items[i] && rc == DM_OK) {
            if (dm_item_signed(items[i], "created_ms", &row.created_ms) &&
                dm_item_signed(items[i], "changed_ms", &row.changed_ms))
                ret[(*count)++] = row;
            else
                rc = unreadable(err);
        }
        json_decref(items[i]);
    }
    return rc;
}

enum dm_code dm_dynamo_secrets(void *self, const struct dm_secret_row *after, uint32_t max, struct dm_secret_row *ret,
                               uint32_t *ret_count, struct dm_err *err)
{
    char from[DM_DYNAMO_SK_MAX];
    snprintf(from, sizeof(from), "%s#%s ", after->tenant.id, after->name); /* a blank is in no name */
    DM_AUTO(dm_dynamo_query)
    query = {
        .index = "GSI2", .pk = "SECRET", .from = from, .to = "~", .limit = max < ROWS_AT_ONCE ? max : ROWS_AT_ONCE
    };
    const json_t *item = NULL;
    uint32_t count = 0;
    enum dm_code rc = DM_OK;
    do {
        struct piece piece = { .count = 0 };
        while (rc == DM_OK && piece.count < ROWS_AT_ONCE && count + piece.count < max &&
               (rc = dm_dynamo_next(self, &query, &item, err)) == DM_OK && item)
            rc = add_row(&piece, item, err);
        if (rc == DM_OK)
            rc = read_rows(self, &piece, ret, &count, err);
    } while (rc == DM_OK && item && count < max);
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}
