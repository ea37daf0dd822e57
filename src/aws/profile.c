/* profile.c: one profile out of a file of many. */
#include "aws/profile.h"

static const struct dm_str key_names[] = {
#define DM_AWS_PROFILE_NAME(name, text) DM_STR_INIT(text),
    DM_AWS_PROFILE_KEYS(DM_AWS_PROFILE_NAME)
#undef DM_AWS_PROFILE_NAME
};

const char *dm_aws_profile_key_name(enum dm_aws_profile_key key)
{
    return key_names[key].at;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A name may stand in quotes, for those with blanks in them. */
static struct dm_str unquoted(struct dm_str name)
{
    bool quoted = name.len >= 2 && (name.at[0] == '"' || name.at[0] == '\'') && name.at[name.len - 1] == name.at[0];
    return quoted ? dm_str_cut(name, 1, name.len - 2) : name;
}

/* Is the section, which stood between brackets, the profile? Sections of other kinds ("sso-session x") never are. */
static bool is_profile(struct dm_str section, enum dm_aws_file file, struct dm_str name)
{
    static const struct dm_str word = DM_STR_INIT("profile");
    section = dm_str_trim(section);
    if (file == DM_AWS_CREDENTIALS_FILE || dm_str_eq(section, DM_STR("default")))
        return dm_str_eq(unquoted(section), name);
    if (!dm_str_starts(section, word) || section.len == word.len || !is_blank(section.at[word.len]))
        return false;
    return dm_str_eq(unquoted(dm_str_trim(dm_str_from(section, word.len))), name);
}

static void keep(struct dm_aws_profile *profile, const bool *said_before, struct dm_str key, struct dm_str value)
{
    for (size_t i = 0; i < DM_COUNT(key_names); i++) {
        if (dm_str_eq_nocase(key, key_names[i]) && !said_before[i])
            profile->values[i] = value; /* of two in one file the last counts, as with AWS's programs */
    }
}

enum dm_code dm_aws_profile_read(struct dm_str text, enum dm_aws_file file, struct dm_str name,
                                 struct dm_aws_profile *profile, struct dm_err *err)
{
    struct dm_aws_profile grown = *profile;
    bool inside = false, in_any = false, said_before[DM_AWS_PROFILE_KEY_COUNT];
    for (size_t i = 0; i < DM_COUNT(said_before); i++)
        said_before[i] = profile->values[i].len > 0;
    unsigned number = 0;
    for (struct dm_str line; dm_str_next(&text, '\n', &line);) {
        number++;
        bool indented = line.len > 0 && is_blank(line.at[0]);
        line = dm_str_trim(line);
        if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';' || (indented && in_any))
            continue;
        size_t closing = dm_str_find_char(line, ']'), equals = dm_str_find_char(line, '=');
        if (line.at[0] == '[' && closing < line.len) {
            inside = is_profile(dm_str_cut(line, 1, closing - 1), file, name);
            grown.found = grown.found || inside;
            in_any = true;
        } else if (line.at[0] == '[' || equals == line.len || equals == 0 || !in_any) {
            return dm_fail(err, DM_INVALID, "line %u is neither [a section] nor name = value", number);
        } else if (inside) {
            keep(&grown, said_before, dm_str_trim(dm_str_cut(line, 0, equals)),
                 dm_str_trim(dm_str_from(line, equals + 1)));
        }
    }
    *profile = grown;
    return DM_OK;
}
