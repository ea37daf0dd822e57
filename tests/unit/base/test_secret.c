/* test_secret.c: texts that are shown to nobody by accident and leave nothing behind. */
#include "testing.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/secret.h"

/* An allocator that keeps what was given back, so that a test can look at it. */
struct keeper {
    unsigned char *given;
    size_t size;
};

static void *keeper_allocate(void *self, size_t size)
{
    struct keeper *keeper = self;
    keeper->size = size;
    return keeper->given = malloc(size);
}

static void *keeper_reallocate(void *self, void *block, size_t size)
{
    assert_null(block);
    return keeper_allocate(self, size);
}

static void keeper_release(void *self, void *block)
{
    (void)self;
    (void)block; /* freed by the test */
}

static bool keeper_holds(const struct keeper *keeper, const char *text)
{
    return dm_str_find(dm_str_of(keeper->given, keeper->size), dm_str_z(text)) < keeper->size;
}

static const struct dm_allocator *use(struct keeper *keeper, struct dm_allocator *allocator)
{
    *allocator = (struct dm_allocator){ keeper_allocate, keeper_reallocate, keeper_release, keeper };
    return dm_allocator_use(allocator);
}

static void given_a_secret_then_it_is_revealed_as_it_was(void **state)
{
    struct dm_err err;
    DM_AUTO(dm_secret) secret = { 0 };
    assert_false(dm_secret_is_set(&secret));
    assert_text(dm_secret_reveal(&secret), DM_STR(""));
    assert_ok(dm_secret_make(DM_STR("k\0y"), "the key", &secret, &err), &err);
    assert_true(dm_secret_is_set(&secret));
    assert_text(dm_secret_reveal(&secret), DM_STR("k\0y"));
    DM_AUTO(dm_secret) bearer = { 0 };
    assert_ok(dm_secret_prefixed(DM_STR("Bearer "), &secret, &bearer, &err), &err);
    assert_text(dm_secret_reveal(&bearer), DM_STR("Bearer k\0y"));
    DM_AUTO(dm_secret) moved = dm_secret_move(&secret);
    assert_false(dm_secret_is_set(&secret));
    assert_text(dm_secret_reveal(&moved), DM_STR("k\0y"));
    (void)state;
}

static void given_an_empty_text_then_the_secret_is_empty_and_a_long_one_is_refused_by_its_name(void **state)
{
    struct dm_err err;
    struct dm_secret secret = { 0 };
    assert_ok(dm_secret_make(DM_STR(""), "the key", &secret, &err), &err);
    assert_false(dm_secret_is_set(&secret));
    static char text[DM_SECRET_MAX + 1];
    memset(text, 'k', sizeof(text));
    assert_code(dm_secret_make(dm_str_of(text, sizeof(text)), "GEMINI_API_KEY", &secret, &err), DM_TOO_LARGE, &err);
    assert_text(dm_str_z(err.text), DM_STR("GEMINI_API_KEY is over 16384 bytes"));
    assert_false(dm_secret_is_set(&secret));
    (void)state;
}

static void given_a_freed_secret_then_nothing_is_left_in_its_memory(void **state)
{
    struct keeper keeper = { 0 };
    struct dm_allocator allocator;
    struct dm_err err;
    struct dm_secret secret = { 0 };
    const struct dm_allocator *before = use(&keeper, &allocator);
    assert_ok(dm_secret_make(DM_STR("open sesame"), "the key", &secret, &err), &err);
    assert_true(keeper_holds(&keeper, "open sesame"));
    dm_secret_free(&secret);
    dm_allocator_use(before);
    assert_false(keeper_holds(&keeper, "open"));
    assert_false(dm_secret_is_set(&secret));
    free(keeper.given);
    (void)state;
}

static void given_a_wiped_buffer_then_nothing_is_left_even_of_what_was_cut(void **state)
{
    struct keeper keeper = { 0 };
    struct dm_allocator allocator;
    struct dm_buf buf = dm_buf_make(1024);
    const struct dm_allocator *before = use(&keeper, &allocator);
    dm_buf_add_z(&buf, "Authorization: open sesame");
    dm_buf_cut(&buf, 3);
    assert_true(keeper_holds(&keeper, "sesame"));
    dm_buf_wipe(&buf);
    dm_allocator_use(before);
    assert_false(keeper_holds(&keeper, "sesame"));
    assert_int_equal(buf.len, 0);
    free(keeper.given);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_a_secret_then_it_is_revealed_as_it_was),
        cmocka_unit_test(given_an_empty_text_then_the_secret_is_empty_and_a_long_one_is_refused_by_its_name),
        cmocka_unit_test(given_a_freed_secret_then_nothing_is_left_in_its_memory),
        cmocka_unit_test(given_a_wiped_buffer_then_nothing_is_left_even_of_what_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
