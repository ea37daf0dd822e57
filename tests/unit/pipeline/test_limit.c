/* test_limit.c: the limiter's arithmetic against providers that are made up, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/limit.h"

enum { CALLS_MAX = 4096, REFUSAL_MS = 5 };

/* A provider that accepts `per_s` calls a second, up to `burst` at once, and refuses a share of the others by chance. */
struct provider {
    double per_s, burst, level;
    int64_t at_ms;
    double refused_by_chance;
    int64_t latency_ms;
    int64_t retry_after_ms; /* told with a refusal; 0: nothing */
    uint32_t seed;
};

struct call {
    int64_t began_ms, ends_ms;
    enum dm_reason reason;
};

struct world {
    struct provider provider;
    struct dm_limit limit;
    int64_t now_ms;
    struct call calls[CALLS_MAX];
    uint32_t count;
    uint32_t done, refused, late_answers, late_refusals;
    uint32_t most;        /* under way at once */
    int64_t forbidden_ms; /* the provider's word */
    bool broke_word;
};

static double chance(struct provider *provider)
{
    provider->seed = provider->seed * 1664525U + 1013904223U;
    return provider->seed / 4294967296.0;
}

static bool accepts(struct provider *provider, int64_t now_ms)
{
    if (provider->refused_by_chance > 0 && chance(provider) < provider->refused_by_chance)
        return false;
    if (provider->per_s <= 0)
        return true;
    provider->level += (double)(now_ms - provider->at_ms) * provider->per_s / 1000;
    if (provider->level > provider->burst)
        provider->level = provider->burst;
    provider->at_ms = now_ms;
    if (provider->level < 1)
        return false;
    provider->level -= 1;
    return true;
}

static void begin(struct world *world)
{
    assert_true(world->count < CALLS_MAX);
    world->broke_word = world->broke_word || world->now_ms < world->forbidden_ms;
    dm_limit_begin(&world->limit, world->now_ms);
    bool accepted = accepts(&world->provider, world->now_ms);
    world->calls[world->count++] =
        (struct call){ world->now_ms, world->now_ms + (accepted ? world->provider.latency_ms : REFUSAL_MS),
                       accepted ? DM_REASON_NONE : DM_REASON_RATE_LIMITED };
    if (world->count > world->most)
        world->most = world->count;
}

static void end_due(struct world *world)
{
    for (uint32_t i = 0; i < world->count;) {
        struct call call = world->calls[i];
        if (call.ends_ms > world->now_ms) {
            i++;
            continue;
        }
        world->calls[i] = world->calls[--world->count];
        bool refused = call.reason != DM_REASON_NONE;
        struct dm_model_answer answer = { .reason = call.reason,
                                          .retry_after_ms = refused ? world->provider.retry_after_ms : 0 };
        if (refused && world->provider.retry_after_ms)
            world->forbidden_ms = world->now_ms + world->provider.retry_after_ms;
        dm_limit_end(&world->limit, world->now_ms, call.began_ms, 0, &answer);
        world->done += !refused;
        world->refused += refused;
        world->late_answers += world->now_ms > 10000;
        world->late_refusals += refused && world->now_ms > 10000;
    }
}

/* Has `pages` answered; returns how long it took. */
static int64_t run(struct world *world, uint32_t pages, int64_t most_ms)
{
    for (; world->done < pages; world->now_ms++) {
        assert_true(world->now_ms < most_ms);
        end_due(world);
        while (world->done + world->count < pages && dm_limit_next(&world->limit, world->now_ms) <= world->now_ms)
            begin(world);
    }
    return world->now_ms;
}

static void make(struct world *world, uint32_t concurrency, uint64_t per_minute)
{
    const struct dm_limit_options options = { .concurrency = concurrency,
                                              .concurrency_max = 4 * concurrency,
                                              .requests_per_minute = per_minute };
    memset(world, 0, sizeof(*world));
    dm_limit_make(&world->limit, &options, 0);
}

