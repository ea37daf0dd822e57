/* change.c: changing the course of documents: cancel, retry, delete. */
#include "base/json.h"
#include "cli/client.h"

enum { TEXT_MAX = 64 * 1024 };

/* One request without an answer worth reading; says `done` of the document where it worked. */
static enum dm_exit change(struct dm_client *client, const char *method, const char *file_id, const char *rest,
                           struct dm_str body, const char *done)
{
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    struct dm_ask ask = { .method = method, .path = dm_path_of(&path, file_id, rest), .body = body };
    struct dm_http_answer answer;
    enum dm_exit exit = dm_client_ask(client, &ask, dm_str_z(file_id), &answer);
    if (exit != DM_EXIT_DONE)
        return exit;
    if (client->call->options.json && answer.body.len > 0) {
        dm_buf_add(&said, dm_buf_str(&answer.body));
        dm_buf_add_z(&said, dm_str_ends(dm_buf_str(&said), DM_STR("\n")) ? "" : "\n");
    } else if (client->call->options.json) {
        dm_buf_addf(&said, "{\"fileId\":\"%s\"}\n", file_id);
    } else {
        dm_buf_addf(&said, "%s %s\n", file_id, done);
    }
    dm_http_answer_free(&answer);
    return dm_say(client->call, &said);
}

enum dm_exit dm_command_cancel(struct dm_call *call)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    exit = change(&client, "POST", call->operands[0], "/cancel", DM_STR(""), "cancelled");
    dm_client_close(&client);
    return exit;
}

enum dm_exit dm_command_retry(struct dm_call *call)
{
    struct dm_client client;
    DM_AUTO(dm_buf) body = dm_buf_make(TEXT_MAX);
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    if (call->options.pages) {
        dm_buf_add_z(&body, "{\"pages\":");
        dm_buf_add_json_string(&body, dm_str_z(call->options.pages));
        dm_buf_add_char(&body, '}');
    }
    exit = change(&client, "POST", call->operands[0], "/retry", dm_buf_str(&body), "is being read again");
    dm_client_close(&client);
    return exit;
}

enum dm_exit dm_command_delete(struct dm_call *call)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client), all = exit;
    if (exit != DM_EXIT_DONE)
        return exit;
    for (uint32_t i = 0; i < call->operand_count; i++) {
        exit = change(&client, "DELETE", call->operands[i], "", DM_STR(""), "deleted");
        all = exit == DM_EXIT_DONE || all == DM_EXIT_FAILED ? all : exit;
    }
    dm_client_close(&client);
    return all;
}
