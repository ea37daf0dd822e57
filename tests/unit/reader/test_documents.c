/* test_documents.c: the real helper on small documents of every kind. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures.h"
#include "rig.h"

static struct rig rig;

static int start(void **state)
{
    struct dm_reader_options options = rig_options();
    rig_start(&rig, &options);
    return 0;
}

static int stop(void **state)
{
    rig_stop(&rig);
    return 0;
}

static void a_pdf_gives_its_pages_text_and_size(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "first page");
    pdf_text_page(&pdf, "second page");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    assert_int_equal(pages, 2);
    rig_expect(&rig, handle, 2, "second page\n");
    rig_expect(&rig, handle, 1, "first page\n");

    struct dm_page_want want = { .text = true, .ocr = DM_OCR_AUTO };
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    assert_true(content.has_text_layer);
    assert_false(content.ocr_used);
    assert_true(fabsf(content.width - 200) < 0.01F && fabsf(content.height - 100) < 0.01F);
    assert_int_equal(content.line_count, 0);
    assert_int_equal(content.image.len, 0);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void lines_come_with_their_place_in_the_text_and_on_the_page(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_page(&pdf, "", "BT /F 10 Tf 20 70 Td (upper) Tj 0 -40 Td (lower) Tj ET");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_want want = { .text = true, .lines = true, .ocr = DM_OCR_NEVER };
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    assert_string_equal(content.text.at, "upper\n\nlower\n");
    assert_int_equal(content.line_count, 2);
    const struct dm_line *upper = &content.lines[0];
    const struct dm_line *lower = &content.lines[1];
    assert_memory_equal(content.text.at + lower->at, "lower", 5);
    assert_int_equal(lower->len, 5);
    /* From the top left corner: the base line of 70 points above the lower edge is 30 below the upper one. */
    assert_true(upper->x0 > 19 && upper->x0 < 21 && upper->y0 > 18 && upper->y0 < 30 && upper->y1 > 30);
    assert_true(lower->y0 > upper->y1);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void text_is_read_from_top_to_bottom_though_drawn_otherwise(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_page(&pdf, "",
             "BT /F 8 Tf 90 5 Td (foot) Tj ET BT /F 8 Tf 110 60 Td (right) Tj ET "
             "BT /F 8 Tf 10 30 Td (left below) Tj ET BT /F 8 Tf 10 60 Td (left) Tj ET "
             "BT /F 8 Tf 110 30 Td (right below) Tj ET BT /F 8 Tf 60 90 Td (head over both) Tj ET");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "head over both\n\nleft\n\nleft below\n\nright\n\nright below\n\nfoot\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void the_cells_of_a_row_make_one_line(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_page(&pdf, "", "BT /F 8 Tf 10 60 Td (Total) Tj 120 0 Td (12.50) Tj -120 -10 Td (Tax) Tj 120 0 Td (2.00) Tj ET");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "Total 12.50\nTax 2.00\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void text_outside_the_page_is_left_out(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_page(&pdf, "", "BT /F 12 Tf 20 60 Td (seen) Tj ET BT /F 12 Tf 20 600 Td (not seen) Tj ET");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "seen\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_picture_has_the_long_edge_that_was_asked_for(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "picture");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_want want = { .image_long_edge = 600, .image_media = DM_MEDIA_PNG };
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    /* The header chunk holds width, height, depth and kind: 2 is colour. */
    const unsigned char *png = (const unsigned char *)content.image.at;
    assert_memory_equal(png + 16, "\0\0\x02\x58\0\0\x01\x2c\x08\x02", 10);
    assert_int_equal(content.text.len, 0);
    dm_page_content_free(&content);

    want.image_media = DM_MEDIA_JPEG;
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    /* The frame header: depth, height, width, and one component for grey. */
    const char *frame = memmem(content.image.at, content.image.len, "\xff\xc0", 2);
    assert_non_null(frame);
    assert_memory_equal(frame + 4, "\x08\x01\x2c\x02\x58\x01", 6);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_page_that_is_not_there_is_refused(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "only");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    assert_int_equal(rig_text(&rig, handle, 2, &text), DM_INVALID);
    rig_expect(&rig, handle, 1, "only\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void an_encrypted_document_opens_with_its_password_alone(void **state)
{
    int fd = file_of_fixture("encrypted.pdf");
    assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, NULL), DM_ENCRYPTED);
    assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, "open"), DM_ENCRYPTED);
    assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, "open sesame"), DM_OK);
    close(fd);
}

