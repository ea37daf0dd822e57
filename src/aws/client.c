/* client.c: see client.h.
 *
 * The monitor guards what calls have in common: the services' buckets, how far the clock is off, and whether all is to end. */
#include "aws/client.h"

#include <stdio.h>

#include "aws/chain.h"
#include "aws/exchange.h"
#include "aws/retry.h"
#include "base/alloc.h"
#include "base/calendar.h"

enum {
    CONNECTIONS_MAX = 64,
    CONNECT_MS = 3000,
    ATTEMPT_MS = 10000,
    ATTEMPTS_LIMIT = 10,
    SKEW_MS = 4 * DM_MINUTE_MS, /* services allow five minutes, S3 fifteen */
    REGION_MAX = 64,
    HOST_MAX = 400,
    PATH_MAX_BYTES = 8192,
    URL_MAX = 16 * 1024,
    TARGET_MAX = 128
};

struct dm_aws {
    struct dm_runtime runtime;
    struct dm_multi *multi;
    bool own_multi;
    char *region;
    struct dm_aws_endpoint endpoints[DM_AWS_SERVICE_COUNT];
    struct dm_aws_chain *chain;
    uint32_t attempts_max;      /* 0: as the service has it */
    struct dm_monitor *monitor; /* guards what follows */
    struct dm_aws_bucket buckets[DM_AWS_SERVICE_COUNT];
    int64_t clock_offset_ms;
    bool interrupted;
};

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static enum dm_code read_attempts(const struct dm_aws_environment *environment, uint32_t *ret, struct dm_err *err)
{
    uint64_t number = 0;
    struct dm_str text = environment->variable(environment->context, "AWS_MAX_ATTEMPTS");
    if (text.len > 0 && (!dm_str_to_u64(text, &number) || number == 0 || number > ATTEMPTS_LIMIT))
        return dm_fail(err, DM_INVALID, "AWS_MAX_ATTEMPTS must be a number from 1 to %d", ATTEMPTS_LIMIT);
    *ret = (uint32_t)number;
    return DM_OK;
}

static enum dm_code find_region(const struct dm_aws_options *options, struct dm_aws *aws, struct dm_err *err)
{
    DM_AUTO(dm_buf) region = dm_buf_make(REGION_MAX);
    dm_buf_add(&region, options->region);
    enum dm_code rc = dm_buf_check(&region, "the AWS region", err);
    if (rc == DM_OK && region.len == 0)
        rc = dm_aws_region_find(&options->environment, &region, err);
    if (rc == DM_OK && !dm_aws_region_valid(dm_buf_str(&region)))
        rc = dm_fail(err, DM_INVALID, "AWS_REGION must be the name of a region, like eu-central-1");
    if (rc == DM_OK && !(aws->region = dm_str_dup_z(dm_buf_str(&region))))
        rc = dm_fail_memory(err);
    return rc;
}

static enum dm_code make_parts(const struct dm_aws_options *options, struct dm_aws *aws, struct dm_err *err)
{
    enum dm_code rc = find_region(options, aws, err);
    if (rc == DM_OK)
        rc = read_attempts(&options->environment, &aws->attempts_max, err);
    for (int i = 0; i < DM_AWS_SERVICE_COUNT && rc == DM_OK; i++)
        rc = dm_aws_endpoint_find(&options->environment, (enum dm_aws_service)i, dm_str_z(aws->region),
                                  &aws->endpoints[i], err);
    if (rc == DM_OK)
        rc = dm_monitor_make(aws->runtime, &aws->monitor, err);
    const struct dm_multi_options multi = { .runtime = aws->runtime,
                                            .user_agent = "docmill",
                                            .connections_max =
                                                options->connections_max ? options->connections_max : CONNECTIONS_MAX };
    if (rc == DM_OK && !aws->multi) {
        rc = dm_multi_make(&multi, &aws->multi, err);
        aws->own_multi = rc == DM_OK;
    }
    const struct dm_aws_sourcing how = { .runtime = aws->runtime,
                                         .multi = aws->multi,
                                         .environment = options->environment,
                                         .sts = &aws->endpoints[DM_AWS_STS] };
    return rc == DM_OK ? dm_aws_chain_make(&how, &aws->chain, err) : rc;
}

enum dm_code dm_aws_open(const struct dm_aws_options *options, struct dm_aws **ret, struct dm_err *err)
{
    struct dm_aws *aws = dm_alloc_zero(1, sizeof(*aws));
    if (!aws)
        return dm_fail_memory(err);
    aws->runtime = options->runtime;
    aws->multi = options->multi;
    enum dm_code rc = make_parts(options, aws, err);
    if (rc == DM_OK)
        *ret = aws;
    else
        dm_aws_close(aws);
    return rc;
}

