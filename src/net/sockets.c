/* sockets.c: see sockets.h, and https://curl.se/libcurl/c/libcurl-multi.html, "multi_socket". */
#include "net/sockets.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 64 };

static uint32_t events_of(int what)
{
    uint32_t in = what == CURL_POLL_IN || what == CURL_POLL_INOUT ? EPOLLIN : 0;
    uint32_t out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? EPOLLOUT : 0;
    return in | out;
}

/* A socket that cannot be watched makes its requests fail by their deadlines; libcurl offers no way to say so here. */
static int watch(CURL *curl, curl_socket_t socket, int what, void *context, void *of_socket)
{
    (void)curl;
    (void)of_socket;
    const struct dm_sockets *sockets = context;
    struct epoll_event event = { .events = events_of(what), .data.fd = socket };
    if (what == CURL_POLL_REMOVE)
        (void)epoll_ctl(sockets->set, EPOLL_CTL_DEL, socket, NULL);
    else if (epoll_ctl(sockets->set, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT)
        (void)epoll_ctl(sockets->set, EPOLL_CTL_ADD, socket, &event);
    return 0;
}

static int note_timer(CURLM *handle, long wait_ms, void *context)
{
    (void)handle;
    struct dm_sockets *sockets = context;
    sockets->next_mono_ms = wait_ms < 0 ? DM_FOREVER : dm_mono_ms(sockets->runtime) + wait_ms;
    return 0;
}

enum dm_code dm_sockets_open(const struct dm_curl_library *lib, struct dm_runtime runtime, CURLM *handle,
                             struct dm_sockets *ret, struct dm_err *err)
{
    *ret = (struct dm_sockets){ lib, runtime, handle, -1, -1, DM_FOREVER };
    ret->set = epoll_create1(EPOLL_CLOEXEC);
    ret->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = ret->wake };
    if (ret->set < 0 || ret->wake < 0 || epoll_ctl(ret->set, EPOLL_CTL_ADD, ret->wake, &event) != 0)
        return dm_fail(err, DM_IO, "the client cannot watch its sockets: %s", strerror(errno));
    if (lib->multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, watch) != CURLM_OK ||
        lib->multi_setopt(handle, CURLMOPT_SOCKETDATA, ret) != CURLM_OK ||
        lib->multi_setopt(handle, CURLMOPT_TIMERFUNCTION, note_timer) != CURLM_OK ||
        lib->multi_setopt(handle, CURLMOPT_TIMERDATA, ret) != CURLM_OK)
        return dm_fail(err, DM_INTERNAL, "libcurl refused an option of the client");
    return DM_OK;
}

void dm_sockets_close(struct dm_sockets *sockets)
{
    if (sockets->set >= 0)
        (void)close(sockets->set);
    if (sockets->wake >= 0)
        (void)close(sockets->wake);
    sockets->set = sockets->wake = -1;
}

static void happened(struct dm_sockets *sockets, const struct epoll_event *event)
{
    uint64_t count;
    if (event->data.fd == sockets->wake) {
        (void)!read(sockets->wake, &count, sizeof(count));
        return;
    }
    int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    (void)sockets->lib->multi_socket_action(sockets->handle, event->data.fd, what, &running);
}

void dm_sockets_work(struct dm_sockets *sockets, int64_t until_mono_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int64_t now_ms = dm_mono_ms(sockets->runtime);
    int64_t until_ms = sockets->next_mono_ms < until_mono_ms ? sockets->next_mono_ms : until_mono_ms;
    int64_t wait_ms = until_ms <= now_ms ? 0 : until_ms - now_ms < INT_MAX ? until_ms - now_ms : INT_MAX;
    int count = epoll_wait(sockets->set, events, EVENTS_AT_ONCE, (int)wait_ms);
    for (int i = 0; i < count; i++)
        happened(sockets, &events[i]);
    if (dm_mono_ms(sockets->runtime) < sockets->next_mono_ms)
        return;
    int running;
    sockets->next_mono_ms = DM_FOREVER; /* libcurl names the next one meanwhile */
    (void)sockets->lib->multi_socket_action(sockets->handle, CURL_SOCKET_TIMEOUT, 0, &running);
}

void dm_sockets_wake(const struct dm_sockets *sockets)
{
    const uint64_t one = 1;
    (void)!write(sockets->wake, &one, sizeof(one));
}
