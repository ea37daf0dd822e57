/* stream.h: a port: hints of work.
 *
 * A hint says only "this document may have work for somebody". The ledger is the queue; a hint that is lost, doubled or
 * late costs time, never work: every worker also looks into the store. So a hint is acknowledged as soon as it is
 * noted. */
#ifndef DM_PORTS_STREAM_H
#define DM_PORTS_STREAM_H

#include "domain/tenant.h"

struct dm_hint {
    struct dm_tenant tenant;
    struct dm_file file;
};

struct dm_stream_message {
    struct dm_hint hint;
    uint64_t token; /* opaque; for ack */
};

struct dm_stream_ops {
    const char *name;
    /* Never waits; DM_BUSY or DM_UNAVAILABLE where it could not be given on, which the caller may ignore. */
    enum dm_code (*publish)(void *self, const struct dm_hint *hint, struct dm_err *err);
    /* Waits until there is one or the deadline (monotonic) passed; *ret_count may be 0. */
    enum dm_code (*pull)(void *self, uint32_t max, int64_t deadline_mono_ms, struct dm_stream_message *ret,
                         uint32_t *ret_count, struct dm_err *err);
    enum dm_code (*ack)(void *self, uint64_t token, struct dm_err *err);
    /* For stopping: every pull that waits returns at once, and so does the next one that is called while none waits. Who
     * has several pullers wakes until all have stopped. */
    void (*wake)(void *self);
    enum dm_code (*check)(void *self, struct dm_err *err);
};

struct dm_stream {
    const struct dm_stream_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_stream_publish(struct dm_stream stream, const struct dm_hint *hint, struct dm_err *err);
DM_MUST_USE enum dm_code dm_stream_pull(struct dm_stream stream, uint32_t max, int64_t deadline_mono_ms,
                                        struct dm_stream_message *ret, uint32_t *ret_count, struct dm_err *err);
DM_MUST_USE enum dm_code dm_stream_ack(struct dm_stream stream, uint64_t token, struct dm_err *err);
void dm_stream_wake(struct dm_stream stream);
DM_MUST_USE enum dm_code dm_stream_check(struct dm_stream stream, struct dm_err *err);

#endif
