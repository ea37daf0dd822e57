/* test_err.c: the sentence always fits, may be built from the one before, and the lists are complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void given_a_failure_then_code_and_sentence_are_new_and_what_was_there_is_gone(void **state)
{
    (void)state;
    struct dm_err err = { .code = DM_BUSY, .retry_after_ms = 7000, .text = "old" };
    assert_int_equal(dm_fail(&err, DM_NOT_FOUND, "page %u of %s", 3U, "a"), DM_NOT_FOUND);
    assert_int_equal(err.code, DM_NOT_FOUND);
    assert_int_equal(err.retry_after_ms, 0);
    assert_string_equal(err.text, "page 3 of a");
    assert_int_equal(dm_fail_memory(&err), DM_NO_MEMORY);
    assert_string_equal(err.text, "out of memory");
}

static void given_no_error_then_the_code_alone_is_answered(void **state)
{
    (void)state;
    assert_int_equal(dm_fail(NULL, DM_GONE, "%s", "x"), DM_GONE);
    assert_int_equal(dm_fail_errno(NULL, EACCES, "open"), DM_IO);
    assert_int_equal(dm_fail_memory(NULL), DM_NO_MEMORY);
}

static void given_an_argument_that_is_the_old_sentence_then_it_is_wrapped(void **state)
{
    (void)state;
    struct dm_err err = { 0 };
    (void)dm_fail(&err, DM_IO, "the disk is gone");
    (void)dm_fail(&err, DM_UNAVAILABLE, "the store: %s", err.text);
    assert_string_equal(err.text, "the store: the disk is gone");
    (void)dm_fail_errno(&err, ENOENT, "again: %s", err.text);
    assert_string_equal(err.text, "again: the store: the disk is gone: No such file or directory");
    for (int i = 0; i < 100; i++)
        (void)dm_fail(&err, DM_IO, "over and over: %s", err.text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void given_sentences_of_every_length_then_they_are_cut_at_the_end_alone(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'x', sizeof(text));
    for (int len = 0; len < (int)sizeof(text); len++) {
        struct dm_err err;
        memset(&err, 0xff, sizeof(err));
        (void)dm_fail(&err, DM_INVALID, "%.*s", len, text);
        size_t expected = len < (int)sizeof(err.text) ? (size_t)len : sizeof(err.text) - 1;
        assert_int_equal(strlen(err.text), expected);
        (void)dm_fail_errno(&err, EIO, "%.*s", len, text);
        assert_memory_equal(err.text, text, expected);
        assert_non_null(memchr(err.text, 0, sizeof(err.text)));
    }
}

static void given_a_cut_within_a_character_then_the_sentence_is_still_text(void **state)
{
    (void)state;
    static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
    for (size_t i = 0; i < DM_COUNT(characters); i++)
        for (size_t shift = 0; shift < 5; shift++) {
            char text[400] = "";
            memset(text, 'x', shift);
            for (size_t len = shift, size = strlen(characters[i]); len < 300; len += size)
                memcpy(text + len, characters[i], size);
            struct dm_err err = { 0 };
            (void)dm_fail(&err, DM_INVALID, "%s", text);
            assert_true(dm_str_is_utf8(dm_str_z(err.text)));
            assert_in_range(strlen(err.text), sizeof(err.text) - 4, sizeof(err.text) - 1);
        }
    /* What never was text stays as it is. */
    char bytes[300] = "";
    memset(bytes, 0x80, sizeof(bytes) - 1);
    struct dm_err err = { 0 };
    (void)dm_fail(&err, DM_INVALID, "%s", bytes);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void given_an_errno_then_it_is_mapped_and_its_text_appended(void **state)
{
    (void)state;
    struct dm_err err = { 0 };
    assert_int_equal(dm_fail_errno(&err, ENOSPC, "write %s", "a"), DM_NO_SPACE);
    assert_string_equal(err.text, "write a: No space left on device");
    assert_int_equal(dm_fail_errno(&err, EDQUOT, "write"), DM_NO_SPACE);
    assert_int_equal(dm_fail_errno(&err, ENOMEM, "map"), DM_NO_MEMORY);
    assert_int_equal(err.code, DM_NO_MEMORY);
    assert_int_equal(dm_fail_errno(&err, EACCES, "open"), DM_IO);
    assert_string_equal(err.text, "open: Permission denied");
    assert_int_equal(dm_fail_errno(&err, 99999, "odd"), DM_IO);
    assert_string_equal(err.text, "odd: unknown error");
}

static void given_the_list_of_codes_then_each_has_its_own_name_and_a_meaning(void **state)
{
    (void)state;
    assert_string_equal(dm_code_name(DM_OK), "OK");
    assert_string_equal(dm_code_name(DM_NOT_FOUND), "NOT_FOUND");
    for (int code = DM_OK; code < DM_CODE_COUNT; code++) {
        assert_true(dm_code_meaning((enum dm_code)code)[0] != '\0');
        for (int other = DM_OK; other < code; other++)
            assert_string_not_equal(dm_code_name((enum dm_code)code), dm_code_name((enum dm_code)other));
    }
    assert_int_equal(dm_code_retry(DM_THROTTLED), DM_RETRY_LATER);
    assert_int_equal(dm_code_retry(DM_INVALID), DM_RETRY_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_failure_then_code_and_sentence_are_new_and_what_was_there_is_gone),
        cmocka_unit_test(given_no_error_then_the_code_alone_is_answered),
        cmocka_unit_test(given_an_argument_that_is_the_old_sentence_then_it_is_wrapped),
        cmocka_unit_test(given_sentences_of_every_length_then_they_are_cut_at_the_end_alone),
        cmocka_unit_test(given_a_cut_within_a_character_then_the_sentence_is_still_text),
        cmocka_unit_test(given_an_errno_then_it_is_mapped_and_its_text_appended),
        cmocka_unit_test(given_the_list_of_codes_then_each_has_its_own_name_and_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
