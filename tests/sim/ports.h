/* ports.h: the ports of a node over the one world, with the faults of the run. Private to ports*.c.
 *
 * Each call is: maybe the node dies; some time passes; maybe it fails; it happens; maybe its answer is lost; some time
 * passes; maybe the node dies. */
#ifndef DM_SIM_PORTS_H
#define DM_SIM_PORTS_H

#include "sim.h"

/* A point of the run: maybe the node dies, or stands still. */
void port_point(struct node *node);

struct dm_store node_store(struct node *node);
struct dm_operator node_operator(struct node *node);
struct dm_blob node_blob(struct node *node);

void node_sinks_abandon(struct node *node);
uint32_t node_descriptors_close(struct node *node); /* how many were still open */

#endif
