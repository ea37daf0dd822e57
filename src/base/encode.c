/* encode.c: RFC 4648 and RFC 3986 codecs. */
#include "base/encode.h"

void dm_hex_text(const void *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    text[2 * size] = '\0';
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Of the last group only the letters that say something. */
static void add_letters(struct dm_buf *buf, struct dm_str bytes, const char *alphabet)
{
    const unsigned char *from = (const unsigned char *)bytes.at;
    char *room = bytes.len <= buf->max ? dm_buf_reserve(buf, (bytes.len * 4 + 2) / 3) : NULL;
    if (!room) {
        buf->failed = true;
        return;
    }
    size_t size = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)from[i] << 16;
        if (have > 1)
            group |= (uint32_t)from[i + 1] << 8;
        if (have > 2)
            group |= from[i + 2];
        for (size_t k = 0; k <= have; k++)
            room[size++] = alphabet[group >> (18 - 6 * k) & 63];
    }
    dm_buf_grown(buf, size);
}

void dm_buf_add_base64url(struct dm_buf *buf, struct dm_str bytes)
{
    add_letters(buf, bytes, base64url);
}

void dm_buf_add_base64(struct dm_buf *buf, struct dm_str bytes)
{
    static const struct dm_str padding[] = { DM_STR_INIT(""), DM_STR_INIT("=="), DM_STR_INIT("=") };
    add_letters(buf, bytes, base64);
    dm_buf_add(buf, padding[bytes.len % 3]);
}

static int letter_value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

static bool add_decoded(struct dm_buf *buf, struct dm_str text, const char *alphabet)
{
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t have = text.len - i < 4 ? text.len - i : 4;
        uint32_t group = 0;
        for (size_t k = 0; k < have; k++) {
            int value = letter_value(text.at[i + k], alphabet);
            if (value < 0)
                return false;
            group |= (uint32_t)value << (18 - 6 * k);
        }
        /* Bits past the last whole byte must be zero: one text per value, so a token cannot be respelled. */
        if (group & ((1U << (24 - 8 * (have - 1))) - 1))
            return false;
        for (size_t k = 0; k + 1 < have; k++)
            dm_buf_add_char(buf, (char)(group >> (16 - 8 * k) & 255));
    }
    return !buf->failed;
}

bool dm_buf_add_base64url_decoded(struct dm_buf *buf, struct dm_str text)
{
    return add_decoded(buf, text, base64url);
}

bool dm_buf_add_base64_decoded(struct dm_buf *buf, struct dm_str text)
{
    if (text.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && dm_str_ends(text, DM_STR("=")); i++)
        text.len--;
    return add_decoded(buf, text, base64);
}

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void dm_buf_add_percent(struct dm_buf *buf, struct dm_str text, bool keep_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (unreserved(c) || (keep_slash && c == '/'))
            dm_buf_add_char(buf, c);
        else
            dm_buf_addf(buf, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool dm_buf_add_percent_decoded(struct dm_buf *buf, struct dm_str text, bool plus_is_space)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        dm_buf_add_char(buf, c);
    }
    return !buf->failed;
}
