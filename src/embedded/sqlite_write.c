/* sqlite_write.c: the writer task, which groups commits.
 *
 * A sync costs milliseconds, a transaction microseconds. So callers hand their transaction over and wait; the
 * writer takes all that wait, runs each inside a savepoint of one SQLite transaction, commits once, and tells
 * each how its own ended. When nothing is being written it starts at once: while it syncs the next group gathers
 * by itself, so no delay is ever added.
 *
 * An answer is given only after the sync. If that fails, all of the group get the failure, those with a conflict
 * too: what they lost against has not happened. */
#include "embedded/sqlite_store.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "base/alloc.h"
#include "base/check.h"
#include "embedded/embedded.h"

enum {
    QUEUE_MAX = 1024,
    CHECK_WAIT_MS = 1000,
    /* The log is emptied into the database at this many pages (4 MB): large enough to write a page that changes often
     * only once, small enough that readers find most pages without it. */
    LOG_PAGES = 1000,
    /* Where readers have kept it from being emptied until here, they are made to let go of it. */
    LOG_PAGES_INSIST = 3 * LOG_PAGES,
    PAUSE_WAIT_MS = 200,
};

struct request {
    const struct dm_tenant *tenant;
    const struct dm_file *file;
    struct dm_transaction *transaction; /* NULL: erase some, or one of these */
    const struct dm_pausing *pausing;   /* NULL: one of the others */
    const struct dm_secret_write *secret;
    bool more;  /* of erasing */
    sem_t done; /* its own, so that the end of a group wakes nobody into the queue for one lock */
    enum dm_code rc;
    struct dm_err err;
    struct request *next;
};

struct dm_writer {
    struct dm_db db; /* the task's own */
    struct dm_readers *readers;
    atomic_uint_fast64_t *commits;
    struct dm_task *task;
    int log_pages;          /* in the log after the last commit */
    int empty_at;           /* when to try to empty it */
    bool log_empty;         /* all of it is in the database: the next write may begin it anew */
    enum dm_code last_code; /* of the last attempt to commit */
    struct dm_err last_err;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work;
    pthread_cond_t checked;
    struct request *first;
    struct request **last;
    uint32_t queued;
    bool stopping;
    uint64_t checks_wanted;
    uint64_t checks_done;
    enum dm_code check_code;
    struct dm_err check_err;
};

/* ---- one group ----------------------------------------------------------------------------------------------- */

static int on_log_written(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct dm_writer *writer = context;
    if (pages < writer->log_pages)
        writer->empty_at = LOG_PAGES; /* it was begun anew */
    writer->log_pages = pages;
    return SQLITE_OK;
}

static void roll_back(struct dm_db *db)
{
    if (!sqlite3_get_autocommit(db->handle) && dm_db_run(db, DM_SQL_ROLLBACK, NULL) != DM_OK)
        DM_CHECK(sqlite3_get_autocommit(db->handle));
}

/* Leaves nothing of a request that failed. Where that cannot be had, the whole transaction is undone. */
static void run_one(struct dm_writer *writer, struct request *request)
{
    struct dm_db *db = &writer->db;
    request->rc = dm_db_run(db, DM_SQL_SAVEPOINT, &request->err);
    if (request->rc != DM_OK) {
        roll_back(db);
        return;
    }
    if (request->pausing)
        request->rc = dm_sqlite_apply_pause(db, request->pausing, &request->err);
    else if (request->secret)
        request->rc = dm_sqlite_apply_secret(db, request->secret, &request->err);
    else if (request->transaction)
        request->rc = dm_sqlite_apply(db, request->tenant, request->file, request->transaction, &request->err);
    else
        request->rc = dm_sqlite_erase_some(db, request->tenant, request->file, &request->more, &request->err);
    if (sqlite3_get_autocommit(db->handle))
        return; /* that error has undone it already */
    struct dm_err err;
    enum dm_code rc = request->rc == DM_OK ? DM_OK : dm_db_run(db, DM_SQL_ROLLBACK_TO, &err);
    if (rc == DM_OK)
        rc = dm_db_run(db, DM_SQL_RELEASE, &err);
    if (rc != DM_OK) {
        request->rc = rc;
        request->err = err;
        roll_back(db);
    }
}

/* The requests from `first` up to `end` share a fate. */
static void fail_all(struct request *first, const struct request *end, enum dm_code rc, const struct dm_err *err)
{
    for (struct request *request = first; request != end; request = request->next) {
        request->rc = rc;
        request->err = *err;
        if (request->transaction)
            request->transaction->ret_conflict = DM_CONFLICT_NONE;
    }
}

