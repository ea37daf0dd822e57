/* sealing.c: see sealing.h. */
#include "ports/sealing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "base/alloc.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, PURPOSE_MAX = 64, READY_MACS = 8 };

/* A MAC that has its purpose's key already. Used by copying. */
struct ready_mac {
    const char *purpose;
    EVP_MAC_CTX *mac;
};

struct dm_macs {
    struct dm_sealing_key key;
    pthread_mutex_t lock; /* guards `ready` */
    struct ready_mac ready[READY_MACS];
};

/* ---- keys ---------------------------------------------------------------------------------------------------- */

void dm_sealing_key_free(struct dm_sealing_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
}

enum dm_code dm_sealing_derive(const struct dm_sealing_key *key, const char *use, const char *purpose,
                               struct dm_sealing_key *ret, struct dm_err *err)
{
    char label[PURPOSE_MAX];
    unsigned size = 0;
    int len = snprintf(label, sizeof(label), "docmill 1 %s %s", use, purpose);
    if (len < 0 || (size_t)len >= sizeof(label))
        return dm_fail(err, DM_INVALID, "the name of a secret's purpose is too long");
    if (!HMAC(EVP_sha256(), key->bytes, DM_SEALING_KEY_BYTES, (const unsigned char *)label, (size_t)len, ret->bytes,
              &size) ||
        size != DM_SEALING_KEY_BYTES)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to compute a MAC");
    return DM_OK;
}

/* ---- sealing ------------------------------------------------------------------------------------------------- */

static void cipher_free(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher);
}

/* What is authenticated beside the text; the NUL keeps "a" + "bc" and "ab" + "c" apart. */
static bool add_context(EVP_CIPHER_CTX *cipher, bool seal, struct dm_str head, const struct dm_tenant *tenant,
                        const char *purpose)
{
    int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
        seal ? EVP_EncryptUpdate : EVP_DecryptUpdate;
    int ignored;
    return (head.len == 0 || update(cipher, NULL, &ignored, (const unsigned char *)head.at, (int)head.len) == 1) &&
           update(cipher, NULL, &ignored, (const unsigned char *)tenant->id, (int)strlen(tenant->id) + 1) == 1 &&
           update(cipher, NULL, &ignored, (const unsigned char *)purpose, (int)strlen(purpose)) == 1;
}

enum dm_code dm_sealing_seal(struct dm_runtime runtime, const struct dm_sealing_key *key, struct dm_str head,
                             const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                             struct dm_buf *ret, struct dm_err *err)
{
    if (plain.len > DM_SEALING_PLAIN_MAX)
        return dm_fail(err, DM_TOO_LARGE, "a secret is over %d bytes", (int)DM_SEALING_PLAIN_MAX);
    unsigned char *nonce = (unsigned char *)dm_buf_reserve(ret, NONCE_BYTES + plain.len + TAG_BYTES);
    if (!nonce)
        return dm_buf_check(ret, "a sealed secret", err);
    unsigned char *room = nonce + NONCE_BYTES;
    DM_CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher)
        return dm_fail_memory(err);
    dm_random(runtime, nonce, NONCE_BYTES);
    int size = 0, rest = 0;
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) != 1 ||
        !add_context(cipher, true, head, tenant, purpose) ||
        EVP_EncryptUpdate(cipher, room, &size, (const unsigned char *)(plain.len ? plain.at : ""), (int)plain.len) !=
            1 ||
        EVP_EncryptFinal_ex(cipher, room + size, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, room + plain.len) != 1)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to seal");
    dm_buf_grown(ret, NONCE_BYTES + plain.len + TAG_BYTES);
    return DM_OK;
}

static enum dm_code not_ours(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT, "a sealed secret cannot be opened");
}

