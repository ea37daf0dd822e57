/* dynamo_list.c: a tenant's documents, newest first.
 *
 * The index names them; what they are is read from the table, as many at a time as a batch holds. So a list shows what is true
 * now, and only what is new may be missing from it for a moment. */
#include "aws/dynamo_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"

/* Documents looked at for one page of a list that asks for a rare status: then the page ends early and says where to go on. */
enum { LOOKED_AT_MAX = 2000, AT_ONCE = 50, CURSOR_MAX = 64 };

struct listing {
    struct dm_dynamo *dynamo;
    const struct dm_tenant *tenant;
    const struct dm_list_query *query;
    struct dm_arena *arena;
    struct dm_dynamo_query index;
    char behind[DM_DYNAMO_SK_MAX];    /* the place before the first; itself not wanted */
    char looked_at[DM_DYNAMO_SK_MAX]; /* the last one's */
    uint32_t count;                   /* of documents looked at */
    struct dm_list_row *rows;
    uint32_t row_count;
    bool full; /* there is one more than was asked for */
};

static void listing_free(struct listing *listing)
{
    dm_dynamo_query_free(&listing->index);
}

/* ---- cursors: the place after a document, encoded so that nobody builds on what is in it ---- */

static enum dm_code make_cursor(const char *place, struct dm_arena *arena, struct dm_str *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) coded = dm_buf_make(2 * CURSOR_MAX);
    dm_buf_add_base64url(&coded, dm_str_z(place));
    struct dm_str cursor = coded.failed ? (struct dm_str){ 0 } : dm_arena_str(arena, dm_buf_str(&coded));
    if (!cursor.at)
        return dm_fail_memory(err);
    *ret = cursor;
    return DM_OK;
}

static enum dm_code read_cursor(struct dm_str cursor, char place[DM_DYNAMO_SK_MAX], struct dm_err *err)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(CURSOR_MAX);
    bool valid = dm_buf_add_base64url_decoded(&plain, cursor);
    struct dm_str text = dm_buf_str(&plain);
    size_t end = dm_str_find_char(text, '#');
    uint64_t created;
    struct dm_file file;
    if (!valid || end != DM_DYNAMO_NUMBER - 1 || !dm_str_to_u64(dm_str_cut(text, 0, end), &created) ||
        dm_file_parse(dm_str_from(text, end + 1), &file, NULL) != DM_OK)
        return dm_fail(err, DM_INVALID, "the cursor is none that a list has given; leave it out to begin anew");
    snprintf(place, DM_DYNAMO_SK_MAX, "%.*s", DM_STR_ARG(text));
    return DM_OK;
}

/* ---- one batch ---- */

struct batch {
    struct dm_file files[AT_ONCE];
    char places[AT_ONCE][DM_DYNAMO_SK_MAX];
    uint32_t count;
    struct dm_dynamo_key keys[2 * AT_ONCE];
    json_t *items[2 * AT_ONCE]; /* STATE and DOC of each */
};

/* Too large for a task's stack. */
static void batch_free(struct batch **batch)
{
    for (uint32_t i = 0; *batch && i < DM_COUNT((*batch)->items); i++)
        json_decref((*batch)->items[i]);
    dm_free(*batch);
}

/* The next names from the index. */
static enum dm_code take_names(struct listing *listing, struct batch *batch, uint32_t most, struct dm_err *err)
{
    while (batch->count < most) {
        const json_t *item;
        struct dm_str place;
        enum dm_code rc = dm_dynamo_next(listing->dynamo, &listing->index, &item, err);
        if (rc != DM_OK)
            return rc;
        if (!item)
            return DM_OK;
        if (!dm_item_plain(item, "GSI1SK", &place) || place.len >= DM_DYNAMO_SK_MAX ||
            dm_file_parse(dm_str_from(place, DM_DYNAMO_NUMBER), &batch->files[batch->count], NULL) != DM_OK)
            return dm_fail(err, DM_CORRUPT, "the table lists a document whose name is unreadable");
        if (dm_str_eq(place, dm_str_z(listing->behind)))
            continue;
        snprintf(batch->places[batch->count++], DM_DYNAMO_SK_MAX, "%.*s", DM_STR_ARG(place));
    }
    return DM_OK;
}

static enum dm_code take_items(struct listing *listing, struct batch *batch, struct dm_err *err)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->keys[2 * i] = dm_dynamo_key(listing->tenant, &batch->files[i], "STATE");
        batch->keys[2 * i + 1] = dm_dynamo_key(listing->tenant, &batch->files[i], "DOC");
    }
    return dm_dynamo_get_all(listing->dynamo, batch->keys, 2 * batch->count, true, batch->items, err);
}

