/* test_memory.c: the embedded backends while memory runs out: the n-th allocation of a call fails, ours or the database's,
 * for n = 1, 2, 3 … until none is left to fail. Each call says DM_NO_MEMORY or succeeds, what it did is whole or not there,
 * and the same call then succeeds. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "records.h"
#include "rig.h"
#include "testing.h"

#include "../base/failing.h"

enum { ARENA_MAX = 1 << 20, N_MAX = 3000 };

static const struct dm_tenant acme = { "acme" };

/* ---- the database's own memory, of all its tasks together ---- */

static sqlite3_mem_methods real;
static _Atomic unsigned database_calls, database_fail_at, database_failed;

static bool database_fails_now(void)
{
    unsigned fail_at = atomic_load(&database_fail_at);
    if (fail_at == 0 || atomic_fetch_add(&database_calls, 1) + 1 != fail_at)
        return false;
    atomic_fetch_add(&database_failed, 1);
    return true;
}

static void *database_allocate(int size)
{
    return database_fails_now() ? NULL : real.xMalloc(size);
}

static void *database_reallocate(void *block, int size)
{
    return database_fails_now() ? NULL : real.xRealloc(block, size);
}

static void set_up_database_memory(void)
{
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
    sqlite3_mem_methods scarce = real;
    scarce.xMalloc = database_allocate;
    scarce.xRealloc = database_reallocate;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &scarce), SQLITE_OK);
}

/* ---- a call, again and again ---- */

typedef enum dm_code call(struct rig *rig, unsigned n);

/* `check` looks at what a call that was refused has left. */
static void in_turn(struct rig *rig, const char *what, call *function, void (*check)(struct rig *rig, unsigned n))
{
    unsigned refused = 0;
    for (int of_database = 0; of_database < 2; of_database++) {
        bool failed = true;
        /* Of the database's, which are many and well tested where they come from, the later ones in larger steps. */
        for (unsigned n = 1; failed; n += of_database ? 1 + n / 10 : 1) {
            struct failing failing;
            unsigned id = (unsigned)of_database * N_MAX + n;
            assert_true(n < N_MAX);
            atomic_store(&database_calls, 0);
            atomic_store(&database_failed, 0);
            atomic_store(&database_fail_at, of_database ? n : 0);
            failing_begin(&failing, of_database ? 0 : n, false);
            enum dm_code rc = function(rig, id);
            assert_ptr_equal(dm_allocator_use(NULL), &failing.allocator);
            atomic_store(&database_fail_at, 0);
            failed = failing.failed > 0 || atomic_load(&database_failed) > 0;
            if (rc != DM_OK && (rc != DM_NO_MEMORY || !failed))
                fail_msg("%s, allocation %u of %s: %s (%s)", what, n, of_database ? "the database" : "ours",
                         dm_code_name(rc), rig->err.text);
            refused += rc != DM_OK;
            if (rc != DM_OK && check)
                check(rig, id);
            if (rc != DM_OK)
                assert_ok(function(rig, id), &rig->err);
        }
    }
    if (refused == 0)
        fail_msg("%s never ran out of memory", what);
}

static struct dm_file file_of(unsigned n)
{
    struct dm_file file;
    snprintf(file.id, sizeof(file.id), "01a21f43-0000-7000-8000-%012u", n);
    return file;
}

/* ---- the ledger ---- */

static enum dm_code accept(struct rig *rig, unsigned n)
{
    const struct dm_file file = file_of(n);
    const struct dm_document document = full_document();
    const struct dm_state state = full_state();
    const struct dm_work work = full_work();
    const struct dm_claim_write claim = { DM_CLAIM_INSERT, full_claim(1) };
    const struct dm_event event = full_event(1);
    const struct dm_page page = full_page(1, 1);
    struct dm_transaction transaction = { .document = &document,
                                          .state = &state,
                                          .work = &work,
                                          .claims = &claim,
                                          .claim_count = 1,
                                          .events = &event,
                                          .event_count = 1,
                                          .pages = &page,
                                          .page_count = 1 };
    return dm_store_commit(rig->set.store, &acme, &file, &transaction, &rig->err);
}

static void not_accepted(struct rig *rig, unsigned n)
{
    const struct dm_file file = file_of(n);
    DM_AUTO(dm_arena) arena = dm_arena_make(ARENA_MAX);
    struct dm_snapshot snapshot;
    struct dm_page_list pages;
    assert_code(dm_store_read(rig->set.store, &acme, &file, DM_PART_STATE, &arena, &snapshot, &rig->err), DM_NOT_FOUND,
                &rig->err);
    assert_ok(dm_store_pages(rig->set.store, &acme, &file, 1, 10, 10, &arena, &pages, &rig->err), &rig->err);
    assert_int_equal(pages.count, 0);
}

