/* exchange.c: see exchange.h. */
#include "aws/exchange.h"

struct exchange {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    bool over;
    enum dm_code code;
    struct dm_http_answer answer;
    struct dm_err err;
};

static void on_done(void *context, enum dm_code code, struct dm_http_answer *answer, const struct dm_err *err)
{
    struct exchange *exchange = context;
    dm_lock(exchange->runtime, exchange->monitor);
    exchange->code = code;
    if (code == DM_OK)
        exchange->answer = (struct dm_http_answer){ .status = answer->status,
                                                    .headers = dm_buf_move(&answer->headers),
                                                    .body = dm_buf_move(&answer->body) };
    else
        exchange->err = *err;
    exchange->over = true;
    dm_wake_one(exchange->runtime, exchange->monitor);
    dm_unlock(exchange->runtime, exchange->monitor);
}

enum dm_code dm_aws_exchange(struct dm_runtime runtime, struct dm_multi *multi, const struct dm_http_request *request,
                             struct dm_http_answer *ret, struct dm_err *err)
{
    struct exchange exchange = { .runtime = runtime };
    enum dm_code rc = dm_monitor_make(runtime, &exchange.monitor, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_multi_send(multi, request, on_done, &exchange, err);
    if (rc == DM_OK) {
        /* The client ends every request in its time, and all of them when it is interrupted. */
        dm_lock(runtime, exchange.monitor);
        while (!exchange.over)
            (void)dm_wait_until(runtime, exchange.monitor, DM_FOREVER);
        dm_unlock(runtime, exchange.monitor);
        rc = exchange.code;
        if (rc == DM_OK)
            *ret = exchange.answer;
        else
            (void)dm_fail(err, rc, "%s", exchange.err.text);
    }
    dm_monitor_free(runtime, exchange.monitor);
    return rc;
}
