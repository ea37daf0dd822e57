/* memory_stream.h: the stream port in memory, for the simulator: one for each node.
 *
 * A node's stream is its own: its memory, its monitor and whoever waits in it go with the node. What a node publishes is
 * handed to whoever made the stream, who delivers it to whichever nodes it likes, twice, late or never. */
#ifndef DM_SIM_MEMORY_STREAM_H
#define DM_SIM_MEMORY_STREAM_H

#include "ports/runtime.h"
#include "ports/stream.h"

struct memory_stream;

/* Called by the task that publishes, outside of any lock; it must not wait. */
typedef void memory_publish(void *context, const struct dm_hint *hint);

DM_MUST_USE enum dm_code memory_stream_make(struct dm_runtime runtime, memory_publish *publish, void *context,
                                            struct memory_stream **ret, struct dm_err *err);
void memory_stream_free(struct memory_stream *stream); /* accepts NULL; nobody pulls */
struct dm_stream memory_stream_port(struct memory_stream *stream);
/* A hint reaches the node. Takes the monitor of the node's runtime for an instant. Where too many wait already the oldest
 * one is lost; one that waits already is put in again: the pullers must bear it. */
void memory_stream_deliver(struct memory_stream *stream, const struct dm_hint *hint);

#endif