static struct world world;

static void a_provider_without_limits_is_kept_as_busy_as_was_said(void **state)
{
    (void)state;
    make(&world, 50, 0);
    world.provider.latency_ms = 500;
    assert_in_range(run(&world, 100, 10000), 1000, 1010);
    assert_in_range(world.most, 50, 52);
}

static void a_rate_that_nobody_told_is_found_out(void **state)
{
    (void)state;
    make(&world, 200, 0);
    world.provider = (struct provider){ .per_s = 100, .burst = 100, .level = 100, .latency_ms = 500 };
    int64_t took_ms = run(&world, 2500, 60000);
    assert_in_range(took_ms, 24000, 26250); /* within 5 % of the ideal 25 s; the first hundred are for nothing */
    assert_true(world.late_refusals * 100 < world.late_answers * 2);
}

static void a_rate_that_was_told_is_never_exceeded(void **state)
{
    (void)state;
    make(&world, 50, 600);
    world.provider = (struct provider){ .per_s = 10, .burst = 20, .level = 20, .latency_ms = 300 };
    assert_in_range(run(&world, 300, 60000), 27000, 32000);
    assert_int_equal(world.refused, 0);
}

/* At twenty at once and 200 ms a call, 1,000 calls take 10 s without refusals; a share of them refused costs as many calls more. */
static void refusals_by_chance_do_not_stop_the_work(void **state)
{
    (void)state;
    const double shares[] = { 0.02, 0.1, 0.3, 0.5 };
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        for (uint32_t seed = 1; seed <= 20; seed++) {
            make(&world, 20, 0);
            world.provider = (struct provider){ .refused_by_chance = shares[i], .latency_ms = 200, .seed = seed };
            run(&world, 1000, 20000);
        }
}

/* Each refusal asks for 200 ms without calls, so that a round of twenty takes 400 ms and half of it is for nothing. */
static void refusals_by_chance_that_name_a_time_do_not_either(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        make(&world, 20, 0);
        world.provider =
            (struct provider){ .refused_by_chance = 0.5, .latency_ms = 50, .retry_after_ms = 200, .seed = seed };
        run(&world, 300, 30000);
        assert_false(world.broke_word);
    }
}

static void a_single_refusal_costs_its_own_wait_only(void **state)
{
    (void)state;
    make(&world, 2, 0);
    world.provider =
        (struct provider){ .per_s = 20, .burst = 30, .level = 3, .latency_ms = 50, .retry_after_ms = 1000 };
    assert_true(run(&world, 12, 20000) < 3000);
    assert_true(world.refused > 0);
    assert_false(world.broke_word);
}

static void the_providers_word_is_law(void **state)
{
    (void)state;
    make(&world, 30, 0);
    world.provider =
        (struct provider){ .per_s = 10, .burst = 10, .level = 10, .latency_ms = 400, .retry_after_ms = 700 };
    run(&world, 200, 120000);
    assert_false(world.broke_word);
}

/* ---- the breaker ---- */

static void end_one(struct world *w, enum dm_reason reason)
{
    const struct dm_model_answer answer = { .reason = reason };
    assert_true(dm_limit_next(&w->limit, w->now_ms) <= w->now_ms);
    dm_limit_begin(&w->limit, w->now_ms);
    dm_limit_end(&w->limit, w->now_ms, w->now_ms, 0, &answer);
}

