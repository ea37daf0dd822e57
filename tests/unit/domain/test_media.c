/* test_media.c: the first bytes decide; names and types only where the bytes say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "domain/media.h"

#define EPUB                                                                                                           \
    "PK\x03\x04"                                                                                                       \
    "\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                           \
    "mimetypeapplication/epub+zip"

/* The heads of all kinds but text. */
static const struct {
    struct dm_str head;
    enum dm_media media;
} heads[] = {
    { DM_STR_INIT("%PDF-1.7\n%\xe2\xe3\xcf\xd3"), DM_MEDIA_PDF },
    { DM_STR_INIT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), DM_MEDIA_PNG },
    { DM_STR_INIT("\xff\xd8\xff\xe0\0\x10JFIF"), DM_MEDIA_JPEG },
    { DM_STR_INIT("II*\0\x08\0\0\0"), DM_MEDIA_TIFF },
    { DM_STR_INIT("MM\0*\0\0\0\x08"), DM_MEDIA_TIFF },
    { DM_STR_INIT(EPUB "rest"), DM_MEDIA_EPUB },
};

static enum dm_media detected(struct dm_str head, const char *name, const char *declared)
{
    enum dm_media media = DM_MEDIA_COUNT;
    struct dm_err err = { 0 };
    enum dm_code rc = dm_media_detect(head, dm_str_z(name), dm_str_z(declared), &media, &err);
    if (rc == DM_OK)
        return media;
    assert_int_equal(rc, DM_UNSUPPORTED);
    assert_int_equal(media, DM_MEDIA_COUNT);
    assert_true(err.text[0] != '\0');
    return DM_MEDIA_NONE;
}

static void given_heads_of_every_kind_then_they_are_told_whatever_the_name(void **state)
{
    (void)state;
    static const char *const names[] = { "", NULL, "a.pdf", "a.txt", "a.exe" };
    static const char *const types[] = { "", NULL, "application/octet-stream", "binary/octet-stream", "nonsense" };
    for (size_t i = 0; i < DM_COUNT(heads); i++)
        for (size_t name = 0; name < DM_COUNT(names); name++)
            for (size_t type = 0; type < DM_COUNT(types); type++)
                assert_int_equal(detected(heads[i].head, names[name], types[type]), heads[i].media);
}

static void given_a_declared_type_that_the_bytes_belie_then_it_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < DM_COUNT(heads); i++)
        for (int media = DM_MEDIA_NONE + 1; media < DM_MEDIA_COUNT; media++) {
            enum dm_media seen = detected(heads[i].head, "a", dm_media_type((enum dm_media)media));
            assert_int_equal(seen, media == (int)heads[i].media ? heads[i].media : DM_MEDIA_NONE);
        }
    assert_int_equal(detected(DM_STR("words"), "a.txt", "image/jpeg"), DM_MEDIA_NONE);
    assert_int_equal(detected(DM_STR("words"), "a.pdf", "application/pdf"), DM_MEDIA_NONE);
    struct dm_err err = { 0 };
    enum dm_media media;
    assert_int_equal(dm_media_detect(heads[0].head, DM_STR("a"), DM_STR("image/png"), &media, &err), DM_UNSUPPORTED);
    assert_non_null(strstr(err.text, "image/png"));
    assert_non_null(strstr(err.text, "PDF"));
}

static void given_a_head_cut_anywhere_within_its_signature_then_it_is_unknown(void **state)
{
    (void)state;
    static const size_t signatures[] = { 5, 8, 3, 4, 4, 58 };
    for (size_t i = 0; i < DM_COUNT(heads); i++)
        for (size_t len = 0; len <= heads[i].head.len; len++)
            assert_int_equal(detected(dm_str_cut(heads[i].head, 0, len), "a", ""),
                             len >= signatures[i] ? heads[i].media : DM_MEDIA_NONE);
    /* A zip that is no EPUB, and an EPUB's name and content elsewhere. */
    assert_int_equal(detected(DM_STR("PK\x03\x04mimetypeapplication/epub+zip"), "a.epub", ""), DM_MEDIA_NONE);
    assert_int_equal(detected(DM_STR("II*"), "a.tif", "image/tiff"), DM_MEDIA_NONE);
    assert_int_equal(detected(DM_STR("MM*\0"), "a.tif", ""), DM_MEDIA_NONE);
}

static void given_a_pdf_mark_then_it_counts_only_if_it_is_whole_within_1024_bytes(void **state)
{
    (void)state;
    for (size_t at = 0; at <= 1100; at++) {
        char head[DM_MEDIA_HEAD];
        memset(head, ' ', sizeof(head));
        memcpy(head + at, heads[0].head.at, 5); /* "%PDF-" */
        assert_int_equal(detected(dm_str_of(head, sizeof(head)), "a.pdf", ""),
                         at <= 1019 ? DM_MEDIA_PDF : DM_MEDIA_NONE);
    }
}

