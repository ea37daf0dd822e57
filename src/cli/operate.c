/* operate.c: for whoever runs a server: stuck, redrive, pause, resume, drain. */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/encode.h"
#include "cli/client.h"
#include "cli/works.h"

enum {
    TEXT_MAX = 64 * 1024,
    JSON_MAX = 64 * 1024 * 1024,
    TABLE_BYTES = 64 * 1024 * 1024,
    PART = 100, /* documents asked for at once */
    STUCK_USUAL = 100,
    OLDER_USUAL_S = 300,
    DRAIN_MORE_S = 15, /* what ending may take past its deadline: see serve.c */
    LOOK_MS = 50
};

static enum dm_exit usage(const struct dm_call *call, const char *sentence, const char *hint)
{
    return dm_say_trouble(
        call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE, .code = "usage", .sentence = sentence, .hint = hint });
}

/* "90s", "5m", "2h", "1d", or seconds alone. */
static bool read_duration(const char *text, int64_t *ret_s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    struct dm_str rest = dm_str_z(text);
    int64_t factor = 1;
    for (size_t i = 0; i < DM_COUNT(units); i++) {
        if (rest.len > 1 && rest.at[rest.len - 1] == units[i].unit) {
            factor = units[i].seconds;
            rest.len--;
            break;
        }
    }
    uint64_t number;
    if (!dm_str_to_u64(rest, &number) || number > 31536000 / (uint64_t)factor)
        return false;
    *ret_s = (int64_t)number * factor;
    return true;
}

static bool read_older_than(const struct dm_call *call, int64_t *ret_s, enum dm_exit *ret_exit)
{
    *ret_s = OLDER_USUAL_S;
    if (!call->options.older_than || read_duration(call->options.older_than, ret_s))
        return true;
    *ret_exit =
        usage(call, "--older-than takes a time up to a year, like 90s, 5m, 2h or 1d", "docmill stuck --older-than 10m");
    return false;
}

/* A request of the operator's, answered with JSON. */
static enum dm_exit ask(struct dm_client *client, const char *method, struct dm_str path, struct dm_str body,
                        json_t **ret)
{
    struct dm_ask asked = {
        .method = method, .path = path, .body = body, .answer_max = JSON_MAX, .across_tenants = true
    };
    return dm_client_ask_json(client, &asked, DM_STR(""), ret);
}

static void add_tenant_member(struct dm_buf *body, const struct dm_call *call, const char *before)
{
    if (!call->options.tenant)
        return;
    dm_buf_addf(body, "%s\"tenantId\":", before);
    dm_buf_add_json_string(body, dm_str_z(call->options.tenant));
}

/* ---- pauses ------------------------------------------------------------------------------------------------------ */

static void add_pauses(struct dm_buf *said, const json_t *paused, bool none_too)
{
    const json_t *all = json_object_get(paused, "all");
    const json_t *tenants = json_object_get(paused, "tenants");
    size_t i;
    json_t *one;
    if (json_is_object(all))
        dm_buf_addf(said, "Everybody's work is paused since %.*s.\n", DM_STR_ARG(dm_json_str(all, "since")));
    json_array_foreach (tenants, i, one)
        dm_buf_addf(said, "The work of %.*s is paused since %.*s.\n", DM_STR_ARG(dm_json_str(one, "tenantId")),
                    DM_STR_ARG(dm_json_str(one, "since")));
    if (none_too && !json_is_object(all) && json_array_size(tenants) == 0)
        dm_buf_add_z(said, "Nothing is paused.\n");
}

static enum dm_exit change_pause(struct dm_call *call, const char *path)
{
    struct dm_client client;
    DM_AUTO(dm_buf) body = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    json_auto_t *answer = NULL;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    dm_buf_add_char(&body, '{');
    add_tenant_member(&body, call, "");
    dm_buf_add_char(&body, '}');
    exit = ask(&client, "POST", dm_str_z(path), dm_buf_str(&body), &answer);
    dm_client_close(&client);
    if (exit != DM_EXIT_DONE)
        return exit;
    if (call->options.json) {
        dm_json_add(&said, answer);
        dm_buf_add_char(&said, '\n');
    } else {
        add_pauses(&said, json_object_get(answer, "paused"), true);
    }
    return dm_say(call, &said);
}

enum dm_exit dm_command_pause(struct dm_call *call)
{
    return change_pause(call, "/admin/pause");
}

enum dm_exit dm_command_resume(struct dm_call *call)
{
    return change_pause(call, "/admin/resume");
}

/* ---- stuck ------------------------------------------------------------------------------------------------------- */

