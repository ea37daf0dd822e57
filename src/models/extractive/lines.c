/* lines.c: the lines of a page, and what each is by its own looks. */
#include "layout.h"

/* What a line looks like, counted once. */
struct features {
    uint32_t letters, digits, visible, code_marks, uppers;
    uint32_t stops;      /* stop words: what prose has and listings lack */
    uint32_t capitals;   /* words that begin with a capital */
    uint32_t plain;      /* words of letters only */
    uint32_t gaps;       /* three or more blanks in a row, or a tab: columns */
    uint32_t leader;     /* longest row of dots */
    uint32_t leader_end; /* where it ends */
    bool numbered;       /* begins with 1.2, a), (iv) */
    bool bullet;
};

bool dm_ex_is_terminal(uint32_t c)
{
    switch (c) {
    case '.':
    case '!':
    case '?':
    case 0x2026: /* … */
    case 0x3002: /* 。 */
    case 0xFF0E:
    case 0xFF01:
    case 0xFF1F:
    case 0x061F: /* Arabic ? */
    case 0x06D4:
    case 0x0964: /* danda */
    case 0x0965:
        return true;
    default:
        return false;
    }
}

static bool is_closer(uint32_t c)
{
    switch (c) {
    case ')':
    case ']':
    case '"':
    case '\'':
    case 0x2019:
    case 0x201C:
    case 0x201D:
    case 0x00BB:
    case 0x00AB:
    case 0x300D:
    case 0x300F:
    case 0xFF09:
        return true;
    default:
        return false;
    }
}

bool dm_ex_ends_sentence(const struct dm_ex_text *text, uint32_t start, uint32_t end)
{
    while (end > start && (is_closer(text->cp[end - 1]) || dm_ex_is_blank(text->kind[end - 1])))
        end--;
    return end > start && dm_ex_is_terminal(text->cp[end - 1]);
}

static bool is_code_mark(uint32_t c)
{
    switch (c) {
    case '{':
    case '}':
    case ';':
    case '=':
    case '<':
    case '>':
    case '(':
    case ')':
    case '[':
    case ']':
    case '|':
    case '\\':
    case '/':
    case '_':
    case '#':
    case '*':
    case '&':
    case '@':
    case '^':
    case '~':
    case '`':
    case '+':
        return true;
    default:
        return false;
    }
}

static bool is_bullet(uint32_t c)
{
    switch (c) {
    case 0x2022: /* • */
    case 0x2023:
    case 0x25AA:
    case 0x25AB:
    case 0x25CF:
    case 0x25CB:
    case 0x25E6:
    case 0x2043:
    case 0x2219:
    case 0x25A0:
    case 0x25A1:
    case 0x2013: /* – and — lead items in many languages */
    case 0x2014:
    case 0x00B7:
    case 0x2713:
    case 0x2714:
    case 0xF0B7: /* Symbol font's bullet, left in the private area by many PDF makers */
    case 0xF0A7:
    case '*':
    case '-':
        return true;
    default:
        return false;
    }
}

/* Past "1.", "2.3.4", "a)", "(iv)", "§ 5": what an item or heading is numbered with; `at` where
 * there is none. */
static uint32_t after_number(const struct dm_ex_text *text, uint32_t at, uint32_t end)
{
    uint32_t i = at;
    bool open = dm_ex_at(text, i) == '(';
    i += open;
    if (dm_ex_at(text, i) == 0xA7)
        for (i++; i < end && dm_ex_is_blank(text->kind[i]); i++)
            ;
    uint32_t first = i;
    bool digits = false;
    bool dotted = false;
    while (i < end && i - first < 10) {
        uint8_t kind = text->kind[i];
        bool dot = text->cp[i] == '.' && i > first && dm_ex_is_word(dm_ex_kind_at(text, i + 1));
        dotted |= dot;
        if (kind == DM_EX_DIGIT)
            digits = true;
        else if (!dot && !(dm_ex_is_letter(kind) && i - first < 4 && text->cp[i] < 0x80))
            break;
        i++;
    }
    uint32_t c = dm_ex_at(text, i);
    if (i == first || i >= end)
        return at;
    bool closed = c == ')' || (c == '.' && !open);
    if (!digits) { /* letters need their bracket, and two letters must look like a Roman number */
        if (!closed || (c == '.' && i - first > 1))
            return at;
        for (uint32_t k = first; i - first > 1 && k < i; k++)
            if (text->low[k] != 'i' && text->low[k] != 'v' && text->low[k] != 'x')
                return at;
    }
    if (!closed && !(digits && (dotted || i - first <= 3) && dm_ex_is_blank(text->kind[i])))
        return at;
    i += closed;
    if (i >= end || !dm_ex_is_blank(text->kind[i]))
        return at;
    while (i < end && dm_ex_is_blank(text->kind[i]))
        i++;
    return i < end ? i : at;
}

