/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From the configuration's `resolve` to what libunbound is told, and who may ask.
 */
#include "config.h"
#include "resolve/recipe.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "server:\n  listen: [127.0.0.1@5300]\nresolve:\n  trust-anchor: none\n"

static struct settings *read_settings(const char *section)
{
    char text[2048];
    struct findings findings = {0};
    (void)snprintf(text, sizeof text, HEAD "%s", section);
    struct settings *settings = settings_parse(text, strlen(text), "/etc/hither/hither.yaml", &findings);
    findings_free(&findings);
    return settings;
}

static const struct {
    const char *section;
    const char *line; /* that the recipe has; NULL: the section is refused */
} sections[] = {
    {"", "  module-config: \"iterator\"\n"},
    {"  dns64: 64:ff9b::/96\n", "  module-config: \"dns64 iterator\"\n"},
    {"  dns64: 64:ff9b::/97\n", NULL},
    {"  dns64: 10.0.0.0/32\n", NULL},
    {"  forward: [{name: corp.example, to: [10.0.0.53]}]\n",
     "forward-zone:\n  name: \"corp.example.\"\n  forward-addr: 10.0.0.53@53\n"},
    {"  stub: [{name: corp.example, to: [127.0.0.1@5354], validate: false}]\n",
     "  domain-insecure: \"corp.example.\"\n"},
    {"  stub: [{name: corp.example, to: [127.0.0.1@5354]}]\n",
     "stub-zone:\n  name: \"corp.example.\"\n  stub-addr: 127.0.0.1@5354\n"},
    {"  stub: [{name: corp.example, to: [127.0.0.1@5300]}]\n", NULL},
    {"  stub: [{name: corp.example}]\n", NULL},
    {"  stub: [{to: [127.0.0.1@5354]}]\n", NULL},
    {"  stub: [{name: a.example, to: [10.0.0.1]}, {name: A.example, to: [10.0.0.1]}]\n", NULL},
    {"  forward: [{name: 'corp\".example', to: [10.0.0.53]}]\n", NULL},
    {"  local: [ads.example nxdomain]\n", "  local-zone: \"ads.example.\" always_nxdomain\n"},
    {"  local: [www.example 60 A 10.0.0.1]\n", "  local-data: 'www.example 60 A 10.0.0.1'\n"},
    {"  local: [ads.example sinkhole]\n", NULL},
    {"  local: [\"t.example 60 TXT it's\"]\n", NULL},
    {"  negative-trust-anchors: [broken.example until 2100-01-01]\n",
     "  domain-insecure: \"broken.example.\"\n"},
    {"  negative-trust-anchors: [broken.example]\n", NULL},
    {"  negative-trust-anchors: [broken.example until soon]\n", NULL},
    {"  mix-case: true\n", "  use-caps-for-id: yes\n"},
    {"  refuse-private-addresses: true\n", "  private-address: 10.0.0.0/8\n"},
    {"  cache-size: 64M\n", "  msg-cache-size: 4194304\n"},
    {"  cache-size: 64\n", NULL},
    {"  cache-size: 1M\n", NULL},
    {"  cache-size: 9999999999999999999G\n", NULL},
    {"  serve-stale: 73h\n", NULL},
    {"  client-misses: 0\n", NULL},
    {"  allow: [10.0.0.1/8]\n", NULL},
    {"  root-zone: /nowhere/root.zone\n", NULL},
    {"  root-hints: /nowhere/root.hints\n", NULL},
};

START_TEST(written)
{
    const struct recipe_place place = {"/var/lib/hither", 0, 2, 1700000000};
    struct settings *settings = read_settings(sections[_i].section);
    ck_assert((settings != NULL) == (sections[_i].line != NULL));
    if (settings == NULL)
        return;
    char *text = recipe_write(&settings->resolve, &place);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strstr(text, sections[_i].line) != NULL, "no %s in %s", sections[_i].line, text);
    free(text);
    settings_free(settings);
}
END_TEST

START_TEST(an_exemption_ends)
{
    const struct recipe_place place = {"/var/lib/hither", 0, 2, 4102531200 + 86400};
    struct settings *settings =
        read_settings("  negative-trust-anchors: [broken.example until 2100-01-01]\n");
    ck_assert_ptr_nonnull(settings);
    char *text = recipe_write(&settings->resolve, &place);
    ck_assert_ptr_null(strstr(text, "broken"));
    free(text);
    settings_free(settings);
}
END_TEST

static const struct {
    const char *allow;
    const char *client;
    bool allowed;
} clients[] = {
    {"", "127.0.0.1", true},
    {"", "192.168.255.255", true},
    {"", "192.169.0.0", false},
    {"", "172.31.0.1", true},
    {"", "172.32.0.1", false},
    {"", "8.8.8.8", false},
    {"", "::1", true},
    {"", "::2", false},
    {"", "fd12::1", true},
    {"", "fe00::1", false},
    {"", "::ffff:10.0.0.1", true},
    {"", "::ffff:8.8.8.8", false},
    {"  allow: [192.0.2.0/25]\n", "192.0.2.127", true},
    {"  allow: [192.0.2.0/25]\n", "192.0.2.128", false},
    {"  allow: [192.0.2.0/25]\n", "127.0.0.1", false},
    {"  allow: [0.0.0.0/0]\n", "203.0.113.1", true},
    {"  allow: [0.0.0.0/0]\n", "2001:db8::1", false},
    {"  allow: [\"::/0\"]\n", "2001:db8::1", true},
};

START_TEST(who_may)
{
    struct settings *settings = read_settings(clients[_i].allow);
    uint8_t address[16];
    int family = strchr(clients[_i].client, ':') != NULL ? AF_INET6 : AF_INET;
    ck_assert_ptr_nonnull(settings);
    ck_assert_int_eq(inet_pton(family, clients[_i].client, address), 1);
    ck_assert(resolve_allows(&settings->resolve.allow, family, address) == clients[_i].allowed);
    settings_free(settings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve/recipe");
    TCase *tests = tcase_create("recipe");
    tcase_add_loop_test(tests, written, 0, sizeof sections / sizeof sections[0]);
    tcase_add_test(tests, an_exemption_ends);
    tcase_add_loop_test(tests, who_may, 0, sizeof clients / sizeof clients[0]);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
