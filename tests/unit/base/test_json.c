/* test_json.c: what is let in, what is written, and that jansson reads back what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/failing.h"
#include "base/json.h"

static int setup(void **state)
{
    (void)state;
    dm_json_setup();
    return 0;
}

static size_t put_utf8(uint32_t point, char *at)
{
    if (point < 0x80) {
        at[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        at[i] = (char)(0x80 | (point & 0x3f));
    at[0] = (char)((0xf00 >> len & 0xf0) | point);
    return len;
}

/* The text is written as JSON, read by jansson and must be `expected`; dm_json_string must say the same. */
static void assert_written(struct dm_str text, struct dm_str expected)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(8000);
    dm_buf_add_json_string(&buf, text);
    assert_false(buf.failed);
    for (size_t i = 0; i < buf.len; i++)
        assert_true((unsigned char)buf.at[i] >= 0x20 && buf.at[i] != 0x7f);
    json_auto_t *read = json_loadb(buf.at, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(read);
    assert_true(dm_str_eq(dm_str_of(json_string_value(read), json_string_length(read)), expected));
    json_auto_t *made = dm_json_string(text);
    assert_non_null(made);
    assert_true(json_equal(read, made));
}

static void given_every_code_point_below_3000_then_its_string_comes_back(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x3000; point++) {
        char text[6] = "<";
        size_t len = 1 + put_utf8(point, text + 1);
        text[len++] = '>';
        assert_written(dm_str_of(text, len), dm_str_of(text, len));
    }
    assert_written(DM_STR("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), DM_STR("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"));
    assert_written((struct dm_str){ NULL, 0 }, DM_STR(""));
}

static void given_control_characters_then_no_terminal_would_obey_the_string(void **state)
{
    (void)state;
    DM_AUTO(dm_buf) buf = dm_buf_make(100);
    dm_buf_add_json_string(&buf, DM_STR("\"\\\n\r\x1b\x7f\xc2\x9b\xc2\xa0/"));
    assert_string_equal(dm_buf_z(&buf), "\"\\\"\\\\\\n\\u000d\\u001b\\u007f\\u009b\xc2\xa0/\"");
}

static void given_broken_utf8_then_every_bad_byte_becomes_a_replacement_character(void **state)
{
    (void)state;
#define FFFD "\xef\xbf\xbd"
    assert_written(DM_STR("a\xff"), DM_STR("a" FFFD));
    assert_written(DM_STR("\xc3"), DM_STR(FFFD));
    assert_written(DM_STR("\xc3(\x80"), DM_STR(FFFD "(" FFFD));
    assert_written(DM_STR("\xc0\xaf"), DM_STR(FFFD FFFD));
    assert_written(DM_STR("\xed\xa0\x80z"), DM_STR(FFFD FFFD FFFD "z"));
    assert_written(DM_STR("\xf0\x9f\x98\""), DM_STR(FFFD FFFD FFFD "\""));
#undef FFFD
    struct dm_str whole = DM_STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    for (size_t start = 0; start <= whole.len; start++)
        for (size_t len = 0; len <= whole.len - start; len++) {
            json_auto_t *made = dm_json_string(dm_str_cut(whole, start, len));
            assert_true(dm_str_is_utf8(dm_str_of(json_string_value(made), json_string_length(made))));
        }
}

static void given_random_bytes_then_the_string_is_valid_and_both_writers_agree(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (int round = 0; round < 3000; round++) {
        char bytes[64];
        size_t len = (random >> 16) % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (char)(round % 2 ? random >> 24 : 0x80 | random >> 25); /* every other time, hardly ever ASCII */
        }
        json_auto_t *made = dm_json_string(dm_str_of(bytes, len));
        struct dm_str expected = dm_str_of(json_string_value(made), json_string_length(made));
        assert_true(dm_str_is_utf8(expected));
        if (dm_str_is_utf8(dm_str_of(bytes, len)))
            assert_true(dm_str_eq(expected, dm_str_of(bytes, len)));
        assert_written(dm_str_of(bytes, len), expected);
        random++;
    }
}

static void given_values_of_all_kinds_then_they_are_parsed_and_written_compactly_in_order(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"z\":1,\"a\":[true,false,null,-2.5,\"\xc3\xa9\"],\"m\":{}}", "[]", "\"x\"",
                                         "-9223372036854775808", "null" };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        json_auto_t *value = NULL;
        DM_AUTO(dm_buf) buf = dm_buf_make(1000);
        assert_int_equal(dm_json_parse(dm_str_z(texts[i]), "it", &value, NULL), DM_OK);
        dm_json_add(&buf, value);
        assert_string_equal(dm_buf_z(&buf), texts[i]);
    }
    json_auto_t *value = NULL;
    assert_int_equal(dm_json_parse(dm_str_of("[1]garbage", 3), "it", &value, NULL), DM_OK); /* the slice alone */
}

