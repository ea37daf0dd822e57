/* test_operate.c: what an operator may ask: stuck, redrive, pause, resume, drain. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void post(const char *path, const char *body, unsigned status)
{
    char request[300];
    snprintf(request, sizeof(request), "POST /api/admin/%s", path);
    assert_true(rig_send(request, NULL, body, body ? strlen(body) : 0));
    if (rig.response->status != status)
        print_error("%s: %s\n", request, rig_text());
    assert_int_equal(rig.response->status, status);
}

static void add_stuck(const char *tenant, enum dm_status status, struct dm_waiting waiting)
{
    struct fake_document *document = fake_add(tenant);
    document->state.status = status;
    document->state.progress_ms = fake.wall_ms - 600000;
    fake.stuck[fake.stuck_count++] = (struct dm_stuck){ .found = { document->tenant, document->file },
                                                        .document = document->document,
                                                        .state = document->state,
                                                        .waiting = waiting,
                                                        .claims = waiting.what == DM_WAITS_CLAIM };
}

/* ---- stuck ------------------------------------------------------------------------------------------------------ */

static void what_is_stuck_is_told_with_what_it_waits_for(void **state)
{
    add_stuck("acme", DM_STATUS_PROCESSING,
              (struct dm_waiting){ .what = DM_WAITS_CLAIM,
                                   .owner = "w-1",
                                   .until_ms = fake.wall_ms + 9000,
                                   .first = 1,
                                   .last = 40,
                                   .losses = 2 });
    rig_get("GET /api/admin/stuck", NULL, 200);
    assert_string_equal(
        rig_text(),
        "{\"olderThanSeconds\":300,\"paused\":{\"all\":null,\"tenants\":[]},\"documents\":[{\"tenantId\":\"acme\","
        "\"fileId\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"fileName\":\"report.pdf\",\"status\":\"processing\","
        "\"since\":\"2026-01-02T02:54:05.000Z\",\"waitsFor\":{\"what\":\"claim\",\"until\":\"2026-01-02T03:04:14."
        "000Z\","
        "\"owner\":\"w-1\",\"pages\":\"1-40\"},\"claims\":1,\"losses\":2,\"paused\":false,"
        "\"progress\":{\"processed\":3,\"failed\":1,\"total\":10}}],\"nextCursor\":null}");
    assert_int_equal(fake.asked_older_ms, 300000);
    rig_get("GET /api/admin/stuck?olderThan=7", NULL, 200);
    assert_int_equal(fake.asked_older_ms, 7000);
    rig_get("GET /api/admin/stuck?olderThan=-1", NULL, 400);
    rig_get("GET /api/admin/stuck?olderthan=1", NULL, 400);
}

static void what_is_stuck_comes_page_by_page_and_of_one_tenant_where_asked(void **state)
{
    static const char *const tenants[] = { "acme", "umbrella", "acme" };
    char request[400];
    for (size_t i = 0; i < DM_COUNT(tenants); i++)
        add_stuck(tenants[i], DM_STATUS_PENDING, (struct dm_waiting){ .what = DM_WAITS_TURN });
    rig_get("GET /api/admin/stuck?limit=2", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "documents")), 2);
    snprintf(request, sizeof(request), "GET /api/admin/stuck?limit=2&cursor=%s",
             dm_json_str(rig_json(), "nextCursor").at);
    rig_get(request, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "documents")), 1);
    assert_true(json_is_null(json_object_get(rig_json(), "nextCursor")));
    rig_get("GET /api/admin/stuck?tenantId=umbrella", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "documents")), 1);
    static const char *const none[] = { "x", "MTIz", "%2E%2E", "MSwyLDM" };
    for (size_t i = 0; i < DM_COUNT(none); i++) {
        snprintf(request, sizeof(request), "GET /api/admin/stuck?cursor=%s", none[i]);
        rig_get(request, NULL, 400);
        rig_problem(400, "validation", "cursor");
    }
}