enum dm_code dm_sealing_open(const struct dm_sealing_key *key, struct dm_str head, const struct dm_tenant *tenant,
                             const char *purpose, struct dm_str sealed, struct dm_buf *ret, struct dm_err *err)
{
    if (sealed.len < DM_SEALING_MORE_BYTES || sealed.len > DM_SEALING_PLAIN_MAX + DM_SEALING_MORE_BYTES)
        return not_ours(err);
    size_t plain_len = sealed.len - DM_SEALING_MORE_BYTES;
    const unsigned char *nonce = (const unsigned char *)sealed.at;
    unsigned char tag[TAG_BYTES];
    memcpy(tag, nonce + NONCE_BYTES + plain_len, TAG_BYTES);
    unsigned char *room = (unsigned char *)dm_buf_reserve(ret, plain_len);
    if (!room)
        return dm_buf_check(ret, "an opened secret", err);
    DM_CLEANUP(cipher_free) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher)
        return dm_fail_memory(err);
    int size = 0, rest = 0;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) != 1 ||
        !add_context(cipher, false, head, tenant, purpose) ||
        EVP_DecryptUpdate(cipher, room, &size, nonce + NONCE_BYTES, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1 ||
        EVP_DecryptFinal_ex(cipher, room + size, &rest) != 1) {
        OPENSSL_cleanse(room, plain_len); /* unproven text */
        return not_ours(err);
    }
    dm_buf_grown(ret, plain_len);
    return DM_OK;
}

/* ---- MACs ---------------------------------------------------------------------------------------------------- */

static void mac_free(EVP_MAC_CTX **mac)
{
    EVP_MAC_CTX_free(*mac);
}

static enum dm_code make_mac(const struct dm_macs *macs, const char *purpose, EVP_MAC_CTX **ret, struct dm_err *err)
{
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    enum dm_code rc = dm_sealing_derive(&macs->key, "mac", purpose, &key, err);
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
static enum dm_code take_mac(struct dm_macs *macs, const char *purpose, EVP_MAC_CTX **ret, struct dm_err *err)
{
    enum dm_code rc = DM_OK;
    EVP_MAC_CTX *copy = NULL;
    pthread_mutex_lock(&macs->lock);
    struct ready_mac *ready = macs->ready;
    while (ready < macs->ready + READY_MACS && ready->purpose && strcmp(ready->purpose, purpose) != 0)
        ready++;
    bool kept = ready < macs->ready + READY_MACS;
    if (kept && !ready->purpose) {
        rc = make_mac(macs, purpose, &ready->mac, err);
        ready->purpose = rc == DM_OK ? purpose : NULL;
    }
    if (kept && rc == DM_OK)
        copy = EVP_MAC_CTX_dup(ready->mac);
    pthread_mutex_unlock(&macs->lock);
    if (!kept)
        rc = make_mac(macs, purpose, &copy, err);
    if (rc == DM_OK && !copy)
        rc = dm_fail_memory(err);
    if (rc == DM_OK)
        *ret = copy;
    return rc;
}

enum dm_code dm_macs_make(const struct dm_sealing_key *key, struct dm_macs **ret, struct dm_err *err)
{
    struct dm_macs *macs = dm_alloc_zero(1, sizeof(*macs));
    if (!macs)
        return dm_fail_memory(err);
    pthread_mutex_init(&macs->lock, NULL);
    macs->key = *key;
    *ret = macs;
    return DM_OK;
}

void dm_macs_free(struct dm_macs *macs)
{
    if (!macs)
        return;
    for (size_t i = 0; i < READY_MACS; i++)
        EVP_MAC_CTX_free(macs->ready[i].mac);
    pthread_mutex_destroy(&macs->lock);
    OPENSSL_cleanse(macs, sizeof(*macs));
    dm_free(macs);
}

enum dm_code dm_macs_compute(struct dm_macs *macs, const char *purpose, struct dm_str text,
                             unsigned char ret[DM_MAC_BYTES], struct dm_err *err)
{
    DM_CLEANUP(mac_free) EVP_MAC_CTX *mac = NULL;
    enum dm_code rc = take_mac(macs, purpose, &mac, err);
    if (rc != DM_OK)
        return rc;
    size_t size = 0;
    if (EVP_MAC_update(mac, (const unsigned char *)(text.len ? text.at : ""), text.len) != 1 ||
        EVP_MAC_final(mac, ret, &size, DM_MAC_BYTES) != 1 || size != DM_MAC_BYTES)
        return dm_fail(err, DM_INTERNAL, "OpenSSL refuses to compute a MAC");
    return DM_OK;
}
