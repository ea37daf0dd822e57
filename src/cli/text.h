/* text.h: private to cli: text for people: columns, colours, wrapping, tables. Pure functions; term.h asks the terminal. */
#ifndef DM_CLI_TEXT_H
#define DM_CLI_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* What the reader's side can show. */
struct dm_look {
    uint32_t columns; /* 0: no limit */
    bool color;
    bool utf8;
};

enum dm_tone { DM_TONE_PLAIN, DM_TONE_STRONG, DM_TONE_FAINT, DM_TONE_GOOD, DM_TONE_WARN, DM_TONE_BAD };

/* Columns that the text takes: wide characters count two, combining ones none. */
uint32_t dm_text_width(struct dm_str text);
/* Text of others, fit to be shown: no control characters (a terminal would obey them), no broken UTF-8, and '?' for what
 * the look cannot show. */
void dm_text_add_clean(struct dm_buf *buf, struct dm_str text, const struct dm_look *look);
/* As above, cut to `columns`, with an ellipsis where something was cut. */
void dm_text_add_fit(struct dm_buf *buf, struct dm_str text, uint32_t columns, const struct dm_look *look);
void dm_text_add_tone(struct dm_buf *buf, const char *text, enum dm_tone tone, const struct dm_look *look);
void dm_text_add_spaces(struct dm_buf *buf, uint32_t count);
/* Paragraphs broken at spaces to lines of `columns`, each behind `indent` spaces. A line that begins with a space stays as it is. */
void dm_text_add_wrapped(struct dm_buf *buf, struct dm_str text, uint32_t indent, uint32_t columns);
/* "350 KB", "1.2 MB"; 1 MB is 1,048,576 bytes, as in the settings. */
void dm_text_add_bytes(struct dm_buf *buf, uint64_t bytes);
/* "340 ms", "1.2 s", "12 s", "3 min", "2 h 5 min" */
void dm_text_add_duration(struct dm_buf *buf, int64_t ms);
/* "2026-11-24T08:15:02.123Z" becomes "2026-11-24 08:15:02"; an empty one "-". */
struct dm_str dm_text_time(struct dm_arena *arena, struct dm_str instant);
/* Running text for a manual page. */
void dm_man_text(struct dm_buf *buf, struct dm_str text);

/* A table: cells are added row by row, the first row is the heading. */
enum { DM_TABLE_COLUMNS_MAX = 8 };

struct dm_table_cell {
    struct dm_str text;
    enum dm_tone tone;
};

struct dm_table {
    struct dm_arena *arena;
    uint32_t columns;
    uint32_t flexible; /* the column that is cut where the table is too wide */
    struct dm_table_cell *cells;
    uint32_t count, capacity;
};

/* A cell that does not fit into the arena is left out. */
void dm_table_add(struct dm_table *table, struct dm_str text, enum dm_tone tone);
void dm_table_print(const struct dm_table *table, const struct dm_look *look, struct dm_buf *buf);

#endif
