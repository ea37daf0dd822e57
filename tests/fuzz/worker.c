/* worker.c: the helper's side: a text worker asked anything at all about a plain text.
 *
 * Two bytes: the size of the text, which follows. Then the parent's frames (talk.h). Only plain text is opened: what
 * MuPDF makes of other documents is its own fuzzers' matter, and the sandbox's. */
#include "worker.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "talk.h"

enum { SAID_MAX = 64 << 10, MEMORY = 64 << 20, HOUR_SECONDS = 3600 };

/* Frames of the parent, the text's descriptor along with the first; documents of other kinds become plain text. */
static void say(int fd, struct dm_str frames, int text_fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec piece = { (void *)(uintptr_t)frames.at, frames.len };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &text_fd, sizeof(int));
    (void)!sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
}

static void make_plain(struct dm_buf *frames)
{
    size_t at = 0;
    struct dm_frame_head head;
    struct dm_str payload;
    while (dm_frame_take(dm_str_from(dm_buf_str(frames), at), &head, &payload) == DM_FRAME_WHOLE) {
        char *media = frames->at + at + DM_FRAME_HEAD;
        if (head.kind == DM_FRAME_OPEN && payload.len > 0 && *media < DM_FRAME_PLAIN)
            *media = DM_FRAME_PLAIN;
        at += DM_FRAME_HEAD + payload.len;
    }
}

/* Every answer is a frame of the protocol, in full. */
static void *listen_to(void *argument)
{
    int fd = *(int *)argument;
    struct channel channel = channel_make(fd);
    struct dm_buf *all = &channel.in;
    *all = dm_buf_make((size_t)DM_FRAME_IMAGE_MAX + (1 << 20));
    struct dm_frame_head head;
    struct dm_str payload;
    while (channel_next(&channel, &head, &payload)) {
        EXPECT(head.kind == DM_FRAME_OPENED || head.kind == DM_FRAME_TEXT || head.kind == DM_FRAME_LINES ||
               head.kind == DM_FRAME_IMAGE || head.kind == DM_FRAME_PAGE_PDF || head.kind == DM_FRAME_PAGE_END ||
               head.kind == DM_FRAME_PIXELS || head.kind == DM_FRAME_FAILED);
        if (head.kind == DM_FRAME_TEXT)
            EXPECT(dm_str_is_utf8(payload) && dm_str_find_char(payload, '\0') == payload.len);
        if (head.kind == DM_FRAME_LINES)
            EXPECT(payload.len % DM_FRAME_LINE == 0);
    }
    EXPECT(dm_str_from(dm_buf_str(all), channel.taken).len == 0);
    channel_free(&channel);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine engine;
    static bool started;
    struct input input = input_of(data, size);
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    int ends[2];
    pthread_t listener;
    if (!started)
        EXPECT(started = engine_start(&engine, MEMORY));
    size_t text_size = input_u8(&input);
    text_size |= (size_t)input_u8(&input) << 8;
    int text_fd = fuzz_file(input_text(&input, text_size));
    talk_write(&input, &said);
    make_plain(&said);
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    say(ends[0], dm_buf_str(&said), text_fd);
    close(text_fd);
    EXPECT(pthread_create(&listener, NULL, listen_to, &ends[0]) == 0);
    struct worker_setting setting = { .engine = &engine, .memory_bytes = MEMORY, .cpu_seconds = HOUR_SECONDS };
    int status = worker_serve(&setting, ends[1]);
    EXPECT(status == WORKER_DONE || status == WORKER_CONFUSED);
    close(ends[1]);
    pthread_join(listener, NULL);
    close(ends[0]);
    input_free(&input);
    return 0;
}
