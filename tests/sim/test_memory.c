/* test_memory.c: the simulator's backends keep the ports' contracts, and tell its judge what happened. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "contracts.h"
#include "embedded/embedded.h"
#include "memory_blob.h"
#include "memory_store.h"
#include "memory_stream.h"
#include "records.h"
#include "testing.h"

static struct dm_runtime runtime;
static struct memory_store *store;
static struct memory_blob *blob;
static struct dm_tenant tenant;
static struct dm_arena arena;
static struct dm_err err;

static int before(void **state)
{
    store = memory_store_make();
    blob = memory_blob_make();
    tenant = fresh_tenant(runtime);
    arena = dm_arena_make(1 << 20);
    memset(&err, 0, sizeof(err));
    return 0;
}

static int after(void **state)
{
    dm_arena_free(&arena);
    memory_blob_free(blob);
    memory_store_free(store);
    return 0;
}

/* ---- a node's allocator -------------------------------------------------------------------------------------- */

static void *refuse(void *self, size_t size)
{
    return NULL;
}

static void *refuse_more(void *self, void *block, size_t size)
{
    return NULL;
}

static void refuse_back(void *self, void *block)
{
    if (block)
        fail_msg("%s", "a block was given back to an allocator that gave none");
}

static const struct dm_allocator nothing = { refuse, refuse_more, refuse_back, NULL };

/* ---- the store ----------------------------------------------------------------------------------------------- */

struct told {
    uint32_t times;
    bool erased;
    bool had_document;
    const struct dm_transaction *transaction;
    struct dm_file file;
    uint64_t version;
    uint32_t events;
    void *judge;
};

static void note(void *context, struct memory_document *document, const struct dm_transaction *transaction)
{
    struct told *told = context;
    told->times++;
    told->transaction = transaction;
    told->had_document = document != NULL;
    if (!document)
        return;
    told->erased = document->erased;
    told->file = document->file;
    told->version = document->state.version;
    told->events = document->event_count;
    told->judge = document->judge;
    document->judge = told;
    /* It is there for whoever looks, unless it has just gone. */
    assert_ptr_equal(memory_store_find(store, &document->tenant, &document->file), document->erased ? NULL : document);
}

static void the_judge_is_told_of_what_happened_and_of_nothing_else(void **state)
{
    struct told told = { 0 };
    memory_store_observe(store, note, &told);
    const struct dm_file file = put_document(memory_store_port(store), runtime, &tenant);
    assert_int_equal(told.times, 1);
    assert_true(dm_file_eq(&told.file, &file));
    assert_int_equal(told.version, 1);
    assert_int_equal(told.events, 1);
    assert_null(told.judge);

    struct dm_state next = full_state();
    next.version = 2;
    struct dm_transaction transaction = { .state = &next, .state_before = 1 };
    assert_ok(dm_store_commit(memory_store_port(store), &tenant, &file, &transaction, &err), &err);
    assert_int_equal(told.times, 2);
    assert_ptr_equal(told.transaction, &transaction);
    assert_int_equal(told.version, 2);
    assert_ptr_equal(told.judge, &told);
    assert_code(dm_store_commit(memory_store_port(store), &tenant, &file, &transaction, &err), DM_CONFLICT, &err);
    assert_int_equal(told.times, 2);

    assert_ok(dm_store_erase(memory_store_port(store), &tenant, &file, &err), &err);
    assert_int_equal(told.times, 3);
    assert_true(told.erased);
    assert_null(told.transaction);
    assert_int_equal(told.version, 2);
    assert_ok(dm_store_erase(memory_store_port(store), &tenant, &file, &err), &err);
    assert_int_equal(told.times, 3);
}

static void keys_are_counted_by_the_document_that_they_lead_to(void **state)
{
    struct told told = { 0 };
    memory_store_observe(store, note, &told);
    const struct dm_file file = fresh_file(runtime);
    const struct dm_file other = fresh_file(runtime);
    for (int64_t i = 0; i < 3; i++) {
        char text[8];
        snprintf(text, sizeof(text), "key %d", (int)i);
        const struct dm_idem idem = { .key = dm_str_z(text), .file = i == 1 ? other : file, .expires_ms = 100 + i };
        struct dm_transaction transaction = { .idem = &idem, .now_ms = 50 };
        assert_ok(dm_store_commit(memory_store_port(store), &tenant, &idem.file, &transaction, &err), &err);
    }
    assert_int_equal(told.times, 3);
    assert_false(told.had_document);
    assert_null(memory_store_find(store, &tenant, &file));
    assert_int_equal(memory_store_keys(store, &tenant, &file, 50), 2);
    assert_int_equal(memory_store_keys(store, &tenant, &file, 100), 1);
    assert_int_equal(memory_store_keys(store, &tenant, &other, 50), 1);
    const struct dm_tenant stranger = fresh_tenant(runtime);
    assert_int_equal(memory_store_keys(store, &stranger, &file, 50), 0);
}

