/* test_request.c: what a request is judged by before anything is done: target, Host and Origin, route, method, tenant,
 * parameters; and what every answer has. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void every_answer_has_the_fields_that_all_answers_have(void **state)
{
    (void)state;
    rig_get("GET /health/live", NULL, 200);
    assert_string_equal(rig_field("Content-Type"), "application/json");
    assert_string_equal(rig_field("Cache-Control"), "no-store");
    assert_string_equal(rig_field("X-Content-Type-Options"), "nosniff");
    assert_non_null(strstr(rig_field("Content-Security-Policy"), "frame-ancestors 'none'"));
    assert_int_equal(strlen(rig_field("X-Request-Id")), 36);
    assert_null(rig_field("traceparent"));
    char first[40];
    snprintf(first, sizeof(first), "%s", rig_field("X-Request-Id"));
    rig_get("GET /api/nothing", NULL, 404);
    assert_string_not_equal(rig_field("X-Request-Id"), first);
    assert_string_equal(dm_json_str(rig_json(), "requestId").at, rig_field("X-Request-Id"));
    assert_string_equal(dm_json_str(rig_json(), "instance").at, "/api/nothing");
}

static void a_sane_request_id_and_trace_come_back(void **state)
{
    (void)state;
    rig_get("GET /health/live",
            "X-Request-Id: abc-1\ntraceparent: 00-695735a5bd862e3fe1be46a994272793-53995c3f42cd8ad8-01", 200);
    assert_string_equal(rig_field("X-Request-Id"), "abc-1");
    assert_memory_equal(rig_field("traceparent"), "00-695735a5bd862e3fe1be46a994272793-", 36);
    assert_null(strstr(rig_field("traceparent"), "53995c3f42cd8ad8"));
    rig_get("GET /health/live", "X-Request-Id: a b\ntraceparent: 00-0-0-01", 200);
    assert_int_equal(strlen(rig_field("X-Request-Id")), 36);
    assert_null(rig_field("traceparent"));
}

static void an_unknown_route_is_404_and_a_known_one_says_its_methods(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "GET /",          "GET /api",         "GET /api/",       "GET /jobs",     "GET /api/jobs/",
        "GET /api//jobs", "GET /api/../jobs", "GET /api/./jobs", "GET /API/jobs", "GET /api/jobs/a/b/c/d/e/f/g/h/i",
        "POST /nothing"
    };
    for (size_t i = 0; i < DM_COUNT(unknown); i++) {
        rig_get(unknown[i], NULL, 404);
        rig_problem(404, "unknown-route", "/api");
    }
    rig_get("PUT /api/jobs", NULL, 405);
    rig_problem(405, "method-not-allowed", "PUT");
    assert_string_equal(rig_field("Allow"), "GET, HEAD, OPTIONS");
    rig_get("PATCH /api/jobs/0192f3c4-5d6e-7f80-9a1b-000000000000", NULL, 405);
    assert_string_equal(rig_field("Allow"), "GET, HEAD, DELETE, OPTIONS");
    rig_get("BREW /api/upload", NULL, 405);
    assert_string_equal(rig_field("Allow"), "POST, OPTIONS");
    rig_get("OPTIONS /api/upload", NULL, 204);
    assert_string_equal(rig_field("Allow"), "POST, OPTIONS");
    assert_string_equal(rig_text(), "");
    rig_get("OPTIONS *", NULL, 204);
}

static void a_broken_target_is_400(void **state)
{
    (void)state;
    static const char *const broken[] = { "GET /api/jobs/%",
                                          "GET /api/jobs/%4",
                                          "GET /api/jobs/%zz",
                                          "GET /api/jobs/%00",
                                          "GET /api/jobs?limit=%",
                                          "GET /api/jobs?limit=%00",
                                          "GET /api/jobs?a=%f",
                                          "GET jobs",
                                          "GET *",
                                          "GET /api/\xc3\xa4",
                                          "GET /api/a b",
                                          "GET " };
    for (size_t i = 0; i < DM_COUNT(broken); i++) {
        assert_true(rig_send(broken[i], NULL, NULL, 0));
        if (rig.response->status != 400)
            fail_msg("%s: %u", broken[i], rig.response->status);
        rig_problem(400, "malformed-request", "");
    }
}

static void an_escaped_path_is_the_same_path_and_an_escaped_slash_is_none(void **state)
{
    (void)state;
    rig_get("GET /%61pi/jobs", NULL, 404);
    rig_get("GET /api/%6aobs", NULL, 200);
    rig_get("GET /api%2Fjobs", NULL, 404);
    rig_get("GET http://127.0.0.1:3005/api/jobs", NULL, 200);
    rig_get("GET http://evil.example/api/jobs", NULL, 403);
}

static void too_much_head_is_414_or_431(void **state)
{
    (void)state;
    static char text[20000];
    size_t len = (size_t)snprintf(text, sizeof(text), "GET /api/jobs?cursor=");
    memset(text + len, 'a', 8000);
    rig_get(text, NULL, 414);
    rig_problem(414, "target-too-long", "8000");
    len = (size_t)snprintf(text, sizeof(text), "X: ");
    memset(text + len, 'a', 16500);
    rig_get("GET /api/jobs", text, 431);
    rig_problem(431, "header-fields-too-large", "16384");
    for (size_t i = 0; i <= 100; i++)
        snprintf(text + 5 * i, sizeof(text) - 5 * i, "X: y\n");
    rig_get("GET /api/jobs", text, 431);
}

static void a_fault_of_the_framing_is_told_and_ends_the_connection(void **state)
{
    (void)state;
    rig.malformed = "A request has either length or chunks.";
    rig_get("POST /api/upload", NULL, 400);
    rig_problem(400, "malformed-request", "either length or chunks");
    assert_true(rig.response->close);
}

/* ---- the guard ------------------------------------------------------------------------------------------------ */

