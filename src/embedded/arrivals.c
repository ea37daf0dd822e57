/* arrivals.c: a ring of the newest uploads.
 *
 * The bytes of an upload are durable before the record that names them, so a crash between the two leaves bytes that
 * nothing names. To find them among all blobs would take as long as there are many; so each is noted here first, and
 * the next to open the folder looks only at those. The ring is longer than there can be uploads between the two at one
 * time. It is not synced: what a power cut takes of it is bytes that stay.
 *
 * A source is removed only where the database has no record of it, and only by the word of a slot that was written
 * beside this very database: with another one in its place it is not ours to judge. */
#include "embedded/arrivals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "embedded/folder.h"

enum { SLOTS = 1024, SLOT_BYTES = 256, ARENA_MAX = 1 << 20 };

struct dm_arrivals {
    int fd;
    uint64_t database; /* its inode */
    atomic_uint_fast64_t count;
};

/* A slot is "database tenant file", ended by NUL. False where it is none, torn by a power cut perhaps. */
static bool parse_slot(const char slot[SLOT_BYTES], uint64_t database, struct dm_tenant *ret_tenant,
                       struct dm_file *ret_file)
{
    struct dm_str rest = dm_str_of(slot, strnlen(slot, SLOT_BYTES));
    struct dm_str words[3];
    for (size_t i = 0; i < DM_COUNT(words); i++) {
        words[i] = dm_str_cut(rest, 0, dm_str_find_char(rest, ' '));
        rest = dm_str_from(rest, words[i].len + 1);
    }
    uint64_t number;
    return dm_str_to_u64(words[0], &number) && number == database &&
           dm_tenant_parse(words[1], ret_tenant, NULL) == DM_OK && dm_file_parse(words[2], ret_file, NULL) == DM_OK;
}

static enum dm_code remove_unnamed(const struct dm_arrivals *arrivals, struct dm_blob blob, struct dm_store store,
                                   struct dm_err *err)
{
    char slot[SLOT_BYTES];
    enum dm_code rc = DM_OK;
    for (off_t at = 0; rc == DM_OK && pread(arrivals->fd, slot, SLOT_BYTES, at) == SLOT_BYTES; at += SLOT_BYTES) {
        struct dm_tenant tenant;
        struct dm_file file;
        if (!parse_slot(slot, arrivals->database, &tenant, &file))
            continue;
        DM_AUTO(dm_arena) arena = dm_arena_make(ARENA_MAX);
        struct dm_snapshot snapshot;
        rc = dm_store_read(store, &tenant, &file, DM_PART_STATE, &arena, &snapshot, err);
        if (rc != DM_NOT_FOUND)
            continue;
        const struct dm_blob_key key = dm_key_source(&file);
        rc = dm_blob_remove(blob, &tenant, dm_str_z(key.text), err);
    }
    return rc;
}

enum dm_code dm_arrivals_open(int folder_fd, const char *sqlite_path, struct dm_blob blob, struct dm_store store,
                              struct dm_arrivals **ret, struct dm_err *err)
{
    struct stat database;
    if (stat(sqlite_path, &database) < 0)
        return dm_fail_errno(err, errno, "the database %s", sqlite_path);
    struct dm_arrivals *arrivals = dm_alloc_zero(1, sizeof(*arrivals));
    if (!arrivals)
        return dm_fail_memory(err);
    arrivals->database = (uint64_t)database.st_ino;
    atomic_init(&arrivals->count, 0);
    arrivals->fd = openat(folder_fd, "arrivals", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum dm_code rc = arrivals->fd < 0 ? dm_fail_errno(err, errno, "the file arrivals cannot be opened")
                                       : remove_unnamed(arrivals, blob, store, err);
    if (rc == DM_OK && ftruncate(arrivals->fd, 0) < 0)
        rc = dm_fail_errno(err, errno, "the file arrivals cannot be emptied");
    if (rc != DM_OK) {
        dm_close_fd(&arrivals->fd);
        dm_free(arrivals);
        return rc;
    }
    *ret = arrivals;
    return DM_OK;
}

void dm_arrivals_add(struct dm_arrivals *arrivals, const struct dm_tenant *tenant, struct dm_str key)
{
    char slot[SLOT_BYTES] = "";
    struct dm_str file = dm_str_cut(key, 0, dm_str_find_char(key, '/'));
    int len = snprintf(slot, sizeof(slot), "%" PRIu64 " %s %.*s", arrivals->database, tenant->id, DM_STR_ARG(file));
    uint64_t number = atomic_fetch_add(&arrivals->count, 1) % SLOTS;
    if (len < SLOT_BYTES && pwrite(arrivals->fd, slot, SLOT_BYTES, (off_t)(number * SLOT_BYTES)) < 0)
        return;
}

void dm_arrivals_close(struct dm_arrivals *arrivals)
{
    if (!arrivals)
        return;
    if (ftruncate(arrivals->fd, 0) < 0)
        errno = 0; /* then the next to open looks at all of them once more */
    dm_close_fd(&arrivals->fd);
    dm_free(arrivals);
}
