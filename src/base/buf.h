/* buf.h: building text, with a ceiling.
 *
 * A buffer is told its largest size when it is made and never grows past it. The first append that does not
 * fit, or for which memory is out, changes nothing and sets `failed`; every later one does nothing. So a chain of
 * appends is checked once, at its end. */
#ifndef DM_BASE_BUF_H
#define DM_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct dm_buf {
    char *at; /* ends with a NUL that is not counted; NULL while nothing was added */
    size_t len;
    size_t capacity;
    size_t max;
    bool failed;
    bool starved; /* it failed for want of memory, not at its ceiling */
};

struct dm_buf dm_buf_make(size_t max);         /* allocates nothing yet */
void dm_buf_free(struct dm_buf *buf);          /* leaves it empty and usable */
void dm_buf_clear(struct dm_buf *buf);         /* empties it and forgets a failure; keeps the memory */
struct dm_buf dm_buf_move(struct dm_buf *buf); /* hands the content over; *buf is empty afterwards */

void dm_buf_add_growing(struct dm_buf *buf, struct dm_str text); /* for dm_buf_add alone */

/* Inline, because an answer is a hundred of these, and a literal's length is known where it is added. */
static inline void dm_buf_add(struct dm_buf *buf, struct dm_str text)
{
    if (buf->failed || text.len >= buf->capacity - buf->len) {
        dm_buf_add_growing(buf, text);
        return;
    }
    if (text.len)
        memcpy(buf->at + buf->len, text.at, text.len);
    buf->len += text.len;
    buf->at[buf->len] = '\0';
}

static inline void dm_buf_add_z(struct dm_buf *buf, const char *text)
{
    dm_buf_add(buf, dm_str_z(text));
}

static inline void dm_buf_add_char(struct dm_buf *buf, char c)
{
    dm_buf_add(buf, dm_str_of(&c, 1));
}

void dm_buf_addf(struct dm_buf *buf, const char *format, ...) DM_PRINTF(2, 3);
void dm_buf_cut(struct dm_buf *buf, size_t len);          /* forgets what stands after `len` */
void dm_buf_drop_front(struct dm_buf *buf, size_t count); /* moves the rest to the start */
/* Room for `size` more bytes to be written at the returned place and then counted by dm_buf_grown; NULL: failed. */
char *dm_buf_reserve(struct dm_buf *buf, size_t size);
void dm_buf_grown(struct dm_buf *buf, size_t size);

struct dm_str dm_buf_str(const struct dm_buf *buf); /* valid until the next change */
const char *dm_buf_z(const struct dm_buf *buf);     /* never NULL */
/* DM_OK; DM_TOO_LARGE with `what` and the ceiling in the sentence; DM_NO_MEMORY. */
DM_MUST_USE enum dm_code dm_buf_check(const struct dm_buf *buf, const char *what, struct dm_err *err);

#endif
