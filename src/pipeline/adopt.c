/* adopt.c: segments that no page record names.
 *
 * A worker that died between writing a segment and committing it has left answers that were paid for. Whoever claims
 * the range again takes them over. Once the document has ended, what is still unnamed is removed. */
#include <string.h>

#include "base/alloc.h"
#include "domain/limits.h"
#include "segment.h"
#include "worker.h"

enum { KEYS_A_LIST = 200, SEGMENT_MAX = 64 * 1024 * 1024, PAGES_A_READ = 500 };

static bool already(const struct dm_adopted *adopted, uint32_t number)
{
    for (size_t i = 0; i < DM_CLAIM_PAGES_MAX && adopted->pages[i].number; i++)
        if (adopted->pages[i].number == number)
            return true;
    return false;
}

/* Whether it may hold pages of the claim: of a long document nearly none does. */
static bool may_hold(struct dm_str key, const struct dm_claim *claim)
{
    uint32_t first = dm_key_segment_first(key);
    return dm_key_segment_epoch(key) == claim->epoch && first <= claim->last &&
           claim->first - (first < claim->first ? first : claim->first) < DM_CLAIM_PAGES_MAX;
}

static enum dm_code adopt_lines(struct dm_str segment, struct dm_str key, const struct dm_claim *claim, uint32_t *count,
                                struct dm_arena *arena, struct dm_adopted *ret, struct dm_err *err)
{
    struct dm_str rest = segment;
    struct dm_str line;
    while (*count < DM_CLAIM_PAGES_MAX && dm_str_next(&rest, '\n', &line)) {
        json_auto_t *object = NULL;
        struct dm_page page;
        /* A damaged line is no answer: the page is read again. */
        enum dm_code rc = line.len ? dm_segment_parse(line, arena, &object, &page, err) : DM_CORRUPT;
        if (rc == DM_NO_MEMORY)
            return rc;
        if (rc != DM_OK)
            continue;
        if (page.number < claim->first || page.number > claim->last || already(ret, page.number))
            continue;
        page.segment = key;
        page.offset = (uint64_t)(line.at - segment.at);
        page.length = (uint32_t)line.len;
        ret->pages[(*count)++] = page;
    }
    return DM_OK;
}

enum dm_code dm_adopt(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file,
                      const struct dm_claim *claim, struct dm_arena *arena, struct dm_adopted *ret, struct dm_err *err)
{
    memset(ret, 0, sizeof(*ret));
    const struct dm_blob_key prefix = dm_key_segments(file);
    uint32_t count = 0;
    struct dm_blob_list keys = { .more = true };
    for (struct dm_str after = DM_STR(""); keys.more && count < DM_CLAIM_PAGES_MAX; after = keys.keys[keys.count - 1]) {
        enum dm_code rc =
            dm_blob_list(pipeline->ports.blob, tenant, dm_str_z(prefix.text), after, KEYS_A_LIST, arena, &keys, err);
        if (rc != DM_OK)
            return rc;
        for (uint32_t i = 0; i < keys.count; i++) {
            if (!may_hold(keys.keys[i], claim))
                continue;
            DM_AUTO(dm_buf) segment = dm_buf_make(SEGMENT_MAX);
            rc = dm_blob_get(pipeline->ports.blob, tenant, keys.keys[i], 0, DM_BLOB_WHOLE, &segment, err);
            if (rc == DM_OK)
                rc = adopt_lines(dm_buf_str(&segment), keys.keys[i], claim, &count, arena, ret, err);
            if (rc != DM_OK)
                return rc;
        }
        if (keys.count == 0)
            break;
    }
    return DM_OK;
}

/* ---- orphans ---- */

static bool listed(const struct dm_blob_list *names, struct dm_str key)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (dm_str_eq(names->keys[i], key))
            return true;
    return false;
}

/* The segments that page records name, each once in a row (records come in page order, so repeats are neighbours
 * mostly). */
static enum dm_code named_segments(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                   const struct dm_file *file, const struct dm_state *state, struct dm_arena *arena,
                                   struct dm_blob_list *ret, struct dm_err *err)
{
    struct dm_str *keys = dm_arena_array(arena, state->total + 1U, sizeof(*keys));
    if (!keys)
        return dm_fail_memory(err);
    struct dm_blob_list names = { .keys = keys };
    for (uint32_t next = 1; next != 0 && next <= state->total;) {
        DM_AUTO(dm_arena) batch = dm_arena_make(DM_STEP_ARENA_MAX);
        struct dm_page_list pages;
        enum dm_code rc =
            dm_store_pages(pipeline->ports.store, tenant, file, next, state->total, PAGES_A_READ, &batch, &pages, err);
        if (rc != DM_OK)
            return rc;
        for (uint32_t i = 0; i < pages.count; i++) {
            struct dm_str key = pages.at[i].segment;
            if (key.len == 0 || listed(&names, key))
                continue;
            keys[names.count] = dm_arena_str(arena, key);
            if (!keys[names.count++].at)
                return dm_fail_memory(err);
        }
        next = pages.count == PAGES_A_READ ? pages.at[pages.count - 1].number + 1 : 0;
    }
    *ret = names;
    return DM_OK;
}

enum dm_code dm_remove_orphans(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                               const struct dm_file *file, const struct dm_state *state, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(64 * 1024 * 1024);
    const struct dm_blob_key prefix = dm_key_segments(file);
    struct dm_blob_list names = { 0 };
    enum dm_code rc = named_segments(pipeline, tenant, file, state, &arena, &names, err);
    struct dm_blob_list keys = { .more = true };
    for (struct dm_str after = DM_STR(""); rc == DM_OK && keys.more; after = keys.keys[keys.count - 1]) {
        rc = dm_blob_list(pipeline->ports.blob, tenant, dm_str_z(prefix.text), after, KEYS_A_LIST, &arena, &keys, err);
        for (uint32_t i = 0; rc == DM_OK && i < keys.count; i++)
            if (dm_key_segment_epoch(keys.keys[i]) <= state->epoch && !listed(&names, keys.keys[i]))
                rc = dm_blob_remove(pipeline->ports.blob, tenant, keys.keys[i], err);
        if (rc != DM_OK || keys.count == 0)
            break;
    }
    return rc;
}
