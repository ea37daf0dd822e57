/* test_buf.c: the ceiling, and a first failure that sticks and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/failing.h"

static void given_an_empty_buffer_then_it_is_an_empty_text_without_memory(void **state)
{
    (void)state;
    struct dm_buf buf = dm_buf_make(10);
    assert_null(buf.at);
    assert_string_equal(dm_buf_z(&buf), "");
    assert_int_equal(dm_buf_str(&buf).len, 0);
    dm_buf_cut(&buf, 0);
    dm_buf_cut(&buf, 5);
    dm_buf_drop_front(&buf, 0);
    dm_buf_clear(&buf);
    dm_buf_add(&buf, (struct dm_str){ NULL, 0 });
    assert_int_equal(dm_buf_check(&buf, "it", NULL), DM_OK);
    dm_buf_free(&buf);
    dm_buf_free(&buf);
}

static void given_every_ceiling_and_length_then_it_fits_up_to_the_ceiling_and_not_a_byte_past_it(void **state)
{
    (void)state;
    static const char text[301] = { 0 };
    for (size_t max = 0; max < 300; max++) {
        DM_AUTO(dm_buf) whole = dm_buf_make(max);
        dm_buf_add(&whole, dm_str_of(text, max));
        assert_false(whole.failed);
        assert_int_equal(whole.len, max);
        dm_buf_add_char(&whole, 'x');
        assert_true(whole.failed);
        assert_int_equal(whole.len, max);

        DM_AUTO(dm_buf) over = dm_buf_make(max);
        dm_buf_add(&over, dm_str_of(text, max + 1));
        assert_true(over.failed);
        assert_int_equal(over.len, 0);

        DM_AUTO(dm_buf) bytes = dm_buf_make(max);
        for (size_t i = 0; i <= max; i++)
            dm_buf_addf(&bytes, "%c", 'y');
        assert_true(bytes.failed);
        assert_int_equal(bytes.len, max);
        assert_int_equal(strlen(dm_buf_z(&bytes)), max);
        assert_true(bytes.capacity <= max + 1);
    }
}

static void given_sizes_that_overflow_then_the_buffer_fails_and_does_not_wrap(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(SIZE_MAX);
    dm_buf_add_z(&buf, "abc");
    assert_false(buf.failed);
    assert_true(buf.capacity > 3);
    assert_null(dm_buf_reserve(&buf, SIZE_MAX - 3)); /* no room for the NUL */
    assert_true(buf.failed);
    dm_buf_clear(&buf);
    assert_null(dm_buf_reserve(&buf, SIZE_MAX));
    dm_buf_clear(&buf);
    dm_buf_add_z(&buf, "d");
    assert_string_equal(dm_buf_z(&buf), "d");
}

static void given_a_failure_then_it_sticks_and_the_sentence_names_what_and_the_ceiling(void **state)
{
    (void)state;
    struct dm_err err = { 0 };
    DM_AUTO(dm_buf) buf = dm_buf_make(5);
    dm_buf_add_z(&buf, "abc");
    dm_buf_addf(&buf, "%s", "def");
    dm_buf_add_char(&buf, 'd'); /* would fit, but comes too late */
    assert_null(dm_buf_reserve(&buf, 0));
    assert_string_equal(dm_buf_z(&buf), "abc");
    assert_int_equal(dm_buf_check(&buf, "the head", &err), DM_TOO_LARGE);
    assert_non_null(strstr(err.text, "the head"));
    assert_non_null(strstr(err.text, "5 bytes"));
    dm_buf_clear(&buf);
    assert_int_equal(dm_buf_check(&buf, "the head", &err), DM_OK);
    assert_string_equal(dm_buf_z(&buf), "");
    dm_buf_add_z(&buf, "again");
    assert_string_equal(dm_buf_z(&buf), "again");
}

static void given_cuts_and_drops_then_the_rest_stands_with_its_nul(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(100);
    dm_buf_add_z(&buf, "0123456789");
    dm_buf_cut(&buf, 20);
    dm_buf_cut(&buf, 8);
    dm_buf_drop_front(&buf, 3);
    assert_string_equal(dm_buf_z(&buf), "34567");
    dm_buf_drop_front(&buf, 5);
    assert_string_equal(dm_buf_z(&buf), "");
    dm_buf_add(&buf, dm_str_of("a\0b", 3));
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.at, "a\0b", 4);
}

static void given_a_reservation_then_only_what_is_counted_belongs_to_the_text(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(1000);
    dm_buf_add_z(&buf, "x");
    char *room = dm_buf_reserve(&buf, 500);
    memset(room, 'y', 500);
    dm_buf_grown(&buf, 2);
    assert_string_equal(dm_buf_z(&buf), "xyy");
}

static void given_a_move_then_the_content_has_one_owner_and_both_go_on(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(4);
    dm_buf_add_z(&buf, "abcd");
    DM_AUTO(dm_buf) moved = dm_buf_move(&buf);
    assert_string_equal(dm_buf_z(&moved), "abcd");
    assert_string_equal(dm_buf_z(&buf), "");
    dm_buf_add_z(&buf, "efgh");
    assert_ptr_not_equal(buf.at, moved.at);
    assert_string_equal(dm_buf_z(&buf), "efgh");
    dm_buf_add_char(&buf, 'i');
    assert_true(buf.failed);
}

static void given_each_allocation_fails_in_turn_then_the_failure_sticks_and_a_prefix_stands(void **state)
{
    (void)state;
    for (int for_good = 0; for_good < 2; for_good++) {
        struct failing failing;
        unsigned n = 0;
        bool failed;
        do {
            failing_begin(&failing, ++n, for_good);
            struct dm_buf buf = dm_buf_make(100000);
            size_t before_failure = 0;
            for (int i = 0; i < 2000; i++) {
                dm_buf_addf(&buf, "%d,", i);
                if (!buf.failed)
                    before_failure = buf.len;
                assert_int_equal(buf.len, before_failure);
            }
            assert_int_equal(buf.failed, failing.failed > 0);
            assert_int_equal(strlen(dm_buf_z(&buf)), buf.len);
            assert_int_equal(dm_buf_check(&buf, "it", NULL), buf.failed ? DM_NO_MEMORY : DM_OK);
            dm_buf_free(&buf);
            failed = failing_end(&failing);
        } while (failed);
        assert_true(n > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_an_empty_buffer_then_it_is_an_empty_text_without_memory),
        cmocka_unit_test(given_every_ceiling_and_length_then_it_fits_up_to_the_ceiling_and_not_a_byte_past_it),
        cmocka_unit_test(given_sizes_that_overflow_then_the_buffer_fails_and_does_not_wrap),
        cmocka_unit_test(given_a_failure_then_it_sticks_and_the_sentence_names_what_and_the_ceiling),
        cmocka_unit_test(given_cuts_and_drops_then_the_rest_stands_with_its_nul),
        cmocka_unit_test(given_a_reservation_then_only_what_is_counted_belongs_to_the_text),
        cmocka_unit_test(given_a_move_then_the_content_has_one_owner_and_both_go_on),
        cmocka_unit_test(given_each_allocation_fails_in_turn_then_the_failure_sticks_and_a_prefix_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
