/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/next_hop.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static union settings_address address(const char *text)
{
    union settings_address a = {0};
    if (inet_pton(AF_INET, text, &a.in4.sin_addr) == 1)
        a.sa.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
        a.sa.sa_family = AF_INET6;
    return a;
}

static char *text_of(const struct bgp_next_hop *hop)
{
    static char text[INET6_ADDRSTRLEN];
    memcpy(text, "none", sizeof "none");
    if (hop->family != 0)
        (void)inet_ntop(hop->family, hop->octets, text, sizeof text);
    return text;
}

static const struct {
    char interface[16];
    const char *address;
} host[] = {
    {"lo", "127.0.0.1"}, {"lo", "203.0.113.53"},      {"lo", "2001:db8:53::53"}, {"eth0", "192.0.2.2"},
    {"eth0", "fe80::2"}, {"eth0", "2001:db8:53::99"}, {"eth0", "2001:db8:1::2"}, {"eth1", "198.51.100.2"},
    {"eth1", "fe80::3"}, {"eth2", "fe80::4"},         {"eth2", "169.254.1.1"},   {"eth3", "2001:db8:2::2"},
};
#define HOST_COUNT (sizeof host / sizeof host[0])

static const struct settings_prefix service[] = {
    {.family = AF_INET, .bits = 24, .octets = {203, 0, 113}},
    {.family = AF_INET6, .bits = 48, .octets = {0x20, 0x01, 0x0d, 0xb8, 0, 0x53}},
};

static const struct {
    const char *local;
    const char *ipv4;
    const char *ipv6;
    bool link_local;
} sessions[] = {
    {"192.0.2.2", "192.0.2.2", "2001:db8:1::2", false}, /* not the service's own on the same interface */
    {"2001:db8:1::2", "192.0.2.2", "2001:db8:1::2", false},
    {"198.51.100.2", "198.51.100.2", "none", false},
    {"fe80::2", "192.0.2.2", "2001:db8:1::2", true},
    {"fe80::4", "none", "fe80::4", true}, /* nothing global: the link-local address stands for both */
    {"2001:db8:2::2", "none", "2001:db8:2::2", false},
    {"127.0.0.1", "127.0.0.1", "none", false},
    {"192.0.2.99", "192.0.2.99", "none", false}, /* on no interface that we see */
};

START_TEST(next_hops_of_a_session)
{
    static struct ifaddrs list[HOST_COUNT];
    static union settings_address addresses[HOST_COUNT];
    static char names[HOST_COUNT][16];
    for (size_t i = 0; i < HOST_COUNT; i++) {
        memcpy(names[i], host[i].interface, sizeof names[i]);
        addresses[i] = address(host[i].address);
        list[i] = (struct ifaddrs){.ifa_next = i + 1 < HOST_COUNT ? &list[i + 1] : NULL,
                                   .ifa_name = names[i],
                                   .ifa_addr = &addresses[i].sa};
    }
    union settings_address local = address(sessions[_i].local);
    struct next_hops hops = next_hops_choose(list, &local, service, 2);
    ck_assert_str_eq(text_of(&hops.ipv4), sessions[_i].ipv4);
    ck_assert_str_eq(text_of(&hops.ipv6), sessions[_i].ipv6);
    ck_assert(hops.ipv6.link_local == sessions[_i].link_local);
    if (hops.ipv6.link_local)
        ck_assert_mem_eq(hops.ipv6.octets + 16, &local.in6.sin6_addr, 16);
}
END_TEST

#define ROUTE_HEAD "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

static const struct {
    const char *text;
    const char *gateway; /* NULL: none */
} ipv4_tables[] = {
    {"", NULL},
    {ROUTE_HEAD, NULL},
    {ROUTE_HEAD "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", NULL},
    {ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "192.0.2.1"},
    {ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                "eth1\t00000000\t016433C6\t0003\t0\t0\t50\t00000000\t0\t0\t0\n",
     "198.51.100.1"},
    {ROUTE_HEAD "eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", NULL},
    {ROUTE_HEAD "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", NULL},
    {ROUTE_HEAD "garbage\n", NULL},
};