void dm_aws_interrupt(struct dm_aws *aws)
{
    dm_lock(aws->runtime, aws->monitor);
    aws->interrupted = true;
    dm_wake_all(aws->runtime, aws->monitor);
    dm_unlock(aws->runtime, aws->monitor);
    dm_aws_chain_interrupt(aws->chain);
    if (aws->own_multi)
        dm_multi_interrupt(aws->multi);
}

void dm_aws_close(struct dm_aws *aws)
{
    if (!aws)
        return;
    dm_aws_chain_free(aws->chain);
    if (aws->own_multi)
        dm_multi_free(aws->multi);
    dm_monitor_free(aws->runtime, aws->monitor);
    for (int i = 0; i < DM_AWS_SERVICE_COUNT; i++)
        dm_aws_endpoint_free(&aws->endpoints[i]);
    dm_free(aws->region);
    dm_free(aws);
}

struct dm_str dm_aws_region(const struct dm_aws *aws)
{
    return dm_str_z(aws->region);
}

struct dm_runtime dm_aws_runtime(const struct dm_aws *aws)
{
    return aws->runtime;
}

const struct dm_aws_endpoint *dm_aws_endpoint_of(const struct dm_aws *aws, enum dm_aws_service service)
{
    return &aws->endpoints[service];
}

enum dm_code dm_aws_credentials_get(struct dm_aws *aws, int64_t deadline_mono_ms, struct dm_aws_credentials *ret,
                                    struct dm_err *err)
{
    return dm_aws_chain_get(aws->chain, deadline_mono_ms, ret, err);
}

bool dm_aws_credentials_expired(struct dm_aws *aws, const struct dm_aws_credentials *used)
{
    return dm_aws_chain_expired(aws->chain, used);
}

/* ---- the clock -------------------------------------------------------------------------------------------------- */

static int64_t clock_offset_ms(struct dm_aws *aws)
{
    dm_lock(aws->runtime, aws->monitor);
    int64_t offset_ms = aws->clock_offset_ms;
    dm_unlock(aws->runtime, aws->monitor);
    return offset_ms;
}

int64_t dm_aws_wall_ms(struct dm_aws *aws)
{
    return dm_wall_ms(aws->runtime) + clock_offset_ms(aws);
}

/* True: the service's clock says otherwise than ours, and is believed from now on. */
static bool correct_clock(struct dm_aws *aws, int64_t signed_offset_ms, const struct dm_aws_answer *answer)
{
    int64_t there_ms;
    if (!dm_aws_http_date(dm_http_answer_header(&answer->http, DM_STR("date")), &there_ms))
        return false;
    dm_lock(aws->runtime, aws->monitor);
    int64_t offset_ms = there_ms - dm_wall_ms(aws->runtime);
    int64_t change_ms = offset_ms - aws->clock_offset_ms;
    bool changed = change_ms > SKEW_MS || change_ms < -SKEW_MS;
    if (changed)
        aws->clock_offset_ms = offset_ms;
    changed = aws->clock_offset_ms != signed_offset_ms; /* also by another call since this one was signed */
    dm_unlock(aws->runtime, aws->monitor);
    return changed;
}

/* ---- one attempt ------------------------------------------------------------------------------------------------ */

struct call {
    struct dm_aws *aws;
    const struct dm_aws_operation *operation;
    int64_t deadline_ms;
    struct dm_buf host, path, url, target;
    struct dm_http_pair headers[DM_AWS_OPERATION_HEADERS_MAX + DM_AWS_HEADERS_MAX + 4];
    uint32_t header_count;                 /* without those of a signature */
    struct dm_aws_credentials credentials; /* of the last attempt */
    uint32_t cost;                         /* of the last further try */
    bool typed;                            /* the body has a Content-Type */
    int64_t clock_offset_ms;               /* that the last attempt was signed with */
    bool clock_corrected, renewed;
};

static void call_free(struct call *call)
{
    dm_buf_free(&call->host);
    dm_buf_free(&call->path);
    dm_buf_free(&call->url);
    dm_buf_free(&call->target);
    dm_aws_credentials_free(&call->credentials);
}

