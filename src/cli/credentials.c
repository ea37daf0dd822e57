/* credentials.c: see credentials.h. */
#include "cli/credentials.h"

#include "base/alloc.h"

enum { LOOK_EVERY_MS = 5000 };

struct dm_credentials {
    struct dm_runtime runtime;
    struct dm_monitor *monitor; /* guards what follows */
    struct dm_aws_environment environment;
    struct dm_aws_credentials now;
    bool doubted; /* a service did not know them */
    int64_t looked_ms;
};

enum dm_code dm_credentials_make(struct dm_runtime runtime, const struct dm_aws_environment *environment,
                                 struct dm_credentials **ret, struct dm_err *err)
{
    struct dm_credentials *credentials = dm_alloc_zero(1, sizeof(*credentials));
    if (!credentials)
        return dm_fail_memory(err);
    credentials->runtime = runtime;
    credentials->environment = *environment;
    credentials->looked_ms = dm_mono_ms(runtime) - LOOK_EVERY_MS; /* the first doubt need not wait */
    enum dm_code rc = dm_aws_credentials_find(environment, &credentials->now, err);
    if (rc == DM_OK)
        rc = dm_monitor_make(runtime, &credentials->monitor, err);
    if (rc == DM_OK)
        *ret = credentials;
    else
        dm_credentials_free(credentials);
    return rc;
}

void dm_credentials_free(struct dm_credentials *credentials)
{
    if (!credentials)
        return;
    dm_monitor_free(credentials->runtime, credentials->monitor);
    dm_aws_credentials_free(&credentials->now);
    dm_free(credentials);
}

static bool secrets_eq(const struct dm_secret *a, const struct dm_secret *b)
{
    return dm_str_eq(dm_secret_reveal(a), dm_secret_reveal(b));
}

static bool are_same(const struct dm_aws_credentials *a, const struct dm_aws_credentials *b)
{
    return secrets_eq(&a->key_id, &b->key_id) && secrets_eq(&a->key, &b->key) && secrets_eq(&a->session, &b->session);
}

static bool may_look(const struct dm_credentials *credentials)
{
    return dm_mono_ms(credentials->runtime) - credentials->looked_ms >= LOOK_EVERY_MS;
}

static void look(struct dm_credentials *credentials)
{
    struct dm_aws_credentials found = { .key_id = { NULL } };
    credentials->looked_ms = dm_mono_ms(credentials->runtime);
    if (dm_aws_credentials_find(&credentials->environment, &found, NULL) != DM_OK)
        return;
    credentials->doubted = are_same(&found, &credentials->now);
    dm_aws_credentials_free(&credentials->now);
    credentials->now = found;
}

static enum dm_code copy(const struct dm_aws_credentials *from, struct dm_aws_credentials *ret, struct dm_err *err)
{
    struct dm_aws_credentials made = { .key_id = { NULL } };
    const char *what = "the credentials of AWS";
    enum dm_code rc = dm_secret_make(dm_secret_reveal(&from->key_id), what, &made.key_id, err);
    if (rc == DM_OK)
        rc = dm_secret_make(dm_secret_reveal(&from->key), what, &made.key, err);
    if (rc == DM_OK)
        rc = dm_secret_make(dm_secret_reveal(&from->session), what, &made.session, err);
    if (rc == DM_OK)
        *ret = made;
    else
        dm_aws_credentials_free(&made);
    return rc;
}

enum dm_code dm_credentials_get(void *context, struct dm_aws_credentials *ret, struct dm_err *err)
{
    struct dm_credentials *credentials = context;
    dm_lock(credentials->runtime, credentials->monitor);
    if (credentials->doubted && may_look(credentials))
        look(credentials);
    enum dm_code rc = copy(&credentials->now, ret, err);
    dm_unlock(credentials->runtime, credentials->monitor);
    return rc;
}

bool dm_credentials_expired(void *context, const struct dm_aws_credentials *used)
{
    struct dm_credentials *credentials = context;
    dm_lock(credentials->runtime, credentials->monitor);
    bool others = !are_same(used, &credentials->now);
    credentials->doubted |= !others;
    others |= may_look(credentials);
    dm_unlock(credentials->runtime, credentials->monitor);
    return others;
}
