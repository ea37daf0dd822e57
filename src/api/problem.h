/* problem.h: private to api: the closed list of what can go wrong with a request (RFC 9457), and what each of
 * docmill's error codes means to a client. `docs/problems.md` has a section for each row, under its slug. */
#ifndef DM_API_PROBLEM_H
#define DM_API_PROBLEM_H

#include <stdbool.h>

#include "base/err.h"

/* What `type` begins with. Clients compare the whole, so it stays as it is. */
#define DM_PROBLEM_BASE "https://docmill.example/problems/"

#define DM_PROBLEMS(X) /* name, slug, status, Retry-After in seconds or 0, title */                                    \
    X(MALFORMED, "malformed-request", 400, 0, "Malformed request")                                                     \
    X(VALIDATION, "validation", 400, 0, "Invalid request")                                                             \
    X(FORBIDDEN, "forbidden", 403, 0, "Not permitted")                                                                 \
    X(FOREIGN_SITE, "foreign-site", 403, 0, "Request of a foreign site")                                               \
    X(LINK_INVALID, "link-invalid", 403, 0, "Link not valid")                                                          \
    X(NOT_FOUND, "not-found", 404, 0, "No such thing")                                                                 \
    X(UNKNOWN_ROUTE, "unknown-route", 404, 0, "No such route")                                                         \
    X(RESULT_NOT_READY, "result-not-ready", 404, 2, "Result not ready")                                                \
    X(NO_RESULT, "no-result", 404, 0, "No result")                                                                     \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, 0, "Method not allowed")                                          \
    X(NOT_ACCEPTABLE, "not-acceptable", 406, 0, "No acceptable form")                                                  \
    X(SLOW, "slow-request", 408, 0, "Request too slow")                                                                \
    X(WRONG_STATE, "wrong-state", 409, 0, "Status forbids this")                                                       \
    X(ARCHIVED, "archived", 409, 0, "Moved to an archive")                                                             \
    X(CONFLICT, "conflict", 409, 1, "Changed meanwhile")                                                               \
    X(GONE, "gone", 410, 0, "Removed by retention")                                                                    \
    X(TOO_LARGE, "too-large", 413, 0, "Too large")                                                                     \
    X(TARGET_TOO_LONG, "target-too-long", 414, 0, "Address too long")                                                  \
    X(NOT_A_DOCUMENT, "not-a-document", 415, 0, "Not a document that docmill reads")                                   \
    X(UNSUPPORTED_BODY, "unsupported-body", 415, 0, "Unsupported kind of body")                                        \
    X(RANGE, "range-not-satisfiable", 416, 0, "Range not satisfiable")                                                 \
    X(UNREADABLE, "unreadable-document", 422, 0, "Document cannot be read")                                            \
    X(KEY_REUSED, "idempotency-key-reused", 422, 0, "Idempotency-Key used before")                                     \
    X(SLOW_DOWN, "slow-down", 429, 1, "Too many requests")                                                             \
    X(HEAD_TOO_LARGE, "header-fields-too-large", 431, 0, "Header fields too large")                                    \
    X(INTERNAL, "internal", 500, 0, "Internal error")                                                                  \
    X(OVERLOADED, "overloaded", 503, 1, "Overloaded")                                                                  \
    X(DRAINING, "draining", 503, 5, "Shutting down")                                                                   \
    X(UNAVAILABLE, "unavailable", 503, 2, "Backend unavailable")                                                       \
    X(NO_SPACE, "no-space", 507, 60, "No space left")

#define DM_PROBLEM_ENUM(name, slug, status, retry, title) DM_PROBLEM_##name,
enum dm_problem { DM_PROBLEMS(DM_PROBLEM_ENUM) DM_PROBLEM_COUNT };
#undef DM_PROBLEM_ENUM

struct dm_problem_row {
    const char *type;
    const char *slug;
    unsigned status;
    int64_t retry_after_s;
    const char *title;
};

const struct dm_problem_row *dm_problem_row(enum dm_problem problem);

struct dm_code_row {
    enum dm_problem problem;
    /* Whether the error's sentence is for the client. Otherwise it may name things of ours (paths, backends): it goes to
     * the log, and the client is told `sentence`. */
    bool tell;
    const char *sentence;
};

/* The one table from code to answer; `code` is not DM_OK. */
const struct dm_code_row *dm_problem_of_code(enum dm_code code);

#endif
