/* test_retention.c: what is over is removed: the source, the pages, the results, and in the end the document. */
#include <string.h>

#include "domain/keys.h"
#include "rig.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static const char *const tenant_name = "t";

/* Completed `age_ms` ago, with every form of its result and a picture of a page. */
static struct dm_file old_document(struct rig *rig, int64_t age_ms)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    rig_start(rig, 1);
    (void)rig_ended(rig, tenant_name, &file);
    rig_stop(rig);
    for (int form = DM_RESULT_JSON; form <= DM_RESULT_JSON_LINES; form++) {
        struct dm_buf text = rig_result(rig, tenant_name, &file, (enum dm_result_form)form, false);
        dm_buf_free(&text);
    }
    const struct dm_blob_key image = dm_key_image(&file, 1, 100, DM_MEDIA_PNG);
    assert_int_equal(
        dm_blob_put_new(rig->set.blob, &tenant, dm_str_z(image.text), DM_STR("a picture"), DM_DERIVED, &rig->err),
        DM_OK);
    struct dm_state state = rig_state(rig, tenant_name, &file);
    struct dm_transaction transaction = { .state = &state, .state_before = state.version++ };
    state.completed_ms -= age_ms;
    state.due_ms = state.completed_ms + 1;
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, &file, &transaction, &rig->err), DM_OK);
    return file;
}

static uint32_t blobs_of(struct rig *rig, const struct dm_file *file, const char *part)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    const struct dm_blob_key prefix = dm_key_document(file);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_blob_list list;
    uint32_t count = 0;
    assert_int_equal(
        dm_blob_list(rig->set.blob, &tenant, dm_str_z(prefix.text), DM_STR(""), 100, &arena, &list, &rig->err), DM_OK);
    for (uint32_t i = 0; i < list.count; i++)
        count += strstr(list.keys[i].at, part) != NULL;
    return count;
}

struct taking {
    const struct dm_file *file;
    uint32_t gone;
};

static bool is_gone(struct rig *rig, const void *argument)
{
    const struct taking *taking = argument;
    return rig_state(rig, tenant_name, taking->file).gone == taking->gone;
}

static bool is_removed(struct rig *rig, const void *argument)
{
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    return dm_store_read(rig->set.store, &tenant, argument, DM_PART_STATE, &arena, &snapshot, &rig->err) ==
           DM_NOT_FOUND;
}

static void take(struct rig *rig, const struct dm_file *file, uint32_t gone)
{
    const struct taking taking = { file, gone };
    rig_start(rig, 1);
    rig_until(rig, is_gone, &taking);
    rig_stop(rig);
}

static void given_an_old_source_then_it_is_removed_with_its_pictures_and_the_rest_stays(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    rig->pipeline.retention_source_ms = DAY_MS;
    rig->pipeline.retention_pages_ms = 3 * (int64_t)DAY_MS;
    take(rig, &file, DM_GONE_SOURCE);
    assert_int_equal(blobs_of(rig, &file, "/source"), 0);
    assert_int_equal(blobs_of(rig, &file, "/images/"), 0);
    assert_int_equal(blobs_of(rig, &file, "/pages/"), 1);
    assert_int_equal(blobs_of(rig, &file, "/results-1.json"), 2); /* .json and .jsonl */
    struct dm_state left = rig_state(rig, tenant_name, &file);
    assert_int_equal(left.due_ms, left.completed_ms + 3 * (int64_t)DAY_MS);
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    const struct dm_range one = { 1, 1 };
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ &one, 1 }, &rig->err),
                     DM_GONE);
}