static void count_in_order(void *context, struct memory_document *document)
{
    struct told *told = context;
    if (told->times++ > 0)
        assert_true(strcmp(told->file.id, document->file.id) < 0);
    told->file = document->file;
}

static void all_documents_are_visited_in_the_order_of_their_ids(void **state)
{
    static const char digits[] = "5172093";
    struct told told = { 0 };
    for (size_t i = 0; i + 1 < sizeof(digits); i++) {
        struct dm_file file = { .id = "01940000-0000-7000-8000-000000000000" };
        file.id[DM_ID_TEXT - 2] = digits[i];
        const struct dm_document document = full_document();
        const struct dm_state its_state = full_state();
        put_records(memory_store_port(store), &tenant, &file, &document, &its_state, NULL);
    }
    memory_store_each(store, count_in_order, &told);
    assert_int_equal(told.times, sizeof(digits) - 1);
}

static void what_was_committed_survives_the_memory_that_it_came_from(void **state)
{
    const struct dm_file file = fresh_file(runtime);
    char name[] = "a name";
    char sentence[] = "a sentence";
    struct dm_range chosen[] = { { 1, 9 } };
    struct dm_document document = full_document();
    const struct dm_state its_state = full_state();
    struct dm_work work = full_work();
    struct dm_page page = full_page(1, 1);
    document.name = dm_str_z(name);
    work.chosen = (struct dm_ranges){ chosen, 1 };
    page.detail = dm_str_z(sentence);
    struct dm_transaction transaction = {
        .document = &document, .state = &its_state, .work = &work, .pages = &page, .page_count = 1
    };
    /* A crashed node's allocator is gone with all that it gave. */
    const struct dm_allocator *usual = dm_allocator_use(&nothing);
    enum dm_code rc = dm_store_commit(memory_store_port(store), &tenant, &file, &transaction, &err);
    dm_allocator_use(usual);
    assert_ok(rc, &err);
    memset(name, 'x', sizeof(name));
    memset(sentence, 'x', sizeof(sentence));
    memset(chosen, 'x', sizeof(chosen));
    struct dm_snapshot snapshot;
    struct dm_page_list pages;
    assert_ok(dm_store_read(memory_store_port(store), &tenant, &file, DM_PART_DOCUMENT | DM_PART_WORK, &arena,
                            &snapshot, &err),
              &err);
    assert_ok(dm_store_pages(memory_store_port(store), &tenant, &file, 1, 1, 1, &arena, &pages, &err), &err);
    usual = dm_allocator_use(&nothing);
    rc = dm_store_erase(memory_store_port(store), &tenant, &file, &err);
    dm_allocator_use(usual);
    assert_ok(rc, &err);
    /* And what was read is the reader's own. */
    assert_text(snapshot.document.name, DM_STR("a name"));
    assert_int_equal(snapshot.work.chosen.at[0].last, 9);
    assert_text(pages.at[0].detail, DM_STR("a sentence"));
}

static void a_read_that_does_not_fit_into_the_callers_memory_is_too_large(void **state)
{
    const struct dm_file file = put_document(memory_store_port(store), runtime, &tenant);
    struct dm_arena small = dm_arena_make(16);
    struct dm_snapshot snapshot;
    struct dm_event_list events;
    struct dm_list list;
    const struct dm_list_query query = { .limit = 10 };
    assert_code(dm_store_read(memory_store_port(store), &tenant, &file, DM_PART_DOCUMENT, &small, &snapshot, &err),
                DM_TOO_LARGE, &err);
    assert_code(dm_store_events(memory_store_port(store), &tenant, &file, 0, 10, &small, &events, &err), DM_TOO_LARGE,
                &err);
    assert_code(dm_store_list(memory_store_port(store), &tenant, &query, &small, &list, &err), DM_TOO_LARGE, &err);
    dm_arena_free(&small);
}

/* ---- blobs --------------------------------------------------------------------------------------------------- */

