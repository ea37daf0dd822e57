/* xml.c: the layer over expat. Texts that it lets through are written and read once more. */
#include "aws/xml.h"

#include "fuzz.h"

struct seen {
    uint32_t elements;
    struct dm_buf last;
};

static enum dm_code take(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct seen *seen = context;
    uint32_t depth = 1;
    for (size_t i = 0; i < path.len; i++)
        depth += path.at[i] == '/';
    EXPECT(path.len > 0 && depth <= DM_AWS_XML_DEPTH_MAX && text.len <= DM_AWS_XML_TEXT_MAX);
    EXPECT(dm_str_is_utf8(path) && dm_str_is_utf8(text));
    EXPECT(++seen->elements <= DM_AWS_XML_ELEMENTS_MAX);
    dm_buf_clear(&seen->last);
    dm_buf_add(&seen->last, text);
    return DM_OK;
}

static enum dm_code read_text(struct dm_str text, struct seen *seen)
{
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_aws_xml_read(text, "the answer", take, seen, &err);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT || rc == DM_NO_MEMORY);
    EXPECT(rc == DM_OK || fuzz_is_plain_ascii(dm_str_z(err.text)));
    return rc;
}

/* Whatever is UTF-8 and fit for XML comes back as it was. */
static void check_round(struct dm_str text)
{
    struct seen seen = { .last = dm_buf_make(DM_AWS_XML_TEXT_MAX + 1) };
    DM_AUTO(dm_buf) written = dm_buf_make(8 * DM_AWS_XML_TEXT_MAX);
    dm_buf_add_z(&written, "<a>");
    dm_aws_xml_add_text(&written, text);
    dm_buf_add_z(&written, "</a>");
    if (!written.failed && text.len <= DM_AWS_XML_TEXT_MAX && fuzz_is_plain_utf8(text) &&
        read_text(dm_buf_str(&written), &seen) == DM_OK)
        EXPECT(dm_str_eq(dm_buf_str(&seen.last), text));
    dm_buf_free(&seen.last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str text = input_rest(&input);
    struct seen seen = { .last = dm_buf_make(DM_AWS_XML_TEXT_MAX + 1) };
    if (read_text(text, &seen) == DM_OK)
        EXPECT(seen.elements > 0);
    dm_buf_free(&seen.last);
    check_round(text);
    input_free(&input);
    return 0;
}
