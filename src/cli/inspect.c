/* inspect.c: looking at documents: status, watch, results, pages, jobs. */
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/encode.h"
#include "cli/client.h"
#include "cli/files.h"

enum {
    TEXT_MAX = 64 * 1024,
    JSON_MAX = 64 * 1024 * 1024,
    TABLE_BYTES = 256 * 1024 * 1024,
    PART = 500, /* rows asked for at once */
    JOBS_USUAL = 20
};

/* The answer as it came, on one line's end. */
static enum dm_exit print_body(const struct dm_call *call, const struct dm_http_answer *answer)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    dm_buf_add(&said, dm_buf_str(&answer->body));
    if (!dm_str_ends(dm_buf_str(&said), DM_STR("\n")))
        dm_buf_add_char(&said, '\n');
    return dm_say(call, &said);
}

static void add_row(struct dm_buf *buf, const char *term, struct dm_str value, enum dm_tone tone,
                    const struct dm_look *look)
{
    DM_AUTO(dm_buf) clean = dm_buf_make(TEXT_MAX);
    if (value.len == 0)
        return;
    dm_text_add_tone(buf, term, DM_TONE_FAINT, look);
    dm_text_add_spaces(buf, 11 - dm_text_width(dm_str_z(term)));
    dm_text_add_clean(&clean, value, look);
    dm_text_add_tone(buf, dm_buf_z(&clean), tone, look);
    dm_buf_add_char(buf, '\n');
}

static enum dm_tone tone_of(const struct dm_job *job)
{
    if (dm_str_eq(job->outcome, DM_STR("partial")))
        return DM_TONE_WARN;
    enum dm_exit exit = dm_job_exit(job);
    return exit == DM_EXIT_DONE ? DM_TONE_GOOD : exit == DM_EXIT_FAILED ? DM_TONE_BAD : DM_TONE_PLAIN;
}

/* "next: docmill …", on standard error of a terminal. */
static void advise(const struct dm_call *call, struct dm_str what)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    if (call->options.json || call->options.quiet || !call->term.err_tty || !call->term.out_tty || what.len == 0)
        return;
    dm_text_add_tone(&said, "next:", DM_TONE_FAINT, &call->term.err);
    dm_buf_addf(&said, " %.*s\n", DM_STR_ARG(what));
    (void)dm_put(STDERR_FILENO, dm_buf_str(&said));
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static enum dm_exit print_status(const struct dm_call *call, const json_t *value)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) words = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) next = dm_buf_make(TEXT_MAX);
    struct dm_arena arena = dm_arena_make(TEXT_MAX);
    const struct dm_look *look = &call->term.out;
    const json_t *times = json_object_get(value, "timestamps");
    struct dm_job job = dm_job_read(value);
    enum dm_exit exit = dm_job_exit(&job);
    dm_job_words(&words, &job);
    add_row(&said, "document", job.name, DM_TONE_STRONG, look);
    add_row(&said, "id", job.file_id, DM_TONE_PLAIN, look);
    add_row(&said, "status", dm_buf_str(&words), tone_of(&job), look);
    if (json_is_true(json_object_get(value, "paused")))
        add_row(&said, "work", DM_STR("paused by an operator; docmill resume ends that"), DM_TONE_WARN, look);
    if (job.left_ms >= 0 && !job.ended) {
        DM_AUTO(dm_buf) left = dm_buf_make(TEXT_MAX);
        dm_text_add_duration(&left, job.left_ms);
        add_row(&said, "left", dm_buf_str(&left), DM_TONE_PLAIN, look);
    }
    struct dm_str uploaded = dm_json_str(times, "uploaded"), completed = dm_json_str(times, "completed");
    add_row(&said, "uploaded", dm_text_time(&arena, uploaded), DM_TONE_PLAIN, look);
    if (completed.len > 0)
        add_row(&said, "ended", dm_text_time(&arena, completed), DM_TONE_PLAIN, look);
    dm_job_hint(&next, &job);
    dm_arena_free(&arena);
    enum dm_exit said_it = dm_say(call, &said);
    advise(call, dm_buf_str(&next));
    return said_it == DM_EXIT_DONE ? exit : said_it;
}

