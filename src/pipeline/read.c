/* read.c: the tasks that read documents: count pages, and read them for the model.
 *
 * A task keeps one document open in one helper and goes on with its pages while there are some; a document with many
 * pages is read by several tasks. After a run of pages a task turns to a document that nobody reads, so a long one
 * cannot keep short ones waiting. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "limiter.h"
#include "operate.h"
#include "worker.h"

enum {
    RUN_MAX = 40,           /* pages of one document in a row while another waits */
    RUN_MS = 1000,          /* and no longer than this: a page may take as long as its deadline */
    JOIN_PAGES_MIN = 8,     /* fewer pages are not worth opening a document a second time */
    LINGER_MS = 250,        /* how long a document without waiting pages is kept open */
    TROUBLE_WAIT_MS = 1000, /* before a page is tried again after trouble of our own */
    TROUBLES_MAX = 300,     /* so long may descriptors or memory be out; then the page ends, for every document must */
    PICTURE_LONG_EDGE = 1536, /* pixels: small print can still be read; more is scaled down by most providers */
    HELD_BYTES_MAX = 256 << 20
};

struct reader_task {
    struct dm_worker *worker;
    struct dm_active *document; /* open in `handle`; counted in its `readers` */
    struct dm_reader_handle *handle;
    uint32_t run; /* pages of it in a row */
    int64_t run_began_ms;
};

/* ---- choosing (with the lock held) ---- */

/* Enough has been read that waits for the model with the document's account: as much again as it reads at once, so that it never
 * waits for a page. One that is shut needs a single page, to find out whether it still is; a split needs no model. */
static bool is_ahead(const struct dm_active *document)
{
    const struct dm_lane *lane = document->share->lane;
    if (lane->leave.shut)
        return lane->ready > 0 && document->queue && document->queue->number > 0;
    return lane->ready > 0 && lane->ready >= lane->leave.concurrency;
}

/* Of the documents that wait and that nobody reads: the one whose tenant is read by the fewest tasks, and of those the
 * one whose turn was longest ago. So neither a tenant's many documents nor its slow ones keep another tenant waiting. */
static struct dm_active *next_unread(const struct dm_worker *worker)
{
    const struct dm_active *busy[DM_READERS_MAX];
    uint32_t busy_count = 0;
    struct dm_active *best = NULL;
    uint32_t fewest = 0;
    for (const struct dm_active *document = worker->documents; document; document = document->next)
        if (document->readers > 0 && busy_count < DM_READERS_MAX)
            busy[busy_count++] = document;
    for (struct dm_active *document = worker->documents; document; document = document->next) {
        if (document->queued == 0 || document->readers > 0 || document->opening || is_ahead(document))
            continue;
        uint32_t readers = 0;
        for (uint32_t i = 0; i < busy_count; i++)
            readers += dm_tenant_eq(&busy[i]->tenant, &document->tenant) ? busy[i]->readers : 0;
        if (best && (readers > fewest || (readers == fewest && document->turn >= best->turn)))
            continue;
        best = document;
        fewest = readers;
    }
    return best;
}

/* The document with the longest queue for each task that reads it. */
static struct dm_active *next_joined(const struct reader_task *self)
{
    struct dm_active *longest = NULL;
    for (struct dm_active *document = self->worker->documents; document; document = document->next)
        if (document != self->document && document->queued >= JOIN_PAGES_MIN && !is_ahead(document) &&
            (!longest || document->readers < longest->readers))
            longest = document;
    return longest;
}

static struct dm_page_task *pick(struct reader_task *self, int64_t *until_ms)
{
    struct dm_worker *worker = self->worker;
    int64_t now_ms = worker_now(worker);
    if (worker->stopping || worker->held_bytes >= HELD_BYTES_MAX)
        return NULL;
    dm_lanes_look(worker);
    bool turn_over = self->run >= RUN_MAX || now_ms - self->run_began_ms >= RUN_MS;
    bool goes_on = self->document && !is_ahead(self->document);
    struct dm_page_task *task = goes_on && !turn_over ? dm_active_pop_queued(self->document, now_ms, until_ms) : NULL;
    struct dm_active *other = task ? NULL : next_unread(worker);
    if (other)
        task = dm_active_pop_queued(other, now_ms, until_ms);
    if (!task && goes_on)
        task = dm_active_pop_queued(self->document, now_ms, until_ms);
    other = task ? NULL : next_joined(self);
    if (other)
        task = dm_active_pop_queued(other, now_ms, until_ms);
    return task;
}

/* ---- opening ---- */

