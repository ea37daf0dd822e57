/* test_worker.c: a text worker's side of the conversation, without sandbox and in this process, so that a
 * leak checker sees it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel.h"
#include "worker.h"

static struct engine engine;

static unsigned drawn;

failure __real_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank);
failure __wrap_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank);
failure __wrap_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank)
{
    drawn++;
    return __real_document_scan(document, page, ret, ret_blank);
}

failure __real_document_render(struct document *document, uint32_t page, uint32_t long_edge, bool grey,
                               struct picture *ret);
failure __wrap_document_render(struct document *document, uint32_t page, uint32_t long_edge, bool grey,
                               struct picture *ret);
failure __wrap_document_render(struct document *document, uint32_t page, uint32_t long_edge, bool grey,
                               struct picture *ret)
{
    drawn++;
    return __real_document_render(document, page, long_edge, grey, ret);
}

struct conversation {
    int ends[2];
    pthread_t thread;
    int status;
    struct channel channel;
    uint32_t number;
};

static void *serve(void *argument)
{
    struct conversation *talk = argument;
    struct worker_setting setting = { .engine = &engine, .memory_bytes = 64 << 20, .cpu_seconds = 3600 };
    talk->status = worker_serve(&setting, talk->ends[1]);
    return NULL;
}

static void begin(struct conversation *talk)
{
    *talk = (struct conversation){ 0 };
    assert_true(engine_start(&engine, 64 << 20));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk->ends), 0);
    assert_int_equal(pthread_create(&talk->thread, NULL, serve, talk), 0);
    talk->channel = channel_make(talk->ends[0]);
}

static int end(struct conversation *talk)
{
    shutdown(talk->ends[0], SHUT_WR);
    pthread_join(talk->thread, NULL);
    channel_free(&talk->channel);
    close(talk->ends[0]);
    close(talk->ends[1]);
    engine_stop(&engine);
    return talk->status;
}

/* Sends a request whose payload stands after its head already; a descriptor goes along unless it is -1. */
static void ask(struct conversation *talk, enum dm_frame_kind kind, struct dm_str payload, int fd)
{
    unsigned char head[DM_FRAME_HEAD];
    dm_frame_head_write((struct dm_frame_head){ kind, ++talk->number, (uint32_t)payload.len }, head);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec pieces[] = { { head, sizeof(head) }, { (void *)(uintptr_t)payload.at, payload.len } };
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(part), &fd, sizeof(int));
    }
    assert_int_equal(sendmsg(talk->ends[0], &message, MSG_NOSIGNAL), sizeof(head) + payload.len);
}

static void ask_open(struct conversation *talk, const char *media, size_t size, int fd)
{
    DM_AUTO(dm_buf) payload = dm_buf_make(64);
    dm_buf_add(&payload, dm_str_of(media, 1));
    dm_frame_add_u64(&payload, size);
    ask(talk, DM_FRAME_OPEN, dm_buf_str(&payload), fd);
}

static struct dm_str expect(struct conversation *talk, enum dm_frame_kind kind)
{
    struct dm_frame_head head;
    struct dm_str payload;
    assert_true(channel_next(&talk->channel, &head, &payload));
    assert_string_equal(dm_frame_name(head.kind), dm_frame_name(kind));
    assert_int_equal(head.number, talk->number);
    return payload;
}

/* A page of 144 by 72 points whose left half is black, without text. */
static const char drawing[] = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                              "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
                              "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 144 72]/Contents 4 0 R>>endobj\n"
                              "4 0 obj<</Length 14>>stream\n0 0 72 72 re f\nendstream endobj\n"
                              "trailer<</Root 1 0 R>>";

static void open_drawing(struct conversation *talk)
{
    int fd = memfd_create("drawing", MFD_CLOEXEC);
    assert_int_equal(write(fd, drawing, sizeof(drawing) - 1), sizeof(drawing) - 1);
    ask_open(talk, "\1", sizeof(drawing) - 1, fd);
    close(fd);
    expect(talk, DM_FRAME_OPENED);
}

