/* aws_answers.c: what Amazon's services answer. The first line chooses the service and holds the status, the second is a header, the rest
 * is the body. */
#include "aws/answer.h"

#include "fuzz.h"

static void add_header(struct dm_aws_answer *answer, struct dm_str line)
{
    dm_buf_add(&answer->http.headers, line);
    dm_buf_add_z(&answer->http.headers, "\r\n");
}

/* What goes into logs is one line of ASCII, an answer that is judged well has no error, and all others have a code of docmill's. */
static void check(const struct dm_aws_operation *operation, uint32_t status, struct dm_str header, struct dm_str body)
{
    struct dm_aws_answer answer = { .status = status, .http = { status, dm_buf_make(1 << 20), dm_buf_make(1 << 20) } };
    add_header(&answer, header);
    dm_buf_add(&answer.http.body, body);
    enum dm_aws_outcome outcome = dm_aws_answer_judge(operation, &answer);
    EXPECT(fuzz_is_plain_ascii(dm_str_z(answer.code)) && fuzz_is_plain_ascii(dm_str_z(answer.message)) &&
           fuzz_is_plain_ascii(dm_str_z(answer.request_id)));
    if (outcome == DM_AWS_DONE) {
        EXPECT(status >= 200 && status < 300);
    } else {
        struct dm_err err = { .code = DM_OK };
        enum dm_code code = dm_aws_answer_fail(operation, &answer, outcome, &err);
        EXPECT(code != DM_OK && code == err.code && err.retry_after_ms >= 0);
    }
    dm_aws_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dm_aws_operation operations[] = {
        { .service = DM_AWS_S3, .name = "GetObject", .method = "GET" },
        { .service = DM_AWS_S3, .name = "CompleteMultipartUpload" },
        { .service = DM_AWS_DYNAMODB, .name = "PutItem" },
        { .service = DM_AWS_STS, .name = "AssumeRole" },
    };
    struct input input = input_of(data, size);
    struct dm_str first = input_line(&input), header = input_line(&input), body = input_rest(&input);
    uint64_t status = 0;
    int64_t wall_ms;
    bool known = dm_str_to_u64(dm_str_from(first, 1), &status) && status >= 100 && status < 600;
    check(&operations[first.len > 0 ? (unsigned char)first.at[0] % DM_COUNT(operations) : 0],
          known ? (uint32_t)status : 400, header, body);
    if (dm_aws_http_date(header, &wall_ms))
        EXPECT(wall_ms > -62200000000000 && wall_ms < 253402300800000);
    input_free(&input);
    return 0;
}
