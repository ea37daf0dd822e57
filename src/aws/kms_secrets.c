/* kms_secrets.c: the secrets port over KMS.
 *
 * A sealed text is base64url of  u8 version | u16 length | data key, encrypted by KMS | nonce | AES-256-GCM of the text | tag.
 * All before the nonce is authenticated with tenant and purpose, so that no other key can be put in the place of the one that is
 * there. KMS authenticates tenant and purpose once more, as its encryption context, which its log shows. */
#include "aws/kms.h"

#include "aws/aws.h"
#include "base/alloc.h"
#include "base/calendar.h"
#include "base/encode.h"
#include "base/secret.h"

enum {
    VERSION = 2, /* 1: the key file's */
    HEAD_BYTES = 3,
    SEALED_MAX = HEAD_BYTES + DM_KMS_WRAPPED_MAX + DM_SEALING_PLAIN_MAX + DM_SEALING_MORE_BYTES,
    CALL_MS = 10 * DM_SECOND_MS,
    AGREE_MS = 250 /* between looks for a parameter that another node has just made */
};

struct dm_kms {
    struct dm_aws *aws;
    struct dm_runtime runtime;
    char *keys; /* with commas between */
    struct dm_kms_keys *kept;
    struct dm_macs *macs;
};

/* ---- the names of keys ------------------------------------------------------------------------------------------ */

static bool is_key_name(struct dm_str name)
{
    if (name.len == 0 || name.len > DM_KMS_KEY_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
                    c == '/' || c == '_' || c == '-';
        if (!fine)
            return false;
    }
    return true;
}

bool dm_kms_keys_valid(struct dm_str keys)
{
    struct dm_str name;
    uint32_t count = 0;
    bool valid = keys.len > 0 && !dm_str_ends(keys, DM_STR(","));
    while (valid && dm_str_next(&keys, ',', &name))
        valid = is_key_name(name) && ++count <= DM_KMS_KEYS_MAX;
    return valid;
}

static struct dm_str first_key(const struct dm_kms *kms)
{
    struct dm_str keys = dm_str_z(kms->keys);
    return dm_str_cut(keys, 0, dm_str_find_char(keys, ','));
}

/* By whichever of the keys it was wrapped. That one of them may not be asked says nothing of the others, and more than that another
 * is not the one. */
static enum dm_code unwrap(const struct dm_kms *kms, const struct dm_kms_context *context, struct dm_str wrapped,
                           int64_t deadline_ms, struct dm_sealing_key *ret, struct dm_err *err)
{
    struct dm_str rest = dm_str_z(kms->keys), name;
    struct dm_err why = { .code = DM_CORRUPT };
    while (dm_str_next(&rest, ',', &name)) {
        struct dm_err said = { .code = DM_OK };
        enum dm_code rc = dm_kms_unwrap(kms->aws, name, context, wrapped, deadline_ms, ret, &said);
        if (why.code != DM_DENIED && rc != DM_OK)
            why = said;
        if (rc != DM_CORRUPT && rc != DM_DENIED)
            return rc == DM_OK ? DM_OK : dm_fail(err, said.code, "%s", said.text);
    }
    return dm_fail(err, why.code, "%s", why.text);
}

/* ---- sealing and opening ---------------------------------------------------------------------------------------- */

/* What a deployment can mend while work waits. */
static enum dm_code later(enum dm_code rc, struct dm_err *err)
{
    struct dm_err why = err ? *err : (struct dm_err){ .code = rc };
    return rc == DM_DENIED ? dm_fail(err, DM_UNAVAILABLE, "%s", why.text) : rc;
}

static enum dm_code key_to_seal(struct dm_kms *kms, const struct dm_kms_context *context, struct dm_kms_data_key *ret,
                                struct dm_err *err)
{
    if (dm_kms_keys_find_to_seal(kms->kept, context, ret))
        return DM_OK;
    enum dm_code rc = dm_kms_generate(kms->aws, first_key(kms), context, dm_mono_ms(kms->runtime) + CALL_MS, ret, err);
    if (rc == DM_OK)
        dm_kms_keys_keep(kms->kept, context, &ret->key, dm_buf_str(&ret->wrapped), true);
    return later(rc, err);
}