START_TEST(gateway_ipv4)
{
    union settings_address gateway = {0};
    bool found = gateway_read_ipv4(ipv4_tables[_i].text, &gateway);
    ck_assert(found == (ipv4_tables[_i].gateway != NULL));
    if (found)
        ck_assert_uint_eq(gateway.in4.sin_addr.s_addr, address(ipv4_tables[_i].gateway).in4.sin_addr.s_addr);
}
END_TEST

#define ZERO "00000000000000000000000000000000"

static const struct {
    const char *text;
    const char *gateway;
} ipv6_tables[] = {
    {"", NULL},
    {ZERO " 00 " ZERO " 00 20010db8000100000000000000000001 00000400 00000001 00000000 00000003     eth0\n",
     "2001:db8:1::1"},
    {ZERO " 00 " ZERO " 00 " ZERO " ffffffff 00000001 00000000 00200200       lo\n", NULL},
    {"20010db8000100000000000000000000 40 " ZERO " 00 " ZERO
     " 00000100 00000001 00000000 00000001     eth0\n",
     NULL},
    {ZERO " 00 " ZERO
          " 00 20010db8000100000000000000000001 00000400 00000001 00000000 00000003     eth0\n" ZERO
          " 00 " ZERO " 00 fe800000000000000000000000000001 00000100 00000001 00000000 00000003       lo\n",
     "fe80::1"},
    {"nonsense\n", NULL},
    {ZERO " 00 " ZERO " 00 zz010db8000100000000000000000001 00000400 00000001 00000000 00000003     eth0\n",
     NULL},
};

START_TEST(gateway_ipv6)
{
    union settings_address gateway = {0};
    bool found = gateway_read_ipv6(ipv6_tables[_i].text, &gateway);
    ck_assert(found == (ipv6_tables[_i].gateway != NULL));
    if (!found)
        return;
    union settings_address expected = address(ipv6_tables[_i].gateway);
    ck_assert_mem_eq(&gateway.in6.sin6_addr, &expected.in6.sin6_addr, 16);
    ck_assert((gateway.in6.sin6_scope_id != 0) == (gateway.in6.sin6_addr.s6_addr[0] == 0xfe));
}
END_TEST

static const struct {
    const char *address;
    unsigned bits;
    bool inside;
} insides[] = {
    {"203.0.113.53", 24, true},  {"203.0.112.255", 24, false}, {"203.0.112.255", 23, true},
    {"203.0.113.127", 25, true}, {"203.0.113.128", 25, false}, {"0.0.0.0", 0, true},
    {"203.0.113.0", 32, true},   {"203.0.113.1", 32, false},   {"2001:db8::", 24, false},
    {"203.0.113.0", 33, false},
};

START_TEST(inside_a_prefix)
{
    struct settings_prefix prefix = {
        .family = AF_INET, .bits = (uint8_t)insides[_i].bits, .octets = {203, 0, 113}};
    union settings_address a = address(insides[_i].address);
    const uint8_t *octets =
        a.sa.sa_family == AF_INET ? (const uint8_t *)&a.in4.sin_addr : a.in6.sin6_addr.s6_addr;
    if (prefix.bits < 24)
        prefix.octets[2] &= (uint8_t)(0xff00 >> (prefix.bits % 8));
    ck_assert(prefix_contains(&prefix, (uint8_t)a.sa.sa_family, octets) == insides[_i].inside);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/next_hop");
    TCase *tests = tcase_create("next_hop");
    tcase_add_loop_test(tests, next_hops_of_a_session, 0, sizeof sessions / sizeof sessions[0]);
    tcase_add_loop_test(tests, gateway_ipv4, 0, sizeof ipv4_tables / sizeof ipv4_tables[0]);
    tcase_add_loop_test(tests, gateway_ipv6, 0, sizeof ipv6_tables / sizeof ipv6_tables[0]);
    tcase_add_loop_test(tests, inside_a_prefix, 0, sizeof insides / sizeof insides[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
