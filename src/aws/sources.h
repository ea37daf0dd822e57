/* sources.h: private to aws: the places that credentials come from.
 *
 * In the order of AWS's own programs; the first that is configured counts, even where it then turns out to be wrong: going on to
 * the next would ask in somebody else's name. */
#ifndef DM_AWS_SOURCES_H
#define DM_AWS_SOURCES_H

#include "aws/services.h"

/* What a source has to work with. */
struct dm_aws_sourcing {
    struct dm_runtime runtime;
    struct dm_multi *multi;
    struct dm_aws_environment environment;
    const struct dm_aws_endpoint *sts;
};

struct dm_aws_fetched {
    struct dm_aws_credentials credentials;
    int64_t left_ms; /* until they run out, by the clock of who gave them; 0 or less: they have */
};

/* Asks a server, within seconds. DM_NOT_FOUND: there is nobody to ask. */
typedef enum dm_code dm_aws_fetch(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err);

/* A role by a token that the platform writes into a file (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN): STS. */
enum dm_code dm_aws_fetch_web_identity(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret,
                                       struct dm_err *err);
/* The endpoint of ECS or of EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, …_FULL_URI). */
enum dm_code dm_aws_fetch_container(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err);
/* The role of the machine, by its metadata service (version 2). */
enum dm_code dm_aws_fetch_instance(const struct dm_aws_sourcing *how, struct dm_aws_fetched *ret, struct dm_err *err);

/* One of the two: keys that lie somewhere, or a way to fetch some. */
struct dm_aws_source {
    struct dm_aws_credentials credentials;
    dm_aws_fetch *fetch; /* NULL: the above */
};

/* Sends nothing; fails as dm_aws_open does. */
DM_MUST_USE enum dm_code dm_aws_source_choose(const struct dm_aws_environment *environment, struct dm_aws_source *ret,
                                              struct dm_err *err);

/* Copies three texts; `what` names them where they are too long. */
DM_MUST_USE enum dm_code dm_aws_credentials_take(struct dm_str key_id, struct dm_str key, struct dm_str session,
                                                 const char *what, struct dm_aws_credentials *ret, struct dm_err *err);
/* Appends a file's bytes, into room made beforehand: what is in it may be secret. A file that is not there says nothing where
 * `may_be_absent`. */
DM_MUST_USE enum dm_code dm_aws_file_read(const char *path, bool may_be_absent, struct dm_buf *ret, struct dm_err *err);

#endif
