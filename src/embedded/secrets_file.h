/* secrets_file.h: the secrets port over a key file. Private to this room. */
#ifndef DM_EMBEDDED_SECRETS_FILE_H
#define DM_EMBEDDED_SECRETS_FILE_H

#include "ports/secrets.h"

struct dm_key_file;

/* Reads the key `name` in the folder, or makes it where it is absent. DM_REFUSED where others may read it.
 * `path` is for sentences. */
DM_MUST_USE enum dm_code dm_key_file_open(int folder_fd, const char *name, const char *path, struct dm_key_file **ret,
                                          struct dm_err *err);
void dm_key_file_close(struct dm_key_file *file); /* wipes the key; accepts NULL */
struct dm_secrets dm_key_file_secrets(struct dm_key_file *file);

#endif
