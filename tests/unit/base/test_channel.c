/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/channel.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static struct channel_message message;

static void open_both(void)
{
    ck_assert_int_eq(channel_open(ends), 0);
}

static void close_both(void)
{
    close(ends[0]);
    close(ends[1]);
}

START_TEST(messages_keep_their_bounds)
{
    ck_assert_int_eq(channel_receive(ends[1], &message), 0);
    ck_assert_int_eq(channel_send(ends[0], 1, "reload", 6), 0);
    ck_assert_int_eq(channel_send(ends[0], 0xfffffffe, "", 0), 0);
    ck_assert_int_eq(channel_receive(ends[1], &message), 1);
    ck_assert_uint_eq(message.id, 1);
    ck_assert_str_eq(message.text, "reload");
    ck_assert_int_eq(channel_receive(ends[1], &message), 1);
    ck_assert_uint_eq(message.id, 0xfffffffe);
    ck_assert_uint_eq(message.octets, 0);
    ck_assert_int_eq(channel_receive(ends[1], &message), 0);
}
END_TEST

START_TEST(too_long_a_text_is_cut)
{
    static char text[CHANNEL_TEXT_OCTETS + 100];
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(channel_send(ends[0], 3, text, sizeof text), 0);
    ck_assert_int_eq(channel_receive(ends[1], &message), 1);
    ck_assert_uint_eq(message.octets, CHANNEL_TEXT_OCTETS - 1);
    ck_assert_uint_eq(strlen(message.text), CHANNEL_TEXT_OCTETS - 1);
}
END_TEST

START_TEST(what_is_malformed_is_skipped)
{
    ck_assert_int_eq(send(ends[0], "x", 1, 0), 1);
    ck_assert_int_eq(channel_send(ends[0], 4, "stop", 4), 0);
    ck_assert_int_eq(channel_receive(ends[1], &message), 1);
    ck_assert_str_eq(message.text, "stop");
}
END_TEST

START_TEST(the_end_is_told)
{
    int gone[2];
    ck_assert_int_eq(channel_open(gone), 0);
    close(gone[0]);
    ck_assert_int_eq(channel_receive(gone[1], &message), -ECONNRESET);
    ck_assert_int_lt(channel_send(gone[1], 5, "x", 1), 0);
    close(gone[1]);
}
END_TEST

START_TEST(a_peer_that_does_not_read_blocks_nobody)
{
    static char text[CHANNEL_TEXT_OCTETS];
    int error = 0;
    for (unsigned i = 0; i < 10000 && error == 0; i++)
        error = channel_send(ends[0], i, text, sizeof text);
    ck_assert_int_eq(error, -EAGAIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/channel");
    TCase *tests = tcase_create("channel");
    tcase_add_checked_fixture(tests, open_both, close_both);
    tcase_add_test(tests, messages_keep_their_bounds);
    tcase_add_test(tests, too_long_a_text_is_cut);
    tcase_add_test(tests, what_is_malformed_is_skipped);
    tcase_add_test(tests, the_end_is_told);
    tcase_add_test(tests, a_peer_that_does_not_read_blocks_nobody);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
