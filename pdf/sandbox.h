/* sandbox.h: what a worker gives up before it sees the first byte of a document.
 *
 * Three layers, each enough against some mistakes of the others:
 *   - ids: where the helper was started as root it becomes `nobody`;
 *   - limits of the kernel: memory, CPU time, no new files, no written files, no core, no processes;
 *   - a seccomp filter that allows the calls of `allowed` in sandbox.c and ends the process at any other.
 * No user namespaces: Fargate and Lambda have none. The file system needs no closing, since nothing can be
 * opened.
 *
 * A build with a sanitizer has neither filter nor memory limits: the sanitizers map terabytes and read
 * /proc. It is for tests. A build with -DDM_SANDBOX_TRAP names the call on standard error before it ends:
 * that is how the list was found, by running documents, and how it is extended when a library starts to
 * need more. */
#ifndef DM_PDF_SANDBOX_H
#define DM_PDF_SANDBOX_H

#include "base/err.h"
#include "base/str.h"

enum sandbox_kind {
    SANDBOX_TEXT, /* may read the one file it was given */
    SANDBOX_OCR,  /* has no file */
};

struct sandbox_limits {
    uint64_t memory_bytes;
    uint32_t descriptors; /* that may be open at once, including those it has */
};

/* In the zygote, once: no new privileges, no core of its own, `nobody` in place of root. */
void sandbox_drop_ids(void);
/* In the zygote, once: the filter, ready to be put on. DM_INTERNAL. */
DM_MUST_USE enum dm_code sandbox_prepare(enum sandbox_kind kind, struct dm_err *err);
/* In the worker. False where the kernel refuses: then no document may be read. */
DM_MUST_USE bool sandbox_enter(const struct sandbox_limits *limits);
/* In the worker, before each request: so much CPU time from now on. The parent's deadline comes first; this
 * is for when the parent is stopped. */
void sandbox_cpu_seconds(uint32_t seconds);

#endif
