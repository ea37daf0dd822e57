/* node.c: a node: its memory, its clocks, its runtime, and the roles that it plays. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- memory that goes with the node ---- */

struct block {
    struct block *next, *prev;
    size_t size;
    max_align_t payload[];
};

static void link_block(struct node *node, struct block *block)
{
    block->prev = NULL;
    block->next = node->blocks;
    if (node->blocks)
        node->blocks->prev = block;
    node->blocks = block;
    node->bytes += block->size;
    if (node->bytes > node->bytes_most)
        node->bytes_most = node->bytes;
    if (node->bytes > NODE_MEMORY_MAX)
        sim_fail(node->sim, "invariant 9: node %u holds %zu bytes", node->number, node->bytes);
}

static void unlink_block(struct node *node, struct block *block)
{
    if (block->prev)
        block->prev->next = block->next;
    else
        node->blocks = block->next;
    if (block->next)
        block->next->prev = block->prev;
    node->bytes -= block->size;
}

static bool no_memory(struct node *node)
{
    return node->allocation_faults && !node->sim->healing && sim_one_in(node->sim, node->allocation_faults);
}

static void *node_allocate(void *self, size_t size)
{
    struct node *node = self;
    struct block *block = no_memory(node) ? NULL : malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    block->size = size;
    link_block(node, block);
    return block->payload;
}

static struct block *block_of(void *payload)
{
    return (struct block *)(void *)((char *)payload - offsetof(struct block, payload));
}

static void node_release(void *self, void *payload)
{
    if (!payload)
        return;
    unlink_block(self, block_of(payload));
    free(block_of(payload));
}

static void *node_reallocate(void *self, void *payload, size_t size)
{
    struct node *node = self;
    if (!payload)
        return node_allocate(self, size);
    if (no_memory(node))
        return NULL;
    struct block *block = block_of(payload);
    unlink_block(node, block);
    struct block *grown = realloc(block, sizeof(*block) + size);
    if (grown)
        grown->size = size;
    link_block(node, grown ? grown : block);
    return grown ? grown->payload : NULL;
}

/* ---- runtime ---- */

struct dm_monitor {
    struct node *node;
    struct fiber *holder;
};

static int64_t wall_ms(void *self)
{
    const struct node *node = self;
    return SIM_EPOCH_MS + node->sim->now_us / 1000 + node->wall_offset_ms;
}

static int64_t mono_ms(void *self)
{
    const struct node *node = self;
    return node->sim->now_us / 1000 + node->mono_base_ms;
}

/* When the node's monotonic clock shows it. */
static int64_t mono_to_us(const struct node *node, int64_t at_ms)
{
    if (at_ms >= INT64_MAX / 2000)
        return SIM_NEVER;
    return (at_ms - node->mono_base_ms) * 1000;
}

static void node_random(void *self, void *bytes, size_t size)
{
    struct node *node = self;
    for (unsigned char *at = bytes; size > 0; size--)
        *at++ = (unsigned char)sim_random(node->sim);
}

static void sleep_until(void *self, int64_t at_ms)
{
    struct node *node = self;
    sim_sleep_until_us(node->sim, mono_to_us(node, at_ms));
}

static enum dm_code spawn(void *self, const char *name, dm_task_function *function, void *argument,
                          struct dm_task **ret, struct dm_err *err)
{
    struct node *node = self;
    struct fiber *fiber = no_memory(node) ? NULL : sim_spawn(node->sim, node, name, function, argument, false);
    if (!fiber)
        return dm_fail(err, DM_BUSY, "no more tasks");
    *ret = (struct dm_task *)fiber;
    return DM_OK;
}

static void join(void *self, struct dm_task *task)
{
    struct node *node = self;
    struct fiber *fiber = (struct fiber *)task;
    while (fiber->wait != FIBER_DONE)
        sim_block(node->sim, fiber, FIBER_JOIN, SIM_NEVER);
    fiber->detached = true;
    for (uint32_t i = 0; i < node->sim->fiber_count; i++) {
        if (node->sim->fibers[i] != fiber)
            continue;
        fiber_drop(fiber);
        free(fiber);
        node->sim->fibers[i] = node->sim->fibers[--node->sim->fiber_count];
        break;
    }
}

static enum dm_code monitor_make(void *self, struct dm_monitor **ret, struct dm_err *err)
{
    struct dm_monitor *monitor = dm_alloc_zero(1, sizeof(*monitor));
    if (!monitor)
        return dm_fail_memory(err);
    monitor->node = self;
    *ret = monitor;
    return DM_OK;
}

static void monitor_free(void *self, struct dm_monitor *monitor)
{
    DM_CHECK(!monitor || !monitor->holder);
    dm_free(monitor);
}

