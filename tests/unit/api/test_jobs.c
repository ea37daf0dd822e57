/* test_jobs.c: the state of a document, waiting for it, the lists, what may be done to it, events, pages, health. */
#include "rig.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static char text[400];

static const char *at(const struct fake_document *document, const char *method, const char *rest)
{
    snprintf(text, sizeof(text), "%s /api/jobs/%s%s", method, document->file.id, rest);
    return text;
}

#define JOB_HEAD                                                                                                       \
    "{\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"tenantId\":\"default\",\"fileName\":\"report.pdf\","
#define JOB_TAIL                                                                                                       \
    "\"contentType\":\"application/pdf\",\"sizeBytes\":123456,"                                                        \
    "\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"model\":\"extractive\","        \
    "\"priority\":5,\"metadata\":{\"case\":\"4711\"},"

static void a_document_on_its_way_looks_like_this(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_string_equal(
        rig_text(), JOB_HEAD
        "\"status\":\"processing\",\"progress\":{\"processed\":3,\"total\":10,\"failed\":1},\"percent\":40,"
        "\"etaSeconds\":7,\"timestamps\":{\"uploaded\":\"2026-01-02T03:04:00.000Z\","
        "\"started\":\"2026-01-02T03:04:01.000Z\",\"completed\":null},\"result\":null,\"downloadUrl\":null,"
        "\"outcome\":null,\"error\":null,\"pages\":{\"total\":10,\"done\":3,\"failed\":1,\"skipped\":0,\"pending\":6},"
        "\"usage\":{\"modelCalls\":4,\"inputTokens\":1000,\"outputTokens\":200,\"modelMs\":1234,\"costUsd\":0.005678}"
        "," JOB_TAIL "\"paused\":false,\"epoch\":1,\"seq\":5}");
    assert_string_equal(rig_field("ETag"), "W/\"4-0\"");
    assert_string_equal(rig_field("Cache-Control"), "private, no-cache");
    (void)rig_json();
}

static void a_completed_document_has_its_result_and_a_link(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "{}");
    rig_get(at(document, "GET", ""), NULL, 200);
    const json_t *job = rig_json();
    assert_string_equal(dm_json_str(job, "status").at, "completed");
    assert_string_equal(dm_json_str(job, "outcome").at, "partial");
    assert_int_equal(dm_json_int(job, "percent", 0), 100);
    assert_true(json_is_null(json_object_get(job, "etaSeconds")));
    assert_string_equal(dm_json_str(json_object_get(job, "result"), "s3Key").at,
                        "default/0192f3c4-5d6e-7f80-9a1b-000000000000/results-1.json");
    assert_memory_equal(dm_json_str(job, "downloadUrl").at, "http://127.0.0.1:3005/api/blobs/", 32);
    /* The link, and with it the tag, stay the same for a quarter of an hour. */
    char link[600];
    snprintf(link, sizeof(link), "%s", dm_json_str(job, "downloadUrl").at);
    fake.wall_ms += 60000;
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_string_equal(dm_json_str(rig_json(), "downloadUrl").at, link);
    fake.wall_ms += 900000;
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_string_not_equal(dm_json_str(rig_json(), "downloadUrl").at, link);
    document->state.gone = DM_GONE_RESULTS;
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_true(json_is_null(json_object_get(rig_json(), "result")));
}

static void a_failed_document_says_why(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    document->state.status = DM_STATUS_FAILED;
    document->state.reason = DM_REASON_ENCRYPTED;
    rig_get(at(document, "GET", ""), NULL, 200);
    const json_t *error = json_object_get(rig_json(), "error");
    assert_string_equal(dm_json_str(error, "reason").at, "encrypted");
    assert_non_null(strstr(dm_json_str(error, "detail").at, "password"));
    snprintf(document->state.detail, sizeof(document->state.detail), "a \"sentence\"");
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_string_equal(dm_json_str(json_object_get(rig_json(), "error"), "detail").at, "a \"sentence\"");
}

static void names_of_any_bytes_stay_inside_their_string(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    document->document.name = DM_STR("\",\"status\":\"x\n\x01\xff\xc3\xa4\\");
    rig_get(at(document, "GET", ""), NULL, 200);
    assert_string_equal(dm_json_str(rig_json(), "fileName").at, "\",\"status\":\"x\n\x01\xef\xbf\xbd\xc3\xa4\\");
}

