/* page.h: the whole reading of a page, and the reduction of many. Behind models.h. */
#ifndef DM_MODELS_EXTRACTIVE_PAGE_H
#define DM_MODELS_EXTRACTIVE_PAGE_H

#include "ports/model.h"
#include "rank.h"

enum {
    DM_EX_SUMMARY_MAX = 600, /* characters */
    DM_EX_SUMMARY_SENTENCES = 3,
    DM_EX_KEY_POINTS = 5,
    DM_EX_KEY_POINT_MAX = 240, /* characters */
    DM_EX_ANALYSIS_BYTES_MAX = 1024 * 1024,
};

/* Everything that is known of a text, in the tools' arena. */
struct dm_ex_reading {
    struct dm_ex_text text;
    struct dm_ex_words words;
    struct dm_ex_layout layout;
    struct dm_ex_ranking ranking;
};

DM_MUST_USE bool dm_ex_read(struct dm_extractive *tools, struct dm_str utf8, struct dm_ex_reading *ret);

/* Appends [start, end), cut after a word with "…" where it has more than `max` characters. */
void dm_ex_add_cut(struct dm_buf *buf, const struct dm_ex_text *text, uint32_t start, uint32_t end, uint32_t max);

/* Words of an answer, as an estimate of its tokens: runs of letters and digits. */
uint64_t dm_ex_words_written(struct dm_str json);

#endif
