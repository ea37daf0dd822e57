/* test_settings.c: where a setting's value comes from, what is refused, and that the table itself is in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/settings.h"

enum { ROOM = 64 * 1024 };

struct rig {
    struct dm_settings settings;
    struct dm_setting_values values;
    struct dm_buf faults;
    const char *flags[DM_SETTINGS_MAX];
    const char *environment[16];
    char config[64];
    struct dm_parameter parameter[8];
    struct dm_parameters parameters;
    uint32_t wrong;
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig->faults = dm_buf_make(ROOM);
    rig->environment[0] = "HOME=/home/ann";
    *state = rig;
    return 0;
}

static void forget_parameters(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->parameters.count; i++)
        dm_secret_free(&rig->parameter[i].value);
    rig->parameters = (struct dm_parameters){ .at = NULL };
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    forget_parameters(rig);
    dm_settings_free(&rig->settings);
    dm_buf_free(&rig->faults);
    if (rig->config[0])
        (void)unlink(rig->config);
    free(rig);
    return 0;
}

static void environment(struct rig *rig, const char *line)
{
    size_t i = 0;
    while (rig->environment[i])
        i++;
    rig->environment[i] = line;
}

static void flag(struct rig *rig, const char *name, const char *value)
{
    uint32_t count;
    rig->flags[dm_setting_find(dm_str_z(name)) - dm_settings_table(&count)] = value;
}

static void config(struct rig *rig, const char *text)
{
    (void)snprintf(rig->config, sizeof(rig->config), "/tmp/docmill-test-XXXXXX");
    int fd = mkstemp(rig->config);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static struct dm_settings *load(struct rig *rig, unsigned users)
{
    struct dm_setting_sources sources = { .flags = rig->flags,
                                          .environment = rig->environment,
                                          .config = rig->config[0] ? rig->config : NULL,
                                          .parameters = &rig->parameters };
    dm_settings_free(&rig->settings);
    dm_buf_clear(&rig->faults);
    rig->wrong = dm_settings_load(&sources, users, &rig->settings, &rig->values, &rig->faults);
    return &rig->settings;
}

static void assert_fault(struct rig *rig, const char *part)
{
    if (!strstr(dm_buf_z(&rig->faults), part))
        fail_msg("\"%s\" is not among the faults:\n%s", part, dm_buf_z(&rig->faults));
}

/* Names and values are borrowed. */
static void parameters(struct rig *rig, const char *const (*pairs)[2], uint32_t count)
{
    struct dm_err err;
    forget_parameters(rig);
    for (uint32_t i = 0; i < count; i++) {
        rig->parameter[i].name = (char *)(uintptr_t)pairs[i][0];
        assert_int_equal(dm_secret_make(dm_str_z(pairs[i][1]), "a value", &rig->parameter[i].value, &err), DM_OK);
    }
    rig->parameters = (struct dm_parameters){ rig->parameter, count };
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void every_row_is_complete_and_its_names_are_its_own(void **state)
{
    (void)state;
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_non_null(table[i].example);
        assert_non_null(table[i].since);
        assert_true(strlen(table[i].help) > 10);
        assert_int_equal(table[i].help[strlen(table[i].help) - 1], '.');
        assert_true(table[i].fallback || table[i].fallback_words);
        assert_true(table[i].users != 0);
        assert_true(table[i].least <= table[i].most);
        for (uint32_t j = 0; j < i; j++) {
            assert_string_not_equal(table[i].name, table[j].name);
            assert_true(table[i].offset != table[j].offset);
            if (table[i].flag && table[j].flag)
                assert_string_not_equal(table[i].flag, table[j].flag);
        }
    }
}

static void every_example_is_accepted(void **state)
{
    struct rig *rig = *state;
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    environment(rig, "GEMINI_MODEL=gemini-2.5-flash"); /* which LLM_PROVIDER needs */
    for (uint32_t i = 0; i < count; i++) {
        memset(rig->flags, 0, sizeof(rig->flags));
        rig->flags[i] = table[i].example;
        (void)load(rig, DM_USER_SERVER | DM_USER_RUN | DM_USER_CLIENT | DM_USER_UPLOAD);
        if (rig->wrong)
            fail_msg("%s", dm_buf_z(&rig->faults));
    }
}

