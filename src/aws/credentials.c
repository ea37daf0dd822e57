/* credentials.c: who asks: keys of the environment and of profiles, and which of all places it is (sources.h). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "aws/profile.h"
#include "aws/sources.h"

enum { FILE_MAX = 1024 * 1024, PATH_BYTES_MAX = 4096 };

void dm_aws_credentials_free(struct dm_aws_credentials *credentials)
{
    dm_secret_free(&credentials->key_id);
    dm_secret_free(&credentials->key);
    dm_secret_free(&credentials->session);
    credentials->expires_wall_ms = 0;
}

static struct dm_str variable(const struct dm_aws_environment *environment, const char *name)
{
    return environment->variable(environment->context, name);
}

enum dm_code dm_aws_credentials_take(struct dm_str key_id, struct dm_str key, struct dm_str session, const char *what,
                                     struct dm_aws_credentials *ret, struct dm_err *err)
{
    struct dm_aws_credentials taken = { .key_id = { NULL } };
    enum dm_code rc = dm_secret_make(key_id, what, &taken.key_id, err);
    if (rc == DM_OK)
        rc = dm_secret_make(key, what, &taken.key, err);
    if (rc == DM_OK)
        rc = dm_secret_make(session, what, &taken.session, err);
    if (rc != DM_OK) {
        dm_aws_credentials_free(&taken);
        return rc;
    }
    *ret = taken;
    return DM_OK;
}

/* ---- the environment -------------------------------------------------------------------------------------------- */

