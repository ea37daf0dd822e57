/* hostile_helper.c: docmill-pdf after a document has taken it over.
 *
 * This is the helper as it is shipped, linked with three of its functions wrapped (meson.build): once a page's text
 * has been read, the text is taken for an order and carried out by the process that read it, in the place and with
 * the rights that code smuggled in by a document would have. An order is two lines, the name of a deed and what it
 * is to be done to; a page that is no order is answered honestly. An order behind the line "recognise" is passed on
 * as pixels and carried out by the helper that recognises text.
 *
 * A deed that was survived is told as the page's text: "done", or "refused" with the error. The same program is also
 * built without the sandbox (unguarded_sandbox.c): there the deeds succeed, which shows that it is the sandbox that
 * stops them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "document.h"
#include "ocr.h"

enum { ORDER_MAX = 256, CHUNK_MB = 16, CHUNKS_MAX = 64 };

static struct engine *engine; /* the real one, once started */

/* ---- files and sockets -------------------------------------------------------------------------------------------- */

static bool open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool create_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool remove_file(const char *path)
{
    return unlink(path) == 0;
}

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static bool connect_tcp(const char *port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool send_udp(const char *port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1;
}

static bool connect_unix(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool listen_tcp(const char *port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0;
}

/* ---- processes ---------------------------------------------------------------------------------------------------- */

static bool fork_child(const char *nothing)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static int child_that_ends(void *nothing)
{
    return 0;
}

/* As vfork does it. */
static bool clone_child(const char *nothing)
{
    static char stack[64 << 10] __attribute__((aligned(16)));
    pid_t pid = clone(child_that_ends, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static void *thread_that_ends(void *nothing)
{
    return NULL;
}

static bool start_thread(const char *nothing)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, thread_that_ends, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool execute(const char *path)
{
    return execl(path, path, (char *)NULL) == 0;
}

static bool execute_from_memory(const char *program)
{
    char *arguments[] = { (char *)(uintptr_t)program, NULL };
    char *environment[] = { NULL };
    int fd = (int)syscall(SYS_memfd_create, "code", 0);
    return fd >= 0 && dprintf(fd, "#!%s\n", program) > 0 && fexecve(fd, arguments, environment) == 0;
}

static bool send_signal(const char *pid_and_signal)
{
    char *rest;
    pid_t pid = (pid_t)strtol(pid_and_signal, &rest, 10);
    return kill(pid, (int)strtol(rest, NULL, 10)) == 0;
}

static bool trace(const char *pid)
{
    return ptrace(PTRACE_SEIZE, (pid_t)strtol(pid, NULL, 10), NULL, NULL) == 0;
}

/* Its zygote has the same at the same address. */
static bool read_memory(const char *pid)
{
    char here[8];
    static const char there[8] = "secret";
    struct iovec to = { here, sizeof(here) };
    struct iovec from = { (void *)(uintptr_t)there, sizeof(there) };
    return process_vm_readv((pid_t)strtol(pid, NULL, 10), &to, 1, &from, 1, 0) == sizeof(here);
}

/* ---- the kernel --------------------------------------------------------------------------------------------------- */

static bool map_code(const char *nothing)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool make_code(const char *nothing)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool change_limit(const char *nothing)
{
    struct rlimit now = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &now) == 0;
}

/* A number and up to six arguments: any call at all. */
static bool call_kernel(const char *numbers)
{
    long values[7] = { 0 };
    char *at = (char *)(uintptr_t)numbers;
    for (size_t i = 0; i < DM_COUNT(values); i++)
        values[i] = strtol(at, &at, 0);
    return syscall(values[0], values[1], values[2], values[3], values[4], values[5], values[6]) >= 0;
}

/* Through the gate of 32-bit programs, whose numbers mean other calls: 5 opens a file there. */
static bool call_kernel_as_32_bit(const char *nothing)
{
#ifdef __x86_64__
    long result = 5;
    __asm__ volatile("int $0x80" : "+a"(result) : "b"(0), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    return result >= 0;
#else
    return syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY) >= 0;
#endif
}

static void on_signal(int number)
{
}

static bool catch_and_open(const char *path)
{
    sigset_t all;
    sigfillset(&all);
    for (int number = 1; number < 32; number++)
        signal(number, on_signal);
    sigprocmask(SIG_BLOCK, &all, NULL);
    return open_file(path);
}

/* ---- too much of everything --------------------------------------------------------------------------------------- */

static bool fill_memory_of_mupdf(const char *nothing)
{
    fz_context *ctx = engine->ctx;
    fz_try(ctx) for (;;) memset(fz_malloc(ctx, 1 << 20), 1, 1 << 20);
    fz_catch(ctx) errno = ENOMEM;
    return false;
}

static size_t fill_memory(int flags)
{
    void *chunks[CHUNKS_MAX];
    size_t count = 0;
    while (count < CHUNKS_MAX) {
        void *chunk = mmap(NULL, CHUNK_MB << 20, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED)
            break;
        chunks[count++] = chunk;
    }
    for (size_t i = 0; i < count; i++)
        munmap(chunks[i], CHUNK_MB << 20);
    return count * CHUNK_MB;
}

/* Whether there is as much as that, in megabytes. */
static bool fill_private_memory(const char *megabytes)
{
    return fill_memory(MAP_PRIVATE) > strtoul(megabytes, NULL, 10);
}

static bool fill_shared_memory(const char *megabytes)
{
    return fill_memory(MAP_SHARED) > strtoul(megabytes, NULL, 10);
}

static unsigned dig(volatile unsigned char *above)
{
    volatile unsigned char here[4096];
    here[0] = above[0];
    return here[0] == 255 ? 0 : 1 + dig(here);
}

static bool fill_stack(const char *nothing)
{
    unsigned char start[1] = { 1 };
    return dig(start) == 0;
}

static bool spin(const char *nothing)
{
    for (volatile unsigned turns = 0;; turns++)
        continue;
    return false;
}

static bool spin_deaf(const char *nothing)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGXCPU, SIG_IGN);
    return spin(nothing);
}

static bool sleep_for_ever(const char *nothing)
{
    static int never;
    for (;;)
        syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return false;
}

static bool abort_at_once(const char *nothing)
{
    abort();
}

/* ---- the socket to the parent ------------------------------------------------------------------------------------- */

static bool close_sockets(const char *nothing)
{
    for (int fd = 0; fd < 64; fd++)
        close(fd);
    return spin(nothing);
}

static bool send_bytes(const void *bytes, size_t size, int flags)
{
    struct iovec piece = { (void *)(uintptr_t)bytes, size };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    return sendmsg(DM_FRAME_SOCKET, &message, flags) == (ssize_t)size;
}

static bool send_garbage(const char *nothing)
{
    static unsigned char garbage[64 << 10];
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (unsigned char)(i * 2654435761U >> 13);
    while (send_bytes(garbage, sizeof(garbage), 0))
        continue;
    return spin(nothing);
}

/* Each is what the parent waits for; the request's number is the second of this worker. */
static bool send_frames_for_ever(const char *nothing)
{
    unsigned char frame[DM_FRAME_HEAD + 5] = "            fine\n";
    dm_frame_head_write((struct dm_frame_head){ DM_FRAME_TEXT, 2, 5 }, frame);
    while (send_bytes(frame, sizeof(frame), 0))
        continue;
    return spin(nothing);
}

/* Its own descriptors, as many as the kernel takes in one message: for a parent that keeps what it is handed. */
static bool send_descriptors(const char *nothing)
{
    enum { COPIES = 200 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(COPIES * sizeof(int))];
    } control = { .bytes = { 0 } };
    unsigned char frame[DM_FRAME_HEAD + 5] = "            fine\n";
    dm_frame_head_write((struct dm_frame_head){ DM_FRAME_TEXT, 2, 5 }, frame);
    struct iovec piece = { frame, sizeof(frame) };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    *part = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(COPIES * sizeof(int)) };
    for (size_t i = 0; i < COPIES; i++)
        memcpy(CMSG_DATA(part) + i * sizeof(int), &(int){ (int)i % DM_FRAME_SOCKET }, sizeof(int));
    return sendmsg(DM_FRAME_SOCKET, &message, 0) > 0;
}