static void every_setting_is_documented_once(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) markdown = dm_buf_make(1024 * 1024);
    dm_settings_markdown(&markdown);
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        char row[80];
        (void)snprintf(row, sizeof(row), "\n| `%s`", table[i].name);
        const char *first = strstr(dm_buf_z(&markdown), row);
        assert_non_null(first);
        const char *next = strstr(first + 1, row);
        assert_true(!next || next[strlen(row)] == '_');
    }
}

static void assert_listens(const struct dm_settings *settings, const char *expected)
{
    char text[DM_ADDRESS_TEXT];
    (void)dm_server_address_text(&settings->address, text);
    assert_string_equal(text, expected);
}

/* ---- where values come from -------------------------------------------------------------------------------------- */

static void without_anything_the_defaults_are_those_of_the_table(void **state)
{
    struct rig *rig = *state;
    struct dm_settings *settings = load(rig, DM_USER_SERVER | DM_USER_RUN | DM_USER_CLIENT);
    assert_int_equal(rig->wrong, 0);
    assert_listens(settings, "127.0.0.1:3005");
    assert_int_equal(settings->sync_bytes_max, DM_MEGABYTE);
    assert_int_equal(settings->sync_wait_ms, 25000);
    assert_int_equal(settings->file_bytes_max, 200ULL * DM_MEGABYTE);
    assert_int_equal(settings->attempts_max, 4);
    assert_int_equal(settings->page_timeout_ms, 30000);
    assert_int_equal(settings->roles, DM_ROLE_API | DM_ROLE_WORKER | DM_ROLE_AGGREGATOR);
    assert_int_equal(settings->log_level, DM_LOG_INFO);
    assert_string_equal(settings->data.at, "/home/ann/.local/share/docmill");
    assert_string_equal(settings->store.at, "sqlite:/home/ann/.local/share/docmill/docmill.db");
    assert_string_equal(settings->blobs.at, "file:/home/ann/.local/share/docmill/blobs");
    assert_string_equal(settings->server.at, "http://127.0.0.1:3005");
    assert_string_equal(settings->tenant.at, "default");
}

static void a_flag_wins_over_the_environment_over_the_file_over_the_default(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(load(rig, DM_USER_SERVER)->pages_max, 10000);
    config(rig, "# a comment\n\n  MAX_PAGES = 100  \nMAX_ATTEMPTS=\"7\"\n");
    assert_int_equal(load(rig, DM_USER_SERVER)->pages_max, 100);
    assert_int_equal(rig->settings.attempts_max, 7);
    environment(rig, "MAX_PAGES=200");
    assert_int_equal(load(rig, DM_USER_SERVER)->pages_max, 200);
    flag(rig, "MAX_PAGES", "300");
    assert_int_equal(load(rig, DM_USER_SERVER)->pages_max, 300);
    assert_int_equal(rig->settings.attempts_max, 7);
    assert_int_equal(rig->wrong, 0);
}

static void an_empty_variable_is_none_but_an_empty_flag_is_a_mistake(void **state)
{
    struct rig *rig = *state;
    config(rig, "PORT=4000\n");
    environment(rig, "PORT=");
    assert_listens(load(rig, DM_USER_SERVER), "127.0.0.1:4000");
    assert_int_equal(rig->wrong, 0);
    flag(rig, "PORT", "");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "--port");
}

static void numbers_land_in_the_unit_of_their_kind(void **state)
{
    struct rig *rig = *state;
    environment(rig, "FILE_SIZE_THRESHOLD_MB=0.5");
    environment(rig, "PAGE_TIMEOUT_SECONDS=1.25");
    environment(rig, "RETENTION_PAGES_DAYS=0.5");
    struct dm_settings *settings = load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 0);
    assert_int_equal(settings->sync_bytes_max, DM_MEGABYTE / 2);
    assert_int_equal(settings->page_timeout_ms, 1250);
    assert_int_equal(settings->retention_pages_ms, 12 * 3600 * 1000);
}

