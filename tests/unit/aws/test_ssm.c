/* test_ssm.c: answers of SSM: what is taken, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aws/ssm.h"

static const struct dm_str path = DM_STR_INIT("/docmill/prod");

static enum dm_code read_page(const char *text, struct dm_parameters *parameters, struct dm_buf *token)
{
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_ssm_page_read(dm_str_z(text), path, parameters, token, &err);
    assert_true(rc == DM_OK || !strstr(err.text, "s3cret"));
    return rc;
}

static void a_page_adds_its_parameters_and_names_the_next(void **state)
{
    (void)state;
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    DM_AUTO(dm_buf) token = dm_buf_make(DM_SSM_TOKEN_MAX);
    assert_int_equal(read_page("{\"Parameters\":[{\"Name\":\"/docmill/prod/a\",\"Value\":\"s3cret\",\"Type\":"
                               "\"SecureString\",\"Version\":3,\"LastModifiedDate\":1767323045.25,\"New\":{}}],"
                               "\"NextToken\":\"more\"}",
                               &parameters, &token),
                     DM_OK);
    assert_string_equal(dm_buf_z(&token), "more");
    assert_int_equal(
        read_page("{\"Parameters\":[{\"Name\":\"/docmill/prod/team/b\",\"Value\":\"v\",\"Type\":\"String\","
                  "\"Version\":1}],\"NextToken\":null}",
                  &parameters, &token),
        DM_OK);
    assert_int_equal(token.len, 0);
    assert_int_equal(parameters.count, 2);
    const struct dm_parameter *a = &parameters.at[0], *b = &parameters.at[1];
    assert_string_equal(a->name, "a");
    assert_true(dm_str_eq(dm_secret_reveal(&a->value), DM_STR("s3cret")));
    assert_true(a->encrypted && a->version == 3 && a->changed_wall_ms == 1767323045250);
    assert_string_equal(b->name, "team/b");
    assert_true(!b->encrypted && b->changed_wall_ms == 0);
}

static void what_was_not_asked_for_or_is_no_parameter_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "1",
        "{}",
        "{\"Name\":\"/docmill/prod\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/product/a\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a/\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod//a\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a b\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a\",\"Value\":\"\",\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a\",\"Value\":[],\"Type\":\"String\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a\",\"Value\":\"s3cret\",\"Type\":\"Other\",\"Version\":1}",
        "{\"Name\":\"/docmill/prod/a\",\"Value\":\"s3cret\",\"Type\":\"String\",\"Version\":0}",
        "{\"Name\":\"/docmill/prod/a\",\"Value\":\"s3cret\",\"Type\":\"String\"}",
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        DM_AUTO(dm_parameters) parameters = { .at = NULL };
        DM_AUTO(dm_buf) token = dm_buf_make(DM_SSM_TOKEN_MAX);
        DM_AUTO(dm_buf) text = dm_buf_make(1000);
        dm_buf_addf(&text, "{\"Parameters\":[%s]}", rows[i]);
        assert_int_equal(read_page(dm_buf_z(&text), &parameters, &token), DM_CORRUPT);
        assert_int_equal(parameters.count, 0);
    }
}

static void a_parameter_is_the_one_that_was_asked_for(void **state)
{
    (void)state;
    struct dm_str answer = DM_STR("{\"Parameter\":{\"Name\":\"/docmill/prod/mac-key\",\"Value\":\"v\",\"Type\":"
                                  "\"String\",\"Version\":1}}");
    struct dm_parameter parameter = { .name = NULL };
    struct dm_err err;
    assert_int_equal(dm_ssm_parameter_read(answer, path, DM_STR("other"), &parameter, &err), DM_CORRUPT);
    assert_null(parameter.name);
    assert_int_equal(dm_ssm_parameter_read(answer, DM_STR("/docmill/prod/"), DM_STR("mac-key"), &parameter, &err),
                     DM_OK);
    assert_string_equal(parameter.name, "mac-key");
    dm_parameter_free(&parameter);
}

static void a_path_is_of_plain_parts(void **state)
{
    (void)state;
    static const char *const good[] = { "/a", "/docmill/prod", "/docmill/prod/", "/A.b_c-1" };
    static const char *const bad[] = { "", "/", "a", "//a", "/a//b", "/a b", "/a?", "/\xc3\xa9" };
    for (size_t i = 0; i < DM_COUNT(good); i++)
        assert_true(dm_parameter_path_valid(dm_str_z(good[i])));
    for (size_t i = 0; i < DM_COUNT(bad); i++)
        assert_false(dm_parameter_path_valid(dm_str_z(bad[i])));
}

static void more_than_there_may_be_are_refused(void **state)
{
    (void)state;
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    DM_AUTO(dm_buf) token = dm_buf_make(DM_SSM_TOKEN_MAX);
    enum dm_code rc = DM_OK;
    for (int i = 0; i <= DM_PARAMETERS_MAX; i++) {
        DM_AUTO(dm_buf) text = dm_buf_make(1000);
        assert_int_equal(rc, DM_OK);
        dm_buf_addf(&text,
                    "{\"Parameters\":[{\"Name\":\"/docmill/prod/n%d\",\"Value\":\"v\",\"Type\":\"String\","
                    "\"Version\":1}]}",
                    i);
        rc = read_page(dm_buf_z(&text), &parameters, &token);
    }
    assert_int_equal(rc, DM_TOO_LARGE);
    assert_int_equal(parameters.count, DM_PARAMETERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_adds_its_parameters_and_names_the_next),
        cmocka_unit_test(what_was_not_asked_for_or_is_no_parameter_is_refused),
        cmocka_unit_test(a_parameter_is_the_one_that_was_asked_for),
        cmocka_unit_test(a_path_is_of_plain_parts),
        cmocka_unit_test(more_than_there_may_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
