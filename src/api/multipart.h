/* multipart.h: private to api: a parser of multipart/form-data (RFC 7578) that is fed as the bytes come.
 *
 * It keeps no more than one part's header fields: data goes on at once. Strict where two readers could
 * disagree: lines end in CRLF, fields are not folded, transfer encodings that change the bytes are refused, and a
 * body that ends before its last boundary is an error. */
#ifndef DM_API_MULTIPART_H
#define DM_API_MULTIPART_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    DM_BOUNDARY_MAX = 70,
    DM_PART_HEAD_MAX = 8192, /* bytes of one part's header fields */
    DM_PART_FIELDS_MAX = 16,
    DM_PARTS_MAX = 64,
    DM_PREAMBLE_MAX = 1024
};

struct dm_part {
    struct dm_str name;     /* of the form's field, UTF-8 */
    struct dm_str filename; /* as the client said it, UTF-8: data, never a path; may be empty */
    bool has_filename;
    struct dm_str type; /* Content-Type, or empty */
};

/* Texts live until the call returns. What the callbacks think of the data is theirs to keep. */
struct dm_multipart_ops {
    void (*begin)(void *self, const struct dm_part *part);
    void (*data)(void *self, struct dm_str bytes);
    void (*end)(void *self);
};

struct dm_multipart {
    const struct dm_multipart_ops *ops;
    void *self;
    char delimiter[4 + DM_BOUNDARY_MAX + 1]; /* CRLF, two hyphens, the boundary */
    size_t delimiter_len;
    size_t matched; /* bytes of the delimiter that stand at the end of what was fed */
    enum { DM_MP_PREAMBLE, DM_MP_DATA, DM_MP_LINE_END, DM_MP_HEAD, DM_MP_EPILOGUE, DM_MP_FAILED } state;
    char line_end[2]; /* what followed the delimiter by now */
    size_t line_end_len;
    size_t skipped; /* bytes of the preamble, or of padding behind a delimiter */
    uint32_t parts;
    struct dm_buf head;
    char error[160];
};

/* `content_type` is the value of the request's field. DM_INVALID says what is wrong with its boundary. */
DM_MUST_USE enum dm_code dm_multipart_start(struct dm_multipart *parser, struct dm_str content_type,
                                            const struct dm_multipart_ops *ops, void *self, struct dm_err *err);
/* DM_INVALID once the body cannot be right any more; later calls do nothing. */
DM_MUST_USE enum dm_code dm_multipart_feed(struct dm_multipart *parser, struct dm_str bytes, struct dm_err *err);
/* DM_INVALID where the last boundary is missing. */
DM_MUST_USE enum dm_code dm_multipart_finish(struct dm_multipart *parser, struct dm_err *err);
void dm_multipart_free(struct dm_multipart *parser);

#endif
