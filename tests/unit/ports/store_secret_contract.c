/* store_secret_contract.c: tenants' secrets, sealed: what a store keeps of them. */
#include "contracts.h"

#include <string.h>

#include "records.h"
#include "store_rig.h"
#include "testing.h"

enum { ROWS_MAX = 64 };

static struct dm_operator op;

static void put(const struct dm_tenant *tenant, const char *name, const char *sealed, int64_t now_ms)
{
    assert_ok(dm_store_secret_put(contract.store, tenant, dm_str_z(name), dm_str_z(sealed), now_ms, &contract.err),
              &contract.err);
}

static enum dm_code get(const struct dm_tenant *tenant, const char *name, struct dm_tenant_secret *ret)
{
    return dm_store_secret_get(contract.store, tenant, dm_str_z(name), &contract.arena, ret, &contract.err);
}

static enum dm_code take_away(const struct dm_tenant *tenant, const char *name)
{
    return dm_store_secret_remove(contract.store, tenant, dm_str_z(name), &contract.err);
}

static void a_secret_is_its_tenants_alone_and_the_newest_counts(void **state)
{
    const struct dm_tenant other = fresh_tenant(contract.runtime);
    struct dm_tenant_secret secret = { .created_ms = 77 };
    assert_int_equal(get(&contract.tenant, "A_KEY", &secret), DM_NOT_FOUND);
    assert_int_equal(secret.created_ms, 77);
    put(&contract.tenant, "A_KEY", "sealed-1", 1000);
    put(&contract.tenant, "B_KEY", "sealed-b", 1500);
    put(&contract.tenant, "A_KEY", "sealed-two", 2000);
    assert_ok(get(&contract.tenant, "A_KEY", &secret), &contract.err);
    assert_true(dm_str_eq(secret.sealed, DM_STR("sealed-two")));
    assert_int_equal(secret.created_ms, 1000);
    assert_int_equal(secret.changed_ms, 2000);
    assert_int_equal(get(&other, "A_KEY", &secret), DM_NOT_FOUND);
    assert_int_equal(take_away(&other, "A_KEY"), DM_NOT_FOUND);
    assert_ok(take_away(&contract.tenant, "A_KEY"), &contract.err);
    assert_int_equal(get(&contract.tenant, "A_KEY", &secret), DM_NOT_FOUND);
    assert_int_equal(take_away(&contract.tenant, "A_KEY"), DM_NOT_FOUND);
    assert_ok(get(&contract.tenant, "B_KEY", &secret), &contract.err);
    assert_true(dm_str_eq(secret.sealed, DM_STR("sealed-b")));
    assert_ok(take_away(&contract.tenant, "B_KEY"), &contract.err);
}

static void the_longest_sealed_text_comes_back_whole(void **state)
{
    static char text[DM_SECRET_SEALED_MAX + 1];
    struct dm_tenant_secret secret;
    memset(text, 's', DM_SECRET_SEALED_MAX);
    put(&contract.tenant, "A_KEY", text, 1000);
    assert_ok(get(&contract.tenant, "A_KEY", &secret), &contract.err);
    assert_true(dm_str_eq(secret.sealed, dm_str_z(text)));
    assert_ok(take_away(&contract.tenant, "A_KEY"), &contract.err);
}

static void an_operator_walks_over_their_names_in_pieces_each_once(void **state)
{
    static const char *const names[] = { "A_KEY", "B_KEY", "C_KEY" };
    const struct dm_tenant tenants[] = { contract.tenant, fresh_tenant(contract.runtime) };
    for (size_t i = 0; i < 2 * DM_COUNT(names); i++)
        put(&tenants[i % 2], names[i / 2], "sealed", 1000 + (int64_t)i);
    for (uint32_t piece = 1; piece <= 4; piece++) {
        struct dm_secret_row rows[ROWS_MAX], after = { 0 };
        uint32_t mine = 0;
        for (uint32_t count = piece; count == piece;) {
            assert_ok(dm_operator_secrets(op, &after, piece, rows, &count, &contract.err), &contract.err);
            for (uint32_t i = 0; i < count; i++) {
                int order = strcmp(after.tenant.id, rows[i].tenant.id);
                assert_true(order < 0 || (order == 0 && strcmp(after.name, rows[i].name) < 0));
                mine += dm_tenant_eq(&rows[i].tenant, &tenants[0]) || dm_tenant_eq(&rows[i].tenant, &tenants[1]);
                after = rows[i];
            }
        }
        assert_int_equal(mine, 2 * DM_COUNT(names));
    }
    struct dm_secret_row row = { .tenant = tenants[1], .name = "A_KEY" };
    uint32_t count;
    assert_ok(dm_operator_secrets(op, &row, 1, &row, &count, &contract.err), &contract.err);
    assert_string_equal(row.name, "B_KEY");
    assert_int_equal(row.created_ms, 1003);
    assert_int_equal(row.changed_ms, 1003);
    for (size_t i = 0; i < 2 * DM_COUNT(names); i++)
        assert_ok(take_away(&tenants[i % 2], names[i / 2]), &contract.err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, contract_before, contract_after)

int secret_contract(struct dm_store store, struct dm_operator given_op, struct dm_runtime runtime)
{
    contract.store = store;
    contract.runtime = runtime;
    op = given_op;
    static const struct CMUnitTest tests[] = {
        CASE(a_secret_is_its_tenants_alone_and_the_newest_counts),
        CASE(the_longest_sealed_text_comes_back_whole),
        CASE(an_operator_walks_over_their_names_in_pieces_each_once),
    };
    return run_group("the store's contract: tenants' secrets", tests, NULL, NULL);
}
