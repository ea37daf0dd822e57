/* arena.c: blocks in a chain, each twice as large as the one before up to a limit. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_BLOCK_BYTES = 2048, LARGEST_STEP_BYTES = 256 * 1024 };

struct dm_arena_block {
    struct dm_arena_block *older;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct dm_arena dm_arena_make(size_t max)
{
    return (struct dm_arena){ .max = max };
}

static void release_older_than(struct dm_arena *arena, struct dm_arena_block *keep)
{
    struct dm_arena_block *block = arena->newest;
    while (block && block != keep) {
        struct dm_arena_block *older = block->older;
        dm_free(block);
        block = older;
    }
    arena->newest = keep;
}

void dm_arena_free(struct dm_arena *arena)
{
    release_older_than(arena, NULL);
    arena->used = 0;
    arena->starved = false;
}

void dm_arena_reset(struct dm_arena *arena)
{
    struct dm_arena_block *first = arena->newest;
    arena->starved = false;
    while (first && first->older)
        first = first->older;
    release_older_than(arena, first);
    if (!first)
        return;
    first->used = 0;
    arena->used = sizeof(*first) + first->size;
}

void *dm_arena_alloc(struct dm_arena *arena, size_t size)
{
    size_t aligned;
    if (__builtin_add_overflow(size, alignof(max_align_t) - 1, &aligned))
        return NULL;
    aligned &= ~(alignof(max_align_t) - 1);
    struct dm_arena_block *block = arena->newest;
    if (!block || block->size - block->used < aligned) {
        size_t step = block ? block->size * 2 : FIRST_BLOCK_BYTES;
        if (step > LARGEST_STEP_BYTES)
            step = LARGEST_STEP_BYTES;
        if (step < aligned)
            step = aligned;
        size_t left = arena->max > arena->used ? arena->max - arena->used : 0;
        if (left < sizeof(*block) || aligned > left - sizeof(*block))
            return NULL;
        if (step > left - sizeof(*block))
            step = (left - sizeof(*block)) & ~(alignof(max_align_t) - 1);
        if (step < aligned)
            return NULL;
        struct dm_arena_block *fresh = dm_alloc(sizeof(*fresh) + step);
        arena->starved = arena->starved || !fresh;
        if (!fresh)
            return NULL;
        *fresh = (struct dm_arena_block){ .older = block, .size = step };
        arena->newest = block = fresh;
        arena->used += sizeof(*fresh) + step;
    }
    void *at = block->data + block->used;
    block->used += aligned;
    return memset(at, 0, aligned);
}

void *dm_arena_array(struct dm_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : dm_arena_alloc(arena, bytes);
}

struct dm_str dm_arena_str(struct dm_arena *arena, struct dm_str text)
{
    char *copy = text.len < SIZE_MAX ? dm_arena_alloc(arena, text.len + 1) : NULL;
    if (!copy)
        return (struct dm_str){ NULL, 0 };
    if (text.len)
        memcpy(copy, text.at, text.len);
    return (struct dm_str){ copy, text.len };
}

struct dm_str dm_arena_fmt(struct dm_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    char *text = size >= 0 ? dm_arena_alloc(arena, (size_t)size + 1) : NULL;
    if (text)
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    va_end(arguments);
    return (struct dm_str){ text, text ? (size_t)size : 0 };
}

enum dm_code dm_arena_fail(const struct dm_arena *arena, const char *what, struct dm_err *err)
{
    return arena->starved ? dm_fail_memory(err)
                          : dm_fail(err, DM_TOO_LARGE, "%s does not fit into the memory of this request", what);
}
