/* text.c: from MuPDF's characters to lines, from lines to a page's text.
 *
 * MuPDF's text device gives blocks of lines of characters in the order in which the page draws them, and
 * ends a line at every wide gap. Here pieces on one base line become one line again (a row of a table, a
 * heading with its number), blocks are put into reading order (order.h), and characters that mean nothing
 * are left out. */
#include "text.h"

#include <math.h>

#include "base/alloc.h"
#include "order.h"

enum {
    /* A page holds no more than that many blocks; past it the page is a trick, not a text. */
    BLOCKS_MAX = 100 * 1000,
    REPLACEMENT = 0xfffd,
};

struct page_text page_text_make(void)
{
    return (struct page_text){
        .text = dm_buf_make(DM_FRAME_TEXT_MAX),
        .lines = dm_buf_make((size_t)DM_FRAME_LINES_MAX * DM_FRAME_LINE),
    };
}

void page_text_free(struct page_text *text)
{
    dm_buf_free(&text->text);
    dm_buf_free(&text->lines);
}

static float tame(float value)
{
    return isfinite(value) ? fminf(fmaxf(value, -1e6F), 1e6F) : 0.0F;
}

void page_text_add_line(struct page_text *text, size_t at, fz_rect box)
{
    dm_frame_add_u32(&text->lines, (uint32_t)at);
    dm_frame_add_u32(&text->lines, (uint32_t)(text->text.len - at));
    dm_frame_add_f32(&text->lines, tame(box.x0));
    dm_frame_add_f32(&text->lines, tame(box.y0));
    dm_frame_add_f32(&text->lines, fmaxf(tame(box.x0), tame(box.x1)));
    dm_frame_add_f32(&text->lines, fmaxf(tame(box.y0), tame(box.y1)));
}

enum { PIECE_BYTES = 512 };

struct builder {
    struct page_text *out;
    bool lines;
    fz_rect area;                /* of the page, from 0 */
    char piece[PIECE_BYTES + 8]; /* of the line at hand, not in `out` yet */
    size_t piece_len;
    /* Counted to tell text from noise: */
    size_t letters;     /* neither blank nor unknown */
    size_t unknown;     /* glyphs for which the document names no character */
    fz_rect before;     /* of the line before */
    bool pending_blank; /* blanks count only between letters */
};

static void flush(struct builder *builder)
{
    dm_buf_add(&builder->out->text, dm_str_of(builder->piece, builder->piece_len));
    builder->piece_len = 0;
}

