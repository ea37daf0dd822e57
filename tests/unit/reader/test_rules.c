/* test_rules.c: the table of allowed answers, by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reader/rules.h"

static bool allow(struct dm_asked *asked, enum dm_frame_kind kind, uint32_t size)
{
    return dm_rules_allow(asked, &(struct dm_frame_head){ .kind = kind, .number = asked->number, .size = size });
}

static void a_page_is_text_then_lines_then_picture_then_pdf_then_its_end(void **state)
{
    struct dm_asked asked = {
        .ask = DM_ASK_PAGE, .number = 4, .text = true, .lines = true, .image = true, .pdf = true
    };
    assert_false(allow(&asked, DM_FRAME_LINES, 24));
    assert_false(allow(&asked, DM_FRAME_PAGE_END, 9));
    assert_true(allow(&asked, DM_FRAME_TEXT, 100));
    assert_false(allow(&asked, DM_FRAME_TEXT, 100));
    assert_false(allow(&asked, DM_FRAME_FAILED, 1));
    assert_false(allow(&asked, DM_FRAME_IMAGE, 100));
    assert_true(allow(&asked, DM_FRAME_LINES, 24));
    assert_false(allow(&asked, DM_FRAME_PAGE_END, 9));
    assert_false(allow(&asked, DM_FRAME_PAGE_PDF, 100));
    assert_true(allow(&asked, DM_FRAME_IMAGE, 100));
    assert_false(allow(&asked, DM_FRAME_PAGE_END, 9));
    assert_true(allow(&asked, DM_FRAME_PAGE_PDF, 0));
    assert_false(allow(&asked, DM_FRAME_PAGE_PDF, 100));
    assert_true(allow(&asked, DM_FRAME_PAGE_END, 9));
    assert_true(dm_rules_last(DM_FRAME_PAGE_END));
    assert_false(dm_rules_last(DM_FRAME_TEXT));
}

static void what_was_not_asked_for_is_not_due(void **state)
{
    struct dm_asked asked = { .ask = DM_ASK_PAGE, .number = 4, .text = true };
    assert_true(allow(&asked, DM_FRAME_TEXT, 0));
    assert_false(allow(&asked, DM_FRAME_LINES, 0));
    assert_false(allow(&asked, DM_FRAME_IMAGE, 100));
    assert_false(allow(&asked, DM_FRAME_PAGE_PDF, 100));
    assert_true(allow(&asked, DM_FRAME_PAGE_END, 9));
}

static void only_the_kinds_of_the_table_answer_a_question(void **state)
{
    static const struct {
        enum dm_ask ask;
        enum dm_frame_kind kinds[4];
    } rows[] = {
        { DM_ASK_READY, { DM_FRAME_READY } },
        { DM_ASK_END, { DM_FRAME_ENDED } },
        { DM_ASK_OPEN, { DM_FRAME_OPENED, DM_FRAME_FAILED } },
        { DM_ASK_PAGE, { DM_FRAME_FAILED } }, /* without anything wanted */
        { DM_ASK_SCAN, { DM_FRAME_PIXELS, DM_FRAME_FAILED } },
        { DM_ASK_RECOGNISE, { DM_FRAME_RECOGNISED, DM_FRAME_FAILED } },
    };
    static const enum dm_frame_kind all[] = {
#define KIND(name, wire, max, meaning) DM_FRAME_##name,
        DM_FRAMES(KIND)
#undef KIND
    };
    for (size_t i = 0; i < DM_COUNT(rows); i++) {
        for (size_t k = 0; k < DM_COUNT(all); k++) {
            bool due = rows[i].ask == DM_ASK_PAGE && all[k] == DM_FRAME_PAGE_END;
            for (size_t j = 0; j < DM_COUNT(rows[i].kinds); j++)
                due |= rows[i].kinds[j] == all[k];
            struct dm_asked asked = { .ask = rows[i].ask, .number = 1 };
            assert_int_equal(allow(&asked, all[k], 64), due);
        }
    }
}

static void an_answer_to_another_request_is_refused(void **state)
{
    struct dm_asked asked = { .ask = DM_ASK_OPEN, .number = 4 };
    struct dm_frame_head head = { .kind = DM_FRAME_OPENED, .number = 3, .size = 4 };
    assert_false(dm_rules_allow(&asked, &head));
    head.number = 4;
    assert_true(dm_rules_allow(&asked, &head));
}

static void an_answer_too_short_to_mean_anything_is_refused(void **state)
{
    struct dm_asked asked = { .ask = DM_ASK_OPEN, .number = 1 };
    assert_false(allow(&asked, DM_FRAME_OPENED, 3));
    assert_false(allow(&asked, DM_FRAME_FAILED, 0));
    struct dm_asked scan = { .ask = DM_ASK_SCAN, .number = 1 };
    assert_false(allow(&scan, DM_FRAME_PIXELS, DM_FRAME_PIXELS_HEAD - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_text_then_lines_then_picture_then_pdf_then_its_end),
        cmocka_unit_test(what_was_not_asked_for_is_not_due),
        cmocka_unit_test(only_the_kinds_of_the_table_answer_a_question),
        cmocka_unit_test(an_answer_to_another_request_is_refused),
        cmocka_unit_test(an_answer_too_short_to_mean_anything_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
