/* doctor.c: whether everything that the server needs is there.
 *
 * Each check is a row: its name, and a function that says ok, warn or fail, what it saw, and what to do. A check looks at one thing; that
 * something is in the way of a later one is said there again rather than hidden. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/samples.h"
#include "cli/works.h"
#include "net/net.h"

enum {
    TEXT_MAX = 64 * 1024,
    SAID_MAX = 16 * TEXT_MAX,
    PATH_BYTES_MAX = 4096,
    ARENA_MAX = 16 * PATH_BYTES_MAX,
    SYNCS = 8,
    SLOW_SYNC_US = 20000,
    HEALTH_MS = 2000,
    CLOCK_SLACK_S = 120
};

enum verdict { OK, WARN, FAIL };

static const char *const verdicts[] = { [OK] = "ok", [WARN] = "warn", [FAIL] = "fail" };

struct finding {
    enum verdict verdict;
    struct dm_buf saw;
    struct dm_buf advice;
};

struct doctor {
    const struct dm_call *call;
    struct dm_arena arena;
    bool held; /* a server has the folder */
};

/* ---- settings ----------------------------------------------------------------------------------------------------- */

static void check_settings(struct doctor *doctor, struct finding *ret)
{
    uint32_t count, given = 0;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++)
        given += doctor->call->values.of[i].origin != DM_ORIGIN_DEFAULT && table[i].group != DM_GROUP_HABITS;
    if (doctor->call->faults->len == 0) {
        if (given == 0)
            dm_buf_add_z(&ret->saw, "all by default");
        else
            dm_buf_addf(&ret->saw, "%u given, the others by default", given);
        return;
    }
    struct dm_str rest = dm_buf_str(doctor->call->faults), line;
    ret->verdict = FAIL;
    while (dm_str_next(&rest, '\n', &line))
        if (line.len > 0)
            dm_buf_addf(&ret->saw, "%s%.*s", ret->saw.len ? "; " : "", DM_STR_ARG(line));
    dm_buf_add_z(&ret->advice, "Mend them first; docmill settings shows what is in force.");
}

/* ---- the folder --------------------------------------------------------------------------------------------------- */

/* The folder itself, or the nearest one above it that exists. */
static struct dm_str existing_folder(struct doctor *doctor)
{
    struct dm_str path = doctor->call->settings.data;
    while (path.len > 1 && access(dm_arena_str(&doctor->arena, path).at, F_OK) != 0) {
        size_t slash = path.len - 1;
        while (slash > 0 && path.at[slash] != '/')
            slash--;
        path = slash > 0 ? dm_str_cut(path, 0, slash) : path.at[0] == '/' ? DM_STR("/") : DM_STR(".");
    }
    return dm_arena_str(&doctor->arena, path);
}

/* Microseconds of one write that is durable, or -1 with errno. */
static int64_t time_syncs(int fd)
{
    struct timespec begun, ended;
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < SYNCS; i++)
        if (write(fd, "docmill\n", 8) != 8 || fdatasync(fd) != 0)
            return -1;
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    return ((int64_t)(ended.tv_sec - begun.tv_sec) * 1000000 + (ended.tv_nsec - begun.tv_nsec) / 1000) / SYNCS;
}

