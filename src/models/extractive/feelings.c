/* feelings.c: adding up.
 *
 * Each word of feeling adds its value to what speaks for or against; a negation among the three
 * words before it turns it round and weakens it, an intensifier strengthens it. The sum is
 * damped by the length of the text, so that one kind word does not make a manual happy. Whole
 * numbers throughout. */
#include "feelings.h"

enum {
    ONE = 100,
    LOOK_BACK = 3,
    DAMPING = 10, /* per word of text */
    DAMPING_LEAST = 300,
    THRESHOLD = 25, /* hundredths of the score from which a text is called positive or negative */
};

/* What a value of 0 to 3 weighs. A 1 is a word that sober texts use, too ("useful", "problem"). */
static const int32_t weights[] = { 0, ONE / 2, ONE * 9 / 5, ONE * 3 };

/* A mark between two words that ends the reach of a negation. */
static bool parted(const struct dm_ex_text *text, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (dm_ex_is_terminal(text->cp[i]) || text->cp[i] == ',' || text->cp[i] == ';' || text->cp[i] == ':' ||
            text->cp[i] == '(')
            return true;
    return false;
}

static int32_t value_of(struct dm_extractive *tools, const struct dm_ex_words *words, uint32_t word)
{
    const struct dm_ex_vocable *vocable = dm_ex_vocable_of(words, word);
    enum dm_ex_language language = words->language;
    if (vocable->lex->felt & 1U << language)
        return vocable->lex->feeling[language];
    if (!vocable->stem)
        return 0;
    uint64_t stem = words->stems[vocable->stem].hash;
    const struct dm_ex_lex *lex = dm_ex_lexicon_find(tools->lexicon, dm_ex_stem_hash(stem, language));
    return lex->felt & 1U << language ? lex->feeling[language] : 0;
}

/* The value in hundredths, after what stands before the word. */
static int32_t in_context(const struct dm_ex_text *text, const struct dm_ex_words *words, uint32_t word, int32_t value)
{
    int32_t felt = value < 0 ? -weights[-value] : weights[value];
    bool turned = false;
    uint32_t until = words->at[word].start;
    for (uint32_t back = 1; back <= LOOK_BACK && back <= word; back++) {
        uint32_t before = word - back;
        if (parted(text, dm_ex_word_end(words, before), until))
            break;
        uint32_t classes = dm_ex_lex_of(words, before)->classes;
        if (classes & DM_EX_NEGATION)
            turned = !turned || words->language == DM_EX_FR; /* "ne … pas" is one negation */
        if (classes & DM_EX_INTENSIFIER && back == 1)
            felt += felt / 4;
        if (classes & DM_EX_DIMINISHER && back == 1)
            felt -= felt / 3;
        until = words->at[before].start;
    }
    /* German puts it behind the verb: "ich empfehle nicht". */
    if (!turned && words->language == DM_EX_DE && word + 1 < words->count &&
        dm_ex_lex_of(words, word + 1)->classes & DM_EX_NEGATION &&
        !parted(text, dm_ex_word_end(words, word), words->at[word + 1].start))
        turned = true;
    return turned ? -felt * 3 / 4 : felt;
}

struct dm_ex_feeling dm_ex_feeling_of(struct dm_extractive *tools, const struct dm_ex_text *text,
                                      const struct dm_ex_words *words, const struct dm_ex_layout *layout)
{
    struct dm_ex_feeling feeling = { .word = "neutral" };
    if (words->language > DM_EX_ES)
        return feeling;
    feeling.scored = true;
    int64_t pleased = 0;
    int64_t displeased = 0;
    int64_t total = 0;
    for (uint32_t l = 0; l < layout->line_count; l++) {
        const struct dm_ex_line *line = &layout->lines[l];
        if (line->kind == DM_EX_L_CODE || line->kind == DM_EX_L_CONTENTS || line->kind == DM_EX_L_TABLE)
            continue;
        total += line->word_count;
        for (uint32_t word = line->first_word; word < line->first_word + line->word_count; word++) {
            int32_t value = value_of(tools, words, word);
            if (value == 0)
                continue;
            int32_t felt = in_context(text, words, word, value);
            pleased += felt > 0 ? felt : 0;
            displeased -= felt < 0 ? felt : 0;
        }
    }
    int64_t damping = total * DAMPING < DAMPING_LEAST ? DAMPING_LEAST : total * DAMPING;
    feeling.hundredths = (int32_t)((pleased - displeased) * 100 / (pleased + displeased + damping));
    int64_t less = pleased < displeased ? pleased : displeased;
    int64_t more = pleased < displeased ? displeased : pleased;
    if (feeling.hundredths >= THRESHOLD)
        feeling.word = "positive";
    else if (feeling.hundredths <= -THRESHOLD)
        feeling.word = "negative";
    /* Much of both: it says so itself, whatever the sum. */
    if (less * 2 >= more && less >= total * 3 && less >= (int64_t)ONE * 3)
        feeling.word = "mixed";
    return feeling;
}
