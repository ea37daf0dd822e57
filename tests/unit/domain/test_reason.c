/* test_reason.c: the closed list of reasons, and what a reader's failure becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/reason.h"

static void given_the_list_then_each_reason_has_its_own_word_and_meaning_and_comes_back(void **state)
{
    (void)state;
    for (int i = DM_REASON_NONE; i < DM_REASON_COUNT; i++) {
        enum dm_reason parsed = DM_REASON_COUNT;
        const char *text = dm_reason_text((enum dm_reason)i);
        assert_true(dm_reason_parse(dm_str_z(text), &parsed));
        assert_int_equal(parsed, i);
        assert_int_equal(text[0] == '\0', i == DM_REASON_NONE);
        assert_int_equal(dm_reason_meaning((enum dm_reason)i)[0] == '\0', i == DM_REASON_NONE);
        for (const char *c = text; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        for (int other = DM_REASON_NONE; other < i; other++) {
            assert_string_not_equal(text, dm_reason_text((enum dm_reason)other));
            assert_string_not_equal(dm_reason_meaning((enum dm_reason)i), dm_reason_meaning((enum dm_reason)other));
        }
    }
}

static void given_words_that_are_no_reasons_then_they_are_refused_and_the_output_stays(void **state)
{
    (void)state;
    static const char *const others[] = { "TIMEOUT", "time", "timeout ", "timeouts", "none" };
    enum dm_reason parsed = DM_REASON_BLOCKED;
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_false(dm_reason_parse(dm_str_z(others[i]), &parsed));
    assert_false(dm_reason_parse(DM_STR("timeout\0"), &parsed));
    assert_int_equal(parsed, DM_REASON_BLOCKED);
}

static void given_any_code_of_the_reader_then_there_is_a_reason_and_only_the_known_have_their_own(void **state)
{
    (void)state;
    enum dm_reason expected[DM_CODE_COUNT];
    for (int code = DM_OK; code < DM_CODE_COUNT; code++)
        expected[code] = DM_REASON_INTERNAL;
    expected[DM_TIMEOUT] = DM_REASON_TIMEOUT;
    expected[DM_CRASHED] = DM_REASON_CRASHED;
    expected[DM_DAMAGED] = DM_REASON_DAMAGED;
    expected[DM_ENCRYPTED] = DM_REASON_ENCRYPTED;
    expected[DM_TOO_LARGE] = DM_REASON_TOO_LARGE;
    expected[DM_UNSUPPORTED] = DM_REASON_UNSUPPORTED;
    expected[DM_NOT_FOUND] = DM_REASON_NO_PAGES;
    for (int code = DM_OK; code < DM_CODE_COUNT; code++)
        assert_int_equal(dm_reason_of_reading((enum dm_code)code), expected[code]);
    assert_int_equal(dm_reason_of_reading(DM_CODE_COUNT), DM_REASON_INTERNAL);
}

static void given_a_reason_of_the_document_itself_then_trying_again_is_never_advised(void **state)
{
    (void)state;
    static const enum dm_reason never[] = { DM_REASON_DAMAGED, DM_REASON_ENCRYPTED, DM_REASON_BLOCKED,
                                            DM_REASON_BAD_REQUEST, DM_REASON_CANCELLED };
    static const enum dm_reason later[] = { DM_REASON_MODEL_TIMEOUT, DM_REASON_NETWORK };
    static const enum dm_reason patiently[] = { DM_REASON_RATE_LIMITED, DM_REASON_OVERLOADED, DM_REASON_AUTH_FAILED,
                                                DM_REASON_QUOTA_EXHAUSTED };
    static const struct {
        enum dm_reason reason;
        enum dm_again again;
    } once[] = {
        { DM_REASON_EMPTY_ANSWER, DM_AGAIN_PLAINLY },  { DM_REASON_TRUNCATED, DM_AGAIN_LONGER },
        { DM_REASON_INVALID_JSON, DM_AGAIN_REPAIRED }, { DM_REASON_SCHEMA_MISMATCH, DM_AGAIN_REPAIRED },
        { DM_REASON_RECITATION, DM_AGAIN_FREELY },
    };
    for (size_t i = 0; i < DM_COUNT(once); i++) {
        assert_int_equal(dm_reason_retry(once[i].reason), DM_RETRY_ONCE);
        assert_int_equal(dm_reason_again(once[i].reason), once[i].again);
    }
    assert_true(dm_reason_patience_ms(DM_REASON_AUTH_FAILED) < dm_reason_patience_ms(DM_REASON_RATE_LIMITED));
    for (size_t i = 0; i < DM_COUNT(never); i++)
        assert_int_equal(dm_reason_retry(never[i]), DM_RETRY_NEVER);
    for (size_t i = 0; i < DM_COUNT(later); i++)
        assert_int_equal(dm_reason_retry(later[i]), DM_RETRY_LATER);
    for (size_t i = 0; i < DM_COUNT(patiently); i++)
        assert_int_equal(dm_reason_retry(patiently[i]), DM_RETRY_PATIENTLY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_the_list_then_each_reason_has_its_own_word_and_meaning_and_comes_back),
        cmocka_unit_test(given_words_that_are_no_reasons_then_they_are_refused_and_the_output_stays),
        cmocka_unit_test(given_any_code_of_the_reader_then_there_is_a_reason_and_only_the_known_have_their_own),
        cmocka_unit_test(given_a_reason_of_the_document_itself_then_trying_again_is_never_advised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
