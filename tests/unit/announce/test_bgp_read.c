/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bgp_read.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MARK "ffffffffffffffffffffffffffffffff"

/* Hexadecimal text, spaces allowed, into bytes. Octets. */
static size_t from_hex(uint8_t *bytes, const char *hex)
{
    size_t octets = 0;
    while (*hex != '\0') {
        char pair[3] = {hex[0], hex[1], '\0'};
        if (hex[0] == ' ') {
            hex++;
            continue;
        }
        bytes[octets++] = (uint8_t)strtoul(pair, NULL, 16);
        hex += 2;
    }
    return octets;
}

/* What is wrong with a message, and the NOTIFICATION that is due (RFC 4271 6). */
static const struct {
    const char *what;
    const char *hex;
    uint8_t code, subcode;
    const char *data;
} bad[] = {
    {"marker", "fffffffffffffffffffffffffffffffe 0013 04", 1, 1, ""},
    {"text", "474554202f20485454502f312e310d0a0d0a00", 1, 1, ""},
    {"length below a header", MARK "0012 04", 1, 2, "0012"},
    {"length above 4096", MARK "1001 02", 1, 2, "1001"},
    {"keepalive with a body", MARK "0014 04 00", 1, 2, "0014"},
    {"short OPEN", MARK "001c 01 04 fc00 0009 0a000001", 1, 2, "001c"},
    {"short UPDATE", MARK "0016 02 000000", 1, 2, "0016"},
    {"short NOTIFICATION", MARK "0014 03 06", 1, 2, "0014"},
    {"short refresh", MARK "0016 05 000100", 1, 2, "0016"},
    {"long refresh", MARK "0018 05 00010001 00", 1, 2, "0018"},
    {"type 0", MARK "0013 00", 1, 3, "00"},
    {"type 6", MARK "0013 06", 1, 3, "06"},
    {"version 3", MARK "001d 01 03 fc00 0009 0a000001 00", 2, 1, "0004"},
    {"parameters longer than the message", MARK "001d 01 04 fc00 0009 0a000001 05", 2, 0, ""},
    {"bytes after the parameters", MARK "001e 01 04 fc00 0009 0a000001 00 00", 2, 0, ""},
    {"parameter cut off", MARK "001f 01 04 fc00 0009 0a000001 02 0204", 2, 0, ""},
    {"parameter that isn't capabilities", MARK "001f 01 04 fc00 0009 0a000001 02 0100", 2, 4, ""},
    {"capability cut off", MARK "0021 01 04 fc00 0009 0a000001 04 0202 4104", 2, 0, ""},
    {"extended parameter cut off", MARK "0023 01 04 fc00 0009 0a000001 ff ff 0003 02 0004", 2, 0, ""},
};

START_TEST(bad_messages)
{
    uint8_t bytes[256];
    uint8_t data[16];
    struct bgp_message message;
    size_t octets = from_hex(bytes, bad[_i].hex);
    size_t data_octets = from_hex(data, bad[_i].data);
    ck_assert_msg(bgp_read(bytes, octets, &message) == BGP_READ_BAD, "%s", bad[_i].what);
    ck_assert_msg(message.error.code == bad[_i].code && message.error.subcode == bad[_i].subcode, "%s: %u/%u",
                  bad[_i].what, message.error.code, message.error.subcode);
    ck_assert_uint_eq(message.error.data_octets, data_octets);
    ck_assert_mem_eq(message.error.data, data, data_octets);
}
END_TEST

#define OPEN_HEAD "01 04 fc00 005a 0a000001 "

