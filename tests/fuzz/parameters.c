/* parameters.c: answers of SSM and KMS. What is taken of them is below the path, once, and has a value. */
#include "aws/kms.h"
#include "aws/ssm.h"

#include "fuzz.h"

static const struct dm_str path = DM_STR_INIT("/docmill/prod");

static void check_one(const struct dm_parameter *one)
{
    struct dm_str name = dm_str_z(one->name);
    DM_AUTO(dm_buf) whole = dm_buf_make(2 * DM_PARAMETER_NAME_MAX);
    dm_ssm_add_name(&whole, path, name);
    EXPECT(name.len > 0 && whole.len <= DM_PARAMETER_NAME_MAX && fuzz_is_plain_ascii(name));
    EXPECT(dm_str_starts(dm_buf_str(&whole), DM_STR("/docmill/prod/")));
    EXPECT(dm_secret_is_set(&one->value) && dm_secret_reveal(&one->value).len <= DM_PARAMETER_VALUE_MAX);
    EXPECT(one->version > 0 && one->changed_wall_ms >= 0);
}

static void check_page(struct dm_str answer)
{
    DM_AUTO(dm_parameters) parameters = { .at = NULL };
    DM_AUTO(dm_buf) token = dm_buf_make(DM_SSM_TOKEN_MAX);
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_ssm_page_read(answer, path, &parameters, &token, &err);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT || rc == DM_TOO_LARGE || rc == DM_NO_MEMORY);
    EXPECT(rc == DM_OK || fuzz_is_plain_ascii(dm_str_z(err.text)));
    EXPECT(parameters.count <= DM_PARAMETERS_MAX && token.len <= DM_SSM_TOKEN_MAX);
    for (uint32_t i = 0; i < parameters.count; i++) {
        check_one(&parameters.at[i]);
        EXPECT(dm_parameters_find(&parameters, dm_str_z(parameters.at[i].name)) == &parameters.at[i]);
    }
}

static void check_single(struct dm_str answer)
{
    struct dm_parameter one = { .name = NULL };
    struct dm_err err = { .code = DM_OK };
    if (dm_ssm_parameter_read(answer, path, DM_STR("mac-key"), &one, &err) == DM_OK) {
        check_one(&one);
        EXPECT(dm_str_eq(dm_str_z(one.name), DM_STR("mac-key")));
    }
    dm_parameter_free(&one);
}

static void check_key(struct dm_str answer)
{
    struct dm_sealing_key key = { { 0 } };
    DM_AUTO(dm_buf) wrapped = { 0 };
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_kms_answer_read(answer, &key, &wrapped, &err);
    EXPECT(rc == DM_OK ? wrapped.len > 0 && wrapped.len <= DM_KMS_WRAPPED_MAX : !wrapped.at);
    EXPECT(rc == DM_OK || rc == DM_CORRUPT || rc == DM_NO_MEMORY);
    dm_sealing_key_free(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str answer = input_rest(&input);
    check_page(answer);
    check_single(answer);
    check_key(answer);
    input_free(&input);
    return 0;
}
