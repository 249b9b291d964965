/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/zones.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct shared_up *up;
static struct zones_entry zones[64];

static void begin(void)
{
    up = mmap(NULL, sizeof *up, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(up, MAP_FAILED);
}

static void end(void)
{
    munmap(up, sizeof *up);
}

static void set_zone(size_t i, enum shared_zone_state state)
{
    char text[64];
    (void)snprintf(text, sizeof text, "zone%zu.example.", i);
    up->zones[i].state = state;
    ck_assert_uint_ne(name_from_text(up->zones[i].apex, text), 0);
}

static void set_zones(size_t count, enum shared_zone_state state)
{
    for (size_t i = 0; i < count; i++)
        set_zone(i, state);
    up->zone_count = (uint32_t)count;
    up->zone_sequence += 2;
}

START_TEST(every_zone_has_its_turn)
{
    unsigned asked[100] = {0};
    size_t cursor = 0;
    set_zones(100, SHARED_ZONE_SERVED);
    for (int i = 0; i < 25; i++) {
        int count = zones_read_slice(up, &cursor, zones, 64);
        ck_assert_int_eq(count, 64);
        for (int j = 0; j < count; j++) {
            char text[NAME_TEXT_MAX];
            unsigned n = 100;
            ck_assert_int_eq(sscanf(name_to_text(zones[j].name, text), "zone%u.", &n), 1);
            asked[n]++;
        }
    }
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(asked[i], 16);
}
END_TEST

/* TCP asks only the first of a slice: with few zones it must not be the same one for ever. */
START_TEST(the_first_of_a_slice_changes)
{
    char first[3][NAME_TEXT_MAX];
    size_t cursor = 0;
    set_zones(3, SHARED_ZONE_SERVED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(zones_read_slice(up, &cursor, zones, 64), 3);
        (void)name_to_text(zones[0].name, first[i]);
    }
    ck_assert_str_ne(first[0], first[1]);
    ck_assert_str_ne(first[1], first[2]);
    ck_assert_str_ne(first[0], first[2]);
}
END_TEST

START_TEST(only_what_is_served)
{
    size_t cursor = 0;
    set_zones(4, SHARED_ZONE_SERVED);
    set_zone(0, SHARED_ZONE_LOADING);
    set_zone(1, SHARED_ZONE_FAILED);
    set_zone(2, SHARED_ZONE_STALE);
    ck_assert_int_eq(zones_read_slice(up, &cursor, zones, 64), 2);
}
END_TEST

START_TEST(nothing_is_believed)
{
    size_t cursor = SIZE_MAX;
    set_zones(3, SHARED_ZONE_SERVED);
    memset(up->zones[0].apex, 63, sizeof up->zones[0].apex); /* never ends */
    up->zones[1].state = 99;
    ck_assert_int_eq(zones_read_slice(up, &cursor, zones, 64), 1);
    up->zone_count = UINT32_MAX;
    cursor = SIZE_MAX;
    ck_assert_int_ge(zones_read_slice(up, &cursor, zones, 64), 0);
    static struct zones_scan scan;
    while (!zones_scan_step(&scan, up))
        ck_assert_uint_le(scan.at, SHARED_MAX_ZONES);
    up->prefix_count = UINT32_MAX;
    up->zones[5].prefixes = UINT64_MAX;
    up->zone_count = 6;
    up->zone_sequence += 2;
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.prefix_count, SETTINGS_MAX_PREFIXES);
    zones_scan_free(&scan);
}
END_TEST

START_TEST(a_table_being_replaced_is_left_alone)
{
    size_t cursor = 0;
    static struct zones_scan scan;
    set_zones(3, SHARED_ZONE_FAILED);
    up->zone_sequence++;
    ck_assert_int_eq(zones_read_slice(up, &cursor, zones, 64), -1);
    ck_assert(!zones_scan_step(&scan, up));
    up->zone_sequence++;
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.failed, 3);
}
END_TEST

