/* rows.c: see rows.h. */
#include "base/rows.h"

#include <string.h>

#include "base/alloc.h"

void dm_rows_free(struct dm_rows *rows)
{
    dm_free(rows->at);
    rows->at = NULL;
    rows->count = rows->capacity = 0;
}

void *dm_rows_add(struct dm_rows *rows)
{
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity ? rows->capacity * 2 : 16;
        char *grown = dm_realloc(rows->at, capacity * rows->size);
        if (!grown)
            return NULL;
        rows->at = grown;
        rows->capacity = capacity;
    }
    return memset(rows->at + rows->count++ * rows->size, 0, rows->size);
}

enum dm_code dm_rows_move(struct dm_rows *rows, struct dm_arena *arena, const void **ret, struct dm_err *err)
{
    void *copy = dm_arena_array(arena, rows->count, rows->size);
    if (!copy)
        return dm_arena_fail(arena, "a list of records", err);
    if (rows->count)
        memcpy(copy, rows->at, rows->count * rows->size);
    *ret = copy;
    return DM_OK;
}
