/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/verdict.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct verdict_rules usual = {.fall = 3,
                                           .rise = 5,
                                           .first_rise = 1,
                                           .stale_ms = 2500,
                                           .hold_down_ms = 5000,
                                           .hold_down_max_ms = 600000,
                                           .calm_ms = 600000,
                                           .settle_ms = 30000};
static struct verdict_rules rules;
static const struct verdict_rules suspicious = {.fall = 3,
                                                .rise = 5,
                                                .first_rise = 1,
                                                .stale_ms = 2500,
                                                .hold_down_ms = 5000,
                                                .hold_down_max_ms = 600000,
                                                .suspect_ms = 10000,
                                                .calm_ms = 600000};
static struct verdict_state s;
static struct mono now;

static void begin(void)
{
    s = (struct verdict_state){0};
    rules = usual;
    now = (struct mono){1000000000};
}

static enum verdict happens(const struct verdict_rules *by, enum verdict_kind kind)
{
    return verdict_step(&s, by, now, &(struct verdict_input){.kind = kind});
}

static enum verdict take_round(const struct verdict_rules *by, const struct check_result *results,
                               size_t count)
{
    struct verdict_input input = verdict_round_of(results, count, false);
    return verdict_step(&s, by, now, &input);
}

static enum verdict round_of(enum check_class class, bool good)
{
    const struct check_result results[] = {{CHECK_LOCAL, true}, {class, good}, {CHECK_ADVISORY, true}};
    now = mono_add_ms(now, 500);
    return take_round(&rules, results, 3);
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
    rules.calm_ms = rules.settle_ms = 0; /* hold-downs are for others to test */
    for (const char *c = tables[_i].rounds; *c != '\0'; c++, expected++) {
        if (strchr("gb", *c) != NULL)
            round_of(CHECK_LOCAL, *c == 'g');
        else if (strchr("Ss", *c) != NULL)
            round_of(CHECK_SHARED, *c == 'S');
        else if (strchr("Aa", *c) != NULL)
            round_of(CHECK_ADVISORY, *c == 'A');
        else if (*c == 'r')
            happens(&rules, VERDICT_RESTART);
        else
            happens(&rules, VERDICT_FAIL);
        ck_assert_msg(letters[s.verdict] == *expected, "%s: %c at %zu, not %c", tables[_i].rounds,
                      letters[s.verdict], (size_t)(c - tables[_i].rounds), *expected);
    }
}
END_TEST

START_TEST(no_checks_are_no_good)
{
    ck_assert_int_eq(take_round(&rules, NULL, 0), VERDICT_NONE);
    rounds(1, true);
    for (int i = 0; i < 3; i++)
        take_round(&rules, NULL, 0);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
}
END_TEST

START_TEST(stale_rounds_are_no_good)
{
    rounds(1, true);
    now = mono_add_ms(now, 2500);
    ck_assert_int_eq(happens(&rules, VERDICT_JUDGE), VERDICT_GOOD);
    now = mono_add_ms(now, 1);
    ck_assert_int_eq(happens(&rules, VERDICT_JUDGE), VERDICT_BAD);
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
    verdict_step(&s, &rules, now, &(struct verdict_input){.kind = VERDICT_EXCUSE, .excuse_ms = 59000});
    ck_assert_int_eq(happens(&rules, VERDICT_JUDGE), VERDICT_GOOD);
}
END_TEST

START_TEST(never_judged_stays_without_a_verdict)
{
    now = mono_add_ms(now, 3600000);
    ck_assert_int_eq(happens(&rules, VERDICT_JUDGE), VERDICT_NONE);
}
END_TEST

/* Falls and comes up as soon as it may; the milliseconds that took. */
static int64_t fall_and_rise(void)
{
    now = mono_add_ms(now, 1000);
    happens(&rules, VERDICT_FAIL);
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
        happens(&rules, VERDICT_FAIL);
        struct mono from = now;
        happens(&rules, VERDICT_RESTART);
        while (s.verdict != VERDICT_GOOD)
            rounds(1, true);
        ck_assert_int_eq(mono_ms_between(from, now), i == 0 ? 500 : 5000 * i);
    }
}
END_TEST

