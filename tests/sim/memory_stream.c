/* memory_stream.c: the hints that have reached one node, in a ring. */
#include "memory_stream.h"

#include "base/alloc.h"

enum { RING_HINTS = 256 };

struct memory_stream {
    struct dm_runtime runtime;
    memory_publish *publish;
    void *context;
    struct dm_monitor *monitor; /* guards what follows */
    uint64_t first;             /* number of the oldest hint; numbers are the tokens */
    uint32_t count;
    uint32_t waiting;
    bool woken;
    struct dm_hint hints[RING_HINTS];
};

static enum dm_code stream_publish(void *self, const struct dm_hint *hint, struct dm_err *err)
{
    struct memory_stream *stream = self;
    stream->publish(stream->context, hint);
    return DM_OK;
}

void memory_stream_deliver(struct memory_stream *stream, const struct dm_hint *hint)
{
    dm_lock(stream->runtime, stream->monitor);
    if (stream->count == RING_HINTS) {
        stream->first++;
        stream->count--;
    }
    stream->hints[(stream->first + stream->count++) % RING_HINTS] = *hint;
    dm_wake_one(stream->runtime, stream->monitor);
    dm_unlock(stream->runtime, stream->monitor);
}

static enum dm_code stream_pull(void *self, uint32_t max, int64_t deadline_mono_ms, struct dm_stream_message *ret,
                                uint32_t *ret_count, struct dm_err *err)
{
    struct memory_stream *stream = self;
    uint32_t count = 0;
    dm_lock(stream->runtime, stream->monitor);
    if (stream->woken && stream->waiting == 0) {
        /* Whoever waited has been told, or nobody did: then this one is, and the next one waits again. */
        stream->woken = false;
        deadline_mono_ms = INT64_MIN;
    }
    stream->waiting++;
    while (stream->count == 0 && !stream->woken && dm_mono_ms(stream->runtime) < deadline_mono_ms)
        (void)dm_wait_until(stream->runtime, stream->monitor, deadline_mono_ms);
    stream->waiting--;
    for (; count < max && stream->count > 0; count++, stream->count--, stream->first++)
        ret[count] = (struct dm_stream_message){ stream->hints[stream->first % RING_HINTS], stream->first };
    /* One delivery wakes one; what that one leaves another may take. */
    if (stream->count > 0 && stream->waiting > 0)
        dm_wake_one(stream->runtime, stream->monitor);
    dm_unlock(stream->runtime, stream->monitor);
    *ret_count = count;
    return DM_OK;
}

/* A hint is forgotten when it is pulled. */
static enum dm_code stream_ack(void *self, uint64_t token, struct dm_err *err)
{
    return DM_OK;
}

static void stream_wake(void *self)
{
    struct memory_stream *stream = self;
    dm_lock(stream->runtime, stream->monitor);
    stream->woken = true;
    dm_wake_all(stream->runtime, stream->monitor);
    dm_unlock(stream->runtime, stream->monitor);
}

static enum dm_code stream_check(void *self, struct dm_err *err)
{
    return DM_OK;
}

enum dm_code memory_stream_make(struct dm_runtime runtime, memory_publish *publish, void *context,
                                struct memory_stream **ret, struct dm_err *err)
{
    struct memory_stream *stream = dm_alloc_zero(1, sizeof(*stream));
    if (!stream)
        return dm_fail_memory(err);
    stream->runtime = runtime;
    stream->publish = publish;
    stream->context = context;
    enum dm_code rc = dm_monitor_make(runtime, &stream->monitor, err);
    if (rc != DM_OK) {
        dm_free(stream);
        return rc;
    }
    *ret = stream;
    return DM_OK;
}

void memory_stream_free(struct memory_stream *stream)
{
    if (!stream)
        return;
    dm_monitor_free(stream->runtime, stream->monitor);
    dm_free(stream);
}

struct dm_stream memory_stream_port(struct memory_stream *stream)
{
    static const struct dm_stream_ops ops = {
        .name = "memory",
        .publish = stream_publish,
        .pull = stream_pull,
        .ack = stream_ack,
        .wake = stream_wake,
        .check = stream_check,
    };
    return (struct dm_stream){ &ops, stream };
}
