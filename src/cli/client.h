/* client.h: private to cli: one conversation with a server, and what its answers mean to a person. */
#ifndef DM_CLI_CLIENT_H
#define DM_CLI_CLIENT_H

#include "base/json.h"
#include "cli/commands.h"
#include "domain/tenant.h"
#include "net/net.h"

struct dm_client {
    const struct dm_call *call;
    struct dm_http_client *http;
    struct dm_buf base; /* "http://127.0.0.1:3005/api" */
};

/* What is asked. The path begins behind /api and is already escaped. */
struct dm_ask {
    const char *method; /* NULL: GET */
    struct dm_str path;
    const char *accept; /* NULL: application/json */
    struct dm_str body; /* JSON */
    const struct dm_http_form *form;
    struct dm_str etag; /* given: answer only what is newer (304 otherwise) */
    struct dm_str idempotency_key;
    bool across_tenants; /* an operator's: no tenant is named by the way */
    int64_t total_ms;    /* 0: 30 s; negative: as long as bytes move */
    size_t answer_max;
    dm_http_sink *sink;
    void *sink_context;
    dm_http_progress *progress;
    void *progress_context;
};

/* Says what is wrong where it does not work. Nothing is sent yet. */
enum dm_exit dm_client_open(const struct dm_call *call, struct dm_client *ret);
void dm_client_close(struct dm_client *client);

/* The request alone; DM_OK for every answer. */
DM_MUST_USE enum dm_code dm_client_send(struct dm_client *client, const struct dm_ask *ask, struct dm_http_answer *ret,
                                        struct dm_err *err);
/* Says that the server could not be reached. */
enum dm_exit dm_client_unreached(const struct dm_client *client, const struct dm_err *err);
/* What a problem document says. Texts live in `arena`. `file_id` may be empty; it goes into the hint. */
struct dm_trouble dm_client_problem(const struct dm_client *client, const struct dm_http_answer *answer,
                                    struct dm_str file_id, struct dm_arena *arena);
/* dm_client_send, and says what went wrong. DM_EXIT_DONE only with a 2xx. */
enum dm_exit dm_client_ask(struct dm_client *client, const struct dm_ask *ask, struct dm_str file_id,
                           struct dm_http_answer *ret);
/* The same, for an answer of JSON. */
enum dm_exit dm_client_ask_json(struct dm_client *client, const struct dm_ask *ask, struct dm_str file_id,
                                json_t **ret);
/* An operator's list, which comes in parts: at least `most` of `member`, if there are so many, or a part more, in the first part's
 * answer. `path` has a query already; `tenant` NULL: everybody's. The caller owns *ret after DM_EXIT_DONE. */
enum dm_exit dm_client_ask_list(struct dm_client *client, struct dm_str path, const char *tenant, const char *member,
                                size_t most, json_t **ret);
/* What the exit status of a command is when the server refused it like that. */
enum dm_exit dm_exit_of_status(uint32_t status, struct dm_str code);

/* "/jobs/<id>" and `rest`, escaped; `buf` is cleared first. */
struct dm_str dm_path_of(struct dm_buf *buf, const char *file_id, const char *rest);

/* ---- a document as the server shows it ---------------------------------------------------------------------------- */

/* Borrowed from the JSON. */
struct dm_job {
    struct dm_str file_id;
    struct dm_str name;
    struct dm_str status;
    struct dm_str outcome;
    struct dm_str reason;
    struct dm_str detail;
    uint32_t total;
    uint32_t processed;
    uint32_t failed;
    uint32_t skipped;
    int64_t left_ms; /* negative: not known */
    bool ended;
};

struct dm_job dm_job_read(const json_t *value);
/* Of an ended document; DM_EXIT_NOT_KNOWN where it has not ended. */
enum dm_exit dm_job_exit(const struct dm_job *job);
/* How it ended, in one line: "completed, 12 pages". */
void dm_job_words(struct dm_buf *buf, const struct dm_job *job);
/* What to type next; may add nothing. */
void dm_job_hint(struct dm_buf *buf, const struct dm_job *job);

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

struct dm_watched {
    struct dm_str file_id;
    struct dm_str label; /* empty: the document's name */
    json_t *job;         /* the newest; the caller gives it back */
    struct dm_buf etag;
    enum dm_exit exit; /* as it stands */
    bool over;         /* nothing more will come: it ended, or the server does not know it */
};

/* Until all are over, `timeout_s` (0: none) has passed, or Ctrl-C. Shows progress; where `tell`, each end in a line on standard error
 * as it comes. The exit status of all together. */
enum dm_exit dm_client_watch(struct dm_client *client, struct dm_watched *watched, uint32_t count, uint32_t timeout_s,
                             bool tell);
void dm_watched_free(struct dm_watched *watched, uint32_t count);

/* ---- clocks and signals ------------------------------------------------------------------------------------------- */

int64_t dm_cli_mono_ms(void);
/* From now on Ctrl-C and SIGTERM only raise a flag, which dm_cli_stopped shows; the second one ends the program. */
void dm_cli_catch_stop(void);
bool dm_cli_stopped(void);
/* Ends the program by the signal that came, so that the shell sees it. Returns where none came. */
void dm_cli_end_by_signal(void);

#endif
