/* names.c: tenants, document ids, and the keys of blobs. Line 1: a tenant. Line 2: an id. Line 3: a key. Then numbers. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/keys.h"
#include "embedded/files.h"
#include "fuzz.h"

/* An empty folder that is a blob store's root: nothing is found there, and nothing is made. */
static int empty_folder(void)
{
    static int fd = -1;
    char path[] = "/tmp/docmill-fuzz-XXXXXX";
    if (fd >= 0)
        return fd;
    EXPECT(mkdtemp(path));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(fd >= 0 && rmdir(path) == 0);
    return fd;
}

static void check_place(const struct dm_tenant *tenant, struct dm_str key, bool must_be_key)
{
    struct dm_place place;
    struct dm_err err;
    enum dm_code rc = dm_place_open(empty_folder(), tenant, key, false, &place, &err);
    EXPECT(rc == DM_NOT_FOUND || (!must_be_key && rc == DM_INVALID));
    if (rc == DM_INVALID)
        return;
    EXPECT(fuzz_is_plain_ascii(key) && key.len < DM_BLOB_KEY_MAX && key.at[0] != '/' && key.at[0] != '.');
    EXPECT(dm_str_find(key, DM_STR("//")) == key.len && dm_str_find(key, DM_STR("/.")) == key.len);
}

static void check_keys(const struct dm_tenant *tenant, const struct dm_file *file, struct input *input)
{
    uint32_t epoch = input_u32(input), page = input_u32(input), n = input_u32(input);
    uint64_t claim = input_u64(input);
    enum dm_media media = (enum dm_media)(n % DM_MEDIA_COUNT);
    struct dm_blob_key prefix = dm_key_document(file);
    const struct dm_blob_key keys[] = {
        dm_key_source(file),
        dm_key_segment(file, epoch, page, claim, n),
        dm_key_results(file, epoch, ".jsonl"),
        dm_key_reduction(file, epoch),
        dm_key_partial(file, claim, ".json"),
        dm_key_image(file, page, n, media),
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++) {
        EXPECT(dm_str_starts(dm_str_z(keys[i].text), dm_str_z(prefix.text)));
        check_place(tenant, dm_str_z(keys[i].text), true);
        EXPECT(dm_key_segment_epoch(dm_str_z(keys[i].text)) == (i == 1 ? epoch : 0));
    }
    EXPECT(dm_str_starts(dm_str_z(keys[1].text), dm_str_z(dm_key_segments(file).text)));
}

static void check_made_id(struct input *input)
{
    unsigned char random[DM_ID_RANDOM];
    char first[DM_ID_TEXT], second[DM_ID_TEXT];
    int64_t wall_ms = (int64_t)(input_u64(input) >> 17); /* what an id has room for */
    for (size_t i = 0; i < sizeof(random); i++)
        random[i] = input_u8(input);
    EXPECT(dm_id_valid(dm_id_text(wall_ms, random, first)));
    dm_id_text(wall_ms + 1, random, second);
    EXPECT(strcmp(first, second) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str tenant_text = input_line(&input);
    struct dm_str id = input_line(&input);
    struct dm_str key = input_line(&input);
    struct dm_tenant tenant = { .id = "untouched" };
    struct dm_file file = { .id = "untouched" };
    struct dm_err err;
    enum dm_code rc = dm_tenant_parse(tenant_text, &tenant, &err);
    EXPECT(rc == DM_OK || (rc == DM_INVALID && strcmp(tenant.id, "untouched") == 0));
    if (rc == DM_OK)
        EXPECT(dm_str_eq(dm_str_z(tenant.id), tenant_text) && fuzz_is_plain_ascii(tenant_text));
    else
        tenant = (struct dm_tenant){ .id = "acme" };
    rc = dm_file_parse(id, &file, &err);
    EXPECT(rc == DM_OK || (rc == DM_NOT_FOUND && strcmp(file.id, "untouched") == 0));
    EXPECT((rc == DM_OK) == dm_id_valid(id));
    if (rc == DM_OK) {
        EXPECT(dm_str_eq(dm_str_z(file.id), id));
        check_keys(&tenant, &file, &input);
    }
    check_place(&tenant, key, false);
    (void)dm_key_segment_epoch(key);
    check_made_id(&input);
    input_free(&input);
    return 0;
}
