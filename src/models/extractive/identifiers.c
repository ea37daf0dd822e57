/* identifiers.c: numbers that name something: those with a form of their own, those with a
 * checksum, and those behind a label ("Invoice No. 2024-17"). Telephone numbers, too. */
#include "entities.h"

#include <string.h>

static bool is_upper(uint32_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint32_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static uint32_t uuid_end(const struct dm_ex_text *text, uint32_t at)
{
    static const uint32_t groups[] = { 8, 4, 4, 4, 12 };
    for (size_t g = 0; g < DM_COUNT(groups); g++) {
        if (g > 0 && dm_ex_at(text, at++) != '-')
            return 0;
        for (uint32_t i = 0; i < groups[g]; i++)
            if (!is_hex(dm_ex_at(text, at++)))
                return 0;
    }
    return dm_ex_boundary(text, at) ? at : 0;
}

/* Lengths by country (ISO 13616); a number of another country is not reported. */
static uint32_t iban_length(uint32_t a, uint32_t b)
{
    static const char countries[] =
        "AD24AE23AT20BE16BG22BR29CH21CY28CZ24DE22DK18EE20ES24FI18FR27GB22GI23GR27HR21HU28IE22"
        "IL23IS26IT27LI21LT20LU20LV21MC27MT31NL18NO15PL28PT25RO24RS22SA24SE24SI19SK24SM27TR26"
        "UA29";
    for (const char *c = countries; *c; c += 4)
        if ((uint32_t)c[0] == a && (uint32_t)c[1] == b)
            return (uint32_t)(c[2] - '0') * 10 + (uint32_t)(c[3] - '0');
    return 0;
}

static uint32_t iban_end(const struct dm_ex_text *text, uint32_t at)
{
    if (!is_upper(dm_ex_at(text, at)) || !is_upper(dm_ex_at(text, at + 1)) || !is_digit(dm_ex_at(text, at + 2)) ||
        !is_digit(dm_ex_at(text, at + 3)))
        return 0;
    uint32_t length = iban_length(text->cp[at], text->cp[at + 1]);
    uint32_t digits[34];
    uint32_t count = 0;
    uint32_t i = at;
    while (count < length) {
        uint32_t c = dm_ex_at(text, i++);
        if ((c == ' ' || c == 0xA0) && dm_ex_at(text, i) != ' ')
            continue;
        if (!is_digit(c) && !is_upper(c))
            return 0;
        digits[count++] = is_digit(c) ? c - '0' : c - 'A' + 10;
    }
    if (length == 0 || !dm_ex_boundary(text, i))
        return 0;
    uint32_t rest = 0;
    for (uint32_t k = 0; k < length; k++) { /* the first four come last; then modulo 97 is 1 */
        uint32_t value = digits[(k + 4) % length];
        rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1 ? i : 0;
}

/* Digits with single blanks or hyphens between, and an X at the end where one may be: into
 * `digits`, at most `max`. */
static uint32_t spaced_digits(const struct dm_ex_text *text, uint32_t at, uint32_t max, uint32_t digits[],
                              uint32_t *ret_end)
{
    uint32_t count = 0;
    uint32_t i = at;
    uint32_t end = at;
    while (count < max) {
        uint32_t c = dm_ex_at(text, i);
        if ((c == '-' || c == ' ' || c == 0x2010 || c == 0x2011 || c == 0x2013) && count > 0 && end == i) {
            i++;
            continue;
        }
        bool tenth = (c == 'X' || c == 'x') && count == max - 1 && max != 13;
        if (!is_digit(c) && !tenth)
            break;
        digits[count++] = tenth ? 10 : c - '0';
        end = ++i;
    }
    *ret_end = end;
    return count;
}

static uint32_t isbn_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t digits[13];
    uint32_t end;
    if (spaced_digits(text, at, 13, digits, &end) == 13 && digits[0] == 9 && digits[1] == 7 && digits[2] >= 8) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < 13; i++)
            sum += digits[i] * (i % 2 ? 3 : 1);
        return sum % 10 == 0 && dm_ex_boundary(text, end) ? end : 0;
    }
    if (spaced_digits(text, at, 10, digits, &end) != 10 || !dm_ex_boundary(text, end))
        return 0;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 10; i++)
        sum += digits[i] * (10 - i);
    return sum % 11 == 0 ? end : 0;
}

static uint32_t issn_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t digits[8];
    uint32_t end;
    if (spaced_digits(text, at, 8, digits, &end) != 8 || !dm_ex_boundary(text, end))
        return 0;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 8; i++)
        sum += digits[i] * (8 - i);
    return sum % 11 == 0 ? end : 0;
}

