/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BIRD's replies, whole, in pieces and broken.
 */
#include "announce/backend_bird.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "2002-Name       Proto      Table      State  Since         Info\n"

static const struct {
    const char *text;
    enum bird_read read;
    unsigned code;
} replies[] = {
    {"0001 BIRD 2.0.12 ready.\n", BIRD_READ_DONE, 1},
    {"0011-hither4: enabled\n0000 \n", BIRD_READ_DONE, 11},
    {"8003 No protocols match\n", BIRD_READ_DONE, 8003},
    {"9001 syntax error, unexpected CF_SYM_UNDEFINED\n", BIRD_READ_DONE, 9001},
    {"1007-Table master4:\n 203.0.113.0/24  blackhole [hither4 02:41:58] * (200)\n0000 \n", BIRD_READ_DONE,
     1007},
    {"+echo of a log line\n0008-hither4: already disabled\n0000 \n", BIRD_READ_DONE, 8},
    {"0000 \n", BIRD_READ_DONE, 0},
    {"", BIRD_READ_MORE, 0},
    {"0001 BIRD", BIRD_READ_MORE, 0},
    {"1007-Table master4:\n 203.0.113.0/24\n", BIRD_READ_MORE, 1007},
    {"HTTP/1.1 400 Bad Request\n", BIRD_READ_BROKEN, 0},
    {"\n", BIRD_READ_BROKEN, 0},
    {"000\n", BIRD_READ_BROKEN, 0},
    {"0001=x\n", BIRD_READ_BROKEN, 0},
};

START_TEST(replies_are_framed)
{
    struct bird_reply reply;
    size_t octets = strlen(replies[_i].text);
    ck_assert_int_eq(bird_reply_read(replies[_i].text, octets, &reply), replies[_i].read);
    ck_assert_uint_eq(reply.code, replies[_i].code);
    if (replies[_i].read == BIRD_READ_DONE)
        ck_assert_uint_eq(reply.octets, octets);
}
END_TEST

/* What has come of a reply is never the whole of it, and what follows it isn't part of it. */
START_TEST(replies_in_pieces)
{
    struct bird_reply reply;
    const char *text = replies[_i].text;
    size_t octets = strlen(text);
    char two[512];
    if (replies[_i].read != BIRD_READ_DONE)
        return;
    for (size_t i = 0; i < octets; i++)
        ck_assert_int_eq(bird_reply_read(text, i, &reply), BIRD_READ_MORE);
    (void)snprintf(two, sizeof two, "%s%s", text, "0001 BIRD\n");
    ck_assert_int_eq(bird_reply_read(two, strlen(two), &reply), BIRD_READ_DONE);
    ck_assert_uint_eq(reply.octets, octets);
}
END_TEST

static const struct {
    const char *text;
    const char *name;
    int state;
} states[] = {
    {HEAD "1002-hither4    Static     master4    up     02:41:58.870  \n0000 \n", "hither4", 1},
    {HEAD "1002-hither4    Static     master4    down   02:41:58.870  \n0000 \n", "hither4", 0},
    {HEAD "1002-hither4    Static     master4    flush  02:41:58.870  \n0000 \n", "hither4", -1},
    {HEAD "1002-hither4    Static     ---        up     02:41:58.870  \n0000 \n", "hither4", 1},
    {HEAD "1002-hither44   Static     master4    up     02:41:58.870  \n0000 \n", "hither4", -1},
    {HEAD "1002-hither4\n0000 \n", "hither4", -1},
    {"8003 No protocols match\n", "hither4", -1},
    {"9001 syntax error\n", "hither4", -1},
};

START_TEST(states_of_protocols)
{
    struct bird_reply reply;
    ck_assert_int_eq(bird_reply_read(states[_i].text, strlen(states[_i].text), &reply), BIRD_READ_DONE);
    ck_assert_int_eq(bird_protocol_state(&reply, states[_i].name), states[_i].state);
}
END_TEST

static const struct {
    const char *text;
    int there;
} routes[] = {
    {"1007-Table master4:\n 203.0.113.0/24  blackhole [hither4] * (200)\n0000 \n", 1},
    {"8001 Network not found\n", 0},
    {"0000 \n", 0},
    {"9001 syntax error, unexpected CF_SYM_UNDEFINED\n", -1},
    {"8007 Access denied\n", -1},
};

START_TEST(routes_in_the_table)
{
    struct bird_reply reply;
    ck_assert_int_eq(bird_reply_read(routes[_i].text, strlen(routes[_i].text), &reply), BIRD_READ_DONE);
    ck_assert_int_eq(bird_has_route(&reply), routes[_i].there);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/backend_bird");
    TCase *tests = tcase_create("replies");
    tcase_add_loop_test(tests, replies_are_framed, 0, sizeof replies / sizeof replies[0]);
    tcase_add_loop_test(tests, replies_in_pieces, 0, sizeof replies / sizeof replies[0]);
    tcase_add_loop_test(tests, states_of_protocols, 0, sizeof states / sizeof states[0]);
    tcase_add_loop_test(tests, routes_in_the_table, 0, sizeof routes / sizeof routes[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
