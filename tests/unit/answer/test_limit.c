/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Floods in virtual time, through the whole query walk: what a prefix is given, and who is spared.
 */
#include "answer/limit.h"

#include "../support/zones.h"
#include "answer/cookie.h"
#include "wire/writer.h"

#include <arpa/inet.h>
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#define RATE    20000
#define TURN_MS 10
#define NOW_S   1000000

static const char open_zone[] =
    "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nbig TXT \"0123456789012345678901234567"
    "890123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "into CNAME www.closed.\n";
static const char closed_zone[] =
    "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";

static struct worker_stats stats;
static struct bucket_table *buckets;
static struct answer_context context = {.stats = &stats};
static struct answer_policy policy;

/* What clients got in one run. */
struct got {
    size_t asked, asked_octets, answers, octets, cut, refused;
};

static union {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
} client;

static void from(const char *address)
{
    memset(&client, 0, sizeof client);
    client.in4.sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &client.in4.sin_addr) == 1)
        return;
    client.in6.sin6_family = AF_INET6;
    ck_assert_int_eq(inet_pton(AF_INET6, address, &client.in6.sin6_addr), 1);
}

static void set_up(void)
{
    struct zone_image *images[2] = {zones_compile("open.", open_zone), zones_compile("closed.", closed_zone)};
    struct zone_set *set = zone_set_new(images, 2);
    struct zone_access *access = zone_access_new(1);
    from("198.51.100.0");
    zone_grant_address(&access->grants[0], &client.sa);
    access->grants[0].bits = 24;
    zone_set_restrict(set, images[1], access);
    zone_access_release(access);
    zone_image_release(images[0]);
    zone_image_release(images[1]);
    zone_set_publish(set);

    memset(&stats, 0, sizeof stats);
    memset(&policy, 0, sizeof policy);
    policy.udp_octets = 1232;
    policy.cookies.count = 1;
    policy.limit.ipv4_mask = 0xffffff00;
    policy.limit.ipv6_mask = UINT64_MAX << 8;
    policy.limit.slip = 2;
    policy.limit.own = zone_access_new(1);
    from("203.0.113.53");
    zone_grant_address(&policy.limit.own->grants[0], &client.sa);
    limit_policy_set_rate(&policy.limit, RATE, 2);
    ck_assert_int_eq(answer_policy_publish(&policy), 0);
    buckets = bucket_table_new();
    context.limiter = limiter_new(buckets);
    context.now_ms = 5000000;
    context.now_s = NOW_S;
    ck_assert(buckets != NULL && context.limiter != NULL);
}

static void tear_down(void)
{
    const struct answer_policy none = {.udp_octets = 1232};
    limiter_free(context.limiter);
    bucket_table_free(buckets);
    zone_access_release(policy.limit.own);
    ck_assert_int_eq(answer_policy_publish(&none), 0);
    zone_set_publish(NULL);
}

/* A query for TXT at big.open. with a cookie option of `cookie_octets`, or without EDNS. */
static size_t make_query(uint8_t query[512], const char *name, const char *type, const uint8_t *cookie,
                         size_t cookie_octets)
{
    const struct zones_question question = {name, type, 0, 0, 0};
    size_t octets = zones_question_bytes(&question, query);
    if (cookie_octets == 0)
        return octets;
    struct writer w = writer_to(query + octets, 512 - octets);
    query[11] = 1;
    writer_u8(&w, 0);
    writer_u16(&w, 41);
    writer_u16(&w, 1232);
    writer_u32(&w, 0);
    writer_u16(&w, (uint16_t)(cookie_octets + 4));
    writer_u16(&w, EDNS_COOKIE);
    writer_u16(&w, (uint16_t)cookie_octets);
    writer_bytes(&w, cookie, cookie_octets);
    return octets + writer_offset(&w);
}

