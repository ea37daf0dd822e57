/* client.c: requests, and problems turned into advice. */
#include "cli/client.h"

#include "base/calendar.h"
#include "base/encode.h"

enum {
    URL_MAX = 16 * 1024,
    SENTENCE_MAX = 8 * 1024,
    TROUBLE_MAX = 4 * SENTENCE_MAX,
    ASK_MS = 30 * DM_SECOND_MS,
    HEADERS_MAX = 8,
    LIST_MAX = 64 * 1024 * 1024,           /* of an answer with a part of a list */
    LEFT_SECONDS_MAX = 1000 * 1000 * 1000, /* an estimate past it is none */
};

/* ---- requests ---------------------------------------------------------------------------------------------------- */

enum dm_exit dm_client_open(const struct dm_call *call, struct dm_client *ret)
{
    struct dm_err err;
    struct dm_client client = { .call = call, .base = dm_buf_make(URL_MAX) };
    if (dm_http_client_make("docmill/" DM_VERSION, &client.http, &err) != DM_OK)
        return dm_say_error(call, DM_EXIT_NOT_KNOWN, "", &err, "docmill run works without it.");
    struct dm_str server = call->settings.server;
    while (dm_str_ends(server, DM_STR("/")))
        server = dm_str_cut(server, 0, server.len - 1);
    if (dm_str_ends(server, DM_STR("/api")))
        server = dm_str_cut(server, 0, server.len - DM_STR("/api").len);
    dm_buf_add(&client.base, server);
    dm_buf_add_z(&client.base, "/api");
    *ret = client;
    return DM_EXIT_DONE;
}

void dm_client_close(struct dm_client *client)
{
    dm_http_client_free(client->http);
    dm_buf_free(&client->base);
    client->http = NULL;
}

struct dm_str dm_path_of(struct dm_buf *buf, const char *file_id, const char *rest)
{
    dm_buf_clear(buf);
    dm_buf_add_z(buf, "/jobs/");
    dm_buf_add_percent(buf, dm_str_z(file_id), false);
    dm_buf_add_z(buf, rest);
    return dm_buf_str(buf);
}

enum dm_code dm_client_send(struct dm_client *client, const struct dm_ask *ask, struct dm_http_answer *ret,
                            struct dm_err *err)
{
    DM_AUTO(dm_buf) url = dm_buf_make(URL_MAX);
    dm_buf_add(&url, dm_buf_str(&client->base));
    dm_buf_add(&url, ask->path);
    enum dm_code rc = dm_buf_check(&url, "the address", err);
    if (rc != DM_OK)
        return rc;
    struct dm_http_pair headers[HEADERS_MAX];
    uint32_t count = 0;
    headers[count++] =
        (struct dm_http_pair){ DM_STR("Accept"), dm_str_z(ask->accept ? ask->accept : "application/json") };
    if (!ask->across_tenants)
        headers[count++] = (struct dm_http_pair){ DM_STR("X-Tenant-Id"), client->call->settings.tenant };
    if (ask->body.len > 0)
        headers[count++] = (struct dm_http_pair){ DM_STR("Content-Type"), DM_STR("application/json") };
    if (ask->etag.len > 0)
        headers[count++] = (struct dm_http_pair){ DM_STR("If-None-Match"), ask->etag };
    if (ask->idempotency_key.len > 0)
        headers[count++] = (struct dm_http_pair){ DM_STR("Idempotency-Key"), ask->idempotency_key };
    struct dm_http_request request = { .method = ask->method,
                                       .url = dm_buf_str(&url),
                                       .headers = headers,
                                       .header_count = count,
                                       .body = ask->body,
                                       .form = ask->form,
                                       .total_ms = ask->total_ms > 0   ? ask->total_ms
                                                   : ask->total_ms < 0 ? 0
                                                                       : ASK_MS,
                                       .answer_max = ask->answer_max,
                                       .sink = ask->sink,
                                       .sink_context = ask->sink_context,
                                       .progress = ask->progress,
                                       .progress_context = ask->progress_context };
    return dm_http_send(client->http, &request, ret, err);
}

/* ---- what went wrong --------------------------------------------------------------------------------------------- */

