/* test_credentials.c: where credentials and regions are found, in which order, and what is said where they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/sources.h"

/* A home folder of its own and the variables of a test, as "NAME=value". */
struct rig {
    char home[64];
    const char *variables[8];
    struct dm_aws_environment environment;
    struct dm_aws_source found;
    struct dm_err err;
};

static struct dm_str variable(void *context, const char *name)
{
    const struct rig *rig = context;
    if (strcmp(name, "HOME") == 0)
        return dm_str_z(rig->home);
    for (size_t i = 0; i < DM_COUNT(rig->variables) && rig->variables[i]; i++) {
        if (strncmp(rig->variables[i], name, strlen(name)) == 0 && rig->variables[i][strlen(name)] == '=')
            return dm_str_z(rig->variables[i] + strlen(name) + 1);
    }
    return DM_STR("");
}

static void rig_make(struct rig *rig)
{
    *rig = (struct rig){ .home = "/tmp/docmill-test-XXXXXX", .environment = { variable, rig } };
    assert_non_null(mkdtemp(rig->home));
    char folder[96];
    (void)snprintf(folder, sizeof(folder), "%s/.aws", rig->home);
    assert_int_equal(mkdir(folder, 0700), 0);
}

static const char *path_of(const struct rig *rig, const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/.aws/%s", rig->home, name);
    return path;
}

