/* submit.c: documents on their way to a server.
 *
 * Every upload has an Idempotency-Key, one of ours where none was given. So one that broke off, of which nobody knows whether it arrived,
 * can be sent again without becoming a second document. */
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "cli/client.h"
#include "cli/files.h"
#include "cli/progress.h"

enum {
    ATTEMPTS_MAX = 5,
    PAUSE_FIRST_MS = 500,
    PAUSE_MAX_MS = 30 * DM_SECOND_MS,
    LARGE_BYTES = 16 * 1024 * 1024,
    TEXT_MAX = 64 * 1024,
    ARENA_MAX = 64 * 1024 * 1024,
    ANSWER_MAX = 64 * 1024 * 1024, /* a small document's answer carries its job */
    KEY_TEXT = DM_ID_TEXT
};

struct submit {
    const struct dm_call *call;
    struct dm_client client;
    struct dm_str password;
    struct dm_arena arena;
    struct dm_reporter reporter;
    struct dm_str label; /* of the file on its way */
    uint64_t size_bytes;
    json_t *answers; /* one for each file, in their order */
    struct dm_watched *accepted;
    uint32_t accepted_count;
};

static struct dm_str fresh_key(char text[KEY_TEXT])
{
    unsigned char random[DM_ID_RANDOM] = { 0 };
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return DM_STR("");
    return dm_id_text((int64_t)now.tv_sec * DM_SECOND_MS + now.tv_nsec / 1000000, random, text);
}

static bool on_progress(void *context, uint64_t sent, uint64_t to_send, uint64_t received)
{
    struct submit *submit = context;
    (void)received;
    bool sending = submit->size_bytes == 0 || sent < to_send || sent == 0;
    struct dm_progress progress = { .label = submit->label,
                                    .status = sending ? DM_STR("uploading") : DM_STR("pending"),
                                    .left_ms = -1,
                                    .bytes = sending ? submit->size_bytes : 0,
                                    .bytes_sent = sent < submit->size_bytes ? sent : submit->size_bytes };
    dm_reporter_show(&submit->reporter, &progress, dm_cli_mono_ms());
    return !dm_cli_stopped();
}

static void add_field(struct dm_http_pair *fields, uint32_t *count, const char *name, struct dm_str value)
{
    if (value.len > 0)
        fields[(*count)++] = (struct dm_http_pair){ dm_str_z(name), value };
}

/* Whether another try can help, and after what pause. */
static bool worth_another(enum dm_code rc, const struct dm_http_answer *answer, int attempt, int64_t *ret_pause_ms)
{
    int64_t pause = (int64_t)PAUSE_FIRST_MS << attempt;
    bool later = rc == DM_UNAVAILABLE || rc == DM_TIMEOUT;
    if (rc == DM_OK &&
        (answer->status == 429 || answer->status == 502 || answer->status == 503 || answer->status == 504)) {
        uint64_t asked_s = 0;
        later = true;
        if (dm_str_to_u64(dm_http_answer_header(answer, DM_STR("Retry-After")), &asked_s) && asked_s < 3600 &&
            (int64_t)asked_s * DM_SECOND_MS > pause)
            pause = (int64_t)asked_s * DM_SECOND_MS;
    }
    *ret_pause_ms = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    return later && attempt + 1 < ATTEMPTS_MAX;
}

static enum dm_code send_file(struct submit *submit, struct dm_input *input, struct dm_http_answer *ret,
                              struct dm_err *err)
{
    const struct dm_options *options = &submit->call->options;
    struct dm_http_pair fields[8];
    uint32_t count = 0;
    add_field(fields, &count, "tenantId", submit->call->settings.tenant);
    add_field(fields, &count, "pages", dm_str_z(options->pages));
    add_field(fields, &count, "password", submit->password);
    add_field(fields, &count, "metadata", dm_str_z(options->metadata));
    add_field(fields, &count, "priority", dm_str_z(options->priority));
    struct dm_http_form form = { .fields = fields,
                                 .field_count = count,
                                 .file_name = input->name.len ? input->name : DM_STR("document"),
                                 .file_fd = input->fd,
                                 .file_bytes = input->size_bytes };
    char key[KEY_TEXT];
    struct dm_ask ask = { .method = "POST",
                          .path = DM_STR("/upload"),
                          .form = &form,
                          .idempotency_key =
                              options->idempotency_key ? dm_str_z(options->idempotency_key) : fresh_key(key),
                          .total_ms = -1,
                          .answer_max = ANSWER_MAX,
                          .progress = on_progress,
                          .progress_context = submit };
    for (int attempt = 0;; attempt++) {
        int64_t pause_ms = 0;
        *ret = (struct dm_http_answer){ .status = 0 };
        enum dm_code rc = dm_client_send(&submit->client, &ask, ret, err);
        bool again = worth_another(rc, ret, attempt, &pause_ms) && input->size_bytes >= 0;
        /* A server that was never there is not worth waiting for; one that went away in between is. */
        if (rc == DM_UNAVAILABLE && submit->accepted_count == 0 && attempt >= 1)
            again = false;
        if (!again || dm_cli_stopped())
            return rc;
        dm_http_answer_free(ret);
        struct timespec span = { .tv_sec = (time_t)(pause_ms / DM_SECOND_MS),
                                 .tv_nsec = (long)(pause_ms % DM_SECOND_MS) * 1000000 };
        (void)nanosleep(&span, NULL);
    }
}

