/* nemesis.c: what happens to whole nodes and backends: crashes, clocks that jump, outages, storms, drains. */
#include "sim.h"

static struct node *some_node(struct sim *sim)
{
    return sim->nodes[sim_below(sim, sim->node_count)];
}

static void jump(struct sim *sim, struct node *node)
{
    int64_t by_ms = (int64_t)sim_below(sim, sim_one_in(sim, 3) ? 1200000 : 60000);
    if (sim_one_in(sim, 2))
        by_ms = -by_ms;
    node->wall_offset_ms += by_ms;
    sim_tell(sim, "the wall clock of node %u jumps by %.3f s", node->number, (double)by_ms / 1000);
}

static void drain(struct sim *sim, struct node *node)
{
    if (!node->up)
        return;
    if (!node_drain(node, sim_below(sim, 20000)))
        return;
    sim_sleep_us(sim, sim_below(sim, 5000000));
    if (!sim->failed && !sim->ending)
        node_start(node);
}

static void set(struct sim *sim, bool *what, bool value, const char *name)
{
    if (*what == value)
        return;
    *what = value;
    sim_tell(sim, "%s %s", name, value ? "begins" : "is over");
}

static void annoy_provider(struct sim *sim)
{
    if (sim_one_in(sim, 4))
        provider_change_key(sim);
    else if (sim->provider.mood != MOOD_FINE)
        provider_turn(sim, MOOD_FINE);
    else
        provider_turn(sim, sim_one_in(sim, 3) ? MOOD_AWAY
                                              : (enum mood)(MOOD_STORM + sim_below(sim, MOOD_COUNT - MOOD_STORM)));
}

static void act(struct sim *sim, bool *full)
{
    struct node *node = some_node(sim);
    bool of_provider = sim_has(sim, FAULT_PROVIDER) && sim_one_in(sim, 8);
    switch (of_provider ? FAULT_PROVIDER : (enum fault)sim_below(sim, FAULT_COUNT)) {
    case FAULT_CRASH:
        if (sim_has(sim, FAULT_CRASH) && node->alive) {
            sim_tell(sim, "kills node %u", node->number);
            sim_crash(sim, node);
        }
        break;
    case FAULT_CLOCKS:
        if (sim_has(sim, FAULT_CLOCKS))
            jump(sim, node);
        break;
    case FAULT_FREEZE:
        if (sim_has(sim, FAULT_FREEZE))
            node_freeze(node, (int64_t)(5 + sim_below(sim, 140)) * 1000000);
        break;
    case FAULT_BLOB_AWAY:
        if (sim_has(sim, FAULT_BLOB_AWAY))
            set(sim, &sim->blob_away, !sim->blob_away, "an outage of the blob store");
        break;
    case FAULT_BLOB_FULL:
        if (sim_has(sim, FAULT_BLOB_FULL)) {
            set(sim, full, !*full, "a full disk");
            memory_blob_set_full(sim->blob, *full);
        }
        break;
    case FAULT_MODEL:
        if (sim_has(sim, FAULT_MODEL))
            provider_turn(sim, sim->provider.mood == MOOD_STORM ? MOOD_FINE : MOOD_STORM);
        break;
    case FAULT_PROVIDER:
        if (sim_has(sim, FAULT_PROVIDER))
            annoy_provider(sim);
        break;
    case FAULT_DRAINS:
        if (sim_has(sim, FAULT_DRAINS))
            drain(sim, node);
        break;
    default:
        break;
    }
}

static void live(void *argument)
{
    struct sim *sim = argument;
    bool full = false;
    while (!sim->healing) {
        sim_sleep_us(sim, sim_below(sim, 3000000));
        if (!sim->healing)
            act(sim, &full);
    }
}

void nemesis_start(struct sim *sim)
{
    sim_spawn(sim, NULL, "nemesis", live, sim, true);
}
