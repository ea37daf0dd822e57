/* err.c: filling errors, and the names of the codes. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct {
    const char *name;
    enum dm_retry retry;
    const char *meaning;
} codes[DM_CODE_COUNT] = { [DM_OK] = { "OK", DM_RETRY_NEVER, "done" },
#define DM_CODE_ROW(name, retry, meaning) [DM_##name] = { #name, retry, meaning },
                           DM_CODES(DM_CODE_ROW)
#undef DM_CODE_ROW
};

/* A sentence that was cut ends with a whole character: what is left of one would not be text. */
static void drop_half_character(char *text)
{
    size_t len = strlen(text);
    size_t more = 0; /* continuation bytes at the end */
    while (more < 3 && more < len && ((unsigned char)text[len - 1 - more] & 0xc0) == 0x80)
        more++;
    if (more == len)
        return;
    unsigned char lead = (unsigned char)text[len - 1 - more];
    size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (more < wanted)
        text[len - 1 - more] = '\0';
}

static void fill(struct dm_err *err, enum dm_code code, const char *format, va_list arguments)
{
    DM_CHECK(code > DM_OK && code < DM_CODE_COUNT);
    if (!err)
        return;
    /* Formatted aside first: an argument may point into the error being overwritten ("…: %s", err->text). */
    char text[sizeof(err->text)];
    if (vsnprintf(text, sizeof(text), format, arguments) >= (int)sizeof(text))
        drop_half_character(text);
    *err = (struct dm_err){ .code = code };
    memcpy(err->text, text, sizeof(text));
}

enum dm_code dm_fail(struct dm_err *err, enum dm_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, code, format, arguments);
    va_end(arguments);
    return code;
}

enum dm_code dm_fail_errno(struct dm_err *err, int errno_value, const char *format, ...)
{
    enum dm_code code = DM_IO;
    if (errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG)
        code = DM_NO_SPACE;
    else if (errno_value == ENOMEM)
        code = DM_NO_MEMORY;
    va_list arguments;
    va_start(arguments, format);
    fill(err, code, format, arguments);
    va_end(arguments);
    if (err) {
        size_t used = strlen(err->text);
        const char *why = strerrordesc_np(errno_value);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", why ? why : "unknown error");
    }
    return code;
}

enum dm_code dm_fail_memory(struct dm_err *err)
{
    return dm_fail(err, DM_NO_MEMORY, "out of memory");
}

const char *dm_code_name(enum dm_code code)
{
    DM_CHECK(code >= DM_OK && code < DM_CODE_COUNT);
    return codes[code].name;
}

const char *dm_code_meaning(enum dm_code code)
{
    DM_CHECK(code >= DM_OK && code < DM_CODE_COUNT);
    return codes[code].meaning;
}

enum dm_retry dm_code_retry(enum dm_code code)
{
    DM_CHECK(code >= DM_OK && code < DM_CODE_COUNT);
    return codes[code].retry;
}
