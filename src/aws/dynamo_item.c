/* dynamo_item.c: attributes of an item.
 *
 * Requests are written as text, straight into a buffer; answers are read by the JSON library. An item that is changed is never
 * replaced: attributes that a newer docmill added keep their values when this one writes the item. Attributes' names stand as
 * placeholders of themselves (#status for status), because any of them may be one of DynamoDB's reserved words. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"

struct dm_item dm_item_make(enum dm_item_use use)
{
    return (struct dm_item){
        .use = use,
        .values = dm_buf_make(DM_DYNAMO_REQUEST_MAX),
        .names = dm_buf_make(DM_DYNAMO_REQUEST_MAX),
        .set = dm_buf_make(DM_DYNAMO_REQUEST_MAX),
        .removed = dm_buf_make(DM_DYNAMO_REQUEST_MAX),
    };
}

void dm_item_free(struct dm_item *item)
{
    dm_buf_free(&item->values);
    dm_buf_free(&item->names);
    dm_buf_free(&item->set);
    dm_buf_free(&item->removed);
}

/* ---- writing ---- */

static void separate(struct dm_buf *buf)
{
    if (buf->len)
        dm_buf_add_char(buf, ',');
}

void dm_item_name(struct dm_item *item, const char *name)
{
    separate(&item->names);
    dm_buf_addf(&item->names, "\"#%s\":\"%s\"", name, name);
}

void dm_item_operand(struct dm_item *item, const char *name, uint64_t number)
{
    separate(&item->values);
    dm_buf_addf(&item->values, "\":%s\":{\"N\":\"%" PRIu64 "\"}", name, number);
}

/* What stands before an attribute's value. */
static struct dm_buf *begin(struct dm_item *item, const char *name)
{
    separate(&item->values);
    if (item->use == DM_ITEM_PUT) {
        dm_buf_addf(&item->values, "\"%s\":", name);
        return &item->values;
    }
    dm_item_name(item, name);
    separate(&item->set);
    dm_buf_addf(&item->set, "#%s=:%s", name, name);
    dm_buf_addf(&item->values, "\":%s\":", name);
    return &item->values;
}

/* Of bytes that are no text DynamoDB takes the base64. */
static void add_text_value(struct dm_buf *buf, struct dm_str text)
{
    if (dm_str_is_utf8(text) && dm_str_find_char(text, '\0') == text.len) {
        dm_buf_add(buf, DM_STR("{\"S\":"));
        dm_buf_add_json_string(buf, text);
        dm_buf_add_char(buf, '}');
        return;
    }
    dm_buf_add(buf, DM_STR("{\"B\":\""));
    dm_buf_add_base64(buf, text);
    dm_buf_add(buf, DM_STR("\"}"));
}

void dm_item_add_none(struct dm_item *item, const char *name)
{
    if (item->use == DM_ITEM_PUT)
        return;
    dm_item_name(item, name);
    separate(&item->removed);
    dm_buf_addf(&item->removed, "#%s", name);
}

void dm_item_add_text(struct dm_item *item, const char *name, struct dm_str text)
{
    if (text.len)
        add_text_value(begin(item, name), text);
    else
        dm_item_add_none(item, name);
}

void dm_item_add_number(struct dm_item *item, const char *name, uint64_t number)
{
    dm_buf_addf(begin(item, name), "{\"N\":\"%" PRIu64 "\"}", number);
}

void dm_item_add_signed(struct dm_item *item, const char *name, int64_t number)
{
    dm_buf_addf(begin(item, name), "{\"N\":\"%" PRId64 "\"}", number);
}

void dm_item_add_signed_once(struct dm_item *item, const char *name, int64_t number)
{
    if (item->use == DM_ITEM_PUT) {
        dm_item_add_signed(item, name, number);
        return;
    }
    dm_item_name(item, name);
    separate(&item->set);
    dm_buf_addf(&item->set, "#%s=if_not_exists(#%s,:%s)", name, name, name);
    separate(&item->values);
    dm_buf_addf(&item->values, "\":%s\":{\"N\":\"%" PRId64 "\"}", name, number);
}

void dm_item_add_value(struct dm_item *item, const char *name, struct dm_str value)
{
    dm_buf_add(begin(item, name), value);
}

void dm_item_add_place(struct dm_item *item, int index, const struct dm_dynamo_place *place)
{
    char pk[16], sk[16];
    snprintf(pk, sizeof(pk), "GSI%dPK", index);
    snprintf(sk, sizeof(sk), "GSI%dSK", index);
    dm_item_add_text(item, pk, dm_str_z(place ? place->pk : ""));
    dm_item_add_text(item, sk, dm_str_z(place ? place->sk : ""));
}

void dm_dynamo_add_key(struct dm_buf *buf, const struct dm_dynamo_key *key)
{
    dm_buf_add(buf, DM_STR("\"PK\":{\"S\":"));
    dm_buf_add_json_string(buf, dm_str_z(key->pk));
    dm_buf_add(buf, DM_STR("},\"SK\":{\"S\":"));
    dm_buf_add_json_string(buf, dm_str_z(key->sk));
    dm_buf_add_char(buf, '}');
}

