/* plain_image.h: plain text as it would look on paper, so that it has positions and pictures like any other
 * page. */
#ifndef DM_PDF_PLAIN_IMAGE_H
#define DM_PDF_PLAIN_IMAGE_H

#include "document.h"
#include "plain.h"

/* An A4 page of fixed-width type, longer where the text has more rows than fit. */
DM_MUST_USE failure plain_image_size(struct plain *plain, uint32_t page, struct page_size *ret);
DM_MUST_USE failure plain_image_text(struct plain *plain, uint32_t page, bool lines, struct page_text *text);
/* `scale` in pixels per point. Throws MuPDF's errors. */
fz_pixmap *plain_image_draw(fz_context *ctx, struct plain *plain, uint32_t page, float scale, fz_colorspace *space);

#endif