enum dm_exit dm_command_status(struct dm_call *call)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    struct dm_ask ask = { .path = dm_path_of(&path, call->operands[0], "") };
    struct dm_http_answer answer;
    exit = dm_client_ask(&client, &ask, dm_str_z(call->operands[0]), &answer);
    dm_client_close(&client);
    if (exit != DM_EXIT_DONE)
        return exit;
    json_auto_t *value = NULL;
    struct dm_err err;
    if (dm_json_parse(dm_buf_str(&answer.body), "the server's answer", &value, &err) != DM_OK) {
        exit = dm_say_error(call, DM_EXIT_NOT_KNOWN, "", &err, "Is this a docmill server?");
    } else if (call->options.json) {
        struct dm_job job = dm_job_read(value);
        exit = print_body(call, &answer);
        exit = exit == DM_EXIT_DONE ? dm_job_exit(&job) : exit;
    } else {
        exit = print_status(call, value);
    }
    dm_http_answer_free(&answer);
    return exit;
}

/* ---- watch ------------------------------------------------------------------------------------------------------- */

static enum dm_exit print_watched(const struct dm_call *call, const struct dm_watched *watched)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    if (call->operand_count > 1)
        dm_buf_add_char(&said, '[');
    for (uint32_t i = 0; i < call->operand_count; i++) {
        if (i > 0)
            dm_buf_add_char(&said, ',');
        if (watched[i].job)
            dm_json_add(&said, watched[i].job);
        else
            dm_buf_addf(&said, "{\"fileId\":\"%.*s\",\"status\":null}", DM_STR_ARG(watched[i].file_id));
    }
    dm_buf_add_z(&said, call->operand_count > 1 ? "]\n" : "\n");
    return dm_say(call, &said);
}