static const struct {
    const char *hex;
    struct bgp_open open;
} opens[] = {
    /* No capabilities: IPv4 alone, as before RFC 4760. */
    {MARK "001d" OPEN_HEAD "00", {.as = 64512, .hold_time_s = 90, .families = BGP_IPV4}},
    /* All in one parameter. */
    {MARK "003f" OPEN_HEAD
          "22 02 20 0104 00010001 0104 00020001 0200 4104 00010002 4602 0000 0506 000100010002",
     {.as = 65538,
      .hold_time_s = 90,
      .families = BGP_IPV4 | BGP_IPV6,
      .four_octet_as = true,
      .route_refresh = true,
      .ipv4_over_ipv6 = true}},
    /* One parameter each; multicast isn't ours, and a two-octet AS capability is no four-octet one. */
    {MARK "0033" OPEN_HEAD "16 0206 0104 00010002 0206 0104 00020001 0204 4102 0001",
     {.as = 64512, .hold_time_s = 90, .families = BGP_IPV6}},
};

START_TEST(open_is_read)
{
    uint8_t bytes[256];
    struct bgp_message message;
    size_t octets = from_hex(bytes, opens[_i].hex);
    const struct bgp_open *open = &opens[_i].open;
    ck_assert_uint_eq(octets, (size_t)bytes[16] << 8 | bytes[17]);
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_MESSAGE);
    ck_assert_int_eq(message.type, BGP_OPEN);
    ck_assert_uint_eq(message.octets, octets);
    ck_assert_uint_eq(message.open.as, open->as);
    ck_assert_uint_eq(message.open.hold_time_s, open->hold_time_s);
    ck_assert_uint_eq(message.open.identifier, 0x0a000001);
    ck_assert_uint_eq(message.open.families, open->families);
    ck_assert(message.open.four_octet_as == open->four_octet_as);
    ck_assert(message.open.route_refresh == open->route_refresh);
    ck_assert(message.open.ipv4_over_ipv6 == open->ipv4_over_ipv6);
}
END_TEST

START_TEST(open_with_extended_parameters)
{
    uint8_t bytes[256];
    struct bgp_message message;
    size_t octets = from_hex(bytes, MARK "0029" OPEN_HEAD "ff ff 0009 02 0006 0104 00020001");
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_MESSAGE);
    ck_assert_uint_eq(message.open.families, BGP_IPV6);
}
END_TEST

START_TEST(whole_messages_only)
{
    uint8_t bytes[256];
    struct bgp_message message;
    size_t octets = from_hex(bytes, MARK "0017 02 0000 0000" MARK "0013 04");
    for (size_t i = 0; i < 23; i++)
        ck_assert_int_eq(bgp_read(bytes, i, &message), BGP_READ_MORE);
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_MESSAGE);
    ck_assert_int_eq(message.type, BGP_UPDATE);
    ck_assert_int_eq(bgp_read(bytes + 23, octets - 23, &message), BGP_READ_MESSAGE);
    ck_assert_int_eq(message.type, BGP_KEEPALIVE);
}
END_TEST

/* A length that lies is seen before the body has come. */
START_TEST(bad_header_is_seen_at_once)
{
    uint8_t bytes[256];
    struct bgp_message message;
    size_t octets = from_hex(bytes, MARK "ffff 02");
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_BAD);
}
END_TEST

START_TEST(notification_is_kept_as_far_as_it_fits)
{
    static uint8_t bytes[BGP_MESSAGE_OCTETS];
    struct bgp_message message;
    memset(bytes, 0xff, sizeof bytes);
    bytes[16] = BGP_MESSAGE_OCTETS >> 8;
    bytes[17] = BGP_MESSAGE_OCTETS & 0xff;
    bytes[18] = BGP_NOTIFICATION;
    bytes[19] = 6;
    bytes[20] = 2;
    ck_assert_int_eq(bgp_read(bytes, sizeof bytes, &message), BGP_READ_MESSAGE);
    ck_assert_uint_eq(message.error.code, 6);
    ck_assert_uint_eq(message.error.data_octets, sizeof message.error.data);
}
END_TEST

