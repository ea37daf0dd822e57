/* text.c: from bytes to code points and back. */
#include "text.h"

#include <unicode/uchar.h>

/* clang-format off */
enum {
    S = DM_EX_SPACE, B = DM_EX_BREAK, P = DM_EX_PUNCT, Y = DM_EX_SYMBOL,
    U = DM_EX_UPPER, L = DM_EX_LOWER, D = DM_EX_DIGIT,
};

static const uint8_t ascii_kinds[128] = {
    S, S, S, S, S, S, S, S, S, S, B, B, B, B, S, S, S, S, S, S, S, S, S, S, S, S, S, S, B, B, B, S,
    S, P, P, P, Y, P, P, P, P, P, P, Y, P, P, P, P, D, D, D, D, D, D, D, D, D, D, P, P, Y, Y, Y, P,
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, P, P, P, Y, P,
    Y, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, Y, P, Y, S,
};
/* clang-format on */

/* Scripts by block: enough to tell languages apart, and much cheaper than a property look-up. */
static const struct {
    uint32_t first, last;
    enum dm_ex_script script;
    bool dense;
} blocks[] = {
    { 0x0400, 0x052F, DM_EX_CYRILLIC, false },    { 0x3400, 0x9FFF, DM_EX_HAN, true },
    { 0x3040, 0x30FF, DM_EX_KANA, true },         { 0xAC00, 0xD7A3, DM_EX_HANGUL, false },
    { 0x0370, 0x03FF, DM_EX_GREEK, false },       { 0x0600, 0x06FF, DM_EX_ARABIC, false },
    { 0x0590, 0x05FF, DM_EX_HEBREW, false },      { 0x0900, 0x097F, DM_EX_DEVANAGARI, false },
    { 0x0E00, 0x0E7F, DM_EX_THAI, true },         { 0x0E80, 0x0EFF, DM_EX_OTHER_SCRIPT, true }, /* Lao */
    { 0x1000, 0x109F, DM_EX_OTHER_SCRIPT, true },                                               /* Myanmar */
    { 0x1780, 0x17FF, DM_EX_OTHER_SCRIPT, true },                                               /* Khmer */
    { 0x1F00, 0x1FFF, DM_EX_GREEK, false },       { 0x3005, 0x3007, DM_EX_HAN, true },
    { 0x31F0, 0x31FF, DM_EX_KANA, true },         { 0xF900, 0xFAFF, DM_EX_HAN, true },
    { 0xFB50, 0xFDFF, DM_EX_ARABIC, false },      { 0xFE70, 0xFEFE, DM_EX_ARABIC, false },
    { 0xFF66, 0xFF9F, DM_EX_KANA, true },         { 0x20000, 0x3FFFD, DM_EX_HAN, true },
};

/* The kind of a character past ASCII; counts letters by script. */
static uint8_t other_kind(struct dm_ex_text *text, uint32_t c)
{
    uint8_t kind;
    switch (u_charType((UChar32)c)) {
    case U_UPPERCASE_LETTER:
    case U_TITLECASE_LETTER:
        kind = DM_EX_UPPER;
        break;
    case U_LOWERCASE_LETTER:
        kind = DM_EX_LOWER;
        break;
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
    case U_LETTER_NUMBER:
        kind = DM_EX_LETTER;
        break;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
        kind = DM_EX_MARK;
        break;
    case U_DECIMAL_DIGIT_NUMBER:
        kind = DM_EX_DIGIT;
        break;
    case U_SPACE_SEPARATOR:
        return DM_EX_SPACE;
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
        return DM_EX_BREAK;
    case U_CONTROL_CHAR:
        return c == 0x85 ? DM_EX_BREAK : DM_EX_SPACE;
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
        return DM_EX_PUNCT;
    case U_UNASSIGNED:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
        return DM_EX_OTHER;
    default:
        return DM_EX_SYMBOL;
    }
    if (kind == DM_EX_DIGIT)
        return kind;
    if (c < 0x0370) {
        text->scripts[DM_EX_LATIN] += kind != DM_EX_MARK;
        return kind;
    }
    for (size_t i = 0; i < DM_COUNT(blocks); i++) {
        if (c < blocks[i].first || c > blocks[i].last)
            continue;
        text->scripts[blocks[i].script] += kind != DM_EX_MARK;
        return blocks[i].dense ? DM_EX_DENSE : kind;
    }
    text->scripts[c >= 0x1E00 && c <= 0x1EFF ? DM_EX_LATIN : DM_EX_OTHER_SCRIPT] += kind != DM_EX_MARK;
    return kind;
}

/* Strict UTF-8; a byte that fits nowhere is U+FFFD by itself. */
static uint32_t decode(const unsigned char *at, size_t left, size_t *ret_len)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    *ret_len = 1;
    if (at[0] < 0xC2 || at[0] > 0xF4 || len > left)
        return 0xFFFD;
    uint32_t c = at[0] & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | (at[i] & 0x3F);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0xFFFD;
    *ret_len = len;
    return c;
}

static uint16_t unit_of(uint32_t c, uint8_t kind)
{
    if (c < 0x10000)
        return (uint16_t)c;
    switch (kind) {
    case DM_EX_DENSE:
        return 0x4E00;
    case DM_EX_UPPER:
        return 'A';
    case DM_EX_LOWER:
        return 'a';
    case DM_EX_LETTER:
        return 0x05D0; /* a letter without case */
    case DM_EX_MARK:
        return 0x0301;
    case DM_EX_DIGIT:
        return '0';
    default:
        return 0x25A0;
    }
}

