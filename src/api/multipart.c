/* multipart.c: the parser of multipart.h.
 *
 * A delimiter is CRLF, "--" and the boundary. Its first byte occurs in it nowhere else, so after a mismatch only
 * the very next byte can begin it again, and what had matched was data: no byte is ever looked at twice, and what must be
 * remembered from one piece to the next is one number. */
#include "multipart.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "fields.h"

enum { PADDING_MAX = 64, PART_MEMORY_MAX = 256 * 1024 };

static bool is_boundary_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("'()+_,-./:=? ", c) != NULL);
}

enum dm_code dm_multipart_start(struct dm_multipart *parser, struct dm_str content_type,
                                const struct dm_multipart_ops *ops, void *self, struct dm_err *err)
{
    DM_AUTO(dm_buf) boundary = dm_buf_make(DM_BOUNDARY_MAX);
    bool found = dm_media_parameter(content_type, DM_STR("boundary"), &boundary);
    for (size_t i = 0; found && i < boundary.len; i++)
        found = is_boundary_char(boundary.at[i]);
    if (!found || boundary.len == 0 || boundary.at[boundary.len - 1] == ' ')
        return dm_fail(err, DM_INVALID,
                       "Content-Type must name the boundary of the form: 1 to %d of the characters of RFC 2046",
                       DM_BOUNDARY_MAX);
    *parser = (struct dm_multipart){ .ops = ops, .self = self, .head = dm_buf_make(DM_PART_HEAD_MAX) };
    memcpy(parser->delimiter, "\r\n--", 4);
    memcpy(parser->delimiter + 4, boundary.at, boundary.len);
    parser->delimiter_len = 4 + boundary.len;
    parser->matched = 2; /* the body's start counts as the start of a line */
    return DM_OK;
}

void dm_multipart_free(struct dm_multipart *parser)
{
    dm_buf_free(&parser->head);
}

static void fail(struct dm_multipart *parser, const char *format, ...) DM_PRINTF(2, 3);

static void fail(struct dm_multipart *parser, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->error, sizeof(parser->error), format, arguments);
    va_end(arguments);
    parser->state = DM_MP_FAILED;
}

/* ---- a part's header fields ---------------------------------------------------------------------------- */

/* Text in whatever bytes the client had, as UTF-8: what is not valid is taken for Latin-1. */
static struct dm_str as_utf8(struct dm_arena *arena, struct dm_str text)
{
    if (dm_str_is_utf8(text))
        return dm_arena_str(arena, text);
    char *at = dm_arena_alloc(arena, 2 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; at && i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0x80)
            at[len++] = (char)(0xc0 | c >> 6);
        at[len++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return (struct dm_str){ at, at ? len : 0 };
}

/* The value of name="…" as browsers write it: they escape the quotation mark as %22 or with a backslash, and
 * leave backslashes of Windows paths alone. */
static bool take_quoted(struct dm_str *rest, struct dm_buf *ret)
{
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"') {
            *rest = dm_str_trim(dm_str_from(*rest, i + 1));
            return !ret->failed;
        }
        if (c == '\\' && i + 1 < rest->len && (rest->at[i + 1] == '"' || rest->at[i + 1] == '\\')) {
            c = rest->at[++i];
        } else if (c == '%' && dm_str_eq(dm_str_cut(*rest, i, 3), DM_STR("%22"))) {
            c = '"';
            i += 2;
        }
        dm_buf_add_char(ret, c);
    }
    return false;
}

static bool take_parameter(struct dm_str *rest, struct dm_str *ret_name, struct dm_buf *ret_value)
{
    if (rest->len == 0 || rest->at[0] != ';')
        return false;
    *rest = dm_str_trim(dm_str_from(*rest, 1));
    size_t equals = dm_str_find_char(*rest, '=');
    if (equals == rest->len)
        return false;
    *ret_name = dm_str_trim(dm_str_cut(*rest, 0, equals));
    *rest = dm_str_trim(dm_str_from(*rest, equals + 1));
    dm_buf_clear(ret_value);
    if (rest->len > 0 && rest->at[0] == '"') {
        *rest = dm_str_from(*rest, 1);
        return take_quoted(rest, ret_value);
    }
    size_t end = dm_str_find_char(*rest, ';');
    dm_buf_add(ret_value, dm_str_trim(dm_str_cut(*rest, 0, end)));
    *rest = dm_str_from(*rest, end);
    return ret_value->len > 0 && !ret_value->failed;
}