static void only_names_of_this_machine_are_answered(void **state)
{
    (void)state;
    static const char *const own[] = { "Host: localhost:3005", "Host: 127.0.0.1", "Host: [::1]:3005",
                                       "Host: a.localhost" };
    static const char *const foreign[] = { "Host: evil.example", "Host: 127.0.0.1.evil.example",
                                           "Host: 192.168.0.1:3005", "Host: 0.0.0.0:3005" };
    for (size_t i = 0; i < DM_COUNT(own); i++)
        rig_get("GET /api/jobs", own[i], 200);
    for (size_t i = 0; i < DM_COUNT(foreign); i++) {
        rig_get("GET /health", foreign[i], 403);
        rig_problem(403, "foreign-site", "PUBLIC_URL");
    }
    rig_get("GET /api/jobs", "Host: a b", 400);
    rig_get("GET /api/jobs", "Host:", 200); /* HTTP/1.0 without one */
}

static void a_page_of_another_origin_may_send_nothing(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://localhost:3000",
        "Origin: http://127.0.0.1:3005.evil.example",
        "Origin: http://127.0.0.1",
        "Origin: http://localhost:3005",
        "Origin: http://127.0.0.1:3005@evil.example",
    };
    for (size_t i = 0; i < DM_COUNT(foreign); i++) {
        rig_get("GET /api/jobs", foreign[i], 403);
        rig_problem(403, "foreign-site", "origin");
    }
    rig_get("GET /api/jobs", "Origin: http://127.0.0.1:3005", 200);
    rig_get("GET /api/jobs", "Host: LocalHost:3005\nOrigin: http://localhost:3005", 200);
}

static void a_browser_that_names_no_origin_still_says_where_it_comes_from(void **state)
{
    (void)state;
    struct fake_document *document = fake_add("default");
    char request[100];
    snprintf(request, sizeof(request), "DELETE /api/jobs/%s", document->file.id);
    rig_get(request, "Sec-Fetch-Site: cross-site", 403);
    rig_get(request, "Sec-Fetch-Site: same-site", 403);
    rig_get("GET /api/jobs", "Sec-Fetch-Site: cross-site", 200);
    rig_get(request, "Sec-Fetch-Site: same-origin", 204);
}

