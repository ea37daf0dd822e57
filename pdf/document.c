/* document.c: opening documents and asking MuPDF about their pages. */
#include "document.h"

#include <malloc.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <mupdf/pdf.h>

#include "base/alloc.h"
#include "base/check.h"
#include "one_page.h"
#include "plain.h"
#include "plain_image.h"
#include "source.h"

enum {
    /* MuPDF's cache of fonts and decoded images; enough for what neighbouring pages share. */
    STORE_BYTES = 32 << 20,
    NO_PAGE = -1,
    KEEP_BYTES = 8 << 20,
    EDGE_MAX = 1 << 14, /* pixels; no picture that long fits into a helper's memory */
};

/* MuPDF's own, which have no header. Registering these three alone leaves out XPS, SVG, comics and web
 * pages. */
extern fz_document_handler pdf_document_handler;
extern fz_document_handler img_document_handler;
extern fz_document_handler epub_document_handler;

struct document {
    struct engine *engine;
    int fd;
    enum dm_frame_media media;
    struct plain *plain; /* or: */
    fz_document *opened;
    fz_page *page; /* the one loaded, of number: */
    int number;
};

static void tell(const char *message)
{
#ifdef DM_PDF_VERBOSE
    fprintf(stderr, "docmill-pdf: %s\n", message);
#endif
}

static void on_error(void *user, const char *message)
{
    struct engine *engine = user;
    engine->complaints++;
    tell(message);
}

/* MuPDF warns of much that loses nothing (a colour profile it cannot use); these words mean that something
 * is missing. */
static void on_warning(void *user, const char *message)
{
    static const char *const losses[] = { "error",     "cannot",  "failed",  "premature",
                                          "truncated", "corrupt", "invalid", "repairing" };
    struct engine *engine = user;
    for (size_t i = 0; i < DM_COUNT(losses); i++) {
        if (!strstr(message, losses[i]))
            continue;
        engine->complaints++;
        break;
    }
    tell(message);
}

bool engine_start(struct engine *engine, size_t memory_bytes)
{
    /* Each page takes and gives back much the same memory: the kernel need not hear of it every time. */
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    mallopt(M_TOP_PAD, 256 << 10);
    *engine = (struct engine){ .memory = { .max = memory_bytes } };
    fz_alloc_context calls = memory_calls(&engine->memory);
    engine->ctx = fz_new_context(&calls, NULL, STORE_BYTES);
    if (!engine->ctx)
        return false;
    bool started = true;
    fz_set_warning_callback(engine->ctx, on_warning, engine);
    fz_set_error_callback(engine->ctx, on_error, engine);
    fz_try(engine->ctx)
    {
        fz_register_document_handler(engine->ctx, &pdf_document_handler);
        fz_register_document_handler(engine->ctx, &img_document_handler);
        fz_register_document_handler(engine->ctx, &epub_document_handler);
    }
    fz_catch(engine->ctx) started = false;
    return started;
}

void engine_stop(struct engine *engine)
{
    fz_drop_context(engine->ctx);
    engine->ctx = NULL;
}

/* What a thrown error means. Some of MuPDF's errors can be told by their words alone. */
static failure failure_of(struct engine *engine)
{
    static const struct {
        const char *word;
        failure meaning;
    } words[] = {
        { "encryption", DM_FRAME_FAILURE_ENCRYPTED }, { "DRM", DM_FRAME_FAILURE_ENCRYPTED },
        { "too large", DM_FRAME_FAILURE_TOO_LARGE },  { "dimensions", DM_FRAME_FAILURE_TOO_LARGE },
        { "bomb", DM_FRAME_FAILURE_TOO_LARGE },
    };
    if (memory_ran_out(&engine->memory))
        return DM_FRAME_FAILURE_TOO_LARGE;
    const char *message = fz_caught_message(engine->ctx);
    for (size_t i = 0; i < DM_COUNT(words); i++)
        if (strstr(message, words[i].word))
            return words[i].meaning;
    return DM_FRAME_FAILURE_DAMAGED;
}

static failure failure_of_code(enum dm_code code)
{
    switch (code) {
    case DM_OK:
        return 0;
    case DM_UNSUPPORTED:
        return DM_FRAME_FAILURE_UNSUPPORTED;
    case DM_TOO_LARGE:
    case DM_NO_MEMORY:
        return DM_FRAME_FAILURE_TOO_LARGE;
    case DM_NOT_FOUND:
        return DM_FRAME_FAILURE_NO_PAGES;
    case DM_INVALID:
        return DM_FRAME_FAILURE_NO_SUCH_PAGE;
    default:
        return DM_FRAME_FAILURE_DAMAGED;
    }
}

static const char *type_of(enum dm_frame_media media)
{
    switch (media) {
    case DM_FRAME_PDF:
        return "application/pdf";
    case DM_FRAME_PNG:
        return "image/png";
    case DM_FRAME_JPEG:
        return "image/jpeg";
    case DM_FRAME_TIFF:
        return "image/tiff";
    case DM_FRAME_EPUB:
        return "application/epub+zip";
    case DM_FRAME_PLAIN:
        break;
    }
    return NULL;
}