/* ---- redrive ---------------------------------------------------------------------------------------------------- */

static void named_documents_are_redriven_whoever_owns_them_and_each_says_what_was_done(void **state)
{
    (void)fake_add("acme");
    fake.redriven = (struct dm_redriven){
        .what = DM_REDRIVEN_LET_GO, .status = DM_STATUS_PROCESSING, .claims = 2, .pages = 1, .lease = true
    };
    post("redrive",
         "{\"fileIds\":[\"0192f3c4-5d6e-7f80-9a1b-000000000000\",\"0192f3c4-5d6e-7f80-9a1b-00000000ffff\"],"
         "\"olderThan\":60}",
         200);
    const json_t *results = json_object_get(rig_json(), "results");
    assert_int_equal(json_array_size(results), 2);
    const json_t *first = json_array_get(results, 0);
    assert_string_equal(dm_json_str(first, "tenantId").at, "acme");
    assert_string_equal(dm_json_str(first, "what").at, "let_go");
    assert_string_equal(dm_json_str(first, "status").at, "processing");
    assert_int_equal(dm_json_int(first, "claims", 0), 2);
    assert_string_equal(dm_json_str(first, "detail").at,
                        "2 claims given back, 1 page due at once, 1 aggregator's lease released");
    assert_string_equal(dm_json_str(json_array_get(results, 1), "what").at, "not-found");
    assert_int_equal(fake.asked_older_ms, 60000);
    assert_int_equal(fake.redrives, 1);
    /* Under a tenant's name only its own. */
    post("redrive", "{\"fileIds\":[\"0192f3c4-5d6e-7f80-9a1b-000000000000\"],\"tenantId\":\"umbrella\"}", 200);
    assert_string_equal(dm_json_str(json_array_get(json_object_get(rig_json(), "results"), 0), "what").at, "not-found");
    assert_int_equal(fake.redrives, 1);
}

static void every_outcome_has_a_sentence(void **state)
{
    static const struct {
        struct dm_redriven redriven;
        const char *what, *detail;
    } cases[] = {
        { { .what = DM_REDRIVEN_LET_GO, .mended = true }, "let_go", "index key" },
        { { .what = DM_REDRIVEN_WAITS }, "waits", "waits for a worker" },
        { { .what = DM_REDRIVEN_MOVES, .still_ms = 12345 }, "moves", "12 s ago" },
        { { .what = DM_REDRIVEN_RETRIED, .reason = DM_REASON_CRASHED }, "retried", "(crashed)" },
        { { .what = DM_REDRIVEN_ENDED, .status = DM_STATUS_CANCELLED }, "ended", "is cancelled" },
        { { .what = DM_REDRIVEN_ENDED, .status = DM_STATUS_FAILED, .reason = DM_REASON_ENCRYPTED },
          "ended",
          "failed (encrypted): that is the document's own" },
    };
    (void)fake_add("acme");
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        fake.redriven = cases[i].redriven;
        post("redrive", "{\"fileIds\":\"0192f3c4-5d6e-7f80-9a1b-000000000000\"}", 200);
        const json_t *result = json_array_get(json_object_get(rig_json(), "results"), 0);
        assert_string_equal(dm_json_str(result, "what").at, cases[i].what);
        assert_non_null(strstr(dm_json_str(result, "detail").at, cases[i].detail));
    }
}

static void all_that_is_stuck_is_redriven_in_parts(void **state)
{
    char body[400];
    for (int i = 0; i < 5; i++)
        add_stuck("acme", DM_STATUS_PENDING, (struct dm_waiting){ .what = DM_WAITS_TURN });
    post("redrive", "{\"allStuck\":true,\"limit\":3}", 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "results")), 3);
    snprintf(body, sizeof(body), "{\"allStuck\":true,\"limit\":3,\"cursor\":\"%s\"}",
             dm_json_str(rig_json(), "nextCursor").at);
    post("redrive", body, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "results")), 2);
    assert_int_equal(fake.redrives, 5);
}

