/* test_str.c: slices, numbers and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/failing.h"
#include "base/str.h"

static const struct dm_str none = { NULL, 0 };

static void assert_is(struct dm_str s, const char *expected)
{
    if (!dm_str_eq(s, dm_str_z(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", DM_STR_ARG(s), expected);
}

static void given_the_slice_of_nothing_then_every_call_takes_it(void **state)
{
    (void)state;
    struct dm_str part;
    struct dm_str rest = none;
    assert_int_equal(dm_str_z(NULL).len, 0);
    assert_is(dm_str_from(none, 0), "");
    assert_is(dm_str_cut(none, 5, 5), "");
    assert_is(dm_str_trim(none), "");
    assert_true(dm_str_eq(none, DM_STR("")));
    assert_true(dm_str_eq_nocase(none, none));
    assert_true(dm_str_eq_secret(none, none));
    assert_int_equal(dm_str_compare(none, none), 0);
    assert_int_equal(dm_str_compare(none, DM_STR("a")), -1);
    assert_true(dm_str_starts(none, none));
    assert_true(dm_str_ends(DM_STR("a"), none));
    assert_int_equal(dm_str_find_char(none, 'a'), 0);
    assert_int_equal(dm_str_find(none, DM_STR("a")), 0);
    assert_false(dm_str_next(&rest, ',', &part));
    assert_true(dm_str_is_utf8(none));
    char *copy = dm_str_dup_z(none);
    assert_string_equal(copy, "");
    dm_free(copy);
}

static void given_every_start_and_count_then_a_cut_is_what_stands_there(void **state)
{
    (void)state;
    struct dm_str s = DM_STR("abcd");
    for (size_t start = 0; start < 7; start++)
        for (size_t count = 0; count < 7; count++) {
            char expected[8] = "";
            (void)snprintf(expected, sizeof(expected), "%.*s", (int)count, start < 4 ? "abcd" + start : "");
            assert_is(dm_str_cut(s, start, count), expected);
        }
    assert_is(dm_str_cut(s, 1, SIZE_MAX), "bcd");
    assert_is(dm_str_cut(s, SIZE_MAX, SIZE_MAX), "");
    assert_is(dm_str_from(s, SIZE_MAX), "");
}

static void given_white_space_at_both_ends_then_trim_takes_that_and_no_more(void **state)
{
    (void)state;
    assert_is(dm_str_trim(DM_STR(" \t\r\n\v\f a b \n")), "a b");
    assert_is(dm_str_trim(DM_STR(" \n ")), "");
    assert_int_equal(dm_str_trim(DM_STR("\0 a \0")).len, 5);
    assert_is(dm_str_trim(DM_STR("\xc2\xa0")), "\xc2\xa0");
}

static void given_texts_that_differ_anywhere_then_all_comparisons_see_it(void **state)
{
    (void)state;
    char text[] = "a long enough text";
    size_t len = sizeof(text) - 1;
    struct dm_str s = dm_str_of("a long enough text", len);
    for (size_t at = 0; at < len; at++)
        for (int bit = 0; bit < 8; bit++) {
            text[at] ^= (char)(1 << bit);
            assert_false(dm_str_eq(s, dm_str_of(text, len)));
            assert_false(dm_str_eq_secret(s, dm_str_of(text, len)));
            int order = memcmp(s.at, text, len);
            assert_int_equal(dm_str_compare(s, dm_str_of(text, len)), order < 0 ? -1 : 1);
            text[at] ^= (char)(1 << bit);
        }
    assert_true(dm_str_eq_secret(s, dm_str_of(text, len)));
    assert_false(dm_str_eq_secret(s, dm_str_of(text, len - 1)));
    assert_int_equal(dm_str_compare(DM_STR("ab"), DM_STR("abc")), -1);
    assert_int_equal(dm_str_compare(DM_STR("abc"), DM_STR("ab")), 1);
    assert_int_equal(dm_str_compare(DM_STR("a\xff"), DM_STR("az")), 1);
    assert_true(dm_str_eq(DM_STR("a\0b"), DM_STR("a\0b")));
    assert_false(dm_str_eq(DM_STR("a\0b"), DM_STR("a\0c")));
}

static void given_every_pair_of_bytes_then_only_ascii_letters_are_equal_without_case(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char left = (char)a, right = (char)b;
            bool letter = (a | 32) >= 'a' && (a | 32) <= 'z' && a < 128;
            bool expected = a == b || (letter && (a ^ 32) == b);
            assert_int_equal(dm_str_eq_nocase(dm_str_of(&left, 1), dm_str_of(&right, 1)), expected);
        }
}

static void given_a_needle_then_the_first_place_is_found_or_the_length(void **state)
{
    (void)state;
    struct dm_str s = DM_STR("ab\0abc");
    assert_int_equal(dm_str_find(s, DM_STR("abc")), 3);
    assert_int_equal(dm_str_find(s, DM_STR("")), 0);
    assert_int_equal(dm_str_find(s, DM_STR("abcd")), 6);
    assert_int_equal(dm_str_find_char(s, '\0'), 2);
    assert_int_equal(dm_str_find_char(s, 'x'), 6);
    assert_int_equal(dm_str_find(dm_str_cut(s, 0, 5), DM_STR("abc")), 5); /* not past the slice */
    assert_true(dm_str_starts(s, DM_STR("ab\0a")));
    assert_false(dm_str_starts(DM_STR("ab"), DM_STR("abc")));
    assert_true(dm_str_ends(s, DM_STR("bc")));
    assert_false(dm_str_ends(DM_STR("bc"), DM_STR("abc")));
}

