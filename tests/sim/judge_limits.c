/* judge_limits.c: a node's calls to the provider, as its answers so far must have them: an account of what the limiter ought to know,
 * kept without a look into it.
 *
 *   word      no call begins before a Retry-After, or a pause, that the provider gave is over
 *   breaker   after ten failures in a row, or one that says that the key is no good, single calls alone begin, each only after the
 *             one before has failed and a wait that doubles; an answer of another kind ends it
 *   rates     over any time no more calls begin than the limit allows of it and its burst; no more tokens are used, but for what
 *             was thought wrong of calls under way
 *   bound     never more calls under way than the options' concurrency_max
 *
 * What the provider says reaches a node at some instant; calls that begin at the same one may not know of it. */
#include "judge.h"

#include <math.h>
#include <stdlib.h>

enum {
    FAILURES_MAX = 10,
    PROBE_FIRST_MS = 1000,
    PROBE_MOST_MS = 60000,
    SHUT_FIRST_MS = 5000,
    SHUT_MOST_MS = 300000,
    MINUTE_MS = 60000,
    SHUT_ACCOUNTS_MAX = 64,
    GUESS_TOKENS_MAX = 320 /* what a call is thought to use before any was answered */
};

static const double BURST = 0.02; /* of a minute's limit */

struct bucket {
    double per_ms; /* 0: no limit */
    double most;
    double level;
    int64_t at_ms;
};

/* One node's calls with one key. */
struct line {
    struct line *next;
    uint32_t node, incarnation;
    uint64_t account;
    uint32_t out, out_most; /* calls under way */
    int64_t heard_us;       /* when the provider said last what forbids calls */
    int64_t word_ms;        /* and until when */
    uint32_t failures;
    bool open;        /* the breaker is not closed */
    bool shut;        /* the provider refuses the key or has no quota left */
    uint32_t probe;   /* the single call that is under way and finds out; 0: there is none */
    uint32_t probes;  /* counted so far */
    int64_t wait_ms;  /* doubled by each that fails */
    int64_t probe_ms; /* the next one */
    struct bucket requests, tokens;
};

static int64_t now_ms(const struct sim *sim)
{
    return sim->now_us / 1000;
}

/* ---- rates ---- */

static void refill(struct bucket *bucket, int64_t at_ms)
{
    bucket->level = fmin(bucket->most, bucket->level + (double)(at_ms - bucket->at_ms) * bucket->per_ms);
    bucket->at_ms = at_ms;
}

/* The burst and what flows in within a minute are together the minute's limit. */
static void set_limit(struct bucket *bucket, uint64_t per_minute, int64_t at_ms)
{
    bool fresh = bucket->per_ms <= 0;
    refill(bucket, at_ms);
    bucket->most = fmax(1, (double)per_minute * BURST);
    bucket->per_ms = ((double)per_minute - bucket->most) / MINUTE_MS;
    bucket->level = fresh ? bucket->most : fmin(bucket->level, bucket->most);
}

static void judge_rates(struct sim *sim, struct line *line, uint32_t tokens)
{
    static const double rounding = 0.01;
    refill(&line->requests, now_ms(sim));
    refill(&line->tokens, now_ms(sim));
    line->requests.level -= line->requests.per_ms > 0;
    if (line->requests.level < -rounding)
        sim_fail(sim, "the limiter: a call of node %u is %.2f calls over the limit of %.3f a second", line->node,
                 -line->requests.level, line->requests.per_ms * 1000);
    if (line->tokens.per_ms <= 0)
        return;
    line->tokens.level -= tokens;
    double unknown = (double)line->out * MODEL_TOKENS_MAX + (double)line->out_most * GUESS_TOKENS_MAX;
    if (line->tokens.level < -unknown - rounding)
        sim_fail(sim,
                 "the limiter: node %u used %.0f tokens more than the limit of %.1f a second, and %u calls are out",
                 line->node, -line->tokens.level, line->tokens.per_ms * 1000, line->out);
}

/* ---- lines ---- */

static struct line *line_of(struct sim *sim, const struct node *node, uint64_t account)
{
    struct line *line = sim->judge->lines;
    while (line && (line->node != node->number || line->incarnation != node->incarnation || line->account != account))
        line = line->next;
    if (line)
        return line;
    line = calloc(1, sizeof(*line));
    *line = (struct line){ .next = sim->judge->lines,
                           .node = node->number,
                           .incarnation = node->incarnation,
                           .account = account,
                           .heard_us = -1 };
    if (node->limits.requests_per_minute)
        set_limit(&line->requests, node->limits.requests_per_minute, now_ms(sim));
    if (node->limits.tokens_per_minute)
        set_limit(&line->tokens, node->limits.tokens_per_minute, now_ms(sim));
    sim->judge->lines = line;
    return line;
}

/* It happened just now, or while the node stood still. */
static bool is_news(const struct sim *sim, const struct node *node, int64_t at_us)
{
    return at_us == sim->now_us || (node->thawed_us >= at_us && node->thawed_us + 1000 > sim->now_us);
}

static void judge_breaker(struct sim *sim, struct line *line, struct seen_call *call)
{
    if (line->probe)
        sim_fail(sim, "the breaker: node %u finds out twice at once whether the provider is back", line->node);
    if (now_ms(sim) < line->probe_ms)
        sim_fail(sim, "the breaker: node %u calls a provider that is out of reach %.3f s too soon", line->node,
                 (double)(line->probe_ms - now_ms(sim)) / 1000);
    line->probe = call->probe = ++line->probes;
}

