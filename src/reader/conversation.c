/* conversation.c: asking, and checking every number that comes back.
 *
 * The rules (rules.h) say which frame is due; here its content is judged. A helper that says something
 * impossible is treated like one that crashed. */
#include "reader/conversation.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

/* No page is larger, and a float still tells its points apart. */
static const float coordinate_max = 2e6F;

static bool is_coordinate(float value)
{
    return isfinite(value) && fabsf(value) <= coordinate_max;
}

/* Starts a request with the next number. */
static size_t begin(struct dm_helper *worker, struct dm_asked *asked, struct dm_buf *frame, enum dm_frame_kind kind)
{
    asked->number = ++worker->number;
    return dm_frame_begin(frame, kind, asked->number);
}

static enum dm_talk send(struct dm_helper *worker, const struct dm_buf *frame, int fd, int64_t deadline_ms)
{
    /* The requests are small and their ceilings are known, so only memory can be out; then it is late
     * rather than a lie. */
    if (frame->failed)
        return DM_TALK_LATE;
    return dm_channel_send(&worker->channel, dm_buf_str(frame), fd, deadline_ms);
}

/* The next answer's fields. A FAILED is turned into its code here; the caller sees it as *ret_code. */
static enum dm_talk next(struct dm_helper *worker, struct dm_asked *asked, int64_t deadline_ms,
                         struct dm_frame_head *ret_head, struct dm_frame_fields *ret_fields, enum dm_code *ret_code)
{
    struct dm_str payload;
    enum dm_talk talk = dm_channel_next(&worker->channel, asked, deadline_ms, ret_head, &payload);
    if (talk != DM_TALK_OK)
        return talk;
    *ret_fields = (struct dm_frame_fields){ .rest = payload };
    *ret_code = DM_OK;
    if (ret_head->kind != DM_FRAME_FAILED)
        return DM_TALK_OK;
    uint8_t failure = dm_frame_u8(ret_fields);
    return dm_frame_failure_code(failure, ret_code) && dm_frame_fields_done(ret_fields) ? DM_TALK_OK : DM_TALK_LIE;
}

static enum dm_frame_media wire_media(enum dm_media media)
{
    switch (media) {
    case DM_MEDIA_PDF:
        return DM_FRAME_PDF;
    case DM_MEDIA_PNG:
        return DM_FRAME_PNG;
    case DM_MEDIA_JPEG:
        return DM_FRAME_JPEG;
    case DM_MEDIA_TIFF:
        return DM_FRAME_TIFF;
    case DM_MEDIA_EPUB:
        return DM_FRAME_EPUB;
    default:
        return DM_FRAME_PLAIN;
    }
}

enum dm_talk dm_ask_open(struct dm_helper *worker, const struct dm_source *source, uint64_t size_bytes,
                         int64_t deadline_ms, enum dm_code *ret_code, uint32_t *ret_pages)
{
    struct dm_asked asked = { .ask = DM_ASK_OPEN };
    DM_AUTO(dm_buf) frame = dm_buf_make(DM_FRAME_HEAD + dm_frame_max(DM_FRAME_OPEN));
    size_t begun = begin(worker, &asked, &frame, DM_FRAME_OPEN);
    dm_frame_add_u8(&frame, (uint8_t)wire_media(source->media));
    dm_frame_add_u64(&frame, size_bytes);
    dm_buf_add(&frame, source->password);
    dm_frame_end(&frame, begun);
    struct dm_frame_head head;
    struct dm_frame_fields fields;
    enum dm_talk talk = send(worker, &frame, source->fd, deadline_ms);
    if (frame.at)
        explicit_bzero(frame.at, frame.len);
    if (talk == DM_TALK_OK)
        talk = next(worker, &asked, deadline_ms, &head, &fields, ret_code);
    if (talk != DM_TALK_OK || *ret_code != DM_OK)
        return talk;
    uint32_t pages = dm_frame_u32(&fields);
    if (!dm_frame_fields_done(&fields) || pages == 0 || pages > INT32_MAX)
        return DM_TALK_LIE;
    *ret_pages = pages;
    return DM_TALK_OK;
}

static bool take_text(struct dm_frame_fields *fields, struct dm_page_content *content)
{
    if (!dm_str_is_utf8(fields->rest) || dm_str_find_char(fields->rest, '\0') < fields->rest.len)
        return false;
    dm_buf_free(&content->text);
    content->text = dm_buf_make(DM_FRAME_TEXT_MAX);
    dm_buf_add(&content->text, fields->rest);
    return !content->text.failed;
}

