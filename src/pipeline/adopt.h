/* adopt.h: segments that no page record names: answers taken over, or removed once the document has ended. Private to
 * the room. */
#ifndef DM_PIPELINE_ADOPT_H
#define DM_PIPELINE_ADOPT_H

#include "domain/limits.h"
#include "step.h"

/* Answers of a claim's epoch whose commit was lost with its worker. */
struct dm_adopted {
    struct dm_page pages[DM_CLAIM_PAGES_MAX]; /* `number` 0 ends the list; segment, offset, length are set */
};

/* Looks for answers to the claim's pages in the document's segments. Texts live in `arena`. */
DM_MUST_USE enum dm_code dm_adopt(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                  const struct dm_file *file, const struct dm_claim *claim, struct dm_arena *arena,
                                  struct dm_adopted *ret, struct dm_err *err);
/* Removes segments that no page record names, of epochs up to that of `state`, which has ended. */
DM_MUST_USE enum dm_code dm_remove_orphans(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                           const struct dm_file *file, const struct dm_state *state,
                                           struct dm_err *err);

#endif
