/* reduce_model.c: see reduce_model.h. */
#include "reduce_model.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "limiter.h"
#include "otherwise.h"

enum {
    PATIENCE_MS = 5 * 60 * 1000, /* for all calls of one reduction; then the built-in merge stands in */
    KEEP_EVERY_MS = 2000,
    BACKOFF_MS = 1000,
    FULL_WAIT_MS = 10,
    GROUPS_ARENA_MAX = 16 * 1024 * 1024,
    POINT_MAX = 8 * 1024
};

/* One call, which is made again where that may help. */
struct asking {
    const struct dm_reducing *reducing;
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards `done` and `answer` */
    bool done;
    struct dm_model_answer answer;
    int64_t give_up_ms; /* monotonic */
    uint32_t attempts;
    struct dm_otherwise otherwise;
    struct dm_err why; /* the model could not */
};

static enum dm_code keep_lease(const struct asking *asking, struct dm_err *err)
{
    const struct dm_keep *keep = asking->reducing->keep;
    return keep ? keep->call(keep->context, err) : DM_OK;
}

/* Sleeps in steps, for the lease must be kept. */
static enum dm_code sleep_keeping(const struct asking *asking, int64_t until_ms, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    for (int64_t now_ms; rc == DM_OK && (now_ms = dm_mono_ms(asking->runtime)) < until_ms;) {
        int64_t step_ms = now_ms + KEEP_EVERY_MS;
        dm_sleep_until(asking->runtime, step_ms < until_ms ? step_ms : until_ms);
        rc = keep_lease(asking, err);
    }
    return rc;
}

static void answered(void *context, struct dm_model_answer *answer)
{
    struct asking *asking = context;
    dm_lock(asking->runtime, asking->monitor);
    asking->answer = *answer;
    *answer = (struct dm_model_answer){ 0 };
    asking->done = true;
    dm_wake_all(asking->runtime, asking->monitor);
    dm_unlock(asking->runtime, asking->monitor);
}

/* Waits for the answer however long it takes: the model ends each call by a deadline of its own, and the request must
 * live until then. */
static enum dm_code await(struct asking *asking, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    dm_lock(asking->runtime, asking->monitor);
    while (!asking->done) {
        dm_wait_until(asking->runtime, asking->monitor, dm_mono_ms(asking->runtime) + KEEP_EVERY_MS);
        if (asking->done || rc != DM_OK)
            continue;
        dm_unlock(asking->runtime, asking->monitor);
        rc = keep_lease(asking, err);
        dm_lock(asking->runtime, asking->monitor);
    }
    dm_unlock(asking->runtime, asking->monitor);
    return rc;
}

/* `*ret_late`: no leave was given in time. The tenant's account is asked for anew now and then: a key that is refused may be
 * changed meanwhile. */
static enum dm_code enter(struct asking *asking, uint64_t *ret_account, bool *ret_late, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = asking->reducing->pipeline;
    const struct dm_tenant *tenant = asking->reducing->tenant;
    *ret_late = false;
    for (;;) {
        struct dm_err why;
        int64_t until_ms = dm_mono_ms(asking->runtime) + KEEP_EVERY_MS;
        enum dm_code rc = dm_model_account(pipeline->ports.model, tenant, ret_account, &why);
        if (rc == DM_OK)
            rc = dm_limiter_enter(pipeline->limiter, *ret_account, tenant, until_ms);
        else
            dm_sleep_until(asking->runtime, until_ms);
        if (rc == DM_BUSY)
            return dm_fail(err, DM_UNAVAILABLE, "enough reductions wait for the key of the tenant %s", tenant->id);
        bool overslept = dm_mono_ms(asking->runtime) > until_ms; /* the lease may be somebody else's by now */
        if (rc == DM_OK && !overslept)
            return DM_OK;
        if (rc == DM_OK)
            dm_limiter_give_back(pipeline->limiter, *ret_account, 0);
        *ret_late = dm_mono_ms(asking->runtime) >= asking->give_up_ms;
        rc = keep_lease(asking, err);
        if (rc != DM_OK || *ret_late)
            return rc;
    }
}

/* What is to be done about a failure: true, ask again at *ret_at_ms. */
static bool may_ask_again(struct asking *asking, int64_t *ret_at_ms)
{
    struct dm_model_answer *answer = &asking->answer;
    enum dm_retry retry = dm_reason_retry(answer->reason);
    int64_t now_ms = dm_mono_ms(asking->runtime);
    *ret_at_ms = now_ms + answer->retry_after_ms;
    if (dm_otherwise_adapted(&asking->otherwise, answer))
        return *ret_at_ms < asking->give_up_ms;
    if (retry == DM_RETRY_NEVER || asking->attempts >= asking->reducing->pipeline->attempts_max ||
        (retry == DM_RETRY_ONCE && !dm_otherwise_take(&asking->otherwise, answer)))
        return false;
    if (retry != DM_RETRY_ONCE && answer->reason != DM_REASON_RATE_LIMITED && *ret_at_ms < now_ms + BACKOFF_MS)
        *ret_at_ms = now_ms + ((int64_t)BACKOFF_MS << (asking->attempts < 6 ? asking->attempts : 6));
    asking->attempts += retry != DM_RETRY_PATIENTLY;
    return *ret_at_ms < asking->give_up_ms;
}