/* "its turn", "w-… until 08:15:02": what a person needs to know of it. */
static struct dm_str waits_for(struct dm_arena *arena, const json_t *document)
{
    static const struct {
        const char *what, *words;
    } known[] = {
        { "turn", "its turn" },
        { "claim", "worker" },
        { "due", "pages due again" },
        { "lease", "aggregator" },
        { "aggregator", "aggregation" },
        { "upload", "its bytes" },
        { "nobody", "nobody: redrive it" },
    };
    const json_t *waiting = json_object_get(document, "waitsFor");
    struct dm_str words = dm_json_str(waiting, "what"), owner = dm_json_str(waiting, "owner"),
                  until = dm_json_str(waiting, "until"), pages = dm_json_str(waiting, "pages");
    for (size_t i = 0; i < DM_COUNT(known); i++)
        if (dm_str_eq(words, dm_str_z(known[i].what)))
            words = dm_str_z(known[i].words);
    bool timed = until.len >= DM_STR("2026-11-24T08:15:02").len;
    return dm_arena_fmt(arena, "%.*s%s%.*s%s%.*s%s%.*s%s", DM_STR_ARG(words), owner.len ? " " : "", DM_STR_ARG(owner),
                        pages.len ? ", pages " : "", DM_STR_ARG(pages), timed ? ", until " : "", timed ? 8 : 0,
                        timed ? until.at + 11 : "",
                        json_is_true(json_object_get(document, "paused")) ? "; paused" : "");
}

static void add_stuck_row(struct dm_table *table, struct dm_arena *arena, const json_t *document, int64_t now_ms)
{
    DM_AUTO(dm_buf) still = dm_buf_make(64);
    int64_t since_ms = now_ms;
    int64_t losses = dm_json_int(document, "losses", 0);
    (void)dm_time_parse(dm_json_str(document, "since"), &since_ms);
    dm_text_add_duration(&still, now_ms > since_ms ? now_ms - since_ms : 0);
    dm_table_add(table, dm_json_str(document, "tenantId"), DM_TONE_PLAIN);
    dm_table_add(table, dm_json_str(document, "fileId"), DM_TONE_PLAIN);
    dm_table_add(table, dm_json_str(document, "status"), DM_TONE_PLAIN);
    dm_table_add(table, dm_arena_str(arena, dm_buf_str(&still)), DM_TONE_WARN);
    dm_table_add(table, dm_arena_fmt(arena, "%" PRId64, losses), losses ? DM_TONE_BAD : DM_TONE_FAINT);
    dm_table_add(table, waits_for(arena, document), DM_TONE_PLAIN);
}

static void add_stuck_table(struct dm_buf *said, const json_t *documents, const struct dm_look *look)
{
    static const char *const headings[] = { "TENANT", "ID", "STATUS", "STILL FOR", "LOSSES", "WAITS FOR" };
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    struct dm_table table = { .arena = &arena, .columns = DM_COUNT(headings), .flexible = DM_COUNT(headings) - 1 };
    struct timespec now;
    size_t i;
    json_t *one;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (i = 0; i < DM_COUNT(headings); i++)
        dm_table_add(&table, dm_str_z(headings[i]), DM_TONE_PLAIN);
    json_array_foreach (documents, i, one)
        add_stuck_row(&table, &arena, one, (int64_t)now.tv_sec * DM_SECOND_MS);
    dm_table_print(&table, look, said);
    dm_arena_free(&arena);
}

/* The first part's answer with the documents of all parts in it; the caller owns *ret. */
static enum dm_exit ask_stuck(struct dm_client *client, int64_t older_s, json_t **ret)
{
    const struct dm_call *call = client->call;
    uint32_t most = call->options.limit ? call->options.limit : STUCK_USUAL;
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    dm_buf_addf(&path, "/admin/stuck?limit=%u&olderThan=%" PRId64, most < PART ? most : PART, older_s);
    enum dm_exit exit = dm_client_ask_list(client, dm_buf_str(&path), call->options.tenant, "documents", most, ret);
    json_t *documents = exit == DM_EXIT_DONE ? json_object_get(*ret, "documents") : NULL;
    while (json_array_size(documents) > most)
        (void)json_array_remove(documents, json_array_size(documents) - 1);
    return exit;
}