/* A page count is a claim of the document's. It cannot have more pages than objects. */
static int count_pages(struct document *document)
{
    fz_context *ctx = document->engine->ctx;
    int pages = fz_count_pages(ctx, document->opened);
    pdf_document *pdf = pdf_specifics(ctx, document->opened);
    if (pdf && pages > pdf_count_objects(ctx, pdf))
        pages = pdf_count_objects(ctx, pdf);
    return pages;
}

static failure open_fitz(struct document *document, uint64_t size, struct dm_str password, uint32_t *ret_pages)
{
    fz_context *ctx = document->engine->ctx;
    failure failed = 0;
    int pages = 0;
    fz_stream *stream = NULL;
    char *key = NULL;
    fz_var(stream);
    fz_var(key);
    fz_var(pages);
    fz_var(failed);
    fz_try(ctx)
    {
        stream = source_stream(ctx, document->fd, size);
        document->opened = fz_open_document_with_stream(ctx, type_of(document->media), stream);
        key = fz_calloc(ctx, 1, password.len + 1);
        if (password.len > 0)
            memcpy(key, password.at, password.len);
        if (fz_needs_password(ctx, document->opened) && !fz_authenticate_password(ctx, document->opened, key))
            failed = DM_FRAME_FAILURE_ENCRYPTED;
        else
            pages = count_pages(document);
    }
    fz_always(ctx)
    {
        fz_free(ctx, key);
        fz_drop_stream(ctx, stream);
    }
    fz_catch(ctx) failed = failure_of(document->engine);
    /* Well-formed and empty is one thing, so broken that no page was found another. */
    if (failed == 0 && pages <= 0)
        failed = document->engine->complaints > 0 ? DM_FRAME_FAILURE_DAMAGED : DM_FRAME_FAILURE_NO_PAGES;
    if (failed == 0)
        *ret_pages = (uint32_t)pages;
    return failed;
}

failure document_open(struct engine *engine, struct file file, enum dm_frame_media media, struct dm_str password,
                      struct document **ret, uint32_t *ret_pages)
{
    memory_begin(&engine->memory);
    engine->complaints = 0;
    struct document *document = dm_alloc_zero(1, sizeof(*document));
    if (!document) {
        close(file.fd);
        return DM_FRAME_FAILURE_TOO_LARGE;
    }
    *document = (struct document){ .engine = engine, .fd = file.fd, .media = media, .number = NO_PAGE };
    failure failed;
    if (media == DM_FRAME_PLAIN)
        failed = failure_of_code(plain_open(file.fd, file.size, &document->plain, ret_pages, NULL));
    else if (!type_of(media))
        failed = DM_FRAME_FAILURE_UNSUPPORTED;
    else
        failed = open_fitz(document, file.size, password, ret_pages);
    if (failed) {
        document_free(document);
        return failed;
    }
    *ret = document;
    return 0;
}

void document_free(struct document *document)
{
    if (!document)
        return;
    fz_context *ctx = document->engine->ctx;
    plain_free(document->plain);
    fz_drop_page(ctx, document->page);
    fz_drop_document(ctx, document->opened);
    close(document->fd);
    dm_free(document);
}

/* Makes `number` the loaded page. Throws. */
static void load(struct document *document, uint32_t number)
{
    fz_context *ctx = document->engine->ctx;
    if (document->number == (int)number)
        return;
    fz_drop_page(ctx, document->page);
    document->page = NULL;
    document->number = NO_PAGE;
    document->engine->complaints = 0;
    document->page = fz_load_page(ctx, document->opened, (int)number);
    document->number = (int)number;
}

/* The page's box, always of a usable size. Throws. */
static fz_rect bounds_of(struct document *document, uint32_t number)
{
    load(document, number);
    fz_rect box = fz_bound_page(document->engine->ctx, document->page);
    if (!isfinite(box.x0) || !isfinite(box.y0) || !(box.x1 - box.x0 > 0) || !(box.y1 - box.y0 > 0) ||
        box.x1 - box.x0 > 1e6F || box.y1 - box.y0 > 1e6F)
        box = (fz_rect){ 0, 0, 612, 792 };
    return box;
}

failure document_size(struct document *document, uint32_t page, struct page_size *ret)
{
    fz_context *ctx = document->engine->ctx;
    failure failed = 0;
    memory_begin(&document->engine->memory);
    if (document->plain)
        return plain_image_size(document->plain, page, ret);
    fz_try(ctx)
    {
        fz_rect box = bounds_of(document, page);
        *ret = (struct page_size){ box.x1 - box.x0, box.y1 - box.y0 };
    }
    fz_catch(ctx) failed = failure_of(document->engine);
    return failed;
}

/* Whether its pages can hold text at all: asking a picture for it would decode it for nothing. */
static bool may_hold_text(const struct document *document)
{
    return document->media == DM_FRAME_PDF || document->media == DM_FRAME_EPUB;
}

