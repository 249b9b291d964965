/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The short way to an answer: which queries take it, and that it gives what respond() gives.
 */
#include "answer/direct.h"

#include "../support/lanes.h"
#include "../support/zones.h"
#include "zone/set.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#define MANY(n) "ns.many A 192.0.2.1" n "\n"

static const char example[] =
    "$TTL 300\n"
    "@ 600 SOA ns1 hostmaster 7 3600 600 86400 120\n"
    "@ NS ns1\n"
    "@ MX 10 mail.elsewhere.net.\n"
    "ns1 A 192.0.2.1\n"
    "WwW A 192.0.2.3\nwww A 192.0.2.4\nwww TXT \"a\" \"b\"\n"
    "alias CNAME www\n"
    "least TYPE65280 \\# 4 01020304\nshort TYPE65280 \\# 3 010203\n"
    "*.w A 192.0.2.4\n"
    "*.m MX 10 elsewhere.m\n"
    "ent.below TXT \"t\"\n"
    "sub NS ns.sub\nsub NS sub\nsub NS ns.other\nsub NS a.ns.sub\nsub A 192.0.2.8\nns.sub A 192.0.2.5\n"
    "ns.sub AAAA 2001:db8::5\nns.sub A 192.0.2.6\na.ns.sub A 192.0.2.7\n"
    "other NS ns.other\nns.other 60 A 192.0.2.9\nfar NS ns.elsewhere.net.\n"
    "inside NS ns1\nthrough NS x.w\n"
    "many NS ns.many\n" MANY("0") MANY("1") MANY("2") MANY("3") MANY("4") MANY("5")
        MANY("6") "sub DS 1 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";

