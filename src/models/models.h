/* models.h: the models that read pages: `extractive:`, built in, and those of providers (remote.h).
 *
 * The extractive model needs no key and no network: it quotes the page's own best sentences and
 * finds names, dates, amounts and the like by rules and lists (docs/extractive.md). The same
 * text gives the same bytes. It implements ports/model.h and is called "extractive:1"; the
 * number changes when its answers do. */
#ifndef DM_MODELS_MODELS_H
#define DM_MODELS_MODELS_H

#include "models/remote.h"
#include "ports/model.h"
#include "ports/runtime.h"

struct dm_models_extractive_options {
    struct dm_runtime runtime;
    uint32_t threads;   /* tasks that read, at most; 0 means 1. They are started one by one as calls come. */
    uint32_t queue_max; /* calls that wait, at most; 0 means 64. One more is DM_BUSY. */
};

/* Starts nothing yet and opens nothing: an idle model costs a few hundred bytes. ret->self is
 * what _stop takes. */
DM_MUST_USE enum dm_code dm_model_extractive_start(const struct dm_models_extractive_options *options,
                                                   struct dm_model *ret, struct dm_err *err);
/* Answers all that waits with DM_REASON_CANCELLED, lets what is being read end, and frees the
 * model. New calls are refused with DM_CANCELLED from the beginning of _stop on, and none may
 * come after its end. */
void dm_model_extractive_stop(struct dm_model *model);

/* The same reading without the port, for tests and measurements. A `struct dm_extractive`
 * belongs to one task at a time; it keeps about 0.5 MB between calls and takes at most 40 MB
 * during one. */
struct dm_extractive;

DM_MUST_USE enum dm_code dm_extractive_open(struct dm_extractive **ret, struct dm_err *err);
void dm_extractive_close(struct dm_extractive *extractive); /* accepts NULL */
/* The caller frees *ret_analysis. `ret_usage` may be NULL. Bytes that are not UTF-8 are read as
 * U+FFFD. */
DM_MUST_USE enum dm_code dm_extractive_page(struct dm_extractive *extractive, struct dm_str text,
                                            struct dm_buf *ret_analysis, struct dm_usage *ret_usage,
                                            struct dm_err *err);
DM_MUST_USE enum dm_code dm_extractive_reduction(struct dm_extractive *extractive, const struct dm_page_digest *digests,
                                                 uint32_t count, struct dm_buf *ret_reduction,
                                                 struct dm_usage *ret_usage, struct dm_err *err);

#endif
