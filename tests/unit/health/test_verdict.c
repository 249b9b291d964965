/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/verdict.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct verdict_rules rules = {.fall = 3,
                                           .rise = 5,
                                           .first_rise = 1,
                                           .stale_ms = 2500,
                                           .hold_down_ms = 5000,
                                           .hold_down_max_ms = 600000,
                                           .calm_ms = 600000};
static struct verdict_state s;
static struct mono now;

static void begin(void)
{
    s = (struct verdict_state){0};
    now = (struct mono){1000000000};
}

static enum verdict round_of(enum check_class class, bool good)
{
    const struct check_result results[] = {{CHECK_LOCAL, true}, {class, good}, {CHECK_ADVISORY, true}};
    now = mono_add_ms(now, 500);
    return verdict_round(&s, &rules, now, results, 3);
}

static void rounds(unsigned count, bool good)
{
    while (count-- > 0)
        round_of(CHECK_LOCAL, good);
}

/* Each letter is a round: g good, b bad; S and s the same for a SHARED check, A and a for an ADVISORY one; r:
 * the server was restarted, f: failed for sure. After each the verdict: - none, G good, D degraded, B bad. */
static const struct {
    const char *rounds;
    const char *verdicts;
} tables[] = {
    {"g", "G"},       /* a clean start needs one */
    {"bbbg", "--BG"}, /* and a bad one before it doesn't make it less clean */
    {"gbbg", "GGGG"}, /* two aren't three */
    {"gbbb", "GGGB"},
    {"gbbgbb", "GGGGGG"},                 /* in a row, that is */
    {"gbbbggggg", "GGGBBBBBG"},           /* slow up */
    {"gbbbggggbggggg", "GGGBBBBBBBBBBG"}, /* in a row here too */
    {"gsssssssssssss", "GGGDDDDDDDDDDD"}, /* SHARED never withdraws */
    {"gsssSSSSS", "GGGDDDDDG"},
    {"gsssbbb", "GGGDDDB"},
    {"gaaaaaaaaa", "GGGGGGGGGG"}, /* ADVISORY does nothing */
    {"sssg", "GGDD"},             /* SHARED trouble doesn't keep from starting */
    {"gf", "GB"},                 /* what is certain is certain */
    {"gfggggg", "GBBBBBG"},
    {"gfrg", "GBBG"}, /* a new server is a clean start */
    {"f", "B"},
    {"fg", "BG"},
};

START_TEST(rounds_to_verdicts)
{
    static const char letters[] = {
        [VERDICT_NONE] = '-', [VERDICT_GOOD] = 'G', [VERDICT_DEGRADED] = 'D', [VERDICT_BAD] = 'B'};
    const char *expected = tables[_i].verdicts;
    for (const char *c = tables[_i].rounds; *c != '\0'; c++, expected++) {
        if (strchr("gb", *c) != NULL)
            round_of(CHECK_LOCAL, *c == 'g');
        else if (strchr("Ss", *c) != NULL)
            round_of(CHECK_SHARED, *c == 'S');
        else if (strchr("Aa", *c) != NULL)
            round_of(CHECK_ADVISORY, *c == 'A');
        else if (*c == 'r')
            verdict_restart(&s);
        else
            verdict_fail(&s, &rules, now);
        ck_assert_msg(letters[s.verdict] == *expected, "%s: %c at %zu, not %c", tables[_i].rounds,
                      letters[s.verdict], (size_t)(c - tables[_i].rounds), *expected);
    }
}
END_TEST

START_TEST(no_checks_are_no_good)
{
    ck_assert_int_eq(verdict_round(&s, &rules, now, NULL, 0), VERDICT_NONE);
    rounds(1, true);
    for (int i = 0; i < 3; i++)
        verdict_round(&s, &rules, now, NULL, 0);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
}
END_TEST

START_TEST(stale_rounds_are_no_good)
{
    rounds(1, true);
    now = mono_add_ms(now, 2500);
    ck_assert_int_eq(verdict_judge(&s, &rules, now), VERDICT_GOOD);
    now = mono_add_ms(now, 1);
    ck_assert_int_eq(verdict_judge(&s, &rules, now), VERDICT_BAD);
    rounds(4, true);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
    rounds(1, true);
    ck_assert_int_eq(s.verdict, VERDICT_GOOD);
}
END_TEST

START_TEST(our_own_lag_is_excused)
{
    rounds(1, true);
    now = mono_add_ms(now, 60000);
    verdict_excuse(&s, 59000);
    ck_assert_int_eq(verdict_judge(&s, &rules, now), VERDICT_GOOD);
}
END_TEST

START_TEST(never_judged_stays_without_a_verdict)
{
    now = mono_add_ms(now, 3600000);
    ck_assert_int_eq(verdict_judge(&s, &rules, now), VERDICT_NONE);
}
END_TEST

/* Falls and comes up as soon as it may; the milliseconds that took. */
static int64_t fall_and_rise(void)
{
    rounds(3, false);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
    struct mono from = now;
    while (s.verdict == VERDICT_BAD)
        rounds(1, true);
    return mono_ms_between(from, now);
}

