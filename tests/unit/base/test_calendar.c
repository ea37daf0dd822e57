/* test_calendar.c: every day of ten thousand years, counted by hand; and texts that are no instants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"

static const int64_t YEAR_0_MS = -62167219200000, LAST_MS = 253402300799999;

static int64_t parsed(const char *text)
{
    int64_t ms = -1;
    if (!dm_time_parse(dm_str_z(text), &ms))
        fail_msg("%s was refused", text);
    return ms;
}

static void assert_text(int64_t ms, const char *expected)
{
    char text[DM_TIME_TEXT];
    struct dm_str slice = dm_time_text(ms, text);
    assert_string_equal(text, expected);
    assert_ptr_equal(slice.at, text);
    assert_int_equal(slice.len, DM_TIME_TEXT - 1);
}

static void given_known_instants_then_text_and_milliseconds_agree_both_ways(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } known[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 1000000000000, "2001-09-09T01:46:40.000Z" },
        { 1709164800000, "2024-02-29T00:00:00.000Z" },
        { 2147483648000, "2038-01-19T03:14:08.000Z" },
        { -2208988800000, "1900-01-01T00:00:00.000Z" },
        { -12219292800000, "1582-10-15T00:00:00.000Z" },
        { YEAR_0_MS, "0000-01-01T00:00:00.000Z" },
        { LAST_MS, "9999-12-31T23:59:59.999Z" },
    };
    for (size_t i = 0; i < DM_COUNT(known); i++) {
        assert_text(known[i].ms, known[i].text);
        assert_int_equal(parsed(known[i].text), known[i].ms);
    }
}

static void given_every_day_of_years_0_to_9999_then_it_follows_the_day_before_and_comes_back(void **state)
{
    (void)state;
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t ms = YEAR_0_MS;
    for (int year = 0; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            int days = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= days; day++, ms += DM_DAY_MS) {
                const char expected[] = { (char)('0' + year / 1000),
                                          (char)('0' + year / 100 % 10),
                                          (char)('0' + year / 10 % 10),
                                          (char)('0' + year % 10),
                                          '-',
                                          (char)('0' + month / 10),
                                          (char)('0' + month % 10),
                                          '-',
                                          (char)('0' + day / 10),
                                          (char)('0' + day % 10) };
                char text[DM_TIME_TEXT];
                int64_t of_text, of_date = ms;
                int64_t within = ms + (ms / DM_DAY_MS * 7919 % DM_DAY_MS + DM_DAY_MS) % DM_DAY_MS;
                struct dm_str whole = dm_time_text(within, text);
                if (memcmp(text, expected, sizeof(expected)) != 0 || !dm_time_parse(whole, &of_text) ||
                    of_text != within || (day == days && !dm_time_parse(dm_str_cut(whole, 0, 10), &of_date)) ||
                    of_date != ms)
                    fail_msg("%.10s became %s", expected, text);
            }
            char past[48];
            (void)snprintf(past, sizeof(past), "%04d-%02d-%02d", year, month, days + 1);
            assert_false(dm_time_parse(dm_str_z(past), &(int64_t){ 0 }));
        }
    assert_int_equal(ms, LAST_MS + 1);
}

static void given_instants_outside_the_years_then_they_are_clipped(void **state)
{
    (void)state;
    assert_text(YEAR_0_MS - 1, "0000-01-01T00:00:00.000Z");
    assert_text(INT64_MIN, "0000-01-01T00:00:00.000Z");
    assert_text(LAST_MS + 1, "9999-12-31T23:59:59.999Z");
    assert_text(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void given_offsets_and_fractions_then_the_instant_is_utc_in_whole_milliseconds(void **state)
{
    (void)state;
    int64_t noon = parsed("2026-03-01T12:00:00Z");
    assert_int_equal(parsed("2026-03-01T13:00:00+01:00"), noon);
    assert_int_equal(parsed("2026-03-01T06:30:00-05:30"), noon);
    assert_int_equal(parsed("2026-03-02T11:59:00+23:59"), noon);
    assert_int_equal(parsed("2026-02-28T12:01:00-23:59"), noon);
    assert_int_equal(parsed("2026-03-01T12:00:00-00:00"), noon);
    assert_int_equal(parsed("2026-03-01T12:00:00.5Z"), noon + 500);
    assert_int_equal(parsed("2026-03-01T12:00:00.05Z"), noon + 50);
    assert_int_equal(parsed("2026-03-01T12:00:00.123999999999999999999999999Z"), noon + 123);
    assert_int_equal(parsed("2026-03-01T12:00:00.0009+00:00"), noon);
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01")); /* a leap second */
    assert_int_equal(parsed("9999-12-31T23:59:59-00:01"), LAST_MS - 999 + DM_MINUTE_MS);
    assert_int_equal(parsed("0000-01-01T00:00:00+00:01"), YEAR_0_MS - DM_MINUTE_MS);
}

static void given_what_is_no_instant_then_it_is_refused_and_the_output_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "now",
        "0",
        "1970",
        "1970-01",
        "1970-1-01",
        "1970-01-1",
        "70-01-01",
        "01970-01-01",
        "+1970-01-01",
        "-001-01-01",
        "1970/01/01",
        "1970-00-01",
        "1970-13-01",
        "1970-01-00",
        "1970-04-31",
        "1900-02-29",
        "2023-02-29",
        "2024-02-30",
        " 1970-01-01",
        "1970-01-01 ",
        "1970-01-01Z",
        "1970-01-01T",
        "1970-01-01T00:00Z",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01t00:00:00Z",
        "1970-01-01T00:00:00z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T0:00:00Z",
        "1970-01-01T-1:00:00Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00.5",
        "1970-01-01T00:00:00.-5Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+01",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+00:60",
        "1970-01-01T00:00:00Z ",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00Z+00:00",
    };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        int64_t ms = 42;
        if (dm_time_parse(dm_str_z(texts[i]), &ms))
            fail_msg("%s was taken", texts[i]);
        assert_int_equal(ms, 42);
    }
    int64_t ms = 42;
    assert_false(dm_time_parse((struct dm_str){ NULL, 0 }, &ms));
    assert_false(dm_time_parse(dm_str_of("1970-01-01\0", 11), &ms));
    struct dm_str whole = DM_STR("1970-01-01T00:00:00.000Z");
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(dm_time_parse(dm_str_cut(whole, 0, len), &ms), len == 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_known_instants_then_text_and_milliseconds_agree_both_ways),
        cmocka_unit_test(given_every_day_of_years_0_to_9999_then_it_follows_the_day_before_and_comes_back),
        cmocka_unit_test(given_instants_outside_the_years_then_they_are_clipped),
        cmocka_unit_test(given_offsets_and_fractions_then_the_instant_is_utc_in_whole_milliseconds),
        cmocka_unit_test(given_what_is_no_instant_then_it_is_refused_and_the_output_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
