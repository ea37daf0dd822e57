/* rig.h: an embedded set in a folder of its own, which goes with the test. */
#ifndef DM_TESTS_EMBEDDED_RIG_H
#define DM_TESTS_EMBEDDED_RIG_H

#include <sys/types.h>

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
/* Opens, or opens again, what is in the folder. */
enum dm_code rig_try(struct rig *rig);
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
/* A path below the folder; good until the next four calls. */
const char *rig_path(const struct rig *rig, const char *name);
/* Permissions of what lies there. */
unsigned rig_mode(const struct rig *rig, const char *name);

/* ---- child processes ----------------------------------------------------------------------------------------- */

/* Where they check something it is with rig_must: cmocka's assertions belong to the parent. */
#define rig_must(condition)                                                                                            \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            rig_child_failed(#condition, __FILE__, __LINE__);                                                          \
    } while (0)
_Noreturn void rig_child_failed(const char *condition, const char *file, int line);

typedef void rig_function(struct rig *rig);

/* Runs it in a child process to its end, which must be a good one. Nothing may be open in the parent. */
void rig_child(rig_function *function, struct rig *rig);
/* The same on a file system of its own with so many bytes; skips the test where this user cannot have one. */
void rig_child_on_small_disk(rig_function *function, struct rig *rig, size_t bytes);
/* Starts it; what it writes with rig_tell is read with rig_hear. */
pid_t rig_child_start(rig_function *function, struct rig *rig);
void rig_tell(const void *bytes, size_t size);
/* False at the end of what it said. */
bool rig_hear(void *bytes, size_t size);
void rig_child_kill(pid_t pid);

#endif
