/* server.c: see server.h. */
#include "net/server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the connections --------------------------------------------------------------------------------------------- */

static void serve_connections(int listener, server_answer *answer)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN);
    for (unsigned count = 1;; count++) {
        int client = accept(listener, NULL, NULL);
        /* A process for each connection: one that is stalled must not hold up the next test. */
        if (client >= 0 && fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (answer(client, count)) {
            }
            _exit(0);
        }
        (void)close(client);
    }
}

bool server_start(server_answer *answer, struct server *ret)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(at);
    if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0)
        return false;
    ret->port = ntohs(at.sin_port);
    ret->process = fork();
    if (ret->process == 0)
        serve_connections(listener, answer);
    (void)close(listener);
    return ret->process > 0;
}

void server_stop(const struct server *server)
{
    (void)kill(server->process, SIGKILL);
    (void)waitpid(server->process, NULL, 0);
}

/* ---- the answers ------------------------------------------------------------------------------------------------- */

static void put(int to, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t written = write(to, text, len);
        if (written <= 0)
            return;
        text += written;
        len -= (size_t)written;
    }
}

/* Reads until `text` holds a whole head; what follows it stays behind the head. 0: the client hung up. */
static size_t read_head(int from, char *text, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t got = read(from, text + len, 1);
        if (got <= 0)
            return 0;
        text[++len] = '\0';
        if (len >= 4 && memcmp(text + len - 4, "\r\n\r\n", 4) == 0)
            return len;
    }
    return 0;
}

static void answer(int to, const char *more, const char *body)
{
    char head[512];
    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-Test: first\r\n%s\r\n",
                   strlen(body), more);
    put(to, head);
    put(to, body);
}

static void pour(int to)
{
    char block[4096];
    memset(block, 'x', sizeof(block) - 1);
    block[sizeof(block) - 1] = '\0';
    put(to, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    for (int i = 0; i < 5000; i++)
        put(to, block);
}

/* A body of known length is read and its size told; "100-continue" is answered. */
static void echo_length(int from, const char *head)
{
    const char *length = strcasestr(head, "Content-Length: ");
    long left = length ? strtol(length + 16, NULL, 10) : 0, all = left;
    char bytes[65536], said[64], kept[2048] = "";
    if (strcasestr(head, "Expect: 100-continue"))
        put(from, "HTTP/1.1 100 Continue\r\nX-Test: of the hundred\r\n\r\n");
    while (left > 0) {
        ssize_t got = read(from, bytes, sizeof(bytes));
        if (got <= 0)
            return;
        if (!kept[0])
            memcpy(kept, bytes, (size_t)got < sizeof(kept) ? (size_t)got : sizeof(kept) - 1);
        left -= got;
    }
    (void)snprintf(said, sizeof(said), "%ld %s %s", all, strstr(kept, "name=\"tenantId\"") ? "fields" : "none",
                   strstr(kept, "filename=\"r\xc3\xa9port.pdf\"") ? "named" : "unnamed");
    answer(from, "", said);
}

bool server_plain(int client, unsigned count)
{
    char head[16384], said[64];
    if (read_head(client, head, sizeof(head)) == 0)
        return false;
    if (strstr(head, " /plain"))
        answer(client, "", strstr(head, "Accept: text/x-test\r\n") ? "accepted" : "hello");
    else if (strstr(head, " /count")) {
        (void)snprintf(said, sizeof(said), "%u", count);
        answer(client, "", said);
    } else if (strstr(head, " /redirect"))
        put(client, "HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(head, " /refuse"))
        put(client, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    else if (strstr(head, " /pour"))
        pour(client);
    else if (strstr(head, " /headers")) {
        put(client, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 5000; i++)
            put(client, "X-More: a header that says next to nothing at all\r\n");
    } else if (strstr(head, " /upload"))
        echo_length(client, head);
    else if (strstr(head, " /stall")) {
        put(client, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        (void)sleep(30);
    } else if (strstr(head, " /silence"))
        (void)sleep(30);
    else if (strstr(head, " /cut"))
        put(client, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nno more than this");
    else if (strstr(head, " /noise"))
        put(client, "\x01\x02\x03 this is no HTTP\r\n\r\n");
    static const char *const last[] = { " /refuse", " /pour", " /headers", " /cut", " /noise" };
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        if (strstr(head, last[i]))
            return false;
    }
    return true;
}