/* ---- one file after the other ------------------------------------------------------------------------------------ */

static void note_failure(struct submit *submit, const char *path, const char *code, const char *sentence)
{
    json_t *answer = json_pack("{s:s,s:{s:s,s:s}}", "file", path, "error", "code", code, "message", sentence);
    if (answer)
        (void)json_array_append_new(submit->answers, answer);
}

static enum dm_exit take_answer(struct submit *submit, const char *path, const struct dm_http_answer *answer)
{
    struct dm_err err;
    json_t *value = NULL;
    if (dm_json_parse(dm_buf_str(&answer->body), "the server's answer", &value, &err) != DM_OK ||
        dm_json_str(value, "fileId").len == 0) {
        json_decref(value);
        note_failure(submit, path, "not-docmill", "the answer is not that of a docmill server");
        return dm_say_trouble(submit->call,
                              &(struct dm_trouble){ .exit = DM_EXIT_NOT_KNOWN,
                                                    .code = "not-docmill",
                                                    .sentence = "the answer is not that of a docmill server",
                                                    .hint = "--server or DOCMILL_SERVER name another." });
    }
    struct dm_watched *accepted = &submit->accepted[submit->accepted_count++];
    *accepted = (struct dm_watched){ .file_id = dm_arena_str(&submit->arena, dm_json_str(value, "fileId")),
                                     .label = dm_arena_str(&submit->arena, submit->label) };
    (void)json_object_set_new(value, "file", json_string(path));
    (void)json_array_append_new(submit->answers, value);
    if (submit->call->options.json)
        return DM_EXIT_DONE;
    DM_AUTO(dm_buf) line = dm_buf_make(TEXT_MAX);
    dm_buf_addf(&line, "%.*s\n", DM_STR_ARG(accepted->file_id));
    dm_reporter_end(&submit->reporter);
    return dm_say(submit->call, &line);
}

