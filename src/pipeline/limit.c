/* limit.c: see limit.h. */
#include "limit.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"

enum {
    SLOT_MS = 125,
    MEASURE_SLOTS = 16, /* 2 s */
    MEASURE_LEAST = 10, /* fewer accepted calls say nothing about a rate */
    REFUSALS_LEAST = 3, /* fewer 429s neither */
    GUESS_MS = 250,
    HOLD_MS = 10000, /* after a cut, before the learned rate grows */
    HOLD_CALLS = 20,
    SETTLE_MS = 500, /* after a cut, before another one */
    VAIN_CUTS_MAX = 3,
    FAILURES_MAX = 10, /* in a row, before the breaker opens */
    PROBE_FIRST_MS = 1000,
    PROBE_MOST_MS = 60000,
    SHUT_FIRST_MS = 5000, /* a key that was refused, a quota that is used up: nothing that passes in a second */
    SHUT_MOST_MS = 300000,
    WORD_MOST_MS = 24 * 3600 * 1000
};

/* Lowered to so much of what was accepted; grows by so much a second, or a call where those are rarer. */
static const double CUT = 0.95, GROWTH_A_S = 0.01, VAIN_GROWTH_A_S = 0.5;
static const double DECREASE = 0.8, SLOW = 2.5, STEADY = 1.5;
/* Of a minute's limit so much may go out at once; the rest is spread, so that no minute sees more than the limit. */
static const double BURST = 0.02;
static const double LEARNED_BURST_MS = 100, LEARNED_LEAST_A_MS = 0.1 / 1000;

/* ---- buckets ---- */

static void refill(struct dm_bucket *bucket, int64_t now_ms)
{
    if (now_ms > bucket->at_ms) {
        bucket->level = fmin(bucket->most, bucket->level + (double)(now_ms - bucket->at_ms) * bucket->per_ms);
        bucket->at_ms = now_ms;
    }
}

/* When `least` is in it. */
static int64_t ready_at(struct dm_bucket *bucket, double least, int64_t now_ms)
{
    if (bucket->per_ms <= 0)
        return now_ms;
    refill(bucket, now_ms);
    if (bucket->level >= least)
        return now_ms;
    return now_ms + (int64_t)ceil((least - bucket->level) / bucket->per_ms);
}

/* What was taken too much. It never holds more than it would have: else the next burst would be longer by that. */
static void put_back(struct dm_bucket *bucket, double much)
{
    if (bucket->per_ms > 0)
        bucket->level = fmin(bucket->most, bucket->level + much);
}

static void set_per_minute(struct dm_bucket *bucket, double per_minute, int64_t now_ms)
{
    bool fresh = bucket->per_ms <= 0;
    refill(bucket, now_ms);
    bucket->most = fmax(1, per_minute * BURST);
    bucket->per_ms = (per_minute - fmin(bucket->most, per_minute / 2)) / 60000;
    bucket->level = fresh ? bucket->most : fmin(bucket->level, bucket->most);
    bucket->at_ms = now_ms;
}

/* ---- making ---- */

void dm_limit_make(struct dm_limit *limit, const struct dm_limit_options *options, int64_t now_ms)
{
    DM_CHECK(options->concurrency >= 1 && options->concurrency_max >= options->concurrency);
    memset(limit, 0, sizeof(*limit));
    limit->options = *options;
    limit->concurrency = options->concurrency;
    limit->first_ms = limit->full_ms = -1;
    limit->slot = now_ms / SLOT_MS;
    limit->requests.at_ms = limit->tokens.at_ms = limit->learned.at_ms = now_ms;
    if (options->requests_per_minute)
        set_per_minute(&limit->requests, (double)options->requests_per_minute, now_ms);
    if (options->tokens_per_minute)
        set_per_minute(&limit->tokens, (double)options->tokens_per_minute, now_ms);
}

/* ---- the learned rate ---- */

static void turn_slots(struct dm_limit *limit, int64_t now_ms)
{
    int64_t slot = now_ms / SLOT_MS;
    if (limit->slot < slot - DM_LIMIT_SLOTS)
        limit->slot = slot - DM_LIMIT_SLOTS;
    while (limit->slot < slot)
        limit->accepted[++limit->slot % DM_LIMIT_SLOTS] = 0;
}