static void a_key_that_is_refused_opens_the_breaker_and_single_calls_find_out_when_it_is_mended(void **state)
{
    (void)state;
    make(&world, 10, 0);
    end_one(&world, DM_REASON_AUTH_FAILED);
    assert_int_equal(world.limit.breaker, DM_BREAKER_OPEN);
    int64_t first_ms = dm_limit_next(&world.limit, 0);
    assert_true(first_ms >= 5000);
    world.now_ms = first_ms;
    dm_limit_begin(&world.limit, world.now_ms);
    assert_int_equal(world.limit.breaker, DM_BREAKER_HALF_OPEN);
    assert_int_equal(dm_limit_next(&world.limit, world.now_ms), DM_FOREVER); /* one at a time */
    const struct dm_model_answer refused = { .reason = DM_REASON_AUTH_FAILED };
    dm_limit_end(&world.limit, world.now_ms, world.now_ms, 0, &refused);
    int64_t second_ms = dm_limit_next(&world.limit, world.now_ms);
    assert_true(second_ms - world.now_ms >= 2 * first_ms);
    /* Another key is at hand by now: nothing is known of that one, and the next single call finds out at once. */
    world.now_ms = second_ms;
    dm_limit_begin(&world.limit, world.now_ms);
    const struct dm_model_answer adapted = { .reason = DM_REASON_AUTH_FAILED, .adapted = true };
    dm_limit_end(&world.limit, world.now_ms, world.now_ms, 0, &adapted);
    assert_int_equal(dm_limit_next(&world.limit, world.now_ms), world.now_ms);
    end_one(&world, DM_REASON_NONE);
    assert_int_equal(world.limit.breaker, DM_BREAKER_CLOSED);
}

static void what_began_before_the_breaker_opened_is_not_taken_for_the_single_call(void **state)
{
    (void)state;
    make(&world, 10, 0);
    const struct dm_model_answer late = { .reason = DM_REASON_NETWORK };
    const struct dm_model_answer refused = { .reason = DM_REASON_AUTH_FAILED };
    dm_limit_begin(&world.limit, 0); /* hangs */
    end_one(&world, DM_REASON_AUTH_FAILED);
    world.now_ms = dm_limit_next(&world.limit, 0);
    dm_limit_begin(&world.limit, world.now_ms); /* finds out */
    dm_limit_end(&world.limit, world.now_ms, 0, 0, &late);
    assert_int_equal(dm_limit_next(&world.limit, world.now_ms + 100000), DM_FOREVER);
    dm_limit_end(&world.limit, world.now_ms, world.now_ms, 0, &refused);
    assert_in_range(dm_limit_next(&world.limit, world.now_ms), world.now_ms + 10000, world.now_ms + 40000);
}

static void a_key_mended_while_nothing_was_to_be_done_is_found_out_by_the_next_page(void **state)
{
    (void)state;
    make(&world, 10, 0);
    end_one(&world, DM_REASON_AUTH_FAILED);
    assert_false(dm_limit_given_up(&world.limit, world.now_ms));
    world.now_ms = dm_reason_patience_ms(DM_REASON_AUTH_FAILED) + 1;
    assert_false(dm_limit_given_up(&world.limit, world.now_ms)); /* nobody has asked since */
    dm_limit_begin(&world.limit, world.now_ms);
    assert_false(dm_limit_given_up(&world.limit, world.now_ms)); /* it is being found out */
    const struct dm_model_answer refused = { .reason = DM_REASON_AUTH_FAILED };
    dm_limit_end(&world.limit, world.now_ms, world.now_ms, 0, &refused);
    assert_true(dm_limit_given_up(&world.limit, world.now_ms));
}

static void failures_in_a_row_open_the_breaker_and_one_success_between_them_does_not(void **state)
{
    (void)state;
    make(&world, 10, 0);
    for (int i = 0; i < 9; i++)
        end_one(&world, DM_REASON_NETWORK);
    end_one(&world, DM_REASON_NONE);
    for (int i = 0; i < 9; i++)
        end_one(&world, DM_REASON_NETWORK);
    assert_int_equal(world.limit.breaker, DM_BREAKER_CLOSED);
    end_one(&world, DM_REASON_NETWORK);
    assert_int_equal(world.limit.breaker, DM_BREAKER_OPEN);
    assert_true(dm_limit_next(&world.limit, world.now_ms) > world.now_ms);
}