static void write_file(const struct rig *rig, const char *name, const char *text)
{
    FILE *file = fopen(path_of(rig, name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void rig_free(struct rig *rig)
{
    dm_aws_credentials_free(&rig->found.credentials);
    (void)unlink(path_of(rig, "credentials"));
    (void)unlink(path_of(rig, "config"));
    assert_int_equal(rmdir(path_of(rig, "")), 0);
    assert_int_equal(rmdir(rig->home), 0);
}

static void assert_secret(const struct dm_secret *secret, const char *expected)
{
    struct dm_str text = dm_secret_reveal(secret);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.at, expected, text.len);
}

static void assert_found(struct rig *rig, const char *key_id, const char *key, const char *session)
{
    assert_int_equal(dm_aws_source_choose(&rig->environment, &rig->found, &rig->err), DM_OK);
    assert_null(rig->found.fetch);
    assert_secret(&rig->found.credentials.key_id, key_id);
    assert_secret(&rig->found.credentials.key, key);
    assert_secret(&rig->found.credentials.session, session);
    dm_aws_credentials_free(&rig->found.credentials);
}

static void assert_fails(struct rig *rig, enum dm_code code, const char *naming)
{
    assert_int_equal(dm_aws_source_choose(&rig->environment, &rig->found, &rig->err), code);
    assert_non_null(strstr(rig->err.text, naming));
    assert_null(strstr(rig->err.text, "secret-"));
}

static void assert_fetched(struct rig *rig, dm_aws_fetch *fetch)
{
    assert_int_equal(dm_aws_source_choose(&rig->environment, &rig->found, &rig->err), DM_OK);
    assert_ptr_equal(rig->found.fetch, fetch);
    assert_false(dm_secret_is_set(&rig->found.credentials.key));
}

static const char *const two_profiles = "# comment\r\n"
                                        "[default]\n"
                                        "aws_access_key_id = AKIADEFAULT\n"
                                        "aws_secret_access_key=secret-default\r\n"
                                        "\n"
                                        "[work]\n"
                                        "aws_access_key_id = AKIAWORK\n"
                                        "  nested = of no interest\n"
                                        "aws_secret_access_key = secret-work/with=equals\n"
                                        "; comment\n"
                                        "aws_session_token = secret-session\n";

static void variables_go_before_files(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    write_file(&rig, "credentials", two_profiles);
    rig.variables[0] = "AWS_ACCESS_KEY_ID=AKIAVARIABLE";
    rig.variables[1] = "AWS_SECRET_ACCESS_KEY=secret-variable";
    assert_found(&rig, "AKIAVARIABLE", "secret-variable", "");
    rig.variables[2] = "AWS_SESSION_TOKEN=secret-token";
    assert_found(&rig, "AKIAVARIABLE", "secret-variable", "secret-token");
    rig_free(&rig);
}

static void half_a_pair_of_variables_is_an_error_and_not_the_next_place(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    write_file(&rig, "credentials", two_profiles);
    rig.variables[0] = "AWS_SECRET_ACCESS_KEY=secret-variable";
    assert_fails(&rig, DM_INVALID, "AWS_ACCESS_KEY_ID is not");
    rig.variables[0] = "AWS_ACCESS_KEY_ID=AKIAVARIABLE";
    assert_fails(&rig, DM_INVALID, "AWS_SECRET_ACCESS_KEY is not");
    rig_free(&rig);
}

static void a_profile_is_read_from_the_shared_files(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    write_file(&rig, "credentials", two_profiles);
    assert_found(&rig, "AKIADEFAULT", "secret-default", "");
    rig.variables[0] = "AWS_PROFILE=work";
    assert_found(&rig, "AKIAWORK", "secret-work/with=equals", "secret-session");
    rig_free(&rig);
}

static void the_config_file_adds_what_the_credentials_file_does_not_say(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    write_file(&rig, "credentials", "[a b]\naws_access_key_id = AKIAFIRST\n");
    write_file(&rig, "config",
               "[sso-session a b]\naws_secret_access_key = secret-wrong\n"
               "[a b]\naws_secret_access_key = secret-wrong\n"
               "[profile \"a b\"]\naws_access_key_id = AKIASECOND\naws_secret_access_key = secret-config\n"
               "region = eu-central-1\n");
    rig.variables[0] = "AWS_PROFILE=a b";
    assert_found(&rig, "AKIAFIRST", "secret-config", "");
    rig_free(&rig);
}

static void other_files_may_be_named(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    write_file(&rig, "config", two_profiles);
    rig.variables[0] = "AWS_SHARED_CREDENTIALS_FILE=~/.aws/config";
    rig.variables[1] = "AWS_CONFIG_FILE=/nowhere/at/all";
    assert_found(&rig, "AKIADEFAULT", "secret-default", "");
    rig_free(&rig);
}

static void servers_are_asked_in_their_order_around_the_profile(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    assert_fetched(&rig, dm_aws_fetch_instance);
    rig.variables[0] = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/";
    assert_fetched(&rig, dm_aws_fetch_container);
    rig.variables[0] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2";
    assert_fetched(&rig, dm_aws_fetch_container);
    write_file(&rig, "credentials", two_profiles);
    assert_found(&rig, "AKIADEFAULT", "secret-default", "");
    rig.variables[1] = "AWS_WEB_IDENTITY_TOKEN_FILE=/token";
    assert_fetched(&rig, dm_aws_fetch_web_identity);
    rig.variables[2] = "AWS_ACCESS_KEY_ID=AKIAVARIABLE";
    rig.variables[3] = "AWS_SECRET_ACCESS_KEY=secret-variable";
    assert_found(&rig, "AKIAVARIABLE", "secret-variable", "");
    rig_free(&rig);
}

static void a_profile_that_nobody_knows_is_an_error(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig.variables[0] = "AWS_PROFILE=nobody";
    assert_fails(&rig, DM_INVALID, "\"nobody\"");
    rig_free(&rig);
}

static void what_docmill_cannot_use_is_named_and_not_passed_over(void **state)
{
    (void)state;
    static const char *const lines[] = { "role_arn", "web_identity_token_file", "sso_session", "sso_start_url",
                                         "credential_process" };
    struct rig rig;
    rig_make(&rig);
    char text[128];
    for (size_t i = 0; i < DM_COUNT(lines); i++) {
        (void)snprintf(text, sizeof(text), "[default]\n%s = x\n", lines[i]);
        write_file(&rig, "config", text);
        assert_fails(&rig, DM_UNSUPPORTED, lines[i]);
    }
    rig_free(&rig);
}

static void a_line_that_is_none_is_told_by_its_number_alone(void **state)
{
    (void)state;
    static const char *const texts[] = { "[default]\nsecret-text\n", "\nsecret-key = outside\n",
                                         "[default]\n[secret-\n" };
    static const char *const lines[] = { "credentials: line 2 ", "credentials: line 2 ", "credentials: line 2 " };
    struct rig rig;
    rig_make(&rig);
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        write_file(&rig, "credentials", texts[i]);
        assert_fails(&rig, DM_INVALID, lines[i]);
    }
    rig_free(&rig);
}

static void a_file_that_is_none_or_too_large_is_an_error(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig.variables[0] = "AWS_CONFIG_FILE=/dev/zero";
    assert_fails(&rig, DM_TOO_LARGE, "/dev/zero");
    rig.variables[0] = "AWS_CONFIG_FILE=/tmp";
    assert_fails(&rig, DM_IO, "/tmp");
    rig_free(&rig);
}

static void assert_region(struct rig *rig, enum dm_code code, const char *expected)
{
    DM_AUTO(dm_buf) region = dm_buf_make(64);
    assert_int_equal(dm_aws_region_find(&rig->environment, &region, &rig->err), code);
    assert_string_equal(dm_buf_z(&region), expected);
}

static void a_region_comes_from_variables_or_the_profile(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    assert_region(&rig, DM_NOT_FOUND, "");
    write_file(&rig, "config", "[default]\nregion=eu-west-1\n[profile work]\nregion = ap-south-1\n");
    assert_region(&rig, DM_OK, "eu-west-1");
    rig.variables[0] = "AWS_PROFILE=work";
    assert_region(&rig, DM_OK, "ap-south-1");
    rig.variables[1] = "AWS_DEFAULT_REGION=us-west-2";
    assert_region(&rig, DM_OK, "us-west-2");
    rig.variables[2] = "AWS_REGION=us-east-2";
    assert_region(&rig, DM_OK, "us-east-2");
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_go_before_files),
        cmocka_unit_test(half_a_pair_of_variables_is_an_error_and_not_the_next_place),
        cmocka_unit_test(a_profile_is_read_from_the_shared_files),
        cmocka_unit_test(the_config_file_adds_what_the_credentials_file_does_not_say),
        cmocka_unit_test(other_files_may_be_named),
        cmocka_unit_test(servers_are_asked_in_their_order_around_the_profile),
        cmocka_unit_test(a_profile_that_nobody_knows_is_an_error),
        cmocka_unit_test(what_docmill_cannot_use_is_named_and_not_passed_over),
        cmocka_unit_test(a_line_that_is_none_is_told_by_its_number_alone),
        cmocka_unit_test(a_file_that_is_none_or_too_large_is_an_error),
        cmocka_unit_test(a_region_comes_from_variables_or_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
