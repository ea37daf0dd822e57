/* test_encode.c: one text per value, and back; what is not that text is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/encode.h"
#include "base/failing.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool decodes(struct dm_str text, const char *expected, size_t len)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(1000);
    bool ok = dm_buf_add_base64url_decoded(&buf, text);
    if (ok && expected) {
        assert_int_equal(buf.len, len);
        assert_memory_equal(dm_buf_z(&buf), expected, len);
    }
    return ok;
}

static void given_all_bytes_then_hex_is_lower_case_and_ends_with_nul(void **state)
{
    (void)state;
    const unsigned char bytes[] = { 0x00, 0x0f, 0xf0, 0xab, 0xff };
    char text[11] = "xxxxxxxxxx";
    dm_hex_text(bytes, sizeof(bytes), text);
    assert_string_equal(text, "000ff0abff");
    dm_hex_text(bytes, 0, text);
    assert_string_equal(text, "");
}

static void given_the_vectors_of_rfc_4648_then_base64url_is_theirs_without_padding(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        { "", "" },           { "f", "Zg" },          { "fo", "Zm8" },          { "foo", "Zm9v" },
        { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "-__-" }
    };
    for (size_t i = 0; i < DM_COUNT(vectors); i++) {
        DM_AUTO(dm_buf) buf = dm_buf_make(100);
        dm_buf_add_base64url(&buf, dm_str_z(vectors[i][0]));
        assert_string_equal(dm_buf_z(&buf), vectors[i][1]);
        assert_true(decodes(dm_str_z(vectors[i][1]), vectors[i][0], strlen(vectors[i][0])));
    }
}

static void given_the_vectors_of_rfc_4648_then_base64_is_theirs(void **state)
{
    (void)state;
    static const char *const vectors[][2] = { { "", "" },
                                              { "f", "Zg==" },
                                              { "fo", "Zm8=" },
                                              { "foo", "Zm9v" },
                                              { "foob", "Zm9vYg==" },
                                              { "fooba", "Zm9vYmE=" },
                                              { "foobar", "Zm9vYmFy" },
                                              { "\xfb\xff\xfe", "+//+" } };
    for (size_t i = 0; i < DM_COUNT(vectors); i++) {
        DM_AUTO(dm_buf) buf = dm_buf_make(100);
        dm_buf_add_base64(&buf, dm_str_z(vectors[i][0]));
        assert_string_equal(dm_buf_z(&buf), vectors[i][1]);
    }
}

static void given_random_bytes_of_every_length_then_base64url_brings_them_back(void **state)
{
    (void)state;
    uint32_t random = 1;
    char bytes[200];
    for (size_t len = 0; len < sizeof(bytes); len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
        DM_AUTO(dm_buf) buf = dm_buf_make(1000);
        dm_buf_add_base64url(&buf, dm_str_of(bytes, len));
        assert_int_equal(buf.len, (len * 4 + 2) / 3);
        assert_true(decodes(dm_buf_str(&buf), bytes, len));
    }
}

static void given_every_pair_and_last_letter_then_only_the_canonical_one_is_taken(void **state)
{
    (void)state;
    for (size_t first = 0; first < 64; first++)
        for (size_t last = 0; last < 64; last++) {
            const char two[] = { alphabet[first], alphabet[last] };
            assert_int_equal(decodes(dm_str_of(two, 2), NULL, 0), last % 16 == 0);
            const char three[] = { alphabet[first], 'A', alphabet[last] };
            assert_int_equal(decodes(dm_str_of(three, 3), NULL, 0), last % 4 == 0);
            const char six[] = { 'A', 'A', 'A', 'A', alphabet[first], alphabet[last] };
            assert_int_equal(decodes(dm_str_of(six, 6), NULL, 0), last % 16 == 0);
        }
}

static void given_letters_outside_the_alphabet_or_impossible_lengths_then_base64url_is_refused(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t at = 0; at < 4; at++) {
            char text[] = "AAAA";
            text[at] = (char)c;
            bool known = c != 0 && strchr(alphabet, c);
            assert_int_equal(decodes(dm_str_of(text, 4), NULL, 0), known);
        }
    assert_false(decodes(DM_STR("Z"), NULL, 0));
    assert_false(decodes(DM_STR("Zm9vY"), NULL, 0));
    assert_false(decodes(DM_STR("Zg=="), NULL, 0));
    assert_false(decodes(DM_STR("Zm9v\n"), NULL, 0));
}

static void given_every_byte_then_percent_encoding_keeps_only_the_unreserved_and_comes_back(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        for (int keep_slash = 0; keep_slash < 2; keep_slash++) {
            DM_AUTO(dm_buf) text = dm_buf_make(10);
            DM_AUTO(dm_buf) back = dm_buf_make(10);
            dm_buf_add_percent(&text, dm_str_of(&byte, 1), keep_slash);
            assert_int_equal(text.len, plain || (keep_slash && c == '/') ? 1 : 3);
            assert_true(dm_buf_add_percent_decoded(&back, dm_buf_str(&text), true));
            assert_int_equal(back.len, 1);
            assert_memory_equal(back.at, &byte, 1);
        }
    }
    DM_AUTO(dm_buf) text = dm_buf_make(100);
    dm_buf_add_percent(&text, DM_STR("a b/\xc3\xa9+%"), false);
    assert_string_equal(dm_buf_z(&text), "a%20b%2F%C3%A9%2B%25");
}

static void given_escapes_whole_and_broken_then_only_whole_ones_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *plus_is_space; /* NULL: refused */
        const char *plus_is_plus;
    } cases[] = {
        { "", "", "" },
        { "a+b", "a b", "a+b" },
        { "%2B+", "+ ", "++" },
        { "%e9%E9", "\xe9\xe9", "\xe9\xe9" },
        { "%2541", "%41", "%41" },
        { "%", NULL, NULL },
        { "%4", NULL, NULL },
        { "a%", NULL, NULL },
        { "%%41", NULL, NULL },
        { "%4g", NULL, NULL },
        { "%g4", NULL, NULL },
        { "% 4", NULL, NULL },
        { "%+4", NULL, NULL },
        { "%x41", NULL, NULL },
        { "%-1", NULL, NULL },
        { "ok%4", NULL, NULL },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++)
        for (int plus = 0; plus < 2; plus++) {
            const char *expected = plus ? cases[i].plus_is_space : cases[i].plus_is_plus;
            DM_AUTO(dm_buf) buf = dm_buf_make(100);
            bool taken = dm_buf_add_percent_decoded(&buf, dm_str_z(cases[i].text), plus);
            assert_int_equal(taken, expected != NULL);
            if (expected)
                assert_string_equal(dm_buf_z(&buf), expected);
        }
    DM_AUTO(dm_buf) buf = dm_buf_make(100);
    assert_true(dm_buf_add_percent_decoded(&buf, DM_STR("a%00b"), false));
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.at, "a\0b", 3);
    /* An escape cut off by the slice's end is broken, whatever stands behind it. */
    assert_false(dm_buf_add_percent_decoded(&buf, dm_str_of("%41", 2), false));
}

