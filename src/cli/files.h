/* files.h: private to cli: files that a person names. */
#ifndef DM_CLI_FILES_H
#define DM_CLI_FILES_H

#include "base/buf.h"
#include "cli/commands.h"

/* A document to be read, open. "-" is standard input. */
struct dm_input {
    int fd;             /* -1: not open */
    int64_t size_bytes; /* -1: not known, a pipe */
    struct dm_str name; /* without its folder; borrowed from the path */
    bool ours;          /* to be closed */
};

/* DM_IO and others name the path in their sentence. A folder is refused. */
DM_MUST_USE enum dm_code dm_input_open(const char *path, const char *name, struct dm_input *ret, struct dm_err *err);
void dm_input_close(struct dm_input *input);

/* The password that flags or the environment give, or the empty slice. It lives in `arena`. */
DM_MUST_USE enum dm_code dm_password_read(const struct dm_call *call, struct dm_arena *arena, struct dm_str *ret,
                                          struct dm_err *err);

/* A file that appears under its name only when it is complete; an empty path is standard output. */
struct dm_output {
    int fd;
    const char *path;    /* NULL: standard output */
    struct dm_buf draft; /* path while it grows */
    uint64_t written_bytes;
};

DM_MUST_USE enum dm_code dm_output_open(const char *path, struct dm_output *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_output_write(struct dm_output *output, struct dm_str bytes, struct dm_err *err);
DM_MUST_USE enum dm_code dm_output_finish(struct dm_output *output, struct dm_err *err);
void dm_output_abandon(struct dm_output *output); /* harmless after finish */

#endif
