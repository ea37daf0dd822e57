/* pipeline.h: the door of the pipeline: the way of a document as plain functions over ports.
 *
 *   intake -> split -> analyse -> commit -> aggregate, and sweep behind them all
 *
 * The ledger is the queue: what is to be done is read from the store and owned by claims; hints and the hub only make
 * it quicker. Every function is thread-safe, blocks for bounded time, and starts tasks only through ports/runtime.h. */
#ifndef DM_PIPELINE_H
#define DM_PIPELINE_H

#include "base/secret.h"
#include "ports/blob.h"
#include "ports/document_reader.h"
#include "ports/model.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/store.h"
#include "ports/stream.h"

/* The outside, as the stages see it. A small value; copied. */
struct dm_ports {
    struct dm_runtime runtime;
    struct dm_store store;
    struct dm_operator op;
    struct dm_blob blob;
    struct dm_stream stream;
    struct dm_model model;
    struct dm_reader reader;
    struct dm_secrets secrets;
};

/* ---- hub: tells those in this process who watch a document that it moved ---- */

struct dm_hub;

/* Called after a change became durable, from the task that made it; quick, never blocking, never calling the hub. */
typedef void dm_moved(void *context, const struct dm_tenant *tenant, const struct dm_file *file,
                      const struct dm_state *state);

DM_MUST_USE enum dm_code dm_hub_make(struct dm_runtime runtime, struct dm_hub **ret, struct dm_err *err);
void dm_hub_free(struct dm_hub *hub); /* accepts NULL */
/* At most 8 listeners; DM_BUSY. A listener stays until dm_hub_forget has returned. */
DM_MUST_USE enum dm_code dm_hub_listen(struct dm_hub *hub, dm_moved *listener, void *context, struct dm_err *err);
void dm_hub_forget(struct dm_hub *hub, dm_moved *listener, void *context);

/* ---- limiter: keeps the model exactly as busy as its provider allows ---- */

/* One for each provider and model; every call of every stage goes through it. It knows each key's account by itself
 * (dm_model_account): one that is throttled, refused or used up keeps nobody else waiting. What it knows is this process's alone:
 * over several nodes each is to be given a share of the limits (for one node the share is the whole). */
struct dm_limiter;

/* Of each account. */
struct dm_limit_options {
    uint32_t concurrency;         /* calls under way at once, to begin with; at least 1 */
    uint32_t concurrency_max;     /* and at most, however well it goes */
    uint64_t requests_per_minute; /* 0: what the provider says, or what is found out */
    uint64_t tokens_per_minute;
};

enum dm_breaker {
    DM_BREAKER_CLOSED,
    DM_BREAKER_OPEN,     /* the provider does not answer, or refuses the key: nothing is asked */
    DM_BREAKER_HALF_OPEN /* a single call finds out whether that is over */
};

/* How it stands, for health, metrics and people. */
struct dm_limiter_view {
    uint32_t in_flight;
    uint32_t concurrency;
    double per_second; /* the tightest of the request rates; 0: none */
    int64_t pause_ms;  /* until the provider's own word allows the next call; 0: now */
    enum dm_breaker breaker;
    enum dm_reason reason; /* why it is not closed */
    int64_t shut_ms;       /* for how long it has not been closed */
};

DM_MUST_USE enum dm_code dm_limiter_make(struct dm_runtime runtime, const struct dm_limit_options *options,
                                         struct dm_limiter **ret, struct dm_err *err);
void dm_limiter_free(struct dm_limiter *limiter); /* accepts NULL */
/* The common account. */
struct dm_limiter_view dm_limiter_look(struct dm_limiter *limiter);

/* Another account whose breaker is not closed. */
struct dm_shut_account {
    struct dm_tenant tenant; /* whose call was the last; several tenants may have one key */
    struct dm_limiter_view view;
};

/* The tenant's key is changed: what is known of the one before goes. */
void dm_limiter_forget_tenant(struct dm_limiter *limiter, const struct dm_tenant *tenant);
/* How many there are; the first `max` of them are written. */
uint32_t dm_limiter_look_shut(struct dm_limiter *limiter, uint32_t max, struct dm_shut_account *ret);

