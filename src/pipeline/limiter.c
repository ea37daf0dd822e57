/* limiter.c: see limiter.h; the arithmetic is limit.c's.
 *
 * Accounts lie in a list, the one that was used last in front: few are in use at once, and those found least recently are the ones
 * to forget when there are too many. One is never forgotten while a call of it is under way or waited for; what is lost with it is
 * what was learnt of its limits. */
#include "limiter.h"

#include <math.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "limit.h"

enum {
    BYTES_A_TOKEN = 4,     /* of text in European languages */
    PICTURE_TOKENS = 1100, /* between what providers count for a page's picture */
    ANSWER_TOKENS = 300,   /* before the first answer */
    SHUT_MS = 5000,        /* a provider's word that forbids calls for longer is like a breaker to those who wait */
    COMMON_CROWD_MAX = 48, /* of DM_AGGREGATE_TASKS_MAX: reductions that may wait for the common key while it is shut */
    CROWD_MAX = 16,        /* reductions that may wait for a key of a tenant's own that is shut */
    ACCOUNTS_MAX = 1024,   /* beside the common one */
    FULL_WAIT_MS = 1000    /* where all of them are in use */
};

struct account {
    struct account *next;
    uint64_t id;
    struct dm_tenant tenant; /* whose call was the last */
    struct dm_limit limit;
    uint32_t reductions; /* that wait for leave */
    bool forgotten;      /* to go as soon as it is idle */
};

struct dm_limiter {
    struct dm_runtime runtime;
    struct dm_limit_options options;
    struct dm_monitor *monitor; /* guards all below */
    struct account common;
    struct account *others;
    uint32_t count;       /* of them */
    double answer_tokens; /* of an answer, lately */
    uint64_t news;
};

enum dm_code dm_limiter_make(struct dm_runtime runtime, const struct dm_limit_options *options, struct dm_limiter **ret,
                             struct dm_err *err)
{
    struct dm_limiter *limiter = dm_alloc_zero(1, sizeof(*limiter));
    if (!limiter)
        return dm_fail_memory(err);
    limiter->runtime = runtime;
    limiter->options = *options;
    limiter->answer_tokens = ANSWER_TOKENS;
    dm_limit_make(&limiter->common.limit, options, dm_mono_ms(runtime));
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
    while (limiter->others) {
        struct account *account = limiter->others;
        limiter->others = account->next;
        dm_free(account);
    }
    dm_monitor_free(limiter->runtime, limiter->monitor);
    dm_free(limiter);
}

static void lock(struct dm_limiter *limiter)
{
    dm_lock(limiter->runtime, limiter->monitor);
}

static void unlock(struct dm_limiter *limiter)
{
    dm_unlock(limiter->runtime, limiter->monitor);
}

static void tell_news(struct dm_limiter *limiter)
{
    limiter->news++;
    dm_wake_all(limiter->runtime, limiter->monitor);
}

/* ---- accounts (with the lock held) ---- */

static struct account *find(struct dm_limiter *limiter, uint64_t id)
{
    if (id == 0)
        return &limiter->common;
    struct account *account = limiter->others;
    while (account && account->id != id)
        account = account->next;
    return account;
}

/* One of which a call is under way: it is not forgotten. */
static struct account *known(struct dm_limiter *limiter, uint64_t id)
{
    struct account *account = find(limiter, id);
    DM_CHECK(account);
    return account;
}

static bool is_idle(const struct account *account)
{
    return account->limit.in_flight == 0 && account->reductions == 0;
}

/* The idle one that was used least recently. NULL: there is none. */
static struct account *take_idle(struct dm_limiter *limiter)
{
    struct account **last = NULL;
    for (struct account **at = &limiter->others; *at; at = &(*at)->next)
        if (is_idle(*at))
            last = at;
    if (!last)
        return NULL;
    struct account *account = *last;
    *last = account->next;
    limiter->count--;
    return account;
}

static void unlink_account(struct dm_limiter *limiter, const struct account *account)
{
    struct account **at = &limiter->others;
    while (*at != account)
        at = &(*at)->next;
    *at = account->next;
}

static void put_first(struct dm_limiter *limiter, struct account *account)
{
    account->next = limiter->others;
    limiter->others = account;
}

/* To be used now; made where it is not there. NULL: no memory, or too many are in use. */
static struct account *use(struct dm_limiter *limiter, uint64_t id)
{
    struct account *account = find(limiter, id);
    if (account && id != 0 && limiter->others != account) {
        unlink_account(limiter, account);
        put_first(limiter, account);
    }
    if (account) {
        account->forgotten = false;
        return account;
    }
    account = limiter->count >= ACCOUNTS_MAX ? take_idle(limiter) : dm_alloc_zero(1, sizeof(*account));
    if (!account)
        return NULL;
    *account = (struct account){ .id = id };
    dm_limit_make(&account->limit, &limiter->options, dm_mono_ms(limiter->runtime));
    put_first(limiter, account);
    limiter->count++;
    return account;
}

