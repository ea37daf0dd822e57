/* records.h: the ledger's records, as stores keep them. All of one document lie together and change together.
 *
 *   DOC    what was uploaded; written once, marked when deleted (cold)
 *   STATE  status, epoch, counters, usage; every change raises `version` (hot, small, fixed size)
 *   WORK   what is left to claim; claims, returns and sweeps change it, commits of pages never do
 *   CLAIM  a worker's time-limited ownership of a range of pages
 *   PAGE   how a page ended; a chosen page without a record of the current epoch is pending
 *   EVENT  a numbered fact about the document; numbers count from 1 without a hole
 *   IDEM   which document an Idempotency-Key became
 *
 * Text members are borrowed: they live in the arena that the record was read into, or wherever its maker put them.
 * Every instant is wall-clock milliseconds; 0 means "none". `format` is the record format's version: version N reads
 * N-1 and N. */
#ifndef DM_DOMAIN_RECORDS_H
#define DM_DOMAIN_RECORDS_H

#include "domain/media.h"
#include "domain/ranges.h"
#include "domain/reason.h"
#include "domain/status.h"
#include "domain/tenant.h"
#include "domain/usage.h"

enum { DM_FORMAT = 1, DM_OWNER_MAX = 40, DM_SHA256_HEX = 65, DM_DETAIL_MAX = 256 };

struct dm_document {
    uint32_t format;
    struct dm_str name; /* as the client said it: data, never a path */
    enum dm_media media;
    uint64_t size_bytes;
    char sha256[DM_SHA256_HEX]; /* of the source, hex */
    struct dm_str metadata;     /* JSON object of the client's, or empty */
    struct dm_str pages;        /* the `pages` option as given; empty: all */
    struct dm_str password;     /* sealed (ports/secrets.h), or empty */
    struct dm_str model;        /* pinned: name of the model that reads it */
    uint32_t priority;          /* 0 (first) to 9 (last); 5 unless asked */
    int64_t created_ms;
    int64_t deleted_ms; /* marked for removal: answers 404 from then on */
};

/* Who may write the result. Every write of an owner carries the counter, which no two owners share. */
struct dm_lease {
    char owner[DM_OWNER_MAX];
    uint64_t counter;
    int64_t until_ms;
};

enum dm_outcome { DM_OUTCOME_NONE, DM_OUTCOME_FULL, DM_OUTCOME_PARTIAL };

/* What retention has taken. */
enum dm_gone { DM_GONE_SOURCE = 1, DM_GONE_PAGES = 2, DM_GONE_RESULTS = 4 };

struct dm_state {
    uint32_t format;
    enum dm_status status;
    uint32_t epoch;   /* from 1; each retry raises it */
    uint64_t version; /* from 1; each write raises it */
    uint64_t seq;     /* of the newest event */
    /* Of all pages: total = processed + failed + skipped + remaining, at every instant. All 0 before the split. */
    uint32_t total;
    uint32_t processed;
    uint32_t failed;
    uint32_t skipped;
    uint32_t remaining;
    enum dm_outcome outcome;    /* of a completed document */
    enum dm_reason reason;      /* of a failed document */
    char detail[DM_DETAIL_MAX]; /* a sentence beside the reason */
    int64_t uploaded_ms;
    int64_t started_ms;   /* when the pages were known, first time */
    int64_t completed_ms; /* when it reached its present end */
    int64_t progress_ms;  /* when it last got further: neither renewals, nor losses, nor another try do that */
    struct dm_usage usage;
    struct dm_lease lease; /* of the aggregator */
    uint32_t aggregations; /* attempts at the result in this epoch, counted when taken */
    uint32_t result_epoch; /* epoch of the current result; 0: there is none */
    uint64_t result_bytes;
    uint32_t gone;  /* bits of enum dm_gone */
    int64_t due_ms; /* when somebody must look at it: result to be written, lease end, removal */
};

/* Pages that can be claimed again: returned by an owner, lost with one, or waiting for their time. */
struct dm_returned {
    uint32_t first;
    uint32_t last;
    uint32_t losses; /* how often in a row the range was lost without one of its pages ending */
    int64_t due_ms;  /* not before; 0: at once */
};

enum { DM_RETURNED_MAX = 4000 };

enum dm_work_key { DM_WORK_IDLE, DM_WORK_READY, DM_WORK_DUE };

struct dm_work {
    uint32_t format;
    uint64_t version;
    uint32_t epoch;
    bool split_needed; /* the split has not been claimed */
    uint32_t split_losses;
    struct dm_ranges chosen;            /* pages to be read in this epoch; empty before the split */
    uint32_t cursor;                    /* the first page of `chosen` never claimed; past the last: none left */
    const struct dm_returned *returned; /* ascending by page */
    uint32_t returned_count;
    uint64_t next_claim;  /* counter of the next claim, from 1; never used twice */
    enum dm_work_key key; /* in which index it stands */
    int64_t due_ms;       /* DM_WORK_DUE: when */
    uint32_t priority;    /* copied from DOC for the index */
    int64_t created_ms;
};

struct dm_claim {
    uint64_t counter;
    uint32_t epoch;
    uint32_t first; /* 0 with last 0: the split */
    uint32_t last;
    uint32_t losses; /* of the range, before this claim */
    char owner[DM_OWNER_MAX];
    int64_t lease_until_ms;
};

struct dm_page {
    uint32_t format;
    uint32_t number;
    uint32_t epoch;
    enum dm_page_status status; /* DONE or FAILED */
    enum dm_reason reason;
    struct dm_str detail;  /* a sentence where it failed */
    struct dm_str segment; /* blob key (domain/keys.h) of the segment with its line */
    uint64_t offset;
    uint32_t length; /* 0: it has none */
    uint32_t attempt_count;
    struct dm_str attempts; /* JSON array of {"status","reason","ms","inputTokens","outputTokens"} */
    struct dm_usage usage;
    int64_t ended_ms;
};

#define DM_EVENT_TYPES(X) /* name, on the wire */                                                                      \
    X(DOCUMENT_UPLOADED, "document.uploaded")                                                                          \
    X(DOCUMENT_STARTED, "document.started")                                                                            \
    X(PAGE_DONE, "page.done")                                                                                          \
    X(PAGE_FAILED, "page.failed")                                                                                      \
    X(DOCUMENT_COMPLETED, "document.completed")                                                                        \
    X(DOCUMENT_FAILED, "document.failed")                                                                              \
    X(DOCUMENT_CANCELLED, "document.cancelled")

#define DM_EVENT_ENUM(name, wire) DM_EVENT_##name,
enum dm_event_type { DM_EVENT_NONE = 0, DM_EVENT_TYPES(DM_EVENT_ENUM) DM_EVENT_TYPE_COUNT };
#undef DM_EVENT_ENUM

struct dm_event {
    uint32_t format;
    uint64_t seq;
    enum dm_event_type type;
    int64_t at_ms;
    struct dm_str data; /* JSON object */
};

const char *dm_event_type_text(enum dm_event_type type);
bool dm_event_type_parse(struct dm_str text, enum dm_event_type *ret_type);

/* An upload's Idempotency-Key. It is inserted in the transaction that accepts the document, so of two uploads under one
 * key only one can be accepted, whatever crashes between. */
struct dm_idem {
    struct dm_str key;           /* the route and the client's key, at most 300 bytes */
    char request[DM_SHA256_HEX]; /* what the request was, hashed: another request under the same key is refused */
    struct dm_file file;         /* the document that it became */
    int64_t expires_ms;          /* free again from then on */
};

#endif
