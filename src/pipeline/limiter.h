/* limiter.h: leave to call the model. Private to the room; pipeline.h has the door.
 *
 * Whoever wants to make a call waits here for leave, makes it, and says what came of it. Reductions go before pages: a document whose
 * pages are all read waits for nothing else. A few tasks wait here for all pages; the pages themselves hold none. */
#ifndef DM_PIPELINE_LIMITER_H
#define DM_PIPELINE_LIMITER_H

#include "pipeline/pipeline.h"

enum dm_call_rank { DM_CALL_REDUCTION, DM_CALL_PAGE };

/* Waits for leave to make one call, which must then be spent, given back or ended. DM_TIMEOUT at the deadline. */
DM_MUST_USE enum dm_code dm_limiter_enter(struct dm_limiter *limiter, enum dm_call_rank rank, int64_t deadline_mono_ms);
/* The call was not made after all. */
void dm_limiter_give_back(struct dm_limiter *limiter);
/* Before the call begins: what it is thought to cost. Returns that. */
uint64_t dm_limiter_spend(struct dm_limiter *limiter, const struct dm_model_request *request);
/* The call that began at `began_mono_ms`, thought to cost `tokens`, was answered so. */
void dm_limiter_answered(struct dm_limiter *limiter, int64_t began_mono_ms, uint64_t tokens,
                         const struct dm_model_answer *answer);
/* Whether the model has been out of reach for so long that waiting for it is over (dm_reason_patience_ms), and why. */
bool dm_limiter_given_up(struct dm_limiter *limiter, enum dm_reason *ret_reason);

#endif
