/* extractive_alone.c: the built-in model with nothing around it.
 *
 *   extractive_alone FILE
 *
 * FILE holds pages of text, each ended by a form feed, as `mutool draw -F txt` writes them. Prints one line of JSON:
 * pages, time on the processor (of the reading alone, without the program's start), bytes of analyses. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "models/models.h"

struct total {
    unsigned pages;
    size_t analysis_bytes;
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum dm_code read_pages(struct dm_extractive *extractive, const char *text, size_t size, struct total *total,
                               struct dm_err *err)
{
    const char *end = text + size, *feed;
    for (; (feed = memchr(text, '\f', (size_t)(end - text))); text = feed + 1) {
        struct dm_str page = { text, (size_t)(feed - text) };
        DM_AUTO(dm_buf) analysis = { 0 };
        enum dm_code code = dm_extractive_page(extractive, page, &analysis, NULL, err);
        if (code != DM_OK)
            return code;
        total->pages++;
        total->analysis_bytes += analysis.len;
    }
    return DM_OK;
}

int main(int argc, char **argv)
{
    struct stat facts;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &facts) != 0 || facts.st_size == 0) {
        fprintf(stderr, "usage: extractive_alone FILE\n");
        return 2;
    }
    size_t size = (size_t)facts.st_size;
    const char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (text == MAP_FAILED) {
        perror("extractive_alone");
        return 1;
    }
    double begin_s = cpu_s();
    struct dm_err err = { 0 };
    struct total total = { 0 };
    struct dm_extractive *extractive = NULL;
    enum dm_code code = dm_extractive_open(&extractive, &err);
    if (code == DM_OK)
        code = read_pages(extractive, text, size, &total, &err);
    double took_s = cpu_s() - begin_s;
    dm_extractive_close(extractive);
    if (code != DM_OK) {
        fprintf(stderr, "extractive_alone: page %u: %s\n", total.pages + 1, err.text);
        return 1;
    }
    printf("{\"pages\": %u, \"cpu_s\": %.6f, \"analysis_bytes\": %zu}\n", total.pages, took_s, total.analysis_bytes);
    return 0;
}
