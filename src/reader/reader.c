/* reader.c: the document reader: handles, deadlines, and what a lost helper means for a page. */
#include "reader/reader.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/check.h"
#include "reader/conversation.h"

enum {
    /* A zygote's start: a few milliseconds and some hundred of them for Tesseract; more from a cold disk. */
    TEXT_READY_MS = 10 * DM_SECOND_MS,
    OCR_READY_MS = 30 * DM_SECOND_MS,
    CHECK_MS = DM_SECOND_MS,
    /* A helper's death takes its zygote along at most that often before we believe that it is the
     * document's doing. */
    TRIES = 2,
    TEXTS_MAX = 4096,
};

struct reader {
    struct dm_reader_options options;
    char texts[TEXTS_MAX]; /* what the options' pointers point to */
    struct dm_runtime runtime;
    struct dm_class text;
    struct dm_class ocr;
};

struct dm_reader_handle {
    struct dm_source source; /* the password is `secret`'s */
    char *secret;
    uint64_t size_bytes;
    uint32_t pages;
    struct dm_helper worker; /* not alive: opened anew by the next call */
};

struct dm_reader_options dm_reader_defaults(void)
{
    return (struct dm_reader_options){
        .text_helpers = 2,
        .ocr_helpers = 2,
        .open_timeout_ms = (int64_t)30 * DM_SECOND_MS,
        .page_timeout_ms = (int64_t)30 * DM_SECOND_MS,
        .ocr_timeout_ms = (int64_t)60 * DM_SECOND_MS,
        .wait_ms = (int64_t)30 * DM_SECOND_MS,
        .ocr_idle_ms = (int64_t)60 * DM_SECOND_MS,
        .text_memory_bytes = (uint64_t)512 << 20,
        .ocr_memory_bytes = (uint64_t)1 << 30,
    };
}

/* What a failure that the helper reported means; its own words never leave it. */
static enum dm_code fail_reported(struct dm_err *err, enum dm_code code, uint32_t page)
{
    char what[32] = "the document";
    if (page > 0)
        snprintf(what, sizeof(what), "page %u", (unsigned)page);
    switch (code) {
    case DM_ENCRYPTED:
        return dm_fail(err, code, "%s is encrypted: it needs a password, or another one", what);
    case DM_UNSUPPORTED:
        return dm_fail(err, code, "%s is of a kind that docmill does not read", what);
    case DM_TOO_LARGE:
        return dm_fail(err, code, "%s needs more memory, or holds more text, than a document may", what);
    case DM_NOT_FOUND:
        return dm_fail(err, code, "%s has no pages", what);
    case DM_INVALID:
        return dm_fail(err, code, "there is no %s", what);
    default:
        return dm_fail(err, DM_DAMAGED, "%s is damaged and cannot be read", what);
    }
}

/* Ends a worker that did not answer as it should, and says what that means. `*ret_lost` where it says
 * nothing about the document and another try is due. */
static enum dm_code fail_talk(struct dm_helper *worker, enum dm_talk talk, const char *doing, bool *ret_lost,
                              struct dm_err *err)
{
    int how = 0;
    struct dm_class *class = worker->class;
    enum dm_fate fate = dm_helper_end(worker, &how);
    *ret_lost = false;
    if (talk == DM_TALK_LATE) {
        dm_class_log_replaced(class, "timeout", 0);
        return dm_fail(err, DM_TIMEOUT, "%s took longer than it may; its helper was ended", doing);
    }
    if (talk == DM_TALK_LIE) {
        dm_class_log_replaced(class, "lie", 0);
        return dm_fail(err, DM_CRASHED, "%s made its helper answer nonsense", doing);
    }
    if (fate == DM_FATE_ZYGOTE_LOST || fate == DM_FATE_NEVER_STARTED) {
        *ret_lost = true;
        return dm_fail(err, DM_UNAVAILABLE, "the document helper (%s) %s", class->setting.name,
                       fate == DM_FATE_ZYGOTE_LOST ? "was ended from outside" : "could not be started");
    }
    dm_class_log_replaced(class, "crash", fate == DM_FATE_SIGNAL ? how : 0);
    if (fate == DM_FATE_SIGNAL && how == SIGXCPU)
        return dm_fail(err, DM_TIMEOUT, "%s took more processor time than it may", doing);
    return dm_fail(err, DM_CRASHED, "%s ended its helper (%s %d)", doing, fate == DM_FATE_SIGNAL ? "signal" : "exit",
                   how);
}

