/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What FRR, ExaBGP and commands are told, and what FRR and ExaBGP say of a route.
 */
#include "announce/backend_exabgp.h"
#include "announce/backend_exec.h"
#include "announce/backend_frr.h"
#include "announce/child.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct backend_route route_in(enum route_state state)
{
    struct backend_route route = {
        .is = {.family = AF_INET, .bits = 24}, .text = "203.0.113.0/24", .state = state};
    route.announced = state == ROUTE_UP || state == ROUTE_DEGRADED || state == ROUTE_DRAINING;
    route.lesser = route.announced && state != ROUTE_UP;
    return route;
}

static const struct {
    enum route_state state;
    const char *map;
    const char *lesser;
    const char *last;
} networks[] = {
    {ROUTE_UP, "", "", "network 203.0.113.0/24"},
    {ROUTE_UP, "", "less", "network 203.0.113.0/24"},
    {ROUTE_UP, "more", "less", "network 203.0.113.0/24 route-map more"},
    {ROUTE_DEGRADED, "more", "", "network 203.0.113.0/24 route-map more"},
    {ROUTE_DRAINING, "more", "less", "network 203.0.113.0/24 route-map less"},
    {ROUTE_WITHDRAWN, "more", "less", "no network 203.0.113.0/24"},
    {ROUTE_INIT, "", "", "no network 203.0.113.0/24"},
};

START_TEST(what_frr_is_told)
{
    struct settings_backend settings = {.local_as = 4200000000};
    struct backend_route route = route_in(networks[_i].state);
    strcpy(settings.frr_route_map, networks[_i].map);
    strcpy(settings.frr_lesser_route_map, networks[_i].lesser);
    struct frr_script script = frr_change_script(&settings, &route);
    ck_assert_uint_eq(script.count, 4);
    ck_assert_str_eq(script.lines[0], "configure terminal");
    ck_assert_str_eq(script.lines[1], "router bgp 4200000000");
    ck_assert_str_eq(script.lines[2], "address-family ipv4 unicast");
    ck_assert_str_eq(script.lines[3], networks[_i].last);
    route.is.family = AF_INET6;
    strcpy(route.text, "2001:db8:53::/48");
    script = frr_look_script(&route);
    ck_assert_uint_eq(script.count, 1);
    ck_assert_str_eq(script.lines[0], "show bgp ipv6 unicast 2001:db8:53::/48 json");
}
END_TEST

static const struct {
    const char *reply;
    int there;
} tables[] = {
    {"{\n}\n", 0},
    {"{\"prefix\":\"203.0.113.0/24\",\"paths\":[{\"valid\":true,\"sourced\":true,\"local\":true}]}", 1},
    {"{\"paths\":[{\"valid\":true,\"type\":\"external\"},{\"valid\":true,\"sourced\":true}]}", 1},
    {"{\"paths\":[{\"valid\":true,\"type\":\"external\"}]}", 0}, /* another PoP's, which came back to us */
    {"{\"paths\":[{\"sourced\":true}]}", 0},                     /* its next hop is gone */
    {"{\"paths\":7}", 0},
    {"", -1},
    {"% BGP instance not found\n", -1},
    {"[1]", -1},
};

START_TEST(what_frr_says)
{
    ck_assert_int_eq(frr_has_route(tables[_i].reply), tables[_i].there);
}
END_TEST

static struct settings_policy rich(void)
{
    struct settings_policy policy = {.med_set = true, .med = 5, .local_pref = 200, .community_count = 2};
    policy.communities[0] = 64512U << 16 | 1;
    policy.communities[1] = 64512U << 16 | 2;
    policy.large_community_count = 1;
    policy.large_communities[0] = (struct settings_large_community){64512, 1, 4294967295U};
    return policy;
}

static const struct {
    enum route_state state;
    bool rich;
    const char *command;
} announcements[] = {
    {ROUTE_UP, false, "announce route 203.0.113.0/24 next-hop self\n"},
    {ROUTE_WITHDRAWN, true, "withdraw route 203.0.113.0/24 next-hop self\n"},
    {ROUTE_INIT, false, "withdraw route 203.0.113.0/24 next-hop self\n"},
    {ROUTE_UP, true,
     "announce route 203.0.113.0/24 next-hop self med 5 local-preference 200 community [ 64512:1 64512:2 ] "
     "large-community [ 64512:1:4294967295 ]\n"},
    {ROUTE_DRAINING, false, "announce route 203.0.113.0/24 next-hop self med 100 community [ 65535:0 ]\n"},
    {ROUTE_DEGRADED, false, "announce route 203.0.113.0/24 next-hop self med 100 local-preference 50\n"},
};

START_TEST(what_exabgp_is_told)
{
    char text[EXABGP_COMMAND_OCTETS];
    struct backend_route route = route_in(announcements[_i].state);
    if (announcements[_i].rich)
        route.policy = rich();
    ck_assert_str_eq(exabgp_command(&route, text), announcements[_i].command);
}
END_TEST

