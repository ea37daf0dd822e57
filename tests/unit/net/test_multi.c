/* test_multi.c: many requests at once, against servers that answer well, slowly, endlessly, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "embedded/embedded.h"
#include "net/multi.h"
#include "net/server.h"

static struct server plain, http2;
static char certificate_path[] = "/tmp/docmill-test-XXXXXX";

static int start_servers(void **state)
{
    (void)state;
    int fd = mkstemp(certificate_path);
    bool ok = fd >= 0 && close(fd) == 0 && server_http2_prepare(certificate_path) &&
              server_start(server_plain, &plain) && server_start(server_http2, &http2);
    return ok ? 0 : -1;
}

static int stop_servers(void **state)
{
    (void)state;
    server_stop(&plain);
    server_stop(&http2);
    return unlink(certificate_path);
}

/* ---- the rig ----------------------------------------------------------------------------------------------------- */

enum { ASKED_MAX = 2000 };

struct asked {
    struct rig *rig;
    enum dm_code code; /* DM_CODE_COUNT: not called back yet */
    uint32_t status;
    char body[32];
    char location[32];
    char sentence[256];
    bool again; /* sends the same once more when it is called back the first time */
};

struct rig {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    uint32_t over;
    struct asked *asked;
    uint32_t sent;
    struct dm_multi *multi;
    char url[128];
    struct dm_http_request request; /* what is asked */
    bool again;                     /* and asked once more by who is called back */
    struct dm_err err;
};

static void rig_make(struct rig *rig, struct dm_multi_options options, const char *scheme, const char *path)
{
    *rig = (struct rig){ .runtime = dm_threads_runtime() };
    rig->asked = dm_alloc_zero(ASKED_MAX, sizeof(*rig->asked));
    assert_non_null(rig->asked);
    assert_int_equal(dm_monitor_make(rig->runtime, &rig->monitor, NULL), DM_OK);
    options.runtime = rig->runtime;
    options.user_agent = "test/1";
    assert_int_equal(dm_multi_make(&options, &rig->multi, &rig->err), DM_OK);
    (void)snprintf(rig->url, sizeof(rig->url), "%s://127.0.0.1:%u%s", scheme,
                   strcmp(scheme, "http") == 0 ? plain.port : http2.port, path);
    rig->request.url = dm_str_z(rig->url);
}

static struct rig *rig_plain(struct rig *rig, const char *path)
{
    rig_make(rig, (struct dm_multi_options){ .requests_max = 0 }, "http", path);
    return rig;
}

static void rig_free(struct rig *rig)
{
    dm_multi_free(rig->multi);
    dm_monitor_free(rig->runtime, rig->monitor);
    dm_free(rig->asked);
}

static void copy(char *to, size_t size, struct dm_str text)
{
    (void)snprintf(to, size, "%.*s", DM_STR_ARG(text));
}

static void on_done(void *context, enum dm_code code, struct dm_http_answer *answer, const struct dm_err *err)
{
    struct asked *asked = context;
    struct rig *rig = asked->rig;
    if (asked->again) {
        asked->again = false;
        assert_int_equal(dm_multi_send(rig->multi, &rig->request, on_done, asked, NULL), DM_OK);
        return;
    }
    dm_lock(rig->runtime, rig->monitor);
    asked->status = answer->status;
    copy(asked->body, sizeof(asked->body), dm_buf_str(&answer->body));
    copy(asked->location, sizeof(asked->location), dm_http_answer_header(answer, DM_STR("Location")));
    copy(asked->sentence, sizeof(asked->sentence), dm_str_z(err->text));
    asked->code = code;
    rig->over++;
    dm_wake_all(rig->runtime, rig->monitor);
    dm_unlock(rig->runtime, rig->monitor);
}

static enum dm_code ask(struct rig *rig)
{
    struct asked *asked = &rig->asked[rig->sent];
    *asked = (struct asked){ .rig = rig, .code = DM_CODE_COUNT, .again = rig->again };
    enum dm_code rc = dm_multi_send(rig->multi, &rig->request, on_done, asked, &rig->err);
    rig->sent += rc == DM_OK;
    return rc;
}

static void wait_for(struct rig *rig, uint32_t count)
{
    dm_lock(rig->runtime, rig->monitor);
    while (rig->over < count)
        assert_true(dm_wait_until(rig->runtime, rig->monitor, dm_mono_ms(rig->runtime) + 60000));
    dm_unlock(rig->runtime, rig->monitor);
}

