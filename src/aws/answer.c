/* answer.c: see answer.h.
 *
 * Error codes are lists, because services share few rules: most say what went wrong in the code and leave the status at 400. */
#include "aws/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <zlib.h>

#include "aws/xml.h"
#include "base/calendar.h"
#include "base/json.h"

void dm_aws_answer_free(struct dm_aws_answer *answer)
{
    dm_http_answer_free(&answer->http);
    *answer = (struct dm_aws_answer){ .status = 0 };
}

bool dm_aws_http_date(struct dm_str text, int64_t *ret_wall_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[] = "yyyy-mm-ddThh:mm:ssZ";
    if (text.len != DM_STR("Fri, 02 Jan 2026 03:04:05 GMT").len || !dm_str_ends(text, DM_STR(" GMT")))
        return false;
    size_t month = dm_str_find(dm_str_z(months), dm_str_cut(text, 8, 3));
    if (month % 3 != 0 || month >= sizeof(months) - 1)
        return false;
    memcpy(iso, text.at + 12, 4);
    iso[5] = (char)('0' + (month / 3 + 1) / 10);
    iso[6] = (char)('0' + (month / 3 + 1) % 10);
    memcpy(iso + 8, text.at + 5, 2);
    memcpy(iso + 11, text.at + 17, 8);
    return dm_time_parse(dm_str_z(iso), ret_wall_ms);
}

/* ---- what it says ----------------------------------------------------------------------------------------------- */

/* One line of ASCII: it goes into logs. */
static void set_text(char *to, size_t size, struct dm_str text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < size; i++) {
        unsigned char c = (unsigned char)text.at[i];
        to[len++] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    to[len] = '\0';
}

/* "com.amazonaws.dynamodb.v20120810#ThrottlingException:http://…" without what stands around the name. */
static struct dm_str bare_code(struct dm_str code)
{
    size_t hash = dm_str_find_char(code, '#');
    if (hash < code.len)
        code = dm_str_from(code, hash + 1);
    return dm_str_cut(code, 0, dm_str_find_char(code, ':'));
}

static void read_json(struct dm_aws_answer *answer)
{
    struct dm_str type = dm_http_answer_header(&answer->http, DM_STR("x-amzn-errortype"));
    json_auto_t *body = NULL;
    struct dm_str message = DM_STR("");
    if (dm_json_parse(dm_buf_str(&answer->http.body), "the answer", &body, NULL) == DM_OK) {
        if (type.len == 0)
            type = dm_json_str(body, "__type");
        if (type.len == 0)
            type = dm_json_str(body, "code");
        message = dm_json_str(body, "message");
        if (message.len == 0)
            message = dm_json_str(body, "Message");
    }
    set_text(answer->code, sizeof(answer->code), bare_code(type));
    set_text(answer->message, sizeof(answer->message), message);
}

static enum dm_code take_element(void *context, struct dm_str path, struct dm_str text, struct dm_err *err)
{
    struct dm_aws_answer *answer = context;
    if (dm_str_eq(path, DM_STR("Error/Code")) || dm_str_eq(path, DM_STR("ErrorResponse/Error/Code")))
        set_text(answer->code, sizeof(answer->code), text);
    else if (dm_str_eq(path, DM_STR("Error/Message")) || dm_str_eq(path, DM_STR("ErrorResponse/Error/Message")))
        set_text(answer->message, sizeof(answer->message), text);
    else if (dm_str_eq(path, DM_STR("Error/RequestId")) || dm_str_eq(path, DM_STR("ErrorResponse/RequestId")))
        set_text(answer->request_id, sizeof(answer->request_id), text);
    return DM_OK;
}

/* False: it is not as it should be; then what stood before the fault counts. */
static bool read_xml(struct dm_aws_answer *answer)
{
    struct dm_err err;
    if (dm_aws_xml_read(dm_buf_str(&answer->http.body), "the answer", take_element, answer, &err) == DM_OK)
        return true;
    if (answer->message[0] == '\0')
        set_text(answer->message, sizeof(answer->message), dm_str_z(err.text));
    return false;
}

static void read_error(const struct dm_aws_operation *operation, struct dm_aws_answer *answer)
{
    if (dm_aws_service(operation->service)->target)
        read_json(answer);
    else if (answer->http.body.len > 0)
        (void)read_xml(answer);
}

/* What stands in an error without a body, as S3 answers to HEAD and conditions. */
static const char *code_of_status(uint32_t status)
{
    switch (status) {
    case 304:
        return "NotModified";
    case 403:
        return "AccessDenied";
    case 404:
        return "NotFound";
    case 412:
        return "PreconditionFailed";
    case 416:
        return "InvalidRange";
    case 429:
        return "TooManyRequests";
    case 503:
        return "ServiceUnavailable";
    default:
        return "";
    }
}

