/* test_memory.c: requests while memory runs out: the n-th allocation that the request makes fails, for n = 1, 2, 3 …
 * until none is left to fail. Each ends in an ordinary answer, what it says is true, and the same request then succeeds.
 * What leaks is found by the address sanitizer's build.
 *
 * The api over the real pipeline and the embedded backends; documents are read by the pipeline's rig. */
#include "../pipeline/rig.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/failing.h"
#include "base/json.h"

enum { N_MAX = 3000, BODY_MAX = 1 << 20 };

struct answer {
    unsigned status; /* 0: no exchange, or cut */
    bool replayed;
    char *body;
};

struct world {
    struct rig *rig;
    struct dm_api *api;
    struct answer answer;
    char key[40]; /* Idempotency-Key of the upload */
    unsigned uploads;
    unsigned failures; /* requests with an allocation that failed */
};

static int setup(void **state)
{
    static struct world world;
    void *rig;
    rig_setup(&rig);
    world = (struct world){ .rig = rig };
    const struct dm_api_options options = {
        .pipeline = &world.rig->pipeline, .local_only = true, .file_bytes_max = 100000, .uploads_max = 2
    };
    assert_int_equal(dm_api_make(&options, &world.api, &world.rig->err), DM_OK);
    dm_api_check_health(world.api);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *rig = world->rig;
    free(world->answer.body);
    dm_api_free(world->api);
    return rig_teardown(&rig);
}

/* ---- a request ---- */

struct request {
    const char *method;
    const char *target;
    const char *names[6];
    const char *values[6];
    const char *body;
};

static enum dm_next feed(struct dm_exchange *exchange, struct dm_str body)
{
    enum dm_next next = DM_NEXT_BODY;
    for (size_t at = 0; next == DM_NEXT_BODY && at < body.len; at += 50)
        next = dm_exchange_body(exchange, dm_str_cut(body, at, 50));
    return next == DM_NEXT_BODY ? dm_exchange_body_end(exchange) : next;
}

/* What the server would send; the body copied with the C library's memory, so that it is no part of the request's. */
static void take_answer(struct world *world, struct dm_exchange *exchange)
{
    const struct dm_response *response = dm_exchange_response(exchange);
    bool file = response->fd >= 0;
    uint64_t length = file ? response->length : response->body.len;
    world->answer.status = response->status;
    world->answer.body = malloc(length + 1);
    if (file) {
        int fd = dm_exchange_take_file(exchange);
        assert_int_equal(pread(fd, world->answer.body, length, (off_t)response->offset), (ssize_t)length);
        close(fd);
    } else if (length > 0) {
        memcpy(world->answer.body, response->body.at, length);
    }
    world->answer.body[length] = '\0';
    for (uint32_t i = 0; i < response->field_count; i++) {
        assert_non_null(response->fields[i].value);
        if (strcmp(response->fields[i].name, "Idempotency-Replayed") == 0)
            world->answer.replayed = true;
    }
}

/* One request, with the allocation failing; false: it made fewer. */
static bool send(struct world *world, const struct request *request, unsigned fail_at)
{
    struct dm_header headers[8] = { { DM_STR("Host"), DM_STR("127.0.0.1") }, { DM_STR("X-Tenant-Id"), DM_STR("t") } };
    struct dm_head head = { .method = dm_str_z(request->method),
                            .target = dm_str_z(request->target),
                            .headers = headers,
                            .header_count = 2,
                            .body_bytes = request->body ? (int64_t)strlen(request->body) : 0 };
    for (int i = 0; i < 6 && request->names[i]; i++)
        headers[head.header_count++] = (struct dm_header){ dm_str_z(request->names[i]), dm_str_z(request->values[i]) };
    free(world->answer.body);
    world->answer = (struct answer){ 0 };
    struct failing failing;
    failing_begin(&failing, fail_at, false);
    struct dm_exchange *exchange = dm_exchange_make(world->api);
    if (exchange) {
        enum dm_next next = dm_exchange_begin(exchange, &head);
        if (next == DM_NEXT_BODY)
            next = feed(exchange, dm_str_z(request->body));
        while (next == DM_NEXT_HANDLE || next == DM_NEXT_HANDLE_INLINE)
            next = dm_exchange_handle(exchange);
        assert_int_equal(next, DM_NEXT_RESPOND);
        take_answer(world, exchange);
    }
    dm_exchange_free(exchange);
    assert_ptr_equal(dm_allocator_use(NULL), &failing.allocator);
    world->failures += failing.failed > 0;
    return failing.failed > 0;
}

