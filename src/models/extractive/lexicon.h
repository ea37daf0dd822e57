/* lexicon.h: what is known of single words and short phrases.
 *
 * The tables (tables/) are plain lists of words in constant strings; here they become one hash
 * index that says of a word everything at once: in which languages it is a stop word, whether it
 * can be a given name, a place, a title, and how it feels. Making it takes about a millisecond,
 * so a model makes one at its first call and shares it: it does not change afterwards and any
 * number of threads may read it. */
#ifndef DM_MODELS_EXTRACTIVE_LEXICON_H
#define DM_MODELS_EXTRACTIVE_LEXICON_H

#include "base/err.h"
#include "text.h"

#define DM_EX_LANGUAGES(X) /* name, code, Snowball's name or NULL */                                                   \
    X(EN, "en", "english")                                                                                             \
    X(DE, "de", "german")                                                                                              \
    X(FR, "fr", "french")                                                                                              \
    X(ES, "es", "spanish")                                                                                             \
    X(IT, "it", "italian")                                                                                             \
    X(PT, "pt", "portuguese")                                                                                          \
    X(NL, "nl", "dutch")                                                                                               \
    X(SV, "sv", "swedish")                                                                                             \
    X(DA, "da", "danish")                                                                                              \
    X(NO, "no", "norwegian")                                                                                           \
    X(FI, "fi", "finnish")                                                                                             \
    X(HU, "hu", "hungarian")                                                                                           \
    X(RO, "ro", "romanian")                                                                                            \
    X(TR, "tr", "turkish")                                                                                             \
    X(RU, "ru", "russian")                                                                                             \
    X(PL, "pl", NULL)                                                                                                  \
    X(CS, "cs", NULL)                                                                                                  \
    X(UK, "uk", NULL)                                                                                                  \
    X(EL, "el", NULL)                                                                                                  \
    X(AR, "ar", NULL)                                                                                                  \
    X(HE, "he", NULL)                                                                                                  \
    X(HI, "hi", NULL)                                                                                                  \
    X(ZH, "zh", NULL)                                                                                                  \
    X(JA, "ja", NULL)                                                                                                  \
    X(KO, "ko", NULL)                                                                                                  \
    X(TH, "th", NULL)

/* The first four have words of feeling (tables/feelings_*.c); a bit per language must fit 32. */
#define DM_EX_LANGUAGE_ENUM(name, code, snowball) DM_EX_##name,
enum dm_ex_language {
    DM_EX_LANGUAGES(DM_EX_LANGUAGE_ENUM) DM_EX_LANGUAGE_COUNT,
    DM_EX_NO_LANGUAGE = DM_EX_LANGUAGE_COUNT
};
#undef DM_EX_LANGUAGE_ENUM

enum { DM_EX_FEELING_LANGUAGES = DM_EX_ES + 1 };

#define DM_EX_BIT(language) (UINT32_C(1) << (language))

/* What a word or phrase can be; one word can be several. */
enum dm_ex_class {
    DM_EX_GIVEN = 1 << 0,         /* a given name and hardly anything else */
    DM_EX_GIVEN_OR_WORD = 1 << 1, /* a given name that is also a word, a month or a place */
    DM_EX_TITLE = 1 << 2,         /* Mr, Dr, Herr, Mme */
    DM_EX_OFFICE = 1 << 3,        /* President, Chancellor: a name may follow */
    DM_EX_PARTICLE = 1 << 4,      /* von, de, bin: inside names */
    DM_EX_MONTH = 1 << 5,         /* `number` says which */
    DM_EX_BOILERPLATE = 1 << 6,   /* copyright, warranty: of little use in a summary */
    DM_EX_COMPANY = 1 << 7,       /* Inc, GmbH: ends the name of one */
    DM_EX_BODY_FIRST = 1 << 8,    /* University, Ministry: "… of X" */
    DM_EX_BODY_LAST = 1 << 9,     /* University, Foundation: "X …" */
    DM_EX_ORGANIZATION = 1 << 10,
    DM_EX_PLACE = 1 << 11,
    DM_EX_PLACE_OR_WORD = 1 << 12,     /* counts only where a preposition or a country says so */
    DM_EX_STREET = 1 << 13,            /* Street, Avenue, rue */
    DM_EX_PLACE_BEFORE = 1 << 14,      /* in, aus, nach: a place may follow */
    DM_EX_LINK = 1 << 15,              /* of, für, de la: inside names of bodies */
    DM_EX_CURRENCY = 1 << 16,          /* dollars, EUR */
    DM_EX_MAGNITUDE = 1 << 17,         /* million */
    DM_EX_ABBREVIATION = 1 << 18,      /* its full stop does not end a sentence */
    DM_EX_WEAK_ABBREVIATION = 1 << 19, /* its full stop ends one only before a word that begins sentences */
    DM_EX_NEGATION = 1 << 20,
    DM_EX_INTENSIFIER = 1 << 21,
    DM_EX_DIMINISHER = 1 << 22,
    DM_EX_DEPENDENT = 1 << 23,   /* a sentence that begins so leans on the one before */
    DM_EX_ID_LABEL = 1 << 24,    /* invoice, Kundennummer: a number that follows is an identifier */
    DM_EX_NUMBER_WORD = 1 << 25, /* No, Nr, number: between label and identifier */
    DM_EX_PHRASE = 1 << 26,      /* phrases begin with this word */
    DM_EX_ELISION = 1 << 27,     /* l', d', qu': a word of its own before an apostrophe */
    DM_EX_PHONE_LABEL = 1 << 28,
    DM_EX_WORK = 1 << 29,     /* paper, report, agreement: "this …" says what a text is about */
    DM_EX_NOT_NAME = 1 << 30, /* capitalised often without being (part of) a name */
};

