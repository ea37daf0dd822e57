/* worker.c: requests in, answers out. The table `requests` says what may be asked when. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "ocr.h"
#include "sandbox.h"

enum state {
    FRESH = 1, /* nothing opened yet */
    READING = 2,
    READER = 4, /* of the OCR class: has no document */
};

/* A page as it is drawn for text recognition, until the next request. */
struct scan {
    bool there;
    uint32_t page;
    struct picture picture;
    bool blank;
};

struct worker {
    const struct worker_setting *setting;
    struct channel channel;
    enum state state;
    struct document *document;
    uint32_t pages;
    struct scan scan;
    uint32_t number; /* of the request at hand */
};

/* Answers return false where the parent is gone. */
static bool answer_failure(struct worker *worker, failure failed)
{
    DM_AUTO(dm_buf) frame = dm_buf_make(DM_FRAME_HEAD + 1);
    size_t begun = dm_frame_begin(&frame, DM_FRAME_FAILED, worker->number);
    dm_frame_add_u8(&frame, (uint8_t)failed);
    dm_frame_end(&frame, begun);
    return !frame.failed && channel_send(&worker->channel, dm_buf_str(&frame));
}

static bool on_open(struct worker *worker, struct dm_frame_fields fields)
{
    uint8_t media = dm_frame_u8(&fields);
    struct file file = { .size = dm_frame_u64(&fields) };
    file.fd = channel_claim(&worker->channel);
    if (fields.failed || file.fd < 0)
        return false;
    failure failed = document_open(worker->setting->engine, file, (enum dm_frame_media)media, fields.rest,
                                   &worker->document, &worker->pages);
    if (failed)
        return answer_failure(worker, failed);
    worker->state = READING;
    DM_AUTO(dm_buf) frame = dm_buf_make(DM_FRAME_HEAD + 4);
    size_t begun = dm_frame_begin(&frame, DM_FRAME_OPENED, worker->number);
    dm_frame_add_u32(&frame, worker->pages);
    dm_frame_end(&frame, begun);
    return !frame.failed && channel_send(&worker->channel, dm_buf_str(&frame));
}

/* Several frames that are sent in one go, each with a payload that lies somewhere else. */
enum { PIECES_MAX = 10 };

struct bundle {
    struct iovec pieces[PIECES_MAX];
    unsigned char heads[PIECES_MAX / 2][DM_FRAME_HEAD];
    size_t count;
};

static void bundle_add(struct bundle *bundle, enum dm_frame_kind kind, uint32_t number, const void *payload,
                       size_t size)
{
    unsigned char *head = bundle->heads[bundle->count / 2];
    dm_frame_head_write((struct dm_frame_head){ kind, number, (uint32_t)size }, head);
    bundle->pieces[bundle->count++] = (struct iovec){ head, DM_FRAME_HEAD };
    bundle->pieces[bundle->count++] = (struct iovec){ (void *)(uintptr_t)payload, size };
}

static void drop_scan(struct worker *worker)
{
    if (worker->scan.there)
        picture_free(worker->setting->engine->ctx, &worker->scan.picture);
    worker->scan = (struct scan){ .there = false };
}

/* Draws the page for text recognition, unless it is drawn already. */
static failure draw_scan(struct worker *worker, uint32_t page)
{
    if (worker->scan.there && worker->scan.page == page)
        return 0;
    drop_scan(worker);
    struct scan scan = { .there = true, .page = page };
    failure failed = document_scan(worker->document, page, &scan.picture, &scan.blank);
    if (!failed)
        worker->scan = scan;
    return failed;
}

struct page_request {
    uint32_t page;
    bool text, lines, pdf, scan;
    enum dm_frame_media image;
    uint32_t long_edge;
};

/* What of a page was made for a request. */
struct page_parts {
    struct page_size size;
    struct page_text text;
    struct dm_buf image;
    struct dm_buf pdf;
};

/* The image out of the picture that text recognition will ask for; none where that is too small. */
static failure image_of_scan(struct worker *worker, const struct page_request *request, struct picture *ret)
{
    failure failed = draw_scan(worker, request->page);
    if (failed)
        return failed;
    const fz_pixmap *pixels = worker->scan.picture.pixels;
    if ((uint32_t)pixels->w < request->long_edge && (uint32_t)pixels->h < request->long_edge)
        return 0;
    fz_context *ctx = worker->setting->engine->ctx;
    bool made = picture_shrink(ctx, &worker->scan.picture, request->long_edge, ret);
    return made ? 0 : DM_FRAME_FAILURE_TOO_LARGE;
}

