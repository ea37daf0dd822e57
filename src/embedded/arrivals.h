/* arrivals.h: the newest uploads by name, so that a crash leaves none of their bytes behind. Private to this room. */
#ifndef DM_EMBEDDED_ARRIVALS_H
#define DM_EMBEDDED_ARRIVALS_H

#include "ports/blob.h"
#include "ports/store.h"

struct dm_arrivals;

/* Removes the sources that the process before has put and that no record of this database names; then begins anew. The
 * folder is locked by the caller. */
DM_MUST_USE enum dm_code dm_arrivals_open(int folder_fd, const char *sqlite_path, struct dm_blob blob,
                                          struct dm_store store, struct dm_arrivals **ret, struct dm_err *err);
/* Before the blob gets its name. What cannot be noted is not: the worst is that bytes stay that nobody asks for. */
void dm_arrivals_add(struct dm_arrivals *arrivals, const struct dm_tenant *tenant, struct dm_str key);
void dm_arrivals_close(struct dm_arrivals *arrivals); /* in good order: all were accepted or removed; accepts NULL */

#endif