enum dm_exit dm_client_unreached(const struct dm_client *client, const struct dm_err *err)
{
    DM_AUTO(dm_buf) doing = dm_buf_make(SENTENCE_MAX);
    dm_buf_addf(&doing, "no answer from %s", client->call->settings.server.at);
    if (err->code == DM_INVALID || err->code == DM_IO || err->code == DM_TOO_LARGE)
        return dm_say_error(client->call, DM_EXIT_FAILED, "the request could not be made", err, "");
    return dm_say_error(client->call, DM_EXIT_NOT_KNOWN, dm_buf_z(&doing), err,
                        "Is it running? docmill serve starts it here; --server or DOCMILL_SERVER name another.");
}

enum dm_exit dm_exit_of_status(uint32_t status, struct dm_str code)
{
    if (status == 400)
        return DM_EXIT_USAGE;
    if (status == 404 && dm_str_eq(code, DM_STR("no-result")))
        return DM_EXIT_FAILED;
    if (status == 404 || status == 408 || status == 425 || status == 429 || status >= 500)
        return DM_EXIT_NOT_KNOWN;
    return DM_EXIT_FAILED;
}

/* What helps against a problem, by its name. "%s" is the document's id. */
static const struct {
    const char *code, *hint;
} hints[] = {
    { "unreadable-document", "docmill status %s says what became of it." },
    { "not-found", "docmill jobs lists this tenant's documents; --tenant asks for another's." },
    { "result-not-ready", "docmill watch %s waits for it; docmill results %s --partial shows what there is." },
    { "no-result", "docmill status %s says why; docmill results %s --partial shows what was read." },
    { "wrong-state", "docmill status %s says how it stands." },
    { "gone", "Only its result is left: docmill results %s" },
    { "slow-down", "Try again in a moment." },
    { "overloaded", "Try again in a moment." },
    { "draining", "The server is stopping; what it had accepted it goes on with after its next start." },
    { "no-space", "The server's disk is full: free some space, or lower its MIN_FREE_MB." },
    { "unavailable", "docmill doctor, on the server's machine, says what is wrong." },
    { "internal", "The server's log says more." },
    { "unknown-route", "Is this a docmill server? --server or DOCMILL_SERVER name another." },
};

static void add_hint(struct dm_buf *buf, struct dm_str code, struct dm_str file_id)
{
    for (size_t i = 0; i < DM_COUNT(hints); i++) {
        if (!dm_str_eq(dm_str_z(hints[i].code), code))
            continue;
        struct dm_str rest = dm_str_z(hints[i].hint);
        for (;;) {
            size_t at = dm_str_find(rest, DM_STR("%s"));
            dm_buf_add(buf, dm_str_cut(rest, 0, at));
            if (at == rest.len)
                return;
            dm_buf_add(buf, file_id.len ? file_id : DM_STR("ID"));
            rest = dm_str_from(rest, at + 2);
        }
    }
}

/* "pages: names no page", for each field of a validation problem. */
static void add_fields(struct dm_buf *buf, const json_t *errors)
{
    size_t i;
    json_t *one;
    json_array_foreach (errors, i, one) {
        struct dm_str name = dm_json_str(one, "field"), detail = dm_json_str(one, "detail");
        if (name.len == 0)
            name = dm_json_str(one, "name");
        if (detail.len == 0)
            detail = dm_json_str(one, "message");
        dm_buf_add_z(buf, i ? "; " : "");
        if (!dm_str_starts(detail, name)) { /* some details begin with it */
            dm_buf_add(buf, name);
            dm_buf_add_char(buf, ' ');
        }
        dm_buf_add(buf, detail);
    }
}

