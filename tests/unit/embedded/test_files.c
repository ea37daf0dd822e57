/* test_files.c: blobs as files: where they lie, what is synced, the spool, tricks with paths, too little space. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded/files.h"
#include "rig.h"
#include "testing.h"

static const struct dm_tenant acme = { "acme" };

static struct dm_str key_of(const char *text)
{
    return dm_str_z(text);
}

/* Entries of a folder, without those that begin with a dot. */
static uint32_t entries(const char *path)
{
    uint32_t count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* The one entry of a folder. */
static const char *only_entry(const char *path)
{
    static char name[300];
    assert_int_equal(entries(path), 1);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            snprintf(name, sizeof(name), "%s", entry->d_name);
    closedir(folder);
    return name;
}

static uint32_t spooled(struct rig *rig)
{
    char own[400];
    snprintf(own, sizeof(own), "blobs/.spool/%s", only_entry(rig_path(rig, "blobs/.spool")));
    return entries(rig_path(rig, own));
}

static enum dm_code put(struct rig *rig, const char *key, enum dm_durability durability)
{
    return dm_blob_put_new(rig->set.blob, &acme, key_of(key), DM_STR("bytes"), durability, &rig->err);
}

/* ---- places -------------------------------------------------------------------------------------------------- */

static void a_blob_lies_under_tenant_and_bucket_for_its_owner_alone(void **state)
{
    struct rig *rig = *state;
    char place[600];
    assert_ok(put(rig, "0192f3c4/source", DM_KEPT), &rig->err);
    assert_ok(put(rig, "0192f3c4/pages/seg-1.jsonl", DM_KEPT), &rig->err);
    snprintf(place, sizeof(place), "blobs/acme/%s", only_entry(rig_path(rig, "blobs/acme")));
    assert_int_equal(entries(rig_path(rig, place)), 2);
    size_t len = strlen(place);
    snprintf(place + len, sizeof(place) - len, "/0192f3c4,source");
    assert_int_equal(rig_mode(rig, place), 0600);
    snprintf(place + len, sizeof(place) - len, "/0192f3c4,pages");
    assert_int_equal(rig_mode(rig, place), 0700);
    snprintf(place + len, sizeof(place) - len, "/0192f3c4,pages/seg-1.jsonl");
    assert_int_equal(rig_mode(rig, place), 0600);
}

static void documents_are_spread_over_many_folders(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 1000; i++) {
        char key[60];
        snprintf(key, sizeof(key), "0192f3c4-5d6e-7f80-9a1b-%012x/source", i * 7919);
        assert_ok(put(rig, key, DM_DERIVED), &rig->err);
    }
    assert_in_range(entries(rig_path(rig, "blobs/acme")), 200, 256);
}

