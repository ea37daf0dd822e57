/* test_crash.c: what a folder holds after its process died, who may open it, and what opening gives back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "records.h"
#include "rig.h"
#include "testing.h"

enum { ARENA_MAX = 1 << 20, TASKS = 8, ROUNDS = 4, ACKNOWLEDGED = 150 };

static const struct dm_tenant acme = { "acme" };

static struct dm_file file_of(unsigned task)
{
    struct dm_file file = { .id = "" };
    snprintf(file.id, sizeof(file.id), "0192f3c4-5d6e-7f80-9a1b-%012x", task);
    return file;
}

/* ---- kill -9 ------------------------------------------------------------------------------------------------- */

struct acknowledged {
    uint32_t task;
    uint64_t version;
};

struct counter {
    struct rig *rig;
    uint32_t task;
};

/* Raises the version of its document with a page and an event each time, and tells each version that was
 * acknowledged. */
static void count_for_ever(void *argument)
{
    const struct counter *counter = argument;
    const struct dm_store store = counter->rig->set.store;
    const struct dm_file file = file_of(counter->task);
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    for (;;) {
        struct dm_snapshot snapshot = { 0 };
        enum dm_code rc = dm_store_read(store, &acme, &file, DM_PART_STATE, &arena, &snapshot, NULL);
        rig_must(rc == DM_OK || rc == DM_NOT_FOUND);
        const struct dm_document document = full_document();
        struct dm_state state = rc == DM_OK ? snapshot.state : full_state();
        state.version = snapshot.state.version + 1;
        state.seq = state.version;
        const struct dm_page page = full_page((uint32_t)state.version, 1);
        const struct dm_event event = full_event(state.seq);
        struct dm_transaction transaction = { .document = rc == DM_OK ? NULL : &document,
                                              .state = &state,
                                              .state_before = snapshot.state.version,
                                              .pages = &page,
                                              .page_count = 1,
                                              .events = &event,
                                              .event_count = 1 };
        rig_must(dm_store_commit(store, &acme, &file, &transaction, NULL) == DM_OK);
        const struct acknowledged told = { counter->task, state.version };
        rig_tell(&told, sizeof(told));
        dm_arena_reset(&arena);
    }
}

static void count_in_tasks(struct rig *rig)
{
    struct counter counters[TASKS];
    struct dm_task *tasks[TASKS];
    rig_must(rig_try(rig) == DM_OK);
    for (uint32_t i = 0; i < TASKS; i++) {
        counters[i] = (struct counter){ rig, i };
        rig_must(dm_spawn(rig->set.runtime, "counting", count_for_ever, &counters[i], &tasks[i], NULL) == DM_OK);
    }
    for (uint32_t i = 0; i < TASKS; i++)
        dm_join(rig->set.runtime, tasks[i]);
}

static void check_document(struct rig *rig, const struct dm_file *file, uint64_t acknowledged)
{
    struct dm_arena arena = dm_arena_make(64 << 20);
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(rig->set.store, &acme, file, DM_PART_STATE, &arena, &snapshot, &rig->err), &rig->err);
    const uint64_t version = snapshot.state.version;
    /* The one under way when the process died may have happened or not. */
    assert_true(version == acknowledged || version == acknowledged + 1);
    struct dm_page_list pages = { 0 };
    struct dm_event_list events = { 0 };
    assert_ok(dm_store_pages(rig->set.store, &acme, file, 1, UINT32_MAX, UINT32_MAX, &arena, &pages, &rig->err),
              &rig->err);
    assert_ok(dm_store_events(rig->set.store, &acme, file, 0, UINT32_MAX, &arena, &events, &rig->err), &rig->err);
    assert_int_equal(pages.count, version);
    assert_int_equal(events.count, version);
    dm_arena_free(&arena);
}

