/* text.h: a page's text as code points, which is what offsets count.
 *
 * All of it lives in parallel arrays of one length, so that position i means the same in each:
 * the code point, its lower-case form (with ’ as '), what kind of character it is, and one
 * UTF-16 unit for ICU. ICU's iterators want UTF-16, where a character past U+FFFF takes two
 * units; a stand-in of the same kind takes its place there, and positions stay the same
 * everywhere. */
#ifndef DM_MODELS_EXTRACTIVE_TEXT_H
#define DM_MODELS_EXTRACTIVE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* What a page is read of: beyond this nothing of a single page is looked at. A page of print has
 * 2 to 6 KB. */
enum { DM_EX_TEXT_BYTES_MAX = 128 * 1024 };

enum dm_ex_kind {
    DM_EX_OTHER, /* formatting characters and what is not assigned: never shown */
    DM_EX_SPACE, /* blanks, tabs, control characters */
    DM_EX_BREAK, /* ends a line */
    DM_EX_PUNCT,
    DM_EX_SYMBOL,
    DM_EX_UPPER, /* from here on: parts of words */
    DM_EX_LOWER,
    DM_EX_LETTER, /* a letter without case */
    DM_EX_MARK,
    DM_EX_DIGIT,
    DM_EX_DENSE, /* of a script written without blanks between words: Chinese, Japanese, Thai, … */
};

enum dm_ex_script {
    DM_EX_LATIN,
    DM_EX_CYRILLIC,
    DM_EX_GREEK,
    DM_EX_ARABIC,
    DM_EX_HEBREW,
    DM_EX_DEVANAGARI,
    DM_EX_HAN,
    DM_EX_KANA,
    DM_EX_HANGUL,
    DM_EX_THAI,
    DM_EX_OTHER_SCRIPT,
    DM_EX_SCRIPTS,
};

struct dm_ex_text {
    uint32_t count;
    uint32_t *cp;
    uint32_t *low;
    uint16_t *unit;
    uint8_t *kind;
    uint32_t letters;
    uint32_t digits;
    uint32_t breaks;     /* line ends */
    uint32_t word_bound; /* there are at most so many words outside dense scripts */
    uint32_t dense;      /* characters of dense scripts */
    uint32_t beyond_ascii;
    uint32_t scripts[DM_EX_SCRIPTS]; /* letters of each */
};

/* Bytes that are not UTF-8 become U+FFFD one by one, as everywhere in docmill. False: the arena
 * is full. */
DM_MUST_USE bool dm_ex_text_make(struct dm_str utf8, struct dm_arena *arena, struct dm_ex_text *ret);

static inline bool dm_ex_is_word(uint8_t kind)
{
    return kind >= DM_EX_UPPER;
}

static inline bool dm_ex_is_letter(uint8_t kind)
{
    return kind >= DM_EX_UPPER && kind != DM_EX_DIGIT && kind != DM_EX_MARK;
}

static inline bool dm_ex_is_blank(uint8_t kind)
{
    return kind == DM_EX_SPACE || kind == DM_EX_BREAK;
}

/* What stands at `at`, or 0 past the end; `at` may be -1 cast to unsigned, which is past the
 * end, too. */
static inline uint32_t dm_ex_at(const struct dm_ex_text *text, uint32_t at)
{
    return at < text->count ? text->cp[at] : 0;
}

static inline uint32_t dm_ex_at_low(const struct dm_ex_text *text, uint32_t at)
{
    return at < text->count ? text->low[at] : 0;
}

static inline uint8_t dm_ex_kind_at(const struct dm_ex_text *text, uint32_t at)
{
    return at < text->count ? text->kind[at] : (uint8_t)DM_EX_BREAK;
}

/* A word's identity is a hash of its lower-case form. 64 bits make a clash so rare that no text
 * is kept for comparing; whoever builds one on purpose only spoils the ranking of their own
 * page. */
static inline uint64_t dm_ex_hash_step(uint64_t hash, uint32_t c)
{
    hash = (hash ^ c) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

#define DM_EX_HASH_START UINT64_C(0x243F6A8885A308D3)

uint64_t dm_ex_hash_range(const struct dm_ex_text *text, uint32_t start, uint32_t end);
/* The same hash of UTF-8 that is in lower case already. */
uint64_t dm_ex_hash_utf8(struct dm_str lower_case);

/* Appends [start, end) as UTF-8 for people: blanks and line ends become one blank (none between
 * Chinese characters), what is of kind DM_EX_OTHER goes. */
void dm_ex_text_add(struct dm_buf *buf, const struct dm_ex_text *text, uint32_t start, uint32_t end);
void dm_ex_add_code_point(struct dm_buf *buf, uint32_t c);

#endif
