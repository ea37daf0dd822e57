/* plain.c: where the pages of a plain text begin, and what stands on them.
 *
 * The file may be long; it is read through a window and never held as a whole. */
#include "plain.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum { WINDOW = 256 << 10 };

struct plain {
    int fd;
    uint64_t size;
    bool latin;
    uint64_t *ends; /* page n is [n ? starts of n : first, ends[n]) */
    uint64_t *starts;
    uint32_t count;
    uint32_t room;
    uint64_t window_at;
    size_t window_len;
    char window[WINDOW];
};

/* At least `want` bytes from `at` on, fewer only at the end of the file; empty on a read error. */
static struct dm_str view(struct plain *plain, uint64_t at, size_t want)
{
    if (at >= plain->size)
        return DM_STR("");
    if (want > plain->size - at)
        want = (size_t)(plain->size - at);
    if (at < plain->window_at || at + want > plain->window_at + plain->window_len) {
        plain->window_at = at;
        plain->window_len = 0;
        while (plain->window_len < WINDOW) {
            ssize_t got = pread(plain->fd, plain->window + plain->window_len, WINDOW - plain->window_len,
                                (off_t)(at + plain->window_len));
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                break;
            plain->window_len += (size_t)got;
        }
    }
    return dm_str_from(dm_str_of(plain->window, plain->window_len), (size_t)(at - plain->window_at));
}

/* Looks at every byte once: NUL is no text, and what is not UTF-8 as a whole is Latin as a whole. */
static enum dm_code look_through(struct plain *plain, struct dm_err *err)
{
    for (uint64_t at = 0; at < plain->size;) {
        struct dm_str part = view(plain, at, WINDOW);
        if (part.len == 0)
            return dm_fail(err, DM_IO, "the text cannot be read at byte %llu", (unsigned long long)at);
        if (dm_str_find_char(part, '\0') < part.len)
            return dm_fail(err, DM_UNSUPPORTED, "not plain text: it holds NUL bytes");
        if (!plain->latin && at + part.len < plain->size) {
            /* A character may be cut by the window's end: leave its bytes to the next one. */
            size_t keep = part.len;
            while (keep > 0 && part.len - keep < 4 && ((unsigned char)part.at[keep - 1] & 0xc0) == 0x80)
                keep--;
            if (keep > 0 && (unsigned char)part.at[keep - 1] >= 0xc0)
                keep--;
            if (keep > 0)
                part.len = keep;
        }
        if (!plain->latin && !dm_str_is_utf8(part))
            plain->latin = true;
        at += part.len;
    }
    return DM_OK;
}

static bool is_blank(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] > ' ')
            return false;
    return true;
}

struct page_end {
    uint64_t end;
    uint64_t next; /* where the page after it starts: past a form feed */
};

/* Where the page that starts at `start` ends. */
static struct page_end find_end(struct plain *plain, uint64_t start)
{
    struct dm_str text = view(plain, start, PLAIN_PAGE_BYTES_MAX);
    size_t soft = 0; /* where it ends if no form feed follows */
    size_t blank = 0;
    unsigned characters = 0;
    unsigned rows = 0;
    unsigned columns = 0;
    size_t at = 0;
    for (; at < text.len && characters < PLAIN_PAGE_FEED; at++) {
        unsigned char c = (unsigned char)text.at[at];
        if (c == '\f')
            return (struct page_end){ start + at, start + at + 1 };
        if (!plain->latin && (c & 0xc0) == 0x80)
            continue;
        characters++;
        columns++;
        if (c == ' ' || c == '\t')
            blank = at + 1;
        bool line_end = c == '\n' || (c == '\r' && !(at + 1 < text.len && text.at[at + 1] == '\n'));
        if (line_end || columns == PLAIN_COLUMNS) {
            rows++;
            columns = 0;
        }
        if (soft == 0 && ((line_end && characters >= PLAIN_PAGE) || (columns == 0 && rows >= PLAIN_PAGE_ROWS)))
            soft = at + 1;
        if (soft == 0 && characters >= PLAIN_PAGE_HARD)
            soft = blank ? blank : at;
        if (rows >= PLAIN_PAGE_ROWS)
            break;
    }
    if (soft == 0 || start + soft > plain->size)
        soft = at;
    /* Never within a character. */
    while (!plain->latin && soft < text.len && soft > 1 && ((unsigned char)text.at[soft] & 0xc0) == 0x80)
        soft--;
    return (struct page_end){ start + soft, start + soft };
}

