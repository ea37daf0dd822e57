/* pool.c: handlers off the event loops. Tasks are started when a request waits and none is free, and leave after
 * some idle seconds, so that a server at rest keeps none. */
#include "base/alloc.h"
#include "connection.h"

enum { IDLE_MS = 10000 };

struct worker {
    struct dm_pool *pool;
    struct dm_task *task;
    struct worker *next; /* among those that have left */
};

struct dm_pool {
    struct dm_server *server;
    struct dm_runtime runtime;
    uint32_t workers_max;
    uint32_t queue_max;
    struct dm_monitor *monitor; /* guards all below */
    struct dm_connection *first;
    struct dm_connection *last;
    uint32_t waiting; /* queued or reserved */
    uint32_t queued;
    uint32_t workers;
    uint32_t idle;
    struct worker *left; /* ended, to be joined by whoever comes next */
    bool stopping;
};

enum dm_code dm_pool_make(struct dm_server *server, struct dm_pool **ret, struct dm_err *err)
{
    struct dm_pool *pool = dm_alloc_zero(1, sizeof(*pool));
    if (!pool)
        return dm_fail_memory(err);
    pool->server = server;
    pool->runtime = server->runtime;
    pool->workers_max = server->options.handlers_max;
    pool->queue_max = server->options.handlers_queue;
    enum dm_code rc = dm_monitor_make(pool->runtime, &pool->monitor, err);
    if (rc != DM_OK) {
        dm_free(pool);
        return rc;
    }
    *ret = pool;
    return DM_OK;
}

/* With the lock held. */
static struct dm_connection *take(struct dm_pool *pool)
{
    struct dm_connection *connection = pool->first;
    if (!connection)
        return NULL;
    pool->first = connection->queued;
    if (!pool->first)
        pool->last = NULL;
    pool->waiting--;
    pool->queued--;
    return connection;
}

static void work(void *argument)
{
    struct worker *self = argument;
    struct dm_pool *pool = self->pool;
    dm_lock(pool->runtime, pool->monitor);
    for (;;) {
        struct dm_connection *connection = take(pool);
        if (connection) {
            dm_unlock(pool->runtime, pool->monitor);
            dm_connection_handle(connection);
            dm_lock(pool->runtime, pool->monitor);
            continue;
        }
        if (pool->stopping)
            break;
        int64_t until_ms = dm_mono_ms(pool->runtime) + IDLE_MS;
        bool in_time = true;
        pool->idle++;
        while (!pool->first && !pool->stopping && in_time)
            in_time = dm_wait_until(pool->runtime, pool->monitor, until_ms);
        pool->idle--;
        if (!in_time && !pool->first)
            break;
    }
    pool->workers--;
    self->next = pool->left;
    pool->left = self;
    dm_wake_all(pool->runtime, pool->monitor);
    dm_unlock(pool->runtime, pool->monitor);
}

/* Joins what has left; with the lock held, given up meanwhile. They are past all but their last instructions. */
static void join_left(struct dm_pool *pool)
{
    while (pool->left) {
        struct worker *worker = pool->left;
        pool->left = worker->next;
        dm_unlock(pool->runtime, pool->monitor);
        dm_join(pool->runtime, worker->task);
        dm_free(worker);
        dm_lock(pool->runtime, pool->monitor);
    }
}

/* With the lock held: a task more, if one is wanted and allowed. */
static void grow(struct dm_pool *pool)
{
    if (pool->queued <= pool->idle || pool->workers >= pool->workers_max || pool->stopping)
        return;
    struct worker *worker = dm_alloc_zero(1, sizeof(*worker));
    struct dm_err err;
    if (!worker)
        return;
    worker->pool = pool;
    /* The new task takes the lock first thing, so it sees `task` set. Where none can be started, those there are go on;
     * without any, the request is handled by the caller. */
    if (dm_spawn(pool->runtime, "handler", work, worker, &worker->task, &err) == DM_OK)
        pool->workers++;
    else
        dm_free(worker);
}

bool dm_pool_reserve(struct dm_pool *pool)
{
    dm_lock(pool->runtime, pool->monitor);
    bool free = pool->waiting < pool->queue_max && !pool->stopping;
    pool->waiting += free;
    dm_unlock(pool->runtime, pool->monitor);
    return free;
}

void dm_pool_submit(struct dm_pool *pool, struct dm_connection *connection)
{
    connection->queued = NULL;
    dm_lock(pool->runtime, pool->monitor);
    join_left(pool);
    if (pool->last)
        pool->last->queued = connection;
    else
        pool->first = connection;
    pool->last = connection;
    pool->queued++;
    grow(pool);
    bool orphaned = pool->workers == 0;
    if (orphaned)
        take(pool);
    dm_wake_one(pool->runtime, pool->monitor);
    dm_unlock(pool->runtime, pool->monitor);
    if (orphaned)
        dm_connection_handle(connection);
}

void dm_pool_close(struct dm_pool *pool)
{
    dm_lock(pool->runtime, pool->monitor);
    pool->stopping = true;
    dm_wake_all(pool->runtime, pool->monitor);
    while (pool->workers > 0)
        (void)dm_wait_until(pool->runtime, pool->monitor, DM_FOREVER);
    join_left(pool);
    dm_unlock(pool->runtime, pool->monitor);
}

void dm_pool_free(struct dm_pool *pool)
{
    if (!pool)
        return;
    dm_pool_close(pool);
    dm_monitor_free(pool->runtime, pool->monitor);
    dm_free(pool);
}