enum dm_exit dm_command_watch(struct dm_call *call)
{
    struct dm_client client;
    struct dm_file file;
    struct dm_err err;
    for (uint32_t i = 0; i < call->operand_count; i++)
        if (dm_file_parse(dm_str_z(call->operands[i]), &file, &err) != DM_OK)
            return dm_say_error(call, DM_EXIT_NOT_KNOWN, call->operands[i], &err, "docmill jobs lists documents.");
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    struct dm_watched *watched = dm_alloc_zero(call->operand_count, sizeof(*watched));
    if (!watched) {
        dm_client_close(&client);
        return dm_say_trouble(
            call, &(struct dm_trouble){ .exit = DM_EXIT_FAILED, .code = "no-memory", .sentence = "memory is out" });
    }
    for (uint32_t i = 0; i < call->operand_count; i++)
        watched[i] = (struct dm_watched){ .file_id = dm_str_z(call->operands[i]), .exit = DM_EXIT_NOT_KNOWN };
    exit = dm_client_watch(&client, watched, call->operand_count, call->options.timeout_s, true);
    if (call->options.json) {
        enum dm_exit said = print_watched(call, watched);
        exit = said == DM_EXIT_DONE ? exit : said;
    } else if (call->operand_count == 1 && watched[0].job) {
        DM_AUTO(dm_buf) next = dm_buf_make(TEXT_MAX);
        struct dm_job job = dm_job_read(watched[0].job);
        dm_job_hint(&next, &job);
        advise(call, dm_buf_str(&next));
    }
    dm_watched_free(watched, call->operand_count);
    dm_free(watched);
    dm_client_close(&client);
    return exit;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static enum dm_code to_output(void *context, struct dm_str bytes, struct dm_err *err)
{
    return dm_output_write(context, bytes, err);
}

/* Streams the answer of `ask` into a file, or to standard output. */
static enum dm_exit fetch(struct dm_client *client, struct dm_ask *ask, struct dm_str file_id, const char *path)
{
    struct dm_output output;
    struct dm_http_answer answer = { .status = 0 };
    struct dm_err err;
    if (dm_output_open(path, &output, &err) != DM_OK)
        return dm_say_error(client->call, DM_EXIT_FAILED, "", &err, "");
    ask->sink = to_output;
    ask->sink_context = &output;
    ask->total_ms = -1;
    enum dm_exit exit = dm_client_ask(client, ask, file_id, &answer);
    if (exit == DM_EXIT_DONE && dm_output_finish(&output, &err) != DM_OK)
        exit = dm_say_error(client->call, DM_EXIT_FAILED, "", &err, "");
    dm_output_abandon(&output);
    dm_http_answer_free(&answer);
    return exit;
}

enum dm_exit dm_command_results(struct dm_call *call)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    struct dm_str format = dm_str_z(call->options.format);
    const char *accept = dm_str_eq(format, DM_STR("md"))      ? "text/markdown"
                         : dm_str_eq(format, DM_STR("jsonl")) ? "application/jsonl"
                                                              : NULL;
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    struct dm_ask ask = { .path = dm_path_of(&path, call->operands[0],
                                             call->options.partial ? "/results?partial=true" : "/results"),
                          .accept = accept };
    exit = fetch(&client, &ask, dm_str_z(call->operands[0]), call->options.out);
    dm_client_close(&client);
    return exit;
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* `why`: some page failed, and the table has a column for the reasons. */
static void add_page_row(struct dm_table *table, struct dm_arena *arena, const json_t *page, bool why)
{
    struct dm_str status = dm_json_str(page, "status");
    const json_t *error = json_object_get(page, "error");
    struct dm_str reason = dm_json_str(error, "reason"), detail = dm_json_str(error, "detail");
    size_t attempts = json_array_size(json_object_get(page, "attempts"));
    int64_t model_ms = dm_json_int(json_object_get(page, "usage"), "modelMs", 0);
    DM_AUTO(dm_buf) took = dm_buf_make(64);
    dm_text_add_duration(&took, model_ms);
    dm_table_add(table, dm_arena_fmt(arena, "%lld", (long long)dm_json_int(page, "pageNumber", 0)), DM_TONE_PLAIN);
    dm_table_add(table, status,
                 dm_str_eq(status, DM_STR("done"))     ? DM_TONE_GOOD
                 : dm_str_eq(status, DM_STR("failed")) ? DM_TONE_BAD
                                                       : DM_TONE_FAINT);
    dm_table_add(table, dm_arena_fmt(arena, "%zu", attempts), DM_TONE_PLAIN);
    dm_table_add(table, attempts > 0 ? dm_buf_str(&took) : DM_STR("-"), DM_TONE_PLAIN);
    if (why)
        dm_table_add(
            table, reason.len ? dm_arena_fmt(arena, "%.*s: %.*s", DM_STR_ARG(reason), DM_STR_ARG(detail)) : DM_STR(""),
            DM_TONE_PLAIN);
}

static void add_page_table(struct dm_buf *said, const json_t *pages, const struct dm_look *look)
{
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    size_t i;
    json_t *page;
    bool why = false;
    json_array_foreach (pages, i, page)
        why = why || json_is_object(json_object_get(page, "error"));
    struct dm_table table = { .arena = &arena, .columns = why ? 5 : 4, .flexible = why ? 4 : 3 };
    static const char *const headings[] = { "PAGE", "STATUS", "ATTEMPTS", "MODEL TOOK", "WHY" };
    for (i = 0; i < table.columns; i++)
        dm_table_add(&table, dm_str_z(headings[i]), DM_TONE_PLAIN);
    json_array_foreach (pages, i, page)
        add_page_row(&table, &arena, page, why);
    dm_table_print(&table, look, said);
    dm_arena_free(&arena);
}

/* Every part of a listing, one after the other; `rows` names its array. At most `most` rows. The caller owns *ret. */
static enum dm_exit list_all(struct dm_client *client, const char *path, struct dm_str file_id, const char *rows,
                             uint32_t most, json_t **ret)
{
    json_t *all = json_array();
    enum dm_exit exit = DM_EXIT_DONE;
    char cursor[1024] = "";
    do {
        DM_AUTO(dm_buf) query = dm_buf_make(TEXT_MAX);
        json_auto_t *part = NULL;
        size_t left = most - json_array_size(all);
        dm_buf_addf(&query, "%s%climit=%zu", path,
                    dm_str_find_char(dm_str_z(path), '?') < dm_str_z(path).len ? '&' : '?', left < PART ? left : PART);
        if (cursor[0]) {
            dm_buf_add_z(&query, "&cursor=");
            dm_buf_add_percent(&query, dm_str_z(cursor), false);
        }
        cursor[0] = '\0';
        struct dm_ask ask = { .path = dm_buf_str(&query), .answer_max = JSON_MAX };
        exit = dm_client_ask_json(client, &ask, file_id, &part);
        if (exit != DM_EXIT_DONE)
            break;
        (void)json_array_extend(all, json_object_get(part, rows));
        struct dm_str next = dm_json_str(part, "nextCursor");
        for (size_t i = 0; i < next.len && i + 1 < sizeof(cursor); i++) {
            cursor[i] = next.at[i];
            cursor[i + 1] = '\0';
        }
    } while (cursor[0] && json_array_size(all) < most);
    if (exit == DM_EXIT_DONE)
        *ret = all;
    else
        json_decref(all);
    return exit;
}

static enum dm_exit print_json_list(const struct dm_call *call, const char *name, const json_t *rows)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    dm_buf_addf(&said, "{\"%s\":", name);
    dm_json_add(&said, rows);
    dm_buf_add_z(&said, "}\n");
    return dm_say(call, &said);
}

