/* blob_contract.c: what every place for blobs must do. */
#include "contracts.h"

#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

#include "records.h"
#include "testing.h"

enum { ARENA_MAX = 16 << 20, BUF_MAX = 64 << 20 };

static struct dm_blob blob;
static struct dm_runtime runtime;
static struct dm_tenant tenant; /* a new one for every test */
static struct dm_file file;
static struct dm_arena arena;
static struct dm_err err;

static int before(void **state)
{
    tenant = fresh_tenant(runtime);
    file = fresh_file(runtime);
    arena = dm_arena_make(ARENA_MAX);
    memset(&err, 0, sizeof(err));
    return 0;
}

static int after(void **state)
{
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_document(&file).text), &err), &err);
    dm_arena_free(&arena);
    return 0;
}

static struct dm_str source(void)
{
    struct dm_blob_key key = dm_key_source(&file);
    return dm_arena_str(&arena, dm_str_z(key.text));
}

static struct dm_str segment(uint32_t first_page)
{
    struct dm_blob_key key = dm_key_segment(&file, 1, first_page, 3, 1);
    return dm_arena_str(&arena, dm_str_z(key.text));
}

static void put(struct dm_str key, struct dm_str bytes, enum dm_durability durability)
{
    struct dm_sink *sink;
    struct dm_blob_info info;
    assert_ok(dm_sink_create(blob, DM_SINK_INTAKE, &sink, &err), &err);
    assert_ok(dm_sink_write(blob, sink, bytes, &err), &err);
    assert_ok(dm_sink_finish(blob, sink, &tenant, key, durability, &info, &err), &err);
    assert_int_equal(info.size_bytes, bytes.len);
}

static struct dm_str get_all(const struct dm_tenant *of, struct dm_str key, size_t size)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(BUF_MAX);
    assert_ok(dm_blob_get(blob, of, key, 0, size, &buf, &err), &err);
    return dm_arena_str(&arena, dm_buf_str(&buf));
}

static void assert_absent(const struct dm_tenant *of, struct dm_str key)
{
    int fd = -1;
    struct dm_blob_info info;
    DM_AUTO(dm_buf) buf = dm_buf_make(BUF_MAX);
    assert_code(dm_blob_get(blob, of, key, 0, 1, &buf, &err), DM_NOT_FOUND, &err);
    assert_code(dm_blob_open(blob, of, key, &fd, &info, &err), DM_NOT_FOUND, &err);
    assert_int_equal(fd, -1);
    assert_int_equal(buf.len, 0);
}

static struct dm_blob_list list_of(struct dm_str prefix, struct dm_str from, uint32_t max)
{
    struct dm_blob_list list = { 0 };
    assert_ok(dm_blob_list(blob, &tenant, prefix, from, max, &arena, &list, &err), &err);
    return list;
}

/* ---- sinks --------------------------------------------------------------------------------------------------- */

