/* model.h: a port: what reads a page and says what stands in it.
 *
 * The call is asynchronous: `start` returns at once and `done` is called later, once, from a thread of the model's
 * own, never before `start` has returned. `done` only posts the answer to a queue; a task of the caller's does the
 * rest. After a failing `start`, `done` is not called.
 *
 * An analysis is JSON: {"summary": string, "entities": [{"text","type",…}], "keyPoints": [string], "sentiment":
 * "positive|neutral|negative|mixed", optional "sentimentScore": number, optional "language", and "empty": true for an
 * empty page}. A reduction (of the whole document) has {"summary", "keyPoints": [{"text", "pages":[n]}]}. */
#ifndef DM_PORTS_MODEL_H
#define DM_PORTS_MODEL_H

#include "base/buf.h"
#include "domain/reason.h"
#include "domain/tenant.h"
#include "domain/usage.h"

enum dm_model_task { DM_MODEL_PAGE, DM_MODEL_REDUCTION };

/* What a reduction is told of a page. */
struct dm_page_digest {
    uint32_t page;
    struct dm_str summary;
    const struct dm_str *key_points;
    uint32_t key_point_count;
};

/* Everything in it must stay valid until `done` has been called. */
struct dm_model_request {
    enum dm_model_task task;
    struct dm_file file;
    uint32_t page;                        /* DM_MODEL_PAGE: which */
    struct dm_str text;                   /* DM_MODEL_PAGE: the page's text, UTF-8; empty for a page without text */
    const struct dm_page_digest *digests; /* DM_MODEL_REDUCTION: pages in order */
    uint32_t digest_count;
};

struct dm_model_answer {
    enum dm_reason reason;  /* DM_REASON_NONE: `analysis` holds it */
    char detail[160];       /* a sentence for people where it failed */
    struct dm_buf analysis; /* JSON, compact; the receiver of the answer owns it */
    int64_t retry_after_ms; /* 0: not said */
    struct dm_usage usage;  /* of this call */
};

void dm_model_answer_free(struct dm_model_answer *answer);

/* Takes the answer over: moves what it wants, or frees it with dm_model_answer_free. Quick and never blocking. */
typedef void dm_model_done(void *context, struct dm_model_answer *answer);

struct dm_model_ops {
    /* DM_BUSY where the model's bounded queue is full: try later. */
    enum dm_code (*start)(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                          dm_model_done *done, void *context, struct dm_err *err);
    /* How many calls may usefully be under way at once. */
    uint32_t (*concurrency)(void *self);
    enum dm_code (*check)(void *self, struct dm_err *err); /* for health and doctor; bounded */
};

struct dm_model {
    const struct dm_model_ops *ops;
    void *self;
    const char *name; /* as results show it: "extractive:1" */
};

DM_MUST_USE enum dm_code dm_model_start(struct dm_model model, const struct dm_tenant *tenant,
                                        const struct dm_model_request *request, dm_model_done *done, void *context,
                                        struct dm_err *err);
uint32_t dm_model_concurrency(struct dm_model model); /* at least 1 */
DM_MUST_USE enum dm_code dm_model_check(struct dm_model model, struct dm_err *err);

#endif
