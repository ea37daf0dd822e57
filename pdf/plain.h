/* plain.h: plain text as a document of pages.
 *
 * UTF-8, or where a byte is not, Windows' Latin (a superset of Latin-1) as a whole. A page ends at a form
 * feed; where none comes soon, at the first line end past PLAIN_PAGE characters. Pages are found by one
 * pass when the document is opened; only their places are kept, the text is read again page by page. */
#ifndef DM_PDF_PLAIN_H
#define DM_PDF_PLAIN_H

#include "base/buf.h"

enum {
    PLAIN_PAGE = 3000,      /* characters after which a line end is a page end */
    PLAIN_PAGE_FEED = 8000, /* so far a form feed is waited for */
    PLAIN_PAGE_HARD = 4000, /* where no line ends: cut between words, or at last anywhere */
    PLAIN_PAGE_ROWS = 120,  /* lines on a page, as laid out */
    PLAIN_COLUMNS = 96,     /* a longer line is laid out as several */
    PLAIN_PAGES_MAX = 100 * 1000,
    /* Characters are counted as bytes: of UTF-8 at most four make one. */
    PLAIN_PAGE_BYTES_MAX = 4 * PLAIN_PAGE_FEED,
};

struct plain;

/* `size` bytes at `fd`, which stays the caller's and open. DM_UNSUPPORTED (holds NUL), DM_TOO_LARGE
 * (pages), DM_NOT_FOUND (nothing but white space is no page), DM_NO_MEMORY, DM_IO. */
DM_MUST_USE enum dm_code plain_open(int fd, uint64_t size, struct plain **ret, uint32_t *ret_pages, struct dm_err *err);
void plain_free(struct plain *plain); /* accepts NULL */

/* A page's text: UTF-8, lines end with '\n', no control characters but tabs. `page` counts from 0. */
DM_MUST_USE enum dm_code plain_text(struct plain *plain, uint32_t page, struct dm_buf *text, struct dm_err *err);

/* Lays out: calls `row` with each row of at most PLAIN_COLUMNS columns; a tab goes to the next eighth
 * column. */
struct plain_row {
    struct dm_str text;
    size_t at;       /* of `text` in the page's text */
    unsigned number; /* from 0 */
    unsigned columns;
};
typedef void plain_on_row(void *self, const struct plain_row *row);
unsigned plain_rows(struct dm_str text, plain_on_row *on_row, void *self); /* returns how many */
/* The character at the start of a text that is UTF-8 and not empty, and the columns it takes (0, 1 or 2). */
uint32_t plain_character(struct dm_str text, size_t *ret_bytes, unsigned *ret_columns);

#endif
