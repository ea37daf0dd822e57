/* limiter.c: see limiter.h; the arithmetic is limit.c's. */
#include "limiter.h"

#include <math.h>

#include "base/alloc.h"
#include "limit.h"

enum {
    BYTES_A_TOKEN = 4,     /* of text in European languages */
    PICTURE_TOKENS = 1100, /* between what providers count for a page's picture */
    ANSWER_TOKENS = 300    /* before the first answer */
};

struct dm_limiter {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards all below */
    struct dm_limit limit;
    uint32_t reductions;  /* that wait for leave */
    double answer_tokens; /* of an answer, lately */
};

enum dm_code dm_limiter_make(struct dm_runtime runtime, const struct dm_limit_options *options, struct dm_limiter **ret,
                             struct dm_err *err)
{
    struct dm_limiter *limiter = dm_alloc_zero(1, sizeof(*limiter));
    if (!limiter)
        return dm_fail_memory(err);
    limiter->runtime = runtime;
    limiter->answer_tokens = ANSWER_TOKENS;
    dm_limit_make(&limiter->limit, options, dm_mono_ms(runtime));
    enum dm_code rc = dm_monitor_make(runtime, &limiter->monitor, err);
    if (rc != DM_OK) {
        dm_free(limiter);
        return rc;
    }
    *ret = limiter;
    return DM_OK;
}

void dm_limiter_free(struct dm_limiter *limiter)
{
    if (!limiter)
        return;
    dm_monitor_free(limiter->runtime, limiter->monitor);
    dm_free(limiter);
}

enum dm_code dm_limiter_enter(struct dm_limiter *limiter, enum dm_call_rank rank, int64_t deadline_mono_ms)
{
    enum dm_code rc = DM_OK;
    dm_lock(limiter->runtime, limiter->monitor);
    limiter->reductions += rank == DM_CALL_REDUCTION;
    for (;;) {
        int64_t now_ms = dm_mono_ms(limiter->runtime);
        bool behind = rank == DM_CALL_PAGE && limiter->reductions > 0;
        int64_t at_ms = behind ? DM_FOREVER : dm_limit_next(&limiter->limit, now_ms);
        if (at_ms <= now_ms) {
            dm_limit_begin(&limiter->limit, now_ms);
            break;
        }
        if (now_ms >= deadline_mono_ms) {
            rc = DM_TIMEOUT;
            break;
        }
        dm_wait_until(limiter->runtime, limiter->monitor, at_ms < deadline_mono_ms ? at_ms : deadline_mono_ms);
    }
    if (rank == DM_CALL_REDUCTION && --limiter->reductions == 0)
        dm_wake_all(limiter->runtime, limiter->monitor);
    dm_unlock(limiter->runtime, limiter->monitor);
    return rc;
}

void dm_limiter_give_back(struct dm_limiter *limiter)
{
    dm_lock(limiter->runtime, limiter->monitor);
    dm_limit_undo(&limiter->limit);
    dm_wake_all(limiter->runtime, limiter->monitor);
    dm_unlock(limiter->runtime, limiter->monitor);
}

static uint64_t bytes_of(const struct dm_model_request *request)
{
    uint64_t bytes = request->text.len + request->rejected.len;
    for (uint32_t i = 0; i < request->digest_count; i++)
        bytes += dm_page_digest_bytes(&request->digests[i]);
    return bytes;
}

uint64_t dm_limiter_spend(struct dm_limiter *limiter, const struct dm_model_request *request)
{
    uint64_t tokens = bytes_of(request) / BYTES_A_TOKEN + (request->picture.len ? PICTURE_TOKENS : 0);
    dm_lock(limiter->runtime, limiter->monitor);
    tokens += (uint64_t)limiter->answer_tokens;
    dm_limit_spend(&limiter->limit, dm_mono_ms(limiter->runtime), tokens);
    dm_unlock(limiter->runtime, limiter->monitor);
    return tokens;
}

void dm_limiter_answered(struct dm_limiter *limiter, int64_t began_mono_ms, uint64_t tokens,
                         const struct dm_model_answer *answer)
{
    dm_lock(limiter->runtime, limiter->monitor);
    dm_limit_end(&limiter->limit, dm_mono_ms(limiter->runtime), began_mono_ms, tokens, answer);
    if (answer->reason == DM_REASON_NONE)
        limiter->answer_tokens = limiter->answer_tokens * 0.95 + (double)answer->usage.output_tokens * 0.05;
    dm_wake_all(limiter->runtime, limiter->monitor);
    dm_unlock(limiter->runtime, limiter->monitor);
}

bool dm_limiter_given_up(struct dm_limiter *limiter, enum dm_reason *ret_reason)
{
    dm_lock(limiter->runtime, limiter->monitor);
    const struct dm_limit *limit = &limiter->limit;
    bool over = limit->breaker != DM_BREAKER_CLOSED &&
                dm_mono_ms(limiter->runtime) - limit->opened_ms >= dm_reason_patience_ms(limit->breaker_reason);
    *ret_reason = limit->breaker_reason;
    dm_unlock(limiter->runtime, limiter->monitor);
    return over;
}

static double tightest(double a, double b)
{
    return a <= 0 ? b : b <= 0 ? a : fmin(a, b);
}

struct dm_limiter_view dm_limiter_look(struct dm_limiter *limiter)
{
    dm_lock(limiter->runtime, limiter->monitor);
    const struct dm_limit *limit = &limiter->limit;
    int64_t now_ms = dm_mono_ms(limiter->runtime);
    bool closed = limit->breaker == DM_BREAKER_CLOSED;
    struct dm_limiter_view view = {
        .in_flight = limit->in_flight,
        .concurrency = (uint32_t)limit->concurrency,
        .per_second = tightest(limit->requests.per_ms, limit->learned.per_ms) * 1000,
        .pause_ms = limit->not_before_ms > now_ms ? limit->not_before_ms - now_ms : 0,
        .breaker = limit->breaker,
        .reason = limit->breaker_reason,
        .shut_ms = closed ? 0 : now_ms - limit->opened_ms,
    };
    dm_unlock(limiter->runtime, limiter->monitor);
    return view;
}
