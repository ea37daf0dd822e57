/* client.c: raw sockets, and a server on loopback. */
#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "embedded/embedded.h"

struct dm_server *server;
struct dm_runtime threads;

int64_t client_now_ms(void)
{
    return dm_mono_ms(threads);
}

void client_sleep_ms(int ms)
{
    dm_sleep_until(threads, client_now_ms() + ms);
}

void client_start(const struct dm_api_options *api, const struct dm_server_options *options)
{
    struct dm_server_options filled = *options;
    struct dm_err err;
    threads = dm_threads_runtime();
    fake_open(api, &threads);
    filled.api = fake.api;
    filled.hub = (struct dm_hub *)&fake;
    filled.runtime = threads;
    filled.listen_fd = -1;
    assert_int_equal(dm_server_address_parse(DM_STR("127.0.0.1:0"), &filled.address, &err), DM_OK);
    if (dm_server_start(&filled, &server, &err) != DM_OK)
        fail_msg("%s", err.text);
}

void client_stop(void)
{
    dm_server_stop(server, client_now_ms());
    server = NULL;
    fake_close();
}

int client_connect_with_buffer(int bytes)
{
    struct dm_address address = dm_server_address(server);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (connect(fd, (const struct sockaddr *)&address.storage, address.size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int client_connect(void)
{
    int fd = client_connect_with_buffer(0);
    assert_true(fd >= 0);
    return fd;
}

/* A server that has closed already is seen when reading. */
void client_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

void client_say(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* False: the other side closed, or `wait_ms` passed. */
static bool read_some(int fd, struct dm_buf *buf, size_t most, int wait_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    if (poll(&ready, 1, wait_ms) <= 0)
        return false;
    char *room = dm_buf_reserve(buf, most);
    ssize_t got = recv(fd, room, most, 0);
    if (got <= 0)
        return false;
    dm_buf_grown(buf, (size_t)got);
    return true;
}

bool client_read_all(int fd, struct dm_buf *all)
{
    while (read_some(fd, all, 4096, 5000))
        continue;
    return client_ended(fd, 100);
}

void client_read(int fd, bool head_only, struct client_answer *answer)
{
    *answer = (struct client_answer){ .head = dm_buf_make(65536), .body = dm_buf_make(FAKE_BYTES_MAX) };
    while (!dm_str_ends(dm_buf_str(&answer->head), DM_STR("\r\n\r\n")))
        if (!read_some(fd, &answer->head, 1, 10000))
            return;
    unsigned length = 0;
    const char *found = strcasestr(answer->head.at, "\r\nContent-Length: ");
    assert_int_equal(sscanf(answer->head.at, "HTTP/1.1 %u ", &answer->status), 1);
    answer->closes = strcasestr(answer->head.at, "\r\nConnection: close\r\n") != NULL;
    if (answer->status == 100)
        return;
    if (found)
        assert_int_equal(sscanf(found + 18, "%u", &length), 1);
    if (head_only || answer->status == 304 || answer->status == 204)
        return;
    while (answer->body.len < length)
        if (!read_some(fd, &answer->body, length - answer->body.len, 10000))
            break;
    assert_int_equal(answer->body.len, length);
}

void client_answer_free(struct client_answer *answer)
{
    dm_buf_free(&answer->head);
    dm_buf_free(&answer->body);
}

void client_expect(int fd, unsigned status)
{
    struct client_answer answer;
    client_read(fd, false, &answer);
    if (answer.status != status)
        fail_msg("%u in place of %u: %s%s", answer.status, status, dm_buf_z(&answer.head), dm_buf_z(&answer.body));
    client_answer_free(&answer);
}

bool client_ended(int fd, int wait_ms)
{
    int64_t until_ms = client_now_ms() + wait_ms;
    while (client_now_ms() < until_ms) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        char byte;
        if (poll(&ready, 1, (int)(until_ms - client_now_ms())) <= 0)
            continue;
        ssize_t got = recv(fd, &byte, 1, 0);
        if (got == 1)
            return false; /* something came */
        return got == 0 || errno == ECONNRESET;
    }
    return false;
}

void client_ask(const char *text, unsigned status)
{
    int fd = client_connect();
    client_say(fd, text);
    client_expect(fd, status);
    close(fd);
}
