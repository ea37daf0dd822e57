/* test_frame.c: the helper's frames, cut at every byte and bent in every field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/frame.h"

static const enum dm_frame_kind kinds[] = {
#define KIND(name, wire, max, meaning) DM_FRAME_##name,
    DM_FRAMES(KIND)
#undef KIND
};

/* A frame with one field of each sort. */
static struct dm_buf sample(void)
{
    struct dm_buf buf = dm_buf_make(1024);
    size_t begun = dm_frame_begin(&buf, DM_FRAME_TEXT, 0x01020304);
    dm_frame_add_u8(&buf, 0xab);
    dm_frame_add_u32(&buf, 0xdeadbeef);
    dm_frame_add_u64(&buf, 0x0123456789abcdef);
    dm_frame_add_f32(&buf, 1.5F);
    dm_buf_add(&buf, DM_STR("rest"));
    dm_frame_end(&buf, begun);
    assert_false(buf.failed);
    return buf;
}

static void what_was_written_is_read_again(void **state)
{
    DM_AUTO(dm_buf) buf = sample();
    struct dm_frame_head head;
    struct dm_str payload;
    assert_int_equal(dm_frame_take(dm_buf_str(&buf), &head, &payload), DM_FRAME_WHOLE);
    assert_int_equal(head.kind, DM_FRAME_TEXT);
    assert_int_equal(head.number, 0x01020304);
    assert_int_equal(head.size, 21);
    assert_int_equal(payload.len, 21);
    struct dm_frame_fields fields = { .rest = payload };
    assert_int_equal(dm_frame_u8(&fields), 0xab);
    assert_int_equal(dm_frame_u32(&fields), 0xdeadbeef);
    assert_true(dm_frame_u64(&fields) == 0x0123456789abcdef);
    assert_true(dm_frame_f32(&fields) == 1.5F);
    assert_false(dm_frame_fields_done(&fields));
    assert_memory_equal(fields.rest.at, "rest", 4);
}

static void the_bytes_are_those_of_the_documentation(void **state)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(64);
    size_t begun = dm_frame_begin(&buf, DM_FRAME_FAILED, 7);
    dm_frame_add_u8(&buf, DM_FRAME_FAILURE_TOO_LARGE);
    dm_frame_end(&buf, begun);
    assert_int_equal(buf.len, DM_FRAME_HEAD + 1);
    assert_memory_equal(buf.at, "\1\0\0\0\x1a\0\0\0\7\0\0\0\4", DM_FRAME_HEAD + 1);
}

static void a_frame_cut_at_any_byte_is_not_there_yet(void **state)
{
    DM_AUTO(dm_buf) buf = sample();
    for (size_t len = 0; len < buf.len; len++) {
        /* A copy of exactly that size, so that a sanitizer sees the first byte read past it. */
        char *copy = test_malloc(len ? len : 1);
        memcpy(copy, buf.at, len);
        struct dm_frame_head head;
        struct dm_str payload;
        assert_int_equal(dm_frame_take(dm_str_of(copy, len), &head, &payload), DM_FRAME_MORE);
        test_free(copy);
    }
}

static void fields_cut_at_any_byte_fail_and_stay_failed(void **state)
{
    DM_AUTO(dm_buf) buf = sample();
    struct dm_str payload = dm_str_cut(dm_buf_str(&buf), DM_FRAME_HEAD, 17);
    for (size_t len = 0; len < payload.len; len++) {
        struct dm_frame_fields fields = { .rest = dm_str_cut(payload, 0, len) };
        dm_frame_u8(&fields);
        dm_frame_u32(&fields);
        dm_frame_u64(&fields);
        dm_frame_f32(&fields);
        assert_true(fields.failed);
        assert_int_equal(dm_frame_u8(&fields), 0);
        assert_false(dm_frame_fields_done(&fields));
    }
    struct dm_frame_fields fields = { .rest = payload };
    dm_frame_u8(&fields);
    dm_frame_u32(&fields);
    dm_frame_u64(&fields);
    dm_frame_f32(&fields);
    assert_true(dm_frame_fields_done(&fields));
}