static void what_was_acknowledged_is_there_after_kill_9_and_nothing_is_there_by_half(void **state)
{
    struct rig *rig = *state;
    uint64_t versions[TASKS] = { 0 };
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = rig_child_start(count_in_tasks, rig);
        struct acknowledged told;
        for (int i = 0; i < ACKNOWLEDGED; i++) {
            assert_true(rig_hear(&told, sizeof(told)));
            versions[told.task] = told.version;
        }
        rig_child_kill(pid);
        while (rig_hear(&told, sizeof(told)))
            versions[told.task] = told.version;
        rig_start(rig);
        for (unsigned i = 0; i < TASKS; i++) {
            const struct dm_file file = file_of(i);
            if (versions[i] > 0)
                check_document(rig, &file, versions[i]);
            /* What happened unacknowledged counts from now on. */
            struct dm_arena arena = dm_arena_make(ARENA_MAX);
            struct dm_snapshot snapshot = { 0 };
            if (dm_store_read(rig->set.store, &acme, &file, DM_PART_STATE, &arena, &snapshot, NULL) == DM_OK)
                versions[i] = snapshot.state.version;
            dm_arena_free(&arena);
        }
        rig_stop(rig);
    }
}

/* ---- uploads ------------------------------------------------------------------------------------------------- */

enum { ACCEPTED = 1, NEVER_ACCEPTED = 2, CACHED = 3 };

static void put_source(struct rig *rig, unsigned number, enum dm_sink_use use)
{
    const struct dm_file file = file_of(number);
    const struct dm_blob_key key = dm_key_source(&file);
    struct dm_sink *sink = NULL;
    rig_must(dm_sink_create(rig->set.blob, use, &sink, NULL) == DM_OK);
    rig_must(dm_sink_write(rig->set.blob, sink, DM_STR("bytes"), NULL) == DM_OK);
    rig_must(dm_sink_finish(rig->set.blob, sink, &acme, dm_str_z(key.text), DM_KEPT, NULL, NULL) == DM_OK);
}

static bool has_source(struct rig *rig, unsigned number)
{
    const struct dm_file file = file_of(number);
    const struct dm_blob_key key = dm_key_source(&file);
    DM_AUTO(dm_buf) bytes = dm_buf_make(100);
    enum dm_code rc = dm_blob_get(rig->set.blob, &acme, dm_str_z(key.text), 0, DM_BLOB_WHOLE, &bytes, &rig->err);
    assert_true(rc == DM_OK || rc == DM_NOT_FOUND);
    return rc == DM_OK;
}

static void upload(struct rig *rig)
{
    rig_must(rig_try(rig) == DM_OK);
    const struct dm_file accepted = file_of(ACCEPTED);
    const struct dm_document document = full_document();
    const struct dm_state state = full_state();
    const struct dm_work work = full_work();
    put_source(rig, ACCEPTED, DM_SINK_INTAKE);
    put_records(rig->set.store, &acme, &accepted, &document, &state, &work);
    put_source(rig, NEVER_ACCEPTED, DM_SINK_INTAKE);
    put_source(rig, CACHED, DM_SINK_WORK);
    rig_tell("x", 1);
    for (;;)
        pause();
}

static void an_upload_that_died_before_it_was_accepted_leaves_no_bytes_behind(void **state)
{
    struct rig *rig = *state;
    char ready;
    pid_t pid = rig_child_start(upload, rig);
    assert_true(rig_hear(&ready, 1));
    rig_child_kill(pid);
    rig_start(rig);
    assert_true(has_source(rig, ACCEPTED));
    assert_false(has_source(rig, NEVER_ACCEPTED));
    /* What is no upload is nobody's business here. */
    assert_true(has_source(rig, CACHED));
}

static void beside_another_database_no_upload_is_judged(void **state)
{
    struct rig *rig = *state;
    char ready;
    pid_t pid = rig_child_start(upload, rig);
    assert_true(rig_hear(&ready, 1));
    rig_child_kill(pid);
    struct dm_embedded_options options = { .folder = rig->folder, .sqlite_path = rig_path(rig, "other.db") };
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
    assert_true(has_source(rig, ACCEPTED));
    assert_true(has_source(rig, NEVER_ACCEPTED));
}

