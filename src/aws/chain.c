/* chain.c: see chain.h.
 *
 * Whether credentials are still good is a question of the monotonic clock: how long they last was worked out by the clock of who
 * gave them, so that a wall clock that is off, or jumps, neither uses nor throws away any wrongly. */
#include "aws/chain.h"

#include "base/alloc.h"
#include "base/calendar.h"

enum {
    AHEAD_MS = 15 * DM_MINUTE_MS,  /* others come that long before the end, or at half of what lasts shorter */
    MARGIN_MS = 30 * DM_SECOND_MS, /* not begun with any more: a request takes its time */
    AGAIN_MS = 1 * DM_SECOND_MS,   /* after a failure, doubled each time up to … */
    AGAIN_MAX_MS = 1 * DM_MINUTE_MS,
    LOOK_MS = 5 * DM_SECOND_MS,        /* at keys that somebody may have renewed */
    STALE_AGAIN_MS = 12 * DM_MINUTE_MS /* where who gives them has an outage and gives old ones */
};

struct dm_aws_chain {
    struct dm_aws_sourcing how;
    dm_aws_fetch *fetch;        /* NULL: what is there stays */
    struct dm_monitor *monitor; /* guards what follows */
    struct dm_task *task;
    bool ending;
    bool has;
    struct dm_aws_credentials credentials;
    int64_t good_until_ms; /* monotonic */
    int64_t renew_at_ms;
    int64_t looked_ms; /* at keys that lie somewhere; 0: never */
    uint32_t failures; /* in a row */
    struct dm_err why; /* of the last one */
};

enum dm_code dm_aws_chain_make(const struct dm_aws_sourcing *how, struct dm_aws_chain **ret, struct dm_err *err)
{
    struct dm_aws_source source = { .fetch = NULL };
    enum dm_code rc = dm_aws_source_choose(&how->environment, &source, err);
    if (rc != DM_OK)
        return rc;
    struct dm_aws_chain *chain = dm_alloc_zero(1, sizeof(*chain));
    if (!chain) {
        dm_aws_credentials_free(&source.credentials);
        return dm_fail_memory(err);
    }
    rc = dm_monitor_make(how->runtime, &chain->monitor, err);
    if (rc != DM_OK) {
        dm_aws_credentials_free(&source.credentials);
        dm_free(chain);
        return rc;
    }
    chain->how = *how;
    chain->fetch = source.fetch;
    chain->has = !source.fetch;
    chain->credentials = source.credentials;
    chain->good_until_ms = DM_FOREVER;
    *ret = chain;
    return DM_OK;
}

/* ---- the task that fetches -------------------------------------------------------------------------------------- */

/* So that the processes that started together do not ask together. */
static int64_t about(const struct dm_aws_chain *chain, int64_t duration_ms)
{
    uint32_t chance;
    dm_random(chain->how.runtime, &chance, sizeof(chance));
    return duration_ms - duration_ms / 5 + (int64_t)(chance % 1024) * (duration_ms / 5) / 1024;
}

/* With the lock held. */
static void take(struct dm_aws_chain *chain, struct dm_aws_fetched *fetched)
{
    int64_t now_ms = dm_mono_ms(chain->how.runtime), left_ms = fetched->left_ms;
    dm_aws_credentials_free(&chain->credentials);
    chain->credentials = fetched->credentials;
    chain->has = true;
    chain->failures = 0;
    if (left_ms <= 0) { /* services go on taking them in such an outage, and others there are not */
        chain->good_until_ms = DM_FOREVER;
        chain->renew_at_ms = now_ms + about(chain, STALE_AGAIN_MS);
        return;
    }
    int64_t ahead_ms = left_ms / 2 < AHEAD_MS ? left_ms / 2 : AHEAD_MS;
    chain->good_until_ms = now_ms + left_ms - (left_ms / 4 < MARGIN_MS ? left_ms / 4 : MARGIN_MS);
    chain->renew_at_ms = now_ms + left_ms - ahead_ms - (ahead_ms / 10 - about(chain, ahead_ms / 10));
}

/* With the lock held. */
static void fail(struct dm_aws_chain *chain, const struct dm_err *why)
{
    int64_t pause_ms = AGAIN_MS << (chain->failures < 6 ? chain->failures : 6);
    chain->why = *why;
    chain->failures++;
    chain->renew_at_ms =
        dm_mono_ms(chain->how.runtime) + about(chain, pause_ms < AGAIN_MAX_MS ? pause_ms : AGAIN_MAX_MS);
}

static void run(void *argument)
{
    struct dm_aws_chain *chain = argument;
    struct dm_runtime runtime = chain->how.runtime;
    dm_lock(runtime, chain->monitor);
    while (!chain->ending) {
        if (dm_mono_ms(runtime) < chain->renew_at_ms) {
            (void)dm_wait_until(runtime, chain->monitor, chain->renew_at_ms);
            continue;
        }
        dm_unlock(runtime, chain->monitor);
        struct dm_aws_fetched fetched = { .left_ms = 0 };
        struct dm_err why = { .code = DM_OK };
        enum dm_code rc = chain->fetch(&chain->how, &fetched, &why);
        dm_lock(runtime, chain->monitor);
        if (rc == DM_OK)
            take(chain, &fetched);
        else
            fail(chain, &why);
        dm_wake_all(runtime, chain->monitor);
    }
    dm_unlock(runtime, chain->monitor);
}

