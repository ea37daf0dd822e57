/* values.c: dates and amounts of money as people of several countries write them. */
#include "entities.h"

static bool is_dash(uint32_t c)
{
    return c == '-' || c == 0x2013 || c == 0x2014 || c == 0x2010 || c == 0x2011;
}

/* Where a month's name that begins at `at` ends, or 0. */
static uint32_t month_end(const struct dm_ex_scan *scan, uint32_t at)
{
    uint32_t word = dm_ex_word_at(scan, at);
    if (word == UINT32_MAX || !(dm_ex_lex_of(scan->words, word)->classes & DM_EX_MONTH))
        return 0;
    /* English and German write months with a capital; "may" and "mar" without one are something
     * else. */
    uint32_t len = scan->words->at[word].len;
    enum dm_ex_language language = scan->words->language;
    if (scan->words->at[word].shape == DM_EX_W_LOWER &&
        (language == DM_EX_EN || language == DM_EX_DE || (language == DM_EX_NO_LANGUAGE && len < 4)))
        return 0;
    return at + len;
}

/* Past one of the little words between the parts of a date ("of", "de", "del"), or `at`. */
static uint32_t skip_of(const struct dm_ex_text *text, uint32_t at)
{
    static const char *const links[] = { "of ", "de ", "del ", "den ", "di ", "d'" };
    for (size_t i = 0; i < DM_COUNT(links); i++) {
        uint32_t k = 0;
        while (links[i][k] && dm_ex_at_low(text, at + k) == (uint32_t)links[i][k])
            k++;
        if (!links[i][k])
            return at + k;
    }
    return at;
}

static uint32_t year_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t year;
    uint32_t digits = dm_ex_digits(text, at, 5, &year);
    return digits == 4 && year >= 1000 && year < 3000 && dm_ex_boundary(text, at + 4) ? at + 4 : 0;
}

/* After a day and a month: the year if one follows, with or without comma and "de". */
static uint32_t with_year(const struct dm_ex_text *text, uint32_t end)
{
    uint32_t at = end;
    if (dm_ex_at(text, at) == ',' || dm_ex_at(text, at) == '.')
        at++;
    uint32_t next = dm_ex_skip_blanks(text, at, 3);
    if (next == at)
        return end;
    uint32_t year = year_end(text, skip_of(text, next));
    return year ? year : end;
}

static bool ordinal_suffix(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t a = dm_ex_at(text, at);
    uint32_t b = dm_ex_at(text, at + 1);
    return (a == 's' && b == 't') || (a == 'n' && b == 'd') || (a == 'r' && b == 'd') || (a == 't' && b == 'h') ||
           (a == 'e' && b == 'r');
}

/* "12 March 2024", "12. März", "1er mai", "12–14 de marzo de 2024": `at` is past the first
 * digits. */
static uint32_t day_month(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t day;
    uint32_t dash = dm_ex_skip_blanks(text, at, 1);
    if (is_dash(dm_ex_at(text, dash))) {
        uint32_t second = dm_ex_skip_blanks(text, dash + 1, 1);
        uint32_t digits = dm_ex_digits(text, second, 2, &day);
        if (digits > 0 && day >= 1 && day <= 31)
            at = second + digits;
    }
    if (ordinal_suffix(text, at))
        at += 2;
    else if (dm_ex_at(text, at) == '.' || dm_ex_at(text, at) == 0xBA || dm_ex_at(text, at) == 0xB0)
        at++;
    uint32_t next = dm_ex_skip_blanks(text, at, 3);
    if (next == at && text->cp[at - 1] != '.')
        return 0;
    uint32_t month = month_end(scan, skip_of(text, next));
    return month ? with_year(text, month) : 0;
}