/* ---- the tenant ----------------------------------------------------------------------------------------------- */

static void the_tenant_is_the_one_that_the_request_names(void **state)
{
    (void)state;
    char request[200];
    struct fake_document *document = fake_add("acme");
    snprintf(request, sizeof(request), "GET /api/jobs/%s", document->file.id);
    rig_get(request, "X-Tenant-Id: acme", 200);
    rig_get(request, "x-tenant-id: other", 404);
    rig_get(request, "x-tenant-id: default", 404);
    snprintf(request, sizeof(request), "GET /api/jobs/%s?tenantId=acme", document->file.id);
    rig_get(request, NULL, 200);
    rig_get(request, "X-Tenant-Id: acme", 200);
    rig_get(request, "X-Tenant-Id: other", 400);
    rig_problem(400, "validation", "two tenants");
    rig_get("GET /api/jobs/tenant/acme", NULL, 200);
    assert_int_equal(json_array_size(rig_json()), 1);
    rig_get("GET /api/jobs/tenant/acme?tenantId=other", NULL, 400);
    rig_get("GET /api/jobs/tenant/..", NULL, 400);
    rig_get("GET /api/jobs?tenantId=", NULL, 400);
    rig_get("GET /api/jobs?tenantId=a&tenantId=b", NULL, 400);
    rig_get("GET /api/jobs?tenantId=a&tenantId=a", NULL, 200);
    rig_get("GET /api/jobs", "X-Tenant-Id: a\nX-Tenant-Id: b", 400);
}

static void a_client_that_names_no_tenant_reaches_the_document_by_its_id(void **state)
{
    (void)state;
    char request[200];
    struct fake_document *document = fake_add("acme");
    struct fake_document *plain = fake_add("default");
    fake_complete(document, "{}");
    snprintf(request, sizeof(request), "GET /api/jobs/%s", document->file.id);
    rig_get(request, NULL, 200);
    assert_string_equal(dm_json_str(rig_json(), "tenantId").at, "acme");
    assert_int_equal(fake.owners, 1);
    snprintf(request, sizeof(request), "GET /api/jobs/%s/download", document->file.id);
    rig_get(request, NULL, 200);
    snprintf(request, sizeof(request), "GET /api/jobs/%s/pages/11", document->file.id);
    rig_get(request, NULL, 404);
    rig_problem(404, "not-found", "10 pages");
    snprintf(request, sizeof(request), "POST /api/jobs/%s/retry", document->file.id);
    rig_get(request, NULL, 202);
    snprintf(request, sizeof(request), "DELETE /api/jobs/%s", document->file.id);
    rig_get(request, NULL, 204);
    rig_get(request, NULL, 404);
    assert_int_equal(fake.retries, 1);
    /* Nobody is looked for where the document is the default tenant's, or nobody's list is asked for. */
    fake.owners = 0;
    snprintf(request, sizeof(request), "GET /api/jobs/%s", plain->file.id);
    rig_get(request, NULL, 200);
    rig_get("GET /api/jobs", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "jobs")), 1);
    assert_int_equal(fake.owners, 0);
}

