/* test_tables.c: the tables of routes, parameters and problems, as wholes. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "api/params.h"
#include "api/problem.h"
#include "api/routes.h"

/* ---- routes ----------------------------------------------------------------------------------------------- */

/* A path that only this pattern should take: placeholders become something no literal is. */
static void path_of(const char *pattern, struct dm_path *path, char room[200])
{
    *path = (struct dm_path){ .at_root = false };
    snprintf(room, 200, "%s", pattern);
    struct dm_str rest = dm_str_z(room + 1);
    struct dm_str segment;
    while (dm_str_next(&rest, '/', &segment))
        path->segments[path->count++] = segment.at[0] == '{' ? DM_STR("@") : segment;
}

static void every_route_is_found_by_its_own_path_and_no_other(void **state)
{
    (void)state;
    size_t count;
    const struct dm_route *routes = dm_routes(&count);
    for (size_t i = 0; i < count; i++) {
        struct dm_path path;
        char room[200];
        unsigned methods;
        path_of(routes[i].path, &path, room);
        assert_ptr_equal(dm_route_find(&path, routes[i].method, &methods), &routes[i]);
        assert_true(methods & 1U << routes[i].method);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(routes[i].name, routes[k].name);
            if (routes[i].method == routes[k].method)
                assert_string_not_equal(routes[i].path, routes[k].path);
        }
    }
}

static void every_route_says_what_it_is_and_takes(void **state)
{
    (void)state;
    size_t count;
    const struct dm_route *routes = dm_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const struct dm_route *route = &routes[i];
        assert_true(route->name[0] && route->summary[0] && route->handle);
        assert_int_equal(route->path[0], '/');
        assert_true(route->summary[strlen(route->summary) - 1] == '.');
        assert_int_equal(route->fields != 0, route->body != DM_BODY_NONE);
        assert_int_equal(route->body_max != 0, route->body == DM_BODY_JSON);
        /* What changes something is never open to anybody; what belongs to a tenant lets the tenant be named. */
        if (route->method != DM_METHOD_GET)
            assert_true(route->scope == DM_SCOPE_WRITE || route->scope == DM_SCOPE_OPERATE);
        if (route->scope != DM_SCOPE_ANYBODY)
            assert_true(route->query & DM_PARAM_BIT(TENANT_ID));
        /* On a loop nothing may be read but by index. */
        if (route->traits & DM_TRAIT_INLINE)
            assert_int_equal(route->body, DM_BODY_NONE);
    }
}

static void a_literal_segment_wins_over_a_placeholder_and_head_counts_as_get(void **state)
{
    (void)state;
    struct dm_path path = { .segments = { DM_STR("jobs"), DM_STR("tenant"), DM_STR("results") }, .count = 3 };
    unsigned methods;
    assert_string_equal(dm_route_find(&path, DM_METHOD_HEAD, &methods)->name, "listDocumentsOfTenant");
    assert_int_equal(methods, 1U << DM_METHOD_GET);
    path.count = 2;
    path.segments[1] = DM_STR("");
    assert_null(dm_route_find(&path, DM_METHOD_GET, &methods));
    assert_int_equal(methods, 0);
}

static void only_health_is_served_without_the_base_path(void **state)
{
    (void)state;
    struct dm_path path = { .segments = { DM_STR("health"), DM_STR("ready") }, .count = 2, .at_root = true };
    unsigned methods;
    assert_non_null(dm_route_find(&path, DM_METHOD_GET, &methods));
    path = (struct dm_path){ .segments = { DM_STR("jobs") }, .count = 1, .at_root = true };
    assert_null(dm_route_find(&path, DM_METHOD_GET, &methods));
}

static void methods_are_told_by_their_exact_names(void **state)
{
    (void)state;
    for (int i = 0; i < DM_METHOD_OTHER; i++)
        assert_int_equal(dm_method_parse(dm_str_z(dm_method_text((enum dm_method)i))), i);
    assert_int_equal(dm_method_parse(DM_STR("get")), DM_METHOD_OTHER);
    assert_int_equal(dm_method_parse(DM_STR("GETT")), DM_METHOD_OTHER);
    assert_int_equal(dm_method_parse(DM_STR("")), DM_METHOD_OTHER);
}

/* ---- parameters --------------------------------------------------------------------------------------------- */