static enum dm_code add_row(struct listing *listing, const struct batch *batch, uint32_t n, struct dm_err *err)
{
    const struct dm_list_query *query = listing->query;
    const json_t *state = batch->items[2 * (size_t)n], *document = batch->items[2 * (size_t)n + 1];
    struct dm_list_row row = { .file = batch->files[n] };
    int64_t deleted_ms = 0;
    /* Erased or deleted, and not out of the index yet. */
    bool gone = !state || !document || (dm_item_signed(document, "deleted_ms", &deleted_ms) && deleted_ms != 0);
    if (!gone && listing->row_count == query->limit) {
        listing->full = true;
        return DM_OK;
    }
    snprintf(listing->looked_at, sizeof(listing->looked_at), "%s", batch->places[n]);
    if (gone)
        return DM_OK;
    enum dm_code rc = dm_record_read(state, DM_RECORD_STATE, NULL, &row.state, err);
    if (rc != DM_OK || (query->status != DM_STATUS_NONE && row.state.status != query->status))
        return rc;
    rc = dm_record_read(document, DM_RECORD_DOCUMENT, listing->arena, &row.document, err);
    if (rc == DM_OK)
        listing->rows[listing->row_count++] = row;
    return rc;
}

/* *ret_end: there was nothing more to look at. */
static enum dm_code take_batch(struct listing *listing, bool *ret_end, struct dm_err *err)
{
    const struct dm_list_query *query = listing->query;
    DM_CLEANUP(batch_free) struct batch *batch = dm_alloc_zero(1, sizeof(*batch));
    if (!batch)
        return dm_fail_memory(err);
    /* Of any status: as many as are wanted, and one that says whether there are more. */
    uint32_t most = query->limit - listing->row_count + 1;
    if (most > AT_ONCE || query->status != DM_STATUS_NONE)
        most = AT_ONCE;
    enum dm_code rc = take_names(listing, batch, most, err);
    *ret_end = batch->count < most;
    if (rc == DM_OK)
        rc = take_items(listing, batch, err);
    for (uint32_t i = 0; rc == DM_OK && i < batch->count && !listing->full; i++)
        rc = add_row(listing, batch, i, err);
    listing->count += batch->count;
    return rc;
}

/* ---- the list ---- */

static enum dm_code bounds(struct listing *listing, char from[DM_DYNAMO_NUMBER], char to[DM_DYNAMO_SK_MAX],
                           struct dm_err *err)
{
    const struct dm_list_query *query = listing->query;
    /* Whatever was created at an instant stands behind the bare number of it. */
    dm_dynamo_number(query->from_ms > 0 ? (uint64_t)query->from_ms : 0, from);
    dm_dynamo_number(query->to_ms > 0 ? (uint64_t)query->to_ms : UINT64_MAX, to);
    if (!query->after.len)
        return DM_OK;
    enum dm_code rc = read_cursor(query->after, listing->behind, err);
    if (rc == DM_OK && strcmp(listing->behind, to) < 0)
        snprintf(to, DM_DYNAMO_SK_MAX, "%s", listing->behind);
    return rc;
}

enum dm_code dm_dynamo_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                            struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    const struct dm_file none = { .id = "" };
    const struct dm_dynamo_place place = dm_dynamo_place_listed(tenant, &none, 0);
    char from[DM_DYNAMO_NUMBER], to[DM_DYNAMO_SK_MAX];
    DM_AUTO(listing) listing = { .dynamo = self, .tenant = tenant, .query = query, .arena = arena };
    enum dm_code rc = bounds(&listing, from, to, err);
    if (rc != DM_OK)
        return rc;
    listing.rows = dm_arena_array(arena, query->limit, sizeof(*listing.rows));
    if (!listing.rows)
        return dm_arena_fail(arena, "a list of documents", err);
    listing.index = (struct dm_dynamo_query){
        .index = "GSI1", .pk = place.pk, .from = from, .to = to, .backwards = true, .limit = AT_ONCE + 1
    };
    bool end = false;
    while (rc == DM_OK && !end && !listing.full && listing.count < LOOKED_AT_MAX)
        rc = take_batch(&listing, &end, err);
    struct dm_list list = { .rows = listing.rows, .count = listing.row_count, .next = DM_STR("") };
    if (rc == DM_OK && (listing.full || !end) && listing.looked_at[0])
        rc = make_cursor(listing.looked_at, arena, &list.next, err);
    if (rc == DM_OK)
        *ret = list;
    return rc;
}
