/* watch.c: waiting for documents to end.
 *
 * One document is followed by long polls: the server answers when something changed. Of several a few are asked in turn. A server that is
 * away for a while (a restart) is waited for, since no document is lost with it. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/calendar.h"
#include "cli/client.h"
#include "cli/progress.h"

enum {
    POLL_WAIT_S = 20,
    POLL_MS = (POLL_WAIT_S + 15) * DM_SECOND_MS,
    TURN = 32, /* documents asked in one round */
    ROUND_MS = 300,
    AWAY_MS = DM_MINUTE_MS,
    AWAY_PAUSE_MS = 500,
    TEXT_MAX = 8 * 1024,
    ARENA_MAX = 64 * 1024,
    JOB_MAX = 4 * 1024 * 1024
};

/* ---- clocks and signals ------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_signal;

static void on_stop(int number)
{
    stop_signal = number;
}

int64_t dm_cli_mono_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * DM_SECOND_MS + now.tv_nsec / 1000000;
}

void dm_cli_catch_stop(void)
{
    /* Once: the second signal finds the usual action again and ends the program, whatever it is stuck in. */
    struct sigaction action = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool dm_cli_stopped(void)
{
    return stop_signal != 0;
}

void dm_cli_end_by_signal(void)
{
    if (!stop_signal)
        return;
    (void)signal(stop_signal, SIG_DFL);
    (void)raise(stop_signal);
}

static void pause_ms(int64_t ms)
{
    struct timespec span = { .tv_sec = (time_t)(ms / DM_SECOND_MS), .tv_nsec = (long)(ms % DM_SECOND_MS) * 1000000 };
    (void)nanosleep(&span, NULL); /* a signal ends it early, which is what we want */
}

/* ---- the watch --------------------------------------------------------------------------------------------------- */

struct watch {
    struct dm_client *client;
    struct dm_watched *watched;
    uint32_t count;
    uint32_t left;
    uint32_t turn;
    int64_t deadline_ms;
    int64_t away_since_ms; /* 0: the server answers */
    bool tell;
    struct dm_reporter reporter;
};

static bool go_on(void *context, uint64_t sent, uint64_t to_send, uint64_t received)
{
    (void)context;
    (void)sent;
    (void)to_send;
    (void)received;
    return !dm_cli_stopped();
}

static struct dm_str label_of(const struct dm_watched *watched, const struct dm_job *job)
{
    if (watched->label.len > 0)
        return watched->label;
    return job->name.len > 0 ? job->name : watched->file_id;
}

static void show(struct watch *watch)
{
    struct dm_progress progress = { .left_ms = -1, .documents = watch->count };
    DM_AUTO(dm_buf) label = dm_buf_make(TEXT_MAX);
    bool all_known = true;
    for (uint32_t i = 0; i < watch->count; i++) {
        struct dm_job job = dm_job_read(watch->watched[i].job);
        uint32_t wanted = job.total - (job.skipped < job.total ? job.skipped : job.total);
        progress.ended += job.processed + job.failed;
        progress.failed += job.failed;
        progress.pages += wanted;
        progress.documents_ended += watch->watched[i].over;
        all_known = all_known && (watch->watched[i].over || wanted > 0);
        if (job.left_ms > progress.left_ms)
            progress.left_ms = job.left_ms;
        if (!watch->watched[i].over || watch->count == 1)
            progress.status = job.status;
        if (watch->count == 1)
            dm_buf_add(&label, label_of(&watch->watched[i], &job));
    }
    if (!all_known) /* a share of pages that are not all counted would go back later */
        progress.pages = 0;
    if (watch->count > 1)
        dm_buf_add_z(&label, "all");
    progress.label = dm_buf_str(&label);
    if (watch->away_since_ms)
        progress.status = DM_STR("pending");
    dm_reporter_show(&watch->reporter, &progress, dm_cli_mono_ms());
}

