/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp_frame.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *what;
    uint8_t bytes[40];
    size_t octets;
    enum tcp_frame_result result;
    size_t message; /* octets */
    size_t needed;
} streams[] = {
    {"nothing", {0}, 0, TCP_FRAME_PARTIAL, 0, 2},
    {"half a prefix", {0}, 1, TCP_FRAME_PARTIAL, 0, 2},
    {"a prefix alone", {0, 12}, 2, TCP_FRAME_PARTIAL, 0, 14},
    {"one octet short", {0, 12}, 13, TCP_FRAME_PARTIAL, 0, 14},
    {"whole", {0, 12}, 14, TCP_FRAME_MESSAGE, 12, 14},
    {"whole, and more behind it", {0, 13}, 40, TCP_FRAME_MESSAGE, 13, 15},
    {"the longest that can be", {255, 255}, 40, TCP_FRAME_PARTIAL, 0, 65537},
    {"no octets at all", {0, 0}, 40, TCP_FRAME_BROKEN, 0, 2},
    {"shorter than a header", {0, 11}, 40, TCP_FRAME_BROKEN, 0, 2},
    {"shorter than a header, before it is here", {0, 11}, 2, TCP_FRAME_BROKEN, 0, 2},
};

START_TEST(first_message)
{
    struct tcp_frame frame;
    struct reader stream = reader_of(streams[_i].bytes, streams[_i].octets);
    ck_assert_msg(tcp_frame_next(&stream, &frame) == streams[_i].result, "%s", streams[_i].what);
    ck_assert_uint_eq(frame.octets, streams[_i].message);
    ck_assert_uint_eq(frame.needed, streams[_i].needed);
    bool whole = streams[_i].result == TCP_FRAME_MESSAGE;
    ck_assert_uint_eq(reader_offset(&stream), whole ? streams[_i].needed : 0);
    if (whole)
        ck_assert_ptr_eq(frame.message, streams[_i].bytes + 2);
}
END_TEST

/* Three messages of 12, 300 and 65535 octets: the same come out, however the stream is cut. */
START_TEST(row_of_messages)
{
    static const size_t lengths[] = {12, 300, 65535};
    static uint8_t bytes[2 + 12 + 2 + 300 + 2 + 65535];
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        bytes[at] = (uint8_t)(lengths[i] >> 8);
        bytes[at + 1] = (uint8_t)lengths[i];
        memset(bytes + at + 2, (int)i + 1, lengths[i]);
        at += 2 + lengths[i];
    }
    for (size_t have = 0; have <= sizeof bytes; have += have < 400 ? 1 : 997) {
        struct reader stream = reader_of(bytes, have);
        struct tcp_frame frame;
        size_t count = 0;
        size_t used = 0;
        while (count < 3 && tcp_frame_next(&stream, &frame) == TCP_FRAME_MESSAGE) {
            ck_assert_uint_eq(frame.octets, lengths[count]);
            ck_assert_uint_eq(frame.message[0], count + 1);
            ck_assert_uint_eq(frame.message[frame.octets - 1], count + 1);
            used += 2 + lengths[count];
            count++;
        }
        ck_assert_uint_eq(reader_offset(&stream), used);
        ck_assert_int_eq((int)count, (have >= 14) + (have >= 316) + (have >= sizeof bytes));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/tcp_frame");
    TCase *tests = tcase_create("frame");
    tcase_add_loop_test(tests, first_message, 0, sizeof streams / sizeof streams[0]);
    tcase_add_test(tests, row_of_messages);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