struct dm_trouble dm_client_problem(const struct dm_client *client, const struct dm_http_answer *answer,
                                    struct dm_str file_id, struct dm_arena *arena)
{
    json_auto_t *problem = NULL;
    DM_AUTO(dm_buf) sentence = dm_buf_make(SENTENCE_MAX);
    DM_AUTO(dm_buf) hint = dm_buf_make(SENTENCE_MAX);
    struct dm_str type = DM_STR("http");
    if (dm_json_parse(dm_buf_str(&answer->body), "the answer", &problem, NULL) == DM_OK && json_is_object(problem)) {
        struct dm_str full = dm_json_str(problem, "type"), part;
        while (dm_str_next(&full, '/', &part))
            type = part.len ? part : type;
        struct dm_str detail = dm_json_str(problem, "detail");
        const json_t *errors = json_object_get(problem, "errors");
        if (json_array_size(errors) > 0)
            add_fields(&sentence, errors);
        else
            dm_buf_add(&sentence, detail.len ? detail : dm_json_str(problem, "title"));
    }
    if (sentence.len == 0)
        dm_buf_addf(&sentence, "%s answered with the status %u and nothing that docmill understands",
                    client->call->settings.server.at, answer->status);
    /* What the server says of a field of its interface, said of the flag that fills it. */
    struct dm_str reason = dm_json_str(problem, "reason"), own = dm_json_str(problem, "fileId");
    if (dm_str_eq(reason, DM_STR("encrypted")))
        dm_buf_add_z(&hint, "Submit it again with its password: docmill submit FILE --password-file PASSWORD");
    else
        add_hint(&hint, type, own.len ? own : file_id);
    return (struct dm_trouble){ .exit = dm_exit_of_status(answer->status, type),
                                .code = dm_arena_str(arena, type).at,
                                .sentence = dm_arena_str(arena, dm_buf_str(&sentence)).at,
                                .hint = dm_arena_str(arena, dm_buf_str(&hint)).at,
                                .status = answer->status };
}

enum dm_exit dm_client_ask(struct dm_client *client, const struct dm_ask *ask, struct dm_str file_id,
                           struct dm_http_answer *ret)
{
    struct dm_err err;
    struct dm_http_answer answer = { .status = 0 };
    enum dm_code rc = dm_client_send(client, ask, &answer, &err);
    if (rc != DM_OK)
        return dm_client_unreached(client, &err);
    if (answer.status >= 200 && answer.status < 300) {
        *ret = answer;
        return DM_EXIT_DONE;
    }
    struct dm_arena arena = dm_arena_make(TROUBLE_MAX);
    struct dm_trouble trouble = dm_client_problem(client, &answer, file_id, &arena);
    enum dm_exit exit = dm_say_trouble(client->call, &trouble);
    dm_arena_free(&arena);
    dm_http_answer_free(&answer);
    return exit;
}

enum dm_exit dm_client_ask_json(struct dm_client *client, const struct dm_ask *ask, struct dm_str file_id, json_t **ret)
{
    struct dm_http_answer answer = { .status = 0 };
    enum dm_exit exit = dm_client_ask(client, ask, file_id, &answer);
    if (exit != DM_EXIT_DONE)
        return exit;
    struct dm_err err;
    enum dm_code rc = dm_json_parse(dm_buf_str(&answer.body), "the server's answer", ret, &err);
    dm_http_answer_free(&answer);
    return rc == DM_OK ? DM_EXIT_DONE
                       : dm_say_error(client->call, DM_EXIT_NOT_KNOWN, "", &err, "Is this a docmill server?");
}

enum dm_exit dm_client_ask_list(struct dm_client *client, struct dm_str path, const char *tenant, const char *member,
                                size_t most, json_t **ret)
{
    json_t *all = NULL;
    DM_AUTO(dm_buf) cursor = dm_buf_make(URL_MAX);
    do {
        DM_AUTO(dm_buf) next = dm_buf_make(URL_MAX);
        json_auto_t *part = NULL;
        dm_buf_add(&next, path);
        if (tenant) {
            dm_buf_add_z(&next, "&tenantId=");
            dm_buf_add_percent(&next, dm_str_z(tenant), false);
        }
        if (cursor.len > 0)
            dm_buf_addf(&next, "&cursor=%s", dm_buf_z(&cursor));
        const struct dm_ask asked = { .path = dm_buf_str(&next), .answer_max = LIST_MAX, .across_tenants = true };
        enum dm_exit exit = dm_client_ask_json(client, &asked, DM_STR(""), &part);
        if (exit != DM_EXIT_DONE) {
            json_decref(all);
            return exit;
        }
        dm_buf_clear(&cursor);
        dm_buf_add_percent(&cursor, dm_json_str(part, "nextCursor"), false);
        if (all)
            (void)json_array_extend(json_object_get(all, member), json_object_get(part, member));
        else
            all = json_incref(part);
    } while (cursor.len > 0 && json_array_size(json_object_get(all, member)) < most);
    (void)json_object_del(all, "nextCursor");
    *ret = all;
    return DM_EXIT_DONE;
}