static void a_damaged_page_costs_only_itself(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "before");
    pdf_broken_page(&pdf);
    pdf_page(&pdf, "", "");
    pdf_text_page(&pdf, "after");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    assert_int_equal(pages, 4);
    rig_expect(&rig, handle, 1, "before\n");
    struct dm_page_want want = { .text = true, .ocr = DM_OCR_AUTO };
    struct dm_page_content read = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 2, &want, &read, &rig.err), DM_DAMAGED);
    /* A page with nothing on it is no damage. */
    assert_int_equal(dm_reader_page(rig.reader, handle, 3, &want, &read, &rig.err), DM_OK);
    assert_false(read.has_text_layer);
    assert_false(read.ocr_used);
    assert_int_equal(read.text.len, 0);
    dm_page_content_free(&read);
    rig_expect(&rig, handle, 4, "after\n");
    assert_int_equal(rig.replaced, 0);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_document_without_its_table_of_objects_is_mended(void **state)
{
    int fd = file_of(DM_STR("%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj "
                            "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj "
                            "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources"
                            "<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj "
                            "4 0 obj<</Length 36>>stream\nBT /F 9 Tf 9 50 Td (mended) Tj ET   \nendstream endobj "
                            "trailer<</Root 1 0 R>>"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "mended\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void what_is_no_document_says_what_it_is(void **state)
{
    struct pdf pdf = pdf_make();
    int empty = pdf_finish(&pdf);
    assert_int_equal(rig_try_open(&rig, empty, DM_MEDIA_PDF, NULL), DM_NOT_FOUND);
    int garbage = file_of(DM_STR("%PDF-1.7 and then nothing that makes sense"));
    enum dm_code code = rig_try_open(&rig, garbage, DM_MEDIA_PDF, NULL);
    assert_true(code == DM_DAMAGED || code == DM_NOT_FOUND);
    int nothing = file_of(DM_STR(""));
    assert_true(rig_try_open(&rig, nothing, DM_MEDIA_PDF, NULL) != DM_OK);
    assert_int_equal(rig_try_open(&rig, nothing, DM_MEDIA_TEXT, NULL), DM_NOT_FOUND);
    int zip = file_of(DM_STR("PK\x03\x04 not a book"));
    assert_int_equal(rig_try_open(&rig, zip, DM_MEDIA_EPUB, NULL), DM_DAMAGED);
    close(empty);
    close(garbage);
    close(nothing);
    close(zip);
    assert_int_equal(rig.replaced, 0);
}

static void a_broken_picture_is_damaged(void **state)
{
    int fd = file_of(DM_STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10"));
    uint32_t pages = 0;
    enum dm_code code = rig_try_open(&rig, fd, DM_MEDIA_PNG, NULL);
    if (code == DM_OK) { /* one page is always claimed; reading it shows */
        struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PNG, &pages);
        DM_AUTO(dm_buf) text = dm_buf_make(0);
        code = rig_text(&rig, handle, 1, &text);
        dm_reader_close(rig.reader, handle);
    }
    assert_int_equal(code, DM_DAMAGED);
    close(fd);
}

static void a_tiff_has_as_many_pages_as_pictures(void **state)
{
    int fd = tiff_of(3, 40, 20);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TIFF, &pages);
    assert_int_equal(pages, 3);
    struct dm_page_want want = {
        .text = true, .ocr = DM_OCR_NEVER, .image_long_edge = 80, .image_media = DM_MEDIA_PNG
    };
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 3, &want, &content, &rig.err), DM_OK);
    assert_false(content.has_text_layer);
    assert_memory_equal(content.image.at + 16, "\0\0\0\x50\0\0\0\x28", 8);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_blank_picture_is_a_page_without_text(void **state)
{
    int fd = png_of(120, 80, 250);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PNG, &pages);
    struct dm_page_want want = { .text = true, .ocr = DM_OCR_AUTO };
    struct dm_page_content content = { 0 };
    assert_int_equal(pages, 1);
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    assert_false(content.ocr_used);
    assert_int_equal(content.text.len, 0);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void an_epub_is_read_chapter_by_chapter(void **state)
{
    int fd = file_of_fixture("chapters.epub");
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_EPUB, &pages);
    assert_int_equal(pages, 2);
    rig_expect(&rig, handle, 1, "Chapter One\n\nIt was a quiet morning in the harbour.\n");
    rig_expect(&rig, handle, 2, "Chapter Two\n\nBy noon the wind had turned.\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void plain_text_breaks_at_form_feeds(void **state)
{
    int fd = file_of(DM_STR("one\r\ntwo\fthree\n"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
    assert_int_equal(pages, 2);
    struct dm_page_want want = { .text = true, .lines = true, .image_long_edge = 400, .image_media = DM_MEDIA_JPEG };
    struct dm_page_content content = { 0 };
    assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
    assert_string_equal(content.text.at, "one\ntwo\n");
    assert_true(content.has_text_layer);
    assert_int_equal(content.line_count, 2);
    assert_true(content.lines[1].y0 > content.lines[0].y0);
    assert_true(content.image.len > 0);
    dm_page_content_free(&content);
    rig_expect(&rig, handle, 2, "three\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void text_in_no_known_encoding_is_taken_for_latin(void **state)
{
    int fd = file_of(DM_STR("caf\xe9 \x80 5\n"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
    rig_expect(&rig, handle, 1, "café € 5\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void the_text_of_a_picture_is_recognised(void **state)
{
    static const struct {
        const char *file;
        enum dm_media media;
        float wide, left, top; /* pixels: of the picture, and where its ink begins */
    } pictures[] = { { "print.png", DM_MEDIA_PNG, 542, 41, 53 }, { "print.jpg", DM_MEDIA_JPEG, 1600, 121, 156 } };
    for (size_t i = 0; i < DM_COUNT(pictures); i++) {
        int fd = file_of_fixture(pictures[i].file);
        uint32_t pages = 0;
        struct dm_reader_handle *handle = rig_open(&rig, fd, pictures[i].media, &pages);
        struct dm_page_want want = { .text = true, .lines = true, .ocr = DM_OCR_AUTO };
        struct dm_page_content content = { 0 };
        if (dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err) != DM_OK)
            fail_msg("%s", rig.err.text);
        assert_true(content.ocr_used);
        assert_false(content.has_text_layer);
        assert_string_equal(content.text.at, "The quick brown fox\njumps over the lazy dog\n");
        assert_int_equal(content.line_count, 2);
        assert_true(content.lines[0].y1 < content.lines[1].y1 && content.lines[1].x1 < content.width);
        float scale = content.width / pictures[i].wide;
        assert_true(fabsf(content.lines[1].x0 - pictures[i].left * scale) < 1);
        assert_true(fabsf(content.lines[0].y0 - pictures[i].top * scale) < 1);
        dm_page_content_free(&content);
        want.ocr = DM_OCR_NEVER;
        assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
        assert_false(content.ocr_used);
        assert_int_equal(content.text.len, 0);
        dm_page_content_free(&content);
        dm_reader_close(rig.reader, handle);
        close(fd);
    }
}

static void the_check_goes_all_the_way_to_a_helper(void **state)
{
    assert_int_equal(dm_reader_check(rig.reader, &rig.err), DM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pdf_gives_its_pages_text_and_size),
        cmocka_unit_test(lines_come_with_their_place_in_the_text_and_on_the_page),
        cmocka_unit_test(text_is_read_from_top_to_bottom_though_drawn_otherwise),
        cmocka_unit_test(the_cells_of_a_row_make_one_line),
        cmocka_unit_test(text_outside_the_page_is_left_out),
        cmocka_unit_test(a_picture_has_the_long_edge_that_was_asked_for),
        cmocka_unit_test(a_page_that_is_not_there_is_refused),
        cmocka_unit_test(an_encrypted_document_opens_with_its_password_alone),
        cmocka_unit_test(a_damaged_page_costs_only_itself),
        cmocka_unit_test(a_document_without_its_table_of_objects_is_mended),
        cmocka_unit_test(what_is_no_document_says_what_it_is),
        cmocka_unit_test(a_broken_picture_is_damaged),
        cmocka_unit_test(a_tiff_has_as_many_pages_as_pictures),
        cmocka_unit_test(a_blank_picture_is_a_page_without_text),
        cmocka_unit_test(an_epub_is_read_chapter_by_chapter),
        cmocka_unit_test(plain_text_breaks_at_form_feeds),
        cmocka_unit_test(text_in_no_known_encoding_is_taken_for_latin),
        cmocka_unit_test(the_text_of_a_picture_is_recognised),
        cmocka_unit_test(the_check_goes_all_the_way_to_a_helper),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
