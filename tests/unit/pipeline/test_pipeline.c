/* test_pipeline.c: the way of a document, with real threads and the embedded backends. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "domain/limits.h"
#include "rig.h"

static json_t *parsed(struct dm_buf *text)
{
    json_t *value = NULL;
    struct dm_err err;
    assert_int_equal(dm_json_parse(dm_buf_str(text), "the result", &value, &err), DM_OK);
    dm_buf_free(text);
    return value;
}

static void check_chunks(const json_t *result, uint32_t total)
{
    const json_t *chunks = json_object_get(result, "chunks");
    assert_int_equal(json_array_size(chunks), total);
    for (uint32_t i = 0; i < total; i++)
        assert_int_equal(dm_json_int(json_array_get(chunks, i), "pageNumber", 0), i + 1);
}

static void given_a_document_when_it_is_accepted_then_every_page_is_asked_once_and_the_result_lists_each_once(
    void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=123", "");
    rig_start(rig, 3);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.status, DM_STATUS_COMPLETED);
    assert_int_equal(ended.outcome, DM_OUTCOME_FULL);
    assert_int_equal(ended.processed, 123);
    assert_int_equal(ended.usage.model_calls, 123);
    for (uint32_t page = 1; page <= 123; page++)
        assert_int_equal(rig_calls(rig, page), 1);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, false);
    json_auto_t *result = parsed(&text);
    check_chunks(result, 123);
    const json_t *document = json_object_get(result, "document");
    assert_true(dm_str_eq(dm_json_str(document, "summary"), DM_STR("all of 123")));
    const json_t *ada = json_array_get(json_object_get(document, "entities"), 0);
    assert_int_equal(dm_json_int(ada, "count", 0), 123);
}

static void given_a_completed_document_then_events_are_numbered_without_a_hole(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=60 damaged=7", "");
    rig_start(rig, 2);
    struct dm_state ended = rig_ended(rig, "t", &file);
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_event_list events;
    assert_int_equal(dm_store_events(rig->set.store, &tenant, &file, 0, 1000, &arena, &events, &rig->err), DM_OK);
    assert_int_equal(events.count, ended.seq);
    uint32_t named = 0;
    for (uint32_t i = 0; i < events.count; i++) {
        assert_int_equal(events.at[i].seq, i + 1);
        json_auto_t *data = NULL;
        assert_int_equal(dm_json_parse(events.at[i].data, "data", &data, &rig->err), DM_OK);
        named += (uint32_t)json_array_size(json_object_get(data, "pages"));
    }
    assert_int_equal(named, 60);
    assert_int_equal(events.at[0].type, DM_EVENT_DOCUMENT_UPLOADED);
    assert_int_equal(events.at[events.count - 1].type, DM_EVENT_DOCUMENT_COMPLETED);
}

static void given_a_damaged_page_then_it_alone_fails_and_a_retry_reads_it_alone(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=30 damaged=7", "");
    rig_start(rig, 2);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.outcome, DM_OUTCOME_PARTIAL);
    assert_int_equal(ended.failed, 1);
    const struct dm_tenant tenant = rig_tenant("t");
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ 0 }, &rig->err), DM_OK);
    ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.epoch, 2);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(ended.usage.model_calls, 29);
    struct dm_range three = { 3, 3 };
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ &three, 1 }, &rig->err),
                     DM_OK);
    ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.epoch, 3);
    assert_int_equal(ended.processed, 29);
    assert_int_equal(rig_calls(rig, 3), 2);
    assert_int_equal(rig_calls(rig, 4), 1);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, false);
    json_auto_t *result = parsed(&text);
    check_chunks(result, 30);
    const json_t *error = json_object_get(json_array_get(json_object_get(result, "chunks"), 6), "error");
    assert_true(dm_str_eq(dm_json_str(error, "reason"), DM_STR("damaged")));
}

static void given_a_choice_of_pages_then_only_they_are_read_and_the_others_are_skipped(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=10", "2-3,9");
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 3);
    assert_int_equal(ended.skipped, 7);
    assert_int_equal(rig_calls(rig, 1), 0);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, false);
    json_auto_t *result = parsed(&text);
    check_chunks(result, 10);
}

static void given_documents_that_cannot_be_read_then_each_fails_with_its_reason(void **state)
{
    static const struct {
        const char *script, *pages;
        enum dm_reason reason;
    } cases[] = {
        { "%PDF- pages=3 encrypted", "", DM_REASON_ENCRYPTED }, { "%PDF- pages=0", "", DM_REASON_NO_PAGES },
        { "%PDF- pages=401", "", DM_REASON_TOO_LARGE },         { "%PDF- pages=3", "4-", DM_REASON_NO_PAGES },
        { "%PDF- pages=1 damaged=1", "", DM_REASON_DAMAGED },   { "%PDF- pages=1 hanging=1", "", DM_REASON_TIMEOUT }
    };
    struct rig *rig = *state;
    rig_start(rig, 2);
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_file file = rig_accept(rig, "t", cases[i].script, cases[i].pages);
        struct dm_state ended = rig_ended(rig, "t", &file);
        assert_int_equal(ended.status, DM_STATUS_FAILED);
        assert_int_equal(ended.reason, cases[i].reason);
        assert_true(strlen(ended.detail) > 0);
    }
}

static void given_a_model_that_fails_for_a_while_then_the_page_is_tried_again_and_its_attempts_are_told(void **state)
{
    struct rig *rig = *state;
    rig->model.reason = DM_REASON_MODEL_TIMEOUT;
    rig->model.fail_times[2] = 2;
    rig->model.fail_times[3] = 100;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 2);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(rig_calls(rig, 2), 3);
    assert_int_equal(rig_calls(rig, 3), 4);
    assert_int_equal(ended.usage.model_calls, 8);
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_page_list pages;
    assert_int_equal(dm_store_pages(rig->set.store, &tenant, &file, 1, 3, 10, &arena, &pages, &rig->err), DM_OK);
    assert_int_equal(pages.at[1].attempt_count, 3);
    assert_int_equal(pages.at[2].reason, DM_REASON_MODEL_TIMEOUT);
}

/* An answer that will not do is asked for once more, and its page is asked in that way only once. */
static void given_answers_that_will_not_do_then_each_page_is_asked_once_more_in_another_way(void **state)
{
    struct rig *rig = *state;
    rig->model.reason = DM_REASON_SCHEMA_MISMATCH;
    rig->model.fail_times[1] = 1;
    rig->model.fail_times[2] = 100;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 2);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(rig_calls(rig, 1), 2);
    assert_int_equal(rig_calls(rig, 2), 2);
    assert_int_equal(rig_calls(rig, 3), 1);
    assert_int_equal(rig->model.repairs, 2);
}

