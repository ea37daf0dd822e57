/* rig.h: an embedded set in a folder of its own, which goes with the test. */
#ifndef DM_TESTS_EMBEDDED_RIG_H
#define DM_TESTS_EMBEDDED_RIG_H

#include "embedded/embedded.h"

struct rig {
    char folder[200];
    struct dm_embedded_set set;
    struct dm_err err;
};

/* cmocka's setup and teardown; *state is the rig. */
int rig_open(void **state);
int rig_close(void **state);
/* A folder without anything opened in it. */
int rig_make(void **state);
/* Opens or opens again what is in the folder. */
void rig_start(struct rig *rig);
/* A path below the folder; good until the next four calls. */
const char *rig_path(const struct rig *rig, const char *name);
/* Runs `function` in a child process and answers its wait status. */
int rig_fork(void (*function)(struct rig *rig), struct rig *rig);

#endif