static void what_is_not_ours_in_the_folders_is_passed_over(void **state)
{
    struct rig *rig = *state;
    char place[600], name[300];
    assert_ok(put(rig, "a/source", DM_DERIVED), &rig->err);
    snprintf(place, sizeof(place), "blobs/acme/%s", only_entry(rig_path(rig, "blobs/acme")));
    size_t len = strlen(place);
    memset(name, 'n', 250);
    name[250] = '\0';
    snprintf(place + len, sizeof(place) - len, "/%s", name);
    close(open(rig_path(rig, place), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    snprintf(place + len, sizeof(place) - len, "/a,link");
    assert_int_equal(symlink("/etc", rig_path(rig, place)), 0);
    snprintf(place + len, sizeof(place) - len, "/a,pipe");
    assert_int_equal(mkfifo(rig_path(rig, place), 0600), 0);
    struct dm_arena arena = dm_arena_make(1 << 20);
    struct dm_blob_list list = { 0 };
    assert_ok(dm_blob_list(rig->set.blob, &acme, DM_STR("a/"), DM_STR(""), 100, &arena, &list, &rig->err), &rig->err);
    assert_int_equal(list.count, 1);
    dm_arena_free(&arena);
    DM_AUTO(dm_buf) buf = dm_buf_make(1000);
    assert_code(dm_blob_get(rig->set.blob, &acme, DM_STR("a/pipe"), 0, 1, &buf, &rig->err), DM_NOT_FOUND, &rig->err);
    assert_ok(dm_blob_remove_all(rig->set.blob, &acme, DM_STR("a/"), &rig->err), &rig->err);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

/* ---- tricks -------------------------------------------------------------------------------------------------- */

static void what_is_no_key_is_refused_by_every_call(void **state)
{
    struct rig *rig = *state;
    const struct dm_blob_ops *ops = rig->set.blob.ops;
    void *self = rig->set.blob.self;
    static const struct dm_str keys[] = {
        DM_STR_INIT(""),
        DM_STR_INIT("/"),
        DM_STR_INIT("/etc/passwd"),
        DM_STR_INIT("a/"),
        DM_STR_INIT("../b/c"),
        DM_STR_INIT("a/../b"),
        DM_STR_INIT("a/./b"),
        DM_STR_INIT("a//b"),
        DM_STR_INIT(".a/b"),
        DM_STR_INIT("a/.b"),
        DM_STR_INIT("a,b"),
        DM_STR_INIT("a b/c"),
        DM_STR_INIT("a\0b/c"),
        DM_STR_INIT("a/b\n"),
        DM_STR_INIT("\xc3\xa9/b"),
        DM_STR_INIT("a\\b/c"),
        DM_STR_INIT("a/b/c/d/e/f/g/h/i/j/k"),
    };
    struct dm_arena arena = dm_arena_make(1 << 20);
    for (size_t i = 0; i < DM_COUNT(keys); i++) {
        int fd = -1;
        struct dm_sink *sink;
        DM_AUTO(dm_buf) buf = dm_buf_make(100);
        assert_code(ops->put_new(self, &acme, keys[i], DM_STR("x"), DM_DERIVED, &rig->err), DM_INVALID, &rig->err);
        assert_ok(ops->create(self, DM_SINK_INTAKE, &sink, &rig->err), &rig->err);
        assert_code(ops->finish(self, sink, &acme, keys[i], DM_DERIVED, NULL, &rig->err), DM_INVALID, &rig->err);
        assert_code(ops->get(self, &acme, keys[i], 0, 1, &buf, &rig->err), DM_INVALID, &rig->err);
        assert_code(ops->open(self, &acme, keys[i], &fd, NULL, &rig->err), DM_INVALID, &rig->err);
        assert_code(ops->remove(self, &acme, keys[i], &rig->err), DM_INVALID, &rig->err);
    }
    dm_arena_free(&arena);
    assert_int_equal(entries(rig_path(rig, "blobs")), 0);
    assert_int_equal(spooled(rig), 0);
}

static void a_tenant_that_is_none_is_refused(void **state)
{
    struct rig *rig = *state;
    static const struct dm_tenant tenants[] = {
        { "" }, { "." }, { ".." }, { "a/b" }, { ".spool" }, { "../x" }, { "-" }
    };
    for (size_t i = 0; i < DM_COUNT(tenants); i++) {
        DM_AUTO(dm_buf) buf = dm_buf_make(100);
        assert_code(dm_blob_put_new(rig->set.blob, &tenants[i], DM_STR("a/source"), DM_STR("x"), DM_DERIVED, &rig->err),
                    DM_INVALID, &rig->err);
        assert_code(dm_blob_get(rig->set.blob, &tenants[i], DM_STR("a/source"), 0, 1, &buf, &rig->err), DM_INVALID,
                    &rig->err);
    }
}

static void no_symbolic_link_leads_out_of_the_tenants_folder(void **state)
{
    struct rig *rig = *state;
    char place[600], inside[600];
    assert_int_equal(mkdir(rig_path(rig, "outside"), 0700), 0);
    int fd = open(rig_path(rig, "outside/secret"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    assert_ok(put(rig, "a/source", DM_DERIVED), &rig->err);
    snprintf(place, sizeof(place), "blobs/acme/%s", only_entry(rig_path(rig, "blobs/acme")));
    /* In place of a blob, of a document's folder, of a bucket, of a tenant. */
    static const char *const names[] = { "/a,source", "/a,pages", "" };
    for (size_t i = 0; i < DM_COUNT(names) + 1; i++) {
        if (i == DM_COUNT(names))
            snprintf(inside, sizeof(inside), "blobs/acme");
        else
            snprintf(inside, sizeof(inside), "%s%s", place, names[i]);
        char moved[600];
        snprintf(moved, sizeof(moved), "moved-%zu", i);
        /* Removing below may have taken them. */
        enum dm_code rc = put(rig, "a/source", DM_DERIVED);
        assert_true(rc == DM_OK || rc == DM_EXISTS);
        rc = put(rig, "a/pages/one", DM_DERIVED);
        assert_true(rc == DM_OK || rc == DM_EXISTS);
        assert_int_equal(rename(rig_path(rig, inside), rig_path(rig, moved)), 0);
        assert_int_equal(symlink(rig_path(rig, i == 0 ? "outside/secret" : "outside"), rig_path(rig, inside)), 0);
        DM_AUTO(dm_buf) buf = dm_buf_make(100);
        assert_true(dm_blob_get(rig->set.blob, &acme, key_of(i == 1 ? "a/pages/secret" : "a/source"), 0, 1, &buf,
                                &rig->err) != DM_OK);
        assert_int_equal(buf.len, 0);
        (void)!dm_blob_remove_all(rig->set.blob, &acme, DM_STR("a/"), &rig->err);
        (void)!dm_blob_remove_all(rig->set.blob, &acme, DM_STR("a/pages/"), &rig->err);
        assert_int_equal(entries(rig_path(rig, "outside")), 1);
        (void)!unlink(rig_path(rig, inside));
        assert_int_equal(rename(rig_path(rig, moved), rig_path(rig, inside)), 0);
    }
}

/* ---- syncs --------------------------------------------------------------------------------------------------- */

static void a_kept_blob_costs_one_sync_of_a_folder_once_the_folders_are_known(void **state)
{
    struct rig *rig = *state;
    const struct dm_files *files = rig->set.blob.self;
    assert_ok(put(rig, "a/derived", DM_DERIVED), &rig->err);
    assert_int_equal(files->syncer.syncs, 0);
    /* The bucket, and the names of bucket and tenant in the folders above. */
    assert_ok(put(rig, "a/source", DM_KEPT), &rig->err);
    assert_int_equal(files->syncer.syncs, 3);
    assert_ok(put(rig, "a/results-1.json", DM_KEPT), &rig->err);
    assert_int_equal(files->syncer.syncs, 4);
    /* A folder of its own, and its name in the bucket. */
    assert_ok(put(rig, "a/pages/1", DM_KEPT), &rig->err);
    assert_int_equal(files->syncer.syncs, 6);
    assert_ok(put(rig, "a/pages/2", DM_KEPT), &rig->err);
    assert_int_equal(files->syncer.syncs, 7);
    /* Once it was removed its name has to be made durable again. */
    assert_ok(dm_blob_remove_all(rig->set.blob, &acme, DM_STR("a/pages/"), &rig->err), &rig->err);
    assert_ok(put(rig, "a/pages/3", DM_KEPT), &rig->err);
    assert_int_equal(files->syncer.syncs, 9);
}

enum { TASKS = 32, ROUNDS = 20 };

struct syncing {
    struct dm_syncer *syncer;
    int fd;
    enum dm_code failure;
};

static void sync_again_and_again(void *argument)
{
    struct syncing *syncing = argument;
    for (int i = 0; i < ROUNDS && syncing->failure == DM_OK; i++)
        syncing->failure = dm_syncer_sync(syncing->syncer, syncing->fd, NULL);
}

static void tasks_that_sync_one_folder_share_its_syncs(void **state)
{
    struct rig *rig = *state;
    struct syncing syncing[TASKS];
    struct dm_task *tasks[TASKS];
    struct dm_syncer syncer;
    dm_syncer_make(&syncer);
    int fd = open(rig->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < TASKS; i++) {
        syncing[i] = (struct syncing){ .syncer = &syncer, .fd = fd };
        assert_ok(dm_spawn(rig->set.runtime, "syncing", sync_again_and_again, &syncing[i], &tasks[i], &rig->err),
                  &rig->err);
    }
    for (int i = 0; i < TASKS; i++) {
        dm_join(rig->set.runtime, tasks[i]);
        assert_int_equal(syncing[i].failure, DM_OK);
    }
    assert_in_range(syncer.syncs, ROUNDS, TASKS * ROUNDS);
    assert_null(syncer.groups);
    close(fd);
    dm_syncer_free(&syncer);
}

static void a_sync_that_fails_is_reported(void **state)
{
    struct rig *rig = *state;
    struct dm_syncer syncer;
    int pipes[2];
    dm_syncer_make(&syncer);
    assert_int_equal(pipe(pipes), 0);
    assert_code(dm_syncer_sync(&syncer, pipes[0], &rig->err), DM_IO, &rig->err);
    assert_null(syncer.groups);
    close(pipes[0]);
    close(pipes[1]);
    assert_code(dm_syncer_sync(&syncer, pipes[0], &rig->err), DM_IO, &rig->err);
    dm_syncer_free(&syncer);
}

/* ---- the spool ----------------------------------------------------------------------------------------------- */

static void spool_and_wait(struct rig *rig)
{
    struct dm_files *files;
    struct dm_sink *sink;
    rig_must(dm_files_open(rig_path(rig, "shared"), 0, &files, NULL) == DM_OK);
    rig_must(dm_sink_create(dm_files_blob(files), DM_SINK_INTAKE, &sink, NULL) == DM_OK);
    rig_must(dm_sink_write(dm_files_blob(files), sink, DM_STR("half"), NULL) == DM_OK);
    rig_tell("x", 1);
    for (;;)
        pause();
}

static void uploads_of_a_dead_process_are_removed_and_those_of_a_living_one_are_not(void **state)
{
    struct rig *rig = *state;
    struct dm_files *files;
    char ready;
    pid_t pid = rig_child_start(spool_and_wait, rig);
    assert_true(rig_hear(&ready, 1));
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 1);
    assert_ok(dm_files_open(rig_path(rig, "shared"), 0, &files, &rig->err), &rig->err);
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 2);
    dm_files_close(files);
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 1);
    rig_child_kill(pid);
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 1);
    assert_ok(dm_files_open(rig_path(rig, "shared"), 0, &files, &rig->err), &rig->err);
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 1);
    dm_files_close(files);
    assert_int_equal(entries(rig_path(rig, "shared/.spool")), 0);
}

