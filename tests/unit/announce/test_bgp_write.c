/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_write.h"

#include "announce/bgp_read.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "ffffffffffffffffffffffffffffffff"

static uint8_t bytes[BGP_MESSAGE_OCTETS];
static struct writer to;

static void begin(void)
{
    to = writer_to(bytes, sizeof bytes);
}

/* What was written is exactly this, and our own reader takes its frame. */
static void expect(const char *hex)
{
    static char text[2 * BGP_MESSAGE_OCTETS + 1];
    struct bgp_message message;
    size_t octets = writer_offset(&to);
    char plain[1024];
    size_t at = 0;
    for (const char *c = hex; *c != '\0'; c++)
        if (*c != ' ')
            plain[at++] = *c;
    plain[at] = '\0';
    for (size_t i = 0; i < octets; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    ck_assert(!to.failed);
    ck_assert_str_eq(text, plain);
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_MESSAGE);
    ck_assert_uint_eq(message.octets, octets);
}

START_TEST(keepalive)
{
    bgp_write_keepalive(&to);
    expect(MARK "0013 04");
}
END_TEST

START_TEST(open_of_a_two_octet_as)
{
    bgp_write_open(&to, &(struct bgp_open){.as = 64512,
                                           .hold_time_s = 9,
                                           .identifier = 0x0a000002,
                                           .families = BGP_IPV4 | BGP_IPV6,
                                           .four_octet_as = true,
                                           .route_refresh = true});
    expect(MARK "0033 01 04 fc00 0009 0a000002 16 02 14 0104 0001 0001 0104 0002 0001 0200 4104 0000fc00");
}
END_TEST

START_TEST(open_of_a_four_octet_as)
{
    bgp_write_open(&to, &(struct bgp_open){.as = 4200000000,
                                           .hold_time_s = 3,
                                           .identifier = 1,
                                           .families = BGP_IPV6,
                                           .four_octet_as = true,
                                           .ipv4_over_ipv6 = true,
                                           .role = ROLE_CUSTOMER});
    expect(MARK
           "0036 01 04 5ba0 0003 00000001 19 02 17 0104 0002 0001 0506 0001 0001 0002 0901 03 4104 fa56ea00");
}
END_TEST

/* Whatever we say, it is never graceful restart (64) or its long-lived kin (71): a router must forget us. */
START_TEST(open_never_asks_for_graceful_restart)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        begin();
        struct bgp_open open = {.as = 64512,
                                .hold_time_s = 9,
                                .identifier = 1,
                                .families = bits & 3,
                                .four_octet_as = (bits & 4) != 0,
                                .route_refresh = (bits & 8) != 0,
                                .ipv4_over_ipv6 = (bits & 16) != 0,
                                .role = (bits & 32) != 0 ? ROLE_PEER : ROLE_UNSAID};
        bgp_write_open(&to, &open);
        ck_assert(!to.failed);
        size_t at = 31;
        while (at < writer_offset(&to)) {
            ck_assert_uint_ne(bytes[at], 64);
            ck_assert_uint_ne(bytes[at], 71);
            at += 2 + (size_t)bytes[at + 1];
        }
    }
}
END_TEST

START_TEST(notification)
{
    bgp_write_notification(&to, &(struct bgp_error){6, 2, 5, {4, 'g', 'o', 'n', 'e'}});
    expect(MARK "001a 03 06 02 04 676f6e65");
}
END_TEST

static const struct settings_prefix ipv4 = {.family = AF_INET, .bits = 24, .octets = {203, 0, 113}};
static const struct settings_prefix ipv6 = {
    .family = AF_INET6, .bits = 48, .octets = {0x20, 0x01, 0x0d, 0xb8, 0, 0x53}};
static const struct settings_prefix host = {.family = AF_INET, .bits = 32, .octets = {203, 0, 113, 53}};
static const struct settings_prefix odd = {.family = AF_INET, .bits = 17, .octets = {10, 1, 0x80}};

static struct bgp_route route_ipv4(void)
{
    return (struct bgp_route){
        .local_as = 64512, .four_octet_as = true, .next_hop = {AF_INET, false, {192, 0, 2, 2}}};
}

static struct bgp_route route_ipv6(void)
{
    return (struct bgp_route){.local_as = 64512,
                              .four_octet_as = true,
                              .next_hop = {AF_INET6, false, {0x20, 0x01, 0x0d, 0xb8, [15] = 2}}};
}

START_TEST(ipv4_plain)
{
    struct bgp_route route = route_ipv4();
    bgp_write_announcement(&to, &route, &ipv4);
    expect(MARK "0030 02 0000 0015"
                "400101 00"
                "500200 06 0201 0000fc00"
                "400304 c0000202"
                "18cb0071");
}
END_TEST

START_TEST(ipv4_with_everything)
{
    struct bgp_route route = route_ipv4();
    route.only_to_customer = true;
    route.graceful_shutdown = true;
    route.policy = (struct settings_policy){.med_set = true,
                                            .med = 7,
                                            .prepend = 1,
                                            .community_count = 1,
                                            .communities = {64512u << 16 | 100},
                                            .large_community_count = 1,
                                            .large_communities = {{64512, 1, 2}}};
    bgp_write_announcement(&to, &route, &host);
    expect(MARK "005f 02 0000 0043"
                "40010100"
                "5002000a 0202 0000fc00 0000fc00"
                "400304c0000202"
                "800404 00000007"
                "d0080008 fc000064 ffff0000"
                "d020000c 0000fc00 00000001 00000002"
                "c02304 0000fc00"
                "20cb007135");
}
END_TEST

