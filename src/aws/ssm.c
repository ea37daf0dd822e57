/* ssm.c: reading and writing parameters of SSM.
 *
 * A page has ten parameters at most, may have none, and says whether another follows. The number of pages is bounded, and a page that
 * names itself as the next ends the reading: a broken endpoint must not keep docmill from starting for ever. */
#include "aws/ssm.h"

#include "base/json.h"

enum {
    PAGE = 10,
    PAGES_MAX = 100,
    ASKED_MAX = 2 * DM_SSM_TOKEN_MAX + 2 * DM_PARAMETER_NAME_MAX + 256,
    WRITTEN_MAX = 6 * DM_PARAMETER_WRITTEN_MAX + 2 * DM_PARAMETER_NAME_MAX + 4096 /* a byte is "\u0001" at worst */
};

/* What docmill may need of two services: SSM decrypts in the name of whoever asks. */
static const char by_path[] = "ssm:GetParametersByPath (or kms:Decrypt with the parameters' key)";
static const char by_name[] = "ssm:GetParameter (or kms:Decrypt with the parameter's key)";
static const char to_put[] = "ssm:PutParameter (or kms:Encrypt with the parameter's key)";

static void add_member(struct dm_buf *body, const char *name, struct dm_str text)
{
    dm_buf_addf(body, "%s\"%s\":", body->len == 0 ? "{" : ",", name);
    dm_buf_add_json_string(body, text);
}

static void add_parameter(struct dm_buf *body, struct dm_str path, struct dm_str name)
{
    DM_AUTO(dm_buf) whole = dm_buf_make(DM_PARAMETER_NAME_MAX);
    dm_ssm_add_name(&whole, path, name);
    add_member(body, "Name", dm_buf_str(&whole));
    body->failed = body->failed || whole.failed;
}

static void answer_wipe(struct dm_aws_answer *answer)
{
    dm_buf_wipe(&answer->http.body);
    dm_aws_answer_free(answer);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static enum dm_code check_path(struct dm_str path, struct dm_err *err)
{
    return dm_parameter_path_valid(path) ? DM_OK : dm_fail(err, DM_INVALID, "the path of the parameters is none");
}

/* Adds one page; `token` is where it begins and, afterwards, where the next one does. */
static enum dm_code read_page(struct dm_aws *aws, struct dm_str path, int64_t deadline_ms, struct dm_buf *token,
                              struct dm_parameters *parameters, struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    struct dm_aws_answer answer = { .status = 0 };
    add_member(&body, "Path", path);
    dm_buf_addf(&body, ",\"Recursive\":true,\"WithDecryption\":true,\"MaxResults\":%d", PAGE);
    if (token->len > 0)
        add_member(&body, "NextToken", dm_buf_str(token));
    dm_buf_add_char(&body, '}');
    enum dm_code rc = dm_buf_check(&body, "a request to SSM", err);
    const struct dm_aws_operation operation = { .service = DM_AWS_SSM,
                                                .name = "GetParametersByPath",
                                                .permission = by_path,
                                                .body = dm_buf_str(&body),
                                                .answer_max = DM_SSM_ANSWER_MAX };
    if (rc == DM_OK)
        rc = dm_aws_call(aws, &operation, deadline_ms, &answer, err);
    if (rc == DM_OK)
        rc = dm_ssm_page_read(dm_buf_str(&answer.http.body), path, parameters, token, err);
    answer_wipe(&answer);
    return rc;
}

enum dm_code dm_parameters_read(struct dm_aws *aws, struct dm_str path, int64_t deadline_mono_ms,
                                struct dm_parameters *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) token = dm_buf_make(DM_SSM_TOKEN_MAX);
    DM_AUTO(dm_buf) before = dm_buf_make(DM_SSM_TOKEN_MAX);
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    enum dm_code rc = check_path(path, err);
    uint32_t pages = 0;
    do {
        dm_buf_clear(&before);
        dm_buf_add(&before, dm_buf_str(&token));
        if (rc == DM_OK)
            rc = read_page(aws, path, deadline_mono_ms, &token, &parameters, err);
        if (rc == DM_OK && token.len > 0 &&
            (++pages == PAGES_MAX || dm_str_eq(dm_buf_str(&token), dm_buf_str(&before))))
            rc = dm_fail(err, DM_CORRUPT, "SSM's pages of parameters do not end");
    } while (rc == DM_OK && token.len > 0);
    if (rc == DM_OK) {
        *ret = parameters;
        parameters = (struct dm_parameters){ .at = NULL };
    }
    return rc;
}

