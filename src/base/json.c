/* json.c: jansson with docmill's memory, buffers and errors. */
#include "base/json.h"

#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

/* jansson's reader does not look whether the buffer for a string could grow: it goes on with what it has, misses the
 * quotation mark at the string's end, and writes past its memory. So it never hears of an allocation that failed: reading
 * is left on the spot, and what it had allocated by then is given back here. Hence the head before every block.
 *
 * Blocks are strung together only while they are read; the heads of what reading returned say nothing any more. */
struct links {
    struct links *before, *after;
};

struct block {
    struct links links;
    max_align_t bytes[];
};

struct reading {
    struct links ring; /* everything allocated by now */
    jmp_buf out_of_memory;
};

static _Thread_local struct reading *reading;

static void *allocate(size_t size)
{
    struct block *block = size <= SIZE_MAX - sizeof(*block) ? dm_alloc(sizeof(*block) + size) : NULL;
    if (!reading)
        return block ? block->bytes : NULL;
    if (!block)
        longjmp(reading->out_of_memory, 1);
    block->links = (struct links){ &reading->ring, reading->ring.after };
    block->links.before->after = block->links.after->before = &block->links;
    return block->bytes;
}

static void release(void *bytes)
{
    if (!bytes)
        return;
    struct block *block = (struct block *)((char *)bytes - offsetof(struct block, bytes));
    if (reading) {
        block->links.before->after = block->links.after;
        block->links.after->before = block->links.before;
    }
    dm_free(block);
}

void dm_json_setup(void)
{
    json_set_alloc_funcs(allocate, release);
    json_object_seed(1);
}

static void release_all(struct reading *of)
{
    while (of->ring.after != &of->ring) {
        struct links *first = of->ring.after;
        of->ring.after = first->after;
        dm_free(first); /* the head of its block */
    }
}

/* False: memory is out. */
static bool read_value(struct dm_str text, json_t **ret, json_error_t *why)
{
    struct reading here = { .ring = { &here.ring, &here.ring } };
    DM_CHECK(!reading);
    reading = &here;
    if (setjmp(here.out_of_memory) == 0) {
        *ret = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, why);
        reading = NULL;
        return true;
    }
    reading = NULL;
    release_all(&here);
    return false;
}

enum dm_code dm_json_parse(struct dm_str text, const char *what, json_t **ret, struct dm_err *err)
{
    json_error_t why;
    json_t *value;
    if (!read_value(text, &value, &why))
        return dm_fail_memory(err);
    if (!value) {
        /* "… near 'text'" quotes the input, which may be a secret or a document's text. */
        struct dm_str reason = dm_str_z(why.text);
        reason = dm_str_cut(reason, 0, dm_str_find(reason, DM_STR(" near '")));
        return dm_fail(err, DM_INVALID, "%s is not valid JSON at line %d, column %d: %.*s", what, why.line, why.column,
                       DM_STR_ARG(reason));
    }
    *ret = value;
    return DM_OK;
}

static int append(const char *bytes, size_t size, void *buf)
{
    dm_buf_add(buf, dm_str_of(bytes, size));
    return ((struct dm_buf *)buf)->failed ? -1 : 0;
}

void dm_json_add(struct dm_buf *buf, const json_t *value)
{
    if (json_dump_callback(value, append, buf, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        buf->failed = true;
}

/* Bytes of the valid UTF-8 sequence at the start of `s`, or 0. */
static size_t sequence_length(struct dm_str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (dm_str_is_utf8(dm_str_cut(s, 0, len)))
            return len;
    return 0;
}

static void add_valid_utf8(struct dm_buf *buf, struct dm_str text)
{
    while (text.len > 0) {
        size_t len = sequence_length(text);
        dm_buf_add(buf, len ? dm_str_cut(text, 0, len) : DM_STR("\xef\xbf\xbd"));
        text = dm_str_from(text, len ? len : 1);
    }
}

/* A control character, which a terminal might obey: ASCII's, or U+0080 to U+009F. */
static bool is_control(const char *sequence, size_t len)
{
    unsigned char c = (unsigned char)sequence[0];
    return c < 0x20 || c == 0x7f || (len == 2 && c == 0xc2 && (unsigned char)sequence[1] < 0xa0);
}

void dm_buf_add_json_string(struct dm_buf *buf, struct dm_str text)
{
    dm_buf_add_char(buf, '"');
    size_t plain = 0; /* length of the run that needs no escape */
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        size_t len = c < 0x80 ? 1 : sequence_length(dm_str_from(text, i));
        if (len > 0 && c != '"' && c != '\\' && !is_control(text.at + i, len)) {
            i += len - 1;
            plain += len;
            continue;
        }
        dm_buf_add(buf, dm_str_cut(text, i - plain, plain));
        plain = 0;
        if (len == 0)
            dm_buf_add_z(buf, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            dm_buf_addf(buf, "\\%c", c);
        else if (c == '\n')
            dm_buf_add_z(buf, "\\n");
        else
            dm_buf_addf(buf, "\\u%04x", len == 2 ? (unsigned)(unsigned char)text.at[++i] : (unsigned)c);
    }
    dm_buf_add(buf, dm_str_cut(text, text.len - plain, plain));
    dm_buf_add_char(buf, '"');
}

json_t *dm_json_string(struct dm_str text)
{
    if (dm_str_is_utf8(text))
        return json_stringn_nocheck(text.at ? text.at : "", text.len);
    DM_AUTO(dm_buf) valid = dm_buf_make(text.len * 3 + 1);
    add_valid_utf8(&valid, text);
    return valid.failed ? NULL : json_stringn_nocheck(dm_buf_z(&valid), valid.len);
}

struct dm_str dm_json_str(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return json_is_string(member) ? dm_str_of(json_string_value(member), json_string_length(member)) : DM_STR("");
}

int64_t dm_json_int(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *member = json_object_get(object, name);
    return json_is_integer(member) ? json_integer_value(member) : fallback;
}