static struct dm_sink *begin(enum dm_sink_use use)
{
    struct dm_sink *sink = NULL;
    assert_ok(dm_sink_create(memory_blob_port(blob), use, &sink, &err), &err);
    return sink;
}

static void open_sinks_are_counted_and_need_no_memory_of_the_node(void **state)
{
    const struct dm_allocator *usual = dm_allocator_use(&nothing);
    struct dm_sink *finished = begin(DM_SINK_INTAKE);
    struct dm_sink *abandoned = begin(DM_SINK_WORK);
    struct dm_sink *forgotten = begin(DM_SINK_WORK);
    enum dm_code rc = dm_sink_write(memory_blob_port(blob), finished, DM_STR("bytes"), &err);
    if (rc == DM_OK)
        rc = dm_sink_write(memory_blob_port(blob), forgotten, DM_STR("lost"), &err);
    uint32_t open = memory_blob_sinks(blob);
    if (rc == DM_OK)
        rc = dm_sink_finish(memory_blob_port(blob), finished, &tenant, DM_STR("a/source"), DM_KEPT, NULL, &err);
    dm_sink_abandon(memory_blob_port(blob), abandoned);
    dm_allocator_use(usual);
    assert_ok(rc, &err);
    assert_int_equal(open, 3);
    assert_int_equal(memory_blob_sinks(blob), 1); /* which goes with the blobs */
    struct dm_str bytes;
    assert_true(memory_blob_find(blob, &tenant, DM_STR("a/source"), &bytes));
    assert_text(bytes, DM_STR("bytes"));
    assert_false(memory_blob_find(blob, &tenant, DM_STR("a/other"), &bytes));
}

static void a_full_disk_takes_nothing_and_gives_all(void **state)
{
    const struct dm_blob port = memory_blob_port(blob);
    struct dm_sink *complete = begin(DM_SINK_INTAKE);
    struct dm_sink *begun = begin(DM_SINK_WORK);
    struct dm_sink *refused = NULL;
    assert_ok(dm_sink_write(port, complete, DM_STR("all"), &err), &err);
    assert_ok(dm_sink_write(port, begun, DM_STR("some"), &err), &err);
    memory_blob_set_full(blob, true);
    assert_code(dm_blob_check(port, &err), DM_NO_SPACE, &err);
    assert_code(dm_sink_create(port, DM_SINK_INTAKE, &refused, &err), DM_NO_SPACE, &err);
    assert_code(dm_sink_write(port, begun, DM_STR(" more"), &err), DM_NO_SPACE, &err);
    assert_code(dm_blob_put_new(port, &tenant, DM_STR("a/new"), DM_STR("x"), DM_KEPT, &err), DM_NO_SPACE, &err);
    assert_ok(dm_sink_finish(port, complete, &tenant, DM_STR("a/complete"), DM_KEPT, NULL, &err), &err);
    dm_sink_abandon(port, begin(DM_SINK_WORK));
    memory_blob_set_full(blob, false);
    /* What was written with a gap in it never becomes a blob. */
    assert_code(dm_sink_write(port, begun, DM_STR(" more"), &err), DM_NO_SPACE, &err);
    assert_code(dm_sink_finish(port, begun, &tenant, DM_STR("a/begun"), DM_KEPT, NULL, &err), DM_NO_SPACE, &err);
    struct dm_str bytes;
    assert_false(memory_blob_find(blob, &tenant, DM_STR("a/begun"), &bytes));
    assert_true(memory_blob_find(blob, &tenant, DM_STR("a/complete"), &bytes));
    assert_int_equal(memory_blob_sinks(blob), 0);
    assert_ok(dm_blob_put_new(port, &tenant, DM_STR("a/new"), DM_STR("x"), DM_KEPT, &err), &err);
    assert_ok(dm_blob_check(port, &err), &err);
}

static uint64_t alternate(void *context)
{
    return (*(uint64_t *)context)++;
}

struct seen {
    char keys[64];
};

static void add_key(void *context, const struct dm_tenant *of, struct dm_str key, struct dm_str bytes)
{
    struct seen *seen = context;
    size_t len = strlen(seen->keys);
    assert_true(dm_tenant_eq(of, &tenant));
    snprintf(seen->keys + len, sizeof(seen->keys) - len, "%.*s=%.*s ", DM_STR_ARG(key), DM_STR_ARG(bytes));
}