/* More often than attempts are allowed, and with a reason that is otherwise never asked again. */
static void given_a_model_that_adapts_then_the_page_is_asked_again_at_once_and_its_attempts_are_not_used_up(
    void **state)
{
    struct rig *rig = *state;
    rig->model.reason = DM_REASON_BAD_REQUEST;
    rig->model.adapted = true;
    rig->pipeline.attempts_max = 1;
    rig->model.fail_times[1] = DM_MODEL_ADAPTATIONS_MAX;
    rig->model.fail_times[2] = 100;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 2);
    assert_int_equal(ended.failed, 1);
    assert_int_equal(rig_calls(rig, 1), DM_MODEL_ADAPTATIONS_MAX + 1);
    assert_int_equal(rig_calls(rig, 2), DM_MODEL_ADAPTATIONS_MAX + 1); /* bounded, whatever it says */
    assert_int_equal(rig_calls(rig, 3), 1);
}

static void given_a_page_with_nothing_on_it_then_no_model_is_asked_about_it(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3 blank=2", "");
    rig_start(rig, 1);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 3);
    assert_int_equal(ended.usage.model_calls, 2);
    assert_int_equal(rig_calls(rig, 2), 0);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, false);
    json_auto_t *result = parsed(&text);
    const json_t *analysis = json_object_get(json_array_get(json_object_get(result, "chunks"), 1), "analysis");
    assert_true(json_is_true(json_object_get(analysis, "empty")));
    assert_true(json_is_string(json_object_get(analysis, "summary")));
}

