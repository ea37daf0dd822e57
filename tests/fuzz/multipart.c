/* multipart.c: a form, fed as a whole, byte by byte, and in pieces that the input names: all three must tell the same.
 *
 * Line 1: Content-Type. Line 2: sizes of the pieces, a character each ('1' to '9', others count as their byte). Then
 * the body. */
#include "api/multipart.h"

#include "fuzz.h"

enum { STORY_MAX = 1 << 20 };

struct reader {
    struct dm_buf story; /* all that was called, data joined */
    uint32_t parts;
    bool open;
};

static void add_text(struct dm_buf *story, struct dm_str text)
{
    EXPECT(dm_str_is_utf8(text));
    dm_buf_addf(story, "%zu:", text.len);
    dm_buf_add(story, text);
}

static void on_begin(void *self, const struct dm_part *part)
{
    struct reader *reader = self;
    EXPECT(!reader->open);
    EXPECT(part->has_filename || part->filename.len == 0);
    reader->open = true;
    EXPECT(++reader->parts <= DM_PARTS_MAX);
    dm_buf_add_z(&reader->story, part->has_filename ? "<file " : "<");
    add_text(&reader->story, part->name);
    add_text(&reader->story, part->filename);
    dm_buf_add(&reader->story, part->type);
    dm_buf_add_char(&reader->story, '>');
}

static void on_data(void *self, struct dm_str bytes)
{
    struct reader *reader = self;
    EXPECT(reader->open);
    EXPECT(bytes.len > 0);
    dm_buf_add(&reader->story, bytes);
}

static void on_end(void *self)
{
    struct reader *reader = self;
    EXPECT(reader->open);
    reader->open = false;
    dm_buf_add_z(&reader->story, "</>");
}

static size_t piece_size(struct dm_str sizes, size_t n)
{
    if (sizes.len == 0)
        return 1;
    unsigned char c = (unsigned char)sizes.at[n % sizes.len];
    return c >= '1' && c <= '9' ? (size_t)(c - '0') : (size_t)c + 1;
}

/* Feeds the body in pieces; `sizes` NULL: all at once. What it had to say ends up in the reader's story. */
static enum dm_code read_form(struct dm_str type, const struct dm_str *sizes, struct dm_str body, struct reader *ret)
{
    static const struct dm_multipart_ops ops = { on_begin, on_data, on_end };
    struct dm_multipart parser;
    struct dm_err err = { .code = DM_OK };
    *ret = (struct reader){ .story = dm_buf_make(STORY_MAX) };
    enum dm_code rc = dm_multipart_start(&parser, type, &ops, ret, &err);
    if (rc != DM_OK)
        return rc;
    for (size_t at = 0, n = 0; rc == DM_OK && at < body.len; n++) {
        struct dm_str piece = dm_str_cut(body, at, sizes ? piece_size(*sizes, n) : body.len);
        struct input alone = input_of(NULL, 0);
        rc = dm_multipart_feed(&parser, input_copy(&alone, piece), &err);
        input_free(&alone);
        at += piece.len;
    }
    if (rc == DM_OK)
        rc = dm_multipart_finish(&parser, &err);
    EXPECT(rc == DM_OK || rc == DM_INVALID);
    if (rc == DM_OK)
        EXPECT(!ret->open);
    else
        dm_buf_add_z(&ret->story, err.text);
    dm_multipart_free(&parser);
    return rc;
}

static void expect_same(enum dm_code rc, const struct reader *whole, enum dm_code other_rc, struct reader *other)
{
    EXPECT(rc == other_rc);
    EXPECT(whole->parts == other->parts);
    EXPECT(dm_str_eq(dm_buf_str(&whole->story), dm_buf_str(&other->story)));
    dm_buf_free(&other->story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str type = input_line(&input);
    struct dm_str sizes = input_line(&input);
    struct dm_str body = input_rest(&input);
    struct reader whole, other;
    const struct dm_str ones = DM_STR("1");
    enum dm_code rc = read_form(type, NULL, body, &whole);
    enum dm_code other_rc = read_form(type, &ones, body, &other);
    expect_same(rc, &whole, other_rc, &other);
    other_rc = read_form(type, &sizes, body, &other);
    expect_same(rc, &whole, other_rc, &other);
    dm_buf_free(&whole.story);
    input_free(&input);
    return 0;
}