/* There are no pages yet, or there never will be. */
static enum dm_exit say_no_pages(struct dm_client *client, const char *file_id)
{
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    json_auto_t *value = NULL;
    struct dm_ask ask = { .path = dm_path_of(&path, file_id, ""), .answer_max = JSON_MAX };
    enum dm_exit exit = dm_client_ask_json(client, &ask, dm_str_z(file_id), &value);
    if (exit != DM_EXIT_DONE)
        return exit;
    struct dm_job job = dm_job_read(value);
    if (job.ended) {
        dm_buf_add_z(&said, "No page was counted: ");
        dm_job_words(&said, &job);
        dm_buf_add_char(&said, '\n');
    } else {
        dm_buf_add_z(&said, "Its pages have not been counted yet.\n");
    }
    return dm_say(client->call, &said);
}

static enum dm_exit list_pages(struct dm_client *client, const char *file_id)
{
    const struct dm_call *call = client->call;
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    json_auto_t *pages = NULL;
    (void)dm_path_of(&path, file_id, "/pages");
    enum dm_exit exit = list_all(client, dm_buf_z(&path), dm_str_z(file_id), "pages", UINT32_MAX, &pages);
    if (exit != DM_EXIT_DONE)
        return exit;
    if (call->options.json)
        return print_json_list(call, "pages", pages);
    if (json_array_size(pages) == 0)
        return say_no_pages(client, file_id);
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    add_page_table(&said, pages, &call->term.out);
    return dm_say(call, &said);
}

/* "  - text (type)" for each; what is too long for a line goes on below its own beginning. */
static void add_texts(struct dm_buf *said, const json_t *array, const char *heading, uint32_t columns,
                      const struct dm_look *look)
{
    enum { BULLET = 4 };
    size_t i;
    json_t *one;
    json_array_foreach (array, i, one) {
        struct dm_str text =
            json_is_string(one) ? dm_str_of(json_string_value(one), json_string_length(one)) : dm_json_str(one, "text");
        struct dm_str type = dm_json_str(one, "type");
        if (i == 0)
            dm_buf_addf(said, "\n%s\n", heading);
        DM_AUTO(dm_buf) item = dm_buf_make(JSON_MAX);
        DM_AUTO(dm_buf) lines = dm_buf_make(JSON_MAX);
        dm_text_add_clean(&item, text, look);
        if (type.len > 0)
            dm_buf_addf(&item, " (%.*s)", DM_STR_ARG(type));
        dm_text_add_wrapped(&lines, dm_buf_str(&item), BULLET, columns);
        dm_buf_add_z(said, "  - ");
        dm_buf_add(said, dm_str_from(dm_buf_str(&lines), BULLET));
    }
}

