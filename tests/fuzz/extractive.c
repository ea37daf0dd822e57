/* extractive.c: the built-in model reads any bytes as a page, and what it said of it as a document.
 *
 * Of text in Latin letters all is checked that the unit tests check of every page (unit/models/rig.c), which includes that an
 * entity's text stands where it is said to. Other text may hold what is never shown (control and formatting characters), so
 * there only the place itself is looked at. */
#include "models/rig.h"

#include "fuzz.h"

enum { DIGESTS = 3, POINTS_MAX = 16 };

static void check_reduction(struct dm_extractive *model, const json_t *page)
{
    struct dm_str points[POINTS_MAX];
    uint32_t count = 0;
    size_t i;
    json_t *one;
    struct dm_page_digest digests[DIGESTS];
    struct dm_buf reduction;
    struct dm_err err;
    json_array_foreach (json_object_get(page, "keyPoints"), i, one)
        if (count < POINTS_MAX)
            points[count++] = dm_str_of(json_string_value(one), json_string_length(one));
    for (uint32_t n = 0; n < DIGESTS; n++)
        digests[n] = (struct dm_page_digest){ n * 7 + 1, dm_json_str(page, "summary"), points, count, 0 };
    EXPECT(dm_extractive_reduction(model, digests, DIGESTS, &reduction, NULL, &err) == DM_OK);
    json_auto_t *whole = NULL;
    EXPECT(!reduction.failed && dm_json_parse(dm_buf_str(&reduction), "it", &whole, NULL) == DM_OK);
    EXPECT(json_is_string(json_object_get(whole, "summary")) && json_is_array(json_object_get(whole, "keyPoints")));
    json_array_foreach (json_object_get(whole, "keyPoints"), i, one)
        EXPECT(dm_json_str(one, "text").len > 0 && json_array_size(json_object_get(one, "pages")) > 0);
    dm_buf_free(&reduction);
}

/* ASCII and letters up to U+033F, and no control characters but white space. */
static bool is_latin(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == 0x7f || c == 0xc2 || c > 0xcc || (c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f'))
            return false;
    }
    return dm_str_is_utf8(text);
}

static json_t *read_any(void **model, struct dm_str text)
{
    DM_AUTO(dm_buf) bytes = rig_bytes(model, text);
    json_t *page = NULL, *one;
    size_t i;
    EXPECT(dm_json_parse(dm_buf_str(&bytes), "it", &page, NULL) == DM_OK);
    json_array_foreach (json_object_get(page, "entities"), i, one) {
        int64_t offset = dm_json_int(one, "offset", -1), length = dm_json_int(one, "length", -1);
        EXPECT(dm_json_str(one, "text").len > 0 && dm_json_str(one, "type").len > 0);
        EXPECT(offset >= 0 && length > 0 && offset + length <= (int64_t)text.len);
    }
    EXPECT(json_is_string(json_object_get(page, "summary")) && json_is_array(json_object_get(page, "keyPoints")));
    return page;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *model;
    if (!model)
        EXPECT(rig_open(&model) == 0);
    struct input input = input_of(data, size);
    struct dm_str text = input_rest(&input);
    json_auto_t *page = is_latin(text) ? rig_read(&model, text) : read_any(&model, text);
    check_reduction(model, page);
    DM_AUTO(dm_buf) once = rig_bytes(&model, text);
    DM_AUTO(dm_buf) twice = rig_bytes(&model, text);
    EXPECT(dm_str_is_utf8(dm_buf_str(&once)) && dm_str_eq(dm_buf_str(&once), dm_buf_str(&twice)));
    input_free(&input);
    return 0;
}