static int64_t in(struct reader *reader, int64_t ms)
{
    return dm_mono_ms(reader->runtime) + ms;
}

/* Starts a worker for the handle and opens the document in it. The place in the class is taken already. */
static enum dm_code open_once(struct reader *reader, struct dm_reader_handle *handle, uint32_t *ret_pages,
                              bool *ret_lost, struct dm_err *err)
{
    *ret_lost = false;
    enum dm_code rc = dm_helper_start(&reader->text, &handle->worker, err);
    if (rc != DM_OK)
        return rc;
    enum dm_code code = DM_OK;
    enum dm_talk talk = dm_ask_open(&handle->worker, &handle->source, handle->size_bytes,
                                    in(reader, reader->options.open_timeout_ms), &code, ret_pages);
    if (talk != DM_TALK_OK)
        return fail_talk(&handle->worker, talk, "opening the document", ret_lost, err);
    if (code != DM_OK) {
        dm_helper_drop(&handle->worker);
        return fail_reported(err, code, 0);
    }
    return DM_OK;
}

static enum dm_code open_handle(struct reader *reader, struct dm_reader_handle *handle, uint32_t *ret_pages,
                                struct dm_err *err)
{
    bool lost = true;
    enum dm_code rc = DM_OK;
    for (int i = 0; i < TRIES && lost; i++)
        rc = open_once(reader, handle, ret_pages, &lost, err);
    return rc;
}

/* After its helper was lost: the same document in a fresh one. */
static enum dm_code reopen(struct reader *reader, struct dm_reader_handle *handle, struct dm_err *err)
{
    uint32_t pages = handle->pages;
    enum dm_code rc = open_handle(reader, handle, &pages, err);
    if (rc == DM_OK && pages != handle->pages) {
        dm_helper_drop(&handle->worker);
        rc = dm_fail(err, DM_CRASHED, "the document's helper counts its pages differently each time");
    }
    return rc;
}

static void handle_free(struct dm_reader_handle *handle)
{
    if (!handle)
        return;
    if (handle->secret)
        explicit_bzero(handle->secret, handle->source.password.len);
    dm_free(handle->secret);
    dm_free(handle);
}

static enum dm_code reader_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                                struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct reader *reader = self;
    struct stat about;
    if (fstat(source->fd, &about) != 0 || !S_ISREG(about.st_mode))
        return dm_fail(err, DM_INVALID, "a document is read from a regular file only");
    if (source->password.len > DM_FRAME_PASSWORD_MAX)
        return dm_fail(err, DM_ENCRYPTED, "no document has a password of over %d bytes", DM_FRAME_PASSWORD_MAX);
    struct dm_reader_handle *handle = dm_alloc_zero(1, sizeof(*handle));
    char *secret = dm_str_dup_z(source->password);
    if (!handle || !secret) {
        dm_free(handle);
        dm_free(secret);
        return dm_fail_memory(err);
    }
    handle->source = *source;
    handle->secret = secret;
    handle->size_bytes = (uint64_t)about.st_size;
    handle->source.password = dm_str_of(secret, source->password.len);
    enum dm_code rc = dm_class_take(&reader->text, in(reader, reader->options.wait_ms), err);
    if (rc != DM_OK) {
        handle_free(handle);
        return rc;
    }
    rc = open_handle(reader, handle, &handle->pages, err);
    if (rc != DM_OK) {
        dm_class_give(&reader->text);
        handle_free(handle);
        return rc;
    }
    *ret = handle;
    *ret_pages = handle->pages;
    return DM_OK;
}

static void reader_close(void *self, struct dm_reader_handle *handle)
{
    struct reader *reader = self;
    if (!handle)
        return;
    dm_helper_drop(&handle->worker);
    dm_class_give(&reader->text);
    handle_free(handle);
}

/* Text off the pixels, in a process that has nothing but them. */
static enum dm_code recognise_once(struct reader *reader, const struct dm_scan *scan, uint32_t page, bool lines,
                                   struct dm_page_content *content, bool *ret_lost, struct dm_err *err)
{
    struct dm_helper worker;
    *ret_lost = false;
    enum dm_code rc = dm_helper_start(&reader->ocr, &worker, err);
    if (rc != DM_OK)
        return rc;
    enum dm_code code = DM_OK;
    char doing[64];
    snprintf(doing, sizeof(doing), "recognising the text of page %u", (unsigned)page);
    enum dm_talk talk =
        dm_ask_recognise(&worker, scan, lines, in(reader, reader->options.ocr_timeout_ms), &code, content);
    if (talk != DM_TALK_OK)
        return fail_talk(&worker, talk, doing, ret_lost, err);
    dm_helper_drop(&worker);
    return code == DM_OK ? DM_OK : fail_reported(err, code, page);
}