static void given_what_is_not_strict_json_then_it_is_refused_with_position_and_output_stays(void **state)
{
    (void)state;
    static const struct dm_str texts[] = {
        { NULL, 0 },
        DM_STR_INIT(""),
        DM_STR_INIT(" "),
        DM_STR_INIT("{\"a\":1,\"a\":2}"),
        DM_STR_INIT("{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}"),
        DM_STR_INIT("[1,]"),
        DM_STR_INIT("[1] x"),
        DM_STR_INIT("[1]\0"),
        DM_STR_INIT("{a:1}"),
        DM_STR_INIT("'a'"),
        DM_STR_INIT("// c\n1"),
        DM_STR_INIT("NaN"),
        DM_STR_INIT("01"),
        DM_STR_INIT("+1"),
        DM_STR_INIT("1e999"),
        DM_STR_INIT("9223372036854775808"),
        DM_STR_INIT("\"\xff\""),
        DM_STR_INIT("\"\xc0\xaf\""),
        DM_STR_INIT("\"\xed\xa0\x80\""),
        DM_STR_INIT("\"\\ud800\""),
        DM_STR_INIT("\"\\u0000\""),
        DM_STR_INIT("\"a\nb\""),
        DM_STR_INIT("\xef\xbb\xbf{}"),
    };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        struct dm_err err = { 0 };
        json_t *value = (json_t *)&err;
        if (dm_json_parse(texts[i], "the answer", &value, &err) != DM_INVALID)
            fail_msg("taken: %.*s", DM_STR_ARG(texts[i]));
        assert_ptr_equal(value, &err);
        assert_memory_equal(err.text, "the answer is not valid JSON at line ", 37);
    }
}

static void given_a_secret_in_broken_json_then_the_sentence_does_not_quote_it(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"key\": hunter2}", "{\"key\": \"hunter2\" \"hunter2\"}",
                                         "{\"hunter2\":1,\"hunter2\":2}", "[\"hunter2", "hunter2" };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        struct dm_err err = { 0 };
        json_t *value;
        assert_int_equal(dm_json_parse(dm_str_z(texts[i]), "it", &value, &err), DM_INVALID);
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void given_nesting_without_end_then_it_is_refused_and_the_stack_stands(void **state)
{
    (void)state;
    for (size_t depth = 2000; depth <= 200000; depth *= 100) {
        DM_AUTO(dm_buf) buf = dm_buf_make(1 << 20);
        for (size_t i = 0; i < depth; i++)
            dm_buf_add_char(&buf, '[');
        for (size_t i = 0; i < depth; i++)
            dm_buf_add_char(&buf, ']');
        json_auto_t *value = NULL;
        assert_int_equal(dm_json_parse(dm_buf_str(&buf), "it", &value, NULL), depth == 2000 ? DM_OK : DM_INVALID);
    }
}

static void given_members_of_other_kinds_then_the_fallback_is_answered(void **state)
{
    (void)state;
    json_auto_t *object = NULL;
    struct dm_str text =
        DM_STR("{\"text\":\"a\",\"number\":5,\"real\":5.5,\"null\":null,\"low\":-9223372036854775808}");
    assert_int_equal(dm_json_parse(text, "it", &object, NULL), DM_OK);
    assert_true(dm_str_eq(dm_json_str(object, "text"), DM_STR("a")));
    assert_int_equal(dm_json_str(object, "number").len, 0);
    assert_int_equal(dm_json_str(object, "none").len, 0);
    assert_non_null(dm_json_str(object, "none").at);
    assert_int_equal(dm_json_str(NULL, "none").len, 0);
    assert_int_equal(dm_json_int(object, "number", 1), 5);
    assert_true(dm_json_int(object, "low", 1) == INT64_MIN);
    assert_int_equal(dm_json_int(object, "real", 1), 1);
    assert_int_equal(dm_json_int(object, "text", 1), 1);
    assert_int_equal(dm_json_int(object, "null", 1), 1);
    assert_int_equal(dm_json_int(NULL, "null", 1), 1);
}

static void given_a_ceiling_then_writing_fails_and_says_so(void **state)
{
    (void)state;
    json_auto_t *value = json_pack("{s:s}", "name", "a text that does not fit");
    DM_AUTO(dm_buf) buf = dm_buf_make(12);
    dm_json_add(&buf, value);
    assert_true(buf.failed);
    dm_buf_clear(&buf);
    dm_json_add(&buf, NULL);
    assert_true(buf.failed);
    dm_buf_clear(&buf);
    dm_buf_add_json_string(&buf, DM_STR("twelve bytes"));
    assert_true(buf.failed);
}

