/* sim.c: time, order and chance; one run from its beginning to its end. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

enum {
    STEPS_MAX = 2 * 1000 * 1000,
    CHAOS_US_MAX = 400 * 1000 * 1000, /* how long there are faults, at most */
};
#define ISOLATED_US_MAX                                                                                                \
    (INT64_C(5400) * 1000 * 1000) /* what waits for no key that does not work; longer than DM_OUTAGE_PATIENCE_MS */
#define HEAL_US_MAX (INT64_C(3) * 3600 * 1000 * 1000) /* and how long everything may take to end after them */

/* ---- chance: xoshiro256** 1.0, seeded by splitmix64 (Blackman and Vigna, public domain) ---- */

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t sim_random(struct sim *sim)
{
    uint64_t *s = sim->random;
    const uint64_t result = rotl(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

static void seed_random(struct sim *sim, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        sim->random[i] = z ^ (z >> 31);
    }
}

uint32_t sim_below(struct sim *sim, uint32_t below)
{
    return (uint32_t)(((sim_random(sim) >> 32) * below) >> 32);
}

bool sim_one_in(struct sim *sim, uint32_t n)
{
    return n > 0 && sim_below(sim, n) == 0;
}

bool sim_has(const struct sim *sim, enum fault kind)
{
    return (sim->kinds >> kind & 1) != 0;
}

bool sim_fault(struct sim *sim, enum fault kind)
{
    return !sim->healing && sim_has(sim, kind) && sim_one_in(sim, sim->rate);
}

/* ---- the story ---- */

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
    va_end(arguments);
    sim_tell(sim, "BROKEN: %s", sim->failure);
}

