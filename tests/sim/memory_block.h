/* memory_block.h: the memory of what outlives a simulated node.
 *
 * What a store or a blob has taken in is on its "disk": it must not come from base/alloc.h, whose allocator goes with
 * the node that is calling. Where even the C library has none left the run has no meaning, so it ends. */
#ifndef DM_SIM_MEMORY_BLOCK_H
#define DM_SIM_MEMORY_BLOCK_H

#include "base/str.h"

void *memory_block(size_t size); /* zeroed */
void memory_block_free(const void *block);
struct dm_str memory_text(struct dm_str text); /* a copy; an empty text takes no memory */
void memory_text_free(struct dm_str *text);

/* The array, moved where it had to grow, with a gap at `at` for one more element; the caller counts it. */
void *memory_array_open(void *array, uint32_t count, uint32_t *capacity, size_t size, uint32_t at);
/* Closes the gap that the element at `at` leaves; the caller counts it. */
void memory_array_close(void *array, uint32_t count, size_t size, uint32_t at);

#endif