static void open_text(struct conversation *talk, const char *text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    ask_open(talk, "\6", strlen(text), fd);
    close(fd);
    struct dm_str payload = expect(talk, DM_FRAME_OPENED);
    assert_memory_equal(payload.at, "\2\0\0\0", 4);
}

static void a_document_is_opened_and_its_pages_answered(void **state)
{
    struct conversation talk;
    begin(&talk);
    open_text(&talk, "one\ftwo");
    ask(&talk, DM_FRAME_PAGE, DM_STR("\2\0\0\0\3\2\x40\0\0\0"), -1); /* page 2, text and lines, PNG of 64 */
    struct dm_str text = expect(&talk, DM_FRAME_TEXT);
    assert_memory_equal(text.at, "two\n", 4);
    assert_int_equal(expect(&talk, DM_FRAME_LINES).len, DM_FRAME_LINE);
    assert_memory_equal(expect(&talk, DM_FRAME_IMAGE).at, "\x89PNG", 4);
    assert_int_equal(expect(&talk, DM_FRAME_PAGE_END).len, 9);
    ask(&talk, DM_FRAME_SCAN, DM_STR("\1\0\0\0"), -1);
    struct dm_frame_fields fields = { .rest = expect(&talk, DM_FRAME_PIXELS) };
    uint32_t width = dm_frame_u32(&fields);
    uint32_t height = dm_frame_u32(&fields);
    assert_int_equal(height, 3508); /* A4 with 300 dots per inch */
    assert_int_equal(fields.rest.len - 8, width * height);
    ask(&talk, DM_FRAME_PAGE, DM_STR("\3\0\0\0\1\2\0\0\0\0"), -1);
    assert_int_equal(expect(&talk, DM_FRAME_FAILED).at[0], DM_FRAME_FAILURE_NO_SUCH_PAGE);
    assert_int_equal(end(&talk), WORKER_DONE);
}

static void a_page_is_answered_as_a_pdf_where_it_is_one(void **state)
{
    struct conversation talk;
    begin(&talk);
    open_drawing(&talk);
    for (int i = 0; i < 2; i++) {
        ask(&talk, DM_FRAME_PAGE, DM_STR("\1\0\0\0\4\0\0\0\0\0"), -1);
        struct dm_str pdf = expect(&talk, DM_FRAME_PAGE_PDF);
        assert_true(dm_str_starts(pdf, DM_STR("%PDF-1.7\n")));
        assert_memory_equal(pdf.at + pdf.len - 6, "%%EOF\n", 6);
        expect(&talk, DM_FRAME_PAGE_END);
    }
    assert_int_equal(end(&talk), WORKER_DONE);
    begin(&talk);
    open_text(&talk, "one\ftwo");
    ask(&talk, DM_FRAME_PAGE, DM_STR("\2\0\0\0\4\0\0\0\0\0"), -1);
    assert_int_equal(expect(&talk, DM_FRAME_PAGE_PDF).len, 0);
    expect(&talk, DM_FRAME_PAGE_END);
    assert_int_equal(end(&talk), WORKER_DONE);
}

static void a_file_that_does_not_fit_is_none_and_leaves_nothing_behind(void **state)
{
    assert_true(engine_start(&engine, 64 << 20));
    int fd = memfd_create("drawing", MFD_CLOEXEC);
    assert_int_equal(write(fd, drawing, sizeof(drawing) - 1), sizeof(drawing) - 1);
    struct document *document = NULL;
    uint32_t pages = 0;
    struct file file = { .fd = fd, .size = sizeof(drawing) - 1 };
    assert_int_equal(document_open(&engine, file, DM_FRAME_PDF, DM_STR(""), &document, &pages), 0);
    DM_AUTO(dm_buf) whole = dm_buf_make(1 << 20);
    document_page_pdf(document, 0, &whole);
    assert_true(whole.len > 0);
    for (size_t room = 0; room < whole.len; room++) {
        DM_AUTO(dm_buf) cut = dm_buf_make(room);
        document_page_pdf(document, 0, &cut);
        assert_int_equal(cut.len, 0);
    }
    document_free(document);
    engine_stop(&engine);
}