/* Calls accepted a millisecond over the last seconds; 0: too few to say. */
static double measured(struct dm_limit *limit, int64_t now_ms)
{
    uint32_t count = 0;
    turn_slots(limit, now_ms);
    for (int64_t i = 0; i < MEASURE_SLOTS; i++)
        count += limit->accepted[(limit->slot - i + DM_LIMIT_SLOTS) % DM_LIMIT_SLOTS];
    if (count < MEASURE_LEAST)
        return 0;
    int64_t since_ms = now_ms - limit->first_ms;
    int64_t window_ms = (MEASURE_SLOTS - 1) * SLOT_MS + now_ms % SLOT_MS + 1;
    return count / (double)(since_ms < window_ms ? since_ms + 1 : window_ms);
}

static void set_learned(struct dm_limit *limit, double per_ms, int64_t now_ms)
{
    struct dm_bucket *learned = &limit->learned;
    refill(learned, now_ms);
    learned->per_ms = fmax(per_ms, LEARNED_LEAST_A_MS);
    learned->most = fmax(1, learned->per_ms * LEARNED_BURST_MS);
    learned->level = fmin(learned->level, learned->most);
    learned->at_ms = now_ms;
}

/* Before enough answers have come: what is under way has been accepted, it seems. Rather too much than too little: further
 * 429s correct it at once. */
static double guessed(const struct dm_limit *limit, int64_t now_ms)
{
    double age_ms = fmax(GUESS_MS, (double)(now_ms - limit->first_ms));
    return fmax(1, limit->in_flight + limit->answers - limit->refusals) / age_ms;
}

/* A rate of few calls is given the time of some of them. */
static int64_t hold_ms(const struct dm_limit *limit)
{
    return (int64_t)fmax(HOLD_MS, HOLD_CALLS / limit->learned.per_ms);
}

/* What the last cut was good for. Refusals that have to do with the rate stop once it is below what is accepted; those that go on, a
 * few cuts in a row, have some other cause. From then on the rate is raised, until that makes them more frequent. */
static bool is_in_vain(struct dm_limit *limit, double share, int64_t now_ms)
{
    if (limit->vain_cuts >= VAIN_CUTS_MAX) {
        if (share > limit->share * 1.5 + 0.05)
            limit->vain_cuts = 0;
    } else if (now_ms - limit->cut_ms < hold_ms(limit) && share >= limit->share / 4) {
        limit->vain_cuts++;
    } else {
        limit->vain_cuts = 0;
    }
    return limit->vain_cuts >= VAIN_CUTS_MAX;
}

static void cut(struct dm_limit *limit, int64_t now_ms)
{
    struct dm_bucket *learned = &limit->learned;
    double share = limit->answers ? (double)limit->refusals / limit->answers : 1;
    bool first = learned->per_ms <= 0;
    double rate = measured(limit, now_ms);
    if (!first && is_in_vain(limit, share, now_ms)) {
        set_learned(limit, fmax(learned->per_ms * 2, limit->uncut_per_ms), now_ms);
        limit->share = limit->share * 0.7 + share * 0.3;
    } else {
        if (rate <= 0)
            rate = first ? guessed(limit, now_ms) : learned->per_ms / 2;
        else if (first)
            rate = fmax(rate, guessed(limit, now_ms));
        if (limit->vain_cuts == 0)
            limit->uncut_per_ms = first ? rate : learned->per_ms;
        set_learned(limit, (first ? rate : fmin(rate, learned->per_ms)) * CUT, now_ms);
        limit->share = share;
    }
    limit->cut_ms = limit->grown_ms = now_ms;
    limit->answers = limit->refusals = 0;
}

static void grow(struct dm_limit *limit, int64_t now_ms)
{
    struct dm_bucket *learned = &limit->learned;
    if (learned->per_ms <= 0)
        return;
    int64_t held_ms = limit->cut_ms + hold_ms(limit);
    int64_t from_ms = held_ms > limit->grown_ms ? held_ms : limit->grown_ms;
    if (now_ms <= from_ms)
        return;
    double growth_a_s = limit->vain_cuts >= VAIN_CUTS_MAX ? VAIN_GROWTH_A_S : GROWTH_A_S;
    double growth = (double)(now_ms - from_ms) * fmin(1.0 / 1000, learned->per_ms) * growth_a_s;
    set_learned(limit, learned->per_ms * (1 + fmin(growth, 1)), now_ms);
    limit->grown_ms = now_ms;
}

/* ---- concurrency ---- */

static void lower(struct dm_limit *limit, int64_t now_ms, int64_t began_ms)
{
    if (began_ms < limit->lowered_ms)
        return;
    limit->concurrency = fmax(1, fmin(limit->concurrency, limit->most_in_flight) * DECREASE);
    limit->most_in_flight = limit->in_flight;
    limit->lowered_ms = now_ms;
}

