/* fuzz.c: see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    dm_json_setup();
    return 0;
}

void fuzz_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

struct input input_of(const uint8_t *data, size_t size)
{
    return (struct input){ .at = data, .left = size };
}

void input_free(struct input *input)
{
    for (size_t i = 0; i < input->count; i++)
        free(input->blocks[i]);
    free(input->blocks);
    *input = (struct input){ 0 };
}

static void *block(struct input *input, size_t size)
{
    void **blocks = realloc(input->blocks, (input->count + 1) * sizeof(*blocks));
    void *room = malloc(size);
    EXPECT(blocks != NULL && (room != NULL || size == 0));
    input->blocks = blocks;
    blocks[input->count++] = room;
    return room;
}

struct dm_str input_copy(struct input *input, struct dm_str text)
{
    char *room = block(input, text.len);
    if (text.len)
        memcpy(room, text.at, text.len);
    return dm_str_of(room, text.len);
}

struct dm_str input_text(struct input *input, size_t size)
{
    if (size > input->left)
        size = input->left;
    struct dm_str text = input_copy(input, dm_str_of(input->at, size));
    if (size)
        input->at += size;
    input->left -= size;
    return text;
}

struct dm_str input_rest(struct input *input)
{
    return input_text(input, input->left);
}

struct dm_str input_line(struct input *input)
{
    struct dm_str line = input_text(input, dm_str_find_char(dm_str_of(input->at, input->left), '\n'));
    if (input->left) {
        input->at++;
        input->left--;
    }
    return line;
}

static uint64_t number(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && input->left > 0; i++) {
        value |= (uint64_t)*input->at++ << (8 * i);
        input->left--;
    }
    return value;
}

uint8_t input_u8(struct input *input)
{
    return (uint8_t)number(input, 1);
}

uint32_t input_u32(struct input *input)
{
    return (uint32_t)number(input, 4);
}

uint64_t input_u64(struct input *input)
{
    return number(input, 8);
}

char *input_z(struct input *input, struct dm_str text)
{
    size_t len = dm_str_find_char(text, '\0');
    char *room = block(input, len + 1);
    if (len)
        memcpy(room, text.at, len);
    room[len] = '\0';
    return room;
}

bool fuzz_is_plain_ascii(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return true;
}

bool fuzz_is_plain_utf8(struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return false;
    return dm_str_is_utf8(text);
}

int fuzz_file(struct dm_str bytes)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    EXPECT(fd >= 0);
    for (size_t done = 0; done < bytes.len;) {
        ssize_t written = write(fd, bytes.at + done, bytes.len - done);
        EXPECT(written > 0);
        done += (size_t)written;
    }
    EXPECT(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}