/* What routers are told, and the worst ten minutes of it, wherever they begin. */
static struct {
    struct mono changed[3];
    unsigned count;
} updates;

static void count_updates(enum verdict before, unsigned most)
{
    if (s.verdict == before)
        return;
    updates.count++;
    if (updates.count > most)
        ck_assert_int_ge(mono_ms_between(updates.changed[most - 1], now), 600000);
    memmove(updates.changed + 1, updates.changed, sizeof updates.changed - sizeof updates.changed[0]);
    updates.changed[0] = now;
}

/* Good for `up` rounds and bad for `down`, over and over, for a day. */
static void flap_all_day(enum check_class class, unsigned up, unsigned down, unsigned most)
{
    for (unsigned i = 0; i < 24 * 3600 * 2; i++) {
        enum verdict before = s.verdict;
        round_of(class, i % (up + down) < up);
        count_updates(before, most);
        ck_assert(class == CHECK_LOCAL || s.verdict != VERDICT_BAD);
        ck_assert(s.verdict != VERDICT_BAD || before == VERDICT_BAD || s.bad_row == rules.fall);
    }
}

/* Up 10 seconds, down 10 seconds: every fall is at once, and the route hardly ever moves. */
START_TEST(a_day_of_flapping)
{
    memset(&updates, 0, sizeof updates);
    flap_all_day(_i == 0 ? CHECK_LOCAL : CHECK_SHARED, 20, 20, 2);
    ck_assert_uint_le(updates.count, 24 * 6 * 2);
    ck_assert_uint_ge(updates.count, 24); /* it isn't given up either */
}
END_TEST

/* Whatever the rhythm: no ten minutes, those from the start among them, see more than two changes. */
START_TEST(flapping_in_any_rhythm)
{
    memset(&updates, 0, sizeof updates);
    flap_all_day(_i % 2 == 0 ? CHECK_LOCAL : CHECK_SHARED, 6 + 3 * (unsigned)_i, 6 + 4 * (unsigned)_i, 2);
    ck_assert_uint_gt(updates.count, 2);
}
END_TEST

/* After a calm hour too. A rhythm that looks like a repair is forgiven once, and costs one change more. */
START_TEST(flapping_after_calm)
{
    memset(&updates, 0, sizeof updates);
    rounds(3600 * 2, true);
    bool slow = _i >= 2;
    flap_all_day(_i % 2 == 0 ? CHECK_LOCAL : CHECK_SHARED, slow ? 100 : 40, 40, slow ? 3 : 2);
}
END_TEST

/* Flapping, and less preferred besides: nothing of it is left when the cause was undone. */
START_TEST(a_repair_ends_all_pauses)
{
    rounds(1, true);
    for (int i = 0; i < 3; i++)
        round_of(CHECK_SHARED, false);
    rounds(3, false);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
    verdict_step(&s, &rules, now, &(struct verdict_input){.kind = VERDICT_REPAIR});
    rounds(1, true);
    ck_assert(s.verdict == VERDICT_GOOD || s.verdict == VERDICT_DEGRADED);
    rounds(5, true);
    ck_assert_int_eq(s.verdict, VERDICT_GOOD);
}
END_TEST

START_TEST(one_fall_of_a_check_is_forgiven_when_it_settles)
{
    rounds(3600 * 2, true);
    rounds(3, false);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
    rounds(20, true);
    rounds(1, false);
    rounds(59, true);
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
    rounds(1, true);
    ck_assert_int_eq(s.verdict, VERDICT_GOOD);
}
END_TEST

static enum verdict suspect_round(bool good)
{
    const struct check_result results[] = {{CHECK_LOCAL, good}};
    struct verdict_input input = verdict_round_of(results, 1, true);
    now = mono_add_ms(now, 500);
    return verdict_step(&s, &suspicious, now, &input);
}

/* Clients are served well, the checks say no: less preferred, and gone only when it goes on. */
START_TEST(what_is_suspect_withdraws_later)
{
    suspect_round(true);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(suspect_round(false), VERDICT_GOOD);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(suspect_round(false), VERDICT_DEGRADED);
    ck_assert_int_eq(suspect_round(false), VERDICT_BAD);
}
END_TEST