/* ---- those who want some ---------------------------------------------------------------------------------------- */

static enum dm_code copy(const struct dm_aws_credentials *from, struct dm_aws_credentials *ret, struct dm_err *err)
{
    enum dm_code rc = dm_aws_credentials_take(dm_secret_reveal(&from->key_id), dm_secret_reveal(&from->key),
                                              dm_secret_reveal(&from->session), "AWS credentials", ret, err);
    if (rc == DM_OK)
        ret->expires_wall_ms = from->expires_wall_ms;
    return rc;
}

/* With the lock held: waits for credentials. A failure ends the wait where nobody is there to be asked. */
static enum dm_code wait_for_some(struct dm_aws_chain *chain, int64_t deadline_mono_ms, struct dm_err *err)
{
    struct dm_runtime runtime = chain->how.runtime;
    enum dm_code rc = DM_OK;
    if (chain->fetch && !chain->task)
        rc = dm_spawn(runtime, "credentials", run, chain, &chain->task, err);
    while (rc == DM_OK) {
        int64_t now_ms = dm_mono_ms(runtime);
        if (chain->has && now_ms < chain->good_until_ms)
            return DM_OK;
        if (chain->ending)
            rc = dm_fail(err, DM_CANCELLED, "docmill is stopping");
        else if (chain->failures > 0 &&
                 (now_ms >= deadline_mono_ms || dm_code_retry(chain->why.code) != DM_RETRY_LATER))
            rc = dm_fail(err, chain->why.code, "%s", chain->why.text);
        else if (now_ms >= deadline_mono_ms)
            rc = dm_fail(err, DM_TIMEOUT, "AWS credentials did not come in time");
        else
            (void)dm_wait_until(runtime, chain->monitor, deadline_mono_ms);
    }
    return rc;
}

enum dm_code dm_aws_chain_get(struct dm_aws_chain *chain, int64_t deadline_mono_ms, struct dm_aws_credentials *ret,
                              struct dm_err *err)
{
    dm_lock(chain->how.runtime, chain->monitor);
    enum dm_code rc = wait_for_some(chain, deadline_mono_ms, err);
    if (rc == DM_OK)
        rc = copy(&chain->credentials, ret, err);
    dm_unlock(chain->how.runtime, chain->monitor);
    return rc;
}

/* With the lock held: keys that lie somewhere, once more. A place that is broken now says nothing. */
static void look_again(struct dm_aws_chain *chain)
{
    struct dm_aws_source source = { .fetch = NULL };
    int64_t now_ms = dm_mono_ms(chain->how.runtime);
    if (chain->looked_ms > 0 && now_ms - chain->looked_ms < LOOK_MS)
        return;
    chain->looked_ms = now_ms;
    if (dm_aws_source_choose(&chain->how.environment, &source, NULL) != DM_OK || source.fetch)
        return;
    dm_aws_credentials_free(&chain->credentials);
    chain->credentials = source.credentials;
}

static bool secrets_eq(const struct dm_secret *a, const struct dm_secret *b)
{
    return dm_str_eq(dm_secret_reveal(a), dm_secret_reveal(b));
}

static bool are_same(const struct dm_aws_credentials *a, const struct dm_aws_credentials *b)
{
    return secrets_eq(&a->key_id, &b->key_id) && secrets_eq(&a->key, &b->key) && secrets_eq(&a->session, &b->session);
}

bool dm_aws_chain_expired(struct dm_aws_chain *chain, const struct dm_aws_credentials *credentials)
{
    dm_lock(chain->how.runtime, chain->monitor);
    bool same = are_same(credentials, &chain->credentials); /* others may have come meanwhile */
    if (same && chain->fetch && chain->has) {
        chain->has = false;
        chain->renew_at_ms = 0;
        dm_wake_all(chain->how.runtime, chain->monitor);
    } else if (same && !chain->fetch) {
        look_again(chain);
    }
    bool others = chain->fetch || !are_same(credentials, &chain->credentials);
    dm_unlock(chain->how.runtime, chain->monitor);
    return others;
}

void dm_aws_chain_interrupt(struct dm_aws_chain *chain)
{
    dm_lock(chain->how.runtime, chain->monitor);
    chain->ending = true;
    dm_wake_all(chain->how.runtime, chain->monitor);
    dm_unlock(chain->how.runtime, chain->monitor);
}

void dm_aws_chain_free(struct dm_aws_chain *chain)
{
    if (!chain)
        return;
    dm_aws_chain_interrupt(chain);
    if (chain->task)
        dm_join(chain->how.runtime, chain->task);
    dm_aws_credentials_free(&chain->credentials);
    dm_monitor_free(chain->how.runtime, chain->monitor);
    dm_free(chain);
}