static void another_tenants_document_answers_like_none(void **state)
{
    (void)state;
    static const struct {
        const char *method, *rest;
    } requests[] = {
        { "GET", "" },         { "GET", "/results" },        { "GET", "/download" }, { "GET", "/pages" },
        { "GET", "/pages/1" }, { "GET", "/pages/1/image" },  { "GET", "/events" },   { "POST", "/cancel" },
        { "POST", "/retry" },  { "POST", "/pages/1/retry" }, { "DELETE", "" },
    };
    struct fake_document *document = fake_add("acme");
    for (size_t i = 0; i < DM_COUNT(requests); i++) {
        char request[200];
        char theirs[4096];
        snprintf(request, sizeof(request), "%s /api/jobs/%s%s", requests[i].method, document->file.id,
                 requests[i].rest);
        rig_get(request, "X-Request-Id: r\nX-Tenant-Id: other", 404);
        rig_problem(404, "not-found", document->file.id);
        snprintf(theirs, sizeof(theirs), "%s", rig_text());
        char *id;
        while ((id = strstr(theirs, document->file.id)))
            memcpy(id, "0192f3c4-5d6e-7f80-9a1b-ffffffffffff", 36);
        snprintf(request, sizeof(request), "%s /api/jobs/0192f3c4-5d6e-7f80-9a1b-ffffffffffff%s", requests[i].method,
                 requests[i].rest);
        rig_get(request, "X-Request-Id: r\nX-Tenant-Id: other", 404);
        assert_string_equal(rig_text(), theirs);
    }
    assert_int_equal(document->document.deleted_ms, 0);
}

static void what_cannot_be_an_id_is_nobodys_document(void **state)
{
    (void)state;
    rig_get("GET /api/jobs/abc", NULL, 404);
    rig_problem(404, "not-found", "ids look like");
    rig_get("GET /api/jobs/0192F3C4-5d6e-7f80-9a1b-000000000000", NULL, 404);
    rig_get("GET /api/jobs/0192f3c4-5d6e-7f80-9a1b-000000000000/pages/0", NULL, 404);
    rig_get("GET /api/jobs/0192f3c4-5d6e-7f80-9a1b-000000000000/pages/x", NULL, 404);
    rig_get("GET /api/jobs/0192f3c4-5d6e-7f80-9a1b-000000000000/pages/99999999999999999999", NULL, 404);
}

/* ---- parameters ----------------------------------------------------------------------------------------------- */

static void every_wrong_parameter_is_told_at_once(void **state)
{
    (void)state;
    rig_get("GET /api/jobs?limit=0&status=done&from=x&bogus=1&tenantId=/", NULL, 400);
    rig_problem(400, "validation", "5 fields");
    const json_t *errors = json_object_get(rig_json(), "errors");
    assert_int_equal(json_array_size(errors), 5);
    static const char *const fields[] = { "limit", "status", "from", "bogus", "tenantId" };
    for (size_t i = 0; i < DM_COUNT(fields); i++) {
        assert_string_equal(dm_json_str(json_array_get(errors, i), "field").at, fields[i]);
        assert_true(dm_json_str(json_array_get(errors, i), "detail").len > 0);
    }
    assert_non_null(strstr(rig_text(), "it has: tenantId, limit, cursor, status, from, to"));
}

static void old_clients_routes_ignore_what_they_do_not_know_and_say_so(void **state)
{
    (void)state;
    rig_get("GET /api/jobs/tenant/acme?page=2&x%0d%0ay=1", NULL, 200);
    assert_string_equal(rig_field("Warning"), "299 docmill \"ignored, because not known here: page, x??y\"");
    rig_get("GET /api/jobs/tenant/acme?limit=2&&", NULL, 200);
    assert_null(rig_field("Warning"));
    rig_get("GET /api/jobs?page=2", NULL, 400);
    char many[4000] = "GET /api/jobs/tenant/acme?";
    for (int i = 0; i < 90; i++)
        snprintf(many + strlen(many), 40, "a_rather_long_name_%d=1&", i);
    rig_get(many, NULL, 200);
    assert_true(strlen(rig_field("Warning")) < 500);
    size_t start = strlen("GET /api/jobs/tenant/acme?");
    for (size_t i = 0; i < 101; i++)
        snprintf(many + start + 2 * i, sizeof(many) - start - 2 * i, "a&");
    rig_get(many, NULL, 400);
    rig_problem(400, "malformed-request", "100 parameters");
}