START_TEST(failed_zones_are_found)
{
    static struct zones_scan scan;
    set_zones(40000, SHARED_ZONE_SERVED);
    set_zone(39999, SHARED_ZONE_FAILED);
    set_zone(30000, SHARED_ZONE_FAILED);
    int pieces = 1;
    while (!zones_scan_step(&scan, up))
        ck_assert_int_lt(++pieces, 100);
    ck_assert_int_gt(pieces, 2);
    ck_assert_uint_eq(scan.last.failed, 2);
    ck_assert_uint_eq(scan.last.served, 39998);
    char first[NAME_TEXT_MAX];
    ck_assert_str_eq(name_to_text(scan.last.groups[ZONES_COMMON].first, first), "zone30000.example.");
    ck_assert(!zones_scan_step(&scan, up)); /* nothing new */
    set_zones(2, SHARED_ZONE_SERVED);
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.failed, 0);
    ck_assert_int_eq(scan.last.groups[ZONES_COMMON].worst, ZONES_NO_TROUBLE);
}
END_TEST

START_TEST(no_zones_at_all)
{
    size_t cursor = 7;
    static struct zones_scan scan;
    up->zone_sequence = 2;
    ck_assert_int_eq(zones_read_slice(up, &cursor, zones, 64), 0);
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.total, 0);
}
END_TEST

/* What the states of zones mean. Two prefixes are A and B; whose a zone is stands behind its state. */
struct effect_case {
    const char
        *before; /* one letter a zone: S served, F failed, O stale, L loading; then a, b, x (both), - */
    const char *now;
    bool common;              /* zones without a prefix count for A as well */
    const char *a, *b, *rest; /* ".", "degrade" or "withdraw": for A, for B, for a prefix that no zone has */
};

static const struct effect_case effects[] = {
    {"Sa Sb S-", "Sa Sb S-", false, ".", ".", "."},
    /* its own prefix alone */
    {"Sa Sb S-", "Fa Sb S-", false, "withdraw", ".", "."},
    {"Sa Sa Sb", "Sa Fa Sb", false, "withdraw", ".", "."},
    {"Sx Sb S-", "Fx Sb S-", false, "withdraw", "withdraw", "."},
    /* never served here: the same new text may be everywhere */
    {"Sa Sb S-", "Sa Sb S- Fa", false, "degrade", ".", "."},
    {"", "Sa Fb S-", false, ".", "degrade", "."},
    /* lost stays lost until it is served */
    {"Fa Sb", "Fa Sb", false, "degrade", ".", "."},
    /* without a prefix: degrades where nobody else is at home */
    {"Sa Sb S-", "Sa Sb F-", false, ".", ".", "degrade"},
    {"Sa Sb S-", "Sa Sb F-", true, "degrade", ".", "degrade"},
    {"S- S-", "S- F-", false, "degrade", "degrade", "degrade"},
    /* an older text is served */
    {"Sa Sb S-", "Oa Sb S-", false, "degrade", ".", "."},
    {"Sa Sb S-", "Oa Ob O-", false, "degrade", "degrade", "degrade"},
    {"S- S-", "O- O-", false, "degrade", "degrade", "degrade"},
    /* nothing left */
    {"S- S-", "F- F-", false, "withdraw", "withdraw", "withdraw"},
    {"Sa S-", "Fa F-", false, "withdraw", "withdraw", "withdraw"},
    {"", "F- F-", false, "withdraw", "withdraw", "withdraw"},
    {"", "F- L-", false, "degrade", "degrade", "degrade"},
    {"", "", false, ".", ".", "."},
};

static const struct shared_prefix test_prefixes[] = {{2, 24, {203, 0, 113}}, {2, 24, {198, 51, 100}}};

