/* entities.h: names, dates, amounts and the like, with the place where each stands first.
 *
 * Rules and lists, no guessing: what is reported should be right, at the price of missing some.
 * Patterns (e-mail, dates, amounts, identifiers) are looked for first; names are then looked for
 * in what is left. */
#ifndef DM_MODELS_EXTRACTIVE_ENTITIES_H
#define DM_MODELS_EXTRACTIVE_ENTITIES_H

#include "layout.h"

enum {
    DM_EX_ENTITIES_MAX = 100,  /* reported per page */
    DM_EX_ENTITIES_SEEN = 512, /* distinct ones kept while looking */
};

#define DM_EX_ENTITY_TYPES(X) /* name, on the wire */                                                                  \
    X(PERSON, "person")                                                                                                \
    X(ORGANIZATION, "organization")                                                                                    \
    X(LOCATION, "place")                                                                                               \
    X(DATE, "date")                                                                                                    \
    X(MONEY, "money")                                                                                                  \
    X(EMAIL, "email")                                                                                                  \
    X(URL, "url")                                                                                                      \
    X(PHONE, "phone")                                                                                                  \
    X(IDENTIFIER, "identifier")

#define DM_EX_ENTITY_ENUM(name, wire) DM_EX_T_##name,
enum dm_ex_entity_type { DM_EX_ENTITY_TYPES(DM_EX_ENTITY_ENUM) DM_EX_T_COUNT };
#undef DM_EX_ENTITY_ENUM

struct dm_ex_entity {
    uint64_t key;
    uint32_t start;
    uint32_t end;
    uint32_t count;
    uint8_t type;
    const char *kind; /* of an identifier: "iban"; NULL otherwise */
};

struct dm_ex_entities {
    struct dm_ex_entity *at;
    uint32_t count;
    uint16_t *slots; /* entity + 1, by key */
};

struct dm_ex_scan {
    const struct dm_ex_text *text;
    const struct dm_ex_words *words;
    const struct dm_ex_layout *layout;
    const struct dm_ex_lexicon *lexicon;
    uint8_t *used; /* per character: belongs to an entity already */
    bool has_code; /* the page has listings, where "$1" is no amount */
    struct dm_ex_entities found;
};

/* Fills ret with at most DM_EX_ENTITIES_MAX entities in the order of the text. False: the arena
 * is full. */
DM_MUST_USE bool dm_ex_entities_make(struct dm_extractive *tools, const struct dm_ex_text *text,
                                     struct dm_ex_words *words, const struct dm_ex_layout *layout,
                                     struct dm_ex_entities *ret);
const char *dm_ex_entity_type(uint8_t type); /* on the wire */

/* Notes [start, end) and marks it as used; the same text of the same type counts up. Returns its
 * index, or UINT32_MAX when there is no room for one more. */
uint32_t dm_ex_entity_add(struct dm_ex_scan *scan, uint32_t start, uint32_t end, enum dm_ex_entity_type type,
                          const char *kind);

/* patterns.c */
void dm_ex_find_patterns(struct dm_ex_scan *scan);
/* names.c */
void dm_ex_find_names(struct dm_ex_scan *scan);

/* values.c: where a date or an amount of money that begins at `at` ends, or 0. */
uint32_t dm_ex_date_end(const struct dm_ex_scan *scan, uint32_t at);
uint32_t dm_ex_money_end(const struct dm_ex_scan *scan, uint32_t at);
/* identifiers.c: likewise; *ret_kind says which. A labelled one begins later than its label:
 * *ret_start. */
uint32_t dm_ex_identifier_end(const struct dm_ex_scan *scan, uint32_t at, uint32_t *ret_start, const char **ret_kind);
uint32_t dm_ex_phone_end(const struct dm_ex_scan *scan, uint32_t at, uint32_t *ret_start);

/* Small steps that the matchers share. */
uint32_t dm_ex_digits(const struct dm_ex_text *text, uint32_t at, uint32_t max, uint32_t *ret_value); /* how many */
uint32_t dm_ex_skip_blanks(const struct dm_ex_text *text, uint32_t at, uint32_t max); /* at most one line end */
uint32_t dm_ex_word_at(const struct dm_ex_scan *scan, uint32_t at); /* the word that begins there, or UINT32_MAX */
bool dm_ex_boundary(const struct dm_ex_text *text, uint32_t at);    /* no word goes on at `at` */

#endif