/* A byte that poll() announces and recv() passes over. */
static bool send_out_of_band(const char *nothing)
{
    return send_bytes("x", 1, MSG_OOB) && spin(nothing);
}

/* ---- orders ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*carry_out)(const char *argument); /* false: refused, for errno's reason */
} deeds[] = {
    { "open a file", open_file },
    { "create a file", create_file },
    { "remove a file", remove_file },
    { "connect by TCP", connect_tcp },
    { "send by UDP", send_udp },
    { "connect to a path", connect_unix },
    { "listen", listen_tcp },
    { "fork", fork_child },
    { "clone", clone_child },
    { "start a thread", start_thread },
    { "execute a program", execute },
    { "execute from memory", execute_from_memory },
    { "send a signal", send_signal },
    { "trace a process", trace },
    { "read another's memory", read_memory },
    { "map code", map_code },
    { "make code", make_code },
    { "change a limit", change_limit },
    { "call the kernel", call_kernel },
    { "call the kernel as 32-bit", call_kernel_as_32_bit },
    { "catch signals and open", catch_and_open },
    { "fill the memory of MuPDF", fill_memory_of_mupdf },
    { "fill private memory", fill_private_memory },
    { "fill shared memory", fill_shared_memory },
    { "fill the stack", fill_stack },
    { "spin", spin },
    { "spin deaf", spin_deaf },
    { "sleep", sleep_for_ever },
    { "abort", abort_at_once },
    { "close sockets", close_sockets },
    { "send garbage", send_garbage },
    { "send frames for ever", send_frames_for_ever },
    { "send descriptors", send_descriptors },
    { "send out of band", send_out_of_band },
};

