/* test_tenant_keys.c: tenants' own keys: sealed where they lie, used within seconds of a change, and nobody else's. */
#include <stdio.h>
#include <string.h>

#include "trouble.h"

static struct dm_tenant_keys *keys;
static _Atomic bool away;
static _Atomic uint32_t reads;

static enum dm_code watched_get(void *self, const struct dm_tenant *tenant, struct dm_str name, struct dm_arena *arena,
                                struct dm_tenant_secret *ret, struct dm_err *err)
{
    atomic_fetch_add(&reads, 1);
    if (atomic_load(&away))
        return dm_fail(err, DM_UNAVAILABLE, "the store is away");
    return dm_store_secret_get(trouble.store, tenant, name, arena, ret, err);
}

static int setup(void **state)
{
    static struct dm_store_ops watched;
    rig_setup(state);
    struct rig *rig = *state;
    trouble_wrap(rig);
    struct dm_ports *ports = &rig->pipeline.ports;
    watched = *ports->store.ops;
    watched.secret_get = watched_get;
    ports->store.ops = &watched;
    away = false;
    reads = 0;
    assert_int_equal(dm_tenant_keys_make(ports, "A_KEY", &keys, &rig->err), DM_OK);
    return 0;
}

static int teardown(void **state)
{
    dm_tenant_keys_free(keys);
    return rig_teardown(state);
}

static void set(struct rig *rig, const char *tenant, const char *name, const char *key)
{
    const struct dm_tenant whose = rig_tenant(tenant);
    assert_int_equal(dm_tenant_key_set(&rig->pipeline.ports, &whose, dm_str_z(name), dm_str_z(key), &rig->err), DM_OK);
}

static void assert_key(struct rig *rig, const char *tenant, const char *expected)
{
    const struct dm_tenant whose = rig_tenant(tenant);
    DM_AUTO(dm_secret) key = { 0 };
    assert_int_equal(dm_tenant_keys_get(keys, &whose, &key, &rig->err), DM_OK);
    assert_true(dm_str_eq(dm_secret_reveal(&key), dm_str_z(expected)));
}

static void a_key_is_its_tenants_and_its_names_alone_and_a_change_is_used_within_seconds(void **state)
{
    struct rig *rig = *state;
    assert_key(rig, "a", "");
    set(rig, "a", "A_KEY", "first");
    set(rig, "a", "B_KEY", "of-another-provider");
    set(rig, "b", "A_KEY", "of-b");
    trouble_pass(DM_TENANT_KEY_MS, DM_TENANT_KEY_MS);
    assert_key(rig, "a", "first");
    assert_key(rig, "b", "of-b");
    assert_key(rig, "c", "");
    uint32_t before = reads;
    assert_key(rig, "a", "first");
    assert_key(rig, "c", "");
    assert_int_equal(reads, before); /* a call costs no read */
    set(rig, "a", "A_KEY", "second");
    trouble_pass(DM_TENANT_KEY_MS, DM_TENANT_KEY_MS);
    assert_key(rig, "a", "second");
    const struct dm_tenant a = rig_tenant("a");
    assert_int_equal(dm_tenant_key_remove(&rig->pipeline.ports, &a, DM_STR("A_KEY"), &rig->err), DM_OK);
    assert_int_equal(dm_tenant_key_remove(&rig->pipeline.ports, &a, DM_STR("A_KEY"), &rig->err), DM_NOT_FOUND);
    trouble_pass(DM_TENANT_KEY_MS, DM_TENANT_KEY_MS);
    assert_key(rig, "a", "");
}

static void while_the_store_is_away_the_key_of_before_counts(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant b = rig_tenant("b");
    struct dm_secret key = { 0 };
    set(rig, "a", "A_KEY", "kept");
    assert_key(rig, "a", "kept");
    away = true;
    trouble_pass(10 * DM_TENANT_KEY_MS, DM_TENANT_KEY_MS);
    assert_key(rig, "a", "kept");
    uint32_t before = reads;
    assert_key(rig, "a", "kept");
    assert_int_equal(reads, before); /* nor is it asked with every call */
    assert_int_equal(dm_tenant_keys_get(keys, &b, &key, &rig->err), DM_UNAVAILABLE);
    assert_false(dm_secret_is_set(&key));
}

