/* raw_accept.c: the least that a durable accept can cost on this file system.
 *
 *   raw_accept FOLDER FILE THREADS SECONDS file|folder
 *
 * Each thread writes FILE's bytes under a temporary name, syncs them and renames: what docmill does for a source,
 * without HTTP, hash and database. With "folder" the folder is synced after each rename, too: only then would the name
 * survive a power failure. Prints one line of JSON. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 1024, NAME_MAX_BYTES = 48 };

static struct {
    int folder;
    bool sync_folder;
    char *bytes;
    size_t size;
    double end_s;
    _Atomic unsigned long files;
    _Atomic bool failed;
} run;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool say_failure(const char *what)
{
    fprintf(stderr, "raw_accept: %s: %s\n", what, strerror(errno));
    return false;
}

static bool write_all(int fd)
{
    for (size_t at = 0; at < run.size;) {
        ssize_t wrote = write(fd, run.bytes + at, run.size - at);
        if (wrote < 0)
            return say_failure("write");
        at += (size_t)wrote;
    }
    return true;
}

static bool keep(const char *temporary, const char *final)
{
    int fd = openat(run.folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return say_failure(temporary);
    bool written = write_all(fd) && (fsync(fd) == 0 || say_failure("fsync"));
    close(fd);
    if (!written)
        return false;
    if (renameat(run.folder, temporary, run.folder, final) != 0)
        return say_failure("rename");
    return !run.sync_folder || fsync(run.folder) == 0 || say_failure("fsync of the folder");
}

static void *work(void *number)
{
    char temporary[NAME_MAX_BYTES], final[NAME_MAX_BYTES];
    for (unsigned long i = 0; now_s() < run.end_s && !atomic_load(&run.failed); i++) {
        snprintf(temporary, sizeof(temporary), "t%d-%lu", *(int *)number, i);
        snprintf(final, sizeof(final), "f%d-%lu", *(int *)number, i);
        if (!keep(temporary, final)) {
            atomic_store(&run.failed, true);
            break;
        }
        atomic_fetch_add(&run.files, 1);
    }
    return NULL;
}

static bool read_file(const char *path)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0)
        return say_failure(path);
    run.size = (size_t)facts.st_size;
    run.bytes = malloc(run.size + 1);
    bool whole = run.bytes && read(fd, run.bytes, run.size) == facts.st_size;
    close(fd);
    return whole || say_failure(path);
}

int main(int argc, char **argv)
{
    static pthread_t threads[THREADS_MAX];
    static int numbers[THREADS_MAX];
    int count = argc == 6 ? atoi(argv[3]) : 0;
    double seconds = argc == 6 ? atof(argv[4]) : 0;
    if (count < 1 || count > THREADS_MAX || seconds <= 0) {
        fprintf(stderr, "usage: raw_accept FOLDER FILE THREADS SECONDS file|folder\n");
        return 2;
    }
    run.sync_folder = strcmp(argv[5], "folder") == 0;
    run.folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run.folder < 0)
        say_failure(argv[1]);
    if (run.folder < 0 || !read_file(argv[2]))
        return 1;
    double begin_s = now_s();
    run.end_s = begin_s + seconds;
    int started = 0;
    for (; started < count; started++) {
        numbers[started] = started;
        if (pthread_create(&threads[started], NULL, work, &numbers[started]) != 0) {
            atomic_store(&run.failed, true);
            break;
        }
    }
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    double took_s = now_s() - begin_s;
    unsigned long files = atomic_load(&run.files);
    free(run.bytes);
    close(run.folder);
    printf("{\"files\": %lu, \"seconds\": %.3f, \"per_second\": %.1f}\n", files, took_s, (double)files / took_s);
    return atomic_load(&run.failed) ? 1 : 0;
}
