/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/pktinfo.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(needed_for_wildcards_alone)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    ck_assert(pktinfo_is_needed((struct sockaddr *)&in4));
    ck_assert(pktinfo_is_needed((struct sockaddr *)&in6));
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in6.sin6_addr.s6_addr[15] = 1;
    ck_assert(!pktinfo_is_needed((struct sockaddr *)&in4));
    ck_assert(!pktinfo_is_needed((struct sockaddr *)&in6));
}
END_TEST

/* A message as recvmmsg() leaves it: one control message in the room. */
static struct msghdr received(struct pktinfo_room *room, int level, int type, const void *data, size_t octets)
{
    struct msghdr message = {0};
    memset(room, 0, sizeof *room);
    pktinfo_expect(&message, room);
    struct cmsghdr *cmsg = &room->control.align;
    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = CMSG_LEN(octets);
    memcpy(CMSG_DATA(cmsg), data, octets);
    message.msg_controllen = CMSG_SPACE(octets);
    return message;
}

START_TEST(answer_leaves_from_where_the_query_came_to)
{
    struct pktinfo_room room;
    struct in_pktinfo info4 = {.ipi_ifindex = 7, .ipi_spec_dst.s_addr = htonl(0xc0000201)};
    struct msghdr answer = {0};
    struct msghdr query = received(&room, IPPROTO_IP, IP_PKTINFO, &info4, sizeof info4);
    pktinfo_answer_from(&query, &answer);
    ck_assert_ptr_nonnull(answer.msg_control);
    memcpy(&info4, CMSG_DATA(&room.control.align), sizeof info4);
    ck_assert_int_eq(info4.ipi_ifindex, 0);
    ck_assert_uint_eq(ntohl(info4.ipi_spec_dst.s_addr), 0xc0000201);

    struct in6_pktinfo info6 = {.ipi6_ifindex = 7};
    inet_pton(AF_INET6, "2001:db8::53", &info6.ipi6_addr);
    query = received(&room, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
    pktinfo_answer_from(&query, &answer);
    memcpy(&info6, CMSG_DATA(&room.control.align), sizeof info6);
    ck_assert_uint_eq(info6.ipi6_ifindex, 0);
    ck_assert_uint_eq(info6.ipi6_addr.s6_addr[15], 0x53);
}
END_TEST

START_TEST(link_local_keeps_its_interface)
{
    struct pktinfo_room room;
    struct in6_pktinfo info = {.ipi6_ifindex = 7};
    struct msghdr answer = {0};
    inet_pton(AF_INET6, "fe80::1", &info.ipi6_addr);
    struct msghdr query = received(&room, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    pktinfo_answer_from(&query, &answer);
    memcpy(&info, CMSG_DATA(&room.control.align), sizeof info);
    ck_assert_uint_eq(info.ipi6_ifindex, 7);
}
END_TEST

START_TEST(without_a_destination_the_kernel_chooses)
{
    struct msghdr query = {0};
    struct msghdr answer = {.msg_control = &query, .msg_controllen = 99};
    pktinfo_answer_from(&query, &answer);
    ck_assert_ptr_null(answer.msg_control);
    ck_assert_uint_eq(answer.msg_controllen, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/pktinfo");
    TCase *tests = tcase_create("pktinfo");
    tcase_add_test(tests, needed_for_wildcards_alone);
    tcase_add_test(tests, answer_leaves_from_where_the_query_came_to);
    tcase_add_test(tests, link_local_keeps_its_interface);
    tcase_add_test(tests, without_a_destination_the_kernel_chooses);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
