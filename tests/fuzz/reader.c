/* reader.c: a document helper that lies: what docmill's side lets through must be what it promises.
 *
 * Byte 1: what is asked, as bits. The rest is what the helper says (talk.h), all at once and before it is asked. */
#include "reader/conversation.h"

#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "embedded/embedded.h"
#include "talk.h"

enum { SAID_MAX = 128 << 10, WANT_LINES = 1, WANT_IMAGE = 2, WANT_PNG = 4, SKIP_TEXT = 8, WANT_PDF = 16 };

static int64_t soon(void)
{
    return dm_mono_ms(dm_threads_runtime()) + 1000;
}

static void check_content(const struct dm_page_content *content)
{
    struct dm_str text = dm_buf_str(&content->text);
    uint32_t from = 0;
    EXPECT(dm_str_is_utf8(text) && dm_str_find_char(text, '\0') == text.len);
    for (uint32_t i = 0; i < content->line_count; i++) {
        const struct dm_line *line = &content->lines[i];
        EXPECT(line->at >= from && line->at <= text.len && line->len <= text.len - line->at);
        EXPECT(dm_str_is_utf8(dm_str_cut(text, line->at, line->len)));
        EXPECT(isfinite(line->x0) && isfinite(line->y0) && line->x0 <= line->x1 && line->y0 <= line->y1);
        from = line->at + line->len;
    }
}

static bool ask_page(struct dm_helper *worker, unsigned wants)
{
    struct dm_page_want want = { .text = !(wants & SKIP_TEXT),
                                 .lines = wants & WANT_LINES,
                                 .image_long_edge = wants & WANT_IMAGE ? 100 : 0,
                                 .image_media = wants & WANT_PNG ? DM_MEDIA_PNG : DM_MEDIA_JPEG,
                                 .pdf = wants & WANT_PDF };
    struct dm_page_content content = { 0 };
    enum dm_code code = DM_OK;
    enum dm_talk talk = dm_ask_page(worker, 1, &want, soon(), &code, &content);
    EXPECT(talk != DM_TALK_LATE);
    if (talk == DM_TALK_OK && code == DM_OK) {
        check_content(&content);
        EXPECT(content.width > 0 && isfinite(content.width) && content.height > 0 && isfinite(content.height));
        EXPECT((content.image.len > 0) == (want.image_long_edge > 0));
        EXPECT(want.text || content.text.len == 0);
        EXPECT(want.pdf || content.pdf.len == 0);
        EXPECT(content.pdf.len == 0 || dm_str_starts(dm_buf_str(&content.pdf), DM_STR("%PDF-")));
    }
    dm_page_content_free(&content);
    return talk == DM_TALK_OK;
}

/* The other class of helper reads what the first one rendered. */
static bool ask_scan(struct dm_helper *worker, unsigned wants)
{
    struct dm_scan scan;
    struct dm_page_content content = { 0 };
    enum dm_code code = DM_OK;
    enum dm_talk talk = dm_ask_scan(worker, 1, soon(), &code, &scan);
    if (talk != DM_TALK_OK || code != DM_OK)
        return talk == DM_TALK_OK;
    EXPECT(scan.payload.len >= DM_FRAME_PIXELS_HEAD && scan.payload.len <= dm_frame_max(DM_FRAME_PIXELS));
    if (scan.blank)
        return true;
    struct input own = { 0 };
    scan.payload = input_copy(&own, scan.payload); /* asking again ends its life */
    talk = dm_ask_recognise(worker, &scan, wants & WANT_LINES, soon(), &code, &content);
    if (talk == DM_TALK_OK && code == DM_OK)
        check_content(&content);
    dm_page_content_free(&content);
    input_free(&own);
    return talk == DM_TALK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    unsigned wants = input_u8(&input);
    DM_AUTO(dm_buf) said = dm_buf_make(SAID_MAX);
    struct dm_helper worker = { .alive = true };
    struct dm_err err;
    int far = -1;
    talk_write(&input, &said);
    EXPECT(dm_channel_open(&worker.channel, dm_threads_runtime(), &far, &err) == DM_OK);
    /* What the socket has no room for is not said. */
    (void)!send(far, dm_buf_z(&said), said.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(far, SHUT_WR);
    struct dm_source source = { .fd = -1, .media = DM_MEDIA_PDF, .password = DM_STR("secret") };
    enum dm_code code = DM_OK;
    uint32_t pages = 0;
    enum dm_talk talk = dm_ask_open(&worker, &source, 1000, soon(), &code, &pages);
    EXPECT(talk != DM_TALK_LATE);
    if (talk == DM_TALK_OK && code == DM_OK)
        EXPECT(pages >= 1 && pages <= INT32_MAX);
    bool goes_on = talk == DM_TALK_OK && code == DM_OK && ask_page(&worker, wants);
    goes_on = goes_on && ask_scan(&worker, wants);
    if (goes_on) {
        struct dm_asked asked = { .ask = DM_ASK_END };
        (void)dm_channel_drain(&worker.channel, &asked);
    }
    dm_channel_close(&worker.channel);
    close(far);
    input_free(&input);
    return 0;
}