static void drop_forgotten(struct dm_limiter *limiter, struct account *account)
{
    if (!account->forgotten || !is_idle(account))
        return;
    unlink_account(limiter, account);
    limiter->count--;
    dm_free(account);
}

static void begin(struct account *account, const struct dm_tenant *tenant, int64_t now_ms)
{
    dm_limit_begin(&account->limit, now_ms);
    account->tenant = *tenant;
}

/* ---- leave ---- */

static int64_t next_page_ms(struct account *account, int64_t now_ms)
{
    return account->reductions > 0 ? DM_FOREVER : dm_limit_next(&account->limit, now_ms);
}

static bool is_shut(const struct account *account, int64_t now_ms)
{
    return account->limit.breaker != DM_BREAKER_CLOSED || account->limit.not_before_ms > now_ms + SHUT_MS;
}

/* A reduction that waits holds a task, and there are not many: a key takes some of them while it is shut, and the rest is for others. */
static bool is_crowded(const struct account *account, int64_t now_ms)
{
    uint32_t most = account->id == 0 ? COMMON_CROWD_MAX : CROWD_MAX;
    return account->reductions > most && is_shut(account, now_ms);
}

struct dm_leave dm_limiter_ask(struct dm_limiter *limiter, uint64_t id)
{
    lock(limiter);
    int64_t now_ms = dm_mono_ms(limiter->runtime);
    struct dm_leave leave = { .at_ms = now_ms, .concurrency = limiter->options.concurrency };
    struct account *account = find(limiter, id);
    if (account) {
        const struct dm_limit *limit = &account->limit;
        leave.at_ms = next_page_ms(account, now_ms);
        leave.concurrency = (uint32_t)limit->concurrency;
        leave.breaker = limit->breaker;
        leave.shut = is_shut(account, now_ms);
        leave.reason = limit->breaker_reason;
        leave.given_up = dm_limit_given_up(limit, now_ms);
    }
    unlock(limiter);
    return leave;
}

bool dm_limiter_try(struct dm_limiter *limiter, uint64_t id, const struct dm_tenant *tenant)
{
    lock(limiter);
    int64_t now_ms = dm_mono_ms(limiter->runtime);
    struct account *account = use(limiter, id);
    bool may = account && next_page_ms(account, now_ms) <= now_ms;
    if (may)
        begin(account, tenant, now_ms);
    unlock(limiter);
    return may;
}

enum dm_code dm_limiter_enter(struct dm_limiter *limiter, uint64_t id, const struct dm_tenant *tenant,
                              int64_t deadline_mono_ms)
{
    enum dm_code rc = DM_OK;
    lock(limiter);
    struct account *account = use(limiter, id);
    if (account)
        account->reductions++;
    for (;;) {
        int64_t now_ms = dm_mono_ms(limiter->runtime);
        if (account && is_crowded(account, now_ms)) {
            rc = DM_BUSY;
            break;
        }
        int64_t at_ms = account ? dm_limit_next(&account->limit, now_ms) : now_ms + FULL_WAIT_MS;
        if (account && at_ms <= now_ms) {
            begin(account, tenant, now_ms);
            break;
        }
        if (now_ms >= deadline_mono_ms) {
            rc = DM_TIMEOUT;
            break;
        }
        dm_wait_until(limiter->runtime, limiter->monitor, at_ms < deadline_mono_ms ? at_ms : deadline_mono_ms);
        if (!account && (account = use(limiter, id)) != NULL)
            account->reductions++;
    }
    if (account && --account->reductions == 0)
        tell_news(limiter);
    unlock(limiter);
    return rc;
}

void dm_limiter_give_back(struct dm_limiter *limiter, uint64_t id, uint64_t tokens)
{
    lock(limiter);
    struct account *account = known(limiter, id);
    dm_limit_undo(&account->limit, tokens);
    drop_forgotten(limiter, account);
    tell_news(limiter);
    unlock(limiter);
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
    lock(limiter);
    tokens += (uint64_t)limiter->answer_tokens;
    dm_limit_spend(&known(limiter, request->account)->limit, dm_mono_ms(limiter->runtime), tokens);
    unlock(limiter);
    return tokens;
}

