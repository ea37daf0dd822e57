/* secrets_contract.c: what every keeper of secrets must do. */
#include "contracts.h"

#include "testing.h"

enum { BUF_MAX = 4 << 20 };

static struct dm_secrets secrets;
static struct dm_err err;
static const struct dm_tenant acme = { "acme" };
static const struct dm_tenant other = { "acme2" };

static void seal(const struct dm_tenant *tenant, const char *purpose, struct dm_str plain, struct dm_buf *ret)
{
    assert_ok(dm_secrets_seal(secrets, tenant, purpose, plain, ret, &err), &err);
}

static void a_sealed_text_opens_for_its_tenant_and_purpose(void **state)
{
    static const char zeros[100000];
    const struct dm_str texts[] = { DM_STR("correct horse"), DM_STR(""), DM_STR("\0\xff\n"),
                                    dm_str_of(zeros, sizeof(zeros)) };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        DM_AUTO(dm_buf) sealed = dm_buf_make(BUF_MAX);
        DM_AUTO(dm_buf) plain = dm_buf_make(BUF_MAX);
        seal(&acme, "document-password", texts[i], &sealed);
        assert_ok(dm_secrets_open(secrets, &acme, "document-password", dm_buf_str(&sealed), &plain, &err), &err);
        assert_true(dm_str_eq(dm_buf_str(&plain), texts[i]));
    }
}

static void results_are_appended(void **state)
{
    DM_AUTO(dm_buf) sealed = dm_buf_make(BUF_MAX);
    DM_AUTO(dm_buf) plain = dm_buf_make(BUF_MAX);
    dm_buf_add_z(&sealed, "before:");
    dm_buf_add_z(&plain, "before:");
    seal(&acme, "document-password", DM_STR("x"), &sealed);
    assert_true(dm_str_starts(dm_buf_str(&sealed), DM_STR("before:")));
    assert_ok(dm_secrets_open(secrets, &acme, "document-password", dm_str_from(dm_buf_str(&sealed), 7), &plain, &err),
              &err);
    assert_text(dm_buf_str(&plain), DM_STR("before:x"));
}

static void it_does_not_open_for_another_tenant_or_purpose(void **state)
{
    DM_AUTO(dm_buf) sealed = dm_buf_make(BUF_MAX);
    DM_AUTO(dm_buf) plain = dm_buf_make(BUF_MAX);
    seal(&acme, "document-password", DM_STR("secret"), &sealed);
    assert_code(dm_secrets_open(secrets, &other, "document-password", dm_buf_str(&sealed), &plain, &err), DM_CORRUPT,
                &err);
    assert_code(dm_secrets_open(secrets, &acme, "webhook-secret", dm_buf_str(&sealed), &plain, &err), DM_CORRUPT, &err);
    assert_int_equal(plain.len, 0);
}

static void a_changed_text_does_not_open(void **state)
{
    DM_AUTO(dm_buf) sealed = dm_buf_make(BUF_MAX);
    DM_AUTO(dm_buf) plain = dm_buf_make(BUF_MAX);
    seal(&acme, "document-password", DM_STR("secret"), &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            sealed.at[i] = (char)(sealed.at[i] ^ 1 << bit);
            assert_code(dm_secrets_open(secrets, &acme, "document-password", dm_buf_str(&sealed), &plain, &err),
                        DM_CORRUPT, &err);
            sealed.at[i] = (char)(sealed.at[i] ^ 1 << bit);
        }
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_code(dm_secrets_open(secrets, &acme, "document-password", dm_str_of(sealed.at, len), &plain, &err),
                    DM_CORRUPT, &err);
    dm_buf_add_char(&sealed, 'A');
    assert_code(dm_secrets_open(secrets, &acme, "document-password", dm_buf_str(&sealed), &plain, &err), DM_CORRUPT,
                &err);
    assert_int_equal(plain.len, 0);
}

static void what_was_never_sealed_does_not_open(void **state)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(BUF_MAX);
    static const char *const texts[] = { "", "x", "not sealed at all", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    for (size_t i = 0; i < DM_COUNT(texts); i++)
        assert_code(dm_secrets_open(secrets, &acme, "document-password", dm_str_z(texts[i]), &plain, &err), DM_CORRUPT,
                    &err);
}

static void sealing_twice_gives_two_texts_and_neither_shows_the_secret(void **state)
{
    DM_AUTO(dm_buf) first = dm_buf_make(BUF_MAX);
    DM_AUTO(dm_buf) second = dm_buf_make(BUF_MAX);
    seal(&acme, "document-password", DM_STR("correct horse battery staple"), &first);
    seal(&acme, "document-password", DM_STR("correct horse battery staple"), &second);
    assert_false(dm_str_eq(dm_buf_str(&first), dm_buf_str(&second)));
    assert_int_equal(dm_str_find(dm_buf_str(&first), DM_STR("horse")), first.len);
}

static void a_mac_repeats_and_depends_on_purpose_and_text(void **state)
{
    unsigned char macs[4][DM_MAC_BYTES];
    assert_ok(dm_secrets_mac(secrets, "links", DM_STR("text"), macs[0], &err), &err);
    assert_ok(dm_secrets_mac(secrets, "links", DM_STR("text"), macs[1], &err), &err);
    assert_memory_equal(macs[0], macs[1], DM_MAC_BYTES);
    assert_ok(dm_secrets_mac(secrets, "tickets", DM_STR("text"), macs[1], &err), &err);
    assert_ok(dm_secrets_mac(secrets, "links", DM_STR("texu"), macs[2], &err), &err);
    assert_ok(dm_secrets_mac(secrets, "links", DM_STR(""), macs[3], &err), &err);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(macs[i], macs[k], DM_MAC_BYTES);
}

int secrets_contract(struct dm_secrets given)
{
    secrets = given;
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_text_opens_for_its_tenant_and_purpose),
        cmocka_unit_test(results_are_appended),
        cmocka_unit_test(it_does_not_open_for_another_tenant_or_purpose),
        cmocka_unit_test(a_changed_text_does_not_open),
        cmocka_unit_test(what_was_never_sealed_does_not_open),
        cmocka_unit_test(sealing_twice_gives_two_texts_and_neither_shows_the_secret),
        cmocka_unit_test(a_mac_repeats_and_depends_on_purpose_and_text),
    };
    return run_group("the secrets' contract", tests, NULL, NULL);
}
