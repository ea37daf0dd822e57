/* profile.h: private to aws: the files in which AWS's programs keep what belongs to a name ("profiles").
 *
 * Sections in brackets, `name = value` lines, comments on lines of their own after '#' or ';', and indented lines that belong to
 * the setting before them (none that is read here has any). In the credentials file a section is a profile; in the config
 * file the word "profile" stands before the name, except for "default". */
#ifndef DM_AWS_PROFILE_H
#define DM_AWS_PROFILE_H

#include "base/err.h"
#include "base/str.h"

enum dm_aws_file { DM_AWS_CREDENTIALS_FILE, DM_AWS_CONFIG_FILE };

#define DM_AWS_PROFILE_KEYS(X) /* name, in the file */                                                                 \
    X(KEY_ID, "aws_access_key_id")                                                                                     \
    X(KEY, "aws_secret_access_key")                                                                                    \
    X(SESSION, "aws_session_token")                                                                                    \
    X(REGION, "region")                                                                                                \
    X(ROLE, "role_arn")                                                                                                \
    X(WEB_IDENTITY, "web_identity_token_file")                                                                         \
    X(SSO_SESSION, "sso_session")                                                                                      \
    X(SSO_URL, "sso_start_url")                                                                                        \
    X(PROCESS, "credential_process")

#define DM_AWS_PROFILE_ENUM(name, text) DM_AWS_PROFILE_##name,
enum dm_aws_profile_key { DM_AWS_PROFILE_KEYS(DM_AWS_PROFILE_ENUM) DM_AWS_PROFILE_KEY_COUNT };
#undef DM_AWS_PROFILE_ENUM

struct dm_aws_profile {
    bool found;
    struct dm_str values[DM_AWS_PROFILE_KEY_COUNT]; /* empty: not said there */
};

const char *dm_aws_profile_key_name(enum dm_aws_profile_key key);

/* Adds what the text says of the profile to `*profile`, where that says nothing yet; the values are slices of `text`. DM_INVALID names
 * the line that is none (and nothing of what stands there, which may be half a key). */
DM_MUST_USE enum dm_code dm_aws_profile_read(struct dm_str text, enum dm_aws_file file, struct dm_str name,
                                             struct dm_aws_profile *profile, struct dm_err *err);

#endif
