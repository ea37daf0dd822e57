/* aggregate.h: what the tasks of one aggregator share. Private to the room.
 *
 * A task writes one document's result at a time. Where a model makes the reduction, most of that time is waiting: then another task
 * takes up the next document, so that DM_AGGREGATE_TASKS of them always have their hands free, up to DM_AGGREGATE_TASKS_MAX in all.
 * Those that have nothing to do for a while end again. */
#ifndef DM_PIPELINE_AGGREGATE_H
#define DM_PIPELINE_AGGREGATE_H

#include "pipeline/pipeline.h"
#include "watch.h"

enum {
    DM_AGGREGATE_TASKS = 2,
    DM_AGGREGATE_TASKS_MAX = 64, /* each holds the digests of one document */
    DM_AGGREGATE_READY_MAX = 256
};

/* Each owns leases under a name of its own. */
struct dm_aggregate_task {
    struct dm_aggregator *aggregator;
    char owner[DM_OWNER_MAX];
    struct dm_task *task; /* NULL: there is none in this place */
    bool over;            /* to be joined */
};

struct dm_aggregator {
    struct dm_pipeline pipeline;
    struct dm_monitor *monitor; /* guards all below */
    struct dm_watch watch;      /* leases of others */
    bool closing;
    bool looking; /* one of the tasks reads the due index, from `due` on */
    struct dm_due_cursor due;
    int64_t look_at_ms;                            /* monotonic */
    struct dm_found ready[DM_AGGREGATE_READY_MAX]; /* ring; past its size the due index finds the rest */
    uint32_t ready_at, ready_count;
    struct dm_aggregate_task tasks[DM_AGGREGATE_TASKS_MAX];
    uint32_t running; /* tasks */
    uint32_t waiting; /* of those, for the model */
    uint32_t idle;    /* of those, without a document */
};

/* Takes the document up, if it is ready and nobody has it, and ends it. */
void dm_aggregate(struct dm_aggregate_task *task, const struct dm_found *found);
/* A task begins or ends to wait for the model. */
void dm_aggregator_waits(struct dm_aggregator *aggregator, bool begins);

#endif