static void given_a_buffer_that_is_too_small_or_out_of_memory_then_decoding_says_so(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) small = dm_buf_make(2);
    assert_false(dm_buf_add_base64url_decoded(&small, DM_STR("Zm9v")));
    dm_buf_clear(&small);
    assert_false(dm_buf_add_percent_decoded(&small, DM_STR("abc"), false));
    struct failing failing;
    failing_begin(&failing, 1, false);
    struct dm_buf buf = dm_buf_make(100);
    assert_false(dm_buf_add_base64url_decoded(&buf, DM_STR("Zm9v")));
    assert_true(buf.failed);
    dm_buf_free(&buf);
    assert_true(failing_end(&failing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_all_bytes_then_hex_is_lower_case_and_ends_with_nul),
        cmocka_unit_test(given_the_vectors_of_rfc_4648_then_base64url_is_theirs_without_padding),
        cmocka_unit_test(given_the_vectors_of_rfc_4648_then_base64_is_theirs),
        cmocka_unit_test(given_random_bytes_of_every_length_then_base64url_brings_them_back),
        cmocka_unit_test(given_every_pair_and_last_letter_then_only_the_canonical_one_is_taken),
        cmocka_unit_test(given_letters_outside_the_alphabet_or_impossible_lengths_then_base64url_is_refused),
        cmocka_unit_test(given_every_byte_then_percent_encoding_keeps_only_the_unreserved_and_comes_back),
        cmocka_unit_test(given_escapes_whole_and_broken_then_only_whole_ones_are_decoded),
        cmocka_unit_test(given_a_buffer_that_is_too_small_or_out_of_memory_then_decoding_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
