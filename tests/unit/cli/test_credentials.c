/* test_credentials.c: when credentials are looked up again, on a clock of the test's own. */
#include "testing.h"

#include "cli/credentials.h"
#include "embedded/embedded.h"

static struct {
    const char *key_id;
    int looks;
    int64_t now_ms;
} world;

static struct dm_str variable(void *context, const char *name)
{
    (void)context;
    world.looks += strcmp(name, "AWS_ACCESS_KEY_ID") == 0;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return dm_str_z(world.key_id);
    return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 && world.key_id ? DM_STR("hush") : DM_STR("");
}

static int64_t mono_ms(void *self)
{
    (void)self;
    return world.now_ms;
}

static struct dm_credentials *make(const char *key_id)
{
    static struct dm_runtime_ops ops;
    static const struct dm_aws_environment environment = { variable, NULL };
    struct dm_runtime runtime = dm_threads_runtime();
    struct dm_credentials *credentials;
    struct dm_err err;
    ops = *runtime.ops;
    ops.mono_ms = mono_ms;
    runtime.ops = &ops;
    world.key_id = key_id;
    world.looks = 0;
    assert_ok(dm_credentials_make(runtime, &environment, &credentials, &err), &err);
    return credentials;
}

/* Those of now are `key_id`, and a service does not know them; what is said of others. */
static bool refused(struct dm_credentials *credentials, const char *key_id)
{
    struct dm_aws_credentials used;
    struct dm_err err;
    assert_ok(dm_credentials_get(credentials, &used, &err), &err);
    assert_text(dm_secret_reveal(&used.key_id), dm_str_z(key_id));
    bool others = dm_credentials_expired(credentials, &used);
    dm_aws_credentials_free(&used);
    return others;
}

static void given_renewed_credentials_when_the_old_ones_are_refused_then_the_next_call_has_the_new_ones(void **state)
{
    (void)state;
    struct dm_credentials *credentials = make("AKIA1");
    struct dm_aws_credentials old;
    struct dm_err err;
    assert_ok(dm_credentials_get(credentials, &old, &err), &err);
    world.key_id = "AKIA2";
    assert_true(refused(credentials, "AKIA1"));
    assert_int_equal(world.looks, 1); /* nothing is read until somebody needs it */
    assert_false(refused(credentials, "AKIA2"));
    assert_true(dm_credentials_expired(credentials, &old)); /* another call that was under way with the old ones */
    assert_int_equal(world.looks, 2);
    dm_aws_credentials_free(&old);
    dm_credentials_free(credentials);
}

static void given_credentials_that_stay_refused_then_they_are_looked_up_every_five_seconds_at_most(void **state)
{
    (void)state;
    struct dm_credentials *credentials = make("AKIA1");
    assert_true(refused(credentials, "AKIA1"));
    for (int i = 0; i < 100; i++)
        assert_false(refused(credentials, "AKIA1"));
    assert_int_equal(world.looks, 2);
    world.now_ms += 5000;
    assert_false(refused(credentials, "AKIA1")); /* looked up before the call, so no second call follows */
    assert_int_equal(world.looks, 3);
    dm_credentials_free(credentials);
}

static void given_a_lookup_that_fails_then_the_ones_of_before_go_on_being_used(void **state)
{
    (void)state;
    struct dm_credentials *credentials = make("AKIA1");
    assert_true(refused(credentials, "AKIA1"));
    world.key_id = NULL;
    assert_false(refused(credentials, "AKIA1"));
    world.key_id = "AKIA2";
    world.now_ms += 5000;
    assert_false(refused(credentials, "AKIA2"));
    dm_credentials_free(credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_renewed_credentials_when_the_old_ones_are_refused_then_the_next_call_has_the_new_ones),
        cmocka_unit_test(given_credentials_that_stay_refused_then_they_are_looked_up_every_five_seconds_at_most),
        cmocka_unit_test(given_a_lookup_that_fails_then_the_ones_of_before_go_on_being_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
