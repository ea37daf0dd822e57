/* health.c: whether the backends answer. A task of its own asks them now and then; a probe only reads what it
 * found, so a hanging backend never hangs a probe. A check that has not come back for a while counts as failed. */
#include "base/alloc.h"
#include "base/log.h"
#include "answer.h"
#include "handlers.h"

enum { STALE_ROUNDS = 4, STALE_LEAST_MS = 10000, PAUSES_MAX = 1000, PAUSES_BYTES = 256 * 1024 };

#define CHECKS(X) /* name, on the wire */                                                                              \
    X(STORE, "store")                                                                                                  \
    X(BLOBS, "blobs")                                                                                                  \
    X(STREAM, "stream")                                                                                                \
    X(READER, "reader")
#define CHECK_ENUM(name, wire) CHECK_##name,
enum check { CHECKS(CHECK_ENUM) CHECK_COUNT };
#define CHECK_TEXT(name, wire) wire,
static const char *const names[] = { CHECKS(CHECK_TEXT) };

struct dm_health {
    struct dm_api *api;
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards all below */
    struct dm_task *task;
    bool stopping;
    int64_t checked_mono_ms; /* 0: never */
    bool all_paused;
    uint32_t tenants_paused; /* at most PAUSES_MAX are counted */
    enum dm_code found[CHECK_COUNT];
};

static enum dm_code ask(const struct dm_ports *ports, enum check check, struct dm_err *err)
{
    switch (check) {
    case CHECK_STORE:
        return dm_store_check(ports->store, err);
    case CHECK_BLOBS:
        return dm_blob_check(ports->blob, err);
    case CHECK_STREAM:
        return ports->stream.ops ? dm_stream_check(ports->stream, err) : DM_OK;
    case CHECK_READER:
        return ports->reader.ops ? dm_reader_check(ports->reader, err) : DM_OK;
    case CHECK_COUNT:
        break;
    }
    return DM_OK;
}

void dm_health_read_pauses(struct dm_health *health)
{
    DM_AUTO(dm_arena) arena = dm_arena_make(PAUSES_BYTES);
    struct dm_pauses pauses;
    struct dm_err err;
    if (dm_work_pauses(health->api->pipeline, PAUSES_MAX, &arena, &pauses, &err) != DM_OK)
        return; /* the store's own check says that it does not answer */
    bool all = pauses.count > 0 && !pauses.at[0].tenant.id[0];
    dm_lock(health->runtime, health->monitor);
    health->all_paused = all;
    health->tenants_paused = pauses.count - all;
    dm_unlock(health->runtime, health->monitor);
    atomic_store(&health->api->pausing, pauses.count > 0);
}

bool dm_is_paused(const struct dm_exchange *x, const struct dm_tenant *tenant)
{
    bool paused = false;
    struct dm_err err;
    return atomic_load(&x->api->pausing) &&
           dm_operator_paused(x->api->pipeline->ports.op, tenant, &paused, &err) == DM_OK && paused;
}

void dm_health_check(struct dm_health *health)
{
    dm_health_read_pauses(health);
    for (int i = 0; i < CHECK_COUNT; i++) {
        struct dm_err err = { 0 };
        enum dm_code found = ask(&health->api->pipeline->ports, (enum check)i, &err);
        dm_lock(health->runtime, health->monitor);
        enum dm_code before = health->found[i];
        health->found[i] = found;
        dm_unlock(health->runtime, health->monitor);
        if (found != DM_OK && before == DM_OK)
            dm_log(DM_LOG_ERROR, DM_EV_BACKEND_DOWN, dm_f_z("backend", names[i]), dm_f_z("code", dm_code_name(found)),
                   dm_f_z("error", err.text));
        else if (found == DM_OK && before != DM_OK)
            dm_log(DM_LOG_INFO, DM_EV_BACKEND_UP, dm_f_z("backend", names[i]));
    }
    dm_lock(health->runtime, health->monitor);
    health->checked_mono_ms = dm_mono_ms(health->runtime);
    dm_unlock(health->runtime, health->monitor);
}

static void run(void *argument)
{
    struct dm_health *health = argument;
    int64_t interval_ms = health->api->options.health_interval_ms;
    for (;;) {
        dm_health_check(health);
        int64_t next_ms = dm_mono_ms(health->runtime) + interval_ms;
        dm_lock(health->runtime, health->monitor);
        while (!health->stopping && dm_wait_until(health->runtime, health->monitor, next_ms))
            continue;
        bool stopping = health->stopping;
        dm_unlock(health->runtime, health->monitor);
        if (stopping)
            return;
    }
}

enum dm_code dm_health_make(struct dm_api *api, struct dm_health **ret, struct dm_err *err)
{
    struct dm_health *health = dm_alloc_zero(1, sizeof(*health));
    if (!health)
        return dm_fail_memory(err);
    health->api = api;
    health->runtime = api->pipeline->ports.runtime;
    enum dm_code rc = dm_monitor_make(health->runtime, &health->monitor, err);
    if (rc == DM_OK && api->options.health_interval_ms > 0)
        rc = dm_spawn(health->runtime, "health", run, health, &health->task, err);
    if (rc != DM_OK) {
        dm_monitor_free(health->runtime, health->monitor);
        dm_free(health);
        return rc;
    }
    *ret = health;
    return DM_OK;
}