static void check_folder(struct doctor *doctor, struct finding *ret)
{
    struct dm_str folder = existing_folder(doctor), wanted = doctor->call->settings.data;
    bool there = folder.len == wanted.len;
    if (access(folder.at, W_OK | X_OK) != 0) {
        ret->verdict = FAIL;
        dm_buf_addf(&ret->saw, "%s is not writable", folder.at);
        dm_buf_add_z(&ret->advice, "Give it to the user who runs docmill, or take another folder with --data.");
        return;
    }
    if (!there) {
        dm_buf_addf(&ret->saw, "%s will be made by the first start", wanted.at);
        return;
    }
    int fd = open(folder.at, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) { /* NFS and some others */
        const char *path = dm_arena_fmt(&doctor->arena, "%s/.doctor-%d", folder.at, (int)getpid()).at;
        fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        (void)unlink(path);
    }
    int64_t sync_us = fd >= 0 ? time_syncs(fd) : -1;
    if (sync_us < 0) {
        struct dm_err err;
        ret->verdict = FAIL;
        (void)dm_fail_errno(&err, errno, "writing and syncing in %s", folder.at);
        dm_buf_add_z(&ret->saw, err.text);
        dm_buf_add_z(&ret->advice, "Look at the disk, or take another folder with --data.");
    } else {
        ret->verdict = sync_us > SLOW_SYNC_US ? WARN : OK;
        dm_buf_addf(&ret->saw, "%s is writable; a durable write takes %.1f ms", folder.at, (double)sync_us / 1000);
        if (ret->verdict == WARN)
            dm_buf_add_z(&ret->advice, "Every upload waits for a few of them: a faster disk would help.");
    }
    if (fd >= 0)
        (void)close(fd);
}

static void check_space(struct doctor *doctor, struct finding *ret)
{
    struct statvfs disk;
    struct dm_str folder = existing_folder(doctor);
    uint64_t floor = doctor->call->settings.free_bytes_min;
    if (statvfs(folder.at, &disk) != 0) {
        ret->verdict = WARN;
        dm_buf_addf(&ret->saw, "the free space of %s cannot be asked for", folder.at);
        return;
    }
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    dm_text_add_bytes(&ret->saw, left);
    dm_buf_add_z(&ret->saw, " free; uploads are refused below ");
    dm_text_add_bytes(&ret->saw, floor);
    if (left < floor) {
        ret->verdict = FAIL;
        dm_buf_add_z(&ret->advice, "Free some space, or lower MIN_FREE_MB.");
    } else if (left < 4 * floor) {
        ret->verdict = WARN;
        dm_buf_add_z(&ret->advice, "That is not much: free some space soon.");
    }
}

static void check_table(const struct dm_settings *settings, struct finding *ret)
{
    struct dm_cloud cloud = { .aws = NULL };
    struct dm_err err;
    enum dm_code rc = dm_cloud_open(settings, DM_CLOUD_LEDGER, dm_threads_runtime(), &cloud, &err);
    if (rc == DM_OK)
        rc = dm_dynamo_verify(cloud.dynamo, &err);
    if (rc == DM_OK)
        rc = dm_store_check(dm_dynamo_store(cloud.dynamo), &err);
    if (rc == DM_OK) {
        dm_buf_addf(&ret->saw, "%s answers, and has what it needs", settings->store.at);
    } else {
        ret->verdict = FAIL;
        dm_buf_add_z(&ret->saw, err.text);
    }
    dm_cloud_close(&cloud);
}

static void check_ledger(struct doctor *doctor, struct finding *ret)
{
    const struct dm_settings *settings = &doctor->call->settings;
    struct dm_works_place place = dm_works_place(settings);
    struct dm_embedded_set set = { .embedded = NULL };
    struct dm_err err;
    if (dm_cloud_has_ledger(settings)) {
        check_table(settings, ret);
        return;
    }
    /* Opening would make it, and a look should leave nothing behind. */
    if (access(place.sqlite_path, F_OK) != 0) {
        dm_buf_add_z(&ret->saw, "none yet; the first start makes it");
        return;
    }
    struct dm_embedded_options options = { .folder = place.folder,
                                           .sqlite_path = place.sqlite_path,
                                           .blob_folder = place.blob_folder };
    enum dm_code rc = dm_embedded_open(&options, &set, &err);
    if (rc == DM_OK)
        rc = dm_store_check(set.store, &err);
    if (rc == DM_OK) {
        dm_buf_addf(&ret->saw, "%s opens", place.sqlite_path);
    } else if (rc == DM_BUSY) {
        doctor->held = true;
        dm_buf_add_z(&ret->saw, err.text);
    } else {
        ret->verdict = FAIL;
        dm_buf_add_z(&ret->saw, err.text);
        dm_buf_add_z(&ret->advice,
                     rc == DM_REFUSED ? "" : "Restore it from a backup, or begin anew with another --data.");
    }
    dm_embedded_close(&set);
}