static void given_old_results_then_they_are_removed_in_every_form_with_what_they_were_made_of(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    assert_int_equal(blobs_of(rig, &file, "/results-"), 3);
    assert_int_equal(blobs_of(rig, &file, "/reduction-"), 1);
    rig->pipeline.retention_results_ms = DAY_MS;
    take(rig, &file, DM_GONE_RESULTS);
    assert_int_equal(blobs_of(rig, &file, "/results-"), 0);
    assert_int_equal(blobs_of(rig, &file, "/reduction-"), 0);
    assert_int_equal(blobs_of(rig, &file, "/source"), 1);
    /* Read again, there is a result again. */
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    const struct dm_range one = { 1, 1 };
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ &one, 1 }, &rig->err),
                     DM_OK);
    rig_start(rig, 1);
    (void)rig_ended(rig, tenant_name, &file);
    struct dm_buf text = rig_result(rig, tenant_name, &file, DM_RESULT_JSON, false);
    assert_non_null(strstr(dm_buf_z(&text), "\"outcome\":\"full\""));
    dm_buf_free(&text);
}

static void given_old_pages_then_they_are_removed_and_the_result_stays(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    rig->pipeline.retention_pages_ms = DAY_MS;
    take(rig, &file, DM_GONE_PAGES);
    assert_int_equal(blobs_of(rig, &file, "/pages/"), 0);
    struct dm_buf text = rig_result(rig, tenant_name, &file, DM_RESULT_JSON, false);
    assert_true(text.len > 0);
    dm_buf_free(&text);
}

static void given_nothing_that_is_to_be_kept_then_the_document_is_removed(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    rig->pipeline.retention_source_ms = rig->pipeline.retention_pages_ms = rig->pipeline.retention_results_ms = DAY_MS;
    rig_start(rig, 1);
    rig_until(rig, is_removed, &file);
    assert_int_equal(blobs_of(rig, &file, "/"), 0);
}

static void given_documents_that_ended_under_other_settings_then_the_new_ones_hold_for_them(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    static const int64_t dues_ms[] = { 0, INT64_MAX / 2 }; /* kept for ever, and kept for longer */
    struct dm_file files[DM_COUNT(dues_ms)];
    for (size_t i = 0; i < DM_COUNT(files); i++) {
        files[i] = old_document(rig, 2 * DAY_MS);
        struct dm_state ended = rig_state(rig, tenant_name, &files[i]);
        struct dm_transaction transaction = { .state = &ended, .state_before = ended.version++ };
        ended.due_ms = dues_ms[i];
        assert_int_equal(dm_store_commit(rig->set.store, &tenant, &files[i], &transaction, &rig->err), DM_OK);
    }
    struct dm_file young = old_document(rig, 0);
    rig->pipeline.retention_source_ms = DAY_MS;
    for (size_t i = 0; i < DM_COUNT(files); i++)
        take(rig, &files[i], DM_GONE_SOURCE);
    struct dm_state kept = rig_state(rig, tenant_name, &young);
    assert_int_equal(kept.gone, 0);
    assert_int_equal(kept.due_ms, kept.completed_ms + DAY_MS);
}

static void given_a_deleted_document_when_its_grace_is_over_then_records_and_blobs_are_removed(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    struct dm_file file = rig_accept(rig, tenant_name, "%PDF- pages=3", "");
    assert_int_equal(dm_document_delete(&rig->pipeline, &tenant, &file, &rig->err), DM_OK);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(dm_store_read(rig->set.store, &tenant, &file, DM_PART_STATE, &arena, &snapshot, &rig->err), DM_OK);
    struct dm_transaction transaction = { .state = &snapshot.state, .state_before = snapshot.state.version++ };
    snapshot.state.due_ms = 1;
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, &file, &transaction, &rig->err), DM_OK);
    assert_int_equal(blobs_of(rig, &file, "/source"), 1);
    rig_start(rig, 1);
    rig_until(rig, is_removed, &file);
    assert_int_equal(blobs_of(rig, &file, "/"), 0);
}

/* A blob store that asks for a retry at the worst moment: just before the first byte is removed. */
static struct {
    struct rig *rig;
    struct dm_blob blob; /* the real one */
    const struct dm_file *file;
    bool asked;
    enum dm_code answer;
} meddling;

