/* ssm_watch.c: the task that reads parameters again while docmill runs.
 *
 * Nodes that were started together would ask together for ever, so each pause is a tenth longer or shorter by chance; after throttling
 * it doubles, up to eight times. Values are copied out under the lock, so whoever has one keeps it while it changes. */
#include "aws/ssm.h"

#include "base/alloc.h"
#include "base/calendar.h"

enum {
    EVERY_MS = DM_MINUTE_MS,
    READ_MS = 20 * DM_SECOND_MS,
    HURRY_MS = 5 * DM_SECOND_MS, /* at least between two readings that somebody asks for */
    DOUBLINGS_MAX = 3
};

struct dm_parameter_watch {
    struct dm_aws *aws;
    struct dm_runtime runtime;
    struct dm_buf path;
    int64_t every_ms;
    dm_parameter_told *told;
    void *told_context;
    struct dm_task *task;
    struct dm_monitor *monitor; /* guards all below */
    struct dm_parameters now;
    int64_t read_mono_ms; /* when it was last tried */
    uint32_t throttled;   /* in a row */
    struct dm_err failure;
    bool hurry, stopping;
};

static void tell(const struct dm_parameter_watch *watch, enum dm_parameter_news news, const char *name,
                 const struct dm_err *why)
{
    if (watch->told)
        watch->told(watch->told_context, news, name, why);
}

/* ---- what came -------------------------------------------------------------------------------------------------- */

static bool is_same(const struct dm_parameter *a, const struct dm_parameter *b)
{
    return dm_str_eq_secret(dm_secret_reveal(&a->value), dm_secret_reveal(&b->value));
}

/* The task alone changes `now`, so it may read it without the lock. */
static void take_one(struct dm_parameter_watch *watch, struct dm_parameter *came)
{
    struct dm_err err;
    struct dm_parameter *known = dm_parameters_find(&watch->now, dm_str_z(came->name));
    bool changed = !known || !is_same(known, came);
    struct dm_parameter before = { .name = NULL };
    enum dm_code rc = DM_OK;
    dm_lock(watch->runtime, watch->monitor);
    if (known) {
        before = *known;
        *known = *came;
        *came = (struct dm_parameter){ .name = NULL };
    } else {
        rc = dm_parameters_add(&watch->now, came, &err);
        known = rc == DM_OK ? &watch->now.at[watch->now.count - 1] : NULL;
    }
    dm_unlock(watch->runtime, watch->monitor);
    if (rc != DM_OK)
        tell(watch, DM_PARAMETERS_FAILING, NULL, &err);
    else if (changed)
        tell(watch, DM_PARAMETER_CHANGED, known->name, NULL);
    dm_parameter_free(&before);
}

static void take(struct dm_parameter_watch *watch, struct dm_parameters *came)
{
    for (uint32_t i = 0; i < watch->now.count; i++) {
        struct dm_parameter *known = &watch->now.at[i];
        bool there = dm_parameters_find(came, dm_str_z(known->name)) != NULL;
        if (!there && known->version != 0)
            tell(watch, DM_PARAMETER_GONE, known->name, NULL);
        if (!there)
            known->version = 0; /* told once */
    }
    for (uint32_t i = 0; i < came->count; i++)
        take_one(watch, &came->at[i]);
}

static void read_again(struct dm_parameter_watch *watch)
{
    DM_AUTO(dm_parameters) came = { .at = NULL };
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc =
        dm_parameters_read(watch->aws, dm_buf_str(&watch->path), dm_mono_ms(watch->runtime) + READ_MS, &came, &err);
    if (rc == DM_OK)
        take(watch, &came);
    dm_lock(watch->runtime, watch->monitor);
    enum dm_code before = watch->failure.code;
    watch->failure = rc == DM_OK ? (struct dm_err){ .code = DM_OK } : err;
    watch->throttled = rc == DM_THROTTLED ? watch->throttled + 1 : 0;
    watch->read_mono_ms = dm_mono_ms(watch->runtime);
    watch->hurry = false;
    bool stopping = watch->stopping;
    dm_unlock(watch->runtime, watch->monitor);
    if (stopping)
        return;
    if (rc != DM_OK && before != rc)
        tell(watch, DM_PARAMETERS_FAILING, NULL, &err);
    else if (rc == DM_OK && before != DM_OK)
        tell(watch, DM_PARAMETERS_BACK, NULL, NULL);
}

/* ---- the task --------------------------------------------------------------------------------------------------- */

