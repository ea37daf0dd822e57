/* test_progress.c: text and progress at given widths, on terminals and off them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"

enum { ROOM = 64 * 1024 };

static const struct dm_look plain = { .columns = 80 };

static struct dm_progress half_way(void)
{
    return (struct dm_progress){
        .label = DM_STR("report.pdf"), .status = DM_STR("processing"), .ended = 50, .pages = 100, .left_ms = 12000
    };
}

static void assert_bar(struct dm_progress progress, struct dm_look look, const char *expected)
{
    DM_AUTO(dm_buf) line = dm_buf_make(ROOM);
    dm_progress_bar(&line, &progress, &look);
    assert_string_equal(dm_buf_z(&line), expected);
}

/* ---- bars -------------------------------------------------------------------------------------------------------- */

static void a_bar_says_what_how_far_and_how_long(void **state)
{
    (void)state;
    assert_bar(half_way(), plain, "report.pdf  [##############--------------]   50 %  50/100 pages  12 s left");
    struct dm_progress failed = half_way();
    failed.failed = 3;
    assert_bar(failed, (struct dm_look){ .columns = 120 },
               "report.pdf  [##############--------------]   50 %  50/100 pages, 3 failed  12 s left");
}

static void a_bar_is_drawn_finer_where_the_terminal_can(void **state)
{
    (void)state;
    struct dm_progress progress = half_way();
    progress.ended = 51;
    progress.left_ms = -1;
    assert_bar(
        progress, (struct dm_look){ .columns = 47, .utf8 = true },
        "report.pdf  \xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x8b\xe2\x96\x91"
        "\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91   51 %  51/100 pages");
}

static void without_pages_there_is_no_bar_but_a_word(void **state)
{
    (void)state;
    struct dm_progress progress = { .label = DM_STR("report.pdf"), .status = DM_STR("chunking"), .left_ms = -1 };
    assert_bar(progress, plain, "report.pdf  counting pages");
}

static void many_documents_are_counted(void **state)
{
    (void)state;
    struct dm_progress progress = half_way();
    progress.label = DM_STR("all");
    progress.documents = 7;
    progress.documents_ended = 2;
    progress.left_ms = -1;
    assert_bar(progress, plain, "all  [##############--------------]   50 %  2/7 documents, 50/100 pages");
}

static void an_upload_is_measured_in_bytes(void **state)
{
    (void)state;
    struct dm_progress progress = { .label = DM_STR("a.pdf"),
                                    .status = DM_STR("uploading"),
                                    .left_ms = -1,
                                    .bytes = 4 * 1048576,
                                    .bytes_sent = 1048576 };
    assert_bar(progress, plain, "a.pdf  [#######---------------------]   25 %  1.0 MB of 4.0 MB");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const char *const labels[] = {
        "", "a", "a name that is by far too long for any of the terminals in this test.pdf",
        "\xe6\x96\x87\xe6\x9b\xb8\xe6\x96\x87\xe6\x9b\xb8\xe6\x96\x87\xe6\x9b\xb8.pdf"
    };
    for (uint32_t columns = 20; columns <= 140; columns++) {
        for (size_t i = 0; i < DM_COUNT(labels); i++) {
            for (int utf8 = 0; utf8 < 2; utf8++) {
                struct dm_progress progress = { .label = dm_str_z(labels[i]),
                                                .status = DM_STR("processing"),
                                                .ended = 12345,
                                                .failed = 17,
                                                .pages = 99999,
                                                .documents = 12,
                                                .left_ms = 3600000 };
                struct dm_look look = { .columns = columns, .utf8 = utf8 };
                DM_AUTO(dm_buf) line = dm_buf_make(ROOM);
                dm_progress_bar(&line, &progress, &look);
                if (dm_text_width(dm_buf_str(&line)) >= (columns > 20 ? columns : 80))
                    fail_msg("%u columns: %s", columns, dm_buf_z(&line));
            }
        }
    }
}

static void a_name_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct dm_progress progress = half_way();
    progress.label = DM_STR("a\033[2J\r\nb\x80.pdf");
    DM_AUTO(dm_buf) line = dm_buf_make(ROOM);
    dm_progress_bar(&line, &progress, &(struct dm_look){ .columns = 80, .utf8 = true });
    assert_null(strpbrk(dm_buf_z(&line), "\033\r\n\x80"));
}

