/* json.c: JSON from outside, and any bytes as a JSON string. */
#include "base/json.h"

#include "fuzz.h"

enum { ROOM = 4 << 20 };

static void check_value(const json_t *value)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) again = dm_buf_make(ROOM);
    json_auto_t *back = NULL;
    dm_json_add(&text, value);
    EXPECT(!text.failed && fuzz_is_plain_utf8(dm_buf_str(&text)));
    EXPECT(dm_json_parse(dm_buf_str(&text), "what was written", &back, NULL) == DM_OK);
    EXPECT(json_equal(value, back));
    dm_json_add(&again, back);
    EXPECT(dm_str_eq(dm_buf_str(&text), dm_buf_str(&again)));
}

static void check_string(struct dm_str bytes)
{
    DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
    json_auto_t *value = NULL;
    json_auto_t *made = dm_json_string(bytes);
    EXPECT(made != NULL);
    dm_buf_add_json_string(&text, bytes);
    EXPECT(!text.failed && fuzz_is_plain_utf8(dm_buf_str(&text)));
    if (dm_str_find_char(bytes, '\0') < bytes.len)
        return; /* NUL is written, and refused by every reader */
    EXPECT(dm_json_parse(dm_buf_str(&text), "a string", &value, NULL) == DM_OK);
    EXPECT(json_is_string(value) && json_equal(value, made));
    struct dm_str read = dm_str_of(json_string_value(value), json_string_length(value));
    EXPECT(dm_str_is_utf8(read));
    if (dm_str_is_utf8(bytes))
        EXPECT(dm_str_eq(read, bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str text = input_rest(&input);
    json_auto_t *value = NULL;
    struct dm_err err;
    enum dm_code rc = dm_json_parse(text, "the text", &value, &err);
    if (rc == DM_OK) {
        EXPECT(value != NULL);
        check_value(value);
    } else {
        EXPECT(rc == DM_INVALID && value == NULL && fuzz_is_plain_ascii(dm_str_z(err.text)));
    }
    check_string(text);
    input_free(&input);
    return 0;
}
