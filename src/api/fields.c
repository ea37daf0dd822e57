/* fields.c: header fields. Each parser takes what its standard allows and refuses or ignores the rest; none
 * of them allocates. */
#include "fields.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool dm_request_id_sane(struct dm_str text)
{
    if (text.len < 1 || text.len > 128)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(text.at[i]) && text.at[i] != '.' && text.at[i] != '_' && text.at[i] != '-')
            return false;
    return true;
}

/* ---- traceparent: 00-<32 hex>-<16 hex>-<2 hex> ------------------------------------------------------- */

static bool is_hex(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.at[i] >= '0' && text.at[i] <= '9') || (text.at[i] >= 'a' && text.at[i] <= 'f')))
            return false;
    return true;
}

static bool all_zero(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '0')
            return false;
    return true;
}

bool dm_traceparent_valid(struct dm_str text)
{
    if (text.len < 55 || text.at[2] != '-' || text.at[35] != '-' || text.at[52] != '-')
        return false;
    struct dm_str version = dm_str_cut(text, 0, 2);
    struct dm_str trace = dm_str_cut(text, 3, 32);
    struct dm_str parent = dm_str_cut(text, 36, 16);
    if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(dm_str_cut(text, 53, 2)))
        return false;
    if (dm_str_eq(version, DM_STR("ff")) || all_zero(trace) || all_zero(parent))
        return false;
    return text.len == 55 || (!dm_str_eq(version, DM_STR("00")) && text.at[55] == '-');
}

void dm_traceparent_child(struct dm_str text, const unsigned char parent[8], char ret[DM_TRACE_TEXT])
{
    memcpy(ret, "00", 2);
    memcpy(ret + 2, text.at + 2, 53);
    dm_hex_text(parent, 8, ret + 36);
    ret[52] = '-';
    ret[55] = '\0';
}

/* ---- Accept -------------------------------------------------------------------------------------------- */

/* Quality in thousandths; 1000 where it is not said, -1 where it is malformed. */
static int quality(struct dm_str parameters)
{
    struct dm_str part;
    while (dm_str_next(&parameters, ';', &part)) {
        part = dm_str_trim(part);
        if (part.len < 3 || (part.at[0] | 0x20) != 'q' || part.at[1] != '=')
            continue;
        struct dm_str digits = dm_str_from(part, 2);
        if (digits.len > 5 || (digits.at[0] != '0' && digits.at[0] != '1') || (digits.len > 1 && digits.at[1] != '.'))
            return -1;
        int value = (digits.at[0] - '0') * 1000;
        static const int weight[] = { 100, 10, 1 };
        for (size_t i = 2; i < digits.len; i++) {
            if (digits.at[i] < '0' || digits.at[i] > '9')
                return -1;
            value += (digits.at[i] - '0') * weight[i - 2];
        }
        return value > 1000 ? -1 : value;
    }
    return 1000;
}

/* How closely a range of the header fits a type: 3 the type itself, 2 all its subtypes, 1 anything, 0 not. */
static int closeness(struct dm_str range, struct dm_str type)
{
    if (dm_str_eq_nocase(range, type))
        return 3;
    if (dm_str_eq(range, DM_STR("*/*")))
        return 1;
    size_t slash = dm_str_find_char(type, '/');
    return range.len == slash + 2 && range.at[slash + 1] == '*' &&
                   dm_str_eq_nocase(dm_str_cut(range, 0, slash + 1), dm_str_cut(type, 0, slash + 1))
               ? 2
               : 0;
}

/* The quality that the closest range gives the type; 0 where none fits. */
static int quality_of(struct dm_str accept, struct dm_str type)
{
    int best = 0;
    int best_quality = 0;
    struct dm_str item;
    while (dm_str_next(&accept, ',', &item)) {
        size_t semicolon = dm_str_find_char(item, ';');
        int close = closeness(dm_str_trim(dm_str_cut(item, 0, semicolon)), type);
        int q = quality(dm_str_from(item, semicolon + 1));
        if (close > best && q >= 0) {
            best = close;
            best_quality = q;
        }
    }
    return best_quality;
}

int dm_accept_best(struct dm_str accept, const struct dm_str *offered, int count)
{
    if (dm_str_trim(accept).len == 0)
        return 0;
    int best = -1;
    int best_quality = 0;
    for (int i = 0; i < count; i++) {
        int q = quality_of(accept, offered[i]);
        if (q > best_quality) {
            best = i;
            best_quality = q;
        }
    }
    return best;
}

/* ---- entity tags ----------------------------------------------------------------------------------------- */

static struct dm_str without_weakness(struct dm_str etag)
{
    return dm_str_starts(etag, DM_STR("W/")) ? dm_str_from(etag, 2) : etag;
}

bool dm_etag_listed(struct dm_str list, struct dm_str etag)
{
    struct dm_str wanted = without_weakness(etag);
    struct dm_str item;
    /* docmill's own tags hold no comma, so splitting at commas cannot tear one of them. */
    while (dm_str_next(&list, ',', &item)) {
        item = dm_str_trim(item);
        if (dm_str_eq(item, DM_STR("*")) || dm_str_eq(without_weakness(item), wanted))
            return true;
    }
    return false;
}

bool dm_etag_same(struct dm_str one, struct dm_str etag)
{
    return dm_str_starts(etag, DM_STR("\"")) && dm_str_eq(dm_str_trim(one), etag);
}

/* ---- Range ----------------------------------------------------------------------------------------------- */

