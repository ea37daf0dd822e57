/* sqlite_store.c: the store and operator ports over SQLite. */
#include "embedded/sqlite_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "embedded/folder.h"

enum { READ_CONNECTIONS = 4, PATH_MAX_BYTES = 4096 };

static enum dm_code sqlite_commit(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                  struct dm_transaction *transaction, struct dm_err *err)
{
    return dm_writer_commit(((struct dm_sqlite *)self)->writer, tenant, file, transaction, err);
}

static enum dm_code sqlite_erase(void *self, const struct dm_tenant *tenant, const struct dm_file *file,
                                 struct dm_err *err)
{
    return dm_writer_erase(((struct dm_sqlite *)self)->writer, tenant, file, err);
}

static enum dm_code sqlite_check(void *self, struct dm_err *err)
{
    struct dm_sqlite *sqlite = self;
    struct dm_found found;
    uint32_t count;
    enum dm_code rc = dm_sqlite_due(self, 0, NULL, 1, &found, &count, err);
    return rc == DM_OK ? dm_writer_check(sqlite->writer, err) : rc;
}

static const struct dm_store_ops store_ops = {
    .name = "sqlite",
    .read = dm_sqlite_read,
    .pages = dm_sqlite_pages,
    .events = dm_sqlite_events,
    .list = dm_sqlite_list,
    .idem = dm_sqlite_idem,
    .commit = sqlite_commit,
    .erase = sqlite_erase,
    .check = sqlite_check,
    .secret_put = dm_sqlite_secret_put,
    .secret_get = dm_sqlite_secret_get,
    .secret_remove = dm_sqlite_secret_remove,
};

static const struct dm_operator_ops operator_ops = {
    .ready_tenants = dm_sqlite_ready_tenants,
    .ready = dm_sqlite_ready,
    .due = dm_sqlite_due,
    .owner = dm_sqlite_owner,
    .stalled = dm_sqlite_stalled,
    .ended = dm_sqlite_ended,
    .pause = dm_sqlite_pause,
    .resume = dm_sqlite_resume,
    .paused = dm_sqlite_paused,
    .pauses = dm_sqlite_pauses,
    .secrets = dm_sqlite_secrets,
};

struct dm_store dm_sqlite_store(struct dm_sqlite *sqlite)
{
    return (struct dm_store){ &store_ops, sqlite };
}

struct dm_operator dm_sqlite_operator(struct dm_sqlite *sqlite)
{
    return (struct dm_operator){ &operator_ops, sqlite };
}

/* SQLite would make the file for everybody to read; its companions take over its mode. */
static enum dm_code make_file(const char *path, struct dm_err *err)
{
    DM_CLEANUP(dm_close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? DM_OK : dm_fail_errno(err, errno, "the database %s cannot be opened", path);
}

static enum dm_code open_writer(struct dm_sqlite *sqlite, uint32_t read_connections, struct dm_sqlite_found *ret_found,
                                struct dm_err *err)
{
    struct dm_sqlite_found found = { 0 };
    struct dm_db db = { 0 };
    enum dm_code rc = make_file(sqlite->path, err);
    if (rc == DM_OK)
        rc = dm_db_open(&db, sqlite->path, DM_DB_WRITE, err);
    if (rc == DM_OK)
        rc = dm_sqlite_migrate(&db, sqlite->path, dm_sqlite_migrations, dm_sqlite_migration_count, &found.schema_before,
                               err);
    if (rc == DM_OK)
        rc = dm_sqlite_give_back(&db, &found.given_back, err);
    if (rc != DM_OK) {
        dm_db_close(&db);
        return rc;
    }
    dm_readers_make(&sqlite->readers, sqlite->path, read_connections ? read_connections : READ_CONNECTIONS,
                    &sqlite->commits);
    rc = dm_writer_start(&db, &sqlite->readers, &sqlite->commits, &sqlite->writer, err);
    if (rc == DM_OK) {
        *ret_found = found;
    } else {
        dm_db_close(&db); /* unless the writer has taken it, and closed it */
        dm_readers_free(&sqlite->readers);
    }
    return rc;
}

enum dm_code dm_sqlite_open(const char *path, uint32_t read_connections, struct dm_sqlite **ret,
                            struct dm_sqlite_found *ret_found, struct dm_err *err)
{
    struct dm_sqlite *sqlite = dm_alloc_zero(1, sizeof(*sqlite));
    if (!sqlite)
        return dm_fail_memory(err);
    /* SQLite takes some names for something else than a file's (":memory:", "file:…"); none that begin like a path. */
    DM_AUTO(dm_buf) name = dm_buf_make(PATH_MAX_BYTES);
    dm_buf_addf(&name, "%s%s", *path == '/' ? "" : "./", path);
    sqlite->path = name.failed ? NULL : dm_str_dup_z(dm_buf_str(&name));
    atomic_init(&sqlite->commits, 0);
    enum dm_code rc = dm_buf_check(&name, "the path of the database", err);
    if (rc == DM_OK)
        rc = sqlite->path ? open_writer(sqlite, read_connections, ret_found, err) : dm_fail_memory(err);
    if (rc != DM_OK) {
        dm_free(sqlite->path);
        dm_free(sqlite);
        return rc;
    }
    *ret = sqlite;
    return DM_OK;
}

void dm_sqlite_close(struct dm_sqlite *sqlite)
{
    if (!sqlite)
        return;
    dm_writer_stop(sqlite->writer);
    dm_readers_free(&sqlite->readers);
    dm_writer_free(sqlite->writer);
    dm_free(sqlite->path);
    dm_free(sqlite);
}
