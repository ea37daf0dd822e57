/* stream.c: the checking callers of the stream port. */
#include "ports/stream.h"

#include "base/check.h"

enum dm_code dm_stream_publish(struct dm_stream stream, const struct dm_hint *hint, struct dm_err *err)
{
    return stream.ops->publish(stream.self, hint, err);
}

enum dm_code dm_stream_pull(struct dm_stream stream, uint32_t max, int64_t deadline_mono_ms,
                            struct dm_stream_message *ret, uint32_t *ret_count, struct dm_err *err)
{
    DM_CHECK(max >= 1);
    uint32_t count = 0;
    enum dm_code rc = stream.ops->pull(stream.self, max, deadline_mono_ms, ret, &count, err);
    DM_CHECK(count <= max);
    *ret_count = rc == DM_OK ? count : 0;
    return rc;
}

enum dm_code dm_stream_ack(struct dm_stream stream, uint64_t token, struct dm_err *err)
{
    return stream.ops->ack(stream.self, token, err);
}

void dm_stream_wake(struct dm_stream stream)
{
    stream.ops->wake(stream.self);
}

enum dm_code dm_stream_check(struct dm_stream stream, struct dm_err *err)
{
    return stream.ops->check(stream.self, err);
}