void dm_health_free(struct dm_health *health)
{
    if (!health)
        return;
    if (health->task) {
        dm_lock(health->runtime, health->monitor);
        health->stopping = true;
        dm_wake_all(health->runtime, health->monitor);
        dm_unlock(health->runtime, health->monitor);
        dm_join(health->runtime, health->task);
    }
    dm_monitor_free(health->runtime, health->monitor);
    dm_free(health);
}

/* ---- the routes -------------------------------------------------------------------------------------------- */

enum dm_next dm_on_live(struct dm_exchange *x)
{
    DM_LIT(&x->out, "{\"status\":\"ok\"}");
    return dm_answer_json(x, 200);
}

/* For a check that is not known to have come back lately. */
static bool is_stale(const struct dm_health *health, int64_t checked_mono_ms)
{
    int64_t interval_ms = health->api->options.health_interval_ms;
    int64_t most_ms = interval_ms * STALE_ROUNDS > STALE_LEAST_MS ? interval_ms * STALE_ROUNDS : STALE_LEAST_MS;
    return interval_ms > 0 && dm_mono_ms(health->runtime) - checked_mono_ms > most_ms;
}

/* The model's provider is nobody's reason to send uploads elsewhere: what is accepted waits for it. So it is told, and changes no
 * status. */
static void add_model(struct dm_exchange *x)
{
    struct dm_limiter *limiter = x->api->pipeline->limiter;
    if (!limiter)
        return;
    struct dm_limiter_view view = dm_limiter_look(limiter);
    bool fails = view.breaker != DM_BREAKER_CLOSED;
    dm_buf_addf(&x->out, ",\"model\":{\"status\":\"%s\"", fails ? "failing" : "ok");
    if (fails)
        dm_buf_addf(&x->out, ",\"detail\":\"%s: %s\"", dm_reason_text(view.reason), dm_reason_meaning(view.reason));
    /* Whose they are is the operator's to know: GET /admin/secrets. */
    uint32_t failing_keys = dm_limiter_look_shut(limiter, 0, NULL);
    if (failing_keys > 0)
        dm_buf_addf(&x->out, ",\"tenantKeysFailing\":%u", failing_keys);
    DM_LIT(&x->out, "}");
}

static void add_parameters(struct dm_exchange *x)
{
    const struct dm_api_options *options = &x->api->options;
    struct dm_err err;
    if (!options->parameters_check)
        return;
    enum dm_code found = options->parameters_check(options->parameters_context, &err);
    dm_buf_addf(&x->out, ",\"parameters\":{\"status\":\"%s\"", found == DM_OK ? "ok" : "failing");
    if (found != DM_OK)
        dm_buf_addf(&x->out, ",\"detail\":\"%s\"", dm_code_meaning(found));
    DM_LIT(&x->out, "}");
}

enum dm_next dm_on_health(struct dm_exchange *x)
{
    struct dm_health *health = x->api->health;
    enum dm_code found[CHECK_COUNT];
    dm_lock(health->runtime, health->monitor);
    int64_t checked_mono_ms = health->checked_mono_ms;
    bool all_paused = health->all_paused;
    uint32_t tenants_paused = health->tenants_paused;
    for (int i = 0; i < CHECK_COUNT; i++)
        found[i] = health->found[i];
    dm_unlock(health->runtime, health->monitor);

    bool starting = checked_mono_ms == 0;
    bool stale = !starting && is_stale(health, checked_mono_ms);
    bool failing = false;
    for (int i = 0; i < CHECK_COUNT; i++)
        failing |= found[i] != DM_OK;
    const char *status = atomic_load(&x->api->draining) ? "draining"
                         : failing                      ? "failing"
                         : starting                     ? "starting"
                         : stale                        ? "stale"
                                                        : "ok";
    bool ok = dm_str_eq(dm_str_z(status), DM_STR("ok"));
    dm_buf_addf(&x->out, "{\"status\":\"%s\",\"version\":\"%s\",\"checks\":{", status, DM_VERSION);
    for (int i = 0; i < CHECK_COUNT; i++) {
        dm_buf_addf(&x->out, "%s\"%s\":{\"status\":\"%s\"", i ? "," : "", names[i],
                    found[i] != DM_OK ? "failing"
                    : starting        ? "starting"
                    : stale           ? "stale"
                                      : "ok");
        if (found[i] != DM_OK)
            dm_buf_addf(&x->out, ",\"detail\":\"%s\"", dm_code_meaning(found[i]));
        DM_LIT(&x->out, "}");
    }
    add_model(x);
    add_parameters(x);
    dm_buf_addf(&x->out, "},\"paused\":{\"all\":%s,\"tenants\":%u}}", all_paused ? "true" : "false", tenants_paused);
    if (!ok)
        dm_answer_field(x, "Retry-After", "2");
    return dm_answer_json(x, ok ? 200 : 503);
}
