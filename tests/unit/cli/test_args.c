/* test_args.c: the command line, the table of subcommands, and the texts made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/nearest.h"

enum { ARGUMENTS_MAX = 16, ROOM = 1024 * 1024 };

struct read {
    bool fine;
    struct dm_options options;
    struct dm_setting_flags settings;
    char *const *operands;
    uint32_t operand_count;
    char faults[4096];
};

/* Splits the line at blanks; the first word is the subcommand. */
static struct read read_line(const char *line)
{
    static char copy[512];
    static char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    struct read read = { .fine = false };
    (void)snprintf(copy, sizeof(copy), "%s", line);
    char *rest = copy;
    memset(argv, 0, sizeof(argv));
    for (char *word; (word = strsep(&rest, " ")) != NULL && argc < ARGUMENTS_MAX;)
        argv[argc++] = word;
    DM_AUTO(dm_buf) faults = dm_buf_make(ROOM);
    const struct dm_command *command = dm_command_find(dm_str_z(argv[0]));
    assert_non_null(command);
    read.fine =
        dm_args_read(command, argc, argv, &read.options, &read.settings, &read.operands, &read.operand_count, &faults);
    (void)snprintf(read.faults, sizeof(read.faults), "%s", dm_buf_z(&faults));
    return read;
}

static void assert_refused(const char *line, const char *part)
{
    struct read read = read_line(line);
    if (read.fine || !strstr(read.faults, part))
        fail_msg("\"%s\" said \"%s\", not \"%s\"", line, read.faults, part);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void flags_may_stand_anywhere_behind_the_command(void **state)
{
    (void)state;
    struct read read = read_line("run a.pdf --format md b.pdf --pages=1-3 --max-pages 5 -q");
    assert_true(read.fine);
    assert_int_equal(read.operand_count, 2);
    assert_string_equal(read.operands[0], "a.pdf");
    assert_string_equal(read.operands[1], "b.pdf");
    assert_string_equal(read.options.format, "md");
    assert_string_equal(read.options.pages, "1-3");
    assert_true(read.options.quiet);
    uint32_t count;
    assert_string_equal(read.settings.of[dm_setting_find(DM_STR("MAX_PAGES")) - dm_settings_table(&count)], "5");
}

static void two_dashes_end_the_flags(void **state)
{
    (void)state;
    struct read read = read_line("run -- --format");
    assert_true(read.fine);
    assert_int_equal(read.operand_count, 1);
    assert_string_equal(read.operands[0], "--format");
    assert_true(read_line("run -").fine); /* standard input */
}

static void an_unknown_flag_gets_the_nearest_one(void **state)
{
    (void)state;
    assert_refused("submit --wiat x", "docmill submit takes no --wiat; did you mean --wait?");
    assert_refused("submit --idempotencykey=1 x", "did you mean --idempotency-key?");
    assert_refused("submit --zzzzzz x", "docmill submit takes no --zzzzzz\n");
    assert_refused("status -z x", "docmill status takes no -z");
    assert_refused("status --listen 127.0.0.1:1 x", "takes no --listen"); /* a setting of serve */
}

static void values_are_checked_by_their_kind(void **state)
{
    (void)state;
    assert_refused("run --format pdf x", "--format takes one of json|md|jsonl");
    assert_refused("submit --timeout 0 x", "--timeout takes a number from 1 to 604800");
    assert_refused("submit --timeout soon x", "--timeout takes a number");
    assert_refused("submit --wait=yes x", "--wait takes no value");
    assert_refused("submit x --pages", "--pages needs a value");
}

static void operands_are_counted(void **state)
{
    (void)state;
    assert_refused("status", "needs the id of a document");
    assert_refused("status a b", "one too many: b");
    assert_refused("jobs x", "one too many");
    assert_true(read_line("pages a 3").fine);
}

static void what_was_given_is_told_without_what_a_terminal_would_obey(void **state)
{
    (void)state;
    assert_refused("status a b\033[31m\xff", "one too many: b?[31m?\n");
    assert_refused("run -\033p", "takes no -?");
    assert_refused("submit --\033[0m x", "takes no --?[0m");
}

static void help_is_found_whatever_else_is_wrong(void **state)
{
    (void)state;
    struct read read = read_line("status --nonsense --help");
    assert_true(read.options.help);
}

static void the_nearest_name_is_near(void **state)
{
    (void)state;
    assert_int_equal(dm_distance(DM_STR("submit"), DM_STR("submit")), 0);
    assert_int_equal(dm_distance(DM_STR("submti"), DM_STR("submit")), 1);
    assert_int_equal(dm_distance(DM_STR("MAX-pages"), DM_STR("max_PAGES")), 0);
    assert_int_equal(dm_distance(DM_STR(""), DM_STR("abc")), 3);
    struct dm_nearest far_off = { .word = DM_STR("frobnicate") };
    dm_nearest_offer(&far_off, "status");
    assert_null(far_off.best);
    struct dm_nearest other_name = { .word = DM_STR("port") };
    dm_nearest_offer(&other_name, "out");
    assert_null(other_name.best);
    struct dm_nearest begun = { .word = DM_STR("comp") };
    dm_nearest_offer(&begun, "jobs");
    dm_nearest_offer(&begun, "completion");
    assert_string_equal(begun.best, "completion");
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

static void every_command_is_complete(void **state)
{
    (void)state;
    uint32_t count;
    const struct dm_command *commands = dm_commands(&count);
    for (uint32_t i = 0; i < count; i++) {
        assert_non_null(commands[i].run);
        assert_non_null(commands[i].text);
        assert_non_null(commands[i].examples[0].line);
        assert_true(commands[i].operands_least == 0 || commands[i].operands_missing);
        assert_true(strlen(commands[i].summary) <= 66); /* one line of a narrow terminal, behind the name */
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(commands[i].name, commands[j].name);
        /* Each example begins with a command that exists. */
        for (int e = 0; e < DM_EXAMPLES_MAX && commands[i].examples[e].line; e++)
            assert_non_null(strstr(commands[i].examples[e].line, "docmill "));
    }
}

static void no_flag_has_two_meanings_within_a_command(void **state)
{
    (void)state;
    uint32_t count, common_count, setting_count;
    const struct dm_command *commands = dm_commands(&count);
    const struct dm_flag *common = dm_common_flags(&common_count);
    const struct dm_setting *settings = dm_settings_table(&setting_count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < commands[i].flag_count; j++) {
            const char *name = commands[i].flags[j].name;
            for (uint32_t k = 0; k < j; k++)
                assert_string_not_equal(name, commands[i].flags[k].name);
            for (uint32_t k = 0; k < common_count; k++)
                assert_string_not_equal(name, common[k].name);
            for (uint32_t k = 0; k < setting_count; k++)
                assert_false(settings[k].flag && (settings[k].users & commands[i].users) &&
                             strcmp(settings[k].flag, name) == 0);
        }
    }
}

static void help_fits_the_terminal(void **state)
{
    (void)state;
    static const uint32_t widths[] = { 60, 80, 100, 200 };
    uint32_t count;
    const struct dm_command *commands = dm_commands(&count);
    for (size_t w = 0; w < DM_COUNT(widths); w++) {
        struct dm_look look = { .columns = widths[w], .utf8 = true };
        for (uint32_t i = 0; i <= count; i++) {
            DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
            if (i < count)
                dm_help_command(&text, &commands[i], &look);
            else
                dm_help_overview(&text, &look);
            assert_false(text.failed);
            struct dm_str rest = dm_buf_str(&text), line;
            while (dm_str_next(&rest, '\n', &line)) {
                bool example = dm_str_starts(line, DM_STR("  docmill"));
                if (dm_text_width(line) > (widths[w] < 100 ? widths[w] : 100) && !example && widths[w] >= 80)
                    fail_msg("over %u columns: %.*s", widths[w], DM_STR_ARG(line));
            }
        }
    }
}

static void help_has_colours_only_where_they_are_wanted(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) plain = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) colored = dm_buf_make(ROOM);
    dm_help_overview(&plain, &(struct dm_look){ .columns = 80, .utf8 = true });
    dm_help_overview(&colored, &(struct dm_look){ .columns = 80, .utf8 = true, .color = true });
    assert_null(strchr(dm_buf_z(&plain), '\033'));
    assert_non_null(strchr(dm_buf_z(&colored), '\033'));
}

