/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which queries rules mean, how many of them are picked, and that a ring gives back what was put in, in
 * order, whatever the sizes; when it is full it drops and counts.
 */
#include "answer/tap.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct tap *tap;
static uint8_t query[4096];
static uint8_t response[65535];
static struct sockaddr_in client;

static void set_up(void)
{
    static const uint8_t asked[] = "\0\0\0\0\0\1\0\0\0\0\0\0\3wWw\7example\3org\0\0\1\0\1";
    tap = calloc(1, sizeof *tap);
    memset(response, 0, sizeof response);
    memcpy(query, asked, sizeof asked - 1);
    client.sin_family = AF_INET;
    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.77", &client.sin_addr), 1);
}

static void tear_down(void)
{
    free(tap);
}

static void serve(const struct tap_rules *rules, size_t query_octets, size_t response_octets)
{
    const struct answer_message message = {.query = query,
                                           .query_octets = query_octets,
                                           .client = (const struct sockaddr *)&client,
                                           .response = response,
                                           .response_octets = response_octets};
    tap_take(tap, rules, ANSWER_TCP, &message, 1);
}

static struct settings_query_rule rule_of(const char *zone, size_t zone_octets, const char *prefix,
                                          uint8_t bits, uint8_t rcode)
{
    struct settings_query_rule rule = {.rcode = rcode, .sample = 1};
    memcpy(rule.zone, zone, zone_octets);
    if (prefix != NULL) {
        rule.client.family = AF_INET;
        rule.client.bits = bits;
        ck_assert_int_eq(inet_pton(AF_INET, prefix, rule.client.octets), 1);
    }
    return rule;
}

START_TEST(rules_mean)
{
    static const struct {
        const char *zone;
        size_t zone_octets;
        const char *prefix;
        uint8_t bits;
        uint8_t rcode;
        bool matches;
    } table[] = {
        {"", 1, NULL, 0, TAP_ANY_RCODE, true},
        {"\7example\3org", 13, NULL, 0, TAP_ANY_RCODE, true},
        {"\3www\7example\3org", 17, NULL, 0, TAP_ANY_RCODE, true},
        {"\1x\3www\7example\3org", 19, NULL, 0, TAP_ANY_RCODE, false},
        {"\6xample\3org", 12, NULL, 0, TAP_ANY_RCODE, false},
        {"", 1, "192.0.2.64", 26, TAP_ANY_RCODE, true},
        {"", 1, "192.0.2.0", 26, TAP_ANY_RCODE, false},
        {"", 1, "192.0.2.77", 32, TAP_ANY_RCODE, true},
        {"", 1, "192.0.2.76", 32, TAP_ANY_RCODE, false},
        {"", 1, "192.0.0.0", 16, TAP_ANY_RCODE, true},
        {"", 1, NULL, 0, 3, true},
        {"", 1, NULL, 0, 2, false},
        {"\7example\3org", 13, "192.0.2.0", 24, 3, true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct settings_query_rule rule =
            rule_of(table[i].zone, table[i].zone_octets, table[i].prefix, table[i].bits, table[i].rcode);
        ck_assert_msg(tap_matches(&rule, (struct sockaddr *)&client, query, 33, 3) == table[i].matches,
                      "row %zu", i);
    }
}
END_TEST

/* A query that is cut off anywhere is in no zone, and harms nobody. */
START_TEST(broken_queries)
{
    struct settings_query_rule rule = rule_of("\7example\3org", 13, NULL, 0, TAP_ANY_RCODE);
    for (size_t octets = 0; octets < 29; octets++) {
        uint8_t *copy = malloc(octets > 0 ? octets : 1);
        memcpy(copy, query, octets);
        ck_assert(!tap_matches(&rule, NULL, copy, octets, 0));
        free(copy);
    }
    ck_assert(tap_matches(&rule, NULL, query, 29, 0));
}
END_TEST

/* The first rule that means a query decides, and picks one in `sample` of those that it means. */
START_TEST(one_in_so_many)
{
    struct tap_rules rules = {.count = 2, .dnstap_sample = 5};
    unsigned logged = 0;
    unsigned tapped = 0;
    rules.rules[0] = rule_of("\7example\3org", 13, NULL, 0, TAP_ANY_RCODE);
    rules.rules[0].sample = 10;
    rules.rules[1] = rule_of("", 1, NULL, 0, TAP_ANY_RCODE);
    for (int i = 0; i < 100; i++)
        serve(&rules, 33, 40);
    const struct tap_record *record;
    while ((record = tap_next(tap)) != NULL) {
        logged += (record->purposes & TAP_LOG) != 0;
        tapped += (record->purposes & TAP_DNSTAP) != 0;
        ck_assert_uint_eq(record->response_octets, 40);
        ck_assert_uint_eq(record->response_kept, (record->purposes & TAP_DNSTAP) != 0 ? 40 : 12);
        ck_assert_uint_eq(record->transport, ANSWER_TCP);
        ck_assert_mem_eq(&record->client.in4.sin_addr, &client.sin_addr, 4);
        ck_assert_mem_eq(tap_query(record), query, 33);
        tap_done(tap, record);
    }
    ck_assert_uint_eq(logged, 10);
    ck_assert_uint_eq(tapped, 20);
}
END_TEST

/* Sizes that fall on every place of the ring's end, ten times round. */
START_TEST(ring_keeps_order)
{
    const struct tap_rules rules = {.dnstap_sample = 1};
    unsigned put = 0;
    unsigned got = 0;
    for (size_t octets = 0; octets < 10 * TAP_RING_OCTETS;) {
        for (int i = 0; i < 7; i++) {
            size_t size = 12 + put * 7919U % 3000;
            response[4] = (uint8_t)put;
            response[size - 1] = (uint8_t)(put >> 1);
            serve(&rules, 33 + put % 9, size);
            octets += size;
            put++;
        }
        for (const struct tap_record *record; (record = tap_next(tap)) != NULL; tap_done(tap, record)) {
            size_t size = 12 + got * 7919U % 3000;
            ck_assert_uint_eq(record->response_kept, size);
            ck_assert_uint_eq(record->query_octets, 33 + got % 9);
            ck_assert_uint_eq(tap_response(record)[4], (uint8_t)got);
            ck_assert_uint_eq(tap_response(record)[size - 1], (uint8_t)(got >> 1));
            got++;
        }
    }
    ck_assert_uint_eq(got, put);
    ck_assert_uint_eq(stat_read(&tap->dropped), 0);
}
END_TEST

START_TEST(full_ring_drops)
{
    const struct tap_rules rules = {.dnstap_sample = 1};
    unsigned got = 0;
    for (int i = 0; i < 40; i++)
        serve(&rules, 33, 60000);
    for (const struct tap_record *record; (record = tap_next(tap)) != NULL; tap_done(tap, record))
        got++;
    ck_assert_uint_eq(got, TAP_RING_OCTETS / 60144);
    ck_assert_uint_eq(stat_read(&tap->dropped), 40 - got);
    serve(&rules, 33, 60000);
    ck_assert_ptr_nonnull(tap_next(tap));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer/tap");
    TCase *tc = tcase_create("tap");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, rules_mean);
    tcase_add_test(tc, broken_queries);
    tcase_add_test(tc, one_in_so_many);
    tcase_add_test(tc, ring_keeps_order);
    tcase_add_test(tc, full_ring_drops);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
