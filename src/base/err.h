/* err.h: an error has a code for the machine and a sentence for a person.
 *
 * Fallible functions return `enum dm_code` (which must be looked at) and take `struct dm_err *` last. On
 * failure they leave their `ret_` outputs untouched and fill the error with a sentence that names the object.
 * The sentence never contains a secret or a document's text. NULL as the error is allowed: the code alone is wanted.
 *
 * The codes are one closed list; `api` owns the one table from code to HTTP status. */
#ifndef DM_BASE_ERR_H
#define DM_BASE_ERR_H

#include <stdint.h>

#include "base/attributes.h"

/* Whether the same call can succeed later without anything else being changed. */
enum dm_retry {
    DM_RETRY_NEVER,
    DM_RETRY_ONCE, /* asked for in another way */
    DM_RETRY_LATER,
    DM_RETRY_PATIENTLY /* as LATER, and waiting is all it takes: how often it was tried says nothing */
};

#define DM_CODES(X) /* name, trying again, meaning */                                                                  \
    X(INVALID, DM_RETRY_NEVER, "an argument or input is not acceptable; the sentence says which and why")              \
    X(NOT_FOUND, DM_RETRY_NEVER, "this tenant has no such thing")                                                      \
    X(EXISTS, DM_RETRY_NEVER, "it is there already")                                                                   \
    X(CONFLICT, DM_RETRY_LATER, "someone else changed it first: read again and decide anew")                           \
    X(REFUSED, DM_RETRY_NEVER, "the state of the thing does not allow this")                                           \
    X(GONE, DM_RETRY_NEVER, "it was there and retention took it")                                                      \
    X(ARCHIVED, DM_RETRY_NEVER, "it is in an archive, from which it must be restored first")                           \
    X(DENIED, DM_RETRY_NEVER, "not permitted")                                                                         \
    X(UNSUPPORTED, DM_RETRY_NEVER, "a kind of input that docmill does not read")                                       \
    X(TOO_LARGE, DM_RETRY_NEVER, "over a limit")                                                                       \
    X(NO_SPACE, DM_RETRY_LATER, "the disk is full or below its free-space floor")                                      \
    X(NO_MEMORY, DM_RETRY_LATER, "memory is out")                                                                      \
    X(BUSY, DM_RETRY_LATER, "a bounded queue or pool is full")                                                         \
    X(THROTTLED, DM_RETRY_LATER, "the far side asked us to slow down")                                                 \
    X(TIMEOUT, DM_RETRY_LATER, "the deadline passed")                                                                  \
    X(CANCELLED, DM_RETRY_NEVER, "stopped on request")                                                                 \
    X(UNAVAILABLE, DM_RETRY_LATER, "the far side does not answer; whether it acted is not known")                      \
    X(CORRUPT, DM_RETRY_NEVER, "stored or received bytes are not what they must be")                                   \
    X(ENCRYPTED, DM_RETRY_NEVER, "the document needs a password, or another one")                                      \
    X(DAMAGED, DM_RETRY_NEVER, "the document or page cannot be read")                                                  \
    X(CRASHED, DM_RETRY_NEVER, "the helper died while it read this")                                                   \
    X(IO, DM_RETRY_LATER, "the operating system reported an error")                                                    \
    X(INTERNAL, DM_RETRY_NEVER, "a bug in docmill")

#define DM_CODE_ENUM(name, retry, meaning) DM_##name,
enum dm_code { DM_OK = 0, DM_CODES(DM_CODE_ENUM) DM_CODE_COUNT };
#undef DM_CODE_ENUM

struct dm_err {
    enum dm_code code;
    int64_t retry_after_ms; /* 0: not said */
    char text[256];         /* fixed, because reporting a failure must not be able to fail; cut where longer */
};

/* Fills the error and returns the code, so that a function can `return dm_fail(err, DM_NOT_FOUND, "…")`. */
enum dm_code dm_fail(struct dm_err *err, enum dm_code code, const char *format, ...) DM_PRINTF(3, 4);
/* As dm_fail, for DM_IO with the text of `errno_value` appended; ENOSPC, EDQUOT and EFBIG become DM_NO_SPACE,
 * ENOMEM becomes DM_NO_MEMORY. */
enum dm_code dm_fail_errno(struct dm_err *err, int errno_value, const char *format, ...) DM_PRINTF(3, 4);
/* dm_fail(err, DM_NO_MEMORY, …) in one word. */
enum dm_code dm_fail_memory(struct dm_err *err);

const char *dm_code_name(enum dm_code code); /* "NOT_FOUND"; "OK" for DM_OK */
const char *dm_code_meaning(enum dm_code code);
enum dm_retry dm_code_retry(enum dm_code code);

#endif
