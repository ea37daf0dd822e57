/* document.h: the one document of a worker: opening it, its pages' text and pictures.
 *
 * PDF, PNG, JPEG, TIFF and EPUB go through MuPDF, plain text through plain.h. Nothing here throws: what
 * fails does so with one of the protocol's words for it (base/frame.h), because MuPDF's own sentences may
 * quote the document. */
#ifndef DM_PDF_DOCUMENT_H
#define DM_PDF_DOCUMENT_H

#include <mupdf/fitz.h>

#include "memory.h"
#include "picture.h"
#include "text.h"

/* 0: done; else one of enum dm_frame_failure. */
typedef unsigned failure;

struct engine {
    struct memory memory;
    fz_context *ctx;
    unsigned complaints; /* of MuPDF about something lost, since the page at hand was loaded */
};

/* Made once, in the zygote. False where memory is out. */
DM_MUST_USE bool engine_start(struct engine *engine, size_t memory_bytes);
void engine_stop(struct engine *engine);

struct document;

struct file {
    int fd;
    uint64_t size; /* told by the parent: the sandbox allows no question about files */
};

/* Takes over the descriptor at success and failure alike. The password need not end with NUL. */
DM_MUST_USE failure document_open(struct engine *engine, struct file file, enum dm_frame_media media,
                                  struct dm_str password, struct document **ret, uint32_t *ret_pages);
void document_free(struct document *document); /* accepts NULL */

struct page_size {
    float width, height; /* points */
};

/* Pages count from 0 here. The page stays loaded until another is asked for. */
DM_MUST_USE failure document_size(struct document *document, uint32_t page, struct page_size *ret);
DM_MUST_USE failure document_text(struct document *document, uint32_t page, bool lines, struct page_text *text);

/* A picture whose longer edge has `long_edge` pixels. */
DM_MUST_USE failure document_render(struct document *document, uint32_t page, uint32_t long_edge, bool grey,
                                    struct picture *ret);
/* A grey picture for text recognition: of DM_FRAME_SCAN_DPI, but no longer edge than DM_FRAME_SCAN_LONG_EDGE_MAX. A
 * page that is blank although MuPDF complained about it is damaged. */
DM_MUST_USE failure document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank);
/* The page as a PDF of its own. `file`, which is empty, stays so where there is none: the document is no PDF, the file
 * would be over the buffer's ceiling, or the page cannot be taken out. */
void document_page_pdf(struct document *document, uint32_t page, struct dm_buf *file);

#endif
