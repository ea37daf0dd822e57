/* model.h: a port: what reads a page and says what stands in it.
 *
 * The call is asynchronous: `start` returns at once and `done` is called later, once, from a thread of the model's
 * own, never before `start` has returned. `done` only posts the answer to a queue; a task of the caller's does the
 * rest. After a failing `start`, `done` is not called. Each call has a deadline of the model's own.
 *
 * A model makes one call, which is one request to its provider, and says what became of it. How often and when a page is asked
 * about again, and how many calls run at once, is the pipeline's (pipeline/limiter.h); the model only says what its provider told it.
 *
 * An analysis is JSON: {"summary": string, "entities": [{"text","type",…}], "keyPoints": [string], "sentiment":
 * "positive|neutral|negative|mixed", optional "sentimentScore": number, optional "language", and "empty": true for an
 * empty page}. A reduction (of the whole document) has {"summary", "keyPoints": [{"text", "pages":[n]}]}.
 *
 * No model is asked about a page of which it would be shown nothing: its analysis is DM_MODEL_EMPTY_PAGE. */
#ifndef DM_PORTS_MODEL_H
#define DM_PORTS_MODEL_H

#include "base/buf.h"
#include "domain/media.h"
#include "domain/reason.h"
#include "domain/tenant.h"
#include "domain/usage.h"

enum dm_model_task { DM_MODEL_PAGE, DM_MODEL_REDUCTION };

#define DM_MODEL_EMPTY_PAGE                                                                                            \
    "{\"summary\":\"\",\"entities\":[],\"keyPoints\":[],\"sentiment\":\"neutral\",\"empty\":true}"

/* What a model can be given of a page; bits. */
enum { DM_MODEL_TAKES_TEXT = 1, DM_MODEL_TAKES_IMAGE = 2, DM_MODEL_TAKES_PDF = 4 };

/* What a reduction is told of a page. */
struct dm_page_digest {
    uint32_t page;
    struct dm_str summary;
    const struct dm_str *key_points;
    uint32_t key_point_count;
    uint32_t last_page; /* of a reduction of several pages, which is reduced once more; 0: of one */
};

size_t dm_page_digest_bytes(const struct dm_page_digest *digest); /* of its texts */

/* Everything in it must stay valid until `done` has been called. */
struct dm_model_request {
    enum dm_model_task task;
    uint64_t account; /* whose leave the call has: dm_model_account */
    struct dm_file file;
    uint32_t page;      /* DM_MODEL_PAGE: which */
    struct dm_str text; /* DM_MODEL_PAGE: the page's text, UTF-8; empty where it has none and is shown as a picture */
    struct dm_str picture;       /* DM_MODEL_PAGE: the page itself, beside or instead of its text; may be empty */
    enum dm_media picture_media; /* of it: JPEG, PNG, or PDF (of one page) */
    const struct dm_page_digest *digests; /* DM_MODEL_REDUCTION: pages in order */
    uint32_t digest_count;
    enum dm_again again;     /* PLAINLY the first time */
    struct dm_str rejected;  /* DM_AGAIN_REPAIRED: the answer as it came */
    struct dm_str complaint; /* DM_AGAIN_REPAIRED: a sentence */
};

/* What the provider said about its limits with this answer; 0: not said. */
struct dm_model_limits {
    uint64_t requests_per_minute;
    uint64_t tokens_per_minute;
    int64_t pause_ms; /* nothing is left of one of them: so long until there is */
};

struct dm_model_answer {
    enum dm_reason reason;  /* DM_REASON_NONE: `analysis` holds it */
    char detail[160];       /* a sentence for people where it failed */
    struct dm_buf analysis; /* JSON, compact; the receiver of the answer owns it */
    struct dm_buf rejected; /* DM_REASON_INVALID_JSON and _SCHEMA_MISMATCH: what came, cut to DM_MODEL_REJECTED_MAX */
    /* It failed for a cause that the model has removed: from now on it words its requests otherwise, or has other credentials. The
     * same may be asked again at once, and the call was no attempt. */
    bool adapted;
    int64_t retry_after_ms; /* the provider's own word; 0: not said */
    struct dm_model_limits limits;
    uint32_t status;       /* HTTP; 0: none */
    char request_id[64];   /* the provider's, for its support; may be empty */
    struct dm_usage usage; /* of this call */
};

/* A question is asked anew on account of `adapted` so often at most. */
enum { DM_MODEL_REJECTED_MAX = 32 * 1024, DM_MODEL_ADAPTATIONS_MAX = 5 };

void dm_model_answer_free(struct dm_model_answer *answer);

/* Takes the answer over: moves what it wants, or frees it with dm_model_answer_free. Quick and never blocking. */
typedef void dm_model_done(void *context, struct dm_model_answer *answer);

struct dm_model_ops {
    /* DM_BUSY where the model's bounded queue is full: try later. DM_CONFLICT where the tenant's calls belong to another account
     * than request->account by now: ask again which. DM_DENIED where nothing lets the tenant in (no key): as if the provider had
     * refused one. DM_TOO_LARGE, DM_UNSUPPORTED: this request will never do. */
    enum dm_code (*start)(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                          dm_model_done *done, void *context, struct dm_err *err);
    /* How many calls may usefully be under way at once. */
    uint32_t (*concurrency)(void *self);
    enum dm_code (*check)(void *self, struct dm_err *err); /* for health and doctor; bounded */
    /* Calls under way end soon with DM_REASON_CANCELLED and later ones are refused with DM_CANCELLED: a drain whose time is
     * up waits for no provider. NULL: they end soon anyway. */
    void (*interrupt)(void *self);
    /* The account at the provider that the tenant's calls are counted under and let in by: 0, the common one, or a number that is
     * the same for the same key. A tenant whose key is changed has another account. May read the store, with bounded time; fails
     * where that fails. NULL: there is only the common one. */
    enum dm_code (*account)(void *self, const struct dm_tenant *tenant, uint64_t *ret, struct dm_err *err);
};

struct dm_model {
    const struct dm_model_ops *ops;
    void *self;
    const char *name;   /* as results show it: "extractive:1" */
    unsigned takes;     /* DM_MODEL_TAKES_… */
    size_t digests_max; /* bytes of digests that one reduction may be given; 0: any number */
};

DM_MUST_USE enum dm_code dm_model_start(struct dm_model model, const struct dm_tenant *tenant,
                                        const struct dm_model_request *request, dm_model_done *done, void *context,
                                        struct dm_err *err);
DM_MUST_USE enum dm_code dm_model_account(struct dm_model model, const struct dm_tenant *tenant, uint64_t *ret,
                                          struct dm_err *err);
bool dm_model_has_accounts(struct dm_model model);    /* false: all calls are the common account's */
uint32_t dm_model_concurrency(struct dm_model model); /* at least 1 */
DM_MUST_USE enum dm_code dm_model_check(struct dm_model model, struct dm_err *err);
void dm_model_interrupt(struct dm_model model);

#endif