static void what_went_through_a_sink_is_there_with_its_size_and_hash(void **state)
{
    struct dm_sink *sink;
    struct dm_blob_info info;
    assert_ok(dm_sink_create(blob, DM_SINK_INTAKE, &sink, &err), &err);
    assert_ok(dm_sink_write(blob, sink, DM_STR("a"), &err), &err);
    assert_ok(dm_sink_write(blob, sink, DM_STR(""), &err), &err);
    assert_ok(dm_sink_write(blob, sink, DM_STR("bc"), &err), &err);
    assert_absent(&tenant, source());
    assert_ok(dm_sink_finish(blob, sink, &tenant, source(), DM_KEPT, &info, &err), &err);
    assert_int_equal(info.size_bytes, 3);
    assert_string_equal(info.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_text(get_all(&tenant, source(), 3), DM_STR("abc"));
}

static void an_empty_sink_makes_an_empty_blob(void **state)
{
    struct dm_sink *sink;
    struct dm_blob_info info;
    assert_ok(dm_sink_create(blob, DM_SINK_INTAKE, &sink, &err), &err);
    assert_ok(dm_sink_finish(blob, sink, &tenant, source(), DM_KEPT, &info, &err), &err);
    assert_int_equal(info.size_bytes, 0);
    assert_string_equal(info.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_text(get_all(&tenant, source(), 0), DM_STR(""));
}

static void a_sink_takes_pieces_of_any_size(void **state)
{
    enum { BYTES = 3 * 1024 * 1024 + 17 };
    char *bytes = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    struct dm_sink *sink;
    struct dm_blob_info info;
    assert_ok(dm_sink_create(blob, DM_SINK_INTAKE, &sink, &err), &err);
    size_t step = 1;
    for (size_t at = 0; at < BYTES; at += step, step = step * 3 % 70001 + 1) {
        if (step > BYTES - at)
            step = BYTES - at;
        assert_ok(dm_sink_write(blob, sink, dm_str_of(bytes + at, step), &err), &err);
    }
    assert_ok(dm_sink_finish(blob, sink, &tenant, source(), DM_KEPT, &info, &err), &err);
    assert_int_equal(info.size_bytes, BYTES);
    assert_true(dm_str_eq(get_all(&tenant, source(), BYTES), dm_str_of(bytes, BYTES)));
    free(bytes);
}

static void a_finished_sink_replaces_what_was_there(void **state)
{
    put(source(), DM_STR("the first, which is longer"), DM_KEPT);
    put(source(), DM_STR("second"), DM_KEPT);
    assert_text(get_all(&tenant, source(), 6), DM_STR("second"));
    struct dm_blob_info info;
    int fd;
    assert_ok(dm_blob_open(blob, &tenant, source(), &fd, &info, &err), &err);
    dm_blob_close(fd);
    assert_int_equal(info.size_bytes, 6);
}

static void an_abandoned_sink_leaves_nothing(void **state)
{
    struct dm_sink *sink;
    assert_ok(dm_sink_create(blob, DM_SINK_INTAKE, &sink, &err), &err);
    assert_ok(dm_sink_write(blob, sink, DM_STR("half an upload"), &err), &err);
    dm_sink_abandon(blob, sink);
    dm_sink_abandon(blob, NULL);
    assert_absent(&tenant, source());
}

static void derived_blobs_are_there_like_others(void **state)
{
    struct dm_blob_key key = dm_key_image(&file, 3, 1600, DM_MEDIA_PNG);
    put(dm_str_z(key.text), DM_STR("picture"), DM_DERIVED);
    assert_text(get_all(&tenant, dm_str_z(key.text), 7), DM_STR("picture"));
    assert_ok(dm_blob_put_new(blob, &tenant, segment(1), DM_STR("x"), DM_DERIVED, &err), &err);
    assert_text(get_all(&tenant, segment(1), 1), DM_STR("x"));
}

/* ---- putting and getting ------------------------------------------------------------------------------------- */

static void what_is_put_new_is_never_overwritten(void **state)
{
    assert_ok(dm_blob_put_new(blob, &tenant, segment(1), DM_STR("first\n"), DM_KEPT, &err), &err);
    assert_code(dm_blob_put_new(blob, &tenant, segment(1), DM_STR("second\n"), DM_KEPT, &err), DM_EXISTS, &err);
    assert_text(get_all(&tenant, segment(1), 6), DM_STR("first\n"));
    assert_ok(dm_blob_remove(blob, &tenant, segment(1), &err), &err);
    assert_ok(dm_blob_put_new(blob, &tenant, segment(1), DM_STR("third\n"), DM_KEPT, &err), &err);
    assert_text(get_all(&tenant, segment(1), 6), DM_STR("third\n"));
    assert_ok(dm_blob_put_new(blob, &tenant, segment(2), DM_STR(""), DM_KEPT, &err), &err);
    assert_text(get_all(&tenant, segment(2), 0), DM_STR(""));
}

static void a_part_of_a_blob_is_appended_to_what_the_buffer_holds(void **state)
{
    put(source(), DM_STR("0123456789"), DM_KEPT);
    DM_AUTO(dm_buf) buf = dm_buf_make(BUF_MAX);
    dm_buf_add(&buf, DM_STR("<"));
    assert_ok(dm_blob_get(blob, &tenant, source(), 3, 4, &buf, &err), &err);
    assert_ok(dm_blob_get(blob, &tenant, source(), 9, 1, &buf, &err), &err);
    assert_ok(dm_blob_get(blob, &tenant, source(), 10, 0, &buf, &err), &err);
    assert_text(dm_buf_str(&buf), DM_STR("<34569"));
}

static void all_from_a_place_on_can_be_asked_for(void **state)
{
    put(source(), DM_STR("0123456789"), DM_KEPT);
    DM_AUTO(dm_buf) buf = dm_buf_make(BUF_MAX);
    assert_ok(dm_blob_get(blob, &tenant, source(), 0, DM_BLOB_WHOLE, &buf, &err), &err);
    assert_ok(dm_blob_get(blob, &tenant, source(), 8, DM_BLOB_WHOLE, &buf, &err), &err);
    assert_ok(dm_blob_get(blob, &tenant, source(), 10, DM_BLOB_WHOLE, &buf, &err), &err);
    assert_text(dm_buf_str(&buf), DM_STR("012345678989"));
}

static void a_blob_that_is_shorter_than_what_is_asked_is_corrupt(void **state)
{
    put(source(), DM_STR("0123456789"), DM_KEPT);
    DM_AUTO(dm_buf) buf = dm_buf_make(BUF_MAX);
    static const uint64_t asked[][2] = {
        { 0, 11 }, { 5, 6 }, { 11, 0 }, { 1000, 1 }, { UINT64_MAX, 2 }, { 1, UINT64_MAX - 1 }, { 11, DM_BLOB_WHOLE }
    };
    for (size_t i = 0; i < DM_COUNT(asked); i++)
        assert_code(dm_blob_get(blob, &tenant, source(), asked[i][0], asked[i][1], &buf, &err), DM_CORRUPT, &err);
    assert_int_equal(buf.len, 0);
}

static void a_part_over_the_buffers_ceiling_is_too_large(void **state)
{
    put(source(), DM_STR("0123456789"), DM_KEPT);
    DM_AUTO(dm_buf) buf = dm_buf_make(5);
    assert_code(dm_blob_get(blob, &tenant, source(), 0, 6, &buf, &err), DM_TOO_LARGE, &err);
}

static void what_was_never_put_is_not_found(void **state)
{
    assert_absent(&tenant, source());
    assert_absent(&tenant, segment(1));
    put(source(), DM_STR("x"), DM_KEPT);
    assert_absent(&tenant, segment(1));
    assert_ok(dm_blob_put_new(blob, &tenant, segment(1), DM_STR("x"), DM_KEPT, &err), &err);
    assert_absent(&tenant, segment(2));
}

static void an_opened_blob_can_be_read_after_it_was_removed(void **state)
{
    char bytes[16] = "";
    int fd;
    struct dm_blob_info info;
    put(source(), DM_STR("still here"), DM_KEPT);
    assert_ok(dm_blob_open(blob, &tenant, source(), &fd, &info, &err), &err);
    assert_int_equal(info.size_bytes, 10);
    assert_string_equal(info.sha256, "");
    assert_ok(dm_blob_remove(blob, &tenant, source(), &err), &err);
    assert_absent(&tenant, source());
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 10);
    assert_string_equal(bytes, "still here");
    dm_blob_close(fd);
    dm_blob_close(-1);
}

/* ---- removing and listing ------------------------------------------------------------------------------------ */

static void removing_what_is_not_there_is_fine(void **state)
{
    assert_ok(dm_blob_remove(blob, &tenant, source(), &err), &err);
    assert_ok(dm_blob_remove(blob, &tenant, segment(1), &err), &err);
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_document(&file).text), &err), &err);
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_segments(&file).text), &err), &err);
}

