/* plain_image.c: laying out and drawing plain text. */
#include "plain_image.h"

#include <math.h>

#include <mupdf/ucdn.h>

static const float page_width = 595.0F;
static const float page_height = 842.0F;
static const float margin = 38.0F;
static const float type_size = 9.0F;
static const float column = 5.4F; /* Courier is 0.6 of its size wide */
static const float leading = 11.0F;

static failure read_page(struct plain *plain, uint32_t page, struct dm_buf *text)
{
    switch (plain_text(plain, page, text, NULL)) {
    case DM_OK:
        return 0;
    case DM_INVALID:
        return DM_FRAME_FAILURE_NO_SUCH_PAGE;
    case DM_TOO_LARGE:
        return DM_FRAME_FAILURE_TOO_LARGE;
    default:
        return DM_FRAME_FAILURE_DAMAGED;
    }
}

static float height_of(struct dm_str text)
{
    return fmaxf(page_height, 2 * margin + (float)plain_rows(text, NULL, NULL) * leading);
}

failure plain_image_size(struct plain *plain, uint32_t page, struct page_size *ret)
{
    DM_AUTO(dm_buf) text = dm_buf_make(DM_FRAME_TEXT_MAX);
    failure failed = read_page(plain, page, &text);
    if (!failed)
        *ret = (struct page_size){ page_width, height_of(dm_buf_str(&text)) };
    return failed;
}

static void add_row(void *self, const struct plain_row *row)
{
    struct page_text *text = self;
    if (row->text.len == 0)
        return;
    float top = margin + (float)row->number * leading;
    dm_frame_add_u32(&text->lines, (uint32_t)row->at);
    dm_frame_add_u32(&text->lines, (uint32_t)row->text.len);
    dm_frame_add_f32(&text->lines, margin);
    dm_frame_add_f32(&text->lines, top);
    dm_frame_add_f32(&text->lines, margin + (float)row->columns * column);
    dm_frame_add_f32(&text->lines, top + leading);
}

failure plain_image_text(struct plain *plain, uint32_t page, bool lines, struct page_text *text)
{
    failure failed = read_page(plain, page, &text->text);
    if (failed)
        return failed;
    text->legible = text->text.len > 0;
    if (lines)
        plain_rows(dm_buf_str(&text->text), add_row, text);
    return text->lines.failed ? DM_FRAME_FAILURE_TOO_LARGE : 0;
}

struct drawing {
    fz_context *ctx;
    fz_text *text;
    fz_font *font;
};

static void draw_row(void *self, const struct plain_row *row)
{
    struct drawing *drawing = self;
    fz_context *ctx = drawing->ctx;
    unsigned at_column = 0;
    for (size_t at = 0; at < row->text.len;) {
        size_t bytes;
        unsigned columns;
        uint32_t c = plain_character(dm_str_from(row->text, at), &bytes, &columns);
        at += bytes;
        if (c == '\t')
            columns = 8 - at_column % 8;
        if (c > ' ') {
            fz_font *font = NULL;
            int glyph = fz_encode_character_with_fallback(ctx, drawing->font, (int)c, (int)ucdn_get_script(c),
                                                          FZ_LANG_UNSET, &font);
            fz_matrix place = { type_size,
                                0,
                                0,
                                -type_size,
                                margin + (float)at_column * column,
                                margin + (float)row->number * leading + type_size };
            fz_show_glyph(ctx, drawing->text, font, place, glyph, (int)c, 0, 0, FZ_BIDI_NEUTRAL, FZ_LANG_UNSET);
        }
        at_column += columns;
    }
}

static void draw_text(fz_context *ctx, struct dm_str text, float scale, fz_pixmap *pixels)
{
    struct drawing drawing = { .ctx = ctx };
    fz_device *device = NULL;
    fz_var(drawing);
    fz_var(device);
    fz_try(ctx)
    {
        const float black[3] = { 0, 0, 0 };
        drawing.font = fz_new_base14_font(ctx, "Courier");
        drawing.text = fz_new_text(ctx);
        plain_rows(text, draw_row, &drawing);
        device = fz_new_draw_device(ctx, fz_scale(scale, scale), pixels);
        fz_fill_text(ctx, device, drawing.text, fz_identity, fz_device_gray(ctx), black, 1, fz_default_color_params);
        fz_close_device(ctx, device);
    }
    fz_always(ctx)
    {
        fz_drop_device(ctx, device);
        fz_drop_text(ctx, drawing.text);
        fz_drop_font(ctx, drawing.font);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

fz_pixmap *plain_image_draw(fz_context *ctx, struct plain *plain, uint32_t page, float scale, fz_colorspace *space)
{
    struct dm_buf text = dm_buf_make(DM_FRAME_TEXT_MAX);
    fz_pixmap *pixels = NULL;
    fz_var(pixels);
    fz_try(ctx)
    {
        if (read_page(plain, page, &text) != 0)
            fz_throw(ctx, FZ_ERROR_GENERIC, "cannot read the text");
        float height = height_of(dm_buf_str(&text));
        pixels = fz_new_pixmap(ctx, space, (int)fmaxf(1, roundf(page_width * scale)),
                               (int)fmaxf(1, roundf(height * scale)), NULL, 0);
        fz_clear_pixmap_with_value(ctx, pixels, 255);
        draw_text(ctx, dm_buf_str(&text), scale, pixels);
    }
    fz_always(ctx) dm_buf_free(&text);
    fz_catch(ctx)
    {
        fz_drop_pixmap(ctx, pixels);
        fz_rethrow(ctx);
    }
    return pixels;
}
