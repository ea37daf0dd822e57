/* picture.c: pixels as image files. JPEG goes to the library directly, because not every MuPDF that we build
 * with can write it. */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

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
