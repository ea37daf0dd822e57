/* fake.c: the fake pipeline. */
#include "fake.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"

struct fake fake;

static bool takes(_Atomic enum dm_code *code, struct dm_err *err)
{
    enum dm_code taken = atomic_exchange(code, DM_OK);
    return taken != DM_OK && dm_fail(err, taken, "the test wanted %s", dm_code_name(taken)) != DM_OK;
}

/* For the rest of the scope. */
static void unlock(int *held)
{
    pthread_mutex_unlock(&fake.lock);
}

#define LOCKED()                                                                                                       \
    int held DM_CLEANUP(unlock) = 0;                                                                                   \
    pthread_mutex_lock(&fake.lock);                                                                                    \
    (void)held

static int file_of(struct dm_str bytes)
{
    int fd = memfd_create("fake", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* ---- a runtime whose time stands still -------------------------------------------------------------------- */

static int64_t still_wall(void *self)
{
    return fake.wall_ms;
}

static int64_t still_mono(void *self)
{
    return fake.mono_ms;
}

static void still_random(void *self, void *bytes, size_t size)
{
    memset(bytes, 7, size);
}

static enum dm_code still_monitor(void *self, struct dm_monitor **ret, struct dm_err *err)
{
    *ret = (struct dm_monitor *)&fake;
    return DM_OK;
}

static void still_nothing(void *self, struct dm_monitor *monitor)
{
}

static const struct dm_runtime_ops still_ops = { .name = "still",
                                                 .wall_ms = still_wall,
                                                 .mono_ms = still_mono,
                                                 .random = still_random,
                                                 .monitor_make = still_monitor,
                                                 .monitor_free = still_nothing,
                                                 .lock = still_nothing,
                                                 .unlock = still_nothing };

/* ---- blobs ------------------------------------------------------------------------------------------------ */

struct dm_sink {
    struct dm_buf bytes;
};

static enum dm_code blob_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    pthread_mutex_lock(&fake.lock);
    bool failed = takes(&fake.fail_create, err);
    fake.sinks += !failed;
    fake.sinks_made += !failed;
    pthread_mutex_unlock(&fake.lock);
    if (failed)
        return err->code;
    *ret = dm_alloc_zero(1, sizeof(**ret));
    (*ret)->bytes = dm_buf_make(FAKE_BYTES_MAX);
    return DM_OK;
}

static enum dm_code blob_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    if (takes(&fake.fail_write, err))
        return err->code;
    dm_buf_add(&sink->bytes, bytes);
    return DM_OK;
}

static void blob_abandon(void *self, struct dm_sink *sink)
{
    if (!sink)
        return;
    pthread_mutex_lock(&fake.lock);
    fake.sinks--;
    pthread_mutex_unlock(&fake.lock);
    dm_buf_free(&sink->bytes);
    dm_free(sink);
}

static enum dm_code blob_open(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                              struct dm_blob_info *ret, struct dm_err *err)
{
    LOCKED();
    char id[DM_ID_TEXT] = "";
    memcpy(id, key.at, DM_ID_TEXT - 1);
    struct fake_document *document = fake_find(id);
    if (!document || !dm_tenant_eq(&document->tenant, tenant) || !document->result.len)
        return dm_fail(err, DM_NOT_FOUND, "no blob %.*s", DM_STR_ARG(key));
    *ret_fd = file_of(dm_buf_str(&document->result));
    *ret = (struct dm_blob_info){ .size_bytes = document->result.len };
    return DM_OK;
}

static enum dm_code blob_check(void *self, struct dm_err *err)
{
    return takes(&fake.fail_blob, err) ? err->code : DM_OK;
}

static const struct dm_blob_ops blob_ops = { .name = "fake",
                                             .create = blob_create,
                                             .write = blob_write,
                                             .abandon = blob_abandon,
                                             .open = blob_open,
                                             .check = blob_check };

enum dm_code dm_spool_open(struct dm_blob blob, struct dm_spool *ret, struct dm_err *err)
{
    struct dm_sink *sink;
    enum dm_code rc = dm_sink_create(blob, DM_SINK_INTAKE, &sink, err);
    if (rc == DM_OK)
        *ret = (struct dm_spool){ .blob = blob, .sink = sink, .head = dm_buf_make(DM_MEDIA_HEAD) };
    return rc;
}

