/* document_reader.h: a port: text and pictures out of documents.
 *
 * Implemented by `reader/` over the sandboxed helper docmill-pdf. docmill itself never parses a document.
 *
 * A handle is one document kept open in one helper. It belongs to one task at a time. A page past its deadline
 * costs that page only: the helper is killed and replaced, `page` answers DM_TIMEOUT (or DM_CRASHED where the helper
 * died), and the next call on the same handle goes on in a fresh helper. */
#ifndef DM_PORTS_DOCUMENT_READER_H
#define DM_PORTS_DOCUMENT_READER_H

#include "base/buf.h"
#include "domain/media.h"
#include "domain/tenant.h"

struct dm_source {
    int fd; /* of the document, readable and seekable; stays the caller's, who keeps it open until close */
    enum dm_media media;
    struct dm_str password; /* empty: none; read during open and kept by the handle for reopening */
};

enum dm_ocr { DM_OCR_AUTO, /* where the page has no text */ DM_OCR_NEVER };

/* Any of these together; the document's page is looked at once for all of them. */
struct dm_page_want {
    bool text;
    bool lines;                /* positions of the text's lines, too */
    enum dm_ocr ocr;           /* looked at only with `text` */
    uint32_t image_long_edge;  /* pixels of the longer edge of a picture to make; 0: no picture. At most 4096. */
    enum dm_media image_media; /* DM_MEDIA_JPEG (grey, for models) or DM_MEDIA_PNG (colour, for people) */
    bool pdf;                  /* the page as a PDF file of its own */
};

/* A line of text: where it stands in the text (bytes) and on the page (points, from the top left corner). */
struct dm_line {
    uint32_t at;
    uint32_t len;
    float x0, y0, x1, y1;
};

struct dm_page_content {
    struct dm_buf text;    /* UTF-8 in reading order, lines end with '\n'; empty where the page has none */
    struct dm_line *lines; /* dm_alloc'd */
    uint32_t line_count;
    bool has_text_layer; /* the document itself carried text for this page */
    bool ocr_used;
    float width, height; /* points */
    struct dm_buf image;
    /* One page that looks like this one and has its text; forms and notes are part of what is drawn. Nothing else of
     * the document: no scripts, attachments, outline, links, metadata or encryption. The same page gives the same
     * bytes.
     *
     * Empty where there is no such file: the document is no PDF, the file would be over 8 MiB, or the page's objects
     * are too entangled or too broken to be taken out. That is no error, since what else was wanted of the page is
     * there; a model can still be given the picture. */
    struct dm_buf pdf;
};

void dm_page_content_free(struct dm_page_content *content); /* leaves it empty */

struct dm_reader_handle;

struct dm_reader_ops {
    const char *name;
    /* Waits for a free helper (bounded: DM_BUSY), opens the document, counts its pages. DM_ENCRYPTED, DM_DAMAGED,
     * DM_UNSUPPORTED, DM_TOO_LARGE (a decompression bomb), DM_NOT_FOUND (it has no pages), DM_TIMEOUT, DM_CRASHED say
     * what the document is; any other code is trouble of ours and worth another try. */
    enum dm_code (*open)(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                         struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err);
    /* Pages count from 1. Codes as for open. The caller frees *ret. */
    enum dm_code (*page)(void *self, struct dm_reader_handle *handle, uint32_t page, const struct dm_page_want *want,
                         struct dm_page_content *ret, struct dm_err *err);
    void (*close)(void *self, struct dm_reader_handle *handle); /* accepts NULL */
    /* Calls under way end soon and all later ones answer DM_CANCELLED: a drain whose time is up waits for no document. */
    void (*interrupt)(void *self);
    /* Whether a helper can be started and answers; bounded to a second or so. For health and doctor. */
    enum dm_code (*check)(void *self, struct dm_err *err);
};

struct dm_reader {
    const struct dm_reader_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_reader_open(struct dm_reader reader, const struct dm_tenant *tenant,
                                        const struct dm_source *source, struct dm_reader_handle **ret,
                                        uint32_t *ret_pages, struct dm_err *err);
DM_MUST_USE enum dm_code dm_reader_page(struct dm_reader reader, struct dm_reader_handle *handle, uint32_t page,
                                        const struct dm_page_want *want, struct dm_page_content *ret,
                                        struct dm_err *err);
void dm_reader_close(struct dm_reader reader, struct dm_reader_handle *handle);
void dm_reader_interrupt(struct dm_reader reader);
DM_MUST_USE enum dm_code dm_reader_check(struct dm_reader reader, struct dm_err *err);

#endif
