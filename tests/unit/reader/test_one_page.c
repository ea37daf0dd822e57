/* test_one_page.c: the real helper takes pages out of documents: each page alone is a PDF that reads as the page did,
 * and nothing else of its document comes along. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/frame.h"
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

static const struct dm_page_want text_and_pdf = { .text = true, .ocr = DM_OCR_NEVER, .pdf = true };

static void read_page(struct dm_reader_handle *handle, uint32_t page, const struct dm_page_want *want,
                      struct dm_page_content *ret)
{
    *ret = (struct dm_page_content){ 0 };
    if (dm_reader_page(rig.reader, handle, page, want, ret, &rig.err) != DM_OK)
        fail_msg("page %u: %s", (unsigned)page, rig.err.text);
}

/* The file has one page of the same size and text, and gives itself again. */
static void expect_same_page(const struct dm_page_content *page)
{
    assert_true(page->pdf.len > 0);
    int fd = file_of(dm_buf_str(&page->pdf));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_content again;
    assert_int_equal(pages, 1);
    read_page(handle, 1, &text_and_pdf, &again);
    assert_string_equal(dm_buf_z(&again.text), dm_buf_z(&page->text));
    assert_true(fabsf(again.width - page->width) < 0.01F && fabsf(again.height - page->height) < 0.01F);
    assert_true(again.pdf.len > 0);
    dm_page_content_free(&again);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

/* Expects the text of the only page of a document, and the page alone to read the same. */
static void expect_taken_out(struct dm_str document, const char *text, struct dm_page_content *ret)
{
    int fd = file_of(document);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    read_page(handle, 1, &text_and_pdf, ret);
    assert_string_equal(dm_buf_z(&ret->text), text);
    expect_same_page(ret);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static bool holds(const struct dm_buf *file, const char *word)
{
    return memmem(file->at, file->len, word, strlen(word)) != NULL;
}

/* A document of one page, without its table of objects, which MuPDF mends. */
#define DOCUMENT(catalog, page, objects)                                                                               \
    DM_STR("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R" catalog ">>endobj\n"                                         \
           "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 300 200]>>endobj\n"                                  \
           "3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R" page ">>endobj\n"                                         \
           "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" objects "trailer<</Root 1 0 R>>")
#define SEEN "4 0 obj<</Length 36>>stream\nBT /F 9 Tf 9 50 Td (seen) Tj ET     \nendstream endobj\n"

static void a_page_alone_reads_as_it_did_and_the_others_stay_behind(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "first page");
    pdf_text_page(&pdf, "second page");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_content first;
    struct dm_page_content second;
    struct dm_page_content again;
    read_page(handle, 1, &text_and_pdf, &first);
    read_page(handle, 2, &text_and_pdf, &second);
    read_page(handle, 2, &(struct dm_page_want){ .pdf = true }, &again);
    assert_string_equal(dm_buf_z(&second.text), "second page\n");
    expect_same_page(&first);
    expect_same_page(&second);
    assert_int_equal(second.pdf.len, again.pdf.len);
    assert_memory_equal(second.pdf.at, again.pdf.at, again.pdf.len);
    assert_int_equal(again.text.len, 0);
    dm_page_content_free(&first);
    dm_page_content_free(&second);
    dm_page_content_free(&again);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_page_that_is_turned_and_cut_keeps_its_size(void **state)
{
    struct dm_page_content content;
    expect_taken_out(DOCUMENT("", "/CropBox[5 10 105 190]/Rotate 90/Resources<</Font<</F 5 0 R>>>>", SEEN), "seen\n",
                     &content);
    assert_true(fabsf(content.width - 180) < 0.01F && fabsf(content.height - 100) < 0.01F);
    dm_page_content_free(&content);
}

static void scripts_attachments_metadata_and_links_stay_behind(void **state)
{
    struct dm_page_content content;
    expect_taken_out(
        DOCUMENT("/OpenAction<</S/JavaScript/JS(app.alert)>>/Metadata 6 0 R/Outlines 7 0 R/AcroForm<</Fields[]>>"
                 "/Names<</EmbeddedFiles<</Names[(attached)8 0 R]>>>>",
                 "/AA<</O<</S/JavaScript/JS(app.alert)>>>>/Metadata 6 0 R/PieceInfo<</X<</Private 6 0 R>>>>"
                 "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://away.example/)>>>>]"
                 "/Resources<</Font<</F 5 0 R>>/Properties<</Away 9 0 R/Up 3 0 R/File 8 0 R>>>>",
                 SEEN
                 "6 0 obj<</Type/Metadata/Length 8>>stream\nmetadata\nendstream endobj\n"
                 "7 0 obj<</Type/Outlines/Title(outline)>>endobj\n"
                 "8 0 obj<</Type/Filespec/F(attached)/EF<</F 6 0 R>>>>endobj\n"
                 "9 0 obj<</Type/OCG/Name(away)/AA<</S/JavaScript/JS(app.alert)>>/AF[8 0 R]/Parent 1 0 R>>endobj\n"),
        "seen\n", &content);
    static const char *const words[] = { "JavaScript", "alert",     "metadata", "outline",
                                         "attached",   "example",   "Annot",    "OpenAction",
                                         "/AA",        "PieceInfo", "AcroForm", "EmbeddedFiles" };
    for (size_t i = 0; i < DM_COUNT(words); i++)
        if (holds(&content.pdf, words[i]))
            fail_msg("the page's file holds %s", words[i]);
    dm_page_content_free(&content);
}

static void what_a_field_and_a_note_show_is_drawn_and_they_themselves_stay_behind(void **state)
{
    struct dm_page_content content;
    expect_taken_out(
        /* What the page's drawing leaves open does not move the notes. */
        DOCUMENT(
            "/AcroForm<</Fields[6 0 R]>>", "/Annots[6 0 R 7 0 R 10 0 R]/Resources<</Font<</F 5 0 R>>>>",
            "4 0 obj<</Length 55>>stream\nq 2 0 0 2 0 0 cm BT /F 9 Tf 9 90 Td (drawn) Tj ET q         \nendstream "
            "endobj\n"
            "6 0 obj<</Type/Annot/Subtype/Widget/FT/Tx/T(field)/V(value)/Rect[10 100 200 120]/F 4/AP<</N 8 0 R>>"
            "/AA<</K<</S/JavaScript/JS(app.alert)>>>>>>endobj\n"
            "7 0 obj<</Type/Annot/Subtype/FreeText/Contents(note)/Rect[10 40 200 60]/F 4/AP<</N 9 0 R>>>>endobj\n"
            "8 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 190 20]/Resources<</Font<</F 5 0 R>>>>/Length 36>>stream\n"
            "BT /F 9 Tf 2 5 Td (value) Tj ET    \nendstream endobj\n"
            "9 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 190 20]/Resources<</Font<</F 5 0 R>>>>/Length 36>>stream\n"
            "BT /F 9 Tf 2 5 Td (noted) Tj ET    \nendstream endobj\n"
            "10 0 obj<</Type/Annot/Subtype/FreeText/Contents(no)/Rect[10 4 20 20]/F 2/AP<</N 9 0 R>>>>endobj\n"),
        "drawn\n\nvalue\n\nnoted\n", &content);
    assert_false(holds(&content.pdf, "JavaScript"));
    assert_false(holds(&content.pdf, "/Annot"));
    dm_page_content_free(&content);
}

static void a_layer_that_is_hidden_stays_hidden(void **state)
{
    struct dm_page_content content;
    expect_taken_out(DOCUMENT("/OCProperties<</OCGs[6 0 R 7 0 R 8 0 R]/D<</OFF[7 0 R 8 0 R]>>>>",
                              "/Resources<</Font<</F 5 0 R>>/Properties<</Shown 6 0 R/Hidden 7 0 R>>>>",
                              "4 0 obj<</Length 130>>stream\n/OC /Shown BDC BT /F 9 Tf 9 50 Td (shown) Tj ET EMC\n"
                              "/OC /Hidden BDC BT /F 9 Tf 9 90 Td (hidden) Tj ET EMC                          \n"
                              "endstream endobj\n6 0 obj<</Type/OCG/Name(one)>>endobj\n"
                              "7 0 obj<</Type/OCG/Name(two)>>endobj\n8 0 obj<</Type/OCG/Name(elsewhere)>>endobj\n"),
                     "shown\n", &content);
    assert_false(holds(&content.pdf, "elsewhere"));
    dm_page_content_free(&content);
}

static void a_page_of_an_encrypted_document_opens_without_its_password(void **state)
{
    int fd = file_of_fixture("encrypted.pdf");
    struct dm_tenant tenant = { .id = "tests" };
    struct dm_source source = { .fd = fd, .media = DM_MEDIA_PDF, .password = DM_STR("open sesame") };
    struct dm_reader_handle *handle = NULL;
    uint32_t pages = 0;
    assert_int_equal(dm_reader_open(rig.reader, &tenant, &source, &handle, &pages, &rig.err), DM_OK);
    struct dm_page_content content;
    read_page(handle, 1, &text_and_pdf, &content);
    assert_true(content.text.len > 0);
    expect_same_page(&content);
    assert_false(holds(&content.pdf, "Encrypt"));
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void what_is_no_pdf_has_its_text_and_no_pdf(void **state)
{
    int fd = file_of(DM_STR("plain\n"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_TEXT, &pages);
    struct dm_page_content content;
    read_page(handle, 1, &text_and_pdf, &content);
    assert_string_equal(dm_buf_z(&content.text), "plain\n");
    assert_int_equal(content.pdf.len, 0);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

/* Expects text of page 1, and no file for it; page 2 has both. */
static void expect_no_file(struct pdf *pdf, const char *text)
{
    pdf_text_page(pdf, "after");
    int fd = pdf_finish(pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_content content;
    int replaced = rig.replaced;
    read_page(handle, 1, &text_and_pdf, &content);
    assert_string_equal(dm_buf_z(&content.text), text);
    assert_int_equal(content.pdf.len, 0);
    dm_page_content_free(&content);
    read_page(handle, 2, &text_and_pdf, &content);
    expect_same_page(&content);
    dm_page_content_free(&content);
    assert_int_equal(rig.replaced, replaced);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_page_that_would_be_too_large_alone_has_no_file(void **state)
{
    struct pdf pdf = pdf_make();
    DM_AUTO(dm_buf) noise = dm_buf_make(16 << 20);
    uint32_t seed = 1;
    for (int i = 0; i < (9 << 20) / 4; i++) {
        seed = seed * 1664525 + 1013904223;
        dm_frame_add_u32(&noise, seed ^ seed >> 15);
    }
    unsigned image = pdf_reserve(&pdf);
    pdf_stream(&pdf, image,
               "/Type/XObject/Subtype/Image/Width 3072/Height 3072/BitsPerComponent 8/ColorSpace/DeviceGray",
               dm_buf_str(&noise));
    char resources[64];
    snprintf(resources, sizeof(resources), "/XObject<</X %u 0 R>>", image);
    pdf_page(&pdf, resources, "BT /F 12 Tf 20 60 Td (too much) Tj ET");
    expect_no_file(&pdf, "too much\n");
}

static void objects_nested_beyond_measure_have_no_file(void **state)
{
    struct pdf pdf = pdf_make();
    DM_AUTO(dm_buf) resources = dm_buf_make(400);
    dm_buf_add_z(&resources, "/Properties<</A ");
    for (int i = 0; i < 90; i++)
        dm_buf_add_char(&resources, '[');
    for (int i = 0; i < 90; i++)
        dm_buf_add_char(&resources, ']');
    dm_buf_add_z(&resources, ">>");
    pdf_page(&pdf, dm_buf_z(&resources), "BT /F 12 Tf 20 60 Td (deep) Tj ET");
    expect_no_file(&pdf, "deep\n");
}

static void a_page_that_takes_forever_to_draw_is_taken_out_at_once(void **state)
{
    struct pdf pdf = pdf_make();
    unsigned bomb = pdf_add_nested_forms(&pdf, 12);
    char resources[64];
    snprintf(resources, sizeof(resources), "/XObject<</X %u 0 R>>", bomb);
    pdf_page(&pdf, resources, "/X Do");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_page_content content;
    read_page(handle, 1, &(struct dm_page_want){ .pdf = true }, &content);
    assert_true(content.pdf.len > 0 && content.pdf.len < 16384);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void objects_that_lead_in_circles_and_to_nothing_are_taken_out(void **state)
{
    struct dm_page_content content;
    expect_taken_out(
        DOCUMENT("", "/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R/Y 99 0 R/Z 7 0 R>>>>",
                 SEEN "6 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>"
                      "/Length 5>>stream\n/X Do\nendstream endobj\n7 0 obj 8 0 R endobj\n8 0 obj 7 0 R endobj\n"),
        "seen\n", &content);
    dm_page_content_free(&content);
}

static void a_model_has_text_and_picture_and_pdf_of_a_scan_in_one_call(void **state)
{
    int fd = file_of_fixture("print.png");
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PNG, &pages);
    struct dm_page_want want = {
        .text = true, .ocr = DM_OCR_AUTO, .image_long_edge = 500, .image_media = DM_MEDIA_JPEG, .pdf = true
    };
    struct dm_page_content content;
    read_page(handle, 1, &want, &content);
    assert_string_equal(content.text.at, "The quick brown fox\njumps over the lazy dog\n");
    assert_true(content.ocr_used);
    assert_false(content.has_text_layer);
    assert_int_equal(content.pdf.len, 0);
    /* The frame header: depth, height, width, and one component for grey. */
    const char *frame = memmem(content.image.at, content.image.len, "\xff\xc0", 2);
    assert_non_null(frame);
    assert_memory_equal(frame + 7, "\x01\xf4\x01", 3);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_alone_reads_as_it_did_and_the_others_stay_behind),
        cmocka_unit_test(a_page_that_is_turned_and_cut_keeps_its_size),
        cmocka_unit_test(scripts_attachments_metadata_and_links_stay_behind),
        cmocka_unit_test(what_a_field_and_a_note_show_is_drawn_and_they_themselves_stay_behind),
        cmocka_unit_test(a_layer_that_is_hidden_stays_hidden),
        cmocka_unit_test(a_page_of_an_encrypted_document_opens_without_its_password),
        cmocka_unit_test(what_is_no_pdf_has_its_text_and_no_pdf),
        cmocka_unit_test(a_page_that_would_be_too_large_alone_has_no_file),
        cmocka_unit_test(objects_nested_beyond_measure_have_no_file),
        cmocka_unit_test(a_page_that_takes_forever_to_draw_is_taken_out_at_once),
        cmocka_unit_test(objects_that_lead_in_circles_and_to_nothing_are_taken_out),
        cmocka_unit_test(a_model_has_text_and_picture_and_pdf_of_a_scan_in_one_call),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
