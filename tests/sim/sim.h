/* sim.h: the deterministic simulator: docmill's own stages on a virtual clock, in a world that breaks.
 *
 * A run is one seed. It decides how many nodes, tenants and documents there are, which few kinds of fault exist, and
 * every choice after that. Nodes run the real pipeline, unchanged, on fibers of one thread; the store, the blobs and
 * the stream are kept in memory and outlive nodes. Every call of a port is a point where the run may go on elsewhere,
 * wait, fail, lose its answer, or lose the node. The judge looks at every transaction as it happens. In the first part
 * of a run there are faults; then they stop, and everything that was accepted must come to its end.
 *
 *   fiber.c        stacks and switching               judge*.c     what must hold, looked at after every transaction
 *   sim.c          time, order, chance                clients.c    those who upload, cancel, retry, delete, poll
 *   node.c         a node: memory, clock, roles       nemesis.c    crashes, clocks that jump, outages
 *   ports*.c       the ports of a node, with faults   provider.c   the model's provider: its limits, moods, keys
 *   fake_model.c   a node's model                     main.c       seeds in parallel, one seed told
 *   fake_reader.c  the document reader                memory_*.c   the world that outlives nodes
 *
 * Nothing here reads a clock, an address or a random number of the machine's: a seed and a version repeat a run. */
#ifndef DM_SIM_H
#define DM_SIM_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/log.h"
#include "fiber.h"
#include "memory_blob.h"
#include "memory_store.h"
#include "memory_stream.h"
#include "pipeline/pipeline.h"

enum {
    NODES_MAX = 5,
    TENANTS_MAX = 3,
    DOCUMENTS_MAX = 24,
    PAGES_MAX = 120,               /* of a simulated document */
    ATTEMPTS_MAX = 4,              /* MAX_ATTEMPTS of every node */
    BROKEN_MAX = 3 * ATTEMPTS_MAX, /* of connections */
    MODEL_TOKENS_MAX = 200,        /* that one call uses */
    NODE_MEMORY_MAX = 96 * 1024 * 1024
};

#define SIM_EPOCH_MS INT64_C(1790000000000) /* the world's wall clock at its beginning */
#define SIM_NEVER INT64_MAX

/* ---- faults ---- */

#define FAULT_KINDS(X)                                                                                                 \
    X(CRASH, "nodes die between any two port calls")                                                                   \
    X(STORE_FAILS, "store calls fail before anything happened")                                                        \
    X(STORE_FORGETS, "commits happen and their answer is lost")                                                        \
    X(STORE_LATE, "commits are answered as timed out and happen later")                                                \
    X(STORE_CONFLICTS, "commits lose races that nobody ran")                                                           \
    X(STORE_SLOW, "store calls take seconds now and then")                                                             \
    X(BLOB_FAILS, "blob calls fail, before or after they happened")                                                    \
    X(BLOB_AWAY, "the blob store is slow, or away for minutes")                                                        \
    X(BLOB_FULL, "there is no space for a while")                                                                      \
    X(HINTS, "hints are lost, doubled, late")                                                                          \
    X(CLOCKS, "wall clocks differ and jump")                                                                           \
    X(FREEZE, "a node stands still for longer than a lease")                                                           \
    X(MODEL, "the model answers 429, hangs, or talks nonsense")                                                        \
    X(PROVIDER, "the provider is away, refuses keys, has no quota left; keys are changed")                             \
    X(LIMITS, "the provider bears so many calls a second of a key, and answers 429 to more")                           \
    X(STARTS, "calls of the model cannot be begun")                                                                    \
    X(READER, "helpers hang, die, lie, or are all taken")                                                              \
    X(MEMORY, "allocations fail")                                                                                      \
    X(REQUESTS, "cancel, retry and delete at every moment")                                                            \
    X(DRAINS, "nodes are drained and started again")

#define FAULT_ENUM(name, meaning) FAULT_##name,
enum fault { FAULT_KINDS(FAULT_ENUM) FAULT_COUNT };
#undef FAULT_ENUM

/* ---- the run ---- */

struct sim;
struct judge;

/* Towards some keys, or all. */
enum mood { MOOD_FINE, MOOD_STORM, MOOD_AWAY, MOOD_KEY_REFUSED, MOOD_QUOTA, MOOD_NO_KEY, MOOD_COUNT };

