/* works.c: see works.h. */
#include "cli/works.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/calendar.h"
#include "cli/client.h"

enum {
    PATH_BYTES_MAX = 4096,
    PATHS_MAX = 4 * PATH_BYTES_MAX,
    HELPERS_MAX = 16,
    PAGES_EACH = 40,
    PAGES_LEAST = 160,
    ECHO_MS = 500
};

uint32_t dm_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : (uint32_t)count;
}

uint32_t dm_or_processors(uint32_t wanted)
{
    uint32_t count = wanted ? wanted : dm_processors();
    if (!wanted && count < 2)
        count = 2;
    if (!wanted && count > HELPERS_MAX)
        count = HELPERS_MAX;
    return count;
}

/* ---- the helper --------------------------------------------------------------------------------------------------- */

enum dm_code dm_helper_find(const struct dm_call *call, struct dm_arena *arena, const char **ret, struct dm_err *err)
{
    char own[PATH_BYTES_MAX];
    if (call->settings.helper.len > 0) {
        if (access(call->settings.helper.at, X_OK) != 0)
            return dm_fail(err, DM_NOT_FOUND, "DOCMILL_HELPER names %.150s, which is no program",
                           call->settings.helper.at);
        *ret = call->settings.helper.at;
        return DM_OK;
    }
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own));
    while (len > 0 && len < (ssize_t)sizeof(own) && own[len - 1] != '/')
        len--;
    struct dm_str folder = dm_str_of(own, len > 0 ? (size_t)len : 0);
    /* Beside it, as built; where it was installed; and where that is when the installed tree was moved, as below DESTDIR. */
    struct dm_str places[] = {
        dm_arena_fmt(arena, "%.*sdocmill-pdf", DM_STR_ARG(folder)),
        dm_arena_fmt(arena, "%s/docmill-pdf", call->libexec_dir),
        dm_arena_fmt(arena, "%.*s../libexec/docmill/docmill-pdf", DM_STR_ARG(folder)),
    };
    for (size_t i = 0; i < DM_COUNT(places); i++) {
        if (!places[i].at)
            return dm_fail_memory(err);
        if (access(places[i].at, X_OK) != 0)
            continue;
        *ret = places[i].at;
        return DM_OK;
    }
    return dm_fail(err, DM_NOT_FOUND, "the helper docmill-pdf is neither %.100s nor %.100s", places[0].at,
                   places[1].at);
}

