/* lying_helper.c: a document helper that does as its document says.
 *
 * The document's text names what to do with page 1, for instance "junk"; every other page is answered
 * honestly. So one program stands for all the ways in which a helper that was taken over may behave. How
 * the zygote itself begins is fixed by START when it is compiled. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/frame.h"

#define START_HONEST 0
#define START_OTHER_VERSION 1
#define START_EXCUSE 2
#define START_DIES 3
#ifndef START
#define START START_HONEST
#endif

/* SLOW_MS: more than half of the page's time in test_lies.c, and less than all of it. */
enum { MODE_MAX = 64, PAGES = 3, SLOW_MS = 250 };

static void send_bytes(struct dm_str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(DM_FRAME_SOCKET, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0);
        bytes = dm_str_from(bytes, (size_t)sent);
    }
}

static void send_frame(enum dm_frame_kind kind, uint32_t number, struct dm_str payload)
{
    unsigned char head[DM_FRAME_HEAD];
    dm_frame_head_write((struct dm_frame_head){ kind, number, (uint32_t)payload.len }, head);
    send_bytes(dm_str_of(head, sizeof(head)));
    send_bytes(payload);
}

static void send_u32(enum dm_frame_kind kind, uint32_t number, uint32_t value)
{
    struct dm_buf payload = dm_buf_make(16);
    dm_frame_add_u32(&payload, value);
    send_frame(kind, number, dm_buf_str(&payload));
    dm_buf_free(&payload);
}

static void send_line(uint32_t number, uint32_t at, uint32_t len, float x0, float x1)
{
    struct dm_buf payload = dm_buf_make(64);
    dm_frame_add_u32(&payload, at);
    dm_frame_add_u32(&payload, len);
    dm_frame_add_f32(&payload, x0);
    dm_frame_add_f32(&payload, 0);
    dm_frame_add_f32(&payload, x1);
    dm_frame_add_f32(&payload, 1);
    send_frame(DM_FRAME_LINES, number, dm_buf_str(&payload));
    dm_buf_free(&payload);
}

static void send_end(uint32_t number, float width, uint8_t legible)
{
    struct dm_buf payload = dm_buf_make(16);
    dm_frame_add_f32(&payload, width);
    dm_frame_add_f32(&payload, 100);
    dm_frame_add_u8(&payload, legible);
    send_frame(DM_FRAME_PAGE_END, number, dm_buf_str(&payload));
    dm_buf_free(&payload);
}

static void answer_honestly(uint32_t number, bool lines)
{
    send_frame(DM_FRAME_TEXT, number, DM_STR("fine\n"));
    if (lines)
        send_line(number, 0, 4, 0, 1);
    send_end(number, 100, 1);
}

static bool is(const char *mode, const char *name)
{
    return strcmp(mode, name) == 0;
}

/* The ways to end without an answer. */
static void disappear(const char *mode)
{
    if (is(mode, "hangs"))
        for (;;)
            pause();
    if (is(mode, "faults")) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (is(mode, "uses up its time"))
        raise(SIGXCPU);
    if (is(mode, "exits"))
        _exit(7);
}

static void send_wrong_frame(const char *mode, uint32_t number)
{
    unsigned char head[DM_FRAME_HEAD];
    dm_frame_head_write((struct dm_frame_head){ DM_FRAME_TEXT, number, 0 }, head);
    if (is(mode, "junk"))
        send_bytes(DM_STR("HTTP/1.1 200 OK\r\n\r\n"));
    if (is(mode, "oversized frame")) {
        memset(head, 0xff, 4);
        send_bytes(dm_str_of(head, sizeof(head)));
    }
    if (is(mode, "claims much, sends little")) {
        dm_frame_head_write((struct dm_frame_head){ DM_FRAME_TEXT, number, DM_FRAME_TEXT_MAX }, head);
        send_bytes(dm_str_of(head, sizeof(head)));
        for (;;) { /* a byte now and then does not move the deadline */
            send_bytes(DM_STR("x"));
            usleep(20 * 1000);
        }
    }
    if (is(mode, "wrong number"))
        send_frame(DM_FRAME_TEXT, number + 1, DM_STR("fine\n"));
    if (is(mode, "answer to another question"))
        send_u32(DM_FRAME_OPENED, number, PAGES);
    if (is(mode, "a parent's own request"))
        send_u32(DM_FRAME_END, number, 1);
    if (is(mode, "unknown failure"))
        send_frame(DM_FRAME_FAILED, number, DM_STR("\x63"));
    if (is(mode, "unasked picture"))
        send_frame(DM_FRAME_IMAGE, number, DM_STR("\xff\xd8\xff\xe0 and so on"));
    if (is(mode, "unasked PDF"))
        send_frame(DM_FRAME_PAGE_PDF, number, DM_STR("%PDF-1.7"));
}

