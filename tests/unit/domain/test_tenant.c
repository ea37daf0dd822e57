/* test_tenant.c: ids that are harmless in keys and paths, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "domain/tenant.h"

static bool is_tenant(struct dm_str text)
{
    struct dm_tenant tenant = { "kept" };
    struct dm_err err = { 0 };
    enum dm_code rc = dm_tenant_parse(text, &tenant, &err);
    if (rc == DM_OK) {
        assert_true(dm_str_eq(dm_str_z(tenant.id), text));
        return true;
    }
    assert_int_equal(rc, DM_INVALID);
    assert_string_equal(tenant.id, "kept");
    assert_non_null(strstr(err.text, "A-Z a-z 0-9 . _ : @ -")); /* the rule */
    return false;
}

static void given_every_byte_in_every_place_then_the_rule_decides(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool mark = c == '.' || c == '_' || c == ':' || c == '@' || c == '-';
        char text[] = "abc";
        text[0] = (char)c;
        assert_int_equal(is_tenant(dm_str_of(text, 3)), alphanumeric);
        assert_int_equal(is_tenant(dm_str_of(text, 1)), alphanumeric);
        for (size_t at = 1; at < 3; at++) {
            char other[] = "abc";
            other[at] = (char)c;
            assert_int_equal(is_tenant(dm_str_of(other, 3)), alphanumeric || mark);
        }
    }
}

static void given_every_length_then_1_to_64_are_taken(void **state)
{
    (void)state;
    char text[70];
    memset(text, 'a', sizeof(text));
    for (size_t len = 0; len <= sizeof(text); len++)
        assert_int_equal(is_tenant(dm_str_of(text, len)), len >= 1 && len <= 64);
    assert_false(is_tenant((struct dm_str){ NULL, 0 }));
}

static void given_tricks_with_paths_then_they_are_refused(void **state)
{
    (void)state;
    static const char *const tricks[] = { ".",     "..",  "../a", "a/../b", "a/b",       "/a",       "a\\b",
                                          "a%2fb", ".a",  "-rf",  "~",      "a b",       "a\n",      "a*",
                                          "@a",    ":a",  "_a",   "$a",     "a\xc0\xaf", "\xc3\xa9", "a;b",
                                          "a'b",   "a\"", "a|b",  "a?b",    "a#b",       "a+b" };
    for (size_t i = 0; i < DM_COUNT(tricks); i++)
        assert_false(is_tenant(dm_str_z(tricks[i])));
    assert_false(is_tenant(DM_STR("a\0")));
    assert_false(is_tenant(DM_STR("a\0b")));
    assert_true(is_tenant(DM_STR("a..b"))); /* no part of a path is ".." alone */
    assert_true(is_tenant(DM_STR("user@example.com")));
    assert_true(is_tenant(DM_STR("arn:aws:x-1_2")));
}

static void given_a_text_that_is_no_file_id_then_there_is_no_such_document(void **state)
{
    (void)state;
    static const char *const others[] = { "",
                                          "..",
                                          "1",
                                          "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7",
                                          "0192F3C4-5D6E-7F80-9A1B-2C3D4E5F6A7B",
                                          "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7bb",
                                          "0192f3c4/5d6e-7f80-9a1b-2c3d4e5f6a7b",
                                          "0192f3c45d6e7f809a1b2c3d4e5f6a7b" };
    struct dm_file file = { "kept" };
    struct dm_err err = { 0 };
    for (size_t i = 0; i < DM_COUNT(others); i++)
        assert_int_equal(dm_file_parse(dm_str_z(others[i]), &file, &err), DM_NOT_FOUND);
    assert_string_equal(file.id, "kept");
    assert_int_equal(dm_file_parse(DM_STR("0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b"), &file, &err), DM_OK);
    assert_string_equal(file.id, "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b");
}

static void given_ids_then_they_are_equal_by_every_character_and_case(void **state)
{
    (void)state;
    const struct dm_tenant a = { "acme" }, same = { "acme" }, upper = { "Acme" }, longer = { "acme2" };
    assert_true(dm_tenant_eq(&a, &same));
    assert_false(dm_tenant_eq(&a, &upper));
    assert_false(dm_tenant_eq(&a, &longer));
    const struct dm_file x = { "x" }, y = { "y" };
    assert_true(dm_file_eq(&x, &x));
    assert_false(dm_file_eq(&x, &y));
    /* What stood there before does not matter: a parsed id is zeroed behind its end. */
    struct dm_tenant reused;
    memset(&reused, 'z', sizeof(reused));
    assert_int_equal(dm_tenant_parse(DM_STR("acme"), &reused, NULL), DM_OK);
    assert_memory_equal(&reused, &a, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_every_byte_in_every_place_then_the_rule_decides),
        cmocka_unit_test(given_every_length_then_1_to_64_are_taken),
        cmocka_unit_test(given_tricks_with_paths_then_they_are_refused),
        cmocka_unit_test(given_a_text_that_is_no_file_id_then_there_is_no_such_document),
        cmocka_unit_test(given_ids_then_they_are_equal_by_every_character_and_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