static uint32_t doi_end(const struct dm_ex_text *text, uint32_t at)
{
    if (dm_ex_at(text, at) != '1' || dm_ex_at(text, at + 1) != '0' || dm_ex_at(text, at + 2) != '.')
        return 0;
    uint32_t digits = dm_ex_digits(text, at + 3, 10, NULL);
    if (digits < 4 || digits > 9 || dm_ex_at(text, at + 3 + digits) != '/')
        return 0;
    uint32_t end = at + 4 + digits;
    uint32_t start = end;
    while (end < text->count && end - at < 200 && !dm_ex_is_blank(text->kind[end]) && text->cp[end] != '"' &&
           text->cp[end] != '<' && text->cp[end] != '>' && text->cp[end] < 0x2000)
        end++;
    while (end > start && strchr(".,;:)]}'", (int)text->cp[end - 1]))
        end--;
    return end > start ? end : 0;
}

/* Numbers for value added tax: the country, then so many characters (letters allowed where the
 * country has them). */
static uint32_t vat_end(const struct dm_ex_text *text, uint32_t at)
{
    static const struct {
        const char *prefix;
        uint32_t least, most;
        bool letters;
    } forms[] = {
        { "ATU", 8, 8, false },  { "BE0", 9, 9, false },  { "BE1", 9, 9, false },  { "DE", 9, 9, false },
        { "DK", 8, 8, false },   { "ES", 9, 9, true },    { "FI", 8, 8, false },   { "FR", 11, 11, true },
        { "GB", 9, 12, false },  { "IT", 11, 11, false }, { "LU", 8, 8, false },   { "NL", 12, 12, true },
        { "PL", 10, 10, false }, { "PT", 9, 9, false },   { "SE", 12, 12, false }, { "CZ", 8, 10, false },
    };
    for (size_t f = 0; f < DM_COUNT(forms); f++) {
        uint32_t i = at;
        const char *prefix = forms[f].prefix;
        while (*prefix && dm_ex_at(text, i) == (uint32_t)*prefix) {
            prefix++;
            i++;
        }
        if (*prefix)
            continue;
        uint32_t count = 0;
        uint32_t numerals = 0;
        while (is_digit(dm_ex_at(text, i)) || (forms[f].letters && is_upper(dm_ex_at(text, i)))) {
            numerals += is_digit(text->cp[i]);
            count++;
            i++;
        }
        if (count >= forms[f].least && count <= forms[f].most && numerals + 2 >= count && dm_ex_boundary(text, i))
            return i;
    }
    return 0;
}

static bool matches(const struct dm_ex_text *text, uint32_t at, const char *literal)
{
    for (; *literal; literal++, at++)
        if (dm_ex_at(text, at) != (uint32_t)*literal)
            return false;
    return true;
}

/* "CVE-2021-44228", "arXiv:1706.03762" */
static uint32_t registered_end(const struct dm_ex_text *text, uint32_t at, const char **ret_kind)
{
    if (matches(text, at, "CVE-") && dm_ex_digits(text, at + 4, 5, NULL) == 4 && dm_ex_at(text, at + 8) == '-') {
        uint32_t digits = dm_ex_digits(text, at + 9, 8, NULL);
        *ret_kind = "cve";
        return digits >= 4 && dm_ex_boundary(text, at + 9 + digits) ? at + 9 + digits : 0;
    }
    if (matches(text, at, "arXiv:") && dm_ex_digits(text, at + 6, 5, NULL) == 4 && dm_ex_at(text, at + 10) == '.') {
        uint32_t digits = dm_ex_digits(text, at + 11, 6, NULL);
        *ret_kind = "arxiv";
        return digits >= 4 && digits <= 5 && dm_ex_boundary(text, at + 11 + digits) ? at + 11 + digits : 0;
    }
    return 0;
}

/* Past ": ", " no. ", "-Nr.: ", " #" after a label, or 0 where nothing there says that a number
 * follows. */
