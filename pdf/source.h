/* source.h: the document's bytes as one of MuPDF's streams.
 *
 * Read by position only: the descriptor is shared with the parent and with other helpers, and its offset
 * with it. */
#ifndef DM_PDF_SOURCE_H
#define DM_PDF_SOURCE_H

#include <mupdf/fitz.h>

/* A stream over `size` bytes at `fd`, which must stay open as long as it. Throws. */
fz_stream *source_stream(fz_context *ctx, int fd, uint64_t size);

#endif