/* "12.03.2024", "3/12/24", "12. 3. 2024": day and month in either order. */
static uint32_t numeric(const struct dm_ex_text *text, uint32_t at, uint32_t first, uint32_t first_digits)
{
    uint32_t separator = dm_ex_at(text, at);
    if (separator != '.' && separator != '/' && separator != '-')
        return 0;
    uint32_t i = at + 1;
    bool wide = separator == '.' && dm_ex_at(text, i) == ' ';
    i += wide;
    uint32_t second;
    uint32_t digits = dm_ex_digits(text, i, 3, &second);
    if (digits == 0 || digits > 2 || second == 0 || second > 31 || dm_ex_at(text, i + digits) != separator)
        return 0;
    if (first == 0 || first > 31 || (first > 12 && second > 12))
        return 0;
    if (separator == '.' && second > 12) /* nobody writes the month first here: a version number */
        return 0;
    uint32_t second_digits = digits;
    i += digits + 1;
    i += wide && dm_ex_at(text, i) == ' ';
    uint32_t year;
    digits = dm_ex_digits(text, i, 5, &year);
    bool full = digits == 4 && year >= 1000 && year < 3000;
    bool brief = digits == 2 && separator != '-' && first_digits == 2 && second_digits == 2;
    if ((!full && !brief) || !dm_ex_boundary(text, i + digits))
        return 0;
    /* 10.12.20.31 is an address */
    uint32_t after = dm_ex_at(text, i + digits);
    if ((after == '.' || after == separator) && dm_ex_kind_at(text, i + digits + 1) == DM_EX_DIGIT)
        return 0;
    return i + digits;
}

/* "2024-03-12", with a time of day where one is attached by T; "2024年3月12日"; "2024. március 12." */
static uint32_t year_first(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t month;
    uint32_t day;
    uint32_t c = dm_ex_at(text, at);
    if (c == 0x5E74) { /* 年 */
        uint32_t digits = dm_ex_digits(text, at + 1, 2, &month);
        if (digits == 0 || month == 0 || month > 12 || dm_ex_at(text, at + 1 + digits) != 0x6708)
            return at + 1;
        uint32_t end = at + 2 + digits;
        digits = dm_ex_digits(text, end, 2, &day);
        return digits > 0 && dm_ex_at(text, end + digits) == 0x65E5 ? end + digits + 1 : end;
    }
    if (c == '.' && dm_ex_at(text, at + 1) == ' ') {
        uint32_t end = month_end(scan, at + 2);
        uint32_t next = end ? dm_ex_skip_blanks(text, end, 2) : 0;
        uint32_t digits = end ? dm_ex_digits(text, next, 2, &day) : 0;
        return digits > 0 && dm_ex_at(text, next + digits) == '.' ? next + digits : 0;
    }
    if (c != '-' && c != '/' && c != '.')
        return 0;
    uint32_t digits = dm_ex_digits(text, at + 1, 3, &month);
    uint32_t second = at + 1 + digits;
    if (digits == 0 || digits > 2 || month == 0 || month > 12 || dm_ex_at(text, second) != c)
        return 0;
    digits = dm_ex_digits(text, second + 1, 3, &day);
    if (digits == 0 || digits > 2 || day == 0 || day > 31)
        return 0;
    uint32_t end = second + 1 + digits;
    if (dm_ex_at(text, end) == 'T' && dm_ex_digits(text, end + 1, 2, NULL) == 2) {
        end++;
        while (dm_ex_kind_at(text, end) == DM_EX_DIGIT || (dm_ex_at(text, end) == ':') ||
               ((dm_ex_at(text, end) == '.' || dm_ex_at(text, end) == '+' || dm_ex_at(text, end) == '-') &&
                dm_ex_kind_at(text, end + 1) == DM_EX_DIGIT))
            end++;
        end += dm_ex_at(text, end) == 'Z';
    }
    return dm_ex_boundary(text, end) && !is_dash(dm_ex_at(text, end)) ? end : 0;
}

