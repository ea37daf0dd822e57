/* serve.c: the server, from its settings to its end. Read `dm_command_serve` as its table of contents. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/works.h"

enum {
    TEXT_MAX = 16 * 1024,
    HEALTH_MS = 10 * DM_SECOND_MS,
    GRACE_S = 10 /* what stopping may take past its deadline before the process ends by force */
};

struct serve {
    const struct dm_call *call;
    int64_t begun_ms;
    int signals;
    struct dm_works works;
    struct dm_api *api;
    struct dm_server *server;
};

static enum dm_exit fail(const struct serve *serve, const struct dm_err *err, const char *hint)
{
    return dm_say_error(serve->call, DM_EXIT_FAILED, "the server does not start", err, hint);
}

/* The same way as an operator's signal: whoever waits for that does the rest. */
static void begin_drain(void *context)
{
    (void)context;
    (void)kill(getpid(), SIGTERM);
}

static enum dm_code check_parameters(void *context, struct dm_err *err)
{
    return dm_parameter_watch_check(context, err);
}

static enum dm_code start_api(struct serve *serve, struct dm_err *err)
{
    const struct dm_settings *settings = &serve->call->settings;
    struct dm_api_options options = { .pipeline = &serve->works.pipeline,
                                      .local_only = true,
                                      .public_url = settings->public_url,
                                      .sync_bytes_max = settings->sync_bytes_max,
                                      .sync_wait_ms = settings->sync_wait_ms,
                                      .file_bytes_max = settings->file_bytes_max,
                                      .is_secret_name = dm_model_is_key_setting,
                                      .health_interval_ms = HEALTH_MS,
                                      .parameters_check = serve->works.cloud.watch ? check_parameters : NULL,
                                      .parameters_context = serve->works.cloud.watch,
                                      .drain = begin_drain,
                                      .process_id = getpid(),
                                      .process_began = dm_process_began(getpid()),
                                      .drain_ms = settings->drain_ms };
    return dm_api_make(&options, &serve->api, err);
}

static enum dm_code start_server(struct serve *serve, struct dm_err *err)
{
    struct dm_server_options options = { .api = serve->api,
                                         .hub = serve->works.hub,
                                         .runtime = serve->works.set.runtime,
                                         .address = serve->call->settings.address,
                                         .listen_fd = -1,
                                         .connections_max = serve->call->settings.connections_max,
                                         .access_level = DM_LOG_DEBUG };
    return dm_server_start(&options, &serve->server, err);
}

/* One line for people on a terminal, one for programs in the log. */
static void tell_ready(const struct serve *serve)
{
    const struct dm_call *call = serve->call;
    DM_AUTO(dm_buf) url = dm_buf_make(TEXT_MAX);
    if (serve->server) {
        char text[DM_ADDRESS_TEXT];
        struct dm_address address = dm_server_address(serve->server);
        dm_buf_addf(&url, "http://%s", dm_server_address_text(&address, text).at);
    }
    dm_log(DM_LOG_INFO, DM_EV_SERVER_LISTENING, dm_f_str("url", dm_buf_str(&url)),
           dm_f_str("folder", call->settings.data), dm_f_int("pid", getpid()),
           dm_f_int("ms", dm_cli_mono_ms() - serve->begun_ms));
    if (!call->term.err_tty || call->options.quiet || !serve->server)
        return;
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    bool usual = dm_str_eq(dm_buf_str(&url), DM_STR("http://127.0.0.1:3005"));
    dm_buf_add_z(&said, "docmill listens on ");
    dm_text_add_tone(&said, dm_buf_z(&url), DM_TONE_STRONG, &call->term.err);
    dm_buf_addf(&said, "; in another terminal: docmill submit FILE --wait%s%s  (Ctrl-C stops it)\n",
                usual ? "" : " --server ", usual ? "" : dm_buf_z(&url));
    (void)dm_put(STDERR_FILENO, dm_buf_str(&said));
}

static void wait_for_signal(const struct serve *serve)
{
    struct pollfd wanted = { .fd = serve->signals, .events = POLLIN };
    int came = 0;
    while (!came) {
        (void)poll(&wanted, 1, -1);
        came = dm_stop_signal(serve->signals);
    }
    dm_log(DM_LOG_INFO, DM_EV_SERVER_DRAINING, dm_f_int("signal", came));
    if (serve->call->term.err_tty && !serve->call->options.quiet)
        (void)dm_put(STDERR_FILENO, DM_STR("Finishing what is at work; again to stop at once.\n"));
}

/* In reverse order. Requests first, with half of the time: they may need what comes after them. */
static void stop(struct serve *serve)
{
    int64_t drain_ms = serve->call->settings.drain_ms;
    int64_t now = serve->works.set.runtime.ops ? dm_mono_ms(serve->works.set.runtime) : 0;
    /* The net below: whatever does not keep to its deadline ends with the process. All that was accepted is durable. */
    (void)alarm((unsigned)(drain_ms / DM_SECOND_MS) + GRACE_S);
    dm_server_stop(serve->server, now + drain_ms / 2);
    dm_api_free(serve->api);
    dm_works_close(&serve->works, now + drain_ms);
    if (serve->signals >= 0)
        (void)close(serve->signals);
    (void)alarm(0);
}

static enum dm_exit run_until_told(struct serve *serve)
{
    const struct dm_settings *settings = &serve->call->settings;
    struct dm_works_place place = dm_works_place(settings);
    const char *hint = "";
    struct dm_err err;
    if (dm_stop_signals(&serve->signals, &err) != DM_OK)
        return fail(serve, &err, hint);
    if (dm_works_open(serve->call, &place, &serve->works, &hint, &err) != DM_OK)
        return fail(serve, &err, hint);
    if ((settings->roles & DM_ROLE_API) && start_api(serve, &err) != DM_OK)
        return fail(serve, &err, hint);
    if ((settings->roles & DM_ROLE_API) && start_server(serve, &err) != DM_OK)
        return fail(serve, &err, "docmill doctor says who is there already; --port takes another port.");
    if (dm_works_start(&serve->works, settings->roles, &err) != DM_OK)
        return fail(serve, &err, hint);
    tell_ready(serve);
    wait_for_signal(serve);
    return DM_EXIT_DONE;
}

enum dm_exit dm_command_serve(struct dm_call *call)
{
    struct serve serve = { .call = call, .begun_ms = dm_cli_mono_ms(), .signals = -1 };
    dm_log_setup((enum dm_log_level)call->settings.log_level, NULL, NULL);
    enum dm_exit exit = run_until_told(&serve);
    stop(&serve);
    if (exit == DM_EXIT_DONE)
        dm_log(DM_LOG_INFO, DM_EV_SERVER_STOPPED, dm_f_int("pid", getpid()));
    return exit;
}