static struct features look_at(const struct dm_ex_text *text, const struct dm_ex_words *words,
                               const struct dm_ex_line *line)
{
    struct features f = { 0 };
    uint32_t blanks = 0;
    uint32_t dots = 0;
    for (uint32_t i = line->start; i < line->end; i++) {
        uint8_t kind = text->kind[i];
        uint32_t c = text->cp[i];
        if (dm_ex_is_blank(kind)) {
            blanks += c == '\t' ? 3 : 1;
            continue;
        }
        f.gaps += blanks >= 3;
        if (kind == DM_EX_LOWER) { /* most are */
            f.letters++;
            f.visible++;
            blanks = 0;
            dots = 0;
            continue;
        }
        bool leads = c == '.' || c == 0x2026 || c == 0x00B7 || c == '_';
        dots = leads && blanks <= 1 ? dots + (c == 0x2026 ? 3 : 1) : leads ? 1 : 0;
        if (dots > f.leader) {
            f.leader = dots;
            f.leader_end = i + 1;
        }
        blanks = 0;
        f.visible++;
        f.letters += dm_ex_is_letter(kind);
        f.uppers += kind == DM_EX_UPPER;
        f.digits += kind == DM_EX_DIGIT;
        f.code_marks += c < 0x80 && !dm_ex_is_word(kind) && is_code_mark(c);
    }
    for (uint32_t w = line->first_word; w < line->first_word + line->word_count; w++) {
        uint8_t shape = words->at[w].shape;
        f.stops += dm_ex_is_stop(words, dm_ex_vocable_of(words, w));
        f.capitals += shape == DM_EX_W_CAPITAL || shape == DM_EX_W_UPPER || shape == DM_EX_W_INITIAL;
        f.plain += shape != DM_EX_W_NUMBER && shape != DM_EX_W_CODE;
    }
    return f;
}

/* "12", "xii", "- 3 -", "Page 3 of 10": a line of a number and at most two words around it. */
static bool is_folio(const struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_line *line,
                     const struct features *f)
{
    if (line->word_count == 0 || line->word_count > 4 || line->end - line->start > 24)
        return false;
    if (f->letters == 0)
        return line->word_count == 1 && f->digits <= 4 && f->visible <= f->digits + 4;
    if (line->word_count == 1) {
        for (uint32_t i = line->start; i < line->end; i++)
            if (text->cp[i] != 'i' && text->cp[i] != 'v' && text->cp[i] != 'x' && text->cp[i] != 'l')
                return false;
        return true;
    }
    static const char *const pages[] = { "page", "seite", "página", "pagina", "sida", "side", "strona", "стр" };
    uint64_t first = dm_ex_vocable_of(words, line->first_word)->hash;
    for (size_t i = 0; i < DM_COUNT(pages); i++)
        if (first == dm_ex_hash_utf8(dm_str_z(pages[i])))
            return f->digits > 0;
    return false;
}

static bool begins_like_code(const struct dm_ex_text *text, const struct dm_ex_line *line)
{
    uint32_t a = text->cp[line->start];
    uint32_t b = dm_ex_at(text, line->start + 1);
    if (a == '{' || a == '}' || (a == '=' && b == '=') || (a == '/' && (b == '/' || b == '*')))
        return true;
    if (a == '<' && (b == '/' || b == '!' || b == '?'))
        return true;
    if ((a == '$' || a == '%' || a == '>') && b == ' ')
        return true;
    return (a == '-' && b == '-' && dm_ex_is_letter(dm_ex_kind_at(text, line->start + 2))) ||
           (a == '#' && dm_ex_kind_at(text, line->start + 1) == DM_EX_LOWER);
}

static bool is_code(const struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_line *line,
                    const struct features *f)
{
    bool prose_words = f->stops * 5 > line->word_count && line->word_count >= 5;
    if (begins_like_code(text, line) && !prose_words)
        return true;
    uint32_t last = text->cp[line->end - 1];
    if ((last == ';' || last == '{' || last == '}' || last == '\\') && !prose_words &&
        (f->code_marks >= 2 || line->word_count <= 3))
        return true;
    if (f->code_marks * 100 >= f->visible * 14 && f->code_marks >= 3 && f->stops * 6 < line->word_count + 1)
        return true;
    uint32_t code_words = line->word_count - f->plain;
    return line->indent >= 2 && words->language != DM_EX_NO_LANGUAGE && f->stops * 8 < line->word_count + 1 &&
           (f->code_marks * 100 >= f->visible * 6 || (code_words * 2 > line->word_count && f->letters > 0));
}

static bool is_field(const struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_line *line)
{
    if (line->word_count < 2 || line->word_count > 14 || dm_ex_ends_sentence(text, line->start, line->end))
        return false;
    for (uint32_t i = line->start + 2; i + 2 < line->end && i < line->start + 36; i++)
        if ((text->cp[i] == ':' && dm_ex_is_blank(text->kind[i + 1])) || text->cp[i] == 0xFF1A)
            return dm_ex_word_from(words, i) - line->first_word <= 4;
    return false;
}

