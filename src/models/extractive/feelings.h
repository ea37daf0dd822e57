/* feelings.h: whether a text is pleased. By lists of words (English, German, French, Spanish),
 * with negations and intensifiers; of other languages nothing is claimed. */
#ifndef DM_MODELS_EXTRACTIVE_FEELINGS_H
#define DM_MODELS_EXTRACTIVE_FEELINGS_H

#include "layout.h"

struct dm_ex_feeling {
    const char *word;   /* positive, neutral, negative, mixed */
    bool scored;        /* the language is one of those with lists */
    int32_t hundredths; /* -100 … 100 */
};

struct dm_ex_feeling dm_ex_feeling_of(struct dm_extractive *tools, const struct dm_ex_text *text,
                                      const struct dm_ex_words *words, const struct dm_ex_layout *layout);

#endif
