/* park.c: requests that wait for a document to move: long polls and synchronous uploads, thousands of them, without
 * a thread each.
 *
 * Between the handler's read and the parking the document may move. So the park counts the changes that it hears of and
 * remembers the last of them; a connection is parked only if none of those since its handler began was of its document, and
 * if too many came to remember it is sent to its handler once more. A hub that missed a change (another process made
 * it) costs time only: every parked request is looked at again now and then. */
#include <string.h>

#include "base/alloc.h"
#include "connection.h"

enum { BUCKETS = 1024, REMEMBERED = 1024 };

struct dm_park {
    struct dm_server *server;
    struct dm_runtime runtime;
    _Atomic uint64_t moves;
    struct dm_monitor *lock;    /* guards all below */
    uint64_t moved[REMEMBERED]; /* hashes of the files that moved last */
    struct dm_connection *buckets[BUCKETS];
    uint32_t count;
    bool closed;
};

/* FNV-1a over the id. Ids are ours and unpredictable, nobody can aim at a bucket. */
static uint64_t hash_of(const struct dm_file *file)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char *c = file->id; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
    return hash;
}

enum dm_code dm_park_make(struct dm_server *server, struct dm_park **ret, struct dm_err *err)
{
    struct dm_park *park = dm_alloc_zero(1, sizeof(*park));
    if (!park)
        return dm_fail_memory(err);
    park->server = server;
    park->runtime = server->runtime;
    enum dm_code rc = dm_monitor_make(park->runtime, &park->lock, err);
    if (rc != DM_OK) {
        dm_free(park);
        return rc;
    }
    *ret = park;
    return DM_OK;
}

void dm_park_free(struct dm_park *park)
{
    if (!park)
        return;
    dm_monitor_free(park->runtime, park->lock);
    dm_free(park);
}

uint64_t dm_park_moves(struct dm_park *park)
{
    return atomic_load(&park->moves);
}

static void unlink_parked(struct dm_park *park, struct dm_connection **head, struct dm_connection *connection)
{
    if (connection->parked_previous)
        connection->parked_previous->parked_next = connection->parked_next;
    else
        *head = connection->parked_next;
    if (connection->parked_next)
        connection->parked_next->parked_previous = connection->parked_previous;
    connection->parked_previous = NULL;
    park->count--;
}

/* Takes those of a bucket that `woken` picks into a list of their own; with the lock held. */
static void pick(struct dm_park *park, struct dm_connection **bucket, struct dm_connection **list,
                 bool (*woken)(const struct dm_connection *, const void *), const void *argument)
{
    struct dm_connection *next;
    for (struct dm_connection *connection = *bucket; connection; connection = next) {
        next = connection->parked_next;
        if (!woken(connection, argument))
            continue;
        unlink_parked(park, bucket, connection);
        connection->parked_next = *list;
        *list = connection;
    }
}

/* Without the lock: resuming takes a lock of the HTTP library's. */
static void wake(struct dm_connection *list)
{
    while (list) {
        struct dm_connection *connection = list;
        list = connection->parked_next;
        dm_connection_resume(connection, connection->wait_inline ? DM_NEXT_HANDLE_INLINE : DM_NEXT_HANDLE);
    }
}

bool dm_park_add(struct dm_park *park, struct dm_connection *connection, uint64_t moves)
{
    uint64_t hash = hash_of(&connection->wait.file);
    struct dm_connection **bucket = &park->buckets[hash % BUCKETS];
    connection->recheck_ms = dm_mono_ms(park->runtime) + park->server->options.recheck_ms;
    dm_lock(park->runtime, park->lock);
    uint64_t now = atomic_load(&park->moves);
    bool moved = park->closed || now - moves > REMEMBERED;
    for (uint64_t i = moves; !moved && i < now; i++)
        moved = park->moved[i % REMEMBERED] == hash;
    if (!moved) {
        connection->parked_previous = NULL;
        connection->parked_next = *bucket;
        if (*bucket)
            (*bucket)->parked_previous = connection;
        *bucket = connection;
        park->count++;
    }
    dm_unlock(park->runtime, park->lock);
    return !moved;
}

struct move {
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    const struct dm_state *state;
};

static bool is_moved(const struct dm_connection *connection, const void *argument)
{
    const struct move *move = argument;
    const struct dm_wait *wait = &connection->wait;
    return dm_file_eq(&wait->file, move->file) && dm_tenant_eq(&wait->tenant, move->tenant) &&
           move->state->version > wait->after_version &&
           (!wait->until_ended || dm_status_is_final(move->state->status));
}

void dm_park_moved(void *context, const struct dm_tenant *tenant, const struct dm_file *file,
                   const struct dm_state *state)
{
    struct dm_park *park = context;
    const struct move move = { tenant, file, state };
    uint64_t hash = hash_of(file);
    struct dm_connection *woken = NULL;
    dm_lock(park->runtime, park->lock);
    uint64_t now = atomic_load(&park->moves);
    park->moved[now % REMEMBERED] = hash;
    atomic_store(&park->moves, now + 1);
    pick(park, &park->buckets[hash % BUCKETS], &woken, is_moved, &move);
    dm_unlock(park->runtime, park->lock);
    wake(woken);
}

static bool is_due(const struct dm_connection *connection, const void *argument)
{
    const int64_t *now_ms = argument;
    return connection->wait.deadline_mono_ms <= *now_ms || connection->recheck_ms <= *now_ms;
}

static bool is_any(const struct dm_connection *connection, const void *argument)
{
    (void)connection;
    (void)argument;
    return true;
}

static void wake_all_that(struct dm_park *park, bool (*woken)(const struct dm_connection *, const void *),
                          const void *argument, bool close)
{
    struct dm_connection *list = NULL;
    dm_lock(park->runtime, park->lock);
    park->closed |= close;
    for (size_t i = 0; park->count > 0 && i < BUCKETS; i++)
        pick(park, &park->buckets[i], &list, woken, argument);
    dm_unlock(park->runtime, park->lock);
    wake(list);
}

void dm_park_tick(struct dm_park *park, int64_t now_ms)
{
    wake_all_that(park, is_due, &now_ms, false);
}

void dm_park_close(struct dm_park *park)
{
    wake_all_that(park, is_any, NULL, true);
}
