/* test_upload.c: documents coming in, as forms and raw, whole and broken, waited for and not. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define FORM "Content-Type: multipart/form-data; boundary=XX\n"
#define PART(name, value) "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART                                                                                                      \
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.pdf\"\r\nContent-Type: application/pdf"     \
    "\r\n\r\n%PDF-1.7\r\nhello\r\n"
#define END "--XX--\r\n"

static bool post(const char *target, const char *headers, const char *body)
{
    char request[200];
    snprintf(request, sizeof(request), "POST %s", target);
    return rig_send(request, headers, body, strlen(body));
}

static void post_form(const char *headers, const char *body, unsigned status)
{
    char all[1000];
    snprintf(all, sizeof(all), FORM "%s", headers ? headers : "");
    assert_true(post("/api/upload", all, body));
    if (rig.response->status != status)
        fail_msg("%u: %s", rig.response->status, rig_text());
}

/* A large threshold would wait: these tests are about what comes in. */
static int setup_async(void **state)
{
    rig_setup(state);
    dm_exchange_free(rig.exchange);
    dm_api_free(fake.api);
    const struct dm_api_options options = {
        .pipeline = &fake.pipeline, .local_only = true, .file_bytes_max = 100000, .uploads_max = 4
    };
    struct dm_err err;
    assert_int_equal(dm_api_make(&options, &fake.api, &err), DM_OK);
    rig.exchange = dm_exchange_make(fake.api);
    return 0;
}

static void a_form_with_the_file_before_the_tenant_is_accepted(void **state)
{
    (void)state;
    static const size_t pieces[] = { 0, 1, 7, 64 };
    for (size_t i = 0; i < DM_COUNT(pieces); i++) {
        rig.piece = pieces[i];
        post_form(NULL,
                  FILE_PART PART("tenantId", "acme") PART("metadata", "{\"case\": \"4711\"}") PART("priority", "2")
                      PART("pages", "1-5,9") PART("password", "s3cret") PART("profile", "default")
                          PART("webhookUrl", "") END,
                  202);
        const struct fake_document *document = &fake.documents[i];
        char expected[400];
        snprintf(
            expected, sizeof(expected),
            "{\"message\":\"The document was accepted and is being read.\",\"fileId\":\"%s\",\"status\":\"uploaded\","
            "\"processingType\":\"async\"}",
            document->file.id);
        assert_string_equal(rig_text(), expected);
        snprintf(expected, sizeof(expected), "http://127.0.0.1:3005/api/jobs/%s", document->file.id);
        assert_string_equal(rig_field("Location"), expected);
        assert_string_equal(document->tenant.id, "acme");
        assert_string_equal(dm_buf_z(&document->bytes), "%PDF-1.7\r\nhello");
        assert_string_equal(document->name, "a b.pdf");
        assert_string_equal(document->metadata, "{\"case\":\"4711\"}");
        assert_string_equal(document->pages, "1-5,9");
        assert_string_equal(document->password, "s3cret");
        assert_int_equal(document->document.priority, 2);
        assert_int_equal(document->document.media, DM_MEDIA_PDF);
    }
    rig_get("GET /api/jobs/tenant/acme", NULL, 200);
    assert_int_equal(json_array_size(rig_json()), 4);
}

static void the_tenant_may_stand_anywhere_but_only_one(void **state)
{
    (void)state;
    post_form(NULL, FILE_PART END, 202);
    assert_string_equal(fake.documents[0].tenant.id, "default");
    post_form("X-Tenant-Id: acme", FILE_PART END, 202);
    assert_string_equal(fake.documents[1].tenant.id, "acme");
    post_form("X-Tenant-Id: acme", FILE_PART PART("tenantId", "acme") END, 202);
    post_form("X-Tenant-Id: other", FILE_PART PART("tenantId", "acme") END, 400);
    rig_problem(400, "validation", "two tenants");
    post_form(NULL, FILE_PART PART("tenantId", "") END, 400);
    assert_int_equal(fake.accepted, 3);
}

static void raw_bytes_are_accepted_with_their_options_in_the_query(void **state)
{
    (void)state;
    assert_true(post("/api/upload?fileName=%C3%A4.pdf&tenantId=acme&pages=2&metadata=%7B%7D&priority=0",
                     "Content-Type: application/octet-stream\nX-Document-Password: s3cret", "%PDF-raw"));
    assert_int_equal(rig.response->status, 202);
    assert_string_equal(fake.documents[0].name, "\xc3\xa4.pdf");
    assert_string_equal(fake.documents[0].password, "s3cret");
    assert_string_equal(fake.documents[0].pages, "2");
    assert_string_equal(dm_buf_z(&fake.documents[0].bytes), "%PDF-raw");
    assert_true(post("/api/upload", "Content-Type: application/pdf", "%PDF-raw"));
    assert_int_equal(rig.response->status, 202);
    assert_true(post("/api/upload", NULL, "%PDF-raw"));
    rig_problem(415, "unsupported-body", "?fileName=");
    assert_true(rig.response->close);
    assert_true(post("/api/upload?fileName=a", "Content-Type: application/x-www-form-urlencoded", "file=@a"));
    rig_problem(415, "unsupported-body", "multipart/form-data");
    assert_true(post("/api/upload?fileName=a%0Ab.pdf", NULL, "%PDF-raw"));
    rig_problem(400, "validation", "control characters");
    assert_true(post("/api/upload?fileName=a.pdf&password=x&limit=3", NULL, "%PDF-raw"));
    rig_problem(400, "validation", "X-Document-Password");
}