static void a_crash_takes_derived_blobs_alone(void **state)
{
    static const char *const keys[] = { "d", "a", "c", "b" };
    for (size_t i = 0; i < DM_COUNT(keys); i++)
        assert_ok(dm_blob_put_new(memory_blob_port(blob), &tenant, dm_str_z(keys[i]), dm_str_z(keys[i]),
                                  *keys[i] == 'b' ? DM_KEPT : DM_DERIVED, &err),
                  &err);
    uint64_t asked = 0;
    struct seen seen = { .keys = "" };
    memory_blob_forget_derived(blob, alternate, &asked);
    assert_int_equal(asked, 3);
    memory_blob_each(blob, add_key, &seen);
    assert_string_equal(seen.keys, "b=b c=c ");
}

static void an_opened_blob_cannot_be_written_to(void **state)
{
    int fd;
    char byte = 0;
    assert_ok(dm_blob_put_new(memory_blob_port(blob), &tenant, DM_STR("a"), DM_STR("x"), DM_KEPT, &err), &err);
    assert_ok(dm_blob_open(memory_blob_port(blob), &tenant, DM_STR("a"), &fd, NULL, &err), &err);
    assert_int_equal(write(fd, "y", 1), -1);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    dm_blob_close(fd);
}

/* ---- hints --------------------------------------------------------------------------------------------------- */

static struct memory_stream *own;

static void to_itself(void *context, const struct dm_hint *hint)
{
    memory_stream_deliver(own, hint);
}

static void keep(void *context, const struct dm_hint *hint)
{
    *(struct dm_hint *)context = *hint;
}

static uint32_t pull(struct memory_stream *stream, struct dm_stream_message *messages, uint32_t max)
{
    uint32_t count = 0;
    assert_ok(dm_stream_pull(memory_stream_port(stream), max, dm_mono_ms(runtime), messages, &count, &err), &err);
    return count;
}

static void hints_go_where_they_are_delivered_and_as_often(void **state)
{
    struct memory_stream *stream;
    struct dm_hint published = { 0 };
    struct dm_stream_message messages[10];
    assert_ok(memory_stream_make(runtime, keep, &published, &stream, &err), &err);
    const struct dm_hint hint = { tenant, fresh_file(runtime) };
    assert_ok(dm_stream_publish(memory_stream_port(stream), &hint, &err), &err);
    assert_true(dm_file_eq(&published.file, &hint.file));
    assert_int_equal(pull(stream, messages, 10), 0);
    memory_stream_deliver(stream, &hint);
    memory_stream_deliver(stream, &hint);
    assert_int_equal(pull(stream, messages, 10), 2);
    assert_true(messages[0].token != messages[1].token);
    assert_true(dm_file_eq(&messages[1].hint.file, &hint.file));
    assert_int_equal(pull(stream, messages, 10), 0);
    memory_stream_free(stream);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, before, after)

static int own_tests(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(the_judge_is_told_of_what_happened_and_of_nothing_else),
        CASE(keys_are_counted_by_the_document_that_they_lead_to),
        CASE(all_documents_are_visited_in_the_order_of_their_ids),
        CASE(what_was_committed_survives_the_memory_that_it_came_from),
        CASE(a_read_that_does_not_fit_into_the_callers_memory_is_too_large),
        CASE(open_sinks_are_counted_and_need_no_memory_of_the_node),
        CASE(a_full_disk_takes_nothing_and_gives_all),
        CASE(a_crash_takes_derived_blobs_alone),
        CASE(an_opened_blob_cannot_be_written_to),
        CASE(hints_go_where_they_are_delivered_and_as_often),
    };
    return run_group("what the simulator's backends tell", tests, NULL, NULL);
}

int main(void)
{
    runtime = dm_threads_runtime();
    struct memory_store *whole_store = memory_store_make();
    struct memory_blob *whole_blob = memory_blob_make();
    if (memory_stream_make(runtime, to_itself, NULL, &own, &err) != DM_OK)
        return 1;
    int failed = store_contract(memory_store_port(whole_store), runtime);
    failed += operator_contract(memory_store_port(whole_store), memory_operator_port(whole_store), runtime);
    failed += operate_contract(memory_store_port(whole_store), memory_operator_port(whole_store), runtime);
    failed += secret_contract(memory_store_port(whole_store), memory_operator_port(whole_store), runtime);
    failed += blob_contract(memory_blob_port(whole_blob), runtime);
    failed += stream_contract(memory_stream_port(own), runtime);
    memory_stream_free(own);
    memory_blob_free(whole_blob);
    memory_store_free(whole_store);
    return failed + own_tests();
}