static failure make_image(struct worker *worker, const struct page_request *request, bool will_scan,
                          struct dm_buf *file)
{
    fz_context *ctx = worker->setting->engine->ctx;
    bool grey = request->image == DM_FRAME_JPEG;
    struct picture picture = { 0 };
    failure failed = will_scan && grey ? image_of_scan(worker, request, &picture) : 0;
    if (!failed && !picture.pixels)
        failed = document_render(worker->document, request->page, request->long_edge, grey, &picture);
    if (failed)
        return failed;
    bool made = grey ? picture_jpeg(&picture, file) : picture_png(ctx, &picture, file);
    picture_free(ctx, &picture);
    return made ? 0 : DM_FRAME_FAILURE_TOO_LARGE;
}

static failure make_page(struct worker *worker, const struct page_request *request, struct page_parts *parts)
{
    failure failed = document_size(worker->document, request->page, &parts->size);
    if (!failed && request->text)
        failed = document_text(worker->document, request->page, request->lines, &parts->text);
    if (!failed && request->long_edge > 0)
        failed = make_image(worker, request, request->scan && !parts->text.legible, &parts->image);
    if (!failed && request->pdf)
        document_page_pdf(worker->document, request->page, &parts->pdf);
    return failed;
}

static bool send_page(struct worker *worker, const struct page_request *request, const struct page_parts *parts)
{
    struct bundle bundle = { .count = 0 };
    DM_AUTO(dm_buf) end = dm_buf_make(DM_FRAME_HEAD);
    dm_frame_add_f32(&end, parts->size.width);
    dm_frame_add_f32(&end, parts->size.height);
    dm_frame_add_u8(&end, parts->text.legible);
    if (request->text)
        bundle_add(&bundle, DM_FRAME_TEXT, worker->number, parts->text.text.at, parts->text.text.len);
    if (request->lines)
        bundle_add(&bundle, DM_FRAME_LINES, worker->number, parts->text.lines.at, parts->text.lines.len);
    if (request->long_edge > 0)
        bundle_add(&bundle, DM_FRAME_IMAGE, worker->number, parts->image.at, parts->image.len);
    if (request->pdf)
        bundle_add(&bundle, DM_FRAME_PAGE_PDF, worker->number, parts->pdf.at, parts->pdf.len);
    bundle_add(&bundle, DM_FRAME_PAGE_END, worker->number, end.at, end.len);
    return !end.failed && channel_send_pieces(&worker->channel, bundle.pieces, bundle.count);
}

static bool answer_page(struct worker *worker, const struct page_request *request)
{
    struct page_parts parts = {
        .text = page_text_make(),
        .image = dm_buf_make(DM_FRAME_IMAGE_MAX),
        .pdf = dm_buf_make(DM_FRAME_PAGE_PDF_MAX),
    };
    drop_scan(worker);
    failure failed = make_page(worker, request, &parts);
    bool sent = failed ? answer_failure(worker, failed) : send_page(worker, request, &parts);
    page_text_free(&parts.text);
    dm_buf_free(&parts.image);
    dm_buf_free(&parts.pdf);
    return sent;
}

static bool on_page(struct worker *worker, struct dm_frame_fields fields)
{
    uint32_t page = dm_frame_u32(&fields);
    uint8_t wants = dm_frame_u8(&fields);
    struct page_request request = { .page = page - 1 };
    request.text = wants & DM_FRAME_WANT_TEXT;
    request.lines = request.text && (wants & DM_FRAME_WANT_LINES);
    request.pdf = wants & DM_FRAME_WANT_PDF;
    request.scan = request.text && (wants & DM_FRAME_WANT_SCAN);
    request.image = (enum dm_frame_media)dm_frame_u8(&fields);
    request.long_edge = dm_frame_u32(&fields);
    if (!dm_frame_fields_done(&fields))
        return false;
    if (page == 0 || page > worker->pages)
        return answer_failure(worker, DM_FRAME_FAILURE_NO_SUCH_PAGE);
    return answer_page(worker, &request);
}

/* Rows without the padding that MuPDF may leave between them. */
static void pack(fz_pixmap *pixels)
{
    if (pixels->stride == pixels->w)
        return;
    for (int y = 1; y < pixels->h; y++)
        memmove(pixels->samples + (ptrdiff_t)y * pixels->w, pixels->samples + (ptrdiff_t)y * pixels->stride,
                (size_t)pixels->w);
}

