/* progress.c: see progress.h. The bar gives way first where the terminal is narrow, then the estimate, then the label. */
#include "cli/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/calendar.h"

enum {
    BAR_MAX = 30,
    BAR_MIN = 8,
    LABEL_MIN = 8,
    LINE_MAX = 4096,
    REDRAW_MS = 60,
    PATIENCE_MS = 1000,
    QUIET_MS = 10000
};

/* What each status is called while it lasts. */
static const char *doing(struct dm_str status)
{
    static const struct {
        const char *wire, *words;
    } known[] = { { "uploading", "uploading" }, { "awaiting_upload", "waiting for its bytes" },
                  { "pending", "waiting" },     { "chunking", "counting pages" },
                  { "processing", "reading" },  { "aggregating", "writing the result" },
                  { "completed", "completed" }, { "failed", "failed" },
                  { "cancelled", "cancelled" } };
    for (size_t i = 0; i < DM_COUNT(known); i++)
        if (dm_str_eq(dm_str_z(known[i].wire), status))
            return known[i].words;
    return "waiting";
}

static void add_draw(struct dm_buf *buf, uint32_t columns, double share, const struct dm_look *look)
{
    static const char *const eighths[] = { "",
                                           "\xe2\x96\x8f",
                                           "\xe2\x96\x8e",
                                           "\xe2\x96\x8d",
                                           "\xe2\x96\x8c",
                                           "\xe2\x96\x8b",
                                           "\xe2\x96\x8a",
                                           "\xe2\x96\x89" };
    uint32_t cells = look->utf8 ? columns : columns - 2;
    uint32_t parts = (uint32_t)(share * cells * 8), full = parts / 8, used = full;
    if (!look->utf8)
        dm_buf_add_char(buf, '[');
    for (uint32_t i = 0; i < full; i++)
        dm_buf_add_z(buf, look->utf8 ? "\xe2\x96\x88" : "#");
    if (look->utf8 && parts % 8 > 0) {
        dm_buf_add_z(buf, eighths[parts % 8]);
        used++;
    }
    for (; used < cells; used++)
        dm_buf_add_z(buf, look->utf8 ? "\xe2\x96\x91" : "-");
    if (!look->utf8)
        dm_buf_add_char(buf, ']');
}

/* The numbers behind the bar; where pages are not counted yet, `otherwise` stands in their place. */
static void add_counts(struct dm_buf *buf, const struct dm_progress *progress, const char *otherwise)
{
    if (progress->bytes > 0) {
        dm_text_add_bytes(buf, progress->bytes_sent);
        dm_buf_add_z(buf, " of ");
        dm_text_add_bytes(buf, progress->bytes);
        return;
    }
    bool tells_more = progress->pages > 0 || *otherwise;
    if (progress->documents > 1)
        dm_buf_addf(buf, "%u/%u documents%s", progress->documents_ended, progress->documents, tells_more ? ", " : "");
    if (progress->pages > 0)
        dm_buf_addf(buf, "%u/%u pages", progress->ended, progress->pages);
    else
        dm_buf_add_z(buf, otherwise);
    if (progress->failed > 0)
        dm_buf_addf(buf, ", %u failed", progress->failed);
}

void dm_progress_bar(struct dm_buf *buf, const struct dm_progress *progress, const struct dm_look *look)
{
    uint32_t columns = look->columns > 20 ? look->columns - 1 : 79; /* the last column makes some terminals wrap */
    bool counted = progress->pages > 0 || progress->bytes > 0;
    double share = progress->bytes > 0   ? (double)progress->bytes_sent / (double)progress->bytes
                   : progress->pages > 0 ? (double)progress->ended / (double)progress->pages
                                         : 0;
    share = share > 1 ? 1 : share;

    DM_AUTO(dm_buf) counts = dm_buf_make(LINE_MAX);
    if (counted)
        dm_buf_addf(&counts, "%3d %%  ", (int)(share * 100));
    add_counts(&counts, progress, doing(progress->status));
    DM_AUTO(dm_buf) left = dm_buf_make(LINE_MAX);
    if (counted && progress->left_ms >= 0 && share < 1) {
        dm_buf_add_z(&left, "  ");
        /* An estimate has no tenths. */
        if (progress->left_ms < INT64_C(100) * DM_SECOND_MS)
            dm_buf_addf(&left, "%d s", (int)((progress->left_ms + DM_SECOND_MS - 1) / DM_SECOND_MS));
        else
            dm_text_add_duration(&left, progress->left_ms);
        dm_buf_add_z(&left, " left");
    }

    uint32_t label = dm_text_width(progress->label), tail = (uint32_t)counts.len;
    uint32_t room = columns > tail + 2 ? columns - tail - 2 : 0;
    uint32_t label_most = room > LABEL_MIN + BAR_MIN + 2 ? room - BAR_MIN - 2 : room;
    if (label > label_most)
        label = label_most;
    room -= label;
    uint32_t bar = counted && room >= BAR_MIN + 2 ? room - 2 : 0;
    if (left.len > 0 && bar >= BAR_MIN + left.len)
        bar -= (uint32_t)left.len;
    else
        dm_buf_clear(&left);
    if (bar > BAR_MAX)
        bar = BAR_MAX;

    if (label > 0) {
        dm_text_add_fit(buf, progress->label, label, look);
        dm_buf_add_z(buf, "  ");
    }
    if (bar > 0) {
        DM_AUTO(dm_buf) drawn = dm_buf_make(LINE_MAX);
        add_draw(&drawn, bar, share, look);
        dm_text_add_tone(buf, dm_buf_z(&drawn), progress->failed ? DM_TONE_WARN : DM_TONE_GOOD, look);
        dm_buf_add_z(buf, "  ");
    }
    struct dm_look plain = { .utf8 = true };
    dm_text_add_fit(buf, dm_buf_str(&counts), columns, &plain);
    dm_buf_add(buf, dm_buf_str(&left));
}

