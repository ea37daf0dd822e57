/* rig.c: the fakes, and the folder. */
#include "rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/limits.h"

/* ---- reader ---- */

struct dm_reader_handle {
    char script[256];
    uint32_t pages;
};

static uint32_t script_number(const char *script, const char *name)
{
    const char *at = strstr(script, name);
    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

static enum dm_code fake_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                              struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct dm_reader_handle *handle = calloc(1, sizeof(*handle));
    ssize_t size = pread(source->fd, handle->script, sizeof(handle->script) - 1, 0);
    assert_true(size > 0);
    handle->pages = script_number(handle->script, "pages=");
    enum dm_code rc = DM_OK;
    if (strstr(handle->script, "encrypted") && source->password.len == 0)
        rc = dm_fail(err, DM_ENCRYPTED, "it needs a password");
    else if (handle->pages == 0)
        rc = dm_fail(err, DM_NOT_FOUND, "it has no pages");
    if (rc != DM_OK) {
        free(handle);
        return rc;
    }
    *ret = handle;
    *ret_pages = handle->pages;
    return DM_OK;
}

static enum dm_code fake_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                              const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    if (page == script_number(handle->script, "damaged="))
        return dm_fail(err, DM_DAMAGED, "page %u is damaged", page);
    if (page == script_number(handle->script, "hanging="))
        return dm_fail(err, DM_TIMEOUT, "page %u took too long", page);
    ret->text = dm_buf_make(1024);
    if (page == script_number(handle->script, "blank="))
        dm_buf_add_z(&ret->text, " \n");
    else
        dm_buf_addf(&ret->text, "page %u", page);
    return DM_OK;
}

static void fake_close(void *self, struct dm_reader_handle *handle)
{
    free(handle);
}

static void fake_interrupt(void *self)
{
}

static enum dm_code fake_check(void *self, struct dm_err *err)
{
    return DM_OK;
}

static const struct dm_reader_ops fake_reader = {
    "fake", fake_open, fake_page, fake_close, fake_interrupt, fake_check
};

/* ---- model ---- */

struct fake_call {
    struct fake_call *next;
    bool keyed;
    const struct dm_model_request *request;
    dm_model_done *done;
    void *context;
};

/* With the lock held. */
static uint64_t account_of(const struct fake_model *model, const struct dm_tenant *tenant)
{
    return dm_tenant_eq(tenant, &model->keyed) ? model->key : 0;
}

static enum dm_code model_account(void *self, const struct dm_tenant *tenant, uint64_t *ret, struct dm_err *err)
{
    struct fake_model *model = self;
    dm_lock(model->runtime, model->monitor);
    *ret = account_of(model, tenant);
    dm_unlock(model->runtime, model->monitor);
    return DM_OK;
}

static enum dm_code may_start(struct fake_model *model, const struct dm_tenant *tenant,
                              const struct dm_model_request *request, struct dm_err *err)
{
    enum dm_code refusal = request->task == DM_MODEL_PAGE ? model->refusals[request->page] : model->reduction_refusal;
    if (request->account != account_of(model, tenant)) {
        model->strays++;
        return dm_fail(err, DM_CONFLICT, "the tenant has another key by now");
    }
    if (refusal == DM_OK)
        return DM_OK;
    model->refused++;
    if (request->task == DM_MODEL_REDUCTION)
        model->reduction_refusal = DM_OK;
    return dm_fail(err, refusal, "as told");
}

static enum dm_code model_start(void *self, const struct dm_tenant *tenant, const struct dm_model_request *request,
                                dm_model_done *done, void *context, struct dm_err *err)
{
    struct fake_model *model = self;
    dm_lock(model->runtime, model->monitor);
    enum dm_code rc = may_start(model, tenant, request, err);
    if (rc == DM_OK) {
        struct fake_call *call = calloc(1, sizeof(*call));
        *call = (struct fake_call){ NULL, request->account != 0, request, done, context };
        *model->end = call;
        model->end = &call->next;
        model->waiting++;
        dm_wake_all(model->runtime, model->monitor);
    }
    dm_unlock(model->runtime, model->monitor);
    return rc;
}

static uint32_t model_concurrency(void *self)
{
    return 64;
}

static const struct dm_model_ops fake_model_ops = { model_start, model_concurrency, fake_check, NULL, model_account };

