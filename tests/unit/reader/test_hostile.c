/* test_hostile.c: documents that mean harm. Each ends in time, with the right word, and harms only itself. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures.h"
#include "rig.h"

/* Long enough for an honest page under a sanitizer on a busy machine. */
enum { PAGE_MS = 2000, DEADLINE_SLACK_MS = 3000 };

static struct rig rig;

static int start(void **state)
{
    struct dm_reader_options options = rig_options();
    options.page_timeout_ms = PAGE_MS;
    options.text_memory_bytes = 128 << 20;
    rig_start(&rig, &options);
    return 0;
}

static int stop(void **state)
{
    rig_stop(&rig);
    return 0;
}

static void a_page_that_never_ends_is_ended_and_the_next_goes_on(void **state)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, "before");
    unsigned bomb = pdf_add_nested_forms(&pdf, 12);
    char resources[64];
    snprintf(resources, sizeof(resources), "/XObject<</X %u 0 R>>", bomb);
    pdf_page(&pdf, resources, "/X Do");
    pdf_text_page(&pdf, "after");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "before\n");
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    int64_t asked_ms = dm_mono_ms(rig.runtime);
    int replaced = rig.replaced;
    assert_int_equal(rig_text(&rig, handle, 2, &text), DM_TIMEOUT);
    int64_t took_ms = dm_mono_ms(rig.runtime) - asked_ms;
    assert_true(took_ms >= PAGE_MS && took_ms < PAGE_MS + DEADLINE_SLACK_MS);
    assert_int_equal(rig.replaced, replaced + 1);
    rig_expect(&rig, handle, 3, "after\n");
    rig_expect(&rig, handle, 1, "before\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

/* Asks for a picture of the only page. */
static enum dm_code draw(int fd, enum dm_media media)
{
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, media, &pages);
    struct dm_page_want want = { .image_long_edge = 100, .image_media = DM_MEDIA_PNG };
    struct dm_page_content content = { 0 };
    enum dm_code rc = dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err);
    dm_page_content_free(&content);
    dm_reader_close(rig.reader, handle);
    return rc;
}

static void a_picture_of_a_few_bytes_that_claims_gigabytes_is_too_large(void **state)
{
    struct pdf pdf = pdf_make();
    DM_AUTO(dm_buf) pixels = dm_buf_make(1 << 20);
    add_deflated(&pixels, DM_STR("only the first of them"));
    unsigned image = pdf_reserve(&pdf);
    pdf_stream(&pdf, image,
               "/Type/XObject/Subtype/Image/Width 50000/Height 50000/BitsPerComponent 8/Filter/FlateDecode"
               "/ColorSpace[/Indexed/DeviceRGB 1<000000ffffff>]",
               dm_buf_str(&pixels));
    char resources[64];
    snprintf(resources, sizeof(resources), "/XObject<</X %u 0 R>>", image);
    pdf_page(&pdf, resources, "200 0 0 100 0 0 cm /X Do");
    int fd = pdf_finish(&pdf);
    assert_int_equal(draw(fd, DM_MEDIA_PDF), DM_TOO_LARGE);
    close(fd);
}

static void a_png_whose_header_claims_gigabytes_is_too_large(void **state)
{
    int fd = png_of_size(30000, 30000);
    assert_int_equal(draw(fd, DM_MEDIA_PNG), DM_TOO_LARGE);
    close(fd);
}

