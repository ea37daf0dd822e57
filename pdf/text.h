/* text.h: the text of a page, with where its lines stand. */
#ifndef DM_PDF_TEXT_H
#define DM_PDF_TEXT_H

#include <mupdf/fitz.h>

#include "base/frame.h"

struct page_text {
    struct dm_buf text;  /* UTF-8, lines end with '\n', an empty line between paragraphs */
    struct dm_buf lines; /* as in a LINES frame; left empty where they are not wanted */
    bool legible;        /* it is text that was written for this page, not blanks or glyphs without meaning */
};

struct page_text page_text_make(void);
void page_text_free(struct page_text *text);

/* What was added to the text since `at` is a line; its place is in points from the page's top left corner. */
void page_text_add_line(struct page_text *text, size_t at, fz_rect box);

/* Reads a page of MuPDF's into `text`. Throws MuPDF's errors; what was read until then is in `text`. */
void text_of_page(fz_context *ctx, fz_page *page, fz_rect bounds, bool lines, struct page_text *text);

#endif