void dm_progress_words(struct dm_buf *buf, const struct dm_progress *progress)
{
    struct dm_look plain = { .utf8 = true };
    dm_text_add_clean(buf, progress->label, &plain);
    dm_buf_addf(buf, ": %s", doing(progress->status));
    if (progress->bytes == 0 && progress->pages == 0 && progress->documents <= 1)
        return;
    dm_buf_add_z(buf, ", ");
    add_counts(buf, progress, "");
}

/* ---- the reporter ------------------------------------------------------------------------------------------------ */

static void put(struct dm_reporter *reporter)
{
    struct dm_str text = dm_buf_str(&reporter->line);
    while (text.len > 0) {
        ssize_t written = write(reporter->fd, text.at, text.len);
        if (written <= 0)
            return; /* nobody looks any more; the work goes on */
        text = dm_str_from(text, (size_t)written);
    }
}

static void begin_line(struct dm_reporter *reporter)
{
    if (reporter->line.max == 0)
        reporter->line = dm_buf_make(LINE_MAX);
    dm_buf_clear(&reporter->line);
    if (reporter->drawn)
        dm_buf_add_z(&reporter->line, "\r\033[K");
    reporter->drawn = false;
}

static bool status_changed(struct dm_reporter *reporter, struct dm_str status)
{
    if (dm_str_eq(dm_str_z(reporter->shown_status), status))
        return false;
    size_t len = status.len < sizeof(reporter->shown_status) ? status.len : sizeof(reporter->shown_status) - 1;
    memcpy(reporter->shown_status, status.at, len);
    reporter->shown_status[len] = '\0';
    return true;
}

void dm_reporter_show(struct dm_reporter *reporter, const struct dm_progress *progress, int64_t now_ms)
{
    if (reporter->silent)
        return;
    bool changed;
    int64_t since_ms = now_ms - reporter->shown_ms;
    if (reporter->live) {
        changed = status_changed(reporter, progress->status);
        if (!changed && since_ms < REDRAW_MS)
            return;
        begin_line(reporter);
        dm_progress_bar(&reporter->line, progress, &reporter->look);
        reporter->drawn = true;
    } else {
        /* What is over within a second needs no line but its last. */
        if (!reporter->begun_ms)
            reporter->begun_ms = now_ms;
        if (now_ms - reporter->begun_ms < PATIENCE_MS)
            return;
        changed = status_changed(reporter, progress->status);
        uint64_t part = progress->bytes ? progress->bytes_sent : progress->ended;
        uint64_t whole = progress->bytes ? progress->bytes : progress->pages;
        uint32_t tenth = whole ? (uint32_t)(part * 10 / whole) : 0;
        bool moved = tenth > reporter->shown_tenth && since_ms >= 1000;
        if (!changed && !moved && since_ms < QUIET_MS)
            return;
        reporter->shown_tenth = tenth;
        begin_line(reporter);
        dm_progress_words(&reporter->line, progress);
        dm_buf_add_char(&reporter->line, '\n');
    }
    reporter->shown_ms = now_ms;
    put(reporter);
}

void dm_reporter_say(struct dm_reporter *reporter, struct dm_str text)
{
    if (reporter->silent)
        return;
    begin_line(reporter);
    dm_buf_add(&reporter->line, text);
    dm_buf_add_char(&reporter->line, '\n');
    put(reporter);
}

void dm_reporter_end(struct dm_reporter *reporter)
{
    if (reporter->drawn) {
        begin_line(reporter);
        put(reporter);
    }
    dm_buf_free(&reporter->line);
    reporter->line.max = 0;
}