static void check_blobs(struct doctor *doctor, struct finding *ret)
{
    const struct dm_settings *settings = &doctor->call->settings;
    struct dm_cloud cloud = { .aws = NULL };
    struct dm_err err;
    if (!dm_cloud_has_blobs(settings)) {
        dm_buf_addf(&ret->saw, "in %s", settings->blobs.at + DM_STR("file:").len);
        return;
    }
    struct dm_settings elsewhere = *settings;
    elsewhere.data = existing_folder(doctor);
    if (dm_cloud_open(&elsewhere, DM_CLOUD_BLOBS, dm_threads_runtime(), &cloud, &err) == DM_OK) {
        dm_buf_addf(&ret->saw, "%s can be listed", settings->blobs.at);
    } else {
        ret->verdict = FAIL;
        dm_buf_add_z(&ret->saw, err.text);
    }
    dm_cloud_close(&cloud);
}

static void check_secrets(struct doctor *doctor, struct finding *ret)
{
    const struct dm_settings *settings = &doctor->call->settings;
    struct dm_err err;
    if (!dm_cloud_has_secrets(settings)) {
        dm_buf_add_z(&ret->saw, "sealed by the key file; no parameters");
    } else if (dm_cloud_try_secrets(settings, dm_threads_runtime(), &ret->saw, &err) != DM_OK) {
        ret->verdict = FAIL;
        dm_buf_addf(&ret->saw, "%s%s", ret->saw.len ? "; " : "", err.text);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* Reads the only page of a document that stands in memory. */
static enum dm_code read_sample(struct dm_reader reader, struct dm_str bytes, enum dm_media media,
                                struct dm_page_content *ret, struct dm_err *err)
{
    static const struct dm_tenant nobody = { .id = "doctor" };
    struct dm_reader_handle *handle = NULL;
    uint32_t pages;
    int fd = memfd_create("doctor", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len) {
        enum dm_code rc = dm_fail_errno(err, errno, "a file in memory");
        if (fd >= 0)
            (void)close(fd);
        return rc;
    }
    struct dm_source source = { .fd = fd, .media = media };
    struct dm_page_want want = { .text = true, .ocr = DM_OCR_AUTO };
    enum dm_code rc = dm_reader_open(reader, &nobody, &source, &handle, &pages, err);
    if (rc == DM_OK)
        rc = dm_reader_page(reader, handle, 1, &want, ret, err);
    dm_reader_close(reader, handle);
    (void)close(fd);
    return rc;
}

static void check_reading(struct doctor *doctor, struct finding *ret, bool picture)
{
    const char *helper = NULL;
    struct dm_reader reader = { .ops = NULL };
    struct dm_page_content content = { .line_count = 0 };
    struct dm_err err;
    int64_t begun = dm_cli_mono_ms();
    enum dm_code rc = dm_helper_find(doctor->call, &doctor->arena, &helper, &err);
    if (rc == DM_OK) {
        struct dm_reader_options options = dm_works_reader_options(&doctor->call->settings, helper);
        rc = dm_reader_start(&options, dm_threads_runtime(), &reader, &err);
    }
    if (rc == DM_OK && picture)
        rc = read_sample(reader, dm_sample_png(), DM_MEDIA_PNG, &content, &err);
    else if (rc == DM_OK)
        rc = read_sample(reader, dm_sample_pdf(), DM_MEDIA_PDF, &content, &err);
    if (rc == DM_OK && dm_str_find(dm_buf_str(&content.text), DM_STR("docmill reads")) == content.text.len)
        rc = dm_fail(&err, DM_CORRUPT, "the helper read something else than stands in the sample");
    if (rc == DM_OK) {
        dm_buf_addf(&ret->saw, "%s read a %s in %d ms", helper, picture ? "picture" : "PDF",
                    (int)(dm_cli_mono_ms() - begun));
    } else {
        ret->verdict = picture ? WARN : FAIL;
        dm_buf_add_z(&ret->saw, err.text);
        dm_buf_add_z(&ret->advice,
                     picture ? "Scanned pages will fail. Where Tesseract lacks a language, on Debian and Ubuntu: "
                               "apt-get install tesseract-ocr-eng (-deu, -fra and so on for the others)."
                             : "make builds the helper beside docmill, make install installs both.");
    }
    dm_page_content_free(&content);
    if (reader.ops)
        dm_reader_stop(reader);
}

static void check_helper(struct doctor *doctor, struct finding *ret)
{
    check_reading(doctor, ret, false);
}

static void check_scans(struct doctor *doctor, struct finding *ret)
{
    check_reading(doctor, ret, true);
}

/* What the doctor waits for. */
struct asked {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    bool done;
    struct dm_model_answer answer;
};

static void answered(void *context, struct dm_model_answer *answer)
{
    struct asked *asked = context;
    dm_lock(asked->runtime, asked->monitor);
    asked->answer = *answer;
    *answer = (struct dm_model_answer){ 0 };
    asked->done = true;
    dm_wake_all(asked->runtime, asked->monitor);
    dm_unlock(asked->runtime, asked->monitor);
}

/* One call. */
static enum dm_code call_model(const struct dm_opened_model *model, const struct dm_model_request *request,
                               struct asked *asked, struct dm_err *err)
{
    const struct dm_tenant tenant = { .id = "default" };
    dm_model_answer_free(&asked->answer);
    asked->done = false;
    enum dm_code rc = dm_model_start(model->port, &tenant, request, answered, asked, err);
    if (rc != DM_OK)
        return rc;
    dm_lock(asked->runtime, asked->monitor);
    while (!asked->done)
        (void)dm_wait_until(asked->runtime, asked->monitor, DM_FOREVER); /* each call has a deadline */
    dm_unlock(asked->runtime, asked->monitor);
    return DM_OK;
}

/* One small page, as a document's would be asked about; a provider bills it like one. */
static enum dm_code ask_model(const struct dm_opened_model *model, struct asked *asked, struct dm_err *err)
{
    const struct dm_model_request request = {
        .task = DM_MODEL_PAGE, .page = 1, .text = DM_STR("The doctor asks the model whether it can read. It can.")
    };
    enum dm_code rc = call_model(model, &request, asked, err);
    for (int again = 0; rc == DM_OK && asked->answer.adapted && again < DM_MODEL_ADAPTATIONS_MAX; again++)
        rc = call_model(model, &request, asked, err);
    if (rc != DM_OK || asked->answer.reason == DM_REASON_NONE)
        return rc;
    return dm_fail(err, DM_UNAVAILABLE, "%s: %s", dm_reason_text(asked->answer.reason), asked->answer.detail);
}

static void check_model(struct doctor *doctor, struct finding *ret)
{
    const struct dm_settings *settings = &doctor->call->settings;
    struct asked asked = { .runtime = dm_threads_runtime() };
    struct dm_opened_model model = { .multi = NULL };
    struct dm_err err;
    int64_t begun = dm_cli_mono_ms();
    enum dm_code rc = dm_monitor_make(asked.runtime, &asked.monitor, &err);
    if (rc == DM_OK)
        rc = dm_model_open(settings, asked.runtime, NULL, NULL, 1, &model, &err);
    if (rc == DM_OK)
        rc = ask_model(&model, &asked, &err);
    if (rc == DM_OK) {
        dm_buf_addf(&ret->saw, "%s answered in %d ms", settings->model.at, (int)(dm_cli_mono_ms() - begun));
    } else {
        ret->verdict = FAIL;
        dm_buf_addf(&ret->saw, "%s: %s", settings->model.at, err.text);
    }
    dm_model_answer_free(&asked.answer);
    dm_model_close(&model);
    dm_monitor_free(asked.runtime, asked.monitor);
}

/* ---- the surroundings --------------------------------------------------------------------------------------------- */

static void check_clock(struct doctor *doctor, struct finding *ret)
{
    struct timespec now;
    struct stat newest;
    struct timex state = { .modes = 0 };
    const char *database = dm_works_place(&doctor->call->settings).sqlite_path;
    char text[DM_TIME_TEXT];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)dm_time_text((int64_t)now.tv_sec * DM_SECOND_MS, text);
    dm_buf_addf(&ret->saw, "%.19s UTC", text);
    if (now.tv_sec < 1767225600) { /* 2026: docmill is younger than that */
        ret->verdict = FAIL;
        dm_buf_add_z(&ret->advice, "That is in the past: set the clock. Ids, retention and links depend on it.");
    } else if (database && stat(database, &newest) == 0 && newest.st_mtim.tv_sec > now.tv_sec + CLOCK_SLACK_S) {
        ret->verdict = WARN;
        dm_buf_add_z(&ret->saw, ", and the ledger was written later than that");
        dm_buf_add_z(&ret->advice, "The clock was put back: set it right, or documents stay longer than they should.");
    } else if (adjtimex(&state) == TIME_ERROR) {
        dm_buf_add_z(&ret->saw, ", not synchronised (which harms nobody on one machine)");
    }
}

static bool port_is_free(const struct dm_address *address, int *ret_errno)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    bool is_free = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                   bind(fd, (const struct sockaddr *)&address->storage, address->size) == 0 && listen(fd, 1) == 0;
    *ret_errno = errno;
    if (fd >= 0)
        (void)close(fd);
    return is_free;
}

