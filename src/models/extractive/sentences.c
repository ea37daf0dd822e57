/* sentences.c: where sentences end.
 *
 * ICU's rules propose, paragraph by paragraph with line ends made blanks. They do not know
 * abbreviations, initials and ordinal numbers ("Dr. Weber", "J. S. Bach", "am 3. Oktober"):
 * those boundaries are taken back here. */
#include "rank.h"

/* Languages that write ordinals with a full stop. */
static bool ordinals_end_with_stop(enum dm_ex_language language)
{
    return (DM_EX_BIT(language) &
            (DM_EX_BIT(DM_EX_DE) | DM_EX_BIT(DM_EX_DA) | DM_EX_BIT(DM_EX_NO) | DM_EX_BIT(DM_EX_FI) |
             DM_EX_BIT(DM_EX_HU) | DM_EX_BIT(DM_EX_TR) | DM_EX_BIT(DM_EX_PL) | DM_EX_BIT(DM_EX_CS))) != 0;
}

/* A word that begins sentences more often than names: a stop word with a capital ("The", "Es"). */
static bool begins_sentences(const struct dm_ex_text *text, const struct dm_ex_words *words, uint32_t word)
{
    if (word >= words->count || !dm_ex_is_stop(words, dm_ex_vocable_of(words, word)))
        return false;
    return words->at[word].shape == DM_EX_W_CAPITAL ||
           (words->at[word].shape == DM_EX_W_INITIAL && dm_ex_lex_of(words, word)->classes & DM_EX_ELISION &&
            dm_ex_at_low(text, dm_ex_word_end(words, word)) == '\'');
}

/* Whether the boundary proposed before `next` (the position after the blanks) is none. */
static bool taken_back(const struct dm_ex_text *text, const struct dm_ex_words *words, uint32_t start, uint32_t next)
{
    uint32_t i = next;
    while (i > start && dm_ex_is_blank(text->kind[i - 1]))
        i--;
    /* A question mark inside an address: "?id=1" */
    if (i == next && text->cp[next - 1] < 0x80 && dm_ex_is_word(dm_ex_kind_at(text, next)))
        return true;
    if (i <= start + 1 || text->cp[i - 1] != '.')
        return false;
    uint32_t after = dm_ex_word_from(words, next);
    uint32_t before = after;
    while (before > 0 && words->at[before - 1].start >= i)
        before--;
    if (before == 0 || dm_ex_word_end(words, before - 1) != i - 1)
        return false;
    before--;
    const struct dm_ex_word *word = &words->at[before];
    if (word->start <= start) /* a sentence of one word or number: "2." is the head of the next */
        return word->shape == DM_EX_W_NUMBER || word->len <= 2;
    uint32_t classes = dm_ex_lex_of(words, before)->classes;
    if (classes & DM_EX_ABBREVIATION)
        return true;
    bool letter = word->len == 1 && word->shape != DM_EX_W_NUMBER; /* an initial, or the end of "z. B.", "e.g." */
    /* "… described in Exhibit A." ends with a letter that is no initial. */
    if (letter && before > 0 && dm_ex_lex_of(words, before - 1)->classes & DM_EX_NOT_NAME)
        return false;
    if (classes & DM_EX_WEAK_ABBREVIATION || letter)
        return !begins_sentences(text, words, after);
    return word->shape == DM_EX_W_NUMBER && word->len <= 2 && ordinals_end_with_stop(words->language) &&
           !begins_sentences(text, words, after);
}

static bool add(struct dm_ex_ranking *ranking, const struct dm_ex_text *text, const struct dm_ex_words *words,
                uint32_t start, uint32_t end, uint32_t block, uint8_t kind)
{
    while (start < end && (dm_ex_is_blank(text->kind[start]) || text->kind[start] == DM_EX_OTHER))
        start++;
    while (end > start && (dm_ex_is_blank(text->kind[end - 1]) || text->kind[end - 1] == DM_EX_OTHER))
        end--;
    if (start == end)
        return true;
    uint32_t first = dm_ex_word_from(words, start);
    uint32_t past = first;
    while (past < words->count && words->at[past].start < end)
        past++;
    ranking->sentences[ranking->count++] = (struct dm_ex_sentence){
        .start = start,
        .end = end,
        .first_word = first,
        .word_count = past - first,
        .block = block,
        .kind = kind,
        .complete = dm_ex_ends_sentence(text, start, end),
    };
    return ranking->count < ranking->room;
}

bool dm_ex_sentences_make(struct dm_extractive *tools, const struct dm_ex_text *text, const struct dm_ex_words *words,
                          const struct dm_ex_layout *layout, struct dm_ex_ranking *ranking)
{
    uint32_t longest = 0;
    /* Hardly a sentence has fewer than three words; where many do, the rest is not looked at. */
    ranking->room = layout->block_count + words->count / 3 + 8;
    for (uint32_t b = 0; b < layout->block_count; b++) {
        uint32_t length = layout->blocks[b].end - layout->blocks[b].start;
        longest = length > longest ? length : longest;
    }
    if (ranking->room > DM_EX_SENTENCES_MAX)
        ranking->room = DM_EX_SENTENCES_MAX;
    uint16_t *units = dm_arena_array(&tools->arena, (size_t)longest + 1, sizeof(*units));
    ranking->sentences = dm_arena_array(&tools->arena, ranking->room, sizeof(*ranking->sentences));
    if (!units || !ranking->sentences)
        return false;
    for (uint32_t b = 0; b < layout->block_count; b++) {
        const struct dm_ex_block *block = &layout->blocks[b];
        uint32_t length = block->end - block->start;
        if (block->kind == DM_EX_L_HEADING)
            continue;
        for (uint32_t i = 0; i < length; i++) {
            uint8_t kind = text->kind[block->start + i];
            /* A soft hyphen is what the rules look through. */
            units[i] = kind == DM_EX_BREAK ? ' ' : kind == DM_EX_OTHER ? 0xAD : text->unit[block->start + i];
        }
        UBreakIterator *breaks = dm_ex_sentence_breaks(tools, units, length);
        uint32_t start = block->start;
        uint32_t next = start;
        while (next < block->end) {
            int32_t at = breaks ? ubrk_next(breaks) : UBRK_DONE;
            next = at == UBRK_DONE ? block->end : block->start + (uint32_t)at;
            if (next < block->end && taken_back(text, words, start, next))
                continue;
            if (!add(ranking, text, words, start, next, b, block->kind))
                return true;
            start = next;
        }
    }
    return true;
}
