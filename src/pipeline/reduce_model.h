/* reduce_model.h: the model's part of a reduction. Private to the room. */
#ifndef DM_PIPELINE_REDUCE_MODEL_H
#define DM_PIPELINE_REDUCE_MODEL_H

#include "base/json.h"
#include "reduce.h"

struct dm_reducing {
    const struct dm_pipeline *pipeline;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    const struct dm_keep *keep; /* may be NULL */
    struct dm_usage *usage;     /* what it cost is added */
};

/* Asks the model for a summary and key points with their pages. More than it takes at once is reduced in groups first, and then
 * the groups. `*ret` is NULL where the model could not, in a few minutes; that is no failure. Fails only with what `keep` says, and where docmill is
 * stopping. */
DM_MUST_USE enum dm_code dm_ask_reduction(const struct dm_reducing *reducing, const struct dm_page_digest *digests,
                                          uint32_t count, json_t **ret, struct dm_err *err);

#endif