static bool model_is_asked(struct rig *rig, const void *argument)
{
    dm_lock(rig->model.runtime, rig->model.monitor);
    bool asked = rig->model.waiting >= *(const uint32_t *)argument;
    dm_unlock(rig->model.runtime, rig->model.monitor);
    return asked;
}

static bool usage_is(struct rig *rig, const void *argument)
{
    const struct dm_file *file = argument;
    return rig_state(rig, "t", file).usage.model_calls > 0;
}

static void given_a_cancel_while_the_model_works_then_no_new_call_starts_and_the_late_cost_is_kept(void **state)
{
    struct rig *rig = *state;
    rig->model.hold = true;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=300", "");
    rig_start(rig, 2);
    const uint32_t some = 20;
    rig_until(rig, model_is_asked, &some);
    const struct dm_tenant tenant = rig_tenant("t");
    assert_int_equal(dm_document_cancel(&rig->pipeline, &tenant, &file, &rig->err), DM_OK);
    int64_t cancelled_ms = dm_mono_ms(rig->set.runtime);
    while (dm_mono_ms(rig->set.runtime) < cancelled_ms + 1000)
        dm_sleep_until(rig->set.runtime, cancelled_ms + 1000);
    dm_lock(rig->model.runtime, rig->model.monitor);
    uint32_t asked = rig->model.waiting;
    dm_unlock(rig->model.runtime, rig->model.monitor);
    rig_hold_model(rig, false);
    rig_until(rig, usage_is, &file);
    struct dm_state ended = rig_state(rig, "t", &file);
    assert_int_equal(ended.status, DM_STATUS_CANCELLED);
    assert_int_equal(ended.processed, 0);
    rig_stop(rig);
    assert_int_equal(rig_state(rig, "t", &file).usage.model_calls, asked);
}

static bool page_was_asked(struct rig *rig, const void *argument)
{
    return rig_calls(rig, *(const uint32_t *)argument) > 0;
}

static void given_a_worker_that_stops_then_it_hands_back_and_the_next_reads_no_page_twice(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=400", "");
    rig_start(rig, 1);
    const uint32_t first = 1;
    rig_until(rig, page_was_asked, &first);
    rig_stop(rig);
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(
        dm_store_read(rig->set.store, &tenant, &file, DM_PART_STATE | DM_PART_CLAIMS, &arena, &snapshot, &rig->err),
        DM_OK);
    assert_int_equal(snapshot.claim_count, 0);
    rig_start(rig, 2);
    assert_int_equal(rig_ended(rig, "t", &file).processed, 400);
    for (uint32_t page = 1; page <= 400; page++)
        assert_int_equal(rig_calls(rig, page), 1);
}

/* A helper that gives its page only when the worker's tasks have been told to end. */
static struct {
    struct dm_reader reader; /* the real ones */
    struct dm_stream stream;
    _Atomic bool reading, ending;
} late;

static enum dm_code late_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                              const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    struct dm_runtime runtime = dm_threads_runtime();
    late.reading = true;
    while (!late.ending)
        dm_sleep_until(runtime, dm_mono_ms(runtime) + 1);
    return late.reader.ops->page(self, handle, page, want, ret, err);
}

static void told_to_end(void *self)
{
    late.ending = true;
    late.stream.ops->wake(self);
}

static bool is_reading(struct rig *rig, const void *argument)
{
    return late.reading;
}

static void given_a_page_that_comes_after_the_deadline_of_a_stop_then_no_model_call_starts(void **state)
{
    struct rig *rig = *state;
    struct dm_ports *ports = &rig->pipeline.ports;
    late.reader = ports->reader;
    late.stream = ports->stream;
    late.reading = late.ending = false;
    struct dm_reader_ops reader_ops = *late.reader.ops;
    struct dm_stream_ops stream_ops = *late.stream.ops;
    reader_ops.page = late_page;
    stream_ops.wake = told_to_end;
    ports->reader = (struct dm_reader){ &reader_ops, late.reader.self };
    ports->stream = (struct dm_stream){ &stream_ops, late.stream.self };
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_hold_model(rig, true);
    rig_start(rig, 1);
    rig_until(rig, is_reading, NULL);
    dm_worker_stop(rig->worker, dm_mono_ms(rig->set.runtime));
    rig->worker = NULL;
    rig_stop(rig);
    rig_hold_model(rig, false);
    for (uint32_t page = 1; page <= 3; page++)
        assert_int_equal(rig_calls(rig, page), 0);
    ports->reader = late.reader;
    ports->stream = late.stream;
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, "t", &file).processed, 3);
    rig_stop(rig);
}