/* ---- the reporter ------------------------------------------------------------------------------------------------ */

struct rig {
    int pipe[2];
    struct dm_reporter reporter;
    char said[8192];
};

static struct rig rig_make(bool live)
{
    struct rig rig = { .said = "" };
    assert_int_equal(pipe(rig.pipe), 0);
    assert_int_equal(fcntl(rig.pipe[0], F_SETFL, O_NONBLOCK), 0);
    rig.reporter = (struct dm_reporter){ .look = { .columns = 80 }, .live = live, .fd = rig.pipe[1] };
    return rig;
}

static const char *rig_said(struct rig *rig)
{
    ssize_t got = read(rig->pipe[0], rig->said, sizeof(rig->said) - 1);
    rig->said[got > 0 ? got : 0] = '\0';
    return rig->said;
}

static void rig_free(struct rig *rig)
{
    dm_reporter_end(&rig->reporter);
    (void)close(rig->pipe[0]);
    (void)close(rig->pipe[1]);
}

static void off_a_terminal_lines_are_few(void **state)
{
    (void)state;
    struct rig rig = rig_make(false);
    struct dm_progress progress = half_way();
    uint32_t lines = 0;
    for (uint32_t i = 0; i <= 1000; i++) {
        progress.pages = 1000;
        progress.ended = i;
        dm_reporter_show(&rig.reporter, &progress, 1000 + (int64_t)i * 50);
        for (const char *at = rig_said(&rig); *at; at++)
            lines += *at == '\n';
        assert_null(strchr(rig.said, '\r'));
    }
    assert_in_range(lines, 5, 15);
    rig_free(&rig);
}

static void off_a_terminal_a_new_status_is_told_once_it_takes_long(void **state)
{
    (void)state;
    struct rig rig = rig_make(false);
    struct dm_progress progress = { .label = DM_STR("a.pdf"), .status = DM_STR("pending"), .left_ms = -1 };
    dm_reporter_show(&rig.reporter, &progress, 1000);
    assert_string_equal(rig_said(&rig), "");
    dm_reporter_show(&rig.reporter, &progress, 2000);
    assert_string_equal(rig_said(&rig), "a.pdf: waiting\n");
    progress.status = DM_STR("chunking");
    dm_reporter_show(&rig.reporter, &progress, 2001);
    assert_string_equal(rig_said(&rig), "a.pdf: counting pages\n");
    rig_free(&rig);
}

static void on_a_terminal_a_line_is_cleared_before_another_is_said(void **state)
{
    (void)state;
    struct rig rig = rig_make(true);
    struct dm_progress progress = half_way();
    dm_reporter_show(&rig.reporter, &progress, 1000);
    assert_null(strchr(rig_said(&rig), '\n'));
    dm_reporter_say(&rig.reporter, DM_STR("done"));
    assert_string_equal(rig_said(&rig), "\r\033[Kdone\n");
    dm_reporter_end(&rig.reporter);
    assert_string_equal(rig_said(&rig), "");
    rig_free(&rig);
}

