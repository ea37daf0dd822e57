/* embedded.c: opens and closes the folder with everything in it.
 *
 * The order matters: the lock first, because everything after it changes files that another process may be
 * using; the key before the database, because a refused key must leave all as it was. */
#include "embedded/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "embedded/arrivals.h"
#include "embedded/files.h"
#include "embedded/folder.h"
#include "embedded/secrets_file.h"
#include "embedded/sqlite_store.h"
#include "embedded/stream_ring.h"

enum { PATH_MAX_BYTES = 4096 };

struct dm_embedded {
    int folder_fd;
    int lock_fd;
    int sqlite_lock_fd; /* where the database lies outside the folder */
    struct dm_key_file *key;
    struct dm_sqlite *sqlite;
    struct dm_files *files;
    struct dm_arrivals *arrivals;
    struct dm_ring *ring;
};

/* `given`, or the default below the folder. */
static enum dm_code path_of(const char *given, const char *folder, const char *name, struct dm_buf *ret,
                            struct dm_err *err)
{
    if (given)
        dm_buf_add_z(ret, given);
    else
        dm_buf_addf(ret, "%s/%s", folder, name);
    return dm_buf_check(ret, "the path of a file", err);
}

/* A database elsewhere has a lock of its own beside it: two folders may name the same one. */
static enum dm_code lock_sqlite(struct dm_embedded *embedded, const char *path, struct dm_err *err)
{
    DM_AUTO(dm_buf) lock = dm_buf_make(PATH_MAX_BYTES);
    dm_buf_addf(&lock, "%s.lock", path);
    enum dm_code rc = dm_buf_check(&lock, "the path of the database", err);
    return rc == DM_OK ? dm_folder_lock(AT_FDCWD, lock.at, path, &embedded->sqlite_lock_fd, err) : rc;
}

/* The database, and the note of what arrives beside it. */
static enum dm_code open_ledger(struct dm_embedded *embedded, const struct dm_embedded_options *options,
                                struct dm_embedded_set *set, struct dm_err *err)
{
    DM_AUTO(dm_buf) path = dm_buf_make(PATH_MAX_BYTES);
    struct dm_sqlite_found found = { 0 };
    enum dm_code rc = path_of(options->sqlite_path, options->folder, "docmill.db", &path, err);
    if (rc == DM_OK)
        rc = dm_sqlite_open(path.at, options->read_connections, &embedded->sqlite, &found, err);
    if (rc == DM_OK)
        rc = dm_arrivals_open(embedded->folder_fd, path.at, dm_files_blob(embedded->files),
                              dm_sqlite_store(embedded->sqlite), &embedded->arrivals, err);
    if (rc != DM_OK)
        return rc;
    embedded->files->arrivals = embedded->arrivals;
    set->store = dm_sqlite_store(embedded->sqlite);
    set->op = dm_sqlite_operator(embedded->sqlite);
    set->schema_before = found.schema_before;
    set->schema = dm_sqlite_migration_count;
    set->claims_given_back = found.given_back;
    return DM_OK;
}

static enum dm_code open_all(struct dm_embedded *embedded, const struct dm_embedded_options *options,
                             struct dm_embedded_set *set, struct dm_err *err)
{
    DM_AUTO(dm_buf) blob_folder = dm_buf_make(PATH_MAX_BYTES);
    struct dm_embedded_set opened = { .runtime = dm_threads_runtime(), .embedded = embedded };
    enum dm_code rc = path_of(options->blob_folder, options->folder, "blobs", &blob_folder, err);
    if (rc == DM_OK)
        rc = dm_folder_open(options->folder, &embedded->folder_fd, err);
    if (rc == DM_OK)
        rc = dm_folder_lock(embedded->folder_fd, "lock", options->folder, &embedded->lock_fd, err);
    if (rc == DM_OK && options->sqlite_path && !options->ledger_elsewhere)
        rc = lock_sqlite(embedded, options->sqlite_path, err);
    if (rc == DM_OK)
        rc = dm_key_file_open(embedded->folder_fd, "secret.key", options->folder, &embedded->key, err);
    if (rc == DM_OK)
        rc = dm_files_open(blob_folder.at, options->free_space_floor_bytes, &embedded->files, err);
    if (rc == DM_OK && !options->ledger_elsewhere)
        rc = open_ledger(embedded, options, &opened, err);
    if (rc == DM_OK)
        rc = dm_ring_make(dm_threads_runtime(), &embedded->ring, err);
    /* The database, the key and the blobs' folder are names in this one. */
    if (rc == DM_OK && fsync(embedded->folder_fd) < 0)
        rc = dm_fail_errno(err, errno, "the folder %s cannot be synced", options->folder);
    if (rc != DM_OK)
        return rc;
    opened.blob = dm_files_blob(embedded->files);
    opened.stream = dm_ring_stream(embedded->ring);
    opened.secrets = dm_key_file_secrets(embedded->key);
    *set = opened;
    return DM_OK;
}

static void close_all(struct dm_embedded *embedded)
{
    dm_ring_free(embedded->ring);
    dm_sqlite_close(embedded->sqlite);
    dm_files_close(embedded->files);
    dm_arrivals_close(embedded->arrivals);
    dm_key_file_close(embedded->key);
    dm_close_fd(&embedded->sqlite_lock_fd);
    dm_close_fd(&embedded->lock_fd);
    dm_close_fd(&embedded->folder_fd);
    dm_free(embedded);
}

enum dm_code dm_embedded_open(const struct dm_embedded_options *options, struct dm_embedded_set *ret,
                              struct dm_err *err)
{
    struct dm_embedded *embedded = dm_alloc_zero(1, sizeof(*embedded));
    if (!embedded)
        return dm_fail_memory(err);
    embedded->folder_fd = embedded->lock_fd = embedded->sqlite_lock_fd = -1;
    struct dm_embedded_set set;
    enum dm_code rc = open_all(embedded, options, &set, err);
    if (rc != DM_OK) {
        close_all(embedded);
        return rc;
    }
    *ret = set;
    return DM_OK;
}

void dm_embedded_close(struct dm_embedded_set *set)
{
    if (set->embedded)
        close_all(set->embedded);
    *set = (struct dm_embedded_set){ 0 };
}