static void a_query_is_decoded_once(void **state)
{
    (void)state;
    rig_get("GET /api/jobs?%6cimit=%32&from=2026-01-02T03:04:05%2B01:00", NULL, 200);
    rig_get("GET /api/jobs?from=2026-01-02T03:04:05+01:00", NULL, 400); /* '+' is a blank in a query */
    rig_get("GET /api/jobs?limit=%2532", NULL, 400);
    rig_get("GET /api/jobs?limit=2&limit=2", NULL, 400);
    rig_problem(400, "validation", "more than once");
}

static void json_bodies_are_checked_by_name_and_kind(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        unsigned status;
        const char *detail;
    } cases[] = {
        { "{\"pages\":\"3,7\"}", 202, "" },
        { "{\"pages\":3}", 202, "" },
        { "{\"pages\":null,\"tenantId\":\"acme\"}", 202, "" },
        { "  ", 202, "" },
        { "{}", 202, "" },
        { "{\"pages\":\"x\"}", 400, "no page or range" },
        { "{\"pages\":[3]}", 400, "a string or a number" },
        { "{\"pages\":{}}", 400, "a string or a number" },
        { "{\"page\":3}", 400, "it has: tenantId, pages" },
        { "{\"tenantId\":\"other\"}", 400, "two tenants" },
        { "{\"tenantId\":\"\"}", 400, "tenantId" },
        { "[]", 400, "JSON object" },
        { "{", 400, "not valid JSON" },
        { "{\"pages\":\"1\",\"pages\":\"2\"}", 400, "not valid JSON" },
    };
    struct fake_document *document = fake_add("acme");
    char request[200];
    snprintf(request, sizeof(request), "POST /api/jobs/%s/retry", document->file.id);
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_true(rig_send(request, "X-Tenant-Id: acme", cases[i].body, strlen(cases[i].body)));
        if (rig.response->status != cases[i].status || !strstr(rig_text(), cases[i].detail))
            fail_msg("%s: %u %s", cases[i].body, rig.response->status, rig_text());
    }
    rig_get(request, "X-Tenant-Id: acme", 202);
    assert_int_equal(fake.retried.first, 0);
    assert_true(rig_send(request, "X-Tenant-Id: acme\nContent-Type: text/plain", "{}", 2));
    rig_problem(415, "unsupported-body", "application/json");
    static char large[65 * 1024];
    memset(large, ' ', sizeof(large));
    assert_true(rig_send(request, "X-Tenant-Id: acme", large, sizeof(large)));
    rig_problem(413, "too-large", "65536");
    assert_true(rig.response->close);
    assert_true(rig_send("GET /api/jobs", NULL, "{}", 2));
    rig_problem(400, "malformed-request", "takes no body");
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(every_answer_has_the_fields_that_all_answers_have),
        WITH_RIG(a_sane_request_id_and_trace_come_back),
        WITH_RIG(an_unknown_route_is_404_and_a_known_one_says_its_methods),
        WITH_RIG(a_broken_target_is_400),
        WITH_RIG(an_escaped_path_is_the_same_path_and_an_escaped_slash_is_none),
        WITH_RIG(too_much_head_is_414_or_431),
        WITH_RIG(a_fault_of_the_framing_is_told_and_ends_the_connection),
        WITH_RIG(only_names_of_this_machine_are_answered),
        WITH_RIG(a_page_of_another_origin_may_send_nothing),
        WITH_RIG(a_browser_that_names_no_origin_still_says_where_it_comes_from),
        WITH_RIG(the_tenant_is_the_one_that_the_request_names),
        WITH_RIG(a_client_that_names_no_tenant_reaches_the_document_by_its_id),
        WITH_RIG(another_tenants_document_answers_like_none),
        WITH_RIG(what_cannot_be_an_id_is_nobodys_document),
        WITH_RIG(every_wrong_parameter_is_told_at_once),
        WITH_RIG(old_clients_routes_ignore_what_they_do_not_know_and_say_so),
        WITH_RIG(a_query_is_decoded_once),
        WITH_RIG(json_bodies_are_checked_by_name_and_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