/* ---- one process at a time ----------------------------------------------------------------------------------- */

static void hold(struct rig *rig)
{
    rig_must(rig_try(rig) == DM_OK);
    rig_tell("x", 1);
    for (;;)
        pause();
}

static void a_second_process_is_refused_with_pid_and_folder_until_the_first_is_gone(void **state)
{
    struct rig *rig = *state;
    char ready, pid_text[24];
    pid_t pid = rig_child_start(hold, rig);
    assert_true(rig_hear(&ready, 1));
    snprintf(pid_text, sizeof(pid_text), " %ld ", (long)pid);
    assert_code(rig_try(rig), DM_BUSY, &rig->err);
    assert_non_null(strstr(rig->err.text, pid_text));
    assert_non_null(strstr(rig->err.text, rig->folder));
    rig_child_kill(pid);
    rig_start(rig);
    struct rig again = *rig;
    assert_code(rig_try(&again), DM_BUSY, &again.err);
}

static void two_folders_cannot_share_a_database(void **state)
{
    struct rig *rig = *state;
    const char *shared = rig_path(rig, "shared.db");
    struct dm_embedded_options options = { .folder = rig_path(rig, "one"), .sqlite_path = shared };
    struct dm_embedded_set second = { .embedded = NULL };
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
    options.folder = rig_path(rig, "two");
    assert_code(dm_embedded_open(&options, &second, &rig->err), DM_BUSY, &rig->err);
    assert_null(second.embedded);
    rig_stop(rig);
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
}

static void what_is_made_is_for_its_owner_alone(void **state)
{
    struct rig *rig = *state;
    const struct dm_embedded_options options = { .folder = rig_path(rig, "not/yet/there") };
    mode_t before = umask(0);
    enum dm_code rc = dm_embedded_open(&options, &rig->set, &rig->err);
    umask(before);
    assert_ok(rc, &rig->err);
    assert_ok(dm_blob_put_new(rig->set.blob, &acme, DM_STR("a/source"), DM_STR("x"), DM_KEPT, &rig->err), &rig->err);
    static const char *const folders[] = { "not", "not/yet", "not/yet/there", "not/yet/there/blobs",
                                           "not/yet/there/blobs/acme" };
    static const char *const files[] = { "not/yet/there/docmill.db", "not/yet/there/docmill.db-wal",
                                         "not/yet/there/secret.key", "not/yet/there/lock" };
    for (size_t i = 0; i < DM_COUNT(folders); i++)
        assert_int_equal(rig_mode(rig, folders[i]), 0700);
    for (size_t i = 0; i < DM_COUNT(files); i++)
        assert_int_equal(rig_mode(rig, files[i]), 0600);
    assert_int_equal(rig->set.schema_before, 0);
    assert_true(rig->set.schema >= 1);
}

/* ---- claims of the process before ---------------------------------------------------------------------------- */

static struct dm_file put(struct rig *rig, enum dm_status status, enum dm_work_key key, bool claimed)
{
    struct dm_file file;
    dm_fresh_id(rig->set.runtime, file.id);
    const struct dm_document document = full_document();
    struct dm_state state = full_state();
    struct dm_work work = full_work();
    state.status = status;
    state.due_ms = status == DM_STATUS_AGGREGATING ? INT64_MAX : 0;
    state.lease.until_ms = INT64_MAX;
    work.key = key;
    work.due_ms = key == DM_WORK_DUE ? INT64_MAX : 0;
    put_records(rig->set.store, &acme, &file, &document, &state, &work);
    struct dm_claim_write claim = { DM_CLAIM_INSERT, full_claim(1) };
    claim.claim.lease_until_ms = INT64_MAX;
    struct dm_transaction transaction = { .claims = &claim, .claim_count = 1 };
    if (claimed)
        assert_ok(dm_store_commit(rig->set.store, &acme, &file, &transaction, &rig->err), &rig->err);
    return file;
}

