/* address.c: addresses as numbers, and listening on them. Whether an address is this machine's own is decided by
 * its bytes, never by how it is written. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"

enum { BACKLOG = 4096, HOST_MAX = 256 };

/* Host and port of "host:port" and "[host]:port", copied. */
static bool split(struct dm_str text, char host[HOST_MAX], char port[8])
{
    bool bracketed = text.len > 0 && text.at[0] == '[';
    size_t end = bracketed ? dm_str_find_char(text, ']') : dm_str_find_char(text, ':');
    struct dm_str name = bracketed ? dm_str_cut(text, 1, end - 1) : dm_str_cut(text, 0, end);
    struct dm_str rest = dm_str_from(text, bracketed ? end + 1 : end);
    uint64_t number;
    if (rest.len < 2 || rest.at[0] != ':' || !dm_str_to_u64(dm_str_from(rest, 1), &number) || number > 65535 ||
        rest.len > 6 || name.len >= HOST_MAX || memchr(name.at, '\0', name.len))
        return false;
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    memcpy(port, rest.at + 1, rest.len - 1);
    port[rest.len - 1] = '\0';
    return true;
}

enum dm_code dm_server_address_parse(struct dm_str text, struct dm_address *ret, struct dm_err *err)
{
    char host[HOST_MAX];
    char port[8];
    if (!split(text, host, port))
        return dm_fail(err, DM_INVALID,
                       "\"%.*s\" is no address to listen on; write it like 127.0.0.1:3005 or [::1]:3005",
                       (int)(text.len < 60 ? text.len : 60), text.at);
    const struct addrinfo hints = { .ai_family = strcmp(host, "localhost") == 0 ? AF_INET : AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found;
    int why = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (why != 0)
        return dm_fail(err, DM_INVALID, "the address \"%s\" to listen on cannot be resolved: %s", host,
                       gai_strerror(why));
    *ret = (struct dm_address){ .size = found->ai_addrlen };
    memcpy(&ret->storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return DM_OK;
}

bool dm_server_address_is_loopback(const struct dm_address *address)
{
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->storage, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address->storage, sizeof(v6));
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
    }
    return false;
}

struct dm_str dm_server_address_text(const struct dm_address *address, char text[DM_ADDRESS_TEXT])
{
    char digits[INET6_ADDRSTRLEN] = "";
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->storage, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, digits, sizeof(digits));
        snprintf(text, DM_ADDRESS_TEXT, "%s:%u", digits, ntohs(v4.sin_port));
    } else if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address->storage, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, digits, sizeof(digits));
        snprintf(text, DM_ADDRESS_TEXT, "[%s]:%u", digits, ntohs(v6.sin6_port));
    } else {
        snprintf(text, DM_ADDRESS_TEXT, "?");
    }
    return dm_str_z(text);
}

enum dm_code dm_address_listen(const struct dm_address *address, int *ret_fd, struct dm_err *err)
{
    char text[DM_ADDRESS_TEXT];
    const int on = 1;
    dm_server_address_text(address, text);
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return dm_fail_errno(err, errno, "no socket for %s", text);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        close(fd);
        if (why == EADDRINUSE)
            return dm_fail(err, DM_EXISTS, "something listens on %s already", text);
        return dm_fail_errno(err, why, "cannot listen on %s", text);
    }
    *ret_fd = fd;
    return DM_OK;
}

enum dm_code dm_address_of_socket(int fd, struct dm_address *ret, struct dm_err *err)
{
    struct dm_address bound = { .size = sizeof(bound.storage) };
    if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.size) != 0)
        return dm_fail_errno(err, errno, "the listening socket has no address");
    *ret = bound;
    return DM_OK;
}
