/* rank.h: the sentences of a page, and which of them say most.
 *
 * A stem weighs by the logarithm of how often the page uses it, more if a heading does; a
 * sentence by its stems' weights over the square root of how many there are, times factors for
 * what makes it fit to be quoted (it is complete, does not lean on its neighbour, …). What has
 * been chosen takes weight from its stems, so the next choice says something else. All in whole
 * numbers: the same text gives the same choice on any machine. */
#ifndef DM_MODELS_EXTRACTIVE_RANK_H
#define DM_MODELS_EXTRACTIVE_RANK_H

#include "layout.h"

struct dm_ex_sentence {
    uint32_t start;
    uint32_t end;
    uint32_t first_word;
    uint32_t word_count;
    uint32_t block;
    uint32_t first_term; /* into `terms`: its distinct stems */
    uint32_t term_count;
    uint32_t factor; /* in 256ths */
    uint32_t root;   /* of the number of its stems, in 16ths */
    uint8_t kind;    /* of its block */
    bool eligible;   /* a sentence, not a scrap */
    bool complete;   /* ends as sentences end */
    bool taken;
};

/* More sentences of one page are not looked at. */
enum { DM_EX_SENTENCES_MAX = 4096 };

struct dm_ex_ranking {
    struct dm_ex_sentence *sentences;
    uint32_t count;
    uint32_t room;
    uint32_t eligible;
    uint32_t *terms;
};

/* False: the arena is full. Without ICU's sentence rules a block is one sentence. */
DM_MUST_USE bool dm_ex_ranking_make(struct dm_extractive *tools, const struct dm_ex_text *text,
                                    struct dm_ex_words *words, const struct dm_ex_layout *layout,
                                    struct dm_ex_ranking *ret);

/* What a sentence is chosen for: a summary prefers running text, key points prefer what is
 * short. */
enum dm_ex_purpose { DM_EX_FOR_SUMMARY, DM_EX_FOR_KEY_POINT };

/* Takes the best sentence that is left, at most `length_max` characters long, and weakens its
 * stems. Returns its index, or UINT32_MAX where none reaches `least`; *ret_score is what it
 * scored. */
uint32_t dm_ex_ranking_take(struct dm_ex_ranking *ranking, struct dm_ex_words *words, enum dm_ex_purpose purpose,
                            uint32_t length_max, uint64_t least, uint64_t *ret_score);

/* sentences.c: splits the blocks into sentences; the ranking's other members stay as they are. */
DM_MUST_USE bool dm_ex_sentences_make(struct dm_extractive *tools, const struct dm_ex_text *text,
                                      const struct dm_ex_words *words, const struct dm_ex_layout *layout,
                                      struct dm_ex_ranking *ranking);

/* log2 in 256ths, of numbers from 1. */
uint32_t dm_ex_log2(uint32_t number);
uint32_t dm_ex_root(uint64_t number); /* the whole part of the square root */

#endif
