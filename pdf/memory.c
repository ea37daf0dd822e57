/* memory.c: counting what MuPDF allocates. */
#include "memory.h"

#include <malloc.h>
#include <stdlib.h>

/* MuPDF answers a refusal by dropping caches and asking again for the same size. So a refusal counts only
 * when the next allocation is another one, or when none follows. */
static bool allow(struct memory *memory, size_t size, size_t before)
{
    bool fits = size <= memory->max && memory->used - before <= memory->max - size;
    if (memory->refused && memory->refused != size)
        memory->ran_out = true;
    memory->refused = fits ? 0 : size;
    return fits;
}

static void *memory_malloc(void *user, size_t size)
{
    struct memory *memory = user;
    if (!allow(memory, size, 0))
        return NULL;
    void *block = malloc(size);
    if (!block)
        memory->refused = size;
    memory->used += malloc_usable_size(block);
    return block;
}

static void *memory_realloc(void *user, void *block, size_t size)
{
    struct memory *memory = user;
    size_t before = malloc_usable_size(block);
    if (!allow(memory, size, before))
        return NULL;
    void *grown = realloc(block, size);
    if (!grown) {
        memory->refused = size;
        return NULL;
    }
    memory->used = memory->used - before + malloc_usable_size(grown);
    return grown;
}

static void memory_free(void *user, void *block)
{
    struct memory *memory = user;
    memory->used -= malloc_usable_size(block);
    free(block);
}

fz_alloc_context memory_calls(struct memory *memory)
{
    return (fz_alloc_context){ memory, memory_malloc, memory_realloc, memory_free };
}

void memory_begin(struct memory *memory)
{
    memory->refused = 0;
    memory->ran_out = false;
}

bool memory_ran_out(const struct memory *memory)
{
    return memory->ran_out || memory->refused != 0;
}