/* Asks for text and a grey image, and then for the page's pixels, which are looked at. */
static void ask_image_and_pixels(struct conversation *talk, struct dm_str page, unsigned drawings)
{
    drawn = 0;
    ask(talk, DM_FRAME_PAGE, page, -1);
    assert_int_equal(expect(talk, DM_FRAME_TEXT).len, 0);
    struct dm_str image = expect(talk, DM_FRAME_IMAGE);
    /* The frame header: depth, height, width: half as high as wide. */
    const unsigned char *frame = memmem(image.at, image.len, "\xff\xc0", 2);
    assert_non_null(frame);
    assert_int_equal(frame[7] << 8 | frame[8], (unsigned char)page.at[6] | (unsigned char)page.at[7] << 8);
    assert_int_equal(2 * (frame[5] << 8 | frame[6]), frame[7] << 8 | frame[8]);
    expect(talk, DM_FRAME_PAGE_END);
    ask(talk, DM_FRAME_SCAN, DM_STR("\1\0\0\0"), -1);
    struct dm_frame_fields fields = { .rest = expect(talk, DM_FRAME_PIXELS) };
    assert_int_equal(dm_frame_u32(&fields), 600);
    assert_int_equal(dm_frame_u32(&fields), 300);
    assert_int_equal((unsigned char)fields.rest.at[8 + 299], 0);
    assert_int_equal((unsigned char)fields.rest.at[8 + 301], 255);
    assert_int_equal(drawn, drawings);
}

static void a_page_is_drawn_once_for_a_grey_image_and_text_recognition(void **state)
{
    struct conversation talk;
    begin(&talk);
    open_drawing(&talk);
    /* Text (1), and a scan to follow (8); JPEG (3) of 500 pixels, then of 800, for which the scan is too small. */
    ask_image_and_pixels(&talk, DM_STR("\1\0\0\0\x09\3\xf4\1\0\0"), 1);
    ask_image_and_pixels(&talk, DM_STR("\1\0\0\0\x09\3\x20\3\0\0"), 2);
    /* Where none is announced, each is drawn when it is asked for. */
    ask_image_and_pixels(&talk, DM_STR("\1\0\0\0\1\3\xf4\1\0\0"), 2);
    assert_int_equal(end(&talk), WORKER_DONE);
}

static void a_smaller_picture_has_the_means_of_the_larger(void **state)
{
    assert_true(engine_start(&engine, 64 << 20));
    fz_context *ctx = engine.ctx;
    static const unsigned char rows[2][6] = { { 0, 0, 100, 200, 255, 255 }, { 0, 0, 100, 200, 255, 255 } };
    struct picture large = { fz_new_pixmap(ctx, fz_device_gray(ctx), 6, 2, NULL, 0), 1 };
    for (int y = 0; y < 2; y++)
        memcpy(large.pixels->samples + (ptrdiff_t)y * large.pixels->stride, rows[y], 6);
    struct picture small = { 0 };
    assert_true(picture_shrink(ctx, &large, 3, &small));
    assert_int_equal(small.pixels->w, 3);
    assert_int_equal(small.pixels->h, 1);
    assert_memory_equal(small.pixels->samples, "\0\x96\xff", 3);
    assert_true(small.points_per_pixel > 1.99F && small.points_per_pixel < 2.01F);
    picture_free(ctx, &small);
    assert_true(picture_shrink(ctx, &large, 4, &small)); /* a pixel and a half each */
    assert_memory_equal(small.pixels->samples, "\0\x43\xda\xff", 4);
    picture_free(ctx, &small);
    picture_free(ctx, &large);
    engine_stop(&engine);
}

