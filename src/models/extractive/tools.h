/* tools.h: what reading a page needs and is dear to make anew: ICU's iterators, stemmers, the
 * lexicon, memory.
 *
 * One task at a time owns a set of tools. ICU and the stemmers are opened at their first use, so
 * tools that never read cost next to nothing. */
#ifndef DM_MODELS_EXTRACTIVE_TOOLS_H
#define DM_MODELS_EXTRACTIVE_TOOLS_H

#include <libstemmer.h>
#include <unicode/ubrk.h>

#include "base/arena.h"
#include "lexicon.h"

enum {
    /* Kept between pages; a page of print needs about 100 KB. */
    DM_EX_KEPT_BYTES = 192 * 1024,
    /* The densest page of DM_EX_TEXT_BYTES_MAX (every second character a word of its own) needs
     * about half of this. */
    DM_EX_ARENA_BYTES_MAX = 40 * 1024 * 1024,
    DM_EX_STEM_CACHE = 8192, /* a power of two; 192 KB hold most words of a long document */
};

struct dm_ex_stem_memo {
    uint64_t word;
    uint64_t stem;
    uint32_t language;
};

struct dm_extractive {
    const struct dm_ex_lexicon *lexicon;
    struct dm_ex_lexicon *own_lexicon; /* NULL where it is borrowed */
    struct dm_arena arena;
    UBreakIterator *words;
    UBreakIterator *sentences;
    struct sb_stemmer *stemmers[DM_EX_LANGUAGE_COUNT];
    struct dm_ex_stem_memo *memo;
};

/* With `lexicon`, which must outlive the tools, or with one of their own where it is NULL. */
DM_MUST_USE enum dm_code dm_ex_tools_make(const struct dm_ex_lexicon *lexicon, struct dm_extractive **ret,
                                          struct dm_err *err);
void dm_ex_tools_free(struct dm_extractive *tools); /* accepts NULL */

/* Iterators set to `units`; NULL where ICU has none (its data is missing) or memory is out. */
UBreakIterator *dm_ex_word_breaks(struct dm_extractive *tools, const uint16_t *units, uint32_t count);
UBreakIterator *dm_ex_sentence_breaks(struct dm_extractive *tools, const uint16_t *units, uint32_t count);

/* The hash of the stem of the word [start, end), whose own hash is `word`; that itself where the
 * language has no stemmer. */
uint64_t dm_ex_stem(struct dm_extractive *tools, const struct dm_ex_text *text, uint32_t start, uint32_t end,
                    uint64_t word, enum dm_ex_language language);

#endif
