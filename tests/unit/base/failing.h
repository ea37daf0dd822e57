/* failing.h: an allocator that counts its blocks and fails the n-th call, once or from then on. */
#ifndef DM_TESTS_BASE_FAILING_H
#define DM_TESTS_BASE_FAILING_H

#include <stdlib.h>

#include "base/alloc.h"

struct failing {
    struct dm_allocator allocator;
    unsigned calls;
    unsigned fail_at; /* from 1; 0: never */
    bool for_good;    /* every call from then on, too */
    unsigned failed;
    long live; /* blocks not given back */
};

static inline bool failing_now(struct failing *failing)
{
    failing->calls++;
    bool now = failing->calls == failing->fail_at || (failing->for_good && failing->failed > 0);
    failing->failed += now;
    return now;
}

static inline void *failing_allocate(void *self, size_t size)
{
    struct failing *failing = self;
    if (failing_now(failing))
        return NULL;
    void *block = malloc(size);
    failing->live += block != NULL;
    return block;
}

static inline void *failing_reallocate(void *self, void *block, size_t size)
{
    struct failing *failing = self;
    if (failing_now(failing))
        return NULL;
    void *moved = realloc(block, size);
    failing->live += moved && !block;
    return moved;
}

static inline void failing_release(void *self, void *block)
{
    struct failing *failing = self;
    failing->live -= block != NULL;
    free(block);
}

static inline void failing_begin(struct failing *failing, unsigned fail_at, bool for_good)
{
    *failing = (struct failing){ .allocator = { failing_allocate, failing_reallocate, failing_release, failing },
                                 .fail_at = fail_at,
                                 .for_good = for_good };
    (void)dm_allocator_use(&failing->allocator);
}

/* Everything must have been given back. Whether a call failed at all: no, and there is no further n to try. */
static inline bool failing_end(struct failing *failing)
{
    assert_ptr_equal(dm_allocator_use(NULL), &failing->allocator);
    assert_int_equal(failing->live, 0);
    return failing->failed > 0;
}

#endif