enum dm_exit dm_command_stuck(struct dm_call *call)
{
    struct dm_client client;
    int64_t older_s;
    enum dm_exit exit;
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    json_auto_t *answer = NULL;
    if (!read_older_than(call, &older_s, &exit))
        return exit;
    exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    exit = ask_stuck(&client, older_s, &answer);
    dm_client_close(&client);
    if (exit != DM_EXIT_DONE)
        return exit;
    const json_t *documents = json_object_get(answer, "documents");
    if (call->options.json) {
        dm_json_add(&said, answer);
        dm_buf_add_char(&said, '\n');
    } else {
        add_pauses(&said, json_object_get(answer, "paused"), false);
        if (json_array_size(documents) == 0)
            dm_buf_add_z(&said, "Nothing is stuck.\n");
        else
            add_stuck_table(&said, documents, &call->term.out);
    }
    enum dm_exit said_it = dm_say(call, &said);
    if (said_it != DM_EXIT_DONE)
        return DM_EXIT_NOT_KNOWN;
    return json_array_size(documents) == 0 ? DM_EXIT_DONE : DM_EXIT_FAILED;
}

/* ---- redrive ----------------------------------------------------------------------------------------------------- */

static void add_ids(struct dm_buf *body, char *const *ids, uint32_t count)
{
    dm_buf_add_z(body, ",\"fileIds\":[");
    for (uint32_t i = 0; i < count; i++) {
        dm_buf_add_z(body, i ? "," : "");
        dm_buf_add_json_string(body, dm_str_z(ids[i]));
    }
    dm_buf_add_char(body, ']');
}

/* Appends the results of one request; `cursor` is where the next one goes on, and empty after the last. */
static enum dm_exit redrive_part(struct dm_client *client, int64_t older_s, char *const *ids, uint32_t count,
                                 struct dm_buf *cursor, json_t *results)
{
    DM_AUTO(dm_buf) body = dm_buf_make(JSON_MAX);
    json_auto_t *part = NULL;
    dm_buf_addf(&body, "{\"olderThan\":%" PRId64, older_s);
    add_tenant_member(&body, client->call, ",");
    if (count > 0)
        add_ids(&body, ids, count);
    else
        dm_buf_addf(&body, ",\"allStuck\":true,\"limit\":%d", PART);
    if (cursor->len > 0)
        dm_buf_addf(&body, ",\"cursor\":\"%s\"", dm_buf_z(cursor));
    dm_buf_add_char(&body, '}');
    enum dm_exit exit = ask(client, "POST", DM_STR("/admin/redrive"), dm_buf_str(&body), &part);
    if (exit != DM_EXIT_DONE)
        return exit;
    (void)json_array_extend(results, json_object_get(part, "results"));
    dm_buf_clear(cursor);
    dm_buf_add(cursor, dm_json_str(part, "nextCursor"));
    return DM_EXIT_DONE;
}

static enum dm_exit redrive_all(struct dm_client *client, int64_t older_s, json_t *results)
{
    const struct dm_call *call = client->call;
    DM_AUTO(dm_buf) cursor = dm_buf_make(TEXT_MAX);
    enum dm_exit exit = DM_EXIT_DONE;
    for (uint32_t at = 0; exit == DM_EXIT_DONE && at < call->operand_count; at += PART) {
        uint32_t left = call->operand_count - at;
        exit = redrive_part(client, older_s, call->operands + at, left < PART ? left : PART, &cursor, results);
    }
    if (call->operand_count > 0)
        return exit;
    do
        exit = redrive_part(client, older_s, NULL, 0, &cursor, results);
    while (exit == DM_EXIT_DONE && cursor.len > 0);
    return exit;
}

static bool is_well(const json_t *result)
{
    struct dm_str what = dm_json_str(result, "what");
    return dm_str_eq(what, DM_STR("let_go")) || dm_str_eq(what, DM_STR("waits")) || dm_str_eq(what, DM_STR("moves")) ||
           dm_str_eq(what, DM_STR("retried"));
}

static enum dm_exit print_results(const struct dm_call *call, const json_t *results)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    enum dm_exit exit = DM_EXIT_DONE;
    size_t i;
    json_t *one;
    json_array_foreach (results, i, one)
        exit = is_well(one) ? exit : DM_EXIT_FAILED;
    if (call->options.json) {
        dm_buf_add_z(&said, "{\"results\":");
        dm_json_add(&said, results);
        dm_buf_add_z(&said, "}\n");
    } else if (json_array_size(results) == 0) {
        dm_buf_add_z(&said, "Nothing is stuck.\n");
    } else {
        json_array_foreach (results, i, one)
            dm_buf_addf(&said, "%.*s %.*s: %.*s\n", DM_STR_ARG(dm_json_str(one, "fileId")),
                        DM_STR_ARG(dm_json_str(one, "what")), DM_STR_ARG(dm_json_str(one, "detail")));
    }
    enum dm_exit said_it = dm_say(call, &said);
    return said_it == DM_EXIT_DONE ? exit : said_it;
}

