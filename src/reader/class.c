/* class.c: zygotes: started when needed, asked to fork and to kill, started again when lost. */
#include "reader/class.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/log.h"

enum {
    /* For the zygote to take a request, and for the kernel to take a process apart. */
    CONTROL_MS = 5 * DM_SECOND_MS,
    /* For a zygote to end by itself and take its workers along. */
    LEAVE_MS = DM_SECOND_MS,
};

static int64_t in(struct dm_class *class, int64_t ms)
{
    return dm_mono_ms(class->runtime) + ms;
}

/* The helper gets no environment: what stands in ours (keys, paths) is not its business. A session of its
 * own keeps a Ctrl-C at the terminal from it, which docmill answers by draining. */
static int spawn_zygote(const struct dm_class_setting *setting, int socket, pid_t *ret)
{
    static char *const environment[] = { NULL };
    char *arguments[] = { (char *)(uintptr_t) "docmill-pdf", (char *)(uintptr_t)setting->name,
                          (char *)(uintptr_t)setting->arguments[0], (char *)(uintptr_t)setting->arguments[1], NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = posix_spawn_file_actions_adddup2(&actions, socket, DM_FRAME_SOCKET);
        if (!failed)
            failed = posix_spawnattr_setflags(&attributes,
                                              POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (!failed)
            failed = posix_spawnattr_setsigmask(&attributes, &none);
        if (!failed)
            failed = posix_spawnattr_setsigdefault(&attributes, &all);
        if (!failed)
            failed = posix_spawn(ret, setting->helper_path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* With the lock held. Starts the zygote and does not wait for it. */
static enum dm_code launch(struct dm_class *class, struct dm_err *err)
{
    int far;
    enum dm_code rc = dm_channel_open(&class->control, class->runtime, &far, err);
    if (rc != DM_OK)
        return rc;
    pid_t pid;
    int failed = spawn_zygote(&class->setting, far, &pid);
    close(far);
    if (failed) {
        dm_channel_close(&class->control);
        return dm_fail_errno(err, failed, "the document helper %s cannot be started", class->setting.helper_path);
    }
    class->zygote = pid;
    class->ready = false;
    class->generation++;
    class->idle_since_ms = dm_mono_ms(class->runtime);
    return DM_OK;
}

/* With the lock held. Closing the socket is all a zygote needs to end itself and its workers; one that does
 * not is killed, and its workers with it by the kernel. */
static void dismiss(struct dm_class *class, bool at_once)
{
    if (class->zygote == 0)
        return;
    dm_channel_close(&class->control);
    int64_t deadline_ms = in(class, at_once ? 0 : LEAVE_MS);
    pid_t reaped;
    while ((reaped = waitpid(class->zygote, NULL, WNOHANG)) == 0 && dm_mono_ms(class->runtime) < deadline_ms)
        dm_sleep_until(class->runtime, in(class, 1));
    if (reaped == 0) {
        kill(class->zygote, SIGKILL);
        while (waitpid(class->zygote, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    class->zygote = 0;
    class->ready = false;
}

/* With the lock held. */
static enum dm_code await_ready(struct dm_class *class, struct dm_err *err)
{
    struct dm_asked asked = { .ask = DM_ASK_READY };
    struct dm_frame_head head;
    struct dm_str payload;
    enum dm_talk talk = dm_channel_next(&class->control, &asked, in(class, class->setting.ready_ms), &head, &payload);
    if (talk != DM_TALK_OK) {
        dismiss(class, true);
        return dm_fail(err, DM_UNAVAILABLE, "the document helper (%s) %s", class->setting.name,
                       talk == DM_TALK_LATE ? "did not get ready in time" : "ended while it started");
    }
    struct dm_frame_fields fields = { .rest = payload };
    uint32_t version = dm_frame_u32(&fields);
    enum dm_code rc = DM_OK;
    if (version != DM_FRAME_VERSION)
        rc = dm_fail(err, DM_UNAVAILABLE, "%s speaks version %u, this docmill %d: they were not installed together",
                     class->setting.helper_path, (unsigned)version, DM_FRAME_VERSION);
    else if (fields.rest.len > 0)
        rc = dm_fail(err, class->setting.useless, "the document helper (%s) cannot work: %.*s", class->setting.name,
                     DM_STR_ARG(fields.rest));
    if (rc != DM_OK)
        dismiss(class, true);
    class->ready = rc == DM_OK;
    return rc;
}

/* With the lock held. */
static void log_replaced(struct dm_class *class, const char *cause, int signal)
{
    class->replaced++;
    dm_log(DM_LOG_WARN, DM_EV_HELPER_REPLACED, dm_f_z("class", class->setting.name), dm_f_z("cause", cause),
           dm_f_int("signal", signal), dm_f_int("replaced", (int64_t) class->replaced));
}

static void keep(void *argument);

/* With the lock held: there is a zygote, ready. */
static enum dm_code ensure(struct dm_class *class, struct dm_err *err)
{
    /* Answers to ends that nobody waited for are in the way; and a zygote that died says so here. */
    struct dm_asked asked = { .ask = DM_ASK_END };
    if (class->zygote != 0 && class->ready && dm_channel_drain(&class->control, &asked) != DM_TALK_OK) {
        dismiss(class, true);
        log_replaced(class, "zygote", 0);
    }
    enum dm_code rc = class->zygote == 0 ? launch(class, err) : DM_OK;
    if (rc == DM_OK && !class->ready)
        rc = await_ready(class, err);
    if (rc == DM_OK && !class->keeper && class->setting.idle_ms != DM_FOREVER) {
        /* Without a keeper the zygote just stays. */
        struct dm_err ignored;
        if (dm_spawn(class->runtime, "reader-keeper", keep, class, &class->keeper, &ignored) != DM_OK)
            class->keeper = NULL;
    }
    return rc;
}

/* The keeper's task: sends the zygote away when it has been idle long enough. */
static void keep(void *argument)
{
    struct dm_class *class = argument;
    dm_lock(class->runtime, class->monitor);
    while (!class->stopping) {
        int64_t leave_ms = DM_FOREVER;
        if (class->zygote != 0 && class->in_use == 0)
            leave_ms = class->idle_since_ms + class->setting.idle_ms;
        if (leave_ms != DM_FOREVER && dm_mono_ms(class->runtime) >= leave_ms)
            dismiss(class, false);
        else
            dm_wait_until(class->runtime, class->monitor, leave_ms);
    }
    dm_unlock(class->runtime, class->monitor);
}

enum dm_code dm_class_start(struct dm_class *class, const struct dm_class_setting *setting, struct dm_runtime runtime,
                            struct dm_err *err)
{
    *class = (struct dm_class){ .setting = *setting, .runtime = runtime, .control.fd = -1 };
    return dm_monitor_make(runtime, &class->monitor, err);
}

void dm_class_stop(struct dm_class *class)
{
    if (!class->monitor)
        return;
    dm_lock(class->runtime, class->monitor);
    DM_CHECK(class->in_use == 0);
    class->stopping = true;
    dismiss(class, false);
    dm_wake_all(class->runtime, class->monitor);
    dm_unlock(class->runtime, class->monitor);
    if (class->keeper)
        dm_join(class->runtime, class->keeper);
    dm_monitor_free(class->runtime, class->monitor);
    class->monitor = NULL;
}

void dm_class_interrupt(struct dm_class *class)
{
    dm_lock(class->runtime, class->monitor);
    class->stopping = true;
    dismiss(class, true);
    dm_wake_all(class->runtime, class->monitor);
    dm_unlock(class->runtime, class->monitor);
}

static enum dm_code fail_stopping(struct dm_class *class, struct dm_err *err)
{
    return dm_fail(err, DM_CANCELLED, "the document helpers (%s) are being stopped", class->setting.name);
}

enum dm_code dm_class_launch(struct dm_class *class, struct dm_err *err)
{
    dm_lock(class->runtime, class->monitor);
    enum dm_code rc = class->zygote == 0 ? launch(class, err) : DM_OK;
    dm_unlock(class->runtime, class->monitor);
    return rc;
}

enum dm_code dm_class_take(struct dm_class *class, int64_t deadline_ms, struct dm_err *err)
{
    dm_lock(class->runtime, class->monitor);
    bool waiting = true;
    while (class->in_use >= class->setting.helpers && waiting && !class->stopping)
        waiting = dm_wait_until(class->runtime, class->monitor, deadline_ms);
    bool stopping = class->stopping;
    bool free = class->in_use < class->setting.helpers && !stopping;
    if (free)
        class->in_use++;
    dm_unlock(class->runtime, class->monitor);
    if (stopping)
        return fail_stopping(class, err);
    return free ? DM_OK
                : dm_fail(err, DM_BUSY, "all %u document helpers (%s) are in use", (unsigned)class->setting.helpers,
                          class->setting.name);
}

void dm_class_give(struct dm_class *class)
{
    dm_lock(class->runtime, class->monitor);
    DM_CHECK(class->in_use > 0);
    class->in_use--;
    class->idle_since_ms = dm_mono_ms(class->runtime);
    /* All, because the keeper may wait beside those who want a helper. */
    dm_wake_all(class->runtime, class->monitor);
    dm_unlock(class->runtime, class->monitor);
}

/* With the lock held. */
static enum dm_talk send_start(struct dm_class *class, uint32_t worker, int socket)
{
    DM_AUTO(dm_buf) frame = dm_buf_make(64);
    size_t begun = dm_frame_begin(&frame, DM_FRAME_START, 0);
    dm_frame_add_u32(&frame, worker);
    dm_frame_add_u64(&frame, class->setting.memory_bytes);
    dm_frame_add_u32(&frame, class->setting.cpu_seconds);
    dm_frame_end(&frame, begun);
    if (frame.failed)
        return DM_TALK_LATE;
    return dm_channel_send(&class->control, dm_buf_str(&frame), socket, in(class, CONTROL_MS));
}

enum dm_code dm_helper_start(struct dm_class *class, struct dm_helper *worker, struct dm_err *err)
{
    struct dm_channel channel;
    int far;
    enum dm_code rc = dm_channel_open(&channel, class->runtime, &far, err);
    if (rc != DM_OK)
        return rc;
    dm_lock(class->runtime, class->monitor);
    rc = class->stopping ? fail_stopping(class, err) : ensure(class, err);
    uint32_t id = ++class->next_worker;
    uint64_t generation = class->generation;
    if (rc == DM_OK && send_start(class, id, far) != DM_TALK_OK) {
        dismiss(class, true);
        rc = dm_fail(err, DM_UNAVAILABLE, "the document helper (%s) has ended", class->setting.name);
    }
    dm_unlock(class->runtime, class->monitor);
    close(far);
    if (rc != DM_OK) {
        dm_channel_close(&channel);
        return rc;
    }
    *worker = (struct dm_helper){ class, id, generation, 0, channel, true };
    return DM_OK;
}

/* With the lock held. */
static enum dm_talk send_end(struct dm_class *class, uint32_t worker)
{
    DM_AUTO(dm_buf) frame = dm_buf_make(64);
    size_t begun = dm_frame_begin(&frame, DM_FRAME_END, 0);
    dm_frame_add_u32(&frame, worker);
    dm_frame_end(&frame, begun);
    if (frame.failed)
        return DM_TALK_LATE;
    return dm_channel_send(&class->control, dm_buf_str(&frame), -1, in(class, CONTROL_MS));
}

/* With the lock held: reads until this worker's end is told. */
static enum dm_talk await_end(struct dm_class *class, uint32_t worker, bool *ret_started, int *ret_status)
{
    struct dm_asked asked = { .ask = DM_ASK_END };
    int64_t deadline_ms = in(class, CONTROL_MS);
    for (;;) {
        struct dm_frame_head head;
        struct dm_str payload;
        enum dm_talk talk = dm_channel_next(&class->control, &asked, deadline_ms, &head, &payload);
        if (talk != DM_TALK_OK)
            return talk;
        struct dm_frame_fields fields = { .rest = payload };
        uint32_t ended = dm_frame_u32(&fields);
        *ret_started = dm_frame_u8(&fields) != 0;
        *ret_status = (int)dm_frame_u32(&fields);
        if (ended == worker)
            return DM_TALK_OK;
    }
}

enum dm_fate dm_helper_end(struct dm_helper *worker, int *ret_signal_or_exit)
{
    struct dm_class *class = worker->class;
    bool started = false;
    int status = 0;
    *ret_signal_or_exit = 0;
    worker->alive = false;
    dm_channel_close(&worker->channel);
    dm_lock(class->runtime, class->monitor);
    bool lost = class->zygote == 0 || class->generation != worker->generation;
    if (!lost) {
        enum dm_talk talk = send_end(class, worker->id);
        if (talk == DM_TALK_OK)
            talk = await_end(class, worker->id, &started, &status);
        lost = talk != DM_TALK_OK;
        if (lost)
            dismiss(class, true);
    }
    dm_unlock(class->runtime, class->monitor);
    if (lost)
        return DM_FATE_ZYGOTE_LOST;
    if (!started)
        return DM_FATE_NEVER_STARTED;
    *ret_signal_or_exit = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return WIFSIGNALED(status) ? DM_FATE_SIGNAL : DM_FATE_EXIT;
}

void dm_helper_drop(struct dm_helper *worker)
{
    struct dm_class *class = worker->class;
    if (!class || !worker->alive)
        return;
    worker->alive = false;
    dm_channel_close(&worker->channel);
    dm_lock(class->runtime, class->monitor);
    /* Its answer is read by whoever speaks to the zygote next. */
    if (class->zygote != 0 && class->generation == worker->generation && send_end(class, worker->id) != DM_TALK_OK)
        dismiss(class, true);
    dm_unlock(class->runtime, class->monitor);
}

void dm_class_log_replaced(struct dm_class *class, const char *cause, int signal)
{
    dm_lock(class->runtime, class->monitor);
    log_replaced(class, cause, signal);
    dm_unlock(class->runtime, class->monitor);
}