/* A word of DM_EX_NOT_NAME that organizations' names begin with all the same ("American",
 * "First"). It does not fit an enumerator. */
#define DM_EX_ADJECTIVE (UINT32_C(1) << 31)

struct dm_ex_lex {
    uint64_t hash;
    uint32_t stop; /* a bit per language in which it is a stop word */
    uint32_t classes;
    int8_t feeling[DM_EX_FEELING_LANGUAGES]; /* -3 … 3 */
    uint8_t felt;                            /* a bit per language: `feeling` was set, be it to 0 */
    uint8_t number;                          /* a month's */
    uint8_t phrase;                          /* the most words a phrase that begins here has */
};

struct dm_ex_lexicon;

DM_MUST_USE enum dm_code dm_ex_lexicon_make(struct dm_ex_lexicon **ret, struct dm_err *err);
void dm_ex_lexicon_free(struct dm_ex_lexicon *lexicon); /* accepts NULL */
/* Never NULL: a word that is not known gets an entry that says nothing. */
const struct dm_ex_lex *dm_ex_lexicon_find(const struct dm_ex_lexicon *lexicon, uint64_t hash);

/* A phrase's hash from those of its words, in order; the first call takes 0. */
static inline uint64_t dm_ex_phrase_hash(uint64_t so_far, uint64_t word)
{
    return dm_ex_hash_step(dm_ex_hash_step(so_far ^ UINT64_C(0x13198A2E03707344), (uint32_t)word),
                           (uint32_t)(word >> 32));
}

/* A stem of a word of feeling is kept apart from words: under another hash per language. */
static inline uint64_t dm_ex_stem_hash(uint64_t stem, enum dm_ex_language language)
{
    return dm_ex_hash_step(stem ^ UINT64_C(0xA4093822299F31D0), (uint32_t)language);
}

const char *dm_ex_language_code(enum dm_ex_language language);     /* "" for DM_EX_NO_LANGUAGE */
const char *dm_ex_language_snowball(enum dm_ex_language language); /* NULL where there is none */

/* The tables: one row says what all its words are. Words are lower case, separated by commas; a
 * blank makes a phrase. */
struct dm_ex_row {
    uint32_t stop;
    uint32_t classes;
    uint8_t number;
    const char *words;
};

struct dm_ex_feeling_row {
    int8_t value;
    const char *words;
};

struct dm_ex_table {
    const struct dm_ex_row *rows;
    size_t count;
};

struct dm_ex_feeling_table {
    const struct dm_ex_feeling_row *rows;
    size_t count;
};

extern const struct dm_ex_table dm_ex_stop_words;
extern const struct dm_ex_table dm_ex_people;
extern const struct dm_ex_table dm_ex_places;
extern const struct dm_ex_table dm_ex_organizations;
extern const struct dm_ex_table dm_ex_general;
extern const struct dm_ex_feeling_table dm_ex_feelings_en;
extern const struct dm_ex_feeling_table dm_ex_feelings_de;
extern const struct dm_ex_feeling_table dm_ex_feelings_fr;
extern const struct dm_ex_feeling_table dm_ex_feelings_es;

#endif