static void every_parameter_has_a_name_of_its_own_and_a_default_that_it_would_take(void **state)
{
    (void)state;
    size_t route_count;
    const struct dm_route *routes = dm_routes(&route_count);
    uint32_t used = 0;
    for (size_t i = 0; i < route_count; i++)
        used |= routes[i].query | routes[i].fields;
    assert_int_equal(used, (1U << DM_PARAM_COUNT) - 1);
    for (int i = 0; i < DM_PARAM_COUNT; i++) {
        const struct dm_param_row *row = dm_param_row((enum dm_param)i);
        enum dm_param found;
        struct dm_param_value value;
        struct dm_err err;
        DM_AUTO(dm_arena) arena = dm_arena_make(10000);
        assert_true(dm_param_find(dm_str_z(row->name), used, &found));
        assert_int_equal(found, i);
        assert_true(row->help[0] && strlen(row->help) < sizeof(err.text));
        if (row->fallback)
            assert_int_equal(dm_param_parse((enum dm_param)i, dm_str_z(row->fallback), &arena, &value, &err), DM_OK);
    }
}

static void parameters_are_refused_past_their_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dm_param param;
        bool good;
    } cases[] = {
        { "acme", DM_PARAM_TENANT_ID, true },
        { "../acme", DM_PARAM_TENANT_ID, false },
        { "a b", DM_PARAM_TENANT_ID, false },
        { "1", DM_PARAM_LIMIT, true },
        { "1000", DM_PARAM_LIMIT, true },
        { "0", DM_PARAM_LIMIT, false },
        { "1001", DM_PARAM_LIMIT, false },
        { "+5", DM_PARAM_LIMIT, false },
        { "5.0", DM_PARAM_LIMIT, false },
        { "99999999999999999999", DM_PARAM_LIMIT, false },
        { "-1", DM_PARAM_PRIORITY, false },
        { "9", DM_PARAM_PRIORITY, true },
        { "true", DM_PARAM_PARTIAL, true },
        { "yes", DM_PARAM_PARTIAL, false },
        { "completed", DM_PARAM_STATUS, true },
        { "done", DM_PARAM_STATUS, false },
        { "2026-01-02", DM_PARAM_FROM, true },
        { "2026-13-02", DM_PARAM_FROM, false },
        { "1-5,9,12-", DM_PARAM_PAGES, true },
        { "0", DM_PARAM_PAGES, false },
        { "5-1", DM_PARAM_PAGES, false },
        { " ", DM_PARAM_PAGES, false },
        { "{\"a\":1}", DM_PARAM_METADATA, true },
        { "[1]", DM_PARAM_METADATA, false },
        { "{\"a\":1,\"a\":2}", DM_PARAM_METADATA, false },
        { "{", DM_PARAM_METADATA, false },
        { "a.pdf", DM_PARAM_FILE_NAME, true },
        { "a\tb", DM_PARAM_FILE_NAME, false },
        { "\xff", DM_PARAM_FILE_NAME, false },
        { "default", DM_PARAM_PROFILE, true },
        { "invoice", DM_PARAM_PROFILE, false },
        { "{}", DM_PARAM_SCHEMA, false },
        { "read", DM_PARAM_PROMPT, false },
        { "https://x.example", DM_PARAM_WEBHOOK_URL, false },
        { "x", DM_PARAM_FILE, false },
        { "60", DM_PARAM_WAIT, true },
        { "61", DM_PARAM_WAIT, false },
        { "15", DM_PARAM_SIZE, false },
        { "0", DM_PARAM_OLDER_THAN, true },
        { "-1", DM_PARAM_OLDER_THAN, false },
        { "0192f3c4-5d6e-7f80-9a1b-000000000000", DM_PARAM_FILE_IDS, true },
        { "0192f3c4-5d6e-7f80-9a1b-000000000000,0192f3c4-5d6e-7f80-9a1b-000000000001", DM_PARAM_FILE_IDS, true },
        { "0192f3c4-5d6e-7f80-9a1b-000000000000,?", DM_PARAM_FILE_IDS, false },
        { "", DM_PARAM_FILE_IDS, false },
        { "9223372036854775807", DM_PARAM_AFTER, true },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_param_value value;
        struct dm_err err = { .text = "" };
        DM_AUTO(dm_arena) arena = dm_arena_make(100000);
        enum dm_code rc = dm_param_parse(cases[i].param, dm_str_z(cases[i].text), &arena, &value, &err);
        if ((rc == DM_OK) != cases[i].good || (rc != DM_OK && (rc != DM_INVALID || !err.text[0])))
            fail_msg("%s=%s", dm_param_row(cases[i].param)->name, cases[i].text);
    }
}

