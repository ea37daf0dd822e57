/* test_id.c: the shape of version 7, and the order of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/id.h"

static void given_the_example_of_rfc_9562_then_the_text_is_its(void **state)
{
    (void)state;
    const unsigned char random[DM_ID_RANDOM] = { 0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };
    char text[DM_ID_TEXT];
    struct dm_str slice = dm_id_text(0x017f22e279b0, random, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_int_equal(slice.len, 36);
    assert_ptr_equal(slice.at, text);
}

static void given_any_random_bytes_then_version_and_variant_stand_and_all_other_bits_are_kept(void **state)
{
    (void)state;
    for (int bit = -1; bit < DM_ID_RANDOM * 8; bit++)
        for (int inverse = 0; inverse < 2; inverse++) {
            unsigned char random[DM_ID_RANDOM];
            memset(random, inverse ? 0xff : 0, sizeof(random));
            if (bit >= 0)
                random[bit / 8] ^= (unsigned char)(1U << (bit % 8));
            char text[DM_ID_TEXT], plain[DM_ID_TEXT];
            assert_true(dm_id_valid(dm_id_text(1, random, text)));
            assert_int_equal(text[14], '7');
            assert_non_null(strchr("89ab", text[19]));
            memset(random, inverse ? 0xff : 0, sizeof(random));
            (void)dm_id_text(1, random, plain);
            bool fixed = bit == -1 || (bit / 8 == 0 && bit % 8 >= 4) || (bit / 8 == 2 && bit % 8 >= 6);
            assert_int_equal(strcmp(text, plain) == 0, fixed);
        }
}

static void given_later_instants_then_ids_sort_after_whatever_the_random_bytes_are(void **state)
{
    (void)state;
    static const int64_t instants[] = { 0, 1, 255, 256, 65535, 1700000000000, 1700000000001, 253402300799999 };
    unsigned char low[DM_ID_RANDOM] = { 0 }, high[DM_ID_RANDOM];
    memset(high, 0xff, sizeof(high));
    for (size_t i = 0; i + 1 < DM_COUNT(instants); i++) {
        char earlier[DM_ID_TEXT], later[DM_ID_TEXT];
        assert_int_equal(
            dm_str_compare(dm_id_text(instants[i], high, earlier), dm_id_text(instants[i + 1], low, later)), -1);
    }
}

static void given_anything_but_that_shape_then_it_is_no_id(void **state)
{
    (void)state;
    char text[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    assert_true(dm_id_valid(dm_str_z(text)));
    for (size_t at = 0; at < 36; at++) {
        char kept = text[at];
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            assert_int_equal(dm_id_valid(dm_str_of(text, 36)), kept == '-' ? c == '-' : digit);
        }
        text[at] = kept;
        assert_false(dm_id_valid(dm_str_of(text, at)));
    }
    assert_false(dm_id_valid(dm_str_of(text, 37)));
    assert_false(dm_id_valid((struct dm_str){ NULL, 0 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_the_example_of_rfc_9562_then_the_text_is_its),
        cmocka_unit_test(given_any_random_bytes_then_version_and_variant_stand_and_all_other_bits_are_kept),
        cmocka_unit_test(given_later_instants_then_ids_sort_after_whatever_the_random_bytes_are),
        cmocka_unit_test(given_anything_but_that_shape_then_it_is_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
