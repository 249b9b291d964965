/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Real sockets on loopback: where packets arrive, by the port that they come from.
 */
#include "net/lane.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKERS     3
#define SOCKETS     (2 * WORKERS)
#define PATIENCE_MS 5000
#define CLIENTS     96

union address {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

struct group {
    int family;
    int type;
    union address address;
    int fds[SOCKETS];
};

static union address loopback(int family, uint16_t port)
{
    union address a = {0};
    if (family == AF_INET)
        a.in4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    else
        a.in6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
    return a;
}

static int bound(const struct group *g, const union address *to, int shared)
{
    int fd = socket(g->family, g->type | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, shared, &(int){1}, sizeof(int)), 0);
    if (bind(fd, &to->sa, sizeof *to) == 0)
        return fd;
    ck_assert_int_eq(errno, EADDRINUSE);
    close(fd);
    return -1;
}

static struct group group_open(int family, int type)
{
    struct group g = {.family = family, .type = type, .address = loopback(family, 0)};
    socklen_t octets = sizeof g.address;
    for (int i = 0; i < SOCKETS; i++) {
        g.fds[i] = bound(&g, &g.address, SO_REUSEPORT);
        ck_assert_int_ge(g.fds[i], 0);
        ck_assert(type == SOCK_DGRAM || listen(g.fds[i], CLIENTS) == 0);
        if (i == 0) {
            ck_assert_int_eq(getsockname(g.fds[0], &g.address.sa, &octets), 0);
            ck_assert_int_eq(lane_attach(g.fds[0], family, WORKERS), 0);
        }
    }
    return g;
}

static void group_close(const struct group *g)
{
    for (int i = 0; i < SOCKETS; i++)
        close(g->fds[i]);
}

/* Which socket hears from a client on this port (0: any); -1: the port is taken. */
static int reached(const struct group *g, uint16_t port)
{
    struct pollfd polls[SOCKETS];
    union address from = loopback(g->family, port);
    int fd = bound(g, &from, SO_REUSEADDR);
    if (fd < 0)
        return -1;
    ck_assert(connect(fd, &g->address.sa, sizeof g->address) == 0 || errno == EINPROGRESS);
    ck_assert(g->type == SOCK_STREAM || send(fd, "x", 1, 0) == 1);
    for (int i = 0; i < SOCKETS; i++)
        polls[i] = (struct pollfd){.fd = g->fds[i], .events = POLLIN};
    ck_assert_int_eq(poll(polls, SOCKETS, PATIENCE_MS), 1);
    int at = 0;
    while (polls[at].revents == 0)
        at++;
    char octet;
    int peer = g->type == SOCK_STREAM ? accept(g->fds[at], NULL, NULL) : -1;
    ck_assert(g->type == SOCK_STREAM ? peer >= 0 : recv(g->fds[at], &octet, 1, 0) == 1);
    struct linger reset = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    if (peer >= 0)
        close(peer);
    return at;
}

static const struct {
    int family;
    int type;
} kinds[] = {{AF_INET, SOCK_DGRAM}, {AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_DGRAM}, {AF_INET6, SOCK_STREAM}};

START_TEST(a_probe_reaches_its_worker)
{
    struct group g = group_open(kinds[_i].family, kinds[_i].type);
    for (uint32_t random = 0; random < 20; random++) {
        for (unsigned worker = 0; worker < WORKERS; worker++) {
            int at = reached(&g, lane_port(worker, WORKERS, random * 2654435761U));
            if (at >= 0)
                ck_assert_int_eq(at, (int)(WORKERS + worker));
        }
    }
    group_close(&g);
}
END_TEST

/* All of 96 at one of three: once in 10^45 runs. */
START_TEST(others_are_spread_over_the_other_sockets)
{
    struct group g = group_open(kinds[_i].family, kinds[_i].type);
    int count[SOCKETS] = {0};
    for (int i = 0; i < CLIENTS; i++) {
        int at = reached(&g, 0);
        ck_assert_int_ge(at, 0);
        count[at]++;
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_lt(count[i], CLIENTS);
        ck_assert_int_gt(count[i], 0);
        ck_assert_int_eq(count[WORKERS + i], 0);
    }
    group_close(&g);
}
END_TEST

START_TEST(ports_cover_the_whole_range)
{
    for (unsigned workers = 1; workers <= 64; workers++) {
        bool seen[LANE_PORTS] = {false};
        for (unsigned worker = 0; worker < workers; worker++) {
            for (uint32_t random = 0; random <= LANE_PORTS / workers; random++) {
                uint16_t port = lane_port(worker, workers, random);
                ck_assert_uint_ge(port, LANE_PORT_FIRST);
                ck_assert_uint_eq((port - LANE_PORT_FIRST) % workers, worker);
                seen[port - LANE_PORT_FIRST] = true;
            }
        }
        for (unsigned i = 0; i < LANE_PORTS; i++)
            ck_assert(seen[i]);
    }
}
END_TEST

START_TEST(a_socket_that_shares_nothing_is_refused)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    union address any = loopback(AF_INET, 0);
    ck_assert_int_eq(bind(fd, &any.sa, sizeof any), 0);
    ck_assert_int_lt(lane_attach(fd, AF_INET, WORKERS), 0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/lane");
    TCase *tests = tcase_create("lane");
    tcase_add_loop_test(tests, a_probe_reaches_its_worker, 0, 4);
    tcase_add_loop_test(tests, others_are_spread_over_the_other_sockets, 0, 4);
    tcase_add_test(tests, ports_cover_the_whole_range);
    tcase_add_test(tests, a_socket_that_shares_nothing_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
