/* secrets.h: a port: secrets that must be read again, and signatures of docmill's own.
 *
 * A sealed text is safe to store; it opens only for the same tenant and purpose. Nothing here is ever logged. */
#ifndef DM_PORTS_SECRETS_H
#define DM_PORTS_SECRETS_H

#include "base/buf.h"
#include "domain/tenant.h"

enum { DM_MAC_BYTES = 32 };

struct dm_secrets_ops {
    const char *name;
    /* Appends to `ret`. `purpose` is a short static word such as "document-password". */
    enum dm_code (*seal)(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str plain,
                         struct dm_buf *ret, struct dm_err *err);
    /* DM_CORRUPT where it was sealed for another tenant or purpose, by another key, or changed. */
    enum dm_code (*open)(void *self, const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                         struct dm_buf *ret, struct dm_err *err);
    /* HMAC-SHA-256 under a key derived for `purpose`. */
    enum dm_code (*mac)(void *self, const char *purpose, struct dm_str text, unsigned char ret[DM_MAC_BYTES],
                        struct dm_err *err);
};

struct dm_secrets {
    const struct dm_secrets_ops *ops;
    void *self;
};

DM_MUST_USE enum dm_code dm_secrets_seal(struct dm_secrets secrets, const struct dm_tenant *tenant, const char *purpose,
                                         struct dm_str plain, struct dm_buf *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_secrets_open(struct dm_secrets secrets, const struct dm_tenant *tenant, const char *purpose,
                                         struct dm_str sealed, struct dm_buf *ret, struct dm_err *err);
DM_MUST_USE enum dm_code dm_secrets_mac(struct dm_secrets secrets, const char *purpose, struct dm_str text,
                                        unsigned char ret[DM_MAC_BYTES], struct dm_err *err);

#endif
