/* worker.h: what the tasks of one worker share. Private to the room.
 *
 * A worker owns claims. Its tasks and what each does:
 *   dispatch  finds documents with work, shares fairly, claims (dispatch.c)
 *   read      opens documents, counts pages, reads them (read.c); several of them
 *   call      asks the model about pages that have been read, as the limiter lets it (call.c); several of them
 *   commit    writes segments and ends pages (commit.c); several of them
 *   keep      pulls hints, renews claims (dispatch.c)
 *   sweep     gives back what others lost, ends what cannot go on, removes what is over (sweep.c)
 *
 * All share one monitor, which guards every field below that is not constant. No port that may wait is called while it
 * is held. */
#ifndef DM_PIPELINE_WORKER_H
#define DM_PIPELINE_WORKER_H

#include "adopt.h"
#include "base/check.h"
#include "limiter.h"
#include "otherwise.h"

enum { DM_READERS_MAX = 64, DM_CALLERS = 4, DM_COMMITTERS = 2 };

struct dm_active;

/* A claim of this worker's. It goes when its last page has left. */
struct dm_holding {
    struct dm_holding *next;
    struct dm_active *document;
    struct dm_claim claim;
    int64_t lease_until_mono_ms; /* our own clock's: counted from before the write that gave or renewed it */
    uint32_t left;               /* pages not ended or dropped */
    bool lost;                   /* no longer ours: drop its pages */
    struct dm_page_task *ended;  /* to be committed, oldest first */
    struct dm_page_task **ended_end;
    uint32_t ended_count;
    int64_t ended_since_ms; /* monotonic, of the oldest */
    uint32_t segments;      /* written so far */
};

/* An account at the model's provider (dm_model_account) whose tenants have documents in hand. */
struct dm_lane {
    struct dm_lane *next;
    uint64_t account;
    uint32_t shares;
    uint32_t ready;        /* pages that wait for the model */
    struct dm_leave leave; /* as of dm_lanes_look */
};

/* A tenant with documents in hand. */
struct dm_share {
    struct dm_share *next;
    struct dm_tenant tenant;
    struct dm_lane *lane;
    int64_t lane_until_ms; /* monotonic: then its account is asked for again */
    uint32_t ready;        /* pages that wait for the model */
    uint32_t documents;
    uint32_t calls; /* model calls under way */
    uint64_t turn;  /* when one began last, counted by the worker */
};

/* A document with claims of this worker's. */
struct dm_active {
    struct dm_active *next;
    struct dm_share *share;
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_arena arena;       /* for the texts of `document` */
    struct dm_document document; /* constant */
    struct dm_state state;       /* as last seen or written */
    int64_t state_read_ms;       /* monotonic, when the read of `state` began */
    bool over;                   /* status or epoch changed: nothing of it counts any more */
    int fd;                      /* the source's local copy; -1: not opened yet */
    struct dm_holding *holdings;
    struct dm_page_task *queue; /* to be read, in order */
    uint32_t queued;
    struct dm_page_task *ready; /* read, and waiting for the model, in order */
    uint32_t ready_count;
    uint32_t calls;     /* model calls under way */
    uint64_t call_turn; /* when one began last, counted by the worker */
    uint32_t in_flight; /* pages claimed and not ended */
    uint32_t readers;   /* read tasks that have it open */
    uint64_t turn;      /* when a task last opened it, counted by the worker; 0: never */
    bool opening;       /* one of them opens fd */
    bool committing;
    int64_t commit_not_before_ms; /* after a failed commit */
    struct dm_usage late;         /* of answers that came too late to count */
};