static void it_must_be_said_what_to_redrive(void **state)
{
    static const char *const wrong[] = { NULL,
                                         "{}",
                                         "{\"allStuck\":false}",
                                         "{\"fileIds\":[]}",
                                         "{\"fileIds\":[7]}",
                                         "{\"fileIds\":[\"x\"]}",
                                         "{\"fileIds\":{\"a\":1}}",
                                         "{\"fileIds\":[\"0192f3c4-5d6e-7f80-9a1b-000000000000\"],\"allStuck\":true}" };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        post("redrive", wrong[i], 400);
        rig_problem(400, "validation", "fileIds");
    }
    char many[8000] = "{\"fileIds\":[";
    for (int i = 0; i < 101; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s\"0192f3c4-5d6e-7f80-9a1b-000000000000\"",
                 i ? "," : "");
    snprintf(many + strlen(many), sizeof(many) - strlen(many), "]}");
    post("redrive", many, 400);
    rig_problem(400, "validation", "1 to 100");
    assert_int_equal(fake.redrives, 0);
}

/* ---- pause and resume ------------------------------------------------------------------------------------------- */

static void a_pause_is_shown_everywhere_until_it_is_resumed(void **state)
{
    struct fake_document *document = fake_add("acme");
    char request[200];
    snprintf(request, sizeof(request), "GET /api/jobs/%s?tenantId=acme", document->file.id);
    dm_api_check_health(fake.api);
    post("pause", "{\"tenantId\":\"acme\"}", 200);
    assert_string_equal(rig_text(), "{\"paused\":{\"all\":null,\"tenants\":[{\"tenantId\":\"acme\","
                                    "\"since\":\"2026-01-02T03:04:05.000Z\"}]}}");
    rig_get(request, NULL, 200);
    assert_true(json_is_true(json_object_get(rig_json(), "paused")));
    assert_string_equal(rig_field("ETag"), "W/\"4-0p\"");
    rig_get("GET /api/health", NULL, 200);
    const json_t *paused = json_object_get(rig_json(), "paused");
    assert_true(json_is_false(json_object_get(paused, "all")));
    assert_int_equal(dm_json_int(paused, "tenants", 0), 1);
    post("pause", NULL, 200);
    rig_get("GET /api/admin/stuck", NULL, 200);
    paused = json_object_get(rig_json(), "paused");
    assert_string_equal(dm_json_str(json_object_get(paused, "all"), "since").at, "2026-01-02T03:04:05.000Z");
    assert_int_equal(json_array_size(json_object_get(paused, "tenants")), 1);
    rig_get("GET /api/health", NULL, 200);
    assert_true(json_is_true(json_object_get(json_object_get(rig_json(), "paused"), "all")));
    /* Uploads are still taken. */
    assert_true(rig_send("POST /api/upload?fileName=a.txt", "Content-Type: text/plain", "hello", 5));
    assert_int_equal(rig.response->status, 202); /* nobody waits for what nobody will begin */
    assert_int_equal(fake.accepted, 1);
    /* What has ended waits for nobody. */
    fake_complete(document, "{}");
    rig_get(request, NULL, 200);
    assert_true(json_is_false(json_object_get(rig_json(), "paused")));
    post("resume", "{\"tenantId\":\"acme\"}", 200);
    assert_int_equal(fake.pause_count, 1);
    post("resume", NULL, 200);
    assert_string_equal(rig_text(), "{\"paused\":{\"all\":null,\"tenants\":[]}}");
    rig_get("GET /api/health", NULL, 200);
    assert_true(json_is_false(json_object_get(json_object_get(rig_json(), "paused"), "all")));
}

static void only_the_names_of_tenants_can_be_paused(void **state)
{
    post("pause", "{\"tenantId\":\"../x\"}", 400);
    post("pause", "{\"tenants\":[\"acme\"]}", 400);
    post("resume", "[]", 400);
    assert_int_equal(fake.pause_count, 0);
    rig_get("GET /api/admin/pause", NULL, 405);
}