static enum dm_code kms_seal(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                             struct dm_buf *ret, struct dm_err *err)
{
    struct dm_kms *kms = self;
    const struct dm_kms_context context = { tenant, purpose };
    DM_AUTO(dm_kms_data_key) data = { .key = { { 0 } } };
    DM_AUTO(dm_buf) sealed = dm_buf_make(SEALED_MAX);
    DM_AUTO(dm_buf) head = dm_buf_make(SEALED_MAX);
    enum dm_code rc = DM_OK;
    if (plain.len > DM_SEALING_PLAIN_MAX)
        return dm_fail(err, DM_TOO_LARGE, "a secret is over %d bytes", (int)DM_SEALING_PLAIN_MAX);
    rc = key_to_seal(kms, &context, &data, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add_char(&head, VERSION);
    dm_buf_add_char(&head, (char)(data.wrapped.len >> 8 & 255));
    dm_buf_add_char(&head, (char)(data.wrapped.len & 255));
    dm_buf_add(&head, dm_buf_str(&data.wrapped));
    rc = dm_buf_check(&head, "a sealed secret", err);
    dm_buf_add(&sealed, dm_buf_str(&head));
    if (rc == DM_OK)
        rc = dm_sealing_seal(kms->runtime, &data.key, dm_buf_str(&head), tenant, purpose, plain, &sealed, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add_base64url(ret, dm_buf_str(&sealed));
    return dm_buf_check(ret, "a sealed secret", err);
}

static enum dm_code not_ours(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT,
                   "a sealed secret cannot be opened: it was changed, is another's, or none of the keys in KMS_KEY_ID "
                   "is the one it was sealed with");
}

static enum dm_code key_to_open(struct dm_kms *kms, const struct dm_kms_context *context, struct dm_str wrapped,
                                struct dm_sealing_key *ret, struct dm_err *err)
{
    if (dm_kms_keys_find_to_open(kms->kept, context, wrapped, ret))
        return DM_OK;
    enum dm_code rc = unwrap(kms, context, wrapped, dm_mono_ms(kms->runtime) + CALL_MS, ret, err);
    if (rc == DM_OK)
        dm_kms_keys_keep(kms->kept, context, ret, wrapped, false);
    return later(rc, err);
}

static enum dm_code kms_open(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                             struct dm_buf *ret, struct dm_err *err)
{
    struct dm_kms *kms = self;
    const struct dm_kms_context context = { tenant, purpose };
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    DM_AUTO(dm_buf) bytes = dm_buf_make(SEALED_MAX);
    bool decoded = dm_buf_add_base64url_decoded(&bytes, sealed);
    if (bytes.starved)
        return dm_fail_memory(err);
    struct dm_str all = dm_buf_str(&bytes);
    size_t wrapped_len = all.len < HEAD_BYTES ? 0 : (size_t)((unsigned char)all.at[1] << 8 | (unsigned char)all.at[2]);
    if (!decoded || wrapped_len == 0 || wrapped_len > DM_KMS_WRAPPED_MAX || all.at[0] != VERSION ||
        all.len < HEAD_BYTES + wrapped_len + DM_SEALING_MORE_BYTES)
        return not_ours(err);
    struct dm_str head = dm_str_cut(all, 0, HEAD_BYTES + wrapped_len);
    enum dm_code rc = key_to_open(kms, &context, dm_str_from(head, HEAD_BYTES), &key, err);
    if (rc == DM_OK)
        rc = dm_sealing_open(&key, head, tenant, purpose, dm_str_from(all, head.len), ret, err);
    return rc == DM_CORRUPT ? not_ours(err) : rc;
}

static enum dm_code kms_mac(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                            struct dm_err *err)
{
    const struct dm_kms *kms = self;
    return dm_macs_compute(kms->macs, purpose, text, ret, err);
}

static const struct dm_secrets_ops ops = { .name = "kms", .seal = kms_seal, .open = kms_open, .mac = kms_mac };

struct dm_secrets dm_kms_secrets(struct dm_kms *kms)
{
    return (struct dm_secrets){ &ops, kms };
}

/* ---- the key of MACs -------------------------------------------------------------------------------------------- */

static const struct dm_kms_context mac_context = { NULL, "mac-key" };

/* Never in the place of another: two nodes that start together both come here, and the second takes the first one's. */
static enum dm_code make_mac_key(const struct dm_kms *kms, struct dm_str path, int64_t deadline_ms, struct dm_err *err)
{
    DM_AUTO(dm_buf) wrapped = dm_buf_make(DM_KMS_WRAPPED_MAX);
    DM_AUTO(dm_buf) text = dm_buf_make(2 * DM_KMS_WRAPPED_MAX);
    DM_AUTO(dm_secret) value = { 0 };
    enum dm_code rc = dm_kms_generate_wrapped(kms->aws, first_key(kms), &mac_context, deadline_ms, &wrapped, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add_base64(&text, dm_buf_str(&wrapped));
    rc = dm_buf_check(&text, "the key of MACs", err);
    if (rc == DM_OK)
        rc = dm_secret_make(dm_buf_str(&text), "the key of MACs", &value, err);
    const struct dm_parameter_write write = { .path = path,
                                              .name = DM_STR(DM_KMS_MAC_PARAMETER),
                                              .value = &value,
                                              .plain = true, /* KMS has encrypted it already */
                                              .only_new = true };
    if (rc == DM_OK)
        rc = dm_parameter_put(kms->aws, &write, deadline_ms, err);
    return rc == DM_EXISTS ? DM_OK : rc;
}

static enum dm_code find_mac_key(const struct dm_kms *kms, struct dm_str path, int64_t deadline_ms,
                                 struct dm_parameter *ret, struct dm_err *err)
{
    bool made = false;
    for (;;) {
        enum dm_code rc = dm_parameter_get(kms->aws, path, DM_STR(DM_KMS_MAC_PARAMETER), deadline_ms, ret, err);
        if (rc != DM_NOT_FOUND)
            return rc;
        if (!made)
            rc = make_mac_key(kms, path, deadline_ms, err);
        if (!made && rc != DM_OK)
            return rc;
        /* What was written is not read everywhere at once. */
        if (made && dm_mono_ms(kms->runtime) + AGREE_MS >= deadline_ms)
            return rc;
        if (made)
            dm_sleep_until(kms->runtime, dm_mono_ms(kms->runtime) + AGREE_MS);
        made = true;
    }
}

static enum dm_code open_macs(struct dm_kms *kms, struct dm_str path, int64_t deadline_ms, struct dm_err *err)
{
    struct dm_parameter parameter = { .name = NULL };
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    DM_AUTO(dm_buf) wrapped = dm_buf_make(DM_KMS_WRAPPED_MAX);
    enum dm_code rc = find_mac_key(kms, path, deadline_ms, &parameter, err);
    if (rc == DM_OK && !dm_buf_add_base64_decoded(&wrapped, dm_secret_reveal(&parameter.value)))
        rc = DM_CORRUPT;
    else if (rc == DM_OK)
        rc = unwrap(kms, &mac_context, dm_buf_str(&wrapped), deadline_ms, &key, err);
    if (rc == DM_CORRUPT)
        rc = dm_fail(err, DM_CORRUPT,
                     "the parameter %.*s/" DM_KMS_MAC_PARAMETER
                     " holds no key that KMS_KEY_ID made: put its former key behind a comma, or restore it",
                     DM_STR_ARG(dm_str_cut(path, 0, 100)));
    dm_parameter_free(&parameter);
    return rc == DM_OK ? dm_macs_make(&key, &kms->macs, err) : rc;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

enum dm_code dm_kms_open(const struct dm_kms_options *options, int64_t deadline_mono_ms, struct dm_kms **ret,
                         struct dm_err *err)
{
    if (!dm_kms_keys_valid(options->keys))
        return dm_fail(err, DM_INVALID, "KMS_KEY_ID must name a key, or up to %d with commas between", DM_KMS_KEYS_MAX);
    struct dm_kms *kms = dm_alloc_zero(1, sizeof(*kms));
    if (!kms)
        return dm_fail_memory(err);
    *kms = (struct dm_kms){ .aws = options->aws, .runtime = dm_aws_runtime(options->aws) };
    kms->keys = dm_alloc(options->keys.len + 1);
    enum dm_code rc = kms->keys ? dm_kms_keys_make(kms->runtime, &kms->kept, err) : dm_fail_memory(err);
    if (kms->keys) {
        memcpy(kms->keys, options->keys.at, options->keys.len);
        kms->keys[options->keys.len] = '\0';
    }
    if (rc == DM_OK)
        rc = open_macs(kms, options->path, deadline_mono_ms, err);
    if (rc == DM_OK)
        *ret = kms;
    else
        dm_kms_close(kms);
    return rc;
}

void dm_kms_close(struct dm_kms *kms)
{
    if (!kms)
        return;
    dm_macs_free(kms->macs);
    dm_kms_keys_free(kms->kept);
    dm_free(kms->keys);
    dm_free(kms);
}
