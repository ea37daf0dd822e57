/* reader.h: the document reader over docmill-pdf, the sandboxed helper program.
 *
 * The parent opens no document. It passes the file's descriptor to a helper process, asks for pages, waits
 * no longer than a page may take, and believes an answer only as far as `rules.h` allows it. A helper that
 * hangs, dies or lies is killed and costs one page; the next call on the same handle goes on in a fresh
 * one.
 *
 * Helpers come in two classes. *text* opens documents: one process per open handle, forked from a zygote
 * when the handle is opened (some 1 ms) and never used for a second document. *ocr* reads the text off
 * pictures: pages without text are rendered by the handle's own helper and the bare pixels handed to a
 * process of this class, one process per page. So the process with Tesseract in it never parses a file, and
 * losing it does not lose the open document. Its zygote is started on first need and leaves when it has not
 * been needed for a while.
 *
 * Thread-safe; a handle belongs to one task at a time. The number of processes is bounded by the options. */
#ifndef DM_READER_READER_H
#define DM_READER_READER_H

#include "ports/document_reader.h"
#include "ports/runtime.h"

struct dm_reader_options {
    const char *helper_path;     /* of docmill-pdf */
    const char *ocr_data_folder; /* Tesseract's data; NULL: where it looks by itself */
    const char *ocr_languages;   /* like "eng+deu"; NULL: English and up to three more that are installed */
    uint32_t text_helpers;       /* documents open at once */
    uint32_t ocr_helpers;        /* pages in text recognition at once */
    int64_t open_timeout_ms;     /* opening a document and counting its pages */
    int64_t page_timeout_ms;     /* a page's text and pictures, also the one to recognise text from, together */
    int64_t ocr_timeout_ms;      /* recognising one page */
    int64_t wait_ms;             /* for a free helper; then DM_BUSY */
    int64_t ocr_idle_ms;         /* unused for so long, the OCR class leaves */
    uint64_t text_memory_bytes;  /* a helper needing more ends its page with DM_TOO_LARGE */
    uint64_t ocr_memory_bytes;
};

/* Everything but `helper_path`: two helpers of each class, 30 s a page, 512 MiB. */
struct dm_reader_options dm_reader_defaults(void);

/* The texts of `options` are copied. Starts the text zygote without waiting for it. The reader must be
 * stopped before the runtime ends. DM_IO where the helper cannot be executed. */
DM_MUST_USE enum dm_code dm_reader_start(const struct dm_reader_options *options, struct dm_runtime runtime,
                                         struct dm_reader *ret, struct dm_err *err);
/* All handles are closed. Ends every helper and waits for it. */
void dm_reader_stop(struct dm_reader reader);

#endif