static void add_expression(const struct dm_item *item, struct dm_buf *buf)
{
    dm_buf_add(buf, DM_STR(",\"UpdateExpression\":\""));
    if (item->set.len) {
        dm_buf_add(buf, DM_STR("SET "));
        dm_buf_add(buf, dm_buf_str(&item->set));
    }
    if (item->removed.len) {
        dm_buf_add(buf, item->set.len ? DM_STR(" REMOVE ") : DM_STR("REMOVE "));
        dm_buf_add(buf, dm_buf_str(&item->removed));
    }
    dm_buf_add_char(buf, '"');
}

static void add_members(struct dm_buf *buf, const char *name, const struct dm_buf *members)
{
    if (!members->len)
        return;
    dm_buf_addf(buf, ",\"%s\":{", name);
    dm_buf_add(buf, dm_buf_str(members));
    dm_buf_add_char(buf, '}');
}

void dm_item_print(const struct dm_item *item, struct dm_buf *buf, const char *table, const struct dm_dynamo_key *key,
                   const char *condition, bool old)
{
    if (item->values.failed || item->names.failed || item->set.failed || item->removed.failed) {
        buf->starved = buf->starved || item->values.starved || item->names.starved || item->set.starved;
        buf->failed = true;
        return;
    }
    dm_buf_addf(buf, "{\"TableName\":\"%s\",\"%s\":{", table, item->use == DM_ITEM_PUT ? "Item" : "Key");
    dm_dynamo_add_key(buf, key);
    if (item->use == DM_ITEM_PUT && item->values.len) {
        dm_buf_add_char(buf, ',');
        dm_buf_add(buf, dm_buf_str(&item->values));
    }
    dm_buf_add_char(buf, '}');
    if (item->use == DM_ITEM_UPDATE) {
        add_expression(item, buf);
        add_members(buf, "ExpressionAttributeValues", &item->values);
    }
    add_members(buf, "ExpressionAttributeNames", &item->names);
    if (condition)
        dm_buf_addf(buf, ",\"ConditionExpression\":\"%s\"", condition);
    if (old)
        dm_buf_add(buf, DM_STR(",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""));
    dm_buf_add_char(buf, '}');
}

/* ---- reading ---- */

/* *ret: the value under its type, or NULL where the item has no such attribute. False: the attribute is none. */
static bool typed(const json_t *item, const char *name, const char *type, const char **ret, size_t *ret_len)
{
    const json_t *attribute = json_object_get(item, name);
    *ret = NULL;
    if (!attribute)
        return true;
    const json_t *value = json_object_get(attribute, type);
    if (!json_is_string(value) || json_object_size(attribute) != 1)
        return false;
    *ret = json_string_value(value);
    *ret_len = json_string_length(value);
    return true;
}

/* base64 with padding, as base64url without. */
static enum dm_code decode(struct dm_str text, struct dm_arena *arena, struct dm_str *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(DM_DYNAMO_ANSWER_MAX);
    DM_AUTO(dm_buf) url = dm_buf_make(DM_DYNAMO_ANSWER_MAX);
    while (text.len && text.at[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        dm_buf_add_char(&url, text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i]);
    if (!url.failed && !dm_buf_add_base64url_decoded(&plain, dm_buf_str(&url)) && !plain.failed)
        return dm_fail(err, DM_CORRUPT, "the table holds bytes that are no base64");
    if (url.failed || plain.failed)
        return dm_fail_memory(err);
    *ret = dm_arena_str(arena, dm_buf_str(&plain));
    return ret->at ? DM_OK : dm_arena_fail(arena, "a record", err);
}

enum dm_code dm_item_text(const json_t *item, const char *name, struct dm_arena *arena, struct dm_str *ret,
                          struct dm_err *err)
{
    struct dm_str text;
    const char *at;
    size_t len = 0;
    *ret = DM_STR("");
    if (dm_item_plain(item, name, &text)) {
        if (text.len)
            *ret = dm_arena_str(arena, text);
        return ret->at ? DM_OK : dm_arena_fail(arena, "a record", err);
    }
    if (!typed(item, name, "B", &at, &len))
        return dm_fail(err, DM_CORRUPT, "the table holds a text that is none");
    return decode(dm_str_of(at, len), arena, ret, err);
}

bool dm_item_plain(const json_t *item, const char *name, struct dm_str *ret)
{
    const char *at;
    size_t len = 0;
    bool valid = typed(item, name, "S", &at, &len);
    *ret = valid && at ? dm_str_of(at, len) : DM_STR("");
    return valid;
}

bool dm_item_number(const json_t *item, const char *name, uint64_t *ret)
{
    const char *at;
    size_t len = 0;
    *ret = 0;
    return typed(item, name, "N", &at, &len) && (!at || dm_str_to_u64(dm_str_of(at, len), ret));
}

bool dm_item_signed(const json_t *item, const char *name, int64_t *ret)
{
    const char *at;
    size_t len = 0;
    *ret = 0;
    return typed(item, name, "N", &at, &len) && (!at || dm_str_to_i64(dm_str_of(at, len), ret));
}