static void the_manual_names_every_command_flag_and_setting(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) man = dm_buf_make(ROOM);
    char wanted[128];
    uint32_t count;
    dm_help_man(&man);
    const struct dm_command *commands = dm_commands(&count);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(wanted, sizeof(wanted), "\n.SS docmill %s", commands[i].name);
        assert_non_null(strstr(dm_buf_z(&man), wanted));
    }
    const struct dm_setting *settings = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(wanted, sizeof(wanted), "\n.B %s", settings[i].name);
        assert_non_null(strstr(dm_buf_z(&man), wanted));
    }
    assert_non_null(strstr(dm_buf_z(&man), "\n.B 64\n"));
}

static void exit_statuses_are_those_that_scripts_rely_on(void **state)
{
    (void)state;
    assert_int_equal(DM_EXIT_DONE, 0);
    assert_int_equal(DM_EXIT_FAILED, 1);
    assert_int_equal(DM_EXIT_NOT_KNOWN, 2);
    assert_int_equal(DM_EXIT_USAGE, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_may_stand_anywhere_behind_the_command),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(an_unknown_flag_gets_the_nearest_one),
        cmocka_unit_test(values_are_checked_by_their_kind),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(what_was_given_is_told_without_what_a_terminal_would_obey),
        cmocka_unit_test(help_is_found_whatever_else_is_wrong),
        cmocka_unit_test(the_nearest_name_is_near),
        cmocka_unit_test(every_command_is_complete),
        cmocka_unit_test(no_flag_has_two_meanings_within_a_command),
        cmocka_unit_test(help_fits_the_terminal),
        cmocka_unit_test(help_has_colours_only_where_they_are_wanted),
        cmocka_unit_test(the_manual_names_every_command_flag_and_setting),
        cmocka_unit_test(exit_statuses_are_those_that_scripts_rely_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
