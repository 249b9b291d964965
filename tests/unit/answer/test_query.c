/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Question by question through the whole query walk: zone text -> image -> bytes, which ldns reads back.
 */
#include "answer/query.h"

#include "../support/zones.h"
#include "answer/context.h"
#include "zone/set.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

static const char example[] =
    "$TTL 300\n"
    "@ 600 SOA ns1 hostmaster 7 3600 600 86400 120\n"
    "@ NS ns1\n"
    "@ NS ns.other.net.\n"
    "@ MX 10 mail\n"
    "@ MX 20 mail2.w\n"
    "ns1 A 192.0.2.1\n"
    "ns1 AAAA 2001:db8::1\nmail A 192.0.2.2\nWwW A 192.0.2.3\nalias CNAME www\nalias2 CNAME alias\nout CNAME "
    "www.elsewhere.net.\ndangling CNAME nothing\nloop1 CNAME loop2\nloop2 CNAME loop1\nto-other CNAME "
    "www.example.net.\nto-cut CNAME a.sub\n*.w A 192.0.2.4\n*.wc CNAME www\na.b.ent TXT \"deep\"\nsub NS "
    "ns.sub\nsub NS ns.sib\nsub NS ns1\nns.sub A 192.0.2.5\nsib NS ns.sib\nns.sib AAAA 2001:db8::5\nd DNAME "
    "www\ndn DNAME example.net.\nsvc HTTPS 1 . alpn=h2\nsvc A 192.0.2.6\nsvca HTTPS 0 svc\nunknown TYPE65280 "
    "\\# 3 010203\nany A 192.0.2.7\nany TXT \"x\"\n";
static const char example_net[] = "$TTL 300\n"
                                  "@ SOA ns1.example.com. h 1 2 3 4 5\n"
                                  "@ NS ns1.example.com.\nwww A 198.51.100.1\nwww.sub TXT \"t\"\n";

#define SOA_OF_EXAMPLE "example. 120 IN SOA ns1.example. hostmaster.example. 7 3600 600 86400 120\n"