void sim_tell(struct sim *sim, const char *format, ...)
{
    if (!sim->trace)
        return;
    const struct fiber *fiber = sim->running;
    printf("%9.3f ", (double)sim->now_us / 1e6);
    if (fiber && fiber->node)
        printf("node %u.%u %-9s ", fiber->node->number, fiber->node->incarnation, fiber->name);
    else
        printf("%-18s ", fiber ? fiber->name : "-");
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static void log_line(void *self, enum dm_log_level level, enum dm_log_event event, const struct dm_log_field *fields)
{
    struct sim *sim = self;
    (void)level;
    if (!sim->trace)
        return;
    char line[1024];
    size_t len = 0;
    for (; fields->name && len < sizeof(line) - 200; fields++)
        len +=
            (size_t)(fields->is_text ? snprintf(line + len, sizeof(line) - len, " %s=%.*s", fields->name,
                                                (int)(fields->text.len < 120 ? fields->text.len : 120), fields->text.at)
                                     : snprintf(line + len, sizeof(line) - len, " %s=%lld", fields->name,
                                                (long long)fields->number));
    line[len < sizeof(line) ? len : sizeof(line) - 1] = '\0';
    sim_tell(sim, "log %s%s", dm_log_event_text(event), line);
}

/* ---- fibers ---- */

struct fiber *sim_spawn(struct sim *sim, struct node *node, const char *name, void (*function)(void *), void *argument,
                        bool detached)
{
    if (sim->fiber_count == sizeof(sim->fibers) / sizeof(sim->fibers[0]))
        return NULL;
    struct fiber *fiber = calloc(1, sizeof(*fiber));
    *fiber = (struct fiber){ .sim = sim,
                             .node = node,
                             .incarnation = node ? node->incarnation : 0,
                             .name = name,
                             .function = function,
                             .argument = argument,
                             .wake_us = sim->now_us,
                             .tie = sim_random(sim),
                             .detached = detached };
    if (!fiber_make(fiber, &sim->home)) {
        free(fiber);
        return NULL;
    }
    sim->fibers[sim->fiber_count++] = fiber;
    return fiber;
}

static void switch_out(struct sim *sim)
{
    struct fiber *self = sim->running;
    DM_CHECK(self);
    fiber_leave(self, &sim->home, false);
}

void sim_block(struct sim *sim, void *on, enum fiber_wait how, int64_t until_us)
{
    struct fiber *self = sim->running;
    self->on = on;
    self->wait = how;
    self->wake_us = until_us;
    self->tie = sim_random(sim);
    self->woken = false;
    switch_out(sim);
    self->wait = FIBER_READY;
    self->on = NULL;
}

void sim_sleep_until_us(struct sim *sim, int64_t at_us)
{
    sim_block(sim, NULL, FIBER_BLOCKED, at_us > sim->now_us ? at_us : sim->now_us);
}

void sim_sleep_us(struct sim *sim, int64_t us)
{
    sim_sleep_until_us(sim, sim->now_us + us);
}

void sim_yield(struct sim *sim)
{
    sim_sleep_us(sim, 0);
}

void sim_wake(struct sim *sim, struct fiber *fiber)
{
    fiber->woken = true;
    fiber->wake_us = sim->now_us;
    /* Whoever wakes a fiber of a node that stands still: it hears of it later. */
    if (fiber->node && fiber->node->frozen_until_us > sim->now_us &&
        (!sim->running || sim->running->node != fiber->node))
        fiber->wake_us = fiber->node->frozen_until_us;
    fiber->tie = sim_random(sim);
    fiber->wait = FIBER_READY;
}

void sim_crash(struct sim *sim, struct node *node)
{
    node->doomed = node->alive;
    if (sim->running && sim->running->node == node)
        sim_sleep_us(sim, 0); /* never comes back */
}

static void remove_fiber(struct sim *sim, uint32_t at)
{
    struct fiber *fiber = sim->fibers[at];
    if (fiber->wait != FIBER_DONE && fiber->abandon)
        fiber->abandon(fiber->argument);
    fiber_drop(fiber);
    free(fiber);
    sim->fibers[at] = sim->fibers[--sim->fiber_count];
}

/* What is abandoned is not unwound; what it held goes with its node. */
static void bury_doomed(struct sim *sim)
{
    for (uint32_t n = 0; n < sim->node_count; n++) {
        struct node *node = sim->nodes[n];
        if (!node->doomed)
            continue;
        for (uint32_t i = sim->fiber_count; i-- > 0;)
            if (sim->fibers[i]->node == node)
                remove_fiber(sim, i);
        sim->crashes++;
        node_bury(node);
    }
}

static int64_t wake_of(const struct fiber *fiber)
{
    int64_t wake_us = fiber->wake_us;
    if (fiber->node && wake_us != SIM_NEVER && wake_us > fiber->sim->now_us && wake_us < fiber->node->frozen_until_us)
        wake_us = fiber->node->frozen_until_us;
    return wake_us;
}

static struct fiber *next_fiber(struct sim *sim, int64_t *ret_us)
{
    struct fiber *best = NULL;
    int64_t best_us = SIM_NEVER;
    for (uint32_t i = 0; i < sim->fiber_count; i++) {
        struct fiber *fiber = sim->fibers[i];
        if (fiber->wake_us == SIM_NEVER)
            continue;
        int64_t wake_us = wake_of(fiber);
        if (!best || wake_us < best_us || (wake_us == best_us && fiber->tie < best->tie)) {
            best = fiber;
            best_us = wake_us;
        }
    }
    *ret_us = best_us;
    return best;
}

/* False: nothing will ever happen again. */
static bool step(struct sim *sim)
{
    int64_t at_us;
    struct fiber *fiber = next_fiber(sim, &at_us);
    if (!fiber)
        return false;
    if (at_us > sim->now_us)
        sim->now_us = at_us;
    fiber->wake_us = SIM_NEVER;
    sim->running = fiber;
    const struct dm_allocator *before = dm_allocator_use(fiber->node ? &fiber->node->allocator : NULL);
    fiber_enter(fiber, &sim->home);
    dm_allocator_use(before);
    sim->running = NULL;
    sim->steps++;
    if (fiber->wait == FIBER_DONE) {
        for (uint32_t i = 0; i < sim->fiber_count; i++) {
            if (sim->fibers[i]->wait == FIBER_JOIN && sim->fibers[i]->on == fiber)
                sim_wake(sim, sim->fibers[i]);
            if (sim->fibers[i] == fiber && fiber->detached)
                remove_fiber(sim, i--);
        }
    }
    bury_doomed(sim);
    return true;
}

/* ---- a run ---- */

void sim_tenant(uint32_t number, struct dm_tenant *ret)
{
    *ret = (struct dm_tenant){ 0 };
    snprintf(ret->id, sizeof(ret->id), "tenant-%u", number);
}

/* Few kinds at a time find more than all at once. */
static void choose_faults(struct sim *sim)
{
    static const uint32_t rates[] = { 8, 20, 60, 200 };
    static const enum fault grave[] = { FAULT_CRASH, FAULT_CRASH, FAULT_FREEZE, FAULT_FREEZE, FAULT_STORE_FORGETS };
    uint32_t count = sim_one_in(sim, 8) ? 0 : 1 + sim_below(sim, 3);
    for (uint32_t i = 0; i < count; i++)
        sim->kinds |= 1U << (sim_one_in(sim, 3) ? (uint32_t)grave[sim_below(sim, 5)] : sim_below(sim, FAULT_COUNT));
    if (sim_one_in(sim, 3))
        sim->kinds |= 1U << FAULT_REQUESTS;
    if (sim_one_in(sim, 6))
        sim->kinds |= 1U << FAULT_PROVIDER;
    /* Together they open the gap between a look at a lease and the write that follows from it. */
    if (sim_has(sim, FAULT_FREEZE) && sim_one_in(sim, 3))
        sim->kinds |= 1U << FAULT_STORE_SLOW;
    sim->rate = rates[sim_below(sim, 4)];
}

static void choose_nodes(struct sim *sim)
{
    uint32_t count = 1 + sim_below(sim, NODES_MAX - 1);
    if (count == 1) {
        node_boot(sim, 0, ROLE_API | ROLE_WORKER | ROLE_AGGREGATOR);
        return;
    }
    unsigned all = 0;
    for (uint32_t i = 0; i < count; i++) {
        unsigned roles = 1 + sim_below(sim, 7);
        if (i + 1 == count)
            roles |= 7 & ~all;
        all |= roles;
        node_boot(sim, i, roles);
    }
}

static void until(struct sim *sim, int64_t end_us, bool (*over)(struct sim *))
{
    while (!sim->failed && sim->now_us < end_us && !over(sim)) {
        if (!step(sim))
            sim_fail(sim, "everything stands still: every fiber waits for another");
        if (sim->steps > STEPS_MAX)
            sim_fail(sim, "does not come to rest: %llu steps, %u documents still open", (unsigned long long)sim->steps,
                     judge_open(sim->judge));
    }
}

static bool chaos_over(struct sim *sim)
{
    return clients_done(sim) && sim->now_us >= sim->heal_us;
}

static bool all_ended(struct sim *sim)
{
    return clients_done(sim) && judge_open(sim->judge) == 0;
}

static bool stopped(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->node_count; i++)
        if (sim->nodes[i]->alive)
            return false;
    return true;
}

