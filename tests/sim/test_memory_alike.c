/* test_memory_alike.c: the simulator's store and blobs answer as SQLite and files do (alike.h says why that matters). */
#include <stdio.h>

#include "../unit/embedded/rig.h"
#include "alike.h"
#include "memory_blob.h"
#include "testing.h"

enum { TENANTS = 2, FILES = 4, STORE_STEPS = 1000, BLOB_STEPS = 1500, ARENA_MAX = 4 << 20 };

static struct dm_blob blobs[2]; /* the real ones, the simulator's */
static struct dm_arena arena;
static struct dm_err err;
static struct dm_tenant tenants[TENANTS];
static struct dm_file files[FILES];
static uint64_t chance;

/* xorshift64*: the same on every machine. */
static uint32_t below(uint32_t limit)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return (uint32_t)((chance * 2685821657736338717U) >> 33) % limit;
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

static struct dm_str some_text(void)
{
    static const char *const texts[] = { "", "a", "two words", "{\"k\":[1,2]}" };
    return dm_str_z(texts[below(DM_COUNT(texts))]);
}

/* ---- blobs --------------------------------------------------------------------------------------------------- */

static struct dm_str some_key(char *room, size_t size)
{
    const char *id = files[below(FILES)].id;
    switch (below(3)) {
    case 0:
        snprintf(room, size, "%s/source", id);
        break;
    case 1:
        snprintf(room, size, "%s/results-%u.json", id, (unsigned)below(2));
        break;
    default:
        snprintf(room, size, "%s/pages/seg-%u", id, (unsigned)below(4));
    }
    return dm_str_z(room);
}

static struct dm_str some_prefix(char *room, size_t size)
{
    snprintf(room, size, "%s/%s", files[below(FILES)].id, one_in(2) ? "pages/" : "");
    return dm_str_z(room);
}

static enum dm_code put_through_sink(struct dm_blob port, const struct dm_tenant *tenant, struct dm_str key,
                                     struct dm_str bytes, struct dm_blob_info *ret)
{
    struct dm_sink *sink;
    enum dm_code rc = dm_sink_create(port, DM_SINK_WORK, &sink, &err);
    if (rc != DM_OK)
        return rc;
    rc = dm_sink_write(port, sink, bytes, &err);
    if (rc == DM_OK)
        return dm_sink_finish(port, sink, tenant, key, DM_DERIVED, ret, &err);
    dm_sink_abandon(port, sink);
    return rc;
}

static void change_blobs(const struct dm_tenant *tenant, struct dm_str key, struct dm_str prefix)
{
    const uint32_t what = below(10);
    const struct dm_str bytes = some_text();
    struct dm_blob_info infos[2] = { 0 };
    enum dm_code codes[2];
    for (int i = 0; i < 2; i++) {
        if (what == 0)
            codes[i] = dm_blob_remove_all(blobs[i], tenant, prefix, &err);
        else if (what <= 2)
            codes[i] = dm_blob_remove(blobs[i], tenant, key, &err);
        else if (what <= 5)
            codes[i] = put_through_sink(blobs[i], tenant, key, bytes, &infos[i]);
        else
            codes[i] = dm_blob_put_new(blobs[i], tenant, key, bytes, DM_DERIVED, &err);
    }
    assert_int_equal(codes[0], codes[1]);
    assert_int_equal(infos[0].size_bytes, infos[1].size_bytes);
    assert_string_equal(infos[0].sha256, infos[1].sha256);
}

static void compare_blobs(const struct dm_tenant *tenant, struct dm_str key, struct dm_str prefix)
{
    const uint64_t offset = below(4), size = one_in(2) ? DM_BLOB_WHOLE : below(4);
    const uint32_t max = 1 + below(4);
    const struct dm_str after = one_in(2) ? key : DM_STR("");
    DM_AUTO(dm_buf) real = dm_buf_make(100);
    DM_AUTO(dm_buf) simulated = dm_buf_make(100);
    struct dm_buf *const bytes[2] = { &real, &simulated };
    struct dm_blob_list lists[2] = { 0 };
    enum dm_code codes[2];
    for (int i = 0; i < 2; i++) {
        codes[i] = dm_blob_get(blobs[i], tenant, key, offset, size, bytes[i], &err);
        assert_ok(dm_blob_list(blobs[i], tenant, prefix, after, max, &arena, &lists[i], &err), &err);
    }
    assert_int_equal(codes[0], codes[1]);
    assert_text(dm_buf_str(&real), dm_buf_str(&simulated));
    assert_int_equal(lists[0].count, lists[1].count);
    assert_int_equal(lists[0].more, lists[1].more);
    for (uint32_t i = 0; i < lists[0].count; i++)
        assert_text(lists[0].keys[i], lists[1].keys[i]);
}

static void one_history_leaves_the_same_blobs_in_both_places(void **state)
{
    for (int step = 0; step < BLOB_STEPS; step++) {
        char key_room[DM_BLOB_KEY_MAX], prefix_room[DM_BLOB_KEY_MAX];
        const struct dm_tenant *tenant = &tenants[below(TENANTS)];
        const struct dm_str key = some_key(key_room, sizeof(key_room));
        const struct dm_str prefix = some_prefix(prefix_room, sizeof(prefix_room));
        change_blobs(tenant, key, prefix);
        compare_blobs(tenant, key, prefix);
        dm_arena_reset(&arena);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_history_leaves_the_same_blobs_in_both_places),
    };
    void *state = NULL;
    if (rig_open(&state) != 0)
        return 1;
    const struct dm_embedded_set *set = &((struct rig *)state)->set;
    struct memory_blob *memory_blobs = memory_blob_make();
    blobs[0] = set->blob;
    blobs[1] = memory_blob_port(memory_blobs);
    arena = dm_arena_make(ARENA_MAX);
    chance = 20260117;
    for (int i = 0; i < TENANTS; i++)
        snprintf(tenants[i].id, sizeof(tenants[i].id), "tenant-%d", i);
    for (int i = 0; i < FILES; i++)
        snprintf(files[i].id, sizeof(files[i].id), "01940000-0000-7000-8000-%012d", (i * 7 + 3) % 10);
    int failed = stores_alike(set->store, set->op, STORE_STEPS, ALIKE_ANY);
    failed += run_group("the simulator's blobs against the real ones", tests, NULL, NULL);
    dm_arena_free(&arena);
    memory_blob_free(memory_blobs);
    rig_close(&state);
    return failed;
}