enum dm_exit dm_command_redrive(struct dm_call *call)
{
    struct dm_client client;
    struct dm_file file;
    int64_t older_s;
    enum dm_exit exit;
    if ((call->operand_count > 0) == call->options.all_stuck)
        return usage(call, "docmill redrive needs the ids of documents, or --all-stuck, and not both",
                     "docmill stuck lists what is stuck.");
    for (uint32_t i = 0; i < call->operand_count; i++) {
        struct dm_err err;
        if (dm_file_parse(dm_str_z(call->operands[i]), &file, &err) != DM_OK)
            return dm_say_error(call, DM_EXIT_NOT_KNOWN, call->operands[i], &err, "docmill stuck lists documents.");
    }
    if (!read_older_than(call, &older_s, &exit))
        return exit;
    exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    json_auto_t *results = json_array();
    exit = redrive_all(&client, older_s, results);
    dm_client_close(&client);
    /* What was done before something went wrong is told as well. */
    if (exit != DM_EXIT_DONE && json_array_size(results) == 0)
        return exit;
    enum dm_exit printed = print_results(call, results);
    return exit != DM_EXIT_DONE ? exit : printed;
}

/* ---- drain ------------------------------------------------------------------------------------------------------- */

struct drain {
    struct dm_client *client;
    int64_t pid;
    uint64_t began; /* 0: the server's process cannot be seen from here */
    int64_t begun_ms;
    int64_t said_s;
};

/* Where its process can be seen, that has ended; elsewhere nobody answers any more. */
static bool is_over(const struct drain *drain)
{
    if (drain->began)
        return dm_process_began(drain->pid) != drain->began;
    struct dm_http_answer answer;
    struct dm_err err;
    const struct dm_ask asked = { .path = DM_STR("/health/live"), .total_ms = DM_SECOND_MS, .across_tenants = true };
    enum dm_code rc = dm_client_send(drain->client, &asked, &answer, &err);
    if (rc != DM_OK)
        return rc != DM_TIMEOUT;
    dm_http_answer_free(&answer);
    return false;
}

static void tell(struct drain *drain, int64_t most_s)
{
    const struct dm_call *call = drain->client->call;
    int64_t now_s = (dm_cli_mono_ms() - drain->begun_ms) / DM_SECOND_MS;
    if (call->options.quiet || now_s == drain->said_s)
        return;
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    dm_buf_addf(&said, "The server finishes what is at work: %" PRId64 " s of %" PRId64 " s at most.\n", now_s, most_s);
    drain->said_s = now_s;
    (void)dm_put(STDERR_FILENO, dm_buf_str(&said));
}

static enum dm_exit wait_for_end(struct drain *drain, int64_t most_s)
{
    const struct dm_call *call = drain->client->call;
    int64_t timeout_s = call->options.timeout_s ? call->options.timeout_s : most_s + DRAIN_MORE_S;
    int64_t deadline_ms = drain->begun_ms + timeout_s * DM_SECOND_MS;
    while (!is_over(drain)) {
        if (dm_cli_stopped() || dm_cli_mono_ms() >= deadline_ms)
            return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_NOT_KNOWN,
                                                              .code = "timeout",
                                                              .sentence = "the server has not ended yet; it will",
                                                              .hint = "--timeout waits longer." });
        tell(drain, most_s);
        const struct timespec pause = { 0, LOOK_MS * 1000000L };
        (void)nanosleep(&pause, NULL);
    }
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    int64_t took_ms = dm_cli_mono_ms() - drain->begun_ms;
    if (call->options.json) {
        dm_buf_addf(&said, "{\"status\":\"ended\",\"ms\":%" PRId64 "}\n", took_ms);
    } else {
        dm_buf_add_z(&said, "The server has ended after ");
        dm_text_add_duration(&said, took_ms);
        dm_buf_add_z(&said, ".\n");
    }
    return dm_say(call, &said);
}

enum dm_exit dm_command_drain(struct dm_call *call)
{
    struct dm_client client;
    json_auto_t *answer = NULL;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    dm_cli_catch_stop();
    struct drain drain = { .client = &client, .begun_ms = dm_cli_mono_ms(), .said_s = -1 };
    exit = ask(&client, "POST", DM_STR("/admin/drain"), DM_STR(""), &answer);
    if (exit == DM_EXIT_DONE) {
        const json_t *process = json_object_get(answer, "process");
        drain.pid = dm_json_int(process, "pid", 0);
        uint64_t began = (uint64_t)dm_json_int(process, "began", 0);
        drain.began = began && dm_process_began(drain.pid) == began ? began : 0;
        exit = wait_for_end(&drain, dm_json_int(answer, "drainSeconds", 0));
    }
    dm_client_close(&client);
    return exit;
}