static void an_unchanged_document_is_304(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", ""), "If-None-Match: \"x\", W/\"4-0\"", 304);
    assert_string_equal(rig_text(), "");
    assert_string_equal(rig_field("ETag"), "W/\"4-0\"");
    assert_null(rig_field("Content-Type"));
    rig_get(at(document, "HEAD", ""), "If-None-Match: W/\"3-0\"", 200);
}

static void a_long_poll_waits_for_a_change_or_its_time(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    assert_false(rig_send(at(document, "GET", "?wait=20"), NULL, NULL, 0));
    assert_int_equal(rig.wait.after_version, 4);
    assert_int_equal(rig.wait.deadline_mono_ms, fake.mono_ms + 20000);
    assert_false(rig.wait.until_ended);
    assert_true(dm_file_eq(&rig.wait.file, &document->file));
    /* Woken for nothing: it waits on, until the same deadline. */
    fake.mono_ms += 5000;
    assert_false(rig_again());
    assert_int_equal(rig.wait.deadline_mono_ms, fake.mono_ms + 15000);
    fake_moved(document);
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 200);
    assert_string_equal(rig_field("ETag"), "W/\"5-0\"");

    assert_false(rig_send(at(document, "GET", "?wait=20"), NULL, NULL, 0));
    fake.mono_ms += 20000;
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 200);
}

static void a_long_poll_with_a_tag_waits_only_for_what_the_client_does_not_know(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    assert_true(rig_send(at(document, "GET", "?wait=20"), "If-None-Match: W/\"3-0\"", NULL, 0));
    assert_int_equal(rig.response->status, 200);
    assert_false(rig_send(at(document, "GET", "?wait=20"), "If-None-Match: W/\"4-0\"", NULL, 0));
    fake.mono_ms += 20000;
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 304);
}

static void nobody_waits_for_what_has_ended_or_a_server_that_ends(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    assert_false(rig_send(at(document, "GET", "?wait=20"), NULL, NULL, 0));
    dm_api_drain(fake.api);
    assert_true(rig_again());
    assert_true(rig_send(at(document, "GET", "?wait=20"), NULL, NULL, 0));
    document->state.status = DM_STATUS_CANCELLED;
    assert_true(rig_send(at(document, "GET", "?wait=20"), NULL, NULL, 0));
}

static void a_request_that_waits_long_needs_no_more_memory(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    assert_false(rig_send(at(document, "GET", "?wait=60"), NULL, NULL, 0));
    for (int i = 0; i < 100000; i++)
        assert_false(rig_again());
}

static void lists_are_bare_for_old_clients_and_full_for_others(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        fake_add("acme");
    fake_add("other");
    rig_get("GET /api/jobs/tenant/acme?limit=2", NULL, 200);
    assert_string_equal(rig_text(), "[{\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"fileName\":\"report.pdf\","
                                    "\"status\":\"processing\",\"uploadedAt\":\"2026-01-02T03:04:00.000Z\"},"
                                    "{\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000001\",\"fileName\":\"report.pdf\","
                                    "\"status\":\"processing\",\"uploadedAt\":\"2026-01-02T03:04:00.000Z\"}]");
    assert_string_equal(rig_field("Link"),
                        "<http://127.0.0.1:3005/api/jobs/tenant/acme?limit=2&cursor=2>; rel=\"next\"");
    rig_get("GET /api/jobs/tenant/acme?limit=2&cursor=2", NULL, 200);
    assert_int_equal(json_array_size(rig_json()), 1);
    assert_null(rig_field("Link"));
    rig_get("GET /api/jobs/tenant/nobody", NULL, 200);
    assert_string_equal(rig_text(), "[]");

    rig_get("GET /api/jobs?tenantId=acme&limit=1&status=processing&from=2026-01-01", NULL, 200);
    const json_t *list = rig_json();
    assert_int_equal(json_array_size(json_object_get(list, "jobs")), 1);
    assert_string_equal(dm_json_str(list, "nextCursor").at, "1");
    assert_int_equal(
        dm_json_int(json_object_get(json_array_get(json_object_get(list, "jobs"), 0), "progress"), "total", 0), 10);
    assert_string_equal(rig_field("Link"), "<http://127.0.0.1:3005/api/"
                                           "jobs?tenantId=acme&limit=1&cursor=1&status=processing&from=2026-01-01>; "
                                           "rel=\"next\"");
    rig_get("GET /api/jobs?tenantId=acme&cursor=x", NULL, 400);
    rig_problem(400, "validation", "cursor");
}

