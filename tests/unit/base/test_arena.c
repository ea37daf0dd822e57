/* test_arena.c: the ceiling is held, what is handed out is zeroed, aligned and apart, and all goes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "base/failing.h"

static void given_blocks_of_all_sizes_then_they_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct dm_arena arena = dm_arena_make(4 << 20);
    unsigned char *blocks[300];
    for (size_t i = 0; i < 300; i++) {
        size_t size = i * i % 5000 + 1;
        blocks[i] = dm_arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i % 255 + 1), size);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * i % 5000 + 1; k++)
            assert_int_equal(blocks[i][k], i % 255 + 1);
    dm_arena_free(&arena);
    assert_int_equal(arena.used, 0);
}

static void given_every_small_ceiling_then_it_is_never_passed_and_smaller_wishes_still_fit(void **state)
{
    (void)state;
    for (size_t max = 0; max < 9000; max += 7) {
        struct dm_arena arena = dm_arena_make(max);
        for (size_t wish = 3000; wish > 0; wish /= 2)
            while (dm_arena_alloc(&arena, wish))
                assert_in_range(arena.used, 1, max);
        assert_true(arena.used <= max);
        assert_null(dm_arena_alloc(&arena, max + 1));
        dm_arena_free(&arena);
    }
}

static void given_sizes_that_overflow_then_there_is_no_block_and_nothing_is_used(void **state)
{
    (void)state;
    struct failing failing;
    failing_begin(&failing, 0, false);
    struct dm_arena arena = dm_arena_make(SIZE_MAX / 2);
    for (size_t less = 0; less < 64; less++) {
        assert_null(dm_arena_alloc(&arena, SIZE_MAX - less));
        assert_null(dm_arena_alloc(&arena, SIZE_MAX / 2 - less / 2)); /* no room for the block itself */
    }
    assert_null(dm_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(dm_arena_array(&arena, SIZE_MAX, SIZE_MAX));
    assert_int_equal(failing.calls, 0);
    assert_int_equal(arena.used, 0);
    assert_non_null(dm_arena_array(&arena, 0, SIZE_MAX));
    dm_arena_free(&arena);
    assert_false(failing_end(&failing));
}

static void given_a_reset_then_the_first_block_serves_again_and_its_memory_is_zero(void **state)
{
    (void)state;
    struct failing failing;
    failing_begin(&failing, 0, false);
    struct dm_arena arena = dm_arena_make(1 << 20);
    dm_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    void *first = dm_arena_alloc(&arena, 100);
    memset(first, 0xff, 100);
    size_t used = arena.used;
    for (int i = 0; i < 100; i++)
        assert_non_null(dm_arena_alloc(&arena, 5000));
    dm_arena_reset(&arena);
    assert_int_equal(arena.used, used);
    assert_int_equal(failing.live, 1);
    unsigned calls = failing.calls;
    unsigned char *again = dm_arena_alloc(&arena, 100);
    assert_ptr_equal(again, first);
    for (int i = 0; i < 100; i++)
        assert_int_equal(again[i], 0);
    assert_int_equal(failing.calls, calls);
    dm_arena_free(&arena);
    assert_non_null(dm_arena_alloc(&arena, 1)); /* usable after it was freed */
    dm_arena_free(&arena);
    dm_arena_free(&arena);
    assert_false(failing_end(&failing));
}

static void given_text_then_the_copy_is_its_own_ends_with_nul_and_may_be_empty(void **state)
{
    (void)state;
    struct dm_arena arena = dm_arena_make(1 << 16);
    char original[] = "a\0b";
    struct dm_str copy = dm_arena_str(&arena, dm_str_of(original, 3));
    original[0] = 'x';
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.at, "a\0b", 4);
    copy = dm_arena_str(&arena, (struct dm_str){ NULL, 0 });
    assert_non_null(copy.at);
    assert_int_equal(copy.len, 0);
    copy = dm_arena_fmt(&arena, "%s-%d", "page", 7);
    assert_string_equal(copy.at, "page-7");
    assert_int_equal(copy.len, 6);
    copy = dm_arena_fmt(&arena, "%100000d", 1);
    assert_null(copy.at);
    assert_int_equal(copy.len, 0);
    copy = dm_arena_str(&arena, (struct dm_str){ "", SIZE_MAX });
    assert_null(copy.at);
    dm_arena_free(&arena);
}

static void given_each_allocation_fails_in_turn_then_nothing_leaks_and_what_was_there_stays(void **state)
{
    (void)state;
    struct failing failing;
    unsigned n = 0;
    do {
        failing_begin(&failing, ++n, false);
        struct dm_arena arena = dm_arena_make(1 << 20);
        struct dm_str kept = dm_arena_str(&arena, DM_STR("kept"));
        for (int i = 0; i < 20; i++) {
            size_t used = arena.used;
            unsigned failed = failing.failed;
            struct dm_str text = dm_arena_fmt(&arena, "%3000d", i);
            assert_int_equal(text.at == NULL, failing.failed > failed);
            if (!text.at)
                assert_int_equal(arena.used, used);
        }
        if (kept.at)
            assert_string_equal(kept.at, "kept");
        else
            assert_int_equal(n, 1);
        dm_arena_free(&arena);
    } while (failing_end(&failing));
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_blocks_of_all_sizes_then_they_are_zeroed_aligned_and_apart),
        cmocka_unit_test(given_every_small_ceiling_then_it_is_never_passed_and_smaller_wishes_still_fit),
        cmocka_unit_test(given_sizes_that_overflow_then_there_is_no_block_and_nothing_is_used),
        cmocka_unit_test(given_a_reset_then_the_first_block_serves_again_and_its_memory_is_zero),
        cmocka_unit_test(given_text_then_the_copy_is_its_own_ends_with_nul_and_may_be_empty),
        cmocka_unit_test(given_each_allocation_fails_in_turn_then_nothing_leaks_and_what_was_there_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