static void what_is_little_does_not_become_nothing(void **state)
{
    struct rig *rig = *state;
    environment(rig, "RETENTION_SOURCE_DAYS=0.000001"); /* 0 would mean for ever */
    assert_true(load(rig, DM_USER_SERVER)->retention_source_ms > 0);
}

static void the_data_folder_follows_the_habits_of_the_system(void **state)
{
    struct rig *rig = *state;
    environment(rig, "XDG_DATA_HOME=/data/ann");
    assert_string_equal(load(rig, DM_USER_SERVER)->data.at, "/data/ann/docmill");
    environment(rig, "DOCMILL_DATA=/srv/mill");
    assert_string_equal(load(rig, DM_USER_SERVER)->store.at, "sqlite:/srv/mill/docmill.db");
    rig->environment[0] = NULL;
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "DOCMILL_DATA");
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void every_wrong_setting_is_reported_at_once_with_range_and_example(void **state)
{
    struct rig *rig = *state;
    config(rig, "MAX_ATTEMPTS=many\nMAX_PAGES=3.5\n");
    environment(rig, "PORT=99999");
    environment(rig, "LOG_LEVEL=loud");
    flag(rig, "SYNC_WAIT_SECONDS", "-1");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 5);
    assert_fault(rig, "PORT=99999 (environment): must be 0 to 65535; for example PORT=3005");
    assert_fault(rig, "--sync-wait-seconds -1: must be 0 to 600");
    assert_fault(rig, "LOG_LEVEL=loud (environment): must be debug, info, warn, error or off");
    assert_fault(rig, "line 1): must be 1 to 20");
    assert_fault(rig, "MAX_PAGES=3.5");
}

static void numbers_must_be_whole_words(void **state)
{
    struct rig *rig = *state;
    static const char *const wrong[] = {
        "x", "1x", " 5", "0x10", "1e3", "--5", "1.", ".5", "1..2", "1.1234567", "99999999999999999999"
    };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        flag(rig, "SYNC_WAIT_SECONDS", wrong[i]);
        (void)load(rig, DM_USER_SERVER);
        if (rig->wrong != 1)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void an_url_holds_nothing_that_would_break_a_link(void **state)
{
    struct rig *rig = *state;
    static const char *const wrong[] = { "ftp://h",     "http://",       "http:///x",     "http://:1",
                                         "http://h/ x", "http://h/?x",   "http://h#x",    "http://h/\"x",
                                         "http://h\\x", "http://h/\x7f", "http://h/\xff", "http://h/\xc3\xa4" };
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        flag(rig, "PUBLIC_URL", wrong[i]);
        (void)load(rig, DM_USER_SERVER);
        if (rig->wrong != 1)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    flag(rig, "PUBLIC_URL", "https://docs.example.com:8443/~a/b%20c");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 0);
}

static void a_misspelt_name_in_the_file_gets_its_line_and_the_right_one(void **state)
{
    struct rig *rig = *state;
    config(rig, "PORT=4000\nMAX_PAGE=3\nnonsense\nPORT=5000\n");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 3);
    assert_fault(rig, "line 2: there is no setting MAX_PAGE; did you mean MAX_PAGES?");
    assert_fault(rig, "line 3: is no NAME=value");
    assert_fault(rig, "line 4: PORT is also set in line 1");
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
    struct rig *rig = *state;
    (void)snprintf(rig->config, sizeof(rig->config), "/nonexistent/docmill.conf");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "/nonexistent/docmill.conf: No such file");
}