failure document_text(struct document *document, uint32_t page, bool lines, struct page_text *text)
{
    fz_context *ctx = document->engine->ctx;
    failure failed = 0;
    memory_begin(&document->engine->memory);
    if (document->plain)
        return plain_image_text(document->plain, page, lines, text);
    fz_var(failed);
    fz_try(ctx)
    {
        fz_rect box = bounds_of(document, page);
        if (may_hold_text(document))
            text_of_page(ctx, document->page, box, lines, text);
    }
    fz_catch(ctx)
    {
        /* What could be read of a page that breaks off is worth more than none of it. */
        failed = text->legible ? 0 : failure_of(document->engine);
    }
    if (memory_ran_out(&document->engine->memory) || text->text.failed || text->lines.failed)
        failed = DM_FRAME_FAILURE_TOO_LARGE;
    return failed;
}

static void draw(struct document *document, fz_rect box, fz_pixmap *pixels)
{
    fz_context *ctx = document->engine->ctx;
    fz_device *device = NULL;
    fz_var(device);
    fz_try(ctx)
    {
        fz_matrix place = fz_translate(-box.x0, -box.y0);
        float across = (float)pixels->w / (box.x1 - box.x0);
        float down = (float)pixels->h / (box.y1 - box.y0);
        fz_clear_pixmap_with_value(ctx, pixels, 255);
        device = fz_new_draw_device(ctx, fz_concat(place, fz_scale(across, down)), pixels);
        fz_run_page(ctx, document->page, device, fz_identity, NULL);
        fz_close_device(ctx, device);
    }
    fz_always(ctx) fz_drop_device(ctx, device);
    fz_catch(ctx) fz_rethrow(ctx);
}

static int edge(float points, float scale)
{
    float pixels = roundf(points * scale);
    return pixels < 1 ? 1 : (int)pixels;
}

/* `scale` is in pixels per point. What was drawn before an error is kept where `partly` is set. */
static failure render(struct document *document, uint32_t page, float scale, bool grey, bool *partly,
                      struct picture *ret)
{
    fz_context *ctx = document->engine->ctx;
    fz_pixmap *pixels = NULL;
    failure failed = 0;
    fz_var(pixels);
    fz_var(failed);
    memory_begin(&document->engine->memory);
    fz_try(ctx)
    {
        fz_colorspace *space = grey ? fz_device_gray(ctx) : fz_device_rgb(ctx);
        if (document->plain) {
            pixels = plain_image_draw(ctx, document->plain, page, scale, space);
        } else {
            fz_rect box = bounds_of(document, page);
            pixels = fz_new_pixmap(ctx, space, edge(box.x1 - box.x0, scale), edge(box.y1 - box.y0, scale), NULL, 0);
            draw(document, box, pixels);
        }
    }
    fz_catch(ctx)
    {
        failed = failure_of(document->engine);
        *partly = pixels != NULL;
    }
    if (memory_ran_out(&document->engine->memory)) {
        failed = DM_FRAME_FAILURE_TOO_LARGE;
        *partly = false;
    }
    if (failed && !*partly) {
        fz_drop_pixmap(ctx, pixels);
        return failed;
    }
    *ret = (struct picture){ pixels, 1 / scale };
    return failed;
}

failure document_render(struct document *document, uint32_t page, uint32_t long_edge, bool grey, struct picture *ret)
{
    struct page_size size = { 0 };
    failure failed = document_size(document, page, &size);
    if (failed)
        return failed;
    if (long_edge > EDGE_MAX)
        return DM_FRAME_FAILURE_TOO_LARGE;
    bool partly = false;
    float scale = (float)long_edge / fmaxf(size.width, size.height);
    failed = render(document, page, scale, grey, &partly, ret);
    if (failed && partly && !picture_is_blank(ret))
        return 0; /* a page that breaks off still shows what came before */
    if (failed && partly)
        picture_free(document->engine->ctx, ret);
    return failed;
}

failure document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank)
{
    struct page_size size = { 0 };
    failure failed = document_size(document, page, &size);
    if (failed)
        return failed;
    bool partly = false;
    float longest = (float)DM_FRAME_SCAN_LONG_EDGE_MAX / fmaxf(size.width, size.height);
    float scale = fminf((float)DM_FRAME_SCAN_DPI / 72, longest);
    failed = render(document, page, scale, true, &partly, ret);
    if (failed && !partly)
        return failed;
    bool blank = picture_is_blank(ret);
    if (blank && (failed || document->engine->complaints > 0)) {
        picture_free(document->engine->ctx, ret);
        return failed ? failed : DM_FRAME_FAILURE_DAMAGED;
    }
    *ret_blank = blank;
    return 0;
}

void document_page_pdf(struct document *document, uint32_t page, struct dm_buf *file)
{
    struct engine *engine = document->engine;
    struct page_size size;
    bool whole = true;
    if (document->media != DM_FRAME_PDF || document_size(document, page, &size) != 0)
        return;
    /* What is lost here says nothing about how the page was read. */
    unsigned complaints = engine->complaints;
    fz_var(whole);
    fz_try(engine->ctx) one_page_write(engine->ctx, pdf_page_from_fz_page(engine->ctx, document->page), file);
    fz_catch(engine->ctx) whole = false;
    engine->complaints = complaints;
    if (!whole || file->failed || memory_ran_out(&engine->memory))
        dm_buf_free(file);
}
