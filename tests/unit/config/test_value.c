/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/value.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

/* `expected` NULL: taken. Otherwise a part of the reason. */
struct value_case {
    const char *text;
    const char *expected;
};

static void expect(const struct value_case *c, bool taken, const struct value_why *why)
{
    if (c->expected == NULL)
        ck_assert_msg(taken, "%s refused: %s", c->text, why->text);
    else
        ck_assert_msg(!taken && strstr(why->text, c->expected) != NULL, "%s: %s, not '%s'", c->text,
                      taken ? "taken" : why->text, c->expected);
}

START_TEST(numbers)
{
    static const struct value_case cases[] = {
        {"1", NULL},
        {"64", NULL},
        {"007", NULL},
        {"0", "write 1 to 64"},
        {"65", "write 1 to 64"},
        {"", "not a whole number"},
        {"-1", "not a whole number"},
        {"1.5", "not a whole number"},
        {"0x10", "not a whole number"},
        {"5 ", "not a whole number"},
        {"18446744073709551617", "write 1 to 64"}, /* 2^64 + 1 */
        {"99999999999999999999999999999999999999", "write 1 to 64"},
    };
    struct value_why why;
    uint64_t number;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 12);
    expect(&cases[_i], value_number(cases[_i].text, 1, 64, &number, &why), &why);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        struct value_case c;
        uint64_t ms;
    } cases[] = {
        {{"500ms", NULL}, 500},
        {{"2s", NULL}, 2000},
        {{"1m", NULL}, 60000},
        {{"0", "write 50ms to 1m"}, 0},
        {{"500", "write 500ms or 500s"}, 0},
        {{"2 s", "not a duration"}, 0},
        {{"ms", "not a duration"}, 0},
        {{"1d", "not a duration"}, 0},
        {{"1h", "write 50ms to 1m"}, 0},
        {{"49ms", "write 50ms to 1m"}, 0},
        {{"18446744073709551616h", "write 50ms to 1m"}, 0},
        {{"5124095576030432h", "write 50ms to 1m"}, 0}, /* its milliseconds wrap around 2^64 */
    };
    struct value_why why;
    uint64_t ms = 0;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 12);
    expect(&cases[_i].c, value_duration(cases[_i].c.text, 50, 60000, &ms, &why), &why);
    if (cases[_i].c.expected == NULL)
        ck_assert_uint_eq(ms, cases[_i].ms);
}
END_TEST

START_TEST(durations_as_text)
{
    char text[32];
    ck_assert_str_eq(value_duration_to_text(0, text), "0ms");
    ck_assert_str_eq(value_duration_to_text(1500, text), "1500ms");
    ck_assert_str_eq(value_duration_to_text(60000, text), "1m");
    ck_assert_str_eq(value_duration_to_text(7200000, text), "2h");
}
END_TEST

START_TEST(addresses)
{
    static const struct value_case cases[] = {
        {"203.0.113.53@5353", NULL},
        {"203.0.113.53", NULL},
        {"2001:db8::53@5353", NULL},
        {"::1", NULL},
        {"203.0.113.53:53", "write 203.0.113.53@53"},
        {"[2001:db8::53]:53", "write 2001:db8::53@53"},
        {"2001:db8::53#53", "write 2001:db8::53@53"},
        {"203.0.113.53/32", "write 203.0.113.53"},
        {"203.0.113.256", "not an address"},
        {"example.com@53", "not an address"},
        {"", "not an address"},
        {"@53", "not an address"},
        {"203.0.113.53@", "not a port"},
        {"203.0.113.53@0", "not a port"},
        {"203.0.113.53@65536", "not a port"},
        {"203.0.113.53@5x", "not a port"},
        {"::ffff:203.0.113.53", "write the IPv4 address itself"},
        {"1111111111111111111111111111111111111111111111111111111111", "not an address"},
    };
    union settings_address address;
    struct value_why why;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 18);
    expect(&cases[_i], value_address(cases[_i].text, 53, &address, &why), &why);
}
END_TEST

START_TEST(address_content)
{
    char text[SETTINGS_ADDRESS_TEXT];
    union settings_address address;
    struct value_why why;
    ck_assert(value_address("2001:db8::53", 9153, &address, &why));
    ck_assert_int_eq(address.sa.sa_family, AF_INET6);
    ck_assert_uint_eq(settings_address_octets(&address), sizeof(struct sockaddr_in6));
    ck_assert_str_eq(settings_address_to_text(&address, text), "2001:db8::53@9153");
    ck_assert(value_address("192.0.2.1@1", 9153, &address, &why));
    ck_assert_uint_eq(settings_address_octets(&address), sizeof(struct sockaddr_in));
    ck_assert_str_eq(settings_address_to_text(&address, text), "192.0.2.1@1");
}
END_TEST

