/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/heart.h"

#include <check.h>
#include <stdlib.h>

static struct mono at_ms(int64_t ms)
{
    return mono_add_ms((struct mono){1}, ms);
}

START_TEST(a_beating_heart_is_never_still)
{
    struct heart heart = heart_watch(0, at_ms(0));
    for (int64_t ms = 0; ms < 60000; ms += HEART_BEAT_MS)
        ck_assert_int_eq(heart_still_ms(&heart, ms, at_ms(ms)), 0);
}
END_TEST

START_TEST(a_still_heart_is_counted)
{
    struct heart heart = heart_watch(7, at_ms(0));
    for (int64_t ms = 0; ms <= 2 * HEART_STILL_MS; ms += HEART_BEAT_MS)
        ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(ms)), ms);
    ck_assert_int_eq(heart_still_ms(&heart, 8, at_ms(2 * HEART_STILL_MS + 1)), 0);
}
END_TEST

/* Both processes frozen for an hour, and thawed together: the other's heart hasn't moved, and that says
 * nothing. A heart that stays still afterwards is dead all the same. */
START_TEST(the_watchers_own_nap_counts_for_nothing)
{
    struct heart heart = heart_watch(7, at_ms(0));
    int64_t hour = 3600 * 1000;
    ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(100)), 100);
    ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(100 + hour)), 100);
    ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(100 + hour + 150)), 250);
    int64_t still = 0;
    for (int64_t ms = 150; still < HEART_STILL_MS; ms += HEART_BEAT_MS) {
        still = heart_still_ms(&heart, 7, at_ms(100 + hour + ms));
        ck_assert_int_eq(still, 100 + ms);
    }
}
END_TEST

START_TEST(an_hour_backwards_is_harmless)
{
    struct heart heart = heart_watch(7, at_ms(3600 * 1000));
    ck_assert_int_le(heart_still_ms(&heart, 7, at_ms(0)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/heart");
    TCase *tests = tcase_create("heart");
    tcase_add_test(tests, a_beating_heart_is_never_still);
    tcase_add_test(tests, a_still_heart_is_counted);
    tcase_add_test(tests, the_watchers_own_nap_counts_for_nothing);
    tcase_add_test(tests, an_hour_backwards_is_harmless);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
