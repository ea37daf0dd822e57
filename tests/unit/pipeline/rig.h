/* rig.h: a pipeline over the embedded backends in a folder of its own, a reader and a model that do as they are told.
 *
 * A document is a script: "%PDF- pages=5 damaged=3 encrypted". The fake reader makes its pages' texts ("page 3 of …");
 * the fake model answers each with an analysis, and keeps count of what it was asked. */
#ifndef DM_TESTS_PIPELINE_RIG_H
#define DM_TESTS_PIPELINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "embedded/embedded.h"
#include "pipeline/pipeline.h"

enum { RIG_PAGES_MAX = 512, RIG_WAIT_MS = 20000 };

/* What the model does with a page, by number; plain answers otherwise. */
struct fake_model {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards all below */
    bool hold;                  /* keep every answer back until it is false */
    bool stopping;
    uint32_t fail_times[RIG_PAGES_MAX]; /* so many first calls of the page fail with `reason` */
    enum dm_reason reason;
    bool adapted;                         /* says so with each failure */
    struct dm_tenant keyed;               /* this tenant has a key, and so an account, of its own; empty: none has */
    uint64_t key;                         /* its number; 0: none yet */
    enum dm_reason key_reason;            /* what calls with it are answered; DM_REASON_NONE: as others */
    enum dm_code refusals[RIG_PAGES_MAX]; /* how calls about the page are refused at their start; DM_OK: they are not */
    enum dm_code reduction_refusal;       /* how the first call for a reduction is refused; DM_OK: it is not */
    uint32_t refused;                     /* so many were */
    uint32_t key_calls;                   /* calls that were answered with key_reason */
    uint32_t strays;                      /* calls that came with the leave of another account than their tenant's */
    uint32_t calls[RIG_PAGES_MAX];
    uint32_t reductions;
    uint32_t repairs; /* calls that came with the answer that would not do and a complaint */
    uint32_t waiting; /* calls not answered yet */
    struct fake_call *first;
    struct fake_call **end;
    struct dm_task *task;
};

struct rig {
    char folder[64];
    struct dm_embedded_set set;
    struct dm_hub *hub;
    struct dm_limiter *limiter;
    struct fake_model model;
    struct dm_pipeline pipeline;
    struct dm_worker *worker;
    struct dm_aggregator *aggregator;
    struct dm_err err;
};

int rig_setup(void **state);
int rig_teardown(void **state);
void rig_start(struct rig *rig, uint32_t readers);
void rig_stop(struct rig *rig);
/* Closes the folder and opens it again, as a process after a crash finds it. */
void rig_reopen(struct rig *rig);

struct dm_tenant rig_tenant(const char *id);
struct dm_file rig_accept(struct rig *rig, const char *tenant, const char *script, const char *pages);
struct dm_state rig_state(struct rig *rig, const char *tenant, const struct dm_file *file);
/* Waits until the document has ended and returns its state; fails the test after RIG_WAIT_MS. */
struct dm_state rig_ended(struct rig *rig, const char *tenant, const struct dm_file *file);
/* Waits until the condition holds. */
void rig_until(struct rig *rig, bool (*condition)(struct rig *rig, const void *argument), const void *argument);
/* The result in the form, as text that the caller frees. */
struct dm_buf rig_result(struct rig *rig, const char *tenant, const struct dm_file *file, enum dm_result_form form,
                         bool partial);
uint32_t rig_calls(struct rig *rig, uint32_t page);
void rig_hold_model(struct rig *rig, bool hold);

#endif
