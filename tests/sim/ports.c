/* ports.c: the ports of a node over the one world: hints and secrets, and all of them put together. */
#include "ports.h"

#include <stdlib.h>
#include <string.h>

/* ---- a point of the run ---- */

void port_point(struct node *node)
{
    struct sim *sim = node->sim;
    sim->port_calls++;
    if (sim_fault(sim, FAULT_CRASH) && sim_one_in(sim, 12)) {
        sim_tell(sim, "dies");
        sim_crash(sim, node);
    }
    /* Those that decide by time are frozen more often than others, between a read and the write that follows from it. */
    const char *task = sim->running->name;
    bool by_time = strcmp(task, "sweep") == 0 || strcmp(task, "read") == 0 || strcmp(task, "keep") == 0;
    if (sim_fault(sim, FAULT_FREEZE) && sim_one_in(sim, by_time ? 3 : 20))
        node_freeze(node, (int64_t)(1 + sim_below(sim, sim_one_in(sim, 2) ? 160 : 40)) * 1000000);
}

/* ---- hints ---- */

struct carried {
    struct sim *sim;
    uint32_t to;
    struct dm_hint hint;
    int64_t delay_us;
};

static void carry(void *argument)
{
    struct carried *carried = argument;
    struct sim *sim = carried->sim;
    sim_sleep_us(sim, carried->delay_us);
    struct node *node = sim->nodes[carried->to];
    if (node->up && node->stream) {
        const struct dm_allocator *before = dm_allocator_use(&node->allocator);
        memory_stream_deliver(node->stream, &carried->hint);
        dm_allocator_use(before);
    }
    free(carried);
}

static void send_hint(struct sim *sim, const struct dm_hint *hint, int64_t delay_us)
{
    struct carried *carried = calloc(1, sizeof(*carried));
    *carried = (struct carried){ sim, sim_below(sim, sim->node_count), *hint, delay_us };
    struct fiber *fiber = sim_spawn(sim, NULL, "hint", carry, carried, true);
    if (fiber)
        fiber->abandon = free;
    else
        free(carried);
}

void hints_publish(void *context, const struct dm_hint *hint)
{
    struct node *node = context;
    struct sim *sim = node->sim;
    if (sim_fault(sim, FAULT_HINTS))
        return;
    send_hint(sim, hint, sim_fault(sim, FAULT_HINTS) ? sim_below(sim, 60000000) : 500 + sim_below(sim, 20000));
    if (sim_fault(sim, FAULT_HINTS))
        send_hint(sim, hint, sim_below(sim, 20000000));
}

/* ---- secrets: it is enough that they differ by tenant and purpose ---- */

static enum dm_code secrets_seal(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                                 struct dm_buf *ret, struct dm_err *err)
{
    (void)self;
    dm_buf_addf(ret, "%s|%s|%.*s", tenant->id, purpose, DM_STR_ARG(plain));
    return dm_buf_check(ret, "a sealed text", err);
}

static enum dm_code secrets_open(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                                 struct dm_buf *ret, struct dm_err *err)
{
    (void)self;
    char head[160];
    int len = snprintf(head, sizeof(head), "%s|%s|", tenant->id, purpose);
    if (!dm_str_starts(sealed, dm_str_of(head, (size_t)len)))
        return dm_fail(err, DM_CORRUPT, "sealed for somebody else");
    dm_buf_add(ret, dm_str_from(sealed, (size_t)len));
    return dm_buf_check(ret, "an opened text", err);
}

static enum dm_code secrets_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                                struct dm_err *err)
{
    (void)self;
    (void)err;
    uint64_t value = 14695981039346656037ULL;
    for (const char *at = purpose; *at; at++)
        value = (value ^ (unsigned char)*at) * 1099511628211ULL;
    for (size_t i = 0; i < text.len; i++)
        value = (value ^ (unsigned char)text.at[i]) * 1099511628211ULL;
    for (size_t i = 0; i < DM_MAC_BYTES; i++)
        ret[i] = (unsigned char)(value >> (i % 8 * 8));
    return DM_OK;
}

static const struct dm_secrets_ops secrets_ops = { "sim", secrets_seal, secrets_open, secrets_mac };

/* ---- all of them ---- */

void node_ports(struct node *node, struct dm_ports *ret)
{
    struct dm_err err;
    struct dm_runtime runtime = node_runtime(node);
    node->interrupted = false;
    node->model = model_make(node);
    node->stream = NULL;
    if (node->model && memory_stream_make(runtime, hints_publish, node, &node->stream, &err) != DM_OK)
        node->stream = NULL;
    *ret = (struct dm_ports){ .runtime = runtime,
                              .store = node_store(node),
                              .op = node_operator(node),
                              .blob = node_blob(node),
                              .stream = node->stream ? memory_stream_port(node->stream) : (struct dm_stream){ 0 },
                              .model = node->model ? model_port(node->model) : (struct dm_model){ 0 },
                              .reader = reader_port(node),
                              .secrets = { &secrets_ops, node } };
}

void node_ports_stop(struct node *node)
{
    model_stop(node->model);
    node->model = NULL;
    memory_stream_free(node->stream);
    node->stream = NULL;
    if (node->sinks)
        sim_fail(node->sim, "node %u stopped and left a sink open", node->number);
    uint32_t open = node_descriptors_close(node);
    if (open > 0)
        sim_fail(node->sim, "node %u stopped and left %u descriptors open", node->number, open);
}

void node_ports_bury(struct node *node)
{
    node_sinks_abandon(node);
    node_descriptors_close(node);
    node->model = NULL;
    node->stream = NULL;
}