/* Lock held on entry and return; given up while the helper closes. */
static void close_document(struct reader_task *self)
{
    struct dm_worker *worker = self->worker;
    struct dm_active *document = self->document;
    if (!document)
        return;
    struct dm_reader_handle *handle = self->handle;
    self->document = NULL;
    self->handle = NULL;
    self->run = 0;
    worker_unlock(worker);
    dm_reader_close(worker->pipeline.ports.reader, handle);
    worker_lock(worker);
    document->readers--;
    dm_active_leave_if_done(worker, document);
}

/* The source's descriptor, opened once for all tasks. Lock held on entry and return. */
static enum dm_code open_source(struct dm_worker *worker, struct dm_active *document, struct dm_err *err)
{
    while (document->opening)
        worker_wait(worker, DM_FOREVER);
    if (document->fd >= 0)
        return DM_OK;
    document->opening = true;
    worker_unlock(worker);
    const struct dm_blob_key key = dm_key_source(&document->file);
    struct dm_blob_info info;
    int fd = -1;
    enum dm_code rc = dm_blob_open(worker->pipeline.ports.blob, &document->tenant, dm_str_z(key.text), &fd, &info, err);
    if (rc == DM_NOT_FOUND)
        rc = dm_fail(err, DM_CORRUPT, "the document's bytes are missing");
    worker_lock(worker);
    document->opening = false;
    document->fd = rc == DM_OK ? fd : -1;
    worker_wake(worker);
    return rc;
}

/* Lock held on entry and return. `ret_pages` is 0 where it was open already. */
static enum dm_code open_document(struct reader_task *self, struct dm_active *document, uint32_t *ret_pages,
                                  struct dm_err *err)
{
    struct dm_worker *worker = self->worker;
    const struct dm_ports *ports = &worker->pipeline.ports;
    *ret_pages = 0;
    if (self->document == document)
        return DM_OK;
    document->readers++; /* holds the document while the lock is given up */
    close_document(self);
    enum dm_code rc = open_source(worker, document, err);
    if (rc == DM_OK) {
        worker_unlock(worker);
        DM_AUTO(dm_buf) password = dm_buf_make(DM_PASSWORD_MAX);
        if (document->document.password.len)
            rc = dm_secrets_open(ports->secrets, &document->tenant, "document-password", document->document.password,
                                 &password, err);
        const struct dm_source source = { document->fd, document->document.media, dm_buf_str(&password) };
        if (rc == DM_OK)
            rc = dm_reader_open(ports->reader, &document->tenant, &source, &self->handle, ret_pages, err);
        worker_lock(worker);
    }
    if (rc != DM_OK) {
        document->readers--;
        worker_wake(worker);
        return rc;
    }
    self->document = document;
    document->turn = ++worker->turns;
    return DM_OK;
}

/* ---- fates ---- */

/* What the document itself is, as against trouble of ours that may pass. */
static bool is_verdict(enum dm_code code)
{
    switch (code) {
    case DM_ENCRYPTED:
    case DM_DAMAGED:
    case DM_UNSUPPORTED:
    case DM_TOO_LARGE:
    case DM_NOT_FOUND:
    case DM_TIMEOUT:
    case DM_CRASHED:
        return true;
    default:
        return false;
    }
}

void dm_page_task_queue_later(struct dm_page_task *task)
{
    task->not_before_ms = worker_now(task->worker) + TROUBLE_WAIT_MS;
    dm_page_task_forget(task);
    dm_page_task_queue(task);
    worker_wake(task->worker);
}

void dm_page_task_try_later(struct dm_page_task *task, const struct dm_err *err)
{
    dm_log(DM_LOG_WARN, DM_EV_PAGE_RETRY, dm_f_z("file", task->holding->document->file.id),
           dm_f_int("page", task->number), dm_f_z("error", err->text));
    if (++task->troubles >= TROUBLES_MAX && task->number > 0)
        dm_page_task_fail(task, DM_REASON_INTERNAL, err->text);
    else
        dm_page_task_queue_later(task);
}

/* ---- split ---- */

struct splitting {
    struct dm_claim claim;
    struct dm_claim first; /* counter 0: none */
    uint32_t first_max;    /* pages to claim at once with the split's end */
    uint32_t total;
    enum dm_reason reason; /* not NONE: the document fails */
    char detail[DM_DETAIL_MAX];
};