static void find_request_id(struct dm_aws_answer *answer)
{
    static const struct dm_str names[] = { DM_STR_INIT("x-amz-request-id"), DM_STR_INIT("x-amzn-requestid") };
    for (size_t i = 0; i < DM_COUNT(names); i++) {
        struct dm_str id = dm_http_answer_header(&answer->http, names[i]);
        if (id.len > 0)
            set_text(answer->request_id, sizeof(answer->request_id), id);
    }
}

/* ---- what it comes to ------------------------------------------------------------------------------------------- */

static const char *const throttled[] = { "Throttling",
                                         "ThrottlingException",
                                         "ThrottledException",
                                         "RequestThrottled",
                                         "RequestThrottledException",
                                         "TooManyRequests",
                                         "TooManyRequestsException",
                                         "ProvisionedThroughputExceededException",
                                         "TransactionInProgressException",
                                         "RequestLimitExceeded",
                                         "BandwidthLimitExceeded",
                                         "LimitExceededException",
                                         "SlowDown",
                                         "KMSThrottlingException",
                                         "EC2ThrottledException" };
static const char *const transient[] = {
    "RequestTimeout",   "RequestTimeoutException",      "InternalError",         "InternalServerError",
    "InternalFailure",  "InternalFailureException",     "ServiceUnavailable",    "PriorRequestNotComplete",
    "OperationAborted", "TransactionConflictException", "IDPCommunicationError", "ReplicatedWriteConflictException"
};
static const char *const clock_codes[] = {
    "RequestTimeTooSkewed", "RequestExpired",        "RequestInTheFuture",
    "AuthFailure",          "SignatureDoesNotMatch", "InvalidSignatureException"
};
/* The last three also where a key was rotated away: perhaps there is a new one already. */
static const char *const expired[] = { "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException",
                                       "InvalidAccessKeyId", "InvalidClientTokenId" };
static const char *const denied[] = { "AccessDenied",
                                      "AccessDeniedException",
                                      "UnauthorizedAccess",
                                      "MissingAuthenticationTokenException",
                                      "MissingAuthenticationToken",
                                      "InvalidToken",
                                      "InvalidIdentityToken",
                                      "AllAccessDisabled",
                                      "AccountProblem" };
static const char *const not_found[] = { "ResourceNotFoundException", "ParameterNotFound",
                                         "TrimmedDataAccessException" };
static const char *const conflict[] = { "ConditionalCheckFailedException", "TransactionCanceledException",
                                        "IdempotentParameterMismatchException" };
static const char *const refused[] = { "InvalidObjectState", "PermanentRedirect",      "AuthorizationHeaderMalformed",
                                       "TemporaryRedirect",  "ResourceInUseException", "KMSInvalidStateException",
                                       "DisabledException",  "RegionDisabledException" };
static const char *const too_large[] = { "EntityTooLarge", "RequestEntityTooLarge",
                                         "ItemCollectionSizeLimitExceededException" };

static bool is_in(const char *code, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(code, list[i]) == 0)
            return true;
    }
    return false;
}

#define IS_IN(answer, list) is_in((answer)->code, list, DM_COUNT(list))

/* DynamoDB says what its answer's bytes must come to. */
static bool checksum_fails(const struct dm_aws_answer *answer)
{
    uint64_t expected;
    struct dm_str header = dm_http_answer_header(&answer->http, DM_STR("x-amz-crc32"));
    const struct dm_buf *body = &answer->http.body;
    return dm_str_to_u64(header, &expected) &&
           crc32_z(0, body->at ? (const unsigned char *)body->at : (const unsigned char *)"", body->len) != expected;
}

/* CompleteMultipartUpload and others begin to answer before they know: 200, and an error in the body, or half of an answer. */
static bool fails_late(const struct dm_aws_operation *operation, struct dm_aws_answer *answer)
{
    if (operation->service != DM_AWS_S3 || operation->method || answer->http.body.len == 0)
        return false;
    return !read_xml(answer) || answer->code[0] != '\0';
}

enum dm_aws_outcome dm_aws_answer_judge(const struct dm_aws_operation *operation, struct dm_aws_answer *answer)
{
    find_request_id(answer);
    bool well = answer->status >= 200 && answer->status < 300;
    if (well && (checksum_fails(answer) || fails_late(operation, answer)))
        return DM_AWS_TRANSIENT;
    if (well)
        return DM_AWS_DONE;
    read_error(operation, answer);
    if (answer->code[0] == '\0')
        set_text(answer->code, sizeof(answer->code), dm_str_z(code_of_status(answer->status)));
    if (IS_IN(answer, clock_codes)) {
        answer->message[0] = '\0'; /* it may hold what was signed, the session token included */
        return DM_AWS_CLOCK;
    }
    if (IS_IN(answer, expired))
        return DM_AWS_EXPIRED;
    if (IS_IN(answer, throttled) || answer->status == 429)
        return DM_AWS_THROTTLED;
    if (IS_IN(answer, transient) || answer->status == 500 || (answer->status >= 502 && answer->status <= 504))
        return DM_AWS_TRANSIENT;
    return DM_AWS_FAILED;
}