START_TEST(prefixes)
{
    static const struct value_case cases[] = {
        {"203.0.113.0/24", NULL},
        {"203.0.113.53/32", NULL},
        {"2001:db8:53::/48", NULL},
        {"2001:db8::1/128", NULL},
        {"128.0.0.0/1", NULL},
        {"203.0.113.53/24", "write 203.0.113.0/24"},
        {"203.0.113.255/25", "write 203.0.113.128/25"},
        {"2001:db8:53::1/47", "write 2001:db8:52::/47"},
        {"203.0.113.53", "write 203.0.113.53/32"},
        {"2001:db8::1", "write 2001:db8::1/128"},
        {"203.0.113.0/33", "write 1 to 32"},
        {"2001:db8::/129", "write 1 to 128"},
        {"203.0.113.0/", "write 1 to 32"},
        {"203.0.113.0/2a", "write 1 to 32"},
        {"0.0.0.0/0", "write a longer prefix"},
        {"203.0.113/24", "not a prefix"},
        {"", "not a prefix"},
    };
    struct settings_prefix prefix;
    struct value_why why;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 17);
    expect(&cases[_i], value_prefix(cases[_i].text, &prefix, &why), &why);
}
END_TEST

START_TEST(prefix_covers)
{
    static const struct {
        const char *prefix;
        const char *address;
        bool covers;
    } cases[] = {
        {"203.0.113.0/24", "203.0.113.255", true},    {"203.0.113.0/24", "203.0.112.255", false},
        {"203.0.113.0/25", "203.0.113.128", false},   {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false}, {"203.0.113.0/24", "cb00:7100::", false},
    };
    struct settings_prefix prefix;
    union settings_address address;
    struct value_why why;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 6);
    ck_assert(value_prefix(cases[_i].prefix, &prefix, &why));
    ck_assert(value_address(cases[_i].address, 53, &address, &why));
    ck_assert(value_prefix_covers(&prefix, &address) == cases[_i].covers);
}
END_TEST

START_TEST(as_numbers)
{
    static const struct value_case cases[] = {
        {"64512", NULL},       {"4294967294", NULL},    {"0", "write 1 to"},        {"23456", "reserved"},
        {"65535", "reserved"}, {"4294967295", "write"}, {"AS64512", "not a whole"},
    };
    uint32_t number;
    struct value_why why;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 7);
    expect(&cases[_i], value_as_number(cases[_i].text, &number, &why), &why);
}
END_TEST

START_TEST(identities)
{
    static const struct {
        const char *text;
        const char *identity; /* NULL: refused */
    } cases[] = {
        {"%h", "pop1"}, {"x-%h-%h", "x-pop1-pop1"}, {"100%%", "100%"}, {"", NULL}, {"%", NULL},
        {"%n", NULL},   {"caf\xc3\xa9", NULL},
    };
    struct value_why why;
    ck_assert_uint_eq(sizeof cases / sizeof cases[0], 7);
    char *identity = value_identity(cases[_i].text, "pop1", &why);
    ck_assert_pstr_eq(identity, cases[_i].identity);
    free(identity);
}
END_TEST

START_TEST(identity_length)
{
    char text[257];
    struct value_why why;
    memset(text, 'a', sizeof text);
    text[256] = '\0';
    ck_assert_ptr_null(value_identity(text, "pop1", &why));
    text[255] = '\0';
    char *identity = value_identity(text, "pop1", &why);
    ck_assert_str_eq(identity, text);
    free(identity);
}
END_TEST

START_TEST(communities)
{
    uint32_t community = 0;
    struct settings_large_community large = {0};
    struct value_why why;
    ck_assert(value_community("64512:100", &community, &why));
    ck_assert_uint_eq(community, 64512U << 16 | 100);
    ck_assert(!value_community("64512", &community, &why));
    ck_assert(!value_community("65536:1", &community, &why));
    ck_assert(!value_community("1:2:3", &community, &why));
    ck_assert(!value_community("1:", &community, &why));
    ck_assert(value_large_community("4294967295:2:3", &large, &why));
    ck_assert_uint_eq(large.global, UINT32_MAX);
    ck_assert_uint_eq(large.local_2, 3);
    ck_assert(!value_large_community("1:2", &large, &why));
    ck_assert(!value_large_community("1:2:4294967296", &large, &why));
}
END_TEST

START_TEST(paths)
{
    struct value_why why;
    char *path = value_path("a.zone", "/etc/hither", &why);
    ck_assert_str_eq(path, "/etc/hither/a.zone");
    free(path);
    path = value_path("/a.zone", "/etc/hither", &why);
    ck_assert_str_eq(path, "/a.zone");
    free(path);
    path = value_path("a.zone", "/", &why);
    ck_assert_str_eq(path, "/a.zone");
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/value");
    TCase *tc = tcase_create("values");
    tcase_add_loop_test(tc, numbers, 0, 12);
    tcase_add_loop_test(tc, durations, 0, 12);
    tcase_add_test(tc, durations_as_text);
    tcase_add_loop_test(tc, addresses, 0, 18);
    tcase_add_test(tc, address_content);
    tcase_add_loop_test(tc, prefixes, 0, 17);
    tcase_add_loop_test(tc, prefix_covers, 0, 6);
    tcase_add_loop_test(tc, as_numbers, 0, 7);
    tcase_add_loop_test(tc, identities, 0, 7);
    tcase_add_test(tc, identity_length);
    tcase_add_test(tc, communities);
    tcase_add_test(tc, paths);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