/* "March 12, 2024", "March 12", "March 2024", "Sept. 3rd". */
static uint32_t month_first(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t end = month_end(scan, at);
    if (!end)
        return 0;
    bool dotted = dm_ex_at(text, end) == '.';
    uint32_t next = dm_ex_skip_blanks(text, end + dotted, 2);
    if (next == end + dotted)
        return 0;
    uint32_t year = year_end(text, skip_of(text, next));
    if (year)
        return year;
    uint32_t day;
    uint32_t digits = dm_ex_digits(text, next, 3, &day);
    if (digits == 0 || digits > 2 || day == 0 || day > 31)
        return 0;
    uint32_t past = next + digits;
    if (ordinal_suffix(text, past))
        past += 2;
    uint32_t c = dm_ex_at(text, past);
    if (!dm_ex_boundary(text, past) || c == '%' || c == ':' || c == '/' ||
        ((c == '.' || c == ',') && dm_ex_kind_at(text, past + 1) == DM_EX_DIGIT))
        return 0;
    return with_year(text, past);
}

uint32_t dm_ex_date_end(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t number;
    uint32_t digits = dm_ex_digits(text, at, 5, &number);
    if (digits == 0)
        return month_first(scan, at);
    uint32_t before = dm_ex_at(text, at - 1);
    if (before == '.' || before == '/' || (before == '-' && dm_ex_kind_at(text, at - 2) == DM_EX_DIGIT))
        return 0; /* the tail of a longer number */
    if (digits == 4 && number >= 1000 && number < 3000)
        return year_first(scan, at + 4);
    if (digits > 2 || number == 0 || number > 31)
        return 0;
    uint32_t end = numeric(text, at + digits, number, digits);
    return end ? end : day_month(scan, at + digits);
}

/* A number with separators of thousands and decimals of any country. Returns its end; *ret_bare
 * says that it is one single digit. */
static uint32_t amount_end(const struct dm_ex_text *text, uint32_t at, bool *ret_bare)
{
    uint32_t digits = dm_ex_digits(text, at, 16, NULL);
    uint32_t end = at + digits;
    *ret_bare = digits == 1;
    if (digits == 0)
        return 0;
    uint32_t group = 0; /* the separator of thousands */
    while (digits <= 3) {
        uint32_t c = dm_ex_at(text, end);
        bool separates =
            c == ',' || c == '.' || c == '\'' || c == 0x2019 || c == ' ' || c == 0xA0 || c == 0x202F || c == 0x2009;
        if (!separates || (group && c != group) || dm_ex_digits(text, end + 1, 4, NULL) != 3)
            break;
        group = c;
        end += 4;
    }
    uint32_t c = dm_ex_at(text, end);
    if ((c == '.' || c == ',') && c != group) {
        uint32_t places = dm_ex_digits(text, end + 1, 5, NULL);
        if (places > 0 && places <= 4)
            end += 1 + places;
        else if (is_dash(dm_ex_at(text, end + 1))) /* 12,- */
            end += 2 + is_dash(dm_ex_at(text, end + 2));
    }
    *ret_bare = *ret_bare && end == at + 1;
    return end;
}

static bool is_currency_sign(uint32_t c)
{
    return c == '$' || c == 0xA3 || c == 0xA5 || (c >= 0x20A0 && c <= 0x20C0) || c == 0x0E3F || c == 0xFFE5 ||
           c == 0xFF04;
}

/* Past "million", "Mio.", "bn", "k" after an amount, or `end`. */
static uint32_t magnitude_end(const struct dm_ex_scan *scan, uint32_t end)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t c = dm_ex_at(text, end);
    if ((c == 'k' || c == 'K' || c == 'M' || c == 'm' || c == 'B') && dm_ex_boundary(text, end + 1))
        return end + 1;
    if ((c == 'b' || c == 'm') && dm_ex_at(text, end + 1) == 'n' && dm_ex_boundary(text, end + 2))
        return end + 2;
    uint32_t next = dm_ex_skip_blanks(text, end, 2);
    uint32_t word = dm_ex_word_at(scan, next);
    if (word == UINT32_MAX || !(dm_ex_lex_of(scan->words, word)->classes & DM_EX_MAGNITUDE))
        return end;
    next += scan->words->at[word].len;
    if (dm_ex_at(text, next) == '.' && scan->words->at[word].len <= 4 && dm_ex_is_blank(dm_ex_kind_at(text, next + 1)))
        return next + 1;
    return next;
}