/* What was refused says that it was for want of memory. */
static void assert_overloaded(const struct world *world, const struct request *request, unsigned n)
{
    if (world->answer.status == 0)
        return; /* no exchange: the connection is cut */
    if (world->answer.status != 503 || !strstr(world->answer.body, "overloaded"))
        fail_msg("%s %s, allocation %u: %u %s", request->method, request->target, n, world->answer.status,
                 world->answer.body);
}

/* ---- requests that change nothing ---- */

static struct dm_file completed(struct world *world)
{
    struct dm_file file = rig_accept(world->rig, "t", "%PDF- pages=5 damaged=2", "");
    rig_start(world->rig, 1);
    assert_int_equal(rig_ended(world->rig, "t", &file).status, DM_STATUS_COMPLETED);
    rig_stop(world->rig);
    return file;
}

/* Of a document, or with two slashes of anything. The answer is the same whatever failed before; an answer of success is
 * never half of one. Links in it have a time in them. */
static void read_in_turn(struct world *world, const struct dm_file *file, const char *rest, unsigned status)
{
    char target[300];
    if (rest[0] == '/' && rest[1] == '/')
        snprintf(target, sizeof(target), "%s", rest + 1);
    else
        snprintf(target, sizeof(target), "/api/jobs/%s%s", file->id, rest);
    const struct request request = { .method = "GET", .target = target };
    (void)send(world, &request, 0);
    if (world->answer.status != status)
        fail_msg("GET %s: %u %s", target, world->answer.status, world->answer.body);
    char *expected = strdup(world->answer.body);
    unsigned before = world->failures;
    for (unsigned n = 1; send(world, &request, n); n++) {
        assert_true(n < N_MAX);
        if (world->answer.status != status)
            assert_overloaded(world, &request, n);
        else if (strstr(expected, "ownloadUrl"))
            assert_null(strstr(world->answer.body, "ownloadUrl\":null"));
        else if (status < 400)
            assert_string_equal(world->answer.body, expected);
    }
    assert_int_equal(world->answer.status, status);
    assert_true(world->failures > before);
    free(expected);
}

static void given_requests_that_read_when_an_allocation_fails_then_the_answer_is_whole_or_says_so(void **state)
{
    struct world *world = *state;
    struct dm_file file = completed(world);
    read_in_turn(world, &file, "", 200);
    read_in_turn(world, &file, "/pages", 200);
    read_in_turn(world, &file, "/pages/1", 200);
    read_in_turn(world, &file, "/events", 200);
    read_in_turn(world, &file, "/results", 200);
    read_in_turn(world, &file, "/results?format=md", 200);
    read_in_turn(world, &file, "/results?format=jsonl", 200);
    read_in_turn(world, &file, "/download", 200);
    read_in_turn(world, &file, "//api/jobs?limit=1&status=completed%2Cfailed", 400);
    read_in_turn(world, &file, "//api/jobs?limit=10&status=completed", 200);
    read_in_turn(world, &file, "//api/jobs/tenant/t?x=", 200);
    read_in_turn(world, &file, "//health", 200);
    read_in_turn(world, &file, "/nowhere", 404);
    read_in_turn(world, &file, "%2e", 404);
}

/* ---- requests that change something ---- */

static struct dm_state state_of(struct world *world, const struct dm_file *file)
{
    return rig_state(world->rig, "t", file);
}

static void given_a_request_that_changes_a_document_when_an_allocation_fails_then_it_is_as_the_answer_says(void **state)
{
    struct world *world = *state;
    struct dm_file done = completed(world);
    char target[200];
    snprintf(target, sizeof(target), "/api/jobs/%s/retry", done.id);
    const struct request retry = {
        "POST", target, { "Content-Type" }, { "application/json" }, "{\"pages\":\"1-2,4\"}"
    };
    unsigned n = 0;
    while (send(world, &retry, ++n) && world->answer.status != 202) {
        assert_overloaded(world, &retry, n);
        if (state_of(world, &done).epoch != 1)
            break; /* it was written down; only the answer had no memory */
    }
    assert_true(n > 5);
    assert_int_equal(state_of(world, &done).epoch, 2);
    assert_int_equal(state_of(world, &done).remaining, 3);

    struct dm_file pending = rig_accept(world->rig, "t", "%PDF- pages=5", "");
    snprintf(target, sizeof(target), "/api/jobs/%s/cancel", pending.id);
    const struct request cancel = { .method = "POST", .target = target };
    for (n = 1; send(world, &cancel, n) && world->answer.status / 100 != 2; n++) {
        assert_overloaded(world, &cancel, n);
        if (state_of(world, &pending).status == DM_STATUS_CANCELLED)
            break;
    }
    assert_true(n > 2);
    assert_int_equal(state_of(world, &pending).status, DM_STATUS_CANCELLED);

    snprintf(target, sizeof(target), "/api/jobs/%s", pending.id);
    const struct request delete = { .method = "DELETE", .target = target };
    for (n = 1; send(world, &delete, n) && world->answer.status != 204 && world->answer.status != 404; n++)
        assert_overloaded(world, &delete, n);
    assert_true(world->answer.status == 204 || world->answer.status == 404);
    const struct request gone = { .method = "GET", .target = target };
    (void)send(world, &gone, 0);
    assert_int_equal(world->answer.status, 404);
}

