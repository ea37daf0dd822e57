/* secrets.c: the checking callers of the secrets port. */
#include "ports/secrets.h"

#include "base/check.h"

enum dm_code dm_secrets_seal(struct dm_secrets secrets, const struct dm_tenant *tenant, const char *purpose,
                             struct dm_str plain, struct dm_buf *ret, struct dm_err *err)
{
    DM_CHECK(purpose && *purpose);
    return secrets.ops->seal(secrets.self, tenant, purpose, plain, ret, err);
}

enum dm_code dm_secrets_open(struct dm_secrets secrets, const struct dm_tenant *tenant, const char *purpose,
                             struct dm_str sealed, struct dm_buf *ret, struct dm_err *err)
{
    DM_CHECK(purpose && *purpose);
    return secrets.ops->open(secrets.self, tenant, purpose, sealed, ret, err);
}

enum dm_code dm_secrets_mac(struct dm_secrets secrets, const char *purpose, struct dm_str text,
                            unsigned char ret[DM_MAC_BYTES], struct dm_err *err)
{
    DM_CHECK(purpose && *purpose);
    return secrets.ops->mac(secrets.self, purpose, text, ret, err);
}