static enum dm_code from_variables(const struct dm_aws_environment *environment, struct dm_aws_credentials *ret,
                                   struct dm_err *err)
{
    struct dm_str key_id = variable(environment, "AWS_ACCESS_KEY_ID");
    struct dm_str key = variable(environment, "AWS_SECRET_ACCESS_KEY");
    if (key_id.len == 0 && key.len == 0)
        return dm_fail(err, DM_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
    if (key_id.len == 0 || key.len == 0)
        return dm_fail(err, DM_INVALID, "%s is set, %s is not: set both or neither",
                       key.len ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                       key.len ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    return dm_aws_credentials_take(key_id, key, variable(environment, "AWS_SESSION_TOKEN"), "an AWS_ variable", ret,
                                   err);
}

/* ---- the profile ------------------------------------------------------------------------------------------------ */

/* The texts hold keys and are wiped with it. */
struct shared_files {
    struct dm_buf texts[2];
    struct dm_str name; /* of the profile */
    bool name_given;
    struct dm_aws_profile profile;
};

static void shared_files_free(struct shared_files *files)
{
    for (size_t i = 0; i < DM_COUNT(files->texts); i++)
        dm_buf_wipe(&files->texts[i]);
}

static enum dm_code read_descriptor(int fd, const char *path, struct dm_buf *ret, struct dm_err *err)
{
    ssize_t got;
    char *room;
    do {
        /* Room for all of it from the start: growing would leave pieces of it behind. */
        room = dm_buf_reserve(ret, ret->max - ret->len);
        got = room ? read(fd, room, ret->max - ret->len) : 0;
        if (got > 0)
            dm_buf_grown(ret, (size_t)got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        return dm_fail_errno(err, errno, "cannot read %s", path);
    if (ret->len == ret->max)
        return dm_fail(err, DM_TOO_LARGE, "%s is over %zu bytes", path, ret->max - 1);
    return dm_buf_check(ret, path, err);
}

enum dm_code dm_aws_file_read(const char *path, bool may_be_absent, struct dm_buf *ret, struct dm_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && may_be_absent && (errno == ENOENT || errno == ENOTDIR))
        return DM_OK;
    if (fd < 0)
        return errno == EACCES ? dm_fail(err, DM_DENIED, "%s may not be read", path)
                               : dm_fail_errno(err, errno, "cannot open %s", path);
    enum dm_code rc = read_descriptor(fd, path, ret, err);
    (void)close(fd);
    return rc;
}

/* Where `name` is not set, `fallback` in the home folder; empty where there is none. */
static void find_path(const struct dm_aws_environment *environment, const char *name, const char *fallback,
                      struct dm_buf *ret)
{
    struct dm_str given = variable(environment, name), home = variable(environment, "HOME");
    if (given.len > 0 && !dm_str_starts(given, DM_STR("~/"))) {
        dm_buf_add(ret, given);
    } else if (home.len > 0) {
        dm_buf_add(ret, home);
        dm_buf_add_char(ret, '/');
        dm_buf_add(ret, given.len > 0 ? dm_str_from(given, 2) : dm_str_z(fallback));
    }
}

static enum dm_code read_shared_file(const struct dm_aws_environment *environment, enum dm_aws_file file,
                                     struct shared_files *files, struct dm_err *err)
{
    bool config = file == DM_AWS_CONFIG_FILE;
    DM_AUTO(dm_buf) path = dm_buf_make(PATH_BYTES_MAX);
    find_path(environment, config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE",
              config ? ".aws/config" : ".aws/credentials", &path);
    enum dm_code rc = dm_buf_check(&path, config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE", err);
    if (rc != DM_OK || path.len == 0)
        return rc;
    rc = dm_aws_file_read(dm_buf_z(&path), true, &files->texts[file], err);
    if (rc != DM_OK)
        return rc;
    struct dm_err why = { .code = DM_OK };
    rc = dm_aws_profile_read(dm_buf_str(&files->texts[file]), file, files->name, &files->profile, &why);
    return rc == DM_OK ? DM_OK : dm_fail(err, rc, "%s: %s", dm_buf_z(&path), why.text);
}

static enum dm_code read_shared_files(const struct dm_aws_environment *environment, struct shared_files *ret,
                                      struct dm_err *err)
{
    struct dm_str name = variable(environment, "AWS_PROFILE");
    *ret = (struct shared_files){ .texts = { dm_buf_make(FILE_MAX), dm_buf_make(FILE_MAX) },
                                  .name = name.len > 0 ? name : DM_STR("default"),
                                  .name_given = name.len > 0 };
    enum dm_code rc = read_shared_file(environment, DM_AWS_CREDENTIALS_FILE, ret, err);
    if (rc == DM_OK)
        rc = read_shared_file(environment, DM_AWS_CONFIG_FILE, ret, err);
    if (rc == DM_OK && ret->name_given && !ret->profile.found)
        rc = dm_fail(err, DM_INVALID, "AWS_PROFILE names the profile \"%.*s\", which is in neither of the shared files",
                     DM_STR_ARG(name));
    return rc;
}

/* What a profile may say instead of its keys; all but the last go before keys. */
static enum dm_code refuse_unreadable(const struct shared_files *files, struct dm_err *err)
{
    static const enum dm_aws_profile_key unreadable[] = { DM_AWS_PROFILE_ROLE, DM_AWS_PROFILE_WEB_IDENTITY,
                                                          DM_AWS_PROFILE_SSO_SESSION, DM_AWS_PROFILE_SSO_URL,
                                                          DM_AWS_PROFILE_PROCESS };
    for (size_t i = 0; i < DM_COUNT(unreadable); i++) {
        bool has_keys = files->profile.values[DM_AWS_PROFILE_KEY_ID].len > 0;
        if (files->profile.values[unreadable[i]].len == 0 || (unreadable[i] == DM_AWS_PROFILE_PROCESS && has_keys))
            continue;
        return dm_fail(err, DM_UNSUPPORTED,
                       "the AWS profile \"%.*s\" has %s, which docmill cannot use yet: name a profile with keys in "
                       "AWS_PROFILE",
                       DM_STR_ARG(files->name), dm_aws_profile_key_name(unreadable[i]));
    }
    return DM_OK;
}

static enum dm_code take_profile(const struct shared_files *files, struct dm_aws_credentials *ret, struct dm_err *err)
{
    enum dm_code rc = refuse_unreadable(files, err);
    if (rc != DM_OK)
        return rc;
    const struct dm_str *values = files->profile.values;
    struct dm_str key_id = values[DM_AWS_PROFILE_KEY_ID], key = values[DM_AWS_PROFILE_KEY];
    if (key_id.len == 0 && key.len == 0 && !files->name_given)
        return dm_fail(err, DM_NOT_FOUND, "no default profile with keys");
    if (key_id.len == 0 || key.len == 0)
        return dm_fail(err, DM_INVALID, "the AWS profile \"%.*s\" has no %s", DM_STR_ARG(files->name),
                       dm_aws_profile_key_name(key_id.len == 0 ? DM_AWS_PROFILE_KEY_ID : DM_AWS_PROFILE_KEY));
    return dm_aws_credentials_take(key_id, key, values[DM_AWS_PROFILE_SESSION], "a key of the AWS profile", ret, err);
}

static enum dm_code from_profile(const struct dm_aws_environment *environment, struct dm_aws_credentials *ret,
                                 struct dm_err *err)
{
    struct shared_files files;
    enum dm_code rc = read_shared_files(environment, &files, err);
    if (rc == DM_OK)
        rc = take_profile(&files, ret, err);
    shared_files_free(&files);
    return rc;
}

/* ---- in their order --------------------------------------------------------------------------------------------- */

static bool is_set(const struct dm_aws_environment *environment, const char *name)
{
    return variable(environment, name).len > 0;
}

enum dm_code dm_aws_source_choose(const struct dm_aws_environment *environment, struct dm_aws_source *ret,
                                  struct dm_err *err)
{
    struct dm_err why = { .code = DM_OK };
    struct dm_aws_source source = { .fetch = NULL };
    enum dm_code rc = from_variables(environment, &source.credentials, &why);
    if (rc == DM_NOT_FOUND && is_set(environment, "AWS_WEB_IDENTITY_TOKEN_FILE")) {
        source.fetch = dm_aws_fetch_web_identity;
        rc = DM_OK;
    }
    if (rc == DM_NOT_FOUND)
        rc = from_profile(environment, &source.credentials, &why);
    if (rc == DM_NOT_FOUND) {
        bool in_container = is_set(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
                            is_set(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
        source.fetch = in_container ? dm_aws_fetch_container : dm_aws_fetch_instance;
        rc = DM_OK;
    }
    if (rc != DM_OK)
        return dm_fail(err, rc, "%s", why.text);
    *ret = source;
    return DM_OK;
}

enum dm_code dm_aws_region_find(const struct dm_aws_environment *environment, struct dm_buf *ret, struct dm_err *err)
{
    struct dm_str region = variable(environment, "AWS_REGION");
    if (region.len == 0)
        region = variable(environment, "AWS_DEFAULT_REGION");
    struct shared_files files = { .name = { NULL, 0 } };
    enum dm_code rc = DM_OK;
    if (region.len == 0) {
        rc = read_shared_files(environment, &files, err);
        region = files.profile.values[DM_AWS_PROFILE_REGION];
    }
    if (rc == DM_OK && region.len == 0)
        rc = dm_fail(err, DM_NOT_FOUND, "no AWS region: set AWS_REGION, or region in the profile of ~/.aws/config");
    if (rc == DM_OK) {
        dm_buf_add(ret, region);
        rc = dm_buf_check(ret, "the AWS region", err);
    }
    shared_files_free(&files);
    return rc;
}
