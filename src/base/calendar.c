/* calendar.c: the proleptic Gregorian calendar, computed without the C library so that `domain` may use it
 * (no locale, no time zone file, no hidden state). Days-from-civil after H. Hinnant's public derivation. */
#include "base/calendar.h"

#include <stdio.h>

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static void put_two(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

struct dm_str dm_time_text(int64_t wall_ms, char text[DM_TIME_TEXT])
{
    const int64_t earliest = days_from_civil(0, 1, 1) * DM_DAY_MS;
    const int64_t latest = days_from_civil(10000, 1, 1) * DM_DAY_MS - 1;
    if (wall_ms < earliest)
        wall_ms = earliest;
    if (wall_ms > latest)
        wall_ms = latest;
    int64_t days = wall_ms / DM_DAY_MS;
    int32_t left = (int32_t)(wall_ms % DM_DAY_MS);
    if (left < 0) {
        left += (int32_t)DM_DAY_MS;
        days--;
    }
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    __builtin_memcpy(text, "0000-00-00T00:00:00.000Z", DM_TIME_TEXT);
    unsigned second = (unsigned)left / 1000;
    unsigned ms = (unsigned)left % 1000;
    put_two(text, (unsigned)year / 100);
    put_two(text + 2, (unsigned)year % 100);
    put_two(text + 5, (unsigned)month);
    put_two(text + 8, (unsigned)day);
    put_two(text + 11, second / 3600);
    put_two(text + 14, second / 60 % 60);
    put_two(text + 17, second % 60);
    put_two(text + 20, ms / 10);
    text[22] = (char)('0' + ms % 10);
    return (struct dm_str){ text, DM_TIME_TEXT - 1 };
}

static bool take_digits(struct dm_str *s, size_t count, unsigned *ret_value)
{
    uint64_t value;
    if (s->len < count || !dm_str_to_u64(dm_str_cut(*s, 0, count), &value))
        return false;
    *ret_value = (unsigned)value;
    *s = dm_str_from(*s, count);
    return true;
}

static bool take_char(struct dm_str *s, char wanted)
{
    if (s->len == 0 || s->at[0] != wanted)
        return false;
    *s = dm_str_from(*s, 1);
    return true;
}

static bool take_date(struct dm_str *s, int64_t *ret_days)
{
    static const unsigned char month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) || !take_char(s, '-') ||
        !take_digits(s, 2, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] || (month == 2 && day == 29 && !leap))
        return false;
    *ret_days = days_from_civil(year, month, day);
    return true;
}

static bool take_offset(struct dm_str *s, int64_t *ret_offset_ms)
{
    unsigned hours, minutes;
    *ret_offset_ms = 0;
    if (take_char(s, 'Z'))
        return true;
    int64_t sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
    if (sign == 0 || !take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_offset_ms = sign * ((int64_t)hours * DM_HOUR_MS + (int64_t)minutes * DM_MINUTE_MS);
    return true;
}

bool dm_time_parse(struct dm_str text, int64_t *ret_wall_ms)
{
    int64_t days, offset_ms;
    unsigned hour, minute, second, fraction_ms = 0;
    if (!take_date(&text, &days))
        return false;
    if (text.len == 0) {
        *ret_wall_ms = days * DM_DAY_MS;
        return true;
    }
    if (!take_char(&text, 'T') || !take_digits(&text, 2, &hour) || !take_char(&text, ':') ||
        !take_digits(&text, 2, &minute) || !take_char(&text, ':') || !take_digits(&text, 2, &second))
        return false;
    if (take_char(&text, '.')) {
        unsigned weight = 100;
        size_t digits = 0;
        for (; text.len > 0 && text.at[0] >= '0' && text.at[0] <= '9'; digits++, weight /= 10) {
            fraction_ms += (unsigned)(text.at[0] - '0') * weight;
            text = dm_str_from(text, 1);
        }
        if (digits == 0)
            return false;
    }
    if (!take_offset(&text, &offset_ms) || text.len != 0 || hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_wall_ms = days * DM_DAY_MS + (int64_t)hour * DM_HOUR_MS + (int64_t)minute * DM_MINUTE_MS +
                   (int64_t)second * DM_SECOND_MS + fraction_ms - offset_ms;
    return true;
}