static enum dm_code recognise(struct reader *reader, const struct dm_scan *scan, uint32_t page, bool lines,
                              struct dm_page_content *content, struct dm_err *err)
{
    /* Others' pages are in front; each of them is bounded, too. */
    int64_t wait_ms = reader->options.wait_ms + reader->options.ocr_timeout_ms;
    enum dm_code rc = dm_class_take(&reader->ocr, in(reader, wait_ms), err);
    if (rc != DM_OK)
        return rc;
    bool lost = true;
    for (int i = 0; i < TRIES && lost; i++)
        rc = recognise_once(reader, scan, page, lines, content, &lost, err);
    dm_class_give(&reader->ocr);
    content->ocr_used = rc == DM_OK;
    return rc;
}

static void forget_text(struct dm_page_content *content)
{
    dm_buf_clear(&content->text);
    dm_free(content->lines);
    content->lines = NULL;
    content->line_count = 0;
}

/* One try of a page on a helper that has the document open. Its deadline is for the page as a whole: what reading took
 * of it, drawing has no more. Recognition has a time of its own, which starts when its turn comes. */
static enum dm_code page_once(struct reader *reader, struct dm_reader_handle *handle, uint32_t page,
                              const struct dm_page_want *want, struct dm_page_content *content, bool *ret_lost,
                              struct dm_err *err)
{
    char doing[32];
    snprintf(doing, sizeof(doing), "page %u", (unsigned)page);
    enum dm_code code = DM_OK;
    int64_t deadline_ms = in(reader, reader->options.page_timeout_ms);
    enum dm_talk talk = dm_ask_page(&handle->worker, page, want, deadline_ms, &code, content);
    struct dm_scan scan = { .blank = true };
    /* Glyphs without meaning are no text. */
    if (talk == DM_TALK_OK && code == DM_OK && !content->has_text_layer)
        forget_text(content);
    bool look =
        talk == DM_TALK_OK && code == DM_OK && want->text && want->ocr == DM_OCR_AUTO && !content->has_text_layer;
    if (look)
        talk = dm_ask_scan(&handle->worker, page, deadline_ms, &code, &scan);
    if (talk != DM_TALK_OK)
        return fail_talk(&handle->worker, talk, doing, ret_lost, err);
    if (code != DM_OK)
        return fail_reported(err, code, page);
    return scan.blank ? DM_OK : recognise(reader, &scan, page, want->lines, content, err);
}

static enum dm_code reader_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                                const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    struct reader *reader = self;
    if (page > handle->pages)
        return fail_reported(err, DM_INVALID, page);
    struct dm_page_content content = { 0 };
    enum dm_code rc = DM_OK;
    bool lost = true;
    for (int i = 0; i < TRIES && lost; i++) {
        lost = false;
        dm_page_content_free(&content);
        rc = handle->worker.alive ? DM_OK : reopen(reader, handle, err);
        if (rc == DM_OK)
            rc = page_once(reader, handle, page, want, &content, &lost, err);
    }
    if (rc == DM_OK)
        *ret = content;
    else
        dm_page_content_free(&content);
    return rc;
}

/* A document of two bytes goes all the way, beside the places that are taken. */
static enum dm_code reader_check(void *self, struct dm_err *err)
{
    struct reader *reader = self;
    int fd = memfd_create("docmill-check", MFD_CLOEXEC);
    if (fd < 0 || write(fd, "a\n", 2) != 2) {
        if (fd >= 0)
            close(fd);
        return dm_fail(err, DM_IO, "no memory file for the check of the document helper");
    }
    struct dm_helper worker = { 0 };
    enum dm_code rc = dm_helper_start(&reader->text, &worker, err);
    if (rc == DM_OK) {
        struct dm_source source = { .fd = fd, .media = DM_MEDIA_TEXT };
        enum dm_code code = DM_OK;
        uint32_t pages = 0;
        bool lost;
        enum dm_talk talk = dm_ask_open(&worker, &source, 2, in(reader, CHECK_MS), &code, &pages);
        if (talk != DM_TALK_OK)
            rc = fail_talk(&worker, talk, "a text of two bytes", &lost, err);
        else if (code != DM_OK || pages != 1)
            rc = dm_fail(err, DM_UNAVAILABLE, "the document helper cannot read a text of two bytes");
        dm_helper_drop(&worker);
    }
    close(fd);
    return rc;
}