static void given_text_then_it_is_taken_only_where_name_or_type_says_so(void **state)
{
    (void)state;
    struct dm_str text = DM_STR("# R\xc3\xa9sum\xc3\xa9\r\n\tLatin: \xe9\f\v\n");
    static const char *const named[] = { "a.txt", "a.TXT", "a.md", "a.Md", "a.pdf.txt", "\xff.txt" };
    static const char *const not_named[] = { "", "a", "txt", "a.txt ", "a.txt.pdf", "a.mdx", "a.text", "atxt", "a.tx" };
    static const char *const said[] = { "text/plain", "Text/Plain; charset=utf-8", "text/markdown", " text/plain " };
    for (size_t i = 0; i < DM_COUNT(named); i++)
        assert_int_equal(detected(text, named[i], ""), DM_MEDIA_TEXT);
    for (size_t i = 0; i < DM_COUNT(not_named); i++) {
        assert_int_equal(detected(text, not_named[i], ""), DM_MEDIA_NONE);
        for (size_t k = 0; k < DM_COUNT(said); k++)
            assert_int_equal(detected(text, not_named[i], said[k]), DM_MEDIA_TEXT);
    }
    assert_int_equal(detected(text, "a", "text/html"), DM_MEDIA_NONE);
    assert_int_equal(detected(text, "a.md", "application/octet-stream"), DM_MEDIA_TEXT);
}

static void given_every_byte_in_a_text_then_only_control_characters_spoil_it(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char text[] = { 'a', (char)c };
        bool control = (c < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f;
        assert_int_equal(detected(dm_str_of(text, 2), "a.txt", ""), control ? DM_MEDIA_NONE : DM_MEDIA_TEXT);
        assert_int_equal(detected(dm_str_of(text, 2), "a", "text/plain"), control ? DM_MEDIA_NONE : DM_MEDIA_TEXT);
    }
    assert_int_equal(detected(DM_STR("\xff\xfe"
                                     "a\0b\0"),
                              "a.txt", "text/plain"),
                     DM_MEDIA_NONE); /* UTF-16 */
}

static void given_unknown_bytes_then_the_sentence_names_what_is_read(void **state)
{
    (void)state;
    struct dm_err err = { 0 };
    enum dm_media media = DM_MEDIA_COUNT;
    assert_int_equal(dm_media_detect(DM_STR("GIF89a"), DM_STR("a.gif"), DM_STR("image/gif"), &media, &err),
                     DM_UNSUPPORTED);
    static const char *const kinds[] = { "PDF", "PNG", "JPEG", "TIFF", "EPUB", ".txt", ".md" };
    for (size_t i = 0; i < DM_COUNT(kinds); i++)
        assert_non_null(strstr(err.text, kinds[i]));
    assert_int_equal(detected((struct dm_str){ NULL, 0 }, "", ""), DM_MEDIA_NONE);
}

static void given_media_types_then_they_are_read_without_case_or_parameters_and_come_back(void **state)
{
    (void)state;
    enum dm_media media = DM_MEDIA_COUNT;
    for (int i = DM_MEDIA_NONE + 1; i < DM_MEDIA_COUNT; i++) {
        assert_true(dm_media_parse(dm_str_z(dm_media_type((enum dm_media)i)), &media));
        assert_int_equal(media, i);
        assert_int_equal(dm_media_extension((enum dm_media)i)[0], '.');
    }
    assert_true(dm_media_parse(DM_STR(" Application/X-PDF ; a=b"), &media));
    assert_int_equal(media, DM_MEDIA_PDF);
    assert_true(dm_media_parse(DM_STR("image/jpg"), &media));
    assert_int_equal(media, DM_MEDIA_JPEG);
    static const char *const others[] = { "", ";", "application/octet-stream", "application/pdfx", "pdf", "image/*" };
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_false(dm_media_parse(dm_str_z(others[i]), &media));
    assert_int_equal(media, DM_MEDIA_JPEG);
    assert_string_equal(dm_media_type(DM_MEDIA_NONE), "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_heads_of_every_kind_then_they_are_told_whatever_the_name),
        cmocka_unit_test(given_a_declared_type_that_the_bytes_belie_then_it_is_refused),
        cmocka_unit_test(given_a_head_cut_anywhere_within_its_signature_then_it_is_unknown),
        cmocka_unit_test(given_a_pdf_mark_then_it_counts_only_if_it_is_whole_within_1024_bytes),
        cmocka_unit_test(given_text_then_it_is_taken_only_where_name_or_type_says_so),
        cmocka_unit_test(given_every_byte_in_a_text_then_only_control_characters_spoil_it),
        cmocka_unit_test(given_unknown_bytes_then_the_sentence_names_what_is_read),
        cmocka_unit_test(given_media_types_then_they_are_read_without_case_or_parameters_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