static void lock(void *self, struct dm_monitor *monitor)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    if (sim_one_in(sim, 16))
        sim_yield(sim);
    while (monitor->holder)
        sim_block(sim, monitor, FIBER_LOCK, SIM_NEVER);
    monitor->holder = sim->running;
}

static void wake(struct sim *sim, struct dm_monitor *monitor, enum fiber_wait kind, bool one)
{
    uint32_t start = sim->fiber_count ? sim_below(sim, sim->fiber_count) : 0;
    for (uint32_t i = 0; i < sim->fiber_count; i++) {
        struct fiber *fiber = sim->fibers[(start + i) % sim->fiber_count];
        if (fiber->on != monitor || fiber->wait != kind)
            continue;
        sim_wake(sim, fiber);
        if (one)
            return;
    }
}

static void unlock(void *self, struct dm_monitor *monitor)
{
    struct node *node = self;
    DM_CHECK(monitor->holder == node->sim->running);
    monitor->holder = NULL;
    wake(node->sim, monitor, FIBER_LOCK, true);
}

static bool wait_until(void *self, struct dm_monitor *monitor, int64_t at_ms)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    int64_t until_us = mono_to_us(node, at_ms);
    unlock(self, monitor);
    sim_block(sim, monitor, FIBER_WAIT, until_us > sim->now_us ? until_us : sim->now_us);
    bool woken = sim->running->woken;
    while (monitor->holder)
        sim_block(sim, monitor, FIBER_LOCK, SIM_NEVER);
    monitor->holder = sim->running;
    return woken;
}

static void wake_all(void *self, struct dm_monitor *monitor)
{
    struct node *node = self;
    wake(node->sim, monitor, FIBER_WAIT, false);
}

static void wake_one(void *self, struct dm_monitor *monitor)
{
    struct node *node = self;
    wake(node->sim, monitor, FIBER_WAIT, true);
}

static const struct dm_runtime_ops runtime_ops = { "fibers", wall_ms,    mono_ms,      node_random,  sleep_until,
                                                   spawn,    join,       monitor_make, monitor_free, lock,
                                                   unlock,   wait_until, wake_all,     wake_one };

struct dm_runtime node_runtime(struct node *node)
{
    return (struct dm_runtime){ &runtime_ops, node };
}

/* ---- life ---- */

void node_boot(struct sim *sim, uint32_t number, unsigned roles)
{
    struct node *node = calloc(1, sizeof(*node));
    node->sim = sim;
    node->number = number;
    node->roles = roles;
    node->allocator = (struct dm_allocator){ node_allocate, node_reallocate, node_release, node };
    if (sim_has(sim, FAULT_CLOCKS))
        node->wall_offset_ms = (int64_t)sim_below(sim, 600000) - 300000;
    sim->nodes[sim->node_count++] = node;
}

static void choose_limits(struct node *node)
{
    struct sim *sim = node->sim;
    node->limits = (struct dm_limit_options){ .concurrency = 1 + sim_below(sim, sim_one_in(sim, 3) ? 4 : 40) };
    node->limits.concurrency_max = node->limits.concurrency + sim_below(sim, 20);
    if (sim_one_in(sim, 8))
        node->limits.requests_per_minute = 240 + sim_below(sim, 2000);
    if (sim_one_in(sim, 8))
        node->limits.tokens_per_minute = 20000 + sim_below(sim, 60000);
}

static void begin(void *argument)
{
    struct node *node = argument;
    struct sim *sim = node->sim;
    struct dm_err err = { 0 };
    struct dm_pipeline *pipeline = &node->pipeline;
    enum dm_code rc = DM_BUSY;
    while (rc != DM_OK) {
        *pipeline = (struct dm_pipeline){ .pages_max = PAGES_MAX - 10,
                                          .attempts_max = ATTEMPTS_MAX,
                                          .retention_source_ms = sim->retention_ms,
                                          .retention_pages_ms = sim->retention_ms,
                                          .retention_results_ms = sim->retention_ms * 2 };
        node_ports(node, &pipeline->ports);
        rc = node->stream ? DM_OK : DM_NO_MEMORY;
        if (rc == DM_OK)
            rc = dm_hub_make(pipeline->ports.runtime, &pipeline->hub, &err);
        choose_limits(node);
        if (rc == DM_OK)
            rc = dm_limiter_make(pipeline->ports.runtime, &node->limits, &pipeline->limiter, &err);
        const struct dm_worker_options options = { .readers = 1 + sim_below(sim, 3),
                                                   .pages_in_flight = 20 + sim_below(sim, 100),
                                                   .document_pages = 10 + sim_below(sim, 60),
                                                   .tenant_pages = 10 + sim_below(sim, 60) };
        if (rc == DM_OK && (node->roles & ROLE_AGGREGATOR))
            rc = dm_aggregator_start(pipeline, &node->aggregator, &err);
        if (rc == DM_OK && (node->roles & ROLE_WORKER))
            rc = dm_worker_start(pipeline, &options, &node->worker, &err);
        if (rc != DM_OK) { /* as the process would: it ends, and somebody starts it again */
            dm_aggregator_stop(node->aggregator);
            node->aggregator = NULL;
            dm_limiter_free(pipeline->limiter);
            dm_hub_free(pipeline->hub);
            pipeline->limiter = NULL;
            pipeline->hub = NULL;
            node_ports_stop(node);
            sim_sleep_us(sim, 1000000);
        }
    }
    node->up = true;
    sim_tell(sim, "is up:%s%s%s", node->roles & ROLE_API ? " api" : "", node->roles & ROLE_WORKER ? " worker" : "",
             node->roles & ROLE_AGGREGATOR ? " aggregator" : "");
}

