/* rig.c: a folder for a test. */
#include "rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    return remove(path);
}

int rig_make(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    const char *base = getenv("TMPDIR");
    snprintf(rig->folder, sizeof(rig->folder), "%s/docmill-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(rig->folder))
        return -1;
    *state = rig;
    return 0;
}

void rig_start(struct rig *rig)
{
    const struct dm_embedded_options options = { .folder = rig->folder };
    assert_ok(dm_embedded_open(&options, &rig->set, &rig->err), &rig->err);
}

int rig_open(void **state)
{
    if (rig_make(state) != 0)
        return -1;
    rig_start(*state);
    return 0;
}

int rig_close(void **state)
{
    struct rig *rig = *state;
    dm_embedded_close(&rig->set);
    nftw(rig->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(rig);
    return 0;
}

const char *rig_path(const struct rig *rig, const char *name)
{
    static char paths[4][600];
    static unsigned next;
    char *path = paths[next++ % DM_COUNT(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", rig->folder, name);
    return path;
}

int rig_fork(void (*function)(struct rig *rig), struct rig *rig)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        function(rig);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}