/* ---- drain ------------------------------------------------------------------------------------------------------ */

static void a_drain_is_begun_and_says_whom_to_watch(void **state)
{
    post("drain", NULL, 202);
    assert_string_equal(rig_text(),
                        "{\"status\":\"draining\",\"process\":{\"pid\":4711,\"began\":99},\"drainSeconds\":8}");
    assert_int_equal(fake.drained, 1);
    rig_get("GET /health/ready", NULL, 503);
    assert_string_equal(dm_json_str(rig_json(), "status").at, "draining");
    assert_true(rig_send("POST /api/upload?fileName=a.txt", "Content-Type: text/plain", "hello", 5));
    rig_problem(503, "draining", "");
}

static void pages_of_other_sites_operate_nothing(void **state)
{
    assert_true(rig_send("POST /api/admin/drain", "Origin: https://evil.example\n", NULL, 0));
    rig_problem(403, "foreign-site", "");
    assert_true(rig_send("POST /api/admin/pause", "Sec-Fetch-Site: cross-site\n", NULL, 0));
    rig_problem(403, "foreign-site", "");
    assert_int_equal(fake.drained, 0);
    assert_int_equal(fake.pause_count, 0);
}

static void a_server_that_others_can_reach_serves_no_operation(void **state)
{
    struct dm_api *api;
    struct dm_err err;
    const struct dm_api_options options = { .pipeline = &fake.pipeline, .file_bytes_max = 1000 };
    struct dm_exchange *local = rig.exchange;
    assert_int_equal(dm_api_make(&options, &api, &err), DM_OK);
    rig.exchange = dm_exchange_make(api);
    post("pause", NULL, 403);
    rig_problem(403, "forbidden", "loopback");
    rig_get("GET /api/admin/stuck", NULL, 403);
    dm_exchange_free(rig.exchange);
    rig.exchange = local;
    dm_api_free(api);
    assert_int_equal(fake.pause_count, 0);
}

/* ---- secrets ---------------------------------------------------------------------------------------------------- */

static void a_tenants_key_is_taken_once_and_never_told(void **state)
{
    post("secrets", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"value\":\"sk-clear\"}", 200);
    assert_string_equal(rig_text(), "{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"status\":\"set\"}");
    assert_string_equal(fake.secret_value, "sk-clear");
    post("secrets", "{\"tenantId\":\"umbrella\",\"name\":\"B_KEY\",\"value\":\"sk-other\"}", 200);
    rig_get("GET /api/admin/secrets", NULL, 200);
    assert_string_equal(
        rig_text(), "{\"secrets\":[{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"created\":\"2026-01-02T03:04:05.000Z\","
                    "\"changed\":\"2026-01-02T03:04:05.000Z\"},{\"tenantId\":\"umbrella\",\"name\":\"B_KEY\","
                    "\"created\":\"2026-01-02T03:04:05.000Z\",\"changed\":\"2026-01-02T03:04:05.000Z\"}],"
                    "\"failing\":[],\"nextCursor\":null}");
    rig_get("GET /api/admin/secrets?limit=1", NULL, 200);
    char request[400];
    snprintf(request, sizeof(request), "GET /api/admin/secrets?limit=1&cursor=%s",
             dm_json_str(rig_json(), "nextCursor").at);
    rig_get(request, NULL, 200);
    const json_t *second = json_array_get(json_object_get(rig_json(), "secrets"), 0);
    assert_string_equal(dm_json_str(second, "name").at, "B_KEY");
    assert_true(json_is_null(json_object_get(rig_json(), "nextCursor")));
    rig_get("GET /api/admin/secrets?cursor=x", NULL, 400);
    rig_problem(400, "validation", "cursor");
    post("secrets/remove", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\"}", 200);
    post("secrets/remove", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\"}", 404);
}

