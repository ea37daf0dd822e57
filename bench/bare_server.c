/* bare_server.c: what libmicrohttpd alone can do with the same answer.
 *
 *   bare_server FILE THREADS once|each
 *
 * FILE holds an answer as docmill sent it: status line, header fields, empty line, body. Every request gets it again:
 * no route, no ledger, no identity. "once" makes MHD's response object at the start and sends it for ever, the least
 * that MHD can do; "each" makes it anew for every request, as a server must whose answers differ. Prints its port, and
 * ends with its standard input. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { FIELDS_MAX = 64, THREADS_MAX = 64, CONNECTIONS_MAX = 1000 };

static struct {
    unsigned status;
    struct {
        const char *name, *value;
    } fields[FIELDS_MAX];
    size_t field_count;
    char *body;
    size_t size;
    struct MHD_Response *made;
} answer;

/* MHD writes these itself. */
static bool is_of_mhd(const char *name)
{
    return strcasecmp(name, "Date") == 0 || strcasecmp(name, "Content-Length") == 0 ||
           strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Keep-Alive") == 0;
}

static bool parse_fields(char *head)
{
    char *rest = NULL;
    strtok_r(head, "\r\n", &rest); /* the status line, read already */
    for (char *line; (line = strtok_r(NULL, "\r\n", &rest));) {
        char *colon = strchr(line, ':');
        if (!colon || answer.field_count == FIELDS_MAX)
            return false;
        *colon = '\0';
        if (is_of_mhd(line))
            continue;
        answer.fields[answer.field_count].name = line;
        answer.fields[answer.field_count++].value = colon + 1 + strspn(colon + 1, " \t");
    }
    return true;
}

/* The text stays for ever: the fields point into it. */
static bool read_answer(const char *path)
{
    static char text[1024 * 1024];
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    char *end = strstr(text, "\r\n\r\n");
    if (!end || strncmp(text, "HTTP/1.1 ", 9) != 0)
        return false;
    *end = '\0';
    answer.status = (unsigned)atoi(text + 9);
    answer.body = end + 4;
    answer.size = length - (size_t)(answer.body - text);
    return parse_fields(text);
}

static struct MHD_Response *make_response(void)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(answer.size, answer.body, MHD_RESPMEM_PERSISTENT);
    for (size_t i = 0; response && i < answer.field_count; i++)
        if (MHD_add_response_header(response, answer.fields[i].name, answer.fields[i].value) != MHD_YES)
            fprintf(stderr, "bare_server: MHD does not take the field %s\n", answer.fields[i].name);
    return response;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **request)
{
    static int seen;
    if (!*request) {
        *request = &seen;
        return MHD_YES;
    }
    if (answer.made)
        return MHD_queue_response(connection, answer.status, answer.made);
    struct MHD_Response *response = make_response();
    if (!response)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

int main(int argc, char **argv)
{
    int threads = argc == 4 ? atoi(argv[2]) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: bare_server FILE THREADS once|each\n");
        return 2;
    }
    if (!read_answer(argv[1])) {
        fprintf(stderr, "bare_server: %s holds no answer\n", argv[1]);
        return 1;
    }
    if (strcmp(argv[3], "once") == 0)
        answer.made = make_response();
    struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct MHD_OptionItem options[] = {
        { MHD_OPTION_SOCK_ADDR, 0, &loopback },
        { MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL },
        /* MHD warns of a pool of one, so that one is left out. */
        { threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                                                 on_request, NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "bare_server: cannot listen\n");
        return 1;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf("%u\n", info ? info->port : 0U);
    fflush(stdout);
    char ignored;
    while (read(STDIN_FILENO, &ignored, 1) > 0)
        continue;
    MHD_stop_daemon(daemon);
    if (answer.made)
        MHD_destroy_response(answer.made);
    return 0;
}
