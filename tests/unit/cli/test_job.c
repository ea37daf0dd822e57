/* test_job.c: what a server's answer means for a person and for the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/client.h"

enum { ROOM = 64 * 1024 };

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    assert_int_equal(dm_json_parse(dm_str_z(text), "the test", &value, NULL), DM_OK);
    return value;
}

static const char *const jobs[] = {
    "{\"fileId\":\"f\",\"status\":\"processing\",\"progress\":{\"processed\":3,\"total\":10,\"failed\":0},"
    "\"etaSeconds\":4,"
    "\"outcome\":null,\"error\":null,\"pages\":{\"skipped\":2}}",
    "{\"fileId\":\"f\",\"status\":\"completed\",\"outcome\":\"full\",\"progress\":{\"processed\":10,\"total\":10,"
    "\"failed\":0}}",
    "{\"fileId\":\"f\",\"status\":\"completed\",\"outcome\":\"partial\",\"progress\":{\"processed\":8,\"total\":10,"
    "\"failed\":2}}",
    "{\"fileId\":\"f\",\"status\":\"failed\",\"error\":{\"reason\":\"encrypted\",\"detail\":\"it needs a password\"},"
    "\"progress\":{\"processed\":0,\"total\":0,\"failed\":0}}",
    "{\"fileId\":\"f\",\"status\":\"cancelled\",\"progress\":{\"processed\":4,\"total\":10,\"failed\":0}}",
};

static void assert_job(size_t i, enum dm_exit exit, const char *words, const char *hint)
{
    json_auto_t *value = parse(jobs[i]);
    struct dm_job job = dm_job_read(value);
    assert_int_equal(dm_job_exit(&job), exit);
    DM_AUTO(dm_buf) said = dm_buf_make(ROOM);
    dm_job_words(&said, &job);
    assert_string_equal(dm_buf_z(&said), words);
    DM_AUTO(dm_buf) next = dm_buf_make(ROOM);
    dm_job_hint(&next, &job);
    assert_non_null(strstr(dm_buf_z(&next), hint));
}

static void a_document_on_its_way_is_not_known_yet(void **state)
{
    (void)state;
    assert_job(0, DM_EXIT_NOT_KNOWN, "processing, 3 of 8 pages read", "docmill watch f");
}

static void a_whole_document_is_done(void **state)
{
    (void)state;
    assert_job(1, DM_EXIT_DONE, "completed, 10 pages", "docmill results f");
}

static void a_document_without_some_pages_has_failed(void **state)
{
    (void)state;
    assert_job(2, DM_EXIT_FAILED, "completed, 8 of 10 pages read, 2 failed", "docmill retry f");
}

static void a_failed_document_says_why_and_what_helps(void **state)
{
    (void)state;
    assert_job(3, DM_EXIT_FAILED, "failed (encrypted): it needs a password", "--password-file");
}

static void a_cancelled_document_has_failed(void **state)
{
    (void)state;
    assert_job(4, DM_EXIT_FAILED, "cancelled, 4 of 10 pages read", "");
}

static void an_answer_that_lacks_everything_is_harmless(void **state)
{
    (void)state;
    json_auto_t *value = parse("{\"progress\":[],\"pages\":7,\"error\":\"x\"}");
    struct dm_job job = dm_job_read(value);
    assert_int_equal(dm_job_exit(&job), DM_EXIT_NOT_KNOWN);
    assert_int_equal(job.left_ms, -1);
    struct dm_job nothing = dm_job_read(NULL);
    assert_int_equal(dm_job_exit(&nothing), DM_EXIT_NOT_KNOWN);
}

static void numbers_that_no_document_has_are_taken_for_not_said(void **state)
{
    (void)state;
    json_auto_t *value = parse("{\"status\":\"processing\",\"etaSeconds\":1e300,\"pages\":{\"skipped\":-3},"
                               "\"progress\":{\"total\":-1,\"processed\":99999999999,\"failed\":4294967296}}");
    struct dm_job job = dm_job_read(value);
    assert_int_equal(job.left_ms, -1);
    assert_int_equal(job.total, 0);
    assert_int_equal(job.processed, 0);
    assert_int_equal(job.failed, 0);
    assert_int_equal(job.skipped, 0);
}

static void statuses_of_http_become_exit_statuses(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *code;
        enum dm_exit exit;
    } cases[] = {
        { 400, "validation", DM_EXIT_USAGE },      { 403, "forbidden", DM_EXIT_FAILED },
        { 404, "not-found", DM_EXIT_NOT_KNOWN },   { 404, "result-not-ready", DM_EXIT_NOT_KNOWN },
        { 404, "no-result", DM_EXIT_FAILED },      { 409, "wrong-state", DM_EXIT_FAILED },
        { 410, "gone", DM_EXIT_FAILED },           { 413, "too-large", DM_EXIT_FAILED },
        { 415, "not-a-document", DM_EXIT_FAILED }, { 422, "unreadable-document", DM_EXIT_FAILED },
        { 429, "slow-down", DM_EXIT_NOT_KNOWN },   { 500, "internal", DM_EXIT_NOT_KNOWN },
        { 503, "draining", DM_EXIT_NOT_KNOWN },    { 507, "no-space", DM_EXIT_NOT_KNOWN },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++)
        assert_int_equal(dm_exit_of_status(cases[i].status, dm_str_z(cases[i].code)), cases[i].exit);
}

static struct dm_trouble problem(const char *body, uint32_t status, struct dm_arena *arena)
{
    struct dm_call call = { .settings = { .server = DM_STR("http://127.0.0.1:3005") } };
    struct dm_client client = { .call = &call };
    struct dm_http_answer answer = { .status = status, .body = dm_buf_make(ROOM) };
    dm_buf_add_z(&answer.body, body);
    struct dm_trouble trouble = dm_client_problem(&client, &answer, DM_STR("42"), arena);
    dm_http_answer_free(&answer);
    return trouble;
}

static void a_problem_becomes_a_sentence_and_advice(void **state)
{
    (void)state;
    struct dm_arena arena = dm_arena_make(ROOM);
    struct dm_trouble trouble =
        problem("{\"type\":\"https://docmill.example/problems/result-not-ready\",\"title\":\"t\","
                "\"detail\":\"It is still being read.\"}",
                404, &arena);
    assert_string_equal(trouble.code, "result-not-ready");
    assert_string_equal(trouble.sentence, "It is still being read.");
    assert_non_null(strstr(trouble.hint, "docmill watch 42"));
    assert_int_equal(trouble.exit, DM_EXIT_NOT_KNOWN);

    trouble = problem("{\"type\":\"x/validation\",\"errors\":[{\"field\":\"pages\",\"detail\":\"names no page\"},"
                      "{\"field\":\"priority\",\"detail\":\"is no number\"}]}",
                      400, &arena);
    assert_string_equal(trouble.sentence, "pages names no page; priority is no number");

    trouble = problem("<html>", 502, &arena);
    assert_non_null(strstr(trouble.sentence, "status 502"));
    assert_int_equal(trouble.exit, DM_EXIT_NOT_KNOWN);
    dm_arena_free(&arena);
}

static void an_id_is_escaped_in_a_path(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) path = dm_buf_make(ROOM);
    assert_true(dm_str_eq(dm_path_of(&path, "../x?y", "/pages"), DM_STR("/jobs/..%2Fx%3Fy/pages")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_on_its_way_is_not_known_yet),
        cmocka_unit_test(a_whole_document_is_done),
        cmocka_unit_test(a_document_without_some_pages_has_failed),
        cmocka_unit_test(a_failed_document_says_why_and_what_helps),
        cmocka_unit_test(a_cancelled_document_has_failed),
        cmocka_unit_test(an_answer_that_lacks_everything_is_harmless),
        cmocka_unit_test(numbers_that_no_document_has_are_taken_for_not_said),
        cmocka_unit_test(statuses_of_http_become_exit_statuses),
        cmocka_unit_test(a_problem_becomes_a_sentence_and_advice),
        cmocka_unit_test(an_id_is_escaped_in_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
