/* memory_blob.h: the blob port in memory, for the simulator.
 *
 * Like the store it is a part of the durable world that all nodes share. A sink lives in it, too, not in the node that
 * writes to it: whoever crashes a node abandons the sinks that it had open. */
#ifndef DM_SIM_MEMORY_BLOB_H
#define DM_SIM_MEMORY_BLOB_H

#include "ports/blob.h"

struct memory_blob;

struct memory_blob *memory_blob_make(void);
void memory_blob_free(struct memory_blob *blob); /* accepts NULL; takes open sinks with it */
struct dm_blob memory_blob_port(struct memory_blob *blob);

/* While it is full no intake begins and no byte can be written, of intake or of work: DM_NO_SPACE. What is there can be
 * read and removed, and a sink that has all its bytes be finished. */
void memory_blob_set_full(struct memory_blob *blob, bool full);
/* As after a power cut: each derived blob may be gone. `random` is asked once for each, in their order. */
void memory_blob_forget_derived(struct memory_blob *blob, uint64_t (*random)(void *context), void *context);

/* ---- for the judge: not for several threads at once ---------------------------------------------------------- */

/* Ascending by tenant and key. `visit` must not change anything here. */
void memory_blob_each(struct memory_blob *blob,
                      void (*visit)(void *context, const struct dm_tenant *tenant, struct dm_str key,
                                    struct dm_str bytes),
                      void *context);
/* Borrowed until the next change. */
bool memory_blob_find(struct memory_blob *blob, const struct dm_tenant *tenant, struct dm_str key,
                      struct dm_str *ret_bytes);
uint32_t memory_blob_sinks(const struct memory_blob *blob); /* that are open */

#endif
