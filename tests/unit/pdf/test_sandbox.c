/* test_sandbox.c: what a worker cannot do any more once its sandbox is closed. Each is tried in a child of
 * its own. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "sandbox.h"

/* A sanitizer needs calls that the sandbox forbids, so then there is none. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NO_SANDBOX 1
#else
#define NO_SANDBOX 0
#endif

enum { MEMORY = 64 << 20, STILL_HERE = 42, GONE = 43 };

/* Open for writing, as a careless parent might pass it. */
static int file;

static int open_files(void **state)
{
    file = memfd_create("document", MFD_CLOEXEC);
    return file >= 0 && write(file, "document", 8) == 8 ? 0 : -1;
}

static void try_open(void)
{
    syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void try_socket(void)
{
    socket(AF_INET, SOCK_STREAM, 0);
}

static void try_fork(void)
{
    fork();
}

static void try_exec(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void try_signal_parent(void)
{
    kill(getppid(), SIGTERM);
}

static void try_write_to_file(void)
{
    if (pwrite(file, "x", 1, 0) < 0)
        return;
}

static void try_map_file(void)
{
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED)
        return;
}

static void try_map_code(void)
{
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return;
}

static void try_make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void try_trace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void try_limit_others(void)
{
    prlimit(getppid(), RLIMIT_CPU, NULL, NULL);
}

static void try_list_folder(void)
{
    char entries[512];
    syscall(SYS_getdents64, file, entries, sizeof(entries));
}

/* What may be done: memory, time, reading the document by position, its own socket and CPU limit. */
static void do_allowed(void)
{
    char bytes[8];
    void *block = malloc(1 << 20);
    memset(block, 1, 1 << 20);
    free(block);
    sandbox_cpu_seconds(100);
    if (pread(file, bytes, sizeof(bytes), 0) != 8 || memcmp(bytes, "document", 8) != 0)
        _exit(GONE);
    struct stat about;
    if (stat("/etc/passwd", &about) == 0)
        _exit(GONE); /* refused, without being fatal */
    _exit(STILL_HERE);
}

/* malloc of more than there may be fails; it does not end the process. */
static void take_too_much_memory(void)
{
    for (int i = 0; i < 64; i++)
        if (!malloc(16 << 20))
            _exit(STILL_HERE);
    _exit(GONE);
}

/* With nobody there to watch the clock. */
static void spin(void)
{
    sandbox_cpu_seconds(0);
    for (volatile unsigned turns = 0;; turns++)
        continue;
}

static int run(void (*function)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_limits limits = { .memory_bytes = MEMORY, .descriptors = 64 };
        sandbox_drop_ids();
        if (!sandbox_enter(&limits))
            _exit(GONE);
        function();
        _exit(STILL_HERE);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void what_is_not_on_the_list_ends_the_worker(void **state)
{
    if (NO_SANDBOX)
        skip();
    static void (*const forbidden[])(void) = {
        try_open,     try_socket,   try_fork,      try_exec,  try_signal_parent, try_write_to_file,
        try_map_file, try_map_code, try_make_code, try_trace, try_limit_others,  try_list_folder,
    };
    for (size_t i = 0; i < DM_COUNT(forbidden); i++) {
        int status = run(forbidden[i]);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("call %zu was survived: status %x", i, (unsigned)status);
    }
}

static void what_reading_needs_is_on_the_list(void **state)
{
    if (NO_SANDBOX)
        skip();
    int status = run(do_allowed);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STILL_HERE);
}

static void memory_ends_at_the_limit(void **state)
{
    if (NO_SANDBOX)
        skip();
    int status = run(take_too_much_memory);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STILL_HERE);
}

static void a_request_that_uses_up_its_processor_time_ends_without_a_parent(void **state)
{
    int status = run(spin);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXCPU);
}

static int prepare(void **state)
{
    struct dm_err err;
    return open_files(state) == 0 && sandbox_prepare(SANDBOX_TEXT, &err) == DM_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_on_the_list_ends_the_worker),
        cmocka_unit_test(what_reading_needs_is_on_the_list),
        cmocka_unit_test(memory_ends_at_the_limit),
        cmocka_unit_test(a_request_that_uses_up_its_processor_time_ends_without_a_parent),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