static bool is_due(struct rig *rig, const struct dm_file *file)
{
    struct dm_found found[20];
    uint32_t count = 0;
    assert_ok(
        dm_operator_due(rig->set.op, dm_wall_ms(rig->set.runtime), NULL, DM_COUNT(found), found, &count, &rig->err),
        &rig->err);
    for (uint32_t i = 0; i < count; i++)
        if (dm_file_eq(&found[i].file, file))
            return true;
    return false;
}

static void opening_gives_back_what_the_process_before_held(void **state)
{
    struct rig *rig = *state;
    const int64_t now_ms = dm_wall_ms(dm_threads_runtime());
    rig_start(rig);
    const struct dm_file claimed = put(rig, DM_STATUS_PROCESSING, DM_WORK_DUE, true);
    const struct dm_file idle = put(rig, DM_STATUS_CHUNKING, DM_WORK_IDLE, true);
    const struct dm_file ready = put(rig, DM_STATUS_PROCESSING, DM_WORK_READY, true);
    const struct dm_file untouched = put(rig, DM_STATUS_PENDING, DM_WORK_READY, false);
    const struct dm_file waiting = put(rig, DM_STATUS_PROCESSING, DM_WORK_DUE, false);
    const struct dm_file aggregating = put(rig, DM_STATUS_AGGREGATING, DM_WORK_IDLE, false);
    rig_stop(rig);
    rig_start(rig);
    assert_int_equal(rig->set.claims_given_back, 4);
    assert_true(is_due(rig, &claimed));
    assert_true(is_due(rig, &idle));
    assert_true(is_due(rig, &aggregating));
    /* One with more to claim, too: its claims go back first. */
    assert_true(is_due(rig, &ready));
    assert_false(is_due(rig, &waiting));
    struct dm_found found[5];
    uint32_t count = 0;
    assert_ok(dm_operator_ready(rig->set.op, &acme, DM_COUNT(found), found, &count, &rig->err), &rig->err);
    assert_int_equal(count, 1);
    assert_string_equal(found[0].file.id, untouched.id);
    const struct dm_file all[] = { claimed, idle, ready, waiting, aggregating };
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    for (size_t i = 0; i < DM_COUNT(all); i++) {
        struct dm_snapshot snapshot = { 0 };
        assert_ok(dm_store_read(rig->set.store, &acme, &all[i], DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, &arena,
                                &snapshot, &rig->err),
                  &rig->err);
        assert_int_equal(snapshot.claim_count, i < 3);
        if (i < 3)
            assert_true(snapshot.claims[0].lease_until_ms > 0 && snapshot.claims[0].lease_until_ms <= now_ms);
        assert_int_equal(snapshot.work.version, i < 3 ? 2 : 1);
        assert_int_equal(snapshot.state.version, i == 4 ? 2 : 1);
        if (i == 4)
            assert_true(snapshot.state.lease.until_ms > 0 && snapshot.state.lease.until_ms <= now_ms);
        else
            assert_true(snapshot.state.lease.until_ms == INT64_MAX);
    }
    dm_arena_free(&arena);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(what_was_acknowledged_is_there_after_kill_9_and_nothing_is_there_by_half),
        CASE(an_upload_that_died_before_it_was_accepted_leaves_no_bytes_behind),
        CASE(beside_another_database_no_upload_is_judged),
        CASE(a_second_process_is_refused_with_pid_and_folder_until_the_first_is_gone),
        CASE(two_folders_cannot_share_a_database),
        CASE(what_is_made_is_for_its_owner_alone),
        CASE(opening_gives_back_what_the_process_before_held),
    };
    return run_group("crashes and folders", tests, NULL, NULL);
}
