/* carrier.c: memory of requests, kept apart from that of connections: thousands of connections may be open, few of
 * them are ever in a request. */
#include "base/alloc.h"
#include "connection.h"

enum { SPARE_MAX = 64, TARGET_MAX = 64 * 1024, TARGET_KEPT = 1024 };

static void free_carrier(struct dm_carrier *carrier)
{
    dm_exchange_free(carrier->exchange);
    dm_buf_free(&carrier->target);
    dm_free(carrier->headers);
    dm_free(carrier);
}

static struct dm_carrier *make_carrier(struct dm_server *server)
{
    struct dm_carrier *carrier = dm_alloc_zero(1, sizeof(*carrier));
    if (!carrier)
        return NULL;
    carrier->target = dm_buf_make(TARGET_MAX);
    carrier->exchange = dm_exchange_make(server->options.api);
    if (carrier->exchange)
        return carrier;
    dm_free(carrier);
    return NULL;
}

struct dm_carrier *dm_carrier_take(struct dm_server *server)
{
    dm_lock(server->runtime, server->spare_lock);
    struct dm_carrier *carrier = server->spare;
    if (carrier) {
        server->spare = carrier->next;
        server->spare_count--;
    }
    dm_unlock(server->runtime, server->spare_lock);
    return carrier ? carrier : make_carrier(server);
}

void dm_carrier_give(struct dm_server *server, struct dm_carrier *carrier)
{
    if (!carrier)
        return;
    if (carrier->target.capacity > TARGET_KEPT)
        dm_buf_free(&carrier->target);
    dm_buf_clear(&carrier->target);
    dm_lock(server->runtime, server->spare_lock);
    bool keep = server->spare_count < SPARE_MAX;
    if (keep) {
        carrier->next = server->spare;
        server->spare = carrier;
        server->spare_count++;
    }
    dm_unlock(server->runtime, server->spare_lock);
    if (!keep)
        free_carrier(carrier);
}

void dm_carriers_free(struct dm_server *server)
{
    while (server->spare) {
        struct dm_carrier *carrier = server->spare;
        server->spare = carrier->next;
        free_carrier(carrier);
    }
}