static void fill(void)
{
    static const uint32_t first_pages[] = { 81, 1, 41, 10001 };
    put(source(), DM_STR("source"), DM_KEPT);
    put(dm_arena_str(&arena, dm_str_z(dm_key_results(&file, 1, ".json").text)), DM_STR("{}"), DM_KEPT);
    put(dm_arena_str(&arena, dm_str_z(dm_key_image(&file, 1, 800, DM_MEDIA_JPEG).text)), DM_STR("jpeg"), DM_DERIVED);
    for (size_t i = 0; i < DM_COUNT(first_pages); i++)
        assert_ok(dm_blob_put_new(blob, &tenant, segment(first_pages[i]), DM_STR("{}\n"), DM_KEPT, &err), &err);
}

static void removing_all_of_a_prefix_leaves_the_rest(void **state)
{
    const struct dm_file gone = file;
    fill();
    /* A neighbour whose id is the same but for the end, and all of another tenant's. */
    struct dm_file neighbour = gone;
    neighbour.id[DM_ID_TEXT - 2] = neighbour.id[DM_ID_TEXT - 2] == '0' ? '1' : '0';
    file = neighbour;
    fill();
    file = gone;
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_segments(&file).text), &err), &err);
    assert_int_equal(list_of(dm_str_z(dm_key_segments(&file).text), DM_STR(""), 100).count, 0);
    assert_int_equal(list_of(dm_str_z(dm_key_document(&file).text), DM_STR(""), 100).count, 3);
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_document(&file).text), &err), &err);
    assert_int_equal(list_of(dm_str_z(dm_key_document(&file).text), DM_STR(""), 100).count, 0);
    assert_absent(&tenant, source());
    assert_int_equal(list_of(dm_str_z(dm_key_document(&neighbour).text), DM_STR(""), 100).count, 7);
    /* The place can be used again. */
    fill();
    assert_int_equal(list_of(dm_str_z(dm_key_document(&file).text), DM_STR(""), 100).count, 7);
    assert_ok(dm_blob_remove_all(blob, &tenant, dm_str_z(dm_key_document(&neighbour).text), &err), &err);
}