static void put_zones(const char *words)
{
    size_t count = 0;
    for (const char *w = words; *w != '\0'; w += w[2] != '\0' ? 3 : 2, count++) {
        set_zone(count, w[0] == 'S'   ? SHARED_ZONE_SERVED
                        : w[0] == 'F' ? SHARED_ZONE_FAILED
                        : w[0] == 'O' ? SHARED_ZONE_STALE
                                      : SHARED_ZONE_LOADING);
        up->zones[count].prefixes = w[1] == 'a' ? 1 : w[1] == 'b' ? 2 : w[1] == 'x' ? 3 : 0;
    }
    memcpy(up->prefixes, test_prefixes, sizeof test_prefixes);
    up->prefix_count = 2;
    up->zone_count = (uint32_t)count;
    up->zone_sequence += 2;
}

static const char *effect_of(const struct zones_scan *scan, const struct shared_prefix *prefix, bool common)
{
    size_t group = zones_group_of(&scan->last, prefix->family, prefix->bits, prefix->octets);
    struct zones_effect effect = zones_judge(&scan->last, group, group == ZONES_COMMON || common);
    ck_assert((effect.why[0] != '\0') == (effect.withdraws || effect.degrades));
    return effect.withdraws ? "withdraw" : effect.degrades ? "degrade" : ".";
}

START_TEST(what_zones_mean_for_prefixes)
{
    const struct effect_case *c = &effects[_i];
    static const struct shared_prefix rest = {2, 24, {192, 0, 2}};
    static struct zones_scan scan;
    put_zones(c->before);
    ck_assert(zones_scan_step(&scan, up));
    put_zones(c->now);
    for (int times = 0; times < 2; times++) { /* the same again means the same */
        up->zone_sequence += 2;
        ck_assert(zones_scan_step(&scan, up));
        ck_assert_str_eq(effect_of(&scan, &test_prefixes[0], c->common), c->a);
        ck_assert_str_eq(effect_of(&scan, &test_prefixes[1], false), c->b);
        ck_assert_str_eq(effect_of(&scan, &rest, false), c->rest);
    }
    zones_scan_free(&scan);
}
END_TEST

/* A server that was started anew doesn't know what its predecessor served; the announcer does. */
START_TEST(what_was_served_is_remembered_over_a_new_server)
{
    static struct zones_scan scan;
    put_zones("Sa Sb");
    ck_assert(zones_scan_step(&scan, up));
    zones_scan_again(&scan);
    put_zones("Fa Sb");
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.groups[0].lost, 1);
    put_zones(""); /* no longer configured: forgotten */
    ck_assert(zones_scan_step(&scan, up));
    put_zones("Fa Sb");
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.last.groups[0].lost, 0);
    zones_scan_free(&scan);
}
END_TEST

START_TEST(many_zones_are_remembered)
{
    static struct zones_scan scan;
    set_zones(50000, SHARED_ZONE_SERVED);
    for (size_t i = 0; i < 50000; i++)
        up->zones[i].prefixes = 1;
    up->prefix_count = 1;
    up->zone_sequence += 2;
    while (!zones_scan_step(&scan, up))
        ;
    set_zones(50000, SHARED_ZONE_FAILED);
    while (!zones_scan_step(&scan, up))
        ;
    ck_assert_uint_eq(scan.last.groups[0].lost, 50000);
    zones_scan_free(&scan);
}
END_TEST

/* --- time */

#define NOON 1800000000 /* what is judged is past from here on */
#define HOUR 3600

struct past_case {
    int64_t wall_s, steady_s; /* after NOON */
    bool before;
    bool past;
};

static const struct past_case pasts[] = {
    {-1, -1, false, false},
    {0, 0, false, false},
    {1, 1, false, true},
    {1, 1, true, true},
    {-1, -1, true, false},
    /* the clock was set an hour forward or back: as it was before */
    {HOUR - 10, -10, false, false},
    {10 - HOUR, 10, true, true},
    /* and time goes on by either */
    {2 * HOUR, HOUR, false, true},
    {-HOUR, 0, true, false},
    /* it was years off when we started, and has been set right since */
    {-10, 100000000, true, false},
    {10, -100000000, true, false},
    {10, -100000000, false, false},
};

