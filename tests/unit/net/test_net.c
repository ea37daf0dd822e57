/* test_net.c: the HTTP client against a server that answers well, slowly, endlessly, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/net.h"
#include "net/server.h"

static struct server server;

static int start_server(void **state)
{
    (void)state;
    return server_start(server_plain, &server) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

struct rig {
    struct dm_http_client *client;
    char url[128];
    struct dm_http_answer answer;
    struct dm_err err;
};

static struct rig rig_make(const char *path)
{
    struct rig rig = { 0 };
    (void)snprintf(rig.url, sizeof(rig.url), "http://127.0.0.1:%u%s", server.port, path);
    assert_int_equal(dm_http_client_make("test/1", &rig.client, &rig.err), DM_OK);
    return rig;
}

static void rig_free(struct rig *rig)
{
    dm_http_answer_free(&rig->answer);
    dm_http_client_free(rig->client);
}

static void assert_text(struct dm_str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.at, expected, text.len);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void an_answer_has_status_headers_and_body(void **state)
{
    (void)state;
    struct rig rig = rig_make("/plain");
    struct dm_http_pair accept = { DM_STR("Accept"), DM_STR("text/x-test") };
    struct dm_http_request request = { .url = dm_str_z(rig.url), .headers = &accept, .header_count = 1 };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_OK);
    assert_int_equal(rig.answer.status, 200);
    assert_text(dm_buf_str(&rig.answer.body), "accepted");
    assert_text(dm_http_answer_header(&rig.answer, DM_STR("x-test")), "first");
    assert_int_equal(dm_http_answer_header(&rig.answer, DM_STR("X-Other")).len, 0);
    rig_free(&rig);
}

static void one_client_keeps_its_connection(void **state)
{
    (void)state;
    struct rig rig = rig_make("/count");
    struct dm_http_request request = { .url = dm_str_z(rig.url) };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_OK);
    struct dm_http_answer again;
    assert_int_equal(dm_http_send(rig.client, &request, &again, &rig.err), DM_OK);
    assert_string_equal(dm_buf_z(&rig.answer.body), dm_buf_z(&again.body));
    dm_http_answer_free(&again);
    rig_free(&rig);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    struct rig rig = rig_make("/redirect");
    struct dm_http_request request = { .url = dm_str_z(rig.url) };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_OK);
    assert_int_equal(rig.answer.status, 302);
    assert_text(dm_http_answer_header(&rig.answer, DM_STR("Location")), "/plain");
    rig_free(&rig);
}

static void an_answer_over_the_ceiling_ends_the_request(void **state)
{
    (void)state;
    struct rig rig = rig_make("/pour");
    struct dm_http_request request = { .url = dm_str_z(rig.url), .answer_max = 10000 };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_TOO_LARGE);
    rig_free(&rig);
}

static void endless_headers_end_the_request(void **state)
{
    (void)state;
    struct rig rig = rig_make("/headers");
    struct dm_http_request request = { .url = dm_str_z(rig.url) };
    enum dm_code rc = dm_http_send(rig.client, &request, &rig.answer, &rig.err);
    /* Newer versions of libcurl have a ceiling of their own, somewhat higher than ours. */
    assert_true(rc == DM_TOO_LARGE || rc == DM_UNAVAILABLE);
    rig_free(&rig);
}

struct sunk {
    uint64_t bytes;
    uint64_t most;
};

static enum dm_code sink(void *context, struct dm_str bytes, struct dm_err *err)
{
    struct sunk *sunk = context;
    sunk->bytes += bytes.len;
    return sunk->bytes > sunk->most ? dm_fail(err, DM_NO_SPACE, "enough") : DM_OK;
}

static void a_sink_takes_the_body_and_may_end_the_request(void **state)
{
    (void)state;
    struct rig rig = rig_make("/pour");
    struct sunk sunk = { .most = 100000 };
    struct dm_http_request request = { .url = dm_str_z(rig.url), .sink = sink, .sink_context = &sunk };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_NO_SPACE);
    assert_string_equal(rig.err.text, "enough");
    assert_true(sunk.bytes > sunk.most);
    rig_free(&rig);
}

static void a_silent_server_costs_no_more_than_the_time_given(void **state)
{
    (void)state;
    struct rig rig = rig_make("/silence");
    int64_t begun = now_ms();
    struct dm_http_request request = { .url = dm_str_z(rig.url), .total_ms = 300 };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_TIMEOUT);
    assert_true(now_ms() - begun < 5000);
    rig_free(&rig);
}

static void a_transfer_that_stands_still_is_given_up(void **state)
{
    (void)state;
    struct rig rig = rig_make("/stall");
    struct dm_http_request request = { .url = dm_str_z(rig.url), .stall_ms = 1000 };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_TIMEOUT);
    rig_free(&rig);
}

/* It may be the line's fault, and is tried again like a connection that broke. */
static void an_answer_that_is_no_http_is_unavailable(void **state)
{
    (void)state;
    struct rig rig = rig_make("/noise");
    struct dm_http_request request = { .url = dm_str_z(rig.url) };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_UNAVAILABLE);
    rig_free(&rig);
}

