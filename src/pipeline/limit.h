/* limit.h: when the next call to a provider may begin. Arithmetic only; private to the room (limiter.c locks it).
 *
 * Five brakes, and the tightest holds:
 *
 *   concurrency   Calls under way at once. It starts where it was told to, grows by one for each round of answers that came as
 *                 quickly as before, and shrinks by a fifth where the provider is overloaded or slow: additive increase,
 *                 multiplicative decrease (Chiu and Jain 1989), at most once per round of answers.
 *   rates         Requests and tokens a minute, as configured or as the provider's headers say: token buckets.
 *   learned rate  Where 429s come although no rate is known: what was accepted over the last seconds, less a little. After a while
 *                 without a 429 it grows by a percent a second, to find out whether the provider bears more again.
 *   its word      Retry-After and RetryInfo: nothing begins before.
 *   breaker       After failures in a row that say that the provider is not there, or does not know the key, nothing begins for a
 *                 while; then single calls find out whether it is back (half open), each failure doubling the wait.
 *
 * A 429 that does not get rarer when the rate is lowered is not about the rate, and lowers it no further.
 *
 * Times are a monotonic clock's, in milliseconds. */
#ifndef DM_PIPELINE_LIMIT_H
#define DM_PIPELINE_LIMIT_H

#include "pipeline/pipeline.h"

enum { DM_LIMIT_SLOTS = 32 }; /* in which accepted calls are counted */

/* Fills by itself up to `most`; what is taken may leave it in debt. */
struct dm_bucket {
    double per_ms; /* 0: no limit */
    double most;
    double level;
    int64_t at_ms;
};

struct dm_limit {
    struct dm_limit_options options;
    uint32_t in_flight;

    double concurrency;
    uint32_t most_in_flight; /* since it was lowered last */
    int64_t full_ms;         /* when that many were under way last; -1: never */
    int64_t lowered_ms;      /* answers to calls that began before say nothing new */
    double latency_ms;       /* of late; 0: none yet */
    double usual_ms;         /* over a longer time */

    struct dm_bucket requests;
    struct dm_bucket tokens;

    struct dm_bucket learned;
    int64_t cut_ms;      /* when it was lowered last */
    int64_t grown_ms;    /* until when its growth has been counted */
    double share;        /* of answers that were 429s, before the last cut */
    uint32_t vain_cuts;  /* in a row, that made them no rarer */
    double uncut_per_ms; /* what it was before those */
    uint32_t answers;    /* since the last cut */
    uint32_t refusals;   /* of those, 429s */
    uint32_t accepted[DM_LIMIT_SLOTS];
    int64_t slot;     /* the newest */
    int64_t first_ms; /* when the first call ever began; -1: none */

    int64_t not_before_ms;

    enum dm_breaker breaker;
    enum dm_reason breaker_reason;
    uint32_t failures;     /* in a row */
    int64_t opened_ms;     /* since the last call that worked; while it is not closed */
    int64_t probe_at_ms;   /* the next single call */
    int64_t probe_wait_ms; /* doubled by each that fails */
    bool probing;          /* it is under way */
    int64_t probe_began_ms;
};

void dm_limit_make(struct dm_limit *limit, const struct dm_limit_options *options, int64_t now_ms);

/* When the next call may begin: `now_ms` or before, at once; DM_FOREVER, when one of those under way has ended. */
int64_t dm_limit_next(struct dm_limit *limit, int64_t now_ms);
/* One begins; only when dm_limit_next said so. */
void dm_limit_begin(struct dm_limit *limit, int64_t now_ms);
/* It was not made after all; `tokens` were spent for it, or 0. */
void dm_limit_undo(struct dm_limit *limit, uint64_t tokens);
/* What the call that has begun is thought to cost. */
void dm_limit_spend(struct dm_limit *limit, int64_t now_ms, uint64_t tokens);
/* One has ended that began at `began_ms` and was thought to cost `tokens`. */
void dm_limit_end(struct dm_limit *limit, int64_t now_ms, int64_t began_ms, uint64_t tokens,
                  const struct dm_model_answer *answer);

/* Whether the provider has been out of reach for longer than anybody waits (dm_reason_patience_ms). Not while it may be asked again: after
 * a night without documents nobody knows whether it still is. */
bool dm_limit_given_up(const struct dm_limit *limit, int64_t now_ms);

#endif
