/* files.h: blobs as files, as their own code sees them. Private to this room.
 *
 *   files.c        the port: put, get, open, remove
 *   files_sink.c   uploads of unknown length
 *   files_path.c   where a key lies
 *   files_list.c   everything below a prefix: listing and removing
 *   files_sync.c   syncs of folders, shared by those who wait for the same one
 *
 * The key {a}/{b}/… of a tenant lies at <folder>/<tenant>/<two digits of a hash of a>/{a},{b}/…: its first slash
 * is written as a comma. So a document's source and result lie beside those of others in one of 256 folders per
 * tenant, a new document needs no folder of its own, and one sync of a folder serves all who put something into
 * it at that time. Only what a document has many of (segments, images) lies in folders of its own.
 *
 * Keys are [A-Za-z0-9._/-] without "." at the start of a part; a key cannot also be the folder of another (a/b
 * and a/b/c). */
#ifndef DM_EMBEDDED_FILES_H
#define DM_EMBEDDED_FILES_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <openssl/evp.h>

#include "embedded/arrivals.h"
#include "ports/blob.h"

/* ---- syncs of folders (files_sync.c) ------------------------------------------------------------------------- */

enum { DM_FOLDERS_KNOWN = 1024 };

struct dm_sync_group;

struct dm_syncer {
    pthread_mutex_t mutex; /* guards all of it */
    struct dm_sync_group *groups;
    uint64_t known[DM_FOLDERS_KNOWN]; /* folders whose own entry is durable, by inode; 0: free */
    uint64_t syncs;                   /* of folders, ever */
};

void dm_syncer_make(struct dm_syncer *syncer);
void dm_syncer_free(struct dm_syncer *syncer);
/* The names in the folder are as durable as the disk can make them. Callers who come while the same folder is
 * being synced share the next sync. */
DM_MUST_USE enum dm_code dm_syncer_sync(struct dm_syncer *syncer, int folder_fd, struct dm_err *err);
/* `folders` holds count descriptors, each folder in the one before. The last is synced, and every one above
 * whose entry may not be durable yet. */
DM_MUST_USE enum dm_code dm_syncer_sync_path(struct dm_syncer *syncer, const int *folders, uint32_t count,
                                             struct dm_err *err);
/* Before the folder is removed: its number may be given to another. */
void dm_syncer_forget(struct dm_syncer *syncer, int folder_fd);

/* ---- places (files_path.c) ----------------------------------------------------------------------------------- */

enum { DM_PLACE_DEPTH = 8, DM_PLACE_NAME = DM_BLOB_KEY_MAX + 1, DM_BUCKETS = 256 };

/* Open folders from the root down to the one that holds the blob, and the blob's name in it. */
struct dm_place {
    int folders[DM_PLACE_DEPTH]; /* [0] is the root and borrowed */
    uint32_t count;
    char name[DM_PLACE_NAME];
};

void dm_place_free(struct dm_place *place);
static inline int dm_place_folder(const struct dm_place *place)
{
    return place->folders[place->count - 1];
}
/* DM_INVALID: no key. DM_NOT_FOUND where a folder is absent and `make` is not set; without a sentence, because
 * callers differ in it. */
DM_MUST_USE enum dm_code dm_place_open(int root_fd, const struct dm_tenant *tenant, struct dm_str key, bool make,
                                       struct dm_place *ret, struct dm_err *err);
/* The folder of the tenant's n-th bucket, or DM_NOT_FOUND. */
DM_MUST_USE enum dm_code dm_bucket_open(int root_fd, const struct dm_tenant *tenant, uint32_t n, int *ret_fd,
                                        struct dm_err *err);

/* ---- the port ------------------------------------------------------------------------------------------------ */

struct dm_files {
    char *path; /* for sentences */
    int root_fd;
    int spool_fd; /* this process's folder for what has no name yet; locked as long as it is in use */
    char spool_name[24];
    uint64_t floor_bytes;
    atomic_uint_fast64_t spooled; /* names of spooled files */
    struct dm_arrivals *arrivals; /* where uploads are noted; borrowed, may be NULL */
    struct dm_syncer syncer;
    pthread_mutex_t mutex; /* guards sha256 */
    EVP_MD
    *sha256; /* fetched on first need: OpenSSL's start takes time and memory that an idle server need not spend */
};

/* DM_NO_SPACE below the floor. */
DM_MUST_USE enum dm_code dm_files_check_space(const struct dm_files *files, struct dm_err *err);
/* An empty spooled file. */
DM_MUST_USE enum dm_code dm_files_spool(struct dm_files *files, char name[24], int *ret_fd, struct dm_err *err);
enum dm_publishing {
    DM_PUBLISH_OVER, /* over whatever has the name */
    DM_PUBLISH_NEW,  /* DM_EXISTS rather than overwrite */
    /* Over; and nobody asks for the name before a record says that it is good, as with an upload. So it gets its name
     * before its bytes are synced: a journalling file system then writes both down at once, which halves the waits. */
    DM_PUBLISH_UNNAMED
};

/* Gives a spooled file, written and closed or not, its place; on failure it is removed. */
DM_MUST_USE enum dm_code dm_files_publish(struct dm_files *files, const char *spooled, int fd,
                                          const struct dm_tenant *tenant, struct dm_str key,
                                          enum dm_durability durability, enum dm_publishing how, struct dm_err *err);
DM_MUST_USE enum dm_code dm_write_all(int fd, struct dm_str first, struct dm_str second, struct dm_err *err);

enum dm_code dm_files_sink_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err);
enum dm_code dm_files_sink_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err);
enum dm_code dm_files_sink_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                                  enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err);
void dm_files_sink_abandon(void *self, struct dm_sink *sink);
enum dm_code dm_files_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_err *err);
enum dm_code dm_files_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                           uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err);

#endif