enum dm_code dm_parameter_get(struct dm_aws *aws, struct dm_str path, struct dm_str name, int64_t deadline_mono_ms,
                              struct dm_parameter *ret, struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    struct dm_aws_answer answer = { .status = 0 };
    add_parameter(&body, path, name);
    dm_buf_add_z(&body, ",\"WithDecryption\":true}");
    enum dm_code rc = check_path(path, err);
    if (rc == DM_OK)
        rc = dm_buf_check(&body, "a request to SSM", err);
    const struct dm_aws_operation operation = { .service = DM_AWS_SSM,
                                                .name = "GetParameter",
                                                .permission = by_name,
                                                .body = dm_buf_str(&body),
                                                .answer_max = DM_SSM_ANSWER_MAX };
    if (rc == DM_OK)
        rc = dm_aws_call(aws, &operation, deadline_mono_ms, &answer, err);
    if (rc == DM_OK)
        rc = dm_ssm_parameter_read(dm_buf_str(&answer.http.body), path, name, ret, err);
    answer_wipe(&answer);
    return rc;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void add_write(struct dm_buf *body, const struct dm_parameter_write *write)
{
    add_parameter(body, write->path, write->name);
    add_member(body, "Value", dm_secret_reveal(write->value));
    add_member(body, "Type", write->plain ? DM_STR("String") : DM_STR("SecureString"));
    if (write->kms_key.len > 0 && !write->plain)
        add_member(body, "KeyId", write->kms_key);
    dm_buf_addf(body, ",\"Overwrite\":%s}", write->only_new ? "false" : "true");
}

/* SSM quotes what it does not take, so of these its own words are not repeated. */
static enum dm_code explain_put(const struct dm_parameter_write *write, const struct dm_aws_answer *answer,
                                const struct dm_err *why, struct dm_err *err)
{
    static const char *const taken[] = { "ParameterAlreadyExists", "ParameterAlreadyExistsException" };
    for (size_t i = 0; i < DM_COUNT(taken); i++) {
        if (strcmp(answer->code, taken[i]) == 0)
            return dm_fail(err, DM_EXISTS, "there is a parameter %.*s already", DM_STR_ARG(write->name));
    }
    struct dm_str value = dm_secret_reveal(write->value), said = dm_str_z(why->text);
    if (why->code == DM_INTERNAL || dm_str_find(said, value) < said.len)
        return dm_fail(err, DM_INVALID, "SSM does not take the parameter %.*s: %.80s, HTTP %u, request %.80s",
                       DM_STR_ARG(write->name), answer->code, answer->status, answer->request_id);
    return dm_fail(err, why->code, "%s", why->text);
}

static enum dm_code check_write(const struct dm_parameter_write *write, struct dm_err *err)
{
    struct dm_str value = dm_secret_reveal(write->value);
    if (value.len > DM_PARAMETER_WRITTEN_MAX)
        return dm_fail(err, DM_TOO_LARGE, "the value of %.*s is over the %d bytes that a parameter may have",
                       DM_STR_ARG(write->name), DM_PARAMETER_WRITTEN_MAX);
    if (value.len == 0 || !dm_str_is_utf8(value) || dm_str_find_char(value, '\0') < value.len)
        return dm_fail(err, DM_INVALID, "the value of %.*s is no text, so no parameter can have it",
                       DM_STR_ARG(write->name));
    return check_path(write->path, err);
}

enum dm_code dm_parameter_put(struct dm_aws *aws, const struct dm_parameter_write *write, int64_t deadline_mono_ms,
                              struct dm_err *err)
{
    enum dm_code rc = check_write(write, err);
    if (rc != DM_OK)
        return rc;
    struct dm_buf body = dm_buf_make(WRITTEN_MAX);
    (void)dm_buf_reserve(&body, WRITTEN_MAX - 1); /* it does not move, and leaves nothing behind */
    add_write(&body, write);
    rc = dm_buf_check(&body, "a request to SSM", err);
    struct dm_aws_answer answer = { .status = 0 };
    struct dm_err why = { .code = DM_OK };
    const struct dm_aws_operation operation = {
        .service = DM_AWS_SSM, .name = "PutParameter", .permission = to_put, .body = dm_buf_str(&body)
    };
    if (rc == DM_OK && dm_aws_call(aws, &operation, deadline_mono_ms, &answer, &why) != DM_OK)
        rc = explain_put(write, &answer, &why, err);
    answer_wipe(&answer);
    dm_buf_wipe(&body);
    return rc;
}

enum dm_code dm_parameter_remove(struct dm_aws *aws, struct dm_str path, struct dm_str name, int64_t deadline_mono_ms,
                                 struct dm_err *err)
{
    DM_AUTO(dm_buf) body = dm_buf_make(ASKED_MAX);
    struct dm_aws_answer answer = { .status = 0 };
    add_parameter(&body, path, name);
    dm_buf_add_char(&body, '}');
    enum dm_code rc = check_path(path, err);
    if (rc == DM_OK)
        rc = dm_buf_check(&body, "a request to SSM", err);
    const struct dm_aws_operation operation = { .service = DM_AWS_SSM,
                                                .name = "DeleteParameter",
                                                .body = dm_buf_str(&body) };
    if (rc == DM_OK)
        rc = dm_aws_call(aws, &operation, deadline_mono_ms, &answer, err);
    /* Its first answer was lost. */
    if (rc == DM_NOT_FOUND && answer.attempts > 1)
        rc = DM_OK;
    dm_aws_answer_free(&answer);
    return rc;
}
