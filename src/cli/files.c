/* files.c: see files.h. */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/limits.h"

enum { PATH_MAX_BYTES = 8192 };

enum dm_code dm_input_open(const char *path, const char *name, struct dm_input *ret, struct dm_err *err)
{
    struct dm_str whole = dm_str_z(path);
    bool standard = dm_str_eq(whole, DM_STR("-"));
    struct dm_input input = { .fd = STDIN_FILENO, .ours = !standard, .name = whole };
    for (size_t i = whole.len; i > 0 && input.name.len == whole.len; i--)
        if (whole.at[i - 1] == '/' && i < whole.len)
            input.name = dm_str_from(whole, i);
    if (standard)
        input.name = DM_STR("");
    if (name)
        input.name = dm_str_z(name);
    if (!standard)
        input.fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (input.fd < 0 || fstat(input.fd, &status) != 0) {
        enum dm_code rc = dm_fail_errno(err, errno, "cannot read %s", path);
        dm_input_close(&input);
        return rc;
    }
    if (S_ISDIR(status.st_mode)) {
        dm_input_close(&input);
        return dm_fail(err, DM_INVALID, "cannot read %s: it is a folder", path);
    }
    if (S_ISREG(status.st_mode) && status.st_size == 0 && !standard) {
        dm_input_close(&input);
        return dm_fail(err, DM_INVALID, "cannot read %s: it is empty", path);
    }
    input.size_bytes = S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
    *ret = input;
    return DM_OK;
}

void dm_input_close(struct dm_input *input)
{
    if (input->ours && input->fd >= 0)
        (void)close(input->fd);
    input->fd = -1;
}

enum dm_code dm_password_read(const struct dm_call *call, struct dm_arena *arena, struct dm_str *ret,
                              struct dm_err *err)
{
    const char *path = call->options.password_file;
    if (!path) {
        *ret = call->settings.password;
        return DM_OK;
    }
    struct dm_input input = { .fd = -1 };
    enum dm_code rc = dm_input_open(path, NULL, &input, err);
    if (rc != DM_OK)
        return rc;
    char line[DM_PASSWORD_MAX + 2];
    size_t len = 0;
    ssize_t got = 1;
    while (len < sizeof(line) && got > 0) {
        got = read(input.fd, line + len, sizeof(line) - len);
        len += got > 0 ? (size_t)got : 0;
    }
    dm_input_close(&input);
    struct dm_str text = dm_str_of(line, len);
    text = dm_str_cut(text, 0, dm_str_find_char(text, '\n'));
    if (dm_str_ends(text, DM_STR("\r")))
        text = dm_str_cut(text, 0, text.len - 1);
    if (got < 0 || text.len == 0 || text.len > DM_PASSWORD_MAX)
        return dm_fail(err, DM_INVALID, "the first line of %s must be the password, of 1 to %d bytes", path,
                       DM_PASSWORD_MAX);
    *ret = dm_arena_str(arena, text);
    return ret->at ? DM_OK : dm_fail_memory(err);
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

enum dm_code dm_output_open(const char *path, struct dm_output *ret, struct dm_err *err)
{
    struct dm_output output = { .fd = STDOUT_FILENO, .path = path, .draft = dm_buf_make(PATH_MAX_BYTES) };
    if (path) {
        dm_buf_addf(&output.draft, "%s.part%d", path, (int)getpid());
        enum dm_code rc = dm_buf_check(&output.draft, "the path", err);
        if (rc == DM_OK)
            output.fd = open(dm_buf_z(&output.draft), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (rc == DM_OK && output.fd < 0)
            rc = dm_fail_errno(err, errno, "cannot write %s", path);
        if (rc != DM_OK) {
            dm_buf_free(&output.draft);
            return rc;
        }
    }
    *ret = output;
    return DM_OK;
}

enum dm_code dm_output_write(struct dm_output *output, struct dm_str bytes, struct dm_err *err)
{
    if (!dm_put(output->fd, bytes))
        return dm_fail_errno(err, errno, "cannot write %s", output->path ? output->path : "to standard output");
    output->written_bytes += bytes.len;
    return DM_OK;
}

enum dm_code dm_output_finish(struct dm_output *output, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    if (output->path && output->fd >= 0) {
        if (close(output->fd) != 0)
            rc = dm_fail_errno(err, errno, "cannot write %s", output->path);
        output->fd = -1;
        if (rc == DM_OK && rename(dm_buf_z(&output->draft), output->path) != 0)
            rc = dm_fail_errno(err, errno, "cannot write %s", output->path);
        if (rc != DM_OK)
            (void)unlink(dm_buf_z(&output->draft));
    }
    dm_buf_free(&output->draft);
    output->path = NULL;
    return rc;
}

void dm_output_abandon(struct dm_output *output)
{
    if (output->path && output->fd >= 0) {
        (void)close(output->fd);
        (void)unlink(dm_buf_z(&output->draft));
        output->fd = -1;
    }
    output->path = NULL;
    dm_buf_free(&output->draft);
}