START_TEST(a_clock_that_is_set_changes_nothing)
{
    const struct past_case *c = &pasts[_i];
    struct zones_time now = {NOON + c->wall_s, NOON + c->steady_s};
    ck_assert_int_eq(zones_is_past(now, NOON, c->before), c->past);
}
END_TEST

/* A zone loaded at NOON; the oldest allowed age and the time before a signature's end are a day. */
START_TEST(age_and_signatures_are_judged_alike)
{
    const int64_t day = 24 * HOUR;
    struct zones_summary sum = {.oldest_unix_s = NOON, .signature_end_unix_s = NOON + 2 * day};
    for (int64_t hours = 0; hours < 72; hours++) {
        int64_t at = NOON + hours * HOUR;
        for (int set = -1; set <= 1; set++) {
            struct zones_time now = {at + set * HOUR, at};
            bool before = hours > 24; /* as it was while both clocks agreed */
            ck_assert_int_eq(zones_are_old(&sum, now, day, before), before);
            ck_assert_int_eq(zones_signatures_end(&sum, now, day, before), before);
            ck_assert(!zones_are_old(&sum, now, 0, before));
            ck_assert(!zones_signatures_end(&sum, now, 0, before));
        }
    }
    sum = (struct zones_summary){0};
    ck_assert(!zones_are_old(&sum, (struct zones_time){NOON, NOON}, day, true));
    ck_assert(!zones_signatures_end(&sum, (struct zones_time){NOON, NOON}, day, true));
}
END_TEST

START_TEST(the_first_signature_to_end_is_found)
{
    static struct zones_scan scan;
    char text[ZONES_SIGNATURE_OCTETS];
    set_zones(5, SHARED_ZONE_SERVED);
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_str_eq(zones_say_signature(&scan.last, NOON, text), "");
    up->zones[1].signature_end_unix_s = NOON + 500000;
    up->zones[2].signature_end_unix_s = NOON + 2 * 86400 + 3 * HOUR + 4 * 60 + 59;
    up->zones[3].signature_end_unix_s = NOON + 500;
    set_zone(3, SHARED_ZONE_FAILED); /* nobody is given its signatures */
    set_zone(2, SHARED_ZONE_STALE);
    up->zone_sequence += 2;
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_str_eq(zones_say_signature(&scan.last, NOON, text),
                     "zone zone2.example.: a signature ends in 2 d 3 h 4 min");
    ck_assert_str_eq(zones_say_signature(&scan.last, scan.last.signature_end_unix_s + 90, text),
                     "zone zone2.example.: a signature ended 0 d 0 h 1 min ago");
    zones_scan_free(&scan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/zones");
    TCase *tests = tcase_create("zones");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, every_zone_has_its_turn);
    tcase_add_test(tests, the_first_of_a_slice_changes);
    tcase_add_test(tests, only_what_is_served);
    tcase_add_test(tests, nothing_is_believed);
    tcase_add_test(tests, a_table_being_replaced_is_left_alone);
    tcase_add_test(tests, failed_zones_are_found);
    tcase_add_test(tests, no_zones_at_all);
    tcase_add_loop_test(tests, what_zones_mean_for_prefixes, 0, (int)(sizeof effects / sizeof *effects));
    tcase_add_test(tests, what_was_served_is_remembered_over_a_new_server);
    tcase_add_test(tests, many_zones_are_remembered);
    tcase_add_loop_test(tests, a_clock_that_is_set_changes_nothing, 0, (int)(sizeof pasts / sizeof *pasts));
    tcase_add_test(tests, age_and_signatures_are_judged_alike);
    tcase_add_test(tests, the_first_signature_to_end_is_found);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
