/* source.c: small files are read at once, long ones through a window.
 *
 * MuPDF jumps about in a file. In memory a jump costs nothing; for a long file the window is large enough
 * that a page's objects, which mostly lie together, need few reads. */
#include "source.h"

#include <errno.h>
#include <unistd.h>

enum { WHOLE_MAX = 8 << 20, WINDOW = 64 << 10 };

struct source {
    int fd;
    int64_t size;
    unsigned char window[WINDOW];
};

/* Reads until `want` bytes are there or the file ends; -1 on an error. */
static ssize_t read_at(int fd, unsigned char *to, size_t want, int64_t at)
{
    size_t have = 0;
    while (have < want) {
        ssize_t got = pread(fd, to + have, want - have, (off_t)at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

/* MuPDF's contract: refill, return the first byte or EOF. `pos` is where the window's end stands in the
 * file. */
static int next(fz_context *ctx, fz_stream *stream, size_t wanted)
{
    struct source *source = stream->state;
    ssize_t got = read_at(source->fd, source->window, WINDOW, stream->pos);
    if (got < 0)
        fz_throw(ctx, FZ_ERROR_GENERIC, "cannot read the document");
    stream->rp = source->window;
    stream->wp = source->window + got;
    stream->pos += got;
    return got == 0 ? EOF : *stream->rp++;
}

static void seek(fz_context *ctx, fz_stream *stream, int64_t offset, int whence)
{
    struct source *source = stream->state;
    int64_t to = whence == SEEK_END ? source->size + offset : whence == SEEK_SET ? offset : stream->pos + offset;
    if (to < 0)
        to = 0;
    if (to > source->size)
        to = source->size;
    int64_t window_at = stream->pos - (stream->wp - source->window);
    if (stream->wp && to >= window_at && to <= stream->pos) {
        stream->rp = source->window + (to - window_at);
        return;
    }
    stream->rp = stream->wp = source->window;
    stream->pos = to;
}

static void drop(fz_context *ctx, void *state)
{
    fz_free(ctx, state);
}

static fz_stream *whole(fz_context *ctx, int fd, size_t size)
{
    fz_buffer *bytes = fz_new_buffer(ctx, size + 1);
    fz_stream *stream = NULL;
    fz_try(ctx)
    {
        ssize_t got = read_at(fd, bytes->data, size, 0);
        if (got < 0)
            fz_throw(ctx, FZ_ERROR_GENERIC, "cannot read the document");
        bytes->len = (size_t)got;
        stream = fz_open_buffer(ctx, bytes);
    }
    fz_always(ctx) fz_drop_buffer(ctx, bytes);
    fz_catch(ctx) fz_rethrow(ctx);
    return stream;
}

fz_stream *source_stream(fz_context *ctx, int fd, uint64_t size)
{
    if (size <= WHOLE_MAX)
        return whole(ctx, fd, (size_t)size);
    struct source *source = fz_calloc(ctx, 1, sizeof(*source));
    source->fd = fd;
    source->size = (int64_t)size;
    fz_stream *stream = fz_new_stream(ctx, source, next, drop);
    stream->seek = seek;
    return stream;
}