enum dm_range_kind dm_range_parse(struct dm_str value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
    value = dm_str_trim(value);
    size_t equals = dm_str_find_char(value, '=');
    if (!dm_str_eq_nocase(dm_str_cut(value, 0, equals), DM_STR("bytes")))
        return DM_RANGE_NONE;
    struct dm_str set = dm_str_trim(dm_str_from(value, equals + 1));
    size_t hyphen = dm_str_find_char(set, '-');
    struct dm_str first_text = dm_str_trim(dm_str_cut(set, 0, hyphen));
    struct dm_str last_text = dm_str_trim(dm_str_from(set, hyphen + 1));
    uint64_t first = 0;
    uint64_t last = 0;
    if (hyphen == set.len || (first_text.len && !dm_str_to_u64(first_text, &first)) ||
        (last_text.len && !dm_str_to_u64(last_text, &last)) || (!first_text.len && !last_text.len))
        return DM_RANGE_NONE;
    if (!first_text.len) {
        /* The last so many bytes. */
        if (last == 0 || size == 0)
            return DM_RANGE_UNSATISFIABLE;
        *ret_length = last < size ? last : size;
        *ret_first = size - *ret_length;
        return DM_RANGE_PART;
    }
    if (!last_text.len)
        last = UINT64_MAX;
    if (first > last)
        return DM_RANGE_NONE;
    if (first >= size)
        return DM_RANGE_UNSATISFIABLE;
    if (last >= size)
        last = size - 1;
    *ret_first = first;
    *ret_length = last - first + 1;
    return DM_RANGE_PART;
}

/* ---- media types and their parameters ------------------------------------------------------------------ */

struct dm_str dm_media_bare(struct dm_str value)
{
    return dm_str_trim(dm_str_cut(value, 0, dm_str_find_char(value, ';')));
}

/* Takes a quoted string off `*rest`, which begins behind the opening mark. */
static bool take_quoted(struct dm_str *rest, struct dm_buf *ret)
{
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"') {
            *rest = dm_str_from(*rest, i + 1);
            return true;
        }
        if (c == '\\' && i + 1 < rest->len)
            c = rest->at[++i];
        if (ret)
            dm_buf_add_char(ret, c);
    }
    return false;
}

bool dm_media_parameter(struct dm_str value, struct dm_str name, struct dm_buf *ret)
{
    struct dm_str rest = dm_str_from(value, dm_str_find_char(value, ';'));
    while (rest.len > 0 && rest.at[0] == ';') {
        rest = dm_str_trim(dm_str_from(rest, 1));
        size_t equals = dm_str_find_char(rest, '=');
        bool wanted = dm_str_eq_nocase(dm_str_trim(dm_str_cut(rest, 0, equals)), name);
        if (equals == rest.len)
            return false;
        rest = dm_str_from(rest, equals + 1);
        if (rest.len > 0 && rest.at[0] == '"') {
            rest = dm_str_from(rest, 1);
            if (!take_quoted(&rest, wanted ? ret : NULL))
                return false;
            if (wanted)
                return !ret->failed;
            rest = dm_str_from(rest, dm_str_find_char(rest, ';'));
            continue;
        }
        size_t end = dm_str_find_char(rest, ';');
        if (wanted) {
            dm_buf_add(ret, dm_str_trim(dm_str_cut(rest, 0, end)));
            return !ret->failed;
        }
        rest = dm_str_from(rest, end);
    }
    return false;
}

/* ---- Host -------------------------------------------------------------------------------------------------- */

static bool is_port(struct dm_str text)
{
    uint64_t port;
    return text.len <= 5 && dm_str_to_u64(text, &port) && port <= 65535;
}

bool dm_host_split(struct dm_str text, struct dm_str *ret_name, struct dm_str *ret_port)
{
    struct dm_str name;
    struct dm_str rest;
    if (text.len > 0 && text.at[0] == '[') {
        size_t end = dm_str_find_char(text, ']');
        if (end == text.len)
            return false;
        name = dm_str_cut(text, 1, end - 1);
        rest = dm_str_from(text, end + 1);
        for (size_t i = 0; i < name.len; i++)
            if (!is_alphanumeric(name.at[i]) && name.at[i] != ':' && name.at[i] != '.')
                return false;
    } else {
        size_t colon = dm_str_find_char(text, ':');
        name = dm_str_cut(text, 0, colon);
        rest = dm_str_from(text, colon);
        for (size_t i = 0; i < name.len; i++)
            if (!is_alphanumeric(name.at[i]) && name.at[i] != '-' && name.at[i] != '.' && name.at[i] != '_')
                return false;
    }
    if (name.len < 1 || name.len > 255 || (rest.len > 0 && (rest.at[0] != ':' || !is_port(dm_str_from(rest, 1)))))
        return false;
    *ret_name = name;
    *ret_port = dm_str_from(rest, 1);
    return true;
}

bool dm_host_is_loopback(struct dm_str name)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in_addr v4;
    struct in6_addr v6;
    static const struct dm_str ending = DM_STR_INIT(".localhost");
    if (dm_str_eq_nocase(name, DM_STR("localhost")) ||
        (name.len > ending.len && dm_str_eq_nocase(dm_str_from(name, name.len - ending.len), ending)))
        return true;
    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.at, name.len);
    if (inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* ---- Content-Disposition ----------------------------------------------------------------------------------- */

void dm_add_disposition(struct dm_buf *buf, struct dm_str name)
{
    dm_buf_add_z(buf, "attachment; filename=\"");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool plain = is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || c == ' ' || c == '(' || c == ')';
        dm_buf_add_char(buf, plain ? c : '_');
    }
    dm_buf_add_z(buf, "\"; filename*=UTF-8''");
    dm_buf_add_percent(buf, name, false);
}
