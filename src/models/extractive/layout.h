/* layout.h: what each line of a page is, and which lines belong together.
 *
 * A page's text comes with the line ends of print. Before sentences can be found, lines must be
 * joined to paragraphs, and what is no prose (tables of contents, listings, page numbers,
 * tables) must be told apart, because it would win any contest of word counts. */
#ifndef DM_MODELS_EXTRACTIVE_LAYOUT_H
#define DM_MODELS_EXTRACTIVE_LAYOUT_H

#include "words.h"

enum dm_ex_line_kind {
    DM_EX_L_BLANK,
    DM_EX_L_PROSE,
    DM_EX_L_ITEM, /* begins an item of a list */
    DM_EX_L_HEADING,
    DM_EX_L_FIELD,    /* "Label: value", or a short line that stands by itself */
    DM_EX_L_CONTENTS, /* of a table of contents or an index */
    DM_EX_L_TABLE,
    DM_EX_L_CODE,
    DM_EX_L_FOLIO, /* a page number */
};

struct dm_ex_line {
    uint32_t start; /* without blanks at both ends */
    uint32_t end;
    uint32_t body; /* past an item's bullet or number; else `start` */
    uint32_t first_word;
    uint32_t word_count;
    uint32_t indent;
    uint8_t kind;
};

/* Lines that belong together: a paragraph, an item, a heading, one field. */
struct dm_ex_block {
    uint32_t start;
    uint32_t end;
    uint8_t kind; /* PROSE, ITEM, HEADING or FIELD */
};

struct dm_ex_layout {
    struct dm_ex_line *lines;
    uint32_t line_count;
    struct dm_ex_block *blocks;
    uint32_t block_count;
    bool has_contents; /* most of the page is a table of contents */
};

/* Words divided at line ends are joined: the hyphen and the line's end become DM_EX_OTHER in
 * `text`, so that they are not shown. False: the arena is full. */
DM_MUST_USE bool dm_ex_layout_make(struct dm_arena *arena, struct dm_ex_text *text, const struct dm_ex_words *words,
                                   struct dm_ex_layout *ret);

/* lines.c: the lines, each of the kind it has by its own looks. */
DM_MUST_USE bool dm_ex_lines_make(struct dm_arena *arena, const struct dm_ex_text *text,
                                  const struct dm_ex_words *words, struct dm_ex_layout *layout);
bool dm_ex_is_terminal(uint32_t c); /* a full stop or its like */
/* Whether [start, end) ends with one; quotation marks and brackets after it are passed over. */
bool dm_ex_ends_sentence(const struct dm_ex_text *text, uint32_t start, uint32_t end);

#endif
