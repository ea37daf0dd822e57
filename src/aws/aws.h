/* aws.h: the door of aws: who asks, the signature that says so (Signature Version 4), and one client for all services.
 *
 * Finding credentials and signing send nothing: a caller makes a request as net.h wants it, lets it be signed, adds the headers
 * that come out, and sends it within five minutes; a second attempt is signed anew. `struct dm_aws` is what the ports on Amazon's
 * services share: region, endpoints, credentials that are renewed, connections and the limit of tries. The environment is never
 * read here: the caller hands in a way to ask for its variables. */
#ifndef DM_AWS_H
#define DM_AWS_H

#include "base/secret.h"
#include "net/multi.h"
#include "net/net.h"
#include "ports/blob.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/store.h"

/* ---- credentials ------------------------------------------------------------------------------------------------ */

struct dm_aws_credentials {
    struct dm_secret key_id;  /* AKIA…, ASIA… */
    struct dm_secret key;     /* the secret access key */
    struct dm_secret session; /* empty: they are no temporary ones */
    int64_t expires_wall_ms;  /* 0: never, or nobody says when */
};

/* Where AWS's own programs look: the value of an environment variable, empty where it is not set. It stays valid. */
struct dm_aws_environment {
    struct dm_str (*variable)(void *context, const char *name);
    void *context;
};

void dm_aws_credentials_free(struct dm_aws_credentials *credentials);

/* Appends the region: AWS_REGION, AWS_DEFAULT_REGION, the profile's. DM_NOT_FOUND: nobody says it. */
DM_MUST_USE enum dm_code dm_aws_region_find(const struct dm_aws_environment *environment, struct dm_buf *ret,
                                            struct dm_err *err);

/* ---- signing ---------------------------------------------------------------------------------------------------- */

/* A request as it goes over the wire. */
struct dm_aws_request {
    struct dm_str method;
    struct dm_str host;  /* as in the Host header: with the port unless it is the scheme's own */
    struct dm_str path;  /* percent-encoded; empty: "/" */
    struct dm_str query; /* percent-encoded, without '?'; a blank is %20 */
    /* All are signed but those that are changed on the way (User-Agent, Expect and the like). Not among them: Host, and what the
     * signature brings. */
    const struct dm_http_pair *headers;
    uint32_t header_count;
    struct dm_str body;
    struct dm_str body_sha256; /* hexadecimal, or "UNSIGNED-PAYLOAD"; empty: worked out of `body` */
    struct dm_str region;
    struct dm_str service; /* as signatures name it: "bedrock", "s3". For s3 the rules of paths differ */
};

enum { DM_AWS_HEADERS_MAX = 4 };

/* The headers to add to the request. They hold the session token: to be sent, never shown. They point into the signature, which
 * must not be copied, and into the credentials. */
struct dm_aws_signature {
    struct dm_http_pair headers[DM_AWS_HEADERS_MAX];
    uint32_t header_count;
    char time[17];        /* 20260102T030405Z */
    char body_sha256[65]; /* for s3 */
    struct dm_buf authorization;
};

/* `wall_ms` is now. DM_INVALID: a query with a broken escape. DM_TOO_LARGE: more headers, parameters or bytes of them than a
 * request may have. Free `*ret` after success. */
DM_MUST_USE enum dm_code dm_aws_sign(const struct dm_aws_request *request, const struct dm_aws_credentials *credentials,
                                     int64_t wall_ms, struct dm_aws_signature *ret, struct dm_err *err);
void dm_aws_signature_free(struct dm_aws_signature *signature);

enum { DM_AWS_PRESIGNED_SECONDS_MAX = 7 * 24 * 3600 };

/* The query of a URL that carries its own signature, for somebody who has no credentials: appended to `ret` with what the request's
 * query holds. The host and the request's headers are signed: whoever uses the URL must send these as they are. The body is not.
 * For S3 alone. The URL holds for `seconds`, and not beyond the credentials' own end; `ret_expires_wall_ms` is when it ends.
 * DM_INVALID: another service, or no seconds or too many. DM_DENIED: the credentials have run out. Others as dm_aws_sign. */
DM_MUST_USE enum dm_code dm_aws_presign(const struct dm_aws_request *request,
                                        const struct dm_aws_credentials *credentials, int64_t wall_ms, uint32_t seconds,
                                        struct dm_buf *ret, int64_t *ret_expires_wall_ms, struct dm_err *err);

/* ---- the client ------------------------------------------------------------------------------------------------- */

