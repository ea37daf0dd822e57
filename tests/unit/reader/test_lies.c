/* test_lies.c: the parent believes nothing. A helper that says what it may not say costs a page, never the
 * parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures.h"
#include "rig.h"

enum { PAGE_MS = 400 };

static struct rig rig;

static int start(void **state)
{
    struct dm_reader_options options = rig_options();
    options.helper_path = DM_TEST_HELPERS "/lying-helper-0";
    options.page_timeout_ms = PAGE_MS;
    options.open_timeout_ms = PAGE_MS;
    options.ocr_timeout_ms = PAGE_MS;
    rig_start(&rig, &options);
    return 0;
}

static int stop(void **state)
{
    rig_stop(&rig);
    return 0;
}

static const struct dm_page_want text_and_lines = { .text = true, .lines = true, .ocr = DM_OCR_NEVER };

static void whatever_a_helper_does_costs_one_page_and_the_next_goes_on(void **state)
{
    static const struct {
        const char *mode;
        enum dm_code code;
    } cases[] = {
        { "hangs", DM_TIMEOUT },
        { "uses up its time", DM_TIMEOUT },
        { "claims much, sends little", DM_TIMEOUT },
        { "faults", DM_CRASHED },
        { "exits", DM_CRASHED },
        { "breaks off", DM_CRASHED },
        { "junk", DM_CRASHED },
        { "oversized frame", DM_CRASHED },
        { "wrong number", DM_CRASHED },
        { "answer to another question", DM_CRASHED },
        { "a parent's own request", DM_CRASHED },
        { "unknown failure", DM_CRASHED },
        { "unasked picture", DM_CRASHED },
        { "unasked PDF", DM_CRASHED },
        { "no UTF-8", DM_CRASHED },
        { "NUL", DM_CRASHED },
        { "text twice", DM_CRASHED },
        { "fails after all", DM_CRASHED },
        { "line past the text", DM_CRASHED },
        { "line with an overflow", DM_CRASHED },
        { "line within a character", DM_CRASHED },
        { "line at no place", DM_CRASHED },
        { "line inside out", DM_CRASHED },
        { "half a line", DM_CRASHED },
        { "lines missing", DM_CRASHED },
        { "endless page", DM_CRASHED },
        { "neither text nor none", DM_CRASHED },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        int fd = file_of(dm_str_z(cases[i].mode));
        uint32_t pages = 0;
        struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
        struct dm_page_content content = { 0 };
        int replaced = rig.replaced;
        enum dm_code rc = dm_reader_page(rig.reader, handle, 1, &text_and_lines, &content, &rig.err);
        if (rc != cases[i].code)
            fail_msg("%s: %s (%s)", cases[i].mode, dm_code_name(rc), rig.err.text);
        assert_int_equal(rig.replaced, replaced + 1);
        assert_null(content.lines);
        rig_expect(&rig, handle, 2, "fine\n");
        dm_reader_close(rig.reader, handle);
        close(fd);
    }
}

static void an_honest_helper_is_believed(void **state)
{
    int fd = file_of(DM_STR("honest"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &text_and_lines, &content, &rig.err), DM_OK);
    assert_string_equal(content.text.at, "fine\n");
    assert_int_equal(content.line_count, 1);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_page_that_shall_be_a_pdf_comes_as_one_or_costs_the_page(void **state)
{
    static const struct {
        const char *mode;
        enum dm_code code;
    } cases[] = { { "PDF honest", DM_OK }, { "PDF that is none", DM_CRASHED }, { "PDF missing", DM_CRASHED } };
    struct dm_page_want want = { .text = true, .lines = true, .ocr = DM_OCR_NEVER, .pdf = true };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        int fd = file_of(dm_str_z(cases[i].mode));
        uint32_t pages = 0;
        struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
        struct dm_page_content content = { 0 };
        enum dm_code rc = dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err);
        if (rc != cases[i].code)
            fail_msg("%s: %s (%s)", cases[i].mode, dm_code_name(rc), rig.err.text);
        assert_string_equal(dm_buf_z(&content.pdf), rc == DM_OK ? "%PDF-1.7" : "");
        dm_page_content_free(&content);
        rig_expect(&rig, handle, 2, "fine\n");
        dm_reader_close(rig.reader, handle);
        close(fd);
    }
}

static void recognition_that_goes_wrong_costs_one_page_and_not_the_open_document(void **state)
{
    static const struct {
        const char *mode;
        enum dm_code code;
    } cases[] = {
        { "scan honest", DM_OK },
        { "scan hangs", DM_TIMEOUT },
        { "scan slow in two parts", DM_TIMEOUT },
        { "scan faults", DM_CRASHED },
        { "scan no UTF-8", DM_CRASHED },
        { "scan lines missing", DM_CRASHED },
        { "scan line past the text", DM_CRASHED },
        { "scan of another size", DM_CRASHED },
        { "scan without height", DM_CRASHED },
        { "scan of no scale", DM_CRASHED },
    };
    struct dm_page_want want = { .text = true, .lines = true, .ocr = DM_OCR_AUTO };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        int fd = file_of(dm_str_z(cases[i].mode));
        uint32_t pages = 0;
        struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
        struct dm_page_content content = { 0 };
        int replaced = rig.replaced;
        enum dm_code rc = dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err);
        if (rc != cases[i].code)
            fail_msg("%s: %s (%s)", cases[i].mode, dm_code_name(rc), rig.err.text);
        assert_int_equal(rig.replaced, replaced + (rc != DM_OK));
        assert_string_equal(dm_buf_z(&content.text), rc == DM_OK ? "recognised\n" : "");
        assert_int_equal(content.ocr_used, rc == DM_OK);
        dm_page_content_free(&content);
        rig_expect(&rig, handle, 2, "fine\n");
        dm_reader_close(rig.reader, handle);
        close(fd);
    }
}

static void a_helper_that_fails_at_opening_gives_its_place_back(void **state)
{
    static const struct {
        const char *mode;
        enum dm_code code;
    } cases[] = {
        { "hangs at opening", DM_TIMEOUT },
        { "faults at opening", DM_CRASHED },
        { "no pages after all", DM_CRASHED },
    };
    /* More often than there are places. */
    for (size_t i = 0; i < 2 * DM_COUNT(cases); i++) {
        int fd = file_of(dm_str_z(cases[i % DM_COUNT(cases)].mode));
        assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_TEXT, NULL), cases[i % DM_COUNT(cases)].code);
        close(fd);
    }
}