static enum dm_code decide_split(void *argument, dm_ledger_context context, const struct dm_snapshot *snapshot,
                                 struct dm_change *ret, struct dm_err *err)
{
    struct splitting *splitting = argument;
    if (snapshot->state.status != DM_STATUS_CHUNKING || snapshot->state.epoch != splitting->claim.epoch)
        return dm_fail(err, DM_REFUSED, "the document is %s", dm_status_text(snapshot->state.status));
    if (splitting->reason == DM_REASON_NONE) {
        struct dm_err why;
        enum dm_code rc = dm_ledger_split_done(context, snapshot, &splitting->claim, splitting->total,
                                               splitting->first_max, ret, &splitting->first, &why);
        if (rc != DM_NOT_FOUND) {
            if (rc != DM_OK && err)
                *err = why;
            return rc;
        }
        splitting->reason = DM_REASON_NO_PAGES;
        snprintf(splitting->detail, sizeof(splitting->detail), "%s", why.text);
    }
    return dm_ledger_fail(context, snapshot, &splitting->claim, splitting->reason, dm_str_z(splitting->detail), ret,
                          err);
}

static void log_split(const struct dm_active *document, const struct splitting *splitting)
{
    if (splitting->reason == DM_REASON_NONE)
        dm_log(DM_LOG_INFO, DM_EV_DOCUMENT_STARTED, dm_f_z("tenant", document->tenant.id),
               dm_f_z("file", document->file.id), dm_f_int("pages", splitting->total));
    else
        dm_log(DM_LOG_WARN, DM_EV_DOCUMENT_FAILED, dm_f_z("tenant", document->tenant.id),
               dm_f_z("file", document->file.id), dm_f_z("reason", dm_reason_text(splitting->reason)));
}

/* Lock held on entry and return. */
static void finish_split(struct dm_page_task *task, struct splitting *splitting)
{
    struct dm_worker *worker = task->worker;
    struct dm_active *document = task->holding->document;
    splitting->claim = task->holding->claim;
    worker_unlock(worker);
    splitting->first_max = dm_work_is_paused(&worker->pipeline, &document->tenant) ? 0 : DM_CLAIM_PAGES_MAX;
    DM_AUTO(dm_arena) arena = dm_arena_make(DM_STEP_ARENA_MAX);
    const struct dm_step step = { .parts = DM_PART_WORK, .decide = decide_split, .argument = splitting };
    struct dm_err err;
    struct dm_state state;
    int64_t began_ms = worker_now(worker);
    enum dm_code rc = dm_step_run(&worker->pipeline, &document->tenant, &document->file, &step, &arena, &state, &err);
    worker_lock(worker);
    if (rc == DM_OK) {
        log_split(document, splitting);
        document->state = state;
        document->state_read_ms = began_ms;
        bool claimed = splitting->reason == DM_REASON_NONE && splitting->first_max > 0;
        if (claimed && !dm_active_hold(worker, document, &splitting->first, began_ms, NULL))
            dm_log(DM_LOG_WARN, DM_EV_STAGE_ERROR, dm_f_z("stage", "split"), dm_f_z("file", document->file.id),
                   dm_f_z("error", "out of memory; the claim will run out and be claimed again"));
        /* What the first claim did not take can be claimed as well. */
        if (state.remaining > (claimed ? splitting->first.last - splitting->first.first + 1 : 0))
            worker->look = true;
        dm_page_task_leave(task);
    } else if (rc == DM_REFUSED || rc == DM_NOT_FOUND || rc == DM_CONFLICT) {
        task->holding->lost = true; /* cancelled, or somebody else has the split by now */
        dm_page_task_leave(task);
    } else {
        if (splitting->first.counter != 0) {
            worker_unlock(worker);
            dm_claim_hand_back(&worker->pipeline, &document->tenant, &document->file, &splitting->first,
                               TROUBLE_WAIT_MS);
            worker_lock(worker);
        }
        dm_page_task_try_later(task, &err);
    }
}

static void split(struct reader_task *self, struct dm_page_task *task)
{
    struct dm_worker *worker = self->worker;
    struct dm_active *document = task->holding->document;
    struct splitting splitting = { 0 };
    struct dm_err err;
    close_document(self); /* opened afresh: only then are its pages counted */
    enum dm_code rc = open_document(self, document, &splitting.total, &err);
    if (rc == DM_OK && splitting.total > worker->pipeline.pages_max) {
        splitting.reason = DM_REASON_TOO_LARGE;
        snprintf(splitting.detail, sizeof(splitting.detail), "the document has %u pages; MAX_PAGES allows %u",
                 splitting.total, worker->pipeline.pages_max);
    } else if (rc != DM_OK && !is_verdict(rc) && task->troubles < TROUBLES_MAX) {
        dm_page_task_try_later(task, &err);
        return;
    } else if (rc != DM_OK) {
        splitting.reason = dm_reason_of_reading(rc);
        snprintf(splitting.detail, sizeof(splitting.detail), "%.*s", DM_DETAIL_MAX - 1, err.text);
    }
    finish_split(task, &splitting);
}

/* ---- pages ---- */

/* What the model is to be shown of a page: its picture or PDF at once where that was asked for and it takes any; where the
 * document carries the page's text that does, and only a page without text may need OCR or a picture. */