static enum dm_exit submit_one(struct submit *submit, const char *path)
{
    struct dm_input input;
    struct dm_err err;
    if (dm_input_open(path, submit->call->options.name, &input, &err) != DM_OK) {
        note_failure(submit, path, "unreadable", err.text);
        return dm_say_error(submit->call, DM_EXIT_FAILED, "", &err, "");
    }
    submit->label = input.name.len ? input.name : DM_STR("standard input");
    submit->size_bytes = input.size_bytes > 0 ? (uint64_t)input.size_bytes : 0;
    /* In a log, only what takes a while is worth a line. */
    submit->reporter.silent =
        submit->call->options.quiet || (!submit->call->term.live && submit->size_bytes < LARGE_BYTES);
    struct dm_http_answer answer;
    enum dm_code rc = send_file(submit, &input, &answer, &err);
    dm_input_close(&input);
    dm_reporter_end(&submit->reporter);
    if (rc != DM_OK && dm_cli_stopped())
        return DM_EXIT_NOT_KNOWN;
    if (rc != DM_OK) {
        note_failure(submit, path, "unreached", err.text);
        return dm_client_unreached(&submit->client, &err);
    }
    enum dm_exit exit;
    if (answer.status >= 200 && answer.status < 300) {
        exit = take_answer(submit, path, &answer);
    } else {
        DM_AUTO(dm_buf) sentence = dm_buf_make(TEXT_MAX);
        struct dm_trouble trouble = dm_client_problem(&submit->client, &answer, DM_STR(""), &submit->arena);
        dm_buf_addf(&sentence, "%s: %s", path, trouble.sentence);
        trouble.sentence = dm_buf_z(&sentence);
        note_failure(submit, path, trouble.code, trouble.sentence);
        exit = dm_say_trouble(submit->call, &trouble);
    }
    dm_http_answer_free(&answer);
    return exit;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum dm_exit worse(enum dm_exit a, enum dm_exit b)
{
    if (a == DM_EXIT_DONE || b == DM_EXIT_FAILED)
        return b;
    return b == DM_EXIT_DONE || a == DM_EXIT_FAILED ? a : b;
}

static enum dm_exit print_json(struct submit *submit)
{
    DM_AUTO(dm_buf) said = dm_buf_make(ANSWER_MAX);
    for (uint32_t i = 0; i < submit->accepted_count; i++) {
        size_t at;
        json_t *answer;
        json_array_foreach (submit->answers, at, answer)
            if (submit->accepted[i].job && dm_str_eq(dm_json_str(answer, "fileId"), submit->accepted[i].file_id))
                (void)json_object_set(answer, "job", submit->accepted[i].job);
    }
    dm_json_add(&said, submit->call->operand_count == 1 ? json_array_get(submit->answers, 0) : submit->answers);
    dm_buf_add_char(&said, '\n');
    return dm_say(submit->call, &said);
}

static void advise(struct submit *submit, bool waited)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    struct dm_look *look = &submit->reporter.look;
    if (submit->call->options.json || submit->accepted_count == 0 || !submit->call->term.err_tty)
        return;
    DM_AUTO(dm_buf) next = dm_buf_make(TEXT_MAX);
    if (submit->accepted_count > 1) {
        dm_buf_add_z(&next, "docmill jobs");
    } else if (waited) {
        struct dm_job job = dm_job_read(submit->accepted[0].job);
        dm_job_hint(&next, &job);
    } else {
        dm_buf_addf(&next, "docmill watch %.*s", DM_STR_ARG(submit->accepted[0].file_id));
    }
    if (next.len == 0)
        return;
    dm_text_add_tone(&said, "next:", DM_TONE_FAINT, look);
    dm_buf_add_char(&said, ' ');
    dm_buf_add(&said, dm_buf_str(&next));
    dm_reporter_say(&submit->reporter, dm_buf_str(&said));
}

static enum dm_exit submit_all(struct submit *submit)
{
    const struct dm_call *call = submit->call;
    enum dm_exit exit = DM_EXIT_DONE;
    dm_cli_catch_stop();
    for (uint32_t i = 0; i < call->operand_count && !dm_cli_stopped(); i++)
        exit = worse(exit, submit_one(submit, call->operands[i]));
    if (dm_cli_stopped()) {
        dm_reporter_say(&submit->reporter, DM_STR("Stopped."));
        dm_cli_end_by_signal();
    }
    if (call->options.wait && submit->accepted_count > 0)
        exit = worse(exit, dm_client_watch(&submit->client, submit->accepted, submit->accepted_count,
                                           call->options.timeout_s, true));
    if (call->options.json)
        exit = worse(exit, print_json(submit));
    advise(submit, call->options.wait);
    return exit;
}

enum dm_exit dm_command_submit(struct dm_call *call)
{
    struct submit submit = { .call = call,
                             .arena = dm_arena_make(ARENA_MAX),
                             .reporter = { .look = call->term.err, .live = call->term.live, .silent = true, .fd = 2 } };
    struct dm_err err;
    if (call->options.idempotency_key && call->operand_count > 1)
        return dm_say_trouble(call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                                          .code = "usage",
                                                          .sentence = "--idempotency-key is for one file",
                                                          .hint = "Without it every file has a key of its own." });
    if (dm_password_read(call, &submit.arena, &submit.password, &err) != DM_OK)
        return dm_say_error(call, DM_EXIT_USAGE, "--password-file", &err, "");
    enum dm_exit exit = dm_client_open(call, &submit.client);
    if (exit != DM_EXIT_DONE)
        return exit;
    submit.answers = json_array();
    submit.accepted = dm_alloc_zero(call->operand_count, sizeof(*submit.accepted));
    if (submit.answers && submit.accepted)
        exit = submit_all(&submit);
    else
        exit = dm_say_trouble(
            call, &(struct dm_trouble){ .exit = DM_EXIT_FAILED, .code = "no-memory", .sentence = "memory is out" });
    if (submit.accepted)
        dm_watched_free(submit.accepted, submit.accepted_count);
    dm_free(submit.accepted);
    json_decref(submit.answers);
    dm_reporter_end(&submit.reporter);
    dm_client_close(&submit.client);
    dm_arena_free(&submit.arena);
    return exit;
}