struct dm_reader_options dm_works_reader_options(const struct dm_settings *settings, const char *helper)
{
    struct dm_reader_options options = dm_reader_defaults();
    options.helper_path = helper;
    options.ocr_data_folder = settings->ocr_data.len ? settings->ocr_data.at : NULL;
    options.ocr_languages = settings->ocr_languages.len ? settings->ocr_languages.at : NULL;
    /* One more than read pages for the pictures that people ask for meanwhile. */
    options.text_helpers = dm_or_processors(settings->helpers) + 1;
    options.ocr_helpers = dm_or_processors(settings->ocr_helpers);
    options.open_timeout_ms = settings->page_timeout_ms;
    options.page_timeout_ms = settings->page_timeout_ms;
    options.ocr_timeout_ms = settings->ocr_timeout_ms;
    options.text_memory_bytes = settings->helper_bytes_max;
    if (options.ocr_memory_bytes < settings->helper_bytes_max)
        options.ocr_memory_bytes = settings->helper_bytes_max;
    return options;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------ */

struct dm_works_place dm_works_place(const struct dm_settings *settings)
{
    return (struct dm_works_place){
        .folder = settings->data.at,
        .sqlite_path = dm_cloud_has_ledger(settings) ? NULL : settings->store.at + DM_STR("sqlite:").len,
        .blob_folder = dm_cloud_has_blobs(settings) ? NULL : settings->blobs.at + DM_STR("file:").len,
        .free_bytes_min = settings->free_bytes_min,
        .cloud = settings
    };
}

static enum dm_code open_backends(const struct dm_works_place *place, struct dm_works *works, const char **ret_hint,
                                  struct dm_err *err)
{
    struct dm_embedded_options options = { .folder = place->folder,
                                           .sqlite_path = place->sqlite_path,
                                           .blob_folder = place->blob_folder,
                                           .ledger_elsewhere = place->cloud && dm_cloud_has_ledger(place->cloud),
                                           .free_space_floor_bytes = place->free_bytes_min };
    enum dm_code rc = dm_embedded_open(&options, &works->set, err);
    *ret_hint = rc == DM_BUSY ? "One server uses a folder at a time: stop that one, or take another folder with --data."
                              : "docmill doctor says what is wrong; --data takes another folder.";
    if (rc == DM_OK && place->cloud) {
        *ret_hint = "docmill doctor tries it, too.";
        const unsigned all = DM_CLOUD_LEDGER | DM_CLOUD_BLOBS | DM_CLOUD_SECRETS;
        rc = dm_cloud_open(place->cloud, all, works->set.runtime, &works->cloud, err);
    }
    if (rc == DM_OK && works->cloud.s3)
        works->set.blob = dm_s3_blob(works->cloud.s3);
    if (rc == DM_OK && works->cloud.dynamo) {
        works->set.store = dm_dynamo_store(works->cloud.dynamo);
        works->set.op = dm_dynamo_operator(works->cloud.dynamo);
    }
    if (rc == DM_OK && works->cloud.kms)
        works->set.secrets = dm_kms_secrets(works->cloud.kms);
    return rc;
}

static enum dm_code open_reader(const struct dm_call *call, struct dm_works *works, const char **ret_hint,
                                struct dm_err *err)
{
    struct dm_arena arena = dm_arena_make(PATHS_MAX);
    const char *helper = NULL;
    enum dm_code rc = dm_helper_find(call, &arena, &helper, err);
    if (rc == DM_OK) {
        struct dm_reader_options options = dm_works_reader_options(&call->settings, helper);
        rc = dm_reader_start(&options, works->set.runtime, &works->reader, err);
    }
    dm_arena_free(&arena);
    *ret_hint = "make builds it beside docmill, make install installs both; DOCMILL_HELPER names it elsewhere.";
    return rc;
}

static enum dm_code open_pipeline(const struct dm_call *call, struct dm_works *works, struct dm_err *err)
{
    const struct dm_settings *settings = &call->settings;
    uint32_t readers = dm_or_processors(settings->helpers);
    uint32_t in_flight = readers * PAGES_EACH > PAGES_LEAST ? readers * PAGES_EACH : PAGES_LEAST;
    /* As many again as the model is asked about at once: those are being read, or committed. */
    if (in_flight < 2 * dm_model_calls_max(settings))
        in_flight = 2 * dm_model_calls_max(settings);
    works->worker_options = (struct dm_worker_options){
        .readers = readers, .pages_in_flight = in_flight, .document_pages = in_flight / 2, .tenant_pages = in_flight / 2
    };
    struct dm_ports ports = { .runtime = works->set.runtime,
                              .store = works->set.store,
                              .op = works->set.op,
                              .blob = works->set.blob,
                              .stream = works->set.stream,
                              .reader = works->reader,
                              .secrets = works->set.secrets };
    /* Every page in flight may be waiting for the model. */
    enum dm_code rc =
        dm_model_open(settings, works->set.runtime, &ports, works->cloud.watch, 2 * in_flight, &works->model, err);
    ports.model = works->model.port;
    if (rc == DM_OK)
        rc = dm_hub_make(works->set.runtime, &works->hub, err);
    if (rc == DM_OK)
        rc = dm_limiter_make(works->set.runtime, &works->model.limits, &works->limiter, err);
    works->pipeline = (struct dm_pipeline){ .ports = ports,
                                            .hub = works->hub,
                                            .limiter = works->limiter,
                                            .form = (enum dm_page_form)settings->model_input,
                                            .pages_max = settings->pages_max,
                                            .attempts_max = settings->attempts_max,
                                            .retention_source_ms = settings->retention_source_ms,
                                            .retention_pages_ms = settings->retention_pages_ms,
                                            .retention_results_ms = settings->retention_results_ms };
    return rc;
}

enum dm_code dm_works_open(const struct dm_call *call, const struct dm_works_place *place, struct dm_works *ret,
                           const char **ret_hint, struct dm_err *err)
{
    struct dm_works works = { .hub = NULL };
    enum dm_code rc = open_backends(place, &works, ret_hint, err);
    if (rc == DM_OK)
        rc = open_reader(call, &works, ret_hint, err);
    if (rc == DM_OK) {
        *ret_hint = "docmill doctor looks at the model, too.";
        rc = open_pipeline(call, &works, err);
    }
    if (rc == DM_OK)
        *ret = works;
    else
        dm_works_close(&works, 0);
    return rc;
}

enum dm_code dm_works_start(struct dm_works *works, uint32_t roles, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    if (roles & DM_ROLE_AGGREGATOR)
        rc = dm_aggregator_start(&works->pipeline, &works->aggregator, err);
    if (rc == DM_OK && (roles & DM_ROLE_WORKER))
        rc = dm_worker_start(&works->pipeline, &works->worker_options, &works->worker, err);
    return rc;
}

void dm_works_close(struct dm_works *works, int64_t deadline_mono_ms)
{
    dm_worker_stop(works->worker, deadline_mono_ms);
    if (works->model.port.ops && works->aggregator)
        dm_model_interrupt(works->model.port); /* a reduction that waits for a provider is made by the next process */
    dm_aggregator_stop(works->aggregator);
    dm_model_close(&works->model);
    if (works->reader.ops)
        dm_reader_stop(works->reader);
    dm_limiter_free(works->limiter);
    dm_hub_free(works->hub);
    dm_embedded_close(&works->set);
    dm_cloud_close(&works->cloud);
    *works = (struct dm_works){ .hub = NULL };
}

/* ---- signals ------------------------------------------------------------------------------------------------------ */

static sigset_t stop_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

enum dm_code dm_stop_signals(int *ret_fd, struct dm_err *err)
{
    sigset_t set = stop_set();
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return dm_fail_errno(err, errno, "signals cannot be blocked");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return dm_fail_errno(err, errno, "signals cannot be read");
    *ret_fd = fd;
    return DM_OK;
}

/* When the first signal came. Written before the handler below is set. */
static int64_t first_ms;

/* The next signal ends the program, unless it is an echo of the first: timeout(1) and others that hand a signal on send it to the
 * process and to its group. */
static void on_another(int number)
{
    if (dm_cli_mono_ms() - first_ms < ECHO_MS)
        return;
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

int dm_stop_signal(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    sigset_t set = stop_set();
    struct sigaction action = { .sa_handler = on_another, .sa_flags = SA_RESTART };
    first_ms = dm_cli_mono_ms();
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    return (int)info.ssi_signo;
}
