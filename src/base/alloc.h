/* alloc.h: memory that can belong to a node.
 *
 * Everything docmill allocates goes through these calls, so that the simulator can give each simulated
 * node an allocator of its own and drop a crashed node's memory in one go. In production no allocator is
 * set and the calls are malloc, realloc and free. The choice is per thread; the simulator changes it when it switches
 * fibers. A block must be given back under the allocator that made it.
 *
 * All return NULL when memory is out: that is an ordinary error (DM_NO_MEMORY) and every caller handles it. */
#ifndef DM_BASE_ALLOC_H
#define DM_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

struct dm_allocator {
    void *(*allocate)(void *self, size_t size);
    void *(*reallocate)(void *self, void *block, size_t size);
    void (*release)(void *self, void *block); /* accepts NULL */
    void *self;
};

/* Size 0 is answered like size 1, so NULL always means failure. */
DM_MUST_USE void *dm_alloc(size_t size);
/* As dm_alloc for count * size bytes, zeroed; NULL also where the product overflows. */
DM_MUST_USE void *dm_alloc_zero(size_t count, size_t size);
/* On failure the old block stays valid. */
DM_MUST_USE void *dm_realloc(void *block, size_t size);
void dm_free(void *block);
/* How often the calling thread was refused memory by now. Where it grew while something was taken apart, what looks
 * broken or left out may be neither. */
uint64_t dm_alloc_failures(void);

/* Called once, before the first thread: what is free goes back to the system. Left to itself the C library keeps more the
 * larger the largest block ever freed was, and that for every thread's heap: one long document made each of them keep
 * 5 MB. Nor are there more heaps than a few for each processor. */
void dm_alloc_setup(void);

/* Sets the calling thread's allocator (NULL: the C library's) and returns the one before. */
const struct dm_allocator *dm_allocator_use(const struct dm_allocator *allocator);

#endif
