/* str.h: text as a borrowed slice.
 *
 * A dm_str is passed by value, owns nothing, may hold NUL bytes and need not end with one. Whoever made the
 * bytes says how long they live. C strings exist only at the edges to libraries that want them. */
#ifndef DM_BASE_STR_H
#define DM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"

struct dm_str {
    const char *at; /* may be NULL only where len is 0 */
    size_t len;
};

#define DM_STR(literal) ((struct dm_str){ "" literal, sizeof(literal) - 1 })
/* The same for static initialisers. */
#define DM_STR_INIT(literal)                                                                                           \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
/* For "%.*s" of printf. */
#define DM_STR_ARG(str) (int)(str).len, (str).at ? (str).at : ""

/* What is called for every field of every answer stands here, so that the compiler sees through it. */

static inline struct dm_str dm_str_of(const void *at, size_t len)
{
    return (struct dm_str){ (const char *)at, len };
}

/* NULL becomes the empty slice. */
static inline struct dm_str dm_str_z(const char *text)
{
    return dm_str_of(text, text ? strlen(text) : 0);
}

/* What follows `start`; empty past the end. */
static inline struct dm_str dm_str_from(struct dm_str s, size_t start)
{
    return start >= s.len ? dm_str_of("", 0) : dm_str_of(s.at + start, s.len - start);
}

/* Clipped to s. */
static inline struct dm_str dm_str_cut(struct dm_str s, size_t start, size_t count)
{
    s = dm_str_from(s, start);
    return dm_str_of(s.at, count < s.len ? count : s.len);
}

static inline bool dm_str_eq(struct dm_str a, struct dm_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

struct dm_str dm_str_trim(struct dm_str s); /* without ASCII white space at both ends */

bool dm_str_eq_nocase(struct dm_str a, struct dm_str b); /* ASCII case only */
/* Takes the same time wherever the two differ: for secrets and signatures of a known length. */
bool dm_str_eq_secret(struct dm_str a, struct dm_str b);
int dm_str_compare(struct dm_str a, struct dm_str b); /* by bytes, shorter first */
bool dm_str_starts(struct dm_str s, struct dm_str prefix);
bool dm_str_ends(struct dm_str s, struct dm_str suffix);
/* Position of the first `c`, or s.len. */
size_t dm_str_find_char(struct dm_str s, char c);
/* Position of the first `needle`, or s.len. An empty needle is found at 0. */
size_t dm_str_find(struct dm_str s, struct dm_str needle);
/* Takes what stands before the first `separator` off `*rest`; false once `*rest` is used up. "a,,b" gives "a", "", "b".
 */
bool dm_str_next(struct dm_str *rest, char separator, struct dm_str *ret_part);

/* Decimal digits only, the whole slice, no sign; false on anything else or on overflow. */
bool dm_str_to_u64(struct dm_str s, uint64_t *ret_value);
/* As above with an optional leading '-'. */
bool dm_str_to_i64(struct dm_str s, int64_t *ret_value);
bool dm_str_is_utf8(struct dm_str s); /* strict: no overlong forms, surrogates or values past U+10FFFF */

/* A copy that ends with NUL, to be given back with dm_free; NULL when memory is out. */
DM_MUST_USE char *dm_str_dup_z(struct dm_str s);

#endif