static void answer_page(struct fake_model *model, const struct dm_model_request *request,
                        struct dm_model_answer *answer)
{
    uint32_t page = request->page;
    assert_true(page < RIG_PAGES_MAX);
    model->repairs += request->again == DM_AGAIN_REPAIRED && dm_str_eq(request->rejected, DM_STR("{}")) &&
                      dm_str_eq(request->complaint, DM_STR("as told"));
    answer->usage = (struct dm_usage){ .model_calls = 1, .input_tokens = 10, .output_tokens = 3 };
    if (model->calls[page]++ < model->fail_times[page]) {
        answer->reason = model->reason;
        answer->retry_after_ms = 1;
        answer->adapted = model->adapted;
        answer->rejected = dm_buf_make(64);
        dm_buf_add_z(&answer->rejected, "{}");
        snprintf(answer->detail, sizeof(answer->detail), "as told");
        return;
    }
    answer->analysis = dm_buf_make(4096);
    dm_buf_addf(&answer->analysis,
                "{\"summary\":\"%.*s\",\"entities\":[{\"text\":\"Ada\",\"type\":\"person\",\"count\":1}],"
                "\"keyPoints\":[\"point %u\"],\"sentiment\":\"positive\",\"sentimentScore\":0.5}",
                DM_STR_ARG(request->text), page);
}

static void answer_calls(void *argument)
{
    struct fake_model *model = argument;
    dm_lock(model->runtime, model->monitor);
    while (!(model->stopping && !model->first)) {
        struct fake_call *call = model->first;
        if (!call || (model->hold && !model->stopping)) {
            dm_wait_until(model->runtime, model->monitor, DM_FOREVER);
            continue;
        }
        model->first = call->next;
        if (!model->first)
            model->end = &model->first;
        struct dm_model_answer answer = { 0 };
        if (call->keyed && model->key_reason != DM_REASON_NONE) {
            model->key_calls++;
            answer.reason = model->key_reason;
            snprintf(answer.detail, sizeof(answer.detail), "as told");
        } else if (call->request->task == DM_MODEL_PAGE) {
            answer_page(model, call->request, &answer);
        } else {
            model->reductions++;
            answer.analysis = dm_buf_make(4096);
            dm_buf_addf(&answer.analysis,
                        "{\"summary\":\"all of %u\",\"keyPoints\":[{\"text\":\"first\",\"pages\":[1]}]}",
                        call->request->digest_count);
        }
        model->waiting--;
        dm_unlock(model->runtime, model->monitor);
        call->done(call->context, &answer);
        free(call);
        dm_lock(model->runtime, model->monitor);
    }
    dm_unlock(model->runtime, model->monitor);
}

void rig_hold_model(struct rig *rig, bool hold)
{
    dm_lock(rig->model.runtime, rig->model.monitor);
    rig->model.hold = hold;
    dm_wake_all(rig->model.runtime, rig->model.monitor);
    dm_unlock(rig->model.runtime, rig->model.monitor);
}

uint32_t rig_calls(struct rig *rig, uint32_t page)
{
    dm_lock(rig->model.runtime, rig->model.monitor);
    uint32_t calls = rig->model.calls[page];
    dm_unlock(rig->model.runtime, rig->model.monitor);
    return calls;
}

/* ---- the rig ---- */

static void open_folder(struct rig *rig)
{
    const struct dm_embedded_options options = { .folder = rig->folder };
    assert_int_equal(dm_embedded_open(&options, &rig->set, &rig->err), DM_OK);
    assert_int_equal(dm_hub_make(rig->set.runtime, &rig->hub, &rig->err), DM_OK);
    const struct dm_limit_options limits = { .concurrency = 128, .concurrency_max = 128 };
    assert_int_equal(dm_limiter_make(rig->set.runtime, &limits, &rig->limiter, &rig->err), DM_OK);
    rig->pipeline =
        (struct dm_pipeline){ .ports = { .runtime = rig->set.runtime,
                                         .store = rig->set.store,
                                         .op = rig->set.op,
                                         .blob = rig->set.blob,
                                         .stream = rig->set.stream,
                                         .model = { &fake_model_ops, &rig->model, "fake:1", DM_MODEL_TAKES_TEXT, 0 },
                                         .reader = { &fake_reader, NULL },
                                         .secrets = rig->set.secrets },
                              .hub = rig->hub,
                              .limiter = rig->limiter,
                              .pages_max = 400,
                              .attempts_max = 4 };
}

int rig_setup(void **state)
{
    dm_json_setup();
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    struct rig *rig = calloc(1, sizeof(*rig));
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/docmill-pipeline-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    open_folder(rig);
    rig->model.runtime = dm_threads_runtime();
    rig->model.end = &rig->model.first;
    assert_int_equal(dm_monitor_make(rig->model.runtime, &rig->model.monitor, &rig->err), DM_OK);
    assert_int_equal(dm_spawn(rig->model.runtime, "model", answer_calls, &rig->model, &rig->model.task, &rig->err),
                     DM_OK);
    *state = rig;
    return 0;
}