static void tell_end(struct watch *watch, const struct dm_watched *watched)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    struct dm_job job = dm_job_read(watched->job);
    const struct dm_look *look = &watch->reporter.look;
    bool done = watched->exit == DM_EXIT_DONE, partly = dm_str_eq(job.status, DM_STR("completed"));
    dm_text_add_tone(&said,
                     done         ? (look->utf8 ? "\xe2\x9c\x93" : "ok")
                     : partly     ? "!"
                     : look->utf8 ? "\xe2\x9c\x97"
                                  : "x",
                     done     ? DM_TONE_GOOD
                     : partly ? DM_TONE_WARN
                              : DM_TONE_BAD,
                     look);
    dm_buf_add_char(&said, ' ');
    dm_text_add_clean(&said, label_of(watched, &job), look);
    dm_buf_add_z(&said, "  ");
    DM_AUTO(dm_buf) words = dm_buf_make(TEXT_MAX);
    dm_job_words(&words, &job);
    dm_text_add_clean(&said, dm_buf_str(&words), look);
    dm_reporter_say(&watch->reporter, dm_buf_str(&said));
}

/* The server said no: nothing more will come of this one. */
static void give_up(struct watch *watch, struct dm_watched *watched, const struct dm_http_answer *answer)
{
    struct dm_arena arena = dm_arena_make(ARENA_MAX);
    struct dm_trouble trouble = dm_client_problem(watch->client, answer, watched->file_id, &arena);
    dm_reporter_end(&watch->reporter);
    watched->exit = dm_say_trouble(watch->client->call, &trouble);
    watched->over = true;
    watch->left--;
    dm_arena_free(&arena);
}

static void take_answer(struct watch *watch, struct dm_watched *watched, const struct dm_http_answer *answer)
{
    struct dm_str etag = dm_http_answer_header(answer, DM_STR("ETag"));
    json_t *job = NULL;
    if (answer->status == 304 || dm_json_parse(dm_buf_str(&answer->body), "the answer", &job, NULL) != DM_OK)
        return;
    json_decref(watched->job);
    watched->job = job;
    dm_buf_free(&watched->etag);
    watched->etag = dm_buf_make(1024);
    dm_buf_add(&watched->etag, etag);
    struct dm_job read = dm_job_read(job);
    watched->exit = dm_job_exit(&read);
    if (!read.ended)
        return;
    watched->over = true;
    watch->left--;
    if (watch->tell)
        tell_end(watch, watched);
}

/* Whether to ask on; false with `*ret_exit` where the server stays away. */
static bool ask_one(struct watch *watch, struct dm_watched *watched, bool wait, enum dm_exit *ret_exit)
{
    DM_AUTO(dm_buf) path = dm_buf_make(TEXT_MAX);
    DM_AUTO(dm_buf) query = dm_buf_make(64);
    int64_t now = dm_cli_mono_ms(), left_ms = watch->deadline_ms ? watch->deadline_ms - now : POLL_MS;
    int64_t wait_s = left_ms / DM_SECOND_MS < POLL_WAIT_S ? left_ms / DM_SECOND_MS + 1 : POLL_WAIT_S;
    if (wait && watched->etag.len > 0)
        dm_buf_addf(&query, "?wait=%d", (int)wait_s);
    struct dm_ask ask = { .path = dm_path_of(&path, watched->file_id.at, dm_buf_z(&query)),
                          .etag = dm_buf_str(&watched->etag),
                          .total_ms = POLL_MS,
                          .answer_max = JOB_MAX,
                          .progress = go_on };
    struct dm_http_answer answer = { .status = 0 };
    struct dm_err err;
    enum dm_code rc = dm_client_send(watch->client, &ask, &answer, &err);
    if (rc == DM_CANCELLED)
        return true;
    if (rc != DM_OK || answer.status == 429 || answer.status >= 500) {
        /* Nothing has ever been heard of it: better say so at once than wait for a server that is not there. */
        bool heard = watched->job != NULL;
        if (!watch->away_since_ms)
            watch->away_since_ms = now;
        if (!heard || now - watch->away_since_ms > AWAY_MS) {
            dm_reporter_end(&watch->reporter);
            if (rc == DM_OK)
                give_up(watch, watched, &answer);
            *ret_exit = rc == DM_OK ? DM_EXIT_NOT_KNOWN : dm_client_unreached(watch->client, &err);
            dm_http_answer_free(&answer);
            return false;
        }
        dm_http_answer_free(&answer);
        pause_ms(AWAY_PAUSE_MS);
        return true;
    }
    watch->away_since_ms = 0;
    if (answer.status >= 400)
        give_up(watch, watched, &answer);
    else
        take_answer(watch, watched, &answer);
    dm_http_answer_free(&answer);
    return true;
}

