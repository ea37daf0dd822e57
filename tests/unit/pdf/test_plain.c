/* test_plain.c: where the pages of plain text break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "plain.h"

static int file;
static struct plain *plain;
static uint32_t pages;

static enum dm_code open_text(struct dm_str text)
{
    file = memfd_create("plain", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, text.at, text.len), text.len);
    plain = NULL;
    return plain_open(file, text.len, &plain, &pages, NULL);
}

static void close_text(void)
{
    plain_free(plain);
    close(file);
}

static void expect_page(uint32_t page, const char *expected)
{
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    assert_int_equal(plain_text(plain, page, &text, NULL), DM_OK);
    assert_string_equal(dm_buf_z(&text), expected);
}

/* `lines` lines of ten characters. */
static struct dm_buf lines_of(unsigned lines)
{
    struct dm_buf text = dm_buf_make(1 << 24);
    for (unsigned i = 0; i < lines; i++)
        dm_buf_addf(&text, "line %04u\n", i);
    assert_false(text.failed);
    return text;
}

static void a_short_text_is_one_page(void **state)
{
    assert_int_equal(open_text(DM_STR("hello\nworld")), DM_OK);
    assert_int_equal(pages, 1);
    expect_page(0, "hello\nworld\n");
    close_text();
}

static void a_form_feed_ends_a_page_and_an_empty_last_one_does_not_count(void **state)
{
    assert_int_equal(open_text(DM_STR("a\n\f\fb\n\f\n\n")), DM_OK);
    assert_int_equal(pages, 3);
    expect_page(0, "a\n");
    expect_page(1, "");
    expect_page(2, "b\n");
    close_text();
}

static void a_page_without_form_feed_ends_at_a_line_end_and_nothing_is_lost(void **state)
{
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    for (int i = 0; i < 200; i++)
        dm_buf_addf(&text, "%04d the quick brown fox jumps over the lazy dog, and once more it does\n", i);
    assert_int_equal(open_text(dm_buf_str(&text)), DM_OK);
    assert_in_range(pages, 4, 5);
    DM_AUTO(dm_buf) all = dm_buf_make(1 << 20);
    for (uint32_t page = 0; page < pages; page++) {
        DM_AUTO(dm_buf) part = dm_buf_make(1 << 20);
        assert_int_equal(plain_text(plain, page, &part, NULL), DM_OK);
        assert_true(page + 1 == pages || (part.len >= PLAIN_PAGE && part.len < PLAIN_PAGE + 100));
        dm_buf_add(&all, dm_buf_str(&part));
    }
    assert_string_equal(dm_buf_z(&all), dm_buf_z(&text));
    close_text();
}

static void a_form_feed_not_far_off_is_waited_for(void **state)
{
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    for (int i = 0; i < 80; i++)
        dm_buf_add_z(&text, "sixty characters a line, so that eighty of them are a page\n");
    dm_buf_add_z(&text, "\fnext\n");
    assert_int_equal(open_text(dm_buf_str(&text)), DM_OK);
    assert_int_equal(pages, 2);
    expect_page(1, "next\n");
    close_text();
}

static void short_lines_make_a_page_by_their_number(void **state)
{
    DM_AUTO(dm_buf) text = lines_of(PLAIN_PAGE_ROWS * 2);
    assert_int_equal(open_text(dm_buf_str(&text)), DM_OK);
    assert_int_equal(pages, 2);
    close_text();
}

static void a_text_without_line_ends_is_cut_between_words_and_never_in_a_character(void **state)
{
    DM_AUTO(dm_buf) words = dm_buf_make(1 << 20);
    for (int i = 0; i < 2000; i++)
        dm_buf_add_z(&words, "word ");
    assert_int_equal(open_text(dm_buf_str(&words)), DM_OK);
    assert_int_equal(pages, 3);
    DM_AUTO(dm_buf) page = dm_buf_make(1 << 20);
    assert_int_equal(plain_text(plain, 0, &page, NULL), DM_OK);
    assert_memory_equal(page.at + page.len - 5, "word\n", 5);
    close_text();

    DM_AUTO(dm_buf) wide = dm_buf_make(1 << 20);
    for (int i = 0; i < 10000; i++)
        dm_buf_add_z(&wide, "\xe4\xb8\xad");
    assert_int_equal(open_text(dm_buf_str(&wide)), DM_OK);
    assert_int_equal(pages, 3);
    size_t bytes = 0;
    for (uint32_t i = 0; i < pages; i++) {
        DM_AUTO(dm_buf) part = dm_buf_make(1 << 20);
        assert_int_equal(plain_text(plain, i, &part, NULL), DM_OK);
        assert_true(dm_str_is_utf8(dm_buf_str(&part)));
        bytes += part.len - 1;
    }
    assert_int_equal(bytes, 30000);
    close_text();
}

