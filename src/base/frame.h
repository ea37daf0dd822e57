/* frame.h: what docmill and its document helper say to each other.
 *
 * This header is the whole protocol: src/reader/ speaks one side of it, pdf/ the other. Both are built
 * together, so there is one version and no negotiation; DM_FRAME_VERSION catches a mixed installation.
 *
 * A frame is a head of DM_FRAME_HEAD bytes and a payload. All numbers are little-endian:
 *
 *   0  u32  bytes of payload
 *   4  u16  kind
 *   6  u16  zero
 *   8  u32  number of the request; its answers repeat it
 *
 * Each kind has a largest payload. The parent believes nothing of what a helper sends: it looks at the
 * head first, and a kind that is not due, a foreign number or a length over the limit ends the helper.
 *
 * There are two kinds of socket. Over the first the parent speaks to a *zygote*, which has everything
 * loaded and only forks. Over the second it speaks to a *worker* that the zygote forked: the parent makes
 * the socketpair and passes one end along with START. A worker reads one document, or one picture, and
 * is never used for another: what a hostile document does to it ends with it. */
#ifndef DM_BASE_FRAME_H
#define DM_BASE_FRAME_H

#include "base/buf.h"

enum {
    DM_FRAME_VERSION = 2,
    DM_FRAME_HEAD = 12,
    DM_FRAME_SOCKET = 3, /* the descriptor at which zygotes and workers find their socket */
};

/* Ceilings of what a page may give. */
enum {
    DM_FRAME_TEXT_MAX = 4 << 20,
    DM_FRAME_LINES_MAX = 256 << 10, /* lines, not bytes */
    DM_FRAME_LINE = 24,             /* bytes: u32 at, u32 length, f32 x0 y0 x1 y1 */
    DM_FRAME_IMAGE_MAX = 64 << 20,
    DM_FRAME_PAGE_PDF_MAX = 8 << 20,
    DM_FRAME_PIXELS_MAX = 16 << 20,
    DM_FRAME_PIXELS_HEAD = 16,
    DM_FRAME_PASSWORD_MAX = 1024,
    DM_FRAME_SENTENCE_MAX = 240,
};

/* How a page is drawn for text recognition: it wants 300 dots per inch; a page of A3 then has 3,500 by 4,950 of
 * them. */
enum { DM_FRAME_SCAN_DPI = 300, DM_FRAME_SCAN_LONG_EDGE_MAX = 4096 };

#define DM_FRAMES(X) /* name, on the wire, largest payload, meaning and payload */                                     \
    /* zygote to parent, once and unasked: u32 version; nothing more, or a sentence that says why it cannot work */    \
    X(READY, 1, 4 + DM_FRAME_SENTENCE_MAX, "it can fork, or why it never will")                                        \
    /* parent to zygote: u32 worker, u64 bytes of memory, u32 CPU seconds per request; one descriptor. No answer */    \
    X(START, 2, 16, "fork a worker and give it the socket that comes along")                                           \
    /* parent to zygote: u32 worker */                                                                                 \
    X(END, 3, 4, "kill the worker if it still lives and say how it ended")                                             \
    /* zygote to parent: u32 worker, u8 1 if it ever started, u32 wait status */                                       \
    X(ENDED, 4, 9, "the worker is gone and reaped")                                                                    \
    /* parent to text worker, once and first: u8 media, u64 size of the file, password; one descriptor */              \
    X(OPEN, 16, 9 + DM_FRAME_PASSWORD_MAX, "open this document")                                                       \
    X(OPENED, 17, 4, "u32 pages, at least one")                                                                        \
    /* parent to text worker: u32 page from 1, u8 wants, u8 kind of image, u32 long edge */                            \
    X(PAGE, 18, 10, "read a page")                                                                                     \
    X(TEXT, 19, DM_FRAME_TEXT_MAX, "UTF-8 without NUL")                                                                \
    X(LINES, 20, DM_FRAME_LINES_MAX *DM_FRAME_LINE, "where the lines of the text stand, in order")                     \
    X(IMAGE, 21, DM_FRAME_IMAGE_MAX, "a JPEG or PNG file")                                                             \
    X(PAGE_END, 22, 9, "f32 width, f32 height, u8 1 if the document has text here: the page is complete")              \
    /* parent to text worker: u32 page from 1 */                                                                       \
    X(SCAN, 23, 4, "render a page for text recognition")                                                               \
    /* text worker to parent, and parent to OCR worker: u32 width, u32 height (both 0: the page is blank), */          \
    /* u32 dots per inch, f32 points per pixel, then width * height grey bytes */                                      \
    X(PIXELS, 24, DM_FRAME_PIXELS_HEAD + DM_FRAME_PIXELS_MAX, "a rendered page")                                       \
    X(RECOGNISED, 25, 0, "text and lines are complete")                                                                \
    X(FAILED, 26, 1, "u8: one of DM_FRAME_FAILURES; the request is over")                                              \
    X(PAGE_PDF, 27, DM_FRAME_PAGE_PDF_MAX, "the page as a PDF file of its own; empty: it cannot be had as one")

