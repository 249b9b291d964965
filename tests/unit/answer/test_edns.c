/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an OPT record's options make of a query, as tables of bytes.
 */
#include "answer/edns.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NSID      "\0\3\0\0"
#define COOKIE    "\0\12\0\10ABCDEFGH"
#define OTHER     "\0\12\0\10abcdefgh"
#define BAD       "\0\12\0\3abc"
#define KEEPALIVE "\0\13\0\0"
#define VERSION   "\0\23\0\0"
#define UNKNOWN   "\375\351\0\2xy"
#define BYTES(s)  (const uint8_t *)(s), sizeof(s) - 1

static const struct {
    const uint8_t *options;
    size_t octets;
    bool well; /* else malformed */
    bool nsid, keepalive, zoneversion;
    const char *cookie; /* its first octets; NULL: none */
} cases[] = {
    {BYTES(""), true, false, false, false, NULL},
    {BYTES(NSID), true, true, false, false, NULL},
    {BYTES(UNKNOWN NSID), true, true, false, false, NULL},
    {BYTES(COOKIE), true, false, false, false, "ABCDEFGH"},
    /* Only the first of several counts, whatever the others are (RFC 7873 5.2). */
    {BYTES(COOKIE OTHER), true, false, false, false, "ABCDEFGH"},
    {BYTES(COOKIE BAD), true, false, false, false, "ABCDEFGH"},
    {BYTES(BAD), false, false, false, false, NULL},
    {BYTES(BAD COOKIE), false, false, false, false, NULL},
    {BYTES(KEEPALIVE VERSION), true, false, true, true, NULL},
    /* A timeout is the server's to say: one from a client is passed over (RFC 7828 3.2). */
    {BYTES("\0\13\0\2\0\1"), true, false, false, false, NULL},
    {BYTES("\0\23\0\1x"), false, false, false, false, NULL},
    {BYTES("\0\3\0"), false, false, false, false, NULL},
    {BYTES("\0\3\0\1"), false, false, false, false, NULL},
};

START_TEST(options_are_taken)
{
    struct edns edns;
    edns_none(&edns);
    bool well = edns_take(&edns, 1232, 0, reader_of(cases[_i].options, cases[_i].octets));
    ck_assert(well == cases[_i].well);
    if (!well)
        return;
    ck_assert(edns.present && !edns.dnssec_ok && !edns.bad_version);
    ck_assert(edns.wants_nsid == cases[_i].nsid);
    ck_assert(edns.wants_keepalive == cases[_i].keepalive);
    ck_assert(edns.wants_zoneversion == cases[_i].zoneversion);
    ck_assert_uint_eq(edns.cookie_octets, cases[_i].cookie != NULL ? 8 : 0);
    if (cases[_i].cookie != NULL)
        ck_assert_mem_eq(edns.cookie, cases[_i].cookie, 8);
}
END_TEST

START_TEST(fixed_part_is_taken)
{
    struct edns edns;
    edns_none(&edns);
    ck_assert_uint_eq(edns.udp_octets, 512);
    ck_assert(edns_take(&edns, 100, 0x8000, reader_of((const uint8_t *)"", 0)));
    ck_assert_uint_eq(edns.udp_octets, 512);
    ck_assert(edns.dnssec_ok);
    ck_assert(edns_take(&edns, 4096, 1 << 16, reader_of((const uint8_t *)"\0", 1)));
    ck_assert(edns.bad_version); /* and what options are in another version isn't known */
    ck_assert_uint_eq(edns.udp_octets, 4096);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answer/edns");
    TCase *tests = tcase_create("edns");
    tcase_add_loop_test(tests, options_are_taken, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, fixed_part_is_taken);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
