/* secret.c: texts that are overwritten before their memory is given back. */
#include "base/secret.h"

#include "base/alloc.h"

struct dm_secret_text {
    size_t len;
    char at[];
};

enum dm_code dm_secret_make(struct dm_str text, const char *what, struct dm_secret *ret, struct dm_err *err)
{
    struct dm_secret_text *hidden = NULL;
    if (text.len > DM_SECRET_MAX)
        return dm_fail(err, DM_TOO_LARGE, "%s is over %d bytes", what, DM_SECRET_MAX);
    if (text.len > 0) {
        hidden = dm_alloc(sizeof(*hidden) + text.len);
        if (!hidden)
            return dm_fail_memory(err);
        hidden->len = text.len;
        memcpy(hidden->at, text.at, text.len);
    }
    ret->hidden = hidden;
    return DM_OK;
}

enum dm_code dm_secret_prefixed(struct dm_str prefix, const struct dm_secret *secret, struct dm_secret *ret,
                                struct dm_err *err)
{
    struct dm_str text = dm_secret_reveal(secret);
    if (prefix.len > DM_SECRET_MAX)
        return dm_fail(err, DM_TOO_LARGE, "a secret's prefix is over %d bytes", DM_SECRET_MAX);
    struct dm_secret_text *hidden = dm_alloc(sizeof(*hidden) + prefix.len + text.len);
    if (!hidden)
        return dm_fail_memory(err);
    hidden->len = prefix.len + text.len;
    if (prefix.len)
        memcpy(hidden->at, prefix.at, prefix.len);
    if (text.len)
        memcpy(hidden->at + prefix.len, text.at, text.len);
    ret->hidden = hidden;
    return DM_OK;
}

void dm_secret_free(struct dm_secret *secret)
{
    if (secret->hidden)
        dm_wipe(secret->hidden->at, secret->hidden->len);
    dm_free(secret->hidden);
    secret->hidden = NULL;
}

struct dm_secret dm_secret_move(struct dm_secret *secret)
{
    struct dm_secret moved = *secret;
    secret->hidden = NULL;
    return moved;
}

bool dm_secret_is_set(const struct dm_secret *secret)
{
    return secret->hidden != NULL;
}

struct dm_str dm_secret_reveal(const struct dm_secret *secret)
{
    return secret->hidden ? dm_str_of(secret->hidden->at, secret->hidden->len) : DM_STR("");
}

void dm_wipe(void *bytes, size_t size)
{
    if (size)
        explicit_bzero(bytes, size);
}

void dm_buf_wipe(struct dm_buf *buf)
{
    if (buf->at)
        dm_wipe(buf->at, buf->capacity);
    dm_buf_free(buf);
}