/* One for a process: region, endpoints, credentials, connections. Thread-safe.
 *
 * Credentials come from the first of these that is configured; one that is and then turns out to be wrong is an error:
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
 *   2. AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (and AWS_ROLE_SESSION_NAME), by STS;
 *   3. the profile named by AWS_PROFILE (or "default") in the files AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and
 *      AWS_CONFIG_FILE (~/.aws/config), where the first goes before;
 *   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI (ECS, EKS Pod Identity), with the token in
 *      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN;
 *   5. the role of the machine by version 2 of its metadata service, unless AWS_EC2_METADATA_DISABLED says no.
 *
 * Those of 2, 4 and 5 are fetched when they are first wanted, and by a task of the client's again before they run out. */
struct dm_aws;

struct dm_aws_options {
    struct dm_runtime runtime;
    /* Asked while the client is made, and whenever credentials are renewed: valid as long as the client. These count beside those
     * that say credentials and region: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS,
     * AWS_MAX_ATTEMPTS. */
    struct dm_aws_environment environment;
    struct dm_multi *multi;   /* NULL: one of its own, over all services */
    struct dm_str region;     /* copied; empty: as dm_aws_region_find */
    uint32_t connections_max; /* of its own client; 0: 64 */
};

/* Sends nothing. DM_NOT_FOUND: no region. DM_INVALID: a variable that is wrong, half of a pair, a line of a file that is none, which
 * the sentence names. DM_UNSUPPORTED: a profile that says what docmill cannot use (SSO, a process). DM_IO, DM_DENIED, DM_TOO_LARGE: a
 * file cannot be read. That there are no credentials at all shows when they are wanted. */
DM_MUST_USE enum dm_code dm_aws_open(const struct dm_aws_options *options, struct dm_aws **ret, struct dm_err *err);
/* Calls that wait end with DM_CANCELLED soon, later ones at once. Thread-safe. */
void dm_aws_interrupt(struct dm_aws *aws);
/* Nobody may be in one of its calls. Accepts NULL. */
void dm_aws_close(struct dm_aws *aws);

struct dm_str dm_aws_region(const struct dm_aws *aws); /* valid as long as the client */
/* A copy of the credentials of now, to be freed by the caller. Waits for the first ones, or where those at hand have run out,
 * until the deadline (monotonic; 0: does not wait). DM_NOT_FOUND: nobody has any. DM_DENIED, DM_UNAVAILABLE, DM_TIMEOUT and others
 * say why there are none. */
DM_MUST_USE enum dm_code dm_aws_credentials_get(struct dm_aws *aws, int64_t deadline_mono_ms,
                                                struct dm_aws_credentials *ret, struct dm_err *err);
/* For who signs by himself: a service does not know these, or not any more. True: `get` has others, or waits for some, so it is worth
 * asking again. Keys of a profile are looked up again, every five seconds at most: whoever renews them writes them into the same
 * file. */
bool dm_aws_credentials_expired(struct dm_aws *aws, const struct dm_aws_credentials *used);

/* ---- S3 as the place for blobs ---------------------------------------------------------------------------------- */

struct dm_s3;

/* As S3 demands it: 3 to 63 small letters, digits, hyphens and dots. */
bool dm_s3_bucket_valid(struct dm_str bucket);

/* All is copied but `aws`, which must outlive it. */
struct dm_s3_options {
    struct dm_aws *aws;
    struct dm_str bucket;         /* blobs lie under {prefix}{tenantId}/{fileId}/… */
    struct dm_str results_bucket; /* where results go; empty: the same */
    struct dm_str prefix;         /* of all keys: empty, or text that ends with '/' */
    struct dm_str encryption;     /* x-amz-server-side-encryption: "AES256", "aws:kms"; empty: as the bucket has it */
    struct dm_str kms_key;        /* for "aws:kms": the id or ARN of the key; empty: the account's own */
    const char *temporary_folder; /* for what is on its way in or out; NULL: /tmp */
};

/* Sends nothing. DM_INVALID: a name or setting that S3 would refuse; DM_IO and the like: the folder.
 *
 * What goes into a sink waits in a nameless file on this machine, because whose it is shows at the end; from 8 MB on it is sent in
 * parts, a few at once, and given up as a whole where one fails. Both durabilities are S3's own. `open` brings an object into a
 * nameless file, too. The free-space floor of intake is not asked here: what there is of disk is for a moment only.
 *
 * Of an object that a lifecycle rule has moved to an archive `get` and `open` say DM_ARCHIVED. Everything that is nobody's fault but the
 * deployment's (permissions, a bucket that is gone or elsewhere, credentials) is DM_UNAVAILABLE with a sentence that says so, since
 * it can be mended while work waits; `check` says it with the code of its own. */
