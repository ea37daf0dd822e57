/* params.c: every parameter of every route, as text. Line 1 begins with the parameter's number as a letter ('A' for the
 * first); what follows it on the line and after is the value. */
#include "api/params.h"

#include <string.h>

#include "base/calendar.h"
#include "base/json.h"
#include "domain/ranges.h"
#include "domain/status.h"
#include "fuzz.h"

enum { MEMORY = 8 << 20 };

/* What goes on one line of an event stream, and is what the client wrote. */
static void check_object(struct dm_str given, struct dm_str kept)
{
    json_auto_t *before = NULL;
    json_auto_t *after = NULL;
    EXPECT(kept.len <= given.len);
    EXPECT(dm_str_find_char(kept, '\n') == kept.len && dm_str_find_char(kept, '\r') == kept.len);
    EXPECT(dm_json_parse(given, "before", &before, NULL) == DM_OK);
    EXPECT(dm_json_parse(kept, "after", &after, NULL) == DM_OK);
    EXPECT(json_is_object(after) && json_equal(before, after));
}

static void check_value(const struct dm_param_row *row, struct dm_str given, const struct dm_param_value *value)
{
    char text[DM_TIME_TEXT];
    switch (row->kind) {
    case DM_KIND_TEXT:
    case DM_KIND_SECRET:
        EXPECT(fuzz_is_plain_utf8(value->text));
        EXPECT(value->text.len >= (size_t)row->least && value->text.len <= (size_t)row->most);
        break;
    case DM_KIND_TENANT:
        EXPECT(fuzz_is_plain_ascii(value->text) && value->text.len >= 1 && value->text.len <= DM_TENANT_MAX);
        break;
    case DM_KIND_OBJECT:
        check_object(given, value->text);
        break;
    case DM_KIND_NUMBER:
        EXPECT(value->number >= row->least && value->number <= row->most);
        break;
    case DM_KIND_BOOLEAN:
        EXPECT(value->number == 0 || value->number == 1);
        break;
    case DM_KIND_INSTANT:
        EXPECT(dm_time_text(value->number, text).len == DM_TIME_TEXT - 1);
        break;
    case DM_KIND_STATUS:
        EXPECT(dm_str_eq(dm_str_z(dm_status_text((enum dm_status)value->number)), given));
        break;
    case DM_KIND_FILES:
        EXPECT(fuzz_is_plain_ascii(value->text) && value->text.len >= DM_ID_TEXT - 1);
        break;
    case DM_KIND_PAGES:
    case DM_KIND_PROFILE:
        break;
    case DM_KIND_FILE:
    case DM_KIND_LATER:
        EXPECT(!"these are never accepted as text");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    enum dm_param param = (enum dm_param)((input_u8(&input) - 'A') % DM_PARAM_COUNT & 0x7f);
    struct dm_str text = input_rest(&input);
    DM_AUTO(dm_arena) arena = dm_arena_make(MEMORY);
    struct dm_param_value value = { .number = 77 }, again;
    struct dm_err err;
    if (param >= DM_PARAM_COUNT)
        param = DM_PARAM_METADATA;
    const struct dm_param_row *row = dm_param_row(param);
    enum dm_code rc = dm_param_parse(param, text, &arena, &value, &err);
    if (rc == DM_OK) {
        EXPECT(value.given);
        check_value(row, text, &value);
        /* What was let through is let through again, and means the same. */
        EXPECT(dm_param_parse(param, value.text, &arena, &again, &err) == DM_OK);
        EXPECT(again.number == value.number && dm_str_eq(again.text, value.text));
    } else {
        EXPECT(rc == DM_INVALID && err.text[0] && !value.given && value.number == 77);
    }
    input_free(&input);
    return 0;
}
