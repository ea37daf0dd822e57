/* sqlite_pool.c: the readers and their snapshots.
 *
 * A poll for a document reads two rows; beginning and ending a read transaction for it would cost more than the
 * reading, because both take locks on a file. So a reader keeps its snapshot until something has been committed
 * after it was taken. The number of commits is raised before the writer acknowledges one, so whoever was told
 * "done" finds it.
 *
 * An old snapshot keeps SQLite from emptying its log into the database. None grows old: one that is stale when
 * its user is done ends at once, and those that became stale lying idle are ended by the writer before it
 * empties the log. Readers that are never idle it can hold up for a moment. */
#include "embedded/sqlite_store.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/check.h"

enum { TAKE_WAIT_MS = 10000 };

void dm_readers_make(struct dm_readers *readers, const char *path, uint32_t max, atomic_uint_fast64_t *commits)
{
    memset(readers, 0, sizeof(*readers));
    readers->path = path;
    readers->commits = commits;
    readers->max = max;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&readers->mutex, NULL);
    pthread_cond_init(&readers->returned, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct timespec timespec_in(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / DM_SECOND_MS;
    at.tv_nsec += ms % DM_SECOND_MS * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void end_snapshot(struct dm_reader_db *reader)
{
    if (!reader->in_snapshot)
        return;
    reader->in_snapshot = false;
    /* Some errors have ended it already; then there is nothing to end. */
    if (!sqlite3_get_autocommit(reader->db.handle) && dm_db_run(&reader->db, DM_SQL_COMMIT, NULL) != DM_OK)
        reader->in_snapshot = dm_db_run(&reader->db, DM_SQL_ROLLBACK, NULL) != DM_OK;
}

static void free_reader(struct dm_reader_db *reader)
{
    end_snapshot(reader);
    dm_db_close(&reader->db);
    dm_free(reader);
}

void dm_readers_free(struct dm_readers *readers)
{
    while (readers->idle) {
        struct dm_reader_db *next = readers->idle->next;
        free_reader(readers->idle);
        readers->idle = next;
        readers->made--;
    }
    DM_CHECK(readers->made == 0);
    pthread_cond_destroy(&readers->returned);
    pthread_mutex_destroy(&readers->mutex);
}

static enum dm_code make_reader(const struct dm_readers *readers, struct dm_reader_db **ret, struct dm_err *err)
{
    struct dm_reader_db *reader = dm_alloc_zero(1, sizeof(*reader));
    if (!reader)
        return dm_fail_memory(err);
    enum dm_code rc = dm_db_open(&reader->db, readers->path, DM_DB_READ, err);
    if (rc != DM_OK) {
        dm_free(reader);
        return rc;
    }
    *ret = reader;
    return DM_OK;
}

/* With the mutex held: an idle reader; or NULL with *ret_make where a new one may be made; or NULL after too
 * long a wait. */
static struct dm_reader_db *take_idle(struct dm_readers *readers, bool *ret_make)
{
    struct timespec until = { 0 };
    *ret_make = false;
    while (readers->paused || (!readers->idle && readers->made == readers->max)) {
        if (until.tv_sec == 0)
            until = timespec_in(TAKE_WAIT_MS);
        readers->waiting++;
        int rc = pthread_cond_timedwait(&readers->returned, &readers->mutex, &until);
        readers->waiting--;
        if (rc == ETIMEDOUT)
            return NULL;
    }
    struct dm_reader_db *reader = readers->idle;
    if (reader) {
        readers->idle = reader->next;
    } else {
        *ret_make = true;
        readers->made++;
    }
    readers->busy++;
    return reader;
}

static enum dm_code begin_snapshot(struct dm_readers *readers, struct dm_reader_db *reader, struct dm_err *err)
{
    uint64_t commits = atomic_load_explicit(readers->commits, memory_order_acquire);
    if (reader->in_snapshot && reader->seen == commits)
        return DM_OK;
    end_snapshot(reader);
    /* The snapshot itself is taken by the first statement that reads, so it can only be newer than `commits`. */
    enum dm_code rc = dm_db_run(&reader->db, DM_SQL_BEGIN, err);
    if (rc != DM_OK)
        return rc;
    reader->in_snapshot = true;
    reader->seen = commits;
    return DM_OK;
}

enum dm_code dm_readers_take(struct dm_readers *readers, struct dm_reader_db **ret, struct dm_err *err)
{
    bool make;
    pthread_mutex_lock(&readers->mutex);
    struct dm_reader_db *reader = take_idle(readers, &make);
    pthread_mutex_unlock(&readers->mutex);
    if (!reader && !make)
        return dm_fail(err, DM_BUSY, "all %u readers of the database are busy", (unsigned)readers->max);
    enum dm_code rc = reader ? DM_OK : make_reader(readers, &reader, err);
    if (rc != DM_OK) {
        pthread_mutex_lock(&readers->mutex);
        readers->made--;
        readers->busy--;
        pthread_cond_broadcast(&readers->returned);
        pthread_mutex_unlock(&readers->mutex);
        return rc;
    }
    DM_CHECK(reader);
    rc = begin_snapshot(readers, reader, err);
    if (rc != DM_OK) {
        dm_readers_give(readers, reader, rc);
        return rc;
    }
    *ret = reader;
    return DM_OK;
}

void dm_readers_give(struct dm_readers *readers, struct dm_reader_db *reader, enum dm_code rc)
{
    if ((rc != DM_OK && rc != DM_NOT_FOUND) ||
        reader->seen != atomic_load_explicit(readers->commits, memory_order_relaxed))
        end_snapshot(reader);
    pthread_mutex_lock(&readers->mutex);
    reader->next = readers->idle;
    readers->idle = reader;
    readers->busy--;
    if (readers->paused)
        pthread_cond_broadcast(&readers->returned); /* to the one who pauses them */
    else if (readers->waiting > 0)
        pthread_cond_signal(&readers->returned);
    pthread_mutex_unlock(&readers->mutex);
}

void dm_readers_pause(struct dm_readers *readers, int64_t wait_ms)
{
    struct timespec until = timespec_in(wait_ms);
    pthread_mutex_lock(&readers->mutex);
    readers->paused = true;
    while (readers->busy > 0 && pthread_cond_timedwait(&readers->returned, &readers->mutex, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&readers->mutex);
    dm_readers_let_go(readers);
}

void dm_readers_resume(struct dm_readers *readers)
{
    pthread_mutex_lock(&readers->mutex);
    readers->paused = false;
    pthread_cond_broadcast(&readers->returned);
    pthread_mutex_unlock(&readers->mutex);
}

void dm_readers_let_go(struct dm_readers *readers)
{
    pthread_mutex_lock(&readers->mutex);
    for (struct dm_reader_db *reader = readers->idle; reader; reader = reader->next)
        end_snapshot(reader);
    pthread_mutex_unlock(&readers->mutex);
}

/* ---- lookups ------------------------------------------------------------------------------------------------- */

enum dm_code dm_lookup_begin(struct dm_sqlite *sqlite, enum dm_sql which, struct dm_lookup *ret, struct dm_err *err)
{
    struct dm_lookup lookup = { .readers = &sqlite->readers };
    enum dm_code rc = dm_readers_take(lookup.readers, &lookup.reader, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_db_take(&lookup.reader->db, which, &lookup.row, err);
    if (rc != DM_OK) {
        dm_readers_give(lookup.readers, lookup.reader, rc);
        return rc;
    }
    *ret = lookup;
    return DM_OK;
}

enum dm_code dm_lookup_next(struct dm_lookup *lookup, bool *ret_found, const char *what, struct dm_err *err)
{
    return dm_db_step(&lookup->reader->db, lookup->row, ret_found, what, err);
}

void dm_lookup_end(struct dm_lookup *lookup, enum dm_code rc)
{
    dm_db_give(lookup->row);
    dm_readers_give(lookup->readers, lookup->reader, rc);
}
