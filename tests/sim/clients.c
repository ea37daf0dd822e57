/* clients.c: those who upload documents and ask for them. They stand outside: a node that dies takes its requests
 * along, and the client tries another one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

enum { CLIENTS_MAX = 4, PATIENCE_US = 60 * 1000 * 1000, RESULT_MAX = 1 << 20 };

enum want { WANT_UPLOAD, WANT_CANCEL, WANT_DELETE, WANT_RETRY, WANT_READ, WANT_PARTIAL, WANT_COUNT };

static const char *const wants[] = { "upload", "cancel", "delete", "retry", "read", "partial result" };

struct request {
    struct request *next; /* all that there were: freed at the end of the run */
    struct sim *sim;
    struct node *node;
    uint32_t incarnation;
    enum want want;
    struct script script;
    struct dm_tenant tenant;
    struct dm_file file;
    struct dm_range pages; /* of a retry; first 0: those that failed */
    bool done;
    enum dm_code code;
    struct dm_err err;
};

struct clients {
    struct request *requests;
    uint32_t active;
    uint32_t documents; /* numbered so far */
    uint32_t wanted;
};

/* ---- on the node ---- */

static void upload(struct request *request)
{
    struct node *node = request->node;
    const struct dm_pipeline *pipeline = &node->pipeline;
    char text[512], metadata[640], key[64];
    script_text(&request->script, text, sizeof(text));
    snprintf(metadata, sizeof(metadata), "{\"script\":\"%s\"}", text);
    snprintf(key, sizeof(key), "upload|%u", request->script.number);
    struct dm_spool spool;
    request->code = dm_spool_open(pipeline->ports.blob, &spool, &request->err);
    if (request->code != DM_OK)
        return;
    size_t half = strlen(text) / 2;
    request->code = dm_spool_write(&spool, dm_str_of(text, half), 1 << 20, &request->err);
    if (request->code == DM_OK)
        request->code = dm_spool_write(&spool, dm_str_z(text + half), 1 << 20, &request->err);
    const struct dm_intake intake = { .name = DM_STR("paper.pdf"),
                                      .metadata = dm_str_z(metadata),
                                      .pages = dm_str_z(request->script.choice),
                                      .priority = request->script.number % 10,
                                      .idempotency_key = request->script.keyed ? dm_str_z(key) : DM_STR("") };
    bool replayed;
    if (request->code == DM_OK)
        request->code =
            dm_intake_accept(pipeline, &request->tenant, &intake, &spool, &request->file, &replayed, &request->err);
    dm_spool_free(&spool);
}

