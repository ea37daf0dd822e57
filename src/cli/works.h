/* works.h: private to cli: what a process has open, and the roles that run on it.
 *
 * This is the one place that knows which backend stands behind which port. Opening goes from the bottom up, closing from the top
 * down; either may stop half-way, and closing copes with what is there. */
#ifndef DM_CLI_WORKS_H
#define DM_CLI_WORKS_H

#include "cli/cloud.h"
#include "cli/commands.h"
#include "embedded/embedded.h"
#include "models/models.h"
#include "net/multi.h"
#include "pipeline/pipeline.h"
#include "reader/reader.h"

/* The model that the settings name, and what it stands on (model.c). */
struct dm_opened_model {
    struct dm_model port;               /* ops NULL: not open */
    struct dm_multi *multi;             /* NULL: it is the built-in one */
    struct dm_aws *aws;                 /* NULL: requests are not signed */
    struct dm_tenant_keys *tenant_keys; /* NULL: all tenants use the common key */
    struct dm_model_key *key;           /* NULL: it is what it was at the start */
    struct dm_limit_options limits;
};

/* DM_INVALID and others name the setting that is wrong. `queue_max` pages may wait for the built-in one. Of `ports` those are used
 * that tenants' own keys need; NULL: there are none. Where the key is one of the
 * parameters that `watch` reads (NULL: nobody does), it is from then on what it is there. */
DM_MUST_USE enum dm_code dm_model_open(const struct dm_settings *settings, struct dm_runtime runtime,
                                       const struct dm_ports *ports, struct dm_parameter_watch *watch,
                                       uint32_t queue_max, struct dm_opened_model *ret, struct dm_err *err);
void dm_model_close(struct dm_opened_model *model); /* also where it was never opened */
/* How many calls may be under way at most, whatever is found out. */
uint32_t dm_model_calls_max(const struct dm_settings *settings);

struct dm_works {
    struct dm_embedded_set set; /* its ledger, blobs and secrets are those of the cloud where these are there */
    struct dm_cloud cloud;
    struct dm_reader reader; /* ops NULL: not open */
    struct dm_opened_model model;
    struct dm_hub *hub;
    struct dm_limiter *limiter;
    struct dm_pipeline pipeline;
    struct dm_worker_options worker_options;
    struct dm_worker *worker;
    struct dm_aggregator *aggregator;
};

/* Where the backends lie. */
struct dm_works_place {
    const char *folder;
    const char *sqlite_path; /* NULL: in the folder, or the ledger is not here */
    const char *blob_folder; /* likewise */
    uint64_t free_bytes_min;
    const struct dm_settings *cloud; /* what of it lies with Amazon is said there; NULL: nothing */
};

/* The place that the settings name. */
struct dm_works_place dm_works_place(const struct dm_settings *settings);
/* On failure all is closed again; `*ret_hint` is what to do about it. */
DM_MUST_USE enum dm_code dm_works_open(const struct dm_call *call, const struct dm_works_place *place,
                                       struct dm_works *ret, const char **ret_hint, struct dm_err *err);
/* `roles` are bits of enum dm_role. */
DM_MUST_USE enum dm_code dm_works_start(struct dm_works *works, uint32_t roles, struct dm_err *err);
/* Lets the roles finish what they can until the deadline (monotonic), and closes everything. */
void dm_works_close(struct dm_works *works, int64_t deadline_mono_ms);

/* The path of docmill-pdf in `arena`: the setting's, beside this program, or where it is installed. DM_NOT_FOUND says where
 * it was looked for. */
DM_MUST_USE enum dm_code dm_helper_find(const struct dm_call *call, struct dm_arena *arena, const char **ret,
                                        struct dm_err *err);
/* How the helpers are to be run; the texts live in the settings. `helper` is what dm_helper_find found. */
struct dm_reader_options dm_works_reader_options(const struct dm_settings *settings, const char *helper);
uint32_t dm_processors(void);
/* As many as were asked for; without a wish (0) one for each processor, and two at least: one waits while the other works. */
uint32_t dm_or_processors(uint32_t wanted);
/* When the process began, in the kernel's ticks (process.c); 0: there is none, or it has ended. With it a number means the same
 * process as long as the machine runs. */
uint64_t dm_process_began(int64_t pid);

/* ---- signals ------------------------------------------------------------------------------------------------------ */

/* SIGINT, SIGTERM and SIGHUP come through the descriptor from now on, in this and all threads to come. */
DM_MUST_USE enum dm_code dm_stop_signals(int *ret_fd, struct dm_err *err);
/* The signal that came, or 0. Does not wait. After the first one the next ends the program at once. */
int dm_stop_signal(int fd);

#endif
