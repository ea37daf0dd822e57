/* sealing.h: what the keepers of secrets have in common: keys of 32 bytes, what is derived from them, and texts sealed by them.
 *
 * A keeper knows where its key lies and who may have it; how a text is sealed and a MAC is worked out must not differ between
 * keepers, and is here once. No two uses share a key: each purpose gets its own by HMAC-SHA-256 of its name. */
#ifndef DM_PORTS_SEALING_H
#define DM_PORTS_SEALING_H

#include "ports/runtime.h"
#include "ports/secrets.h"

enum {
    DM_SEALING_KEY_BYTES = 32,
    DM_SEALING_PLAIN_MAX = 1 << 20,
    DM_SEALING_MORE_BYTES = 12 + 16 /* of what is sealed, beyond its text: nonce and tag */
};

struct dm_sealing_key {
    unsigned char bytes[DM_SEALING_KEY_BYTES];
};
void dm_sealing_key_free(struct dm_sealing_key *key); /* overwrites it */

/* `use` is "seal" or "mac": the same purpose of both kinds gets two keys. DM_INVALID: a purpose that is too long. */
DM_MUST_USE enum dm_code dm_sealing_derive(const struct dm_sealing_key *key, const char *use, const char *purpose,
                                           struct dm_sealing_key *ret, struct dm_err *err);

/* Appends nonce | AES-256-GCM of the text | tag, with `head`, tenant and purpose authenticated. DM_TOO_LARGE: over 1 MiB. */
DM_MUST_USE enum dm_code dm_sealing_seal(struct dm_runtime runtime, const struct dm_sealing_key *key,
                                         struct dm_str head, const struct dm_tenant *tenant, const char *purpose,
                                         struct dm_str plain, struct dm_buf *ret, struct dm_err *err);
/* DM_CORRUPT, where anything of it is another: the keeper, who knows what that means, writes the sentence. */
DM_MUST_USE enum dm_code dm_sealing_open(const struct dm_sealing_key *key, struct dm_str head,
                                         const struct dm_tenant *tenant, const char *purpose, struct dm_str sealed,
                                         struct dm_buf *ret, struct dm_err *err);

/* MACs under keys derived from one. The keys of the first purposes stay prepared, because preparing one is most of what a MAC costs,
 * and every job with a link is signed. Thread-safe. */
struct dm_macs;
DM_MUST_USE enum dm_code dm_macs_make(const struct dm_sealing_key *key, struct dm_macs **ret, struct dm_err *err);
void dm_macs_free(struct dm_macs *macs); /* accepts NULL */
/* `purpose` is a static word. */
DM_MUST_USE enum dm_code dm_macs_compute(struct dm_macs *macs, const char *purpose, struct dm_str text,
                                         unsigned char ret[DM_MAC_BYTES], struct dm_err *err);

#endif
