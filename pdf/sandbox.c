/* sandbox.c: ids, limits and the list of allowed system calls. */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/frame.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
    NOBODY = 65534,
    FILTER_BYTES_MAX = 32 << 10,
    /* What a process has mapped before it reads anything: the program with its fonts and the libraries. */
    MAPPED_BEFORE = 256 << 20,
    /* Above MuPDF's own ceiling: its fonts, which count as data though nobody writes to them, stacks, libjpeg and
     * OpenJPEG, answers being built. */
    MEMORY_BESIDE = 128 << 20,
};

/* What an argument must be; ANY compares nothing. The kernel takes an int, as which it has descriptors, as 32 bits. */
enum check { ANY, IS, IS_INT, HAS_NOT };

enum { TEXT = 1U << SANDBOX_TEXT, OCR = 1U << SANDBOX_OCR, BOTH = TEXT | OCR };

/* No open, no socket, no exec, no fork, no signal to others. Memory can be had, but none that can be executed
 * and none that is a file: the document may have been opened for writing. */
static const struct rule {
    int call;
    unsigned kinds; /* bits of enum sandbox_kind */
    struct {
        enum check check;
        unsigned argument;
        uint64_t value;
    } tests[2];
} allowed[] = {
    { SCMP_SYS(recvmsg), BOTH, { { IS_INT, 0, DM_FRAME_SOCKET } } },
    { SCMP_SYS(sendmsg), BOTH, { { IS_INT, 0, DM_FRAME_SOCKET } } },
    { SCMP_SYS(pread64), TEXT, { { ANY, 0, 0 } } },
    { SCMP_SYS(close), BOTH, { { ANY, 0, 0 } } },
    /* What libraries print; both lead to /dev/null. */
    { SCMP_SYS(write), BOTH, { { IS_INT, 0, STDOUT_FILENO } } },
    { SCMP_SYS(write), BOTH, { { IS_INT, 0, STDERR_FILENO } } },
    { SCMP_SYS(brk), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(mmap), BOTH, { { HAS_NOT, 2, PROT_EXEC }, { IS_INT, 4, UINT32_MAX } } },
    { SCMP_SYS(mprotect), BOTH, { { HAS_NOT, 2, PROT_EXEC } } },
    { SCMP_SYS(mremap), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(munmap), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(madvise), BOTH, { { ANY, 0, 0 } } },
    /* Locks and what is done once. Not what locks of other kinds need: it has been a way into the kernel before. */
    { SCMP_SYS(futex), BOTH, { { IS_INT, 1, FUTEX_WAIT_PRIVATE } } },
    { SCMP_SYS(futex), BOTH, { { IS_INT, 1, FUTEX_WAKE_PRIVATE } } },
    { SCMP_SYS(futex), BOTH, { { IS_INT, 1, FUTEX_WAIT_BITSET_PRIVATE } } },
    { SCMP_SYS(futex), BOTH, { { IS_INT, 1, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME } } },
    { SCMP_SYS(sysinfo), BOTH, { { ANY, 0, 0 } } }, /* glibc's qsort asks how much memory there is */
    { SCMP_SYS(clock_gettime), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(gettimeofday), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(time), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(getrandom), BOTH, { { ANY, 0, 0 } } }, /* seeds of malloc and of hash tables */
    /* Its own CPU time, for sandbox_cpu_seconds. */
    { SCMP_SYS(prlimit64), BOTH, { { IS, 0, 0 }, { IS, 1, RLIMIT_CPU } } },
    { SCMP_SYS(rt_sigprocmask), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(rt_sigaction), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(rt_sigreturn), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(gettid), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(getpid), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(exit), BOTH, { { ANY, 0, 0 } } },
    { SCMP_SYS(exit_group), BOTH, { { ANY, 0, 0 } } },
};

/* Refused, not fatal, because who asks can do without. */
static const struct {
    int call;
    int error;
} refused[] = {
    { SCMP_SYS(clone3), ENOSYS }, /* asked for before clone, which is fatal: there can be no thread */
    { SCMP_SYS(tgkill), EPERM },  /* abort() then ends by a fault; it could be used on others of our user */
    { SCMP_SYS(fstat), EPERM },   /* stdio, about a stream's buffer; with a path it would tell what files there are */
    { SCMP_SYS(newfstatat), EPERM }, { SCMP_SYS(fstatat64), EPERM }, { SCMP_SYS(statx), EPERM },
};

static struct {
    struct sock_filter *steps;
    unsigned short count;
} filter;