static void an_unfinished_sink_goes_with_the_process(void **state)
{
    struct rig *rig = *state;
    struct dm_sink *sink;
    assert_ok(dm_sink_create(rig->set.blob, DM_SINK_INTAKE, &sink, &rig->err), &rig->err);
    assert_int_equal(spooled(rig), 1);
    dm_sink_abandon(rig->set.blob, sink);
    assert_int_equal(spooled(rig), 0);
    assert_ok(put(rig, "a/source", DM_KEPT), &rig->err);
    assert_code(put(rig, "a/source", DM_KEPT), DM_EXISTS, &rig->err);
    assert_ok(dm_blob_check(rig->set.blob, &rig->err), &rig->err);
    assert_int_equal(spooled(rig), 0);
}

/* ---- space --------------------------------------------------------------------------------------------------- */

static const char megabyte[1 << 20];

static void below_the_floor_uploads_are_refused_and_reading_goes_on(void **state)
{
    struct rig *rig = *state;
    struct dm_sink *sink = NULL;
    assert_ok(put(rig, "a/source", DM_KEPT), &rig->err);
    rig_stop(rig);
    const struct dm_embedded_options options = { .folder = rig->folder, .free_space_floor_bytes = UINT64_MAX };
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
    assert_code(dm_sink_create(rig->set.blob, DM_SINK_INTAKE, &sink, &rig->err), DM_NO_SPACE, &rig->err);
    assert_null(sink);
    assert_code(dm_blob_check(rig->set.blob, &rig->err), DM_NO_SPACE, &rig->err);
    DM_AUTO(dm_buf) buf = dm_buf_make(100);
    assert_ok(dm_blob_get(rig->set.blob, &acme, DM_STR("a/source"), 0, 5, &buf, &rig->err), &rig->err);
    /* What was accepted can be finished. */
    struct dm_blob_info info;
    assert_ok(put(rig, "a/pages/1", DM_KEPT), &rig->err);
    assert_ok(dm_sink_create(rig->set.blob, DM_SINK_WORK, &sink, &rig->err), &rig->err);
    for (int i = 0; i < 20; i++)
        assert_ok(dm_sink_write(rig->set.blob, sink, dm_str_of(megabyte, sizeof(megabyte)), &rig->err), &rig->err);
    assert_ok(dm_sink_finish(rig->set.blob, sink, &acme, DM_STR("a/results-1.json"), DM_DERIVED, &info, &rig->err),
              &rig->err);
}