static bool add_page(struct plain *plain, uint64_t start, uint64_t end)
{
    if (plain->count == plain->room) {
        uint32_t room = plain->room ? plain->room * 2 : 64;
        uint64_t *starts = dm_realloc(plain->starts, room * sizeof(uint64_t));
        if (starts)
            plain->starts = starts;
        uint64_t *ends = starts ? dm_realloc(plain->ends, room * sizeof(uint64_t)) : NULL;
        if (!ends)
            return false;
        plain->ends = ends;
        plain->room = room;
    }
    plain->starts[plain->count] = start;
    plain->ends[plain->count++] = end;
    return true;
}

static enum dm_code find_pages(struct plain *plain, struct dm_err *err)
{
    static const struct dm_str bom = DM_STR_INIT("\xef\xbb\xbf");
    uint64_t start = !plain->latin && dm_str_starts(view(plain, 0, bom.len), bom) ? bom.len : 0;
    uint32_t last_with_text = 0; /* counted from 1 */
    while (start < plain->size) {
        struct page_end found = find_end(plain, start);
        if (found.next == start)
            return dm_fail(err, DM_IO, "the text cannot be read at byte %llu", (unsigned long long)start);
        if (plain->count == PLAIN_PAGES_MAX)
            return dm_fail(err, DM_TOO_LARGE, "the text has over %d pages", PLAIN_PAGES_MAX);
        if (!add_page(plain, start, found.end))
            return dm_fail_memory(err);
        if (!is_blank(dm_str_cut(view(plain, start, (size_t)(found.end - start)), 0, (size_t)(found.end - start))))
            last_with_text = plain->count;
        start = found.next;
    }
    plain->count = last_with_text;
    return plain->count > 0 ? DM_OK : dm_fail(err, DM_NOT_FOUND, "the text is empty");
}

enum dm_code plain_open(int fd, uint64_t size, struct plain **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct plain *plain = dm_alloc_zero(1, sizeof(*plain));
    if (!plain)
        return dm_fail_memory(err);
    plain->fd = fd;
    plain->size = size;
    enum dm_code rc = look_through(plain, err);
    if (rc == DM_OK)
        rc = find_pages(plain, err);
    if (rc != DM_OK) {
        plain_free(plain);
        return rc;
    }
    *ret = plain;
    *ret_pages = plain->count;
    return DM_OK;
}

void plain_free(struct plain *plain)
{
    if (!plain)
        return;
    dm_free(plain->starts);
    dm_free(plain->ends);
    dm_free(plain);
}

