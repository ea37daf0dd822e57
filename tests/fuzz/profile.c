/* profile.c: the shared files of AWS's programs. The first line is the profile's name, the rest is a file; it is read as either
 * kind of file. */
#include "aws/profile.h"

#include "fuzz.h"

static bool lies_in(struct dm_str part, struct dm_str whole)
{
    return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

static bool same(const struct dm_aws_profile *a, const struct dm_aws_profile *b)
{
    bool equal = a->found == b->found;
    for (size_t i = 0; i < DM_AWS_PROFILE_KEY_COUNT; i++)
        equal = equal && dm_str_eq(a->values[i], b->values[i]);
    return equal;
}

/* What a profile says is a piece of one line of the file, and reading the same once more adds nothing. */
static void check_profile(struct dm_str text, enum dm_aws_file file, struct dm_str name)
{
    struct dm_aws_profile profile = { .found = false };
    struct dm_err err = { .code = DM_OK };
    if (dm_aws_profile_read(text, file, name, &profile, &err) != DM_OK) {
        EXPECT(err.code == DM_INVALID && fuzz_is_plain_ascii(dm_str_z(err.text)));
        EXPECT(same(&profile, &(struct dm_aws_profile){ .found = false }));
        return;
    }
    for (size_t i = 0; i < DM_AWS_PROFILE_KEY_COUNT; i++) {
        struct dm_str value = profile.values[i];
        EXPECT(value.len == 0 || (profile.found && lies_in(value, text)));
        EXPECT(dm_str_find_char(value, '\n') == value.len);
        EXPECT(dm_str_eq(dm_str_trim(value), value));
    }
    struct dm_aws_profile again = profile;
    EXPECT(dm_aws_profile_read(text, file, name, &again, &err) == DM_OK);
    EXPECT(same(&profile, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    struct dm_str name = input_line(&input), text = input_rest(&input);
    check_profile(text, DM_AWS_CREDENTIALS_FILE, name);
    check_profile(text, DM_AWS_CONFIG_FILE, name);
    input_free(&input);
    return 0;
}