/* The model's provider (provider.c). Keys are told apart by their tenant; 0: the one that all have who have none. */
struct provider {
    enum mood mood;
    uint32_t struck;                /* bits: towards which keys */
    uint32_t keys[TENANTS_MAX + 1]; /* which one the tenant has; 0: none of its own */
    uint32_t per_second;            /* calls that it bears of a key; 0: any number */
    bool says_when;                 /* with a 429: Retry-After */
    bool says_limits;               /* with every answer */
    double level[TENANTS_MAX + 1];
    int64_t at_us[TENANTS_MAX + 1];
};

struct run_options {
    uint64_t seed;
    bool trace;
};

struct sim {
    uint64_t seed;
    uint64_t random[4];
    int64_t now_us; /* since the world's beginning */
    int64_t heal_us;
    bool healing; /* no faults any more */
    bool trace;
    bool failed;
    char failure[600];
    uint64_t steps;
    uint32_t kinds; /* bits of enum fault */
    uint32_t rate;  /* one port call in so many meets a fault of each kind */
    struct fiber *fibers[1024];
    uint32_t fiber_count;
    struct fiber *running;       /* NULL: the scheduler */
    struct node *acting;         /* whose late write happens now; else the running fiber's */
    uint32_t acting_incarnation; /* at which it sent that write */
    struct fiber_context home;
    struct node *nodes[NODES_MAX];
    uint32_t node_count;
    uint32_t tenant_count;
    struct memory_store *store;
    struct memory_blob *blob;
    struct judge *judge;
    struct clients *clients;
    bool blob_away;
    struct provider provider;
    int64_t retention_ms;
    bool ending; /* nodes that stop are not started again */
    bool rested; /* hours went by after the last end */
    uint64_t port_calls, commits, conflicts, model_calls, crashes;
};

/* Chance. All of a run's choices come from here. */
uint64_t sim_random(struct sim *sim);
uint32_t sim_below(struct sim *sim, uint32_t below); /* 0 to below - 1 */
bool sim_one_in(struct sim *sim, uint32_t n);
/* Whether a fault of this kind happens at this point. */
bool sim_fault(struct sim *sim, enum fault kind);
bool sim_has(const struct sim *sim, enum fault kind);

void sim_fail(struct sim *sim, const char *format, ...) DM_PRINTF(2, 3);
void sim_tell(struct sim *sim, const char *format, ...) DM_PRINTF(2, 3); /* a line of the story, where it is wanted */

/* Runs a seed; false: `failure` says what broke. Leaves everything freed but `sim` itself. */
bool sim_run(struct sim *sim, const struct run_options *options);

/* ---- fibers (sim.c) ---- */

struct fiber *sim_spawn(struct sim *sim, struct node *node, const char *name, void (*function)(void *), void *argument,
                        bool detached);
/* For the running fiber. */
void sim_sleep_us(struct sim *sim, int64_t us);
void sim_sleep_until_us(struct sim *sim, int64_t at_us);
void sim_yield(struct sim *sim); /* others may go first */
/* Blocks until somebody wakes the fiber, or until then. */
void sim_block(struct sim *sim, void *on, enum fiber_wait how, int64_t until_us);
void sim_wake(struct sim *sim, struct fiber *fiber);
/* The node dies here and now; does not return to a fiber of that node. */
void sim_crash(struct sim *sim, struct node *node);

/* ---- nodes (node.c) ---- */

#define REQUEST_FIBER "request" /* the name of those that serve a client */

enum role { ROLE_API = 1, ROLE_WORKER = 2, ROLE_AGGREGATOR = 4 };

struct block;

struct fd_note {
    int fd;
    ino_t inode;
};

struct node {
    struct sim *sim;
    uint32_t number;
    unsigned roles;
    uint32_t incarnation; /* how often it was started */
    bool alive;           /* its fibers run, or begin to */
    bool up;              /* it serves */
    bool draining;
    bool drained;     /* it has stopped as it was asked to */
    int64_t drain_ms; /* how long its pages may take for that */
    bool interrupted; /* its reader was told to stop */
    bool doomed;      /* dies as soon as the scheduler runs */
    int64_t frozen_until_us;
    int64_t thawed_us; /* when it went on, or will */
    int64_t wall_offset_ms;
    int64_t mono_base_ms;
    struct dm_allocator allocator;
    struct block *blocks;
    size_t bytes, bytes_most;
    uint32_t allocation_faults; /* one in so many fails; 0: none */
    struct sink_note *sinks;
    struct fd_note fds[256]; /* handed out, some closed since */
    uint32_t fd_count;
    struct memory_stream *stream;
    struct dm_limit_options limits; /* of its limiter */
    struct dm_pipeline pipeline;
    struct dm_worker *worker;
    struct dm_aggregator *aggregator;
    struct model *model;
};