static void every_wrong_field_of_a_form_is_told_at_once(void **state)
{
    (void)state;
    post_form("Idempotency-Key: a b",
              FILE_PART PART("tenantId", "!") PART("metadata", "[1]") PART("priority", "10") PART("pages", "x")
                  PART("schema", "{}") PART("prompt", "p") PART("webhookUrl", "https://x.example") PART("profile", "y")
                      END,
              400);
    rig_problem(400, "validation", "9 fields");
    const json_t *errors = json_object_get(rig_json(), "errors");
    assert_int_equal(json_array_size(errors), 9);
    assert_non_null(strstr(rig_text(), "leave `schema` out"));
    assert_non_null(strstr(rig_text(), "?wait=20"));
    assert_int_equal(fake.accepted, 0);
}

static void what_a_form_must_not_be_is_refused(void **state)
{
    (void)state;
    post_form(NULL, PART("tenantId", "acme") END, 400);
    rig_problem(400, "validation", "file is missing");
    post_form(NULL, FILE_PART FILE_PART END, 400);
    rig_problem(400, "validation", "more than once");
    post_form(NULL, FILE_PART PART("priority", "1") PART("priority", "1") END, 400);
    rig_problem(400, "validation", "more than once");
    post_form(NULL, PART("file", "") END, 400);
    rig_problem(400, "validation", "is empty");
    post_form(NULL, FILE_PART, 400);
    rig_problem(400, "malformed-request", "cut off");
    post_form(NULL, "no form at all", 400);
    rig_problem(400, "malformed-request", "cut off");
    assert_true(post("/api/upload", "Content-Type: multipart/form-data", FILE_PART END));
    rig_problem(400, "malformed-request", "boundary");
    rig_get("POST /api/upload", FORM, 400);
    rig_problem(400, "validation", "no body");
    assert_int_equal(fake.accepted, 0);
    assert_int_equal(fake.sinks, 0);
}

static void parts_that_nobody_knows_are_ignored_with_a_warning(void **state)
{
    (void)state;
    post_form(NULL, PART("jobType", "x") FILE_PART PART("x\xc3\xa4", "y") END, 202);
    assert_string_equal(rig_field("Warning"), "299 docmill \"ignored, because not known here: jobType, x??\"");
}

static void a_field_has_a_limit(void **state)
{
    (void)state;
    static char body[200000];
    size_t len =
        (size_t)snprintf(body, sizeof(body), "--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n");
    memset(body + len, ' ', 80000);
    snprintf(body + len + 80000, sizeof(body) - len - 80000, "%s", "\r\n" FILE_PART END);
    post_form(NULL, body, 400);
    rig_problem(400, "validation", "71680 bytes");
}

static void bytes_of_no_document_are_415(void **state)
{
    (void)state;
    post_form(NULL, PART("file", "just words, and no name that says so") END, 415);
    rig_problem(415, "not-a-document", "PDF, PNG, JPEG");
    assert_int_equal(fake.sinks, 1); /* until the exchange ends */
    post_form(
        NULL,
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
        "%PDF-1.7\r\n" END,
        415);
    rig_problem(415, "not-a-document", "image/png");
}

static void too_large_is_told_before_the_body_where_its_length_is_known(void **state)
{
    (void)state;
    static char body[2 * 1024 * 1024];
    memset(body, 'x', sizeof(body) - 1);
    uint32_t before = fake.sinks_made;
    assert_true(post("/api/upload?fileName=a.pdf", NULL, body));
    rig_problem(413, "too-large", "MAX_FILE_MB");
    assert_int_equal(dm_json_int(rig_json(), "limitBytes", 0), 100000);
    assert_true(rig.response->close);
    assert_int_equal(fake.sinks_made, before);

    /* A form a little over: the file turns out too large while it comes, and is dropped at once. */
    size_t len =
        (size_t)snprintf(body, sizeof(body), "--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n%%PDF-");
    body[len] = 'x';
    body[len + 100000] = '\0';
    rig.piece = 4096;
    post_form(NULL, body, 413);
    rig_problem(413, "too-large", "100000 bytes");
    assert_int_equal(fake.sinks, 0);
}