START_TEST(hold_down_doubles_and_ends_growing)
{
    static const int64_t pauses_ms[] = {2500,   5000,   10000,  20000,  40000, 80000,
                                        160000, 320000, 600000, 600000, 600000};
    rounds(1, true);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++)
        ck_assert_int_eq(fall_and_rise(), pauses_ms[i]);
}
END_TEST

START_TEST(hold_down_decays_in_calm)
{
    rounds(1, true);
    for (int i = 0; i < 5; i++)
        fall_and_rise(); /* the next would pause 80 s */
    rounds(1200, true);  /* ten minutes */
    ck_assert_int_eq(fall_and_rise(), 40000);
    rounds(2 * 60 * 60, true); /* an hour takes six back */
    ck_assert_int_eq(fall_and_rise(), 2500);
}
END_TEST

/* A restart of the server lifts the slow rise, not the hold-down: one that dies again and again stays away.
 */
START_TEST(restarts_are_held_down_too)
{
    rounds(1, true);
    for (int i = 0; i < 3; i++) {
        verdict_fail(&s, &rules, now);
        struct mono from = now;
        verdict_restart(&s);
        while (s.verdict != VERDICT_GOOD)
            rounds(1, true);
        ck_assert_int_eq(mono_ms_between(from, now), i == 0 ? 500 : 5000 * i);
    }
}
END_TEST

/* Up 10 seconds, down 10 seconds, all day: every fall is at once, and the route hardly ever moves. */
START_TEST(a_day_of_flapping)
{
    unsigned changes = 0;
    unsigned worst = 0;
    unsigned in_ten_minutes[24 * 6] = {0};
    for (unsigned i = 0; i < 24 * 3600 * 2; i++) {
        enum verdict before = s.verdict;
        bool good = i / 20 % 2 == 0;
        round_of(CHECK_LOCAL, good);
        if (s.verdict == before)
            continue;
        changes++;
        in_ten_minutes[i / 1200]++;
        ck_assert(s.verdict != VERDICT_BAD || s.bad_row == rules.fall);
    }
    for (size_t i = 3; i < 24 * 6; i++) /* once it is known to flap */
        worst = in_ten_minutes[i] > worst ? in_ten_minutes[i] : worst;
    ck_assert_uint_le(worst, 2);
    ck_assert_uint_le(changes, 24 * 6 * 2 + 20);
    ck_assert_uint_ge(changes, 24); /* it isn't given up either */
}
END_TEST

/* Random rounds: the invariants that nothing may break. */
START_TEST(random_rounds)
{
    uint32_t seed = 123456789u + (uint32_t)_i;
    bool ever_local_good = false;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        enum verdict before = s.verdict;
        struct check_result results[2] = {{CHECK_LOCAL, (seed >> 8) % 5 != 0},
                                          {CHECK_SHARED, (seed >> 16) % 3 != 0}};
        now = mono_add_ms(now, (seed >> 20) % 600);
        verdict_round(&s, &rules, now, results, 2);
        ever_local_good |= results[0].good;
        bool up = s.verdict == VERDICT_GOOD || s.verdict == VERDICT_DEGRADED;
        bool was_up = before == VERDICT_GOOD || before == VERDICT_DEGRADED;
        ck_assert(!up || ever_local_good);
        ck_assert(!up || s.bad_row < rules.fall);
        ck_assert(!was_up || up || s.bad_row >= rules.fall); /* only LOCAL trouble takes it down */
        ck_assert(was_up || !up || results[0].good);
        ck_assert_uint_le(s.flaps, VERDICT_FLAPS_MAX);
    }
}
END_TEST

START_TEST(rules_of_settings)
{
    struct settings_health settings = {.interval_ms = 500, .timeout_ms = 300, .fall = 3, .rise = 5};
    struct verdict_rules r = verdict_rules_of(&settings);
    ck_assert_int_eq(r.stale_ms, 1800);
    ck_assert_int_eq(r.hold_down_ms, 5000);
    ck_assert_int_eq(r.hold_down_max_ms, 600000);
    settings.hold_down_ms = 10;
    settings.hold_down_max_ms = 20;
    r = verdict_rules_of(&settings);
    ck_assert_int_eq(r.hold_down_ms, 10);
    ck_assert_int_eq(r.hold_down_max_ms, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/verdict");
    TCase *tests = tcase_create("verdict");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, rounds_to_verdicts, 0, sizeof tables / sizeof tables[0]);
    tcase_add_test(tests, no_checks_are_no_good);
    tcase_add_test(tests, stale_rounds_are_no_good);
    tcase_add_test(tests, our_own_lag_is_excused);
    tcase_add_test(tests, never_judged_stays_without_a_verdict);
    tcase_add_test(tests, hold_down_doubles_and_ends_growing);
    tcase_add_test(tests, hold_down_decays_in_calm);
    tcase_add_test(tests, restarts_are_held_down_too);
    tcase_add_test(tests, a_day_of_flapping);
    tcase_add_loop_test(tests, random_rounds, 0, 3);
    tcase_add_test(tests, rules_of_settings);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
