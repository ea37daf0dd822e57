/* test_results.c: the result in its forms, links to it, and what a link leads to. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"

static char text[2000];

static const char *at(const struct fake_document *document, const char *rest)
{
    snprintf(text, sizeof(text), "GET /api/jobs/%s%s", document->file.id, rest);
    return text;
}

static void a_result_comes_in_the_form_that_is_asked_for(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "{\"chunks\":[]}");
    rig_get(at(document, "/results"), NULL, 200);
    assert_string_equal(rig_text(), "{\"chunks\":[]}");
    assert_string_equal(rig_field("Content-Type"), "application/json");
    assert_string_equal(rig_field("Vary"), "Accept");
    assert_string_equal(rig_field("ETag"), "W/\"r1-0\"");
    rig_get(at(document, "/results"), "Accept: text/markdown", 200);
    assert_string_equal(rig_field("Content-Type"), "text/markdown; charset=utf-8");
    rig_get(at(document, "/results"), "Accept: application/jsonl", 200);
    assert_string_equal(rig_field("ETag"), "W/\"r1-2\"");
    rig_get(at(document, "/results"), "Accept: application/pdf", 406);
    rig_problem(406, "not-acceptable", "text/markdown");
    rig_get(at(document, "/results"), "If-None-Match: W/\"r1-0\"", 304);
}

static void without_a_result_the_answer_says_whether_there_will_be_one(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "/results"), NULL, 404);
    rig_problem(404, "result-not-ready", "4 of 10 pages");
    assert_string_equal(rig_field("Retry-After"), "7");
    rig_get(at(document, "/download"), NULL, 404);
    rig_problem(404, "result-not-ready", "partial");
    document->state.status = DM_STATUS_PENDING;
    rig_get(at(document, "/results"), NULL, 404);
    assert_string_equal(rig_field("Retry-After"), "2");
    document->state.status = DM_STATUS_FAILED;
    document->state.reason = DM_REASON_DAMAGED;
    rig_get(at(document, "/results"), NULL, 404);
    rig_problem(404, "no-result", "damaged");
    assert_null(rig_field("Retry-After"));
    document->state.status = DM_STATUS_CANCELLED;
    rig_get(at(document, "/download"), NULL, 404);
    rig_problem(404, "no-result", "cancelled");
}

static void partial_gives_what_there_is(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    rig_get(at(document, "/results?partial=true"), NULL, 200);
    assert_string_equal(rig_text(), "{\"partial\":true}");
    assert_null(rig_field("ETag"));
    assert_string_equal(rig_field("Cache-Control"), "no-store");
    fake_complete(document, "{\"chunks\":[]}");
    rig_get(at(document, "/results?partial=true"), NULL, 200);
    assert_string_equal(rig_text(), "{\"chunks\":[]}");
    rig_get(at(document, "/results?partial=maybe"), NULL, 400);
}

static void what_retention_took_is_410(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "{}");
    document->state.gone = DM_GONE_RESULTS;
    rig_get(at(document, "/results"), NULL, 410);
    rig_problem(410, "gone", "Retention");
    rig_get(at(document, "/results?partial=true"), NULL, 410);
    rig_get(at(document, "/download"), NULL, 410);
}

/* The target of the link that /download gives. */
static const char *link_of(const struct fake_document *document, const char *headers)
{
    static char link[1000];
    rig_get(at(document, "/download"), headers, 200);
    snprintf(link, sizeof(link), "GET %s", strstr(dm_json_str(rig_json(), "downloadUrl").at, "/api/blobs/"));
    return link;
}

static void a_link_needs_nothing_else_and_ends_within_an_hour(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("acme");
    fake_complete(document, "0123456789");
    const char *link = link_of(document, "X-Tenant-Id: acme");
    /* 03:04:05 and an hour, down to the quarter. */
    assert_string_equal(dm_json_str(rig_json(), "expiresAt").at, "2026-01-02T04:00:00.000Z");
    rig_get(link, NULL, 200);
    assert_string_equal(rig_text(), "0123456789");
    assert_string_equal(rig_field("Content-Type"), "application/json");
    assert_string_equal(rig_field("Accept-Ranges"), "bytes");
    assert_string_equal(rig_field("Content-Disposition"),
                        "attachment; filename=\"report.pdf.json\"; filename*=UTF-8''report.pdf.json");
    fake.wall_ms += 3300000;
    rig_get(link, NULL, 200);
    fake.wall_ms += 55000;
    rig_get(link, NULL, 403);
    rig_problem(403, "link-invalid", "download");
}

