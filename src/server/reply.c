/* reply.c: an exchange's response becomes the library's. The body is not copied: it belongs to the exchange, which
 * ends only when the library has told that the request is over. */
#include <unistd.h>

#include "connection.h"

static struct MHD_Response *make_response(struct dm_connection *connection, const struct dm_response *response)
{
    if (response->fd < 0)
        return MHD_create_response_from_buffer(response->body.len, (void *)(uintptr_t)response->body.at,
                                               MHD_RESPMEM_PERSISTENT);
    int fd = dm_exchange_take_file(connection->carrier->exchange);
    struct MHD_Response *made = MHD_create_response_from_fd_at_offset64(response->length, fd, response->offset);
    if (!made)
        close(fd);
    return made;
}

enum MHD_Result dm_reply(struct dm_connection *connection)
{
    const struct dm_response *response = dm_exchange_response(connection->carrier->exchange);
    struct MHD_Response *made = make_response(connection, response);
    enum MHD_Result result = made ? MHD_YES : MHD_NO;
    for (uint32_t i = 0; result == MHD_YES && i < response->field_count; i++)
        result = MHD_add_response_header(made, response->fields[i].name, response->fields[i].value);
    if (result == MHD_YES && (response->close || atomic_load(&connection->server->draining)))
        result = MHD_add_response_header(made, MHD_HTTP_HEADER_CONNECTION, "close");
    if (result == MHD_YES) {
        dm_connection_phase(connection, DM_PHASE_WRITING);
        result = MHD_queue_response(connection->mhd, response->status, made);
    }
    if (made)
        MHD_destroy_response(made);
    return result;
}