static const struct {
    struct zones_question question;
    enum lanes_verdict verdict;
} cases[] = {
    {{"www.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"WWW.exaMPle.", "A", 0, 0, 0}, LANES_SAME},
    {{"www.example.", "A", 0, 1232, 0}, LANES_SAME},
    {{"www.example.", "TXT", 1, 4096, 0}, LANES_SAME},
    {{"www.example.", "A", 1, 1232, ANSWER_TCP}, LANES_SAME},
    {{"least.example.", "TYPE65280", 0, 0, 0}, LANES_SAME},
    {{"short.example.", "TYPE65280", 0, 0, 0}, LANES_AT_LENGTH}, /* fewer octets than are copied at once */
    {{"alias.example.", "CNAME", 0, 0, 0}, LANES_SAME},
    {{"example.", "SOA", 0, 0, 0}, LANES_SAME},
    {{"example.", "MX", 0, 0, 0}, LANES_SAME},
    {{"*.w.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"example.", "NS", 0, 0, 0}, LANES_AT_LENGTH}, /* it has addresses to add */
    {{"www.example.", "AAAA", 0, 0, 0}, LANES_SAME},
    {{"www.example.", "AAAA", 1, 1232, ANSWER_TCP}, LANES_SAME},
    {{"below.example.", "TXT", 0, 0, 0}, LANES_SAME},
    {{"www.example.", "ANY", 0, 0, 0}, LANES_AT_LENGTH},
    {{"www.example.", "RRSIG", 0, 0, 0}, LANES_AT_LENGTH},
    {{"alias.example.", "A", 0, 0, 0}, LANES_AT_LENGTH},
    {{"no.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"X.no.ent.below.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.w.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"y.x.W.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.w.example.", "TXT", 0, 0, 0}, LANES_SAME},
    {{"*.m.example.", "MX", 0, 0, 0}, LANES_SAME},
    {{"longer.m.example.", "MX", 0, 0, 0}, LANES_AT_LENGTH}, /* its pointers have to be set */
    {{"sub.example.", "DS", 0, 0, 0}, LANES_AT_LENGTH},
    {{"ns.sub.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"sub.example.", "NS", 0, 0, 0}, LANES_SAME},
    {{"a.long.name.below.sub.example.", "TXT", 1, 1232, 0}, LANES_SAME},
    {{"ns.sub.example.", "A", 1, 1232, ANSWER_TCP}, LANES_SAME},
    {{"far.example.", "A", 0, 0, 0}, LANES_SAME},
    {{"x.inside.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"through.example.", "A", 0, 0, 0}, LANES_AT_LENGTH}, /* addresses from a wildcard */
    {{"many.example.", "A", 0, 0, 0}, LANES_AT_LENGTH},    /* more glue than stands with its NS */
    {{"elsewhere.", "A", 0, 0, 0}, LANES_AT_LENGTH},
    {{"nsec.example.", "SOA", 0, 0, 0}, LANES_SAME},
    {{"nsec.example.", "SOA", 1, 1232, 0}, LANES_SAME},
    {{"nsec.example.", "DNSKEY", 1, 1232, 0}, LANES_SAME},
    {{"nsec.example.", "NSEC", 1, 1232, 0}, LANES_SAME},
    {{"nsec3.example.", "NSEC3PARAM", 1, 1232, 0}, LANES_SAME},
    {{"nsec.example.", "AAAA", 1, 1232, 0}, LANES_SAME},
    {{"www.nsec.example.", "TXT", 1, 1232, 0}, LANES_SAME},
    {{"ent.nsec.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"b.c.nsec.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.wild.nsec.example.", "A", 1, 1232, 0}, LANES_AT_LENGTH}, /* has to be proved */
    {{"x.wild.nsec.example.", "A", 0, 1232, 0}, LANES_SAME},
    {{"x.secure.nsec.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.insecure.nsec.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"nsec3.example.", "AAAA", 1, 1232, 0}, LANES_SAME},
    {{"www.nsec3.example.", "TXT", 1, 1232, 0}, LANES_SAME},
    {{"ent2.nsec3.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"b.c.nsec3.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"b.c.nsec3.example.", "A", 1, 512, 0}, LANES_AT_LENGTH}, /* doesn't fit */
    {{"x.secure.nsec3.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.insecure.nsec3.example.", "A", 1, 1232, 0}, LANES_SAME},
    {{"x.insecure2.ent2.nsec3.example.", "A", 1, 1232, 0}, LANES_SAME},
};

START_TEST(both_ways_agree)
{
    uint8_t query[512];
    size_t octets = zones_question_bytes(&cases[_i].question, query);
    ck_assert_int_eq(lanes_compare(query, octets, cases[_i].question.transport), cases[_i].verdict);
}
END_TEST

/* What doesn't fit is truncated by respond(). */
START_TEST(too_large_goes_at_length)
{
    const struct zones_question question = {"nsec.example.", "DNSKEY", 1, 512, ANSWER_UDP};
    const struct zones_question larger = {"nsec.example.", "DNSKEY", 1, 1232, ANSWER_UDP};
    uint8_t query[512];
    static uint8_t response[65535];
    size_t octets = zones_question_bytes(&larger, query);
    size_t answered = zones_answer(query, octets, ANSWER_UDP, response);
    ck_assert_uint_gt(answered, 17);
    octets = zones_question_bytes(&question, query);
    bool fits = answered <= 512;
    ck_assert_int_eq(lanes_compare(query, octets, ANSWER_UDP), fits ? LANES_SAME : LANES_AT_LENGTH);
}
END_TEST

static void set_up(void)
{
    struct zone_image *images[] = {zones_compile("example.", example),
                                   zones_compile_file("nsec.example.", "signed-nsec.zone"),
                                   zones_compile_file("nsec3.example.", "signed-nsec3.zone")};
    const struct answer_policy policy = {.identity = "unit", .identity_octets = 4, .udp_octets = 1232};
    ck_assert_int_ge(sodium_init(), 0);
    urcu_qsbr_register_thread();
    urcu_qsbr_thread_offline();
    zones_publish(images, 3);
    ck_assert_int_eq(answer_policy_publish(&policy), 0);
    urcu_qsbr_thread_online();
}

static void tear_down(void)
{
    urcu_qsbr_thread_offline();
    zone_set_publish(NULL);
    urcu_qsbr_unregister_thread();
}

int main(void)
{
    Suite *suite = suite_create("answer/direct");
    TCase *tests = tcase_create("direct");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, both_ways_agree, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, too_large_goes_at_length);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