static void a_link_that_was_touched_anywhere_is_none(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("acme");
    fake_complete(document, "0123456789");
    const char *link = link_of(document, "X-Tenant-Id: acme");
    size_t start = strlen("GET /api/blobs/");
    for (size_t i = start; i < strlen(link); i++) {
        char touched[1000];
        snprintf(touched, sizeof(touched), "%s", link);
        touched[i] = touched[i] == 'A' ? 'B' : 'A';
        rig_get(touched, NULL, 403);
        touched[i] = '\0';
        if (i > start)
            rig_get(touched, NULL, 403);
    }
    char longer[1100];
    snprintf(longer, sizeof(longer), "%sAAAA", link);
    rig_get(longer, NULL, 403);
    rig_get("GET /api/blobs/!", NULL, 403);
    rig_get("GET /api/blobs/AAAA", NULL, 403);
}

static void a_link_to_a_deleted_document_is_404(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "0123456789");
    const char *link = link_of(document, NULL);
    document->document.deleted_ms = 1;
    rig_get(link, NULL, 404);
    rig_problem(404, "not-found", "");
}

static void links_begin_with_the_public_url_or_with_what_the_client_called(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "{}");
    rig_get(at(document, "/download"), "Host: localhost:99", 200);
    assert_memory_equal(dm_json_str(rig_json(), "downloadUrl").at, "http://localhost:99/api/blobs/", 30);
    rig.secure = true;
    rig_get(at(document, "/download"), "Host: localhost:99", 200);
    assert_memory_equal(dm_json_str(rig_json(), "downloadUrl").at, "https://localhost:99/api/", 25);
    const struct dm_api_options options = { .pipeline = &fake.pipeline,
                                            .local_only = true,
                                            .public_url = DM_STR("https://docs.example.com/mill/") };
    struct dm_api *api;
    struct dm_err err;
    assert_int_equal(dm_api_make(&options, &api, &err), DM_OK);
    struct dm_exchange *before = rig.exchange;
    rig.exchange = dm_exchange_make(api);
    rig_get(at(document, "/download"), "Host: docs.example.com\nOrigin: https://docs.example.com", 200);
    assert_memory_equal(dm_json_str(rig_json(), "downloadUrl").at, "https://docs.example.com/mill/api/blobs/", 40);
    rig_get(at(document, "/download"), "Host: evil.example.com", 403);
    dm_exchange_free(rig.exchange);
    dm_api_free(api);
    rig.exchange = before;
    static const char *const wrong[] = { "docs.example.com", "https://", "https://a b", "https://a\"b", "https://a:b" };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        struct dm_api_options bad = options;
        bad.public_url = dm_str_z(wrong[i]);
        assert_int_equal(dm_api_make(&bad, &api, &err), DM_INVALID);
    }
}

static void a_link_gives_ranges(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    fake_complete(document, "0123456789");
    const char *link = link_of(document, NULL);
    rig_get(link, "Range: bytes=2-4", 206);
    assert_string_equal(rig_text(), "234");
    assert_string_equal(rig_field("Content-Range"), "bytes 2-4/10");
    char etag[200];
    char headers[300];
    snprintf(etag, sizeof(etag), "%s", rig_field("ETag"));
    assert_string_equal(etag, "\"0192f3c4-5d6e-7f80-9a1b-000000000000/results-1.json\"");
    snprintf(headers, sizeof(headers), "Range: bytes=-3\nIf-Range: %s", etag);
    rig_get(link, headers, 206);
    assert_string_equal(rig_text(), "789");
    rig_get(link, "Range: bytes=-3\nIf-Range: \"other\"", 200);
    assert_string_equal(rig_text(), "0123456789");
    rig_get(link, "Range: bytes=0-1,4-5", 200);
    rig_get(link, "Range: bytes=10-", 416);
    rig_problem(416, "range-not-satisfiable", "10 bytes");
    assert_string_equal(rig_field("Content-Range"), "bytes */10");
    snprintf(headers, sizeof(headers), "If-None-Match: %s", etag);
    rig_get(link, headers, 304);
    char head[1100];
    snprintf(head, sizeof(head), "HEAD %s", link + 4);
    rig_get(head, "Range: bytes=2-4", 200);
    assert_int_equal(rig.response->length, 10);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_result_comes_in_the_form_that_is_asked_for),
        WITH_RIG(without_a_result_the_answer_says_whether_there_will_be_one),
        WITH_RIG(partial_gives_what_there_is),
        WITH_RIG(what_retention_took_is_410),
        WITH_RIG(a_link_needs_nothing_else_and_ends_within_an_hour),
        WITH_RIG(a_link_that_was_touched_anywhere_is_none),
        WITH_RIG(a_link_to_a_deleted_document_is_404),
        WITH_RIG(links_begin_with_the_public_url_or_with_what_the_client_called),
        WITH_RIG(a_link_gives_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
