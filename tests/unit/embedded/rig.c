/* rig.c: a folder for a test, and child processes that live and die in it. */
#include "rig.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

enum { EXIT_CHECK = 99, EXIT_SKIP = 77 };

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    return remove(path);
}

int rig_make(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    const char *base = getenv("TMPDIR");
    if (!rig)
        return -1;
    snprintf(rig->folder, sizeof(rig->folder), "%s/docmill-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(rig->folder)) {
        free(rig);
        return -1;
    }
    *state = rig;
    return 0;
}

enum dm_code rig_try(struct rig *rig)
{
    const struct dm_embedded_options options = { .folder = rig->folder };
    return dm_embedded_open(&options, &rig->set, &rig->err);
}

void rig_start(struct rig *rig)
{
    assert_ok(rig_try(rig), &rig->err);
}

void rig_stop(struct rig *rig)
{
    dm_embedded_close(&rig->set);
}

int rig_open(void **state)
{
    if (rig_make(state) != 0)
        return -1;
    return rig_try(*state) == DM_OK ? 0 : -1;
}

int rig_close(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
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

unsigned rig_mode(const struct rig *rig, const char *name)
{
    struct stat about;
    assert_int_equal(lstat(rig_path(rig, name), &about), 0);
    return about.st_mode & 07777;
}

/* ---- child processes ----------------------------------------------------------------------------------------- */

static int channel[2] = { -1, -1 };

_Noreturn void rig_child_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: in a child process: not %s\n", file, line, condition);
    _exit(EXIT_CHECK);
}

static void wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
        skip();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child process ended with status %#x", (unsigned)status);
}

void rig_child(rig_function *function, struct rig *rig)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        function(rig);
        _exit(0);
    }
    wait_for(pid);
}

/* Whether the folder is now a small disk, seen by this process alone. */
static bool mount_small_disk(const struct rig *rig, size_t bytes)
{
    char options[64];
    snprintf(options, sizeof(options), "size=%zu,mode=0700", bytes);
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", rig->folder, "tmpfs", 0, options) == 0;
}

void rig_child_on_small_disk(rig_function *function, struct rig *rig, size_t bytes)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!mount_small_disk(rig, bytes))
            _exit(EXIT_SKIP);
        function(rig);
        _exit(0);
    }
    wait_for(pid);
}

pid_t rig_child_start(rig_function *function, struct rig *rig)
{
    fflush(NULL);
    assert_int_equal(pipe(channel), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(channel[0]);
        function(rig);
        _exit(0);
    }
    close(channel[1]);
    return pid;
}

void rig_tell(const void *bytes, size_t size)
{
    /* Short enough to be written as one piece, so several tasks may tell at once. */
    rig_must(write(channel[1], bytes, size) == (ssize_t)size);
}

bool rig_hear(void *bytes, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(channel[0], (char *)bytes + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

void rig_child_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}
