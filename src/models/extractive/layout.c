/* layout.c: what lines are among their neighbours, and blocks of them. */
#include "layout.h"

/* The number a line ends with ("Introduction 12"), or -1. */
static int64_t number_at_end(const struct dm_ex_text *text, const struct dm_ex_words *words,
                             const struct dm_ex_line *line)
{
    if (line->word_count < 2 || line->word_count > 16)
        return -1;
    const struct dm_ex_word *last = &words->at[line->first_word + line->word_count - 1];
    if (last->shape != DM_EX_W_NUMBER || last->len > 4 || last->start + last->len != line->end ||
        !dm_ex_is_blank(text->kind[last->start - 1]))
        return -1;
    int64_t number = 0;
    for (uint32_t i = last->start; i < line->end; i++)
        number = number * 10 + (text->cp[i] - '0') % 10;
    return number;
}

/* A table of contents without dots: four lines or more in a row whose numbers at the end do not
 * go down. */
static void find_contents(const struct dm_ex_text *text, const struct dm_ex_words *words, struct dm_ex_layout *layout)
{
    uint32_t first = 0;
    uint32_t run = 0;
    int64_t before = 0;
    uint32_t contents = 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i <= layout->line_count; i++) {
        int64_t number = -1;
        if (i < layout->line_count) {
            const struct dm_ex_line *line = &layout->lines[i];
            if (line->kind == DM_EX_L_BLANK)
                continue;
            if (line->kind != DM_EX_L_CODE)
                number = number_at_end(text, words, line);
        }
        if (number >= 0 && (run == 0 || number >= before)) {
            first = run++ == 0 ? i : first;
            before = number;
            continue;
        }
        for (uint32_t k = first; run >= 4 && k < i; k++)
            if (layout->lines[k].kind != DM_EX_L_BLANK)
                layout->lines[k].kind = DM_EX_L_CONTENTS;
        run = number >= 0;
        first = i;
        before = number;
    }
    for (uint32_t i = 0; i < layout->line_count; i++) {
        contents += layout->lines[i].kind == DM_EX_L_CONTENTS;
        others += layout->lines[i].kind == DM_EX_L_PROSE || layout->lines[i].kind == DM_EX_L_ITEM;
    }
    layout->has_contents = contents >= 3 && contents > others;
}

static const struct dm_ex_line *neighbour(const struct dm_ex_layout *layout, uint32_t i, int step)
{
    uint32_t at = i + (uint32_t)step;
    return at < layout->line_count ? &layout->lines[at] : NULL;
}

/* The usual width of a line of running text: nine in ten are not longer. */
static uint32_t usual_width(const struct dm_ex_layout *layout)
{
    uint32_t widths[256] = { 0 };
    uint32_t count = 0;
    for (uint32_t i = 0; i < layout->line_count; i++) {
        const struct dm_ex_line *line = &layout->lines[i];
        if (line->kind != DM_EX_L_PROSE && line->kind != DM_EX_L_ITEM)
            continue;
        uint32_t width = line->end - line->start;
        widths[width < 255 ? width : 255]++;
        count++;
    }
    uint32_t longer = 0;
    for (uint32_t width = 255; width > 0; width--) {
        longer += widths[width];
        if (longer * 10 > count)
            return width;
    }
    return 60;
}

static uint32_t number_at(const struct dm_ex_text *text, uint32_t at)
{
    uint32_t number = 0;
    for (uint32_t digits = 0; digits < 6 && dm_ex_at(text, at) >= '0' && dm_ex_at(text, at) <= '9'; digits++)
        number = number * 10 + (text->cp[at++] - '0');
    return number;
}

/* "… within the first / 12 months after …", "… am / 3. Oktober": a number that happens to begin
 * a line. A list counts up instead. */
static bool runs_on(const struct dm_ex_text *text, const struct dm_ex_line *before, const struct dm_ex_line *line,
                    uint32_t width, uint32_t last_item)
{
    if (before->kind == DM_EX_L_BLANK || before->kind > DM_EX_L_ITEM)
        return false;
    uint32_t parts = 0;          /* three of "1.9.5" */
    uint32_t last = line->start; /* of the number's characters */
    for (uint32_t i = line->start; i < line->body; i++) {
        parts += text->kind[i] == DM_EX_DIGIT && text->kind[i + 1] != DM_EX_DIGIT;
        last = dm_ex_is_blank(text->kind[i]) ? last : i;
    }
    bool listed = parts == 1 && text->kind[last] != DM_EX_DIGIT && number_at(text, line->start) == last_item + 1;
    return (before->end - before->start) * 10 > width * 6 && !listed && text->cp[before->end - 1] != ':' &&
           !dm_ex_ends_sentence(text, before->start, before->end);
}

static void make_prose(struct dm_ex_line *line)
{
    line->kind = DM_EX_L_PROSE;
    line->body = line->start;
}

