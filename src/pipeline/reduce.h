/* reduce.h: from the pages' analyses to one of the document. Private to the room.
 *
 * Entities are merged and counted here, sentiment is averaged here; summary and key points come from the model's
 * reduction, and where that fails from the pages themselves, and the result says so. Memory is bounded: past the
 * ceilings further pages count in the figures but not in the texts. The same pages in the same order give the same
 * bytes. */
#ifndef DM_PIPELINE_REDUCE_H
#define DM_PIPELINE_REDUCE_H

#include "base/json.h"
#include "step.h"

struct dm_reduction;

/* For work that may outlive its lease: `call` is called between its steps and while it waits; anything but DM_OK ends the work.
 * `wait_begins` and `wait_ends` stand around what may be a long wait for the model. */
struct dm_keep {
    enum dm_code (*call)(void *context, struct dm_err *err);
    void (*wait_begins)(void *context);
    void (*wait_ends)(void *context);
    void *context;
};

DM_MUST_USE enum dm_code dm_reduction_make(struct dm_reduction **ret, struct dm_err *err);
void dm_reduction_free(struct dm_reduction *reduction); /* accepts NULL */
/* Pages in order. */
DM_MUST_USE enum dm_code dm_reduction_add(struct dm_reduction *reduction, uint32_t page, const json_t *analysis,
                                          struct dm_err *err);
/* Asks the model, calling `keep` while it waits, and appends the JSON:
 * {"summary","entities":[{"text","type","count","pages"}],"keyPoints":[{"text","pages"}],
 * "sentiment","sentimentScore","reducedBy","usage"}. `usage` is what the model's part cost; *ret_usage gets it, too. */
DM_MUST_USE enum dm_code dm_reduction_finish(struct dm_reduction *reduction, const struct dm_pipeline *pipeline,
                                             const struct dm_tenant *tenant, const struct dm_file *file,
                                             const struct dm_keep *keep, struct dm_buf *ret, struct dm_usage *ret_usage,
                                             struct dm_err *err);

#endif