/* Modes that begin with "PDF ": text, lines, and as a PDF what is one, or not, or nothing at all. */
static void send_pdf(const char *mode, uint32_t number)
{
    send_frame(DM_FRAME_TEXT, number, DM_STR("fine\n"));
    send_line(number, 0, 4, 0, 1);
    if (is(mode, "PDF that is none"))
        send_frame(DM_FRAME_PAGE_PDF, number, DM_STR("<html>"));
    if (is(mode, "PDF honest"))
        send_frame(DM_FRAME_PAGE_PDF, number, DM_STR("%PDF-1.7"));
    send_end(number, 100, 1);
}

static void send_wrong_content(const char *mode, uint32_t number)
{
    if (is(mode, "no UTF-8"))
        send_frame(DM_FRAME_TEXT, number, DM_STR("fin\xe9\n"));
    else if (is(mode, "NUL"))
        send_frame(DM_FRAME_TEXT, number, DM_STR("fi\0ne\n"));
    else
        send_frame(DM_FRAME_TEXT, number, DM_STR("fine \xc3\xa4\n"));
    if (is(mode, "text twice"))
        send_frame(DM_FRAME_TEXT, number, DM_STR("fine\n"));
    if (is(mode, "fails after all"))
        send_frame(DM_FRAME_FAILED, number, DM_STR("\1"));
    if (is(mode, "line past the text"))
        send_line(number, 4, 100, 0, 1);
    if (is(mode, "line with an overflow"))
        send_line(number, 0xfffffff0, 0x20, 0, 1);
    if (is(mode, "line within a character"))
        send_line(number, 0, 6, 0, 1);
    if (is(mode, "line at no place"))
        send_line(number, 0, 4, __builtin_nanf(""), 1);
    if (is(mode, "line inside out"))
        send_line(number, 0, 4, 5, 1);
    if (is(mode, "half a line"))
        send_frame(DM_FRAME_LINES, number, DM_STR("half"));
    if (is(mode, "lines missing") || is(mode, "endless page") || is(mode, "neither text nor none")) {
        if (!is(mode, "lines missing"))
            send_line(number, 0, 4, 0, 1);
        send_end(number, is(mode, "endless page") ? __builtin_inff() : 100, is(mode, "neither text nor none") ? 7 : 1);
    }
    if (is(mode, "breaks off"))
        _exit(0);
}

static void lie(const char *mode, uint32_t number)
{
    disappear(mode);
    send_wrong_frame(mode, number);
    send_wrong_content(mode, number);
    for (;;)
        pause(); /* the parent ends us */
}

/* Modes that begin with "scan " have a page without text; what follows concerns its pixels or their
 * recognition. */
static bool is_scan(const char *mode)
{
    return strncmp(mode, "scan ", 5) == 0;
}

static void be_slow(const char *mode)
{
    if (is(mode, "scan slow in two parts"))
        usleep(SLOW_MS * 1000);
}

static void answer_without_text(const char *mode, uint32_t number, bool lines)
{
    be_slow(mode);
    send_frame(DM_FRAME_TEXT, number, DM_STR(""));
    if (lines)
        send_frame(DM_FRAME_LINES, number, DM_STR(""));
    send_end(number, 100, 0);
}

/* A picture of one row, whose pixels are the mode. */
static void answer_scan(const char *mode, uint32_t number)
{
    be_slow(mode);
    struct dm_buf payload = dm_buf_make(256);
    dm_frame_add_u32(&payload, is(mode, "scan of another size") ? MODE_MAX * 2 : MODE_MAX);
    dm_frame_add_u32(&payload, is(mode, "scan without height") ? 0 : 1);
    dm_frame_add_u32(&payload, 300);
    dm_frame_add_f32(&payload, is(mode, "scan of no scale") ? 0 : 1);
    dm_buf_add(&payload, dm_str_of(mode, MODE_MAX));
    send_frame(DM_FRAME_PIXELS, number, dm_buf_str(&payload));
    dm_buf_free(&payload);
}

static void recognise(const char *mode, uint32_t number)
{
    disappear(mode + 5);
    send_frame(DM_FRAME_TEXT, number, is(mode, "scan no UTF-8") ? DM_STR("\xe9") : DM_STR("recognised\n"));
    if (!is(mode, "scan lines missing"))
        send_line(number, 0, is(mode, "scan line past the text") ? 99 : 10, 0, 1);
    send_frame(DM_FRAME_RECOGNISED, number, DM_STR(""));
}