/* Windows-1252 for 0x80 to 0x9f; what it leaves undefined is U+FFFD. */
static const uint16_t windows_latin[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

static void add_latin(struct dm_buf *text, unsigned char c)
{
    uint32_t value = c >= 0x80 && c < 0xa0 ? windows_latin[c - 0x80] : c;
    if (value >= 0x800)
        dm_buf_add_char(text, (char)(0xe0 | value >> 12));
    dm_buf_add_char(text, (char)(value >= 0x800 ? 0x80 | (value >> 6 & 0x3f) : 0xc0 | value >> 6));
    dm_buf_add_char(text, (char)(0x80 | (value & 0x3f)));
}

enum dm_code plain_text(struct plain *plain, uint32_t page, struct dm_buf *text, struct dm_err *err)
{
    if (page >= plain->count)
        return dm_fail(err, DM_INVALID, "there is no such page");
    uint64_t start = plain->starts[page];
    size_t size = (size_t)(plain->ends[page] - start);
    struct dm_str bytes = dm_str_cut(view(plain, start, size), 0, size);
    if (bytes.len < size)
        return dm_fail(err, DM_IO, "the text cannot be read at byte %llu", (unsigned long long)start);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c == '\r' && i + 1 < bytes.len && bytes.at[i + 1] == '\n')
            continue;
        if (c == '\r')
            c = '\n';
        if (c < ' ' && c != '\n' && c != '\t')
            continue;
        if (c >= 0x80 && plain->latin)
            add_latin(text, c);
        else if (c != 0x7f)
            dm_buf_add_char(text, (char)c);
    }
    size_t end = text->len;
    while (end > 0 && (unsigned char)text->at[end - 1] <= ' ')
        end--;
    dm_buf_cut(text, end);
    if (end > 0)
        dm_buf_add_char(text, '\n');
    return dm_buf_check(text, "a page of text", err);
}

uint32_t plain_character(struct dm_str text, size_t *ret_bytes, unsigned *ret_columns)
{
    unsigned char first = (unsigned char)text.at[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (bytes > text.len)
        bytes = text.len;
    uint32_t value = bytes == 1 ? first : first & (0xffU >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++)
        value = value << 6 | ((unsigned char)text.at[i] & 0x3fU);
    bool combining = (value >= 0x300 && value < 0x370) || (value >= 0x200b && value <= 0x200f) || value == 0xfeff;
    /* East Asian scripts and emoji, roughly: a picture of the page may be a little off, its text is not. */
    bool wide = (value >= 0x1100 && value < 0x1160) || (value >= 0x2e80 && value < 0xa4d0) ||
                (value >= 0xac00 && value < 0xd7a4) || (value >= 0xf900 && value < 0xfb00) ||
                (value >= 0xfe30 && value < 0xfe70) || (value >= 0xff00 && value < 0xff61) ||
                (value >= 0x1f300 && value < 0x1f650) || (value >= 0x1f900 && value < 0x1fa00) ||
                (value >= 0x20000 && value < 0x30000);
    *ret_bytes = bytes;
    *ret_columns = combining ? 0 : wide ? 2 : 1;
    return value;
}

/* How much of a line fits in one row: bytes and columns. Cuts after the last blank where there is one. */
static size_t fit_row(struct dm_str line, unsigned *ret_columns)
{
    size_t at = 0;
    size_t blank = 0;
    unsigned columns = 0;
    unsigned blank_columns = 0;
    while (at < line.len) {
        size_t bytes;
        unsigned wide;
        uint32_t c = plain_character(dm_str_from(line, at), &bytes, &wide);
        if (c == '\t')
            wide = 8 - columns % 8;
        if (columns + wide > PLAIN_COLUMNS) {
            *ret_columns = blank ? blank_columns : columns;
            return blank ? blank : at;
        }
        at += bytes;
        columns += wide;
        if (c == ' ' || c == '\t') {
            blank = at;
            blank_columns = columns;
        }
    }
    *ret_columns = columns;
    return at;
}

unsigned plain_rows(struct dm_str text, plain_on_row *on_row, void *self)
{
    unsigned rows = 0;
    size_t at = 0;
    while (at < text.len) {
        struct dm_str line = dm_str_cut(text, at, dm_str_find_char(dm_str_from(text, at), '\n'));
        size_t done = 0;
        do {
            unsigned columns;
            size_t bytes = fit_row(dm_str_from(line, done), &columns);
            struct plain_row row = { dm_str_cut(line, done, bytes), at + done, rows++, columns };
            if (on_row)
                on_row(self, &row);
            done += bytes;
        } while (done < line.len);
        at += line.len + 1;
    }
    return rows;
}