/* Whether what answers at the address is a docmill server. */
static bool ask_health(const char *where, struct finding *ret)
{
    struct dm_http_client *client = NULL;
    struct dm_http_answer answer = { .status = 0 };
    struct dm_err err;
    DM_AUTO(dm_buf) url = dm_buf_make(TEXT_MAX);
    json_auto_t *health = NULL;
    dm_buf_addf(&url, "http://%s/health", where);
    struct dm_http_request request = { .url = dm_buf_str(&url), .total_ms = HEALTH_MS, .connect_ms = HEALTH_MS };
    bool docmill = dm_http_client_make("docmill/" DM_VERSION, &client, &err) == DM_OK &&
                   dm_http_send(client, &request, &answer, &err) == DM_OK &&
                   dm_json_parse(dm_buf_str(&answer.body), "health", &health, &err) == DM_OK &&
                   dm_json_str(health, "status").len > 0;
    if (docmill && answer.status == 200) {
        dm_buf_addf(&ret->saw, "a healthy server answers at http://%s", where);
    } else if (docmill) {
        ret->verdict = WARN;
        dm_buf_addf(&ret->saw, "the server at http://%s is not healthy: %.*s", where,
                    DM_STR_ARG(dm_json_str(health, "status")));
        dm_buf_addf(&ret->advice, "curl http://%s/health says which part; its log says more.", where);
    }
    dm_http_answer_free(&answer);
    dm_http_client_free(client);
    return docmill;
}

