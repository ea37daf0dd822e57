/* secret.h: a text that must neither be printed nor left behind: keys, tokens, signatures' keys.
 *
 * A secret is no slice and no C string, so handing one to a format, a log field or a buffer does not compile. Its text comes
 * out by one call, whose name is easy to search for. Its memory is overwritten before it is given back; so is that
 * of what was built from it, where dm_wipe or dm_buf_wipe is used for that. */
#ifndef DM_BASE_SECRET_H
#define DM_BASE_SECRET_H

#include "base/buf.h"

struct dm_secret_text;

/* Starts as { 0 }, which is the empty secret. Owned: copying the struct lends it. */
struct dm_secret {
    struct dm_secret_text *hidden;
};

enum { DM_SECRET_MAX = 16 * 1024 }; /* bytes; session tokens of cloud providers have some thousands */

/* Copies; an empty text gives the empty secret. DM_TOO_LARGE (with `what`, as in "the setting X"), DM_NO_MEMORY. */
DM_MUST_USE enum dm_code dm_secret_make(struct dm_str text, const char *what, struct dm_secret *ret,
                                        struct dm_err *err);
/* `prefix` and the text of another secret ("Bearer " and a key) as one. */
DM_MUST_USE enum dm_code dm_secret_prefixed(struct dm_str prefix, const struct dm_secret *secret, struct dm_secret *ret,
                                            struct dm_err *err);
void dm_secret_free(struct dm_secret *secret); /* overwrites it; leaves it empty */
struct dm_secret dm_secret_move(struct dm_secret *secret);
bool dm_secret_is_set(const struct dm_secret *secret);
/* The text itself, valid as long as the secret: for the one place that sends or hashes it. */
struct dm_str dm_secret_reveal(const struct dm_secret *secret);

void dm_wipe(void *bytes, size_t size); /* overwrites; the compiler does not leave it out */
/* Overwrites what the buffer holds and frees it. What growing left elsewhere is not reached: make room for a secret with
 * dm_buf_reserve before the first byte is added. */
void dm_buf_wipe(struct dm_buf *buf);

#endif
