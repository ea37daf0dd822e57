/* picture.h: a rendered page, and image files of it. */
#ifndef DM_PDF_PICTURE_H
#define DM_PDF_PICTURE_H

#include <mupdf/fitz.h>

#include "base/frame.h"

struct picture {
    fz_pixmap *pixels; /* one (grey) or three components, no alpha; rows may be padded (stride) */
    float points_per_pixel;
};

void picture_free(fz_context *ctx, struct picture *picture);
/* The grey picture with a shorter long edge, each pixel the mean of the area that it covers. False where memory is
 * out. */
DM_MUST_USE bool picture_shrink(fz_context *ctx, const struct picture *picture, uint32_t long_edge,
                                struct picture *ret);
/* All one shade, give or take the grain of a scanner. */
bool picture_is_blank(const struct picture *picture);

/* The picture as a file, appended to `file`. False where memory or room is out. */
DM_MUST_USE bool picture_jpeg(const struct picture *picture, struct dm_buf *file);
DM_MUST_USE bool picture_png(fz_context *ctx, const struct picture *picture, struct dm_buf *file);

#endif
