/* test_ranges.c: sets of pages against a plain list of flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/failing.h"
#include "domain/ranges.h"

static int make_arena(void **state)
{
    static struct dm_arena arena;
    arena = dm_arena_make(1 << 20);
    *state = &arena;
    return 0;
}

static int free_arena(void **state)
{
    dm_arena_free(*state);
    return 0;
}

static void assert_text(struct dm_ranges set, const char *expected)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(1 << 16);
    dm_ranges_text(set, &buf);
    assert_string_equal(dm_buf_z(&buf), expected);
}

static struct dm_ranges parsed(struct dm_arena *arena, const char *text)
{
    struct dm_ranges set = { 0 };
    struct dm_err err = { 0 };
    if (dm_ranges_parse(arena, dm_str_z(text), &set, &err) != DM_OK)
        fail_msg("%s: %s", text, err.text);
    return set;
}

static void given_a_choice_of_pages_then_it_is_sorted_joined_and_written_short(void **state)
{
    static const char *const cases[][2] = {
        { "", "" },
        { "  ", "" },
        { "1", "1" },
        { "1-5,9", "1-5,9" },
        { "9,1-5", "1-5,9" },
        { "1-3,4-6", "1-6" },
        { "1-9,2-3", "1-9" },
        { "3,3,3", "3" },
        { "5-5", "5" },
        { "12-", "12-" },
        { "12-,3", "3,12-" },
        { "12-,20-30", "12-" },
        { "3,2,1", "1-3" },
        { " 1 - 5 , 9 ", "1-5,9" },
        { "001-005", "1-5" },
        { "1-1000000", "1-" },
        { "1000000", "1000000-" },
        { "999999-,1-999998", "1-" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_text(parsed(*state, cases[i][0]), cases[i][1]);
        assert_text(parsed(*state, cases[i][1]), cases[i][1]); /* what is written means the same */
    }
    assert_int_equal(parsed(*state, "1000000").at[0].first, 1000000);
    assert_int_equal(dm_ranges_pages(parsed(*state, "1-")), DM_PAGE_NUMBER_MAX);
}

static void given_hostile_text_then_it_is_refused_naming_the_part_and_the_output_stays(void **state)
{
    static const char *const texts[] = {
        ",",
        "1,",
        ",1",
        "1,,2",
        "-",
        "-5",
        "--5",
        "1--5",
        "1-5-",
        "1-5-9",
        "0",
        "0-5",
        "5-3",
        "x",
        "1x",
        "+1",
        "1.5",
        "1;2",
        "1 2",
        "0x1",
        "1-x",
        "1000001",
        "1-1000001",
        "4294967297",
        "18446744073709551617",
        "99999999999999999999999999999999999999999999-1",
        "\xef\xbc\x91",
        "1\xe2\x80\x93 5",
    };
    const struct dm_range kept = { 7, 8 };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        struct dm_ranges set = { &kept, 1 };
        struct dm_err err = { 0 };
        if (dm_ranges_parse(*state, dm_str_z(texts[i]), &set, &err) != DM_INVALID)
            fail_msg("%s was taken", texts[i]);
        assert_ptr_equal(set.at, &kept);
        assert_int_equal(set.count, 1);
    }
    struct dm_ranges set = { &kept, 1 };
    struct dm_err err = { 0 };
    assert_int_equal(dm_ranges_parse(*state, DM_STR("1,oops,2"), &set, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "\"oops\""));
    assert_int_equal(dm_ranges_parse(*state, dm_str_of("1\0", 2), &set, &err), DM_INVALID);
}

static void given_as_many_parts_as_are_allowed_then_one_more_is_refused(void **state)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(1 << 16);
    for (int i = 0; i < DM_RANGES_MAX; i++)
        dm_buf_addf(&buf, "%s%d", i ? "," : "", 2 * (DM_RANGES_MAX - i));
    struct dm_ranges set = parsed(*state, dm_buf_z(&buf));
    assert_int_equal(set.count, DM_RANGES_MAX);
    assert_int_equal(set.at[0].first, 2);
    assert_int_equal(dm_ranges_pages(set), DM_RANGES_MAX);
    dm_buf_add_z(&buf, ",1");
    assert_int_equal(dm_ranges_parse(*state, dm_buf_str(&buf), &set, NULL), DM_INVALID);
    assert_int_equal(set.count, DM_RANGES_MAX);
}

