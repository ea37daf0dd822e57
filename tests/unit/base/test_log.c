/* test_log.c: a line is one JSON object or one readable line, whatever stands in its fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/log.h"

/* ---- standard error, elsewhere ----------------------------------------------------------------------------------- */

/* What `event` with `fields` writes while standard error is `to`; read back from `from`. */
static size_t capture(int to, int from, const struct dm_log_field *fields, char *text, size_t size)
{
    (void)fflush(stderr);
    int kept = dup(STDERR_FILENO);
    assert_int_not_equal(dup2(to, STDERR_FILENO), -1);
    dm_log_fields(DM_LOG_ERROR, DM_EV_REQUEST, fields);
    assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
    (void)close(kept);
    size_t len = 0;
    struct pollfd ready = { .fd = from, .events = POLLIN };
    while ((len == 0 || text[len - 1] != '\n') && poll(&ready, 1, 2000) == 1) {
        ssize_t got = read(from, text + len, size - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
    }
    text[len] = '\0';
    return len;
}

/* The one line as JSON. */
static json_t *logged(const struct dm_log_field *fields)
{
    static char text[32 * 1024];
    int ends[2];
    dm_log_setup(DM_LOG_INFO, NULL, NULL);
    assert_int_equal(pipe(ends), 0);
    size_t len = capture(ends[1], ends[0], fields, text, sizeof(text));
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_true(len > 0);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    for (size_t i = 0; i + 1 < len; i++)
        assert_true((unsigned char)text[i] >= 0x20);
    json_t *line = NULL;
    struct dm_err err = { 0 };
    if (dm_json_parse(dm_str_of(text, len), "the line", &line, &err) != DM_OK)
        fail_msg("%s: %s", err.text, text);
    return line;
}

static void given_no_terminal_then_a_line_is_one_json_object_with_time_level_event_and_fields(void **state)
{
    (void)state;
    const struct dm_log_field fields[] = {
        dm_f_z("tenant", "acme"), dm_f_int("pages", -3), dm_f_z("none", NULL), { 0 }
    };
    json_auto_t *line = logged(fields);
    int64_t at;
    assert_true(dm_time_parse(dm_json_str(line, "time"), &at));
    assert_true(at > 1700000000000);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "event")), "request");
    assert_string_equal(json_string_value(json_object_get(line, "tenant")), "acme");
    assert_int_equal(dm_json_int(line, "pages", 0), -3);
    assert_string_equal(json_string_value(json_object_get(line, "none")), "");
    assert_int_equal(json_object_size(line), 6);
}

static void given_hostile_field_text_then_the_line_stays_one_object_that_holds_it(void **state)
{
    (void)state;
    static const struct dm_str texts[] = {
        DM_STR_INIT("\"}\n{\"level\":\"error\",\"event\":\"forged\"}\n"),
        DM_STR_INIT("\\\",\"level\":\"info"),
        DM_STR_INIT("\r\x1b[2J\a\b\t\v\x7f"),
        DM_STR_INIT("%s%n%d"),
        DM_STR_INIT("\xe2\x80\xa8\xc2\x9b"),
    };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        const struct dm_log_field fields[] = { dm_f_str("text", texts[i]), { 0 } };
        json_auto_t *line = logged(fields);
        assert_true(dm_str_eq(dm_json_str(line, "text"), texts[i]));
        assert_string_equal(json_string_value(json_object_get(line, "event")), "request");
    }
    const struct dm_log_field broken[] = { dm_f_z("text", "a\xff"), { 0 } };
    json_auto_t *line = logged(broken);
    assert_string_equal(json_string_value(json_object_get(line, "text")), "a\xef\xbf\xbd");
    char all[256];
    for (int c = 0; c < 256; c++)
        all[c] = (char)(c ? c : 1);
    const struct dm_log_field every[] = { dm_f_str("text", dm_str_of(all, sizeof(all))), { 0 } };
    json_auto_t *other = logged(every);
    assert_true(dm_json_str(other, "text").len > 256);
}

static void given_fields_of_every_size_then_what_does_not_fit_is_left_out_and_the_line_is_written(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 1, sizeof(text)); /* each becomes six bytes */
    for (size_t len = 0; len<sizeof(text); len += len> 1300 && len < 1400 ? 1 : 97) {
        const struct dm_log_field fields[] = {
            dm_f_z("first", "1"), dm_f_str("text", dm_str_of(text, len)), dm_f_int("last", 2), { 0 }
        };
        json_auto_t *line = logged(fields);
        assert_int_equal(dm_json_str(line, "first").len, 1);
        assert_int_equal(dm_json_int(line, "last", 0), 2);
        bool cut = json_is_true(json_object_get(line, "cut"));
        assert_int_equal(cut, !json_object_get(line, "text"));
        assert_int_equal(cut, len > 1342);
    }
    struct dm_log_field many[3000];
    for (size_t i = 0; i + 1 < DM_COUNT(many); i++) {
        static char names[DM_COUNT(many)][8];
        (void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
        many[i] = dm_f_int(names[i], 1);
    }
    many[DM_COUNT(many) - 1] = (struct dm_log_field){ 0 };
    json_auto_t *line = logged(many);
    assert_true(json_is_true(json_object_get(line, "cut")));
}