struct request {
    struct dm_frame_head head;
    char payload[2048];
    int fd;
};

static bool receive(struct request *request)
{
    unsigned char bytes[DM_FRAME_HEAD];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec piece = { bytes, sizeof(bytes) };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    request->fd = -1;
    if (recvmsg(DM_FRAME_SOCKET, &message, MSG_WAITALL) != DM_FRAME_HEAD ||
        !dm_frame_head_parse(bytes, &request->head) || request->head.size > sizeof(request->payload))
        return false;
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    if (part && part->cmsg_type == SCM_RIGHTS)
        memcpy(&request->fd, CMSG_DATA(part), sizeof(int));
    return request->head.size == 0 ||
           recv(DM_FRAME_SOCKET, request->payload, request->head.size, MSG_WAITALL) == (ssize_t)request->head.size;
}

static void worker(void)
{
    char mode[MODE_MAX] = "";
    struct request request;
    while (receive(&request)) {
        uint32_t number = request.head.number;
        struct dm_frame_fields fields = { .rest = dm_str_of(request.payload, request.head.size) };
        if (request.head.kind == DM_FRAME_OPEN) {
            if (request.fd < 0 || pread(request.fd, mode, sizeof(mode) - 1, 0) < 0)
                _exit(1);
            disappear(is(mode, "hangs at opening") ? "hangs" : is(mode, "faults at opening") ? "faults" : "");
            send_u32(DM_FRAME_OPENED, number,
                     is(mode, "no pages after all") ? 0
                     : is(mode, "counts anew")      ? (uint32_t)getpid()
                                                    : PAGES);
        } else if (request.head.kind == DM_FRAME_SCAN) {
            answer_scan(mode, number);
        } else if (request.head.kind == DM_FRAME_PIXELS) {
            memcpy(mode, request.payload + DM_FRAME_PIXELS_HEAD, MODE_MAX);
            recognise(mode, number);
        } else {
            uint32_t page = dm_frame_u32(&fields);
            bool lines = dm_frame_u8(&fields) & DM_FRAME_WANT_LINES;
            if (page == 1 && is_scan(mode)) {
                answer_without_text(mode, number, lines);
                continue;
            }
            if (page == 1 && strncmp(mode, "PDF ", 4) == 0) {
                send_pdf(mode, number);
                continue;
            }
            if (page == 1 && !is(mode, "honest"))
                lie(is(mode, "counts anew") ? "faults" : mode, number);
            answer_honestly(number, lines);
        }
    }
    _exit(0);
}

static void begin(void)
{
    struct dm_buf payload = dm_buf_make(64);
    dm_frame_add_u32(&payload, START == START_OTHER_VERSION ? DM_FRAME_VERSION + 1 : DM_FRAME_VERSION);
    if (START == START_EXCUSE)
        dm_buf_add_z(&payload, "no luck today");
    if (START == START_DIES)
        _exit(1);
    send_frame(DM_FRAME_READY, 0, dm_buf_str(&payload));
    dm_buf_free(&payload);
}

int main(void)
{
    struct request request;
    struct {
        uint32_t worker;
        pid_t pid;
    } children[256];
    size_t count = 0;
    begin();
    while (receive(&request)) {
        struct dm_frame_fields fields = { .rest = dm_str_of(request.payload, request.head.size) };
        uint32_t number = dm_frame_u32(&fields);
        if (request.head.kind == DM_FRAME_START && count < DM_COUNT(children)) {
            pid_t pid = fork();
            if (pid == 0) {
                dup2(request.fd, DM_FRAME_SOCKET);
                close(request.fd);
                worker();
            }
            close(request.fd);
            children[count].worker = number;
            children[count++].pid = pid;
        }
        for (size_t i = 0; request.head.kind == DM_FRAME_END && i < count; i++) {
            if (children[i].worker != number)
                continue;
            int status = 0;
            kill(children[i].pid, SIGKILL);
            waitpid(children[i].pid, &status, 0);
            struct dm_buf payload = dm_buf_make(16);
            dm_frame_add_u32(&payload, number);
            dm_frame_add_u8(&payload, 1);
            dm_frame_add_u32(&payload, (uint32_t)status);
            send_frame(DM_FRAME_ENDED, 0, dm_buf_str(&payload));
            dm_buf_free(&payload);
        }
    }
    for (size_t i = 0; i < count; i++)
        kill(children[i].pid, SIGKILL);
    return 0;
}