START_TEST(ipv4_internal)
{
    struct bgp_route route = route_ipv4();
    route.internal = true;
    bgp_write_announcement(&to, &route, &odd);
    expect(MARK "0031 02 0000 0016"
                "40010100"
                "50020000"
                "400304c0000202"
                "400504 00000064"
                "110a0180");
    begin();
    route.graceful_shutdown = true;
    bgp_write_announcement(&to, &route, &odd);
    expect(MARK "0039 02 0000 001e"
                "40010100"
                "50020000"
                "400304c0000202"
                "400504 00000000"
                "d0080004 ffff0000"
                "110a0180");
}
END_TEST

START_TEST(four_octet_as_to_an_old_neighbour)
{
    struct bgp_route route = route_ipv4();
    route.local_as = 4200000000;
    route.four_octet_as = false;
    bgp_write_announcement(&to, &route, &ipv4);
    expect(MARK "0038 02 0000 001d"
                "40010100"
                "50020004 0201 5ba0"
                "400304c0000202"
                "d0110006 0201 fa56ea00"
                "18cb0071");
}
END_TEST

START_TEST(ipv6_comes_first_of_all)
{
    struct bgp_route route = route_ipv6();
    bgp_write_announcement(&to, &route, &ipv6);
    expect(MARK "0045 02 0000 002e"
                "900e001c 0002 01 10 20010db8000000000000000000000002 00 3020010db80053"
                "40010100"
                "50020006 0201 0000fc00");
}
END_TEST

START_TEST(ipv6_with_a_link_local_next_hop)
{
    struct bgp_route route = route_ipv6();
    route.next_hop.link_local = true;
    route.next_hop.octets[16] = 0xfe;
    route.next_hop.octets[17] = 0x80;
    route.next_hop.octets[31] = 9;
    bgp_write_announcement(&to, &route, &ipv6);
    expect(MARK "0055 02 0000 003e"
                "900e002c 0002 01 20 20010db8000000000000000000000002"
                "fe800000000000000000000000000009 00 3020010db80053"
                "40010100"
                "50020006 0201 0000fc00");
}
END_TEST

START_TEST(ipv4_over_ipv6)
{
    struct bgp_route route = route_ipv6();
    bgp_write_announcement(&to, &route, &ipv4);
    expect(MARK "0042 02 0000 002b"
                "900e0019 0001 01 10 20010db8000000000000000000000002 00 18cb0071"
                "40010100"
                "50020006 0201 0000fc00");
}
END_TEST

START_TEST(withdrawals)
{
    bgp_write_withdrawal(&to, &ipv4);
    expect(MARK "001b 02 0004 18cb0071 0000");
    begin();
    bgp_write_withdrawal(&to, &ipv6);
    expect(MARK "0025 02 0000 000e 900f000a 0002 01 3020010db80053");
}
END_TEST

START_TEST(end_of_rib)
{
    bgp_write_end_of_rib(&to, BGP_IPV4);
    expect(MARK "0017 02 0000 0000");
    begin();
    bgp_write_end_of_rib(&to, BGP_IPV6);
    expect(MARK "001e 02 0000 0007 900f0003 0002 01");
}
END_TEST

START_TEST(what_cannot_be_said_fails)
{
    struct bgp_route route = route_ipv4();
    bgp_write_announcement(&to, &route, &ipv6);
    ck_assert(to.failed);
    begin();
    route.next_hop.family = 0;
    bgp_write_announcement(&to, &route, &ipv4);
    ck_assert(to.failed);
    begin();
    struct settings_prefix wrong = {.family = AF_INET, .bits = 33};
    bgp_write_withdrawal(&to, &wrong);
    ck_assert(to.failed);
    to = writer_to(bytes, 18);
    bgp_write_keepalive(&to);
    ck_assert(to.failed);
}
END_TEST

/* The most that the settings can hold fits into what the announcer has room for. */
START_TEST(the_longest_fits)
{
    struct bgp_route route = route_ipv6();
    route.next_hop.link_local = true;
    route.local_as = 4200000000;
    route.four_octet_as = false;
    route.only_to_customer = route.graceful_shutdown = true;
    memset(&route.policy, 0xff, sizeof route.policy);
    route.policy.med_set = true;
    to = writer_to(bytes, 1024);
    bgp_write_announcement(&to, &route, &ipv6);
    ck_assert(!to.failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/bgp_write");
    TCase *tests = tcase_create("bgp_write");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, keepalive);
    tcase_add_test(tests, open_of_a_two_octet_as);
    tcase_add_test(tests, open_of_a_four_octet_as);
    tcase_add_test(tests, open_never_asks_for_graceful_restart);
    tcase_add_test(tests, notification);
    tcase_add_test(tests, ipv4_plain);
    tcase_add_test(tests, ipv4_with_everything);
    tcase_add_test(tests, ipv4_internal);
    tcase_add_test(tests, four_octet_as_to_an_old_neighbour);
    tcase_add_test(tests, ipv6_comes_first_of_all);
    tcase_add_test(tests, ipv6_with_a_link_local_next_hop);
    tcase_add_test(tests, ipv4_over_ipv6);
    tcase_add_test(tests, withdrawals);
    tcase_add_test(tests, end_of_rib);
    tcase_add_test(tests, what_cannot_be_said_fails);
    tcase_add_test(tests, the_longest_fits);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
