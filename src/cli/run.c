/* run.c: documents read here and now.
 *
 * The same stages as in the server, over a folder that lives as long as the command. Documents are taken in a few ahead of the
 * first whose result is not written yet, so that processors are busy and results come in the order of the files. */
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/files.h"
#include "cli/progress.h"
#include "cli/works.h"
#include "domain/limits.h"

enum { AHEAD = 8, LOOK_MS = 100, CHUNK = 256 * 1024, TEXT_MAX = 64 * 1024, ARENA_MAX = 1024 * 1024, STOP_MS = 2000 };

static const struct dm_tenant tenant = { .id = "default" };

/* A file on its way. */
struct item {
    const char *path;
    struct dm_buf name;
    struct dm_file file;
    struct dm_state state; /* the newest seen; status NONE: not accepted */
    struct dm_err err;     /* why not */
    bool over;
};

struct run {
    const struct dm_call *call;
    char folder[4096]; /* "" while there is none */
    int signals;
    int moved; /* eventfd: some document moved */
    int stopped_by;
    struct dm_works works;
    struct dm_arena arena;
    struct dm_str password;
    struct dm_reporter reporter;
    struct item *items;
    uint32_t count;
    uint32_t taken;   /* items handed to the pipeline or refused */
    uint32_t written; /* items whose result is out */
    uint32_t failed;
    struct dm_output output; /* without --out */
};

static enum dm_exit fail(const struct run *run, const char *doing, const struct dm_err *err, const char *hint)
{
    return dm_say_error(run->call, DM_EXIT_FAILED, doing, err, hint);
}

/* ---- the folder --------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    (void)remove(path); /* what stays behind has nobody to be told to */
    return 0;
}

static enum dm_code make_folder(struct run *run, struct dm_err *err)
{
    int len = snprintf(run->folder, sizeof(run->folder), "%s/docmill-run-XXXXXX", run->call->settings.temporary.at);
    if (len < 0 || len >= (int)sizeof(run->folder) || !mkdtemp(run->folder)) {
        run->folder[0] = '\0';
        return dm_fail_errno(err, errno, "cannot make a folder in %s", run->call->settings.temporary.at);
    }
    return DM_OK;
}

