/* runs.c: which words belong together. */
#include "runs.h"

enum { RUN_MAX = 12 };

uint32_t dm_ex_classes_of(const struct dm_ex_namer *namer, uint32_t word)
{
    return word < namer->words->count ? dm_ex_lex_of(namer->words, word)->classes : 0;
}

bool dm_ex_is_capital(const struct dm_ex_namer *namer, uint32_t word)
{
    if (word >= namer->words->count || namer->scan->used[namer->words->at[word].start])
        return false;
    uint8_t shape = namer->words->at[word].shape;
    return shape == DM_EX_W_CAPITAL || shape == DM_EX_W_UPPER || shape == DM_EX_W_INITIAL ||
           (shape == DM_EX_W_MIXED && namer->text->kind[namer->words->at[word].start] == DM_EX_UPPER);
}

bool dm_ex_is_little(const struct dm_ex_namer *namer, uint32_t word)
{
    return dm_ex_is_stop(namer->words, dm_ex_vocable_of(namer->words, word));
}

bool dm_ex_also_small(const struct dm_ex_namer *namer, uint32_t word)
{
    return dm_ex_vocable_of(namer->words, word)->lower > 0;
}

enum dm_ex_gap dm_ex_gap_after(const struct dm_ex_namer *namer, uint32_t word)
{
    const struct dm_ex_text *text = namer->text;
    if (word + 1 >= namer->words->count)
        return DM_EX_GAP_NONE;
    uint32_t i = dm_ex_word_end(namer->words, word);
    uint32_t next = namer->words->at[word + 1].start;
    if (next - i > 6)
        return DM_EX_GAP_NONE;
    enum dm_ex_gap gap = DM_EX_GAP_BLANK;
    uint32_t breaks = 0;
    uint32_t blanks = 0;
    for (; i < next; i++) {
        uint32_t c = text->cp[i];
        if (dm_ex_is_blank(text->kind[i])) {
            breaks += text->kind[i] == DM_EX_BREAK;
            blanks++;
        } else if (gap != DM_EX_GAP_BLANK) {
            return DM_EX_GAP_NONE;
        } else if (c == '-' || c == 0x2010 || c == 0x2011) {
            gap = DM_EX_GAP_HYPHEN;
        } else if (c == '.') {
            gap = DM_EX_GAP_DOT;
        } else if (c == '&') {
            gap = DM_EX_GAP_AND;
        } else if (c == ',') {
            gap = DM_EX_GAP_COMMA;
        } else {
            return DM_EX_GAP_NONE;
        }
    }
    if (breaks > 1 || (breaks == 0 && blanks > 2))
        return DM_EX_GAP_NONE;
    if (breaks == 1) {
        const struct dm_ex_layout *layout = namer->scan->layout;
        uint8_t kind = layout->lines[namer->line].kind;
        uint8_t below = namer->line + 1 < layout->line_count ? layout->lines[namer->line + 1].kind : DM_EX_L_BLANK;
        if ((kind != DM_EX_L_PROSE && kind != DM_EX_L_ITEM) || below != DM_EX_L_PROSE)
            return DM_EX_GAP_NONE;
    }
    if (gap == DM_EX_GAP_HYPHEN && blanks > 0)
        return DM_EX_GAP_NONE;
    if (gap == DM_EX_GAP_DOT && blanks == 0)
        return DM_EX_GAP_TIGHT_DOT;
    return blanks > 0 || gap == DM_EX_GAP_HYPHEN || gap == DM_EX_GAP_AND ? gap : DM_EX_GAP_NONE;
}

static bool is_abbreviated(const struct dm_ex_namer *namer, uint32_t word)
{
    uint32_t classes = dm_ex_classes_of(namer, word);
    return namer->words->at[word].shape == DM_EX_W_INITIAL || classes & DM_EX_TITLE || classes & DM_EX_COMPANY ||
           (classes & DM_EX_ABBREVIATION && classes & DM_EX_PARTICLE);
}

bool dm_ex_connected(const struct dm_ex_namer *namer, uint32_t word)
{
    enum dm_ex_gap gap = dm_ex_gap_after(namer, word);
    if (gap == DM_EX_GAP_BLANK || gap == DM_EX_GAP_HYPHEN || gap == DM_EX_GAP_AND)
        return true;
    return (gap == DM_EX_GAP_DOT || gap == DM_EX_GAP_TIGHT_DOT) && is_abbreviated(namer, word);
}