void node_boot(struct sim *sim, uint32_t number, unsigned roles);
void node_start(struct node *node); /* spawns the fiber that starts it */
/* Blocks; from a fiber of the world's. False: it died instead, or somebody else drains it. */
bool node_drain(struct node *node, int64_t deadline_ms);
void node_freeze(struct node *node, int64_t us);
void node_thaw(struct node *node);
void node_bury(struct node *node); /* by the scheduler, after its fibers are gone */
struct dm_runtime node_runtime(struct node *node);

/* ---- ports (ports*.c, fake_*.c) ---- */

void node_ports(struct node *node, struct dm_ports *ret);
void node_ports_stop(struct node *node);     /* from a fiber of the node's */
void node_ports_bury(struct node *node);     /* after a crash: what of it lies outside the node's memory */
struct model *model_make(struct node *node); /* with its fiber; NULL: no memory */
void model_stop(struct model *model);
struct dm_model model_port(struct model *model);
struct dm_reader reader_port(struct node *node);
void hints_publish(void *node, const struct dm_hint *hint);
void provider_choose(struct sim *sim);
void provider_turn(struct sim *sim, enum mood mood);
void provider_change_key(struct sim *sim);
bool provider_strikes(const struct sim *sim, uint32_t tenant);      /* its mood is towards the tenant's key, too */
bool provider_has_account(const struct sim *sim, uint64_t account); /* a key of some tenant's own as it is now */

/* What a simulated document is, as its bytes say (fake_reader.c reads them, clients.c writes them). */
struct script {
    uint32_t number; /* of the document, from 1 */
    uint32_t tenant;
    uint32_t pages;
    uint32_t damaged, hanging, crashing, blocked, empty, oversized; /* page numbers; 0: none */
    uint32_t mute, wrong; /* the page that the model does not answer in time, or never as it was asked */
    uint32_t killing;     /* the page whose reading ends the process */
    bool kills_split;
    bool encrypted;
    bool nothing; /* it has no pages */
    bool keyed;   /* uploaded under an Idempotency-Key: there may be one document of it */
    char choice[32];
};

void script_text(const struct script *script, char *ret, size_t size);
bool script_parse(const char *text, struct script *ret);
/* The text that the reader finds on a page: names tenant, document and page, so that the judge sees a mix-up. */
void script_page(const struct script *script, uint32_t page, char *ret, size_t size);

/* ---- judge (judge*.c) ---- */

struct judge *judge_make(struct sim *sim);
void judge_free(struct judge *judge);
void judge_upload_accepted(struct sim *sim, const struct script *script, const struct dm_tenant *tenant,
                           const struct dm_file *file);
void judge_stopped(struct sim *sim, const struct dm_tenant *tenant, const struct dm_file *file); /* cancel, delete */
/* A model call begins on this node that will use so many tokens; the answer's fate is told by its number. */
uint32_t judge_call(struct sim *sim, struct node *node, const struct dm_tenant *tenant,
                    const struct dm_model_request *request, uint32_t tokens);
void judge_answer(struct sim *sim, uint32_t call, const struct dm_model_answer *answer);
void judge_limiter(struct sim *sim, const struct node *node); /* after its last call was answered */
/* The blob is there now, whatever its writer was told. */
void judge_segment(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes);
void judge_blob(struct sim *sim, const struct dm_tenant *tenant, struct dm_str key);
/* `before` is what stood under the key (at == NULL: nothing), `after` what stands there now. */
void judge_result_written(struct sim *sim, struct dm_str key, struct dm_str before, struct dm_str after);
uint32_t judge_open(const struct judge *judge); /* documents that have not ended */
uint32_t judge_open_of_others(
    const struct sim *sim);          /* of these, those of tenants towards whose key the provider is in no mood */
void judge_at_rest(struct sim *sim); /* after everything has ended and every node has stopped */
const struct script *judge_script(struct sim *sim, const struct memory_document *document);

/* ---- clients and nemesis ---- */

void clients_start(struct sim *sim);
void clients_free(struct sim *sim);
bool clients_done(const struct sim *sim);
void nemesis_start(struct sim *sim);

void sim_tenant(uint32_t number, struct dm_tenant *ret);

#endif
