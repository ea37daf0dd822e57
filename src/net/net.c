/* net.c: one request after the other over one libcurl handle. */
#include "net/net.h"

#include "base/alloc.h"
#include "net/exchange.h"

struct dm_http_client {
    struct dm_exchange exchange;
    char *user_agent;
};

enum dm_code dm_http_client_make(const char *user_agent, struct dm_http_client **ret, struct dm_err *err)
{
    const struct dm_curl_library *lib;
    enum dm_code rc = dm_curl_library(&lib, err);
    if (rc != DM_OK)
        return rc;
    struct dm_http_client *client = dm_alloc_zero(1, sizeof(*client));
    if (!client)
        return dm_fail_memory(err);
    client->user_agent = dm_str_dup_z(dm_str_z(user_agent));
    rc = client->user_agent ? dm_exchange_make(lib, &client->exchange, err) : dm_fail_memory(err);
    if (rc != DM_OK) {
        dm_http_client_free(client);
        return rc;
    }
    *ret = client;
    return DM_OK;
}

void dm_http_client_free(struct dm_http_client *client)
{
    if (!client)
        return;
    dm_exchange_free(&client->exchange);
    dm_free(client->user_agent);
    dm_free(client);
}

void dm_http_answer_free(struct dm_http_answer *answer)
{
    dm_buf_free(&answer->headers);
    dm_buf_free(&answer->body);
    answer->status = 0;
}

struct dm_str dm_http_answer_header(const struct dm_http_answer *answer, struct dm_str name)
{
    struct dm_str rest = dm_buf_str(&answer->headers), line;
    while (dm_str_next(&rest, '\n', &line)) {
        size_t colon = dm_str_find_char(line, ':');
        if (colon < line.len && dm_str_eq_nocase(dm_str_cut(line, 0, colon), name))
            return dm_str_trim(dm_str_from(line, colon + 1));
    }
    return DM_STR("");
}

enum dm_code dm_http_send(struct dm_http_client *client, const struct dm_http_request *request,
                          struct dm_http_answer *ret, struct dm_err *err)
{
    struct dm_exchange *exchange = &client->exchange;
    enum dm_code rc = dm_exchange_begin(exchange, request, client->user_agent, err);
    if (rc != DM_OK)
        return rc;
    return dm_exchange_end(exchange, exchange->lib->easy_perform(exchange->curl), ret, err);
}