static void a_picture_larger_than_any_helper_can_hold_is_refused(void **state)
{
    struct conversation talk;
    begin(&talk);
    open_text(&talk, "one\ftwo");
    ask(&talk, DM_FRAME_PAGE, DM_STR("\1\0\0\0\1\3\xff\xff\xff\xff"), -1);
    assert_int_equal(expect(&talk, DM_FRAME_FAILED).at[0], DM_FRAME_FAILURE_TOO_LARGE);
    assert_int_equal(end(&talk), WORKER_DONE);
}

static void a_page_before_the_document_ends_the_worker(void **state)
{
    struct conversation talk;
    begin(&talk);
    ask(&talk, DM_FRAME_PAGE, DM_STR("\1\0\0\0\1\2\0\0\0\0"), -1);
    assert_int_equal(end(&talk), WORKER_CONFUSED);
}

static void a_second_document_ends_the_worker(void **state)
{
    struct conversation talk;
    begin(&talk);
    open_text(&talk, "one\ftwo");
    ask_open(&talk, "\6", 1, 0);
    assert_int_equal(end(&talk), WORKER_CONFUSED);
}

static void a_document_without_a_descriptor_ends_the_worker(void **state)
{
    struct conversation talk;
    begin(&talk);
    ask_open(&talk, "\1", 1, -1);
    assert_int_equal(end(&talk), WORKER_CONFUSED);
}

static void pixels_are_not_for_this_class(void **state)
{
    struct conversation talk;
    begin(&talk);
    ask(&talk, DM_FRAME_PIXELS, DM_STR("\1\0\0\0\1\0\0\0\x48\0\0\0\0\0\x80\x3f\xff"), -1);
    assert_int_equal(end(&talk), WORKER_CONFUSED);
}

static void a_document_of_no_known_kind_is_unsupported(void **state)
{
    struct conversation talk;
    begin(&talk);
    int fd = memfd_create("text", MFD_CLOEXEC);
    ask_open(&talk, "\x63", 1, fd);
    close(fd);
    assert_int_equal(expect(&talk, DM_FRAME_FAILED).at[0], DM_FRAME_FAILURE_UNSUPPORTED);
    assert_int_equal(end(&talk), WORKER_DONE);
}

static void a_refused_allocation_counts_unless_it_is_made_good(void **state)
{
    struct memory memory = { .max = 1000 };
    fz_alloc_context calls = memory_calls(&memory);
    void *first = calls.malloc(&memory, 600);
    assert_non_null(first);
    assert_null(calls.malloc(&memory, 600));
    assert_true(memory_ran_out(&memory));
    /* What MuPDF does then: drop a cache, ask again. */
    calls.free(&memory, first);
    first = calls.malloc(&memory, 600);
    assert_non_null(first);
    assert_false(memory_ran_out(&memory));
    assert_null(calls.realloc(&memory, first, 5000));
    void *other = calls.malloc(&memory, 8);
    assert_true(memory_ran_out(&memory));
    memory_begin(&memory);
    assert_false(memory_ran_out(&memory));
    calls.free(&memory, other);
    calls.free(&memory, first);
    calls.free(&memory, NULL);
    assert_int_equal(memory.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_opened_and_its_pages_answered),
        cmocka_unit_test(a_page_is_answered_as_a_pdf_where_it_is_one),
        cmocka_unit_test(a_file_that_does_not_fit_is_none_and_leaves_nothing_behind),
        cmocka_unit_test(a_page_is_drawn_once_for_a_grey_image_and_text_recognition),
        cmocka_unit_test(a_smaller_picture_has_the_means_of_the_larger),
        cmocka_unit_test(a_picture_larger_than_any_helper_can_hold_is_refused),
        cmocka_unit_test(a_page_before_the_document_ends_the_worker),
        cmocka_unit_test(a_second_document_ends_the_worker),
        cmocka_unit_test(a_document_without_a_descriptor_ends_the_worker),
        cmocka_unit_test(pixels_are_not_for_this_class),
        cmocka_unit_test(a_document_of_no_known_kind_is_unsupported),
        cmocka_unit_test(a_refused_allocation_counts_unless_it_is_made_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