bool dm_ex_text_make(struct dm_str utf8, struct dm_arena *arena, struct dm_ex_text *ret)
{
    size_t size = utf8.len < DM_EX_TEXT_BYTES_MAX ? utf8.len : DM_EX_TEXT_BYTES_MAX;
    if (size < utf8.len) /* not in the middle of a character */
        while (size > DM_EX_TEXT_BYTES_MAX - 4 && ((unsigned char)utf8.at[size] & 0xC0) == 0x80)
            size--;
    struct dm_ex_text text = {
        .cp = dm_arena_array(arena, size + 1, sizeof(*text.cp)),
        .low = dm_arena_array(arena, size + 1, sizeof(*text.low)),
        .unit = dm_arena_array(arena, size + 1, sizeof(*text.unit)),
        .kind = dm_arena_array(arena, size + 1, sizeof(*text.kind)),
    };
    if (!text.cp || !text.low || !text.unit || !text.kind)
        return false;
    const unsigned char *bytes = (const unsigned char *)utf8.at;
    uint32_t n = 0;
    uint32_t counts[DM_EX_DENSE + 1] = { 0 };
    uint32_t ascii_letters = 0;
    bool in_word = false;
    for (size_t i = 0; i < size; n++) {
        uint32_t c = bytes[i];
        uint8_t kind;
        if (c < 0x80) {
            kind = ascii_kinds[c];
            i++;
            text.low[n] = kind == DM_EX_UPPER ? c + 32 : c;
            text.unit[n] = (uint16_t)c;
            ascii_letters += kind == DM_EX_UPPER || kind == DM_EX_LOWER;
        } else {
            size_t len;
            c = decode(bytes + i, size - i, &len);
            i += len;
            kind = other_kind(&text, c);
            text.low[n] = kind == DM_EX_UPPER ? (uint32_t)u_tolower((UChar32)c) : c == 0x2019 ? '\'' : c;
            text.unit[n] = unit_of(c, kind);
            text.beyond_ascii++;
        }
        text.cp[n] = c;
        text.kind[n] = kind;
        counts[kind]++;
        bool word = dm_ex_is_word(kind) && kind != DM_EX_DENSE;
        text.word_bound += word && !in_word;
        in_word = word;
    }
    text.count = n;
    text.scripts[DM_EX_LATIN] += ascii_letters;
    text.letters = counts[DM_EX_UPPER] + counts[DM_EX_LOWER] + counts[DM_EX_LETTER] + counts[DM_EX_DENSE];
    text.digits = counts[DM_EX_DIGIT];
    text.breaks = counts[DM_EX_BREAK];
    text.dense = counts[DM_EX_DENSE];
    *ret = text;
    return true;
}

uint64_t dm_ex_hash_range(const struct dm_ex_text *text, uint32_t start, uint32_t end)
{
    uint64_t hash = DM_EX_HASH_START;
    for (uint32_t i = start; i < end; i++)
        hash = dm_ex_hash_step(hash, text->low[i]);
    return hash;
}

uint64_t dm_ex_hash_utf8(struct dm_str lower_case)
{
    uint64_t hash = DM_EX_HASH_START;
    const unsigned char *bytes = (const unsigned char *)lower_case.at;
    for (size_t i = 0; i < lower_case.len;) {
        size_t len = 1;
        uint32_t c = bytes[i] < 0x80 ? bytes[i] : decode(bytes + i, lower_case.len - i, &len);
        hash = dm_ex_hash_step(hash, c);
        i += len;
    }
    return hash;
}

void dm_ex_add_code_point(struct dm_buf *buf, uint32_t c)
{
    char bytes[4];
    size_t len = 1;
    if (c < 0x80) {
        bytes[0] = (char)c;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xC0 | c >> 6);
        len = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xE0 | c >> 12);
        len = 3;
    } else {
        bytes[0] = (char)(0xF0 | c >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        bytes[i] = (char)(0x80 | (c >> 6 * (len - 1 - i) & 0x3F));
    dm_buf_add(buf, dm_str_of(bytes, len));
}

/* Chinese and Japanese characters and their punctuation: a line's end between two of them is no
 * blank. */
static bool sets_close(uint32_t c)
{
    return (c >= 0x3000 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF00 && c <= 0xFFEF) || c >= 0x20000;
}

void dm_ex_text_add(struct dm_buf *buf, const struct dm_ex_text *text, uint32_t start, uint32_t end)
{
    uint32_t last = UINT32_MAX; /* position of the character shown last */
    for (uint32_t i = start; i < end; i++) {
        uint8_t kind = text->kind[i];
        if (kind == DM_EX_OTHER || dm_ex_is_blank(kind)) {
            bool blank = false;
            bool line_end = false;
            uint32_t next = i;
            for (; next < end && (text->kind[next] == DM_EX_OTHER || dm_ex_is_blank(text->kind[next])); next++) {
                blank |= dm_ex_is_blank(text->kind[next]);
                line_end |= text->kind[next] == DM_EX_BREAK;
            }
            i = next - 1;
            if (!blank || last == UINT32_MAX || next == end)
                continue;
            if (line_end && sets_close(text->cp[last]) && sets_close(text->cp[next]))
                continue;
            dm_buf_add_char(buf, ' ');
            continue;
        }
        dm_ex_add_code_point(buf, text->cp[i]);
        last = i;
    }
}
