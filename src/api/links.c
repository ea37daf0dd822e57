/* links.c: links that carry their own permission, as a presigned URL of S3 does.
 *
 * A token is base64url of a MAC and of what it covers: the instant it ends, the tenant and the blob's key. The
 * MAC's key is derived for this purpose alone, so nothing else that docmill signs can be taken for a link. The
 * document is looked up when the link is used: a deleted one is gone for links, too. */
#include "base/encode.h"
#include "answer.h"
#include "views.h"

static const char purpose[] = "blob-link";

int64_t dm_link_expiry(int64_t now_ms)
{
    return (now_ms / DM_LINK_STEP_MS + DM_LINK_LIFE_MS / DM_LINK_STEP_MS) * DM_LINK_STEP_MS;
}

/* Makes x->link_token for x->link_covered. */
static enum dm_code sign(struct dm_exchange *x, struct dm_err *err)
{
    unsigned char mac[DM_MAC_BYTES];
    DM_AUTO(dm_buf) token = dm_buf_make(DM_LINK_BYTES_MAX);
    enum dm_code rc = dm_buf_check(&x->link_covered, "a link", err);
    if (rc == DM_OK)
        rc = dm_secrets_mac(x->api->pipeline->ports.secrets, purpose, dm_buf_str(&x->link_covered), mac, err);
    if (rc != DM_OK)
        return rc;
    dm_buf_add(&token, dm_str_of(mac, sizeof(mac)));
    dm_buf_add(&token, dm_buf_str(&x->link_covered));
    dm_buf_clear(&x->link_token);
    dm_buf_add_base64url(&x->link_token, dm_buf_str(&token));
    return dm_buf_check(token.failed ? &token : &x->link_token, "a link", err);
}

/* Whether the link made last is one for the same. */
static bool is_last(const struct dm_exchange *x, const struct dm_tenant *tenant, struct dm_str key, int64_t expires_ms)
{
    struct dm_str rest = dm_buf_str(&x->link_covered);
    struct dm_str part;
    return rest.len && x->link_expires_ms == expires_ms && dm_str_next(&rest, '\n', &part) &&
           dm_str_next(&rest, '\n', &part) && dm_str_eq(part, dm_str_z(tenant->id)) && dm_str_eq(rest, key);
}

/* Who polls a completed document asks for the same link again and again: the one made last is kept. */
enum dm_code dm_link_add(struct dm_exchange *x, const struct dm_tenant *tenant, struct dm_str key, int64_t expires_ms,
                         struct dm_buf *out, struct dm_err *err)
{
    if (!is_last(x, tenant, key, expires_ms)) {
        dm_buf_clear(&x->link_covered);
        x->link_expires_ms = expires_ms;
        dm_add_number(&x->link_covered, (uint64_t)expires_ms);
        dm_buf_add_char(&x->link_covered, '\n');
        dm_buf_add_z(&x->link_covered, tenant->id);
        dm_buf_add_char(&x->link_covered, '\n');
        dm_buf_add(&x->link_covered, key);
        enum dm_code rc = sign(x, err);
        if (rc != DM_OK) {
            dm_buf_clear(&x->link_covered);
            return rc;
        }
    }
    dm_add_base_url(x, out);
    DM_LIT(out, "/api/blobs/");
    dm_buf_add(out, dm_buf_str(&x->link_token));
    return DM_OK;
}

enum dm_code dm_link_open(struct dm_exchange *x, struct dm_str token, struct dm_tenant *ret_tenant,
                          struct dm_file *ret_file, struct dm_str *ret_key, struct dm_err *err)
{
    static const char refusal[] =
        "The link is not valid, or not any more; ask for a new one with GET /api/jobs/{fileId}/download.";
    DM_AUTO(dm_buf) bytes = dm_buf_make(DM_LINK_BYTES_MAX);
    unsigned char mac[DM_MAC_BYTES];
    if (!dm_buf_add_base64url_decoded(&bytes, token) || bytes.len <= DM_MAC_BYTES)
        return dm_fail(err, DM_DENIED, refusal);
    struct dm_str covered = dm_str_from(dm_buf_str(&bytes), DM_MAC_BYTES);
    enum dm_code rc = dm_secrets_mac(x->api->pipeline->ports.secrets, purpose, covered, mac, err);
    if (rc != DM_OK)
        return rc;
    if (!dm_str_eq_secret(dm_str_cut(dm_buf_str(&bytes), 0, DM_MAC_BYTES), dm_str_of(mac, sizeof(mac))))
        return dm_fail(err, DM_DENIED, refusal);
    struct dm_str rest = covered;
    struct dm_str expires, tenant;
    int64_t expires_ms;
    /* From here on it is text of our own making. */
    if (!dm_str_next(&rest, '\n', &expires) || !dm_str_next(&rest, '\n', &tenant) || !rest.at ||
        !dm_str_to_i64(expires, &expires_ms) || dm_tenant_parse(tenant, ret_tenant, err) != DM_OK ||
        dm_file_parse(dm_str_cut(rest, 0, dm_str_find_char(rest, '/')), ret_file, err) != DM_OK)
        return dm_fail(err, DM_DENIED, refusal);
    if (x->wall_ms >= expires_ms)
        return dm_fail(err, DM_DENIED, refusal);
    *ret_key = dm_arena_str(&x->arena, rest);
    return ret_key->at ? DM_OK : dm_fail_memory(err);
}
