/* threads.c: the runtime port over POSIX threads.
 *
 * Stacks are small, because a server has many tasks and most of them wait. Waits use the monotonic clock, so
 * that nobody sleeps through a jump of the wall clock. Tasks take no signals: the main thread, which called
 * nobody's function, gets them all. */
#include "embedded/embedded.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/check.h"

enum { NAME_MAX_BYTES = 16 };

/* Sanitizers keep more on the stack than the program itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STACK_BYTES = 1024 * 1024 };
#else
enum { STACK_BYTES = 256 * 1024 };
#endif

/* Farther deadlines than this (some 30,000 years) are "never": they would overflow a timespec on their way. */
static const int64_t FAR_MS = (int64_t)1 << 50;

struct dm_task {
    pthread_t thread;
    dm_task_function *function;
    void *argument;
    const char *name;
};

struct dm_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    DM_CHECK(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * DM_SECOND_MS + now.tv_nsec / 1000000;
}

static int64_t threads_wall_ms(void *self)
{
    return read_clock(CLOCK_REALTIME);
}

static int64_t threads_mono_ms(void *self)
{
    return read_clock(CLOCK_MONOTONIC);
}

static void threads_random(void *self, void *bytes, size_t size)
{
    unsigned char *at = bytes;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        DM_CHECK(got > 0 || errno == EINTR);
        if (got < 0)
            continue;
        at += got;
        size -= (size_t)got;
    }
}

static struct timespec timespec_of(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    if (ms > FAR_MS)
        ms = FAR_MS;
    return (struct timespec){ .tv_sec = ms / DM_SECOND_MS, .tv_nsec = ms % DM_SECOND_MS * 1000000 };
}

static void threads_sleep_until(void *self, int64_t mono_ms)
{
    const struct timespec until = timespec_of(mono_ms);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

static void *run(void *argument)
{
    struct dm_task *task = argument;
    char name[NAME_MAX_BYTES] = "";
    strncpy(name, task->name ? task->name : "task", sizeof(name) - 1);
    pthread_setname_np(pthread_self(), name);
    task->function(task->argument);
    return NULL;
}

/* Everything but the signals that a thread sends to itself by a fault. */
static void fill_with_foreign_signals(sigset_t *set)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
    sigfillset(set);
    for (size_t i = 0; i < DM_COUNT(own); i++)
        sigdelset(set, own[i]);
}

static enum dm_code threads_spawn(void *self, const char *name, dm_task_function *function, void *argument,
                                  struct dm_task **ret, struct dm_err *err)
{
    struct dm_task *task = dm_alloc(sizeof(*task));
    if (!task)
        return dm_fail_memory(err);
    *task = (struct dm_task){ .function = function, .argument = argument, .name = name };
    pthread_attr_t attributes;
    sigset_t blocked, before;
    fill_with_foreign_signals(&blocked);
    int rc = pthread_attr_init(&attributes);
    if (rc == 0) {
        rc = pthread_attr_setstacksize(&attributes, STACK_BYTES);
        pthread_sigmask(SIG_SETMASK, &blocked, &before);
        if (rc == 0)
            rc = pthread_create(&task->thread, &attributes, run, task);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
    }
    if (rc != 0) {
        dm_free(task);
        return dm_fail(err, rc == EAGAIN ? DM_BUSY : DM_NO_MEMORY, "no thread for the task %s: %s",
                       name ? name : "task", strerrordesc_np(rc));
    }
    *ret = task;
    return DM_OK;
}

static void threads_join(void *self, struct dm_task *task)
{
    DM_CHECK(pthread_join(task->thread, NULL) == 0);
    dm_free(task);
}

static enum dm_code threads_monitor_make(void *self, struct dm_monitor **ret, struct dm_err *err)
{
    struct dm_monitor *monitor = dm_alloc(sizeof(*monitor));
    if (!monitor)
        return dm_fail_memory(err);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&monitor->mutex, NULL);
    pthread_cond_init(&monitor->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret = monitor;
    return DM_OK;
}

static void threads_monitor_free(void *self, struct dm_monitor *monitor)
{
    if (!monitor)
        return;
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->mutex);
    dm_free(monitor);
}

static void threads_lock(void *self, struct dm_monitor *monitor)
{
    DM_CHECK(pthread_mutex_lock(&monitor->mutex) == 0);
}

static void threads_unlock(void *self, struct dm_monitor *monitor)
{
    DM_CHECK(pthread_mutex_unlock(&monitor->mutex) == 0);
}

static bool threads_wait_until(void *self, struct dm_monitor *monitor, int64_t mono_ms)
{
    if (mono_ms > FAR_MS)
        return pthread_cond_wait(&monitor->changed, &monitor->mutex) == 0;
    const struct timespec until = timespec_of(mono_ms);
    return pthread_cond_timedwait(&monitor->changed, &monitor->mutex, &until) != ETIMEDOUT;
}

static void threads_wake_all(void *self, struct dm_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}

static void threads_wake_one(void *self, struct dm_monitor *monitor)
{
    pthread_cond_signal(&monitor->changed);
}

static const struct dm_runtime_ops ops = {
    .name = "threads",
    .wall_ms = threads_wall_ms,
    .mono_ms = threads_mono_ms,
    .random = threads_random,
    .sleep_until = threads_sleep_until,
    .spawn = threads_spawn,
    .join = threads_join,
    .monitor_make = threads_monitor_make,
    .monitor_free = threads_monitor_free,
    .lock = threads_lock,
    .unlock = threads_unlock,
    .wait_until = threads_wait_until,
    .wake_all = threads_wake_all,
    .wake_one = threads_wake_one,
};

struct dm_runtime dm_threads_runtime(void)
{
    return (struct dm_runtime){ .ops = &ops, .self = NULL };
}