static void text_that_unpacks_to_more_than_a_page_may_hold_is_too_large(void **state)
{
    struct pdf pdf = pdf_make();
    DM_AUTO(dm_buf) content = dm_buf_make(32 << 20);
    DM_AUTO(dm_buf) deflated = dm_buf_make(32 << 20);
    dm_buf_add_z(&content, "BT /F 1 Tf ");
    for (int i = 0; i < 50000; i++)
        dm_buf_addf(&content,
                    "1 0 0 1 %d %d Tm (abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmno"
                    "pqrstuvwxyz) Tj ",
                    10 + i % 7, 5 + i % 90);
    dm_buf_add_z(&content, "ET");
    add_deflated(&deflated, dm_buf_str(&content));
    unsigned page = pdf_reserve(&pdf);
    unsigned stream = pdf_reserve(&pdf);
    pdf_object(&pdf, page,
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 5 0 R/Resources<</Font<</F 3 0 R>>>>>>");
    pdf_stream(&pdf, stream, "/Filter/FlateDecode", dm_buf_str(&deflated));
    pdf.pages[pdf.page_count++] = page;
    pdf_text_page(&pdf, "after");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    enum dm_code rc = rig_text(&rig, handle, 1, &text);
    /* A slow machine may meet the other limit first. */
    assert_true(rc == DM_TOO_LARGE || rc == DM_TIMEOUT);
    rig_expect(&rig, handle, 2, "after\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void brackets_nested_beyond_measure_end_only_their_page(void **state)
{
    struct pdf pdf = pdf_make();
    DM_AUTO(dm_buf) content = dm_buf_make(8 << 20);
    for (int i = 0; i < 2000000; i++)
        dm_buf_add_char(&content, '[');
    unsigned page = pdf_reserve(&pdf);
    unsigned nested = pdf_reserve(&pdf);
    pdf_object(&pdf, page, "<</Type/Page/Parent 2 0 R/MediaBox 5 0 R/Contents 5 0 R/Resources<</Font<</F 3 0 R>>>>>>");
    pdf_object(&pdf, nested, dm_buf_z(&content));
    pdf.pages[pdf.page_count++] = page;
    pdf_text_page(&pdf, "after");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    enum dm_code rc = rig_text(&rig, handle, 1, &text);
    assert_true(rc == DM_OK || rc == DM_CRASHED || rc == DM_DAMAGED || rc == DM_TOO_LARGE);
    rig_expect(&rig, handle, 2, "after\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_page_count_that_is_a_lie_is_cut_down(void **state)
{
    int fd = file_of(DM_STR("%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj "
                            "2 0 obj<</Type/Pages/Count 2000000000/Kids[3 0 R]>>endobj "
                            "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj trailer<</Root 1 0 R>>"));
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    assert_true(pages < 10);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void drawings_that_draw_themselves_do_not_hang(void **state)
{
    struct pdf pdf = pdf_make();
    unsigned form = pdf_reserve(&pdf);
    pdf_stream(&pdf, form, "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>>>",
               DM_STR("/X Do /X Do"));
    pdf_page(&pdf, "/XObject<</X 4 0 R>>", "/X Do BT /F 12 Tf 20 60 Td (still here) Tj ET");
    int fd = pdf_finish(&pdf);
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    rig_expect(&rig, handle, 1, "still here\n");
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_text_of_nothing_but_form_feeds_has_no_pages(void **state)
{
    DM_AUTO(dm_buf) feeds = dm_buf_make(1 << 20);
    for (int i = 0; i < 200 * 1000; i++)
        dm_buf_add_char(&feeds, '\f');
    int fd = file_of(dm_buf_str(&feeds));
    enum dm_code rc = rig_try_open(&rig, fd, DM_MEDIA_TEXT, NULL);
    assert_true(rc == DM_TOO_LARGE || rc == DM_NOT_FOUND);
    close(fd);
    int nul = file_of(DM_STR("text\0text"));
    assert_int_equal(rig_try_open(&rig, nul, DM_MEDIA_TEXT, NULL), DM_UNSUPPORTED);
    close(nul);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_never_ends_is_ended_and_the_next_goes_on),
        cmocka_unit_test(a_picture_of_a_few_bytes_that_claims_gigabytes_is_too_large),
        cmocka_unit_test(a_png_whose_header_claims_gigabytes_is_too_large),
        cmocka_unit_test(text_that_unpacks_to_more_than_a_page_may_hold_is_too_large),
        cmocka_unit_test(brackets_nested_beyond_measure_end_only_their_page),
        cmocka_unit_test(a_page_count_that_is_a_lie_is_cut_down),
        cmocka_unit_test(drawings_that_draw_themselves_do_not_hang),
        cmocka_unit_test(a_text_of_nothing_but_form_feeds_has_no_pages),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
