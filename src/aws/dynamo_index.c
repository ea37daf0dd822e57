/* dynamo_index.c: the operator's lists: what is ready, due, stalled and ended.
 *
 * Each is spread over a few partitions of an index, and within each in the order that is wanted: so the first of all are among
 * the first of each. An index may lag a moment behind the table; whoever is given a name reads its document before it acts. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { AT_ONCE = 256, TENANTS_AT_ONCE = 32 };

/* ---- the first of all partitions ---- */

typedef char place[DM_DYNAMO_SK_MAX];

struct places {
    place *at;
    uint32_t count;
    uint32_t capacity;
};

static void places_free(struct places *places)
{
    dm_free(places->at);
}

static enum dm_code places_add(struct places *places, struct dm_str text, struct dm_err *err)
{
    if (places->count == places->capacity) {
        uint32_t capacity = places->capacity ? places->capacity * 2 : 32;
        place *grown = dm_realloc(places->at, capacity * sizeof(*grown));
        if (!grown)
            return dm_fail_memory(err);
        places->at = grown;
        places->capacity = capacity;
    }
    if (text.len >= sizeof(place))
        return dm_fail(err, DM_CORRUPT, "an index of the table holds a key that is none of docmill's");
    memcpy(places->at[places->count], text.at, text.len);
    places->at[places->count++][text.len] = '\0';
    return DM_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* At most `max` sort keys between `from` and `to` out of one partition. */
static enum dm_code take(struct dm_dynamo *dynamo, const char *index, const char *pk, const char *from, const char *to,
                         uint32_t max, struct places *places, struct dm_err *err)
{
    char name[16];
    DM_AUTO(dm_dynamo_query)
    query = { .index = index, .pk = pk, .from = from, .to = to, .limit = max < AT_ONCE ? max : AT_ONCE };
    const uint32_t end = places->count + max;
    const json_t *item = NULL;
    enum dm_code rc = DM_OK;
    snprintf(name, sizeof(name), "%sSK", index);
    while (rc == DM_OK && places->count < end && (rc = dm_dynamo_next(dynamo, &query, &item, err)) == DM_OK && item) {
        struct dm_str text;
        rc = dm_item_plain(item, name, &text) ? places_add(places, text, err)
                                              : dm_fail(err, DM_CORRUPT, "an index of the table holds what is no key");
    }
    return rc;
}

/* The first `max` of all partitions, in order, and perhaps more. */
static enum dm_code take_first(struct dm_dynamo *dynamo, const char *index, const char *kind, const char *from,
                               const char *to, uint32_t max, struct places *places, struct dm_err *err)
{
    for (uint32_t shard = 0; shard < DM_DYNAMO_SHARDS; shard++) {
        char pk[32];
        snprintf(pk, sizeof(pk), "%s#%" PRIu32, kind, shard);
        enum dm_code rc = take(dynamo, index, pk, from, to, max, places, err);
        if (rc != DM_OK)
            return rc;
    }
    if (places->count)
        qsort(places->at, places->count, sizeof(place), compare);
    return DM_OK;
}

static enum dm_code unreadable(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT, "an index of the table holds a key that is none of docmill's");
}

/* The place behind one: no key begins with another, and every character of a key is larger than a blank. */
static void go_behind(place at)
{
    size_t len = strlen(at);
    if (len + 1 < sizeof(place))
        memcpy(at + len, " ", 2);
}

/* ---- what is ready ---- */

/* Different tenants of one partition: after a page of its index, the rest of the last one's documents is jumped over. */
static enum dm_code take_tenants(struct dm_dynamo *dynamo, uint32_t shard, const struct dm_tenant *after, uint32_t max,
                                 struct places *tenants, struct dm_err *err)
{
    const uint32_t end = tenants->count + max;
    char pk[32];
    place from = " ";
    snprintf(pk, sizeof(pk), "READY#%" PRIu32, shard);
    if (after)
        snprintf(from, sizeof(from), "%s$", after->id); /* '$' comes after '#' */
    while (tenants->count < end) {
        DM_CLEANUP(places_free) struct places found = { 0 };
        enum dm_code rc = take(dynamo, "GSI2", pk, from, "~", TENANTS_AT_ONCE, &found, err);
        for (uint32_t i = 0; rc == DM_OK && i < found.count && tenants->count < end; i++) {
            found.at[i][strcspn(found.at[i], "#")] = '\0';
            if (i == 0 || strcmp(found.at[i], found.at[i - 1]) != 0)
                rc = places_add(tenants, dm_str_z(found.at[i]), err);
        }
        if (rc != DM_OK || found.count < TENANTS_AT_ONCE)
            return rc;
        snprintf(from, sizeof(from), "%s$", found.at[found.count - 1]);
    }
    return DM_OK;
}

enum dm_code dm_dynamo_ready_tenants(void *self, const struct dm_tenant *after, uint32_t max, struct dm_tenant *ret,
                                     uint32_t *ret_count, struct dm_err *err)
{
    DM_CLEANUP(places_free) struct places tenants = { 0 };
    for (uint32_t shard = 0; shard < DM_DYNAMO_SHARDS; shard++) {
        enum dm_code rc = take_tenants(self, shard, after, max, &tenants, err);
        if (rc != DM_OK)
            return rc;
    }
    if (tenants.count)
        qsort(tenants.at, tenants.count, sizeof(place), compare);
    uint32_t count = 0;
    for (; count < max && count < tenants.count; count++)
        if (dm_tenant_parse(dm_str_z(tenants.at[count]), &ret[count], NULL) != DM_OK)
            return unreadable(err);
    *ret_count = count;
    return DM_OK;
}

