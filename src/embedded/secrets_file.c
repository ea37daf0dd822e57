/* secrets_file.c: sealing with a key that lies in a file beside the database.
 *
 * The file holds 32 random bytes, is made once, and is for its owner alone. It is not in the database and not in
 * backups, so that neither of them opens what was sealed; whoever restores a backup needs the file, too.
 *
 * No two uses share a key: each purpose gets its own by HMAC-SHA-256 of its name under the file's. A sealed text
 * is base64url of  u8 version | 12 bytes nonce | AES-256-GCM of the text | 16 bytes tag, with tenant and purpose
 * authenticated. */
#include "embedded/secrets_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "embedded/embedded.h"
#include "embedded/folder.h"
#include "ports/sealing.h"

enum { VERSION = 1 };

struct dm_key_file {
    struct dm_sealing_key key;
    struct dm_macs *macs;
};

/* ---- the port's functions ------------------------------------------------------------------------------------ */

static enum dm_code key_file_seal(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                                  struct dm_buf *ret, struct dm_err *err)
{
    const struct dm_key_file *file = self;
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    DM_AUTO(dm_buf) sealed = dm_buf_make(1 + DM_SEALING_PLAIN_MAX + DM_SEALING_MORE_BYTES);
    enum dm_code rc = dm_sealing_derive(&file->key, "seal", purpose, &key, err);
    dm_buf_add_char(&sealed, VERSION);
    if (rc == DM_OK)
        rc = dm_sealing_seal(dm_threads_runtime(), &key, DM_STR(""), tenant, purpose, plain, &sealed, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add_base64url(ret, dm_buf_str(&sealed));
    return dm_buf_check(ret, "a sealed secret", err);
}

static enum dm_code not_ours(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT,
                   "a sealed secret cannot be opened: it was changed, is another's, or the key file is not the one it "
                   "was sealed with");
}

static enum dm_code key_file_open(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                                  struct dm_buf *ret, struct dm_err *err)
{
    const struct dm_key_file *file = self;
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    DM_AUTO(dm_buf) bytes = dm_buf_make(1 + DM_SEALING_PLAIN_MAX + DM_SEALING_MORE_BYTES);
    bool decoded = dm_buf_add_base64url_decoded(&bytes, sealed);
    if (bytes.starved)
        return dm_fail_memory(err);
    if (!decoded || bytes.len == 0 || bytes.at[0] != VERSION)
        return not_ours(err);
    enum dm_code rc = dm_sealing_derive(&file->key, "seal", purpose, &key, err);
    if (rc == DM_OK)
        rc = dm_sealing_open(&key, DM_STR(""), tenant, purpose, dm_str_from(dm_buf_str(&bytes), 1), ret, err);
    return rc == DM_CORRUPT ? not_ours(err) : rc;
}

static enum dm_code key_file_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                                 struct dm_err *err)
{
    const struct dm_key_file *file = self;
    return dm_macs_compute(file->macs, purpose, text, ret, err);
}

static const struct dm_secrets_ops ops = {
    .name = "file",
    .seal = key_file_seal,
    .open = key_file_open,
    .mac = key_file_mac,
};

struct dm_secrets dm_key_file_secrets(struct dm_key_file *file)
{
    return (struct dm_secrets){ &ops, file };
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

/* Under another name first: a key that was cut short by a crash must not be taken for one. */
static enum dm_code make_key(int folder_fd, const char *name, const char *path, struct dm_err *err)
{
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    char fresh[64];
    snprintf(fresh, sizeof(fresh), "%s.new", name);
    unlinkat(folder_fd, fresh, 0);
    DM_CLEANUP(dm_close_fd)
    int fd = openat(folder_fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return dm_fail_errno(err, errno, "the key file %s/%s cannot be made", path, name);
    dm_random(dm_threads_runtime(), key.bytes, sizeof(key.bytes));
    ssize_t written = write(fd, key.bytes, sizeof(key.bytes));
    int failure = errno;
    if (written != DM_SEALING_KEY_BYTES)
        return dm_fail_errno(err, written < 0 ? failure : ENOSPC, "the key file %s/%s cannot be written", path, name);
    /* linkat rather than a rename: it never replaces a key. */
    if (fsync(fd) < 0 || linkat(folder_fd, fresh, folder_fd, name, 0) < 0 || unlinkat(folder_fd, fresh, 0) < 0 ||
        fsync(folder_fd) < 0)
        return dm_fail_errno(err, errno, "the key file %s/%s cannot be made", path, name);
    return DM_OK;
}

static enum dm_code read_key(int fd, const char *name, const char *path, struct dm_key_file *ret, struct dm_err *err)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return dm_fail_errno(err, errno, "the key file %s/%s cannot be read", path, name);
    if (!S_ISREG(about.st_mode))
        return dm_fail(err, DM_REFUSED, "%s/%s is no file", path, name);
    if (about.st_mode & 077)
        return dm_fail(err, DM_REFUSED,
                       "the key file %s/%s may be read by others than its owner (mode %03o): if nobody has, "
                       "chmod 600 it; else replace what was sealed with it",
                       path, name, (unsigned)(about.st_mode & 0777));
    if (about.st_size != DM_SEALING_KEY_BYTES ||
        pread(fd, ret->key.bytes, DM_SEALING_KEY_BYTES, 0) != DM_SEALING_KEY_BYTES)
        return dm_fail(err, DM_CORRUPT, "the key file %s/%s does not hold %d bytes: restore it from a copy", path, name,
                       (int)DM_SEALING_KEY_BYTES);
    return DM_OK;
}

enum dm_code dm_key_file_open(int folder_fd, const char *name, const char *path, struct dm_key_file **ret,
                              struct dm_err *err)
{
    DM_CLEANUP(dm_close_fd) int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        enum dm_code rc = make_key(folder_fd, name, path, err);
        if (rc != DM_OK)
            return rc;
        fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0)
        return dm_fail_errno(err, errno, "the key file %s/%s cannot be opened", path, name);
    struct dm_key_file *file = dm_alloc_zero(1, sizeof(*file));
    if (!file)
        return dm_fail_memory(err);
    enum dm_code rc = read_key(fd, name, path, file, err);
    if (rc == DM_OK)
        rc = dm_macs_make(&file->key, &file->macs, err);
    if (rc != DM_OK) {
        dm_key_file_close(file);
        return rc;
    }
    *ret = file;
    return DM_OK;
}

void dm_key_file_close(struct dm_key_file *file)
{
    if (!file)
        return;
    dm_macs_free(file->macs);
    dm_sealing_key_free(&file->key);
    dm_free(file);
}
