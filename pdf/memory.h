/* memory.h: MuPDF's memory, counted and with a ceiling.
 *
 * A few hundred bytes of PDF can ask for gigabytes. The kernel's limit (sandbox.h) would end the process;
 * this ceiling lies below it, so that MuPDF gets an ordinary failed allocation, drops its caches, and at
 * last gives up on the page, and the helper can say *too large* instead of dying of it. */
#ifndef DM_PDF_MEMORY_H
#define DM_PDF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include <mupdf/fitz.h>

struct memory {
    size_t used;
    size_t max;
    size_t refused; /* size of the refusal that may still be made good, or 0 */
    bool ran_out;
};

/* For fz_new_context; `memory` stays where it is for as long as the context lives. */
fz_alloc_context memory_calls(struct memory *memory);
/* Before a request: forgets earlier refusals. */
void memory_begin(struct memory *memory);
/* Whether since then an allocation failed for good. */
bool memory_ran_out(const struct memory *memory);

#endif
