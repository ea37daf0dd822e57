/* channel.h: the parent's end of a socket to a zygote or worker: frames, with deadlines. */
#ifndef DM_READER_CHANNEL_H
#define DM_READER_CHANNEL_H

#include "ports/runtime.h"
#include "reader/rules.h"

struct dm_channel {
    struct dm_runtime runtime;
    int fd; /* -1: none */
    struct dm_buf in;
    size_t taken;
};

/* How a question went. */
enum dm_talk {
    DM_TALK_OK,
    DM_TALK_LATE, /* the deadline passed */
    DM_TALK_GONE, /* the other side is closed: the process has ended or is about to */
    DM_TALK_LIE,  /* it said what it may not say */
};

/* Makes a socketpair; the far end is the caller's to pass on and to close. */
DM_MUST_USE enum dm_code dm_channel_open(struct dm_channel *channel, struct dm_runtime runtime, int *ret_far,
                                         struct dm_err *err);
void dm_channel_close(struct dm_channel *channel); /* may be called twice */

/* Sends whole frames, with a descriptor unless it is -1. Never LIE. */
enum dm_talk dm_channel_send(struct dm_channel *channel, struct dm_str frames, int fd, int64_t deadline_ms);
/* Waits for the next answer that the rules allow. The payload is valid until the next call. */
enum dm_talk dm_channel_next(struct dm_channel *channel, struct dm_asked *asked, int64_t deadline_ms,
                             struct dm_frame_head *ret_head, struct dm_str *ret_payload);
/* Reads what has arrived and throws it away, without waiting, as long as the rules allow it. */
enum dm_talk dm_channel_drain(struct dm_channel *channel, struct dm_asked *asked);

#endif