static void nobody_listening_is_unavailable(void **state)
{
    (void)state;
    struct rig rig = rig_make("/");
    struct dm_http_request request = { .url = DM_STR("http://127.0.0.1:1/") };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_UNAVAILABLE);
    assert_true(rig.err.text[0] != '\0');
    rig_free(&rig);
}

static void only_http_and_https_are_spoken(void **state)
{
    (void)state;
    struct rig rig = rig_make("/");
    static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1:1/", "" };
    for (size_t i = 0; i < DM_COUNT(urls); i++) {
        struct dm_http_request request = { .url = dm_str_z(urls[i]) };
        assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_INVALID);
    }
    rig_free(&rig);
}

static void a_header_cannot_bring_another_one_along(void **state)
{
    (void)state;
    struct rig rig = rig_make("/plain");
    struct dm_http_pair header = { DM_STR("X-Tenant-Id"), DM_STR("a\r\nX-Admin: yes") };
    struct dm_http_request request = { .url = dm_str_z(rig.url), .headers = &header, .header_count = 1 };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_INVALID);
    rig_free(&rig);
}

static bool count_up(void *context, uint64_t sent, uint64_t to_send, uint64_t received)
{
    (void)received;
    uint64_t *most = context;
    assert_true(sent <= to_send || to_send == 0);
    *most = sent > *most ? sent : *most;
    return true;
}

/* A file of `size` bytes that is gone once it is closed. */
static int temporary(size_t size)
{
    char path[] = "/tmp/docmill-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static void a_form_streams_its_file_and_tells_how_far_it_is(void **state)
{
    (void)state;
    struct rig rig = rig_make("/upload");
    enum { BYTES = 3000000 };
    int fd = temporary(BYTES);
    struct dm_http_pair field = { DM_STR("tenantId"), DM_STR("acme") };
    struct dm_http_form form = {
        .fields = &field, .field_count = 1, .file_name = DM_STR("r\xc3\xa9port.pdf"), .file_fd = fd, .file_bytes = BYTES
    };
    uint64_t most = 0;
    struct dm_http_request request = {
        .method = "POST", .url = dm_str_z(rig.url), .form = &form, .progress = count_up, .progress_context = &most
    };
    for (int round = 0; round < 2; round++) { /* the second time the file is read from its start again */
        dm_http_answer_free(&rig.answer);
        assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_OK);
        struct dm_str body = dm_buf_str(&rig.answer.body);
        uint64_t told = 0;
        assert_true(dm_str_to_u64(dm_str_cut(body, 0, dm_str_find_char(body, ' ')), &told));
        assert_true(told > BYTES && told < BYTES + 1000);
        assert_true(dm_str_ends(body, DM_STR(" fields named")));
        assert_text(dm_http_answer_header(&rig.answer, DM_STR("X-Test")), "first"); /* not that of "100 Continue" */
    }
    assert_true(most >= BYTES);
    (void)close(fd);
    rig_free(&rig);
}

static void an_upload_refused_early_shows_its_answer(void **state)
{
    (void)state;
    struct rig rig = rig_make("/refuse");
    int fd = temporary(50000000);
    struct dm_http_form form = { .file_name = DM_STR("big.pdf"), .file_fd = fd, .file_bytes = 50000000 };
    struct dm_http_request request = { .method = "POST", .url = dm_str_z(rig.url), .form = &form };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_OK);
    assert_int_equal(rig.answer.status, 413);
    (void)close(fd);
    rig_free(&rig);
}

static bool stop_at_once(void *context, uint64_t sent, uint64_t to_send, uint64_t received)
{
    (void)context;
    (void)sent;
    (void)to_send;
    (void)received;
    return false;
}

static void progress_can_stop_a_request(void **state)
{
    (void)state;
    struct rig rig = rig_make("/silence");
    struct dm_http_request request = { .url = dm_str_z(rig.url), .progress = stop_at_once };
    assert_int_equal(dm_http_send(rig.client, &request, &rig.answer, &rig.err), DM_CANCELLED);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_status_headers_and_body),
        cmocka_unit_test(one_client_keeps_its_connection),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(an_answer_over_the_ceiling_ends_the_request),
        cmocka_unit_test(endless_headers_end_the_request),
        cmocka_unit_test(a_sink_takes_the_body_and_may_end_the_request),
        cmocka_unit_test(a_silent_server_costs_no_more_than_the_time_given),
        cmocka_unit_test(a_transfer_that_stands_still_is_given_up),
        cmocka_unit_test(an_answer_that_is_no_http_is_unavailable),
        cmocka_unit_test(nobody_listening_is_unavailable),
        cmocka_unit_test(only_http_and_https_are_spoken),
        cmocka_unit_test(a_header_cannot_bring_another_one_along),
        cmocka_unit_test(a_form_streams_its_file_and_tells_how_far_it_is),
        cmocka_unit_test(an_upload_refused_early_shows_its_answer),
        cmocka_unit_test(progress_can_stop_a_request),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