static void a_length_over_the_kinds_limit_is_no_frame(void **state)
{
    for (size_t i = 0; i < DM_COUNT(kinds); i++) {
        unsigned char bytes[DM_FRAME_HEAD];
        struct dm_frame_head head = { .kind = kinds[i], .number = 1, .size = dm_frame_max(kinds[i]) };
        struct dm_frame_head parsed;
        dm_frame_head_write(head, bytes);
        assert_true(dm_frame_head_parse(bytes, &parsed));
        assert_int_equal(parsed.size, head.size);
        head.size++;
        dm_frame_head_write(head, bytes);
        assert_false(dm_frame_head_parse(bytes, &parsed));
        head.size = UINT32_MAX;
        dm_frame_head_write(head, bytes);
        assert_false(dm_frame_head_parse(bytes, &parsed));
    }
}

static void a_kind_that_does_not_exist_is_no_frame(void **state)
{
    unsigned known = 0;
    for (unsigned wire = 0; wire <= UINT16_MAX; wire++) {
        unsigned char bytes[DM_FRAME_HEAD] = { 0 };
        bytes[4] = (unsigned char)wire;
        bytes[5] = (unsigned char)(wire >> 8);
        struct dm_frame_head head;
        known += dm_frame_head_parse(bytes, &head);
    }
    assert_int_equal(known, DM_COUNT(kinds));
    assert_string_equal(dm_frame_name((enum dm_frame_kind)9999), "?");
    assert_string_equal(dm_frame_name(DM_FRAME_PAGE_END), "PAGE_END");
}

static void a_reserved_field_must_be_zero(void **state)
{
    DM_AUTO(dm_buf) buf = sample();
    struct dm_frame_head head;
    struct dm_str payload;
    for (size_t i = 6; i < 8; i++) {
        buf.at[i] = 1;
        assert_int_equal(dm_frame_take(dm_buf_str(&buf), &head, &payload), DM_FRAME_BAD);
        buf.at[i] = 0;
    }
    assert_int_equal(dm_frame_take(dm_buf_str(&buf), &head, &payload), DM_FRAME_WHOLE);
}

static void several_frames_are_taken_one_by_one(void **state)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(256);
    for (uint32_t i = 1; i <= 3; i++) {
        size_t begun = dm_frame_begin(&buf, DM_FRAME_OPENED, i);
        dm_frame_add_u32(&buf, i * 10);
        dm_frame_end(&buf, begun);
    }
    struct dm_str rest = dm_buf_str(&buf);
    for (uint32_t i = 1; i <= 3; i++) {
        struct dm_frame_head head;
        struct dm_str payload;
        assert_int_equal(dm_frame_take(rest, &head, &payload), DM_FRAME_WHOLE);
        assert_int_equal(head.number, i);
        rest = dm_str_from(rest, DM_FRAME_HEAD + payload.len);
    }
    assert_int_equal(rest.len, 0);
}

static void a_frame_that_grew_too_long_is_not_sent(void **state)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(1024);
    size_t begun = dm_frame_begin(&buf, DM_FRAME_FAILED, 1);
    dm_frame_add_u32(&buf, 1);
    dm_frame_end(&buf, begun);
    assert_true(buf.failed);
}

static void every_failure_has_a_code_and_nothing_else_has(void **state)
{
    unsigned known = 0;
    for (unsigned wire = 0; wire < 256; wire++) {
        enum dm_code code = DM_OK;
        if (!dm_frame_failure_code(wire, &code))
            continue;
        assert_int_not_equal(code, DM_OK);
        known++;
    }
#define COUNT(name, wire, code) +1
    assert_int_equal(known, 0 DM_FRAME_FAILURES(COUNT));
#undef COUNT
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(the_bytes_are_those_of_the_documentation),
        cmocka_unit_test(a_frame_cut_at_any_byte_is_not_there_yet),
        cmocka_unit_test(fields_cut_at_any_byte_fail_and_stay_failed),
        cmocka_unit_test(a_length_over_the_kinds_limit_is_no_frame),
        cmocka_unit_test(a_kind_that_does_not_exist_is_no_frame),
        cmocka_unit_test(a_reserved_field_must_be_zero),
        cmocka_unit_test(several_frames_are_taken_one_by_one),
        cmocka_unit_test(a_frame_that_grew_too_long_is_not_sent),
        cmocka_unit_test(every_failure_has_a_code_and_nothing_else_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