void judge_line_begins(struct sim *sim, const struct node *node, uint64_t account, uint32_t tokens,
                       struct seen_call *call)
{
    struct line *line = line_of(sim, node, account);
    call->line = line;
    if (++line->out > node->limits.concurrency_max)
        sim_fail(sim, "the limiter: node %u has %u calls under way, and may have %u", line->node, line->out,
                 node->limits.concurrency_max);
    if (line->out > line->out_most)
        line->out_most = line->out;
    if (is_news(sim, node, line->heard_us) || is_news(sim, node, node->thawed_us))
        return;
    if (now_ms(sim) < line->word_ms)
        sim_fail(sim, "the limiter: node %u calls the provider %.3f s before its Retry-After", line->node,
                 (double)(line->word_ms - now_ms(sim)) / 1000);
    if (line->open)
        judge_breaker(sim, line, call);
    judge_rates(sim, line, tokens);
}

/* ---- answers ---- */

static void hear(struct sim *sim, struct line *line, const struct node *node, const struct dm_model_answer *answer)
{
    int64_t wait_ms = answer->retry_after_ms;
    if (answer->limits.pause_ms > wait_ms)
        wait_ms = answer->limits.pause_ms;
    if (wait_ms > 0 && now_ms(sim) + wait_ms > line->word_ms) {
        line->word_ms = now_ms(sim) + wait_ms;
        line->heard_us = sim->now_us;
    }
    if (answer->limits.requests_per_minute && !node->limits.requests_per_minute)
        set_limit(&line->requests, answer->limits.requests_per_minute, now_ms(sim));
}

static bool is_probe(const struct line *line, const struct seen_call *call)
{
    return call->probe && call->probe == line->probe;
}

static void fail(struct sim *sim, struct line *line, const struct seen_call *call, enum dm_reason reason)
{
    bool shut = reason == DM_REASON_AUTH_FAILED || reason == DM_REASON_QUOTA_EXHAUSTED;
    int64_t first_ms = shut ? SHUT_FIRST_MS : PROBE_FIRST_MS, most_ms = shut ? SHUT_MOST_MS : PROBE_MOST_MS;
    line->failures++;
    if (!line->open && (shut || line->failures >= FAILURES_MAX))
        line->wait_ms = first_ms;
    else if (line->open && (is_probe(line, call) || shut != line->shut))
        line->wait_ms = 2 * line->wait_ms > first_ms ? 2 * line->wait_ms : first_ms;
    else
        return;
    if (line->wait_ms > most_ms)
        line->wait_ms = most_ms;
    line->open = true;
    line->shut = shut;
    line->probe_ms = now_ms(sim) + line->wait_ms;
    line->heard_us = sim->now_us;
}

void judge_line_answers(struct sim *sim, struct seen_call *call, const struct dm_model_answer *answer)
{
    struct line *line = call->line;
    line->out--;
    hear(sim, line, sim->nodes[line->node], answer);
    switch (answer->reason) {
    case DM_REASON_OVERLOADED:
    case DM_REASON_NETWORK:
    case DM_REASON_MODEL_TIMEOUT:
    case DM_REASON_AUTH_FAILED:
    case DM_REASON_QUOTA_EXHAUSTED:
        fail(sim, line, call, answer->reason);
        break;
    case DM_REASON_CANCELLED:
    case DM_REASON_INTERNAL:
        break;
    default:
        line->open = false;
        line->probe = 0;
        line->failures = 0;
        line->wait_ms = 0;
    }
    if (is_probe(line, call))
        line->probe = 0;
}

bool judge_line_is_open(const struct line *line)
{
    return line->open;
}

bool judge_line_is_gone(const struct sim *sim, const struct line *line)
{
    return line->account != 0 && !provider_has_account(sim, line->account);
}

/* ---- at rest ---- */

void judge_limiter(struct sim *sim, const struct node *node)
{
    struct dm_limiter *limiter = node->pipeline.limiter;
    const struct dm_limiter_view view = dm_limiter_look(limiter);
    if (view.in_flight > 0)
        sim_fail(sim, "the limiter: node %u stops, no call is under way, and the limiter counts %u", node->number,
                 view.in_flight);
    struct dm_shut_account accounts[SHUT_ACCOUNTS_MAX];
    uint32_t count = dm_limiter_look_shut(limiter, SHUT_ACCOUNTS_MAX, accounts);
    for (uint32_t i = 0; i < count && i < SHUT_ACCOUNTS_MAX; i++)
        if (accounts[i].view.in_flight > 0)
            sim_fail(sim, "the limiter: node %u stops, and the limiter counts %u calls of a key of %s", node->number,
                     accounts[i].view.in_flight, accounts[i].tenant.id);
    /* What is known of a key goes with the key, sooner or later. */
    bool open = false;
    uint32_t least = 0, most = 0;
    for (const struct line *line = sim->judge->lines; line; line = line->next) {
        if (line->node != node->number || line->incarnation != node->incarnation || !line->open)
            continue;
        open = open || line->account == 0;
        most += line->account != 0;
        least += line->account != 0 && !judge_line_is_gone(sim, line);
    }
    if (open != (view.breaker != DM_BREAKER_CLOSED) || count < least || count > most)
        sim_fail(sim,
                 "the breaker: node %u stops; the common key's is %s and should be %s, those of %u others are open",
                 node->number, view.breaker == DM_BREAKER_CLOSED ? "closed" : "open", open ? "open" : "closed", count);
}

void judge_lines_free(struct judge *judge)
{
    while (judge->lines) {
        struct line *line = judge->lines;
        judge->lines = line->next;
        free(line);
    }
}