static void an_upload_that_goes_below_the_floor_ends(void **state)
{
    struct rig *rig = *state;
    struct dm_sink *sink = NULL;
    struct dm_blob_info info;
    rig_stop(rig);
    const struct dm_embedded_options options = { .folder = rig->folder, .free_space_floor_bytes = 1 };
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
    struct dm_files *files = rig->set.blob.self;
    assert_ok(dm_sink_create(rig->set.blob, DM_SINK_INTAKE, &sink, &rig->err), &rig->err);
    files->floor_bytes = UINT64_MAX; /* somebody else has filled the disk meanwhile */
    enum dm_code rc = DM_OK;
    int written = 0;
    for (; rc == DM_OK && written < 100; written++)
        rc = dm_sink_write(rig->set.blob, sink, dm_str_of(megabyte, sizeof(megabyte)), &rig->err);
    assert_int_equal(rc, DM_NO_SPACE);
    assert_true(written < 20);
    assert_code(dm_sink_finish(rig->set.blob, sink, &acme, DM_STR("a/source"), DM_KEPT, &info, &rig->err), DM_NO_SPACE,
                &rig->err);
    assert_int_equal(spooled(rig), 0);
}

static bool empty_spool(struct rig *rig)
{
    char path[700];
    DIR *spools = opendir(rig_path(rig, "blobs/.spool"));
    uint32_t left = 0;
    for (const struct dirent *entry; (entry = readdir(spools));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "blobs/.spool/%s", entry->d_name);
        left += entries(rig_path(rig, path));
    }
    closedir(spools);
    return left == 0;
}