/* What a worker leaves that dies after writing a segment and before committing it. */
static void leave_orphan(struct rig *rig, const struct dm_file *file)
{
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    const struct dm_ledger_context context = { .now_ms = dm_wall_ms(rig->set.runtime), .arena = &arena };
    struct dm_snapshot snapshot;
    struct dm_change change;
    struct dm_claim split, claim;
    const unsigned parts = DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK;
    assert_int_equal(dm_store_read(rig->set.store, &tenant, file, parts, &arena, &snapshot, &rig->err), DM_OK);
    assert_int_equal(dm_ledger_claim_split(&context, &snapshot, DM_STR("dead"), &change, &split, &rig->err), DM_OK);
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, file, &change.transaction, &rig->err), DM_OK);
    assert_int_equal(dm_store_read(rig->set.store, &tenant, file, parts, &arena, &snapshot, &rig->err), DM_OK);
    assert_int_equal(dm_ledger_split_done(&context, &snapshot, &split, 5, 40, &change, &claim, &rig->err), DM_OK);
    assert_int_equal(dm_store_commit(rig->set.store, &tenant, file, &change.transaction, &rig->err), DM_OK);
    static const char segment[] =
        "{\"pageNumber\":2,\"analysisBytes\":72,\"analysis\":{\"summary\":\"adopted\",\"entities\":[],\"keyPoints\":[],"
        "\"sentiment\":\"neutral\"},\"attempts\":[{\"status\":\"done\"}],\"usage\":{\"modelCalls\":1},\"text\":\"x\"}\n"
        "{\"pageNumber\":3,\"analysis\":";
    const struct dm_blob_key key = dm_key_segment(file, 1, claim.first, claim.counter, 0);
    assert_int_equal(dm_blob_put_new(rig->set.blob, &tenant, dm_str_z(key.text), dm_str_z(segment), DM_KEPT, &rig->err),
                     DM_OK);
}

static void given_an_answer_whose_commit_was_lost_in_a_crash_then_it_is_adopted_and_not_asked_again(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=5", "");
    leave_orphan(rig, &file);
    rig_reopen(rig); /* gives the dead worker's claim back at once */
    rig_start(rig, 2);
    struct dm_state ended = rig_ended(rig, "t", &file);
    assert_int_equal(ended.processed, 5);
    assert_int_equal(rig_calls(rig, 2), 0);
    assert_int_equal(rig_calls(rig, 3), 1);
    assert_int_equal(ended.usage.model_calls, 5);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, false);
    json_auto_t *result = parsed(&text);
    const json_t *second = json_array_get(json_object_get(result, "chunks"), 1);
    assert_true(dm_str_eq(dm_json_str(json_object_get(second, "analysis"), "summary"), DM_STR("adopted")));
}

/* Blobs that cannot be listed for a while. */
static struct {
    struct dm_blob blob; /* the real one */
    _Atomic uint32_t refused;
} away;

static enum dm_code refuse_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                                uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err)
{
    away.refused++;
    return dm_fail(err, DM_UNAVAILABLE, "the blob store is away");
}

static bool was_refused_and_has_no_claim(struct rig *rig, const void *argument)
{
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(
        dm_store_read(rig->set.store, &tenant, argument, DM_PART_STATE | DM_PART_CLAIMS, &arena, &snapshot, &rig->err),
        DM_OK);
    return away.refused > 0 && snapshot.claim_count == 0;
}

