/* fiber.c: switching, and a pool of stacks. */
#include "fiber.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define ASAN 1
#else
#define ASAN 0
#endif

/* The stages keep batches of 40 pages and look-ups of 64 tenants on the stack. Not more: AddressSanitizer clears the
 * shadow of the whole stack at each switch. */
enum { STACK_BYTES = 256 * 1024, POOL_MAX = 512 };

static char *pool[POOL_MAX];
static uint32_t pool_count;

static char *take_stack(void)
{
    if (pool_count > 0)
        return pool[--pool_count];
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return stack == MAP_FAILED ? NULL : stack;
}

static void give_stack(char *stack)
{
#if ASAN
    __asan_unpoison_memory_region(stack, STACK_BYTES);
#endif
    if (pool_count < POOL_MAX)
        pool[pool_count++] = stack;
    else
        munmap(stack, STACK_BYTES);
}

void fiber_pool_free(void)
{
    while (pool_count > 0)
        munmap(pool[--pool_count], STACK_BYTES);
}

static void arrive(struct fiber_context *at, const void **bottom, size_t *size)
{
#if ASAN
    __sanitizer_finish_switch_fiber(at->fake_stack, bottom, size);
#else
    (void)at;
    (void)bottom;
    (void)size;
#endif
}

static struct fiber_context *homes; /* of the fiber that begins */

static void begin(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)(((uintptr_t)high << 32) | low);
    struct fiber_context *home = homes;
    arrive(&fiber->self, &home->bottom, &home->size);
    fiber->function(fiber->argument);
    fiber->wait = FIBER_DONE;
    fiber_leave(fiber, home, true);
}

bool fiber_make(struct fiber *fiber, struct fiber_context *home)
{
    fiber->stack = take_stack();
    if (!fiber->stack)
        return false;
    fiber->self.bottom = fiber->stack;
    fiber->self.size = STACK_BYTES;
    DM_CHECK(getcontext(&fiber->self.context) == 0);
    fiber->self.context.uc_stack.ss_sp = fiber->stack;
    fiber->self.context.uc_stack.ss_size = STACK_BYTES;
    fiber->self.context.uc_link = &home->context;
    uintptr_t self = (uintptr_t)fiber;
    makecontext(&fiber->self.context, (void (*)(void))begin, 2, (unsigned)(self >> 32), (unsigned)self);
    return true;
}

void fiber_enter(struct fiber *fiber, struct fiber_context *home)
{
    homes = home;
#if ASAN
    __sanitizer_start_switch_fiber(&home->fake_stack, fiber->self.bottom, fiber->self.size);
#endif
    swapcontext(&home->context, &fiber->self.context);
    arrive(home, &fiber->self.bottom, &fiber->self.size);
}

void fiber_leave(struct fiber *fiber, struct fiber_context *home, bool ending)
{
#if ASAN
    __sanitizer_start_switch_fiber(ending ? NULL : &fiber->self.fake_stack, home->bottom, home->size);
#else
    (void)ending;
#endif
    swapcontext(&fiber->self.context, &home->context);
    arrive(&fiber->self, &home->bottom, &home->size);
}

void fiber_drop(struct fiber *fiber)
{
    give_stack(fiber->stack);
    fiber->stack = NULL;
}
