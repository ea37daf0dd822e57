/* zygote.h: the process that has everything loaded and only forks.
 *
 * It never sees a document. Starting a worker costs a fork, a worker's memory is shared with it until
 * written to, and what a worker does to itself is gone with it. */
#ifndef DM_PDF_ZYGOTE_H
#define DM_PDF_ZYGOTE_H

#include "document.h"

/* Serves DM_FRAME_SOCKET until the parent lets go; then no worker is left. `engine` is NULL in the OCR
 * class. In a worker it does not return. Returns the exit status. */
int zygote_run(struct engine *engine);
/* Tells the parent why there will be no zygote. */
void zygote_excuse(const char *sentence);

#endif
