/* kms.h: private to aws: data keys of KMS, and the few of them that are kept. */
#ifndef DM_AWS_KMS_H
#define DM_AWS_KMS_H

#include "aws/client.h"
#include "ports/sealing.h"

enum { DM_KMS_WRAPPED_MAX = 2048, DM_KMS_KEY_NAME_MAX = 2048 };

/* A data key, and as KMS encrypted it. Starts as { 0 }. */
struct dm_kms_data_key {
    struct dm_sealing_key key;
    struct dm_buf wrapped;
};
void dm_kms_data_key_free(struct dm_kms_data_key *key);

/* Whose it is and what for: KMS's encryption context. Without a tenant it is all nodes' own. */
struct dm_kms_context {
    const struct dm_tenant *tenant; /* NULL: none */
    const char *purpose;
};

/* ---- asking KMS (kms_call.c) ---- */

/* Both as dm_aws_call, with the codes of the port; `key` is an id, an ARN or an alias. DM_CORRUPT of unwrapping: it was not wrapped by
 * this key for this context, was changed, or the key is gone for good. */
DM_MUST_USE enum dm_code dm_kms_generate(struct dm_aws *aws, struct dm_str key, const struct dm_kms_context *context,
                                         int64_t deadline_ms, struct dm_kms_data_key *ret, struct dm_err *err);
/* Without the key in clear: `ret` has only what unwraps to it. */
DM_MUST_USE enum dm_code dm_kms_generate_wrapped(struct dm_aws *aws, struct dm_str key,
                                                 const struct dm_kms_context *context, int64_t deadline_ms,
                                                 struct dm_buf *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_kms_unwrap(struct dm_aws *aws, struct dm_str key, const struct dm_kms_context *context,
                                       struct dm_str wrapped, int64_t deadline_ms, struct dm_sealing_key *ret,
                                       struct dm_err *err);

/* What an answer's body must hold: the members that are not NULL. DM_CORRUPT. */
DM_MUST_USE enum dm_code dm_kms_answer_read(struct dm_str answer, struct dm_sealing_key *ret_key,
                                            struct dm_buf *ret_wrapped, struct dm_err *err);

/* ---- keeping some (kms_keys.c) ---- */

struct dm_kms_keys;
DM_MUST_USE enum dm_code dm_kms_keys_make(struct dm_runtime runtime, struct dm_kms_keys **ret, struct dm_err *err);
void dm_kms_keys_free(struct dm_kms_keys *keys); /* overwrites them; accepts NULL */
/* A copy of one that was generated here for this, and has not sealed too much nor too long. */
bool dm_kms_keys_find_to_seal(struct dm_kms_keys *keys, const struct dm_kms_context *context,
                              struct dm_kms_data_key *ret);
bool dm_kms_keys_find_to_open(struct dm_kms_keys *keys, const struct dm_kms_context *context, struct dm_str wrapped,
                              struct dm_sealing_key *ret);
/* Keeps a copy, in the place of the one that is oldest where there is no room. */
void dm_kms_keys_keep(struct dm_kms_keys *keys, const struct dm_kms_context *context, const struct dm_sealing_key *key,
                      struct dm_str wrapped, bool seals);

#endif
