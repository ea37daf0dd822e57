/* names.c: places and addresses, and the order in which the rules for names are tried. */
#include "runs.h"

/* Whether what stands around says that an ambiguous name is a place: "in Reading", "Cork,
 * Ireland". */
static bool placed(const struct dm_ex_namer *namer, uint32_t first, uint32_t past)
{
    if (first > 0 && namer->words->at[first - 1].shape == DM_EX_W_LOWER &&
        dm_ex_gap_after(namer, first - 1) == DM_EX_GAP_BLANK &&
        dm_ex_classes_of(namer, first - 1) & DM_EX_PLACE_BEFORE && namer->words->language != DM_EX_DE)
        return !dm_ex_is_capital(namer, past) || dm_ex_gap_after(namer, past - 1) != DM_EX_GAP_BLANK;
    return dm_ex_gap_after(namer, past - 1) == DM_EX_GAP_COMMA && dm_ex_is_capital(namer, past) &&
           dm_ex_classes_of(namer, past) & DM_EX_PLACE;
}

/* What the gazetteers know. */
static uint32_t take_known(struct dm_ex_namer *namer, uint32_t first)
{
    uint32_t count;
    const struct dm_ex_lex *lex = dm_ex_phrase_at(namer, first, &count);
    const struct dm_ex_word *word = &namer->words->at[first];
    uint32_t past = first + count;
    bool dotted = count > 1 && dm_ex_gap_after(namer, first) == DM_EX_GAP_TIGHT_DOT; /* U.S. */
    if (count == 1 && word->len <= 2 && word->shape != DM_EX_W_PLAIN) {
        /* "US", "EU": all capitals, amid words that are not */
        bool shouted = (first > 0 && namer->words->at[first - 1].shape == DM_EX_W_UPPER) ||
                       (past < namer->words->count && namer->words->at[past].shape == DM_EX_W_UPPER);
        if (word->shape != DM_EX_W_UPPER || shouted)
            return 0;
    }
    /* "ROM" is memory, and few places are written so short. */
    if (count == 1 && word->shape == DM_EX_W_UPPER && word->len == 3 && lex->hash != dm_ex_hash_utf8(DM_STR("usa")) &&
        lex->hash != dm_ex_hash_utf8(DM_STR("uae")) && !(lex->classes & DM_EX_ORGANIZATION))
        return 0;
    bool place = lex->classes & DM_EX_PLACE ||
                 (lex->classes & DM_EX_PLACE_OR_WORD && (placed(namer, first, past) || word->len == 2));
    bool organization = lex->classes & DM_EX_ORGANIZATION;
    if (!place && !organization)
        return 0;
    dm_ex_add_name(namer, first, past, organization ? DM_EX_T_ORGANIZATION : DM_EX_T_LOCATION, dotted);
    return past;
}

static bool ends_with(const struct dm_ex_text *text, uint32_t start, uint32_t end, const char *tail, uint32_t len)
{
    if (end - start < len + 3)
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (text->low[end - len + i] != (uint32_t)(unsigned char)tail[i])
            return false;
    return true;
}

/* "Musterstraße 12", "221B Baker Street". */
static uint32_t take_address(struct dm_ex_namer *namer, uint32_t first, uint32_t end)
{
    const struct dm_ex_text *text = namer->text;
    const struct dm_ex_word *words = namer->words->at;
    uint32_t count = namer->words->count;
    for (uint32_t word = first; word < end; word++) {
        uint32_t stop = words[word].start + words[word].len;
        bool german = false;
        if (words[word].shape == DM_EX_W_CAPITAL)
            german = ends_with(text, words[word].start, stop, "strasse", 7) ||
                     ends_with(text, words[word].start, stop, "str", 3) ||
                     ends_with(text, words[word].start, stop, "platz", 5) ||
                     ends_with(text, words[word].start, stop, "allee", 5) ||
                     ends_with(text, words[word].start, stop, "gasse", 5) ||
                     (stop - words[word].start > 6 && text->low[stop - 2] == 0xDF && text->low[stop - 1] == 'e' &&
                      text->low[stop - 3] == 'a');
        bool english = word > first && dm_ex_is_capital(namer, word) && dm_ex_classes_of(namer, word) & DM_EX_STREET;
        enum dm_ex_gap gap = dm_ex_gap_after(namer, word);
        if (german && word + 1 < count && (gap == DM_EX_GAP_BLANK || gap == DM_EX_GAP_DOT) &&
            (words[word + 1].shape == DM_EX_W_NUMBER || words[word + 1].shape == DM_EX_W_CODE) &&
            words[word + 1].len <= 4) {
            uint32_t from = word > first && dm_ex_gap_after(namer, word - 1) == DM_EX_GAP_HYPHEN ? word - 1 : word;
            while (from > first && dm_ex_gap_after(namer, from - 1) == DM_EX_GAP_HYPHEN)
                from--;
            dm_ex_add_name(namer, from, word + 2, DM_EX_T_LOCATION, false);
            return word + 2;
        }
        if (english && first > 0 && dm_ex_gap_after(namer, first - 1) == DM_EX_GAP_BLANK && words[first - 1].len <= 5 &&
            (words[first - 1].shape == DM_EX_W_NUMBER || words[first - 1].shape == DM_EX_W_CODE) &&
            text->kind[words[first - 1].start] == DM_EX_DIGIT && !namer->scan->used[words[first - 1].start]) {
            dm_ex_add_name(namer, first - 1, word + 1, DM_EX_T_LOCATION, false);
            return word + 1;
        }
    }
    return 0;
}