static void check_port(struct doctor *doctor, struct finding *ret)
{
    char where[DM_ADDRESS_TEXT];
    int problem;
    const struct dm_address *address = &doctor->call->settings.address;
    (void)dm_server_address_text(address, where);
    if (port_is_free(address, &problem)) {
        dm_buf_addf(&ret->saw, "%s is free", where);
        if (doctor->held) {
            ret->verdict = WARN;
            dm_buf_add_z(&ret->saw, ", so the server that has the folder listens elsewhere");
        }
        return;
    }
    if (problem == EADDRINUSE && ask_health(where, ret))
        return;
    ret->verdict = FAIL;
    if (problem == EADDRINUSE)
        dm_buf_addf(&ret->saw, "another program listens on %s", where);
    else
        dm_buf_addf(&ret->saw, "docmill may not listen on %s", where);
    dm_buf_add_z(&ret->advice, "Take another port with --port.");
}

static void check_client(struct doctor *doctor, struct finding *ret)
{
    struct dm_http_client *client = NULL;
    struct dm_err err;
    (void)doctor;
    if (dm_http_client_make("docmill/" DM_VERSION, &client, &err) == DM_OK) {
        dm_buf_add_z(&ret->saw, "libcurl is there, which submit, watch and their like need");
    } else {
        ret->verdict = WARN;
        dm_buf_add_z(&ret->saw, err.text);
        dm_buf_add_z(&ret->advice, "serve and run work without it; submit, watch and their like do not.");
    }
    dm_http_client_free(client);
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool needs_settings; /* is left out where settings are wrong */
    void (*check)(struct doctor *doctor, struct finding *ret);
} checks[] = {
    { "settings", false, check_settings }, { "folder", true, check_folder }, { "space", true, check_space },
    { "ledger", true, check_ledger },      { "blobs", true, check_blobs },   { "secrets", true, check_secrets },
    { "helper", false, check_helper },     { "scans", false, check_scans },  { "model", true, check_model },
    { "clock", true, check_clock },        { "port", true, check_port },     { "client", false, check_client },
};

