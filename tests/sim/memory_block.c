/* memory_block.c: the C library's memory, whatever the thread's allocator is. */
#include "memory_block.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FIRST_CAPACITY = 8 };

void *memory_block(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    DM_CHECK(block != NULL);
    return block;
}

void memory_block_free(const void *block)
{
    free((void *)(uintptr_t)block);
}

struct dm_str memory_text(struct dm_str text)
{
    if (text.len == 0)
        return DM_STR("");
    char *copy = memory_block(text.len);
    memcpy(copy, text.at, text.len);
    return (struct dm_str){ copy, text.len };
}

void memory_text_free(struct dm_str *text)
{
    if (text->len)
        memory_block_free(text->at);
    *text = DM_STR("");
}

void *memory_array_open(void *array, uint32_t count, uint32_t *capacity, size_t size, uint32_t at)
{
    DM_CHECK(at <= count);
    if (count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : FIRST_CAPACITY;
        array = realloc(array, *capacity * size);
        DM_CHECK(array != NULL);
    }
    char *gap = (char *)array + at * size;
    memmove(gap + size, gap, (count - at) * size);
    return array;
}

void memory_array_close(void *array, uint32_t count, size_t size, uint32_t at)
{
    DM_CHECK(at < count);
    char *gap = (char *)array + at * size;
    memmove(gap, gap + size, (count - at - 1) * size);
}