static void given_random_sets_then_all_questions_are_answered_as_a_list_of_flags_would(void **state)
{
    enum { PAGES = 64 };
    uint32_t random = 3;
    for (int round = 0; round < 300; round++) {
        bool flags[PAGES + 2] = { false };
        DM_AUTO(dm_buf) text = dm_buf_make(1000);
        for (int i = round % 9; i > 0; i--) {
            random = random * 1664525 + 1013904223;
            uint32_t first = (random >> 24) % PAGES + 1, length = (random >> 16) % 8;
            uint32_t last = first + length < PAGES ? first + length : PAGES;
            dm_buf_addf(&text, "%s%u-%u", text.len ? "," : "", first, last);
            for (uint32_t page = first; page <= last; page++)
                flags[page] = true;
        }
        struct dm_ranges set = parsed(*state, dm_buf_z(&text));
        uint32_t pages[PAGES], count = 0;
        for (uint32_t page = 0; page <= PAGES + 1; page++) {
            assert_int_equal(dm_ranges_have(set, page), flags[page]);
            uint32_t next = page;
            while (next <= PAGES && !flags[next])
                next++;
            assert_int_equal(dm_ranges_next(set, page), next <= PAGES ? next : 0);
            if (flags[page])
                pages[count++] = page;
            struct dm_ranges clipped;
            assert_int_equal(dm_ranges_clip(*state, set, page, &clipped, NULL), DM_OK);
            assert_int_equal(dm_ranges_pages(clipped), count);
            for (uint32_t k = 0; k <= PAGES; k++)
                assert_int_equal(dm_ranges_have(clipped, k), k <= page && flags[k]);
        }
        assert_int_equal(dm_ranges_pages(set), count);
        for (uint32_t i = 0; i + 1 < set.count; i++)
            assert_true(set.at[i].last + 1 < set.at[i + 1].first);
        struct dm_ranges again;
        assert_int_equal(dm_ranges_of(*state, pages, count, &again, NULL), DM_OK);
        assert_int_equal(again.count, set.count);
        if (set.count)
            assert_memory_equal(again.at, set.at, set.count * sizeof(*set.at));
        dm_arena_reset(*state);
    }
}

static void given_an_open_end_then_it_is_clipped_to_the_last_page(void **state)
{
    struct dm_ranges set = parsed(*state, "2,5-"), clipped;
    static const struct {
        uint32_t last;
        const char *text;
    } cases[] = { { 0, "" }, { 1, "" }, { 2, "2" }, { 4, "2" }, { 5, "2,5" }, { 9, "2,5-9" }, { UINT32_MAX, "2,5-" } };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_int_equal(dm_ranges_clip(*state, set, cases[i].last, &clipped, NULL), DM_OK);
        assert_text(clipped, cases[i].text);
    }
    assert_text(set, "2,5-");
    assert_int_equal(dm_ranges_next(set, UINT32_MAX), 0);
    assert_false(dm_ranges_have(set, 0));
    assert_false(dm_ranges_have((struct dm_ranges){ 0 }, 1));
    assert_int_equal(dm_ranges_next((struct dm_ranges){ 0 }, 0), 0);
}

static void given_no_memory_then_outputs_stay_and_nothing_leaks(void **state)
{
    (void)state;
    const struct dm_range kept = { 7, 8 };
    const uint32_t pages[] = { 1, 2, 3 };
    struct failing failing;
    failing_begin(&failing, 1, true);
    struct dm_arena arena = dm_arena_make(1 << 20);
    struct dm_ranges set = { &kept, 1 };
    struct dm_err err = { 0 };
    assert_int_equal(dm_ranges_parse(&arena, DM_STR("1-5"), &set, &err), DM_NO_MEMORY);
    assert_int_equal(dm_ranges_clip(&arena, set, 7, &set, &err), DM_NO_MEMORY);
    assert_int_equal(dm_ranges_of(&arena, pages, 3, &set, &err), DM_NO_MEMORY);
    assert_ptr_equal(set.at, &kept);
    assert_int_equal(set.count, 1);
    dm_arena_free(&arena);
    assert_true(failing_end(&failing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_choice_of_pages_then_it_is_sorted_joined_and_written_short),
        cmocka_unit_test(given_hostile_text_then_it_is_refused_naming_the_part_and_the_output_stays),
        cmocka_unit_test(given_as_many_parts_as_are_allowed_then_one_more_is_refused),
        cmocka_unit_test(given_random_sets_then_all_questions_are_answered_as_a_list_of_flags_would),
        cmocka_unit_test(given_an_open_end_then_it_is_clipped_to_the_last_page),
        cmocka_unit_test(given_no_memory_then_outputs_stay_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