static void a_document_that_changes_its_number_of_pages_is_not_read_on(void **state)
{
    int fd = file_of(DM_STR("counts anew"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    assert_int_equal(rig_text(&rig, handle, 1, &text), DM_CRASHED);
    assert_int_equal(rig_text(&rig, handle, 2, &text), DM_CRASHED);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_zygote_that_cannot_work_says_why(void **state)
{
    static const struct {
        const char *path;
        const char *why;
    } cases[] = {
        { DM_TEST_HELPERS "/lying-helper-1", "not installed together" },
        { DM_TEST_HELPERS "/lying-helper-2", "no luck today" },
        { DM_TEST_HELPERS "/lying-helper-3", "ended while it started" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        struct dm_reader_options options = rig_options();
        options.helper_path = cases[i].path;
        struct rig other;
        rig_start(&other, &options);
        int fd = file_of(DM_STR("honest"));
        for (int again = 0; again < 2; again++) {
            assert_int_equal(rig_try_open(&other, fd, DM_MEDIA_TEXT, NULL), DM_UNAVAILABLE);
            assert_non_null(strstr(other.err.text, cases[i].why));
            assert_int_equal(dm_reader_check(other.reader, &other.err), DM_UNAVAILABLE);
        }
        close(fd);
        dm_reader_stop(other.reader);
    }
}

static void a_helper_that_is_not_there_is_told_at_once(void **state)
{
    struct dm_reader_options options = rig_options();
    options.helper_path = "/nowhere/docmill-pdf";
    struct dm_reader reader;
    struct dm_err err;
    assert_int_equal(dm_reader_start(&options, dm_threads_runtime(), &reader, &err), DM_IO);
    assert_non_null(strstr(err.text, "/nowhere/docmill-pdf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_helper_is_believed),
        cmocka_unit_test(whatever_a_helper_does_costs_one_page_and_the_next_goes_on),
        cmocka_unit_test(a_page_that_shall_be_a_pdf_comes_as_one_or_costs_the_page),
        cmocka_unit_test(recognition_that_goes_wrong_costs_one_page_and_not_the_open_document),
        cmocka_unit_test(a_helper_that_fails_at_opening_gives_its_place_back),
        cmocka_unit_test(a_document_that_changes_its_number_of_pages_is_not_read_on),
    };
    const struct CMUnitTest starts[] = {
        cmocka_unit_test(a_zygote_that_cannot_work_says_why),
        cmocka_unit_test(a_helper_that_is_not_there_is_told_at_once),
    };
    int failed = cmocka_run_group_tests(tests, start, stop);
    return failed + cmocka_run_group_tests(starts, NULL, NULL);
}