/* filename*=UTF-8''na%20me (RFC 8187). False: malformed, or a charset that is neither UTF-8 nor Latin-1. */
static bool decode_extended(struct dm_arena *arena, struct dm_str value, struct dm_str *ret)
{
    size_t first = dm_str_find_char(value, '\'');
    size_t second = first + 1 + dm_str_find_char(dm_str_from(value, first + 1), '\'');
    struct dm_str charset = dm_str_cut(value, 0, first);
    bool utf8 = dm_str_eq_nocase(charset, DM_STR("UTF-8"));
    if (second >= value.len || (!utf8 && !dm_str_eq_nocase(charset, DM_STR("ISO-8859-1"))))
        return false;
    DM_AUTO(dm_buf) bytes = dm_buf_make(DM_PART_HEAD_MAX);
    if (!dm_buf_add_percent_decoded(&bytes, dm_str_from(value, second + 1), false) ||
        (utf8 && !dm_str_is_utf8(dm_buf_str(&bytes))))
        return false;
    *ret = as_utf8(arena, dm_buf_str(&bytes));
    return ret->at != NULL;
}

static bool read_disposition(struct dm_multipart *parser, struct dm_str value, struct dm_arena *arena,
                             struct dm_part *part)
{
    struct dm_str rest = dm_str_from(value, dm_media_bare(value).len);
    DM_AUTO(dm_buf) text = dm_buf_make(DM_PART_HEAD_MAX);
    bool has_extended = false;
    if (!dm_str_eq_nocase(dm_media_bare(value), DM_STR("form-data")))
        return false;
    rest = dm_str_trim(rest);
    while (rest.len > 0) {
        struct dm_str name;
        if (!take_parameter(&rest, &name, &text))
            return false;
        if (dm_str_eq_nocase(name, DM_STR("name"))) {
            if (part->name.at)
                return false;
            part->name = as_utf8(arena, dm_buf_str(&text));
        } else if (dm_str_eq_nocase(name, DM_STR("filename*"))) {
            has_extended = decode_extended(arena, dm_buf_str(&text), &part->filename);
            if (!has_extended)
                return false;
            part->has_filename = true;
        } else if (dm_str_eq_nocase(name, DM_STR("filename"))) {
            part->has_filename = true;
            if (!has_extended)
                part->filename = as_utf8(arena, dm_buf_str(&text));
        }
    }
    return part->name.at != NULL;
}

static bool keeps_bytes(struct dm_str encoding)
{
    return dm_str_eq_nocase(encoding, DM_STR("binary")) || dm_str_eq_nocase(encoding, DM_STR("8bit")) ||
           dm_str_eq_nocase(encoding, DM_STR("7bit"));
}

static bool read_field(struct dm_multipart *parser, struct dm_str line, struct dm_arena *arena, struct dm_part *part)
{
    size_t colon = dm_str_find_char(line, ':');
    struct dm_str name = dm_str_cut(line, 0, colon);
    struct dm_str value = dm_str_trim(dm_str_from(line, colon + 1));
    if (colon == line.len || colon == 0 || line.at[0] == ' ' || line.at[0] == '\t' ||
        dm_str_trim(name).len != name.len || dm_str_find_char(line, '\0') < line.len ||
        dm_str_find_char(line, '\r') < line.len) {
        fail(parser, "a part of the form has a header line that is no header field");
        return false;
    }
    if (dm_str_eq_nocase(name, DM_STR("content-disposition"))) {
        if (part->name.at || !read_disposition(parser, value, arena, part)) {
            fail(parser, "a part of the form has a Content-Disposition that docmill cannot read; "
                         "it should be form-data; name=\"…\"");
            return false;
        }
    } else if (dm_str_eq_nocase(name, DM_STR("content-type"))) {
        part->type = value;
    } else if (dm_str_eq_nocase(name, DM_STR("content-transfer-encoding")) && !keeps_bytes(value)) {
        fail(parser, "a part of the form is sent in base64 or another encoding; send the bytes as they are");
        return false;
    }
    return true;
}

/* parser->head holds the fields, each line with its CRLF, without the empty line. */
static void read_head(struct dm_multipart *parser)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(PART_MEMORY_MAX);
    struct dm_part part = { 0 };
    struct dm_str rest = dm_buf_str(&parser->head);
    uint32_t fields = 0;
    if (++parser->parts > DM_PARTS_MAX) {
        fail(parser, "the form has more than %d parts", DM_PARTS_MAX);
        return;
    }
    while (rest.len > 0) {
        size_t end = dm_str_find(rest, DM_STR("\r\n"));
        if (++fields > DM_PART_FIELDS_MAX) {
            fail(parser, "a part of the form has more than %d header fields", DM_PART_FIELDS_MAX);
            return;
        }
        if (!read_field(parser, dm_str_cut(rest, 0, end), &arena, &part))
            return;
        rest = dm_str_from(rest, end + 2);
    }
    if (!part.name.at) {
        fail(parser, "a part of the form has no Content-Disposition with a name");
        return;
    }
    parser->state = DM_MP_DATA;
    parser->ops->begin(parser->self, &part);
}

/* ---- the body -------------------------------------------------------------------------------------------- */

