/* test_alloc.c: whose memory it is, sizes that nobody has, and what is given back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <malloc.h>

#include <cmocka.h>

#include "base/failing.h"

static void given_size_zero_then_there_is_a_block_so_null_always_means_failure(void **state)
{
    (void)state;
    void *block = dm_alloc(0);
    assert_non_null(block);
    block = dm_realloc(block, 0);
    assert_non_null(block);
    dm_free(block);
    block = dm_alloc_zero(0, 8);
    assert_non_null(block);
    dm_free(block);
    dm_free(NULL);
}

static void given_a_count_whose_product_overflows_then_there_is_no_block(void **state)
{
    (void)state;
    struct failing failing;
    assert_null(dm_alloc_zero(SIZE_MAX, 2));
    assert_null(dm_alloc_zero(SIZE_MAX / 8 + 1, 8));
    failing_begin(&failing, 0, false);
    assert_null(dm_alloc_zero(SIZE_MAX / 8 + 1, 8));
    assert_int_equal(failing.calls, 0);
    assert_false(failing_end(&failing));
}

static void given_an_allocator_then_all_calls_go_to_it_until_the_one_before_is_back(void **state)
{
    (void)state;
    struct failing outer, inner;
    failing_begin(&outer, 0, false);
    unsigned char *zeroes = dm_alloc_zero(3, 7);
    for (int i = 0; i < 21; i++)
        assert_int_equal(zeroes[i], 0);
    failing_begin(&inner, 0, false);
    void *block = dm_realloc(NULL, 10);
    assert_int_equal(inner.live, 1);
    assert_int_equal(outer.live, 1);
    dm_free(block);
    dm_free(NULL);
    assert_ptr_equal(dm_allocator_use(&outer.allocator), &inner.allocator);
    assert_int_equal(inner.live, 0);
    dm_free(zeroes);
    assert_false(failing_end(&outer));
}

static void given_a_failed_realloc_then_the_old_block_is_still_there(void **state)
{
    (void)state;
    struct failing failing;
    failing_begin(&failing, 2, false);
    char *block = dm_alloc(4);
    block[0] = 'x';
    uint64_t failures = dm_alloc_failures();
    assert_null(dm_realloc(block, 4000));
    assert_int_equal(dm_alloc_failures(), failures + 1);
    assert_int_equal(block[0], 'x');
    dm_free(block);
    assert_true(failing_end(&failing));
}

static void given_a_large_block_was_freed_when_many_middling_ones_are_then_their_memory_goes_back_too(void **state)
{
    (void)state;
    enum { LARGE_BYTES = 8 << 20, MIDDLING_BYTES = 64 << 10, COUNT = 64 };
    dm_alloc_setup();
    size_t before = mallinfo2().arena;
    /* Left to itself the C library takes this as a sign that as much will be needed again. */
    void *large = dm_alloc(LARGE_BYTES);
    assert_non_null(large);
    dm_free(large);
    void *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = dm_alloc(MIDDLING_BYTES);
        assert_non_null(blocks[i]);
    }
    for (size_t i = COUNT; i > 0; i--)
        dm_free(blocks[i - 1]);
    assert_true(mallinfo2().arena - before <= 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_size_zero_then_there_is_a_block_so_null_always_means_failure),
        cmocka_unit_test(given_a_count_whose_product_overflows_then_there_is_no_block),
        cmocka_unit_test(given_an_allocator_then_all_calls_go_to_it_until_the_one_before_is_back),
        cmocka_unit_test(given_a_failed_realloc_then_the_old_block_is_still_there),
        cmocka_unit_test(given_a_large_block_was_freed_when_many_middling_ones_are_then_their_memory_goes_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