/* What of a page is shown to the model. */
enum dm_page_form {
    DM_FORM_AUTO,  /* its text where the document carries one, else a picture, where the model takes any */
    DM_FORM_TEXT,  /* by OCR where it has none */
    DM_FORM_IMAGE, /* with its text, where there is one */
    DM_FORM_PDF    /* as a PDF of one page; a picture where the document is none */
};

/* What every stage is given. */
struct dm_pipeline {
    struct dm_ports ports;
    struct dm_hub *hub;
    struct dm_limiter *limiter;  /* of ports.model */
    enum dm_page_form form;      /* MODEL_INPUT */
    uint32_t pages_max;          /* MAX_PAGES */
    uint32_t attempts_max;       /* MAX_ATTEMPTS */
    int64_t retention_source_ms; /* 0: for ever */
    int64_t retention_pages_ms;
    int64_t retention_results_ms;
};

/* ---- intake: a document comes in ---- */

/* The bytes of an upload on their way: count, first bytes, and where they are spooled. Feed it from one thread at a
 * time. */
struct dm_spool {
    struct dm_blob blob;
    struct dm_sink *sink; /* NULL: nothing begun */
    uint64_t size_bytes;
    struct dm_buf head; /* the first DM_MEDIA_HEAD bytes */
};

DM_MUST_USE enum dm_code dm_spool_open(struct dm_blob blob, struct dm_spool *ret, struct dm_err *err);
/* DM_TOO_LARGE past `max_bytes`, DM_NO_SPACE, DM_IO. */
DM_MUST_USE enum dm_code dm_spool_write(struct dm_spool *spool, struct dm_str bytes, uint64_t max_bytes,
                                        struct dm_err *err);
void dm_spool_free(struct dm_spool *spool); /* abandons what was not accepted */

struct dm_intake {
    struct dm_str name;          /* may be empty: "document" with the kind's extension is used */
    struct dm_str declared_type; /* of the file, as the client said; may be empty */
    struct dm_str metadata;      /* JSON object, checked by the caller, or empty */
    struct dm_str pages;         /* "1-5,9", checked by dm_ranges_parse, or empty */
    struct dm_str password;      /* in clear; sealed before it is stored */
    uint32_t priority;
    struct dm_str idempotency_key; /* with its route, or empty */
};

/* The whole of it is durable when this answers DM_OK: source, DOC, STATE, WORK, event 1. DM_UNSUPPORTED (no document by
 * its first bytes), DM_INVALID (empty file, name or options too long), DM_EXISTS (another request used the
 * Idempotency-Key), DM_NO_SPACE and others.
 * `*ret_replayed`: the key had been used for this very request; *ret_file is the document of then. The spool is used up
 * on success. */
DM_MUST_USE enum dm_code dm_intake_accept(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                          const struct dm_intake *intake, struct dm_spool *spool,
                                          struct dm_file *ret_file, bool *ret_replayed, struct dm_err *err);

/* ---- requests about a document ---- */

/* A document that is there: DM_NOT_FOUND also where it has been deleted. */
DM_MUST_USE enum dm_code dm_document_read(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                          const struct dm_file *file, unsigned parts, struct dm_arena *arena,
                                          struct dm_snapshot *ret, struct dm_err *err);
/* Whose document it is. Only for a server without authentication, where a request may name a document and no tenant. DM_NOT_FOUND. */
DM_MUST_USE enum dm_code dm_document_owner(const struct dm_pipeline *pipeline, const struct dm_file *file,
                                           struct dm_tenant *ret, struct dm_err *err);
/* After DM_OK no new model call starts for it, on any node, later than 1 s. DM_REFUSED where it has ended, naming the
 * status. */
DM_MUST_USE enum dm_code dm_document_cancel(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                            const struct dm_file *file, struct dm_err *err);
/* Reads the failed pages again, or those of `pages` (must have ended); keeps all other analyses. DM_REFUSED where the
 * status or the pages do not allow it, DM_GONE where retention took the pages or the source. */
DM_MUST_USE enum dm_code dm_document_retry(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                           const struct dm_file *file, struct dm_ranges pages, struct dm_err *err);
/* Gone from now on for everybody; blobs and records follow within DM_DELETE_GRACE_MS. */
DM_MUST_USE enum dm_code dm_document_delete(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                            const struct dm_file *file, struct dm_err *err);