static void stop_all(void *argument)
{
    struct sim *sim = argument;
    sim->ending = true;
    for (uint32_t i = 0; i < sim->node_count; i++) {
        while (sim->nodes[i]->alive && !sim->nodes[i]->up) /* it is only just starting */
            sim_sleep_us(sim, 100000);
        node_drain(sim->nodes[i], 120000);
    }
}

static bool never(struct sim *sim)
{
    return sim->healing && false;
}

static void story(struct sim *sim)
{
    sim_tell(sim,
             "seed %llu: %u nodes, %u tenants, one fault in %u of each of these kinds:", (unsigned long long)sim->seed,
             sim->node_count, sim->tenant_count, sim->rate);
    static const char *const meanings[] = {
#define FAULT_MEANING(name, meaning) #name ": " meaning,
        FAULT_KINDS(FAULT_MEANING)
#undef FAULT_MEANING
    };
    for (int i = 0; i < FAULT_COUNT; i++)
        if (sim_has(sim, (enum fault)i))
            sim_tell(sim, "  %s", meanings[i]);
}

static bool others_ended(struct sim *sim)
{
    return clients_done(sim) && judge_open_of_others(sim) == 0;
}

/* A key that is refused, or used up, is the trouble of those alone who have it: all others are read to their end, and it works again
 * only then. */
