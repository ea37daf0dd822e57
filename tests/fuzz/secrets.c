/* secrets.c: sealed secrets. Byte 1: which character of the seal is changed. Byte 2: into what. The rest is opened as
 * it is, and sealed. */
#include "embedded/secrets_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { ROOM = 4 << 20 };

static const char purpose[] = "document-password";
static const struct dm_tenant acme = { .id = "acme" }, other = { .id = "acm" };

static struct dm_secrets key_file(void)
{
    static struct dm_key_file *file;
    char path[] = "/tmp/docmill-fuzz-XXXXXX";
    struct dm_err err;
    if (file)
        return dm_key_file_secrets(file);
    EXPECT(mkdtemp(path));
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(folder >= 0 && dm_key_file_open(folder, "secret.key", path, &file, &err) == DM_OK);
    EXPECT(unlinkat(folder, "secret.key", 0) == 0 && rmdir(path) == 0);
    close(folder);
    return dm_key_file_secrets(file);
}

static enum dm_code open_sealed(const struct dm_tenant *tenant, const char *of, struct dm_str sealed,
                                struct dm_buf *ret)
{
    struct dm_err err;
    dm_buf_clear(ret);
    enum dm_code rc = dm_secrets_open(key_file(), tenant, of, sealed, ret, &err);
    EXPECT(rc == DM_OK || (rc == DM_CORRUPT && ret->len == 0 && !ret->failed));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    size_t at = input_u8(&input);
    char into = (char)input_u8(&input);
    struct dm_str bytes = input_rest(&input);
    DM_AUTO(dm_buf) sealed = dm_buf_make(ROOM);
    DM_AUTO(dm_buf) opened = dm_buf_make(ROOM);
    struct dm_err err;
    EXPECT(open_sealed(&acme, purpose, bytes, &opened) == DM_CORRUPT); /* nobody guesses a seal */
    EXPECT(dm_secrets_seal(key_file(), &acme, purpose, bytes, &sealed, &err) == DM_OK);
    EXPECT(fuzz_is_plain_ascii(dm_buf_str(&sealed)));
    EXPECT(open_sealed(&acme, purpose, dm_buf_str(&sealed), &opened) == DM_OK);
    EXPECT(dm_str_eq(dm_buf_str(&opened), bytes));
    EXPECT(open_sealed(&other, purpose, dm_buf_str(&sealed), &opened) == DM_CORRUPT);
    EXPECT(open_sealed(&acme, "document", dm_buf_str(&sealed), &opened) == DM_CORRUPT);
    EXPECT(open_sealed(&acme, purpose, dm_str_cut(dm_buf_str(&sealed), 0, at), &opened) == DM_CORRUPT ||
           at >= sealed.len);
    if (sealed.at[at % sealed.len] != into) {
        sealed.at[at % sealed.len] = into;
        EXPECT(open_sealed(&acme, purpose, dm_buf_str(&sealed), &opened) == DM_CORRUPT);
    }
    input_free(&input);
    return 0;
}