void rig_start(struct rig *rig, uint32_t readers)
{
    const struct dm_worker_options options = {
        .readers = readers, .pages_in_flight = 200, .document_pages = 80, .tenant_pages = 80
    };
    assert_int_equal(dm_worker_start(&rig->pipeline, &options, &rig->worker, &rig->err), DM_OK);
    assert_int_equal(dm_aggregator_start(&rig->pipeline, &rig->aggregator, &rig->err), DM_OK);
}

void rig_stop(struct rig *rig)
{
    dm_worker_stop(rig->worker, dm_mono_ms(rig->pipeline.ports.runtime) + 5000);
    rig->worker = NULL;
    dm_aggregator_stop(rig->aggregator);
    rig->aggregator = NULL;
}

void rig_reopen(struct rig *rig)
{
    dm_limiter_free(rig->limiter);
    dm_hub_free(rig->hub);
    dm_embedded_close(&rig->set);
    open_folder(rig);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    return remove(path);
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_hold_model(rig, false);
    rig_stop(rig);
    dm_lock(rig->model.runtime, rig->model.monitor);
    rig->model.stopping = true;
    dm_wake_all(rig->model.runtime, rig->model.monitor);
    dm_unlock(rig->model.runtime, rig->model.monitor);
    dm_join(rig->model.runtime, rig->model.task);
    dm_monitor_free(rig->model.runtime, rig->model.monitor);
    dm_limiter_free(rig->limiter);
    dm_hub_free(rig->hub);
    dm_embedded_close(&rig->set);
    nftw(rig->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(rig);
    return 0;
}

struct dm_tenant rig_tenant(const char *id)
{
    struct dm_tenant tenant;
    assert_int_equal(dm_tenant_parse(dm_str_z(id), &tenant, NULL), DM_OK);
    return tenant;
}

struct dm_file rig_accept(struct rig *rig, const char *tenant_id, const char *script, const char *pages)
{
    const struct dm_tenant tenant = rig_tenant(tenant_id);
    struct dm_spool spool;
    struct dm_file file;
    bool replayed;
    assert_int_equal(dm_spool_open(rig->set.blob, &spool, &rig->err), DM_OK);
    assert_int_equal(dm_spool_write(&spool, dm_str_z(script), 1 << 20, &rig->err), DM_OK);
    const struct dm_intake intake = { .name = DM_STR("a.pdf"), .pages = dm_str_z(pages), .priority = 5 };
    assert_int_equal(dm_intake_accept(&rig->pipeline, &tenant, &intake, &spool, &file, &replayed, &rig->err), DM_OK);
    dm_spool_free(&spool);
    assert_false(replayed);
    return file;
}

struct dm_state rig_state(struct rig *rig, const char *tenant_id, const struct dm_file *file)
{
    const struct dm_tenant tenant = rig_tenant(tenant_id);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(dm_document_read(&rig->pipeline, &tenant, file, DM_PART_STATE, &arena, &snapshot, &rig->err),
                     DM_OK);
    return snapshot.state;
}

void rig_until(struct rig *rig, bool (*condition)(struct rig *rig, const void *argument), const void *argument)
{
    int64_t deadline_ms = dm_mono_ms(rig->set.runtime) + RIG_WAIT_MS;
    while (!condition(rig, argument)) {
        assert_true(dm_mono_ms(rig->set.runtime) < deadline_ms);
        dm_sleep_until(rig->set.runtime, dm_mono_ms(rig->set.runtime) + 2);
    }
}

struct whose {
    const char *tenant;
    const struct dm_file *file;
};

static bool has_ended(struct rig *rig, const void *argument)
{
    const struct whose *whose = argument;
    return dm_status_is_final(rig_state(rig, whose->tenant, whose->file).status);
}

struct dm_state rig_ended(struct rig *rig, const char *tenant, const struct dm_file *file)
{
    const struct whose whose = { tenant, file };
    rig_until(rig, has_ended, &whose);
    return rig_state(rig, tenant, file);
}

struct dm_buf rig_result(struct rig *rig, const char *tenant_id, const struct dm_file *file, enum dm_result_form form,
                         bool partial)
{
    const struct dm_tenant tenant = rig_tenant(tenant_id);
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(
        dm_document_read(&rig->pipeline, &tenant, file, DM_PART_STATE | DM_PART_WORK, &arena, &snapshot, &rig->err),
        DM_OK);
    int fd;
    uint64_t size;
    assert_int_equal(dm_result_open(&rig->pipeline, &tenant, file, &snapshot, form, partial, &fd, &size, &rig->err),
                     DM_OK);
    struct dm_buf text = dm_buf_make(16 << 20);
    char *room = dm_buf_reserve(&text, size);
    assert_non_null(room);
    assert_int_equal(pread(fd, room, size, 0), (ssize_t)size);
    dm_buf_grown(&text, size);
    dm_blob_close(fd);
    return text;
}