void node_start(struct node *node)
{
    struct sim *sim = node->sim;
    node->incarnation++;
    node->alive = true;
    node->mono_base_ms = 1000 + sim_below(sim, 1000000);
    node->allocation_faults = sim_has(sim, FAULT_MEMORY) ? 50 * sim->rate : 0;
    node->draining = false;
    sim_spawn(sim, node, "start", begin, node, true);
}

static void restart(void *argument)
{
    struct node *node = argument;
    struct sim *sim = node->sim;
    uint32_t seconds = sim_below(sim, sim_one_in(sim, 4) ? 100 : 4);
    sim_sleep_us(sim, 1000 + (int64_t)seconds * 1000000);
    if (!sim->failed && !sim->ending)
        node_start(node);
}

void node_freeze(struct node *node, int64_t us)
{
    node->frozen_until_us = node->thawed_us = node->sim->now_us + us;
    sim_tell(node->sim, "node %u stands still until %.3f", node->number, (double)node->frozen_until_us / 1e6);
}

void node_thaw(struct node *node)
{
    if (node->frozen_until_us > node->sim->now_us)
        node->thawed_us = node->sim->now_us;
    node->frozen_until_us = 0;
}

void node_bury(struct node *node)
{
    sim_tell(node->sim, "node %u.%u is gone", node->number, node->incarnation);
    node_ports_bury(node);
    for (struct block *block = node->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    node->blocks = NULL;
    node->bytes = 0;
    node->stream = NULL;
    node->worker = NULL;
    node->aggregator = NULL;
    node->pipeline = (struct dm_pipeline){ 0 };
    node->up = node->alive = false;
    node->doomed = false;
    node_thaw(node);
    sim_spawn(node->sim, NULL, "restart", restart, node, true);
}

static void drain(void *argument)
{
    struct node *node = argument;
    struct sim *sim = node->sim;
    dm_worker_stop(node->worker, mono_ms(node) + node->drain_ms);
    node->worker = NULL;
    dm_aggregator_stop(node->aggregator);
    node->aggregator = NULL;
    judge_limiter(sim, node);
    dm_limiter_free(node->pipeline.limiter);
    dm_hub_free(node->pipeline.hub);
    node->pipeline.limiter = NULL;
    node->pipeline.hub = NULL;
    node_ports_stop(node);
    if (node->bytes > 0)
        sim_fail(sim, "node %u stopped and %zu bytes of its memory are still held", node->number, node->bytes);
    node->up = node->alive = false;
    node->drained = true;
    sim_tell(sim, "has stopped");
}

bool node_drain(struct node *node, int64_t deadline_ms)
{
    struct sim *sim = node->sim;
    if (node->draining) { /* by somebody else already */
        while (node->draining && node->alive)
            sim_sleep_us(sim, 100000);
        return false;
    }
    uint32_t incarnation = node->incarnation;
    node->drain_ms = deadline_ms;
    node->drained = false;
    node->draining = true;
    sim_tell(sim, "drains node %u", node->number);
    /* Requests under way are answered first, as the server does. */
    for (bool busy = true; busy && node->incarnation == incarnation && node->up;) {
        busy = false;
        for (uint32_t i = 0; i < sim->fiber_count; i++)
            busy = busy || (sim->fibers[i]->node == node && strcmp(sim->fibers[i]->name, REQUEST_FIBER) == 0);
        if (busy)
            sim_sleep_us(sim, 100000);
    }
    if (node->up && node->incarnation == incarnation) {
        sim_spawn(sim, node, "drain", drain, node, true);
        while (!node->drained && node->incarnation == incarnation && node->up && !sim->failed)
            sim_sleep_us(sim, 100000);
    }
    return node->drained && node->incarnation == incarnation;
}
