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
