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
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "embedded/embedded.h"
#include "embedded/folder.h"

enum {
    KEY_BYTES = 32,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    VERSION = 1,
    HEAD_BYTES = 1 + NONCE_BYTES,
    PURPOSE_MAX = 64,
    PLAIN_MAX = 1 << 20,
    READY_MACS = 8,
};

/* A MAC that has its purpose's key already: fetching the algorithm and preparing the key are most of what one
 * costs, and every job with a link is signed. Used by copying. */
struct ready_mac {
    const char *purpose;
    EVP_MAC_CTX *mac;
};

struct dm_key_file {
    unsigned char key[KEY_BYTES];
    pthread_mutex_t lock; /* guards `ready` */
    struct ready_mac ready[READY_MACS];
};

struct derived_key {
    unsigned char bytes[KEY_BYTES];
};

static void derived_key_free(struct derived_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
}

/* ---- keys ---------------------------------------------------------------------------------------------------- */

static enum dm_code hmac(const unsigned char key[KEY_BYTES], struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                         struct dm_err *err)
{
    unsigned size = 0;
    if (!HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *)text.at, text.len, ret, &size) ||
        size != DM_MAC_BYTES)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to compute a MAC");
    return DM_OK;
}

/* `use` is "seal" or "mac": the same purpose of both kinds gets two keys. */
static enum dm_code derive(const struct dm_key_file *file, const char *use, const char *purpose,
                           struct derived_key *ret, struct dm_err *err)
{
    char label[PURPOSE_MAX];
    int size = snprintf(label, sizeof(label), "docmill 1 %s %s", use, purpose);
    if (size < 0 || (size_t)size >= sizeof(label))
        return dm_fail(err, DM_INVALID, "the name of a secret's purpose is too long");
    return hmac(file->key, dm_str_of(label, (size_t)size), ret->bytes, err);
}

/* ---- sealing ------------------------------------------------------------------------------------------------- */

/* What is authenticated beside the text; the NUL keeps "a" + "bc" and "ab" + "c" apart. */
static bool add_context(EVP_CIPHER_CTX *cipher, bool seal, const struct dm_tenant *tenant, const char *purpose)
{
    int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
        seal ? EVP_EncryptUpdate : EVP_DecryptUpdate;
    int ignored;
    return update(cipher, NULL, &ignored, (const unsigned char *)tenant->id, (int)strlen(tenant->id) + 1) == 1 &&
           update(cipher, NULL, &ignored, (const unsigned char *)purpose, (int)strlen(purpose)) == 1;
}

static void cipher_free(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher);
}

static enum dm_code key_file_seal(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                                  struct dm_buf *ret, struct dm_err *err)
{
    DM_AUTO(derived_key) key = { { 0 } };
    DM_AUTO(dm_buf) sealed = dm_buf_make(PLAIN_MAX + HEAD_BYTES + TAG_BYTES);
    if (plain.len > PLAIN_MAX)
        return dm_fail(err, DM_TOO_LARGE, "a secret is over %d bytes", (int)PLAIN_MAX);
    enum dm_code rc = derive(self, "seal", purpose, &key, err);
    if (rc != DM_OK)
        return rc;
    unsigned char nonce[NONCE_BYTES];
    dm_random(dm_threads_runtime(), nonce, sizeof(nonce));
    dm_buf_add_char(&sealed, VERSION);
    dm_buf_add(&sealed, dm_str_of(nonce, sizeof(nonce)));
    unsigned char *room = (unsigned char *)dm_buf_reserve(&sealed, plain.len + TAG_BYTES);
    DM_CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!room || !cipher)
        return dm_fail_memory(err);
    int size = 0, rest = 0;
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key.bytes, nonce) != 1 ||
        !add_context(cipher, true, tenant, purpose) ||
        EVP_EncryptUpdate(cipher, room, &size, (const unsigned char *)(plain.len ? plain.at : ""), (int)plain.len) !=
            1 ||
        EVP_EncryptFinal_ex(cipher, room + size, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, room + plain.len) != 1)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to seal");
    dm_buf_grown(&sealed, plain.len + TAG_BYTES);
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
    DM_AUTO(derived_key) key = { { 0 } };
    DM_AUTO(dm_buf) bytes = dm_buf_make(PLAIN_MAX + HEAD_BYTES + TAG_BYTES);
    bool decoded = dm_buf_add_base64url_decoded(&bytes, sealed);
    if (bytes.starved)
        return dm_fail_memory(err);
    if (!decoded || bytes.len < HEAD_BYTES + TAG_BYTES || bytes.at[0] != VERSION)
        return not_ours(err);
    enum dm_code rc = derive(self, "seal", purpose, &key, err);
    if (rc != DM_OK)
        return rc;
    unsigned char *at = (unsigned char *)bytes.at;
    size_t plain_len = bytes.len - HEAD_BYTES - TAG_BYTES;
    unsigned char *room = (unsigned char *)dm_buf_reserve(ret, plain_len);
    if (!room)
        return dm_buf_check(ret, "an opened secret", err);
    DM_CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher)
        return dm_fail_memory(err);
    int size = 0, rest = 0;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key.bytes, at + 1) != 1 ||
        !add_context(cipher, false, tenant, purpose) ||
        EVP_DecryptUpdate(cipher, room, &size, at + HEAD_BYTES, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, at + HEAD_BYTES + plain_len) != 1 ||
        EVP_DecryptFinal_ex(cipher, room + size, &rest) != 1) {
        OPENSSL_cleanse(room, plain_len); /* unproven text */
        return not_ours(err);
    }
    dm_buf_grown(ret, plain_len);
    return DM_OK;
}