/* Sends the rig's request and waits for its end. */
static const struct asked *ask_and_wait(struct rig *rig)
{
    assert_int_equal(ask(rig), DM_OK);
    wait_for(rig, rig->sent);
    return &rig->asked[rig->sent - 1];
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void a_request_is_answered_with_status_headers_and_body(void **state)
{
    (void)state;
    struct rig rig;
    struct dm_http_pair accept = { DM_STR("Accept"), DM_STR("text/x-test") };
    rig_plain(&rig, "/plain")->request.headers = &accept;
    rig.request.header_count = 1;
    const struct asked *asked = ask_and_wait(&rig);
    assert_int_equal(asked->code, DM_OK);
    assert_int_equal(asked->status, 200);
    assert_string_equal(asked->body, "accepted");
    rig_free(&rig);
}

static void a_large_body_is_sent_whole(void **state)
{
    (void)state;
    enum { BYTES = 3000000 };
    char *bytes = dm_alloc_zero(1, BYTES);
    struct rig rig;
    rig_plain(&rig, "/upload")->request.body = dm_str_of(bytes, BYTES);
    assert_string_equal(ask_and_wait(&rig)->body, "3000000 none unnamed");
    rig_free(&rig);
    dm_free(bytes);
}

static void hundreds_at_once_share_a_few_connections(void **state)
{
    (void)state;
    enum { REQUESTS = 500, CONNECTIONS = 8 };
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .connections_max = CONNECTIONS }, "http", "/count");
    const char *different[CONNECTIONS + 1];
    size_t seen = 0;
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(ask(&rig), DM_OK);
    wait_for(&rig, REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(rig.asked[i].code, DM_OK);
        size_t at = 0;
        while (at < seen && strcmp(different[at], rig.asked[i].body) != 0)
            at++;
        if (at < seen)
            continue;
        assert_true(seen < CONNECTIONS);
        different[seen++] = rig.asked[i].body;
    }
    rig_free(&rig);
}

static void requests_to_a_server_of_http_2_share_one_connection(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .certificates_file = certificate_path }, "https", "/");
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < SERVER_TOGETHER; i++)
            assert_int_equal(ask(&rig), DM_OK);
        wait_for(&rig, rig.sent);
    }
    for (uint32_t i = 0; i < rig.sent; i++) {
        assert_string_equal(rig.asked[i].sentence, "");
        assert_int_equal(rig.asked[i].status, 200);
        assert_string_equal(rig.asked[i].body, rig.asked[0].body);
    }
    rig_free(&rig);
}

static void who_is_called_back_may_send_the_next_request(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .requests_max = 1 }, "http", "/plain");
    rig.again = true;
    assert_string_equal(ask_and_wait(&rig)->body, "hello");
    rig_free(&rig);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    struct rig rig;
    const struct asked *asked = ask_and_wait(rig_plain(&rig, "/redirect"));
    assert_int_equal(asked->status, 302);
    assert_string_equal(asked->location, "/plain");
    rig_free(&rig);
}

static void the_environment_names_no_proxy(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
    struct rig rig;
    assert_int_equal(ask_and_wait(rig_plain(&rig, "/plain"))->code, DM_OK);
    assert_int_equal(unsetenv("http_proxy"), 0);
    rig_free(&rig);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void a_silent_server_costs_no_more_than_the_time_given(void **state)
{
    (void)state;
    struct rig rig;
    rig_plain(&rig, "/silence")->request.total_ms = 300;
    int64_t begun_ms = dm_mono_ms(rig.runtime);
    assert_int_equal(ask_and_wait(&rig)->code, DM_TIMEOUT);
    assert_true(dm_mono_ms(rig.runtime) - begun_ms < 5000);
    rig_free(&rig);
}

static void waiting_for_a_connection_counts_among_the_time_given(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .connections_max = 1 }, "http", "/silence");
    assert_int_equal(ask(&rig), DM_OK); /* has the only connection for a long time */
    rig.request.total_ms = 300;
    assert_int_equal(ask(&rig), DM_OK);
    wait_for(&rig, 1);
    assert_int_equal(rig.asked[0].code, DM_CODE_COUNT);
    assert_int_equal(rig.asked[1].code, DM_TIMEOUT);
    rig_free(&rig);
}

static void a_transfer_that_stands_still_is_given_up(void **state)
{
    (void)state;
    struct rig rig;
    rig_plain(&rig, "/stall")->request.stall_ms = 1000;
    assert_int_equal(ask_and_wait(&rig)->code, DM_TIMEOUT);
    rig_free(&rig);
}

static void an_answer_over_the_ceiling_ends_the_request(void **state)
{
    (void)state;
    struct rig rig;
    rig_plain(&rig, "/pour")->request.answer_max = 10000;
    const struct asked *asked = ask_and_wait(&rig);
    assert_int_equal(asked->code, DM_TOO_LARGE);
    assert_string_equal(asked->sentence, "the body of the answer is over 10000 bytes");
    assert_string_equal(asked->body, "");
    rig_free(&rig);
}

