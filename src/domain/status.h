/* status.h: what a document or page is doing, and which change of it is allowed.
 *
 *   awaiting_upload -> pending -> chunking -> processing -> aggregating -> completed | failed | cancelled
 *
 * The table in status.c is the only place that knows; only ledger.c writes a status, under the version it read. */
#ifndef DM_DOMAIN_STATUS_H
#define DM_DOMAIN_STATUS_H

#include "base/str.h"

#define DM_STATUSES(X) /* name, on the wire, whether it is an end, meaning */                                          \
    X(AWAITING_UPLOAD, "awaiting_upload", false, "the bytes have not arrived yet")                                     \
    X(PENDING, "pending", false, "accepted; nobody works on it yet")                                                   \
    X(CHUNKING, "chunking", false, "its pages are being counted")                                                      \
    X(PROCESSING, "processing", false, "its pages are being read")                                                     \
    X(AGGREGATING, "aggregating", false, "every page has ended; the result is being written")                          \
    X(COMPLETED, "completed", true, "the result is there")                                                             \
    X(FAILED, "failed", true, "it ended without a result")                                                             \
    X(CANCELLED, "cancelled", true, "it was stopped on request")

#define DM_STATUS_ENUM(name, wire, final, meaning) DM_STATUS_##name,
enum dm_status { DM_STATUS_NONE = 0, DM_STATUSES(DM_STATUS_ENUM) DM_STATUS_COUNT };
#undef DM_STATUS_ENUM

/* What can happen to a document. */
enum dm_move {
    DM_MOVE_UPLOADED,    /* the bytes are there */
    DM_MOVE_SPLIT_BEGUN, /* a worker claimed the split */
    DM_MOVE_SPLIT_LOST,  /* that claim ran out or was handed back */
    DM_MOVE_SPLIT_DONE,  /* the pages are known */
    DM_MOVE_AGGREGATE,   /* an aggregator took it */
    DM_MOVE_RESULT_KEPT, /* the result is durable */
    DM_MOVE_FAIL,        /* no page can be read, or none is done */
    DM_MOVE_CANCEL,
    DM_MOVE_RETRY_PAGES, /* read some pages again */
    DM_MOVE_RETRY_SPLIT, /* it failed before its pages were known: begin again */
    DM_MOVE_COUNT
};

/* The status after the move, or DM_STATUS_NONE where it is refused. */
enum dm_status dm_status_after(enum dm_status status, enum dm_move move);
bool dm_status_is_final(enum dm_status status);
const char *dm_status_text(enum dm_status status);
bool dm_status_parse(struct dm_str text, enum dm_status *ret_status);

#define DM_PAGE_STATUSES(X) /* name, on the wire */                                                                    \
    X(PENDING, "pending")                                                                                              \
    X(DONE, "done")                                                                                                    \
    X(FAILED, "failed")                                                                                                \
    X(SKIPPED, "skipped")

#define DM_PAGE_STATUS_ENUM(name, wire) DM_PAGE_##name,
enum dm_page_status { DM_PAGE_NONE = 0, DM_PAGE_STATUSES(DM_PAGE_STATUS_ENUM) DM_PAGE_STATUS_COUNT };
#undef DM_PAGE_STATUS_ENUM

const char *dm_page_status_text(enum dm_page_status status);

#endif
