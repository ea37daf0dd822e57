/* words.h: the words of a text, each distinct one looked up once, and the text's language. */
#ifndef DM_MODELS_EXTRACTIVE_WORDS_H
#define DM_MODELS_EXTRACTIVE_WORDS_H

#include "tools.h"

enum dm_ex_shape {
    DM_EX_W_LOWER,   /* word */
    DM_EX_W_CAPITAL, /* Word */
    DM_EX_W_UPPER,   /* WORD */
    DM_EX_W_INITIAL, /* W */
    DM_EX_W_MIXED,   /* wOrd, McWord */
    DM_EX_W_NUMBER,  /* 12 */
    DM_EX_W_CODE,    /* letters with digits or underscores */
    DM_EX_W_PLAIN,   /* of a script without case */
};

struct dm_ex_word {
    uint32_t start;
    uint32_t len;
    uint32_t vocable;
    uint8_t shape;
};

struct dm_ex_vocable {
    uint64_t hash;
    const struct dm_ex_lex *lex;
    uint32_t count;
    uint32_t lower; /* how often it stands all in lower case */
    uint32_t first; /* the first word that is it */
    uint32_t stem;  /* into `stems`; 0: it carries no meaning by itself */
};

struct dm_ex_stem_entry {
    uint64_t hash;
    uint32_t count; /* in what is ranked */
    uint32_t weight;
    uint32_t mark; /* for whoever needs to see each stem once */
};

struct dm_ex_words {
    struct dm_ex_word *at;
    uint32_t count;
    uint32_t *from; /* for each position, the first word that begins there or later; one more at the end */
    struct dm_ex_vocable *vocables;
    uint32_t vocable_count;
    struct dm_ex_stem_entry *stems; /* from 1; made by dm_ex_words_stem */
    uint32_t stem_count;
    enum dm_ex_language language;
};

/* Finds the words and the language. False: the arena is full. */
DM_MUST_USE bool dm_ex_words_make(struct dm_extractive *tools, const struct dm_ex_text *text, struct dm_ex_words *ret);
/* Stems what carries meaning in `words->language`. */
DM_MUST_USE bool dm_ex_words_stem(struct dm_extractive *tools, const struct dm_ex_text *text,
                                  struct dm_ex_words *words);

static inline const struct dm_ex_vocable *dm_ex_vocable_of(const struct dm_ex_words *words, uint32_t word)
{
    return &words->vocables[words->at[word].vocable];
}

static inline const struct dm_ex_lex *dm_ex_lex_of(const struct dm_ex_words *words, uint32_t word)
{
    return dm_ex_vocable_of(words, word)->lex;
}

static inline uint32_t dm_ex_word_end(const struct dm_ex_words *words, uint32_t word)
{
    return words->at[word].start + words->at[word].len;
}

/* The first word that begins at or after `position`, which is at most the text's length. */
static inline uint32_t dm_ex_word_from(const struct dm_ex_words *words, uint32_t position)
{
    return words->from[position];
}

/* Whether the vocable is a stop word of the text's language (of any, where that is not known). */
bool dm_ex_is_stop(const struct dm_ex_words *words, const struct dm_ex_vocable *vocable);

/* language.c */
enum dm_ex_language dm_ex_language_guess(const struct dm_ex_text *text, const struct dm_ex_words *words);

#endif