static void given_blobs_that_are_away_when_pages_came_back_then_no_claim_is_lost_over_it(void **state)
{
    struct rig *rig = *state;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=5", "");
    leave_orphan(rig, &file);
    rig_reopen(rig); /* gives the dead worker's claim back at once */
    away.blob = rig->pipeline.ports.blob;
    away.refused = 0;
    struct dm_blob_ops ops = *away.blob.ops;
    ops.list = refuse_list;
    rig->pipeline.ports.blob.ops = &ops;
    rig_start(rig, 1);
    rig_until(rig, was_refused_and_has_no_claim, &file);
    rig_stop(rig);
    rig->pipeline.ports.blob = away.blob;
    const struct dm_tenant tenant = rig_tenant("t");
    struct dm_redriven redriven;
    assert_int_equal(dm_document_redrive(&rig->pipeline, &tenant, &file, 0, &redriven, &rig->err), DM_OK);
    assert_int_equal(redriven.pages, 5); /* they waited for their time */
    rig_start(rig, 1);
    assert_int_equal(rig_ended(rig, "t", &file).processed, 5);
    assert_int_equal(rig_calls(rig, 2), 0);
}

static void given_a_tenant_with_many_documents_then_another_tenants_only_one_does_not_wait_for_them(void **state)
{
    enum { MANY = 40 };
    struct rig *rig = *state;
    struct dm_file many[MANY];
    for (int i = 0; i < MANY; i++)
        many[i] = rig_accept(rig, "busy", "%PDF- pages=20", "");
    struct dm_file one = rig_accept(rig, "quiet", "%PDF- pages=20", "");
    rig_start(rig, 1);
    int64_t quiet_ms = rig_ended(rig, "quiet", &one).completed_ms;
    uint32_t later = 0;
    for (int i = 0; i < MANY; i++)
        later += rig_ended(rig, "busy", &many[i]).completed_ms >= quiet_ms;
    assert_true(later > MANY / 2);
}

static void given_a_document_in_progress_then_a_partial_result_lists_what_there_is(void **state)
{
    struct rig *rig = *state;
    rig->model.hold = true;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=4 damaged=1", "");
    rig_start(rig, 1);
    const uint32_t three = 3;
    rig_until(rig, model_is_asked, &three);
    struct dm_buf text = rig_result(rig, "t", &file, DM_RESULT_JSON, true);
    json_auto_t *result = parsed(&text);
    check_chunks(result, 4);
    rig_hold_model(rig, false);
    rig_ended(rig, "t", &file);
    struct dm_buf markdown = rig_result(rig, "t", &file, DM_RESULT_MARKDOWN, false);
    assert_non_null(strstr(dm_buf_z(&markdown), "## Page 1\n\n*(failed: damaged"));
    dm_buf_free(&markdown);
    struct dm_buf lines = rig_result(rig, "t", &file, DM_RESULT_JSON_LINES, false);
    struct dm_str rest = dm_buf_str(&lines);
    struct dm_str line;
    uint32_t count = 0;
    while (dm_str_next(&rest, '\n', &line))
        count += line.len > 0;
    assert_int_equal(count, 5);
    dm_buf_free(&lines);
}

static enum dm_code upload(struct rig *rig, const char *script, const char *key, struct dm_file *ret,
                           bool *ret_replayed)
{
    const struct dm_tenant tenant = rig_tenant("t");
    struct dm_spool spool;
    assert_int_equal(dm_spool_open(rig->set.blob, &spool, &rig->err), DM_OK);
    assert_int_equal(dm_spool_write(&spool, dm_str_z(script), 1 << 20, &rig->err), DM_OK);
    const struct dm_intake intake = { .name = DM_STR("a.pdf"), .idempotency_key = dm_str_z(key) };
    enum dm_code rc = dm_intake_accept(&rig->pipeline, &tenant, &intake, &spool, ret, ret_replayed, &rig->err);
    dm_spool_free(&spool);
    return rc;
}

/* A second reader who asks for the same while the first is about to open what was made for it. */
static struct {
    struct rig *rig;
    struct dm_blob blob; /* the real one */
    const struct dm_file *file;
    const struct dm_snapshot *snapshot;
    bool asked;
    enum dm_code answer;
} second;

static bool pages_are_known(struct rig *rig, const void *argument)
{
    return rig_state(rig, "t", argument).total > 0;
}