static struct dm_page_want first_want(const struct dm_pipeline *pipeline)
{
    unsigned takes = pipeline->ports.model.takes;
    struct dm_page_want want = { .text = true, .ocr = DM_OCR_NEVER };
    bool pictures = (takes & DM_MODEL_TAKES_IMAGE) && pipeline->form != DM_FORM_TEXT;
    if (pipeline->form == DM_FORM_PDF && (takes & DM_MODEL_TAKES_PDF)) {
        want.pdf = true;
    } else if (!pictures) {
        want.ocr = DM_OCR_AUTO;
    } else if (pipeline->form == DM_FORM_IMAGE || pipeline->form == DM_FORM_PDF) {
        want.image_long_edge = PICTURE_LONG_EDGE;
        want.image_media = DM_MEDIA_JPEG;
    }
    return want;
}

static bool wants_picture_after_all(const struct dm_pipeline *pipeline, const struct dm_page_content *content)
{
    bool shown = content->image.len > 0 || content->pdf.len > 0;
    bool needed = pipeline->form == DM_FORM_PDF || (pipeline->form == DM_FORM_AUTO && content->text.len == 0);
    return needed && !shown && (pipeline->ports.model.takes & DM_MODEL_TAKES_IMAGE);
}

static enum dm_code read_content(struct reader_task *self, const struct dm_page_task *task,
                                 struct dm_page_content *content, struct dm_err *err)
{
    const struct dm_pipeline *pipeline = &self->worker->pipeline;
    struct dm_reader reader = pipeline->ports.reader;
    struct dm_page_want want = first_want(pipeline);
    enum dm_code rc = dm_reader_page(reader, self->handle, task->number, &want, content, err);
    if (rc != DM_OK || !wants_picture_after_all(pipeline, content))
        return rc;
    struct dm_buf text = dm_buf_move(&content->text);
    dm_page_content_free(content);
    want = (struct dm_page_want){ .image_long_edge = PICTURE_LONG_EDGE, .image_media = DM_MEDIA_JPEG };
    rc = dm_reader_page(reader, self->handle, task->number, &want, content, err);
    if (rc == DM_OK)
        content->text = dm_buf_move(&text);
    dm_buf_free(&text);
    return rc;
}

static void take_content(struct dm_page_task *task, struct dm_page_content *content)
{
    dm_page_task_forget(task);
    task->text = dm_buf_move(&content->text);
    bool pdf = content->pdf.len > 0;
    task->picture = dm_buf_move(pdf ? &content->pdf : &content->image);
    task->picture_media = pdf ? DM_MEDIA_PDF : DM_MEDIA_JPEG;
    task->worker->held_bytes += task->text.len + task->picture.len;
}

/* Lock held on entry and return. */
static void read_page(struct reader_task *self, struct dm_page_task *task)
{
    struct dm_worker *worker = self->worker;
    struct dm_err err;
    uint32_t pages;
    enum dm_code rc = open_document(self, task->holding->document, &pages, &err);
    if (rc == DM_OK) {
        worker_unlock(worker);
        struct dm_page_content content = { 0 };
        rc = read_content(self, task, &content, &err);
        worker_lock(worker);
        if (rc == DM_OK)
            take_content(task, &content);
        dm_page_content_free(&content);
    }
    if (rc == DM_OK && !dm_page_task_is_blank(task))
        dm_page_task_call_or_wait(task);
    else if (dm_page_task_void(task))
        dm_page_task_leave(task);
    else if (rc == DM_OK)
        dm_page_task_end_blank(task);
    else if (is_verdict(rc))
        dm_page_task_fail(task, dm_reason_of_reading(rc), err.text);
    else
        dm_page_task_try_later(task, &err);
}

void dm_worker_read(void *argument)
{
    struct dm_worker *worker = argument;
    struct reader_task self = { .worker = worker };
    worker_lock(worker);
    while (!worker->closing) {
        int64_t until_ms = DM_FOREVER;
        struct dm_page_task *task = pick(&self, &until_ms);
        if (!task) {
            int64_t linger_ms = worker_now(worker) + LINGER_MS;
            bool timed_out = !worker_wait(worker, self.document && linger_ms < until_ms ? linger_ms : until_ms);
            if (self.document && (timed_out || self.document->holdings == NULL))
                close_document(&self);
            continue;
        }
        if (self.document != task->holding->document || self.run == 0) {
            self.run = 0;
            self.run_began_ms = worker_now(worker);
        }
        self.run++;
        if (dm_page_task_void(task))
            dm_page_task_leave(task);
        else if (task->number == 0)
            split(&self, task);
        else
            read_page(&self, task);
    }
    close_document(&self);
    worker_unlock(worker);
}