static void an_overloaded_provider_is_given_less_and_then_more_again(void **state)
{
    (void)state;
    make(&world, 40, 0);
    end_one(&world, DM_REASON_OVERLOADED);
    assert_true(world.limit.concurrency < 40);
    double lowered = world.limit.concurrency;
    world.now_ms = 1000;
    world.provider.latency_ms = 100;
    world.done = 0;
    run(&world, 400, 60000);
    assert_true(world.limit.concurrency > lowered);
}

static void tokens_are_counted_and_what_was_thought_too_little_is_made_good(void **state)
{
    (void)state;
    const struct dm_limit_options options = { .concurrency = 10, .concurrency_max = 10, .tokens_per_minute = 60000 };
    memset(&world, 0, sizeof(world));
    dm_limit_make(&world.limit, &options, 0);
    dm_limit_begin(&world.limit, 0);
    dm_limit_spend(&world.limit, 0, 1000);
    const struct dm_model_answer dear = { .usage = { .input_tokens = 4000, .output_tokens = 1000 } };
    dm_limit_end(&world.limit, 0, 0, 1000, &dear);
    assert_in_range(dm_limit_next(&world.limit, 0), 3000, 5000); /* 5,000 of 1,000 a second, less the burst */
}

static void a_call_that_was_not_made_gives_back_its_place_and_its_tokens(void **state)
{
    (void)state;
    const struct dm_limit_options options = {
        .concurrency = 1, .concurrency_max = 1, .requests_per_minute = 60, .tokens_per_minute = 60000
    };
    memset(&world, 0, sizeof(world));
    dm_limit_make(&world.limit, &options, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(dm_limit_next(&world.limit, 0), 0);
        dm_limit_begin(&world.limit, 0);
        assert_int_equal(dm_limit_next(&world.limit, 0), DM_FOREVER);
        dm_limit_spend(&world.limit, 0, 50000);
        dm_limit_undo(&world.limit, 50000);
    }
    assert_int_equal(dm_limit_next(&world.limit, 0), 0);
    assert_int_equal(world.limit.in_flight, 0);
}

static void a_call_that_was_not_made_makes_no_burst_longer(void **state)
{
    (void)state;
    make(&world, 10, 60); /* one at once, and one a second or so */
    dm_limit_begin(&world.limit, 0);
    world.now_ms = 1500;
    assert_int_equal(dm_limit_next(&world.limit, world.now_ms), world.now_ms);
    dm_limit_undo(&world.limit, 0);
    end_one(&world, DM_REASON_NONE);
    assert_true(dm_limit_next(&world.limit, world.now_ms) > world.now_ms + 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_provider_without_limits_is_kept_as_busy_as_was_said),
        cmocka_unit_test(a_rate_that_nobody_told_is_found_out),
        cmocka_unit_test(a_rate_that_was_told_is_never_exceeded),
        cmocka_unit_test(refusals_by_chance_do_not_stop_the_work),
        cmocka_unit_test(refusals_by_chance_that_name_a_time_do_not_either),
        cmocka_unit_test(a_single_refusal_costs_its_own_wait_only),
        cmocka_unit_test(the_providers_word_is_law),
        cmocka_unit_test(a_key_that_is_refused_opens_the_breaker_and_single_calls_find_out_when_it_is_mended),
        cmocka_unit_test(what_began_before_the_breaker_opened_is_not_taken_for_the_single_call),
        cmocka_unit_test(a_key_mended_while_nothing_was_to_be_done_is_found_out_by_the_next_page),
        cmocka_unit_test(failures_in_a_row_open_the_breaker_and_one_success_between_them_does_not),
        cmocka_unit_test(an_overloaded_provider_is_given_less_and_then_more_again),
        cmocka_unit_test(tokens_are_counted_and_what_was_thought_too_little_is_made_good),
        cmocka_unit_test(a_call_that_was_not_made_gives_back_its_place_and_its_tokens),
        cmocka_unit_test(a_call_that_was_not_made_makes_no_burst_longer),
    };
    return cmocka_run_group_tests_name("the limiter's arithmetic", tests, NULL, NULL);
}