static enum dm_code open_after_second(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                                      struct dm_blob_info *ret, struct dm_err *err)
{
    if (!second.asked) {
        int fd;
        uint64_t size;
        struct dm_err ignored;
        second.asked = true;
        second.answer = dm_result_open(&second.rig->pipeline, tenant, second.file, second.snapshot, DM_RESULT_JSON,
                                       true, &fd, &size, &ignored);
        if (second.answer == DM_OK)
            dm_blob_close(fd);
    }
    return second.blob.ops->open(self, tenant, key, ret_fd, ret, err);
}

static void given_two_readers_at_once_then_each_gets_a_partial_result(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant("t");
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_hold_model(rig, true);
    rig_start(rig, 1);
    rig_until(rig, pages_are_known, &file);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(
        dm_document_read(&rig->pipeline, &tenant, &file, DM_PART_STATE | DM_PART_WORK, &arena, &snapshot, &rig->err),
        DM_OK);
    second.rig = rig;
    second.blob = rig->pipeline.ports.blob;
    second.file = &file;
    second.snapshot = &snapshot;
    second.asked = false;
    struct dm_pipeline pipeline = rig->pipeline;
    struct dm_blob_ops ops = *second.blob.ops;
    ops.open = open_after_second;
    pipeline.ports.blob.ops = &ops;
    int fd;
    uint64_t size;
    assert_int_equal(dm_result_open(&pipeline, &tenant, &file, &snapshot, DM_RESULT_JSON, true, &fd, &size, &rig->err),
                     DM_OK);
    dm_blob_close(fd);
    assert_int_equal(second.answer, DM_OK);
}

static void given_a_reader_that_saw_an_earlier_reading_then_no_form_is_made_of_the_later_one(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant tenant = rig_tenant("t");
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=3", "");
    rig_start(rig, 1);
    (void)rig_ended(rig, "t", &file);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(
        dm_document_read(&rig->pipeline, &tenant, &file, DM_PART_STATE | DM_PART_WORK, &arena, &snapshot, &rig->err),
        DM_OK);
    const struct dm_range one = { 1, 1 };
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ &one, 1 }, &rig->err),
                     DM_OK);
    (void)rig_ended(rig, "t", &file);
    int fd;
    uint64_t size;
    assert_int_equal(
        dm_result_open(&rig->pipeline, &tenant, &file, &snapshot, DM_RESULT_MARKDOWN, false, &fd, &size, &rig->err),
        DM_NOT_FOUND);
    const struct dm_blob_key key = dm_key_results(&file, 1, ".md");
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    assert_int_equal(dm_blob_get(rig->set.blob, &tenant, dm_str_z(key.text), 0, DM_BLOB_WHOLE, &text, &rig->err),
                     DM_NOT_FOUND);
}

static void given_an_idempotency_key_then_the_same_upload_is_one_document_and_another_is_refused(void **state)
{
    struct rig *rig = *state;
    struct dm_file first, again;
    bool replayed;
    assert_int_equal(upload(rig, "%PDF- pages=1", "POST /upload k", &first, &replayed), DM_OK);
    assert_false(replayed);
    assert_int_equal(upload(rig, "%PDF- pages=1", "POST /upload k", &again, &replayed), DM_OK);
    assert_true(replayed);
    assert_true(dm_file_eq(&first, &again));
    assert_int_equal(upload(rig, "%PDF- pages=2", "POST /upload k", &again, &replayed), DM_EXISTS);
}

static void given_bytes_that_are_no_document_then_nothing_is_kept(void **state)
{
    struct rig *rig = *state;
    struct dm_file file;
    bool replayed;
    assert_int_equal(upload(rig, "MZ\x90 a program", "", &file, &replayed), DM_UNSUPPORTED);
    assert_int_equal(upload(rig, "", "", &file, &replayed), DM_INVALID);
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_list list;
    const struct dm_list_query query = { .limit = 10 };
    assert_int_equal(dm_store_list(rig->set.store, &tenant, &query, &arena, &list, &rig->err), DM_OK);
    assert_int_equal(list.count, 0);
}

