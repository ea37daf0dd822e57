/* test_records.c: the words of events, and sums of usage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/records.h"

static void given_the_list_of_events_then_each_has_its_own_word_and_comes_back(void **state)
{
    (void)state;
    for (int i = DM_EVENT_NONE + 1; i < DM_EVENT_TYPE_COUNT; i++) {
        enum dm_event_type parsed = DM_EVENT_NONE;
        assert_true(dm_event_type_parse(dm_str_z(dm_event_type_text((enum dm_event_type)i)), &parsed));
        assert_int_equal(parsed, i);
    }
    assert_string_equal(dm_event_type_text(DM_EVENT_NONE), "");
    assert_string_equal(dm_event_type_text(DM_EVENT_PAGE_DONE), "page.done");
}

static void given_other_words_then_they_are_no_events_and_the_output_stays(void **state)
{
    (void)state;
    static const char *const others[] = { "", "page", "page.done ", "Page.Done", "page.doneX", "document." };
    enum dm_event_type parsed = DM_EVENT_PAGE_FAILED;
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_false(dm_event_type_parse(dm_str_z(others[i]), &parsed));
    assert_int_equal(parsed, DM_EVENT_PAGE_FAILED);
}

static void given_usage_then_every_member_is_added(void **state)
{
    (void)state;
    struct dm_usage sum = { 1, 2, 3, 4, 5 };
    const struct dm_usage more = { 10, 20, 30, 40, 50 };
    dm_usage_add(&sum, &more);
    const struct dm_usage expected = { 11, 22, 33, 44, 55 };
    assert_memory_equal(&sum, &expected, sizeof(sum));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_the_list_of_events_then_each_has_its_own_word_and_comes_back),
        cmocka_unit_test(given_other_words_then_they_are_no_events_and_the_output_stays),
        cmocka_unit_test(given_usage_then_every_member_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