/* By its own looks; whether it stands alone is not known yet. */
static bool could_be_heading(const struct dm_ex_text *text, const struct dm_ex_line *line, const struct features *f)
{
    uint32_t last = text->cp[line->end - 1];
    bool dense = text->dense * 2 > text->letters;
    if (line->end - line->start > (dense ? 40 : 96) || line->word_count > (dense ? 24 : 14) || f->letters < 2)
        return false;
    if (last == ',' || last == ';' || last == ':' || last == 0x3002 || (last == '.' && !f->numbered) || last == '-')
        return false;
    if (last == '.' && line->word_count > 6)
        return false;
    if (f->code_marks * 8 > f->visible || f->letters * 2 < f->visible)
        return false;
    uint8_t first = text->kind[line->body];
    if (first == DM_EX_LOWER || (!dm_ex_is_word(first) && text->cp[line->body] < 0x80))
        return false;
    return f->numbered || dense || line->word_count <= 9 || f->capitals * 2 > line->word_count - f->stops;
}

static uint8_t kind_of(const struct dm_ex_text *text, const struct dm_ex_words *words, struct dm_ex_line *line,
                       struct features *f)
{
    if (line->start == line->end)
        return DM_EX_L_BLANK;
    *f = look_at(text, words, line);
    if (f->letters + f->digits == 0) {
        f->bullet = line->end - line->start == 1 && is_bullet(text->cp[line->start]);
        return DM_EX_L_BLANK;
    }
    if (f->leader >= 4 && (f->leader_end + 12 >= line->end || f->leader >= 8))
        return DM_EX_L_CONTENTS;
    if (is_folio(text, words, line, f))
        return DM_EX_L_FOLIO;
    if (is_bullet(text->cp[line->start]) && line->start + 2 < line->end &&
        dm_ex_is_blank(text->kind[line->start + 1])) {
        f->bullet = true;
        line->body = line->start + 1;
        while (dm_ex_is_blank(text->kind[line->body]))
            line->body++;
    } else {
        line->body = after_number(text, line->start, line->end);
        f->numbered = line->body > line->start;
    }
    if (is_code(text, words, line, f))
        return DM_EX_L_CODE;
    uint32_t dense = text->dense * 2 > text->letters;
    if (!f->bullet && (f->gaps >= 2 || (f->gaps == 1 && f->digits > 0)) && f->stops * 4 < line->word_count + 1)
        return DM_EX_L_TABLE;
    if (f->bullet)
        return DM_EX_L_ITEM;
    if (is_field(text, words, line))
        return DM_EX_L_FIELD;
    if (f->digits > f->letters && !dense && line->word_count >= 3)
        return DM_EX_L_TABLE;
    if (could_be_heading(text, line, f))
        return DM_EX_L_HEADING; /* settled when the neighbours are known */
    return f->numbered ? DM_EX_L_ITEM : DM_EX_L_PROSE;
}

static bool find_lines(struct dm_arena *arena, const struct dm_ex_text *text, const struct dm_ex_words *words,
                       struct dm_ex_layout *layout)
{
    layout->lines = dm_arena_array(arena, (size_t)text->breaks + 1, sizeof(*layout->lines));
    if (!layout->lines)
        return false;
    uint32_t word = 0;
    for (uint32_t i = 0; i <= text->count; i++) {
        struct dm_ex_line *line = &layout->lines[layout->line_count++];
        uint32_t from = i;
        while (i < text->count && text->kind[i] != DM_EX_BREAK)
            i++;
        line->start = from;
        line->end = i;
        while (line->start < line->end && text->kind[line->start] == DM_EX_SPACE)
            line->start++;
        while (line->end > line->start && text->kind[line->end - 1] == DM_EX_SPACE)
            line->end--;
        line->body = line->start;
        line->indent = line->start - from;
        line->first_word = word;
        while (word < words->count && words->at[word].start < line->end)
            word++;
        line->word_count = word - line->first_word;
        /* "\r\n" is one end of line. */
        if (dm_ex_at(text, i) == '\r' && dm_ex_at(text, i + 1) == '\n')
            i++;
    }
    return true;
}

bool dm_ex_lines_make(struct dm_arena *arena, const struct dm_ex_text *text, const struct dm_ex_words *words,
                      struct dm_ex_layout *layout)
{
    if (!find_lines(arena, text, words, layout))
        return false;
    bool bullet = false;
    for (uint32_t i = 0; i < layout->line_count; i++) {
        struct features f = { 0 };
        struct dm_ex_line *line = &layout->lines[i];
        line->kind = kind_of(text, words, line, &f);
        /* A bullet on a line of its own belongs to the next. */
        if (line->kind == DM_EX_L_BLANK) {
            bullet |= f.bullet;
            continue;
        }
        if (bullet && (line->kind == DM_EX_L_PROSE || line->kind == DM_EX_L_HEADING || line->kind == DM_EX_L_FIELD))
            line->kind = DM_EX_L_ITEM;
        bullet = false;
    }
    return true;
}
