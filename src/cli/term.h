/* term.h: private to cli: what stands on the other side of standard output and standard error. */
#ifndef DM_CLI_TERM_H
#define DM_CLI_TERM_H

#include "cli/settings.h"
#include "cli/text.h"

struct dm_term {
    bool out_tty;
    bool err_tty;
    bool live; /* progress may be drawn in place on standard error */
    struct dm_look out;
    struct dm_look err;
};

struct dm_term dm_term_look(const struct dm_settings *settings);
/* All of it, or false: a closed pipe, a full disk. */
bool dm_put(int fd, struct dm_str text);

#endif
