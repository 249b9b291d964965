/* SPDX-License-Identifier: BSD-2-Clause */
#include "health/zones.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct shared_up *up;
static uint8_t names[64][NAME_MAX_OCTETS];

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
        int count = zones_read_slice(up, &cursor, names, 64);
        ck_assert_int_eq(count, 64);
        for (int j = 0; j < count; j++) {
            char text[NAME_TEXT_MAX];
            unsigned n = 100;
            ck_assert_int_eq(sscanf(name_to_text(names[j], text), "zone%u.", &n), 1);
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
        ck_assert_int_eq(zones_read_slice(up, &cursor, names, 64), 3);
        (void)name_to_text(names[0], first[i]);
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
    ck_assert_int_eq(zones_read_slice(up, &cursor, names, 64), 2);
}
END_TEST

START_TEST(nothing_is_believed)
{
    size_t cursor = SIZE_MAX;
    set_zones(3, SHARED_ZONE_SERVED);
    memset(up->zones[0].apex, 63, sizeof up->zones[0].apex); /* never ends */
    up->zones[1].state = 99;
    ck_assert_int_eq(zones_read_slice(up, &cursor, names, 64), 1);
    up->zone_count = UINT32_MAX;
    cursor = SIZE_MAX;
    ck_assert_int_ge(zones_read_slice(up, &cursor, names, 64), 0);
    struct zones_scan scan = {0};
    while (!zones_scan_step(&scan, up))
        ck_assert_uint_le(scan.at, SHARED_MAX_ZONES);
}
END_TEST

START_TEST(a_table_being_replaced_is_left_alone)
{
    size_t cursor = 0;
    struct zones_scan scan = {0};
    set_zones(3, SHARED_ZONE_FAILED);
    up->zone_sequence++;
    ck_assert_int_eq(zones_read_slice(up, &cursor, names, 64), -1);
    ck_assert(!zones_scan_step(&scan, up));
    up->zone_sequence++;
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.failed, 3);
}
END_TEST

START_TEST(failed_zones_are_found)
{
    struct zones_scan scan = {0};
    set_zones(40000, SHARED_ZONE_SERVED);
    set_zone(39999, SHARED_ZONE_FAILED);
    set_zone(30000, SHARED_ZONE_FAILED);
    ck_assert(!zones_scan_step(&scan, up)); /* a piece at a time */
    ck_assert(!zones_scan_step(&scan, up));
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.failed, 2);
    ck_assert_uint_eq(scan.served, 39998);
    ck_assert_str_eq(scan.first_failed, "zone30000.example.");
    ck_assert(!zones_scan_step(&scan, up)); /* nothing new */
    set_zones(2, SHARED_ZONE_SERVED);
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.failed, 0);
    ck_assert_str_eq(scan.first_failed, "");
}
END_TEST

START_TEST(no_zones_at_all)
{
    size_t cursor = 7;
    struct zones_scan scan = {0};
    up->zone_sequence = 2;
    ck_assert_int_eq(zones_read_slice(up, &cursor, names, 64), 0);
    ck_assert(zones_scan_step(&scan, up));
    ck_assert_uint_eq(scan.total, 0);
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
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