enum dm_code dm_spool_write(struct dm_spool *spool, struct dm_str bytes, uint64_t max_bytes, struct dm_err *err)
{
    if (spool->size_bytes + bytes.len > max_bytes)
        return dm_fail(err, DM_TOO_LARGE, "the file is over %llu bytes", (unsigned long long)max_bytes);
    enum dm_code rc = dm_sink_write(spool->blob, spool->sink, bytes, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add(&spool->head, dm_str_cut(bytes, 0, DM_MEDIA_HEAD - spool->head.len));
    spool->size_bytes += bytes.len;
    return DM_OK;
}

void dm_spool_free(struct dm_spool *spool)
{
    dm_sink_abandon(spool->blob, spool->sink);
    spool->sink = NULL;
    dm_buf_free(&spool->head);
}

/* ---- secrets, stream, reader ------------------------------------------------------------------------------ */

/* No HMAC, but different for different text and purpose, which is what the tests look at. */
static enum dm_code secrets_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                                struct dm_err *err)
{
    uint64_t hash = 14695981039346656037ULL;
    for (const char *c = purpose; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
    for (size_t round = 0; round < DM_MAC_BYTES; round++) {
        for (size_t i = 0; i < text.len; i++)
            hash = (hash ^ (unsigned char)text.at[i]) * 1099511628211ULL;
        ret[round] = (unsigned char)(hash >> 32);
    }
    return DM_OK;
}

static const struct dm_secrets_ops secrets_ops = { .name = "fake", .mac = secrets_mac };

static enum dm_code check_fine(void *self, struct dm_err *err)
{
    return DM_OK;
}

static const struct dm_stream_ops stream_ops = { .name = "fake", .check = check_fine };
static const struct dm_reader_ops reader_ops = { .name = "fake", .check = check_fine };

/* ---- the store's part that the api calls itself ----------------------------------------------------------- */

static enum dm_code store_list(void *self, const struct dm_tenant *tenant, const struct dm_list_query *query,
                               struct dm_arena *arena, struct dm_list *ret, struct dm_err *err)
{
    LOCKED();
    uint64_t skip = 0;
    if (query->after.len && !dm_str_to_u64(query->after, &skip))
        return dm_fail(err, DM_INVALID, "cursor: is none that this route made");
    struct dm_list_row *rows = dm_arena_array(arena, FAKE_DOCUMENTS, sizeof(*rows));
    uint32_t count = 0;
    uint64_t seen = 0;
    bool more = false;
    for (uint32_t i = 0; i < fake.count && !more; i++) {
        const struct fake_document *document = &fake.documents[i];
        if (!dm_tenant_eq(tenant, &document->tenant) || document->document.deleted_ms ||
            (query->status && query->status != document->state.status) || seen++ < skip)
            continue;
        if (count == query->limit) {
            more = true;
            break;
        }
        rows[count++] = (struct dm_list_row){ document->file, document->document, document->state };
    }
    *ret = (struct dm_list){ rows, count, DM_STR("") };
    if (more)
        ret->next = dm_arena_fmt(arena, "%u", (unsigned)(skip + count));
    return DM_OK;
}

static enum dm_code store_events(void *self, const struct dm_tenant *tenant, const struct dm_file *file, uint64_t after,
                                 uint32_t max, struct dm_arena *arena, struct dm_event_list *ret, struct dm_err *err)
{
    static const enum dm_event_type types[] = { DM_EVENT_DOCUMENT_UPLOADED, DM_EVENT_DOCUMENT_STARTED,
                                                DM_EVENT_PAGE_DONE };
    struct dm_event *at = dm_arena_array(arena, DM_COUNT(types), sizeof(*at));
    uint32_t count = 0;
    for (uint64_t seq = after + 1; seq <= DM_COUNT(types) && count < max; seq++)
        at[count++] = (struct dm_event){ .seq = seq,
                                         .type = types[seq - 1],
                                         .at_ms = 1767323045000 + (int64_t)seq,
                                         .data = seq == 3 ? DM_STR("{\"pages\":[1]}") : DM_STR("") };
    *ret = (struct dm_event_list){ at, count };
    return DM_OK;
}

static enum dm_code store_check(void *self, struct dm_err *err)
{
    return takes(&fake.fail_store, err) ? err->code : DM_OK;
}

static const struct dm_store_ops store_ops = {
    .name = "fake", .list = store_list, .events = store_events, .check = store_check
};

/* ---- the pipeline ------------------------------------------------------------------------------------------ */

struct fake_document *fake_find(const char *file_id)
{
    LOCKED();
    for (uint32_t i = 0; i < fake.count; i++)
        if (strcmp(fake.documents[i].file.id, file_id) == 0)
            return &fake.documents[i];
    return NULL;
}

static struct fake_document *find(const struct dm_tenant *tenant, const struct dm_file *file, struct dm_err *err)
{
    struct fake_document *document = fake_find(file->id);
    if (document && dm_tenant_eq(&document->tenant, tenant) && !document->document.deleted_ms)
        return document;
    dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    return NULL;
}

static struct fake_document *make_document(const char *tenant)
{
    assert_true(fake.count < FAKE_DOCUMENTS);
    struct fake_document *document = &fake.documents[fake.count];
    snprintf(document->file.id, sizeof(document->file.id), "0192f3c4-5d6e-7f80-9a1b-0000000000%02x", fake.count);
    snprintf(document->tenant.id, sizeof(document->tenant.id), "%s", tenant);
    document->bytes = dm_buf_make(FAKE_BYTES_MAX);
    document->result = dm_buf_make(FAKE_BYTES_MAX);
    fake.count++;
    return document;
}

struct fake_document *fake_add(const char *tenant)
{
    pthread_mutex_lock(&fake.lock);
    struct fake_document *document = make_document(tenant);
    document->document =
        (struct dm_document){ .name = DM_STR("report.pdf"),
                              .media = DM_MEDIA_PDF,
                              .size_bytes = 123456,
                              .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                              .metadata = DM_STR("{\"case\":\"4711\"}"),
                              .model = DM_STR("extractive"),
                              .priority = 5,
                              .created_ms = 1767323040000 };
    document->state = (struct dm_state){ .status = DM_STATUS_PROCESSING,
                                         .epoch = 1,
                                         .version = 4,
                                         .seq = 5,
                                         .total = 10,
                                         .processed = 3,
                                         .failed = 1,
                                         .remaining = 6,
                                         .uploaded_ms = 1767323040000,
                                         .started_ms = 1767323041000,
                                         .usage = { 4, 1000, 200, 1234, 5678 } };
    pthread_mutex_unlock(&fake.lock);
    return document;
}

void fake_complete(struct fake_document *document, const char *result)
{
    pthread_mutex_lock(&fake.lock);
    struct dm_state *state = &document->state;
    state->status = DM_STATUS_COMPLETED;
    state->total = state->total ? state->total : 2;
    state->processed = state->total - state->failed;
    state->remaining = 0;
    state->outcome = state->failed ? DM_OUTCOME_PARTIAL : DM_OUTCOME_FULL;
    state->result_epoch = state->epoch;
    state->completed_ms = 1767323050000;
    state->version++;
    dm_buf_clear(&document->result);
    dm_buf_add_z(&document->result, result);
    pthread_mutex_unlock(&fake.lock);
}

void fake_moved(struct fake_document *document)
{
    pthread_mutex_lock(&fake.lock);
    document->state.version++;
    struct dm_state state = document->state;
    pthread_mutex_unlock(&fake.lock);
    for (int i = 0; i < FAKE_LISTENERS; i++)
        if (fake.listeners[i].function)
            fake.listeners[i].function(fake.listeners[i].context, &document->tenant, &document->file, &state);
}

enum dm_code dm_hub_listen(struct dm_hub *hub, dm_moved *listener, void *context, struct dm_err *err)
{
    fake.listeners[0].function = listener;
    fake.listeners[0].context = context;
    return DM_OK;
}

void dm_hub_forget(struct dm_hub *hub, dm_moved *listener, void *context)
{
    fake.listeners[0].function = NULL;
}

static void copy(char *to, size_t size, struct dm_str from, struct dm_str *ret)
{
    assert_true(from.len < size);
    if (from.len)
        memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    *ret = dm_str_of(to, from.len);
}

static void keep(struct fake_document *document, const struct dm_intake *intake, struct dm_spool *spool)
{
    struct dm_str password;
    copy(document->name, sizeof(document->name), intake->name, &document->document.name);
    copy(document->metadata, sizeof(document->metadata), intake->metadata, &document->document.metadata);
    copy(document->pages, sizeof(document->pages), intake->pages, &document->document.pages);
    copy(document->password, sizeof(document->password), intake->password, &password);
    snprintf(document->idem, sizeof(document->idem), "%.*s", DM_STR_ARG(intake->idempotency_key));
    document->document.size_bytes = spool->size_bytes;
    document->document.priority = intake->priority;
    document->document.created_ms = 1767323040000;
    document->state = (struct dm_state){
        .status = DM_STATUS_PENDING, .epoch = 1, .version = 1, .seq = 1, .uploaded_ms = 1767323040000
    };
    document->bytes = spool->sink->bytes;
    dm_free(spool->sink);
    spool->sink = NULL;
    fake.sinks--;
    fake.accepted++;
}

enum dm_code dm_intake_accept(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                              const struct dm_intake *intake, struct dm_spool *spool, struct dm_file *ret_file,
                              bool *ret_replayed, struct dm_err *err)
{
    enum dm_media media;
    if (fake.accept_sleep_ms)
        nanosleep(&(struct timespec){ fake.accept_sleep_ms / 1000, fake.accept_sleep_ms % 1000 * 1000000L }, NULL);
    pthread_mutex_lock(&fake.lock);
    enum dm_code rc = takes(&fake.fail_accept, err) ? err->code : DM_OK;
    if (rc == DM_OK)
        rc = dm_media_detect(dm_buf_str(&spool->head), intake->name, intake->declared_type, &media, err);
    *ret_replayed = false;
    for (uint32_t i = 0; rc == DM_OK && intake->idempotency_key.len && i < fake.count; i++) {
        if (dm_str_eq(intake->idempotency_key, dm_str_z(fake.documents[i].idem))) {
            *ret_file = fake.documents[i].file;
            *ret_replayed = true;
        }
    }
    if (rc == DM_OK && !*ret_replayed) {
        struct fake_document *document = make_document(tenant->id);
        keep(document, intake, spool);
        document->document.media = media;
        *ret_file = document->file;
    }
    pthread_mutex_unlock(&fake.lock);
    return rc;
}

enum dm_code dm_document_read(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                              const struct dm_file *file, unsigned parts, struct dm_arena *arena,
                              struct dm_snapshot *ret, struct dm_err *err)
{
    struct fake_document *ready = fake.complete_at_once ? fake_find(file->id) : NULL;
    if (ready && !dm_status_is_final(ready->state.status))
        fake_complete(ready, "{\"chunks\":[]}");
    pthread_mutex_lock(&fake.lock);
    fake.reads++;
    struct fake_document *document = takes(&fake.fail_read, err) ? NULL : find(tenant, file, err);
    if (document)
        *ret = (struct dm_snapshot){ .document = document->document, .state = document->state };
    pthread_mutex_unlock(&fake.lock);
    return document ? DM_OK : err->code;
}

enum dm_code dm_document_owner(const struct dm_pipeline *pipeline, const struct dm_file *file, struct dm_tenant *ret,
                               struct dm_err *err)
{
    LOCKED();
    fake.owners++;
    struct fake_document *document = fake_find(file->id);
    if (!document || document->document.deleted_ms)
        return dm_fail(err, DM_NOT_FOUND, "no document has the id %s", file->id);
    *ret = document->tenant;
    return DM_OK;
}

enum dm_code dm_document_cancel(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, struct dm_err *err)
{
    LOCKED();
    struct fake_document *document = find(tenant, file, err);
    if (!document)
        return err->code;
    if (dm_status_is_final(document->state.status))
        return dm_fail(err, DM_REFUSED, "the document is %s", dm_status_text(document->state.status));
    document->state.status = DM_STATUS_CANCELLED;
    fake_moved(document);
    return DM_OK;
}

enum dm_code dm_document_retry(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                               const struct dm_file *file, struct dm_ranges pages, struct dm_err *err)
{
    LOCKED();
    struct fake_document *document = find(tenant, file, err);
    if (!document)
        return err->code;
    fake.retries++;
    fake.retried = pages.count ? pages.at[0] : (struct dm_range){ 0, 0 };
    document->state.epoch++;
    return DM_OK;
}

enum dm_code dm_document_delete(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                                const struct dm_file *file, struct dm_err *err)
{
    LOCKED();
    struct fake_document *document = find(tenant, file, err);
    if (!document)
        return err->code;
    document->document.deleted_ms = 1;
    return DM_OK;
}

/* Page 1 is done, page 2 failed, the others are pending. */
enum dm_code dm_document_pages(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                               const struct dm_file *file, const struct dm_snapshot *snapshot, uint32_t first,
                               uint32_t max, struct dm_arena *arena, struct dm_page_views *ret, struct dm_err *err)
{
    static const struct dm_page done = { .number = 1,
                                         .status = DM_PAGE_DONE,
                                         .length = 1,
                                         .attempts = DM_STR_INIT("[{\"ms\":12}]"),
                                         .ended_ms = 1767323042000,
                                         .usage = { 1, 300, 40, 250, 1500000 } };
    static const struct dm_page failed = { .number = 2,
                                           .status = DM_PAGE_FAILED,
                                           .reason = DM_REASON_BLOCKED,
                                           .detail = DM_STR_INIT("the model said \"no\""),
                                           .ended_ms = 1767323043000 };
    struct dm_page_view *at = dm_arena_array(arena, FAKE_PAGES, sizeof(*at));
    uint32_t count = 0;
    for (uint32_t page = first; page <= snapshot->state.total && count < max && count < FAKE_PAGES; page++)
        at[count++] = (struct dm_page_view){ .number = page,
                                             .status = page == 1   ? DM_PAGE_DONE
                                                       : page == 2 ? DM_PAGE_FAILED
                                                                   : DM_PAGE_PENDING,
                                             .record = page == 1   ? &done
                                                       : page == 2 ? &failed
                                                                   : NULL };
    *ret = (struct dm_page_views){ at, count };
    return DM_OK;
}

enum dm_code dm_page_line(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                          const struct dm_state *state, const struct dm_page *page, struct dm_buf *ret,
                          struct dm_err *err)
{
    dm_buf_add_z(ret, "{\"pageNumber\":1,\"analysis\":{\"summary\":\"s\"},\"text\":\"Hello\"}");
    return DM_OK;
}

enum dm_code dm_page_image(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                           const struct dm_file *file, const struct dm_snapshot *snapshot, uint32_t page,
                           uint32_t long_edge, enum dm_media media, int *ret_fd, uint64_t *ret_size, struct dm_err *err)
{
    char text[64];
    snprintf(text, sizeof(text), "%s %u %u", dm_media_type(media), page, long_edge);
    *ret_fd = file_of(dm_str_z(text));
    *ret_size = strlen(text);
    return DM_OK;
}

enum dm_code dm_result_open(const struct dm_pipeline *pipeline, const struct dm_tenant *tenant,
                            const struct dm_file *file, const struct dm_snapshot *snapshot, enum dm_result_form form,
                            bool partial, int *ret_fd, uint64_t *ret_size, struct dm_err *err)
{
    LOCKED();
    static const char *const partials[] = { "{\"partial\":true}", "# partial", "{}\n{}\n" };
    struct fake_document *document = fake_find(file->id);
    if (takes(&fake.fail_result, err))
        return err->code;
    if (!document->result.len && !partial)
        return dm_fail(err, DM_NOT_FOUND, "the document has no result");
    struct dm_str bytes =
        document->result.len && form == DM_RESULT_JSON ? dm_buf_str(&document->result) : dm_str_z(partials[form]);
    *ret_fd = file_of(bytes);
    *ret_size = bytes.len;
    return DM_OK;
}

/* ---- the world ---------------------------------------------------------------------------------------------- */

static void begin_drain(void *context)
{
    fake.drained++;
}

void fake_open(const struct dm_api_options *options, const struct dm_runtime *threads)
{
    memset(&fake, 0, sizeof(fake));
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&fake.lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    fake.wall_ms = 1767323045000; /* 2026-01-02T03:04:05Z */
    fake.mono_ms = 1000000;
    struct dm_ports *ports = &fake.pipeline.ports;
    ports->runtime = threads ? *threads : (struct dm_runtime){ &still_ops, NULL };
    ports->store = (struct dm_store){ &store_ops, NULL };
    ports->op = (struct dm_operator){ &fake_operator_ops, NULL };
    ports->blob = (struct dm_blob){ &blob_ops, NULL };
    ports->stream = (struct dm_stream){ &stream_ops, NULL };
    ports->reader = (struct dm_reader){ &reader_ops, NULL };
    ports->secrets = (struct dm_secrets){ &secrets_ops, NULL };
    struct dm_api_options filled = *options;
    filled.pipeline = &fake.pipeline;
    filled.drain = begin_drain;
    filled.process_id = 4711;
    filled.process_began = 99;
    filled.drain_ms = 8000;
    struct dm_err err;
    assert_int_equal(dm_api_make(&filled, &fake.api, &err), DM_OK);
}

void fake_close(void)
{
    dm_api_free(fake.api);
    assert_int_equal(fake.sinks, 0);
    for (uint32_t i = 0; i < fake.count; i++) {
        dm_buf_free(&fake.documents[i].bytes);
        dm_buf_free(&fake.documents[i].result);
    }
    pthread_mutex_destroy(&fake.lock);
}