static void print_finding(const struct dm_call *call, const char *name, const struct finding *finding, bool first,
                          struct dm_buf *said)
{
    static const enum dm_tone tones[] = { [OK] = DM_TONE_GOOD, [WARN] = DM_TONE_WARN, [FAIL] = DM_TONE_BAD };
    const struct dm_look *look = &call->term.out;
    if (call->options.json) {
        dm_buf_addf(said, "%s{\"name\":\"%s\",\"verdict\":\"%s\",\"saw\":", first ? "" : ",", name,
                    verdicts[finding->verdict]);
        dm_buf_add_json_string(said, dm_buf_str(&finding->saw));
        dm_buf_add_z(said, ",\"advice\":");
        dm_buf_add_json_string(said, dm_buf_str(&finding->advice));
        dm_buf_add_char(said, '}');
        return;
    }
    dm_text_add_tone(said, verdicts[finding->verdict], tones[finding->verdict], look);
    dm_text_add_spaces(said, 6 - dm_text_width(dm_str_z(verdicts[finding->verdict])));
    dm_buf_addf(said, "%-10s", name);
    dm_text_add_clean(said, dm_buf_str(&finding->saw), look);
    dm_buf_add_char(said, '\n');
    if (finding->advice.len > 0)
        dm_buf_addf(said, "                %s\n", dm_buf_z(&finding->advice));
}

enum dm_exit dm_command_doctor(struct dm_call *call)
{
    struct doctor doctor = { .call = call, .arena = dm_arena_make(ARENA_MAX) };
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    uint32_t counts[FAIL + 1] = { 0 };
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    if (call->options.json)
        dm_buf_add_z(&said, "{\"checks\":[");
    for (size_t i = 0; i < DM_COUNT(checks); i++) {
        struct finding finding = { .saw = dm_buf_make(TEXT_MAX), .advice = dm_buf_make(TEXT_MAX) };
        if (checks[i].needs_settings && call->faults->len > 0)
            continue;
        checks[i].check(&doctor, &finding);
        counts[finding.verdict]++;
        print_finding(call, checks[i].name, &finding, i == 0, &said);
        dm_buf_free(&finding.saw);
        dm_buf_free(&finding.advice);
    }
    if (call->options.json)
        dm_buf_addf(&said, "],\"ok\":%s}\n", counts[FAIL] ? "false" : "true");
    else if (counts[FAIL] + counts[WARN] == 0)
        dm_buf_add_z(&said, "Everything is in order.\n");
    else
        dm_buf_addf(&said, "%u to mend, %u to look at.\n", counts[FAIL], counts[WARN]);
    dm_arena_free(&doctor.arena);
    enum dm_exit exit = dm_say(call, &said);
    return exit != DM_EXIT_DONE ? exit : counts[FAIL] ? DM_EXIT_FAILED : DM_EXIT_DONE;
}
