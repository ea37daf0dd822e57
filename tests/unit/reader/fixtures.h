/* fixtures.h: small documents, made while the test runs, so that each shows what it is about.
 *
 * All give a descriptor that the caller closes. */
#ifndef DM_TESTS_READER_FIXTURES_H
#define DM_TESTS_READER_FIXTURES_H

#include "base/buf.h"

/* A PDF under construction: objects are numbered from 1; 1 is the catalogue, 2 the page tree, 3 the font
 * /F. */
struct pdf {
    struct dm_buf bytes;
    size_t places[256];
    unsigned count;
    unsigned pages[64];
    unsigned page_count;
};

struct pdf pdf_make(void);
/* Room for an object that is written later. */
unsigned pdf_reserve(struct pdf *pdf);
void pdf_object(struct pdf *pdf, unsigned number, const char *text);
void pdf_stream(struct pdf *pdf, unsigned number, const char *entries, struct dm_str content);
/* A page of 200 by 100 points; `resources` are entries of its dictionary, beside the font. */
void pdf_page(struct pdf *pdf, const char *resources, const char *content);
/* A page that shows a line of text. */
void pdf_text_page(struct pdf *pdf, const char *text);
/* A page whose content does not unpack. */
void pdf_broken_page(struct pdf *pdf);
int pdf_finish(struct pdf *pdf);

int file_of(struct dm_str bytes);
int file_of_fixture(const char *name); /* below tests/data/reader */

/* `depth` levels of drawings, each of which draws the one below ten times. */
unsigned pdf_add_nested_forms(struct pdf *pdf, unsigned depth);

/* Grey pictures, all in the same shade. */
int png_of(uint32_t width, uint32_t height, unsigned char shade);
/* A header that claims this size, and hardly any pixels. */
int png_of_size(uint32_t width, uint32_t height);
int tiff_of(unsigned pages, uint16_t width, uint16_t height);

void add_deflated(struct dm_buf *to, struct dm_str content);

#endif