/* It could not be begun. True: it has an answer all the same, as if the provider had given it. */
static bool not_begun(struct asking *asking, enum dm_code rc, uint64_t account, uint64_t tokens, int64_t began_ms,
                      int64_t *ret_again_ms)
{
    if (rc == DM_DENIED) {
        asking->answer = (struct dm_model_answer){ .reason = DM_REASON_AUTH_FAILED };
        snprintf(asking->answer.detail, sizeof(asking->answer.detail), "%.150s", asking->why.text);
        return true;
    }
    dm_limiter_give_back(asking->reducing->pipeline->limiter, account, tokens);
    bool soon = rc == DM_BUSY || rc == DM_CONFLICT;
    if ((soon || dm_code_retry(rc) == DM_RETRY_LATER) && began_ms < asking->give_up_ms)
        *ret_again_ms = began_ms + (soon ? FULL_WAIT_MS : BACKOFF_MS);
    return false;
}

/* Whoever comes next asks again. */
static enum dm_code is_stopping(struct dm_err *err)
{
    return dm_fail(err, DM_UNAVAILABLE, "docmill is stopping");
}

/* One call. `*ret_again_ms` not 0: it may be made again then. Otherwise *ret, or the reason why not in asking->why. */
static enum dm_code call(struct asking *asking, struct dm_model_request *request, json_t **ret, int64_t *ret_again_ms,
                         struct dm_err *err)
{
    const struct dm_pipeline *pipeline = asking->reducing->pipeline;
    bool late;
    enum dm_code rc = enter(asking, &request->account, &late, err);
    if (rc != DM_OK || late) {
        (void)dm_fail(&asking->why, DM_TIMEOUT, "the model could not be asked in time");
        return rc;
    }
    asking->done = false;
    dm_otherwise_fill(&asking->otherwise, request);
    int64_t began_ms = dm_mono_ms(asking->runtime);
    uint64_t tokens = dm_limiter_spend(pipeline->limiter, request);
    rc = dm_model_start(pipeline->ports.model, asking->reducing->tenant, request, answered, asking, &asking->why);
    if (rc != DM_OK && !not_begun(asking, rc, request->account, tokens, began_ms, ret_again_ms))
        return rc == DM_CANCELLED ? is_stopping(err) : DM_OK;
    rc = rc == DM_OK ? await(asking, err) : DM_OK;
    dm_limiter_answered(pipeline->limiter, request->account, began_ms, tokens, &asking->answer);
    dm_usage_add(asking->reducing->usage, &asking->answer.usage);
    if (rc == DM_OK && asking->answer.reason == DM_REASON_CANCELLED) {
        rc = is_stopping(err);
    } else if (asking->answer.reason == DM_REASON_NONE) {
        if (dm_json_parse(dm_buf_str(&asking->answer.analysis), "the reduction", ret, &asking->why) != DM_OK)
            *ret = NULL;
    } else {
        (void)dm_fail(&asking->why, DM_UNAVAILABLE, "%s", asking->answer.detail);
        if (!may_ask_again(asking, ret_again_ms))
            *ret_again_ms = 0;
    }
    dm_model_answer_free(&asking->answer);
    return rc;
}

static enum dm_code ask(const struct dm_reducing *reducing, const struct dm_page_digest *digests, uint32_t count,
                        int64_t give_up_ms, json_t **ret, struct dm_err *err)
{
    struct asking asking = { .reducing = reducing,
                             .runtime = reducing->pipeline->ports.runtime,
                             .give_up_ms = give_up_ms };
    struct dm_model_request request = {
        .task = DM_MODEL_REDUCTION, .file = *reducing->file, .digests = digests, .digest_count = count
    };
    enum dm_code rc = dm_monitor_make(asking.runtime, &asking.monitor, err);
    if (rc != DM_OK)
        return rc;
    int64_t again_ms = 0;
    rc = keep_lease(&asking, err); /* the pages may have taken long to read */
    do {
        if (rc == DM_OK && again_ms)
            rc = sleep_keeping(&asking, again_ms, err);
        again_ms = 0;
        if (rc == DM_OK)
            rc = call(&asking, &request, ret, &again_ms, err);
    } while (rc == DM_OK && again_ms);
    dm_monitor_free(asking.runtime, asking.monitor);
    dm_otherwise_free(&asking.otherwise);
    if (rc == DM_OK && !*ret)
        dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "reduce"), dm_f_z("file", reducing->file->id),
               dm_f_z("error", asking.why.text));
    return rc;
}

