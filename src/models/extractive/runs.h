/* runs.h: names, from runs of capitalised words.
 *
 * A run is as many words as belong together: capitalised, a blank or hyphen apart, with "of", "de",
 * "von" between. Each rule takes its part of a run: a legal form ends a company's name, "University
 * of" begins a body's, a title or a given name begins a person's. Places come from the gazetteer
 * alone.
 *
 * A rule is asked at a word and returns past the last word it took, or 0. */
#ifndef DM_MODELS_EXTRACTIVE_RUNS_H
#define DM_MODELS_EXTRACTIVE_RUNS_H

#include "entities.h"

enum { DM_EX_FAMILIES_MAX = 64 };

/* What stands between two words; a line's end counts as a blank only inside a paragraph. */
enum dm_ex_gap {
    DM_EX_GAP_NONE, /* something that parts them */
    DM_EX_GAP_BLANK,
    DM_EX_GAP_HYPHEN,
    DM_EX_GAP_DOT,       /* ". " */
    DM_EX_GAP_TIGHT_DOT, /* "." */
    DM_EX_GAP_AND,       /* "&" */
    DM_EX_GAP_COMMA,
};

/* A family name seen with a given name or title: alone it means the same person. */
struct dm_ex_family {
    uint32_t vocable;
    uint32_t entity;
};

struct dm_ex_namer {
    struct dm_ex_scan *scan;
    const struct dm_ex_text *text;
    const struct dm_ex_words *words;
    uint32_t line; /* the line of the word looked at */
    struct dm_ex_family families[DM_EX_FAMILIES_MAX];
    uint32_t family_count;
};

/* All of these may be asked of a word past the last, except _is_little and _also_small. */
uint32_t dm_ex_classes_of(const struct dm_ex_namer *namer, uint32_t word);
bool dm_ex_is_capital(const struct dm_ex_namer *namer, uint32_t word); /* and not part of an entity yet */
bool dm_ex_is_little(const struct dm_ex_namer *namer, uint32_t word);  /* a stop word */
/* Also written small on this page: an ordinary word, not a name. */
bool dm_ex_also_small(const struct dm_ex_namer *namer, uint32_t word);
enum dm_ex_gap dm_ex_gap_after(const struct dm_ex_namer *namer, uint32_t word);
/* Whether the name that holds `word` may go on with the next one. */
bool dm_ex_connected(const struct dm_ex_namer *namer, uint32_t word);
bool dm_ex_in_heading(const struct dm_ex_namer *namer);
bool dm_ex_begins_sentence(const struct dm_ex_namer *namer, uint32_t word);
/* The end (past the last word) of the run of capitalised words from `first`, with little words
 * between. */
uint32_t dm_ex_run_end(const struct dm_ex_namer *namer, uint32_t first);
/* What the words [first, first + *ret_count) are in the lexicon together: the longest phrase
 * that begins here, or the word alone. */
const struct dm_ex_lex *dm_ex_phrase_at(const struct dm_ex_namer *namer, uint32_t first, uint32_t *ret_count);
/* Notes the words [first, past), `with_stop` with the full stop of an abbreviation, without a
 * possessive 's. */
uint32_t dm_ex_add_name(struct dm_ex_namer *namer, uint32_t first, uint32_t past, enum dm_ex_entity_type type,
                        bool with_stop);

/* organizations.c; the run is [first, end) */
uint32_t dm_ex_take_company(struct dm_ex_namer *namer, uint32_t first, uint32_t end);
uint32_t dm_ex_take_body(struct dm_ex_namer *namer, uint32_t first, uint32_t end);
/* persons.c */
uint32_t dm_ex_take_titled(struct dm_ex_namer *namer, uint32_t first);
uint32_t dm_ex_take_named(struct dm_ex_namer *namer, uint32_t first);
uint32_t dm_ex_take_single(struct dm_ex_namer *namer, uint32_t word, uint32_t end);

#endif
