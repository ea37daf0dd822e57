/* test_watch.c: when a lease is over, by one's own monotonic clock. */
#include <stdio.h>

#include "domain/limits.h"
#include "pipeline/watch.h"
#include "testing.h"

enum { LEASE_MS = 30000 };

static const struct dm_tenant tenant = { "acme" };
static const struct dm_file file = { "01a0c450-6c01-7f82-b1aa-648831a381af" };
static struct dm_watch watch;

static int forget(void **state)
{
    watch = (struct dm_watch){ 0 };
    return 0;
}

static bool over(uint64_t counter, int64_t until_ms, int64_t now_ms)
{
    return dm_watch_over(&watch, &tenant, &file, counter, until_ms, LEASE_MS, now_ms);
}

static void a_lease_is_over_when_it_stood_unchanged_for_as_long_as_it_lives(void **state)
{
    assert_false(over(7, 5000, 100));
    assert_false(over(7, 5000, 100 + LEASE_MS - 1));
    assert_true(over(7, 5000, 100 + LEASE_MS));
}

static void a_renewal_begins_the_watch_anew_whatever_the_wall_clock_says(void **state)
{
    assert_false(over(7, 5000, 0));
    assert_false(over(7, 4000, LEASE_MS)); /* renewed by an owner whose clock was set back */
    assert_false(over(7, 4000, 2 * LEASE_MS - 1));
    assert_true(over(7, 4000, 2 * LEASE_MS));
}

static void another_counter_tenant_or_document_is_another_lease(void **state)
{
    static const struct dm_tenant other = { "globex" };
    static const struct dm_file another = { "01a0c450-6c01-7f82-b1aa-648831a381b0" };
    assert_false(over(7, 5000, 0));
    assert_false(over(8, 5000, LEASE_MS));
    assert_false(dm_watch_over(&watch, &other, &file, 7, 5000, LEASE_MS, LEASE_MS));
    assert_false(dm_watch_over(&watch, &tenant, &another, 7, 5000, LEASE_MS, LEASE_MS));
    assert_true(over(7, 5000, LEASE_MS));
}

static void an_owner_that_is_known_to_be_gone_is_not_waited_for(void **state)
{
    assert_true(over(7, DM_LEASE_GONE, 0));
}

static void where_more_is_watched_than_fits_what_nobody_looks_at_any_more_makes_room(void **state)
{
    for (uint64_t counter = 1; counter <= DM_WATCHED_MAX; counter++)
        assert_false(over(counter, 5000, 0));
    assert_false(over(DM_WATCHED_MAX + 1, 5000, 1)); /* no room yet */
    assert_false(over(DM_WATCHED_MAX + 1, 5000, LEASE_MS - 1));
    assert_true(over(2, 5000, LEASE_MS));
    assert_false(
        over(DM_WATCHED_MAX + 1, 5000, LEASE_MS + 1)); /* in place of one that is over, or not looked at since */
    assert_true(over(DM_WATCHED_MAX + 1, 5000, 2 * LEASE_MS + 1));
}

static void where_far_more_is_watched_than_fits_all_of_it_is_over_in_time(void **state)
{
    enum { LEASES = 3 * DM_WATCHED_MAX, ROUND_MS = 5000 };
    static bool taken[LEASES + 1];
    uint32_t left = LEASES;
    int64_t now_ms = 0;
    for (; left > 0 && now_ms < 10 * LEASE_MS; now_ms += ROUND_MS)
        for (uint64_t counter = 1; counter <= LEASES; counter++)
            if (!taken[counter] && over(counter, 5000, now_ms + (int64_t)counter)) {
                taken[counter] = true;
                left--;
            }
    assert_int_equal(left, 0);
}

#define CASE(name) cmocka_unit_test_setup(name, forget)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_lease_is_over_when_it_stood_unchanged_for_as_long_as_it_lives),
        CASE(a_renewal_begins_the_watch_anew_whatever_the_wall_clock_says),
        CASE(another_counter_tenant_or_document_is_another_lease),
        CASE(an_owner_that_is_known_to_be_gone_is_not_waited_for),
        CASE(where_more_is_watched_than_fits_what_nobody_looks_at_any_more_makes_room),
        CASE(where_far_more_is_watched_than_fits_all_of_it_is_over_in_time),
    };
    return cmocka_run_group_tests_name("leases that are watched", tests, NULL, NULL);
}
