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

START_TEST(descriptors_come_with_news)
{
    int pipe_ends[2];
    int got[CHANNEL_MAX_FDS];
    int many[CHANNEL_MAX_FDS + 1];
    size_t count = 7;
    ck_assert_int_eq(pipe(pipe_ends), 0);
    for (size_t i = 0; i <= CHANNEL_MAX_FDS; i++)
        many[i] = pipe_ends[1];
    ck_assert_int_eq(channel_send_fds(ends[0], CHANNEL_IMAGES, many, CHANNEL_MAX_FDS + 1), -E2BIG);
    ck_assert_int_eq(channel_send_fds(ends[0], CHANNEL_IMAGES, many, CHANNEL_MAX_FDS), 0);
    ck_assert_int_eq(channel_send_fds(ends[0], CHANNEL_IMAGES, NULL, 0), 0);
    ck_assert_int_eq(channel_receive_fds(ends[1], &message, got, &count), 1);
    ck_assert_uint_eq(message.id, CHANNEL_NEWS);
    ck_assert_str_eq(message.text, CHANNEL_IMAGES);
    ck_assert_uint_eq(count, CHANNEL_MAX_FDS);
    ck_assert_int_eq(write(got[CHANNEL_MAX_FDS - 1], "x", 1), 1);
    for (size_t i = 0; i < count; i++)
        close(got[i]);
    ck_assert_int_eq(channel_receive_fds(ends[1], &message, got, &count), 1);
    ck_assert_uint_eq(count, 0);
    /* Who doesn't ask for them isn't left with them. */
    ck_assert_int_eq(channel_send_fds(ends[0], CHANNEL_IMAGES, many, 2), 0);
    close(pipe_ends[1]);
    char octets[2];
    ck_assert_int_eq(channel_receive(ends[1], &message), 1);
    ck_assert_int_eq(read(pipe_ends[0], octets, 2), 1);
    ck_assert_int_eq(read(pipe_ends[0], octets, 2), 0);
    close(pipe_ends[0]);
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
    tcase_add_test(tests, descriptors_come_with_news);
    tcase_add_test(tests, the_end_is_told);
    tcase_add_test(tests, a_peer_that_does_not_read_blocks_nobody);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