static void given_separators_anywhere_then_next_gives_every_part_once(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *parts; /* each in brackets */
    } cases[] = { { "a,,b", "[a][][b]" }, { "", "[]" },      { ",", "[][]" },
                  { "a", "[a]" },         { "a,", "[a][]" }, { ",a", "[][a]" } };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        char seen[100] = "";
        struct dm_str part, rest = dm_str_z(cases[i].text);
        while (dm_str_next(&rest, ',', &part))
            (void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "[%.*s]", DM_STR_ARG(part));
        assert_string_equal(seen, cases[i].parts);
        assert_false(dm_str_next(&rest, ',', &part));
    }
}

static void given_numbers_at_the_edges_then_all_that_fit_are_read_and_no_others(void **state)
{
    (void)state;
    uint64_t u = 42;
    int64_t i = 42;
    assert_true(dm_str_to_u64(DM_STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_true(dm_str_to_u64(DM_STR("000000000000000000000000000007"), &u) && u == 7);
    assert_true(dm_str_to_i64(DM_STR("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(dm_str_to_i64(DM_STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(dm_str_to_i64(DM_STR("-0"), &i) && i == 0);
    static const char *const too_large[] = { "18446744073709551616", "18446744073709551620",
                                             "99999999999999999999999" };
    static const char *const no_numbers[] = { "",    " ",   "+1",  " 1", "1 ", "0x1",
                                              "1.0", "1e3", "--1", "-",  "1-", "\xd9\xa1" };
    u = 42;
    i = 42;
    for (size_t k = 0; k < DM_COUNT(too_large); k++)
        assert_false(dm_str_to_u64(dm_str_z(too_large[k]), &u) || dm_str_to_i64(dm_str_z(too_large[k]), &i));
    for (size_t k = 0; k < DM_COUNT(no_numbers); k++)
        assert_false(dm_str_to_u64(dm_str_z(no_numbers[k]), &u) || dm_str_to_i64(dm_str_z(no_numbers[k]), &i));
    assert_false(dm_str_to_u64(DM_STR("-1"), &u));
    assert_false(dm_str_to_u64(DM_STR("1\0"), &u));
    assert_false(dm_str_to_i64(DM_STR("9223372036854775808"), &i));
    assert_false(dm_str_to_i64(DM_STR("-9223372036854775809"), &i));
    assert_int_equal(u, 42);
    assert_int_equal(i, 42);
    for (unsigned shift = 0; shift < 64; shift++) {
        char text[32];
        uint64_t value = UINT64_MAX >> shift;
        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        assert_true(dm_str_to_u64(dm_str_z(text), &u) && u == value);
    }
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------- */

static void given_every_code_point_then_it_is_utf8_and_no_part_of_it_is(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        char text[4];
        size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        uint32_t left = point;
        for (size_t i = len - 1; i > 0; i--, left >>= 6)
            text[i] = (char)(0x80 | (left & 0x3f));
        text[0] = (char)(len == 1 ? left : (0xf00U >> len & 0xf0) | left);
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (dm_str_is_utf8(dm_str_of(text, len)) == surrogate)
            fail_msg("U+%04X", (unsigned)point);
        for (size_t part = 1; part < len; part++)
            if (dm_str_is_utf8(dm_str_of(text, part)) || dm_str_is_utf8(dm_str_of(text + part, len - part)))
                fail_msg("part %zu of U+%04X", part, (unsigned)point);
    }
}

/* The Unicode Standard's table of well-formed byte sequences: the second byte's range by the first; 0: no lead. */
static size_t expected_length(unsigned first, unsigned second)
{
    unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t len = first >= 0xc2 && first <= 0xdf   ? 2
                 : first >= 0xe0 && first <= 0xef ? 3
                 : first >= 0xf0 && first <= 0xf4 ? 4
                                                  : 0;
    return second >= low && second <= high ? len : 0;
}

static void given_every_first_and_second_byte_then_the_standards_table_decides(void **state)
{
    (void)state;
    for (unsigned first = 0x80; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            const char text[] = { (char)first, (char)second, (char)0x80, (char)0xbf };
            for (size_t len = 2; len <= 4; len++)
                assert_int_equal(dm_str_is_utf8(dm_str_of(text, len)), expected_length(first, second) == len);
            if (expected_length(first, second) < 3)
                continue;
            for (size_t at = 2; at < expected_length(first, second); at++)
                for (unsigned bad = 0; bad < 256; bad += bad == 0x7f ? 0x41 : 1) { /* all but continuations */
                    char broken[] = { text[0], text[1], text[2], text[3] };
                    broken[at] = (char)bad;
                    assert_false(dm_str_is_utf8(dm_str_of(broken, expected_length(first, second))));
                }
        }
}

static void given_a_text_then_it_is_utf8_exactly_where_it_is_split_between_characters(void **state)
{
    (void)state;
    struct dm_str s = DM_STR("a\xc3\xa9\0\xe2\x82\xac\xf0\x9f\x98\x80z");
    for (size_t at = 0; at <= s.len; at++) {
        bool between = at == s.len || ((unsigned char)s.at[at] & 0xc0) != 0x80;
        assert_int_equal(dm_str_is_utf8(dm_str_cut(s, 0, at)), between);
        assert_int_equal(dm_str_is_utf8(dm_str_from(s, at)), between);
    }
}

static void given_no_memory_then_a_copy_is_null_else_it_is_its_own(void **state)
{
    (void)state;
    struct failing failing;
    failing_begin(&failing, 1, false);
    assert_null(dm_str_dup_z(DM_STR("abc")));
    char *copy = dm_str_dup_z(dm_str_of("abcdef", 3));
    assert_string_equal(copy, "abc");
    dm_free(copy);
    assert_true(failing_end(&failing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_the_slice_of_nothing_then_every_call_takes_it),
        cmocka_unit_test(given_every_start_and_count_then_a_cut_is_what_stands_there),
        cmocka_unit_test(given_white_space_at_both_ends_then_trim_takes_that_and_no_more),
        cmocka_unit_test(given_texts_that_differ_anywhere_then_all_comparisons_see_it),
        cmocka_unit_test(given_every_pair_of_bytes_then_only_ascii_letters_are_equal_without_case),
        cmocka_unit_test(given_a_needle_then_the_first_place_is_found_or_the_length),
        cmocka_unit_test(given_separators_anywhere_then_next_gives_every_part_once),
        cmocka_unit_test(given_numbers_at_the_edges_then_all_that_fit_are_read_and_no_others),
        cmocka_unit_test(given_every_code_point_then_it_is_utf8_and_no_part_of_it_is),
        cmocka_unit_test(given_every_first_and_second_byte_then_the_standards_table_decides),
        cmocka_unit_test(given_a_text_then_it_is_utf8_exactly_where_it_is_split_between_characters),
        cmocka_unit_test(given_no_memory_then_a_copy_is_null_else_it_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