static void a_full_disk_is_507_before_and_in_the_middle(void **state)
{
    (void)state;
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    fake.fail_create = DM_NO_SPACE;
    post_form(NULL, FILE_PART END, 507);
    rig_problem(507, "no-space", "full");
    assert_string_equal(rig_field("Retry-After"), "60");
    assert_true(rig.response->close);
    fake.fail_write = DM_NO_SPACE;
    rig.piece = 10;
    post_form(NULL, FILE_PART END, 507);
    fake.fail_accept = DM_NO_SPACE;
    post_form(NULL, FILE_PART END, 507);
    fake.fail_accept = DM_BUSY;
    post_form(NULL, FILE_PART END, 503);
    rig_problem(503, "overloaded", "waiting");
    assert_string_equal(rig_field("Retry-After"), "1");
}

static void only_so_many_uploads_are_on_their_way_at_once(void **state)
{
    (void)state;
    struct dm_exchange *busy[4];
    static const struct dm_header headers[] = { { DM_STR_INIT("Host"), DM_STR_INIT("localhost") },
                                                { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/pdf") } };
    const struct dm_head head = { .method = DM_STR("POST"),
                                  .target = DM_STR("/api/upload"),
                                  .headers = headers,
                                  .header_count = 2,
                                  .body_bytes = DM_BODY_UNKNOWN };
    for (int i = 0; i < 4; i++) {
        busy[i] = dm_exchange_make(fake.api);
        assert_int_equal(dm_exchange_begin(busy[i], &head), DM_NEXT_BODY);
    }
    post_form(NULL, FILE_PART END, 503);
    rig_problem(503, "overloaded", "4 uploads");
    assert_int_equal(fake.sinks, 4);
    for (int i = 0; i < 4; i++)
        dm_exchange_free(busy[i]); /* cut off in the middle: nothing is left of them */
    assert_int_equal(fake.sinks, 0);
    post_form(NULL, FILE_PART END, 202);
}

static void a_body_of_unknown_length_is_cut_off_when_it_is_far_too_long(void **state)
{
    (void)state;
    static const struct dm_header headers[] = { { DM_STR_INIT("Host"), DM_STR_INIT("localhost") },
                                                { DM_STR_INIT("Content-Type"), DM_STR_INIT("application/pdf") } };
    const struct dm_head head = { .method = DM_STR("POST"),
                                  .target = DM_STR("/api/upload"),
                                  .headers = headers,
                                  .header_count = 2,
                                  .body_bytes = DM_BODY_UNKNOWN };
    static char piece[64 * 1024];
    dm_exchange_end(rig.exchange);
    assert_int_equal(dm_exchange_begin(rig.exchange, &head), DM_NEXT_BODY);
    enum dm_next next = DM_NEXT_BODY;
    int pieces = 0;
    while (next == DM_NEXT_BODY && pieces++ < 1000)
        next = dm_exchange_body(rig.exchange, dm_str_of(piece, sizeof(piece)));
    assert_int_equal(next, DM_NEXT_CUT);
    assert_true(pieces < 100);
    assert_int_equal(fake.sinks, 0);
}

static void a_draining_server_takes_nothing_new(void **state)
{
    (void)state;
    dm_api_drain(fake.api);
    post_form(NULL, FILE_PART END, 503);
    rig_problem(503, "draining", "shutting down");
    assert_string_equal(rig_field("Retry-After"), "5");
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static void a_small_document_is_waited_for(void **state)
{
    (void)state;
    assert_false(post("/api/upload", FORM, FILE_PART END));
    assert_true(rig.wait.until_ended);
    assert_int_equal(rig.wait.deadline_mono_ms, fake.mono_ms + 25000);
    fake_complete(&fake.documents[0], "{}");
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 201);
    const json_t *answer = rig_json();
    assert_string_equal(dm_json_str(answer, "status").at, "uploaded");
    assert_string_equal(dm_json_str(answer, "processingType").at, "sync");
    assert_string_equal(dm_json_str(json_object_get(answer, "job"), "status").at, "completed");
    char url[200];
    snprintf(url, sizeof(url), "http://127.0.0.1:3005/api/jobs/%s/results", fake.documents[0].file.id);
    assert_string_equal(dm_json_str(answer, "resultUrl").at, url);
    assert_int_equal(fake.accepted, 1);
}

static void a_wait_that_gets_too_long_becomes_202(void **state)
{
    (void)state;
    assert_false(post("/api/upload", FORM, FILE_PART END));
    fake.mono_ms += 24999;
    assert_false(rig_again());
    fake.mono_ms += 1;
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 202);
    assert_string_equal(dm_json_str(rig_json(), "processingType").at, "sync");
    assert_null(json_object_get(rig_json(), "job"));
    assert_int_equal(fake.accepted, 1);
    /* A larger one is not waited for at all. */
    static char large[3000];
    snprintf(large, sizeof(large), "%%PDF-%2990s", "");
    assert_true(post("/api/upload", "Content-Type: application/pdf", large));
    assert_int_equal(rig.response->status, 202);
    assert_string_equal(dm_json_str(rig_json(), "processingType").at, "async");
}

static void a_document_that_cannot_be_read_is_422_with_its_id_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        enum dm_reason reason;
        const char *remedy;
    } cases[] = {
        { DM_REASON_ENCRYPTED, "`password`" }, { DM_REASON_NO_PAGES, "`pages`" },
        { DM_REASON_TOO_LARGE, "Split it" },   { DM_REASON_DAMAGED, "anew" },
        { DM_REASON_UNSUPPORTED, "Convert" },
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        assert_false(post("/api/upload", FORM, FILE_PART END));
        fake.documents[i].state.status = DM_STATUS_FAILED;
        fake.documents[i].state.reason = cases[i].reason;
        assert_true(rig_again());
        rig_problem(422, "unreadable-document", cases[i].remedy);
        assert_string_equal(dm_json_str(rig_json(), "fileId").at, fake.documents[i].file.id);
        assert_string_equal(dm_json_str(rig_json(), "reason").at, dm_reason_text(cases[i].reason));
    }
    /* What is not the document's fault: it was accepted, and its job says what became of it. */
    assert_false(post("/api/upload", FORM, FILE_PART END));
    fake.documents[5].state.status = DM_STATUS_FAILED;
    fake.documents[5].state.reason = DM_REASON_AUTH_FAILED;
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 201);
    assert_null(json_object_get(rig_json(), "resultUrl"));
}

