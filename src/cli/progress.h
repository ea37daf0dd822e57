/* progress.h: private to cli: how far a document is, in one line.
 *
 * On a terminal the line is drawn over and over in place; elsewhere a line appears when something noteworthy changed, so that the log of a
 * nightly job stays short. */
#ifndef DM_CLI_PROGRESS_H
#define DM_CLI_PROGRESS_H

#include "cli/text.h"

struct dm_progress {
    struct dm_str label;  /* of the document, or of all of them */
    struct dm_str status; /* on the wire: "processing" */
    uint32_t ended;       /* pages done or failed */
    uint32_t failed;
    uint32_t pages;     /* pages to read; 0: not known yet */
    int64_t left_ms;    /* estimate; negative: none */
    uint32_t documents; /* more than 1: a batch, of which so many have ended */
    uint32_t documents_ended;
    uint64_t bytes_sent, bytes; /* bytes > 0: an upload instead of pages */
};

/* Without a line's end; never wider than the look's columns. */
void dm_progress_bar(struct dm_buf *buf, const struct dm_progress *progress, const struct dm_look *look);
/* For a log. */
void dm_progress_words(struct dm_buf *buf, const struct dm_progress *progress);

struct dm_reporter {
    struct dm_look look;
    bool live;   /* draws in place */
    bool silent; /* shows nothing at all */
    int fd;
    bool drawn;
    int64_t begun_ms;
    int64_t shown_ms;
    uint32_t shown_tenth;
    char shown_status[32];
    struct dm_buf line;
};

void dm_reporter_show(struct dm_reporter *reporter, const struct dm_progress *progress, int64_t now_ms);
/* A whole line of its own, above what is drawn in place. `text` has no line's end. */
void dm_reporter_say(struct dm_reporter *reporter, struct dm_str text);
void dm_reporter_end(struct dm_reporter *reporter); /* clears what is drawn in place */

#endif