/* Asks one document and waits for it, or the next few of many. */
static bool ask_round(struct watch *watch, enum dm_exit *ret_exit)
{
    bool single = watch->left == 1;
    uint32_t asked = 0;
    for (uint32_t i = 0; i < watch->count && asked < TURN && watch->left > 0 && !dm_cli_stopped(); i++) {
        struct dm_watched *next = &watch->watched[(watch->turn + i) % watch->count];
        if (next->over)
            continue;
        if (!ask_one(watch, next, single, ret_exit))
            return false;
        if (watch->left > 0)
            show(watch);
        if (++asked == TURN || i + 1 == watch->count)
            watch->turn = (watch->turn + i + 1) % watch->count;
    }
    if (!single && watch->left > 0 && !dm_cli_stopped())
        pause_ms(ROUND_MS);
    return true;
}

static void tell_stopped(struct watch *watch, const char *why)
{
    DM_AUTO(dm_buf) said = dm_buf_make(TEXT_MAX);
    dm_reporter_end(&watch->reporter);
    dm_buf_addf(&said, "%s The server goes on", why);
    for (uint32_t i = 0; i < watch->count; i++)
        if (!watch->watched[i].over && watch->left == 1)
            dm_buf_addf(&said, "; docmill watch %.*s comes back to it", DM_STR_ARG(watch->watched[i].file_id));
    dm_buf_add_z(&said, ".");
    dm_reporter_say(&watch->reporter, dm_buf_str(&said));
}

enum dm_exit dm_client_watch(struct dm_client *client, struct dm_watched *watched, uint32_t count, uint32_t timeout_s,
                             bool tell)
{
    const struct dm_call *call = client->call;
    struct watch watch = {
        .client = client,
        .watched = watched,
        .count = count,
        .tell = tell,
        .deadline_ms = timeout_s ? dm_cli_mono_ms() + (int64_t)timeout_s * DM_SECOND_MS : 0,
        .reporter = { .look = call->term.err, .live = call->term.live, .silent = call->options.quiet, .fd = 2 }
    };
    enum dm_exit exit = DM_EXIT_DONE;
    for (uint32_t i = 0; i < count; i++)
        watch.left += !watched[i].over;
    dm_cli_catch_stop();
    bool timely = true, reached = true;
    while (watch.left > 0 && timely && reached && !dm_cli_stopped()) {
        reached = ask_round(&watch, &exit);
        timely = !watch.deadline_ms || dm_cli_mono_ms() < watch.deadline_ms;
    }
    if (dm_cli_stopped() && watch.left > 0) {
        tell_stopped(&watch, "Stopped watching.");
        dm_cli_end_by_signal();
    }
    if (!timely && watch.left > 0)
        tell_stopped(&watch, "The time is over.");
    dm_reporter_end(&watch.reporter);
    /* Failed is worse than not known: it will not get better by waiting. */
    for (uint32_t i = 0; i < count; i++)
        if (exit != DM_EXIT_FAILED && watched[i].exit != DM_EXIT_DONE)
            exit = watched[i].exit;
    return exit;
}

void dm_watched_free(struct dm_watched *watched, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        json_decref(watched[i].job);
        dm_buf_free(&watched[i].etag);
        watched[i].job = NULL;
    }
}
