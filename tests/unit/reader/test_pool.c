/* test_pool.c: how many helpers there are, who waits for them, and what their deaths do to others. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures.h"
#include "rig.h"

static struct rig rig;

static int stop(void **state)
{
    rig_stop(&rig);
    return 0;
}

static int two_text_helpers(void **state)
{
    struct dm_reader_options options = rig_options();
    options.wait_ms = 50;
    rig_start(&rig, &options);
    return 0;
}

static int file_with_text(const char *text)
{
    struct pdf pdf = pdf_make();
    pdf_text_page(&pdf, text);
    pdf_text_page(&pdf, text);
    return pdf_finish(&pdf);
}

/* Spawned tasks have children of their own in the kernel's list, so ask for all of our threads. */
static int zygotes(pid_t *ret, int max)
{
    return rig_children_of(getpid(), ret, max);
}

static void a_handle_beyond_the_helpers_waits_and_is_then_refused(void **state)
{
    int fd = file_with_text("text");
    uint32_t pages = 0;
    struct dm_reader_handle *first = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_reader_handle *second = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    int64_t asked_ms = dm_mono_ms(rig.runtime);
    assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, NULL), DM_BUSY);
    assert_true(dm_mono_ms(rig.runtime) - asked_ms >= 50);
    /* The check finds a way beside them. */
    assert_int_equal(dm_reader_check(rig.reader, &rig.err), DM_OK);
    dm_reader_close(rig.reader, first);
    assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, NULL), DM_OK);
    rig_expect(&rig, second, 1, "text\n");
    dm_reader_close(rig.reader, second);
    close(fd);
}

static void a_closed_document_leaves_no_process_behind(void **state)
{
    int fd = file_with_text("text");
    for (int i = 0; i < 20; i++)
        assert_int_equal(rig_try_open(&rig, fd, DM_MEDIA_PDF, NULL), DM_OK);
    pid_t pids[4];
    assert_int_equal(zygotes(pids, 4), 1);
    assert_true(rig_wait_until_childless(pids[0]));
    assert_int_equal(rig.replaced, 0);
    close(fd);
}

static void a_helper_killed_from_outside_costs_its_page_alone(void **state)
{
    int fd = file_with_text("text");
    uint32_t pages = 0;
    struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    pid_t zygote;
    pid_t worker;
    assert_int_equal(zygotes(&zygote, 1), 1);
    assert_int_equal(rig_children_of(zygote, &worker, 1), 1);
    kill(worker, SIGKILL);
    DM_AUTO(dm_buf) text = dm_buf_make(0);
    assert_int_equal(rig_text(&rig, handle, 1, &text), DM_CRASHED);
    rig_expect(&rig, handle, 1, "text\n");
    assert_int_equal(rig.replaced, 1);
    dm_reader_close(rig.reader, handle);
    close(fd);
}

static void a_lost_zygote_costs_no_page_at_all(void **state)
{
    int fd = file_with_text("text");
    uint32_t pages = 0;
    struct dm_reader_handle *first = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    struct dm_reader_handle *second = rig_open(&rig, fd, DM_MEDIA_PDF, &pages);
    pid_t zygote;
    assert_int_equal(zygotes(&zygote, 1), 1);
    kill(zygote, SIGKILL);
    rig_expect(&rig, first, 1, "text\n");
    rig_expect(&rig, second, 2, "text\n");
    dm_reader_close(rig.reader, first);
    dm_reader_close(rig.reader, second);
    close(fd);
}

static int brief_ocr(void **state)
{
    struct dm_reader_options options = rig_options();
    options.ocr_idle_ms = 200;
    rig_start(&rig, &options);
    return 0;
}

static void the_ocr_class_comes_when_needed_and_leaves_when_idle(void **state)
{
    int fd = file_of_fixture("print.png");
    pid_t pids[4];
    assert_int_equal(zygotes(pids, 4), 1);
    for (int i = 0; i < 2; i++) {
        uint32_t pages = 0;
        struct dm_reader_handle *handle = rig_open(&rig, fd, DM_MEDIA_PNG, &pages);
        struct dm_page_want want = { .text = true, .ocr = DM_OCR_AUTO };
        struct dm_page_content content = { 0 };
        assert_int_equal(dm_reader_page(rig.reader, handle, 1, &want, &content, &rig.err), DM_OK);
        assert_true(content.ocr_used);
        dm_page_content_free(&content);
        dm_reader_close(rig.reader, handle);
        /* The zygote of this class is a child of the thread that asked: this one. */
        assert_int_equal(zygotes(pids, 4), 2);
        int left = 2;
        for (int waited = 0; waited < 5000 && left > 1; waited++) {
            usleep(1000);
            left = zygotes(pids, 4);
        }
        assert_int_equal(left, 1);
    }
    assert_int_equal(rig.replaced, 0);
    close(fd);
}