static const struct {
    struct zones_question question;
    const char *answer;
} answers[] = {
    {{"www.example.", "A", 0, 0, 0}, "NOERROR aa\nanswer:\nwww.example. 300 IN A 192.0.2.3\n"},
    {{"WWW.exAMPle.", "A", 0, 0, 0}, "NOERROR aa\nanswer:\nWWW.exAMPle. 300 IN A 192.0.2.3\n"},
    {{"www.example.", "AAAA", 0, 0, 0}, "NOERROR aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"no.example.", "A", 0, 0, 0}, "NXDOMAIN aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"no.www.example.", "A", 0, 0, 0}, "NXDOMAIN aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"b.ent.example.", "A", 0, 0, 0}, "NOERROR aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"a.b.ent.example.", "TXT", 0, 0, 0}, "NOERROR aa\nanswer:\na.b.ent.example. 300 IN TXT \"deep\"\n"},
    {{"elsewhere.", "A", 0, 0, 0}, "REFUSED\n"},
    {{"alias.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nalias.example. 300 IN CNAME www.example.\nwww.example. 300 IN A 192.0.2.3\n"},
    {{"alias2.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nalias.example. 300 IN CNAME www.example.\nalias2.example. 300 IN CNAME "
     "alias.example.\nwww.example. 300 IN A 192.0.2.3\n"},
    {{"alias.example.", "CNAME", 0, 0, 0}, "NOERROR aa\nanswer:\nalias.example. 300 IN CNAME www.example.\n"},
    {{"alias.example.", "TXT", 0, 0, 0},
     "NOERROR aa\nanswer:\nalias.example. 300 IN CNAME www.example.\nauthority:\n" SOA_OF_EXAMPLE},
    {{"out.example.", "A", 0, 0, 0}, "NOERROR aa\nanswer:\nout.example. 300 IN CNAME www.elsewhere.net.\n"},
    {{"dangling.example.", "A", 0, 0, 0},
     "NXDOMAIN aa\nanswer:\ndangling.example. 300 IN CNAME nothing.example.\nauthority:\n" SOA_OF_EXAMPLE},
    {{"loop1.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nloop1.example. 300 IN CNAME loop2.example.\nloop2.example. 300 IN CNAME "
     "loop1.example.\n"},
    {{"to-other.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nto-other.example. 300 IN CNAME www.example.net.\nwww.example.net. 300 IN A "
     "198.51.100.1\n"},
    {{"to-other.example.", "TXT", 0, 0, 0},
     "NOERROR aa\nanswer:\nto-other.example. 300 IN CNAME www.example.net.\nauthority:\nexample.net. 5 IN "
     "SOA ns1.example.com. h.example.net. 1 2 3 4 5\n"},
    {{"to-cut.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nto-cut.example. 300 IN CNAME a.sub.example.\nauthority:\nsub.example. 300 IN NS "
     "ns.sib.example.\nsub.example. 300 IN NS ns.sub.example.\nsub.example. 300 IN NS "
     "ns1.example.\nadditional:\nns1.example. 300 IN A 192.0.2.1\nns1.example. 300 IN AAAA "
     "2001:db8::1\nns.sib.example. 300 IN AAAA 2001:db8::5\nns.sub.example. 300 IN A 192.0.2.5\n"},
    {{"x.y.w.example.", "A", 0, 0, 0}, "NOERROR aa\nanswer:\nx.y.w.example. 300 IN A 192.0.2.4\n"},
    {{"x.w.example.", "TXT", 0, 0, 0}, "NOERROR aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"*.w.example.", "A", 0, 0, 0}, "NOERROR aa\nanswer:\n*.w.example. 300 IN A 192.0.2.4\n"},
    {{"x.wc.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\nx.wc.example. 300 IN CNAME www.example.\nwww.example. 300 IN A 192.0.2.3\n"},
    {{"very.long.label.sub.example.", "A", 0, 0, 0},
     "NOERROR\nauthority:\nsub.example. 300 IN NS ns.sib.example.\nsub.example. 300 IN NS "
     "ns.sub.example.\nsub.example. 300 IN NS ns1.example.\nadditional:\nns1.example. 300 IN A "
     "192.0.2.1\nns1.example. 300 IN AAAA 2001:db8::1\nns.sib.example. 300 IN AAAA "
     "2001:db8::5\nns.sub.example. 300 IN A 192.0.2.5\n"},
    {{"ns.sub.example.", "A", 0, 0, 0},
     "NOERROR\nauthority:\nsub.example. 300 IN NS ns.sib.example.\nsub.example. 300 IN NS "
     "ns.sub.example.\nsub.example. 300 IN NS ns1.example.\nadditional:\nns1.example. 300 IN A "
     "192.0.2.1\nns1.example. 300 IN AAAA 2001:db8::1\nns.sib.example. 300 IN AAAA "
     "2001:db8::5\nns.sub.example. 300 IN A 192.0.2.5\n"},
    {{"sub.example.", "DS", 0, 0, 0}, "NOERROR aa\nauthority:\n" SOA_OF_EXAMPLE},
    {{"example.", "MX", 0, 0, 0},
     "NOERROR aa\nanswer:\nexample. 300 IN MX 10 mail.example.\nexample. 300 IN MX 20 "
     "mail2.w.example.\nadditional:\nmail.example. 300 IN A 192.0.2.2\nmail2.w.example. 300 IN A "
     "192.0.2.4\n"},
    {{"example.", "SOA", 0, 0, 0},
     "NOERROR aa\nanswer:\nexample. 600 IN SOA ns1.example. hostmaster.example. 7 3600 600 86400 120\n"},
    {{"x.d.example.", "A", 0, 0, 0},
     "NXDOMAIN aa\nanswer:\nd.example. 300 IN DNAME www.example.\nx.d.example. 300 IN CNAME "
     "x.www.example.\nauthority:\n" SOA_OF_EXAMPLE},
    {{"WWW.dn.example.", "A", 0, 0, 0},
     "NOERROR aa\nanswer:\ndn.example. 300 IN DNAME example.net.\nWWW.dn.example. 300 IN CNAME "
     "WWW.example.net.\nWWW.example.net. 300 IN A 198.51.100.1\n"},
    {{"svc.example.", "HTTPS", 0, 0, 0},
     "NOERROR aa\nanswer:\nsvc.example. 300 IN HTTPS 1 . alpn=h2\nadditional:\nsvc.example. 300 IN A "
     "192.0.2.6\n"},
    {{"svca.example.", "HTTPS", 0, 0, 0},
     "NOERROR aa\nanswer:\nsvca.example. 300 IN HTTPS 0 svc.example.\nadditional:\nsvc.example. 300 IN A "
     "192.0.2.6\nsvc.example. 300 IN HTTPS 1 . alpn=h2\n"},
    {{"unknown.example.", "TYPE65280", 0, 0, 0},
     "NOERROR aa\nanswer:\nunknown.example. 300 IN TYPE65280 \\# 3 010203\n"},
    {{"any.example.", "ANY", 0, 0, ANSWER_TCP},
     "NOERROR aa\nanswer:\nany.example. 300 IN A 192.0.2.7\nany.example. 300 IN TXT \"x\"\n"},
    {{"any.example.", "ANY", 0, 0, ANSWER_UDP}, "NOERROR aa\nanswer:\nany.example. 300 IN A 192.0.2.7\n"},
    {{"example.net.", "DS", 0, 0, 0},
     "NOERROR aa\nauthority:\nexample.net. 5 IN SOA ns1.example.com. h.example.net. 1 2 3 4 5\n"},
};

START_TEST(answer_as_expected)
{
    char *text = zones_answer_text(&answers[_i].question);
    ck_assert_str_eq(text, answers[_i].answer);
    free(text);
}
END_TEST

static void set_up(void)
{
    struct zone_image *images[] = {zones_compile("example.", example),
                                   zones_compile("example.net.", example_net)};
    ck_assert_int_ge(sodium_init(), 0);
    urcu_qsbr_register_thread();
    urcu_qsbr_thread_offline();
    zones_publish(images, 2);
    const struct answer_policy policy = {.identity = "unit", .identity_octets = 4, .udp_octets = 1232};
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
    Suite *suite = suite_create("answer/query");
    TCase *tests = tcase_create("query");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, answer_as_expected, 0, sizeof answers / sizeof answers[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
