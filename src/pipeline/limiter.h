/* limiter.h: leave to call the model. Private to the room; pipeline.h has the door.
 *
 * Whoever wants to make a call gets leave here, makes it, and says what came of it. Leave is given by account (dm_model_account):
 * what a provider says to one key is no business of those who have another. Reductions go before pages: a document whose pages are
 * all read waits for nothing else. They wait here; pages hold no task: those who make their calls look which account gives leave,
 * choose among the pages of those, and wait for news where none does. */
#ifndef DM_PIPELINE_LIMITER_H
#define DM_PIPELINE_LIMITER_H

#include "pipeline/pipeline.h"

/* How an account stands towards pages. */
struct dm_leave {
    int64_t at_ms;        /* monotonic: now or before, a call may begin; DM_FOREVER: when there is news */
    uint32_t concurrency; /* calls that it bears at once */
    enum dm_breaker breaker;
    bool shut;             /* the breaker is not closed, or the provider's word forbids calls for a while */
    bool given_up;         /* the breaker has not been for longer than anybody waits (dm_reason_patience_ms) */
    enum dm_reason reason; /* of the breaker */
};

/* An account that nobody has called yet gives leave. */
struct dm_leave dm_limiter_ask(struct dm_limiter *limiter, uint64_t account);
/* Takes leave for a page's call, if there is any now. It must then be given back or ended. `tenant` is for whom. */
bool dm_limiter_try(struct dm_limiter *limiter, uint64_t account, const struct dm_tenant *tenant);
/* Waits for leave for a reduction's call. DM_TIMEOUT at the deadline; DM_BUSY where the account is shut, and enough
 * of the tasks there are wait for it. */
DM_MUST_USE enum dm_code dm_limiter_enter(struct dm_limiter *limiter, uint64_t account, const struct dm_tenant *tenant,
                                          int64_t deadline_mono_ms);
/* Before the call begins: what it is thought to cost. Returns that. */
uint64_t dm_limiter_spend(struct dm_limiter *limiter, const struct dm_model_request *request);
/* The call was not made after all, and `tokens` not spent (0: they had not been). */
void dm_limiter_give_back(struct dm_limiter *limiter, uint64_t account, uint64_t tokens);
/* The call that began at `began_mono_ms`, thought to cost `tokens`, was answered so. */
void dm_limiter_answered(struct dm_limiter *limiter, uint64_t account, int64_t began_mono_ms, uint64_t tokens,
                         const struct dm_model_answer *answer);

/* Nobody's pages wait for it any more, for the key has been changed: what is known of it goes, as soon as no call is under way. */
void dm_limiter_forget(struct dm_limiter *limiter, uint64_t account);

/* A number that changes whenever leave may be given that was refused before, except by time alone. */
uint64_t dm_limiter_news(struct dm_limiter *limiter);
/* Waits until it is no longer `seen`, or until then. */
void dm_limiter_wait(struct dm_limiter *limiter, uint64_t seen, int64_t until_mono_ms);
/* News of the caller's own: those who wait look again. */
void dm_limiter_poke(struct dm_limiter *limiter);

#endif