static void ask(const uint8_t *query, size_t octets, enum answer_transport transport, struct got *got)
{
    static uint8_t response[65535];
    struct answer_message message = {.query = query,
                                     .query_octets = octets,
                                     .client = &client.sa,
                                     .response = response,
                                     .response_capacity = sizeof response};
    answer_batch(&context, transport, &message, 1);
    got->asked++;
    got->asked_octets += octets;
    got->octets += message.response_octets;
    if (message.response_octets == 0)
        return;
    if ((response[2] & 2) != 0 || ((response[3] & 15) == 7 && response[7] == 0))
        got->cut++;
    else if ((response[3] & 15) == RCODE_REFUSED)
        got->refused++;
    else
        got->answers++;
}

/* `per_turn` queries each ten milliseconds, for so many seconds. */
static struct got flood(const char *address, unsigned per_turn, unsigned seconds, const uint8_t *cookie,
                        size_t cookie_octets)
{
    uint8_t query[512];
    struct got got = {0};
    size_t octets = make_query(query, "big.open.", "TXT", cookie, cookie_octets);
    from(address);
    for (unsigned turn = 0; turn < seconds * 1000 / TURN_MS; turn++) {
        context.now_ms += TURN_MS;
        for (unsigned i = 0; i < per_turn; i++)
            ask(query, octets, ANSWER_UDP, &got);
    }
    return got;
}

START_TEST(a_flooded_prefix_gets_its_rate)
{
    static const char *const addresses[] = {"192.0.2.66", "2001:db8:5::66"};
    struct got got = flood(addresses[_i], 50, 10, NULL, 0);
    size_t full_octets = got.octets - got.cut * got.asked_octets / got.asked;
    /* The buckets' burst and the first cells make it at most a little more than ten seconds' worth. */
    ck_assert_uint_le(full_octets, RATE * 12);
    ck_assert_uint_ge(full_octets, RATE * 5);
    /* Half of what is too much is answered, by no more than its question. */
    size_t too_much = got.asked - got.answers;
    ck_assert_uint_ge(got.cut, too_much * 45 / 100);
    ck_assert_uint_le(got.cut, too_much * 55 / 100);
    ck_assert_uint_le(got.octets, got.asked_octets * 3 / 2);
    ck_assert_uint_eq(stat_read(&stats.dropped_limit), too_much - got.cut);
    ck_assert_uint_eq(stat_read(&stats.limited_truncated), got.cut);
    /* A neighbour in the same prefix shares its fate; over TCP it doesn't. */
    uint8_t query[512];
    struct got tcp = {0};
    size_t octets = make_query(query, "big.open.", "TXT", NULL, 0);
    for (unsigned i = 0; i < 100; i++)
        ask(query, octets, ANSWER_TCP, &tcp);
    ck_assert_uint_eq(tcp.answers, 100);
    /* When the flood is over the prefix is as good as any, after what it owes is paid. */
    context.now_ms += 3000;
    got = flood(addresses[_i], 1, 2, NULL, 0);
    ck_assert_uint_eq(got.answers, got.asked);
}
END_TEST

START_TEST(what_stays_below_the_rate_is_answered)
{
    /* Some 13,000 octets a second. */
    struct got got = flood("192.0.2.66", 1, 20, NULL, 0);
    ck_assert_uint_gt(got.octets / 20, RATE / 2);
    ck_assert_uint_eq(got.answers, got.asked);
}
END_TEST

/* Every cell is used up by somebody: then the buckets tell them apart. */
START_TEST(other_prefixes_are_not_limited)
{
    for (size_t i = 0; i < LIMIT_CELLS; i++)
        context.limiter->cells[i] =
            (uint32_t)((context.now_ms + TURN_MS) >> LIMIT_TICK_BITS) << 20 | LIMIT_FREE_MOST;
    (void)flood("192.0.2.66", 500, 1, NULL, 0);
    struct got got = flood("192.0.3.66", 1, 1, NULL, 0);
    ck_assert_uint_eq(got.answers, got.asked);
    got = flood("203.0.113.53", 500, 1, NULL, 0); /* ourselves */
    ck_assert_uint_eq(got.answers, got.asked);
}
END_TEST

