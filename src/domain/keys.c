/* keys.c: names of blobs. */
#include "domain/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define FORMAT_KEY(key, ...)                                                                                           \
    DM_CHECK((size_t)snprintf((key).text, sizeof((key).text), __VA_ARGS__) < sizeof((key).text))

struct dm_blob_key dm_key_document(const struct dm_file *file)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/", file->id);
    return key;
}

struct dm_blob_key dm_key_source(const struct dm_file *file)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/source", file->id);
    return key;
}

struct dm_blob_key dm_key_segments(const struct dm_file *file)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/pages/", file->id);
    return key;
}

struct dm_blob_key dm_key_segment(const struct dm_file *file, uint32_t epoch, uint32_t first_page, uint64_t claim,
                                  uint32_t n)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/pages/seg-%" PRIu32 "-%05" PRIu32 "-%" PRIu64 "-%" PRIu32 ".jsonl", file->id, epoch, first_page,
               claim, n);
    return key;
}

/* Put together by hand: every poll of a completed document asks for it. */
struct dm_blob_key dm_key_results(const struct dm_file *file, uint32_t epoch, const char *ending)
{
    struct dm_blob_key key;
    char digits[11] = "";
    size_t at = sizeof(digits) - 1;
    do
        digits[--at] = (char)('0' + epoch % 10);
    while (epoch /= 10);
    const char *const parts[] = { file->id, "/results-", digits + at, ending };
    size_t len = 0;
    for (size_t i = 0; i < DM_COUNT(parts); i++) {
        size_t size = strlen(parts[i]);
        DM_CHECK(size < sizeof(key.text) - len);
        memcpy(key.text + len, parts[i], size);
        len += size;
    }
    key.text[len] = '\0';
    return key;
}

struct dm_blob_key dm_key_reduction(const struct dm_file *file, uint32_t epoch)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/reduction-%" PRIu32 ".json", file->id, epoch);
    return key;
}

struct dm_blob_key dm_key_partial(const struct dm_file *file, uint64_t reader, const char *ending)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/partial-%" PRIu64 "%s", file->id, reader, ending);
    return key;
}

struct dm_blob_key dm_key_images(const struct dm_file *file)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/images/", file->id);
    return key;
}

struct dm_blob_key dm_key_image(const struct dm_file *file, uint32_t page, uint32_t long_edge, enum dm_media media)
{
    struct dm_blob_key key;
    FORMAT_KEY(key, "%s/images/%05" PRIu32 "-%" PRIu32 "%s", file->id, page, long_edge, dm_media_extension(media));
    return key;
}

/* The n-th of the numbers in a segment's key; 0 where it is none. */
static uint32_t segment_number(struct dm_str key, unsigned n)
{
    struct dm_str mark = DM_STR("/pages/seg-");
    size_t at = dm_str_find(key, mark);
    struct dm_str rest = dm_str_from(key, at + mark.len);
    struct dm_str number = DM_STR("");
    bool there = at < key.len;
    for (unsigned i = 0; i <= n && there; i++)
        there = dm_str_next(&rest, '-', &number);
    uint64_t value;
    if (!there || !dm_str_to_u64(number, &value))
        return 0;
    return value <= UINT32_MAX ? (uint32_t)value : 0;
}

uint32_t dm_key_segment_epoch(struct dm_str key)
{
    return segment_number(key, 0);
}

uint32_t dm_key_segment_first(struct dm_str key)
{
    return segment_number(key, 1);
}