static void given_a_deleted_document_then_nobody_finds_it_and_its_pages_stop(void **state)
{
    struct rig *rig = *state;
    rig->model.hold = true;
    struct dm_file file = rig_accept(rig, "t", "%PDF- pages=50", "");
    rig_start(rig, 1);
    const uint32_t some = 5;
    rig_until(rig, model_is_asked, &some);
    const struct dm_tenant tenant = rig_tenant("t");
    assert_int_equal(dm_document_delete(&rig->pipeline, &tenant, &file, &rig->err), DM_OK);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(dm_document_read(&rig->pipeline, &tenant, &file, DM_PART_STATE, &arena, &snapshot, &rig->err),
                     DM_NOT_FOUND);
    assert_int_equal(dm_document_cancel(&rig->pipeline, &tenant, &file, &rig->err), DM_NOT_FOUND);
    assert_int_equal(dm_document_retry(&rig->pipeline, &tenant, &file, (struct dm_ranges){ 0 }, &rig->err),
                     DM_NOT_FOUND);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

/* The built-in merge stands in for a model that cannot, not for one that was not asked. */
static void given_a_reduction_that_cannot_begin_just_now_then_the_model_makes_it_a_little_later(void **state)
{
    struct rig *rig = *state;
    static const enum dm_code passing[] = { DM_TIMEOUT, DM_UNAVAILABLE, DM_BUSY, DM_CANCELLED };
    rig_start(rig, 1);
    for (uint32_t i = 0; i < DM_COUNT(passing); i++) {
        rig->model.reduction_refusal = passing[i];
        struct dm_file file = rig_accept(rig, "t", "%PDF- pages=2", "");
        assert_int_equal(rig_ended(rig, "t", &file).status, DM_STATUS_COMPLETED);
        assert_int_equal(rig->model.refused, i + 1);
        assert_int_equal(rig->model.reductions, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(given_a_document_when_it_is_accepted_then_every_page_is_asked_once_and_the_result_lists_each_once),
        RIG_TEST(given_a_completed_document_then_events_are_numbered_without_a_hole),
        RIG_TEST(given_a_damaged_page_then_it_alone_fails_and_a_retry_reads_it_alone),
        RIG_TEST(given_a_choice_of_pages_then_only_they_are_read_and_the_others_are_skipped),
        RIG_TEST(given_documents_that_cannot_be_read_then_each_fails_with_its_reason),
        RIG_TEST(given_a_model_that_fails_for_a_while_then_the_page_is_tried_again_and_its_attempts_are_told),
        RIG_TEST(given_answers_that_will_not_do_then_each_page_is_asked_once_more_in_another_way),
        RIG_TEST(given_a_page_with_nothing_on_it_then_no_model_is_asked_about_it),
        RIG_TEST(given_a_model_that_adapts_then_the_page_is_asked_again_at_once_and_its_attempts_are_not_used_up),
        RIG_TEST(given_a_cancel_while_the_model_works_then_no_new_call_starts_and_the_late_cost_is_kept),
        RIG_TEST(given_a_worker_that_stops_then_it_hands_back_and_the_next_reads_no_page_twice),
        RIG_TEST(given_a_page_that_comes_after_the_deadline_of_a_stop_then_no_model_call_starts),
        RIG_TEST(given_an_answer_whose_commit_was_lost_in_a_crash_then_it_is_adopted_and_not_asked_again),
        RIG_TEST(given_blobs_that_are_away_when_pages_came_back_then_no_claim_is_lost_over_it),
        RIG_TEST(given_a_tenant_with_many_documents_then_another_tenants_only_one_does_not_wait_for_them),
        RIG_TEST(given_a_document_in_progress_then_a_partial_result_lists_what_there_is),
        RIG_TEST(given_two_readers_at_once_then_each_gets_a_partial_result),
        RIG_TEST(given_a_reader_that_saw_an_earlier_reading_then_no_form_is_made_of_the_later_one),
        RIG_TEST(given_an_idempotency_key_then_the_same_upload_is_one_document_and_another_is_refused),
        RIG_TEST(given_bytes_that_are_no_document_then_nothing_is_kept),
        RIG_TEST(given_a_deleted_document_then_nobody_finds_it_and_its_pages_stop),
        cmocka_unit_test_setup_teardown(
            given_a_reduction_that_cannot_begin_just_now_then_the_model_makes_it_a_little_later, rig_setup,
            rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