static void note_latency(struct dm_limit *limit, int64_t now_ms, int64_t began_ms)
{
    double took_ms = fmax(1, (double)(now_ms - began_ms));
    bool full = limit->full_ms >= began_ms;
    limit->latency_ms = limit->latency_ms > 0 ? limit->latency_ms * 0.9 + took_ms * 0.1 : took_ms;
    limit->usual_ms = limit->usual_ms > 0 ? limit->usual_ms * 0.995 + took_ms * 0.005 : took_ms;
    if (full && limit->latency_ms > limit->usual_ms * SLOW)
        lower(limit, now_ms, began_ms);
    else if (full && limit->latency_ms < limit->usual_ms * STEADY)
        limit->concurrency = fmin(limit->options.concurrency_max, limit->concurrency + 1 / limit->concurrency);
}

/* ---- the breaker ---- */

static bool is_shut(enum dm_reason reason)
{
    return reason == DM_REASON_AUTH_FAILED || reason == DM_REASON_QUOTA_EXHAUSTED;
}

static void open_breaker(struct dm_limit *limit, int64_t now_ms, enum dm_reason reason, bool probe)
{
    int64_t first_ms = is_shut(reason) ? SHUT_FIRST_MS : PROBE_FIRST_MS;
    int64_t most_ms = is_shut(reason) ? SHUT_MOST_MS : PROBE_MOST_MS;
    if (limit->breaker == DM_BREAKER_CLOSED) {
        limit->opened_ms = now_ms;
        limit->probe_wait_ms = first_ms;
    } else if (probe || is_shut(reason) != is_shut(limit->breaker_reason)) {
        limit->probe_wait_ms = 2 * limit->probe_wait_ms > first_ms ? 2 * limit->probe_wait_ms : first_ms;
    } else {
        return; /* one of those that were under way when it opened */
    }
    if (limit->probe_wait_ms > most_ms)
        limit->probe_wait_ms = most_ms;
    limit->breaker = DM_BREAKER_OPEN;
    limit->breaker_reason = reason;
    limit->probe_at_ms = now_ms + limit->probe_wait_ms;
}

static void close_breaker(struct dm_limit *limit)
{
    limit->failures = 0;
    if (limit->breaker == DM_BREAKER_CLOSED)
        return;
    limit->breaker = DM_BREAKER_CLOSED;
    limit->breaker_reason = DM_REASON_NONE;
    limit->probe_wait_ms = 0;
    limit->concurrency = fmax(1, fmin(limit->concurrency, limit->options.concurrency / 2.0)); /* it comes back gently */
}

/* ---- calls ---- */

int64_t dm_limit_next(struct dm_limit *limit, int64_t now_ms)
{
    int64_t at_ms = now_ms;
    grow(limit, now_ms);
    if (limit->in_flight >= (uint32_t)limit->concurrency)
        return DM_FOREVER;
    if (limit->breaker != DM_BREAKER_CLOSED) {
        if (limit->probing)
            return DM_FOREVER;
        at_ms = limit->probe_at_ms;
    }
    const int64_t brakes[] = { limit->not_before_ms, ready_at(&limit->requests, 1, now_ms),
                               ready_at(&limit->tokens, 0, now_ms), ready_at(&limit->learned, 1, now_ms) };
    for (size_t i = 0; i < DM_COUNT(brakes); i++)
        if (brakes[i] > at_ms)
            at_ms = brakes[i];
    return at_ms;
}

void dm_limit_begin(struct dm_limit *limit, int64_t now_ms)
{
    limit->in_flight++;
    if (limit->most_in_flight < limit->in_flight)
        limit->most_in_flight = limit->in_flight;
    if (limit->in_flight >= (uint32_t)limit->concurrency)
        limit->full_ms = now_ms;
    if (limit->first_ms < 0)
        limit->first_ms = now_ms;
    limit->requests.level -= limit->requests.per_ms > 0;
    limit->learned.level -= limit->learned.per_ms > 0;
    if (limit->breaker != DM_BREAKER_CLOSED) {
        limit->breaker = DM_BREAKER_HALF_OPEN;
        limit->probing = true;
        limit->probe_began_ms = now_ms;
    }
}

void dm_limit_undo(struct dm_limit *limit, uint64_t tokens)
{
    DM_CHECK(limit->in_flight > 0);
    limit->in_flight--;
    put_back(&limit->tokens, (double)tokens);
    put_back(&limit->requests, 1);
    put_back(&limit->learned, 1);
    limit->probing = false;
}