static void metadata_fits_on_one_line_and_keeps_its_digits(void **state)
{
    (void)state;
    struct dm_param_value value;
    struct dm_err err;
    DM_AUTO(dm_arena) arena = dm_arena_make(100000);
    assert_int_equal(
        dm_param_parse(DM_PARAM_METADATA, DM_STR("{ \"a b\" :\n 0.1 ,\t\"c\\\" \":[ 1e3 ] }"), &arena, &value, &err),
        DM_OK);
    assert_true(dm_str_eq(value.text, DM_STR("{\"a b\":0.1,\"c\\\" \":[1e3]}")));
}

/* ---- problems ----------------------------------------------------------------------------------------------- */

static void every_code_has_a_problem_and_a_sentence(void **state)
{
    (void)state;
    for (int code = DM_OK + 1; code < DM_CODE_COUNT; code++) {
        const struct dm_code_row *row = dm_problem_of_code((enum dm_code)code);
        const struct dm_problem_row *problem = dm_problem_row(row->problem);
        if (row->tell == (row->sentence != NULL))
            fail_msg("%s has no row", dm_code_name((enum dm_code)code));
        /* What may be tried again says so by its status, and the other way round. */
        bool passes = problem->status == 429 || problem->status == 503 || problem->status == 507 ||
                      row->problem == DM_PROBLEM_CONFLICT;
        if (dm_code_retry((enum dm_code)code) == DM_RETRY_LATER && !passes)
            fail_msg("%s can be tried again, %u says otherwise", dm_code_name((enum dm_code)code), problem->status);
        /* Trouble of our own is never told in the words of a backend. */
        if (problem->status >= 500)
            assert_false(row->tell);
    }
}

static char page[64 * 1024];

static void read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(page, 1, sizeof(page) - 1, file);
    (void)fclose(file);
    page[size] = '\0';
}

static void every_problem_has_a_slug_of_its_own_and_a_page(void **state)
{
    (void)state;
    read_page(DM_SOURCE_DIR "/docs/problems.md");
    for (int i = 0; i < DM_PROBLEM_COUNT; i++) {
        const struct dm_problem_row *row = dm_problem_row((enum dm_problem)i);
        char heading[100];
        assert_true(row->status >= 400 && row->status < 600);
        assert_true(row->title[0] && row->slug[0]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(row->slug, dm_problem_row((enum dm_problem)k)->slug);
        snprintf(heading, sizeof(heading), "\n## %s\n", row->slug);
        if (!strstr(page, heading))
            fail_msg("docs/problems.md has no section %s", row->slug);
        /* Waiting is only asked for where the client may come again. */
        if (row->status == 429 || row->status == 503)
            assert_true(row->retry_after_s > 0);
    }
}

/* ---- the manual --------------------------------------------------------------------------------------------- */

/* Of a path the last part: what stands before it is written "…" there. */
static void the_manual_names_every_route_upload_option_and_reason(void **state)
{
    (void)state;
    size_t count;
    const struct dm_route *routes = dm_routes(&count);
    read_page(DM_SOURCE_DIR "/docs/api.md");
    for (size_t i = 0; i < count; i++) {
        const char *last = strrchr(routes[i].path, '/');
        if (!strstr(page, strcmp(last, "/{page}") == 0 ? "/{n}" : last))
            fail_msg("docs/api.md does not name %s", routes[i].path);
        for (int k = 0; routes[i].body == DM_BODY_UPLOAD && k < DM_PARAM_COUNT; k++) {
            const char *name = dm_param_row((enum dm_param)k)->name;
            if (((routes[i].fields | routes[i].query) & 1U << k) && !strstr(page, name))
                fail_msg("docs/api.md does not name %s", name);
        }
    }
    for (int i = DM_REASON_NONE + 1; i < DM_REASON_COUNT; i++) {
        char quoted[40];
        snprintf(quoted, sizeof(quoted), "`%s`", dm_reason_text((enum dm_reason)i));
        if (!strstr(page, quoted))
            fail_msg("docs/api.md does not name %s", quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_own_path_and_no_other),
        cmocka_unit_test(every_route_says_what_it_is_and_takes),
        cmocka_unit_test(a_literal_segment_wins_over_a_placeholder_and_head_counts_as_get),
        cmocka_unit_test(only_health_is_served_without_the_base_path),
        cmocka_unit_test(methods_are_told_by_their_exact_names),
        cmocka_unit_test(every_parameter_has_a_name_of_its_own_and_a_default_that_it_would_take),
        cmocka_unit_test(parameters_are_refused_past_their_limits),
        cmocka_unit_test(metadata_fits_on_one_line_and_keeps_its_digits),
        cmocka_unit_test(every_code_has_a_problem_and_a_sentence),
        cmocka_unit_test(every_problem_has_a_slug_of_its_own_and_a_page),
        cmocka_unit_test(the_manual_names_every_route_upload_option_and_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