static enum dm_code call_make(struct dm_aws *aws, const struct dm_aws_operation *operation, int64_t deadline_ms,
                              struct call *call, struct dm_err *err)
{
    const struct dm_aws_service_row *row = dm_aws_service(operation->service);
    const struct dm_aws_endpoint *endpoint = &aws->endpoints[operation->service];
    *call = (struct call){ .aws = aws,
                           .operation = operation,
                           .deadline_ms = deadline_ms,
                           .host = dm_buf_make(HOST_MAX),
                           .path = dm_buf_make(PATH_MAX_BYTES),
                           .url = dm_buf_make(URL_MAX),
                           .target = dm_buf_make(TARGET_MAX) };
    if (operation->header_count > DM_AWS_OPERATION_HEADERS_MAX)
        return dm_fail(err, DM_INTERNAL, "%s %s has too many headers", row->title, operation->name);
    call->typed = row->content_type != NULL;
    for (uint32_t i = 0; i < operation->header_count; i++) {
        call->headers[call->header_count++] = operation->headers[i];
        call->typed = call->typed || dm_str_eq_nocase(operation->headers[i].name, DM_STR("content-type"));
    }
    if (row->content_type)
        call->headers[call->header_count++] =
            (struct dm_http_pair){ DM_STR("Content-Type"), dm_str_z(row->content_type) };
    if (row->target) {
        dm_buf_addf(&call->target, "%s%s", row->target, operation->name);
        call->headers[call->header_count++] =
            (struct dm_http_pair){ DM_STR("X-Amz-Target"), dm_buf_str(&call->target) };
    }
    dm_aws_endpoint_place(endpoint, operation->bucket, operation->path, &call->host, &call->path);
    dm_buf_addf(&call->url, "%s://%.*s%.*s%s%.*s", endpoint->https ? "https" : "http",
                DM_STR_ARG(dm_buf_str(&call->host)), DM_STR_ARG(dm_buf_str(&call->path)),
                operation->query.len > 0 ? "?" : "", DM_STR_ARG(operation->query));
    const struct dm_buf *parts[] = { &call->host, &call->path, &call->url, &call->target };
    enum dm_code rc = DM_OK;
    for (size_t i = 0; i < DM_COUNT(parts) && rc == DM_OK; i++)
        rc = dm_buf_check(parts[i], "the address of a request to AWS", err);
    return rc;
}

static enum dm_code sign(struct call *call, struct dm_aws_signature *ret, struct dm_err *err)
{
    struct dm_aws *aws = call->aws;
    const struct dm_aws_operation *operation = call->operation;
    dm_aws_credentials_free(&call->credentials);
    enum dm_code rc = dm_aws_chain_get(aws->chain, call->deadline_ms, &call->credentials, err);
    const struct dm_aws_request request = { .method = operation->method ? dm_str_z(operation->method) : DM_STR("POST"),
                                            .host = dm_buf_str(&call->host),
                                            .path = dm_buf_str(&call->path),
                                            .query = operation->query,
                                            .headers = call->headers,
                                            .header_count = call->header_count,
                                            .body = operation->body,
                                            .body_sha256 = operation->body_sha256,
                                            .region = dm_str_z(aws->region),
                                            .service = dm_str_z(dm_aws_service(operation->service)->signed_as) };
    call->clock_offset_ms = clock_offset_ms(aws);
    int64_t now_ms = dm_wall_ms(aws->runtime) + call->clock_offset_ms;
    return rc == DM_OK ? dm_aws_sign(&request, &call->credentials, now_ms, ret, err) : rc;
}

/* DM_OK: something came back, into `ret->http`. */
static enum dm_code attempt(struct call *call, struct dm_aws_answer *ret, struct dm_err *err)
{
    const struct dm_aws_operation *operation = call->operation;
    struct dm_aws_signature signature;
    enum dm_code rc = sign(call, &signature, err);
    if (rc != DM_OK)
        return rc;
    uint32_t count = call->header_count;
    for (uint32_t i = 0; i < signature.header_count; i++)
        call->headers[count++] = signature.headers[i];
    /* libcurl would ask before it sends a large body, and wait a second where nobody answers; and it would call a body that nobody
     * gives a type a form. */
    call->headers[count++] = (struct dm_http_pair){ DM_STR("Expect"), DM_STR("") };
    if (!call->typed)
        call->headers[count++] = (struct dm_http_pair){ DM_STR("Content-Type"), DM_STR("") };
    int64_t left_ms = call->deadline_ms - dm_mono_ms(call->aws->runtime);
    int64_t most_ms = operation->attempt_ms ? operation->attempt_ms : ATTEMPT_MS;
    const struct dm_http_request request = { .method = operation->method ? operation->method : "POST",
                                             .url = dm_buf_str(&call->url),
                                             .headers = call->headers,
                                             .header_count = count,
                                             .body = operation->body,
                                             .connect_ms = CONNECT_MS,
                                             .total_ms = left_ms < 1         ? 1
                                                         : left_ms < most_ms ? left_ms
                                                                             : most_ms,
                                             .answer_max = operation->answer_max };
    uint32_t attempts = ret->attempts + 1;
    dm_aws_answer_free(ret);
    ret->attempts = attempts;
    rc = dm_aws_exchange(call->aws->runtime, call->aws->multi, &request, &ret->http, err);
    ret->status = ret->http.status;
    dm_aws_signature_free(&signature);
    return rc;
}