static uint32_t past_or_next(uint32_t past, uint32_t word)
{
    return past ? past : word + 1;
}

/* Chinese and Japanese: a place by itself, or what is named after it (北京大学, 東京国立博物館). */
static uint32_t take_dense(struct dm_ex_namer *namer, uint32_t word)
{
    if (!(dm_ex_classes_of(namer, word) & DM_EX_PLACE))
        return past_or_next(take_known(namer, word), word);
    for (uint32_t last = word + 1; last <= word + 2 && last < namer->words->count; last++) {
        if (namer->words->at[last].start != dm_ex_word_end(namer->words, last - 1))
            break;
        if (!(dm_ex_classes_of(namer, last) & DM_EX_BODY_LAST))
            continue;
        dm_ex_add_name(namer, word, last + 1, DM_EX_T_ORGANIZATION, false);
        return last + 1;
    }
    return past_or_next(take_known(namer, word), word);
}

static uint32_t take_at(struct dm_ex_namer *namer, uint32_t word)
{
    uint32_t end = dm_ex_run_end(namer, word);
    uint32_t count;
    bool body = dm_ex_phrase_at(namer, word, &count)->classes & DM_EX_ORGANIZATION && count > 1;
    uint32_t past = dm_ex_take_company(namer, word, end);
    if (!past && body)
        past = take_known(namer, word);
    if (!past)
        past = dm_ex_take_titled(namer, word);
    if (!past && end > word + 1)
        past = dm_ex_take_body(namer, word, end);
    if (!past)
        past = take_address(namer, word, end);
    bool phrase =
        !past &&
        dm_ex_phrase_at(namer, word, &count)->classes & (DM_EX_PLACE | DM_EX_PLACE_OR_WORD | DM_EX_ORGANIZATION) &&
        count > 1;
    if (!past && !phrase)
        past = dm_ex_take_named(namer, word);
    if (!past)
        past = take_known(namer, word);
    if (!past)
        past = dm_ex_take_single(namer, word, end);
    return past_or_next(past, word);
}

void dm_ex_find_names(struct dm_ex_scan *scan)
{
    const struct dm_ex_layout *layout = scan->layout;
    struct dm_ex_namer namer = { .scan = scan, .text = scan->text, .words = scan->words };
    for (uint32_t word = 0; word < scan->words->count;) {
        const struct dm_ex_word *at = &scan->words->at[word];
        while (namer.line + 1 < layout->line_count && layout->lines[namer.line].end <= at->start)
            namer.line++;
        uint8_t kind = layout->lines[namer.line].kind;
        bool skip = kind == DM_EX_L_CODE || kind == DM_EX_L_CONTENTS || scan->used[at->start];
        if (!skip && dm_ex_is_capital(&namer, word)) {
            word = take_at(&namer, word);
            continue;
        }
        if (!skip && at->shape == DM_EX_W_PLAIN && scan->text->kind[at->start] == DM_EX_DENSE)
            word = take_dense(&namer, word);
        else if (!skip && at->shape == DM_EX_W_LOWER && dm_ex_classes_of(&namer, word) & DM_EX_TITLE &&
                 dm_ex_is_capital(&namer, word + 1))
            word = past_or_next(dm_ex_take_titled(&namer, word), word);
        else
            word++;
    }
}
