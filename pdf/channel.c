/* channel.c: frames over a socket, and descriptors beside them. */
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Requests are a few dozen bytes; only a picture for text recognition is more, and says so in its head. */
    READ_AHEAD = 4096,
};

struct channel channel_make(int fd)
{
    return (struct channel){
        .fd = fd,
        .in = dm_buf_make(DM_FRAME_HEAD + DM_FRAME_PIXELS_HEAD + DM_FRAME_PIXELS_MAX + READ_AHEAD),
        .passed = -1,
    };
}

void channel_free(struct channel *channel)
{
    dm_buf_free(&channel->in);
    if (channel->passed >= 0)
        close(channel->passed);
    channel->passed = -1;
}

int channel_claim(struct channel *channel)
{
    int fd = channel->passed;
    channel->passed = -1;
    return fd;
}

/* Keeps the one descriptor a message may carry; any more, or one that is still unclaimed, is closed. */
static void keep_descriptors(struct channel *channel, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (channel->passed < 0)
                channel->passed = fd;
            else
                close(fd);
        }
    }
}

/* Reads what is there, at least a byte. */
static bool read_more(struct channel *channel, size_t wanted)
{
    char *room = dm_buf_reserve(&channel->in, wanted);
    if (!room)
        return false;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec piece = { .iov_base = room, .iov_len = wanted };
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t got;
    do
        got = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    keep_descriptors(channel, &message);
    dm_buf_grown(&channel->in, (size_t)got);
    return true;
}

bool channel_next(struct channel *channel, struct dm_frame_head *ret_head, struct dm_str *ret_payload)
{
    dm_buf_drop_front(&channel->in, channel->taken);
    channel->taken = 0;
    for (;;) {
        enum dm_frame_fit fit = dm_frame_take(dm_buf_str(&channel->in), ret_head, ret_payload);
        if (fit == DM_FRAME_BAD)
            return false;
        if (fit == DM_FRAME_WHOLE) {
            channel->taken = DM_FRAME_HEAD + ret_payload->len;
            return true;
        }
        size_t wanted = READ_AHEAD;
        struct dm_frame_head head;
        if (channel->in.len >= DM_FRAME_HEAD && dm_frame_head_parse((const unsigned char *)channel->in.at, &head))
            wanted = DM_FRAME_HEAD + (size_t)head.size - channel->in.len;
        if (!read_more(channel, wanted))
            return false;
    }
}

bool channel_send(struct channel *channel, struct dm_str bytes)
{
    struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes.at, .iov_len = bytes.len };
    return channel_send_pieces(channel, &piece, 1);
}

bool channel_send_pieces(struct channel *channel, struct iovec *pieces, size_t count)
{
    while (count > 0) {
        struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
        ssize_t sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        size_t left = (size_t)sent;
        while (count > 0 && left >= pieces->iov_len) {
            left -= pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + left;
            pieces->iov_len -= left;
        }
    }
    return true;
}
