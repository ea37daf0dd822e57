/* arena.h: memory that goes in one call.
 *
 * Everything that lives as long as one request or one page task comes from its arena. The ceiling is an
 * ordinary error: an allocation past it returns NULL and the caller answers DM_TOO_LARGE or DM_NO_MEMORY. */
#ifndef DM_BASE_ARENA_H
#define DM_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct dm_arena_block;

struct dm_arena {
    struct dm_arena_block *newest;
    size_t used; /* bytes taken from the C library */
    size_t max;
    bool starved; /* an allocation failed because memory was out, not for the ceiling */
};

struct dm_arena dm_arena_make(size_t max);  /* allocates nothing yet */
void dm_arena_free(struct dm_arena *arena); /* gives all back; empty and usable afterwards */
/* As dm_arena_free, but keeps the first block for the next use. */
void dm_arena_reset(struct dm_arena *arena);

/* Zeroed, aligned for any type; NULL past the ceiling or when memory is out. */
DM_MUST_USE void *dm_arena_alloc(struct dm_arena *arena, size_t size);
DM_MUST_USE void *dm_arena_array(struct dm_arena *arena, size_t count, size_t size);
/* Copies; the copy ends with a NUL that is not counted. `at` is NULL on failure, never otherwise. */
struct dm_str dm_arena_str(struct dm_arena *arena, struct dm_str text);
struct dm_str dm_arena_fmt(struct dm_arena *arena, const char *format, ...) DM_PRINTF(2, 3);
/* What a NULL of the above means: DM_NO_MEMORY, or DM_TOO_LARGE with `what`. */
enum dm_code dm_arena_fail(const struct dm_arena *arena, const char *what, struct dm_err *err);

#endif