static void given_each_allocation_fails_in_turn_then_it_is_out_of_memory_never_invalid_and_nothing_leaks(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2.5,\"a longer text, for which the buffer of the lexer must grow\"],"
                               "\"b\":{\"c\":\"\\u00e9\",\"d\":null,\"e\":1,\"f\":2,\"g\":3,\"h\":4,\"i\":5,\"j\":6}}";
    struct failing failing;
    unsigned n = 0;
    do {
        failing_begin(&failing, ++n, false);
        struct dm_err err = { 0 };
        json_t *value = NULL;
        enum dm_code rc = dm_json_parse(dm_str_z(text), "it", &value, &err);
        assert_int_equal(rc, failing.failed ? DM_NO_MEMORY : DM_OK);
        assert_int_equal(value != NULL, rc == DM_OK);
        unsigned failed = failing.failed;
        struct dm_buf buf = dm_buf_make(1000);
        if (value)
            dm_json_add(&buf, value);
        assert_int_equal(buf.failed, failing.failed > failed);
        dm_buf_free(&buf);
        json_decref(value);
    } while (failing_end(&failing));
    assert_true(n > 20);
    n = 0;
    do {
        failing_begin(&failing, ++n, false);
        json_t *value = dm_json_string(DM_STR("a\xff"));
        assert_int_equal(value == NULL, failing.failed > 0);
        json_decref(value);
    } while (failing_end(&failing));
}

/* ---- a reader that is out of memory in the middle of a string ---- */

enum { GUARD_BYTES = 128 };

struct guarded {
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

static void *guarded_allocate(void *self, size_t size)
{
    if (failing_now(self))
        return NULL;
    struct guarded *guarded = malloc(sizeof(*guarded) + size + GUARD_BYTES);
    guarded->size = size;
    memset(guarded->bytes, 'g', size + GUARD_BYTES);
    return guarded->bytes;
}

static void guarded_release(void *self, void *bytes)
{
    (void)self;
    if (!bytes)
        return;
    struct guarded *guarded = (struct guarded *)((char *)bytes - offsetof(struct guarded, bytes));
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(guarded->bytes[guarded->size + i], 'g');
    free(guarded);
}

/* jansson itself would go on with a buffer that could not grow, and write past the end of another. */
static void given_strings_of_every_length_when_the_readers_buffer_cannot_grow_then_nothing_is_written_past_its_end(
    void **state)
{
    (void)state;
    for (int length = 0; length < 70; length++) {
        char text[128];
        snprintf(text, sizeof(text), "[\"%.*s\"]", length,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        struct failing failing = { .allocator = { guarded_allocate, NULL, guarded_release, &failing } };
        do {
            failing.fail_at++;
            failing.calls = failing.failed = 0;
            json_t *value = NULL;
            struct dm_err err;
            (void)dm_allocator_use(&failing.allocator);
            enum dm_code rc = dm_json_parse(dm_str_z(text), "it", &value, &err);
            json_decref(value);
            (void)dm_allocator_use(NULL);
            assert_int_equal(rc, failing.failed ? DM_NO_MEMORY : DM_OK);
        } while (failing.failed);
        assert_true(failing.fail_at > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_every_code_point_below_3000_then_its_string_comes_back),
        cmocka_unit_test(given_control_characters_then_no_terminal_would_obey_the_string),
        cmocka_unit_test(given_broken_utf8_then_every_bad_byte_becomes_a_replacement_character),
        cmocka_unit_test(given_random_bytes_then_the_string_is_valid_and_both_writers_agree),
        cmocka_unit_test(given_values_of_all_kinds_then_they_are_parsed_and_written_compactly_in_order),
        cmocka_unit_test(given_what_is_not_strict_json_then_it_is_refused_with_position_and_output_stays),
        cmocka_unit_test(given_a_secret_in_broken_json_then_the_sentence_does_not_quote_it),
        cmocka_unit_test(given_nesting_without_end_then_it_is_refused_and_the_stack_stands),
        cmocka_unit_test(given_members_of_other_kinds_then_the_fallback_is_answered),
        cmocka_unit_test(given_a_ceiling_then_writing_fails_and_says_so),
        cmocka_unit_test(given_each_allocation_fails_in_turn_then_it_is_out_of_memory_never_invalid_and_nothing_leaks),
        cmocka_unit_test(
            given_strings_of_every_length_when_the_readers_buffer_cannot_grow_then_nothing_is_written_past_its_end),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