static void a_fault_shows_no_control_characters_and_no_secret(void **state)
{
    struct rig *rig = *state;
    flag(rig, "MAX_PAGES", "5\033[2J");
    (void)load(rig, DM_USER_SERVER);
    assert_null(strchr(dm_buf_z(&rig->faults), '\033'));
    environment(rig, "LISTEN=1\033[2J\xc2\x9b\xff:x"); /* the sentence about it quotes it again */
    (void)load(rig, DM_USER_SERVER);
    assert_null(strchr(dm_buf_z(&rig->faults), '\033'));
    assert_true(dm_str_is_utf8(dm_buf_str(&rig->faults)));
    assert_null(strstr(dm_buf_z(&rig->faults), "\xc2\x9b"));
    flag(rig, "DOCMILL_PASSWORD", "");
    (void)load(rig, DM_USER_UPLOAD);
    assert_fault(rig, "--password ***");
}

static void a_value_that_is_too_long_is_refused_rather_than_left_out(void **state)
{
    struct rig *rig = *state;
    char *path = calloc(1, 600 * 1024);
    assert_non_null(path);
    memset(path, 'x', 600 * 1024 - 1);
    flag(rig, "DOCMILL_DATA", path);
    (void)load(rig, DM_USER_SERVER);
    assert_fault(rig, "is too long");
    path[300 * 1024] = '\0'; /* fits, but the paths that are made of it do not */
    (void)load(rig, DM_USER_SERVER);
    assert_fault(rig, "is too long");
    free(path);
}

static void a_client_does_not_mind_the_servers_settings(void **state)
{
    struct rig *rig = *state;
    environment(rig, "PORT=99999");
    (void)load(rig, DM_USER_CLIENT);
    assert_int_equal(rig->wrong, 0);
}

static void only_loopback_is_listened_on(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum dm_code code;
    } cases[] = {
        { "127.0.0.1:3005", DM_OK },      { "127.8.9.1:1", DM_OK },      { "[::1]:3005", DM_OK },
        { "localhost:0", DM_OK },         { "0.0.0.0:3005", DM_DENIED }, { "192.168.1.1:3005", DM_DENIED },
        { "[::]:3005", DM_DENIED },       { ":3005", DM_DENIED },        { "[::ffff:10.0.0.1]:1", DM_DENIED },
        { "127.0.0.1", DM_INVALID },      { "127.0.0.1:", DM_INVALID },  { "localhost:99999", DM_INVALID },
        { "localhost:http", DM_INVALID },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_address address;
        if (dm_listen_parse(dm_str_z(cases[i].text), &address, NULL) != cases[i].code)
            fail_msg("%s", cases[i].text);
    }
}

static void listening_elsewhere_says_why_not(void **state)
{
    struct rig *rig = *state;
    environment(rig, "LISTEN=0.0.0.0:3005");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "is not loopback");
    assert_fault(rig, "ssh -L");
}

static void blobs_on_s3_may_be_said_in_the_words_of_aws(void **state)
{
    struct rig *rig = *state;
    environment(rig, "S3_BUCKET_NAME=docs");
    environment(rig, "S3_RESULTS_BUCKET=docs.results");
    environment(rig, "S3_ENCRYPTION=aws:kms");
    assert_string_equal(load(rig, DM_USER_SERVER)->blobs.at, "s3:docs");
    assert_string_equal(rig->settings.s3_results_bucket.at, "docs.results");
    environment(rig, "BLOBS=s3:docs/below");
    assert_string_equal(load(rig, DM_USER_SERVER)->blobs.at, "s3:docs/below");
    assert_int_equal(rig->wrong, 0);
}

static void a_ledger_in_dynamodb_may_be_said_in_the_words_of_aws(void **state)
{
    struct rig *rig = *state;
    environment(rig, "DYNAMODB_TABLE_NAME=docmill");
    assert_string_equal(load(rig, DM_USER_SERVER)->store.at, "dynamodb:docmill");
    environment(rig, "STORE=dynamodb:docmill");
    assert_string_equal(load(rig, DM_USER_SERVER)->store.at, "dynamodb:docmill");
    assert_int_equal(rig->wrong, 0);
}