static enum dm_code code_of(const struct dm_aws_answer *answer, enum dm_aws_outcome outcome)
{
    uint32_t status = answer->status;
    if (outcome == DM_AWS_THROTTLED)
        return DM_THROTTLED;
    if (outcome == DM_AWS_EXPIRED || outcome == DM_AWS_CLOCK || IS_IN(answer, denied))
        return DM_DENIED;
    if (IS_IN(answer, refused) || (status >= 300 && status < 400 && status != 304))
        return DM_REFUSED;
    if (IS_IN(answer, conflict) || strcmp(answer->code, "TransactionConflictException") == 0 || status == 304 ||
        status == 409 || status == 412)
        return DM_CONFLICT;
    if (outcome == DM_AWS_TRANSIENT || status >= 500 || status < 200)
        return DM_UNAVAILABLE;
    if (status == 404 || IS_IN(answer, not_found))
        return DM_NOT_FOUND;
    if (status == 413 || IS_IN(answer, too_large))
        return DM_TOO_LARGE;
    return status == 401 || status == 403 ? DM_DENIED : DM_INTERNAL;
}

/* ---- the sentence ----------------------------------------------------------------------------------------------- */

/* The action that the service names ("is not authorized to perform: dynamodb:PutItem on …"), or the one that the call needs. */
static void add_permission(struct dm_buf *buf, const struct dm_aws_operation *operation,
                           const struct dm_aws_answer *answer)
{
    struct dm_str message = dm_str_z(answer->message), before = DM_STR("perform: ");
    struct dm_str named = dm_str_from(message, dm_str_find(message, before) + before.len);
    named = dm_str_cut(named, 0, dm_str_find_char(named, ' '));
    if (named.len > 0)
        dm_buf_add(buf, named);
    else if (operation->permission)
        dm_buf_add_z(buf, operation->permission);
    else
        dm_buf_addf(buf, "%s:%s", dm_aws_service(operation->service)->actions, operation->name);
}

static void add_what_to_do(struct dm_buf *buf, const struct dm_aws_operation *operation,
                           const struct dm_aws_answer *answer, enum dm_aws_outcome outcome)
{
    struct dm_str region = dm_http_answer_header(&answer->http, DM_STR("x-amz-bucket-region"));
    if (strncmp(answer->code, "AccessDenied", strlen("AccessDenied")) == 0) {
        dm_buf_add_z(buf, ": the permission ");
        add_permission(buf, operation, answer);
        dm_buf_add_z(buf, " is missing");
    } else if (outcome == DM_AWS_CLOCK) {
        dm_buf_add_z(buf, ": the secret key is wrong, or this machine's clock is");
    } else if (outcome == DM_AWS_EXPIRED) {
        dm_buf_add_z(buf, strncmp(answer->code, "Expired", strlen("Expired")) == 0
                              ? ": the credentials have expired"
                              : ": the service does not know the access key");
    } else if (region.len > 0 && answer->status < 500 && IS_IN(answer, refused)) {
        dm_buf_addf(buf, ": the bucket lies in the region %.*s, so set AWS_REGION to that",
                    DM_STR_ARG(dm_str_cut(region, 0, 32)));
    } else if (answer->status >= 300 && answer->status < 400) {
        dm_buf_add_z(buf, ": a redirect, which is not followed: is AWS_REGION the right one?");
    } else if (strcmp(answer->code, "NoSuchBucket") == 0) {
        dm_buf_addf(buf, ": there is no bucket \"%.*s\"", DM_STR_ARG(operation->bucket));
    }
}

enum dm_code dm_aws_answer_fail(const struct dm_aws_operation *operation, const struct dm_aws_answer *answer,
                                enum dm_aws_outcome outcome, struct dm_err *err)
{
    DM_AUTO(dm_buf) text = dm_buf_make(2 * DM_AWS_MESSAGE_MAX);
    dm_buf_addf(&text, "%s %s: ", dm_aws_service(operation->service)->title, operation->name);
    if (answer->status >= 200 && answer->status < 300 && answer->code[0] == '\0' && answer->message[0] == '\0')
        dm_buf_add_z(&text, "the answer's bytes do not match its checksum");
    else
        dm_buf_addf(&text, "%s%sHTTP %u", answer->code, answer->code[0] ? ", " : "", answer->status);
    if (answer->request_id[0])
        dm_buf_addf(&text, ", request %s", answer->request_id);
    add_what_to_do(&text, operation, answer, outcome);
    if (answer->message[0])
        dm_buf_addf(&text, ": %s", answer->message);
    (void)dm_fail(err, code_of(answer, outcome), "%s", dm_buf_z(&text));
    uint64_t wait_ms;
    if (err && dm_str_to_u64(dm_http_answer_header(&answer->http, DM_STR("x-amz-retry-after")), &wait_ms))
        err->retry_after_ms = (int64_t)(wait_ms < DM_MINUTE_MS ? wait_ms : DM_MINUTE_MS);
    return code_of(answer, outcome);
}