static void a_secret_that_cannot_be_kept_is_refused_without_repeating_it(void **state)
{
    static const struct {
        const char *path, *body, *wrong;
    } cases[] = {
        { "secrets", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\"}", "value" },
        { "secrets", "{\"tenantId\":\"acme\",\"name\":\"C_KEY\",\"value\":\"sk-clear\"}", "name" },
        { "secrets", "{\"tenantId\":\"acme\",\"value\":\"sk-clear\"}", "name" },
        { "secrets", "{\"name\":\"A_KEY\",\"value\":\"sk-clear\"}", "tenantId" },
        { "secrets", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"value\":\"sk-clear two\"}", "value" },
        { "secrets", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"value\":\"sk-clear\\n\"}", "value" },
        { "secrets/remove", "{\"tenantId\":\"acme\",\"name\":\"C_KEY\"}", "name" },
        { "secrets/remove", "{\"name\":\"A_KEY\"}", "tenantId" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        post(cases[i].path, cases[i].body, 400);
        rig_problem(400, "validation", cases[i].wrong);
        assert_null(strstr(rig_text(), "sk-clear"));
    }
    rig_get("POST /api/admin/secrets?tenantId=acme&name=A_KEY&value=sk-clear", NULL, 400);
    assert_null(strstr(rig_text(), "sk-clear"));
    assert_int_equal(fake.secret_count, 0);
}

static void whose_key_is_refused_is_the_operators_to_know(void **state)
{
    fake.shut[0] =
        (struct dm_shut_account){ { "acme" },
                                  { .breaker = DM_BREAKER_OPEN, .reason = DM_REASON_AUTH_FAILED, .shut_ms = 5000 } };
    fake.shut_count = 1;
    fake.pipeline.limiter = (struct dm_limiter *)(void *)&fake; /* there is one; what it says is the fake's */
    rig_get("GET /api/health", NULL, 503);
    assert_non_null(strstr(rig_text(), "\"model\":{\"status\":\"ok\",\"tenantKeysFailing\":1}"));
    assert_null(strstr(rig_text(), "acme"));
    rig_get("GET /api/admin/secrets", NULL, 200);
    assert_string_equal(rig_text(),
                        "{\"secrets\":[],\"failing\":[{\"tenantId\":\"acme\",\"reason\":\"auth_failed\",\"detail\":"
                        "\"the model's provider refused the key\",\"since\":\"2026-01-02T03:04:00.000Z\"}],"
                        "\"nextCursor\":null}");
    rig_get("GET /api/admin/secrets?tenantId=umbrella", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "failing")), 0);
    post("secrets", "{\"tenantId\":\"acme\",\"name\":\"A_KEY\",\"value\":\"sk-new\"}", 200);
    rig_get("GET /api/admin/secrets", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(rig_json(), "failing")), 0);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(what_is_stuck_is_told_with_what_it_waits_for),
        WITH_RIG(what_is_stuck_comes_page_by_page_and_of_one_tenant_where_asked),
        WITH_RIG(named_documents_are_redriven_whoever_owns_them_and_each_says_what_was_done),
        WITH_RIG(every_outcome_has_a_sentence),
        WITH_RIG(all_that_is_stuck_is_redriven_in_parts),
        WITH_RIG(it_must_be_said_what_to_redrive),
        WITH_RIG(a_pause_is_shown_everywhere_until_it_is_resumed),
        WITH_RIG(only_the_names_of_tenants_can_be_paused),
        WITH_RIG(a_drain_is_begun_and_says_whom_to_watch),
        WITH_RIG(a_tenants_key_is_taken_once_and_never_told),
        WITH_RIG(a_secret_that_cannot_be_kept_is_refused_without_repeating_it),
        WITH_RIG(whose_key_is_refused_is_the_operators_to_know),
        WITH_RIG(pages_of_other_sites_operate_nothing),
        WITH_RIG(a_server_that_others_can_reach_serves_no_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