/* Lines that look like headings: which are, now that their neighbours are known. */
static void settle_headings(const struct dm_ex_text *text, struct dm_ex_layout *layout)
{
    uint32_t width = usual_width(layout);
    uint32_t item = 0; /* the number of the last numbered item */
    for (uint32_t i = 0; i < layout->line_count; i++) {
        struct dm_ex_line *line = &layout->lines[i];
        const struct dm_ex_line *before = neighbour(layout, i, -1);
        if (line->kind == DM_EX_L_ITEM && text->kind[line->start] == DM_EX_DIGIT) {
            if (before && runs_on(text, before, line, width, item))
                make_prose(line);
            else
                item = number_at(text, line->start);
        }
        if (line->kind != DM_EX_L_HEADING)
            continue;
        const struct dm_ex_line *after = neighbour(layout, i, 1);
        bool alone_above = !before || before->kind == DM_EX_L_BLANK || before->kind == DM_EX_L_FOLIO;
        bool alone_below = !after || after->kind == DM_EX_L_BLANK;
        bool numbered = line->body > line->start;
        uint32_t length = line->end - line->start;
        /* It goes on below in lower case, or came from above without a full stop: a line of a
         * paragraph. */
        bool goes_on = after && after->kind != DM_EX_L_BLANK && text->kind[after->start] == DM_EX_LOWER;
        bool came = before && before->kind == DM_EX_L_PROSE && !alone_above &&
                    !dm_ex_ends_sentence(text, before->start, before->end);
        if (goes_on || came || (!alone_below && !alone_above && !numbered)) {
            bool single = !goes_on && !came && length * 2 < width;
            line->kind = single ? DM_EX_L_FIELD : numbered ? DM_EX_L_ITEM : DM_EX_L_PROSE;
            continue;
        }
        /* Above text without a blank line between, only what is clearly shorter than the text
         * heads it. */
        if (!alone_below && !numbered && length * 4 > width * 3)
            line->kind = DM_EX_L_PROSE;
    }
}

/* Whether line b goes on where line a ended. */
static bool joins(const struct dm_ex_text *text, const struct dm_ex_line *a, const struct dm_ex_line *b, uint32_t width,
                  bool blank_between)
{
    bool ended = dm_ex_ends_sentence(text, a->start, a->end);
    bool lower = text->kind[b->start] == DM_EX_LOWER;
    uint32_t last = text->cp[a->end - 1];
    if (blank_between)
        return lower && !ended && last != ':' && (a->end - a->start) * 2 > width;
    if (lower)
        return true;
    /* A line that could have held more ends its paragraph. */
    return (a->end - a->start) * 10 > width * 6 || (!ended && (last == ',' || last == '-'));
}

static bool find_blocks(struct dm_arena *arena, const struct dm_ex_text *text, struct dm_ex_layout *layout)
{
    layout->blocks = dm_arena_array(arena, layout->line_count, sizeof(*layout->blocks));
    if (!layout->blocks)
        return false;
    uint32_t width = usual_width(layout);
    const struct dm_ex_line *last = NULL; /* of the block that may go on */
    bool blank = false;
    for (uint32_t i = 0; i < layout->line_count; i++) {
        const struct dm_ex_line *line = &layout->lines[i];
        if (line->kind == DM_EX_L_BLANK) {
            blank = true;
            continue;
        }
        if (line->kind > DM_EX_L_FIELD) {
            last = NULL;
        } else if (last && line->kind == DM_EX_L_PROSE && joins(text, last, line, width, blank)) {
            layout->blocks[layout->block_count - 1].end = line->end;
            last = line;
        } else {
            layout->blocks[layout->block_count++] = (struct dm_ex_block){
                .start = line->kind == DM_EX_L_ITEM ? line->body : line->start,
                .end = line->end,
                .kind = line->kind,
            };
            last = line->kind == DM_EX_L_PROSE || line->kind == DM_EX_L_ITEM ? line : NULL;
        }
        blank = false;
    }
    return true;
}

/* A word that is the last of line a, with a hyphen, and goes on in lower case on line b. */
static bool is_divided(const struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_line *a,
                       const struct dm_ex_line *b)
{
    if (a->kind == DM_EX_L_CODE || b->kind != DM_EX_L_PROSE || a->word_count == 0 || b->word_count == 0)
        return false;
    uint32_t c = text->cp[a->end - 1];
    uint8_t before = dm_ex_kind_at(text, a->end - 2);
    bool sure = c == 0x2010 || c == 0xAD; /* typeset as hyphens */
    if ((c != '-' && !sure) || text->kind[b->start] != before ||
        (before != DM_EX_LOWER && !(sure && before == DM_EX_UPPER)))
        return false;
    /* "Nord- und Südhalbkugel": nothing was divided */
    static const char *const conjunctions[] = { "und", "oder", "bzw", "bis", "and", "or",    "to", "et", "ou", "y",
                                                "o",   "e",    "en",  "of",  "och", "eller", "og", "i",  "a" };
    for (size_t i = 0; i < DM_COUNT(conjunctions); i++)
        if (dm_ex_vocable_of(words, b->first_word)->hash == dm_ex_hash_utf8(dm_str_z(conjunctions[i])))
            return c == 0xAD;
    return true;
}

