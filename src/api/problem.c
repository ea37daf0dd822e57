/* problem.c: the rows of problem.h, and the table from error code to problem. */
#include "problem.h"

#include <stddef.h>

#include "api.h"
#include "base/check.h"

static const struct dm_problem_row rows[DM_PROBLEM_COUNT] = {
#define DM_PROBLEM_ROW(name, slug, status, retry, title)                                                               \
    [DM_PROBLEM_##name] = { DM_PROBLEM_BASE slug, slug, status, retry, title },
    DM_PROBLEMS(DM_PROBLEM_ROW)
#undef DM_PROBLEM_ROW
};

#define TELL true, NULL
#define HIDE(sentence) false, sentence

static const struct dm_code_row codes[DM_CODE_COUNT] = {
    [DM_INVALID] = { DM_PROBLEM_VALIDATION, TELL },
    [DM_NOT_FOUND] = { DM_PROBLEM_NOT_FOUND, TELL },
    [DM_EXISTS] = { DM_PROBLEM_CONFLICT, TELL },
    [DM_CONFLICT] = { DM_PROBLEM_CONFLICT,
                      HIDE("The document changed while this request was at work, again and again; repeat it.") },
    [DM_REFUSED] = { DM_PROBLEM_WRONG_STATE, TELL },
    [DM_GONE] = { DM_PROBLEM_GONE, TELL },
    [DM_ARCHIVED] = { DM_PROBLEM_ARCHIVED,
                      HIDE("A rule of the storage has moved these bytes to an archive: have the object "
                           "restored there, and ask again.") },
    [DM_DENIED] = { DM_PROBLEM_FORBIDDEN, TELL },
    [DM_UNSUPPORTED] = { DM_PROBLEM_NOT_A_DOCUMENT, TELL },
    [DM_TOO_LARGE] = { DM_PROBLEM_TOO_LARGE, TELL },
    [DM_NO_SPACE] = { DM_PROBLEM_NO_SPACE, HIDE("The server's disk is too full to take this in; try again later.") },
    [DM_NO_MEMORY] = { DM_PROBLEM_OVERLOADED, HIDE("The server is out of memory for now; try again shortly.") },
    [DM_BUSY] = { DM_PROBLEM_OVERLOADED, HIDE("Too much is waiting already; try again shortly.") },
    [DM_THROTTLED] = { DM_PROBLEM_SLOW_DOWN, HIDE("Too many requests; slow down.") },
    [DM_TIMEOUT] = { DM_PROBLEM_UNAVAILABLE, HIDE("A backend did not answer in time; try again shortly.") },
    [DM_CANCELLED] = { DM_PROBLEM_WRONG_STATE, TELL },
    [DM_UNAVAILABLE] = { DM_PROBLEM_UNAVAILABLE, HIDE("A backend does not answer; try again shortly.") },
    [DM_CORRUPT] = { DM_PROBLEM_INTERNAL, HIDE("Stored bytes are not what they must be; the log says more.") },
    [DM_ENCRYPTED] = { DM_PROBLEM_UNREADABLE, TELL },
    [DM_DAMAGED] = { DM_PROBLEM_UNREADABLE, TELL },
    [DM_CRASHED] = { DM_PROBLEM_UNREADABLE, HIDE("Reading it ended the process that read it; no retry will help.") },
    [DM_IO] = { DM_PROBLEM_UNAVAILABLE, HIDE("The server's storage reported an error; try again shortly.") },
    [DM_INTERNAL] = { DM_PROBLEM_INTERNAL, HIDE("An error of docmill's own; the log says more under this requestId.") },
};

const struct dm_problem_row *dm_problem_row(enum dm_problem problem)
{
    DM_CHECK(problem < DM_PROBLEM_COUNT);
    return &rows[problem];
}

const struct dm_code_row *dm_problem_of_code(enum dm_code code)
{
    DM_CHECK(code > DM_OK && code < DM_CODE_COUNT);
    return &codes[code];
}

struct dm_str dm_api_slow_problem(void)
{
    return DM_STR("{\"type\":\"" DM_PROBLEM_BASE "slow-request\",\"title\":\"Request too slow\",\"status\":408,"
                  "\"detail\":\"The request came too slowly; send it faster, or in smaller parts.\"}");
}