/* ---- groups ---- */

/* How many of them one call takes: two at least, or nothing would become less. */
static uint32_t group_size(const struct dm_page_digest *digests, uint32_t count, size_t max)
{
    size_t bytes = 0;
    uint32_t taken = 0;
    while (taken < count && (max == 0 || taken < 2 || bytes + dm_page_digest_bytes(&digests[taken]) <= max))
        bytes += dm_page_digest_bytes(&digests[taken++]);
    return taken;
}

/* A key point with its pages, which the next level must be able to name. */
static struct dm_str point_text(struct dm_arena *arena, const json_t *point)
{
    DM_AUTO(dm_buf) text = dm_buf_make(POINT_MAX);
    dm_buf_add(&text, dm_json_str(point, "text"));
    size_t i;
    json_t *page;
    json_array_foreach (json_object_get(point, "pages"), i, page)
        dm_buf_addf(&text, "%s%" JSON_INTEGER_FORMAT, i ? ", " : " (pages ", json_integer_value(page));
    if (i > 0)
        dm_buf_add_char(&text, ')');
    return text.failed ? DM_STR("") : dm_arena_str(arena, dm_buf_str(&text));
}

/* False when memory is out. */
static bool digest_of(struct dm_arena *arena, const json_t *reduction, const struct dm_page_digest *first,
                      const struct dm_page_digest *last, struct dm_page_digest *ret)
{
    const json_t *points = json_object_get(reduction, "keyPoints");
    struct dm_str *texts = dm_arena_array(arena, json_array_size(points) + 1, sizeof(*texts));
    struct dm_page_digest digest = { .page = first->page,
                                     .last_page = last->last_page ? last->last_page : last->page,
                                     .summary = dm_arena_str(arena, dm_json_str(reduction, "summary")),
                                     .key_points = texts };
    if (!texts || !digest.summary.at)
        return false;
    size_t i;
    json_t *point;
    json_array_foreach (points, i, point) {
        texts[digest.key_point_count] = point_text(arena, point);
        digest.key_point_count += texts[digest.key_point_count].len > 0;
    }
    *ret = digest;
    return true;
}

/* Groups into digests of their own, in `groups`. `*ret_count` 0: the model could not. */
static enum dm_code reduce_groups(const struct dm_reducing *reducing, const struct dm_page_digest *digests,
                                  uint32_t count, int64_t give_up_ms, struct dm_arena *arena,
                                  struct dm_page_digest *groups, uint32_t *ret_count, struct dm_err *err)
{
    uint32_t made = 0;
    *ret_count = 0;
    for (uint32_t at = 0; at < count;) {
        uint32_t size = group_size(digests + at, count - at, reducing->pipeline->ports.model.digests_max);
        json_auto_t *reduction = NULL;
        enum dm_code rc = ask(reducing, digests + at, size, give_up_ms, &reduction, err);
        if (rc != DM_OK || !reduction)
            return rc;
        if (!digest_of(arena, reduction, &digests[at], &digests[at + size - 1], &groups[made++]))
            return DM_OK;
        at += size;
    }
    *ret_count = made;
    return DM_OK;
}

static enum dm_code ask_all(const struct dm_reducing *reducing, const struct dm_page_digest *digests, uint32_t count,
                            json_t **ret, struct dm_err *err)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(GROUPS_ARENA_MAX);
    int64_t give_up_ms = dm_mono_ms(reducing->pipeline->ports.runtime) + PATIENCE_MS;
    size_t max = reducing->pipeline->ports.model.digests_max;
    while (group_size(digests, count, max) < count) {
        struct dm_page_digest *groups = dm_arena_array(&arena, count / 2 + 1, sizeof(*groups));
        uint32_t made = 0;
        enum dm_code rc =
            groups ? reduce_groups(reducing, digests, count, give_up_ms, &arena, groups, &made, err) : DM_OK;
        if (rc != DM_OK || made == 0)
            return rc;
        digests = groups;
        count = made;
    }
    return ask(reducing, digests, count, give_up_ms, ret, err);
}

enum dm_code dm_ask_reduction(const struct dm_reducing *reducing, const struct dm_page_digest *digests, uint32_t count,
                              json_t **ret, struct dm_err *err)
{
    const struct dm_keep *keep = reducing->keep;
    if (keep)
        keep->wait_begins(keep->context);
    enum dm_code rc = ask_all(reducing, digests, count, ret, err);
    if (keep)
        keep->wait_ends(keep->context);
    return rc;
}