/* A page (or, number 0, the split) on its way through the worker. */
struct dm_page_task {
    struct dm_page_task *next;
    struct dm_worker *worker;
    struct dm_holding *holding;
    uint32_t number;
    int64_t not_before_ms; /* monotonic: a try again waits until then */
    uint32_t attempts;
    uint32_t throttled; /* of those attempts, so many do not count: it had to wait, or the trouble was everybody's */
    uint32_t broken;    /* and so many ended with a broken connection */
    int64_t patience_until_ms; /* monotonic: until then they do not count; 0: there was none */
    int64_t outage_until_ms; /* monotonic: so long it is borne that the provider is out of reach; 0: it was not, last */
    uint32_t troubles;       /* tries that met trouble of our own */
    struct dm_buf attempt_log; /* JSON array without its closing bracket */
    struct dm_buf text;
    struct dm_buf picture;
    enum dm_media picture_media;
    struct dm_otherwise otherwise; /* how the model is asked next */
    struct dm_model_request request;
    struct dm_model_answer answer;
    uint64_t account; /* whose leave the attempt has */
    uint64_t tokens;  /* what it is thought to cost */
    int64_t began_ms; /* monotonic, of the attempt */
    enum dm_page_status status;
    enum dm_reason reason;
    char detail[DM_DETAIL_MAX];
    struct dm_usage usage;      /* of all attempts */
    struct dm_str kept_segment; /* in the document's arena: the answer lies there already */
    uint64_t kept_offset;
    uint32_t kept_length;
};

struct dm_worker {
    struct dm_pipeline pipeline;
    struct dm_worker_options options;
    char owner[DM_OWNER_MAX];
    struct dm_monitor *monitor;
    bool stopping; /* claim no more, start no more pages */
    bool silent;   /* the stop's deadline is over: no model call starts any more */
    bool closing;  /* tasks end */
    bool look;     /* dispatch should look into the store now */
    struct dm_active *documents;
    uint32_t document_count;
    uint32_t in_flight; /* over all documents */
    uint32_t eased_at;  /* dispatch wants to be woken when so few are left */
    struct dm_share *shares;
    struct dm_lane *lanes;
    uint32_t leave_waiters; /* caller tasks that wait for news of the limiter's */
    uint64_t held_bytes;    /* of what has been read of pages and is not committed */
    uint32_t calls;         /* model calls under way */
    uint64_t turns;         /* how often a task opened a document */
    uint32_t splits;        /* split claims in hand */
    bool splits_wait;       /* dispatch left some because there were enough */
    struct dm_task *dispatch, *keep, *sweep;
    struct dm_task *readers[DM_READERS_MAX];
    struct dm_task *callers[DM_CALLERS];
    struct dm_task *committers[DM_COMMITTERS];
    uint32_t reader_count, caller_count, committer_count;
};

/* Shorthands for the one monitor. */
static inline void worker_lock(struct dm_worker *worker)
{
    dm_lock(worker->pipeline.ports.runtime, worker->monitor);
}

static inline void worker_unlock(struct dm_worker *worker)
{
    dm_unlock(worker->pipeline.ports.runtime, worker->monitor);
}

static inline bool worker_wait(struct dm_worker *worker, int64_t until_mono_ms)
{
    return dm_wait_until(worker->pipeline.ports.runtime, worker->monitor, until_mono_ms);
}

static inline void worker_wake(struct dm_worker *worker)
{
    dm_wake_all(worker->pipeline.ports.runtime, worker->monitor);
}

static inline int64_t worker_now(struct dm_worker *worker)
{
    return dm_mono_ms(worker->pipeline.ports.runtime);
}

/* The tasks. */
void dm_worker_dispatch(void *worker);
void dm_worker_keep(void *worker);
void dm_worker_sweep(void *worker);
void dm_worker_read(void *worker);
void dm_worker_call(void *worker);
void dm_worker_commit(void *worker);

/* read.c: trouble of our own, which may pass: the page is read again later. No attempt: nothing was asked of the model. */
void dm_page_task_try_later(struct dm_page_task *task, const struct dm_err *err);
/* Likewise, and no trouble of the page's. */
void dm_page_task_queue_later(struct dm_page_task *task);
/* call.c: asks the model about the page if nobody waits for it and the limiter lets it at once; else the page waits. */
void dm_page_task_call_or_wait(struct dm_page_task *task);

