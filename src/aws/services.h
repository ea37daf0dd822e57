/* services.h: private to aws: the services that are spoken to, as a table, and where each of them is.
 *
 * An endpoint comes from the first of AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL and the region's own name. One that somebody
 * names is taken as it is, with its port and its path; S3 is then asked in path style ("/bucket/key"), because no name of a bucket
 * resolves there. */
#ifndef DM_AWS_SERVICES_H
#define DM_AWS_SERVICES_H

#include "aws/aws.h"

#define DM_AWS_JSON_10 "application/x-amz-json-1.0"
#define DM_AWS_JSON_11 "application/x-amz-json-1.1"
#define DM_AWS_FORM "application/x-www-form-urlencoded; charset=utf-8"

/* Name, in sentences, in variables, in host names, in signatures, in permissions, type of bodies (NULL: the call says it), before
 * the operation in X-Amz-Target (NULL: none). */
#define DM_AWS_SERVICES(X)                                                                                             \
    X(S3, "S3", "S3", "s3", "s3", "s3", NULL, NULL)                                                                    \
    X(DYNAMODB, "DynamoDB", "DYNAMODB", "dynamodb", "dynamodb", "dynamodb", DM_AWS_JSON_10, "DynamoDB_20120810.")      \
    X(STREAMS, "DynamoDB Streams", "DYNAMODB_STREAMS", "streams.dynamodb", "dynamodb", "dynamodb", DM_AWS_JSON_10,     \
      "DynamoDBStreams_20120810.")                                                                                     \
    X(KINESIS, "Kinesis", "KINESIS", "kinesis", "kinesis", "kinesis", DM_AWS_JSON_11, "Kinesis_20131202.")             \
    X(SSM, "SSM", "SSM", "ssm", "ssm", "ssm", DM_AWS_JSON_11, "AmazonSSM.")                                            \
    X(KMS, "KMS", "KMS", "kms", "kms", "kms", DM_AWS_JSON_11, "TrentService.")                                         \
    X(STS, "STS", "STS", "sts", "sts", "sts", DM_AWS_FORM, NULL)

#define DM_AWS_SERVICE_ENUM(name, ...) DM_AWS_##name,
enum dm_aws_service { DM_AWS_SERVICES(DM_AWS_SERVICE_ENUM) DM_AWS_SERVICE_COUNT };
#undef DM_AWS_SERVICE_ENUM

struct dm_aws_service_row {
    const char *title;
    const char *variable;
    const char *host;
    const char *signed_as;
    const char *actions;
    const char *content_type;
    const char *target;
};

const struct dm_aws_service_row *dm_aws_service(enum dm_aws_service service);

/* Where a service is. Starts as { 0 }. */
struct dm_aws_endpoint {
    bool https;
    bool given;   /* somebody named it: path style */
    char *host;   /* with the port unless it is the scheme's own */
    char *prefix; /* of paths: "" or "/…" without a slash at its end */
};

void dm_aws_endpoint_free(struct dm_aws_endpoint *endpoint);
/* http:// or https://, a host, perhaps a port and a path. DM_INVALID names `what`. */
DM_MUST_USE enum dm_code dm_aws_endpoint_parse(struct dm_str url, const char *what, struct dm_aws_endpoint *ret,
                                               struct dm_err *err);
DM_MUST_USE enum dm_code dm_aws_endpoint_find(const struct dm_aws_environment *environment, enum dm_aws_service service,
                                              struct dm_str region, struct dm_aws_endpoint *ret, struct dm_err *err);
/* Appends host and path as requests to the bucket have them (an empty one: to none). `path` begins with '/', or is empty. */
void dm_aws_endpoint_place(const struct dm_aws_endpoint *endpoint, struct dm_str bucket, struct dm_str path,
                           struct dm_buf *ret_host, struct dm_buf *ret_path);

/* Letters, digits and hyphens: it becomes a part of host names. */
bool dm_aws_region_valid(struct dm_str region);

#endif