static void a_key_that_was_sealed_by_another_key_file_is_refused_and_never_passed_over(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant a = rig_tenant("a");
    struct dm_secret key = { 0 };
    assert_int_equal(
        dm_store_secret_put(trouble.store, &a, DM_STR("A_KEY"), DM_STR("what nobody sealed"), 1, &rig->err), DM_OK);
    assert_int_equal(dm_tenant_keys_get(keys, &a, &key, &rig->err), DM_DENIED);
    assert_non_null(strstr(rig->err.text, "A_KEY"));
    assert_non_null(strstr(rig->err.text, "docmill secret set"));
    set(rig, "a", "A_KEY", "new");
    trouble_pass(DM_TENANT_KEY_MS, DM_TENANT_KEY_MS);
    assert_key(rig, "a", "new");
}

static void what_can_be_no_key_is_refused(void **state)
{
    struct rig *rig = *state;
    const struct dm_tenant a = rig_tenant("a");
    static char most[DM_TENANT_KEY_MAX + 2];
    static const char *const wrong[] = { "", "two words", "line\n", "\xc3\xa4", most };
    memset(most, 'k', DM_TENANT_KEY_MAX + 1);
    for (size_t i = 0; i < DM_COUNT(wrong); i++) {
        assert_int_equal(dm_tenant_key_set(&rig->pipeline.ports, &a, DM_STR("A_KEY"), dm_str_z(wrong[i]), &rig->err),
                         DM_INVALID);
        assert_true(i == 0 || !strstr(rig->err.text, wrong[i]));
    }
    set(rig, "a", "A_KEY", most + 1);
    assert_key(rig, "a", most + 1);
}

static void keys_of_more_tenants_than_are_kept_are_read_again(void **state)
{
    enum { TENANTS = 1100 };
    struct rig *rig = *state;
    char name[16];
    set(rig, "t0", "A_KEY", "first");
    assert_key(rig, "t0", "first");
    for (int i = 1; i < TENANTS; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        assert_key(rig, name, "");
    }
    uint32_t before = reads;
    assert_key(rig, name, "");
    assert_int_equal(reads, before);
    assert_key(rig, "t0", "first");
    assert_int_equal(reads, before + 1);
}

static void the_list_has_names_and_dates_of_one_tenant_or_of_all(void **state)
{
    struct rig *rig = *state;
    static const char *const tenants[] = { "a", "b", "c" };
    const struct dm_tenant b = rig_tenant("b");
    struct dm_secret_row after = { 0 };
    struct dm_tenant_key_list list;
    DM_AUTO(dm_arena) arena = dm_arena_make(1 << 20);
    bool any = true;
    assert_int_equal(dm_tenant_key_any(&rig->pipeline.ports, DM_STR("B_KEY"), &any, &rig->err), DM_OK);
    assert_false(any);
    for (size_t i = 0; i < DM_COUNT(tenants); i++) {
        set(rig, tenants[i], "A_KEY", "x");
        set(rig, tenants[i], "B_KEY", "y");
    }
    assert_int_equal(dm_tenant_key_any(&rig->pipeline.ports, DM_STR("B_KEY"), &any, &rig->err), DM_OK);
    assert_true(any);
    assert_int_equal(dm_tenant_key_list(&rig->pipeline.ports, NULL, &after, 10, &arena, &list, &rig->err), DM_OK);
    assert_int_equal(list.count, 6);
    assert_false(list.more);
    assert_int_equal(dm_tenant_key_list(&rig->pipeline.ports, &b, &after, 10, &arena, &list, &rig->err), DM_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.at[0].tenant.id, "b");
    assert_string_equal(list.at[0].name, "A_KEY");
    assert_true(list.at[0].created_ms > 0);
    assert_int_equal(dm_tenant_key_list(&rig->pipeline.ports, &b, &after, 1, &arena, &list, &rig->err), DM_OK);
    assert_true(list.more);
    after = list.at[0];
    assert_int_equal(dm_tenant_key_list(&rig->pipeline.ports, &b, &after, 2, &arena, &list, &rig->err), DM_OK);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.at[0].name, "B_KEY");
    assert_false(list.more);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_key_is_its_tenants_and_its_names_alone_and_a_change_is_used_within_seconds),
        CASE(while_the_store_is_away_the_key_of_before_counts),
        CASE(a_key_that_was_sealed_by_another_key_file_is_refused_and_never_passed_over),
        CASE(what_can_be_no_key_is_refused),
        CASE(keys_of_more_tenants_than_are_kept_are_read_again),
        CASE(the_list_has_names_and_dates_of_one_tenant_or_of_all),
    };
    return cmocka_run_group_tests_name("tenants' keys in the store", tests, NULL, NULL);
}