static void isolate(struct sim *sim)
{
    if (sim->provider.mood != MOOD_KEY_REFUSED && sim->provider.mood != MOOD_NO_KEY && sim->provider.mood != MOOD_QUOTA)
        return;
    sim_tell(sim, "---- keys %x do not work yet: all that need others must end ----", sim->provider.struck);
    until(sim, sim->now_us + ISOLATED_US_MAX, others_ended);
    if (!sim->failed && !others_ended(sim))
        sim_fail(sim, "%u documents have not ended within 90 minutes, only for keys that they do not need",
                 judge_open_of_others(sim));
}

static void go_through(struct sim *sim)
{
    until(sim, CHAOS_US_MAX, chaos_over);
    sim->healing = true;
    sim->blob_away = false;
    for (uint32_t i = 0; i < sim->node_count; i++)
        node_thaw(sim->nodes[i]);
    memory_blob_set_full(sim->blob, false);
    isolate(sim);
    sim->provider.mood = MOOD_FINE;
    sim_tell(sim, "---- no more faults: now everything must end ----");
    until(sim, sim->now_us + HEAL_US_MAX, all_ended);
    if (!sim->failed && !all_ended(sim))
        sim_fail(sim, "%u documents have not ended within three hours without faults", judge_open(sim->judge));
    /* Now and then what comes long after the end as well: retention, the removal of what was deleted. */
    if (sim->retention_ms || sim_one_in(sim, 16)) {
        until(sim, sim->now_us + INT64_C(2) * 3600 * 1000 * 1000, never);
        sim->rested = true;
    }
    if (sim->failed)
        return;
    sim_spawn(sim, NULL, "stop", stop_all, sim, true);
    until(sim, sim->now_us + INT64_C(600) * 1000 * 1000, stopped);
    if (!sim->failed && !stopped(sim))
        sim_fail(sim, "a node did not stop");
    if (!sim->failed)
        judge_at_rest(sim);
}

bool sim_run(struct sim *sim, const struct run_options *options)
{
    *sim = (struct sim){ .seed = options->seed, .trace = options->trace };
    seed_random(sim, options->seed);
    dm_log_setup(DM_LOG_DEBUG, log_line, sim);
    sim->store = memory_store_make();
    sim->blob = memory_blob_make();
    sim->judge = judge_make(sim);
    choose_faults(sim);
    sim->tenant_count = 1 + sim_below(sim, TENANTS_MAX);
    provider_choose(sim);
    sim->retention_ms = sim_one_in(sim, 12) ? 60000 + sim_below(sim, 1800000) : 0;
    sim->heal_us = (int64_t)(20 + sim_below(sim, sim_one_in(sim, 3) ? 320 : 100)) * 1000 * 1000;
    choose_nodes(sim);
    story(sim);
    for (uint32_t i = 0; i < sim->node_count; i++)
        node_start(sim->nodes[i]);
    clients_start(sim);
    nemesis_start(sim);
    go_through(sim);
    /* However it ended: what is left is abandoned. */
    for (uint32_t i = 0; i < sim->node_count; i++)
        sim->nodes[i]->doomed = sim->nodes[i]->alive;
    bury_doomed(sim);
    while (sim->fiber_count > 0)
        remove_fiber(sim, 0);
    for (uint32_t i = 0; i < sim->node_count; i++)
        free(sim->nodes[i]);
    clients_free(sim);
    judge_free(sim->judge);
    memory_blob_free(sim->blob);
    memory_store_free(sim->store);
    return !sim->failed;
}
