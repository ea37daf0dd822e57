/* test_order.c: in which order blocks are read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "order.h"

enum { MAX = 2100 };

static uint32_t order[MAX];
static uint32_t scratch[MAX];

static void expect(const struct box *boxes, uint32_t count, const uint32_t *expected)
{
    order_boxes(boxes, count, order, scratch);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(order[i], expected[i]);
}

static void an_order_without_contradiction_is_kept(void **state)
{
    /* The right column first: unusual, but whoever wrote it may have meant it. */
    const struct box boxes[] = { { 300, 100, 500, 200 }, { 300, 210, 500, 300 }, { 50, 100, 250, 200 } };
    const uint32_t kept[] = { 0, 1, 2 };
    expect(boxes, DM_COUNT(boxes), kept);
}

static void a_foot_that_was_drawn_first_goes_to_the_end(void **state)
{
    const struct box boxes[] = {
        { 280, 780, 300, 790 },
        { 50, 50, 500, 60 },
        { 50, 100, 250, 600 },
        { 300, 100, 500, 600 },
    };
    const uint32_t sorted[] = { 1, 2, 3, 0 };
    expect(boxes, DM_COUNT(boxes), sorted);
}

static void scattered_columns_are_read_one_after_the_other(void **state)
{
    const struct box boxes[] = {
        { 300, 300, 500, 400 }, { 50, 100, 250, 200 }, { 300, 100, 500, 295 },
        { 50, 210, 250, 400 },  { 50, 20, 500, 40 },
    };
    const uint32_t sorted[] = { 4, 1, 3, 2, 0 };
    expect(boxes, DM_COUNT(boxes), sorted);
}

static void paragraphs_that_end_alike_do_not_tear_columns_apart(void **state)
{
    /* A white line runs across both columns at 200. */
    const struct box boxes[] = {
        { 300, 220, 500, 400 },
        { 50, 100, 250, 200 },
        { 300, 100, 500, 200 },
        { 50, 220, 250, 400 },
    };
    const uint32_t sorted[] = { 1, 3, 2, 0 };
    expect(boxes, DM_COUNT(boxes), sorted);
}

static void a_figure_over_both_columns_divides_them(void **state)
{
    const struct box boxes[] = {
        { 50, 300, 500, 400 }, /* the figure */
        { 50, 100, 250, 290 }, { 50, 410, 250, 600 }, { 300, 100, 500, 290 }, { 300, 410, 500, 600 },
    };
    const uint32_t sorted[] = { 1, 3, 0, 2, 4 };
    expect(boxes, DM_COUNT(boxes), sorted);
}

static void blocks_that_lie_upon_each_other_stay_as_drawn(void **state)
{
    const struct box boxes[] = { { 0, 50, 100, 100 }, { 0, 20, 100, 60 }, { 0, 0, 100, 30 }, { 10, 0, 90, 100 } };
    const uint32_t kept[] = { 0, 1, 2, 3 };
    expect(boxes, DM_COUNT(boxes), kept);
}

static void any_numbers_at_all_give_each_block_once(void **state)
{
    static struct box boxes[MAX];
    uint32_t seed = 1;
    const uint32_t counts[] = { 0, 1, 2, 7, 300, ORDER_BOXES_MAX + 1 };
    for (size_t round = 0; round < DM_COUNT(counts); round++) {
        for (uint32_t i = 0; i < counts[round]; i++) {
            float *numbers[] = { &boxes[i].x0, &boxes[i].y0, &boxes[i].x1, &boxes[i].y1 };
            for (size_t k = 0; k < DM_COUNT(numbers); k++) {
                seed = seed * 1664525 + 1013904223;
                *numbers[k] = seed % 31 == 0 ? NAN : seed % 29 == 0 ? INFINITY : (float)(seed >> 20);
            }
        }
        order_boxes(boxes, counts[round], order, scratch);
        static unsigned char seen[MAX];
        for (uint32_t i = 0; i < counts[round]; i++)
            seen[i] = 0;
        for (uint32_t i = 0; i < counts[round]; i++) {
            assert_true(order[i] < counts[round]);
            assert_int_equal(seen[order[i]]++, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_without_contradiction_is_kept),
        cmocka_unit_test(a_foot_that_was_drawn_first_goes_to_the_end),
        cmocka_unit_test(scattered_columns_are_read_one_after_the_other),
        cmocka_unit_test(paragraphs_that_end_alike_do_not_tear_columns_apart),
        cmocka_unit_test(a_figure_over_both_columns_divides_them),
        cmocka_unit_test(blocks_that_lie_upon_each_other_stay_as_drawn),
        cmocka_unit_test(any_numbers_at_all_give_each_block_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