/* Data, or preamble, that is known not to be the start of a delimiter. */
static void pass(struct dm_multipart *parser, struct dm_str bytes)
{
    if (!bytes.len)
        return;
    if (parser->state == DM_MP_DATA) {
        parser->ops->data(parser->self, bytes);
        return;
    }
    parser->skipped += bytes.len;
    if (parser->skipped > DM_PREAMBLE_MAX)
        fail(parser, "the body does not begin with the boundary that Content-Type names");
}

static void delimiter_found(struct dm_multipart *parser)
{
    if (parser->state == DM_MP_DATA)
        parser->ops->end(parser->self);
    parser->state = DM_MP_LINE_END;
    parser->matched = parser->line_end_len = parser->skipped = 0;
}

/* Looks for the delimiter; returns how many bytes were used. `carried` is what of the match stands in earlier
 * pieces: it was held back there, and is passed on from the delimiter itself when it turns out to be data. */
static size_t scan(struct dm_multipart *parser, struct dm_str bytes)
{
    size_t carried = parser->matched;
    size_t at = 0;
    for (;;) {
        if (parser->matched == 0)
            at += dm_str_find_char(dm_str_from(bytes, at), '\r');
        if (at >= bytes.len)
            break;
        if (bytes.at[at] == parser->delimiter[parser->matched]) {
            at++;
            if (++parser->matched < parser->delimiter_len)
                continue;
            pass(parser, dm_str_cut(bytes, 0, at - (parser->matched - carried)));
            if (parser->state != DM_MP_FAILED)
                delimiter_found(parser);
            return at;
        }
        pass(parser, dm_str_of(parser->delimiter, carried));
        carried = parser->matched = 0;
        if (parser->state == DM_MP_FAILED)
            return bytes.len;
    }
    pass(parser, dm_str_cut(bytes, 0, bytes.len - (parser->matched - carried)));
    return bytes.len;
}

/* Behind a delimiter: "--" ends the form, CRLF begins a part; blanks between are padding. */
static size_t line_end(struct dm_multipart *parser, struct dm_str bytes)
{
    char c = bytes.at[0];
    if (parser->line_end_len == 0 && (c == ' ' || c == '\t')) {
        if (++parser->skipped > PADDING_MAX)
            fail(parser, "a boundary of the form is followed by too many blanks");
        return 1;
    }
    parser->line_end[parser->line_end_len++] = c;
    bool ends = parser->line_end[0] == '-' && parser->skipped == 0;
    if ((parser->line_end[0] != '\r' && !ends) || (parser->line_end_len == 2 && c != (ends ? '-' : '\n'))) {
        fail(parser, "a boundary of the form is followed by neither a line end nor \"--\"");
    } else if (parser->line_end_len == 2) {
        parser->state = ends ? DM_MP_EPILOGUE : DM_MP_HEAD;
        dm_buf_clear(&parser->head);
    }
    return 1;
}

/* Gathers the header fields up to the empty line. */
static size_t gather_head(struct dm_multipart *parser, struct dm_str bytes)
{
    size_t newline = dm_str_find_char(bytes, '\n');
    size_t used = newline < bytes.len ? newline + 1 : bytes.len;
    dm_buf_add(&parser->head, dm_str_cut(bytes, 0, used));
    struct dm_str head = dm_buf_str(&parser->head);
    if (parser->head.failed) {
        fail(parser, "the header fields of a part of the form are over %d bytes", DM_PART_HEAD_MAX);
    } else if (head.len && head.at[head.len - 1] == '\n') {
        if (!dm_str_ends(head, DM_STR("\r\n"))) {
            fail(parser, "a header line of a part of the form ends without CR");
        } else if (head.len == 2 || dm_str_ends(head, DM_STR("\r\n\r\n"))) {
            dm_buf_cut(&parser->head, head.len - 2);
            read_head(parser);
        }
    }
    return used;
}

enum dm_code dm_multipart_feed(struct dm_multipart *parser, struct dm_str bytes, struct dm_err *err)
{
    while (bytes.len > 0 && parser->state != DM_MP_FAILED && parser->state != DM_MP_EPILOGUE) {
        size_t used = parser->state == DM_MP_LINE_END ? line_end(parser, bytes)
                      : parser->state == DM_MP_HEAD   ? gather_head(parser, bytes)
                                                      : scan(parser, bytes);
        bytes = dm_str_from(bytes, used);
    }
    return parser->state == DM_MP_FAILED ? dm_fail(err, DM_INVALID, "%s", parser->error) : DM_OK;
}

enum dm_code dm_multipart_finish(struct dm_multipart *parser, struct dm_err *err)
{
    if (parser->state == DM_MP_EPILOGUE)
        return DM_OK;
    if (parser->state != DM_MP_FAILED)
        fail(parser, "the form ends before its last boundary: the upload was cut off");
    return dm_fail(err, DM_INVALID, "%s", parser->error);
}
