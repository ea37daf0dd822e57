/* step.h: read, decide, write: the one way in which the pipeline changes a document.
 *
 * Private to the room. A step reads the parts that a decision needs, lets a function of domain/ledger.h decide, and
 * commits. On a conflict it reads again and decides anew, a bounded number of times with jitter. What became durable is
 * told to the hub. */
#ifndef DM_PIPELINE_STEP_H
#define DM_PIPELINE_STEP_H

#include "pipeline/pipeline.h"

enum {
    DM_STEP_ARENA_MAX = 4 * 1024 * 1024,
    DM_STEP_TRIES_MAX = 12 /* of a decision that lost a race each time */
};

typedef enum dm_code dm_decide(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                               struct dm_change *ret, struct dm_err *err);

/* Codes of the store, and whatever `decide` refuses with. `ret_state` (may be NULL): STATE as it stands after the step.
 * A deleted document is DM_NOT_FOUND unless `deleted_too`. */
struct dm_step {
    unsigned parts; /* DM_PART_… that `decide` needs; DOCUMENT and STATE are always read */
    bool deleted_too;
    dm_decide *decide;
    void *argument;
};

DM_MUST_USE enum dm_code dm_step_run(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                     const struct dm_file *file, const struct dm_step *step, struct dm_arena *arena,
                                     struct dm_state *ret_state, struct dm_err *err);

/* One commit of a change that is filled already, told to the hub. For those who hold the snapshot. */
DM_MUST_USE enum dm_code dm_step_commit(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                        const struct dm_file *file, struct dm_change *change, struct dm_err *err);

/* The context of a decision taken now. */
struct dm_ledger_context dm_step_context(const struct dm_pipeline *pipeline, struct dm_arena *arena);
/* A random wait before the n-th try again: up to 10 ms at first, doubled each time, at most 640 ms. */
void dm_step_backoff(const struct dm_pipeline *pipeline, unsigned tries);

void dm_hub_tell(struct dm_hub *hub, const struct dm_tenant *tenant, const struct dm_file *file,
                 const struct dm_state *state);
/* "There is work": a lost hint costs time only, so failures are not reported. */
void dm_hint(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file);

#endif
