/* trouble.h: a pipeline that meets trouble: a clock that stands until the test pushes it, a ledger and blobs that cannot be
 * written for a while, memory that runs out in its tasks. All by wrapping the ports that rig.h sets up. */
#ifndef DM_TESTS_PIPELINE_TROUBLE_H
#define DM_TESTS_PIPELINE_TROUBLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "rig.h"

struct trouble {
    struct rig *rig;
    struct dm_store store; /* the real ones */
    struct dm_blob blob;
    struct dm_stream stream;
    struct dm_runtime runtime;
    _Atomic int64_t now_ms; /* the clock, which stands until the test pushes it */
    pthread_mutex_t lock;   /* guards the four below */
    uint32_t tasks;         /* of the pipeline, running or waiting */
    uint32_t settled;       /* of those: wait, and have looked at the clock since `round` began */
    uint32_t round;
    uint32_t wakes;
    _Atomic bool woken;          /* the stream: it ends */
    _Atomic bool full;           /* nothing can be written */
    _Atomic bool full_at_result; /* the disk fills up when a result is about to be written */
    _Atomic uint32_t refused;
    _Atomic uint32_t lost_claims; /* so many claims are written and get no answer */
    /* Allocations of the pipeline's tasks: those whose number is a multiple of fail_every fail, up to the number
     * fail_most; 0: none. */
    _Atomic uint32_t allocations;
    _Atomic uint32_t fail_every;
    _Atomic uint32_t fail_most;
    _Atomic uint32_t failed;
};

extern struct trouble trouble;

/* Between rig_setup and rig_start. */
void trouble_wrap(struct rig *rig);
/* Pushes the clock so far, by a step whenever all tasks have done what was due. */
void trouble_pass(int64_t ms, int64_t step_ms);
/* Another limiter: so many calls at once. Before rig_start. */
void trouble_limit(struct rig *rig, uint32_t concurrency);
/* Pushes it until the document has ended, at most so far; false: it has not. */
bool trouble_until_ended(const char *tenant, const struct dm_file *file, int64_t most_ms);

#endif