enum dm_code dm_dynamo_ready(void *self, const struct dm_tenant *tenant, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    DM_CLEANUP(places_free) struct places places = { 0 };
    const struct dm_file none = { .id = "" };
    const struct dm_work any = { 0 };
    const struct dm_dynamo_place of = dm_dynamo_place_ready(tenant, &none, &any);
    place from, to;
    snprintf(from, sizeof(from), "%s#", tenant->id);
    snprintf(to, sizeof(to), "%s$", tenant->id);
    enum dm_code rc = take(self, "GSI2", of.pk, from, to, max, &places, err);
    if (rc != DM_OK)
        return rc;
    for (uint32_t i = 0; i < places.count; i++) {
        const char *id = strrchr(places.at[i], '#');
        ret[i].tenant = *tenant;
        if (!id || dm_file_parse(dm_str_z(id + 1), &ret[i].file, NULL) != DM_OK)
            return unreadable(err);
    }
    *ret_count = places.count;
    return DM_OK;
}

enum dm_code dm_dynamo_owner(void *self, const struct dm_file *file, struct dm_tenant *ret, struct dm_err *err)
{
    DM_CLEANUP(places_free) struct places places = { 0 };
    const struct dm_tenant none = { .id = "" };
    const struct dm_dynamo_place of = dm_dynamo_place_file(&none, file);
    enum dm_code rc = take(self, "GSI2", of.pk, " ", "~", 2, &places, err);
    if (rc != DM_OK)
        return rc;
    if (places.count != 1)
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    return dm_tenant_parse(dm_str_z(places.at[0]), ret, NULL) == DM_OK ? DM_OK : unreadable(err);
}

/* ---- what is due, stalled, ended ---- */

static bool is_among(const struct dm_found *found, uint32_t count, const struct dm_found *one)
{
    for (uint32_t i = 0; i < count; i++)
        if (dm_file_eq(&found[i].file, &one->file) && dm_tenant_eq(&found[i].tenant, &one->tenant))
            return true;
    return false;
}

/* Those between `from` and `to`, each once; *number and *at are the last one's. `twice`: one document may stand there so often. */
static enum dm_code take_numbered(struct dm_dynamo *dynamo, const char *index, const char *kind, const char *from,
                                  const char *to, uint32_t twice, uint32_t max, struct dm_found *ret,
                                  uint32_t *ret_count, int64_t *number, struct dm_found *at, struct dm_err *err)
{
    DM_CLEANUP(places_free) struct places places = { 0 };
    enum dm_code rc = take_first(dynamo, index, kind, from, to, twice * max, &places, err);
    uint32_t count = 0;
    for (uint32_t i = 0; rc == DM_OK && i < places.count && count < max; i++) {
        struct dm_found found;
        int64_t of;
        if (!dm_dynamo_parse_numbered(dm_str_z(places.at[i]), &of, &found))
            return unreadable(err);
        if (is_among(ret, count, &found))
            continue;
        ret[count++] = *at = found;
        *number = of;
    }
    if (rc == DM_OK)
        *ret_count = count;
    return rc;
}

static void numbered_from(int64_t number, const struct dm_found *found, place ret)
{
    if (!found->file.id[0]) {
        snprintf(ret, sizeof(place), "%020" PRId64, number);
        return;
    }
    snprintf(ret, sizeof(place), "%020" PRId64 "#%s#%s", number, found->file.id, found->tenant.id);
    go_behind(ret);
}

enum dm_code dm_dynamo_due(void *self, int64_t now_ms, struct dm_due_cursor *cursor, uint32_t max, struct dm_found *ret,
                           uint32_t *ret_count, struct dm_err *err)
{
    struct dm_due_cursor at = { 0 };
    place from, to;
    if (cursor)
        at = *cursor;
    numbered_from(at.due_ms, &at.found, from);
    snprintf(to, sizeof(to), "%020" PRId64 "~", now_ms > 0 ? now_ms : 0);
    enum dm_code rc = take_numbered(self, "GSI2", "DUE", from, to, 2, max, ret, ret_count, &at.due_ms, &at.found, err);
    if (rc == DM_OK && cursor)
        *cursor = at;
    return rc;
}

enum dm_code dm_dynamo_stalled(void *self, int64_t before_ms, struct dm_stalled_cursor *cursor, uint32_t max,
                               struct dm_found *ret, uint32_t *ret_count, struct dm_err *err)
{
    struct dm_stalled_cursor at = *cursor;
    place from, to;
    numbered_from(at.progress_ms, &at.found, from);
    snprintf(to, sizeof(to), "%020" PRId64, before_ms > 0 ? before_ms : 0);
    enum dm_code rc =
        take_numbered(self, "GSI3", "OPEN", from, to, 1, max, ret, ret_count, &at.progress_ms, &at.found, err);
    if (rc == DM_OK)
        *cursor = at;
    return rc;
}

enum dm_code dm_dynamo_ended(void *self, struct dm_found *cursor, uint32_t max, struct dm_found *ret,
                             uint32_t *ret_count, struct dm_err *err)
{
    DM_CLEANUP(places_free) struct places places = { 0 };
    place from;
    snprintf(from, sizeof(from), "%s#%s", cursor->file.id, cursor->tenant.id);
    go_behind(from);
    enum dm_code rc = take_first(self, "GSI3", "ENDED", from, "~", max, &places, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = 0;
    for (; count < max && count < places.count; count++)
        if (!dm_dynamo_parse_found(dm_str_z(places.at[count]), &ret[count]))
            return unreadable(err);
    if (count > 0)
        *cursor = ret[count - 1];
    *ret_count = count;
    return DM_OK;
}
