/* fiber.h: stacks that take turns on one thread (ucontext; also under AddressSanitizer, by its fiber annotations).
 *
 * A fiber that is abandoned is not unwound: what it held belongs to its node and goes with the node's memory. */
#ifndef DM_SIM_FIBER_H
#define DM_SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

struct node;
struct sim;

struct fiber_context {
    ucontext_t context;
    void *fake_stack; /* AddressSanitizer's */
    const void *bottom;
    size_t size;
};

enum fiber_wait { FIBER_READY, FIBER_LOCK, FIBER_WAIT, FIBER_JOIN, FIBER_BLOCKED, FIBER_DONE };

struct fiber {
    struct sim *sim;
    struct node *node; /* NULL: the world's own */
    uint32_t incarnation;
    const char *name;
    void (*function)(void *);
    void *argument;
    struct fiber_context self;
    char *stack;
    enum fiber_wait wait;
    void *on;        /* what it waits for */
    int64_t wake_us; /* INT64_MAX: only when somebody wakes it */
    uint64_t tie;    /* chance decides among those of one instant */
    bool woken;      /* by somebody, not by time */
    bool detached;
    void (*abandon)(void *argument); /* frees the argument of a fiber that never ends; NULL: nothing to free */
};

/* The fiber begins at its first switch. False when memory is out. */
bool fiber_make(struct fiber *fiber, struct fiber_context *home);
/* From home into the fiber, and back. `ending`: the fiber will not go on. */
void fiber_enter(struct fiber *fiber, struct fiber_context *home);
void fiber_leave(struct fiber *fiber, struct fiber_context *home, bool ending);
void fiber_drop(struct fiber *fiber); /* its stack goes back into the pool; from home only */
void fiber_pool_free(void);

#endif