/* A page as the ledger knows it. */
struct dm_page_view {
    uint32_t number;
    enum dm_page_status status;
    const struct dm_page *record; /* NULL: it has none of the current epoch and none kept from an earlier one */
};

struct dm_page_views {
    struct dm_page_view *at;
    uint32_t count;
};

/* Pages from `first` on, at most `max`; empty before the split. `snapshot` was read with DM_PART_STATE and
 * DM_PART_WORK. */
DM_MUST_USE enum dm_code dm_document_pages(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                           const struct dm_file *file, const struct dm_snapshot *snapshot,
                                           uint32_t first, uint32_t max, struct dm_arena *arena,
                                           struct dm_page_views *ret, struct dm_err *err);
/* Appends the page's line of its segment: {"pageNumber","analysis","text",…}. DM_GONE where retention took it. */
DM_MUST_USE enum dm_code dm_page_line(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                      const struct dm_state *state, const struct dm_page *page, struct dm_buf *ret,
                                      struct dm_err *err);
/* A picture of the page, made on request and kept as a derived blob. The caller closes the descriptor with
 * dm_blob_close. */
DM_MUST_USE enum dm_code dm_page_image(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                       const struct dm_file *file, const struct dm_snapshot *snapshot, uint32_t page,
                                       uint32_t long_edge, enum dm_media media, int *ret_fd, uint64_t *ret_size,
                                       struct dm_err *err);

enum dm_result_form { DM_RESULT_JSON, DM_RESULT_MARKDOWN, DM_RESULT_JSON_LINES };

/* The result, or with `partial` what there is of it by now, as an open file; memory does not depend on its size.
 * `snapshot` was read with DOCUMENT, STATE and WORK. DM_NOT_FOUND while there is none (or never will be: look at the
 * status), DM_GONE. */
DM_MUST_USE enum dm_code dm_result_open(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                        const struct dm_file *file, const struct dm_snapshot *snapshot,
                                        enum dm_result_form form, bool partial, int *ret_fd, uint64_t *ret_size,
                                        struct dm_err *err);

/* ---- what an operator asks ---- */

/* A document that made no progress for a while. */
struct dm_stuck {
    struct dm_found found;
    struct dm_document document;
    struct dm_state state;
    struct dm_waiting waiting; /* for what (domain/ledger.h) */
    uint32_t claims;           /* out now */
    bool paused;               /* and its tenant's work is paused */
};

struct dm_stuck_documents {
    const struct dm_stuck *at; /* the longest first */
    uint32_t count;
    bool more; /* ask again with the cursor as it is now */
};

/* Those without progress for `older_than_ms`, of every tenant: looks at `max` of them from the cursor on. */
DM_MUST_USE enum dm_code dm_stuck_list(const struct dm_pipeline *pipeline, int64_t older_than_ms,
                                       struct dm_stalled_cursor *cursor, uint32_t max, struct dm_arena *arena,
                                       struct dm_stuck_documents *ret, struct dm_err *err);

struct dm_redriven {
    enum dm_redriven_what what;
    enum dm_status status; /* afterwards */
    enum dm_reason reason; /* of a document that had failed */
    int64_t still_ms;      /* since its last progress */
    uint32_t claims;       /* given back; their losses stay as they were */
    uint32_t pages;        /* need not wait for their time any more */
    bool lease;            /* the aggregator's lease is over */
    bool mended;           /* it stood in no index */
};

/* Puts a document back that made no progress for `older_than_ms`. DM_NOT_FOUND; DM_GONE where it would have to be read
 * again and retention took its bytes. */
DM_MUST_USE enum dm_code dm_document_redrive(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                             const struct dm_file *file, int64_t older_than_ms, struct dm_redriven *ret,
                                             struct dm_err *err);

/* From a second after DM_OK on nothing of the tenant's (NULL: of anybody's) is claimed, also after a restart, until it is
 * resumed. What was claimed before is finished, results are still written, uploads still taken. */
