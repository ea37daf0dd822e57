/* s3.h: private to aws: the parts of the blob port on S3. */
#ifndef DM_AWS_S3_H
#define DM_AWS_S3_H

#include "aws/client.h"

enum {
    DM_S3_PART_BYTES = 8 << 20,
    DM_S3_PARTS_AT_ONCE = 4, /* of one object; each takes as much memory as a part has */
    DM_S3_PATH_MAX = 2048,
    DM_S3_ETAG_MAX = 128,
    DM_S3_TOKEN_MAX = DM_ID_TEXT,
    DM_S3_HEADERS_MAX = 12
};

struct dm_s3 {
    struct dm_aws *aws;
    struct dm_runtime runtime;
    char *bucket, *results_bucket, *prefix, *encryption, *kms_key;
    char *folder; /* for nameless files */
};

/* One object. */
struct dm_s3_object {
    struct dm_str bucket;
    struct dm_buf path; /* percent-encoded */
};

void dm_s3_object_free(struct dm_s3_object *object);
DM_MUST_USE enum dm_code dm_s3_object_find(const struct dm_s3 *s3, const struct dm_tenant *tenant, struct dm_str key,
                                           struct dm_s3_object *ret, struct dm_err *err);
/* Appends the key as S3 knows it, not encoded. */
void dm_s3_add_key(const struct dm_s3 *s3, const struct dm_tenant *tenant, struct dm_str key, struct dm_buf *ret);

/* A call that has the time its bytes need, and the port's codes: see dm_s3_open. */
DM_MUST_USE enum dm_code dm_s3_call(const struct dm_s3 *s3, const struct dm_aws_operation *operation,
                                    struct dm_aws_answer *ret, struct dm_err *err);
enum dm_code dm_s3_port_code(const struct dm_aws_answer *answer, enum dm_code code);

/* A writer's mark on its object: whoever is told that it is there already, after an answer was lost, sees by it whether it
 * wrote that itself. */
struct dm_s3_headers {
    struct dm_http_pair pairs[DM_S3_HEADERS_MAX];
    uint32_t count;
};

void dm_s3_add_header(struct dm_s3_headers *headers, const char *name, struct dm_str value);
/* Encryption as the settings want it, and the mark. */
void dm_s3_add_creation(const struct dm_s3 *s3, struct dm_str token, struct dm_s3_headers *headers);
/* Does the object bear this mark? DM_NOT_FOUND: there is none. */
DM_MUST_USE enum dm_code dm_s3_is_marked(const struct dm_s3 *s3, const struct dm_s3_object *object, struct dm_str token,
                                         bool *ret, struct dm_err *err);

/* Base64 of bytes whose SHA-256 is given, or worked out, with their hexadecimal form for the signature. */
struct dm_s3_checksum {
    char hex[65];
    char base64[48];
};
DM_MUST_USE enum dm_code dm_s3_checksum_of(struct dm_str bytes, struct dm_s3_checksum *ret, struct dm_err *err);
void dm_s3_checksum_from(const unsigned char hash[32], struct dm_s3_checksum *ret);

/* A nameless file in the folder; it goes with its descriptor. */
DM_MUST_USE enum dm_code dm_s3_temporary(const struct dm_s3 *s3, int *ret_fd, struct dm_err *err);

/* Runs `part` for the numbers 0 … count - 1, a few at once, until one fails; the first failure is the answer. */
typedef enum dm_code dm_s3_part(void *context, uint32_t number, struct dm_err *err);
DM_MUST_USE enum dm_code dm_s3_in_parallel(const struct dm_s3 *s3, uint32_t count, dm_s3_part *part, void *context,
                                           struct dm_err *err);

/* ---- the port's functions ---- */

enum dm_code dm_s3_sink_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err);
enum dm_code dm_s3_sink_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err);
enum dm_code dm_s3_sink_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                               enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err);
void dm_s3_sink_abandon(void *self, struct dm_sink *sink);
enum dm_code dm_s3_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                           enum dm_durability durability, struct dm_err *err);
enum dm_code dm_s3_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset, uint64_t size,
                       struct dm_buf *buf, struct dm_err *err);
enum dm_code dm_s3_open_copy(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                             struct dm_blob_info *ret, struct dm_err *err);
enum dm_code dm_s3_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err);
enum dm_code dm_s3_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_err *err);
enum dm_code dm_s3_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                        uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err);
enum dm_code dm_s3_check(void *self, struct dm_err *err);

#endif
