/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/respawn.h"

#include <check.h>
#include <stdlib.h>

static const struct mono start = {1000000000};

static int64_t dies_after(struct respawn *respawn, int64_t ms)
{
    return respawn_pause_ms(respawn, start, mono_add_ms(start, ms));
}

START_TEST(the_first_death_costs_no_pause)
{
    struct respawn respawn = {0};
    ck_assert_int_eq(dies_after(&respawn, 5), 0);
}
END_TEST

START_TEST(pauses_double_up_to_the_most)
{
    static const int64_t pauses[] = {0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    struct respawn respawn = {0};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        ck_assert_int_eq(dies_after(&respawn, 5), pauses[i]);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_int_eq(dies_after(&respawn, 5), RESPAWN_MOST_MS);
}
END_TEST

START_TEST(a_long_life_forgives)
{
    struct respawn respawn = {0};
    for (unsigned i = 0; i < 20; i++)
        (void)dies_after(&respawn, RESPAWN_CALM_MS - 1);
    ck_assert_int_eq(dies_after(&respawn, RESPAWN_CALM_MS - 1), RESPAWN_MOST_MS);
    ck_assert_int_eq(dies_after(&respawn, RESPAWN_CALM_MS), 0);
    ck_assert_int_eq(dies_after(&respawn, 5), RESPAWN_FIRST_MS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/respawn");
    TCase *tests = tcase_create("respawn");
    tcase_add_test(tests, the_first_death_costs_no_pause);
    tcase_add_test(tests, pauses_double_up_to_the_most);
    tcase_add_test(tests, a_long_life_forgives);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
