/* class.h: helpers of one class: their zygote, how many there may be, and how one ended.
 *
 * One lock guards all of a class. It is held for a fork or a death (about 1 ms), and for the start of a
 * zygote, which all who wait for the lock then need. */
#ifndef DM_READER_CLASS_H
#define DM_READER_CLASS_H

#include <sys/types.h>

#include "reader/channel.h"
#include "reader/reader.h"

struct dm_class_setting {
    const char *name;         /* "text", "ocr": the helper's first argument, too */
    const char *arguments[2]; /* further ones, NULL where none */
    const char *helper_path;
    uint32_t helpers;
    uint64_t memory_bytes;
    uint32_t cpu_seconds; /* per request */
    int64_t ready_ms;     /* the zygote's time to get ready */
    enum dm_code useless; /* what a zygote means that can never work (no data, no sandbox) */
    int64_t idle_ms;      /* unused for so long it leaves; DM_FOREVER: never */
};

struct dm_class {
    struct dm_class_setting setting;
    struct dm_runtime runtime;
    struct dm_monitor *monitor;
    /* Guarded by the monitor: */
    uint32_t in_use;
    uint32_t next_worker;
    uint64_t replaced;
    pid_t zygote; /* 0: none */
    bool ready;
    bool stopping;
    uint64_t generation; /* of the zygote: a worker dies with its own */
    struct dm_channel control;
    int64_t idle_since_ms;
    struct dm_task *keeper; /* sends an idle zygote away */
};

struct dm_helper {
    struct dm_class *class;
    uint32_t id;
    uint64_t generation;
    uint32_t number; /* of the last request */
    struct dm_channel channel;
    bool alive; /* as far as we know */
};

DM_MUST_USE enum dm_code dm_class_start(struct dm_class *class, const struct dm_class_setting *setting,
                                        struct dm_runtime runtime, struct dm_err *err);
void dm_class_stop(struct dm_class *class);
/* Kills every helper; from now on none is started and whoever waits for one is told DM_CANCELLED. */
void dm_class_interrupt(struct dm_class *class);
/* Starts the zygote ahead of need, without waiting until it is ready. DM_IO, DM_NO_MEMORY. */
DM_MUST_USE enum dm_code dm_class_launch(struct dm_class *class, struct dm_err *err);

/* A place for one more helper; DM_BUSY where none got free in time. */
DM_MUST_USE enum dm_code dm_class_take(struct dm_class *class, int64_t deadline_ms, struct dm_err *err);
void dm_class_give(struct dm_class *class);

/* Forks a worker. It need not live when this returns: talking to it will tell. */
DM_MUST_USE enum dm_code dm_helper_start(struct dm_class *class, struct dm_helper *worker, struct dm_err *err);

/* How a worker ended that we did not expect to. */
enum dm_fate {
    DM_FATE_SIGNAL,
    DM_FATE_EXIT,
    DM_FATE_NEVER_STARTED, /* the system had no process for it */
    DM_FATE_ZYGOTE_LOST,   /* died with its zygote: says nothing about the document */
};

/* Kills the worker, waits for its end and says how it came. */
enum dm_fate dm_helper_end(struct dm_helper *worker, int *ret_signal_or_exit);
/* Kills the worker without waiting. May be called twice. */
void dm_helper_drop(struct dm_helper *worker);
/* Notes in the log that a helper had to go. */
void dm_class_log_replaced(struct dm_class *class, const char *cause, int signal);

#endif
