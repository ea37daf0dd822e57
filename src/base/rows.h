/* rows.h: rows whose number is known only at the end, collected outside the arena, so that it holds each only once. */
#ifndef DM_BASE_ROWS_H
#define DM_BASE_ROWS_H

#include "base/arena.h"
#include "base/err.h"

struct dm_rows {
    char *at;
    size_t size; /* of one */
    uint32_t count;
    uint32_t capacity;
};

void dm_rows_free(struct dm_rows *rows);
/* Room for one more, zeroed; NULL when memory is out. Earlier ones move. */
void *dm_rows_add(struct dm_rows *rows);
/* All of them in the arena. */
DM_MUST_USE enum dm_code dm_rows_move(struct dm_rows *rows, struct dm_arena *arena, const void **ret,
                                      struct dm_err *err);

#endif
