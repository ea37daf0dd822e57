/* plain.c: plain text as pages. Byte 1: what stands before the text: as many filler lines as its last five bits
 * say, and from 0xf0 on so many as nearly fill the window through which a file is read. The rest is the text. */
#include "plain.h"

#include <unistd.h>

#include "fuzz.h"

enum { ROOM = 2 << 20, WINDOW = 256 << 10 };

/* What a page must keep of the text: all but white space and control characters. */
static bool is_kept(unsigned char c)
{
    return c > ' ' && c != 0x7f;
}

static void add_kept(struct dm_buf *buf, struct dm_str text)
{
    size_t run = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && is_kept((unsigned char)text.at[i]))
            continue;
        dm_buf_add(buf, dm_str_cut(text, run, i - run));
        run = i + 1;
    }
}

/* Lines of 64 bytes; the last one is cut so that the text begins up to 15 bytes before the window's end. */
static void add_filler(struct dm_buf *bytes, unsigned choice)
{
    static const struct dm_str line = DM_STR_INIT("The quick brown fox jumps over the lazy dog, again and again...\n");
    size_t size = choice < 0xf0 ? (choice & 31U) * line.len : WINDOW - (choice & 15U);
    while (bytes->len < size)
        dm_buf_add(bytes, dm_str_cut(line, 0, size - bytes->len));
}

struct laid_out {
    struct dm_str text;
    struct dm_buf kept;
    unsigned rows;
    size_t at;
};

static void on_row(void *self, const struct plain_row *row)
{
    struct laid_out *out = self;
    EXPECT(row->number == out->rows++);
    EXPECT(row->columns <= PLAIN_COLUMNS);
    EXPECT(row->at >= out->at && row->at + row->text.len <= out->text.len);
    EXPECT(dm_str_eq(row->text, dm_str_cut(out->text, row->at, row->text.len)));
    EXPECT(dm_str_is_utf8(row->text));
    out->at = row->at + row->text.len;
    add_kept(&out->kept, row->text);
}

static void check_rows(struct dm_str text)
{
    struct laid_out out = { .text = text, .kept = dm_buf_make(ROOM) };
    DM_AUTO(dm_buf) kept = dm_buf_make(ROOM);
    EXPECT(plain_rows(text, on_row, &out) == out.rows);
    add_kept(&kept, text);
    EXPECT(dm_str_eq(dm_buf_str(&kept), dm_buf_str(&out.kept)));
    dm_buf_free(&out.kept);
}

static void check_pages(struct plain *plain, uint32_t pages, struct dm_buf *ret_kept)
{
    struct dm_err err;
    for (uint32_t page = 0; page < pages; page++) {
        DM_AUTO(dm_buf) text = dm_buf_make(ROOM);
        EXPECT(plain_text(plain, page, &text, &err) == DM_OK);
        struct dm_str all = dm_buf_str(&text);
        EXPECT(dm_str_is_utf8(all) && dm_str_find_char(all, '\0') == all.len);
        EXPECT(all.len <= 2 * PLAIN_PAGE_BYTES_MAX);
        for (size_t i = 0; i < all.len; i++)
            EXPECT((unsigned char)all.at[i] >= ' ' || all.at[i] == '\n' || all.at[i] == '\t');
        if (page < 2 || page + 2 >= pages)
            check_rows(all);
        add_kept(ret_kept, all);
    }
    DM_AUTO(dm_buf) none = dm_buf_make(ROOM);
    EXPECT(plain_text(plain, pages, &none, &err) == DM_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    DM_AUTO(dm_buf) bytes = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) kept = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) wanted = dm_buf_make(ROOM);
    add_filler(&bytes, input_u8(&input));
    dm_buf_add(&bytes, input_rest(&input));
    struct dm_str all = dm_buf_str(&bytes);
    int fd = fuzz_file(all);
    struct plain *plain = NULL;
    uint32_t pages = 0;
    struct dm_err err;
    enum dm_code rc = plain_open(fd, all.len, &plain, &pages, &err);
    if (rc == DM_OK) {
        EXPECT(pages > 0 && pages <= PLAIN_PAGES_MAX);
        check_pages(plain, pages, &kept);
        /* Nothing is lost and nothing comes twice. */
        add_kept(&wanted, dm_str_from(all, dm_str_starts(all, DM_STR("\xef\xbb\xbf")) ? 3 : 0));
        if (dm_str_is_utf8(all))
            EXPECT(dm_str_eq(dm_buf_str(&kept), dm_buf_str(&wanted)));
    } else {
        EXPECT(plain == NULL && (rc == DM_UNSUPPORTED || rc == DM_NOT_FOUND || rc == DM_TOO_LARGE));
        if (rc == DM_UNSUPPORTED)
            EXPECT(dm_str_find_char(all, '\0') < all.len);
    }
    plain_free(plain);
    close(fd);
    input_free(&input);
    return 0;
}