/* active.c: bookkeeping, all with the lock held. */
struct dm_active *dm_active_find(struct dm_worker *worker, const struct dm_tenant *tenant, const struct dm_file *file);
/* Makes it where it is not there yet; NULL when memory is out. Texts of the snapshot are copied. `account` is the tenant's. */
struct dm_active *dm_active_enter(struct dm_worker *worker, const struct dm_tenant *tenant, uint64_t account,
                                  const struct dm_file *file, const struct dm_snapshot *snapshot);
/* Queues the claim's pages (or the split); pages whose answers were found in a segment are not read again. False when
 * memory is out. `began_mono_ms` is when the write of the claim began. */
bool dm_active_hold(struct dm_worker *worker, struct dm_active *document, const struct dm_claim *claim,
                    int64_t began_mono_ms, const struct dm_adopted *adopted);
/* lane.c: asks the limiter how every lane stands now. */
void dm_lanes_look(struct dm_worker *worker);
struct dm_lane *dm_lane_find(struct dm_worker *worker, uint64_t account);
/* The tenant's pages wait for the leave of this account from now on; false when memory is out, and nothing changes. */
bool dm_share_use_account(struct dm_worker *worker, struct dm_share *share, uint64_t account);
/* The tenant has no documents in hand any more. */
void dm_share_leave_lane(struct dm_worker *worker, struct dm_share *share);
/* One page more that waits for the model, or one less. */
void dm_share_count_ready(struct dm_share *share, int by);
/* Asks for the account of one tenant, where that is due; false: none was. Lock held on entry and return, and given up meanwhile. */
bool dm_lanes_refresh(struct dm_worker *worker);

/* The page has ended or is dropped: frees the task, and the holding and the document with their last. */
void dm_page_task_leave(struct dm_page_task *task);
void dm_active_leave_if_done(struct dm_worker *worker, struct dm_active *document);
/* commit.c: writes down what answers cost that came too late to count; the document goes if nothing else of it is left. */
void dm_active_account_late(struct dm_worker *worker, struct dm_active *document);
/* answer.c: what the model's answer means for the page: its end, or another try. Memory only. */
void dm_page_task_settle(struct dm_page_task *task);
/* answer.c: nothing of the page would be shown to the model: neither text nor a picture. */
bool dm_page_task_is_blank(const struct dm_page_task *task);
/* answer.c: such a page ends as read, without a call. */
void dm_page_task_end_blank(struct dm_page_task *task);
/* answer.c: the page ends without an answer. */
void dm_page_task_fail(struct dm_page_task *task, enum dm_reason reason, const char *detail);
/* The page's fate is known: to be committed. */
void dm_page_task_ended(struct dm_page_task *task);
/* Among those that wait to be read, or for the model, in order of its page; not before task->not_before_ms. */
void dm_page_task_queue(struct dm_page_task *task);
void dm_page_task_ready(struct dm_page_task *task);
/* Takes the first that may go on now, or counts no more; NULL where there is none, with *until_ms lowered to when there is. */
struct dm_page_task *dm_active_pop_queued(struct dm_active *document, int64_t now_ms, int64_t *until_ms);
struct dm_page_task *dm_active_pop_ready(struct dm_active *document, int64_t now_ms, int64_t *until_ms);
/* What has been read of the page is put away. */
void dm_page_task_forget(struct dm_page_task *task);
/* Whether nothing of it counts any more. */
static inline bool dm_page_task_void(const struct dm_page_task *task)
{
    const struct dm_active *document = task->holding->document;
    DM_CHECK(document);
    return task->holding->lost || document->over;
}

/* sweep.c, used by the drain too: what is left of a claim goes back into WORK, or ends. Its pages can be claimed again after
 * `wait_ms`. */
DM_MUST_USE enum dm_code dm_claim_return(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                         const struct dm_file *file, const struct dm_claim *claim,
                                         enum dm_give_back how, int64_t wait_ms, struct dm_err *err);
/* dispatch.c: what cannot be begun now goes back, and so does a claim of which nobody knows whether it was written, since
 * its answer was lost. No loss is counted: it is trouble of ours. Tried a few times; where not even that can be written
 * down the claim runs out by itself. Without the worker's lock. */
void dm_claim_hand_back(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant, const struct dm_file *file,
                        const struct dm_claim *claim, int64_t wait_ms);

#endif