static void endless_headers_end_the_request(void **state)
{
    (void)state;
    struct rig rig;
    enum dm_code rc = ask_and_wait(rig_plain(&rig, "/headers"))->code;
    /* Newer versions of libcurl have a ceiling of their own, somewhat higher than ours. */
    assert_true(rc == DM_TOO_LARGE || rc == DM_UNAVAILABLE);
    rig_free(&rig);
}

static void one_more_than_the_most_is_busy_until_one_is_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .requests_max = 2 }, "http", "/silence");
    assert_int_equal(ask(&rig), DM_OK);
    rig.request.total_ms = 300;
    assert_int_equal(ask(&rig), DM_OK);
    assert_int_equal(ask(&rig), DM_BUSY);
    wait_for(&rig, 1);
    assert_int_equal(ask(&rig), DM_OK);
    assert_int_equal(ask(&rig), DM_BUSY);
    rig_free(&rig);
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static void a_body_that_is_cut_off_is_no_answer(void **state)
{
    (void)state;
    struct rig rig;
    const struct asked *asked = ask_and_wait(rig_plain(&rig, "/cut"));
    assert_int_equal(asked->code, DM_UNAVAILABLE);
    assert_int_equal(asked->status, 0);
    assert_string_equal(asked->body, "");
    rig_free(&rig);
}

static void nobody_listening_is_unavailable(void **state)
{
    (void)state;
    struct rig rig;
    rig_plain(&rig, "/")->request.url = DM_STR("http://127.0.0.1:1/");
    const struct asked *asked = ask_and_wait(&rig);
    assert_int_equal(asked->code, DM_UNAVAILABLE);
    assert_true(asked->sentence[0] != '\0');
    rig_free(&rig);
}

static void a_certificate_that_nobody_vouches_for_is_not_accepted(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .requests_max = 0 }, "https", "/");
    const struct asked *asked = ask_and_wait(&rig);
    assert_int_equal(asked->code, DM_UNAVAILABLE);
    assert_non_null(strstr(asked->sentence, "certificate"));
    rig_free(&rig);
}

static void a_request_that_cannot_be_sent_takes_no_place_and_calls_nobody_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .requests_max = 1 }, "http", "/plain");
    static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1:1/", "" };
    for (size_t i = 0; i < DM_COUNT(urls); i++) {
        rig.request.url = dm_str_z(urls[i]);
        assert_int_equal(ask(&rig), DM_INVALID);
    }
    rig.request.url = dm_str_z(rig.url);
    struct dm_http_pair header = { DM_STR("X-Tenant-Id"), DM_STR("a\r\nX-Admin: yes") };
    rig.request.headers = &header;
    rig.request.header_count = 1;
    assert_int_equal(ask(&rig), DM_INVALID);
    rig.request.header_count = 0;
    assert_int_equal(ask_and_wait(&rig)->code, DM_OK);
    assert_int_equal(rig.over, 1);
    rig_free(&rig);
}

static void whoever_waits_at_the_end_is_called_back_as_cancelled(void **state)
{
    (void)state;
    enum { REQUESTS = 30 };
    struct rig rig;
    rig_make(&rig, (struct dm_multi_options){ .connections_max = 4 }, "http", "/silence");
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(ask(&rig), DM_OK);
    dm_multi_free(rig.multi);
    rig.multi = NULL;
    assert_int_equal(rig.over, REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(rig.asked[i].code, DM_CANCELLED);
    rig_free(&rig);
}

static void a_client_that_was_never_used_ends_quietly(void **state)
{
    (void)state;
    struct rig rig;
    rig_free(rig_plain(&rig, "/plain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_with_status_headers_and_body),
        cmocka_unit_test(a_large_body_is_sent_whole),
        cmocka_unit_test(hundreds_at_once_share_a_few_connections),
        cmocka_unit_test(requests_to_a_server_of_http_2_share_one_connection),
        cmocka_unit_test(who_is_called_back_may_send_the_next_request),
        cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
        cmocka_unit_test(the_environment_names_no_proxy),
        cmocka_unit_test(a_silent_server_costs_no_more_than_the_time_given),
        cmocka_unit_test(waiting_for_a_connection_counts_among_the_time_given),
        cmocka_unit_test(a_transfer_that_stands_still_is_given_up),
        cmocka_unit_test(an_answer_over_the_ceiling_ends_the_request),
        cmocka_unit_test(endless_headers_end_the_request),
        cmocka_unit_test(one_more_than_the_most_is_busy_until_one_is_over),
        cmocka_unit_test(a_body_that_is_cut_off_is_no_answer),
        cmocka_unit_test(nobody_listening_is_unavailable),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_not_accepted),
        cmocka_unit_test(a_request_that_cannot_be_sent_takes_no_place_and_calls_nobody_back),
        cmocka_unit_test(whoever_waits_at_the_end_is_called_back_as_cancelled),
        cmocka_unit_test(a_client_that_was_never_used_ends_quietly),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
