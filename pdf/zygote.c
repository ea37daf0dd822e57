/* zygote.c: forking, killing, reaping, and telling the parent how each worker ended. */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "sandbox.h"
#include "worker.h"

enum {
    /* Far above what a parent is configured for; one that asks for more has lost count. */
    WORKERS_MAX = 1024,
};

enum fate { FREE, ALIVE, DEAD, NEVER };

struct child {
    enum fate fate;
    bool end_asked;
    uint32_t worker; /* the parent's number for it */
    pid_t pid;
    int status;
};

struct zygote {
    struct engine *engine;
    struct channel channel;
    int signals;
    struct child children[WORKERS_MAX];
};

static bool tell(const struct channel *to, enum dm_frame_kind kind, const struct child *child, const char *sentence)
{
    struct channel channel = { .fd = to->fd, .passed = -1 };
    DM_AUTO(dm_buf) frame = dm_buf_make(DM_FRAME_HEAD + 4 + DM_FRAME_SENTENCE_MAX);
    size_t begun = dm_frame_begin(&frame, kind, 0);
    if (child) {
        dm_frame_add_u32(&frame, child->worker);
        dm_frame_add_u8(&frame, child->fate == DEAD);
        dm_frame_add_u32(&frame, (uint32_t)child->status);
    } else {
        dm_frame_add_u32(&frame, DM_FRAME_VERSION);
        dm_buf_add(&frame, dm_str_cut(dm_str_z(sentence), 0, DM_FRAME_SENTENCE_MAX));
    }
    dm_frame_end(&frame, begun);
    return !frame.failed && channel_send(&channel, dm_buf_str(&frame));
}

static struct child *find(struct zygote *zygote, uint32_t worker)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (zygote->children[i].fate != FREE && zygote->children[i].worker == worker)
            return &zygote->children[i];
    return NULL;
}

static struct child *find_free(struct zygote *zygote)
{
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (zygote->children[i].fate == FREE)
            return &zygote->children[i];
    return NULL;
}

/* Everything but the first descriptors; older kernels lack the call, then one by one. */
static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
        return;
#endif
    for (int fd = first; fd < 4096; fd++)
        close(fd);
}

/* In the child: a process that holds its socket and nothing else, and dies with the zygote. */
DM_NORETURN static void become_worker(struct zygote *zygote, int socket, pid_t parent, struct worker_setting setting)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent || dup2(socket, DM_FRAME_SOCKET) < 0)
        _exit(WORKER_UNSAFE);
    close_from(DM_FRAME_SOCKET + 1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setting.engine)
        setting.engine->memory.max = setting.memory_bytes;
    worker_run(&setting);
}

static bool on_start(struct zygote *zygote, struct dm_frame_fields fields)
{
    uint32_t worker = dm_frame_u32(&fields);
    struct worker_setting setting = { .engine = zygote->engine, .memory_bytes = dm_frame_u64(&fields) };
    setting.cpu_seconds = dm_frame_u32(&fields);
    int socket = channel_claim(&zygote->channel);
    struct child *child = find_free(zygote);
    if (!dm_frame_fields_done(&fields) || socket < 0 || !child)
        return false;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_worker(zygote, socket, self, setting);
    /* Where it failed the parent sees its end of the socket closed, asks, and is told. */
    *child = (struct child){ .fate = pid > 0 ? ALIVE : NEVER, .worker = worker, .pid = pid };
    close(socket);
    return true;
}

/* The parent's question is answered once the child is dead; then it is forgotten. */
static bool settle(struct zygote *zygote, struct child *child)
{
    if (!child->end_asked || child->fate == ALIVE)
        return true;
    bool told = tell(&zygote->channel, DM_FRAME_ENDED, child, NULL);
    *child = (struct child){ .fate = FREE };
    return told;
}

static bool on_end(struct zygote *zygote, struct dm_frame_fields fields)
{
    uint32_t worker = dm_frame_u32(&fields);
    struct child *child = find(zygote, worker);
    if (!dm_frame_fields_done(&fields) || !child)
        return false;
    child->end_asked = true;
    if (child->fate == ALIVE)
        kill(child->pid, SIGKILL);
    return settle(zygote, child);
}

static bool reap(struct zygote *zygote, int flags)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, flags)) > 0) {
        for (size_t i = 0; i < WORKERS_MAX; i++) {
            struct child *child = &zygote->children[i];
            if (child->fate != ALIVE || child->pid != pid)
                continue;
            child->fate = DEAD;
            child->status = status;
            if (!settle(zygote, child))
                return false;
            break;
        }
    }
    return true;
}

static bool on_request(struct zygote *zygote)
{
    struct dm_frame_head head;
    struct dm_str payload;
    /* Reading may take in several requests at once; all of them are served before the next wait. */
    do {
        if (!channel_next(&zygote->channel, &head, &payload))
            return false;
        struct dm_frame_fields fields = { .rest = payload };
        bool served = head.kind == DM_FRAME_START ? on_start(zygote, fields)
                      : head.kind == DM_FRAME_END ? on_end(zygote, fields)
                                                  : false;
        if (!served)
            return false;
    } while (zygote->channel.in.len > zygote->channel.taken);
    return true;
}

static void serve(struct zygote *zygote)
{
    for (;;) {
        struct pollfd waits[] = {
            { .fd = zygote->channel.fd, .events = POLLIN },
            { .fd = zygote->signals, .events = POLLIN },
        };
        if (poll(waits, DM_COUNT(waits), -1) < 0 && errno != EINTR)
            return;
        struct signalfd_siginfo signal;
        if ((waits[1].revents & POLLIN) && read(zygote->signals, &signal, sizeof(signal)) < 0 && errno != EAGAIN)
            return;
        if ((waits[1].revents & POLLIN) && !reap(zygote, WNOHANG))
            return;
        if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) && !on_request(zygote))
            return;
    }
}

/* Tries the sandbox on a child that does nothing else, so that a kernel that refuses it is known now and
 * not by the first document. */
static bool try_sandbox(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_limits limits = { .memory_bytes = (uint64_t)64 << 20, .descriptors = 8 };
        _exit(sandbox_enter(&limits) ? WORKER_DONE : WORKER_UNSAFE);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DONE;
}

int zygote_run(struct engine *engine)
{
    static struct zygote zygote;
    if (!try_sandbox()) {
        zygote_excuse("the kernel refuses the sandbox (seccomp and limits)");
        return 1;
    }
    zygote.engine = engine;
    zygote.channel = channel_make(DM_FRAME_SOCKET);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    zygote.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (zygote.signals < 0 || !tell(&zygote.channel, DM_FRAME_READY, NULL, ""))
        return 1;
    serve(&zygote);
    /* Nobody asks any more: the parent is gone or gave up on us. Nothing of it may go on. */
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        zygote.children[i].end_asked = false;
        if (zygote.children[i].fate == ALIVE)
            kill(zygote.children[i].pid, SIGKILL);
    }
    reap(&zygote, 0);
    channel_free(&zygote.channel);
    return 0;
}

void zygote_excuse(const char *sentence)
{
    struct channel channel = { .fd = DM_FRAME_SOCKET, .passed = -1 };
    bool told = tell(&channel, DM_FRAME_READY, NULL, sentence);
    (void)told;
}
