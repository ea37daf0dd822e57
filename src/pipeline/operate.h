/* operate.h: what other stages need of operate.c. Private to the room. */
#ifndef DM_PIPELINE_OPERATE_H
#define DM_PIPELINE_OPERATE_H

#include "pipeline/pipeline.h"

enum {
    DM_MEND_AT_ONCE = 100,
    DM_MEND_EVERY_MS = 60000, /* the net below the sweep need not be quick */
    DM_STALLED_MS = 120000    /* without progress: by then every lease that nobody renews is over */
};

/* Whether nothing of the tenant's may be claimed now; also where that cannot be told. */
bool dm_work_is_paused(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant);
/* Documents that have not got on for DM_STALLED_MS get the index keys they deserve, where they have others. A bounded part
 * of them, from the cursor on; after the last it begins anew. */
DM_MUST_USE enum dm_code dm_mend_stalled(const struct dm_pipeline *pipeline, struct dm_stalled_cursor *cursor,
                                         struct dm_err *err);

#endif
