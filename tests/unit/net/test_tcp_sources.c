/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp_sources.h"

#include <arpa/inet.h>
#include <check.h>
#include <sodium.h>
#include <stdlib.h>

static struct tcp_sources sources;

static struct sockaddr_in client_at(const char *address)
{
    struct sockaddr_in client = {.sin_family = AF_INET};
    ck_assert_int_eq(inet_pton(AF_INET, address, &client.sin_addr), 1);
    return client;
}

static bool enter(const struct limit_policy *limit, const char *address, uint64_t now_ms, uint64_t *key)
{
    struct sockaddr_in client = client_at(address);
    return tcp_sources_enter(&sources, limit, (const struct sockaddr *)(const void *)&client, now_ms, key);
}

static void set_up(void)
{
    sources = (struct tcp_sources){.buckets = bucket_table_new()};
    ck_assert_ptr_nonnull(sources.buckets);
}

static void tear_down(void)
{
    bucket_table_free(sources.buckets);
}

START_TEST(a_prefix_has_so_many_at_a_time)
{
    const struct limit_policy limit = {.ipv4_mask = 0xffffff00, .tcp_connections = 3};
    uint64_t keys[4];
    for (unsigned round = 0; round < 2; round++) {
        ck_assert(enter(&limit, "192.0.2.1", 1000, &keys[0]));
        ck_assert(enter(&limit, "192.0.2.2", 1000, &keys[1]));
        ck_assert(enter(&limit, "192.0.2.3", 1000, &keys[2]));
        ck_assert(!enter(&limit, "192.0.2.4", 1000, &keys[3]));
        ck_assert_uint_eq(keys[3], 0);
        ck_assert(enter(&limit, "192.0.3.1", 1000, &keys[3]));
        for (unsigned i = 0; i < 4; i++)
            tcp_sources_leave(&sources, keys[i]);
    }
}
END_TEST

START_TEST(a_prefix_has_so_many_a_second)
{
    const struct limit_policy limit = {.ipv4_mask = 0xffffff00, .tcp_accept_ns = 100000000};
    uint64_t key;
    unsigned let_in = 0;
    for (uint64_t now_ms = 5000; now_ms < 15000; now_ms += 10) {
        if (enter(&limit, "192.0.2.1", now_ms, &key)) {
            tcp_sources_leave(&sources, key);
            let_in++;
        }
    }
    ck_assert_uint_ge(let_in, 105);
    ck_assert_uint_le(let_in, 112);
    ck_assert(enter(&limit, "192.0.3.1", 15000, &key));
}
END_TEST

START_TEST(exceptions_are_not_counted)
{
    struct zone_access *exempt = zone_access_new(1);
    struct sockaddr_in client = client_at("192.0.2.1");
    zone_grant_address(&exempt->grants[0], (const struct sockaddr *)(const void *)&client);
    const struct limit_policy limit = {.ipv4_mask = 0xffffff00, .tcp_connections = 1, .exempt = exempt};
    uint64_t key;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(enter(&limit, "192.0.2.1", 1000, &key));
        ck_assert_uint_eq(key, 0);
    }
    ck_assert(enter(&limit, "192.0.2.2", 1000, &key));
    ck_assert(!enter(&limit, "192.0.2.2", 1000, &key));
    zone_access_release(exempt);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("tcp_sources");
    TCase *tcase = tcase_create("tcp_sources");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_prefix_has_so_many_at_a_time);
    tcase_add_test(tcase, a_prefix_has_so_many_a_second);
    tcase_add_test(tcase, exceptions_are_not_counted);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
