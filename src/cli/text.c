/* text.c: how wide text is, and how it is cut, wrapped and coloured. */
#include "cli/text.h"

#include <string.h>
#include <wchar.h>

#include "base/calendar.h"

enum { CELL_MAX = 64 * 1024, SPACE_BETWEEN = 2, NARROWEST_CELL = 8 };

/* ---- characters -------------------------------------------------------------------------------------------------- */

/* The character that `text` begins with and its bytes; a byte that begins none is U+FFFD of one byte. */
static uint32_t character(struct dm_str text, size_t *ret_bytes)
{
    unsigned char first = (unsigned char)text.at[0];
    size_t bytes = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (bytes > text.len || !dm_str_is_utf8(dm_str_cut(text, 0, bytes))) {
        *ret_bytes = 1;
        return 0xfffd;
    }
    *ret_bytes = bytes;
    if (bytes == 1)
        return first;
    uint32_t code = first & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | ((unsigned char)text.at[i] & 0x3fU);
    return code;
}

static uint32_t width_of(uint32_t code)
{
    /* Outside a UTF-8 locale the C library knows no width for such a character; one column is the best guess. */
    int width = wcwidth((wchar_t)code);
    return width < 0 ? 1 : (uint32_t)width;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
           /* Line separators and what turns the direction of writing, which can make a name look like another. */
           code == 0x2028 || code == 0x2029 || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

uint32_t dm_text_width(struct dm_str text)
{
    uint32_t columns = 0;
    size_t bytes;
    for (; text.len > 0; text = dm_str_from(text, bytes))
        columns += width_of(character(text, &bytes));
    return columns;
}

/* Adds at most `columns` (0: any number); what does not fit is left out. Returns what stands, in columns, and whether all did. */
static uint32_t add_clean(struct dm_buf *buf, struct dm_str text, uint32_t columns, const struct dm_look *look,
                          bool *ret_all)
{
    uint32_t used = 0;
    size_t bytes;
    *ret_all = true;
    for (; text.len > 0; text = dm_str_from(text, bytes)) {
        uint32_t code = character(text, &bytes);
        bool shown = !is_control(code) && code != 0xfffd && (look->utf8 || code < 0x80);
        uint32_t width = shown ? width_of(code) : 1;
        if (columns > 0 && used + width > columns) {
            *ret_all = false;
            return used;
        }
        if (shown)
            dm_buf_add(buf, dm_str_cut(text, 0, bytes));
        else
            dm_buf_add_char(buf, code == '\t' || code == '\n' ? ' ' : '?');
        used += width;
    }
    return used;
}

void dm_text_add_clean(struct dm_buf *buf, struct dm_str text, const struct dm_look *look)
{
    bool all;
    (void)add_clean(buf, text, 0, look, &all);
}

void dm_text_add_fit(struct dm_buf *buf, struct dm_str text, uint32_t columns, const struct dm_look *look)
{
    const char *ellipsis = look->utf8 ? "\xe2\x80\xa6" : "...";
    uint32_t ellipsis_columns = look->utf8 ? 1 : 3;
    size_t before = buf->len;
    bool all;
    if (columns == 0)
        return;
    (void)add_clean(buf, text, columns, look, &all);
    if (all || columns <= ellipsis_columns)
        return;
    dm_buf_cut(buf, before);
    (void)add_clean(buf, text, columns - ellipsis_columns, look, &all);
    dm_buf_add_z(buf, ellipsis);
}

void dm_text_add_tone(struct dm_buf *buf, const char *text, enum dm_tone tone, const struct dm_look *look)
{
    static const char *const codes[] = {
        [DM_TONE_PLAIN] = "",  [DM_TONE_STRONG] = "1", [DM_TONE_FAINT] = "2",
        [DM_TONE_GOOD] = "32", [DM_TONE_WARN] = "33",  [DM_TONE_BAD] = "31",
    };
    if (!look->color || tone == DM_TONE_PLAIN)
        dm_buf_add_z(buf, text);
    else
        dm_buf_addf(buf, "\033[%sm%s\033[0m", codes[tone], text);
}

void dm_text_add_spaces(struct dm_buf *buf, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        dm_buf_add_char(buf, ' ');
}

/* ---- paragraphs -------------------------------------------------------------------------------------------------- */

static void wrap_line(struct dm_buf *buf, struct dm_str line, uint32_t indent, uint32_t columns)
{
    uint32_t used = 0;
    struct dm_str word;
    while (dm_str_next(&line, ' ', &word)) {
        uint32_t width = dm_text_width(word);
        if (used > 0 && used + 1 + width > columns - indent) {
            dm_buf_add_char(buf, '\n');
            used = 0;
        }
        if (used > 0) {
            dm_buf_add_char(buf, ' ');
            used++;
        } else {
            dm_text_add_spaces(buf, indent);
        }
        dm_buf_add(buf, word);
        used += width;
    }
    dm_buf_add_char(buf, '\n');
}

void dm_text_add_wrapped(struct dm_buf *buf, struct dm_str text, uint32_t indent, uint32_t columns)
{
    struct dm_str line;
    if (columns < indent + 20)
        columns = indent + 20;
    while (dm_str_next(&text, '\n', &line)) {
        if (line.len == 0) {
            dm_buf_add_char(buf, '\n');
        } else if (line.at[0] == ' ') {
            dm_text_add_spaces(buf, indent);
            dm_buf_add(buf, line);
            dm_buf_add_char(buf, '\n');
        } else {
            wrap_line(buf, line, indent, columns);
        }
    }
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

void dm_text_add_bytes(struct dm_buf *buf, uint64_t bytes)
{
    static const char *const units[] = { "KB", "MB", "GB", "TB" };
    if (bytes < 1024) {
        dm_buf_addf(buf, "%u B", (unsigned)bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < DM_COUNT(units); unit++)
        value /= 1024;
    dm_buf_addf(buf, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void dm_text_add_duration(struct dm_buf *buf, int64_t ms)
{
    int64_t seconds = (ms + DM_SECOND_MS / 2) / DM_SECOND_MS;
    if (ms < 1000)
        dm_buf_addf(buf, "%d ms", (int)(ms < 0 ? 0 : ms));
    else if (ms < 9950)
        dm_buf_addf(buf, "%.1f s", (double)ms / DM_SECOND_MS);
    else if (seconds < 120)
        dm_buf_addf(buf, "%d s", (int)seconds);
    else if (seconds < INT64_C(7200))
        dm_buf_addf(buf, "%d min", (int)((seconds + 30) / 60));
    else
        dm_buf_addf(buf, "%lld h %d min", (long long)(seconds / 3600), (int)(seconds % 3600 / 60));
}

/* ---- manual pages ------------------------------------------------------------------------------------------------ */

struct dm_str dm_text_time(struct dm_arena *arena, struct dm_str instant)
{
    if (instant.len < DM_STR("2026-11-24T08:15:02").len)
        return instant.len ? instant : DM_STR("-");
    return dm_arena_fmt(arena, "%.*s %.*s", 10, instant.at, 8, instant.at + 11);
}

void dm_man_text(struct dm_buf *buf, struct dm_str text)
{
    bool line_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        /* A point or an apostrophe would begin a request of the formatter. */
        if (line_start && (c == '.' || c == '\''))
            dm_buf_add_z(buf, "\\&");
        if (c == '\\')
            dm_buf_add_z(buf, "\\e");
        else if (c == '-')
            dm_buf_add_z(buf, "\\-");
        else if (c != '`')
            dm_buf_add_char(buf, c);
        line_start = c == '\n';
    }
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

void dm_table_add(struct dm_table *table, struct dm_str text, enum dm_tone tone)
{
    if (table->count == table->capacity) {
        uint32_t capacity = table->capacity ? table->capacity * 2 : 64;
        struct dm_table_cell *cells = dm_arena_array(table->arena, capacity, sizeof(*cells));
        if (!cells)
            return;
        if (table->count > 0)
            memcpy(cells, table->cells, table->count * sizeof(*cells));
        table->cells = cells;
        table->capacity = capacity;
    }
    table->cells[table->count++] = (struct dm_table_cell){ .text = dm_arena_str(table->arena, text), .tone = tone };
}

static void measure(const struct dm_table *table, const struct dm_look *look, uint32_t widths[DM_TABLE_COLUMNS_MAX])
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t width = dm_text_width(table->cells[i].text), *widest = &widths[i % table->columns];
        if (width > *widest)
            *widest = width;
    }
    for (uint32_t i = 0; i < table->columns; i++)
        sum += widths[i] + (i > 0 ? SPACE_BETWEEN : 0);
    uint32_t *flexible = &widths[table->flexible];
    if (look->columns > 0 && sum > look->columns) {
        uint32_t over = sum - look->columns;
        *flexible = *flexible > over + NARROWEST_CELL ? *flexible - over : NARROWEST_CELL;
    }
}

void dm_table_print(const struct dm_table *table, const struct dm_look *look, struct dm_buf *buf)
{
    uint32_t widths[DM_TABLE_COLUMNS_MAX] = { 0 };
    DM_AUTO(dm_buf) cell = dm_buf_make(CELL_MAX);
    measure(table, look, widths);
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t column = i % table->columns;
        bool last = column + 1 == table->columns;
        dm_buf_clear(&cell);
        dm_text_add_fit(&cell, table->cells[i].text, widths[column], look);
        dm_text_add_tone(buf, dm_buf_z(&cell), i < table->columns ? DM_TONE_FAINT : table->cells[i].tone, look);
        if (last)
            dm_buf_add_char(buf, '\n');
        else
            dm_text_add_spaces(buf, widths[column] - dm_text_width(dm_buf_str(&cell)) + SPACE_BETWEEN);
    }
}