static void a_list_is_ascending_and_complete(void **state)
{
    fill();
    const struct dm_blob_list list = list_of(dm_str_z(dm_key_document(&file).text), DM_STR(""), 100);
    assert_int_equal(list.count, 7);
    assert_false(list.more);
    for (uint32_t i = 1; i < list.count; i++)
        assert_true(dm_str_compare(list.keys[i - 1], list.keys[i]) < 0);
    assert_text(list.keys[0], dm_str_z(dm_key_image(&file, 1, 800, DM_MEDIA_JPEG).text));
    assert_text(list.keys[1], segment(1));
    assert_text(list.keys[2], segment(41));
    assert_text(list.keys[3], segment(81));
    assert_text(list.keys[4], segment(10001));
    assert_text(list.keys[6], source());
}

static void a_list_can_begin_with_part_of_a_name(void **state)
{
    char prefix[DM_BLOB_KEY_MAX];
    fill();
    snprintf(prefix, sizeof(prefix), "%s/pages/seg-1-0", file.id);
    assert_int_equal(list_of(dm_str_z(prefix), DM_STR(""), 100).count, 3);
    snprintf(prefix, sizeof(prefix), "%s/pages/seg-2", file.id);
    assert_int_equal(list_of(dm_str_z(prefix), DM_STR(""), 100).count, 0);
    snprintf(prefix, sizeof(prefix), "%s/s", file.id);
    assert_int_equal(list_of(dm_str_z(prefix), DM_STR(""), 100).count, 1);
    assert_int_equal(list_of(dm_str_of(file.id, 30), DM_STR(""), 100).count, 7);
}

