/* rig.c: starting, asking, and looking for what was left behind. */
#include "rig.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct dm_tenant tenant = { .id = "tests" };

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Children that live or were not waited for. Grandchildren, the workers, are their zygote's. */
int rig_count_children(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    if (!list)
        return waitpid(-1, NULL, WNOHANG | WNOWAIT) == -1 ? 0 : 1;
    int count = 0;
    int pid;
    while (fscanf(list, "%d", &pid) == 1)
        count++;
    fclose(list);
    return count;
}

int rig_children_of(pid_t parent, pid_t *ret, int max)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *list = fopen(path, "re");
    int count = 0;
    int pid;
    while (list && count < max && fscanf(list, "%d", &pid) == 1)
        ret[count++] = pid;
    if (list)
        fclose(list);
    return count;
}

bool rig_wait_until_childless(pid_t parent)
{
    pid_t pids[16];
    for (int i = 0; i < 2000; i++) {
        if (rig_children_of(parent, pids, 16) == 0)
            return true;
        usleep(1000);
    }
    return false;
}

static void count_replaced(void *self, enum dm_log_level level, enum dm_log_event event,
                           const struct dm_log_field *fields)
{
    struct rig *rig = self;
    if (event == DM_EV_HELPER_REPLACED)
        __atomic_add_fetch(&rig->replaced, 1, __ATOMIC_RELAXED);
}

struct dm_reader_options rig_options(void)
{
    struct dm_reader_options options = dm_reader_defaults();
    options.helper_path = DM_TEST_HELPER;
    return options;
}

void rig_start(struct rig *rig, const struct dm_reader_options *options)
{
    *rig = (struct rig){ .runtime = dm_threads_runtime(), .descriptors = count_descriptors() };
    dm_log_setup(DM_LOG_DEBUG, count_replaced, rig);
    if (dm_reader_start(options, rig->runtime, &rig->reader, &rig->err) != DM_OK)
        fail_msg("%s", rig->err.text);
}

void rig_stop(struct rig *rig)
{
    dm_reader_stop(rig->reader);
    dm_log_setup(DM_LOG_INFO, NULL, NULL);
    assert_int_equal(rig_count_children(), 0);
    assert_int_equal(count_descriptors(), rig->descriptors);
}

struct dm_reader_handle *rig_open(struct rig *rig, int fd, enum dm_media media, uint32_t *ret_pages)
{
    struct dm_source source = { .fd = fd, .media = media };
    struct dm_reader_handle *handle = NULL;
    if (dm_reader_open(rig->reader, &tenant, &source, &handle, ret_pages, &rig->err) != DM_OK)
        fail_msg("%s", rig->err.text);
    return handle;
}

enum dm_code rig_try_open(struct rig *rig, int fd, enum dm_media media, const char *password)
{
    struct dm_source source = { .fd = fd, .media = media, .password = dm_str_z(password) };
    struct dm_reader_handle *handle = NULL;
    uint32_t pages = 0;
    enum dm_code rc = dm_reader_open(rig->reader, &tenant, &source, &handle, &pages, &rig->err);
    if (rc == DM_OK)
        dm_reader_close(rig->reader, handle);
    return rc;
}

enum dm_code rig_text(struct rig *rig, struct dm_reader_handle *handle, uint32_t page, struct dm_buf *text)
{
    struct dm_page_want want = { .text = true, .ocr = DM_OCR_NEVER };
    struct dm_page_content content = { 0 };
    enum dm_code rc = dm_reader_page(rig->reader, handle, page, &want, &content, &rig->err);
    if (rc == DM_OK)
        *text = dm_buf_move(&content.text);
    dm_page_content_free(&content);
    return rc;
}

void rig_expect(struct rig *rig, struct dm_reader_handle *handle, uint32_t page, const char *text)
{
    DM_AUTO(dm_buf) got = dm_buf_make(0);
    if (rig_text(rig, handle, page, &got) != DM_OK)
        fail_msg("page %u: %s", (unsigned)page, rig->err.text);
    assert_string_equal(dm_buf_z(&got), text);
}