static void characters_on_the_edge_of_a_window_are_still_utf8(void **state)
{
    /* The file is read in pieces of 256 KiB; a character lies across each place where one may end. */
    for (size_t shift = 0; shift < 4; shift++) {
        DM_AUTO(dm_buf) text = dm_buf_make(1 << 21);
        for (size_t i = 0; i < shift; i++)
            dm_buf_add_char(&text, 'x');
        for (int i = 0; i < 200 * 1000; i++)
            dm_buf_add_z(&text, i % 50 == 49 ? "\n" : "\xf0\x9f\x98\x80");
        assert_int_equal(open_text(dm_buf_str(&text)), DM_OK);
        DM_AUTO(dm_buf) last = dm_buf_make(1 << 20);
        assert_int_equal(plain_text(plain, pages - 1, &last, NULL), DM_OK);
        assert_true(dm_str_is_utf8(dm_buf_str(&last)));
        assert_non_null(strstr(dm_buf_z(&last), "\xf0\x9f\x98\x80"));
        close_text();
    }
}

static void one_foreign_byte_makes_it_latin_as_a_whole(void **state)
{
    assert_int_equal(open_text(DM_STR("\xc3\xa4 \xe9 \x93quoted\x94")), DM_OK);
    expect_page(0, "Ã¤ é “quoted”\n");
    close_text();
}

static void control_characters_and_marks_go_line_ends_become_one(void **state)
{
    assert_int_equal(open_text(DM_STR("\xef\xbb\xbf"
                                      "a\rb\r\nc\td\x01\x1b[1m\x7f  \n\n")),
                     DM_OK);
    expect_page(0, "a\nb\nc\td[1m\n");
    close_text();
}

static void what_is_no_text_is_refused(void **state)
{
    assert_int_equal(open_text(DM_STR("a\0b")), DM_UNSUPPORTED);
    close_text();
    assert_int_equal(open_text(DM_STR("")), DM_NOT_FOUND);
    close_text();
    assert_int_equal(open_text(DM_STR(" \n\f\n\t")), DM_NOT_FOUND);
    close_text();
}

static void too_many_pages_are_refused(void **state)
{
    DM_AUTO(dm_buf) text = dm_buf_make(1 << 20);
    for (int i = 0; i <= PLAIN_PAGES_MAX; i++)
        dm_buf_add_z(&text, "a\f");
    assert_int_equal(open_text(dm_buf_str(&text)), DM_TOO_LARGE);
    close_text();
}

static void keep_widest(void *self, const struct plain_row *row)
{
    unsigned *widest = self;
    if (row->columns > *widest)
        *widest = row->columns;
}

static void a_long_line_is_laid_out_as_rows(void **state)
{
    DM_AUTO(dm_buf) text = dm_buf_make(4096);
    for (int i = 0; i < 60; i++)
        dm_buf_add_z(&text, "word ");
    dm_buf_add_z(&text, "\n\nlast\n");
    unsigned widest = 0;
    assert_int_equal(plain_rows(dm_buf_str(&text), keep_widest, &widest), 4 + 1 + 1);
    assert_in_range(widest, PLAIN_COLUMNS - 5, PLAIN_COLUMNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_text_is_one_page),
        cmocka_unit_test(a_form_feed_ends_a_page_and_an_empty_last_one_does_not_count),
        cmocka_unit_test(a_page_without_form_feed_ends_at_a_line_end_and_nothing_is_lost),
        cmocka_unit_test(a_form_feed_not_far_off_is_waited_for),
        cmocka_unit_test(short_lines_make_a_page_by_their_number),
        cmocka_unit_test(a_text_without_line_ends_is_cut_between_words_and_never_in_a_character),
        cmocka_unit_test(characters_on_the_edge_of_a_window_are_still_utf8),
        cmocka_unit_test(one_foreign_byte_makes_it_latin_as_a_whole),
        cmocka_unit_test(control_characters_and_marks_go_line_ends_become_one),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(too_many_pages_are_refused),
        cmocka_unit_test(a_long_line_is_laid_out_as_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
