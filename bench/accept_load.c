/* accept_load.c: many clients who upload the same document again and again.
 *
 *   accept_load PORT TARGET FILE CLIENTS SECONDS WARMUP_SECONDS
 *
 * One thread drives all connections, so that the load costs the machine as little as it can. Each keeps its connection
 * and sends the next document when the last was accepted. "@@@@@@@@@@@@@@@@" in FILE becomes a number of its own each
 * time, so that no two documents are alike. Prints one line of JSON: the accepts within the measured time, those of the
 * whole run, how long one took. Ends with 1 if any answer is not 2xx. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 1024, ANSWER_MAX = 16 * 1024, PARTS = 4, TIMES_MAX = 1024 * 1024 };

#define MARK "@@@@@@@@@@@@@@@@"
enum { MARK_BYTES = sizeof(MARK) - 1 };

struct client {
    int fd;
    bool busy;
    double sent_s;
    char mark[MARK_BYTES + 1];
    size_t written;
    char answer[ANSWER_MAX + 1];
    size_t read;
};

static struct {
    uint16_t port;
    char head[1024];
    size_t head_bytes;
    char *body;
    size_t size;
    size_t mark_at; /* = size where there is none */
    uint64_t next_mark;
    double begin_s, end_s; /* of the measured time */
    int poll;
    unsigned busy;
    unsigned long accepts, measured;
    float times_ms[TIMES_MAX];
    struct client clients[CLIENTS_MAX];
} load;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool say_failure(const char *what)
{
    fprintf(stderr, "accept_load: %s: %s\n", what, strerror(errno));
    return false;
}

/* ---- one upload ------------------------------------------------------------------------------------------------- */

static size_t request_bytes(void)
{
    return load.head_bytes + load.size;
}

/* Writes on where the socket last had no room. */
static bool send_on(struct client *client)
{
    size_t marked = load.mark_at < load.size ? MARK_BYTES : 0;
    while (client->written < request_bytes()) {
        struct iovec parts[PARTS] = {
            { load.head, load.head_bytes },
            { load.body, load.mark_at },
            { client->mark, marked },
            { load.body + load.mark_at + marked, load.size - load.mark_at - marked },
        };
        size_t skip = client->written;
        for (int i = 0; i < PARTS; i++) {
            size_t cut = skip < parts[i].iov_len ? skip : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + cut;
            parts[i].iov_len -= cut;
            skip -= cut;
        }
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = PARTS };
        ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            return errno == EAGAIN || say_failure("send");
        client->written += (size_t)sent;
    }
    return true;
}

static bool begin_upload(struct client *client)
{
    client->busy = true;
    load.busy++;
    client->written = client->read = 0;
    client->sent_s = now_s();
    snprintf(client->mark, sizeof(client->mark), "%016llx", (unsigned long long)load.next_mark++);
    return send_on(client);
}

/* 0: more is to come; -1: not HTTP as we know it. */
static long answer_bytes(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    if (!end)
        return 0;
    const char *length = strcasestr(answer, "\r\nContent-Length:");
    if (!length || length > end)
        return -1;
    return end + 4 - answer + atol(length + strlen("\r\nContent-Length:"));
}

static bool finish_upload(struct client *client)
{
    client->busy = false;
    load.busy--;
    if (strncmp(client->answer, "HTTP/1.1 2", 10) != 0) {
        fprintf(stderr, "accept_load: an upload was refused:\n%s\n", client->answer);
        return false;
    }
    double now = now_s();
    load.accepts++;
    if (now >= load.begin_s && now < load.end_s && load.measured < TIMES_MAX)
        load.times_ms[load.measured++] = (float)((now - client->sent_s) * 1000);
    return now >= load.end_s || begin_upload(client);
}

static bool receive_on(struct client *client)
{
    ssize_t got = recv(client->fd, client->answer + client->read, ANSWER_MAX - client->read, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || say_failure("receive");
    if (got == 0) {
        fprintf(stderr, "accept_load: the server closed a connection\n");
        return false;
    }
    client->read += (size_t)got;
    client->answer[client->read] = '\0';
    long wanted = answer_bytes(client->answer);
    if (wanted < 0 || client->read == ANSWER_MAX) {
        fprintf(stderr, "accept_load: not an answer:\n%s\n", client->answer);
        return false;
    }
    if (wanted == 0 || client->read < (size_t)wanted)
        return true;
    return finish_upload(client);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static bool connect_client(struct client *client)
{
    struct sockaddr_in server = { .sin_family = AF_INET,
                                  .sin_port = htons(load.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&server, sizeof(server)) != 0)
        return say_failure("connect");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client };
    return epoll_ctl(load.poll, EPOLL_CTL_ADD, client->fd, &event) == 0 || say_failure("epoll");
}

static bool drive(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!connect_client(&load.clients[i]) || !begin_upload(&load.clients[i]))
            return false;
    while (load.busy > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(load.poll, events, 256, 30000);
        if (ready == 0) {
            fprintf(stderr, "accept_load: %u uploads without an answer for 30 s\n", load.busy);
            return false;
        }
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) && client->busy && !send_on(client))
                return false;
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !receive_on(client))
                return false;
        }
    }
    return true;
}

static bool read_body(const char *path)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0)
        return say_failure(path);
    load.size = (size_t)facts.st_size;
    load.body = malloc(load.size + 1);
    bool whole = load.body && read(fd, load.body, load.size) == facts.st_size;
    close(fd);
    if (!whole)
        return say_failure(path);
    char *mark = memmem(load.body, load.size, MARK, MARK_BYTES);
    load.mark_at = mark ? (size_t)(mark - load.body) : load.size;
    return true;
}

static int by_size(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static double time_at(double part)
{
    return load.measured ? load.times_ms[(size_t)((double)(load.measured - 1) * part)] : 0;
}

int main(int argc, char **argv)
{
    unsigned count = argc == 7 ? (unsigned)atoi(argv[4]) : 0;
    double seconds = argc == 7 ? atof(argv[5]) : 0, warmup = argc == 7 ? atof(argv[6]) : 0;
    if (count < 1 || count > CLIENTS_MAX || seconds <= 0) {
        fprintf(stderr, "usage: accept_load PORT TARGET FILE CLIENTS SECONDS WARMUP_SECONDS\n");
        return 2;
    }
    load.port = (uint16_t)atoi(argv[1]);
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    if (load.poll < 0 || !read_body(argv[3]))
        return 1;
    load.head_bytes = (size_t)snprintf(load.head, sizeof(load.head),
                                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/pdf\r\n"
                                       "Content-Length: %zu\r\n\r\n",
                                       argv[2], load.port, load.size);
    if (load.head_bytes >= sizeof(load.head))
        return 2;
    load.begin_s = now_s() + warmup;
    load.end_s = load.begin_s + seconds;
    bool done = drive(count);
    qsort(load.times_ms, load.measured, sizeof(*load.times_ms), by_size);
    printf("{\"accepts\": %lu, \"all\": %lu, \"per_second\": %.1f, \"median_ms\": %.2f, \"p99_ms\": %.2f}\n",
           load.measured, load.accepts, (double)load.measured / seconds, time_at(0.5), time_at(0.99));
    for (unsigned i = 0; i < count; i++)
        if (load.clients[i].fd > 0)
            close(load.clients[i].fd);
    free(load.body);
    return done ? 0 : 1;
}