/* The tenant is named where the key is its own; the common one is everybody's. */
static void log_breaker(enum dm_breaker before, enum dm_reason reason, uint64_t id, const struct dm_tenant *tenant,
                        enum dm_breaker now)
{
    const char *whose = id ? tenant->id : "*";
    if (before == DM_BREAKER_CLOSED && now != DM_BREAKER_CLOSED)
        dm_log(DM_LOG_WARN, DM_EV_MODEL_DOWN, dm_f_z("tenant", whose), dm_f_z("reason", dm_reason_text(reason)));
    else if (before != DM_BREAKER_CLOSED && now == DM_BREAKER_CLOSED)
        dm_log(DM_LOG_INFO, DM_EV_MODEL_UP, dm_f_z("tenant", whose));
}

void dm_limiter_answered(struct dm_limiter *limiter, uint64_t id, int64_t began_mono_ms, uint64_t tokens,
                         const struct dm_model_answer *answer)
{
    lock(limiter);
    struct account *account = known(limiter, id);
    enum dm_breaker before = account->limit.breaker;
    dm_limit_end(&account->limit, dm_mono_ms(limiter->runtime), began_mono_ms, tokens, answer);
    if (answer->reason == DM_REASON_NONE)
        limiter->answer_tokens = limiter->answer_tokens * 0.95 + (double)answer->usage.output_tokens * 0.05;
    enum dm_breaker now = account->limit.breaker;
    enum dm_reason reason = account->limit.breaker_reason;
    const struct dm_tenant tenant = account->tenant;
    drop_forgotten(limiter, account);
    tell_news(limiter);
    unlock(limiter);
    log_breaker(before, reason, id, &tenant, now);
}

void dm_limiter_forget(struct dm_limiter *limiter, uint64_t id)
{
    lock(limiter);
    struct account *account = id ? find(limiter, id) : NULL;
    if (account) {
        account->forgotten = true;
        drop_forgotten(limiter, account);
    }
    unlock(limiter);
}

void dm_limiter_forget_tenant(struct dm_limiter *limiter, const struct dm_tenant *tenant)
{
    lock(limiter);
    for (struct account *account = limiter->others, *next; account; account = next) {
        next = account->next;
        account->forgotten = account->forgotten || dm_tenant_eq(&account->tenant, tenant);
        drop_forgotten(limiter, account);
    }
    unlock(limiter);
}

/* ---- news ---- */

uint64_t dm_limiter_news(struct dm_limiter *limiter)
{
    lock(limiter);
    uint64_t news = limiter->news;
    unlock(limiter);
    return news;
}

void dm_limiter_wait(struct dm_limiter *limiter, uint64_t seen, int64_t until_mono_ms)
{
    lock(limiter);
    while (limiter->news == seen && dm_mono_ms(limiter->runtime) < until_mono_ms)
        dm_wait_until(limiter->runtime, limiter->monitor, until_mono_ms);
    unlock(limiter);
}

void dm_limiter_poke(struct dm_limiter *limiter)
{
    lock(limiter);
    tell_news(limiter);
    unlock(limiter);
}

/* ---- how it stands ---- */

static double tightest(double a, double b)
{
    return a <= 0 ? b : b <= 0 ? a : fmin(a, b);
}

static struct dm_limiter_view view_of(const struct dm_limit *limit, int64_t now_ms)
{
    bool closed = limit->breaker == DM_BREAKER_CLOSED;
    return (struct dm_limiter_view){
        .in_flight = limit->in_flight,
        .concurrency = (uint32_t)limit->concurrency,
        .per_second = tightest(limit->requests.per_ms, limit->learned.per_ms) * 1000,
        .pause_ms = limit->not_before_ms > now_ms ? limit->not_before_ms - now_ms : 0,
        .breaker = limit->breaker,
        .reason = limit->breaker_reason,
        .shut_ms = closed ? 0 : now_ms - limit->opened_ms,
    };
}

struct dm_limiter_view dm_limiter_look(struct dm_limiter *limiter)
{
    lock(limiter);
    struct dm_limiter_view view = view_of(&limiter->common.limit, dm_mono_ms(limiter->runtime));
    unlock(limiter);
    return view;
}

uint32_t dm_limiter_look_shut(struct dm_limiter *limiter, uint32_t max, struct dm_shut_account *ret)
{
    uint32_t count = 0;
    lock(limiter);
    int64_t now_ms = dm_mono_ms(limiter->runtime);
    for (const struct account *account = limiter->others; account; account = account->next) {
        if (account->limit.breaker == DM_BREAKER_CLOSED)
            continue;
        if (count < max)
            ret[count] = (struct dm_shut_account){ account->tenant, view_of(&account->limit, now_ms) };
        count++;
    }
    unlock(limiter);
    return count;
}