static int64_t pause_ms(const struct dm_parameter_watch *watch)
{
    uint32_t chance, doublings = watch->throttled < DOUBLINGS_MAX ? watch->throttled : DOUBLINGS_MAX;
    dm_random(watch->runtime, &chance, sizeof(chance));
    int64_t pause = watch->every_ms << doublings;
    return pause - pause / 10 + (int64_t)(chance % 1000) * pause / 5000;
}

static void run(void *argument)
{
    struct dm_parameter_watch *watch = argument;
    dm_lock(watch->runtime, watch->monitor);
    while (!watch->stopping) {
        int64_t next_ms = watch->read_mono_ms + pause_ms(watch);
        while (!watch->stopping && !watch->hurry && dm_mono_ms(watch->runtime) < next_ms)
            (void)dm_wait_until(watch->runtime, watch->monitor, next_ms);
        if (watch->stopping)
            break;
        dm_unlock(watch->runtime, watch->monitor);
        read_again(watch);
        dm_lock(watch->runtime, watch->monitor);
    }
    dm_unlock(watch->runtime, watch->monitor);
}

static void watch_free(struct dm_parameter_watch *watch)
{
    dm_monitor_free(watch->runtime, watch->monitor);
    dm_parameters_free(&watch->now);
    dm_buf_free(&watch->path);
    dm_free(watch);
}

enum dm_code dm_parameter_watch_start(const struct dm_parameter_watch_options *options, struct dm_parameters *first,
                                      struct dm_parameter_watch **ret, struct dm_err *err)
{
    struct dm_parameter_watch *watch = dm_alloc_zero(1, sizeof(*watch));
    if (!watch)
        return dm_fail_memory(err);
    *watch = (struct dm_parameter_watch){ .aws = options->aws,
                                          .runtime = dm_aws_runtime(options->aws),
                                          .path = dm_buf_make(DM_PARAMETER_NAME_MAX),
                                          .every_ms = options->every_ms > 0 ? options->every_ms : EVERY_MS,
                                          .told = options->told,
                                          .told_context = options->told_context };
    watch->read_mono_ms = dm_mono_ms(watch->runtime);
    dm_buf_add(&watch->path, options->path);
    enum dm_code rc = dm_buf_check(&watch->path, "the path of the parameters", err);
    if (rc == DM_OK)
        rc = dm_monitor_make(watch->runtime, &watch->monitor, err);
    const struct dm_parameters none = { .at = NULL };
    if (rc == DM_OK) {
        watch->now = *first;
        rc = dm_spawn(watch->runtime, "parameters", run, watch, &watch->task, err);
        if (rc == DM_OK)
            *first = none;
        else
            watch->now = none;
    }
    if (rc == DM_OK)
        *ret = watch;
    else
        watch_free(watch);
    return rc;
}

void dm_parameter_watch_stop(struct dm_parameter_watch *watch)
{
    if (!watch)
        return;
    dm_lock(watch->runtime, watch->monitor);
    watch->stopping = true;
    dm_wake_all(watch->runtime, watch->monitor);
    dm_unlock(watch->runtime, watch->monitor);
    dm_join(watch->runtime, watch->task);
    watch_free(watch);
}

/* ---- asking it -------------------------------------------------------------------------------------------------- */

enum dm_code dm_parameter_watch_get(struct dm_parameter_watch *watch, const char *name, struct dm_secret *ret,
                                    struct dm_err *err)
{
    enum dm_code rc;
    dm_lock(watch->runtime, watch->monitor);
    const struct dm_parameter *found = dm_parameters_find(&watch->now, dm_str_z(name));
    if (found)
        rc = dm_secret_make(dm_secret_reveal(&found->value), "a parameter of SSM", ret, err);
    else
        rc = dm_fail(err, DM_NOT_FOUND, "there is no parameter %s", name);
    dm_unlock(watch->runtime, watch->monitor);
    return rc;
}

void dm_parameter_watch_hurry(struct dm_parameter_watch *watch)
{
    dm_lock(watch->runtime, watch->monitor);
    if (dm_mono_ms(watch->runtime) - watch->read_mono_ms >= HURRY_MS && watch->throttled == 0) {
        watch->hurry = true;
        dm_wake_all(watch->runtime, watch->monitor);
    }
    dm_unlock(watch->runtime, watch->monitor);
}

enum dm_code dm_parameter_watch_check(struct dm_parameter_watch *watch, struct dm_err *err)
{
    dm_lock(watch->runtime, watch->monitor);
    struct dm_err failure = watch->failure;
    dm_unlock(watch->runtime, watch->monitor);
    if (failure.code != DM_OK && err)
        *err = failure;
    return failure.code;
}
