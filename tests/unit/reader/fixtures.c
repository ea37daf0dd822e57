/* fixtures.c: writing PDF, PNG and TIFF by hand. */
#include "fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

enum { BYTES_MAX = 64 << 20 };

struct pdf pdf_make(void)
{
    struct pdf pdf = { .bytes = dm_buf_make(BYTES_MAX), .count = 3 };
    dm_buf_add_z(&pdf.bytes, "%PDF-1.4\n");
    return pdf;
}

unsigned pdf_reserve(struct pdf *pdf)
{
    return ++pdf->count;
}

void pdf_object(struct pdf *pdf, unsigned number, const char *text)
{
    pdf->places[number] = pdf->bytes.len;
    dm_buf_addf(&pdf->bytes, "%u 0 obj\n%s\nendobj\n", number, text);
}

void pdf_stream(struct pdf *pdf, unsigned number, const char *entries, struct dm_str content)
{
    pdf->places[number] = pdf->bytes.len;
    dm_buf_addf(&pdf->bytes, "%u 0 obj\n<<%s/Length %zu>>\nstream\n", number, entries, content.len);
    dm_buf_add(&pdf->bytes, content);
    dm_buf_add_z(&pdf->bytes, "\nendstream\nendobj\n");
}

void pdf_page(struct pdf *pdf, const char *resources, const char *content)
{
    unsigned page = pdf_reserve(pdf);
    unsigned stream = pdf_reserve(pdf);
    char text[512];
    snprintf(text, sizeof(text),
             "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents %u 0 R/Resources<</Font<</F 3 0 R>>%s>>>>",
             stream, resources);
    pdf_object(pdf, page, text);
    pdf_stream(pdf, stream, "", dm_str_z(content));
    pdf->pages[pdf->page_count++] = page;
}

void pdf_text_page(struct pdf *pdf, const char *text)
{
    char content[256];
    snprintf(content, sizeof(content), "BT /F 12 Tf 20 60 Td (%s) Tj ET", text);
    pdf_page(pdf, "", content);
}

void pdf_broken_page(struct pdf *pdf)
{
    unsigned page = pdf_reserve(pdf);
    unsigned content = pdf_reserve(pdf);
    char text[256];
    snprintf(text, sizeof(text), "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents %u 0 R/Resources<<>>>>",
             content);
    pdf_object(pdf, page, text);
    pdf_stream(pdf, content, "/Filter/FlateDecode", DM_STR("no deflated data at all"));
    pdf->pages[pdf->page_count++] = page;
}