static void a_silent_reporter_says_nothing(void **state)
{
    (void)state;
    struct rig rig = rig_make(true);
    struct dm_progress progress = half_way();
    rig.reporter.silent = true;
    dm_reporter_show(&rig.reporter, &progress, 1000);
    dm_reporter_say(&rig.reporter, DM_STR("done"));
    assert_string_equal(rig_said(&rig), "");
    rig_free(&rig);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void text_is_cut_with_an_ellipsis(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(ROOM);
    struct dm_look utf8 = { .utf8 = true };
    dm_text_add_fit(&buf, DM_STR("abcdefghij"), 10, &utf8);
    assert_string_equal(dm_buf_z(&buf), "abcdefghij");
    dm_buf_clear(&buf);
    dm_text_add_fit(&buf, DM_STR("abcdefghij"), 6, &utf8);
    assert_string_equal(dm_buf_z(&buf), "abcde\xe2\x80\xa6");
    dm_buf_clear(&buf);
    dm_text_add_fit(&buf, DM_STR("abcdefghij"), 6, &plain);
    assert_string_equal(dm_buf_z(&buf), "abc...");
}

static void a_terminal_that_knows_only_ascii_gets_only_ascii(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(ROOM);
    dm_text_add_clean(&buf, DM_STR("r\xc3\xa9port"), &plain);
    assert_string_equal(dm_buf_z(&buf), "r?port");
}

static void numbers_read_like_speech(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = { { 0, "0 B" },          { 1023, "1023 B" },    { 1024, "1.0 KB" },
                  { 358400, "350 KB" },  { 1023000, "999 KB" }, { 1023500, "1.0 MB" },
                  { 1258291, "1.2 MB" }, { 26214400, "25 MB" }, { 3221225472, "3.0 GB" } };
    static const struct {
        int64_t ms;
        const char *text;
    } spans[] = { { 0, "0 ms" },       { 340, "340 ms" },   { 9900, "9.9 s" },       { 12000, "12 s" },
                  { 119000, "119 s" }, { 180000, "3 min" }, { 7500000, "2 h 5 min" } };
    for (size_t i = 0; i < DM_COUNT(sizes); i++) {
        DM_AUTO(dm_buf) buf = dm_buf_make(ROOM);
        dm_text_add_bytes(&buf, sizes[i].bytes);
        assert_string_equal(dm_buf_z(&buf), sizes[i].text);
    }
    for (size_t i = 0; i < DM_COUNT(spans); i++) {
        DM_AUTO(dm_buf) buf = dm_buf_make(ROOM);
        dm_text_add_duration(&buf, spans[i].ms);
        assert_string_equal(dm_buf_z(&buf), spans[i].text);
    }
}

static void paragraphs_are_wrapped_and_what_is_indented_stays(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(ROOM);
    dm_text_add_wrapped(
        &buf, DM_STR("one two three four five six\n\n    as it is, however long it may be for this width"), 2, 22);
    assert_string_equal(dm_buf_z(&buf), "  one two three four\n  five six\n\n"
                                        "      as it is, however long it may be for this width\n");
}

static void a_table_shrinks_its_flexible_column(void **state)
{
    (void)state;
    struct dm_arena arena = dm_arena_make(ROOM);
    struct dm_table table = { .arena = &arena, .columns = 2, .flexible = 1 };
    dm_table_add(&table, DM_STR("PAGE"), DM_TONE_PLAIN);
    dm_table_add(&table, DM_STR("WHAT"), DM_TONE_PLAIN);
    dm_table_add(&table, DM_STR("1"), DM_TONE_PLAIN);
    dm_table_add(&table, DM_STR("a summary that does not fit"), DM_TONE_PLAIN);
    DM_AUTO(dm_buf) wide = dm_buf_make(ROOM);
    dm_table_print(&table, &(struct dm_look){ .columns = 0 }, &wide);
    assert_string_equal(dm_buf_z(&wide), "PAGE  WHAT\n1     a summary that does not fit\n");
    DM_AUTO(dm_buf) narrow = dm_buf_make(ROOM);
    dm_table_print(&table, &(struct dm_look){ .columns = 20 }, &narrow);
    assert_string_equal(dm_buf_z(&narrow), "PAGE  WHAT\n1     a summary t...\n");
    dm_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bar_says_what_how_far_and_how_long),
        cmocka_unit_test(a_bar_is_drawn_finer_where_the_terminal_can),
        cmocka_unit_test(without_pages_there_is_no_bar_but_a_word),
        cmocka_unit_test(many_documents_are_counted),
        cmocka_unit_test(an_upload_is_measured_in_bytes),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(a_name_cannot_steer_the_terminal),
        cmocka_unit_test(off_a_terminal_lines_are_few),
        cmocka_unit_test(off_a_terminal_a_new_status_is_told_once_it_takes_long),
        cmocka_unit_test(on_a_terminal_a_line_is_cleared_before_another_is_said),
        cmocka_unit_test(a_silent_reporter_says_nothing),
        cmocka_unit_test(text_is_cut_with_an_ellipsis),
        cmocka_unit_test(a_terminal_that_knows_only_ascii_gets_only_ascii),
        cmocka_unit_test(numbers_read_like_speech),
        cmocka_unit_test(paragraphs_are_wrapped_and_what_is_indented_stays),
        cmocka_unit_test(a_table_shrinks_its_flexible_column),
    };
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* where it is missing every character counts one column */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
