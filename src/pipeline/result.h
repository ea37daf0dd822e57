/* result.h: writing a document's result. Private to the room.
 *
 * The result lists every page once, in order, streamed from the segments: memory does not depend on the number of
 * pages. The JSON form:
 *   {"fileId","tenantId","fileName","processedAt","totalPages","successCount","failedCount","skippedCount",
 *    "outcome","model","document":{…reduction…},"usage":{…},"chunks":[{"pageNumber","status","analysis","error"?}]}
 * `usage` is that of the pages it lists and of the reduction, so that it repeats; what was lost on the way, in answers that came too
 * late to count, is the job's to tell. */
#ifndef DM_PIPELINE_RESULT_H
#define DM_PIPELINE_RESULT_H

#include "reduce.h"

/* What one result is made of. */
struct dm_result_source {
    const struct dm_pipeline *pipeline;
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    const struct dm_snapshot *snapshot; /* DOCUMENT, STATE, WORK */
    struct dm_str reduction;            /* JSON; empty: there is none yet */
    const struct dm_keep *keep;         /* called now and then; NULL: nothing to keep */
    bool so_far;                        /* not the result: what there is of it by now */
};

/* Reads all analyses once: the reduction, stored for this epoch before it is used, so that it is made and paid for
 * once. *ret_usage is what it cost, also where it was stored before: whoever accounts for it does so once. */
DM_MUST_USE enum dm_code dm_result_reduce(const struct dm_result_source *source, struct dm_buf *ret,
                                          struct dm_usage *ret_usage, struct dm_err *err);
/* Writes the form into a sink and puts it under `key`. DM_REFUSED where pages of it are being read again meanwhile. */
DM_MUST_USE enum dm_code dm_result_write(const struct dm_result_source *source, enum dm_result_form form,
                                         struct dm_str key, enum dm_durability durability, uint64_t *ret_bytes,
                                         struct dm_err *err);

#endif