/* A place in UTF-8 where a character starts, or the end. */
static bool is_boundary(struct dm_str text, size_t at)
{
    return at == text.len || ((unsigned char)text.at[at] & 0xc0) != 0x80;
}

/* Lines are pieces of the text, in order of the text's or the page's reading, each within it. */
static bool take_line(struct dm_frame_fields *fields, struct dm_str text, uint32_t from, struct dm_line *line)
{
    line->at = dm_frame_u32(fields);
    line->len = dm_frame_u32(fields);
    line->x0 = dm_frame_f32(fields);
    line->y0 = dm_frame_f32(fields);
    line->x1 = dm_frame_f32(fields);
    line->y1 = dm_frame_f32(fields);
    if (fields->failed || line->at < from || line->at > text.len || line->len > text.len - line->at)
        return false;
    return is_boundary(text, line->at) && is_boundary(text, line->at + line->len) && is_coordinate(line->x0) &&
           is_coordinate(line->y0) && is_coordinate(line->x1) && is_coordinate(line->y1) && line->x0 <= line->x1 &&
           line->y0 <= line->y1;
}

static bool take_lines(struct dm_frame_fields *fields, struct dm_page_content *content)
{
    if (fields->rest.len % DM_FRAME_LINE != 0)
        return false;
    uint32_t count = (uint32_t)(fields->rest.len / DM_FRAME_LINE);
    struct dm_line *lines = dm_alloc_zero(count, sizeof(*lines));
    if (!lines)
        return false;
    struct dm_str text = dm_buf_str(&content->text);
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_line(fields, text, from, &lines[i])) {
            dm_free(lines);
            return false;
        }
        from = lines[i].at + lines[i].len;
    }
    dm_free(content->lines);
    content->lines = lines;
    content->line_count = count;
    return true;
}

static bool take_image(struct dm_frame_fields *fields, enum dm_media media, struct dm_page_content *content)
{
    struct dm_str start = media == DM_MEDIA_PNG ? DM_STR("\x89PNG\r\n\x1a\n") : DM_STR("\xff\xd8\xff");
    if (!dm_str_starts(fields->rest, start))
        return false;
    content->image = dm_buf_make(DM_FRAME_IMAGE_MAX);
    dm_buf_add(&content->image, fields->rest);
    return !content->image.failed;
}

/* Whether it can be read as a PDF is the model's matter; that it is one, ours. */
static bool take_pdf(struct dm_frame_fields *fields, struct dm_page_content *content)
{
    if (fields->rest.len > 0 && !dm_str_starts(fields->rest, DM_STR("%PDF-")))
        return false;
    content->pdf = dm_buf_make(DM_FRAME_PAGE_PDF_MAX);
    dm_buf_add(&content->pdf, fields->rest);
    return !content->pdf.failed;
}

static bool take_end(struct dm_frame_fields *fields, struct dm_page_content *content)
{
    content->width = dm_frame_f32(fields);
    content->height = dm_frame_f32(fields);
    uint8_t legible = dm_frame_u8(fields);
    content->has_text_layer = legible != 0;
    return dm_frame_fields_done(fields) && legible <= 1 && is_coordinate(content->width) &&
           is_coordinate(content->height) && content->width > 0 && content->height > 0;
}

static bool take_part(const struct dm_frame_head *head, struct dm_frame_fields *fields, const struct dm_page_want *want,
                      struct dm_page_content *content)
{
    switch (head->kind) {
    case DM_FRAME_TEXT:
        return take_text(fields, content);
    case DM_FRAME_LINES:
        return take_lines(fields, content);
    case DM_FRAME_IMAGE:
        return take_image(fields, want->image_media, content);
    case DM_FRAME_PAGE_PDF:
        return take_pdf(fields, content);
    default:
        return take_end(fields, content);
    }
}

static uint8_t wants_of(const struct dm_page_want *want)
{
    unsigned wants = want->pdf ? DM_FRAME_WANT_PDF : 0;
    if (want->text) {
        wants |= DM_FRAME_WANT_TEXT;
        wants |= want->lines ? DM_FRAME_WANT_LINES : 0;
        wants |= want->ocr == DM_OCR_AUTO ? DM_FRAME_WANT_SCAN : 0;
    }
    return (uint8_t)wants;
}

