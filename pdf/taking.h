/* taking.h: objects taken out of a PDF into another.
 *
 * Nothing is taken because it is there; objects are taken because something that is written refers to them. A
 * drawing's resources may point back into the document, so objects that say that they are no drawing become null, and
 * entries that lead away from one are left out.
 *
 * References are not followed but numbered, in the order in which they are met, and their objects written one after the
 * other: no document can make this recurse, and it is bounded by the file's ceiling and a number of objects.
 *
 * Everything here throws MuPDF's errors but taking_stop. */
#ifndef DM_PDF_TAKING_H
#define DM_PDF_TAKING_H

#include <mupdf/pdf.h>

#include "base/buf.h"

struct object {
    int source;    /* its number in the document; 0: made here */
    bool is_names; /* a dictionary whose keys are what a drawing calls things */
    size_t place;  /* in the file; 0: not written yet */
};

struct taking {
    fz_context *ctx;
    pdf_document *document;
    struct dm_buf *file;
    fz_output *out;         /* into `file`; unbuffered */
    fz_hash_table *numbers; /* of the document's objects in the file */
    struct object *objects; /* by number in the file */
    int first;              /* numbers below are the caller's */
    int count;
};

/* `taking` is empty but for its context. The buffer's ceiling is the file's. */
void taking_start(struct taking *taking, pdf_document *document, int first, struct dm_buf *file);
void taking_stop(struct taking *taking); /* also after a start that failed */

void taking_say(struct taking *taking, const char *text);
int taking_new_number(struct taking *taking, int source, bool is_names);
/* The number in the file for an object of the document; 0 where it has none and none is to be given. */
int taking_number_of(struct taking *taking, int source, bool give, bool is_names);
void taking_begin_object(struct taking *taking, int number);
void taking_end_object(struct taking *taking);
/* A value of the document's; objects that it refers to get numbers. `depth` is 0 where it stands alone. */
void taking_write_value(struct taking *taking, pdf_obj *value, bool is_names, int depth);
/* The rest of a stream whose dictionary has been begun: packed, unless `packed` says that it is, or it is tiny. */
void taking_write_stream_rest(struct taking *taking, fz_buffer *content, bool packed);
/* Writes all objects that have a number and are not written, among them those that get one meanwhile. */
void taking_write_met(struct taking *taking);

#endif