static enum dm_exit print_page(const struct dm_call *call, const json_t *page)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    DM_AUTO(dm_buf) clean = dm_buf_make(JSON_MAX);
    DM_AUTO(dm_buf) number = dm_buf_make(TEXT_MAX);
    const struct dm_look *look = &call->term.out;
    uint32_t columns = look->columns ? look->columns : 80;
    const json_t *analysis = json_object_get(page, "analysis"), *error = json_object_get(page, "error");
    struct dm_str text = dm_json_str(page, "text"), line;
    if (!call->options.text) {
        dm_buf_addf(&number, "%lld", (long long)dm_json_int(page, "pageNumber", 0));
        add_row(&said, "page", dm_buf_str(&number), DM_TONE_STRONG, look);
        add_row(&said, "status", dm_json_str(page, "status"), DM_TONE_PLAIN, look);
        add_row(&said, "reason", dm_json_str(error, "reason"), DM_TONE_BAD, look);
        add_row(&said, "", dm_json_str(error, "detail"), DM_TONE_PLAIN, look);
        add_row(&said, "sentiment", dm_json_str(analysis, "sentiment"), DM_TONE_PLAIN, look);
        if (dm_json_str(analysis, "summary").len > 0) {
            dm_text_add_clean(&clean, dm_json_str(analysis, "summary"), look);
            dm_buf_add_char(&said, '\n');
            dm_text_add_wrapped(&said, dm_buf_str(&clean), 0, columns);
        }
        add_texts(&said, json_object_get(analysis, "keyPoints"), "Key points", columns, look);
        add_texts(&said, json_object_get(analysis, "entities"), "Entities", columns, look);
        dm_buf_add_z(&said, text.len ? "\nText\n" : "");
    }
    while (dm_str_next(&text, '\n', &line)) {
        dm_text_add_spaces(&said, call->options.text ? 0 : 2);
        dm_text_add_clean(&said, line, look);
        dm_buf_add_char(&said, '\n');
    }
    return dm_say(call, &said);
}

static enum dm_exit one_page(struct dm_client *client, const char *file_id, const char *number)
{
    const struct dm_call *call = client->call;
    DM_AUTO(dm_buf) rest = dm_buf_make(256);
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    dm_buf_addf(&rest, "/pages/%s%s", number, call->options.image ? "/image?size=2048" : "");
    struct dm_ask ask = { .path = dm_path_of(&path, file_id, dm_buf_z(&rest)), .answer_max = JSON_MAX };
    if (call->options.image) {
        struct dm_str target = dm_str_z(call->options.image);
        bool jpeg = dm_str_ends(target, DM_STR(".jpg")) || dm_str_ends(target, DM_STR(".jpeg"));
        ask.accept = jpeg ? "image/jpeg" : "image/png";
        return fetch(client, &ask, dm_str_z(file_id), call->options.image);
    }
    struct dm_http_answer answer;
    enum dm_exit exit = dm_client_ask(client, &ask, dm_str_z(file_id), &answer);
    if (exit != DM_EXIT_DONE)
        return exit;
    json_auto_t *page = NULL;
    struct dm_err err;
    if (call->options.json)
        exit = print_body(call, &answer);
    else if (dm_json_parse(dm_buf_str(&answer.body), "the server's answer", &page, &err) != DM_OK)
        exit = dm_say_error(call, DM_EXIT_NOT_KNOWN, "", &err, "Is this a docmill server?");
    else
        exit = print_page(call, page);
    dm_http_answer_free(&answer);
    return exit;
}