/* The longest there can be is one whole line, which a pipe takes at once. */
START_TEST(what_exabgp_is_told_at_most)
{
    char text[EXABGP_COMMAND_OCTETS];
    struct backend_route route = route_in(ROUTE_DRAINING);
    route.policy = (struct settings_policy){.med_set = true, .med = UINT32_MAX, .local_pref = UINT32_MAX};
    route.policy.community_count = route.policy.large_community_count = SETTINGS_MAX_COMMUNITIES;
    memset(route.policy.communities, 0xFF, sizeof route.policy.communities);
    memset(route.policy.large_communities, 0xFF, sizeof route.policy.large_communities);
    memset(route.text, 'x', sizeof route.text - 1);
    (void)exabgp_command(&route, text);
    ck_assert_uint_eq((unsigned char)text[strlen(text) - 1], '\n');
}
END_TEST

static const struct {
    const char *line;
    enum exabgp_line is;
} lines[] = {
    {"done", EXABGP_DONE},
    {"error", EXABGP_ERROR},
    {"neighbor 127.0.0.1 ipv4 unicast 203.0.113.0/24 next-hop self", EXABGP_ROUTE},
    {"neighbor 127.0.0.1 ipv4 unicast 203.0.113.0/24", EXABGP_ROUTE},
    {"neighbor 127.0.0.1 ipv4 unicast 203.0.113.0/25 next-hop self", EXABGP_OTHER},
    {"neighbor 127.0.0.1 ipv4 unicast 1203.0.113.0/24 next-hop self", EXABGP_OTHER},
    {"exabgp 4.2.21 203.0.113.0/24", EXABGP_OTHER},
    {"done it", EXABGP_OTHER},
    {"", EXABGP_OTHER},
};

START_TEST(what_exabgp_says)
{
    ck_assert_int_eq(exabgp_line_read(lines[_i].line, strlen(lines[_i].line), "203.0.113.0/24"),
                     lines[_i].is);
}
END_TEST

START_TEST(what_commands_are_told)
{
    struct backend_route route = route_in(ROUTE_DRAINING);
    route.policy = rich();
    struct exec_variables v = exec_variables_of(&route);
    ck_assert_str_eq(v.text[0], "PREFIX=203.0.113.0/24");
    ck_assert_str_eq(v.text[1], "STATE=draining");
    ck_assert_str_eq(v.text[2], "FAMILY=4");
    ck_assert_str_eq(v.text[3], "MED=105");
    route = route_in(ROUTE_INIT);
    ck_assert_str_eq(exec_state(&route), "withdrawn");
    route = route_in(ROUTE_UP);
    ck_assert_str_eq(exec_state(&route), "announced");
    route = route_in(ROUTE_DEGRADED);
    ck_assert_str_eq(exec_state(&route), "degraded");
}
END_TEST

START_TEST(words_of_commands)
{
    static const struct settings_command command = {.count = 2, .octets = 7, .words = "/a\0b c"};
    static const char *const more[] = {"d", NULL};
    const char *words[8];
    ck_assert(child_words(&command, more, words, 4));
    ck_assert_str_eq(words[0], "/a");
    ck_assert_str_eq(words[1], "b c");
    ck_assert_str_eq(words[2], "d");
    ck_assert_ptr_null(words[3]);
    ck_assert(!child_words(&command, more, words, 3));
}
END_TEST

static const struct {
    struct child_end end;
    const char *trouble;
} ends[] = {
    {{.output = ""}, ""},
    {{.output = "all is well\n"}, ""},
    {{.status = 1, .output = "first\nno such thing \n\n"}, "exit status 1: no such thing"},
    {{.status = 7, .output = ""}, "exit status 7"},
    {{.signal = 9, .output = ""}, "ended by signal 9"},
    {{.signal = 9, .timed_out = true, .output = "x"}, "killed after 500 ms: x"},
    {{.error = -ENOENT, .output = ""}, "it can't be started: No such file or directory"},
};

START_TEST(troubles_of_children)
{
    char text[BACKEND_WHY_OCTETS];
    ck_assert_str_eq(child_trouble(&ends[_i].end, 500, text, sizeof text), ends[_i].trouble);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce/backend_commands");
    TCase *tests = tcase_create("commands");
    tcase_add_loop_test(tests, what_frr_is_told, 0, sizeof networks / sizeof networks[0]);
    tcase_add_loop_test(tests, what_frr_says, 0, sizeof tables / sizeof tables[0]);
    tcase_add_loop_test(tests, what_exabgp_is_told, 0, sizeof announcements / sizeof announcements[0]);
    tcase_add_test(tests, what_exabgp_is_told_at_most);
    tcase_add_loop_test(tests, what_exabgp_says, 0, sizeof lines / sizeof lines[0]);
    tcase_add_test(tests, what_commands_are_told);
    tcase_add_test(tests, words_of_commands);
    tcase_add_loop_test(tests, troubles_of_children, 0, sizeof ends / sizeof ends[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