static void two_places_for_the_ledger_are_a_mistake(void **state)
{
    static const char *const values[] = { "STORE=dynamodb:docmill2", "STORE=sqlite:docmill", "STORE=sqlite:/docmill" };
    struct rig *rig = *state;
    size_t place = 0;
    environment(rig, "DYNAMODB_TABLE_NAME=docmill");
    while (rig->environment[place])
        place++;
    for (size_t i = 0; i < DM_COUNT(values); i++) {
        rig->environment[place] = values[i];
        (void)load(rig, DM_USER_SERVER);
        assert_int_equal(rig->wrong, 1);
        assert_fault(rig, "DYNAMODB_TABLE_NAME");
        assert_fault(rig, "STORE say otherwise");
    }
}

static void a_name_that_no_table_has_is_refused(void **state)
{
    static const char *const values[] = { "STORE=dynamodb:", "STORE=dynamodb:ab", "STORE=dynamodb:a b c",
                                          "DYNAMODB_TABLE_NAME=a/b/c" };
    struct rig *rig = *state;
    size_t place = 0;
    while (rig->environment[place])
        place++;
    for (size_t i = 0; i < DM_COUNT(values); i++) {
        rig->environment[place] = values[i];
        (void)load(rig, DM_USER_SERVER);
        assert_int_equal(rig->wrong, 1);
        assert_fault(rig, "needs the name of a table");
    }
}

static void two_places_for_blobs_are_a_mistake(void **state)
{
    struct rig *rig = *state;
    environment(rig, "S3_BUCKET_NAME=docs");
    environment(rig, "BLOBS=s3:docs2/docs");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "S3_BUCKET_NAME");
    assert_fault(rig, "BLOBS say otherwise");
}

static void an_encryption_that_s3_does_not_have_is_refused(void **state)
{
    struct rig *rig = *state;
    environment(rig, "S3_ENCRYPTION=rot13");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig, "must be AES256 or aws:kms");
}

static void a_name_that_no_bucket_has_is_refused(void **state)
{
    struct rig *rig = *state;
    static const char *const values[] = { "BLOBS=s3:", "BLOBS=s3:/docs", "BLOBS=s3:Docs", "BLOBS=s3:a..b",
                                          "S3_BUCKET_NAME=a b" };
    size_t place = 0;
    while (rig->environment[place])
        place++;
    for (size_t i = 0; i < DM_COUNT(values); i++) {
        rig->environment[place] = values[i];
        (void)load(rig, DM_USER_SERVER);
        assert_int_equal(rig->wrong, 1);
        assert_fault(rig, "needs the name of a bucket");
    }
}

static void what_is_not_there_yet_is_refused_with_what_is(void **state)
{
    struct rig *rig = *state;
    environment(rig, "MODEL=nobody:some-model");
    environment(rig, "STORE=postgres:docs");
    environment(rig, "STREAM=kinesis:docs");
    environment(rig, "BLOBS=gcs:docs");
    environment(rig, "AUTH=on");
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 5);
    assert_fault(rig, "there are extractive, gemini, bedrock, openai and anthropic");
    assert_fault(rig, "is neither sqlite:PATH nor dynamodb:TABLE");
    assert_fault(rig, "must be file:DIR, s3:BUCKET or s3:BUCKET/PREFIX");
    assert_fault(rig, "there are no keys yet");
}

static void assert_model(struct rig *rig, const char *model)
{
    const struct dm_settings *settings = load(rig, DM_USER_RUN);
    if (rig->wrong)
        fail_msg("%s", dm_buf_z(&rig->faults));
    assert_string_equal(settings->model.at, model);
}

static void a_model_may_be_said_in_two_parts(void **state)
{
    struct rig *rig = *state;
    environment(rig, "GEMINI_MODEL=gemini-2.5-pro");
    environment(rig, "BEDROCK_MODEL_ID=amazon.nova-lite-v1:0");
    assert_model(rig, "extractive:"); /* other programs have such variables, too */
    config(rig, "LLM_PROVIDER=gemini\n");
    assert_model(rig, "gemini:gemini-2.5-pro");
    uint32_t count;
    uint32_t row = (uint32_t)(dm_setting_find(DM_STR("MODEL")) - dm_settings_table(&count));
    assert_int_equal(rig->values.of[row].origin, DM_ORIGIN_FILE); /* as `docmill settings` tells it */
    environment(rig, "LLM_PROVIDER=bedrock");
    assert_model(rig, "bedrock:amazon.nova-lite-v1:0");
    flag(rig, "MODEL", "openai:other");
    assert_model(rig, "openai:other");
}