static enum dm_code read_all(struct rig *rig, unsigned n)
{
    const struct dm_file file = file_of(1);
    DM_AUTO(dm_arena) arena = dm_arena_make(ARENA_MAX);
    struct dm_snapshot snapshot;
    struct dm_page_list pages;
    struct dm_event_list events;
    struct dm_list list;
    const struct dm_list_query query = { .limit = 100 };
    const unsigned parts = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS;
    enum dm_code rc = dm_store_read(rig->set.store, &acme, &file, parts, &arena, &snapshot, &rig->err);
    if (rc == DM_OK)
        rc = dm_store_pages(rig->set.store, &acme, &file, 1, 10, 10, &arena, &pages, &rig->err);
    if (rc == DM_OK)
        rc = dm_store_events(rig->set.store, &acme, &file, 0, 10, &arena, &events, &rig->err);
    if (rc == DM_OK)
        rc = dm_store_list(rig->set.store, &acme, &query, &arena, &list, &rig->err);
    if (rc != DM_OK)
        return rc;
    /* An answer is a whole one. */
    const struct dm_document document = full_document();
    const struct dm_page page = full_page(1, 1);
    assert_same_document(&snapshot.document, &document);
    assert_int_equal(snapshot.claim_count, 1);
    assert_int_equal(pages.count, 1);
    assert_same_page(&pages.at[0], &page);
    assert_int_equal(events.count, 1);
    assert_true(list.count > 5);
    return DM_OK;
}

static enum dm_code erase(struct rig *rig, unsigned n)
{
    const struct dm_file file = file_of(n);
    return dm_store_erase(rig->set.store, &acme, &file, &rig->err);
}

static void the_ledger_is_whole_whatever_allocation_fails(void **state)
{
    struct rig *rig = *state;
    in_turn(rig, "a commit", accept, not_accepted);
    in_turn(rig, "reading", read_all, NULL);
    in_turn(rig, "erasing", erase, NULL);
}

/* ---- blobs and secrets ---- */

static enum dm_code put(struct rig *rig, unsigned n)
{
    char key[80];
    snprintf(key, sizeof(key), "01a21f43-0000-7000-8000-%012u/pages/seg-1", n);
    return dm_blob_put_new(rig->set.blob, &acme, dm_str_z(key), DM_STR("an analysis"), DM_KEPT, &rig->err);
}

static enum dm_code get(struct rig *rig, unsigned n)
{
    DM_AUTO(dm_buf) bytes = dm_buf_make(1000);
    enum dm_code rc = dm_blob_get(rig->set.blob, &acme, DM_STR("01a21f43-0000-7000-8000-000000000001/pages/seg-1"), 0,
                                  DM_BLOB_WHOLE, &bytes, &rig->err);
    if (rc == DM_OK)
        assert_text(dm_buf_str(&bytes), DM_STR("an analysis"));
    return rc;
}

static enum dm_code upload(struct rig *rig, unsigned n)
{
    char key[80];
    snprintf(key, sizeof(key), "01a21f43-0000-7000-8000-%012u/source", n);
    struct dm_sink *sink = NULL;
    struct dm_blob_info info;
    enum dm_code rc = dm_sink_create(rig->set.blob, DM_SINK_INTAKE, &sink, &rig->err);
    if (rc != DM_OK)
        return rc;
    rc = dm_sink_write(rig->set.blob, sink, DM_STR("%PDF-"), &rig->err);
    if (rc != DM_OK) {
        dm_sink_abandon(rig->set.blob, sink);
        return rc;
    }
    return dm_sink_finish(rig->set.blob, sink, &acme, dm_str_z(key), DM_KEPT, &info, &rig->err);
}

static enum dm_code seal_and_open(struct rig *rig, unsigned n)
{
    DM_AUTO(dm_buf) sealed = dm_buf_make(4096);
    DM_AUTO(dm_buf) opened = dm_buf_make(4096);
    enum dm_code rc = dm_secrets_seal(rig->set.secrets, &acme, "a test", DM_STR("sesame"), &sealed, &rig->err);
    if (rc == DM_OK)
        rc = dm_secrets_open(rig->set.secrets, &acme, "a test", dm_buf_str(&sealed), &opened, &rig->err);
    if (rc == DM_OK)
        assert_text(dm_buf_str(&opened), DM_STR("sesame"));
    return rc;
}

static void blobs_and_secrets_are_whole_whatever_allocation_fails(void **state)
{
    struct rig *rig = *state;
    in_turn(rig, "putting a blob", put, NULL);
    in_turn(rig, "getting a blob", get, NULL);
    in_turn(rig, "an upload", upload, NULL);
    in_turn(rig, "a secret", seal_and_open, NULL);
}

/* ---- opening ---- */

static enum dm_code open_and_close(struct rig *rig, unsigned n)
{
    enum dm_code rc = rig_try(rig);
    if (rc == DM_OK)
        dm_embedded_close(&rig->set);
    return rc;
}

static void a_folder_opens_or_says_that_memory_is_out(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    in_turn(rig, "opening", open_and_close, NULL);
    rig_start(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_ledger_is_whole_whatever_allocation_fails, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(blobs_and_secrets_are_whole_whatever_allocation_fails, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(a_folder_opens_or_says_that_memory_is_out, rig_open, rig_close),
    };
    set_up_database_memory();
    return cmocka_run_group_tests_name("the embedded backends out of memory", tests, NULL, NULL);
}
