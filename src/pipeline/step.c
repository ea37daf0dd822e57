/* step.c: read, decide, write. */
#include "step.h"

struct dm_ledger_context dm_step_context(const struct dm_pipeline *pipeline, struct dm_arena *arena)
{
    const int64_t kept[] = { pipeline->retention_source_ms, pipeline->retention_pages_ms,
                             pipeline->retention_results_ms };
    int64_t keep_ms = 0;
    for (size_t i = 0; i < DM_COUNT(kept); i++)
        if (kept[i] > 0 && (keep_ms == 0 || kept[i] < keep_ms))
            keep_ms = kept[i];
    return (struct dm_ledger_context){ dm_wall_ms(pipeline->ports.runtime), arena, keep_ms };
}

void dm_step_backoff(const struct dm_pipeline *pipeline, unsigned tries)
{
    struct dm_runtime runtime = pipeline->ports.runtime;
    uint16_t chance;
    dm_random(runtime, &chance, sizeof(chance));
    int64_t most_ms = (int64_t)10 << (tries < 6 ? tries : 6);
    dm_sleep_until(runtime, dm_mono_ms(runtime) + 1 + chance % most_ms);
}

void dm_hint(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file)
{
    const struct dm_hint hint = { *tenant, *file };
    struct dm_err ignored;
    if (dm_stream_publish(pipeline->ports.stream, &hint, &ignored) != DM_OK)
        return;
}

enum dm_code dm_step_commit(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                            const struct dm_file *file, struct dm_change *change, struct dm_err *err)
{
    enum dm_code rc = dm_store_commit(pipeline->ports.store, tenant, file, &change->transaction, err);
    if (rc == DM_OK && change->transaction.state)
        dm_hub_tell(pipeline->hub, tenant, file, &change->state);
    return rc;
}

enum dm_code dm_step_run(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file,
                         const struct dm_step *step, struct dm_arena *arena, struct dm_state *ret_state,
                         struct dm_err *err)
{
    for (unsigned tries = 0;; tries++) {
        struct dm_snapshot snapshot;
        enum dm_code rc = dm_store_read(pipeline->ports.store, tenant, file,
                                        step->parts | DM_PART_DOCUMENT | DM_PART_STATE, arena, &snapshot, err);
        if (rc == DM_OK && snapshot.document.deleted_ms && !step->deleted_too)
            rc = dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
        if (rc != DM_OK)
            return rc;
        const struct dm_ledger_context context = dm_step_context(pipeline, arena);
        struct dm_change change;
        rc = step->decide(step->argument, &context, &snapshot, &change, err);
        if (rc != DM_OK)
            return rc;
        rc = dm_step_commit(pipeline, tenant, file, &change, err);
        if (rc == DM_OK && ret_state)
            *ret_state = change.transaction.state ? change.state : snapshot.state;
        if (rc != DM_CONFLICT || tries + 1 == DM_STEP_TRIES_MAX)
            return rc;
        dm_step_backoff(pipeline, tries);
    }
}