DM_MUST_USE enum dm_code dm_work_pause(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                       struct dm_err *err);
/* Ends the tenant's own pause (NULL: every pause). */
DM_MUST_USE enum dm_code dm_work_resume(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                        struct dm_err *err);

struct dm_pauses {
    const struct dm_pause *at; /* everybody's first, where there is one */
    uint32_t count;
};

DM_MUST_USE enum dm_code dm_work_pauses(const struct dm_pipeline *pipeline, uint32_t max, struct dm_arena *arena,
                                        struct dm_pauses *ret, struct dm_err *err);

/* ---- tenants' own keys ---- */

enum { DM_TENANT_KEY_MAX = 4096 };

/* Seals the key and keeps it under the name of the setting that holds the common one ("GEMINI_API_KEY"). Used from then on within
 * DM_TENANT_KEY_MS, in every process. DM_INVALID where it can be no key: empty, too long, or with spaces, line breaks or letters
 * beyond ASCII. */
DM_MUST_USE enum dm_code dm_tenant_key_set(const struct dm_ports *ports, const struct dm_tenant *tenant,
                                           struct dm_str name, struct dm_str key, struct dm_err *err);
/* DM_NOT_FOUND. */
DM_MUST_USE enum dm_code dm_tenant_key_remove(const struct dm_ports *ports, const struct dm_tenant *tenant,
                                              struct dm_str name, struct dm_err *err);

struct dm_tenant_key_list {
    const struct dm_secret_row *at;
    uint32_t count;
    bool more; /* ask again after the last one */
};

/* Of the tenant (NULL: of all) past `after` (zeroed: from the first); names and dates, never a key. */
DM_MUST_USE enum dm_code dm_tenant_key_list(const struct dm_ports *ports, const struct dm_tenant *tenant,
                                            const struct dm_secret_row *after, uint32_t max, struct dm_arena *arena,
                                            struct dm_tenant_key_list *ret, struct dm_err *err);
/* Whether any tenant has one of this name. */
DM_MUST_USE enum dm_code dm_tenant_key_any(const struct dm_ports *ports, struct dm_str name, bool *ret,
                                           struct dm_err *err);

enum { DM_TENANT_KEY_MS = 5000 };

/* The keys of one name, opened, for those who call the model: each is read from the store anew after DM_TENANT_KEY_MS. */
struct dm_tenant_keys;

DM_MUST_USE enum dm_code dm_tenant_keys_make(const struct dm_ports *ports, const char *name,
                                             struct dm_tenant_keys **ret, struct dm_err *err);
void dm_tenant_keys_free(struct dm_tenant_keys *keys); /* accepts NULL */
/* The tenant's own key, or none ({ 0 }), which the caller frees. `keys` is a struct dm_tenant_keys: the function fits
 * models/remote.h. May read the store; where that does not answer, the key of before counts. DM_DENIED where there is one that
 * cannot be opened: it was sealed with another key file. */
DM_MUST_USE enum dm_code dm_tenant_keys_get(void *keys, const struct dm_tenant *tenant, struct dm_secret *ret,
                                            struct dm_err *err);

/* ---- roles: tasks that run until they are stopped ---- */

struct dm_worker_options {
    uint32_t readers;         /* pages read from documents at once: about the helpers there are */
    uint32_t pages_in_flight; /* pages claimed and not ended, over all documents: bounds memory */
    uint32_t document_pages;  /* of those, at most this many of one document */
    uint32_t tenant_pages;    /* and of one tenant while others wait */
};

struct dm_worker;

/* split, analyse, commit and sweep. */
DM_MUST_USE enum dm_code dm_worker_start(const struct dm_pipeline *pipeline, const struct dm_worker_options *options,
                                         struct dm_worker **ret, struct dm_err *err);
/* Claims no more, finishes what it can until the deadline, hands the rest back, ends its tasks. */
void dm_worker_stop(struct dm_worker *worker, int64_t deadline_mono_ms); /* accepts NULL */

struct dm_aggregator;

DM_MUST_USE enum dm_code dm_aggregator_start(const struct dm_pipeline *pipeline, struct dm_aggregator **ret,
                                             struct dm_err *err);
void dm_aggregator_stop(struct dm_aggregator *aggregator); /* accepts NULL */

#endif
