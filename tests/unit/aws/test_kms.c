/* test_kms.c: answers of KMS, and how long data keys are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "aws/kms.h"
#include "base/calendar.h"

/* ---- a runtime whose clock the tests set; nothing here waits -------------------------------------------------- */

static int64_t now_ms;

static int64_t mono_ms(void *self)
{
    return now_ms;
}

static enum dm_code monitor_make(void *self, struct dm_monitor **ret, struct dm_err *err)
{
    *ret = NULL;
    return DM_OK;
}

static void monitor_free(void *self, struct dm_monitor *monitor)
{
}

static void nothing(void *self, struct dm_monitor *monitor)
{
}

static const struct dm_runtime_ops ops = { .name = "set",
                                           .mono_ms = mono_ms,
                                           .monitor_make = monitor_make,
                                           .monitor_free = monitor_free,
                                           .lock = nothing,
                                           .unlock = nothing };

/* ---- keys that are kept ---------------------------------------------------------------------------------------- */

static const struct dm_tenant acme = { "acme" }, other = { "other" };
static const struct dm_sealing_key key = { { 1, 2, 3 } };

static struct dm_kms_keys *make(void)
{
    struct dm_kms_keys *keys = NULL;
    struct dm_err err;
    now_ms = 1000;
    assert_int_equal(dm_kms_keys_make((struct dm_runtime){ &ops, NULL }, &keys, &err), DM_OK);
    return keys;
}

static bool seals(struct dm_kms_keys *keys, const struct dm_tenant *tenant, const char *purpose)
{
    DM_AUTO(dm_kms_data_key) found = { .key = { { 0 } } };
    const struct dm_kms_context context = { tenant, purpose };
    bool is = dm_kms_keys_find_to_seal(keys, &context, &found);
    assert_true(!is || (memcmp(&found.key, &key, sizeof(key)) == 0 && found.wrapped.len > 0));
    return is;
}

static bool opens(struct dm_kms_keys *keys, const struct dm_tenant *tenant, const char *purpose, const char *wrapped)
{
    DM_AUTO(dm_sealing_key) found = { { 0 } };
    const struct dm_kms_context context = { tenant, purpose };
    return dm_kms_keys_find_to_open(keys, &context, dm_str_z(wrapped), &found);
}

static void keep(struct dm_kms_keys *keys, const struct dm_tenant *tenant, const char *wrapped, bool to_seal)
{
    const struct dm_kms_context context = { tenant, "one" };
    dm_kms_keys_keep(keys, &context, &key, dm_str_z(wrapped), to_seal);
}

static void a_key_is_for_its_tenant_and_purpose_alone(void **state)
{
    (void)state;
    struct dm_kms_keys *keys = make();
    keep(keys, &acme, "W", true);
    assert_true(seals(keys, &acme, "one") && opens(keys, &acme, "one", "W"));
    assert_false(seals(keys, &other, "one") || seals(keys, &acme, "two") || seals(keys, NULL, "one"));
    assert_false(opens(keys, &other, "one", "W") || opens(keys, &acme, "two", "W") || opens(keys, &acme, "one", "X"));
    dm_kms_keys_free(keys);
}

static void a_key_that_came_to_open_seals_nothing(void **state)
{
    (void)state;
    struct dm_kms_keys *keys = make();
    keep(keys, &acme, "W", false);
    assert_true(opens(keys, &acme, "one", "W"));
    assert_false(seals(keys, &acme, "one"));
    dm_kms_keys_free(keys);
}

static void a_key_is_kept_for_minutes(void **state)
{
    (void)state;
    struct dm_kms_keys *keys = make();
    keep(keys, &acme, "W", true);
    now_ms += 5 * DM_MINUTE_MS - 1;
    assert_true(opens(keys, &acme, "one", "W"));
    now_ms++;
    assert_false(opens(keys, &acme, "one", "W") || seals(keys, &acme, "one"));
    dm_kms_keys_free(keys);
}

static void a_key_seals_so_many_texts_and_still_opens_them(void **state)
{
    (void)state;
    struct dm_kms_keys *keys = make();
    int texts = 0;
    keep(keys, &acme, "W", true);
    while (seals(keys, &acme, "one"))
        texts++;
    assert_int_equal(texts, 10000);
    assert_true(opens(keys, &acme, "one", "W"));
    dm_kms_keys_free(keys);
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    struct dm_kms_keys *keys = make();
    char wrapped[8];
    int opened = 0;
    for (int i = 0; i < 1060; i++) {
        snprintf(wrapped, sizeof(wrapped), "W%04d", i);
        now_ms++;
        keep(keys, &acme, wrapped, true);
    }
    for (int i = 0; i < 1060; i++) {
        snprintf(wrapped, sizeof(wrapped), "W%04d", i);
        bool there = opens(keys, &acme, "one", wrapped);
        assert_true(there == (i >= 36));
        opened += there;
    }
    assert_int_equal(opened, 1024);
    dm_kms_keys_free(keys);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void an_answer_has_the_key_and_what_unwraps_to_it(void **state)
{
    (void)state;
    DM_AUTO(dm_sealing_key) found = { { 0 } };
    DM_AUTO(dm_buf) wrapped = { 0 };
    struct dm_err err;
    struct dm_str answer = DM_STR("{\"Plaintext\":\"" KEY_TEXT "\",\"CiphertextBlob\":\"+/8=\",\"KeyId\":\"arn:…\"}");
    assert_int_equal(dm_kms_answer_read(answer, &found, &wrapped, &err), DM_OK);
    for (int i = 0; i < DM_SEALING_KEY_BYTES; i++)
        assert_int_equal(found.bytes[i], i);
    assert_true(dm_str_eq(dm_buf_str(&wrapped), DM_STR("\xfb\xff")));
}

static void an_answer_without_a_whole_key_is_refused(void **state)
{
    (void)state;
    static const char *const answers[] = { "",
                                           "[]",
                                           "{}",
                                           "{\"CiphertextBlob\":\"AAAA\"}",
                                           "{\"Plaintext\":\"" KEY_TEXT "\"}",
                                           "{\"Plaintext\":\"" KEY_TEXT "\",\"CiphertextBlob\":\"\"}",
                                           "{\"Plaintext\":\"" KEY_TEXT "\",\"CiphertextBlob\":\"A\"}",
                                           "{\"Plaintext\":\"" KEY_TEXT KEY_TEXT "\",\"CiphertextBlob\":\"AAAA\"}",
                                           "{\"Plaintext\":\"AAAA\",\"CiphertextBlob\":\"AAAA\"}" };
    for (size_t i = 0; i < DM_COUNT(answers); i++) {
        struct dm_sealing_key found = { { 0 } };
        struct dm_buf wrapped = { 0 };
        struct dm_err err;
        assert_int_equal(dm_kms_answer_read(dm_str_z(answers[i]), &found, &wrapped, &err), DM_CORRUPT);
        assert_true(found.bytes[1] == 0 && !wrapped.at && !strstr(err.text, "AAEC"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_for_its_tenant_and_purpose_alone),
        cmocka_unit_test(a_key_that_came_to_open_seals_nothing),
        cmocka_unit_test(a_key_is_kept_for_minutes),
        cmocka_unit_test(a_key_seals_so_many_texts_and_still_opens_them),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(an_answer_has_the_key_and_what_unwraps_to_it),
        cmocka_unit_test(an_answer_without_a_whole_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