#define DM_FRAME_ENUM(name, wire, max, meaning) DM_FRAME_##name = wire,
enum dm_frame_kind { DM_FRAMES(DM_FRAME_ENUM) };
#undef DM_FRAME_ENUM

/* A helper reports no sentences about documents, only these: MuPDF's messages may quote the document. */
#define DM_FRAME_FAILURES(X) /* name, on the wire, the code it becomes */                                              \
    X(DAMAGED, 1, DM_DAMAGED)                                                                                          \
    X(ENCRYPTED, 2, DM_ENCRYPTED)                                                                                      \
    X(UNSUPPORTED, 3, DM_UNSUPPORTED)                                                                                  \
    X(TOO_LARGE, 4, DM_TOO_LARGE)                                                                                      \
    X(NO_PAGES, 5, DM_NOT_FOUND)                                                                                       \
    X(NO_SUCH_PAGE, 6, DM_INVALID)

#define DM_FRAME_FAILURE_ENUM(name, wire, code) DM_FRAME_FAILURE_##name = wire,
enum dm_frame_failure { DM_FRAME_FAILURES(DM_FRAME_FAILURE_ENUM) };
#undef DM_FRAME_FAILURE_ENUM

/* Kinds of document in OPEN and of image in PAGE. The numbers are the protocol's own, because the helper
 * knows nothing of docmill's domain. */
enum dm_frame_media {
    DM_FRAME_PDF = 1,
    DM_FRAME_PNG = 2,
    DM_FRAME_JPEG = 3,
    DM_FRAME_TIFF = 4,
    DM_FRAME_EPUB = 5,
    DM_FRAME_PLAIN = 6,
};

/* Bits of `wants` in PAGE. An image is wanted where the long edge is not 0. Answers come in the order TEXT, LINES,
 * IMAGE, PAGE_PDF, as far as they are wanted, and PAGE_END.
 *
 * WANT_SCAN says that SCAN will be the next request if the page has no text. It changes no answer: a grey image is then
 * made out of the picture that SCAN asks for, which is drawn once and kept for it. */
enum {
    DM_FRAME_WANT_TEXT = 1,
    DM_FRAME_WANT_LINES = 2,
    DM_FRAME_WANT_PDF = 4,
    DM_FRAME_WANT_SCAN = 8,
};

struct dm_frame_head {
    enum dm_frame_kind kind;
    uint32_t number;
    uint32_t size; /* of the payload */
};

/* False where the bytes are no head of this protocol: unknown kind, a payload over the kind's limit, or a
 * reserved field that is not zero. */
DM_MUST_USE bool dm_frame_head_parse(const unsigned char bytes[DM_FRAME_HEAD], struct dm_frame_head *ret);
void dm_frame_head_write(struct dm_frame_head head, unsigned char bytes[DM_FRAME_HEAD]);
uint32_t dm_frame_max(enum dm_frame_kind kind);     /* the largest payload */
const char *dm_frame_name(enum dm_frame_kind kind); /* "PAGE_END"; "?" for what is no kind */
/* The code for a byte of FAILED; false where the byte is none of the list. */
DM_MUST_USE bool dm_frame_failure_code(unsigned wire, enum dm_code *ret);

enum dm_frame_fit { DM_FRAME_MORE, DM_FRAME_WHOLE, DM_FRAME_BAD };

/* Looks for one whole frame at the start of `bytes`. WHOLE: the head and the payload (borrowed from
 * `bytes`) are set and the frame takes DM_FRAME_HEAD + payload->len bytes. MORE: it is not there yet. BAD:
 * never will be. */
enum dm_frame_fit dm_frame_take(struct dm_str bytes, struct dm_frame_head *ret_head, struct dm_str *ret_payload);

/* Building: begin, add fields, end. The buffer remembers a failure. */
size_t dm_frame_begin(struct dm_buf *buf, enum dm_frame_kind kind, uint32_t number);
void dm_frame_add_u8(struct dm_buf *buf, uint8_t value);
void dm_frame_add_u32(struct dm_buf *buf, uint32_t value);
void dm_frame_add_u64(struct dm_buf *buf, uint64_t value);
void dm_frame_add_f32(struct dm_buf *buf, float value);
void dm_frame_end(struct dm_buf *buf, size_t begun); /* writes the length; `failed` where it is over the kind's limit */

/* Reading fields: the first one that is missing sets `failed` and it and all later ones are 0. */
struct dm_frame_fields {
    struct dm_str rest;
    bool failed;
};

uint8_t dm_frame_u8(struct dm_frame_fields *fields);
uint32_t dm_frame_u32(struct dm_frame_fields *fields);
uint64_t dm_frame_u64(struct dm_frame_fields *fields);
float dm_frame_f32(struct dm_frame_fields *fields); /* any bits, also infinities and NaN */
/* Nothing missing and nothing left over. */
DM_MUST_USE bool dm_frame_fields_done(const struct dm_frame_fields *fields);

#endif