static void a_list_is_given_in_pages(void **state)
{
    enum { BLOBS = 57 };
    for (uint32_t i = 0; i < BLOBS; i++)
        assert_ok(dm_blob_put_new(blob, &tenant, segment((i * 37 + 5) % 997), DM_STR("{}\n"), DM_DERIVED, &err), &err);
    struct dm_str last = DM_STR("");
    uint32_t seen = 0;
    for (;;) {
        const struct dm_blob_list list = list_of(dm_str_z(dm_key_segments(&file).text), last, 10);
        assert_true(list.count <= 10);
        for (uint32_t i = 0; i < list.count; i++) {
            assert_true(dm_str_compare(last, list.keys[i]) < 0);
            last = list.keys[i];
        }
        seen += list.count;
        if (!list.more)
            break;
        assert_int_equal(list.count, 10);
    }
    assert_int_equal(seen, BLOBS);
}

/* ---- tenants ------------------------------------------------------------------------------------------------- */

static void one_key_under_two_tenants_is_two_blobs(void **state)
{
    const struct dm_tenant other = fresh_tenant(runtime);
    put(source(), DM_STR("mine"), DM_KEPT);
    assert_absent(&other, source());
    assert_ok(dm_blob_put_new(blob, &other, source(), DM_STR("theirs"), DM_KEPT, &err), &err);
    assert_ok(dm_blob_remove_all(blob, &other, dm_str_z(dm_key_document(&file).text), &err), &err);
    assert_absent(&other, source());
    assert_text(get_all(&tenant, source(), 4), DM_STR("mine"));
}

static void tenants_may_have_any_name_that_is_allowed(void **state)
{
    static const char *const names[] = {
        "a", "A", "a:b@c.d_e-f", "0.", "a..b", "0123456789012345678901234567890123456789012345678901234567890123"
    };
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        struct dm_tenant named;
        assert_ok(dm_tenant_parse(dm_str_z(names[i]), &named, &err), &err);
        assert_absent(&named, source());
        assert_ok(dm_blob_put_new(blob, &named, source(), dm_str_z(names[i]), DM_KEPT, &err), &err);
    }
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        struct dm_tenant named;
        assert_ok(dm_tenant_parse(dm_str_z(names[i]), &named, &err), &err);
        assert_text(get_all(&named, source(), strlen(names[i])), dm_str_z(names[i]));
        assert_ok(dm_blob_remove_all(blob, &named, dm_str_z(dm_key_document(&file).text), &err), &err);
    }
}

/* ---- many at once -------------------------------------------------------------------------------------------- */

enum { TASKS = 16, ROUNDS = 8 };

struct putting {
    uint32_t number;
    uint32_t won;
    enum dm_code failure;
};

static void put_same_names(void *argument)
{
    struct putting *putting = argument;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        struct dm_blob_key key = dm_key_segment(&file, 1, i, 1, 1);
        char text[32];
        snprintf(text, sizeof(text), "%08u", (unsigned)putting->number);
        enum dm_code rc = dm_blob_put_new(blob, &tenant, dm_str_z(key.text), dm_str_z(text), DM_KEPT, NULL);
        if (rc == DM_OK)
            putting->won++;
        else if (rc != DM_EXISTS)
            putting->failure = rc;
        DM_AUTO(dm_buf) buf = dm_buf_make(64);
        rc = dm_blob_get(blob, &tenant, dm_str_z(key.text), 0, 8, &buf, NULL);
        if (rc != DM_OK)
            putting->failure = rc;
    }
}

static void of_tasks_that_put_the_same_name_one_wins(void **state)
{
    struct putting putting[TASKS] = { 0 };
    struct dm_task *tasks[TASKS];
    uint32_t won = 0;
    for (uint32_t i = 0; i < TASKS; i++) {
        putting[i].number = i;
        assert_ok(dm_spawn(runtime, "putting", put_same_names, &putting[i], &tasks[i], &err), &err);
    }
    for (int i = 0; i < TASKS; i++)
        dm_join(runtime, tasks[i]);
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(putting[i].failure, DM_OK);
        won += putting[i].won;
    }
    assert_int_equal(won, ROUNDS);
    assert_int_equal(list_of(dm_str_z(dm_key_segments(&file).text), DM_STR(""), 100).count, ROUNDS);
}