START_TEST(a_suspicion_ends_with_a_good_round)
{
    suspect_round(true);
    for (int times = 0; times < 10; times++) {
        for (int i = 0; i < 15; i++)
            ck_assert_int_ne(suspect_round(false), VERDICT_BAD);
        ck_assert_int_eq(suspect_round(true), VERDICT_GOOD);
    }
}
END_TEST

START_TEST(a_suspicion_that_is_gone_withdraws)
{
    suspect_round(true);
    for (int i = 0; i < 5; i++)
        suspect_round(false);
    ck_assert_int_eq(s.verdict, VERDICT_DEGRADED);
    rounds(1, false); /* now nobody is served */
    ck_assert_int_eq(s.verdict, VERDICT_BAD);
}
END_TEST

START_TEST(certainty_is_never_suspect)
{
    suspect_round(true);
    for (int i = 0; i < 5; i++)
        suspect_round(false);
    ck_assert_int_eq(happens(&suspicious, VERDICT_FAIL), VERDICT_BAD);
}
END_TEST

/* Every other round is bad: never three in a row, and yet it won't do. */
START_TEST(a_share_of_the_last_rounds)
{
    struct verdict_rules share = rules;
    share.window = 10;
    share.window_fall = 5;
    int rounds_until = 0;
    for (bool good = true; s.verdict != VERDICT_BAD; good = !good) {
        const struct check_result results[] = {{CHECK_LOCAL, good}};
        now = mono_add_ms(now, 500);
        take_round(&share, results, 1);
        ck_assert_int_lt(++rounds_until, 20);
    }
    ck_assert_int_eq(rounds_until, 10);
}
END_TEST

/* Anything at random, in any order: only what is LOCAL takes a route away. */
START_TEST(only_local_withdraws)
{
    uint32_t seed = 987654321u + (uint32_t)_i;
    struct verdict_rules patient = suspicious; /* without rounds for long it would be LOCAL */
    patient.stale_ms = 60000;
    suspect_round(true);
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct verdict_input input = {
            .kind = (seed >> 28) % 4 == 0 ? VERDICT_DEGRADE : VERDICT_ROUND,
            .local_good = true,
            .shared_good = (seed >> 8) % 3 == 0,
            .suspect = (seed >> 12) % 2 == 0,
        };
        if ((seed >> 16) % 50 == 0)
            input.kind = VERDICT_JUDGE;
        now = mono_add_ms(now, (seed >> 20) % 600);
        enum verdict verdict = verdict_step(&s, &patient, now, &input);
        ck_assert(verdict == VERDICT_GOOD || verdict == VERDICT_DEGRADED);
    }
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
        take_round(&rules, results, 2);
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
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, rounds_to_verdicts, 0, sizeof tables / sizeof tables[0]);
    tcase_add_test(tests, no_checks_are_no_good);
    tcase_add_test(tests, stale_rounds_are_no_good);
    tcase_add_test(tests, our_own_lag_is_excused);
    tcase_add_test(tests, never_judged_stays_without_a_verdict);
    tcase_add_test(tests, hold_down_doubles_and_ends_growing);
    tcase_add_test(tests, hold_down_decays_in_calm);
    tcase_add_test(tests, restarts_are_held_down_too);
    tcase_add_loop_test(tests, a_day_of_flapping, 0, 2);
    tcase_add_loop_test(tests, flapping_after_calm, 0, 4);
    tcase_add_test(tests, a_repair_ends_all_pauses);
    tcase_add_test(tests, one_fall_of_a_check_is_forgiven_when_it_settles);
    tcase_add_loop_test(tests, flapping_in_any_rhythm, 0, 12);
    tcase_add_test(tests, what_is_suspect_withdraws_later);
    tcase_add_test(tests, a_suspicion_ends_with_a_good_round);
    tcase_add_test(tests, a_suspicion_that_is_gone_withdraws);
    tcase_add_test(tests, certainty_is_never_suspect);
    tcase_add_test(tests, a_share_of_the_last_rounds);
    tcase_add_loop_test(tests, only_local_withdraws, 0, 3);
    tcase_add_loop_test(tests, random_rounds, 0, 3);
    tcase_add_test(tests, rules_of_settings);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