/* ---- trying again ----------------------------------------------------------------------------------------------- */

/* What a request that was not answered comes to. */
static enum dm_aws_outcome outcome_of(enum dm_code code)
{
    return code == DM_UNAVAILABLE || code == DM_TIMEOUT || code == DM_BUSY ? DM_AWS_TRANSIENT : DM_AWS_FAILED;
}

static enum dm_code name_failure(const struct dm_aws_operation *operation, const struct dm_err *why, struct dm_err *err)
{
    return dm_fail(err, why->code, "%s %s: %s", dm_aws_service(operation->service)->title, operation->name, why->text);
}

/* Waits; false where the call is to end before that. */
static bool pause_for(struct call *call, int64_t pause_ms)
{
    struct dm_aws *aws = call->aws;
    int64_t until_ms = dm_mono_ms(aws->runtime) + pause_ms;
    if (until_ms >= call->deadline_ms)
        return false;
    dm_lock(aws->runtime, aws->monitor);
    while (!aws->interrupted && dm_mono_ms(aws->runtime) < until_ms)
        (void)dm_wait_until(aws->runtime, aws->monitor, until_ms);
    bool go_on = !aws->interrupted;
    dm_unlock(aws->runtime, aws->monitor);
    return go_on;
}

static bool may_repeat(struct call *call, enum dm_aws_outcome outcome, const struct dm_aws_answer *answer)
{
    struct dm_aws *aws = call->aws;
    const struct dm_aws_operation *operation = call->operation;
    uint32_t most = operation->attempts_max ? operation->attempts_max
                    : aws->attempts_max     ? aws->attempts_max
                                            : dm_aws_attempts_of(operation->service);
    if (outcome == DM_AWS_CLOCK && !call->clock_corrected)
        return call->clock_corrected = correct_clock(aws, call->clock_offset_ms, answer);
    if (outcome == DM_AWS_EXPIRED && !call->renewed)
        return call->renewed = dm_aws_chain_expired(aws->chain, &call->credentials);
    if ((outcome != DM_AWS_TRANSIENT && outcome != DM_AWS_THROTTLED) || answer->attempts >= most)
        return false;
    dm_lock(aws->runtime, aws->monitor);
    call->cost = dm_aws_bucket_take(&aws->buckets[operation->service], outcome);
    dm_unlock(aws->runtime, aws->monitor);
    uint64_t asked_ms;
    bool asked = dm_str_to_u64(dm_http_answer_header(&answer->http, DM_STR("x-amz-retry-after")), &asked_ms) &&
                 asked_ms < DM_HOUR_MS;
    uint32_t chance;
    dm_random(aws->runtime, &chance, sizeof(chance));
    return call->cost > 0 && pause_for(call, dm_aws_pause_ms(operation->service, outcome, answer->attempts,
                                                             asked ? (int64_t)asked_ms : -1, chance));
}

static enum dm_code run(struct call *call, struct dm_aws_answer *ret, struct dm_err *err)
{
    for (;;) {
        struct dm_err why = { .code = DM_OK };
        uint32_t before = ret->attempts;
        enum dm_code rc = attempt(call, ret, &why);
        enum dm_aws_outcome outcome = rc == DM_OK ? dm_aws_answer_judge(call->operation, ret) : outcome_of(rc);
        if (outcome == DM_AWS_DONE) {
            dm_lock(call->aws->runtime, call->aws->monitor);
            dm_aws_bucket_give(&call->aws->buckets[call->operation->service], call->cost);
            dm_unlock(call->aws->runtime, call->aws->monitor);
            return DM_OK;
        }
        /* What was not even sent, for want of credentials, was waited for already. */
        if (ret->attempts > before && may_repeat(call, outcome, ret))
            continue;
        return rc == DM_OK ? dm_aws_answer_fail(call->operation, ret, outcome, err)
                           : name_failure(call->operation, &why, err);
    }
}

enum dm_code dm_aws_call(struct dm_aws *aws, const struct dm_aws_operation *operation, int64_t deadline_mono_ms,
                         struct dm_aws_answer *ret, struct dm_err *err)
{
    struct call call;
    enum dm_code rc = call_make(aws, operation, deadline_mono_ms, &call, err);
    if (rc == DM_OK)
        rc = run(&call, ret, err);
    call_free(&call);
    return rc;
}
