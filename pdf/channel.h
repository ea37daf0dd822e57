/* channel.h: the helper's end of a socket to the parent.
 *
 * Blocking and without deadlines of its own: whoever waits too long is killed by the parent. The parent is
 * trusted, yet what it sends is held to the same limits per kind (base/frame.h), so that a bug there shows as
 * a helper that ends and not as memory that grows. */
#ifndef DM_PDF_CHANNEL_H
#define DM_PDF_CHANNEL_H

#include <sys/uio.h>

#include "base/frame.h"

struct channel {
    int fd;
    struct dm_buf in;
    size_t taken; /* bytes at the start of `in` that belong to the frame handed out last */
    int passed;   /* a descriptor that came along and was not claimed yet, or -1 */
};

struct channel channel_make(int fd);
/* Frees memory and an unclaimed descriptor; the socket stays open. */
void channel_free(struct channel *channel);

/* Waits for the next frame. The payload is valid until the next call. False once the parent has closed its
 * end, or sent what is no frame: then there is nothing left to do but to end. */
DM_MUST_USE bool channel_next(struct channel *channel, struct dm_frame_head *ret_head, struct dm_str *ret_payload);
/* Takes the descriptor that came with the frame; -1 where none did. */
int channel_claim(struct channel *channel);

/* Writes all of it; false where nobody reads any more. */
DM_MUST_USE bool channel_send(struct channel *channel, struct dm_str bytes);
/* The same for pieces, which are used up. */
DM_MUST_USE bool channel_send_pieces(struct channel *channel, struct iovec *pieces, size_t count);

#endif
