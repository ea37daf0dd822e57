/* frame.c: bytes of the helper's protocol. Reads nothing past what it is given, whatever the bytes say. */
#include "base/frame.h"

#include <string.h>

#include "base/check.h"

static const struct {
    enum dm_frame_kind kind;
    uint32_t max;
    const char *name;
} kinds[] = {
#define DM_FRAME_ROW(name, wire, max, meaning) { DM_FRAME_##name, (max), #name },
    DM_FRAMES(DM_FRAME_ROW)
#undef DM_FRAME_ROW
};

/* The row of a number from outside, or DM_COUNT(kinds). */
static size_t row_of(unsigned wire)
{
    size_t row = 0;
    while (row < DM_COUNT(kinds) && (unsigned)kinds[row].kind != wire)
        row++;
    return row;
}

uint32_t dm_frame_max(enum dm_frame_kind kind)
{
    size_t row = row_of((unsigned)kind);
    DM_CHECK(row < DM_COUNT(kinds));
    return kinds[row].max;
}

const char *dm_frame_name(enum dm_frame_kind kind)
{
    size_t row = row_of((unsigned)kind);
    return row < DM_COUNT(kinds) ? kinds[row].name : "?";
}

bool dm_frame_failure_code(unsigned wire, enum dm_code *ret)
{
    static const struct {
        unsigned wire;
        enum dm_code code;
    } failures[] = {
#define DM_FRAME_FAILURE_ROW(name, wire, code) { (wire), (code) },
        DM_FRAME_FAILURES(DM_FRAME_FAILURE_ROW)
#undef DM_FRAME_FAILURE_ROW
    };
    for (size_t i = 0; i < DM_COUNT(failures); i++) {
        if (failures[i].wire != wire)
            continue;
        *ret = failures[i].code;
        return true;
    }
    return false;
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool dm_frame_head_parse(const unsigned char bytes[DM_FRAME_HEAD], struct dm_frame_head *ret)
{
    uint32_t size = get_u32(bytes);
    size_t row = row_of(bytes[4] | (unsigned)bytes[5] << 8);
    if (row == DM_COUNT(kinds) || bytes[6] != 0 || bytes[7] != 0 || size > kinds[row].max)
        return false;
    *ret = (struct dm_frame_head){ .kind = kinds[row].kind, .number = get_u32(bytes + 8), .size = size };
    return true;
}

void dm_frame_head_write(struct dm_frame_head head, unsigned char bytes[DM_FRAME_HEAD])
{
    put_u32(bytes, head.size);
    bytes[4] = (unsigned char)head.kind;
    bytes[5] = (unsigned char)((unsigned)head.kind >> 8);
    bytes[6] = bytes[7] = 0;
    put_u32(bytes + 8, head.number);
}

enum dm_frame_fit dm_frame_take(struct dm_str bytes, struct dm_frame_head *ret_head, struct dm_str *ret_payload)
{
    if (bytes.len < DM_FRAME_HEAD)
        return DM_FRAME_MORE;
    struct dm_frame_head head;
    if (!dm_frame_head_parse((const unsigned char *)bytes.at, &head))
        return DM_FRAME_BAD;
    if (bytes.len - DM_FRAME_HEAD < head.size)
        return DM_FRAME_MORE;
    *ret_head = head;
    *ret_payload = dm_str_cut(bytes, DM_FRAME_HEAD, head.size);
    return DM_FRAME_WHOLE;
}

size_t dm_frame_begin(struct dm_buf *buf, enum dm_frame_kind kind, uint32_t number)
{
    unsigned char bytes[DM_FRAME_HEAD];
    size_t begun = buf->len;
    dm_frame_head_write((struct dm_frame_head){ .kind = kind, .number = number }, bytes);
    dm_buf_add(buf, dm_str_of(bytes, sizeof(bytes)));
    return begun;
}

void dm_frame_add_u8(struct dm_buf *buf, uint8_t value)
{
    dm_buf_add(buf, dm_str_of(&value, 1));
}

void dm_frame_add_u32(struct dm_buf *buf, uint32_t value)
{
    unsigned char bytes[4];
    put_u32(bytes, value);
    dm_buf_add(buf, dm_str_of(bytes, sizeof(bytes)));
}

void dm_frame_add_u64(struct dm_buf *buf, uint64_t value)
{
    dm_frame_add_u32(buf, (uint32_t)value);
    dm_frame_add_u32(buf, (uint32_t)(value >> 32));
}

void dm_frame_add_f32(struct dm_buf *buf, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    dm_frame_add_u32(buf, bits);
}

void dm_frame_end(struct dm_buf *buf, size_t begun)
{
    if (buf->failed)
        return;
    struct dm_frame_head head;
    unsigned char *bytes = (unsigned char *)buf->at + begun;
    size_t size = buf->len - begun - DM_FRAME_HEAD;
    DM_CHECK(dm_frame_head_parse(bytes, &head));
    if (size > dm_frame_max(head.kind)) {
        buf->failed = true;
        return;
    }
    put_u32(bytes, (uint32_t)size);
}

/* The next `count` bytes, or NULL once one was missing. */
static const unsigned char *take(struct dm_frame_fields *fields, size_t count)
{
    if (fields->failed || fields->rest.len < count) {
        fields->failed = true;
        return NULL;
    }
    const unsigned char *at = (const unsigned char *)fields->rest.at;
    fields->rest = dm_str_from(fields->rest, count);
    return at;
}

uint8_t dm_frame_u8(struct dm_frame_fields *fields)
{
    const unsigned char *at = take(fields, 1);
    return at ? *at : 0;
}

uint32_t dm_frame_u32(struct dm_frame_fields *fields)
{
    const unsigned char *at = take(fields, 4);
    return at ? get_u32(at) : 0;
}

uint64_t dm_frame_u64(struct dm_frame_fields *fields)
{
    uint64_t low = dm_frame_u32(fields);
    uint64_t high = dm_frame_u32(fields);
    return fields->failed ? 0 : high << 32 | low;
}

float dm_frame_f32(struct dm_frame_fields *fields)
{
    uint32_t bits = dm_frame_u32(fields);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool dm_frame_fields_done(const struct dm_frame_fields *fields)
{
    return !fields->failed && fields->rest.len == 0;
}
