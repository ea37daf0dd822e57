/* server.h: servers to ask: a child process, and one more for each connection. */
#ifndef DM_TESTS_NET_SERVER_H
#define DM_TESTS_NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t process;
    uint16_t port; /* on 127.0.0.1 */
};

/* Answers one request on the connection that was the `count`th. False: that was its last one. */
typedef bool server_answer(int client, unsigned count);

/* Before the test starts a thread. */
bool server_start(server_answer *answer, struct server *ret);
void server_stop(const struct server *server);

/* HTTP/1.1; what it does is named by the path: well, slowly, endlessly, or not at all. */
bool server_plain(int client, unsigned count);

/* HTTP/2 over TLS. It answers once this many requests are open on one connection, so that only a client that puts them onto
 * one is ever answered. */
enum { SERVER_TOGETHER = 20 };
bool server_http2(int client, unsigned count);
/* Before it is started: makes its key and a certificate for 127.0.0.1, which signs itself and is written to the file. */
bool server_http2_prepare(const char *certificate_path);

#endif