void dm_limit_spend(struct dm_limit *limit, int64_t now_ms, uint64_t tokens)
{
    refill(&limit->tokens, now_ms);
    if (limit->tokens.per_ms > 0)
        limit->tokens.level -= (double)tokens;
}

static void heed_limits(struct dm_limit *limit, int64_t now_ms, const struct dm_model_limits *told)
{
    const struct dm_limit_options *options = &limit->options;
    if (told->requests_per_minute && !options->requests_per_minute)
        set_per_minute(&limit->requests, (double)told->requests_per_minute, now_ms);
    if (told->tokens_per_minute && !options->tokens_per_minute)
        set_per_minute(&limit->tokens, (double)told->tokens_per_minute, now_ms);
}

static void heed_word(struct dm_limit *limit, int64_t now_ms, int64_t wait_ms)
{
    if (wait_ms > WORD_MOST_MS)
        wait_ms = WORD_MOST_MS;
    if (wait_ms > 0 && now_ms + wait_ms > limit->not_before_ms)
        limit->not_before_ms = now_ms + wait_ms;
}

static void end_refused(struct dm_limit *limit, int64_t now_ms, int64_t began_ms)
{
    limit->answers++;
    limit->refusals++;
    /* Those that were on their way when it was lowered say nothing new. */
    bool first = limit->learned.per_ms <= 0;
    if (!first && (began_ms < limit->cut_ms || now_ms - limit->cut_ms < SETTLE_MS))
        return;
    /* A few say nothing about a rate. */
    if (limit->refusals < REFUSALS_LEAST || (!first && limit->answers < MEASURE_LEAST))
        return;
    cut(limit, now_ms);
}

static void end_accepted(struct dm_limit *limit, int64_t now_ms, int64_t began_ms)
{
    limit->answers++;
    turn_slots(limit, now_ms);
    limit->accepted[limit->slot % DM_LIMIT_SLOTS]++;
    close_breaker(limit);
    note_latency(limit, now_ms, began_ms);
}

static void end_failed(struct dm_limit *limit, int64_t now_ms, int64_t began_ms, enum dm_reason reason, bool probe)
{
    limit->failures++;
    if (reason == DM_REASON_OVERLOADED || reason == DM_REASON_MODEL_TIMEOUT)
        lower(limit, now_ms, began_ms);
    if (is_shut(reason) || limit->failures >= FAILURES_MAX || limit->breaker != DM_BREAKER_CLOSED)
        open_breaker(limit, now_ms, reason, probe);
}

/* What the answer tells of the provider. */
static void judge(struct dm_limit *limit, int64_t now_ms, int64_t began_ms, enum dm_reason reason, bool probe)
{
    switch (reason) {
    case DM_REASON_RATE_LIMITED:
        end_refused(limit, now_ms, began_ms);
        close_breaker(limit); /* it is there, and knows the key */
        break;
    case DM_REASON_OVERLOADED:
    case DM_REASON_NETWORK:
    case DM_REASON_MODEL_TIMEOUT:
    case DM_REASON_AUTH_FAILED:
    case DM_REASON_QUOTA_EXHAUSTED:
        end_failed(limit, now_ms, began_ms, reason, probe);
        break;
    case DM_REASON_CANCELLED:
    case DM_REASON_INTERNAL:
        break; /* says nothing of the provider */
    default:
        end_accepted(limit, now_ms, began_ms);
    }
}

void dm_limit_end(struct dm_limit *limit, int64_t now_ms, int64_t began_ms, uint64_t tokens,
                  const struct dm_model_answer *answer)
{
    DM_CHECK(limit->in_flight > 0);
    limit->in_flight--;
    /* Others that end now began before the breaker opened. */
    bool probe = limit->probing && began_ms >= limit->probe_began_ms;
    refill(&limit->tokens, now_ms);
    put_back(&limit->tokens, (double)tokens - (double)(answer->usage.input_tokens + answer->usage.output_tokens));
    heed_limits(limit, now_ms, &answer->limits);
    heed_word(limit, now_ms, answer->retry_after_ms);
    heed_word(limit, now_ms, answer->limits.pause_ms);
    if (!answer->adapted) /* else what it told is over */
        judge(limit, now_ms, began_ms, answer->reason, probe);
    limit->probing = limit->probing && !probe && limit->breaker != DM_BREAKER_CLOSED;
}

bool dm_limit_given_up(const struct dm_limit *limit, int64_t now_ms)
{
    return limit->breaker == DM_BREAKER_OPEN && now_ms < limit->probe_at_ms &&
           now_ms - limit->opened_ms >= dm_reason_patience_ms(limit->breaker_reason);
}
