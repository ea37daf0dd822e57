/* fields.c: header fields of requests. Line 1: the field's value. Line 2: what it is asked about (an entity tag, a media
 * type, a parameter's name). Then 8 bytes of size for ranges. */
#include "api/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "fuzz.h"

enum { ROOM = 1 << 20 };

static void check_trace(struct dm_str value)
{
    static const unsigned char parent[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    char child[DM_TRACE_TEXT];
    if (!dm_traceparent_valid(value))
        return;
    dm_traceparent_child(value, parent, child);
    struct dm_str text = dm_str_z(child);
    EXPECT(text.len == DM_TRACE_TEXT - 1 && dm_traceparent_valid(text));
    EXPECT(dm_str_eq(dm_str_cut(text, 3, 32), dm_str_cut(value, 3, 32)));
}

static void check_range(struct dm_str value, uint64_t size)
{
    uint64_t first = 7, length = 7, first_again, length_again;
    char text[64];
    enum dm_range_kind kind = dm_range_parse(value, size, &first, &length);
    if (kind != DM_RANGE_PART) {
        EXPECT(first == 7 && length == 7);
        return;
    }
    EXPECT(length > 0 && first < size && length <= size - first);
    snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)first,
             (unsigned long long)(first + length - 1));
    EXPECT(dm_range_parse(dm_str_z(text), size, &first_again, &length_again) == DM_RANGE_PART);
    EXPECT(first_again == first && length_again == length);
}

static void check_accept(struct dm_str value, struct dm_str type)
{
    const struct dm_str offered[] = { type, DM_STR("application/json"), DM_STR("text/markdown") };
    int best = dm_accept_best(value, offered, DM_COUNT(offered));
    EXPECT(best >= -1 && best < (int)DM_COUNT(offered));
    if (best >= 0) /* the best of all is also acceptable alone */
        EXPECT(dm_accept_best(value, &offered[best], 1) == 0);
}

static void check_etags(struct dm_str value, struct dm_str etag)
{
    /* docmill's own tags hold no comma and no white space at their ends. */
    if (dm_str_find_char(etag, ',') < etag.len || dm_str_trim(etag).len != etag.len)
        return;
    bool listed = dm_etag_listed(value, etag);
    if (dm_etag_same(value, etag))
        EXPECT(listed);
}

/* A value written by the rules of quoted strings is read as it was. */
static void check_quoted(struct dm_str value)
{
    DM_AUTO(dm_buf) written = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) read = dm_buf_make(ROOM);
    dm_buf_add_z(&written, "a/b; other=\"x;y\\\"=\" ; Name=\"");
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\')
            dm_buf_add_char(&written, '\\');
        dm_buf_add_char(&written, value.at[i]);
    }
    dm_buf_add_z(&written, "\"; z=1");
    EXPECT(dm_media_parameter(dm_buf_str(&written), DM_STR("name"), &read));
    EXPECT(dm_str_eq(dm_buf_str(&read), value));
}

static void check_parameter(struct dm_str value, struct dm_str name)
{
    DM_AUTO(dm_buf) found = dm_buf_make(ROOM);
    struct dm_str bare = dm_media_bare(value);
    EXPECT(dm_str_find_char(bare, ';') == bare.len);
    if (!dm_media_parameter(value, name, &found))
        return;
    EXPECT(found.len <= value.len);
}

static void check_host(struct dm_str value)
{
    struct dm_str name, port, name_again, port_again;
    DM_AUTO(dm_buf) joined = dm_buf_make(ROOM);
    if (!dm_host_split(value, &name, &port))
        return;
    EXPECT(name.len > 0 && fuzz_is_plain_ascii(name) && dm_str_find_char(name, '/') == name.len);
    bool colons = dm_str_find_char(name, ':') < name.len || value.at[0] == '[';
    dm_buf_addf(&joined, colons ? "[%.*s]" : "%.*s", DM_STR_ARG(name));
    if (port.len)
        dm_buf_addf(&joined, ":%.*s", DM_STR_ARG(port));
    EXPECT(dm_host_split(dm_buf_str(&joined), &name_again, &port_again));
    EXPECT(dm_str_eq(name, name_again) && dm_str_eq(port, port_again));
    if (dm_host_is_loopback(name))
        EXPECT(dm_str_ends(name, DM_STR("1")) || dm_str_starts(name, DM_STR("127.")) || name.len >= 9);
}

/* Nothing of a name can end the field; the extended form is the name again. */
static void check_disposition(struct dm_str name)
{
    static const struct dm_str mark = DM_STR_INIT("filename*=UTF-8''");
    DM_AUTO(dm_buf) field = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) decoded = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) plain = dm_buf_make(ROOM);
    dm_add_disposition(&field, name);
    struct dm_str text = dm_buf_str(&field);
    EXPECT(!field.failed && fuzz_is_plain_ascii(text));
    EXPECT(dm_buf_add_percent_decoded(&decoded, dm_str_from(text, dm_str_find(text, mark) + mark.len), false));
    EXPECT(dm_str_eq(dm_buf_str(&decoded), name));
    EXPECT(dm_media_parameter(text, DM_STR("filename"), &plain));
    EXPECT(plain.len == name.len || dm_str_trim(dm_buf_str(&plain)).len <= name.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str value = input_line(&input);
    struct dm_str other = input_line(&input);
    uint64_t bytes = input_u64(&input);
    if (dm_request_id_sane(value))
        EXPECT(fuzz_is_plain_ascii(value) && value.len <= 128);
    check_trace(value);
    check_range(value, bytes);
    check_range(value, other.len);
    check_accept(value, other);
    check_etags(value, other);
    check_quoted(value);
    check_parameter(value, other);
    check_host(value);
    check_disposition(value);
    input_free(&input);
    return 0;
}