/* Past a currency's sign, code or name after an amount, or 0. */
static uint32_t currency_end(const struct dm_ex_scan *scan, uint32_t at, bool magnitude)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t next = dm_ex_skip_blanks(text, at, 2);
    if (is_currency_sign(dm_ex_at(text, next)))
        return next == at || !scan->has_code ? next + 1 : 0;
    uint32_t of = skip_of(text, next); /* 3 millones de euros */
    uint32_t word = dm_ex_word_at(scan, of);
    if (word == UINT32_MAX)
        return 0;
    const struct dm_ex_word *found = &scan->words->at[word];
    if (found->shape == DM_EX_W_UPPER && found->len == 2 && text->low[of] == 'u' && text->low[of + 1] == 's') {
        next = of + 2 + (dm_ex_at(text, of + 2) == '-' || dm_ex_at(text, of + 2) == ' '); /* US dollars */
        word = dm_ex_word_at(scan, next);
        if (word == UINT32_MAX)
            return 0;
        found = &scan->words->at[word];
    }
    const struct dm_ex_lex *lex = dm_ex_lex_of(scan->words, word);
    /* Five pounds may be butter, five million pounds are not. */
    bool pounds = magnitude && dm_ex_vocable_of(scan->words, word)->hash == dm_ex_hash_utf8(DM_STR("pounds"));
    if (!(lex->classes & DM_EX_CURRENCY) && !pounds)
        return 0;
    bool code = found->len == 3 && found->shape == DM_EX_W_LOWER; /* "eur" is a code, "yen" and "lei" are words */
    if (code && text->low[found->start] != 'y' && text->low[found->start] != 'l')
        return 0;
    return found->start + found->len;
}

uint32_t dm_ex_money_end(const struct dm_ex_scan *scan, uint32_t at)
{
    const struct dm_ex_text *text = scan->text;
    bool bare;
    uint32_t c = text->cp[at];
    uint32_t from = at;
    bool prefixed = false;
    if (is_currency_sign(c)) {
        uint8_t before = dm_ex_kind_at(text, at - 1);
        uint32_t mark = dm_ex_at(text, at - 1);
        if (dm_ex_is_word(before) || before == DM_EX_SYMBOL || mark == '/' || mark == '\\' || mark == '{')
            return 0;
        prefixed = true;
        from = at + 1;
    } else if (text->kind[at] == DM_EX_UPPER) {
        uint32_t word = dm_ex_word_at(scan, at);
        if (word == UINT32_MAX)
            return 0;
        from = at + scan->words->at[word].len;
        prefixed = dm_ex_lex_of(scan->words, word)->classes & DM_EX_CURRENCY && scan->words->at[word].len <= 4;
        if (!prefixed && is_currency_sign(dm_ex_at(text, from)) && scan->words->at[word].len <= 3) {
            prefixed = true; /* US$, HK$ */
            from++;
        }
        if (!prefixed)
            return 0;
        from += dm_ex_at(text, from) == '.';
    } else if (text->kind[at] != DM_EX_DIGIT) {
        return 0;
    }
    if (prefixed) {
        from = dm_ex_skip_blanks(text, from, 2);
        uint32_t end = amount_end(text, from, &bare);
        if (!end)
            return 0;
        uint32_t whole = magnitude_end(scan, end);
        uint32_t next = dm_ex_skip_blanks(text, whole, 2);
        /* "$1" is more often a variable than a dollar. */
        if ((whole == end && bare && (c == '$' || scan->has_code)) || dm_ex_at(text, next) == '=')
            return 0;
        return dm_ex_boundary(text, whole) ? whole : 0;
    }
    uint32_t end = amount_end(text, at, &bare);
    uint32_t scaled = end ? magnitude_end(scan, end) : 0;
    uint32_t whole = end ? currency_end(scan, scaled, scaled > end) : 0;
    return whole && dm_ex_boundary(text, whole) ? whole : 0;
}