DM_MUST_USE enum dm_code dm_s3_open(const struct dm_s3_options *options, struct dm_s3 **ret, struct dm_err *err);
struct dm_blob dm_s3_blob(struct dm_s3 *s3);
void dm_s3_close(struct dm_s3 *s3); /* accepts NULL */

/* ---- parameters of SSM ------------------------------------------------------------------------------------------ */

enum {
    DM_PARAMETERS_MAX = 200,        /* below one path */
    DM_PARAMETER_NAME_MAX = 1011,   /* as SSM has it, the path included */
    DM_PARAMETER_VALUE_MAX = 8192,  /* that is read: an advanced parameter's most */
    DM_PARAMETER_WRITTEN_MAX = 4096 /* that is written: a standard parameter's */
};

/* One parameter, decrypted. */
struct dm_parameter {
    char *name; /* what follows the path and its slash: "gemini-api-key" */
    struct dm_secret value;
    int64_t version;
    int64_t changed_wall_ms; /* 0: SSM does not say */
    bool encrypted;          /* a SecureString */
};

/* Owned; starts as { 0 }. No name is there twice. */
struct dm_parameters {
    struct dm_parameter *at;
    uint32_t count;
};

void dm_parameters_free(struct dm_parameters *parameters); /* overwrites the values */

/* A path such as "/docmill/prod": begins with a slash, of letters, digits and . _ - in parts. */
bool dm_parameter_path_valid(struct dm_str path);

/* All that lies below the path, with decryption: page by page until SSM has no more, by the deadline (monotonic). The answers are
 * trusted in nothing: DM_CORRUPT where one is none, names what was not asked for, names something twice, or pages lead nowhere.
 * DM_TOO_LARGE: more than DM_PARAMETERS_MAX. DM_DENIED names ssm:GetParametersByPath, or kms:Decrypt. Others as the service
 * answers; no sentence holds a value. */
DM_MUST_USE enum dm_code dm_parameters_read(struct dm_aws *aws, struct dm_str path, int64_t deadline_mono_ms,
                                            struct dm_parameters *ret, struct dm_err *err);
/* One below the path. DM_NOT_FOUND. */
DM_MUST_USE enum dm_code dm_parameter_get(struct dm_aws *aws, struct dm_str path, struct dm_str name,
                                          int64_t deadline_mono_ms, struct dm_parameter *ret, struct dm_err *err);
void dm_parameter_free(struct dm_parameter *parameter);

struct dm_parameter_write {
    struct dm_str path, name;
    const struct dm_secret *value;
    struct dm_str kms_key; /* of a SecureString; empty: the account's own */
    bool plain;            /* a String: what is encrypted already */
    bool only_new;         /* DM_EXISTS where there is one: nothing is changed */
};
/* DM_TOO_LARGE: over DM_PARAMETER_WRITTEN_MAX. DM_INVALID: no UTF-8, or a value that SSM does not take. */
DM_MUST_USE enum dm_code dm_parameter_put(struct dm_aws *aws, const struct dm_parameter_write *write,
                                          int64_t deadline_mono_ms, struct dm_err *err);
/* DM_NOT_FOUND. */
DM_MUST_USE enum dm_code dm_parameter_remove(struct dm_aws *aws, struct dm_str path, struct dm_str name,
                                             int64_t deadline_mono_ms, struct dm_err *err);

/* A task that reads them again, every minute or so and never at the same moment as other nodes. What cannot be read, and what is
 * no longer there, keeps its value. */
struct dm_parameter_watch;

enum dm_parameter_news { DM_PARAMETER_CHANGED, DM_PARAMETER_GONE, DM_PARAMETERS_FAILING, DM_PARAMETERS_BACK };
/* Called by the task, at a change only. `name` is of the first two, `why` of the third; both live until it returns. */
typedef void dm_parameter_told(void *context, enum dm_parameter_news news, const char *name, const struct dm_err *why);

struct dm_parameter_watch_options {
    struct dm_aws *aws; /* interrupted before the watch is stopped, where that must not wait for a call */
    struct dm_str path; /* copied */
    int64_t every_ms;   /* 0: a minute */
    dm_parameter_told *told;
    void *told_context;
};

/* `first` is what was read before; taken over on success. */
DM_MUST_USE enum dm_code dm_parameter_watch_start(const struct dm_parameter_watch_options *options,
                                                  struct dm_parameters *first, struct dm_parameter_watch **ret,
                                                  struct dm_err *err);
void dm_parameter_watch_stop(struct dm_parameter_watch *watch); /* accepts NULL */
/* A copy of the value of now, to be freed by the caller; never waits for SSM. DM_NOT_FOUND. Thread-safe, as the two below. */
DM_MUST_USE enum dm_code dm_parameter_watch_get(struct dm_parameter_watch *watch, const char *name,
                                                struct dm_secret *ret, struct dm_err *err);