int pdf_finish(struct pdf *pdf)
{
    DM_AUTO(dm_buf) kids = dm_buf_make(4096);
    for (unsigned i = 0; i < pdf->page_count; i++)
        dm_buf_addf(&kids, "%u 0 R ", pdf->pages[i]);
    char text[2048];
    snprintf(text, sizeof(text), "<</Type/Pages/Count %u/Kids[%s]>>", pdf->page_count, dm_buf_z(&kids));
    pdf_object(pdf, 1, "<</Type/Catalog/Pages 2 0 R>>");
    pdf_object(pdf, 2, text);
    pdf_object(pdf, 3, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
    size_t xref = pdf->bytes.len;
    dm_buf_addf(&pdf->bytes, "xref\n0 %u\n0000000000 65535 f \n", pdf->count + 1);
    for (unsigned i = 1; i <= pdf->count; i++)
        dm_buf_addf(&pdf->bytes, "%010zu 00000 n \n", pdf->places[i]);
    dm_buf_addf(&pdf->bytes, "trailer\n<</Size %u/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n", pdf->count + 1, xref);
    int fd = file_of(dm_buf_str(&pdf->bytes));
    dm_buf_free(&pdf->bytes);
    return fd;
}

int file_of(struct dm_str bytes)
{
    int fd = memfd_create("fixture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        assert_true(written > 0);
        bytes = dm_str_from(bytes, (size_t)written);
    }
    return fd;
}

int file_of_fixture(const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", DM_TEST_DATA, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

unsigned pdf_add_nested_forms(struct pdf *pdf, unsigned depth)
{
    static const char draw_ten[] = "/X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do";
    unsigned below = pdf_reserve(pdf);
    pdf_stream(pdf, below, "/Type/XObject/Subtype/Form/BBox[0 0 9 9]", DM_STR("0 0 9 9 re f"));
    for (unsigned i = 0; i < depth; i++) {
        unsigned form = pdf_reserve(pdf);
        char entries[128];
        snprintf(entries, sizeof(entries),
                 "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %u 0 R>>>>", below);
        pdf_stream(pdf, form, entries, dm_str_z(draw_ten));
        below = form;
    }
    return below;
}

void add_deflated(struct dm_buf *to, struct dm_str content)
{
    uLongf size = compressBound(content.len);
    char *room = dm_buf_reserve(to, size);
    assert_non_null(room);
    assert_int_equal(compress((Bytef *)room, &size, (const Bytef *)content.at, content.len), Z_OK);
    dm_buf_grown(to, size);
}

static void add_u32_big(struct dm_buf *to, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        dm_buf_add_char(to, (char)(value >> shift));
}

static void add_chunk(struct dm_buf *png, const char *name, struct dm_str content)
{
    add_u32_big(png, (uint32_t)content.len);
    size_t start = png->len;
    dm_buf_add_z(png, name);
    dm_buf_add(png, content);
    uLong sum = crc32(0, (const Bytef *)png->at + start, (uInt)(png->len - start));
    add_u32_big(png, (uint32_t)sum);
}

static int png_from(uint32_t width, uint32_t height, struct dm_str rows)
{
    DM_AUTO(dm_buf) png = dm_buf_make(BYTES_MAX);
    DM_AUTO(dm_buf) part = dm_buf_make(BYTES_MAX);
    dm_buf_add(&png, DM_STR("\x89PNG\r\n\x1a\n"));
    add_u32_big(&part, width);
    add_u32_big(&part, height);
    dm_buf_add(&part, DM_STR("\x08\x00\x00\x00\x00"));
    add_chunk(&png, "IHDR", dm_buf_str(&part));
    dm_buf_clear(&part);
    add_deflated(&part, rows);
    add_chunk(&png, "IDAT", dm_buf_str(&part));
    add_chunk(&png, "IEND", DM_STR(""));
    return file_of(dm_buf_str(&png));
}

int png_of(uint32_t width, uint32_t height, unsigned char shade)
{
    DM_AUTO(dm_buf) rows = dm_buf_make(BYTES_MAX);
    for (uint32_t y = 0; y < height; y++) {
        char *row = dm_buf_reserve(&rows, width + 1);
        assert_non_null(row);
        row[0] = 0; /* no filter */
        memset(row + 1, shade, width);
        dm_buf_grown(&rows, width + 1);
    }
    return png_from(width, height, dm_buf_str(&rows));
}

int png_of_size(uint32_t width, uint32_t height)
{
    return png_from(width, height, DM_STR("\0hardly any"));
}

static void add_u16(struct dm_buf *to, uint16_t value)
{
    dm_buf_add_char(to, (char)value);
    dm_buf_add_char(to, (char)(value >> 8));
}

static void add_u32(struct dm_buf *to, uint32_t value)
{
    add_u16(to, (uint16_t)value);
    add_u16(to, (uint16_t)(value >> 16));
}

int tiff_of(unsigned pages, uint16_t width, uint16_t height)
{
    DM_AUTO(dm_buf) tiff = dm_buf_make(BYTES_MAX);
    enum { ENTRIES = 9, DIRECTORY = 2 + ENTRIES * 12 + 4 };
    dm_buf_add(&tiff, DM_STR("II*\0"));
    add_u32(&tiff, 8);
    for (unsigned i = 0; i < pages; i++) {
        uint32_t size = (uint32_t)width * height;
        uint32_t pixels_at = (uint32_t)tiff.len + DIRECTORY;
        const uint32_t entries[ENTRIES][3] = {
            { 256, 3, width },     { 257, 3, height }, { 258, 3, 8 },      { 259, 3, 1 },    { 262, 3, 1 },
            { 273, 4, pixels_at }, { 277, 3, 1 },      { 278, 3, height }, { 279, 4, size },
        };
        add_u16(&tiff, ENTRIES);
        for (size_t k = 0; k < ENTRIES; k++) {
            add_u16(&tiff, (uint16_t)entries[k][0]);
            add_u16(&tiff, (uint16_t)entries[k][1]);
            add_u32(&tiff, 1);
            add_u32(&tiff, entries[k][2]);
        }
        add_u32(&tiff, i + 1 < pages ? pixels_at + size : 0);
        for (uint32_t k = 0; k < size; k++)
            dm_buf_add_char(&tiff, (char)(k * 7));
    }
    return file_of(dm_buf_str(&tiff));
}