static void a_model_said_in_two_ways_that_differ_is_refused_with_both_names(void **state)
{
    struct rig *rig = *state;
    environment(rig, "MODEL=gemini:gemini-2.5-flash");
    environment(rig, "LLM_PROVIDER=gemini");
    assert_model(rig, "gemini:gemini-2.5-flash");
    environment(rig, "GEMINI_MODEL=gemini-2.5-pro");
    (void)load(rig, DM_USER_RUN);
    assert_int_equal(rig->wrong, 1);
    assert_fault(rig,
                 "MODEL=gemini:gemini-2.5-flash (environment): LLM_PROVIDER=gemini and GEMINI_MODEL=gemini-2.5-pro "
                 "say otherwise");
    rig->environment[2] = "LLM_PROVIDER=extractive";
    (void)load(rig, DM_USER_RUN);
    assert_fault(rig, "MODEL=gemini:gemini-2.5-flash (environment): LLM_PROVIDER=extractive says otherwise");
}

static void half_a_model_is_refused(void **state)
{
    struct rig *rig = *state;
    environment(rig, "LLM_PROVIDER=openai");
    (void)load(rig, DM_USER_RUN);
    assert_fault(rig, "LLM_PROVIDER=openai (environment): needs the name of a model beside it, as in "
                      "OPENAI_MODEL=gpt-4.1-mini");
    environment(rig, "OPENAI_MODEL=two words");
    (void)load(rig, DM_USER_RUN);
    assert_fault(rig, "OPENAI_MODEL=two words (environment): must name a model of openai");
    rig->environment[1] = "LLM_PROVIDER=openia";
    (void)load(rig, DM_USER_RUN);
    assert_fault(rig,
                 "LLM_PROVIDER=openia (environment): must be the name of a provider; there are extractive, gemini");
    rig->environment[1] = "LLM_PROVIDER=extractive";
    assert_model(rig, "extractive:");
}

static void roles_are_a_list(void **state)
{
    struct rig *rig = *state;
    flag(rig, "DOCMILL_ROLE", "api,worker");
    assert_int_equal(load(rig, DM_USER_SERVER)->roles, DM_ROLE_API | DM_ROLE_WORKER);
    flag(rig, "DOCMILL_ROLE", "aggregator");
    assert_int_equal(load(rig, DM_USER_SERVER)->roles, DM_ROLE_AGGREGATOR);
    flag(rig, "DOCMILL_ROLE", "api,cook");
    (void)load(rig, DM_USER_SERVER);
    assert_fault(rig, "must be all, api, worker or aggregator, or several with commas");
}

/* ---- parameters of SSM ------------------------------------------------------------------------------------------- */

static void a_parameter_is_the_setting_of_its_last_part_in_either_spelling(void **state)
{
    struct rig *rig = *state;
    static const char *const pairs[][2] = { { "gemini-api-key", "k1\n" },
                                            { "limits/MAX_PAGES", "9" },
                                            { DM_KMS_MAC_PARAMETER, "…" } };
    parameters(rig, pairs, DM_COUNT(pairs));
    const struct dm_settings *settings = load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 0);
    assert_string_equal(settings->gemini_key.at, "k1");
    assert_int_equal(settings->pages_max, 9);
    uint32_t count, row = (uint32_t)(dm_setting_find(DM_STR("GEMINI_API_KEY")) - dm_settings_table(&count));
    assert_string_equal(settings->parameters[row], "gemini-api-key");
    assert_int_equal(rig->values.of[row].origin, DM_ORIGIN_PARAMETER);
}

