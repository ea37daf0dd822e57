/* one_page.h: a page of a PDF as a PDF file of its own. */
#ifndef DM_PDF_ONE_PAGE_H
#define DM_PDF_ONE_PAGE_H

#include <mupdf/pdf.h>

#include "base/buf.h"

/* Fills `file`, which is empty, with a PDF whose only page has the boxes, the drawing and the text of `page`. Its
 * streams are as the document has them, but decrypted, and deflated where nothing packs them. The same page gives
 * the same bytes. Throws MuPDF's errors, and where the file is over the buffer's ceiling; what is in `file` is then
 * no PDF. */
void one_page_write(fz_context *ctx, pdf_page *page, struct dm_buf *file);

#endif