static bool is_possessive(const struct dm_ex_namer *namer, uint32_t word) /* Smith's */
{
    uint32_t end = dm_ex_word_end(namer->words, word);
    return namer->words->at[word].len > 3 && namer->text->low[end - 1] == 's' && namer->text->low[end - 2] == '\'';
}

uint32_t dm_ex_run_end(const struct dm_ex_namer *namer, uint32_t first)
{
    uint32_t end = first + 1;
    while (end - first < RUN_MAX && dm_ex_connected(namer, end - 1) && !is_possessive(namer, end - 1)) {
        uint32_t next = end;
        for (uint32_t links = 0; links < 3 && next < namer->words->count && !dm_ex_is_capital(namer, next); links++) {
            if (!(dm_ex_classes_of(namer, next) & (DM_EX_LINK | DM_EX_PARTICLE)) ||
                namer->words->at[next].shape != DM_EX_W_LOWER || namer->scan->used[namer->words->at[next].start] ||
                dm_ex_gap_after(namer, next) != DM_EX_GAP_BLANK)
                return end;
            next++;
        }
        if (!dm_ex_is_capital(namer, next))
            return end;
        end = next + 1;
    }
    return end;
}

const struct dm_ex_lex *dm_ex_phrase_at(const struct dm_ex_namer *namer, uint32_t first, uint32_t *ret_count)
{
    const struct dm_ex_lex *best = dm_ex_lex_of(namer->words, first);
    *ret_count = 1;
    if (!(best->classes & DM_EX_PHRASE))
        return best;
    uint32_t most = best->phrase;
    uint64_t hash = dm_ex_phrase_hash(0, dm_ex_vocable_of(namer->words, first)->hash);
    for (uint32_t count = 2; count <= most; count++) {
        uint32_t last = first + count - 1;
        enum dm_ex_gap gap = dm_ex_gap_after(namer, last - 1);
        if (gap == DM_EX_GAP_NONE || gap == DM_EX_GAP_COMMA || last >= namer->words->count ||
            namer->scan->used[namer->words->at[last].start])
            break;
        hash = dm_ex_phrase_hash(hash, dm_ex_vocable_of(namer->words, last)->hash);
        if (!dm_ex_is_capital(namer, last) && namer->words->at[last].shape != DM_EX_W_PLAIN)
            continue;
        const struct dm_ex_lex *found = dm_ex_lexicon_find(namer->scan->lexicon, hash);
        if (found->hash == hash) {
            best = found;
            *ret_count = count;
        }
    }
    return best;
}

bool dm_ex_in_heading(const struct dm_ex_namer *namer)
{
    return namer->scan->layout->lines[namer->line].kind == DM_EX_L_HEADING;
}

/* The position past word `last`, with the full stop of an abbreviation. */
static uint32_t end_of(const struct dm_ex_namer *namer, uint32_t last, bool with_stop)
{
    uint32_t end = dm_ex_word_end(namer->words, last);
    if (is_possessive(namer, last))
        return end - 2;
    return end + (with_stop && dm_ex_at(namer->text, end) == '.');
}

uint32_t dm_ex_add_name(struct dm_ex_namer *namer, uint32_t first, uint32_t past, enum dm_ex_entity_type type,
                        bool with_stop)
{
    return dm_ex_entity_add(namer->scan, namer->words->at[first].start, end_of(namer, past - 1, with_stop), type, NULL);
}

bool dm_ex_begins_sentence(const struct dm_ex_namer *namer, uint32_t word)
{
    uint32_t i = namer->words->at[word].start;
    uint32_t breaks = 0;
    while (i > 0 && (dm_ex_is_blank(namer->text->kind[i - 1]) || namer->text->cp[i - 1] == '"' ||
                     namer->text->cp[i - 1] == 0x201C))
        breaks += namer->text->kind[--i] == DM_EX_BREAK;
    return i == 0 || breaks > 1 || dm_ex_is_terminal(namer->text->cp[i - 1]) || namer->text->cp[i - 1] == ':' ||
           namer->text->cp[i - 1] == 0x2022;
}
