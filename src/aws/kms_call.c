/* kms_call.c: KMS asked for data keys. */
#include "aws/kms.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/secret.h"

enum { ASKED_MAX = 16 * 1024, ANSWER_MAX = 64 * 1024, ATTEMPT_MS = 5000 };

void dm_kms_data_key_free(struct dm_kms_data_key *key)
{
    dm_sealing_key_free(&key->key);
    dm_buf_free(&key->wrapped);
}

/* ---- the request ------------------------------------------------------------------------------------------------ */

static void add_member(struct dm_buf *body, const char *name, struct dm_str text)
{
    dm_buf_addf(body, ",\"%s\":", name);
    dm_buf_add_json_string(body, text);
}

static void begin_body(struct dm_buf *body, struct dm_str key, const struct dm_kms_context *context)
{
    dm_buf_add_z(body, "{\"KeyId\":");
    dm_buf_add_json_string(body, key);
    dm_buf_add_z(body, ",\"EncryptionContext\":{\"docmill:purpose\":");
    dm_buf_add_json_string(body, dm_str_z(context->purpose));
    if (context->tenant)
        add_member(body, "docmill:tenant", dm_str_z(context->tenant->id));
    dm_buf_add_char(body, '}');
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static enum dm_code no_answer(struct dm_err *err)
{
    return dm_fail(err, DM_CORRUPT, "KMS's answer is none");
}

static bool take_key(struct dm_str text, struct dm_sealing_key *ret)
{
    struct dm_buf bytes = dm_buf_make(DM_SEALING_KEY_BYTES);
    bool fine = dm_buf_reserve(&bytes, DM_SEALING_KEY_BYTES) && dm_buf_add_base64_decoded(&bytes, text) &&
                bytes.len == DM_SEALING_KEY_BYTES;
    if (fine)
        memcpy(ret->bytes, bytes.at, DM_SEALING_KEY_BYTES);
    dm_buf_wipe(&bytes);
    return fine;
}

enum dm_code dm_kms_answer_read(struct dm_str answer, struct dm_sealing_key *ret_key, struct dm_buf *ret_wrapped,
                                struct dm_err *err)
{
    json_auto_t *root = NULL;
    DM_AUTO(dm_sealing_key) key = { { 0 } };
    DM_AUTO(dm_buf) wrapped = dm_buf_make(DM_KMS_WRAPPED_MAX);
    enum dm_code rc = dm_json_parse(answer, "KMS's answer", &root, err);
    if (rc != DM_OK)
        return rc == DM_INVALID ? no_answer(err) : rc;
    struct dm_str plain = dm_json_str(root, "Plaintext");
    bool fine = !ret_key || take_key(plain, &key);
    if (plain.len > 0)
        dm_wipe((char *)(uintptr_t)plain.at, plain.len); /* it is freed with the JSON */
    fine = fine && (!ret_wrapped ||
                    (dm_buf_add_base64_decoded(&wrapped, dm_json_str(root, "CiphertextBlob")) && wrapped.len > 0));
    if (wrapped.starved)
        return dm_fail_memory(err);
    if (!fine)
        return no_answer(err);
    if (ret_key)
        *ret_key = key;
    if (ret_wrapped)
        *ret_wrapped = dm_buf_move(&wrapped);
    return DM_OK;
}

/* A caller of the port knows nothing of permissions: what can be mended while work waits is "later". */
static enum dm_code port_code(const struct dm_aws_answer *answer, enum dm_code code)
{
    static const char *const for_good[] = { "InvalidCiphertextException", "IncorrectKeyException",
                                            "NotFoundException" };
    for (size_t i = 0; i < DM_COUNT(for_good); i++) {
        if (strcmp(answer->code, for_good[i]) == 0)
            return DM_CORRUPT;
    }
    /* Said where the text itself names a key that is not the one asked for; a permission that is missing is named. */
    struct dm_str message = dm_str_z(answer->message);
    if (code == DM_DENIED && dm_str_find(message, DM_STR("ciphertext refers to")) < message.len)
        return DM_CORRUPT;
    switch (code) {
    case DM_OK:
    case DM_NO_MEMORY:
    case DM_THROTTLED:
    case DM_TIMEOUT:
    case DM_CANCELLED:
    case DM_DENIED:
        return code;
    default:
        return DM_UNAVAILABLE;
    }
}

static enum dm_code ask(struct dm_aws *aws, const char *name, struct dm_buf *body, int64_t deadline_ms,
                        struct dm_sealing_key *ret_key, struct dm_buf *ret_wrapped, struct dm_err *err)
{
    struct dm_aws_answer answer = { .status = 0 };
    struct dm_err why = { .code = DM_OK };
    enum dm_code rc = dm_buf_check(body, "a request to KMS", err);
    if (rc != DM_OK)
        return rc;
    const struct dm_aws_operation operation = { .service = DM_AWS_KMS,
                                                .name = name,
                                                .body = dm_buf_str(body),
                                                .answer_max = ANSWER_MAX,
                                                .attempt_ms = ATTEMPT_MS };
    rc = dm_aws_call(aws, &operation, deadline_ms, &answer, &why);
    if (rc == DM_OK) {
        rc = dm_kms_answer_read(dm_buf_str(&answer.http.body), ret_key, ret_wrapped, err);
        /* The endpoint is broken, not what was sealed. */
        rc = rc == DM_CORRUPT ? dm_fail(err, DM_UNAVAILABLE, "KMS %s: the answer has no key in it", name) : rc;
    } else {
        rc = dm_fail(err, port_code(&answer, rc), "%s", why.text);
        if (err)
            err->retry_after_ms = why.retry_after_ms;
    }
    dm_buf_wipe(&answer.http.body);
    dm_aws_answer_free(&answer);
    return rc;
}

/* ---- the operations --------------------------------------------------------------------------------------------- */

/* Of generating there is nothing that could be corrupt: a key that is not there is one that is named wrong. */
static enum dm_code generated(enum dm_code rc, struct dm_err *err)
{
    struct dm_err why = err ? *err : (struct dm_err){ .code = rc };
    return rc == DM_CORRUPT ? dm_fail(err, DM_UNAVAILABLE, "%s", why.text) : rc;
}

enum dm_code dm_kms_generate(struct dm_aws *aws, struct dm_str key, const struct dm_kms_context *context,
                             int64_t deadline_ms, struct dm_kms_data_key *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    begin_body(&body, key, context);
    dm_buf_add_z(&body, ",\"KeySpec\":\"AES_256\"}");
    return generated(ask(aws, "GenerateDataKey", &body, deadline_ms, &ret->key, &ret->wrapped, err), err);
}

enum dm_code dm_kms_generate_wrapped(struct dm_aws *aws, struct dm_str key, const struct dm_kms_context *context,
                                     int64_t deadline_ms, struct dm_buf *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    begin_body(&body, key, context);
    dm_buf_add_z(&body, ",\"KeySpec\":\"AES_256\"}");
    return generated(ask(aws, "GenerateDataKeyWithoutPlaintext", &body, deadline_ms, NULL, ret, err), err);
}

enum dm_code dm_kms_unwrap(struct dm_aws *aws, struct dm_str key, const struct dm_kms_context *context,
                           struct dm_str wrapped, int64_t deadline_ms, struct dm_sealing_key *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    begin_body(&body, key, context);
    dm_buf_add_z(&body, ",\"CiphertextBlob\":\"");
    dm_buf_add_base64(&body, wrapped);
    dm_buf_add_z(&body, "\"}");
    return ask(aws, "Decrypt", &body, deadline_ms, ret, NULL, err);
}
