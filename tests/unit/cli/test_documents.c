/* test_documents.c: what is written from the tables is what lies in the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/help.h"

enum { ROOM = 1024 * 1024 };

/* DM_SOURCE_DIR is the top of the repository; the build passes it. */
static void assert_current(const char *name, void (*write_it)(struct dm_buf *), const char *with)
{
    DM_AUTO(dm_buf) made = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) kept = dm_buf_make(ROOM);
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", DM_SOURCE_DIR, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got = 1; fd >= 0 && got > 0;) {
        char *at = dm_buf_reserve(&kept, 65536);
        got = at ? read(fd, at, 65536) : 0;
        dm_buf_grown(&kept, got > 0 ? (size_t)got : 0);
    }
    (void)close(fd);
    write_it(&made);
    assert_false(made.failed);
    if (!dm_str_eq(dm_buf_str(&made), dm_buf_str(&kept)))
        fail_msg("%s is not current: build/docmill %s > %s", name, with, name);
}

static void the_reference_of_settings_is_current(void **state)
{
    (void)state;
    assert_current("docs/settings.md", dm_settings_markdown, "settings --markdown");
}

static void the_manual_page_is_current(void **state)
{
    (void)state;
    assert_current("docs/docmill.1", dm_help_man, "help --man");
}

static void the_completion_for_bash_is_current(void **state)
{
    (void)state;
    assert_current("completions/docmill.bash", dm_help_bash, "completion bash");
}

static void the_completion_for_zsh_is_current(void **state)
{
    (void)state;
    assert_current("completions/docmill.zsh", dm_help_zsh, "completion zsh");
}

/* ---- files that a person names ----------------------------------------------------------------------------------- */

static void a_file_appears_only_when_it_is_complete(void **state)
{
    (void)state;
    char path[64];
    struct dm_err err;
    struct dm_output output;
    (void)snprintf(path, sizeof(path), "/tmp/docmill-test-out-%d", (int)getpid());
    assert_int_equal(dm_output_open(path, &output, &err), DM_OK);
    assert_int_equal(dm_output_write(&output, DM_STR("half"), &err), DM_OK);
    assert_int_equal(access(path, F_OK), -1);
    dm_output_abandon(&output);
    assert_int_equal(access(path, F_OK), -1);

    assert_int_equal(dm_output_open(path, &output, &err), DM_OK);
    assert_int_equal(dm_output_write(&output, DM_STR("whole"), &err), DM_OK);
    assert_int_equal(dm_output_finish(&output, &err), DM_OK);
    dm_output_abandon(&output);
    assert_int_equal(access(path, F_OK), 0);
    (void)unlink(path);
}

static void an_output_nowhere_names_its_path(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_output output;
    assert_int_equal(dm_output_open("/nonexistent/x.json", &output, &err), DM_IO);
    assert_non_null(strstr(err.text, "/nonexistent/x.json"));
}

static void an_input_has_its_bare_name_and_size(void **state)
{
    (void)state;
    struct dm_err err;
    struct dm_input input;
    assert_int_equal(dm_input_open(DM_SOURCE_DIR "/docs/docmill.1", NULL, &input, &err), DM_OK);
    assert_true(dm_str_eq(input.name, DM_STR("docmill.1")));
    assert_true(input.size_bytes > 1000);
    dm_input_close(&input);
    assert_int_equal(dm_input_open("/tmp", NULL, &input, &err), DM_INVALID);
    assert_non_null(strstr(err.text, "folder"));
    assert_int_equal(dm_input_open("/nonexistent/a.pdf", NULL, &input, &err), DM_IO);
    assert_non_null(strstr(err.text, "/nonexistent/a.pdf"));
    assert_int_equal(dm_input_open(DM_SOURCE_DIR "/docs/docmill.1", "other", &input, &err), DM_OK);
    assert_true(dm_str_eq(input.name, DM_STR("other")));
    dm_input_close(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_of_settings_is_current),    cmocka_unit_test(the_manual_page_is_current),
        cmocka_unit_test(the_completion_for_bash_is_current),      cmocka_unit_test(the_completion_for_zsh_is_current),
        cmocka_unit_test(a_file_appears_only_when_it_is_complete), cmocka_unit_test(an_output_nowhere_names_its_path),
        cmocka_unit_test(an_input_has_its_bare_name_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
