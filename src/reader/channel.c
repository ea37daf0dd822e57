/* channel.c: reading and writing with one eye on the clock.
 *
 * A head is judged before a byte of room is made for its payload, so a lie about a length costs nothing. */
#include "reader/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_AHEAD = 64 << 10,
    /* A page's picture is dropped after use, a page's text keeps its room for the next. */
    KEEP_MAX = 1 << 20,
};

enum dm_code dm_channel_open(struct dm_channel *channel, struct dm_runtime runtime, int *ret_far, struct dm_err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return dm_fail_errno(err, errno, "no socket for a document helper");
    *channel = (struct dm_channel){
        .runtime = runtime,
        .fd = ends[0],
        .in = dm_buf_make((size_t)DM_FRAME_HEAD + DM_FRAME_IMAGE_MAX + READ_AHEAD),
    };
    *ret_far = ends[1];
    return DM_OK;
}

void dm_channel_close(struct dm_channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
    dm_buf_free(&channel->in);
    channel->taken = 0;
}

/* Waits until the socket can be read or written. */
static enum dm_talk wait_for(struct dm_channel *channel, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms == DM_FOREVER ? INT_MAX : deadline_ms - dm_mono_ms(channel->runtime);
        if (left <= 0)
            return DM_TALK_LATE;
        struct pollfd wait = { .fd = channel->fd, .events = events };
        int ready = poll(&wait, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return DM_TALK_OK;
        if (ready < 0 && errno != EINTR)
            return DM_TALK_GONE;
    }
}

enum dm_talk dm_channel_send(struct dm_channel *channel, struct dm_str frames, int fd, int64_t deadline_ms)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .bytes = { 0 } };
    while (frames.len > 0) {
        struct iovec piece = { .iov_base = (void *)(uintptr_t)frames.at, .iov_len = frames.len };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
        if (fd >= 0) {
            message.msg_control = &control;
            message.msg_controllen = sizeof(control);
            struct cmsghdr *part = CMSG_FIRSTHDR(&message);
            part->cmsg_level = SOL_SOCKET;
            part->cmsg_type = SCM_RIGHTS;
            part->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(part), &fd, sizeof(int));
        }
        ssize_t sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            enum dm_talk waited = wait_for(channel, POLLOUT, deadline_ms);
            if (waited != DM_TALK_OK)
                return waited;
            continue;
        }
        if (sent < 0)
            return DM_TALK_GONE;
        fd = -1; /* it went with the first byte */
        frames = dm_str_from(frames, (size_t)sent);
    }
    return DM_TALK_OK;
}

/* Reads at most `wanted` bytes of what is there. LATE: nothing is. */
static enum dm_talk read_some(struct dm_channel *channel, size_t wanted)
{
    char *room = dm_buf_reserve(&channel->in, wanted);
    if (!room)
        return DM_TALK_LIE; /* the rules bound every payload below the buffer's ceiling, so only memory can be out */
    for (;;) {
        ssize_t got = recv(channel->fd, room, wanted, MSG_DONTWAIT);
        if (got > 0) {
            dm_buf_grown(&channel->in, (size_t)got);
            return DM_TALK_OK;
        }
        if (got < 0 && errno == EINTR)
            continue;
        return got < 0 && errno == EAGAIN ? DM_TALK_LATE : DM_TALK_GONE;
    }
}

/* Looks for a frame in what was read. LATE: there is no whole one, and `*ret_wanted` bytes may be read. */
static enum dm_talk take(struct dm_channel *channel, struct dm_asked *asked, bool *judged, size_t *ret_wanted,
                         struct dm_frame_head *ret_head, struct dm_str *ret_payload)
{
    struct dm_str bytes = dm_str_from(dm_buf_str(&channel->in), channel->taken);
    *ret_wanted = READ_AHEAD;
    if (bytes.len < DM_FRAME_HEAD)
        return DM_TALK_LATE;
    struct dm_frame_head head;
    if (!dm_frame_head_parse((const unsigned char *)bytes.at, &head))
        return DM_TALK_LIE;
    if (!*judged && !dm_rules_allow(asked, &head))
        return DM_TALK_LIE;
    *judged = true;
    if (bytes.len < DM_FRAME_HEAD + (size_t)head.size) {
        size_t missing = DM_FRAME_HEAD + (size_t)head.size - bytes.len;
        if (missing > READ_AHEAD)
            *ret_wanted = missing;
        return DM_TALK_LATE;
    }
    *ret_head = head;
    *ret_payload = dm_str_cut(bytes, DM_FRAME_HEAD, head.size);
    channel->taken += DM_FRAME_HEAD + (size_t)head.size;
    return DM_TALK_OK;
}

/* Forgets what was handed out; keeps the room where it is small. */
static void make_room(struct dm_channel *channel)
{
    if (channel->taken == channel->in.len && channel->in.capacity > KEEP_MAX)
        dm_buf_free(&channel->in);
    else
        dm_buf_drop_front(&channel->in, channel->taken);
    channel->taken = 0;
}

enum dm_talk dm_channel_next(struct dm_channel *channel, struct dm_asked *asked, int64_t deadline_ms,
                             struct dm_frame_head *ret_head, struct dm_str *ret_payload)
{
    bool judged = false;
    for (;;) {
        size_t wanted;
        enum dm_talk talk = take(channel, asked, &judged, &wanted, ret_head, ret_payload);
        if (talk != DM_TALK_LATE)
            return talk;
        make_room(channel);
        talk = wait_for(channel, POLLIN, deadline_ms);
        if (talk == DM_TALK_OK)
            talk = read_some(channel, wanted);
        if (talk != DM_TALK_OK && !(talk == DM_TALK_LATE && dm_mono_ms(channel->runtime) < deadline_ms))
            return talk;
    }
}

enum dm_talk dm_channel_drain(struct dm_channel *channel, struct dm_asked *asked)
{
    for (;;) {
        struct dm_frame_head head;
        struct dm_str payload;
        size_t wanted;
        bool judged = false;
        enum dm_talk talk = take(channel, asked, &judged, &wanted, &head, &payload);
        if (talk == DM_TALK_OK)
            continue;
        if (talk != DM_TALK_LATE)
            return talk;
        make_room(channel);
        talk = read_some(channel, wanted);
        if (talk != DM_TALK_OK)
            return talk == DM_TALK_LATE ? DM_TALK_OK : talk;
    }
}
