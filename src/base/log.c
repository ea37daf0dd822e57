/* log.c: the standard sink: a line of JSON, or a readable line where standard error is a terminal. */
#include "base/log.h"

#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/json.h"

/* A field for which the line has no room is left out and the line says so: a client that sends much must not be able to
 * silence the line about it. */
enum { LINE_MAX_BYTES = 8 * 1024, LINE_END_BYTES = 64 };

static const char *const event_texts[DM_LOG_EVENT_COUNT] = {
#define DM_LOG_EVENT_TEXT(name, text, meaning) [DM_EV_##name] = text,
    DM_LOG_EVENTS(DM_LOG_EVENT_TEXT)
#undef DM_LOG_EVENT_TEXT
};
static const char *const level_texts[] = { "debug", "info", "warn", "error", "off" };
static const char *const level_colours[] = { "\033[2m", "", "\033[33m", "\033[31m", "" };

static struct {
    enum dm_log_level least;
    bool colour;
    dm_log_sink *sink;
    void *self;
} settings = { .least = DM_LOG_INFO };

const char *dm_log_event_text(enum dm_log_event event)
{
    DM_CHECK(event < DM_LOG_EVENT_COUNT);
    return event_texts[event];
}

void dm_log_setup(enum dm_log_level least, dm_log_sink *sink, void *self)
{
    settings.least = least;
    settings.sink = sink;
    settings.self = self;
}

void dm_log_colour(bool wanted)
{
    settings.colour = wanted;
}

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * DM_SECOND_MS + now.tv_nsec / 1000000;
}

static bool line_took_it(struct dm_buf *line, size_t before)
{
    if (!line->failed && line->len <= LINE_MAX_BYTES - LINE_END_BYTES)
        return true;
    line->failed = false;
    dm_buf_cut(line, before);
    return false;
}

static void add_json_line(struct dm_buf *line, enum dm_log_level level, enum dm_log_event event,
                          const struct dm_log_field *fields)
{
    char time_text[DM_TIME_TEXT];
    dm_time_text(wall_ms(), time_text);
    dm_buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time_text, level_texts[level],
                event_texts[event]);
    bool whole = true;
    for (; fields->name; fields++) {
        size_t before = line->len;
        dm_buf_addf(line, ",\"%s\":", fields->name);
        if (fields->is_text)
            dm_buf_add_json_string(line, fields->text);
        else
            dm_buf_addf(line, "%lld", (long long)fields->number);
        whole = line_took_it(line, before) && whole;
    }
    dm_buf_add_z(line, whole ? "}\n" : ",\"cut\":true}\n");
}

/* Whether a terminal shows the text as it is and a reader sees where it ends. */
static bool is_plain(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '"')
            return false;
    return text.len > 0;
}

static void add_readable_line(struct dm_buf *line, enum dm_log_level level, enum dm_log_event event,
                              const struct dm_log_field *fields)
{
    char time_text[DM_TIME_TEXT];
    dm_time_text(wall_ms(), time_text);
    bool colour = settings.colour;
    const char *faint = colour ? "\033[2m" : "", *plain = colour ? "\033[0m" : "";
    dm_buf_addf(line, "%s%.8s%s %s%-18s%s", faint, time_text + 11, plain, colour ? level_colours[level] : "",
                event_texts[event], plain);
    /* Where colours do not tell what is serious, a word does. */
    if (!colour && level >= DM_LOG_WARN)
        dm_buf_addf(line, " %s", level_texts[level]);
    bool whole = true;
    for (; fields->name; fields++) {
        size_t before = line->len;
        dm_buf_addf(line, " %s%s=%s", faint, fields->name, plain);
        if (!fields->is_text)
            dm_buf_addf(line, "%lld", (long long)fields->number);
        else if (is_plain(fields->text))
            dm_buf_add(line, fields->text);
        else
            dm_buf_add_json_string(line, fields->text);
        whole = line_took_it(line, before) && whole;
    }
    dm_buf_add_z(line, whole ? "\n" : " (cut)\n");
}

bool dm_log_wanted(enum dm_log_level level)
{
    return level >= settings.least && level < DM_LOG_OFF;
}

void dm_log_fields(enum dm_log_level level, enum dm_log_event event, const struct dm_log_field *fields)
{
    DM_CHECK(event < DM_LOG_EVENT_COUNT);
    if (!dm_log_wanted(level))
        return;
    if (settings.sink) {
        settings.sink(settings.self, level, event, fields);
        return;
    }
    DM_AUTO(dm_buf) line = dm_buf_make(LINE_MAX_BYTES);
    if (isatty(STDERR_FILENO))
        add_readable_line(&line, level, event, fields);
    else
        add_json_line(&line, level, event, fields);
    /* A line that cannot be written has nobody else to be told to. */
    if (!line.failed && write(STDERR_FILENO, line.at, line.len) < 0)
        return;
}