static int few_helpers(void **state)
{
    struct dm_reader_options options = rig_options();
    options.text_helpers = 3;
    rig_start(&rig, &options);
    return 0;
}

static void read_often(void *argument)
{
    int *failures = argument;
    static const struct dm_tenant tenant = { .id = "tests" };
    for (int i = 0; i < 10; i++) {
        char text[32];
        char expected[40];
        struct dm_err err;
        uint32_t pages = 0;
        struct dm_reader_handle *handle = NULL;
        snprintf(text, sizeof(text), "round %d of %p", i, argument);
        snprintf(expected, sizeof(expected), "%s\n", text);
        struct dm_source source = { .fd = file_with_text(text), .media = DM_MEDIA_PDF };
        struct dm_page_want want = {
            .text = true, .lines = i % 2, .image_long_edge = i % 3 ? 0 : 64, .image_media = DM_MEDIA_PNG
        };
        if (dm_reader_open(rig.reader, &tenant, &source, &handle, &pages, &err) != DM_OK) {
            ++*failures;
            close(source.fd);
            continue;
        }
        for (uint32_t page = 1; page <= pages; page++) {
            struct dm_page_content content = { 0 };
            if (dm_reader_page(rig.reader, handle, page, &want, &content, &err) != DM_OK ||
                strcmp(dm_buf_z(&content.text), expected) != 0)
                ++*failures;
            dm_page_content_free(&content);
        }
        dm_reader_close(rig.reader, handle);
        close(source.fd);
    }
}

static void many_tasks_share_few_helpers(void **state)
{
    enum { TASKS = 8 };
    struct dm_task *tasks[TASKS];
    int failures[TASKS] = { 0 };
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(dm_spawn(rig.runtime, "reading", read_often, &failures[i], &tasks[i], &rig.err), DM_OK);
    for (int i = 0; i < TASKS; i++) {
        dm_join(rig.runtime, tasks[i]);
        assert_int_equal(failures[i], 0);
    }
    assert_int_equal(rig.replaced, 0);
}

/* A docmill of its own, which opens a document and then waits to be killed. Tells its zygote and worker
 * through a pipe. */
static void live_until_killed(int tell)
{
    struct rig own;
    struct dm_reader_options options = rig_options();
    rig_start(&own, &options);
    int fd = file_with_text("text");
    uint32_t pages = 0;
    rig_open(&own, fd, DM_MEDIA_PDF, &pages);
    pid_t pids[2];
    if (zygotes(pids, 1) != 1 || rig_children_of(pids[0], pids + 1, 1) != 1 ||
        write(tell, pids, sizeof(pids)) != sizeof(pids))
        _exit(1);
    for (;;)
        pause();
}

static void helpers_die_with_their_parent(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    /* Orphans come to us, so that we can tell a dead one from one that lives. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t parent = fork();
    if (parent == 0)
        live_until_killed(ends[1]);
    close(ends[1]);
    pid_t pids[2];
    assert_int_equal(read(ends[0], pids, sizeof(pids)), sizeof(pids));
    close(ends[0]);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    int reaped = 0;
    for (int i = 0; i < 5000 && reaped < 2; i++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        reaped += pid == pids[0] || pid == pids[1];
        if (pid <= 0)
            usleep(1000);
        /* A zygote that ends in order reaps its worker itself. */
        if (pid == pids[0] && kill(pids[1], 0) != 0)
            reaped = 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    assert_int_equal(reaped, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helpers_die_with_their_parent),
        cmocka_unit_test_setup_teardown(a_handle_beyond_the_helpers_waits_and_is_then_refused, two_text_helpers, stop),
        cmocka_unit_test_setup_teardown(a_closed_document_leaves_no_process_behind, two_text_helpers, stop),
        cmocka_unit_test_setup_teardown(a_helper_killed_from_outside_costs_its_page_alone, two_text_helpers, stop),
        cmocka_unit_test_setup_teardown(a_lost_zygote_costs_no_page_at_all, two_text_helpers, stop),
        cmocka_unit_test_setup_teardown(the_ocr_class_comes_when_needed_and_leaves_when_idle, brief_ocr, stop),
        cmocka_unit_test_setup_teardown(many_tasks_share_few_helpers, few_helpers, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
