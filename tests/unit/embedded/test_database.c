/* test_database.c: the database by itself: versions, foreign and broken files, rows of a newer docmill, a full
 * disk, the log. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded/sqlite_store.h"
#include "records.h"
#include "rig.h"
#include "testing.h"

enum { ARENA_MAX = 8 << 20, FILE_MAX = 256 * 1024, LARGE = 100 * 1024 };

static const struct dm_tenant acme = { "acme" };

/* With SQLite alone, as any other program would. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(handle);
}

static int keep_text(void *text, int count, char **values, char **names)
{
    snprintf(text, 200, "%s", values[0] ? values[0] : "(null)");
    return 0;
}

static const char *ask_sql(const char *path, const char *sql)
{
    static char text[200];
    sqlite3 *handle = NULL;
    text[0] = '\0';
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, keep_text, text, NULL), SQLITE_OK);
    sqlite3_close(handle);
    return text;
}

/* ---- versions ------------------------------------------------------------------------------------------------ */

static const char *const steps[] = {
    "CREATE TABLE fruit(name TEXT NOT NULL); INSERT INTO fruit VALUES('apple'),('pear')",
    "ALTER TABLE fruit ADD COLUMN colour TEXT NOT NULL DEFAULT 'green'; UPDATE fruit SET colour='red' WHERE "
    "name='apple'",
    "CREATE TABLE more(x); SELECT this_is_no_function()",
};

static enum dm_code migrate(struct rig *rig, uint32_t count, uint32_t *ret_before)
{
    struct dm_db db;
    const char *path = rig_path(rig, "old.db");
    close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    enum dm_code rc = dm_db_open(&db, path, DM_DB_WRITE, &rig->err);
    if (rc != DM_OK)
        return rc;
    rc = dm_sqlite_migrate(&db, path, steps, count, ret_before, &rig->err);
    dm_db_close(&db);
    return rc;
}

static void an_older_database_is_brought_up_step_by_step_with_what_it_holds(void **state)
{
    struct rig *rig = *state;
    uint32_t before = 77;
    assert_ok(migrate(rig, 1, &before), &rig->err);
    assert_int_equal(before, 0);
    run_sql(rig_path(rig, "old.db"), "INSERT INTO fruit VALUES('plum')");
    assert_ok(migrate(rig, 2, &before), &rig->err);
    assert_int_equal(before, 1);
    assert_string_equal(ask_sql(rig_path(rig, "old.db"), "SELECT group_concat(name||' '||colour) FROM fruit"),
                        "apple red,pear green,plum green");
    assert_string_equal(ask_sql(rig_path(rig, "old.db"), "PRAGMA user_version"), "2");
    assert_ok(migrate(rig, 2, &before), &rig->err);
    assert_int_equal(before, 2);
}

static void a_migration_that_fails_leaves_the_version_before(void **state)
{
    struct rig *rig = *state;
    uint32_t before = 77;
    assert_code(migrate(rig, 3, &before), DM_INTERNAL, &rig->err);
    assert_int_equal(before, 77);
    assert_string_equal(ask_sql(rig_path(rig, "old.db"), "PRAGMA user_version"), "2");
    assert_string_equal(ask_sql(rig_path(rig, "old.db"), "SELECT count(*) FROM sqlite_schema WHERE name='more'"), "0");
    assert_ok(migrate(rig, 2, &before), &rig->err);
}