/* ---- uploads ---- */

static const char form[] =
    "--B\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"case\":[1,\"two\",null]}\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"colour\"\r\n\r\nblue\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf\r\n"
    "Content-Type: application/pdf\r\n\r\n%PDF- pages=3\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsesame\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"pages\"\r\n\r\n1-2\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"priority\"\r\n\r\n3\r\n--B--\r\n";

/* The document that an answer of success speaks of has all that was said of it. */
static void assert_accepted(struct world *world, const char *name, bool options)
{
    struct dm_err err;
    json_auto_t *said = NULL;
    struct dm_file file;
    assert_int_equal(dm_json_parse(dm_str_z(world->answer.body), "the answer", &said, &err), DM_OK);
    assert_int_equal(dm_file_parse(dm_json_str(said, "fileId"), &file, &err), DM_OK);
    const struct dm_tenant tenant = rig_tenant("t");
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    struct dm_snapshot snapshot;
    assert_int_equal(dm_document_read(&world->rig->pipeline, &tenant, &file, DM_PART_DOCUMENT | DM_PART_STATE, &arena,
                                      &snapshot, &err),
                     DM_OK);
    const struct dm_document *document = &snapshot.document;
    assert_true(dm_str_eq(document->name, dm_str_z(name)));
    if (!options)
        return;
    assert_true(dm_str_eq(document->metadata, DM_STR("{\"case\":[1,\"two\",null]}")));
    assert_true(dm_str_eq(document->pages, DM_STR("1-2")));
    assert_true(document->password.len > 0);
    assert_int_equal(document->priority, 3);
}

static void upload_in_turn(struct world *world, struct request *request, const char *name, bool options)
{
    unsigned n = 0;
    bool failed;
    do {
        snprintf(world->key, sizeof(world->key), "key-%s-%u", options ? "form" : "raw", ++n);
        request->names[1] = "Idempotency-Key";
        request->values[1] = world->key;
        failed = send(world, request, n);
        bool accepted = world->answer.status == 202;
        if (accepted)
            assert_accepted(world, name, options);
        else
            assert_overloaded(world, request, n);
        /* The same again succeeds; and under its key nothing is accepted twice. */
        (void)send(world, request, 0);
        assert_int_equal(world->answer.status, 202);
        if (accepted && !world->answer.replayed)
            fail_msg("allocation %u: the key was forgotten", n);
        assert_accepted(world, name, options);
        assert_true(n < N_MAX);
    } while (failed);
    assert_true(n > 10);
    world->uploads += n;
}

static unsigned sources;

static int count_source(const char *path, const struct stat *info, int type, struct FTW *where)
{
    sources += strstr(path, ",source") != NULL;
    return 0;
}

static void given_uploads_when_an_allocation_fails_then_they_are_refused_or_accepted_with_all_that_was_said(
    void **state)
{
    struct world *world = *state;
    struct request of_form = { "POST", "/api/upload", { "Content-Type" }, { "multipart/form-data; boundary=B" }, form };
    upload_in_turn(world, &of_form, "r\xc3\xa9sum\xc3\xa9.pdf", true);
    struct request of_bytes = {
        "POST", "/api/upload?fileName=a%20b.pdf", { "Content-Type" }, { "application/pdf" }, "%PDF- pages=3"
    };
    upload_in_turn(world, &of_bytes, "a b.pdf", false);
    /* Each was accepted once, at the first or the second try; what was refused left nothing. */
    sources = 0;
    assert_int_equal(nftw(world->rig->folder, count_source, 16, FTW_PHYS), 0);
    assert_int_equal(sources, world->uploads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            given_requests_that_read_when_an_allocation_fails_then_the_answer_is_whole_or_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(
            given_a_request_that_changes_a_document_when_an_allocation_fails_then_it_is_as_the_answer_says, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            given_uploads_when_an_allocation_fails_then_they_are_refused_or_accepted_with_all_that_was_said, setup,
            teardown),
    };
    return cmocka_run_group_tests_name("the api out of memory", tests, NULL, NULL);
}
