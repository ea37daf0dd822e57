/* worker.h: one document's process, from the end of its birth to its own.
 *
 * It answers one request after the other and knows nothing of deadlines: the parent watches the clock. */
#ifndef DM_PDF_WORKER_H
#define DM_PDF_WORKER_H

#include "document.h"

struct worker_setting {
    struct engine *engine; /* NULL in the OCR class */
    uint64_t memory_bytes;
    uint32_t cpu_seconds; /* per request */
};

/* Closes the sandbox and serves the socket at DM_FRAME_SOCKET until the parent lets go. */
DM_NORETURN void worker_run(const struct worker_setting *setting);

/* As above, without the sandbox and returning the exit status: for tests. */
int worker_serve(const struct worker_setting *setting, int socket);

/* What a worker ends with where not by a signal. */
enum {
    WORKER_DONE = 0,
    WORKER_UNSAFE = 3,   /* the sandbox did not close: no document was read */
    WORKER_CONFUSED = 4, /* the parent asked what is not allowed */
};

#endif