START_TEST(a_good_cookie_lifts_the_limit)
{
    uint8_t cookie[COOKIE_CLIENT_OCTETS + COOKIE_SERVER_OCTETS] = "ABCDEFGH";
    struct got got = flood("192.0.2.66", 50, 5, cookie, COOKIE_CLIENT_OCTETS);
    ck_assert_uint_gt(got.cut, 0);
    ck_assert_uint_eq(stat_read(&stats.limited_badcookie), got.cut);
    ck_assert_uint_lt(got.octets, got.asked_octets * 3 / 2);
    from("192.0.2.67");
    cookie_make(cookie + COOKIE_CLIENT_OCTETS, &policy.cookies, NOW_S, cookie, &client.sa);
    got = flood("192.0.2.67", 50, 1, cookie, sizeof cookie);
    ck_assert_uint_eq(got.answers, got.asked);
    got = flood("192.0.2.66", 50, 1, cookie, sizeof cookie); /* another's */
    ck_assert_uint_lt(got.answers, got.asked / 2);
}
END_TEST

START_TEST(a_zone_is_shown_to_whom_it_may_be)
{
    static const struct {
        const char *address, *name;
        bool probe, seen;
    } cases[] = {
        {"198.51.100.7", "www.closed.", false, true}, {"198.51.101.7", "www.closed.", false, false},
        {"2001:db8::1", "www.closed.", false, false}, {"203.0.113.53", "www.closed.", false, true},
        {"127.0.0.1", "www.closed.", true, true},     {"198.51.101.7", "ns.open.", false, true},
    };
    uint8_t query[512];
    uint8_t response[1232];
    size_t octets = make_query(query, cases[_i].name, "A", NULL, 0);
    from(cases[_i].address);
    struct answer_message message = {.query = query,
                                     .query_octets = octets,
                                     .client = &client.sa,
                                     .response = response,
                                     .response_capacity = sizeof response,
                                     .probe = cases[_i].probe};
    answer_batch(&context, ANSWER_UDP, &message, 1);
    ck_assert_uint_eq(response[3] & 15, cases[_i].seen ? RCODE_NOERROR : RCODE_REFUSED);
    ck_assert_uint_eq(response[7], cases[_i].seen);
}
END_TEST

START_TEST(an_alias_does_not_lead_into_a_closed_zone)
{
    static const char *const addresses[] = {"198.51.101.7", "198.51.100.7"};
    uint8_t query[512];
    uint8_t response[1232];
    size_t octets = make_query(query, "into.open.", "A", NULL, 0);
    from(addresses[_i]);
    struct answer_message message = {.query = query,
                                     .query_octets = octets,
                                     .client = &client.sa,
                                     .response = response,
                                     .response_capacity = sizeof response};
    answer_batch(&context, ANSWER_UDP, &message, 1);
    ck_assert_int_eq(response[7], 1 + _i);
    ck_assert_uint_eq(response[3] & 15, RCODE_NOERROR);
}
END_TEST

START_TEST(refused_may_be_kept_back)
{
    uint8_t query[512];
    struct got got = {0};
    size_t octets = make_query(query, "www.closed.", "A", NULL, 0);
    policy.limit.drop_refused = true;
    ck_assert_int_eq(answer_policy_publish(&policy), 0);
    from("198.51.101.7");
    ask(query, octets, ANSWER_UDP, &got);
    ck_assert_uint_eq(got.octets, 0);
    ck_assert_uint_eq(stat_read(&stats.dropped_refused), 1);
    ask(query, octets, ANSWER_TCP, &got);
    ck_assert_uint_eq(got.refused, 1);
}
END_TEST

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    urcu_qsbr_register_thread();
    Suite *suite = suite_create("limit");
    TCase *tcase = tcase_create("limit");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_flooded_prefix_gets_its_rate, 0, 2);
    tcase_add_test(tcase, what_stays_below_the_rate_is_answered);
    tcase_add_test(tcase, other_prefixes_are_not_limited);
    tcase_add_test(tcase, a_good_cookie_lifts_the_limit);
    tcase_add_loop_test(tcase, a_zone_is_shown_to_whom_it_may_be, 0, 6);
    tcase_add_loop_test(tcase, an_alias_does_not_lead_into_a_closed_zone, 0, 2);
    tcase_add_test(tcase, refused_may_be_kept_back);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    urcu_qsbr_unregister_thread();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