/* Runs requests from `first` on in one SQLite transaction; answers the first that is not in it, because an error
 * ended the transaction before. */
static struct request *run_transaction(struct dm_writer *writer, struct request *first)
{
    struct dm_db *db = &writer->db;
    struct dm_err err = { 0 };
    if (writer->log_empty)
        dm_readers_let_go(writer->readers);
    enum dm_code rc = dm_db_run(db, DM_SQL_BEGIN_IMMEDIATE, &err);
    if (rc != DM_OK) {
        fail_all(first, NULL, rc, &err);
        writer->last_code = rc;
        writer->last_err = err;
        return NULL;
    }
    bool wrote = false;
    struct request *request = first;
    for (; request; request = request->next) {
        run_one(writer, request);
        if (sqlite3_get_autocommit(db->handle)) {
            struct request *rest = request->next;
            rc = request->rc != DM_OK ? request->rc : DM_IO;
            err = request->err;
            fail_all(first, rest, rc, &err);
            writer->last_code = rc;
            writer->last_err = err;
            return rest;
        }
        wrote = wrote || request->rc == DM_OK;
    }
    if (!wrote) {
        roll_back(db);
        return NULL;
    }
    rc = dm_db_run(db, DM_SQL_COMMIT, &err);
    if (rc != DM_OK) {
        roll_back(db);
        fail_all(first, NULL, rc, &err);
    } else {
        writer->log_empty = false;
        atomic_fetch_add_explicit(writer->commits, 1, memory_order_release);
    }
    writer->last_code = rc;
    writer->last_err = err;
    return NULL;
}

static bool move_log(struct dm_writer *writer)
{
    int pages = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(writer->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    return rc == SQLITE_OK && pages == moved;
}

/* All readers, also those that never rest, change over to the newest snapshot; they are held up for as long as the reads
 * under way take. */
static void renew_readers(struct dm_writer *writer)
{
    dm_readers_pause(writer->readers, PAUSE_WAIT_MS);
    dm_readers_resume(writer->readers);
}

/* Moves the log's pages into the database when there are many. What a reader still needs stays for the next time. Once
 * all are moved readers change over to snapshots that need no log, so that it can begin anew instead of growing. */
static void empty_log(struct dm_writer *writer)
{
    if (writer->log_pages < writer->empty_at)
        return;
    bool insist = writer->log_pages >= LOG_PAGES_INSIST;
    if (insist)
        renew_readers(writer);
    else
        dm_readers_let_go(writer->readers);
    writer->log_empty = move_log(writer);
    writer->empty_at = writer->log_pages + LOG_PAGES;
    if (!writer->log_empty)
        return;
    atomic_fetch_add_explicit(writer->commits, 1, memory_order_release);
    if (insist)
        renew_readers(writer);
}

/* A real write only where the last one failed: asking must not cost a sync, and must find out when space is back. */
static enum dm_code probe(struct dm_writer *writer, struct dm_err *err)
{
    struct dm_db *db = &writer->db;
    enum dm_code rc = dm_db_run(db, DM_SQL_BEGIN_IMMEDIATE, err);
    if (rc != DM_OK)
        return rc;
    if (writer->last_code == DM_OK) {
        roll_back(db);
        return DM_OK;
    }
    rc = dm_db_run(db, DM_SQL_PROBE, err);
    if (rc == DM_OK)
        rc = dm_db_run(db, DM_SQL_COMMIT, err);
    roll_back(db);
    if (rc == DM_OK) {
        writer->log_empty = false;
        atomic_fetch_add_explicit(writer->commits, 1, memory_order_release);
    }
    writer->last_code = rc;
    return rc;
}

/* ---- the task ------------------------------------------------------------------------------------------------ */

static void answer_check(struct dm_writer *writer)
{
    uint64_t wanted = writer->checks_wanted;
    struct dm_err err = { 0 };
    pthread_mutex_unlock(&writer->mutex);
    enum dm_code rc = probe(writer, &err);
    pthread_mutex_lock(&writer->mutex);
    writer->check_code = rc;
    writer->check_err = err;
    writer->checks_done = wanted;
    pthread_cond_broadcast(&writer->checked);
}

static void write_group(struct dm_writer *writer)
{
    struct request *group = writer->first;
    writer->first = NULL;
    writer->last = &writer->first;
    writer->queued = 0;
    pthread_mutex_unlock(&writer->mutex);
    for (struct request *request = group; request;)
        request = run_transaction(writer, request);
    for (struct request *request = group; request;) {
        struct request *next = request->next; /* once it is done its owner may be gone with it */
        DM_CHECK(sem_post(&request->done) == 0);
        request = next;
    }
    empty_log(writer);
    pthread_mutex_lock(&writer->mutex);
}

static void writer_main(void *argument)
{
    struct dm_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        /* Checks come first: they are quick, and a busy writer must not look like a dead one. */
        if (writer->checks_done != writer->checks_wanted)
            answer_check(writer);
        else if (writer->first)
            write_group(writer);
        else if (writer->stopping)
            break;
        else
            pthread_cond_wait(&writer->work, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
}

enum dm_code dm_writer_start(struct dm_db *db, struct dm_readers *readers, atomic_uint_fast64_t *commits,
                             struct dm_writer **ret, struct dm_err *err)
{
    struct dm_writer *writer = dm_alloc_zero(1, sizeof(*writer));
    if (!writer)
        return dm_fail_memory(err);
    *writer = (struct dm_writer){ .db = *db, .readers = readers, .commits = commits, .empty_at = LOG_PAGES };
    *db = (struct dm_db){ 0 };
    writer->last = &writer->first;
    sqlite3_wal_hook(writer->db.handle, on_log_written, writer);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->work, &attributes);
    pthread_cond_init(&writer->checked, &attributes);
    pthread_condattr_destroy(&attributes);
    enum dm_code rc = dm_spawn(dm_threads_runtime(), "store-writer", writer_main, writer, &writer->task, err);
    if (rc != DM_OK) {
        dm_writer_free(writer);
        return rc;
    }
    *ret = writer;
    return DM_OK;
}

void dm_writer_stop(struct dm_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
    dm_join(dm_threads_runtime(), writer->task);
}

void dm_writer_free(struct dm_writer *writer)
{
    if (!writer)
        return;
    dm_db_close(&writer->db);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->checked);
    pthread_mutex_destroy(&writer->mutex);
    dm_free(writer);
}