static const struct {
    const char *hex;
    uint8_t family;
} refreshes[] = {
    {MARK "0017 05 00010001", BGP_IPV4}, {MARK "0017 05 00020001", BGP_IPV6},
    {MARK "0017 05 00010002", 0}, /* multicast */
    {MARK "0017 05 00010101", 0}, /* begin of a refresh (RFC 7313), which wasn't agreed */
    {MARK "0017 05 40040047", 0},
};

START_TEST(refresh)
{
    uint8_t bytes[64];
    struct bgp_message message;
    size_t octets = from_hex(bytes, refreshes[_i].hex);
    ck_assert_int_eq(bgp_read(bytes, octets, &message), BGP_READ_MESSAGE);
    ck_assert_uint_eq(message.refresh, refreshes[_i].family);
}
END_TEST

#define BOTH (BGP_IPV4 | BGP_IPV6)

static const struct {
    const char *what;
    struct bgp_open open;
    struct bgp_demand demand;
    uint8_t subcode; /* 0: accepted */
} checks[] = {
    {"good", {64500, 9, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 0},
    {"one family in common", {64500, 9, 1, BGP_IPV4, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 0},
    {"other AS", {64501, 9, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 2},
    {"AS 0", {0, 9, 1, BOTH, true, true, false, 0}, {64512, 0, 2, BOTH, 0}, 2},
    {"identifier 0", {64500, 9, 0, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 3},
    {"our identifier, same AS", {64512, 9, 2, BOTH, true, true, false, 0}, {64512, 64512, 2, BOTH, 0}, 3},
    {"our identifier, other AS", {64500, 9, 2, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 0},
    {"hold time 0", {64500, 0, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 6},
    {"hold time 1", {64500, 1, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 6},
    {"hold time 2", {64500, 2, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 6},
    {"hold time 3", {64500, 3, 1, BOTH, true, true, false, 0}, {64512, 64500, 2, BOTH, 0}, 0},
    {"no family in common", {64500, 9, 1, BGP_IPV4, true, true, false, 0}, {64512, 64500, 2, BGP_IPV6, 0}, 7},
    {"roles that fit",
     {64500, 9, 1, BOTH, true, true, false, ROLE_PROVIDER},
     {64512, 64500, 2, BOTH, ROLE_CUSTOMER},
     0},
    {"two customers",
     {64500, 9, 1, BOTH, true, true, false, ROLE_CUSTOMER},
     {64512, 64500, 2, BOTH, ROLE_CUSTOMER},
     11},
    {"peer and provider",
     {64500, 9, 1, BOTH, true, true, false, ROLE_PROVIDER},
     {64512, 64500, 2, BOTH, ROLE_PEER},
     11},
    {"role unsaid",
     {64500, 9, 1, BOTH, true, true, false, ROLE_UNSAID},
     {64512, 64500, 2, BOTH, ROLE_CUSTOMER},
     0},
};

START_TEST(open_is_checked)
{
    struct bgp_error error = {0};
    bool good = bgp_open_check(&checks[_i].open, &checks[_i].demand, &error);
    ck_assert_msg(good == (checks[_i].subcode == 0), "%s", checks[_i].what);
    ck_assert_msg(error.subcode == checks[_i].subcode, "%s: %u", checks[_i].what, error.subcode);
    ck_assert_uint_eq(error.code, good ? 0 : BGP_ERROR_OPEN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/bgp_read");
    TCase *tests = tcase_create("bgp_read");
    tcase_add_loop_test(tests, bad_messages, 0, sizeof bad / sizeof bad[0]);
    tcase_add_loop_test(tests, open_is_read, 0, sizeof opens / sizeof opens[0]);
    tcase_add_test(tests, open_with_extended_parameters);
    tcase_add_test(tests, whole_messages_only);
    tcase_add_test(tests, bad_header_is_seen_at_once);
    tcase_add_test(tests, notification_is_kept_as_far_as_it_fits);
    tcase_add_loop_test(tests, refresh, 0, sizeof refreshes / sizeof refreshes[0]);
    tcase_add_loop_test(tests, open_is_checked, 0, sizeof checks / sizeof checks[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