static uint32_t after_label(const struct dm_ex_scan *scan, uint32_t at, bool *ret_says_number)
{
    const struct dm_ex_text *text = scan->text;
    bool said = false;
    for (uint32_t steps = 0; steps < 8; steps++) {
        uint32_t c = dm_ex_at(text, at);
        uint8_t kind = dm_ex_kind_at(text, at);
        if (c == ':' || c == '#' || c == 0x2116 || c == 0xFF1A) {
            said = true;
            at++;
            continue;
        }
        if ((kind == DM_EX_SPACE || c == '.' || c == '-' || c == 0xB0 || c == 0xBA || c == '/') && at < text->count) {
            at++;
            continue;
        }
        uint32_t word = dm_ex_is_letter(kind) ? dm_ex_word_at(scan, at) : UINT32_MAX;
        if (word == UINT32_MAX || !(dm_ex_lex_of(scan->words, word)->classes & DM_EX_NUMBER_WORD))
            break;
        uint32_t end = at + scan->words->at[word].len;
        uint32_t next = dm_ex_at(text, end);
        /* "in this case no 100 people": a word of two letters needs its full stop, its colon or
         * its capital. */
        if (scan->words->at[word].len > 2 || next == '.' || next == ':' || next == 0xB0 ||
            text->kind[at] == DM_EX_UPPER)
            said = true;
        at = end;
    }
    *ret_says_number = said;
    return at;
}

/* "5 O 123/21", "XII ZR 8/21": how German courts number their cases. */
static uint32_t court_number_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t i = at;
    while (i - at < 5 && (is_digit(dm_ex_at(text, i)) ||
                          (dm_ex_at(text, i) && strchr("IVX", (int)text->cp[i] & 0x7F) && text->cp[i] < 0x80)))
        i++;
    if (i == at || dm_ex_at(text, i++) != ' ')
        return 0;
    uint32_t letters = 0;
    while (dm_ex_is_letter(dm_ex_kind_at(text, i)) && letters < 6) {
        i++;
        letters++;
    }
    if (letters == 0 || dm_ex_at(text, i++) != ' ')
        return 0;
    uint32_t digits = dm_ex_digits(text, i, 7, NULL);
    i += digits;
    if (digits == 0 || dm_ex_at(text, i) != '/' || dm_ex_digits(text, i + 1, 4, NULL) < 2)
        return 0;
    return i + 1 + dm_ex_digits(text, i + 1, 4, NULL);
}

/* Letters, digits and the marks inside numbers; it must hold a digit and end with a letter or
 * digit. */
static uint32_t number_end(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t end = at;
    uint32_t digits = 0;
    for (uint32_t i = at; i < text->count && i - at < 40; i++) {
        uint8_t kind = text->kind[i];
        uint32_t c = text->cp[i];
        if (kind == DM_EX_DIGIT || (dm_ex_is_letter(kind) && c < 0x80)) {
            digits += kind == DM_EX_DIGIT;
            end = i + 1;
        } else if (c != '-' && c != '/' && c != '.' && c != '_' && c != ':') {
            break;
        }
    }
    return digits > 0 && end - at >= 3 && digits * 3 >= end - at ? end : 0;
}

static uint32_t labelled_end(const struct dm_ex_scan *scan, uint32_t at, uint32_t word, uint32_t *ret_start,
                             const char **ret_kind)
{
    const struct dm_ex_text *text = scan->text;
    bool said;
    uint32_t start = after_label(scan, at + scan->words->at[word].len, &said);
    uint32_t court = court_number_end(text, start);
    if ((!said && !court) || dm_ex_date_end(scan, start) || start >= text->count)
        return 0;
    uint32_t end = vat_end(text, start);
    *ret_start = start;
    *ret_kind = end ? "vat" : "iban";
    if (end || (end = iban_end(text, start)) != 0)
        return end;
    *ret_kind = "number";
    end = court ? court : number_end(text, start);
    if (!end || (!is_digit(text->cp[start]) && !is_upper(text->cp[start])))
        return 0;
    /* An amount is no number of anything: "Order: 1,200.00" */
    uint32_t c = dm_ex_at(text, end);
    if ((c == ',' || c == '%' || c == 0x20AC || c == '$') && (c != ',' || is_digit(dm_ex_at(text, end + 1))))
        return 0;
    return end;
}

