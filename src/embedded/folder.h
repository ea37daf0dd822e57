/* folder.h: making, opening and locking the folders that hold everything. Private to this room. */
#ifndef DM_EMBEDDED_FOLDER_H
#define DM_EMBEDDED_FOLDER_H

#include "base/buf.h"

/* Opens a folder as a descriptor; makes it, and what lies above it, with mode 0700 where it is absent. What was
 * made is durable. */
DM_MUST_USE enum dm_code dm_folder_open(const char *path, int *ret_fd, struct dm_err *err);
/* Takes the lock file `name` in the folder for this process until the descriptor is closed, and writes the pid into it.
 * DM_BUSY, naming the pid that has it. `path` is for the sentence. */
DM_MUST_USE enum dm_code dm_folder_lock(int folder_fd, const char *name, const char *path, int *ret_fd,
                                        struct dm_err *err);
/* Removes everything in the folder behind `fd` but not the folder itself. Goes on after a failure; the first one
 * is the answer. */
DM_MUST_USE enum dm_code dm_folder_empty(int fd, const char *what, struct dm_err *err);
void dm_close_fd(int *fd); /* for DM_CLEANUP; -1 is nothing */
int dm_move_fd(int *fd);   /* hands it over; *fd is -1 afterwards */

#endif