/* Whether the page uses the two halves as one word elsewhere. */
static bool stands_joined(const struct dm_ex_text *text, const struct dm_ex_words *words, uint32_t hyphen,
                          const struct dm_ex_line *b)
{
    uint64_t hash = DM_EX_HASH_START;
    uint32_t start = hyphen;
    while (start > 0 && dm_ex_is_word(text->kind[start - 1]))
        start--;
    for (uint32_t i = start; i < hyphen; i++)
        hash = dm_ex_hash_step(hash, text->low[i]);
    for (uint32_t i = b->start; i < dm_ex_word_end(words, b->first_word); i++)
        hash = dm_ex_hash_step(hash, text->low[i]);
    /* More words than a page of print has are not gone through. */
    for (uint32_t i = 0; i < words->vocable_count && i < 2000; i++)
        if (words->vocables[i].hash == hash)
            return true;
    return false;
}

/* Whether the hyphen between two lines is part of the word ("run-time", "--leak-check") rather
 * than of the line: on a page whose lines are hyphenated only where both halves are words that
 * the page uses by themselves. */
static bool is_compound(const struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_line *a,
                        const struct dm_ex_line *b, bool hyphenated)
{
    uint32_t word = a->first_word + a->word_count - 1;
    const struct dm_ex_vocable *last = dm_ex_vocable_of(words, word);
    const struct dm_ex_vocable *next = dm_ex_vocable_of(words, b->first_word);
    if (text->cp[a->end - 1] != '-')
        return false;
    if (hyphenated)
        return last->count > 1 && next->count > 1 && !stands_joined(text, words, a->end - 1, b);
    return dm_ex_at(text, words->at[word].start - 1) == '-' || last->count > 1 ||
           (words->language != DM_EX_NO_LANGUAGE && dm_ex_is_stop(words, last));
}

/* A hyphen at a line's end belongs to the line where lines are hyphenated, and to the word where
 * they are not: three on a page say that they are, fewer leave it to the word before. */
static void join_divided(struct dm_ex_text *text, const struct dm_ex_words *words, const struct dm_ex_layout *layout)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < layout->line_count; i++)
        count += is_divided(text, words, &layout->lines[i], &layout->lines[i + 1]);
    for (uint32_t i = 0; count > 0 && i + 1 < layout->line_count; i++) {
        const struct dm_ex_line *line = &layout->lines[i];
        if (!is_divided(text, words, line, line + 1))
            continue;
        bool drop = !is_compound(text, words, line, line + 1, count >= 3);
        for (uint32_t at = line->end - drop; at < (line + 1)->start; at++)
            text->kind[at] = DM_EX_OTHER;
    }
}

/* What stands between two lines of a listing and has nothing of prose is part of it. */
static void fill_listings(const struct dm_ex_text *text, const struct dm_ex_words *words, struct dm_ex_layout *layout)
{
    uint32_t before = UINT32_MAX; /* the last line of a listing */
    for (uint32_t i = 0; i < layout->line_count; i++) {
        if (layout->lines[i].kind != DM_EX_L_CODE)
            continue;
        bool all = before != UINT32_MAX && i - before <= 6;
        for (uint32_t k = before + 1; all && k < i; k++) {
            const struct dm_ex_line *line = &layout->lines[k];
            uint32_t stops = 0;
            for (uint32_t w = line->first_word; w < line->first_word + line->word_count; w++)
                stops += dm_ex_is_stop(words, dm_ex_vocable_of(words, w));
            bool bare = line->word_count <= 3 || (stops * 4 <= line->word_count && line->word_count <= 8);
            all = line->kind == DM_EX_L_BLANK || (bare && text->cp[line->end - 1] != '.');
        }
        for (uint32_t k = before + 1; all && k < i; k++)
            if (layout->lines[k].kind != DM_EX_L_BLANK)
                layout->lines[k].kind = DM_EX_L_CODE;
        before = i;
    }
}

bool dm_ex_layout_make(struct dm_arena *arena, struct dm_ex_text *text, const struct dm_ex_words *words,
                       struct dm_ex_layout *ret)
{
    struct dm_ex_layout layout = { 0 };
    if (!dm_ex_lines_make(arena, text, words, &layout))
        return false;
    fill_listings(text, words, &layout);
    find_contents(text, words, &layout);
    settle_headings(text, &layout);
    if (!find_blocks(arena, text, &layout))
        return false;
    join_divided(text, words, &layout);
    *ret = layout;
    return true;
}