/* Somebody was refused with a value: it is read again at once, unless that was done in the last seconds. */
void dm_parameter_watch_hurry(struct dm_parameter_watch *watch);
/* Why the last reading failed; DM_OK where it did not. */
enum dm_code dm_parameter_watch_check(struct dm_parameter_watch *watch, struct dm_err *err);

/* ---- secrets sealed by KMS -------------------------------------------------------------------------------------- */

/* The secrets port over data keys: KMS makes one for a tenant and a purpose, which are its encryption context, and the text is sealed
 * with it here. Beside the text lies the data key as KMS encrypted it, so that every node whose role may ask KMS can open it. Data
 * keys are kept for minutes, few of them, so that KMS is not asked for each text, and what a role may no longer do ends.
 *
 * MACs are made with a key that all nodes share: a parameter of SSM, encrypted by KMS, which the first node makes and no node
 * replaces. */
struct dm_kms;

#define DM_KMS_MAC_PARAMETER "mac-key"
enum { DM_KMS_KEYS_MAX = 4 };

/* All is copied but `aws`, which must outlive it. */
struct dm_kms_options {
    struct dm_aws *aws;
    struct dm_str keys; /* ids, ARNs or aliases with commas between: the first seals, all of them open */
    struct dm_str path; /* where the parameter DM_KMS_MAC_PARAMETER lies, or is made */
};

bool dm_kms_keys_valid(struct dm_str keys);
/* Fetches or makes the key of MACs by the deadline (monotonic). DM_DENIED names the permission: kms:GenerateDataKeyWithoutPlaintext,
 * kms:Decrypt, ssm:GetParameter, ssm:PutParameter. DM_CORRUPT: the parameter holds no such key. */
DM_MUST_USE enum dm_code dm_kms_open(const struct dm_kms_options *options, int64_t deadline_mono_ms,
                                     struct dm_kms **ret, struct dm_err *err);
/* KMS that cannot be had, or does not permit, is DM_UNAVAILABLE, DM_THROTTLED or DM_TIMEOUT: it can be mended while work waits. */
struct dm_secrets dm_kms_secrets(struct dm_kms *kms);
void dm_kms_close(struct dm_kms *kms); /* accepts NULL */

/* ---- DynamoDB as the ledger ------------------------------------------------------------------------------------- */

/* One table holds all of it (dynamo_store.h says how). Writes are transactions with a token of their own, so that one whose answer
 * was lost is not done twice. Reads of documents are consistent, except of what is only shown (DM_PART_SHOWN), which costs half and
 * may lag a moment behind what other processes wrote; what is found over an index lags likewise. */
struct dm_dynamo;

/* Letters, digits, '.', '-' and '_', 3 to 255 of them. */
bool dm_dynamo_is_name(struct dm_str table);
/* Sends nothing. `aws` must outlive it. DM_INVALID: no name of a table can be so. */
DM_MUST_USE enum dm_code dm_dynamo_open(struct dm_aws *aws, struct dm_str table, struct dm_dynamo **ret,
                                        struct dm_err *err);
void dm_dynamo_close(struct dm_dynamo *dynamo); /* nobody is in one of its calls; accepts NULL */
struct dm_store dm_dynamo_store(struct dm_dynamo *dynamo);
struct dm_operator dm_dynamo_operator(struct dm_dynamo *dynamo);

/* Makes the table with its indexes, its stream and its expiry, or adds what can be added to one that is there; then as
 * dm_dynamo_verify. May take minutes. *ret_made: there was none. */
DM_MUST_USE enum dm_code dm_dynamo_init(struct dm_dynamo *dynamo, bool *ret_made, struct dm_err *err);
/* Whether the table is what this version needs. DM_NOT_FOUND: there is none. DM_REFUSED: it is not docmill's, a newer docmill's,
 * or lacks something, which the sentence names. */
DM_MUST_USE enum dm_code dm_dynamo_verify(struct dm_dynamo *dynamo, struct dm_err *err);
/* The same at a start, by one read: the table is there and its records are of this version. */
DM_MUST_USE enum dm_code dm_dynamo_verify_schema(struct dm_dynamo *dynamo, struct dm_err *err);

/* What was spent since it was opened, in thousandths of DynamoDB's capacity units. */
struct dm_dynamo_spent {
    uint64_t requests;
    uint64_t read_thousandths;
    uint64_t write_thousandths; /* those of indexes too */
};

struct dm_dynamo_spent dm_dynamo_spent(const struct dm_dynamo *dynamo);

#endif
