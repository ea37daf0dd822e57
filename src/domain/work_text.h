/* work_text.h: WORK's ranges as the text that stores keep: "1-5,9-9" and, with losses and instant, "3-3:1:0,7-9:0:1764000000000". */
#ifndef DM_DOMAIN_WORK_TEXT_H
#define DM_DOMAIN_WORK_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "domain/records.h"

void dm_work_add_chosen(const struct dm_work *work, struct dm_buf *buf);
void dm_work_add_returned(const struct dm_work *work, struct dm_buf *buf);

/* Ascending and disjoint, or it is none of ours: DM_CORRUPT, with a sentence that begins with `holder` ("the database"). */
DM_MUST_USE enum dm_code dm_work_read_chosen(struct dm_str text, const char *holder, struct dm_arena *arena,
                                             struct dm_work *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_work_read_returned(struct dm_str text, const char *holder, struct dm_arena *arena,
                                               struct dm_work *ret, struct dm_err *err);

#endif