enum dm_exit dm_command_pages(struct dm_call *call)
{
    struct dm_client client;
    uint64_t number = 0;
    bool one = call->operand_count == 2;
    if (one && (!dm_str_to_u64(dm_str_z(call->operands[1]), &number) || number == 0 || number > 1000000))
        return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                          .code = "usage",
                                                          .sentence = "N is the number of a page, from 1 on",
                                                          .hint = "docmill help pages explains it." });
    if (!one && (call->options.image || call->options.text))
        return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                          .code = "usage",
                                                          .sentence = "--text and --image are about one page: which?",
                                                          .hint = "docmill pages ID 7 --text" });
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    exit = one ? one_page(&client, call->operands[0], call->operands[1]) : list_pages(&client, call->operands[0]);
    dm_client_close(&client);
    return exit;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static void add_query(struct dm_buf *buf, const char *name, const char *value)
{
    if (!value)
        return;
    dm_buf_addf(buf, "%c%s=", dm_str_find_char(dm_buf_str(buf), '?') < buf->len ? '&' : '?', name);
    dm_buf_add_percent(buf, dm_str_z(value), false);
}

static void add_job_row(struct dm_table *table, struct dm_arena *arena, const json_t *value)
{
    struct dm_job job = dm_job_read(value);
    uint32_t wanted = job.total - (job.skipped < job.total ? job.skipped : job.total);
    dm_table_add(table, job.file_id, DM_TONE_PLAIN);
    dm_table_add(table, dm_str_eq(job.outcome, DM_STR("partial")) ? DM_STR("partial") : job.status, tone_of(&job));
    if (wanted == 0)
        dm_table_add(table, DM_STR("-"), DM_TONE_PLAIN);
    else if (job.ended && job.failed == 0)
        dm_table_add(table, dm_arena_fmt(arena, "%u", wanted), DM_TONE_PLAIN);
    else
        dm_table_add(table, dm_arena_fmt(arena, "%u/%u", job.processed, wanted),
                     job.failed ? DM_TONE_WARN : DM_TONE_PLAIN);
    struct dm_str uploaded = dm_json_str(value, "uploadedAt");
    if (uploaded.len == 0)
        uploaded = dm_json_str(json_object_get(value, "timestamps"), "uploaded");
    dm_table_add(table, dm_text_time(arena, uploaded), DM_TONE_FAINT);
    dm_table_add(table, job.name, DM_TONE_PLAIN);
}

static enum dm_exit print_jobs(const struct dm_call *call, const json_t *jobs)
{
    DM_AUTO(dm_buf) said = dm_buf_make(JSON_MAX);
    if (json_array_size(jobs) == 0) {
        advise(call, DM_STR("docmill submit FILE hands in a document"));
        dm_buf_addf(&said, "No documents of tenant %s%s.\n", call->settings.tenant.at,
                    call->options.status || call->options.from || call->options.to ? " are like that" : "");
        return dm_say(call, &said);
    }
    struct dm_arena arena = dm_arena_make(TABLE_BYTES);
    struct dm_table table = { .arena = &arena, .columns = 5, .flexible = 4 };
    static const char *const headings[] = { "ID", "STATUS", "PAGES", "UPLOADED (UTC)", "NAME" };
    for (size_t i = 0; i < DM_COUNT(headings); i++)
        dm_table_add(&table, dm_str_z(headings[i]), DM_TONE_PLAIN);
    size_t i;
    json_t *job;
    json_array_foreach (jobs, i, job)
        add_job_row(&table, &arena, job);
    dm_table_print(&table, &call->term.out, &said);
    dm_arena_free(&arena);
    return dm_say(call, &said);
}

enum dm_exit dm_command_jobs(struct dm_call *call)
{
    struct dm_client client;
    enum dm_exit exit = dm_client_open(call, &client);
    if (exit != DM_EXIT_DONE)
        return exit;
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    json_auto_t *jobs = NULL;
    uint32_t most = call->options.all ? UINT32_MAX : call->options.limit ? call->options.limit : JOBS_USUAL;
    dm_buf_add_z(&path, "/jobs");
    add_query(&path, "status", call->options.status);
    add_query(&path, "from", call->options.from);
    add_query(&path, "to", call->options.to);
    exit = list_all(&client, dm_buf_z(&path), DM_STR(""), "jobs", most, &jobs);
    dm_client_close(&client);
    if (exit != DM_EXIT_DONE)
        return exit;
    return call->options.json ? print_json_list(call, "jobs", jobs) : print_jobs(call, jobs);
}
