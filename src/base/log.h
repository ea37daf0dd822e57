/* log.h: what operators read.
 *
 * A line is an event from the closed list below plus fields. Never a document's text, a key, a token, a file
 * name or a prompt. On a terminal the line is for people, elsewhere it is one JSON object. Stages, handlers and
 * subcommands log, once, where they decide; base, domain and the backends report errors and log nothing above debug.
 * Colours come only where whoever read the user's wishes asks for them (dm_log_colour).
 *
 *   dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_COMPLETED, dm_f_str("tenant", tenant), dm_f_int("pages", 3));
 *
 * Thread-safe; one line is one write. */
#ifndef DM_BASE_LOG_H
#define DM_BASE_LOG_H

#include "base/str.h"

enum dm_log_level { DM_LOG_DEBUG, DM_LOG_INFO, DM_LOG_WARN, DM_LOG_ERROR, DM_LOG_OFF };

#define DM_LOG_EVENTS(X) /* name, in the log, meaning */                                                               \
    X(SERVER_LISTENING, "server.listening", "the server takes connections")                                            \
    X(SERVER_DRAINING, "server.draining", "a stop was asked for; no new work is taken")                                \
    X(SERVER_STOPPED, "server.stopped", "the server has ended")                                                        \
    X(SERVER_ERROR, "server.error", "the HTTP library reported an error")                                              \
    X(REQUEST, "request", "a request was answered")                                                                    \
    X(REQUEST_FAILED, "request.failed", "a request ended with an error of docmill's own")                              \
    X(DOCUMENT_ACCEPTED, "document.accepted", "a document is durable and will be read")                                \
    X(DOCUMENT_STARTED, "document.started", "the document's pages are known")                                          \
    X(DOCUMENT_COMPLETED, "document.completed", "the result is durable")                                               \
    X(DOCUMENT_FAILED, "document.failed", "the document ended without a result")                                       \
    X(DOCUMENT_CANCELLED, "document.cancelled", "the document was cancelled")                                          \
    X(DOCUMENT_DELETED, "document.deleted", "the document was deleted")                                                \
    X(DOCUMENT_RETRIED, "document.retried", "pages of the document will be read again")                                \
    X(DOCUMENT_EXPIRED, "document.expired", "retention removed the document or a part of it")                          \
    X(DOCUMENT_REDRIVEN, "document.redriven", "a document that did not get on was put back")                           \
    X(WORK_PAUSED, "work.paused", "no work of a tenant, or of all (*), is claimed any more")                           \
    X(WORK_RESUMED, "work.resumed", "a pause is over")                                                                 \
    X(PAGE_FAILED, "page.failed", "a page ended without an analysis")                                                  \
    X(PAGE_RETRY, "page.retry", "a page will be tried again")                                                          \
    X(CLAIM_LOST, "claim.lost", "a claim ran out or was taken from its worker")                                        \
    X(CLAIM_RETURNED, "claim.returned", "an expired claim's pages can be claimed again")                               \
    X(STAGE_ERROR, "stage.error", "a stage met an error and will try again")                                           \
    X(HELPER_REPLACED, "helper.replaced", "a document helper was killed or died, another takes its place")             \
    X(MODEL_DOWN, "model.down", "the model's provider does not answer, or refuses a key: calls wait")                  \
    X(MODEL_UP, "model.up", "the model's provider answers again")                                                      \
    X(BACKEND_DOWN, "backend.down", "a backend does not answer its check")                                             \
    X(BACKEND_UP, "backend.up", "a backend answers again")                                                             \
    X(PARAMETER_CHANGED, "parameter.changed", "a parameter of SSM has another value")                                  \
    X(PARAMETER_GONE, "parameter.gone", "a parameter of SSM is no longer there; its value is kept")                    \
    X(STORE_OPENED, "store.opened", "a store was opened, created or migrated")

#define DM_LOG_EVENT_ENUM(name, text, meaning) DM_EV_##name,
enum dm_log_event { DM_LOG_EVENTS(DM_LOG_EVENT_ENUM) DM_LOG_EVENT_COUNT };
#undef DM_LOG_EVENT_ENUM

struct dm_log_field {
    const char *name; /* NULL ends the list */
    bool is_text;
    struct dm_str text;
    int64_t number;
};

static inline struct dm_log_field dm_f_str(const char *name, struct dm_str text)
{
    return (struct dm_log_field){ .name = name, .is_text = true, .text = text };
}

static inline struct dm_log_field dm_f_z(const char *name, const char *text)
{
    return dm_f_str(name, dm_str_z(text));
}

static inline struct dm_log_field dm_f_int(const char *name, int64_t number)
{
    return (struct dm_log_field){ .name = name, .number = number };
}

#define dm_log(level, event, ...)                                                                                      \
    dm_log_fields((level), (event), (const struct dm_log_field[]){ __VA_ARGS__, { .name = NULL } })

/* Whether such a line would be written: where gathering its fields is work. */
bool dm_log_wanted(enum dm_log_level level);
void dm_log_fields(enum dm_log_level level, enum dm_log_event event, const struct dm_log_field *fields);

typedef void dm_log_sink(void *self, enum dm_log_level level, enum dm_log_event event,
                         const struct dm_log_field *fields);

/* Once at start, before other threads. The sink replaces the standard one (standard error); NULL restores it. */
void dm_log_setup(enum dm_log_level least, dm_log_sink *sink, void *self);
/* Whether a line for people has colours; none unless called. Once at start, before other threads. */
void dm_log_colour(bool wanted);
const char *dm_log_event_text(enum dm_log_event event);

#endif