uint32_t dm_ex_identifier_end(const struct dm_ex_scan *scan, uint32_t at, uint32_t *ret_start, const char **ret_kind)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t c = text->cp[at];
    uint32_t end = 0;
    *ret_start = at;
    if (is_hex(c) && (end = uuid_end(text, at)) != 0) {
        *ret_kind = "uuid";
        return end;
    }
    if (is_digit(c)) {
        if ((end = doi_end(text, at)) != 0) {
            *ret_kind = "doi";
            return end;
        }
        /* Thirteen digits from 978 or 979 with a right checksum need no label. */
        if (c == '9' && dm_ex_at(text, at + 1) == '7' && (end = isbn_end(text, at)) != 0 && end - at >= 13)
            *ret_kind = "isbn";
        return *ret_kind ? end : 0;
    }
    if (is_upper(c) && is_upper(dm_ex_at(text, at + 1))) {
        if ((end = iban_end(text, at)) != 0) {
            *ret_kind = "iban";
            return end;
        }
        if ((end = vat_end(text, at)) != 0) {
            *ret_kind = "vat";
            return end;
        }
        bool isbn = matches(text, at, "ISBN");
        if (isbn || matches(text, at, "ISSN")) {
            uint32_t i = at + 4;
            if (matches(text, i, "-10") || matches(text, i, "-13"))
                i += 3;
            while (dm_ex_at(text, i) == ':' || dm_ex_at(text, i) == ' ' || dm_ex_at(text, i) == 0xA0)
                i++;
            end = isbn ? isbn_end(text, i) : issn_end(text, i);
            *ret_start = i;
            *ret_kind = isbn ? "isbn" : "issn";
            return end;
        }
    }
    if ((c == 'C' || c == 'a') && (end = registered_end(text, at, ret_kind)) != 0)
        return end;
    uint32_t word = dm_ex_word_at(scan, at);
    if (word != UINT32_MAX && dm_ex_lex_of(scan->words, word)->classes & DM_EX_ID_LABEL)
        return labelled_end(scan, at, word, ret_start, ret_kind);
    return 0;
}

/* Digits in groups as telephone numbers have them. Returns the end; *ret_digits and *ret_groups
 * say what was there. */
static uint32_t dialled(const struct dm_ex_text *text, uint32_t at, uint32_t *ret_digits, uint32_t *ret_groups)
{
    uint32_t digits = 0;
    uint32_t groups = 0;
    uint32_t end = at;
    bool in_group = false;
    bool open = false;
    for (uint32_t i = at; i < text->count && i - at < 28; i++) {
        uint32_t c = text->cp[i];
        if (is_digit(c)) {
            groups += !in_group;
            in_group = true;
            digits++;
            end = i + 1;
            continue;
        }
        in_group = false;
        uint32_t next = dm_ex_at(text, i + 1);
        if (c == '(' && !open && (is_digit(next) || next == '+'))
            open = true;
        else if (c == ')' && open)
            open = false;
        else if (c == '+' && i == at)
            continue;
        else if (!(c == ' ' || c == 0xA0 || c == '-' || c == '.' || c == '/' || c == 0x2013) ||
                 !(is_digit(next) || next == '(' || (c == ' ' && (next == '-' || next == '/' || next == 0x2013)) ||
                   (c != ' ' && next == ' ')))
            break;
    }
    *ret_digits = digits;
    *ret_groups = groups;
    return end;
}

uint32_t dm_ex_phone_end(const struct dm_ex_scan *scan, uint32_t at, uint32_t *ret_start)
{
    const struct dm_ex_text *text = scan->text;
    uint32_t c = text->cp[at];
    uint32_t digits;
    uint32_t groups;
    uint32_t end;
    *ret_start = at;
    if (c == '+' && is_digit(dm_ex_at(text, at + 1))) {
        end = dialled(text, at, &digits, &groups);
        return digits >= 9 && digits <= 15 && groups >= 1 && dm_ex_boundary(text, end) ? end : 0;
    }
    if (c == '(' || is_digit(c)) { /* (555) 010-1234 and 555-010-1234 */
        uint32_t first = at + (c == '(');
        uint32_t i = first + dm_ex_digits(text, first, 4, NULL);
        if (i != first + 3 || (c == '(' && dm_ex_at(text, i++) != ')'))
            return 0;
        uint32_t separator = dm_ex_at(text, i);
        if (separator == ' ' && c == '(')
            separator = dm_ex_at(text, ++i + 3);
        else
            i++;
        if ((separator != '-' && separator != '.') || dm_ex_digits(text, i, 4, NULL) != 3 ||
            dm_ex_at(text, i + 3) != separator || dm_ex_digits(text, i + 4, 5, NULL) != 4)
            return 0;
        return dm_ex_boundary(text, i + 8) && dm_ex_at(text, i + 8) != separator ? i + 8 : 0;
    }
    uint32_t word = dm_ex_word_at(scan, at);
    if (word == UINT32_MAX || !(dm_ex_lex_of(scan->words, word)->classes & DM_EX_PHONE_LABEL))
        return 0;
    bool said;
    uint32_t start = after_label(scan, at + scan->words->at[word].len, &said);
    c = dm_ex_at(text, start);
    if (c != '+' && c != '(' && !is_digit(c))
        return 0;
    end = dialled(text, start, &digits, &groups);
    if (digits < 6 || digits > 15 || !dm_ex_boundary(text, end))
        return 0;
    *ret_start = start;
    return end;
}