/* Documents that come and go in the same folders. */
static void come_and_go(void *argument)
{
    struct putting *putting = argument;
    for (int i = 0; i < ROUNDS && putting->failure == DM_OK; i++) {
        struct dm_file own;
        dm_fresh_id(runtime, own.id);
        struct dm_blob_key key = dm_key_source(&own);
        struct dm_blob_key part = dm_key_segment(&own, 1, 1, 1, 1);
        struct dm_blob_key all = dm_key_document(&own);
        struct dm_sink *sink = NULL;
        struct dm_blob_info info;
        enum dm_code rc = dm_sink_create(blob, DM_SINK_INTAKE, &sink, NULL);
        if (rc == DM_OK)
            rc = dm_sink_write(blob, sink, DM_STR("bytes"), NULL);
        if (rc == DM_OK)
            rc = dm_sink_finish(blob, sink, &tenant, dm_str_z(key.text), DM_KEPT, &info, NULL);
        if (rc == DM_OK)
            rc = dm_blob_put_new(blob, &tenant, dm_str_z(part.text), DM_STR("line\n"), DM_KEPT, NULL);
        DM_AUTO(dm_buf) buf = dm_buf_make(64);
        if (rc == DM_OK)
            rc = dm_blob_get(blob, &tenant, dm_str_z(key.text), 0, 5, &buf, NULL);
        if (rc == DM_OK)
            rc = dm_blob_get(blob, &tenant, dm_str_z(part.text), 0, 5, &buf, NULL);
        if (rc == DM_OK && !dm_str_eq(dm_buf_str(&buf), DM_STR("bytesline\n")))
            rc = DM_CORRUPT;
        if (rc == DM_OK)
            rc = dm_blob_remove_all(blob, &tenant, dm_str_z(all.text), NULL);
        putting->failure = rc;
    }
}

static void documents_may_come_and_go_at_the_same_time(void **state)
{
    struct putting putting[TASKS] = { 0 };
    struct dm_task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        assert_ok(dm_spawn(runtime, "coming", come_and_go, &putting[i], &tasks[i], &err), &err);
    for (int i = 0; i < TASKS; i++)
        dm_join(runtime, tasks[i]);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(putting[i].failure, DM_OK);
}

static void a_place_that_works_says_so(void **state)
{
    assert_ok(dm_blob_check(blob, &err), &err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before, after)

int blob_contract(struct dm_blob given, struct dm_runtime given_runtime)
{
    blob = given;
    runtime = given_runtime;
    static const struct CMUnitTest tests[] = {
        CASE(what_went_through_a_sink_is_there_with_its_size_and_hash),
        CASE(an_empty_sink_makes_an_empty_blob),
        CASE(a_sink_takes_pieces_of_any_size),
        CASE(a_finished_sink_replaces_what_was_there),
        CASE(an_abandoned_sink_leaves_nothing),
        CASE(derived_blobs_are_there_like_others),
        CASE(what_is_put_new_is_never_overwritten),
        CASE(a_part_of_a_blob_is_appended_to_what_the_buffer_holds),
        CASE(all_from_a_place_on_can_be_asked_for),
        CASE(a_blob_that_is_shorter_than_what_is_asked_is_corrupt),
        CASE(a_part_over_the_buffers_ceiling_is_too_large),
        CASE(what_was_never_put_is_not_found),
        CASE(an_opened_blob_can_be_read_after_it_was_removed),
        CASE(removing_what_is_not_there_is_fine),
        CASE(removing_all_of_a_prefix_leaves_the_rest),
        CASE(a_list_is_ascending_and_complete),
        CASE(a_list_can_begin_with_part_of_a_name),
        CASE(a_list_is_given_in_pages),
        CASE(one_key_under_two_tenants_is_two_blobs),
        CASE(tenants_may_have_any_name_that_is_allowed),
        CASE(of_tasks_that_put_the_same_name_one_wins),
        CASE(documents_may_come_and_go_at_the_same_time),
        CASE(a_place_that_works_says_so),
    };
    return run_group("the blobs' contract", tests, NULL, NULL);
}