static void add_character(struct builder *builder, int c)
{
    if (c < ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029) {
        builder->pending_blank |= c == '\t' || c == 0xa0;
        return;
    }
    if (c == ' ') {
        builder->pending_blank = true;
        return;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = REPLACEMENT;
    if (c == REPLACEMENT)
        builder->unknown++;
    else
        builder->letters++;
    char *bytes = builder->piece;
    size_t size = builder->piece_len;
    if (builder->pending_blank)
        bytes[size++] = ' ';
    builder->pending_blank = false;
    if (c < 0x80) {
        bytes[size++] = (char)c;
    } else {
        if (c >= 0x10000)
            bytes[size++] = (char)(0xf0 | c >> 18);
        if (c >= 0x800)
            bytes[size++] = (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12);
        bytes[size++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
        bytes[size++] = (char)(0x80 | (c & 0x3f));
    }
    builder->piece_len = size;
    if (size >= PIECE_BYTES)
        flush(builder);
}

/* Text outside the page cannot be seen by people, so models do not get it either. */
static bool outside(const struct builder *builder, const fz_stext_char *c)
{
    const fz_quad *quad = &c->quad; /* compared by hand: this is asked of every character */
    float left = quad->ll.x < quad->ur.x ? quad->ll.x : quad->ur.x;
    float right = quad->ll.x < quad->ur.x ? quad->ur.x : quad->ll.x;
    float top = quad->ll.y < quad->ur.y ? quad->ll.y : quad->ur.y;
    float bottom = quad->ll.y < quad->ur.y ? quad->ur.y : quad->ll.y;
    return left > builder->area.x1 || right < builder->area.x0 || top > builder->area.y1 || bottom < builder->area.y0;
}

/* Whether `next` goes on to the right on the base line of `line`. */
static bool continues(const fz_stext_line *line, const fz_stext_line *next)
{
    if (line->wmode != 0 || next->wmode != 0 || fabsf(line->dir.x) < 0.999F || fabsf(next->dir.x) < 0.999F ||
        !line->last_char || !next->first_char)
        return false;
    float size = fminf(line->last_char->size, next->first_char->size);
    return fabsf(next->first_char->origin.y - line->last_char->origin.y) < size * 0.3F &&
           next->bbox.x0 >= line->bbox.x1;
}

static bool ends_with_blank_line(const struct dm_buf *text)
{
    return text->len < 2 || (text->at[text->len - 1] == '\n' && text->at[text->len - 2] == '\n');
}

/* One line out of one or more of MuPDF's; returns the last of them. */
static fz_stext_line *add_line(struct builder *builder, fz_stext_line *line, bool first_of_block)
{
    struct dm_buf *text = &builder->out->text;
    size_t before = text->len;
    fz_rect box = line->bbox;
    fz_stext_line *last = line;
    /* White above it makes a paragraph; a block alone does not, many programs make one of each line. */
    float height = line->bbox.y1 - line->bbox.y0;
    bool apart =
        first_of_block && (line->bbox.y0 > builder->before.y1 + height * 0.5F || line->bbox.y1 < builder->before.y0);
    if (apart && before > 0 && !ends_with_blank_line(text))
        dm_buf_add_char(text, '\n');
    size_t at = text->len;
    builder->pending_blank = false;
    for (;;) {
        for (const fz_stext_char *c = last->first_char; c; c = c->next)
            if (!outside(builder, c))
                add_character(builder, c->c);
        flush(builder);
        if (text->len == at)
            builder->pending_blank = false; /* no blanks at the start of a line */
        if (!last->next || !continues(last, last->next))
            break;
        last = last->next;
        box = fz_union_rect(box, last->bbox);
        builder->pending_blank = text->len > at;
    }
    if (text->len == at) {
        dm_buf_cut(text, before);
        return last;
    }
    if (builder->lines)
        page_text_add_line(builder->out, at, box);
    dm_buf_add_char(text, '\n');
    builder->before = box;
    return last;
}

static void add_block(struct builder *builder, const fz_stext_block *block)
{
    bool first = true;
    for (fz_stext_line *line = block->u.t.first_line; line; line = line->next) {
        line = add_line(builder, line, first);
        first = false;
    }
}

static bool has_letters(const fz_stext_block *block)
{
    if (block->type != FZ_STEXT_BLOCK_TEXT)
        return false;
    for (const fz_stext_line *line = block->u.t.first_line; line; line = line->next)
        for (const fz_stext_char *c = line->first_char; c; c = c->next)
            if (c->c > ' ' && c->c != 0xa0)
                return true;
    return false;
}

struct sorted {
    const fz_stext_block **blocks;
    struct box *boxes;
    uint32_t *order;
    uint32_t count;
};

static void sorted_free(struct sorted *sorted)
{
    dm_free(sorted->blocks);
    dm_free(sorted->boxes);
    dm_free(sorted->order);
}

/* Fills in the blocks that hold text, in reading order; false where memory is out. */
static bool sort_blocks(const fz_stext_page *page, struct sorted *sorted)
{
    uint32_t count = 0;
    for (const fz_stext_block *block = page->first_block; block && count < BLOCKS_MAX; block = block->next)
        count++;
    sorted->blocks = dm_alloc_zero(count, sizeof(fz_stext_block *));
    sorted->boxes = dm_alloc_zero(count, sizeof(struct box));
    sorted->order = dm_alloc_zero(2 * (size_t)count, sizeof(uint32_t));
    if (!sorted->blocks || !sorted->boxes || !sorted->order)
        return false;
    for (const fz_stext_block *block = page->first_block; block && count > 0; block = block->next, count--) {
        if (!has_letters(block))
            continue;
        sorted->boxes[sorted->count] = (struct box){ block->bbox.x0, block->bbox.y0, block->bbox.x1, block->bbox.y1 };
        sorted->blocks[sorted->count++] = block;
    }
    order_boxes(sorted->boxes, sorted->count, sorted->order, sorted->order + sorted->count);
    return true;
}

static void build(const fz_stext_page *page, fz_rect area, bool lines, struct page_text *out)
{
    struct sorted sorted = { 0 };
    struct builder builder = { .out = out, .lines = lines, .area = area };
    if (!sort_blocks(page, &sorted)) {
        sorted_free(&sorted);
        out->text.failed = true;
        return;
    }
    for (uint32_t i = 0; i < sorted.count; i++)
        add_block(&builder, sorted.blocks[sorted.order[i]]);
    sorted_free(&sorted);
    out->legible = builder.letters > builder.unknown;
}

void text_of_page(fz_context *ctx, fz_page *page, fz_rect bounds, bool lines, struct page_text *text)
{
    fz_rect area = { 0, 0, bounds.x1 - bounds.x0, bounds.y1 - bounds.y0 };
    fz_stext_page *stext = NULL;
    fz_device *device = NULL;
    fz_var(stext);
    fz_var(device);
    fz_try(ctx)
    {
        /* Ligatures are taken apart and blanks are all alike. MuPDF's own clipping is left out: it asks
         * every glyph for its outline's box, a tenth of the whole. */
        fz_stext_options options = { .flags = 0 };
        stext = fz_new_stext_page(ctx, area);
        device = fz_new_stext_device(ctx, stext, &options);
        fz_run_page(ctx, page, device, fz_translate(-bounds.x0, -bounds.y0), NULL);
    }
    fz_always(ctx)
    {
        /* Closing fixes up the boxes and is allowed to fail, but not to hide the first error. */
        fz_try(ctx) fz_close_device(ctx, device);
        fz_catch(ctx) fz_warn(ctx, "a text device did not close");
        if (stext)
            build(stext, area, lines, text);
        fz_drop_device(ctx, device);
        fz_drop_stext_page(ctx, stext);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}
