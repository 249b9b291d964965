/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shared_up *up;

static void set_up(void)
{
    int fd = shared_create("test", sizeof *up);
    ck_assert_int_ge(fd, 0);
    up = shared_map(fd, sizeof *up, true);
    ck_assert_ptr_nonnull(up);
    close(fd);
}

static void add_zone(const char *wire, size_t octets, uint32_t state)
{
    struct shared_zone *zone = &up->zones[up->zone_count++];
    zone->state = state;
    zone->serial = 2026080100;
    zone->names = 10;
    zone->image_octets = 1000;
    zone->loaded_unix_s = 1785542400;
    zone->signature_end_unix_s = 1786000000;
    memset(zone->digest, 0xab, sizeof zone->digest);
    memcpy(zone->apex, wire, octets);
}

START_TEST(zones)
{
    add_zone("\7example\3com", 13, SHARED_ZONE_SERVED);
    add_zone("\1a", 3, SHARED_ZONE_FAILED);
    json_t *list = report_zones(up, 10);
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(
        text,
        "[{\"digest\":\"abababababababababababababababab\",\"expires_unix_s\":0,\"loaded_unix_s\":1785542400,"
        "\"name\":\"example.com.\",\"names\":10,\"octets\":1000,\"serial\":2026080100,"
        "\"signature_end_unix_s\":1786000000,\"state\":\"served\"},"
        "{\"digest\":\"abababababababababababababababab\",\"expires_unix_s\":0,\"loaded_unix_s\":1785542400,"
        "\"name\":\"a.\",\"names\":10,\"octets\":1000,\"serial\":2026080100,"
        "\"signature_end_unix_s\":1786000000,\"state\":\"failed\"}]");
    free(text);
    json_decref(list);
    list = report_zones(up, 1);
    ck_assert_uint_eq(json_array_size(list), 1);
    json_decref(list);
}
END_TEST

START_TEST(sums)
{
    struct shared_zone copy[1];
    struct report_totals totals;
    add_zone("\1a", 3, SHARED_ZONE_SERVED);
    add_zone("\1b", 3, SHARED_ZONE_STALE);
    add_zone("\1c", 3, 99);
    ck_assert_uint_eq(report_copy_zones(up, copy, 1, &totals), 1);
    ck_assert_uint_eq(totals.zones, 3);
    ck_assert_uint_eq(totals.by_state[SHARED_ZONE_SERVED], 1);
    ck_assert_uint_eq(totals.by_state[SHARED_ZONE_STALE], 1);
    ck_assert_uint_eq(totals.by_state[SHARED_ZONE_FAILED], 0);
    ck_assert_uint_eq(totals.names, 30);
    ck_assert_str_eq(report_zone_state(99), "unknown");
    ck_assert_str_eq(report_route_state(ROUTE_DEGRADED), "degraded");
    ck_assert_str_eq(report_route_state(99), "unknown");
}
END_TEST

/* A server that died while it wrote, or one that lies. */
START_TEST(hostile_memory)
{
    struct shared_zone copy[2];
    struct report_totals totals;
    add_zone("\1a", 3, SHARED_ZONE_SERVED);
    up->zone_sequence = 1;
    ck_assert_uint_eq(report_copy_zones(up, copy, 2, &totals), 0);
    ck_assert_uint_eq(totals.zones, 0);
    up->zone_sequence = 2;
    memset(up->zones[0].apex, 0x3f, sizeof up->zones[0].apex);
    ck_assert_uint_eq(report_copy_zones(up, copy, 2, &totals), 1);
    ck_assert_uint_eq(copy[0].apex[0], 0);
    up->worker_count = UINT32_MAX;
    ck_assert_uint_eq(report_worker_count(up), SETTINGS_MAX_WORKERS);
}
END_TEST

START_TEST(beats)
{
    const struct mono now = {10000000000};
    ck_assert_int_eq(report_slowest_beat_ms(up, now), -1);
    up->beat_ns = 9990000000;
    ck_assert_int_eq(report_slowest_beat_ms(up, now), 10);
    up->worker_count = 2;
    up->worker_beat_ns[0] = 9999000000;
    ck_assert_int_eq(report_slowest_beat_ms(up, now), -1);
    up->worker_beat_ns[1] = 9000000000;
    ck_assert_int_eq(report_slowest_beat_ms(up, now), 1000);
}
END_TEST

START_TEST(server_half)
{
    const struct mono now = {10000000000};
    add_zone("\1a", 3, SHARED_ZONE_SERVED);
    up->serving = 1;
    up->queries = 5000000000;
    json_t *server = report_server(up, now);
    char *text = json_dumps(server, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, "{\"queries\":5000000000,\"serving\":true,\"slowest_beat_ms\":-1,\"workers\":0,"
                           "\"zones\":{\"count\":1,\"failed\":0,\"loading\":0,\"served\":1,\"stale\":0}}");
    free(text);
    json_decref(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control/report");
    TCase *tc = tcase_create("report");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, zones);
    tcase_add_test(tc, sums);
    tcase_add_test(tc, hostile_memory);
    tcase_add_test(tc, beats);
    tcase_add_test(tc, server_half);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