static void remove_folder(struct run *run)
{
    if (run->folder[0])
        (void)nftw(run->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    run->folder[0] = '\0';
}

/* ---- taking documents in ------------------------------------------------------------------------------------------ */

/* Waits until the input can be read; false: told to stop. */
static bool readable(struct run *run, int fd)
{
    struct pollfd wanted[] = { { .fd = run->signals, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    (void)poll(wanted, 2, -1);
    run->stopped_by = dm_stop_signal(run->signals);
    return run->stopped_by == 0;
}

static enum dm_code feed(struct run *run, const struct dm_input *input, struct dm_spool *spool, struct dm_err *err)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(CHUNK);
    char *chunk = dm_buf_reserve(&buf, CHUNK);
    if (!chunk)
        return dm_fail_memory(err);
    for (;;) {
        if (!readable(run, input->fd))
            return dm_fail(err, DM_CANCELLED, "stopped on request");
        ssize_t got = read(input->fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dm_fail_errno(err, errno, "cannot be read");
        if (got == 0)
            return DM_OK;
        enum dm_code rc = dm_spool_write(spool, dm_str_of(chunk, (size_t)got), run->call->settings.file_bytes_max, err);
        if (rc != DM_OK)
            return rc;
    }
}

static enum dm_code accept_item(struct run *run, struct item *item, struct dm_err *err)
{
    struct dm_input input;
    struct dm_spool spool;
    bool replayed;
    enum dm_code rc = dm_input_open(item->path, run->call->options.name, &input, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add(&item->name, input.name.len ? input.name : DM_STR("standard input"));
    rc = dm_spool_open(run->works.set.blob, &spool, err);
    if (rc == DM_OK) {
        struct dm_intake intake = { .name = input.name,
                                    .pages = dm_str_z(run->call->options.pages),
                                    .password = run->password,
                                    .priority = DM_PRIORITY_DEFAULT };
        rc = feed(run, &input, &spool, err);
        if (rc == DM_OK)
            rc = dm_intake_accept(&run->works.pipeline, &tenant, &intake, &spool, &item->file, &replayed, err);
        dm_spool_free(&spool);
    }
    dm_input_close(&input);
    return rc;
}

static void take_in(struct run *run)
{
    while (run->taken < run->count && run->taken - run->written < AHEAD && !run->stopped_by) {
        struct item *item = &run->items[run->taken];
        enum dm_code rc = accept_item(run, item, &item->err);
        if (run->stopped_by)
            return;
        item->over = rc != DM_OK;
        item->state.status = rc == DM_OK ? DM_STATUS_PENDING : DM_STATUS_NONE;
        run->taken++;
    }
}

/* ---- how they are doing ------------------------------------------------------------------------------------------- */

static void on_moved(void *context, const struct dm_tenant *of, const struct dm_file *file,
                     const struct dm_state *state)
{
    const struct run *run = context;
    uint64_t one = 1;
    (void)of;
    (void)file;
    (void)state;
    if (write(run->moved, &one, sizeof(one)) < 0)
        return; /* the counter is full: the reader has enough to be woken by */
}

static void look(struct run *run)
{
    for (uint32_t i = run->written; i < run->taken; i++) {
        struct item *item = &run->items[i];
        struct dm_snapshot snapshot;
        if (item->over)
            continue;
        struct dm_arena arena = dm_arena_make(ARENA_MAX);
        if (dm_document_read(&run->works.pipeline, &tenant, &item->file, DM_PART_STATE, &arena, &snapshot, NULL) ==
            DM_OK) {
            item->state = snapshot.state;
            item->over = dm_status_is_final(snapshot.state.status);
        }
        dm_arena_free(&arena);
    }
}

static void show(struct run *run)
{
    struct dm_progress progress = { .left_ms = -1, .documents = run->count, .status = DM_STR("pending") };
    bool counted = run->taken == run->count;
    for (uint32_t i = 0; i < run->taken; i++) {
        const struct item *item = &run->items[i];
        progress.ended += item->state.processed + item->state.failed;
        progress.failed += item->state.failed;
        progress.pages += item->state.total - item->state.skipped;
        progress.documents_ended += item->over;
        counted = counted && (item->over || item->state.total > 0);
        if (!item->over || run->count == 1)
            progress.status = dm_str_z(dm_status_text(item->state.status));
    }
    if (!counted)
        progress.pages = 0;
    if (progress.documents_ended == run->count)
        return; /* what is said of each is said when its result is out */
    progress.label = run->count == 1 ? dm_buf_str(&run->items[0].name) : DM_STR("all");
    dm_reporter_show(&run->reporter, &progress, dm_cli_mono_ms());
}

static void wait_for_move(struct run *run)
{
    uint64_t moves;
    struct pollfd wanted[] = { { .fd = run->signals, .events = POLLIN }, { .fd = run->moved, .events = POLLIN } };
    (void)poll(wanted, 2, LOOK_MS);
    if (read(run->moved, &moves, sizeof(moves)) < 0) {
        /* nothing moved: time to look all the same */
    }
    run->stopped_by = dm_stop_signal(run->signals);
}

/* ---- what comes out ----------------------------------------------------------------------------------------------- */

static enum dm_result_form form_of(const struct dm_call *call)
{
    struct dm_str format = dm_str_z(call->options.format);
    return dm_str_eq(format, DM_STR("md"))      ? DM_RESULT_MARKDOWN
           : dm_str_eq(format, DM_STR("jsonl")) ? DM_RESULT_JSON_LINES
                                                : DM_RESULT_JSON;
}

static const char *reason_of(const struct item *item)
{
    if (item->state.status != DM_STATUS_NONE)
        return dm_reason_text(item->state.reason);
    switch (item->err.code) {
    case DM_UNSUPPORTED:
        return "unsupported";
    case DM_TOO_LARGE:
        return "too_large";
    default:
        return "unreadable";
    }
}

static struct dm_str detail_of(const struct item *item)
{
    if (item->state.status == DM_STATUS_NONE)
        return dm_str_z(item->err.text);
    return dm_str_z(item->state.detail[0] ? item->state.detail : dm_reason_meaning(item->state.reason));
}

/* What stands in place of a result that is not there. */
static enum dm_code write_failure(const struct run *run, const struct item *item, struct dm_output *output,
                                  struct dm_err *err)
{
    DM_AUTO(dm_buf) buf = dm_buf_make(TEXT_MAX);
    if (form_of(run->call) == DM_RESULT_MARKDOWN) {
        dm_buf_addf(&buf, "# %s\n\n*(failed: %s: %.*s)*\n\n", dm_buf_z(&item->name), reason_of(item),
                    DM_STR_ARG(detail_of(item)));
    } else {
        dm_buf_add_z(&buf, "{\"fileName\":");
        dm_buf_add_json_string(&buf, item->name.len ? dm_buf_str(&item->name) : dm_str_z(item->path));
        dm_buf_addf(&buf, ",\"status\":\"failed\",\"error\":{\"reason\":\"%s\",\"detail\":", reason_of(item));
        dm_buf_add_json_string(&buf, detail_of(item));
        dm_buf_add_z(&buf, "}}\n");
    }
    return dm_output_write(output, dm_buf_str(&buf), err);
}

static enum dm_code write_result(const struct run *run, const struct item *item, struct dm_output *output,
                                 struct dm_err *err)
{
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    DM_AUTO(dm_buf) buf = dm_buf_make(CHUNK);
    struct dm_snapshot snapshot;
    uint64_t size;
    int fd = -1;
    enum dm_code rc = dm_document_read(&run->works.pipeline, &tenant, &item->file,
                                       DM_PART_DOCUMENT | DM_PART_STATE | DM_PART_WORK, &arena, &snapshot, err);
    if (rc == DM_OK)
        rc = dm_result_open(&run->works.pipeline, &tenant, &item->file, &snapshot, form_of(run->call), false, &fd,
                            &size, err);
    dm_arena_free(&arena);
    char *chunk = rc == DM_OK ? dm_buf_reserve(&buf, CHUNK) : NULL;
    for (ssize_t got = 1; chunk && rc == DM_OK && got > 0;) {
        got = read(fd, chunk, CHUNK);
        if (got < 0)
            rc = dm_fail_errno(err, errno, "the result cannot be read");
        else if (got > 0)
            rc = dm_output_write(output, dm_str_of(chunk, (size_t)got), err);
    }
    if (fd >= 0)
        (void)close(fd);
    return rc == DM_OK && !chunk ? dm_fail_memory(err) : rc;
}

/* What to type so that it is read after all; "" where nothing would help. */
static const char *remedy_of(const struct item *item)
{
    if (item->state.status == DM_STATUS_FAILED && item->state.reason == DM_REASON_ENCRYPTED)
        return "--password-file FILE opens it";
    return "";
}

static void tell_item(struct run *run, const struct item *item)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    const struct dm_look *look_of = &run->reporter.look;
    const struct dm_state *state = &item->state;
    bool whole = state->status == DM_STATUS_COMPLETED && state->failed == 0;
    bool partly = state->status == DM_STATUS_COMPLETED && !whole;
    if (run->reporter.silent && !whole && !partly) {
        /* Quiet is about progress: a failure is told all the same. */
        if (item->name.len > 0) /* otherwise it could not be opened, and the sentence names it */
            dm_buf_addf(&said, "%s: ", dm_buf_z(&item->name));
        dm_buf_add(&said, detail_of(item));
        (void)dm_say_trouble(run->call, &(struct dm_trouble){ .exit = DM_EXIT_FAILED,
                                                              .code = reason_of(item),
                                                              .sentence = dm_buf_z(&said),
                                                              .hint = remedy_of(item) });
        return;
    }
    dm_text_add_tone(&said,
                     whole           ? look_of->utf8 ? "\xe2\x9c\x93" : "ok"
                     : partly        ? "!"
                     : look_of->utf8 ? "\xe2\x9c\x97"
                                     : "x",
                     whole    ? DM_TONE_GOOD
                     : partly ? DM_TONE_WARN
                              : DM_TONE_BAD,
                     look_of);
    dm_buf_add_char(&said, ' ');
    dm_text_add_clean(&said, item->name.len ? dm_buf_str(&item->name) : dm_str_z(item->path), look_of);
    uint32_t wanted = state->total - state->skipped;
    if (whole)
        dm_buf_addf(&said, "  %u %s", wanted, wanted == 1 ? "page" : "pages");
    else if (partly)
        dm_buf_addf(&said, "  %u of %u pages read, %u failed", state->processed, wanted, state->failed);
    else
        dm_buf_addf(&said, "  failed (%s): %.*s", reason_of(item), DM_STR_ARG(detail_of(item)));
    if (*remedy_of(item))
        dm_buf_addf(&said, ". %s", remedy_of(item));
    dm_reporter_say(&run->reporter, dm_buf_str(&said));
}

/* DIR/report.pdf.json; a second report.pdf becomes report.pdf-2.json. */
static enum dm_code out_path(struct run *run, const struct item *item, struct dm_buf *path, struct dm_err *err)
{
    static const char *const endings[] = {
        [DM_RESULT_JSON] = "json", [DM_RESULT_MARKDOWN] = "md", [DM_RESULT_JSON_LINES] = "jsonl"
    };
    uint32_t same = 1;
    for (const struct item *before = run->items; before < item; before++)
        same += dm_str_eq(dm_buf_str(&before->name), dm_buf_str(&item->name));
    dm_buf_addf(path, "%s/", run->call->options.out);
    struct dm_str name = dm_buf_str(&item->name);
    for (size_t i = 0; i < name.len; i++)
        dm_buf_add_char(path, name.at[i] == '/' ? '_' : name.at[i]);
    if (same > 1)
        dm_buf_addf(path, "-%u", same);
    dm_buf_addf(path, ".%s", endings[form_of(run->call)]);
    return dm_buf_check(path, "the path", err);
}

static enum dm_code write_item(struct run *run, const struct item *item, struct dm_err *err)
{
    bool has_result = item->state.status == DM_STATUS_COMPLETED;
    bool list = form_of(run->call) == DM_RESULT_JSON && run->count > 1;
    enum dm_code rc = DM_OK;
    if (run->call->options.out) {
        DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
        struct dm_output output;
        if (!has_result)
            return DM_OK; /* no file is the clearest sign that there is no result */
        rc = out_path(run, item, &path, err);
        if (rc == DM_OK)
            rc = dm_output_open(dm_buf_z(&path), &output, err);
        if (rc != DM_OK)
            return rc;
        rc = write_result(run, item, &output, err);
        if (rc == DM_OK)
            rc = dm_output_finish(&output, err);
        dm_output_abandon(&output);
        dm_buf_add_char(&path, '\n');
        return rc == DM_OK ? dm_output_write(&run->output, dm_buf_str(&path), err) : rc;
    }
    if (list)
        rc = dm_output_write(&run->output, item == run->items ? DM_STR("[\n") : DM_STR(",\n"), err);
    if (rc == DM_OK && (has_result || run->count > 1))
        rc = has_result ? write_result(run, item, &run->output, err) : write_failure(run, item, &run->output, err);
    if (rc == DM_OK && list && item + 1 == run->items + run->count)
        rc = dm_output_write(&run->output, DM_STR("]\n"), err);
    return rc;
}

static enum dm_code write_ready(struct run *run, struct dm_err *err)
{
    while (run->written < run->taken && run->items[run->written].over) {
        struct item *item = &run->items[run->written];
        bool whole = item->state.status == DM_STATUS_COMPLETED && item->state.failed == 0;
        run->failed += !whole;
        dm_reporter_end(&run->reporter); /* the bar must not stand in the middle of a result on the same terminal */
        enum dm_code rc = write_item(run, item, err);
        if (rc != DM_OK)
            return rc;
        tell_item(run, item);
        run->written++;
    }
    return DM_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static enum dm_exit read_all(struct run *run)
{
    struct dm_err err;
    enum dm_code rc = DM_OK;
    while (rc == DM_OK && run->written < run->count && !run->stopped_by) {
        take_in(run);
        look(run);
        show(run);
        rc = write_ready(run, &err);
        if (rc == DM_OK && run->written < run->taken && !run->items[run->written].over)
            wait_for_move(run);
    }
    dm_reporter_end(&run->reporter);
    if (rc != DM_OK)
        return fail(run, "", &err, "");
    if (run->stopped_by)
        return DM_EXIT_NOT_KNOWN;
    return run->failed ? DM_EXIT_FAILED : DM_EXIT_DONE;
}

static enum dm_exit with_folder(struct run *run)
{
    struct dm_err err;
    struct dm_works_place place = { .folder = run->folder };
    const char *hint = "";
    if (run->call->options.out && mkdir(run->call->options.out, 0777) != 0 && errno != EEXIST) {
        (void)dm_fail_errno(&err, errno, "cannot make the folder %s", run->call->options.out);
        return fail(run, "", &err, "");
    }
    if (dm_works_open(run->call, &place, &run->works, &hint, &err) != DM_OK ||
        dm_hub_listen(run->works.hub, on_moved, run, &err) != DM_OK)
        return fail(run, "documents cannot be read", &err, hint);
    enum dm_exit exit = DM_EXIT_FAILED;
    if (dm_works_start(&run->works, DM_ROLE_WORKER | DM_ROLE_AGGREGATOR, &err) == DM_OK)
        exit = read_all(run);
    else
        exit = fail(run, "documents cannot be read", &err, "");
    dm_hub_forget(run->works.hub, on_moved, run);
    return exit;
}

static enum dm_code prepare(struct run *run, struct dm_err *err)
{
    struct dm_ranges pages;
    enum dm_code rc = dm_ranges_parse(&run->arena, dm_str_z(run->call->options.pages), &pages, err);
    if (rc == DM_OK && run->call->options.pages && pages.count == 0)
        rc = dm_fail(err, DM_INVALID, "--pages names no page; write pages from 1 on like 1-5,9 or 12-");
    if (rc == DM_OK)
        rc = dm_password_read(run->call, &run->arena, &run->password, err);
    if (rc == DM_OK && run->call->options.name && run->count > 1)
        rc = dm_fail(err, DM_INVALID, "--name is for one document");
    return rc;
}

static bool make_items(struct run *run)
{
    run->items = dm_alloc_zero(run->count, sizeof(*run->items));
    for (uint32_t i = 0; run->items && i < run->count; i++) {
        run->items[i].path = run->call->operands[i];
        run->items[i].name = dm_buf_make(TEXT_MAX);
    }
    return run->items != NULL;
}

/* In reverse order; whatever happened, nothing stays behind. */
static void clean_up(struct run *run)
{
    dm_works_close(&run->works, run->stopped_by ? 0 : dm_cli_mono_ms() + STOP_MS);
    remove_folder(run);
    for (uint32_t i = 0; run->items && i < run->count; i++)
        dm_buf_free(&run->items[i].name);
    dm_free(run->items);
    dm_arena_free(&run->arena);
    (void)close(run->moved);
    if (run->signals >= 0)
        (void)close(run->signals);
    if (run->stopped_by) {
        (void)signal(run->stopped_by, SIG_DFL);
        (void)raise(run->stopped_by);
    }
}

/* A log only where somebody asked for it: progress is what people look at here. */
static void set_up_log(const struct dm_call *call)
{
    uint32_t count;
    size_t row = (size_t)(dm_setting_find(DM_STR("LOG_LEVEL")) - dm_settings_table(&count));
    bool wanted = call->values.of[row].origin != DM_ORIGIN_DEFAULT;
    dm_log_setup(wanted ? (enum dm_log_level)call->settings.log_level : DM_LOG_OFF, NULL, NULL);
}

enum dm_exit dm_command_run(struct dm_call *call)
{
    struct run run = { .call = call,
                       .signals = -1,
                       .moved = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                       .count = call->operand_count,
                       .arena = dm_arena_make(ARENA_MAX),
                       .output = { .fd = STDOUT_FILENO },
                       .reporter = { .look = call->term.err,
                                     .live = call->term.live,
                                     .silent = call->options.quiet || call->options.json,
                                     .fd = STDERR_FILENO } };
    struct dm_err err;
    enum dm_exit exit;
    set_up_log(call);
    if (prepare(&run, &err) != DM_OK)
        exit = dm_say_error(call, DM_EXIT_USAGE, "", &err, "docmill help run");
    else if (!make_items(&run))
        exit = fail(&run, "", &(struct dm_err){ .code = DM_NO_MEMORY, .text = "memory is out" }, "");
    else if (dm_stop_signals(&run.signals, &err) != DM_OK || make_folder(&run, &err) != DM_OK)
        exit = fail(&run, "", &err, "TMPDIR names another place for the folder that docmill run needs.");
    else
        exit = with_folder(&run);
    clean_up(&run);
    return exit;
}