/* Copies the line at the start of `text` and returns what follows it. */
static struct dm_str take_line(struct dm_str text, char line[ORDER_MAX])
{
    size_t end = dm_str_find_char(text, '\n');
    snprintf(line, ORDER_MAX, "%.*s", (int)end, text.at ? text.at : "");
    return dm_str_from(text, end < text.len ? end + 1 : end);
}

/* Carries an order out. False where the text is none. */
static bool obey(struct page_text *text, struct dm_str order)
{
    char name[ORDER_MAX];
    char argument[ORDER_MAX];
    take_line(take_line(order, name), argument);
    for (size_t i = 0; i < DM_COUNT(deeds); i++) {
        if (strcmp(deeds[i].name, name) != 0)
            continue;
        errno = 0;
        bool done = deeds[i].carry_out(argument);
        int error = errno;
        dm_buf_clear(&text->text);
        if (done)
            dm_buf_add_z(&text->text, "done\n");
        else
            dm_buf_addf(&text->text, "refused: %s\n", strerrordesc_np(error));
        text->legible = true;
        return true;
    }
    return false;
}

/* ---- the wrapped functions; the linker's option --wrap gives them these names -------------------------------------- */

static char passed_on[ORDER_MAX]; /* an order for the helper that recognises text */

bool __real_engine_start(struct engine *started, size_t memory_bytes);
bool __wrap_engine_start(struct engine *started, size_t memory_bytes);
bool __wrap_engine_start(struct engine *started, size_t memory_bytes)
{
    engine = started;
    return __real_engine_start(started, memory_bytes);
}

failure __real_document_text(struct document *document, uint32_t page, bool lines, struct page_text *text);
failure __wrap_document_text(struct document *document, uint32_t page, bool lines, struct page_text *text);
failure __wrap_document_text(struct document *document, uint32_t page, bool lines, struct page_text *text)
{
    failure failed = __real_document_text(document, page, lines, text);
    if (failed)
        return failed;
    char first[ORDER_MAX];
    struct dm_str rest = take_line(dm_buf_str(&text->text), first);
    passed_on[0] = '\0';
    if (strcmp(first, "recognise") == 0) {
        snprintf(passed_on, sizeof(passed_on), "%.*s", DM_STR_ARG(rest));
        dm_buf_clear(&text->text);
        text->legible = false;
    } else if (obey(text, dm_buf_str(&text->text)) && memory_ran_out(&engine->memory)) {
        return DM_FRAME_FAILURE_TOO_LARGE; /* as document_text() itself ends when MuPDF's memory is out */
    }
    return 0;
}

failure __real_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank);
failure __wrap_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank);
failure __wrap_document_scan(struct document *document, uint32_t page, struct picture *ret, bool *ret_blank)
{
    if (!passed_on[0])
        return __real_document_scan(document, page, ret, ret_blank);
    fz_context *ctx = engine->ctx;
    fz_pixmap *pixels = fz_new_pixmap(ctx, fz_device_gray(ctx), (int)strlen(passed_on), 1, NULL, 0);
    memcpy(pixels->samples, passed_on, strlen(passed_on));
    *ret = (struct picture){ pixels, 0.24F };
    *ret_blank = false;
    return 0;
}

bool __real_ocr_read(const struct ocr_picture *picture, struct page_text *text);
bool __wrap_ocr_read(const struct ocr_picture *picture, struct page_text *text);
bool __wrap_ocr_read(const struct ocr_picture *picture, struct page_text *text)
{
    struct dm_str order = dm_str_of(picture->grey, (size_t)picture->width * picture->height);
    return obey(text, order) || __real_ocr_read(picture, text);
}
