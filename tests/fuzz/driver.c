/* driver.c: a harness as an ordinary test: runs every file of a folder, and beginnings of each, because a text
 * that stops in the middle is what parsers are surprised by most.
 *
 *   fuzz_NAME FOLDER     as a test does
 *   fuzz_NAME FILE       one input as it is */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { FILE_MAX = 1 << 20, BEGINNINGS = 24, PATH_ROOM = 4096 };

/* In a block of exactly its size, as libFuzzer gives it. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    EXPECT(copy != NULL);
    if (size)
        memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t run_file(const char *path, bool beginnings)
{
    static uint8_t bytes[FILE_MAX];
    size_t runs = 1;
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    /* Said before, so that the last line names what broke it. */
    fprintf(stderr, "%s (%zu bytes)\n", path, size);
    size_t step = size / BEGINNINGS + 1;
    for (size_t len = 0; beginnings && len < size; len += step, runs++)
        run(bytes, len);
    run(bytes, size);
    return runs;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    size_t runs = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int count = scandir(argv[i], &entries, is_visible, alphasort);
        if (count < 0)
            runs += run_file(argv[i], false);
        for (int k = 0; k < count; k++) {
            char path[PATH_ROOM];
            EXPECT((size_t)snprintf(path, sizeof(path), "%s/%s", argv[i], entries[k]->d_name) < sizeof(path));
            runs += run_file(path, true);
            free(entries[k]);
        }
        if (count >= 0)
            free(entries);
    }
    printf("%zu inputs passed\n", runs);
    return runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
