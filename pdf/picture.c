/* picture.c: pixels as image files. JPEG goes to the library directly, because not every MuPDF that we build
 * with can write it. */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "base/check.h"

enum {
    /* Print stays sharp, and a page of A4 at 1,600 pixels takes some 200 KB. */
    JPEG_QUALITY = 80,
    /* Less difference than this between the darkest and the lightest pixel is paper, not print. */
    BLANK_RANGE = 16,
};

void picture_free(fz_context *ctx, struct picture *picture)
{
    fz_drop_pixmap(ctx, picture->pixels);
    *picture = (struct picture){ 0 };
}

/* Where the pixels of the smaller picture end, as a share of the larger one: 8 bits of fraction tell enough. */
enum { FRACTION_BITS = 8, ONE = 1 << FRACTION_BITS };

static uint32_t end_of(int index, int from, int to)
{
    return (uint32_t)((uint64_t)(index + 1) * (uint64_t)from * ONE / (uint64_t)to);
}

/* Adds a row, times `weight`, to the sums: each pixel's part of each sum is the part of it that the sum covers. */
static void add_row(const unsigned char *row, int width, uint32_t weight, uint64_t *sums, int count)
{
    uint32_t at = 0;
    for (int x = 0; x < count; x++) {
        uint32_t end = end_of(x, width, count);
        uint64_t sum = 0;
        while (at < end) {
            uint32_t stop = (at | (ONE - 1)) + 1;
            stop = stop < end ? stop : end;
            sum += (uint64_t)row[at >> FRACTION_BITS] * (stop - at);
            at = stop;
        }
        sums[x] += sum * weight;
    }
}

static void finish_row(uint64_t *sums, fz_pixmap *to, int y, int from_width, uint32_t height)
{
    unsigned char *row = to->samples + (ptrdiff_t)y * to->stride;
    uint32_t begun = 0;
    for (int x = 0; x < to->w; x++) {
        uint32_t end = end_of(x, from_width, to->w);
        uint64_t area = (uint64_t)(end - begun) * height;
        DM_CHECK(area > 0); /* a pixel is no smaller than one of the larger picture */
        row[x] = (unsigned char)((sums[x] + area / 2) / area);
        sums[x] = 0;
        begun = end;
    }
}

static void shrink_into(const fz_pixmap *from, fz_pixmap *to, uint64_t *sums)
{
    uint32_t at = 0;
    for (int y = 0; y < to->h; y++) {
        uint32_t begun = at;
        uint32_t end = end_of(y, from->h, to->h);
        while (at < end) {
            uint32_t stop = (at | (ONE - 1)) + 1;
            stop = stop < end ? stop : end;
            const unsigned char *row = from->samples + (ptrdiff_t)(at >> FRACTION_BITS) * from->stride;
            add_row(row, from->w, stop - at, sums, to->w);
            at = stop;
        }
        finish_row(sums, to, y, from->w, end - begun);
    }
}

bool picture_shrink(fz_context *ctx, const struct picture *picture, uint32_t long_edge, struct picture *ret)
{
    const fz_pixmap *from = picture->pixels;
    float scale = (float)long_edge / (float)(from->w > from->h ? from->w : from->h);
    int width = (int)((float)from->w * scale + 0.5F);
    int height = (int)((float)from->h * scale + 0.5F);
    DM_CHECK(from->n == 1 && scale <= 1);
    fz_pixmap *to = NULL;
    uint64_t *sums = NULL;
    bool done = true;
    fz_var(to);
    fz_var(sums);
    fz_try(ctx)
    {
        to = fz_new_pixmap(ctx, fz_device_gray(ctx), width > 0 ? width : 1, height > 0 ? height : 1, NULL, 0);
        sums = fz_calloc(ctx, (size_t)to->w, sizeof(*sums));
        shrink_into(from, to, sums);
    }
    fz_always(ctx) fz_free(ctx, sums);
    fz_catch(ctx) done = false;
    if (done)
        *ret = (struct picture){ to, picture->points_per_pixel / scale };
    else
        fz_drop_pixmap(ctx, to);
    return done;
}

bool picture_is_blank(const struct picture *picture)
{
    const fz_pixmap *pixels = picture->pixels;
    unsigned char darkest = 255;
    unsigned char lightest = 0;
    for (int y = 0; y < pixels->h; y++) {
        const unsigned char *row = pixels->samples + (ptrdiff_t)y * pixels->stride;
        for (int x = 0; x < pixels->w * pixels->n; x++) {
            darkest = row[x] < darkest ? row[x] : darkest;
            lightest = row[x] > lightest ? row[x] : lightest;
        }
        if (lightest > darkest && lightest - darkest >= BLANK_RANGE)
            return false;
    }
    return true;
}

/* libjpeg reports failure by a call that must not return. */
struct jpeg {
    struct jpeg_compress_struct compress;
    struct jpeg_error_mgr errors;
    jmp_buf back;
    unsigned char *bytes;
    unsigned long size;
};

static void on_error(j_common_ptr info)
{
    struct jpeg *jpeg = info->client_data;
    longjmp(jpeg->back, 1);
}

static void on_message(j_common_ptr info)
{
    (void)info;
}

static bool compress(struct jpeg *jpeg, const fz_pixmap *pixels)
{
    if (setjmp(jpeg->back) != 0)
        return false;
    jpeg->compress.err = jpeg_std_error(&jpeg->errors);
    jpeg->compress.client_data = jpeg;
    jpeg->errors.error_exit = on_error;
    jpeg->errors.output_message = on_message;
    jpeg_create_compress(&jpeg->compress);
    jpeg_mem_dest(&jpeg->compress, &jpeg->bytes, &jpeg->size);
    jpeg->compress.image_width = (JDIMENSION)pixels->w;
    jpeg->compress.image_height = (JDIMENSION)pixels->h;
    jpeg->compress.input_components = pixels->n;
    jpeg->compress.in_color_space = pixels->n == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg->compress);
    jpeg_set_quality(&jpeg->compress, JPEG_QUALITY, TRUE);
    jpeg_start_compress(&jpeg->compress, TRUE);
    for (int y = 0; y < pixels->h; y++) {
        JSAMPROW row = pixels->samples + (ptrdiff_t)y * pixels->stride;
        jpeg_write_scanlines(&jpeg->compress, &row, 1);
    }
    jpeg_finish_compress(&jpeg->compress);
    return true;
}

bool picture_jpeg(const struct picture *picture, struct dm_buf *file)
{
    /* On the heap, because after a longjmp a changed local has no defined value. */
    struct jpeg *jpeg = calloc(1, sizeof(*jpeg));
    if (!jpeg)
        return false;
    bool done = compress(jpeg, picture->pixels);
    if (done)
        dm_buf_add(file, dm_str_of(jpeg->bytes, jpeg->size));
    jpeg_destroy_compress(&jpeg->compress);
    free(jpeg->bytes);
    free(jpeg);
    return done && !file->failed;
}

bool picture_png(fz_context *ctx, const struct picture *picture, struct dm_buf *file)
{
    fz_buffer *png = NULL;
    bool done = true;
    fz_var(png);
    fz_try(ctx)
    {
        unsigned char *bytes;
        png = fz_new_buffer_from_pixmap_as_png(ctx, picture->pixels, fz_default_color_params);
        size_t size = fz_buffer_storage(ctx, png, &bytes);
        dm_buf_add(file, dm_str_of(bytes, size));
    }
    fz_always(ctx) fz_drop_buffer(ctx, png);
    fz_catch(ctx) done = false;
    return done && !file->failed;
}
