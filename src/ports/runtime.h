/* runtime.h: a port: tasks, waiting, time and chance.
 *
 * Stages and handlers are ordinary blocking functions; they start tasks, sleep, wait, lock, tell the time and draw
 * random numbers only through here: threads in production, single-threaded fibers in the simulator.
 *
 * `mono_ms` never goes back and has no meaning outside the process: deadlines and durations use it. `wall_ms` is for
 * what others read; it may jump. */
#ifndef DM_PORTS_RUNTIME_H
#define DM_PORTS_RUNTIME_H

#include "base/err.h"
#include "base/id.h"

/* A wait that never ends by time. */
#define DM_FOREVER INT64_MAX

typedef void dm_task_function(void *argument);

struct dm_task;    /* something that runs; joined exactly once */
struct dm_monitor; /* a lock together with a place to wait for a change of what it guards */

struct dm_runtime_ops {
    const char *name;
    int64_t (*wall_ms)(void *self);
    int64_t (*mono_ms)(void *self);
    void (*random)(void *self, void *bytes, size_t size); /* fit for keys in production */
    void (*sleep_until)(void *self, int64_t mono_ms);
    /* `name` is shown by debuggers, at most 15 characters, static. DM_NO_MEMORY or DM_BUSY. */
    enum dm_code (*spawn)(void *self, const char *name, dm_task_function *function, void *argument,
                          struct dm_task **ret, struct dm_err *err);
    void (*join)(void *self, struct dm_task *task); /* waits for its end and forgets it */
    enum dm_code (*monitor_make)(void *self, struct dm_monitor **ret, struct dm_err *err);
    void (*monitor_free)(void *self, struct dm_monitor *monitor); /* accepts NULL; nobody holds or waits */
    void (*lock)(void *self, struct dm_monitor *monitor);
    void (*unlock)(void *self, struct dm_monitor *monitor);
    /* Called with the lock held, which is given up while waiting and held again on return. False: the deadline passed.
     * May wake without cause: callers loop on their condition. */
    bool (*wait_until)(void *self, struct dm_monitor *monitor, int64_t mono_ms);
    void (*wake_all)(void *self, struct dm_monitor *monitor); /* with the lock held */
    void (*wake_one)(void *self, struct dm_monitor *monitor); /* with the lock held */
};

struct dm_runtime {
    const struct dm_runtime_ops *ops;
    void *self;
};

int64_t dm_wall_ms(struct dm_runtime runtime);
int64_t dm_mono_ms(struct dm_runtime runtime);
void dm_random(struct dm_runtime runtime, void *bytes, size_t size);
void dm_sleep_until(struct dm_runtime runtime, int64_t mono_ms);
DM_MUST_USE enum dm_code dm_spawn(struct dm_runtime runtime, const char *name, dm_task_function *function,
                                  void *argument, struct dm_task **ret, struct dm_err *err);
void dm_join(struct dm_runtime runtime, struct dm_task *task);
DM_MUST_USE enum dm_code dm_monitor_make(struct dm_runtime runtime, struct dm_monitor **ret, struct dm_err *err);
void dm_monitor_free(struct dm_runtime runtime, struct dm_monitor *monitor);
void dm_lock(struct dm_runtime runtime, struct dm_monitor *monitor);
void dm_unlock(struct dm_runtime runtime, struct dm_monitor *monitor);
bool dm_wait_until(struct dm_runtime runtime, struct dm_monitor *monitor, int64_t mono_ms);
void dm_wake_all(struct dm_runtime runtime, struct dm_monitor *monitor);
void dm_wake_one(struct dm_runtime runtime, struct dm_monitor *monitor);

/* A fresh id (base/id.h) of now. */
struct dm_str dm_fresh_id(struct dm_runtime runtime, char text[DM_ID_TEXT]);

#endif
