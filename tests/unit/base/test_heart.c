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
    ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(10)), 10);
    ck_assert_int_eq(heart_still_ms(&heart, 7, at_ms(10 + hour)), 10 + HEART_NAP_MS);
    int64_t still = 0;
    for (int64_t ms = HEART_BEAT_MS; still < HEART_STILL_MS; ms += HEART_BEAT_MS) {
        still = heart_still_ms(&heart, 7, at_ms(10 + hour + ms));
        ck_assert_int_eq(still, 10 + HEART_NAP_MS + ms);
    }
}
END_TEST

START_TEST(an_hour_backwards_is_harmless)
{
    struct heart heart = heart_watch(7, at_ms(3600 * 1000));
    ck_assert_int_le(heart_still_ms(&heart, 7, at_ms(0)), 0);
}
END_TEST

/* What a thread does from the moment at which its heart stops. */
struct end {
    const char *what;
    enum heart_owner owner;
    char state;
    int64_t cpu_ms_per_look;
    int64_t hung_after_ms;
};

static const struct end ends[] = {
    {"stopped by a signal", HEART_OF_WORKER, 'T', 0, HEART_DOUBT_MS + HEART_BEAT_MS},
    {"stopped by a tracer", HEART_OF_MAIN, 't', 0, HEART_DOUBT_MS + HEART_BEAT_MS},
    {"runs in circles", HEART_OF_WORKER, 'R', 10, HEART_DOUBT_MS + HEART_CIRCLES_MS},
    {"runs in circles on half a processor", HEART_OF_WORKER, 'R', 5, HEART_DOUBT_MS + 2 * HEART_CIRCLES_MS},
    {"computes", HEART_OF_MAIN, 'R', 10, HEART_STILL_MS},
    {"waits for a processor", HEART_OF_WORKER, 'R', 0, HEART_STILL_MS},
    {"sleeps", HEART_OF_WORKER, 'S', 0, HEART_ASLEEP_MS},
    {"waits in peace", HEART_OF_MAIN, 'S', 0, HEART_STILL_MS},
    {"waits for a disk", HEART_OF_WORKER, 'D', 0, HEART_STILL_MS},
    {"nobody knows", HEART_OF_WORKER, 0, 0, HEART_STILL_MS},
    {"stops and goes, as under a tracer", HEART_OF_WORKER, 't', 1, HEART_STILL_MS},
};

static struct heart_signs signs_of(const struct end *end, int64_t looks)
{
    return (struct heart_signs){end->state, 12345 + looks * end->cpu_ms_per_look * 1000000};
}

/* The look at which it is found to be hung. */
static int64_t hung_after_ms(const struct end *end)
{
    struct heart heart = heart_watch(7, at_ms(0));
    for (int64_t looks = 1; looks <= 2 * HEART_STILL_MS / HEART_BEAT_MS; looks++) {
        int64_t still_ms = heart_still_ms(&heart, 7, at_ms(looks * HEART_BEAT_MS));
        if (still_ms >= HEART_DOUBT_MS && heart_is_hung(&heart, end->owner, still_ms, signs_of(end, looks)))
            return still_ms;
    }
    return -1;
}

START_TEST(a_hang_is_told_from_a_wait)
{
    const struct end *end = &ends[_i];
    ck_assert_msg(hung_after_ms(end) == end->hung_after_ms, "%s: %lld ms", end->what,
                  (long long)hung_after_ms(end));
}
END_TEST

/* What was seen in one doubt has no part in the next. */
START_TEST(a_beat_ends_the_doubt)
{
    struct heart heart = heart_watch(0, at_ms(0));
    for (int64_t ms = HEART_BEAT_MS; ms < 10000; ms += HEART_BEAT_MS) {
        int64_t still_ms = heart_still_ms(&heart, ms / (HEART_DOUBT_MS + HEART_BEAT_MS), at_ms(ms));
        struct heart_signs circles = {'R', ms * 1000000};
        if (still_ms >= HEART_DOUBT_MS)
            ck_assert(!heart_is_hung(&heart, HEART_OF_WORKER, still_ms, circles));
    }
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
    tcase_add_loop_test(tests, a_hang_is_told_from_a_wait, 0, (int)(sizeof ends / sizeof *ends));
    tcase_add_test(tests, a_beat_ends_the_doubt);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
