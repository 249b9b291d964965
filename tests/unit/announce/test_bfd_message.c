/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A whole packet: version 1, Up, multiplier 3, 24 octets, discriminators 1 and 2, 100 ms, 200 ms, no echo. */
static const uint8_t good[BFD_PACKET_OCTETS] = {0x20, 0xc0, 3,    24,   0, 0, 0,    1,    0, 0, 0, 2,
                                                0,    1,    0x86, 0xa0, 0, 3, 0x0d, 0x40, 0, 0, 0, 0};

START_TEST(reads_every_field)
{
    struct bfd_packet p;
    ck_assert(bfd_read(good, sizeof good, &p));
    ck_assert_int_eq(p.state, BFD_UP);
    ck_assert_uint_eq(p.diagnostic, 0);
    ck_assert(!p.poll && !p.final && !p.demand);
    ck_assert_uint_eq(p.multiplier, 3);
    ck_assert_uint_eq(p.my_discriminator, 1);
    ck_assert_uint_eq(p.your_discriminator, 2);
    ck_assert_uint_eq(p.desired_tx_us, 100000);
    ck_assert_uint_eq(p.required_rx_us, 200000);
}
END_TEST

/* One octet of the good packet made another: RFC 5880 6.8.6. */
static const struct {
    const char *what;
    size_t at;
    uint8_t octet;
    bool taken;
} changed[] = {
    {"version 0", 0, 0x00, false},
    {"version 2", 0, 0x40, false},
    {"version 7", 0, 0xe0, false},
    {"any diagnostic", 0, 0x3f, true},
    {"poll", 1, 0xe0, true},
    {"final", 1, 0xd0, true},
    {"control plane independent", 1, 0xc8, true},
    {"authentication", 1, 0xc4, false},
    {"demand", 1, 0xc2, true},
    {"multipoint", 1, 0xc1, false},
    {"no multiplier", 2, 0, false},
    {"longest multiplier", 2, 255, true},
    {"no length", 3, 0, false},
    {"shorter than a packet", 3, 23, false},
    {"longer than the datagram", 3, 25, false},
    {"no discriminator", 7, 0, false},
    {"up without ours", 11, 0, false},
};

START_TEST(takes_and_refuses)
{
    uint8_t bytes[sizeof good];
    struct bfd_packet p;
    memcpy(bytes, good, sizeof bytes);
    bytes[changed[_i].at] = changed[_i].octet;
    ck_assert_msg(bfd_read(bytes, sizeof bytes, &p) == changed[_i].taken, "%s", changed[_i].what);
}
END_TEST

START_TEST(only_a_session_that_is_down_may_not_know_our_discriminator)
{
    static const bool may[] = {true, true, false, false};
    uint8_t bytes[sizeof good];
    struct bfd_packet p;
    memcpy(bytes, good, sizeof bytes);
    bytes[11] = 0;
    bytes[1] = (uint8_t)(_i << 6);
    ck_assert(bfd_read(bytes, sizeof bytes, &p) == may[_i]);
}
END_TEST

START_TEST(refuses_what_is_cut_off)
{
    struct bfd_packet p;
    for (size_t octets = 0; octets < sizeof good; octets++)
        ck_assert(!bfd_read(good, octets, &p));
}
END_TEST

START_TEST(takes_octets_after_the_packet)
{
    uint8_t bytes[sizeof good + 8] = {0};
    struct bfd_packet p;
    memcpy(bytes, good, sizeof good);
    ck_assert(bfd_read(bytes, sizeof bytes, &p));
}
END_TEST

START_TEST(writes_what_it_reads)
{
    uint8_t bytes[BFD_PACKET_OCTETS];
    struct bfd_packet p;
    struct writer to = writer_to(bytes, sizeof bytes);
    ck_assert(bfd_read(good, sizeof good, &p));
    bfd_write(&to, &p);
    ck_assert(!to.failed);
    ck_assert_mem_eq(bytes, good, sizeof good);
}
END_TEST

START_TEST(writes_flags_and_diagnostics)
{
    uint8_t bytes[BFD_PACKET_OCTETS];
    const struct bfd_packet wanted = {.diagnostic = 7,
                                      .state = (enum bfd_state)(_i >> 3),
                                      .poll = (_i & 1) != 0,
                                      .final = (_i & 2) != 0,
                                      .demand = (_i & 4) != 0,
                                      .multiplier = 5,
                                      .my_discriminator = 0xfedcba98,
                                      .your_discriminator = 0x01234567,
                                      .desired_tx_us = UINT32_MAX};
    struct bfd_packet p;
    struct writer to = writer_to(bytes, sizeof bytes);
    bfd_write(&to, &wanted);
    ck_assert(bfd_read(bytes, writer_offset(&to), &p));
    ck_assert_int_eq(p.state, wanted.state);
    ck_assert(p.poll == wanted.poll && p.final == wanted.final && p.demand == wanted.demand);
    ck_assert_uint_eq(p.diagnostic, 7);
    ck_assert_uint_eq(p.my_discriminator, wanted.my_discriminator);
    ck_assert_uint_eq(p.your_discriminator, wanted.your_discriminator);
    ck_assert_uint_eq(p.desired_tx_us, wanted.desired_tx_us);
    ck_assert_uint_eq(p.required_rx_us, 0);
}
END_TEST

START_TEST(does_not_write_past_the_end)
{
    uint8_t bytes[BFD_PACKET_OCTETS] = {0};
    struct bfd_packet p;
    struct writer to = writer_to(bytes, sizeof bytes - 1);
    ck_assert(bfd_read(good, sizeof good, &p));
    bfd_write(&to, &p);
    ck_assert(to.failed);
}
END_TEST

START_TEST(every_diagnostic_has_a_name)
{
    for (unsigned i = 0; i < 256; i++)
        ck_assert_uint_gt(strlen(bfd_diagnostic_name((uint8_t)i)), 0);
    ck_assert_str_eq(bfd_diagnostic_name(BFD_DIAG_ADMIN_DOWN), "administratively down");
    ck_assert_str_eq(bfd_diagnostic_name(9), "unknown diagnostic");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/bfd_message");
    TCase *tests = tcase_create("bfd_message");
    tcase_add_test(tests, reads_every_field);
    tcase_add_loop_test(tests, takes_and_refuses, 0, sizeof changed / sizeof changed[0]);
    tcase_add_loop_test(tests, only_a_session_that_is_down_may_not_know_our_discriminator, 0, 4);
    tcase_add_test(tests, refuses_what_is_cut_off);
    tcase_add_test(tests, takes_octets_after_the_packet);
    tcase_add_test(tests, writes_what_it_reads);
    tcase_add_loop_test(tests, writes_flags_and_diagnostics, 0, 32);
    tcase_add_test(tests, does_not_write_past_the_end);
    tcase_add_test(tests, every_diagnostic_has_a_name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