static void cancel_retry_and_delete_do_it_and_show_what_became_of_it(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "POST", "/cancel"), NULL, 202);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "cancelled");
    rig_get(at(document, "POST", "/cancel"), NULL, 409);
    rig_problem(409, "wrong-state", "cancelled");
    assert_true(rig_send(at(document, "POST", "/retry"), NULL, "{\"pages\":\"3-5\"}", 15));
    assert_int_equal(rig.response->status, 202);
    assert_int_equal(fake.retried.first, 3);
    assert_int_equal(fake.retried.last, 5);
    rig_get(at(document, "POST", "/pages/7/retry"), NULL, 202);
    assert_int_equal(fake.retried.first, 7);
    assert_int_equal(fake.retried.last, 7);
    rig_get(at(document, "DELETE", ""), NULL, 204);
    assert_string_equal(rig_text(), "");
    rig_get(at(document, "DELETE", ""), NULL, 404);
    rig_get(at(document, "GET", ""), NULL, 404);
}

static void events_come_as_an_array_and_not_yet_as_a_stream(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", "/events"), NULL, 200);
    assert_string_equal(
        rig_text(), "[{\"id\":\"0192f3c4-5d6e-7f80-9a1b-000000000000-1\",\"seq\":1,\"eventType\":\"document.uploaded\","
                    "\"timestamp\":\"2026-01-02T03:04:05.001Z\",\"tenantId\":\"default\","
                    "\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"data\":{},\"metadata\":{\"case\":\"4711\"}},"
                    "{\"id\":\"0192f3c4-5d6e-7f80-9a1b-000000000000-2\",\"seq\":2,\"eventType\":\"document.started\","
                    "\"timestamp\":\"2026-01-02T03:04:05.002Z\",\"tenantId\":\"default\","
                    "\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"data\":{},\"metadata\":{\"case\":\"4711\"}},"
                    "{\"id\":\"0192f3c4-5d6e-7f80-9a1b-000000000000-3\",\"seq\":3,\"eventType\":\"page.done\","
                    "\"timestamp\":\"2026-01-02T03:04:05.003Z\",\"tenantId\":\"default\","
                    "\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"data\":{\"pages\":[1]},\"metadata\":{"
                    "\"case\":\"4711\"}}]");
    rig_get(at(document, "GET", "/events?after=1&limit=1"), NULL, 200);
    assert_int_equal(dm_json_int(json_array_get(rig_json(), 0), "seq", 0), 2);
    assert_non_null(strstr(rig_field("Link"), "?limit=1&after=2>"));
    rig_get(at(document, "GET", "/events"), "Accept: text/event-stream", 406);
    rig_problem(406, "not-acceptable", "application/json");
    rig_get(at(document, "GET", "/events"), "Accept: text/event-stream, application/json;q=0.1", 200);
}

static void pages_show_how_each_ended(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", "/pages?limit=3"), NULL, 200);
    const json_t *list = rig_json();
    assert_int_equal(dm_json_int(list, "total", 0), 10);
    assert_int_equal(json_array_size(json_object_get(list, "pages")), 3);
    assert_string_equal(dm_json_str(list, "nextCursor").at, "4");
    assert_non_null(strstr(rig_field("Link"), "?limit=3&cursor=4>"));
    const json_t *failed = json_array_get(json_object_get(list, "pages"), 1);
    assert_string_equal(dm_json_str(json_object_get(failed, "error"), "reason").at, "blocked");
    rig_get(at(document, "GET", "/pages?limit=3&cursor=10"), NULL, 200);
    assert_true(json_is_null(json_object_get(rig_json(), "nextCursor")));
    rig_get(at(document, "GET", "/pages?cursor=0"), NULL, 400);
    document->state.total = document->state.processed = document->state.failed = document->state.remaining = 0;
    rig_get(at(document, "GET", "/pages"), NULL, 200);
    assert_non_null(strstr(rig_text(), "\"total\":0,\"pages\":[],\"nextCursor\":null}"));
}

