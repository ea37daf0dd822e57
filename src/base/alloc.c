/* alloc.c: dispatch to the thread's allocator. */
#include "base/alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Larger blocks are mapped, each by itself. Above the largest step of an arena, which are taken too often for that. */
    MAPPED_FROM_BYTES = 512 * 1024,
    KEPT_FREE_BYTES = 256 * 1024,
    HEAPS_A_PROCESSOR = 2
};

static _Thread_local const struct dm_allocator *current;
static _Thread_local uint64_t failures;

static void *noted(void *block)
{
    failures += block == NULL;
    return block;
}

void *dm_alloc(size_t size)
{
    if (size == 0)
        size = 1;
    return noted(current ? current->allocate(current->self, size) : malloc(size));
}

void *dm_alloc_zero(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    if (!current)
        return noted(calloc(1, bytes ? bytes : 1));
    void *block = dm_alloc(bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

void *dm_realloc(void *block, size_t size)
{
    if (size == 0)
        size = 1;
    return noted(current ? current->reallocate(current->self, block, size) : realloc(block, size));
}

void dm_free(void *block)
{
    if (current)
        current->release(current->self, block);
    else
        free(block);
}

uint64_t dm_alloc_failures(void)
{
    return failures;
}

const struct dm_allocator *dm_allocator_use(const struct dm_allocator *allocator)
{
    const struct dm_allocator *before = current;
    current = allocator;
    return before;
}

void dm_alloc_setup(void)
{
    /* Setting either also ends their adaption to what was freed. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
    /* More threads than that never allocate at once, and each heap has holes of its own. */
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    (void)mallopt(M_ARENA_MAX, HEAPS_A_PROCESSOR * (processors > 1 ? (int)processors : 1));
}
