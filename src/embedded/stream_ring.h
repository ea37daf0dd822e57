/* stream_ring.h: the stream port in memory. Private to this room. */
#ifndef DM_EMBEDDED_STREAM_RING_H
#define DM_EMBEDDED_STREAM_RING_H

#include "ports/runtime.h"
#include "ports/stream.h"

enum { DM_RING_HINTS = 1024 };

struct dm_ring;

DM_MUST_USE enum dm_code dm_ring_make(struct dm_runtime runtime, struct dm_ring **ret, struct dm_err *err);
void dm_ring_free(struct dm_ring *ring); /* accepts NULL */
struct dm_stream dm_ring_stream(struct dm_ring *ring);

#endif