static void mac_free(EVP_MAC_CTX **mac)
{
    EVP_MAC_CTX_free(*mac);
}

static enum dm_code make_mac(const struct dm_key_file *file, const char *purpose, EVP_MAC_CTX **ret, struct dm_err *err)
{
    DM_AUTO(derived_key) key = { { 0 } };
    enum dm_code rc = derive(file, "mac", purpose, &key, err);
    if (rc != DM_OK)
        return rc;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                      OSSL_PARAM_construct_end() };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(algorithm); /* holds the algorithm */
    EVP_MAC_free(algorithm);
    if (!mac || EVP_MAC_init(mac, key.bytes, sizeof(key.bytes), parameters) != 1) {
        EVP_MAC_CTX_free(mac);
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to prepare a MAC");
    }
    *ret = mac;
    return DM_OK;
}

/* A copy of the purpose's MAC. Purposes are few and static words; one more than there are places is made anew
 * each time. */
static enum dm_code take_mac(struct dm_key_file *file, const char *purpose, EVP_MAC_CTX **ret, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    EVP_MAC_CTX *copy = NULL;
    pthread_mutex_lock(&file->lock);
    struct ready_mac *ready = file->ready;
    while (ready < file->ready + READY_MACS && ready->purpose && strcmp(ready->purpose, purpose) != 0)
        ready++;
    bool kept = ready < file->ready + READY_MACS;
    if (kept && !ready->purpose) {
        rc = make_mac(file, purpose, &ready->mac, err);
        ready->purpose = rc == DM_OK ? purpose : NULL;
    }
    if (kept && rc == DM_OK)
        copy = EVP_MAC_CTX_dup(ready->mac);
    pthread_mutex_unlock(&file->lock);
    if (!kept)
        rc = make_mac(file, purpose, &copy, err);
    if (rc == DM_OK && !copy)
        rc = dm_fail_memory(err);
    if (rc == DM_OK)
        *ret = copy;
    return rc;
}

static enum dm_code key_file_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                                 struct dm_err *err)
{
    DM_CLEANUP(mac_free) EVP_MAC_CTX *mac = NULL;
    enum dm_code rc = take_mac(self, purpose, &mac, err);
    if (rc != DM_OK)
        return rc;
    size_t size = 0;
    if (EVP_MAC_update(mac, (const unsigned char *)(text.len ? text.at : ""), text.len) != 1 ||
        EVP_MAC_final(mac, ret, &size, DM_MAC_BYTES) != 1 || size != DM_MAC_BYTES)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to compute a MAC");
    return DM_OK;
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
    struct derived_key key;
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
    OPENSSL_cleanse(&key, sizeof(key));
    if (written != KEY_BYTES)
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
    if (about.st_size != KEY_BYTES || pread(fd, ret->key, KEY_BYTES, 0) != KEY_BYTES)
        return dm_fail(err, DM_CORRUPT, "the key file %s/%s does not hold %d bytes: restore it from a copy", path, name,
                       (int)KEY_BYTES);
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
    pthread_mutex_init(&file->lock, NULL);
    enum dm_code rc = read_key(fd, name, path, file, err);
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
    for (size_t i = 0; i < READY_MACS; i++)
        EVP_MAC_CTX_free(file->ready[i].mac);
    pthread_mutex_destroy(&file->lock);
    OPENSSL_cleanse(file, sizeof(*file));
    dm_free(file);
}
