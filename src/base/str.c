/* str.c: slices. */
#include "base/str.h"

#include "base/alloc.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct dm_str dm_str_trim(struct dm_str s)
{
    while (s.len > 0 && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool dm_str_eq_nocase(struct dm_str a, struct dm_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool dm_str_eq_secret(struct dm_str a, struct dm_str b)
{
    if (a.len != b.len)
        return false;
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference = (unsigned char)(difference | (unsigned char)(a.at[i] ^ b.at[i]));
    return difference == 0;
}

int dm_str_compare(struct dm_str a, struct dm_str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool dm_str_starts(struct dm_str s, struct dm_str prefix)
{
    return s.len >= prefix.len && dm_str_eq(dm_str_cut(s, 0, prefix.len), prefix);
}

bool dm_str_ends(struct dm_str s, struct dm_str suffix)
{
    return s.len >= suffix.len && dm_str_eq(dm_str_from(s, s.len - suffix.len), suffix);
}

size_t dm_str_find_char(struct dm_str s, char c)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.at) : s.len;
}

size_t dm_str_find(struct dm_str s, struct dm_str needle)
{
    if (needle.len == 0)
        return 0;
    const char *hit = s.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    return hit ? (size_t)(hit - s.at) : s.len;
}

bool dm_str_next(struct dm_str *rest, char separator, struct dm_str *ret_part)
{
    if (!rest->at)
        return false;
    size_t end = dm_str_find_char(*rest, separator);
    *ret_part = dm_str_cut(*rest, 0, end);
    if (end == rest->len)
        *rest = (struct dm_str){ NULL, 0 };
    else
        *rest = (struct dm_str){ rest->at + end + 1, rest->len - end - 1 };
    return true;
}

bool dm_str_to_u64(struct dm_str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value))
            return false;
    }
    *ret_value = value;
    return true;
}

bool dm_str_to_i64(struct dm_str s, int64_t *ret_value)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    uint64_t magnitude;
    if (!dm_str_to_u64(negative ? dm_str_from(s, 1) : s, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool dm_str_is_utf8(struct dm_str s)
{
    const unsigned char *p = (const unsigned char *)(s.at ? s.at : "");
    const unsigned char *end = p + s.len;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
        if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) <= more)
            return false;
        uint32_t value = *p & (0x3fU >> more);
        for (unsigned i = 1; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
            value = value << 6 | (p[i] & 0x3fU);
        }
        if ((more == 2 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff))) ||
            (more == 3 && (value < 0x10000 || value > 0x10ffff)))
            return false;
        p += more + 1;
    }
    return true;
}

char *dm_str_dup_z(struct dm_str s)
{
    char *copy = dm_alloc(s.len + 1);
    if (!copy)
        return NULL;
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return copy;
}
