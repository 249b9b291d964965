/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/asked.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ZONES 100
#define EVERY UINT64_MAX

static struct shared_up *up;
static struct asked asked;
static unsigned times[ZONES]; /* that each was asked for */

static void begin(void)
{
    up = mmap(NULL, sizeof *up, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(up, MAP_FAILED);
    memset(&asked, 0, sizeof asked);
    memset(times, 0, sizeof times);
}

static void end(void)
{
    munmap(up, sizeof *up);
}

static void serve(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "zone%zu.example.", i);
        up->zones[i].state = SHARED_ZONE_SERVED;
        ck_assert_uint_ne(name_from_text(up->zones[i].apex, text), 0);
    }
    up->zone_count = (uint32_t)count;
    up->zone_sequence += 2;
}

static unsigned number_of(const struct zones_entry *zone)
{
    char text[NAME_TEXT_MAX];
    unsigned number = ZONES;
    ck_assert_int_eq(sscanf(name_to_text(zone->name, text), "zone%u.", &number), 1);
    ck_assert_uint_lt(number, ZONES);
    return number;
}

/* A round in which the zones up to `bad` are answered badly; how many were asked for. */
static int round_with(unsigned bad)
{
    uint64_t refused = 0;
    bool seen[ZONES] = {false};
    asked_choose(&asked, up);
    ck_assert_int_le(asked.count, PROBE_ZONES_MOST);
    for (int i = 0; i < asked.count; i++) {
        unsigned number = number_of(&asked.zones[i]);
        ck_assert_msg(!seen[number], "zone %u is asked for twice in a round", number);
        seen[number] = true;
        times[number]++;
        refused |= number < bad ? UINT64_C(1) << i : 0;
    }
    asked_note(&asked, refused);
    return asked.count;
}

START_TEST(a_doubtful_zone_is_in_every_round)
{
    serve(ZONES);
    while (times[0] == 0)
        round_with(1);
    memset(times, 0, sizeof times);
    for (int i = 0; i < 30; i++)
        ck_assert_int_ge(round_with(1), PROBE_ZONES_MOST - 1);
    ck_assert_uint_eq(times[0], 30);
    round_with(0); /* it is well */
    memset(times, 0, sizeof times);
    for (int i = 0; i < 25; i++)
        round_with(0);
    ck_assert_uint_lt(times[0], 25);
}
END_TEST

/* However many are doubtful, each of the others has its turn. */
START_TEST(doubtful_zones_leave_room)
{
    serve(ZONES);
    for (int i = 0; i < 10; i++) {
        round_with(ZONES);
        ck_assert_int_eq(asked.doubtful_count, ASKED_DOUBTFUL_MOST);
    }
    for (size_t i = 0; i < ZONES; i++)
        ck_assert_uint_gt(times[i], 0);
}
END_TEST

START_TEST(another_table_has_no_doubtful_zones)
{
    serve(20);
    round_with(20);
    ck_assert_int_eq(asked.doubtful_count, ASKED_DOUBTFUL_MOST);
    serve(2);
    ck_assert_int_eq(round_with(0), 2);
    round_with(2);
    up->zone_sequence++; /* being replaced: whatever is in it isn't believed */
    ck_assert_int_eq(round_with(0), 0);
    up->zone_sequence++;
    ck_assert_int_eq(round_with(0), 2);
}
END_TEST

static const struct {
    size_t zones;
    uint64_t refused;
    bool all;
} shares[] = {
    {0, 0, false}, /* id.server was asked for: no zone is refused */
    {1, 0, false},        {1, 1, true}, {3, 5, false}, {3, 7, true}, {ZONES, EVERY >> 1, false},
    {ZONES, EVERY, true},
};

START_TEST(all_are_refused_only_when_each_is)
{
    serve(shares[_i].zones);
    asked_choose(&asked, up);
    ck_assert_int_eq(asked_all_refused(&asked, shares[_i].refused), shares[_i].all);
}
END_TEST

/* Zone 0 has prefix 0 for its own, zone 1 prefix 63, zone 2 both, zone 3 none. */
static const struct {
    size_t group;
    bool takes_common;
    unsigned refused; /* 1 << zone */
    bool own, common;
} effects[] = {
    {0, true, 0, false, false},
    {0, false, 1, true, false},
    {63, false, 1, false, false},
    {63, false, 2, true, false},
    {63, false, 4, true, false},
    {0, false, 8, false, false},
    {0, true, 8, false, true},
    {0, true, 15, true, true},
    {ZONES_COMMON, true, 7, false, false}, /* those of others */
    {ZONES_COMMON, true, 8, false, true},
};

START_TEST(refused_zones_count_where_they_belong)
{
    static const uint64_t prefixes[] = {1, UINT64_C(1) << 63, UINT64_C(1) << 63 | 1, 0};
    uint64_t refused = 0;
    serve(4);
    for (size_t i = 0; i < 4; i++)
        up->zones[i].prefixes = prefixes[i];
    asked_choose(&asked, up);
    ck_assert_int_eq(asked.count, 4);
    for (int i = 0; i < 4; i++)
        refused |= (uint64_t)(effects[_i].refused >> number_of(&asked.zones[i]) & 1) << i;
    struct asked_effect effect = asked_judge(&asked, refused, effects[_i].group, effects[_i].takes_common);
    ck_assert_int_eq(effect.own, effects[_i].own);
    ck_assert_int_eq(effect.common, effects[_i].common);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health/asked");
    TCase *tests = tcase_create("asked");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_doubtful_zone_is_in_every_round);
    tcase_add_test(tests, doubtful_zones_leave_room);
    tcase_add_test(tests, another_table_has_no_doubtful_zones);
    tcase_add_loop_test(tests, all_are_refused_only_when_each_is, 0, (int)(sizeof shares / sizeof *shares));
    tcase_add_loop_test(tests, refused_zones_count_where_they_belong, 0,
                        (int)(sizeof effects / sizeof *effects));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