static void one_page_has_its_analysis_and_text(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", "/pages/1"), NULL, 200);
    assert_string_equal(
        rig_text(), "{\"pageNumber\":1,\"status\":\"done\",\"error\":null,\"endedAt\":\"2026-01-02T03:04:02.000Z\","
                    "\"attempts\":[{\"ms\":12}],\"usage\":{\"modelCalls\":1,\"inputTokens\":300,\"outputTokens\":40,"
                    "\"modelMs\":250,\"costUsd\":1.500000},\"analysis\":{\"summary\":\"s\"},\"text\":\"Hello\"}");
    rig_get(at(document, "GET", "/pages/2"), NULL, 200);
    assert_true(json_is_null(json_object_get(rig_json(), "analysis")));
    rig_get(at(document, "GET", "/pages/3"), NULL, 200);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "pending");
    rig_get(at(document, "GET", "/pages/11"), NULL, 404);
    rig_problem(404, "not-found", "10 pages");
    document->state.total = document->state.processed = document->state.failed = document->state.remaining = 0;
    document->state.status = DM_STATUS_PENDING;
    rig_get(at(document, "GET", "/pages/1"), NULL, 404);
    rig_problem(404, "result-not-ready", "not known yet");
    assert_non_null(rig_field("Retry-After"));
}

static void a_pages_picture_is_made_as_the_client_likes(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "GET", "/pages/2/image"), NULL, 200);
    assert_string_equal(rig_text(), "image/png 2 1024");
    assert_string_equal(rig_field("Content-Type"), "image/png");
    rig_get(at(document, "GET", "/pages/2/image?size=64"), "Accept: image/jpeg", 200);
    assert_string_equal(rig_text(), "image/jpeg 2 64");
    assert_string_equal(rig_field("Vary"), "Accept");
    assert_string_equal(rig_field("Cross-Origin-Resource-Policy"), "same-origin");
    rig_get(at(document, "GET", "/pages/2/image"), "Accept: image/webp", 406);
    rig_get(at(document, "GET", "/pages/2/image?size=5000"), NULL, 400);
    rig_get(at(document, "GET", "/pages/11/image"), NULL, 404);
}

static void trouble_of_a_backend_is_told_without_its_words(void **state)
{
    (void)state;
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    struct fake_document *document = fake_add("default");
    fake.fail_read = DM_UNAVAILABLE;
    rig_get(at(document, "GET", ""), NULL, 503);
    rig_problem(503, "unavailable", "backend");
    assert_null(strstr(rig_text(), "the test wanted"));
    assert_string_equal(rig_field("Retry-After"), "2");
    fake.fail_read = DM_CORRUPT;
    rig_get(at(document, "GET", ""), NULL, 500);
    rig_problem(500, "internal", "log");
}

static void health_tells_what_the_last_check_found(void **state)
{
    (void)state;
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    rig_get("GET /health/ready", NULL, 503);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "starting");
    dm_api_check_health(fake.api);
    rig_get("GET /health/ready", NULL, 200);
    rig_get("GET /api/health", NULL, 200);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "ok");
    fake.fail_blob = DM_NO_SPACE;
    dm_api_check_health(fake.api);
    rig_get("GET /api/health/ready", NULL, 503);
    const json_t *checks = json_object_get(rig_json(), "checks");
    assert_string_equal(dm_json_str(json_object_get(checks, "blobs"), "status").at, "failing");
    assert_string_equal(dm_json_str(json_object_get(checks, "store"), "status").at, "ok");
    assert_null(strstr(rig_text(), "the test wanted"));
    rig_get("GET /health/live", NULL, 200);
    dm_api_check_health(fake.api);
    rig_get("GET /health", NULL, 200);
    dm_api_drain(fake.api);
    rig_get("GET /health/ready", NULL, 503);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "draining");
    rig_get("GET /health/live", NULL, 200);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_document_on_its_way_looks_like_this),
        WITH_RIG(a_completed_document_has_its_result_and_a_link),
        WITH_RIG(a_failed_document_says_why),
        WITH_RIG(names_of_any_bytes_stay_inside_their_string),
        WITH_RIG(an_unchanged_document_is_304),
        WITH_RIG(a_long_poll_waits_for_a_change_or_its_time),
        WITH_RIG(a_long_poll_with_a_tag_waits_only_for_what_the_client_does_not_know),
        WITH_RIG(nobody_waits_for_what_has_ended_or_a_server_that_ends),
        WITH_RIG(a_request_that_waits_long_needs_no_more_memory),
        WITH_RIG(lists_are_bare_for_old_clients_and_full_for_others),
        WITH_RIG(cancel_retry_and_delete_do_it_and_show_what_became_of_it),
        WITH_RIG(events_come_as_an_array_and_not_yet_as_a_stream),
        WITH_RIG(pages_show_how_each_ended),
        WITH_RIG(one_page_has_its_analysis_and_text),
        WITH_RIG(a_pages_picture_is_made_as_the_client_likes),
        WITH_RIG(trouble_of_a_backend_is_told_without_its_words),
        WITH_RIG(health_tells_what_the_last_check_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
