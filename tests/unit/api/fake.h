/* fake.h: a pipeline that does as it is told, for tests of api and server: the functions of pipeline/pipeline.h over
 * documents in memory, and the ports that the api calls itself. One world at a time.
 *
 * Time stands still unless the test moves it; the server's tests put the threads' runtime in its place. */
#ifndef DM_TESTS_API_FAKE_H
#define DM_TESTS_API_FAKE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api.h"

enum {
    FAKE_BYTES_MAX = 512 * 1024 * 1024,
    FAKE_DOCUMENTS = 200,
    FAKE_PAGES = 20,
    FAKE_LISTENERS = 4,
    FAKE_PAUSES = 8,
    FAKE_STUCK = 8,
    FAKE_SECRETS = 8
};

struct fake_document {
    bool used;
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_document document;
    struct dm_state state;
    char name[1100];
    char metadata[20000];
    char pages[200];
    char password[300];
    struct dm_buf bytes;  /* as uploaded */
    struct dm_buf result; /* what dm_result_open gives */
    char idem[400];
};

struct fake {
    struct dm_pipeline pipeline;
    struct dm_api *api;
    pthread_mutex_t lock; /* recursive; guards all below */
    int64_t wall_ms;
    int64_t mono_ms;
    struct fake_document documents[FAKE_DOCUMENTS];
    uint32_t count;
    uint32_t sinks; /* open now */
    uint32_t sinks_made;
    uint32_t accepted;
    uint32_t reads;
    uint32_t owners; /* looked for */
    uint32_t retries;
    struct dm_pause pauses[FAKE_PAUSES + 1];
    uint32_t pause_count;
    struct dm_stuck stuck[FAKE_STUCK];
    uint32_t stuck_count;
    struct dm_redriven redriven; /* what comes of every redrive */
    uint32_t redrives;
    int64_t asked_older_ms;
    uint32_t drained;
    struct dm_secret_row secrets[FAKE_SECRETS]; /* in order */
    uint32_t secret_count;
    char secret_value[DM_TENANT_KEY_MAX + 1]; /* the one set last */
    struct dm_shut_account shut[FAKE_SECRETS];
    uint32_t shut_count;
    struct dm_range retried;       /* first range of the last retry; 0: none was named */
    _Atomic bool complete_at_once; /* an accepted document is completed when it is first read */
    _Atomic int accept_sleep_ms;   /* real time */
    /* Answers in place of doing it, once. */
    _Atomic enum dm_code fail_create, fail_write, fail_accept, fail_read, fail_result, fail_store, fail_blob;
    struct {
        dm_moved *function;
        void *context;
    } listeners[FAKE_LISTENERS];
};

extern struct fake fake;
extern const struct dm_operator_ops fake_operator_ops; /* fake_operate.c */

/* Makes the world and an api over it. `threads` NULL: time stands still. */
void fake_open(const struct dm_api_options *options, const struct dm_runtime *threads);
/* Checks that nothing was left: no sink open, no upload counted. */
void fake_close(void);

/* A document that was accepted; processing, 10 pages, 3 done, 1 failed. */
struct fake_document *fake_add(const char *tenant);
/* It gets a result of these bytes. */
void fake_complete(struct fake_document *document, const char *result);
/* A change of its state became durable: raises the version and tells the hub's listeners. */
void fake_moved(struct fake_document *document);
struct fake_document *fake_find(const char *file_id);

#endif