void sandbox_drop_ids(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() == 0) {
        /* A container may lack the right to change ids; then there is little that root could do in it
         * anyway. */
        if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
            errno = 0;
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static struct scmp_arg_cmp compare(enum check check, unsigned argument, uint64_t value)
{
    switch (check) {
    case IS_INT:
        return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value);
    case HAS_NOT:
        return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, value, 0);
    default:
        return SCMP_CMP64(argument, SCMP_CMP_EQ, value);
    }
}

/* Not every machine has every call of the lists. */
static bool added(int result)
{
    return result == 0 || result == -EDOM;
}

static bool add_rules(scmp_filter_ctx context, enum sandbox_kind kind)
{
    for (size_t i = 0; i < DM_COUNT(allowed); i++) {
        struct scmp_arg_cmp tests[DM_COUNT(allowed[i].tests)];
        unsigned count = 0;
        for (size_t k = 0; k < DM_COUNT(allowed[i].tests); k++)
            if (allowed[i].tests[k].check != ANY)
                tests[count++] =
                    compare(allowed[i].tests[k].check, allowed[i].tests[k].argument, allowed[i].tests[k].value);
        if ((allowed[i].kinds & 1U << kind) &&
            !added(seccomp_rule_add_array(context, SCMP_ACT_ALLOW, allowed[i].call, count, tests)))
            return false;
    }
    for (size_t i = 0; i < DM_COUNT(refused); i++)
        if (!added(seccomp_rule_add(context, SCMP_ACT_ERRNO((uint16_t)refused[i].error), refused[i].call, 0)))
            return false;
    return true;
}

/* The filter as the kernel takes it. It is made here once, because libseccomp needs longer for it than a
 * worker needs for all the rest of its start. A pipe holds it, having room for more than the largest
 * filter. */
static bool export(scmp_filter_ctx context)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    bool written = seccomp_export_bpf(context, ends[1]) == 0;
    close(ends[1]);
    struct sock_filter *steps = malloc(FILTER_BYTES_MAX);
    ssize_t got = written && steps ? read(ends[0], steps, FILTER_BYTES_MAX) : -1;
    close(ends[0]);
    if (got <= 0 || got == FILTER_BYTES_MAX || (size_t)got % sizeof(*steps) != 0) {
        free(steps);
        return false;
    }
    filter.steps = steps;
    filter.count = (unsigned short)((size_t)got / sizeof(*steps));
    return true;
}

#ifdef DM_SANDBOX_TRAP
#include <signal.h>
#include <stdio.h>

static void tell_call(int signal, siginfo_t *info, void *context)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "docmill-pdf: system call %d is not allowed\n", info->si_syscall);
    if (size < 0 || write(STDERR_FILENO, line, (size_t)size) < 0)
        _exit(1);
    _exit(1);
}
#endif

enum dm_code sandbox_prepare(enum sandbox_kind kind, struct dm_err *err)
{
    if (SANITIZED)
        return DM_OK;
#ifdef DM_SANDBOX_TRAP
    sigaction(SIGSYS, &(struct sigaction){ .sa_sigaction = tell_call, .sa_flags = SA_SIGINFO }, NULL);
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_TRAP);
#else
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
#endif
    bool made = context && add_rules(context, kind) && export(context);
    seccomp_release(context);
    return made ? DM_OK : dm_fail(err, DM_INTERNAL, "the filter of system calls cannot be made");
}

static bool limit(int what, uint64_t value)
{
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){ .rlim_cur = value, .rlim_max = value }) == 0;
}

bool sandbox_enter(const struct sandbox_limits *limits)
{
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, limits->descriptors) ||
        !limit(RLIMIT_NPROC, 0))
        return false;
    if (SANITIZED)
        return true;
    if (!limit(RLIMIT_DATA, limits->memory_bytes + MEMORY_BESIDE) ||
        !limit(RLIMIT_AS, limits->memory_bytes + MEMORY_BESIDE + MAPPED_BEFORE))
        return false;
    struct sock_fprog program = { .len = filter.count, .filter = filter.steps };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

void sandbox_cpu_seconds(uint32_t seconds)
{
    struct timespec used;
    struct rlimit now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0 || getrlimit(RLIMIT_CPU, &now) != 0)
        return;
    /* One second more for the part of a second that is cut off, the hard limit left as it is. */
    now.rlim_cur = (rlim_t)used.tv_sec + seconds + 1;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    setrlimit(RLIMIT_CPU, &now);
}
