/* buf.c: growing buffers. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

struct dm_buf dm_buf_make(size_t max)
{
    return (struct dm_buf){ .max = max };
}

void dm_buf_free(struct dm_buf *buf)
{
    dm_free(buf->at);
    *buf = dm_buf_make(buf->max);
}

void dm_buf_clear(struct dm_buf *buf)
{
    buf->len = 0;
    buf->failed = buf->starved = false;
    if (buf->at)
        buf->at[0] = '\0';
}

struct dm_buf dm_buf_move(struct dm_buf *buf)
{
    struct dm_buf moved = *buf;
    *buf = dm_buf_make(buf->max);
    return moved;
}

char *dm_buf_reserve(struct dm_buf *buf, size_t size)
{
    if (buf->failed)
        return NULL;
    size_t needed; /* with the NUL */
    if (buf->len > buf->max || size > buf->max - buf->len || __builtin_add_overflow(buf->len + size, 1, &needed)) {
        buf->failed = true;
        return NULL;
    }
    if (needed > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
        if (capacity < needed)
            capacity = needed;
        if (capacity - 1 > buf->max)
            capacity = buf->max + 1;
        char *grown = dm_realloc(buf->at, capacity);
        if (!grown) {
            buf->failed = buf->starved = true;
            return NULL;
        }
        buf->at = grown;
        buf->capacity = capacity;
    }
    return buf->at + buf->len;
}

void dm_buf_grown(struct dm_buf *buf, size_t size)
{
    DM_CHECK(buf->len + size < buf->capacity);
    buf->len += size;
    buf->at[buf->len] = '\0';
}

void dm_buf_add_growing(struct dm_buf *buf, struct dm_str text)
{
    char *room = dm_buf_reserve(buf, text.len);
    if (!room)
        return;
    if (text.len)
        memcpy(room, text.at, text.len);
    dm_buf_grown(buf, text.len);
}

void dm_buf_addf(struct dm_buf *buf, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    DM_CHECK(size >= 0);
    char *room = dm_buf_reserve(buf, (size_t)size);
    if (room) {
        vsnprintf(room, (size_t)size + 1, format, again);
        dm_buf_grown(buf, (size_t)size);
    }
    va_end(again);
    va_end(arguments);
}

void dm_buf_cut(struct dm_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->at[len] = '\0';
}

void dm_buf_drop_front(struct dm_buf *buf, size_t count)
{
    if (count == 0)
        return;
    DM_CHECK(count <= buf->len);
    memmove(buf->at, buf->at + count, buf->len - count);
    dm_buf_cut(buf, buf->len - count);
}

struct dm_str dm_buf_str(const struct dm_buf *buf)
{
    return dm_str_of(dm_buf_z(buf), buf->len);
}

const char *dm_buf_z(const struct dm_buf *buf)
{
    return buf->at ? buf->at : "";
}

enum dm_code dm_buf_check(const struct dm_buf *buf, const char *what, struct dm_err *err)
{
    if (!buf->failed)
        return DM_OK;
    if (buf->starved)
        return dm_fail_memory(err);
    return dm_fail(err, DM_TOO_LARGE, "%s is over %zu bytes", what, buf->max);
}