/* ---- a document as the server shows it --------------------------------------------------------------------------- */

/* Numbers that no docmill says are taken for not said: another server, or a broken one, answers here, too. */
static uint32_t count_of(const json_t *object, const char *name, uint32_t fallback)
{
    int64_t count = dm_json_int(object, name, fallback);
    return count >= 0 && count <= UINT32_MAX ? (uint32_t)count : fallback;
}

static int64_t milliseconds_of(const json_t *seconds)
{
    double value = json_is_number(seconds) ? json_number_value(seconds) : -1;
    return value >= 0 && value <= LEFT_SECONDS_MAX ? (int64_t)(value * DM_SECOND_MS) : -1;
}

struct dm_job dm_job_read(const json_t *value)
{
    const json_t *progress = json_object_get(value, "progress");
    const json_t *error = json_object_get(value, "error");
    const json_t *pages = json_object_get(value, "pages");
    struct dm_job job = { .file_id = dm_json_str(value, "fileId"),
                          .name = dm_json_str(value, "fileName"),
                          .status = dm_json_str(value, "status"),
                          .outcome = dm_json_str(value, "outcome"),
                          .reason = dm_json_str(error, "reason"),
                          .detail = dm_json_str(error, "detail"),
                          .total = count_of(progress, "total", 0),
                          .processed = count_of(progress, "processed", 0),
                          .failed = count_of(progress, "failed", 0),
                          .skipped = count_of(pages, "skipped", count_of(progress, "skipped", 0)),
                          .left_ms = milliseconds_of(json_object_get(value, "etaSeconds")) };
    job.ended = dm_str_eq(job.status, DM_STR("completed")) || dm_str_eq(job.status, DM_STR("failed")) ||
                dm_str_eq(job.status, DM_STR("cancelled"));
    return job;
}

enum dm_exit dm_job_exit(const struct dm_job *job)
{
    if (!job->ended)
        return DM_EXIT_NOT_KNOWN;
    bool whole =
        dm_str_eq(job->status, DM_STR("completed")) && !dm_str_eq(job->outcome, DM_STR("partial")) && job->failed == 0;
    return whole ? DM_EXIT_DONE : DM_EXIT_FAILED;
}

void dm_job_words(struct dm_buf *buf, const struct dm_job *job)
{
    dm_buf_add(buf, job->status);
    if (job->ended && job->reason.len > 0)
        dm_buf_addf(buf, " (%.*s)", DM_STR_ARG(job->reason));
    if (job->ended && job->detail.len > 0)
        dm_buf_addf(buf, ": %.*s", DM_STR_ARG(job->detail));
    if (job->total == 0)
        return;
    uint32_t wanted = job->total - (job->skipped < job->total ? job->skipped : job->total);
    if (job->ended && job->failed == 0 && job->processed == wanted)
        dm_buf_addf(buf, ", %u %s", wanted, wanted == 1 ? "page" : "pages");
    else
        dm_buf_addf(buf, ", %u of %u pages read", job->processed, wanted);
    if (job->failed > 0)
        dm_buf_addf(buf, ", %u failed", job->failed);
}

void dm_job_hint(struct dm_buf *buf, const struct dm_job *job)
{
    const char *id = job->file_id.len ? job->file_id.at : "ID";
    if (dm_str_eq(job->reason, DM_STR("encrypted")))
        dm_buf_add_z(buf, "Submit it again with its password: docmill submit FILE --password-file PASSWORD");
    else if (!job->ended)
        dm_buf_addf(buf, "docmill watch %s", id);
    else if (dm_job_exit(job) == DM_EXIT_DONE)
        dm_buf_addf(buf, "docmill results %s --format md", id);
    else if (job->failed > 0)
        dm_buf_addf(buf, "docmill pages %s says why; docmill retry %s reads the failed pages again", id, id);
}
