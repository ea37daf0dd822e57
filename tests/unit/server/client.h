/* client.h: an HTTP client that sends exactly the bytes it is told to, and a server for it to talk to. */
#ifndef DM_TESTS_SERVER_CLIENT_H
#define DM_TESTS_SERVER_CLIENT_H

#include "api/fake.h"
#include "server/server.h"

extern struct dm_server *server;
extern struct dm_runtime threads;

/* Starts the world, its api and a server on a free port; the server's options but for api, hub, runtime and address
 * are those given. */
void client_start(const struct dm_api_options *api, const struct dm_server_options *options);
/* Stops all of it at once (or by the deadline, if it has not been stopped yet). */
void client_stop(void);

int client_connect(void);
/* A connection that takes in only so much before it reads. */
int client_connect_with_buffer(int bytes);
void client_send(int fd, const char *bytes, size_t size);
void client_say(int fd, const char *text);
/* The next answer on the connection: status, or 0 where the connection ended before. 10 seconds at most. */
struct client_answer {
    unsigned status;
    bool closes;        /* it says Connection: close */
    struct dm_buf head; /* with the status line */
    struct dm_buf body;
};
/* `*answer` is made anew; free it with client_answer_free. */
void client_read(int fd, bool head_only, struct client_answer *answer);
void client_answer_free(struct client_answer *answer);
/* client_read that must give the status. */
void client_expect(int fd, unsigned status);
/* Everything until the other side closes; false: it does not within 5 seconds. */
bool client_read_all(int fd, struct dm_buf *all);
/* Whether nothing more comes: the other side closed, within so many milliseconds. */
bool client_ended(int fd, int wait_ms);
/* Sends on one connection of its own and expects the status. */
void client_ask(const char *text, unsigned status);
int64_t client_now_ms(void);
void client_sleep_ms(int ms);
/* Waits up to 5 s until the condition holds. */
#define CLIENT_UNTIL(condition)                                                                                        \
    do {                                                                                                               \
        int64_t until_ms = client_now_ms() + 5000;                                                                     \
        while (!(condition) && client_now_ms() < until_ms)                                                             \
            client_sleep_ms(5);                                                                                        \
        assert_true(condition);                                                                                        \
    } while (0)

#endif