static void given_a_terminal_then_hostile_text_neither_ends_the_line_nor_reaches_the_terminal_raw(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (terminal < 0)
        skip();
    struct termios raw;
    assert_int_equal(tcgetattr(terminal, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(terminal, TCSANOW, &raw), 0);
    dm_log_setup(DM_LOG_INFO, NULL, NULL);
    char text[4096];
    const struct dm_log_field hostile[] = { dm_f_z("plain", "acme"),
                                            dm_f_int("n", 7),
                                            dm_f_z("a", "x\ry\bz"),
                                            dm_f_z("b", "\x1b]0;title\a"),
                                            dm_f_z("c", "\xc2\x9b"
                                                        "2J"),
                                            dm_f_z("d", "two words"),
                                            dm_f_z("e", "x\nforged"),
                                            { 0 } };
    size_t len = capture(terminal, master, hostile, text, sizeof(text));
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    assert_non_null(strstr(text, "acme"));
    assert_non_null(strstr(text, "\"two words\""));
    assert_non_null(strstr(text, "\"x\\nforged\""));
    assert_null(strpbrk(text, "\r\b\a"));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, " error "));
    dm_log_colour(true);
    len = capture(terminal, master, hostile, text, sizeof(text));
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    assert_non_null(strstr(text, "\x1b[31m"));
    assert_null(strstr(text, "\x1b]"));
    dm_log_colour(false);
    static char huge[9000];
    memset(huge, 'x', sizeof(huge) - 1);
    const struct dm_log_field large[] = { dm_f_z("a", huge), dm_f_z("b", "kept"), { 0 } };
    len = capture(terminal, master, large, text, sizeof(text));
    assert_true(len < 200);
    assert_non_null(strstr(text, "kept"));
    assert_non_null(strstr(text, "(cut)\n"));
    (void)close(terminal);
    (void)close(master);
}

/* ---- a sink ------------------------------------------------------------------------------------------------------ */

struct seen {
    unsigned lines;
    enum dm_log_level level;
    enum dm_log_event event;
    int64_t number;
};

static void take(void *self, enum dm_log_level level, enum dm_log_event event, const struct dm_log_field *fields)
{
    struct seen *seen = self;
    seen->lines++;
    seen->level = level;
    seen->event = event;
    seen->number = fields->name ? fields->number : -1;
}

static void given_a_least_level_then_only_lines_of_it_and_above_reach_the_sink(void **state)
{
    (void)state;
    for (int least = DM_LOG_DEBUG; least <= DM_LOG_OFF; least++) {
        struct seen seen = { 0 };
        dm_log_setup((enum dm_log_level)least, take, &seen);
        for (int level = DM_LOG_DEBUG; level <= DM_LOG_OFF; level++) {
            unsigned before = seen.lines;
            dm_log((enum dm_log_level)level, DM_EV_PAGE_RETRY, dm_f_int("page", level));
            bool expected = level >= least && level != DM_LOG_OFF;
            assert_int_equal(seen.lines - before, expected);
            if (expected) {
                assert_int_equal(seen.level, level);
                assert_int_equal(seen.event, DM_EV_PAGE_RETRY);
                assert_int_equal(seen.number, level);
            }
        }
    }
    dm_log_setup(DM_LOG_INFO, NULL, NULL);
}

static void given_the_list_of_events_then_each_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int event = 0; event < DM_LOG_EVENT_COUNT; event++) {
        assert_true(dm_log_event_text((enum dm_log_event)event)[0] != '\0');
        for (int other = 0; other < event; other++)
            assert_string_not_equal(dm_log_event_text((enum dm_log_event)event),
                                    dm_log_event_text((enum dm_log_event)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_no_terminal_then_a_line_is_one_json_object_with_time_level_event_and_fields),
        cmocka_unit_test(given_hostile_field_text_then_the_line_stays_one_object_that_holds_it),
        cmocka_unit_test(given_fields_of_every_size_then_what_does_not_fit_is_left_out_and_the_line_is_written),
        cmocka_unit_test(given_a_terminal_then_hostile_text_neither_ends_the_line_nor_reaches_the_terminal_raw),
        cmocka_unit_test(given_a_least_level_then_only_lines_of_it_and_above_reach_the_sink),
        cmocka_unit_test(given_the_list_of_events_then_each_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