static void a_parameter_goes_before_the_default_alone(void **state)
{
    struct rig *rig = *state;
    static const char *const pairs[][2] = { { "max-pages", "9" },
                                            { "max-attempts", "9" },
                                            { "max-connections", "99" } };
    uint32_t count, row = (uint32_t)(dm_setting_find(DM_STR("MAX_PAGES")) - dm_settings_table(&count));
    parameters(rig, pairs, DM_COUNT(pairs));
    config(rig, "MAX_PAGES=8\n");
    flag(rig, "MAX_ATTEMPTS", "7");
    const struct dm_settings *settings = load(rig, DM_USER_SERVER);
    assert_int_equal(settings->pages_max, 8);
    assert_int_equal(settings->attempts_max, 7);
    assert_int_equal(settings->connections_max, 99);
    assert_null(settings->parameters[row]);
}

static void a_parameter_that_is_no_setting_is_refused_with_the_nearest(void **state)
{
    struct rig *rig = *state;
    static const char *const pairs[][2] = { { "gemini-apikey", "s3cret" }, { "aws-region", "x" },
                                            { "max-pages", "9" },          { "team/MAX_PAGES", "9" },
                                            { "Max-Pages", "9" },          { "model-rpm", "many" } };
    parameters(rig, pairs, DM_COUNT(pairs));
    (void)load(rig, DM_USER_SERVER);
    assert_int_equal(rig->wrong, 5);
    assert_fault(rig, "parameter gemini-apikey: there is no setting gemini-apikey; did you mean GEMINI_API_KEY?");
    assert_fault(rig, "parameter aws-region: is needed to find the parameters");
    assert_fault(rig, "parameter team/MAX_PAGES: is the same setting as another parameter's");
    assert_fault(rig, "there is no setting Max-Pages; did you mean MAX_PAGES?");
    assert_fault(rig, "MODEL_RPM=many (parameter): must be");
    assert_null(strstr(dm_buf_z(&rig->faults), "s3cret"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_row_is_complete_and_its_names_are_its_own),
        T(every_example_is_accepted),
        T(every_setting_is_documented_once),
        T(without_anything_the_defaults_are_those_of_the_table),
        T(a_flag_wins_over_the_environment_over_the_file_over_the_default),
        T(an_empty_variable_is_none_but_an_empty_flag_is_a_mistake),
        T(numbers_land_in_the_unit_of_their_kind),
        T(what_is_little_does_not_become_nothing),
        T(the_data_folder_follows_the_habits_of_the_system),
        T(every_wrong_setting_is_reported_at_once_with_range_and_example),
        T(numbers_must_be_whole_words),
        T(an_url_holds_nothing_that_would_break_a_link),
        T(a_misspelt_name_in_the_file_gets_its_line_and_the_right_one),
        T(a_file_that_is_not_there_is_a_fault),
        T(a_fault_shows_no_control_characters_and_no_secret),
        T(a_value_that_is_too_long_is_refused_rather_than_left_out),
        T(a_client_does_not_mind_the_servers_settings),
        T(only_loopback_is_listened_on),
        T(listening_elsewhere_says_why_not),
        T(blobs_on_s3_may_be_said_in_the_words_of_aws),
        T(a_ledger_in_dynamodb_may_be_said_in_the_words_of_aws),
        T(two_places_for_the_ledger_are_a_mistake),
        T(a_name_that_no_table_has_is_refused),
        T(two_places_for_blobs_are_a_mistake),
        T(an_encryption_that_s3_does_not_have_is_refused),
        T(a_name_that_no_bucket_has_is_refused),
        T(what_is_not_there_yet_is_refused_with_what_is),
        T(a_model_may_be_said_in_two_parts),
        T(a_model_said_in_two_ways_that_differ_is_refused_with_both_names),
        T(half_a_model_is_refused),
        T(roles_are_a_list),
        T(a_parameter_is_the_setting_of_its_last_part_in_either_spelling),
        T(a_parameter_goes_before_the_default_alone),
        T(a_parameter_that_is_no_setting_is_refused_with_the_nearest),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
