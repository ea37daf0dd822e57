/* sandbox.c: ids, limits and the list of allowed system calls. */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
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
    /* Above MuPDF's own ceiling: stacks, libjpeg and OpenJPEG, answers being built. */
    MEMORY_BESIDE = 64 << 20,
};

/* Compared with one argument of the call; ANY compares nothing. */
enum check { ANY, IS, HAS_NOT };

struct rule {
    int call;
    unsigned kinds; /* bits of enum sandbox_kind */
    unsigned argument;
    enum check check;
    uint64_t value;
};

enum { TEXT = 1U << SANDBOX_TEXT, OCR = 1U << SANDBOX_OCR, BOTH = TEXT | OCR };

/* No open, no socket, no exec, no fork. Memory can be had, but none that can be executed. */
static const struct rule allowed[] = {
    { SCMP_SYS(recvmsg), BOTH, 0, IS, DM_FRAME_SOCKET },
    { SCMP_SYS(sendmsg), BOTH, 0, IS, DM_FRAME_SOCKET },
    { SCMP_SYS(pread64), TEXT, 0, ANY, 0 },
    { SCMP_SYS(fstat), BOTH, 0, ANY, 0 },
    { SCMP_SYS(newfstatat), BOTH, 3, IS, 0x1000 }, /* glibc's fstat; 0x1000 is AT_EMPTY_PATH */
    { SCMP_SYS(close), BOTH, 0, ANY, 0 },
    /* What libraries print; both lead to /dev/null. */
    { SCMP_SYS(write), BOTH, 0, IS, STDOUT_FILENO },
    { SCMP_SYS(write), BOTH, 0, IS, STDERR_FILENO },
    { SCMP_SYS(brk), BOTH, 0, ANY, 0 },
    { SCMP_SYS(mmap), BOTH, 2, HAS_NOT, PROT_EXEC },
    { SCMP_SYS(mprotect), BOTH, 2, HAS_NOT, PROT_EXEC },
    { SCMP_SYS(mremap), BOTH, 0, ANY, 0 },
    { SCMP_SYS(munmap), BOTH, 0, ANY, 0 },
    { SCMP_SYS(madvise), BOTH, 0, ANY, 0 },
    { SCMP_SYS(futex), BOTH, 0, ANY, 0 },
    { SCMP_SYS(sysinfo), BOTH, 0, ANY, 0 }, /* glibc's qsort asks how much memory there is */
    { SCMP_SYS(clock_gettime), BOTH, 0, ANY, 0 },
    { SCMP_SYS(gettimeofday), BOTH, 0, ANY, 0 },
    { SCMP_SYS(time), BOTH, 0, ANY, 0 },
    { SCMP_SYS(getrandom), BOTH, 0, ANY, 0 },         /* malloc's and hash tables' seeds */
    { SCMP_SYS(prlimit64), BOTH, 1, IS, RLIMIT_CPU }, /* can only lower what sandbox_enter has fixed */
    { SCMP_SYS(setrlimit), BOTH, 0, IS, RLIMIT_CPU },
    /* abort() */
    { SCMP_SYS(rt_sigprocmask), BOTH, 0, ANY, 0 },
    { SCMP_SYS(rt_sigaction), BOTH, 0, ANY, 0 },
    { SCMP_SYS(rt_sigreturn), BOTH, 0, ANY, 0 },
    { SCMP_SYS(gettid), BOTH, 0, ANY, 0 },
    { SCMP_SYS(getpid), BOTH, 0, ANY, 0 },
    { SCMP_SYS(tgkill), BOTH, 2, IS, 6 }, /* SIGABRT */
    { SCMP_SYS(exit), BOTH, 0, ANY, 0 },
    { SCMP_SYS(exit_group), BOTH, 0, ANY, 0 },
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

static bool add_rules(scmp_filter_ctx context, enum sandbox_kind kind)
{
    for (size_t i = 0; i < DM_COUNT(allowed); i++) {
        const struct rule *rule = &allowed[i];
        if (!(rule->kinds & 1U << kind))
            continue;
        struct scmp_arg_cmp compare = rule->check == IS
                                          ? SCMP_CMP64(rule->argument, SCMP_CMP_EQ, rule->value)
                                          : SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->value, 0);
        int failed = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, rule->call, rule->check == ANY ? 0 : 1, &compare);
        /* Not every machine has every call of the list. */
        if (failed && failed != -EDOM)
            return false;
    }
    /* Asked for before clone, which is not allowed: with ENOSYS glibc reports that there can be no thread. */
    return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
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