static void ask_for_retry(void)
{
    if (meddling.asked)
        return;
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    const struct dm_range one = { 1, 1 };
    struct dm_err err;
    meddling.asked = true;
    meddling.answer =
        dm_document_retry(&meddling.rig->pipeline, &tenant, meddling.file, (struct dm_ranges){ &one, 1 }, &err);
}

static enum dm_code remove_after_retry(void *self, const struct dm_tenant *tenant, struct dm_str key,
                                       struct dm_err *err)
{
    ask_for_retry();
    return meddling.blob.ops->remove(self, tenant, key, err);
}

static enum dm_code remove_all_after_retry(void *self, const struct dm_tenant *tenant, struct dm_str prefix,
                                           struct dm_err *err)
{
    ask_for_retry();
    return meddling.blob.ops->remove_all(self, tenant, prefix, err);
}

static void meddle(struct rig *rig, const struct dm_file *file)
{
    static struct dm_blob_ops ops;
    meddling.rig = rig;
    meddling.blob = rig->pipeline.ports.blob;
    meddling.file = file;
    meddling.asked = false;
    meddling.answer = DM_OK;
    ops = *meddling.blob.ops;
    ops.remove = remove_after_retry;
    ops.remove_all = remove_all_after_retry;
    rig->pipeline.ports.blob = (struct dm_blob){ &ops, meddling.blob.self };
}

static void given_a_retry_as_retention_takes_the_bytes_then_it_is_refused_and_the_result_stays(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    rig->pipeline.retention_source_ms = rig->pipeline.retention_pages_ms = DAY_MS;
    meddle(rig, &file);
    take(rig, &file, DM_GONE_SOURCE | DM_GONE_PAGES);
    assert_true(meddling.asked);
    assert_int_equal(meddling.answer, DM_GONE);
    assert_int_equal(rig_state(rig, tenant_name, &file).status, DM_STATUS_COMPLETED);
}

static void given_a_retry_as_retention_takes_everything_then_it_is_refused(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    rig->pipeline.retention_source_ms = rig->pipeline.retention_pages_ms = rig->pipeline.retention_results_ms = DAY_MS;
    meddle(rig, &file);
    rig_start(rig, 1);
    rig_until(rig, is_removed, &file);
    assert_true(meddling.asked);
    assert_int_equal(meddling.answer, DM_GONE);
}

static bool is_not_due(struct rig *rig, const void *argument)
{
    return rig_state(rig, tenant_name, argument).due_ms == 0;
}

static void given_a_crash_before_the_bytes_were_removed_then_the_next_sweeper_removes_them(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant(tenant_name);
    struct dm_file file = old_document(rig, 2 * DAY_MS);
    struct dm_state taken = rig_state(rig, tenant_name, &file);
    struct dm_transaction transaction = { .state = &taken, .state_before = taken.version++ };
    taken.gone = DM_GONE_SOURCE;
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, &file, &transaction, &rig->err), DM_OK);
    rig->pipeline.retention_source_ms = DAY_MS;
    rig_start(rig, 1);
    rig_until(rig, is_not_due, &file);
    assert_int_equal(blobs_of(rig, &file, "/source"), 0);
    assert_int_equal(blobs_of(rig, &file, "/images/"), 0);
    assert_int_equal(blobs_of(rig, &file, "/pages/"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(given_an_old_source_then_it_is_removed_with_its_pictures_and_the_rest_stays),
        CASE(given_old_results_then_they_are_removed_in_every_form_with_what_they_were_made_of),
        CASE(given_old_pages_then_they_are_removed_and_the_result_stays),
        CASE(given_nothing_that_is_to_be_kept_then_the_document_is_removed),
        CASE(given_documents_that_ended_under_other_settings_then_the_new_ones_hold_for_them),
        CASE(given_a_deleted_document_when_its_grace_is_over_then_records_and_blobs_are_removed),
        CASE(given_a_retry_as_retention_takes_the_bytes_then_it_is_refused_and_the_result_stays),
        CASE(given_a_retry_as_retention_takes_everything_then_it_is_refused),
        CASE(given_a_crash_before_the_bytes_were_removed_then_the_next_sweeper_removes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
