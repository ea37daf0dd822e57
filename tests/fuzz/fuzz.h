/* fuzz.h: what the harnesses share.
 *
 * A harness is one file with one function, LLVMFuzzerTestOneInput, over one parser of bytes from outside. It is built
 * twice: by clang against libFuzzer (scripts/fuzz), which looks for bytes that break it, and by the usual compiler
 * against driver.c, which runs what is in seeds/ as an ordinary test.
 *
 * A harness does more than run: it states what must hold of what the parser lets through (EXPECT). An input
 * that breaks one of them is a finding like a read past the end. */
#ifndef DM_TESTS_FUZZ_H
#define DM_TESTS_FUZZ_H

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Before the first input: what main does in docmill. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Ends the process, which is how a finding is reported. */
#define EXPECT(condition) ((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, __LINE__))
DM_NORETURN void fuzz_failed(const char *condition, const char *file, int line);

/* The input, taken apart from its front. What is missing is 0 or empty, so every input means something. Texts are
 * copies in blocks of exactly their size, so that a sanitizer sees who reads past one; they live until input_free. */
struct input {
    const uint8_t *at;
    size_t left;
    void **blocks;
    size_t count;
};

struct input input_of(const uint8_t *data, size_t size);
void input_free(struct input *input);
uint8_t input_u8(struct input *input);
uint32_t input_u32(struct input *input); /* little-endian */
uint64_t input_u64(struct input *input);
struct dm_str input_text(struct input *input, size_t size); /* at most so many bytes */
/* What stands before the next newline, which is used up; seeds with lines can be read and written by hand. */
struct dm_str input_line(struct input *input);
struct dm_str input_rest(struct input *input);
/* As a C string that ends where the text has its first NUL. */
char *input_z(struct input *input, struct dm_str text);
/* A copy of any text in a block of its own. */
struct dm_str input_copy(struct input *input, struct dm_str text);

/* ASCII without control characters, or UTF-8 without any: fit to be shown, sent in a header, or put on a line. */
bool fuzz_is_plain_ascii(struct dm_str text);
bool fuzz_is_plain_utf8(struct dm_str text);

/* A descriptor of an anonymous file with these bytes, at its start. */
int fuzz_file(struct dm_str bytes);

#endif