/* ---- callers ------------------------------------------------------------------------------------------------- */

static enum dm_code hand_over(struct dm_writer *writer, struct request *request, struct dm_err *err)
{
    DM_CHECK(sem_init(&request->done, 0, 0) == 0);
    pthread_mutex_lock(&writer->mutex);
    if (writer->stopping || writer->queued >= QUEUE_MAX) {
        pthread_mutex_unlock(&writer->mutex);
        return dm_fail(err, DM_BUSY, "%d transactions already wait for the database", (int)QUEUE_MAX);
    }
    *writer->last = request;
    writer->last = &request->next;
    writer->queued++;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->mutex);
    while (sem_wait(&request->done) < 0)
        DM_CHECK(errno == EINTR);
    DM_CHECK(sem_destroy(&request->done) == 0);
    if (request->rc != DM_OK && err)
        *err = request->err;
    return request->rc;
}

enum dm_code dm_writer_commit(struct dm_writer *writer, const struct dm_tenant *tenant, const struct dm_file *file,
                              struct dm_transaction *transaction, struct dm_err *err)
{
    struct request request = { .tenant = tenant, .file = file, .transaction = transaction };
    return hand_over(writer, &request, err);
}

enum dm_code dm_writer_erase(struct dm_writer *writer, const struct dm_tenant *tenant, const struct dm_file *file,
                             struct dm_err *err)
{
    for (;;) {
        struct request request = { .tenant = tenant, .file = file };
        enum dm_code rc = hand_over(writer, &request, err);
        if (rc != DM_OK || !request.more)
            return rc;
    }
}

enum dm_code dm_writer_pause(struct dm_writer *writer, const struct dm_pausing *pausing, struct dm_err *err)
{
    struct request request = { .pausing = pausing };
    return hand_over(writer, &request, err);
}

enum dm_code dm_writer_secret(struct dm_writer *writer, const struct dm_secret_write *write, struct dm_err *err)
{
    struct request request = { .secret = write };
    return hand_over(writer, &request, err);
}

enum dm_code dm_writer_check(struct dm_writer *writer, struct dm_err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CHECK_WAIT_MS / 1000;
    pthread_mutex_lock(&writer->mutex);
    uint64_t mine = ++writer->checks_wanted;
    pthread_cond_signal(&writer->work);
    int waited = 0;
    while (writer->checks_done < mine && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&writer->checked, &writer->mutex, &until);
    enum dm_code rc = DM_OK;
    if (writer->checks_done < mine)
        rc = dm_fail(err, DM_TIMEOUT, "the database has not finished a write for %d ms", (int)CHECK_WAIT_MS);
    else if (writer->check_code != DM_OK)
        rc = dm_fail(err, writer->check_code, "%s", writer->check_err.text);
    pthread_mutex_unlock(&writer->mutex);
    return rc;
}