static bool answer_pixels(struct worker *worker, const struct picture *picture)
{
    size_t size = picture ? (size_t)picture->pixels->w * (size_t)picture->pixels->h : 0;
    if (size > DM_FRAME_PIXELS_MAX)
        return answer_failure(worker, DM_FRAME_FAILURE_TOO_LARGE);
    float points = picture ? picture->points_per_pixel : 1;
    unsigned char head[DM_FRAME_HEAD];
    dm_frame_head_write(
        (struct dm_frame_head){ DM_FRAME_PIXELS, worker->number, (uint32_t)(DM_FRAME_PIXELS_HEAD + size) }, head);
    DM_AUTO(dm_buf) start = dm_buf_make(DM_FRAME_HEAD + DM_FRAME_PIXELS_HEAD);
    dm_buf_add(&start, dm_str_of(head, sizeof(head)));
    dm_frame_add_u32(&start, picture ? (uint32_t)picture->pixels->w : 0);
    dm_frame_add_u32(&start, picture ? (uint32_t)picture->pixels->h : 0);
    dm_frame_add_u32(&start, (uint32_t)(72 / points + 0.5F));
    dm_frame_add_f32(&start, points);
    if (start.failed)
        return false;
    if (picture)
        pack(picture->pixels);
    struct iovec pieces[] = { { start.at, start.len }, { picture ? picture->pixels->samples : NULL, size } };
    return channel_send_pieces(&worker->channel, pieces, DM_COUNT(pieces));
}

static bool on_scan(struct worker *worker, struct dm_frame_fields fields)
{
    uint32_t page = dm_frame_u32(&fields);
    if (!dm_frame_fields_done(&fields))
        return false;
    if (page == 0 || page > worker->pages)
        return answer_failure(worker, DM_FRAME_FAILURE_NO_SUCH_PAGE);
    failure failed = draw_scan(worker, page - 1);
    bool sent = failed ? answer_failure(worker, failed)
                       : answer_pixels(worker, worker->scan.blank ? NULL : &worker->scan.picture);
    drop_scan(worker);
    return sent;
}

static bool on_pixels(struct worker *worker, struct dm_frame_fields fields)
{
    struct ocr_picture picture = { 0 };
    /* One after the other: C leaves open in which order initializers are evaluated. */
    picture.width = dm_frame_u32(&fields);
    picture.height = dm_frame_u32(&fields);
    picture.dpi = dm_frame_u32(&fields);
    picture.points_per_pixel = dm_frame_f32(&fields);
    picture.grey = (const unsigned char *)fields.rest.at;
    if (fields.failed || (uint64_t)picture.width * picture.height != fields.rest.len || fields.rest.len == 0)
        return false;
    struct page_text text = page_text_make();
    bool sent;
    if (!ocr_read(&picture, &text)) {
        sent = answer_failure(worker, DM_FRAME_FAILURE_DAMAGED);
    } else if (text.text.failed || text.lines.failed) {
        sent = answer_failure(worker, DM_FRAME_FAILURE_TOO_LARGE);
    } else {
        struct bundle bundle = { .count = 0 };
        bundle_add(&bundle, DM_FRAME_TEXT, worker->number, text.text.at, text.text.len);
        bundle_add(&bundle, DM_FRAME_LINES, worker->number, text.lines.at, text.lines.len);
        bundle_add(&bundle, DM_FRAME_RECOGNISED, worker->number, NULL, 0);
        sent = channel_send_pieces(&worker->channel, bundle.pieces, bundle.count);
    }
    page_text_free(&text);
    return sent;
}

static const struct {
    enum dm_frame_kind kind;
    unsigned states; /* in which it may be asked */
    bool (*handle)(struct worker *worker, struct dm_frame_fields fields);
} requests[] = {
    { DM_FRAME_OPEN, FRESH, on_open },
    { DM_FRAME_PAGE, READING, on_page },
    { DM_FRAME_SCAN, READING, on_scan },
    { DM_FRAME_PIXELS, READER, on_pixels },
};

static bool handle(struct worker *worker, enum dm_frame_kind kind, struct dm_str payload)
{
    for (size_t i = 0; i < DM_COUNT(requests); i++)
        if (requests[i].kind == kind && (requests[i].states & worker->state))
            return requests[i].handle(worker, (struct dm_frame_fields){ .rest = payload });
    return false;
}

int worker_serve(const struct worker_setting *setting, int socket)
{
    struct worker worker = {
        .setting = setting,
        .channel = channel_make(socket),
        .state = setting->engine ? FRESH : READER,
    };
    int status = WORKER_DONE;
    struct dm_frame_head head;
    struct dm_str payload;
    while (status == WORKER_DONE && channel_next(&worker.channel, &head, &payload)) {
        worker.number = head.number;
        sandbox_cpu_seconds(setting->cpu_seconds);
        if (!handle(&worker, head.kind, payload))
            status = WORKER_CONFUSED;
    }
    drop_scan(&worker);
    document_free(worker.document);
    channel_free(&worker.channel);
    return status;
}

void worker_run(const struct worker_setting *setting)
{
    /* Standard streams and the socket; a text worker gets its document besides. */
    struct sandbox_limits limits = {
        .memory_bytes = setting->memory_bytes,
        .descriptors = DM_FRAME_SOCKET + 1 + (setting->engine ? 1 : 0),
    };
    if (!sandbox_enter(&limits))
        _exit(WORKER_UNSAFE);
    _exit(worker_serve(setting, DM_FRAME_SOCKET));
}
