/* embedded.h: the door of the room where docmill needs nothing but one machine.
 *
 * One folder holds everything: the ledger in SQLite (docmill.db), the blobs as files (blobs/), and the key that
 * seals secrets (secret.key). dm_embedded_open gives the ports over it. A folder belongs to one process at a
 * time: a second one is refused, with the pid of the first in the sentence.
 *
 * What is durable when a port answers is said in ports/store.h and ports/blob.h. Opening a folder gives back
 * what the process before held: its claims and leases count as run out, and their documents are due at once. */
#ifndef DM_EMBEDDED_H
#define DM_EMBEDDED_H

#include "ports/blob.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/store.h"
#include "ports/stream.h"

/* Threads, the system's clocks and its random numbers. Needs no folder, is always there and never closed. */
struct dm_runtime dm_threads_runtime(void);

struct dm_embedded_options {
    const char *folder;              /* made with mode 0700 where it is absent */
    const char *sqlite_path;         /* NULL: docmill.db in the folder */
    const char *blob_folder;         /* NULL: blobs in the folder; made where it is absent */
    uint64_t free_space_floor_bytes; /* below it uploads are refused with DM_NO_SPACE; 0: no floor */
    bool ledger_elsewhere;           /* no database is opened: the set has no store, and no operator's handle */
    uint32_t read_connections;       /* how many tasks may read the store at once; 0: as many as suit most machines */
};

struct dm_embedded;

struct dm_embedded_set {
    struct dm_runtime runtime;
    struct dm_store store;
    struct dm_operator op;
    struct dm_blob blob;
    struct dm_stream stream;
    struct dm_secrets secrets;
    uint32_t schema_before;       /* of the database as it was found; 0: it was made now */
    uint32_t schema;              /* what it is now */
    uint64_t claims_given_back;   /* claims and leases of the process before */
    struct dm_embedded *embedded; /* for dm_embedded_close */
};

/* DM_BUSY: another process has the folder. DM_REFUSED: the folder holds something that this program must not touch (a
 * database of a newer docmill or of another program, a key that others may read). DM_IO, DM_NO_SPACE, DM_CORRUPT. */
DM_MUST_USE enum dm_code dm_embedded_open(const struct dm_embedded_options *options, struct dm_embedded_set *ret,
                                          struct dm_err *err);
/* After it none of the ports may be used, and nobody may be in one of their calls. Accepts an empty set; empties it. */
void dm_embedded_close(struct dm_embedded_set *set);

/* Blobs alone, as files below a folder that several processes may share: for servers whose ledger lies elsewhere. */
struct dm_files;

DM_MUST_USE enum dm_code dm_files_open(const char *folder, uint64_t free_space_floor_bytes, struct dm_files **ret,
                                       struct dm_err *err);
struct dm_blob dm_files_blob(struct dm_files *files);
void dm_files_close(struct dm_files *files); /* accepts NULL */

#endif
