/* testing.h: cmocka with what it needs, and assertions over docmill's own types. */
#ifndef DM_TESTS_TESTING_H
#define DM_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* What was answered, with its sentence, where it is not what was expected. */
#define assert_code(expression, expected, err)                                                                         \
    do {                                                                                                               \
        enum dm_code answered_ = (expression);                                                                         \
        if (answered_ != (expected))                                                                                   \
            fail_msg("%s answered %s (%s), not %s", #expression, dm_code_name(answered_),                              \
                     answered_ == DM_OK ? "" : (err)->text, dm_code_name(expected));                                   \
    } while (0)
#define assert_ok(expression, err) assert_code(expression, DM_OK, err)

#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct dm_str actual_ = (actual);                                                                              \
        struct dm_str expected_ = (expected);                                                                          \
        if (!dm_str_eq(actual_, expected_))                                                                            \
            fail_msg("%s is \"%.*s\", not \"%.*s\"", #actual, DM_STR_ARG(actual_), DM_STR_ARG(expected_));             \
    } while (0)

/* For tables of tests that are not in one array. */
#define run_group(name, tests, setup, teardown) _cmocka_run_group_tests(name, tests, DM_COUNT(tests), setup, teardown)

#endif