/* Whatever a reader gets is its own tenant's. */
static void look_into(struct request *request, int fd, uint64_t size)
{
    char *text = malloc(RESULT_MAX);
    ssize_t got = pread(fd, text, RESULT_MAX - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    if ((uint64_t)got != size && size < RESULT_MAX)
        sim_fail(request->sim, "a result of %llu bytes can be read to %lld", (unsigned long long)size, (long long)got);
    for (uint32_t i = 1; i <= TENANTS_MAX; i++) {
        char foreign[32];
        snprintf(foreign, sizeof(foreign), "tenant-%u ", i);
        if (i != request->script.tenant && strstr(text, foreign))
            sim_fail(request->sim, "invariant 6: a result of tenant %u shows a page of tenant %u",
                     request->script.tenant, i);
    }
    free(text);
}

static void read_result(struct request *request, bool partial)
{
    const struct dm_pipeline *pipeline = &request->node->pipeline;
    DM_AUTO(dm_arena) arena = dm_arena_make(4 << 20);
    struct dm_snapshot snapshot;
    request->code = dm_document_read(pipeline, &request->tenant, &request->file, DM_PART_STATE | DM_PART_WORK, &arena,
                                     &snapshot, &request->err);
    int fd;
    uint64_t size;
    enum dm_result_form form = (enum dm_result_form)sim_below(request->sim, 3);
    if (request->code == DM_OK)
        request->code = dm_result_open(pipeline, &request->tenant, &request->file, &snapshot, form, partial, &fd, &size,
                                       &request->err);
    if (request->code != DM_OK)
        return;
    look_into(request, fd, size);
    dm_blob_close(fd);
}

static void serve(void *argument)
{
    struct request *request = argument;
    const struct dm_pipeline *pipeline = &request->node->pipeline;
    struct dm_ranges pages = { .at = &request->pages, .count = request->pages.first ? 1 : 0 };
    switch (request->want) {
    case WANT_UPLOAD:
        upload(request);
        break;
    case WANT_CANCEL:
        request->code = dm_document_cancel(pipeline, &request->tenant, &request->file, &request->err);
        break;
    case WANT_DELETE:
        request->code = dm_document_delete(pipeline, &request->tenant, &request->file, &request->err);
        break;
    case WANT_RETRY:
        request->code = dm_document_retry(pipeline, &request->tenant, &request->file, pages, &request->err);
        break;
    default:
        read_result(request, request->want == WANT_PARTIAL);
    }
    /* The answer is on its way: what it says was so at this instant. */
    if (request->code == DM_OK && request->want == WANT_UPLOAD)
        judge_upload_accepted(request->sim, &request->script, &request->tenant, &request->file);
    if (request->code == DM_OK && (request->want == WANT_CANCEL || request->want == WANT_DELETE))
        judge_stopped(request->sim, &request->tenant, &request->file);
    request->done = true;
    sim_tell(request->sim, "%s of document %u: %s", wants[request->want], request->script.number,
             request->code == DM_OK ? "done" : request->err.text);
}

/* ---- outside ---- */

static struct node *some_node(struct sim *sim)
{
    for (uint32_t tries = 0; tries < 20; tries++) {
        struct node *node = sim->nodes[sim_below(sim, sim->node_count)];
        if ((node->roles & ROLE_API) && node->up && !node->draining)
            return node;
    }
    return NULL;
}

/* False: nobody answered. */
static bool ask(struct sim *sim, struct request *request)
{
    struct node *node = some_node(sim);
    if (!node)
        return false;
    struct request *sent = calloc(1, sizeof(*sent));
    *sent = *request;
    sent->sim = sim;
    sent->node = node;
    sent->incarnation = node->incarnation;
    sent->done = false;
    sent->next = sim->clients->requests;
    sim->clients->requests = sent;
    if (!sim_spawn(sim, node, REQUEST_FIBER, serve, sent, true))
        return false;
    int64_t end_us = sim->now_us + PATIENCE_US;
    while (!sent->done && sim->now_us < end_us && node->alive && node->incarnation == sent->incarnation)
        sim_sleep_us(sim, 5000 + sim_below(sim, 50000));
    if (!sent->done)
        return false;
    request->code = sent->code;
    request->file = sent->file;
    return true;
}

static struct script invent(struct sim *sim)
{
    struct clients *clients = sim->clients;
    struct script script = { .number = ++clients->documents,
                             .tenant = 1 + sim_below(sim, sim->tenant_count),
                             .pages = 1 + sim_below(sim, sim_one_in(sim, 4) ? PAGES_MAX : 12),
                             .keyed = !sim_one_in(sim, 4) };
    uint32_t *const odd[] = { &script.damaged, &script.hanging,   &script.crashing, &script.blocked,
                              &script.empty,   &script.oversized, &script.mute,     &script.wrong };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        if (sim_one_in(sim, 12))
            *odd[i] = 1 + sim_below(sim, script.pages);
    if (sim_one_in(sim, 40))
        script.killing = 1 + sim_below(sim, script.pages);
    script.kills_split = sim_one_in(sim, 80);
    script.encrypted = sim_one_in(sim, 40);
    script.nothing = sim_one_in(sim, 40);
    if (sim_one_in(sim, 6))
        snprintf(script.choice, sizeof(script.choice), "%u-%u", 1 + sim_below(sim, 8), 8 + sim_below(sim, 30));
    return script;
}

static bool upload_until_accepted(struct sim *sim, struct request *request)
{
    for (uint32_t tries = 0;; tries++) {
        bool answered = ask(sim, request);
        if (answered && request->code == DM_OK)
            return true;
        if (answered && dm_code_retry(request->code) == DM_RETRY_NEVER) {
            sim_fail(sim, "the upload of document %u is refused: %s", request->script.number,
                     dm_code_name(request->code));
            return false;
        }
        /* Without a key nobody may try again: it could become two documents. */
        if ((!request->script.keyed && answered) || sim->failed)
            return false;
        if (!request->script.keyed && tries > 3)
            return false;
        sim_sleep_us(sim, 200000 + sim_below(sim, 5000000));
    }
}

static void ask_something(struct sim *sim, struct request *request)
{
    static const uint8_t odds[] = { WANT_CANCEL, WANT_CANCEL, WANT_DELETE, WANT_RETRY,  WANT_RETRY,
                                    WANT_RETRY,  WANT_READ,   WANT_READ,   WANT_PARTIAL };
    request->want = (enum want)odds[sim_below(sim, sizeof(odds))];
    request->pages = (struct dm_range){ 0 };
    if (request->want == WANT_RETRY && sim_one_in(sim, 2)) {
        request->pages.first = 1 + sim_below(sim, request->script.pages);
        request->pages.last = request->pages.first + sim_below(sim, request->script.pages - request->pages.first + 1);
    }
    uint32_t tries = sim_below(sim, 3);
    while (!(ask(sim, request) && (request->code == DM_OK || dm_code_retry(request->code) == DM_RETRY_NEVER)) &&
           tries-- > 0)
        sim_sleep_us(sim, 100000);
}

static void live(void *argument)
{
    struct sim *sim = argument;
    struct clients *clients = sim->clients;
    while (clients->documents < clients->wanted && !sim->failed) {
        struct request request = { .want = WANT_UPLOAD, .script = invent(sim) };
        sim_tenant(request.script.tenant, &request.tenant);
        bool accepted = upload_until_accepted(sim, &request);
        uint32_t questions = accepted && sim_has(sim, FAULT_REQUESTS) ? sim_below(sim, 5) : sim_below(sim, 2);
        for (; accepted && questions > 0; questions--) {
            sim_sleep_us(sim, sim_below(sim, sim_one_in(sim, 2) ? 300000 : 30000000));
            if (sim_has(sim, FAULT_REQUESTS)) {
                ask_something(sim, &request);
            } else {
                request.want = sim_one_in(sim, 2) ? WANT_READ : WANT_PARTIAL;
                ask(sim, &request);
            }
        }
        sim_sleep_us(sim, sim_below(sim, sim_one_in(sim, 3) ? 20000000 : 200000));
    }
    clients->active--;
}

void clients_start(struct sim *sim)
{
    sim->clients = calloc(1, sizeof(*sim->clients));
    sim->clients->wanted = 1 + sim_below(sim, sim_one_in(sim, 6) ? DOCUMENTS_MAX : 6);
    sim->clients->active = 1 + sim_below(sim, CLIENTS_MAX);
    for (uint32_t i = 0; i < sim->clients->active; i++)
        sim_spawn(sim, NULL, "client", live, sim, true);
}

bool clients_done(const struct sim *sim)
{
    return sim->clients->active == 0;
}

void clients_free(struct sim *sim)
{
    while (sim->clients->requests) {
        struct request *request = sim->clients->requests;
        sim->clients->requests = request->next;
        free(request);
    }
    free(sim->clients);
}
