/* test_keys.c: every key fits, lies under its document, and tells the epoch again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "domain/keys.h"

static const struct dm_file file = { "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b" };
#define ID "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"

static void given_a_document_then_its_keys_are_as_the_header_says(void **state)
{
    (void)state;
    assert_string_equal(dm_key_document(&file).text, ID "/");
    assert_string_equal(dm_key_source(&file).text, ID "/source");
    assert_string_equal(dm_key_segments(&file).text, ID "/pages/");
    assert_string_equal(dm_key_segment(&file, 2, 41, 7, 3).text, ID "/pages/seg-2-00041-7-3.jsonl");
    assert_string_equal(dm_key_results(&file, 1, ".json").text, ID "/results-1.json");
    assert_string_equal(dm_key_reduction(&file, 1).text, ID "/reduction-1.json");
    assert_string_equal(dm_key_partial(&file, 12, ".md").text, ID "/partial-12.md");
    assert_string_equal(dm_key_image(&file, 3, 2000, DM_MEDIA_JPEG).text, ID "/images/00003-2000.jpg");
}

static void given_the_largest_numbers_then_every_key_fits_and_lies_under_its_document(void **state)
{
    (void)state;
    const struct dm_blob_key keys[] = {
        dm_key_segment(&file, UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT32_MAX),
        dm_key_results(&file, UINT32_MAX, ".jsonl"),
        dm_key_reduction(&file, UINT32_MAX),
        dm_key_partial(&file, UINT64_MAX, ".jsonl"),
        dm_key_image(&file, UINT32_MAX, UINT32_MAX, DM_MEDIA_EPUB),
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++) {
        assert_true(dm_str_starts(dm_str_z(keys[i].text), dm_str_z(dm_key_document(&file).text)));
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(keys[i].text, keys[other].text);
    }
    assert_true(dm_str_starts(dm_str_z(keys[0].text), dm_str_z(dm_key_segments(&file).text)));
}

static void given_keys_of_segments_then_epoch_and_first_page_are_read_back_and_others_have_none(void **state)
{
    (void)state;
    static const uint32_t epochs[] = { 1, 2, 10, 4294967295 };
    for (size_t i = 0; i < DM_COUNT(epochs); i++)
        assert_int_equal(dm_key_segment_epoch(dm_str_z(dm_key_segment(&file, epochs[i], 1, 1, 1).text)), epochs[i]);
    static const uint32_t pages[] = { 1, 41, 99999, 100000 };
    for (size_t i = 0; i < DM_COUNT(pages); i++)
        assert_int_equal(dm_key_segment_first(dm_str_z(dm_key_segment(&file, 3, pages[i], 7, 2).text)), pages[i]);
    assert_int_equal(dm_key_segment_first(DM_STR(ID "/pages/seg-5")), 0);
    static const char *const others[] = { "",
                                          ID "/source",
                                          ID "/results-1.json",
                                          ID "/pages/",
                                          ID "/pages/seg-",
                                          ID "/pages/seg--1-1-1.jsonl",
                                          ID "/pages/seg-x-1-1-1.jsonl",
                                          ID "/pages/seg-4294967296-1-1-1.jsonl",
                                          ID "/pages/seg-18446744073709551617-1-1-1.jsonl" };
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_int_equal(dm_key_segment_epoch(dm_str_z(others[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_document_then_its_keys_are_as_the_header_says),
        cmocka_unit_test(given_the_largest_numbers_then_every_key_fits_and_lies_under_its_document),
        cmocka_unit_test(given_keys_of_segments_then_epoch_and_first_page_are_read_back_and_others_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