static void reader_interrupt(void *self)
{
    struct reader *reader = self;
    dm_class_interrupt(&reader->text);
    dm_class_interrupt(&reader->ocr);
}

static const struct dm_reader_ops reader_ops = {
    .name = "docmill-pdf",
    .open = reader_open,
    .page = reader_page,
    .close = reader_close,
    .interrupt = reader_interrupt,
    .check = reader_check,
};

/* Copies an option's text behind those already there; NULL stays NULL. False where the room is used up. */
static bool keep_text(struct reader *reader, size_t *used, const char **text)
{
    if (!*text)
        return true;
    size_t size = strlen(*text) + 1;
    if (size > sizeof(reader->texts) - *used)
        return false;
    *text = memcpy(reader->texts + *used, *text, size);
    *used += size;
    return true;
}

static enum dm_code start_classes(struct reader *reader, struct dm_err *err)
{
    const struct dm_reader_options *options = &reader->options;
    int64_t slowest_ms =
        options->page_timeout_ms > options->open_timeout_ms ? options->page_timeout_ms : options->open_timeout_ms;
    struct dm_class_setting text = {
        .name = "text",
        .helper_path = options->helper_path,
        .helpers = options->text_helpers,
        .memory_bytes = options->text_memory_bytes,
        .cpu_seconds = (uint32_t)(slowest_ms / DM_SECOND_MS + 1),
        .ready_ms = TEXT_READY_MS,
        .useless = DM_UNAVAILABLE, /* nothing can be read until somebody mends it: documents wait */
        .idle_ms = DM_FOREVER,
    };
    struct dm_class_setting ocr = {
        .name = "ocr",
        .arguments = { options->ocr_data_folder ? options->ocr_data_folder : "",
                       options->ocr_languages ? options->ocr_languages : "" },
        .helper_path = options->helper_path,
        .helpers = options->ocr_helpers,
        .memory_bytes = options->ocr_memory_bytes,
        .cpu_seconds = (uint32_t)(options->ocr_timeout_ms / DM_SECOND_MS + 1),
        .ready_ms = OCR_READY_MS,
        .useless = DM_UNSUPPORTED, /* this machine has no text recognition: the page says so, the others go on */
        .idle_ms = options->ocr_idle_ms,
    };
    enum dm_code rc = dm_class_start(&reader->text, &text, reader->runtime, err);
    if (rc == DM_OK)
        rc = dm_class_start(&reader->ocr, &ocr, reader->runtime, err);
    if (rc == DM_OK)
        rc = dm_class_launch(&reader->text, err);
    return rc;
}

enum dm_code dm_reader_start(const struct dm_reader_options *options, struct dm_runtime runtime, struct dm_reader *ret,
                             struct dm_err *err)
{
    DM_CHECK(options->helper_path && options->text_helpers > 0 && options->ocr_helpers > 0);
    struct reader *reader = dm_alloc_zero(1, sizeof(*reader));
    if (!reader)
        return dm_fail_memory(err);
    reader->options = *options;
    reader->runtime = runtime;
    size_t used = 0;
    enum dm_code rc = DM_OK;
    if (!keep_text(reader, &used, &reader->options.helper_path) ||
        !keep_text(reader, &used, &reader->options.ocr_data_folder) ||
        !keep_text(reader, &used, &reader->options.ocr_languages))
        rc = dm_fail(err, DM_INVALID, "the paths of the document helper are over %d bytes", TEXTS_MAX);
    if (rc == DM_OK)
        rc = start_classes(reader, err);
    if (rc != DM_OK) {
        dm_reader_stop((struct dm_reader){ &reader_ops, reader });
        return rc;
    }
    *ret = (struct dm_reader){ &reader_ops, reader };
    return DM_OK;
}

void dm_reader_stop(struct dm_reader reader)
{
    struct reader *self = reader.self;
    dm_class_stop(&self->text);
    dm_class_stop(&self->ocr);
    dm_free(self);
}