enum dm_talk dm_ask_page(struct dm_helper *worker, uint32_t page, const struct dm_page_want *want, int64_t deadline_ms,
                         enum dm_code *ret_code, struct dm_page_content *content)
{
    struct dm_asked asked = {
        .ask = DM_ASK_PAGE,
        .text = want->text,
        .lines = want->text && want->lines,
        .image = want->image_long_edge > 0,
        .pdf = want->pdf,
    };
    DM_AUTO(dm_buf) frame = dm_buf_make(64);
    size_t begun = begin(worker, &asked, &frame, DM_FRAME_PAGE);
    dm_frame_add_u32(&frame, page);
    dm_frame_add_u8(&frame, wants_of(want));
    dm_frame_add_u8(&frame, want->image_media == DM_MEDIA_PNG ? DM_FRAME_PNG : DM_FRAME_JPEG);
    dm_frame_add_u32(&frame, want->image_long_edge);
    dm_frame_end(&frame, begun);
    enum dm_talk talk = send(worker, &frame, -1, deadline_ms);
    while (talk == DM_TALK_OK) {
        struct dm_frame_head head;
        struct dm_frame_fields fields;
        talk = next(worker, &asked, deadline_ms, &head, &fields, ret_code);
        if (talk != DM_TALK_OK || *ret_code != DM_OK)
            return talk;
        if (!take_part(&head, &fields, want, content))
            return DM_TALK_LIE;
        if (dm_rules_last(head.kind))
            return DM_TALK_OK;
    }
    return talk;
}

enum dm_talk dm_ask_scan(struct dm_helper *worker, uint32_t page, int64_t deadline_ms, enum dm_code *ret_code,
                         struct dm_scan *ret_scan)
{
    struct dm_asked asked = { .ask = DM_ASK_SCAN };
    DM_AUTO(dm_buf) frame = dm_buf_make(64);
    size_t begun = begin(worker, &asked, &frame, DM_FRAME_SCAN);
    dm_frame_add_u32(&frame, page);
    dm_frame_end(&frame, begun);
    struct dm_frame_head head;
    struct dm_frame_fields fields;
    enum dm_talk talk = send(worker, &frame, -1, deadline_ms);
    if (talk == DM_TALK_OK)
        talk = next(worker, &asked, deadline_ms, &head, &fields, ret_code);
    if (talk != DM_TALK_OK || *ret_code != DM_OK)
        return talk;
    struct dm_str payload = fields.rest;
    uint32_t width = dm_frame_u32(&fields);
    uint32_t height = dm_frame_u32(&fields);
    uint32_t dpi = dm_frame_u32(&fields);
    float points = dm_frame_f32(&fields);
    bool fine = !fields.failed && width <= DM_FRAME_SCAN_LONG_EDGE_MAX && height <= DM_FRAME_SCAN_LONG_EDGE_MAX &&
                (width == 0) == (height == 0) && fields.rest.len == (size_t)width * height;
    if (!fine || dpi > 100000 || !is_coordinate(points) || points <= 0)
        return DM_TALK_LIE;
    *ret_scan = (struct dm_scan){ .blank = width == 0, .payload = payload };
    return DM_TALK_OK;
}

/* The pixels go on as they came: the head is written anew, the payload is sent from where it was read to. */
static enum dm_talk send_pixels(struct dm_helper *worker, struct dm_asked *asked, struct dm_str payload,
                                int64_t deadline_ms)
{
    unsigned char head[DM_FRAME_HEAD];
    asked->number = ++worker->number;
    dm_frame_head_write((struct dm_frame_head){ DM_FRAME_PIXELS, asked->number, (uint32_t)payload.len }, head);
    enum dm_talk talk = dm_channel_send(&worker->channel, dm_str_of(head, sizeof(head)), -1, deadline_ms);
    return talk == DM_TALK_OK ? dm_channel_send(&worker->channel, payload, -1, deadline_ms) : talk;
}

enum dm_talk dm_ask_recognise(struct dm_helper *worker, const struct dm_scan *scan, bool lines, int64_t deadline_ms,
                              enum dm_code *ret_code, struct dm_page_content *content)
{
    DM_CHECK(!scan->blank);
    struct dm_asked asked = { .ask = DM_ASK_RECOGNISE, .text = true, .lines = true };
    enum dm_talk talk = send_pixels(worker, &asked, scan->payload, deadline_ms);
    while (talk == DM_TALK_OK) {
        struct dm_frame_head head;
        struct dm_frame_fields fields;
        talk = next(worker, &asked, deadline_ms, &head, &fields, ret_code);
        if (talk != DM_TALK_OK || *ret_code != DM_OK)
            return talk;
        bool fine = head.kind == DM_FRAME_TEXT             ? take_text(&fields, content)
                    : head.kind == DM_FRAME_LINES && lines ? take_lines(&fields, content)
                                                           : true;
        if (!fine)
            return DM_TALK_LIE;
        if (dm_rules_last(head.kind))
            return DM_TALK_OK;
    }
    return talk;
}