static void accepted_stays_accepted_whatever_happens_while_waiting(void **state)
{
    (void)state;
    dm_log_setup(DM_LOG_OFF, NULL, NULL);
    assert_false(post("/api/upload", FORM, FILE_PART END));
    fake.documents[0].document.deleted_ms = 1;
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 202);
    assert_false(post("/api/upload", FORM, FILE_PART END));
    dm_api_drain(fake.api);
    assert_true(rig_again());
    assert_int_equal(rig.response->status, 202);
}

static void an_idempotency_key_gives_the_document_of_then(void **state)
{
    (void)state;
    char id[40];
    fake.complete_at_once = true;
    post_form("Idempotency-Key: \"k-1\"", FILE_PART END, 201);
    assert_null(rig_field("Idempotency-Replayed"));
    snprintf(id, sizeof(id), "%s", dm_json_str(rig_json(), "fileId").at);
    post_form("Idempotency-Key: k-1", FILE_PART END, 201);
    assert_string_equal(rig_field("Idempotency-Replayed"), "true");
    assert_string_equal(dm_json_str(rig_json(), "fileId").at, id);
    assert_int_equal(fake.accepted, 1);
    assert_string_equal(fake.documents[0].idem, "POST /upload k-1");
    fake.fail_accept = DM_EXISTS;
    post_form("Idempotency-Key: k-1", FILE_PART PART("priority", "1") END, 422);
    rig_problem(422, "idempotency-key-reused", "");
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
#define WITHOUT_WAITING(test) cmocka_unit_test_setup_teardown(test, setup_async, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITHOUT_WAITING(a_form_with_the_file_before_the_tenant_is_accepted),
        WITHOUT_WAITING(the_tenant_may_stand_anywhere_but_only_one),
        WITHOUT_WAITING(raw_bytes_are_accepted_with_their_options_in_the_query),
        WITHOUT_WAITING(every_wrong_field_of_a_form_is_told_at_once),
        WITHOUT_WAITING(what_a_form_must_not_be_is_refused),
        WITHOUT_WAITING(parts_that_nobody_knows_are_ignored_with_a_warning),
        WITHOUT_WAITING(a_field_has_a_limit),
        WITHOUT_WAITING(bytes_of_no_document_are_415),
        WITHOUT_WAITING(too_large_is_told_before_the_body_where_its_length_is_known),
        WITHOUT_WAITING(a_full_disk_is_507_before_and_in_the_middle),
        WITHOUT_WAITING(only_so_many_uploads_are_on_their_way_at_once),
        WITHOUT_WAITING(a_body_of_unknown_length_is_cut_off_when_it_is_far_too_long),
        WITHOUT_WAITING(a_draining_server_takes_nothing_new),
        WITH_RIG(a_small_document_is_waited_for),
        WITH_RIG(a_wait_that_gets_too_long_becomes_202),
        WITH_RIG(a_document_that_cannot_be_read_is_422_with_its_id_and_what_to_do),
        WITH_RIG(accepted_stays_accepted_whatever_happens_while_waiting),
        WITH_RIG(an_idempotency_key_gives_the_document_of_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
