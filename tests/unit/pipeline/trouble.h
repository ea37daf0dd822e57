/* trouble.h: a pipeline that meets trouble: a clock that the test pushes forward, a ledger and blobs that cannot be
 * written for a while, memory that runs out in its tasks. All by wrapping the ports that rig.h sets up. */
#ifndef DM_TESTS_PIPELINE_TROUBLE_H
#define DM_TESTS_PIPELINE_TROUBLE_H

#include <stdatomic.h>

#include "rig.h"

struct trouble {
    struct rig *rig;
    struct dm_store store; /* the real ones */
    struct dm_blob blob;
    struct dm_runtime runtime;
    _Atomic int64_t ahead_ms;    /* the pushed clock before the real one */
    _Atomic bool full;           /* nothing can be written */
    _Atomic bool full_at_result; /* the disk fills up when a result is about to be written */
    _Atomic uint32_t refused;
    /* Allocations of the pipeline's tasks: the one with the number fails; from 1, 0: none. */
    _Atomic uint32_t allocations;
    _Atomic uint32_t fail_at;
    _Atomic uint32_t failed;
};

extern struct trouble trouble;

/* Between rig_setup and rig_start. */
void trouble_wrap(struct rig *rig);
/* Pushes the clock so far, in steps that leave the tasks time to do what is due. */
void trouble_pass(int64_t ms);
/* Pushes it until the document has ended, at most so far; false: it has not. */
bool trouble_until_ended(const char *tenant, const struct dm_file *file, int64_t most_ms);

#endif
