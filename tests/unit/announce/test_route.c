/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/route.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum verdict verdict;
    bool fresh;
    enum drain_phase drain;
    enum route_state state;
} states[] = {
    {VERDICT_NONE, true, DRAIN_NONE, ROUTE_INIT},
    {VERDICT_NONE, false, DRAIN_NONE, ROUTE_INIT},
    {VERDICT_NONE, true, DRAIN_MARKED, ROUTE_INIT},
    {VERDICT_GOOD, true, DRAIN_NONE, ROUTE_UP},
    {VERDICT_GOOD, false, DRAIN_NONE, ROUTE_WITHDRAWN},
    {VERDICT_GOOD, true, DRAIN_MARKED, ROUTE_DRAINING},
    {VERDICT_GOOD, false, DRAIN_MARKED, ROUTE_WITHDRAWN},
    {VERDICT_GOOD, true, DRAIN_WITHDRAWN, ROUTE_WITHDRAWN},
    {VERDICT_DEGRADED, true, DRAIN_NONE, ROUTE_DEGRADED},
    {VERDICT_DEGRADED, true, DRAIN_MARKED, ROUTE_DRAINING},
    {VERDICT_DEGRADED, false, DRAIN_NONE, ROUTE_WITHDRAWN},
    {VERDICT_BAD, true, DRAIN_NONE, ROUTE_WITHDRAWN},
    {VERDICT_BAD, true, DRAIN_MARKED, ROUTE_WITHDRAWN},
};

START_TEST(state_of)
{
    ck_assert_int_eq(route_state_of(states[_i].verdict, states[_i].fresh, states[_i].drain),
                     states[_i].state);
}
END_TEST

/* Never without a verdict, never on a stale or bad one, never after the withdrawal of a drain. */
START_TEST(never_announced_while_withdrawn_is_desired)
{
    for (int v = VERDICT_NONE; v <= VERDICT_BAD; v++)
        for (int fresh = 0; fresh < 2; fresh++)
            for (int drain = DRAIN_NONE; drain <= DRAIN_WITHDRAWN; drain++) {
                bool may =
                    (v == VERDICT_GOOD || v == VERDICT_DEGRADED) && fresh != 0 && drain != DRAIN_WITHDRAWN;
                ck_assert(route_is_announced(
                              route_state_of((enum verdict)v, fresh != 0, (enum drain_phase)drain)) == may);
            }
}
END_TEST

START_TEST(the_more_present_state)
{
    static const enum route_state order[] = {ROUTE_INIT, ROUTE_WITHDRAWN, ROUTE_DRAINING, ROUTE_DEGRADED,
                                             ROUTE_UP};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            ck_assert_int_eq(route_state_more_present(order[i], order[j]), order[i > j ? i : j]);
}
END_TEST

static struct bgp_session session;
static struct bgp_peer_settings settings;
static struct next_hops hops;
static struct settings_policy policy;
static struct bgp_route route;

static void begin(void)
{
    session = (struct bgp_session){.peer = {.families = BGP_IPV4 | BGP_IPV6, .four_octet_as = true}};
    settings = (struct bgp_peer_settings){.local_as = 64512, .remote_as = 64500};
    hops = (struct next_hops){{AF_INET, false, {192, 0, 2, 2}}, {AF_INET6, false, {0x20, 1}}};
    policy = (struct settings_policy){.med_set = true, .med = 10, .prepend = 1, .local_pref = 200};
}

static const char *ask(enum route_state state, uint8_t family)
{
    return route_for_session(&session, &settings, &hops, &policy, state, family, &route);
}

START_TEST(a_good_route)
{
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
    ck_assert_uint_eq(route.next_hop.family, AF_INET);
    ck_assert_uint_eq(route.policy.med, 10);
    ck_assert_uint_eq(route.policy.prepend, 1);
    ck_assert(!route.graceful_shutdown && !route.internal && !route.only_to_customer && route.four_octet_as);
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET6));
    ck_assert_uint_eq(route.next_hop.family, AF_INET6);
}
END_TEST

START_TEST(a_lesser_route)
{
    ck_assert_ptr_null(ask(ROUTE_DEGRADED, AF_INET));
    ck_assert_uint_eq(route.policy.med, 110);
    ck_assert_uint_eq(route.policy.prepend, 3);
    ck_assert_uint_eq(route.policy.local_pref, 50);
    ck_assert(!route.graceful_shutdown);
    ck_assert_ptr_null(ask(ROUTE_DRAINING, AF_INET));
    ck_assert(route.graceful_shutdown);
    ck_assert_uint_eq(route.policy.med, 110);
    policy.med_set = false;
    ck_assert_ptr_null(ask(ROUTE_DEGRADED, AF_INET));
    ck_assert(route.policy.med_set);
    ck_assert_uint_eq(route.policy.med, 100);
    policy = (struct settings_policy){.med_set = true, .med = UINT32_MAX - 5, .prepend = 255};
    ck_assert_ptr_null(ask(ROUTE_DEGRADED, AF_INET));
    ck_assert_uint_eq(route.policy.med, UINT32_MAX);
    ck_assert_uint_eq(route.policy.prepend, 255);
}
END_TEST

START_TEST(families_that_cannot_be_announced)
{
    session.peer.families = BGP_IPV4;
    ck_assert_ptr_nonnull(ask(ROUTE_UP, AF_INET6));
    begin();
    hops.ipv6.family = 0;
    ck_assert_ptr_nonnull(ask(ROUTE_UP, AF_INET6));
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
}
END_TEST

START_TEST(ipv4_over_ipv6_where_agreed)
{
    hops.ipv4.family = 0;
    ck_assert_ptr_nonnull(ask(ROUTE_UP, AF_INET));
    session.peer.ipv4_over_ipv6 = true;
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
    ck_assert_uint_eq(route.next_hop.family, AF_INET6);
}
END_TEST

START_TEST(inside_one_as_and_roles)
{
    settings.remote_as = 64512;
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
    ck_assert(route.internal);
    settings.role = ROLE_CUSTOMER;
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
    ck_assert(!route.only_to_customer);
    settings.role = ROLE_PEER;
    ck_assert_ptr_null(ask(ROUTE_UP, AF_INET));
    ck_assert(route.only_to_customer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/route");
    TCase *tests = tcase_create("route");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, state_of, 0, sizeof states / sizeof states[0]);
    tcase_add_test(tests, never_announced_while_withdrawn_is_desired);
    tcase_add_test(tests, the_more_present_state);
    tcase_add_test(tests, a_good_route);
    tcase_add_test(tests, a_lesser_route);
    tcase_add_test(tests, families_that_cannot_be_announced);
    tcase_add_test(tests, ipv4_over_ipv6_where_agreed);
    tcase_add_test(tests, inside_one_as_and_roles);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
