/* main.c: many seeds side by side, or one seed told. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "sim.h"

enum { JOBS_MAX = 64, FAILURES_SHOWN = 50 };

#ifdef SIM_PLANTED
int sim_planted; /* the stages of this build look at it */
#endif

struct arguments {
    uint64_t first, last;
    uint32_t jobs;
    bool trace;
    bool verbose;
    bool keep_going;
};

/* What the processes share. */
struct shared {
    _Atomic uint64_t next;
    _Atomic uint64_t passed;
    _Atomic uint64_t failed;
    _Atomic uint64_t steps, port_calls, commits, conflicts, model_calls, crashes;
    _Atomic uint64_t simulated_s;
    uint64_t running[JOBS_MAX]; /* the seed of each process */
};

static struct shared *shared;
static uint32_t my_slot;

/* A broken invariant of the program's own (DM_CHECK) or a bad access: name the seed before the process ends. */
static void died(int signal_number)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "seed %llu: the program ended by signal %d\n",
                       (unsigned long long)shared->running[my_slot], signal_number);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(3);
    _exit(2);
}

static void watch_signals(void)
{
    static char stack[64 * 1024];
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
    sigaltstack(&alternative, NULL);
    struct sigaction action = { .sa_handler = died, .sa_flags = SA_ONSTACK };
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static void run_seeds(const struct arguments *arguments)
{
    static struct sim sim;
    watch_signals();
    for (;;) {
        uint64_t seed = shared->next++;
        if (seed > arguments->last || (shared->failed > 0 && !arguments->keep_going))
            break;
        shared->running[my_slot] = seed;
        const struct run_options options = { .seed = seed, .trace = arguments->trace };
        bool passed = sim_run(&sim, &options);
        shared->steps += sim.steps;
        shared->port_calls += sim.port_calls;
        shared->commits += sim.commits;
        shared->conflicts += sim.conflicts;
        shared->model_calls += sim.model_calls;
        shared->crashes += sim.crashes;
        shared->simulated_s += (uint64_t)(sim.now_us / 1000000);
        if (passed) {
            shared->passed++;
        } else if (shared->failed++ < FAILURES_SHOWN) {
            printf("seed %llu: %s\n", (unsigned long long)seed, sim.failure);
            fflush(stdout);
        }
        if (arguments->verbose)
            printf("seed %llu: %s, %llu steps, %.0f s\n", (unsigned long long)seed, passed ? "passed" : "FAILED",
                   (unsigned long long)sim.steps, (double)sim.now_us / 1e6);
    }
    fiber_pool_free();
}

static void run_all(const struct arguments *arguments)
{
    uint32_t running = 0;
    pid_t children[JOBS_MAX] = { 0 };
    for (uint32_t i = 0; i < arguments->jobs; i++, running++) {
        fflush(stdout);
        children[i] = fork();
        if (children[i] == 0) {
            my_slot = i;
            run_seeds(arguments);
            fflush(stdout);
            _exit(0);
        }
    }
    while (running > 0) {
        int status;
        pid_t child = wait(&status);
        if (child < 0)
            break;
        running--;
        bool died_young = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        shared->failed += died_young;
        if (shared->failed > 0 && !arguments->keep_going) { /* the others may be in for a long run */
            for (uint32_t i = 0; i < arguments->jobs; i++)
                if (children[i] != child)
                    kill(children[i], SIGKILL);
            while (wait(&status) > 0)
                continue;
            return;
        }
        if (!died_young)
            continue;
        for (uint32_t i = 0; i < arguments->jobs && arguments->keep_going && shared->failed < FAILURES_SHOWN; i++) {
            if (children[i] != child || shared->next > arguments->last)
                continue;
            fflush(stdout);
            children[i] = fork();
            if (children[i] == 0) {
                my_slot = i;
                run_seeds(arguments);
                fflush(stdout);
                _exit(0);
            }
            running++;
        }
    }
}

static void usage(void)
{
    puts("sim: runs docmill's stages on a virtual clock in a world that breaks\n"
         "\n"
         "  sim --seeds 1-5000     many seeds, in as many processes as there are processors\n"
         "  sim --seed 17          one seed\n"
         "  sim --seed 17 --trace  and its story, step by step\n"
         "  --jobs N               so many processes\n"
         "  --keep-going           goes on after a failure\n"
         "  --verbose              a line for each seed\n"
         "\n"
         "Exit status: 0 every seed passed, 1 some failed, 2 wrong arguments.");
}

static bool parse_seeds(const char *text, struct arguments *ret)
{
    char *end;
    ret->first = ret->last = strtoull(text, &end, 10);
    if (end == text)
        return false;
    if (*end == '-')
        ret->last = strtoull(end + 1, &end, 10);
    return *end == '\0' && ret->first <= ret->last;
}

static bool parse(int argc, char **argv, struct arguments *ret)
{
    bool seeds = false;
    for (int i = 1; i < argc; i++) {
        bool valued = i + 1 < argc;
        if ((strcmp(argv[i], "--seeds") == 0 || strcmp(argv[i], "--seed") == 0) && valued)
            seeds = parse_seeds(argv[++i], ret);
        else if (strcmp(argv[i], "--jobs") == 0 && valued)
            ret->jobs = (uint32_t)atoi(argv[++i]);
#ifdef SIM_PLANTED
        else if (strcmp(argv[i], "--planted") == 0 && valued)
            sim_planted = atoi(argv[++i]);
#endif
        else if (strcmp(argv[i], "--trace") == 0)
            ret->trace = true;
        else if (strcmp(argv[i], "--keep-going") == 0)
            ret->keep_going = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            ret->verbose = true;
        else
            return false;
    }
    return seeds && ret->jobs >= 1;
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments arguments = { .jobs = (uint32_t)(processors > 0 ? processors : 1) };
    if (!parse(argc, argv, &arguments)) {
        usage();
        return 2;
    }
    if (arguments.jobs > JOBS_MAX)
        arguments.jobs = JOBS_MAX;
    if (arguments.trace || arguments.first == arguments.last)
        arguments.jobs = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    dm_json_setup();
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    shared->next = arguments.first;
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (arguments.jobs == 1)
        run_seeds(&arguments);
    else
        run_all(&arguments);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%llu steps, %llu port calls, %llu commits (%llu conflicts), %llu model calls, %llu crashes; %.1f days in "
           "%.1f s\n",
           (unsigned long long)shared->steps, (unsigned long long)shared->port_calls,
           (unsigned long long)shared->commits, (unsigned long long)shared->conflicts,
           (unsigned long long)shared->model_calls, (unsigned long long)shared->crashes,
           (double)shared->simulated_s / 86400,
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    if (shared->failed > 0) {
        printf("%llu seeds passed, %llu FAILED; the story of one: make sim SEED=n TRACE=1\n",
               (unsigned long long)shared->passed, (unsigned long long)shared->failed);
        return 1;
    }
    printf("%llu seeds passed\n", (unsigned long long)shared->passed);
    return 0;
}
