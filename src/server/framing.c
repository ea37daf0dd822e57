/* framing.c: where a request ends is decided once, and by everybody alike.
 *
 * Behind a proxy, connections carry requests of many clients. Whoever can make the proxy and this server disagree about
 * where one request ends can put words into the next client's mouth (request smuggling). The HTTP library reads
 * leniently: it takes the first of two lengths, prefers chunks to a length, waits for ever for a transfer encoding that it does
 * not know, and cuts a value at a NUL byte. So all of that is refused before it matters, and the connection closed. */
#include <string.h>

#include "connection.h"

/* RFC 9110, 5.6.2: what a field's name is made of. "Content-Length " with a blank would be another field to us, and the
 * length of the body to a more lenient reader. */
static bool is_token(struct dm_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.len > 0;
}

static bool is_clean(struct dm_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < 0x20 && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return true;
}

/* The library ends lines with NUL bytes in place of CR and LF and takes a value's length from its first NUL. In its buffer
 * the fields lie as they came, one behind the other, two bytes apart: a larger gap is a value cut short at a NUL of its own,
 * or a line folded over several (which it gathers elsewhere), a smaller one a line that ended in LF alone. */
static bool has_gap(const struct dm_head *head, const struct dm_layout *layout)
{
    uintptr_t start = (uintptr_t)layout->method;
    uintptr_t end = (uintptr_t)layout->version + strlen(layout->version);
    if (layout->url && (uintptr_t)layout->version - (uintptr_t)layout->url != head->target.len + 1)
        return true;
    for (uint32_t i = 0; i < head->header_count; i++) {
        const struct dm_header *header = &head->headers[i];
        uintptr_t name = (uintptr_t)header->name.at;
        uintptr_t value = (uintptr_t)header->value.at;
        if (name != end + 2 || value < name + header->name.len + 1)
            return true;
        end = value + header->value.len;
    }
    return layout->head_size && end - start + 4 != layout->head_size;
}

const char *dm_framing_fault(const struct dm_head *head, struct dm_str version, const struct dm_layout *layout)
{
    uint32_t lengths = 0;
    uint32_t encodings = 0;
    uint32_t hosts = 0;
    bool chunked = false;
    for (uint32_t i = 0; i < head->header_count; i++) {
        const struct dm_header *header = &head->headers[i];
        if (!is_token(header->name) || !is_clean(header->value))
            return "A header field has a name or value with characters that do not belong there.";
        if (dm_str_eq_nocase(header->name, DM_STR("content-length"))) {
            uint64_t length;
            lengths++;
            if (!dm_str_to_u64(header->value, &length) || length > INT64_MAX)
                return "Content-Length must be a plain number.";
        } else if (dm_str_eq_nocase(header->name, DM_STR("transfer-encoding"))) {
            encodings++;
            chunked = dm_str_eq_nocase(header->value, DM_STR("chunked"));
        } else if (dm_str_eq_nocase(header->name, DM_STR("host"))) {
            hosts++;
        }
    }
    if (layout && has_gap(head, layout))
        return "The head of the request holds NUL bytes, folded lines, or lines that end without CR.";
    if (lengths > 1 || encodings > 1 || hosts > 1)
        return "Content-Length, Transfer-Encoding and Host may be given once each.";
    if (encodings && lengths)
        return "A request has either Content-Length or Transfer-Encoding.";
    if (encodings && !chunked)
        return "The only Transfer-Encoding there is here is chunked.";
    if (encodings && dm_str_eq(version, DM_STR("HTTP/1.0")))
        return "HTTP/1.0 has no Transfer-Encoding.";
    if (!hosts && dm_str_eq(version, DM_STR("HTTP/1.1")))
        return "A request must name its Host.";
    return NULL;
}

int64_t dm_framing_body(const struct dm_head *head)
{
    for (uint32_t i = 0; i < head->header_count; i++) {
        const struct dm_header *header = &head->headers[i];
        uint64_t length;
        if (dm_str_eq_nocase(header->name, DM_STR("transfer-encoding")))
            return DM_BODY_UNKNOWN;
        if (dm_str_eq_nocase(header->name, DM_STR("content-length")) && dm_str_to_u64(header->value, &length))
            return (int64_t)length;
    }
    return 0;
}