/* An empty file is how a database begins, whoever made it. */
static void an_empty_file_becomes_a_database(void **state)
{
    struct rig *rig = *state;
    close(open(rig_path(rig, "docmill.db"), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    rig_start(rig);
    assert_int_equal(rig->set.schema_before, 0);
    rig_stop(rig);
    rig_start(rig);
    assert_int_equal(rig->set.schema_before, rig->set.schema);
}

static struct dm_str bytes_of(const char *path)
{
    static char bytes[FILE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_true(size >= 0);
    return dm_str_of(bytes, (size_t)size);
}

static void assert_refused_and_untouched(struct rig *rig, enum dm_code code, const char *part)
{
    const char *path = rig_path(rig, "docmill.db");
    char *before = malloc(FILE_MAX);
    struct dm_str bytes = bytes_of(path);
    memcpy(before, bytes.at, bytes.len);
    bytes.at = before;
    assert_code(rig_try(rig), code, &rig->err);
    if (!strstr(rig->err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", rig->err.text, part);
    assert_true(dm_str_eq(bytes_of(path), bytes));
    free(before);
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    rig_stop(rig);
    run_sql(rig_path(rig, "docmill.db"), "PRAGMA user_version=4711");
    assert_refused_and_untouched(rig, DM_REFUSED, "newer docmill");
}

static void the_database_of_another_program_is_refused_and_left_alone(void **state)
{
    struct rig *rig = *state;
    run_sql(rig_path(rig, "docmill.db"), "CREATE TABLE bookmarks(url)");
    assert_refused_and_untouched(rig, DM_REFUSED, "another program");
    run_sql(rig_path(rig, "docmill.db"), "DROP TABLE bookmarks; PRAGMA application_id=12345");
    assert_refused_and_untouched(rig, DM_REFUSED, "another program");
}

static void what_is_no_database_is_refused_and_left_alone(void **state)
{
    struct rig *rig = *state;
    FILE *file = fopen(rig_path(rig, "docmill.db"), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is a letter to grandmother\n", file);
    fclose(file);
    assert_refused_and_untouched(rig, DM_CORRUPT, "not a database");
}

static void columns_of_a_newer_docmill_survive_its_rows_being_written(void **state)
{
    struct rig *rig = *state;
    static const char *const tables[] = { "document", "state", "work", "page" };
    rig_start(rig);
    const struct dm_file file = put_document(rig->set.store, rig->set.runtime, &acme);
    struct dm_page page = full_page(1, 2);
    struct dm_transaction transaction = { .pages = &page, .page_count = 1 };
    assert_ok(dm_store_commit(rig->set.store, &acme, &file, &transaction, &rig->err), &rig->err);
    rig_stop(rig);
    for (size_t i = 0; i < DM_COUNT(tables); i++) {
        char sql[200];
        snprintf(sql, sizeof(sql), "ALTER TABLE %s ADD COLUMN later TEXT; UPDATE %s SET later='%s kept'", tables[i],
                 tables[i], tables[i]);
        run_sql(rig_path(rig, "docmill.db"), sql);
    }
    rig_start(rig);
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    struct dm_snapshot snapshot = { 0 };
    assert_ok(dm_store_read(rig->set.store, &acme, &file, DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK, &arena,
                            &snapshot, &rig->err),
              &rig->err);
    page.epoch = 3;
    transaction = (struct dm_transaction){ .document = &snapshot.document,
                                           .state = &snapshot.state,
                                           .state_before = snapshot.state.version,
                                           .work = &snapshot.work,
                                           .work_before = snapshot.work.version,
                                           .pages = &page,
                                           .page_count = 1 };
    snapshot.document.deleted_ms = 5;
    snapshot.state.version++;
    snapshot.work.version++;
    assert_ok(dm_store_commit(rig->set.store, &acme, &file, &transaction, &rig->err), &rig->err);
    dm_arena_free(&arena);
    rig_stop(rig);
    for (size_t i = 0; i < DM_COUNT(tables); i++) {
        char sql[100], kept[50];
        snprintf(sql, sizeof(sql), "SELECT later FROM %s", tables[i]);
        snprintf(kept, sizeof(kept), "%s kept", tables[i]);
        assert_string_equal(ask_sql(rig_path(rig, "docmill.db"), sql), kept);
    }
    assert_string_equal(ask_sql(rig_path(rig, "docmill.db"), "SELECT epoch FROM page"), "3");
}

static void rows_that_no_docmill_wrote_are_corrupt(void **state)
{
    struct rig *rig = *state;
    static const char *const changes[] = {
        "UPDATE state SET status='confused'",
        "UPDATE state SET total=-1",
        "UPDATE state SET reason='because'",
        "UPDATE document SET sha256=printf('%0200d',1)",
        "UPDATE document SET media='a/b'",
        "UPDATE work SET chosen='5-1'",
        "UPDATE work SET chosen='1-5,3-9'",
        "UPDATE work SET chosen='1-5,'",
        "UPDATE work SET returned='1-5'",
        "UPDATE work SET returned='1-5:x:0'",
        "UPDATE work SET returned='1-2:-1:0'",
        "UPDATE work SET returned='3-4:0:0,1-2:0:0'",
        "UPDATE work SET key='',chosen='x'",
        "UPDATE claim SET owner=printf('%0200d',1)",
        /* Counters that do not add up. */
        "UPDATE state SET processed=processed+1",
    };
    for (size_t i = 0; i < DM_COUNT(changes); i++) {
        rig_start(rig);
        const struct dm_file file = put_document(rig->set.store, rig->set.runtime, &acme);
        rig_stop(rig);
        run_sql(rig_path(rig, "docmill.db"), changes[i]);
        rig_start(rig);
        struct dm_arena arena = dm_arena_make(ARENA_MAX);
        struct dm_snapshot snapshot;
        assert_code(dm_store_read(rig->set.store, &acme, &file,
                                  DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK | DM_PART_CLAIMS, &arena, &snapshot,
                                  &rig->err),
                    DM_CORRUPT, &rig->err);
        assert_ok(dm_store_erase(rig->set.store, &acme, &file, &rig->err), &rig->err);
        dm_arena_free(&arena);
        rig_stop(rig);
    }
}

/* ---- room ---------------------------------------------------------------------------------------------------- */

static const char *large_text(void)
{
    static char text[LARGE];
    if (text[0] == '\0')
        memset(text, 'x', sizeof(text));
    return text;
}

static enum dm_code put_large(struct rig *rig, struct dm_file *ret)
{
    const struct dm_document document = full_document();
    const struct dm_state state = { .status = DM_STATUS_PENDING, .epoch = 1, .version = 1, .seq = 1 };
    struct dm_event event = full_event(1);
    event.data = dm_str_of(large_text(), LARGE);
    struct dm_transaction transaction = { .document = &document, .state = &state, .events = &event, .event_count = 1 };
    dm_fresh_id(rig->set.runtime, ret->id);
    return dm_store_commit(rig->set.store, &acme, ret, &transaction, &rig->err);
}

static bool is_there(struct rig *rig, const struct dm_file *file)
{
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    struct dm_snapshot snapshot;
    enum dm_code rc = dm_store_read(rig->set.store, &acme, file, DM_PART_STATE, &arena, &snapshot, NULL);
    dm_arena_free(&arena);
    rig_must(rc == DM_OK || rc == DM_NOT_FOUND);
    return rc == DM_OK;
}

/* Fills the disk, then makes room again: nothing acknowledged is lost, nothing refused is there, and no restart
 * is needed. */
static void fill_and_recover(struct rig *rig)
{
    struct dm_file files[200];
    uint32_t count = 0;
    rig_must(rig_try(rig) == DM_OK);
    int ballast = open(rig_path(rig, "ballast"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    rig_must(posix_fallocate(ballast, 0, 3 << 20) == 0);
    rig_must(dm_store_check(rig->set.store, NULL) == DM_OK);
    enum dm_code rc;
    while ((rc = put_large(rig, &files[count])) == DM_OK)
        rig_must(++count < DM_COUNT(files));
    rig_must(rc == DM_NO_SPACE);
    rig_must(count > 3);
    rig_must(!is_there(rig, &files[count]));
    rig_must(put_large(rig, &files[count]) == DM_NO_SPACE);
    rig_must(dm_store_check(rig->set.store, NULL) == DM_NO_SPACE || dm_store_check(rig->set.store, NULL) == DM_OK);
    for (uint32_t i = 0; i < count; i++)
        rig_must(is_there(rig, &files[i]));
    rig_must(ftruncate(ballast, 0) == 0);
    rig_must(dm_store_check(rig->set.store, NULL) == DM_OK);
    rig_must(put_large(rig, &files[count]) == DM_OK);
    for (uint32_t i = 0; i <= count; i++)
        rig_must(is_there(rig, &files[i]));
    rig_stop(rig);
    rig_must(rig_try(rig) == DM_OK);
    for (uint32_t i = 0; i <= count; i++)
        rig_must(is_there(rig, &files[i]));
    rig_stop(rig);
}

static void a_full_disk_refuses_and_recovers_without_a_restart(void **state)
{
    rig_child_on_small_disk(fill_and_recover, *state, 12 << 20);
}

/* The same without a disk of its own: the process may not write longer files. */
static void reach_the_limit_and_recover(struct rig *rig)
{
    struct rlimit limit;
    struct dm_file files[100];
    uint32_t count = 0;
    signal(SIGXFSZ, SIG_IGN);
    rig_must(rig_try(rig) == DM_OK);
    rig_must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 2 << 20;
    rig_must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    enum dm_code rc;
    while ((rc = put_large(rig, &files[count])) == DM_OK)
        rig_must(++count < DM_COUNT(files));
    rig_must(rc == DM_NO_SPACE);
    rig_must(dm_store_check(rig->set.store, NULL) == DM_NO_SPACE || dm_store_check(rig->set.store, NULL) == DM_OK);
    limit.rlim_cur = before;
    rig_must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    rig_must(put_large(rig, &files[count]) == DM_OK);
    rig_must(dm_store_check(rig->set.store, NULL) == DM_OK);
    for (uint32_t i = 0; i <= count; i++)
        rig_must(is_there(rig, &files[i]));
    rig_stop(rig);
}

static void a_limit_on_file_sizes_is_like_a_full_disk(void **state)
{
    rig_child(reach_the_limit_and_recover, *state);
}

static off_t size_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_size;
}

static void the_log_stays_small_though_readers_come_and_go(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    struct dm_file first, file;
    assert_ok(put_large(rig, &first), &rig->err);
    /* Some 25 MB go through it, always with a snapshot that a reader has kept. */
    for (int i = 0; i < 250; i++) {
        assert_ok(put_large(rig, &file), &rig->err);
        assert_true(is_there(rig, &first));
        if (i % 50 == 0)
            assert_ok(dm_store_erase(rig->set.store, &acme, &file, &rig->err), &rig->err);
    }
    assert_true(size_of(rig_path(rig, "docmill.db-wal")) < 8 << 20);
}

struct reading {
    struct rig *rig;
    struct dm_file file;
    atomic_bool stop;
    enum dm_code failure;
};

static void read_for_ever(void *argument)
{
    struct reading *reading = argument;
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    while (!atomic_load(&reading->stop) && reading->failure == DM_OK) {
        struct dm_snapshot snapshot;
        reading->failure = dm_store_read(reading->rig->set.store, &acme, &reading->file,
                                         DM_PART_DOCUMENT | DM_PART_STATE, &arena, &snapshot, NULL);
        dm_arena_reset(&arena);
    }
    dm_arena_free(&arena);
}

static void the_log_stays_small_though_readers_never_stop(void **state)
{
    enum { READERS = 6 };
    struct rig *rig = *state;
    struct reading reading[READERS];
    struct dm_task *tasks[READERS];
    struct dm_file first, file;
    rig_start(rig);
    assert_ok(put_large(rig, &first), &rig->err);
    for (int i = 0; i < READERS; i++) {
        reading[i] = (struct reading){ .rig = rig, .file = first };
        assert_ok(dm_spawn(rig->set.runtime, "reading", read_for_ever, &reading[i], &tasks[i], &rig->err), &rig->err);
    }
    for (int i = 0; i < 250; i++)
        assert_ok(put_large(rig, &file), &rig->err);
    for (int i = 0; i < READERS; i++) {
        atomic_store(&reading[i].stop, true);
        dm_join(rig->set.runtime, tasks[i]);
        assert_int_equal(reading[i].failure, DM_OK);
    }
    assert_true(size_of(rig_path(rig, "docmill.db-wal")) < 16 << 20);
}

/* ---- many at once -------------------------------------------------------------------------------------------- */

enum { TASKS = 32, STEPS = 30, DOCUMENTS = 4, ALL_STEPS = TASKS * STEPS };

struct counting {
    struct rig *rig;
    const struct dm_file *files;
    uint32_t first;
    enum dm_code failure;
};

static void count_on_all(void *argument)
{
    struct counting *counting = argument;
    const struct dm_store store = counting->rig->set.store;
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    for (uint32_t won = 0; won < STEPS && counting->failure == DM_OK;) {
        const struct dm_file *file = &counting->files[(counting->first + won) % DOCUMENTS];
        struct dm_snapshot snapshot;
        enum dm_code rc = dm_store_read(store, &acme, file, DM_PART_STATE, &arena, &snapshot, NULL);
        struct dm_transaction transaction = { .state = &snapshot.state, .state_before = snapshot.state.version };
        snapshot.state.version++;
        snapshot.state.usage.model_calls++;
        if (rc == DM_OK)
            rc = dm_store_commit(store, &acme, file, &transaction, NULL);
        won += rc == DM_OK;
        if (rc != DM_OK && rc != DM_CONFLICT)
            counting->failure = rc;
        dm_arena_reset(&arena);
    }
    dm_arena_free(&arena);
}

static void of_32_tasks_on_4_documents_every_step_counts_and_syncs_are_shared(void **state)
{
    struct rig *rig = *state;
    struct counting counting[TASKS];
    struct dm_task *tasks[TASKS];
    struct dm_file files[DOCUMENTS];
    rig_start(rig);
    const struct dm_sqlite *sqlite = rig->set.store.self;
    for (int i = 0; i < DOCUMENTS; i++)
        files[i] = put_document(rig->set.store, rig->set.runtime, &acme);
    const uint64_t commits_before = atomic_load(&sqlite->commits);
    for (uint32_t i = 0; i < TASKS; i++) {
        counting[i] = (struct counting){ .rig = rig, .files = files, .first = i };
        assert_ok(dm_spawn(rig->set.runtime, "counting", count_on_all, &counting[i], &tasks[i], &rig->err), &rig->err);
    }
    for (int i = 0; i < TASKS; i++) {
        dm_join(rig->set.runtime, tasks[i]);
        assert_int_equal(counting[i].failure, DM_OK);
    }
    assert_true(atomic_load(&sqlite->commits) - commits_before < ALL_STEPS);
    uint64_t calls = 0;
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    for (int i = 0; i < DOCUMENTS; i++) {
        struct dm_snapshot snapshot;
        assert_ok(dm_store_read(rig->set.store, &acme, &files[i], DM_PART_STATE, &arena, &snapshot, &rig->err),
                  &rig->err);
        assert_int_equal(snapshot.state.version - 1, snapshot.state.usage.model_calls - full_state().usage.model_calls);
        calls += snapshot.state.version - 1;
    }
    dm_arena_free(&arena);
    assert_int_equal(calls, ALL_STEPS);
}

static void a_list_of_a_rare_status_gives_early_pages_rather_than_take_for_ever(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    (void)put_document(rig->set.store, rig->set.runtime, &acme);
    rig_stop(rig);
    /* 25,000 documents of that tenant, the oldest of which alone has failed. */
    run_sql(
        rig_path(rig, "docmill.db"),
        "CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<25000)"
        " SELECT printf('0192f3c4-5d6e-7f80-9a1b-%012x',i) AS id,i FROM n;"
        "CREATE TEMP TABLE d AS SELECT * FROM document; CREATE TEMP TABLE s AS SELECT * FROM state;"
        "DELETE FROM document; DELETE FROM state;"
        "INSERT INTO document SELECT numbers.id,d.tenant,d.format,d.name,d.media,d.size_bytes,d.sha256,d.metadata,"
        " d.pages,d.password,d.model,d.priority,numbers.i,0 FROM d,numbers;"
        "INSERT INTO state SELECT numbers.id,s.tenant,s.format,CASE WHEN i=1 THEN 'failed' ELSE s.status END,s.epoch,"
        " s.version,s.seq,s.total,s.processed,s.failed,s.skipped,s.remaining,s.outcome,s.reason,s.detail,"
        " s.uploaded_ms,s.started_ms,s.completed_ms,s.progress_ms,s.model_calls,s.input_tokens,s.output_tokens,"
        " s.model_ms,s.cost_micros,s.lease_owner,s.lease_counter,s.lease_until_ms,s.aggregations,s.result_epoch,"
        " s.result_bytes,s.gone,s.due_ms FROM s,numbers;");
    rig_start(rig);
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    struct dm_list_query query = { .status = DM_STATUS_FAILED, .limit = 10 };
    struct dm_list list = { 0 };
    uint32_t found = 0, pages = 0;
    do {
        assert_ok(dm_store_list(rig->set.store, &acme, &query, &arena, &list, &rig->err), &rig->err);
        found += list.count;
        pages++;
        query.after = list.next;
    } while (list.next.len > 0 && pages < 10);
    dm_arena_free(&arena);
    assert_int_equal(found, 1);
    assert_int_equal(pages, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(an_older_database_is_brought_up_step_by_step_with_what_it_holds),
        CASE(a_migration_that_fails_leaves_the_version_before),
        CASE(an_empty_file_becomes_a_database),
        CASE(a_newer_database_is_refused_and_left_alone),
        CASE(the_database_of_another_program_is_refused_and_left_alone),
        CASE(what_is_no_database_is_refused_and_left_alone),
        CASE(columns_of_a_newer_docmill_survive_its_rows_being_written),
        CASE(rows_that_no_docmill_wrote_are_corrupt),
        CASE(a_full_disk_refuses_and_recovers_without_a_restart),
        CASE(a_limit_on_file_sizes_is_like_a_full_disk),
        CASE(the_log_stays_small_though_readers_come_and_go),
        CASE(the_log_stays_small_though_readers_never_stop),
        CASE(of_32_tasks_on_4_documents_every_step_counts_and_syncs_are_shared),
        CASE(a_list_of_a_rare_status_gives_early_pages_rather_than_take_for_ever),
    };
    return run_group("the database", tests, NULL, NULL);
}