static void put_until_no_space(struct rig *rig)
{
    static char bytes[100 * 1024];
    struct dm_blob blob = rig->set.blob;
    struct dm_sink *sink;
    enum dm_code rc;
    rig_must(dm_sink_create(blob, DM_SINK_INTAKE, &sink, NULL) == DM_OK);
    while ((rc = dm_sink_write(blob, sink, dm_str_of(bytes, sizeof(bytes)), NULL)) == DM_OK)
        ;
    rig_must(rc == DM_NO_SPACE);
    rig_must(dm_sink_write(blob, sink, DM_STR("more"), NULL) == DM_NO_SPACE);
    dm_sink_abandon(blob, sink);
    rig_must(empty_spool(rig));
    struct dm_blob_info info;
    rig_must(dm_sink_create(blob, DM_SINK_INTAKE, &sink, NULL) == DM_OK);
    while (dm_sink_write(blob, sink, dm_str_of(bytes, sizeof(bytes)), NULL) == DM_OK)
        ;
    rig_must(dm_sink_finish(blob, sink, &acme, DM_STR("a/source"), DM_KEPT, &info, NULL) == DM_NO_SPACE);
    rig_must(empty_spool(rig));
    static char large[16 << 20];
    rig_must(dm_blob_put_new(blob, &acme, DM_STR("a/pages/1"), dm_str_of(large, sizeof(large)), DM_KEPT, NULL) ==
             DM_NO_SPACE);
    rig_must(empty_spool(rig));
    /* And with room again everything is as before. */
    rig_must(dm_blob_put_new(blob, &acme, DM_STR("a/pages/1"), DM_STR("line\n"), DM_KEPT, NULL) == DM_OK);
    struct dm_arena arena = dm_arena_make(1 << 20);
    struct dm_blob_list list;
    rig_must(dm_blob_list(blob, &acme, DM_STR("a/"), DM_STR(""), 10, &arena, &list, NULL) == DM_OK && list.count == 1);
    dm_arena_free(&arena);
}

static void fill_a_small_disk(struct rig *rig)
{
    rig_must(rig_try(rig) == DM_OK);
    put_until_no_space(rig);
    rig_stop(rig);
}

static void what_a_full_disk_refused_leaves_nothing_behind(void **state)
{
    rig_stop(*state);
    rig_child_on_small_disk(fill_a_small_disk, *state, 8 << 20);
}

static void reach_the_size_limit(struct rig *rig)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    rig_must(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 1 << 20;
    rig_must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    rig_must(rig_try(rig) == DM_OK);
    put_until_no_space(rig);
    rig_stop(rig);
}

static void what_a_limit_on_file_sizes_refused_leaves_nothing_behind(void **state)
{
    rig_stop(*state);
    rig_child(reach_the_size_limit, *state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_blob_lies_under_tenant_and_bucket_for_its_owner_alone),
        CASE(documents_are_spread_over_many_folders),
        CASE(what_is_not_ours_in_the_folders_is_passed_over),
        CASE(what_is_no_key_is_refused_by_every_call),
        CASE(a_tenant_that_is_none_is_refused),
        CASE(no_symbolic_link_leads_out_of_the_tenants_folder),
        CASE(a_kept_blob_costs_one_sync_of_a_folder_once_the_folders_are_known),
        CASE(tasks_that_sync_one_folder_share_its_syncs),
        CASE(a_sync_that_fails_is_reported),
        cmocka_unit_test_setup_teardown(uploads_of_a_dead_process_are_removed_and_those_of_a_living_one_are_not,
                                        rig_make, rig_close),
        CASE(an_unfinished_sink_goes_with_the_process),
        CASE(below_the_floor_uploads_are_refused_and_reading_goes_on),
        CASE(an_upload_that_goes_below_the_floor_ends),
        CASE(what_a_full_disk_refused_leaves_nothing_behind),
        CASE(what_a_limit_on_file_sizes_refused_leaves_nothing_behind),
    };
    return run_group("blobs as files", tests, NULL, NULL);
}
