/* encode.c: bytes as text and back: base64url, percent signs, hexadecimal digits; and numbers as text. */
#include "base/encode.h"

#include <stdio.h>
#include <string.h>

#include "fuzz.h"

enum { ROOM = 4 << 20 };

static void check_base64(struct dm_str bytes)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) back = dm_buf_make(ROOM);
    dm_buf_add_base64url(&text, bytes);
    EXPECT(!text.failed && fuzz_is_plain_ascii(dm_buf_str(&text)));
    EXPECT(dm_buf_add_base64url_decoded(&back, dm_buf_str(&text)));
    EXPECT(dm_str_eq(dm_buf_str(&back), bytes));
    dm_buf_clear(&text);
    dm_buf_clear(&back);
    /* There is one text per value: what can be read is what would be written. */
    if (dm_buf_add_base64url_decoded(&back, bytes)) {
        dm_buf_add_base64url(&text, dm_buf_str(&back));
        EXPECT(dm_str_eq(dm_buf_str(&text), bytes));
    }
    dm_buf_clear(&text);
    dm_buf_clear(&back);
    dm_buf_add_base64(&text, bytes);
    EXPECT(dm_buf_add_base64_decoded(&back, dm_buf_str(&text)) && dm_str_eq(dm_buf_str(&back), bytes));
    dm_buf_clear(&text);
    dm_buf_clear(&back);
    if (dm_buf_add_base64_decoded(&back, bytes)) {
        dm_buf_add_base64(&text, dm_buf_str(&back));
        EXPECT(dm_str_eq(dm_buf_str(&text), bytes));
    }
}

static void check_percent(struct dm_str bytes, bool keep_slash)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) back = dm_buf_make(ROOM);
    dm_buf_add_percent(&text, bytes, keep_slash);
    struct dm_str written = dm_buf_str(&text);
    EXPECT(!text.failed && fuzz_is_plain_ascii(written));
    EXPECT(keep_slash || dm_str_find_char(written, '/') == written.len);
    EXPECT(dm_buf_add_percent_decoded(&back, written, !keep_slash));
    EXPECT(dm_str_eq(dm_buf_str(&back), bytes));
    dm_buf_clear(&back);
    if (dm_buf_add_percent_decoded(&back, bytes, false))
        EXPECT(back.len <= bytes.len);
}

static void check_hex(struct dm_str bytes)
{
    char text[2 * 64 + 1];
    struct dm_str some = dm_str_cut(bytes, 0, 64);
    dm_hex_text(some.at, some.len, text);
    EXPECT(strlen(text) == 2 * some.len);
    for (size_t i = 0; i < some.len; i++) {
        unsigned value;
        EXPECT(sscanf(text + 2 * i, "%2x", &value) == 1 && value == (unsigned char)some.at[i]);
    }
}

static void check_numbers(struct dm_str text)
{
    uint64_t plain = 7;
    int64_t with_sign = 7;
    char again[32];
    if (dm_str_to_u64(text, &plain)) {
        snprintf(again, sizeof(again), "%llu", (unsigned long long)plain);
        struct dm_str digits = text;
        while (digits.len > 1 && digits.at[0] == '0')
            digits = dm_str_from(digits, 1);
        EXPECT(dm_str_eq(digits, dm_str_z(again)));
    } else {
        EXPECT(plain == 7);
    }
    if (dm_str_to_i64(text, &with_sign)) {
        int64_t back;
        snprintf(again, sizeof(again), "%lld", (long long)with_sign);
        EXPECT(dm_str_to_i64(dm_str_z(again), &back) && back == with_sign);
    } else {
        EXPECT(with_sign == 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str bytes = input_rest(&input);
    check_base64(bytes);
    check_percent(bytes, true);
    check_percent(bytes, false);
    check_hex(bytes);
    check_numbers(bytes);
    input_free(&input);
    return 0;
}
